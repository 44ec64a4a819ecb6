"""What the published store says of its warnings: why, since when, how tested, who is near.

Fictional, like the county. Every phase of a warning occurs, and a tier for every cause that can
raise one.
"""

# Tables are easier to read in one piece than cut to the rules of the product.
# ruff: noqa: E501

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from geo.model import Tier

WORDS_ZH = {
    "dispute_events": "矛盾纠纷事件",
    "hotline_calls": "热线来电",
    "crisis_events": "危机干预事件",
}
WORDS_EN = {
    "dispute_events": "Disputes",
    "hotline_calls": "Hotline calls",
    "crisis_events": "Crisis interventions",
}
UNITS_ZH = {"dispute_events": "起", "hotline_calls": "次", "crisis_events": "起"}
# What lifted each tier, and how the week was tested.
CAUSES: dict[int, dict[str, Any]] = {
    Tier.RED: {"base_tier": 3, "raised_by": "persistence,gap", "method": "farrington", "look": "own_weeks", "reach": 1, "phase": "growing"},
    Tier.ORANGE: {"base_tier": 3, "raised_by": "", "method": "ears", "look": "own_week", "reach": 1, "phase": "new"},
    Tier.YELLOW: {"base_tier": 1, "raised_by": "spread", "method": "ears", "look": "neighbours", "reach": 3, "phase": "moving"},
    Tier.BLUE: {"base_tier": 0, "raised_by": "", "held": True, "method": "ears", "look": "own_week", "reach": 1, "phase": "fading"},
}  # fmt: skip
PHASES = ("new", "growing", "steady", "moving", "fading", "ended")
WARNING_COLUMNS = (
    "base_tier", "raised_by", "held", "method", "look", "reach", "provisional", "episode_id",
    "reason_zh", "reason_en",
)  # fmt: skip
EPISODE_COLUMNS = (
    "episode_id", "measure", "level", "area_code", "name", "tier", "peak_tier", "since_week",
    "weeks", "areas", "n_areas", "phase", "reason_zh", "reason_en",
)  # fmt: skip


def explain(warnings: pd.DataFrame, *, newest: str) -> pd.DataFrame:
    """Warnings with the reason of each; those of the newest week are provisional.

    Parameters
    ----------
    warnings : rows of `published_warning` without its reasons.
    """
    rows = [
        row | {"held": False} | CAUSES[row["tier"]] | _said(row) | {
            "provisional": row["week"] == newest,
            "episode_id": f"{row['measure']}.{row['area_code']}.{row['since_week']}",
        }
        for row in warnings.to_dict("records")
    ]  # fmt: skip
    return pd.DataFrame(rows)[[*warnings.columns, *WARNING_COLUMNS]]


def _said(row: dict[Any, Any]) -> dict[str, str]:
    measure, count, expected = row["measure"], f"{row['count']:.0f}", f"{row['expected']:.0f}"
    since_zh = (
        f"，已连续{row['weeks_running']}周偏高" if row["weeks_running"] > 1 else "，本周首次偏高"
    )
    since_en = (
        f", high for {row['weeks_running']} weeks"
        if row["weeks_running"] > 1
        else ", for the first week"
    )
    unit = UNITS_ZH[measure]
    return {
        "reason_zh": f"{row['name']}本周{WORDS_ZH[measure]}{count}{unit}，往常约{expected}{unit}{since_zh}。",
        "reason_en": f"{WORDS_EN[measure]} in {row['name']}: {count} this week, usually about {expected}{since_en}.",
    }  # fmt: skip


