"""What a problem's options say, each against the others; what is wrong with them is collected."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from geo.arrays import BoolArray, FloatArray, IntArray
from geo.errors import Fault
from geo.siting._reading import Demand, number, read_amounts, read_by_kind, read_labels, some
from geo.siting.problem import Objective, SitingProblem

_COVERAGE = (Objective.MAX_COVERAGE, Objective.SET_COVER, Objective.BACKUP_COVERAGE)
_WITH_CAPACITY = (Objective.MAX_COVERAGE, Objective.SET_COVER, Objective.P_MEDIAN)
_WITH_SHARES = (Objective.MAX_COVERAGE, Objective.BACKUP_COVERAGE)


def read_number(
    problem: SitingProblem, kinds: tuple[str, ...], n_open: int, n_sites: int, faults: list[Fault]
) -> tuple[IntArray, int]:
    """Read how many sites may be open, of each kind and in all.

    Parameters
    ----------
    problem : as it was asked.
    kinds : kinds of the sites.
    n_open : sites that are not forbidden.
    n_sites : all sites.
    faults : what is wrong is added here.

    Returns
    -------
    int64, shape (max(1, n_kinds),), and one number; -1 for no limit.
    """
    p = np.full(max(1, len(kinds)), -1, dtype=np.int64)
    if isinstance(problem.p, Mapping):
        for kind, limit in read_by_kind("p", problem.p, kinds, faults, whole=True).items():
            if kind in kinds:
                p[kinds.index(kind)] = int(limit)
        if any(limit > n_sites for limit in p):
            faults.append(Fault("p", f"{dict(problem.p)}", f"no more than the {n_sites} sites"))
        return p, int(p[0]) if len(p) == 1 else -1
    if problem.p is None or not number("p", problem.p, faults, whole=True, low=1):
        return p, -1
    total = int(problem.p)
    if total > n_sites:
        came = f"{total}, more than the {n_sites} candidate(s)"
        faults.append(Fault("p", came, f"at most {n_open}" if n_open else "more candidates"))
    if len(p) == 1:
        p[0] = total
    return p, total


def read_radius(
    problem: SitingProblem,
    objective: Objective,
    kinds: tuple[str, ...],
    kind: IntArray,
    faults: list[Fault],
) -> FloatArray:
    """Read the radius of each site.

    Parameters
    ----------
    problem : as it was asked.
    objective : what is asked.
    kinds : kinds of the sites.
    kind : kind of each site.
    faults : what is wrong is added here.

    Returns
    -------
    float64, shape (n_sites,); inf for none.
    """
    limits = np.full(max(1, len(kinds)), np.inf)
    if problem.radius is None:
        if objective in _COVERAGE:
            faults.append(Fault("radius", "none", f"a limit of the cost, for {objective}"))
    elif isinstance(problem.radius, Mapping):
        found = read_by_kind("radius", problem.radius, kinds, faults, whole=False)
        for name, limit in found.items():
            if name in kinds:
                limits[kinds.index(name)] = limit
        missing = [name for name in kinds if name not in problem.radius]
        if missing:
            faults.append(Fault("radius", some("kind(s) without one", missing), "one for each"))
    elif number("radius", problem.radius, faults):
        limits[:] = float(problem.radius)
    return limits[kind]


def read_serves(
    problem: SitingProblem, demand: Demand, kinds: tuple[str, ...], faults: list[Fault]
) -> BoolArray | None:
    """Read which kinds serve which groups.

    Parameters
    ----------
    problem : as it was asked.
    demand : the points and their groups.
    kinds : kinds of the sites.
    faults : what is wrong is added here.

    Returns
    -------
    bool, shape (n_kinds, n_groups); None where all serve all.
    """
    if problem.serves is None:
        return None
    found = np.ones((max(1, len(kinds)), len(demand.groups)), dtype=bool)
    if not kinds:
        faults.append(Fault("serves", "given", "kind_of_site beside it"))
    if demand.groups == ("",):
        faults.append(Fault("serves", "given", "demand with one column a group"))
        return found
    for kind, groups in problem.serves.items():
        unknown = [group for group in groups if group not in demand.groups]
        if unknown:
            wanted = f"columns of demand: {', '.join(demand.groups)}"
            faults.append(Fault(f"serves[{kind!r}]", some("unknown group(s)", unknown), wanted))
        if kind in kinds:
            found[kinds.index(kind)] = [group in groups for group in demand.groups]
        elif kinds:
            wanted = f"kinds that sites have: {', '.join(kinds)}"
            faults.append(Fault("serves", some("unknown kind(s)", [kind]), wanted))
    return found


def read_towns(
    problem: SitingProblem, demand: Demand, sites: pd.Index[str], faults: list[Fault]
) -> tuple[IntArray, IntArray, tuple[str, ...]]:
    """Read the town of each point and of each site.

    Parameters
    ----------
    problem : as it was asked.
    demand : the points.
    sites : codes of the sites.
    faults : what is wrong is added here.

    Returns
    -------
    int64, shapes (n_points,) and (n_sites,): positions, -1 for none; and the towns of the points.
    """
    point_town, towns = read_labels(
        "town_of_demand", problem.town_of_demand, demand.codes, faults, complete=False
    )
    named, names = read_labels("town_of_site", problem.town_of_site, sites, faults, complete=False)
    place = np.array([*(towns.index(n) if n in towns else -1 for n in names), -1])
    if not towns:
        for option, asked in (
            ("one_per_town", problem.one_per_town),
            ("min_town_share", problem.min_town_share is not None),
            ("worst_first", problem.worst_first),
        ):
            if asked:
                faults.append(Fault(option, "no towns of the demand", "town_of_demand beside it"))
    if problem.one_per_town and problem.town_of_site is None:
        faults.append(Fault("one_per_town", "no towns of the sites", "town_of_site beside it"))
    return point_town, place[named].astype(np.int64), towns


def read_floors(problem: SitingProblem, towns: tuple[str, ...], faults: list[Fault]) -> FloatArray:
    """Read the share of each town that must be covered.

    Parameters
    ----------
    problem : as it was asked.
    towns : towns of the points.
    faults : what is wrong is added here.

    Returns
    -------
    float64 0..1, shape (n_towns,).
    """
    given = problem.min_town_share
    floors = read_amounts("min_town_share", given, pd.Index(towns), faults, missing=0.0)
    if (floors > 1).any():
        faults.append(Fault("min_town_share", f"{floors.max():g}", "shares 0..1"))
    return np.minimum(floors, 1.0)


def read_conflicts(
    problem: SitingProblem,
    sites: pd.Index[str],
    required: BoolArray,
    forbidden: BoolArray,
    closable: BoolArray,
    *,
    faults: list[Fault],
) -> IntArray:
    """Find the pairs of sites that are nearer than allowed.

    Parameters
    ----------
    problem : as it was asked.
    sites : codes of the sites.
    required, forbidden, closable : bool, shape (n_sites,).
    faults : what is wrong is added here.

    Returns
    -------
    int64, shape (k, 2): pairs of which at least one is new, neither forbidden.

    Notes
    -----
    O(n_sites log n_sites + k).
    """
    none = np.empty((0, 2), dtype=np.int64)
    distance = problem.min_separation_m
    if distance is None or not number("min_separation_m", distance, faults):
        return none
    if problem.xy is None:
        faults.append(Fault("min_separation_m", f"{distance}", "xy beside it"))
        return none
    xy = problem.xy
    if not {"x", "y"} <= set(xy.columns) or xy.index.has_duplicates:
        faults.append(Fault("xy", "not one x and one y a site", "columns x, y; each site once"))
        return none
    places = xy.reindex(sites)[["x", "y"]].to_numpy(dtype=np.float64)
    unknown = ~np.isfinite(places).all(axis=1) & ~forbidden
    if unknown.any():
        faults.append(Fault("xy", some("site(s) without a place", sites[unknown]), "x and y [m]"))
        return none
    may = np.flatnonzero(~forbidden)
    if len(may) < 2:
        return none
    near = KDTree(places[may]).query_pairs(float(distance), output_type="ndarray")
    near = np.sort(may[near.astype(np.int64)], axis=1).reshape(-1, 2)
    gap = places[near[:, 0]] - places[near[:, 1]]
    new = ~(required | closable)
    near = near[(np.hypot(gap[:, 0], gap[:, 1]) < distance) & new[near].any(axis=1)]
    found: IntArray = near[np.lexsort((near[:, 1], near[:, 0]))]
    return found


def option_faults(problem: SitingProblem, objective: Objective, faults: list[Fault]) -> None:
    """Find options that need another one, or mean nothing for the objective.

    Parameters
    ----------
    problem : as it was asked.
    objective : what is asked.
    faults : what is wrong is added here.
    """
    if problem.budget is not None:
        number("budget", problem.budget, faults, low=0)
        if problem.cost is None:
            faults.append(Fault("budget", f"{problem.budget!r}", "cost beside it"))
    if problem.max_closures is not None:
        number("max_closures", problem.max_closures, faults, whole=True, low=0)
        if not len(problem.closable):
            faults.append(Fault("max_closures", f"{problem.max_closures!r}", "closable beside it"))
    number("backup_weight", problem.backup_weight, faults, low=0, high=1)
    for option, asked, having in (
        ("capacity", problem.capacity is not None, _WITH_CAPACITY),
        ("min_town_share", problem.min_town_share is not None, _WITH_SHARES),
        ("worst_first", problem.worst_first, _WITH_SHARES),
        ("cover_all", problem.cover_all, (Objective.BACKUP_COVERAGE,)),
    ):
        if asked and objective not in having:
            faults.append(Fault(option, f"given for {objective}", f"only for {', '.join(having)}"))
