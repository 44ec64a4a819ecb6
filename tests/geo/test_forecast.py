"""Forecasts: what may be forecast, what an outbreak does, how often intervals hold, refusals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from geo.errors import ShapeError, UnitError
from geo.forecast.accuracy import accuracy
from geo.forecast.backtest import METHODS, backtest, default_origins, predict
from geo.forecast.forecast import forecast_counts
from geo.forecast.history import cap_unusual
from geo.forecast.holt_winters import Smoothing, holt, holt_winters, smooth_series
from geo.forecast.intervals import count_intervals, error_intervals, error_spread
from geo.forecast.naive import last_value, recent_mean, seasonal_naive
from geo.forecast.regression import regression
from geo.glm.loglinear import fit_log_linear

ALL = (last_value, recent_mean, seasonal_naive, holt, holt_winters, regression)


def seasonal_mean(weeks: np.ndarray, n_series: int, rng: np.random.Generator) -> np.ndarray:
    wave = 0.5 * np.cos(2 * np.pi * weeks[:, None] * 7 / 365.25)
    return np.asarray(np.exp(rng.uniform(1.5, 4, n_series) + wave))


# ---------------------------------------------------------------- how often intervals hold


@pytest.mark.parametrize("phi", [1.0, 2.5])
@pytest.mark.parametrize("seasonal", [False, True])
def test_intervals_hold_as_often_as_they_say(phi: float, seasonal: bool) -> None:
    """300 series drawn from a known distribution; the 8 weeks after are drawn from it too."""
    rng = np.random.default_rng(int(10 * phi) + seasonal)
    n_weeks, n_series, horizon = 208, 300, 8
    weeks = np.arange(n_weeks + horizon)
    mean = seasonal_mean(weeks, n_series, rng)
    if not seasonal:
        mean = np.broadcast_to(mean.mean(axis=0), mean.shape)
    drawn = rng.poisson(mean if phi == 1 else rng.gamma(mean / (phi - 1), phi - 1)).astype(float)
    found = forecast_counts(drawn[:n_weeks])
    assert set(found.method) == {"regression" if seasonal else "holt"}
    came = drawn[n_weeks:]
    for row, nominal in enumerate((0.80, 0.95)):
        inside = ((came >= found.low[row]) & (came <= found.high[row])).mean()
        # Five binomial standard errors; intervals of whole counts hold a little more than asked.
        error = 5 * np.sqrt(nominal * (1 - nominal) / came.size)
        assert nominal - error < inside < nominal + error + 0.03
        # What the back-test had promised, too.
        told = found.accuracy.inside[row, METHODS.index(found.method[0])]
        assert -0.03 < told - nominal < 0.05
        by_series = np.average(found.inside[row], weights=found.n)
        assert abs(by_series - told) < 0.03


def test_a_season_is_found_by_the_methods_that_know_one() -> None:
    rng = np.random.default_rng(4)
    mean = seasonal_mean(np.arange(208), 20, rng)
    counts = rng.poisson(mean).astype(float)
    found = forecast_counts(counts)
    mae = dict(zip(METHODS, found.accuracy.mae, strict=True))
    assert mae["regression"] < mae["holt_winters"] < mae["mean"]
    assert found.accuracy.mase[METHODS.index("regression")] < 0.9
    ahead = seasonal_mean(np.arange(216), 20, np.random.default_rng(4))[208:]
    assert np.abs(found.expected / ahead - 1).mean() < 0.08


def test_ties_go_to_the_simpler_method() -> None:
    found = forecast_counts(np.full((80, 3), [[5.0, 30.0, 0.0]]))
    assert found.method.tolist() == ["mean"] * 3
    np.testing.assert_array_equal(found.expected, np.full((8, 3), [[5.0, 30.0, 0.0]]))
    np.testing.assert_array_equal(found.low, np.stack([found.expected] * 2))
    np.testing.assert_array_equal(found.high, found.low)


# ---------------------------------------------------------------- too little to go on


def test_too_short_a_history_gets_no_forecast_and_says_so() -> None:
    for n_weeks in (0, 1, 12, 45):
        found = forecast_counts(np.full((n_weeks, 2), 9.0))
        assert np.isnan(found.expected).all()
        assert found.expected.shape == (8, 2)
        assert found.reason.tolist() == ["short", "short"]
        assert found.method.tolist() == ["", ""]
        assert found.accuracy.ranking == ()
    assert forecast_counts(np.full((46, 2), 9.0)).reason.tolist() == ["", ""]
    late = np.full((150, 2), np.nan)
    late[-45:] = 9.0
    assert forecast_counts(late).reason.tolist() == ["short", "short"]
    late[-46:] = 9.0
    assert forecast_counts(late).reason.tolist() == ["", ""]


def test_each_series_without_a_forecast_says_why() -> None:
    counts = np.random.default_rng(1).poisson(20, (120, 5)).astype(float)
    counts[:, 1] = np.nan
    counts[:100, 2] = np.nan
    counts[-8:, 3] = np.nan
    counts[-7:, 4] = np.nan
    found = forecast_counts(counts)
    assert found.reason.tolist() == ["", "short", "short", "silent", ""]
    np.testing.assert_array_equal(np.isnan(found.expected[0]), [False, True, True, True, False])
    np.testing.assert_array_equal(np.isnan(found.mae), np.isnan(found.expected[0]))
    assert (found.n > 0).tolist() == [True, False, False, False, True]


def test_a_series_too_young_for_the_chosen_method_gets_the_next_best() -> None:
    rng = np.random.default_rng(2)
    counts = rng.poisson(seasonal_mean(np.arange(260), 12, rng)).astype(float)
    counts[:200, 5] = np.nan
    found = forecast_counts(counts)
    assert found.method[0] in {"regression", "holt_winters"}
    assert found.reason[5] == ""
    assert np.isfinite(found.expected[:, 5]).all()


def test_all_unknown_is_no_forecast_by_any_method() -> None:
    counts = np.full((130, 2), np.nan)
    for method in ALL:
        found = method(counts, origins=[110, 130])
        values = (
            found.mean if hasattr(found, "mean") and not isinstance(found, np.ndarray) else found
        )
        assert values.shape == (2, 8, 2)
        assert np.isnan(values).all()
    assert forecast_counts(counts).reason.tolist() == ["short", "short"]


# ---------------------------------------------------------------- weeks of an outbreak


def test_an_outbreak_does_not_become_the_expectation() -> None:
    rng = np.random.default_rng(3)
    counts = rng.poisson(20, (150, 8)).astype(float)
    quiet = forecast_counts(counts)
    counts[144:, 2] += 60
    driven = forecast_counts(counts)
    robust = forecast_counts(counts, history=cap_unusual(counts))
    rise = np.array([f.expected[:, 2].mean() - 20 for f in (quiet, driven, robust)])
    assert abs(rise[0]) < 3
    assert rise[2] < 0.5 * rise[1]


def test_what_comes_back_every_year_is_no_outbreak() -> None:
    counts = np.full(160, 10.0)
    for start in (40, 92, 144):
        counts[start : start + 6] = 50.0
    capped = cap_unusual(counts)
    np.testing.assert_array_equal(capped, counts)
    counts[120] = 50.0
    assert cap_unusual(counts)[120] < 20.0
    assert (cap_unusual(counts)[:120] == counts[:120]).all()


def test_capping_looks_back_only_and_never_raises_a_count() -> None:
    rng = np.random.default_rng(8)
    counts = rng.negative_binomial(2, 0.1, (120, 6)).astype(float)
    counts[rng.random(counts.shape) < 0.1] = np.nan
    whole = cap_unusual(counts)
    np.testing.assert_array_equal(whole[:90], cap_unusual(counts[:90]))
    assert (whole <= counts)[~np.isnan(counts)].all()
    np.testing.assert_array_equal(np.isnan(whole), np.isnan(counts))


# ---------------------------------------------------------------- back-test


def test_a_forecast_sees_only_what_was_known_then() -> None:
    counts = np.random.default_rng(6).poisson(15, (160, 3)).astype(float)
    origins = default_origins(160, horizon=8)
    assert origins[-1] == 152
    assert (np.diff(origins) == 4).all()
    whole, _ = predict(counts, origins, horizon=8, methods=METHODS)
    for row in (0, 12, 25):
        alone, _ = predict(
            counts[: origins[row]], origins[row : row + 1], horizon=8, methods=METHODS
        )
        np.testing.assert_allclose(alone[:, 0], whole[:, row], rtol=1e-7)


def test_methods_are_compared_on_the_same_weeks() -> None:
    counts = np.random.default_rng(7).poisson(15, (120, 4)).astype(float)
    test = backtest(counts)
    found = accuracy(test)
    # Two years of history come too late for most origins: the method is not compared.
    assert np.isnan(found.mae[METHODS.index("holt_winters")])
    assert METHODS.index("holt_winters") not in found.ranking
    ranked = sorted(found.ranking)
    common = ~np.isnan(test.scores[ranked]).any(axis=0)
    assert found.n == common.sum() > 0
    for row in ranked:
        wanted = np.abs(test.errors[row][common]).mean()
        np.testing.assert_allclose(found.mae[row], wanted)


def test_scaled_error_of_the_naive_forecast_is_one() -> None:
    rng = np.random.default_rng(9)
    counts = np.cumsum(rng.normal(0, 1, 400)) + 500
    found = accuracy(backtest(counts[:, None][-60:], horizon=1, methods=["naive"]))
    assert 0.6 < found.mase[0] < 1.6


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize("method", ALL)
def test_methods_refuse_what_is_no_history(method: Callable[..., object]) -> None:
    with pytest.raises(UnitError, match=r"1 value\(s\) negative or infinite"):
        method([1.0, -1.0], origins=[2])
    with pytest.raises(UnitError, match="horizon: 0 weeks; wanted 1 or more"):
        method([1.0, 2.0], origins=[2], horizon=0)
    with pytest.raises(UnitError, match=r"origins: \[3\]; wanted rising numbers of"):
        method([1.0, 2.0], origins=[3])
    with pytest.raises(UnitError, match="wanted rising"):
        method([1.0, 2.0], origins=[2, 1])
    with pytest.raises(ShapeError, match="3 dimension"):
        method(np.zeros((2, 2, 2)), origins=[2])


def test_forecasts_refuse_what_does_not_fit() -> None:
    counts = np.ones((60, 2))
    with pytest.raises(UnitError, match="horizon: -1 weeks"):
        forecast_counts(counts, horizon=-1)
    with pytest.raises(UnitError, match="negative or infinite"):
        forecast_counts(-counts)
    with pytest.raises(ShapeError, match=r"history: shape \(59, 2\); wanted that of counts"):
        forecast_counts(counts, history=counts[1:])
    with pytest.raises(UnitError, match="methods: arima; wanted of mean, naive"):
        backtest(counts, methods=["arima"])
    with pytest.raises(UnitError, match="methods: none"):
        backtest(counts, methods=[])
    with pytest.raises(UnitError, match=r"wanted rising numbers of weeks in 0\.\.52"):
        backtest(counts, origins=[58])
    with pytest.raises(UnitError, match=r"alpha: 1\.5; wanted 0 to 1"):
        smooth_series([1.0], Smoothing(alpha=1.5), level=0)
    with pytest.raises(ShapeError, match="wanted one series"):
        smooth_series([1.0], Smoothing(alpha=0.5), level=0, season=[])
    with pytest.raises(ShapeError, match=r"variance: shape \(2,\)"):
        count_intervals([1.0], [1.0, 2.0])
    with pytest.raises(ShapeError, match="actual: shape"):
        error_spread(np.ones((1, 1, 1)), np.ones((2, 1, 1)))
    learned = error_spread(np.ones((1, 2, 1)), np.ones((1, 2, 1)))
    with pytest.raises(ShapeError, match=r"wanted \(..., 2, 1\)"):
        error_intervals(np.ones((3, 1)), learned)


# ---------------------------------------------------------------- the regression by itself


def test_a_fit_that_cannot_be_made_is_unknown_and_says_so() -> None:
    design = np.column_stack([np.ones(6), np.arange(6.0)])
    counts = np.full((6, 4), np.nan)
    counts[:, 0] = [2, 4, 3, 5, 4, 6]
    counts[0, 1] = 4.0
    counts[:, 2] = 0.0
    found = fit_log_linear(counts, design)
    assert found.converged.tolist() == [True, False, False, False]
    assert np.isnan(found.coefficients[1:]).all()
    assert (found.mean[:, 2] == 0).all()
    assert np.isnan(found.mean[:, [1, 3]]).all()
    singular = fit_log_linear(counts[:, 0], np.ones((6, 2)))
    assert not singular.converged.any()
    assert np.isnan(singular.coefficients).all()


def test_a_row_of_no_weight_is_left_out() -> None:
    design = np.column_stack([np.ones(8), np.arange(8.0)])
    counts = np.array([3.0, 5, 4, 6, 900, 8, 9, 7])
    weights = np.where(counts == 900, 0.0, 1.0)
    left_out = np.where(counts == 900, np.nan, counts)
    found, wanted = (
        fit_log_linear(counts, design, weights=weights),
        fit_log_linear(left_out, design),
    )
    np.testing.assert_allclose(found.coefficients, wanted.coefficients, rtol=1e-12)
    np.testing.assert_allclose(found.dispersion, wanted.dispersion, rtol=1e-12)
    offsets = np.where(counts == 900, np.nan, 0.0)
    found = fit_log_linear(counts, design, offsets=offsets)
    np.testing.assert_allclose(found.coefficients, wanted.coefficients, rtol=1e-12)


def test_steps_that_overshoot_are_halved() -> None:
    # One huge count at the end of a steep design sends the first full steps far too high.
    design = np.column_stack([np.ones(30), np.linspace(-1, 1, 30) ** 9])
    counts = np.zeros(30)
    counts[0], counts[-1] = 1.0, 1e6
    found = fit_log_linear(counts, design)
    assert found.converged.all()
    score = design.T @ (counts - found.mean[:, 0])
    np.testing.assert_allclose(score, 0, atol=1e-3)


def test_the_regression_refuses_what_does_not_fit() -> None:
    ones = np.ones((3, 1))
    with pytest.raises(ShapeError, match=r"design: shape \(3, 1\) for 2 rows"):
        fit_log_linear([1.0, 2.0], ones)
    with pytest.raises(ShapeError, match="design: a value is not finite"):
        fit_log_linear([1.0, 2.0, 3.0], ones * np.nan)
    with pytest.raises(ShapeError, match=r"weights: shape \(2,\) for counts of shape \(3, 1\)"):
        fit_log_linear([1.0, 2.0, 3.0], ones, weights=[1.0, 1.0])
    with pytest.raises(UnitError, match="weights: 1 value"):
        fit_log_linear([1.0, 2.0, 3.0], ones, weights=[1.0, 1.0, -1.0])
    with pytest.raises(UnitError, match="offsets: a value is infinite"):
        fit_log_linear([1.0, 2.0, 3.0], ones, offsets=[1.0, np.inf, 0.0])
    with pytest.raises(UnitError, match="max_iter: 0"):
        fit_log_linear([1.0, 2.0, 3.0], ones, max_iter=0)
    with pytest.raises(UnitError, match="tolerance: 0"):
        fit_log_linear([1.0, 2.0, 3.0], ones, tolerance=0)
