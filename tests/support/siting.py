"""A small ground of siting on a lattice, and an answer worked out from it by the real code.

Twelve by ten cells of about 475 m; three towns of two villages each, side by side; ways are
straight lines. Two rooms are open, both in the west; eleven host venues, two schools and two health
stations may take new ones.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
from shapely.geometry import box

from etl.build.levels import LevelFrame
from etl.build.travel import Travel
from etl.model import Text
from etl.policies import AreasQuantity, IndicatorSettings, TargetStep
from etl.sections import Access, Need
from etl.sections import Travel as TravelSettings
from etl.siting.answer import Answer
from etl.siting.answering import answer_question
from etl.siting.gap_change import access_of, classes_of
from etl.siting.ground import Ground
from etl.siting.question import Question, read_question
from geo.model import Level

CRS = "EPSG:4547"
FULL_SERVICE = 2.5  # staff per 10 000 residents
COLUMNS, ROWS = 12, 10
STEP = 0.005  # degrees; some 475 m from one cell to the next
WEST, SOUTH = 113.80, 31.30
COUNTY = "990101000000"
TOWN_NAMES = ("西镇", "中镇", "东镇")
WEEK = "2026-W46"
SNAPSHOT = "2026-W46-5eed5eed"


def small_ground(**changes: Any) -> Ground:
    """The ground; `changes` replace fields of it."""
    column, row = (axis.ravel() for axis in np.meshgrid(np.arange(COLUMNS), np.arange(ROWS)))
    town = column // 4
    towns = [f"99010100{1 + t}000" for t in town]
    villages = [f"99010100{1 + t}00{1 + (r >= ROWS // 2)}" for t, r in zip(town, row, strict=True)]
    codes = [f"{v}-{c:02d}{r:02d}" for v, c, r in zip(villages, column, row, strict=True)]
    order = np.argsort(np.array(codes, dtype=object))
    column, row, town = column[order], row[order], town[order]
    codes, villages, towns = ([one[i] for i in order] for one in (codes, villages, towns))
    lon, lat = WEST + (column + 0.5) * STEP, SOUTH + (row + 0.5) * STEP
    shapes = gpd.GeoSeries(
        [
            box(WEST + c * STEP, SOUTH + r * STEP, WEST + (c + 1) * STEP, SOUTH + (r + 1) * STEP)
            for c, r in zip(column, row, strict=True)
        ],
        crs="EPSG:4326",
    )
    xy = _metric(lon, lat)
    cells = pd.DataFrame(
        {
            "area_code": codes,
            "name": [f"网格{c + 1}-{r + 1}" for c, r in zip(column, row, strict=True)],
            "x": xy[:, 0], "y": xy[:, 1], "lon": lon, "lat": lat,
            "village_code": villages, "town_code": towns, "county_code": COUNTY,
        }
    )  # fmt: skip
    persons, withheld = _people(column, row, codes)
    frame = LevelFrame(
        level=Level.GRID,
        codes=np.array(codes, dtype=object),
        names=cells["name"].to_numpy(dtype=object),
        parent_codes=np.array(villages, dtype=object),
        parents=pd.factorize(pd.Series(villages), sort=True)[0].astype(np.int64),
        geometry=shapes,
        xy=xy,
        area_m2=np.full(len(codes), 475.0**2),
        persons={"total": persons["total"].to_numpy()},
    )
    travel = Travel(frame, TravelSettings(), about={"reason": "no_roads"})
    index = persons.index
    ground = Ground(
        snapshot_id=SNAPSHOT,
        week=WEEK,
        code_version="0.0.0+fixture",
        crs=CRS,
        cells=cells,
        areas=_areas(cells),
        persons=persons,
        withheld=withheld,
        gap_class=pd.Series(np.nan, index=index),
        need=pd.Series(
            np.where(persons["total"] > 0, 0.15 + 0.07 * ((column + 2 * row) % 11), np.nan),
            index=index,
        ),
        sites=_sites(cells),
        load_travel=lambda: travel,
        meta={
            "locality": {"code": "990101", "crs": CRS,
                         "name": {"zh": "试验县", "en": "Trial county"}},
            "travel": travel.meta(),
            "access": Access().model_dump(mode="json"),
            "need": {**Need().model_dump(mode="json"), "full_service": FULL_SERVICE},
            "groups": [
                {"code": "total", "name": {"zh": "常住人口", "en": "residents"}},
                {"code": "minors", "name": {"zh": "未成年人", "en": "minors"}},
                {"code": "elderly", "name": {"zh": "老年人", "en": "elderly"}},
            ],
            "kinds": [
                {"code": "counselling_room", "name": {"zh": "心理咨询室", "en": "counselling room"},
                 "mode": "foot", "threshold_min": 15.0, "on_map": True},
            ],
            "k": 10,
        },
        targets=pd.DataFrame(
            {
                "indicator": ["rooms_village"], "name_zh": ["村（社区）心理咨询室建成率"],
                "name_en": ["Villages with a counselling room"], "per": [np.nan],
                "numerator": [2.0], "denominator": [6.0], "value": [2 / 6], "target": [0.8],
            }
        ),
        indicators=(
            IndicatorSettings(
                code="rooms_village",
                name=Text(zh="村（社区）心理咨询室建成率", en="Villages with a counselling room"),
                level=Level.VILLAGE,
                numerator=AreasQuantity(areas=Level.VILLAGE, kinds=("counselling_room",)),
                denominator=AreasQuantity(areas=Level.VILLAGE),
                targets=(TargetStep(target=0.8),),
            ),
        ),
        shapes=shapes,
    )  # fmt: skip
    classes = classes_of(ground, access_of(ground, Access(), ground.sites), FULL_SERVICE)
    return replace(ground, gap_class=pd.Series(classes, index=index), **changes)


def small_question(**changes: Any) -> Question:
    """Four rooms within 15 minutes on foot, in venues, schools and health stations."""
    part = {
        "kind": "counselling_room", "mode": "foot", "threshold_min": 15.0, "p_new": 4,
        "sources": ["venue", "school", "primary_care"], "cost_new": 80000.0,
    }  # fmt: skip
    asked: dict[str, Any] = {"parts": [part], "time_limit_s": 20.0}
    return read_question({**asked, **changes})


@cache
def small_answer() -> Answer:
    """The answer to `small_question` on `small_ground`."""
    return answer_question(small_ground(), small_question())


def _metric(lon: Any, lat: Any) -> np.ndarray:
    to_metric = pyproj.Transformer.from_crs("EPSG:4326", CRS, always_xy=True)
    return np.column_stack(to_metric.transform(np.asarray(lon, float), np.asarray(lat, float)))


def _people(
    column: np.ndarray, row: np.ndarray, codes: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Residents; nobody in two cells, unknown in one, few elderly withheld in some."""
    # Two places where many live, and the country around them.
    town, market = np.hypot(column - 6, row - 5), np.hypot(column - 10, row - 2)
    many = 900.0 * np.exp(-(town**2) / 5) + 500.0 * np.exp(-(market**2) / 3)
    total = np.floor(40.0 + many + 17.0 * ((3 * column + 5 * row) % 7))
    total[(column == 0) & (row == 9)] = 0.0
    total[(column == 11) & (row == 0)] = 0.0
    total[(column == 11) & (row == 9)] = np.nan
    elderly = np.floor(total * (0.12 + 0.02 * (row % 5)))
    hidden = (elderly > 0) & (elderly < 10)
    persons = pd.DataFrame(
        {"total": total, "minors": np.floor(total * 0.18), "elderly": np.where(hidden, 5, elderly)},
        index=pd.Index(codes, name="area_code", dtype="str"),
    )
    withheld = pd.DataFrame(False, index=persons.index, columns=persons.columns)
    withheld["elderly"] = hidden
    return persons, withheld


