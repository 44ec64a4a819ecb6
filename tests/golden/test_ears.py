"""EARS against R's surveillance on Salmonella Agona, every row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geo.detect.ears import Method, ears

FOLDER = Path(__file__).parents[1] / "data" / "golden" / "surveillance"
CASES: list[tuple[Method, float, float]] = [
    (method, alpha, sigma)
    for method in ("C1", "C2", "C3")
    for alpha, sigma in ((0.001, 0.0), (0.001, 0.5), (0.025, 0.0))
]


@pytest.fixture(scope="module")
def series() -> pd.Series:
    return pd.read_csv(FOLDER / "series_salmonella_agona.csv").set_index("t")["observed"]


@pytest.fixture(scope="module")
def expected() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "expected_ears.csv")


def test_every_row_of_the_file_is_a_case(expected: pd.DataFrame) -> None:
    keys = expected[["method", "alpha", "minSigma"]].drop_duplicates()
    assert set(keys.itertuples(index=False, name=None)) == set(CASES)
    assert set(expected["baseline"]) == {7}


@pytest.mark.parametrize(("method", "alpha", "min_sigma"), CASES)
def test_equals_r(
    series: pd.Series,
    expected: pd.DataFrame,
    method: Method,
    alpha: float,
    min_sigma: float,
) -> None:
    rows = expected[
        (expected["method"] == method)
        & (expected["alpha"] == alpha)
        & (expected["minSigma"] == min_sigma)
    ]
    assert len(rows) == 301
    found = ears(series.to_numpy(), method=method, baseline=7, min_sigma=min_sigma, alpha=alpha)
    at = rows["t"].to_numpy() - 1
    np.testing.assert_array_equal(series.to_numpy()[at], rows["observed"])
    np.testing.assert_allclose(found.upper_bound[at], rows["upperbound"], rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(found.alarm[at], rows["alarm"].astype(bool))
