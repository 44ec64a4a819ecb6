"""Slides as shapes: title, text, native table, picture; the same content gives the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.shapes import MSO_SHAPE
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.opc.oxml import serialize_part_xml
from pptx.oxml import parse_xml
from pptx.oxml.ns import qn
from pptx.oxml.xmlchemy import OxmlElement
from pptx.util import Inches, Length, Pt

from dashboard.report.archive import settled

# On Windows, in WPS and in PowerPoint; elsewhere fontconfig puts Noto Sans SC in its place.
EAST_ASIAN = "Microsoft YaHei"
LATIN = "Microsoft YaHei"

WIDTH, HEIGHT = 13.333, 7.5
MARGIN = 0.6
TITLE_ONLY = 5
CELL_MARGIN = 0.06
ELLIPSIS = "…"


@dataclass(frozen=True)
class Box:
    """A place on the slide [in]."""

    left: float
    top: float
    width: float
    height: float

    def emu(self) -> tuple[Length, Length, Length, Length]:
        """The same in the file's own unit."""
        return Inches(self.left), Inches(self.top), Inches(self.width), Inches(self.height)


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    title : its head.
    width : [in].
    number : right-aligned.
    indent : room kept free before the text, for a mark that is drawn over the cell [in].
    """

    title: str
    width: float
    number: bool = False
    indent: float = 0.0


@dataclass(frozen=True)
class Ink:
    """Colours of the paper theme, as `#RRGGBB`."""

    ink: str
    second: str
    line: str
    accent: str
    paper: str


def _colour(value: str) -> Any:
    make: Any = RGBColor  # has no annotations
    return make(*bytes.fromhex(value.lstrip("#")[:6]))


class Deck:
    """A 16:9 presentation.

    Parameters
    ----------
    ink : colours.
    lang : language tag of all text, for spelling and line breaking.
    """

    def __init__(self, ink: Ink, *, lang: str) -> None:
        self.ink = ink
        self._lang = lang
        self._file = Presentation()
        self._file.slide_width = Inches(WIDTH)
        self._file.slide_height = Inches(HEIGHT)
        self._slide: Any = None
        _set_theme_fonts(self._file)

    def slide(self, title: str, *, box: Box | None = None, size: float = 24) -> None:
        """Begin a slide; its title is a real title, for outlines and screen readers."""
        self._slide = self._file.slides.add_slide(self._file.slide_layouts[TITLE_ONLY])
        shape = self._slide.shapes.title
        at = box or Box(MARGIN, 0.42, WIDTH - 2 * MARGIN, 0.62)
        shape.left, shape.top, shape.width, shape.height = at.emu()
        frame = shape.text_frame
        _plain_frame(frame, MSO_ANCHOR.TOP if box else MSO_ANCHOR.MIDDLE)
        frame.paragraphs[0].alignment = PP_ALIGN.LEFT
        self._write(frame.paragraphs[0], title, size=size, bold=True, colour=self.ink.ink)

    def text(
        self,
        box: Box,
        lines: str | Sequence[str | tuple[str, str]],
        *,
        size: float = 14,
        bold: bool = False,
        colour: str | None = None,
        align: str = "left",
        anchor: str = "top",
        spacing: float = 1.25,
        gap: float = 0,
    ) -> None:
        """Paragraphs in a box; a pair is a paragraph with a bold beginning."""
        shape = self._slide.shapes.add_textbox(*box.emu())
        frame = shape.text_frame
        _plain_frame(frame, getattr(MSO_ANCHOR, anchor.upper()))
        for number, line in enumerate([lines] if isinstance(lines, str) else lines):
            paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
            paragraph.line_spacing = spacing
            paragraph.space_after = Pt(gap)
            paragraph.alignment = getattr(PP_ALIGN, align.upper())
            head, body = line if isinstance(line, tuple) else ("", line)
            if head:
                self._write(paragraph, head, size=size, bold=True, colour=colour or self.ink.ink)
            self._write(paragraph, body, size=size, bold=bold, colour=colour or self.ink.ink)

    def number(self, box: Box, value: str, unit: str, *, size: float = 40) -> None:
        """A large number with a small unit on the same baseline."""
        shape = self._slide.shapes.add_textbox(*box.emu())
        _plain_frame(shape.text_frame, MSO_ANCHOR.BOTTOM)
        paragraph = shape.text_frame.paragraphs[0]
        self._write(paragraph, value, size=size, bold=True, colour=self.ink.ink)
        if unit:
            self._write(paragraph, f" {unit}", size=size * 0.4, colour=self.ink.second)

    def rule(self, box: Box, colour: str | None = None) -> None:
        """A filled rectangle without an edge: a line, a ground."""
        shape = self._slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, *box.emu())
        shape.fill.solid()
        shape.fill.fore_color.rgb = _colour(colour or self.ink.line)
        shape.line.fill.background()
        shape.shadow.inherit = False

    def chip(self, box: Box, words: str, *, colour: str | None = None) -> None:
        """A short word in an outline."""
        shape = self._slide.shapes.add_shape(MSO_SHAPE.ROUNDED_RECTANGLE, *box.emu())
        shape.fill.background()
        shape.line.color.rgb = _colour(colour or self.ink.second)
        shape.line.width = Pt(1)
        shape.shadow.inherit = False
        _plain_frame(shape.text_frame, MSO_ANCHOR.MIDDLE)
        paragraph = shape.text_frame.paragraphs[0]
        paragraph.alignment = PP_ALIGN.CENTER
        self._write(paragraph, words, size=12, colour=colour or self.ink.second)

    def mark(self, box: Box, shape_name: str, word: str, *, fill: str, edge: str, ink: str) -> None:
        """A shape that carries a character: the mark of a warning tier."""
        shape = self._slide.shapes.add_shape(getattr(MSO_SHAPE, shape_name), *box.emu())
        shape.fill.solid()
        shape.fill.fore_color.rgb = _colour(fill)
        shape.line.color.rgb = _colour(edge)
        shape.line.width = Pt(0.75)
        shape.shadow.inherit = False
        frame = shape.text_frame
        # In a triangle there is room for a character in the lower half only.
        low = shape_name == "ISOSCELES_TRIANGLE"
        _plain_frame(frame, MSO_ANCHOR.BOTTOM if low else MSO_ANCHOR.MIDDLE)
        paragraph = frame.paragraphs[0]
        paragraph.alignment = PP_ALIGN.CENTER
        size = box.height * 72 * (0.46 if low else 0.52)
        self._write(paragraph, word, size=size, bold=True, colour=ink)

    def picture(self, file: Path, box: Box, *, description: str) -> Box:
        """A picture, as large as the box lets it be without distortion; where it then stands."""
        with Image.open(file) as image:
            ratio = image.width / image.height
        width = min(box.width, box.height * ratio)
        height = width / ratio
        at = Box(
            box.left + (box.width - width) / 2, box.top + (box.height - height) / 2, width, height
        )
        shape = self._slide.shapes.add_picture(str(file), *at.emu())
        shape._element.nvPicPr.cNvPr.set("descr", description)  # noqa: SLF001, no public way
        return at

    def table(
        self,
        left: float,
        top: float,
        columns: Sequence[Column],
        rows: Sequence[Sequence[str]],
        *,
        row_height: float = 0.34,
        size: float = 12,
    ) -> None:
        """A native table: thin lines, no stripes, numbers to the right."""
        box = Box(left, top, sum(c.width for c in columns), row_height * (len(rows) + 1))
        frame = self._slide.shapes.add_table(len(rows) + 1, len(columns), *box.emu())
        table = frame.table
        _plain_table(table)
        for number, column in enumerate(columns):
            table.columns[number].width = Inches(column.width)
        for row in table.rows:
            row.height = Inches(row_height)
        for number, column in enumerate(columns):
            self._cell(table.cell(0, number), column.title, column, size=size - 1, head=True)
        for y, values in enumerate(rows, start=1):
            for x, (value, column) in enumerate(zip(values, columns, strict=True)):
                self._cell(table.cell(y, x), value, column, size=size)

    def _cell(
        self, cell: Any, value: str, column: Column, *, size: float, head: bool = False
    ) -> None:
        cell.fill.background()
        cell.vertical_anchor = MSO_ANCHOR.MIDDLE
        cell.margin_left = Inches(CELL_MARGIN if head else CELL_MARGIN + column.indent)
        cell.margin_right = Inches(CELL_MARGIN)
        cell.margin_top = cell.margin_bottom = Inches(0.02)
        paragraph = cell.text_frame.paragraphs[0]
        paragraph.alignment = PP_ALIGN.RIGHT if column.number else PP_ALIGN.LEFT
        colour = self.ink.second if head else self.ink.ink
        room = column.width - 2 * CELL_MARGIN - (0 if head else column.indent)
        self._write(paragraph, fit(value, room, size=size), size=size, bold=head, colour=colour)
        _underline(cell, self.ink.second if head else self.ink.line, points=1 if head else 0.5)

    def _write(
        self, paragraph: Any, value: str, *, size: float, colour: str, bold: bool = False
    ) -> None:
        run = paragraph.add_run()
        run.text = value
        run.font.size = Pt(size)
        run.font.bold = bold
        run.font.color.rgb = _colour(colour)
        run.font.name = LATIN
        properties = run.font._element  # noqa: SLF001, python-pptx knows no East Asian typeface
        properties.set("lang", self._lang)
        east_asian = _element("a:ea", typeface=EAST_ASIAN)
        properties.find(qn("a:latin")).addnext(east_asian)

    def save(self, path: Path, *, title: str, subject: str, at: datetime) -> None:
        """Write the file; nothing in it depends on when or where that is done."""
        core = self._file.core_properties
        core.title, core.subject, core.author = title, subject, "Xintu 心图"
        core.last_modified_by, core.revision, core.language = "Xintu 心图", 1, self._lang
        core.created = core.modified = at.replace(tzinfo=None, microsecond=0)
        raw = BytesIO()
        self._file.save(raw)
        path.write_bytes(settled(raw.getvalue()))


def fit(value: str, width: float, *, size: float) -> str:
    """The text, cut so that it stays on one line of `width` [in] in type of `size` [pt].

    A row that grows would move away from the marks drawn over it.
    """
    room = width * 72 / size
    used = 0.0
    for position, character in enumerate(value):
        # Chinese characters are one em wide, others a little over half of one.
        used += 1.0 if ord(character) > 0x2E7F else 0.56
        if used > room:
            return value[: max(position - 1, 1)] + ELLIPSIS
    return value


def _element(tag: str, **attributes: str) -> Any:
    element: Any = OxmlElement(tag)
    for name, value in attributes.items():
        element.set(name, value)
    return element


def _plain_frame(frame: Any, anchor: Any) -> None:
    frame.word_wrap = True
    frame.vertical_anchor = anchor
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0


def _plain_table(table: Any) -> None:
    properties = table._tbl.tblPr  # noqa: SLF001, the flags have no public names for all
    for flag in ("bandRow", "firstRow", "firstCol", "lastRow", "lastCol", "bandCol"):
        properties.set(flag, "0")
    properties.set("firstRow", "1")
    style = properties.find(qn("a:tableStyleId"))
    if style is not None:
        style.text = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"  # "No Style, No Grid"


def _underline(cell: Any, colour: str, *, points: float) -> None:
    """Line below a cell; python-pptx has no borders."""
    properties = cell._tc.get_or_add_tcPr()  # noqa: SLF001
    line = _element("a:lnB", w=str(int(points * 12700)), cmpd="sng")
    fill = _element("a:solidFill")
    fill.append(_element("a:srgbClr", val=colour.lstrip("#").upper()[:6]))
    line.append(fill)
    # The schema wants lines before fills.
    properties.insert(0, line)


def _set_theme_fonts(file: Any) -> None:
    """Fonts for text that somebody adds by hand later."""
    for relation in file.slide_master.part.rels.values():
        if not relation.reltype.endswith("/theme"):
            continue
        part = relation.target_part
        root = parse_xml(part.blob)
        for kind in ("majorFont", "minorFont"):
            fonts = root.find(f".//{qn('a:' + kind)}")
            fonts.find(qn("a:latin")).set("typeface", LATIN)
            fonts.find(qn("a:ea")).set("typeface", EAST_ASIAN)
        part._blob = serialize_part_xml(root)  # noqa: SLF001, a theme has no class of its own
