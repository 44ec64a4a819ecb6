"""Simulated series and cities: the means, scatter and outbreaks that were asked for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from geo.detect.simulate import (
    BASELINE,
    CURRENT,
    CityScenario,
    noufaily_scenarios,
    simulate_city,
    simulate_series,
)
from geo.errors import ShapeError, UnitError

SIDE = 8
XY = np.argwhere(np.ones((SIDE, SIDE))) * 500.0


def test_the_42_scenarios_are_those_of_the_paper() -> None:
    scenarios = noufaily_scenarios()
    assert len(set(scenarios)) == 42
    assert [s.group for s in scenarios[::6]] == [1, 2, 3, 4, 5, 6, 7]
    assert {(s.beta > 0, s.harmonics) for s in scenarios[6:12]} == {
        (trend, m) for trend in (False, True) for m in (0, 1, 2)
    }
    # Set 3, with trend and two harmonics, week 100, term by term.
    third = next(s for s in scenarios if s.group == 3 and s.beta > 0 and s.harmonics == 2)
    log_mean = 1.5 + 0.003 * 100
    for j in (1, 2):
        log_mean += 0.2 * math.cos(2 * math.pi * j * 100 / 52)
        log_mean += -0.4 * math.sin(2 * math.pi * j * 100 / 52)
    assert third.means()[99] == pytest.approx(math.exp(log_mean))
    assert third.phi == 1.0


@pytest.mark.parametrize("position", [0, 10, 15, 20, 41])
def test_counts_have_the_mean_and_the_scatter_of_the_scenario(position: int) -> None:
    scenario = noufaily_scenarios()[position]
    drawn = simulate_series(scenario, k=4, n_series=3_000, rng=np.random.default_rng(position))
    # Weeks before the first outbreak can be.
    week, mean = drawn.counts[: BASELINE[0] : 40], scenario.means()[: BASELINE[0] : 40]
    error = np.sqrt(scenario.phi * mean / 3_000)
    assert (np.abs(week.mean(axis=1) - mean) < 4.5 * error).all()
    np.testing.assert_allclose((week.var(axis=1) / mean).mean(), scenario.phi, rtol=0.12)


def test_outbreaks_have_the_size_and_the_delay_of_the_paper() -> None:
    scenario = noufaily_scenarios()[36]  # flat, mean 148
    drawn = simulate_series(scenario, k=5, n_series=2_000, rng=np.random.default_rng(3))
    cases = drawn.cases
    assert not cases[: CURRENT[0]].any()
    deviation = math.sqrt(scenario.phi * scenario.means()[0])
    size = cases.sum(axis=0)
    assert size.mean() == pytest.approx(5 * deviation, rel=0.02)
    # Of cases in a whole week after the start, as the lognormal distribution has them.
    first = (cases > 0).argmax(axis=0)
    weeks = np.array([[cases[f + d, i] for d in range(3)] for i, f in enumerate(first)])
    wanted = np.diff(stats.lognorm.cdf([0, 1, 2, 3], 0.5))
    np.testing.assert_allclose(weeks.sum(axis=0) / size.sum(), wanted, atol=0.01)


def test_baselines_hold_past_outbreaks() -> None:
    scenario = noufaily_scenarios()[36]
    drawn = simulate_series(scenario, k=5, n_series=500, rng=np.random.default_rng(4))
    excess = drawn.counts[slice(*BASELINE)].sum(axis=0).mean()
    excess -= scenario.means()[slice(*BASELINE)].sum()
    deviation = math.sqrt(scenario.phi * scenario.means()[0])
    assert excess == pytest.approx(4 * 5.5 * deviation, rel=0.15)


def test_an_outbreak_of_a_city_is_in_a_circle_and_together() -> None:
    scenario = CityScenario(300.0, n_around=6, k=12.0, weeks=4, n_weeks=120)
    sizes = []
    for seed in range(200):
        drawn = simulate_city(
            np.full(SIDE * SIDE, 800.0), XY, scenario, rng=np.random.default_rng(seed)
        )
        week, area = np.nonzero(drawn.cases)
        assert week.min() >= 120 - 26
        assert np.ptp(week) < 4
        assert len(set(area)) <= 6
        assert max(math.dist(XY[a], XY[b]) for a in area for b in area) <= 4 * 500.0
        assert (drawn.counts >= drawn.cases).all()
        sizes.append(drawn.cases.sum())
    # 12 deviations of a week's count of 6 of 64 areas, 300 cases a week, phi 1.5; seasons and
    # rates of areas average out.
    assert np.mean(sizes) == pytest.approx(12 * math.sqrt(1.5 * 300 * 6 / 64), rel=0.1)


def test_areas_without_residents_have_no_cases() -> None:
    persons = np.where(np.arange(SIDE * SIDE) % 3 == 0, 0.0, 500.0)
    drawn = simulate_city(
        persons, XY, CityScenario(200.0, n_around=12), rng=np.random.default_rng(5)
    )
    assert not drawn.counts[:, persons == 0].any()
    assert drawn.cases.any()


def test_the_same_seed_draws_the_same() -> None:
    scenario = noufaily_scenarios()[3]
    one, other = (
        simulate_series(scenario, k=2, n_series=4, rng=np.random.default_rng(6)) for _ in range(2)
    )
    np.testing.assert_array_equal(one.counts, other.counts)
    np.testing.assert_array_equal(one.cases, other.cases)


def test_what_it_refuses() -> None:
    rng = np.random.default_rng(7)
    with pytest.raises(UnitError, match="k: 0; wanted a number above 0"):
        simulate_series(noufaily_scenarios()[0], k=0, n_series=1, rng=rng)
    with pytest.raises(ShapeError, match="n_around: 9; wanted 1 to the 3 areas"):
        simulate_city(np.ones(3), XY[:3], CityScenario(9.0, n_around=9), rng=rng)
    with pytest.raises(UnitError, match="nobody lives there"):
        simulate_city(np.zeros(9), XY[:9], CityScenario(9.0), rng=rng)
    with pytest.raises(UnitError, match="weeks: 30 of 26 current of 342"):
        simulate_city(np.ones(9), XY[:9], CityScenario(9.0, weeks=30), rng=rng)
    with pytest.raises(UnitError, match="wanted k > 0, phi >= 1"):
        simulate_city(np.ones(9), XY[:9], CityScenario(9.0, phi=0.5), rng=rng)
