"""EARS, empirical Bayes, crosswalks and running weeks against slow loops and against esda."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pytest
import shapely
from esda.smoothing import Empirical_Bayes, Spatial_Empirical_Bayes
from libpysal.weights import W
from scipy import sparse
from scipy.stats import norm

from geo.cells import crosswalk
from geo.detect.ears import Method, ears
from geo.detect.tiers import weeks_running
from geo.rates import smoothed_rates
from tests.reference import loops


@pytest.mark.parametrize("method", ["C1", "C2", "C3"])
@pytest.mark.parametrize("baseline", [3, 7, 10])
@pytest.mark.parametrize("min_sigma", [0.5, 1.0])
def test_ears(method: Method, baseline: int, min_sigma: float) -> None:
    counts = np.random.default_rng(3).poisson(2.0, (60, 5)).astype(float)
    counts[40:44] += 9
    found = ears(counts, method=method, baseline=baseline, min_sigma=min_sigma, alpha=0.01)
    for j in range(counts.shape[1]):
        slow = loops.ears(list(counts[:, j]), method, baseline, min_sigma, norm.ppf(0.99))
        for t, week in enumerate(slow):
            if week is None:
                assert np.isnan(found.upper_bound[t, j])
                assert not found.alarm[t, j]
            else:
                assert found.upper_bound[t, j] == pytest.approx(week[0], abs=1e-9)
                assert found.alarm[t, j] == week[1]


@pytest.fixture
def areas() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    persons = rng.integers(50, 5000, 40).astype(float)
    counts = rng.poisson(persons * rng.gamma(2.0, 0.005, 40)).astype(float)
    return counts, persons


def test_global_smoothing(areas: tuple[np.ndarray, np.ndarray]) -> None:
    counts, persons = areas
    found = smoothed_rates(counts, persons, per=1)
    np.testing.assert_allclose(found, loops.smoothed(list(counts), list(persons)), rtol=1e-12)
    np.testing.assert_allclose(found, Empirical_Bayes(counts, persons).r.ravel(), rtol=1e-12)


def test_local_smoothing(areas: tuple[np.ndarray, np.ndarray]) -> None:
    counts, persons = areas
    n = len(counts)
    near = {i: sorted({(i - 1) % n, (i + 1) % n, (i + 7) % n, (i - 7) % n}) for i in range(n)}
    matrix = sparse.lil_array((n, n))
    for i, others in near.items():
        matrix[i, others] = 1.0
    found = smoothed_rates(counts, persons, per=1, neighbours=sparse.csr_array(matrix))
    groups = [[i, *near[i]] for i in range(n)]
    slow = loops.smoothed(list(counts), list(persons), groups)
    np.testing.assert_allclose(found, slow, rtol=1e-9)
    theirs = Spatial_Empirical_Bayes(
        counts, persons, W(near, id_order=list(range(n)), silence_warnings=True)
    ).r
    np.testing.assert_allclose(found, theirs.ravel(), rtol=1e-9)


def test_weeks_by_areas_smooth_each_week_alone(areas: tuple[np.ndarray, np.ndarray]) -> None:
    counts, persons = areas
    table = np.stack([counts, counts[::-1], counts * 2])
    found = smoothed_rates(table, persons)
    for week, row in zip(found, table, strict=True):
        np.testing.assert_allclose(week, smoothed_rates(row, persons), rtol=1e-12)


def test_crosswalk() -> None:
    rng = np.random.default_rng(2)
    edges = np.sort(rng.uniform(0, 100, 6))
    old = [shapely.box(a, 0, a + 20, 10) for a in (0, 20, 40, 60, 80)]
    new = [shapely.box(a, -5, b, 15) for a, b in pairwise(edges)]
    sources = gpd.GeoDataFrame({"area_code": [f"o{i}" for i in range(5)]}, geometry=old, crs=32650)
    targets = gpd.GeoDataFrame({"area_code": [f"n{i}" for i in range(5)]}, geometry=new, crs=32650)
    found = crosswalk(sources, targets).set_index(["from_code", "to_code"])["weight"]
    for i, source in enumerate(old):
        shares = {f"n{j}": source.intersection(target).area for j, target in enumerate(new)}
        total = sum(shares.values())
        if total == 0:
            assert found[f"o{i}"].tolist() == [1.0]
            assert found[f"o{i}"].index.isna().all()
            continue
        for code, share in shares.items():
            assert found.get((f"o{i}", code), 0.0) == pytest.approx(share / total, abs=1e-12)


def test_weeks_running() -> None:
    tiers = np.random.default_rng(1).integers(-1, 5, (80, 6)).astype(np.int8)
    found = weeks_running(tiers)
    for j in range(tiers.shape[1]):
        assert found[:, j].tolist() == loops.weeks_running(tiers[:, j].tolist())
