"""Layers of map files, read by GDAL one by one once their bytes are known to be what they say.

What a file is shows in its first bytes and not in its name: GDAL would follow a file of another
kind to wherever it points. Archives are unpacked in memory and never on the disk.
"""

from __future__ import annotations

import io
import mmap
import re
import sqlite3
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import geopandas as gpd
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from etl.findings import UnusableFileError
from etl.sources import limits, osm
from etl.sources.archives import Archive
from etl.sources.files import decide_encoding, fingerprint
from etl.sources.kml import read_kml
from etl.sources.settings import SourceBase

MapFormat = Literal["geojson", "gpkg", "shp", "zip", "kml", "pbf"]
_JSON_NAME = re.compile(rb'"((?:[^"\\]++|\\.)*+)"\s*+:', re.DOTALL)
_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
# Names of code pages in .cpg files that Python calls otherwise.
_CODE_PAGES = {"936": "gb18030", "gbk": "gb18030", "gb2312": "gb18030", "65001": "utf-8"}


@dataclass(frozen=True)
class Layer:
    """A layer that can be read: its name, its attributes' names, and how."""

    name: str
    columns: list[str]
    read: Callable[[], gpd.GeoDataFrame]
    encoding: str | None = None


def map_format(path: Path) -> MapFormat | None:
    """What map file a file is by its content; None if it is none.

    Raises
    ------
    UnusableFileError : missing, unreadable or empty.
    """
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except FileNotFoundError:
        fingerprint(path)  # says what lies there instead
        raise
    except OSError as exc:
        raise UnusableFileError("unreadable_file", came=exc.strerror) from exc
    text = head.replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe\x1e \t\r\n")
    if not text:
        raise UnusableFileError("empty_file", came=f"{len(head)} bytes")
    if head.startswith(b"SQLite format 3\x00"):
        return "gpkg"
    if head.startswith(b"\x00\x00\x27\x0a"):
        return "shp"
    if head.startswith(b"PK\x03\x04"):
        names = _names_in(path)
        return "zip" if any(name.lower().endswith((".shp", ".kml")) for name in names) else None
    if _begins_extract(head):
        return "pbf"
    if text.startswith(b"{"):
        return "geojson"
    return "kml" if text.startswith(b"<") and b"<kml" in text else None


def is_extract(path: Path) -> bool:
    """Whether a file is an OpenStreetMap extract; what cannot be read is none."""
    try:
        with path.open("rb") as file:
            return _begins_extract(file.read(64))
    except OSError:
        return False


def _begins_extract(head: bytes) -> bool:
    return head[4:6] == b"\x0a\x09" and b"OSMHeader" in head[:64]


def read_layers(path: Path, source: SourceBase) -> list[Layer]:
    kind = map_format(path)
    if kind == "geojson":
        return _geojson(path, source)
    if kind == "gpkg":
        _check_geopackage(path)
        return _gdal(path, None)
    if kind == "shp":
        parts = {part.suffix.lower(): part for part in path.parent.glob(f"{path.stem}.*")}
        small = {s: p.read_bytes() for s, p in parts.items() if s in _PARTS and s != ".shp"}
        _check_shapefile(small, path.stat().st_size)
        return _gdal(path, _dbf_encoding(small, source))
    if kind == "kml":
        limits.check_size(path, limits.MAX_KML_BYTES)
        encoding = decide_encoding(path, source.encoding)
        return _kml(path.read_bytes().decode(encoding), source, encoding)
    if kind == "zip":
        return list(_zipped(path, source))
    if kind == "pbf":
        return [_osm(path, source)]
    raise UnusableFileError("unreadable_vector", came=path.suffix or None)


def _osm(path: Path, source: SourceBase) -> Layer:
    """Roads or water of an OpenStreetMap extract."""
    layer, where = osm.taken(source)
    with _Damage(path):
        about = pyogrio.read_info(path, layer=layer)

    def read() -> gpd.GeoDataFrame:
        with _Damage(path):
            frame = pyogrio.read_dataframe(
                path, layer=layer, where=where, max_features=limits.MAX_FEATURES + 1
            )
        if len(frame) > limits.MAX_FEATURES:
            raise UnusableFileError(
                "too_many_features", came=f"> {limits.MAX_FEATURES:,}",
                most=f"{limits.MAX_FEATURES:,}",
            )  # fmt: skip
        return osm.with_tags(frame)

    fields = [str(name) for name in about["fields"] if name != "other_tags"]
    return Layer(layer, [*fields, *osm.TAGS], read, "utf-8")


