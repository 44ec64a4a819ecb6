"""One choice of sites: the problem as `geo.siting` wants it, and what was chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from etl.build.levels import Floats
from etl.siting.posed import MEDIANS, Bools, Posed, PosedPart
from geo.siting import Infeasibility, Objective, SitingProblem, SitingSolution, relative_gap
from geo.siting.solve import solve

# Told while a search goes on: seconds, best value and bound so far; False ends it.
Watch = Callable[[float, float, float], bool]
# Sites of different kinds may stand wall to wall: each kind is put on a plane of its own [m].
_PLANE_M = 1e9


@dataclass(frozen=True)
class Task:
    """What one search may choose from, and what it is judged by.

    Attributes
    ----------
    objective : see `geo.siting.Objective`.
    p_new : most new sites of each part, None for no limit; or one number for all parts together.
    weights : by part, what each cell counts.
    thresholds : by part [min].
    kept : by part, bool over its sites: sites in service that are there, or may be closed.
    allowed : by part, bool over its sites: candidates that may be chosen.
    closures : whether the question's closable sites may be closed.
    equity : whether what is asked for towns counts.
    budget : whether the question's budget counts.
    """

    objective: Objective
    p_new: tuple[int | None, ...] | int
    weights: tuple[Floats, ...]
    thresholds: tuple[float, ...]
    kept: tuple[Bools, ...]
    allowed: tuple[Bools, ...]
    closures: bool
    equity: bool
    budget: bool = True


@dataclass(frozen=True)
class Choice:
    """What was chosen.

    Attributes
    ----------
    open : by part, bool over its sites; sites in service that stay among them.
    served : by part, share 0..1 of each cell's residents that new sites have room for; None where
        capacity is not asked for.
    value, bound : of all sites together, in the unit of the objective.
    infeasible : why there is no choice; None where there is one.
    """

    open: tuple[Bools, ...]
    served: tuple[Floats, ...] | None
    value: float
    bound: float
    gap: float
    proven: bool
    seconds: float
    method: str
    infeasible: Infeasibility | None = None
    because: str = ""

    @classmethod
    def given(
        cls, opened: tuple[Bools, ...], *, value: float = np.nan, proven: bool = False
    ) -> Choice:
        """Sites that nobody searched for; proven where there was nothing to choose."""
        gap = 0.0 if proven else np.inf
        return cls(opened, None, value, value, gap, proven, 0.0, "exact" if proven else "")

    def new(self, posed: Posed, part: int) -> Bools:
        """Which sites of a part are new."""
        chosen: Bools = self.open[part] & ~posed.parts[part].existing
        return chosen


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
        equity=True,
    )


def choose(posed: Posed, task: Task, *, time_limit_s: float, watch: Watch | None = None) -> Choice:
    """Choose sites within a limit of time."""
    lean = _is_lean(posed, task)
    constant = _covered_already(posed, task) if lean else 0.0
    problem = _problem(posed, task, lean=lean)
    # Everything in reach is covered already, or nothing may be built.
    if lean and (not len(problem.costs) or not _most_new(task)):
        locked = [one.named(posed.question.locked) & new
                  for one, new in zip(posed.parts, task.allowed, strict=True)]  # fmt: skip
        chosen = tuple(
            kept | (new & bool(_most_new(task)))
            for kept, new in zip(task.kept, locked, strict=True)
        )
        return Choice.given(chosen, value=constant, proven=True)

    def told(seconds: float, value: float, bound: float) -> bool:
        return watch is None or watch(seconds, value + constant, bound + constant)

    found = solve(
        problem,
        time_limit_s=time_limit_s,
        rng=np.random.default_rng(posed.question.seed),
        on_progress=told,
    )
    return _choice(posed, task, found, lean=lean, constant=constant)


def _is_lean(posed: Posed, task: Task) -> bool:
    """Whether sites in service only take away from what is left to cover."""
    question = posed.question
    towns = question.one_per_town or question.worst_first or question.min_town_share
    return (
        task.objective == Objective.MAX_COVERAGE
        and not task.closures
        and not (task.equity and towns)
        and all(one.part.capacity_new is None for one in posed.parts)
    )


def _covered_already(posed: Posed, task: Task) -> float:
    return float(
        sum(
            weight[one.reach.within(limit).covered(kept, n_cells=posed.n_cells)].sum()
            for one, kept, limit, weight in zip(
                posed.parts, task.kept, task.thresholds, task.weights, strict=True
            )
        )
    )


def _problem(posed: Posed, task: Task, *, lean: bool) -> SitingProblem:
    question = posed.question
    rows = [_rows(posed, task, one, lean=lean) for one in posed.parts]
    costs = pd.concat([costs for costs, _ in rows], ignore_index=True)
    demand = pd.concat([demand for _, demand in rows], axis=1).fillna(0.0)
    there = [
        allowed if lean else (kept | allowed)
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
    if task.equity and (question.one_per_town or question.worst_first or question.min_town_share):
        town = posed.ground.cells.set_index("area_code")["town_code"].reindex(demand.index)
        extra |= {
            "town_of_demand": town.dropna(),
            "town_of_site": sites["town_code"].dropna(),
            "one_per_town": question.one_per_town,
            "min_town_share": question.min_town_share,
            "worst_first": question.worst_first,
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
    reach = one.reach.within(task.thresholds[at]) if coverage else one.reach
    counts = task.weights[at] > 0
    if lean:
        counts &= ~reach.covered(task.kept[at], n_cells=posed.n_cells)
    if not coverage:
        # No choice of sites changes how far these are from help.
        counts &= np.bincount(reach.cell, minlength=posed.n_cells) > 0
    codes = posed.ground.cells["area_code"].to_numpy(dtype=object)
    ids = one.sites["site_id"].to_numpy(dtype=object)
    use = counts[reach.cell]
    costs = pd.DataFrame(
        {
            "area_code": pd.Series(codes[reach.cell[use]], dtype="str"),
            "site_id": pd.Series(ids[reach.site[use]], dtype="str"),
            "cost_min": reach.minutes[use],
        }
    )
    index = pd.Index(codes[counts], name="area_code", dtype="str")
    return costs, pd.Series(task.weights[at][counts], index=index, name=str(at))


def _most_new(task: Task) -> int | None:
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


def _choice(
    posed: Posed, task: Task, found: SitingSolution, *, lean: bool, constant: float
) -> Choice:
    chosen = [one.named(found.sites) for one in posed.parts]
    if lean and found.infeasible is None:
        chosen = [kept | new for kept, new in zip(task.kept, chosen, strict=True)]
    value, bound = found.objective + constant, found.bound + constant
    return Choice(
        open=tuple(chosen),
        served=None if found.flows is None else _served(posed, found.flows, task),
        value=value,
        bound=bound,
        gap=0.0 if found.proven else relative_gap(value, bound),
        proven=found.proven,
        seconds=found.seconds,
        method=found.method,
        infeasible=found.infeasible,
        because=found.infeasible_because,
    )


def _served(posed: Posed, flows: pd.DataFrame, task: Task) -> tuple[Floats, ...]:
    """Share of each cell's demand that new sites serve."""
    index = pd.Index(posed.ground.cells["area_code"])
    out = []
    for one in posed.parts:
        new = one.sites["site_id"][~one.existing]
        mine = flows[flows["site_id"].isin(new)]
        served = np.bincount(
            index.get_indexer(pd.Index(mine["area_code"])),
            weights=mine["served"].to_numpy(dtype=np.float64),
            minlength=posed.n_cells,
        )
        weight = task.weights[one.position]
        share = np.divide(served, weight, out=np.zeros(len(served)), where=weight > 0)
        out.append(np.minimum(share, 1.0))
    return tuple(out)
