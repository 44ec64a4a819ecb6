"""What holds of every answer: more never harms, order never matters, the bound is on its side."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.siting import Cause, SitingProblem, solve
from geo.siting.solve import Method

MAXIMISED = ("max_coverage", "backup_coverage")
OBJECTIVES = ("max_coverage", "set_cover", "backup_coverage", "p_median", "p_center")


def town(seed: int, *, n: int = 60, m: int = 12, whole: bool = True) -> SitingProblem:
    """Points and sites on a plane."""
    rng = np.random.default_rng(seed)
    points, sites = rng.random((n, 2)), rng.random((m, 2))
    costs = pd.DataFrame(
        np.hypot(*(points[:, None] - sites[None]).transpose(2, 0, 1)),
        index=[f"a{i:02d}" for i in range(n)],
        columns=[f"s{j:02d}" for j in range(m)],
    )
    amount = rng.integers(0, 50, n).astype(float) if whole else rng.random(n)
    demand = pd.Series(amount, costs.index)
    return SitingProblem("max_coverage", costs, demand, p=4, radius=0.2)


seeds = st.integers(0, 10_000)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seeds, st.sampled_from(["max_coverage", "backup_coverage"]))
def test_coverage_never_falls_with_sites_or_radius(seed: int, objective: str) -> None:
    problem = replace(town(seed), objective=objective)
    total = float(np.asarray(problem.demand).sum())
    last = 0.0
    for p in (1, 3, 5, 12):
        value = solve(replace(problem, p=p)).objective
        assert last <= value <= total
        last = value
    last = 0.0
    for radius in (0.1, 0.2, 0.4, 2.0):
        value = solve(replace(problem, radius=radius)).objective
        assert last <= value <= total
        last = value
    assert last == total


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seeds, st.sampled_from(["p_median", "p_center"]))
def test_costs_never_rise_with_sites(seed: int, objective: str) -> None:
    problem = replace(town(seed, n=30, m=8), objective=objective, radius=None)
    last = float("inf")
    for p in (1, 2, 5, 8):
        value = solve(replace(problem, p=p)).objective
        assert value <= last * (1 + 1e-12)
        last = value


def shuffled(problem: SitingProblem, seed: int) -> SitingProblem:
    rng = np.random.default_rng(seed)
    costs, demand = problem.costs, problem.demand
    rows, columns = rng.permutation(costs.index), rng.permutation(costs.columns)
    return replace(
        problem, costs=costs.loc[rows, columns], demand=demand.loc[rng.permutation(demand.index)]
    )


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_order_does_not_matter(objective: str) -> None:
    for seed in range(8):
        radius = 0.6 if objective == "set_cover" else 0.2
        limit = None if objective in ("p_median", "p_center") else radius
        problem = replace(town(seed, whole=False), objective=objective, radius=limit)
        one, other = solve(problem), solve(shuffled(problem, seed))
        assert other.objective == one.objective
        assert other.bound == one.bound
        assert set(other.sites) == set(one.sites)
        pd.testing.assert_series_equal(
            other.assignment.sort_index(), one.assignment.sort_index(), check_names=False
        )


def as_pairs(problem: SitingProblem) -> SitingProblem:
    costs = problem.costs.rename_axis("area_code").reset_index()
    pairs = costs.melt(id_vars="area_code", var_name="site_id", value_name="cost_min")
    pairs = pairs[np.isfinite(pairs["cost_min"])].sample(frac=1, random_state=1)
    return replace(problem, costs=pairs)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_pair_table_equals_dense_frame(objective: str) -> None:
    problem = replace(town(3), objective=objective, radius=0.5)
    one, other = solve(problem), solve(as_pairs(problem))
    assert one.objective == other.objective
    assert set(one.sites) == set(other.sites)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    seeds,
    st.sampled_from((*MAXIMISED, "p_median")),
    st.sampled_from(["auto", "exact", "heuristic"]),
)
def test_bound_is_on_its_side(seed: int, objective: str, method: Method) -> None:
    problem = replace(
        town(seed), objective=objective, radius=0.2 if objective in MAXIMISED else None
    )
    best = solve(problem, method="exact").objective
    found = solve(problem, method=method, rng=np.random.default_rng(seed))
    near = 1e-9 * abs(best)
    if objective in MAXIMISED:
        assert found.objective <= best + near
        assert found.bound >= best - near
    else:
        assert found.objective >= best - near
        assert found.bound <= best + near
    assert found.proven == (found.gap == 0.0)
    if found.proven:
        assert found.objective == pytest.approx(best, rel=1e-9)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seeds, st.sampled_from(OBJECTIVES), st.sampled_from(["auto", "heuristic"]))
def test_locks_are_kept(seed: int, objective: str, method: Method) -> None:
    rng = np.random.default_rng(seed)
    problem = replace(town(seed), objective=objective, radius=2.0)
    sites = rng.permutation(problem.costs.columns).tolist()
    locked, shut = sites[:2], sites[2:5]
    found = solve(replace(problem, required=locked, forbidden=shut), method=method)
    assert set(locked) <= set(found.sites)
    assert not set(shut) & set(found.sites)


def test_assignment_is_the_nearest_open_site_in_reach() -> None:
    problem = town(5)
    found = solve(problem)
    costs = problem.costs[sorted(found.sites)]
    expected = costs.idxmin(axis=1).where(costs.min(axis=1) <= 0.2)
    assert found.assignment.index.equals(problem.demand.index)
    assert found.assignment.isna().equals(expected.isna())
    there = expected.notna()
    assert (found.assignment[there] == expected[there]).all()


# ------------------------------------------------------------------ time


def hard(objective: str, **options: Any) -> SitingProblem:
    """Nothing that a hundredth of a second suffices for."""
    rng = np.random.default_rng(7)
    costs = pd.DataFrame(
        rng.random((400, 80)),
        index=[f"a{i:03d}" for i in range(400)],
        columns=[f"s{j:02d}" for j in range(80)],
    )
    demand = pd.Series(rng.random(400), costs.index)
    return SitingProblem(objective, costs, demand, **options)


@pytest.mark.parametrize("method", ["auto", "exact", "heuristic"])
@pytest.mark.parametrize(
    ("objective", "options"),
    [
        ("max_coverage", {"radius": 0.1, "p": 12}),
        ("set_cover", {"radius": 0.2}),
        ("backup_coverage", {"radius": 0.1, "p": 12, "backup_weight": 0.8}),
        ("p_median", {"p": 12}),
        ("p_center", {"p": 12}),
        ("max_coverage", {"radius": 0.1, "p": 12, "capacity": 5.0}),
        ("p_median", {"p": 12, "capacity": 30.0, "split": False}),
    ],
)
def test_a_tiny_limit_ends(objective: str, options: dict[str, Any], method: Method) -> None:
    found = solve(hard(objective, **options), method=method, time_limit_s=0.01)
    # What is not proven in the time is not said to be; what was found has its bound.
    if found.infeasible is not None:
        assert found.infeasible.cause == Cause.TIME
        assert found.sites == ()
    else:
        assert np.isfinite(found.objective)
    assert np.isfinite(found.bound)


@pytest.mark.parametrize("raises", [False, True])
def test_calling_off_gives_the_best_so_far(raises: bool) -> None:
    calls: list[tuple[float, float, float]] = []

    def enough(seconds: float, objective: float, bound: float) -> bool:
        calls.append((seconds, objective, bound))
        if raises and len(calls) > 1:
            raise RuntimeError("enough")
        return len(calls) < 2

    problem = hard("max_coverage", radius=0.1, p=12)
    found = solve(problem, method="exact", on_progress=enough)
    assert len(calls) >= 2
    assert not found.proven
    assert np.isfinite(found.bound)
    assert found.infeasible is not None or found.bound >= found.objective


def test_progress_is_told_to_the_end() -> None:
    calls: list[tuple[float, float, float]] = []
    found = solve(town(1), on_progress=lambda *told: calls.append(told))
    assert calls[-1][1:] == (found.objective, found.bound)
    assert [seconds for seconds, *_ in calls] == sorted(seconds for seconds, *_ in calls)