def _geojson(path: Path, source: SourceBase) -> list[Layer]:
    encoding = decide_encoding(path, source.encoding)
    check_names(path)
    if encoding == "utf-8":
        return _gdal(path, None, said=encoding)
    return _gdal(path.read_bytes().decode(encoding).encode("utf-8"), None, said=encoding)


def check_names(path: Path) -> None:
    """Refuse GeoJSON with more different names than a table has columns, before GDAL sees it.

    Raises
    ------
    UnusableFileError : rule `too_many_columns`.
    """
    names: set[bytes] = set()
    with (
        path.open("rb") as file,
        closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as text,
    ):
        for match in _JSON_NAME.finditer(text):
            names.add(match[1])
            # GDAL's time grows with their square: thirty thousand take half an hour.
            if len(names) > limits.MAX_QUERY_COLUMNS:
                raise UnusableFileError(
                    "too_many_columns", came=f"> {limits.MAX_QUERY_COLUMNS:,}",
                    most=f"{limits.MAX_QUERY_COLUMNS:,}",
                )  # fmt: skip


def _check_geopackage(path: Path) -> None:
    """Refuse a database that computes what it shows: a view may have no end."""
    try:
        with closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        ) as db:
            tables = dict(db.execute("SELECT lower(name), type || ' ' || sql FROM sqlite_master"))
            layers = [row[0] for row in db.execute("SELECT table_name FROM gpkg_contents")]
            for layer in layers:
                made = str(tables.get(str(layer).casefold(), ""))
                own = re.match(r"table\s+CREATE\s+TABLE\b", made, re.IGNORECASE)
                if own is None or re.search(r"\bGENERATED\b|\bAS\s*\(", made, re.IGNORECASE):
                    raise UnusableFileError("unreadable_vector", came=f"{layer}: no plain table")
    except UnicodeDecodeError as exc:
        raise UnusableFileError("unreadable_vector", came="sqlite_master") from exc
    except sqlite3.Error as exc:
        raise UnusableFileError("unreadable_vector", came=str(exc)) from exc


def _check_shapefile(parts: dict[str, bytes], size: int) -> None:
    """Refuse parts that state more records than they have bytes for."""
    for suffix in (".shx", ".dbf"):
        if suffix not in parts:
            raise UnusableFileError("unreadable_vector", came=f"no {suffix}")
    index, table = parts[".shx"], parts[".dbf"]
    stated = int.from_bytes(index[24:28], "big") * 2
    if stated > len(index):
        raise UnusableFileError("unreadable_vector", came=f".shx: {stated} > {len(index)}")
    count, start, width = (
        int.from_bytes(table[a:b], "little") for a, b in ((4, 8), (8, 10), (10, 12))
    )
    if len(table) < 32 or start + count * width > len(table) or (len(index) - 100) // 8 > size:
        raise UnusableFileError("unreadable_vector", came=f".dbf: {start + count * width}")
    # One byte too many or too few, and every field behind it is cut in another place: 101 would be
    # read as 10. Each record begins with its mark, and the end of the file's follows the last.
    end = start + count * width
    marks = table[start:end:width] if width else b""
    if marks.strip(b" *") or table[end:].strip(b"\x1a\x00") or table[end - 1 : end] == b"\x1a":
        raise UnusableFileError("unreadable_vector", came=".dbf: records out of step")


def _dbf_encoding(parts: dict[str, bytes], source: SourceBase) -> str:
    """Encoding of a shapefile's attributes: as declared, as its .cpg says, else UTF-8, GB18030.

    Whatever is said, the records must decode strictly.
    """
    raw = parts[".dbf"]
    records = raw[int.from_bytes(raw[8:10], "little") :]
    said = parts.get(".cpg", b"")[:40].decode("ascii", "ignore").strip().casefold()
    said = re.sub(r"^(cp|ansi|windows-?|ms)\s*(?=\d)", "", said)
    if source.encoding != "auto":
        candidates: tuple[str, ...] = (source.encoding,)
    else:
        candidates = tuple(filter(None, (_CODE_PAGES.get(said, said), "utf-8", "gb18030")))
    for encoding in candidates:
        try:
            records.decode(encoding)
        except (ValueError, LookupError):  # damaged text, or a name that is none of an encoding
            continue
        return encoding
    raise UnusableFileError("encoding_unknown", came=".dbf")


