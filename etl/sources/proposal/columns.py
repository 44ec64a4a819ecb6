"""Columns of a file under the header that names most of what is known."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import shapely

from etl.findings import Doubts, UnusableFileError
from etl.sources.files import decide_encoding, table_format
from etl.sources.headers import MOST_ROWS, SEARCHED_ROWS, flatten
from etl.sources.layers import map_format
from etl.sources.proposal.signs import best_meaning, is_number
from etl.sources.settings import ContextSource
from etl.sources.tabular import longest_line
from etl.sources.vector import read_features
from etl.sources.workbook import open_book

# Rows whose values are looked at.
_SAMPLE = 2_000
# So large a part of the values must fit; the rest may be titles, totals and slips.
MOST = 0.8


@dataclass
class Column:
    """A column of the file and what its values look like."""

    name: str
    texts: list[str]
    position: int

    @property
    def lower(self) -> str:
        """The lowest of the header's rows."""
        return self.name.rpartition("/")[2]

    def share(self, test: Callable[[str], bool]) -> float:
        """Part of the filled values that pass a test."""
        filled = [text for text in self.texts if text.strip()]
        return sum(1 for t in filled if test(t)) / len(filled) if filled else 0.0


@dataclass
class File:
    """What was read of the file."""

    path: Path
    columns: list[Column]
    sheet: str | None = None
    header_rows: int = 1
    shapes: frozenset[int] = frozenset()

    def by_name(self, name: str) -> Column:
        """The column of a name."""
        return next(column for column in self.columns if column.name == name)


def read_columns(path: Path) -> File:
    """Columns of the file under the header that names most of what is known."""
    kind = map_format(path)
    if kind is not None:
        source = ContextSource(id="x", role="context", path=path.name, theme="road")
        features = read_features(path, source, [], Doubts("x", path.name), datum="WGS84")
        columns = _columns(features.table.cells)
        shapes = frozenset(int(k) for k in shapely.get_type_id(features.geometry) if k >= 0)
        return File(path, columns, shapes=shapes)
    if table_format(path) == "text":
        candidates: list[tuple[str | None, list[list[str]]]] = [(None, _head_of_text(path))]
    else:
        book = open_book(path, xls=table_format(path) == "xls", sheet=None)
        candidates = [(sheet.name, sheet.rows[:_SAMPLE]) for sheet in book.sheets if sheet.rows]
        several = len(book.names) > 1
        if not several:
            candidates = [(None, rows) for _, rows in candidates]
    best: tuple[float, File] | None = None
    for sheet, rows in candidates:
        for start in range(min(SEARCHED_ROWS, len(rows) - 1)):
            for n_rows in range(1, MOST_ROWS + 1):
                names = flatten(rows[start : start + n_rows])
                body = rows[start + n_rows : _SAMPLE]
                if not body or (n_rows > 1 and not all(any(r) for r in rows[start:][:n_rows])):
                    break
                score = _header_score(names, rows[start : start + n_rows], body)
                if best is None or score > best[0] + 1e-9:
                    columns = [
                        Column(text, [r[i] if i < len(r) else "" for r in body], i)
                        for i, text in enumerate(names)
                        if text
                    ]
                    best = score, File(path, columns, sheet, n_rows)
    if best is None or best[0] <= 0:
        raise UnusableFileError("empty_file", came="0 rows")
    return best[1]


def _head_of_text(path: Path) -> list[list[str]]:
    """The first rows as they are; the delimiter is the one that makes the widest even table."""
    longest_line(path)
    best: list[list[str]] = []
    with path.open(encoding=decide_encoding(path, "auto"), newline="") as file:
        lines = [line for line, _ in zip(file, range(_SAMPLE), strict=False)]
    for delimiter in ",\t;|":
        try:
            rows = [row for row in csv.reader(lines, delimiter=delimiter) if any(row)]
        except csv.Error:
            continue
        if rows and (not best or len(rows[len(rows) // 2]) > len(best[len(best) // 2])):
            best = rows
    return best


def _header_score(
    names: Sequence[str], header: Sequence[Sequence[str]], body: Sequence[Sequence[str]]
) -> float:
    """How much a row looks like a header: known names, all words, none of them in the body."""
    known = sum(best_meaning(name)[0] for name in names if name)
    filled = sum(bool(name) for name in names)
    width = max(len(row) for row in body[:20])
    numeric = sum(is_number(text) for row in header for text in row if text.strip())
    return known + 0.3 * filled / max(1, width) - 2.0 * numeric - 0.4 * (len(header) - 1)


def _columns(cells: pd.DataFrame) -> list[Column]:
    head = cells.head(_SAMPLE)
    return [
        Column(str(name), head[name].astype(str).tolist(), i)
        for i, name in enumerate(cells.columns)
    ]
