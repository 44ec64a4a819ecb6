"""The scorecard: every target, how far it is, what is missing by name, whether it will be met."""

from __future__ import annotations

import base64
from datetime import date
from typing import Any

import flask
from dash import Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from dashboard import ids
from dashboard import scorecard as told
from dashboard.address import Address
from dashboard.components import header, states
from dashboard.components import scorecard as widgets
from dashboard.components.attributes import attrs
from dashboard.components.controls import data_day
from dashboard.pages import PageContext
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


def _content(card: Scorecard, context: PageContext, snapshot: Snapshot) -> list[Any]:
    catalog = context.text
    names = _towns(context.reader, snapshot)
    town = context.address.choices.get("town", "")
    view = widgets.View(
        card=card,
        catalog=catalog,
        today=date.fromisoformat(str(snapshot.meta["data_date"])[:10]),
        town=town if town in names else "",
        names=names,
    )
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
            [html.H1(told.lead(card, catalog)), html.P(_subtitle(card, catalog, snapshot))],
            className="heading",
        ),
        html.Div([widgets.town_filter(view), tools, widgets.cards(view)]),
        dcc.Download(id=ids.SCORECARD_DOWNLOAD),
    ]


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


def register(app: Dash, reader: Reader) -> None:
    """Callback: the tables as a workbook."""

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
