"""Datums come back, roll-ups and crosswalks lose nobody, rates and gaps keep their order."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.cells import crosswalk, locate, roll_up, square_grid
from geo.datum import DATUMS, from_wgs84, to_wgs84
from geo.need import gap_classes, need_score
from geo.rates import smoothed_rates, trailing_sum

seeds = st.integers(0, 2**32 - 1)


@given(st.floats(73.6, 135.0), st.floats(18.2, 53.5), st.sampled_from(DATUMS))
def test_there_and_back(lon: float, lat: float, datum: str) -> None:
    x, y = to_wgs84(*from_wgs84([lon], [lat], datum=datum), datum=datum)
    assert abs(x[0] - lon) < 1e-9
    assert abs(y[0] - lat) < 1e-9
    shifted, _ = from_wgs84([lon], [lat], datum=datum)
    assert abs(shifted[0] - lon) < 0.02


@given(seeds, st.booleans())
def test_a_roll_up_loses_nobody_and_order_does_not_matter(seed: int, weeks: bool) -> None:
    rng = np.random.default_rng(seed)
    shape = (4, 30) if weeks else (30,)
    values = rng.integers(0, 99, shape).astype(float)
    parent = rng.integers(0, 5, 30)
    whole = roll_up(values, parent, n_parents=5)
    np.testing.assert_allclose(np.nansum(whole.values, axis=-1), values.sum(axis=-1))
    order = rng.permutation(30)
    for how in ("sum", "mean", "max"):
        one = roll_up(values, parent, n_parents=5, how=how)
        two = roll_up(values[..., order], parent[order], n_parents=5, how=how)
        np.testing.assert_allclose(one.values, two.values, rtol=1e-12)
    holes = np.where(rng.random(shape) < 0.3, np.nan, values)
    part = roll_up(holes, parent, n_parents=5, weights=rng.uniform(1, 9, 30))
    known = ~np.isnan(part.values)
    assert (part.values[known] <= whole.values[known]).all()
    assert ((part.reported[known] > 0) & (part.reported[known] <= 1)).all()


@given(seeds)
def test_a_crosswalk_hands_everybody_over(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = float(rng.integers(200, 700))
    extent = gpd.GeoSeries([shapely.box(0, 0, 2000, 1500)], crs=32650)
    old, new = square_grid(extent, size_m=500, clip=True), square_grid(extent, size_m=size)
    people = gpd.GeoDataFrame(
        {"weight": rng.integers(0, 9, 80).astype(float)},
        geometry=gpd.points_from_xy(rng.uniform(0, 2000, 80), rng.uniform(0, 1500, 80)),
        crs=32650,
    )
    for weights in (None, people):
        shares = crosswalk(old, new, weights=weights)
        total = shares.groupby("from_code")["weight"].sum()
        assert set(total.index) == set(old["area_code"])
        np.testing.assert_allclose(total, 1.0, rtol=1e-12)
        assert shares["to_code"].notna().all()
        assert not shares.duplicated(["from_code", "to_code"]).any()


@given(seeds)
def test_each_point_of_the_extent_lies_in_one_cell(seed: int) -> None:
    rng = np.random.default_rng(seed)
    extent = gpd.GeoSeries([shapely.Point(0, 0).buffer(900)], crs=32650)
    cells = square_grid(extent, size_m=250, clip=bool(seed % 2))
    xy = np.round(rng.uniform(-600, 600, (200, 2)) / 50) * 50
    found = locate(xy, cells)
    assert found.notna().all()
    order = rng.permutation(len(cells))
    again = locate(xy, cells.iloc[order].reset_index(drop=True))
    assert found.tolist() == again.tolist()
    for at, code in zip(xy[:20], found, strict=False):
        touching = cells[cells.geometry.intersects(shapely.Point(at))]["area_code"]
        assert code == min(touching)


@given(seeds)
def test_smoothing_lies_between_the_rate_and_the_mean(seed: int) -> None:
    rng = np.random.default_rng(seed)
    persons = rng.integers(1, 3000, 25).astype(float)
    counts = np.minimum(rng.poisson(persons * 0.01), persons)
    rate, mean = counts / persons, counts.sum() / persons.sum()
    found = smoothed_rates(counts, persons, per=1)
    low, high = np.minimum(rate, mean), np.maximum(rate, mean)
    assert ((found >= low - 1e-15) & (found <= high + 1e-15)).all()
    np.testing.assert_allclose(
        trailing_sum(counts, weeks=3)[2:], counts[2:] + counts[1:-1] + counts[:-2]
    )


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_more_need_or_less_service_never_lowers_the_class(
    need: float, more: float, service: float, less: float
) -> None:
    low, high = sorted([need, more])
    poor, good = sorted([service, less])
    found = gap_classes([low, high, low, high], [good, good, poor, poor]).classes
    assert found[0] <= min(found[1], found[2])
    assert found[3] >= max(found[1], found[2])


@given(seeds)
def test_a_score_lies_in_its_range_and_follows_its_parts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = {"a": rng.normal(size=12), "b": rng.normal(size=12)}
    parts["b"][0] = np.nan
    base = need_score(parts)
    assert ((base.score >= 0) & (base.score <= 1)).all()
    raised = {"a": parts["a"].copy(), "b": parts["b"]}
    raised["a"][3] = parts["a"].max() + 1.0
    assert need_score(raised).score[3] >= base.score[3]
