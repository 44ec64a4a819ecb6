"""Every objective with every rule and their combinations, against trying every choice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.siting import Cause, Infeasibility, SitingProblem, prepare, solve
from geo.siting._progress import Progress
from geo.siting._start import greedy_start
from geo.siting.stopwatch import Stopwatch
from tests.reference.siting import Case, best_value

OBJECTIVES = ("max_coverage", "set_cover", "backup_coverage", "p_median", "p_center")
WITH_CAPACITY = ("max_coverage", "set_cover", "p_median")
WITH_SHARES = ("max_coverage", "backup_coverage")
TOWNS = ("t0", "t1", "t2")
# What an infeasible problem is never said to be: that would be a guess.
UNSURE = (Cause.TIME,)
NOBODY = (Cause.UNREACHED_DEMAND, Cause.TOO_FEW_SITES)


def _base(draw: Any, objective: str, n: int, m: int, groups: tuple[str, ...]) -> dict[str, Any]:
    points, sites = [f"a{i}" for i in range(n)], [f"s{j}" for j in range(m)]
    # One way in ten is none.
    way = st.integers(0, 10).map(lambda c: float(c) if c < 10 else float("inf"))
    costs = draw(st.lists(st.lists(way, min_size=m, max_size=m), min_size=n, max_size=n))
    amount = st.one_of(st.integers(0, 5).map(float), st.just(0.1))
    size = max(1, len(groups))
    values = draw(st.lists(st.lists(amount, min_size=size, max_size=size), min_size=n, max_size=n))
    values[0][0] = 3.0
    demand = (
        pd.DataFrame(values, index=points, columns=list(groups))
        if groups
        else pd.Series([row[0] for row in values], index=points)
    )
    asked: dict[str, Any] = {
        "objective": objective,
        "costs": pd.DataFrame(costs, index=points, columns=sites),
        "demand": demand,
    }
    if objective in ("max_coverage", "set_cover", "backup_coverage") or draw(st.booleans()):
        asked["radius"] = float(draw(st.integers(3, 9)))
    if objective != "set_cover" or draw(st.booleans()):
        asked["p"] = draw(st.integers(1, m))
    return asked


def _rules(draw: Any, asked: dict[str, Any], names: set[str]) -> None:  # noqa: C901, PLR0912
    if len(names) > 2:
        names = {name for name in sorted(names) if draw(st.booleans())} | (names & {"capacity"})
    points, sites = list(asked["costs"].index), list(asked["costs"].columns)
    some = st.lists(st.sampled_from(sites), max_size=2, unique=True)
    if "required" in names:
        asked["required"] = draw(some)
    if "forbidden" in names:
        both = draw(st.integers(0, 9)) == 0
        asked["forbidden"] = [s for s in draw(some) if both or s not in asked.get("required", [])]
    if "closable" in names:
        taken = asked.get("required", [])
        asked["closable"] = [s for s in draw(some) if s not in taken]
        if asked["closable"]:
            asked["max_closures"] = draw(st.integers(0, 2))
    if "cost" in names:
        asked["cost"] = {s: draw(st.sampled_from([0.0, 0.1, 0.2, 1.0, 2.0])) for s in sites}
        asked["budget"] = draw(st.sampled_from([0.3, 2.5, 4.0, 6.0]))
    if "separation" in names:
        at = st.integers(0, 4).map(float)
        asked["xy"] = pd.DataFrame(
            [[draw(at), draw(at)] for _ in sites], index=sites, columns=["x", "y"]
        )
        asked["min_separation_m"] = draw(st.sampled_from([1.0, 1.5, 3.0]))
    if "towns" in names:
        asked["town_of_demand"] = {p: draw(st.sampled_from(TOWNS)) for p in points}
        asked["town_of_site"] = {s: draw(st.sampled_from(TOWNS)) for s in sites}
        asked["one_per_town"] = draw(st.booleans())
        if asked["objective"] in WITH_SHARES:
            asked["worst_first"] = draw(st.booleans())
            if draw(st.booleans()):
                asked["min_town_share"] = draw(st.sampled_from([0.25, 0.5, 1.0]))
    if "capacity" in names:
        asked["capacity"] = {s: draw(st.sampled_from([0.0, 2.0, 5.5, 9.0])) for s in sites}
        asked["split"] = draw(st.booleans())
    if "kinds" in names:
        kinds = {s: draw(st.sampled_from(["room", "school"])) for s in sites}
        asked["kind_of_site"] = kinds
        there = sorted(set(kinds.values()))
        if "radius" in asked and draw(st.booleans()):
            asked["radius"] = {k: float(draw(st.integers(2, 9))) for k in there}
        if draw(st.booleans()):
            n_of = {k: list(kinds.values()).count(k) for k in there}
            asked["p"] = {k: draw(st.integers(0, n_of[k])) for k in there}
        if isinstance(asked["demand"], pd.DataFrame):
            served = {
                "room": ["adult"],
                "school": draw(st.sampled_from([["pupil"], ["adult", "pupil"]])),
            }
            asked["serves"] = {k: served[k] for k in there}


@st.composite
def problems(draw: Any, objective: str, *names: str) -> SitingProblem:
    small = "capacity" in names
    n = draw(st.integers(1, 3 if small else 6))
    m = draw(st.integers(2, 4 if small else 6))
    groups = ("adult", "pupil") if draw(st.booleans()) and not small else ()
    asked = _base(draw, objective, n, m, groups)
    _rules(draw, asked, set(names))
    if groups and draw(st.booleans()):
        asked["group_weight"] = {"pupil": draw(st.sampled_from([0.5, 2.0]))}
    if objective == "backup_coverage":
        asked["backup_weight"] = draw(st.sampled_from([0.0, 0.3, 0.5, 0.8, 1.0]))
        asked["cover_all"] = draw(st.booleans())
    return SitingProblem(**asked)


def check_remedy(problem: SitingProblem, why: Infeasibility) -> None:
    """What is said to do does, and less does not."""
    if why.p_needed >= 0 and not isinstance(problem.p, dict):
        loose = {"objective": "set_cover"} if problem.objective in ("p_median", "p_center") else {}
        enough = why.p_needed
        few = replace(problem, p=enough, **loose) if problem.radius else None
        if why.cause == Cause.TOO_FEW_SITES and few is not None:
            assert best_value(few) is not None
            assert best_value(replace(few, p=enough - 1)) is None
    if not np.isnan(why.budget_needed) and why.cause == Cause.BUDGET_TOO_SMALL:
        assert best_value(replace(problem, budget=why.budget_needed)) is not None
        assert best_value(replace(problem, budget=why.budget_needed - 0.01)) is None


def check_start(problem: SitingProblem, case: Case, best: float) -> None:
    """What a search begins from keeps every rule and is no better than the best."""
    start = greedy_start(prepare(problem), Progress(Stopwatch(60), None, maximise=True))
    if start is None:
        return
    chosen = tuple(site for site, opened in zip(sorted(case.sites), start, strict=True) if opened)
    assert case.may(chosen)
    value = case.value(chosen)
    assert value is not None
    sign = 1.0 if problem.objective in WITH_SHARES else -1.0
    assert problem.worst_first or sign * value <= sign * best + 1e-9


def compare(problem: SitingProblem) -> None:
    expected = best_value(problem)
    found = solve(problem)
    if expected is None:
        assert found.sites == ()
        assert np.isnan(found.objective)
        assert not found.proven
        assert found.infeasible is not None
        assert found.infeasible.cause not in UNSURE
        assert found.infeasible_because
        check_remedy(problem, found.infeasible)
        return
    if found.infeasible is not None and found.infeasible.cause in NOBODY:
        # That no candidate serves anybody is said, and not called an optimum of 0.
        assert expected == 0.0
        assert problem.objective in WITH_SHARES
        return
    assert found.infeasible is None, found.infeasible_because
    assert found.objective == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert found.proven
    assert found.bound == found.objective
    case = Case(problem)
    assert case.may(found.sites)
    if problem.capacity is None:
        check_start(problem, case, expected)
    own = (
        case.value(found.sites) if problem.capacity is None else case.capacitated(found.sites, 0.0)
    )
    assert own is not None
    if not problem.worst_first:
        assert own == pytest.approx(expected, rel=1e-9, abs=1e-9)


def case(objective: str, *names: str, examples: int = 60) -> None:
    @settings(max_examples=examples, deadline=None, derandomize=True)
    @given(problems(objective, *names))
    def run(problem: SitingProblem) -> None:
        compare(problem)

    run()


RULES = ("required", "forbidden", "closable", "cost", "separation", "towns", "kinds")


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_plain(objective: str) -> None:
    case(objective)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_one_rule(objective: str, rule: str) -> None:
    case(objective, rule, examples=30)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_all_rules_together(objective: str) -> None:
    case(objective, *RULES, examples=120)


@pytest.mark.parametrize("objective", WITH_CAPACITY)
def test_capacity(objective: str) -> None:
    case(objective, "capacity", examples=60)


@pytest.mark.parametrize("objective", WITH_CAPACITY)
def test_capacity_with_all_rules(objective: str) -> None:
    case(objective, "capacity", *RULES, examples=80)
