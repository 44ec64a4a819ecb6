"""A row-level export as a stream of rows, its header found, its columns proposed."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from etl.findings import UnusableFileError
from etl.headings import shown_header
from etl.sources import limits, values
from etl.sources.files import decide_encoding, table_format, text_records
from etl.sources.headers import SEARCHED_ROWS, flatten, plain
from etl.sources.workbook import open_book
from geo.errors import InputError

_DELIMITERS = (",", "\t", ";", "|")
_SAMPLE = 200
# How departments call the columns that are counted by, the likeliest first.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "area": (
        "村社区代码", "社区代码", "村代码", "网格编码", "网格代码", "区划代码", "行政区划代码",
        "地区编码", "代码", "编码", "area_code", "areacode", "code", "所属社区", "所属村", "村社区",
        "村（社区）", "社区", "村居", "村", "乡镇街道", "街道", "乡镇", "辖区", "所属辖区", "area",
        "village", "town",
    ),
    "date": (
        "事件日期", "咨询日期", "来电日期", "来电时间", "服务日期", "筛查日期", "随访日期",
        "登记日期", "发生日期", "接报时间", "受理日期", "受理时间", "报告日期", "填报日期", "日期",
        "时间", "date", "event_date", "visit_date",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Export:
    """A table file that can be read row by row.

    Attributes
    ----------
    names : its columns, as a message may show them where they hold no person.
    first : number of the first row below the header, as the person counts it.
    """

    path: Path
    sheet: str | None
    encoding: str | None
    delimiter: str
    names: tuple[str, ...]
    first: int

    def position(self, column: str) -> int:
        """Where a column stands.

        Raises
        ------
        InputError : no column of that name, or several.
        """
        key = plain(column)
        whole = [i for i, name in enumerate(self.names) if plain(name) == key]
        lower = [i for i, name in enumerate(self.names) if plain(name).endswith(f"/{key}")]
        found = whole or lower
        if len(found) == 1:
            return found[0]
        shown = "、".join(shown_header(name, i) for i, name in enumerate(self.names) if name)
        fault = "不止一列" if found else "没有这一列"
        raise InputError(f"{self.path.name}：{column}：{fault}；文件中有：{shown}")

    def rows(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Rows below the header with their numbers; blank ones are left out."""
        for number, row in _numbered(self.path, self.sheet, self.encoding, self.delimiter):
            if number >= self.first and any(text.strip() for text in row):
                yield number, row

    def proposed(self) -> dict[str, str]:
        """Columns that seem to be area and date, by their headers and first rows."""
        rows = [row for _, row in itertools.islice(self.rows(), _SAMPLE)]
        found = {}
        for role, synonyms in SYNONYMS.items():
            keys = [plain(name) for name in synonyms]
            ranked = sorted(
                (keys.index(plain(name.rpartition("/")[2])), i)
                for i, name in enumerate(self.names)
                if plain(name.rpartition("/")[2]) in keys
            )
            if role == "date":
                ranked = [(rank, i) for rank, i in ranked if _mostly_dates(rows, i)] or [
                    (i, i) for i in range(len(self.names)) if _mostly_dates(rows, i)
                ][:1]
            if ranked:
                found[role] = self.names[ranked[0][1]]
        return found


def open_export(path: Path, *, sheet: str | None = None, wanted: Sequence[str] = ()) -> Export:
    """Find the header of a table file: the row that names the wanted columns, else a likely one.

    Raises
    ------
    UnusableFileError : neither text nor a workbook, damaged, or without a header.
    """
    kind = table_format(path)
    encoding = decide_encoding(path, "auto") if kind == "text" else None
    delimiter = _delimiter(path, encoding) if encoding else ""
    if encoding is None and sheet is None:
        sheet = _sheet_with(path, wanted)
    head = list(itertools.islice(_numbered(path, sheet, encoding, delimiter), SEARCHED_ROWS + 3))
    if not head:
        raise UnusableFileError("empty_file", came="0 rows")
    found = _find([row for _, row in head], [plain(name) for name in wanted])
    if found is None or found[1] >= len(head):
        raise UnusableFileError("empty_file", came="0 rows")
    names, stop = found
    return Export(path, sheet, encoding, delimiter, tuple(names), head[stop][0])


def _find(rows: Sequence[Sequence[str]], wanted: Sequence[str]) -> tuple[list[str], int] | None:
    """Names of the columns and the first row below them."""
    usual = {plain(name) for names in SYNONYMS.values() for name in names}
    best: tuple[tuple[int, int, int], list[str], int] | None = None
    for start in range(min(len(rows), SEARCHED_ROWS)):
        for height in (1, 2, 3):
            if start + height > len(rows):
                break
            names = flatten(rows[start : start + height])
            keys = {plain(name.rpartition("/")[2]) for name in names} | set(map(plain, names))
            score = (sum(key in keys for key in wanted), len(keys & usual), -height)
            if score[:2] > (0, 0) and (best is None or score > best[0]):
                best = score, names, start + height
    if best is not None:
        return best[1], best[2]
    for start, row in enumerate(rows):  # the first that is as wide as the table
        if 2 * sum(bool(text.strip()) for text in row) > max(map(len, rows)):
            return flatten([row]), start + 1
    return None


def _sheet_with(path: Path, wanted: Sequence[str]) -> str | None:
    """The sheet whose head names most of the wanted or usual columns."""
    keys = {plain(name) for names in (wanted, *SYNONYMS.values()) for name in names}
    book = open_book(path, xls=table_format(path) == "xls", sheet=None)
    scores = {
        sheet.name: len({plain(t) for row in sheet.rows[:SEARCHED_ROWS] for t in row} & keys)
        for sheet in book.sheets
        if sheet.rows
    }
    return max(scores, key=lambda name: scores[name]) if scores else None


def _numbered(
    path: Path, sheet: str | None, encoding: str | None, delimiter: str
) -> Iterator[tuple[int, Sequence[str]]]:
    if encoding is None:
        book = open_book(path, xls=table_format(path) == "xls", sheet=sheet)
        page = next(book.sheets, None)
        if page is not None:
            yield from zip(page.numbers, page.rows, strict=True)
        return
    limits.check_size(path, 8 * limits.MAX_TEXT_BYTES)  # in chunks, so that far more fits
    with path.open(encoding=encoding, newline="") as file:
        yield from enumerate(text_records(file, delimiter), start=1)


def _delimiter(path: Path, encoding: str) -> str:
    """The mark that stands equally often in most lines."""
    with path.open(encoding=encoding, newline="") as file:
        lines = [line for line in itertools.islice(file, _SAMPLE) if line.strip()]

    def steadiness(mark: str) -> tuple[int, int]:
        counts = Counter(line.count(mark) for line in lines)
        counts.pop(0, None)
        often, n_lines = counts.most_common(1)[0] if counts else (0, 0)
        return n_lines, often

    return max(_DELIMITERS, key=steadiness)


def _mostly_dates(rows: Sequence[Sequence[str]], i: int) -> bool:
    texts = [row[i] for row in rows if i < len(row) and row[i].strip()]
    return bool(texts) and sum(day_of(text) is not None for text in texts) >= 0.8 * len(texts)


def day_of(text: str) -> int | None:
    """Ordinal of a day as people or Excel write it, its time of day left out; None if none."""
    written = values.half_width(text)
    whole, dot, rest = written.partition(".")
    day = values.a_date(whole if dot and rest.isdigit() and len(whole) == 5 else written)
    return None if day is None else day.toordinal()
