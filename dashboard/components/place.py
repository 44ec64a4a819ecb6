"""The panel of a chosen place: the finding first, then people, services, gap, week, sites."""

from __future__ import annotations

import math
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard import gap_reason, places
from dashboard.choices import Choices, LayerBook
from dashboard.components import referral, warning
from dashboard.components.actions import set_button
from dashboard.components.header import internal_badge
from dashboard.components.marks import cell_text, definition, site_glyph, value_class
from dashboard.components.sections import section, table_row
from dashboard.components.shortage import shortage
from dashboard.places import Profile
from dashboard.text import Catalog, words
from etl.store.reader import Snapshot
from geo.model import Missing, SiteStatus

_N_SITES = 12
# Two rates this close are called equal.
_SAME_SHARE = 0.02


def place_panel(
    profile: Profile,
    snapshot: Snapshot,
    choices: Choices,
    catalog: Catalog,
    *,
    chart: Component | None,
    charted: str,
) -> list[Component | None]:
    """Everything said of one place; `charted` is the measure of `chart`."""
    place = profile.place
    if place is None:
        return []
    return [
        html.H2(place.name, className="panel-title"),
        _residents(profile, catalog),
        html.Div(_moves(profile, snapshot, choices, catalog), className="panel-moves"),
        html.Ul(
            [html.Li(text) for text in findings(profile, snapshot, catalog)], className="findings"
        ),
        _warned(profile, snapshot, catalog),
        _services(profile, snapshot, catalog),
        shortage(profile, snapshot, catalog),
        _people(profile, snapshot, catalog),
        _week(profile, snapshot, choices, catalog, chart=chart, charted=charted),
        _sites(profile, catalog),
        _definitions(snapshot, catalog),
    ]


def _residents(profile: Profile, catalog: Catalog) -> Component:
    level = catalog.t(f"map.one.{profile.place.level}") if profile.place else ""
    persons = profile.value("population")
    said = "" if persons is None else catalog.t(
        "map.place.residents", persons=words.persons(catalog, persons)
    )  # fmt: skip
    return html.P(" · ".join(part for part in (level, said) if part), className="panel-sub")


def _moves(
    profile: Profile, snapshot: Snapshot, choices: Choices, catalog: Catalog
) -> list[Component]:
    place = profile.place
    buttons: list[Component] = [
        set_button(
            catalog.t("map.panel.whole"), places.place_patch("", ""), class_name="button", move=True
        )
    ]
    if place is None:
        return buttons
    finer = places.finer_level(snapshot, place.level)
    offered = LayerBook(snapshot).layers[choices.layer]["levels"]
    if finer in offered:
        label = catalog.t("map.panel.finer", level=catalog.t(f"map.level.{finer}"))
        patch = {**places.place_patch(place.level, place.area_code), "level": str(finer)}
        buttons.append(set_button(label, patch, class_name="button", move=True))
    patch = places.place_patch(place.level, place.area_code)
    label = catalog.t("map.panel.centre")
    return [*buttons, set_button(label, patch, class_name="button", move=True)]


def charted_measure(profile: Profile, snapshot: Snapshot, choices: Choices) -> str | None:
    """The measure to chart: the chosen one, the layer's, the warned one, the first counted."""
    counted = [
        str(measure["code"])
        for measure in snapshot.meta["measures"]
        if f"count.{measure['code']}" in profile.cells
    ]
    wanted = [choices.measure, choices.layer.partition(".")[2], *profile.warnings["measure"]]
    return next((code for code in (*wanted, *counted) if code in counted), None)


