"""Sums over weeks or measures beside counts of which some are withheld: which may be published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo.arrays import BoolArray, FloatArray, IntArray, amounts
from geo.disclosure.primary import check_k
from geo.disclosure.tree import Link, links_of, lowest, tables_of
from geo.errors import ShapeError, UnitError
from geo.model import Missing


def release_sums(
    counts: Sequence[npt.ArrayLike],
    states: Sequence[npt.ArrayLike],
    parent_index: Sequence[npt.ArrayLike],
    spans: Sequence[tuple[int, int]],
    *,
    k: int,
    denominators: Sequence[npt.ArrayLike] | None = None,
    min_denominator: float = 100.0,
    barred: Sequence[npt.ArrayLike] | None = None,
) -> list[BoolArray]:
    """Find the sums over layers that can stand beside what is published of the layers.

    Layers are weeks, and their sums periods; or measures that add up, and their sum a measure.

    Parameters
    ----------
    counts : one float64 array a level, finest first, shape (n_layers, n_areas), >= 0; NaN where
        there is no data.
    states : `Missing` values of the same shapes, as `suppress_hierarchy` gives them: each layer is
        safe by itself.
    parent_index : as in `suppress_hierarchy`.
    spans : first and last layer of each sum, inclusive; any two are apart or one holds the other.
        Shorter ones are settled first.
    k : least count, and sum, that is published, >= 5.
    denominators : one float64 array a level [persons], shape (n_areas,); areas below
        `min_denominator` have no sums published.
    min_denominator : see there [persons].
    barred : one bool array a level, shape (n_spans, n_areas): sums that must not be published.

    Returns
    -------
    One bool array a level, shape (n_spans, n_areas). With these sums published beside the counts,
        every count that is small by itself can still be k or more in a table of whole numbers that
        agrees with all that is published.

    Raises
    ------
    ShapeError : shapes do not fit, or spans overlap without nesting.
    CodeError : a parent's position is out of range.
    UnitError : `k` is below 5, or a count is negative or infinite.

    Notes
    -----
    A withheld count is raised by a flow through its brothers and sisters: what it gains in its own
    layer they lose there, and where a published sum binds, gains and losses are made good in other
    layers. Maximum flow (Ford & Fulkerson 1956; Cox 1980 for tables) on the few areas of one
    parent; where it falls short the smallest sums are given up, from the top level down. Flows
    that wander through several groups are not looked for, so that a sum may be withheld that need
    not be. O(withheld counts x areas of a group x layers of the span).

    Examples
    --------
    >>> weeks = [[3.0, 12.0, 40.0], [9.0, 15.0, 30.0], [8.0, 11.0, 0.0], [40.0, 40.0, 40.0]]
    >>> states = [[2, 2, 0], [2, 2, 0], [2, 2, 0], [0, 0, 0]]
    >>> town = np.sum(weeks, axis=1, keepdims=True)
    >>> found = release_sums([weeks, town], [states, town * 0], [[0, 0, 0]], [(0, 3)], k=10)
    >>> found[0].tolist()
    [[True, True, True]]
    """
    check_k(k)
    tables = tables_of(counts)
    links = links_of(tables, parent_index)
    hidden = [
        np.asarray(state).reshape(table.shape) == Missing.SUPPRESSED
        for state, table in zip(states, tables, strict=True)
    ]
    _check_spans(spans, len(tables[0]))
    few = _few(tables, denominators, min_denominator)
    no = [
        np.zeros((len(spans), t.shape[1]), dtype=bool) if barred is None else np.asarray(barred[i])
        for i, t in enumerate(tables)
    ]
    system = _System(tables, links, hidden, few, k)
    released = [np.zeros((len(spans), table.shape[1]), dtype=bool) for table in tables]
    for s in sorted(range(len(spans)), key=lambda s: (spans[s][1] - spans[s][0], spans[s])):
        first, last = spans[s]
        found = system.settle(slice(first, last + 1), s + 1, [level[s] for level in no])
        for level, mask in zip(released, found, strict=True):
            level[s] = mask
    return released


def _check_spans(spans: Sequence[tuple[int, int]], n_layers: int) -> None:
    for first, last in spans:
        if not 0 <= first <= last < n_layers:
            raise ShapeError(f"spans: ({first}, {last}) for {n_layers} layers")
    ordered = sorted(spans, key=lambda span: (span[0], -span[1]))
    open_ends: list[int] = []
    for first, last in ordered:
        while open_ends and open_ends[-1] < first:
            open_ends.pop()
        if open_ends and open_ends[-1] < last:
            raise ShapeError(f"spans: ({first}, {last}) overlaps another without lying within it")
        open_ends.append(last)


def _few(
    tables: list[FloatArray], denominators: Sequence[npt.ArrayLike] | None, least: float
) -> list[BoolArray]:
    if denominators is None:
        return [np.zeros(table.shape[1], dtype=bool) for table in tables]
    if not least >= 1:
        raise UnitError(f"min_denominator: {least!r}; wanted 1 person or more")
    people = [amounts(f"denominators[{i}]", given) for i, given in enumerate(denominators)]
    if [len(p) for p in people] != [table.shape[1] for table in tables]:
        raise ShapeError(f"denominators: {[len(p) for p in people]}; wanted one an area")
    return [~(p >= least) for p in people]


def _dense(part: IntArray, new: int) -> tuple[IntArray, IntArray]:
    """Names of the parts in use, 0 first and `new` last, and the parts by their place in it."""
    used = np.zeros(max(int(part.max(initial=0)), new) + 1, dtype=bool)
    used[part.ravel()] = True
    used[[0, new]] = True
    names = np.flatnonzero(used).astype(np.int64)
    place = np.cumsum(used) - 1
    return names, np.ascontiguousarray(place[part])


@dataclass(frozen=True)
class _Groups:
    """Areas of one level by parent; those without one are a group of their own, the last."""

    order: IntArray
    starts: IntArray
    parent: IntArray

    @property
    def n_parents(self) -> int:
        """Number of areas of the next level."""
        return len(self.starts) - 2

    def largest(self, rows: FloatArray) -> FloatArray:
        """Largest value over each group, at least 0, shape (n_layers, n_parents + 1)."""
        from geo.disclosure import _tree_kernels  # noqa: PLC0415

        found: FloatArray = _tree_kernels.largest(
            np.ascontiguousarray(rows), self.parent, len(self.starts) - 1
        )
        return found

    def total(self, rows: FloatArray | BoolArray) -> FloatArray:
        """Sum over each group, same shape."""
        return Link(self.parent, len(self.starts) - 1).total(rows)


def _groups(link: Link | None, n: int, n_parents: int) -> _Groups:
    parent = np.zeros(n, dtype=np.int64) if link is None else np.asarray(link.parent, np.int64)
    parent = np.where(parent < 0, n_parents, parent)
    order = np.argsort(parent, kind="stable").astype(np.int64)
    starts = np.searchsorted(parent[order], np.arange(n_parents + 2)).astype(np.int64)
    return _Groups(order, starts, np.ascontiguousarray(parent))


class _System:
    """What can move where, on every level; and the sums published so far."""

    def __init__(
        self,
        tables: list[FloatArray],
        links: list[Link],
        hidden: list[BoolArray],
        few: list[BoolArray],
        k: int,
    ) -> None:
        self.tables, self.links, self.hidden, self.few, self.k = tables, links, hidden, few, k
        tops = [table.shape[1] for table in tables[1:]] + [0]
        self.groups = [
            _groups(links[i] if i < len(links) else None, table.shape[1], tops[i])
            for i, table in enumerate(tables)
        ]
        self.part = [np.zeros(table.shape, dtype=np.int64) for table in tables]
        self.down = [np.zeros(table.shape) for table in tables]
        self.movable = [np.zeros(table.shape, dtype=bool) for table in tables]
        self.need = [np.zeros(table.shape) for table in tables]
        for i in range(len(tables)):
            # Where nothing is withheld nothing moves.
            weeks = np.flatnonzero(hidden[i].any(axis=1))
            if len(weeks):
                self._move(i, weeks)

    def _move(self, i: int, weeks: IntArray) -> None:
        """Which counts of some weeks can move, how far they fall and must be able to rise."""
        table, movable = self.tables[i][weeks], self.hidden[i][weeks]
        (floor,) = lowest([table], [movable], self.links[i : i + 1])
        down = np.where(movable, np.maximum(np.nan_to_num(table) - floor, 0.0), 0.0)
        if i:
            link = self.links[i - 1]
            leaf = ~link.any(~np.isnan(self.tables[i - 1][weeks]))
            movable &= leaf | link.any(self.movable[i - 1][weeks])
            below = link.total(self.down[i - 1][weeks])
            down = np.where(movable, np.where(leaf, down, np.minimum(down, below)), 0.0)
        small = movable & (table > 0) & (table < self.k)
        self.down[i][weeks] = down
        self.movable[i][weeks] = movable
        self.need[i][weeks] = np.where(small, self.k - np.nan_to_num(table), 0.0)

    def _bound(self, i: int, rows: slice) -> BoolArray:
        """Whether each group of level `i` has a parent with a count, which binds its sum."""
        n_rows = rows.stop - rows.start
        free = np.zeros((n_rows, 1), dtype=bool)
        if i == len(self.links):
            return free
        return np.concatenate([~np.isnan(self.tables[i + 1][rows]), free], axis=1)

    def settle(self, rows: slice, new: int, barred: list[BoolArray]) -> list[BoolArray]:
        """Decide on the sums over `rows` of all levels; remember what was published."""
        wanted, told, sums = self._wanted(rows, barred)
        for i, total in enumerate(sums):
            told[i] |= self._zeros(i, rows, wanted[i] & (total == 0))
            wanted[i] &= total > 0
        if not any(mask.any() for mask in wanted):
            return told
        partners = self._partners(rows, wanted)
        if not any(mask.any() for mask in wanted):
            return told
        needs = self._needs(rows)
        from geo.disclosure import _kernels  # noqa: PLC0415

        for i in range(len(self.tables) - 1, -1, -1):
            groups, movable = self.groups[i], self.movable[i][rows]
            if not wanted[i].any():
                continue
            fresh = movable & (self.part[i][rows] == 0) & wanted[i]
            part = np.where(fresh, new, self.part[i][rows])
            names, dense_part = _dense(part, new)
            _kernels.settle(
                groups.order,
                groups.starts,
                (self._bound(i, rows), *self._above(i, rows, needs)),
                np.ascontiguousarray(self.down[i][rows]),
                np.ascontiguousarray(movable),
                dense_part,
                wanted[i],
                needs[i],
                partners[i],
                sums[i],
                len(names) - 1,
            )
            self.part[i][rows] = names[dense_part]
        return [a | b for a, b in zip(told, wanted, strict=True)]

    def _wanted(
        self, rows: slice, barred: list[BoolArray]
    ) -> tuple[list[BoolArray], list[BoolArray], list[FloatArray]]:
        """Sums to be settled, sums that follow from what is published, and all sums."""
        wanted, told, sums = [], [], []
        for i, table in enumerate(self.tables):
            total = table[rows].sum(axis=0)
            fit = ((total >= self.k) | (total == 0)) & ~self.few[i] & ~barred[i]
            open_ = (self.hidden[i][rows] & (self.part[i][rows] == 0)).any(axis=0)
            wanted.append(fit & open_)
            told.append(fit & ~open_)
            sums.append(total)
        return wanted, told, sums

    def _zeros(self, i: int, rows: slice, zero: BoolArray) -> BoolArray:
        """Publish sums that are 0, where a parent that moves keeps another child to move with it.

        Their counts lie still from then on. They could not fall anyway.
        """
        groups, movable = self.groups[i], self.movable[i][rows]
        if i < len(self.links) and zero.any():
            left = groups.total(movable & ~zero)[:, :-1]
            stuck = (self.movable[i + 1][rows] & (left == 0)).any(axis=0)
            zero = zero & ~np.append(stuck, False)[groups.parent]
        movable[:, zero] = False
        return zero

    def _partners(self, rows: slice, wanted: list[BoolArray]) -> list[BoolArray]:
        """Counts of few people that are `k` or more: they must be able to fall, not to rise."""
        partners = []
        up = np.zeros(self.tables[0][rows].shape, dtype=bool)
        for i, table in enumerate(self.tables):
            groups, movable = self.groups[i], self.movable[i][rows]
            if not movable.any():
                partners.append(movable)
                up = np.zeros((len(movable), groups.n_parents), dtype=bool)
                continue
            falls = movable & (up | (self.few[i] & (table[rows] >= self.k)))
            wanted[i] &= ~falls.any(axis=0)
            bound = self._bound(i, rows).take(groups.parent, axis=1)
            others = groups.total(movable).take(groups.parent, axis=1) > 1
            partners.append(falls & bound & others)
            passed = groups.total(falls & bound & ~others) > 0
            up = passed[:, :-1]
        return partners

    def _needs(self, rows: slice) -> list[FloatArray]:
        """By how much each count must be able to rise, for its own or its children's sake."""
        from geo.disclosure import _kernels  # noqa: PLC0415

        needs = []
        up: FloatArray = np.zeros((1, 1))
        for i, groups in enumerate(self.groups):
            need = self.need[i][rows]
            movable, down = self.movable[i][rows], self.down[i][rows]
            if not movable.any():
                needs.append(need)
                up = np.zeros((len(need), groups.n_parents))
                continue
            if i:
                need = np.where(movable, np.maximum(need, up), 0.0)
            needs.append(np.ascontiguousarray(need))
            bound = self._bound(i, rows)
            short = need - (groups.total(down).take(groups.parent, axis=1) - down)
            found = np.where(bound, groups.largest(np.where(need > 0, short, 0.0)), 0.0)
            linked = np.unique(groups.parent[(self.part[i][rows] > 0).any(axis=0)])
            if len(linked):
                members = np.concatenate(
                    [groups.order[groups.starts[g] : groups.starts[g + 1]] for g in linked]
                )
                sizes = np.diff(groups.starts)[linked]
                _, dense_part = _dense(self.part[i][rows], 0)
                found[:, linked] = _kernels.deficits(
                    members,
                    np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
                    np.ascontiguousarray(bound[:, linked]),
                    np.ascontiguousarray(down),
                    np.ascontiguousarray(movable),
                    dense_part,
                    needs[i],
                )
            up = np.maximum(found, 0.0)[:, :-1]
        return needs

    def _above(
        self, i: int, rows: slice, needs: list[FloatArray]
    ) -> tuple[BoolArray, FloatArray, FloatArray]:
        """Of each parent: whether it can move, how far it falls, and must be able to rise."""
        n_rows = rows.stop - rows.start
        if i == len(self.links):
            return (
                np.zeros((n_rows, 1), dtype=bool),
                np.zeros((n_rows, 1)),
                np.zeros((n_rows, 1)),
            )
        none = np.zeros((n_rows, 1))
        movable = self.movable[i + 1][rows]
        return (
            np.concatenate([movable, none > 0], axis=1),
            np.concatenate([self.down[i + 1][rows], none], axis=1),
            np.concatenate([np.where(movable, needs[i + 1], 0.0), none], axis=1),
        )
