"""Sites that can serve only so much: coverage, set cover and median, exactly."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from geo.arrays import BoolArray, FloatArray, IntArray
from geo.siting._evaluate import shares
from geo.siting._found import NOTHING, Result, close, step_of, trivial_bound
from geo.siting._highs import Ending, Model, Outcome, run
from geo.siting._progress import Progress
from geo.siting._rules import add_sites
from geo.siting._sets import shut_sites
from geo.siting.instance import Instance
from geo.siting.problem import Objective, relative_gap

# Up to so many pairs each has a row of its own, which makes the relaxation tight.
_MOST_LINKS = 200_000


class Service(NamedTuple):
    """Columns that say which part of a row a site serves.

    Attributes
    ----------
    pair : int64: pairs of the instance that have a column.
    column : int64, same shape.
    """

    pair: IntArray
    column: IntArray


def add_service(model: Model, instance: Instance, *, opened: BoolArray | None = None) -> Service:
    """Add columns and rows for who is served where, within the capacities.

    Parameters
    ----------
    model : with the sites as its first columns, or without columns where `opened` is given.
    instance : a problem with capacities.
    opened : the sites that are open, where that is settled.

    Returns
    -------
    Service.
    """
    capacity = instance.capacity
    assert capacity is not None  # noqa: S101 the caller asks for it
    n = len(instance.weight)
    usable = ~shut_sites(instance) if opened is None else opened
    pair = np.flatnonzero(usable[instance.site])
    row, site = instance.row_of_pair[pair], instance.site[pair]
    column = model.add_columns(len(pair), whole=not instance.split)
    must = instance.objective in (Objective.SET_COVER, Objective.P_MEDIAN)
    model.add_rows(n, row, column, 1.0, lower=1.0 if must else -np.inf, upper=1.0)
    # Capacities in parts of the demand there is, so that rows are of one size.
    reach = np.bincount(site, weights=instance.demand[row], minlength=instance.n_sites)
    limited = np.flatnonzero((capacity < reach) & usable)
    place = np.full(instance.n_sites, -1, dtype=np.int64)
    place[limited] = np.arange(len(limited))
    at = np.flatnonzero(place[site] >= 0)
    size = np.maximum(capacity[limited], instance.demand.max())
    rows, columns = place[site[at]], column[at]
    values = instance.demand[row[at]] / size[rows]
    if opened is None:
        rows = np.concatenate([rows, np.arange(len(limited))])
        columns = np.concatenate([columns, limited])
        values = np.concatenate([values, -capacity[limited] / size])
    upper = 0.0 if opened is None else capacity[limited] / size
    model.add_rows(len(limited), rows, columns, values, upper=upper)
    if opened is None:
        link = np.arange(len(pair)) if len(pair) <= _MOST_LINKS else np.flatnonzero(place[site] < 0)
        both = np.tile(np.arange(len(link)), 2)
        value = np.repeat([1.0, -1.0], len(link))
        model.add_rows(
            len(link), both, np.concatenate([column[link], site[link]]), value, upper=0.0
        )
    add_floors_served(model, instance, Service(pair, column))
    return Service(pair, column)


def add_floors_served(
    model: Model, instance: Instance, service: Service, share: int | None = None
) -> None:
    """Add that each town has its share served, or no less than the column `share` says.

    Parameters
    ----------
    model : with the columns of `service`.
    instance : the problem.
    service : who is served where.
    share : column that no town may fall below; None for the shares asked for.
    """
    if share is None and not instance.min_town_share.any():
        return
    towns = np.flatnonzero(instance.town_demand > 0)
    place = np.full(instance.n_towns + 1, -1, dtype=np.int64)
    place[towns] = np.arange(len(towns))
    row = instance.row_of_pair[service.pair]
    at = np.flatnonzero(place[instance.row_town[row]] >= 0)
    town = instance.row_town[row[at]]
    rows, columns = place[town], service.column[at]
    values = instance.demand[row[at]] / instance.town_demand[town]
    lower = instance.min_town_share[towns] - 1e-12
    if share is not None:
        rows = np.concatenate([rows, np.arange(len(towns))])
        columns = np.concatenate([columns, np.full(len(towns), share)])
        values = np.concatenate([values, np.full(len(towns), -1.0)])
        lower = np.zeros(len(towns))
    model.add_rows(len(towns), rows, columns, values, lower=lower)


def solve_capacity(instance: Instance, progress: Progress) -> Result:
    """Solve a problem with capacities.

    Parameters
    ----------
    instance : max_coverage, set_cover or p_median with capacities.
    progress : time left, and whether the search is still wanted.

    Returns
    -------
    Result, `served` included.

    Notes
    -----
    Current & Storbeck 1988 for coverage, Pirkul 1987 for the median; the demand of a row may be
    shared where `split` holds. What is served is worked out again for the sites found, so that no
    rounding of the solver is in the value.
    """
    if not instance.worst_first:
        return _solve(instance, progress)
    model, service = _model(instance)
    share = int(model.add_columns(1, worth=1.0)[0])
    add_floors_served(model, instance, service, share)
    outcome = run(model, progress, tell=lambda *_: progress.tell(NOTHING, NOTHING))
    if outcome.ending == Ending.INFEASIBLE:
        return Result(None, NOTHING, NOTHING, infeasible=True)
    if not len(outcome.values):
        return Result(None, NOTHING, trivial_bound(instance))
    served = _clean(instance, service, outcome.values)
    lowest = float(np.nanmin(shares(instance, _parts(instance, served))))
    limit, proven = close(lowest, min(1.0, outcome.bound), maximise=True)
    towns = instance.town_demand > 0
    floors = np.where(towns, np.maximum(instance.min_town_share, lowest - 1e-9), 0.0)
    second = _solve(replace(instance, min_town_share=floors), progress)
    if second.opened is None:
        opened = outcome.values[: instance.n_sites] > 0.5
        value = _value(instance, opened, served)
        second = Result(opened, value, max(value, trivial_bound(instance)), served=served)
    open_step = 0.0 if proven else relative_gap(lowest, limit)
    return replace(second, proven=second.proven and proven, open_step=open_step)


def _model(instance: Instance) -> tuple[Model, Service]:
    model = Model(maximise=instance.objective == Objective.MAX_COVERAGE)
    sites = add_sites(model, instance)
    service = add_service(model, instance)
    if instance.objective == Objective.SET_COVER and not instance.worst_first:
        model.add_worth(sites, instance.opening_cost)
    elif not instance.worst_first:
        model.add_worth(service.column, _worth(instance, service.pair))
    return model, service


def _worth(instance: Instance, pair: IntArray) -> FloatArray:
    """Worth of serving the whole row of a pair."""
    weight = instance.weight[instance.row_of_pair[pair]]
    return weight * instance.cost[pair] if instance.objective == Objective.P_MEDIAN else weight


def _solve(instance: Instance, progress: Progress) -> Result:
    one = replace(instance, worst_first=False)
    model, service = _model(one)
    outcome = run(model, progress)
    if outcome.ending == Ending.INFEASIBLE:
        return Result(None, NOTHING, NOTHING, infeasible=True)
    maximise = model.maximise
    limit = trivial_bound(one)
    bound = min(limit, outcome.bound) if maximise else max(limit, outcome.bound)
    if not len(outcome.values):
        return Result(None, NOTHING, bound)
    opened = outcome.values[: one.n_sites] > 0.5
    served = _served(one, opened, service, outcome, progress)
    value = _value(one, opened, served)
    step = step_of(one.opening_cost) if one.objective == Objective.SET_COVER else 0.0
    if one.objective == Objective.MAX_COVERAGE and not one.split:
        step = step_of(one.weight)
    bound, proven = close(value, bound, maximise=maximise, step=step)
    return Result(opened, value, bound, proven=proven, served=served)


def _served(
    instance: Instance, opened: BoolArray, service: Service, outcome: Outcome, progress: Progress
) -> FloatArray:
    """Work out who is served where, once the sites are settled."""
    if instance.split and not progress.over:
        model = Model(maximise=instance.objective == Objective.MAX_COVERAGE)
        again = add_service(model, instance, opened=opened)
        model.add_worth(again.column, _worth(instance, again.pair))
        found = run(model, progress, tell=lambda *_: progress.tell(NOTHING, NOTHING))
        if found.ending == Ending.PROVEN:
            return _clean(instance, again, found.values)
    return _clean(instance, service, outcome.values)


def _clean(instance: Instance, service: Service, values: FloatArray) -> FloatArray:
    """Demand served by pair, without what the solver's tolerance lets through."""
    part = np.zeros(len(instance.site))
    part[service.pair] = values[service.column]
    part = np.where(part < 1e-9, 0.0, np.minimum(part, 1.0))
    if not instance.split:
        part = (part > 0.5).astype(np.float64)
    row = instance.row_of_pair
    total = np.bincount(row, weights=part, minlength=len(instance.weight))
    must = instance.objective in (Objective.SET_COVER, Objective.P_MEDIAN)
    over = np.where((total > 1.0) | (must & (total > 0.0)), total, 1.0)
    return part / over[row] * instance.demand[row]


def _parts(instance: Instance, served: FloatArray) -> FloatArray:
    total = np.bincount(instance.row_of_pair, weights=served, minlength=len(instance.weight))
    return total / instance.demand


def _value(instance: Instance, opened: BoolArray, served: FloatArray) -> float:
    if instance.objective == Objective.SET_COVER:
        return float(instance.opening_cost[opened].sum())
    ratio = (instance.weight / instance.demand)[instance.row_of_pair]
    if instance.objective == Objective.P_MEDIAN:
        return float((served * ratio) @ instance.cost)
    return float((served * ratio).sum())
