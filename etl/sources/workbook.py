"""XLSX and XLS sheets as rows of text, every cell as the person reads it.

The cached value of a formula is read and never calculated, links to other files are never
followed. What the XLSX reader would pass over in silence (errors such as #REF!, formulas that
were never calculated, hidden rows) is looked up in the XML while the sheet is measured.
"""

from __future__ import annotations

import io
import posixpath
import re
import struct
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
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
# The index of a workbook's sheets is some kilobytes.
_MOST_INDEX_BYTES = 4 << 20
_CELL = re.compile(rb"<(?:\w+:)?c((?:\s[^<>]*)?)(?<!/)>(.*?)</(?:\w+:)?c>", re.DOTALL)
_REFERENCE = re.compile(rb"""\br=["']([A-Za-z]{1,3})([0-9]{1,9})["']""")
# Cells beyond column Z, or below any row: only then is the rectangle worth measuring.
_FAR = re.compile(rb"""\br=["'](?:[A-Za-z]{2,}|[A-Za-z]?[0-9]{8,})""")
_HIDDEN_ROW = re.compile(rb"""<(?:\w+:)?row\s(?=[^<>]*\bhidden=["'](?:1|true)["'])([^<>]*)>""")
_ROW_NUMBER = re.compile(rb"""\br=["']([0-9]{1,9})["']""")
_UNCALCULATED = re.compile(
    rb"\s*+<(?:\w+:)?f\b[^<>]*+(?:(?<=/)>|(?<!/)>[^<]*+</(?:\w+:)?f>)\s*+"
    rb"(?:<(?:\w+:)?v\s*+/>|<(?:\w+:)?v>\s*+</(?:\w+:)?v>)?\s*+"
)
_IS_TEXT = re.compile(rb"""\bt=["']str["']""")
_IS_ERROR = re.compile(rb"""\bt=["']e["']""")
_VALUE = re.compile(rb"<(?:\w+:)?v>([^<]*)</")


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


@dataclass
class _Marks:
    """What the XML of a sheet says beside its values; columns counted from 0, rows from 1."""

    cells: int = 0
    last_row: int = 0
    last_column: int = 0
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    uncalculated: list[tuple[int, int]] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)


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


# ------------------------------------------------------------------ XLSX


def _xlsx(path: Path) -> tuple[list[str], Callable[[str], Sheet]]:
    with Archive(path, damaged="unreadable_workbook", most=limits.MAX_UNPACKED_BYTES) as archive:
        names = set(archive.names)
        if "xl/workbook.bin" in names or "content.xml" in names:
            kind = "XLSB" if "xl/workbook.bin" in names else "ODS"
            raise UnusableFileError("workbook_format", came=kind)
        if "xl/workbook.xml" not in names:
            raise UnusableFileError("not_a_table", came="ZIP")
        parts = _parts(archive)
        # What the reader takes in beside the sheets is unpacked once, to see its true size.
        for name in sorted(names - set(parts.values())):
            if name.endswith((".xml", ".rels")):
                for _ in archive.chunks(name):
                    pass
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
            marks = _measure(archive, parts[name])
        return _from_calamine(book, name, marks, hidden=about[name].visible != visible)

    return names_read, read


def _parts(archive: Archive) -> dict[str, str]:
    """Sheet name → its part of the archive."""
    index = _xml(archive, "xl/workbook.xml")
    links = _xml(archive, "xl/_rels/workbook.xml.rels")
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    parts = {}
    for sheet in index.iter():
        if sheet.tag.rpartition("}")[2] != "sheet":
            continue
        link = next((v for k, v in sheet.attrib.items() if k.rpartition("}")[2] == "id"), None)
        target = targets.get(link, "")
        part = posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")
        if part in archive.names:
            parts[sheet.get("name", "")] = part
    return parts


def _xml(archive: Archive, name: str) -> ET.Element:
    try:
        text = archive.read(name, most=_MOST_INDEX_BYTES)
    except KeyError as exc:
        raise archive.broken(name) from exc
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text or b"\x00" in text:
        raise archive.broken("DTD")  # entities that grow when read; Excel writes none
    return ET.fromstring(text)  # noqa: S314  (no DTD in it, as just seen)


