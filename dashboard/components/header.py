"""The bar at the top: name, locality, pages, language, theme."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dash import html
from dash.development.base_component import Component

from dashboard.components.attributes import attrs
from dashboard.text import Catalog
from geo.errors import XintuError

if TYPE_CHECKING:
    from dashboard.pages import PageContext

# The wall has no header of its own; its address is listed here all the same.
_LINKS = (
    ("map", "/"),
    ("warnings", "/warnings"),
    ("siting", "/siting"),
    ("scorecard", "/scorecard"),
    ("wall", "/wall"),
    ("data", "/data"),
)


def page_header(context: PageContext, *, active: str, middle: Component | None = None) -> Component:
    """Header of a page; `middle` is what the page itself puts there, such as a search box."""
    t = context.text.t
    mark = html.Span(className="logo-mark", **attrs(aria_hidden="true"))
    links = [
        html.A(
            t(f"common.nav.{name}"),
            href=path,
            className="nav-link",
            **attrs(aria_current="page" if path == active else None),
        )
        for name, path in _LINKS
    ]
    return html.Header(
        [
            html.A(t("common.nav.skip"), href="#content", className="skip-link"),
            html.A(
                [mark, html.Span(t("common.app.name"), className="logo-text")],
                href="/",
                className="logo",
            ),
            _locality(context),
            html.Nav(links, className="nav", **attrs(aria_label=t("common.nav.label"))),
            html.Div(middle, className="header-middle"),
            _switches(context),
        ],
        className="header",
    )


def _locality(context: PageContext) -> Component:
    try:
        locality = context.reader.current().meta["locality"]
    except XintuError:
        return html.Span(className="locality")
    return html.Span(
        [
            html.Span(context.text.pick(locality["name"]), className="locality-name"),
            demo_badge(context),
        ],
        className="locality",
    )


def demo_badge(context: PageContext) -> Component | None:
    """The badge that every screen of a fictional locality carries; None elsewhere."""
    if not context.reader.current().meta["locality"].get("demo"):
        return None
    t = context.text.t
    return html.Span(
        t("common.badge.demo"), className="badge badge-demo", title=t("common.badge.demo_hint")
    )


def _switches(context: PageContext) -> Component:
    t = context.text.t
    other = "en" if context.address.lang == "zh-CN" else "zh-CN"
    return html.Div(
        [
            html.Button(
                t("common.nav.language"),
                className="switch",
                lang=other,
                **attrs(data_language=other, aria_label=t("common.nav.language_label")),
            ),
            html.Button(
                className="switch switch-theme",
                title=t("common.nav.theme"),
                **attrs(data_theme_switch="", aria_label=t("common.nav.theme")),
            ),
        ],
        className="switches",
    )


def internal_badge(catalog: Catalog) -> Component:
    """The label that stands beside every warning."""
    return html.Span(catalog.t("common.badge.internal"), className="badge badge-internal")
