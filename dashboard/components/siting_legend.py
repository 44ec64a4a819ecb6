"""The legend of a map of sites: states of cells, and the marks of places."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard.components.attributes import attrs
from dashboard.components.marks import swatch
from dashboard.siting_map import Side
from dashboard.text import Catalog

# Fill of the swatch and its colour, as the map draws the state.
_SWATCHES = {
    "covered": ("class", "siting-0"),
    "new": ("siting-new", ""),
    "uncovered": ("class", "siting-2"),
    "lost": ("class", "siting-3"),
    "nobody": ("zero", ""),
    "unknown": ("suppressed", ""),
}
_STATES_OF = {
    "before": ("covered", "uncovered", "nobody", "unknown"),
    "after": ("covered", "new", "uncovered", "lost", "nobody", "unknown"),
}


def cell_legend(catalog: Catalog, *, side: Side = "after", lost: bool = False) -> Component:
    """States of cells in words.

    Parameters
    ----------
    catalog : the language.
    side : `before` has neither newly covered cells nor lost ones.
    lost : whether some cells lose their cover, because a site closes.
    """
    rows = [
        html.Li([swatch(_SWATCHES[key][1], fill=_SWATCHES[key][0]),
                 html.Span(catalog.t(f"siting.state.{key}"))])
        for key in _STATES_OF[side]
        if key != "lost" or lost
    ]  # fmt: skip
    return html.Ul(rows, className="legend-classes")


def point_legend(catalog: Catalog, *roles: str) -> Component:
    """Marks of places in words; `roles` are those that occur."""
    rows = [
        html.Li([point_mark(role), html.Span(catalog.t(f"siting.role.{role}"))]) for role in roles
    ]
    return html.Ul(rows, className="legend-states")


def point_mark(role: str, order: str = "") -> Component:
    """The mark of a place as the map draws it."""
    return html.Span(
        order, className=f"point-mark point-{role}", **attrs(aria_hidden="true", data_role=role)
    )
