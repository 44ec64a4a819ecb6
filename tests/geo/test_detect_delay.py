"""Reporting delay: shares by age, provisional weeks, what growing counts come to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.detect.delay import nowcast, provisional_weeks, reporting_completeness
from geo.errors import ShapeError, UnitError


def triangle(
    rng: np.random.Generator, n_weeks: int, shares: list[float], mean: float
) -> tuple[np.ndarray, np.ndarray]:
    """Counts as they stood at each age, and final ones; what the future brings is unknown."""
    new = np.diff([0.0, *shares])
    growth = rng.poisson(mean * new, (n_weeks, len(new))).cumsum(axis=1).astype(float)
    final = growth[:, -1].copy()
    age = n_weeks - 1 - np.arange(n_weeks)
    growth[np.arange(len(new)) > age[:, None]] = np.nan
    return growth, final


# Taylor & Ashe's triangle as Mack 1993 prints it (cumulated), and his factors.
TAYLOR_ASHE = [
    [357848, 1124788, 1735330, 2218270, 2745596, 3319994, 3466336, 3606286, 3833515, 3901463],
    [352118, 1236139, 2170033, 3353322, 3799067, 4120063, 4647867, 4914039, 5339085],
    [290507, 1292306, 2218525, 3235179, 3985995, 4132918, 4628910, 4909315],
    [310608, 1418858, 2195047, 3757447, 4029929, 4381982, 4588268],
    [443160, 1136350, 2128333, 2897821, 3402672, 3873311],
    [396132, 1333217, 2180715, 2985752, 3691712],
    [440832, 1288463, 2419861, 3483130],
    [359480, 1421128, 2864498],
    [376686, 1363294],
    [344014],
]
MACK_FACTORS = [3.491, 1.747, 1.457, 1.174, 1.104, 1.086, 1.054, 1.077, 1.018]
MACK_RESERVES = [95, 470, 710, 985, 1419, 2178, 3920, 4279, 4626]  # thousands
MACK_ERRORS = [0.80, 0.26, 0.19, 0.27, 0.29, 0.26, 0.22, 0.23, 0.29]  # of the reserve


def test_macks_own_example() -> None:
    growth = np.array([row + [np.nan] * (10 - len(row)) for row in TAYLOR_ASHE])
    found = reporting_completeness(growth)
    np.testing.assert_allclose(found.factor[:-1], MACK_FACTORS, atol=6e-4)
    newest = np.array([row[-1] for row in TAYLOR_ASHE[1:]], dtype=float)
    ages = np.array([len(row) - 1 for row in TAYLOR_ASHE[1:]])
    come = nowcast(newest, ages, found, level=0.6827)
    np.testing.assert_allclose((come.final - newest) / 1000, MACK_RESERVES, atol=1.0)
    sigma = np.log(come.high / come.final)
    error = come.final * np.sqrt(np.expm1(sigma**2)) / (come.final - newest)
    np.testing.assert_allclose(error, MACK_ERRORS, atol=0.006)


def test_shares_and_provisional_weeks() -> None:
    growth, _ = triangle(np.random.default_rng(1), 80, [0.5, 0.8, 0.93, 0.99, 1.0], 400.0)
    found = reporting_completeness(growth)
    np.testing.assert_allclose(found.share, [0.5, 0.8, 0.93, 0.99, 1.0], atol=0.01)
    assert provisional_weeks(found) == 3
    assert provisional_weeks(found, least_share=0.75) == 1
    assert provisional_weeks(found, least_share=1.0) == 4


def test_intervals_hold_what_comes() -> None:
    rng = np.random.default_rng(2)
    inside = []
    for _ in range(300):
        growth, final = triangle(rng, 60, [0.5, 0.8, 0.95, 1.0], 120.0)
        weeks, ages = np.arange(57, 60), np.array([2, 1, 0])
        come = nowcast(growth[weeks, ages], ages, reporting_completeness(growth), level=0.9)
        inside.append((come.low <= final[weeks]) & (final[weeks] <= come.high))
    share = np.mean(inside, axis=0)
    assert (np.abs(share - 0.9) < 0.06).all()


def test_corrections_that_lower_counts_make_a_week_provisional() -> None:
    growth = np.tile([10.0, 20.0, 16.0], (10, 1))
    found = reporting_completeness(growth)
    np.testing.assert_allclose(found.share, [0.625, 1.25, 1.0])
    assert provisional_weeks(found) == 2


def test_what_is_not_known_is_not_made_up() -> None:
    nothing = reporting_completeness(np.full((5, 3), np.nan))
    assert np.isnan(nothing.share[:2]).all()
    assert provisional_weeks(nothing) == 0
    assert np.isnan(nowcast([3.0], [0], nothing).final).all()
    # The first delivery is never kept: age 0 is unknown, and so provisional.
    late = reporting_completeness(np.array([[np.nan, 9.0, 10.0]] * 6))
    assert np.isnan(late.share[0])
    assert provisional_weeks(late) == 2
    assert provisional_weeks(late, least_share=0.8) == 1
    zeros = reporting_completeness(np.zeros((6, 3)))
    assert np.isnan(zeros.share[:2]).all()
    found = reporting_completeness(np.tile([5.0, 10.0], (6, 1)))
    come = nowcast([[0.0, np.nan], [4.0, 4.0]], [0, 7], found)
    np.testing.assert_array_equal(come.final, [[0.0, np.nan], [4.0, 4.0]])


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_sums_are_kept_and_order_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    growth, _ = triangle(rng, 12, [0.4, 0.7, 1.0], 30.0)
    found = reporting_completeness(growth)
    mixed = reporting_completeness(growth[rng.permutation(12)])
    np.testing.assert_allclose(found.share, mixed.share, rtol=1e-12)
    np.testing.assert_allclose(reporting_completeness(growth * 3).share, found.share, rtol=1e-12)
    both = ~np.isnan(growth[:, 1])
    np.testing.assert_allclose(
        growth[both, 0].sum() * found.factor[0], growth[both, 1].sum(), rtol=1e-12
    )


def test_what_it_refuses() -> None:
    found = reporting_completeness(np.tile([5.0, 10.0], (6, 1)))
    with pytest.raises(ShapeError, match="growth: shape"):
        reporting_completeness(np.zeros((3, 0)))
    with pytest.raises(UnitError, match=r"growth: 1 value\(s\) negative or infinite"):
        reporting_completeness([[1.0, -2.0]])
    with pytest.raises(UnitError, match="max_weeks: 0; wanted 1 or more"):
        reporting_completeness([[1.0, 2.0]], max_weeks=0)
    with pytest.raises(UnitError, match="least_share: 0; wanted above 0"):
        provisional_weeks(found, least_share=0)
    with pytest.raises(ShapeError, match=r"ages: dtype int64, shape \(2,\); wanted integers"):
        nowcast([1.0], [0, 1], found)
    with pytest.raises(UnitError, match="ages: -1; wanted 0 or more"):
        nowcast([1.0], [-1], found)
    with pytest.raises(UnitError, match=r"level: 1; wanted a probability"):
        nowcast([1.0], [0], found, level=1)
