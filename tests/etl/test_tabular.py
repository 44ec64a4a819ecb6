"""Tables as people hand them in: encodings, delimiters, sheets, merged headers, totals."""

from __future__ import annotations

import tempfile
from datetime import date
from math import isnan
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.findings import Doubts, UnusableFileError
from etl.sources import limits, tabular
from etl.sources.settings import SourceBase
from etl.sources.tabular import read_table
from tests.support.locality import (
    NE,
    NW,
    SE,
    SW,
    Folder,
    assert_accounted,
    counts,
    findings,
    rules,
)

HEADER = "周,代码,人次"
ROWS = [f"2026-W40,{SW},3", f"2026-W40,{NW},4", f"2026-W41,{SW},5"]
GOOD = {(SW, "2026-W40"): 3.0, (NW, "2026-W40"): 4.0, (SW, "2026-W41"): 5.0}
TEXT = "\n".join([HEADER, *ROWS]) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder.with_areas(tmp_path)
    folder.weekly()
    return folder


# ------------------------------------------------------------------ encodings


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("gb18030", "gb18030"),
        ("gbk", "gb18030"),
        ("utf-16", "utf-16"),
    ],
)
def test_encoding_is_decided_and_said(folder: Folder, written: str, said: str) -> None:
    folder.write("weekly.csv", TEXT, encoding=written)
    result = folder.result()
    assert counts(result) == GOOD
    assert result.encoding == said
    decided = findings(result, "encoding_decided")
    assert [finding.came for finding in decided] == ([] if "utf-8" in said else [said.upper()])


def test_rare_characters_of_gb18030_survive(folder: Folder) -> None:
    folder.write("weekly.csv", TEXT.replace("人次", "人次𠮷"), encoding="gb18030")
    folder.sources[-1]["columns"]["count"] = "人次𠮷"
    assert counts(folder.result()) == GOOD


def test_gbk_declared_as_utf8_is_no_mojibake(folder: Folder) -> None:
    folder.write("weekly.csv", TEXT, encoding="gbk")
    folder.sources[-1]["encoding"] = "utf-8"
    result = folder.result()
    assert result.failed
    assert result.frame.empty
    (finding,) = result.findings
    assert finding.rule == "encoding_mismatch"
    assert finding.file == "weekly.csv"
    # 周 is D6 DC in GBK; D6 starts a pair in UTF-8 that DC cannot end.
    assert finding.came == "byte 1 (0xd6), line 1"
    assert 'encoding = "gb18030"' in finding.action.en


def test_utf8_declared_as_gb18030_is_found_where_it_does_not_decode(folder: Folder) -> None:
    folder.write("weekly.csv", TEXT + "备\n")
    folder.sources[-1]["encoding"] = "gb18030"
    result = folder.result()
    assert result.failed
    assert result.findings[0].rule in {"encoding_mismatch", "missing_column"}


def test_damaged_utf8_is_not_read_as_something_else(folder: Folder) -> None:
    whole = (TEXT + f"2026-W42,{SW},6,备注很长\n").encode()
    folder.write("weekly.csv", whole[:-6] + b"\xff\xfe" + whole[-6:])
    result = folder.result()
    assert rules(result) == ["encoding_damaged"]
    assert "line 5" in str(result.findings[0].came)


def test_unknown_encoding_is_an_error(folder: Folder) -> None:
    folder.write("weekly.csv", b"\xd6\xdc,\xff\xff\xff\n")
    assert rules(folder.result()) == ["encoding_unknown"]
    folder.sources[-1]["encoding"] = "klingon"
    assert rules(folder.result()) == ["encoding_unknown"]


def test_bad_byte_behind_a_chunk_is_placed(folder: Folder) -> None:
    # The decoder reads a megabyte at a time and keeps back half a character.
    filler = "#" * ((1 << 20) - len(TEXT.encode()) - 1)
    body = (TEXT + filler + "字\n").encode()
    folder.write("weekly.csv", body + b"\xffzz")
    folder.sources[-1]["encoding"] = "utf-8"
    (finding,) = folder.result().findings
    assert str(finding.came).startswith(f"byte {len(body) + 1} (0xff)")


# ------------------------------------------------------------------ text files


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_delimiter_is_found(folder: Folder, delimiter: str) -> None:
    folder.write("weekly.csv", TEXT.replace(",", delimiter))
    assert counts(folder.result()) == GOOD


