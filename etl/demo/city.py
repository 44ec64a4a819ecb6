"""The whole city in order: land, cells, areas, people, roads, sites, weeks, files, truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from etl.demo import maps
from etl.demo.borders import Borders, Frame, make_borders
from etl.demo.facilities import Register, enter_network
from etl.demo.gaps import GapPlan, plan_gaps
from etl.demo.institutions import enter_institutions
from etl.demo.locality import locality_text
from etl.demo.mesh import Mesh, make_mesh
from etl.demo.network import Roads, make_roads
from etl.demo.outbreaks import weeks_of
from etl.demo.people import People, make_people
from etl.demo.plan import CITY_ZH, COUNTY_CODE, TOWNS
from etl.demo.premises import furnish_venues
from etl.demo.quarters import write_quarters
from etl.demo.registers import Registers
from etl.demo.reports import LATE, Reports, today_of
from etl.demo.seasons import mondays_until
from etl.demo.series import Series, make_series
from etl.demo.terrain import Terrain, make_terrain
from etl.demo.truth import DemoTruth, Place, PlantedGap, PlantedOutbreak
from etl.demo.zones import Zones, make_zones, village_centres
from etl.progress import OnProgress
from etl.settings import CONFIG_NAME
from geo.errors import ConfigError

DEFAULT_END_WEEK = "2026-W46"
MIN_CELLS, MIN_WEEKS = 200, 20
# The grid file stays near a million rows, and near a year for a city of the usual size.
GRID_ROWS, GRID_WEEKS = 1_200_000, (12, 60)
_STEPS = 9


@dataclass(frozen=True)
class City:
    """A generated city, before it is written down."""

    terrain: Terrain
    mesh: Mesh
    zones: Zones
    borders: Borders
    frame: Frame
    people: People
    roads: Roads
    gaps: GapPlan
    sites: pd.DataFrame
    series: Series


def write_demo(
    folder: Path,
    *,
    seed: int = 2026,
    cells: int = 2400,
    weeks: int = 260,
    end_week: str = DEFAULT_END_WEEK,
    on_progress: OnProgress | None = None,
) -> DemoTruth:
    """Write a whole fictional city into a folder.

    Equal arguments write equal bytes.

    Parameters
    ----------
    folder : made if absent; files of the same names are overwritten.
    seed : another seed, another city on the same plan.
    cells : grid cells, at least 200.
    weeks : weeks of figures, at least 20.
    end_week : newest ISO week; the caller takes it from its clock.
    on_progress : told label, steps done and steps in all.

    Returns
    -------
    What was planted, as also written to `planted_truth.json`.

    Raises
    ------
    ConfigError : too few cells or weeks, a negative seed, or `end_week` is no ISO week.
    """
    for name, came, least in (
        ("cells", cells, MIN_CELLS),
        ("weeks", weeks, MIN_WEEKS),
        ("seed", seed, 0),
    ):
        if came < least:
            raise ConfigError(f"{name}: {came} came, at least {least} was wanted")
    steps = _Steps(on_progress)
    city = _make(seed, cells, weeks, end_week, steps)
    folder.mkdir(parents=True, exist_ok=True)
    steps.next("写入地图与人口")
    maps.write_boundaries(folder, city.borders, city.zones)
    maps.write_context(folder, city.terrain, city.roads, city.frame)
    maps.write_zones(folder, city.terrain, city.frame)
    last_year = int(city.series.weeks[-1][:4])
    maps.write_population(folder, city.people, city.zones, last_year - 1)
    steps.next("写入机构台账")
    registers = Registers(folder, city.sites, city.zones, city.frame, _rng(seed, 8))
    registers.write()
    steps.next("写入周报")
    reports = Reports(folder, CITY_ZH, city.zones, city.series, _rng(seed, 9))
    reports.write()
    write_quarters(folder, city.series, _rng(seed, 10))
    text = locality_text(
        first_year=reports.years[0],
        last_year=last_year,
        history=reports.health_split > 0,
    )
    (folder / CONFIG_NAME).write_text(text, encoding="utf-8")
    truth = _truth(city, seed, registers, reports)
    truth.write(folder)
    steps.done()
    return truth


class _Steps:
    def __init__(self, told: OnProgress | None) -> None:
        self._told, self._at = told, 0

    def next(self, label: str) -> None:
        if self._told is not None:
            self._told(label, self._at, _STEPS)
        self._at += 1

    def done(self) -> None:
        if self._told is not None:
            self._told("完成", _STEPS, _STEPS)


def _rng(seed: int, part: int) -> np.random.Generator:
    """A stream of its own for every part, so that a change in one leaves the others."""
    return np.random.default_rng([seed, part])


def _make(seed: int, cells: int, weeks: int, end_week: str, steps: _Steps) -> City:
    mondays = mondays_until(end_week, weeks)
    steps.next("地形与河流")
    terrain = make_terrain(_rng(seed, 0))
    steps.next("网格")
    mesh = make_mesh(terrain, cells, _rng(seed, 1))
    steps.next("村社区与边界")
    zones = make_zones(mesh, terrain, _rng(seed, 2))
    frame = Frame()
    borders = make_borders(mesh, zones, terrain, frame, _rng(seed, 3))
    steps.next("人口与道路")
    people = make_people(mesh, zones, terrain, _rng(seed, 4))
    middles = village_centres(mesh, zones, people.total.astype(np.float64))
    roads = make_roads(terrain, middles, zones.town_of_village, _rng(seed, 5))
    gaps = plan_gaps(mesh, zones, people)
    steps.next("周序列")
    late = frozenset(i for i, t in enumerate(TOWNS) if any(t.part == part for _, part, _ in LATE))
    least, most = GRID_WEEKS
    series = make_series(
        mesh,
        zones,
        people,
        mondays=mondays,
        grid_weeks=min(weeks, most, max(least, GRID_ROWS // cells)),
        favoured=gaps.villages[1] if len(gaps.villages) > 1 else (),
        avoided=late - {i for i, t in enumerate(TOWNS) if t.part == "105"},
        rng=_rng(seed, 7),
    )
    steps.next("机构")
    register = Register(mesh, zones, people, terrain, gaps, today_of(series), _rng(seed, 6))
    enter_network(register)
    enter_institutions(register)
    sites = furnish_venues(register.table(), zones, _rng(seed, 11))
    return City(terrain, mesh, zones, borders, frame, people, roads, gaps, sites, series)


def _truth(city: City, seed: int, registers: Registers, reports: Reports) -> DemoTruth:
    zones, series, sites = city.zones, city.series, city.sites
    persons = np.bincount(
        zones.village_of_cell, weights=city.people.total, minlength=zones.villages
    ).astype(int)

    def places(villages: tuple[int, ...]) -> tuple[Place, ...]:
        return tuple(
            Place(str(zones.village_codes[v]), str(zones.village_names[v]), int(persons[v]))
            for v in villages
        )

    gaps = tuple(
        PlantedGap(
            id=f"gap-{number}",
            town_code=TOWNS[town].code,
            town_name=TOWNS[town].name,
            villages=places(villages),
            persons=int(persons[list(villages)].sum()),
            kind="counselling_room",
            threshold_min=15.0,
            story=story,
        )
        for number, (villages, story) in enumerate(
            zip(city.gaps.villages, city.gaps.stories, strict=True), start=1
        )
        for town in (int(zones.town_of_village[villages[0]]),)
    )
    planted = [
        PlantedOutbreak(
            id=f"outbreak-{number}" if o.level == "village" else f"rise-{number}",
            measure=o.measure,
            town_code=TOWNS[o.town].code,
            town_name=TOWNS[o.town].name,
            villages=places(o.villages),
            weeks=tuple(weeks_of(o, series.mondays)),
            start_week=series.weeks[o.first],
            end_week=series.weeks[o.last],
            active=o.last == len(series.weeks) - 1,
            tier=o.tier,
            factor=o.factor,
            expected=tuple(tuple(int(c) for c in row) for row in o.expected),
            counts=tuple(tuple(int(c) for c in row) for row in o.counts),
            story=o.story,
        )
        for number, o in enumerate(series.outbreaks, start=1)
    ]
    return DemoTruth(
        county_code=COUNTY_CODE,
        county_name=CITY_ZH,
        seed=seed,
        end_week=series.weeks[-1],
        weeks=len(series.weeks),
        grid_weeks=next(iter(series.cells.values())).shape[1],
        areas={"county": 1, "town": len(TOWNS), "village": zones.villages, "grid": len(city.mesh)},
        population={group: int(figures.sum()) for group, figures in city.people.by_group.items()},
        sites={str(kind): int(n) for kind, n in sites.groupby("kind").size().items()},
        open_rooms=int(((sites["kind"] == "counselling_room") & (sites["status"] == "open")).sum()),
        gaps=gaps,
        outbreaks=tuple(o for o in planted if o.id.startswith("outbreak")),
        rises=tuple(o for o in planted if o.id.startswith("rise")),
        delays=tuple(reports.delays),
        faults=tuple(registers.faults + reports.faults),
    )
