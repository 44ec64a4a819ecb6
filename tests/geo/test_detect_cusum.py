"""CUSUM: the recursion by hand, gaps, reset, and its refusals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.detect import cusum
from geo.errors import ShapeError, UnitError


def by_hand(
    counts: list[float], *, mean: float, phi: float, k: float, h: float, reset: bool
) -> list[float]:
    total, sums = 0.0, []
    for count in counts:
        if not math.isnan(count):
            y, m = count / phi, mean / phi
            total = max(0.0, total + (y - 3 * m + 2 * math.sqrt(y * m)) / (2 * math.sqrt(m)) - k)
        sums.append(math.nan if math.isnan(count) else total)
        if reset and not math.isnan(count) and total >= h:
            total = 0.0
    return sums


@given(
    st.lists(st.integers(0, 60) | st.just(math.nan), min_size=1, max_size=40),
    st.floats(0.1, 40.0),
    st.floats(1.0, 6.0),
    st.booleans(),
)
def test_equals_the_recursion(counts: list[float], mean: float, phi: float, reset: bool) -> None:
    found = cusum(counts, expected=mean, dispersion=phi, reset=reset)
    slow = by_hand(counts, mean=mean, phi=phi, k=1.04, h=2.26, reset=reset)
    np.testing.assert_allclose(found.score, slow, rtol=1e-9, atol=1e-9)
    clear = np.abs(found.score - 2.26) > 1e-6
    np.testing.assert_array_equal(found.alarm[clear], (np.array(slow) >= 2.26)[clear])


def test_small_excesses_add_up_and_one_week_alone_does_not() -> None:
    steady = cusum([8.0] * 20, expected=5.0)
    # Each week adds less than the reference allows, so nothing builds up.
    assert not cusum([6.0] * 50, expected=5.0).alarm.any()
    assert not steady.alarm[:5].any()
    assert steady.alarm[-1]


def test_series_stand_by_themselves_and_unknown_ones_say_nothing() -> None:
    counts = np.array([[5.0, 20.0, np.nan], [5.0, 20.0, 20.0], [np.nan, 20.0, 20.0]])
    found = cusum(counts, expected=[5.0, 5.0, np.nan])
    assert np.isnan(found.score).tolist() == [
        [False, False, True],
        [False, False, True],
        [True, False, True],
    ]
    assert found.alarm.tolist() == [[False, True, False]] * 3
    again = cusum(counts[:, 1], expected=5.0, reset=True)
    np.testing.assert_allclose(again.score, again.score[0])
    assert cusum(np.empty((0, 2)), expected=1.0).score.shape == (0, 2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"expected": 0.0}, "expected: value\\(s\\) of 0"),
        ({"expected": -1.0}, "expected: 1 value\\(s\\) negative"),
        ({"dispersion": 0.5}, "dispersion: value\\(s\\) below 1"),
        ({"reference": -0.1}, "reference: -0.1; wanted 0 or more"),
        ({"threshold": 0.0}, "threshold: 0.0; wanted a number above 0"),
        ({"counts": [1, -1]}, "counts: 1 value\\(s\\) negative"),
    ],
)
def test_wrong_numbers_are_refused(wrong: dict[str, Any], message: str) -> None:
    options: dict[str, Any] = {"counts": [1.0, 2.0], "expected": 1.0} | wrong
    with pytest.raises(UnitError, match=message):
        cusum(options.pop("counts"), **options)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"expected: shape \(3,\); wanted one that fits \(2,\)"):
        cusum([1.0, 2.0], expected=[1.0, 1.0, 1.0])
