"""The table of candidates: where they are, what they lack and would add, how they are set."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import dash_ag_grid as dag
import pandas as pd
from dash import dcc, html
from dash.development.base_component import Component

from dashboard import ids
from dashboard import siting_words as said_of
from dashboard.components.attributes import attrs
from dashboard.components.intake import GRID_THEME
from dashboard.text import Catalog

_COLUMNS = ("mark", "name", "gain", "within", "town", "source", "area", "lacks")
# What is looked at first fits the panel and stays while the rest is drawn from under it.
_WIDTHS = {"mark": 58, "name": 146, "town": 150, "gain": 88, "within": 96, "source": 110,
           "area": 84, "lacks": 240}  # fmt: skip
_PINNED = ("mark", "name")
_NUMBERS = ("gain", "within", "area")
# As `words.number` says it: thin spaces between thousands.
_WHOLE = "params.value == null ? '–' : d3.format(',.0f')(params.value).split(',').join('\u2009')"


def candidates(catalog: Catalog) -> list[Component]:
    """Buttons that set what is selected, and the table."""
    t = catalog.t
    buttons = [
        html.Button(t(f"siting.candidates.{name}"), id=button, className="button", type="button")
        for name, button in (("lock", ids.SITING_LOCK), ("forbid", ids.SITING_FORBID),
                             ("free", ids.SITING_FREE), ("here", ids.SITING_HERE))
    ]  # fmt: skip
    return [
        html.P(t("siting.candidates.hint"), className="hint"),
        html.Div(buttons, className="siting-tools", role="group",
                 **attrs(aria_label=t("siting.candidates.set"))),
        html.Label(
            [html.Span(t("siting.candidates.search"), className="hint"),
             dcc.Input(id=ids.SITING_SEARCH, type="search", debounce=0.4)],
            className="siting-search",
        ),
        html.Div(id=ids.SITING_POOL_SAID, role="status"),
        _grid(catalog),
    ]  # fmt: skip


def _grid(catalog: Catalog) -> Component:
    t = catalog.t
    columns: list[dict[str, Any]] = [
        {"field": name, "headerName": t(f"siting.candidates.{name}"), "width": _WIDTHS[name],
         "pinned": "left" if name in _PINNED else None,
         "type": "rightAligned" if name in _NUMBERS else None,
         "valueFormatter": {"function": _WHOLE} if name in _NUMBERS else None}
        for name in _COLUMNS
    ]  # fmt: skip
    grid: Component = dag.AgGrid(
        id=ids.SITING_GRID,
        columnDefs=columns,
        rowData=[],
        getRowId="params.data.id",
        defaultColDef={"sortable": True, "resizable": True, "filter": False},
        dashGridOptions={
            "theme": {"function": GRID_THEME},
            "rowSelection": {"mode": "multiRow", "enableClickSelection": True},
            "selectionColumnDef": {"width": 36, "pinned": "left"},
            "animateRows": False,
            "rowHeight": 34,
            "localeText": {"noRowsToShow": t("siting.candidates.none")},
        },
        style={"height": "min(28rem, 60vh)"},
        className="grid siting-grid",
    )
    return grid


def rows(table: pd.DataFrame, catalog: Catalog) -> list[dict[str, Any]]:
    """Rows of the table; figures only an answer has stay empty before there is one."""
    return [_row(row, catalog) for row in table.to_dict("records")]


def _row(row: Mapping[Hashable, Any], catalog: Catalog) -> dict[str, Any]:
    lacks = said_of.lacks_of(row.get("lacks"), catalog)
    place = [row.get("town_name"), row.get("village_name")]
    return {
        "id": str(row["candidate_id"]),
        "mark": "",
        "name": str(row["name"]),
        "town": " ".join(part for part in place if isinstance(part, str)),
        "gain": _count(row.get("gain_now")),
        "within": _count(row.get("persons_within")),
        "source": catalog.t(f"siting.source.{row['source']}"),
        "area": _count(row.get("area_m2")),
        "lacks": catalog.t("siting.finding.list").join(lacks),
    }


def _count(value: object) -> float | None:
    number = float(value) if isinstance(value, int | float) else math.nan
    return round(number) if math.isfinite(number) else None
