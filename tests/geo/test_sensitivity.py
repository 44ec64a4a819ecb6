"""How far catchments agree: by hand, and what holds for any figures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.access import catchment_sensitivity
from geo.errors import ShapeError, UnitError


def test_by_hand() -> None:
    access = np.array([[0.0, 0, 5], [1, 2, 1], [2, 1, 2], [9, 9, 9], [np.nan, 1, 1], [4, 4, 4]])
    classes = np.array([[0, 0, 4], [1, 2, 1], [1, 1, 1], [4, 4, 4], [0, 0, 0], [2, 2, 2]])
    persons = np.array([10.0, 20, 30, 40, 500, 0])
    found = catchment_sensitivity(access, classes, persons, reference=0, worst_share=0.2)
    assert found.persons == 100.0
    assert found.same_class == pytest.approx(0.7)
    # Worst fifth: the first two areas at column 0, the first and third at 1, the second at 2.
    assert found.worst_stays == pytest.approx(0.0)
    assert found.rank_correlation < 1


def test_ties_at_the_end_are_all_in() -> None:
    access = np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 3.0], [5.0, 6.0]])
    found = catchment_sensitivity(access, np.zeros((4, 2), int), np.full(4, 25.0), reference=0)
    assert found.worst_stays == pytest.approx(2 / 3)
    assert found.same_class == 1.0


@given(st.integers(0, 2**32 - 1))
def test_the_same_everywhere_is_no_sensitivity(seed: int) -> None:
    rng = np.random.default_rng(seed)
    access, persons = rng.uniform(0, 9, 30), rng.uniform(1, 50, 30)
    once = np.stack([access, access, access], axis=1)
    classes = np.searchsorted([2.0, 5.0], once)
    found = catchment_sensitivity(once, classes, persons, reference=1)
    assert (found.same_class, found.worst_stays) == (1.0, 1.0)
    assert found.rank_correlation == pytest.approx(1.0)
    turned = np.stack([access, rng.uniform(0, 9, 30), access], axis=1)
    order = rng.permutation(30)
    mixed = catchment_sensitivity(turned, classes, persons, reference=0)
    again = catchment_sensitivity(turned[order], classes[order], persons[order], reference=0)
    np.testing.assert_allclose(mixed, again)
    assert 0 <= mixed.worst_stays <= 1


def test_nobody_and_refusals() -> None:
    nobody = catchment_sensitivity([[1.0, 2.0]], [[0, 0]], [0.0], reference=0)
    assert nobody.persons == 0
    assert np.isnan(nobody.same_class)
    flat = catchment_sensitivity(
        [[0.0, 2.0], [0.0, 3.0]], [[0, 0], [0, 1]], [5.0, 5.0], reference=0
    )
    assert np.isnan(flat.rank_correlation)
    with pytest.raises(ShapeError, match="two or more catchments"):
        catchment_sensitivity([[1.0]], [[0]], [5.0], reference=0)
    with pytest.raises(UnitError, match="worst_share"):
        catchment_sensitivity([[1.0, 2.0]], [[0, 0]], [5.0], reference=0, worst_share=1.0)
    with pytest.raises(UnitError, match="persons"):
        catchment_sensitivity([[1.0, 2.0]], [[0, 0]], [-5.0], reference=0)
