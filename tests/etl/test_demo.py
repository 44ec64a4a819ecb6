"""The fictional city: equal runs, exact nesting, figures that add up, planted truth that holds."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from pyproj import Transformer

from etl.demo import TRUTH_NAME, DemoTruth, mesh, write_demo
from etl.demo.plan import COUNTY_CODE, POPULATION, TOWNS
from etl.demo.terrain import Terrain, make_terrain
from etl.demo.truth import PlantedFault
from etl.ingest import ingest
from etl.settings import CONFIG_NAME, load_locality
from etl.sources.settings import ObservationsSource
from geo.datum import to_wgs84
from geo.errors import ConfigError

# 15 minutes at 4.8 km/h, over a detour of 1.3.
REACH_M = 15 / 60 * 4800 / 1.3
METRES = Transformer.from_crs("EPSG:4490", "EPSG:4547", always_xy=True)
# Long enough for every recipe of an outbreak, and for two Spring Festivals.
CELLS, WEEKS, END = 900, 112, "2026-W46"


class City:
    """A written city, read as a stranger would read it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.steps: list[tuple[str, int, int]] = []
        self.truth: DemoTruth = write_demo(
            folder, cells=CELLS, weeks=WEEKS, end_week=END, on_progress=self._told
        )
        self.config = load_locality(folder).config

    def _told(self, label: str, done: int, total: int) -> None:
        self.steps.append((label, done, total))

    def path(self, source: str) -> Path:
        return self.folder / next(s.path for s in self.config.sources if s.id == source)

    def table(self, source: str, encoding: str = "utf-8-sig", delimiter: str = ",") -> pd.DataFrame:
        text = self.path(source).read_bytes().decode(encoding)
        return pd.read_csv(io.StringIO(text), sep=delimiter, dtype=str, keep_default_na=False)

    def features(self, source: str) -> tuple[Any, pd.DataFrame]:
        raw = json.loads(self.path(source).read_text(encoding="utf-8"))["features"]
        shapes = shapely.from_geojson([json.dumps(f["geometry"]) for f in raw])
        return shapes, pd.DataFrame([f["properties"] for f in raw])

    @cache  # noqa: B019 - one city a module
    def book(self, file: str) -> openpyxl.Workbook:
        return openpyxl.load_workbook(self.folder / file)

    @cached_property
    def population(self) -> pd.DataFrame:
        table = self.table("population-grid", "gb18030").set_index("网格编码")
        return table.drop(columns="村社区").replace("", "0").astype(int)

    def cell(self, fault: PlantedFault) -> str:
        """What stands where a fault is said to be."""
        path = self.folder / fault.file
        if path.suffix == ".xlsx":
            sheet = self.book(fault.file)[fault.sheet]
            header = [
                sheet.cell(r, c).value for r in (1, 2, 3) for c in range(1, sheet.max_column + 1)
            ]
            column = header.index(fault.column) % sheet.max_column + 1
            return str(sheet.cell(fault.row, column).value or "")
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig") if _is_utf8(raw) else raw.decode("gb18030")
        lines = text.split("\r\n")
        delimiter = "\t" if path.suffix == ".txt" else ","
        rows = csv.reader([lines[0], lines[fault.row - 1]], delimiter=delimiter)
        return dict(zip(*rows, strict=True))[fault.column]


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    return City(tmp_path_factory.mktemp("demo"))


# ------------------------------------------------------------------ runs


def test_equal_arguments_write_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_demo(tmp_path / name, seed=5, cells=200, weeks=20, end_week=END)
    write_demo(tmp_path / "other", seed=6, cells=200, weeks=20, end_week=END)
    first, second, other = (_digests(tmp_path / name) for name in ("one", "two", "other"))
    assert first == second
    changed = {path for path in first if first[path] != other.get(path)}
    # The zones of the towns are the plan's, whatever the land is like.
    same = {CONFIG_NAME, "机构/卫健委_心理援助热线.csv", "规划/云汐市_选址适宜区.geojson"}
    assert set(first) - changed == same


