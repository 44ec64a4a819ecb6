"""The default policy over many areas: which method, which states, looks, what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from geo.detect.watch import Look, Method, false_alarms, watch_areas
from geo.errors import ShapeError, UnitError


def line_of(n: int, k: int) -> np.ndarray:
    """Areas in a row: the others by distance, -1 where there are no more."""
    order = np.argsort(np.abs(np.arange(n)[:, None] - np.arange(n)), axis=1, kind="stable")
    return order[:, 1 : k + 1]


def quiet(seed: int, n_areas: int, *, mean: float = 12.0, n_weeks: int = 320) -> np.ndarray:
    return np.random.default_rng(seed).poisson(mean, (n_weeks, n_areas)).astype(float)


def test_history_decides_the_method() -> None:
    counts = quiet(1, 3)
    counts[: 320 - 60, 1] = np.nan
    counts[:, 2] = np.nan
    found = watch_areas(counts, at=[319])
    assert found.method[0].tolist() == [Method.FARRINGTON, Method.EARS, Method.NONE]
    assert np.isnan(found.score[0]).tolist() == [False, False, True]
    assert found.reach[0].tolist() == [1, 1, 0]


def test_a_higher_count_never_scores_lower() -> None:
    many = np.repeat(quiet(2, 1), 60, axis=1)
    many[319] = np.arange(60.0)
    score = watch_areas(many, at=[319]).score[0]
    assert (np.diff(score) >= 0).all()
    assert score[-1] > score[0]


def test_neighbours_that_rise_together_stand_out_where_none_does_alone() -> None:
    counts = quiet(3, 40, mean=3.0)
    counts[319, 18:23] += 4.0
    alone = watch_areas(counts, at=[319])
    together = watch_areas(counts, at=[319], nearest=line_of(40, 12))
    assert (together.score[0, 18:23] > alone.score[0, 18:23]).sum() >= 4
    assert together.look[0, 20] == Look.NEIGHBOURS
    assert together.reach[0, 20] == 5
    assert together.excess[0, 20] > alone.excess[0, 20]


def test_who_has_no_more_cases_than_usual_is_not_warned_for_its_neighbours() -> None:
    counts = quiet(4, 40, mean=3.0)
    counts[318:320, 17:24] += 9.0
    counts[318:320, 20] = 0.0
    found = watch_areas(counts, at=[319], nearest=line_of(40, 12))
    assert found.score[0, 19] > 4
    assert found.score[0, 20] == 0.0


def test_weeks_that_rise_together_stand_out() -> None:
    counts = quiet(5, 30)
    counts[319, 3] = counts[319, 4] = 24.0
    counts[318, 4] = 24.0
    found = watch_areas(counts, at=[319])
    assert found.score[0, 4] > found.score[0, 3] + 0.5
    assert found.look[0, 4] == Look.OWN_WEEKS


def test_an_unknown_neighbour_is_as_if_it_were_not_there() -> None:
    counts = quiet(6, 20)
    counts[319, 10:13] += 8.0
    near = line_of(20, 6)
    without = counts.copy()
    without[:, 9] = np.nan
    cut = np.array([[j for j in row if j != 9] + [-1] * (9 in row) for row in near])
    found, as_if = (watch_areas(without, at=[319], nearest=n) for n in (near, cut))
    assert (found.score[0, :4] == as_if.score[0, :4]).all()
    assert np.isnan(found.score[0, 9])
    lone = watch_areas(without, at=[319], nearest=np.full((20, 12), -1))
    assert lone.reach[0].tolist() == [1] * 9 + [0] + [1] * 10


def test_after_nothing_but_zeros_one_case_is_no_alarm_but_several_are() -> None:
    counts = np.zeros((320, 5))
    counts[319] = np.arange(5)
    score = watch_areas(counts, at=[319], nearest=np.full((5, 1), -1)).score[0]
    assert score[1] < 3
    assert score[4] > 4


def test_what_an_area_without_cases_expects_rises_with_its_neighbours() -> None:
    rare, frequent = (np.column_stack([np.zeros(320), quiet(7, 4, mean=m)]) for m in (0.02, 2.0))
    expected = [
        watch_areas(counts, at=[319], nearest=line_of(5, 4)).expected[0, 0]
        for counts in (rare, frequent)
    ]
    assert 0 < expected[0] < expected[1] < 0.1


def test_a_week_half_reported_is_held_against_half_of_what_is_expected() -> None:
    counts = quiet(11, 60, mean=20.0)
    share = np.ones(320)
    share[319] = 0.5
    half = counts.copy()
    half[319] = np.random.default_rng(12).binomial(counts[319].astype(int), 0.5)
    whole = watch_areas(counts, at=[319])
    found = watch_areas(half, at=[319], reported=share)
    np.testing.assert_allclose(found.expected, whole.expected / 2)
    # A doubling is seen although half of it is not in yet; without the share it is not.
    half[319, 0] = 20.0
    half[318, 0] = 20.0
    assert watch_areas(half, at=[319], reported=share).score[0, 0] > 2.3
    assert watch_areas(half, at=[319]).score[0, 0] < 1


def test_false_alarms_are_those_of_chance() -> None:
    counts = np.concatenate([quiet(8, 400, mean=9.0), quiet(9, 400, mean=0.2)], axis=1)
    at = np.arange(280, 320)
    found = watch_areas(counts, at=at)
    week = false_alarms(found, counts[at], least_score=2.0, least_count=5.0)
    assert (week.n_tests == 800).all()
    # No rare measure reaches five: of these 400 next to no false alarm is expected.
    tail = float(stats.norm.sf(2.0))
    assert (np.abs(week.expected - 400 * tail) < 0.5).all()
    assert 0.6 < week.n_alarms.sum() / week.expected.sum() < 1.5
    assert np.median(week.fdr[week.n_alarms > 0]) > 0.5


def test_a_clear_outbreak_is_no_false_discovery() -> None:
    counts = quiet(10, 100)
    counts[319, :5] = 60.0
    found = watch_areas(counts, at=[318, 319])
    week = false_alarms(found, counts[[318, 319]], least_score=4.5, least_count=5.0)
    assert week.n_alarms.tolist() == [0, 5]
    assert np.isnan(week.fdr[0])
    assert week.fdr[1] < 1e-3


def test_what_it_refuses() -> None:
    counts = np.ones((30, 2))
    with pytest.raises(ShapeError, match="nearest: 3 rows; wanted one an area, 2"):
        watch_areas(counts, at=[29], nearest=np.zeros((3, 1), dtype=int))
    with pytest.raises(ShapeError, match="nearest: dtype float64; wanted integers"):
        watch_areas(counts, at=[29], nearest=np.zeros((2, 1)))
    with pytest.raises(UnitError, match=r"nearest: position\(s\) outside -1..1"):
        watch_areas(counts, at=[29], nearest=np.full((2, 1), 2))
    with pytest.raises(UnitError, match="min_years: 6; wanted 1 to max_years = 5"):
        watch_areas(counts, at=[29], min_years=6)
    with pytest.raises(UnitError, match=r"at: 1 week\(s\) that do not exist, first 30"):
        watch_areas(counts, at=[30])
    with pytest.raises(ShapeError, match=r"reported: shape \(2,\); wanted one share a week"):
        watch_areas(counts, at=[29], reported=[1.0, 1.0])
    with pytest.raises(UnitError, match=r"reported: share\(s\) outside 0 to 1"):
        watch_areas(counts, at=[29], reported=np.zeros(30))
    found = watch_areas(counts, at=[29])
    with pytest.raises(ShapeError, match=r"counts: shape \(30, 2\); wanted that of found"):
        false_alarms(found, counts, least_score=2.0)
    with pytest.raises(UnitError, match=r"least_score: -1\.0; wanted 0 to 38"):
        false_alarms(found, counts[[29]], least_score=-1.0)
