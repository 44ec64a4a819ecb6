"""The first sheet of a returned workbook: what it is about, what to mend, how to hand it in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from openpyxl.cell.cell import Cell
from openpyxl.worksheet.hyperlink import Hyperlink

from etl.findings import Finding, Severity, rules
from etl.returned import style
from etl.returned.brought import WHOLE_ROWS, Brought
from etl.returned.doubted import Doubted, Handed, Language, words
from etl.returned.marker import ROW_COLUMN
from etl.returned.sheet import cover_title
from etl.spreadsheet import put
from geo.model import Label

if TYPE_CHECKING:
    from openpyxl.styles import Font
    from openpyxl.worksheet.worksheet import Worksheet

# Cells listed one by one; whoever has more to mend works in the sheet itself.
LISTED_CELLS = 300
# Columns of the sheet: a margin, then what the tables need.
_WIDTHS = (2, 24, 9, 9, 34, 42, 34)
_LAST = len(_WIDTHS)
_ORDER = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True)
class _Line:
    """A rule in the table of what to mend."""

    rule: str
    count: int
    wanted: Label
    action: Label
    first: tuple[int, str | None] | None
    came: str


def write_cover(
    brought: Brought,
    handed: Handed,
    quarantine: pd.DataFrame,
    cells: Sequence[Doubted],
    findings: Sequence[Finding],
    *,
    language: Language,
    drop: str,
) -> None:
    """Put the summing-up sheet before the department's own."""
    cover = _Cover(brought, language)
    blanked = len({(c.row, c.column) for c in cells if c.severity == "error" and not c.waits})
    cover.opening(handed, waiting=len(quarantine), blanked=blanked)
    cover.rules(_lines(cells, findings))
    cover.steps(drop)
    cover.cells(cells)
    cover.close(handed)


def _lines(cells: Sequence[Doubted], findings: Sequence[Finding]) -> list[_Line]:
    """Each rule once: how often, and its words; the words of one cell where they differ."""
    counted: Counter[str] = Counter()
    for finding in findings:
        if finding.severity != "info":
            counted[finding.rule] += finding.count if finding.row is not None else 1
    listed = Counter(cell.rule for cell in cells)
    first = {cell.rule: cell for cell in reversed(cells)}
    said = {finding.rule: finding for finding in reversed(list(findings))}
    lines = []
    for rule in dict.fromkeys([*listed, *counted]):
        source: Doubted | Finding = first[rule] if rule in first else said[rule]
        place = (first[rule].row, first[rule].column) if rule in first else None
        count = max(listed[rule], counted[rule])
        # What concerns no one cell says itself where it is: which areas did not report.
        came = "" if place or rule not in said else said[rule].came or ""
        lines.append(_Line(rule, count, source.wanted, source.action, place, came))
    return sorted(lines, key=lambda line: (_ORDER[rules()[line.rule].severity], -line.count))


