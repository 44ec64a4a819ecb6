"""Targets against plain loops with exact fractions, and against scipy's Theil-Sen."""

from __future__ import annotations

import math
import statistics
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from geo.model import Missing
from geo.targets import attainment, pace


def attained(
    built: int | None, required: int | None, percent: int, *, at_least: bool
) -> tuple[Fraction | None, int | None, bool, int]:
    """Share, missing, met and state of one area, by counting upwards one by one."""
    if required == 0:
        return None, None, False, Missing.NOT_APPLICABLE
    if built is None or required is None:
        return None, None, False, Missing.NO_DATA
    target = Fraction(percent, 100)

    def good(count: int) -> bool:
        share = Fraction(count, required)
        return share >= target if at_least else share <= target

    missing = 0
    while not good(built + missing if at_least else built - missing):
        missing += 1
    state = Missing.UNRELIABLE if built > required else Missing.OK
    return Fraction(built, required), missing, missing == 0, state


@pytest.mark.parametrize("at_least", [True, False])
def test_attainment_is_what_counting_gives(at_least: bool) -> None:
    rng = np.random.default_rng(7)
    for percent in [*range(0, 101, 7), 57, 100]:
        built = [None if rng.random() < 0.1 else int(rng.integers(0, 60)) for _ in range(80)]
        required = [None if rng.random() < 0.1 else int(rng.integers(0, 60)) for _ in range(80)]
        found = attainment(
            np.array(built, dtype=float),
            np.array(required, dtype=float),
            target=percent / 100,
            at_least=at_least,
        )
        for row, (n, d) in enumerate(zip(built, required, strict=True)):
            share, missing, met, state = attained(n, d, percent, at_least=at_least)
            assert found.states[row] == state
            assert found.met[row] == met
            if share is None or missing is None:
                assert math.isnan(found.share[row])
                assert math.isnan(found.missing[row])
            else:
                assert found.share[row] == pytest.approx(float(share), rel=1e-15)
                assert found.missing[row] == missing


def kendall_interval(
    weeks: list[float], shares: list[float], level: float
) -> tuple[float, float, float]:
    """Sen 1968 as in Gilbert 1987, section 16.4.3, with the variance for autocorrelation."""
    slopes = []
    for i in range(len(weeks)):
        slopes += [(shares[i] - shares[j]) / (weeks[i] - weeks[j]) for j in range(i)]
    slopes.sort()
    n = len(weeks)
    variance = n * (n - 1) * (2 * n + 5)
    for value in set(shares):
        t = shares.count(value)
        variance -= t * (t - 1) * (2 * t + 5)
    median = statistics.median(slopes)
    rest = [s - median * w for w, s in zip(weeks, shares, strict=True)]
    mean = sum(rest) / n
    top = sum((rest[i] - mean) * (rest[i - 1] - mean) for i in range(1, n))
    r = max(0.0, top / sum((x - mean) ** 2 for x in rest))
    c = statistics.NormalDist().inv_cdf((1 + level) / 2) * math.sqrt(
        variance / 18 * (1 + r) / (1 - r)
    )
    # The M1-th and the (M2 + 1)-th smallest, counted from one.
    low, high = math.floor((len(slopes) - c) / 2), math.ceil((len(slopes) + c) / 2) + 1
    return median, slopes[max(low, 1) - 1], slopes[min(high, len(slopes)) - 1]


def test_pace_is_the_median_of_pairs_with_sens_interval() -> None:
    rng = np.random.default_rng(11)
    for n in (4, 7, 12, 26):
        weeks = np.sort(rng.choice(np.arange(9, 120), n - 2, replace=False)).tolist()
        weeks = [0.0, 8.0, *map(float, weeks)]
        shares = np.round(0.3 + 0.004 * np.array(weeks) + rng.normal(0, 0.02, n), 2).tolist()
        found = pace(weeks, shares)
        assert tuple(found[:3]) == pytest.approx(kendall_interval(weeks, shares, 0.95))
        assert found.per_week == pytest.approx(stats.theilslopes(shares, weeks).slope)
        assert found.points == n


def test_without_autocorrelation_the_interval_is_scipys_or_a_step_wider() -> None:
    weeks = np.arange(30.0)
    shares = 0.2 + 0.01 * weeks + np.where(weeks % 2 == 0, 0.011, -0.013) + 1e-4 * (weeks % 7)
    slopes = sorted((shares[j] - shares[i]) / (j - i) for i in range(30) for j in range(i + 1, 30))
    found, peer = pace(weeks, shares), stats.theilslopes(shares, weeks, alpha=0.95)
    for own, other in ((found.low, peer.low_slope), (found.high, peer.high_slope)):
        near = [np.searchsorted(slopes, value) for value in (own - 1e-12, other - 1e-12)]
        assert abs(near[0] - near[1]) <= 2
