"""Two scenarios of siting side by side: two maps that move together, one table of differences."""

from __future__ import annotations

from typing import Any

import flask
from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from dashboard import ids, mapview
from dashboard.address import Address
from dashboard.components import header, states
from dashboard.components import siting_compare as widgets
from dashboard.components.attributes import attrs
from dashboard.components.siting_scenarios import state
from dashboard.pages import PageContext, Services, in_browser
from dashboard.planner import Planner
from dashboard.report.compare_workbook import names_of, register_workbook
from dashboard.siting_compare import basis, finding, read_comparison
from dashboard.siting_differences import Table
from dashboard.siting_scenarios import read_scenarios
from dashboard.text import load
from dashboard.tokens import Theme
from etl.store.reader import Reader

PATH = "/siting/compare"
CLOCK_MS = 2000


def layout(context: PageContext) -> Component:
    """The two that the address names."""
    planner, t = context.planner, context.text.t
    theme: Theme = "dark" if context.theme == "dark" else "light"
    content: Any = states.empty(t("compare.note.closed"), t("compare.note.closed_next"))
    if planner is not None:
        content = html.Div(
            draw(planner, context.reader, context.address, theme=theme), id=ids.COMPARE_BODY
        )
    return html.Div(
        [
            header.page_header(context, active="/siting"),
            html.Main(content, id="content", className="data-main"),
        ],
        className="page page-data",
        **attrs(data_page="compare"),
    )


def draw(planner: Planner, reader: Reader, address: Address, *, theme: Theme) -> list[Any]:
    """Everything below the header."""
    catalog, choices = load(address.lang), address.choices
    both = read_comparison(planner, reader, choices.get("a", ""), choices.get("b", ""))
    rows = read_scenarios(planner, reader, catalog)
    lines = Table(both, names_of(both, reader, catalog), catalog).lines() if both.both else []
    return [
        html.Div(
            [html.H1(finding(both, catalog)), html.P(basis(both, reader, catalog))],
            className="heading",
        ),
        widgets.pickers(both, rows, catalog),
        *widgets.notes(both, reader, catalog),
        widgets.maps(both, rows, catalog, theme=theme),
        widgets.table(lines, catalog) if lines else None,
        dcc.Interval(id=ids.COMPARE_CLOCK, interval=CLOCK_MS, disabled=not both.live()),
    ]


def register(app: Dash, services: Services) -> None:
    """Callbacks: other scenarios, the maps, the state of what is still worked out."""
    planner, reader = services.planner, services.reader
    if planner is None:
        return
    register_workbook(app.server, reader, planner)
    for prefix in (ids.COMPARE_MAP_A, ids.COMPARE_MAP_B):
        mapview.register_map(app, prefix)
    in_browser(
        app,
        "pickScenarios",
        Output(ids.SHELL_ADDRESS, "search"),
        Input(ids.COMPARE_A, "value"),
        Input(ids.COMPARE_B, "value"),
    )

    @app.callback(
        Output(ids.COMPARE_BODY, "children"),
        Input(ids.SHELL_ADDRESS, "search"),
        Input(ids.SHELL_THEME, "data"),
        State(ids.SHELL_REQUEST, "data"),
        prevent_initial_call=True,
    )
    def choose(query: str, theme: Theme, request: dict[str, str]) -> list[Any]:
        return draw(planner, reader, _address(request, query), theme=theme)

    _register_clock(app, reader, planner)


def _register_clock(app: Dash, reader: Reader, planner: Planner) -> None:
    @app.callback(
        output={
            "marks": Output({"type": ids.COMPARE_STATE, "index": ALL}, "children"),
            "drawn": Output(ids.COMPARE_BODY, "children", allow_duplicate=True),
        },
        inputs={
            "_ticks": Input(ids.COMPARE_CLOCK, "n_intervals"),
            "shown": State({"type": ids.COMPARE_STATE, "index": ALL}, "id"),
            "classes": State({"type": ids.COMPARE_STATE, "index": ALL}, "className"),
            "query": State(ids.SHELL_ADDRESS, "search"),
            "theme": State(ids.SHELL_THEME, "data"),
            "request": State(ids.SHELL_REQUEST, "data"),
        },
        prevent_initial_call=True,
    )
    def look(
        _ticks: int,
        shown: list[dict[str, str]],
        classes: list[str],
        query: str,
        theme: Theme,
        request: dict[str, str],
    ) -> dict[str, Any]:
        address = _address(request, query)
        catalog = load(address.lang)
        rows = {one.scenario_id: one for one in read_scenarios(planner, reader, catalog)}
        now = [rows.get(address.choices.get(one["index"], "")) for one in shown]
        were = ["is-live" in name for name in classes]
        # A map is drawn anew only when its scenario has come to an end.
        if any(live and (one is None or not one.live) for live, one in zip(were, now, strict=True)):
            drawn = draw(planner, reader, address, theme=theme)
            return {"marks": [no_update] * len(shown), "drawn": drawn}
        marks = [
            state(one, catalog) if live and one else no_update
            for live, one in zip(were, now, strict=True)
        ]
        return {"marks": marks, "drawn": no_update}


def _address(request: dict[str, str], query: str) -> Address:
    return Address.read(request["path"], query, remembered=flask.request.cookies)
