"""Withholding when part of the counts has been published before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.arrays import BoolArray, FloatArray
from geo.disclosure.hierarchy import small_counts, suppress_hierarchy
from geo.disclosure.primary import Published, withheld
from geo.disclosure.tree import links_of, parts, ranges, tables_of
from geo.errors import ShapeError
from geo.model import Missing


class Earlier(NamedTuple):
    """What all earlier publications together said of the counts of one level.

    Attributes
    ----------
    withheld : bool, shape of the counts: withheld at least once.
    known : bool, same shape: published at least once as the count that it still is.
    """

    withheld: BoolArray
    known: BoolArray


def suppress_again(
    counts: Sequence[npt.ArrayLike],
    parent_index: Sequence[npt.ArrayLike],
    earlier: Sequence[Earlier],
    *,
    k: int,
    denominators: Sequence[npt.ArrayLike] | None = None,
    min_denominator: float = 100.0,
    keep: Sequence[npt.ArrayLike] | None = None,
) -> list[Published]:
    """Withhold as `suppress_hierarchy` does, so that no two publications tell more than each.

    Parameters
    ----------
    counts : as in `suppress_hierarchy`.
    parent_index : as in `suppress_hierarchy`.
    earlier : one a level, shapes of the counts.
    k : least count that is published, >= 5.
    denominators : as in `suppress_hierarchy`.
    min_denominator : as in `suppress_hierarchy`.
    keep : as in `suppress_hierarchy`.

    Returns
    -------
    One Published a level. What was ever withheld stays so. Nothing is counted as cover that is
        public already, nor, for counts that are newly small, what was withheld before: the sum of
        that is known from the earlier publication.

    Raises
    ------
    ShapeError : shapes or numbers of levels do not fit.
    CodeError : a parent's position is out of range.
    UnitError : `k` is below 5, or a count is negative or infinite.

    Notes
    -----
    Weeks that nobody has seen are those of `suppress_hierarchy`. Weeks whose earlier pattern still
    protects keep it. Otherwise the counts that are new or changed must protect each other as if
    all the rest were known; where that leaves an older one open, the pattern grows as far as it
    can. O(n) a round.

    Examples
    --------
    >>> none = np.zeros((1, 1), dtype=bool)
    >>> before = Earlier(np.array([[True, True, False]]), np.array([[False, False, True]]))
    >>> villages, town = suppress_again(
    ...     [[[3.0, 12.0, 6.0]], [[21.0]]], [[0, 0, 0]], [before, Earlier(none, none)], k=10)
    >>> villages.states.tolist(), town.states.tolist()
    ([[2, 2, 2]], [[0]])
    """
    tables = tables_of(counts)
    shapes = [np.shape(level) for level in counts]
    if len(earlier) != len(tables):
        raise ShapeError(f"earlier: {len(earlier)}; wanted one a level, {len(tables)}")
    old = [
        np.atleast_2d(one.withheld) & ~np.isnan(t) for one, t in zip(earlier, tables, strict=True)
    ]
    public = [np.atleast_2d(one.known) for one in earlier]
    for name, masks in (("withheld", old), ("known", public)):
        if [mask.shape for mask in masks] != [table.shape for table in tables]:
            raise ShapeError(
                f"earlier: {name} of shapes {[m.shape for m in masks]}; "
                f"wanted {[t.shape for t in tables]}"
            )
    weeks = len(tables[0])
    people = None if denominators is None else _by_week(denominators, tables)
    kept = None if keep is None else [np.atleast_2d(np.asarray(mask)) for mask in keep]
    hidden = [np.zeros(table.shape, dtype=bool) for table in tables]
    case = _Again(tables, parent_index, k, people, min_denominator, kept)
    seen = np.zeros(weeks, dtype=bool)
    for mask in (*old, *public):
        seen |= mask.any(axis=1)
    if not seen.any():
        return suppress_hierarchy(
            counts,
            parent_index,
            k=k,
            denominators=denominators,
            min_denominator=min_denominator,
            keep=keep,
        )
    case.fill(hidden, np.flatnonzero(~seen), None, None)
    own = small_counts(tables, k, denominators, min_denominator)
    lasting = case.protects(old, own, public, np.flatnonzero(seen))
    # A small count outside the earlier pattern is new, whatever the audit says of the others.
    for mask, before in zip(own, old, strict=True):
        lasting &= ~(mask & ~before).any(axis=1)
    for mask, before in zip(hidden, old, strict=True):
        mask[lasting] = before[lasting]
    grown = np.flatnonzero(seen & ~lasting)
    case.fill(hidden, grown, [a | b for a, b in zip(old, public, strict=True)], None)
    for mask, before, small in zip(hidden, old, own, strict=True):
        mask[grown] |= before[grown] | small[grown]
    alone = case.protects(old, [a & b for a, b in zip(own, old, strict=True)], public, grown)
    open_ = grown[~(alone & case.protects(hidden, own, public, grown))[grown]]
    started = [mask.copy() for mask in hidden]
    case.fill(hidden, open_, public, started)
    for mask, before in zip(hidden, started, strict=True):
        mask[open_] |= before[open_]
    return [
        Published(found.values.reshape(shape), found.states.reshape(shape))
        for found, shape in zip(map(withheld, tables, hidden), shapes, strict=True)
    ]


class _Again(NamedTuple):
    """The counts and rules of one call."""

    tables: list[FloatArray]
    parent_index: Sequence[npt.ArrayLike]
    k: int
    people: list[FloatArray] | None
    min_denominator: float
    keep: list[BoolArray] | None

    def fill(
        self,
        hidden: list[BoolArray],
        weeks: npt.NDArray[np.intp],
        known: list[BoolArray] | None,
        start: list[BoolArray] | None,
    ) -> None:
        """Set the rows `weeks` of `hidden` to what `suppress_hierarchy` withholds."""
        if not len(weeks):
            return
        found = suppress_hierarchy(
            [table[weeks] for table in self.tables],
            self.parent_index,
            k=self.k,
            denominators=None if self.people is None else [p[weeks] for p in self.people],
            min_denominator=self.min_denominator,
            keep=None if self.keep is None else [mask[weeks] for mask in self.keep],
            known=None if known is None else [mask[weeks] for mask in known],
            start=None if start is None else [mask[weeks] for mask in start],
        )
        for mask, one in zip(hidden, found, strict=True):
            mask[weeks] = one.states == Missing.SUPPRESSED

    def protects(
        self,
        hidden: list[BoolArray],
        own: list[BoolArray],
        public: list[BoolArray],
        weeks: npt.NDArray[np.intp],
    ) -> BoolArray:
        """Which weeks of `weeks` leave no count of `own` to be told from what `hidden` leaves."""
        good = np.zeros(len(self.tables[0]), dtype=bool)
        if not len(weeks):
            return good
        good[weeks] = True
        links = links_of(self.tables, self.parent_index)
        here = [table[weeks] for table in self.tables]
        for some, finest in parts(here):
            rows = weeks[some]
            told = [mask[rows] for mask in public[finest:]]
            cover = [mask[rows] & ~known for mask, known in zip(hidden[finest:], told, strict=True)]
            spans = ranges([table[some] for table in here[finest:]], cover, links[finest:])
            for span, small, known in zip(spans, own[finest:], told, strict=True):
                told_apart = small[rows] & ~known & ((span.high < self.k) | (span.low >= self.k))
                good[rows] &= ~told_apart.any(axis=1)
        return good


def _by_week(denominators: Sequence[npt.ArrayLike], tables: list[FloatArray]) -> list[FloatArray]:
    return [
        np.broadcast_to(np.asarray(people, dtype=np.float64), table.shape)
        for people, table in zip(denominators, tables, strict=True)
    ]
