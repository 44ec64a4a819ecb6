"""The resource map: layers, weeks, a place and what is known of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dash import Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from dashboard import headings, ids, lateness, mapview, places, text
from dashboard.choices import Choices, LayerBook, read_choices
from dashboard.components import chart, controls, header, legend, place, rail, states, summary
from dashboard.components.attributes import attrs
from dashboard.pages import PageContext, Services, in_browser
from dashboard.text import Catalog
from dashboard.tokens import Theme
from etl.store.reader import Reader, Snapshot
from geo.errors import NotPublishedError

PATH = "/"


def layout(context: PageContext) -> Component:
    """The page as its address asks for it."""
    snapshot = context.reader.current()
    choices = read_choices(snapshot, context.address.choices)
    choices = _known_area(context.reader, snapshot, choices)
    label = context.text.t("mapview.label")
    t = context.text.t
    today = lateness.local_day(context.now_utc, snapshot)
    sources = lateness.read_sources(context.reader, snapshot, context.text, today=today)
    late = lateness.late_layers(sources, snapshot)
    state = {**choices.to_store(), "lang": context.text.lang, "move": 1, "late": late}
    return html.Div(
        [
            dcc.Store(id=ids.MAP_STATE, data=state),
            dcc.Store(id=ids.MAP_FRAME, data=_frame(snapshot, choices, context.text)),
            header.page_header(context, active=PATH, middle=controls.search_box(context.text)),
            html.Aside(id=ids.MAP_RAIL, className="rail", **attrs(aria_label=t("map.rail.label"))),
            html.Main(
                [
                    html.Div(id=ids.MAP_HEADING, className="heading"),
                    html.Div(
                        [html.Nav(id=ids.MAP_CRUMBS, **attrs(aria_label=t("map.crumbs.label"))),
                         html.Div(id=ids.MAP_LEVELS)],
                        className="map-bar",
                    ),
                    html.Div(mapview.map_component(ids.MAP_CANVAS, label=label),
                             className="map-frame"),
                    html.Div(id=ids.MAP_LEGEND, className="legend", role="region",
                             **attrs(aria_label=t("map.legend.label"))),
                    controls.week_bar(snapshot, choices, context.text),
                    controls.late_line(sources, context.text),
                    controls.source_line(snapshot, context.text),
                ],
                id="content",
                className="map-main",
            ),
            html.Aside(
                states.panel_skeleton(t("map.panel.loading")),
                id=ids.MAP_PANEL, className="panel", **attrs(aria_label=t("map.panel.label")),
            ),
            controls.sheet_buttons(context.text),
        ],
        className="page page-map",
        **attrs(data_page="map"),
    )  # fmt: skip


def _frame(snapshot: Snapshot, choices: Choices, catalog: Catalog) -> dict[str, Any]:
    """What every view of the map shares, and what each layer changes: the browser joins them."""
    layers = {
        code: {
            "meta": mapview.map_view(snapshot, catalog, layer=code)["meta"],
            "weekly": entry["weekly"],
            "warned": entry["palette"] == "tier",
        }
        for code, entry in LayerBook(snapshot).layers.items()
    }
    return {"view": mapview.map_view(snapshot, catalog, layer=choices.layer), "layers": layers}


def _known_area(reader: Reader, snapshot: Snapshot, choices: Choices) -> Choices:
    """Choices without a place that the snapshot does not have."""
    try:
        place = places.find_place(reader, snapshot, choices.area)
    except NotPublishedError:
        return replace(choices, area="")
    return replace(choices, area_level=place.level if place else "")


def register(app: Dash, services: Services) -> None:
    """Callbacks of the page: every one reads, draws and returns."""
    reader = services.reader
    _register_browser(app)
    _register_caption(app, reader)
    _register_panel(app, reader)
    _register_search(app, reader)


def _register_browser(app: Dash) -> None:
    in_browser(
        app,
        "keepState",
        Output(ids.MAP_WEEK_LABEL, "children"),
        Output(ids.MAP_WEEK_BOX, "className"),
        Output(ids.MAP_WEEK_SLIDER, "disabled"),
        Input(ids.MAP_STATE, "data"),
        State(ids.MAP_WEEKS, "data"),
    )
    in_browser(app, "slideWeek", Input(ids.MAP_WEEK_SLIDER, "value"))
    in_browser(
        app,
        "joinView",
        Output(ids.MAP_VIEW, "data"),
        Input(ids.MAP_STATE, "data"),
        Input(ids.SHELL_THEME, "data"),
        State(ids.MAP_FRAME, "data"),
    )
    in_browser(app, "pickPlace", Input(ids.MAP_PICKED, "data"))
    in_browser(
        app,
        "tellReady",
        Input(ids.MAP_HEADING, "children"),
        Input(ids.MAP_PANEL, "children"),
    )
    mapview.register_map(app, ids.MAP_CANVAS)


def _register_caption(app: Dash, reader: Reader) -> None:
    @app.callback(
        Output(ids.MAP_RAIL, "children"),
        Output(ids.MAP_LEGEND, "children"),
        Output(ids.MAP_HEADING, "children"),
        Output(ids.MAP_CRUMBS, "children"),
        Output(ids.MAP_LEVELS, "children"),
        Input(ids.MAP_STATE, "data"),
    )
    def caption(state: dict[str, Any]) -> tuple[Any, ...]:
        choices, catalog = Choices.from_store(state), text.load(state["lang"])
        snapshot = reader.snapshot(choices.snapshot)
        book = LayerBook(snapshot)
        heading = headings.read_heading(reader, snapshot, choices, catalog)
        chosen = places.find_place(reader, snapshot, choices.area)
        path = places.path_to(reader, snapshot, chosen)
        return (
            rail.rail(book, choices, catalog),
            legend.legend(book, choices, catalog),
            controls.heading(
                heading.title,
                heading.subtitle,
                book,
                choices,
                catalog,
                late=choices.layer in state.get("late", ()),
            ),
            controls.crumbs(path, snapshot, choices, catalog),
            [
                controls.levels(book, choices, catalog),
                controls.workbook_link(snapshot, choices, catalog),
            ],
        )


def _register_panel(app: Dash, reader: Reader) -> None:
    @app.callback(
        Output(ids.MAP_PANEL, "children"),
        Input(ids.MAP_STATE, "data"),
        Input(ids.SHELL_THEME, "data"),
    )
    def panel(state: dict[str, Any], theme: Theme) -> Any:
        choices, catalog = Choices.from_store(state), text.load(state["lang"])
        snapshot = reader.snapshot(choices.snapshot)
        chosen = places.find_place(reader, snapshot, choices.area)
        if chosen is None:
            return summary.summary(reader, snapshot, choices, catalog)
        profile = places.read_profile(reader, snapshot, chosen, choices.week)
        charted = place.charted_measure(profile, snapshot, choices)
        drawn = charted and chart.weekly_chart(
            reader, snapshot, level=chosen.level, area_code=chosen.area_code,
            measure=places.measure_entry(snapshot, charted), week=choices.week, catalog=catalog,
            theme=theme or "light",
        )  # fmt: skip
        return place.place_panel(
            profile, snapshot, choices, catalog, chart=drawn or None, charted=charted or ""
        )


def _register_search(app: Dash, reader: Reader) -> None:
    @app.callback(
        Output(ids.MAP_SEARCH_RESULTS, "children"),
        Input(ids.MAP_SEARCH_INPUT, "value"),
        State(ids.MAP_STATE, "data"),
        prevent_initial_call=True,
    )
    def search(wanted: str | None, state: dict[str, Any]) -> Any:
        catalog = text.load(state["lang"])
        if not wanted or not wanted.strip():
            return []
        found = reader.search(state["snapshot"], wanted.strip(), limit=8)
        return controls.search_results(found, wanted.strip(), catalog)
