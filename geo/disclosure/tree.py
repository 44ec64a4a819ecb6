"""Sums along village, town and county, and what an outsider can conclude from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from geo.arrays import BoolArray, FloatArray, IntArray, amounts, parents
from geo.errors import ShapeError
from geo.model import Missing


class Range(NamedTuple):
    """What an outsider can conclude about counts: each lies in low..high.

    Attributes
    ----------
    low : float64; equal to `high` where the count is published or can be worked out.
    high : float64; infinite where nothing bounds it. NaN (both) where there is no data.
    """

    low: FloatArray
    high: FloatArray


def outsider_range(
    counts: Sequence[npt.ArrayLike],
    states: Sequence[npt.ArrayLike],
    parent_index: Sequence[npt.ArrayLike],
) -> list[Range]:
    """Range of every count that an outsider can work out from what is published.

    The audit of `suppress_hierarchy`: withheld counts are only known to add up to their parents and
    to be at least 1, or 0 in a group in which a zero is withheld too.

    Parameters
    ----------
    counts : the true counts, one array a level, finest first, as in `suppress_hierarchy`.
    states : uint8 `Missing` values of the same shapes; SUPPRESSED is withheld.
    parent_index : as in `suppress_hierarchy`.

    Returns
    -------
    One Range a level, shape of its counts.

    Raises
    ------
    ShapeError : shapes or numbers of levels do not fit.
    CodeError : a parent's position is out of range.

    Notes
    -----
    O(n): once up and once down the tree. On a tree of sums this is exact: every bound is reached
    by a table of whole numbers that agrees with all that is published.

    Examples
    --------
    >>> village, town = outsider_range([[3, 12, 40], [55]], [[2, 2, 0], [0]], [[0, 0, 0]])
    >>> village.low.tolist(), village.high.tolist()
    ([1.0, 1.0, 40.0], [14.0, 14.0, 40.0])
    """
    tables = tables_of(counts)
    links = links_of(tables, parent_index)
    masks = [
        np.asarray(state).reshape(table.shape) == Missing.SUPPRESSED
        for state, table in zip(states, tables, strict=True)
    ]
    shapes = [np.shape(level) for level in counts]
    return [
        Range(found.low.reshape(shape), found.high.reshape(shape))
        for found, shape in zip(ranges(tables, masks, links), shapes, strict=True)
    ]


class Link(NamedTuple):
    """From one level to the next.

    Attributes
    ----------
    parent : position in the next level, -1 where there is no parent.
    member : shape (n_parents, n_children), 1 where the child belongs to the parent.
    """

    parent: IntArray
    member: sparse.csr_array

    def total(self, rows: FloatArray) -> FloatArray:
        """Sums over the children of each parent.

        Parameters
        ----------
        rows : shape (n_weeks, n_children), no NaN.

        Returns
        -------
        float64, shape (n_weeks, n_parents).
        """
        return np.asarray(self.member @ rows.T, dtype=np.float64).T

    def spread(self, rows: FloatArray, *, without: float) -> FloatArray:
        """What each child's parent has.

        Parameters
        ----------
        rows : shape (n_weeks, n_parents).
        without : for children without a parent.

        Returns
        -------
        float64, shape (n_weeks, n_children).
        """
        padded = np.concatenate([rows, np.full((len(rows), 1), without)], axis=1)
        return padded[:, self.parent]


def tables_of(counts: Sequence[npt.ArrayLike]) -> list[FloatArray]:
    """Check the counts of all levels, and give each a row a week.

    Parameters
    ----------
    counts : one array a level, as in `geo.disclosure.suppress_hierarchy`.

    Returns
    -------
    float64, shape (n_weeks, n_areas) each.

    Raises
    ------
    ShapeError : there is no level, or levels differ in their weeks.

    Examples
    --------
    >>> [table.shape for table in tables_of([[3, 12], [15]])]
    [(1, 2), (1, 1)]
    """
    tables = [amounts(f"counts[{i}]", level, ndim=(1, 2)) for i, level in enumerate(counts)]
    if not tables:
        raise ShapeError("counts: no level; wanted at least one")
    rows = [np.atleast_2d(table) for table in tables]
    if len({(table.ndim, len(row)) for table, row in zip(tables, rows, strict=True)}) > 1:
        shapes = ", ".join(str(table.shape) for table in tables)
        raise ShapeError(f"counts: shapes {shapes}; wanted the same weeks on every level")
    return rows


def links_of(tables: list[FloatArray], parent_index: Sequence[npt.ArrayLike]) -> list[Link]:
    """Check the parents of all levels but the last.

    Parameters
    ----------
    tables : of `tables_of`.
    parent_index : one int array a level but the last.

    Returns
    -------
    One Link a level but the last.

    Raises
    ------
    ShapeError : numbers do not fit.
    CodeError : a parent's position is out of range.

    Examples
    --------
    >>> (link,) = links_of(tables_of([[3, 12], [15]]), [[0, 0]])
    >>> link.total(np.array([[3.0, 12.0]])).tolist()
    [[15.0]]
    """
    if len(parent_index) != len(tables) - 1:
        raise ShapeError(
            f"parent_index: {len(parent_index)} for {len(tables)} levels; wanted one a level "
            "but the last"
        )
    links = []
    for i, index in enumerate(parent_index):
        n, n_above = tables[i].shape[1], tables[i + 1].shape[1]
        at = parents(f"parent_index[{i}]", index, n_children=n, n_parents=n_above)
        has = np.flatnonzero(at >= 0)
        member = sparse.csr_array((np.ones(has.size), (at[has], has)), shape=(n_above, n))
        links.append(Link(at, member))
    return links


def ranges(tables: list[FloatArray], hidden: list[BoolArray], links: list[Link]) -> list[Range]:
    """`outsider_range` on tables that have been checked.

    Parameters
    ----------
    tables : counts of each level, shape (n_weeks, n_areas).
    hidden : which are withheld, same shapes.
    links : from each level to the next.

    Returns
    -------
    One Range a level.

    Examples
    --------
    >>> tables = tables_of([[3, 12, 40], [55]])
    >>> hidden = [np.array([[True, True, False]]), np.array([[False]])]
    >>> ranges(tables, hidden, links_of(tables, [[0, 0, 0]]))[0].high.tolist()
    [[14.0, 14.0, 40.0]]
    """
    low = lowest(tables, hidden, links)
    high = [np.where(mask, np.inf, table) for table, mask in zip(tables, hidden, strict=True)]
    sums = []
    for i, link in enumerate(links):
        given = ~np.isnan(tables[i])
        finite = np.where(np.isinf(high[i]), 0.0, high[i])
        low_sum = link.total(np.where(given, low[i], 0.0))
        high_sum = link.total(np.where(given, finite, 0.0))
        open_sum = link.total(np.where(given, np.isinf(high[i]), 0.0))
        beyond = tables[i + 1] - link.total(np.where(given, tables[i], 0.0))
        has = link.total(given.astype(np.float64)) > 0
        sums.append((low_sum, high_sum, open_sum, beyond))
        up = hidden[i + 1] & has
        low[i + 1] = np.where(up, np.maximum(low[i + 1], low_sum + beyond), low[i + 1])
        whole = np.where(open_sum > 0, np.inf, high_sum + beyond)
        high[i + 1] = np.where(up, np.minimum(high[i + 1], whole), high[i + 1])
    for i in range(len(links) - 1, -1, -1):
        link, (low_sum, high_sum, open_sum, beyond) = links[i], sums[i]
        # A parent without data or without existence says nothing of its children.
        above_low = np.where(np.isnan(tables[i + 1]), -np.inf, low[i + 1] - beyond)
        above_high = np.where(np.isnan(tables[i + 1]), np.inf, high[i + 1] - beyond)
        open_here = np.isinf(high[i])
        rest_low = link.spread(low_sum, without=0.0) - low[i]
        rest_high = link.spread(high_sum, without=0.0) - np.where(open_here, 0.0, high[i])
        rest_open = link.spread(open_sum, without=1.0) - open_here > 0
        from_high = link.spread(above_high, without=np.inf) - rest_low
        from_low = link.spread(above_low, without=-np.inf) - np.where(rest_open, np.inf, rest_high)
        high[i] = np.where(hidden[i], np.minimum(high[i], from_high), high[i])
        low[i] = np.where(hidden[i], np.maximum(low[i], from_low), low[i])
    return [Range(a, b) for a, b in zip(low, high, strict=True)]


def lowest(
    tables: list[FloatArray], hidden: list[BoolArray], links: list[Link]
) -> list[FloatArray]:
    """Published counts as they are; withheld ones as 1, as 0 in a group with a withheld zero.

    Parameters
    ----------
    tables : counts of each level, shape (n_weeks, n_areas).
    hidden : which are withheld, same shapes.
    links : from each level to the next.

    Returns
    -------
    One float64 array a level.

    Examples
    --------
    >>> tables = tables_of([[3, 12, 40], [55]])
    >>> hidden = [np.array([[True, True, False]]), np.array([[False]])]
    >>> lowest(tables, hidden, links_of(tables, [[0, 0, 0]]))[0].tolist()
    [[1.0, 1.0, 40.0]]
    """
    low = []
    for i, (table, mask) in enumerate(zip(tables, hidden, strict=True)):
        floor = np.ones(table.shape)
        if i < len(links):
            zeros = links[i].total((mask & (table == 0)).astype(np.float64))
            floor[links[i].spread(zeros, without=0.0) > 0] = 0.0
        low.append(np.where(mask, floor, table))
    return low
