"""All scenarios of siting: find, name, replay, discard, compare two, take them along in Excel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import flask
from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from dashboard import ids
from dashboard import siting_scenarios as told
from dashboard.address import Address
from dashboard.components import header, states
from dashboard.components import siting_scenarios as widgets
from dashboard.components.attributes import attrs
from dashboard.pages import PageContext, Services
from dashboard.planner import Planner, refusal
from dashboard.report.scenarios_workbook import register_workbook
from dashboard.siting_scenarios import Choice, Listed, read_scenarios
from dashboard.text import Catalog, load
from etl.store.reader import Reader
from geo.errors import XintuError

PATH = "/siting/scenarios"
CLOCK_MS = 2000


def layout(context: PageContext) -> Component:
    """The list as its address asks for it."""
    planner, catalog = context.planner, context.text
    if planner is None:
        t = catalog.t
        content: list[Any] = [
            states.empty(t("scenarios.note.closed"), t("scenarios.note.closed_next"))
        ]
    else:
        content = _content(planner, context)
    return html.Div(
        [
            header.page_header(context, active="/siting"),
            html.Main(content, id="content", className="data-main"),
        ],
        className="page page-data",
        **attrs(data_page="scenarios"),
    )


def _content(planner: Planner, context: PageContext) -> list[Any]:
    catalog = context.text
    t = catalog.t
    rows = read_scenarios(planner, context.reader, catalog)
    choice = Choice.read(context.address.choices)
    find = dcc.Input(
        id=ids.SCENARIOS_FIND,
        type="search",
        value="",
        placeholder=t("scenarios.filter.find"),
        debounce=0.2,
        autoComplete="off",
        className="form-input",
    )
    export = html.A(
        t("scenarios.act.export"),
        href=f"/siting/scenarios.xlsx?lang={catalog.lang}",
        className="button export-link",
        download="",
    )
    return [
        html.Div(
            [html.H1(told.title(rows, catalog)), html.P(t("scenarios.title.sub"))],
            className="heading",
        ),
        html.Div(
            [
                html.Div(widgets.compare_bar([], catalog), id=ids.SCENARIOS_BAR),
                html.Div([find, export], className="scenario-tools"),
            ],
            className="tools",
        ),
        html.Div(id=ids.SCENARIOS_SAID, role="status", className="scenario-said",
                 **attrs(aria_live="polite")),
        html.Div(_list(rows, choice, context.reader, catalog), id=ids.SCENARIOS_LIST,
                 className="scenario-list"),
        dcc.Store(id=ids.SCENARIOS_TICKED, data=[]),
        dcc.Interval(id=ids.SCENARIOS_CLOCK, interval=CLOCK_MS,
                     disabled=not any(one.live for one in rows)),
    ]  # fmt: skip


def _list(
    rows: Sequence[Listed],
    choice: Choice,
    reader: Reader,
    catalog: Catalog,
    ticked: Sequence[str] = (),
) -> list[Component]:
    zone = str(reader.current().meta["locality"]["timezone"])
    filters = widgets.filters(rows, choice, catalog)
    return [
        *([filters] if rows else []),
        widgets.table(rows, choice, catalog, timezone=zone, ticked=ticked),
    ]


def register(app: Dash, services: Services) -> None:
    """Callbacks: filter, tick, watch what runs, act; and the workbook."""
    planner = services.planner
    if planner is None:
        return
    register_workbook(app.server, services.reader, planner)
    _register_list(app, services.reader, planner)
    _register_ticks(app)
    _register_clock(app, services.reader, planner)
    _register_acts(app, services, planner)


_WHERE = {
    "query": State(ids.SHELL_ADDRESS, "search"),
    "request": State(ids.SHELL_REQUEST, "data"),
    "find": State(ids.SCENARIOS_FIND, "value"),
    "ticked": State(ids.SCENARIOS_TICKED, "data"),
}


def _drawn(reader: Reader, planner: Planner, where: Mapping[str, Any]) -> list[Component]:
    catalog, choice = _asked(where)
    rows = read_scenarios(planner, reader, catalog)
    return _list(rows, choice, reader, catalog, where["ticked"] or ())


def _asked(where: Mapping[str, Any]) -> tuple[Catalog, Choice]:
    request = where["request"]
    address = Address.read(request["path"], where["query"], remembered=flask.request.cookies)
    keys = {**address.choices, "find": where["find"] or ""}
    return load(address.lang), Choice.read(keys)


def _register_list(app: Dash, reader: Reader, planner: Planner) -> None:
    @app.callback(
        output=Output(ids.SCENARIOS_LIST, "children"),
        inputs={
            **_WHERE,
            "query": Input(ids.SHELL_ADDRESS, "search"),
            "find": Input(ids.SCENARIOS_FIND, "value"),
        },
        prevent_initial_call=True,
    )
    def choose(**where: Any) -> list[Component]:
        return _drawn(reader, planner, where)


def _register_ticks(app: Dash) -> None:
    @app.callback(
        output=(
            Output(ids.SCENARIOS_TICKED, "data"),
            Output(ids.SCENARIOS_BAR, "children"),
        ),
        inputs={
            "values": Input({"type": ids.SCENARIOS_TICK, "index": ALL}, "value"),
            "shown": State({"type": ids.SCENARIOS_TICK, "index": ALL}, "id"),
            **_WHERE,
        },
        prevent_initial_call=True,
    )
    def tick(
        values: list[list[str]], shown: list[dict[str, str]], **where: Any
    ) -> tuple[list[str], Component]:
        # What a filter hides stays ticked; the order is that of the ticks.
        here = {one["index"] for one in shown}
        on = [code for value in values for code in value or ()]
        kept = [code for code in where["ticked"] or () if code not in here or code in on]
        ticked = kept + [code for code in on if code not in kept]
        return ticked, widgets.compare_bar(ticked, _asked(where)[0])


def _register_clock(app: Dash, reader: Reader, planner: Planner) -> None:
    @app.callback(
        output={
            "marks": Output({"type": ids.SCENARIOS_STATE, "index": ALL}, "children"),
            "drawn": Output(ids.SCENARIOS_LIST, "children", allow_duplicate=True),
            "rests": Output(ids.SCENARIOS_CLOCK, "disabled"),
        },
        inputs={
            "_ticks": Input(ids.SCENARIOS_CLOCK, "n_intervals"),
            "shown": State({"type": ids.SCENARIOS_STATE, "index": ALL}, "id"),
            "classes": State({"type": ids.SCENARIOS_STATE, "index": ALL}, "className"),
            **_WHERE,
        },
        prevent_initial_call=True,
    )
    def look(
        _ticks: int, shown: list[dict[str, str]], classes: list[str], **where: Any
    ) -> dict[str, Any]:
        catalog, choice = _asked(where)
        rows = read_scenarios(planner, reader, catalog)
        known = {one.scenario_id: one for one in rows}
        codes = [one["index"] for one in shown]
        were = {code for code, name in zip(codes, classes, strict=True) if "is-live" in name}
        ended = any(code not in known or not known[code].live for code in were)
        drawn = _list(rows, choice, reader, catalog, where["ticked"] or ()) if ended else no_update
        marks = [
            widgets.state(known[code], catalog) if code in were and not ended else no_update
            for code in codes
        ]
        rests = not any(one.live for one in rows)
        return {"marks": marks, "drawn": drawn, "rests": rests}


def _register_acts(app: Dash, services: Services, planner: Planner) -> None:
    @app.callback(
        output={
            "drawn": Output(ids.SCENARIOS_LIST, "children", allow_duplicate=True),
            "said": Output(ids.SCENARIOS_SAID, "children"),
            "rests": Output(ids.SCENARIOS_CLOCK, "disabled", allow_duplicate=True),
        },
        inputs={
            "clicks": [
                Input({"type": button, "index": ALL}, "n_clicks")
                for button in widgets.BUTTONS.values()
            ],
            "names": State({"type": ids.SCENARIOS_NAME, "index": ALL}, "value"),
            "named": State({"type": ids.SCENARIOS_NAME, "index": ALL}, "id"),
            **_WHERE,
        },
        prevent_initial_call=True,
    )
    def act(
        clicks: list[list[int | None]],
        names: list[str | None],
        named: list[dict[str, str]],
        **where: Any,
    ) -> dict[str, Any]:
        if not any(click for own in clicks for click in own):  # only just drawn
            return {"drawn": no_update, "said": no_update, "rests": no_update}
        catalog, _ = _asked(where)
        code = str(ctx.triggered_id["index"])
        called = {one["index"]: name or "" for one, name in zip(named, names, strict=True)}
        action = next(
            name for name, kind in widgets.BUTTONS.items() if kind == ctx.triggered_id["type"]
        )
        refused = submit(planner, action, code, services, name=called.get(code, ""))
        if refused:
            said = catalog.t(f"scenarios.error.{refused}")
            return {"drawn": no_update, "said": html.P(said, className="form-said"),
                    "rests": no_update}  # fmt: skip
        done = html.P(catalog.t(f"scenarios.done.{action}"), className="form-done")
        drawn = _drawn(services.reader, planner, where)
        return {"drawn": drawn, "said": done, "rests": False}


def submit(planner: Planner, action: str, code: str, services: Services, *, name: str) -> str:
    """Do what a button of a row asks for.

    Returns
    -------
    Empty where it was done; else why not, a key of `scenarios.error`.
    """
    try:
        if action == "rename":
            planner.rename(code, name)
        elif action == "replay":
            planner.replay(code, now=services.now())
        elif action == "cancel":
            planner.cancel(code, services.now())
        else:
            planner.discard(code)
    except XintuError as error:
        return refusal(error)
    return ""
