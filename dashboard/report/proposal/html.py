"""A proposal as one HTML document that needs nothing from anywhere else, and as PDF."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from dashboard.report.proposal.content import Block, Figure, Points, Proposal, Table, Text
from dashboard.report.proposal.printing import print_pdf
from dashboard.text import Catalog, load, words
from dashboard.tokens import tokens

# A paper's own text is set in the type of official papers, what is read at a glance in the
# product's.
SERIF = (
    '"FangSong", "FangSong_GB2312", "STFangsong", "Noto Serif CJK SC", "Source Han Serif SC", '
    '"SimSun", serif'
)
# Tables of so many rows stay on one page.
SHORT = 20
_STYLE = """
@page { size: A4; }
* { box-sizing: border-box; }
body { margin: 0; color: %(ink)s; font: 11.5pt/1.65 %(serif)s;
  /* Copied text shall be the letters that were written. */ font-variant-ligatures: none; }
h1, h2, h3, caption, table, .facts, .badges, .note, figcaption, .subtitle { font-family: %(sans)s; }
h1 { font-size: 21pt; line-height: 1.35; margin: 0 0 3mm; text-wrap: balance; }
.badges { font-size: 9pt; margin: 0 0 5mm; }
.badges span { border: 0.3mm solid %(ink-2)s; padding: 0.4mm 1.8mm; margin-right: 2mm; }
.subtitle { color: %(ink-2)s; font-size: 10.5pt; margin: 0 0 6mm; }
.lead { font-size: 13.5pt; line-height: 1.6; margin: 0 0 3mm; font-weight: 600; }
.facts { display: flex; gap: 5mm; margin: 6mm 0; break-inside: avoid; }
.facts div { flex: 1; border-top: 0.5mm solid %(ink)s; padding-top: 1.5mm; }
.facts b { display: block; font-size: 17pt; line-height: 1.3; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.facts span { font-size: 9pt; color: %(ink-2)s; display: block; line-height: 1.4; }
h2 { font-size: 14pt; margin: 8mm 0 2.5mm; break-after: avoid; }
h3 { font-size: 11pt; margin: 5mm 0 1.5mm; break-after: avoid; }
p { margin: 0 0 2.5mm; orphans: 3; widows: 3; }
.text { text-align: justify; }
:lang(zh) .text { text-indent: 2em; }
ul, ol { margin: 0 0 3mm; padding-left: 6mm; }
li { margin: 0 0 1.2mm; }
table { width: 100%%; border-collapse: collapse; font-size: 9pt; line-height: 1.4;
  margin: 3mm 0 1.5mm; }
caption { text-align: left; font-weight: 700; font-size: 10pt; padding: 0 0 1.5mm;
  break-after: avoid; }
thead { display: table-header-group; }
.short { break-inside: avoid; }
tr { break-inside: avoid; }
tbody tr:last-child { break-before: avoid; }
th { text-align: left; font-weight: 700; border-bottom: 0.4mm solid %(ink)s;
  border-top: 0.4mm solid %(ink)s; vertical-align: bottom; }
td { border-bottom: 0.15mm solid %(line)s; vertical-align: top; }
th, td { padding: 1.1mm 1.4mm; overflow-wrap: break-word; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th.number { white-space: normal; }
tr.total td { font-weight: 700; border-top: 0.3mm solid %(ink)s; }
tbody tr:last-child td { border-bottom: 0.4mm solid %(ink)s; }
.note { break-before: avoid; font-size: 8.5pt; line-height: 1.45; color: %(ink-2)s;
  margin: 0 0 4mm; }
figure { margin: 3mm 0 4mm; break-inside: avoid; }
figure svg { display: block; width: 100%%; }
figcaption { font-weight: 700; font-size: 10pt; margin-bottom: 2mm; }
"""


def proposal_html(proposal: Proposal) -> str:
    """The document; every text in it is escaped, nothing in it runs."""
    paper = tokens("light")
    values = {name: paper[name] for name in ("ink", "ink-2", "line")}
    style = _STYLE % {**values, "serif": SERIF, "sans": paper["font"]}
    body = "".join(_Writer(load(proposal.lang)).write(proposal))
    return (
        f'<!DOCTYPE html><html lang="{proposal.lang}"><head><meta charset="utf-8">'
        f"<title>{escape(proposal.title)}</title><style>{style}</style></head>"
        f"<body>{body}</body></html>"
    )


def proposal_pdf(proposal: Proposal, *, chromium: str | Path | None = None) -> bytes:
    """The document as PDF, with header, footer and page numbers.

    Raises
    ------
    RenderError : no browser, or it fails.
    """
    catalog = load(proposal.lang)
    paper = tokens("light")
    fonts = escape(paper["font"], quote=True)
    # The margins know nothing of the document's style sheet.
    style = (
        f"font: 8pt {fonts}; color: {paper['ink-2']}; width: 100%; padding: 0 20mm; "
        "display: flex; justify-content: space-between; -webkit-print-color-adjust: exact"
    )
    page = (
        f"{escape(catalog.t('proposal.page_before'))}<span class='pageNumber'></span>"
        f"{escape(catalog.t('proposal.page_between'))}<span class='totalPages'></span>"
        f"{escape(catalog.t('proposal.page_after'))}"
    )
    badges = escape(" · ".join(proposal.badges))
    header = (
        f'<div style="{style}"><span>{escape(proposal.header)}</span><span>{badges}</span></div>'
    )
    footer = f'<div style="{style}"><span>{escape(proposal.footer)}</span><span>{page}</span></div>'
    return print_pdf(proposal_html(proposal), header=header, footer=footer, at=proposal.at,
                     chromium=chromium)  # fmt: skip


class _Writer:
    def __init__(self, catalog: Catalog) -> None:
        self.t = catalog.t
        self.tables = self.figures = 0

    def write(self, proposal: Proposal) -> Iterator[str]:
        yield '<p class="badges">'
        yield from (f"<span>{escape(badge)}</span>" for badge in proposal.badges)
        yield f"</p><h1>{escape(proposal.title)}</h1>"
        yield f'<p class="subtitle">{escape(proposal.subtitle)}</p>'
        first, *others = proposal.finding
        yield f'<p class="lead">{_prose(first)}</p>'
        yield f'<p class="text">{_prose(_joined(others, proposal.lang))}</p>'
        yield '<div class="facts">'
        for fact in proposal.facts:
            yield (
                f"<div><span>{escape(fact.label)}</span><b>{escape(fact.value)}</b>"
                f"<span>{escape(fact.detail)}</span></div>"
            )
        yield "</div>"
        yield self._points(proposal.asked)
        for section in proposal.sections:
            yield f"<section><h2>{escape(section.title)}</h2>"
            yield from (self._block(block) for block in section.blocks)
            yield "</section>"

    def _block(self, block: Block) -> str:
        if isinstance(block, Text):
            return f'<p class="text">{_prose(block.text)}</p>'
        if isinstance(block, Points):
            return self._points(block)
        return self._figure(block) if isinstance(block, Figure) else self._table(block)

    def _points(self, points: Points) -> str:
        tag = "ol" if points.numbered else "ul"
        items = "".join(f"<li>{_prose(item)}</li>" for item in points.items)
        head = f"<h3>{escape(points.title)}</h3>" if points.title else ""
        return f"{head}<{tag}>{items}</{tag}>"

    def _figure(self, figure: Figure) -> str:
        self.figures += 1
        said = escape(self.t("proposal.number.figure", n=self.figures, title=figure.title))
        note = f'<p class="note">{escape(figure.note)}</p>' if figure.note else ""
        return f"<figure><figcaption>{said}</figcaption>{figure.svg}{note}</figure>"

    def _table(self, table: Table) -> str:
        self.tables += 1
        said = escape(self.t("proposal.number.table", n=self.tables, title=table.title))
        whole = sum(column.width for column in table.columns)
        columns = "".join(
            f'<col style="width:{100 * column.width / whole:.2f}%">' for column in table.columns
        )
        kinds = [' class="number"' if column.number else "" for column in table.columns]
        head = "".join(
            f'<th scope="col"{kind}>{escape(column.title)}</th>'
            for column, kind in zip(table.columns, kinds, strict=True)
        )
        lines = []
        for number, row in enumerate(table.rows, start=1):
            last = table.total and number == len(table.rows)
            kind_of_row = ' class="total"' if last else ""
            cells = "".join(
                f"<td{kind}>{escape(value)}</td>" for value, kind in zip(row, kinds, strict=True)
            )
            lines.append(f"<tr{kind_of_row}>{cells}</tr>")
        note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
        short = ' class="short"' if len(table.rows) <= SHORT else ""
        return (
            f"<table{short}><caption>{said}</caption><colgroup>{columns}</colgroup>"
            f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>{note}"
        )


def _prose(text: str) -> str:
    """Text whose numbers stay with what they count where a line is broken."""
    return escape(words.unbroken(text))


def _joined(sentences: list[str], lang: str) -> str:
    return ("" if lang.startswith("zh") else " ").join(sentences)
