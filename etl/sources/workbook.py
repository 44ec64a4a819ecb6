"""XLSX and XLS sheets as rows of text, every cell as the person reads it.

The cached value of a formula is read and never calculated, links to other files are never
followed. What the XLSX reader would pass over in silence (errors such as #REF!, formulas that
were never calculated, hidden rows) is looked up in the XML while the sheet is measured.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

import python_calamine
import xlrd
from xlrd.biffh import XLRDError
from xlrd.compdoc import CompDocError

from etl.findings import UnusableFileError, listed
from etl.sources import limits
from etl.sources.archives import Archive
from etl.sources.headers import nearest, plain
from etl.sources.sheetxml import Marks, measure, sheet_parts

_TEXTS_SAID = re.compile(rb"""<(?:\w+:)?sst\b[^>]*\buniqueCount=["']([0-9]+)["']""")
T = TypeVar("T")
# What the readers raise on bytes that are no whole workbook, as fuzzing them has shown.
_DAMAGED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    CompDocError,
    EOFError,
    LookupError,
    OSError,
    RecursionError,
    SyntaxError,  # broken XML
    TypeError,
    ValueError,
    XLRDError,
    python_calamine.CalamineError,
    struct.error,
)


@dataclass(frozen=True)
class Sheet:
    """Rows that hold anything, with the row number Excel shows.

    Attributes
    ----------
    merged : top, left, bottom, right of regions; rows as Excel counts, columns as in `rows`.
    uncalculated : row and column of formulas whose value was never calculated.
    hidden_rows : as Excel counts them.
    """

    name: str
    numbers: list[int]
    rows: list[list[str]]
    merged: tuple[tuple[int, int, int, int], ...] = ()
    uncalculated: tuple[tuple[int, int], ...] = ()
    hidden_rows: frozenset[int] = frozenset()
    hidden: bool = False


@dataclass(frozen=True)
class Book:
    """Names of the sheets, and the sheets asked for, read one by one."""

    names: list[str]
    sheets: Iterator[Sheet]


def open_book(path: Path, *, xls: bool, sheet: str | None) -> Book:
    """The named sheet of a workbook, or all of them, each read when its turn comes.

    Raises
    ------
    UnusableFileError : damaged, locked with a password, too large, or without that sheet; also
        while the sheets are read.
    """
    limits.check_size(path, limits.MAX_XLS_BYTES if xls else limits.MAX_WORKBOOK_BYTES)
    names, read = _guarded(lambda: _xls(path) if xls else _xlsx(path))
    chosen = _chosen(names, sheet)
    return Book(names, (_guarded(partial(read, name)) for name in chosen))


def _guarded(read: Callable[[], T]) -> T:
    """The result of a reader, whatever it raises made one error."""
    try:
        return read()
    except UnusableFileError:
        raise
    except _DAMAGED as exc:
        raise UnusableFileError("unreadable_workbook", came=type(exc).__name__) from exc
    except BaseException as exc:
        # A broken assumption of the compiled reader; it derives from no class to be imported.
        if type(exc).__name__ != "PanicException":
            raise
        raise UnusableFileError("unreadable_workbook", came="damaged") from exc


def _chosen(names: list[str], wanted: str | None) -> list[str]:
    if wanted is None:
        return names
    for name in names:
        if plain(name) == plain(wanted):
            return [name]
    raise UnusableFileError(
        "missing_sheet", sheet=wanted, sheets=listed(names), nearest=nearest(wanted, names)
    )


def _xlsx(path: Path) -> tuple[list[str], Callable[[str], Sheet]]:
    with Archive(path, damaged="unreadable_workbook", most=limits.MAX_UNPACKED_BYTES) as archive:
        names = set(archive.names)
        if "xl/workbook.bin" in names or "content.xml" in names:
            kind = "XLSB" if "xl/workbook.bin" in names else "ODS"
            raise UnusableFileError("workbook_format", came=kind)
        if "xl/workbook.xml" not in names:
            raise UnusableFileError("not_a_table", came="ZIP")
        parts = sheet_parts(archive)
        # What the reader takes in beside the sheets is unpacked once, to see its true size.
        for name in sorted(names - set(parts.values())):
            if name.endswith((".xml", ".rels")):
                size, head = 0, b""
                for chunk in archive.chunks(name):
                    size, head = size + len(chunk), head or chunk[:4096]
                # The reader takes memory for as many texts as are said to come.
                said = _TEXTS_SAID.search(head)
                if said is not None and int(said[1]) > size:
                    raise archive.broken("count of texts")
    book = python_calamine.CalamineWorkbook.from_path(str(path))
    visible = python_calamine.SheetVisibleEnum.Visible
    worksheet = python_calamine.SheetTypeEnum.WorkSheet
    about = {sheet.name: sheet for sheet in book.sheets_metadata}
    names_read = [name for name in book.sheet_names if about[name].typ == worksheet]

    def read(name: str) -> Sheet:
        if name not in parts:
            raise UnusableFileError("unreadable_workbook", came=name)
        with Archive(
            path, damaged="unreadable_workbook", most=limits.MAX_UNPACKED_BYTES
        ) as archive:
            marks = measure(archive, parts[name])
        return _from_calamine(book, name, marks, hidden=about[name].visible != visible)

    return names_read, read


