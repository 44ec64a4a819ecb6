"""The knee of a curve: where it is, and where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import ShapeError, UnitError
from geo.siting.knee import find_knee


def test_the_example_of_the_paper() -> None:
    # Satopää et al. 2011, section III: y = -1 / x + 5 on 0.1 .. 1 in ten steps has its knee at 0.2.
    x = np.linspace(0.0, 1.0, 10)
    assert find_knee(x, -1.0 / (x + 0.1) + 5.0) == 2


@pytest.mark.parametrize(
    ("y", "knee"),
    [
        ([0, 10, 20, 30, 40], -1),
        ([5, 5, 5, 5], -1),
        ([0, 1], -1),
        ([3], -1),
        ([], -1),
        ([0, 100, 100, 100, 100], 1),
        # It bends the other way: the gains rise.
        ([0, 1, 4, 9, 16], -1),
        # Equals: the first.
        ([0, 40, 60, 70, 75, 78, 79, 80, 80], 2),
    ],
)
def test_where_the_knee_is(y: list[float], knee: int) -> None:
    assert find_knee(list(range(len(y))), y) == knee


def test_more_sensitivity_asks_for_a_clearer_turn() -> None:
    y = [0, 30, 50, 65, 78, 90, 100]
    assert find_knee(range(7), y) == 2
    assert find_knee(range(7), y, sensitivity=3.0) == -1


@given(st.lists(st.floats(0, 100), min_size=3, max_size=20))
def test_units_do_not_move_the_knee(gains: list[float]) -> None:
    whole = np.round(np.cumsum(sorted(gains, reverse=True)), 3)
    x = np.arange(float(len(whole)))
    assert find_knee(x, whole) == find_knee(4 * x + 8, whole * 2.0**3)


def test_what_is_no_curve_is_refused() -> None:
    with pytest.raises(ShapeError, match="lengths differ: x 2, y 3"):
        find_knee([0, 1], [0, 1, 2])
    with pytest.raises(UnitError, match="x must rise and y must not fall"):
        find_knee([0, 1, 2], [0, 2, 1])
    with pytest.raises(UnitError, match="x must rise"):
        find_knee([0, 0, 1], [0, 1, 2])
    with pytest.raises(UnitError, match="missing or infinite"):
        find_knee([0, 1, 2], [0, float("nan"), 2])
    with pytest.raises(UnitError, match="sensitivity"):
        find_knee([0, 1, 2], [0, 1, 1], sensitivity=0)
