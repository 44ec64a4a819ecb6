"""The XML inside an XLSX workbook: which part is which sheet, how large, and what it marks.

It is walked over in pieces before a parser sees it, so that a bomb is known in time.
"""

from __future__ import annotations

import posixpath
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

from etl.findings import UnusableFileError
from etl.sources import limits
from etl.sources.archives import Archive
from etl.sources.references import Places, column_number

# The index of a workbook's sheets is some kilobytes.
_MOST_INDEX_BYTES = 4 << 20
_CELL = re.compile(rb"<(?:\w+:)?c((?:\s[^<>]*)?)(?<!/)>(.*?)</(?:\w+:)?c>", re.DOTALL)
_REFERENCE = re.compile(rb"""\br=["']([A-Za-z]{1,3})([0-9]{1,9})["']""")
# Cells beyond column Z, or below any row: only then is the rectangle worth measuring.
# After a blank, since every sheet that Excel writes begins with xmlns:r="http…".
_FAR = re.compile(rb"""\sr=["'](?:[A-Za-z]{2,}|[A-Za-z]?[0-9]{7,})""")
# No sheet has such cells; the reader would lay out all that lies before them.
_NOWHERE = re.compile(rb"""\sr=["'](?:[A-Za-z]{4,}|[A-Za-z]*[0-9]{8,})""")
_HIDDEN_ROW = re.compile(rb"""<(?:\w+:)?row\s(?=[^<>]*\bhidden=["'](?:1|true)["'])([^<>]*)>""")
_ROW_NUMBER = re.compile(rb"""\br=["']([0-9]{1,9})["']""")
_UNCALCULATED = re.compile(
    rb"\s*+<(?:\w+:)?f\b[^<>]*+(?:(?<=/)>|(?<!/)>[^<]*+</(?:\w+:)?f>)\s*+"
    rb"(?:<(?:\w+:)?v\s*+/>|<(?:\w+:)?v>\s*+</(?:\w+:)?v>)?\s*+"
)
_IS_TEXT = re.compile(rb"""\bt=["']str["']""")
_IS_ERROR = re.compile(rb"""\bt=["']e["']""")
_VALUE = re.compile(rb"<(?:\w+:)?v>([^<]*)</")


@dataclass
class Marks:
    """What the XML of a sheet says beside its values; columns counted from 0, rows from 1."""

    cells: int = 0
    last_row: int = 0
    last_column: int = 0
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    uncalculated: list[tuple[int, int]] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)


def sheet_parts(archive: Archive) -> dict[str, str]:
    """Sheet name → its part of the archive."""
    index = _xml(archive, "xl/workbook.xml")
    links = _xml(archive, "xl/_rels/workbook.xml.rels")
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    parts = {}
    for sheet in index.iter():
        if sheet.tag.rpartition("}")[2] != "sheet":
            continue
        link = next((v for k, v in sheet.attrib.items() if k.rpartition("}")[2] == "id"), None)
        target = targets.get(link, "")
        part = posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")
        if part in archive.names:
            parts[sheet.get("name", "")] = part
    return parts


def _xml(archive: Archive, name: str) -> ET.Element:
    try:
        text = archive.read(name, most=_MOST_INDEX_BYTES)
    except KeyError as exc:
        raise archive.broken(name) from exc
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text or b"\x00" in text:
        raise archive.broken("DTD")  # entities that grow when read; Excel writes none
    return ET.fromstring(text)  # noqa: S314  (no DTD in it, as just seen)


def measure(archive: Archive, part: str) -> Marks:
    """Walk over the XML of a sheet before it is read: how large it is, and what it marks.

    Raises
    ------
    UnusableFileError : the rectangle around its cells is beyond the limit, or they contradict
        each other.
    """
    marks, places, carry = Marks(), Places(), b""
    for chunk in archive.chunks(part):
        piece = carry + chunk
        if not marks.cells and b"\x00" in piece[:4]:
            raise archive.broken("UTF-16")
        cut = max(piece.rfind(b"</c>") + 4, piece.rfind(b"</row>"), piece.rfind(b":c>") + 3)
        if cut <= 3:
            cut = 0
        carry = piece[cut:]
        if len(carry) > limits.MAX_CELL_BYTES + len(chunk):
            raise UnusableFileError(
                "sheet_too_large", came=f"> {limits.megabytes(limits.MAX_CELL_BYTES)}",
                most=limits.megabytes(limits.MAX_CELL_BYTES),
            )  # fmt: skip
        _mark(piece[:cut], marks)
        places.follow(piece[:cut])
    _mark(carry, marks)
    places.follow(carry)
    # Without a reference a cell stands right of the one before, so there are no more than cells.
    rectangle = max(marks.cells, marks.last_row * (marks.last_column + 1))
    if rectangle > limits.MAX_SHEET_CELLS or marks.last_row > limits.MAX_SHEET_ROWS:
        raise UnusableFileError(
            "sheet_too_large",
            came=f"{marks.last_row:,} × {marks.last_column + 1:,}, {marks.cells:,}",
            most=f"{limits.MAX_SHEET_CELLS:,}",
        )
    return marks


def _mark(piece: bytes, marks: Marks) -> None:
    marks.cells += piece.count(b"<c ") + piece.count(b"<c>") + piece.count(b":c ")
    if marks.cells > limits.MAX_SHEET_CELLS:
        raise UnusableFileError(
            "sheet_too_large", came=f"> {marks.cells:,}", most=f"{limits.MAX_SHEET_CELLS:,}"
        )
    if _FAR.search(piece) is not None:
        if _NOWHERE.search(piece) is not None:
            raise UnusableFileError("unreadable_workbook", came="a cell beyond any sheet")
        places = _REFERENCE.findall(piece)
        for letters in {letters for letters, _ in places}:
            marks.last_column = max(marks.last_column, column_number(letters))
        marks.last_row = max([marks.last_row, *(int(digits) for digits in {d for _, d in places})])
    if b"<f" in piece or b":f" in piece or b't="e"' in piece or b"t='e'" in piece:
        _mark_cells(piece, marks)
    if b"hidden=" in piece:
        for attributes in _HIDDEN_ROW.findall(piece):
            if number := _ROW_NUMBER.search(attributes):
                marks.hidden_rows.add(int(number[1]))


def _mark_cells(piece: bytes, marks: Marks) -> None:
    for attributes, content in _CELL.findall(piece):
        is_error = _IS_ERROR.search(attributes) is not None
        blank = _UNCALCULATED.fullmatch(content) is not None and not _IS_TEXT.search(attributes)
        if not (is_error or blank):
            continue
        reference = _REFERENCE.search(attributes)
        if reference is None:
            raise UnusableFileError("unreadable_workbook", came="a cell without its reference")
        place = int(reference[2]), column_number(reference[1])
        if blank:
            marks.uncalculated.append(place)
        else:
            value = _VALUE.search(content)
            marks.errors[place] = value[1].decode("ascii", "replace") if value else "#ERROR"