def test_title_rows_blank_rows_and_remarks_are_set_aside(folder: Folder) -> None:
    text = "\n".join(
        ["心理咨询周报,,", "填报单位:某局,,", "", HEADER, *ROWS, "", "合计,,12", "制表人:某,,"]
    )
    folder.write("weekly.csv", text)
    result = folder.result()
    assert counts(result) == GOOD
    assert (result.rows_read, result.accepted, result.set_aside) == (7, 3, 4)
    assert rules(result) == []


def test_header_row_may_be_given(folder: Folder) -> None:
    folder.write("weekly.csv", "\n".join(["周,代码,人次", HEADER, *ROWS]))
    folder.sources[-1]["header_row"] = 2
    result = folder.result()
    assert counts(result) == GOOD
    assert result.set_aside == 1


def test_repeated_header_is_set_aside(folder: Folder) -> None:
    folder.write("weekly.csv", "\n".join([HEADER, ROWS[0], HEADER, *ROWS[1:]]))
    result = folder.result()
    assert counts(result) == GOOD
    assert result.set_aside == 1


def test_row_numbers_are_those_of_excel(folder: Folder) -> None:
    folder.write("weekly.csv", "\n".join(["题目", "", HEADER, ROWS[0], "", f"2026-W40,{NW},-1"]))
    (finding,) = findings(folder.result(), "negative_count")
    assert finding.row == 6


def test_row_with_more_cells_waits(folder: Folder) -> None:
    for extra in (",9", ",9,9,9"):
        folder.write("weekly.csv", "\n".join([HEADER, *ROWS, f"2026-W42,{SW},6{extra}"]))
        result = folder.result()
        assert counts(result) == GOOD
        assert [(f.rule, f.row) for f in result.findings] == [("extra_cells", 5)]
        assert_accounted(result)


def test_trailing_delimiters_are_no_cells(folder: Folder) -> None:
    folder.write("weekly.csv", "\n".join(f"{row},," for row in [HEADER, *ROWS]))
    assert counts(folder.result()) == GOOD


def test_short_row_is_a_missing_figure(folder: Folder) -> None:
    folder.write("weekly.csv", "\n".join([HEADER, *ROWS, f"2026-W42,{SW}"]))
    result = folder.result()
    assert result.accepted == 4
    assert result.frame["count"].isna().sum() == 1


def test_open_quote_is_placed(folder: Folder) -> None:
    folder.write("weekly.csv", "\n".join([HEADER, ROWS[0], f'2026-W41,"{SW},4', *ROWS[1:]]))
    (finding,) = folder.result().findings
    assert finding.rule == "unclosed_quote"
    assert finding.row == 3


def test_open_quote_before_a_long_rest_is_placed(folder: Folder) -> None:
    rows = [f"2026-W{week},{SW},{'3' * 5000}" for week in range(10, 40)]
    folder.write("weekly.csv", "\n".join([HEADER, f'2026-W41,"{SW},4', *rows]))
    (finding,) = folder.result().findings
    assert (finding.rule, finding.row) == ("unclosed_quote", 2)


def test_quoted_newlines_and_delimiters_stay_in_their_cell(folder: Folder) -> None:
    folder.write("weekly.csv", f'周,代码,"人次\n(次)",备注\n2026-W40,{SW},3,"一,\n二"\n')
    folder.sources[-1]["columns"]["count"] = "人次(次)"
    assert counts(folder.result()) == {(SW, "2026-W40"): 3.0}


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "empty_file"),
        (b"  \n \n", "empty_file"),
        ((HEADER + "\n").encode(), "empty_file"),
        ((HEADER + "\n,,\n,,\n").encode(), "empty_file"),
        (b"<html><table><tr><td>1</td></tr></table></html>", "not_a_table"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "not_a_table"),
        (b"PK\x03\x04 cut off", "unreadable_workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 cut off", "unreadable_workbook"),
    ],
)
def test_files_that_are_no_tables(folder: Folder, content: bytes, rule: str) -> None:
    folder.write("weekly.csv", content)
    result = folder.result()
    assert rules(result) == [rule]
    assert result.failed


def test_missing_file_names_the_nearest(folder: Folder) -> None:
    folder.write("weekly_.csv", TEXT)
    (finding,) = folder.result().findings
    assert (finding.rule, finding.came) == ("missing_file", "weekly_.csv")


