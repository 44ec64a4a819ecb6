"""Good choices of sites in little time, each with a bound that says how good it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from geo.arrays import IntArray
from geo.siting._search import SiteSearch
from geo.siting.coverage_search import CoverageSearch
from geo.siting.instance import Instance
from geo.siting.median_search import MedianSearch
from geo.siting.problem import Objective, relative_gap
from geo.siting.stopwatch import Stopwatch

Progress = Callable[[float, float, float], bool | None]
# Rounds without a better choice or a better bound after which more of the same is not tried.
STALE_ROUNDS = 2000
# A choice whose value is this near to its bound, as a part of it, is the best there is.
EXACT = 1e-9


@dataclass(frozen=True)
class Found:
    """A choice of sites and its bound.

    Attributes
    ----------
    open : int64: positions of the open sites, ascending; empty where no choice was found.
    objective : its value; NaN where no choice was found.
    bound : no choice is better than this; NaN where nothing is known.
    sure, shut : int64: sites that every better choice opens, and that none does.
    """

    open: IntArray
    objective: float
    bound: float
    sure: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    shut: IntArray = field(default_factory=lambda: np.empty(0, np.int64))


def search(
    instance: Instance,
    *,
    watch: Stopwatch,
    rng: np.random.Generator,
    on_progress: Progress | None = None,
    target_gap: float = 0.0,
    patience: float = STALE_ROUNDS,
) -> Found:
    """Look for a good choice from above and below until they meet, or time is over.

    Parameters
    ----------
    instance : max_coverage, backup_coverage or p_median for which `is_plain` holds, without
        `cover_all`.
    watch : ends the search; what was found until then is returned.
    rng : where chance comes from. One seed gives one answer, unless time cuts the search short.
    on_progress : told seconds, value and bound now and then; False ends the search.
    target_gap : gap at which the search ends, as a share of the value.
    patience : rounds without a better choice or a better bound after which the search ends.

    Returns
    -------
    The best choice seen and the best bound. The bound is proven: it is the value of a Lagrangian
    relaxation, which no choice beats. Sites are settled by what that relaxation says of choices
    with and without each.

    Raises
    ------
    ValueError : the objective is another one, or the instance is not plain.

    Notes
    -----
    Greedy, then swaps (Teitz & Bart 1968) valued all at once and updated after each (Resende &
    Werneck 2007), then iterated local search (Lourenço et al. 2003), in turn with subgradient steps
    (Galvão & ReVelle 1996 for coverage, Cornuéjols et al. 1977 for the median), whose choices of
    sites are starts as well. Greedy and a subgradient step cost O(n_pairs), less for the median,
    where only pairs count that are cheaper than the second nearest open site; a swap costs the
    pairs of the rows that notice, about n_pairs / p, and O(n_sites p) to find. Memory: two copies
    of the pairs and n_sites p numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> from geo.siting import SitingProblem, prepare
    >>> costs = pd.DataFrame({"s": [1.0, 2.0, 9.0], "t": [9.0, 3.0, 1.0]}, index=list("abc"))
    >>> demand = pd.Series([5.0, 2.0, 4.0], index=list("abc"))
    >>> asked = prepare(SitingProblem("p_median", costs, demand, p=1))
    >>> found = search(asked, watch=Stopwatch(5), rng=np.random.default_rng(1))
    >>> found.open.tolist(), found.objective, found.bound
    ([0], 45.0, 45.0)
    """
    if not instance.is_plain or instance.cover_all:
        raise ValueError("the search knows only sites of one kind, a number and locks")
    one = start_search(instance)
    while True:
        one.tighten()
        ended = _told(one, watch, on_progress)
        if ended or relative_gap(one.value, one.bound) <= max(target_gap, EXACT) or watch.over:
            break
        if one.trivial or one.stale >= patience:
            break
        one.wander(rng.random((one.core().n_rounds, 4)))
    return Found(one.sites(), one.value, one.bound, *one.settled())


def start_search(instance: Instance) -> SiteSearch:
    """Greedy and swaps, for a search to go on from.

    Parameters
    ----------
    instance : max_coverage, backup_coverage or p_median for which `is_plain` holds.

    Returns
    -------
    The search.

    Raises
    ------
    ValueError : the objective is another one.

    Examples
    --------
    >>> import pandas as pd
    >>> from geo.siting import SitingProblem, prepare
    >>> costs = pd.DataFrame({"s": [1.0, 9.0], "t": [9.0, 2.0]}, index=["a", "b"])
    >>> demand = pd.Series([5.0, 4.0], index=["a", "b"])
    >>> start_search(prepare(SitingProblem("p_median", costs, demand, p=1))).value
    41.0
    """
    match instance.objective:
        case Objective.MAX_COVERAGE | Objective.BACKUP_COVERAGE:
            return CoverageSearch(instance)
        case Objective.P_MEDIAN:
            return MedianSearch(instance)
        case other:
            raise ValueError(f"the search does not know {other.value}")


def _told(one: SiteSearch, watch: Stopwatch, on_progress: Progress | None) -> bool:
    """Whether who is told how far the search is wants it to end."""
    return on_progress is not None and on_progress(watch.seconds, one.value, one.bound) is False
