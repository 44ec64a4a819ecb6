"""A whole file before the gate: every sheet, layer and hidden part, its name and its titles.

A name list on a hidden sheet, an identity number in a comment, the rows a pivot table remembers:
each refuses the file. Nothing is written, unpacked to a disk, or remembered.
"""

from __future__ import annotations

import html
import itertools
import re
import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from etl.captions import caption, caption_rows
from etl.findings import UnusableFileError
from etl.gate import PersonalColumn, Tally, at_part, personal_names, personal_tallies
from etl.headings import is_name
from etl.persons import Texts, has_identity_number, redact, signs
from etl.sources import limits
from etl.sources.archives import Archive
from etl.sources.files import decide_encoding, table_format, text_records
from etl.sources.headers import Header
from etl.sources.layers import check_names, is_extract
from etl.sources.tabular import OVERFLOW, longest_line, read_regular
from etl.sources.workbook import open_book

# What is called so in a message, in both languages at once.
FILE_NAME: Final = "文件名 file name"
SHEET_NAMES: Final = "工作表名 sheet names"
TITLES: Final = "表头以上 above the header"
_HIDDEN: Final = "隐藏内容 hidden content"

_MAPS = frozenset({".geojson", ".json", ".geojsonl", ".topojson", ".gpkg", ".shp", ".kml", ".kmz"})
# Numbers of OpenStreetMap's own, and the tags of shops and the like: none of them is taken.
_OSM_KEYS = frozenset({"osm_id", "osm_way_id", "other_tags"})
_TEXT_MAPS = frozenset({".geojson", ".json", ".geojsonl", ".topojson", ".kml"})
_DELIMITERS = (",", "\t", ";", "|")
# Where a header is looked for, as when the file is read.
_HEAD = 30
# Lines from which the delimiter is told.
_SAMPLE = 200
_ROWS_AT_A_TIME = 50_000
_CHUNK = 4 << 20
_OVERLAP = 64
# Comments, remembered pivot rows and the like; larger than this is no remark.
_MOST_PART_BYTES = 256 << 20
_NUMBER = re.compile(rb"(?<![0-9.])[1-9][0-9]{5}(?:19|20)[0-9]{9}[0-9Xx](?![0-9])")
_WIDE_NUMBER = re.compile(rb"(?:[0-9]\x00){17}[0-9Xx]\x00")
_CELLS = re.compile(r"xl/(worksheets/sheet[^/]*\.xml|sharedStrings\.xml|styles\.xml|theme/.*)")


@dataclass(frozen=True)
class _Look:
    """How a file is looked at."""

    facilities: bool
    known: frozenset[str]
    places: frozenset[str]
    code_columns: Collection[str]

    def columns(self, tallies: Sequence[Tally], *, n_rows: int) -> tuple[PersonalColumn, ...]:
        """Personal columns among these."""
        return personal_tallies(
            tallies,
            n_rows=n_rows,
            facilities=self.facilities,
            code_columns=[*self.code_columns, *_code_columns(tallies)],
            known=self.known,
            places=self.places,
        )


def inspect_path(
    path: Path,
    *,
    facilities: bool = False,
    known: frozenset[str] = frozenset(),
    places: frozenset[str] = frozenset(),
    code_columns: Collection[str] = (),
    encoding: str = "auto",
) -> tuple[PersonalColumn, ...]:
    """Everything in a file that is about persons; empty if it may pass.

    Parameters
    ----------
    path : a text table, workbook, map file, or an archive with one.
    facilities : whether its rows are institutions, whose telephones are no one's own.
    known : what the locality's own area codes begin with (`etl.gate.code_beginnings`).
    places : names of the locality's own areas.
    code_columns : mapped area codes, beside the columns that say they hold codes.
    encoding : of a text; "auto" decides strictly.

    Raises
    ------
    UnusableFileError : the file cannot be read, so that nobody can say what is in it.

    Notes
    -----
    Reads the file once and holds its distinct texts. Pictures in a workbook are not looked at.
    """
    look = _Look(facilities, known, places, code_columns)
    found = list(_names([path.name], FILE_NAME))
    suffix = path.suffix.lower()
    if suffix in _MAPS:
        found += _map(path, look, encoding)
    elif suffix == ".zip":
        found += _archive(path, look)
    elif is_extract(path):
        limits.check_size(path, limits.MAX_VECTOR_BYTES)
        found += _layers(path, look)
    else:
        kind = table_format(path)
        found += _text(path, look, encoding) if kind == "text" else _book(path, look, kind=kind)
    return tuple(dict.fromkeys(found))


