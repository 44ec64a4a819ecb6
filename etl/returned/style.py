"""How a returned workbook looks: the product's colours, told apart in grey print by their lines."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Literal

from openpyxl.styles import Alignment, Border, Font, PatternFill, Side

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

Tone = Literal["error", "warning"]

# Every Windows and every WPS has it; elsewhere the system's own Chinese sans-serif stands in.
FAMILY = "Microsoft YaHei"
INK, SECOND, LINE, GROUND, ACCENT = "1B2430", "5A6675", "D9DEE5", "F6F7F9", "1F6FEB"
_TONES = {"error": ("D7263D", "F9DEE2", "medium"), "warning": ("C96A12", "FDEBDA", "mediumDashed")}


def font(size: float = 10, *, bold: bool = False, color: str = INK) -> Font:
    """The one typeface."""
    return Font(name=FAMILY, size=size, bold=bold, color=color)


def fill(color: str) -> PatternFill:
    """A plain ground."""
    return PatternFill("solid", start_color=color, end_color=color)


def tone_fill(tone: Tone) -> PatternFill:
    """The ground of a doubted cell."""
    return fill(_TONES[tone][1])


def tone_border(tone: Tone) -> Border:
    """The line around a doubted cell: unbroken for an error, dashed for a warning."""
    color, _, kind = _TONES[tone]
    side = Side(style=kind, color=color)  # type: ignore[arg-type]  # one of openpyxl's own names
    return Border(left=side, right=side, top=side, bottom=side)


def tone_ink(tone: Tone) -> str:
    """The colour of a tone's words."""
    return _TONES[tone][0]


def underline(color: str = LINE) -> Border:
    """A thin line below."""
    return Border(bottom=Side(style="thin", color=color))


def wrapped(*, horizontal: Literal["left", "center", "right"] = "left") -> Alignment:
    """Text over several lines, from the top."""
    return Alignment(horizontal=horizontal, vertical="top", wrap_text=True)


def display_width(text: str) -> int:
    """Columns that a text takes; a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def lines_of(text: str, width: float) -> int:
    """Lines that a text takes in a column of so many characters."""
    room = max(1.0, width - 2)
    return sum(max(1, -int(-display_width(line) // room)) for line in text.split("\n"))


def set_page(sheet: Worksheet, *, title_rows: str | None, name: str) -> None:
    """A4 landscape, as wide as the page, with page numbers."""
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = 9  # A4
    sheet.page_setup.fitToWidth = 1
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True  # type: ignore[union-attr]
    margins = sheet.page_margins
    margins.left = margins.right = 0.5
    margins.top = margins.bottom = 0.6
    margins.header = margins.footer = 0.3
    sheet.print_title_rows = title_rows
    footer = sheet.oddFooter
    if footer is not None:
        for part, text in ((footer.left, name.replace("&", "&&")), (footer.right, "&P / &N")):
            part.text, part.size = text, 8
