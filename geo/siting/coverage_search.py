"""Choices of sites that cover much, and a bound of what any choice can cover."""

from __future__ import annotations

import numpy as np

from geo.arrays import FloatArray, IntArray
from geo.siting._found import value_step
from geo.siting._search import SiteSearch
from geo.siting._walk import Walk
from geo.siting.compact import compact_cover
from geo.siting.instance import Instance

# Pairs looked at between two reports: about a fifth of a second.
_PAIRS_A_REPORT = 40_000_000


class CoverageSearch(SiteSearch):
    """The best choice and the least bound so far of max_coverage or backup_coverage.

    Parameters
    ----------
    instance : for which `is_plain` holds.
    """

    def __init__(self, instance: Instance) -> None:
        from geo.siting import _kernels as loops  # noqa: PLC0415

        super().__init__(instance)
        self._loops = loops
        self.cover = one = compact_cover(instance)
        self.base, self.names = one.base, one.free
        n, n_sites = len(one.first), len(one.free)
        self.p = min(one.p, n_sites)
        self.locks = np.zeros(n_sites, np.int64)
        self.step = value_step(instance)
        self._worth = one.first, one.second
        # The bound is that of a concave worth: a second cover worth more than the first is not.
        level = (one.first + one.second) / 2.0
        sunk = one.second > one.first
        self._concave = np.where(sunk, level, one.first), np.where(sunk, level, one.second)
        self._state = (
            np.zeros(n, np.int64), np.zeros(n, np.int64), np.full(n_sites, -1, np.int64),
            np.zeros(self.p, np.int64), np.zeros(n, np.int64), np.zeros(1, np.int64),
        )  # fmt: skip
        self._swaps = np.zeros(n_sites), np.zeros(self.p), np.zeros((n_sites, self.p))
        self._least = 1e-10 * float(self._worth[0].sum() + self._worth[1].sum())
        self.trivial = self.p in {n_sites, 0} or n == 0
        chosen = np.arange(self.p)
        if not self.trivial:
            chosen = loops.greedy(*one.pairs, *self._worth, self.p, np.zeros(self.p))
            chosen = self.climb(chosen)
        self.begin(np.array([1.0, 0.5, 0.0])[np.minimum(self._state[0], 2)], chosen)

    @property
    def n_rounds(self) -> int:
        """Rounds of a shake that cost about a fifth of a second.

        Returns
        -------
        1 to 200, fewer the larger the problem.
        """
        a_round = 20 * (1 + len(self.cover.site) // (self.p + 1)) + 10 * len(self.names) * self.p
        return int(np.clip(_PAIRS_A_REPORT // a_round, 1, 200))

    def lower(self, n_rounds: int, locks: IntArray, walk: Walk) -> IntArray:
        """Take steps of the bound, see `_prices.sink`.

        Parameters
        ----------
        n_rounds : steps at most.
        locks : by site: 1 open whatever comes, -1 shut, 0 free.
        walk : changed.

        Returns
        -------
        The sites that the last step would open.
        """
        from geo.siting._prices import sink  # noqa: PLC0415

        return sink(
            n_rounds, self.p, locks, self.cover.pairs[:2], self._concave, self.known, self.enough,
            walk,
        )  # fmt: skip

    def climb(self, chosen: IntArray) -> IntArray:
        """Swap as long as that gains.

        Parameters
        ----------
        chosen : sites to begin from.

        Returns
        -------
        Sites.
        """
        pairs, state = self.cover.pairs, self._state
        self._loops.place(chosen, pairs, self._worth, state, self._swaps)
        self._loops.climb(pairs, self._worth, state, self._swaps, self._least, 10_000)
        found: IntArray = state[3].copy()
        return found

    def shake(self, uniform: FloatArray) -> IntArray:
        """Iterated local search from the best choice.

        Parameters
        ----------
        uniform : shape (n_rounds, 4), 0..1.

        Returns
        -------
        Sites of the best choice seen.
        """
        best = self.best.copy()
        if self.trivial:
            return best
        if not (self._state[3] == best).all():
            self._loops.place(best, self.cover.pairs, self._worth, self._state, self._swaps)
        self._loops.wander(
            uniform, best, self.cover.pairs, self._worth, self._state, self._swaps, self._least
        )
        return best

    def worth(self, chosen: IntArray) -> float:
        """Value of a choice.

        Parameters
        ----------
        chosen : its sites.

        Returns
        -------
        Worth of what it covers, without what required sites cover.
        """
        is_open = np.zeros(len(self.names), np.bool_)
        is_open[chosen] = True
        count = self._loops.covers(*self.cover.pairs[:2], is_open)
        return float(self._worth[0][count > 0].sum() + self._worth[1][count > 1].sum())