def test_missing_column_names_what_is_there(folder: Folder) -> None:
    folder.write("weekly.csv", TEXT.replace("人次", "人 次数"))
    (finding,) = folder.result().findings
    assert finding.rule == "missing_column"
    assert finding.column == "人次"
    assert finding.row == 1
    assert "周、代码、人 次数" in finding.action.zh
    assert "“人 次数”" in finding.action.zh


def test_doubled_column_is_not_guessed(folder: Folder) -> None:
    folder.write("weekly.csv", f"周,代码,人次,人次\n2026-W40,{SW},3,4\n")
    assert rules(folder.result()) == ["doubled_column"]


def test_headers_match_in_spite_of_width_and_blanks(folder: Folder) -> None:
    folder.write("weekly.csv", TEXT.replace(HEADER, " 周 ,代 码,人次"))
    assert counts(folder.result()) == GOOD


def test_full_width_digits_and_separators_are_read(folder: Folder) -> None:
    wide = {ord(c): 0xFEE0 + ord(c) for c in "0123456789-W,"}
    row = f'{"2026-W40".translate(wide)},{SW.translate(wide)}\u3000,"{"1,024".translate(wide)}"'
    folder.write("weekly.csv", f'{HEADER}\n{row}\n2026-W41,{SW},"1,024"\n')
    assert counts(folder.result()) == {(SW, "2026-W40"): 1024.0, (SW, "2026-W41"): 1024.0}


# ------------------------------------------------------------------ workbooks


def test_workbook_with_title_merged_header_and_total(folder: Folder) -> None:
    folder.workbook(
        "weekly.xlsx",
        {
            "周报": [
                ["2026 年心理服务周报", None, None, None],
                ["周", "村(社区)", None, "服务情况", None],
                [None, "名称", "代码", "咨询\n人次", "筛查人次"],
                ["2026-W40", "柳溪村", SW, 3, "12"],
                ["2026-W40", "松岭村", NW, 4.0, None],
                ["合 计", None, None, 7, 13],
            ]
        },
        merged=["A1:D1", "A2:A3", "B2:C2", "D2:E2"],
    )
    folder.sources[-1] |= {
        "path": "weekly.xlsx",
        "header_rows": 2,
        "measure": None,
        "columns": {
            "week": "周",
            "area": "村(社区)/代码",
            "counts": {"consult_visits": "服务情况/咨询人次", "screened": "筛查人次"},
        },
    }
    result = folder.result()
    assert result.sheet == "周报"
    assert (result.rows_read, result.accepted, result.set_aside) == (4, 2, 2)
    (finding,) = result.findings
    assert finding.rule == "total_mismatch"
    assert (finding.row, finding.column, finding.came) == (6, "服务情况/筛查人次", "13")
    assert "12" in finding.wanted.zh
    figures = result.frame.set_index(["area_code", "measure"])["count"]
    assert figures[SW, "consult_visits"] == 3
    assert figures[SW, "screened"] == 12


def test_title_above_a_merged_header_is_not_its_upper_row(folder: Folder) -> None:
    rows = [
        ["2026 年周报", None, None, None, None],
        ["周", "代码", "人次", "说明", None],
        [None, None, None, "一", "二"],
        ["2026-W40", SW, 3, "x", "y"],
    ]
    folder.workbook("weekly.xlsx", {"周报": rows}, merged=["A1:E1", "A2:A3", "D2:E2"])
    folder.sources[-1] |= {"path": "weekly.xlsx", "header_rows": 2}
    result = folder.result()
    assert counts(result) == {(SW, "2026-W40"): 3.0}
    assert (result.set_aside, result.findings) == (1, ())


def test_weeks_as_dates_serials_and_text(folder: Folder) -> None:
    folder.workbook(
        "weekly.xlsx",
        {
            "Sheet1": [
                ["周", "代码", "人次"],
                [date(2026, 9, 28), SW, 1],
                [date(2026, 10, 5), SW, 2],
                [46307, SW, 3],  # 2026-10-12 as Excel counts days
                ["2026年10月19日", SW, 4],
                ["20261026", SW, 5],
            ]
        },
    )
    folder.sources[-1] |= {"path": "weekly.xlsx", "week": "monday"}
    assert counts(folder.result()) == {
        (SW, f"2026-W{week}"): float(count) for count, week in enumerate(range(40, 45), start=1)
    }


