"""Widgets of the data page: sources, findings, snapshots, definitions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import dash_ag_grid as dag
import pandas as pd
from dash import dcc, html
from dash.development.base_component import Component

from dashboard import ids, lateness
from dashboard.basis import travel_key, travel_numbers
from dashboard.components import states
from dashboard.components.attributes import attrs
from dashboard.components.controls import data_day
from dashboard.places import rows_of
from dashboard.text import Catalog, words
from etl.store.reader import Snapshot

ALL = "all"
SEVERITIES = ("error", "warning", "info")
# Newest figures older than so many weeks' worth of days turn amber before they turn red.
_AMBER_DAYS = 14
# A weekly file this old, and yet not called stale, is a file of former years.
_ARCHIVE_DAYS = 90
_ROWS_WITHOUT_PAGES = 50
_COLUMNS = ("severity", "file", "place", "column", "came", "wanted", "action", "number")
GRID_THEME = (
    "themeQuartz.withParams({"
    "accentColor: 'var(--accent)', backgroundColor: 'var(--panel)', foregroundColor: 'var(--ink)',"
    "headerBackgroundColor: 'var(--ground)', headerTextColor: 'var(--ink-2)',"
    "borderColor: 'var(--line)', rowHoverColor: 'var(--ground)',"
    "selectedRowBackgroundColor: 'var(--ground)', oddRowBackgroundColor: 'var(--panel)',"
    "browserColorScheme: 'inherit', fontFamily: 'inherit', fontSize: 14, headerFontSize: 12,"
    "headerFontWeight: 500, wrapperBorderRadius: 6, spacing: 6, wrapperBorder: false,"
    "columnBorder: false"
    "})"
)


def source_table(
    sources: pd.DataFrame, now_utc: datetime, catalog: Catalog, snapshot: Snapshot
) -> Component:
    """One row a source, with its age."""
    t = catalog.t
    title = html.Div(
        [html.H2(t("data.sources.title")), html.P(t("data.sources.hint"), className="hint")],
        className="section-head",
    )
    if sources.empty:
        return html.Section(
            [title, states.empty(t("data.sources.none"), t("data.sources.none_next"))]
        )
    names = ("source", "department", "file", "received", "rows", "accepted", "quarantined",
             "set_aside", "newest", "age")  # fmt: skip
    numeric = {"rows", "accepted", "quarantined", "set_aside"}
    head = [
        html.Th(t(f"data.sources.{name}"), scope="col",
                className="number" if name in numeric else None)
        for name in names
    ]  # fmt: skip
    rows = [_source_row(row, now_utc, catalog, snapshot) for _, row in sources.iterrows()]
    table = html.Table([html.Thead(html.Tr(head)), html.Tbody(rows)], className="table")
    return html.Section([title, html.Div(table, className="table-scroll", tabIndex="0")])


def _source_row(
    row: pd.Series, now_utc: datetime, catalog: Catalog, snapshot: Snapshot
) -> Component:
    zone = snapshot.meta["locality"]["timezone"]
    received = datetime.fromisoformat(str(row["received_at_utc"]))
    name = row["title_zh"] if catalog.lang.startswith("zh") else row["title_en"]
    newest = row["newest_week"]
    said = words.week_label(catalog, newest) if isinstance(newest, str) else "–"
    counts = [
        html.Td(words.number(float(row[key])), className=f"number {key}",
                **attrs(data_some=str(float(row[key]) > 0).lower()))
        for key in ("rows_read", "accepted", "quarantined", "set_aside")
    ]  # fmt: skip
    return html.Tr(
        [
            html.Th(name or row["source_id"], scope="row"),
            html.Td(row["department"]),
            html.Td(html.Code(row["path"])),
            html.Td(words.moment(catalog, received, zone)),
            *counts,
            html.Td(said),
            html.Td(_age(row, lateness.local_day(now_utc, snapshot), catalog)),
        ],
        className="is-failed" if row.get("failed") else None,
    )


def _age(row: pd.Series, today: date, catalog: Catalog) -> Component:
    judged = lateness.judge_row(row.to_dict(), today)
    if judged.state == "failed":
        return html.Span(catalog.t("data.sources.failed"), className="age age-red")
    newest = row["newest_date"]
    days: int | None = None
    if isinstance(newest, str):
        days = max((today - date.fromisoformat(newest[:10])).days - 6, 0)
    if judged.state == "stale":
        key, look = "stale", "red"
        days = judged.days if days is None else days
    elif judged.state == "late":
        key, look = "late", "amber"
    elif days is None:
        key, look = "timeless", "none"
    elif days > _ARCHIVE_DAYS:
        key, look = "archive", "none"
    elif days > _AMBER_DAYS:
        key, look = "old", "amber"
    else:
        key, look = "fresh", "ok"
    said = [html.Span(catalog.t(f"data.sources.{key}"))]
    if days is not None:
        said.insert(0, html.Span(catalog.t("data.sources.days", days=days)))
    return html.Span(said, className=f"age age-{look}")


def finding_rows(findings: pd.DataFrame, catalog: Catalog) -> list[dict[str, Any]]:
    """Findings as rows of the grid, in the catalog's language."""
    return finding_frame(findings, catalog, visible=False).to_dict("records")  # type: ignore[return-value]


