"""What a file says, read slowly by other means: every accepted figure must stand there.

Nothing of the product is used here but the row numbers that it gives. Where the bytes are too
damaged for the other readers, the table as it was written is the measure.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
import warnings
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import islice
from pathlib import Path
from sqlite3 import Error as SqliteError
from sqlite3 import connect
from typing import Any

import openpyxl
import python_calamine

from tests.fuzz.forms import Case
from tests.support.locality import NAMES

Rows = dict[int, list[Any]]
_NUMBER = re.compile(
    r"[+-]?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,3}(?: [0-9]{3})+)"
    r"(?:\.[0-9]*)?(?:e[+-]?[0-9]{1,3})?",
    re.IGNORECASE,
)
_MERGED = re.compile(rb'<mergeCell ref="([A-Z])([0-9]+):[A-Z]+([0-9]+)"')
_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 (Excel knows no time zones)
_WIDE = {0x3000: " "} | {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}


# What these leave is as whole as before, and says something else.
_REWRITTEN = {
    "edit_xml",
    "contradict_xml",
    "damage_member",
    "rename_member",
    "double_member",
    "drop_member",
}


# ------------------------------------------------------------------ what stands there


def tables_of(case: Case, path: Path, encoding: str | None, sheet: str | None) -> list[Rows]:
    """The file's cells by row and column, in every way in which they may be meant."""
    if case.name.endswith(".csv"):
        found = list(_texts(case.content, encoding))
    else:
        found = list(_sheets(path, case.content, sheet))
    if not found and case.grid is not None and not {*case.done} & _REWRITTEN:
        found = [dict(enumerate(([_shown(c) for c in row] for row in case.grid), start=1))]
    return found


def _texts(raw: bytes, encoding: str | None) -> Iterator[Rows]:
    try:
        text = raw.decode(encoding or "utf-8")
    except (UnicodeDecodeError, LookupError):
        return
    csv.field_size_limit(1 << 30)
    for delimiter in ",\t;|":
        try:
            records = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        except csv.Error:
            continue
        yield dict(enumerate(records, start=1))


def _sheets(path: Path, content: bytes, sheet: str | None) -> Iterator[Rows]:
    """By openpyxl, else by calamine for the old kind, whose reader here is another."""
    if path.suffix == ".xls":
        try:
            book = python_calamine.CalamineWorkbook.from_path(str(path))
            rows = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
        except BaseException as exc:
            if isinstance(exc, KeyboardInterrupt):
                raise
            return
        yield {n: [_shown(cell) for cell in row] for n, row in enumerate(rows, start=1)}
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = openpyxl.load_workbook(_unmerged(content), data_only=True)
        pages = [p for p in loaded.worksheets if sheet is None or p.title == sheet]
    except Exception:  # noqa: BLE001 (whatever it raises on a damaged file)
        return
    for page in pages or loaded.worksheets:
        if page.max_row * page.max_column > 400_000:
            return
        yield {
            n: [_shown(cell) for cell in row]
            for n, row in enumerate(page.iter_rows(values_only=True), start=1)
        }


def contradicts(content: bytes) -> bool:
    """Whether a sheet's rows and cells do not stand where they say, or a cell has two values."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            sheets = [n for n in archive.namelist() if re.search(r"worksheets/[^/]*\.xml$", n)]
            roots = [ET.fromstring(archive.read(name)) for name in sheets]
    except Exception:  # noqa: BLE001 (not read by this reader: nothing is known)
        return False
    for root in roots:
        row_before = 0
        for row in (e for data in root if _tag(data) == "sheetData" for e in data):
            n = int(row.get("r", row_before + 1))
            column_before, wrong = 0, n <= row_before
            for cell in row:
                place = re.fullmatch(r"([A-Z]+)([0-9]+)", cell.get("r", ""))
                column = sum(
                    26**i * (ord(c) - 64) for i, c in enumerate(reversed(place[1] if place else ""))
                )
                column = column or column_before + 1
                wrong |= column <= column_before or (place is not None and int(place[2]) != n)
                wrong |= sum(_tag(e) in {"v", "is"} for e in cell) > 1
                column_before = column
            if wrong:
                return True
            row_before = n
    return False


def _unmerged(content: bytes) -> io.BytesIO:
    """Without merged regions, under which openpyxl drops what stands there."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, re.sub(rb"(?s)<mergeCells.*?</mergeCells>", b"", old.read(name)))
    return out


