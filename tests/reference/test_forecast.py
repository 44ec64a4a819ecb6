"""Smoothing and regression against statsmodels and against plain loops written from the books."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import nbinom, poisson
from statsmodels.tsa.holtwinters import ExponentialSmoothing

from geo.forecast.holt_winters import ALPHAS, TRENDS, Smoothing, holt, smooth_series
from geo.forecast.intervals import Intervals, count_intervals, weighted_interval_score
from geo.forecast.naive import last_value, recent_mean, seasonal_naive
from geo.forecast.regression import regression, trend_and_season
from geo.glm.loglinear import fit_log_linear


def seasonal_counts(seed: int, *, n_weeks: int = 180, n_series: int = 5) -> np.ndarray:
    """Over-dispersed counts with a season and some weeks unknown."""
    rng = np.random.default_rng(seed)
    week = np.arange(n_weeks)[:, None]
    mean = np.exp(rng.uniform(1, 4, n_series) + 0.4 * np.cos(2 * np.pi * week / 52))
    counts = rng.negative_binomial(mean, 0.5).astype(float)
    counts[rng.random(counts.shape) < 0.06] = np.nan
    return counts


# ---------------------------------------------------------------- statsmodels


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("period", [1, 52])
def test_smoothing_equals_statsmodels(seed: int, period: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(20, 160).astype(float)
    alpha, beta, gamma = rng.uniform(0.05, 0.6, 3)
    phi = rng.uniform(0.8, 0.98)
    season = rng.normal(0, 3, period) if period > 1 else np.zeros(1)
    model = ExponentialSmoothing(
        counts,
        trend="add",
        damped_trend=True,
        seasonal="add" if period > 1 else None,
        seasonal_periods=period if period > 1 else None,
        initialization_method="known",
        initial_level=18.0,
        initial_trend=0.3,
        initial_seasonal=season if period > 1 else None,
    )
    peer = model.fit(
        smoothing_level=alpha,
        smoothing_trend=beta,
        damping_trend=phi,
        smoothing_seasonal=gamma if period > 1 else None,
        optimized=False,
    )
    ours = smooth_series(
        counts,
        Smoothing(alpha, beta, phi, gamma if period > 1 else 0.0),
        level=18.0,
        trend=0.3,
        season=season,
        horizon=51,
    )
    np.testing.assert_allclose(ours.fitted, peer.fittedvalues, rtol=0, atol=1e-8)
    # For the 52nd week ahead the peer takes the season as it was before its last update.
    np.testing.assert_allclose(ours.forecast, peer.forecast(51), rtol=0, atol=1e-8)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("weighted", [False, True])
def test_regression_equals_statsmodels(seed: int, weighted: bool) -> None:
    counts = seasonal_counts(seed)
    design = trend_and_season(len(counts), ahead=0)
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.1, 1, counts.shape) if weighted else np.ones(counts.shape)
    offsets = rng.normal(0, 0.3, len(counts)) if weighted else np.zeros(len(counts))
    ours = fit_log_linear(counts, design, weights=weights, offsets=offsets)
    assert ours.converged.all()
    for j in range(counts.shape[1]):
        known = ~np.isnan(counts[:, j])
        peer = sm.GLM(
            counts[known, j],
            design[known],
            family=sm.families.Poisson(),
            var_weights=weights[known, j],
            offset=offsets[known],
        ).fit(scale="X2", tol=1e-12)
        np.testing.assert_allclose(ours.coefficients[j], peer.params, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(ours.dispersion[j], peer.scale, rtol=1e-6)
        np.testing.assert_allclose(ours.mean[known, j], peer.fittedvalues, rtol=1e-6)
        covariance = ours.covariance[j] * ours.dispersion[j]
        np.testing.assert_allclose(covariance, peer.cov_params(), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("phi", [1.0, 1.3, 6.0])
def test_intervals_of_counts_equal_scipy(phi: float) -> None:
    mean = np.concatenate([np.geomspace(0.01, 299, 300), [0.0, np.nan]])
    found = count_intervals(mean, phi * mean)
    inner = mean[:300]
    for row, (low, high) in enumerate([(0.1, 0.9), (0.025, 0.975)]):
        for ends, share in ((found.low, low), (found.high, high)):
            wanted = (
                poisson.ppf(share, inner)
                if phi == 1
                else nbinom.ppf(share, inner / (phi - 1), 1 / phi)
            )
            np.testing.assert_array_equal(ends[row, :300], wanted)
    assert (found.high[:, 300] == 0).all()
    assert np.isnan(found.high[:, 301]).all()


def test_intervals_of_large_counts_are_within_a_count_or_one_percent() -> None:
    mean = np.geomspace(301, 50_000, 60)
    for phi in (1.5, 4.0, 20.0):
        found = count_intervals(mean, phi * mean)
        wanted = nbinom.ppf(0.975, mean / (phi - 1), 1 / phi)
        assert (np.abs(found.high[1] - wanted) <= np.maximum(1, 0.01 * wanted)).all()
        wanted = nbinom.ppf(0.1, mean / (phi - 1), 1 / phi)
        assert (np.abs(found.low[0] - wanted) <= np.maximum(1, 0.01 * wanted)).all()


# ---------------------------------------------------------------- plain loops


def slow_holt(counts: list[float], horizon: int) -> list[float]:
    """Every set of parameters one after the other, in plain Python."""
    first = next(i for i, y in enumerate(counts) if not math.isnan(y))
    start = [y for y in counts[first : first + 13] if not math.isnan(y)]
    best: tuple[float, list[float]] = (math.inf, [])
    for beta, phi in TRENDS:
        for alpha in ALPHAS:
            level, trend, squares = sum(start) / len(start), 0.0, 0.0
            for week, y in enumerate(counts[first:]):
                ahead = level + phi * trend
                if math.isnan(y):
                    level, trend = ahead, phi * trend
                    continue
                if week >= 13:
                    squares += (y - ahead) ** 2
                before, level = level, ahead + alpha * (y - ahead)
                trend = phi * trend * (1 - beta) + beta * (level - before)
            if squares < best[0] * (1 - 1e-9):
                said, damped = [], 0.0
                for h in range(1, horizon + 1):
                    damped += phi**h
                    said.append(max(level + damped * trend, 0.0))
                best = (squares, said)
    return best[1]


@pytest.mark.parametrize("seed", range(3))
def test_holt_equals_the_plain_search(seed: int) -> None:
    counts = seasonal_counts(seed, n_weeks=90)
    counts[:7, 0] = np.nan
    found = holt(counts, origins=[60, 90], horizon=8)
    for j in range(counts.shape[1]):
        for row, origin in enumerate((60, 90)):
            wanted = slow_holt(counts[:origin, j].tolist(), 8)
            np.testing.assert_allclose(found[row, :, j], wanted, rtol=1e-9)


def slow_glm(y: list[float], x: list[list[float]]) -> tuple[list[float], float]:
    """Newton's method on the Poisson likelihood, with a solver of its own."""
    rows = [(value, row) for value, row in zip(y, x, strict=True) if not math.isnan(value)]
    p = len(x[0])
    beta = [0.0] * p
    beta[0] = math.log(sum(value for value, _ in rows) / len(rows))
    for _ in range(60):
        score = [0.0] * p
        information = [[0.0] * p for _ in range(p)]
        for value, row in rows:
            mean = math.exp(sum(a * b for a, b in zip(row, beta, strict=True)))
            for i in range(p):
                score[i] += (value - mean) * row[i]
                for k in range(p):
                    information[i][k] += mean * row[i] * row[k]
        for i in range(p):  # Gauss and Jordan
            for other in range(p):
                if other != i:
                    factor = information[other][i] / information[i][i]
                    score[other] -= factor * score[i]
                    for k in range(p):
                        information[other][k] -= factor * information[i][k]
        beta = [b + score[i] / information[i][i] for i, b in enumerate(beta)]
    pearson = 0.0
    for value, row in rows:
        mean = math.exp(sum(a * b for a, b in zip(row, beta, strict=True)))
        pearson += (value - mean) ** 2 / mean
    return beta, pearson / (len(rows) - p)


