"""Compiled parts of a road graph: its arcs, the ways onto it, room that grows.

Graphs are reversed: the row of a node holds the arcs that end there, so that a search from the
sites finds the costs to them. Imported by the functions that use it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from geo.arrays import FloatArray, IntArray

Positions = npt.NDArray[np.int32]
Graph = tuple[IntArray, Positions, FloatArray]


@njit(cache=True, error_model="numpy")
def reversed_graph(
    ends: IntArray,
    forward: FloatArray,
    backward: FloatArray,
    breaks: tuple[IntArray, FloatArray, IntArray],
    n_nodes: int,
) -> Graph:
    """Arcs of edges that are cut at breaks, in the row of the node where each ends.

    Parameters
    ----------
    ends, forward, backward : of each edge; infinite where it cannot be used.
    breaks : first break of each edge, the shares of its length in rising order, their nodes.
    n_nodes : with the breaks.

    Returns
    -------
    First arc of each row, nodes, costs.
    """
    first = np.zeros(n_nodes + 1, np.int64)
    n_arcs = 0
    nodes, costs = np.empty(0, np.int32), np.empty(0)
    for fill in range(2):
        for e in range(ends.shape[0]):
            left, share = ends[e, 0], 0.0
            for at in range(breaks[0][e], breaks[0][e + 1] + 1):
                last = at == breaks[0][e + 1]
                right = ends[e, 1] if last else breaks[2][at]
                until = 1.0 if last else breaks[1][at]
                if fill == 0:
                    first[right + 1] += forward[e] < np.inf
                    first[left + 1] += backward[e] < np.inf
                else:
                    if forward[e] < np.inf:
                        first[right] -= 1
                        nodes[first[right]] = left
                        costs[first[right]] = forward[e] * (until - share)
                    if backward[e] < np.inf:
                        first[left] -= 1
                        nodes[first[left]] = right
                        costs[first[left]] = backward[e] * (until - share)
                left, share = right, until
        if fill == 0:
            for v in range(n_nodes):
                first[v + 1] += first[v]
            n_arcs = first[n_nodes]
            nodes, costs = np.empty(n_arcs, np.int32), np.empty(n_arcs)
            # Rows are filled from their ends, which leaves their starts.
            for v in range(n_nodes):
                first[v] = first[v + 1]
    return first, nodes, costs


@njit(cache=True, error_model="numpy")
def arcs_of_legs(
    edge: IntArray,
    share: FloatArray,
    minutes: FloatArray,
    ends: IntArray,
    forward: FloatArray,
    backward: FloatArray,
    breaks: tuple[IntArray, FloatArray, IntArray],
) -> tuple[FloatArray, Positions]:
    """Costs from where legs begin to the nodes or breaks on both sides of where they end.

    Parameters
    ----------
    edge, share, minutes : the legs, see `geo.routes.Legs`.
    ends, forward, backward, breaks : as of `reversed_graph`.

    Returns
    -------
    Costs, infinite where the way is not allowed, and nodes; shape (n_legs, 2) each.
    """
    costs, nodes = np.empty((edge.shape[0], 2)), np.empty((edge.shape[0], 2), np.int32)
    for i in range(edge.shape[0]):
        e, a = edge[i], share[i]
        low, high = breaks[0][e], breaks[0][e + 1]
        while low < high:
            middle = (low + high) // 2
            if breaks[1][middle] <= a:
                low = middle + 1
            else:
                high = middle
        at_start, at_stop = low == breaks[0][e], low == breaks[0][e + 1]
        left = 0.0 if at_start else breaks[1][low - 1]
        right = 1.0 if at_stop else breaks[1][low]
        nodes[i, 0] = ends[e, 0] if at_start else breaks[2][low - 1]
        nodes[i, 1] = ends[e, 1] if at_stop else breaks[2][low]
        costs[i, 0] = minutes[i] + (backward[e] * (a - left) if a > left else 0.0)
        costs[i, 1] = minutes[i] + (forward[e] * (right - a) if a < right else 0.0)
    return costs, nodes


@njit(cache=True)
def longer(array: np.ndarray) -> np.ndarray:
    """A copy with twice the room.

    Parameters
    ----------
    array : one-dimensional.

    Returns
    -------
    Its values, and as many undefined ones behind them.
    """
    copy = np.empty(2 * array.shape[0], array.dtype)
    copy[: array.shape[0]] = array
    return copy
