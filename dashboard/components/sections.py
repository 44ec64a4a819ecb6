"""Sections of a panel and the rows of its tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.components.attributes import attrs


def section(title: str, *children: Component | None) -> Component:
    """A titled part of a panel."""
    head = html.Div(html.H3(title), className="section-head")
    return html.Section([head, *children], className="panel-section")


def table_row(
    name: Any,
    said: str,
    *,
    class_name: str = "value",
    compared: str = "",
    bar: float | None = None,
    bar_class: str = "bar",
) -> Component:
    """A name, its value with a bar of a share, and what it is compared with."""
    track = None
    if bar is not None and math.isfinite(bar):
        width = f"{min(max(bar, 0.0), 1.0):.1%}"
        track = html.Span(html.Span(style={"width": width}), className=bar_class,
                          **attrs(aria_hidden="true"))  # fmt: skip
    return html.Tr(
        [
            html.Th(name, scope="row"),
            html.Td([html.Span(said, className=class_name), track]),
            html.Td(compared, className="compared"),
        ]
    )


def folded(title: str, head: Sequence[Component], rows: Sequence[Component]) -> Component:
    """A table behind its title, for those who want the figures."""
    table = html.Table([html.Thead(html.Tr(list(head))), html.Tbody(list(rows))],
                       className="rows siting-rows")  # fmt: skip
    return html.Details([html.Summary(title), table], className="siting-fold")
