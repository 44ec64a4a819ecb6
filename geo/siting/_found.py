"""What an exact search hands back, and how a value is told to be proven."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geo.arrays import BoolArray, FloatArray
from geo.siting.instance import Instance

# A value is proven where it is within this share of its bound.
PROVEN_WITHIN = 1e-9


@dataclass(frozen=True)
class Result:
    """A choice of sites.

    Attributes
    ----------
    opened : bool, shape (n_sites,); None where nothing was found.
    objective : value by our own arithmetic; NaN where nothing was found.
    bound : no choice is better.
    proven : whether the bound is reached and nothing before it was left open.
    infeasible : whether it is proven that there is no choice.
    served : float64, shape (n_pairs,): demand served by pair, where capacity was asked for.
    open_step : gap that an earlier step left, 0 where it was proven.
    """

    opened: BoolArray | None
    objective: float
    bound: float
    proven: bool = False
    infeasible: bool = False
    served: FloatArray | None = None
    open_step: float = 0.0


NOTHING = float("nan")


def step_of(weight: FloatArray) -> float:
    """Step in which sums of weights go: two different sums are at least so far apart.

    Parameters
    ----------
    weight : weights >= 0.

    Returns
    -------
    Greatest common divisor where all weights are whole numbers and their sum is exact; 0 elsewhere.

    Examples
    --------
    >>> step_of(np.array([4.0, 6.0])), step_of(np.array([0.5, 1.0]))
    (2.0, 0.0)
    """
    positive = weight[weight > 0]
    if not len(positive) or positive.sum() >= 2.0**52 or (positive != np.floor(positive)).any():
        return 0.0
    return float(np.gcd.reduce(positive.astype(np.int64)))


def value_step(instance: Instance) -> float:
    """Step in which the values of choices go.

    Parameters
    ----------
    instance : the problem, without capacities.

    Returns
    -------
    Two different values are at least so far apart; 0 where that is not known.
    """
    match instance.objective:
        case "max_coverage":
            return step_of(instance.weight)
        case "set_cover":
            return step_of(instance.opening_cost)
        case "p_median":
            step = step_of(instance.weight) * step_of(instance.cost)
            return step if instance.weight.sum() * instance.cost.max(initial=0.0) < 2.0**52 else 0.0
        case _:
            return 0.0


def close(
    objective: float, bound: float, *, maximise: bool, step: float = 0.0
) -> tuple[float, bool]:
    """Tighten a bound by the step of the values, and say whether the value reaches it.

    Parameters
    ----------
    objective : value by our own arithmetic.
    bound : bound of the solver, within its tolerances.
    maximise : whether high values are good.
    step : see `step_of`.

    Returns
    -------
    Bound, never on the wrong side of the value; whether the value is proven.
    """
    sign = 1.0 if maximise else -1.0
    distance = sign * (bound - objective)
    if step > 0.0 and np.isfinite(bound):
        # A bound within a thousandth of a step is rounding of the solver.
        distance = max(0.0, np.floor(distance / step + 1e-3) * step)
    if not distance > PROVEN_WITHIN * abs(objective):
        return objective, not np.isnan(objective)
    return objective + sign * distance, False


def trivial_bound(instance: Instance) -> float:
    """Bound that needs no search.

    Parameters
    ----------
    instance : the problem.

    Returns
    -------
    Demand in reach of any site, or the cost of the required ones, or every row at its nearest site.
    """
    reached = np.diff(instance.indptr) > 0
    goal = instance.objective
    if goal in ("max_coverage", "backup_coverage"):
        return float(instance.weight[reached].sum())
    if goal == "set_cover":
        return float(instance.opening_cost[instance.required].sum())
    if not reached.all():
        return float("inf")
    nearest = instance.cost[instance.indptr[:-1]]
    return float(instance.weight @ nearest if goal == "p_median" else nearest.max())
