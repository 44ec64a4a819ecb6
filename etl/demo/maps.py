"""Boundary, water, road and population files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import shapely

from etl.demo.borders import Borders, Frame
from etl.demo.network import Roads
from etl.demo.people import GROUPS, People
from etl.demo.plan import CITY_ZH, COUNTY_CODE, RESERVOIR, RIVER, STREAMS, TOWNS
from etl.demo.tables import write_geojson, write_text
from etl.demo.terrain import Terrain
from etl.demo.zones import Zones

# How far beside the river nothing is built, and around the reservoir [m].
FLOOD_M, SOURCE_M = 120.0, 500.0
GROUP_COLUMNS = {
    "total": "常住人口",
    "minors": "0-17岁",
    "elderly": "60岁及以上",
    "elderly_80": "80岁及以上",
    "living_alone": "独居人口",
    "disabled": "残疾人口",
    "left_behind": "留守儿童数",
    "perinatal": "孕产妇数",
}


def write_boundaries(folder: Path, borders: Borders, zones: Zones) -> None:
    """The four levels, each area with its code, name and parent."""
    here = folder / "边界"
    write_geojson(
        here / f"{CITY_ZH}_市界.geojson",
        [borders.county],
        pd.DataFrame({"代码": [COUNTY_CODE], "名称": [CITY_ZH]}),
    )
    write_geojson(
        here / f"{CITY_ZH}_乡镇街道.geojson",
        borders.towns,
        pd.DataFrame(
            {
                "代码": [town.code for town in TOWNS],
                "名称": [town.name for town in TOWNS],
                "上级代码": COUNTY_CODE,
            }
        ),
    )
    town_codes = np.array([town.code for town in TOWNS], dtype=object)
    write_geojson(
        here / f"{CITY_ZH}_村社区.geojson",
        borders.villages,
        pd.DataFrame(
            {
                "代码": zones.village_codes.astype(object),
                "名称": zones.village_names.astype(object),
                "上级代码": town_codes[zones.town_of_village],
            }
        ),
    )
    order = np.argsort(zones.cell_codes)
    village = zones.village_of_cell[order]
    number = [str(code).partition("-")[2] for code in zones.cell_codes[order]]
    names = zones.village_names[village]
    write_geojson(
        here / f"{CITY_ZH}_网格.geojson",
        borders.cells[order],
        pd.DataFrame(
            {
                "代码": zones.cell_codes.astype(object)[order],
                "名称": [f"{name}第{n}网格" for name, n in zip(names, number, strict=True)],
                "上级代码": zones.village_codes.astype(object)[village],
            }
        ),
    )


def write_context(folder: Path, terrain: Terrain, roads: Roads, frame: Frame) -> None:
    """Water and roads, drawn muted under the data."""
    near = terrain.outline.buffer(1_500)
    shapes = [terrain.river_area, terrain.reservoir, *terrain.stream_areas]
    names = [RIVER, RESERVOIR, *STREAMS]
    ranks = [1, 2, *(3 for _ in STREAMS)]
    kept: list[tuple[shapely.Geometry, str, int]] = []
    for shape, name, rank in zip(shapes, names, ranks, strict=True):
        inside = shapely.intersection(shape, near)
        kept.extend(
            (frame.geometry(part.simplify(3.0)), name, rank)
            for part in shapely.get_parts(inside)
            if part.geom_type == "Polygon"
        )
    write_geojson(
        folder / "路网" / f"{CITY_ZH}_水系.geojson",
        [shape for shape, _, _ in kept],
        pd.DataFrame({"名称": [n for _, n, _ in kept], "等级": [r for _, _, r in kept]}),
    )
    write_geojson(
        folder / "路网" / f"{CITY_ZH}_道路.geojson",
        [frame.geometry(line) for line in roads.lines],
        pd.DataFrame(
            {
                "名称": list(roads.names),
                "等级": list(roads.classes),
                "道路类别": list(roads.kinds),
                "通行方向": list(roads.directions),
            }
        ),
    )


def write_zones(folder: Path, terrain: Terrain, frame: Frame) -> None:
    """Where rooms may be built, by the spatial plan, and where not: floodplain, water source."""
    centres = [shapely.Point(1000.0 * town.x_km, 1000.0 * town.y_km) for town in TOWNS]
    rings = []
    for town, centre in zip(TOWNS, centres, strict=True):
        reach_m = 1000.0 * town.spread_km
        inner = shapely.intersection(centre.buffer(1.2 * reach_m), terrain.outline)
        outer = shapely.intersection(centre.buffer(2.4 * reach_m), terrain.outline)
        rings.append((inner, f"{town.short}镇区" if not town.urban else f"{town.short}城区", 1))
        rings.append((shapely.difference(outer, inner), f"{town.short}外围", 2))
    kept = [(shape, name, rank) for shape, name, rank in rings if not shape.is_empty]
    write_geojson(
        folder / "规划" / f"{CITY_ZH}_选址适宜区.geojson",
        [frame.geometry(shape.simplify(5.0)) for shape, _, _ in kept],
        pd.DataFrame({"名称": [n for _, n, _ in kept], "等级": [r for _, _, r in kept]}),
    )
    river = shapely.intersection(terrain.river_area.buffer(FLOOD_M), terrain.outline)
    source = shapely.intersection(terrain.reservoir.buffer(SOURCE_M), terrain.outline)
    write_geojson(
        folder / "规划" / f"{CITY_ZH}_禁建区.geojson",
        [frame.geometry(shape.simplify(5.0)) for shape in (river, source)],
        pd.DataFrame({"名称": [f"{RIVER}行洪区", f"{RESERVOIR}水源保护区"], "等级": [1, 1]}),
    )


def write_population(folder: Path, people: People, zones: Zones, year: int) -> None:
    """Residents by cell and group; cells without residents are left blank."""
    order = np.argsort(zones.cell_codes)
    table = pd.DataFrame(
        {
            "网格编码": zones.cell_codes.astype(object)[order],
            "村社区": zones.village_names.astype(object)[zones.village_of_cell[order]],
        }
    )
    empty = people.total[order] == 0
    for group in GROUPS:
        figures = people.by_group[group][order].astype(str).astype(object)
        figures[empty] = ""
        table[GROUP_COLUMNS[group]] = figures
    write_text(folder / f"人口/统计局_网格常住人口_{year}.csv", table, encoding="gb18030")
