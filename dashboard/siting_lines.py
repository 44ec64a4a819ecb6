"""An answer to a question of sites as lines and rows of text, for a terminal."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from dashboard.planner import CANCELLED, QUEUED, Answer, Scenario
from dashboard.text import Catalog, words

SITE_HEADS = ("order", "name", "source", "town", "gain", "share", "lacks", "id")
LISTING_HEADS = ("id", "name", "state", "week", "new", "share", "gap", "created")
MOST_NAMES = 5


def site_rows(answer: Answer, catalog: Catalog) -> list[list[str]]:
    """New sites in their order, with what each adds; `SITE_HEADS`."""
    sites = answer.tables["sites"]
    new = sites[sites["state"] == "new"].sort_values("order")
    meta = answer.meta
    covered = _number(meta["covered_before"]) + new["gain_persons"].cumsum()
    return [
        [
            f"{site['order']:.0f}",
            site["name"],
            catalog.t(f"plan.source.{site['source']}"),
            _text(site["town_name"]),
            words.number(site["gain_persons"]),
            words.percent(by_then / meta["persons"]) if meta["persons"] else "–",
            lacks(_text(site["lacks"]), catalog),
            site["site_id"],
        ]
        for site, by_then in zip(new.to_dict("records"), covered, strict=True)
    ]


def lacks(codes: str, catalog: Catalog) -> str:
    """What a place lacks against the standard; empty for nothing."""
    return catalog.t("plan.line.comma").join(
        catalog.t(f"plan.lack.{code}") for code in codes.split("|") if code
    )


def result_lines(scenario: Scenario, answer: Answer, catalog: Catalog) -> list[str]:
    """What an answer comes to, a sentence a line."""
    meta, t = answer.meta, catalog.t
    said = []
    if scenario.state == CANCELLED:
        said.append(t("plan.line.stopped"))
    sites = answer.tables["sites"]["state"].value_counts()
    said.append(t("plan.line.number", new=int(sites.get("new", 0)), kept=int(sites.get("kept", 0))))
    if sites.get("closed", 0):
        said.append(t("plan.line.closed", closed=int(sites["closed"])))
    said.append(
        t(
            "plan.line.covered",
            before=_share(meta["share_before"]),
            after=_share(meta["share_after"]),
            before_persons=words.number(_number(meta["covered_before"])),
            after_persons=words.number(_number(meta["covered_after"])),
            gained=words.number(_number(meta["covered_after"]) - _number(meta["covered_before"])),
        )
    )
    if meta["objective"] in {"p_median", "p_center"}:
        minutes = {when: words.minutes(_number(meta[f"mean_min_{when}"]))
                   for when in ("before", "after")}  # fmt: skip
        said.append(t("plan.line.minutes", **minutes))
    said.append(certainty(meta, catalog))
    if meta.get("knee") is not None:
        said.append(t("plan.line.knee", knee=int(meta["knee"])))
    return [*said, _uncovered(answer, catalog)]


def certainty(meta: dict[str, Any], catalog: Catalog) -> str:
    """How near the optimum an answer is known to be; never nearer than it is."""
    if meta["proven"]:
        return catalog.t("plan.line.proven")
    gap = _number(meta["gap"])
    if not math.isfinite(gap):
        return catalog.t("plan.line.unknown")
    return catalog.t("plan.line.gap", gap=words.gap(gap))


def state_line(scenario: Scenario, catalog: Catalog) -> str:
    """Where a scenario stands that has no answer: how far it is, or why there is none."""
    state = catalog.t(f"plan.state.{scenario.state}")
    if scenario.state == QUEUED:
        return catalog.t("plan.line.waits", state=state, ahead=scenario.position - 1)
    if scenario.live:
        return catalog.t("plan.line.runs", state=state, progress=words.percent(scenario.progress))
    return scenario.message(catalog.lang) or state


def listing_rows(scenarios: pd.DataFrame, catalog: Catalog, *, timezone: str) -> list[list[str]]:
    """All scenarios, newest first; `LISTING_HEADS`."""
    zone = ZoneInfo(timezone)
    rows = []
    for one in scenarios.to_dict("records"):
        answered = one["share_after"] is not None and not pd.isna(one["share_after"])
        share = f"{_share(one['share_before'])} → {_share(one['share_after'])}" if answered else ""
        created: datetime = one["created_at_utc"]
        gap = "" if not answered or pd.isna(one["gap"]) else words.gap(one["gap"])
        if answered and one["proven"]:
            gap = catalog.t("plan.line.optimal")
        rows.append(
            [
                one["scenario_id"],
                one["name"],
                catalog.t(f"plan.state.{one['state']}"),
                one["week"],
                f"{one['n_new']:.0f}" if answered else "",
                share,
                gap,
                f"{created.astimezone(zone):%Y-%m-%d %H:%M}",
            ]
        )
    return rows


def _uncovered(answer: Answer, catalog: Catalog) -> str:
    table, meta = answer.tables["uncovered"], answer.meta
    if table.empty:
        return catalog.t("plan.line.everybody")
    places = table["village_name"].fillna(table["name"]).drop_duplicates().head(MOST_NAMES)
    return catalog.t(
        "plan.line.uncovered",
        persons=words.number(_number(meta["persons"]) - _number(meta["covered_after"])),
        areas=table["area_code"].nunique(),
        names=catalog.t("plan.line.comma").join(places),
    )


def _share(value: float | None) -> str:
    return "–" if value is None or pd.isna(value) else words.percent(value)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)