def test_sheet_is_chosen_by_its_columns_and_said(folder: Folder) -> None:
    sheets = {"说明": [["请按表填写"]], "数据": [HEADER.split(","), ["2026-W40", SW, 3]]}
    folder.workbook("weekly.xlsx", sheets)
    folder.sources[-1]["path"] = "weekly.xlsx"
    result = folder.result()
    assert result.sheet == "数据"
    (finding,) = findings(result, "sheet_chosen")
    assert "说明、数据" in finding.action.zh
    folder.sources[-1]["sheet"] = "数 据"
    assert rules(folder.result()) == []


def test_missing_and_empty_sheets_say_what_is_there(folder: Folder) -> None:
    folder.workbook("weekly.xlsx", {"说明": [["x"]], "数据表": [], "表头": [HEADER.split(",")]})
    folder.sources[-1] |= {"path": "weekly.xlsx", "sheet": "数据"}
    (finding,) = folder.result().findings
    assert finding.rule == "missing_sheet"
    assert "说明、数据表、表头" in finding.action.zh
    assert "“数据表”" in finding.action.zh
    for sheet in ("数据表", "表头"):
        folder.sources[-1]["sheet"] = sheet
        (finding,) = folder.result().findings
        assert (finding.rule, finding.sheet) == ("empty_sheet", sheet)


def test_missing_column_of_a_sheet_names_sheet_and_row(folder: Folder) -> None:
    folder.workbook(
        "weekly.xlsx", {"数据": [["标题"], [], ["周", "代码", "数量"], ["2026-W40", SW, 3]]}
    )
    folder.sources[-1]["path"] = "weekly.xlsx"
    (finding,) = folder.result().findings
    assert (finding.rule, finding.sheet, finding.row) == ("missing_column", "数据", 3)


def test_codes_keep_leading_zeros_and_numbers_lose_their_point(tmp_path: Path) -> None:
    folder = Folder.with_areas(tmp_path)
    folder.workbook(
        "weekly.xlsx",
        {"a": [["周", "代码", "人次"], ["2026-W40", int(SE), 3], ["2026-W40", float(NE), 4]]},
    )
    folder.weekly("weekly.xlsx")
    assert counts(folder.result()) == {(SE, "2026-W40"): 3.0, (NE, "2026-W40"): 4.0}
    folder.write("weekly.csv", "周,代码,人次\n2026-W40,0099,3\n2026-W40,0012,4\n")
    folder.sources[-1] |= {"path": "weekly.csv", "code": {"replace": {"0099": SE, "99": SW}}}
    result = folder.result()
    assert counts(result) == {(SE, "2026-W40"): 3.0}
    assert [f.came for f in findings(result, "malformed_code")] == ["0012"]


def test_subtotals_cover_the_rows_since_the_last(folder: Folder) -> None:
    rows = [*ROWS[:2], "小计,,7", ROWS[2], "小计,,5", "总计,,12"]
    folder.write("weekly.csv", "\n".join([HEADER, *rows]))
    assert rules(folder.result()) == []
    rows[4] = "小计,,6"
    folder.write("weekly.csv", "\n".join([HEADER, *rows]))
    (finding,) = folder.result().findings
    assert (finding.rule, finding.row) == ("total_mismatch", 6)


def test_old_xls_is_read(folder: Folder) -> None:
    xls = Path(__file__).parents[1] / "data" / "files" / "weekly.xls"
    folder.write("weekly.xls", xls.read_bytes())
    folder.sources[-1] |= {"path": "weekly.xls", "week": "monday"}
    assert counts(folder.result()) == GOOD


# ------------------------------------------------------------------ headers found by themselves


def test_two_row_header_is_found_without_being_told(folder: Folder) -> None:
    text = "\n".join(
        ["周报,,,", "周,村(社区),,服务", ",名称,代码,人次", *(f"{r[:9]}x,{r[9:]}" for r in ROWS)]
    )
    folder.sources[-1]["columns"] = {"week": "周", "area": "村(社区)/代码", "count": "人次"}
    for encoding in ("utf-8", "utf-8-sig", "gb18030", "utf-16"):
        for delimiter in (",", "\t", ";"):
            folder.write("weekly.csv", text.replace(",", delimiter), encoding=encoding)
            result = folder.result()
            assert counts(result) == GOOD
            assert result.set_aside == 1  # the title


