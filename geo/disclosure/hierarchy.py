"""Withholding what would give a withheld count away along village, town and county."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from geo.arrays import BoolArray, FloatArray, IntArray, amounts, parents
from geo.disclosure.primary import Published, check_k, suppress_primary, withheld
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


def suppress_hierarchy(
    counts: Sequence[npt.ArrayLike],
    parent_index: Sequence[npt.ArrayLike],
    *,
    k: int,
    denominators: Sequence[npt.ArrayLike] | None = None,
    min_denominator: float = 100.0,
    keep: Sequence[npt.ArrayLike] | None = None,
) -> list[Published]:
    """Withhold small counts on every level, and so many others that none can be worked out.

    Parameters
    ----------
    counts : one float64 array a level, finest first, shapes (n_areas,) or (n_weeks, n_areas),
        >= 0; NaN where there is no data. A parent is the sum of its children, as a rule; what
        it has beyond that is taken to be known to everybody.
    parent_index : one int array a level but the last, shape (n_areas,): position in the next
        level, -1 where there is no parent.
    k : least count that is published, >= 5.
    denominators : one array a level, as in `suppress_primary`.
    min_denominator : as in `suppress_primary`.
    keep : one bool array a level, shape of its counts: counts that should stay if others, their
        parent's included, can go in their place, e.g. those under a warning.

    Returns
    -------
    One Published a level, shape of its counts. Where parents are the sums of their children, an
        outsider's range (see `outsider_range`) of every count withheld for its own sake reaches
        from below k to k or above, and no area is the only one withheld under a published parent.

    Raises
    ------
    ShapeError : shapes or numbers of levels do not fit.
    CodeError : a parent's position is out of range.
    UnitError : `k` is below 5, or a count is negative or infinite.

    Notes
    -----
    Greedy: in each group that is not safe the smallest published count above 0 is withheld too,
    the parent when none is left, and so on upwards; under an area withheld in this way the smallest
    child follows. Where the withheld counts of a group add up to k or more and are told only by
    being 1 at least (eighteen cells under a village of 18), the zeros of the group are withheld
    instead, so that the village can stay. Under a withheld area its zeros go as well. O(n) a round,
    a few rounds, only over weeks that are not yet safe. It withholds more than an optimum would
    (cell suppression: Fischetti & Salazar 2001).

    Examples
    --------
    >>> villages, town = suppress_hierarchy(
    ...     [[3, 12, 40], [55]], [[0, 0, 0]], k=10)
    >>> villages.states.tolist(), town.values.tolist()
    ([2, 2, 0], [55.0])
    """
    check_k(k)
    tables = _levels(counts)
    links = _links(tables, parent_index)
    own = _own(tables, k, denominators, min_denominator)
    hidden = [mask.copy() for mask in own]
    prefer = _preferences(tables, keep)
    weeks = np.arange(len(tables[0]))
    while weeks.size:
        case = _Case(
            [level[weeks] for level in tables],
            [level[weeks] for level in hidden],
            [level[weeks] for level in own],
            [level[weeks] for level in prefer],
            links,
        )
        changed = _withhold_more(case, k)
        for level, now in zip(hidden, case.hidden, strict=True):
            level[weeks] = now
        weeks = weeks[changed]
    shapes = [np.shape(level) for level in counts]
    return [
        Published(found.values.reshape(shape), found.states.reshape(shape))
        for found, shape in zip(map(withheld, tables, hidden), shapes, strict=True)
    ]


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
    tables = _levels(counts)
    links = _links(tables, parent_index)
    masks = [
        np.asarray(state).reshape(table.shape) == Missing.SUPPRESSED
        for state, table in zip(states, tables, strict=True)
    ]
    shapes = [np.shape(level) for level in counts]
    return [
        Range(found.low.reshape(shape), found.high.reshape(shape))
        for found, shape in zip(_ranges(tables, masks, links), shapes, strict=True)
    ]


class _Link(NamedTuple):
    """From one level to the next."""

    parent: IntArray
    member: sparse.csr_array

    def total(self, rows: FloatArray) -> FloatArray:
        return np.asarray(self.member @ rows.T, dtype=np.float64).T

    def spread(self, rows: FloatArray, *, without: float) -> FloatArray:
        padded = np.concatenate([rows, np.full((len(rows), 1), without)], axis=1)
        return padded[:, self.parent]


class _Case(NamedTuple):
    """The weeks of one round; `hidden` is changed in place."""

    tables: list[FloatArray]
    hidden: list[BoolArray]
    own: list[BoolArray]
    keep: list[BoolArray]
    links: list[_Link]


def _levels(counts: Sequence[npt.ArrayLike]) -> list[FloatArray]:
    tables = [amounts(f"counts[{i}]", level, ndim=(1, 2)) for i, level in enumerate(counts)]
    if not tables:
        raise ShapeError("counts: no level; wanted at least one")
    rows = [np.atleast_2d(table) for table in tables]
    if len({(table.ndim, len(row)) for table, row in zip(tables, rows, strict=True)}) > 1:
        shapes = ", ".join(str(table.shape) for table in tables)
        raise ShapeError(f"counts: shapes {shapes}; wanted the same weeks on every level")
    return rows


def _links(tables: list[FloatArray], parent_index: Sequence[npt.ArrayLike]) -> list[_Link]:
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
        links.append(_Link(at, member))
    return links


def _own(
    tables: list[FloatArray],
    k: int,
    denominators: Sequence[npt.ArrayLike] | None,
    min_denominator: float,
) -> list[BoolArray]:
    given = [None] * len(tables) if denominators is None else list(denominators)
    if len(given) != len(tables):
        raise ShapeError(f"denominators: {len(given)}; wanted one a level, {len(tables)}")
    return [
        suppress_primary(table, k=k, denominators=people, min_denominator=min_denominator).states
        == Missing.SUPPRESSED
        for table, people in zip(tables, given, strict=True)
    ]


def _preferences(tables: list[FloatArray], keep: Sequence[npt.ArrayLike] | None) -> list[BoolArray]:
    if keep is None:
        return [np.zeros(table.shape, dtype=bool) for table in tables]
    masks = [np.atleast_2d(np.asarray(mask, dtype=bool)) for mask in keep]
    if [mask.shape for mask in masks] != [table.shape for table in tables]:
        raise ShapeError(
            f"keep: shapes {[m.shape for m in masks]}; wanted {[t.shape for t in tables]}"
        )
    return masks


def _ranges(tables: list[FloatArray], hidden: list[BoolArray], links: list[_Link]) -> list[Range]:
    low = _lowest(tables, hidden, links)
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


def _lowest(
    tables: list[FloatArray], hidden: list[BoolArray], links: list[_Link]
) -> list[FloatArray]:
    """Published counts as they are; withheld ones as 1, as 0 in a group with a withheld zero."""
    low = []
    for i, (table, mask) in enumerate(zip(tables, hidden, strict=True)):
        floor = np.ones(table.shape)
        if i < len(links):
            zeros = links[i].total((mask & (table == 0)).astype(np.float64))
            floor[links[i].spread(zeros, without=0.0) > 0] = 0.0
        low.append(np.where(mask, floor, table))
    return low


def _withhold_more(case: _Case, k: int) -> BoolArray:
    """One round: withhold further counts in place; tell which weeks changed."""
    before = _n_hidden(case)
    top = len(case.links)
    for i in range(top - 1, -1, -1):
        _open_children(case, i, k)
    unsafe = [
        mask & ((span.high < k) | (span.low >= k))
        for mask, span in zip(case.own, _ranges(case.tables, case.hidden, case.links), strict=True)
    ]
    # From the top: what is made safe above often is enough for what lies below. What should be
    # kept is touched only in weeks where nothing else is left.
    waiting = np.ones(len(case.tables[0]), dtype=bool)
    opened = _n_hidden(case)
    for sparing in (True, False):
        for i in range(top - 1, -1, -1):
            groups = case.links[i].total(unsafe[i].astype(np.float64)) > 0
            _widen(case, groups & waiting[:, None], i, k, sparing=sparing)
            waiting = _n_hidden(case) == opened
    changed: BoolArray = _n_hidden(case) > before
    return changed


def _n_hidden(case: _Case) -> IntArray:
    number: IntArray = np.count_nonzero(np.concatenate(case.hidden, axis=1), axis=1)
    return number


def _open_children(case: _Case, i: int, k: int) -> None:
    """Under a withheld parent withhold a child, else the children's sum would tell the parent.

    Its zeros go too: published, they would tell how many of the others are 1 at least, and so
    bind the sums above.
    """
    link, table, mask = case.links[i], case.tables[i], case.hidden[i]
    under = link.spread(case.hidden[i + 1].astype(np.float64), without=0.0).astype(bool)
    mask |= under & (table == 0)
    n_hidden = link.total(mask.astype(np.float64))
    beyond = case.tables[i + 1] - link.total(np.nan_to_num(table))
    floor = _lowest([table], [mask], [link])[0]
    least = link.total(np.nan_to_num(floor)) + beyond
    told = case.hidden[i + 1] & ((n_hidden == 0) | (case.own[i + 1] & (least >= k)))
    _hide_smallest(case, told, i, k)


def _widen(case: _Case, groups: BoolArray, i: int, k: int, *, sparing: bool) -> None:
    """Withhold one more child in each group; where none is left the parent, and so on upwards."""
    while groups.any():
        groups = groups & ~np.isnan(case.tables[i + 1])
        groups &= ~_hide_smallest(case, groups, i, k, sparing=sparing)
        published = groups & ~case.hidden[i + 1]
        if sparing:
            published &= ~case.keep[i + 1]
        case.hidden[i + 1][published] = True
        i += 1
        if i == len(case.links):
            return
        groups = case.links[i].total((groups & ~published).astype(np.float64)) > 0


def _hide_smallest(
    case: _Case, groups: BoolArray, i: int, k: int, *, sparing: bool = False
) -> BoolArray:
    """Withhold the smallest published child of each group; tell which groups had one.

    Where what is withheld already adds up to `k`, all zeros of the group go before any count does.
    `sparing` passes over children that should be kept.
    """
    link, table, mask = case.links[i], case.tables[i], case.hidden[i]
    zeros = ~mask & (table == 0)
    enough = link.total(np.where(mask, table, 0.0)) >= k
    served = groups & enough & (link.total(zeros.astype(np.float64)) > 0)
    mask |= zeros & link.spread(served.astype(np.float64), without=0.0).astype(bool)
    asked = link.spread((groups & ~served).astype(np.float64), without=0.0).astype(bool)
    barred = mask | case.keep[i] if sparing else mask
    week, child = np.nonzero(asked & ~barred & (table > 0))
    parent = link.parent[child]
    order = np.lexsort((child, table[week, child], case.keep[i][week, child], parent, week))
    week, child, parent = week[order], child[order], parent[order]
    group = week * groups.shape[1] + parent
    first = np.flatnonzero(np.diff(group, prepend=-1))
    mask[week[first], child[first]] = True
    served[week[first], parent[first]] = True
    return served
