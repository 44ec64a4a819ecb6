"""KML read strictly: names of attributes as they are, no entities, no links, a bound on nesting.

GDAL's reader turns Chinese names of ExtendedData into underscores, and takes a whole tree at once.
"""

from __future__ import annotations

import re
from xml.parsers import expat

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from etl.findings import UnusableFileError
from etl.sources import limits

_SPACE = " "
_TOGETHER = {
    "Polygon": shapely.multipolygons,
    "Point": shapely.multipoints,
    "LineString": shapely.multilinestrings,
}


class _Reader:
    """Collects placemarks while expat walks through the text."""

    def __init__(self) -> None:
        self.records: list[dict[str, str]] = []
        self.shapes: list[BaseGeometry | None] = []
        self._path: list[str] = []
        self._folders: list[str] = []
        self._text: list[str] = []
        self._record: dict[str, str] | None = None
        self._name = ""
        self._parts: list[BaseGeometry] = []
        self._rings: list[list[tuple[float, float]]] = []
        self._bad = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition(_SPACE)[2]
        self._path.append(tag)
        if len(self._path) > limits.MAX_NESTING:
            raise UnusableFileError("nested_too_deep", most=limits.MAX_NESTING)
        self._text.clear()
        if tag == "Placemark":
            if len(self.records) >= limits.MAX_FEATURES:
                raise UnusableFileError("too_many_features", most=f"{limits.MAX_FEATURES:,}")
            folder = next((name for name in reversed(self._folders) if name), "")
            self._record = {"folder": folder} if folder else {}
            self._parts, self._bad = [], False
        elif tag in {"Folder", "Document"}:
            self._folders.append("")
        elif tag in {"Data", "SimpleData"}:
            self._name = attributes.get("name", "")
        elif tag == "Polygon":
            self._rings = []

    def text(self, text: str) -> None:
        self._text.append(text)

    def end(self, tag: str) -> None:
        tag = tag.rpartition(_SPACE)[2]
        self._path.pop()
        text = "".join(self._text).strip()
        self._text.clear()
        above = self._path[-1] if self._path else ""
        if tag in {"Folder", "Document"}:
            self._folders.pop()
        elif tag == "name" and above in {"Folder", "Document"}:
            # A document's name is its title; what a folder is called says what lies in it.
            self._folders[-1] = text if above == "Folder" else ""
        elif self._record is not None:
            self._inside(tag, above, text)

    def _inside(self, tag: str, above: str, text: str) -> None:
        record = self._record
        if record is None:
            return
        if tag == "Placemark":
            self.records.append(record)
            self.shapes.append(None if self._bad else _joined(self._parts))
            self._record = None
        elif tag in {"name", "description", "address", "phoneNumber"} and above == "Placemark":
            record[tag] = text
        elif tag == "SimpleData" or (tag == "value" and above == "Data"):
            record[self._name] = text
        elif tag == "coordinates":
            self._shape(above, text)
        elif tag == "Polygon" and self._rings:
            self._parts.append(shapely.Polygon(self._rings[0], self._rings[1:]))

    def _shape(self, above: str, text: str) -> None:
        points = _points(text)
        if points is None:
            self._bad = True
        elif above == "LinearRing":
            if len(points) < 3:
                self._bad = True
            else:
                self._rings.append(points)
        elif above == "Point" and len(points) == 1:
            self._parts.append(shapely.Point(points[0]))
        elif above == "LineString" and len(points) > 1:
            self._parts.append(shapely.LineString(points))
        else:
            self._bad = True


def read_kml(text: str) -> gpd.GeoDataFrame:
    """Placemarks of a KML text, with the folder each lies in.

    Raises
    ------
    UnusableFileError : no KML, with a DTD, nested too deep, or with too many placemarks.
    """
    reader = _Reader()
    parser = expat.ParserCreate("UTF-8", namespace_separator=_SPACE)
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse_dtd
    try:
        parser.Parse(text.encode("utf-8"), True)  # noqa: FBT003  (positional in expat)
    except expat.ExpatError as exc:
        came = f"line {exc.lineno}, character {exc.offset + 1}"
        raise UnusableFileError("unreadable_vector", came=came) from exc
    names = dict.fromkeys(name for record in reader.records for name in record)
    if len(names) > limits.MAX_QUERY_COLUMNS:
        raise UnusableFileError(
            "too_many_columns", came=f"{len(names):,}", most=f"{limits.MAX_QUERY_COLUMNS:,}"
        )
    columns = {name: [record.get(name) for record in reader.records] for name in names}
    shapes = np.empty(len(reader.shapes), dtype=object)
    shapes[:] = reader.shapes
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=4326)


def _refuse_dtd(*_: object) -> None:
    raise UnusableFileError("unreadable_vector", came="DTD")


def _points(text: str) -> list[tuple[float, float]] | None:
    points = []
    for group in re.sub(r"\s*,\s*", ",", text).split():
        try:
            lon, lat, *_ = (float(number) for number in group.split(","))
        except ValueError:
            return None
        if not np.isfinite([lon, lat]).all():
            return None
        points.append((lon, lat))
    return points


def _joined(parts: list[BaseGeometry]) -> BaseGeometry | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    kinds = {part.geom_type for part in parts}
    make = _TOGETHER.get(kinds.pop(), shapely.geometrycollections) if len(kinds) == 1 else None
    joined: BaseGeometry = (make or shapely.geometrycollections)(parts)
    return joined
