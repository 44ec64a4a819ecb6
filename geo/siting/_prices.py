"""Compiled steps along the subgradients of Lagrangian bounds; never parallel."""

from __future__ import annotations

import numpy as np
from numba import njit

from geo.arrays import FloatArray, IntArray

# A step goes on in the direction of those before (Camerini et al. 1975); it gets shorter where the
# bound has not moved for so many rounds.
_MEMORY, _PATIENCE, _SLOWER, _SLOWEST, _TO_COUNT = 0.9, 10.0, 0.7, 1e-3, 1e-6
FIRST_PACE = 0.2

Pairs = tuple[IntArray, IntArray, FloatArray, IntArray, IntArray, IntArray]


@njit(cache=True)
def sink(
    price: FloatArray, n_rounds: int, p: int, pairs: tuple[IntArray, IntArray],
    worth: tuple[FloatArray, FloatArray], known: float, pace: FloatArray, best_price: FloatArray,
    way: FloatArray, limits: FloatArray,
) -> tuple[float, IntArray, int]:  # fmt: skip
    """Lower the Lagrangian bound of coverage by steps against its subgradient.

    Parameters
    ----------
    price : what a row pays each open site that covers it, as a part of the worth of its first
        cover, 0..1, by row; changed.
    n_rounds : steps.
    p : sites that may be opened.
    pairs : indptr and site.
    worth : of a row's first and second cover, the second worth no more than the first.
    known : value of a choice known, which steps are measured by (Polyak 1969).
    pace : length of a step as a part of the way to `known`, rounds since the bound fell, the bound
        so far; changed.
    best_price : prices of the bound; overwritten where it falls.
    way : direction of the last step, by row; changed.
    limits : shape (2, n_sites): no choice without a site, none with it is better; lowered.

    Returns
    -------
    The bound, the sites it would open, rounds done.

    Notes
    -----
    O(n_pairs + n_sites log n_sites) a round. Galvão & ReVelle 1996.
    """
    indptr, site = pairs
    first, second = worth
    n, n_sites = first.shape[0], limits.shape[1]
    taken = np.empty(n_sites)
    is_open = np.zeros(n_sites, np.int64)
    chosen = np.empty(p, np.int64)
    done = 0
    for _ in range(n_rounds):
        done += 1
        taken[:] = 0.0
        value = 0.0
        for i in range(n):
            paid = price[i] * first[i]
            value += first[i] - paid + max(0.0, second[i] - paid)
            for k in range(indptr[i], indptr[i + 1]):
                taken[site[k]] += paid
        order = np.argsort(-taken)
        is_open[:] = 0
        for q in range(p):
            chosen[q] = order[q]
            is_open[order[q]] = 1
            value += taken[order[q]]
        # The site next to be opened, and the last that is, change places with any other.
        after = taken[order[p]] if p < n_sites else 0.0
        for j in range(n_sites):
            if is_open[j] == 1:
                limits[0, j] = min(limits[0, j], value - taken[j] + after)
            else:
                limits[1, j] = min(limits[1, j], value - taken[order[p - 1]] + taken[j])
        pace[1] += 1.0
        if value < pace[2]:
            if value < pace[2] * (1.0 - _TO_COUNT):
                pace[1] = 0.0
            pace[2] = value
            best_price[:] = price
        if pace[1] >= _PATIENCE:
            pace[0], pace[1] = max(_SLOWEST, pace[0] * _SLOWER), 0.0
            price[:] = best_price
            way[:] = 0.0
            continue
        length = 0.0
        for i in range(n):
            g = -1.0 if second[i] <= price[i] * first[i] else -2.0
            for k in range(indptr[i], indptr[i + 1]):
                g += is_open[site[k]]
            if (g > 0.0 and price[i] == 0.0) or (g < 0.0 and price[i] == 1.0):
                g = 0.0
            way[i] = _MEMORY * way[i] + (1.0 - _MEMORY) * g
            length += first[i] * way[i] * way[i]
        if length == 0.0 or known >= value:
            break
        step = pace[0] * (value - known) / length
        for i in range(n):
            price[i] = min(1.0, max(0.0, price[i] - step * way[i]))
    return pace[2], chosen, done