def finding_frame(
    findings: pd.DataFrame, catalog: Catalog, *, visible: bool = True
) -> pd.DataFrame:
    """Findings in the catalog's language; `visible` names the columns as the screen does."""
    short = catalog.lang.partition("-")[0]
    findings = findings.sort_values("severity", key=_by_severity, kind="stable", ignore_index=True)
    frame = pd.DataFrame(
        {
            "severity": [catalog.t(f"data.findings.severity_{s}") for s in findings["severity"]],
            "file": findings["file"],
            "place": [_where(row, catalog) for _, row in findings.iterrows()],
            "column": findings["column"].fillna(""),
            "came": findings["came"].fillna(""),
            "wanted": findings[f"wanted_{short}"],
            "action": findings[f"action_{short}"],
            "number": findings["count"],
        }
    )
    if visible:
        return frame.rename(columns={name: catalog.t(f"data.findings.{name}") for name in _COLUMNS})
    return frame.assign(level=findings["severity"])


def _by_severity(severities: pd.Series) -> pd.Series:
    order = {severity: position for position, severity in enumerate(SEVERITIES)}
    return severities.map(order).fillna(len(order))


def _where(row: pd.Series, catalog: Catalog) -> str:
    if pd.isna(row["row"]):
        return str(row["sheet"] or "") if not pd.isna(row["sheet"]) else ""
    number = int(row["row"])
    if pd.isna(row["sheet"]) or not row["sheet"]:
        return catalog.t("data.findings.at_row", row=number)
    return catalog.t("data.findings.at_sheet_row", row=number, sheet=row["sheet"])


def finding_grid(findings: pd.DataFrame, catalog: Catalog) -> Component:
    """Everything that was doubted, filtered by severity, exportable."""
    t = catalog.t
    head = html.Div(
        [html.H2(t("data.findings.title")), html.P(t("data.findings.hint"), className="hint")],
        className="section-head",
    )
    if findings.empty:
        return html.Section(
            [head, states.empty(t("data.findings.none"), t("data.findings.none_next"))]
        )
    counts = findings["severity"].value_counts()
    options = [{"value": ALL, "label": t("data.findings.all", count=len(findings))}]
    options += [
        {"value": name, "label": t(f"data.findings.{name}", count=int(counts[name]))}
        for name in SEVERITIES
        if name in counts
    ]
    tools = html.Div(
        [
            html.Div(
                dcc.RadioItems(id=ids.DATA_SEVERITY_CHOICE, options=options, value=ALL,
                               className="choice", inline=True),
                role="group", **attrs(aria_label=t("data.findings.choose")),
            ),
            html.Button(t("data.findings.export"), id=ids.DATA_DOWNLOAD_BUTTON,
                        className="button"),
        ],
        className="tools",
    )  # fmt: skip
    return html.Section([head, tools, _grid(findings, catalog)])


