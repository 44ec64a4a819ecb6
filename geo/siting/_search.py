"""What the searches for coverage and for the median have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from geo.arrays import FloatArray, IntArray
from geo.siting._found import PROVEN_WITHIN
from geo.siting._walk import Walk, new_walk
from geo.siting.instance import Instance
from geo.siting.narrow import narrow

# Steps at first, as long as the bound moves, and then.
_FIRST_STEPS, _STEPS, _FEW_STEPS = 150, 50, 10
# A site is of the core where the bound opened it in this share of its last steps.
_CORE = 0.01
_NONE = np.empty(0, np.int64)


class SiteSearch(ABC):
    """The best choice and the tightest bound so far.

    Inside, values are such that higher is better: the worth of a coverage, minus the cost of a
    median. Sites are by position in `names`.

    Attributes
    ----------
    names : int64: positions in the instance of the sites that may be opened.
    p : sites to open of them.
    locks : int64, by site: 1 open whatever comes, 0 free.
    goal : value of the best choice.
    best : sites of it.
    floor : value of a choice known from elsewhere.
    step : two different values are at least so far apart; 0 where nothing is known.
    walk : where the bound is, see `_walk.new_walk`.
    steps : steps of the bound taken.
    stale : rounds without a better choice or a better bound.
    trivial : whether there is nothing to choose.
    """

    sign = 1.0
    base = 0.0
    names: IntArray
    p: int
    locks: IntArray
    step: float
    trivial: bool

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.goal, self.floor, self.best = -np.inf, -np.inf, _NONE
        self.stale = self.steps = 0
        self._next, self._core_at = _FIRST_STEPS, 0
        self._core: SiteSearch | None = None

    @abstractmethod
    def lower(self, n_rounds: int, locks: IntArray, walk: Walk) -> IntArray:
        """Take steps of the bound.

        Parameters
        ----------
        n_rounds : steps at most.
        locks : by site: 1 open whatever comes, -1 shut, 0 free.
        walk : changed.

        Returns
        -------
        The sites that the last step would open.
        """

    @abstractmethod
    def shake(self, uniform: FloatArray) -> IntArray:
        """Iterated local search from the best choice.

        Parameters
        ----------
        uniform : shape (n_rounds, 4), 0..1.

        Returns
        -------
        Sites of the best choice seen.
        """

    @abstractmethod
    def climb(self, chosen: IntArray) -> IntArray:
        """Swap as long as that gains.

        Parameters
        ----------
        chosen : sites to begin from.

        Returns
        -------
        Sites.
        """

    @abstractmethod
    def worth(self, chosen: IntArray) -> float:
        """Value of a choice.

        Parameters
        ----------
        chosen : its sites.

        Returns
        -------
        The higher the better.
        """

    @property
    @abstractmethod
    def n_rounds(self) -> int:
        """Rounds of a shake that cost about a fifth of a second.

        Returns
        -------
        1 or more.
        """

    @property
    def known(self) -> float:
        """Value of the best choice known, of this search or not.

        Returns
        -------
        The higher the better.
        """
        return max(self.goal, self.floor)

    @property
    def enough(self) -> float:
        """Value that only a better choice can pass.

        Returns
        -------
        By a step above that of the best choice, where steps are known.
        """
        nearly = PROVEN_WITHIN / 10.0 * abs(self.known)
        return self.known + max(self.step * (1.0 - 1e-6), nearly)

    @property
    def value(self) -> float:
        """Value of the best choice.

        Returns
        -------
        In the unit of the objective.
        """
        return self.sign * (self.base + self.goal)

    @property
    def bound(self) -> float:
        """The tightest bound so far.

        Returns
        -------
        In the unit of the objective, never on the wrong side of the value.
        """
        highest = self.goal if self.trivial else float(self.walk[1][2])
        return self.sign * (self.base + max(self.goal, self.whole(highest)))

    def whole(self, highest: float) -> float:
        """Tighten a bound to the next value that a choice can have.

        Parameters
        ----------
        highest : a bound.

        Returns
        -------
        Whole steps above the best choice.
        """
        if not self.step or not np.isfinite(highest - self.goal):
            return highest
        return self.goal + float(np.floor((highest - self.goal) / self.step + 1e-6)) * self.step

    @property
    def moving(self) -> bool:
        """Whether the last steps tightened the bound.

        Returns
        -------
        True as well before the first.
        """
        return not self.trivial and self._next > _FEW_STEPS

    def begin(self, price: FloatArray, chosen: IntArray) -> None:
        """Take a first choice and first prices.

        Parameters
        ----------
        price : by row.
        chosen : sites.
        """
        self.walk = new_walk(price, len(self.names))
        self.keep(chosen)

    def keep(self, chosen: IntArray) -> bool:
        """Keep a choice where it is the best.

        Parameters
        ----------
        chosen : its sites.

        Returns
        -------
        Whether it is.
        """
        goal = self.worth(chosen)
        if not (goal > self.goal + 1e-10 * abs(goal) or not len(self.best)):
            return False
        self.goal, self.best, self.stale = goal, chosen.copy(), 0
        return True

    def sites(self) -> IntArray:
        """Positions of the open sites.

        Returns
        -------
        Ascending, required ones among them.
        """
        required = np.flatnonzero(self.instance.required)
        return np.union1d(required, self.names[self.best])

    def tighten(self) -> None:
        """Tighten the bound by some steps."""
        if self.trivial:
            return
        before = self.walk[1][2]
        self.lower(self._next, self.locks, self.walk)
        self.steps += self._next
        after = self.walk[1][2]
        self._next = _FEW_STEPS
        if not after > before - 1e-5 * abs(after):
            self._next, self.stale = _STEPS, 0

    def wander(self, uniform: FloatArray) -> None:
        """Look for a better choice among the sites that the bound would open.

        Parameters
        ----------
        uniform : shape (n_rounds, 4), 0..1.
        """
        core = self.core()
        before = core.goal
        core.keep(core.shake(uniform))
        self.stale += len(uniform)
        if core.goal > before:
            self.keep(np.searchsorted(self.names, core.names[core.best]))

    def core(self) -> SiteSearch:
        """The search among the sites that the bound would open.

        Returns
        -------
        Begun anew where the bound has done half as many steps again.
        """
        if self._core is None or self.steps > 1.5 * self._core_at:
            inside = (self.walk[5] > _CORE) | (self.locks > 0)
            inside[self.best] = True
            shut = self.names[~inside]
            self._core = type(self)(narrow(self.instance, _NONE, shut))
            self._core_at = self.steps
            mine = np.searchsorted(self._core.names, self.names[self.best])
            self._core.keep(mine)
            order = np.lexsort((-self.walk[5], -self.locks))[: self.p]
            if inside[order].all():
                again = np.searchsorted(self._core.names, self.names[order])
                self._core.keep(self._core.climb(again))
            self.keep(np.searchsorted(self.names, self._core.names[self._core.best]))
        return self._core

    def settled(self) -> tuple[IntArray, IntArray]:
        """Sites that every better choice opens, and sites that none does.

        Returns
        -------
        Positions in the instance of the one and of the other, required and forbidden ones left out.
        """
        if self.trivial:
            return _NONE, _NONE
        sure, shut = self.walk[4] < self.enough
        sure[self.locks > 0] = shut[self.locks > 0] = False
        return self.names[sure & ~shut], self.names[shut & ~sure]
