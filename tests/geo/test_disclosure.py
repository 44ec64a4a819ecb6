"""Withholding: plain cases one can check by hand, choices, and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from geo.disclosure import (
    outsider_range,
    suppress_derived,
    suppress_hierarchy,
    suppress_primary,
)
from geo.errors import CodeError, ShapeError, UnitError
from geo.model import Missing

ONE_TOWN = [np.zeros(4, dtype=int)]


def test_primary_states() -> None:
    shown = suppress_primary([[0.0, 1.0, 9.0, 10.0, np.nan]], k=10)
    np.testing.assert_array_equal(shown.values, [[0, np.nan, np.nan, 10, np.nan]])
    assert shown.states.dtype == np.uint8
    assert shown.states.tolist() == [[0, 2, 2, 0, 1]]


def test_small_or_unknown_populations() -> None:
    shown = suppress_primary(
        [0.0, 50.0, 50.0, 50.0], k=10, denominators=[20.0, 99.0, 100.0, np.nan], min_denominator=100
    )
    assert shown.states.tolist() == [0, 2, 0, 2]


def test_the_next_smallest_goes_with_a_lone_small_one() -> None:
    villages, town = suppress_hierarchy([[3, 40, 12, 0], [55]], ONE_TOWN, k=10)
    assert villages.states.tolist() == [2, 0, 2, 0]
    assert town.states.tolist() == [0]


def test_two_small_ones_whose_sum_is_small_are_not_enough() -> None:
    villages, town = suppress_hierarchy([[1, 2, 30, 0], [33]], ONE_TOWN, k=10)
    assert villages.states.tolist() == [2, 2, 2, 0]
    assert town.states.tolist() == [0]
    enough, _ = suppress_hierarchy([[6, 7, 30, 0], [43]], ONE_TOWN, k=10)
    assert enough.states.tolist() == [2, 2, 0, 0]


def test_what_is_to_be_kept_goes_last() -> None:
    keep = [np.array([False, False, True, False]), np.array([False])]
    villages, _ = suppress_hierarchy([[3, 40, 12, 0], [55]], ONE_TOWN, k=10, keep=keep)
    assert villages.states.tolist() == [2, 2, 0, 0]


def test_a_withheld_town_takes_a_village_with_it() -> None:
    # Town 0 is small by itself; town 1 goes with it, and so must one of its villages.
    counts = [[4, 0, 12, 30, 50], [4, 42, 50], [96]]
    parents = [np.array([0, 0, 1, 1, 2]), np.zeros(3, dtype=int)]
    villages, towns, county = suppress_hierarchy(counts, parents, k=10)
    assert towns.states.tolist() == [2, 2, 0]
    assert villages.states.tolist() == [2, 2, 2, 0, 0], "the zero under a withheld town goes too"
    assert county.states.tolist() == [0]


def test_a_town_of_one_village_goes_with_it() -> None:
    counts = [[50, 12, 20], [50, 32], [82]]
    parents = [np.array([0, 1, 1]), np.zeros(2, dtype=int)]
    people = [np.array([60.0, 9e3, 9e3]), np.array([9e3, 9e3]), np.array([9e4])]
    villages, towns, county = suppress_hierarchy(counts, parents, k=10, denominators=people)
    assert villages.states.tolist() == [2, 2, 0]
    assert towns.states.tolist() == [2, 2]
    assert county.states.tolist() == [0]


def test_a_count_without_parent_or_with_a_silent_parent_is_left_alone() -> None:
    villages, _ = suppress_hierarchy([[3, 40], [40]], [np.array([-1, 0])], k=10)
    assert villages.states.tolist() == [2, 0]
    villages, town = suppress_hierarchy([[3, 40], [np.nan]], [np.array([0, 0])], k=10)
    assert villages.states.tolist() == [2, 0]
    assert town.states.tolist() == [Missing.NO_DATA]


def test_it_ends_where_a_parent_is_no_sum_of_its_children() -> None:
    villages, town = suppress_hierarchy([[0, 0], [5]], [np.array([0, 0])], k=10)
    assert villages.states.tolist() == [2, 2]
    assert town.states.tolist() == [2]
    villages, town = suppress_hierarchy([[3, 20], [10]], [np.array([0, 0])], k=10)
    assert villages.states.tolist() == [2, 2]


def test_one_level_is_primary_alone() -> None:
    (only,) = suppress_hierarchy([[3, 40]], [], k=10)
    assert only.states.tolist() == [2, 0]


def test_an_outsider_finds_a_lone_count() -> None:
    villages, _ = outsider_range([[3, 40], [43]], [[2, 0], [0]], [np.array([0, 0])])
    assert (villages.low[0], villages.high[0]) == (3, 3)
    free, _ = outsider_range([[3, 40], [43]], [[2, 0], [2]], [np.array([0, 0])])
    assert (free.low[0], free.high[0]) == (1, np.inf)


def test_derived_values() -> None:
    values = np.array([[1.0, 2.0, 3.0, np.nan], [1.0, 2.0, 3.0, 4.0]])
    counts = np.array([[0, 2, 3, 0], [0, 0, 1, 4]], dtype=np.uint8)
    shown = suppress_derived(values, counts)
    assert shown.states.tolist() == [[0, 2, 3, 1], [0, 0, 1, 4]]
    np.testing.assert_array_equal(shown.values, [[1, np.nan, 3, np.nan], [1, 2, np.nan, np.nan]])
    trailing = suppress_derived(values, counts, window=2)
    assert trailing.states[1].tolist() == [0, 2, 1, 4]


@pytest.mark.parametrize("k", [4, 0, -1])
def test_k_below_five_protects_nobody(k: int) -> None:
    with pytest.raises(UnitError, match="5 or more"):
        suppress_primary([1.0], k=k)
    with pytest.raises(UnitError, match="5 or more"):
        suppress_hierarchy([[1.0]], [], k=k)


def test_disclosure_refuses() -> None:
    with pytest.raises(UnitError, match="negative"):
        suppress_primary([-1.0], k=10)
    with pytest.raises(ShapeError, match="one population"):
        suppress_primary([1.0, 2.0], k=10, denominators=[5.0])
    with pytest.raises(UnitError, match="min_denominator"):
        suppress_primary([1.0], k=10, denominators=[5.0], min_denominator=0)
    with pytest.raises(ShapeError, match="no level"):
        suppress_hierarchy([], [], k=10)
    with pytest.raises(ShapeError, match="parent_index"):
        suppress_hierarchy([[1.0], [1.0]], [], k=10)
    with pytest.raises(CodeError, match="outside"):
        suppress_hierarchy([[1.0], [1.0]], [np.array([1])], k=10)
    with pytest.raises(ShapeError, match="same weeks"):
        suppress_hierarchy([np.ones((2, 1)), np.ones((3, 1))], [np.array([0])], k=10)
    with pytest.raises(ShapeError, match="keep"):
        suppress_hierarchy([[1.0], [1.0]], [np.array([0])], k=10, keep=[[True]])
    with pytest.raises(ShapeError, match="denominators"):
        suppress_hierarchy([[1.0], [1.0]], [np.array([0])], k=10, denominators=[[1.0]])
    with pytest.raises(ShapeError, match="states"):
        suppress_derived([1.0])
    with pytest.raises(ShapeError, match="states"):
        suppress_derived([1.0], [0, 0])
    with pytest.raises(UnitError, match="window"):
        suppress_derived([1.0], [0], window=0)


def test_a_parent_goes_before_a_child_that_should_stay() -> None:
    counts = [[3, 30, 4, 40], [33, 44], [77]]
    towns = [[0, 0, 1, 1], [0, 0]]
    warned = [[False, True, False, False], [False, False], [False]]
    villages, shown, county = suppress_hierarchy(counts, towns, k=10, keep=warned)
    assert villages.states[1] == Missing.OK
    assert shown.states[0] == Missing.SUPPRESSED
    assert county.values.tolist() == [77]


def test_what_should_stay_goes_when_nothing_else_is_left() -> None:
    everything = [[[True, True]], [[True]], [[True]]]
    villages, town, _ = suppress_hierarchy(
        [[[3.0, 2.0]], [[5.0]], [[25.0]]], [[0, 0], [0]], k=10, keep=everything
    )
    assert (villages.states == Missing.SUPPRESSED).all()
    assert (town.states == Missing.SUPPRESSED).all()
