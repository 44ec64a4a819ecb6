"""What surrounds the map: search, crumbs, levels, heading, weeks, source line, sheet buttons."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
from dash import dcc, html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.basis import travel_key, travel_numbers
from dashboard.choices import AUTO, Choices, LayerBook
from dashboard.components.actions import set_button
from dashboard.components.attributes import attrs
from dashboard.components.header import internal_badge
from dashboard.lateness import Source, late_sentence
from dashboard.places import Place, place_patch, rows_of
from dashboard.text import Catalog, words
from etl.store.reader import Snapshot

_LABELLED_WEEKS = 5


def search_box(catalog: Catalog) -> Component:
    """Search field with its list of results; arrow keys move, Enter takes the first."""
    return html.Div(
        [
            dcc.Input(
                id=ids.MAP_SEARCH_INPUT,
                type="search",
                placeholder=catalog.t("map.search.placeholder"),
                debounce=0.15,
                autoComplete="off",
                className="search-input",
            ),
            html.Div(id=ids.MAP_SEARCH_RESULTS, className="search-results", role="listbox",
                     **attrs(aria_label=catalog.t("map.search.results"))),
        ],
        className="search",
        role="search",
        **attrs(aria_label=catalog.t("map.search.label")),
    )  # fmt: skip


def search_results(found: pd.DataFrame, wanted: str, catalog: Catalog) -> Component | list[Any]:
    """Areas found, larger ones first; each goes to its place."""
    if found.empty:
        return html.P(catalog.t("map.search.none", text=wanted), className="quiet")
    return [
        set_button(
            [
                html.B(row.name),
                html.Span(row.parent_name, className="hint"),
                html.Span(catalog.t(f"map.one.{row.level}"), className="search-level"),
            ],
            place_patch(str(row.level), str(row.area_code)),
            class_name="search-result",
            role="option",
            move=True,
        )
        for row in rows_of(found)
    ]


def crumbs(path: list[Place], snapshot: Snapshot, choices: Choices, catalog: Catalog) -> Component:
    """County → town → village → grid, each a way back."""
    locality = catalog.pick(snapshot.meta["locality"]["name"])
    items = [("", "", locality), *((p.level, p.area_code, p.name) for p in path)]
    links = []
    for level, code, name in items:
        here = code == choices.area
        link = set_button(name, place_patch(level, code), class_name="crumb", move=True)
        links.append(html.Li(html.Span(name, **attrs(aria_current="location")) if here else link))
    return html.Ol(links, className="crumbs")


def levels(book: LayerBook, choices: Choices, catalog: Catalog) -> Component:
    """The levels that the layer has, coarsest first."""
    offered = [AUTO, *book.layers[choices.layer]["levels"]]
    buttons = [
        set_button(
            catalog.t(f"map.level.{level}"),
            {"level": level},
            class_name="segment",
            role="radio",
            on=level == choices.level,
        )
        for level in (AUTO, *reversed(book.levels))
        if level in offered
    ]
    return html.Div(
        buttons, className="segments", role="radiogroup",
        **attrs(aria_label=catalog.t("map.level.label")),
    )  # fmt: skip


def workbook_link(snapshot: Snapshot, choices: Choices, catalog: Catalog) -> Component:
    """The week's figures as a workbook."""
    return html.A(
        catalog.t("export.button"),
        href=f"/published/{snapshot.snapshot_id}/{choices.week}.xlsx?lang={catalog.lang}",
        title=catalog.t("export.hint"),
        className="button export-link",
        download="",
    )


def heading(
    title: str,
    subtitle: str,
    book: LayerBook,
    choices: Choices,
    catalog: Catalog,
    *,
    late: bool = False,
) -> list[Any]:
    """What the layer says, whether it rests on late data, and below it what is measured."""
    warned = book.layers[choices.layer]["palette"] == "tier"
    badge = internal_badge(catalog) if warned else None
    return [html.H1([title, badge, late_badge(catalog) if late else None]), html.P(subtitle)]