def merged_down(content: bytes, rows: Rows) -> Rows:
    """The rows with merged cells filled down, for keys."""
    filled = {n: list(row) for n, row in rows.items()}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            sheets = [n for n in archive.namelist() if "worksheets/sheet" in n]
            text = b"".join(map(archive.read, sheets))
    except Exception:  # noqa: BLE001 (as above)
        return filled
    for left, top, bottom in _MERGED.findall(text)[:100]:
        at, first = ord(left) - 65, int(top)
        for n in range(first, min(int(bottom), max(rows, default=0)) + 1):
            if n in filled and first in rows and at < len(rows[first]):
                filled[n] += [""] * (at + 1 - len(filled[n]))
                filled[n][at] = rows[first][at]
    return filled


class _Day(str):
    """A date as text, which for Excel is the number of a day."""

    __slots__ = ("serial",)


def _shown(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        whole = cell.time() == datetime.min.time()
        day = _Day(cell.date().isoformat() if whole else cell.isoformat())
        day.serial = (cell - _ZERO) / timedelta(days=1)
        day.serial -= day.serial < 61  # the leap day of 1900 that never was
        return day
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell)


# ------------------------------------------------------------------ what a cell may mean


@lru_cache(maxsize=1 << 16)
def plain(text: object) -> str:
    """Half-width, without blanks; nothing else is folded: ① is not 1."""
    return re.sub(r"\s+", "", str(text).translate(_WIDE)).casefold()


def _folded(text: object) -> str:
    return plain(unicodedata.normalize("NFKC", str(text)))


def number(text: object) -> float | None:
    """The number that a cell holds, if it is one for everybody."""
    if isinstance(text, _Day):
        return float(text.serial)
    written = str(text).translate(_WIDE).strip().replace("\u00a0", " ")
    written = "".join(
        str(unicodedata.decimal(c))
        if c.isdigit() and unicodedata.decimal(c, None) is not None
        else c
        for c in written
    )
    if not _NUMBER.fullmatch(written):
        return None
    try:
        return float(Decimal(written.replace(",", "").replace(" ", "")))
    except (InvalidOperation, OverflowError):
        return None


def weeks(text: object) -> set[str]:
    """All ISO weeks that a cell may mean."""
    written = plain(text).lower()
    written = "".join(str(unicodedata.decimal(c, c)) for c in written)
    days: list[date] = []
    if match := re.fullmatch(r"(\d{4})[-年]?[w第]?(\d{1,2})周?", written):
        days += _made(date.fromisocalendar, int(match[1]), int(match[2]), 1)
    if match := re.match(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})", written):
        days += _made(date, *map(int, match.groups()))
    if match := re.fullmatch(r"(\d{4})(\d{2})(\d{2})", written):
        days += _made(date, *map(int, match.groups()))
    if re.fullmatch(r"\d{5}(\.\d*)?", written):
        days.append(date(1899, 12, 30) + timedelta(days=int(float(written))))
    return {"{:04d}-W{:02d}".format(*day.isocalendar()[:2]) for day in days}


def _made(make: Any, *parts: int) -> list[date]:
    try:
        return [make(*parts)]
    except ValueError:
        return []


def is_code(text: object, code: str) -> bool:
    return re.sub(r"\.0+$", "", plain(text)) == code


def is_area(text: object, code: str) -> bool:
    """Whether a column is headed by an area: its code, or its name in any spelling."""
    return is_code(str(text).rpartition("/")[2], code) or NAMES[code][:2] in plain(text).replace(
        "灣", "湾"
    )


# ------------------------------------------------------------------ tables


_HEAD = 60


