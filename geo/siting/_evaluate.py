"""What a choice of sites is worth, and whether it is allowed, by plain arithmetic."""

from __future__ import annotations

import numpy as np

from geo.arrays import BoolArray, FloatArray, IntArray
from geo.siting._sets import sums_by
from geo.siting.instance import Instance
from geo.siting.problem import Objective

# Sums of costs are met within this share of the limit: 0.1 + 0.2 is within a budget of 0.3.
_ROUNDING = 1e-9


def counts(instance: Instance, opened: BoolArray) -> IntArray:
    """Number of open sites in reach of each row.

    Parameters
    ----------
    instance : the problem.
    opened : bool, shape (n_sites,).

    Returns
    -------
    int64, shape (n,).

    Notes
    -----
    O(n_pairs).
    """
    total = np.concatenate([[0], np.cumsum(opened[instance.site])])
    found: IntArray = total[instance.indptr[1:]] - total[instance.indptr[:-1]]
    return found


def nearest_pair(row_of_pair: IntArray, site: IntArray, opened: BoolArray, n: int) -> IntArray:
    """Position of the pair with the nearest open site of each row.

    Parameters
    ----------
    row_of_pair, site : pairs, by row and within a row by cost.
    opened : bool, shape (n_sites,).
    n : number of rows.

    Returns
    -------
    int64, shape (n,); -1 where no open site is in reach.

    Notes
    -----
    O(n_pairs).
    """
    at = np.flatnonzero(opened[site])
    first = np.full(n, -1, dtype=np.int64)
    # Of several the last assignment stays: backwards that is the nearest.
    first[row_of_pair[at][::-1]] = at[::-1]
    return first


def objective_of(instance: Instance, opened: BoolArray) -> float:
    """Value of a choice of sites without capacities.

    Parameters
    ----------
    instance : the problem.
    opened : bool, shape (n_sites,).

    Returns
    -------
    Value in the unit of the objective; inf where a row that must be served is not.

    Notes
    -----
    O(n_pairs).
    """
    goal = instance.objective
    if goal in (Objective.P_MEDIAN, Objective.P_CENTER):
        first = nearest_pair(instance.row_of_pair, instance.site, opened, len(instance.weight))
        if (first < 0).any():
            return float("inf")
        cost = instance.cost[first]
        return float(instance.weight @ cost if goal == Objective.P_MEDIAN else cost.max())
    count = counts(instance, opened)
    if goal == Objective.SET_COVER:
        return float(instance.opening_cost[opened].sum()) if count.all() else float("inf")
    if goal == Objective.MAX_COVERAGE:
        return float(instance.weight[count > 0].sum())
    if instance.cover_all and not count.all():
        return float("-inf")
    second = instance.backup_weight * float(instance.weight[count > 1].sum())
    return (1.0 - instance.backup_weight) * float(instance.weight[count > 0].sum()) + second


def shares(instance: Instance, served: FloatArray) -> FloatArray:
    """Served share of the demand of each town.

    Parameters
    ----------
    instance : the problem.
    served : float64 0..1, shape (n,): served part of each row.

    Returns
    -------
    float64, shape (n_towns,); NaN where a town has no demand.
    """
    reached = sums_by(instance.row_town, instance.demand * served, instance.n_towns)
    with np.errstate(invalid="ignore"):
        return reached / instance.town_demand


def allowed(instance: Instance, opened: BoolArray) -> bool:
    """Whether a choice of sites keeps every rule that is about sites alone.

    Parameters
    ----------
    instance : the problem.
    opened : bool, shape (n_sites,).

    Returns
    -------
    True or False.

    Notes
    -----
    O(n_sites + n_conflicts).
    """
    n_open = int(opened.sum())
    of_kind = np.bincount(instance.kind[opened], minlength=len(instance.p))
    limited = instance.p >= 0
    most = (of_kind[limited] <= instance.p[limited]).all()
    exact = (of_kind[limited] == instance.p[limited]).all()
    total = instance.p_total < 0 or n_open <= instance.p_total
    if instance.p_exact:
        total = total and (instance.p_total < 0 or n_open == instance.p_total)
        most = exact
    town = instance.site_town[opened]
    closed = int((instance.closable & ~opened).sum())
    spent = float(instance.opening_cost[opened].sum())
    return bool(
        opened[instance.required].all()
        and not opened[instance.forbidden].any()
        and most
        and total
        and spent <= instance.budget * (1 + _ROUNDING)
        and not opened[instance.conflicts].all(axis=1).any()
        and (instance.max_closures < 0 or closed <= instance.max_closures)
        and (not instance.one_per_town or len(np.unique(town[town >= 0])) == instance.n_towns)
    )


def enough_in_towns(instance: Instance, served: FloatArray) -> bool:
    """Whether each town has the share that was asked for.

    Parameters
    ----------
    instance : the problem.
    served : float64 0..1, shape (n,): served part of each row.

    Returns
    -------
    True or False; a town without demand has whatever is asked.
    """
    found = shares(instance, served)
    return bool((np.isnan(found) | (found >= instance.min_town_share - _ROUNDING)).all())
