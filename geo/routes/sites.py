"""Where the sites stand on a road network, and the arcs that lead to them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.arrays import FloatArray, IntArray
from geo.routes.legs import Legs, access_legs
from geo.routes.prepared import Routes


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
    >>> import geopandas as gpd, shapely
    >>> from geo.model import RoadClass
    >>> from geo.network import road_network
    >>> from geo.routes import prepare_routes
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
    >>> import geopandas as gpd, shapely
    >>> from geo.model import RoadClass
    >>> from geo.network import road_network
    >>> from geo.routes import prepare_routes
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
