"""The page on the data: what came, how old it is, what was refused and why."""

from __future__ import annotations

import base64
from typing import Any

import flask
import pandas as pd
from dash import Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.address import Address
from dashboard.components import deliveries, header, intake
from dashboard.components.attributes import attrs
from dashboard.components.controls import data_day
from dashboard.pages import PageContext, Services
from dashboard.text import Catalog, load, words
from etl.spreadsheet import csv_bytes
from etl.store.reader import Reader, Snapshot
from geo.errors import NotPublishedError

PATH = "/data"


def layout(context: PageContext) -> Component:
    """The page for the current snapshot."""
    reader, catalog = context.reader, context.text
    snapshot = reader.current()
    sources = reader.table(snapshot.snapshot_id, "sources")
    findings = reader.table(snapshot.snapshot_id, "findings")
    title, sub = _heading(context, sources)
    zone = snapshot.meta["locality"]["timezone"]
    return html.Div(
        [
            header.page_header(context, active=PATH),
            html.Main(
                [
                    html.Div([html.H1(title), html.P(sub)], className="heading"),
                    intake.source_table(sources, context.now_utc, catalog, snapshot),
                    deliveries.delivery_list(
                        _if_published(reader, snapshot, "deliveries"), catalog, zone
                    ),
                    intake.finding_grid(findings, catalog),
                    deliveries.area_changes(
                        _if_published(reader, snapshot, "area_changes"), catalog
                    ),
                    html.Div(
                        [
                            intake.about(snapshot, catalog),
                            intake.snapshot_list(reader.snapshots(), snapshot, catalog),
                        ],
                        className="data-columns",
                    ),
                    intake.definitions(snapshot, catalog),
                    dcc.Download(id=ids.DATA_DOWNLOAD),
                ],
                id="content",
                className="data-main",
            ),
        ],
        className="page page-data",
        **attrs(data_page="data"),
    )


def _if_published(reader: Reader, snapshot: Snapshot, name: str) -> pd.DataFrame | None:
    """A table that snapshots of earlier versions do not have."""
    try:
        return reader.table(snapshot.snapshot_id, name)
    except NotPublishedError:
        return None


def _heading(context: PageContext, sources: pd.DataFrame) -> tuple[str, str]:
    catalog, snapshot = context.text, context.reader.current()
    accepted = float(sources["accepted"].sum())
    refused = float(sources["quarantined"].sum() + sources["set_aside"].sum())
    title = catalog.t(
        "data.lead" if refused else "data.lead_all",
        accepted=words.number(accepted),
        refused=words.number(refused),
    )
    zone = snapshot.meta["locality"]["timezone"]
    sub = catalog.t(
        "data.sub",
        week=words.week_label(catalog, snapshot.week),
        published=words.moment(catalog, snapshot.published_at_utc, zone),
        day=data_day(snapshot, catalog),
    )
    return title, sub


def register(app: Dash, services: Services) -> None:
    """Callbacks: filter the findings, hand them out as a file."""
    reader = services.reader

    @app.callback(
        Output(ids.DATA_FINDINGS_GRID, "rowData"),
        Input(ids.DATA_SEVERITY_CHOICE, "value"),
        State(ids.SHELL_REQUEST, "data"),
        prevent_initial_call=True,
    )
    def filter_findings(severity: str, request: dict[str, str]) -> list[dict[str, Any]]:
        catalog = _catalog(request)
        findings = reader.table(reader.current().snapshot_id, "findings")
        if severity != intake.ALL:
            findings = findings[findings["severity"] == severity]
        return intake.finding_rows(findings, catalog)

    @app.callback(
        Output(ids.DATA_DOWNLOAD, "data"),
        Input(ids.DATA_DOWNLOAD_BUTTON, "n_clicks"),
        State(ids.DATA_SEVERITY_CHOICE, "value"),
        State(ids.SHELL_REQUEST, "data"),
        prevent_initial_call=True,
    )
    def download(_clicks: int, severity: str, request: dict[str, str]) -> dict[str, Any]:
        catalog, snapshot = _catalog(request), reader.current()
        findings = reader.table(snapshot.snapshot_id, "findings")
        if severity != intake.ALL:
            findings = findings[findings["severity"] == severity]
        name = catalog.t("data.findings.export_file", week=snapshot.week)
        content = csv_bytes(intake.finding_frame(findings, catalog))
        encoded = base64.b64encode(content).decode("ascii")
        return {"content": encoded, "filename": name, "type": "text/csv", "base64": True}


def _catalog(request: dict[str, str]) -> Catalog:
    """Catalog of the page that a callback came from."""
    address = Address.read(request["path"], request["query"], remembered=flask.request.cookies)
    return load(address.lang)
