"""A sheet set anew, where the file is no workbook whose look could be kept."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import openpyxl
import pandas as pd

from etl.findings import UnusableFileError, listed
from etl.returned.brought import NUMBER, WHOLE_ROWS, Brought, Head, find_head, put_text
from etl.returned.doubted import Handed
from etl.sources.files import decide_encoding, table_format
from etl.sources.headers import SEARCHED_ROWS
from etl.sources.workbook import open_book

if TYPE_CHECKING:
    from etl.sources.settings import SourceBase

_DELIMITERS = (",", "\t", ";", "|")
_NUMERIC_SHARE = 0.9


def set_anew(
    raw: Path,
    source: SourceBase,
    handed: Handed,
    wanted: Sequence[str],
    *,
    concerned: Sequence[int],
    overfull: set[int],
) -> Brought | None:
    """Header and rows of a text file or an old workbook; None if the file is neither."""
    try:
        read, title = _reader(raw, source, handed, wanted)
        start = [row for row, _ in zip(read(), range(SEARCHED_ROWS + 3), strict=False)]
        head = find_head(start, wanted, source)
        if head is None:
            return None
        whole = handed.rows_read <= WHOLE_ROWS
        wishes = frozenset(concerned[:WHOLE_ROWS])
        kept = [
            (number, texts)
            for number, texts in read()
            if whole or number <= head.last or number in wishes
        ]
    except (UnusableFileError, OSError, UnicodeError, csv.Error):
        return None
    width = len(head.names)
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = _sheet_title(title)
    lines, line = {}, head.last
    body = []
    for number, texts in kept:
        if number <= head.last:
            for column, text in enumerate(texts[:width], start=1):
                put_text(sheet.cell(number, column), text, numeric=False)
            continue
        line = number if whole else line + 1
        lines[number] = line
        # As separate cells they would fit the header, and mean something else.
        shifted = [",".join(texts)] if number in overfull else texts[:width]
        body.append((line, shifted))
    numeric = [_is_numeric(row[i] for _, row in body if i < len(row)) for i in range(width)]
    for line, texts in body:
        for column, text in enumerate(texts, start=1):
            if text:
                put_text(sheet.cell(line, column), text, numeric=numeric[column - 1])
    missing = 0 if whole else max(0, len(concerned) - WHOLE_ROWS)
    return Brought(book, sheet, head, lines, whole=whole, missing=missing)


def _reader(
    raw: Path, source: SourceBase, handed: Handed, wanted: Sequence[str]
) -> tuple[Callable[[], Iterator[tuple[int, list[str]]]], str]:
    """What gives the rows that are not blank, with their numbers; and a title for the sheet."""
    if table_format(raw) == "text":
        encoding = handed.encoding or decide_encoding(raw, source.encoding)
        delimiters = (source.delimiter,) if source.delimiter else _DELIMITERS

        def hits(delimiter: str) -> int:
            rows = _records(raw, encoding, delimiter)
            start = [row for row, _ in zip(rows, range(SEARCHED_ROWS + 3), strict=False)]
            head = find_head(start, wanted, source)
            return -1 if head is None else len(head.names)

        delimiter = max(delimiters, key=hits)
        return partial(_records, raw, encoding, delimiter), Path(handed.name).stem
    book = open_book(raw, xls=table_format(raw) == "xls", sheet=handed.sheet)
    for sheet in book.sheets:
        rows = list(zip(sheet.numbers, sheet.rows, strict=True))
        if find_head(rows[: SEARCHED_ROWS + 3], wanted, source) is not None:
            return partial(iter, rows), sheet.name
    raise UnusableFileError("empty_sheet", sheets=listed(book.names))


def _records(raw: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    with raw.open(encoding=encoding, newline="") as file:
        for number, texts in enumerate(csv.reader(file, delimiter=delimiter), start=1):
            if any(text.strip() for text in texts):
                yield number, texts


def set_from_quarantine(handed: Handed, quarantine: pd.DataFrame, wanted: Sequence[str]) -> Brought:
    """The mapped columns of the waiting rows, where the file itself is no table."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = _sheet_title(Path(handed.name).stem)
    names = tuple(wanted) or ("#",)
    for column, name in enumerate(names, start=1):
        put_text(sheet.cell(1, column), name, numeric=False)
    lines = {}
    kept = quarantine.iloc[:WHOLE_ROWS]
    for line, (row, text) in enumerate(zip(kept["row"], kept["raw"], strict=True), start=2):
        lines[int(row)] = line
        record = json.loads(text)
        for column, name in enumerate(names, start=1):
            put_text(sheet.cell(line, column), str(record.get(name, "")), numeric=False)
    return Brought(
        book, sheet, Head(1, 1, names), lines,
        whole=False, missing=len(quarantine) - len(kept), tabular=False,
    )  # fmt: skip


def _sheet_title(name: str) -> str:
    cleaned = re.sub(r"[\[\]:*?/\\\x00-\x1f']", "_", name)[:31]
    return cleaned or "Sheet1"


def _is_numeric(texts: Iterable[str]) -> bool:
    filled = [text for text in texts if text.strip()]
    return sum(NUMBER.fullmatch(text) is not None for text in filled) > _NUMERIC_SHARE * len(filled)
