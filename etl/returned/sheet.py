"""The department's own sheet, as it came, with its doubted cells coloured and explained."""

from __future__ import annotations

import json
import re
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

import openpyxl
import pandas as pd
from openpyxl.cell.cell import Cell
from openpyxl.formatting.formatting import ConditionalFormattingList
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.filters import AutoFilter
from openpyxl.worksheet.protection import SheetProtection

from etl.findings import UnusableFileError
from etl.persons import redact
from etl.returned.afresh import set_anew, set_from_quarantine
from etl.returned.brought import WHOLE_ROWS, Brought, Head, cell_text, find_head
from etl.returned.doubted import Doubted, Handed, Language
from etl.returned.marking import add_columns, dress, mark_cells
from etl.sources.files import table_format
from etl.sources.headers import SEARCHED_ROWS, plain
from etl.spreadsheet import put

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

    from etl.sources.settings import SourceBase

# Taken over whole, a workbook needs some thirty times its unpacked size in memory.
_WHOLE_BYTES = 24 << 20
_COVER_TITLES = ("说明", "退回说明")
_OVERFULL = "extra_cells"
# What openpyxl raises on workbooks that a more patient reader has read.
_UNREADABLE = (
    ArithmeticError, AssertionError, AttributeError, InvalidFileException, LookupError, OSError,
    ParseError, RuntimeError, SyntaxError, TypeError, ValueError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def bring_back(
    raw: Path,
    source: SourceBase,
    handed: Handed,
    quarantine: pd.DataFrame,
    cells: Sequence[Doubted],
    *,
    language: Language,
    known: frozenset[str],
) -> Brought:
    """The sheet that was handed in, alone in a workbook, coloured.

    An XLSX sheet keeps its look; a CSV or XLS file, and a sheet too large, is set anew.

    Parameters
    ----------
    raw : the file as it was handed in.
    cells : what is doubted in it.
    known : what the locality's area codes begin with.
    """
    wanted = _names(quarantine, cells)
    concerned = sorted({cell.row for cell in cells} | set(quarantine["row"].tolist()))
    brought = None
    if _is_workbook(raw) and handed.rows_read <= WHOLE_ROWS and _unpacked(raw) <= _WHOLE_BYTES:
        brought = _taken_over(raw, source, handed, wanted)
    if brought is None:
        overfull = {cell.row for cell in cells if cell.rule == _OVERFULL}
        brought = set_anew(raw, source, handed, wanted, concerned=concerned, overfull=overfull)
    if brought is None:
        brought = set_from_quarantine(handed, quarantine, wanted)
    _neutralise(brought.sheet, known)
    add_columns(brought)
    mark_cells(brought, cells, language)
    dress(brought, handed)
    return brought


def cover_title(sheet_title: str) -> str:
    """What the first sheet is called beside the department's own."""
    return next(title for title in _COVER_TITLES if title != sheet_title)


def _names(quarantine: pd.DataFrame, cells: Sequence[Doubted]) -> list[str]:
    """Columns that are known to stand in the header."""
    names = {cell.column: None for cell in cells if cell.column}
    for text in quarantine["raw"].iloc[:1]:
        names |= dict.fromkeys(json.loads(text))
    return list(names)


def _is_workbook(raw: Path) -> bool:
    try:
        return table_format(raw) == "xlsx"
    except UnusableFileError:
        return False


def _unpacked(raw: Path) -> int:
    try:
        with zipfile.ZipFile(raw) as archive:
            return sum(entry.file_size for entry in archive.infolist())
    except (OSError, zipfile.BadZipFile):
        return _WHOLE_BYTES + 1


def _taken_over(
    raw: Path, source: SourceBase, handed: Handed, wanted: Sequence[str]
) -> Brought | None:
    """The XLSX itself, without all that is not this sheet's cells; None if it cannot be."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            # Values instead of formulas: nothing is calculated from sheets that stay behind.
            book = openpyxl.load_workbook(raw, data_only=True, keep_links=False)
    except _UNREADABLE:
        return None
    titles = [sheet.title for sheet in book.worksheets]
    chosen = [title for title in titles if plain(title) == plain(handed.sheet or "")] or titles
    for title in chosen:
        sheet: Worksheet = book[title]
        rows = [
            (number, [cell_text(value) for value in values])
            for number, values in enumerate(sheet.iter_rows(values_only=True), start=1)
            if any(value is not None and str(value).strip() for value in values)
        ]
        head = find_head(rows[: SEARCHED_ROWS + 3], wanted, source)
        if head is not None:
            break
    else:
        return None
    for other in [name for name in book.sheetnames if name != title]:
        del book[other]
    _strip(book, sheet)
    lines = {number: number for number, _ in rows if number > head.last}
    width = max((i for _, row in rows for i, text in enumerate(row, 1) if text.strip()), default=1)
    names = (*head.names[:width], *[""] * (width - len(head.names)))
    return Brought(book, sheet, Head(head.first, head.last, names), lines, fresh=False)


def _strip(book: Workbook, sheet: Worksheet) -> None:
    """Take away what the gate has not looked through, and what would hide or change cells."""
    book.defined_names.clear()
    sheet.defined_names.clear()
    sheet.tables.clear()
    sheet.legacy_drawing = None
    for kept_elsewhere in ("_images", "_charts", "_pivots"):
        setattr(sheet, kept_elsewhere, [])
    sheet.conditional_formatting = ConditionalFormattingList()
    validations = sheet.data_validations.dataValidation
    sheet.data_validations.dataValidation = [
        rule for rule in validations if not re.search(r"[!\[]", f"{rule.formula1}{rule.formula2}")
    ]
    sheet.protection = SheetProtection()
    sheet.auto_filter = AutoFilter()
    sheet.sheet_state = "visible"
    sheet.print_area = None
    book.active = 0
    for dimension in sheet.row_dimensions.values():
        dimension.hidden = False
    for row in sheet.iter_rows():
        for cell in row:
            if isinstance(cell, Cell):
                cell.comment = None
                cell.hyperlink = None


def _neutralise(sheet: Worksheet, known: frozenset[str]) -> None:
    """Hide what is personal, and make texts that look like formulas stay texts."""
    for row in sheet.iter_rows():
        for cell in row:
            if not isinstance(cell, Cell) or cell.value is None:
                continue
            if isinstance(cell.value, str | int | float):
                text = cell_text(cell.value)
                safe = redact(text, known=known)
                if safe != text:
                    cell.value = safe
            if isinstance(cell.value, str):
                put(cell, cell.value)