def findings(profile: Profile, snapshot: Snapshot, catalog: Catalog) -> list[str]:
    """The sentences that matter most: the gap, and who is how far from the main service."""
    found = []
    if "gap" in profile.cells and profile.place is not None:
        level = profile.place.level
        county = {} if level == snapshot.meta["levels"][-1]["level"] else profile.county
        found.append(
            gap_reason.gap_sentence(profile.cells, county, snapshot.meta, catalog, level=level)
        )
    robust = gap_reason.robust_sentence(profile.ranked, catalog)
    if robust is not None:
        found.append(robust)
    kind = places.main_kind(snapshot)
    if kind is not None:
        found.append(_reach(profile, kind, catalog))
    persons, covered = profile.value("population"), _covered(profile, kind)
    if kind is not None and persons and covered is not None and covered < 1:
        found.append(
            catalog.t("map.place.uncovered_persons",
                      kind=words.inside(catalog, catalog.pick(kind["name"])),
                      persons=words.persons(catalog, persons * (1 - covered)),
                      minutes=words.setting(kind["threshold_min"]))
        )  # fmt: skip
    if persons == 0:
        return [catalog.t("map.place.empty_cell")]
    return found


def _covered(profile: Profile, kind: dict[str, Any] | None) -> float | None:
    return profile.value(f"covered.{kind['code']}") if kind else None


def _reach(profile: Profile, kind: dict[str, Any], catalog: Catalog) -> str:
    name = words.inside(catalog, catalog.pick(kind["name"]))
    minutes = profile.value(f"nearest_min.{kind['code']}")
    if minutes is None or math.isnan(minutes):
        return catalog.t("map.place.nearest_none", kind=name)
    return catalog.t("map.place.nearest", kind=name, minutes=words.minutes(minutes))


def _warned(profile: Profile, snapshot: Snapshot, catalog: Catalog) -> Component | None:
    if profile.warnings.empty:
        return None
    notices = [warning.notice(row, snapshot, catalog) for row in places.rows_of(profile.warnings)]
    return html.Section([html.Div(internal_badge(catalog), className="section-head"), *notices])


def _services(profile: Profile, snapshot: Snapshot, catalog: Catalog) -> Component | None:
    rows = []
    for kind in snapshot.meta["kinds"]:
        cell = profile.cells.get(f"nearest_min.{kind['code']}")
        if cell is None or cell.state == Missing.NOT_APPLICABLE:
            continue
        covered = _covered(profile, kind)
        said = cell_text(cell, "", catalog, k=snapshot.meta["k"])
        if cell.state in (Missing.OK, Missing.UNRELIABLE):
            said = catalog.t("map.value.minutes", value=words.minutes(cell.value))
        name = html.Span([site_glyph(kind["code"]), catalog.pick(kind["name"])],
                         className="with-glyph")  # fmt: skip
        compared = "" if covered is None else words.percent(covered)
        rows.append(table_row(name, said, compared=compared, class_name=value_class(cell),
                               bar=covered))  # fmt: skip
    access = _access(profile, snapshot, catalog)
    chain = referral.chain(profile, snapshot, catalog)
    if not rows and access is None and chain is None:
        return None
    heads = ("", catalog.t("map.place.nearest_head"), catalog.t("map.place.covered_head"))
    head = html.Thead(html.Tr([html.Th(name, scope="col") for name in heads]))
    table = html.Table([head, html.Tbody(rows)], className="rows") if rows else None
    return section(catalog.t("map.place.service"), access, chain, table)


def _access(profile: Profile, snapshot: Snapshot, catalog: Catalog) -> Component | None:
    value, county = profile.value("access"), profile.county_value("access")
    if value is None:
        return None
    if value == 0:
        return html.P(catalog.t("map.place.access_none"))
    supply = catalog.t(places.supply_key(snapshot))
    said = catalog.t("map.place.access", value=words.figure(value), supply=supply)
    if county:
        close = abs(value - county) <= _SAME_SHARE * county
        key = "same" if close else "more" if value > county else "less"
        compared = catalog.t(f"map.place.access_{key}", county=words.figure(county))
        said = catalog.t("map.heading.joined", first=said, second=compared)
    return html.P(said)


