"""How fast the forecasting methods are beside statsmodels: both sides in one run, equal answers.

The peer fits one series at a time and so is a loop; both sides do the whole of the work.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
import statsmodels.api as sm
from statsmodels.tsa.holtwinters import ExponentialSmoothing

from geo.forecast.forecast import forecast_counts
from geo.forecast.holt_winters import Smoothing, smooth_series
from geo.forecast.regression import trend_and_season
from geo.glm.loglinear import fit_log_linear

HORIZON = 8
SMOOTHING = Smoothing(alpha=0.2, beta=0.05, phi=0.95, gamma=0.2)


def best_of(function: Callable[[], np.ndarray], *, repeat: int) -> tuple[np.ndarray, float]:
    """What a function returned, and the shortest time it took."""
    seconds = []
    found = np.empty(0)
    for _ in range(repeat):
        start = time.perf_counter()
        found = function()
        seconds.append(time.perf_counter() - start)
    return found, min(seconds)


def row(work: str, ours: float, peer: str, theirs: float | None) -> dict[str, object]:
    """One line of the table."""
    return {
        "work": work,
        "ours": f"{ours:.3g} s",
        "peer": peer if theirs is None else f"{peer} {theirs:.3g} s",
        "ratio": "" if theirs is None else f"{theirs / ours:.0f}×",
    }


def counts_of(n_weeks: int, n_series: int) -> np.ndarray:
    """Over-dispersed weekly counts with a season."""
    rng = np.random.default_rng(5)
    wave = 0.3 * np.cos(2 * np.pi * np.arange(n_weeks) / 52)
    mean = np.exp(rng.uniform(1, 4, n_series) + wave[:, np.newaxis])
    return rng.negative_binomial(mean, 0.5).astype(float)


def regression_row(*, n_weeks: int, n_series: int) -> dict[str, object]:
    """Quasi-Poisson regression on trend and two harmonics, every series."""
    counts, design = counts_of(n_weeks, n_series), trend_and_season(n_weeks, ahead=0)

    def theirs() -> np.ndarray:
        family = sm.families.Poisson()
        fits = [sm.GLM(y, design, family=family).fit(scale="X2", tol=1e-10) for y in counts.T]
        return np.array([[*fit.params, fit.scale] for fit in fits])

    def ours() -> np.ndarray:
        fit = fit_log_linear(counts, design)
        return np.column_stack([fit.coefficients, fit.dispersion])

    ours()
    found, fast = best_of(ours, repeat=3)
    wanted, slow = best_of(theirs, repeat=1)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-7)
    work = f"quasi-Poisson regression {n_weeks} weeks x {n_series:,}"
    return row(work, fast, "statsmodels loop", slow)


def smoothing_row(*, n_weeks: int, n_series: int) -> dict[str, object]:
    """Damped additive Holt-Winters with a season, given parameters, every series."""
    counts = counts_of(n_weeks, n_series)
    level, season = counts.mean(axis=0), np.zeros(52)

    def theirs() -> np.ndarray:
        found = []
        for y, start in zip(counts.T, level, strict=True):
            model = ExponentialSmoothing(
                y,
                trend="add",
                damped_trend=True,
                seasonal="add",
                seasonal_periods=52,
                initialization_method="known",
                initial_level=start,
                initial_trend=0.0,
                initial_seasonal=season,
            )
            fit = model.fit(
                smoothing_level=SMOOTHING.alpha,
                smoothing_trend=SMOOTHING.beta,
                damping_trend=SMOOTHING.phi,
                smoothing_seasonal=SMOOTHING.gamma,
                optimized=False,
            )
            found.append(fit.forecast(HORIZON))
        return np.array(found)

    def ours() -> np.ndarray:
        return np.array(
            [
                smooth_series(y, SMOOTHING, level=start, season=season, horizon=HORIZON).forecast
                for y, start in zip(counts.T, level, strict=True)
            ]
        )

    ours()
    found, fast = best_of(ours, repeat=3)
    wanted, slow = best_of(theirs, repeat=1)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-8)
    work = f"Holt-Winters, given parameters, {n_weeks} weeks x {n_series:,}"
    return row(work, fast, "statsmodels loop", slow)


def whole_row(*, n_weeks: int, n_series: int) -> dict[str, object]:
    """Six methods from 26 past weeks each, intervals, choice and forecast: nobody else does it."""
    counts = counts_of(n_weeks, n_series)
    forecast_counts(counts[:, :2])
    _, seconds = best_of(lambda: forecast_counts(counts).expected, repeat=1)
    work = f"forecast with back-test {n_weeks} weeks x {n_series:,}"
    return row(work, seconds, "target: a few seconds", None)


def rows(quick: bool) -> list[dict[str, object]]:
    """All rows of the table: small cases when `quick`."""
    n_weeks, n_series = (156, 50) if quick else (312, 1_000)
    return [
        regression_row(n_weeks=n_weeks, n_series=n_series),
        smoothing_row(n_weeks=n_weeks, n_series=n_series),
        whole_row(n_weeks=n_weeks, n_series=n_series),
    ]


def test_forecast() -> None:
    """Measure, check that both sides agree, print."""
    lines = rows(os.environ.get("XINTU_BENCH") == "quick")
    sys.stdout.write(f"\n{pd.DataFrame(lines).to_string(index=False)}\n")


if __name__ == "__main__":
    warnings.simplefilter("error")
    test_forecast()
