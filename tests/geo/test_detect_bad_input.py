"""What every detector does with zeros, one giant week, gaps, negative counts and short series."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import sparse

from geo.detect import (
    cusum,
    ears,
    farrington_flexible,
    getis_ord,
    local_moran,
    space_time_scan,
    spatial_scan,
    watch_areas,
)
from geo.errors import UnitError

LINE = np.column_stack([np.arange(6) * 100.0, np.zeros(6)])
CHAIN = sparse.csr_array(sparse.diags_array([np.ones(5)] * 2, offsets=[-1, 1]))
PERSONS = np.full(6, 100.0)
GIANT = 1e7


def rng() -> np.random.Generator:
    return np.random.default_rng(8)


def weeks(n: int = 320, n_areas: int = 6) -> np.ndarray:
    return rng().poisson(6.0, (n, n_areas)).astype(float)


SERIES: dict[str, Callable[[np.ndarray], object]] = {
    "ears": ears,
    "farrington": lambda counts: farrington_flexible(counts, at=[len(counts) - 1]),
    "cusum": lambda counts: cusum(counts, expected=6.0),
    "watch": lambda counts: watch_areas(counts, at=[len(counts) - 1]),
    "space_time_scan": lambda counts: space_time_scan(
        counts, PERSONS, LINE, replicates=9, rng=rng()
    ),
}


@pytest.mark.parametrize("name", SERIES)
def test_a_negative_count_is_refused(name: str) -> None:
    counts = weeks(40)
    counts[3, 2] = -1.0
    with pytest.raises(UnitError, match=r"counts|cases: 1 value\(s\) negative"):
        SERIES[name](counts)


@pytest.mark.parametrize("name", SERIES)
def test_an_infinite_count_is_refused(name: str) -> None:
    counts = weeks(40)
    counts[3, 2] = np.inf
    with pytest.raises(UnitError, match="infinite"):
        SERIES[name](counts)


def test_series_of_zeros_raise_no_alarm() -> None:
    zeros = np.zeros((320, 6))
    assert not ears(zeros).alarm.any()
    assert not farrington_flexible(zeros, at=[319]).alarm.any()
    assert not cusum(zeros, expected=6.0).alarm.any()
    found = watch_areas(zeros, at=[319])
    assert (found.score <= 0).all()
    assert space_time_scan(zeros, PERSONS, LINE, rng=rng()) == ()
    assert np.isnan(getis_ord(np.zeros(6), CHAIN).z).all()
    assert np.isnan(local_moran(np.zeros(6), CHAIN, permutations=0).statistic).all()


def test_one_giant_week_is_found_and_the_others_stay_as_they_are() -> None:
    counts = weeks()
    before = watch_areas(counts, at=[319])
    counts[319, 4] = GIANT
    found = watch_areas(counts, at=[319])
    assert np.isfinite(found.score).all()
    assert found.score[0, 4] == found.score.max() > 5
    np.testing.assert_array_equal(np.delete(found.score, 4, 1), np.delete(before.score, 4, 1))
    assert ears(counts).alarm[319].tolist() == [False] * 4 + [True, False]
    cases = counts[319]
    top = spatial_scan(cases, PERSONS, LINE, replicates=9, rng=rng())[0]
    assert (top.members.tolist(), top.p) == ([4], 0.1)
    last = space_time_scan(counts, PERSONS, LINE, replicates=9, rng=rng())[0]
    assert (last.members.tolist(), last.weeks, last.p) == ([4], 1, 0.1)
    hot = getis_ord(cases, CHAIN)
    assert np.argmax(hot.z) in {3, 4, 5}
    assert np.isfinite(hot.z).all()


def test_a_giant_week_in_the_past_keeps_to_its_area() -> None:
    counts = weeks()
    counts[319] = 40.0
    before = watch_areas(counts, at=[319])
    counts[200, 2] = GIANT
    found = watch_areas(counts, at=[319])
    assert np.isfinite(found.score).all()
    # The area itself is then expected to vary as much again: docs/limits.md.
    assert found.score[0, 2] < before.score[0, 2]
    np.testing.assert_array_equal(np.delete(found.score, 2, 1), np.delete(before.score, 2, 1))


def test_a_gap_is_unknown_and_touches_nobody_else() -> None:
    counts = weeks()
    whole = watch_areas(counts, at=[318, 319])
    counts[319, 1] = np.nan
    holed = watch_areas(counts, at=[318, 319])
    assert np.isnan(holed.score).tolist() == [[False] * 6, [False, True] + [False] * 4]
    np.testing.assert_array_equal(np.delete(holed.score, 1, 1), np.delete(whole.score, 1, 1))
    assert np.isnan(cusum(counts, expected=6.0).score[319]).tolist() == [
        False, True, False, False, False, False,
    ]  # fmt: skip
    for cluster in space_time_scan(counts, PERSONS, LINE, replicates=9, alpha=1.0, rng=rng()):
        assert 1 not in cluster.members


@pytest.mark.parametrize("n", [1, 3, 8])
def test_fewer_weeks_than_a_baseline_give_no_answer(n: int) -> None:
    counts = weeks(n)
    assert np.isnan(ears(counts).score[-1]).all()
    assert not ears(counts).alarm.any()
    assert np.isnan(farrington_flexible(counts, at=[n - 1]).upper_bound).all()
    found = watch_areas(counts, at=[n - 1])
    assert np.isnan(found.score).all()
    assert (found.method == 0).all()


def test_a_scan_over_more_weeks_than_there_are_is_refused() -> None:
    with pytest.raises(UnitError, match="max_weeks: 8; wanted 1 to the 4 weeks of cases"):
        space_time_scan(weeks(4), PERSONS, LINE, rng=rng())


def test_areas_without_neighbours_stand_alone() -> None:
    counts = weeks()
    counts[319, 3] = 60.0
    alone = watch_areas(counts, at=[319], nearest=np.full((6, 3), -1))
    assert np.argmax(alone.score) == 3
    assert (alone.reach == 1).all()
    empty = sparse.csr_array((6, 6))
    hot = getis_ord(counts[319], empty, permutations=9, rng=rng())
    assert np.argmax(hot.z) == 3
    assert np.isnan(hot.p_permuted).all()
    moran = local_moran(counts[319], empty, permutations=9, rng=rng())
    assert np.isnan(moran.statistic).all()
    assert (moran.quadrant == 0).all()


def test_one_area_is_no_cluster() -> None:
    assert spatial_scan([50.0], [100.0], [(0.0, 0.0)], replicates=9, rng=rng()) == ()
