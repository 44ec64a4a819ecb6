"""A problem as arrays, with the names of what they are about."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from geo.arrays import BoolArray, FloatArray, IntArray
from geo.checks import require
from geo.errors import Fault
from geo.siting._options import (
    option_faults,
    read_conflicts,
    read_floors,
    read_number,
    read_radius,
    read_serves,
    read_towns,
)
from geo.siting._reading import (
    Demand,
    Pairs,
    read_amounts,
    read_codes,
    read_costs,
    read_demand,
    read_labels,
    some,
)
from geo.siting._sets import sums_by
from geo.siting.instance import Instance
from geo.siting.problem import Objective, SitingProblem


class Prepared(NamedTuple):
    """A checked problem and what its positions mean.

    Attributes
    ----------
    instance : the problem as arrays.
    sites : codes of the sites, sorted.
    rank : int64, shape (n_sites,): positions of the sites in the order of the candidates.
    labels : what an answer by point is indexed by: as the demand, or points and groups.
    place : int64, shape (n_rows_in_all,): where each row, those without demand among them, stands
        in `labels`.
    rows : int64, shape (n,): row of the instance among all rows.
    row_of_pair, site, cost : pairs of all rows in reach, by row, cost and site.
    costs_in_all : float64: costs of the instance's rows to the nearest candidate that serves them,
        whatever the radius; inf where none does.
    towns : codes of the towns.
    kinds : kinds of the sites; empty where there is one.
    """

    instance: Instance
    sites: pd.Index[str]
    rank: IntArray
    labels: pd.Index[str]
    place: IntArray
    rows: IntArray
    row_of_pair: IntArray
    site: IntArray
    cost: FloatArray
    costs_in_all: FloatArray
    towns: tuple[str, ...]
    kinds: tuple[str, ...]


def prepare_named(problem: SitingProblem) -> Prepared:
    """Check a problem and turn it into arrays, with the names of what they are about.

    Parameters
    ----------
    problem : as it was asked.

    Returns
    -------
    Prepared.

    Raises
    ------
    FaultsError : as `prepare`.
    """
    faults: list[Fault] = []
    objective = _objective(problem, faults)
    demand = read_demand(problem.demand, faults)
    pairs = read_costs(problem.costs, faults)
    sites, rank = _sites(problem, pairs, faults)
    required = read_codes("required", problem.required, sites, faults)
    forbidden = read_codes("forbidden", problem.forbidden, sites, faults)
    closable = read_codes("closable", problem.closable, sites, faults)
    kind, kinds = read_labels(
        "kind_of_site",
        problem.kind_of_site,
        sites,
        faults,
        complete=problem.kind_of_site is not None,
    )
    kind = np.maximum(kind, 0)
    p, p_total = read_number(problem, kinds, int((~forbidden).sum()), len(sites), faults)
    radius = read_radius(problem, objective, kinds, kind, faults)
    serves = read_serves(problem, demand, kinds, faults)
    weight = read_amounts("group_weight", problem.group_weight, pd.Index(demand.groups), faults,
                          missing=1.0)  # fmt: skip
    cost = read_amounts("cost", problem.cost, sites, faults, missing=0.0)
    capacity = read_amounts("capacity", problem.capacity, sites, faults, missing=np.inf)
    if problem.cost is None and objective == Objective.SET_COVER:
        cost = np.ones(len(sites))
    rows = _rows(demand, serves, weight)
    if demand.amount.any() and not rows.weight.any():
        came = "no group with demand weighs anything"
        faults.append(Fault("group_weight", came, "at least one weight above 0"))
    row_of_pair, site, travel = _pairs(demand, pairs, sites, serves, kind, faults=faults)
    town_of_point, site_town, towns = read_towns(problem, demand, sites, faults)
    floors = read_floors(problem, towns, faults)
    conflicts = read_conflicts(problem, sites, required, forbidden, closable, faults=faults)
    option_faults(problem, objective, faults)
    require("siting problem", faults)

    open_to_all = ~forbidden[site]
    nearest = np.full(len(rows.amount), np.inf)
    np.minimum.at(nearest, row_of_pair[open_to_all], travel[open_to_all])
    near = open_to_all & (travel <= radius[site])
    row_of_pair, site, travel = row_of_pair[near], site[near], travel[near]
    counted = np.flatnonzero(rows.weight > 0)
    position = np.full(len(rows.weight), -1, dtype=np.int64)
    position[counted] = np.arange(len(counted))
    own = position[row_of_pair] >= 0
    of_row = position[row_of_pair[own]]
    row_town = town_of_point[rows.point[counted]]
    town_demand = sums_by(row_town, rows.amount[counted], len(towns))
    instance = Instance(
        objective=objective,
        weight=rows.weight[counted],
        demand=rows.amount[counted],
        indptr=np.concatenate([[0], np.cumsum(np.bincount(of_row, minlength=len(counted)))]),
        site=site[own],
        cost=travel[own],
        n_sites=len(sites),
        required=required,
        forbidden=forbidden,
        opening_cost=cost,
        budget=np.inf if problem.budget is None else float(problem.budget),
        kind=kind,
        p=p,
        p_total=p_total,
        p_exact=objective in (Objective.P_MEDIAN, Objective.P_CENTER) and problem.p is not None,
        capacity=None if problem.capacity is None else capacity,
        split=problem.split,
        conflicts=conflicts,
        closable=closable,
        max_closures=-1 if problem.max_closures is None else int(problem.max_closures),
        row_town=row_town,
        site_town=site_town,
        n_towns=len(towns),
        one_per_town=problem.one_per_town,
        min_town_share=floors,
        town_demand=town_demand,
        worst_first=problem.worst_first,
        backup_weight=float(problem.backup_weight),
        cover_all=problem.cover_all,
    )
    index, place = _index(problem, demand, by_group=serves is not None)
    return Prepared(instance, sites, rank, index, place, counted, row_of_pair, site, travel,
                    nearest[counted], towns, kinds)  # fmt: skip


class _Rows(NamedTuple):
    """Points, or points and groups: point, demand as it is, demand as it counts."""

    point: IntArray
    amount: FloatArray
    weight: FloatArray


def _objective(problem: SitingProblem, faults: list[Fault]) -> Objective:
    try:
        return Objective(problem.objective)
    except ValueError:
        faults.append(Fault("objective", repr(problem.objective), ", ".join(Objective)))
        return Objective.MAX_COVERAGE


def _sites(
    problem: SitingProblem, pairs: Pairs, faults: list[Fault]
) -> tuple[pd.Index[str], IntArray]:
    """Sites of the problem in the order of their codes, and the order they were given in."""
    order = list(pairs.sites)
    if problem.candidates is not None:
        given = pd.Index(list(problem.candidates))
        if given.has_duplicates:
            came = some("doubled code(s)", given[given.duplicated()])
            faults.append(Fault("candidates", came, "each code once"))
        strange = given[~given.isin(pairs.sites)]
        if pairs.dense and len(strange):
            came = some("unknown site code(s)", strange)
            faults.append(Fault("candidates", came, "sites that costs has a column of"))
        # A required site need not be a candidate; one that costs never names is a slip.
        named = set(problem.required) | set(problem.closable)
        more = [code for code in pairs.sites if code in named and code not in given]
        order = [str(code) for code in dict.fromkeys(given)] + more
    elif pairs.dense:
        order = [str(code) for code in problem.costs.columns]
    order = list(dict.fromkeys(order))
    if not order:
        faults.append(Fault("candidates", "no site", "at least one"))
    codes = np.array(order, dtype=object)
    by_code = np.argsort(codes, kind="stable")
    rank = np.empty(len(codes), dtype=np.int64)
    rank[by_code] = np.arange(len(codes))
    return pd.Index(codes[by_code], dtype="str"), rank


def _rows(demand: Demand, serves: BoolArray | None, weight: FloatArray) -> _Rows:
    n, n_groups = demand.amount.shape
    # A group that weighs nothing is left out of everything.
    amount = np.where(weight > 0, demand.amount, 0.0)
    if serves is None:
        return _Rows(np.arange(n), amount.sum(axis=1), amount @ weight)
    return _Rows(np.repeat(np.arange(n), n_groups), amount.ravel(), (amount * weight).ravel())


def _pairs(
    demand: Demand,
    pairs: Pairs,
    sites: pd.Index[str],
    serves: BoolArray | None,
    kind: IntArray,
    *,
    faults: list[Fault],
) -> tuple[IntArray, IntArray, FloatArray]:
    """Pairs by row, cost and site, of kinds that serve the row."""
    point_at = demand.codes.get_indexer(pairs.points)
    strange = pairs.points[point_at < 0]
    if len(strange):
        came = some("demand point(s) that demand lacks", strange)
        faults.append(Fault("costs", came, "points of demand only"))
    absent = demand.codes[~demand.codes.isin(pairs.points)]
    if pairs.dense and len(absent):
        came = some("point(s) of demand that costs lacks", absent)
        faults.append(Fault("costs", came, "a row for each point"))
    point, site = point_at[pairs.point], sites.get_indexer(pairs.sites)[pairs.site]
    there = (point >= 0) & (site >= 0)
    point, site, cost = point[there], site[there], pairs.cost[there]
    if serves is not None:
        groups = [np.flatnonzero(serves[kind[site], g]) for g in range(len(demand.groups))]
        row = np.concatenate([point[at] * len(demand.groups) + g for g, at in enumerate(groups)])
        chosen = np.concatenate(groups)
        point, site, cost = row, site[chosen], cost[chosen]
    order = np.lexsort((site, cost, point))
    return point[order], site[order], cost[order]


def _index(
    problem: SitingProblem, demand: Demand, *, by_group: bool
) -> tuple[pd.Index[str], IntArray]:
    """Index of an answer by point, and where each row stands in it."""
    given = problem.demand
    place = pd.Index(given.index.astype(str)).get_indexer(demand.codes).astype(np.int64)
    if not by_group or isinstance(given, pd.Series):
        return given.index, place
    names = pd.Index([str(column) for column in given.columns])
    index = pd.MultiIndex.from_product([given.index, names], names=[given.index.name, "group"])
    column = names.get_indexer(pd.Index(demand.groups))
    return index, (place[:, None] * len(names) + column).ravel().astype(np.int64)
