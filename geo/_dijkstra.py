"""Compiled search for all pairs within a limit. Imported by the function that uses it.

Nothing runs in parallel: a web server forks, and OpenMP does not survive it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo._graph import Graph, Positions, longer
from geo.arrays import FloatArray


@njit(cache=True, error_model="numpy")
def pairs_within(
    graph: Graph,
    seeds: Graph,
    arcs: Graph,
    walks: Graph,
    n_points: int,
    limit: float,
) -> tuple[Positions, Positions, FloatArray]:
    """Points within the limit of each site: Dijkstra from every site, bounded, with a heap.

    Parameters
    ----------
    graph : reversed arcs.
    seeds : by site, nodes and the costs from there to it.
    arcs : by node, points and the costs from them to it.
    walks : by site, points in walking distance and the costs.
    n_points : number of points.
    limit : inclusive.

    Returns
    -------
    site, point, cost: site after site.
    """
    first, nodes, costs = graph
    n, n_sites = first.shape[0] - 1, seeds[0].shape[0] - 1
    dist, settled = np.full(n, np.inf), np.zeros(n, np.bool_)
    best = np.full(n_points, np.inf)
    heap_cost = np.empty(nodes.shape[0] + seeds[1].shape[0] + 1)
    heap_node = np.empty(heap_cost.shape[0], np.int32)
    seen, reached = np.empty(n, np.int32), np.empty(n_points, np.int32)
    out_site, out_point = np.empty(1 << 12, np.int32), np.empty(1 << 12, np.int32)
    out_cost = np.empty(1 << 12)
    n_out = 0
    for site in range(n_sites):
        n_heap, n_seen, n_reached = 0, 0, 0
        for at in range(walks[0][site], walks[0][site + 1]):
            point, c = walks[1][at], walks[2][at]
            if c <= limit and c < best[point]:
                if best[point] == np.inf:
                    reached[n_reached] = point
                    n_reached += 1
                best[point] = c
        for at in range(seeds[0][site], seeds[0][site + 1]):
            v, c = seeds[1][at], seeds[2][at]
            if c <= limit and c < dist[v]:
                if dist[v] == np.inf:
                    seen[n_seen] = v
                    n_seen += 1
                dist[v] = c
                n_heap = _push(heap_cost, heap_node, n_heap, c, v)
        while n_heap > 0:
            c, u = heap_cost[0], heap_node[0]
            n_heap = _pop(heap_cost, heap_node, n_heap)
            if settled[u]:
                continue
            settled[u] = True
            for at in range(arcs[0][u], arcs[0][u + 1]):
                point, further = arcs[1][at], c + arcs[2][at]
                if further <= limit and further < best[point]:
                    if best[point] == np.inf:
                        reached[n_reached] = point
                        n_reached += 1
                    best[point] = further
            for arc in range(first[u], first[u + 1]):
                v, further = nodes[arc], c + costs[arc]
                if further <= limit and further < dist[v]:
                    if dist[v] == np.inf:
                        seen[n_seen] = v
                        n_seen += 1
                    dist[v] = further
                    n_heap = _push(heap_cost, heap_node, n_heap, further, v)
        for i in range(n_seen):
            dist[seen[i]], settled[seen[i]] = np.inf, False
        while n_out + n_reached > out_site.shape[0]:
            out_site, out_point = longer(out_site), longer(out_point)
            out_cost = longer(out_cost)
        for i in range(n_reached):
            out_site[n_out], out_point[n_out] = site, reached[i]
            out_cost[n_out] = best[reached[i]]
            best[reached[i]] = np.inf
            n_out += 1
    return out_site[:n_out], out_point[:n_out], out_cost[:n_out]


@njit(cache=True, error_model="numpy")
def _push(cost: FloatArray, node: Positions, n: int, c: float, v: int) -> int:
    at = n
    while at > 0:
        up = (at - 1) // 2
        if cost[up] <= c:
            break
        cost[at], node[at] = cost[up], node[up]
        at = up
    cost[at], node[at] = c, v
    return n + 1


@njit(cache=True, error_model="numpy")
def _pop(cost: FloatArray, node: Positions, n: int) -> int:
    n -= 1
    c, v = cost[n], node[n]
    at = 0
    while True:
        down = 2 * at + 1
        if down >= n:
            break
        if down + 1 < n and cost[down + 1] < cost[down]:
            down += 1
        if cost[down] >= c:
            break
        cost[at], node[at] = cost[down], node[down]
        at = down
    cost[at], node[at] = c, v
    return n
