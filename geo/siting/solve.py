"""One question of where sites should be, answered."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd

from geo.arrays import BoolArray, FloatArray, positive
from geo.siting._evaluate import (
    allowed,
    counts,
    enough_in_towns,
    nearest_pair,
    objective_of,
    shares,
)
from geo.siting._found import NOTHING, Result, close, trivial_bound, value_step
from geo.siting._named import Prepared, prepare_named
from geo.siting._progress import OnProgress, Progress
from geo.siting.branch import branch
from geo.siting.compact import compact_cover
from geo.siting.exact import solve_exact
from geo.siting.heuristic import STALE_ROUNDS, search, start_search
from geo.siting.infeasible import explain, say, sure_contradiction
from geo.siting.instance import Instance
from geo.siting.narrow import narrow
from geo.siting.problem import (
    Cause,
    Infeasibility,
    Objective,
    SitingProblem,
    SitingSolution,
    relative_gap,
)
from geo.siting.stopwatch import Stopwatch

Method = Literal["auto", "exact", "heuristic"]
# What an answer says it was found by.
By = Literal["exact", "heuristic", "exact+heuristic"]
# Below so many pairs the exact search for coverage is done before a heuristic one has begun, and
# beyond so many left after it the exact one would come to nothing.
_SMALL, _MOST_LEFT = 50_000, 400_000
_MAXIMISED = (Objective.MAX_COVERAGE, Objective.BACKUP_COVERAGE)


def solve(
    problem: SitingProblem,
    *,
    method: Method = "auto",
    time_limit_s: float = 60.0,
    rng: np.random.Generator | None = None,
    on_progress: OnProgress | None = None,
) -> SitingSolution:
    """Choose the best sites, and say how good the choice is known to be.

    Parameters
    ----------
    problem : what is asked.
    method : `exact` ends with a proof or with the time; `heuristic` is fast and has a bound, but
        knows only sites of one kind, a number and locks, and leaves the rest to `exact`; `auto`
        takes the one as the start of the other where the problem is large.
    time_limit_s : limit [s], > 0. The check of the input comes on top, and a little where the
        solver is between two looks at the clock.
    rng : where the chance of the heuristic search comes from; None for one that always begins
        alike. One seed gives one answer, unless time cuts the search short.
    on_progress : told seconds, best value (NaN for none) and bound now and then; returning False,
        or raising, ends the search with the best found and its bound.

    Returns
    -------
    SitingSolution : nothing is raised where no choice meets what is asked, or none was found in
        time: `infeasible` says which of the two, and why.

    Raises
    ------
    FaultsError : the problem itself is wrong; see `prepare`.
    UnitError : the time limit is not positive.

    Notes
    -----
    Whether a choice is proven is judged by its value in plain arithmetic against the bound of
    HiGHS, not by the solver's own word. The order of rows and columns does not matter: everything
    is put into the order of the codes first. Formulations and sources: docs/siting.md.

    Examples
    --------
    >>> costs = pd.DataFrame({"s": [1.0, 2.0, 9.0], "t": [9.0, 3.0, 1.0]}, index=list("abc"))
    >>> demand = pd.Series([5.0, 2.0, 4.0], index=list("abc"))
    >>> found = solve(SitingProblem("max_coverage", costs, demand, p=1, radius=3))
    >>> found.sites, found.objective, found.proven, found.assignment.tolist()
    (('s',), 7.0, True, ['s', 's', nan])
    >>> solve(SitingProblem("set_cover", costs, demand, p=1, radius=3)).infeasible_because
    'The number of sites allowed is too small for what is asked; at least 2 sites are needed.'
    """
    watch = Stopwatch(positive("time_limit_s", time_limit_s, unit="s"))
    if method not in ("auto", "exact", "heuristic"):
        raise ValueError(f"method: {method!r}; wanted auto, exact or heuristic")
    named = prepare_named(problem)
    instance = named.instance
    contradiction = sure_contradiction(named)
    if contradiction is not None:
        return _nothing(named, contradiction, NOTHING, watch, "exact")
    progress = Progress(watch, on_progress, maximise=instance.objective in _MAXIMISED)
    progress.tell(NOTHING, trivial_bound(instance))
    result, by = _search(instance, method, progress, rng)
    if result.infeasible:
        return _nothing(named, explain(named, progress), NOTHING, watch, by)
    progress.end(result.objective, result.bound)
    notes = ("called off",) if progress.cancelled else ()
    if result.opened is None:
        return _nothing(named, Infeasibility(Cause.TIME), result.bound, watch, by, notes=notes)
    return _solution(named, result, watch, by, notes)


def _search(
    instance: Instance, method: Method, progress: Progress, rng: np.random.Generator | None
) -> tuple[Result, By]:
    """Search by one method or both."""
    quick, rng = None, rng or np.random.Generator(np.random.PCG64(1))
    median = instance.objective == Objective.P_MEDIAN
    if _has_heuristic(instance) and (
        method == "heuristic" or (method == "auto" and (median or len(instance.site) > _SMALL))
    ):
        alone = method == "heuristic"
        quick, narrower = _heuristic(instance, progress, rng)
        if quick is not None and (alone or quick.proven or progress.over):
            return quick, "heuristic"
    if quick is None:
        return solve_exact(instance, progress), "exact"
    return _among_better(quick, narrower, progress, rng), "exact+heuristic"


def _among_better(
    quick: Result, narrower: Instance, progress: Progress, rng: np.random.Generator
) -> Result:
    """Search the choices that may be better than what the heuristic search found."""
    opened = quick.opened
    assert opened is not None  # noqa: S101 the caller has looked
    proven = replace(quick, bound=quick.objective, proven=True)
    median = narrower.objective == Objective.P_MEDIAN
    n_left = int((~narrower.forbidden).sum())
    if median and (
        not np.diff(narrower.indptr).all()
        or not narrower.required.sum() <= narrower.p_total <= n_left
    ):
        return proven
    if median:
        result = _branched(quick, narrower, progress)
    elif len(narrower.site) > _MOST_LEFT and len(compact_cover(narrower).site) > _MOST_LEFT:
        more, _ = _heuristic(narrower, progress, rng, patience=np.inf)
        result = more or quick
    else:
        allows = not (opened & narrower.forbidden).any() and opened[narrower.required].all()
        result = solve_exact(narrower, progress, start=opened if allows else None)
    maximise = narrower.objective in _MAXIMISED
    if result.infeasible:
        return proven
    sign = 1.0 if maximise else -1.0
    best = result
    if result.opened is None or sign * (quick.objective - result.objective) >= 0:
        best = quick
    known = [bound for bound in (result.bound, quick.bound) if not np.isnan(bound)]
    tightest = min(known) if maximise else max(known)
    bound, met = close(best.objective, tightest, maximise=maximise, step=value_step(narrower))
    met = met or result.proven
    return replace(best, bound=best.objective if met else bound, proven=met)


def _branched(quick: Result, narrower: Instance, progress: Progress) -> Result:
    """Search a median by branch and bound."""
    one = start_search(narrower)
    bound = -branch(one, progress, known=-quick.objective)
    opened = np.zeros(narrower.n_sites, dtype=bool)
    opened[one.sites()] = True
    value = objective_of(narrower, opened) if opened.any() else NOTHING
    best = float(np.fmin(value, quick.objective))
    return Result(opened if opened.any() else None, value, bound, proven=bound >= best)


def _has_heuristic(instance: Instance) -> bool:
    return instance.is_plain and instance.objective in (
        Objective.MAX_COVERAGE,
        Objective.BACKUP_COVERAGE,
        Objective.P_MEDIAN,
    )


def _heuristic(
    instance: Instance,
    progress: Progress,
    rng: np.random.Generator,
    *,
    patience: float = STALE_ROUNDS,
) -> tuple[Result | None, Instance]:
    """What the heuristic search found, and the problem of the choices that may be better."""
    found = search(
        instance,
        watch=Stopwatch(max(progress.watch.left_s, 1e-3)),
        rng=rng,
        on_progress=lambda _, value, bound: progress.tell(value, bound),
        patience=patience,
    )
    if not len(found.open):
        return None, instance
    opened = np.zeros(instance.n_sites, dtype=bool)
    opened[found.open] = True
    value = objective_of(instance, opened)
    if not np.isfinite(value) or not _meets(instance, opened):
        return None, instance
    maximise = instance.objective in _MAXIMISED
    bound, proven = close(value, found.bound, maximise=maximise, step=value_step(instance))
    narrower = narrow(instance, found.sure, found.shut)
    return Result(opened, value, bound, proven=proven), narrower


def _meets(instance: Instance, opened: BoolArray) -> bool:
    reached = (counts(instance, opened) > 0).astype(np.float64)
    return allowed(instance, opened) and enough_in_towns(instance, reached)


def _nothing(
    named: Prepared,
    why: Infeasibility,
    bound: float,
    watch: Stopwatch,
    by: By,
    *,
    notes: tuple[str, ...] = (),
) -> SitingSolution:
    assignment = pd.Series(
        pd.array([pd.NA] * len(named.labels), dtype="str"), index=named.labels, name="site_id"
    )
    return SitingSolution(
        sites=(), assignment=assignment, objective=NOTHING, bound=bound, gap=float("inf"),
        proven=False, seconds=watch.seconds, method=by, infeasible_because=say(why), infeasible=why,
        notes=notes,
    )  # fmt: skip


def _solution(
    named: Prepared, result: Result, watch: Stopwatch, by: By, notes: tuple[str, ...]
) -> SitingSolution:
    instance, opened = named.instance, result.opened
    assert opened is not None  # noqa: S101 the caller has looked
    gap = 0.0 if result.proven else relative_gap(result.objective, result.bound)
    served = (counts(instance, opened) > 0).astype(np.float64)
    if result.served is not None:
        total = np.bincount(
            instance.row_of_pair, weights=result.served, minlength=len(instance.weight)
        )
        served = total / instance.demand
    worst = shares(instance, served) if instance.n_towns else np.empty(0)
    return SitingSolution(
        sites=tuple(str(named.sites[j]) for j in named.rank if opened[j]),
        assignment=_assignment(named, opened, result.served),
        objective=result.objective,
        bound=result.bound,
        gap=max(gap, result.open_step),
        proven=result.proven,
        seconds=watch.seconds,
        method=by,
        flows=None if result.served is None else _flows(named, result.served),
        worst_share=float(np.nanmin(worst)) if np.isfinite(worst).any() else NOTHING,
        notes=notes,
    )


def _assignment(named: Prepared, opened: BoolArray, served: FloatArray | None) -> pd.Series[str]:
    """Site that serves each point, or point and group."""
    instance, n = named.instance, len(named.place)
    site = np.full(n, -1, dtype=np.int64)
    if served is None:
        pair = nearest_pair(named.row_of_pair, named.site, opened, n)
        site[pair >= 0] = named.site[pair[pair >= 0]]
    else:
        # Most of the point first, then the nearest.
        at = np.flatnonzero(served > 0)
        at = at[np.lexsort((at, -served[at], instance.row_of_pair[at]))]
        row, first = np.unique(instance.row_of_pair[at], return_index=True)
        site[named.rows[row]] = instance.site[at[first]]
    codes = np.append(named.sites.to_numpy(dtype=object), np.nan)[site]
    placed = np.empty(n, dtype=object)
    placed[named.place] = codes
    return pd.Series(placed, index=named.labels, dtype="str", name="site_id")


def _flows(named: Prepared, served: FloatArray) -> pd.DataFrame:
    """Demand served by pair."""
    at = np.flatnonzero(served > 0)
    instance = named.instance
    labels = named.labels[named.place[named.rows[instance.row_of_pair[at]]]]
    by_group = labels.nlevels > 1
    frame = pd.DataFrame(
        {
            "area_code": pd.Series(labels.get_level_values(0), dtype="str"),
            "site_id": pd.Series(named.sites[instance.site[at]], dtype="str"),
            "served": served[at],
        }
    )
    if by_group:
        frame.insert(2, "group", pd.Series(labels.get_level_values(1), dtype="str"))
    return frame
