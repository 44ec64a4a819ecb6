"""The ground of siting on a real store: what was published, no more, and the same minutes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Engine

from etl.pipeline import run, take_in
from etl.settings import Settings
from etl.siting import ground as ground_module
from etl.siting.candidates import check_asked, list_candidates
from etl.siting.ground import Ground, pairs, read_ground
from etl.siting.question import read_question
from etl.store.engine import open_engine
from etl.store.reader import Reader
from etl.store.writer import Writer
from geo.errors import NotPublishedError, StoreError
from geo.model import Missing
from tests.support.locality import NE, NOW, NW, SE, SW, TOWNS, VILLAGES, Folder, box, feature
from tests.support.siting_ground import CODES, hand_made, site

# Left-behind children of the four villages: the first three are too few to be told.
CHILDREN = {SW: 3, NW: 6, SE: 4, NE: 60}
SITES = """编号,名称,类别,经度,纬度,面积,楼层,产权单位,开放时间
R1,西镇服务站,心理咨询室,113.84,31.35,60,1层,西镇人民政府,周一至周五 9:00-17:00
R2,东镇服务站,心理咨询室,113.96,31.44,80,2层,东镇人民政府,周一至周五 9:00-17:00
V1,松岭村党群服务中心,场地,113.86,31.46,35,1层,松岭村村民委员会,周一至周五 9:00-17:00
V2,桥头村党群服务中心,场地,113.95,31.34,,,,
"""
KINDS = {"心理咨询室": "counselling_room", "场地": "host_venue"}
COLUMNS = {
    "site_id": "编号", "name": "名称", "kind": "类别", "lon": "经度", "lat": "纬度",
    "area_m2": "面积", "floor": "楼层", "owner": "产权单位", "hours": "开放时间",
}  # fmt: skip


def write_map(folder: Folder, name: str, features: list[dict[str, Any]], **settings: Any) -> None:
    collection = {"type": "FeatureCollection", "features": features}
    folder.write(f"{name}.geojson", json.dumps(collection, ensure_ascii=False))
    folder.source(name, "context", f"{name}.geojson", **settings)


def write_people(folder: Folder, children: dict[str, int]) -> None:
    rows = [f"{code},{2000 + 100 * i},{children[code]}" for i, code in enumerate(VILLAGES)]
    folder.write("people.csv", "\n".join(["代码,人口,留守儿童", *rows]) + "\n")


def write_locality(folder: Folder, *, roads: bool) -> None:
    """Four villages, two rooms, two venues, with or without roads between them."""
    write_people(folder, CHILDREN)
    columns = {"code": "代码", "groups": {"total": "人口", "left_behind": "留守儿童"}}
    folder.source("people", "population", "people.csv", level="village", columns=columns)
    folder.write("sites.csv", SITES)
    folder.source("sites", "facilities", "sites.csv", kinds=KINDS, columns=COLUMNS)
    if roads:
        ways = [
            ([(113.81, 31.35), (113.85, 31.36), (113.95, 31.35), (113.99, 31.36)], "县道"),
            ([(113.85, 31.36), (113.85, 31.45)], "乡道"),
            ([(113.95, 31.35), (113.96, 31.45), (113.86, 31.46)], "村道"),
        ]
        rows = [feature({"类别": word}, {"type": "LineString", "coordinates": list(map(list, xy))})
                for xy, word in ways]  # fmt: skip
        write_map(folder, "roads", rows, theme="road", road_class="类别")


@dataclass
class Office:
    """A locality whose week was published."""

    folder: Folder
    snapshot_id: str = ""

    @property
    def settings(self) -> Settings:
        return self.folder.settings()

    @cached_property
    def engine(self) -> Engine:
        return open_engine(self.folder.store_url)

    def publish(self, *, hours: int = 0) -> str:
        self.snapshot_id = run(self.settings, now=NOW + timedelta(hours=hours)).snapshot_id
        return self.snapshot_id

    def ground(self, snapshot_id: str | None = None) -> Ground:
        return read_ground(self.engine, self.settings, snapshot_id)


Make = Callable[..., Office]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Publishes a locality: with roads, or as `roads=False` says."""

    def made(name: str = "one", *, url: str = "", roads: bool = True) -> Office:
        path = tmp_path / name
        path.mkdir()
        folder = Folder.with_areas(path)
        folder.store_url = url or f"sqlite:///{path / '.xintu' / 'xintu.db'}"
        write_locality(folder, roads=roads)
        return Office(folder)

    return made


@pytest.fixture
def office(store_url: str, make: Make) -> Office:
    found = make(url=store_url)
    found.publish()
    return found


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """A published locality that no test changes."""
    path = tmp_path_factory.mktemp("shared")
    folder = Folder.with_areas(path)
    folder.store_url = f"sqlite:///{path / '.xintu' / 'xintu.db'}"
    write_locality(folder, roads=True)
    office = Office(folder)
    office.publish()
    return office


