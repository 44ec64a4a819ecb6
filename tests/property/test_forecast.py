"""Forecasts scale with their counts, keep a constant, and do not mind who stands beside whom."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.forecast.backtest import METHODS, predict
from geo.forecast.forecast import forecast_counts
from geo.forecast.intervals import count_intervals, error_intervals, error_spread

seeds = st.integers(0, 2**32 - 1)


def drawn(seed: int, *, n_weeks: int = 120, n_series: int = 5) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mean = np.exp(rng.uniform(1, 4, n_series)) * (1 + 0.4 * np.sin(np.arange(n_weeks) / 8))[:, None]
    counts = rng.negative_binomial(mean, 0.4).astype(float)
    counts[rng.random(counts.shape) < 0.1] = np.nan
    return counts


@settings(deadline=None, max_examples=30)
@given(seeds, st.sampled_from([0.25, 4.0, 64.0]))
def test_scaling_the_counts_scales_every_forecast(seed: int, factor: float) -> None:
    counts, origins = drawn(seed), np.array([90, 120])
    found, _ = predict(counts, origins, horizon=8, methods=METHODS)
    scaled, _ = predict(factor * counts, origins, horizon=8, methods=METHODS)
    np.testing.assert_allclose(scaled, factor * found, rtol=1e-6)


@settings(deadline=None, max_examples=30)
@given(seeds, st.integers(0, 5000))
def test_a_constant_is_forecast_as_itself(seed: int, value: int) -> None:
    counts = np.full((130, 2), float(value))
    counts[np.random.default_rng(seed).random(counts.shape) < 0.2] = np.nan
    found, _ = predict(counts, np.array([110, 130]), horizon=4, methods=METHODS)
    known = ~np.isnan(found)
    np.testing.assert_allclose(found[known], value, rtol=1e-6, atol=1e-9)
    assert known[METHODS.index("mean")].all()


@settings(deadline=None, max_examples=20)
@given(seeds)
def test_the_order_of_series_changes_nothing(seed: int) -> None:
    counts = drawn(seed)
    order = np.random.default_rng(seed).permutation(counts.shape[1])
    found, other = forecast_counts(counts), forecast_counts(counts[:, order])
    np.testing.assert_array_equal(found.method[order], other.method)
    np.testing.assert_allclose(found.expected[:, order], other.expected)
    np.testing.assert_allclose(found.low[..., order], other.low, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.mae[order], other.mae)


@settings(deadline=None, max_examples=20)
@given(seeds)
def test_intervals_lie_in_each_other_and_never_below_zero(seed: int) -> None:
    found = forecast_counts(drawn(seed))
    has = ~np.isnan(found.expected)
    assert has.any()
    for narrow, wide in ((found.low[0], found.low[1]), (-found.high[0], -found.high[1])):
        assert (narrow >= wide)[has].all()
    assert (found.low[:, has] >= 0).all()
    # The median of a skewed count lies below its mean, but never far outside the interval.
    assert (found.high[1] >= np.floor(found.expected))[has].all()
    np.testing.assert_array_equal(np.isnan(found.high[1]), ~has)


@settings(deadline=None, max_examples=20)
@given(seeds, st.integers(1, 40))
def test_weeks_before_a_series_begins_change_nothing(seed: int, more: int) -> None:
    counts = drawn(seed, n_weeks=100)
    longer = np.vstack([np.full((more, counts.shape[1]), np.nan), counts])
    names = [name for name in METHODS if name != "holt_winters"]
    found, _ = predict(counts, np.array([100]), horizon=8, methods=names)
    other, _ = predict(longer, np.array([100 + more]), horizon=8, methods=names)
    np.testing.assert_allclose(found, other, rtol=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_intervals_widen_with_the_variance_and_the_errors(share: float) -> None:
    mean = np.linspace(5, 500, 50)
    ends = [count_intervals(mean, phi * mean) for phi in (1.0, 2.0, 8.0)]
    for tight, loose in itertools.pairwise(ends):
        assert (loose.high >= tight.high).all()
        assert (loose.low <= tight.low).all()
    rng = np.random.default_rng(1)
    past = np.full((30, 8, 4), 25.0)
    noise = rng.normal(0, 3, past.shape)
    noise[rng.random(past.shape) < share] = np.nan
    small, large = (error_spread(past, past + size * noise) for size in (1, 3))
    said = np.full((8, 4), 25.0)
    width = [np.ptp(np.stack(error_intervals(said, s)), axis=0) for s in (small, large)]
    assert (width[1] > 1.5 * width[0]).all()