def _people(profile: Profile, snapshot: Snapshot, catalog: Catalog) -> Component | None:
    rows = []
    for group in snapshot.meta["groups"]:
        cell = profile.cells.get(f"population.{group['code']}")
        if cell is None or cell.state == Missing.NOT_APPLICABLE:
            continue
        share = profile.value(f"share.{group['code']}")
        county = profile.county_value(f"share.{group['code']}")
        said = cell_text(cell, "", catalog, k=snapshot.meta["k"])
        if share is not None and cell.state == Missing.OK:
            said = f"{said} · {words.percent(share)}"
        compared = "" if county is None else catalog.t(
            "map.place.compared", value=words.percent(county)
        )  # fmt: skip
        rows.append(table_row(catalog.pick(group["name"]), said, class_name=value_class(cell),
                               compared=compared))  # fmt: skip
    if not rows:
        return None
    return section(catalog.t("map.place.population"),
                    html.Table(html.Tbody(rows), className="rows"))  # fmt: skip


def _week(
    profile: Profile,
    snapshot: Snapshot,
    choices: Choices,
    catalog: Catalog,
    *,
    chart: Component | None,
    charted: str,
) -> Component | None:
    rows = []
    for measure in snapshot.meta["measures"]:
        cell = profile.cells.get(f"count.{measure['code']}")
        if cell is None:
            continue
        unit = catalog.pick(measure["unit"])
        said = cell_text(cell, unit, catalog, k=snapshot.meta["k"])
        name = set_button(
            catalog.pick(measure["name"]),
            {"measure": measure["code"]},
            class_name="row-button",
            on=measure["code"] == charted,
        )
        wider = profile.wider_value(f"count.{measure['code']}")
        compared = "" if wider is None or cell.state != Missing.SUPPRESSED else catalog.t(
            "map.place.wider", name=wider[0], value=words.number(wider[1])
        )  # fmt: skip
        rows.append(table_row(name, said, class_name=value_class(cell), compared=compared))
    if not rows:
        return None
    return section(
        catalog.t("map.place.week"),
        html.P(words.week_label(catalog, choices.week), className="hint"),
        chart,
        _rate(profile, charted, catalog),
        html.Table(html.Tbody(rows), className="rows"),
    )


def _rate(profile: Profile, measure: str, catalog: Catalog) -> Component | None:
    """The rate of the charted measure with its interval, where it is published."""
    value, low, high, weeks = (
        profile.value(f"{layer}.{measure}")
        for layer in ("rate", "rate_low", "rate_high", "rate_weeks")
    )
    if value is None or low is None or high is None or weeks is None:
        return None
    said = catalog.t("map.place.rate", value=words.figure(value), low=words.figure(low),
                     high=words.figure(high), weeks=words.number(weeks))  # fmt: skip
    return html.P(said, className="hint")


def _sites(profile: Profile, catalog: Catalog) -> Component | None:
    if profile.place is None or profile.place.level == "grid":
        return None
    if profile.sites.empty:
        quiet = html.P(catalog.t("map.place.sites_none"), className="quiet")
        return section(catalog.t("map.place.sites"), quiet)
    rows = []
    for site in places.rows_of(profile.sites.head(_N_SITES)):
        notes = []
        if site.status != SiteStatus.OPEN:
            notes.append(catalog.t(f"map.place.site_{site.status}"))
        if site.staff is not None and math.isfinite(site.staff):
            notes.append(catalog.t("map.place.site_staff", count=words.number(site.staff)))
        rows.append(
            html.Li([site_glyph(str(site.kind), status=str(site.status)), html.Span(site.name),
                     html.Span(" · ".join(notes), className="hint")])
        )  # fmt: skip
    more = len(profile.sites) - _N_SITES
    tail = html.P(catalog.t("map.place.more_sites", count=more), className="hint")
    return section(catalog.t("map.place.sites"), html.Ul(rows, className="site-list"),
                    tail if more > 0 else None)  # fmt: skip


def _definitions(snapshot: Snapshot, catalog: Catalog) -> Component:
    kind = places.main_kind(snapshot)
    wanted = ["gap", "need", "access", "shortage", "tier"]
    if kind is not None:
        wanted += [f"nearest_min.{kind['code']}", f"covered.{kind['code']}"]
    texts = [
        (catalog.pick(layer["name"]), catalog.pick(layer["definition"]))
        for layer in snapshot.meta["layers"]
        if layer["code"] in wanted
    ]
    return definition(catalog.t("map.place.how"), texts)