def _measure(archive: Archive, part: str) -> _Marks:
    """Walk over the XML of a sheet before it is read: how large it is, and what it marks.

    Raises
    ------
    UnusableFileError : the rectangle around its cells is beyond the limit.
    """
    marks, carry = _Marks(), b""
    for chunk in archive.chunks(part):
        piece = carry + chunk
        if not marks.cells and b"\x00" in piece[:4]:
            raise archive.broken("UTF-16")
        cut = max(piece.rfind(b"</c>") + 4, piece.rfind(b"</row>"), piece.rfind(b":c>") + 3)
        if cut <= 3:
            cut = 0
        carry = piece[cut:]
        if len(carry) > limits.MAX_CELL_BYTES + len(chunk):
            raise UnusableFileError(
                "sheet_too_large", came=f"> {limits.megabytes(limits.MAX_CELL_BYTES)}",
                most=limits.megabytes(limits.MAX_CELL_BYTES),
            )  # fmt: skip
        _mark(piece[:cut], marks)
    _mark(carry, marks)
    # Without a reference a cell stands right of the one before, so there are no more than cells.
    rectangle = max(marks.cells, marks.last_row * (marks.last_column + 1))
    if rectangle > limits.MAX_SHEET_CELLS or marks.last_row > limits.MAX_SHEET_ROWS:
        raise UnusableFileError(
            "sheet_too_large",
            came=f"{marks.last_row:,} × {marks.last_column + 1:,}, {marks.cells:,}",
            most=f"{limits.MAX_SHEET_CELLS:,}",
        )
    return marks


def _mark(piece: bytes, marks: _Marks) -> None:
    marks.cells += piece.count(b"<c ") + piece.count(b"<c>") + piece.count(b":c ")
    if marks.cells > limits.MAX_SHEET_CELLS:
        raise UnusableFileError(
            "sheet_too_large", came=f"> {marks.cells:,}", most=f"{limits.MAX_SHEET_CELLS:,}"
        )
    if _FAR.search(piece) is not None:
        for letters, digits in set(_REFERENCE.findall(piece)):
            marks.last_column = max(marks.last_column, _column(letters))
            marks.last_row = max(marks.last_row, int(digits))
    if b"<f" in piece or b":f" in piece or b't="e"' in piece or b"t='e'" in piece:
        _mark_cells(piece, marks)
    if b"hidden=" in piece:
        for attributes in _HIDDEN_ROW.findall(piece):
            if number := _ROW_NUMBER.search(attributes):
                marks.hidden_rows.add(int(number[1]))


def _mark_cells(piece: bytes, marks: _Marks) -> None:
    for attributes, content in _CELL.findall(piece):
        is_error = _IS_ERROR.search(attributes) is not None
        blank = _UNCALCULATED.fullmatch(content) is not None and not _IS_TEXT.search(attributes)
        if not (is_error or blank):
            continue
        reference = _REFERENCE.search(attributes)
        if reference is None:
            raise UnusableFileError("unreadable_workbook", came="a cell without its reference")
        place = int(reference[2]), _column(reference[1])
        if blank:
            marks.uncalculated.append(place)
        else:
            value = _VALUE.search(content)
            marks.errors[place] = value[1].decode("ascii", "replace") if value else "#ERROR"


def _column(letters: bytes) -> int:
    """Column from 0: A, B … Z, AA."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number - 1


def _from_calamine(
    book: python_calamine.CalamineWorkbook, name: str, marks: _Marks, *, hidden: bool
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


# ------------------------------------------------------------------ XLS


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


# ------------------------------------------------------------------ both


def _filled(rows: Iterable[list[str]]) -> tuple[list[int], list[list[str]]]:
    """Rows that hold anything, and their numbers."""
    numbers, kept = [], []
    for number, row in enumerate(rows, start=1):
        if any(row) and any(text.strip() for text in row):
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
