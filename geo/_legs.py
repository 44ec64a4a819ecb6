"""Compiled search for the ways from points onto roads. Imported by the function that uses it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from geo._graph import Positions, longer
from geo.arrays import FloatArray, IntArray

# West, south, side of a cell [m], columns, rows; first member of each cell; members.
Bins = tuple[tuple[float, float, float, int, int], IntArray, Positions]


@njit(cache=True, error_model="numpy")
def bin_segments(
    segments: FloatArray, grid: tuple[float, float, float, int, int]
) -> tuple[IntArray, Positions]:
    """Segments whose box touches each cell of a grid: where each cell starts, and its members.

    Parameters
    ----------
    segments : x, y, x, y [m], shape (n, 4).
    grid : west, south, side of a cell [m], columns, rows: all segments lie in it.

    Returns
    -------
    int64, shape (n_cells + 1,), and int32.
    """
    west, south, size, n_cols, n_rows = grid
    first = np.zeros(n_cols * n_rows + 1, np.int64)
    members = np.empty(0, np.int32)
    for fill in range(2):
        for s in range(segments.shape[0]):
            x0, y0, x1, y1 = segments[s]
            for row in range(
                int((min(y0, y1) - south) / size), int((max(y0, y1) - south) / size) + 1
            ):
                for col in range(
                    int((min(x0, x1) - west) / size), int((max(x0, x1) - west) / size) + 1
                ):
                    cell = row * n_cols + col
                    if fill == 0:
                        first[cell + 1] += 1
                    else:
                        first[cell] -= 1
                        members[first[cell]] = s
        if fill == 0:
            for cell in range(n_cols * n_rows):
                first[cell + 1] += first[cell]
            members = np.empty(first[-1], np.int32)
            for cell in range(n_cols * n_rows):
                first[cell] = first[cell + 1]
    return first, members


@njit(cache=True, error_model="numpy")
def crossings(
    x0: float, y0: float, x1: float, y1: float, segments: FloatArray, bins: Bins, most: int
) -> int:
    """How often a straight way crosses segments; counted no further than one above `most`.

    Parameters
    ----------
    x0, y0, x1, y1 : the way [m].
    segments : what it may cross, x, y, x, y [m], shape (n, 4).
    bins : the grid over them, from `bin_segments`.
    most : where counting stops.

    Returns
    -------
    0 to `most` + 1.
    """
    west, south, size, n_cols, n_rows = bins[0]
    first_row = max(int(np.floor((min(y0, y1) - south) / size)), 0)
    last_row = min(int(np.floor((max(y0, y1) - south) / size)), n_rows - 1)
    first_col = max(int(np.floor((min(x0, x1) - west) / size)), 0)
    last_col = min(int(np.floor((max(x0, x1) - west) / size)), n_cols - 1)
    found = 0
    for row in range(first_row, last_row + 1):
        for col in range(first_col, last_col + 1):
            cell = row * n_cols + col
            for at in range(bins[1][cell], bins[1][cell + 1]):
                s = bins[2][at]
                ax, ay, bx, by = segments[s]
                # Counted in one cell only: the first that both boxes touch.
                own_col = max(int((min(ax, bx) - west) / size), first_col)
                own_row = max(int((min(ay, by) - south) / size), first_row)
                if own_col != col or own_row != row:
                    continue
                # Half-open on both sides: a way through a vertex crosses once, or turns back.
                left = (x1 - x0) * (ay - y0) - (y1 - y0) * (ax - x0) > 0.0
                right = (x1 - x0) * (by - y0) - (y1 - y0) * (bx - x0) > 0.0
                if left == right:
                    continue
                start = (bx - ax) * (y0 - ay) - (by - ay) * (x0 - ax) > 0.0
                stop = (bx - ax) * (y1 - ay) - (by - ay) * (x1 - ax) > 0.0
                if start != stop:
                    found += 1
                    if found > most:
                        return found
    return found


@njit(cache=True, error_model="numpy")
def unblocked(
    start: FloatArray, stop: FloatArray, most: IntArray, segments: FloatArray, bins: Bins
) -> npt.NDArray[np.bool_]:
    """Whether each straight way crosses segments no more often than it may.

    Parameters
    ----------
    start, stop : the ways [m], shape (n, 2) each.
    most : so many crossings are free, shape (n,).
    segments : what they may cross, x, y, x, y [m].
    bins : the grid over them.

    Returns
    -------
    bool, shape (n,).
    """
    free = np.empty(start.shape[0], np.bool_)
    for i in range(start.shape[0]):
        free[i] = (
            crossings(start[i, 0], start[i, 1], stop[i, 0], stop[i, 1], segments, bins, most[i])
            <= most[i]
        )
    return free


@njit(cache=True, error_model="numpy")
def find_legs(
    xy: FloatArray,
    most: IntArray,
    segments: FloatArray,
    segment_edge: IntArray,
    segment_from: FloatArray,
    roads: Bins,
    barriers: FloatArray,
    barrier_bins: Bins,
    ends: IntArray,
    edge_m: FloatArray,
    forward: FloatArray,
    backward: FloatArray,
    main: npt.NDArray[np.bool_],
    n_nodes: int,
    snap_m: float,
    free_m: float,
    min_per_m: float,
) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Ways from points to the nearest place on every straight piece of road within a distance.

    Beyond `free_m` no way is farther than the nearest road of the main piece. A way is left out if
    another one and the road behind it are no slower: no route that begins with it can be quicker
    than the one that begins with the other.

    Parameters
    ----------
    xy : points [m], shape (n, 2); NaN has no ways.
    most : barriers that each may cross, shape (n,).
    segments, segment_edge, segment_from : straight pieces of road, see `geo.routes.Routes`.
    roads : the grid over them.
    barriers, barrier_bins : straight pieces of barriers, and the grid over them.
    ends, edge_m, forward, backward : of each edge: nodes, metres, minutes as drawn and against it.
    main : edges of the longest connected piece.
    n_nodes : number of nodes.
    snap_m : longest way [m], inclusive.
    free_m : longest way past the nearest road [m], inclusive.
    min_per_m : minutes of a metre of it.

    Returns
    -------
    point, edge, share of the edge's length from its start, minutes: point after point.
    """
    west, south, size, n_cols, n_rows = roads[0]
    seen = np.full(segments.shape[0], -1, np.int32)
    node_stamp, node_cost = np.full(n_nodes, -1, np.int32), np.empty(n_nodes)
    edge_stamp = np.full(ends.shape[0], -1, np.int32)
    edge_share, edge_cost = np.empty(ends.shape[0]), np.empty(ends.shape[0])
    near, metres = np.empty(1 << 8, np.int32), np.empty(1 << 8)
    out_point, out_edge = np.empty(1 << 12, np.int64), np.empty(1 << 12, np.int64)
    out_share, out_cost = np.empty(1 << 12), np.empty(1 << 12)
    n_out = 0
    for i in range(xy.shape[0]):
        x, y = xy[i]
        if np.isnan(x) or np.isnan(y):
            continue
        n_near = 0
        first_row = max(int(np.floor((y - snap_m - south) / size)), 0)
        last_row = min(int(np.floor((y + snap_m - south) / size)), n_rows - 1)
        first_col = max(int(np.floor((x - snap_m - west) / size)), 0)
        last_col = min(int(np.floor((x + snap_m - west) / size)), n_cols - 1)
        for row in range(first_row, last_row + 1):
            for col in range(first_col, last_col + 1):
                cell = row * n_cols + col
                for at in range(roads[1][cell], roads[1][cell + 1]):
                    s = roads[2][at]
                    if seen[s] == i:
                        continue
                    seen[s] = i
                    t = _foot(x, y, segments, s)
                    dx = segments[s, 0] + t * (segments[s, 2] - segments[s, 0]) - x
                    dy = segments[s, 1] + t * (segments[s, 3] - segments[s, 1]) - y
                    d = np.sqrt(dx * dx + dy * dy)
                    if d <= snap_m:
                        if n_near == near.shape[0]:
                            near, metres = longer(near), longer(metres)
                        near[n_near], metres[n_near] = s, d
                        n_near += 1
        order = np.argsort(metres[:n_near])
        reach = np.inf
        for rank in range(n_near):
            s, d = near[order[rank]], metres[order[rank]]
            if d > reach:
                break
            e = segment_edge[s]
            u, v = ends[e]
            t = _foot(x, y, segments, s)
            px = segments[s, 0] + t * (segments[s, 2] - segments[s, 0])
            py = segments[s, 1] + t * (segments[s, 3] - segments[s, 1])
            length = np.hypot(segments[s, 2] - segments[s, 0], segments[s, 3] - segments[s, 1])
            a = min((segment_from[s] + t * length) / edge_m[e], 1.0)
            around = np.inf
            if node_stamp[u] == i:
                around = node_cost[u] + _part(forward[e], a)
            if node_stamp[v] == i:
                around = min(around, node_cost[v] + _part(backward[e], 1.0 - a))
            if edge_stamp[e] == i:
                b = edge_share[e]
                along = _part(forward[e], a - b) if a >= b else _part(backward[e], b - a)
                around = min(around, edge_cost[e] + along)
            cost = d * min_per_m
            if around <= cost or crossings(x, y, px, py, barriers, barrier_bins, most[i]) > most[i]:
                cost = around
            else:
                if n_out == out_point.shape[0]:
                    out_point, out_edge = longer(out_point), longer(out_edge)
                    out_share, out_cost = longer(out_share), longer(out_cost)
                out_point[n_out], out_edge[n_out] = i, e
                out_share[n_out], out_cost[n_out] = a, cost
                n_out += 1
                if main[e]:
                    # Roads as near as the nearest count with it, whatever rounding makes of them.
                    reach = min(reach, max(free_m, d + 1e-6))
            if cost < np.inf:
                edge_stamp[e], edge_share[e], edge_cost[e] = i, a, cost
                to_u, to_v = cost + _part(backward[e], a), cost + _part(forward[e], 1.0 - a)
                if node_stamp[u] != i or to_u < node_cost[u]:
                    node_stamp[u], node_cost[u] = i, to_u
                if node_stamp[v] != i or to_v < node_cost[v]:
                    node_stamp[v], node_cost[v] = i, to_v
    return out_point[:n_out], out_edge[:n_out], out_share[:n_out], out_cost[:n_out]


@njit(cache=True, error_model="numpy")
def _foot(x: float, y: float, segments: FloatArray, s: int) -> float:
    """Share of a segment at which it is nearest to a point."""
    dx, dy = segments[s, 2] - segments[s, 0], segments[s, 3] - segments[s, 1]
    square = dx * dx + dy * dy
    if square <= 0.0:
        return 0.0
    t = ((x - segments[s, 0]) * dx + (y - segments[s, 1]) * dy) / square
    return float(min(max(t, 0.0), 1.0))


@njit(cache=True)
def _part(minutes: float, share: float) -> float:
    """Share of the minutes; none of an edge that cannot be used takes no time."""
    return minutes * share if share > 0.0 else 0.0