def test_lower_header_row_without_figures_is_no_data(folder: Folder) -> None:
    text = "\n".join(["周,代码,人次,说明,", ",,,甲,乙", *(f"{row},x,y" for row in ROWS)])
    folder.write("weekly.csv", text)
    result = folder.result()
    assert counts(result) == GOOD
    assert (result.rows_read, result.findings) == (3, ())


def test_fewest_header_rows_are_taken(folder: Folder) -> None:
    # A first row of data that is all words must not become a header.
    folder.write("weekly.csv", "\n".join(["周,代码,人次,备注", *(f"{row},无" for row in ROWS)]))
    assert counts(folder.result()) == GOOD
    folder.write(
        "weekly.csv", "\n".join(["周,代码,人次,备注", ",,,无", *(f"{r},无" for r in ROWS)])
    )
    result = folder.result()
    assert counts(result) == GOOD
    assert result.quarantined == 1


# ------------------------------------------------------------------ text that no person made


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"x" * (limits.MAX_LINE_BYTES + 1), "line_too_long"),
        (TEXT.encode() + b"2026-W40," + b"9" * (limits.MAX_LINE_BYTES + 1), "line_too_long"),
        (b",".join([b"a"] * 1_000_000) + b"\n1,2,3\n", "too_many_columns"),
        (TEXT.encode() + b";" * (limits.MAX_COLUMNS + 1) + b"\n", "too_many_columns"),
        ((",".join(["周", "代码", "人次"] * 7000) + "\n").encode("utf-16"), "too_many_columns"),
    ],
)
def test_lines_beyond_reason_are_refused(folder: Folder, content: bytes, rule: str) -> None:
    path = folder.write("weekly.csv", content)
    with pytest.raises(UnusableFileError) as caught:
        read_table(path, _source(folder), HEADER.split(","), Doubts("weekly", "weekly.csv"))
    assert caught.value.rule == rule


def _source(folder: Folder) -> SourceBase:
    return next(s for s in folder.settings().config.sources if s.id == "weekly")


def test_half_a_gigabyte_in_one_line_is_refused_before_it_is_read(folder: Folder) -> None:
    path = folder.path / "weekly.csv"
    with path.open("wb") as file:
        file.truncate(500 << 20)  # takes no room on the disk
        file.write(TEXT.encode())
    process = psutil.Process()
    before = process.memory_info().rss
    with pytest.raises(UnusableFileError) as caught:
        tabular.longest_line(path)
    assert (caught.value.rule, caught.value.row) == ("line_too_long", 5)
    assert process.memory_info().rss - before < 64 << 20


def test_large_file_is_refused_unopened(folder: Folder) -> None:
    path = folder.write("weekly.csv", TEXT)
    with path.open("ab") as file:
        file.truncate(limits.MAX_TEXT_BYTES + 1)
    with pytest.raises(UnusableFileError) as caught:
        read_table(path, _source(folder), HEADER.split(","), Doubts("weekly", "weekly.csv"))
    assert caught.value.rule == "file_too_large"


def test_record_that_goes_on_over_lines_ends(folder: Folder) -> None:
    # Each cell is closed, but the record never is.
    body = '"\n",' * 3_000_000
    path = folder.write("weekly.csv", f"{HEADER}\n2026-W40,{SW},3,4,5\n{body}")
    with pytest.raises(UnusableFileError) as caught:
        read_table(path, _source(folder), HEADER.split(","), Doubts("weekly", "weekly.csv"))
    assert caught.value.rule in {"unclosed_quote", "too_many_columns"}


@given(st.lists(st.text("ab,;\t\r\n", max_size=40), max_size=6), st.integers(1, 7))
def test_longest_line_is_that_of_a_plain_count(parts: list[str], chunk: int) -> None:
    raw = "".join(parts).encode()
    with tempfile.NamedTemporaryFile() as file, pytest.MonkeyPatch.context() as patch:
        file.write(raw)
        file.flush()
        patch.setattr(tabular, "_SCANNED", chunk)
        came = tabular.longest_line(Path(file.name))
    by_newline = max(len(line) for line in raw.split(b"\n"))
    assert (came == by_newline) if b"\r" not in raw else (came <= by_newline)


