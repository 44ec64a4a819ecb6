"""A road network as one kind of traveller sees it, ready to be asked for ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geo.arrays import FloatArray, IntArray, positive
from geo.checks import crs_faults, require
from geo.errors import Fault, UnitError
from geo.model import RoadClass
from geo.network import RoadNetwork, edge_minutes

# So many cells at most in a grid over the roads: it is there to look few segments up.
_MOST_CELLS = 2_000_000.0

Bins = tuple[tuple[float, float, float, int, int], IntArray, npt.NDArray[np.int32]]


@dataclass(frozen=True)
class Routes:
    """A road network as one kind of traveller sees it; made by `prepare_routes`.

    Attributes
    ----------
    network : the roads.
    forward_min, backward_min : float64 [min], shape (n_edges,); infinite where not allowed.
    usable : bool, shape (n_edges,): edges onto which a point may be put.
    segments, segment_edge, segment_from_m : straight pieces of the usable edges.
    bins : which of them lie in which cell of a grid.
    barriers : float64 [m], shape (n, 4): straight pieces of what walkers do not cross.
    barrier_bins : which of them lie in which cell.
    water : polygons among the barriers.
    min_per_m : minutes of walk per straight-line metre off the roads.
    snap_m : longest such walk to the nearest road [m].
    free_m : longest such walk past the nearest road, or straight to a site [m].
    """

    network: RoadNetwork
    forward_min: FloatArray
    backward_min: FloatArray
    usable: npt.NDArray[np.bool_]
    segments: FloatArray
    segment_edge: IntArray
    segment_from_m: FloatArray
    bins: Bins
    barriers: FloatArray
    barrier_bins: Bins
    water: shapely.STRtree
    min_per_m: float
    snap_m: float
    free_m: float


def prepare_routes(
    network: RoadNetwork,
    *,
    kmh: Mapping[RoadClass, float],
    directed: bool,
    foot_kmh: float = 4.8,
    detour: float = 1.3,
    snap_m: float = 2000.0,
    free_m: float = 300.0,
    min_piece_m: float = 0.0,
    barriers: gpd.GeoSeries | None = None,
) -> Routes:
    """Make a network ready to be asked for ways.

    Parameters
    ----------
    network : the roads.
    kmh : speed [km/h] by class, > 0; a class that is left out cannot be used.
    directed : True minds one-way streets and the edges' own speeds (a car), False neither.
    foot_kmh : walking speed off the roads [km/h], > 0.
    detour : way on the ground per straight-line metre off the roads, >= 1.
    snap_m : longest straight line between a point and the nearest road of the longest connected
        piece, inclusive [m], > 0.
    free_m : longest straight line to any other road, or straight to a site, inclusive [m], > 0:
        beyond it nobody is supposed to walk across country where a road is nearer.
    min_piece_m : points are not put onto connected pieces shorter than this [m], >= 0.
    barriers : polygons and lines in the CRS of the network that nobody walks across off the
        roads: water. Roads cross them, on bridges.

    Returns
    -------
    Routes for `geo.travel.road_costs`, `geo.travel.nearest_by_road` and `access_legs`.

    Raises
    ------
    FaultsError : the barriers have no metric CRS.
    UnitError : an option is out of range.

    Notes
    -----
    O(n_segments).

    Examples
    --------
    >>> from geo.network import road_network
    >>> lines = gpd.GeoDataFrame(
    ...     geometry=[shapely.LineString([(0, 0), (800, 0)])], crs="EPSG:4547")
    >>> routes = prepare_routes(road_network(lines), kmh={RoadClass.LOCAL: 4.8}, directed=False)
    >>> int(routes.usable.sum()), routes.snap_m
    (1, 2000.0)
    """
    from geo._legs import bin_segments  # noqa: PLC0415

    forward, backward = edge_minutes(network, kmh=kmh, directed=directed)
    snap = positive("snap_m", snap_m, unit="m")
    if not (np.isfinite(detour) and detour >= 1):
        raise UnitError(f"detour: {detour!r}; wanted a factor of 1 or more")
    if not (np.isfinite(min_piece_m) and min_piece_m >= 0):
        raise UnitError(f"min_piece_m: {min_piece_m!r}; wanted a length of 0 or more [m]")
    usable = np.isfinite(forward) | np.isfinite(backward)
    usable &= network.piece_m[network.piece[network.ends[:, 0]]] >= min_piece_m
    kept = usable[network.segment_edge]
    segments = network.segments[kept]
    walls, water = _barriers(barriers)
    grid, wall_grid = _grid(segments, size_m=snap / 6), _grid(walls, size_m=snap / 6)
    return Routes(
        network=network,
        forward_min=forward,
        backward_min=backward,
        usable=usable,
        segments=segments,
        segment_edge=network.segment_edge[kept],
        segment_from_m=network.segment_from_m[kept],
        bins=(grid, *bin_segments(segments, grid)),
        barriers=walls,
        barrier_bins=(wall_grid, *bin_segments(walls, wall_grid)),
        water=water,
        min_per_m=detour * 60.0 / (positive("foot_kmh", foot_kmh, unit="km/h") * 1000.0),
        snap_m=snap,
        free_m=positive("free_m", free_m, unit="m"),
    )


def _barriers(shapes: gpd.GeoSeries | None) -> tuple[FloatArray, shapely.STRtree]:
    """Straight pieces of the barriers, and those that are polygons."""
    if shapes is None or len(shapes) == 0:
        return np.empty((0, 4)), shapely.STRtree([])
    require("barriers", crs_faults("barriers", shapes))
    parts = shapely.get_parts(np.asarray(shapes.array))
    parts = parts[~shapely.is_empty(parts) & ~shapely.is_missing(parts)]
    kind = shapely.get_type_id(parts)
    if not np.isin(kind, (1, 2, 3)).all():
        wanted = "lines and polygons"
        require("barriers", [Fault("barriers", "a geometry of another kind", wanted)])
    polygons = parts[kind == 3]
    rings = np.concatenate([shapely.get_rings(polygons), parts[kind != 3]])
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    inner = ring[1:] == ring[:-1]
    shapely.prepare(polygons)
    return np.hstack([xy[:-1][inner], xy[1:][inner]]), shapely.STRtree(polygons)


def _grid(segments: FloatArray, *, size_m: float) -> tuple[float, float, float, int, int]:
    """Grid over segments: west, south, side of a cell [m], columns, rows."""
    if len(segments) == 0:
        return 0.0, 0.0, size_m, 0, 0
    xy = segments.reshape(-1, 2)
    west, south = (float(value) for value in xy.min(axis=0))
    width, height = (float(value) for value in xy.max(axis=0) - (west, south))
    size = max(size_m, float(np.sqrt(width * height / _MOST_CELLS)), (width + height) / _MOST_CELLS)
    return west, south, size, int(width / size) + 1, int(height / size) + 1
