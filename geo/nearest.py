"""Several nearest sites of a point: who can come, and who comes if the first cannot."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from geo.arrays import FloatArray, IntArray, points
from geo.errors import UnitError
from geo.routes import Legs, Routes, access_legs, arcs_from, put_sites, short_walks
from geo.travel.roads import bucket_min, grouped_rows
from geo.travel.straight import minutes_per_metre


def k_nearest_straight_line(
    origins_xy: npt.ArrayLike,
    sites_xy: npt.ArrayLike,
    *,
    k: int,
    detour: float,
    speed_kmh: float,
) -> tuple[FloatArray, IntArray]:
    """Lowest travel costs from each origin to k sites, as flown times a detour.

    Parameters
    ----------
    origins_xy : float64 [m], shape (n, 2), metric CRS; a row with NaN gets NaN.
    sites_xy : float64 [m], shape (n_sites, 2), same CRS; rows with NaN are left out.
    k : so many sites an origin, >= 1.
    detour : way on the ground per straight-line metre, >= 1.
    speed_kmh : speed [km/h], > 0.

    Returns
    -------
    cost_min : float64 [min], shape (n, k), ascending; NaN where there are fewer sites.
    site : int64, shape (n, k), position in `sites_xy`, -1 where `cost_min` is NaN.

    Raises
    ------
    ShapeError : the points are not of shape (n, 2).
    UnitError : an option is out of range.

    Notes
    -----
    O((n k + n_sites) log n_sites) by a k-d tree.

    Examples
    --------
    >>> cost_min, site = k_nearest_straight_line(
    ...     [(0, 0)], [(0, 800), (400, 0)], k=3, detour=1.0, speed_kmh=4.8)
    >>> cost_min.tolist(), site.tolist()
    ([[5.0, 10.0, nan]], [[1, 0, -1]])
    """
    origins, sites = points("origins_xy", origins_xy), points("sites_xy", sites_xy)
    min_per_m = minutes_per_metre(detour, speed_kmh)
    _require_k(k)
    cost_min = np.full((len(origins), k), np.nan)
    site = np.full((len(origins), k), -1, dtype=np.int64)
    placed = np.flatnonzero(~np.isnan(sites).any(axis=1))
    known = np.flatnonzero(~np.isnan(origins).any(axis=1))
    if placed.size and known.size:
        ranks = np.arange(1, min(k, placed.size) + 1)
        distance_m, at = cKDTree(sites[placed]).query(origins[known], k=ranks)
        cost_min[known, : len(ranks)] = distance_m * min_per_m
        site[known, : len(ranks)] = placed[at]
    return cost_min, site


def k_nearest_by_road(
    routes: Routes, origins: npt.ArrayLike | Legs, sites_xy: npt.ArrayLike, *, k: int
) -> tuple[FloatArray, IntArray]:
    """Lowest travel costs from each origin to k sites over a road network.

    Parameters
    ----------
    routes : the roads.
    origins : float64 [m], shape (n, 2), or what `geo.routes.access_legs` found for them.
    sites_xy : float64 [m], shape (n_sites, 2), same CRS; rows with NaN are left out.
    k : so many sites an origin, >= 1.

    Returns
    -------
    cost_min : float64 [min], shape (n, k), ascending; NaN where a way leads to fewer sites.
    site : int64, shape (n, k), position in `sites_xy`, -1 where `cost_min` is NaN.

    Raises
    ------
    ShapeError : the points are not of shape (n, 2).
    UnitError : `k` is below 1.

    Notes
    -----
    As `geo.travel.k_nearest_sites`, with the ways to the roads: O(k x n_arcs) in effect.

    Examples
    --------
    >>> from geo.model import RoadClass
    >>> from geo.network import road_network
    >>> from geo.routes import prepare_routes
    >>> import geopandas as gpd, shapely
    >>> line = [shapely.LineString([(0, 0), (4000, 0)])]
    >>> roads = road_network(gpd.GeoDataFrame(geometry=line, crs="EPSG:4547"))
    >>> routes = prepare_routes(roads, kmh={RoadClass.LOCAL: 6.0}, directed=False, snap_m=500)
    >>> cost_min, site = k_nearest_by_road(routes, [(0, 0)], [(3000, 0), (1000, 0)], k=2)
    >>> cost_min.tolist(), site.tolist()
    ([[10.0, 30.0]], [[1, 0]])
    """
    from geo._nearest import nearest_k, nearest_k_points  # noqa: PLC0415

    _require_k(k)
    legs = origins if isinstance(origins, Legs) else access_legs(routes, origins)
    sited = put_sites(routes, sites_xy)
    seeds = (sited.node, sited.legs.point, sited.legs.minutes)
    labels = nearest_k(sited.graph, seeds, k, np.inf, bucket_min(sited.graph[2]))
    point, node, minutes = arcs_from(routes, legs, sited)
    near, site, walk = short_walks(routes, legs, sited.legs)
    n = len(legs.xy)
    best, which = nearest_k_points(
        grouped_rows(point, node, minutes, n), grouped_rows(near, site, walk, n), *labels, np.inf
    )
    return np.where(np.isfinite(best), best, np.nan), which.astype(np.int64)


def _require_k(k: int) -> None:
    if k < 1:
        raise UnitError(f"k: {k!r}; wanted 1 or more sites an origin")
