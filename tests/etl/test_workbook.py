"""Workbooks as they are: dates, errors, formulas, merged cells, hidden rows; and those that lie."""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path

import openpyxl
import psutil
import pytest
from openpyxl.comments import Comment
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet.worksheet import Worksheet

from etl.findings import Doubts, UnusableFileError
from etl.sources import limits
from etl.sources.settings import ObservationsSource, SourceBase
from etl.sources.tabular import Table, read_table

HEADER = ["周", "代码", "人次"]
WANTED = tuple(HEADER)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def source(**settings: object) -> SourceBase:
    usual: dict[str, object] = {
        "id": "weekly",
        "role": "observations",
        "path": "weekly.xlsx",
        "level": "village",
        "measure": "consult_visits",
        "columns": {"week": "周", "area": "代码", "count": "人次"},
    }
    return ObservationsSource.model_validate({**usual, **settings})


def read(path: Path, **settings: object) -> tuple[Table, Doubts]:
    doubts = Doubts("weekly", path.name)
    return read_table(path, source(**settings), WANTED, doubts), doubts


def workbook(path: Path, fill: Callable[[Worksheet], None], **settings: object) -> Path:
    """A workbook as openpyxl writes it: formulas have no value."""
    book = openpyxl.Workbook()
    for name, value in settings.items():
        setattr(book, name, value)
    fill(book.worksheets[0])
    book.save(path)
    return path


def rows(*lines: list[object]) -> Callable[[Worksheet], None]:
    def fill(sheet: Worksheet) -> None:
        for line in lines:
            sheet.append(line)

    return fill


def column(table: Table, name: str) -> dict[int, str]:
    """Row as Excel counts it → text."""
    return dict(zip(table.cells.index.tolist(), table.cells[name].astype(str), strict=True))


