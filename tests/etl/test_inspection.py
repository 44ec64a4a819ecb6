"""Every part of a file is looked at: hidden sheets, comments, remembered rows, names, titles."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import openpyxl
import pytest
from openpyxl.comments import Comment
from shapely.geometry import Point

from etl.findings import UnusableFileError
from etl.inspection import SHEET_NAMES, TITLES, inspect_path

IDENTITY = "11010519491231002X"
MOBILES = ("13800138000", "13900139001", "15000150002")
PERSONS = ("王小明", "李秀英", "张伟强", "欧阳娜娜", "赵敏")
WEEKLY = [["周", "代码", "人次"], *([f"2026-W{w}", "990101001001", w] for w in range(10, 20))]


def book(path: Path, **sheets: Sequence[Sequence[object]]) -> openpyxl.Workbook:
    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    for title, rows in {"周报": WEEKLY, **sheets}.items():
        sheet = made.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    made.save(path)
    return made


def said(path: Path, *, facilities: bool = False) -> list[tuple[str | None, str, str]]:
    found = inspect_path(path, facilities=facilities)
    text = "".join(map(str, found))
    assert not any(value in text for value in (IDENTITY, *MOBILES, *PERSONS))
    return [(column.part, column.column, column.reason) for column in found]


def test_a_weekly_file_passes(tmp_path: Path) -> None:
    book(
        tmp_path / "周报.xlsx",
        说明=[["填表说明：不得填写姓名、身份证号等个人信息"], ["联系科室电话 027-85551234"]],
    )
    assert said(tmp_path / "周报.xlsx") == []


def test_a_hidden_sheet_refuses_the_file(tmp_path: Path) -> None:
    made = book(tmp_path / "a.xlsx", 名单=[["序号", "情形"], *enumerate(PERSONS, start=1)])
    for state in ("hidden", "veryHidden"):
        made["名单"].sheet_state = state
        made.save(tmp_path / "a.xlsx")
        assert said(tmp_path / "a.xlsx") == [("名单", "情形", "name_list")]


def test_a_comment_refuses_the_file(tmp_path: Path) -> None:
    made = book(tmp_path / "a.xlsx")
    made["周报"]["C3"].comment = Comment(f"本人 {IDENTITY}", "科室")
    made.save(tmp_path / "a.xlsx")
    ((part, _, reason),) = said(tmp_path / "a.xlsx")
    assert reason == "identity_number"
    assert "comment" in str(part)


def test_rows_that_a_pivot_remembers_refuse_the_file(tmp_path: Path) -> None:
    book(tmp_path / "a.xlsx")
    shared = "".join(f'<s v="{name}"/>' for name in PERSONS)
    cache = (
        '<pivotCacheDefinition><cacheFields><cacheField name="情形"><sharedItems>'
        f"{shared}</sharedItems></cacheField></cacheFields></pivotCacheDefinition>"
    )
    with zipfile.ZipFile(tmp_path / "a.xlsx", "a") as archive:
        archive.writestr("xl/pivotCache/pivotCacheDefinition1.xml", cache)
    ((_, column, reason),) = said(tmp_path / "a.xlsx")
    assert (column, reason) == ("情形", "name_list")


def test_sheets_called_like_persons_refuse_the_file(tmp_path: Path) -> None:
    book(tmp_path / "a.xlsx", **{name: [["情况"], ["稳定"]] for name in PERSONS})
    assert (None, SHEET_NAMES, "name_list") in said(tmp_path / "a.xlsx")


def test_a_form_on_one_person_refuses_the_file(tmp_path: Path) -> None:
    form = [["随访登记表"], ["姓 名：", "王小明", "性别", "男"], ["家庭住址", "略", "随访", "1"]]
    book(tmp_path / "a.xlsx", 登记=form)
    assert {reason for _, _, reason in said(tmp_path / "a.xlsx")} == {"header"}


def test_a_number_in_the_title_or_the_name_of_the_file_refuses_it(tmp_path: Path) -> None:
    rows = ["周报（证号 110105 19491231 002X）,,", "周,代码,人次", "2026-W10,990101001001,3"]
    (tmp_path / "a.csv").write_text("\n".join(rows), encoding="utf-8")
    assert said(tmp_path / "a.csv") == [(None, TITLES, "identity_number")]
    (tmp_path / f"{IDENTITY}.csv").write_text("\n".join(rows[1:]), encoding="utf-8")
    ((_, column, reason),) = said(tmp_path / f"{IDENTITY}.csv")
    assert (column, reason) == ("文件名 file name", "identity_number")


def test_a_list_without_a_header_is_named_by_place(tmp_path: Path) -> None:
    rows = [f"{name},{mobile}" for name, mobile in zip(PERSONS, MOBILES, strict=False)]
    (tmp_path / "a.csv").write_text("\n".join(rows), encoding="gb18030")
    assert said(tmp_path / "a.csv") == [(None, "#1", "name_list"), (None, "#2", "mobile_number")]


def test_persons_as_columns_of_a_wide_table(tmp_path: Path) -> None:
    rows = [["周", *PERSONS], *([f"2026-W{w}", 1, 0, 2, 1, 0] for w in range(10, 20))]
    book(tmp_path / "a.xlsx", 宽表=rows)
    ((part, column, reason),) = said(tmp_path / "a.xlsx")
    assert (part, column, reason) == ("宽表", "#2、#3、#4、#5、#6", "name_list")


def test_villages_as_columns_of_a_wide_table_pass(tmp_path: Path) -> None:
    places = ["柳溪村", "王家湾", "高桥", "白沙洲", "石湾", "安平里", "张集"]
    book(tmp_path / "a.xlsx", 宽表=[["周", *places], ["2026-W10", *range(7)]])
    assert said(tmp_path / "a.xlsx") == []


def test_contact_persons_pass_in_facility_files_only(tmp_path: Path) -> None:
    rows = [["机构名称", "负责人", "联系电话", "地址"]]
    for i, (name, mobile) in enumerate(zip(PERSONS, [*MOBILES, *MOBILES], strict=False)):
        rows.append([f"第{i}心理咨询室", name, mobile, f"人民路{i}号A座5层501室"])
    (tmp_path / "a.csv").write_text("\n".join(map(",".join, rows)), encoding="utf-8")
    assert said(tmp_path / "a.csv", facilities=True) == []
    assert {"负责人", "联系电话", "地址"} <= {column for _, column, _ in said(tmp_path / "a.csv")}


def test_old_workbooks_are_searched_to_the_byte(tmp_path: Path) -> None:
    content = (Path(__file__).parents[1] / "data" / "files" / "weekly.xls").read_bytes()
    (tmp_path / "a.xls").write_bytes(content)
    assert said(tmp_path / "a.xls") == []
    for text in (IDENTITY.encode(), IDENTITY.encode("utf-16-le")):
        (tmp_path / "a.xls").write_bytes(content + b"\x00\x01" + text + b"\x00\x00")
        assert [reason for _, _, reason in said(tmp_path / "a.xls")] == ["identity_number"]


def test_attributes_of_maps(tmp_path: Path) -> None:
    feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [113.9, 31.4]}}
    for name, value in (("联系", IDENTITY), ("姓名", "略")):
        made = {"type": "FeatureCollection", "features": [{**feature, "properties": {name: value}}]}
        (tmp_path / "a.geojson").write_text(json.dumps(made, ensure_ascii=False), encoding="utf-8")
        assert name in {column for _, column, _ in said(tmp_path / "a.geojson", facilities=True)}
    # Beside the features, where no reader looks.
    made = {
        "type": "FeatureCollection",
        "note": IDENTITY,
        "features": [{**feature, "properties": {}}],
    }
    (tmp_path / "a.geojson").write_text(json.dumps(made), encoding="utf-8")
    assert [reason for _, _, reason in said(tmp_path / "a.geojson")] == ["identity_number"]


def test_every_layer_of_a_geopackage(tmp_path: Path) -> None:
    places = gpd.GeoDataFrame({"名称": ["甲"]}, geometry=[Point(113.9, 31.4)], crs=4326)
    places.to_file(tmp_path / "a.gpkg", layer="村", engine="pyogrio")
    assert said(tmp_path / "a.gpkg") == []
    persons = gpd.GeoDataFrame(
        {"情形": list(PERSONS)}, geometry=[Point(113.9, 31.4)] * len(PERSONS), crs=4326
    )
    persons.to_file(tmp_path / "a.gpkg", layer="名单", engine="pyogrio")
    assert said(tmp_path / "a.gpkg") == [("名单", "情形", "name_list")]


def test_what_lies_beside_a_shapefile_in_its_archive(tmp_path: Path) -> None:
    gpd.GeoDataFrame({"name": ["a"]}, geometry=[Point(113.9, 31.4)], crs=4326).to_file(
        tmp_path / "a.shp", engine="pyogrio"
    )
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for part in sorted(tmp_path.glob("a.[sdcp]*")):
            archive.write(part, part.name)
    assert said(tmp_path / "a.zip") == []
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as archive:
        archive.writestr("readme.txt", f"联系 {IDENTITY}")
    assert said(tmp_path / "a.zip") == [
        ("readme.txt", "隐藏内容 hidden content", "identity_number")
    ]


def test_what_cannot_be_read_is_not_let_pass(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    with pytest.raises(UnusableFileError):
        inspect_path(tmp_path / "a.xlsx")


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("blank.csv", b"a,b\n" + b"\n" * 10_000_001, "file_too_large"),
        ("returns.csv", b"a,b\r" + b"\r" * 10_000_001, "file_too_large"),
        (
            "names.geojson",
            ("{" + ",".join(f'"k{i}":{i}' for i in range(2000)) + "}").encode(),
            "too_many_columns",
        ),
    ],
)
def test_what_was_built_to_take_long_is_refused_at_once(
    tmp_path: Path, name: str, content: bytes, rule: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnusableFileError) as caught:
        inspect_path(path)
    assert caught.value.rule == rule


def test_an_empty_map_file_holds_nobody(tmp_path: Path) -> None:
    path = tmp_path / "empty.geojson"
    path.write_bytes(b"")
    assert inspect_path(path) == ()