def _from_calamine(
    book: python_calamine.CalamineWorkbook, name: str, marks: Marks, *, hidden: bool
) -> Sheet:
    sheet = book.get_sheet_by_name(name)
    left = sheet.start[1] if sheet.start else 0
    merged = sorted(
        (top + 1, first - left, bottom + 1, last - left)
        for (top, first), (bottom, last) in sheet.merged_cell_ranges or ()
    )
    errors: dict[int, dict[int, str]] = {}
    for (row, column), text in marks.errors.items():
        errors.setdefault(row, {})[column - left] = text
    as_text = _Texts()
    rows = (
        _patched(as_text.row(row), errors.get(number))
        for number, row in enumerate(sheet.iter_rows(), start=1)
    )
    kept, numbered = _filled(rows)
    return Sheet(
        name=name,
        numbers=kept,
        rows=numbered,
        merged=tuple(merged),
        uncalculated=tuple((row, column - left) for row, column in marks.uncalculated),
        hidden_rows=frozenset(marks.hidden_rows),
        hidden=hidden,
    )


class _Texts:
    """Cells to text. Most texts and numbers stand in many cells: each is kept once."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._numbers: dict[float, str] = {}

    def row(self, values: Iterable[Any]) -> list[str]:
        line = []
        for value in values:
            kind = value.__class__
            if kind is str:
                line.append(self._texts.setdefault(value, value))
            elif kind is float:
                text = self._numbers.get(value)
                if text is None:
                    text = self._numbers[value] = _text(value)
                line.append(text)
            else:
                line.append(_text(value))
        return line


def _patched(line: list[str], errors: dict[int, str] | None) -> list[str]:
    for column, text in (errors or {}).items():
        if 0 <= column < len(line):
            line[column] = text
    return line


def _xls(path: Path) -> tuple[list[str], Callable[[str], Sheet]]:
    # Its remarks go nowhere: what matters of them is said as a finding. Formats hold the merged
    # regions; a file whose formats are odd is read without them.
    say = io.StringIO()
    try:
        book = xlrd.open_workbook(
            str(path), on_demand=True, logfile=say, ragged_rows=True, formatting_info=True
        )
    except _DAMAGED:
        book = xlrd.open_workbook(str(path), on_demand=True, logfile=say, ragged_rows=True)
    return book.sheet_names(), partial(_from_xlrd, book)


def _from_xlrd(book: xlrd.book.Book, name: str) -> Sheet:
    sheet = book.sheet_by_name(name)
    mode: Literal[0, 1] = 1 if book.datemode else 0
    rows = ([_xls_text(cell, mode) for cell in sheet.row(i)] for i in range(sheet.nrows))
    numbers, kept = _filled(rows)
    return Sheet(
        name=name,
        numbers=numbers,
        rows=kept,
        merged=tuple(
            sorted(
                (top + 1, left, bottom, right - 1)
                for top, bottom, left, right in sheet.merged_cells
            )
        ),
        hidden_rows=frozenset(i + 1 for i, row in sheet.rowinfo_map.items() if row.hidden),
        hidden=bool(sheet.visibility),
    )


def _xls_text(cell: xlrd.sheet.Cell, mode: Literal[0, 1]) -> str:
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            return _text(xlrd.xldate_as_datetime(float(cell.value), mode))
        except (ValueError, OverflowError):
            return _text(cell.value)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return _text(bool(cell.value))
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return xlrd.error_text_from_code.get(int(cell.value), "#ERROR")
    return _text(cell.value)


def _filled(rows: Iterable[list[str]]) -> tuple[list[int], list[list[str]]]:
    """Rows that hold anything, and their numbers."""
    numbers, kept = [], []
    for number, row in enumerate(rows, start=1):
        if "".join(row).strip():
            numbers.append(number)
            kept.append(row)
    return numbers, kept


def _text(value: object) -> str:
    """A cell as text: dates as ISO dates, whole numbers without a point."""
    if isinstance(value, datetime):
        return (value.date() if value.time() == time(0) else value).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return "" if value is None else str(value)
