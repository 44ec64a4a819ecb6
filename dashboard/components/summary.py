"""The panel when no place is chosen: the whole locality in findings, figures and two lists."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from dash import html
from dash.development.base_component import Component

from dashboard import gap_reason, places
from dashboard.choices import Choices
from dashboard.components import warning
from dashboard.components.actions import set_button
from dashboard.components.header import internal_badge
from dashboard.components.marks import swatch, tier_mark
from dashboard.text import Catalog, words
from etl.store.reader import Reader, Snapshot
from geo.model import GapClass, Level

_FIGURES = ("sites_open", "rooms_open", "staff", "covered_share")
_N_WARNINGS = 8
_N_RANKED = 5
_N_FINDINGS = 3


def summary(
    reader: Reader, snapshot: Snapshot, choices: Choices, catalog: Catalog
) -> list[Component]:
    """The whole locality."""
    figures = places.headline(reader, snapshot)
    warned = places.warned_places(reader.warnings(snapshot.snapshot_id, choices.week))
    ranking = reader.table(snapshot.snapshot_id, "gap_ranking")
    robustness, groups = (
        places.table_or_none(reader, snapshot, name) for name in ("gap_robustness", "gap_groups")
    )
    name = catalog.pick(snapshot.meta["locality"]["name"])
    return [
        html.H2(name, className="panel-title"),
        html.P(words.week_label(catalog, choices.week), className="panel-sub"),
        html.Ul(
            [html.Li(text) for text in _findings(snapshot, figures, warned, ranking, catalog)],
            className="findings",
        ),
        html.Dl(
            [
                _figure(key, figures[key], catalog)
                for key in _FIGURES
                if key in figures and math.isfinite(figures[key][0])
            ],
            className="figures",
        ),
        _warnings(snapshot, warned, catalog),
        _ranking(
            ranking,
            robustness,
            gap_reason.group_sentence(groups, snapshot.meta, catalog),
            catalog,
        ),
    ]


def _findings(
    snapshot: Snapshot,
    figures: dict[str, tuple[float, float]],
    warned: pd.DataFrame,
    ranking: pd.DataFrame,
    catalog: Catalog,
) -> list[str]:
    kind = places.main_kind(snapshot)
    found: list[str] = []
    if kind is not None:
        name, minutes = (
            words.inside(catalog, catalog.pick(kind["name"])),
            words.setting(kind["threshold_min"]),
        )
        uncovered = figures.get("uncovered_persons", (math.nan, math.nan))[0]
        if uncovered > 0:
            share = 1 - figures.get("covered_share", (math.nan, math.nan))[0]
            found.append(
                catalog.t("map.summary.uncovered", persons=words.persons(catalog, uncovered),
                          share=words.percent(share), kind=name, minutes=minutes)
            )  # fmt: skip
        elif uncovered == 0:
            found.append(catalog.t("map.summary.uncovered_none", kind=name, minutes=minutes))
        worst = _worst_town(ranking)
        if worst is not None:
            found.append(
                catalog.t("map.summary.gap", town=worst["name"], minutes=minutes, kind=name,
                          villages=int(worst["villages_uncovered"]),
                          persons=words.persons(catalog, float(worst["uncovered_persons"])))
            )  # fmt: skip
    found.append(_warned_sentence(warned, catalog))
    return found[:_N_FINDINGS]


def _worst_town(ranking: pd.DataFrame) -> pd.Series | None:
    towns = ranking[(ranking["level"] == Level.TOWN) & (ranking["villages_uncovered"] > 0)]
    if towns.empty:
        return None
    return towns.sort_values("uncovered_persons", ascending=False).iloc[0]


def _warned_sentence(warned: pd.DataFrame, catalog: Catalog) -> str:
    if warned.empty:
        return catalog.t("map.summary.warned_none")
    tiers = warned["tier"].value_counts().sort_index(ascending=False)
    parts = [
        catalog.t("map.summary.warned_tier", count=count, tier=_tier_word(tier, catalog))
        for tier, count in tiers.items()
    ]
    said = catalog.t("common.list.separator").join(parts)
    return catalog.t("map.summary.warned", count=len(warned), tiers=said)


def _tier_word(tier: Any, catalog: Catalog) -> str:
    return words.inside(catalog, catalog.t(f"common.tier.{places.tier_key(tier)}"))


def _figure(key: str, pair: tuple[float, float], catalog: Catalog) -> Component:
    value, previous = pair
    show = words.percent if key == "covered_share" else words.number
    if not math.isfinite(previous) or show(previous) == show(value):
        change = catalog.t("map.summary.same") if math.isfinite(previous) else ""
    else:
        change = catalog.t("map.summary.from_to", previous=show(previous))
    return html.Div(
        [
            html.Dt(catalog.t(f"map.summary.{key}")),
            html.Dd(show(value), className="figure-value"),
            html.Dd(change, className="hint"),
        ],
        className="figure",
    )


def _warnings(snapshot: Snapshot, warned: pd.DataFrame, catalog: Catalog) -> Component:
    title = html.Div(
        [html.H3(catalog.t("map.summary.warnings")), internal_badge(catalog)],
        className="section-head",
    )
    if warned.empty:
        return html.Section([title, html.P(catalog.t("map.summary.warnings_none"),
                                           className="quiet")])  # fmt: skip
    rows = [
        _row(
            [tier_mark(row.tier, catalog),
             _place_lines(row, warning.reason(row, snapshot, catalog))],
            row,
        )
        for row in places.rows_of(warned.head(_N_WARNINGS))
    ]  # fmt: skip
    more = None
    if len(warned) > _N_WARNINGS:
        more = html.P(catalog.t("map.summary.more", count=len(warned)), className="hint")
    return html.Section([title, html.Ul(rows, className="place-list"), more])


def _ranking(
    ranking: pd.DataFrame,
    robustness: pd.DataFrame | None,
    most_hit: str | None,
    catalog: Catalog,
) -> Component:
    title = html.Div(html.H3(catalog.t("map.summary.ranking")), className="section-head")
    finest = Level.VILLAGE if (ranking["level"] == Level.VILLAGE).any() else Level.TOWN
    short = ranking[(ranking["level"] == finest) & (ranking["gap"] >= GapClass.CLEAR)]
    if short.empty:
        return html.Section([title, html.P(catalog.t("map.summary.ranking_none"),
                                           className="quiet")])  # fmt: skip
    rows = [
        _row(
            [html.Span(swatch(f"gap-{int(row.gap)}"),
                       title=catalog.t(f"common.gap.{GapClass(int(row.gap)).name.lower()}")),
             _place_lines(row, _ranked(row, catalog))],
            row,
        )
        for row in places.rows_of(short.head(_N_RANKED))
    ]  # fmt: skip
    more = html.P(catalog.t("map.summary.more", count=len(short)), className="hint")
    said = gap_reason.ranking_sentence(robustness, finest, catalog)
    notes = [html.P(text, className="hint") for text in (most_hit, said) if text]
    return html.Section([title, html.Ul(rows, className="place-list"), more, *notes])


def _ranked(row: Any, catalog: Catalog) -> str:
    persons = words.persons(catalog, float(row.uncovered_persons))
    said = [catalog.t("map.summary.ranking_row", persons=persons)]
    score = gap_reason.number_of(getattr(row, "shortage", None))
    if math.isfinite(score):
        said.insert(0, catalog.t("gap.shortage.row", value=words.figure(score)))
    return " · ".join(said)


def _place_lines(row: Any, said: str) -> Component:
    return html.Span(
        [
            html.Span([html.B(row.name), html.Span(row.parent_name, className="hint")],
                      className="place-name"),
            html.Span(said, className="place-said"),
        ],
        className="place-lines",
    )  # fmt: skip


def _row(children: list[Component], row: Any) -> Component:
    patch = places.place_patch(str(row.level), str(row.area_code))
    return html.Li(set_button(children, patch, class_name="place-row", move=True))
