"""The p-center, exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geo.arrays import BoolArray
from geo.siting._cover import add_cover_rows
from geo.siting._evaluate import objective_of
from geo.siting._found import NOTHING, Result, close, trivial_bound
from geo.siting._highs import Ending, Model, Outcome, run
from geo.siting._progress import Progress
from geo.siting._rules import add_sites
from geo.siting._sets import cover_sets, shut_sites
from geo.siting.instance import Instance


def solve_center(
    instance: Instance, progress: Progress, *, start: BoolArray | None = None
) -> Result:
    """Solve a p-center problem.

    Parameters
    ----------
    instance : the problem.
    progress : time left, and whether the search is still wanted.
    start : a choice of sites that keeps every rule, to begin from.

    Returns
    -------
    Result : proven where no choice keeps every row below the value found.

    Notes
    -----
    Binary search over the costs that occur; for each a set cover says whether any choice keeps
    every row within it (Minieka 1970, Daskin 1995): at most log2(n_pairs) of them.
    """
    usable = ~shut_sites(instance)[instance.site]
    nearest = np.full(len(instance.weight), np.inf)
    np.minimum.at(nearest, instance.row_of_pair[usable], instance.cost[usable])
    costs = np.unique(instance.cost[usable])
    costs = costs[costs >= nearest.max()]
    best, value = start, NOTHING if start is None else objective_of(instance, start)
    # costs[:low] are too small for certain; costs[high] is reached by a choice.
    low, high = 0, len(costs)
    if best is not None:
        high = int(np.searchsorted(costs, value))
    while low < high and not progress.over:
        middle = (low + high) // 2 if high < len(costs) else high - 1
        outcome = _within(instance, float(costs[middle]), progress)
        if outcome.ending == Ending.INFEASIBLE:
            if middle == len(costs) - 1:
                return Result(None, NOTHING, NOTHING, infeasible=True)
            low = middle + 1
        elif len(outcome.values):
            best = outcome.values[: instance.n_sites] > 0.5
            value = objective_of(instance, best)
            high = min(middle, int(np.searchsorted(costs, value)))
        else:
            break
        progress.tell(value, float(costs[low]))
    bound = float(costs[low]) if low < len(costs) else trivial_bound(instance)
    if best is None:
        return Result(None, NOTHING, bound)
    bound, proven = close(value, bound, maximise=False)
    return Result(best, value, bound, proven=proven)


def _within(instance: Instance, limit: float, progress: Progress) -> Outcome:
    """Look for a choice that keeps every row within a cost."""
    near = instance.cost <= limit
    size = np.bincount(instance.row_of_pair[near], minlength=len(instance.weight))
    within = replace(
        instance,
        indptr=np.concatenate([[0], np.cumsum(size)]),
        site=instance.site[near],
        cost=instance.cost[near],
    )
    model = Model(maximise=False)
    add_sites(model, within)
    add_cover_rows(model, cover_sets(within, towns=False))
    return run(model, progress, tell=lambda *_: progress.tell(NOTHING, NOTHING))
