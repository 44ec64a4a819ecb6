"""CSV, XLSX and XLS files as one kind of table: text as it came, in categories, with row numbers.

Categories keep five million rows in tens of megabytes, and let every later step parse each
distinct text once.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from etl.findings import BoolArray, Doubts, UnusableFileError, listed
from etl.sources import limits, merges, values
from etl.sources.files import (
    decide_encoding,
    require_closed_quotes,
    table_format,
    text_records,
)
from etl.sources.headers import MOST_ROWS, SEARCHED_ROWS, Header, find_header
from etl.sources.settings import SourceBase
from etl.sources.workbook import Sheet, open_book

_DELIMITERS = (",", "\t", ";", "|")
# Rows looked at to find delimiter and header: those searched for it, and the header's own.
_HEAD_ROWS = SEARCHED_ROWS + MOST_ROWS
# Text of so many rows at a time is turned into categories, so that it is never all in memory.
_CHUNK_ROWS = 250_000
_SCANNED = 1 << 20
OVERFLOW = "\x00overflow"


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes
    ----------
    cells : all columns as categories of text, "" where empty; the index is the row as the person
        counts it (from 1, title and header rows included). Blank rows are left out.
    found : mapped column as written in xintu.toml → name in `cells`.
    titles : rows above the header.
    overfull : rows with more cells than the header.
    encoding, sheet : as decided.
    """

    cells: pd.DataFrame
    found: dict[str, str]
    titles: int
    overfull: BoolArray
    encoding: str | None
    sheet: str | None


def read_table(path: Path, source: SourceBase, wanted: Sequence[str], doubts: Doubts) -> Table:
    """Read a table file whose header holds the mapped columns.

    Parameters
    ----------
    path : CSV (any of , tab ; | between cells), XLSX or XLS, told by its content.
    source : encoding, sheet, delimiter and header rows as configured.
    wanted : mapped columns.
    doubts : told which encoding and sheet were taken, and what a sheet hides.

    Raises
    ------
    UnusableFileError : the file as a whole cannot be used; says why.
    """
    limits.check_size(path, limits.MAX_TEXT_BYTES)
    kind = table_format(path)
    if kind == "text":
        return _read_text(path, source, wanted, doubts)
    return _read_workbook(path, source, wanted, doubts, xls=kind == "xls")


def _read_workbook(
    path: Path, source: SourceBase, wanted: Sequence[str], doubts: Doubts, *, xls: bool
) -> Table:
    book = open_book(path, xls=xls, sheet=source.sheet)
    names, filled = book.names, False
    failure: UnusableFileError | None = None
    for sheet in book.sheets:
        if not sheet.rows:
            continue
        filled = True
        try:
            header = find_header(
                sheet.rows[:_HEAD_ROWS],
                wanted,
                header_row=_header_position(sheet, source),
                header_rows=source.header_rows,
                heights=merges.heights(sheet),
            )
        except UnusableFileError as error:
            if failure is None:
                failure, doubts.sheet = error, sheet.name
                # The header was looked for among the rows that are not blank.
                failure.row = None if error.row is None else sheet.numbers[error.row - 1]
            continue
        doubts.sheet = sheet.name
        if source.sheet is None and len(names) > 1:
            doubts.add("sheet_chosen", came=sheet.name, sheets=listed(names))
        if len(sheet.rows) <= header.stop:
            raise UnusableFileError("empty_sheet", came="0 rows", sheets=listed(names))
        merges.say_hidden(sheet, header, doubts)
        merges.say_uncalculated(sheet, header, source, doubts)
        merges.spread(sheet, header, source, doubts)
        _say_above(sheet.rows, sheet.numbers, header, doubts)
        return _from_rows(sheet.numbers, sheet.rows, header, encoding=None, sheet=sheet.name)
    if failure is not None:
        raise failure
    if not filled:
        doubts.sheet = names[0] if len(names) == 1 else source.sheet
        raise UnusableFileError("empty_sheet", came="0 rows", sheets=listed(names))
    raise UnusableFileError("empty_file")


def _header_position(sheet: Sheet, source: SourceBase) -> int | Literal["auto"]:
    """The configured header row among the rows that are not blank."""
    if source.header_row == "auto":
        return "auto"
    before = sum(number < source.header_row for number in sheet.numbers)
    return before + 1


