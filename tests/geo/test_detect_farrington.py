"""Farrington on bad, short and strange input, and its refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from geo.detect import farrington, farrington_flexible
from geo.errors import ShapeError, UnitError
from geo.model import Missing

WEEKS = 320
LAST = WEEKS - 1


def busy(n_series: int = 3) -> np.ndarray:
    rng = np.random.default_rng(5)
    season = 6 + 2 * np.sin(2 * np.pi * np.arange(WEEKS) / 52)[:, None]
    return rng.poisson(season, (WEEKS, n_series)).astype(float)


METHODS = ("delta", "nbPlugin", "muan")


@pytest.mark.parametrize("method", METHODS)
def test_zeros_expect_zero_and_need_enough_cases_for_an_alarm(method: str) -> None:
    counts = np.zeros((WEEKS, 2))
    counts[LAST, 1] = 1
    found = farrington_flexible(counts, at=[LAST], limit54=(0, 1), threshold_method=method)
    quiet, single = found.expected[0]
    assert 0 <= quiet < 1e-6
    assert 0 <= single < 1e-6
    assert not found.alarm[0, 0]
    assert found.alarm[0, 1]
    guarded = farrington_flexible(counts, at=[LAST], threshold_method=method)
    assert not guarded.alarm.any()
    assert (guarded.state == Missing.NOT_APPLICABLE).all()
    assert np.isnan(guarded.upper_bound).all()


def test_a_first_case_after_zeros_is_above_its_bound() -> None:
    counts = np.zeros(WEEKS)
    counts[LAST] = 1
    assert farrington_flexible(counts, at=[LAST], limit54=(0, 1)).alarm.all()


@pytest.mark.parametrize(("spike", "softer"), [(60.0, 1.1), (1e6, 5.0)])
def test_one_giant_spike_is_weighed_down(spike: float, softer: float) -> None:
    counts = busy(1)
    counts[LAST] = 40
    calm = farrington_flexible(counts, at=[LAST])
    counts[LAST - 104] = spike
    plain = farrington_flexible(counts, at=[LAST], reweight=False)
    robust = farrington_flexible(counts, at=[LAST])
    assert calm.alarm.all()
    assert robust.state[0, 0] == plain.state[0, 0] == Missing.OK
    assert robust.expected[0, 0] < plain.expected[0, 0] / softer
    assert calm.upper_bound[0, 0] <= robust.upper_bound[0, 0] < plain.upper_bound[0, 0] / softer
    # An outbreak of ten times the usual hides nothing; a million does.
    assert robust.alarm.all() == (spike < 1e6)
    counts[LAST] = 1e6
    assert farrington_flexible(counts, at=[LAST]).alarm.all()


def test_gaps_stay_out_of_the_baseline() -> None:
    counts = busy(1)
    holes = counts.copy()
    holes[50:60] = np.nan
    zeros = counts.copy()
    zeros[50:60] = 0.0
    whole, gap, zero = (farrington_flexible(x, at=[LAST]) for x in (counts, holes, zeros))
    assert gap.state[0, 0] == Missing.OK
    assert abs(gap.expected - whole.expected)[0, 0] < abs(zero.expected - whole.expected)[0, 0]


def test_an_unknown_week_has_no_answer() -> None:
    counts = busy()
    counts[LAST, 1] = np.nan
    found = farrington_flexible(counts, at=[LAST])
    assert found.state.tolist() == [[Missing.OK, Missing.NO_DATA, Missing.OK]]
    for values in (found.expected, found.upper_bound, found.score, found.pvalue, found.dispersion):
        assert np.isnan(values[0]).tolist() == [False, True, False]
    assert not found.alarm[0, 1]


def test_a_short_or_thin_history_is_a_state_of_one_series() -> None:
    counts = busy()
    counts[:200, 2] = np.nan
    found = farrington_flexible(counts, at=[100, LAST])
    assert found.state[0].tolist() == [Missing.UNRELIABLE, Missing.UNRELIABLE, Missing.NO_DATA]
    assert found.state[1].tolist() == [Missing.OK, Missing.OK, Missing.UNRELIABLE]
    assert np.isnan(found.upper_bound[1, 2])
    assert not found.alarm[1, 2]
    earliest = 52 * 5 + 3
    edge = farrington_flexible(counts, at=[earliest - 1, earliest])
    assert np.isnan(edge.expected[0]).all()
    assert not np.isnan(edge.expected[1, :2]).any()


def test_one_series_keeps_one_axis_and_none_is_no_error() -> None:
    counts = busy(1)
    assert farrington_flexible(counts[:, 0], at=[LAST]).expected.shape == (1,)
    assert farrington_flexible(counts, at=[LAST]).expected.shape == (1, 1)
    assert farrington_flexible(np.empty((WEEKS, 0)), at=[LAST]).expected.shape == (1, 0)
    assert farrington_flexible(counts, at=[]).alarm.shape == (0, 1)
    assert farrington(counts[:, 0], at=[LAST, LAST - 1]).alarm.shape == (2,)


def test_population_scales_the_expectation() -> None:
    counts = busy(2)
    population = np.full(counts.shape, 1000.0)
    same = farrington_flexible(counts, at=[LAST], population=population)
    plain = farrington_flexible(counts, at=[LAST])
    np.testing.assert_allclose(same.expected, plain.expected, rtol=1e-7)
    population[LAST] = 2000.0
    doubled = farrington_flexible(counts, at=[LAST], trend=False, population=population)
    flat = farrington_flexible(counts, at=[LAST], trend=False)
    np.testing.assert_allclose(doubled.expected, 2 * flat.expected, rtol=1e-7)
    population[LAST, 0] = 0.0
    nobody = farrington_flexible(counts, at=[LAST], population=population)
    assert nobody.state.tolist() == [[Missing.NO_DATA, Missing.OK]]


def test_classic_bound_is_zero_where_cases_are_too_few() -> None:
    counts = np.zeros(WEEKS)
    found = farrington(counts, at=[LAST])
    assert found.state[0] == Missing.NOT_APPLICABLE
    assert found.upper_bound[0] == 0.0
    assert not found.alarm[0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"b": 0}, "b: 0 years; wanted 1 or more"),
        ({"w": -1}, "w: -1 weeks; wanted 0 or more"),
        ({"w": 26}, "2 w \\+ 1 at most freq = 52"),
        ({"n_periods": 0}, "n_periods: 0; wanted 1 to freq - 2 w = 46"),
        ({"n_periods": 47}, "n_periods: 47; wanted 1"),
        ({"past_weeks_not_included": -1}, "past_weeks_not_included: -1; wanted 0 or more"),
        ({"past_weeks_not_included": 49}, "below freq - w = 49"),
        ({"alpha": 0.0}, "alpha: 0.0; wanted a probability"),
        ({"alpha": 0.5}, "alpha: 0.5"),
        ({"weights_threshold": 0.0}, "weights_threshold: 0.0; wanted a number above 0"),
        ({"p_threshold_trend": 1.5}, "p_threshold_trend: 1.5; wanted a probability from 0 to 1"),
        ({"limit54": (-1, 4)}, "limit54: \\(-1, 4\\); wanted"),
        ({"limit54": (5, 0)}, "limit54: \\(5, 0\\); wanted"),
        ({"power_transform": "3/4"}, "power_transform: '3/4'; wanted one of 2/3, 1/2, none"),
        ({"threshold_method": "quantile"}, "threshold_method: 'quantile'; wanted one of delta"),
        ({"at": [WEEKS]}, "at: 1 week\\(s\\) that do not exist, first 320; wanted 0 to 319"),
        ({"at": [-1]}, "first -1; wanted 0 to 319"),
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, Any], message: str) -> None:
    options = {"at": [LAST]} | wrong
    with pytest.raises(UnitError, match=message):
        farrington_flexible(busy(), **options)


def test_wrong_arrays_are_refused() -> None:
    counts = busy()
    with pytest.raises(ShapeError, match="at: dtype float64"):
        farrington_flexible(counts, at=[1.5])
    with pytest.raises(ShapeError, match="population: shape \\(3,\\); wanted that of counts"):
        farrington_flexible(counts, at=[LAST], population=[1.0, 2.0, 3.0])
    with pytest.raises(ShapeError, match="counts: 3 dimension"):
        farrington_flexible(counts[None], at=[LAST])
    counts[3, 1] = -2.0
    with pytest.raises(UnitError, match=r"first .*-2.0.* at \(3, 1\)"):
        farrington_flexible(counts, at=[LAST])
    with pytest.raises(UnitError, match=r"first .*-2.0"):
        farrington(counts, at=[LAST])
