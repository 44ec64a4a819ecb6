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
def smallest(
    table: FloatArray, open_: BoolArray, keep: BoolArray, parent: IntArray, n_parents: int
) -> IntArray:
    """Smallest of the open children of each parent, those to be kept last, the first of equals.

    Parameters
    ----------
    table : counts, shape (n_weeks, n_children).
    open_ : children that may be chosen, same shape; they have a parent.
    keep : children that should be kept, same shape.
    parent : position of each child's parent.
    n_parents : number of parents.

    Returns
    -------
    int64, shape (n_weeks, n_parents): a child's position, -1 where none is open.
    """
    out = np.full((table.shape[0], n_parents), -1)
    for t in range(table.shape[0]):
        for j in range(table.shape[1]):
            if not open_[t, j]:
                continue
            best = out[t, parent[j]]
            if (
                best < 0
                or keep[t, best] > keep[t, j]
                or (keep[t, best] == keep[t, j] and table[t, j] < table[t, best])
            ):
                out[t, parent[j]] = j
    return out
