"""Ways over a road network: from a point onto the nearest roads, and where the sites stand on it.

A traveller walks from a point to a road (an access leg), goes along roads, and walks from a road
to the site. Any road within the snapping limit may be the one: the quickest way over all decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import cKDTree

from geo.arrays import FloatArray, IntArray, points, positive
from geo.checks import crs_faults, require
from geo.errors import Fault, UnitError
from geo.model import RoadClass
from geo.network import RoadNetwork, edge_minutes

# So many cells at most in a grid over the roads: it is there to look few segments up.
_MOST_CELLS = 2_000_000.0

Bins = tuple[tuple[float, float, float, int, int], IntArray, npt.NDArray[np.int32]]


class Legs(NamedTuple):
    """Ways between points and roads.

    Attributes
    ----------
    xy : float64 [m], shape (n_points, 2): the points.
    point : int64, shape (n_legs,), ascending: position of the point.
    edge : int64, shape (n_legs,): the road.
    share : float64 0..1, shape (n_legs,): where on the edge, from its start.
    minutes : float64 [min], shape (n_legs,): walk between point and road.
    """

    xy: FloatArray
    point: IntArray
    edge: IntArray
    share: FloatArray
    minutes: FloatArray

    @property
    def reached(self) -> npt.NDArray[np.bool_]:
        """Whether each point gets onto a road at all.

        Returns
        -------
        bool, shape (n_points,).
        """
        found = np.zeros(len(self.xy), dtype=np.bool_)
        found[self.point] = True
        return found


class Sited(NamedTuple):
    """Sites put on a network: a graph with a node wherever a way from the road to a site begins.

    Attributes
    ----------
    legs : ways from the roads to the sites.
    graph : reversed arcs: first arc of each row, nodes, minutes.
    breaks : first break of each edge, shares of its length, nodes.
    node : int64, shape (n_legs,): node at which each leg begins.
    """

    legs: Legs
    graph: tuple[IntArray, npt.NDArray[np.int32], FloatArray]
    breaks: tuple[IntArray, FloatArray, IntArray]
    node: IntArray


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


def access_legs(routes: Routes, xy: npt.ArrayLike, *, inward: bool = False) -> Legs:
    """Ways between points and the roads: the nearest, and all within the free distance.

    The nearest road is that of the longest connected piece; nearer ones of other pieces count, too.

    A way is straight, times the detour, at walking speed; it does not cross a barrier, but may
    leave the water in which a point is drawn. It ends at the nearest place on a straight piece of
    road, not only at a junction. Ways that another one beats together with the road behind it are
    left out: they are part of no quickest route.

    Parameters
    ----------
    routes : the roads.
    xy : float64 [m], shape (n, 2), in the network's CRS; a row with NaN gets no leg.
    inward : True for ways from the roads to the points, False for ways to the roads.

    Returns
    -------
    Legs; a point without one gets onto no road.

    Raises
    ------
    ShapeError : the points are not of shape (n, 2).

    Notes
    -----
    O(n x roads within the limit).

    Examples
    --------
    >>> from geo.network import road_network
    >>> lines = gpd.GeoDataFrame(
    ...     geometry=[shapely.LineString([(0, 0), (800, 0)])], crs="EPSG:4547")
    >>> routes = prepare_routes(
    ...     road_network(lines), kmh={RoadClass.LOCAL: 4.8}, directed=False, detour=1)
    >>> legs = access_legs(routes, [(200, 400), (0, 5000)])
    >>> legs.point.tolist(), legs.share.tolist(), legs.minutes.tolist()
    ([0], [0.25], [5.0])
    """
    from geo._legs import find_legs  # noqa: PLC0415

    where = points("xy", xy)
    ways = (routes.forward_min, routes.backward_min)
    point, edge, share, minutes = find_legs(
        where,
        in_water(routes, where).astype(np.int64),
        routes.segments,
        routes.segment_edge,
        routes.segment_from_m,
        routes.bins,
        routes.barriers,
        routes.barrier_bins,
        routes.network.ends,
        routes.network.edge_m,
        # To a point the roads are followed the other way.
        *(ways[::-1] if inward else ways),
        _main(routes.network),
        len(routes.network.node_xy),
        routes.snap_m,
        routes.free_m,
        routes.min_per_m,
    )
    return Legs(where, point, edge, share, minutes)


def in_water(routes: Routes, xy: FloatArray) -> npt.NDArray[np.bool_]:
    """Whether each point lies inside a polygon of the barriers.

    Parameters
    ----------
    routes : the roads with their barriers.
    xy : float64 [m], shape (n, 2); a row with NaN lies in none.

    Returns
    -------
    bool, shape (n,).

    Notes
    -----
    O(n log n_polygons) by an STR-tree.

    Examples
    --------
    >>> from geo.network import road_network
    >>> lines = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (8, 0)])], crs="EPSG:4547")
    >>> lake = gpd.GeoSeries([shapely.box(2, 2, 4, 4)], crs="EPSG:4547")
    >>> routes = prepare_routes(
    ...     road_network(lines), kmh={RoadClass.LOCAL: 4.8}, directed=False, barriers=lake)
    >>> in_water(routes, np.array([[3.0, 3.0], [0.0, 0.0]])).tolist()
    [True, False]
    """
    found = np.zeros(len(xy), dtype=np.bool_)
    known = np.flatnonzero(~np.isnan(xy).any(axis=1))
    if len(routes.water.geometries) and known.size:
        at, _ = routes.water.query(shapely.points(xy[known]), predicate="intersects")
        found[known[at]] = True
    return found


def put_sites(routes: Routes, xy: npt.ArrayLike) -> Sited:
    """Put sites on the network, each wherever a way from a road to it begins.

    Parameters
    ----------
    routes : the roads.
    xy : float64 [m], shape (n_sites, 2), in the network's CRS.

    Returns
    -------
    Sited.

    Raises
    ------
    ShapeError : the points are not of shape (n, 2).

    Notes
    -----
    O(n_edges + n_legs log n_legs).

    Examples
    --------
    >>> from geo.network import road_network
    >>> lines = gpd.GeoDataFrame(
    ...     geometry=[shapely.LineString([(0, 0), (800, 0)])], crs="EPSG:4547")
    >>> routes = prepare_routes(road_network(lines), kmh={RoadClass.LOCAL: 4.8}, directed=False)
    >>> sorted(put_sites(routes, [(200, 0)]).graph[2].tolist())
    [2.5, 2.5, 7.5, 7.5]
    """
    from geo._graph import reversed_graph  # noqa: PLC0415

    legs = access_legs(routes, xy, inward=True)
    network = routes.network
    n_nodes, n_edges = len(network.node_xy), len(network.edge_m)
    start, stop = network.ends[legs.edge].T
    node = np.where(legs.share <= 0, start, stop)
    inside = np.flatnonzero((legs.share > 0) & (legs.share < 1))
    order = inside[np.lexsort((legs.share[inside], legs.edge[inside]))]
    edge, share = legs.edge[order], legs.share[order]
    new = np.append([True], (np.diff(edge) != 0) | (np.diff(share) != 0))[: len(order)]
    node[order] = n_nodes - 1 + np.cumsum(new)
    first = np.append([0], np.cumsum(np.bincount(edge[new], minlength=n_edges)))
    breaks = (first.astype(np.int64), share[new], node[order][new])
    n_all = n_nodes + int(new.sum())
    graph = reversed_graph(network.ends, routes.forward_min, routes.backward_min, breaks, n_all)
    return Sited(legs, graph, breaks, node)


def arcs_from(
    routes: Routes, legs: Legs, sited: Sited
) -> tuple[IntArray, npt.NDArray[np.int32], FloatArray]:
    """Arcs from points to the nodes on both sides of where their legs end.

    Parameters
    ----------
    routes : the roads.
    legs : outward, of these roads.
    sited : sites on these roads.

    Returns
    -------
    point, node, minutes: in the order of the points.

    Notes
    -----
    O(n_legs log n_sites).

    Examples
    --------
    >>> from geo.network import road_network
    >>> lines = gpd.GeoDataFrame(
    ...     geometry=[shapely.LineString([(0, 0), (800, 0)])], crs="EPSG:4547")
    >>> routes = prepare_routes(road_network(lines), kmh={RoadClass.LOCAL: 4.8}, directed=False)
    >>> sited = put_sites(routes, [(200, 0)])
    >>> [part.tolist() for part in arcs_from(routes, access_legs(routes, [(400, 0)]), sited)]
    [[0, 0], [2, 1], [2.5, 5.0]]
    """
    from geo._graph import arcs_of_legs  # noqa: PLC0415

    costs, nodes = arcs_of_legs(
        legs.edge,
        legs.share,
        legs.minutes,
        routes.network.ends,
        routes.forward_min,
        routes.backward_min,
        sited.breaks,
    )
    allowed = np.isfinite(costs)
    return np.repeat(legs.point, 2)[allowed.ravel()], nodes[allowed], costs[allowed]


def short_walks(
    routes: Routes, origins: Legs, sites: Legs
) -> tuple[IntArray, IntArray, FloatArray]:
    """Walks straight from points to sites, across no barrier.

    A walk within the free distance counts; a longer one, up to the snapping limit, where the
    nearest road is at least as far from the point or from the site as they are from each other.

    Parameters
    ----------
    routes : the roads.
    origins : points, with their ways to the roads.
    sites : sites, with the ways from the roads to them.

    Returns
    -------
    point, site, minutes: straight line x detour at walking speed.

    Notes
    -----
    O(n log n_sites + n_walks) by a k-d tree.

    Examples
    --------
    >>> from geo.network import road_network
    >>> lines = gpd.GeoDataFrame(
    ...     geometry=[shapely.LineString([(0, 0), (800, 0)])], crs="EPSG:4547")
    >>> routes = prepare_routes(
    ...     road_network(lines), kmh={RoadClass.LOCAL: 4.8}, directed=False, detour=1)
    >>> start = access_legs(routes, [(0, 0)])
    >>> sites = access_legs(routes, [(0, 80), (500, 0)], inward=True)
    >>> [part.tolist() for part in short_walks(routes, start, sites)]
    [[0], [0], [1.0]]
    """
    from geo._legs import unblocked  # noqa: PLC0415

    origins_xy, sites_xy = origins.xy, sites.xy
    known = np.flatnonzero(~np.isnan(origins_xy).any(axis=1))
    placed = np.flatnonzero(~np.isnan(sites_xy).any(axis=1))
    near = cKDTree(origins_xy[known]).sparse_distance_matrix(
        cKDTree(sites_xy[placed]), routes.snap_m, output_type="ndarray"
    )
    point, site, metres = known[near["i"]], placed[near["j"]], near["v"]
    to_road = np.maximum(_shortest(routes, origins)[point], _shortest(routes, sites)[site])
    counts = metres <= np.maximum(routes.free_m, to_road)
    point, site, metres = point[counts], site[counts], metres[counts]
    wet_point, wet_site = in_water(routes, origins_xy), in_water(routes, sites_xy)
    free = unblocked(
        origins_xy[point],
        sites_xy[site],
        wet_point[point].astype(np.int64) + wet_site[site],
        routes.barriers,
        routes.barrier_bins,
    )
    return point[free], site[free], metres[free] * routes.min_per_m


def _shortest(routes: Routes, legs: Legs) -> FloatArray:
    """Metres from each point to the nearest road of the main piece; infinite where none is near."""
    metres = np.full(len(legs.xy), np.inf)
    main = _main(routes.network)[legs.edge]
    np.minimum.at(metres, legs.point[main], legs.minutes[main] / routes.min_per_m)
    return metres


def _main(network: RoadNetwork) -> npt.NDArray[np.bool_]:
    """Edges of the longest connected piece."""
    found: npt.NDArray[np.bool_] = network.piece[network.ends[:, 0]] == 0
    return found


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
