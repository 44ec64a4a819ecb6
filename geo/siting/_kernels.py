"""Compiled loops over who covers whom. Imported by the functions that use them; never parallel.

Row i's sites stand at indptr[i]:indptr[i + 1] of `site`, site j's rows at start[j]:start[j + 1] of
`row`. A row is worth `first` when one open site covers it and `second` more when two do.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo.arrays import BoolArray, FloatArray, IntArray


@njit(cache=True)
def transpose(indptr: IntArray, site: IntArray, n_sites: int) -> tuple[IntArray, IntArray]:
    """Rows of each site, ascending, and the place of each pair in the order of the rows.

    Parameters
    ----------
    indptr, site : pairs by row.
    n_sites : number of sites.

    Returns
    -------
    Where each site's pairs start, shape (n_sites + 1,); positions of the pairs, shape (n_pairs,).
    """
    start = np.zeros(n_sites + 1, np.int64)
    for k in range(site.shape[0]):
        start[site[k] + 1] += 1
    for j in range(n_sites):
        start[j + 1] += start[j]
    place = start[:-1].copy()
    pair = np.empty(site.shape[0], np.int64)
    for k in range(indptr[-1]):
        pair[place[site[k]]] = k
        place[site[k]] += 1
    return start, pair


@njit(cache=True)
def same_sets(
    order: IntArray, key: IntArray, indptr: IntArray, site: IntArray, n_sites: int
) -> IntArray:
    """Number rows so that those with one set of sites, in whatever order, share a number.

    Parameters
    ----------
    order : rows in the order of their keys.
    key : number by row that is the same where the sets are.
    indptr, site : pairs by row.
    n_sites : number of sites.

    Returns
    -------
    Group of each row, from 0. Two rows share one only where their sets were compared and are equal.
    """
    group = np.empty(order.shape[0], np.int64)
    seen = np.full(n_sites, -1, np.int64)
    current, head = -1, -1
    for i in order:
        low, high = indptr[i], indptr[i + 1]
        same = head >= 0 and key[i] == key[head] and high - low == indptr[head + 1] - indptr[head]
        if same:
            for k in range(low, high):
                if seen[site[k]] != current:
                    same = False
                    break
        if not same:
            current, head = current + 1, i
            for k in range(low, high):
                seen[site[k]] = current
        group[i] = current
    return group


@njit(cache=True)
def covers(indptr: IntArray, site: IntArray, is_open: BoolArray) -> IntArray:
    """How many open sites cover each row.

    Parameters
    ----------
    indptr, site : pairs by row.
    is_open : by site.

    Returns
    -------
    Counts, shape (n,).
    """
    count = np.zeros(indptr.shape[0] - 1, np.int64)
    for i in range(count.shape[0]):
        for k in range(indptr[i], indptr[i + 1]):
            count[i] += is_open[site[k]]
    return count


@njit(cache=True)
def greedy(
    indptr: IntArray, site: IntArray, start: IntArray, row: IntArray,
    first: FloatArray, second: FloatArray, p: int, uniform: FloatArray,
) -> IntArray:  # fmt: skip
    """Open one site after the other, each time one that adds most, or nearly.

    What each site would add is kept up to date as rows become covered: a pair is touched at most
    twice, O(n_pairs + p n_sites) in all.

    Parameters
    ----------
    indptr, site, start, row : pairs by row and by site.
    first, second : worth of a row's first and second cover.
    p : sites to open.
    uniform : shape (p,), 0..1: how much less than the most, as a part, the site chosen may add; 0
        for greedy proper.

    Returns
    -------
    Sites in the order they were opened, shape (p,).
    """
    n_sites = start.shape[0] - 1
    gain = np.zeros(n_sites)
    count = np.zeros(first.shape[0], np.int64)
    for i in range(first.shape[0]):
        for k in range(indptr[i], indptr[i + 1]):
            gain[site[k]] += first[i]
    chosen = np.empty(p, np.int64)
    for q in range(p):
        least = gain.max() * (1.0 - uniform[q])
        best = int(np.argmax(gain))
        if uniform[q] > 0.0:
            # The one nearest above the level asked for.
            for j in range(n_sites):
                if least <= gain[j] < gain[best]:
                    best = j
        chosen[q] = best
        for at in range(start[best], start[best + 1]):
            i = row[at]
            change = second[i] - first[i] if count[i] == 0 else -second[i]
            if count[i] < 2 and change != 0.0:
                for k in range(indptr[i], indptr[i + 1]):
                    gain[site[k]] += change
            count[i] += 1
        gain[best] = -np.inf
    return chosen


@njit(cache=True, inline="always")
def _tell(i, sign, indptr, site, first, second, count, who, slot, gain, loss, extra):  # type: ignore[no-untyped-def]
    """Add or take away what row i says about every swap."""
    n = count[i]
    if n > 2 or (n == 2 and second[i] == 0.0):
        return
    low, high = indptr[i], indptr[i + 1]
    if n == 0:
        worth = sign * first[i]
        for k in range(low, high):
            gain[site[k]] += worth
    elif n == 1:
        a = who[i]
        loss[a] += sign * first[i]
        worth, again = sign * (first[i] - second[i]), sign * second[i]
        for k in range(low, high):
            extra[site[k], a] += worth
        if again != 0.0:
            for k in range(low, high):
                gain[site[k]] += again
    else:
        a = -1
        for k in range(low, high):
            if slot[site[k]] >= 0:
                a = slot[site[k]]
                break
        b = who[i] - a
        worth = sign * second[i]
        loss[a] += worth
        loss[b] += worth
        for k in range(low, high):
            extra[site[k], a] += worth
            extra[site[k], b] += worth


@njit(cache=True)
def swap_in(
    j: int, q: int, pairs: tuple[IntArray, IntArray, IntArray, IntArray],
    worth: tuple[FloatArray, FloatArray], state: tuple[IntArray, ...],
    value: tuple[FloatArray, FloatArray, FloatArray],
) -> None:  # fmt: skip
    """Open site j in the place of the site in slot q, and keep the values of swaps up to date.

    Parameters
    ----------
    j : site to open.
    q : slot whose site is closed.
    pairs : indptr, site, start, row.
    worth : of a row's first and second cover.
    state : covers by row, sum of the slots that cover it, slot by site (-1 closed), site by slot,
        mark by row, the last mark; changed.
    value : gain by site, loss by slot, extra by site and slot; changed.
    """
    indptr, site, start, row = pairs
    first, second = worth
    count, who, slot, opened, mark, last = state
    gain, loss, extra = value
    out = opened[q]
    last[0] += 1
    for at in range(start[out], start[out + 1]):
        i = row[at]
        _tell(i, -1.0, indptr, site, first, second, count, who, slot, gain, loss, extra)
        mark[i] = last[0]
    for at in range(start[j], start[j + 1]):
        i = row[at]
        if mark[i] != last[0]:
            _tell(i, -1.0, indptr, site, first, second, count, who, slot, gain, loss, extra)
    slot[out], slot[j], opened[q] = -1, q, j
    for at in range(start[out], start[out + 1]):
        count[row[at]] -= 1
        who[row[at]] -= q
    for at in range(start[j], start[j + 1]):
        i = row[at]
        count[i] += 1
        who[i] += q
        if mark[i] != last[0]:
            _tell(i, 1.0, indptr, site, first, second, count, who, slot, gain, loss, extra)
    for at in range(start[out], start[out + 1]):
        i = row[at]
        _tell(i, 1.0, indptr, site, first, second, count, who, slot, gain, loss, extra)


@njit(cache=True)
def place(
    chosen: IntArray, pairs: tuple[IntArray, IntArray, IntArray, IntArray],
    worth: tuple[FloatArray, FloatArray], state: tuple[IntArray, ...],
    value: tuple[FloatArray, FloatArray, FloatArray],
) -> None:  # fmt: skip
    """Open these sites, whatever was open, and value every swap afresh.

    Parameters
    ----------
    chosen : sites to open, one a slot.
    pairs, worth, state, value : as in `swap_in`; state and value are overwritten.
    """
    indptr, site, start, row = pairs
    first, second = worth
    count, who, slot, opened = state[0], state[1], state[2], state[3]
    gain, loss, extra = value
    count[:], who[:], slot[:] = 0, 0, -1
    gain[:], loss[:], extra[:, :] = 0.0, 0.0, 0.0
    for q in range(chosen.shape[0]):
        slot[chosen[q]], opened[q] = q, chosen[q]
        for at in range(start[chosen[q]], start[chosen[q] + 1]):
            count[row[at]] += 1
            who[row[at]] += q
    for i in range(count.shape[0]):
        _tell(i, 1.0, indptr, site, first, second, count, who, slot, gain, loss, extra)


@njit(cache=True)
def best_swap(
    slot: IntArray, n_kept: int, value: tuple[FloatArray, FloatArray, FloatArray]
) -> tuple[int, int, float]:
    """The swap of an open and a closed site that gains most (Resende & Werneck 2007).

    Parameters
    ----------
    slot : slot by site, -1 closed.
    n_kept : slots below this one stay.
    value : gain by site, loss by slot, extra by site and slot.

    Returns
    -------
    Site to open, slot to close, gain; -1 and -1 where there is no pair.
    """
    gain, loss, extra = value
    to_open, to_close, most = -1, -1, -np.inf
    for j in range(slot.shape[0]):
        if slot[j] >= 0:
            continue
        for q in range(n_kept, loss.shape[0]):
            better = gain[j] - loss[q] + extra[j, q]
            if better > most:
                to_open, to_close, most = j, q, better
    return to_open, to_close, most


@njit(cache=True)
def climb(
    pairs: tuple[IntArray, IntArray, IntArray, IntArray], worth: tuple[FloatArray, FloatArray],
    state: tuple[IntArray, ...], value: tuple[FloatArray, FloatArray, FloatArray],
    least: float, n_most: int,
) -> float:  # fmt: skip
    """Swap as long as that gains.

    Parameters
    ----------
    pairs, worth, state, value : as in `swap_in`.
    least : gain below which a swap is none.
    n_most : most swaps.

    Returns
    -------
    What was gained in all.
    """
    total = 0.0
    for _ in range(n_most):
        j, q, better = best_swap(state[2], 0, value)
        if j < 0 or better <= least:
            break
        swap_in(j, q, pairs, worth, state, value)
        total += better
    return total


@njit(cache=True)
def wander(
    uniform: FloatArray, best: IntArray,
    pairs: tuple[IntArray, IntArray, IntArray, IntArray], worth: tuple[FloatArray, FloatArray],
    state: tuple[IntArray, ...], value: tuple[FloatArray, FloatArray, FloatArray], least: float,
) -> tuple[float, int]:  # fmt: skip
    """Iterated local search: shake the best choice, climb, keep what is no worse.

    Parameters
    ----------
    uniform : shape (n_rounds, 2 n_shakes), 0..1: which slot and which site of each shake.
    best : site by slot of the best choice, which is also the present one; overwritten.
    pairs, worth, state, value : as in `swap_in`.
    least : gain below which a swap is none.

    Returns
    -------
    What was gained in all; rounds since the last gain.
    """
    slot, opened = state[2], state[3]
    p, n_sites = opened.shape[0], slot.shape[0]
    total, since = 0.0, 0
    for r in range(uniform.shape[0]):
        change = 0.0
        for s in range(uniform.shape[1] // 2):
            q = int(uniform[r, 2 * s] * p)
            # A closed neighbour of what is closed: one that covers something in its stead.
            j = int(uniform[r, 2 * s + 1] * n_sites)
            while slot[j] >= 0:
                j = (j + 1) % n_sites
            change += value[0][j] - value[1][q] + value[2][j, q]
            swap_in(j, q, pairs, worth, state, value)
        change += climb(pairs, worth, state, value, least, 10 * p)
        since += 1
        if change >= -least:
            if change > least:
                since = 0
            total += change
            best[:] = opened
        else:
            _go_back(best, pairs, worth, state, value)
    return total, since


@njit(cache=True)
def _go_back(best, pairs, worth, state, value):  # type: ignore[no-untyped-def]
    """Swap until the best choice is open again; sites may sit in other slots than before."""
    slot, opened = state[2], state[3]
    wanted = np.zeros(slot.shape[0], np.bool_)
    wanted[best] = True
    q = 0
    for j in best:
        if slot[j] < 0:
            while wanted[opened[q]]:
                q += 1
            swap_in(j, q, pairs, worth, state, value)
    best[:] = opened
