"""Withholding what would give a withheld count away along village, town and county."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.arrays import BoolArray, FloatArray, IntArray
from geo.disclosure.primary import Published, check_k, is_small, withheld
from geo.disclosure.tree import Link, links_of, parts, ranges, tables_of
from geo.errors import ShapeError


def suppress_hierarchy(
    counts: Sequence[npt.ArrayLike],
    parent_index: Sequence[npt.ArrayLike],
    *,
    k: int,
    denominators: Sequence[npt.ArrayLike] | None = None,
    min_denominator: float = 100.0,
    keep: Sequence[npt.ArrayLike] | None = None,
    known: Sequence[npt.ArrayLike] | None = None,
    start: Sequence[npt.ArrayLike] | None = None,
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
    known : one bool array a level: counts that everybody knows already, so that to withhold them
        protects nobody. They are treated as published.
    start : one bool array a level: counts that are withheld from the start.

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
    a few rounds, only over weeks that are not yet safe and levels with data. It withholds more than
    an optimum would (cell suppression: Fischetti & Salazar 2001).

    Examples
    --------
    >>> villages, town = suppress_hierarchy(
    ...     [[3, 12, 40], [55]], [[0, 0, 0]], k=10)
    >>> villages.states.tolist(), town.values.tolist()
    ([2, 2, 0], [55.0])
    """
    check_k(k)
    tables = tables_of(counts)
    links = links_of(tables, parent_index)
    own = small_counts(tables, k, denominators, min_denominator)
    public = _masks("known", tables, known)
    own = [mask & ~told for mask, told in zip(own, public, strict=True)]
    first = _masks("start", tables, start)
    hidden = [
        (mask | begun) & ~told & ~np.isnan(table)
        for mask, begun, told, table in zip(own, first, public, tables, strict=True)
    ]
    prefer = _masks("keep", tables, keep)
    for weeks, finest in parts(tables):
        whole = _Case(
            [level[weeks] for level in tables[finest:]],
            [level[weeks] for level in hidden[finest:]],
            [level[weeks] for level in own[finest:]],
            [level[weeks] for level in prefer[finest:]],
            [level[weeks] for level in public[finest:]],
            links[finest:],
        )
        _settle(whole, k)
        for level, now in zip(hidden[finest:], whole.hidden, strict=True):
            level[weeks] = now
    shapes = [np.shape(level) for level in counts]
    return [
        Published(found.values.reshape(shape), found.states.reshape(shape))
        for found, shape in zip(map(withheld, tables, hidden), shapes, strict=True)
    ]


class _Case(NamedTuple):
    """Some weeks of some levels, arrays in C order; `hidden` is changed in place."""

    tables: list[FloatArray]
    hidden: list[BoolArray]
    own: list[BoolArray]
    keep: list[BoolArray]
    known: list[BoolArray]
    links: list[Link]

    def only(self, weeks: IntArray) -> _Case:
        """Copies of some of the weeks."""
        return _Case(
            [level[weeks] for level in self.tables],
            [level[weeks] for level in self.hidden],
            [level[weeks] for level in self.own],
            [level[weeks] for level in self.keep],
            [level[weeks] for level in self.known],
            self.links,
        )


def _settle(case: _Case, k: int) -> None:
    """Withhold further counts in place, round by round, in the weeks that still change."""
    weeks = np.flatnonzero(_withhold_more(case, k))
    while weeks.size:
        rest = case.only(weeks)
        changed = _withhold_more(rest, k)
        for level, now in zip(case.hidden, rest.hidden, strict=True):
            level[weeks] = now
        weeks = weeks[changed]


