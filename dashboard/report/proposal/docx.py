"""A proposal as a Word document: real styles, headings, repeated table heads, page numbers.

The same proposal and pictures give the same file, to the byte.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from docx import Document
from docx.enum.section import WD_ORIENT
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from dashboard.report.archive import settled
from dashboard.report.proposal.content import Block, Figure, Points, Proposal, Table, Text
from dashboard.text import load, words
from dashboard.tokens import tokens

# Of official papers; where a machine lacks them its own stand-ins serve.
BODY, HEAD, LATIN_BODY, LATIN_HEAD = "FangSong", "SimHei", "Times New Roman", "Arial"
WIDTH_MM = 166.0
_MARGIN_MM = {"left_margin": 22, "right_margin": 22, "top_margin": 26, "bottom_margin": 24}


def proposal_docx(proposal: Proposal, pictures: Sequence[bytes]) -> bytes:
    """The document as DOCX.

    Parameters
    ----------
    pictures : PNG of each figure, in order.
    """
    return _Writer(proposal, pictures).write()


class _Writer:
    def __init__(self, proposal: Proposal, pictures: Sequence[bytes]) -> None:
        self.proposal, self.pictures = proposal, list(pictures)
        self.t = load(proposal.lang).t
        self.paper = tokens("light")
        self.file = Document()
        self.tables = self.figures = 0

    def write(self) -> bytes:
        proposal = self.proposal
        self._page()
        self._styles()
        self._margins()
        self._paragraph(" · ".join(proposal.badges), "Proposal badge")
        self._paragraph(proposal.title, "Title")
        self._paragraph(proposal.subtitle, "Subtitle")
        first, *others = proposal.finding
        self._paragraph(words.unbroken(first), "Proposal lead")
        gap = "" if proposal.lang.startswith("zh") else " "
        self._paragraph(words.unbroken(gap.join(others)), "Body Text")
        self._facts()
        self._points(proposal.asked)
        for section in proposal.sections:
            self._paragraph(section.title, "Heading 1")
            for block in section.blocks:
                self._block(block)
        core = self.file.core_properties
        core.title, core.subject, core.author = proposal.title, proposal.subtitle, "Xintu 心图"
        core.last_modified_by, core.revision, core.language = "Xintu 心图", 1, proposal.lang
        core.comments = core.keywords = ""
        core.created = core.modified = proposal.at.replace(tzinfo=None, microsecond=0)
        raw = io.BytesIO()
        self.file.save(raw)
        return settled(raw.getvalue())

    # ------------------------------------------------------------ the page

    def _page(self) -> None:
        section = self.file.sections[0]
        section.orientation = WD_ORIENT.PORTRAIT
        section.page_width, section.page_height = Mm(210), Mm(297)
        for name, value in _MARGIN_MM.items():
            setattr(section, name, Mm(value))

    def _margins(self) -> None:
        """Header, and footer with the number of the page."""
        section, proposal = self.file.sections[0], self.proposal
        header = section.header.paragraphs[0]
        _tabs(header)
        header.add_run(_clean(f"{proposal.header}\t{' · '.join(proposal.badges)}"))
        footer = section.footer.paragraphs[0]
        _tabs(footer)
        footer.add_run(_clean(f"{proposal.footer}\t{self.t('proposal.page_before')}"))
        _field(footer, "PAGE")
        footer.add_run(self.t("proposal.page_between"))
        _field(footer, "NUMPAGES")
        footer.add_run(self.t("proposal.page_after"))

    def _styles(self) -> None:
        styles, ink = self.file.styles, self.paper["ink"]
        second = self.paper["ink-2"]
        self._defaults()
        self._style("Normal", 12, colour=ink, line=1.5)
        self._style("Body Text", 12, colour=ink, line=1.5, after=4)
        if self.proposal.lang.startswith("zh"):
            _indent(styles["Body Text"])
        self._style("Title", 20, head=True, bold=True, colour=ink, after=4, line=1.25)
        _plain_border(styles["Title"])
        self._style("Subtitle", 10.5, head=True, colour=second, after=10)
        self._style("Heading 1", 15, head=True, bold=True, colour=ink, before=16, after=6)
        self._style("Heading 2", 12, head=True, bold=True, colour=ink, before=10, after=4)
        self._style("Caption", 10, head=True, bold=True, colour=ink, before=8, after=3)
        styles["Caption"].paragraph_format.keep_with_next = True
        for name in ("List Bullet", "List Number"):
            self._style(name, 12, colour=ink, line=1.4, after=2)
        for name in ("Header", "Footer"):
            self._style(name, 8.5, head=True, colour=second)
        for name, size in (("Proposal badge", 9), ("Proposal lead", 14), ("Proposal note", 8.5),
                           ("Proposal cell", 9), ("Proposal figure", 17)):  # fmt: skip
            styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH).base_style = styles["Normal"]
            self._style(name, size, head=name != "Proposal lead", colour=ink)
        self._style("Proposal badge", 9, head=True, colour=second, after=6)
        self._style("Proposal lead", 14, bold=True, colour=ink, line=1.5, after=6)
        self._style("Proposal note", 8.5, head=True, colour=second, before=2, after=8, line=1.25)
        self._style("Proposal cell", 9, head=True, colour=ink, line=1.15)
        self._style("Proposal figure", 17, head=True, bold=True, colour=ink)

    def _defaults(self) -> None:
        """Fonts and language of the whole file, for text that somebody adds by hand later."""
        defaults = self.file.styles.element.find(qn("w:docDefaults"))
        properties = defaults.find(qn("w:rPrDefault")).find(qn("w:rPr"))
        _fonts(properties, LATIN_BODY, BODY)
        language = properties.find(qn("w:lang"))
        language.set(qn("w:val"), "en-GB")
        language.set(qn("w:eastAsia"), "zh-CN")

    def _style(
        self,
        name: str,
        size: float,
        *,
        colour: str,
        head: bool = False,
        bold: bool = False,
        before: float = 0,
        after: float = 0,
        line: float = 1.3,
    ) -> None:
        style = self.file.styles[name]
        properties = style.element.get_or_add_rPr()
        _fonts(properties, *((LATIN_HEAD, HEAD) if head else (LATIN_BODY, BODY)))
        style.font.size, style.font.bold, style.font.italic = Pt(size), bold, False
        style.font.color.rgb = _colour(colour)
        form = style.paragraph_format
        form.space_before, form.space_after, form.line_spacing = Pt(before), Pt(after), line

    # ------------------------------------------------------------ content

    def _paragraph(self, text: str, style: str) -> Any:
        return self.file.add_paragraph(_clean(text), style=style)

    def _block(self, block: Block) -> None:
        if isinstance(block, Text):
            self._paragraph(words.unbroken(block.text), "Body Text")
        elif isinstance(block, Points):
            self._points(block)
        elif isinstance(block, Figure):
            self._figure(block)
        else:
            self._table(block)

    def _points(self, points: Points) -> None:
        if points.title:
            self._paragraph(points.title, "Heading 2")
        for item in points.items:
            style = "List Number" if points.numbered else "List Bullet"
            self._paragraph(words.unbroken(item), style)

    def _facts(self) -> None:
        facts = self.proposal.facts
        table = self._grid(3, [1.0] * len(facts), head=False)
        for column, fact in enumerate(facts):
            lines = ((fact.label, "Proposal note"), (fact.value, "Proposal figure"),
                     (fact.detail, "Proposal note"))  # fmt: skip
            for row, (text, style) in enumerate(lines):
                self._fill(table.cell(row, column), text, style=style)
            _border(table.cell(0, column), "top", 12, self.paper["ink"])
        self._paragraph("", "Proposal note")

    def _figure(self, figure: Figure) -> None:
        said = self.t("proposal.number.figure", n=self.figures + 1, title=figure.title)
        self._paragraph(said, "Caption")
        holder = self.file.add_paragraph(style="Normal")
        holder.paragraph_format.line_spacing = 1.0
        holder.paragraph_format.keep_with_next = bool(figure.note)
        picture = holder.add_run().add_picture(
            io.BytesIO(self.pictures[self.figures]), width=Mm(WIDTH_MM)
        )
        properties = picture._inline.docPr  # noqa: SLF001, python-docx sets no alt text
        properties.set("descr", _clean(figure.alt))
        properties.set("title", _clean(figure.title))
        self.figures += 1
        if figure.note:
            self._paragraph(figure.note, "Proposal note")

    def _table(self, told: Table) -> None:
        self.tables += 1
        said = self.t("proposal.number.table", n=self.tables, title=told.title)
        self._paragraph(said, "Caption")
        table = self._grid(len(told.rows) + 1, [column.width for column in told.columns], head=True)
        _describe(table, _clean(told.title))
        ink, line = self.paper["ink"], self.paper["line"]
        last = len(told.rows)
        head_row, *rows = table.rows
        for head, about in zip(head_row.cells, told.columns, strict=True):
            self._fill(head, about.title, bold=True, right=about.number)
            _border(head, "top", 8, ink)
            _border(head, "bottom", 8, ink)
        for number, (cells, row) in enumerate(zip(rows, told.rows, strict=True), start=1):
            _unbroken(cells)
            bold = told.total and number == last
            for cell, value, about in zip(cells.cells, row, told.columns, strict=True):
                self._fill(cell, value, bold=bold, right=about.number)
                _border(cell, "bottom", 8 if number == last else 4, ink if number == last else line)
        self._paragraph(told.note, "Proposal note")

    def _grid(self, rows: int, widths: Sequence[float], *, head: bool) -> Any:
        table = self.file.add_table(rows, len(widths))
        table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
        factor = WIDTH_MM / sum(widths)
        room = [Mm(width * factor) for width in widths]
        for column, width in zip(table.columns, room, strict=True):
            column.width = width
        # Row by row: python-docx looks through the whole table for each cell asked for by place.
        for row in table.rows:
            for cell, width in zip(row.cells, room, strict=True):
                cell.width = width
        if head:
            properties = table.rows[0]._tr.get_or_add_trPr()  # noqa: SLF001
            properties.append(_element("w:cantSplit"))
            properties.append(_element("w:tblHeader"))
        return table

    @cache  # noqa: B019, the writer lives as long as its one document
    def _style_id(self, name: str) -> str:
        return str(self.file.styles[name].style_id)

    def _fill(self, cell: Any, text: str, *, style: str = "Proposal cell", bold: bool = False,
              right: bool = False) -> None:  # fmt: skip
        paragraph = cell.paragraphs[0]
        # Digits and characters are of two fonts: bottom lines would not meet.
        cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
        # By its id: python-docx looks through all styles each time it is given one.
        paragraph._p.style = self._style_id(style)  # noqa: SLF001
        if right:
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        run = paragraph.add_run(_clean(text))
        if bold:
            run.bold = True


def _clean(text: str) -> str:
    """Text that XML can hold."""
    return ILLEGAL_CHARACTERS_RE.sub("", text)


def _colour(value: str) -> RGBColor:
    return RGBColor(*bytes.fromhex(value.lstrip("#")[:6]))


def _element(tag: str, **attributes: str) -> Any:
    element = OxmlElement(tag)
    for name, value in attributes.items():
        element.set(qn(f"w:{name}"), value)
    return element


def _fonts(properties: Any, latin: str, east_asian: str) -> None:
    """Fonts by script; a theme's font would win over them, so its name goes."""
    fonts = properties.find(qn("w:rFonts"))
    if fonts is None:
        fonts = _element("w:rFonts")
        properties.insert(0, fonts)
    for name in list(fonts.attrib):
        if re.search("theme", str(name), re.IGNORECASE):
            del fonts.attrib[name]
    for script, font in (
        ("ascii", latin),
        ("hAnsi", latin),
        ("cs", latin),
        ("eastAsia", east_asian),
    ):
        fonts.set(qn(f"w:{script}"), font)