def late_badge(catalog: Catalog) -> Component:
    """The mark of a layer that rests on late data."""
    return html.Span(
        catalog.t("common.late.layer"),
        className="badge badge-late",
        title=catalog.t("common.late.layer_hint"),
    )


def late_line(sources: list[Source], catalog: Catalog) -> Component | None:
    """Which sources are late, near the data date; None when none is."""
    sentence = late_sentence(sources, catalog)
    if not sentence:
        return None
    return html.P(
        [html.Strong(sentence), html.Span(catalog.t("common.late.still"))],
        className="late-line",
        role="note",
    )


def week_bar(snapshot: Snapshot, choices: Choices, catalog: Catalog) -> Component:
    """Slider over the snapshot's weeks; off for layers without weeks."""
    weeks: list[str] = snapshot.meta["weeks"]
    step = max(len(weeks) // _LABELLED_WEEKS, 1)
    last = len(weeks) - 1
    marks = {i: words.week_short(catalog, weeks[i]) for i in range(last, -1, -step)}
    static = catalog.t("map.week.static", day=data_day(snapshot, catalog))
    labels = {week: words.week_label(catalog, week) for week in weeks}
    weekly = [e["code"] for e in LayerBook(snapshot).layers.values() if e["weekly"]]
    return html.Div(
        [
            _step("previous", "-1", catalog),
            _step("next", "1", catalog),
            html.Span(id=ids.MAP_WEEK_LABEL, className="week-label", **attrs(aria_live="polite")),
            html.Div(
                dcc.Slider(
                    id=ids.MAP_WEEK_SLIDER, min=0, max=last, step=1,
                    value=weeks.index(choices.week), marks=marks, included=False,
                    updatemode="drag", allow_direct_input=False,
                ),
                className="week-slider",
                **attrs(aria_label=catalog.t("map.week.label")),
            ),
            dcc.Store(id=ids.MAP_WEEKS, data={
                "weeks": weeks, "labels": labels, "static": static, "weekly": weekly}),
        ],
        id=ids.MAP_WEEK_BOX,
        className="week-bar",
    )  # fmt: skip


def _step(name: str, step: str, catalog: Catalog) -> Component:
    return html.Button(
        className=f"week-step week-{name}",
        **attrs(data_week_step=step, aria_label=catalog.t(f"map.week.{name}")),
    )


def data_day(snapshot: Snapshot, catalog: Catalog) -> str:
    """Last day that the data of the snapshot covers."""
    return words.day(catalog, date.fromisoformat(str(snapshot.meta["data_date"])[:10]))


def source_parts(snapshot: Snapshot, catalog: Catalog) -> list[str]:
    """Data date, travel method, boundary source, approval number, snapshot, notice."""
    meta, t = snapshot.meta, catalog.t
    locality = meta["locality"]
    parts = [
        t("map.source.date", day=data_day(snapshot, catalog)),
        t(travel_key(meta, "map.source.travel", "map.source.travel_road"), **travel_numbers(meta)),
    ]
    if locality.get("boundary_source"):
        parts.append(t("map.source.boundary", source=locality["boundary_source"]))
    if locality.get("map_approval"):
        parts.append(t("map.source.approval", number=locality["map_approval"]))
    parts.append(t("map.source.snapshot", id=snapshot.snapshot_id))
    if locality.get("notice"):
        parts.insert(0, catalog.pick(locality["notice"]))
    return parts


def source_line(snapshot: Snapshot, catalog: Catalog) -> Component:
    """Where the picture comes from, in one line."""
    parts = [html.Span(part) for part in source_parts(snapshot, catalog)]
    return html.P(parts, className="source-line")


def sheet_buttons(catalog: Catalog) -> Component:
    """On a phone: open the layers, open the explanation."""
    return html.Div(
        [
            html.Button(catalog.t("map.rail.open"), className="button", **attrs(data_sheet="rail")),
            html.Button(
                catalog.t("map.panel.open"), className="button", **attrs(data_sheet="panel")
            ),
        ],
        className="sheet-buttons",
    )
