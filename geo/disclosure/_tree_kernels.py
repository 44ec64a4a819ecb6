"""Compiled loops up and down one link of the tree. Imported by the functions that use them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from geo.arrays import BoolArray, FloatArray, IntArray


@njit(cache=True)
def total(rows: npt.NDArray[np.float64 | np.bool_], parent: IntArray, n_parents: int) -> FloatArray:
    """Sums over the children of each parent.

    Parameters
    ----------
    rows : shape (n_weeks, n_children), no NaN.
    parent : position of each child's parent, -1 where there is none.
    n_parents : number of parents.

    Returns
    -------
    float64, shape (n_weeks, n_parents).
    """
    out = np.zeros((rows.shape[0], n_parents))
    for t in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            if parent[j] >= 0:
                out[t, parent[j]] += rows[t, j]
    return out


@njit(cache=True)
def largest(rows: FloatArray, parent: IntArray, n_parents: int) -> FloatArray:
    """Largest value among the children of each parent, at least 0.

    Parameters
    ----------
    rows : shape (n_weeks, n_children), no NaN.
    parent : position of each child's parent, -1 where there is none.
    n_parents : number of parents.

    Returns
    -------
    float64, shape (n_weeks, n_parents).
    """
    out = np.zeros((rows.shape[0], n_parents))
    for t in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            if parent[j] >= 0:
                out[t, parent[j]] = max(out[t, parent[j]], rows[t, j])
    return out


@njit(cache=True)
def floors(table: FloatArray, hidden: BoolArray, parent: IntArray, n_parents: int) -> FloatArray:
    """Published counts as they are; withheld ones as 1, as 0 in a group with a withheld zero.

    Parameters
    ----------
    table : counts, shape (n_weeks, n_children).
    hidden : which are withheld, same shape.
    parent : position of each child's parent, -1 where there is none.
    n_parents : number of parents.

    Returns
    -------
    float64, shape of `table`.
    """
    out = table.copy()
    for t in range(table.shape[0]):
        zero = np.zeros(n_parents, dtype=np.bool_)
        for j in range(table.shape[1]):
            if hidden[t, j] and table[t, j] == 0 and parent[j] >= 0:
                zero[parent[j]] = True
        for j in range(table.shape[1]):
            if hidden[t, j]:
                out[t, j] = 0.0 if parent[j] >= 0 and zero[parent[j]] else 1.0
    return out


@njit(cache=True)
def climb(
    table: FloatArray,
    low: FloatArray,
    high: FloatArray,
    parent: IntArray,
    above: tuple[FloatArray, BoolArray, FloatArray, FloatArray],
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Bound withheld parents by the sums of their children, in place.

    Parameters
    ----------
    table, low, high : counts of the children and their range, shape (n_weeks, n_children).
    parent : position of each child's parent, -1 where there is none.
    above : counts of the parents, which are withheld, and their range, shape (n_weeks, n_parents).

    Returns
    -------
    Of each parent, shape (n_weeks, n_parents): sum of the low ends of its children, of the finite
    high ends, how many high ends are infinite, and what the parent has beyond its children.
    """
    whole, hidden, low_above, high_above = above
    low_sum, high_sum = np.zeros(whole.shape), np.zeros(whole.shape)
    open_sum, beyond = np.zeros(whole.shape), np.zeros(whole.shape)
    for t in range(table.shape[0]):
        given = np.zeros(whole.shape[1], dtype=np.bool_)
        for j in range(table.shape[1]):
            p = parent[j]
            if p < 0 or np.isnan(table[t, j]):
                continue
            given[p] = True
            low_sum[t, p] += low[t, j]
            beyond[t, p] += table[t, j]
            if np.isinf(high[t, j]):
                open_sum[t, p] += 1.0
            else:
                high_sum[t, p] += high[t, j]
        for p in range(whole.shape[1]):
            beyond[t, p] = whole[t, p] - beyond[t, p]
            if hidden[t, p] and given[p]:
                least = low_sum[t, p] + beyond[t, p]
                low_above[t, p] = np.maximum(low_above[t, p], least)
                if open_sum[t, p] == 0:
                    most = high_sum[t, p] + beyond[t, p]
                    high_above[t, p] = np.minimum(high_above[t, p], most)
    return low_sum, high_sum, open_sum, beyond


@njit(cache=True)
def descend(
    hidden: BoolArray,
    span: tuple[FloatArray, FloatArray],
    parent: IntArray,
    above: tuple[FloatArray, FloatArray, FloatArray],
    sums: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
) -> None:
    """Bound withheld children by what their parent leaves them, in place.

    Parameters
    ----------
    hidden : which children are withheld, shape (n_weeks, n_children).
    span : their range: low and high ends, same shape.
    parent : position of each child's parent, -1 where there is none.
    above : counts of the parents and their range, shape (n_weeks, n_parents); a parent without
        data says nothing of its children.
    sums : of `climb`.
    """
    low, high = span
    whole, low_above, high_above = above
    low_sum, high_sum, open_sum, beyond = sums
    for t in range(hidden.shape[0]):
        for j in range(hidden.shape[1]):
            p = parent[j]
            if not hidden[t, j] or p < 0 or np.isnan(whole[t, p]):
                continue
            is_open = np.isinf(high[t, j])
            rest_low = low_sum[t, p] - low[t, j]
            rest_open = open_sum[t, p] - (1.0 if is_open else 0.0) > 0
            rest_high = high_sum[t, p] - (0.0 if is_open else high[t, j])
            most = high_above[t, p] - beyond[t, p] - rest_low
            high[t, j] = np.minimum(high[t, j], most)
            if not rest_open:
                least = low_above[t, p] - beyond[t, p] - rest_high
                low[t, j] = np.maximum(low[t, j], least)


