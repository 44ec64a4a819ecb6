"""Candidates and sites in a planner's hand: listed, tried elsewhere, put on the map, kept."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any

from dash import ALL, Dash, Input, Output, State, ctx, html, no_update

from dashboard import ids, siting_form, siting_pool, siting_view
from dashboard import siting_words as said_of
from dashboard.components import siting_result
from dashboard.pages import Services
from dashboard.planner import Planner
from dashboard.siting_form import Marks
from dashboard.text import Catalog, load
from geo.errors import XintuError

# What a hand has moved on the map: nothing.
NO_HAND: Mapping[str, Any] = {"sites": [], "picked": None, "adding": False}
# Fields of the form that candidates hang on.
_ABOUT_CANDIDATES = ("kind-", "sources-", "towns")


def register(app: Dash, services: Services, planner: Planner) -> None:
    """Callbacks that list candidates, and those of sites moved by hand."""
    _register_candidates(app, planner)
    _register_tries(app, planner)
    _register_keep(app, services, planner)


def _register_candidates(app: Dash, planner: Planner) -> None:
    @app.callback(
        output=(Output(ids.SITING_POOL, "data"), Output(ids.SITING_POOL_SAID, "children")),
        inputs={
            "done": Input(ids.SITING_DONE, "data"),
            "search": Input(ids.SITING_SEARCH, "value"),
            "form": {
                "values": Input({"type": ids.SITING_FIELD, "index": ALL}, "value"),
                "fields": State({"type": ids.SITING_FIELD, "index": ALL}, "id"),
            },
            "set_by_hand": {
                "marks": State(ids.SITING_MARKS, "data"),
                "hand": State(ids.SITING_HAND, "data"),
            },
            "state": State(ids.SITING_STATE, "data"),
        },
    )
    def list_candidates(
        done: dict[str, Any] | None,
        search: str | None,
        form: dict[str, Any],
        set_by_hand: dict[str, Any],
        state: dict[str, Any],
    ) -> tuple[Any, Any]:
        moved = ctx.triggered_id
        if isinstance(moved, dict) and not moved["index"].startswith(_ABOUT_CANDIDATES):
            return no_update, no_update
        catalog, marks = load(state["lang"]), Marks.read(set_by_hand["marks"])
        question = siting_form.question_of(siting_form.form(**form), marks)
        own = siting_view.answer_of(planner, done)
        asked_anew = isinstance(moved, dict) or moved == ids.SITING_SEARCH
        if own is not None and asked_anew and not siting_pool.asks_for_same(question, own):
            own = None
        try:
            if own is None:
                table = planner.candidates(question)
            else:
                table = siting_pool.candidates_of(planner, own, state["scenario"], catalog)
        except XintuError as error:
            return [], siting_view.refused(error, catalog)
        always = [*marks.locked, *marks.forbidden, *set_by_hand["hand"]["sites"],
                  *siting_pool.chosen_of(own)]  # fmt: skip
        pool = siting_pool.Pool.of(table, search=search or "", always=always)
        return pool.to_store(catalog), [html.P(line) for line in pool.said(catalog)]


def _register_tries(app: Dash, planner: Planner) -> None:
    @app.callback(
        Output(ids.SITING_MOVED, "children"),
        Output(ids.SITING_MOVED_HEADING, "children"),
        Input(ids.SITING_HAND, "data"),
        State(ids.SITING_STATE, "data"),
        prevent_initial_call=True,
    )
    def try_sites(hand: dict[str, Any], state: dict[str, Any]) -> tuple[Any, Any]:
        if not hand["sites"]:
            return None, None
        catalog, code = load(state["lang"]), state["scenario"]
        try:
            moved = planner.try_sites(code, hand["sites"])
            answer = planner.result(code)
        except XintuError as error:
            return siting_view.refused(error, catalog), None
        names = siting_pool.names_of(planner, code, answer, hand["sites"], catalog)
        heading = siting_result.moved_heading(answer, moved, catalog)
        return siting_result.moved(answer, moved, names, catalog), heading

    @app.callback(
        Output(ids.SITING_HAND, "data", allow_duplicate=True),
        Output(ids.SITING_POOL, "data", allow_duplicate=True),
        Output(ids.SITING_MOVED, "children", allow_duplicate=True),
        Input(ids.SITING_PLACED, "data"),
        State(ids.SITING_HAND, "data"),
        State(ids.SITING_POOL, "data"),
        State(ids.SITING_STATE, "data"),
        prevent_initial_call=True,
    )
    def place(
        placed: dict[str, Any] | None,
        hand: dict[str, Any],
        pool: list[dict[str, Any]],
        state: dict[str, Any],
    ) -> Any:
        if not placed:
            return no_update, no_update, no_update
        catalog, code = load(state["lang"]), state["scenario"]
        try:
            answer = planner.result(code)
            kind = siting_pool.kind_of(planner, code, answer, placed["picked"])
            point = planner.add_point(code, placed["lon"], placed["lat"], kind=kind)
            points = siting_pool.points_of(planner, answer, code, catalog)
        except XintuError as error:
            return no_update, no_update, siting_view.refused(error, catalog)
        known = {one["id"] for one in pool}
        new = points[~points["candidate_id"].isin(known)]
        sites = [point if site == placed["picked"] else site for site in placed["sites"]]
        return (
            {**hand, "sites": sites, "picked": point},
            [*siting_pool.stored(new, catalog), *pool],
            no_update,
        )


def _register_keep(app: Dash, services: Services, planner: Planner) -> None:
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
    def keep_sites(
        clicks: int | None, hand: dict[str, Any], search: str, state: dict[str, Any]
    ) -> tuple[Any, Any, Any]:
        if not clicks:
            return no_update, no_update, no_update
        catalog = load(state["lang"])
        try:
            code = keep(planner, state["scenario"], hand["sites"], catalog, now=services.now())
        except XintuError as error:
            return no_update, siting_view.refused(error, catalog), no_update
        return siting_view.search_for(search, code), None, dict(NO_HAND)


def keep(
    planner: Planner, scenario_id: str, site_ids: Sequence[str], catalog: Catalog, *, now: datetime
) -> str:
    """Ask again with the sites as they were tried; the id of the new scenario.

    Raises
    ------
    XintuError : the question is refused, or there is no such scenario.
    """
    before = planner.scenario(scenario_id)
    table = siting_pool.points_of(planner, planner.result(scenario_id), scenario_id, catalog)
    own = table[table["candidate_id"].isin(list(site_ids))]
    points = [_point(row) for row in own.to_dict("records")]
    question = siting_form.kept_question(before.question, site_ids, points)
    name = catalog.t("siting.scenario.by_hand", name=said_of.name_of(before, catalog))
    return planner.ask(question, name=name[:60], now=now)


def _point(row: Mapping[Hashable, Any]) -> dict[str, Any]:
    """A free point as a question names it."""
    return {
        "id": str(row["candidate_id"]).removeprefix("extra:"),
        "name": str(row["name"]),
        "lon": float(row["lon"]),
        "lat": float(row["lat"]),
        "kind": str(row["kind"]),
    }