def test_a_million_rows_of_ten_columns_pass(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    line = f"2026-W40,{SW},3,1,2,3,4,5,6,7\n"
    path.write_text(f"{HEADER},a,b,c,d,e,f,g\n" + line * 1_000_000)
    folder = Folder.with_areas(tmp_path)
    folder.weekly()
    table = read_table(path, _source(folder), HEADER.split(","), Doubts("weekly", "large.csv"))
    assert len(table.cells) == 1_000_000


@pytest.mark.parametrize("text", ["12①", "5²", "12⒈", "3⑫", "3 4", "1 2 3", "１２①"])
def test_a_note_or_a_second_figure_is_not_read_into_a_figure(tmp_path: Path, text: str) -> None:
    folder = Folder.with_areas(tmp_path)
    folder.weekly()
    folder.write("weekly.csv", f"周,代码,人次\n2026-W40,{SW},{text}\n2026-W40,{NW},1 234\n")
    result = folder.result()
    assert rules(result) == ["not_a_number"]
    assert {k: c for k, c in counts(result).items() if not isnan(c)} == {(NW, "2026-W40"): 1234}


@pytest.mark.parametrize(("week", "code"), [("2026-W4①", SW), ("2026-W40", f"{SW[:-1]}①")])
def test_a_note_is_not_read_into_a_key(tmp_path: Path, week: str, code: str) -> None:
    folder = Folder.with_areas(tmp_path)
    folder.weekly()
    folder.write("weekly.csv", f"周,代码,人次\n{week},{code},5\n2026-W40,{NE},7\n")
    result = folder.result()
    assert counts(result) == {(NE, "2026-W40"): 7}
    assert result.quarantined == 1


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_blank_lines_above_the_header_take_no_row_away(
    tmp_path: Path, end: str, encoding: str
) -> None:
    folder = Folder.with_areas(tmp_path)
    folder.weekly()
    lines = ["标题", "", "", "周,代码,人次", f"2026-W40,{SW},3", "", f"2026-W40,{NW},5", ""]
    folder.write("weekly.csv", end.join(lines), encoding=encoding)
    result = folder.result()
    assert counts(result) == {(SW, "2026-W40"): 3, (NW, "2026-W40"): 5}
    assert sorted(result.frame["source_row"]) == [5, 7]


def test_rows_as_full_as_data_above_the_header_are_said(folder: Folder) -> None:
    """A header that only a repetition further down spells right hides what stands above it."""
    above = ["周,代码,合计", *ROWS]
    folder.write("weekly.csv", "\n".join([*above, HEADER, f"2026-W42,{SW},6"]) + "\n")
    result = folder.result()
    assert counts(result) == {(SW, "2026-W42"): 6.0}
    (finding,) = findings(result, "rows_above_header")
    assert (finding.severity, finding.row) == ("warning", 1)
    assert "4 rows" in finding.action.en
    assert result.set_aside == 4
    assert_accounted(result)


def test_titles_above_the_header_are_no_data(folder: Folder) -> None:
    folder.write("weekly.csv", f"心理服务周报\n单位：人次,,2026\n{TEXT}")
    result = folder.result()
    assert counts(result) == GOOD
    assert not findings(result, "rows_above_header")


def test_stray_quotes_that_make_one_cell_of_several_rows_refuse_the_file(folder: Folder) -> None:
    """Between them the code of the first row would stand before the figure of the last."""
    lines = [f'2026-W40,{SW},"柳溪,3', f"2026-W40,{NW},松岭,4", f'2026-W41,{SW},"柳溪,5']
    folder.write("weekly.csv", "\n".join(["周,代码,名称,人次", *lines]) + "\n")
    result = folder.result()
    assert result.failed
    (finding,) = result.findings
    assert (finding.rule, finding.row) == ("unclosed_quote", 2)


def test_quoted_cells_over_lines_and_names_in_quotes_are_read(folder: Folder) -> None:
    lines = [
        f'2026-W40,{SW},"柳溪,\n""东""",3', f'2026-W40,{NW},"心"桥,4', f"2026-W41,{SW},x,5",
    ]  # fmt: skip
    folder.write("weekly.csv", "\n".join(["周,代码,名称,人次", *lines]) + "\n")
    assert counts(folder.result()) == GOOD
