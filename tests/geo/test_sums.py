"""Sums beside withheld counts, guesses for them, and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from geo.disclosure import Earlier, Published, release_sums, stand_in, suppress_again
from geo.errors import ShapeError, UnitError

ONE_TOWN = [np.zeros(2, dtype=int)]


def test_a_sum_with_one_withheld_week_is_not_published() -> None:
    weeks = np.array([[3.0, 12.0], [20.0, 30.0], [20.0, 30.0], [20.0, 30.0]])
    states = np.array([[2, 2], [0, 0], [0, 0], [0, 0]])
    town = weeks.sum(axis=1, keepdims=True)
    villages, towns = release_sums([weeks, town], [states, town * 0], ONE_TOWN, [(0, 3)], k=10)
    assert villages.tolist() == [[False, False]]
    assert towns.tolist() == [[True]]


def test_a_longer_sum_stands_where_the_shorter_cannot() -> None:
    weeks = np.array([[3.0, 12.0], [20.0, 30.0], [8.0, 11.0], [9.0, 10.0]])
    states = np.array([[2, 2], [0, 0], [2, 2], [2, 2]])
    town = weeks.sum(axis=1, keepdims=True)
    villages, _ = release_sums([weeks, town], [states, town * 0], ONE_TOWN, [(0, 1), (0, 3)], k=10)
    assert villages.tolist() == [[False, False], [True, True]]


def test_few_people_and_barred_sums_stay_withheld() -> None:
    weeks = np.full((2, 2), 40.0)
    none = np.zeros((2, 2))
    town = weeks.sum(axis=1, keepdims=True)
    people = [np.array([50.0, 900.0]), np.array([950.0])]
    barred = [np.array([[False, True]]), np.array([[False]])]
    villages, _ = release_sums(
        [weeks, town], [none, town * 0], ONE_TOWN, [(0, 1)], k=10, denominators=people,
        barred=barred,
    )  # fmt: skip
    assert villages.tolist() == [[False, False]]


def test_guesses_add_up_and_leave_the_published_alone() -> None:
    villages = Published(np.array([np.nan, np.nan, 40.0, np.nan]), np.array([2, 2, 0, 1]))
    towns = Published(np.array([52.0, np.nan]), np.array([0, 2]))
    county = Published(np.array([60.0]), np.array([0]))
    found = stand_in(
        [villages, towns, county],
        [[0, 0, 0, 1], [0, 0]],
        [[100, 300, 200, 50], [600, 50], [650]],
        otherwise=5,
    )
    np.testing.assert_array_equal(found[0], [3.0, 9.0, 40.0, np.nan])
    np.testing.assert_array_equal(found[1], [52.0, 8.0])


def test_sums_refuse() -> None:
    weeks = np.full((4, 1), 40.0)
    states = [np.zeros((4, 1))]
    with pytest.raises(ShapeError, match="overlaps"):
        release_sums([weeks], states, [], [(0, 2), (1, 3)], k=10)
    with pytest.raises(ShapeError, match="for 4 layers"):
        release_sums([weeks], states, [], [(2, 4)], k=10)
    with pytest.raises(UnitError, match="5 or more"):
        release_sums([weeks], states, [], [(0, 3)], k=4)
    with pytest.raises(ShapeError, match="one an area"):
        release_sums([weeks], states, [], [(0, 3)], k=10, denominators=[[1.0, 2.0]])
    with pytest.raises(UnitError, match="min_denominator"):
        release_sums([weeks], states, [], [(0, 3)], k=10, denominators=[[1.0]], min_denominator=0)
    with pytest.raises(ShapeError, match="one a level"):
        stand_in([Published(weeks, states[0])], [], [], otherwise=5)
    none = np.zeros((1, 1), dtype=bool)
    with pytest.raises(ShapeError, match="one a level"):
        suppress_again([weeks], [], [], k=10)
    with pytest.raises(ShapeError, match="of shapes"):
        suppress_again([weeks], [], [Earlier(none, none)], k=10)
