"""The scorecard: every target, how far it is, what is missing by name, whether it will be met."""

from __future__ import annotations

import base64
from datetime import date
from typing import Any

import flask
from dash import MATCH, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from dashboard import ids
from dashboard import scorecard as told
from dashboard.address import Address
from dashboard.components import header, states
from dashboard.components import scorecard as widgets
from dashboard.components.attributes import attrs
from dashboard.components.controls import data_day
from dashboard.pages import PageContext, Services
from dashboard.report.scorecard_workbook import scorecard_workbook
from dashboard.scorecard import Scorecard, read_scorecard
from dashboard.text import Catalog, load, words
from etl.store.reader import Reader, Snapshot
from geo.errors import NotPublishedError

PATH = "/scorecard"
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def layout(context: PageContext) -> Component:
    """The page for the current snapshot."""
    snapshot = context.reader.current()
    card = read_scorecard(context.reader, snapshot)
    content = (
        _empty(card, context.text)
        if card is None or card.targets.empty
        else _content(card, context, snapshot)
    )
    return html.Div(
        [
            header.page_header(context, active=PATH),
            html.Main(content, id="content", className="data-main"),
        ],
        className="page page-data",
        **attrs(data_page="scorecard"),
    )


def _empty(card: Scorecard | None, catalog: Catalog) -> list[Component]:
    key = "old" if card is None else "title"
    then = "old_next" if card is None else "next"
    return [states.empty(catalog.t(f"scorecard.empty.{key}"), catalog.t(f"scorecard.empty.{then}"))]


def _view(
    card: Scorecard, reader: Reader, snapshot: Snapshot, catalog: Catalog, *, town: str
) -> widgets.View:
    names = _towns(reader, snapshot)
    return widgets.View(
        card=card,
        catalog=catalog,
        today=date.fromisoformat(str(snapshot.meta["data_date"])[:10]),
        town=town if town in names else "",
        names=names,
    )


def _content(card: Scorecard, context: PageContext, snapshot: Snapshot) -> list[Any]:
    catalog = context.text
    town = context.address.choices.get("town", "")
    view = _view(card, context.reader, snapshot, catalog, town=town)
    tools = html.Div(
        [
            html.P(catalog.t("scorecard.order_hint"), className="hint"),
            html.Button(
                catalog.t("scorecard.export"),
                id=ids.SCORECARD_DOWNLOAD_BUTTON,
                className="button",
            ),
        ],
        className="tools",
    )
    return [
        html.Div(
            [html.H1(widgets.lead(view)), html.P(_subtitle(card, catalog, snapshot))],
            className="heading",
        ),
        html.Div([widgets.town_filter(view), tools, widgets.cards(view)]),
        dcc.Download(id=ids.SCORECARD_DOWNLOAD),
    ]


def card_body(reader: Reader, address: Address, indicator: str) -> list[Component]:
    """What the card of an indicator opens to.

    Raises
    ------
    NotPublishedError : the current snapshot has no such indicator.
    """
    snapshot, catalog = reader.current(), load(address.lang)
    card = read_scorecard(reader, snapshot)
    rows = [] if card is None else [r for r in card.rows() if r["indicator"] == indicator]
    if card is None or not rows:
        raise NotPublishedError(f"snapshot {snapshot.snapshot_id} has no indicator {indicator!r}")
    town = address.choices.get("town", "")
    return widgets.body(rows[0], _view(card, reader, snapshot, catalog, town=town))


def _towns(reader: Reader, snapshot: Snapshot) -> dict[str, str]:
    try:
        towns = reader.areas(snapshot.snapshot_id, "town")
    except NotPublishedError:
        return {}
    return dict(zip(towns["area_code"], towns["name"], strict=True))


def _subtitle(card: Scorecard, catalog: Catalog, snapshot: Snapshot) -> str:
    name = told.picked(card.rows()[0], "pack", catalog)
    pack = catalog.t("scorecard.pack", name=name) if name else catalog.t("scorecard.pack_own")
    return catalog.t(
        "scorecard.sub",
        pack=pack,
        week=words.week_label(catalog, snapshot.week),
        day=data_day(snapshot, catalog),
    )


def register(app: Dash, services: Services) -> None:
    """Callbacks: what a card opens to, and the tables as a workbook."""
    reader = services.reader

    @app.callback(
        Output({"type": ids.SCORECARD_BODY, "index": MATCH}, "children"),
        Input({"type": ids.SCORECARD_SUMMARY, "index": MATCH}, "n_clicks"),
        State({"type": ids.SCORECARD_BODY, "index": MATCH}, "id"),
        State({"type": ids.SCORECARD_BODY, "index": MATCH}, "children"),
        State(ids.SHELL_REQUEST, "data"),
        prevent_initial_call=True,
    )
    def open_card(
        clicks: int | None, body_id: dict[str, str], there: object, request: dict[str, str]
    ) -> Any:
        if not clicks or there:
            return no_update
        address = Address.read(request["path"], request["query"], remembered=flask.request.cookies)
        return card_body(reader, address, body_id["index"])

    @app.callback(
        Output(ids.SCORECARD_DOWNLOAD, "data"),
        Input(ids.SCORECARD_DOWNLOAD_BUTTON, "n_clicks"),
        State(ids.SHELL_REQUEST, "data"),
        prevent_initial_call=True,
    )
    def download(_clicks: int, request: dict[str, str]) -> dict[str, Any]:
        address = Address.read(request["path"], request["query"], remembered=flask.request.cookies)
        catalog, snapshot = load(address.lang), reader.current()
        card = read_scorecard(reader, snapshot)
        if card is None:
            raise NotPublishedError(f"snapshot {snapshot.snapshot_id} has no indicators")
        year, _, week = snapshot.week.partition("-W")
        name = catalog.t(
            "scorecard.file",
            locality=catalog.pick(snapshot.meta["locality"]["name"]),
            year=year,
            week=int(week),
        )
        content = base64.b64encode(scorecard_workbook(card, snapshot, catalog)).decode("ascii")
        return {"content": content, "filename": name, "type": WORKBOOK, "base64": True}
