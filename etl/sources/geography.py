"""The locality's areas as questions of place need them: in metres, by code, as one boundary."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from etl.sources.gazetteer import Gazetteer
from geo.cells import locate
from geo.model import LEVELS, Level

_WGS84 = "EPSG:4326"
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Place:
    """An area that a code names."""

    level: Level
    code: str
    name: str
    shape: shapely.Geometry


@cache
def _transformer(crs: str) -> pyproj.Transformer:
    """From WGS 84; finding the operation takes as long as reading a small source."""
    return pyproj.Transformer.from_crs(_WGS84, crs, always_xy=True)


class Geography:
    """Areas of all levels in the locality's metric CRS.

    Parameters
    ----------
    areas : level, area_code, name, geometry (EPSG:4326).
    crs : the metric CRS.
    """

    def __init__(self, areas: gpd.GeoDataFrame, crs: str) -> None:
        metric = areas.to_crs(crs)
        self._areas = areas
        self.levels: dict[Level, gpd.GeoDataFrame] = {
            level: metric[metric["level"] == level].reset_index(drop=True) for level in LEVELS
        }
        self.boundary: shapely.Geometry = shapely.union_all(
            self.levels[Level.COUNTY].geometry.to_numpy()
        )
        shapely.prepare(self.boundary)
        self._to_metric = _transformer(crs)
        self._places: dict[str, Place] = {}
        self._by_level: dict[tuple[Level, str], Place] = {}
        # Where levels share a code the finest wins: a village is a better place than its county.
        for level in LEVELS:
            frame = self.levels[level]
            for code, name, shape in zip(
                frame["area_code"], frame["name"], frame.geometry, strict=True
            ):
                place = Place(level, code, name, shape)
                self._places.setdefault(code, place)
                self._by_level[level, code] = place

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(str(name) for name in self._areas["name"])

    @cached_property
    def gazetteer(self) -> Gazetteer:
        """The areas by their names."""
        return Gazetteer(self._areas)

    def metric(self, lon: FloatArray, lat: FloatArray) -> FloatArray:
        """WGS 84 positions in metres, shape (n, 2); NaN where unknown or beyond the CRS."""
        x, y = self._to_metric.transform(lon, lat)
        xy = np.column_stack([x, y]).astype(np.float64)
        xy[~np.isfinite(xy).all(axis=1)] = np.nan
        return xy

    def inside(self, xy: FloatArray) -> npt.NDArray[np.bool_]:
        """Which positions lie in the locality; a NaN lies nowhere."""
        inside: npt.NDArray[np.bool_] = shapely.intersects_xy(self.boundary, xy[:, 0], xy[:, 1])
        return inside

    def distance_m(self, xy: FloatArray) -> FloatArray:
        """Distance of positions to the locality [m]; NaN where unknown."""
        known = np.isfinite(xy).all(axis=1)
        distance = np.full(len(xy), np.nan)
        distance[known] = shapely.distance(self.boundary, shapely.points(xy[known]))
        return distance

    def is_name(self, text: str) -> bool:
        """Whether an area is called exactly so."""
        return text in self._names

    def place(self, code: str) -> Place | None:
        """The area of a code, of whatever level."""
        return self._places.get(code)

    def place_of(self, level: Level, code: str) -> Place | None:
        """The area of a code at one level."""
        return self._by_level.get((level, code))

    def inner_point(self, place: Place) -> tuple[float, float]:
        """Longitude and latitude of a point that lies within an area."""
        point = shapely.point_on_surface(place.shape)
        lon, lat = self._to_metric.transform(point.x, point.y, direction="INVERSE")
        return float(lon), float(lat)

    def codes_at(self, xy: FloatArray, level: Level) -> list[str | None]:
        """Code of the area of a level around each position."""
        areas = self.levels[level]
        if areas.empty:
            return [None] * len(xy)
        found = locate(xy, areas)
        missing = found.isna().tolist()
        return [None if gone else code for code, gone in zip(found, missing, strict=True)]
