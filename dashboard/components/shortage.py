"""The shortage score of a place, always with its parts and with what is not known."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard.components.sections import section, table_row
from dashboard.places import Profile
from dashboard.text import Catalog, words
from etl.store.reader import Snapshot
from geo.model import Missing

PARTS = ("provider_ratio", "travel_min", "minors_share", "elderly_share", "strain")


def most_points(snapshot: Snapshot) -> dict[str, float]:
    """The most that each part gives."""
    settings = snapshot.meta.get("need", {})
    return {part: float(settings[part]["points"][-1]) for part in PARTS if part in settings}


def shortage(profile: Profile, snapshot: Snapshot, catalog: Catalog) -> Component | None:
    """Score, parts, and on how much of all points the score rests."""
    known = profile.cells.get("shortage_known")
    most = most_points(snapshot)
    if known is None or known.state == Missing.NOT_APPLICABLE or not most:
        return None
    total = sum(most.values())
    score, overall = profile.value("shortage"), profile.county_value("shortage")
    whole = profile.place is not None and profile.place.level == "county"
    if score is None:
        said = catalog.t("gap.shortage.unknown")
    elif overall is None or whole:
        said = catalog.t("gap.shortage.score", value=words.figure(score), most=words.setting(total))
    else:
        said = catalog.t("gap.shortage.score_compared", value=words.figure(score),
                         most=words.setting(total), overall=words.figure(overall))  # fmt: skip
    rests = None
    if score is not None and known.value < 1:
        rests = html.P(
            catalog.t("gap.shortage.rests_on", share=words.percent(known.value)), className="hint"
        )
    rows = [_row(part, most[part], profile, catalog, whole=whole) for part in most]
    return section(
        catalog.t("gap.shortage.title"),
        html.P(said),
        html.Table(html.Tbody(rows), className="rows"),
        rests,
    )


def _row(part: str, most: float, profile: Profile, catalog: Catalog, *, whole: bool) -> Component:
    name = catalog.t(f"gap.shortage.{part}")
    value = profile.value(f"shortage.{part}")
    if value is None:
        return table_row(
            name, catalog.t("gap.shortage.no_points"), class_name="value value-no_data"
        )
    overall = None if whole else profile.county_value(f"shortage.{part}")
    return table_row(
        name,
        catalog.t("gap.shortage.points", value=words.figure(value), most=words.setting(most)),
        compared=(
            "" if overall is None else catalog.t("map.place.compared", value=words.figure(overall))
        ),
        bar=value / most,
        bar_class="bar bar-gap",
    )
