"""Choices of sites that are near to all, and a bound of how near any choice can be."""

from __future__ import annotations

import numpy as np

from geo.arrays import FloatArray, IntArray
from geo.siting._found import value_step
from geo.siting._search import SiteSearch
from geo.siting._walk import Walk
from geo.siting.compact import sites_to_open
from geo.siting.instance import Instance

# Pairs looked at between two reports: about a fifth of a second.
_PAIRS_A_REPORT = 100_000_000


class MedianSearch(SiteSearch):
    """The best choice and the highest bound so far of p_median.

    Parameters
    ----------
    instance : for which `is_plain` holds.
    """

    sign = -1.0

    def __init__(self, instance: Instance) -> None:
        from geo.siting import _median as loops  # noqa: PLC0415
        from geo.siting._kernels import transpose  # noqa: PLC0415

        super().__init__(instance)
        self._loops = loops
        self._weight, indptr, cost = instance.weight, instance.indptr, instance.cost
        # Forbidden sites have no pairs; they get no position either.
        self.names = np.flatnonzero(~instance.forbidden)
        n, n_sites = len(self._weight), len(self.names)
        site = (np.cumsum(~instance.forbidden) - 1)[instance.site]
        start, pair = transpose(indptr, site, n_sites)
        owner = np.repeat(np.arange(n), np.diff(indptr))
        self._pairs = indptr, site, cost, start, pair, owner
        self.locks = instance.required[self.names].astype(np.int64)
        kept = np.flatnonzero(self.locks)
        self._n_kept = len(kept)
        self.p = sites_to_open(instance)
        self.step = value_step(instance)
        self._far = _far(self._weight, cost)
        self._state = (
            np.zeros(n, np.int64), np.zeros(n, np.int64), np.full(n_sites, -1, np.int64),
            np.zeros(self.p, np.int64), np.zeros(n, np.int64), np.zeros(1, np.int64),
        )  # fmt: skip
        self._swaps = np.zeros(n_sites), np.zeros(self.p), np.zeros((n_sites, self.p))
        self._least = 1e-10 * float(self._weight.sum()) * float(cost.max(initial=0.0))
        self.trivial = self.p in {n_sites, len(kept)} or n == 0
        chosen = loops.greedy(
            kept, self.p, self._pairs, self._weight, self._far, np.zeros(self.p)
        )  # fmt: skip
        chosen = self.climb(chosen)
        near = self._state[0]
        reached = near < indptr[1:]
        price = np.full(n, cost.max(initial=0.0))
        price[reached] = cost[near[reached]]
        self.begin(price, chosen)

    @property
    def value(self) -> float:
        """Value of the best choice.

        Returns
        -------
        NaN where some row reaches none of its sites.
        """
        return -self.goal if self._reaches_all else float("nan")

    @property
    def n_rounds(self) -> int:
        """Rounds of a shake that cost about a fifth of a second.

        Returns
        -------
        1 to 200, fewer the larger the problem.
        """
        a_round = 20 * (1 + len(self._pairs[1]) // (self.p + 1)) + 10 * len(self.names) * self.p
        return int(np.clip(_PAIRS_A_REPORT // a_round, 1, 200))

    def sites(self) -> IntArray:
        """Positions of the open sites.

        Returns
        -------
        Ascending, required ones among them; empty where some row reaches none.
        """
        return super().sites() if self._reaches_all else np.empty(0, np.int64)

    def lower(self, n_rounds: int, locks: IntArray, walk: Walk) -> IntArray:
        """Take steps of the bound, see `_prices.rise`.

        Parameters
        ----------
        n_rounds : steps at most.
        locks : by site: 1 open whatever comes, -1 shut, 0 free.
        walk : changed.

        Returns
        -------
        The sites that the last step would open.
        """
        from geo.siting._prices import rise  # noqa: PLC0415

        return rise(
            n_rounds,
            self.p,
            locks,
            self._pairs,
            self._weight,
            self.known,
            self.enough,
            walk,
        )

    def climb(self, chosen: IntArray) -> IntArray:
        """Swap as long as that gains.

        Parameters
        ----------
        chosen : sites to begin from, those open whatever comes first.

        Returns
        -------
        Sites.
        """
        one, state = (self._pairs, self._weight, self._far), self._state
        self._loops.place(chosen, *one, state, self._swaps)
        self._loops.climb(self._n_kept, *one, state, self._swaps, self._least, 10_000)
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
        best, one = self.best.copy(), (self._pairs, self._weight, self._far)
        if self.trivial:
            return best
        if not (self._state[3] == best).all():
            self._loops.place(best, *one, self._state, self._swaps)
        self._loops.wander(uniform, best, self._n_kept, *one, self._state, self._swaps, self._least)
        return best

    def worth(self, chosen: IntArray) -> float:
        """Value of a choice.

        Parameters
        ----------
        chosen : its sites.

        Returns
        -------
        Minus its cost; a row that reaches none of them is dearer than all else.
        """
        nearest = self._nearest(chosen)
        return -float(self._weight @ np.where(np.isfinite(nearest), nearest, self._far))

    @property
    def _reaches_all(self) -> bool:
        return bool(np.isfinite(self._nearest(self.best)).all())

    def _nearest(self, chosen: IntArray) -> FloatArray:
        """Cost to the nearest of these sites; inf where none is reached."""
        is_open = np.zeros(len(self.names), np.bool_)
        is_open[chosen] = True
        return self._loops.nearest(*self._pairs[:3], is_open)


def _far(weight: FloatArray, cost: FloatArray) -> float:
    """A cost so high that leaving out a row is dearer than all travel that it could save."""
    if not len(weight) or not len(cost):
        return 1.0
    return float((cost.max() + 1.0) * (1.0 + weight.sum() / weight.min()))
