"""Boundaries: codes, rings, parents, and a county made from below."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from etl.findings import Doubts, Finding, IntakeError
from etl.sources.boundaries import Zones, map_areas
from etl.sources.changes import overlay_changes
from etl.sources.settings import AreasSource
from etl.sources.successors import Successors
from etl.sources.vector import read_features
from geo.datum import from_wgs84
from tests.support.locality import (
    COUNTY,
    NE,
    NW,
    SE,
    SW,
    TOWNS,
    VILLAGES,
    Folder,
    assert_accounted,
    box,
    feature,
    findings,
    rules,
    town_features,
    village_features,
)


def same_shape(shape: shapely.Geometry, *bounds: float) -> bool:
    """Whether a shape is a box, but for rounding."""
    return bool(shape.symmetric_difference(shapely.box(*bounds)).area < 1e-8)


def test_levels_come_finest_first_with_parents(tmp_path: Path) -> None:
    areas = Folder.with_areas(tmp_path).ingest().areas
    assert areas.crs.to_epsg() == 4326
    assert list(areas.columns) == ["level", "area_code", "name", "parent_code", "geometry"]
    assert areas["area_code"].tolist() == [*VILLAGES, *TOWNS, COUNTY]
    assert areas["parent_code"].tolist()[:6] == [TOWNS[0]] * 2 + [TOWNS[1]] * 2 + [COUNTY] * 2
    assert areas["parent_code"].isna().tolist() == [False] * 6 + [True]
    assert areas.geometry.is_valid.all()


def test_county_is_dissolved_from_the_coarsest_level_and_said(tmp_path: Path) -> None:
    folder = Folder.with_areas(tmp_path)
    county = folder.ingest().areas.iloc[-1]
    assert county["name"] == "试验县"
    assert same_shape(county["geometry"], 113.8, 31.3, 114.0, 31.5)
    (finding,) = findings(folder.result("towns"), "county_dissolved")
    assert "2 areas of level town" in finding.action.en
    whole = feature({"code": COUNTY, "name": "县"}, box(113.8, 31.3, 114.0, 31.5))
    folder.areas("county", "county", [whole])
    assert rules(folder.result("towns")) == []
    assert folder.ingest().areas.iloc[-1]["name"] == "县"


def test_invalid_ring_is_mended_and_said(tmp_path: Path) -> None:
    features = village_features()
    x, y = 113.85, 31.45
    ring = [(x - 0.05, y - 0.05), (x + 0.05, y + 0.05), (x + 0.05, y - 0.05), (x - 0.05, y + 0.05)]
    features[1]["geometry"] = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    folder = Folder(tmp_path)
    folder.areas("villages", "village", features)
    intake = folder.ingest()
    assert intake.areas.geometry.is_valid.all()
    (finding,) = findings(intake.results[0], "ring_mended")
    assert (finding.row, finding.came, finding.severity) == (2, NW, "info")
    assert "Self-intersection" in finding.action.en


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"geometry": None}, "missing_geometry"),
        ({"geometry": {"type": "Point", "coordinates": [113.85, 31.35]}}, "wrong_geometry"),
        ({"geometry": box(500000, 3400000, 500100, 3400100)}, "coordinates_off_earth"),
        ({"properties": {"code": "99010100100", "name": "x"}}, "malformed_code"),
        ({"properties": {"code": None, "name": "x"}}, "missing_value"),
    ],
)
def test_bad_features_wait_and_the_others_count(
    tmp_path: Path, change: dict[str, object], rule: str
) -> None:
    folder = Folder(tmp_path)
    features = village_features()
    features[0] |= change
    folder.areas("villages", "village", features)
    result = folder.ingest().results[0]
    assert (result.accepted, result.quarantined) == (3, 1)
    assert [(f.rule, f.row) for f in result.findings if f.row] == [(rule, 1)]
    assert_accounted(result)


def test_parts_of_one_area_are_joined(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    features = village_features()
    features[1]["properties"]["code"] = SW
    folder.areas("villages", "village", features, population={"total": "n"})
    for one, persons in zip(features, (1, 2, None, 4), strict=True):
        one["properties"]["n"] = persons
    collection = {"type": "FeatureCollection", "features": features}
    folder.write("villages.geojson", json.dumps(collection))
    intake = folder.ingest()
    villages = intake.areas[intake.areas["level"] == "village"].set_index("area_code")
    assert villages.index.tolist() == [SW, SE, NE]
    assert same_shape(villages.loc[SW, "geometry"], 113.8, 31.3, 113.9, 31.5)
    result = intake.results[0]
    assert (result.accepted, len(result.frame)) == (4, 3)
    assert [f.row for f in findings(result, "duplicate_area")] == [2]
    assert result.population is not None
    persons = result.population.set_index("area_code")["persons"]
    assert persons[SW] == 3
    assert np.isnan(persons[SE])


@pytest.mark.parametrize("way", ["column", "prefix", "spatial"])
def test_ways_to_a_parent_agree(tmp_path: Path, way: str) -> None:
    folder = Folder(tmp_path)
    towns, villages = town_features(), village_features()
    if way == "prefix":
        for one in towns:
            one["properties"]["code"] = one["properties"]["code"][:9]
        folder.codes = {"town": r"\d{9}"}
    for one in villages:
        one["properties"]["up"] = one["properties"]["code"][:9] + "000"
    folder.areas("towns", "town", towns)
    folder.areas("villages", "village", villages, parents=way)
    folder.sources[-1]["columns"]["parent"] = "up"
    areas = folder.ingest().areas
    parents = areas.set_index("area_code")["parent_code"]
    length = 9 if way == "prefix" else 12
    assert [parents[v] for v in VILLAGES] == [v[:9].ljust(length, "0") for v in VILLAGES]


def test_unknown_parent_is_found_by_position_and_said(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    villages = village_features()
    for one in villages:
        one["properties"]["up"] = TOWNS[0]
    villages[2]["properties"]["up"] = "990101009000"
    villages[3]["properties"]["up"] = None
    folder.areas("towns", "town", town_features())
    folder.areas("villages", "village", villages, parents="column")
    folder.sources[-1]["columns"]["parent"] = "up"
    intake = folder.ingest()
    parents = intake.areas.set_index("area_code")["parent_code"]
    assert parents[[SE, NE]].tolist() == [TOWNS[1]] * 2
    assert [f.row for f in findings(intake.results[1], "unknown_parent")] == [3, 4]


def test_area_in_no_parent_goes_to_the_nearest_and_is_said(tmp_path: Path) -> None:
    folder = Folder.with_areas(tmp_path)
    island = feature({"code": "990101002003", "name": "岛"}, box(114.01, 31.3, 114.02, 31.31))
    villages = [*village_features(), island]
    folder.sources.pop()
    folder.areas("villages", "village", villages)
    intake = folder.ingest()
    assert intake.areas.set_index("area_code")["parent_code"]["990101002003"] == TOWNS[1]
    (finding,) = findings(intake.results[1], "parent_by_nearest")
    assert finding.row == 5
    # 0.01 degree of longitude at 31.3 N.
    assert "95" in finding.action.zh


@pytest.mark.parametrize("datum", ["GCJ02", "BD09"])
def test_boundaries_in_another_datum(tmp_path: Path, datum: str) -> None:
    folder = Folder(tmp_path)
    features = village_features()
    for one in features:
        xy = np.array(one["geometry"]["coordinates"][0])
        lon, lat = from_wgs84(xy[:, 0], xy[:, 1], datum=datum)
        one["geometry"]["coordinates"] = [np.column_stack([lon, lat]).tolist()]
    folder.areas("villages", "village", features, datum=datum)
    first = folder.ingest().areas.iloc[0]["geometry"]
    assert same_shape(first, 113.8, 31.3, 113.9, 31.4)


@pytest.mark.parametrize("suffix", ["gpkg", "shp"])
def test_projected_geopackage_and_gbk_shapefile(tmp_path: Path, suffix: str) -> None:
    folder = Folder(tmp_path)
    frame = gpd.GeoDataFrame.from_features(village_features(), crs=4326).to_crs(4547)
    path = tmp_path / f"villages.{suffix}"
    options = {"encoding": "GBK"} if suffix == "shp" else {"layer": "村"}
    frame.to_file(path, **options)
    if suffix == "shp":
        path.with_suffix(".cpg").unlink(missing_ok=True)
    columns = {"code": "code", "name": "name"}
    layer = {"layer": "村"} if suffix == "gpkg" else {}
    folder.source("villages", "areas", path.name, level="village", columns=columns, **layer)
    areas = folder.ingest().areas
    assert areas["name"].tolist()[0] == "柳溪村"
    assert areas.total_bounds == pytest.approx([113.8, 31.3, 114.0, 31.5], abs=1e-6)
    if suffix == "gpkg":
        folder.sources[-1]["layer"] = "镇"
        with pytest.raises(IntakeError, match="Layer missing"):
            folder.ingest()


def test_truncated_geojson_names_the_place(tmp_path: Path) -> None:
    folder = Folder.with_areas(tmp_path)
    path = tmp_path / "villages.geojson"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(IntakeError, match="line 1, character") as caught:
        folder.ingest()
    (finding,) = [f for f in caught.value.findings if f.severity == "error"]
    assert (finding.source_id, finding.rule) == ("villages", "unreadable_vector")
    assert str(tmp_path) not in str(caught.value)


def test_geojson_in_gbk_is_refused_or_read_as_declared(tmp_path: Path) -> None:
    folder = Folder.with_areas(tmp_path)
    path = tmp_path / "villages.geojson"
    path.write_bytes(path.read_text(encoding="utf-8").encode("gbk"))
    areas = folder.ingest().areas
    assert areas["name"].tolist()[0] == "柳溪村"
    folder.sources[-1]["encoding"] = "utf-8"
    with pytest.raises(IntakeError, match="Encoding is not the one declared"):
        folder.ingest()


def test_every_broken_boundary_file_is_named_at_once(tmp_path: Path) -> None:
    folder = Folder.with_areas(tmp_path)
    (tmp_path / "towns.geojson").unlink()
    folder.write("villages.geojson", '{"type": "FeatureCollection", "features": []}')
    with pytest.raises(IntakeError) as caught:
        folder.ingest()
    assert [f.rule for f in caught.value.findings] == ["missing_file", "empty_file"]
    assert "towns.geojson" in str(caught.value)
    assert "villages.geojson" in str(caught.value)


def test_missing_attribute_names_what_is_there(tmp_path: Path) -> None:
    folder = Folder.with_areas(tmp_path)
    folder.sources[-1]["columns"] = {"code": "codes"}
    with pytest.raises(IntakeError, match="nearest is “code”"):
        folder.ingest()


def test_context_is_read_and_ranked(tmp_path: Path) -> None:
    folder = Folder.with_areas(tmp_path)
    line = {"type": "LineString", "coordinates": [[113.8, 31.3], [114, 31.5]]}
    point = {"type": "Point", "coordinates": [113.8, 31.3]}
    features = [
        feature({"等级": 1, "名称": "大河"}, line),
        feature({"等级": 7, "名称": None}, line),
        feature({"等级": 2, "名称": "点"}, point),
    ]
    folder.write("water.geojson", json.dumps({"type": "FeatureCollection", "features": features}))
    folder.source("water", "context", "water.geojson", theme="water", rank="等级", name="名称")
    result = folder.result("water")
    assert list(result.frame.columns)[:3] == ["theme", "rank", "name"]
    assert result.frame["road_class"].isna().all(), "water has no class"
    assert result.frame["rank"].tolist() == [1, 3]
    assert result.frame["name"].tolist() == ["大河", ""]
    assert sorted(rules(result)) == ["bad_attribute", "wrong_geometry"]
    assert_accounted(result)


# ------------------------------------------------------------------ areas of the past


def dated(
    tmp_path: Path, *spans: tuple[str, str, str], today: str = "2026-11-18"
) -> tuple[Zones, list[Finding]]:
    """Village files whose features have a code, a first and a last day."""
    folder = Folder(tmp_path)
    features = [
        feature({"code": code, "name": code, "from": first, "to": last}, box(x, 31, x + 1, 32))
        for x, (code, first, last) in enumerate(spans, start=100)
    ]
    folder.areas("dated", "village", features)
    folder.sources[-1]["columns"] |= {"valid_from": "from", "valid_to": "to"}
    config = folder.settings().config
    source = config.sources[0]
    assert isinstance(source, AreasSource)
    doubts = Doubts("dated", "dated.geojson")
    read = read_features(
        tmp_path / "dated.geojson", source, ["code", "name", "from", "to"], doubts, datum="WGS84"
    )
    zones = map_areas(read, source, config, doubts, today=date.fromisoformat(today))
    mapped = zones.mapped
    assert mapped.accepted + mapped.quarantined + mapped.set_aside == len(spans)
    return zones, doubts.findings


def test_areas_that_are_not_valid_today_are_set_aside(tmp_path: Path) -> None:
    spans = (
        (SW, "", "2025-12-31"),
        (NW, "2026-01-01", ""),
        (SE, "2027/1/1", ""),
        (NE, "2026-11-18", "2026-11-18"),
    )
    zones, told = dated(tmp_path, *spans)
    assert zones.areas["area_code"].tolist() == [NW, NE]
    assert zones.mapped.set_aside == 2
    assert [(f.rule, f.row, f.column, f.came) for f in told] == [
        ("area_of_the_past", 1, "to", SW),
        ("area_of_the_future", 3, "from", SE),
    ]
    assert "2025-12-31" in told[0].action.zh
    assert "2027-01-01" in told[1].action.zh
    later, _ = dated(tmp_path, *spans, today="2027-01-01")
    assert later.areas["area_code"].tolist() == [NW, SE]


def test_a_code_may_stand_for_one_area_after_another(tmp_path: Path) -> None:
    spans = ((SW, "2000-01-01", "2025-12-31"), (SW, "2026-01-01", ""), (NW, "", ""))
    now, told = dated(tmp_path, *spans)
    assert now.areas.set_index("area_code").bounds.loc[SW, "minx"] == 101
    assert [f.rule for f in told] == ["area_of_the_past"]
    before, told = dated(tmp_path, *spans, today="2025-12-31")
    assert before.areas.set_index("area_code").bounds.loc[SW, "minx"] == 100
    assert [f.rule for f in told] == ["area_of_the_future"]


def test_a_faulty_validity_waits(tmp_path: Path) -> None:
    zones, told = dated(
        tmp_path, (SW, "soon", ""), (NW, "2026-01-02", "2026-01-01"), (SE, "", "长期")
    )
    assert zones.areas.empty
    assert [f.rule for f in told] == ["bad_validity"] * 3
    assert zones.mapped.quarantined == 3


def test_former_areas_keep_their_shape_and_lead_to_todays(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    spans = [
        (SW, "", "2025-12-31", box(100, 31, 101, 32)),
        (NW, "", "2025-12-31", box(101, 31, 102, 32)),
        (SE, "2026-01-01", "", box(100, 31, 101.502, 32)),
        (NE, "2026-01-01", "", box(101.502, 31, 102, 32)),
    ]
    features = [
        feature({"code": code, "name": code, "from": first, "to": last}, shape)
        for code, first, last, shape in spans
    ]
    folder.areas("dated", "village", features)
    folder.sources[-1]["columns"] |= {"valid_from": "from", "valid_to": "to"}
    config = folder.settings().config
    source = config.sources[0]
    assert isinstance(source, AreasSource)
    doubts = Doubts("dated", "dated.geojson")
    read = read_features(
        tmp_path / "dated.geojson", source, ["code", "name", "from", "to"], doubts, datum="WGS84"
    )
    zones = map_areas(read, source, config, doubts, today=date(2026, 11, 18))
    assert zones.former[["area_code", "since"]].to_numpy().tolist() == [
        [SW, "2026-01-01"],
        [NW, "2026-01-01"],
    ]
    by_area = overlay_changes(zones.former, zones.areas, level="village", crs="EPSG:4547")
    weights = by_area.set_index(["old_code", "new_code"])["weight"]
    assert weights[SW, SE] == pytest.approx(1)
    assert weights[NW, SE] == pytest.approx(0.502, abs=0.01)
    people = gpd.GeoDataFrame(
        {"weight": [90.0, 10.0]},
        geometry=gpd.points_from_xy([101.2, 101.8], [31.5, 31.5]),
        crs=4326,
    )
    by_people = overlay_changes(
        zones.former, zones.areas, level="village", crs="EPSG:4547", people=people
    )
    weights = by_people.set_index(["old_code", "new_code"])["weight"]
    assert weights[NW, SE] == pytest.approx(0.9)
    assert by_people.groupby("old_code")["weight"].sum().tolist() == pytest.approx([1, 1])
    shares = Successors(by_people).shares("village", NW, date(2025, 6, 1).toordinal())
    assert shares == pytest.approx({SE: 0.9, NE: 0.1})
