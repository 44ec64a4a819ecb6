"""A road network out of lines: junctions, edges between them, what each edge allows.

Coordinates are metric. Nothing here knows of minutes but `edge_minutes`: the same network serves
walkers and cars.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from geo import _noding
from geo.arrays import BoolArray, FloatArray, Int8Array, IntArray, positive
from geo.checks import crs_faults, require
from geo.errors import Fault, ShapeError, UnitError
from geo.model import ROAD_CLASSES, RoadClass

# A line whose class is missing or unknown is taken for a local road.
DEFAULT_CLASS = RoadClass.LOCAL


@dataclass(frozen=True)
class RoadNetwork:
    """Junctions and the edges between them.

    Attributes
    ----------
    node_xy : float64 [m], shape (n_nodes, 2).
    ends : int64, shape (n_edges, 2): nodes where each edge starts and stops, as drawn.
    edge_m : float64 [m], shape (n_edges,): length along the line.
    edge_class : int8, shape (n_edges,): position in `geo.model.ROAD_CLASSES`.
    one_way : int8, shape (n_edges,): 1 only as drawn, -1 only against it, 0 both.
    speed_kmh : float64 [km/h], shape (n_edges,): own speed, NaN where the class decides.
    line : int64, shape (n_edges,): row of the line that the edge is a part of.
    segments : float64 [m], shape (n_segments, 4): x, y, x, y of every straight piece.
    segment_edge : int64, shape (n_segments,).
    segment_from_m : float64 [m], shape (n_segments,): where on its edge the piece starts.
    piece : int64, shape (n_nodes,): connected piece of each node, the longest first.
    piece_m : float64 [m], shape (n_pieces,): length of the edges of each piece.
    n_default_class : lines whose class was missing or unknown.
    """

    node_xy: FloatArray
    ends: IntArray
    edge_m: FloatArray
    edge_class: Int8Array
    one_way: Int8Array
    speed_kmh: FloatArray
    line: IntArray
    segments: FloatArray
    segment_edge: IntArray
    segment_from_m: FloatArray
    piece: IntArray
    piece_m: FloatArray
    n_default_class: int

    @property
    def n_pieces(self) -> int:
        """Number of connected pieces.

        Returns
        -------
        The length of `piece_m`.
        """
        return len(self.piece_m)

    @property
    def largest_share(self) -> float:
        """Share of the length that the longest piece holds.

        Returns
        -------
        0..1; NaN without edges.
        """
        total = float(self.piece_m.sum())
        return float(self.piece_m[0]) / total if total > 0 else float("nan")


def road_network(
    lines: gpd.GeoDataFrame, *, tolerance_m: float = 0.5, join_crossings: bool = True
) -> RoadNetwork:
    """Build a network from lines as departments draw them.

    Lines meet where they share a vertex, or where an end lies within the tolerance of a vertex.
    With `join_crossings` they also meet where they merely cross, and where an end lies on another
    line: so lines are joined that were drawn without junctions. Lines that `passes` marks, and
    motorways, are never joined by crossing: bridges, underpasses, tunnels.

    Parameters
    ----------
    lines : LineString or MultiLineString in a metric CRS, at least one. Optional columns:
        `road_class` str, a `RoadClass` value, missing or unknown counts as `DEFAULT_CLASS`;
        `one_way` int -1, 0, 1, missing counts as 0; `speed_kmh` float64 > 0, NaN where the class
        decides; `passes` bool.
    tolerance_m : ends so near to a vertex or a crossing are it [m], > 0.
    join_crossings : whether lines that cross without a shared vertex are joined.

    Returns
    -------
    RoadNetwork; its pieces say what is not connected.

    Raises
    ------
    FaultsError : everything wrong with the lines, at once: no rows, no metric CRS, missing
        geometry, no line, zero length, infinite coordinates, a speed or a direction out of range.
    UnitError : the tolerance is not positive.

    Notes
    -----
    O(n log n) in vertices; crossings by an STR-tree. Two ends that are both within the tolerance
    of a third are one node, even if farther apart than that.

    Examples
    --------
    >>> cross = [shapely.LineString([(0, 0), (2, 2)]), shapely.LineString([(0, 2), (2, 0)])]
    >>> lines = gpd.GeoDataFrame(geometry=cross, crs="EPSG:4547")
    >>> len(road_network(lines).edge_m), road_network(lines).n_pieces
    (4, 1)
    >>> road_network(lines, join_crossings=False).n_pieces
    2
    """
    tolerance = positive("tolerance_m", tolerance_m, unit="m")
    require("roads", road_faults(lines))
    shapes = np.asarray(lines.geometry.array)
    row_class, n_default = _classes(lines)
    passes = _flags(lines, "passes") | (row_class == ROAD_CLASSES.index(RoadClass.MOTORWAY))
    parts, part_row = shapely.get_parts(shapes, return_index=True)
    paths = _noding.vertices(parts)
    if join_crossings:
        paths = _noding.join(paths, ~passes[part_row], tolerance_m=tolerance)
    paths = _noding.merge_ends(paths, tolerance_m=tolerance)
    edges = _noding.cut(paths)
    row = part_row[edges.path].astype(np.int64)
    nodes, ends = np.unique(edges.ends, return_inverse=True)
    ends = ends.reshape(-1, 2).astype(np.int64)
    piece, piece_m = _pieces(len(nodes), ends, edges.length_m)
    return RoadNetwork(
        node_xy=paths.xy[nodes],
        ends=ends,
        edge_m=edges.length_m,
        edge_class=row_class[row],
        one_way=_column(lines, "one_way", 0.0)[row].astype(np.int8),
        speed_kmh=_column(lines, "speed_kmh", np.nan)[row],
        line=row,
        segments=edges.segments,
        segment_edge=edges.segment_edge,
        segment_from_m=edges.segment_from_m,
        piece=piece,
        piece_m=piece_m,
        n_default_class=n_default,
    )


def road_faults(lines: gpd.GeoDataFrame) -> list[Fault]:
    """Find everything that keeps lines from being a network.

    Parameters
    ----------
    lines : as `road_network` wants them.

    Returns
    -------
    Faults, at most one a rule, with the first rows; for `geo.checks.require`.

    Notes
    -----
    O(n vertices). A class that is unknown is no fault: see `RoadNetwork.n_default_class`.

    Examples
    --------
    >>> dot = gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)])
    >>> [fault.came for fault in road_faults(dot)]
    ['no CRS', '1 geometry(ies) that are no line, first in row 0']
    """
    if len(lines) == 0:
        return [Fault("roads", "no rows", "at least one line")]
    faults = crs_faults("roads", lines.geometry)
    shapes = np.asarray(lines.geometry.array)
    nothing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    other = ~nothing & ~np.isin(shapely.get_type_id(shapes), (1, 2, 5))
    finite = np.isfinite(shapely.bounds(shapes)).all(axis=1)
    short = ~nothing & ~other & finite & ~(shapely.length(shapes) > 0)
    rules: list[tuple[BoolArray, str, str]] = [
        (nothing, "missing or empty geometry(ies)", "a line in every row"),
        (other, "geometry(ies) that are no line", "LineString or MultiLineString"),
        (~nothing & ~finite, "line(s) with an infinite coordinate", "numbers"),
        (short, "line(s) of zero length", "lines longer than 0"),
    ]
    if "speed_kmh" in lines.columns:
        speed = _column(lines, "speed_kmh", np.nan)
        bad = ~np.isnan(speed) & ~((speed > 0) & np.isfinite(speed))
        rules.append((bad, "speed(s) of 0 or below", "speed_kmh > 0, missing where unknown"))
    if "one_way" in lines.columns:
        way = _column(lines, "one_way", 0.0)
        rules.append((~np.isin(way, (-1, 0, 1)), "direction(s) out of range", "-1, 0 or 1"))
    for bad, came, wanted in rules:
        if bad.any():
            first = int(np.argmax(bad))
            faults.append(Fault("roads", f"{int(bad.sum())} {came}, first in row {first}", wanted))
    return faults


def edge_minutes(
    network: RoadNetwork, *, kmh: Mapping[RoadClass, float], directed: bool
) -> tuple[FloatArray, FloatArray]:
    """Minutes along each edge as drawn and against it.

    Parameters
    ----------
    network : the roads.
    kmh : speed [km/h] by class, > 0; a class that is left out cannot be used.
    directed : True minds one-way streets and the edges' own speeds (a car), False neither.

    Returns
    -------
    forward_min, backward_min : float64 [min], shape (n_edges,); infinite where not allowed.

    Raises
    ------
    UnitError : a speed is not positive, or no class has one.

    Notes
    -----
    O(n_edges).

    Examples
    --------
    >>> line = gpd.GeoDataFrame(
    ...     {"one_way": [1]}, geometry=[shapely.LineString([(0, 0), (500, 0)])], crs="EPSG:4547")
    >>> car, foot = {RoadClass.LOCAL: 30.0}, {RoadClass.LOCAL: 5.0}
    >>> [float(m[0]) for m in edge_minutes(road_network(line), kmh=car, directed=True)]
    [1.0, inf]
    >>> [float(m[0]) for m in edge_minutes(road_network(line), kmh=foot, directed=False)]
    [6.0, 6.0]
    """
    if not kmh:
        raise UnitError("kmh: no class has a speed; wanted at least one that can be used")
    speed = np.zeros(len(ROAD_CLASSES))
    for road_class, value in kmh.items():
        speed[ROAD_CLASSES.index(RoadClass(road_class))] = positive(
            f"kmh of {road_class}", value, unit="km/h"
        )
    pace = speed[network.edge_class]
    if directed:
        own = ~np.isnan(network.speed_kmh) & (pace > 0)
        pace = np.where(own, network.speed_kmh, pace)
    with np.errstate(divide="ignore"):
        minutes = np.where(pace > 0, network.edge_m * 60.0 / (pace * 1000.0), np.inf)
    if not directed:
        return minutes, minutes.copy()
    return (
        np.where(network.one_way >= 0, minutes, np.inf),
        np.where(network.one_way <= 0, minutes, np.inf),
    )


def minutes_graph(
    network: RoadNetwork, forward_min: FloatArray, backward_min: FloatArray
) -> csr_array:
    """Arcs between nodes by time, the quickest of parallel ones.

    Parameters
    ----------
    network : the roads.
    forward_min, backward_min : float64 [min], as `edge_minutes` returns them.

    Returns
    -------
    csr_array [min], shape (n_nodes, n_nodes): row is from, column is to.

    Raises
    ------
    ShapeError : not one value an edge.

    Examples
    --------
    >>> lines = gpd.GeoDataFrame(
    ...     geometry=[shapely.LineString([(0, 0), (500, 0)])], crs="EPSG:4547")
    >>> roads = road_network(lines)
    >>> minutes = edge_minutes(roads, kmh={RoadClass.LOCAL: 30.0}, directed=True)
    >>> minutes_graph(roads, *minutes).toarray().tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    if forward_min.shape != network.edge_m.shape or backward_min.shape != network.edge_m.shape:
        raise ShapeError("edge minutes: wanted one forward and one backward value an edge")
    start, stop = network.ends.T
    arcs = pd.DataFrame(
        {
            "start": np.concatenate([start, stop]),
            "stop": np.concatenate([stop, start]),
            "minutes": np.concatenate([forward_min, backward_min]),
        }
    )
    arcs = arcs[np.isfinite(arcs["minutes"]) & (arcs["start"] != arcs["stop"])]
    arcs = arcs.groupby(["start", "stop"], sort=True, as_index=False)["minutes"].min()
    n = len(network.node_xy)
    places = (arcs["start"].to_numpy(), arcs["stop"].to_numpy())
    return coo_array((arcs["minutes"].to_numpy(), places), shape=(n, n)).tocsr()