def _zipped(path: Path, source: SourceBase) -> Iterator[Layer]:
    """Shapefiles and KML of an archive, each unpacked in memory when its turn comes."""
    with Archive(
        path, damaged="unreadable_vector", most=limits.MAX_VECTOR_UNPACKED_BYTES
    ) as archive:
        by_stem: dict[str, dict[str, str]] = {}
        for name in archive.names:
            entry = PurePosixPath(name.replace("\\", "/"))
            if entry.name.startswith((".", "__")) or "__MACOSX" in entry.parts:
                continue
            suffix = entry.suffix.lower()
            if suffix == ".kml":
                text = archive.read(name, most=limits.MAX_KML_BYTES)
                yield from _kml_bytes(text, source)
            elif suffix in _PARTS:
                # Names are only labels here: nothing is written where they say.
                by_stem.setdefault(str(entry.with_suffix("")), {})[suffix] = name
        for stem, names in sorted(by_stem.items()):
            if ".shp" not in names:
                continue
            parts = {suffix: archive.read(name) for suffix, name in names.items()}
            _check_shapefile(parts, len(parts[".shp"]))
            encoding = _dbf_encoding(parts, source)
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w") as clean:
                for suffix, content in parts.items():
                    clean.writestr(f"layer{suffix}", content)
            label = PurePosixPath(stem).name
            yield from _gdal(packed.getvalue(), encoding, label=label)


def _kml_bytes(raw: bytes, source: SourceBase) -> list[Layer]:
    for encoding in (
        ("utf-8-sig", "utf-16", "gb18030") if source.encoding == "auto" else (source.encoding,)
    ):
        try:
            text = raw.decode(encoding)
        except (UnicodeError, LookupError):
            continue
        return _kml(text, source, "utf-8" if encoding == "utf-8-sig" else encoding)
    raise UnusableFileError("encoding_unknown", came=".kml")


def _kml(text: str, source: SourceBase, encoding: str) -> list[Layer]:
    frame = read_kml(text.removeprefix("\ufeff"))
    columns = [str(name) for name in frame.columns if name != "geometry"]
    folders = frame["folder"] if "folder" in columns else None
    if source.layer is not None and folders is not None:
        names = [str(name) for name in folders.dropna().unique()]
        return [
            Layer(name, columns, lambda name=name: frame[folders == name], encoding)  # type: ignore[misc]
            for name in names
        ]
    return [Layer(source.layer or "kml", columns, lambda: frame, encoding)]


def _gdal(
    given: Path | bytes, encoding: str | None, *, label: str | None = None, said: str | None = None
) -> list[Layer]:
    """Layers as GDAL sees them."""
    options = {} if encoding is None else {"encoding": encoding}
    layers = []
    with _Damage(given):
        # By number: a layer of bytes in memory has another name each time it is opened.
        for number, (name, _) in enumerate(pyogrio.list_layers(given)):
            about = pyogrio.read_info(given, layer=number, **options)
            columns = [str(column) for column in about["fields"]]
            if max(about["features"], 0) > limits.MAX_FEATURES:
                raise UnusableFileError(
                    "too_many_features", came=f"{about['features']:,}",
                    most=f"{limits.MAX_FEATURES:,}",
                )  # fmt: skip

            if about["features"] == 0:
                continue

            def read(number: int = number) -> gpd.GeoDataFrame:
                with _Damage(given):
                    frame = pyogrio.read_dataframe(
                        given, layer=number, on_invalid="ignore", **options
                    )
                if not isinstance(frame, gpd.GeoDataFrame):
                    raise UnusableFileError("unreadable_vector", came="no geometry")
                return frame

            layers.append(Layer(label or str(name), columns, read, encoding or said))
    if not layers:
        raise UnusableFileError("empty_file", came="0 features")
    return layers


class _Damage:
    """What GDAL and GEOS raise on a damaged file, made one error; their remarks kept quiet."""

    def __init__(self, given: Path | bytes) -> None:
        self._given = given
        self._quiet = warnings.catch_warnings()

    def __enter__(self) -> None:
        self._quiet.__enter__()
        # What GDAL remarks on rings and fields is checked feature by feature later.
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.simplefilter("ignore", UserWarning)

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._quiet.__exit__(None, None, None)
        if isinstance(error, DataSourceError | DataLayerError | FeatureError):
            where = re.search(r"[Aa]t line \d+, character \d+[^;]*", str(error))
            message = str(error)
            if isinstance(self._given, Path):
                message = message.replace(str(self._given), self._given.name)
            came = where.group() if where else re.sub(r"/vsimem/\S*", "…", message)
            raise UnusableFileError("unreadable_vector", came=came) from error
        if isinstance(error, shapely.errors.GEOSException | ValueError):
            raise UnusableFileError("unreadable_vector", came=str(error)) from error


def _names_in(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return [info.filename for info in archive.infolist()[: limits.MAX_ZIP_ENTRIES]]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as exc:
        raise UnusableFileError("unreadable_vector", came=type(exc).__name__) from exc