def _areas(cells: pd.DataFrame) -> pd.DataFrame:
    rows = [("grid", c, n, v) for c, n, v in zip(cells["area_code"], cells["name"],
                                                 cells["village_code"], strict=True)]  # fmt: skip
    for number, code in enumerate(sorted(set(cells["village_code"]))):
        rows.append(("village", code, f"第{number + 1}村", f"{code[:9]}000"))
    for name, code in zip(TOWN_NAMES, sorted(set(cells["town_code"])), strict=True):
        rows.append(("town", code, name, COUNTY))
    rows.append(("county", COUNTY, "试验县", ""))
    areas = pd.DataFrame(rows, columns=["level", "area_code", "name", "parent_code"])
    return areas.assign(lon=WEST + 0.03, lat=SOUTH + 0.025)


_PLACED = {
    "counselling_room": [(1, 2), (2, 7)],
    "host_venue": [(0, 4), (3, 4), (4, 1), (5, 6), (6, 3), (6, 8), (7, 5), (9, 2), (9, 7), (10, 4),
                   (11, 8)],
    "school": [(5, 3), (8, 1)],
    "primary_care": [(7, 7), (10, 6)],
}  # fmt: skip
_NAMES = {
    "counselling_room": "心理咨询室", "host_venue": "党群服务中心", "school": "中学",
    "primary_care": "卫生院",
}  # fmt: skip


_CATEGORIES = {"counselling_room": "village_room", "school": "secondary"}


def _sites(cells: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for kind, places in _PLACED.items():
        for number, (column, row) in enumerate(places, start=1):
            lon, lat = WEST + (column + 0.45) * STEP, SOUTH + (row + 0.4) * STEP
            at = np.argmin(np.hypot(cells["lon"] - lon, cells["lat"] - lat))
            room, venue = kind == "counselling_room", kind == "host_venue"
            rows.append(
                {
                    "site_id": f"{kind[:4]}-{number:02d}", "kind": kind,
                    "name": f"第{number}{_NAMES[kind]}", "status": "open", "lon": lon, "lat": lat,
                    "quality": "exact" if number % 5 else "village",
                    "town_code": cells["town_code"].iloc[at],
                    "village_code": cells["village_code"].iloc[at],
                    "staff": 2.0 if room else np.nan, "rooms": 1.0 if room else np.nan,
                    "area_m2": 18.0 + 9 * number if venue and number % 4 else np.nan,
                    "beds": np.nan, "places": np.nan, "pupils": np.nan,
                    "hours": "周一至周五 8:30-17:30" if number % 3 else None,
                    "floor": f"{number % 3 + 1}楼" if venue else None,
                    "category": _CATEGORIES.get(kind),
                    "owner": "村委会" if venue else None,
                }
            )  # fmt: skip
    sites = pd.DataFrame(rows)
    sites[["x", "y"]] = _metric(sites["lon"], sites["lat"])
    return sites
