"""Grids, points in areas, parents, crosswalks and roll-ups."""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.cells import crosswalk, locate, representative_parents, roll_up, square_grid
from geo.errors import CodeError, GeometryError, ShapeError, UnitError

CRS = 32650


def frame(shapes: dict[str, object], crs: object = CRS) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"area_code": list(shapes)}, geometry=list(shapes.values()), crs=crs)


def test_a_grid_keeps_its_codes_when_the_extent_grows() -> None:
    small = square_grid(gpd.GeoSeries([shapely.box(600, 600, 900, 900)], crs=CRS), size_m=500)
    large = square_grid(gpd.GeoSeries([shapely.box(-700, 0, 2000, 1500)], crs=CRS), size_m=500)
    assert small["area_code"].tolist() == ["E1N1"]
    both = large.set_index("area_code").geometry
    assert both["E1N1"].equals(small.geometry[0])
    assert len(large) == 6 * 3
    assert large["area_code"].is_monotonic_increasing
    assert large.crs == CRS


def test_a_clipped_grid_fills_the_extent_exactly() -> None:
    extent = gpd.GeoSeries(
        [shapely.Point(0, 0).buffer(800), shapely.box(2000, 0, 2600, 90)], crs=CRS
    )
    clipped = square_grid(extent, size_m=300, clip=True)
    assert clipped.area.sum() == pytest.approx(extent.union_all().area)
    whole = square_grid(extent, size_m=300)
    assert whole["area_code"].tolist() == clipped["area_code"].tolist()
    assert (whole.area == 300**2).all()


@pytest.mark.parametrize(
    ("extent", "size_m", "error"),
    [
        (gpd.GeoSeries([shapely.box(0, 0, 1, 1)], crs=4326), 500, GeometryError),
        (gpd.GeoSeries([shapely.box(0, 0, 1, 1)]), 500, GeometryError),
        (gpd.GeoSeries([], crs=CRS), 500, GeometryError),
        (gpd.GeoSeries([shapely.box(0, 0, 1e5, 1e5)], crs=CRS), 1, GeometryError),
        (gpd.GeoSeries([shapely.box(0, 0, 1, 1)], crs=CRS), 0, UnitError),
        (gpd.GeoSeries([shapely.box(0, 0, 1, 1)], crs=CRS), float("nan"), UnitError),
    ],
)
def test_a_grid_refuses(extent: gpd.GeoSeries, size_m: float, error: type[Exception]) -> None:
    with pytest.raises(error):
        square_grid(extent, size_m=size_m)


AREAS = frame(
    {
        "03": shapely.box(0, 0, 10, 10),
        "02": shapely.box(10, 0, 20, 10),
        "01": shapely.Polygon(
            [(0, 10), (20, 10), (20, 20), (0, 20)], holes=[[(5, 12), (8, 12), (8, 18), (5, 18)]]
        ),
    }
)


def test_points_lie_in_the_lowest_touching_area() -> None:
    xy = [(5, 5), (10, 5), (10, 10), (6, 15), (5, 15), (99, 0), (np.nan, 5)]
    found = locate(xy, AREAS)
    assert [None if pd.isna(code) else code for code in found] == [
        "03", "02", "01", None, "01", None, None,
    ]  # fmt: skip
    series = gpd.GeoSeries.from_xy([5.0, 15.0], [5.0, 5.0], index=["p", "q"], crs=CRS)
    assert locate(series, AREAS).to_dict() == {"p": "03", "q": "02"}


def test_a_missing_point_is_nowhere() -> None:
    series = gpd.GeoSeries([None, shapely.Point(), shapely.Point(1, 1)], crs=CRS)
    assert locate(series, AREAS).isna().tolist() == [True, True, False]
    assert locate(np.empty((0, 2)), AREAS).empty
    assert locate([(1, 1)], AREAS.iloc[:0]).isna().all()


def test_a_child_without_geometry_has_no_parent() -> None:
    child = frame({"a": None, "b": shapely.Polygon(), "c": shapely.box(1, 1, 2, 2)})
    assert representative_parents(child, AREAS).isna().tolist() == [True, True, False]


def test_locate_refuses() -> None:
    with pytest.raises(GeometryError, match="one CRS"):
        locate(gpd.GeoSeries([shapely.Point(1, 1)], crs=4326), AREAS)
    with pytest.raises(GeometryError, match="points only"):
        locate(gpd.GeoSeries([shapely.box(0, 0, 1, 1)], crs=CRS), AREAS)
    with pytest.raises(ShapeError, match="area_code"):
        locate([(1, 1)], AREAS.rename(columns={"area_code": "code"}))
    with pytest.raises(CodeError, match="doubled"):
        locate([(1, 1)], pd.concat([AREAS, AREAS]))
    with pytest.raises(ShapeError, match=r"\(n, 2\)"):
        locate([(1, 1, 1)], AREAS)


def test_a_parent_is_found_by_the_inner_point_then_by_overlap() -> None:
    parents = frame({"t1": shapely.box(0, 0, 100, 100), "t2": shapely.box(110, 0, 200, 100)})
    children = frame(
        {
            "inside": shapely.box(10, 10, 20, 20),
            "mostly_t1": shapely.box(80, 0, 112, 10),
            "in_the_gap": shapely.box(98, 20, 113, 30),
            "nowhere": shapely.box(500, 500, 510, 510),
        }
    )
    children.index = list("abcd")
    found = representative_parents(children, parents)
    assert found["a"] == "t1"
    assert found["b"] == "t1"
    assert found["c"] == "t2"
    assert pd.isna(found["d"])
    with pytest.raises(GeometryError, match="metres"):
        representative_parents(children.to_crs(4326), parents)