def raw_workbook(path: Path, data: str | bytes, extra: Mapping[str, bytes] | None = None) -> Path:
    """A workbook whose sheet is written by hand; `data` stands within <sheetData>."""
    body = data.encode() if isinstance(data, str) else data
    relation = "http://schemas.openxmlformats.org/package/2006/relationships"
    parts = {
        "_rels/.rels": f'<Relationships xmlns="{relation}"><Relationship Id="rId1" Type="{OFFICE}'
        '/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
        '<sheet name="数据" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{relation}"><Relationship Id="rId1" '
        f'Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
        for name, content in (extra or {}).items():
            archive.writestr(name, content)
        sheet = f'<worksheet xmlns="{MAIN}"><sheetData>'.encode() + body
        archive.writestr("xl/worksheets/sheet1.xml", sheet + b"</sheetData></worksheet>")
    return path


def cells(*texts: str, row: int) -> str:
    inner = "".join(
        f'<c r="{letter}{row}" t="inlineStr"><is><t>{text}</t></is></c>'
        for letter, text in zip("ABCDEFGH", texts, strict=False)
    )
    return f'<row r="{row}">{inner}</row>'


HEAD_ROW = cells(*HEADER, row=1)


def refused(path: Path, **settings: object) -> UnusableFileError:
    """The error of a file that must be refused, quickly and without filling the memory."""
    process = psutil.Process()
    before, started = process.memory_info().rss, time.monotonic()
    with pytest.raises(UnusableFileError) as caught:
        read(path, **settings)
    assert process.memory_info().rss - before < 700 << 20
    assert time.monotonic() - started < 60
    return caught.value


# ------------------------------------------------------------------ cells


def test_cells_read_as_the_person_reads_them(tmp_path: Path) -> None:
    lines: list[list[object]] = [
        [date(2026, 9, 28), 990101001001, 3.0],
        [datetime.fromisoformat("2026-09-28T12:30"), "007", 0.125],
        [True, 1e20, -0.0],
        ["  空格 ", 1234567890123456, 2.50],
    ]

    def fill(sheet: Worksheet) -> None:
        rows(list(HEADER), *lines)(sheet)
        sheet["C3"].number_format = "0.0%"

    table, doubts = read(workbook(tmp_path / "a.xlsx", fill))
    assert [list(row) for row in table.cells.astype(str).itertuples(index=False)] == [
        ["2026-09-28", "990101001001", "3"],
        ["2026-09-28T12:30:00", "007", "0.125"],  # a percentage is its value, not its picture
        ["TRUE", "1e+20", "0"],
        ["  空格 ", "1234567890123456.0", "2.5"],
    ]
    assert doubts.findings == []


def test_dates_that_count_from_1904(tmp_path: Path) -> None:
    fill = rows(list(HEADER), [date(2026, 9, 28), "a", 1])
    table, _ = read(workbook(tmp_path / "mac.xlsx", fill, epoch=CALENDAR_MAC_1904))
    assert column(table, "周") == {2: "2026-09-28"}


def test_an_error_is_said_as_it_stands_and_is_no_empty_cell(tmp_path: Path) -> None:
    body = HEAD_ROW + (
        '<row r="2"><c r="A2" s="0"/><c r="B2"><v>7</v></c><c r="C2" t="e"><v>#REF!</v></c></row>'
        '<row r="3"><c r="A3"><v>1</v></c><c r="C3" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>'
    )
    table, _ = read(raw_workbook(tmp_path / "errors.xlsx", body))
    assert column(table, "人次") == {2: "#REF!", 3: "#DIV/0!"}
    assert column(table, "周") == {2: "", 3: "1"}


def test_formula_gives_its_cached_value_and_a_finding_where_it_has_none(tmp_path: Path) -> None:
    body = HEAD_ROW + (
        '<row r="2"><c r="A2"><v>1</v></c><c r="B2"><v>7</v></c>'
        '<c r="C2"><f>1+2</f><v>3</v></c></row>'
        '<row r="4"><c r="A4"><v>1</v></c><c r="B4"><v>8</v></c><c r="C4"><f>1+2</f></c></row>'
        '<row r="5"><c r="A5"><v>1</v></c><c r="B5"><v>9</v></c><c r="C5"><f>1+2</f><v></v></c>'
        '<c r="D5"><f>1+2</f></c></row>'
        '<row r="6"><c r="A6"><v>1</v></c><c r="C6" t="str"><f>""</f><v></v></c></row>'
    )
    table, doubts = read(raw_workbook(tmp_path / "formulas.xlsx", body))
    assert column(table, "人次") == {2: "3", 4: "", 5: "", 6: ""}
    # Row 6 was calculated, to nothing; column D is not mapped.
    assert [(f.rule, f.row, f.column) for f in doubts.findings] == [
        ("formula_without_value", 4, "人次"),
        ("formula_without_value", 5, "人次"),
    ]


def test_links_to_other_files_give_their_cached_value(tmp_path: Path) -> None:
    body = HEAD_ROW + (
        '<row r="2"><c r="A2"><v>1</v></c><c r="B2"><v>7</v></c>'
        "<c r=\"C2\"><f>'file:///etc/[passwd]a'!A1</f><v>5</v></c></row>"
    )
    link = b'<externalLink><externalBook r:id="rId1"/></externalLink>'
    path = raw_workbook(tmp_path / "x.xlsx", body, {"xl/externalLinks/externalLink1.xml": link})
    table, _ = read(path)
    assert column(table, "人次") == {2: "5"}


def test_table_that_starts_in_the_middle_of_the_sheet(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        for row, line in enumerate([HEADER, ["x", "柳溪", 3], [None, "松岭", None]], start=4):
            for i, value in enumerate(line):
                sheet.cell(row, 3 + i, value)
        sheet["E6"] = "=1+1"
        sheet.merge_cells("C5:C6")

    table, doubts = read(workbook(tmp_path / "a.xlsx", fill))
    assert column(table, "周") == {5: "x", 6: "x"}
    assert {(f.rule, f.row, f.column) for f in doubts.findings} == {
        ("formula_without_value", 6, "人次"),
        ("merged_key_spread", 5, "周"),
    }


# ------------------------------------------------------------------ merged and hidden


def test_merged_key_is_spread_and_merged_figure_is_not(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        rows(list(HEADER), ["2026-W40", "a", 7], [None, "b"], [None, "c", 4], ["合计", None, 11])(
            sheet
        )
        sheet.merge_cells("A2:A4")
        sheet.merge_cells("C2:C3")

    table, doubts = read(workbook(tmp_path / "a.xlsx", fill))
    assert column(table, "周") == {2: "2026-W40", 3: "2026-W40", 4: "2026-W40", 5: "合计"}
    # Seven are those of a and b together: neither of them has seven.
    assert column(table, "人次") == {2: "7 [2]", 3: "", 4: "4", 5: "11"}
    spread, figure = doubts.findings
    assert (spread.rule, spread.row, spread.severity) == ("merged_key_spread", 2, "info")
    assert "其下 2 行" in spread.action.zh
    assert (figure.rule, figure.row, figure.column, figure.came) == (
        "merged_figure",
        2,
        "人次",
        "7",
    )


def test_header_takes_the_rows_that_its_merged_cells_take(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        rows(["标题"], [*HEADER, "说明"], [None, None, None, "甲"], ["2026-W40", "a", 7, "x"])(
            sheet
        )
        for merged in ("A1:D1", "A2:A3", "B2:B3", "C2:C3"):
            sheet.merge_cells(merged)

    table, _ = read(workbook(tmp_path / "a.xlsx", fill))
    assert column(table, "人次") == {4: "7"}
    assert list(table.cells.columns) == [*HEADER, "说明/甲"]
    assert table.titles == 1


def test_hidden_rows_and_sheets_are_read_and_said(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.create_sheet("数据")
    rows(list(HEADER), ["2026-W40", "a", 7], ["2026-W40", "b", 8], ["2026-W40", "c", 9])(sheet)
    sheet.row_dimensions[3].hidden = sheet.row_dimensions[4].hidden = True
    sheet.sheet_state = "hidden"
    book.save(path := tmp_path / "a.xlsx")
    table, doubts = read(path)
    assert len(table.cells) == 3
    said = {f.rule: (f.row, f.count) for f in doubts.findings}
    assert said["hidden_rows"] == (3, 2)
    assert "hidden_sheet" in said


def test_chart_sheets_are_no_tables(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    rows(list(HEADER), ["2026-W40", "a", 7])(book.worksheets[0])
    book.create_chartsheet("图", 0)
    book.save(path := tmp_path / "a.xlsx")
    table, doubts = read(path)
    assert len(table.cells) == 1
    assert doubts.findings == []


# ------------------------------------------------------------------ what no person made


def test_two_cells_at_the_ends_of_a_sheet_are_no_terabyte(tmp_path: Path) -> None:
    for far in ("XFD1048576", "aaa1000000"):
        row = far[3:]
        body = HEAD_ROW + f'<row r="{row}"><c r="{far}"><v>1</v></c></row>'
        error = refused(raw_workbook(tmp_path / "sparse.xlsx", body))
        assert error.rule == "sheet_too_large"
    assert "× " in str(error.came)


def test_stated_size_of_a_sheet_is_not_believed(tmp_path: Path) -> None:
    path = raw_workbook(tmp_path / "a.xlsx", HEAD_ROW + cells("2026-W40", "a", "7", row=2))
    whole = zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml")
    lying = whole.replace(b"<sheetData>", b'<dimension ref="A1:XFD1048576"/><sheetData>')
    rewrite(path, {"xl/worksheets/sheet1.xml": lying})
    table, _ = read(path)
    assert column(table, "人次") == {2: "7"}


def rewrite(path: Path, parts: Mapping[str, bytes]) -> None:
    """Put other content in place of some parts of an archive."""
    with zipfile.ZipFile(path) as archive:
        old = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**old, **parts}.items():
            archive.writestr(name, content)


def test_zip_bomb_is_refused_by_what_it_states(tmp_path: Path) -> None:
    path = raw_workbook(tmp_path / "bomb.xlsx", HEAD_ROW)
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/sharedStrings.xml", "w", force_zip64=True) as part,
    ):
        for _ in range(200):
            part.write(b" " * (1 << 20))
    assert path.stat().st_size < 1 << 20
    error = refused(path)
    assert error.rule == "archive_too_large"
    assert "1 : " in str(error.came)


def test_zip_bomb_is_refused_by_what_comes_out(tmp_path: Path) -> None:
    path = raw_workbook(tmp_path / "bomb.xlsx", HEAD_ROW, {"xl/styles.xml": b" " * (300 << 20)})
    data = bytearray(path.read_bytes())
    # Both headers say a thousand bytes instead of 300 MB.
    stated = (300 << 20).to_bytes(4, "little")
    while (at := data.find(stated)) >= 0:
        data[at : at + 4] = (1000).to_bytes(4, "little")
    path.write_bytes(data)
    error = refused(path)
    assert error.rule == "archive_too_large"
    assert "xl/styles.xml" in str(error.came)


def test_archives_that_are_made_to_confuse_are_refused(tmp_path: Path) -> None:
    path = raw_workbook(tmp_path / "many.xlsx", HEAD_ROW)
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(limits.MAX_ZIP_ENTRIES + 1):
            archive.writestr(f"x/{number}", b"")
    assert refused(path).rule == "archive_too_large"
    path = raw_workbook(tmp_path / "twice.xlsx", HEAD_ROW)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("xl/worksheets/sheet1.xml", b"<other/>")
    assert refused(path).came == "an entry twice"
    nested = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(tmp_path / "nested.xlsx", "w") as archive:
        archive.writestr("inner.zip", nested.getvalue())
    assert refused(tmp_path / "nested.xlsx").rule == "not_a_table"


def test_cells_beyond_count_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_SHEET_CELLS", 1000)
    body = HEAD_ROW + "".join(cells("a", "b", "c", row=row) for row in range(2, 400))
    assert refused(raw_workbook(tmp_path / "a.xlsx", body)).rule == "sheet_too_large"


def test_cell_that_never_ends_is_refused(tmp_path: Path) -> None:
    body = HEAD_ROW.encode() + b'<row r="2"><c r="A2" t="inlineStr"><is><t>'
    body += bytes(65 + (i * i) % 26 for i in range(1 << 16)) * 100
    assert refused(raw_workbook(tmp_path / "a.xlsx", body)).rule == "sheet_too_large"


@pytest.mark.parametrize(
    "part", ["xl/workbook.xml", "xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"]
)
def test_entities_are_not_expanded(tmp_path: Path, part: str) -> None:
    lines = ['<!DOCTYPE x [<!ENTITY a0 "ha">']
    lines += [f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12)]
    body = HEAD_ROW + cells("2026-W40", "&a11;", "7", row=2)
    path = raw_workbook(tmp_path / "laughs.xlsx", body)
    with zipfile.ZipFile(path) as archive:
        old = (
            archive.read(part)
            if part in archive.namelist()
            else b"<sst><si><t>&a11;</t></si></sst>"
        )
    rewrite(path, {part: ("".join(lines) + "]>").encode() + old})
    assert refused(path).rule == "unreadable_workbook"


def test_other_kinds_of_workbook_are_named(tmp_path: Path) -> None:
    for name, part, kind in (
        ("a.xlsb", "xl/workbook.bin", "XLSB"),
        ("a.ods", "content.xml", "ODS"),
    ):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr(part, b"")
        error = refused(tmp_path / name)
        assert (error.rule, error.came) == ("workbook_format", kind)


def test_merged_regions_over_each_other_end(tmp_path: Path) -> None:
    merges = "".join(f'<mergeCell ref="A{i}:A1048576"/>' for i in range(2, 20_000))
    body = HEAD_ROW + "".join(cells("2026-W40", "a", "7", row=row) for row in range(2, 20_000))
    path = raw_workbook(tmp_path / "a.xlsx", body)
    sheet = zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml")
    end = f"</sheetData><mergeCells>{merges}</mergeCells>".encode()
    rewrite(path, {"xl/worksheets/sheet1.xml": sheet.replace(b"</sheetData>", end)})
    started = time.monotonic()
    table, _ = read(path)
    assert len(table.cells) == 19_998
    assert time.monotonic() - started < 60


ROW = '<row r="2"><c r="A2" t="str"><v>2026-W40</v></c><c r="B2" t="str"><v>a</v></c>{}</row>'
CONTRADICTIONS = (
    ROW.format('<c r="C2"><v>7</v><v>8</v></c>'),
    ROW.format('<c r="C2"><v/><v>8</v></c>'),
    ROW.format('<c r="C2"><v>7</v><is><t>8</t></is></c>'),
    ROW.format('<c r="C2"><v>7</v></c><c r="C2"><v>8</v></c>'),
    ROW.format('<c r="C7"><v>7</v></c>'),
    ROW.format('<c r="A2"><v>7</v></c>'),
    ROW.format('<c s="0" r="C3"><v>7</v></c>'),
    ROW.format('<c r="7"><v>7</v></c>'),
    ROW.format('<c r="C2"><v>7</v></c>') * 2,
    ROW.replace('row r="2"', 'row r="5"').format('<c r="C2"><v>7</v></c>'),
    '<row r="5"/>' + ROW.format('<c r="C2"><v>7</v></c>'),
    '<x:row spans="1:3" r="3"><x:c r="A2"><x:v>1</x:v></x:c></x:row>',
)


@pytest.mark.parametrize("body", CONTRADICTIONS)
def test_a_sheet_that_contradicts_itself_is_refused(tmp_path: Path, body: str) -> None:
    """Excel would mend it in one way, every library reads it in another."""
    error = refused(raw_workbook(tmp_path / "a.xlsx", HEAD_ROW + body))
    assert error.rule == "contradictory_sheet"


def test_a_contradiction_is_found_wherever_the_sheet_is_cut(tmp_path: Path) -> None:
    body = "".join(cells("2026-W40", "a", "7", row=row) for row in range(2, 30_000))
    for far in (1_000, 15_001, 29_999):
        wrong = body.replace(f'r="C{far}"', f'r="C{far - 1}"')
        assert wrong != body
        error = refused(raw_workbook(tmp_path / "a.xlsx", HEAD_ROW + wrong))
        assert (error.rule, error.row, error.came) == ("contradictory_sheet", far, f"C{far - 1}")


@pytest.mark.parametrize(
    "strip", [' r="[A-Z]+[0-9]+"', '(?<=<row) r="[0-9]+"', ' r="[A-Z]*[0-9]+"', "(?<=<c)(?= r=)"]
)
def test_places_may_be_left_out_or_named_last(tmp_path: Path, strip: str) -> None:
    body = HEAD_ROW + "".join(cells("2026-W40", "a", "7", row=row) for row in (2, 3))
    written = re.sub(strip, ' s="0"' if "?= r=" in strip else "", body)
    assert written != body
    table, _ = read(raw_workbook(tmp_path / "a.xlsx", written))
    assert column(table, "人次") == {2: "7", 3: "7"}


def test_what_stands_below_the_cells_is_no_second_value(tmp_path: Path) -> None:
    value = '<c r="C2"><v>7</v>\n</c>'
    path = raw_workbook(tmp_path / "a.xlsx", HEAD_ROW + ROW.format(value))
    sheet = zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml")
    after = b"</sheetData><extLst><ext><v>1</v><v>2</v></ext></extLst>"
    rewrite(path, {"xl/worksheets/sheet1.xml": sheet.replace(b"</sheetData>", after)})
    table, _ = read(path)
    assert column(table, "人次") == {2: "7"}


def test_data_that_a_merged_cell_covers_refuse_the_file(tmp_path: Path) -> None:
    def with_merge(ref: str, *lines: list[object]) -> Path:
        path = workbook(tmp_path / "a.xlsx", rows(list(HEADER), *lines))
        sheet = zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml")
        end = f'</sheetData><mergeCells count="1"><mergeCell ref="{ref}"/></mergeCells>'.encode()
        rewrite(path, {"xl/worksheets/sheet1.xml": sheet.replace(b"</sheetData>", end)})
        return path

    lines = [["2026-W40", "a", 7], ["2026-W41", "b", 8], ["2026-W41", "c", 9]]
    for ref, row in (("A1:XFD1048576", 1), ("A2:A4", 3), ("C3:C4", 4), ("B2:C3", 2), ("A1:A2", 2)):
        error = refused(with_merge(ref, *lines))
        assert (error.rule, error.row) == ("hidden_under_merge", row)
    # What the cell shows may stand under it as well: some programs keep it there.
    table, _ = read(with_merge("A3:A4", *lines))
    assert column(table, "周") == {2: "2026-W40", 3: "2026-W41", 4: "2026-W41"}


def test_every_cut_of_a_workbook_ends_in_a_finding_or_a_table(tmp_path: Path) -> None:
    whole = workbook(tmp_path / "a.xlsx", rows(list(HEADER), ["2026-W40", "a", 7])).read_bytes()
    path = tmp_path / "cut.xlsx"
    for size in range(4, len(whole), 97):
        path.write_bytes(whole[:size])
        with pytest.raises(UnusableFileError):
            read(path)
    for at in range(0, len(whole), 53):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        with suppress(UnusableFileError):
            read(path)


def test_rows_below_a_long_gap_are_rows(tmp_path: Path) -> None:
    gap = [[] for _ in range(7_000)]
    written = rows(list(HEADER), ["2026-W40", "a", 7], *gap, ["2026-W41", "a", 9])
    table, _ = read(workbook(tmp_path / "a.xlsx", written))
    assert table.cells.index.tolist() == [2, 7003]


def test_an_old_workbook_whose_folders_go_in_circles_is_damaged(tmp_path: Path) -> None:
    whole = bytearray((Path(__file__).parents[1] / "data" / "files" / "weekly.xls").read_bytes())
    # Sector of the folders; the entry of the root names itself as its neighbour on the left.
    start = 512 + 512 * int.from_bytes(whole[48:52], "little")
    whole[start + 128 + 68 : start + 128 + 72] = (1).to_bytes(4, "little")
    path = tmp_path / "a.xls"
    path.write_bytes(whole)
    with pytest.raises(UnusableFileError) as caught:
        read(path)
    assert caught.value.rule == "unreadable_workbook"


@pytest.mark.parametrize("reference", ["ZZZZ1", "A99999999", "ZZZZ99999999", "Z9999999"])
def test_a_cell_beyond_any_sheet_is_refused_before_it_is_laid_out(
    tmp_path: Path, reference: str
) -> None:
    body = HEAD_ROW + f'<row r="{reference.strip("AZ")}"><c r="{reference}"><v>1</v></c></row>'
    with pytest.raises(UnusableFileError) as caught:
        read(raw_workbook(tmp_path / "a.xlsx", body))
    assert caught.value.rule in {"unreadable_workbook", "sheet_too_large"}


def test_more_texts_said_than_there_are_is_damage(tmp_path: Path) -> None:
    path = raw_workbook(tmp_path / "a.xlsx", HEAD_ROW)
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(
            "xl/sharedStrings.xml", f'<sst xmlns="{space}" uniqueCount="4294967295"></sst>'
        )
    with pytest.raises(UnusableFileError) as caught:
        read(path)
    assert caught.value.rule == "unreadable_workbook"


def test_a_namespace_called_r_is_no_cell(tmp_path: Path) -> None:
    """Excel declares it on every sheet, openpyxl on every sheet with notes."""

    def noted(sheet: Worksheet) -> None:
        rows(HEADER, ["2026-W46", "990101001001", 7])(sheet)
        sheet["C2"].comment = Comment("核对", "心图")

    path = workbook(tmp_path / "a.xlsx", noted)
    with zipfile.ZipFile(path) as archive:
        assert b"xmlns:r=" in archive.read("xl/worksheets/sheet1.xml")
    table, _ = read(path)
    assert column(table, "人次") == {2: "7"}
