"""What a choice of sites changes: towns, groups, gap classes, targets, and who is left out."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
from dash import html
from dash.development.base_component import Component

from dashboard.components.sections import folded, section
from dashboard.planner import Answer, Offer
from dashboard.text import Catalog, words

_TOWNS_SHOWN = 30
_LEFT_OUT_SHOWN = 12
_GAPS = ("none", "slight", "clear", "severe")
Row = Mapping[Hashable, Any]


# ---------------------------------------------------------------- who gains


def towns(table: pd.DataFrame, catalog: Catalog) -> Component | None:
    """Towns, those with most newly covered first."""
    if table.empty:
        return None
    ordered = table.sort_values(["newly", "name"], ascending=[False, True]).head(_TOWNS_SHOWN)
    rows = [_change_row(str(row["name"]), row, catalog) for row in ordered.to_dict("records")]
    note = _estimated(table, catalog)
    return section(catalog.t("siting.towns.title"), _change_table("town", rows, catalog), note)


def groups(answer: Answer, offer: Offer | None, catalog: Catalog) -> Component | None:
    """Groups of residents, within the threshold of each part."""
    table = answer.tables["groups"]
    if table.empty:
        return None
    names = {group.code: catalog.pick({"zh": group.name_zh, "en": group.name_en})
             for group in (offer.groups if offer else ())}  # fmt: skip
    rows = [
        _change_row(names.get(str(row["group"]), str(row["group"])), row, catalog)
        for row in table.sort_values(["part", "persons"], ascending=[True, False]).to_dict(
            "records"
        )
    ]
    note = _estimated(table, catalog)
    return section(catalog.t("siting.groups.title"), _change_table("group", rows, catalog), note)


def _change_table(first: str, rows: list[Component], catalog: Catalog) -> Component:
    t = catalog.t
    head = [html.Th(t(f"siting.change.{name}"), scope="col")
            for name in (first, "newly", "before", "after")]  # fmt: skip
    return html.Table([html.Thead(html.Tr(head)), html.Tbody(rows)], className="rows siting-rows")


def _change_row(name: str, row: Row, catalog: Catalog) -> Component:
    newly, lost = float(row["newly"]), float(row.get("lost", 0) or 0)
    said = words.people(catalog, newly) if newly or not lost else ""
    if lost > 0:
        said = " ".join(filter(None, (said, f"−{words.people(catalog, lost)}")))
    return html.Tr(
        [
            html.Th(name, scope="row"),
            html.Td(said, className="value" if newly or lost else "quiet"),
            html.Td(words.percent(float(row["share_before"])), className="quiet"),
            html.Td(words.percent(float(row["share_after"]))),
        ]
    )


def _estimated(table: pd.DataFrame, catalog: Catalog) -> Component | None:
    if not table["estimated"].any():
        return None
    return html.P(catalog.t("siting.change.estimated"), className="hint")


def gaps(table: pd.DataFrame, catalog: Catalog) -> Component | None:
    """How areas move between the classes of the service gap."""
    if table.empty:
        return None
    t = catalog.t
    moved = table[(table["gap_before"] != table["gap_after"]) & table["gap_before"].notna()
                  & (table["areas"] > 0)]  # fmt: skip
    if moved.empty:
        return section(t("siting.gaps.title"), html.P(t("siting.gaps.none"), className="quiet"))
    ordered = moved.sort_values(["gap_before", "gap_after"], ascending=[False, True])
    head = [html.Th(t(f"siting.gaps.{name}"), scope="col") for name in ("from", "areas", "persons")]
    rows = [
        html.Tr([
            html.Th(t("siting.gaps.step", before=_gap(row["gap_before"], catalog),
                      after=_gap(row["gap_after"], catalog)), scope="row"),
            html.Td(words.number(float(row["areas"])), className="value"),
            html.Td(words.people(catalog, float(row["persons"]))),
        ])
        for row in ordered.to_dict("records")
    ]  # fmt: skip
    return section(t("siting.gaps.title"), html.Table(
        [html.Thead(html.Tr(head)), html.Tbody(rows)], className="rows siting-rows"))  # fmt: skip


def _gap(value: object, catalog: Catalog) -> str:
    number = float(value)  # type: ignore[arg-type]
    if not math.isfinite(number):
        return catalog.t("common.state.no_data")
    return catalog.t(f"common.gap.{_GAPS[int(number)]}")


def targets(table: pd.DataFrame, catalog: Catalog) -> Component | None:
    """Indicators that new sites change, from what to what, and whether they are met."""
    if table.empty:
        return None
    t = catalog.t
    head = [html.Th(t(f"siting.targets.{name}"), scope="col")
            for name in ("indicator", "before", "after", "required")]  # fmt: skip
    rows = [_target(row, catalog) for row in table.to_dict("records")]
    return section(t("siting.targets.title"), html.Table(
        [html.Thead(html.Tr(head)), html.Tbody(rows)], className="rows siting-rows"))  # fmt: skip


def _target(row: Row, catalog: Catalog) -> Component:
    unit = str(row["unit"] or "")

    def shown(value: object) -> str:
        number = float(value)  # type: ignore[arg-type]
        return words.percent(number) if unit == "share" else words.figure(number)

    met = "met" if row["met_after"] else "not_met"
    newly = " " + catalog.t("siting.targets.newly") if row["met_after"] > row["met_before"] else ""
    return html.Tr(
        [
            html.Th(catalog.pick({"zh": str(row["name_zh"]), "en": str(row["name_en"])}),
                    scope="row"),
            html.Td(shown(row["value_before"]), className="quiet"),
            html.Td([shown(row["value_after"]),
                     html.Span(catalog.t(f"siting.targets.{met}") + newly, className="hint")]),
            html.Td(shown(row["required"]), className="quiet"),
        ]
    )  # fmt: skip


# ---------------------------------------------------------------- who is left out


def left_out(table: pd.DataFrame, catalog: Catalog) -> Component:
    """Who stays uncovered and why: causes first, then the places with most residents."""
    t = catalog.t
    if table.empty:
        return section(t("siting.left.title"), html.P(t("siting.left.none"), className="quiet"))
    causes = table.groupby("why", sort=False).agg(areas=("area_code", "size"),
                                                  persons=("persons", "sum"))  # fmt: skip
    causes = causes.sort_values(["persons", "areas"], ascending=False)
    said = [
        html.Li(t(f"siting.left.{why}", areas=words.number(float(row["areas"])),
                  persons=words.persons(catalog, float(row["persons"]))))
        for why, row in causes.iterrows()
    ]  # fmt: skip
    head = [html.Th(t(f"siting.left.{name}"), scope="col")
            for name in ("place", "persons", "nearest")]  # fmt: skip
    rows = [_left_row(row, catalog) for row in table.head(_LEFT_OUT_SHOWN).to_dict("records")]
    note = t("siting.left.withheld") if table["withheld"].any() else ""
    return section(
        t("siting.left.title"),
        html.Ul(said, className="siting-causes"),
        folded(t("siting.left.largest", count=len(rows)), head, rows),
        html.P(note, className="hint") if note else None,
    )


def _left_row(row: Row, catalog: Catalog) -> Component:
    t = catalog.t
    place = " ".join(filter(None, (_text(row["town_name"]), _text(row["village_name"]))))
    hidden, persons = row["withheld"], row["persons"]
    count = t("siting.left.hidden") if hidden else words.number(float(persons))
    nearest = float(row["nearest_min"])
    minutes = (
        t("siting.left.minutes", minutes=words.minutes(nearest))
        if math.isfinite(nearest)
        else t("siting.left.no_way")
    )
    name = _text(row["name"]) or str(row["area_code"])
    return html.Tr([html.Th([place, html.Span(name, className="hint")], scope="row"),
                    html.Td(count), html.Td(minutes)])  # fmt: skip


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
