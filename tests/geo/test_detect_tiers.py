"""Tiers by score and size, raised by rules, held; three colours; policies that are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import norm

from geo.detect.tiers import (
    Evidence,
    Raise,
    Tiers,
    base_tiers,
    highest_tier,
    legend_tiers,
    policy_faults,
    shown_tiers,
    weekly_tiers,
    weeks_running,
)
from geo.errors import FaultsError, ShapeError, UnitError
from geo.model import Colours, GapClass, Tier, TierPolicy

POLICY = TierPolicy()
NAN = float("nan")
# Scores of one week that give each tier by themselves.
OF = {-1: NAN, 0: 0.0, 1: 2.5, 2: 3.2, 3: 4.0, 4: 6.0}


def weeks(
    *tiers: int,
    spread: float = NAN,
    upstream: float = NAN,
    gap: float = NAN,
    policy: TierPolicy = POLICY,
) -> Tiers:
    """Tiers of one area whose scores give `tiers`, with the same circumstances every week."""
    score = np.array([[OF[tier]] for tier in tiers])
    counts = np.where(np.isnan(score), NAN, 60.0)

    def always(value: float) -> npt.NDArray[np.float64]:
        return np.full(score.shape, value)

    evidence = Evidence(counts, score, always(40.0), always(spread), always(upstream), always(gap))
    return weekly_tiers(evidence, policy=policy, floor=10)


def test_default_scores_are_the_stated_chances() -> None:
    wanted = norm.isf([1e-2, 1e-3, 1e-4, 1e-6])
    np.testing.assert_allclose(POLICY.scores, wanted, atol=0.005)


def test_tiers_begin_at_their_scores() -> None:
    score = np.array([2.32, 2.33, 3.09, 3.72, 4.75, np.inf, -3.0, np.nan, 9.0, 9.0])
    counts = np.array([20.0] * 8 + [9.0, np.nan])
    found = base_tiers(counts, score, np.full(10, 15.0), policy=POLICY, floor=10)
    assert found.dtype == np.int8
    assert found.tolist() == [0, 1, 2, 3, 4, 4, 0, -1, 0, -1]


def test_tiers_ask_for_count_and_excess() -> None:
    counts = [4, 5, 7, 8, 9, 10]
    found = base_tiers(counts, [9.0] * 6, [20] * 6, policy=POLICY, floor=2)
    assert found.tolist() == [0, 2, 2, 3, 3, 4]
    excess = [1.9, 2, 3, 5, 8, np.nan]
    found = base_tiers([50] * 6, [9.0] * 6, excess, policy=POLICY, floor=2)
    assert found.tolist() == [0, 1, 2, 3, 4, -1]


def test_a_week_without_data_is_neither_quiet_nor_an_end() -> None:
    found = weeks(0, 2, -1, -1, 0, 0, 0, 0)
    assert found.tier[:, 0].tolist() == [0, 2, -1, -1, 2, 2, 1, 0]
    assert found.held[:, 0].tolist() == [False] * 4 + [True] * 3 + [False]
    assert found.weeks_running[:, 0].tolist() == [0, 1, 0, 0, 4, 5, 6, 0]


def test_what_was_before_a_long_silence_is_forgotten() -> None:
    policy = replace(POLICY, memory_weeks=2)
    assert weeks(4, -1, -1, 0, policy=policy).tier[:, 0].tolist() == [4, -1, -1, 4]
    found = weeks(4, -1, -1, -1, 0, 1, policy=policy)
    assert found.tier[:, 0].tolist() == [4, -1, -1, -1, 0, 1]
    assert found.weeks_running[:, 0].tolist() == [1, 0, 0, 0, 0, 1]


def test_rises_at_once_and_falls_a_step_at_a_time() -> None:
    found = weeks(0, 1, 4, 0, 0, 0, 0, 0, 0)
    assert found.tier[:, 0].tolist() == [0, 1, 4, 4, 4, 3, 2, 1, 0]
    assert found.base[:, 0].tolist() == [0, 1, 4, 0, 0, 0, 0, 0, 0]
    assert found.weeks_running[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 0]


def test_never_falls_below_what_the_week_gives_itself() -> None:
    found = weeks(4, 2, 2, 2, 2, 0, 0, 0, 0, policy=replace(POLICY, persistence_weeks=0))
    assert found.tier[:, 0].tolist() == [4, 4, 4, 3, 2, 2, 2, 1, 0]
    assert found.held[:, 0].tolist() == [False, True, True, True, False, True, True, True, False]


def test_without_hold_each_week_speaks_for_itself() -> None:
    found = weeks(4, 0, 1, 0, policy=replace(POLICY, hold_weeks=0))
    assert found.tier[:, 0].tolist() == [4, 0, 1, 0]
    assert not found.held.any()


@pytest.mark.parametrize(
    ("told", "flag"),
    [
        ({"spread": 0.5}, Raise.SPREAD),
        ({"upstream": 3.0}, Raise.UPSTREAM),
        ({"gap": 3.0}, Raise.GAP),
    ],
)
def test_each_rule_raises_a_step_and_says_so(told: dict[str, float], flag: Raise) -> None:
    found = weeks(1, **told)
    assert (found.tier[0, 0], found.base[0, 0], found.raised[0, 0]) == (2, 1, flag)
    below = {key: value - 0.01 for key, value in told.items()}
    assert weeks(1, **below).tier[0, 0] == 1
    # None of them makes a warning of a week that is none.
    assert weeks(0, **told).tier[0, 0] == 0
    assert weeks(-1, **told).tier[0, 0] == -1
    # What cannot be raised tells of no rule.
    assert weeks(4, **told).raised[0, 0] == 0


def test_persistence_counts_known_weeks_in_a_row() -> None:
    found = weeks(1, 1, -1, 1, 0, 1)
    assert found.weeks_high[:, 0].tolist() == [1, 2, 0, 3, 0, 1]
    assert found.raised[:, 0].tolist() == [0, 0, 0, Raise.PERSISTENCE, 0, 0]
    assert found.tier[3, 0] == 2


def test_an_alert_from_above_lifts_no_further_than_to_its_tier() -> None:
    found = weeks(2, upstream=4.0)
    assert (found.tier[0, 0], found.raised[0, 0]) == (2, 0)


def test_rules_together_stop_at_the_set_number_of_steps() -> None:
    told = {"spread": 1.0, "upstream": 4.0, "gap": 3.0}
    assert weeks(1, **told).tier[0, 0] == 2
    all_flags = Raise.SPREAD | Raise.UPSTREAM | Raise.GAP
    assert weeks(1, **told).raised[0, 0] == all_flags
    assert weeks(1, **told, policy=replace(POLICY, max_steps=2)).tier[0, 0] == 3
    assert weeks(1, **told, policy=replace(POLICY, max_steps=0)).tier[0, 0] == 1


def test_red_only_from_yellow() -> None:
    policy = replace(POLICY, max_steps=3, persistence_weeks=2)
    told = {"spread": 1.0, "upstream": 4.0, "gap": 3.0}
    assert weeks(1, 1, **told, policy=policy).tier[1, 0] == Tier.ORANGE
    assert weeks(2, 2, **told, policy=policy).tier[1, 0] == Tier.RED


def test_rules_that_are_off_raise_nothing() -> None:
    off = replace(
        POLICY,
        persistence_weeks=0,
        spread_share=0.0,
        upstream_from=Tier.NONE,
        upstream_to=Tier.NONE,
        gap_from=GapClass.NONE,
    )
    found = weeks(1, 1, 1, 1, spread=1.0, upstream=4.0, gap=3.0, policy=off)
    assert found.tier[:, 0].tolist() == [1, 1, 1, 1]
    assert not found.raised.any()


def test_three_colours() -> None:
    assert shown_tiers([[-1, 0, 1], [2, 3, 4]], Colours.THREE).tolist() == [[-1, 0, 0], [2, 2, 4]]
    assert shown_tiers([-1, 0, 1, 2, 3, 4], Colours.FOUR).tolist() == [-1, 0, 1, 2, 3, 4]
    assert legend_tiers(Colours.FOUR) == tuple(sorted(Tier, reverse=True))
    policy = replace(POLICY, colours=Colours.THREE)
    found = weeks(1, 2, -1, 4, 0, 0, 0, 0, 0, policy=policy)
    assert found.tier[:, 0].tolist() == [0, 2, -1, 4, 4, 4, 2, 2, 0]
    assert found.weeks_running[:, 0].tolist() == [0, 1, 0, 3, 4, 5, 6, 7, 0]
    # A step that three colours do not show is told by nobody.
    assert weeks(2, gap=3.0, policy=policy).raised[0, 0] == 0


def test_giant_spike_and_all_zero() -> None:
    counts = np.zeros((8, 2))
    counts[4, 0] = 1e9
    nothing = np.full(counts.shape, np.nan)
    found = weekly_tiers(
        Evidence(counts, np.where(counts > 0, 38.0, 0.0), counts, nothing, nothing, nothing),
        policy=POLICY,
        floor=10,
    )
    assert found.tier[:, 0].tolist() == [0, 0, 0, 0, 4, 4, 4, 3]
    assert not found.tier[:, 1].any()


def test_no_weeks_and_no_areas() -> None:
    for shape in ((0, 3), (5, 0), (0, 0)):
        empty = np.zeros(shape)
        found = weekly_tiers(Evidence(*[empty] * 6), policy=POLICY, floor=10)
        assert found.tier.shape == found.weeks_running.shape == found.held.shape == shape


@pytest.mark.parametrize(
    ("wrong", "where", "told"),
    [
        ({"scores": (3, 2, 4, 5)}, "yellow", "2; wanted a score above that of blue = 3"),
        ({"scores": (0, 2, 4, 5)}, "blue", "0; wanted a score above 0"),
        ({"scores": (1, 2, NAN, 5)}, "orange", "nan"),
        ({"min_counts": (1, 5, 5, 5)}, "least_count.blue", "2 or more"),
        ({"min_counts": (5, 5, 9, 8)}, "least_count.red", "8; wanted at least that of orange = 9"),
        ({"min_excess": (2, 1, 3, 4)}, "least_excess.yellow", "at least that of blue = 2"),
        ({"max_steps": 4}, "max_steps", "4; wanted 0 to 3"),
        ({"persistence_weeks": 1}, "persistence_weeks", "2 or more, or 0 for off"),
        ({"spread_share": 1.5}, "spread_share", "1.5; wanted 0 to 1"),
        ({"hold_weeks": -1}, "hold_weeks", "-1; wanted 0 to 26"),
        ({"memory_weeks": 27}, "memory_weeks", "27; wanted 0 to 26"),
        ({"upstream_from": Tier.NONE}, "upstream_to", "yellow, with upstream_from = none"),
        ({"upstream_to": Tier.RED}, "upstream_to", "red; wanted at most upstream_from = orange"),
    ],
)
def test_unsound_policies_are_told_by_key(wrong: dict[str, object], where: str, told: str) -> None:
    faults = policy_faults(replace(POLICY, **wrong))
    assert [fault.where for fault in faults] == [where, *[f.where for f in faults[1:]]]
    assert told in str(faults[0])
    with pytest.raises(FaultsError, match=where):
        weeks(1, policy=replace(POLICY, **wrong))


def test_input_that_is_refused() -> None:
    ones = np.ones((3, 2))
    with pytest.raises(ShapeError, match=r"gap: shape \(3, 1\); wanted that of counts, \(3, 2\)"):
        weekly_tiers(Evidence(ones, ones, ones, ones, ones, ones[:, :1]), policy=POLICY, floor=10)
    with pytest.raises(ShapeError, match="counts: 1 dimension"):
        weekly_tiers(Evidence(*[np.ones(3)] * 6), policy=POLICY, floor=10)
    with pytest.raises(UnitError, match="negative"):
        weekly_tiers(Evidence(-ones, ones, ones, ones, ones, ones), policy=POLICY, floor=10)
    with pytest.raises(ShapeError, match="one shape"):
        base_tiers([1.0], [1.0, 2.0], [1.0], policy=POLICY, floor=10)
    with pytest.raises(ShapeError, match="weeks"):
        weeks_running(np.zeros((2, 2, 2)))
    with pytest.raises(UnitError, match="memory_weeks"):
        weeks_running([0], memory_weeks=-1)
    with pytest.raises(ShapeError, match="measure"):
        highest_tier(np.zeros((0, 3)))


def test_runs_of_weeks() -> None:
    tiers = np.array([[1, 0], [2, -1], [-1, 1], [3, 1], [1, 4]])
    assert weeks_running(tiers).tolist() == [[1, 0], [2, 0], [0, 1], [1, 2], [2, 3]]
    assert weeks_running(tiers, memory_weeks=1)[:, 0].tolist() == [1, 2, 0, 4, 5]
