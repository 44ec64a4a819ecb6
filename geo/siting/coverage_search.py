"""Choices of sites that cover much, and a bound of what any choice can cover."""

from __future__ import annotations

import numpy as np

from geo.arrays import FloatArray, IntArray
from geo.siting.compact import compact_cover
from geo.siting.instance import Instance
from geo.siting.problem import Objective

# Pairs looked at between two reports: about a fifth of a second.
_PAIRS_A_REPORT = 40_000_000
# Steps at first, as long as the bound moves, and then.
_FIRST_STEPS, _STEPS, _FEW_STEPS = 150, 50, 10


class CoverageSearch:
    """The best choice and the least bound so far of max_coverage or backup_coverage.

    Parameters
    ----------
    instance : for which `is_plain` holds.
    """

    def __init__(self, instance: Instance) -> None:
        from geo.siting import _kernels as loops  # noqa: PLC0415
        from geo.siting._prices import FIRST_PACE, sink  # noqa: PLC0415

        self._loops, self._sink = loops, sink
        self.cover = one = compact_cover(instance)
        self.stale = 0
        self.bound = np.inf
        self._whole = instance.objective == Objective.MAX_COVERAGE and bool(
            (instance.weight == np.round(instance.weight)).all()
        )
        self._worth = one.first, one.second
        # The bound is that of a concave worth: a second cover worth more than the first is not.
        level = (one.first + one.second) / 2.0
        sunk = one.second > one.first
        self._concave = np.where(sunk, level, one.first), np.where(sunk, level, one.second)
        n, n_sites = len(one.first), len(one.free)
        self._state = (
            np.zeros(n, np.int64), np.zeros(n, np.int64), np.full(n_sites, -1, np.int64),
            np.zeros(one.p, np.int64), np.zeros(n, np.int64), np.zeros(1, np.int64),
        )  # fmt: skip
        self._swaps = np.zeros(n_sites), np.zeros(one.p), np.zeros((n_sites, one.p))
        self._least = 1e-10 * float(self._worth[0].sum() + self._worth[1].sum())
        self.trivial = one.p >= n_sites or one.p == 0 or n == 0
        if self.trivial:
            self.best = np.arange(min(one.p, n_sites))
        else:
            self.best = loops.greedy(*one.pairs, *self._worth, one.p, np.zeros(one.p))
        self._goal = -np.inf
        self._try(self.best)
        self._price = np.array([1.0, 0.5, 0.0])[np.minimum(self._state[0], 2)]
        self._best_price = self._price.copy()
        self._steps = _FIRST_STEPS
        self._way = np.zeros(n)
        self._limits = np.full((2, n_sites), np.inf)
        self._pace = np.array([FIRST_PACE, 0.0, np.inf])
        if self.trivial:
            self.bound = self.value

    @property
    def n_rounds(self) -> int:
        """Rounds of a walk between two reports.

        Returns
        -------
        1 to 50, fewer the larger the problem.
        """
        a_round = 20 * (1 + len(self.cover.site) // (self.cover.p + 1))
        return int(np.clip(_PAIRS_A_REPORT // a_round, 1, 50))

    @property
    def value(self) -> float:
        """Value of the best choice.

        Returns
        -------
        In the unit of the weights.
        """
        return self.cover.base + self._goal

    def sites(self) -> IntArray:
        """Positions of the open sites.

        Returns
        -------
        Ascending, required ones among them.
        """
        return np.sort(np.concatenate([self.cover.kept, self.cover.free[self.best]]))

    def tighten(self) -> None:
        """Lower the bound by some steps, and climb from what it would open."""
        if self.trivial:
            return
        one = self.cover
        before = self._pace[2]
        _, chosen, _ = self._sink(
            self._price, self._steps, one.p, one.pairs[:2], self._concave, self._goal, self._pace,
            self._best_price, self._way, self._limits,
        )  # fmt: skip
        bound = self._pace[2] + one.base
        # Whole persons: no choice covers a part of one.
        self.bound = max(np.floor(bound + 1e-6), self.value) if self._whole else bound
        self._steps = _FEW_STEPS
        if self._pace[2] < before - 1e-5 * abs(self._pace[2]):
            self._steps, self.stale = _STEPS, 0
        self._try(chosen)

    def settled(self) -> tuple[IntArray, IntArray]:
        """Sites that every better choice opens, and sites that none does.

        Returns
        -------
        Positions in the instance of the one and of the other, required and forbidden ones left out.
        """
        if self.trivial:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        least = self._goal + (1.0 - 1e-6 if self._whole else 1e-10 * abs(self._goal))
        sure, shut = self._limits < least
        return self.cover.free[sure & ~shut], self.cover.free[shut & ~sure]

    def wander(self, uniform: FloatArray) -> None:
        """Iterated local search from the best choice.

        Parameters
        ----------
        uniform : shape (n_rounds, 4), 0..1.
        """
        if not (self._state[3] == self.best).all():
            self._loops.place(self.best, self.cover.pairs, self._worth, self._state, self._swaps)
        gained, _ = self._loops.wander(
            uniform, self.best, self.cover.pairs, self._worth, self._state, self._swaps, self._least
        )
        self._goal = self._worth_of(self.best)
        self.stale = 0 if gained > 0 else self.stale + len(uniform)

    def _try(self, chosen: IntArray) -> None:
        """Climb from this choice and keep it where it is the best."""
        state, worth = self._state, self._worth
        self._loops.place(chosen, self.cover.pairs, worth, state, self._swaps)
        if not self.trivial:
            self._loops.climb(self.cover.pairs, worth, state, self._swaps, self._least, 10_000)
        goal = self._worth_of(chosen if self.trivial else state[3])
        if goal > self._goal + self._least:
            self._goal, self.best, self.stale = goal, state[3].copy(), 0

    def _worth_of(self, chosen: IntArray) -> float:
        is_open = np.zeros(len(self.cover.free), np.bool_)
        is_open[chosen] = True
        count = self._loops.covers(*self.cover.pairs[:2], is_open)
        return float(self._worth[0][count > 0].sum() + self._worth[1][count > 1].sum())
