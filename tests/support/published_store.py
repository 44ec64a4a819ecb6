"""A small published store with every state in it: for tests of pages, walls and reports.

A fictional county of 300 hexagons, 20 villages and 4 towns, 26 weeks. Values are drawn at random
but for what tests lean on, which is set by hand and named in `FACTS`.
"""

# Tables are easier to read in one piece than cut to the rules of the product.
# ruff: noqa: E501, PLR0917

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from shapely.geometry import mapping

from etl.model import Text
from etl.sections import KindSettings, MeasureSettings
from etl.settings import LocalityConfig, registry
from etl.store.writer import Publication, PublishedLayer, PublishedLevel, Writer
from geo.model import Kind, Level, Missing, Tier
from tests.support.published_responses import OFFICES, answer
from tests.support.published_targets import target_tables
from tests.support.published_warnings import explain, warning_tables
from tests.support.stores import sqlite_store

N_COLUMNS, N_ROWS = 20, 15
TOWNS = ("柳溪镇", "云岭乡", "城关街道", "南河镇")
VILLAGES = (
    "柳岸村", "桥头村", "上湾村", "下湾村", "白石村",
    "云上村", "松坪村", "竹园村", "石鼓村", "青峰村",
    "府前社区", "东门社区", "学宫社区", "西关社区", "新城社区",
    "南渡村", "沙洲村", "荷塘村", "古井村", "平畴村",
)  # fmt: skip
COUNTY = "990101000000"
WEEK = "2026-W46"
PUBLISHED_AT = datetime(2026, 11, 16, 0, 5, tzinfo=UTC)
N_WEEKS = 26
SOURCES: list[dict[str, Any]] = [{"id": "areas", "role": "areas", "level": "village",
                                  "path": "areas.geojson", "columns": {"code": "code"}}]  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """What the store is sure to hold, for tests to look for."""

    week: str = WEEK
    newest_warned: str = "990101101001"
    suppressed_village: str = "990101100001"
    no_data_village: str = "990101100002"
    uncovered_town: str = "990101100000"
    snapshot_id: str = "2026-W46-test0001"


FACTS = Facts()


@dataclass(frozen=True)
class LayerSpec:
    """An entry of `meta` and how its values fall into classes, by the rules of the contract."""

    meta: dict[str, Any]

    def classes(self, values: np.ndarray, states: np.ndarray) -> np.ndarray:
        """Class byte: state * 16 + class, 15 for a true zero."""
        if self.meta["breaks"]:
            classes = np.searchsorted(np.asarray(self.meta["breaks"]), values, side="left")
            classes = np.where(values == 0, 15, classes)
        else:
            classes = np.nan_to_num(values, nan=0).astype(np.int64)
        shown = (states == Missing.OK) | (states == Missing.UNRELIABLE)
        return (states.astype(np.int64) * 16 + np.where(shown, classes, 0)).astype(np.uint8)


class LayerBook:
    """Layers gathered for publication."""

    def __init__(self) -> None:
        self.specs: dict[str, LayerSpec] = {}
        self.rows: list[PublishedLayer] = []

    def add(
        self,
        spec: LayerSpec,
        level: Level,
        values: np.ndarray,
        *,
        states: np.ndarray | None = None,
        week: str = "",
    ) -> None:
        """Keep one layer; a NaN without a state is no data, a withheld value is blanked."""
        if states is None:
            states = np.where(np.isnan(values), int(Missing.NO_DATA), 0)
        states = states.astype(np.uint8)
        shown = (states == Missing.OK) | (states == Missing.UNRELIABLE)
        values = np.where(shown, values, np.nan)
        levels = self.specs.setdefault(spec.meta["code"], spec).meta["levels"]
        if level.value not in levels:
            levels.append(level.value)
        classes = spec.classes(values, states)
        code = spec.meta["code"]
        self.rows.append(
            PublishedLayer(level.value, code, week, values=values, states=states, classes=classes)
        )

    def meta(self) -> list[dict[str, Any]]:
        """Entries of all layers."""
        return [spec.meta for spec in self.specs.values()]


def _spec(
    code: str,
    group: str,
    palette: str,
    name: Text,
    unit: Text,
    breaks: tuple[float, ...] = (),
    **more: Any,
) -> LayerSpec:
    definition = {"zh": f"{name.zh}:测试用定义。", "en": f"{name.en}: definition for tests."}
    entry = {"code": code, "group": group, "palette": palette, "name": name.model_dump(),
             "unit": unit.model_dump(), "definition": definition, "breaks": list(breaks),
             "weekly": False, "measure": None, "kind": None, "on_map": True, "levels": []}  # fmt: skip
    return LayerSpec({**entry, **more})


PERCENT = Text(zh="%", en="%")
CLASS = Text(zh="级", en="class")
PERSONS = Text(zh="人", en="persons")


def weeks() -> list[str]:
    """The 26 weeks, newest last."""
    newest = date.fromisocalendar(2026, 46, 1)
    mondays = [newest - timedelta(weeks=back) for back in reversed(range(N_WEEKS))]
    return [f"{d.isocalendar().year}-W{d.isocalendar().week:02d}" for d in mondays]


