"""Where new sites may stand by the locality's own map: suitable zones, exclusions, water."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from etl.build.levels import Floats
from etl.store.reader import Reader, Snapshot

Bools = npt.NDArray[np.bool_]
_POLYGONS = (3, 6)


@dataclass(frozen=True)
class Zones:
    """The published zones, in the metric CRS of the ground.

    Attributes
    ----------
    suitable : `rank`, 1 the best, and `geometry`; None where the locality has no suitable zones.
    excluded : polygons on which nothing must be built, and water.
    """

    suitable: gpd.GeoDataFrame | None
    excluded: gpd.GeoSeries

    def excludes(self, xy: Floats) -> Bools:
        """Whether each point [m], shape (n, 2), lies in an excluded zone or in water."""
        found = np.zeros(len(xy), dtype=np.bool_)
        found[_within(self.excluded, xy)[0]] = True
        return found

    def ranks(self, xy: Floats) -> Floats:
        """Rank of the best suitable zone around each point; NaN where it lies in none."""
        rank = np.full(len(xy), np.inf)
        if self.suitable is not None:
            inside, zone = _within(self.suitable.geometry, xy)
            np.minimum.at(rank, inside, self.suitable["rank"].to_numpy(dtype=np.float64)[zone])
        return np.where(np.isinf(rank), np.nan, rank)

    def allows(self, xy: Floats) -> Bools:
        """Whether a site may be built on free ground at each point."""
        free = ~self.excludes(xy)
        return free if self.suitable is None else free & ~np.isnan(self.ranks(xy))


def read_zones(reader: Reader, snapshot: Snapshot, *, crs: str) -> Zones:
    """Zones of a snapshot."""
    themes = snapshot.meta["context"]
    barred = [
        _polygons(reader, themes[theme], crs).geometry
        for theme in ("excluded", "water")
        if theme in themes
    ]
    nothing = gpd.GeoSeries([], crs=crs)
    excluded = gpd.GeoSeries(np.concatenate([nothing.to_numpy(), *barred]), crs=crs)
    suitable = _polygons(reader, themes["suitable"], crs) if "suitable" in themes else None
    return Zones(suitable, excluded)


def _polygons(reader: Reader, geometry_hash: str, crs: str) -> gpd.GeoDataFrame:
    """Polygons of a published theme in metres, with their rank."""
    drawn = json.loads(gzip.decompress(reader.geometry(geometry_hash)))["features"]
    shapes = [
        (feature["properties"]["rank"], shapely.geometry.shape(feature["geometry"]))
        for feature in drawn
        if feature["geometry"] is not None
    ]
    frame = gpd.GeoDataFrame(
        {"rank": [rank for rank, _ in shapes]},
        geometry=[shape for _, shape in shapes],
        crs="EPSG:4326",
    )
    frame = frame[np.isin(shapely.get_type_id(frame.geometry.to_numpy()), _POLYGONS)]
    return frame.set_geometry(frame.geometry.to_crs(crs).make_valid()).reset_index(drop=True)


def _within(zones: gpd.GeoSeries, xy: Floats) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Positions of points and of the zones they lie in, the edge included; NaN lies in none."""
    placed = np.flatnonzero(np.isfinite(xy).all(axis=1))
    if zones.empty or not len(placed):
        nothing = np.array([], dtype=np.intp)
        return nothing, nothing
    point, zone = zones.sindex.query(shapely.points(xy[placed]), predicate="intersects")
    return placed[point], zone
