"""Built against required, pace, forecast: what each case must say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from geo.errors import ShapeError, UnitError
from geo.model import Missing
from geo.targets import Outlook, Progress, attainment, forecast, judge, pace


def test_nothing_required_is_not_applicable_and_never_met() -> None:
    found = attainment([0, 0], [0, 3], target=0.0)
    assert found.states.tolist() == [Missing.NOT_APPLICABLE, Missing.OK]
    assert np.isnan(found.share[0])
    assert np.isnan(found.missing[0])
    assert found.met.tolist() == [False, True]


def test_unknown_is_no_data_and_never_zero() -> None:
    found = attainment([np.nan, 4, np.nan], [10, np.nan, 0], target=0.5)
    assert found.states.tolist() == [Missing.NO_DATA, Missing.NO_DATA, Missing.NOT_APPLICABLE]
    assert np.isnan(found.share).all()
    assert not found.met.any()


def test_a_withheld_input_withholds_the_share() -> None:
    ok, hidden, absent = int(Missing.OK), int(Missing.SUPPRESSED), int(Missing.NO_DATA)
    found = attainment(
        [8.0, 8.0, 8.0],
        [10.0, 10.0, 10.0],
        target=0.5,
        numerator_states=[hidden, ok, hidden],
        denominator_states=[ok, hidden, absent],
    )
    assert found.states.tolist() == [hidden, hidden, absent]
    assert np.isnan(found.share).all()
    assert np.isnan(found.missing).all()
    assert np.isnan(found.distance).all()


@pytest.mark.parametrize(("percent", "whole"), [(7, 100), (57, 100), (28, 100), (9, 30)])
def test_a_target_that_is_just_met_is_met(percent: int, whole: int) -> None:
    target = percent / whole
    found = attainment([percent, percent - 1], [whole, whole], target=target)
    assert found.met.tolist() == [True, False]
    assert found.missing.tolist() == [0.0, 1.0]


def test_upper_limits_turn_everything_round() -> None:
    found = attainment([12, 5], [100, 100], target=0.1, at_least=False)
    assert found.met.tolist() == [False, True]
    assert found.missing.tolist() == [2.0, 0.0]
    assert found.distance.tolist() == pytest.approx([0.02, 0.0])


def test_a_part_above_its_whole_is_doubted_and_a_ratio_is_not() -> None:
    assert attainment([12], [10], target=0.9).states.tolist() == [Missing.UNRELIABLE]
    ratio = attainment([57], [1], target=28.5, part=False)
    assert ratio.states.tolist() == [Missing.OK]
    assert ratio.met.tolist() == [True]


def test_half_posts_are_missing_as_halves() -> None:
    found = attainment([1.0], [6000], target=1 / 4000, part=False, whole=False)
    assert found.missing.tolist() == pytest.approx([0.5])


def test_what_is_given_wrong_is_said() -> None:
    with pytest.raises(UnitError, match="numerator: 1 value"):
        attainment([-1], [2], target=0.5)
    with pytest.raises(UnitError, match="target: nan"):
        attainment([1], [2], target=math.nan)
    with pytest.raises(ShapeError, match="numerator_states"):
        attainment([1], [2], target=0.5, numerator_states=[0, 0])
    with pytest.raises(ShapeError, match="one stands twice"):
        pace([1, 1], [0.1, 0.2])
    with pytest.raises(UnitError, match="level"):
        pace([1, 2], [0.1, 0.2], level=1.0)
    with pytest.raises(UnitError, match="weeks: one is not a number"):
        pace([1, np.nan], [0.1, 0.2])


@pytest.mark.parametrize(
    ("weeks", "shares"),
    [([0, 4, 8], [0.1, 0.2, 0.3]), ([0, 1, 2, 3, 7], [0.1] * 5),
     ([0, 4, 8, 12], [0.1, 0.2, np.nan, 0.3])],
)  # fmt: skip
def test_too_little_history_has_no_pace(weeks: list[float], shares: list[float]) -> None:
    assert math.isnan(pace(weeks, shares).per_week)
    assert forecast(weeks, shares, target=0.9).outlook == Outlook.NO_PACE


def test_one_corrected_figure_does_not_turn_the_pace() -> None:
    weeks = np.arange(20.0)
    shares = 0.4 + 0.01 * weeks
    shares[7] = 0.95
    found = forecast(weeks, shares, target=0.79)
    assert found.pace.per_week == pytest.approx(0.01, rel=0.02)
    assert found.weeks == pytest.approx(20, rel=0.03)


def test_standing_still_and_falling_back_never_get_there() -> None:
    weeks = np.arange(12.0)
    for slope in (0.0, -0.002):
        found = forecast(weeks, 0.5 + slope * weeks, target=0.8)
        assert found.outlook == Outlook.NOT_AT_THIS_PACE
        assert math.isnan(found.weeks)


def test_beyond_ten_years_is_not_at_this_pace() -> None:
    weeks = np.arange(12.0)
    assert forecast(weeks, 0.1 + 0.001 * weeks, target=0.99).outlook == Outlook.NOT_AT_THIS_PACE


def test_a_slow_end_that_never_arrives_is_infinite() -> None:
    rng = np.random.default_rng(4)
    weeks = np.arange(10.0)
    found = forecast(weeks, 0.5 + 0.002 * weeks + rng.normal(0, 0.02, 10), target=0.6)
    assert found.outlook == Outlook.REACHED
    assert found.earliest < found.weeks
    assert found.latest == math.inf


def test_autocorrelated_figures_are_fewer_proofs() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.01, 40)
    weeks = np.arange(40.0)
    alone = pace(weeks, 0.4 + 0.005 * weeks + noise)
    running = np.convolve(rng.normal(0, 0.01, 47), np.ones(8) / np.sqrt(8), mode="valid")
    together = pace(weeks, 0.4 + 0.005 * weeks + running)
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


def test_upper_limits_are_reached_downwards() -> None:
    weeks = np.arange(10.0)
    found = forecast(weeks, 0.3 - 0.01 * weeks, target=0.1, at_least=False)
    assert found.outlook == Outlook.REACHED
    assert found.weeks == pytest.approx(11)
    assert forecast(weeks, 0.3 + 0.01 * weeks, target=0.1, at_least=False).outlook == (
        Outlook.NOT_AT_THIS_PACE
    )


@pytest.mark.parametrize(
    ("state", "met", "due", "said"),
    [
        (Missing.NO_DATA, False, 10.0, Progress.NO_DATA),
        (Missing.SUPPRESSED, False, 10.0, Progress.WITHHELD),
        (Missing.NOT_APPLICABLE, False, 10.0, Progress.NOT_APPLICABLE),
        (Missing.OK, True, -5.0, Progress.MET),
        (Missing.UNRELIABLE, True, -5.0, Progress.MET),
        (Missing.OK, False, math.nan, Progress.SHORT),
        (Missing.OK, False, -1.0, Progress.BEHIND),
        (Missing.OK, False, 17.0, Progress.BEHIND),
        (Missing.OK, False, 19.0, Progress.ON_TRACK),
    ],
)
def test_words_for_how_it_stands(state: Missing, met: bool, due: float, said: Progress) -> None:
    ahead = forecast([0, 4, 8, 12], [0.50, 0.54, 0.58, 0.62], target=0.8)
    assert judge(state, met=met, ahead=ahead, due_weeks=due) == said


def test_without_a_pace_a_future_date_is_neither_kept_nor_missed() -> None:
    ahead = forecast([0], [0.5], target=0.8)
    assert judge(Missing.OK, met=False, ahead=ahead, due_weeks=30.0) == Progress.SHORT