def config() -> LocalityConfig:
    """The product's registries with a locality that only has a name."""
    return LocalityConfig.model_validate(
        {
            "locality": {
                "code": COUNTY,
                "name": {"zh": "清和县", "en": "Qinghe County"},
                "crs": "EPSG:4547",
                "demo": True,
                "boundary_source": "虚构边界",
                "map_approval": "示例审图号 000000",
            },
            "sources": SOURCES,
            "response": {"offices": OFFICES},
            **{name: registry(name)[name] for name in ("groups", "measures", "kinds")},
        }
    )


@dataclass
class Areas:
    """Areas of one level with their pictures and persons."""

    level: Level
    frame: pd.DataFrame
    shapes: list[Any]
    persons: np.ndarray
    parents: np.ndarray


def _hexagons() -> list[shapely.Polygon]:
    size = 0.0045
    cells = []
    angles = np.deg2rad(np.arange(0, 360, 60) + 30)
    for column in range(N_COLUMNS):
        for row in range(N_ROWS):
            x = 116.2 + size * np.sqrt(3) * (column + 0.5 * (row % 2))
            y = 30.4 + size * 1.5 * row
            ring = np.column_stack([x + size * np.cos(angles), y + size * np.sin(angles)])
            cells.append(shapely.Polygon(ring.round(6)))
    return cells


def _frame(
    codes: list[str], names: list[str], parents: list[str], shapes: list[Any]
) -> pd.DataFrame:
    points = [shape.representative_point() for shape in shapes]
    bounds = np.array([shape.bounds for shape in shapes])
    return pd.DataFrame(
        {
            "area_code": codes, "name": names, "parent_code": parents,
            "lon": [p.x for p in points], "lat": [p.y for p in points],
            "west": bounds[:, 0], "south": bounds[:, 1],
            "east": bounds[:, 2], "north": bounds[:, 3],
        }
    )  # fmt: skip


