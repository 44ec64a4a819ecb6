"""Every fault of a frame is found at once."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.checks import (
    amount_faults,
    area_faults,
    code_faults,
    crs_faults,
    mend,
    require,
    tree_faults,
)
from geo.errors import FaultsError

SQUARE = shapely.box(0, 0, 10, 10)
BOW = shapely.from_wkt("POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))")


def towns(codes: list[object], shapes: list[object], crs: object = 32650) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"area_code": pd.Series(codes)}, geometry=shapes, crs=crs)


def test_good_areas_have_no_fault() -> None:
    assert area_faults("towns", towns(["01", "02"], [SQUARE, SQUARE]), pattern=r"\d{2}") == []
    require("towns", [], [])


def test_all_faults_are_told_at_once() -> None:
    frame = towns(
        ["01", "01", None, "x", "05"], [SQUARE, BOW, None, shapely.Point(0, 0), SQUARE], 4326
    )
    with pytest.raises(FaultsError) as caught:
        require("towns", area_faults("towns", frame, pattern=r"\d{2}"), amount_faults("n", [-1]))
    told = str(caught.value)
    for part in (
        "1 missing code(s)",
        "1 doubled code(s), such as '01'",
        "1 malformed code(s), such as 'x'",
        "CRS EPSG:4326",
        "1 missing or empty geometry(ies), such as 2",
        "1 invalid geometry(ies), such as 1",
        "1 geometry(ies) that are no polygon, such as 3",
        "1 negative amount(s), such as -1.0",
    ):
        assert part in told
    assert len(caught.value.faults) == 8


def test_an_empty_frame_and_a_missing_column_are_faults() -> None:
    assert area_faults("towns", towns([], []))[0].came == "no rows"
    unnamed = gpd.GeoDataFrame({"code": ["1"]}, geometry=[SQUARE], crs=32650)
    assert area_faults("towns", unnamed)[0].wanted == "area_code among them"


def test_codes_that_lost_their_zeros_are_told() -> None:
    fault = code_faults("area_code", pd.Series([11, 12]))[0]
    assert fault.wanted == "text, zeros kept"


def test_crs_may_be_asked_to_be_known_only() -> None:
    shapes = gpd.GeoSeries([SQUARE], crs=4326)
    assert crs_faults("towns", shapes, metric=False) == []
    assert crs_faults("towns", gpd.GeoSeries([SQUARE], crs=2263))[0].wanted.endswith("metres")


def test_amounts_below_zero_or_without_bound() -> None:
    faults = amount_faults("n", [1, -2.5, np.inf, np.nan, 0])
    assert [fault.came for fault in faults] == [
        "1 negative amount(s), such as -2.5",
        "1 infinite amount(s), such as inf",
    ]


LEVELS = ["grid", "village", "town", "county"]


def tree(**changes: object) -> pd.DataFrame:
    """Two villages of two cells in a town in a county."""
    parents: dict[str, object] = {"g1": "v1", "g2": "v1", "g3": "v2", "v1": "t1", "v2": "t1",
                                  "t1": "c", "c": None} | changes  # fmt: skip
    named = {"g": "grid", "v": "village", "t": "town", "c": "county"}
    return pd.DataFrame(
        {
            "level": [named[code[0]] for code in parents],
            "area_code": list(parents),
            "parent_code": list(parents.values()),
        }
    )


def test_a_tree_has_no_fault() -> None:
    assert tree_faults("areas", tree(), levels=LEVELS) == []
    assert tree_faults("areas", tree(c="whatever"), levels=LEVELS) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"v2": None}, "areas.village: 1 area(s) without a parent, such as 'v2'; wanted a town"),
        ({"v2": ""}, "1 area(s) without a parent"),
        ({"v2": "t9"}, "areas.village: 1 area(s) whose parent does not exist, such as 'v2'"),
        ({"g1": "t1"}, "areas.grid: 1 area(s) whose parent is not on the level above"),
        ({"v1": "v2", "v2": "v1"}, "2 area(s) whose parent is not on the level above"),
        ({"t1": "t1"}, "areas.town: 1 area(s) whose parent is not on the level above"),
        ({"t1": "v1"}, "areas.town: 1 area(s) whose parent is not on the level above"),
    ],
)
def test_what_is_no_tree_is_told_with_its_areas(changes: dict[str, object], told: str) -> None:
    (fault,) = tree_faults("areas", tree(**changes), levels=LEVELS)
    assert told in str(fault)


def test_mend_repairs_what_is_broken_and_nothing_else() -> None:
    spike = shapely.from_wkt("POLYGON ((0 0, 4 0, 4 4, 2 4, 2 9, 2 4, 0 4, 0 0))")
    line = shapely.from_wkt("POLYGON ((0 0, 1 1, 0 0, 0 0))")
    given = gpd.GeoSeries([SQUARE, BOW, spike, None, line], index=list("abcde"), crs=32650)
    found = mend(given)
    assert found.mended.tolist() == [1, 2, 4]
    assert len(found.reasons) == 3
    assert "Self-intersection" in found.reasons[0]
    assert found.geometry.crs == given.crs
    assert list(found.geometry.index) == list("abcde")
    assert found.geometry["a"].equals(SQUARE)
    assert found.geometry["b"].area == pytest.approx(2.0)
    assert found.geometry["c"].area == pytest.approx(16.0)
    assert found.geometry["d"] is None
    assert found.geometry["e"].is_empty
    assert set(found.geometry.drop("d").geom_type) <= {"Polygon", "MultiPolygon"}
    assert found.geometry.drop("d").is_valid.all()
