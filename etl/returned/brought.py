"""The department's sheet in its new workbook: its header and its cells as text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import TYPE_CHECKING

from openpyxl.cell.cell import Cell, MergedCell

from etl.persons import redact
from etl.sources.headers import SEARCHED_ROWS, flatten, plain, unique
from etl.spreadsheet import put

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

    from etl.sources.settings import SourceBase

# A sheet of more rows comes back with the rows concerned alone, and with no more of them: that many
# faults have one cause, and it is not mended cell by cell.
WHOLE_ROWS = 5_000
# Numbers are set as numbers where nearly all of a column is short ones; a code stays text.
NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,6})(\.[0-9]*[1-9])?")
Rows = list[tuple[int, list[str]]]


@dataclass(frozen=True)
class Head:
    """Where the header of a sheet stands: its rows, and the names in order from column A."""

    first: int
    last: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class Brought:
    """The sheet in its new workbook.

    Attributes
    ----------
    lines : row of the file → row of the sheet.
    whole : False where only the rows concerned are there.
    missing : rows concerned for which there was no room.
    tabular : False where the file is a map, whose rows cannot be mended here.
    fresh : whether the sheet was set anew.
    places : (row of the file, column) → cell of the sheet; column None is the row as a whole.
    came : what stands in the cells of `places`.
    """

    book: Workbook
    sheet: Worksheet
    head: Head
    lines: dict[int, int]
    whole: bool = True
    missing: int = 0
    tabular: bool = True
    fresh: bool = True
    places: dict[tuple[int, str | None], str] = field(default_factory=dict)
    came: dict[tuple[int, str | None], str] = field(default_factory=dict)


def cell_text(value: object) -> str:
    """A cell as the reader sees it, as far as headers go."""
    if isinstance(value, datetime):
        return (value.date() if value.time() == time(0) else value).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def put_text(cell: Cell | MergedCell, text: str, *, numeric: bool) -> None:
    """Write a text as what it is, never as a formula."""
    if numeric and NUMBER.fullmatch(text):
        cell.value = float(text) if "." in text else int(text)
        return
    if isinstance(cell, Cell) and text:
        put(cell, text)
        cell.number_format = "@"


def find_head(rows: Rows, wanted: Sequence[str], source: SourceBase) -> Head | None:
    """The rows under whose names the wanted columns stand; None if there are none."""
    keys = {plain(name) for name in wanted}
    heights = (1, 2, 3) if source.header_rows == "auto" else (source.header_rows,)
    best, best_score = None, 0
    for start in range(min(len(rows), SEARCHED_ROWS)):
        for height in heights:
            block = rows[start : start + height]
            names = unique(flatten([texts for _, texts in block]))
            score = len(keys & {plain(redact(name)) for name in names})
            # Of equals the first start, and there the higher header: a row of units belongs to it.
            taller = best is not None and best.first == block[0][0] and score == best_score
            if score > best_score or (taller and score):
                best, best_score = Head(block[0][0], block[-1][0], names), score
    if best is None and not wanted and rows:
        number, texts = rows[0]
        return Head(number, number, unique(flatten([texts])))
    return best
