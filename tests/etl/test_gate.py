"""The gate: files about persons are refused whole, and no value of them is repeated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from etl.findings import IntakeError
from etl.gate import has_identity_number, is_personal_header, redact
from tests.support.locality import NW, SW, Folder, findings, rules, village_features

# The check character of 11010519491231002X is the worked example of GB 11643-1999, annex A.
IDENTITY = "11010519491231002X"
BROKEN_IDENTITY = "110105194912310021"
MOBILE = "13800138000"


def weekly(folder: Folder, header: str, rows: list[str]) -> None:
    folder.write("weekly.csv", "\n".join([header, *rows]) + "\n")
    folder.weekly()


@pytest.mark.parametrize(
    "header",
    [
        "姓名", "患者姓名", "居民 姓名", "身份证", "身份证号", "身份证号码", "公民身份号码",
        "手机", "手机号", "手机号码(本人)", "联系电话", "电话", "家庭住址", "现住址", "户籍地址",
        "出生日期", "出生年月", "病历号", "住院号", "个案编号", "监护人姓名",
        "ID card no", "id_number", "patient_name", "First Name", "date of birth", "DOB",
        "home_address", "mobile phone", "case_no", "medical record number", "基本情况/姓名",
    ],
)  # fmt: skip
def test_person_headers_are_known(header: str) -> None:
    assert is_personal_header(header, facilities=False)


@pytest.mark.parametrize(
    "header",
    [
        "个案数", "在册患者数", "来电人次", "电话咨询人次", "热线来电", "咨询人次", "人口",
        "村社区名称", "name", "地区", "出生人口", "身份证办理量", "周次", "代码", "户数",
        "VILLENG", "id", "phone calls", "cases",
    ],
)  # fmt: skip
def test_figures_are_not_taken_for_persons(header: str) -> None:
    assert not is_personal_header(header, facilities=False)


def test_institutions_may_have_a_telephone() -> None:
    for header in ("联系电话", "电话", "负责人手机", "地址", "负责人姓名", "机构名称"):
        assert not is_personal_header(header, facilities=True)
    for header in ("身份证号", "出生日期", "家庭住址", "病历号", "姓名"):
        assert is_personal_header(header, facilities=True)


def test_check_digit_decides() -> None:
    assert has_identity_number(f"编号{IDENTITY}。")
    assert has_identity_number(IDENTITY.lower())
    assert not has_identity_number(BROKEN_IDENTITY)
    assert not has_identity_number(f"1{IDENTITY}")


def test_redaction_leaves_area_codes() -> None:
    assert redact(f"找 {IDENTITY}") == "找 " + "●" * 18
    assert redact(MOBILE) == "●" * 11
    assert redact("990101001001") == "990101001001"
    # An 11-digit code of a county whose number begins like a telephone's.
    assert redact("14010600100", known=frozenset({"140106"})) == "14010600100"
    assert redact("14010600100") == "●" * 11


@pytest.mark.parametrize("column", ["姓名", "身份证号", "联系电话", "家庭住址"])
def test_file_with_a_person_column_is_refused_whole(tmp_path: Path, column: str) -> None:
    folder = Folder.with_areas(tmp_path)
    weekly(folder, f"周,代码,人次,{column}", [f"2026-W40,{SW},3,甲某某", f"2026-W40,{NW},2,乙某某"])
    result = folder.result()
    assert result.failed
    assert rules(result) == ["personal_data"]
    assert column in result.findings[0].message("zh")
    assert result.frame.empty
    assert result.quarantine.empty
    assert result.rows_read == 0
    assert "某某" not in repr(result)


def test_one_identity_number_refuses_the_file(tmp_path: Path) -> None:
    folder = Folder.with_areas(tmp_path)
    rows = [f"2026-W{week},{SW},3," for week in range(10, 40)]
    weekly(folder, "周,代码,人次,备注", [*rows, f"2026-W41,{SW},1,11010519491231002X"])
    (finding,) = findings(folder.result(), "personal_data")
    assert finding.column == "备注"
    assert "备注 (1)" in finding.action.zh
    assert IDENTITY not in repr(finding)


def test_many_mobile_numbers_refuse_the_file_and_one_does_not(tmp_path: Path) -> None:
    folder = Folder.with_areas(tmp_path)
    weekly(folder, "周,代码,人次,备注", [f"2026-W{w},{SW},3,{MOBILE}" for w in range(10, 20)])
    (finding,) = findings(folder.result(), "personal_data")
    assert "备注 (10)" in finding.action.zh
    rows = [f"2026-W{w},{SW},3," for w in range(10, 20)]
    folder.write("weekly.csv", "\n".join(["周,代码,人次,备注", *rows, f"2026-W21,{SW},3,{MOBILE}"]))
    result = folder.result()
    assert not result.failed
    assert MOBILE not in repr(result)


def test_codes_that_lost_a_digit_are_no_telephones(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    codes = [f"14010600100{i}" for i in range(1, 5)]
    shapes = [f["geometry"] for f in village_features()]
    folder.areas(
        "villages",
        "village",
        [
            {"type": "Feature", "properties": {"code": c, "name": c}, "geometry": shape}
            for c, shape in zip(codes, shapes, strict=True)
        ],
    )
    weekly(folder, "周,代码,人次", [f"2026-W{w},{codes[0][:-1]},3" for w in range(10, 40)])
    result = folder.result()
    assert not result.failed
    (first, *_) = findings(result, "malformed_code")
    assert first.came == codes[0][:-1]


def test_quarantine_holds_no_telephone(tmp_path: Path) -> None:
    folder = Folder.with_areas(tmp_path)
    weekly(folder, "周,代码,人次", [f"2026-W40,{SW},3", f"2026-W41,{NW},{MOBILE}转12"])
    result = folder.result()
    assert json.loads(result.quarantine["raw"].iloc[0])["人次"] == "●" * 11 + "转12"
    assert MOBILE not in repr(result.findings)


def test_facilities_keep_telephones_out_and_identity_numbers_refuse_them(tmp_path: Path) -> None:
    folder = Folder.with_areas(tmp_path)
    columns = {"name": "名称", "lon": "经度", "lat": "纬度"}
    rows = [f"甲室{i},113.85,31.3{i},{MOBILE}" for i in range(1, 9)]
    folder.write("rooms.csv", "\n".join(["名称,经度,纬度,联系电话", *rows]))
    folder.source("rooms", "facilities", "rooms.csv", kind="counselling_room", columns=columns)
    result = folder.result("rooms")
    assert result.accepted == 8
    assert MOBILE not in repr(result.frame.to_dict())
    folder.write("rooms.csv", f"名称,经度,纬度,备注\n甲室,113.85,31.35,{IDENTITY}\n")
    assert rules(folder.result("rooms")) == ["personal_data"]


def test_boundaries_with_persons_end_the_intake(tmp_path: Path) -> None:
    folder = Folder.with_areas(tmp_path)
    features = village_features()
    for one in features:
        one["properties"]["村长姓名"] = "某人"
    folder.areas("more", "village", features)
    with pytest.raises(IntakeError, match="Personal data") as caught:
        folder.ingest()
    assert "某人" not in str(caught.value)
