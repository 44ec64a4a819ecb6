"""A file as it lies there: its fingerprint, what kind it is, its encoding by strict decoding."""

from __future__ import annotations

import codecs
import csv
import difflib
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from etl.findings import UnusableFileError
from etl.sources import limits

Format = Literal["text", "xlsx", "xls"]

_CHUNK = 1 << 20
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Chinese characters that a text shows in valid UTF-8 before it breaks: from then on the break is
# damage and not another encoding. GB18030 text hardly ever forms three of them by chance.
_UTF8_HAN = re.compile(rb"[\xe3-\xe9][\x80-\xbf]{2}")
_UTF8_SURE = 3


@dataclass(frozen=True)
class Fingerprint:
    """What a file was, to the byte."""

    sha256: str
    size: int


def fingerprint(path: Path) -> Fingerprint:
    """Hash and size of a file; of a shapefile with all its parts.

    Raises
    ------
    UnusableFileError : there is no such file, or it may not be read.
    """
    digest, size = hashlib.sha256(), 0
    for part in parts_of(path):
        for chunk in _chunks(part):
            digest.update(chunk)
            size += len(chunk)
    return Fingerprint(digest.hexdigest(), size)


def parts_of(path: Path) -> list[Path]:
    """The file itself; of a shapefile all files that make it up, itself first."""
    if path.suffix.lower() != ".shp":
        return [path]
    return [path, *sorted(p for p in path.parent.glob(f"{path.stem}.*") if p != path)]


def table_format(path: Path) -> Format:
    """What a table file is by its first bytes, whatever its name says.

    Raises
    ------
    UnusableFileError : empty, or neither text nor a workbook.
    """
    head = next(_chunks(path), b"")[:4096]
    if not head.strip():
        raise UnusableFileError("empty_file", came="0 bytes" if not head else "only blanks")
    if head.startswith(_ZIP):
        return "xlsx"
    if head.startswith(_OLE):
        return "xls"
    if re.match(rb"\s*(<!doctype html|<html|<table|<\?xml)", head, re.IGNORECASE):
        raise UnusableFileError("not_a_table", came="HTML / XML")
    has_bom = any(head.startswith(bom) for bom, _ in _BOMS)
    if b"\x00" in head and not has_bom:
        raise UnusableFileError("not_a_table", came=f"binary, {head[:4].hex(' ')} …")
    return "text"


def decide_encoding(path: Path, declared: str) -> str:
    """The encoding in which the whole text decodes strictly.

    `auto` takes a byte-order mark at its word, then tries UTF-8, then GB18030 (of which GBK and
    GB 2312 are parts). A text that was Chinese in UTF-8 up to a bad byte is damaged, not GB18030.

    Raises
    ------
    UnusableFileError : not the declared encoding, or none of those tried.
    """
    if declared.lower() != "auto":
        try:
            codecs.lookup(declared)
        except LookupError as exc:
            raise UnusableFileError("encoding_unknown", came=declared) from exc
        name = "utf-8-sig" if declared.lower().replace("_", "-") in {"utf-8", "utf8"} else declared
        at = _first_bad_byte(path, name)
        if at is None:
            return name
        seems = next((e for e in ("utf-8", "gb18030") if _first_bad_byte(path, e) is None), "?")
        raise UnusableFileError(
            "encoding_mismatch", came=_position(path, at), declared=declared, seems=seems
        )
    head = next(_chunks(path), b"")[:4]
    for bom, name in _BOMS:
        if head.startswith(bom):
            at = _first_bad_byte(path, name)
            if at is not None:
                raise UnusableFileError("encoding_damaged", came=_position(path, at))
            return name
    at = _first_bad_byte(path, "utf-8")
    if at is None:
        return "utf-8"
    if _chinese_before(path, at) >= _UTF8_SURE:
        raise UnusableFileError("encoding_damaged", came=_position(path, at))
    if _first_bad_byte(path, "gb18030") is None:
        return "gb18030"
    raise UnusableFileError("encoding_unknown", came=_position(path, at))


def _first_bad_byte(path: Path, encoding: str) -> int | None:
    """Position of the first byte that does not decode, counted from 0; None if all do."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    offset = pending = 0
    try:
        for chunk in _chunks(path):
            decoder.decode(chunk)
            offset += len(chunk)
            pending = len(decoder.getstate()[0])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        # The decoder counts from what it had kept back of the chunk before.
        return offset - pending + error.start
    except UnicodeError:  # UTF-16 without a byte-order mark, from within the codec
        return offset
    return None


def _chinese_before(path: Path, position: int) -> int:
    with path.open("rb") as file:
        return len(_UTF8_HAN.findall(file.read(min(position, _CHUNK))))


def _position(path: Path, position: int) -> str:
    """A byte position as a person can look it up: the byte, and the line it is in."""
    with path.open("rb") as file:
        before = file.read(position)
        bad = file.read(1)
    return f"byte {position + 1} (0x{bad.hex() or '--'}), line {before.count(10) + 1}"


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except FileNotFoundError as exc:
        raise UnusableFileError("missing_file", came=_nearby(path)) from exc
    except OSError as exc:
        raise UnusableFileError("unreadable_file", came=exc.strerror) from exc


def _nearby(path: Path) -> str | None:
    """What lies in the folder instead, nearest name first."""
    if not path.parent.is_dir():
        return None
    names = [p.name for p in path.parent.iterdir() if p.is_file()]
    close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.6)
    return close[0] if close else None


def text_records(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """Records one by one; a record that goes over lines is no longer than a line may be."""
    size = number = 0

    def counted() -> Iterator[str]:
        nonlocal size
        for line in lines:
            size += len(line)
            if size > 2 * limits.MAX_LINE_BYTES:
                raise UnusableFileError("unclosed_quote", row=number + 1)
            yield line

    records = csv.reader(counted(), delimiter=delimiter)
    try:
        for record in records:
            size, number = 0, number + 1
            yield record
    except csv.Error as exc:  # a cell longer than any: its quote was never closed
        raise UnusableFileError("unclosed_quote", row=number + 1) from exc


def require_closed_quotes(path: Path, encoding: str, delimiter: str) -> None:
    """Refuse a text in which a stray quotation mark makes one cell of several rows.

    The cell would end at the next stray mark, and its row with another row's figures.

    Raises
    ------
    UnusableFileError : a cell over several lines is closed in the middle of a text.
    """
    if not any(b'"' in chunk for chunk in _chunks(path)):
        return
    with path.open("rb") as raw:
        if not any(line.count(b'"') % 2 for line in raw):
            return  # no cell goes beyond its line
    with path.open(encoding=encoding, newline="") as file:
        records = csv.reader(file, delimiter=delimiter, strict=True)
        before = 0
        while True:
            try:
                if next(records, None) is None:
                    return
            except csv.Error as exc:
                if "expected after" in str(exc) and records.line_num > before + 1:
                    raise UnusableFileError("unclosed_quote", row=before + 1) from exc
            before = records.line_num
