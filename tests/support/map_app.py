"""A page with nothing but the map, on a server of its own: for tests and benches of the map."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dash import Dash, Input, Output, dcc, html
from dash.development.base_component import Component
from werkzeug.serving import WSGIRequestHandler, make_server

from dashboard.maproutes import register_routes
from dashboard.mapview import map_component, map_view, register_map
from dashboard.text import load
from tests.support.synthetic_reader import SyntheticReader

ASSETS = Path(__file__).parents[2] / "assets"
PREFIX = "test-map"
SITES = ("counselling_room", "guidance_centre", "hospital", "school", "primary_care")
NOTE = "资料截至 2026年11月15日 · 边界:虚构 · 审图号:演示数据,无审图号"
INDEX = """<!DOCTYPE html>
<html lang="zh-CN" data-theme="light"><head>{%metas%}<title>map</title>
<link rel="icon" href="data:,">{%css%}
<style>html, body { margin: 0; } #page { position: fixed; inset: 0; }</style></head>
<body>{%app_entry%}{%config%}{%scripts%}{%renderer%}</body></html>"""


def view(reader: SyntheticReader, **choices: Any) -> dict[str, Any]:
    """A view of the made-up county; the accessibility of whatever level can be read."""
    choices = {"layer": "access", "attribution": NOTE, **choices}
    catalog = load(choices.pop("lang", "zh-CN"))
    return map_view(reader.current(), catalog, **choices)


def create_app(reader: SyntheticReader, **choices: Any) -> Dash:
    """The page; `choices` are those of its first view."""
    app = Dash(
        "map_app",
        assets_folder=str(ASSETS),
        assets_ignore=r"theme\.js|pages.*\.(js|css)|wall.*\.(js|css)|4.*css|5.*css",
        serve_locally=True,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    app.index_string = INDEX

    def component() -> Component:
        return map_component(PREFIX, label="地图", view=view(reader, **choices))

    app.layout = html.Div([html.Div(component(), id="page"), dcc.Store(id="page-open")])
    register_map(app, PREFIX)
    register_routes(app.server, reader)

    @app.callback(Output("page", "children"), Input("page-open", "data"), prevent_initial_call=True)
    def open_page(is_open: bool) -> list[Component]:
        """As a router does: the component goes and comes."""
        return [component()] if is_open else []

    return app


class _Quiet(WSGIRequestHandler):
    """Says nothing of every request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""


@contextmanager
def serving(app: Dash) -> Iterator[str]:
    """Serve an application on a free port of this machine; gives its address."""
    server = make_server("127.0.0.1", 0, app.server, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
