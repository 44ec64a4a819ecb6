"""Roads from a department's file to times: words, usable or not, water, what no road leads to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from etl.build import text
from etl.build.facilities import measure_reach
from etl.build.levels import LevelFrame, build_levels
from etl.build.summary import coverage_table
from etl.build.travel import make_travel
from etl.build.work import Work
from etl.sections import Travel as TravelSettings
from etl.sources.proposal.mapping import propose
from geo.model import Kind, Level, Missing
from tests.etl.test_build import CRS, ELDERLY, TOTAL, areas, config, population
from tests.support.locality import Folder, assert_accounted, box, feature, findings, rules
from tests.support.pbf import extract

ROOM = Kind.COUNSELLING_ROOM


def road_file(tmp_path: Path, *rows: dict[str, object], **settings: object) -> Folder:
    """A folder with a file of roads, side by side from south to north."""
    folder = Folder.with_areas(tmp_path)
    features = [
        feature(row, {"type": "LineString", "coordinates": [[113.8, y], [113.9, y]]})
        for row, y in zip(rows, np.linspace(31.3, 31.4, len(rows)).tolist(), strict=True)
    ]
    collection = {"type": "FeatureCollection", "features": features}
    folder.write("roads.geojson", json.dumps(collection, ensure_ascii=False))
    folder.source("roads", "context", "roads.geojson", theme="road", **settings)
    return folder


def test_words_of_departments_and_of_openstreetmap_are_understood(tmp_path: Path) -> None:
    words = ["G107国道", "县道（双车道）", "乡道", "机耕路", "footway", "motorway_link", "次干路"]
    folder = road_file(tmp_path, *({"类别": word} for word in words), road_class="类别")
    result = folder.result("roads")
    assert result.frame["road_class"].tolist() == [
        "trunk", "secondary", "tertiary", "track", "path", "motorway", "secondary",
    ]  # fmt: skip
    assert result.frame["rank"].tolist() == [1, 2, 2, 3, 3, 1, 2], "drawn by class"
    assert rules(result) == []


def test_an_unknown_word_is_a_local_road_and_said(tmp_path: Path) -> None:
    rows = (
        {"类别": "天路", "方向": "斜"},
        {"类别": "甲", "方向": "单向"},
        {"类别": "", "方向": ""},
    )
    folder = road_file(
        tmp_path, *rows, road_class="类别", one_way="方向", classes={"甲": "primary"}
    )
    result = folder.result("roads")
    assert result.frame["road_class"].tolist() == ["local", "primary", "local"]
    assert result.frame["one_way"].tolist() == [0, 1, 0]
    assert [f.row for f in findings(result, "unknown_road_class")] == [1, 3]
    assert [f.came for f in findings(result, "unknown_direction")] == ["斜"]
    assert_accounted(result)


def test_speeds_and_bridges(tmp_path: Path) -> None:
    rows = [
        {"c": "国道", "v": 45, "b": "是"},
        {"c": "国道", "v": -3, "b": "否"},
        {"c": "国道", "v": 0, "b": ""},
    ]
    folder = road_file(tmp_path, *rows, road_class="c", speed_kmh="v", passes="b")
    result = folder.result("roads")
    np.testing.assert_array_equal(result.frame["speed_kmh"], [45, np.nan, np.nan])
    assert result.frame["passes"].tolist() == [True, False, False]
    assert [f.row for f in findings(result, "bad_road_speed")] == [2, 3]


def test_what_is_no_line_with_a_length_waits(tmp_path: Path) -> None:
    folder = Folder.with_areas(tmp_path)
    nowhere = {"type": "LineString", "coordinates": [[113.8, 31.3], [113.8, 31.3]]}
    ring = {"type": "Polygon", "coordinates": [[[113, 31], [114, 31], [114, 32], [113, 31]]]}
    both = [feature({"c": "国道"}, nowhere), feature({"c": "国道"}, ring)]
    folder.write("roads.geojson", json.dumps({"type": "FeatureCollection", "features": both}))
    folder.source("roads", "context", "roads.geojson", theme="road", road_class="c")
    assert rules(folder.result("roads"))[:2] == ["wrong_geometry"] * 2


# ------------------------------------------------------------------ the build

# A road through the middles of the first six of eight cells; each is about 960 m wide.
ALONG = shapely.LineString([(114.005, 30.005), (114.055, 30.005)])


@pytest.fixture
def levels() -> tuple[LevelFrame, ...]:
    return build_levels(areas(), population(TOTAL + ELDERLY), crs=CRS)


def context(**columns: Any) -> gpd.GeoDataFrame:
    usual = {"theme": "road", "rank": 1, "road_class": "local", "one_way": 0, "speed_kmh": np.nan}
    rows = {**usual, "passes": False, "name": "", **columns}
    return gpd.GeoDataFrame(pd.DataFrame([rows]), geometry=[ALONG], crs="EPSG:4326")


def travel_settings(**changes: Any) -> TravelSettings:
    return TravelSettings(**{"snap_m": 500.0, "min_reached_share": 0.5, **changes})


def sites(*lon: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "kind": str(ROOM), "status": "open", "lon": list(lon), "lat": 30.005, "staff": 1.0,
            "village_code": "T0V0", "town_code": "T0", "hours": None,
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "changes", "reason"),
    [
        (context(), {"network": "off"}, "off"),
        (context(theme="water"), {}, "no_roads"),
        (context(road_class=None), {}, "no_classes"),
        (context(), {"min_reached_share": 0.95}, "not_reached"),
    ],
)
def test_roads_that_are_not_usable_leave_straight_lines_and_say_why(
    levels: tuple[LevelFrame, ...], given: gpd.GeoDataFrame, changes: dict[str, Any], reason: str
) -> None:
    travel = make_travel(levels[0], given, travel_settings(**changes), crs=CRS)
    assert travel.basis == "straight_line"
    assert travel.meta()["method"] == "straight_line"
    assert travel.meta()["reason"] == reason
    assert np.isfinite(travel.nearest(levels[0].xy[:1], "foot")[0]).all()


def test_usable_roads_are_the_basis_and_say_what_they_are(levels: tuple[LevelFrame, ...]) -> None:
    travel = make_travel(levels[0], context(), travel_settings(), crs=CRS)
    meta = travel.meta()
    assert (meta["method"], meta["n_pieces"], meta["largest_share"]) == ("road", 1, 1.0)
    assert meta["reached_share"]["foot"] == pytest.approx(5100 / 5900)
    minutes, which = travel.nearest(levels[0].xy[:1], "foot")
    steps = np.diff(minutes[:6])
    # From middle to middle along the road, without the detour of a straight line.
    np.testing.assert_allclose(steps, np.diff(levels[0].xy[:6, 0]) / 80, rtol=1e-3)
    assert which.tolist() == [0] * 6 + [-1] * 2
    pairs = travel.pairs(levels[0].xy[:1], "foot", limit_min=30)
    np.testing.assert_allclose(pairs.cost_min, minutes[pairs.cell])
    assert pairs.cell.tolist() == [0, 1, 2]


def test_what_no_road_leads_to_is_a_state_of_its_own(levels: tuple[LevelFrame, ...]) -> None:
    work = Work(levels, config())
    travel = make_travel(levels[0], context(), travel_settings(), crs=CRS)
    reach = measure_reach(work, sites(114.005), travel)
    assert reach.unreachable[ROOM].tolist() == [False] * 6 + [True] * 2
    shown = {row.level: row for row in work.book if row.layer == f"nearest_min.{ROOM}"}
    assert (shown["grid"].states[6:] == Missing.UNREACHABLE).all()
    assert np.isnan(shown["grid"].values[6:]).all()
    assert (shown["grid"].classes[6:] >> 4 == Missing.UNREACHABLE).all()
    # Of a village nobody of whom gets there; a town's mean is over those who do.
    assert shown["village"].states.tolist() == [0, 0, 0, Missing.UNREACHABLE]
    assert shown["town"].states.tolist() == [0, 0]
    covered = next(r for r in work.book if r.layer == f"covered.{ROOM}" and r.level == "grid")
    assert covered.values[6] == 0, "out of reach is not covered, and known to be so"
    table = coverage_table(levels, reach, sites(114.005))
    county = table[table["level"] == Level.COUNTY].iloc[0]
    assert county["persons_unreachable"] == 800


def test_no_open_site_is_no_data_and_not_unreachable(levels: tuple[LevelFrame, ...]) -> None:
    work = Work(levels, config())
    travel = make_travel(levels[0], context(), travel_settings(), crs=CRS)
    reach = measure_reach(work, sites(114.005).assign(status="closed"), travel)
    assert not reach.unreachable[ROOM].any()
    shown = next(r for r in work.book if r.layer == f"nearest_min.{ROOM}" and r.level == "grid")
    assert (shown.states == Missing.NO_DATA).all()


def test_water_of_the_rank_bars_the_walk_to_the_road(levels: tuple[LevelFrame, ...]) -> None:
    # All round the middle of the second cell, and the road with it.
    x, y = 114.015, 30.005
    ring = shapely.Polygon(shapely.box(x - 0.001, y + 0.0005, x + 0.001, y + 0.001).exterior)
    water = context(theme="water", rank=2, road_class=None).set_geometry([ring], crs="EPSG:4326")
    north = context().set_geometry([shapely.LineString([(114.0, 30.0065), (114.06, 30.0065)])])
    both = gpd.GeoDataFrame(
        pd.concat([north.to_crs(4326) if north.crs else north.set_crs(4326), water]),
        crs="EPSG:4326",
    )
    found = {}
    for rank in (1, 2):
        travel = make_travel(levels[0], both, travel_settings(barrier_rank=rank), crs=CRS)
        found[rank] = travel.roads["foot"][1].reached[:3].tolist()
    assert found == {1: [True, True, True], 2: [True, False, True]}


@pytest.mark.parametrize("mode", ["foot", "car"])
def test_words_say_which_way_times_came_about(levels: tuple[LevelFrame, ...], mode: Any) -> None:
    road = make_travel(levels[0], context(), travel_settings(), crs=CRS)
    line = make_travel(levels[0], context(), travel_settings(network="off"), crs=CRS)
    assert "沿道路" in text.way(road, mode).zh
    assert "无路可达" in text.way(road, mode).zh
    assert "along roads" in text.way(road, mode).en
    assert "直线距离×1.3" in text.way(line, mode).zh
    assert "{" not in text.way(road, mode).zh + text.way(line, mode).en


# ------------------------------------------------------------------ OpenStreetMap

ROUND = [(113.82, 31.32), (113.83, 31.32), (113.83, 31.33), (113.82, 31.32)]
EXTRACT = extract(
    [
        ([(113.8, 31.3), (113.82, 31.32)], {"highway": "primary", "name": "主街", "oneway": "-1"}),
        (ROUND, {"highway": "tertiary", "junction": "roundabout"}),
        ([(113.8, 31.4), (113.9, 31.4)], {"highway": "proposed"}),
        ([(113.8, 31.4), (113.9, 31.45)], {"waterway": "river", "name": "大河"}),
        ([(113.7, 31.4), (113.7, 31.5), (113.8, 31.5), (113.7, 31.4)], {"natural": "water"}),
    ]
)


def test_an_openstreetmap_extract_needs_no_mapping(tmp_path: Path) -> None:
    folder = Folder.with_areas(tmp_path)
    folder.write("roads.osm.pbf", EXTRACT)
    folder.source("roads", "context", "roads.osm.pbf", theme="road")
    folder.source("water", "context", "roads.osm.pbf", theme="water")
    result = folder.result("roads")
    assert rules(result) == []
    assert result.frame["road_class"].tolist() == ["primary", "tertiary"]
    assert result.frame["one_way"].tolist() == [-1, 1], "a roundabout runs one way"
    assert result.frame["name"].tolist() == ["主街", ""]
    assert result.frame["passes"].all(), "roads meet where its nodes say so"
    water = folder.result("water").frame
    assert water.geometry.geom_type.tolist() == ["MultiPolygon"]


def test_a_damaged_extract_is_refused(tmp_path: Path) -> None:
    folder = Folder.with_areas(tmp_path)
    folder.write("roads.osm.pbf", EXTRACT[: len(EXTRACT) // 2])
    folder.source("roads", "context", "roads.osm.pbf", theme="road")
    assert set(rules(folder.result("roads"))) & {"unreadable_vector", "empty_file"}


def zone_file(
    tmp_path: Path, theme: str, *rows: tuple[dict[str, object], dict[str, Any]]
) -> Folder:
    folder = Folder.with_areas(tmp_path)
    features = [feature(properties, geometry) for properties, geometry in rows]
    collection = {"type": "FeatureCollection", "features": features}
    folder.write("zones.geojson", json.dumps(collection, ensure_ascii=False))
    folder.source("zones", "context", "zones.geojson", theme=theme, rank="等级", name="名称")
    return folder


def test_zones_are_areas_with_a_rank_in_words_or_figures(tmp_path: Path) -> None:
    square = box(113.82, 31.32, 113.84, 31.34)
    line = {"type": "LineString", "coordinates": [[113.8, 31.3], [113.9, 31.4]]}
    words: list[object] = ["适宜", "较适宜", 3, "1", "不知道", None]
    rows = [({"等级": word, "名称": f"{i}区"}, square) for i, word in enumerate(words)]
    folder = zone_file(tmp_path, "suitable", *rows, ({"等级": 1, "名称": "线"}, line))
    result = folder.result("zones")
    assert result.frame["rank"].tolist() == [1, 2, 3, 1, 3, 3]
    assert set(result.frame["theme"]) == {"suitable"}
    assert result.frame["name"].tolist()[:2] == ["0区", "1区"]
    (wrong,) = findings(result, "wrong_geometry")
    assert wrong.row == 7
    assert [f.came for f in findings(result, "bad_attribute")] == ["不知道"]
    assert_accounted(result)


def test_zones_are_no_part_of_an_extract(tmp_path: Path) -> None:
    folder = Folder.with_areas(tmp_path)
    folder.write(
        "land.osm.pbf", extract([([(113.8, 31.3), (113.9, 31.4)], {"highway": "primary"})])
    )
    folder.source("zones", "context", "land.osm.pbf", theme="excluded")
    assert rules(folder.result("zones")) == ["unreadable_vector"]


def test_a_map_of_zones_is_proposed_by_its_name(tmp_path: Path) -> None:
    square = box(113.82, 31.32, 113.84, 31.34)
    folder = zone_file(tmp_path, "suitable", ({"等级": 1, "名称": "甲区"}, square))
    made = (tmp_path / "zones.geojson").read_bytes()
    for name, theme in (("某县选址适宜区", "suitable"), ("某县不适宜区", "excluded"),
                        ("生态保护红线", "excluded")):  # fmt: skip
        (tmp_path / f"{name}.geojson").write_bytes(made)
        proposal = propose(tmp_path / f"{name}.geojson", folder.settings().config)
        assert (proposal.role, proposal.settings["theme"]) == ("context", theme)
        assert (proposal.settings["rank"], proposal.settings["name"]) == ("等级", "名称")