def assert_minutes_are_the_published(office: Office, method: str) -> None:
    ground, reader = office.ground(), Reader(office.folder.store_url)
    assert ground.travel.basis == method
    assert ground.same_travel
    checked = 0
    for kind in ground.meta["kinds"]:
        serving = ground.sites[
            (ground.sites["kind"] == kind["code"]) & (ground.sites["status"] == "open")
        ]
        if serving.empty:
            continue
        published = reader.layer(ground.snapshot_id, "village", f"nearest_min.{kind['code']}")
        found = pairs(ground, serving, kind["mode"], limit_min=600)
        nearest = found.groupby("area_code")["cost_min"].min().reindex(ground.cells["area_code"])
        assert np.isfinite(published.values).any()
        np.testing.assert_allclose(nearest, published.values, rtol=0, atol=1e-9)
        covered = reader.layer(ground.snapshot_id, "village", f"covered.{kind['code']}").values
        np.testing.assert_array_equal(nearest.to_numpy() <= kind["threshold_min"], covered == 1)
        checked += 1
    reader.close()
    assert checked == 2


def test_minutes_are_those_that_were_published(office: Office) -> None:
    assert_minutes_are_the_published(office, "road")


def test_minutes_are_straight_lines_where_there_are_no_roads(make: Make) -> None:
    office = make(roads=False)
    office.publish()
    assert_minutes_are_the_published(office, "straight_line")


def test_cells_and_areas_are_those_of_the_snapshot(shared: Office) -> None:
    ground = shared.ground()
    assert ground.snapshot_id == shared.snapshot_id
    assert ground.cells["area_code"].tolist() == sorted(VILLAGES)
    cells = ground.cells.set_index("area_code")
    assert cells.loc[SW, ["name", "village_code", "town_code"]].tolist() == ["柳溪村", SW, TOWNS[0]]
    assert cells.loc[NE, "town_code"] == TOWNS[1]
    assert ground.names[TOWNS[1]] == "东镇"
    xy = ground.xy(cells["lon"], cells["lat"])
    np.testing.assert_allclose(xy, cells[["x", "y"]], atol=2.0)
    assert ground.positions_at(np.array([113.85, 120.0]), np.array([31.45, 31.4])).tolist() == [
        1,
        -1,
    ]
    for frame in (ground.persons, ground.withheld, ground.gap_class, ground.need):
        assert frame.index.tolist() == cells.index.tolist()


def test_sites_carry_floor_and_owner_all_the_way(office: Office) -> None:
    sites = office.ground().sites.set_index("site_id")
    row = sites.loc["sites-V1"]
    assert (row["floor"], row["owner"], row["area_m2"]) == ("1层", "松岭村村民委员会", 35.0)
    assert sites.loc["sites-V2", ["floor", "owner", "hours"]].isna().all()
    assert np.isfinite(sites[["x", "y"]].to_numpy()).all()


def test_residents_are_published_or_guessed_from_what_is(shared: Office) -> None:
    ground, reader = shared.ground(), Reader(shared.folder.store_url)
    told = reader.layer(ground.snapshot_id, "village", "population.left_behind")
    towns = reader.layer(ground.snapshot_id, "town", "population.left_behind")
    reader.close()
    hidden = told.states == Missing.SUPPRESSED
    assert hidden.any()
    assert not hidden.all()
    np.testing.assert_array_equal(ground.withheld["left_behind"], hidden)
    guesses = ground.persons["left_behind"].to_numpy()
    np.testing.assert_array_equal(guesses[~hidden], told.values[~hidden])
    assert (guesses[hidden] >= 0).all()
    sums = ground.persons["left_behind"].groupby(ground.cells["town_code"].to_numpy()).sum()
    shown = ~np.isnan(towns.values)
    np.testing.assert_allclose(sums.to_numpy()[shown], towns.values[shown])
    assert ground.persons["total"].tolist() == [2000.0, 2100.0, 2200.0, 2300.0]
    assert not ground.withheld["total"].any()


def test_nothing_withheld_shows_in_the_ground(make: Make) -> None:
    """Two localities that publish the same have the same ground, whatever they hide."""
    one, other = make("one"), make("other")
    write_people(other.folder, {**CHILDREN, SW: CHILDREN[NW], NW: CHILDREN[SW], SE: 4})
    grounds = []
    for office in (one, other):
        office.publish()
        grounds.append(office.ground())
    first, second = grounds
    hidden = first.withheld["left_behind"]
    assert hidden[[SW, NW]].all()
    pd.testing.assert_frame_equal(first.persons, second.persons)
    pd.testing.assert_series_equal(first.need, second.need)
    pd.testing.assert_frame_equal(first.withheld, second.withheld)


