"""Farrington: each series by itself, by the past alone; a higher count is never less alarming."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geo.detect import farrington_flexible

seeds = st.integers(0, 2**32 - 1)
METHODS = st.sampled_from(["delta", "nbPlugin", "muan"])
WEEKS = 200


def series(seed: int, n_series: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mean = rng.choice([0.1, 1.0, 8.0, 60.0], (1, n_series))
    counts = rng.poisson(mean, (WEEKS, n_series)).astype(float)
    counts[rng.random(counts.shape) < 0.03] = np.nan
    return counts


@given(seeds, METHODS)
def test_series_do_not_touch_each_other(seed: int, method: str) -> None:
    counts = series(seed, 6)
    order = np.random.default_rng(seed).permutation(6)
    at = [WEEKS - 20, WEEKS - 1]
    whole = farrington_flexible(counts, at=at, b=3, threshold_method=method)
    mixed = farrington_flexible(counts[:, order], at=at, b=3, threshold_method=method)
    np.testing.assert_array_equal(whole.upper_bound[:, order], mixed.upper_bound)
    np.testing.assert_array_equal(whole.alarm[:, order], mixed.alarm)
    np.testing.assert_array_equal(whole.state[:, order], mixed.state)


@given(seeds, METHODS)
def test_a_week_is_judged_by_the_past_alone(seed: int, method: str) -> None:
    counts = series(seed, 4)
    at = [WEEKS - 30]
    whole = farrington_flexible(counts, at=at, b=3, threshold_method=method)
    part = farrington_flexible(counts[: WEEKS - 29], at=at, b=3, threshold_method=method)
    np.testing.assert_array_equal(whole.score, part.score)
    counts[WEEKS - 40 : WEEKS - 30] += 50
    recent = farrington_flexible(counts, at=at, b=3, threshold_method=method, limit54=(0, 1))
    same = farrington_flexible(series(seed, 4), at=at, b=3, threshold_method=method, limit54=(0, 1))
    np.testing.assert_array_equal(recent.upper_bound, same.upper_bound)


@given(seeds, METHODS, st.integers(0, 40), st.integers(1, 40))
def test_a_higher_count_is_never_less_alarming(seed: int, method: str, low: int, more: int) -> None:
    counts = series(seed, 4)
    counts[-1] = low
    less = farrington_flexible(counts, at=[WEEKS - 1], b=3, threshold_method=method)
    counts[-1] = low + more
    higher = farrington_flexible(counts, at=[WEEKS - 1], b=3, threshold_method=method)
    assert (less.alarm <= higher.alarm).all()
    assert not (less.pvalue < higher.pvalue).any()
    known = ~np.isnan(less.upper_bound)
    np.testing.assert_array_equal(less.upper_bound[known], higher.upper_bound[known])
    assert (less.alarm == (counts[-1] - more > less.upper_bound))[known].all()


@given(seeds, st.sampled_from([(0.05, 0.01), (0.01, 0.001)]))
def test_a_stricter_alpha_never_lowers_a_bound(seed: int, alphas: tuple[float, float]) -> None:
    counts = series(seed, 4)
    bounds = [
        farrington_flexible(counts, at=[WEEKS - 1], b=3, alpha=a, limit54=(0, 1)).upper_bound
        for a in alphas
    ]
    assert not (bounds[0] > bounds[1]).any()
