"""The department's own sheet, as it came, with its doubted cells coloured and explained."""

from __future__ import annotations

import csv
import json
import re
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

import openpyxl
import pandas as pd
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.comments import Comment
from openpyxl.formatting.formatting import ConditionalFormattingList
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.filters import AutoFilter
from openpyxl.worksheet.protection import SheetProtection

from etl.findings import UnusableFileError, listed
from etl.persons import redact
from etl.returned import style
from etl.returned.doubted import Doubted, Handed, Language, words
from etl.returned.marker import RETURN_COLUMNS
from etl.sources.files import decide_encoding, table_format
from etl.sources.headers import SEARCHED_ROWS, flatten, plain
from etl.sources.workbook import open_book
from etl.spreadsheet import put

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

    from etl.sources.settings import SourceBase

# A sheet of more rows comes back with the rows concerned alone, and with no more of them: that many
# faults have one cause, and it is not mended cell by cell.
WHOLE_ROWS = 5_000
# Taken over whole, a workbook needs some thirty times its unpacked size in memory.
_WHOLE_BYTES = 24 << 20
_COVER_TITLES = ("说明", "退回说明")
_DELIMITERS = (",", "\t", ";", "|")
_OVERFULL = "extra_cells"
# Numbers are set as numbers where nearly all of a column is short ones; a code stays text.
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,6})(\.[0-9]*[1-9])?")
_NUMERIC_SHARE = 0.9
_WIDTHS = (9, 42)
_REASON_WIDTH = 48
_LINE_POINTS = 15.0
# What openpyxl raises on workbooks that a more patient reader has read.
_UNREADABLE = (
    ArithmeticError, AssertionError, AttributeError, InvalidFileException, LookupError, OSError,
    ParseError, RuntimeError, SyntaxError, TypeError, ValueError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
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
        brought = _set_anew(raw, source, handed, wanted, concerned=concerned, overfull=overfull)
    if brought is None:
        brought = _set_from_quarantine(handed, quarantine, wanted)
    _neutralise(brought.sheet, known)
    _add_columns(brought)
    _mark(brought, cells, language)
    _dress(brought, handed)
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


# ------------------------------------------------------------------ taken over


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
            (number, [_text(value) for value in values])
            for number, values in enumerate(sheet.iter_rows(values_only=True), start=1)
            if any(value is not None and str(value).strip() for value in values)
        ]
        head = _find_head(rows[: SEARCHED_ROWS + 3], wanted, source)
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


def _text(value: object) -> str:
    """A cell as the reader sees it, as far as headers go."""
    if isinstance(value, datetime):
        return (value.date() if value.time() == time(0) else value).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


# ------------------------------------------------------------------ set anew