def test_ways_are_made_when_costs_are_first_asked_for(
    shared: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    real = ground_module.make_travel

    def counted(*args: Any, **options: Any) -> Any:
        asked.append(1)
        return real(*args, **options)

    monkeypatch.setattr(ground_module, "make_travel", counted)
    ground = shared.ground()
    question = read_question({"parts": [{"mode": "foot", "threshold_min": 15, "p_new": 2}]})
    candidates = list_candidates(ground, question)
    check_asked(ground, question, candidates)
    assert not asked
    points = candidates.rename(columns={"candidate_id": "site_id"})
    pairs(ground, points, "foot", limit_min=30)
    pairs(ground, points, "car", limit_min=30)
    assert ground.travel is ground.travel
    assert len(asked) == 1


def test_the_same_snapshot_is_the_same_ground(office: Office) -> None:
    first = office.ground()
    assert first.sha256 == office.ground(first.snapshot_id).sha256
    office.folder.write("sites.csv", SITES.replace("113.86", "113.87"))
    later = office.publish(hours=1)
    assert later != first.snapshot_id
    assert office.ground().sha256 != first.sha256
    assert office.ground(first.snapshot_id).sha256 == first.sha256


def test_boundaries_that_changed_since_are_taken_from_the_picture(office: Office) -> None:
    before = office.ground()
    moved = [feature({"code": code, "name": "新村"}, box(x, y, x + 0.1, y + 0.1))
             for code, x, y in ((SW, 113.8, 31.3), (NW, 113.8, 31.4),
                                (SE, 113.9, 31.3), (NE, 113.9, 31.4))]  # fmt: skip
    moved[0]["geometry"] = box(113.8, 31.3, 113.88, 31.4)
    office.folder.sources = [s for s in office.folder.sources if s["id"] != "villages"]
    office.folder.areas("villages", "village", moved)
    take_in(office.settings, Writer(office.folder.store_url), now=NOW)
    after = office.ground()
    assert after.cells["name"].tolist() == before.cells["name"].tolist()
    np.testing.assert_allclose(after.cells[["x", "y"]], before.cells[["x", "y"]], rtol=0, atol=0.2)


def test_zones_and_water_say_where_rooms_may_be_built(make: Make) -> None:
    office = make()
    zone = {"等级": "适宜"}, box(113.8, 31.3, 113.9, 31.5)
    better = {"等级": "较适宜"}, box(113.8, 31.3, 114.0, 31.4)
    write_map(office.folder, "zones", [feature(*better), feature(*zone)], theme="suitable",
              rank="等级")  # fmt: skip
    lake = box(113.84, 31.34, 113.86, 31.36)
    write_map(office.folder, "water", [feature({}, lake)], theme="water")
    write_map(office.folder, "reserve", [feature({}, box(113.9, 31.3, 114.0, 31.4))],
              theme="excluded")  # fmt: skip
    office.publish()
    zones = office.ground().zones
    assert zones is not None
    xy = office.ground().cells[["x", "y"]].to_numpy()
    np.testing.assert_array_equal(zones.ranks(xy), [1, 1, 2, np.nan])
    assert zones.excludes(xy).tolist() == [True, False, True, False]
    assert zones.allows(xy).tolist() == [False, True, False, False]
    nowhere = np.full((1, 2), np.nan)
    assert (zones.excludes(nowhere)[0], zones.allows(nowhere)[0]) == (False, False)
    question = read_question(
        {"parts": [{"mode": "foot", "threshold_min": 15, "p_new": 1, "sources": ["suitable"]}]}
    )
    found = list_candidates(office.ground(), question)
    assert found["candidate_id"].tolist() == [f"cell:{NW}"]


def test_without_zones_every_peopled_cell_may_be_built_on(shared: Office) -> None:
    zones = shared.ground().zones
    assert zones is not None
    assert zones.suitable is None
    assert zones.allows(shared.ground().cells[["x", "y"]].to_numpy()).all()


def test_a_snapshot_that_is_not_there_is_said(shared: Office) -> None:
    with pytest.raises(NotPublishedError, match="no snapshot '2020-W01-none'"):
        shared.ground("2020-W01-none")


def test_nothing_published_and_no_store_are_said(make: Make) -> None:
    office = make()
    Writer(office.folder.store_url)
    with pytest.raises(NotPublishedError, match="nothing has been published"):
        office.ground()
    nowhere = make("two")
    with pytest.raises(StoreError, match="no store there"):
        read_ground(office.engine, nowhere.settings)


def test_pairs_are_those_within_the_limit_by_cell() -> None:
    """By hand: cells are 955 m apart, 1.3 times that at 80 m a minute."""
    ground = hand_made(site("a", "host_venue", 1), site("b", "host_venue", 4),
                       site("lost", "host_venue", 4, lon=np.nan, lat=np.nan))  # fmt: skip
    found = pairs(ground, ground.sites, "foot", limit_min=20)
    assert list(zip(found["area_code"], found["site_id"], strict=True)) == [
        (CODES[0], "a"), (CODES[1], "a"), (CODES[2], "a"),
        (CODES[3], "b"), (CODES[4], "b"), (CODES[5], "b"),
    ]  # fmt: skip
    x = ground.cells["x"].to_numpy()
    expected = [x[1] - x[0], 0, x[2] - x[1], x[4] - x[3], 0, x[5] - x[4]]
    minutes = np.array(expected) * 1.3 / 80
    np.testing.assert_allclose(found["cost_min"], minutes, atol=0.02)
    empty = pairs(ground, ground.sites[ground.sites["site_id"] == "lost"], "car", limit_min=20)
    assert empty.empty
    assert empty.dtypes.to_dict() == found.dtypes.to_dict()
