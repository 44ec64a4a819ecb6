"""EARS with gaps and long episodes, and its refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.detect.ears import Method, ears
from geo.errors import ShapeError, UnitError

QUIET = [3.0, 4.0, 2.0, 3.0, 5.0, 3.0, 2.0, 4.0, 3.0, 3.0]


def test_no_baseline_means_no_data_and_no_alarm() -> None:
    found = ears(QUIET, method="C2")
    assert np.isnan(found.expected[:9]).all()
    assert not np.isnan(found.expected[9:]).any()
    assert not found.alarm.any()
    assert np.isnan(ears(QUIET[:5], method="C1").score).all()
    assert ears(np.empty((0, 3)), method="C1").score.shape == (0, 3)


def test_a_missing_week_blanks_what_rests_on_it() -> None:
    counts = np.array(QUIET * 3)
    counts[12] = np.nan
    strict = ears(counts, method="C1")
    assert np.isnan(strict.score[12:20]).all()
    assert not np.isnan(strict.score[20:]).any()
    loose = ears(counts, method="C1", min_observed=5)
    assert np.isnan(loose.score[12])
    assert not np.isnan(loose.score[13:]).any()
    seen = np.delete(counts[8:15], 4)
    assert loose.expected[15] == pytest.approx(seen.mean())
    assert not np.isnan(loose.expected[12])


def test_c3_is_unknown_where_a_week_it_carries_over_is() -> None:
    counts = np.array(QUIET * 3)
    counts[20] = np.nan
    found = ears(counts, method="C3", min_observed=5, min_sigma=1.0)
    assert np.isnan(found.score[20:23]).all()
    assert np.isnan(found.upper_bound[20:23]).all()
    assert not found.alarm[20:23].any()
    assert not np.isnan(found.score[23:]).any()


def test_a_long_episode_does_not_silence_itself() -> None:
    counts = np.array([*QUIET, *QUIET, *[30.0] * 15, *QUIET])
    plain = ears(counts, method="C1", min_sigma=1.0)
    kept = ears(counts, method="C1", min_sigma=1.0, exclude_alarms=True)
    assert plain.alarm[20]
    assert not plain.alarm[25:35].any()
    assert kept.alarm[20:35].all()
    np.testing.assert_allclose(kept.expected[20:35], kept.expected[20])
    assert not kept.alarm[35:].any()


def test_a_new_normal_ends_an_endless_alarm() -> None:
    counts = np.array([*QUIET, *QUIET, *[30.0] * 60])
    found = ears(counts, method="C1", min_sigma=1.0, exclude_alarms=True, max_episode=12)
    assert found.alarm[20:32].all()
    assert not found.alarm[45:].any()
    assert found.expected[-1] == pytest.approx(30.0)


def test_exclusion_works_series_by_series_and_with_gaps() -> None:
    rng = np.random.default_rng(4)
    counts = rng.poisson(3.0, (80, 5)).astype(float)
    counts[30:45, 2] += 20
    counts[rng.random(counts.shape) < 0.05] = np.nan
    whole = ears(counts, min_sigma=1.0, exclude_alarms=True, min_observed=5)
    for j in range(5):
        one = ears(counts[:, j], min_sigma=1.0, exclude_alarms=True, min_observed=5)
        np.testing.assert_array_equal(whole.alarm[:, j], one.alarm)
    assert whole.alarm[30:45, 2][~np.isnan(counts[30:45, 2])].all()


def test_whole_counts_and_the_same_in_other_units_agree() -> None:
    """Whole counts go by running sums, fractions week by week: the scores have no unit."""
    rng = np.random.default_rng(8)
    counts = rng.poisson(3.0, (60, 40)).astype(float)
    counts[rng.random(counts.shape) < 0.05] = np.nan
    counts[20:40, 0] = 5.0
    for method in ("C1", "C2", "C3"):
        whole = ears(counts, method=method, min_observed=4, min_sigma=0.25)
        parts = ears(counts / 8.0, method=method, min_observed=4, min_sigma=0.25 / 8.0)
        np.testing.assert_allclose(parts.score, whole.score, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(parts.upper_bound * 8.0, whole.upper_bound, rtol=1e-12)
        assert whole.alarm.any()
        np.testing.assert_array_equal(parts.alarm, whole.alarm)


def test_one_giant_spike_and_all_zeros() -> None:
    counts = np.zeros((40, 2))
    counts[20, 0] = 1e15
    found = ears(counts, method="C1")
    assert found.alarm[:, 0].tolist() == [week == 20 for week in range(40)]
    assert not found.alarm[:, 1].any()
    # Once it has left the baseline, all is as before it.
    np.testing.assert_array_equal(found.expected[28:], 0.0)
    np.testing.assert_array_equal(found.upper_bound[28:], 0.0)


def test_a_flat_baseline_makes_any_rise_infinite_unless_sigma_has_a_floor() -> None:
    counts = [0.0] * 9 + [1.0]
    assert np.isinf(ears(counts, method="C2").score[-1])
    assert ears(counts, method="C2").alarm[-1]
    assert ears(counts, method="C2", min_sigma=1.0).score[-1] == 1.0
    assert ears([0.0] * 10, method="C2").score[-1] == 0.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "C4"},
        {"baseline": 2},
        {"min_sigma": -0.1},
        {"min_sigma": float("nan")},
        {"alpha": 0.0},
        {"alpha": 0.6},
        {"min_observed": 1},
        {"min_observed": 8},
        {"max_episode": 0},
    ],
)
def test_ears_refuses_options(wrong: dict[str, object]) -> None:
    with pytest.raises(UnitError, match=next(iter(wrong))):
        ears(QUIET, **wrong)


def test_ears_refuses_input() -> None:
    with pytest.raises(UnitError, match="negative"):
        ears([1.0, -1.0])
    with pytest.raises(UnitError, match="infinite"):
        ears([1.0, np.inf])
    with pytest.raises(ShapeError, match="dimension"):
        ears(np.zeros((2, 2, 2)))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    mean=st.sampled_from([0.05, 0.5, 4.0, 3000.0]),
    method=st.sampled_from(["C1", "C2", "C3"]),
    min_sigma=st.sampled_from(["none", "one", "each"]),
    gaps=st.booleans(),
)
def test_ears_alarms_are_counts_above_the_bound(
    seed: int, mean: float, method: Method, min_sigma: str, *, gaps: bool
) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(mean, (40, 6)).astype(float)
    if gaps:
        counts[rng.random(counts.shape) < 0.05] = np.nan
    floor = {"none": 0.0, "one": 0.5, "each": rng.uniform(0.1, 2.0, counts.shape)}[min_sigma]
    found = ears(counts, method=method, min_sigma=floor)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(found.alarm, counts > found.upper_bound)


def test_ears_numbers_are_of_the_counts_as_they_were_handed_in() -> None:
    counts = np.random.default_rng(3).poisson(4.0, (30, 2)).astype(float)
    found, before = ears(counts), ears(counts.copy())
    counts[:] = 0.0
    np.testing.assert_array_equal(found.upper_bound, before.upper_bound)