def test_regression_equals_newtons_method_and_looks_ahead() -> None:
    counts = seasonal_counts(9, n_weeks=130, n_series=3)
    design = trend_and_season(130, ahead=8)
    found = regression(counts, origins=[120, 130], horizon=8)
    for j in range(3):
        for row, origin in enumerate((120, 130)):
            beta, phi = slow_glm(counts[:origin, j].tolist(), design[:origin].tolist())
            wanted = np.exp(design[origin : origin + 8] @ beta)
            np.testing.assert_allclose(found.mean[row, :, j], wanted, rtol=1e-7)
            least = max(phi, 1.0) * wanted
            assert (found.variance[row, :, j] > least).all()
            assert (found.variance[row, :, j] < 1.6 * least).all()


def test_naive_forecasts_equal_loops() -> None:
    counts = seasonal_counts(3, n_weeks=120)
    counts[:, 4] = np.nan
    origins, horizon = [5, 60, 119], 60
    last = last_value(counts, origins=origins, horizon=horizon)
    mean = recent_mean(counts, origins=origins, horizon=horizon)
    same = seasonal_naive(counts, origins=origins, horizon=horizon)
    for row, origin in enumerate(origins):
        for j in range(counts.shape[1]):
            past = counts[:origin, j]
            known = past[~np.isnan(past)]
            recent = past[-13:][~np.isnan(past[-13:])]
            for h in range(horizon):
                wanted = known[-1] if known.size else np.nan
                np.testing.assert_equal(last[row, h, j], wanted)
                wanted = recent.mean() if recent.size else np.nan
                np.testing.assert_allclose(mean[row, h, j], wanted)
                years = [past[w] for w in range(origin + h - 52, -1, -52) if w < origin]
                wanted = next((y for y in years if not np.isnan(y)), np.nan)
                np.testing.assert_equal(same[row, h, j], wanted)


def test_the_interval_score_equals_its_definition() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        l95, l80, m, u80, u95 = np.sort(rng.uniform(0, 20, 5))
        y = rng.uniform(0, 25)
        total = 0.5 * abs(y - m)
        for alpha, low, high in ((0.2, l80, u80), (0.05, l95, u95)):
            score = high - low
            score += 2 / alpha * (low - y) if y < low else 0
            score += 2 / alpha * (y - high) if y > high else 0
            total += alpha / 2 * score
        ends = Intervals(np.array([[l80], [l95]]), np.array([[u80], [u95]]))
        found = weighted_interval_score([m], ends, [y])
        np.testing.assert_allclose(found, [total / 2.5])
