"""How the published store's warnings are answered: every state, one overdue, some history."""

# Tables are easier to read in one piece than cut to the rules of the product.
# ruff: noqa: E501

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from etl.response.desk import Desk
from etl.response.ledger import Act, open_warning, transaction, write
from etl.response.life import Kind
from etl.response.pins import set_pin
from etl.settings import LocalityConfig, Settings
from etl.store.engine import open_engine
from geo.model import Tier

COUNTY_OFFICE, TOWN_OFFICE = "county-centre", "town-yunling"
OFFICES: list[dict[str, Any]] = [
    {"code": COUNTY_OFFICE, "name": {"zh": "县社会心理服务中心", "en": "County centre"}, "level": "county", "area_code": "990101000000"},
    {"code": TOWN_OFFICE, "name": {"zh": "云岭乡社会工作站", "en": "Yunling town station"}, "level": "town", "area_code": "990101101000"},
    {"code": "town-chengguan", "name": {"zh": "城关街道社会工作站", "en": "Chengguan station"}, "level": "town", "area_code": "990101102000"},
    {"code": "town-nanhe", "name": {"zh": "南河镇社会工作站", "en": "Nanhe town station"}, "level": "town", "area_code": "990101103000"},
]  # fmt: skip
PIN = "20461116"
# How long a tier has to be acknowledged and responded to.
SPANS = {Tier.RED: (4, 24), Tier.ORANGE: (24, 72), Tier.YELLOW: (48, 168), Tier.BLUE: (168, None)}


def _at(day: str, hour: int = 0) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02d}:05").replace(tzinfo=UTC)


def open_desk(url: str, config: LocalityConfig) -> Desk:
    """The desk of the store; every office has the same PIN."""
    settings = Settings(folder=Path(), data=Path(), store_url=url, config=config, config_sha256="")
    engine = open_engine(url)
    for office in config.response.offices:
        set_pin(engine, office.code, PIN, now=_at("2026-09-01"))
    return Desk(engine, settings)


def answer(url: str, episodes: pd.DataFrame, towns: pd.DataFrame) -> None:
    """Write warnings for the episodes into the store, and some that ended before.

    Parameters
    ----------
    episodes : the published table.
    towns : area_code, name.
    """
    names = dict(zip(towns["area_code"], towns["name"], strict=True))
    steps: dict[int, tuple[datetime, list[tuple[Kind, datetime, str, str]]]] = {
        Tier.RED: (_at("2026-11-09"), [
            (Kind.ACKNOWLEDGED, _at("2026-11-09", 2), COUNTY_OFFICE, ""),
            (Kind.RESPONDING, _at("2026-11-09", 8), COUNTY_OFFICE, "已派咨询小组到村，与综治中心联合调解"),
            (Kind.GREW, _at("2026-11-16"), "", ""),
        ]),
        Tier.ORANGE: (_at("2026-11-13"), []),
        Tier.YELLOW: (_at("2026-11-13"), [
            (Kind.ACKNOWLEDGED, _at("2026-11-13", 9), "town-chengguan", "本周安排入户宣传心理援助热线"),
        ]),
        Tier.BLUE: (_at("2026-11-16"), []),
    }  # fmt: skip
    with transaction(open_engine(url)) as connection:

        def keep(
            row: dict[str, Any],
            opened: datetime,
            week: str,
            later: list[tuple[Kind, datetime, str, str]],
        ) -> None:
            town = f"{row['area_code'][:9]}000"
            hours, span = SPANS[Tier(row["tier"])]
            life = open_warning(connection, row["episode_id"], Act(Kind.OPENED, week, opened, tier=row["tier"], changes={
                "episode_id": row["episode_id"], "measure": row["measure"], "level": row["level"],
                "area_code": row["area_code"], "name": row["name"],
                "areas": frozenset(row["areas"].split("|")), "town_code": town,
                "town_name": names[town], "reason_zh": row["reason_zh"],
                "reason_en": row["reason_en"], "assigned": COUNTY_OFFICE if row["tier"] > Tier.YELLOW else next(o["code"] for o in OFFICES if o["area_code"] == town),
                "acknowledge_by": opened + timedelta(hours=hours),
                "respond_by": opened + timedelta(hours=span) if span else None,
            }))  # fmt: skip
            write(
                connection,
                life,
                [
                    Act(kind, week, at, office=office or None, text=text)
                    for kind, at, office, text in later
                ],
            )

        for row in episodes.to_dict("records"):
            if row["phase"] != "ended":
                opened, later = steps[row["tier"]]
                keep(row, opened, row["since_week"], later)
        for number, (code, tier, week, monday, hours, end) in enumerate(_PAST):
            opened = _at(monday)
            row = {
                "episode_id": f"hotline_calls.{code}.{week}",
                "measure": "hotline_calls",
                "level": "town",
                "area_code": code,
                "name": names[code],
                "areas": code,
                "tier": tier,
                "reason_zh": f"{names[code]}热线来电高于往常。",
                "reason_en": f"Hotline calls in {names[code]} were high.",
            }
            done = opened + timedelta(hours=hours)
            keep(row, opened, week, [
                (Kind.ACKNOWLEDGED, opened + timedelta(hours=min(3, hours)), "town-nanhe", ""),
                *([(Kind.RESPONDING, done, "town-nanhe", "")] if end == Kind.CLOSED else []),
                (end, done + timedelta(days=2), "town-nanhe", "已开展两场小组活动，来电回到往常" if number else "线路调试产生的来电，不是求助增多"),
            ])  # fmt: skip


# Town, tier, week, the Monday on which it was issued, hours until the response, how it ended.
_PAST = (
    ("990101103000", Tier.YELLOW, "2026-W44", "2026-11-09", 20, Kind.DISMISSED),
    ("990101103000", Tier.YELLOW, "2026-W43", "2026-10-26", 60, Kind.CLOSED),
    ("990101103000", Tier.ORANGE, "2026-W42", "2026-10-19", 100, Kind.CLOSED),
    ("990101102000", Tier.YELLOW, "2026-W42", "2026-10-19", 90, Kind.CLOSED),
    ("990101102000", Tier.ORANGE, "2026-W41", "2026-10-12", 50, Kind.CLOSED),
    ("990101101000", Tier.RED, "2026-W41", "2026-10-12", 20, Kind.CLOSED),
    ("990101101000", Tier.YELLOW, "2026-W40", "2026-10-05", 200, Kind.CLOSED),
)
