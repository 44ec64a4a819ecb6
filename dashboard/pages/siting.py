"""Where the next sites should go: ask, watch the job, read the answer, move a site by hand."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from dashboard import (
    ids,
    mapview,
    siting_asking,
    siting_form,
    siting_hand,
    siting_map,
    siting_view,
)
from dashboard.components import controls, header, siting_candidates, states
from dashboard.components import siting_form as form_parts
from dashboard.components.attributes import attrs
from dashboard.pages import PageContext, Services, in_browser
from dashboard.planner import Offer
from dashboard.siting_form import Marks
from dashboard.text import Catalog

PATH = "/siting"
TICK_MS = 700
TABS = ("result", "candidates")


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
            *_stores(state, Marks.read(question), offer, context.text),
            header.page_header(context, active=PATH),
            html.Aside(form_parts.form(values, offer, context.text), id=ids.SITING_FORM,
                       className="rail siting-form", **attrs(aria_label=t("siting.form.title"))),
            html.Main(
                [
                    html.Div(
                        [html.Div(id=ids.SITING_HEADING, className="heading"),
                         html.Div(id=ids.SITING_MOVED_HEADING, className="heading")],
                        className="siting-headings",
                    ),
                    html.Div(
                        [
                            _segments(ids.SITING_SIDE, sides, "after", t("siting.side.label")),
                            html.Div(_segments(ids.SITING_KIND, {}, "", t("siting.kind.label")),
                                     id=ids.SITING_KINDS, hidden=True),
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


def _stores(state: dict[str, Any], marks: Marks, offer: Offer, catalog: Catalog) -> list[Component]:
    return [
        dcc.Store(id=ids.SITING_STATE, data=state),
        dcc.Store(id=ids.SITING_DONE),
        dcc.Store(id=ids.SITING_FRAME),
        dcc.Store(id=ids.SITING_KIND_NAMES, data=siting_form.kind_names(offer, catalog)),
        dcc.Store(id=ids.SITING_POOL, data=[]),
        dcc.Store(id=ids.SITING_MARKS, data=marks.to_store()),
        dcc.Store(id=ids.SITING_HAND, data=dict(siting_hand.NO_HAND)),
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
    siting_asking.register(app, services, services.planner)
    siting_hand.register(app, services, services.planner)


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
        "sitingKinds",
        Output(ids.SITING_KIND, "options"),
        Output(ids.SITING_KIND, "value"),
        Output(ids.SITING_KINDS, "hidden"),
        Input(ids.SITING_FRAME, "data"),
        Input(form_parts.field_id("kind-0"), "value"),
        Input(form_parts.field_id("kind-1"), "value"),
        State(ids.SITING_KIND_NAMES, "data"),
        State(ids.SITING_KIND, "value"),
    )
    in_browser(
        app,
        "sitingView",
        Output(ids.SITING_VIEW, "data"),
        Input(ids.SITING_FRAME, "data"),
        Input(ids.SITING_SIDE, "value"),
        Input(ids.SITING_KIND, "value"),
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
        State(ids.SITING_KIND, "value"),
        State(ids.SITING_POOL, "data"),
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
