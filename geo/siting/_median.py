"""Compiled loops over who is nearest to whom. Imported by who uses them; never parallel.

Row i's sites stand at indptr[i]:indptr[i + 1] of `site`, nearest first, with their cost. The rows
of site j stand at start[j]:start[j + 1] of `pair`, as positions of pairs; `owner` is a pair's row.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo.arrays import BoolArray, FloatArray, IntArray

Pairs = tuple[IntArray, IntArray, FloatArray, IntArray, IntArray, IntArray]
Value = tuple[FloatArray, FloatArray, FloatArray]


@njit(cache=True, inline="always")
def _find(i, indptr, site, slot, near, next_near):  # type: ignore[no-untyped-def]
    """Where the pairs with row i's nearest and second nearest open site stand; the end if none."""
    high = indptr[i + 1]
    near[i] = next_near[i] = high
    for k in range(indptr[i], high):
        if slot[site[k]] >= 0:
            if near[i] == high:
                near[i] = k
            else:
                next_near[i] = k
                break


@njit(cache=True, inline="always")
def _tell(i, sign, indptr, site, cost, weight, far, near, next_near, slot, gain, loss, extra):  # type: ignore[no-untyped-def]
    """Add or take away what row i says about every swap."""
    low, high, one, two = indptr[i], indptr[i + 1], near[i], next_near[i]
    w = sign * weight[i]
    if one == high:
        for k in range(low, high):
            gain[site[k]] += w * (far - cost[k])
        return
    d1 = cost[one]
    d2 = cost[two] if two < high else far
    a = slot[site[one]]
    loss[a] += w * (d2 - d1)
    for k in range(low, one):
        gain[site[k]] += w * (d1 - cost[k])
        extra[site[k], a] += w * (d2 - d1)
    for k in range(one + 1, two):
        extra[site[k], a] += w * (d2 - cost[k])


@njit(cache=True)
def swap_in(
    j: int, q: int, pairs: Pairs, weight: FloatArray, far: float, state: tuple[IntArray, ...],
    value: Value,
) -> None:  # fmt: skip
    """Open site j in the place of the site in slot q, and keep the values of swaps up to date.

    Parameters
    ----------
    j : site to open.
    q : slot whose site is closed.
    pairs : indptr, site, cost, start, pair, owner.
    weight : by row.
    far : cost of a row that no open site reaches.
    state : pair of the nearest and of the second nearest open site by row, slot by site (-1
        closed), site by slot, mark by row, the last mark; changed.
    value : gain by site, loss by slot, extra by site and slot; changed.
    """
    indptr, site, cost, start, pair, owner = pairs
    near, next_near, slot, opened, mark, last = state
    gain, loss, extra = value
    out = opened[q]
    last[0] += 1
    for turn in range(2):
        s = out if turn == 0 else j
        for at in range(start[s], start[s + 1]):
            i = owner[pair[at]]
            # Rows with two open sites that are nearer do not notice.
            if pair[at] <= next_near[i] and mark[i] != last[0]:
                mark[i] = last[0]
                _tell(
                    i, -1.0, indptr, site, cost, weight, far, near, next_near, slot, gain, loss,
                    extra,
                )  # fmt: skip
    slot[out], slot[j], opened[q] = -1, q, j
    for turn in range(2):
        s = out if turn == 0 else j
        for at in range(start[s], start[s + 1]):
            i = owner[pair[at]]
            if mark[i] == last[0]:
                mark[i] = 0
                _find(i, indptr, site, slot, near, next_near)
                _tell(
                    i, 1.0, indptr, site, cost, weight, far, near, next_near, slot, gain, loss,
                    extra,
                )  # fmt: skip


@njit(cache=True)
def place(
    chosen: IntArray, pairs: Pairs, weight: FloatArray, far: float, state: tuple[IntArray, ...],
    value: Value,
) -> None:  # fmt: skip
    """Open these sites, whatever was open, and value every swap afresh.

    Parameters
    ----------
    chosen : sites to open, one a slot.
    pairs, weight, far, state, value : as in `swap_in`; state and value are overwritten.
    """
    indptr, site, cost = pairs[0], pairs[1], pairs[2]
    near, next_near, slot, opened = state[0], state[1], state[2], state[3]
    gain, loss, extra = value
    slot[:] = -1
    gain[:], loss[:], extra[:, :] = 0.0, 0.0, 0.0
    for q in range(chosen.shape[0]):
        slot[chosen[q]], opened[q] = q, chosen[q]
    for i in range(near.shape[0]):
        _find(i, indptr, site, slot, near, next_near)
        _tell(i, 1.0, indptr, site, cost, weight, far, near, next_near, slot, gain, loss, extra)


@njit(cache=True)
def nearest(indptr: IntArray, site: IntArray, cost: FloatArray, is_open: BoolArray) -> FloatArray:
    """Cost of each row to its nearest open site.

    Parameters
    ----------
    indptr, site, cost : pairs by row, nearest first.
    is_open : by site.

    Returns
    -------
    Shape (n,); inf where none is reached.
    """
    found = np.full(indptr.shape[0] - 1, np.inf)
    for i in range(found.shape[0]):
        for k in range(indptr[i], indptr[i + 1]):
            if is_open[site[k]]:
                found[i] = cost[k]
                break
    return found