def warning_tables(
    warnings: pd.DataFrame, towns: pd.DataFrame, *, newest: str, sites: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Published tables `episodes`, `detection` and `responders` of the newest week.

    Parameters
    ----------
    warnings : what `explain` made.
    towns : area_code and name.
    sites : the published sites.
    """  # fmt: skip
    live = [
        {"episode_id": row["episode_id"], "measure": row["measure"], "level": row["level"],
         "area_code": row["area_code"], "name": row["name"], "tier": row["tier"],
         "peak_tier": max(row["tier"], row["base_tier"], 2 if row["held"] else 0),
         "since_week": row["since_week"], "weeks": row["weeks_running"],
         "areas": "|".join([row["area_code"]] + ([f"{row['area_code']}-001"] if row["tier"] == Tier.RED else [])),
         "n_areas": 2 if row["tier"] == Tier.RED else 1, "phase": CAUSES[row["tier"]]["phase"],
         "reason_zh": row["reason_zh"], "reason_en": row["reason_en"]}
        for row in warnings[warnings["week"] == newest].to_dict("records")
    ]  # fmt: skip
    town = towns.iloc[3]
    over = {"episode_id": f"crisis_events.{town['area_code']}.2026-W43", "measure": "crisis_events",
            "level": "town", "area_code": town["area_code"], "name": town["name"], "tier": 0,
            "peak_tier": 2, "since_week": "2026-W43", "weeks": 3, "areas": town["area_code"],
            "n_areas": 1, "phase": "ended", "reason_zh": f"{town['name']}危机干预事件本周回到往常水平。",
            "reason_en": f"Crisis interventions in {town['name']} are back to what is usual."}  # fmt: skip
    return {
        "episodes": pd.DataFrame([*live, over], columns=list(EPISODE_COLUMNS)),
        "detection": _detection(warnings, newest),
        "responders": _responders(live, sites),
        "responder_lines": pd.DataFrame(
            [(tier, "hotline-1", "hotline", "县心理援助热线", 4.0, "24小时") for tier in (2, 3, 4)],
            columns=["tier", "site_id", "kind", "name", "staff", "hours"],
        ),
    }


def _detection(warnings: pd.DataFrame, newest: str) -> pd.DataFrame:
    own = warnings[warnings["week"] == newest]
    rows = []
    for measure in WORDS_ZH:
        for level, n_areas, false in (
            ("village", 20, 0.41),
            ("town", 4, 0.08),
            ("county", 1, 0.02),
        ):
            n_farrington = n_areas // 2 if measure == "dispute_events" else 0
            n_warned = int(((own["measure"] == measure) & (own["level"] == level)).sum())
            rows.append(
                (
                    measure,
                    level,
                    newest,
                    n_areas,
                    n_areas - n_farrington,
                    n_farrington,
                    n_warned,
                    false,
                    0.1,
                )
            )
    columns = [
        "measure",
        "level",
        "week",
        "n_areas",
        "n_ears",
        "n_farrington",
        "n_warned",
        "expected_false",
        "fdr",
    ]
    return pd.DataFrame(rows, columns=columns)  # fmt: skip


def _responders(live: list[dict[str, Any]], sites: pd.DataFrame) -> pd.DataFrame:
    """Two sites for each warned place, one of them by car; none in reach of the third."""
    kinds = {
        Tier.RED: "guidance_centre",
        Tier.ORANGE: "guidance_centre",
        Tier.YELLOW: "counselling_room",
        Tier.BLUE: "counselling_room",
    }
    rows = []
    for episode in live:
        if episode["tier"] == Tier.YELLOW:
            continue
        offered = sites[(sites["kind"] == kinds[episode["tier"]]) & (sites["status"] == "open")]
        for rank, site in enumerate(offered.head(2).to_dict("records"), start=1):
            rows.append(
                {"level": episode["level"], "area_code": episode["area_code"], "tier": episode["tier"],
                 "rank": rank, "site_id": site["site_id"], "kind": site["kind"], "name": site["name"],
                 "staff": site["staff"], "hours": site["hours"], "minutes": 9.0 + 8 * rank, "mode": "car" if site["kind"] == "guidance_centre" else "foot"}
            )  # fmt: skip
    columns = [
        "level",
        "area_code",
        "tier",
        "rank",
        "site_id",
        "kind",
        "name",
        "staff",
        "minutes",
        "mode",
    ]
    found = pd.DataFrame(rows, columns=columns)
    assert not any(math.isnan(minutes) for minutes in found["minutes"])
    return found
