"""Rates and intervals: against other implementations, by their definition, and refused input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse, special, stats

from geo.errors import ShapeError, UnitError
from geo.rates import rate_interval, share_interval, smoothed_rates

SURVEYS = st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_a_share_interval_equals_the_statistics_library_on_every_survey_up_to_sixty() -> None:
    pairs = [(x, n) for n in range(1, 61) for x in range(n + 1)]
    yes, asked = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    for level in (0.8, 0.95, 0.99):
        found = share_interval(yes, asked, level=level)
        peer = [
            stats.binomtest(x, n).proportion_ci(confidence_level=level, method="wilson")
            for x, n in pairs
        ]
        np.testing.assert_allclose(found.low, [p.low for p in peer], atol=1e-12)
        np.testing.assert_allclose(found.high, [p.high for p in peer], atol=1e-12)


@given(SURVEYS, st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_the_ends_of_a_share_interval_are_where_the_score_test_just_rejects(
    survey: tuple[int, int], level: float
) -> None:
    x, n = survey
    z = special.ndtri(0.5 + level / 2)

    def rejected(p: float) -> float:
        return float((x / n - p) ** 2 - z**2 * p * (1 - p) / n)

    low, high = (float(end[0]) for end in share_interval([x], [n], level=level))
    assert 0 <= low <= x / n <= high <= 1
    for end, outwards in ((low, -1e-3), (high, 1e-3)):
        if 0 < end < 1:
            assert abs(rejected(end)) < 1e-9
            assert rejected(end + outwards * end * (1 - end)) > 0
            assert rejected(end - outwards * end * (1 - end)) < 0
    assert (low == 0) == (x == 0)
    assert (high == 1) == (x == n)


@given(SURVEYS, st.integers(2, 50))
def test_a_larger_survey_with_the_same_share_has_a_narrower_interval(
    survey: tuple[int, int], times: int
) -> None:
    x, n = survey
    small, large = share_interval([x], [n]), share_interval([x * times], [n * times])
    assert large.high[0] - large.low[0] < small.high[0] - small.low[0]


def test_a_share_nobody_was_asked_for_has_no_interval() -> None:
    found = share_interval([0.0, np.nan, 3.0], [0.0, 10.0, np.nan])
    assert np.isnan(found.low).all()
    assert np.isnan(found.high).all()


def test_surveys_that_cannot_be_are_refused_with_what_came() -> None:
    with pytest.raises(UnitError, match=r"successes: 1 above trials, first 5 of 4 at 1"):
        share_interval([1.0, 5.0], [4.0, 4.0])
    with pytest.raises(UnitError, match=r"trials: 1 value\(s\) negative"):
        share_interval([0.0], [-4.0])
    with pytest.raises(UnitError, match=r"level: 95; wanted a confidence between 0 and 1"):
        share_interval([1.0], [4.0], level=95)
    with pytest.raises(ShapeError, match="lengths differ: successes 1, trials 2"):
        share_interval([1.0], [4.0, 4.0])


def some_areas(seed: int, n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    persons = rng.integers(50, 5000, n).astype(float)
    return rng.poisson(persons * rng.gamma(2.0, 0.005, n)).astype(float), persons


def test_an_interval_of_rates_is_that_of_the_gamma_posterior() -> None:
    counts, persons = some_areas(3)
    mean = counts.sum() / persons.sum()
    spread = (persons * (counts / persons - mean) ** 2).sum() / persons.sum()
    variance = spread - mean / persons.mean()
    assert variance > 0
    posterior = stats.gamma(mean**2 / variance + counts, scale=1 / (mean / variance + persons))
    for level in (0.5, 0.95):
        found = rate_interval(counts, persons, per=1, level=level)
        low, high = posterior.interval(level)
        np.testing.assert_allclose(found.low, low, rtol=1e-9)
        np.testing.assert_allclose(found.high, high, rtol=1e-9)
    np.testing.assert_allclose(smoothed_rates(counts, persons, per=1), posterior.mean(), rtol=1e-9)


def test_true_rates_lie_in_their_intervals_as_often_as_said() -> None:
    rng = np.random.default_rng(11)
    persons = rng.integers(200, 5000, 2000).astype(float)
    rates = rng.gamma(2.0, 0.005, 2000)
    found = rate_interval(rng.poisson(persons * rates), persons, per=1, level=0.9)
    inside = (found.low <= rates) & (rates <= found.high)
    assert inside.mean() == pytest.approx(0.9, abs=0.03)


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.98))
def test_an_interval_of_rates_holds_its_rate_and_grows_with_its_level(
    seed: int, level: float
) -> None:
    counts, persons = some_areas(seed, 20)
    counts[0], persons[1] = np.nan, 0.0
    near = sparse.eye_array(20, k=1, format="csr") + sparse.eye_array(20, k=-1, format="csr")
    for neighbours in (None, sparse.csr_array(near)):
        rate = smoothed_rates(counts, persons, neighbours=neighbours)
        narrow = rate_interval(counts, persons, level=level, neighbours=neighbours)
        wide = rate_interval(counts, persons, level=0.99, neighbours=neighbours)
        np.testing.assert_array_equal(np.isnan(narrow.low), np.isnan(rate))
        known = ~np.isnan(rate)
        assert (wide.low[known] <= narrow.low[known] + 1e-9).all()
        assert (wide.high[known] >= narrow.high[known] - 1e-9).all()
        assert (wide.low[known] <= rate[known] + 1e-9).all()
        assert (wide.high[known] >= rate[known] - 1e-9).all()


def test_areas_that_differ_by_chance_alone_have_one_rate() -> None:
    found = rate_interval([10, 10], [100, 100], per=1)
    assert found.low.tolist() == found.high.tolist() == [0.1, 0.1]
    nobody = rate_interval([0, 0], [100, 200], per=1)
    assert nobody.low.tolist() == nobody.high.tolist() == [0.0, 0.0]
    with pytest.raises(UnitError, match="level"):
        rate_interval([1], [1], level=1)
    with pytest.raises(ShapeError, match="wanted one population an area"):
        rate_interval([1, 2], [1])
