"""One internal notice: what rose, by how much, since when, and which service answers it."""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.components.marks import tier_mark
from dashboard.places import measure_entry, tier_key
from dashboard.response_words import standard
from dashboard.text import Catalog, words
from etl.store.reader import Snapshot


def reason(row: Any, snapshot: Snapshot, catalog: Catalog) -> str:
    """Why a place has its tier, as it was published; in words alone by earlier versions."""
    said = catalog.pick({"zh": row.reason_zh, "en": row.reason_en})
    if said:
        return said
    measure = measure_entry(snapshot, str(row.measure))
    return catalog.t("map.warning.reason_hidden", measure=catalog.pick(measure["name"]))


def since(row: Any, catalog: Catalog) -> str:
    """How long it has lasted."""
    if row.weeks_running <= 1:
        return catalog.t("map.warning.first")
    week = words.week_short(catalog, str(row.since_week))
    return catalog.t("map.warning.since", weeks=int(row.weeks_running), week=week)


def notice(row: Any, snapshot: Snapshot, catalog: Catalog) -> Component:
    """The notice of the place that the panel is about."""
    key = tier_key(row.tier)
    asked = standard(row.tier, snapshot, catalog)
    action = catalog.t("map.warning.action", action=asked) if asked else None
    return html.Div(
        [
            tier_mark(row.tier, catalog),
            html.Div(
                [
                    html.P(reason(row, snapshot, catalog), className="notice-reason"),
                    html.P(since(row, catalog), className="hint"),
                    html.P(action, className="notice-action") if action else None,
                    _life(row, catalog),
                ]
            ),
        ],
        className=f"notice notice-{key}",
    )


def _life(row: Any, catalog: Catalog) -> Component | None:
    """Where what became of it is told."""
    if not row.episode_id:
        return None
    return html.A(
        catalog.t("map.warning.life"),
        href=f"/warnings?warning={row.episode_id}&lang={catalog.lang}",
        className="notice-life",
    )
