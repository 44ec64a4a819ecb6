"""Workbooks that go back: the department's own sheet, what is wrong in it, and the way home."""

from __future__ import annotations

import zipfile
from datetime import date, datetime
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from openpyxl.styles import PatternFill

from etl.findings import Doubts, IntArray
from etl.ledger import Ledger, empty_quarantine
from etl.returned.brought import WHOLE_ROWS
from etl.returned.marker import RETURN_COLUMNS, ReturnMarker, read_marker, released_rows
from etl.returns import Handed, return_name, worth_returning, write_return
from etl.sources.mapping import Areas, Mapped
from etl.sources.observations import map_observations
from etl.sources.settings import ObservationsSource
from etl.sources.tabular import Table, read_table

CODES = tuple(f"99010100100{i}" for i in range(1, 7))
AREAS = Areas("village", r"\d{12}", np.array(CODES, dtype=object), CODES)
TODAY = date(2026, 11, 18)
HEADER = ["周", "代码", "咨询", "备注"]
ROWS = [
    ["2026-W30", CODES[0], "4", "=1+1"],
    ["2026-W30", CODES[1], "5人", ""],
    ["2026-W60", CODES[2], "6", "@SUM(A1)"],
    ["2026-W30", "99010100100", "7", ""],
    ["2026-W30", CODES[3], "-1", "13800138000"],
    ["合计", "", "99", ""],
]
NAMESPACE = "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"
OLD = Path(__file__).parents[1] / "data" / "files" / "weekly.xls"


def source(**settings: object) -> ObservationsSource:
    raw: dict[str, object] = {
        "id": "weekly",
        "role": "observations",
        "path": "weekly.csv",
        "level": "village",
        "measure": "consult_visits",
        "columns": {"week": "周", "area": "代码", "count": "咨询"},
    }
    return ObservationsSource.model_validate({**raw, **settings})


def read(path: Path, given: ObservationsSource) -> tuple[Table, Mapped, Doubts]:
    doubts = Doubts("weekly", path.name, known=frozenset({"990101"}))
    wanted = [
        name for name in (given.columns.week, given.columns.area, given.columns.count) if name
    ]
    table = read_table(path, given, wanted, doubts)
    doubts.findings.clear()
    return table, map_observations(table, given, AREAS, doubts, measures=[], today=TODAY), doubts


def used(mapped: Mapped) -> IntArray:
    return mapped.ledger.rows[mapped.ledger.accepted]


def handed(table: Table, mapped: Mapped, name: str = "周报/weekly.csv") -> Handed:
    return Handed(
        "weekly",
        7,
        "ab12",
        name,
        title="咨询周报",
        department="卫健委",
        received_at=datetime(2026, 11, 16, 9, 30),  # noqa: DTZ001 (as the locality's clock shows it)
        rows_read=len(table.cells) + table.titles,
        accepted=mapped.accepted,
        sheet=table.sheet,
        encoding=table.encoding,
    )


def returned(path: Path, given: ObservationsSource, *, language: str = "zh") -> Path | None:
    table, mapped, doubts = read(path, given)
    return write_return(
        path.with_name("back.xlsx"),
        path,
        given,
        handed(table, mapped, path.name),
        mapped.ledger.quarantine(),
        findings=doubts.findings,
        noted=mapped.ledger.noted(),
        language="en" if language == "en" else "zh",
        known=frozenset({"990101"}),
    )


def csv_file(folder: Path, rows: list[list[str]], *, encoding: str = "utf-8") -> Path:
    path = folder / "weekly.csv"
    path.write_text("\n".join(",".join(row) for row in [HEADER, *rows]), encoding=encoding)
    return path


