"""Compiled search for the k nearest sites of every node. Imported by the function that uses it.

Nothing runs in parallel: a web server forks, and OpenMP does not survive it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo._graph import Graph, Positions, longer
from geo.arrays import FloatArray, IntArray

# Nodes of a block lie together in memory and, by the order of `_neighbours`, on the map: 4 096 of
# them with five labels each fit a core's own cache. A turn is so many buckets. Both measured.
_BLOCK_BITS = 12
_BUCKETS_A_TURN = 16


@njit(cache=True, error_model="numpy")
def nearest_k(
    graph: Graph,
    seeds: tuple[IntArray, IntArray, FloatArray],
    k: int,
    limit: float,
    width: float,
) -> tuple[FloatArray, Positions]:
    """Costs of the k cheapest sites at every node, and which they are.

    One search from all sites at once. A node keeps its k best labels; whoever is not among them
    cannot be among the k best behind that node either. Labels wait in buckets by cost. Nodes are
    cut into blocks of neighbours, and a block works off several buckets, a turn, before the next
    block has its go. Labels are taken again when they improve, so that what remains is exact.

    Parameters
    ----------
    graph : reversed arcs as first arc of each row, nodes, costs >= 0.
    seeds : node, site and cost to start from.
    k : labels a node.
    limit : no label costs more.
    width : cost that a bucket spans, > 0.

    Returns
    -------
    Costs, infinite where there is no more site, and sites, -1 there; shape (n_nodes, k) each,
    ascending by cost, then by site.
    """
    per = 1.0 / width
    order, rank = _neighbours(graph[0], graph[1])
    first, nodes, costs = _renumbered(graph, order, rank)
    n = first.shape[0] - 1
    # A node's costs and sites lie side by side, so that one look at memory brings both. Of a
    # site the last bit says that its label waits to be passed on.
    stride = k + (k + 1) // 2
    cost = np.full(n * stride, np.inf)
    code = cost.view(np.int32)
    for v in range(n):
        for q in range(k):
            code[(v * stride + k) * 2 + q] = -1
    longest = 0.0
    for c in costs:
        if longest < c <= limit:
            longest = c
    for c in seeds[2]:
        if longest < c <= limit:
            longest = c
    n_turns = int(longest * per) // _BUCKETS_A_TURN + 2
    n_blocks = (n >> _BLOCK_BITS) + 1
    # Items of each block and turn, and the blocks that have any, as lists; -2: not in a list.
    head = np.full(n_blocks * n_turns, -1, np.int32)
    next_block = np.full(n_blocks * n_turns, -2, np.int32)
    first_block = np.full(n_turns, -1, np.int32)
    bucket = np.full(_BUCKETS_A_TURN, -1, np.int32)
    item_node, item_next = np.empty(1 << 14, np.int32), np.empty(1 << 14, np.int32)
    item_bucket = np.empty(1 << 14, np.int32)
    used, free, waiting = 0, -1, 0
    for i in range(seeds[0].shape[0]):
        v, c = rank[seeds[0][i]], seeds[2][i]
        if c <= limit and _keep(cost, code, v * stride, k, c, seeds[1][i]):
            if used == item_node.shape[0]:
                item_node, item_next = longer(item_node), longer(item_next)
                item_bucket = longer(item_bucket)
            at = int(c * per)
            item_node[used], item_bucket[used] = v, at
            block, turn = v >> _BLOCK_BITS, (at // _BUCKETS_A_TURN) % n_turns
            _wait(head, next_block, first_block, item_next, block, turn, used)
            used += 1
            waiting += 1
    turn = 0
    while waiting > 0:
        now, low = turn % n_turns, turn * _BUCKETS_A_TURN
        while first_block[now] >= 0:
            block = first_block[now]
            own = block * n_turns + now
            first_block[now], next_block[own] = next_block[own], -2
            item, head[own] = head[own], -1
            while item >= 0:
                after, at = item_next[item], item_bucket[item] - low
                item_next[item], bucket[at] = bucket[at], item
                item = after
            for position in range(_BUCKETS_A_TURN):
                while bucket[position] >= 0:
                    item = bucket[position]
                    bucket[position] = item_next[item]
                    item_next[item], free = free, item
                    waiting -= 1
                    u = item_node[item]
                    for q in range(k):
                        label = (u * stride + k) * 2 + q
                        c = cost[u * stride + q]
                        if code[label] < 0 or int(c * per) > low + position:
                            break
                        if code[label] & 1 == 0:
                            continue
                        code[label] -= 1
                        site = code[label] >> 1
                        for arc in range(first[u], first[u + 1]):
                            v, further = nodes[arc], c + costs[arc]
                            if further > limit or further > cost[v * stride + k - 1]:
                                continue
                            if not _keep(cost, code, v * stride, k, further, site):
                                continue
                            if free >= 0:
                                new, free = free, item_next[free]
                            else:
                                if used == item_node.shape[0]:
                                    item_node = longer(item_node)
                                    item_next = longer(item_next)
                                    item_bucket = longer(item_bucket)
                                new = used
                                used += 1
                            waiting += 1
                            at = int(further * per)
                            item_node[new] = v
                            if v >> _BLOCK_BITS == block and at < low + _BUCKETS_A_TURN:
                                item_next[new], bucket[at - low] = bucket[at - low], new
                            else:
                                item_bucket[new] = at
                                _wait(
                                    head,
                                    next_block,
                                    first_block,
                                    item_next,
                                    v >> _BLOCK_BITS,
                                    (at // _BUCKETS_A_TURN) % n_turns,
                                    new,
                                )
        turn += 1
    best, which = np.empty((n, k)), np.empty((n, k), np.int32)
    for v in range(n):
        u = order[v]
        for q in range(k):
            best[u, q] = cost[v * stride + q]
            which[u, q] = code[(v * stride + k) * 2 + q] >> 1
    return best, which


@njit(cache=True, error_model="numpy")
def _wait(
    head: Positions,
    next_block: Positions,
    first_block: Positions,
    item_next: Positions,
    block: int,
    turn: int,
    item: int,
) -> None:
    """Put an item into the list of its block and turn, and the block into the list of the turn."""
    at = block * first_block.shape[0] + turn
    if next_block[at] == -2:
        next_block[at], first_block[turn] = first_block[turn], block
    item_next[item], head[at] = head[at], item


@njit(cache=True, error_model="numpy")
def _neighbours(first: IntArray, nodes: Positions) -> tuple[Positions, Positions]:
    """Nodes in an order that keeps neighbours together, a block after the other; and each's place.

    A block grows in breadth from a node at the border of those before it.
    """
    n = first.shape[0] - 1
    rank, order = np.full(n, -1, np.int32), np.empty(n, np.int32)
    border = np.empty(nodes.shape[0], np.int32)
    begun, n_border, untouched, used = 0, 0, 0, 0
    while used < n:
        while begun < n_border and rank[border[begun]] >= 0:
            begun += 1
        if begun < n_border:
            start = border[begun]
        else:
            while rank[untouched] >= 0:
                untouched += 1
            start = untouched
        end = min(used + (1 << _BLOCK_BITS), n)
        at = used
        rank[start], order[used] = used, start
        used += 1
        while at < used:
            u = order[at]
            at += 1
            for arc in range(first[u], first[u + 1]):
                v = nodes[arc]
                if rank[v] < 0:
                    if used < end:
                        rank[v], order[used] = used, v
                        used += 1
                    else:
                        border[n_border] = v
                        n_border += 1
    return order, rank


@njit(cache=True, error_model="numpy")
def _renumbered(graph: Graph, order: Positions, rank: Positions) -> Graph:
    """The graph with its nodes in another order."""
    first, nodes, costs = np.zeros_like(graph[0]), np.empty_like(graph[1]), np.empty_like(graph[2])
    at = 0
    for v in range(order.shape[0]):
        for arc in range(graph[0][order[v]], graph[0][order[v] + 1]):
            nodes[at], costs[at] = rank[graph[1][arc]], graph[2][arc]
            at += 1
        first[v + 1] = at
    return first, nodes, costs


@njit(cache=True, error_model="numpy")
def _keep(cost: FloatArray, code: Positions, base: int, k: int, c: float, site: int) -> bool:
    """Put a label among the k of a node, if it belongs there and is better than the site's own."""
    codes = (base + k) * 2
    q = 0
    while q < k - 1 and code[codes + q] >= 0 and code[codes + q] >> 1 != site:
        q += 1
    if code[codes + q] >= 0 and (
        c > cost[base + q] or (c == cost[base + q] and code[codes + q] >> 1 <= site)
    ):
        return False
    while q > 0 and (
        cost[base + q - 1] > c or (cost[base + q - 1] == c and code[codes + q - 1] >> 1 > site)
    ):
        cost[base + q], code[codes + q] = cost[base + q - 1], code[codes + q - 1]
        q -= 1
    cost[base + q], code[codes + q] = c, 2 * site + 1
    return True


