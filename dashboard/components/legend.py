"""The legend: unit, class ends, and the fills that are not a class."""

from __future__ import annotations

import itertools
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.choices import Choices, LayerBook
from dashboard.components.marks import definition, swatch
from dashboard.text import Catalog, words
from geo.model import GapClass, Level, Tier

# Of snapshots by earlier versions nobody knows which occur.
_ALWAYS = ("zero", "no_data", "suppressed", "unreliable")


def legend(book: LayerBook, choices: Choices, catalog: Catalog) -> list[Component]:
    """Legend of the layer shown."""
    layer = book.layers[choices.layer]
    name = catalog.pick(layer["name"])
    rows = _class_rows(layer, choices.level, catalog)
    # Named classes say themselves what they are.
    notes = [name]
    if layer["breaks"]:
        unit = catalog.t("map.legend.unit", unit=catalog.pick(layer["unit"]))
        notes = [unit, catalog.t("map.legend.ends")]
    return [
        html.Span(" · ".join(notes), className="legend-unit"),
        html.Ul(rows, className="legend-classes"),
        html.Ul(_state_rows(book, layer, catalog), className="legend-states"),
        definition(catalog.t("map.legend.how"), [(name, catalog.pick(layer["definition"]))]),
    ]


def _row(mark: Component, words_of_it: str) -> Component:
    return html.Li([mark, html.Span(words_of_it)])


def _class_rows(layer: dict[str, Any], level: str, catalog: Catalog) -> list[Component]:
    palette, breaks = str(layer["palette"]), list(layer["breaks"])
    if layer.get("labels"):
        names = [catalog.pick(label) for label in layer["labels"]]
        return [_class_row(palette, position, name) for position, name in enumerate(names)]
    if not breaks:
        return _named_rows(palette, catalog)
    if level == Level.GRID and layer["code"].startswith("covered."):
        return [_class_row(palette, len(breaks), catalog.t("map.legend.grid_covered"))]
    percent = layer["unit"]["zh"] == "%"
    ends = [words.limit(float(end), share=percent) for end in breaks]
    texts = [catalog.t("map.legend.first", end=ends[0])]
    texts += [
        catalog.t("map.legend.between", start=start, end=end)
        for start, end in itertools.pairwise(ends)
    ]
    texts.append(catalog.t("map.legend.last", start=ends[-1]))
    return [_class_row(palette, position, text) for position, text in enumerate(texts)]


def _class_row(palette: str, position: int, text: str) -> Component:
    return _row(swatch(f"{palette}-{position}"), text)


def _named_rows(palette: str, catalog: Catalog) -> list[Component]:
    if palette == "tier":
        return [
            _row(swatch(f"tier-{tier.name.lower()}"),
                 catalog.t(f"common.tier.{tier.name.lower()}"))
            for tier in sorted(Tier, reverse=True)
            if tier >= Tier.NONE
        ]  # fmt: skip
    return [
        _class_row(palette, int(gap), catalog.t(f"common.gap.{gap.name.lower()}"))
        for gap in sorted(GapClass)
    ]


def _state_rows(book: LayerBook, layer: dict[str, Any], catalog: Catalog) -> list[Component]:
    """The fills beside the classes that the layer has somewhere, in a fixed order."""
    k = book.snapshot.meta["k"]
    return [
        _row(swatch(fill=fill.replace("_", "-")), catalog.t(f"common.state.{fill}", k=k))
        for fill in ("zero", "unreachable", "no_data", "suppressed", "unreliable")
        if fill in layer.get("fills", _ALWAYS)
    ]
