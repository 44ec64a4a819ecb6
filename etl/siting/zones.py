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
    """What the published zones say of the cells' representative points.

    Attributes
    ----------
    rank : rank of the best suitable zone around each cell's point, 1 the best; NaN where it lies in
        none. None: the locality has no suitable zones.
    excluded : whether the point lies in an excluded zone or in water.
    """

    rank: Floats | None
    excluded: Bools

    @property
    def allowed(self) -> Bools:
        """Cells on which a site may be built."""
        if self.rank is None:
            return ~self.excluded
        return ~self.excluded & ~np.isnan(self.rank)


def read_zones(reader: Reader, snapshot: Snapshot, xy: Floats, *, crs: str) -> Zones:
    """Zones of a snapshot, at points of the metric CRS [m], shape (n, 2)."""
    themes = snapshot.meta["context"]
    excluded = np.zeros(len(xy), dtype=np.bool_)
    for theme in ("excluded", "water"):
        if theme in themes:
            inside, _ = _within(_polygons(reader, themes[theme], crs), xy)
            excluded[inside] = True
    if "suitable" not in themes:
        return Zones(None, excluded)
    zones = _polygons(reader, themes["suitable"], crs)
    rank = np.full(len(xy), np.inf)
    inside, zone = _within(zones, xy)
    np.minimum.at(rank, inside, zones["rank"].to_numpy(dtype=np.float64)[zone])
    return Zones(np.where(np.isinf(rank), np.nan, rank), excluded)


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


def _within(
    zones: gpd.GeoDataFrame, xy: Floats
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Positions of points and of the zones they lie in, the edge included."""
    if zones.empty:
        nothing = np.array([], dtype=np.intp)
        return nothing, nothing
    point, zone = zones.sindex.query(shapely.points(xy), predicate="intersects")
    return point, zone
