"""Compiled Farrington against the slow one, on series of every kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from geo.detect import farrington_flexible
from tests.reference.farrington import flexible

WEEKS = 330
AT = [290, 329]


def series() -> np.ndarray:
    """Sparse, busy, seasonal, rising and falling series, with gaps and outbreaks."""
    rng = np.random.default_rng(11)
    t = np.arange(WEEKS)[:, None]
    level = np.array([0.05, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 40.0, 900.0, 3.0, 3.0, 8.0])
    rise = np.array([0, 0, 0.002, 0, 0.004, -0.003, 0.001, 0, 0, 0.008, -0.008, 0])
    mu = level * np.exp(rise * (t - 150) + 0.5 * np.sin(2 * np.pi * t / 52))
    counts = rng.negative_binomial(mu / 0.8, 1 / 1.8).astype(float)
    counts[100:110] += rng.poisson(3 * np.sqrt(level), (10, len(level)))
    counts[:, 3:8][rng.random((WEEKS, 5)) < 0.1] = np.nan
    counts[60:90, 11] = np.nan
    counts[AT] = np.nan_to_num(counts[AT], nan=4.0)
    return counts


BASE: dict[str, Any] = {
    "b": 4,
    "w": 3,
    "reweight": True,
    "weights_threshold": 2.58,
    "alpha": 0.02,
    "trend": True,
    "p_threshold_trend": 0.05,
    "n_periods": 10,
}


@pytest.mark.parametrize(
    "options",
    [
        {"method": "delta", "past": 26},
        {"method": "nbPlugin", "past": 26, "p_threshold_trend": 1.0},
        {"method": "muan", "past": 10, "n_periods": 5, "weights_threshold": 1.0},
        {"method": "delta", "past": 3, "n_periods": 1, "w": 2, "power": 0.5},
        {"method": "delta", "past": 26, "reweight": False, "b": 2, "power": 1.0},
        {"method": "nbPlugin", "past": 26, "trend": False, "n_periods": 4},
        {"method": "delta", "past": 26, "persons": True},
    ],
)
def test_equals_the_slow_one(options: dict[str, Any]) -> None:
    counts = series()
    case = BASE | options
    population = None
    if case.pop("persons", False):
        population = np.linspace(100.0, 400.0, WEEKS)[:, None] * np.arange(1, 13)
        population[200:205, 6] = 0.0
    power = case.pop("power", 2 / 3)
    shared = {name: case[name] for name in BASE}
    found = farrington_flexible(
        counts,
        at=AT,
        limit54=(0, 1),
        power_transform={2 / 3: "2/3", 0.5: "1/2", 1.0: "none"}[power],
        threshold_method=case["method"],
        past_weeks_not_included=case["past"],
        population=population,
        **shared,
    )
    compared = 0
    for row, now in enumerate(AT):
        for j in range(counts.shape[1]):
            slow = flexible(
                counts[:, j],
                now,
                method=case["method"],
                past=case["past"],
                power=power,
                population=None if population is None else population[:, j],
                **shared,
            )
            if slow is None or np.isnan(found.upper_bound[row, j]):
                assert slow is None or slow.upper > 1e12
                continue
            compared += 1
            close = {"rel": 1e-6, "abs": 1e-9}
            assert found.expected[row, j] == pytest.approx(slow.expected, **close), (now, j)
            assert found.upper_bound[row, j] == pytest.approx(slow.upper, **close), (now, j)
            assert found.dispersion[row, j] == pytest.approx(slow.phi, **close), (now, j)
            assert bool(found.trend[row, j]) == slow.trend
    assert compared >= 20
