"""A question's problem as `geo.siting` wants it, without what cannot matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.build.levels import Floats, Ints
from etl.siting.posed import MEDIANS, Bools, Posed, PosedPart, Reach
from geo.siting import Objective, SitingProblem

# Sites of different kinds may stand wall to wall: each kind is put on a plane of its own [m].
_PLANE_M = 1e9


@dataclass(frozen=True)
class Task:
    """What one search may choose from, and what it is judged by.

    Attributes
    ----------
    objective : see `geo.siting.Objective`.
    p_new : of each part how many sites more than `kept` there may be, below 0 fewer, None for no
        limit; or one number for all parts together.
    weights : by part, what each cell counts.
    thresholds : by part [min].
    kept : by part, bool over its sites: sites in service that are there, or may be closed.
    allowed : by part, bool over its sites: candidates that may be chosen.
    closures : whether the question's closable sites may be closed.
    one_per_town : whether each town must have a site.
    least_share : share 0..1 of each town that must be covered; None for no such rule.
    worst_first : whether the lowest share of any town comes before all else.
    budget : whether the question's budget counts.
    """

    objective: Objective
    p_new: tuple[int | None, ...] | int
    weights: tuple[Floats, ...]
    thresholds: tuple[float, ...]
    kept: tuple[Bools, ...]
    allowed: tuple[Bools, ...]
    closures: bool
    one_per_town: bool
    least_share: float | None
    worst_first: bool
    budget: bool = True

    @property
    def of_towns(self) -> bool:
        """Whether anything is asked for towns."""
        return self.one_per_town or self.worst_first or bool(self.least_share)


def asked_task(posed: Posed) -> Task:
    """What the question itself asks."""
    question = posed.question
    return Task(
        objective=question.objective,
        p_new=tuple(one.part.p_new for one in posed.parts),
        weights=tuple(one.weight for one in posed.parts),
        thresholds=tuple(one.part.threshold_min for one in posed.parts),
        kept=tuple(one.existing for one in posed.parts),
        allowed=tuple(one.usable & ~one.existing for one in posed.parts),
        closures=bool(question.closable),
        one_per_town=question.one_per_town,
        least_share=question.min_town_share,
        worst_first=question.worst_first,
    )


def is_lean(posed: Posed, task: Task) -> bool:
    """Whether sites in service only take away from what is left to cover."""
    return (
        task.objective == Objective.MAX_COVERAGE
        and not task.closures
        and not task.of_towns
        and all(one.part.capacity_new is None for one in posed.parts)
    )


def covered_already(posed: Posed, task: Task) -> float:
    """Weight of all that the sites in service cover."""
    return float(
        sum(
            weight[one.within(limit).covered(kept, n_cells=posed.n_cells)].sum()
            for one, kept, limit, weight in zip(
                posed.parts, task.kept, task.thresholds, task.weights, strict=True
            )
        )
    )


def siting_problem(posed: Posed, task: Task, *, lean: bool) -> SitingProblem:
    question = posed.question
    rows = [_rows(posed, task, one, lean=lean) for one in posed.parts]
    costs = rows[0][0]
    if len(rows) > 1:
        texts = {"area_code": "str", "site_id": "str"}
        costs = pd.concat([costs.astype(texts) for costs, _ in rows], ignore_index=True)
    demand = pd.concat([demand for _, demand in rows], axis=1).fillna(0.0)
    there = [
        allowed if lean else kept | allowed
        for kept, allowed in zip(task.kept, task.allowed, strict=True)
    ]
    if question.min_separation_m is not None and lean:
        there = [
            use & ~_too_near(one, kept, question.min_separation_m)
            for one, kept, use in zip(posed.parts, task.kept, there, strict=True)
        ]
    sites = pd.concat(
        [one.sites[use].assign(part=one.position, existing=one.existing[use])
         for one, use in zip(posed.parts, there, strict=True)],
        ignore_index=True,
    ).set_index("site_id")  # fmt: skip
    costs = costs[costs["site_id"].isin(sites.index)]
    many = len(posed.parts) > 1
    closable = sites["existing"] & sites.index.isin(question.closable) & task.closures
    required = (sites["existing"] & ~closable) | sites.index.isin(question.locked)
    kind = sites["part"].astype("str")
    names = [str(at) for at in sorted(set(sites["part"]))]
    coverage = task.objective not in MEDIANS
    extra: dict[str, Any] = {}
    if many:
        extra |= {"kind_of_site": kind, "serves": {name: [name] for name in names}}
    if coverage:
        limits = {name: task.thresholds[int(name)] for name in names}
        extra["radius"] = limits if many else task.thresholds[0]
    if question.budget is not None and task.budget:
        extra |= {"budget": question.budget, "cost": _by_part(posed, sites, "cost_new", 0.0)}
    elif task.objective == Objective.SET_COVER and all(
        one.part.cost_new is not None for one in posed.parts
    ):
        extra["cost"] = _by_part(posed, sites, "cost_new", 0.0)
    if any(one.part.capacity_new is not None for one in posed.parts):
        extra["capacity"] = _by_part(posed, sites, "capacity_new", np.inf)
    if question.min_separation_m is not None:
        xy = sites[["x", "y"]].assign(x=sites["x"] + sites["part"] * _PLANE_M)
        extra |= {"xy": xy, "min_separation_m": question.min_separation_m}
    if closable.any():
        extra |= {
            "closable": list(sites.index[closable]),
            "max_closures": question.max_closures,
        }
    if task.of_towns:
        town = posed.ground.cells.set_index("area_code")["town_code"].reindex(demand.index)
        extra |= {
            "town_of_demand": town.dropna(),
            "town_of_site": sites["town_code"].dropna(),
            "one_per_town": task.one_per_town,
            "min_town_share": task.least_share,
            "worst_first": task.worst_first,
        }
    return SitingProblem(
        objective=task.objective,
        costs=costs.reset_index(drop=True),
        demand=demand if many else demand["0"],
        candidates=list(sites.index),
        p=_p(task, sites),
        required=list(sites.index[required]),
        **extra,
    )


def _rows(
    posed: Posed, task: Task, one: PosedPart, *, lean: bool
) -> tuple[pd.DataFrame, pd.Series[float]]:
    """Costs and demand of a part; cells that cannot matter are left out."""
    at = one.position
    coverage = task.objective not in MEDIANS
    reach = one.within(task.thresholds[at]) if coverage else one.reach
    weight = task.weights[at]
    if lean:
        covered = reach.covered(task.kept[at], n_cells=posed.n_cells)
        weight = np.where(covered, 0.0, weight)
        reach = reach.only(task.allowed[at][reach.site] & (weight[reach.cell] > 0))
        weight = _merged(reach, weight)
    counts = weight > 0
    if lean or not coverage:
        # No choice of sites changes how these fare.
        counts = counts & (np.bincount(reach.cell, minlength=posed.n_cells) > 0)
    codes = posed.ground.cells["area_code"].to_numpy(dtype=object)
    use = counts[reach.cell]
    costs = pd.DataFrame(
        {
            "area_code": _categories(codes, reach.cell[use]),
            "site_id": _categories(one.sites["site_id"].to_numpy(dtype=object), reach.site[use]),
            "cost_min": reach.minutes[use],
        }
    )
    index = pd.Index(codes[counts], name="area_code", dtype="str")
    return costs, pd.Series(weight[counts], index=index, name=str(at))


def _merged(reach: Reach, weight: Floats) -> Floats:
    """The weight of all cells with the same sites in reach, at the first of them.

    Sets are told apart by the sum of random 64-bit numbers of their sites: that two of a million
    sets have the same sum by chance happens once in thirty million times.
    """
    order = np.argsort(reach.cell, kind="stable")
    cell = reach.cell[order]
    if not len(cell):
        return weight
    marks = np.random.default_rng(0).integers(2**64, size=len(reach), dtype=np.uint64)
    cells, begin = np.unique(cell, return_index=True)
    sums = np.add.reduceat(marks[reach.site[order]], begin)
    _, first, which = np.unique(sums, return_index=True, return_inverse=True)
    out = weight.copy()
    out[cells] = 0.0
    out[cells[first]] = np.bincount(which, weights=weight[cells])
    return out


def _categories(codes: npt.NDArray[np.object_], places: Ints) -> pd.Categorical:
    """Codes that come again and again; in the order of the codes."""
    order = np.argsort(codes, kind="stable")
    rank = np.empty(len(codes), dtype=np.int64)
    rank[order] = np.arange(len(codes))
    return pd.Categorical.from_codes(rank[places], categories=pd.Index(codes[order], dtype="str"))


def most_new(task: Task) -> int | None:
    """Most new sites of all parts; None for no limit."""
    if isinstance(task.p_new, int):
        return task.p_new
    return None if None in task.p_new else sum(p for p in task.p_new if p is not None)


def _p(task: Task, sites: pd.DataFrame) -> int | dict[str, int] | None:
    """Sites in all: those in service that are part of the problem, and the new ones.

    A search of the product's own may ask for more than there are candidates: it gets them all.
    """
    if isinstance(task.p_new, int):
        return min(task.p_new + int(sites["existing"].sum()), len(sites))
    limits: dict[str, int] = {}
    for part, p_new in enumerate(task.p_new):
        own = sites[sites["part"] == part]
        if p_new is not None and len(own):
            limits[str(part)] = min(p_new + int(own["existing"].sum()), len(own))
    return limits.get("0") if len(task.p_new) == 1 else limits or None


def _by_part(posed: Posed, sites: pd.DataFrame, asked: str, otherwise: float) -> pd.Series[float]:
    """A figure of each new site, as its part says; sites in service have the other one."""
    given = [getattr(one.part, asked) for one in posed.parts]
    known = np.array([otherwise if value is None else value for value in given])
    values = np.where(sites["existing"], otherwise, known[sites["part"].to_numpy()])
    return pd.Series(values, index=sites.index)


def _too_near(one: PosedPart, kept: Bools, least_m: float) -> Bools:
    """Sites nearer than so many metres to one in service that stays."""
    xy = one.sites[["x", "y"]].to_numpy(dtype=np.float64)
    near = np.zeros(len(xy), dtype=np.bool_)
    for x, y in xy[kept]:
        near |= np.hypot(xy[:, 0] - x, xy[:, 1] - y) < least_m
    return near
