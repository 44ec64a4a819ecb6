"""A small county for tests of how warnings are answered: 2 towns of 4 villages in a row."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
from shapely.geometry import box, mapping
from sqlalchemy import Engine

from etl.response.follow import Changed, follow
from etl.response.life import Life
from etl.response.places import Place, Places
from etl.response.reading import read_events, read_lives
from etl.settings import LocalityConfig, registry
from tests.support.published_store import SOURCES

COUNTY = "9900"
TOWNS = ("9910", "9920")
VILLAGES = tuple(f"{town[:3]}{n}" for town in TOWNS for n in range(1, 5))


def config(**response: Any) -> LocalityConfig:
    """A locality with a county centre, a station in each town and one room."""
    offices = [
        {"code": "centre", "name": {"zh": "县中心", "en": "Centre"}, "level": "county",
         "area_code": COUNTY},
        {"code": "east", "name": {"zh": "东镇站", "en": "East"}, "level": "town",
         "area_code": TOWNS[0]},
        {"code": "west", "name": {"zh": "西镇站", "en": "West"}, "level": "town",
         "area_code": TOWNS[1]},
        {"code": "room-1", "name": {"zh": "一村室", "en": "Room 1"}, "level": "village",
         "area_code": VILLAGES[0]},
    ]  # fmt: skip
    return LocalityConfig.model_validate(
        {
            "locality": {
                "code": COUNTY,
                "name": {"zh": "清和县", "en": "Qinghe County"},
                "crs": "EPSG:4547",
            },
            "sources": SOURCES,
            "response": {"offices": offices, **response},
            **{name: registry(name)[name] for name in ("groups", "measures", "kinds")},
        }
    )


def places() -> Places:
    """Villages side by side, 1 wide; the two towns do not touch."""
    found: dict[str, Place] = {COUNTY: Place("county", "清和县", "", (0, 0, 9, 1))}
    shapes = {}
    for i, code in enumerate(VILLAGES):
        west = float(i + (i >= 4))
        found[code] = Place("village", f"{code}村", f"{code[:3]}0", (west, 0, west + 1, 1))
        shapes[code] = mapping(box(west, 0, west + 1, 1))
    for town, west in zip(TOWNS, (0.0, 5.0), strict=True):
        found[town] = Place("town", f"{town}镇", COUNTY, (west, 0, west + 4, 1))
        shapes[town] = mapping(box(west, 0, west + 4, 1))
    shapes[COUNTY] = mapping(box(0, 0, 9, 1))
    return Places(found, lambda _level: shapes)


def episodes(*rows: tuple[str, int, str], measure: str = "hotline_calls") -> pd.DataFrame:
    """Rows of id, tier, areas joined by "|"; the first area is the place."""
    return pd.DataFrame(
        [
            {
                "episode_id": name,
                "measure": measure,
                "level": "village",
                "area_code": areas.split("|")[0],
                "name": f"{areas.split('|')[0]}村",
                "tier": tier,
                "areas": areas,
                "phase": "growing",
                "reason_zh": f"{name}高于往常。",
                "reason_en": f"{name} is above usual.",
            }
            for name, tier, areas in rows
        ],
        columns=[
            "episode_id", "measure", "level", "area_code", "name", "tier", "areas", "phase",
            "reason_zh", "reason_en",
        ],
    )  # fmt: skip


def follow_week(
    engine: Engine, frame: pd.DataFrame, *, now: datetime, week: str, **response: Any
) -> Changed:
    """Follow episodes in the small county."""
    settings = config(**response)
    return follow(engine, frame, now=now, week=week, settings=settings, places=places())


def lives(engine: Engine) -> dict[str, Life]:
    """All warnings by id."""
    with engine.connect() as connection:
        return {life.warning_id: life for life in read_lives(connection)}


def events(engine: Engine) -> list[Any]:
    """All events, oldest first."""
    with engine.connect() as connection:
        return read_events(connection)
