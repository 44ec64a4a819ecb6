"""Access by table: small cases worked out by hand, and what is refused, by code and value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geo.access import (
    exponential,
    floating_catchment,
    floating_catchment_points,
    gaussian,
    gaussian_steps,
    power,
    rational_agents,
    rational_agents_by_cycles,
    three_step_catchment,
)
from geo.coverage import coverage_by_threshold
from geo.errors import ConvergenceError, ShapeError, UnitError

PAIRS = pd.DataFrame(
    {
        "area_code": ["a", "b", "b", "c"],
        "site_id": ["s", "s", "t", "t"],
        "cost": [5.0, 9.0, 10.0, 30.0],
    }
)
PERSONS = pd.Series({"a": 100.0, "b": 300.0, "c": 50.0, "d": 10.0})
STAFF = pd.Series({"s": 2.0, "t": 3.0})
METHODS = [floating_catchment, three_step_catchment]


def test_three_steps_share_people_out_before_they_are_counted() -> None:
    two = floating_catchment(PAIRS, PERSONS, STAFF, catchment=30, decay={30: 1.0})
    three = three_step_catchment(PAIRS, PERSONS, STAFF, catchment=30, decay={30: 1.0})
    # b asks s and t for half of its people each: s serves 100 + 150, t 150 + 50.
    assert three.tolist() == pytest.approx(
        [2 / 250, 0.5 * 2 / 250 + 0.5 * 3 / 200, 3 / 200, 0.0], rel=1e-12
    )
    assert two.tolist() == pytest.approx([2 / 400, 2 / 400 + 3 / 350, 3 / 350, 0.0], rel=1e-12)


def test_an_area_at_the_edge_of_the_gaussian_has_none() -> None:
    far = three_step_catchment(PAIRS, PERSONS, STAFF, catchment=30, decay=gaussian(30.0))
    assert far["c"] == 0.0
    assert far["b"] > 0


@pytest.mark.parametrize("method", METHODS)
def test_categories_are_codes_too(method: object) -> None:
    texts = method(PAIRS, PERSONS, STAFF, catchment=30, decay={30: 1.0})
    pairs = PAIRS.astype({"area_code": "category", "site_id": "category"})
    pd.testing.assert_series_equal(method(pairs, PERSONS, STAFF, catchment=30, decay={30: 1.0}),
                                   texts)  # fmt: skip
    stranger = PAIRS.assign(area_code=pd.Categorical(["a", "b", None, "c"]))
    with pytest.raises(Exception, match="has no demand"):
        method(stranger, PERSONS, STAFF, catchment=30, decay={30: 1.0})


@pytest.mark.parametrize("method", [*METHODS, rational_agents, rational_agents_by_cycles])
def test_faults_name_the_code_and_the_value(method: object) -> None:
    options = {"catchment": 15} if method in METHODS else {}
    wrong = PERSONS.copy()
    wrong["b"] = -4.0
    with pytest.raises(UnitError, match=r"demand: 'b' has -4, negative"):
        method(PAIRS, wrong, STAFF, **options)
    with pytest.raises(UnitError, match=r"supply: 't' has -1, negative"):
        method(PAIRS, PERSONS, pd.Series({"s": 2.0, "t": -1.0}), **options)
    with pytest.raises(UnitError, match=r"supply: 't' has NaN .*nobody knows how much"):
        method(PAIRS, PERSONS, pd.Series({"s": 2.0, "t": np.nan}), **options)
    with pytest.raises(UnitError, match=r"costs.cost: -9.0 from 'b' to 's'"):
        method(PAIRS.assign(cost=[5.0, -9.0, 10.0, 30.0]), PERSONS, STAFF, **options)
    with pytest.raises(UnitError, match=r"costs.cost: inf from 'c' to 't'"):
        method(PAIRS.assign(cost=[5.0, 9.0, 10.0, np.inf]), PERSONS, STAFF, **options)
    with pytest.raises(ShapeError, match=r"'b' and 's' comes twice"):
        method(PAIRS.assign(site_id=["s", "s", "s", "t"]), PERSONS, STAFF, **options)


@pytest.mark.parametrize("decay", [{5.0: 0.2, 15.0: 1.0}, lambda cost: cost / 30.0])
def test_a_decay_that_rises_is_refused(decay: object) -> None:
    for method in METHODS:
        with pytest.raises(UnitError, match="decay: rises from"):
            method(PAIRS, PERSONS, STAFF, catchment=30, decay=decay)
    with pytest.raises(UnitError, match="decay: rises from"):
        floating_catchment_points([(0, 0), (9, 0)], [5.0, 5.0], [(1, 1)], [1.0], catchment_m=20,
                                  decay=decay)  # fmt: skip


def test_decays_refuse_what_makes_no_curve() -> None:
    for bounds in ([], [10, 10], [20, 10], [0, 10], [10, np.nan]):
        with pytest.raises(UnitError, match="bounds"):
            gaussian_steps(bounds)
    with pytest.raises(UnitError, match="least"):
        power(1.0, least=0.0)
    with pytest.raises(UnitError, match="exponent"):
        power(-1.0, least=1.0)
    with pytest.raises(UnitError, match="scale"):
        exponential(0.0)
    with pytest.raises(UnitError, match="catchment"):
        gaussian(np.inf)


def test_a_site_without_staff_serves_nobody_and_takes_nobody_in() -> None:
    staff = pd.Series({"s": 2.0, "t": 0.0})
    assert floating_catchment(PAIRS, PERSONS, staff, catchment=30).tolist() == [
        2 / 400, 2 / 400, 0.0, 0.0]  # fmt: skip
    found = rational_agents(PAIRS, PERSONS, staff)
    assert found.load.tolist() == pytest.approx([400.0, 0.0])
    # c reaches nothing but the site without staff, d nothing at all: no cost, not a low one.
    assert found.cost.isna().tolist() == [False, False, True, True]
    with pytest.raises(UnitError, match="no site has any"):
        rational_agents(PAIRS, PERSONS, staff * 0)


def test_where_nobody_lives_or_nobody_knows() -> None:
    persons = pd.Series({"a": 100.0, "b": np.nan, "c": 0.0, "d": 10.0})
    found = rational_agents(PAIRS, persons, STAFF, tau=60, rho=10.0)
    assert found.load.tolist() == pytest.approx([100.0, 0.0])
    # A resident of c would pay the way alone: the site is empty.
    np.testing.assert_allclose(found.cost, [5 / 60 + 100 / 20, np.nan, 30 / 60, np.nan])
    nobody = rational_agents(PAIRS, PERSONS * 0, STAFF)
    assert nobody.gap == 0
    assert nobody.load.tolist() == [0.0, 0.0]
    cycles = rational_agents_by_cycles(PAIRS, persons, STAFF)
    assert cycles.cost.isna().tolist() == [False, True, True, True]


def test_an_end_before_the_equilibrium_is_an_error() -> None:
    rng = np.random.default_rng(5)
    area, site = np.divmod(np.arange(60 * 8), 8)
    costs = pd.DataFrame({"area_code": area.astype(str), "site_id": site.astype(str),
                          "cost": rng.uniform(0, 60, 480)})  # fmt: skip
    demand = pd.Series(rng.uniform(1, 90, 60), index=[str(i) for i in range(60)])
    supply = pd.Series(rng.uniform(1, 9, 8), index=[str(j) for j in range(8)])
    with pytest.raises(ConvergenceError, match=r"after 1 cycles they could still save .*1e-15"):
        rational_agents(costs, demand, supply, tolerance=1e-15, max_cycles=1)
    assert rational_agents(costs, demand, supply).gap <= 1e-4


def test_agents_refuse_options() -> None:
    for option in ("tau", "rho", "tolerance"):
        with pytest.raises(UnitError, match=option):
            rational_agents(PAIRS, PERSONS, STAFF, **{option: 0.0})
    with pytest.raises(UnitError, match="half_life"):
        rational_agents_by_cycles(PAIRS, PERSONS, STAFF, half_life=0.0)
    with pytest.raises(UnitError, match=r"'b' has 1.5; wanted whole persons"):
        rational_agents_by_cycles(PAIRS, PERSONS.where(PERSONS.index != "b", 1.5), STAFF)


@pytest.mark.parametrize("thresholds", [[], [15, 5], [15, 15], [0, 15], [15, np.nan]])
def test_thresholds_out_of_order_are_refused(thresholds: list[float]) -> None:
    with pytest.raises(UnitError, match=r"thresholds_min: .*rising"):
        coverage_by_threshold([4.0], [1.0], [0], thresholds_min=thresholds, n_parents=1)
