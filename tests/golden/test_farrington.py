"""Farrington against R's surveillance on Salmonella Agona, every row and column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from geo.detect import farrington, farrington_flexible

FOLDER = Path(__file__).parents[1] / "data" / "golden" / "surveillance"
NOUFAILY: dict[str, Any] = {
    "b": 3,
    "w": 3,
    "reweight": True,
    "weights_threshold": 2.58,
    "alpha": 0.05,
    "trend": True,
    "p_threshold_trend": 1.0,
    "limit54": (0, 1),
    "power_transform": "2/3",
    "n_periods": 10,
    "past_weeks_not_included": 26,
    "threshold_method": "nbPlugin",
}
ORIGINAL = {
    "weights_threshold": 1.0,
    "alpha": 0.1,
    "p_threshold_trend": 0.05,
    "n_periods": 1,
    "past_weeks_not_included": None,
    "threshold_method": "delta",
}
CASES: dict[str, dict[str, Any]] = {
    "ff_orig": NOUFAILY | ORIGINAL,
    "ff_noufaily": NOUFAILY,
    "ff_muan": NOUFAILY | {"limit54": (5, 4), "threshold_method": "muan"},
    "ff_delta10": NOUFAILY | {"limit54": (5, 4), "alpha": 0.01, "threshold_method": "delta"},
}
CLASSIC = "farrington_classic_a0.01"


@pytest.fixture(scope="module")
def series() -> np.ndarray:
    return pd.read_csv(FOLDER / "series_salmonella_agona.csv")["observed"].to_numpy(float)


@pytest.fixture(scope="module")
def expected() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "expected_farrington.csv")


def test_every_row_of_the_file_is_a_case(expected: pd.DataFrame) -> None:
    assert set(expected["method"]) == {*CASES, CLASSIC}
    assert (expected.groupby("method").size() == 104).all()


@pytest.mark.parametrize("name", CASES)
def test_flexible_equals_r(series: np.ndarray, expected: pd.DataFrame, name: str) -> None:
    rows = expected[expected["method"] == name]
    at = rows["t"].to_numpy() - 1
    np.testing.assert_array_equal(series[at], rows["observed"])
    found = farrington_flexible(series[:, np.newaxis], at=at, **CASES[name])
    for ours, theirs in (
        (found.expected, "expected"),
        (found.upper_bound, "upperbound"),
        (found.score, "score"),
        (found.pvalue, "pvalue"),
        (found.dispersion, "phi"),
    ):
        assert ours.shape == (104, 1)
        np.testing.assert_allclose(ours[:, 0], rows[theirs], rtol=1e-9, err_msg=theirs)
    np.testing.assert_array_equal(found.alarm[:, 0], rows["alarm"] == 1)
    np.testing.assert_array_equal(found.trend[:, 0], rows["trend"] == 1)


def test_classic_equals_r(series: np.ndarray, expected: pd.DataFrame) -> None:
    rows = expected[expected["method"] == CLASSIC]
    found = farrington(series, at=rows["t"].to_numpy() - 1, b=3, w=3, alpha=0.01)
    np.testing.assert_allclose(found.upper_bound, rows["upperbound"], rtol=1e-9)
    np.testing.assert_array_equal(found.alarm, rows["alarm"] == 1)
