"""What stands where content cannot: empty, missing, failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dash import html
from dash.development.base_component import Component

from dashboard.components import header
from dashboard.components.attributes import attrs
from dashboard.text import Catalog

if TYPE_CHECKING:
    from dashboard.errors import PageState
    from dashboard.pages import PageContext


def empty(title: str, then: str = "") -> Component:
    """An empty place that says what to do next."""
    return html.Div(
        [
            html.Div(className="empty-mark", **attrs(aria_hidden="true")),
            html.P(title, className="empty-title"),
            html.P(then, className="empty-next") if then else None,
        ],
        className="empty",
    )


def error_page(context: PageContext, state: PageState) -> Component:
    """A whole page for a state: what is the matter, and what to do."""
    t = context.text.t
    # A note lies over what was read before; a whole page has nothing beneath it.
    whole = f"common.error.{state.key}_page"
    then = whole if context.text.has(whole) else f"common.error.{state.key}_next"
    return html.Div(
        [
            header.page_header(context, active=context.address.path),
            html.Main(
                [
                    empty(t(f"common.error.{state.key}"), t(then)),
                    html.A(t("common.error.home"), href="/", className="button"),
                ],
                id="content",
                className="page-state",
                **attrs(data_state=state.key),
            ),
        ],
        className="page page-plain",
    )


def error_note(catalog: Catalog, state: PageState) -> Component:
    """A note over a page that keeps its last good frame."""
    return html.Div(
        [
            html.Strong(catalog.t(f"common.error.{state.key}")),
            html.Span(catalog.t(f"common.error.{state.key}_next")),
            html.Button(
                catalog.t("common.error.dismiss"), className="button", **attrs(data_dismiss="note")
            ),
        ],
        className="note note-error",
        **attrs(data_state=state.key),
    )


def panel_skeleton(said: str) -> Component:
    """A panel that is still being read."""
    lines = [
        html.Div(className=f"skeleton skeleton-{kind}")
        for kind in ("title", "line", "line", "block", "line", "block")
    ]
    return html.Div([html.Span(said, className="visually-hidden"), *lines], role="status")
