"""Wrong questions of sites: faults named, all at once; what cannot be met is said, not raised."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from geo.errors import FaultsError, UnitError
from geo.siting import Cause, SitingProblem, prepare, solve

INF = float("inf")
SITES = ["s0", "s1", "s2"]
POINTS = ["a0", "a1", "a2"]
COSTS = pd.DataFrame([[1.0, 5.0, INF], [6.0, 2.0, 4.0], [INF, 7.0, 3.0]], POINTS, SITES)
DEMAND = pd.Series([3.0, 4.0, 5.0], POINTS)
GOOD = SitingProblem("max_coverage", COSTS, DEMAND, p=2, radius=3)
PAIRS = pd.DataFrame(
    {"area_code": ["a0", "a1", "a2"], "site_id": SITES, "cost_min": [1.0, 2.0, 3.0]}
)
GROUPS = pd.DataFrame({"adult": [1.0, 2.0, 3.0], "pupil": [1.0, 0.0, 2.0]}, POINTS)
KINDS = {"s0": "room", "s1": "room", "s2": "school"}


def changed(frame: pd.DataFrame, row: str, column: str, value: object) -> pd.DataFrame:
    other = frame.copy()
    other.loc[row, column] = value
    return other


def faults(**options: Any) -> str:
    with pytest.raises(FaultsError) as caught:
        prepare(replace(GOOD, **options))
    return str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"objective": "most"}, "objective: 'most'; wanted max_coverage, set_cover"),
        ({"costs": changed(COSTS, "a1", "s2", -1.0)}, "such as -1.0 from 'a1' to 's2'"),
        ({"costs": changed(COSTS, "a1", "s2", np.nan)}, "such as nan from 'a1' to 's2'"),
        ({"costs": COSTS.astype(object).replace(5.0, "far")}, "values that are no numbers"),
        ({"costs": COSTS.drop(index="a2")}, "point(s) of demand that costs lacks, such as 'a2'"),
        ({"demand": DEMAND.drop("a2")}, "demand point(s) that demand lacks, such as 'a2'"),
        ({"costs": COSTS.set_axis(["a0", "a0", "a2"])}, "1 doubled code(s), such as 'a0'"),
        ({"costs": COSTS.set_axis(["s0", "s0", "s2"], axis=1)}, "1 doubled code(s), such as 's0'"),
        ({"costs": COSTS.set_axis([1, 2, 3], axis=1)}, "no text, such as 1"),
        ({"costs": PAIRS.drop(columns="cost_min")}, "wanted area_code, site_id and one of cost"),
        ({"costs": pd.concat([PAIRS, PAIRS.head(1)])}, "1 doubled pair(s), such as 'a0' to 's0'"),
        ({"costs": PAIRS.assign(cost_min=[1.0, -2.0, 3.0])}, "-2.0 from 'a1' to 's1'"),
        ({"costs": PAIRS.assign(cost_min=[1.0, np.nan, 3.0])}, "nan from 'a1' to 's1'"),
        ({"costs": PAIRS.assign(area_code=["a0", "zz", "a2"])}, "demand lacks, such as 'zz'"),
        ({"costs": PAIRS.assign(site_id=["s0", None, "s2"])}, "1 missing code(s)"),
        ({"demand": DEMAND * 0}, "no demand anywhere"),
        ({"demand": DEMAND.head(0), "costs": COSTS.head(0)}, "no demand points"),
        ({"demand": DEMAND.replace(4.0, -4.0)}, "such as -4.0 at 'a1'"),
        ({"demand": DEMAND.replace(4.0, np.nan)}, "such as nan at 'a1'"),
        ({"demand": changed(GROUPS, "a2", "pupil", np.nan)}, "such as nan at 'a2', 'pupil'"),
        ({"demand": DEMAND.set_axis(["a0", "a0", "a2"])}, "1 doubled code(s), such as 'a0'"),
        ({"p": 0}, "p: 0; wanted a whole number >= 1"),
        ({"p": 1.5}, "p: 1.5; wanted a whole number >= 1"),
        ({"p": True}, "p: True"),
        ({"p": 4}, "p: 4, more than the 3 candidate(s); wanted at most 3"),
        ({"p": 3, "candidates": ["s0", "s1"]}, "p: 3, more than the 2 candidate(s)"),
        ({"radius": None}, "radius: none; wanted a limit of the cost, for max_coverage"),
        ({"radius": -1}, "radius: -1; wanted a number above 0"),
        ({"radius": np.nan}, "radius: nan"),
        ({"candidates": []}, "candidates: no site"),
        ({"candidates": ["s0", "s0"], "p": 1}, "candidates: 1 doubled code(s), such as 's0'"),
        ({"candidates": ["s0", "s1", "xx"]}, "unknown site code(s), such as 'xx'"),
        ({"required": ["xx"]}, "required: 1 unknown site code(s), such as 'xx'"),
        ({"forbidden": ["xx"]}, "forbidden: 1 unknown site code(s), such as 'xx'"),
        ({"closable": ["xx"]}, "closable: 1 unknown site code(s), such as 'xx'"),
        ({"required": ["s0", "s0"]}, "required: 1 doubled code(s), such as 's0'"),
        ({"max_closures": 1}, "max_closures: 1; wanted closable beside it"),
        ({"max_closures": -1, "closable": ["s0"]}, "max_closures: -1; wanted a whole number >= 0"),
        ({"budget": 3.0}, "budget: 3.0; wanted cost beside it"),
        ({"budget": -3.0, "cost": 1.0}, "budget: -3.0; wanted a number >= 0"),
        ({"cost": {"s0": -1.0}}, "cost: -1.0 at 's0'"),
        ({"cost": {"xx": 1.0}}, "cost: 1 unknown code(s), such as 'xx'"),
        ({"cost": -1.0}, "cost: -1.0"),
        ({"capacity": {"s0": np.nan}}, "capacity: nan at 's0'"),
        ({"capacity": 3.0, "objective": "p_center"}, "capacity: given for p_center"),
        ({"min_separation_m": 500.0}, "min_separation_m: 500.0; wanted xy beside it"),
        (
            {"min_separation_m": 500.0, "xy": pd.DataFrame({"x": [0.0], "y": [0.0]}, ["s0"])},
            "xy: 2 site(s) without a place, such as 's1', 's2'",
        ),
        ({"min_separation_m": 0.0}, "min_separation_m: 0.0; wanted a number above 0"),
        ({"one_per_town": True}, "one_per_town: no towns of the demand"),
        ({"one_per_town": True}, "one_per_town: no towns of the sites"),
        ({"worst_first": True}, "worst_first: no towns of the demand"),
        ({"min_town_share": 0.5}, "min_town_share: no towns of the demand"),
        (
            {"min_town_share": {"t9": 0.5}, "town_of_demand": dict.fromkeys(POINTS, "t0")},
            "min_town_share: 1 unknown code(s), such as 't9'",
        ),
        (
            {"min_town_share": 1.5, "town_of_demand": dict.fromkeys(POINTS, "t0")},
            "min_town_share: 1.5; wanted shares 0..1",
        ),
        ({"objective": "set_cover", "worst_first": True}, "worst_first: given for set_cover"),
        ({"cover_all": True}, "cover_all: given for max_coverage; wanted only for backup_coverage"),
        ({"backup_weight": 1.5}, "backup_weight: 1.5; wanted a number >= 0 and <= 1"),
        ({"p": {"room": 1}}, "p: limits by kind ['room']; wanted kind_of_site beside them"),
        ({"p": {"hall": 1}, "kind_of_site": KINDS}, "p: 1 unknown kind(s), such as 'hall'"),
        ({"radius": {"room": 3.0}, "kind_of_site": KINDS}, "without one, such as 'school'"),
        ({"kind_of_site": {"s0": "room"}}, "kind_of_site: 2 site(s) without one"),
        ({"serves": {"room": ["adult"]}, "kind_of_site": KINDS}, "demand with one column a group"),
        (
            {"serves": {"room": ["dogs"]}, "kind_of_site": KINDS, "demand": GROUPS},
            "serves['room']: 1 unknown group(s), such as 'dogs'",
        ),
        (
            {"serves": {"hall": ["adult"]}, "kind_of_site": KINDS, "demand": GROUPS},
            "serves: 1 unknown kind(s), such as 'hall'",
        ),
        ({"serves": {"room": ["adult"]}, "demand": GROUPS}, "serves: given; wanted kind_of_site"),
        ({"group_weight": {"dogs": 2.0}, "demand": GROUPS}, "group_weight: 1 unknown code(s)"),
        ({"group_weight": {"adult": -1.0}, "demand": GROUPS}, "group_weight: -1.0 at 'adult'"),
        (
            {"group_weight": {"adult": 0.0, "pupil": 0.0}, "demand": GROUPS},
            "group_weight: no group with demand weighs anything",
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)  # fmt: skip
def test_says_what_is_wrong(options: dict[str, Any], said: str) -> None:
    assert said in faults(**options)


def test_all_faults_are_told_at_once() -> None:
    told = faults(p=9, radius=-1, required=["xx"], budget=1.0, min_separation_m=5.0)
    for part in ("p: 9", "radius: -1", "'xx'", "budget: 1.0", "min_separation_m: 5.0"):
        assert part in told
    told = faults(
        costs=changed(COSTS, "a0", "s0", -1.0).set_axis(["a0", "a1", "a1"]),
        demand=DEMAND * np.nan,
        objective="x",
        p=9,
        candidates=["s0", "s1", "zz"],
        forbidden=["yy"],
    )
    for part in (
        "objective: 'x'", "-1.0 from 'a0' to 's0'", "such as 'a1'", "nan at 'a0'", "p: 9", "'zz'",
        "'yy'", "costs lacks, such as 'a2'",
    ):  # fmt: skip
        assert part in told


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan")])
def test_time_limit_must_be_above_zero(limit: float) -> None:
    with pytest.raises(UnitError, match="time_limit_s"):
        solve(GOOD, time_limit_s=limit)


def test_method_must_be_known() -> None:
    with pytest.raises(ValueError, match="wanted auto, exact or heuristic"):
        solve(GOOD, method="magic")  # type: ignore[arg-type]


# ------------------------------------------------------------------ well formed, but not to be met

TOWNS = {"town_of_demand": dict(zip(POINTS, "tuv", strict=True))}
SITE_TOWNS = {"town_of_site": {"s0": "t", "s1": "u", "s2": "u"}}


@pytest.mark.parametrize(
    ("options", "cause", "said"),
    [
        ({"required": ["s0", "s1"], "forbidden": ["s1"]}, Cause.CONFLICTING_LOCKS, "other: s1."),
        ({"required": ["s2"], "closable": ["s2"]}, Cause.CONFLICTING_LOCKS, "other: s2."),
        (
            {"closable": ["s0", "s1"], "forbidden": ["s0", "s1"], "max_closures": 1},
            Cause.CONFLICTING_LOCKS,
            "s0, s1",
        ),
        ({"required": SITES}, Cause.REQUIRED_EXCEED_P, "s0, s1, s2; at least 3 sites are needed"),
        (
            {"p": 1, "closable": ["s0", "s1"], "max_closures": 0},
            Cause.REQUIRED_EXCEED_P,
            "at least 2 sites are needed",
        ),
        (
            {"required": ["s0", "s1"], "cost": 2.0, "budget": 3.0},
            Cause.REQUIRED_EXCEED_BUDGET,
            "at least 4 is needed",
        ),
        ({"radius": 0.5}, Cause.UNREACHED_DEMAND, "demand: a2, a1, a0. A radius of 1"),
        (
            {"objective": "set_cover", "radius": 2.5},
            Cause.UNREACHED_DEMAND,
            "1 point(s) with demand: a2. A radius of 3 would do.",
        ),
        (
            {"objective": "set_cover", "costs": COSTS.assign(s2=INF, s1=INF), "p": None},
            Cause.UNREACHED_DEMAND,
            "2 point(s) with demand: a2, a1. No radius would do.",
        ),
        ({"objective": "set_cover", "p": 2}, Cause.TOO_FEW_SITES, "at least 3 sites are needed"),
        (
            {"objective": "p_median", "radius": None, "p": 3, "forbidden": ["s1"]},
            Cause.TOO_FEW_SITES,
            "too small",
        ),
        ({"forbidden": SITES}, Cause.TOO_FEW_SITES, "too small"),
        (
            {"objective": "set_cover", "p": None, "cost": 2.0, "budget": 5.0},
            Cause.BUDGET_TOO_SMALL,
            "at least 6 is needed",
        ),
        (
            {"one_per_town": True, **TOWNS, **SITE_TOWNS},
            Cause.TOWN_WITHOUT_SITE,
            "may be open: v.",
        ),
        (
            {"min_town_share": 1.0, "forbidden": ["s2"], **TOWNS},
            Cause.TOWN_SHARE,
            "town(s): v.",
        ),
        (
            {"objective": "set_cover", "p": None, "capacity": 3.0},
            Cause.CAPACITY,
            "capacity of the candidates is too small",
        ),
        (
            {"objective": "p_median", "p": 3, "radius": None, "capacity": 4.5, "split": False},
            Cause.CAPACITY,
            "too small for a2.",
        ),
        (
            {
                "objective": "set_cover", "p": None, "min_separation_m": 10.0,
                "xy": pd.DataFrame({"x": [0.0, 1.0, 50.0], "y": 0.0}, SITES),
            },
            Cause.TOO_CLOSE,
            "too close to each other: s0, s1",
        ),
    ],
)  # fmt: skip
def test_says_why_nothing_does(options: dict[str, Any], cause: Cause, said: str) -> None:
    found = solve(replace(GOOD, **options))
    assert found.infeasible is not None
    assert found.infeasible.cause == cause
    assert said in found.infeasible_because
    assert found.sites == ()
    assert found.assignment.isna().all()
    assert list(found.assignment.index) == POINTS
    assert np.isnan(found.objective)
    assert not found.proven
