"""A scenario on the page: asked, followed while it is worked out, shown, named, asked again."""

from __future__ import annotations

from typing import Any

from dash import ALL, Dash, Input, Output, State, no_update

from dashboard import ids, siting_form, siting_view
from dashboard import siting_words as said_of
from dashboard.components import siting_job
from dashboard.pages import Services
from dashboard.planner import QUEUED, Planner
from dashboard.siting_form import Marks
from dashboard.text import load
from dashboard.tokens import Theme
from geo.errors import XintuError


def register(app: Dash, services: Services, planner: Planner) -> None:
    """Callbacks that ask, follow a job, show what it found, rename and replay."""
    _register_job(app, services, planner)
    _register_ask(app, services, planner)
    _register_whole(app, services, planner)


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
        form = siting_form.form(given["fields"], given["values"])
        question = siting_form.question_of(form, Marks.read(given["marks"]))
        try:
            name = said_of.usual_name(question, planner.offer(), catalog)
            code = planner.ask(question, name=name, now=services.now())
        except XintuError as error:
            return no_update, siting_view.refused(error, catalog)
        return siting_view.search_for(search, code), None


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
