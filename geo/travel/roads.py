"""Travel costs over a road network: walk to a road, way along roads, walk to the site."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array

from geo.arrays import FloatArray, IntArray, points, positive
from geo.errors import CodeError, ShapeError, UnitError
from geo.routes import Legs, Routes, access_legs, arcs_from, put_sites, short_walks
from geo.travel._table import cost_table, unique_codes


def nearest_by_road(
    routes: Routes, origins: npt.ArrayLike | Legs, sites_xy: npt.ArrayLike
) -> tuple[FloatArray, IntArray]:
    """Lowest travel cost from each origin to any site over a road network, and which site.

    A short walk straight to a site counts, too: see `geo.routes.short_walks`.

    Parameters
    ----------
    routes : the roads.
    origins : float64 [m], shape (n, 2), or what `geo.routes.access_legs` found for them.
    sites_xy : float64 [m], shape (n_sites, 2), same CRS; rows with NaN are left out.

    Returns
    -------
    cost_min : float64 [min], shape (n,); NaN where no way leads to a site.
    site : int64, shape (n,), position in `sites_xy`, -1 where `cost_min` is NaN; of several
        sites equally near, the first.

    Raises
    ------
    ShapeError : the points are not of shape (n, 2).

    Notes
    -----
    One search from all sites at once (Erwig 2000): O((n_nodes + n_sites) log) in effect.

    Examples
    --------
    >>> from geo.model import RoadClass
    >>> from geo.network import road_network
    >>> from geo.routes import prepare_routes
    >>> import geopandas as gpd, shapely
    >>> bow = [shapely.LineString([(0, 0), (0, 2000), (2000, 2000), (2000, 0)])]
    >>> roads = road_network(gpd.GeoDataFrame(geometry=bow, crs="EPSG:4547"))
    >>> routes = prepare_routes(roads, kmh={RoadClass.LOCAL: 6.0}, directed=False, snap_m=500)
    >>> cost_min, site = nearest_by_road(routes, [(0, 0), (9000, 0)], [(2000, 0)])
    >>> cost_min.tolist(), site.tolist()
    ([60.0, nan], [0, -1])
    """
    cost_min, which = k_nearest_by_road(routes, origins, sites_xy, k=1)
    return cost_min[:, 0], which[:, 0]


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

    if k < 1:
        raise UnitError(f"k: {k!r}; wanted 1 or more sites an origin")
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


def road_costs(
    routes: Routes,
    origins: npt.ArrayLike | Legs,
    sites_xy: npt.ArrayLike,
    *,
    area_codes: Sequence[str] | pd.Index | npt.NDArray[np.object_],
    site_ids: Sequence[str] | pd.Index | npt.NDArray[np.object_],
    max_cost_min: float,
) -> pd.DataFrame:
    """Travel costs over a road network of all pairs of area and site within a limit.

    A short walk straight to a site counts, too: see `geo.routes.short_walks`.
    One-way streets count in the direction from the area to the site.

    Parameters
    ----------
    routes : the roads.
    origins : float64 [m], shape (n_areas, 2), or what `geo.routes.access_legs` found for them.
    sites_xy : float64 [m], shape (n_sites, 2), same CRS; a row with NaN is reached by nobody.
    area_codes : str, length n_areas, unique.
    site_ids : str, length n_sites, unique.
    max_cost_min : inclusive limit [min], > 0.

    Returns
    -------
    DataFrame as of `straight_line_costs`. No row where no way leads there within the limit.

    Raises
    ------
    CodeError : a code is doubled.
    ShapeError : the points are not of shape (n, 2), or codes and points differ in length.
    UnitError : the limit is not positive.

    Notes
    -----
    Dijkstra (1959) from each site against the direction of travel, bounded by the limit:
    O(n_sites x nodes within the limit x log), memory follows the pairs.

    Examples
    --------
    >>> from geo.model import RoadClass
    >>> from geo.network import road_network
    >>> from geo.routes import prepare_routes
    >>> import geopandas as gpd, shapely
    >>> line = [shapely.LineString([(0, 0), (4000, 0)])]
    >>> roads = road_network(gpd.GeoDataFrame(geometry=line, crs="EPSG:4547"))
    >>> routes = prepare_routes(roads, kmh={RoadClass.LOCAL: 6.0}, directed=False, snap_m=500)
    >>> road_costs(routes, [(0, 0)], [(1000, 0), (4000, 0)], area_codes=["a"],
    ...     site_ids=["s", "t"], max_cost_min=15)["cost_min"].tolist()
    [10.0]
    """
    legs = origins if isinstance(origins, Legs) else access_legs(routes, origins)
    sites = points("sites_xy", sites_xy)
    areas = unique_codes("area_codes", area_codes, len(legs.xy))
    ids = unique_codes("site_ids", site_ids, len(sites))
    area, site, cost = road_pairs(routes, legs, sites, max_cost_min=max_cost_min)
    return cost_table(areas[area], ids[site], cost)


def road_pairs(
    routes: Routes, origins: npt.ArrayLike | Legs, sites_xy: npt.ArrayLike, *, max_cost_min: float
) -> tuple[IntArray, IntArray, FloatArray]:
    """Do as `road_costs`, by positions instead of codes.

    Parameters
    ----------
    routes, origins, sites_xy, max_cost_min : as of `road_costs`.

    Returns
    -------
    origin, site : int64, shape (n_pairs,), ordered by origin, then by site.
    cost_min : float64 [min], shape (n_pairs,).

    Raises
    ------
    ShapeError : the points are not of shape (n, 2).
    UnitError : the limit is not positive.

    Notes
    -----
    As `road_costs`.

    Examples
    --------
    >>> from geo.model import RoadClass
    >>> from geo.network import road_network
    >>> from geo.routes import prepare_routes
    >>> import geopandas as gpd, shapely
    >>> line = [shapely.LineString([(0, 0), (4000, 0)])]
    >>> roads = road_network(gpd.GeoDataFrame(geometry=line, crs="EPSG:4547"))
    >>> routes = prepare_routes(roads, kmh={RoadClass.LOCAL: 6.0}, directed=False, snap_m=500)
    >>> [part.tolist() for part in road_pairs(routes, [(0, 0)], [(1000, 0)], max_cost_min=15)]
    [[0], [0], [10.0]]
    """
    from geo._dijkstra import pairs_within  # noqa: PLC0415

    limit = positive("max_cost_min", max_cost_min, unit="min")
    legs = origins if isinstance(origins, Legs) else access_legs(routes, origins)
    sited = put_sites(routes, sites_xy)
    n_sites, n_nodes = len(sited.legs.xy), len(sited.graph[0]) - 1
    point, node, minutes = arcs_from(routes, legs, sited)
    near, site, walk = short_walks(routes, legs, sited.legs)
    to, origin, cost_min = pairs_within(
        sited.graph,
        grouped_rows(sited.legs.point, sited.node, sited.legs.minutes, n_sites),
        grouped_rows(node, point, minutes, n_nodes),
        grouped_rows(site, near, walk, n_sites),
        len(legs.xy),
        limit,
    )
    order = np.lexsort((to, origin))
    return origin[order].astype(np.int64), to[order].astype(np.int64), cost_min[order]


def k_nearest_sites(
    graph: csr_array, site_nodes: npt.ArrayLike, *, k: int, limit: float = np.inf
) -> tuple[FloatArray, IntArray]:
    """The k sites cheapest to get to from every node of a graph, and what they cost.

    Parameters
    ----------
    graph : csr_array, shape (n, n): cost of the arc from the row's node to the column's, >= 0;
        what is not stored is no arc. Any unit.
    site_nodes : int, shape (n_sites,): node of each site; several may share one.
    k : so many sites a node, >= 1.
    limit : no site costs more, inclusive, in the unit of the graph, > 0.

    Returns
    -------
    cost : float64, shape (n, k), ascending; NaN where there are fewer sites within the limit.
    site : int64, shape (n, k), position in `site_nodes`, -1 where `cost` is NaN; of equal costs
        the lower position first.

    Raises
    ------
    CodeError : a site's node is not one of the graph.
    ShapeError : the graph is not square.
    UnitError : a cost is negative, infinite or NaN, or an option is out of range.

    Notes
    -----
    One search from all sites at once that keeps k labels a node (Erwig 2000 for k = 1), in
    buckets of cost (Dial 1969) whose labels may be corrected: exact, O(k x n_arcs) in effect.
    Costs are sums from the site outwards, equal to the bit to those of Dijkstra from each site.

    Examples
    --------
    >>> line = csr_array(np.array([[0, 1, 0], [1, 0, 2], [0, 2, 0]], dtype=float))
    >>> cost, site = k_nearest_sites(line, [0, 2], k=2)
    >>> cost.tolist(), site.tolist()
    ([[0.0, 3.0], [1.0, 2.0], [0.0, 3.0]], [[0, 1], [0, 1], [1, 0]])
    """
    from geo._nearest import nearest_k  # noqa: PLC0415

    n = graph.shape[0]
    if graph.shape != (n, n):
        raise ShapeError(f"graph: shape {graph.shape}; wanted as many rows as columns")
    if k < 1:
        raise UnitError(f"k: {k!r}; wanted 1 or more sites a node")
    if not limit > 0:
        raise UnitError(f"limit: {limit!r}; wanted a cost above 0")
    if not (np.isfinite(graph.data) & (graph.data >= 0)).all():
        raise UnitError("graph: a cost is negative, infinite or NaN; wanted costs >= 0")
    nodes = np.asarray(site_nodes, dtype=np.int64).reshape(-1)
    if nodes.size and not (nodes.min() >= 0 and nodes.max() < n):
        raise CodeError(f"site_nodes: a node outside 0..{n - 1}; wanted nodes of the graph")
    back = graph.T.tocsr()
    arcs = (back.indptr.astype(np.int64), back.indices.astype(np.int32), back.data.astype(float))
    seeds = (nodes, np.arange(len(nodes)), np.zeros(len(nodes)))
    cost, site = nearest_k(arcs, seeds, k, float(limit), bucket_min(arcs[2]))
    return np.where(np.isfinite(cost), cost, np.nan), site.astype(np.int64)


def bucket_min(costs: FloatArray) -> float:
    """Width of a bucket of the search: a usual arc, so that few labels are passed on twice.

    Parameters
    ----------
    costs : float64 [min], shape (n_arcs,), >= 0.

    Returns
    -------
    Width [min], above 0, also without arcs.

    Examples
    --------
    >>> bucket_min(np.array([1.0, 3.0])), bucket_min(np.array([]))
    (2.0, 1.0)
    """
    mean = float(costs.mean()) if len(costs) else 0.0
    return mean if mean > 0 else 1.0


def grouped_rows(
    row: npt.NDArray[np.integer], column: npt.NDArray[np.integer], value: FloatArray, n_rows: int
) -> tuple[IntArray, npt.NDArray[np.int32], FloatArray]:
    """Triples in the order of their rows; doubles stay.

    Parameters
    ----------
    row : shape (n,), 0..n_rows - 1.
    column : shape (n,).
    value : shape (n,).
    n_rows : number of rows, empty ones included.

    Returns
    -------
    first : int64, shape (n_rows + 1,), where each row starts, and n at the end.
    column : int32, shape (n,).
    value : float64, shape (n,).

    Examples
    --------
    >>> first, column, value = grouped_rows(
    ...     np.array([2, 0, 2]), np.array([5, 6, 7]), np.array([0.5, 0.6, 0.7]), 3)
    >>> first.tolist(), column.tolist(), value.tolist()
    ([0, 1, 1, 3], [6, 5, 7], [0.6, 0.5, 0.7])
    """
    order = np.argsort(row, kind="stable")
    first = np.append([0], np.cumsum(np.bincount(row, minlength=n_rows)))
    return first.astype(np.int64), column[order].astype(np.int32), value[order]