class Read:
    """A table read, with merged keys filled down, and where its columns are named."""

    def __init__(self, rows: Rows, keys: Rows) -> None:
        self.rows, self.keys = rows, keys
        self.named: dict[str, list[tuple[int, int]]] = {}
        self._areas: dict[str, list[tuple[int, int]]] = {}
        filled = (n for n, row in rows.items() if any(str(cell).strip() for cell in row))
        for n in islice(filled, _HEAD):
            for at, text in enumerate(rows[n]):
                for name in {plain(text), plain(str(text).rpartition("/")[2])}:
                    self.named.setdefault(name, []).append((n, at))

    def columns(self, name: str, before: int) -> list[int]:
        """Columns that a row above calls so."""
        return sorted({at for n, at in self.named.get(plain(name), ()) if n < before})

    def areas(self, code: str, before: int) -> list[int]:
        """Columns that a row above heads with an area."""
        if code not in self._areas:
            self._areas[code] = [
                place
                for name, places in self.named.items()
                if is_area(name, code)
                for place in places
            ]
        return sorted({at for n, at in self._areas[code] if n < before})


def cells(row: Sequence[Any], columns: Iterable[int]) -> list[Any]:
    return [row[at] for at in columns if at < len(row)]


def stands_count(read: Read, source: dict[str, Any], figure: Any) -> bool:
    """Whether an accepted count stands in its row, under its header, beside its week and area."""
    n, count = int(figure.source_row), float(figure.count)
    row, key = read.rows.get(n), read.keys.get(n)
    if row is None or key is None:
        return False
    columns = source["columns"]
    if not any(figure.week in weeks(t) for t in cells(key, read.columns(columns["week"], n))):
        return False
    if source.get("shape") == "wide":
        headed = read.areas(figure.area_code, n)
        return any(number(text) == count for text in cells(row, headed))
    if not any(is_code(t, figure.area_code) for t in cells(key, read.columns(columns["area"], n))):
        return False
    if "measure" in columns:
        named = {name for name, code in source["measures"].items() if code == figure.measure}
        named |= {figure.measure}
        if not named & {plain(t) for t in cells(key, read.columns(columns["measure"], n))}:
            return False
    name = columns.get("counts", {}).get(figure.measure, columns.get("count"))
    return any(number(text) == count for text in cells(row, read.columns(name, n)))


def stands_persons(read: Read, source: dict[str, Any], figure: Any) -> bool:
    n, columns = int(figure.source_row), source["columns"]
    row, key = read.rows.get(n), read.keys.get(n)
    if row is None or key is None:
        return False
    if not any(is_code(t, figure.area_code) for t in cells(key, read.columns(columns["code"], n))):
        return False
    name = columns["groups"][figure.group]
    return any(number(t) == figure.persons for t in cells(row, read.columns(name, n)))


def stands_site(read: Read, source: dict[str, Any], site: Any) -> bool:
    n, columns = int(site.source_row), source["columns"]
    row = read.rows.get(n)
    if row is None:
        return False
    # A name's digits and letters may be written in any form: ³ is 3 in a name.
    names = {_folded(text) for text in cells(row, read.columns(columns["name"], n))}
    good = _folded(site.name) in names
    for axis, said in (("lon", site.x_original), ("lat", site.y_original)):
        if good and site.quality == "exact" and columns.get(axis):
            values = [
                number(str(t).rstrip("°")) for t in cells(row, read.columns(columns[axis], n))
            ]
            good = any(value is not None and abs(value - said) < 1e-7 for value in values)
    return good


