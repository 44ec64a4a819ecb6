"""Facilities: kinds, places, datums, duplicates, and what is not a place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from etl.sources.proposal.mapping import propose
from geo.datum import from_wgs84
from tests.support.locality import (
    CENTRES,
    COUNTY,
    NE,
    NW,
    SE,
    SW,
    TOWNS,
    Folder,
    assert_accounted,
    findings,
    rules,
    town_features,
    village_features,
)

HEADER = "名称,经度,纬度,类别,代码,人员,状态,启用,停用"
COLUMNS = {
    "name": "名称", "lon": "经度", "lat": "纬度", "kind": "类别", "area_code": "代码",
    "staff": "人员", "status": "状态", "opened_on": "启用", "closed_on": "停用",
}  # fmt: skip
KINDS = {"心理咨询室": "counselling_room", "医院": "hospital", "热线": "hotline"}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder.with_areas(tmp_path)
    folder.source("sites", "facilities", "sites.csv", columns=COLUMNS, kinds=KINDS)
    return folder


def row(name: str = "甲", **cells: object) -> str:
    usual: dict[str, object] = {"lon": 113.85, "lat": 31.35, "kind": "心理咨询室"}
    values = {"name": name, **usual, **cells}
    return ",".join(str(values.get(key, "")) for key in COLUMNS)


def sites(folder: Folder, *rows: str) -> None:
    folder.write("sites.csv", "\n".join([HEADER, *rows]) + "\n")


def test_site_is_located_at_every_level(folder: Folder) -> None:
    sites(folder, row("甲室", staff="2.5", opened_on="2020/5/1"))
    (site,) = folder.result("sites").frame.to_dict("records")
    assert (site["village_code"], site["town_code"], site["area_code"]) == (SW, TOWNS[0], SW)
    assert (site["kind"], site["status"], site["quality"]) == ("counselling_room", "open", "exact")
    assert (site["staff"], site["opened_on"], site["source_row"]) == (2.5, "2020-05-01", 2)
    assert np.isnan(site["beds"])
    assert (site["lon"], site["lat"], site["datum"]) == (113.85, 31.35, "WGS84")


@pytest.mark.parametrize("datum", ["GCJ02", "BD09", "CGCS2000"])
def test_datum_is_turned_to_wgs84_and_the_original_kept(folder: Folder, datum: str) -> None:
    (lon,), (lat,) = from_wgs84([113.85], [31.35], datum=datum)
    sites(folder, row("甲室", lon=repr(float(lon)), lat=repr(float(lat))))
    folder.sources[-1]["datum"] = datum
    (site,) = folder.result("sites").frame.to_dict("records")
    assert site["lon"] == pytest.approx(113.85, abs=1e-6)
    assert site["lat"] == pytest.approx(31.35, abs=1e-6)
    assert (site["x_original"], site["y_original"]) == (lon, lat)
    assert site["datum"] == datum


def test_kind_by_whole_value_then_contained_then_default(folder: Folder) -> None:
    folder.sources[-1]["kinds"] = {"心理": "service_org", "心理咨询室": "counselling_room"}
    sites(
        folder,
        row("a", kind="心理咨询室"),
        row("b", kind="某心理公司"),
        row("c", kind="school"),
        row("d", kind="食堂"),
        row("e", kind=""),
    )
    result = folder.result("sites")
    kinds = dict(zip(result.frame["name"], result.frame["kind"], strict=True))
    assert kinds == {"a": "counselling_room", "b": "service_org", "c": "school"}
    assert [(f.rule, f.row) for f in result.findings] == [("missing_value", 6), ("unknown_kind", 5)]
    assert_accounted(result)
    folder.sources[-1]["kind"] = "host_venue"
    kinds = {r["name"]: r["kind"] for r in folder.result("sites").frame.to_dict("records")}
    assert (kinds["d"], kinds["e"]) == ("host_venue", "host_venue")


def test_status_from_column_else_from_dates(folder: Folder) -> None:
    folder.sources[-1]["statuses"] = {"停办": "closed", "在建": "planned"}
    sites(
        folder,
        row("a", status="停办"),
        row("b", status=""),
        row("c", closed_on="2026-01-01"),
        row("d", opened_on="2027-01-01"),
        row("e", closed_on="2027-01-01"),
        row("f", status="不明"),
        row("g", status="在建"),
    )
    result = folder.result("sites")
    status = dict(zip(result.frame["name"], result.frame["status"], strict=True))
    assert status == {
        "a": "closed", "b": "open", "c": "closed", "d": "planned", "e": "open", "g": "planned",
    }  # fmt: skip
    assert [(f.rule, f.came) for f in result.findings] == [("unknown_status", "不明")]


def test_bad_attributes_are_unknown_and_the_site_stays(folder: Folder) -> None:
    sites(folder, row("a", staff="3人"), row("b", staff="-1"), row("c", opened_on="去年"))
    result = folder.result("sites")
    assert result.accepted == 3
    assert result.frame["staff"].isna().all()
    assert rules(result) == ["bad_attribute", "bad_attribute", "bad_date"]


def test_outside_waits_with_its_distance(folder: Folder) -> None:
    sites(folder, row("内"), row("外", lon=114.1), row("零", lon=0, lat=0), row("无", lat=200))
    result = folder.result("sites")
    assert result.frame["name"].tolist() == ["内"]
    found = findings(result, "outside_locality")
    assert [(f.row, f.came) for f in found] == [(3, "114.1"), (4, "0"), (5, "113.85")]
    assert {f.severity for f in found} == {"error"}
    # 0.1 degree of longitude at 31.35 N: 111.32 km x cos(31.35) x 0.1.
    assert "9.5 千米" in found[0].action.zh
    assert_accounted(result)


def test_swapped_coordinates_are_recognised_and_said(folder: Folder) -> None:
    sites(folder, row("反", lon=31.35, lat=113.85), row("正", lon=113.95))
    result = folder.result("sites")
    by_name = result.frame.set_index("name")
    assert by_name.loc["反", ["lon", "lat", "village_code"]].tolist() == [113.85, 31.35, SW]
    assert by_name.loc["反", "x_original"] == 31.35
    (finding,) = result.findings
    assert (finding.rule, finding.severity, finding.row) == ("swapped_lonlat", "warning", 2)


def test_missing_and_broken_coordinates(folder: Folder) -> None:
    text = "\n".join(
        [
            HEADER,
            f"一,,,心理咨询室,{SE},,,,",
            f"二,东经113度,31.35,心理咨询室,{SE},,,,",
            "三,,,心理咨询室,,,,,",
            "四,113.85,x,心理咨询室,,,,,",
            "五,,,心理咨询室,990101009999,,,,",
            f"六,,,心理咨询室,{TOWNS[1]},,,,",
            "七,113.85,31.35,心理咨询室,990101009999,,,,",
        ]
    )
    folder.write("sites.csv", text)
    result = folder.result("sites")
    placed = result.frame.set_index("name")
    assert sorted(placed.index) == ["一", "七", "二", "六"]
    assert placed.loc["一", ["village_code", "quality"]].tolist() == [SE, "village"]
    assert placed.loc["六", ["town_code", "quality"]].tolist() == [TOWNS[1], "town"]
    assert placed.loc["七", "quality"] == "exact"
    assert np.isnan(placed.loc["一", "x_original"])
    assert sorted((f.rule, f.row, f.column) for f in result.findings) == [
        ("bad_coordinate", 5, "纬度"),
        ("coordinate_replaced", 3, "经度"),
        ("placed_by_area", 2, "经度"),
        ("placed_by_area", 3, "经度"),
        ("placed_by_area", 7, "经度"),
        ("unknown_site_area", 8, "代码"),
        ("unplaced", 4, "代码"),
        ("unplaced", 6, "代码"),
    ]
    assert_accounted(result)


def test_file_without_coordinates_is_placed_by_code(folder: Folder) -> None:
    folder.write("codes.csv", f"名称,代码\n甲,{SW}\n乙,{NE}\n丙,{TOWNS[0]}\n")
    columns = {"name": "名称", "area_code": "代码"}
    folder.source("codes", "facilities", "codes.csv", kind="host_venue", columns=columns)
    sites(folder, row("丁"))
    result = folder.result("codes")
    assert result.frame.set_index("name")["village_code"].loc[["甲", "乙"]].tolist() == [SW, NE]
    told = [(f.count, f.row, f.column) for f in findings(result, "placed_by_area")]
    assert sorted(told) == [(1, None, None), (2, None, None)]


def test_hotline_needs_no_place(folder: Folder) -> None:
    folder.write("sites.csv", f"{HEADER}\n某热线,,,热线,,,,,\n县热线,,,热线,{COUNTY},,,,\n")
    result = folder.result("sites")
    placed = result.frame.set_index("name")
    assert np.isnan(placed.loc["某热线", "lon"])
    assert not np.isnan(placed.loc["县热线", "lon"])
    assert result.quarantined == 0


def test_coordinate_far_from_the_named_area_is_said(folder: Folder) -> None:
    x, y = CENTRES[NE]
    folder.write("sites.csv", f"{HEADER}\n甲,{x},{y},心理咨询室,{NW},,,,\n")
    result = folder.result("sites")
    assert result.frame["village_code"].tolist() == [NE]
    (finding,) = result.findings
    assert finding.rule == "place_mismatch"
    assert "石湾村" in finding.action.zh


def test_repeated_sites_count_once(folder: Folder) -> None:
    sites(
        folder,
        row("甲 心理咨询室(一)"),
        row("甲心理咨询室(一)", lon=113.8501),
        row("甲心理咨询室(一)", lon=113.8599),
        row("甲心理咨询室(一)", kind="医院"),
    )
    result = folder.result("sites")
    assert result.accepted == 3
    (finding,) = result.findings
    assert (finding.rule, finding.severity, finding.row) == ("duplicate_site", "warning", 3)
    assert "#2" in finding.action.zh
    assert_accounted(result)


def test_repeated_site_of_another_department_counts_once(folder: Folder) -> None:
    sites(folder, row("甲室"), row("乙室", lon=113.95))
    folder.write("more.csv", "\n".join([HEADER, row("乙室", lon=113.9501), row("丙室")]))
    folder.source("more", "facilities", "more.csv", columns=COLUMNS, kinds=KINDS)
    first, second = folder.result("sites"), folder.result("more")
    assert first.accepted == 2
    assert second.frame["name"].tolist() == ["丙室"]
    (finding,) = second.findings
    assert (finding.rule, finding.row) == ("duplicate_site", 2)
    assert "sites.csv #3" in finding.action.zh
    assert_accounted(second)


def test_site_ids_are_stable_and_belong_to_their_source(folder: Folder) -> None:
    sites(folder, row("甲室"), row("乙室", lon=113.95))
    before = folder.result("sites").frame.set_index("name")["site_id"]
    sites(folder, row("乙室", lon=113.95), row("新室", lat=31.45), row("甲室", staff=3))
    after = folder.result("sites").frame.set_index("name")["site_id"]
    assert before["甲室"] == after["甲室"]
    assert before["乙室"] == after["乙室"]
    assert after.str.startswith("sites-").all()
    folder.sources[-1]["columns"] = {**COLUMNS, "site_id": "状态"}
    del folder.sources[-1]["columns"]["status"]
    sites(folder, row("甲室", status="001"), row("乙室", lon=113.95, status="001"))
    result = folder.result("sites")
    assert result.frame["site_id"].tolist() == ["sites-001"]
    assert rules(result) == ["duplicate_site_id"]


def test_quality_is_mapped_and_the_unknown_is_the_coarsest(folder: Folder) -> None:
    folder.sources[-1]["columns"] = {**COLUMNS, "quality": "状态"}
    del folder.sources[-1]["columns"]["status"]
    folder.sources[-1]["qualities"] = {"门牌": "address"}
    sites(folder, row("甲", status="门牌"), row("乙", status="大概"), row("丙", status="exact"))
    result = folder.result("sites")
    quality = dict(zip(result.frame["name"], result.frame["quality"], strict=True))
    assert quality == {"甲": "address", "乙": "town", "丙": "exact"}
    assert rules(result) == ["unknown_quality"]


def test_nameless_row_waits(folder: Folder) -> None:
    sites(folder, row(" "), row("甲"))
    result = folder.result("sites")
    assert [(f.rule, f.row) for f in result.findings] == [("missing_value", 2)]
    assert result.accepted == 1


# ------------------------------------------------------------------ places by name

NAMED = {"name": "名称", "town": "镇", "village": "村", "address": "地址", "area_code": "代码"}


def named(folder: Folder, *rows: str) -> None:
    folder.write("named.csv", "\n".join(["名称,镇,村,地址,代码", *rows]) + "\n")
    folder.source("named", "facilities", "named.csv", kind="host_venue", columns=NAMED)


def test_sites_without_coordinate_and_code_are_placed_by_name(folder: Folder) -> None:
    sites(folder, row("甲"))
    named(
        folder,
        "一,西镇,柳溪,,",
        "二,,,试验县东镇石湾村委会旁,",
        "三,东镇,,,",
        "四,东镇,柳溪村,,",
        f"五,东镇,石湾村,,{SW}",
        "六,,桥头村,,990101009999",
        "七,,幸福村,,",
        "八,,,别处县东镇,",
        "九,,,,",
    )
    result = folder.result("named")
    placed = result.frame.set_index("name")
    got = {
        name: (placed.loc[name, "town_code"], placed.loc[name, "quality"]) for name in placed.index
    }
    assert got == {
        "一": (TOWNS[0], "village"),
        "二": (TOWNS[1], "village"),
        "三": (TOWNS[1], "town"),
        "四": (TOWNS[1], "town"),
        "五": (TOWNS[0], "village"),
        "六": (TOWNS[1], "village"),
    }
    assert placed.loc[["一", "二", "五", "六"], "village_code"].tolist() == [SW, NE, SW, SE]
    told = sorted((f.rule, f.row, f.severity) for f in result.findings if f.row)
    assert told == [
        ("ambiguous_place", 9, "error"),
        ("placed_by_name", 2, "info"),
        ("placed_by_name", 3, "info"),
        ("placed_by_name", 4, "info"),
        ("placed_by_name", 7, "info"),
        ("unknown_place", 8, "error"),
        ("unplaced", 10, "error"),
        ("village_unclear", 5, "warning"),
    ]
    (unclear,) = findings(result, "village_unclear")
    assert unclear.came == "柳溪村"
    assert "东镇" in unclear.action.zh
    assert_accounted(result)


def test_a_coordinate_far_from_the_named_village_is_said(folder: Folder) -> None:
    x, y = CENTRES[NE]
    folder.write("both.csv", f"名称,经度,纬度,村\n甲,{x},{y},松岭村\n乙,{x},{y},石湾村\n")
    columns = {"name": "名称", "lon": "经度", "lat": "纬度", "village": "村"}
    folder.source("both", "facilities", "both.csv", kind="host_venue", columns=columns)
    sites(folder, row("丙"))
    result = folder.result("both")
    assert result.frame["village_code"].tolist() == [NE, NE]
    assert [(f.rule, f.row) for f in result.findings] == [("place_mismatch", 2)]


def test_a_bad_coordinate_gives_way_to_the_name(folder: Folder) -> None:
    folder.write("both.csv", "名称,经度,纬度,村\n甲,东经,x,松岭村\n")
    columns = {"name": "名称", "lon": "经度", "lat": "纬度", "village": "村"}
    folder.source("both", "facilities", "both.csv", kind="host_venue", columns=columns)
    sites(folder, row("丙"))
    result = folder.result("both")
    assert result.frame["village_code"].tolist() == [NW]
    assert rules(result) == ["coordinate_replaced", "placed_by_name"]


def test_an_address_that_names_a_site_takes_its_place(folder: Folder) -> None:
    folder.write(
        "both.csv",
        "名称,经度,纬度,村,地址\n"
        "柳溪小学,113.84,31.34,,\n"
        "松岭小学,113.84,31.44,,\n"
        "甲室,,,,西镇柳溪小学二楼\n"
        "乙室,,,松岭村,柳溪小学旁\n"
        "丙室,,,,新柳溪小学\n"
        "丁室,,,,柳溪小学与松岭小学之间\n",
    )
    columns = {"name": "名称", "lon": "经度", "lat": "纬度", "village": "村", "address": "地址"}
    folder.source("both", "facilities", "both.csv", kind="host_venue", columns=columns)
    sites(folder, row("己"))
    result = folder.result("both")
    placed = result.frame.set_index("name")
    assert placed.loc["甲室", ["lon", "lat", "quality"]].tolist() == [113.84, 31.34, "address"]
    # The school stands in another village than the row names: it is not the one meant.
    assert placed.loc["乙室", ["village_code", "quality"]].tolist() == [NW, "village"]
    assert "丙室" not in placed.index
    assert "丁室" not in placed.index
    (finding,) = findings(result, "placed_by_site")
    assert (finding.row, "柳溪小学" in finding.action.zh) == (4, True)
    assert_accounted(result)


def venues(folder: Folder, *owners: str, floors: tuple[str, ...] = ()) -> None:
    """A source of venues, each with an owner and a floor, side by side."""
    floors = floors or ("1层",) * len(owners)
    rows = [
        f"场地{i}号,{113.82 + i / 1000},31.35,{owner},{floor}"
        for i, (owner, floor) in enumerate(zip(owners, floors, strict=True))
    ]
    folder.write("venues.csv", "\n".join(["名称,经度,纬度,产权单位,楼层", *rows]) + "\n")
    columns = {"name": "名称", "lon": "经度", "lat": "纬度", "owner": "产权单位", "floor": "楼层"}
    folder.source("venues", "facilities", "venues.csv", kind="host_venue", columns=columns)


def test_floor_and_owner_are_kept_as_they_are_written(tmp_path: Path) -> None:
    folder = Folder.with_areas(tmp_path)
    venues(
        folder, "某镇人民政府", "松岭村委会", "", "市文化馆", floors=("１层", "2-3楼", "", "楼顶")
    )
    result = folder.result("venues")
    by_name = result.frame.sort_values("name")
    assert by_name["owner"].fillna("–").tolist() == ["某镇人民政府", "松岭村委会", "–", "市文化馆"]
    assert by_name["floor"].fillna("–").tolist() == ["1层", "2-3楼", "–", "楼顶"]
    (finding,) = result.findings
    assert (finding.rule, finding.row, finding.came) == ("bad_floor", 5, "楼顶")


@pytest.mark.parametrize(
    "person",
    ["王小明", "欧阳建国", "王小明（个人）", "李 红 女士", "赵德柱 13800138000", "阿布都·热合曼"],
)
def test_an_owner_that_may_be_a_person_is_not_kept(tmp_path: Path, person: str) -> None:
    folder = Folder.with_areas(tmp_path)
    venues(folder, "某镇人民政府", person, "松岭村委会")
    result = folder.result("venues")
    assert result.accepted == 3, "the site is kept"
    assert result.frame.sort_values("name")["owner"].fillna("–").tolist()[1] == "–"
    (finding,) = result.findings
    assert (finding.rule, finding.row, finding.column) == ("owner_is_person", 3, "产权单位")
    assert person not in str(finding)
    assert person not in result.frame.to_csv()


def test_a_person_who_owns_a_place_is_not_repeated_in_the_quarantine(tmp_path: Path) -> None:
    folder = Folder.with_areas(tmp_path)
    venues(folder, "王小明", "某镇人民政府")
    text = (folder.path / "venues.csv").read_text(encoding="utf-8").replace("113.82,", "120.82,")
    folder.write("venues.csv", text)
    result = folder.result("venues")
    assert result.quarantined == 1
    assert "王小明" not in result.quarantine.to_csv()
    assert "王小明" not in str(result.findings)


def test_areas_of_the_locality_may_own_a_place_whatever_they_are_called(tmp_path: Path) -> None:
    folder = Folder.with_areas(tmp_path)
    folder.sources.clear()
    folder.areas("towns", "town", town_features())
    named = village_features()
    named[0]["properties"]["name"] = "高白沙"
    folder.areas("villages", "village", named)
    venues(folder, "高白沙", "石湾村")
    result = folder.result("venues")
    assert result.frame.sort_values("name")["owner"].tolist() == ["高白沙", "石湾村"]
    assert rules(result) == []


def test_a_register_whose_owners_are_persons_is_refused_whole(tmp_path: Path) -> None:
    folder = Folder.with_areas(tmp_path)
    venues(folder, "王小明", "李建国", "赵德柱", "孙志强", "周文斌")
    result = folder.result("venues")
    assert result.failed
    assert "personal_data" in rules(result)
    assert "王小明" not in str(result.findings)


def test_the_owner_is_a_column_of_its_own(tmp_path: Path) -> None:
    folder = Folder.with_areas(tmp_path)
    venues(folder, "某镇人民政府")
    folder.sources[-1]["columns"]["owner"] = "名称"
    with pytest.raises(ValidationError, match=r"columns\.owner"):
        folder.settings()


@pytest.mark.parametrize("owner", ["产权单位", "权属", "管理单位", "权属单位(盖章)"])
@pytest.mark.parametrize("floor", ["楼层", "所在楼层"])
def test_floor_and_owner_are_proposed_by_their_headers(
    tmp_path: Path, owner: str, floor: str
) -> None:
    folder = Folder.with_areas(tmp_path)
    rows = [f"{name}党群服务中心,113.8{i},31.35,1层,{name}村民委员会"
            for i, name in enumerate(("柳溪村", "松岭村", "桥头村"))]  # fmt: skip
    file = folder.write("venues.csv", "\n".join([f"名称,经度,纬度,{floor},{owner}", *rows]) + "\n")
    columns = propose(file, folder.settings().config).columns
    assert (columns["floor"], columns["owner"]) == (floor, owner)
