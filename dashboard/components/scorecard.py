"""Widgets of the scorecard: one card an indicator, with what is missing, the areas, the trend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

import pandas as pd
from dash import html
from dash.development.base_component import Component

from dashboard import ids
from dashboard import scorecard as told
from dashboard.components.attributes import attrs
from dashboard.components.bullet import bullet, sparkline
from dashboard.scorecard import Row, Scorecard
from dashboard.text import Catalog, words
from geo.model import Level, Missing
from geo.targets import Progress

# So many names stand at once; the rest behind a click.
_NAMES = 60
_DATED = ("opened", "reported")


@dataclass(frozen=True)
class View:
    """What the cards are drawn for.

    Attributes
    ----------
    card : the published tables.
    catalog : language.
    today : last day that the data covers.
    town : code of the chosen town; empty for the whole locality.
    names : code → name of the towns.
    """

    card: Scorecard
    catalog: Catalog
    today: date
    town: str
    names: dict[str, str]

    def areas(self, row: Row) -> pd.DataFrame:
        """Areas of an indicator: towns, or the villages of the chosen one."""
        own: pd.DataFrame = self.card.areas[self.card.areas["indicator"] == row["indicator"]]
        towns: pd.DataFrame = own[own["level"] == Level.TOWN]
        villages: pd.DataFrame = own[own["level"] == Level.VILLAGE]
        if self.town:
            return villages.loc[villages["parent_code"] == self.town]
        return towns if len(towns) else villages

    def here(self, row: Row) -> dict[str, Any] | None:
        """The chosen town's own figures; None where the indicator has none for towns."""
        own = self.card.areas[
            (self.card.areas["indicator"] == row["indicator"])
            & (self.card.areas["area_code"] == self.town)
        ]
        return told.records(own)[0] if len(own) else None


def lead(view: View) -> str:
    """How the indicators stand, here or in the whole locality."""
    if not view.town:
        return told.lead(view.card, view.catalog)
    here = [area for area in map(view.here, view.card.rows()) if area is not None]
    met = sum(told.local_progress(area) == Progress.MET for area in here)
    return view.catalog.t(
        "scorecard.lead_town", town=view.names[view.town], total=len(here), met=met
    )


def town_filter(view: View) -> Component | None:
    """The towns as links: the address alone says which one is shown."""
    if len(view.names) < 2:
        return None
    t = view.catalog.t
    every = {"": t("scorecard.filter.all"), **view.names}
    links = [
        html.A(
            name,
            href=f"/scorecard?town={code}" if code else "/scorecard",
            className="chip",
            **attrs(aria_current="true" if code == view.town else None),
        )
        for code, name in every.items()
    ]
    return html.Nav(links, className="chips", **attrs(aria_label=t("scorecard.filter.label")))


def cards(view: View) -> Component:
    """Every indicator, those that need somebody first."""
    return html.Div([_card(row, view) for row in view.card.rows()], className="score-cards")


def _local(row: Row, view: View) -> tuple[dict[str, Any], Progress, str]:
    """The row as it stands here, how that is called, and why."""
    local = dict(row)
    here = view.here(row) if view.town else None
    if here is not None:
        progress = told.local_progress(here)
        local |= {key: here[key] for key in ("value", "numerator", "denominator", "missing")}
        local |= {"low": math.nan, "high": math.nan, "unreported": 0.0}
        key = {Progress.MET: "met_here", Progress.SHORT: "short_here"}.get(progress, progress.value)
        return local, progress, view.catalog.t(f"scorecard.detail.{key}")
    detail = told.detail_words(row, view.catalog, today=view.today)
    if view.town:
        detail = view.catalog.t("scorecard.areas.only")
    return local, Progress(row["progress"]), detail


def _card(row: Row, view: View) -> Component:
    local, progress, detail = _local(row, view)
    aside = " is-elsewhere" if view.town and view.here(row) is None else ""
    # What a card opens to is read when it is opened: a page of thousands of parts is slow.
    box = html.Div(
        id={"type": ids.SCORECARD_BODY, "index": row["indicator"]}, className="score-body"
    )
    return html.Details(
        [_summary(local, progress, detail, view), box],
        className=f"score-card{aside}",
        **attrs(data_indicator=row["indicator"], data_progress=progress.value),
    )


