"""What a proposal says, before it is a document: the same parts become DOCX and PDF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Points:
    """A list; numbered where the order matters."""

    items: Sequence[str]
    numbered: bool = False
    title: str = ""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    title : its head.
    width : part of the table's width; only the ratio matters.
    number : right-aligned.
    """

    title: str
    width: float = 1.0
    number: bool = False


@dataclass(frozen=True)
class Table:
    """A table; its texts are ready to be read.

    Attributes
    ----------
    title : without its number, which follows from the order of the tables.
    total : whether the last row is a sum.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    note: str = ""
    total: bool = False


@dataclass(frozen=True)
class Figure:
    """A picture as SVG of our own.

    Attributes
    ----------
    title : without its number.
    alt : what it shows, for those who cannot see it.
    """

    title: str
    svg: str
    alt: str
    note: str = ""


Block = Text | Points | Table | Figure


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Fact:
    """A figure in large type.

    Attributes
    ----------
    detail : what it was before, or what it is a share of.
    """

    label: str
    value: str
    detail: str


@dataclass(frozen=True)
class Proposal:
    """The document.

    Attributes
    ----------
    badges : what it is not: real data, an approved paper.
    finding : sentences, the first the most important.
    asked : what the meeting is asked to decide.
    source : the line at the end.
    header, footer : of every page; the page number follows the footer.
    at : date that the files bear.
    """

    lang: str
    title: str
    subtitle: str
    badges: Sequence[str]
    finding: Sequence[str]
    facts: Sequence[Fact]
    asked: Points
    sections: Sequence[Section]
    header: str
    footer: str
    at: datetime

    def figures(self) -> list[Figure]:
        """All pictures, in order."""
        return [
            block
            for section in self.sections
            for block in section.blocks
            if isinstance(block, Figure)
        ]
