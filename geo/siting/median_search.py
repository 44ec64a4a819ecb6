"""Choices of sites that are near to all, and a bound of how near any choice can be."""

from __future__ import annotations

import numpy as np

from geo.arrays import FloatArray, IntArray
from geo.siting.compact import sites_to_open
from geo.siting.instance import Instance

# Pairs looked at between two reports: about a fifth of a second.
_PAIRS_A_REPORT = 100_000_000
# Steps at first, as long as the bound moves, and then.
_FIRST_STEPS, _STEPS, _FEW_STEPS = 150, 50, 10


class MedianSearch:
    """The best choice and the highest bound so far of p_median.

    Parameters
    ----------
    instance : for which `is_plain` holds.
    """

    def __init__(self, instance: Instance) -> None:
        from geo.siting import _median as loops  # noqa: PLC0415
        from geo.siting._kernels import transpose  # noqa: PLC0415
        from geo.siting._prices import FIRST_PACE, rise  # noqa: PLC0415

        self._loops, self._rise = loops, rise
        self.stale = 0
        self.bound = -np.inf
        self.weight, indptr, cost = instance.weight, instance.indptr, instance.cost
        # Forbidden sites have no pairs; they get no position either.
        self.names = np.flatnonzero(~instance.forbidden)
        n, n_sites = len(self.weight), len(self.names)
        site = (np.cumsum(~instance.forbidden) - 1)[instance.site]
        start, pair = transpose(indptr, site, n_sites)
        owner = np.repeat(np.arange(n), np.diff(indptr))
        self.pairs = indptr, site, cost, start, pair, owner
        self.kept = np.flatnonzero(instance.required[self.names])
        self.p = sites_to_open(instance)
        self._far = _far(self.weight, cost)
        self._state = (
            np.zeros(n, np.int64), np.zeros(n, np.int64), np.full(n_sites, -1, np.int64),
            np.zeros(self.p, np.int64), np.zeros(n, np.int64), np.zeros(1, np.int64),
        )  # fmt: skip
        self._swaps = np.zeros(n_sites), np.zeros(self.p), np.zeros((n_sites, self.p))
        self._least = 1e-10 * float(self.weight.sum()) * float(cost.max(initial=0.0))
        self.trivial = self.p in {n_sites, len(self.kept)} or n == 0
        self._goal = np.inf
        self._try(
            loops.greedy(self.kept, self.p, self.pairs, self.weight, self._far, np.zeros(self.p))
        )
        nearest = self._nearest()
        self._price = np.where(np.isfinite(nearest), nearest, cost.max(initial=0.0))
        self._best_price = self._price.copy()
        self._steps = _FIRST_STEPS
        self._way = np.zeros(n)
        self._limits = np.full((2, n_sites), -np.inf)
        self._pace = np.array([FIRST_PACE, 0.0, -np.inf])
        if self.trivial:
            self.bound = self.value

    @property
    def n_rounds(self) -> int:
        """Rounds of a walk between two reports.

        Returns
        -------
        1 to 50, fewer the larger the problem.
        """
        a_round = 20 * (1 + len(self.pairs[1]) // (self.p + 1))
        return int(np.clip(_PAIRS_A_REPORT // a_round, 1, 50))

    @property
    def value(self) -> float:
        """Value of the best choice.

        Returns
        -------
        NaN where some row reaches none of its sites.
        """
        if not np.isfinite(self._nearest()).all():
            return float("nan")
        return float(self.weight @ self._nearest())

    def sites(self) -> IntArray:
        """Positions of the open sites.

        Returns
        -------
        Ascending, required ones among them; empty where some row reaches none.
        """
        return np.sort(self.names[self.best]) if np.isfinite(self.value) else np.empty(0, np.int64)

    def tighten(self) -> None:
        """Raise the bound by some steps, and climb from what it would open."""
        if self.trivial:
            return
        before = self._pace[2]
        _, chosen, _ = self._rise(
            self._price, self._steps, self.p, self.kept, self.pairs, self.weight, self._goal,
            self._pace, self._best_price, self._way, self._limits,
        )  # fmt: skip
        self.bound = float(self._pace[2])
        self._steps = _FEW_STEPS
        if self.bound > before + 1e-5 * abs(self.bound):
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
        sure, shut = self._limits > self._goal * (1.0 - 1e-10)
        sure[self.kept] = shut[self.kept] = False
        return self.names[sure & ~shut], self.names[shut & ~sure]

    def wander(self, uniform: FloatArray) -> None:
        """Iterated local search from the best choice.

        Parameters
        ----------
        uniform : shape (n_rounds, 4), 0..1.
        """
        if not (self._state[3] == self.best).all():
            self._place(self.best)
        gained, _ = self._loops.wander(
            uniform, self.best, len(self.kept), self.pairs, self.weight, self._far, self._state,
            self._swaps, self._least,
        )  # fmt: skip
        self._goal -= gained
        self.stale = 0 if gained > 0 else self.stale + len(uniform)

    def _place(self, chosen: IntArray) -> None:
        self._loops.place(
            chosen, self.pairs, self.weight, self._far, self._state, self._swaps
        )  # fmt: skip

    def _try(self, chosen: IntArray) -> None:
        """Climb from this choice and keep it where it is the best."""
        self._place(chosen)
        if not self.trivial:
            self._loops.climb(
                len(self.kept), self.pairs, self.weight, self._far, self._state, self._swaps,
                self._least, 10_000,
            )  # fmt: skip
        goal = self._loops.total_cost(
            self.pairs[0], self.pairs[2], self.weight, self._far, self._state[0]
        )
        if goal < self._goal - self._least:
            self._goal, self.best, self.stale = goal, self._state[3].copy(), 0

    def _nearest(self) -> FloatArray:
        """Cost to the nearest open site of the best choice; inf where none is reached."""
        is_open = np.zeros(len(self.names), np.bool_)
        is_open[self.best] = True
        nearest = np.full(len(self.weight), np.inf)
        at = is_open[self.pairs[1]]
        np.minimum.at(nearest, self.pairs[5][at], self.pairs[2][at])
        return nearest


def _far(weight: FloatArray, cost: FloatArray) -> float:
    """A cost so high that leaving out a row is dearer than all travel that it could save."""
    if not len(weight) or not len(cost):
        return 1.0
    return float((cost.max() + 1.0) * (1.0 + weight.sum() / weight.min()))