@njit(cache=True, error_model="numpy")
def nearest_k_points(
    arcs: Graph,
    walks: Graph,
    node_cost: FloatArray,
    node_site: Positions,
    limit: float,
) -> tuple[FloatArray, Positions]:
    """Costs of the k cheapest sites of points, by the nodes they get to or straight.

    Parameters
    ----------
    arcs : by point, nodes and the costs to get there.
    walks : by point, sites in walking distance and the costs to them.
    node_cost, node_site : what `nearest_k` found.
    limit : no site costs more.

    Returns
    -------
    As `nearest_k`, a row a point.
    """
    n, k = arcs[0].shape[0] - 1, node_cost.shape[1]
    best, which = np.full((n, k), np.inf), np.full((n, k), -1, np.int32)
    stride = k + (k + 1) // 2
    cost = np.empty(stride)
    code = cost.view(np.int32)
    for i in range(n):
        cost[:k] = np.inf
        code[2 * k : 3 * k] = -1
        for arc in range(walks[0][i], walks[0][i + 1]):
            if walks[2][arc] <= limit:
                _keep(cost, code, 0, k, walks[2][arc], walks[1][arc])
        for arc in range(arcs[0][i], arcs[0][i + 1]):
            v = arcs[1][arc]
            for q in range(k):
                c = node_cost[v, q] + arcs[2][arc]
                if not (c <= limit and c <= cost[k - 1] and node_site[v, q] >= 0):
                    break
                _keep(cost, code, 0, k, c, node_site[v, q])
        for q in range(k):
            best[i, q], which[i, q] = cost[q], code[2 * k + q] >> 1
    return best, which