def _summary(row: Row, progress: Progress, detail: str, view: View) -> Component:
    catalog = view.catalog
    value, target = told.number_of(row["value"]), told.number_of(row["target"])
    shown = told.value_words(row, value)
    steps = [told.number_of(step["target"]) for step in row["steps"]]
    label = f"{catalog.t('scorecard.field.value')} {shown} {told.target_words(row, catalog)}"
    missing = told.missing_words(row, told.number_of(row["missing"]), catalog)
    return html.Summary(
        [
            mark(progress, catalog),
            html.Div(
                [
                    html.H2(told.name_of(row, catalog)),
                    html.P(detail, className="score-detail"),
                ],
                className="score-name",
            ),
            bullet(
                value,
                steps,
                target=target,
                ratio=told.is_ratio(row),
                progress=progress.value,
                interval=(told.number_of(row["low"]), told.number_of(row["high"])),
                label=label,
            ),
            html.Div(
                [
                    html.Strong(shown, className="score-value"),
                    html.Span(told.per_words(row, catalog), className="hint"),
                ],
                className="score-figure",
            ),
            html.Div(
                [
                    html.Span(told.target_words(row, catalog)),
                    html.Span(told.due_words(row, catalog), className="hint"),
                    html.Span(
                        missing if progress != Progress.MET else "", className="score-missing"
                    ),
                ],
                className="score-target",
            ),
        ],
        id={"type": ids.SCORECARD_SUMMARY, "index": row["indicator"]},
        className="score-row",
    )


def mark(progress: Progress, catalog: Catalog) -> Component:
    """Shape, colour and word for how an indicator stands."""
    return html.Span(
        [
            html.Span(className="progress-shape", **attrs(aria_hidden="true")),
            html.Span(told.progress_words(progress.value, catalog)),
        ],
        className=f"progress-mark progress-{progress.value}",
    )


# ---------------------------------------------------------------- what a card opens to


def body(row: Row, view: View) -> list[Component]:
    """What is missing by name, the areas, and how the indicator is worked out."""
    local, _, _ = _local(row, view)
    parts = (_missing(local, view), _areas(local, view), _about(local, view))
    return [part for part in parts if part is not None]


def _missing(row: Row, view: View) -> Component | None:
    own = view.card.missing[view.card.missing["indicator"] == row["indicator"]]
    t = view.catalog.t
    if view.town and len(own):
        own = own[(own["town_code"] == view.town) | (own["area_code"] == view.town)]
        if own.empty:
            none = html.P(t("scorecard.missing.none_here"), className="quiet")
            return html.Section([html.H3(t("scorecard.missing.title")), none])
    if own.empty:
        return None
    entries = told.records(own)
    head = html.H3(
        [
            t("scorecard.missing.title"),
            html.Span(t("scorecard.missing.count", count=len(entries)), className="hint"),
        ]
    )
    by_people = own["persons"].notna().any()
    hint = t("scorecard.missing.people") if by_people and len(own) > 1 else ""
    first, rest = entries[:_NAMES], entries[_NAMES:]
    parts: list[Any] = [head, html.P(hint, className="hint") if hint else None, _names(first, view)]
    if rest:
        more = html.Summary(t("scorecard.missing.more", count=len(rest)))
        parts.append(html.Details([more, _names(rest, view)], className="more"))
    return html.Section(parts, className="score-missing-list")


def _names(entries: Sequence[Row], view: View) -> Component:
    """Names under their towns; towns in the order in which their first name comes."""
    order = list(dict.fromkeys(str(entry["town_name"] or "") for entry in entries))
    by_town = sorted(entries, key=lambda entry: order.index(str(entry["town_name"] or "")))
    lines: list[Component] = []
    for town, own in groupby(by_town, key=lambda entry: str(entry["town_name"] or "")):
        links = [_place(entry, view.catalog) for entry in own]
        if town and not view.town:
            lines.append(html.Dt([town, html.Span(str(len(links)), className="hint")]))
        lines.append(html.Dd(links, className="score-places"))
    return html.Dl(lines)


def _place(entry: Row, catalog: Catalog) -> Component:
    reason = str(entry["reason"])
    note = catalog.t(f"scorecard.missing.{reason}") if reason != "none" else ""
    return html.Span(
        [
            html.A(
                str(entry["name"]),
                href=f"/?level={entry['level']}&area={entry['area_code']}",
                title=catalog.t("scorecard.missing.place", name=entry["name"]),
            ),
            html.Span(note, className="hint") if note else None,
        ],
        className="score-place",
    )


def _areas(row: Row, view: View) -> Component | None:
    t = view.catalog.t
    areas = view.areas(row)
    head = html.H3([t("scorecard.areas.title"),
                    html.Span(t("scorecard.areas.hint"), className="hint")])  # fmt: skip
    if areas.empty and view.town and view.here(row) is not None:
        return None
    if areas.empty:
        return html.Section(
            [html.H3(t("scorecard.areas.title")),
             html.P(t("scorecard.areas.only"), className="quiet")]
        )  # fmt: skip
    upwards = row["direction"] == "at_least"
    ranked = areas.sort_values(
        ["value", "missing", "area_code"], ascending=[upwards, False, True], na_position="last"
    )
    titles = ("name", "ratio" if told.is_ratio(row) else "share", "parts", "missing")
    columns = [
        html.Th(t(f"scorecard.areas.{name}"), scope="col", className="number" if i else None)
        for i, name in enumerate(titles)
    ]
    body = [_area_row(row, area, view) for area in told.records(ranked)]
    table = html.Table([html.Thead(html.Tr(columns)), html.Tbody(body)], className="table")
    return html.Section([head, html.Div(table, className="table-scroll score-areas", tabIndex="0")])


