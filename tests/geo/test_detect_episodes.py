"""One live warning a place and theme: it begins, grows, moves, fades, ends, meets and parts."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import shapely
from scipy.sparse import csr_array

from geo.detect.episodes import COLUMNS, PHASES, Episodes, TierLevel, follow_episodes, touching
from geo.errors import CodeError, GeometryError, ShapeError, UnitError
from geo.model import Level
from tests.support.episodes import held, names, row, zoning


def follow(levels: list[TierLevel], *, hold_weeks: int = 2) -> Episodes:
    weeks = names(len(levels[0].tiers))
    return follow_episodes(levels, measure="calls", weeks=weeks, hold_weeks=hold_weeks)


def told(villages: npt.ArrayLike, **options: npt.ArrayLike) -> pd.DataFrame:
    return follow(zoning(villages, **options)).newest


def test_a_warning_says_where_since_when_and_how_high() -> None:
    found = told([[0, 0, 0], [0, 3, 1], [0, 2, 1]])
    assert list(found.columns) == list(COLUMNS)
    assert found.iloc[0].to_dict() == {
        "episode_id": "calls.v1.2026-W02",
        "measure": "calls",
        "level": "village",
        "area_code": "v1",
        "name": "V1",
        "tier": 2,
        "peak_tier": 3,
        "since_week": "2026-W02",
        "weeks": 2,
        "areas": "v1|v2",
        "n_areas": 2,
        "phase": "fading",
    }


@pytest.mark.parametrize(
    ("villages", "phase"),
    [
        ([[0, 0, 0], [0, 1, 0]], "new"),
        ([[0, 1, 0], [0, 1, 0]], "steady"),
        ([[0, 1, 0], [0, 2, 0]], "growing"),
        ([[0, 1, 0], [1, 1, 0]], "growing"),
        ([[1, 1, 0], [0, 1, 1]], "moving"),
        ([[1, 0, 0], [0, 1, 0]], "moving"),
        ([[1, 1, 0], [0, 2, 1]], "growing"),
        ([[0, 2, 0], [0, 1, 0]], "fading"),
        ([[1, 1, 0], [0, 1, 0]], "fading"),
        ([[0, 2, 0], [0, 1, 1]], "fading"),
        ([[0, 1, 0], [0, 0, 0]], "fading"),
        ([[0, 1, 0], [0, -1, 0]], "fading"),
    ],
)
def test_phases(villages: list[list[int]], phase: str) -> None:
    found = told(villages)
    assert found["phase"].tolist() == [phase]
    assert phase in PHASES


def test_a_warning_that_only_hangs_on_is_fading() -> None:
    levels = held(zoning([[0, 2, 1], [0, 2, 1]]), (1, 1), (1, 2))
    assert follow(levels).newest["phase"].tolist() == ["fading"]
    assert follow(held(levels[:1] + levels[1:], (1, 1))).newest["phase"].tolist() == ["fading"]
    only_one = held(zoning([[0, 2, 1], [0, 2, 1]]), (1, 1))
    assert follow(only_one).newest["phase"].tolist() == ["steady"]


def test_a_warning_outlives_quiet_and_unknown_weeks() -> None:
    weeks = [[0, 2, 0], [0, 0, 0], [0, -1, 0], [0, 1, 0]]
    found = told(weeks)
    assert found["episode_id"].tolist() == ["calls.v1.2026-W01"]
    assert found["weeks"].tolist() == [4]
    assert found["phase"].tolist() == ["growing"]
    resting = told(weeks[:3])
    assert resting[["tier", "weeks", "phase"]].values.tolist() == [[-1, 1, "fading"]]
    assert told(weeks[:2])["tier"].tolist() == [0]


def test_a_warning_ends_after_its_hold_and_is_told_once() -> None:
    weeks = [[0, 2, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 1, 0]]
    assert told(weeks[:3])["phase"].tolist() == ["fading"]
    assert told(weeks[:4])[["phase", "weeks", "peak_tier"]].values.tolist() == [["ended", 1, 2]]
    assert told(weeks[:5]).empty
    assert told(weeks)["episode_id"].tolist() == ["calls.v1.2026-W06"]
    assert follow(zoning(weeks[:2]), hold_weeks=0).newest["phase"].tolist() == ["ended"]


def test_unknown_weeks_are_not_quiet_ones_but_end_a_warning_in_the_end() -> None:
    weeks = [[0, 2, 0], *[[0, -1, 0]] * 4, [0, 0, 0], [0, 1, 0]]
    assert told(weeks)["episode_id"].tolist() == ["calls.v1.2026-W01"]
    assert told([*weeks[:5], [0, -1, 0]])["phase"].tolist() == ["ended"]
    # With the hold of tiers off, an unknown week is still no end.
    assert follow(zoning(weeks[:3]), hold_weeks=0).newest["phase"].tolist() == ["fading"]


def test_nested_areas_are_one_warning_at_the_smallest_place() -> None:
    found = told([[0, 0, 0, 0, 0, 2]], towns=[[0, 2]], county=[1])
    assert found[["area_code", "areas", "n_areas"]].values.tolist() == [["v5", "v5|t1|c0", 3]]
    # The place is where the tier is highest, even if a smaller area has a lower one.
    higher = told([[0, 0, 0, 0, 0, 1]], towns=[[0, 2]])
    assert higher[["level", "area_code"]].values.tolist() == [["town", "t1"]]


def test_levels_between_that_are_quiet_do_not_part() -> None:
    found = told([[2, 0, 0, 0, 0, 0]], towns=[[0, 0]], county=[1])
    assert found["areas"].tolist() == ["v0|c0"]


def test_areas_apart_are_warnings_apart() -> None:
    found = told([[1, 0, 1]])
    assert found["episode_id"].tolist() == ["calls.v0.2026-W01", "calls.v2.2026-W01"]


def test_a_warning_follows_into_the_area_above() -> None:
    found = told([[0, 2, 0], [0, 0, 0]], towns=[[0], [1]])
    assert found[["episode_id", "area_code", "phase"]].values.tolist() == [
        ["calls.v1.2026-W01", "t0", "moving"]
    ]
    back = told([[0, 0, 0], [0, 1, 0]], towns=[[1], [0]])
    assert back[["episode_id", "area_code"]].values.tolist() == [["calls.t0.2026-W01", "v1"]]


def test_the_oldest_outlives_a_meeting() -> None:
    weeks = [[0, 0, 0, 0, 1], [1, 0, 0, 0, 3], [1, 1, 1, 1, 3], [1, 1, 1, 1, 3]]
    found = told(weeks[:3])
    assert found[["episode_id", "phase", "n_areas", "tier"]].values.tolist() == [
        ["calls.v4.2026-W01", "growing", 5, 3],
        ["calls.v0.2026-W02", "ended", 1, 1],
    ]
    assert told(weeks)["episode_id"].tolist() == ["calls.v4.2026-W01"]


def test_the_larger_part_keeps_the_name() -> None:
    found = told([[1, 1, 1, 1, 1], [3, 0, 1, 1, 1]])
    assert found[["episode_id", "areas", "phase"]].values.tolist() == [
        ["calls.v0.2026-W02", "v0", "new"],
        ["calls.v0.2026-W01", "v2|v3|v4", "fading"],
    ]


def test_the_place_stays_while_it_is_one_of_the_highest() -> None:
    found = told([[0, 2, 1], [0, 2, 2], [2, 2, 2]])
    assert found["area_code"].tolist() == ["v1"]


def test_members_tell_the_warning_of_every_area_and_week() -> None:
    found = follow(
        zoning([[0, 1, 0, 1], [0, 1, 1, 1], [-1, 0, 0, 0]], towns=[[0, 0], [0, 1], [0, 0]])
    )
    assert found.ids == ("calls.v1.2026-W01", "calls.v3.2026-W01")
    assert found.members[0].tolist() == [[-1, 0, -1, 1], [-1, 0, 0, 0], [-1, -1, -1, -1]]
    assert found.members[1].tolist() == [[-1, -1], [-1, 0], [-1, -1]]
    assert found.newest["phase"].tolist() == ["fading"]


def test_nothing_to_follow() -> None:
    for shape in ((0, 3), (3, 0), (0, 0)):
        found = follow(zoning(np.zeros(shape)))
        assert found.newest.empty
        assert list(found.newest.columns) == list(COLUMNS)
        assert found.ids == ()
        assert [table.shape[0] for table in found.members] == [shape[0]] * 3
    assert told([[0, -1, 0]]).empty


def test_what_does_not_fit_is_refused() -> None:
    levels = zoning([[1, 0, 0]])
    with pytest.raises(ShapeError, match="levels: none"):
        follow_episodes([], measure="calls", weeks=[])
    with pytest.raises(ShapeError, match=r"village tiers: shape \(1, 3\); wanted \(2, 3\)"):
        follow_episodes(levels, measure="calls", weeks=names(2))
    with pytest.raises(ShapeError, match=r"touching: shape \(2, 2\); wanted \(3, 3\)"):
        follow([replace(levels[0], touching=row(2)), *levels[1:]])
    with pytest.raises(ShapeError, match="codes: one occurs twice"):
        follow([levels[0], replace(levels[1], codes=np.array(["v0"], dtype=object)), levels[2]])
    with pytest.raises(CodeError, match="village parents"):
        follow([replace(levels[0], parents=np.array([0, 0, 7])), *levels[1:]])
    with pytest.raises(UnitError, match="hold_weeks: -1"):
        follow(levels, hold_weeks=-1)
    with pytest.raises(UnitError, match="memory_weeks: -2"):
        follow_episodes(levels, measure="calls", weeks=names(1), memory_weeks=-2)


def test_areas_that_touch() -> None:
    shapes = [
        shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10), shapely.box(20, 10, 30, 20),
        shapely.box(30.6, 10, 40, 20), shapely.box(43, 10, 50, 20), None,
    ]  # fmt: skip
    found = touching(gpd.GeoSeries(shapes, crs="EPSG:4547"))
    assert found.dtype == bool
    pairs = {(int(i), int(j)) for i, j in zip(*found.tocoo().coords, strict=True)}
    assert pairs == {(0, 1), (1, 0), (1, 2), (2, 1), (2, 3), (3, 2)}
    assert touching(gpd.GeoSeries([], crs="EPSG:4547")).shape == (0, 0)


def test_areas_that_touch_need_metres() -> None:
    square = [shapely.box(0, 0, 1, 1)]
    with pytest.raises(GeometryError, match="wanted a projected one"):
        touching(gpd.GeoSeries(square, crs="EPSG:4326"))
    with pytest.raises(GeometryError, match="CRS None"):
        touching(gpd.GeoSeries(square))
    with pytest.raises(UnitError, match="within_m"):
        touching(gpd.GeoSeries(square, crs="EPSG:4547"), within_m=0)


def test_one_level_alone() -> None:
    level = TierLevel(
        Level.GRID, np.array(["a"]), np.array(["A"]), np.array([[4]], dtype=np.int8),
        np.zeros((1, 1), dtype=bool), np.array([-1]), csr_array((1, 1), dtype=bool),
    )  # fmt: skip
    assert follow([level]).newest["episode_id"].tolist() == ["calls.a.2026-W01"]


def test_the_county_ties_no_outbreaks_together() -> None:
    villages = np.zeros((2, 9), dtype=np.int8)
    villages[:, 0] = 2
    villages[1, 8] = 2
    found = follow_episodes(
        zoning(villages, np.zeros((2, 3), dtype=np.int8), np.full((2, 1), 1, dtype=np.int8)),
        measure="calls", weeks=names(2), hold_weeks=2,
    )  # fmt: skip
    first, county = found.members[0], found.members[-1]
    assert county[0, 0] == first[0, 0], "a single warning and the county are one"
    assert len({int(first[1, 0]), int(first[1, 8]), int(county[1, 0])}) == 3
    assert first[1, 0] == first[0, 0]
