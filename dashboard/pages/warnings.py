"""Warnings: what is warned now, why, and whether somebody is on it."""

from __future__ import annotations

from typing import Any

import flask
from dash import ALL, Dash, Input, Output, State, ctx, html, no_update
from dash.development.base_component import Component

from dashboard import ids
from dashboard import response_words as said_of
from dashboard.address import Address
from dashboard.components import header, response, response_detail, response_form, states
from dashboard.components.attributes import attrs
from dashboard.components.controls import data_day
from dashboard.desk import Desk, Request, submit
from dashboard.pages import PageContext, Services
from dashboard.response import Board, Filter, Live, read_board
from dashboard.text import Catalog, load, words
from dashboard.tokens import Theme

PATH = "/warnings"


def layout(context: PageContext) -> Component:
    """The page for the current snapshot at this moment."""
    theme: Theme = "dark" if context.theme == "dark" else "light"
    return html.Div(
        [
            header.page_header(context, active=PATH),
            html.Main(
                html.Div(
                    draw(
                        Services(context.reader, lambda: context.now_utc, context.desk),
                        context.address,
                        theme=theme,
                    ),
                    id=ids.WARNINGS_BOARD,
                ),
                id="content",
                className="data-main",
            ),
        ],
        className="page page-data",
        **attrs(data_page="warnings"),
    )


def draw(services: Services, address: Address, *, theme: Theme, done: str = "") -> list[Any]:
    """Everything below the header.

    Parameters
    ----------
    done : the step that an office has just done; empty for none.
    """
    reader, now_utc = services.reader, services.now()
    catalog, snapshot = load(address.lang), reader.current()
    board = read_board(
        reader,
        snapshot,
        now_utc=now_utc,
    )
    if not board.known:
        count = len(reader.warnings(snapshot.snapshot_id).drop_duplicates(["level", "area_code"]))
        week = words.week_label(catalog, snapshot.week)
        old = catalog.t("warnings.title.old", week=week, count=count)
        note = states.empty(catalog.t("warnings.note.old"), catalog.t("warnings.note.old_next"))
        return [_heading(old, board, catalog), note]
    chosen = Filter.read(address.choices)
    head = _heading(said_of.title(board, catalog), board, catalog)
    if not board.live and not board.ended:
        return [
            head,
            response.figures(board, catalog),
            html.P(catalog.t("warnings.note.none"), className="board-quiet"),
            response.shares(board, catalog),
            response.trust(board, catalog),
        ]
    shown = [one for one in board.live if chosen.keeps(one)]
    # Where both have room, the most urgent one stands beside the list until another is chosen.
    current = board.find(chosen.warning) if chosen.warning else next(iter(shown), None)
    return [
        head,
        response.figures(board, catalog),
        _untracked(board, catalog),
        response.filters(board, chosen, catalog),
        html.Div(
            [
                html.Div(
                    [
                        response.board_list(board, chosen, catalog, current=current),
                        response.ended_list(board, chosen, catalog, current=current),
                    ],
                    className="board-side",
                ),
                _panel(current, board, services, chosen, catalog, theme=theme, done=done),
            ],
            className="board-columns has-choice" if chosen.warning else "board-columns",
        ),
        response.shares(board, catalog),
        response.trust(board, catalog),
    ]


def _heading(title: str, board: Board, catalog: Catalog) -> Component:
    snapshot = board.snapshot
    parts = [
        words.week_label(catalog, snapshot.week),
        catalog.t("map.source.date", day=data_day(snapshot, catalog)),
    ]
    return html.Div(
        [html.H1([title, header.internal_badge(catalog)]), html.P(" · ".join(parts))],
        className="heading",
    )


def _untracked(board: Board, catalog: Catalog) -> Component | None:
    if board.followed:
        return None
    return html.P(
        [
            html.Strong(catalog.t("warnings.note.untracked")),
            html.Span(catalog.t("warnings.note.untracked_next")),
        ],
        className="late-line board-note",
        role="note",
    )


def _panel(
    one: Live | None,
    board: Board,
    services: Services,
    chosen: Filter,
    catalog: Catalog,
    *,
    theme: Theme,
    done: str,
) -> Component:
    if one is not None:
        form = response_form.form(one, board, catalog, desk=services.desk, done=done)
        parts: Any = response_detail.detail(
            one, board, services.reader, chosen, catalog, theme=theme, form=form
        )
    elif chosen.warning:
        parts = response_detail.gone(chosen, catalog)
    else:
        parts = response_detail.nothing_chosen(catalog)
    return html.Aside(
        parts, className="board-panel", **attrs(aria_label=catalog.t("warnings.detail.label"))
    )


def register(app: Dash, services: Services) -> None:
    """Callbacks: other filters, another warning, and what an office does."""

    @app.callback(
        Output(ids.WARNINGS_BOARD, "children"),
        Input(ids.SHELL_ADDRESS, "search"),
        Input(ids.SHELL_THEME, "data"),
        State(ids.SHELL_REQUEST, "data"),
        prevent_initial_call=True,
    )
    def choose(query: str, theme: Theme, request: dict[str, str]) -> list[Any]:
        return draw(services, _address(request, query), theme=theme)

    desk = services.desk
    if desk is not None:
        _register_acts(app, services, desk)


def _register_acts(app: Dash, services: Services, desk: Desk) -> None:
    @app.callback(
        output=(
            Output(ids.WARNINGS_BOARD, "children", allow_duplicate=True),
            Output(ids.WARNINGS_SAID, "children"),
        ),
        inputs={
            "clicks": Input({"type": ids.WARNINGS_ACT, "index": ALL}, "n_clicks"),
            "given": {
                "subject": State(ids.WARNINGS_SUBJECT, "data"),
                "office": State(ids.WARNINGS_OFFICE, "value"),
                "pin": State(ids.WARNINGS_PIN, "value"),
                "text": State(ids.WARNINGS_TEXT, "value"),
            },
            "query": State(ids.SHELL_ADDRESS, "search"),
            "theme": State(ids.SHELL_THEME, "data"),
            "request": State(ids.SHELL_REQUEST, "data"),
        },
        # A second click while the first is being answered would be refused as out of date.
        running=[
            (Output(ids.WARNINGS_FORM, "className"), "detail-form is-busy", "detail-form"),
        ],
        prevent_initial_call=True,
    )
    def act(
        clicks: list[int | None],
        given: dict[str, Any],
        query: str,
        theme: Theme,
        request: dict[str, str],
    ) -> tuple[Any, Any]:
        if not any(clicks):  # the buttons have only just been drawn
            return no_update, no_update
        asked = Request(
            action=str(ctx.triggered_id["index"]),
            warning_id=str(given["subject"]["warning"]),
            version=int(given["subject"]["version"]),
            office=given["office"] or "",
            pin=given["pin"] or "",
            text=given["text"] or "",
        )
        address = _address(request, query)
        refused = submit(desk, asked, now=services.now())
        if refused:
            return no_update, load(address.lang).t(f"warnings.form.error_{refused}")
        return draw(services, address, theme=theme, done=asked.action), ""


def _address(request: dict[str, str], query: str) -> Address:
    return Address.read(request["path"], query, remembered=flask.request.cookies)
