"""The wall: a screen that nobody operates; the finding, the map, a tour through places.

What it shows comes from one snapshot; assets/wall.js walks the tour, keeps the clock, asks for
newer snapshots, and keeps the last good frame when nobody answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import flask
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component
from werkzeug.wrappers import Response

from dashboard import errors, ids, text
from dashboard.address import Address
from dashboard.components import wall_panels
from dashboard.lateness import local_day, read_sources
from dashboard.mapview import map_component, map_view, register_map
from dashboard.pages import PageContext, Services
from dashboard.response import response_mark
from dashboard.teller import tell
from dashboard.text import Catalog
from dashboard.tokens import Theme
from dashboard.tour import LAYERS, plan
from etl.store.reader import Reader, Snapshot
from geo.errors import NotPublishedError, XintuError
from geo.model import Kind, Level

PATH = "/wall"
STATE_ROUTE = "/wall/state"

# Where service is given, beside its gaps.
SITES = (Kind.GUIDANCE_CENTRE, Kind.COUNSELLING_ROOM)
# Data of a week come out on the Monday after it, so nine days are usual and sixteen are not.
AMBER_DAYS, RED_DAYS = 9, 16


@dataclass(frozen=True)
class Settings:
    """What the address asks of the wall.

    Attributes
    ----------
    tour_s : seconds a stop is shown.
    refresh_s : seconds between questions for a newer snapshot.
    layers : layers of the tour, in order.
    pause : stand still: one stop, no tour; for pictures.
    bare : the map alone, with its legend; for slides.
    stop : position of the first stop.
    """

    tour_s: float = 12
    refresh_s: float = 60
    layers: tuple[str, ...] = LAYERS
    pause: bool = False
    bare: bool = False
    stop: int = 0

    @classmethod
    def read(cls, address: Address) -> Settings:
        """Settings of an address; what makes no sense falls back, never an error."""
        given = address.choices
        layers = tuple(part for part in given.get("layers", "").split(",") if part)
        return cls(
            tour_s=_between(given.get("tour"), cls.tour_s, 4, 600),
            refresh_s=_between(given.get("refresh"), cls.refresh_s, 5, 3600),
            layers=layers or LAYERS,
            pause=given.get("pause") in ("1", "true", ""),
            bare=given.get("bare") in ("1", "true", ""),
            stop=int(_between(given.get("stop"), 0, 0, 99)),
        )


def _between(given: str | None, usual: float, low: float, high: float) -> float:
    try:
        return min(max(float(given), low), high) if given else usual
    except ValueError:
        return usual


def layout(context: PageContext) -> Component:
    """The whole screen."""
    snapshot = context.reader.current()
    settings = Settings.read(context.address)
    # A wall is dark unless its address says otherwise, whatever the system of its computer is.
    theme: Theme = "light" if context.address.theme == "light" else "dark"
    request = {"lang": context.text.lang, "layers": list(settings.layers), "theme": theme}
    return html.Div(
        [
            dcc.Store(id=ids.WALL_REQUEST, data=request),
            dcc.Store(id=ids.WALL_TAKEN),
            dcc.Store(id=ids.WALL_SNAPSHOT),
            *_screen(context, snapshot, settings, theme),
        ],
        className="wall wall-bare" if settings.bare else "wall",
        **_attributes(settings, theme, response_mark(context.reader, context.now_utc)),
    )


def _attributes(settings: Settings, theme: Theme, answers: str) -> dict[str, Any]:
    return {
        "data-screen": "wall",
        "data-theme": theme,
        "data-version": code_version(),
        "data-tour": f"{settings.tour_s:g}",
        "data-refresh": f"{settings.refresh_s:g}",
        "data-pause": "1" if settings.pause else "0",
        "data-stop": str(settings.stop),
        "data-amber": str(AMBER_DAYS),
        "data-red": str(RED_DAYS),
        "data-state-route": STATE_ROUTE,
        "data-answers": answers,
    }


def _screen(
    context: PageContext, snapshot: Snapshot, settings: Settings, theme: Theme
) -> list[Component]:
    today = local_day(context.now_utc, snapshot)
    shown, views = draw(
        context.reader,
        snapshot,
        context.text,
        layers=settings.layers,
        theme=theme,
        today=today,
        now_utc=context.now_utc,
    )
    return [
        dcc.Store(id=ids.WALL_VIEWS, data=views),
        html.Div(
            map_component("wall", label=context.text.t("common.nav.map")), className="wall-map"
        ),
        html.Div(shown, id=ids.WALL_PANELS, className="wall-panels"),
        wall_panels.offline(context.text),
    ]


def draw(
    reader: Reader,
    snapshot: Snapshot,
    catalog: Catalog,
    *,
    layers: Sequence[str],
    theme: Theme,
    today: date | None = None,
    now_utc: datetime | None = None,
) -> tuple[list[Component], dict[str, Any]]:
    """Everything over the map, and what the map shows at each stop by `layer/level`.

    Sources are judged on the day `today`, of publication by default; later days the browser knows.
    What is overdue is told as of `now_utc`, the hour of publication by default.
    """
    today = today or local_day(snapshot.published_at_utc, snapshot)
    sources = read_sources(reader, snapshot, catalog, today=today)
    story = tell(reader, snapshot, catalog, now_utc=now_utc)
    stops = plan(reader, story, catalog, layers=layers)
    views = {
        f"{stop.layer}/{stop.level}": map_view(
            snapshot,
            catalog,
            layer=stop.layer,
            level=Level(stop.level),
            theme=theme,
            warnings=stop.layer == "tier",
            sites=() if stop.layer == "tier" else SITES,
        )
        for stop in stops
    }
    try:
        targets = reader.table(snapshot.snapshot_id, "targets")
    except NotPublishedError:  # by an earlier version
        targets = None
    return wall_panels.panels(story, stops, catalog, sources, targets=targets), views


def register(app: Dash, services: Services) -> None:
    """The callback that draws a newer snapshot, and the route that tells of one."""
    reader = services.reader
    register_map(app, "wall")

    @app.callback(  # type: ignore[misc, unused-ignore]
        Output(ids.WALL_PANELS, "children"),
        Output(ids.WALL_VIEWS, "data"),
        Input(ids.WALL_SNAPSHOT, "data"),
        State(ids.WALL_REQUEST, "data"),
        prevent_initial_call=True,
    )
    def redraw(taken: dict[str, str], request: dict[str, Any]) -> tuple[Any, Any]:
        catalog, snapshot = text.load(request["lang"]), reader.snapshot(taken["snapshot"])
        return draw(
            reader,
            snapshot,
            catalog,
            layers=request["layers"],
            theme=request["theme"],
            now_utc=services.now(),
        )

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("xintu_wall", "takeViews"),
        # An output, and an input that nothing writes to: without them Dash makes no first call.
        Output(ids.WALL_TAKEN, "data"),
        Input(ids.WALL_VIEWS, "data"),
        Input(ids.WALL_REQUEST, "data"),
    )
    _register_state(app.server, services)


def _register_state(server: flask.Flask, services: Services) -> None:
    reader = services.reader
    version = code_version()

    @server.get(STATE_ROUTE)
    def state() -> tuple[Response, int]:
        try:
            snapshot = reader.current()
            answers = response_mark(reader, services.now())
        except XintuError as error:
            found = errors.page_state(error)
            return flask.jsonify(status=found.key, version=version), found.status
        answer = flask.jsonify(
            status="ok",
            snapshot=snapshot.snapshot_id,
            answers=answers,
            week=snapshot.week,
            version=version,
        )
        answer.headers["Cache-Control"] = "no-store"
        return answer, 200


@cache
def code_version() -> str:
    """Fingerprint of the program that this process runs, as it was when it started."""
    room = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for folder, pattern in (
        (room, "**/*.py"),
        (room, "**/*.toml"),
        (room.parent / "assets", "**/*"),
    ):
        for file in sorted(folder.glob(pattern)):
            if file.is_file():
                digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