def build_levels(rng: np.random.Generator) -> list[Areas]:
    """Grid, village, town and county, each sorted by code."""
    cells = _hexagons()
    centre = np.array([[c.centroid.x, c.centroid.y] for c in cells])
    # Four towns as quadrants, five villages in each around seeds of their own.
    middle = centre.mean(axis=0)
    town_of = (centre[:, 0] > middle[0]).astype(int) + 2 * (centre[:, 1] > middle[1]).astype(int)
    village_of = np.zeros(len(cells), dtype=int)
    for town in range(4):
        inside = np.flatnonzero(town_of == town)
        seeds = centre[inside[np.linspace(4, len(inside) - 5, 5).astype(int)]]
        distance = ((centre[inside, None, :] - seeds[None]) ** 2).sum(axis=2)
        village_of[inside] = 5 * town + distance.argmin(axis=1)
    town_codes = [f"99010110{town}000" for town in range(4)]
    village_codes = [f"{town_codes[v // 5][:9]}{v % 5 + 1:03d}" for v in range(20)]
    order = np.lexsort((np.arange(len(cells)), village_of))
    cells = [cells[i] for i in order]
    village_of = village_of[order]
    rank = np.zeros(len(cells), dtype=int)
    for v in range(20):
        rank[village_of == v] = np.arange((village_of == v).sum())
    grid_codes = [f"{village_codes[v]}-{r + 1:03d}" for v, r in zip(village_of, rank, strict=True)]
    persons = np.round(rng.gamma(1.2, 260, len(cells)))
    persons[rng.random(len(cells)) < 0.06] = 0
    grid_names = [f"{VILLAGES[v]}{r + 1}号网格" for v, r in zip(village_of, rank, strict=True)]
    villages = [shapely.union_all([c for c, v in zip(cells, village_of, strict=True) if v == i])
                for i in range(20)]  # fmt: skip
    towns = [shapely.union_all(villages[5 * i : 5 * i + 5]) for i in range(4)]
    village_persons = np.bincount(village_of, persons, 20)
    town_persons = village_persons.reshape(4, 5).sum(axis=1)
    return [
        Areas(Level.GRID, _frame(grid_codes, grid_names, [village_codes[v] for v in village_of],
                                  cells), cells, persons, village_of),
        Areas(Level.VILLAGE, _frame(village_codes, list(VILLAGES),
                                     [town_codes[i // 5] for i in range(20)], villages),
               villages, village_persons, np.arange(20) // 5),
        Areas(Level.TOWN, _frame(town_codes, list(TOWNS), [COUNTY] * 4, towns), towns,
               town_persons, np.zeros(4, dtype=int)),
        Areas(Level.COUNTY, _frame([COUNTY], ["清和县"], [""], [shapely.union_all(towns)]),
               [shapely.union_all(towns)], town_persons.sum(keepdims=True), np.zeros(1, dtype=int)),
    ]  # fmt: skip


def _geojson(level: Areas) -> bytes:
    rows = zip(level.frame["area_code"], level.frame["name"], level.shapes, strict=True)
    features = [
        {"type": "Feature", "id": i, "properties": {"idx": i, "code": code, "name": name},
         "geometry": mapping(shape)}
        for i, (code, name, shape) in enumerate(rows)
    ]  # fmt: skip
    collection = {"type": "FeatureCollection", "features": features}
    return gzip.compress(json.dumps(collection, ensure_ascii=False).encode(), mtime=0)


def _line(coordinates: list[tuple[float, float]], rank: int, name: str) -> bytes:
    feature = {"type": "Feature", "properties": {"rank": rank, "name": name},
               "geometry": {"type": "LineString", "coordinates": coordinates}}  # fmt: skip
    collection = {"type": "FeatureCollection", "features": [feature]}
    return gzip.compress(json.dumps(collection, ensure_ascii=False).encode(), mtime=0)


def _up(values: np.ndarray, weights: np.ndarray, parents: np.ndarray, n: int) -> np.ndarray:
    """Mean weighted by persons, level above."""
    return np.bincount(parents, values * weights, n) / np.maximum(
        np.bincount(parents, weights, n), 1
    )


def _static_layers(
    book: LayerBook, levels: list[Areas], settings: LocalityConfig, rng: np.random.Generator
) -> dict[tuple[str, Level], np.ndarray]:
    kept: dict[tuple[str, Level], np.ndarray] = {}
    grid = levels[0]
    fields: list[tuple[LayerSpec, np.ndarray]] = []
    x = np.array([shape.centroid.x for shape in grid.shapes])
    far = (x.max() - x) / (x.max() - x.min())
    for kind in settings.kinds[:6]:
        minutes = np.round(kind.threshold_min * (0.2 + 1.8 * far * rng.random(len(x))), 1)
        if kind.code == Kind.COUNSELLING_ROOM:
            minutes[np.isin(grid.parents, (0, 1, 2))] = 31.0
        zh, en = kind.name.zh, kind.name.en
        ends = tuple(round(kind.threshold_min * part, 1) for part in (1 / 3, 2 / 3, 1, 2))
        nearest = _spec(
            f"nearest_min.{kind.code}",
            "coverage",
            "access",
            Text(zh=f"到最近{zh}的时间", en=f"Time to the nearest {en}"),
            Text(zh="分钟", en="min"),
            ends,
            kind=kind.code.value,
        )
        covered = _spec(
            f"covered.{kind.code}",
            "coverage",
            "access",
            Text(zh=f"{zh}覆盖人口比例", en=f"Population covered by a {en}"),
            PERCENT,
            (0.2, 0.4, 0.6, 0.8),
            kind=kind.code.value,
        )
        fields.append((nearest, minutes))
        fields.append((covered, (minutes <= kind.threshold_min).astype(float)))  # fmt: skip
    access = rng.gamma(2, 1.2, len(x)) * (1 - 0.7 * far)
    access[np.isin(grid.parents, (0, 1, 2))] = 0.0
    ends = (0.5, 1.0, 2.0, 4.0)
    fields += [
        (_access_spec(f"access.{metres:.0f}", metres, ends), access * metres / 2000)
        for metres in settings.access.catchments_m
    ]
    fields.append((_access_spec("access", 2000.0, ends), access))
    need = np.clip(0.25 + 0.5 * far + 0.1 * rng.standard_normal(len(x)), 0, 1)
    need_spec = _spec("need", "need", "sequential", Text(zh="服务需求指数", en="Need index"),
                      Text(zh="0–1", en="0–1"), (0.2, 0.4, 0.6, 0.8))  # fmt: skip
    fields.append((need_spec, need))
    for spec, values in fields:
        current, weights = values, grid.persons
        for position, level in enumerate(levels):
            if position:
                below = levels[position - 1]
                current = _up(current, weights, below.parents, len(level.frame))
                weights = level.persons
            states = np.zeros(len(current), dtype=np.uint8)
            if position == 0:
                states[grid.persons == 0] = Missing.NOT_APPLICABLE
            book.add(spec, level.level, current, states=states)
            kept[spec.meta["code"], level.level] = current
    _people_and_gap(book, levels, settings, kept, rng)
    return kept


def _add_shortage(book: LayerBook, level: Areas, access: np.ndarray) -> np.ndarray:
    """Score and parts that add up; nobody has told the minors."""
    parts = {
        "provider_ratio": np.clip(7 - 2 * access, 0, 7), "travel_min": np.clip(4 - access, 0, 5),
        "elderly_share": np.full(len(access), 2.0), "strain": np.full(len(access), 3.0),
    }  # fmt: skip
    score = sum(parts.values()) / 22 * 25
    layers = {"shortage": score, "shortage_known": np.full(len(access), 22 / 25)}
    for code, values in (layers | {f"shortage.{k}": v for k, v in parts.items()}).items():
        ends = (5.0, 10.0, 15.0, 20.0) if code == "shortage" else ()
        spec = _spec(code, "gap", "sequential", Text(zh="服务短缺分", en="Shortage score"),
                     Text(zh="分（满分25）", en="points of 25"), ends,
                     on_map=code == "shortage")  # fmt: skip
        book.add(spec, level.level, values)
    return score


def _people_and_gap(
    book: LayerBook,
    levels: list[Areas],
    settings: LocalityConfig,
    kept: dict[tuple[str, Level], np.ndarray],
    rng: np.random.Generator,
) -> None:
    gap_spec = _spec("gap", "gap", "gap", Text(zh="服务缺口", en="Service gap"), CLASS)
    share_spec = _spec("gap_share", "gap", "gap",
                       Text(zh="明显和严重缺口人口比例", en="Residents in clear or severe gaps"),
                       PERCENT, (0.05, 0.2, 0.5))  # fmt: skip
    for level in levels:
        need, access = kept["need", level.level], kept["access", level.level]
        share = np.clip(need - access / 4 + 0.1, 0, 1)
        share[share < 0.03] = 0
        gap = np.digitize(share, (0.05, 0.2, 0.5)).astype(float)
        book.add(gap_spec, level.level, gap)
        kept["gap", level.level] = gap
        kept["shortage", level.level] = _add_shortage(book, level, access)
        book.add(share_spec, level.level, share)
        for group, part in zip(settings.groups, (1, 0.17, 0.22, 0.034, 0.02, 0.03, 0.01, 0.008),
                               strict=True):  # fmt: skip
            persons = np.round(level.persons * part * rng.uniform(0.8, 1.2, len(level.persons)))
            if group.code == "total":
                persons = level.persons
            name = Text(zh=group.name.zh, en=group.name.en)
            states = np.zeros(len(persons), dtype=np.uint8)
            if group.code != "total":
                states[(persons > 0) & (persons < settings.disclosure.k)] = Missing.SUPPRESSED
                known = np.where(level.persons > 0, persons / np.maximum(level.persons, 1), np.nan)
                spec = _spec(
                    f"share.{group.code}",
                    "population",
                    "sequential",
                    Text(zh=f"{name.zh}占比", en=f"Share of: {name.en}"),
                    PERCENT,
                    (0.02, 0.05, 0.1, 0.2),
                )
                book.add(spec, level.level, known)  # fmt: skip
            code = "population" if group.code == "total" else f"population.{group.code}"
            spec = _spec(code, "population", "sequential", name, PERSONS, on_map=False)
            book.add(spec, level.level, persons, states=states)


def _weekly_layers(
    book: LayerBook, levels: list[Areas], settings: LocalityConfig, rng: np.random.Generator
) -> pd.DataFrame:
    measures = [m for m in settings.measures
                if m.code in ("consult_visits", "hotline_calls", "crisis_events", "dispute_events")]  # fmt: skip
    warned: list[dict[str, Any]] = []
    names = {code: name for level in levels
             for code, name in zip(level.frame["area_code"], level.frame["name"], strict=True)}  # fmt: skip
    for number, week in enumerate(weeks()):
        highest = {level.level: np.zeros(len(level.frame)) for level in levels[1:]}
        for measure in measures:
            base = {"consult_visits": 26, "hotline_calls": 18, "crisis_events": 4,
                    "dispute_events": 14}[measure.code]  # fmt: skip
            counts = rng.poisson(base, 20).astype(float)
            if measure.code == "crisis_events" and week == WEEK:
                counts[0] = 4
            if measure.code == "dispute_events" and number >= N_WEEKS - 2:
                counts[5] = 61 + number
            rows = _measure_week(measure, counts, number, levels)
            for level, (values, states) in rows.items():
                _add_measure(book, settings, measure, level, week, values, states)
                tiers = _tiers(measure, level, values, states, number)
                if measure.warn:
                    spec = _measure_spec("tier", "tier", measure, CLASS, "预警", "warning")
                    book.add(spec, level.level, tiers, week=week)
                    highest[level.level] = np.fmax(highest[level.level], np.nan_to_num(tiers))
                    warned += _warnings(measure, level, values, tiers, week, names)
        for level in levels[1:]:
            spec = _spec(
                "tier",
                "warning",
                "tier",
                Text(zh="预警等级", en="Warning tier"),
                CLASS,
                weekly=True,
            )
            book.add(spec, level.level, highest[level.level], week=week)  # fmt: skip
    return explain(pd.DataFrame(warned), newest=WEEK)


def _access_spec(code: str, metres: float, ends: tuple[float, ...]) -> LayerSpec:
    km = f"{metres / 1000:g}"
    return _spec(code, "access", "access",
                 Text(zh=f"服务可达性({km}公里)", en=f"Accessibility ({km} km)"),
                 Text(zh="每万人服务人员", en="staff per 10 000"), ends)  # fmt: skip


def _measure_spec(
    key: str, palette: str, measure: MeasureSettings, unit: Text, zh: str, en: str, **more: Any
) -> LayerSpec:
    name = Text(
        zh=f"{measure.name.zh}{zh}", en=f"{measure.name.en}, {en}" if en else measure.name.en
    )
    return _spec(f"{key}.{measure.code}", "warning", palette, name, unit, weekly=True,
                 measure=measure.code, **more)  # fmt: skip


def _measure_week(
    measure: MeasureSettings, counts: np.ndarray, number: int, levels: list[Areas]
) -> list[Any] | dict[Any, tuple[np.ndarray, np.ndarray]]:
    states = np.zeros(20, dtype=np.uint8)
    states[(counts > 0) & (counts < 10)] = Missing.SUPPRESSED
    if measure.code == "consult_visits":
        counts[7] = 0
        states[7] = Missing.OK
    states[1] = Missing.NO_DATA if number % 3 else Missing.OK
    towns = counts.reshape(4, 5).sum(axis=1)
    out = {}
    for level, values in zip(levels[1:], (counts, towns, towns.sum(keepdims=True)), strict=True):
        own = states if len(values) == 20 else np.where(values < 10, 2, 0).astype(np.uint8)
        out[_Key(level)] = (values, own)
    return out


class _Key:
    """A level as a dictionary key."""

    def __init__(self, level: Areas) -> None:
        self.level = level.level
        self.frame = level.frame
        self.persons = level.persons


def _add_measure(
    book: LayerBook,
    settings: LocalityConfig,
    measure: MeasureSettings,
    level: Any,
    week: str,
    values: np.ndarray,
    states: np.ndarray,
) -> None:
    unit = Text(zh=measure.unit.zh, en=measure.unit.en)
    spec = _measure_spec("count", "sequential", measure, unit, "", "", on_map=False)
    book.add(spec, level.level, values, states=states, week=week)
    rates = np.where(level.persons > 0, 10_000 * 4 * values / np.maximum(level.persons, 1), np.nan)
    rate_states = states.copy()
    rate_states[(states == 0) & (values < 15)] = Missing.UNRELIABLE
    per = Text(zh="每万人·四周", en="per 10 000 in four weeks")
    rate_spec = _measure_spec("rate", "sequential", measure, per, "发生率", "rate",
                              breaks=(20.0, 50.0, 100.0, 200.0))  # fmt: skip
    book.add(rate_spec, level.level, rates, states=rate_states, week=week)
    if week == WEEK:
        for key, factor in (("rate_low", 0.8), ("rate_high", 1.25)):
            end = _measure_spec(key, "sequential", measure, per, "", "", on_map=False)
            book.add(end, level.level, rates * factor, states=rate_states, week=week)
        span = _measure_spec("rate_weeks", "sequential", measure, Text(zh="周", en="weeks"), "", "",
                             on_map=False)  # fmt: skip
        book.add(span, level.level, np.full(len(rates), 4.0), states=rate_states, week=week)


def _tiers(
    measure: MeasureSettings, level: Any, values: np.ndarray, states: np.ndarray, number: int
) -> np.ndarray:
    tiers = np.zeros(len(values))
    if measure.code == "dispute_events" and number >= N_WEEKS - 2 and level.level == Level.VILLAGE:
        tiers[5] = Tier.RED
    if measure.code == "hotline_calls" and level.level == Level.VILLAGE and number == N_WEEKS - 1:
        tiers[[11, 12, 17]] = [Tier.ORANGE, Tier.YELLOW, Tier.BLUE]
    return np.where(states == Missing.NO_DATA, np.nan, tiers)


def _warnings(
    measure: MeasureSettings,
    level: Any,
    values: np.ndarray,
    tiers: np.ndarray,
    week: str,
    names: dict[str, str],
) -> list[dict[str, Any]]:
    rows = []
    for i in np.flatnonzero(np.nan_to_num(tiers) > 0):
        area = level.frame.iloc[i]
        rows.append(
            {
                "level": level.level.value, "area_code": area["area_code"],
                "measure": measure.code, "week": week, "name": area["name"],
                "parent_name": names.get(area["parent_code"], ""), "tier": int(tiers[i]),
                "count": max(values[i], 12.0), "expected": 13.4, "upper": 21.9,
                "score": 2.1 * tiers[i], "weeks_running": 2 if tiers[i] == Tier.RED else 1,
                "since_week": weeks()[-2] if tiers[i] == Tier.RED else week,
            }
        )  # fmt: skip
    return rows


def _sites(levels: list[Areas], rng: np.random.Generator) -> pd.DataFrame:
    villages = levels[1].frame
    rows = []
    plan: list[tuple[Kind, Iterable[int], str]] = [
        (Kind.GUIDANCE_CENTRE, [10], "open"),
        (Kind.COUNSELLING_ROOM, [*range(3, 14), 15, 16, 18], "open"),
        (Kind.COUNSELLING_ROOM, [0], "planned"),
        (Kind.COUNSELLING_ROOM, [19], "closed"),
        (Kind.SCHOOL, [3, 8, 11, 13, 16], "open"),
        (Kind.HOSPITAL, [12], "open"),
        (Kind.PRIMARY_CARE, [0, 6, 10, 17], "open"),
        (Kind.COMMUNITY_REHAB, [14], "open"),
    ]
    for kind, where, status in plan:
        for i in where:
            village = villages.iloc[i]
            rows.append(
                {
                    "site_id": f"{kind.value}-{i:02d}-{status}", "kind": kind.value,
                    "name": f"{village['name']}{'心理咨询室' if 'room' in kind.value else '服务点'}",
                    "status": status, "lon": village["lon"] + rng.uniform(-0.004, 0.004),
                    "lat": village["lat"] + rng.uniform(-0.003, 0.003), "quality": "exact",
                    "town_code": village["parent_code"], "village_code": village["area_code"],
                    "staff": float(rng.integers(1, 6)), "rooms": 1.0, "area_m2": 32.0,
                    "beds": None, "places": None, "pupils": None, "hours": "周一至周五 8:30—17:30",
                }
            )  # fmt: skip
    rows.append({"site_id": "hotline-1", "kind": "hotline", "name": "县心理援助热线",
                 "status": "open", "quality": "town", "staff": 4.0, "hours": "24小时"})  # fmt: skip
    return pd.DataFrame(rows)


def _tables(
    levels: list[Areas],
    kept: dict[tuple[str, Level], np.ndarray],
    warnings: pd.DataFrame,
    sites: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    village, town, county = levels[1:]
    newest = warnings[warnings["week"] == WEEK]
    tiers = newest["tier"].value_counts()
    coverage = []
    ranking = []
    for level in (county, town, village):
        for kind in ("counselling_room", "hospital", "school"):
            share = kept[f"covered.{kind}", level.level]
            coverage += [
                {"level": level.level.value, "area_code": area.area_code, "name": area.name,
                 "kind": kind, "persons": persons, "persons_covered": round(persons * part),
                 "share": part, "sites_open": 1 + i % 3}
                for i, (area, persons, part) in enumerate(
                    zip(level.frame.rename_axis("i").itertuples(index=False), level.persons, share,
                        strict=True))
            ]  # fmt: skip
        if level.level == Level.COUNTY:
            continue
        for i, area in level.frame.iterrows():
            covered = float(kept["covered.counselling_room", level.level][i])
            persons = float(level.persons[i])
            parent = town if level.level == Level.VILLAGE else county
            under = np.flatnonzero(village.parents == i) if level.level == Level.TOWN else [i]
            bare = [v for v in under
                    if kept["covered.counselling_room", Level.VILLAGE][v] < 0.5]  # fmt: skip
            gap = float(kept["gap", level.level][i])
            ranking.append(
                {"level": level.level.value, "area_code": area["area_code"], "name": area["name"],
                 "parent_name": parent.frame["name"][level.parents[i]], "persons": persons,
                 "uncovered_persons": round(persons * (1 - covered)), "covered_share": covered,
                 "villages": len(under), "villages_uncovered": len(bare),
                 "access": float(kept["access", level.level][i]),
                 "need": float(kept["need", level.level][i]), "gap": int(gap),
                 "shortage": float(kept["shortage", level.level][i]),
                 "worst": float(gap == 3), "stays_worst": 15 / 17 if gap == 3 else 2 / 17,
                 "variants": 17.0,
                 "gap_persons": round(persons * 0.4) if gap >= 2 else 0,
                 "nearest_min": float(kept["nearest_min.counselling_room", level.level][i])}
            )  # fmt: skip
    ranked = pd.DataFrame(ranking).sort_values(
        ["level", "gap", "shortage"], ascending=[True, False, False]
    )
    total = float(county.persons[0])
    uncovered = float(ranked.loc[ranked["level"] == "village", "uncovered_persons"].sum())
    rows = [
        ("population", total, total, "persons"), ("towns", 4, 4, ""), ("villages", 20, 20, ""),
        ("cells", 300, 300, ""), ("sites_open", 27, 26, ""), ("rooms_open", 14, 13, ""),
        ("staff", 63, 61, ""), ("covered_share", 1 - uncovered / total, 0.58, ""),
        ("uncovered_persons", uncovered, uncovered + 820, "persons"),
        ("gap_villages", int((kept["gap", Level.VILLAGE] >= 2).sum()), 8, ""),
        ("gap_persons", 9120, 9900, "persons"),
        ("tier_red", int(tiers.get(4, 0)), 1, ""), ("tier_orange", int(tiers.get(3, 0)), 0, ""),
        ("tier_yellow", int(tiers.get(2, 0)), 2, ""), ("tier_blue", int(tiers.get(1, 0)), 1, ""),
        ("reported_share", 0.95, 1.0, ""), ("newest_week", WEEK, "2026-W45", ""),
    ]  # fmt: skip
    headline = pd.DataFrame(rows, columns=["key", "value", "previous", "unit"])
    return {
        "headline": headline, "gap_ranking": ranked, "coverage": pd.DataFrame(coverage),
        "gap_robustness": _robustness(),
        "sources": _sources(), "findings": _findings(), **_expected(),
        **target_tables(town.frame, village.frame),
        **warning_tables(warnings, town.frame, newest=WEEK, sites=sites),
    }  # fmt: skip


def _expected() -> dict[str, pd.DataFrame]:
    """What is expected of disputes in one village and the county, and why nothing is elsewhere."""
    ahead = [f"2026-W{number}" for number in range(47, 54)] + ["2027-W01"]
    weeks, areas = [], []
    for level, code, mean in (("village", FACTS.newest_warned, 16.4), ("county", COUNTY, 262.0)):
        weeks += [
            {"level": level, "area_code": code, "measure": "dispute_events", "week": week,
             "expected": mean + i, "low80": mean // 2, "high80": 2 * mean // 1,
             "low95": mean // 4, "high95": 3 * mean // 1, "method": "regression"}
            for i, week in enumerate(ahead)
        ]  # fmt: skip
        areas.append((level, code, "regression", "", 3.4, 0.82, 0.96, 104))
    for code, reason in (
        (FACTS.suppressed_village, "withheld"), (FACTS.no_data_village, "silent"),
        ("990101100003", "short"), ("990101100004", "small"),
    ):  # fmt: skip
        areas.append(("village", code, "", reason, None, None, None, 0))
    columns = ["level", "area_code", "method", "reason", "mae", "inside80", "inside95", "n"]
    frame = pd.DataFrame(areas, columns=columns)
    return {
        "forecast": pd.DataFrame(weeks),
        "forecast_areas": frame.assign(measure="dispute_events"),
    }


def _robustness() -> pd.DataFrame:
    """How the worst tenth of villages and of towns holds in three trials each."""
    return pd.DataFrame(
        [
            (ranking, zoning, 0, metres, stays, 4000.0, 0.12)
            for ranking in ("village", "town")
            for zoning, metres, stays in (
                ("village", 1000.0, 0.9), ("town", 2000.0, 0.7), ("squares", 2000.0, 0.83),
            )
        ],
        columns=["ranking", "zoning", "shift", "catchment_m", "share_stays", "n", "expected"],
    )  # fmt: skip


def _sources() -> pd.DataFrame:
    base = {"role": "observations", "received_at_utc": "2026-11-15T10:12:00+00:00",
            "encoding": "gb18030", "sha256": "0" * 64, "set_aside": 0,
            "newest_week": WEEK, "newest_date": "2026-11-09", "stale": False, "failed": False,
            "sheet": None}  # fmt: skip
    rows = [
        {**base, "source_id": "weekly", "title_zh": "每周服务统计", "title_en": "Weekly services",
         "department": "政法委", "path": "weekly/服务统计.csv", "rows_read": 2080,
         "accepted": 2071, "quarantined": 9},
        {**base, "source_id": "hotline", "title_zh": "热线来电", "title_en": "Hotline calls",
         "department": "卫健委", "path": "weekly/热线.xlsx", "rows_read": 520, "accepted": 520,
         "quarantined": 0, "encoding": ""},
        {**base, "source_id": "sites", "title_zh": "服务机构名录", "title_en": "Service sites",
         "department": "民政局", "path": "机构.csv", "rows_read": 31, "accepted": 29,
         "quarantined": 1, "set_aside": 1, "role": "facilities", "newest_week": None,
         "newest_date": "2026-09-30", "stale": True, "received_at_utc": "2026-10-01T02:00:00+00:00"},
        {**base, "source_id": "persons", "title_zh": "重点人群台账", "title_en": "Refused file",
         "department": "某部门", "path": "台账.xlsx", "rows_read": 0, "accepted": 0,
         "quarantined": 0, "role": "observations", "newest_week": None, "newest_date": None,
         "failed": True},
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _findings() -> pd.DataFrame:
    def row(source: str, severity: str, rule: str, column: str, came: str, wanted: tuple[str, str],
            action: tuple[str, str], number: int | None = None) -> dict[str, Any]:  # fmt: skip
        path = {"weekly": "weekly/服务统计.csv", "sites": "机构.csv", "persons": "台账.xlsx"}[
            source
        ]
        return {"source_id": source, "file": path, "sheet": None, "row": number, "column": column,
                "rule": rule, "severity": severity, "came": came, "wanted_zh": wanted[0],
                "wanted_en": wanted[1], "action_zh": action[0], "action_en": action[1],
                "count": 1}  # fmt: skip

    return pd.DataFrame(
        [
            row("persons", "error", "person_level", "姓名、身份证号", "",
                ("只收汇总数", "aggregates only"),
                ("整份文件已拒收,未保存任何内容;请汇总后重报", "refused whole; hand in aggregates")),
            row("weekly", "error", "count_negative", "咨询人次", "-1",
                ("0 或正整数", "0 or a positive whole number"),
                ("请核对第 17 行后重报", "check row 17"), 17),
            row("weekly", "error", "code_length", "村代码", "99010110000",
                ("12 位代码", "a code of 12 digits"),
                ("请补足前导零", "restore the leading zero"), 44),
            row("weekly", "error", "formula", "备注", "=HYPERLINK(1)",
                ("文字", "plain text"), ("已按文字保存", "kept as text"), 51),
            row("sites", "warning", "outside", "经度", "0.0, 0.0",
                ("本县范围内的坐标", "coordinates inside the county"),
                ("已隔离,请重新定位", "quarantined; locate it anew"), 9),
            row("sites", "info", "datum", "经度", "GCJ-02", ("WGS 84", "WGS 84"),
                ("已换算", "converted")),
        ]
    )  # fmt: skip


def _meta(
    settings: LocalityConfig, levels: list[Areas], book: LayerBook, *, tag: str
) -> dict[str, Any]:
    def kind_meta(kind: KindSettings) -> dict[str, Any]:
        return {"code": kind.code.value, "name": kind.name.model_dump(), "mode": kind.mode,
                "threshold_min": kind.threshold_min, "on_map": kind.on_map}  # fmt: skip

    locality = settings.locality
    return {
        "locality": {
            "code": locality.code, "name": locality.name.model_dump(), "demo": locality.demo,
            "notice": {"zh": "虚构地区,仅供演示,不代表任何真实地方。",
                       "en": "A fictional county, for demonstration only."},
            "boundary_source": locality.boundary_source,
            "map_approval": locality.map_approval, "timezone": locality.timezone,
            "crs": "EPSG:4548",
        },
        "week": WEEK,
        "weeks": weeks(),
        "data_date": "2026-11-15",
        "k": settings.disclosure.k,
        "min_denominator": settings.disclosure.min_denominator,
        "travel": {"method": "straight_line_x_detour", **settings.travel.model_dump()},
        "levels": [
            {
                "level": level.level.value, "n": len(level.frame),
                "geometry": {"hash": f"{tag}-{level.level.value}", "format": "geojson",
                             "minzoom": 0, "maxzoom": 14},
                "bounds": [float(level.frame[c].agg(f)) for c, f in (
                    ("west", "min"), ("south", "min"), ("east", "max"), ("north", "max"))],
            }
            for level in levels
        ],
        "layers": book.meta(),
        "kinds": [kind_meta(kind) for kind in settings.kinds],
        "measures": [
            {"code": m.code, "name": m.name.model_dump(), "unit": m.unit.model_dump(),
             "polarity": int(m.polarity), "warn": m.warn, "group": m.group, "stock": m.stock}
            for m in settings.measures
        ],
        "groups": [{"code": g.code, "name": g.name.model_dump()} for g in settings.groups],
        "context": {"water": f"{tag}-water", "road": f"{tag}-road"},
        "code_version": "0.1.0+test",
        "warnings": settings.warnings.model_dump(mode="json"),
        "response": settings.response.model_dump(mode="json"),
        "access": settings.access.model_dump(mode="json"),
        "need": {**settings.need.model_dump(mode="json"), "full_service": 2.0},
    }  # fmt: skip


def publish(folder: Path, *, seed: int = 7, answered: bool = True) -> str:
    """Write the store into a folder; its URL comes back.

    Parameters
    ----------
    answered : whether warnings are followed: acknowledged, responded to, one of them overdue.
    """
    path = folder / "xintu.db"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_content(seed, answered))
    return f"sqlite:///{path}"


@cache
def _content(seed: int, answered: bool) -> bytes:
    """The file, which takes longer to make than to copy."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "xintu.db"
        _make(sqlite_store(path), seed, answered=answered)
        return path.read_bytes()


def _make(url: str, seed: int, *, answered: bool) -> None:
    rng = np.random.default_rng(seed)
    settings = config()
    levels = build_levels(rng)
    book = LayerBook()
    kept = _static_layers(book, levels, settings, rng)
    warnings = _weekly_layers(book, levels, settings, rng)
    tag = f"test{seed}"
    sites = _sites(levels, rng)
    tables = _tables(levels, kept, warnings, sites)
    west, south, east, north = levels[3].shapes[0].bounds
    middle = (south + north) / 2
    Writer(url).publish(
        Publication(
            snapshot_id=FACTS.snapshot_id,
            week=WEEK,
            published_at_utc=PUBLISHED_AT,
            code_version="0.1.0+test",
            config_sha256="0" * 64,
            meta=_meta(settings, levels, book, tag=tag),
            levels=[
                PublishedLevel(level.level.value, f"{tag}-{level.level.value}", level.frame,
                               _geojson(level))
                for level in levels
            ],
            layers=book.rows,
            sites=sites,
            warnings=warnings,
            tables=tables,
            contexts={
                f"{tag}-water": _line([(west, middle), (116.3, middle - 0.01), (east, middle)],
                                      1, "清水河"),
                f"{tag}-road": _line([(116.28, south), (116.3, middle), (116.31, north)], 1,
                                     "县道一号"),
            },
        )
    )  # fmt: skip
    if answered:
        answer(url, tables["episodes"], levels[2].frame)