def _set_anew(
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
        head = _find_head(start, wanted, source)
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
                _put(sheet.cell(number, column), text, numeric=False)
            continue
        line = number if whole else line + 1
        lines[number] = line
        # As separate cells they would fit the header, and mean something else.
        shifted = [raw_line(texts)] if number in overfull else texts[:width]
        body.append((line, shifted))
    numeric = [_is_numeric(row[i] for _, row in body if i < len(row)) for i in range(width)]
    for line, texts in body:
        for column, text in enumerate(texts, start=1):
            if text:
                _put(sheet.cell(line, column), text, numeric=numeric[column - 1])
    missing = 0 if whole else max(0, len(concerned) - WHOLE_ROWS)
    return Brought(book, sheet, head, lines, whole=whole, missing=missing)


def raw_line(texts: Iterable[str]) -> str:
    """Cells as one text, as they stand in a CSV file."""
    return ",".join(texts)


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
            head = _find_head(start, wanted, source)
            return -1 if head is None else len(head.names)

        delimiter = max(delimiters, key=hits)
        return partial(_records, raw, encoding, delimiter), Path(handed.name).stem
    book = open_book(raw, xls=table_format(raw) == "xls", sheet=handed.sheet)
    for sheet in book.sheets:
        rows = list(zip(sheet.numbers, sheet.rows, strict=True))
        if _find_head(rows[: SEARCHED_ROWS + 3], wanted, source) is not None:
            return partial(iter, rows), sheet.name
    raise UnusableFileError("empty_sheet", sheets=listed(book.names))


def _records(raw: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    with raw.open(encoding=encoding, newline="") as file:
        for number, texts in enumerate(csv.reader(file, delimiter=delimiter), start=1):
            if any(text.strip() for text in texts):
                yield number, texts


def _set_from_quarantine(
    handed: Handed, quarantine: pd.DataFrame, wanted: Sequence[str]
) -> Brought:
    """The mapped columns of the waiting rows, where the file itself is no table."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = _sheet_title(Path(handed.name).stem)
    names = tuple(wanted) or ("#",)
    for column, name in enumerate(names, start=1):
        _put(sheet.cell(1, column), name, numeric=False)
    lines = {}
    kept = quarantine.iloc[:WHOLE_ROWS]
    for line, (row, text) in enumerate(zip(kept["row"], kept["raw"], strict=True), start=2):
        lines[int(row)] = line
        record = json.loads(text)
        for column, name in enumerate(names, start=1):
            _put(sheet.cell(line, column), str(record.get(name, "")), numeric=False)
    return Brought(
        book, sheet, Head(1, 1, names), lines,
        whole=False, missing=len(quarantine) - len(kept), tabular=False,
    )  # fmt: skip


def _sheet_title(name: str) -> str:
    cleaned = re.sub(r"[\[\]:*?/\\\x00-\x1f']", "_", name)[:31]
    return cleaned or "Sheet1"


def _is_numeric(texts: Iterable[str]) -> bool:
    filled = [text for text in texts if text.strip()]
    return sum(_NUMBER.fullmatch(text) is not None for text in filled) > _NUMERIC_SHARE * len(
        filled
    )


def _put(cell: Cell | MergedCell, text: str, *, numeric: bool) -> None:
    """Write a text as what it is, never as a formula."""
    if numeric and _NUMBER.fullmatch(text):
        cell.value = float(text) if "." in text else int(text)
        return
    if isinstance(cell, Cell) and text:
        put(cell, text)
        cell.number_format = "@"


# ------------------------------------------------------------------ header


def _find_head(rows: Rows, wanted: Sequence[str], source: SourceBase) -> Head | None:
    """The rows under whose names the wanted columns stand; None if there are none."""
    keys = {plain(name) for name in wanted}
    heights = (1, 2, 3) if source.header_rows == "auto" else (source.header_rows,)
    best, best_score = None, 0
    for start in range(min(len(rows), SEARCHED_ROWS)):
        for height in heights:
            block = rows[start : start + height]
            names = _unique(flatten([texts for _, texts in block]))
            score = len(keys & {plain(redact(name)) for name in names})
            # Of equals the first start, and there the higher header: a row of units belongs to it.
            taller = best is not None and best.first == block[0][0] and score == best_score
            if score > best_score or (taller and score):
                best, best_score = Head(block[0][0], block[-1][0], names), score
    if best is None and not wanted and rows:
        number, texts = rows[0]
        return Head(number, number, _unique(flatten([texts])))
    return best


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Names as the reader makes them unique."""
    seen: dict[str, int] = {}
    result = []
    for i, name in enumerate(names):
        base = name or f"#{i + 1}"
        seen[base] = seen.get(base, 0) + 1
        result.append(base if seen[base] == 1 else f"{base} ({seen[base]})")
    return tuple(result)


# ------------------------------------------------------------------ colours and notes


def _neutralise(sheet: Worksheet, known: frozenset[str]) -> None:
    """Hide what is personal, and make texts that look like formulas stay texts."""
    for row in sheet.iter_rows():
        for cell in row:
            if not isinstance(cell, Cell) or cell.value is None:
                continue
            if isinstance(cell.value, str | int | float):
                text = _text(cell.value)
                safe = redact(text, known=known)
                if safe != text:
                    cell.value = safe
            if isinstance(cell.value, str):
                put(cell, cell.value)


def _add_columns(brought: Brought) -> None:
    """The number of each row in the file as it was handed in, and room for the reasons."""
    sheet, head = brought.sheet, brought.head
    for region in list(sheet.merged_cells.ranges):
        if region.max_col > len(head.names):
            sheet.unmerge_cells(region.coord)
    model = sheet.cell(head.first, len(head.names))
    for offset, name in enumerate(RETURN_COLUMNS, start=1):
        column = len(head.names) + offset
        cell = sheet.cell(head.first, column, name)
        if isinstance(cell, Cell):
            for part in ("font", "fill", "border", "alignment"):
                setattr(cell, part, copy(getattr(model, part)))
        if head.last > head.first:
            sheet.merge_cells(
                start_row=head.first, end_row=head.last, start_column=column, end_column=column
            )
    for row, line in brought.lines.items():
        cell = sheet.cell(line, len(head.names) + 1, row)
        cell.font = style.font(9, color=style.SECOND)
        cell.alignment = style.wrapped(horizontal="center")


def _mark(brought: Brought, cells: Sequence[Doubted], language: Language) -> None:
    """Colour each doubted cell, say why in a note, and sum the row up in its last column."""
    said, sheet, head = words("sheet", language), brought.sheet, brought.head
    position = {plain(redact(name)): i for i, name in enumerate(head.names, start=1)}
    by_cell: dict[tuple[int, int], list[Doubted]] = {}
    reasons: dict[int, list[str]] = {}
    tones: dict[int, style.Tone] = {}
    for doubt in cells:
        line = brought.lines.get(doubt.row)
        if line is None:
            continue
        column = position.get(plain(doubt.column or ""), 1)
        by_cell.setdefault((line, column), []).append(doubt)
        where = get_column_letter(column) + str(line)
        key = doubt.row, doubt.column
        brought.places.setdefault(key, where)
        brought.came.setdefault(key, _text(sheet.cell(line, column).value))
        reasons.setdefault(line, []).append(_reason(doubt, said, language))
        if tones.get(line) != "error":
            tones[line] = _tone([doubt])
    for (line, column), doubts in by_cell.items():
        cell = _anchor(sheet, line, column)
        tone = _tone(doubts)
        cell.fill, cell.border = style.tone_fill(tone), style.tone_border(tone)
        notes = [_note(doubt, _text(cell.value), said, language) for doubt in doubts]
        cell.comment = _comment("\n\n".join(dict.fromkeys(notes)), said["author"])
        sheet.column_dimensions[get_column_letter(column)].hidden = False
    for line, parts in reasons.items():
        text = "\n".join(dict.fromkeys(parts))
        last = sheet.cell(line, len(head.names) + 2)
        _put(last, text, numeric=False)
        last.number_format = "General"
        last.font = style.font(9, color=style.tone_ink(tones[line]))
        last.alignment = style.wrapped()
        needed = _LINE_POINTS * style.lines_of(text, _REASON_WIDTH)
        height = sheet.row_dimensions[line].height or _LINE_POINTS
        if needed > height:
            sheet.row_dimensions[line].height = min(needed, 400.0)


def _anchor(sheet: Worksheet, line: int, column: int) -> Cell:
    """The cell itself, or the one that speaks for the merged region it lies in."""
    cell = sheet.cell(line, column)
    if isinstance(cell, Cell):
        return cell
    for region in sheet.merged_cells.ranges:
        if cell.coordinate in region:
            anchor = sheet.cell(region.min_row, region.min_col)
            if isinstance(anchor, Cell):
                return anchor
    raise AssertionError(f"{cell.coordinate}: a merged cell of no region")


def _tone(doubts: Sequence[Doubted]) -> style.Tone:
    return "error" if any(doubt.severity == "error" for doubt in doubts) else "warning"


def _reason(doubt: Doubted, said: dict[str, str], language: Language) -> str:
    parts = [getattr(doubt.title, language), said["short"].format(getattr(doubt.wanted, language))]
    if doubt.proposal is not None:
        parts.append(said["put"].format(doubt.proposal))
    where = doubt.column or said["row"]
    return f"{said[doubt.severity]}·{where}{said['colon']}{said['comma'].join(parts)}"


def _note(doubt: Doubted, came: str, said: dict[str, str], language: Language) -> str:
    lines = [f"【{said[doubt.severity]}】{getattr(doubt.title, language)}"]
    if came.strip():
        lines.append(said["came"].format(came if len(came) <= 80 else came[:79] + "…"))
    lines.append(said["wanted"].format(getattr(doubt.wanted, language)))
    lines.append(said["action"].format(getattr(doubt.action, language)))
    if doubt.proposal is not None:
        lines.append(said["proposal"].format(doubt.proposal))
    return "\n".join(lines)


def _comment(text: str, author: str) -> Comment:
    lines = style.lines_of(text, 46)
    return Comment(text, author, width=330, height=min(24 + 18 * lines, 420))


def _dress(brought: Brought, handed: Handed) -> None:
    """Freeze the header, filter, widths and page; a sheet set anew gets its type as well."""
    sheet, head = brought.sheet, brought.head
    width = len(head.names)
    last_line = max([*brought.lines.values(), head.last])
    if brought.fresh:
        _set_type(sheet, head, last_line)
    for offset, wide in ((1, 9), (2, _REASON_WIDTH)):
        sheet.column_dimensions[get_column_letter(width + offset)].width = wide
    sheet.freeze_panes = f"A{head.last + 1}"
    sheet.auto_filter.ref = f"A{head.last}:{get_column_letter(width + 2)}{last_line}"
    sheet.sheet_view.topLeftCell = None
    style.set_page(sheet, title_rows=f"{head.first}:{head.last}", name=Path(handed.name).name)


def _set_type(sheet: Worksheet, head: Head, last_line: int) -> None:
    low, high = _WIDTHS
    for column in range(1, len(head.names) + 1):
        texts = [
            _text(sheet.cell(line, column).value) for line in range(1, min(last_line, 300) + 1)
        ]
        body = texts[head.first - 1 :]
        wide = max((style.display_width(text) for text in body), default=0) + 3
        sheet.column_dimensions[get_column_letter(column)].width = min(max(wide, low), high)
    for line in range(1, last_line + 1):
        for column in range(1, len(head.names) + 1):
            cell = sheet.cell(line, column)
            if not isinstance(cell, Cell):
                continue
            cell.font = style.font(10)
            if line < head.first:
                cell.font = style.font(12, bold=True)
            elif line > head.last and not isinstance(cell.value, int | float):
                cell.alignment = style.wrapped()
    for line in range(head.first, head.last + 1):
        for column in range(1, len(head.names) + len(RETURN_COLUMNS) + 1):
            cell = sheet.cell(line, column)
            cell.font, cell.fill = style.font(10, bold=True), style.fill("EEF1F5")
            cell.border, cell.alignment = style.underline("93A4B8"), style.wrapped()
