"""Rates, scores and gap classes: edges, direction and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from geo.errors import ShapeError, UnitError
from geo.model import GapClass, Missing
from geo.need import gap_classes, need_parts, need_score, service_level
from geo.rates import smoothed_rates, trailing_sum, unreliable


def test_the_smaller_the_population_the_more_it_is_drawn_to_the_mean() -> None:
    counts, persons = np.array([20.0, 2.0, 100.0, 5.0]), np.array([1000.0, 100.0, 20000.0, 2000.0])
    found = smoothed_rates(counts, persons, per=1)
    raw, mean = counts / persons, counts.sum() / persons.sum()
    assert raw[0] == raw[1]
    assert mean < found[1] < found[0] < raw[0]


def test_nobody_and_nothing_known_give_no_rate() -> None:
    found = smoothed_rates([[1.0, 5.0, np.nan, 0.0]], [0.0, 100.0, 100.0, np.nan])
    assert np.isnan(found).tolist() == [[True, False, True, True]]
    assert smoothed_rates([0.0, 0.0], [10.0, 20.0]).tolist() == [0.0, 0.0]
    assert np.isnan(smoothed_rates([np.nan, 1.0], [10.0, 0.0])).all()
    assert smoothed_rates([], []).size == 0


def test_an_island_is_its_own_neighbourhood() -> None:
    near = sparse.csr_array(np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]], dtype=float))
    found = smoothed_rates([4.0, 8.0, 6.0], [100.0, 100.0, 100.0], per=100, neighbours=near)
    assert found[2] == pytest.approx(6.0)
    assert near.nnz == 2


def test_rates_refuse() -> None:
    with pytest.raises(UnitError, match="persons"):
        smoothed_rates([1.0], [-1.0])
    with pytest.raises(UnitError, match="counts"):
        smoothed_rates([-1.0], [1.0])
    with pytest.raises(UnitError, match="per"):
        smoothed_rates([1.0], [1.0], per=0)
    with pytest.raises(ShapeError, match="one population"):
        smoothed_rates([1.0, 2.0], [1.0])
    with pytest.raises(ShapeError, match=r"wanted \(2, 2\)"):
        smoothed_rates([1.0, 2.0], [1.0, 1.0], neighbours=sparse.csr_array(np.zeros((3, 3))))
    with pytest.raises(UnitError, match="neighbours"):
        smoothed_rates([1.0, 2.0], [1.0, 1.0], neighbours=sparse.csr_array(-np.ones((2, 2))))
    with pytest.raises(UnitError, match="weeks"):
        trailing_sum([1.0], weeks=0)
    with pytest.raises(UnitError, match="threshold"):
        unreliable([1.0], threshold=0)


def test_a_trailing_sum_with_a_gap_is_unknown() -> None:
    found = trailing_sum([[1.0], [2.0], [np.nan], [3.0], [4.0], [5.0]], weeks=2)
    np.testing.assert_array_equal(found.ravel(), [np.nan, 3, np.nan, np.nan, 7, 9])
    assert np.isnan(trailing_sum([1.0, 2.0], weeks=4)).all()


def test_a_score_shows_its_parts_and_stands_on_half_of_them() -> None:
    parts = {
        "density": np.array([1.0, 2.0, 3.0, np.nan, np.nan]),
        "elderly_share": np.array([0.3, 0.2, 0.1, 0.4, np.nan]),
        "unknown_everywhere": np.full(5, np.nan),
    }
    found = need_score(parts)
    assert list(found.parts.columns) == list(parts)
    np.testing.assert_allclose(found.parts["density"], [0, 0.5, 1, np.nan, np.nan])
    np.testing.assert_allclose(found.score[:3], found.parts.iloc[:3, :2].mean(axis=1))
    assert found.score[3] == 1.0
    assert np.isnan(found.score[4])
    assert need_score({"a": [2.0, 2.0]}).score.tolist() == [0.5, 0.5]
    assert need_score({"a": [2.0, np.nan]}).score[0] == 0.5


def test_default_parts() -> None:
    parts = need_parts(
        [100.0, 0.0], [0.5, 1.0], minors=[10.0, 0.0], elderly=[30.0, 0.0], strain_rate=[4.0, 9.0]
    )
    assert list(parts) == ["density", "minors_share", "elderly_share", "strain_rate"]
    assert [float(part[0]) for part in parts.values()] == [200.0, 0.1, 0.3, 4.0]
    assert all(np.isnan(part[1]) for part in parts.values())


def test_scores_refuse() -> None:
    with pytest.raises(ShapeError, match="none"):
        need_score({})
    with pytest.raises(ShapeError, match="lengths differ"):
        need_score({"a": [1.0], "b": [1.0, 2.0]})
    with pytest.raises(UnitError, match="infinite"):
        need_score({"a": [np.inf]})
    with pytest.raises(ShapeError, match="lengths differ"):
        need_parts([1.0], [1.0, 2.0])


def test_gap_classes_at_their_bounds() -> None:
    need = [0.0, 0.0, 0.0, 0.5, 0.5, 0.5, 0.9, 0.9, 0.9, 1 / 3, 2 / 3]
    service = [0.0, 0.5, 0.75, 0.2, 0.25, 1.0, 0.24, 0.74, 0.75, 0.0, 0.0]
    found = gap_classes(need, service)
    assert found.classes.tolist() == [1, 1, 0, 2, 1, 0, 3, 2, 0, 2, 3]
    assert set(found.states) == {Missing.OK}
    by_cover = gap_classes([0.9, 0.9], [True, False])
    assert by_cover.classes.tolist() == [GapClass.NONE, GapClass.SEVERE]


def test_no_data_and_nobody_there_are_told_apart() -> None:
    found = gap_classes(
        [np.nan, 0.9, 0.9, np.nan], [0.0, np.nan, 0.0, np.nan], persons=[5, 5, 0, 0]
    )
    assert found.classes.tolist() == [-1, -1, -1, -1]
    assert found.states.tolist() == [
        Missing.NO_DATA,
        Missing.NO_DATA,
        Missing.NOT_APPLICABLE,
        Missing.NOT_APPLICABLE,
    ]


def test_gaps_refuse() -> None:
    with pytest.raises(UnitError, match="need"):
        gap_classes([1.1], [0.0])
    with pytest.raises(UnitError, match="service"):
        gap_classes([0.5], [-0.1])
    with pytest.raises(ShapeError, match="lengths differ"):
        gap_classes([0.5], [0.5, 0.5])
    with pytest.raises(UnitError, match="persons"):
        gap_classes([0.5], [0.5], persons=[-1.0])
    with pytest.raises(UnitError, match="reference"):
        service_level([1.0], reference=0.0)