def _area_row(row: Row, area: Row, view: View) -> Component:
    catalog = view.catalog
    progress = told.local_progress(area)
    if progress in told.STATES.values():
        said = told.progress_words(progress.value, catalog)
        cells: list[Any] = [html.Td(said, className="quiet", colSpan=3)]
    else:
        parts = " / ".join(
            words.number(told.number_of(area[side])) for side in ("numerator", "denominator")
        )
        missing = told.number_of(area["missing"])
        lacking = "–" if not math.isfinite(missing) else words.figure(missing)
        met = progress == Progress.MET
        value = told.number_of(area["value"])
        cells = [
            html.Td(
                told.value_words(row, value),
                className=f"number score-share progress-{progress.value}",
                # A bar behind the figure, and not components of its own: tables are long.
                style={"--share": f"{_part(row, value):.4f}"},
            ),
            html.Td(parts, className="number"),
            html.Td(catalog.t("scorecard.areas.met") if met else lacking, className="number"),
        ]
        if Missing(int(area["state"])) == Missing.UNRELIABLE:
            cells[0].title = catalog.t("scorecard.detail.unreliable")
    link = html.A(str(area["name"]), href=f"/?level={area['level']}&area={area['area_code']}")
    return html.Tr([html.Th(link, scope="row"), *cells])


def _part(row: Row, value: float) -> float:
    """How long an area's bar is, 0 to 1: a share as it is, a ratio against its target."""
    full = 1.0
    if told.is_ratio(row):
        target = told.number_of(row["target"])
        full = target if math.isfinite(target) and target > 0 else max(value, 1e-9)
    return min(max(value / full, 0.0), 1.0)


def _about(row: Row, view: View) -> Component:
    """Trend, how it is worked out, what has to be known, where the target comes from."""
    catalog, t = view.catalog, view.catalog.t
    facts: list[str] = []
    numbers = [told.number_of(row[side]) for side in ("numerator", "denominator")]
    if all(math.isfinite(number) for number in numbers):
        facts.append(" / ".join(words.number(number) for number in numbers))
    if isinstance(row["figure_week"], str) and row["figure_week"]:
        week = words.week_label(catalog, row["figure_week"])
        facts.append(t("scorecard.field.figure_week", week=week))
    unreported = told.number_of(row["unreported"])
    if unreported > 0:
        facts.append(t("scorecard.field.unreported", count=words.number(unreported)))
    low, high = told.number_of(row["low"]), told.number_of(row["high"])
    if math.isfinite(low):
        ends = {"low": words.percent(low), "high": words.percent(high)}
        facts.append(t("scorecard.detail.sample", **ends))
    if Missing(int(row["state"])) == Missing.UNRELIABLE:
        facts.append(t("scorecard.detail.unreliable"))
    source, note = told.picked(row, "source", catalog), told.picked(row, "note", catalog)
    return html.Section(
        [
            _trend(row, view) if not view.town else None,
            html.P(told.how_words(row, catalog), className="score-how"),
            html.P([html.Span(fact) for fact in facts], className="score-facts"),
            html.P(note, className="hint") if note else None,
            html.P(t("scorecard.field.source", source=source), className="hint")
            if source
            else None,
        ],
        className="score-about",
    )


def _trend(row: Row, view: View) -> Component | None:
    catalog, t = view.catalog, view.catalog.t
    own = view.card.trend[view.card.trend["indicator"] == row["indicator"]]
    if own.empty:
        return None
    head = html.H3(t("scorecard.trend.title"))
    if len(own) == 1:
        return html.Div([head, html.P(t("scorecard.trend.one"), className="quiet")])
    weeks, values = own["week"].tolist(), [float(value) for value in own["value"]]
    days = [words.monday(week).toordinal() for week in weeks]
    positions = [(day - days[0]) / (days[-1] - days[0]) for day in days]
    first, last = (words.month(catalog, words.monday(week)) for week in (weeks[0], weeks[-1]))
    ends = {
        "first": first,
        "last": last,
        "from_value": told.value_words(row, values[0]),
        "to_value": told.value_words(row, values[-1]),
    }
    label = t("scorecard.trend.label", **ends)
    notes = [t(f"scorecard.trend.{basis}") for basis in _DATED if (own["basis"] == basis).any()]
    return html.Div(
        [
            head,
            sparkline(positions, values, target=told.number_of(row["target"]), label=label),
            html.P([html.Span(label), *_pace(row, catalog)], className="score-facts"),
            *(html.P(note, className="hint") for note in notes),
        ]
    )


def _pace(row: Row, catalog: Catalog) -> list[Component]:
    pace = told.number_of(row["pace"])
    if not math.isfinite(pace):
        return []
    said = f"{pace:+.2f}" if told.is_ratio(row) else (
        f"{100 * pace:+.2f}{catalog.t('scorecard.field.points')}"
    )  # fmt: skip
    return [html.Span(catalog.t("scorecard.field.pace", pace=said))]
