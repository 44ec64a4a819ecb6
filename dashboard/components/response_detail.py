"""One warning from its reason to its end: figures, what lifted the tier, who is near, its life."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from dash import html
from dash.development.base_component import Component

from dashboard import response_words as said_of
from dashboard.components import response as board_parts
from dashboard.components.attributes import attrs
from dashboard.components.chart import weekly_chart
from dashboard.components.marks import cell_text, site_glyph, tier_mark
from dashboard.components.sections import section
from dashboard.components.states import empty
from dashboard.places import measure_entry, table_or_none, tier_key
from dashboard.response import Board, Filter, Live
from dashboard.scorecard import records
from dashboard.text import Catalog, words
from dashboard.tokens import Theme
from etl.store.reader import Cell, Reader
from geo.errors import NotPublishedError
from geo.model import Missing

# The weeks that a detector looks back on can be read one by one.
_WEEKS_BEFORE = 6
_N_NEAR = 4


def nothing_chosen(catalog: Catalog) -> Component:
    """The panel before a warning is chosen."""
    return html.P(catalog.t("warnings.detail.choose"), className="quiet board-choose")


def gone(chosen: Filter, catalog: Catalog) -> Component:
    """The panel for a warning that the address names and nobody knows."""
    t = catalog.t
    back = board_parts.link(
        t("warnings.detail.close"), chosen, catalog, class_name="button", warning=""
    )
    note = empty(t("warnings.detail.gone"), t("warnings.detail.gone_next"))
    return html.Div([note, back], className="board-none")


def detail(
    one: Live,
    board: Board,
    reader: Reader,
    chosen: Filter,
    catalog: Catalog,
    *,
    theme: Theme,
    form: Component | None,
) -> list[Component | None]:
    """Everything said of one warning."""
    return [
        _head(one, board, chosen, catalog),
        _standard(one, board, catalog),
        form,
        _figures(one, board, reader, catalog, theme=theme),
        _tier(one, catalog),
        _near(one, board, reader, catalog),
        _timeline(one, board, catalog),
    ]


def _head(one: Live, board: Board, chosen: Filter, catalog: Catalog) -> Component:
    t = catalog.t
    measure = said_of.measure_name(board.snapshot, one.measure, catalog)
    facts = [said_of.lasting(one, catalog)]
    if one.weeks > 1:
        since = words.week_short(catalog, one.since_week)
        facts.append(t("warnings.list.since", week=since))
    if len(one.areas) > 1:
        facts.append(t("warnings.list.areas", count=len(one.areas)))
    on_map = html.A(
        t("warnings.detail.map"),
        href=f"/?layer=tier.{one.measure}&level={one.level}&area={one.area_code}&lang={catalog.lang}",
    )
    back = board_parts.link(
        t("warnings.detail.close"), chosen, catalog, class_name="button board-back", warning=""
    )
    return html.Header(
        [
            back,
            html.Div(
                [
                    tier_mark(one.tier, catalog),
                    html.Div(
                        [
                            html.H2([said_of.place(one, catalog), " · ", measure]),
                            html.P(
                                [
                                    *board_parts.tags(one, catalog),
                                    html.Span(" · ".join(facts)),
                                    on_map,
                                ],
                                className="detail-facts",
                            ),
                        ]
                    ),
                ],
                className="detail-title",
            ),
            html.P(catalog.pick(one.reason), className="detail-reason"),
        ],
        className=f"detail-head tier-{tier_key(one.tier)}",
    )


def _standard(one: Live, board: Board, catalog: Catalog) -> Component | None:
    """What the tier asks for, by whom, by when."""
    t = catalog.t
    action = said_of.standard(one.tier, board.snapshot, catalog)
    parts: list[Any] = []
    if action:
        parts.append(html.P([html.B(t("warnings.detail.standard")), html.Span(action)]))
    if one.state:
        parts.append(
            html.P(
                [
                    board_parts.state_mark(one, catalog),
                    board_parts.office(one, board, catalog),
                    board_parts.deadline_mark(one, board, catalog),
                ],
                className="detail-standing",
            )
        )
    return html.Div(parts, className="detail-standard") if parts else None


def _figures(
    one: Live, board: Board, reader: Reader, catalog: Catalog, *, theme: Theme
) -> Component | None:
    snapshot = board.snapshot
    try:
        measure = measure_entry(snapshot, one.measure)
        chart = weekly_chart(
            reader,
            snapshot,
            level=one.level,
            area_code=one.area_code,
            measure=measure,
            week=snapshot.week,
            catalog=catalog,
            theme=theme,
        )
        series = reader.series(
            snapshot.snapshot_id, one.level, one.area_code, f"count.{one.measure}"
        )
    except NotPublishedError:
        return None  # fmt: skip
    t, unit = catalog.t, catalog.pick(measure["unit"])
    usual = []
    for name in ("expected", "upper"):
        value = one.evidence.get(name)
        if value is not None and not pd.isna(value):
            said = words.number(float(value))
            usual.append(t(f"warnings.detail.{name}", value=said, unit=unit))
    return section(
        t("warnings.detail.series"),
        html.P(" · ".join(usual), className="hint") if usual else None,
        chart,
        _weeks(series.tail(_WEEKS_BEFORE), unit, snapshot.meta["k"], catalog),
    )


def _weeks(series: pd.DataFrame, unit: str, k: int, catalog: Catalog) -> Component:
    """The newest weeks one by one; what is missing or withheld says so."""
    rows = records(series)
    heads = [html.Th(words.week_short(catalog, str(row["week"])), scope="col") for row in rows]
    found = [Cell(float(row["value"]), Missing(int(row["state"])), 0) for row in rows]
    cells = [
        html.Td(
            catalog.t("warnings.detail.below", k=k)
            if cell.state == Missing.SUPPRESSED
            else cell_text(cell, "", catalog, k=k),
            className=None if cell.state == Missing.OK else "quiet",
            title=cell_text(cell, unit, catalog, k=k),
        )
        for cell in found
    ]
    table = html.Table(
        [html.Thead(html.Tr([html.Td(), *heads])),
         html.Tbody(html.Tr([html.Th(unit, scope="row"), *cells]))],
        className="detail-weeks",
    )  # fmt: skip
    return html.Div(table, className="detail-scroll", tabIndex="0")


def _tier(one: Live, catalog: Catalog) -> Component | None:
    steps = said_of.tier_steps(one, catalog)
    look = said_of.look_words(one.evidence, catalog)
    if look:
        steps.append(catalog.t("warnings.detail.looked", look=look))
    if not steps:
        return None
    return section(
        catalog.t("warnings.detail.why"),
        html.Ul([html.Li(step) for step in steps], className="detail-steps"),
    )


def _near(one: Live, board: Board, reader: Reader, catalog: Catalog) -> Component | None:
    t = catalog.t
    title = t("warnings.detail.near")
    table = table_or_none(reader, board.snapshot, "responders")
    if table is None:
        return section(title, html.P(t("warnings.detail.near_old"), className="quiet"))
    own = table[
        (table["level"] == one.level)
        & (table["area_code"] == one.area_code)
        & (table["tier"] == int(one.tier))
    ]
    rows = [_site(row, catalog) for row in records(own.sort_values("minutes").head(_N_NEAR))]
    lines = table_or_none(reader, board.snapshot, "responder_lines")
    if lines is not None:
        rows += [_line(row, catalog) for row in records(lines[lines["tier"] == int(one.tier)])]
    none = html.P(t("warnings.detail.near_none"), className="quiet") if own.empty else None
    return section(title, none, html.Ul(rows, className="site-list") if rows else None)


def _site(row: Mapping[str, Any], catalog: Catalog) -> Component:
    t = catalog.t
    mode = t(f"warnings.mode.{row['mode']}")
    notes = [t("warnings.detail.minutes", mode=mode, minutes=words.minutes(float(row["minutes"])))]
    if row.get("staff") is not None and not pd.isna(row["staff"]):
        notes.append(t("warnings.detail.staff", count=words.number(float(row["staff"]))))
    return html.Li([site_glyph(str(row["kind"])), html.Span(str(row["name"])),
                    html.Span(" · ".join(notes), className="hint")])  # fmt: skip


def _line(row: Mapping[str, Any], catalog: Catalog) -> Component:
    """What answers from anywhere, such as a hotline."""
    hours = row["hours"] if isinstance(row["hours"], str) else ""
    notes = " · ".join(part for part in (catalog.t("warnings.detail.anywhere"), hours) if part)
    return html.Li([site_glyph(str(row["kind"])), html.Span(str(row["name"])),
                    html.Span(notes, className="hint")])  # fmt: skip


def _timeline(one: Live, board: Board, catalog: Catalog) -> Component | None:
    """Every change of the warning, the newest first."""
    if not board.followed:
        return None
    t = catalog.t
    own = records(board.events[board.events["warning_id"] == one.key])
    title = t("warnings.detail.timeline")
    if not own:
        return section(title, html.P(t("warnings.detail.timeline_none"), className="quiet"))
    return section(
        title,
        html.Ol([_event(row, board, catalog) for row in reversed(own)], className="timeline"),
    )


def _event(row: Mapping[str, Any], board: Board, catalog: Catalog) -> Component:
    t, zone = catalog.t, str(board.snapshot.meta["locality"]["timezone"])
    kind = t(f"warnings.event.{row['kind']}")
    if row["kind"] in {"opened", "raised", "lowered"}:
        tier = said_of.tier_word(int(row["tier"]), catalog)
        kind = t("warnings.event.tiered", kind=kind, tier=tier)
    office = row["office"] if isinstance(row["office"], str) else ""
    who = said_of.office_name(board.snapshot, office, catalog)
    text = str(row["text"] or "")
    return html.Li(
        [
            html.P([html.B(kind), html.Span(who) if who else None]),
            html.P(text, className="timeline-text") if text else None,
            html.Time(words.moment(catalog, row["at_utc"], zone), className="hint"),
        ],
        className=f"timeline-{row['kind']}",
        **attrs(data_office="true" if who else None),
    )