def workbook(folder: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "周报 'A'"
    sheet.append(["某市咨询周报"])
    for row in [HEADER, *ROWS]:
        sheet.append(
            [int(text) if text.lstrip("-").isdigit() and len(text) < 5 else text for text in row]
        )
        if row[3].startswith("="):
            sheet.cell(sheet.max_row, 4).data_type = "s"
    sheet.merge_cells("A1:F1")
    sheet["B4"].fill = PatternFill("solid", start_color="00FF00")
    sheet["A20"] = None
    book.create_sheet("别的")["A1"] = "秘密"
    path = folder / "weekly.xlsx"
    book.save(path)
    return path


def sheet_of(path: Path) -> openpyxl.worksheet.worksheet.Worksheet:
    return openpyxl.load_workbook(path).worksheets[1]


def cells_of(table: Table) -> list[list[str]]:
    kept = [name for name in table.cells.columns if name not in RETURN_COLUMNS]
    return table.cells[kept].astype(str).to_numpy().tolist()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_comes_back_row_by_row(tmp_path: Path, encoding: str) -> None:
    path = csv_file(tmp_path, ROWS, encoding=encoding)
    back = returned(path, source())
    assert back is not None
    before, mapped, _ = read(path, source())
    after, again, _ = read(back, source())
    masked = [[text.replace("13800138000", "●" * 11) for text in row] for row in cells_of(before)]
    assert cells_of(after) == masked
    assert after.cells["原行号"].astype(int).tolist() == before.cells.index.tolist()
    assert again.accepted == mapped.accepted
    assert again.quarantined == mapped.quarantined == 4


def test_a_workbook_keeps_its_look_and_leaves_its_other_sheets(tmp_path: Path) -> None:
    path = workbook(tmp_path)
    back = returned(path, source())
    assert back is not None
    book = openpyxl.load_workbook(back)
    assert book.sheetnames == ["说明", "周报 'A'"]
    sheet = book.worksheets[1]
    assert sheet["A1"].value == "某市咨询周报"
    assert sheet["B4"].fill.start_color.rgb == "0000FF00"
    assert sheet.freeze_panes == "A3"
    assert sheet.auto_filter.ref == "A2:F8"
    assert sheet.page_setup.orientation == "landscape"
    assert int(sheet.page_setup.paperSize) == 9
    assert cells_of(read(back, source())[0]) == [
        [text.replace("13800138000", "●" * 11) for text in row]
        for row in cells_of(read(path, source())[0])
    ]
    assert b"\xe7\xa7\x98\xe5\xaf\x86" not in back.read_bytes()  # 秘密
    with zipfile.ZipFile(back) as archive:
        text = b"".join(archive.read(name) for name in archive.namelist()).decode("utf-8", "ignore")
    assert "秘密" not in text
    assert "13800138000" not in text


def test_doubted_cells_are_coloured_and_say_why(tmp_path: Path) -> None:
    back = returned(csv_file(tmp_path, ROWS), source())
    assert back is not None
    sheet = sheet_of(back)
    marked = {cell.coordinate for row in sheet.iter_rows() for cell in row if cell.comment}
    assert marked == {"C3", "A4", "B5", "C6", "C7"}
    error, warning = sheet["C6"], sheet["C7"]  # a negative figure; a total that does not add up
    assert error.fill.start_color.rgb != warning.fill.start_color.rgb
    assert (error.border.left.style, warning.border.left.style) == ("medium", "mediumDashed")
    note = error.comment.text
    for part in ("【错误】数字为负", "来的是：-1", "应为：不小于 0 的数", "怎么办：改正后重交"):
        assert part in note
    assert "数字为负" in sheet["F6"].value
    assert sheet["F2"].value is None
    assert sheet["E6"].value == 6


def test_no_formula_of_anybody_is_alive(tmp_path: Path) -> None:
    rows = [["2026-W30", CODES[0], "=cmd|' /C calc'!A0", "+1"], ["2026-W31", CODES[1], "3", "@x"]]
    for path in (csv_file(tmp_path, rows), workbook(tmp_path)):
        back = returned(path, source())
        assert back is not None
        for sheet in openpyxl.load_workbook(back).worksheets:
            for row in sheet.iter_rows():
                for cell in row:
                    assert cell.data_type != "f", cell.coordinate
                    if isinstance(cell.value, str) and cell.value.startswith(("=", "+", "@")):
                        assert cell.quotePrefix


def test_the_first_sheet_sums_up_and_links(tmp_path: Path) -> None:
    path = csv_file(tmp_path, ROWS)
    back = returned(path, source())
    assert back is not None
    cover = openpyxl.load_workbook(back).worksheets[0]
    texts = [str(cell.value) for row in cover.iter_rows() for cell in row if cell.value is not None]
    assert "退回改正：咨询周报" in texts
    assert any("4 行等待改正" in text for text in texts)
    for part in ("卫健委", "2026-11-16 09:30", "数字为负", "不是数字", "周的写法不对"):
        assert part in texts, part
    links = {
        cell.value: cell.hyperlink.location
        for row in cover.iter_rows()
        for cell in row
        if cell.hyperlink
    }
    assert links["C6"] == "'weekly'!C6"
    assert set(links) == {"C3", "A4", "B5", "C6", "C7"}
    english = returned(path, source(), language="en")
    assert english is not None
    first = openpyxl.load_workbook(english).worksheets[0]
    assert first["B2"].value == "Returned for mending: 咨询周报"


def test_the_mark_survives_saving_and_nothing_else_has_one(tmp_path: Path) -> None:
    back = returned(csv_file(tmp_path, ROWS), source())
    assert back is not None
    mark = ReturnMarker("weekly", 7, "ab12", "weekly")
    assert read_marker(back) == mark
    book = openpyxl.load_workbook(back)
    book.save(tmp_path / "saved.xlsx")
    assert read_marker(tmp_path / "saved.xlsx") == mark
    for name, content in {
        "a.xlsx": b"", "b.xlsx": b"PK\x03\x04", "c.csv": b"a,b", "d.xlsx": back.read_bytes()[:3000],
    }.items():  # fmt: skip
        (tmp_path / name).write_bytes(content)
        assert read_marker(tmp_path / name) is None
    assert read_marker(workbook(tmp_path)) is None
    assert read_marker(tmp_path / "missing.xlsx") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<a",
        '<!DOCTYPE a [<!ENTITY b "c">]><Properties/>',
        "<Properties/>",
        f'<Properties xmlns="{NAMESPACE}"><property name="xintu.source">a</property></Properties>',
    ],
)
def test_a_forged_mark_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("docProps/custom.xml", text)
    assert read_marker(path) is None


