"""The search for sites, held against trying every choice there is."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.siting.heuristic import search
from geo.siting.instance import Instance
from geo.siting.narrow import narrow
from geo.siting.problem import Objective
from geo.siting.stopwatch import Stopwatch

HIGHER = {Objective.MAX_COVERAGE, Objective.BACKUP_COVERAGE}


def instance(
    objective: str, cost: np.ndarray, weight: np.ndarray, p: int, **other: object
) -> Instance:
    """From a dense table of costs, rows by sites; what is not finite is no pair."""
    n, m = cost.shape
    forbidden = np.asarray(other.pop("forbidden", np.zeros(m, bool)))
    order = np.argsort(cost, axis=1, kind="stable")
    inside = np.isfinite(np.take_along_axis(cost, order, 1)) & ~forbidden[order]
    fields: dict[str, object] = {
        "objective": Objective(objective), "weight": weight.astype(float),
        "indptr": np.concatenate([[0], np.cumsum(inside.sum(1))]), "site": order[inside],
        "cost": np.take_along_axis(cost, order, 1)[inside], "n_sites": m,
        "required": np.zeros(m, bool), "forbidden": forbidden, "opening_cost": np.zeros(m),
        "budget": np.inf, "kind": np.zeros(m, np.int64), "p": np.array([p]), "p_total": p,
        "p_exact": objective == "p_median", "capacity": None, "split": True,
        "conflicts": np.zeros((0, 2), np.int64), "closable": np.zeros(m, bool),
        "max_closures": -1, "row_town": np.full(n, -1), "site_town": np.full(m, -1),
        "n_towns": 0, "one_per_town": False, "min_town_share": np.zeros(0),
        "worst_first": False, "backup_weight": 0.5, "cover_all": False,
        "demand": np.zeros(0), "town_demand": np.zeros(0),
    }  # fmt: skip
    return Instance(**(fields | other))  # type: ignore[arg-type]


def worth(one: Instance, sites: tuple[int, ...]) -> float:
    """Value of these open sites, straight from what the objectives say; NaN if not allowed."""
    total = 0.0
    for i, weight in enumerate(one.weight):
        pairs = range(one.indptr[i], one.indptr[i + 1])
        costs = [one.cost[k] for k in pairs if one.site[k] in sites]
        if one.objective == Objective.P_MEDIAN:
            total += weight * min(costs) if costs else np.nan
        elif one.objective == Objective.MAX_COVERAGE:
            total += weight * bool(costs)
        else:
            b = one.backup_weight
            total += weight * ((1 - b) * (len(costs) >= 1) + b * (len(costs) >= 2))
    return total


def best(one: Instance) -> float:
    """Best value of any choice; NaN where none is allowed."""
    free = np.flatnonzero(~one.required & ~one.forbidden)
    kept = tuple(np.flatnonzero(one.required))
    size = min(one.p_total - len(kept), len(free))
    values = [worth(one, kept + more) for more in combinations(free.tolist(), size)]
    values = [value for value in values if not np.isnan(value)]
    if not values:
        return float("nan")
    return max(values) if one.objective in HIGHER else min(values)


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    n, m = draw(st.integers(1, 12)), draw(st.integers(1, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    objective = draw(st.sampled_from(["max_coverage", "backup_coverage", "p_median"]))
    cost = rng.integers(0, 9, (n, m)).astype(float)
    cost[rng.random((n, m)) < draw(st.sampled_from([0.0, 0.3, 0.7]))] = np.inf
    whole = draw(st.booleans())
    weight = rng.integers(1, 9, n) if whole else rng.random(n) + 0.01
    state = rng.choice(3, m, p=[0.7, 0.15, 0.15])
    p = draw(st.integers(max(1, int((state == 1).sum())), m))
    p = min(p, int((state != 2).sum())) if objective == "p_median" else p
    return instance(
        objective, cost, weight, p, required=state == 1, forbidden=state == 2,
        backup_weight=draw(st.sampled_from([0.0, 0.3, 0.5, 0.8, 1.0])),
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(instances(), st.integers(0, 99))
def test_value_and_bound_enclose_the_best_of_all_choices(one: Instance, seed: int) -> None:
    found = search(one, watch=Stopwatch(20.0), rng=np.random.default_rng(seed))
    optimum = best(one)
    sign = 1.0 if one.objective in HIGHER else -1.0
    if np.isnan(optimum):
        assert np.isnan(found.objective)
        assert not len(found.open)
        return
    assert sign * (found.bound - optimum) >= -1e-9 * max(1.0, abs(optimum))
    if not np.isnan(found.objective):
        assert sign * (optimum - found.objective) >= -1e-9 * max(1.0, abs(optimum))
        assert found.objective == pytest.approx(worth(one, tuple(found.open)), rel=1e-12, abs=1e-12)
        assert set(np.flatnonzero(one.required)) <= set(found.open.tolist())
        assert not one.forbidden[found.open].any()
        assert len(set(found.open.tolist())) == len(found.open) <= one.p_total


@settings(max_examples=150, deadline=None)
@given(instances(), st.integers(0, 3))
def test_every_better_choice_keeps_what_is_settled(one: Instance, steps: int) -> None:
    found = search(
        one, watch=Stopwatch(20.0), rng=np.random.default_rng(1), on_progress=Ends(after=steps)
    )
    sign = 1.0 if one.objective in HIGHER else -1.0
    kept = set(np.flatnonzero(one.required).tolist())
    free = set(np.flatnonzero(~one.required & ~one.forbidden).tolist())
    for more in combinations(free, min(one.p_total - len(kept), len(free))):
        choice = kept | set(more)
        if sign * (worth(one, tuple(choice)) - found.objective) > 1e-8 * abs(found.objective):
            assert set(found.sure.tolist()) <= choice
            assert not set(found.shut.tolist()) & choice


class Ends:
    """Ends a search when it was told so often."""

    def __init__(self, *, after: int) -> None:
        self.left = after

    def __call__(self, seconds: float, value: float, bound: float) -> bool:
        self.left -= 1
        return self.left >= 0


def test_sites_are_settled() -> None:
    one = town("max_coverage")
    found = search(one, watch=Stopwatch(60.0), rng=np.random.default_rng(3))
    assert len(found.shut) > 20
    less = narrow(one, found.sure, found.shut)
    assert less.forbidden.sum() == len(found.shut)
    assert less.required.sum() == len(found.sure)
    assert not set(less.site.tolist()) & set(found.shut.tolist())
    again = search(less, watch=Stopwatch(60.0), rng=np.random.default_rng(3))
    assert again.objective <= found.objective


def town(objective: str, *, n: int = 400, m: int = 60, p: int = 8, seed: int = 1) -> Instance:
    rng = np.random.default_rng(seed)
    xy, sites = rng.random((n, 2)), rng.random((m, 2))
    cost = np.hypot(*(xy[:, None] - sites[None]).transpose(2, 0, 1))
    if objective != "p_median":
        cost[cost > 0.15] = np.inf
    return instance(objective, cost, rng.integers(1, 100, n), p)


@pytest.mark.parametrize("objective", ["max_coverage", "backup_coverage", "p_median"])
def test_one_seed_gives_one_answer(objective: str) -> None:
    one = town(objective)
    first, second = (
        search(one, watch=Stopwatch(60.0), rng=np.random.default_rng(3)) for _ in range(2)
    )
    assert first.open.tolist() == second.open.tolist()
    assert (first.objective, first.bound) == (second.objective, second.bound)


@pytest.mark.parametrize("objective", ["max_coverage", "backup_coverage", "p_median"])
def test_progress_only_gets_better_and_can_end_the_search(objective: str) -> None:
    one, told = town(objective), []

    def tell(seconds: float, value: float, bound: float) -> bool:
        told.append((seconds, value, bound))
        return len(told) < 3

    found = search(one, watch=Stopwatch(60.0), rng=np.random.default_rng(3), on_progress=tell)
    assert 1 <= len(told) <= 3
    sign = 1.0 if one.objective in HIGHER else -1.0
    values, bounds = sign * np.array(told)[:, 1], sign * np.array(told)[:, 2]
    assert (np.diff(values) >= 0).all()
    assert (np.diff(bounds) <= 1e-9).all()
    assert (found.objective, found.bound) == told[-1][1:]


def test_a_limit_that_has_passed_still_gives_a_choice_and_a_bound() -> None:
    found = search(town("p_median"), watch=Stopwatch(1e-9), rng=np.random.default_rng(3))
    assert len(found.open) == 8
    assert 0 < found.bound <= found.objective


def test_what_the_search_does_not_know_is_refused() -> None:
    one = town("max_coverage")
    rng, watch = np.random.default_rng(1), Stopwatch(1.0)
    with pytest.raises(ValueError, match="only sites of one kind"):
        search(replace(one, budget=3.0), watch=watch, rng=rng)
    with pytest.raises(ValueError, match="only sites of one kind"):
        search(replace(one, cover_all=True), watch=watch, rng=rng)
    with pytest.raises(ValueError, match="does not know p_center"):
        search(replace(one, objective=Objective.P_CENTER), watch=watch, rng=rng)
