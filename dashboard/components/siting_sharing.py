"""What is done with a scenario as a whole: share its address, take it home, find the others."""

from __future__ import annotations

from urllib.parse import urlencode

from dash import html
from dash.development.base_component import Component

from dashboard.components.attributes import attrs
from dashboard.text import Catalog

FORMATS = ("docx", "pdf", "xlsx", "gpkg")


def address(scenario_id: str, catalog: Catalog) -> str:
    """Where a scenario is seen."""
    return f"/siting?{urlencode({'scenario': scenario_id, 'lang': catalog.lang})}"


def sharing(scenario_id: str, catalog: Catalog) -> Component:
    """Copy the address, or take the paper home."""
    t = catalog.t
    files = [
        html.A(t(f"siting.share.{ending}"), className="button", download="",
               href=f"/siting/{scenario_id}/proposal.{ending}?lang={catalog.lang}")
        for ending in FORMATS
    ]  # fmt: skip
    copy = html.Button(t("siting.share.copy"), className="button", type="button",
                       **attrs(data_siting_copy=address(scenario_id, catalog),
                               data_said=t("siting.share.copied")))  # fmt: skip
    others = html.A(t("siting.share.others"), className="button",
                    href=f"/siting/scenarios?lang={catalog.lang}")  # fmt: skip
    return html.Div([copy, *files, others], className="siting-sharing", role="group",
                    **attrs(aria_label=t("siting.share.label")))  # fmt: skip
