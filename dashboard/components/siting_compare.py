"""Two scenarios side by side: pickers, what keeps them apart, maps, the table of differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.components.attributes import attrs
from dashboard.components.siting_legend import cell_legend, point_legend
from dashboard.components.siting_scenarios import compare_address, state
from dashboard.components.states import empty
from dashboard.mapview import map_component
from dashboard.siting_compare import (
    Apart,
    Comparison,
    Side,
    data_apart,
    question_apart,
    stopped_apart,
)
from dashboard.siting_differences import Line
from dashboard.siting_map import answer_view
from dashboard.siting_scenarios import Listed, state_words
from dashboard.text import Catalog, words
from dashboard.tokens import Theme
from etl.store.reader import Reader

_PICKERS = {"a": ids.COMPARE_A, "b": ids.COMPARE_B}
_MAPS = {"a": ids.COMPARE_MAP_A, "b": ids.COMPARE_MAP_B}


def _title(key: str, catalog: Catalog) -> str:
    said = catalog.t(f"compare.side.{key}")
    return said[:1].upper() + said[1:]


# ---------------------------------------------------------------- choosing


def pickers(both: Comparison, rows: Sequence[Listed], catalog: Catalog) -> Component:
    """A choice of each side, both ways about, and the table to take along."""
    t = catalog.t
    a, b = both.a.asked_for, both.b.asked_for
    tools: list[Any] = []
    if a and b:
        swap = compare_address(b, a, catalog)
        tools.append(dcc.Link(t("compare.pick.swap"), href=swap, className="button"))
    if both.both:
        tools.append(
            html.A(
                t("compare.pick.export"),
                href=f"/siting/compare.xlsx?a={a}&b={b}&lang={catalog.lang}",
                className="button export-link",
                download="",
            )
        )
    all_of_them = f"/siting/scenarios?lang={catalog.lang}"
    tools.append(html.A(t("compare.pick.all"), href=all_of_them, className="button"))
    return html.Div(
        [*(_picker(side, rows, catalog) for side in (both.a, both.b)),
         html.Div(tools, className="compare-tools")],
        className="compare-pickers",
        role="group",
        **attrs(aria_label=t("compare.pick.label")),
    )  # fmt: skip


def _picker(side: Side, rows: Sequence[Listed], catalog: Catalog) -> Component:
    t = catalog.t
    options = [{"label": _option(one, catalog), "value": one.scenario_id} for one in rows]
    known = {one.scenario_id for one in rows}
    return html.Div(
        [
            html.Span(t(f"compare.side.{side.key}"), className=f"compare-name is-{side.key}"),
            dcc.Dropdown(
                id=_PICKERS[side.key],
                options=options,
                value=side.asked_for if side.asked_for in known else None,
                clearable=False,
                placeholder=t("compare.pick.none"),
                labels={
                    "search": t("compare.pick.search"),
                    "clear_search": t("compare.pick.clear_search"),
                    "no_options_found": t("compare.pick.no_options_found"),
                },
                className="compare-choice",
            ),
        ],
        className="compare-picker",
    )


def _option(one: Listed, catalog: Catalog) -> str:
    week = words.week_short(catalog, one.week)
    if one.answered:
        share = words.percent(one.share_after)
        return catalog.t("compare.pick.option_done", name=one.name, week=week, share=share)
    return catalog.t("compare.pick.option", name=one.name, week=week,
                     state=state_words(one, catalog))  # fmt: skip


# ---------------------------------------------------------------- what keeps them apart


def notes(both: Comparison, reader: Reader, catalog: Catalog) -> list[Component]:
    """What a reader must know before setting off one against the other."""
    found = []
    if stopped := stopped_apart(both, catalog):
        found.append(_note("stopped", stopped, catalog, grave=True))
    if data := data_apart(both, catalog):
        found.append(_note("data", data, catalog, grave=True))
    if question := question_apart(both, reader, catalog):
        grave = not both.same_measure
        found.append(_note("measure" if grave else "question", question, catalog, grave=grave))
    return found


def _note(key: str, rows: Sequence[Apart], catalog: Catalog, *, grave: bool) -> Component:
    t = catalog.t
    table = html.Table(
        [
            html.Thead(html.Tr([
                html.Th(t("compare.apart.what"), scope="col"),
                html.Th(_title("a", catalog), scope="col"),
                html.Th(_title("b", catalog), scope="col"),
            ])),
            html.Tbody([
                html.Tr([html.Th(one.label, scope="row"), html.Td(one.a), html.Td(one.b)])
                for one in rows
            ]),
        ],
        className="compare-apart",
    )  # fmt: skip
    return html.Div(
        [
            html.P([html.Strong(t(f"compare.note.{key}")),
                    html.Span(t(f"compare.note.{key}_next"))]),
            table,
        ],
        className="compare-note is-grave" if grave else "compare-note",
        role="note",
        **attrs(data_note=key),
    )  # fmt: skip


# ---------------------------------------------------------------- maps


def maps(both: Comparison, rows: Sequence[Listed], catalog: Catalog, *, theme: Theme) -> Component:
    """Both maps, which move together, and one legend for the two."""
    listed = {one.scenario_id: one for one in rows}
    sides = [
        _map(side, listed.get(side.asked_for), catalog, theme=theme) for side in (both.a, both.b)
    ]
    answers = [side.answer for side in (both.a, both.b) if side.answer is not None]
    parts: list[Any] = [html.Div(sides, className="compare-maps", **attrs(data_maps_together=""))]
    if answers:
        closed = any((one.tables["sites"]["state"] == "closed").any() for one in answers)
        roles = ("new", "existing", "closed") if closed else ("new", "existing")
        parts.append(
            html.Div(
                [
                    cell_legend(catalog, lost=closed),
                    point_legend(catalog, *roles),
                    html.P(catalog.t("compare.map.together"), className="hint"),
                ],
                className="legend compare-legend",
            )
        )
    return html.Div(parts)


def _map(side: Side, one: Listed | None, catalog: Catalog, *, theme: Theme) -> Component:
    t = catalog.t
    head = _head(side, one, catalog)
    if side.answer is None or side.snapshot is None:
        return html.Section([head, _no_map(side, one, catalog)], className="compare-side")
    view = answer_view(side.snapshot, catalog, side.answer, scenario_id=side.asked_for, theme=theme)
    label = t("compare.map.label", side=t(f"compare.side.{side.key}"))
    return html.Section(
        [head, html.Div(map_component(_MAPS[side.key], label=label, view=view),
                        className="compare-map")],
        className="compare-side",
    )  # fmt: skip


def _head(side: Side, one: Listed | None, catalog: Catalog) -> Component:
    t = catalog.t
    called = html.Span(t(f"compare.side.{side.key}"), className=f"compare-name is-{side.key}")
    if one is None:
        return html.Header([html.H2([called])], className="compare-head")
    link = f"/siting?scenario={one.scenario_id}&lang={catalog.lang}"
    facts = [words.week_label(catalog, one.week), one.asked]
    live = "compare-state is-live" if one.live else "compare-state"
    return html.Header(
        [
            html.H2([called, html.A(one.name, href=link, title=t("compare.pick.open"))]),
            html.Div(state(one, catalog), className=live,
                     id={"type": ids.COMPARE_STATE, "index": side.key}),
            html.P(" · ".join(facts), className="hint"),
        ],
        className="compare-head",
    )  # fmt: skip


def _no_map(side: Side, one: Listed | None, catalog: Catalog) -> Component:
    t = catalog.t
    if not side.asked_for:
        return empty(t("compare.note.empty"), t("compare.note.empty_next"))
    if one is None:
        return empty(t("compare.note.gone"), t("compare.note.gone_next", id=side.asked_for))
    why = one.why or t(f"compare.note.{'no_map' if one.live else 'no_result'}")
    return empty(t(f"scenarios.state.{one.state}"), why)


# ---------------------------------------------------------------- the table


def table(lines: Sequence[Line], catalog: Catalog) -> Component:
    """All differences, section by section; which has more stands in words and on a mark."""
    t = catalog.t
    head = [
        html.Th(t("compare.column.what"), scope="col"),
        *(html.Th(_title(key, catalog), scope="col",
                  className=f"number is-{key}") for key in "ab"),
        html.Th(t("compare.column.more"), scope="col"),
    ]  # fmt: skip
    bodies = [
        _section(section, list(own), catalog)
        for section, own in groupby(lines, key=lambda line: line.section)
    ]
    return html.Section(
        [
            html.Div(html.H2(t("compare.section.title")), className="section-head"),
            html.Div(
                html.Table([html.Thead(html.Tr(head)), *bodies], className="table compare-table"),
                className="table-scroll",
            ),
        ]
    )


def _section(section: str, lines: Sequence[Line], catalog: Catalog) -> Component:
    title: list[Component] = [html.B(catalog.t(f"compare.section.{section}"))]
    if section == "sites":
        title.append(html.Span(_counts(lines, catalog), className="hint"))
    head = html.Tr(html.Th(title, colSpan=4, scope="rowgroup"), className="compare-section")
    return html.Tbody([head, *(_row(line) for line in lines)], **attrs(data_section=section))


def _counts(lines: Sequence[Line], catalog: Catalog) -> str:
    where = Counter(line.leads for line in lines)
    return catalog.t("compare.section.sites_counts", both=where[""], a=where["a"], b=where["b"])


def _row(line: Line) -> Component:
    def cell(key: str, value: str) -> Component:
        led = "number is-more" if line.leads == key else "number"
        return html.Td(value, className=led)

    hint = html.Span(line.hint, className="hint") if line.hint else None
    more = html.Span(line.more, className=f"compare-more is-{line.leads or 'none'}")
    return html.Tr(
        [
            html.Th([html.Span(line.label), hint], scope="row"),
            cell("a", line.a),
            cell("b", line.b),
            html.Td(more),
        ]
    )