def _read_text(path: Path, source: SourceBase, wanted: Sequence[str], doubts: Doubts) -> Table:
    longest = longest_line(path)
    encoding = decide_encoding(path, source.encoding)
    if source.encoding == "auto" and encoding not in {"utf-8", "utf-8-sig"}:
        doubts.add("encoding_decided", came=encoding.upper())
    head = _head(path, encoding)
    delimiter, header = _find_text_header(head, source, wanted)
    require_closed_quotes(path, encoding, delimiter)
    records = _parse(head, delimiter)[: header.stop]
    _say_above(records, range(1, len(records) + 1), header, doubts)
    chunk_rows = max(1, min(_CHUNK_ROWS, limits.CHUNK_BYTES // max(1, longest)))
    cells = read_regular(path, encoding, delimiter, header, chunk_rows=chunk_rows)
    if cells is None:
        return _read_ragged(path, encoding, delimiter, header)
    overfull = ~values.is_blank(cells.pop(OVERFLOW))
    cells.index = pd.RangeIndex(header.stop + 1, header.stop + 1 + len(cells))
    blank = np.ones(len(cells), dtype=bool)
    for name in cells.columns:
        blank &= values.is_blank(cells[name])
    if blank.any():
        cells, overfull = cells[~blank], overfull[~blank]
    if cells.empty:
        raise UnusableFileError("empty_file", came="0 rows")
    titles = sum(any(map(str.strip, row)) for row in records[: header.start])
    return Table(cells, _found(header), titles, overfull, encoding, None)


def _say_above(
    rows: Sequence[Sequence[str]], numbers: Sequence[int], header: Header, doubts: Doubts
) -> None:
    """Say that rows above the header are as full as rows of data: titles seldom are."""
    at = {*header.found.values()}
    full = [
        number
        for row, number in zip(rows[: header.start], numbers, strict=False)
        if all(i < len(row) and row[i].strip() for i in at)
    ]
    if len(full) > 1 and len(at) > 1:
        doubts.add("rows_above_header", row=full[0], n=len(full))


def longest_line(path: Path) -> int:
    """Length of the longest line in bytes.

    Raises
    ------
    UnusableFileError : longer than a row can be, with more cells than a table has columns, or more
        lines than a table has rows.
    """
    longest, rest, number = 0, b"", 1
    with path.open("rb") as file:
        while chunk := file.read(_SCANNED):
            data = rest + chunk
            # A carriage return alone ended lines on old Macs.
            end = b"\n" if b"\n" in data else b"\r"
            ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord(end))
            bounds = np.concatenate([[-1], ends, [len(data)]])
            lengths = np.diff(bounds) - 1
            longest = max(longest, int(lengths.max()))
            if longest > limits.MAX_LINE_BYTES:
                row = number + int(np.argmax(lengths > limits.MAX_LINE_BYTES))
                raise UnusableFileError(
                    "line_too_long", row=row, came=f"> {limits.megabytes(limits.MAX_LINE_BYTES)}",
                    most=limits.megabytes(limits.MAX_LINE_BYTES),
                )  # fmt: skip
            for at in np.flatnonzero(lengths > limits.MAX_COLUMNS).tolist():
                line = data[int(bounds[at]) + 1 : int(bounds[at + 1])]
                n_cells = 1 + max(line.count(mark.encode()) for mark in _DELIMITERS)
                if n_cells > limits.MAX_COLUMNS:
                    raise UnusableFileError(
                        "too_many_columns", row=number + at, came=f"> {limits.MAX_COLUMNS:,}",
                        most=f"{limits.MAX_COLUMNS:,}",
                    )  # fmt: skip
            rest = data[int(bounds[-2]) + 1 :]
            number += len(ends)
            if number > limits.MAX_TEXT_LINES:
                most = f"{limits.MAX_TEXT_LINES:,} 行 lines"
                raise UnusableFileError("file_too_large", came=f"> {most}", most=most)
    return longest


def _head(path: Path, encoding: str) -> str:
    """The first rows as text: those searched for a header, but no more than a few long lines."""
    lines: list[str] = []
    size = 0
    with path.open(encoding=encoding, newline="") as file:
        for line in file:
            lines.append(line)
            size += len(line)
            if len(lines) >= _HEAD_ROWS * 4 or size > 2 * limits.MAX_LINE_BYTES:
                break
    return "".join(lines)


def _find_text_header(head: str, source: SourceBase, wanted: Sequence[str]) -> tuple[str, Header]:
    """The delimiter under which the header holds the mapped columns, and that header."""
    failures = []
    for delimiter in (source.delimiter,) if source.delimiter else _DELIMITERS:
        rows = _parse(head, delimiter)[:_HEAD_ROWS]
        try:
            header = find_header(
                rows, wanted, header_row=source.header_row, header_rows=source.header_rows
            )
        except UnusableFileError as error:
            failures.append((max(map(len, rows), default=0), error))
            continue
        return delimiter, header
    raise max(failures, key=lambda pair: pair[0])[1]


def read_regular(
    path: Path, encoding: str, delimiter: str, header: Header, *, chunk_rows: int
) -> pd.DataFrame | None:
    """The body through pandas' C parser; None if rows are of uneven length."""
    try:
        # pandas' parser loses rows where a carriage return alone ends lines and some are blank.
        with (
            (
                path.open(encoding=encoding) if _lone_returns(path, encoding) else nullcontext(path)
            ) as given,
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("error", pd.errors.ParserWarning)
            with pd.read_csv(
                given,
                sep=delimiter,
                encoding=encoding,
                header=None,
                names=[*header.names, OVERFLOW],
                index_col=False,
                skiprows=header.stop,
                # Not "category", which reads 007 as the number 7.
                dtype=str,
                na_filter=False,
                skip_blank_lines=False,
                engine="c",
                chunksize=chunk_rows,
            ) as chunks:
                parts = [{n: pd.Categorical(chunk[n]) for n in chunk.columns} for chunk in chunks]
    except pd.errors.EmptyDataError as exc:
        raise UnusableFileError("empty_file", came="0 rows") from exc
    except pd.errors.ParserWarning:
        return None
    except pd.errors.ParserError as exc:
        message = str(exc)
        if "EOF inside string" in message:
            row = int(message.rsplit("row", 1)[-1])  # counted from 0, skipped rows included
            raise UnusableFileError("unclosed_quote", row=row + 1) from exc
        return None
    if not parts:
        raise UnusableFileError("empty_file", came="0 rows")
    return pd.DataFrame({n: union_categoricals([part[n] for part in parts]) for n in parts[0]})


def _lone_returns(path: Path, encoding: str) -> bool:
    """Whether carriage returns stand in the text without a line feed behind them."""
    if encoding.startswith("utf-16"):
        return True  # in bytes it cannot be seen
    last = b""
    with path.open("rb") as file:
        while chunk := file.read(_SCANNED):
            data = last + chunk
            last = data[-1:] if data.endswith(b"\r") else b""
            data = data[: len(data) - len(last)]
            if data.count(b"\r") != data.count(b"\r\n"):
                return True
    return bool(last)


def _read_ragged(path: Path, encoding: str, delimiter: str, header: Header) -> Table:
    """The body row by row, where rows are of uneven length."""
    width = len(header.names)
    numbers: list[int] = []
    rows: list[list[str]] = []
    kept: dict[str, str] = {}
    with path.open(encoding=encoding, newline="") as file:
        for number, row in enumerate(text_records(file, delimiter), start=1):
            if not any(text.strip() for text in row) and number > header.stop:
                continue
            numbers.append(number)
            line = [kept.setdefault(text, text) for text in row[:width]]
            # Of the cells in excess only that there are some is of interest.
            line.extend(text for text in row[width:] if text.strip())
            rows.append(line[: width + 1])
    return _from_rows(numbers, rows, header, encoding=encoding, sheet=None)


def _from_rows(
    numbers: list[int],
    rows: list[list[str]],
    header: Header,
    *,
    encoding: str | None,
    sheet: str | None,
) -> Table:
    body, width = rows[header.stop :], len(header.names)
    if not body:
        raise UnusableFileError("empty_file", came="0 rows")
    columns = {
        name: pd.Categorical([row[i] if i < len(row) else "" for row in body])
        for i, name in enumerate(header.names)
    }
    overfull = ["".join(row[width:]).strip() != "" for row in body]
    titles = sum(any(text.strip() for text in row) for row in rows[: header.start])
    return Table(
        cells=pd.DataFrame(columns, index=numbers[header.stop :]),
        found=_found(header),
        titles=titles,
        overfull=np.array(overfull, dtype=bool),
        encoding=encoding,
        sheet=sheet,
    )


def _found(header: Header) -> dict[str, str]:
    return {wanted: header.names[position] for wanted, position in header.found.items()}


def _parse(head: str, delimiter: str) -> list[list[str]]:
    return _records(io.StringIO(head, newline=""), delimiter)


def _records(lines: Iterable[str], delimiter: str) -> list[list[str]]:
    return list(text_records(lines, delimiter))