def _pieces(n_nodes: int, ends: IntArray, edge_m: FloatArray) -> tuple[IntArray, FloatArray]:
    """Connected piece of each node, the longest first, and how long each is."""
    links = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(n_nodes, n_nodes))
    n, label = connected_components(links.tocsr(), directed=False)
    length = np.bincount(label[ends[:, 0]], weights=edge_m, minlength=n)
    order = np.argsort(-length, kind="stable")
    rank = np.empty(n, dtype=np.int64)
    rank[order] = np.arange(n)
    return rank[label], length[order].astype(np.float64)


def _classes(lines: gpd.GeoDataFrame) -> tuple[Int8Array, int]:
    default = ROAD_CLASSES.index(DEFAULT_CLASS)
    if "road_class" not in lines.columns:
        return np.full(len(lines), default, dtype=np.int8), len(lines)
    at = pd.Index([str(c) for c in ROAD_CLASSES]).get_indexer(pd.Index(lines["road_class"]))
    return np.where(at < 0, default, at).astype(np.int8), int((at < 0).sum())


def _column(lines: gpd.GeoDataFrame, name: str, missing: float) -> FloatArray:
    if name not in lines.columns:
        return np.full(len(lines), missing)
    values = pd.to_numeric(lines[name]).to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isnan(values), missing, values)


def _flags(lines: gpd.GeoDataFrame, name: str) -> npt.NDArray[np.bool_]:
    if name not in lines.columns:
        return np.zeros(len(lines), dtype=np.bool_)
    return np.asarray(_column(lines, name, 0.0) != 0, dtype=np.bool_)
