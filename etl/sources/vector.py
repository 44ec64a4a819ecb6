"""GeoJSON, GeoPackage and Shapefile: attributes as text, geometries in WGS 84."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from etl.findings import Doubts, UnusableFileError, listed
from etl.sources.files import decide_encoding, fingerprint
from etl.sources.headers import Header, find_header
from etl.sources.settings import SourceBase
from etl.sources.tabular import Table
from geo.datum import to_wgs84

# WGS 84, CGCS2000, and CRS84, which has no number: longitude and latitude as they are wanted.
_GEOGRAPHIC = (4326, 4490, None)
_TEXT_FORMATS = frozenset({".geojson", ".json", ".geojsonl", ".topojson"})


@dataclass(frozen=True)
class Features:
    """Features of one layer.

    Attributes
    ----------
    table : attributes as text in categories; the index counts features from 1.
    geometry : shapely geometries in WGS 84, None where there is none.
    """

    table: Table
    geometry: npt.NDArray[np.object_]


def read_features(
    path: Path, source: SourceBase, wanted: Sequence[str], doubts: Doubts, *, datum: str
) -> Features:
    """Read a map file whose attributes hold the mapped columns.

    Parameters
    ----------
    wanted : mapped attributes.
    datum : in which longitudes and latitudes are; a projected file says its own CRS.

    Raises
    ------
    UnusableFileError : missing, truncated, without the layer or a column, or empty.
    """
    fingerprint(path)  # says at once that a file is missing or may not be read
    encoding = _encoding(path, source, doubts)
    frame = _read(path, source.layer, encoding)
    if frame.empty:
        raise UnusableFileError("empty_file", came="0 features")
    attributes = pd.DataFrame(frame.drop(columns="geometry"))
    names = [str(name) for name in attributes.columns]
    try:
        header = find_header([names], wanted, header_row=1, header_rows=1)
    except UnusableFileError as error:
        error.row = None  # attributes have no header row
        raise
    table = _table(attributes, header, encoding)
    return Features(table, _geographic(frame, datum))


def _encoding(path: Path, source: SourceBase, doubts: Doubts) -> str | None:
    """How attributes are encoded; None where the format says so itself."""
    suffix = path.suffix.lower()
    if suffix in _TEXT_FORMATS:
        encoding = decide_encoding(path, source.encoding)
    elif suffix == ".shp":
        encoding = source.encoding if source.encoding != "auto" else _dbf_encoding(path)
    else:
        return None
    if source.encoding == "auto" and encoding not in {"utf-8", "utf-8-sig"}:
        doubts.add("encoding_decided", came=encoding.upper())
    return encoding


def _dbf_encoding(path: Path) -> str:
    """Encoding of a shapefile's attributes, by strict decoding of its records."""
    table = next(
        (p for p in path.parent.glob(f"{path.stem}.*") if p.suffix.lower() == ".dbf"), None
    )
    if table is None:
        return "utf-8"
    raw = table.read_bytes()
    records = raw[int.from_bytes(raw[8:10], "little") :]
    for encoding in ("utf-8", "gb18030"):
        try:
            records.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    raise UnusableFileError("encoding_unknown", came=table.name)


def _read(path: Path, layer: str | None, encoding: str | None) -> gpd.GeoDataFrame:
    given: Path | bytes = path
    options = {}
    if encoding is not None and path.suffix.lower() == ".shp":
        options["encoding"] = encoding
    elif encoding is not None and encoding != "utf-8":
        given = path.read_bytes().decode(encoding).encode("utf-8")
    try:
        with warnings.catch_warnings():
            # What GDAL remarks on rings and fields is checked feature by feature later.
            warnings.simplefilter("ignore", RuntimeWarning)
            warnings.simplefilter("ignore", UserWarning)
            _require_layer(given, layer)
            frame = pyogrio.read_dataframe(given, layer=layer, on_invalid="ignore", **options)
    except (DataSourceError, DataLayerError, FeatureError) as exc:
        where = re.search(r"[Aa]t line \d+, character \d+[^;]*", str(exc))
        came = where.group() if where else str(exc).replace(str(path), path.name)
        raise UnusableFileError("unreadable_vector", came=came) from exc
    except (shapely.errors.GEOSException, ValueError) as exc:
        raise UnusableFileError("unreadable_vector", came=str(exc)) from exc
    if not isinstance(frame, gpd.GeoDataFrame):
        raise UnusableFileError("unreadable_vector", came="no geometry")
    return frame.rename_geometry("geometry") if frame.geometry.name != "geometry" else frame


def _require_layer(given: Path | bytes, layer: str | None) -> None:
    if layer is None:
        return
    names = [str(name) for name, _ in pyogrio.list_layers(given)]
    if layer not in names:
        raise UnusableFileError("missing_layer", layer=layer, layers=listed(names))


def _table(attributes: pd.DataFrame, header: Header, encoding: str | None) -> Table:
    columns = {
        name: pd.Categorical(_texts(attributes.iloc[:, i])) for i, name in enumerate(header.names)
    }
    return Table(
        cells=pd.DataFrame(columns, index=pd.RangeIndex(1, len(attributes) + 1)),
        found={wanted: header.names[position] for wanted, position in header.found.items()},
        titles=0,
        overfull=np.zeros(len(attributes), dtype=bool),
        encoding=encoding,
        sheet=None,
    )


def _texts(column: pd.Series) -> list[str]:
    """Attributes as text: whole numbers without a point, nothing as ""."""
    texts = []
    for value, missing in zip(column.tolist(), column.isna().tolist(), strict=True):
        if missing is True:
            texts.append("")
        elif isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
            texts.append(str(int(value)))
        else:
            texts.append(str(value))
    return texts


def _geographic(frame: gpd.GeoDataFrame, datum: str) -> npt.NDArray[np.object_]:
    shapes = frame.geometry
    crs = shapes.crs
    if crs is not None and (crs.is_projected or crs.to_epsg() not in _GEOGRAPHIC):
        shapes = shapes.to_crs(4326)
    array = np.array(shapes.to_numpy(), dtype=object)
    array = shapely.force_2d(array)
    if datum in {"WGS84", "CGCS2000"}:
        return array
    present = ~shapely.is_missing(array)
    array[present] = shapely.transform(
        array[present], lambda xy: np.column_stack(to_wgs84(xy[:, 0], xy[:, 1], datum=datum))
    )
    return array
