"""The rail: which layer, and which sites, the map shows."""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.choices import Choices, LayerBook
from dashboard.components.actions import set_button
from dashboard.components.attributes import attrs
from dashboard.components.marks import site_glyph
from dashboard.text import Catalog

# The order on the screen.
GROUPS = ("gap", "coverage", "access", "warning", "population")
# Groups whose layers are a quantity of a subject: first the quantity is chosen, then the subject.
_QUANTITIES = {
    "coverage": ("covered", "nearest_min"),
    "access": ("access", "referral"),
    "warning": ("tier", "rate"),
}


def rail(book: LayerBook, choices: Choices, catalog: Catalog) -> list[Component]:
    """All groups; the one that holds the current layer is open."""
    current = rail_group(book.layers[choices.layer])
    grouped = {
        name: [entry for entry in book.layers.values() if rail_group(entry) == name]
        for name in GROUPS
    }
    sections = [
        _group(name, _distinct(entries), choices, book, catalog, is_open=name == current)
        for name, entries in grouped.items()
        if entries
    ]
    return [
        html.Div(sections, role="radiogroup", **attrs(aria_label=catalog.t("map.rail.label"))),
        _sites(book, choices, catalog),
    ]


def rail_group(entry: dict[str, Any]) -> str:
    """Where a layer stands in the rail: what is counted by week beside what is warned of it."""
    if entry["measure"]:
        return "warning"
    return "population" if entry["group"] == "need" else str(entry["group"])


def _distinct(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries without the second of two that say the same (`access` is one of its three radii)."""
    seen: dict[str, dict[str, Any]] = {}
    for entry in sorted(entries, key=lambda entry: len(entry["code"])):
        seen.setdefault(entry["name"]["zh"], entry)
    kept = {entry["code"] for entry in seen.values()}
    return [entry for entry in entries if entry["code"] in kept]


def _group(
    name: str,
    entries: list[dict[str, Any]],
    choices: Choices,
    book: LayerBook,
    catalog: Catalog,
    *,
    is_open: bool,
) -> Component:
    quantities = _QUANTITIES.get(name, ())
    first = _first(entries, quantities)
    head = set_button(
        catalog.t(f"map.rail.group_{name}"),
        _patch(book, choices, first["code"]),
        class_name="rail-group-head",
        role="radio",
        on=is_open,
    )
    body = _body(entries, quantities, choices, book, catalog) if is_open else None
    return html.Div([head, body], className="rail-group", **attrs(data_group=name))


def _first(entries: list[dict[str, Any]], quantities: tuple[str, ...]) -> dict[str, Any]:
    for code in ("access", "need", "tier", "covered.counselling_room"):
        for entry in entries:
            if entry["code"] == code:
                return entry
    if quantities:
        return next((e for e in entries if _quantity(e) == quantities[0]), entries[0])
    return entries[0]


def _quantity(entry: dict[str, Any]) -> str:
    return str(entry["code"]).partition(".")[0]


def _subject(entry: dict[str, Any]) -> str:
    return str(entry["code"]).partition(".")[2]


def _patch(book: LayerBook, choices: Choices, code: str) -> dict[str, Any]:
    return {"layer": code, "level": book.level_for(code, choices.level)}


def _body(
    entries: list[dict[str, Any]],
    quantities: tuple[str, ...],
    choices: Choices,
    book: LayerBook,
    catalog: Catalog,
) -> Component:
    now = book.layers[choices.layer]
    shown = entries
    tabs = None
    if quantities:
        shown = [entry for entry in entries if _quantity(entry) == _quantity(now)]
        tabs = _tabs(entries, quantities, choices, book, catalog)
    return html.Div(
        [tabs, *(_item(entry, choices, book, catalog) for entry in shown)], className="rail-body"
    )


def _tabs(
    entries: list[dict[str, Any]],
    quantities: tuple[str, ...],
    choices: Choices,
    book: LayerBook,
    catalog: Catalog,
) -> Component:
    now = book.layers[choices.layer]
    buttons = []
    for quantity in quantities:
        of_it = [entry for entry in entries if _quantity(entry) == quantity]
        if not of_it:
            continue
        same = [entry for entry in of_it if _subject(entry) == _subject(now)]
        buttons.append(
            set_button(
                catalog.t(f"map.rail.quantity_{quantity}"),
                _patch(book, choices, (same or of_it)[0]["code"]),
                class_name="segment",
                role="radio",
                on=_quantity(now) == quantity,
            )
        )
    return html.Div(buttons, className="segments", role="radiogroup")


def _item(entry: dict[str, Any], choices: Choices, book: LayerBook, catalog: Catalog) -> Component:
    return set_button(
        _item_name(entry, book, catalog),
        _patch(book, choices, entry["code"]),
        class_name="rail-item",
        role="radio",
        on=entry["code"] == choices.layer,
    )


def _item_name(entry: dict[str, Any], book: LayerBook, catalog: Catalog) -> str:
    meta = book.snapshot.meta
    if entry.get("kind"):
        names = {kind["code"]: kind["name"] for kind in meta["kinds"]}
        return catalog.pick(names.get(entry["kind"], entry["name"]))
    if entry.get("measure"):
        names = {measure["code"]: measure["name"] for measure in meta["measures"]}
        return catalog.pick(names.get(entry["measure"], entry["name"]))
    if entry["code"] == "tier":
        return catalog.t("map.rail.all_measures")
    return catalog.pick(entry["name"])


def _sites(book: LayerBook, choices: Choices, catalog: Catalog) -> Component:
    kinds = [kind for kind in book.snapshot.meta["kinds"] if kind.get("on_map", True)]
    toggles = [
        html.Button(
            [site_glyph(kind["code"]), html.Span(catalog.pick(kind["name"]))],
            className="site-toggle",
            **{
                "data-site": kind["code"],
                "aria-pressed": str(kind["code"] in choices.sites).lower(),
            },
        )
        for kind in kinds
    ]
    return html.Div(
        [
            html.H2(catalog.t("map.rail.sites"), className="rail-title"),
            *toggles,
            html.P(catalog.t("map.rail.sites_hint"), className="hint"),
        ],
        className="rail-sites",
    )