@njit(cache=True)
def rise(
    price: FloatArray, n_rounds: int, p: int, kept: IntArray, pairs: Pairs, weight: FloatArray,
    known: float, pace: FloatArray, best_price: FloatArray, way: FloatArray, limits: FloatArray,
) -> tuple[float, IntArray, int]:  # fmt: skip
    """Raise the Lagrangian bound of the p-median by steps along its subgradient.

    Parameters
    ----------
    price : what a row pays at the most, by row; changed.
    n_rounds : steps.
    p : sites in all.
    kept : sites that are open whatever comes.
    pairs : indptr, site, cost, start, pair, owner, as in `_median`.
    weight : by row.
    known : value of a choice known, which steps are measured by (Polyak 1969).
    pace : length of a step as a part of the way to `known`, rounds since the bound rose, the bound
        so far; changed.
    best_price : prices of the bound; overwritten where it rises.
    way : direction of the last step, by row; changed.
    limits : shape (2, n_sites): no choice without a site, none with it is better; raised.

    Returns
    -------
    The bound, the sites it would open, rounds done.

    Notes
    -----
    O(pairs that cost less than their row's price) a round: a few times n n_sites / p.
    """
    indptr, site, cost = pairs[0], pairs[1], pairs[2]
    n, n_sites = weight.shape[0], pairs[3].shape[0] - 1
    saving = np.empty(n_sites)
    is_open = np.zeros(n_sites, np.int64)
    chosen = np.empty(p, np.int64)
    done = 0
    for _ in range(n_rounds):
        done += 1
        saving[:] = 0.0
        value = 0.0
        for i in range(n):
            value += weight[i] * price[i]
            for k in range(indptr[i], indptr[i + 1]):
                if cost[k] >= price[i]:
                    break
                saving[site[k]] += weight[i] * (price[i] - cost[k])
        is_open[:] = 0
        for q in range(kept.shape[0]):
            chosen[q] = kept[q]
            is_open[kept[q]] = 1
            value -= saving[kept[q]]
            saving[kept[q]] = -1.0
        order = np.argsort(-saving)
        for q in range(p - kept.shape[0]):
            chosen[kept.shape[0] + q] = order[q]
            is_open[order[q]] = 1
            value -= saving[order[q]]
        n_more = p - kept.shape[0]
        after = saving[order[n_more]] if p < n_sites else 0.0
        last = saving[order[n_more - 1]]
        for j in range(n_sites):
            if is_open[j] == 1:
                limits[0, j] = max(limits[0, j], value + saving[j] - after)
            else:
                limits[1, j] = max(limits[1, j], value + last - saving[j])
        for q in range(kept.shape[0]):
            limits[0, kept[q]] = np.inf
        pace[1] += 1.0
        if value > pace[2]:
            if value > pace[2] * (1.0 + _TO_COUNT) or pace[2] <= 0.0:
                pace[1] = 0.0
            pace[2] = value
            best_price[:] = price
        if pace[1] >= _PATIENCE:
            pace[0], pace[1] = max(_SLOWEST, pace[0] * _SLOWER), 0.0
            price[:] = best_price
            way[:] = 0.0
            continue
        length = 0.0
        for i in range(n):
            g = 1.0
            for k in range(indptr[i], indptr[i + 1]):
                if cost[k] >= price[i]:
                    break
                g -= is_open[site[k]]
            way[i] = _MEMORY * way[i] + (1.0 - _MEMORY) * g
            length += weight[i] * way[i] * way[i]
        if length == 0.0 or known <= value:
            break
        step = pace[0] * (known - value) / length
        for i in range(n):
            price[i] += step * way[i]
    return pace[2], chosen, done
