"""The Dash application: shell, router, headers, health; every page brings its own callbacks."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import flask
from dash import Dash, Input, Output, dcc, html, set_props
from dash.development.base_component import Component
from werkzeug.wrappers import Response

from dashboard import errors, export, ids, maproutes, text
from dashboard.address import Address
from dashboard.components import states
from dashboard.components.attributes import attrs
from dashboard.desk import Desk
from dashboard.pages import Clock, Page, PageContext, Services, in_browser
from dashboard.pages import data as data_page
from dashboard.pages import map as map_page
from dashboard.pages import scorecard as scorecard_page
from dashboard.pages import siting as siting_page
from dashboard.pages import siting_compare as siting_compare_page
from dashboard.pages import siting_scenarios as siting_scenarios_page
from dashboard.pages import wall as wall_page
from dashboard.pages import warnings as warnings_page
from dashboard.planner import Planner
from dashboard.report import proposal_routes
from etl.store.reader import Reader
from geo.errors import NotPublishedError, XintuError

ASSETS = Path(__file__).parents[1] / "assets"
PAGES: tuple[Page, ...] = (
    map_page, warnings_page, siting_page, siting_scenarios_page, siting_compare_page,
    scorecard_page, data_page, wall_page,
)  # fmt: skip

# Dash, Plotly and MapLibre set style attributes and draw from workers and images they make
# themselves; everything else, scripts above all, comes from files of our own.
_POLICY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self' blob: data:",
    "worker-src": "'self' blob:",
    "child-src": "blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'self'",
}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), camera=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_INDEX = """<!DOCTYPE html>
<html lang="{lang}" data-theme="{theme}">
<head>
{metas}
<title>{title}</title>
<link rel="icon" href="/assets/favicon.svg" type="image/svg+xml">
<script src="/assets/boot/theme.js"></script>
{css}
</head>
<body>
{app_entry}
<footer>
{config}
{scripts}
{renderer}
</footer>
</body>
</html>"""
_ENTRY = """<div id="react-entry-point"><div class="boot" role="status" aria-label="{loading}">
<div class="boot-head"></div><div class="boot-rail skeleton"></div>
<div class="boot-map skeleton"></div><div class="boot-panel skeleton"></div></div></div>"""

_log = logging.getLogger(__name__)


class XintuDash(Dash):
    """Dash whose first answer already has the language, the theme and a skeleton of the page."""

    def interpolate_index(self, **parts: str) -> str:  # type: ignore[override]
        """The HTML document, before any script has run."""
        request = flask.request
        address = Address.read(
            request.path,
            request.query_string.decode("utf-8", "replace"),
            remembered=request.cookies,
        )
        catalog = text.load(address.lang)
        parts["app_entry"] = _ENTRY.format(loading=catalog.t("common.app.loading"))
        parts["title"] = catalog.t("common.app.title")
        return _INDEX.format(lang=address.lang, theme=address.theme or "auto", **parts)


def create_app(
    reader: Reader,
    *,
    pages: Sequence[Page] = PAGES,
    now: Clock = lambda: datetime.now(UTC),
    desk: Desk | None = None,
    planner: Planner | None = None,
) -> Dash:
    """Build the web application.

    Parameters
    ----------
    reader : published snapshots; the only source of what is shown.
    pages : modules with `PATH`, `layout` and `register`.
    now : clock, for ages and deadlines.
    desk : where offices act on warnings; without one, warnings are only shown.
    planner : where it is asked where sites should be; without one, nobody can ask.

    Returns
    -------
    The Dash app; its WSGI application is `.server`.
    """
    app = XintuDash(
        __name__,
        assets_folder=str(ASSETS),
        # Loaded by the document's head, before the first paint.
        assets_ignore=r"theme\.js",
        title="Xintu",
        update_title="",
        use_pages=False,
        serve_locally=True,
        suppress_callback_exceptions=True,
        on_error=_note_error,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    app.layout = _shell
    services = Services(reader, now, desk, planner)
    _register_router(app, services, {page.PATH: page for page in pages})
    for page in pages:
        page.register(app, services)
    maproutes.register_routes(app.server, reader)
    export.register_routes(app.server, reader, now)
    proposal_routes.register_routes(app.server, reader, planner)
    _register_health(app.server, reader, now)
    _register_headers(app)
    return app


def _shell() -> Component:
    return html.Div(
        [
            dcc.Location(id=ids.SHELL_ADDRESS, refresh=False),
            dcc.Store(id=ids.SHELL_REQUEST),
            dcc.Store(id=ids.SHELL_THEME),
            html.Div(id=ids.SHELL_NOTE, role="status", **attrs(aria_live="polite")),
            html.Div(id=ids.SHELL_PAGE),
        ],
        className="shell",
    )


def _register_router(app: Dash, services: Services, pages: dict[str, Page]) -> None:
    in_browser(
        app,
        "openAddress",
        Output(ids.SHELL_REQUEST, "data"),
        Output(ids.SHELL_THEME, "data"),
        Input(ids.SHELL_ADDRESS, "pathname"),
    )

    def failed(error: Exception) -> Component:
        _log.error("a page could not be drawn", exc_info=error)
        address = Address.read("/", "", remembered=flask.request.cookies)
        catalog, now_utc = text.load(address.lang), services.now()
        context = PageContext(services.reader, address, catalog, "light", now_utc)
        return states.error_page(context, errors.page_state(error))

    @app.callback(
        Output(ids.SHELL_PAGE, "children"),
        Input(ids.SHELL_REQUEST, "data"),
        prevent_initial_call=True,
        on_error=failed,
    )
    def open_page(request: dict[str, str]) -> Component:
        address = Address.read(request["path"], request["query"], remembered=flask.request.cookies)
        context = PageContext(
            services.reader, address, text.load(address.lang), request["theme"], services.now(),
            services.desk, services.planner,
        )  # fmt: skip
        return render(pages.get(address.path), context)


def render(page: Page | None, context: PageContext) -> Component:
    """The page, or the state it is in instead."""
    if page is None:
        return states.error_page(context, errors.NO_SUCH_PAGE)
    try:
        context.reader.current()
    except NotPublishedError:
        return states.error_page(context, errors.NOTHING_PUBLISHED)
    except XintuError as error:
        _log.exception("the store could not be read")
        return states.error_page(context, errors.page_state(error))
    try:
        return page.layout(context)
    except XintuError as error:
        _log.exception("page %s could not be drawn", page.PATH)
        return states.error_page(context, errors.page_state(error))


def _note_error(error: Exception) -> None:
    """A callback failed: what is on the screen stays, and a note says so."""
    _log.error("a callback failed", exc_info=error)
    address = Address.read("/", "", remembered=flask.request.cookies)
    note = states.error_note(text.load(address.lang), errors.page_state(error))
    set_props(ids.SHELL_NOTE, {"children": note})


def _register_health(server: flask.Flask, reader: Reader, now: Clock) -> None:
    @server.get("/health")
    def health() -> tuple[Response, int]:
        try:
            snapshot = reader.current()
        except XintuError as error:
            nothing = isinstance(error, NotPublishedError)
            state = errors.NOTHING_PUBLISHED if nothing else errors.page_state(error)
            return flask.jsonify(status=state.key), state.status
        age = now() - snapshot.published_at_utc
        return flask.jsonify(
            status="ok",
            snapshot=snapshot.snapshot_id,
            week=snapshot.week,
            published_at_utc=snapshot.published_at_utc.isoformat(),
            age_hours=round(age.total_seconds() / 3600, 1),
            code_version=snapshot.code_version,
        ), 200


def _register_headers(app: Dash) -> None:
    policy: list[str] = []
    server: flask.Flask = app.server

    @server.after_request
    def secure(response: Response) -> Response:
        if not policy:
            # Only now are all callbacks and their inline scripts known.
            scripts = " ".join(["'self'", *app.csp_hashes()])
            rules = {**_POLICY, "script-src": scripts}
            policy.append("; ".join(f"{name} {value}" for name, value in rules.items()))
        response.headers.setdefault("Content-Security-Policy", policy[0])
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response