def test_weighted_points_move_a_crosswalk() -> None:
    old = frame({"o1": shapely.box(0, 0, 100, 100), "o2": shapely.box(100, 0, 200, 100)})
    new = frame({"n1": shapely.box(0, 0, 25, 100), "n2": shapely.box(25, 0, 200, 100)})
    people = gpd.GeoDataFrame(
        {"weight": [30.0, 10.0, 0.0]}, geometry=gpd.points_from_xy([5, 60, 150], [50] * 3), crs=CRS
    )
    by_area = crosswalk(old, new).set_index(["from_code", "to_code"])["weight"]
    assert by_area["o1", "n1"] == pytest.approx(0.25)
    by_people = crosswalk(old, new, weights=people).set_index(["from_code", "to_code"])["weight"]
    assert by_people["o1", "n1"] == pytest.approx(0.75)
    assert by_people["o2", "n2"] == pytest.approx(1.0)
    with pytest.raises(ShapeError, match="weight"):
        crosswalk(old, new, weights=people.rename(columns={"weight": "n"}))
    with pytest.raises(UnitError):
        crosswalk(old, new, weights=people.assign(weight=-1.0))


def test_a_source_outside_all_targets_is_told() -> None:
    old = frame({"o1": shapely.box(0, 0, 1, 1), "lost": shapely.box(50, 50, 51, 51)})
    found = crosswalk(old, frame({"n": shapely.box(0, 0, 9, 9)}))
    row = found[found["from_code"] == "lost"].iloc[0]
    assert pd.isna(row["to_code"])
    assert row["weight"] == 1.0


def test_a_roll_up_tells_what_did_not_report() -> None:
    values = np.array([[1.0, np.nan, 5.0, 7.0], [np.nan, np.nan, 2.0, 3.0]])
    parent = [0, 0, 1, -1]
    persons = [90.0, 10.0, 0.0, 5.0]
    found = roll_up(values, parent, n_parents=3, weights=persons)
    np.testing.assert_array_equal(found.values, [[1, 5, np.nan], [np.nan, 2, np.nan]])
    np.testing.assert_allclose(found.reported, [[0.9, 1, np.nan], [0, 1, np.nan]])
    mean = roll_up([1.0, 3.0, 5.0, 0.0], parent, n_parents=2, how="mean", weights=persons)
    np.testing.assert_allclose(mean.values, [1.2, 5.0])
    highest = roll_up(values, parent, n_parents=3, how="max")
    np.testing.assert_array_equal(highest.values, found.values)


def test_a_roll_up_refuses() -> None:
    with pytest.raises(ShapeError, match="how"):
        roll_up([1.0], [0], n_parents=1, how="median")
    with pytest.raises(CodeError, match="outside"):
        roll_up([1.0], [1], n_parents=1)
    with pytest.raises(ShapeError, match="one a child"):
        roll_up([1.0, 2.0], [0], n_parents=1)
    with pytest.raises(ShapeError, match="integers"):
        roll_up([1.0], [0.0], n_parents=1)
    with pytest.raises(UnitError):
        roll_up([1.0], [0], n_parents=1, weights=[-1.0])
    with pytest.raises(ShapeError, match="NaN"):
        roll_up([1.0], [0], n_parents=1, weights=[np.nan])


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=25),
    st.lists(st.integers(1, 39), max_size=4, unique=True),
    st.lists(st.integers(1, 39), max_size=4, unique=True),
)
def test_the_weights_of_every_source_sum_to_one(
    people: list[tuple[int, int]], old_cuts: list[int], new_cuts: list[int]
) -> None:
    def strips(cuts: list[int], *, upright: bool) -> gpd.GeoDataFrame:
        ends = [0, *sorted(cuts), 40]
        boxes = {
            f"{a:02d}": shapely.box(a, 0, b, 40) if upright else shapely.box(0, a, 40, b)
            for a, b in itertools.pairwise(ends)
        }
        return frame(boxes)

    old, new = strips(old_cuts, upright=True), strips(new_cuts, upright=False)
    points = gpd.GeoDataFrame(
        {"weight": np.arange(len(people), dtype=float)},
        geometry=gpd.points_from_xy(*zip(*people, strict=True)),
        crs=CRS,
    )
    for weights in (None, points):
        found = crosswalk(old, new, weights=weights)
        sums = found.groupby("from_code")["weight"].sum()
        assert sums.index.tolist() == old["area_code"].tolist()
        assert sums.to_numpy() == pytest.approx(1.0, abs=1e-12)
        assert (found["weight"] > 0).all()
        # A figure that is handed over keeps its sum.
        figures = pd.Series(np.arange(len(old)) + 1.0, index=old["area_code"])
        handed = found["weight"].to_numpy() * figures[found["from_code"]].to_numpy()
        assert handed.sum() == pytest.approx(figures.sum())


def test_a_zoning_leads_to_itself() -> None:
    found = crosswalk(AREAS, AREAS)
    assert found["from_code"].tolist() == found["to_code"].tolist() == ["01", "02", "03"]
    assert found["weight"].tolist() == [1.0, 1.0, 1.0]
