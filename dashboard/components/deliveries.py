"""Widgets of the data page on what was handed in lately, and on areas that changed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pandas as pd
from dash import html
from dash.development.base_component import Component

from dashboard.text import Catalog, words

SHOWN = 12
_ENDS = ("accepted", "superseded", "quarantined", "set_aside")
_CHANGES = ("added", "changed", "removed")


def delivery_list(deliveries: pd.DataFrame | None, catalog: Catalog, zone: str) -> Component | None:
    """The last files handed in: where their rows ended, how many figures they changed."""
    if deliveries is None or deliveries.empty:
        return None
    t = catalog.t
    names = ("source", "state", "received", "file", "rows", "ends", "changes")
    head = [html.Th(t(f"data.deliveries.{name}"), scope="col",
                    className="number" if name == "rows" else None) for name in names]  # fmt: skip
    rows = [_row(row, catalog, zone) for row in deliveries.to_dict("records")]
    parts: list[Any] = [_table(head, rows[:SHOWN])]
    if len(rows) > SHOWN:
        more = html.Summary(t("data.deliveries.more", count=len(rows) - SHOWN))
        parts.append(html.Details([more, _table(head, rows[SHOWN:])], className="more"))
    return html.Section([_head(t("data.deliveries.title"), t("data.deliveries.hint")), *parts])


def _row(row: dict[Any, Any], catalog: Catalog, zone: str) -> Component:
    t = catalog.t
    title = row["title_zh"] if catalog.lang.startswith("zh") else row["title_en"]
    ends = [t(f"data.deliveries.{end}", count=words.number(float(row[end])))
            for end in _ENDS if row[end]]  # fmt: skip
    changes = [t(f"data.deliveries.{change}", count=words.number(float(row[change])))
               for change in _CHANGES if row[change]]  # fmt: skip
    comma = t("data.deliveries.comma")
    return html.Tr(
        [
            html.Th(title if isinstance(title, str) else t("data.deliveries.nobody"), scope="row"),
            html.Td(html.Span(t(f"data.deliveries.state_{row['state']}"),
                              className=f"fate fate-{row['state']}")),
            html.Td(words.moment(catalog, datetime.fromisoformat(row["received_at_utc"]), zone)),
            html.Td(html.Code(row["name"])),
            html.Td(words.number(float(row["rows_read"])), className="number"),
            html.Td(comma.join(ends) or t("data.deliveries.nothing")),
            html.Td(comma.join(changes) or t("data.deliveries.unchanged")),
        ],
        className="is-failed" if row["state"] == "failed" else None,
    )  # fmt: skip


def area_changes(changes: pd.DataFrame | None, catalog: Catalog) -> Component | None:
    """Areas that merged or split, newest first; nothing where none did."""
    if changes is None or changes.empty:
        return None
    t = catalog.t
    names = ("since", "level", "old", "new", "weight")
    look = {"weight": "number"}
    head = [
        html.Th(t(f"data.changes.{name}"), scope="col", className=look.get(name)) for name in names
    ]
    rows = [
        html.Tr(
            [
                html.Td(words.day(catalog, date.fromisoformat(row["since"]))),
                html.Td(t(f"map.level.{row['level']}")),
                html.Td(html.Code(row["old_code"])),
                html.Td([row["new_name"], " ", html.Code(row["new_code"])]),
                html.Td(f"{row['weight']:.0%}", className="number"),
            ]
        )
        for row in changes.to_dict("records")
    ]
    hint = t("data.changes.hint")
    return html.Section([_head(t("data.changes.title"), hint), _table(head, rows)])


def _head(title: str, hint: str) -> Component:
    return html.Div([html.H2(title), html.P(hint, className="hint")], className="section-head")


def _table(head: list[Any], rows: list[Any]) -> Component:
    table = html.Table([html.Thead(html.Tr(head)), html.Tbody(rows)], className="table")
    return html.Div(table, className="table-scroll", tabIndex="0")