def safe_name(name: str) -> str:
    """A file's or sheet's name as a message may show it.

    Examples
    --------
    >>> safe_name("110105 19491231 002X.xlsx")
    '●●●●●●●●●●●●●●●●●●.xlsx'
    """
    return redact(name)


# ------------------------------------------------------------------ tables


def _text(path: Path, look: _Look, encoding: str) -> Iterator[PersonalColumn]:
    limits.check_size(path, limits.MAX_TEXT_BYTES)
    longest = longest_line(path)
    decided = decide_encoding(path, encoding)
    with path.open(encoding=decided, newline="") as file:
        sample = "".join(itertools.islice(file, _SAMPLE))
    delimiter = max(_DELIMITERS, key=lambda mark: _steadiness(sample, mark))
    with path.open(encoding=decided, newline="") as file:
        records = text_records(file, delimiter)
        head = list(itertools.islice(records, _HEAD + 3))
        body = _regular_body(path, decided, delimiter, head, longest=longest)
        if body is None:  # rows of uneven length
            yield from _grid(itertools.chain(head, records), look, part=None)
        else:
            yield from _judged(head, body, look)


def _regular_body(
    path: Path, encoding: str, delimiter: str, head: Sequence[Sequence[str]], *, longest: int
) -> pd.DataFrame | None:
    """Everything under the header as categories, by the fast parser; None if it is uneven."""
    start, stop = caption_rows(head[:_HEAD])
    width = max(map(len, head), default=0)
    if not width or len(head) <= stop:
        return None
    names = tuple(f"#{i + 1}" for i in range(width))
    header = Header(start, stop, names, {})
    at_a_time = max(1, min(_ROWS_AT_A_TIME, limits.CHUNK_BYTES // max(1, longest)))
    try:
        return read_regular(path, encoding, delimiter, header, chunk_rows=at_a_time)
    except UnusableFileError:
        return None


def _judged(
    head: Sequence[Sequence[str]], body: pd.DataFrame, look: _Look
) -> Iterator[PersonalColumn]:
    """Titles and columns of a regular table."""
    start, stop = caption_rows(head[:_HEAD])
    yield from _titles(head[:start], look)
    names = [*(caption(head[start:stop], i) for i in range(body.shape[1] - 1)), OVERFLOW]
    tallies = [Tally.of(name, body[column]) for name, column in zip(names, body, strict=True)]
    yield from look.columns(tallies, n_rows=len(body))


def _steadiness(sample: str, delimiter: str) -> tuple[int, int]:
    """In how many lines a delimiter stands as often as it mostly does, and how often."""
    counts = Counter(line.count(delimiter) for line in sample.splitlines() if line.strip())
    counts.pop(0, None)
    if not counts:
        return 0, 0
    often, lines = counts.most_common(1)[0]
    return lines, often


def _grid(rows: Iterable[list[str]], look: _Look, *, part: str | None) -> list[PersonalColumn]:
    """Judge a table of text: what stands above its header, and each column under it."""
    source = iter(rows)
    head = list(itertools.islice(source, _HEAD + 3))
    start, stop = caption_rows(head[:_HEAD])
    width = min(max(map(len, head), default=0), limits.MAX_COLUMNS)
    found = list(_titles(head[:start], look))
    names = [caption(head[start:stop], i) for i in range(width)]
    counters: list[Counter[str]] = [Counter() for _ in range(width)]
    n_rows = 0
    rest = itertools.chain(head[stop:], source)
    while chunk := list(itertools.islice(rest, _ROWS_AT_A_TIME)):
        n_rows += len(chunk)
        columns = itertools.islice(itertools.zip_longest(*chunk, fillvalue=""), limits.MAX_COLUMNS)
        for i, column in enumerate(columns):
            if i == len(counters):
                counters.append(Counter())
                names.append(f"#{i + 1}")
            counters[i].update(column)
    tallies = [_tally(name, counts) for name, counts in zip(names, counters, strict=True)]
    found += look.columns(tallies, n_rows=n_rows)
    return list(at_part(found, part))


def _titles(rows: Sequence[Sequence[str]], look: _Look) -> Iterator[PersonalColumn]:
    """What stands above a header."""
    above = [text for row in rows for text in row if text.strip()]
    if above:
        yield from look.columns([_tally(TITLES, Counter(above))], n_rows=len(above))


def _tally(header: str, counts: Counter[str]) -> Tally:
    numbers = np.fromiter(counts.values(), dtype=np.int64, count=len(counts))
    return Tally(header, list(counts), numbers)


def _code_columns(tallies: Sequence[Tally]) -> list[str]:
    """Columns that say they hold codes: digits there are codes when they begin like one."""
    said = re.compile(r"代[码碼]|[编編][码碼]|区划|code|area", re.IGNORECASE)
    return [tally.header for tally in tallies if said.search(tally.header)]


def _names(names: Sequence[str], what: str) -> Iterator[PersonalColumn]:
    """Names of files or sheets that are persons' or hold their numbers."""
    every = signs(Texts.of(list(names)))
    for sign in ("identity_number", "old_identity_number", "mobile_number", "permit_number"):
        if sign in every:
            yield PersonalColumn(what, sign, len(every[sign]))
            return
    if (named := personal_names(names)) is not None:
        yield PersonalColumn(what, "name_list", len(named))


# ------------------------------------------------------------------ workbooks


def _book(path: Path, look: _Look, *, kind: str) -> Iterator[PersonalColumn]:
    book = open_book(path, xls=kind == "xls", sheet=None)
    yield from _names(book.names, SHEET_NAMES)
    for i, sheet in enumerate(book.sheets):
        part = None if len(book.names) == 1 else _part_name(sheet.name, i)
        yield from _grid(sheet.rows, look, part=part)
    if kind == "xls":
        yield from _raw(path, None)
        return
    with Archive(path, damaged="unreadable_workbook", most=limits.MAX_UNPACKED_BYTES) as archive:
        for name in archive.names:
            if name.endswith((".xml", ".vml")) and not _CELLS.fullmatch(name):
                yield from _xml(_unpacked(archive, name), look, part=name)
            elif name.endswith(".bin"):
                yield from _bytes(_unpacked(archive, name), name)


def _unpacked(archive: Archive, name: str, *, most: int | None = _MOST_PART_BYTES) -> bytes:
    try:
        return archive.read(name, most=most)
    except (KeyError, OSError, ValueError) as exc:  # an entry that lies nowhere
        raise archive.broken(type(exc).__name__) from exc


def _part_name(name: str, i: int) -> str:
    """A sheet or layer as a message may show it: by its place if it may be a person's name."""
    words = re.split(r"[\s_\-:：()（）]+", name)
    telling = redact(name) != name or any(map(is_name, words))
    return f"#{i + 1}" if telling else name


def _xml(content: bytes, look: _Look, *, part: str) -> list[PersonalColumn]:
    """Comments, text boxes, remembered pivot columns: each text between or within tags."""
    text = content.decode("utf-8", "replace")
    found: list[PersonalColumn] = []
    for field in re.split(r"(?=<(?:\w+:)?cacheField )", text):
        pieces = [*re.findall(r">([^<]+)<", field), *re.findall(r'\bv="([^"]*)"', field)]
        texts = Counter(html.unescape(piece) for piece in pieces if piece.strip())
        name = re.match(r'<(?:\w+:)?cacheField [^>]*?name="([^"]*)"', field)
        header = html.unescape(name.group(1)) if name else _HIDDEN
        if texts or name:
            found += look.columns([_tally(header, texts)], n_rows=texts.total())
    return list(at_part(found, part))


# ------------------------------------------------------------------ maps and other containers


def _map(path: Path, look: _Look, encoding: str) -> Iterator[PersonalColumn]:
    limits.check_size(path, limits.MAX_VECTOR_BYTES)
    suffix = path.suffix.lower()
    given: Path | bytes | str = path
    if suffix in _TEXT_MAPS:
        decided = decide_encoding(path, encoding)
        content = path.read_bytes()
        if content and suffix != ".kml":
            check_names(path)
        yield from _bytes(content, None)
        if decided not in {"utf-8", "utf-8-sig"}:
            given = content.decode(decided).encode("utf-8")
    else:
        if suffix == ".shp":
            parts = sorted(p for p in path.parent.glob(f"{path.stem}.*") if p != path)
            for beside in parts:
                yield from _raw(beside, beside.suffix)
        yield from _raw(path, None)
    if suffix == ".kmz":
        given = f"/vsizip/{path}"
    yield from _layers(given, look)


def _archive(path: Path, look: _Look) -> Iterator[PersonalColumn]:
    with Archive(
        path, damaged="unreadable_vector", most=limits.MAX_VECTOR_UNPACKED_BYTES
    ) as archive:
        yield from _names(archive.names, FILE_NAME)
        for i, name in enumerate(archive.names):
            yield from _bytes(_unpacked(archive, name, most=None), _part_name(Path(name).name, i))
    yield from _layers(f"/vsizip/{path}", look)


def _layers(given: Path | bytes | str, look: _Look) -> Iterator[PersonalColumn]:
    try:
        with warnings.catch_warnings():
            # What GDAL remarks on rings and fields is checked when features are read.
            warnings.simplefilter("ignore", RuntimeWarning)
            warnings.simplefilter("ignore", UserWarning)
            layers = [str(name) for name, _ in pyogrio.list_layers(given)]
            for i, layer in enumerate(layers):
                frame = pyogrio.read_dataframe(given, layer=layer, read_geometry=False)
                shown = [name for name in frame.columns if name not in _OSM_KEYS]
                tallies = [_attribute(str(name), frame[name]) for name in shown]
                found = look.columns(tallies, n_rows=len(frame))
                yield from at_part(found, None if len(layers) == 1 else _part_name(layer, i))
    except (DataSourceError, DataLayerError, FeatureError, ValueError):
        return  # whoever reads the features says why that is not possible


def _attribute(name: str, column: pd.Series) -> Tally:
    pairs = zip(column.tolist(), column.isna().tolist(), strict=True)
    return _tally(name, Counter("" if missing is True else str(value) for value, missing in pairs))


def _raw(path: Path, part: str | None) -> Iterator[PersonalColumn]:
    """Identity numbers anywhere in a file's bytes, deleted records included."""
    n = 0
    with path.open("rb") as file:
        rest = b""
        while chunk := file.read(_CHUNK):
            n += _numbers(rest + chunk)
            rest = chunk[-_OVERLAP:]
    if n:
        yield PersonalColumn(_HIDDEN, "identity_number", n, part)


def _bytes(content: bytes, part: str | None) -> Iterator[PersonalColumn]:
    if n := _numbers(content):
        yield PersonalColumn(_HIDDEN, "identity_number", n, part)


def _numbers(content: bytes) -> int:
    """How many identity numbers stand in bytes, one or two bytes a character."""
    single = [match.group().decode("ascii") for match in _NUMBER.finditer(content)]
    wide = [m.group().decode("utf-16-le") for m in _WIDE_NUMBER.finditer(content)]
    return sum(map(has_identity_number, [*single, *wide]))