@pytest.mark.parametrize("end_week", ["2026-W53", "2027-W01"])
def test_weeks_may_end_anywhere_in_a_year(tmp_path: Path, end_week: str) -> None:
    truth = write_demo(tmp_path, cells=200, weeks=20, end_week=end_week)
    config = load_locality(tmp_path).config
    assert truth.end_week == end_week
    for source in config.sources:
        assert (tmp_path / source.path).is_file(), source.path


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"cells": 199}, "cells: 199"),
        ({"weeks": 19}, "weeks: 19"),
        ({"seed": -1}, "seed: -1"),
        ({"end_week": "2026-46"}, "'2026-46'"),
        ({"end_week": "2025-W53"}, "'2025-W53'"),
    ],
)
def test_wrong_arguments_write_nothing(tmp_path: Path, wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        write_demo(tmp_path / "city", **wrong)
    assert not (tmp_path / "city").exists()


def test_progress_rises_to_its_end(city: City) -> None:
    labels, done, total = zip(*city.steps, strict=True)
    assert list(done) == list(range(len(done)))
    assert set(total) == {done[-1]}
    assert all(labels)


# ------------------------------------------------------------------ areas


def test_every_level_is_cut_exactly_from_the_one_below(city: City) -> None:
    cells, cell_facts = city.features("areas-grid")
    villages, village_facts = city.features("areas-village")
    towns, town_facts = city.features("areas-town")
    county, county_facts = city.features("areas-county")
    assert (len(cells), len(towns), len(county)) == (CELLS, len(TOWNS), 1)
    for level in (cells, villages, towns):
        assert shapely.is_valid(level).all()
        assert shapely.coverage_is_valid(level)
    for parts, facts, wholes, whole_facts in (
        (cells, cell_facts, villages, village_facts),
        (villages, village_facts, towns, town_facts),
        (towns, town_facts, county, county_facts),
    ):
        for whole, code in zip(wholes, whole_facts["代码"], strict=True):
            own = parts[(facts["上级代码"] == code).to_numpy()]
            assert whole.geom_type == "Polygon"
            assert shapely.coverage_union_all(own).normalize().equals(whole.normalize())


def test_codes_say_what_an_area_is(city: City) -> None:
    _, cells = city.features("areas-grid")
    _, villages = city.features("areas-village")
    _, towns = city.features("areas-town")
    assert cells["代码"].is_unique
    assert (cells["代码"].str[:12] == cells["上级代码"]).all()
    assert villages["代码"].str.fullmatch(r"990181\d{6}").all()
    assert (villages["代码"].str[:9] + "000" == villages["上级代码"]).all()
    assert (towns["上级代码"] == COUNTY_CODE).all()
    for code, name in zip(towns["代码"], towns["名称"], strict=True):
        part = int(code[6:9])
        assert name.endswith("街道" if part < 100 else "镇" if part < 200 else "乡")
    assert villages["名称"].is_unique
    assert villages["名称"].str.endswith(("村", "社区")).all()


def test_the_place_lies_where_chinese_datums_apply(city: City) -> None:
    county, _ = city.features("areas-county")
    west, south, east, north = shapely.total_bounds(county)
    assert 100 < west < east < 120
    assert 25 < south < north < 40
    metric = shapely.transform(county[0], lambda c: np.column_stack(METRES.transform(*c.T)))
    area = shapely.area(metric)
    assert 700e6 < area < 1400e6


# ------------------------------------------------------------------ people


def test_population_adds_up_and_groups_nest(city: City) -> None:
    people = city.population
    assert people["常住人口"].sum() == POPULATION == city.truth.population["total"]
    assert (people["80岁及以上"] <= people["60岁及以上"]).all()
    assert (people["留守儿童数"] <= people["0-17岁"]).all()
    assert (people["0-17岁"] + people["60岁及以上"] <= people["常住人口"]).all()
    for column in people:
        assert (people[column] >= 0).all()
        assert (people[column] <= people["常住人口"]).all()
    blank = city.table("population-grid", "gb18030").set_index("网格编码")
    assert (blank.loc[people["常住人口"] == 0, "常住人口"] == "").all()


def test_people_differ_as_places_do(city: City) -> None:
    towns = city.population.groupby(city.population.index.str[6:9]).sum()
    share = towns.div(towns["常住人口"], axis=0)
    old, estates, hills = share.loc["001"], share.loc["003"], share.loc["202"]
    assert old["60岁及以上"] > 1.5 * estates["60岁及以上"]
    assert estates["0-17岁"] > 1.3 * old["0-17岁"]
    assert estates["孕产妇数"] > 1.5 * old["孕产妇数"]
    assert hills["60岁及以上"] > 1.3 * estates["60岁及以上"]
    left_behind = towns["留守儿童数"] / towns["0-17岁"]
    assert left_behind["202"] > 4 * left_behind["003"]


# ------------------------------------------------------------------ sites and gaps


def _rooms(city: City) -> pd.DataFrame:
    sheet = openpyxl.load_workbook(city.path("rooms"))["阵地台账"]
    rows = list(sheet.iter_rows(values_only=True))
    names = [low or up for up, low in zip(rows[1], rows[2], strict=True)]
    body = [row for row in rows[3:] if row[7] is not None]
    return pd.DataFrame(body, columns=names)


def test_every_kind_has_sites(city: City) -> None:
    assert set(city.truth.sites) == {kind.code for kind in city.config.kinds}
    assert city.truth.sites["school"] > 60
    status = _rooms(city)["状态"].value_counts()
    assert {"正常开放", "筹建", "已撤并"} <= set(status.index)


def test_planted_gaps_are_out_of_walking_reach_of_open_rooms(city: City) -> None:
    rooms = _rooms(city)
    rooms = rooms[(rooms["状态"] == "正常开放")]
    lon, lat = to_wgs84(rooms["经度"].astype(float), rooms["纬度"].astype(float), datum="GCJ02")
    open_rooms = np.column_stack(METRES.transform(lon, lat))
    cells, facts = city.features("areas-grid")
    persons = city.population["常住人口"].reindex(facts["代码"]).to_numpy()
    assert len(city.truth.gaps) >= 3
    for gap in city.truth.gaps:
        codes = {village.area_code for village in gap.villages}
        own = facts["上级代码"].isin(codes).to_numpy() & (persons > 0)
        assert persons[own].sum() == gap.persons > 3000
        for place in (shapely.centroid(cells[own]), shapely.point_on_surface(cells[own])):
            xy = np.column_stack(METRES.transform(shapely.get_x(place), shapely.get_y(place)))
            nearest = np.hypot(*(xy[:, None] - open_rooms[None]).transpose(2, 0, 1)).min(axis=1)
            assert (nearest > REACH_M).all()


def test_sites_lie_in_the_village_that_their_row_names(city: City) -> None:
    villages, facts = city.features("areas-village")
    by_code = dict(zip(facts["代码"], villages, strict=True))
    medical = city.table("medical")
    points = shapely.points(medical["经度"].astype(float), medical["纬度"].astype(float))
    inside = [
        by_code[code].buffer(0.0006).contains(point)
        for code, point in zip(medical["村社区代码"], points, strict=True)
    ]
    assert all(inside)


# ------------------------------------------------------------------ weeks


def test_cells_add_up_to_villages_where_both_reported(city: City) -> None:
    grid = city.table("grid-weekly")
    grid = grid[grid["网格编码"].str.fullmatch(r"9901810[0-8]\d{5}-\d{3}|990181[12]\d{5}-\d{3}")]
    grid = grid.drop_duplicates()
    calls = grid["热线来电"].astype(int)
    by_village = calls.groupby([grid["周次"], grid["网格编码"].str[:12]]).sum()
    hotline = city.table("hotline").set_index(["周次", "村社区代码"])["来电量"]
    spoilt = {(f.week, f.area_code) for f in city.truth.faults if f.source_id == "hotline"}
    good = [key for key in by_village.index if key in hotline.index and key not in spoilt]
    assert len(good) > 0.95 * len(by_village)
    assert (hotline.loc[good].astype(int) == by_village.loc[good]).all()


def test_late_towns_are_missing_and_not_zero(city: City) -> None:
    grid = city.table("grid-weekly")
    disputes = city.table("disputes", "gb18030")
    for delay in city.truth.delays:
        for week in delay.weeks:
            start = datetime.strptime(f"{week}-1", "%G-W%V-%u").replace(tzinfo=UTC)
            day = f"{start.year}/{start.month}/{start.day}"
            for source, table, column, text in (
                ("grid-weekly", grid, "周次", week),
                ("disputes", disputes, "周起始日", day),
            ):
                if delay.source_id == source:
                    own = table[table[column] == text]
                    code = own["网格编码" if source == "grid-weekly" else "村社区代码"]
                    assert len(own) > 20
                    assert not code.str.startswith(delay.town_code[:9]).any()
    assert {delay.reason for delay in city.truth.delays} == {"尚未报送", "春节期间未报"}


def test_outbreaks_stand_in_the_files(city: City) -> None:
    assert {o.tier for o in city.truth.outbreaks if o.active} == {"red", "orange"}
    assert {o.tier for o in city.truth.rises if o.active} == {"yellow", "blue"}
    outbreaks = city.truth.outbreaks + city.truth.rises
    assert len(outbreaks) == 9
    assert all(bool(o.tier) == o.active for o in outbreaks)
    hotline = city.table("hotline").set_index(["周次", "村社区代码"])["来电量"]
    for outbreak in outbreaks:
        assert np.array(outbreak.counts).shape == (len(outbreak.villages), len(outbreak.weeks))
        assert np.sum(outbreak.counts) > 1.2 * np.sum(outbreak.expected)
        assert (outbreak.weeks[0], outbreak.weeks[-1]) == (outbreak.start_week, outbreak.end_week)
        if outbreak.measure == "hotline_calls":
            for village, counts in zip(outbreak.villages, outbreak.counts, strict=True):
                keys = [(week, village.area_code) for week in outbreak.weeks]
                assert hotline.loc[keys].astype(int).tolist() == list(counts)


def test_the_red_outbreak_falls_into_a_service_gap(city: City) -> None:
    red = next(o for o in city.truth.outbreaks if o.tier == "red")
    without_room = {v.area_code for gap in city.truth.gaps for v in gap.villages}
    assert {village.area_code for village in red.villages} <= without_room


def test_weeks_have_seasons(city: City) -> None:
    table = city.table("civil", "gb18030")
    by_week = table["团辅场次"].astype(int).groupby(table["周次"]).sum()
    usual = by_week.median()
    assert by_week["2025-W05"] < 0.4 * usual  # Spring Festival of 29 January 2025
    assert by_week["2026-W08"] < 0.4 * usual  # and of 17 February 2026


# ------------------------------------------------------------------ faults


def test_files_are_as_messy_as_real_ones(city: City) -> None:
    assert not _is_utf8(city.path("disputes").read_bytes())
    assert city.path("hotline").read_bytes().startswith(b"\xef\xbb\xbf")
    assert b"\t" in city.path("dv").read_bytes().splitlines()[0]
    book = openpyxl.load_workbook(city.path("health"))["周报"]
    assert {"A1:J1", "C2:D2", "A2:A3"} <= {str(cells) for cells in book.merged_cells.ranges}
    assert "２０２６" in book["A1"].value
    assert any(book.cell(row, 1).value == "合计" for row in range(book.max_row - 2, book.max_row))
    datums = {getattr(s, "datum", None) for s in city.config.sources if s.role == "facilities"}
    assert {"GCJ02", "BD09", "CGCS2000"} <= datums


def test_faults_are_where_they_are_said_to_be(city: City) -> None:
    kinds = {fault.fault for fault in city.truth.faults}
    assert kinds >= {
        "code_of_11_digits", "negative_count", "fractional_count", "missing_code", "unknown_code",
        "full_width_number", "date_as_text", "duplicate_row", "duplicate_site", "point_outside",
    }  # fmt: skip
    for fault in city.truth.faults:
        assert city.cell(fault) == fault.came, fault


def test_every_file_is_read_and_only_the_planted_rows_wait(city: City) -> None:
    intake = ingest(load_locality(city.folder), now=datetime(2026, 11, 16, 9, tzinfo=UTC))
    bad = {(f.source_id, f.row) for f in city.truth.faults if not f.usable}
    for result in intake.results:
        assert not result.failed, result.source_id
        waiting = {(result.source_id, int(row)) for row in result.quarantine["row"]}
        twins = {f.row for f in city.truth.faults if f.fault in {"duplicate_site", "duplicate_row"}}
        assert {key for key in waiting if key[1] not in twins} <= bad, result.source_id
        assert {key for key in bad if key[0] == result.source_id and key[1] not in twins} <= waiting
        if (
            isinstance(
                next(s for s in city.config.sources if s.id == result.source_id), ObservationsSource
            )
            and result.source_id != "health-history"
        ):
            # What is counted by month or quarter was counted two weeks ago.
            rare = result.source_id in {"smi-monthly", "survey"}
            assert result.newest_week == ("2026-W44" if rare else END)


# ------------------------------------------------------------------ truth


def test_the_product_is_not_told_the_truth(city: City) -> None:
    written = json.loads((city.folder / TRUTH_NAME).read_text(encoding="utf-8"))
    assert written["gaps"][0]["villages"][0]["area_code"].startswith("990181")
    text = (city.folder / CONFIG_NAME).read_text(encoding="utf-8")
    assert TRUTH_NAME not in text
    assert "planted" not in text
    assert city.config.locality.demo
    assert city.config.locality.notice is not None
    assert "演示数据" in city.config.locality.notice.zh


def test_no_cell_runs_out_through_a_gap_in_the_pairs_along_the_outline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terrain = make_terrain(np.random.default_rng(1))
    whole = mesh._fixed

    def with_a_gap(land: Terrain, scale: float) -> mesh._Fixed:
        fixed = whole(land, scale)
        return dataclasses.replace(fixed, outer=np.delete(fixed.outer, slice(40, 44), axis=0))

    monkeypatch.setattr(mesh, "_fixed", with_a_gap)
    made = mesh.make_mesh(terrain, 900, np.random.default_rng(2))
    allowed = terrain.outline.buffer(3 * np.sqrt(terrain.outline.area / 900))
    assert shapely.contains_xy(allowed, made.edge_ends.reshape(-1, 2)).all()


def test_venues_hand_in_what_a_planner_asks_for_and_leave_some_of_it_out(city: City) -> None:
    venues = city.table("venues", "gb18030", "\t")
    for column in ("建筑面积", "所在楼层", "产权单位", "开放时间"):
        empty = (venues[column] == "").mean()
        assert 0.02 < empty < 0.25, column
    areas = venues["建筑面积"].replace("", np.nan).astype(float)
    assert (areas < 20).any()
    assert not venues["产权单位"].str.len().between(1, 3).any(), "institutions, no persons"


def test_zones_leave_water_and_its_banks_out(city: City) -> None:
    suitable, about = city.features("zones-suitable")
    excluded, _ = city.features("zones-excluded")
    assert set(about["等级"]) == {1, 2}
    assert shapely.is_valid(suitable).all()
    assert shapely.is_valid(excluded).all()
    river, _ = city.features("water")
    (county,), _ = city.features("areas-county")
    inside = shapely.intersection(shapely.union_all(river[:1]), county)
    uncovered = shapely.difference(inside, shapely.union_all(excluded))
    assert uncovered.area < 0.02 * inside.area
