"""Costs, coverage and access: edges, direction and refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geo.access import floating_catchment, floating_catchment_points
from geo.coverage import coverage_share, covered, nearest_cost
from geo.datum import to_wgs84
from geo.errors import CodeError, GeometryError, ShapeError, UnitError
from geo.travel import nearest_straight_line, reach_m, straight_line_costs

WALK = {"detour": 1.3, "speed_kmh": 4.8}


def test_no_sites_means_no_reach() -> None:
    cost_min, site = nearest_straight_line([(0, 0), (1, 1)], [], **WALK)
    assert np.isnan(cost_min).all()
    assert site.tolist() == [-1, -1]
    pairs = straight_line_costs(
        [(0, 0)], [], area_codes=["a"], site_ids=[], max_cost_min=15, **WALK
    )
    assert list(pairs.columns) == ["area_code", "site_id", "cost_min"]
    assert pairs.empty


def test_unknown_coordinates_reach_nothing_and_are_reached_by_nobody() -> None:
    cost_min, site = nearest_straight_line(
        [(0, 0), (np.nan, 0)], [(np.nan, 1), (300, 400)], detour=1, speed_kmh=6
    )
    assert cost_min[0] == pytest.approx(5.0)
    assert np.isnan(cost_min[1])
    assert site.tolist() == [1, -1]


def test_the_limit_counts_as_within() -> None:
    pairs = straight_line_costs(
        [(0, 0)],
        [(300, 400), (300, 400.001)],
        area_codes=["a"],
        site_ids=["in", "out"],
        detour=1,
        speed_kmh=6,
        max_cost_min=5,
    )
    assert pairs["site_id"].tolist() == ["in"]
    assert reach_m(5, detour=1, speed_kmh=6) == pytest.approx(500)


@pytest.mark.parametrize(
    "wrong",
    [
        {"detour": 0.9},
        {"detour": float("nan")},
        {"speed_kmh": 0},
        {"speed_kmh": -4},
        {"max_cost_min": 0},
    ],
)
def test_travel_refuses_options(wrong: dict[str, float]) -> None:
    options = {**WALK, "max_cost_min": 15.0, **wrong}
    with pytest.raises(UnitError):
        straight_line_costs([(0, 0)], [(1, 1)], area_codes=["a"], site_ids=["s"], **options)


def test_travel_refuses_codes_and_shapes() -> None:
    with pytest.raises(CodeError, match="twice"):
        straight_line_costs(
            [(0, 0), (1, 1)], [], area_codes=["a", "a"], site_ids=[], max_cost_min=1, **WALK
        )
    with pytest.raises(ShapeError, match="1 codes for 2 points"):
        straight_line_costs(
            [(0, 0), (1, 1)], [], area_codes=["a"], site_ids=[], max_cost_min=1, **WALK
        )
    with pytest.raises(ShapeError, match=r"\(n, 2\)"):
        nearest_straight_line([1.0, 2.0, 3.0], [(0, 0)], **WALK)
    with pytest.raises(ShapeError, match="infinite"):
        nearest_straight_line([(np.inf, 0)], [(0, 0)], **WALK)
    with pytest.raises(ShapeError, match="numbers"):
        nearest_straight_line([("x", "y")], [(0, 0)], **WALK)


def test_coverage_leaves_out_who_is_not_known() -> None:
    within = covered([10.0, np.nan, 15.0, 15.01], threshold_min=15)
    persons = np.array([[10.0, 1.0], [30.0, 0.0], [np.nan, 4.0], [5.0, 0.0]])
    found = coverage_share(within, persons, [0, 0, 0, 1], n_parents=3)
    np.testing.assert_array_equal(found.persons, [[40, 5], [5, 0], [0, 0]])
    np.testing.assert_array_equal(found.persons_covered, [[10, 5], [0, 0], [0, 0]])
    np.testing.assert_array_equal(found.share, [[0.25, 1], [0, np.nan], [np.nan, np.nan]])


def test_coverage_refuses() -> None:
    with pytest.raises(UnitError, match="negative"):
        coverage_share([True], [-1.0], [0], n_parents=1)
    with pytest.raises(UnitError, match="outside"):
        coverage_share([np.nan], [1.0], [0], n_parents=1)
    with pytest.raises(ShapeError, match="lengths differ"):
        coverage_share([True, False], [1.0], [0], n_parents=1)
    with pytest.raises(UnitError, match="threshold"):
        covered([1.0], threshold_min=0)
    pairs = pd.DataFrame({"area_code": ["a"], "cost_min": [3.0]})
    with pytest.raises(CodeError, match="'a' is not among"):
        nearest_cost(pairs, areas=pd.Index(["b"]), max_cost_min=9)
    with pytest.raises(UnitError, match="NaN"):
        nearest_cost(pairs.assign(cost_min=np.nan), areas=pd.Index(["a"]), max_cost_min=9)
    with pytest.raises(ShapeError, match="cost_min"):
        nearest_cost(pairs[["area_code"]], areas=pd.Index(["a"]), max_cost_min=9)
    with pytest.raises(CodeError, match="twice"):
        nearest_cost(pairs, areas=pd.Index(["a", "a"]), max_cost_min=9)


PAIRS = pd.DataFrame(
    {
        "area_code": ["a", "b", "b", "c"],
        "site_id": ["s", "s", "t", "t"],
        "cost": [5.0, 9.0, 10.0, 30.0],
    }
)
PERSONS = pd.Series({"a": 100.0, "b": 300.0, "c": 50.0, "d": 10.0})
STAFF = pd.Series({"s": 2.0, "t": 3.0})


def test_more_staff_here_raises_access_here_and_nowhere_else() -> None:
    base = floating_catchment(PAIRS, PERSONS, STAFF, catchment=15)
    more = floating_catchment(PAIRS, PERSONS, pd.Series({"s": 3.0, "t": 3.0}), catchment=15)
    assert more["a"] > base["a"]
    assert more["b"] > base["b"]
    assert more["c"] == base["c"] == 0
    assert base["d"] == 0


def test_a_larger_catchment_shares_the_same_staff_with_more() -> None:
    near = floating_catchment(PAIRS, PERSONS, STAFF, catchment=15)
    far = floating_catchment(PAIRS, PERSONS, STAFF, catchment=30)
    assert far["c"] > near["c"]
    assert far["b"] < near["b"]


def test_distance_decay_favours_the_near() -> None:
    flat = floating_catchment(PAIRS, PERSONS, STAFF, catchment=30)
    steep = floating_catchment(PAIRS, PERSONS, STAFF, catchment=30, decay={10: 1.0, 30: 0.2})
    assert steep["c"] < flat["c"]
    assert steep["b"] > flat["b"]


def test_unknown_demand_gets_no_access_and_loads_no_site() -> None:
    unknown = floating_catchment(PAIRS, PERSONS.where(PERSONS.index != "b"), STAFF, catchment=15)
    assert np.isnan(unknown["b"])
    assert unknown["a"] == pytest.approx(2.0 / 100.0)
    points = floating_catchment_points(
        [(0, 0), (1, 0), (np.nan, 0)],
        [100.0, np.nan, 5.0],
        [(0, 0), (np.nan, 0)],
        [2.0, 9.0],
        catchment_m=50,
    )
    np.testing.assert_allclose(points, [0.02, np.nan, np.nan])


def test_nothing_to_serve_or_nobody_to_be_served() -> None:
    assert floating_catchment(PAIRS.iloc[:0], PERSONS, STAFF, catchment=15).tolist() == [0.0] * 4
    assert floating_catchment_points([(0, 0)], [5.0], [], [], catchment_m=9).tolist() == [0.0]
    assert floating_catchment_points([], [], [(0, 0)], [2.0], catchment_m=9).size == 0
    nobody = floating_catchment_points([(0, 0)], [0.0], [(0, 0)], [2.0], catchment_m=9)
    assert nobody.tolist() == [0.0]


@pytest.mark.parametrize("decay", [{}, {5.0: -1.0}, {-5.0: 1.0}, {float("nan"): 1.0}])
def test_access_refuses_decays(decay: dict[float, float]) -> None:
    with pytest.raises(UnitError, match="decay"):
        floating_catchment(PAIRS, PERSONS, STAFF, catchment=15, decay=decay)
    with pytest.raises(UnitError, match="decay"):
        floating_catchment_points([(0, 0)], [5.0], [(1, 1)], [1.0], catchment_m=9, decay=decay)


def test_access_refuses_input() -> None:
    with pytest.raises(UnitError, match="negative"):
        floating_catchment(PAIRS, -PERSONS, STAFF, catchment=15)
    with pytest.raises(UnitError, match="supply"):
        floating_catchment(PAIRS, PERSONS, STAFF * np.nan, catchment=15)
    with pytest.raises(UnitError, match="catchment"):
        floating_catchment(PAIRS, PERSONS, STAFF, catchment=-1)
    with pytest.raises(UnitError, match="costs"):
        floating_catchment(PAIRS.assign(cost=-1.0), PERSONS, STAFF, catchment=15)
    with pytest.raises(CodeError, match="'c' has no demand"):
        floating_catchment(PAIRS, PERSONS[["a", "b"]], STAFF, catchment=15)
    with pytest.raises(CodeError, match="'t' has no supply"):
        floating_catchment(PAIRS, PERSONS, STAFF[["s"]], catchment=15)
    with pytest.raises(CodeError, match="twice"):
        floating_catchment(PAIRS, pd.concat([PERSONS, PERSONS]), STAFF, catchment=15)
    with pytest.raises(ShapeError, match="twice"):
        floating_catchment(pd.concat([PAIRS, PAIRS]), PERSONS, STAFF, catchment=15)
    with pytest.raises(ShapeError, match="cost_min"):
        floating_catchment(PAIRS, PERSONS, STAFF, catchment=15, cost_column="cost_min")
    with pytest.raises(ShapeError, match="function of an array"):
        floating_catchment(PAIRS, PERSONS, STAFF, catchment=15, decay=lambda _: np.ones(2))
    with pytest.raises(ShapeError, match="lengths differ"):
        floating_catchment_points([(0, 0)], [1.0, 2.0], [(0, 0)], [1.0], catchment_m=9)


def test_datums_refuse() -> None:
    with pytest.raises(GeometryError, match="WGS84, CGCS2000, GCJ02, BD09"):
        to_wgs84([1.0], [1.0], datum="gcj02")
    with pytest.raises(ShapeError, match="one shape"):
        to_wgs84([1.0], [1.0, 2.0], datum="WGS84")
    with pytest.raises(ShapeError, match="numbers"):
        to_wgs84(["x"], ["y"], datum="WGS84")
    lon, lat = to_wgs84([120.0, np.nan, 120.0], [np.nan, 30.0, 30.0], datum="BD09")
    assert np.isnan(lon).tolist() == np.isnan(lat).tolist() == [True, True, False]
    given = np.array([120.0])
    to_wgs84(given, given * 0 + 30, datum="GCJ02")
    assert given[0] == 120.0
