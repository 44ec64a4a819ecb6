"""Where the next sites should go: ask, watch the job, read the answer, move a site by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from dashboard import ids, mapview, siting_form, siting_map, siting_view
from dashboard import siting_words as said_of
from dashboard.components import (
    controls,
    header,
    siting_candidates,
    siting_job,
    siting_result,
    states,
)
from dashboard.components import siting_form as form_parts
from dashboard.components.attributes import attrs
from dashboard.pages import PageContext, Services, in_browser
from dashboard.planner import QUEUED, Planner
from dashboard.siting_form import Marks
from dashboard.text import Catalog, load
from dashboard.tokens import Theme
from geo.errors import XintuError

PATH = "/siting"
TICK_MS = 700
TABS = ("result", "candidates")
# What a hand has moved on the map: nothing.
_NO_HAND: Mapping[str, Any] = {"sites": [], "picked": None, "adding": False}


def layout(context: PageContext) -> Component:
    """The page, with the form of the scenario that the address names."""
    if context.planner is None:
        return _read_only(context)
    t, planner = context.text.t, context.planner
    snapshot = context.reader.current()
    scenario = context.address.choices.get("scenario", "")
    offer = planner.offer()
    question = siting_view.question_of(planner, scenario)
    values = siting_form.form_of(question, offer) if question else siting_form.usual_form(offer)
    state = {"scenario": scenario, "lang": context.text.lang}
    sides = {side: t(f"siting.side.{side}") for side in ("before", "after")}
    tabs = {tab: t(f"siting.tab.{tab}") for tab in TABS}
    return html.Div(
        [
            *_stores(state, Marks.read(question)),
            header.page_header(context, active=PATH),
            html.Aside(form_parts.form(values, offer, context.text), id=ids.SITING_FORM,
                       className="rail siting-form", **attrs(aria_label=t("siting.form.title"))),
            html.Main(
                [
                    html.Div(id=ids.SITING_HEADING, className="heading"),
                    html.Div(
                        [
                            _segments(ids.SITING_SIDE, sides, "after", t("siting.side.label")),
                            html.P(id=ids.SITING_HINT, className="hint", role="status"),
                            html.Button(t("siting.add.button"), id=ids.SITING_ADD,
                                        className="button", type="button"),
                        ],
                        className="map-bar",
                    ),
                    html.Div(mapview.map_component(ids.SITING_CANVAS, label=t("siting.map.label")),
                             className="map-frame"),
                    html.Div(id=ids.SITING_LEGEND, className="legend", role="region",
                             **attrs(aria_label=t("map.legend.label"))),
                    controls.source_line(snapshot, context.text),
                ],
                id="content",
                className="map-main",
            ),
            html.Aside(
                [
                    html.Div(id=ids.SITING_JOB, **attrs(aria_live="polite")),
                    html.Div(id=ids.SITING_MOVED, **attrs(aria_live="polite")),
                    _segments(ids.SITING_TAB, tabs, "result", t("siting.tab.label")),
                    html.Div(_panes(context.text), id=ids.SITING_PANES,
                             className="siting-panes show-result"),
                ],
                className="panel",
                **attrs(aria_label=t("siting.tab.label")),
            ),
            _sheets(context.text),
        ],
        className="page page-map page-siting",
        **attrs(data_page="siting"),
    )  # fmt: skip


def _stores(state: dict[str, Any], marks: Marks) -> list[Component]:
    return [
        dcc.Store(id=ids.SITING_STATE, data=state),
        dcc.Store(id=ids.SITING_DONE),
        dcc.Store(id=ids.SITING_FRAME),
        dcc.Store(id=ids.SITING_POOL, data=[]),
        dcc.Store(id=ids.SITING_MARKS, data=marks.to_store()),
        dcc.Store(id=ids.SITING_HAND, data=dict(_NO_HAND)),
        dcc.Store(id=ids.SITING_PLACED),
        dcc.Interval(id=ids.SITING_TICK, interval=TICK_MS, disabled=True),
    ]


def _segments(name: str, options: dict[str, str], value: str, label: str) -> Component:
    items = dcc.RadioItems(id=name, options=[{"value": k, "label": v} for k, v in options.items()],
                           value=value, inline=True, className="choice")  # fmt: skip
    return html.Div(items, role="group", **attrs(aria_label=label))


def _panes(catalog: Catalog) -> list[Component]:
    said = catalog.t("map.panel.loading")
    return [
        html.Div(states.panel_skeleton(said), id=ids.SITING_RESULT, className="pane-result"),
        html.Div(siting_candidates.candidates(catalog), className="pane-candidates"),
    ]  # fmt: skip


def _sheets(catalog: Catalog) -> Component:
    """On a phone: open the form, open the result."""
    buttons = [
        html.Button(catalog.t(f"siting.sheet.{name}"), className="button", type="button",
                    **attrs(data_sheet=name))
        for name in ("rail", "panel")
    ]  # fmt: skip
    return html.Div(buttons, className="sheet-buttons")


def _read_only(context: PageContext) -> Component:
    t = context.text.t
    said = states.empty(t("siting.state.read_only"), t("siting.state.read_only_next"))
    main = html.Main(said, id="content", className="page-state", **attrs(data_state="read_only"))
    return html.Div([header.page_header(context, active=PATH), main], className="page page-plain",
                    **attrs(data_page="siting"))  # fmt: skip


# ---------------------------------------------------------------- callbacks


def register(app: Dash, services: Services) -> None:
    """Callbacks and routes; without a planner there is nothing to ask."""
    siting_map.register_routes(app.server, services.reader, services.planner)
    if services.planner is None:
        return
    _register_browser(app)
    _register_job(app, services, services.planner)
    _register_ask(app, services, services.planner)
    _register_candidates(app, services.planner)
    _register_hand(app, services, services.planner)
    _register_whole(app, services, services.planner)


def _register_browser(app: Dash) -> None:
    in_browser(
        app,
        "sitingOpen",
        Output(ids.SITING_STATE, "data"),
        Input(ids.SHELL_ADDRESS, "search"),
        State(ids.SITING_STATE, "data"),
    )
    in_browser(
        app,
        "sitingView",
        Output(ids.SITING_VIEW, "data"),
        Input(ids.SITING_FRAME, "data"),
        Input(ids.SITING_SIDE, "value"),
        Input(ids.SITING_MARKS, "data"),
        Input(ids.SITING_HAND, "data"),
        Input(ids.SITING_POOL, "data"),
        Input(ids.SITING_TAB, "value"),
        Input(ids.SHELL_THEME, "data"),
    )
    in_browser(
        app,
        "sitingMark",
        Output(ids.SITING_MARKS, "data"),
        Output(ids.SITING_HAND, "data"),
        Output(ids.SITING_PLACED, "data"),
        Input(ids.SITING_PICKED, "data"),
        Input(ids.SITING_LOCK, "n_clicks"),
        Input(ids.SITING_FORBID, "n_clicks"),
        Input(ids.SITING_FREE, "n_clicks"),
        Input(ids.SITING_HERE, "n_clicks"),
        Input(ids.SITING_ADD, "n_clicks"),
        State(ids.SITING_GRID, "selectedRows"),
        State(ids.SITING_MARKS, "data"),
        State(ids.SITING_HAND, "data"),
        State(ids.SITING_FRAME, "data"),
    )
    in_browser(
        app,
        "sitingRows",
        Output(ids.SITING_GRID, "rowData"),
        Output(ids.SITING_HINT, "children"),
        Output(ids.SITING_PANES, "className"),
        Input(ids.SITING_POOL, "data"),
        Input(ids.SITING_MARKS, "data"),
        Input(ids.SITING_HAND, "data"),
        Input(ids.SITING_TAB, "value"),
        Input(ids.SITING_SIDE, "value"),
        Input(ids.SITING_FRAME, "data"),
        State(ids.SITING_GRID, "rowData"),
    )
    mapview.register_map(app, ids.SITING_CANVAS)


def _register_job(app: Dash, services: Services, planner: Planner) -> None:
    @app.callback(
        Output(ids.SITING_JOB, "children"),
        Output(ids.SITING_TICK, "disabled"),
        Output(ids.SITING_DONE, "data"),
        Input(ids.SITING_STATE, "data"),
        Input(ids.SITING_TICK, "n_intervals"),
        State(ids.SITING_DONE, "data"),
    )
    def follow(state: dict[str, Any], _ticks: int, done: dict[str, Any] | None) -> tuple[Any, ...]:
        found, catalog = siting_view.find(planner, state["scenario"]), load(state["lang"])
        now = siting_view.stage(found, state["scenario"])
        told = no_update if now == done else now
        # Who computes is asked only where somebody waits for it.
        waits = found is None or found.state == QUEUED
        note = siting_job.no_worker(planner.offer(), catalog) if waits else None
        if found is None:
            return note, True, told
        return [note, siting_job.progress(found, catalog)], not found.live, told

    @app.callback(
        Output(ids.SITING_HEADING, "children"),
        Output(ids.SITING_RESULT, "children"),
        Output(ids.SITING_FRAME, "data"),
        Output(ids.SITING_LEGEND, "children"),
        Input(ids.SITING_DONE, "data"),
        Input(ids.SHELL_THEME, "data"),
        State(ids.SITING_STATE, "data"),
        prevent_initial_call=True,
    )
    def show(done: dict[str, Any] | None, theme: Theme, state: dict[str, Any]) -> tuple[Any, ...]:
        if done is None:
            return (no_update,) * 4
        catalog = load(state["lang"])
        shown = siting_view.read(services.reader, planner, done["scenario"], catalog, theme=theme)
        return shown.heading, shown.panel, shown.frame, shown.legend

    @app.callback(
        Output(ids.SITING_JOB, "children", allow_duplicate=True),
        Input(ids.SITING_CANCEL, "n_clicks"),
        State(ids.SITING_STATE, "data"),
        prevent_initial_call=True,
    )
    def cancel(clicks: int | None, state: dict[str, Any]) -> Any:
        if not clicks:  # the button has only just been drawn
            return no_update
        planner.cancel(state["scenario"], services.now())
        return siting_job.progress(planner.scenario(state["scenario"]), load(state["lang"]))


def _register_ask(app: Dash, services: Services, planner: Planner) -> None:
    @app.callback(
        output=(Output(ids.SHELL_ADDRESS, "search"), Output(ids.SITING_SAID, "children")),
        inputs={
            "clicks": Input(ids.SITING_ASK, "n_clicks"),
            "given": {
                "fields": State({"type": ids.SITING_FIELD, "index": ALL}, "id"),
                "values": State({"type": ids.SITING_FIELD, "index": ALL}, "value"),
                "marks": State(ids.SITING_MARKS, "data"),
            },
            "search": State(ids.SHELL_ADDRESS, "search"),
            "state": State(ids.SITING_STATE, "data"),
        },
        running=[(Output(ids.SITING_ASK, "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def ask(
        clicks: int | None, given: dict[str, Any], search: str, state: dict[str, Any]
    ) -> tuple[Any, Any]:
        if not clicks:
            return no_update, no_update
        catalog = load(state["lang"])
        form = _form(given["fields"], given["values"])
        question = siting_form.question_of(form, Marks.read(given["marks"]))
        try:
            name = said_of.usual_name(question, planner.offer(), catalog)
            code = planner.ask(question, name=name, now=services.now())
        except XintuError as error:
            return no_update, siting_view.refused(error, catalog)
        return siting_view.search_for(search, code), None


def _register_candidates(app: Dash, planner: Planner) -> None:
    @app.callback(
        Output(ids.SITING_POOL, "data"),
        Output(ids.SITING_POOL_SAID, "children"),
        Input(ids.SITING_DONE, "data"),
        Input({"type": ids.SITING_FIELD, "index": ALL}, "value"),
        State({"type": ids.SITING_FIELD, "index": ALL}, "id"),
        State(ids.SITING_MARKS, "data"),
        State(ids.SITING_STATE, "data"),
    )
    def list_candidates(
        done: dict[str, Any] | None,
        values: list[Any],
        fields: list[dict[str, str]],
        marks: dict[str, Any],
        state: dict[str, Any],
    ) -> tuple[Any, Any]:
        moved = ctx.triggered_id
        if isinstance(moved, dict) and not moved["index"].startswith(
            ("kind-", "sources-", "towns")
        ):
            return no_update, no_update
        catalog = load(state["lang"])
        own = None if isinstance(moved, dict) else siting_view.answer_of(planner, done)
        question = siting_form.question_of(_form(fields, values), Marks.read(marks))
        try:
            table = siting_view.candidates_of(planner, question, own, state["scenario"])
        except XintuError as error:
            return [], siting_view.refused(error, catalog)
        return siting_view.pool(table, catalog), siting_candidates.said(table, catalog)


def _register_hand(app: Dash, services: Services, planner: Planner) -> None:
    @app.callback(
        Output(ids.SITING_MOVED, "children"),
        Input(ids.SITING_HAND, "data"),
        State(ids.SITING_STATE, "data"),
        prevent_initial_call=True,
    )
    def try_sites(hand: dict[str, Any], state: dict[str, Any]) -> Any:
        if not hand["sites"]:
            return None
        catalog, code = load(state["lang"]), state["scenario"]
        try:
            moved = planner.try_sites(code, hand["sites"])
            answer = planner.result(code)
        except XintuError as error:
            return siting_view.refused(error, catalog)
        names = siting_view.names_of(planner, code, answer, hand["sites"])
        return siting_result.moved(
            answer, float(moved.share_after), float(moved.covered_after), names, catalog
        )

    @app.callback(
        Output(ids.SITING_HAND, "data", allow_duplicate=True),
        Output(ids.SITING_POOL, "data", allow_duplicate=True),
        Output(ids.SITING_MOVED, "children", allow_duplicate=True),
        Input(ids.SITING_PLACED, "data"),
        State(ids.SITING_HAND, "data"),
        State(ids.SITING_STATE, "data"),
        prevent_initial_call=True,
    )
    def place(placed: dict[str, Any] | None, hand: dict[str, Any], state: dict[str, Any]) -> Any:
        if not placed:
            return no_update, no_update, no_update
        catalog, code = load(state["lang"]), state["scenario"]
        try:
            point = planner.add_point(code, placed["lon"], placed["lat"])
            table = siting_view.candidates_of(planner, {}, planner.result(code), code)
        except XintuError as error:
            return no_update, no_update, siting_view.refused(error, catalog)
        sites = [point if site == placed["picked"] else site for site in placed["sites"]]
        return (
            {**hand, "sites": sites, "picked": point},
            siting_view.pool(table, catalog),
            no_update,
        )

    @app.callback(
        Output(ids.SHELL_ADDRESS, "search", allow_duplicate=True),
        Output(ids.SITING_MOVED, "children", allow_duplicate=True),
        Output(ids.SITING_HAND, "data", allow_duplicate=True),
        Input(ids.SITING_KEEP, "n_clicks"),
        State(ids.SITING_HAND, "data"),
        State(ids.SHELL_ADDRESS, "search"),
        State(ids.SITING_STATE, "data"),
        prevent_initial_call=True,
    )
    def keep(
        clicks: int | None, hand: dict[str, Any], search: str, state: dict[str, Any]
    ) -> tuple[Any, Any, Any]:
        if not clicks:
            return no_update, no_update, no_update
        catalog = load(state["lang"])
        try:
            code = siting_view.keep(
                planner, state["scenario"], hand["sites"], catalog, now=services.now()
            )
        except XintuError as error:
            return no_update, siting_view.refused(error, catalog), no_update
        return siting_view.search_for(search, code), None, dict(_NO_HAND)


def _register_whole(app: Dash, services: Services, planner: Planner) -> None:
    @app.callback(
        Output(ids.SHELL_ADDRESS, "search", allow_duplicate=True),
        Output(ids.SITING_SAID, "children", allow_duplicate=True),
        Input(ids.SITING_REPLAY, "n_clicks"),
        State(ids.SHELL_ADDRESS, "search"),
        State(ids.SITING_STATE, "data"),
        prevent_initial_call=True,
    )
    def replay(clicks: int | None, search: str, state: dict[str, Any]) -> tuple[Any, Any]:
        if not clicks:
            return no_update, no_update
        try:
            code = planner.replay(state["scenario"], now=services.now())
        except XintuError as error:
            return no_update, siting_view.refused(error, load(state["lang"]))
        return siting_view.search_for(search, code), None

    @app.callback(
        Output(ids.SITING_DONE, "data", allow_duplicate=True),
        Output(ids.SITING_NAMED, "children"),
        Input(ids.SITING_RENAME, "n_clicks"),
        State(ids.SITING_NAME, "value"),
        State(ids.SITING_STATE, "data"),
        prevent_initial_call=True,
    )
    def rename(clicks: int | None, name: str | None, state: dict[str, Any]) -> tuple[Any, Any]:
        if not clicks:
            return no_update, no_update
        try:
            planner.rename(state["scenario"], name or "")
        except XintuError as error:
            return no_update, siting_view.refused(error, load(state["lang"]))
        found = siting_view.find(planner, state["scenario"])
        return siting_view.stage(found, state["scenario"]), None


def _form(fields: list[dict[str, str]], values: list[Any]) -> dict[str, Any]:
    return {field["index"]: value for field, value in zip(fields, values, strict=True)}
