"""Tables that leave the product: CSV and workbook cells that open right and run nothing.

The one place that makes text safe for a spreadsheet. In a workbook a text is stored as a text,
marked so that editing it does not turn it into a formula. A CSV knows no types: there an
apostrophe goes before what a spreadsheet would calculate (OWASP, CSV injection), and every text
stands in quotes, so that nothing in it begins a cell of its own where `;` separates them.
Numbers stay numbers, negative ones too.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import openpyxl
import pandas as pd
from openpyxl.cell import Cell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

# A cell that begins so is a formula to a spreadsheet; some versions take the full-width signs for
# the others, and pass over blanks before them. A lone sign is a dash.
_FORMULA = re.compile(
    "[\\s\\x00-\\x20\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b\u2212].|[\\t\\r\\n]",
    re.DOTALL,
)


def neutral(value: object) -> object:
    """A value that no spreadsheet takes for a formula; numbers stay numbers.

    Examples
    --------
    >>> neutral("=1+1"), neutral("-"), neutral(-1.5)
    ("'=1+1", '-', -1.5)
    """
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def csv_bytes(table: pd.DataFrame) -> bytes:
    """CSV in UTF-8 with a byte-order mark, as Excel opens it; header row first."""
    clean = table.map(neutral).rename(columns=neutral)
    text = io.StringIO(newline="")
    clean.to_csv(text, index=False, lineterminator="\r\n", quoting=csv.QUOTE_NONNUMERIC)
    return f"\ufeff{text.getvalue()}".encode("utf-8", "replace")


def put(cell: Cell, value: object) -> None:
    """Write a value into a cell of a workbook: a text is a text, whatever it begins with.

    Characters that XML cannot hold are left out.
    """
    if not isinstance(value, str):
        cell.value = value  # type: ignore[assignment]
        return
    cell.value = ILLEGAL_CHARACTERS_RE.sub("", value)
    cell.data_type = "s"
    if neutral(value) != value:
        cell.quotePrefix = True


@dataclass(frozen=True)
class Sheet:
    """One table of a workbook."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


def workbook_bytes(sheet: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A workbook of one table, its header bold and always in sight."""
    return sheets_bytes([Sheet(sheet, columns, list(rows))])


def sheets_bytes(sheets: Iterable[Sheet]) -> bytes:
    """A workbook of several tables, their headers bold and always in sight."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for sheet in sheets:
        page = book.create_sheet(sheet.name)
        for line, values in enumerate([sheet.columns, *sheet.rows], start=1):
            for column, value in enumerate(values, start=1):
                cell = page.cell(line, column)
                if isinstance(cell, Cell):
                    put(cell, value)
                    cell.font = Font(bold=line == 1)
        for column in range(1, len(sheet.columns) + 1):
            page.column_dimensions[get_column_letter(column)].width = 16
        page.freeze_panes = "A2"
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
