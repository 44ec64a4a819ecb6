"""Worst tenths under other borders: against loops over residents, exact cases, chance, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import CodeError, ShapeError, UnitError
from geo.maup import (
    area_stability,
    shifted_squares,
    staying_share,
    worst_areas,
    zone_means,
    zone_medians,
)
from tests.reference import zonings

seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.sampled_from([0.05, 0.1, 0.25, 0.5]))
def test_the_worst_tenth_equals_a_queue_of_residents(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 40))
    values = rng.choice([0.0, 1.0, 2.5, 7.0, 9.0, np.nan], n) + rng.choice([0.0, 0.1], n)
    persons = rng.integers(0, 60, n)
    found = worst_areas(values, persons, share=share)
    assert found.tolist() == zonings.worst(values.tolist(), persons.tolist(), share)


@given(seeds)
def test_the_worst_tenth_holds_a_tenth_and_without_its_best_value_does_not(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, persons = rng.integers(0, 9, 50).astype(float), rng.integers(1, 90, 50).astype(float)
    worst = worst_areas(values, persons) == 1
    assert persons[worst].sum() >= 0.1 * persons.sum()
    assert values[worst].min() > np.max(values[~worst], initial=-1)
    without = worst & (values > values[worst].min())
    assert persons[without].sum() < 0.1 * persons.sum()


def test_equal_values_are_all_or_none_among_the_worst() -> None:
    assert worst_areas(np.full(5, 3.0), np.ones(5)).tolist() == [1] * 5
    assert worst_areas([np.nan, 1.0, 1.0], [5.0, 0.0, np.nan]).tolist() == [-1, -1, -1]
    assert worst_areas([], []).size == 0


@given(seeds)
def test_shares_that_stay_equal_plain_loops(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.integers(-1, 2, (2, 40))
    persons = rng.integers(0, 50, 40).astype(float)
    found = staying_share(first, second, persons)
    slow = zonings.staying(first.tolist(), second.tolist(), persons.tolist())
    np.testing.assert_allclose([found.share, found.expected], slow, rtol=1e-12)


@given(seeds)
def test_the_same_borders_keep_everybody(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, persons = rng.normal(size=30), rng.uniform(0, 50, 30)
    worst = worst_areas(values, persons)
    assert staying_share(worst, worst, persons).share == 1.0
    stable = area_stability([worst, worst], persons, np.arange(30), n_areas=30)
    np.testing.assert_array_equal(stable.share[worst >= 0], worst[worst >= 0])


def test_values_without_order_stay_as_often_as_chance() -> None:
    rng = np.random.default_rng(4)
    n = 40_000
    persons = rng.uniform(50, 150, n)
    one, other = (worst_areas(rng.normal(size=n), persons) for _ in range(2))
    found = staying_share(one, other, persons)
    assert found.expected == pytest.approx(0.1, abs=0.001)
    assert found.share == pytest.approx(0.1, abs=0.015)


def test_a_smooth_field_stays_under_shifted_squares_and_noise_does_not() -> None:
    rng = np.random.default_rng(8)
    xy = rng.uniform(0, 20_000, (8000, 2))
    persons = np.full(len(xy), 100.0)
    smooth = -np.hypot(*(xy - 15_000).T)

    def stays(values: np.ndarray) -> float:
        marks = []
        for shift in ((0.0, 0.0), (0.5, 0.5)):
            zones = shifted_squares(xy, size_m=1500, shift=shift)
            n = int(zones.max()) + 1
            means = zone_means(values, persons, zones, n_zones=n)
            people = np.bincount(zones, persons, minlength=n)
            marks.append(worst_areas(means, people)[zones])
        return staying_share(*marks, persons).share

    assert stays(smooth) > 0.8
    assert stays(rng.normal(size=len(xy))) < 0.5


@given(seeds, st.floats(200, 3000), st.floats(-1, 1))
def test_points_of_one_square_are_nearer_than_its_diagonal(
    seed: int, size_m: float, shift: float
) -> None:
    xy = np.random.default_rng(seed).uniform(-5000, 5000, (60, 2))
    zones = shifted_squares(xy, size_m=size_m, shift=(shift, -shift))
    assert sorted(set(zones.tolist())) == list(range(int(zones.max()) + 1))
    for zone in range(int(zones.max()) + 1):
        inside = xy[zones == zone]
        assert (np.ptp(inside, axis=0) <= size_m).all()
    whole = shifted_squares(xy, size_m=size_m, shift=(shift + 1, -shift + 2))
    np.testing.assert_array_equal(whole, zones)
    assert shifted_squares([(np.nan, 1.0), (1.0, 1.0)], size_m=size_m).tolist() == [-1, 0]


@given(seeds)
def test_zone_means_keep_the_mean_over_all_residents(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, persons = rng.normal(size=40), rng.uniform(0, 9, 40)
    zones = rng.integers(0, 5, 40)
    means = zone_means(values, persons, zones, n_zones=5)
    people = np.bincount(zones, persons, minlength=5)
    assert np.nansum(means * people) == pytest.approx((values * persons).sum())


@given(seeds)
def test_medians_equal_a_queue_of_residents(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.choice([0.0, 1.0, 2.0, 3.0, np.nan], 30)
    persons, zones = rng.integers(0, 20, 30), rng.integers(-1, 4, 30)
    found = zone_medians(values, persons, zones, n_zones=5)
    for zone in range(5):
        inside = zones == zone
        slow = zonings.median(values[inside].tolist(), persons[inside].tolist())
        np.testing.assert_equal(found[zone], slow)


def test_empty_cells_and_unknown_values_move_no_mean() -> None:
    found = zone_means([1.0, np.inf, np.nan, 4.0], [10, 0, 5, np.nan], [0, 0, 0, 1], n_zones=3)
    np.testing.assert_array_equal(found, [1.0, np.nan, np.nan])


def test_half_of_the_residents_make_an_area_one_of_the_worst() -> None:
    marks = [[1, 0, 1, -1], [1, 0, 0, -1], [0, 0, -1, -1]]
    found = area_stability(marks, [10, 10, 5, 7], [0, 0, 1, 1], n_areas=3)
    np.testing.assert_array_equal(found.share, [2 / 3, 1 / 2, np.nan])
    assert found.variants.tolist() == [3, 2, 0]


def test_zonings_refuse() -> None:
    with pytest.raises(UnitError, match=r"persons: 1 value\(s\) negative"):
        worst_areas([1.0], [-5.0])
    with pytest.raises(UnitError, match="values: an infinite value"):
        worst_areas([np.inf], [5.0])
    with pytest.raises(UnitError, match="share: 10; wanted a share"):
        worst_areas([1.0], [5.0], share=10)
    with pytest.raises(ShapeError, match="lengths differ"):
        worst_areas([1.0], [5.0, 6.0])
    with pytest.raises(UnitError, match="size_m"):
        shifted_squares([(0.0, 0.0)], size_m=0)
    with pytest.raises(UnitError, match="shift"):
        shifted_squares([(0.0, 0.0)], size_m=1, shift=(np.nan, 0))
    with pytest.raises(ShapeError, match="first: shape"):
        staying_share([2], [1], [1.0])
    with pytest.raises(ShapeError, match="variants: 2 units for 1 persons"):
        area_stability([[1, 0]], [1.0], [0], n_areas=1)
    with pytest.raises(CodeError, match="areas"):
        area_stability([[1]], [1.0], [1], n_areas=1)
    with pytest.raises(CodeError, match="zones: 1 position"):
        zone_medians([1.0], [1.0], [3], n_zones=2)
    with pytest.raises(CodeError, match=r"parent_index: 1 position"):
        zone_means([1.0], [1.0], [3], n_zones=2)
