"""Compiled steps along the subgradients of Lagrangian bounds; never parallel.

Both bounds are told as one from above: of the worth of a coverage, of minus the cost of a median.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo.arrays import FloatArray, IntArray
from geo.siting._walk import Walk

# A step goes on in the direction of those before (Camerini et al. 1975); it gets shorter where the
# bound has not moved for so many rounds. What is opened is averaged over the rounds.
_MEMORY, _PATIENCE, _SLOWER, _SLOWEST, _TO_COUNT, _SHARE = 0.9, 20.0, 0.7, 1e-4, 1e-6, 0.05

Pairs = tuple[IntArray, IntArray, FloatArray, IntArray, IntArray, IntArray]


@njit(cache=True)
def _open(value, gain, state, p, is_open, chosen, walk):  # type: ignore[no-untyped-def]
    """Open the sites that give most; lower bound and limits. Whether to go on from here."""
    price, pace, best_price, way, limits, share = walk
    n_sites, n_kept = state.shape[0], 0
    is_open[:] = 0
    for j in range(n_sites):
        if state[j] > 0:
            chosen[n_kept] = j
            is_open[j] = 1
            value += gain[j]
            n_kept += 1
        if state[j] != 0:
            gain[j] = -np.inf
    order = np.argsort(-gain)
    n_more = p - n_kept
    for q in range(n_more):
        chosen[n_kept + q] = order[q]
        is_open[order[q]] = 1
        value += gain[order[q]]
    # The site next to be opened, and the last that is, change places with any other.
    after = gain[order[n_more]] if p < n_sites else -np.inf
    last = gain[order[n_more - 1]] if n_more > 0 else np.inf
    for j in range(n_sites):
        share[j] += _SHARE * (is_open[j] - share[j])
        if state[j] == 0 and is_open[j] == 1:
            limits[0, j] = min(limits[0, j], value - gain[j] + after)
        elif state[j] == 0:
            limits[1, j] = min(limits[1, j], value - last + gain[j])
    pace[1] += 1.0
    if value < pace[2]:
        if not value > pace[2] - _TO_COUNT * abs(pace[2]):
            pace[1] = 0.0
        pace[2] = value
        best_price[:] = price
    if pace[1] >= _PATIENCE:
        pace[0], pace[1] = max(_SLOWEST, pace[0] * _SLOWER), 0.0
        price[:] = best_price
        way[:] = 0.0
        return value, False
    return value, True


@njit(cache=True)
def sink(
    n_rounds: int, p: int, state: IntArray, pairs: tuple[IntArray, IntArray],
    worth: tuple[FloatArray, FloatArray], known: float, least: float, walk: Walk,
) -> IntArray:  # fmt: skip
    """Lower the Lagrangian bound of coverage by steps against its subgradient.

    Parameters
    ----------
    n_rounds : steps at most.
    p : sites that may be opened.
    state : by site: 1 open whatever comes, -1 shut, 0 free.
    pairs : indptr and site.
    worth : of a row's first and second cover, the second worth no more than the first.
    known : value of a choice known, which steps are measured by (Polyak 1969).
    least : bound that is low enough.
    walk : see `_walk.new_walk`; a price is what a row pays each open site that covers it, as a part
        of the worth of its first cover, 0..1; changed.

    Returns
    -------
    The sites that the last step would open, those open whatever comes first.

    Notes
    -----
    O(n_pairs + n_sites log n_sites) a round. Galvão & ReVelle 1996.
    """
    indptr, site = pairs
    first, second = worth
    price, pace, way = walk[0], walk[1], walk[3]
    gain = np.empty(state.shape[0])
    is_open, chosen = np.zeros(state.shape[0], np.int64), np.empty(p, np.int64)
    for _ in range(n_rounds):
        gain[:] = 0.0
        value = 0.0
        for i in range(first.shape[0]):
            paid = price[i] * first[i]
            value += first[i] - paid + max(0.0, second[i] - paid)
            for k in range(indptr[i], indptr[i + 1]):
                gain[site[k]] += paid
        value, on = _open(value, gain, state, p, is_open, chosen, walk)
        if value <= least or known >= value:
            break
        if not on:
            continue
        length = 0.0
        for i in range(first.shape[0]):
            g = -1.0 if second[i] <= price[i] * first[i] else -2.0
            for k in range(indptr[i], indptr[i + 1]):
                g += is_open[site[k]]
            if (g > 0.0 and price[i] == 0.0) or (g < 0.0 and price[i] == 1.0):
                g = 0.0
            way[i] = _MEMORY * way[i] + (1.0 - _MEMORY) * g
            length += first[i] * way[i] * way[i]
        if length == 0.0:
            break
        step = pace[0] * (value - known) / length
        for i in range(first.shape[0]):
            price[i] = min(1.0, max(0.0, price[i] - step * way[i]))
    return chosen


@njit(cache=True)
def rise(
    n_rounds: int, p: int, state: IntArray, pairs: Pairs, weight: FloatArray, known: float,
    least: float, walk: Walk,
) -> IntArray:  # fmt: skip
    """Raise the Lagrangian bound of the p-median by steps along its subgradient.

    Parameters
    ----------
    n_rounds : steps at most.
    p : sites in all.
    state : by site: 1 open whatever comes, -1 shut, 0 free.
    pairs : indptr, site, cost, start, pair, owner, as in `_median`.
    weight : by row.
    known : minus the value of a choice known, which steps are measured by (Polyak 1969).
    least : bound, with its sign changed, that is enough.
    walk : see `_walk.new_walk`; a price is what a row pays at the most; changed.

    Returns
    -------
    The sites that the last step would open, those open whatever comes first.

    Notes
    -----
    O(pairs that cost less than their row's price) a round: a few times n n_sites / p. Cornuéjols,
    Fisher & Nemhauser 1977.
    """
    indptr, site, cost = pairs[0], pairs[1], pairs[2]
    price, pace, way = walk[0], walk[1], walk[3]
    gain = np.empty(state.shape[0])
    is_open, chosen = np.zeros(state.shape[0], np.int64), np.empty(p, np.int64)
    for _ in range(n_rounds):
        gain[:] = 0.0
        value = 0.0
        for i in range(weight.shape[0]):
            value -= weight[i] * price[i]
            for k in range(indptr[i], indptr[i + 1]):
                if cost[k] >= price[i]:
                    break
                gain[site[k]] += weight[i] * (price[i] - cost[k])
        value, on = _open(value, gain, state, p, is_open, chosen, walk)
        if value <= least or known >= value:
            break
        if not on:
            continue
        length = 0.0
        for i in range(weight.shape[0]):
            g = -1.0
            for k in range(indptr[i], indptr[i + 1]):
                if cost[k] >= price[i]:
                    break
                g += is_open[site[k]]
            way[i] = _MEMORY * way[i] + (1.0 - _MEMORY) * g
            length += weight[i] * way[i] * way[i]
        if length == 0.0:
            break
        step = pace[0] * (value - known) / length
        for i in range(weight.shape[0]):
            price[i] -= step * way[i]
    return chosen
