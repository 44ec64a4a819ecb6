"""Small marks that mean the same everywhere: tiers, facility glyphs, values with their state."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dash import html
from dash.development.base_component import Component

from dashboard.components.attributes import attrs
from dashboard.places import tier_key
from dashboard.text import Catalog, words
from etl.store.reader import Cell
from geo.model import Missing, SiteStatus

_GLYPHS = Path(__file__).parents[2] / "assets" / "icons" / "kinds.json"
_SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path {look} d="{path}"/></svg>'
_FILLED = 'fill-rule="evenodd"'
_OUTLINED = 'fill="none" stroke="#000" stroke-width="1.8"'


@cache
def _glyphs() -> dict[str, str]:
    """Path data of each kind's glyph, the same that the map draws."""
    found: dict[str, str] = json.loads(_GLYPHS.read_text(encoding="utf-8"))
    return found


def tier_mark(tier: float, catalog: Catalog) -> Component:
    """Shape, colour and word of a tier."""
    key = tier_key(tier)
    name = catalog.t(f"common.tier.{key}")
    mark = catalog.t(f"common.tier.mark_{key}") if catalog.has(f"common.tier.mark_{key}") else ""
    return html.Span(
        html.Span(mark, className="tier-mark-text"),
        className=f"tier-mark tier-{key}",
        title=name,
        role="img",
        **attrs(aria_label=name),
    )


def swatch(colour: str = "", *, fill: str = "class") -> Component:
    """The fill of a class or of one of the four states, as the map draws it."""
    style = {"background": f"var(--{colour})"} if colour else {}
    return html.Span(className=f"swatch swatch-{fill}", style=style, **attrs(aria_hidden="true"))


def site_glyph(kind: str, *, status: str = "open") -> Component:
    """Glyph of a facility kind: filled in service, outlined otherwise."""
    is_open = status == SiteStatus.OPEN
    svg = _SVG.format(look=_FILLED if is_open else _OUTLINED, path=_glyphs().get(kind, ""))
    return html.Span(
        className=f"site-glyph site-{'open' if is_open else 'other'}",
        style={"--glyph": f'url("data:image/svg+xml,{quote(svg)}")'},
        **attrs(aria_hidden="true", data_kind=kind),
    )


def cell_text(cell: Cell | None, unit: str, catalog: Catalog, *, k: int) -> str:
    """A value in words that say when it is missing, withheld or unstable."""
    if cell is None or cell.state == Missing.NO_DATA:
        return catalog.t("map.value.no_data")
    if cell.state == Missing.SUPPRESSED:
        return catalog.t("map.value.suppressed", k=k)
    if cell.state == Missing.NOT_APPLICABLE:
        return catalog.t("map.value.not_applicable")
    if cell.state == Missing.UNREACHABLE:
        return catalog.t("map.value.unreachable")
    value = words.percent(cell.value) if unit == "%" else words.figure(cell.value)
    said = value if unit in ("", "%") else catalog.t("map.value.unit", value=value, unit=unit)
    if cell.state == Missing.UNRELIABLE:
        return catalog.t("map.value.unreliable", value=said)
    return said


def value_class(cell: Cell | None) -> str:
    """CSS class of a value, so that missing and withheld look apart in tables too."""
    state = Missing.NO_DATA if cell is None else cell.state
    return f"value value-{state.name.lower()}"


def definition(summary: str, texts: list[tuple[str, str]]) -> Component:
    """A fold that answers "how is it computed?"."""
    items: list[Any] = []
    for name, text in texts:
        items += [html.Dt(name), html.Dd(text)]
    return html.Details([html.Summary(summary), html.Dl(items)], className="definition")