def _grid(findings: pd.DataFrame, catalog: Catalog) -> Component:
    widths = {"severity": 110, "file": 190, "place": 120, "column": 140, "came": 160,
              "wanted": 240, "action": 280, "number": 80}  # fmt: skip
    columns: list[dict[str, Any]] = [
        {"field": name, "headerName": catalog.t(f"data.findings.{name}"), "width": widths[name],
         "flex": 1 if name in ("wanted", "action") else None, "wrapText": True, "autoHeight": True,
         "minWidth": 80}
        for name in _COLUMNS
    ]  # fmt: skip
    columns[0]["cellClassRules"] = {
        f"severity-{name}": f"params.data.level === '{name}'" for name in SEVERITIES
    }
    many = len(findings) > _ROWS_WITHOUT_PAGES
    grid: Component = dag.AgGrid(
        id=ids.DATA_FINDINGS_GRID,
        columnDefs=columns,
        rowData=finding_rows(findings, catalog),
        defaultColDef={"sortable": True, "resizable": True, "filter": False},
        dashGridOptions={
            "theme": {"function": GRID_THEME},
            "domLayout": "normal" if many else "autoHeight",
            "animateRows": False,
            "suppressCellFocus": False,
            "enableCellTextSelection": True,
            "localeText": {"noRowsToShow": catalog.t("data.findings.filtered")},
        },
        style={"height": "28rem" if many else None},
        className="grid",
    )
    return grid


def _python_time(value: Any) -> datetime:
    return pd.Timestamp(value).to_pydatetime()


def snapshot_list(snapshots: pd.DataFrame, current: Snapshot, catalog: Catalog) -> Component:
    """All weeks published, newest first."""
    t, zone = catalog.t, current.meta["locality"]["timezone"]
    head = [html.Th(t(f"data.snapshots.{name}"), scope="col") for name in ("week", "published",
                                                                           "id")]  # fmt: skip
    rows = [
        html.Tr(
            [
                html.Th([words.week_label(catalog, row.week),
                         html.Span(t("data.snapshots.current"), className="badge")
                         if row.snapshot_id == current.snapshot_id else None], scope="row"),
                html.Td(words.moment(catalog, _python_time(row.published_at_utc), zone)),
                html.Td(html.Code(row.snapshot_id)),
            ]
        )
        for row in rows_of(snapshots)
    ]  # fmt: skip
    return html.Section(
        [
            html.Div(html.H2(t("data.snapshots.title")), className="section-head"),
            html.Div(
                html.Table([html.Thead(html.Tr(head)), html.Tbody(rows)], className="table"),
                className="table-scroll",
                tabIndex="0",
            ),
        ]
    )


def about(snapshot: Snapshot, catalog: Catalog) -> Component:
    """Versions, dates and methods of this publication."""
    t, meta = catalog.t, snapshot.meta
    locality = meta["locality"]
    travelled = travel_key(meta, "data.about.travel_value", "data.about.travel_road_value")
    rows = [
        ("week", words.week_label(catalog, snapshot.week)),
        ("date", data_day(snapshot, catalog)),
        ("version", snapshot.code_version),
        ("travel", t(travelled, **travel_numbers(meta))),
        ("disclosure", t("data.about.disclosure_value", less=meta["k"] - 1,
                         denominator=words.setting(float(meta["min_denominator"])))),
        ("boundary", locality.get("boundary_source")),
        ("approval", locality.get("map_approval")),
        ("notice", catalog.pick(locality.get("notice"))),
    ]  # fmt: skip
    items: list[Any] = []
    for key, said in rows:
        if said:
            items += [html.Dt(t(f"data.about.{key}")), html.Dd(said)]
    head = html.Div(html.H2(t("data.about.title")), className="section-head")
    return html.Section([head, html.Dl(items, className="facts")])


def definitions(snapshot: Snapshot, catalog: Catalog) -> Component:
    """Every layer's definition, in the order of publication, each once."""
    seen: dict[str, str] = {}
    for layer in snapshot.meta["layers"]:
        seen.setdefault(catalog.pick(layer["definition"]), catalog.pick(layer["name"]))
    items: list[Any] = []
    for text, name in seen.items():
        items += [html.Dt(name), html.Dd(text)]
    fold = html.Summary(html.H2(catalog.t("data.about.definitions")))
    return html.Section(html.Details([fold, html.Dl(items, className="facts definitions")]))