@njit(cache=True)
def greedy(
    kept: IntArray, p: int, pairs: Pairs, weight: FloatArray, far: float, uniform: FloatArray
) -> IntArray:
    """Open one site after the other, each time one that saves most, or nearly.

    Parameters
    ----------
    kept : sites that are open whatever comes.
    p : sites in all.
    pairs, weight, far : as in `swap_in`.
    uniform : shape (p,), 0..1: how much less than the most, as a part, the site chosen may save; 0
        for greedy proper.

    Returns
    -------
    The kept sites, then those opened, in their order, shape (p,).

    Notes
    -----
    A row is looked at again only by sites nearer than its nearest open one: O(n_pairs) for the
    first sites, less for each that follows.
    """
    indptr, site, cost, start, pair, owner = pairs
    n_sites, n = start.shape[0] - 1, weight.shape[0]
    near = indptr[1:].copy()
    gain = np.zeros(n_sites)
    for i in range(n):
        for k in range(indptr[i], indptr[i + 1]):
            gain[site[k]] += weight[i] * (far - cost[k])
    chosen = np.empty(p, np.int64)
    for q in range(p):
        if q < kept.shape[0]:
            best = kept[q]
        else:
            best = int(np.argmax(gain))
            least = gain[best] * (1.0 - uniform[q])
            if uniform[q] > 0.0:
                for j in range(n_sites):
                    if least <= gain[j] < gain[best]:
                        best = j
        chosen[q] = best
        for at in range(start[best], start[best + 1]):
            k = pair[at]
            i = owner[k]
            if k >= near[i]:
                continue
            was = cost[near[i]] if near[i] < indptr[i + 1] else far
            for other in range(indptr[i], near[i]):
                less = was - max(cost[k], cost[other])
                gain[site[other]] -= weight[i] * less
            near[i] = k
        gain[best] = -np.inf
    return chosen


@njit(cache=True)
def best_swap(slot: IntArray, n_kept: int, value: Value) -> tuple[int, int, float]:
    """The swap of an open and a closed site that gains most (Resende & Werneck 2007).

    Parameters
    ----------
    slot : slot by site, -1 closed, -2 shut for good.
    n_kept : slots below this one stay.
    value : gain by site, loss by slot, extra by site and slot.

    Returns
    -------
    Site to open, slot to close, gain; -1 and -1 where there is no pair.
    """
    gain, loss, extra = value
    to_open, to_close, most = -1, -1, -np.inf
    for j in range(slot.shape[0]):
        if slot[j] != -1:
            continue
        for q in range(n_kept, loss.shape[0]):
            better = gain[j] - loss[q] + extra[j, q]
            if better > most:
                to_open, to_close, most = j, q, better
    return to_open, to_close, most


@njit(cache=True)
def climb(
    n_kept: int, pairs: Pairs, weight: FloatArray, far: float, state: tuple[IntArray, ...],
    value: Value, least: float, n_most: int,
) -> float:  # fmt: skip
    """Swap as long as that gains.

    Parameters
    ----------
    n_kept : slots below this one stay.
    pairs, weight, far, state, value : as in `swap_in`.
    least : gain below which a swap is none.
    n_most : most swaps.

    Returns
    -------
    What was saved in all.
    """
    total = 0.0
    for _ in range(n_most):
        j, q, better = best_swap(state[2], n_kept, value)
        if j < 0 or better <= least:
            break
        swap_in(j, q, pairs, weight, far, state, value)
        total += better
    return total


@njit(cache=True)
def wander(
    uniform: FloatArray, best: IntArray, n_kept: int, pairs: Pairs, weight: FloatArray, far: float,
    state: tuple[IntArray, ...], value: Value, least: float,
) -> tuple[float, int]:  # fmt: skip
    """Iterated local search: shake the best choice, climb, keep what is no worse.

    Parameters
    ----------
    uniform : shape (n_rounds, 2 n_shakes), 0..1: which slot and which site of each shake.
    best : site by slot of the best choice, which is also the present one; overwritten.
    n_kept : slots below this one stay.
    pairs, weight, far, state, value : as in `swap_in`.
    least : gain below which a swap is none.

    Returns
    -------
    What was saved in all; rounds since the last gain.
    """
    slot, opened = state[2], state[3]
    p, n_sites = opened.shape[0], slot.shape[0]
    total, since = 0.0, 0
    for r in range(uniform.shape[0]):
        change = 0.0
        for s in range(uniform.shape[1] // 2):
            q = n_kept + int(uniform[r, 2 * s] * (p - n_kept))
            j = int(uniform[r, 2 * s + 1] * n_sites)
            while slot[j] >= 0:
                j = (j + 1) % n_sites
            change += value[0][j] - value[1][q] + value[2][j, q]
            swap_in(j, q, pairs, weight, far, state, value)
        change += climb(n_kept, pairs, weight, far, state, value, least, 10 * p)
        since += 1
        if change >= -least:
            if change > least:
                since = 0
            total += change
            best[:] = opened
        else:
            wanted = np.zeros(n_sites, np.bool_)
            wanted[best] = True
            q = 0
            for j in best:
                if slot[j] < 0:
                    while wanted[opened[q]]:
                        q += 1
                    swap_in(j, q, pairs, weight, far, state, value)
            best[:] = opened
    return total, since
