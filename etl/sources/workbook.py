"""XLSX and XLS sheets as rows of text, every cell as the person reads it."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Literal

import openpyxl
import xlrd
from openpyxl.utils.exceptions import InvalidFileException
from xlrd.biffh import XLRDError
from xlrd.compdoc import CompDocError

from etl.findings import UnusableFileError, listed
from etl.sources.headers import nearest, plain

# A sheet that goes on blank for so many rows has ended, whatever its size says.
_BLANK_ROWS = 5_000
# What the two readers raise on bytes that are no whole workbook, as fuzzing them has shown.
_DAMAGED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    CompDocError,
    EOFError,
    InvalidFileException,
    LookupError,
    OSError,
    RuntimeError,  # a password on the archive
    SyntaxError,  # broken XML
    TypeError,
    ValueError,
    XLRDError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True)
class Sheet:
    """Rows that hold anything, with the row number Excel shows."""

    name: str
    numbers: list[int]
    rows: list[list[str]]


def read_sheets(path: Path, *, xls: bool, sheet: str | None) -> list[Sheet]:
    """The named sheet, or all of them.

    Raises
    ------
    UnusableFileError : damaged, locked with a password, or without that sheet.
    """
    try:
        with warnings.catch_warnings():
            # Styles and validations that openpyxl does not know say nothing about figures.
            warnings.simplefilter("ignore", UserWarning)
            return list(_xls(path, sheet) if xls else _xlsx(path, sheet))
    except _DAMAGED as exc:
        raise UnusableFileError("unreadable_workbook", came=type(exc).__name__) from exc


def _xlsx(path: Path, wanted: str | None) -> Iterator[Sheet]:
    book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    try:
        for name in _chosen([sheet.title for sheet in book.worksheets], wanted):
            sheet = book[name]
            sheet.reset_dimensions()  # some writers state a wrong size
            yield _sheet(
                name, ([_text(v) for v in row] for row in sheet.iter_rows(values_only=True))
            )
    finally:
        book.close()


def _xls(path: Path, wanted: str | None) -> Iterator[Sheet]:
    # Its remarks go nowhere: what matters of them is said as a finding.
    with xlrd.open_workbook(str(path), on_demand=True, logfile=io.StringIO()) as book:
        for name in _chosen(book.sheet_names(), wanted):
            sheet = book.sheet_by_name(name)
            mode: Literal[0, 1] = 1 if book.datemode else 0
            yield _sheet(
                name,
                ([_xls_text(cell, mode) for cell in sheet.row(i)] for i in range(sheet.nrows)),
            )


def _chosen(names: list[str], wanted: str | None) -> list[str]:
    if wanted is None:
        return names
    for name in names:
        if plain(name) == plain(wanted):
            return [name]
    raise UnusableFileError(
        "missing_sheet", sheet=wanted, sheets=listed(names), nearest=nearest(wanted, names)
    )


def _sheet(name: str, rows: Iterator[list[str]]) -> Sheet:
    numbers, kept, blank = [], [], 0
    for number, row in enumerate(rows, start=1):
        if any(text.strip() for text in row):
            numbers.append(number)
            kept.append(row)
            blank = 0
        elif (blank := blank + 1) > _BLANK_ROWS:
            break
    return Sheet(name, numbers, kept)


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
