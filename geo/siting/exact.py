"""The best choice of sites, with proof: each objective to the model that solves it."""

from __future__ import annotations

from geo.arrays import BoolArray
from geo.siting._capacity import solve_capacity
from geo.siting._cover import solve_cover
from geo.siting._found import Result
from geo.siting._p_center import solve_center
from geo.siting._p_median import solve_median
from geo.siting._progress import Progress
from geo.siting._start import greedy_start
from geo.siting.instance import Instance
from geo.siting.problem import Objective


def solve_exact(
    instance: Instance, progress: Progress, *, start: BoolArray | None = None
) -> Result:
    """Find the best choice of sites, or the best until time is over.

    Parameters
    ----------
    instance : the problem.
    progress : time left, and whether the search is still wanted.
    start : a choice of sites that keeps every rule, to begin from; a greedy one if None.

    Returns
    -------
    Result.

    Examples
    --------
    >>> import pandas as pd
    >>> from geo.siting import SitingProblem, prepare
    >>> from geo.siting.stopwatch import Stopwatch
    >>> costs = pd.DataFrame({"s": [1.0, 9.0], "t": [7.0, 1.0]}, index=["a", "b"])
    >>> demand = pd.Series([1.0, 2.0], index=["a", "b"])
    >>> instance = prepare(SitingProblem("p_median", costs, demand, p=1))
    >>> solve_exact(instance, Progress(Stopwatch(5), None, maximise=True)).objective
    9.0
    """
    if instance.capacity is not None:
        return solve_capacity(instance, progress)
    if start is None:
        start = greedy_start(instance, progress)
    match instance.objective:
        case Objective.P_MEDIAN:
            return solve_median(instance, progress, start=start)
        case Objective.P_CENTER:
            return solve_center(instance, progress, start=start)
        case _:
            return solve_cover(instance, progress, start=start)