def clean_rows(rows: Rows, source: dict[str, Any]) -> set[int]:
    """Rows of a long table that nothing speaks against: plain cells, a key of their own."""
    columns = source["columns"]
    if source.get("week", "iso") != "iso":
        return set()  # a week is no Monday
    names = [
        columns["week"],
        columns["area"],
        *(columns.get("counts", {}).values() or [columns["count"]]),
    ]
    read = Read(rows, rows)
    places = [read.columns(name, 1 << 30) for name in names]
    whole = {plain(name) for name in names}
    header = next((n for n, row in rows.items() if whole <= {plain(text) for text in row}), 0)
    if not header or any(len(place) != 1 for place in places) or "measure" in columns:
        return set()
    width, at = len(rows[header]), [place[0] for place in places]
    by_key: dict[tuple[str, str], list[int]] = {}
    for n, row in rows.items():
        if len(row) > max(at):
            for week in weeks(row[at[0]]) or {""}:
                by_key.setdefault(
                    (week, re.sub(r"\.0+$", "", unicodedata.normalize("NFKC", plain(row[at[1]])))),
                    [],
                ).append(n)
    return {
        n
        for (week, code), found in by_key.items()
        if len(found) == 1 and code in NAMES
        for n in found
        if n > header and len(rows[n]) <= width and rows[n][at[1]] == code
        and re.fullmatch(r"2026-W(39|4[0-6])", str(rows[n][at[0]]))
        and all(re.fullmatch(r"[0-9]{1,4}", str(rows[n][i])) for i in at[2:])
    }  # fmt: skip


def persons_in(rows: Rows, canaries: Iterable[str]) -> int:
    """In how many cells a person's number stands whole, as it was planted."""
    planted = {*canaries}
    return sum(plain(cell) in planted for row in rows.values() for cell in row)


# ------------------------------------------------------------------ maps


def records_of(case: Case, path: Path) -> list[dict[str, Any]] | None:
    """Attributes of a map file's features; None where this reader knows no better."""
    kind = path.suffix
    try:
        if kind == ".geojson":
            text = json.loads(case.content.decode("utf-8-sig"))
            about = [f.get("properties") for f in text["features"]]
            found = [one if isinstance(one, dict) else {} for one in about]
        elif kind == ".gpkg":
            with closing(connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as db:
                table = db.execute("SELECT table_name FROM gpkg_contents").fetchone()[0]
                cursor = db.execute(f'SELECT * FROM "{table}"')
                names = [column[0] for column in cursor.description]
                found = [dict(zip(names, row, strict=True)) for row in cursor]
        elif kind == ".kml":
            found = [
                {
                    d.get("name", ""): (d[0].text or "")
                    for d in mark.iter()
                    if _tag(d) == "Data" and len(d)
                }
                for mark in ET.fromstring(case.content).iter()
                if _tag(mark) == "Placemark"
            ]
        elif kind == ".shp":
            found = _dbf(case.beside[".dbf"])
        else:
            return None
    except (
        ValueError,
        KeyError,
        LookupError,
        SqliteError,
        ET.ParseError,
        AttributeError,
        TypeError,
        RecursionError,
    ):
        return None
    return found


def _tag(element: ET.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _dbf(raw: bytes) -> list[dict[str, Any]]:
    """Records of a dBase table, fields by their widths."""
    count, start, width = (
        int.from_bytes(raw[a:b], "little") for a, b in ((4, 8), (8, 10), (10, 12))
    )
    fields, at, offset = [], 32, 1
    while at + 32 <= start and raw[at : at + 1] != b"\r":
        name = raw[at : at + 11].split(b"\0")[0].decode("latin-1")
        fields.append((name, offset, raw[at + 16]))
        offset, at = offset + raw[at + 16], at + 32
    records = []
    for i in range(min(count, 10_000)):
        row = raw[start + i * width : start + (i + 1) * width]
        records.append(
            {
                n: row[o : o + w].split(b"\0")[0].decode("utf-8", "replace").strip()
                for n, o, w in fields
            }
        )
    return records


def stands_in_records(records: list[dict[str, Any]], source: dict[str, Any], figure: Any) -> bool:
    """Whether the records of this area hold so many persons; parts of one area add up."""
    name, code = source["population"][figure.group], source["columns"]["code"]
    parts = [
        number(_shown(record.get(name)))
        for record in records
        if is_code(_shown(record.get(code)), figure.area_code)
    ]
    return bool(parts) and sum(part or 0.0 for part in parts) == figure.persons
