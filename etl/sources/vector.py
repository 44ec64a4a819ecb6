"""GeoJSON, GeoPackage, Shapefile (also zipped) and KML: attributes as text, shapes in WGS 84."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from etl.findings import Doubts, UnusableFileError, listed
from etl.sources import limits
from etl.sources.files import fingerprint
from etl.sources.headers import Header, find_header
from etl.sources.layers import Layer, read_layers
from etl.sources.settings import FacilitiesSource, SourceBase
from etl.sources.tabular import Table
from geo.datum import to_wgs84

# Columns that `read_points` adds; no file has such a name.
LON, LAT = "#lon", "#lat"
# WGS 84, CGCS2000, and CRS84, which has no number: longitude and latitude as they are wanted.
_GEOGRAPHIC = (4326, 4490, None)


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
    UnusableFileError : missing, truncated, too large, without the layer or a column, or empty.
    """
    limits.check_size(path, limits.MAX_VECTOR_BYTES)
    fingerprint(path)  # says at once that a file is missing or may not be read
    layer, header = _choose(read_layers(path, source), source, wanted, doubts)
    if source.encoding == "auto" and layer.encoding not in {None, "utf-8", "utf-8-sig"}:
        doubts.add("encoding_decided", came=str(layer.encoding).upper())
    frame = layer.read()
    if frame.empty:
        raise UnusableFileError("empty_file", came="0 features")
    attributes = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    return Features(_table(attributes, header, layer.encoding), _geographic(frame, datum))


def read_points(
    path: Path, source: FacilitiesSource, wanted: Sequence[str], doubts: Doubts
) -> Table:
    """Read facilities from a map file; places become columns where the mapping names none.

    Parameters
    ----------
    wanted : mapped attributes.

    Returns
    -------
    The attributes; where `columns.lon` is not mapped with columns `LON` and `LAT`, in the datum
    that the source declares. Of a line or polygon a point on it; "" without geometry.

    Raises
    ------
    UnusableFileError : as `read_features`.
    """
    # The datum is undone where sites are placed, as for coordinates in a table.
    features = read_features(path, source, wanted, doubts, datum="WGS84")
    table = features.table
    if source.columns.lon is not None:
        return table
    points = _points_on(features.geometry)
    cells, found = table.cells.copy(), dict(table.found)
    for name, numbers in ((LON, shapely.get_x(points)), (LAT, shapely.get_y(points))):
        cells[name] = pd.Categorical(["" if np.isnan(n) else f"{n:.8f}" for n in numbers])
        found[name] = name
    return Table(cells, found, table.titles, table.overfull, table.encoding, table.sheet)


# No coordinate on Earth is larger, in degrees or metres.
_FAR = 1e9


def _points_on(geometry: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """A point on each shape; None where it is missing, empty or without end."""
    points = np.full(len(geometry), None, dtype=object)
    sound = (np.abs(shapely.bounds(geometry)) < _FAR).all(axis=1)  # NaN where there is none
    points[sound] = shapely.point_on_surface(shapely.make_valid(geometry[sound]))
    points[shapely.is_empty(points)] = None
    return points


def _choose(
    layers: list[Layer], source: SourceBase, wanted: Sequence[str], doubts: Doubts
) -> tuple[Layer, Header]:
    names = [layer.name for layer in layers]
    if source.layer is not None:
        layers = [layer for layer in layers if layer.name == source.layer]
        if not layers:
            raise UnusableFileError("missing_layer", layer=source.layer, layers=listed(names))
    failure: UnusableFileError | None = None
    for layer in layers:
        try:
            header = find_header([layer.columns], wanted, header_row=1, header_rows=1)
        except UnusableFileError as error:
            error.row = None  # attributes have no header row
            failure = failure or error
            continue
        if source.layer is None and len(names) > 1:
            doubts.add("layer_chosen", came=layer.name, layers=listed(names))
        return layer, header
    raise failure if failure is not None else UnusableFileError("empty_file", came="0 layers")


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
