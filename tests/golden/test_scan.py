"""Kulldorff's scan on North Carolina's counties: members, figures and p of each cluster."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geo.detect import spatial_scan

FOLDER = Path(__file__).parents[1] / "data" / "golden" / "scan"


def test_equals_the_peer() -> None:
    areas = pd.read_csv(FOLDER / "nc_sids_input.csv", dtype={"fips": str})
    expected = pd.read_csv(FOLDER / "expected_clusters.csv", dtype={"regions": str})
    found = spatial_scan(
        areas["sids74"],
        areas["births74"],
        areas[["x_km", "y_km"]] * 1000.0,
        replicates=1999,
        rng=np.random.default_rng(1),
    )
    assert len(found) == len(expected) == 2
    for ours, theirs in zip(found, expected.itertuples(), strict=True):
        assert set(areas["fips"].iloc[ours.members]) == set(theirs.regions.split("|"))
        assert ours.cases == theirs.cases
        assert areas["births74"].iloc[ours.members].sum() == theirs.pop
        assert ours.expected == pytest.approx(theirs.expected, rel=1e-9)
        assert ours.relative_risk == pytest.approx(theirs.rr, rel=1e-9)
        assert ours.ratio == pytest.approx(theirs.llr, rel=1e-9)
        # Both are simulated.
        assert ours.p == pytest.approx(theirs.p_mc, abs=0.002)
