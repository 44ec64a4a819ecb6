"""Where lines meet: vertices that are one, crossings, and the cut into edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from geo.arrays import BoolArray, FloatArray, IntArray

# Vertices so near are one whatever the tolerance: what a change of CRS leaves of equal ones.
_SAME_M = 0.001


@dataclass(frozen=True)
class Paths:
    """Lines as sequences of vertices.

    Attributes
    ----------
    xy : vertices [m], shape (n_vertices, 2).
    at : vertex of each step, path after path, shape (n_steps,).
    path : path of each step, ascending.
    """

    xy: FloatArray
    at: IntArray
    path: IntArray

    @property
    def inner(self) -> BoolArray:
        """Whether the step goes on to the next one, on the same path.

        Returns
        -------
        bool, shape (n_steps,).
        """
        return np.append(self.path[1:] == self.path[:-1], [False])

    @property
    def is_end(self) -> BoolArray:
        """Whether the step is the first or the last of its path.

        Returns
        -------
        bool, shape (n_steps,).
        """
        goes_on = self.inner
        comes_from: BoolArray = np.append([False], goes_on[:-1])
        is_end: BoolArray = ~(goes_on & comes_from)
        return is_end


class Edges(NamedTuple):
    """Parts of paths between nodes; see `geo.network.RoadNetwork`."""

    ends: IntArray
    length_m: FloatArray
    path: IntArray
    segments: FloatArray
    segment_edge: IntArray
    segment_from_m: FloatArray


def vertices(lines: np.ndarray) -> Paths:
    """Lines as paths; vertices at the same place are one.

    Parameters
    ----------
    lines : shapely lines.

    Returns
    -------
    Paths, one a line; a vertex is kept once.
    """
    xy, path = shapely.get_coordinates(lines, return_index=True)
    grid = np.round(xy / _SAME_M).astype(np.int64)
    order = np.lexsort((grid[:, 1], grid[:, 0]))
    changes = np.append([True], (np.diff(grid[order], axis=0) != 0).any(axis=1))
    at = np.empty(len(xy), dtype=np.int64)
    at[order] = np.cumsum(changes) - 1
    return _without_steps_in_place(Paths(xy[order[changes]], at, path.astype(np.int64)))


def _without_steps_in_place(paths: Paths) -> Paths:
    """Paths whose steps all go somewhere."""
    stays = np.append(
        [False], (paths.at[1:] == paths.at[:-1]) & (paths.path[1:] == paths.path[:-1])
    )
    return Paths(paths.xy, paths.at[~stays], paths.path[~stays])


def join(paths: Paths, joins: BoolArray, *, tolerance_m: float) -> Paths:
    """Give lines that cross, and ends that lie on a line, a vertex in common.

    Parameters
    ----------
    paths : the lines.
    joins : whether each path is joined where it crosses another that is.
    tolerance_m : an end so near to a line lies on it.

    Returns
    -------
    Paths with the new vertices.
    """
    first = np.flatnonzero(paths.inner)
    a, b = paths.xy[paths.at[first]], paths.xy[paths.at[first + 1]]
    tree = shapely.STRtree(np.asarray(shapely.linestrings(np.stack([a, b], axis=1))))
    cuts = _crossings(paths, first, tree, joins)
    cuts = _merged(cuts, _touches(paths, first, tree, joins, tolerance_m=tolerance_m))
    if cuts.step.size == 0:
        return paths
    new = np.arange(len(cuts.xy)) + len(paths.xy)
    at = np.where(cuts.vertex < 0, new, cuts.vertex)
    xy = np.vstack([paths.xy, cuts.xy])
    place = np.concatenate([np.arange(len(paths.at), dtype=np.float64), cuts.step + cuts.share])
    order = np.argsort(place, kind="stable")
    steps = np.concatenate([paths.at, at[cuts.same]])
    path = np.concatenate([paths.path, paths.path[cuts.step]])
    return _without_steps_in_place(Paths(xy, steps[order], path[order]))


class _Cuts(NamedTuple):
    """New vertices on steps.

    `step` and `share` say where, `same` which new vertex; a vertex has a place `xy`, and is an
    old one where `vertex` is not negative.
    """

    step: IntArray
    share: FloatArray
    same: IntArray
    xy: FloatArray
    vertex: IntArray


def _merged(one: _Cuts, other: _Cuts) -> _Cuts:
    return _Cuts(
        np.concatenate([one.step, other.step]),
        np.concatenate([one.share, other.share]),
        np.concatenate([one.same, other.same + len(one.xy)]),
        np.vstack([one.xy, other.xy]),
        np.concatenate([one.vertex, other.vertex]),
    )


def _crossings(paths: Paths, first: IntArray, tree: shapely.STRtree, joins: BoolArray) -> _Cuts:
    """Where two steps cross that have no vertex in common."""
    usable = np.flatnonzero(joins[paths.path[first]])
    left, right = tree.query(tree.geometries[usable], predicate="intersects")
    left = usable[left]
    keep = (left < right) & joins[paths.path[first[right]]]
    left, right = first[left[keep]], first[right[keep]]
    ends = [paths.at[left], paths.at[left + 1], paths.at[right], paths.at[right + 1]]
    apart = (ends[0] != ends[2]) & (ends[0] != ends[3])
    apart &= (ends[1] != ends[2]) & (ends[1] != ends[3])
    left, right = left[apart], right[apart]
    p, r = paths.xy[paths.at[left]], paths.xy[paths.at[left + 1]] - paths.xy[paths.at[left]]
    q, s = paths.xy[paths.at[right]], paths.xy[paths.at[right + 1]] - paths.xy[paths.at[right]]
    cross = r[:, 0] * s[:, 1] - r[:, 1] * s[:, 0]
    real = cross != 0  # lines along each other meet at their ends, which are looked at apart
    p, r, q, s, cross = p[real], r[real], q[real], s[real], cross[real]
    left, right = left[real], right[real]
    t = np.clip(((q - p)[:, 0] * s[:, 1] - (q - p)[:, 1] * s[:, 0]) / cross, 0.0, 1.0)
    u = np.clip(((q - p)[:, 0] * r[:, 1] - (q - p)[:, 1] * r[:, 0]) / cross, 0.0, 1.0)
    number = np.arange(len(t))
    return _Cuts(
        np.concatenate([left, right]),
        np.concatenate([t, u]),
        np.concatenate([number, number]),
        p + t[:, None] * r,
        np.full(len(t), -1, dtype=np.int64),
    )


def _touches(
    paths: Paths, first: IntArray, tree: shapely.STRtree, joins: BoolArray, *, tolerance_m: float
) -> _Cuts:
    """Where the end of one path lies on a step of another."""
    last = np.flatnonzero(paths.is_end)
    last = last[joins[paths.path[last]]]
    points = shapely.points(paths.xy[paths.at[last]])
    end, on = tree.query(points, predicate="dwithin", distance=tolerance_m)
    vertex, step = paths.at[last[end]], first[on]
    keep = (paths.at[step] != vertex) & (paths.at[step + 1] != vertex)
    # An end on its own line is a knot in the drawing, not a junction.
    keep &= (paths.path[step] != paths.path[last[end]]) & joins[paths.path[step]]
    vertex, step = vertex[keep], step[keep]
    a, b = paths.xy[paths.at[step]], paths.xy[paths.at[step + 1]]
    along = ((paths.xy[vertex] - a) * (b - a)).sum(axis=1) / ((b - a) ** 2).sum(axis=1)
    inside = (along > 0) & (along < 1)
    vertex, step, along = vertex[inside], step[inside], along[inside]
    return _Cuts(step, along, np.arange(len(step)), paths.xy[vertex], vertex)


def merge_ends(paths: Paths, *, tolerance_m: float) -> Paths:
    """Make one of ends of lines and the vertices within the tolerance of them.

    Parameters
    ----------
    paths : the lines.
    tolerance_m : vertices so near are one, inclusive.

    Returns
    -------
    Paths over fewer vertices.
    """
    ends = np.unique(paths.at[paths.is_end])
    counts = np.bincount(paths.at, minlength=len(paths.xy))
    ends = np.union1d(ends, np.flatnonzero(counts > 1))
    used = np.flatnonzero(counts)
    near = cKDTree(paths.xy[ends]).sparse_distance_matrix(
        cKDTree(paths.xy[used]), tolerance_m, output_type="ndarray"
    )
    n = len(paths.xy)
    links = coo_array((np.ones(len(near)), (ends[near["i"]], used[near["j"]])), shape=(n, n))
    n_groups, group = connected_components(links.tocsr(), directed=False)
    if n_groups == n:
        return paths
    # The vertex that was there first gives the place.
    first = np.full(n_groups, n, dtype=np.int64)
    np.minimum.at(first, group[used], used)
    return _without_steps_in_place(Paths(paths.xy, first[group[paths.at]], paths.path))


def cut(paths: Paths) -> Edges:
    """Cut paths at their ends and wherever a vertex is passed more than once.

    Parameters
    ----------
    paths : the lines.

    Returns
    -------
    Edges in the order of the paths; ends are vertices of the paths.
    """
    first = np.flatnonzero(paths.inner)
    visits = np.bincount(paths.at, minlength=len(paths.xy))
    is_node = paths.is_end | (visits[paths.at] > 1)
    edge = np.cumsum(is_node[first]) - 1  # a path's first step is a node, so every edge has one
    a, b = paths.xy[paths.at[first]], paths.xy[paths.at[first + 1]]
    length = np.hypot(*(b - a).T)
    begins = np.flatnonzero(is_node[first])
    stops = np.append(begins[1:], len(first)) - 1
    along = np.append([0.0], np.cumsum(length))
    total = np.add.reduceat(length, begins) if len(begins) else np.empty(0)
    return Edges(
        ends=np.column_stack([paths.at[first[begins]], paths.at[first[stops] + 1]]),
        length_m=total,
        path=paths.path[first[begins]],
        segments=np.hstack([a, b]),
        segment_edge=edge.astype(np.int64),
        segment_from_m=np.maximum(along[:-1] - along[begins][edge], 0.0),
    )