class _Cover:
    """Writes downwards, a row at a time."""

    def __init__(self, brought: Brought, language: Language) -> None:
        self.brought = brought
        self.language = language
        self.words = words("cover", language)
        title = cover_title(brought.sheet.title)
        self.sheet: Worksheet = brought.book.create_sheet(title, 0)
        self.sheet.sheet_view.showGridLines = False
        for index, width in enumerate(_WIDTHS):
            self.sheet.column_dimensions["ABCDEFG"[index]].width = width
        self.line = 2

    def say(self, key: str, **filled: object) -> str:
        """One of the texts."""
        return str(self.words[key]).format(**filled)

    def opening(self, handed: Handed, *, waiting: int, blanked: int) -> None:
        """Title, the finding as a sentence, the facts, the two tones."""
        name = handed.title or Path(handed.name).name
        self._wide(str(self.words["title"]).format(name), style.font(18, bold=True), points=34)
        read, accepted = _number(handed.rows_read), _number(handed.accepted)
        sentence = self.say("sentence", read=read, accepted=accepted, waiting=_number(waiting))
        if blanked:
            sentence += self.say("blanked", n=_number(blanked))
        self._wide(sentence, style.font(12), points=24)
        self.line += 1
        received = handed.received_at
        when = "" if received is None else f"{received:%Y-%m-%d %H:%M}"
        facts = (handed.department, handed.name, handed.sheet or "", when, handed.sha256[:12])
        for label, fact in zip(self.words["facts"], facts, strict=True):
            if fact:
                self._put(2, label, style.font(10, color=style.SECOND))
                self._put(3, fact, style.font(10), to=_LAST)
                self.sheet.row_dimensions[self.line].height = 18
                self.line += 1
        self.line += 1
        for tone in ("error", "warning"):
            cell = self._put(2, str(self.words[tone]), style.font(10, bold=True))
            cell.fill, cell.border = style.tone_fill(tone), style.tone_border(tone)
            cell.alignment = style.wrapped(horizontal="center")
            self._put(3, self.say(f"legend_{tone}"), style.font(10), to=_LAST)
            self.sheet.row_dimensions[self.line].height = 20
            self.line += 1

    def rules(self, lines: Sequence[_Line]) -> None:
        """The table of what to mend."""
        self._heading("rules")
        self._head("rule_head")
        for line in lines:
            rule = rules()[line.rule]
            texts = [
                getattr(label, self.language) for label in (rule.title, line.wanted, line.action)
            ]
            where = "" if line.first else line.came or self.say("file_level")
            own = [texts[0], "", line.count, texts[1], texts[2], where]
            self._row(own, severity=rule.severity)
            if line.first:
                self._link(_LAST, line.first)
            self.line += 1

    def steps(self, drop: str) -> None:
        """How to hand it in again."""
        self._heading("steps")
        title = self.brought.sheet.title
        if not self.brought.tabular:
            steps = [self.say("step_map", sheet=title)]
        else:
            steps = [
                self.say("step_mend", sheet=title),
                self.say("step_keep", column=ROW_COLUMN),
                self.say("step_drop", drop=drop),
                self.say("step_after"),
            ]
        if self.brought.tabular and not self.brought.whole:
            kept = _number(len(self.brought.lines))
            steps.append(self.say("excerpt", limit=_number(WHOLE_ROWS), kept=kept))
        if self.brought.missing:
            steps.append(self.say("missing", n=_number(self.brought.missing)))
        for number, text in enumerate(steps, start=1):
            self._wide(f"{number}. {text}", style.font(10.5), points=20)

    def cells(self, cells: Sequence[Doubted]) -> None:
        """Each cell with a link to it."""
        shown = [cell for cell in cells if (cell.row, cell.column) in self.brought.places]
        if not shown:
            return
        self._heading("cells")
        self._head("cells_head")
        for cell in shown[:LISTED_CELLS]:
            title, wanted = (getattr(label, self.language) for label in (cell.title, cell.wanted))
            came = self.brought.came[cell.row, cell.column] if cell.column else ""
            if cell.proposal is not None:
                came = f"{came} → {cell.proposal}"
            column = cell.column or "—"
            what = f"{column}{self.words['colon']}{title}"
            self._row(["", "", cell.row, what, wanted, came], severity=cell.severity)
            self._link(2, (cell.row, cell.column))
            self.line += 1
        rest = len(shown) - LISTED_CELLS
        if rest > 0:
            more = self.say("more", n=_number(rest), sheet=self.brought.sheet.title)
            self._wide(more, style.font(10, color=style.SECOND), points=20)

    def close(self, handed: Handed) -> None:
        """Page set-up, and the cover on top when the workbook is opened."""
        style.set_page(self.sheet, title_rows=None, name=Path(handed.name).name)
        self.brought.book.active = 0
        for sheet in self.brought.book.worksheets:
            sheet.sheet_view.tabSelected = sheet is self.sheet
        self.sheet.sheet_properties.tabColor = style.ACCENT

    def _put(self, column: int, text: str | int, font: Font, *, to: int | None = None) -> Cell:
        """A cell of the line; texts are never formulas. `to` joins it with those on its right."""
        cell = self.sheet.cell(self.line, column)
        if not isinstance(cell, Cell):
            raise TypeError(f"{cell.coordinate}: written twice")
        if text != "":
            put(cell, text)
        cell.font = font
        cell.alignment = style.wrapped()
        if to is not None:
            self.sheet.merge_cells(
                start_row=self.line, end_row=self.line, start_column=column, end_column=to
            )
        return cell

    def _wide(self, text: str, font: Font, *, points: float) -> None:
        """A line of text over the whole width."""
        self._put(2, text, font, to=_LAST).alignment = style.wrapped()
        lines = style.lines_of(text, sum(_WIDTHS[1:]) * 10 / font.size)
        self.sheet.row_dimensions[self.line].height = points * max(1, lines)
        self.line += 1

    def _heading(self, key: str) -> None:
        self.line += 1
        self._wide(str(self.words[key]), style.font(13, bold=True), points=24)

    def _head(self, key: str) -> None:
        for column, name in enumerate(self.words[key], start=2):
            cell = self._put(column, name, style.font(9, bold=True, color=style.SECOND))
            cell.border, cell.fill = style.underline("93A4B8"), style.fill(style.GROUND)
        self.line += 1

    def _row(self, texts: Sequence[str | int], *, severity: Severity) -> None:
        """A row of a table; its second column says how serious it is."""
        for column, text in enumerate(texts, start=2):
            self._put(column, text, style.font(10)).border = style.underline()
        if severity != "info":
            ink = style.tone_ink(severity)
            cell = self._put(3, str(self.words[severity]), style.font(10, bold=True, color=ink))
            cell.border = style.underline()
        high = max(
            style.lines_of(str(text), width) for text, width in zip(texts, _WIDTHS[1:], strict=True)
        )
        self.sheet.row_dimensions[self.line].height = 5 + 15 * high

    def _link(self, column: int, key: tuple[int, str | None]) -> None:
        """A way to a cell of the department's sheet."""
        title, place = self.brought.sheet.title, self.brought.places.get(key)
        if place is None:
            return
        cell = self._put(column, place, style.font(10, color=style.ACCENT))
        target = title.replace("'", "''")
        cell.hyperlink = Hyperlink(ref=cell.coordinate, location=f"'{target}'!{place}")
        cell.border = style.underline()


def _number(number: int) -> str:
    """With thin spaces between thousands."""
    return f"{number:,}".replace(",", "\N{THIN SPACE}")
