"""Ways between points and the roads, and short walks straight from point to site."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import cKDTree

from geo.arrays import FloatArray, IntArray, points
from geo.network import RoadNetwork
from geo.routes.prepared import Routes


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
    >>> import geopandas as gpd, shapely
    >>> from geo.model import RoadClass
    >>> from geo.network import road_network
    >>> from geo.routes import prepare_routes
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
    >>> import geopandas as gpd, shapely
    >>> from geo.model import RoadClass
    >>> from geo.network import road_network
    >>> from geo.routes import prepare_routes
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
        # The tree would test each point against all corners; the polygons are prepared.
        at, which = routes.water.query(shapely.points(xy[known]))
        point = known[at]
        inside = shapely.intersects_xy(routes.water.geometries[which], xy[point, 0], xy[point, 1])
        found[point[inside]] = True
    return found


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
    >>> import geopandas as gpd, shapely
    >>> from geo.model import RoadClass
    >>> from geo.network import road_network
    >>> from geo.routes import prepare_routes
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
    # Of many points few are near a site: only those are looked for in the water.
    wet_point, used = np.zeros(len(origins_xy), dtype=np.bool_), np.unique(point)
    wet_point[used] = in_water(routes, origins_xy[used])
    wet_site = in_water(routes, sites_xy)
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
