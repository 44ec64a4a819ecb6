"""Skill: the definitions, by slow loops; intervals; thresholds at equal rates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from geo.detect.evaluate import difference, evaluate_alarms, score_threshold, wilson_interval
from geo.errors import ShapeError, UnitError
from tests.reference.skill import skill

seeds = st.integers(0, 2**32 - 1)


def truth_of(rng: np.random.Generator, n: int, n_weeks: int, n_areas: int) -> np.ndarray:
    """One outbreak each, over some weeks and areas; some replicates have none."""
    truth = np.zeros((n, n_weeks, n_areas), dtype=bool)
    for replicate in truth[: max(n - 1, 1)]:
        start = rng.integers(n_weeks - 2)
        replicate[start : start + 3, rng.random(n_areas) < 0.5] = True
    return truth


@given(seeds, st.sampled_from([0.0, 0.1, 0.6, 1.0]))
def test_figures_are_those_of_slow_loops(seed: int, rate: float) -> None:
    rng = np.random.default_rng(seed)
    truth = truth_of(rng, 6, 9, 4)
    alarms = rng.random(truth.shape) < rate
    found = evaluate_alarms(alarms, truth, rng=rng)
    for name, value in skill(alarms.tolist(), truth.tolist()).items():
        estimate = getattr(found, name)
        np.testing.assert_allclose(estimate.value, value, err_msg=name)
        if not np.isnan(value):
            assert estimate.low - 1e-12 <= value <= estimate.high + 1e-12


def test_a_perfect_and_a_silent_detector() -> None:
    rng = np.random.default_rng(1)
    truth = np.zeros((5, 8), dtype=bool)
    truth[:, 3:6] = True
    best = evaluate_alarms(truth, truth, rng=rng)
    values = [best.fpr, best.pod, best.pod_first_week, best.sensitivity, best.ppv, best.timeliness]
    assert [estimate.value for estimate in values] == [0, 1, 1, 1, 1, 0]
    silent = evaluate_alarms(~truth & False, truth, rng=rng)
    assert (silent.pod.value, silent.fpr.value, silent.sensitivity.value) == (0, 0, 0)
    assert np.isnan([silent.ppv.value, silent.timeliness.value]).all()
    assert silent.n_outbreaks == 5


def test_weeks_without_an_answer_find_nothing_and_are_no_quiet_weeks() -> None:
    rng = np.random.default_rng(2)
    truth = np.array([[0, 0, 1, 1]], dtype=bool)
    known = np.array([[1, 0, 0, 0]], dtype=bool)
    found = evaluate_alarms(~truth | truth, truth, known=known, rng=rng)
    assert (found.fpr.value, found.pod.value) == (1.0, 0.0)
    assert np.isnan(found.sensitivity.value)


def test_bootstrap_holds_the_truth() -> None:
    rng = np.random.default_rng(3)
    truth = np.zeros((60, 40), dtype=bool)
    truth[:, 10:13] = True
    held = []
    for _ in range(100):
        found = evaluate_alarms(rng.random(truth.shape) < 0.05, truth, rng=rng)
        held.append(found.fpr.low <= 0.05 <= found.fpr.high)
    assert 0.88 <= np.mean(held) <= 1.0


@pytest.mark.parametrize(("successes", "trials"), [(0, 7), (3, 11), (11, 11), (50, 900)])
def test_wilson_equals_statsmodels(successes: int, trials: int) -> None:
    low, high = proportion_confint(successes, trials, method="wilson")
    found = wilson_interval(successes, trials)
    np.testing.assert_allclose([found.low, found.high], [low, high], atol=1e-12)


@given(seeds, st.sampled_from([0.0, 0.01, 0.1, 0.37, 1.0]))
def test_a_threshold_keeps_the_rate_and_no_lower_one_does(seed: int, rate: float) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 12, 200).astype(float)  # many ties
    scores[:5] = np.nan
    truth = rng.random(200) < 0.2
    quiet = scores[~truth & ~np.isnan(scores)]
    threshold = score_threshold(scores, truth, false_positive_rate=rate)
    assert (quiet >= threshold).mean() <= rate + 1e-12
    lower = [score for score in np.unique(quiet) if score < threshold]
    assert not lower or (quiet >= lower[-1]).mean() > rate


def test_differences_are_paired() -> None:
    one, other = np.array([1, 1, 1, 0] * 25), np.array([1, 0, 1, 0] * 25)
    found = difference(one, other)
    assert found.value == 0.25
    assert found.low == pytest.approx(0.25 - 1.959964 * np.sqrt(0.1875 / 100))
    assert difference(one, one) == (0.0, 0.0, 0.0)


def test_what_it_refuses() -> None:
    rng = np.random.default_rng(4)
    with pytest.raises(ShapeError, match=r"alarms \(2, 3\), outbreak \(2, 4\)"):
        evaluate_alarms(np.zeros((2, 3)), np.zeros((2, 4)), rng=rng)
    with pytest.raises(UnitError, match="level: 2; wanted a probability"):
        evaluate_alarms(np.zeros((2, 3)), np.zeros((2, 3)), rng=rng, level=2)
    with pytest.raises(ShapeError, match="no quiet week has one"):
        score_threshold([np.nan, 1.0], [False, True], false_positive_rate=0.1)
    with pytest.raises(UnitError, match="false_positive_rate: 2"):
        score_threshold([1.0], [False], false_positive_rate=2)
    with pytest.raises(UnitError, match="successes: 3 of 2"):
        wilson_interval(3, 2)
    with pytest.raises(ShapeError, match="wanted one shape"):
        difference([1], [1, 0])
