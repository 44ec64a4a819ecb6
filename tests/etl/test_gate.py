"""The gate: files about persons are refused whole, and no value of them is repeated."""

from __future__ import annotations

import json
import logging
import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from etl.demo import write_demo
from etl.findings import IntakeError
from etl.gate import personal_columns
from etl.headings import is_personal_header
from etl.persons import has_identity_number, redact
from etl.pipeline import run
from etl.settings import load_locality
from etl.store.accepted import load_accepted
from etl.store.engine import open_engine
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
        "监护人", "联系人", "微信号", "护照号", "港澳居民来往内地通行证号",
        "银行卡号", "就诊号", "户主", "曾用名",
    ],
)  # fmt: skip
def test_person_headers_are_known(header: str) -> None:
    assert is_personal_header(header, facilities=False)


@pytest.mark.parametrize(
    "header",
    [
        "个案数", "在册患者数", "来电人次", "电话咨询人次", "热线来电", "咨询人次", "人口",
        "村社区名称", "name", "地区", "出生人口", "身份证办理量", "周次", "代码", "户数",
        "VILLENG", "id", "phone calls", "cases", "学生名额", "服务对象名称", "出生",
        "患者", "微信咨询", "患者随访情况", "门诊", "住院", "监护人补贴户数",
    ],
)  # fmt: skip
def test_figures_are_not_taken_for_persons(header: str) -> None:
    assert not is_personal_header(header, facilities=False)


def test_institutions_may_have_a_telephone() -> None:
    for header in ("联系电话", "电话", "负责人手机", "地址", "负责人姓名", "机构名称", "联系人"):
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


def columns(*, facilities: bool = False, **texts: list[str]) -> dict[str, str]:
    """Columns that are refused, and why."""
    cells = pd.DataFrame({name: pd.Categorical(own) for name, own in texts.items()})
    return {c.column: c.reason for c in personal_columns(cells, facilities=facilities)}


PERSONS = ["王小明", "李秀英", "张伟强", "欧阳娜娜", "赵敏", "阿依古丽·买买提", "陳怡君"]


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (PERSONS, "name_list"),
        (["王 明", "李 强", "张 伟"], "name_list"),
        (["王*明", "李**", "张某某"], "name_list"),
        (["110105********002X", "330102********1234", "420106********5678"], "masked_number"),
        (["138****8000", "139****9001", "150****0002"], "masked_number"),
        (["A123456789", "F131104093", "A223456781"], "permit_number"),
        (["A123456(3)", "G123456(A)", "AB987654(3)"], "permit_number"),
        (["0912-345-678", "0987-654-321", "0955-123-456"], "taiwan_mobile_number"),
        (["a.b@qq.com", "c@163.com", "d_e@example.com"], "e_mail"),
        (["wxid_abc12345", "微信号：xiaoming88", "wxid_xyz98765"], "chat_id"),
        (["柳溪小区3号楼2单元501室", "朝阳路12号院1栋303", "幸福里5幢2单元1201"], "home_address"),
        (["柳溪村3组12号", "松岭村二组5号", "石湾村村民组9号 1组7号"], "home_address"),
    ],
)  # fmt: skip
def test_values_betray_persons(texts: list[str], reason: str) -> None:
    assert columns(其他=texts, 人次=["1"] * len(texts)) == {"其他": reason}


@pytest.mark.parametrize(
    ("header", "texts"),
    [
        ("村", ["高桥", "白沙", "石湾", "马街", "龙泉", "金山", "王家", "李庄"]),
        ("社区", ["高桥社区", "白沙社区", "安居苑社区", "万寿路社区"]),
        ("乡镇", ["安平", "成功", "高雄", "马公", "白沙", "金门"]),
        ("内容", ["王家湾", "李家庄", "张集镇", "高桥", "白沙洲", "马街村"]),
        ("机构名称", ["安康医院", "康宁医院", "时代社工站", "方舟心理咨询中心"]),
        ("学校", ["高桥小学", "白沙中学", "金山一中", "石湾幼儿园"]),
        ("类别", ["高中", "高校", "小学", "文化馆", "安全", "常规"]),
        ("科室", ["心理科", "康复科", "全科", "儿科", "和解室"]),
        ("部门", ["政法委", "卫健委", "民政局", "文旅局"]),
        ("渠道", ["电话", "微信", "现场", "电话", "微信"]),
        ("地址", ["人民路12号", "柳溪镇政府旁", "中山大道100号附1号"]),
        ("面积", ["13912345678.25", "0.13912345678", "15.5"]),
        ("编号", ["XL0001", "S12345678", "H12345678", "P2023001"]),
        ("账户", ["6222021234567890128", "1234567890123456", "4111111111111112"]),
        ("开放日期", ["1956-01-01", "1987-05-06", "2020-09-10", "2024-01-01"]),
        ("邮件", ["xzb@chengguan.gov.cn", "zfw@city.gov.cn", "office@school.edu.cn"]),
        ("等级", ["黄色", "蓝色", "橙色", "红色"]),
        ("情况", ["稳定", "正常", "安静", "康复中", "时好时坏", "于家中"]),
    ],
)
def test_what_only_looks_like_persons_passes(header: str, texts: list[str]) -> None:
    assert columns(**{header: texts}) == {}
    assert columns(facilities=True, **{header: texts}) == {}


