"""Sums along village, town and county, and what an outsider can conclude from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from geo.arrays import BoolArray, FloatArray, IntArray, amounts, parents
from geo.errors import ShapeError
from geo.model import Missing

# Counts of a level worked on together.
_TOGETHER = 1 << 17

_T = TypeVar("_T", bound=np.generic)


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
    n_parents : number of areas of the next level.
    """

    parent: IntArray
    n_parents: int

    def total(self, rows: FloatArray | BoolArray) -> FloatArray:
        """Sums over the children of each parent.

        Parameters
        ----------
        rows : shape (n_weeks, n_children), no NaN.

        Returns
        -------
        float64, shape (n_weeks, n_parents).
        """
        from geo.disclosure import _tree_kernels  # noqa: PLC0415

        found: FloatArray = _tree_kernels.total(
            np.ascontiguousarray(rows), self.parent, self.n_parents
        )
        return found

    def any(self, rows: BoolArray) -> BoolArray:
        """Whether something is true of a child of each parent.

        Parameters
        ----------
        rows : shape (n_weeks, n_children).

        Returns
        -------
        bool, shape (n_weeks, n_parents).
        """
        return self.total(rows) > 0

    def spread(self, rows: npt.NDArray[_T], *, without: float) -> npt.NDArray[_T]:
        """What each child's parent has.

        Parameters
        ----------
        rows : shape (n_weeks, n_parents).
        without : for children without a parent.

        Returns
        -------
        Of the dtype of `rows`, shape (n_weeks, n_children).
        """
        last = np.full((len(rows), 1), without, dtype=rows.dtype)
        return np.concatenate([rows, last], axis=1).take(self.parent, axis=1)


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
        links.append(Link(np.ascontiguousarray(at, dtype=np.int64), n_above))
    return links


def parts(tables: Sequence[FloatArray]) -> Iterator[tuple[IntArray, int]]:
    """Weeks that are worked on together, and the finest of the levels that they need.

    Finer levels have no data in these weeks, so that nothing there can be withheld or tell.

    Parameters
    ----------
    tables : counts of each level, shape (n_weeks, n_areas).

    Yields
    ------
    Positions of weeks, few enough for their arrays to stay in the processor's cache, and the
    position of a level. Weeks without any data do not come up.

    Examples
    --------
    >>> villages, town = np.array([[3.0, 12.0], [np.nan, np.nan]]), np.array([[15.0], [20.0]])
    >>> [(weeks.tolist(), finest) for weeks, finest in parts([villages, town])]
    [([0], 0), ([1], 1)]
    """
    given = np.array([~np.isnan(table).all(axis=1) for table in tables])
    depth = np.where(given.any(axis=0), given.argmax(axis=0), len(tables))
    for finest in range(len(tables)):
        weeks = np.flatnonzero(depth == finest)
        widest = max(table.shape[1] for table in tables[finest:])
        step = max(_TOGETHER // max(widest, 1), 1)
        for first in range(0, len(weeks), step):
            yield weeks[first : first + step], finest


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
    from geo.disclosure import _tree_kernels  # noqa: PLC0415

    low = lowest(tables, hidden, links)
    high = [np.where(mask, np.inf, table) for table, mask in zip(tables, hidden, strict=True)]
    sums = []
    for i, link in enumerate(links):
        above = (np.ascontiguousarray(tables[i + 1]), hidden[i + 1], low[i + 1], high[i + 1])
        table = np.ascontiguousarray(tables[i])
        sums.append(_tree_kernels.climb(table, low[i], high[i], link.parent, above))
    for i in range(len(links) - 1, -1, -1):
        parents_of = (np.ascontiguousarray(tables[i + 1]), low[i + 1], high[i + 1])
        mask = np.ascontiguousarray(hidden[i])
        _tree_kernels.descend(mask, (low[i], high[i]), links[i].parent, parents_of, sums[i])
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
    from geo.disclosure import _tree_kernels  # noqa: PLC0415

    low = []
    for i, (table, mask) in enumerate(zip(tables, hidden, strict=True)):
        top = Link(np.full(table.shape[1], -1, dtype=np.int64), 0)
        parent, n_parents = links[i] if i < len(links) else top
        given, masked = np.ascontiguousarray(table), np.ascontiguousarray(mask)
        low.append(_tree_kernels.floors(given, masked, parent, n_parents))
    return low