def _indent(style: Any) -> None:
    """Two characters, whatever the size of the type."""
    properties = style.element.get_or_add_pPr()
    properties.append(_element("w:ind", firstLineChars="200", firstLine="480"))


def _plain_border(style: Any) -> None:
    properties = style.element.get_or_add_pPr()
    border = properties.find(qn("w:pBdr"))
    if border is not None:
        properties.remove(border)


def _tabs(paragraph: Any) -> None:
    stops = paragraph.paragraph_format.tab_stops
    stops.add_tab_stop(Mm(WIDTH_MM), WD_TAB_ALIGNMENT.RIGHT)
    style = paragraph.style.element.find(qn("w:pPr"))
    inherited = None if style is None else style.find(qn("w:tabs"))
    if inherited is not None:
        style.remove(inherited)


def _field(paragraph: Any, name: str) -> None:
    field = _element("w:fldSimple", instr=f" {name} ")
    run = _element("w:r")
    text = _element("w:t")
    text.text = "1"
    run.append(text)
    field.append(run)
    paragraph._p.append(field)  # noqa: SLF001, python-docx has no fields


def _border(cell: Any, side: str, eighths: int, colour: str) -> None:
    properties = cell._tc.get_or_add_tcPr()  # noqa: SLF001, python-docx has no borders
    borders = properties.find(qn("w:tcBorders"))
    if borders is None:
        borders = _element("w:tcBorders")
        # The schema wants borders right after the width.
        width = properties.find(qn("w:tcW"))
        width.addnext(borders)
    borders.append(_element(f"w:{side}", val="single", sz=str(eighths), space="0",
                            color=colour.lstrip("#")[:6]))  # fmt: skip


def _unbroken(row: Any) -> None:
    row._tr.get_or_add_trPr().append(_element("w:cantSplit"))  # noqa: SLF001


def _describe(table: Any, title: str) -> None:
    """What a screen reader says of a table."""
    properties = table._tbl.tblPr  # noqa: SLF001
    properties.append(_element("w:tblCaption", val=title))
