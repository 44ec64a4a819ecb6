"""How a question is getting on: step, best so far, place in the queue, and what ended badly."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard import ids
from dashboard import siting_words as said_of
from dashboard.components import states
from dashboard.components.attributes import attrs
from dashboard.planner import Offer, Scenario
from dashboard.text import Catalog


def progress(scenario: Scenario, catalog: Catalog) -> Component | None:
    """A bar with words while it runs; nothing once there is an answer."""
    if not scenario.live:
        return None
    t = catalog.t
    percent = round(100 * scenario.progress)
    best = said_of.so_far(scenario, catalog)
    return html.Div(
        [
            html.Div(
                [html.Strong(said_of.standing(scenario, catalog)), html.Span(f"{percent}%")],
                className="siting-job-head",
            ),
            html.Div(
                html.Div(style={"width": f"{percent}%"}),
                className="siting-bar",
                role="progressbar",
                **attrs(aria_valuenow=percent, aria_valuemin=0, aria_valuemax=100,
                        aria_label=t("siting.job.label")),
            ),
            html.P(best, className="hint") if best else None,
            html.Button(t("siting.job.cancel"), id=ids.SITING_CANCEL, className="button",
                        type="button", disabled=scenario.cancelling),
        ],
        className="siting-job",
        **attrs(data_job=scenario.state),
    )  # fmt: skip


def no_worker(offer: Offer, catalog: Catalog) -> Component | None:
    """A note that nobody computes, so that a question would wait."""
    if offer.working:
        return None
    t = catalog.t
    return html.P(
        [html.Strong(t("siting.state.idle")), html.Span(t("siting.state.idle_next"))],
        className="late-line siting-note",
        role="note",
    )  # fmt: skip


def ended(scenario: Scenario, catalog: Catalog) -> Component:
    """Why there is no answer, and what would help."""
    t = catalog.t
    message = scenario.message("en" if catalog.lang == "en" else "zh")
    return html.Div(
        [
            html.H2(t(f"siting.end.{scenario.state}")),
            *[html.P(line) for line in message.split("\n") if line],
            html.P(t(f"siting.end.{scenario.state}_next"), className="hint"),
        ],
        className="siting-ended",
        role="status",
        **attrs(data_state=scenario.state),
    )


def older(scenario: Scenario, newest: str, catalog: Catalog) -> Component | None:
    """That newer figures are out, and the offer to ask again on them."""
    if scenario.snapshot_id == newest or scenario.live:
        return None
    t = catalog.t
    return html.Div(
        [
            html.Span(t("siting.replay.older")),
            html.Button(t("siting.replay.button"), className="button", type="button",
                        id=ids.SITING_REPLAY),
        ],
        className="siting-older",
        role="note",
    )  # fmt: skip


def unknown(catalog: Catalog) -> Component:
    """No scenario of that id."""
    return states.empty(catalog.t("siting.state.unknown_scenario"),
                        catalog.t("siting.state.unknown_scenario_next"))  # fmt: skip