@njit(cache=True)
def hide_smallest(  # noqa: C901, PLR0912, PLR0917 -- one compiled loop
    table: FloatArray,
    masks: tuple[BoolArray, BoolArray, BoolArray],
    groups: BoolArray,
    parent: IntArray,
    k: float,
    sparing: bool,  # noqa: FBT001 -- compiled loops take no keywords
) -> BoolArray:
    """Withhold the smallest published child above 0 of each group, in place.

    Of equals the first goes, and what should be kept goes last. Where what is withheld already
    adds up to `k`, all zeros of the group go instead, if it has any.

    Parameters
    ----------
    table : counts, shape (n_weeks, n_children).
    masks : same shape: which are withheld, which everybody knows, which should be kept.
    groups : groups that are to lose a child, shape (n_weeks, n_parents).
    parent : position of each child's parent, -1 where there is none.
    k : least count that is published.
    sparing : pass over children that should be kept.

    Returns
    -------
    bool, shape of `groups`: which of them lost a child.
    """
    hidden, known, keep = masks
    served = np.zeros(groups.shape, dtype=np.bool_)
    for t in range(table.shape[0]):
        if not groups[t].any():
            continue
        withheld = np.zeros(groups.shape[1])
        zero = np.zeros(groups.shape[1], dtype=np.bool_)
        first = np.full(groups.shape[1], -1)
        for j in range(table.shape[1]):
            p = parent[j]
            if p < 0 or not groups[t, p]:
                continue
            if hidden[t, j]:
                withheld[p] += table[t, j]
            elif known[t, j]:
                continue
            elif table[t, j] == 0:
                zero[p] = True
            elif table[t, j] > 0 and not (sparing and keep[t, j]):
                best = first[p]
                if (
                    best < 0
                    or keep[t, best] > keep[t, j]
                    or (keep[t, best] == keep[t, j] and table[t, j] < table[t, best])
                ):
                    first[p] = j
        for p in range(groups.shape[1]):
            zero[p] = zero[p] and withheld[p] >= k
            served[t, p] = zero[p] or first[p] >= 0
            if not zero[p] and first[p] >= 0:
                hidden[t, first[p]] = True
        if zero.any():
            for j in range(table.shape[1]):
                if table[t, j] == 0 and not known[t, j] and parent[j] >= 0 and zero[parent[j]]:
                    hidden[t, j] = True
    return served


@njit(cache=True)
def hide_zeros(  # noqa: C901, PLR0917 -- one compiled loop
    table: FloatArray,
    hidden: BoolArray,
    known: BoolArray,
    parent: IntArray,
    above: tuple[FloatArray, BoolArray, BoolArray],
    k: float,
) -> BoolArray:
    """Withhold the zeros under withheld parents, in place; tell who needs another child withheld.

    Parameters
    ----------
    table, hidden, known : counts of the children, which are withheld, and which everybody knows;
        shape (n_weeks, n_children).
    parent : position of each child's parent, -1 where there is none.
    above : counts of the parents, which are withheld, and which for their own sake; shape
        (n_weeks, n_parents).
    k : least count that is published.

    Returns
    -------
    bool, shape (n_weeks, n_parents): withheld parents none of whose children is withheld, or that
    are told to be `k` or more by what is left of their children.
    """
    whole, gone, own = above
    told = np.zeros(gone.shape, dtype=np.bool_)
    for t in range(table.shape[0]):
        if not gone[t].any():
            continue
        some = np.zeros(gone.shape[1], dtype=np.bool_)
        zero = np.zeros(gone.shape[1], dtype=np.bool_)
        for j in range(table.shape[1]):
            p = parent[j]
            if p < 0 or not gone[t, p]:
                continue
            if table[t, j] == 0 and not known[t, j]:
                hidden[t, j] = True
            if hidden[t, j]:
                some[p] = True
                zero[p] = zero[p] or table[t, j] == 0
        total = np.zeros(gone.shape[1])
        least = np.zeros(gone.shape[1])
        for j in range(table.shape[1]):
            p = parent[j]
            if p < 0 or not gone[t, p] or np.isnan(table[t, j]):
                continue
            total[p] += table[t, j]
            if not hidden[t, j]:
                least[p] += table[t, j]
            elif not zero[p]:
                least[p] += 1.0
        for p in range(gone.shape[1]):
            if gone[t, p]:
                beyond = whole[t, p] - total[p]
                told[t, p] = not some[p] or (own[t, p] and least[p] + beyond >= k)
    return told
