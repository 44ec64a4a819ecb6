"""Colours, notes and reasons in a sheet that goes back."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING

from openpyxl.cell.cell import Cell
from openpyxl.comments import Comment
from openpyxl.utils import get_column_letter

from etl.persons import redact
from etl.returned import style
from etl.returned.brought import Brought, Head, cell_text, put_text
from etl.returned.doubted import Doubted, Handed, Language, words
from etl.returned.marker import RETURN_COLUMNS
from etl.sources.headers import plain

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

_WIDTHS = (9, 42)
_REASON_WIDTH = 48
_LINE_POINTS = 15.0


def add_columns(brought: Brought) -> None:
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


def mark_cells(brought: Brought, cells: Sequence[Doubted], language: Language) -> None:
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
        brought.came.setdefault(key, cell_text(sheet.cell(line, column).value))
        reasons.setdefault(line, []).append(_reason(doubt, said, language))
        if tones.get(line) != "error":
            tones[line] = _tone([doubt])
    for (line, column), doubts in by_cell.items():
        cell = _anchor(sheet, line, column)
        tone = _tone(doubts)
        cell.fill, cell.border = style.tone_fill(tone), style.tone_border(tone)
        notes = [_note(doubt, cell_text(cell.value), said, language) for doubt in doubts]
        cell.comment = _comment("\n\n".join(dict.fromkeys(notes)), said["author"])
        sheet.column_dimensions[get_column_letter(column)].hidden = False
    for line, parts in reasons.items():
        text = "\n".join(dict.fromkeys(parts))
        last = sheet.cell(line, len(head.names) + 2)
        put_text(last, text, numeric=False)
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


def dress(brought: Brought, handed: Handed) -> None:
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
            cell_text(sheet.cell(line, column).value) for line in range(1, min(last_line, 300) + 1)
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