def test_beside_persons_weaker_signs_are_named_too() -> None:
    cards = ["6222021234567890128", "6217001234567890123", "4111111111111111"]
    weak = {
        "卡": ["4111111111111111", "5500000000000004", "340000000000009", "6011000000000004"],
        "日": ["1956-01-01", "1987-05-06", "2010-09-10", "1990-01-01"],
        "证": ["E12345678", "G87654321", "H1234567890", "E12345679"],
    }
    assert columns(**weak) == {}
    found = columns(**weak, 其他=PERSONS[:4])
    assert found == {"卡": "bank_card", "日": "birth_date", "证": "passport", "其他": "name_list"}
    assert not set(cards) & set(found)


def test_known_areas_are_nobody() -> None:
    texts = ["高明", "白云", "安宁", "龙华"]
    cells = pd.DataFrame({"其他": pd.Categorical(texts)})
    assert personal_columns(cells, facilities=False)
    assert not personal_columns(cells, facilities=False, places=frozenset(texts))


def test_a_header_that_is_a_value_is_not_repeated() -> None:
    found = columns(**{"姓名：王小明": ["略"] * 3, IDENTITY: ["1"] * 3, "备注": [IDENTITY] * 3})
    assert set(found) == {"#1", "备注"}
    assert columns(**{f"患者 {IDENTITY} 姓名": ["略"]}) == {"#1": "header"}


def test_names_in_a_facility_file_pass_by_their_header_only() -> None:
    assert columns(facilities=True, 负责人=PERSONS) == {}
    assert columns(facilities=True, 服务过的人=PERSONS) == {"服务过的人": "name_list"}


def test_few_names_among_many_remarks_are_no_list() -> None:
    remarks = [f"第{i}次走访，情况正常" for i in range(60)]
    assert columns(备注=[*remarks, *PERSONS]) == {}


@pytest.mark.parametrize(
    "text",
    [
        "身份证 110105-19491231-002X", "１１０１０５１９４９１２３１００２Ｘ",
        "+86 138 0013 8000", "0086-13800138000",
        "138-0013-8000", "台胞 A123456789", "港 A123456(3)", "110105491231002", "a.b@qq.com",
        "wxid_abc12345", "3号楼2单元501室", "0912-345-678",
    ],
)  # fmt: skip
def test_redaction_knows_every_form(text: str) -> None:
    masked = redact(f"甲 {text} 乙")
    assert "●" in masked
    assert masked.startswith("甲 ")
    assert masked.endswith(" 乙")
    assert len(re.findall(r"[0-9]", masked)) <= 4  # the country code may stay


@pytest.mark.parametrize(
    "text",
    [
        "990101001001", "990101001001-001", "2026-11-09 10:12:13", "027-85551234",
        "3.14159265358979",
        "人民路12号", "1234567", "甲村3组", "XL000123", "113.8512345,31.3512345", "xzb@city.gov.cn",
    ],
)  # fmt: skip
def test_redaction_leaves_the_rest(text: str) -> None:
    assert redact(text) == text


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


def test_nothing_of_a_person_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Store, log, temporary folder, quarantine: none holds a byte of what was refused."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    place = tmp_path / "place"
    write_demo(place, seed=7, cells=200, weeks=20, end_week="2026-W46")
    handed = place / "周报" / "妇联_家暴求助周报.txt"
    before = handed.read_text(encoding="utf-8")
    canaries = ("王金丝雀", "13877776666", IDENTITY, "金丝雀小区8号楼3单元1102室")
    lines = before.splitlines()
    lines[0] += "\t情形"
    lines[1:] = [f"{line}\t{canaries[i % 4]}" for i, line in enumerate(lines[1:])]
    handed.write_text("\n".join(lines), encoding="utf-8")
    settings = load_locality(place)
    with caplog.at_level(logging.DEBUG):
        result = run(settings, now=datetime(2026, 11, 16, 2, 0, tzinfo=UTC))
    assert result.failed_sources
    said = caplog.text + repr(result)
    kept = [p for p in tmp_path.rglob("*") if p.is_file() and p != handed]
    assert any(".xintu" in p.parts for p in kept)
    for canary in canaries:
        assert canary not in said
        forms = {canary.encode(encoding) for encoding in ("utf-8", "gb18030", "utf-16-le")}
        for path in kept:
            content = path.read_bytes()
            assert not any(form in content for form in forms), path
    finding = load_accepted(open_engine(settings.store_url, read_only=True)).findings
    assert (finding["rule"] == "personal_data").any()