def test_mended_rows_release_those_that_waited(tmp_path: Path) -> None:
    back = returned(csv_file(tmp_path, ROWS), source())
    assert back is not None
    book = openpyxl.load_workbook(back)
    sheet = book.worksheets[1]
    sheet["C6"] = 1
    sheet["A4"] = "2026-W31"
    sheet.delete_rows(2)  # a good row that need not come again
    sheet["E5"] = "x"  # a number that somebody spoilt
    book.save(back)
    table, mapped, _ = read(back, source())
    assert released_rows(table, used(mapped)).tolist() == [4]
    sheet["E5"] = 6
    book.save(back)
    table, mapped, _ = read(back, source())
    assert released_rows(table, used(mapped)).tolist() == [4, 6]
    del table.cells["原行号"]
    assert released_rows(table, used(mapped)).tolist() == []


def test_a_row_with_too_many_cells_is_not_taken_for_a_good_one(tmp_path: Path) -> None:
    rows = [["2026-W30", CODES[0], "1", "234", ""], ["2026-W31", CODES[1], "2", "", "x"]]
    path = csv_file(tmp_path, rows)
    _, mapped, _ = read(path, source())
    assert mapped.quarantined == 1
    back = returned(path, source())
    assert back is not None
    _, again, _ = read(back, source())
    assert (again.accepted, again.quarantined) == (1, 1)
    assert sheet_of(back)["A3"].value == ",".join(rows[1])


