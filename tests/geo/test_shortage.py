"""The shortage score: against plain loops, in its direction, at its edges, and its refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import ShapeError, UnitError
from geo.need import PointTable, shortage_score
from tests.reference import zonings

TABLES = {
    "provider_ratio": PointTable((3000.0, 6000.0, 9000.0), (0, 2, 4, 7)),
    "travel_min": PointTable((20.0, 40.0, 60.0), (0, 1, 3, 5)),
    "elderly_share": PointTable((0.1, 0.2), (0, 1, 3)),
}
MOST = [7.0, 5.0, 3.0]
seeds = st.integers(0, 2**32 - 1)


def made_up(seed: int, n: int = 30) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    parts = {
        "provider_ratio": rng.choice([2999.0, 3000.0, 5000.0, 9000.0, 1e5, np.inf, np.nan], n),
        "travel_min": rng.choice([0.0, 19.9, 20.0, 39.0, 60.0, np.inf, np.nan], n),
        "elderly_share": rng.choice([0.0, 0.1, 0.15, 0.2, 1.0, np.nan], n),
    }
    return {name: values.astype(float) for name, values in parts.items()}


@given(seeds)
def test_points_and_score_equal_plain_loops(seed: int) -> None:
    parts = made_up(seed)
    found = shortage_score(parts, tables=TABLES)
    for i in range(30):
        slow = [
            zonings.points(float(parts[name][i]), table.bounds, table.points)
            for name, table in TABLES.items()
        ]
        np.testing.assert_array_equal(found.parts.iloc[i], slow)
        np.testing.assert_allclose(found.score[i], zonings.score(slow, MOST), rtol=1e-12)


@given(seeds, st.sampled_from(sorted(TABLES)), st.floats(1, 10))
def test_a_greater_part_never_lowers_the_score(seed: int, name: str, times: float) -> None:
    parts = made_up(seed)
    raised = parts | {name: parts[name] * times}
    before, after = (shortage_score(p, tables=TABLES).score for p in (parts, raised))
    known = ~np.isnan(before)
    np.testing.assert_array_equal(np.isnan(after), np.isnan(before))
    assert (after[known] >= before[known]).all()
    assert ((before[known] >= 0) & (before[known] <= 15)).all()


@given(seeds)
def test_areas_are_scored_by_themselves(seed: int) -> None:
    parts = made_up(seed)
    order = np.random.default_rng(seed).permutation(30)
    whole = shortage_score(parts, tables=TABLES)
    moved = shortage_score({k: v[order] for k, v in parts.items()}, tables=TABLES)
    np.testing.assert_array_equal(moved.score, whole.score[order])


def test_an_unknown_part_is_left_out_and_said_and_never_zero() -> None:
    found = shortage_score(
        {"provider_ratio": [np.inf, np.nan, np.nan], "travel_min": [np.nan, 60.0, np.nan]},
        tables=TABLES,
    )
    assert found.parts["elderly_share"].isna().all()
    np.testing.assert_allclose(found.known, [7 / 15, 5 / 15, 0])
    assert np.isnan(found.score).all(), "less than half of the points could be known"
    found = shortage_score({"provider_ratio": [9000.0], "travel_min": [0.0]}, tables=TABLES)
    np.testing.assert_allclose(found.known, [12 / 15])
    np.testing.assert_allclose(found.score, [7 / 12 * 15])


def test_a_value_on_a_bound_has_reached_it() -> None:
    found = shortage_score(
        {"elderly_share": [0.1 - 1e-12, 0.1, 0.2]},
        tables={"elderly_share": TABLES["elderly_share"]},
    )
    assert found.score.tolist() == [0.0, 1.0, 3.0]


def test_scores_refuse() -> None:
    with pytest.raises(ShapeError, match="parts: none"):
        shortage_score({}, tables=TABLES)
    with pytest.raises(ShapeError, match="none for poverty; wanted points for each part"):
        shortage_score({"poverty": [0.1]}, tables=TABLES)
    with pytest.raises(ShapeError, match="lengths differ"):
        shortage_score({"travel_min": [1.0], "elderly_share": [0.1, 0.2]}, tables=TABLES)
    with pytest.raises(UnitError, match="travel_min: -1 at 1"):
        shortage_score({"travel_min": [1.0, -1.0]}, tables=TABLES)


@pytest.mark.parametrize(
    ("bounds", "points", "message"),
    [
        ((), (1,), "bounds"),
        ((2.0, 1.0), (0, 1, 2), r"bounds: \(2.0, 1.0\)"),
        ((1.0, 1.0), (0, 1, 2), "bounds"),
        ((1.0, 2.0), (0, 1), "points: 2 for 2 bounds; wanted one more"),
        ((1.0, 2.0), (0, 2, 1), "never falling"),
        ((1.0,), (-1, 1), "never falling"),
        ((1.0,), (0, 0), "the last > 0"),
    ],
)
def test_cut_points_out_of_order_are_refused(
    bounds: tuple[float, ...], points: tuple[float, ...], message: str
) -> None:
    with pytest.raises(UnitError, match=message):
        PointTable(bounds, points)