def small_counts(
    tables: Sequence[FloatArray],
    k: int,
    denominators: Sequence[npt.ArrayLike] | None,
    min_denominator: float,
) -> list[BoolArray]:
    """Which counts are withheld for their own sake.

    Parameters
    ----------
    tables : counts of each level, shape (n_weeks, n_areas).
    k : as in `suppress_primary`.
    denominators : one array a level, as in `suppress_primary`.
    min_denominator : as in `suppress_primary`.

    Returns
    -------
    One bool array a level.

    Raises
    ------
    ShapeError : denominators are not one a level.
    UnitError : `k` or `min_denominator` is out of range.

    Examples
    --------
    >>> small_counts([np.array([[3.0, 12.0]])], 10, None, 100.0)[0].tolist()
    [[True, False]]
    """
    given = [None] * len(tables) if denominators is None else list(denominators)
    if len(given) != len(tables):
        raise ShapeError(f"denominators: {len(given)}; wanted one a level, {len(tables)}")
    return [
        is_small(table, k=k, denominators=people, min_denominator=min_denominator)
        for table, people in zip(tables, given, strict=True)
    ]


def _masks(
    name: str, tables: list[FloatArray], given: Sequence[npt.ArrayLike] | None
) -> list[BoolArray]:
    if given is None:
        return [np.zeros(table.shape, dtype=bool) for table in tables]
    masks = [np.atleast_2d(np.asarray(mask, dtype=bool)) for mask in given]
    if [mask.shape for mask in masks] != [table.shape for table in tables]:
        raise ShapeError(
            f"{name}: shapes {[m.shape for m in masks]}; wanted {[t.shape for t in tables]}"
        )
    return masks


def _withhold_more(case: _Case, k: int) -> BoolArray:
    """One round: withhold further counts in place; tell which weeks changed."""
    before = _n_hidden(case)
    top = len(case.links)
    for i in range(top - 1, -1, -1):
        _open_children(case, i, k)
    unsafe = [
        mask & ((span.high < k) | (span.low >= k))
        for mask, span in zip(case.own, ranges(case.tables, case.hidden, case.links), strict=True)
    ]
    # From the top: what is made safe above often is enough for what lies below. What should be
    # kept is touched only in weeks where nothing else is left.
    waiting = np.ones(len(case.tables[0]), dtype=bool)
    opened = _n_hidden(case)
    for sparing in (True, False):
        for i in range(top - 1, -1, -1):
            groups = case.links[i].any(unsafe[i])
            _widen(case, groups & waiting[:, None], i, k, sparing=sparing)
            waiting = _n_hidden(case) == opened
    changed: BoolArray = _n_hidden(case) > before
    return changed


def _n_hidden(case: _Case) -> IntArray:
    number: IntArray = np.sum([np.count_nonzero(mask, axis=1) for mask in case.hidden], axis=0)
    return number


def _open_children(case: _Case, i: int, k: int) -> None:
    """Under a withheld parent withhold a child, else the children's sum would tell the parent.

    Its zeros go too: published, they would tell how many of the others are 1 at least, and so
    bind the sums above.
    """
    from geo.disclosure import _tree_kernels  # noqa: PLC0415

    above = (case.tables[i + 1], case.hidden[i + 1], case.own[i + 1])
    told = _tree_kernels.hide_zeros(
        case.tables[i], case.hidden[i], case.known[i], case.links[i].parent, above, float(k)
    )
    _hide_smallest(case, told, i, k)


def _widen(case: _Case, groups: BoolArray, i: int, k: int, *, sparing: bool) -> None:
    """Withhold one more child in each group; where none is left the parent, and so on upwards."""
    while groups.any():
        groups = groups & ~np.isnan(case.tables[i + 1])
        groups &= ~_hide_smallest(case, groups, i, k, sparing=sparing)
        published = groups & ~case.hidden[i + 1] & ~case.known[i + 1]
        if sparing:
            published &= ~case.keep[i + 1]
        case.hidden[i + 1][published] = True
        i += 1
        if i == len(case.links):
            return
        groups = case.links[i].any(groups & ~published)


def _hide_smallest(
    case: _Case, groups: BoolArray, i: int, k: int, *, sparing: bool = False
) -> BoolArray:
    """Withhold the smallest published child of each group; tell which groups had one.

    Where what is withheld already adds up to `k`, all zeros of the group go before any count does.
    `sparing` passes over children that should be kept.
    """
    from geo.disclosure import _tree_kernels  # noqa: PLC0415

    masks = (case.hidden[i], case.known[i], case.keep[i])
    served: BoolArray = _tree_kernels.hide_smallest(
        case.tables[i], masks, groups, case.links[i].parent, float(k), sparing
    )
    return served
