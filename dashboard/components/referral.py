"""The referral chain of a place as one line: the minutes to each step, and where it breaks."""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.components.attributes import attrs
from dashboard.places import Profile
from dashboard.text import Catalog, words
from etl.store.reader import Snapshot


def chain(profile: Profile, snapshot: Snapshot, catalog: Catalog) -> Component | None:
    """Steps from the room to the psychiatric hospital; None where nothing is known of them."""
    steps = snapshot.meta.get("referral", [])
    worse = profile.value("referral.broken")
    minutes = [profile.value(f"referral.{step['code']}") for step in steps]
    if worse is None and all(one is None for one in minutes):
        return None
    broken = len(steps) if worse is None else len(steps) - int(worse)
    items = [
        html.Li(
            html.Span(_said(step, one, catalog, is_broken=position == broken)),
            className="chain-broken" if position == broken else "",
        )
        for position, (step, one) in enumerate(zip(steps, minutes, strict=True))
    ]
    label = catalog.t("map.place.chain")
    return html.Div(
        [html.Span(label, className="chain-title"), html.Ol(items, **attrs(aria_label=label))],
        className="chain",
    )


def _said(step: dict[str, Any], minutes: float | None, catalog: Catalog, *, is_broken: bool) -> str:
    name = catalog.pick(step["name"])
    if step["sites"] is None:
        return catalog.t("map.place.chain_unknown", name=name)
    if step["sites"] == 0:
        return catalog.t("map.place.chain_no_site", name=name)
    if minutes is None:
        key = "map.place.chain_unreached" if is_broken else "map.place.chain_unsaid"
        return catalog.t(key, name=name)
    key = "map.place.chain_far" if is_broken else "map.place.chain_step"
    limit = words.setting(step["threshold_min"])
    return catalog.t(key, name=name, minutes=words.minutes(minutes), limit=limit)