def test_of_a_long_sheet_only_the_rows_concerned_come_back(tmp_path: Path) -> None:
    weeks = [f"{year}-W{week:02d}" for year in range(1990, 2010) for week in range(1, 53)]
    rows = [[week, code, "1", ""] for code in CODES for week in weeks][: WHOLE_ROWS + 10]
    rows[17][2], rows[5000][0] = "-1", "never"
    path = csv_file(tmp_path, rows)
    back = returned(path, source())
    assert back is not None
    table, mapped, _ = read(back, source())
    assert table.cells["原行号"].astype(int).tolist() == [19, 5002]
    assert mapped.quarantined == 2
    cover = openpyxl.load_workbook(back).worksheets[0]
    assert any("这里只有需要改的 2 行" in str(c.value) for row in cover.iter_rows() for c in row)


def test_an_old_workbook_is_set_anew(tmp_path: Path) -> None:
    path = tmp_path / "weekly.xls"
    path.write_bytes(OLD.read_bytes())
    given = source(columns={"week": "周", "area": "代码", "count": "人次"})
    doubts = Doubts("weekly", "weekly.xls")
    table = read_table(path, given, ["周", "代码", "人次"], doubts)
    ledger = Ledger(table.cells, doubts)
    first = np.arange(len(ledger.rows)) == 0
    ledger.reject("negative_count", first, column=table.found["人次"])
    info = Handed("weekly", 1, "ff", "weekly.xls", rows_read=len(table.cells), sheet=table.sheet)
    back = write_return(
        tmp_path / "back.xlsx", path, given, info, ledger.quarantine(), findings=doubts.findings
    )
    assert back is not None
    again = read_table(back, given, ["周", "代码", "人次"], Doubts("weekly", "b"))
    assert cells_of(again) == cells_of(table)
    assert again.cells.index.tolist() == table.cells.index.tolist()


def test_what_is_no_table_lists_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "areas.geojson"
    path.write_text('{"type": "FeatureCollection", "features": []}')
    doubts = Doubts("areas", "areas.geojson")
    cells = pd.DataFrame({"code": ["a", "b"], "name": ["甲", "乙"]}, index=[1, 2]).astype(
        "category"
    )
    ledger = Ledger(cells, doubts)
    ledger.reject("missing_geometry", ledger.rows == 2, column=None)
    info = Handed("areas", 1, "ff", "areas.geojson", rows_read=2, accepted=1)
    back = write_return(
        tmp_path / "back.xlsx", path, source(), info, ledger.quarantine(), findings=doubts.findings
    )
    assert back is not None
    sheet = sheet_of(back)
    assert [cell.value for cell in sheet[2]][:3] == ["b", "乙", 2]
    cover = openpyxl.load_workbook(back).worksheets[0]
    assert any("地图文件" in str(c.value) for row in cover.iter_rows() for c in row)


def test_nothing_goes_back_of_a_good_file_or_of_one_about_persons(tmp_path: Path) -> None:
    good = csv_file(tmp_path, ROWS[:1])
    assert returned(good, source()) is None
    assert not worth_returning(empty_quarantine(), [])
    doubts = Doubts("weekly", "weekly.csv")
    doubts.add("personal_data", column="姓名", columns="姓名")
    assert not worth_returning(empty_quarantine(), doubts.findings)
    table, mapped, _ = read(csv_file(tmp_path, ROWS), source())
    assert (
        write_return(
            tmp_path / "back.xlsx",
            good,
            source(),
            handed(table, mapped),
            mapped.ledger.quarantine(),
            findings=doubts.findings,
        )
        is None
    )
    assert not (tmp_path / "back.xlsx").exists()


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("周报/a.csv", "退回_a.xlsx"),
        ("a:b?.xls", "退回_a_b_.xlsx"),
        ("退回/退回_a.xlsx", "退回_a.xlsx"),
    ],
)
def test_names_of_workbooks(name: str, wanted: str) -> None:
    assert return_name(Handed("weekly", 1, "", name)) == wanted
