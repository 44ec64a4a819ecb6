"""The board of warnings: figures by tier, filters, one row a warning, shares answered in time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard import response_words as said_of
from dashboard.components.attributes import attrs
from dashboard.components.marks import tier_mark
from dashboard.components.states import empty
from dashboard.places import tier_key
from dashboard.response import LIVE_STATES, OPEN, OVERDUE, Board, Filter, Live, Share
from dashboard.text import Catalog, words

# Shares of more towns or weeks than these are read by nobody at once.
_N_SHARES = 12


def figures(board: Board, catalog: Catalog) -> Component:
    """How many warnings by tier, how many wait, what share was answered in time."""
    t = catalog.t
    tiers = [
        html.Div(
            [
                html.Dt([tier_mark(tier, catalog), t(f"common.tier.{tier_key(tier)}")]),
                html.Dd(words.number(board.count(tier=tier)), className="board-value"),
                html.Dd(_new(board.new(tier), catalog), className="hint"),
            ],
            className="board-figure" if board.count(tier=tier) else "board-figure is-zero",
            **attrs(data_tier=tier_key(tier)),
        )
        for tier in board.tiers
    ]
    answered = _answered(board, catalog)
    note = html.P(t("warnings.figure.green"), className="hint") if len(tiers) == 2 else None
    return html.Section(
        [html.Dl([*tiers, *answered], className="board-figures"), note],
        className="board-summary",
        **attrs(aria_label=t("warnings.figure.label")),
    )


def _new(count: int, catalog: Catalog) -> str:
    return catalog.t("warnings.figure.new" if count else "warnings.figure.new_none", count=count)


def _answered(board: Board, catalog: Catalog) -> list[Component]:
    t = catalog.t
    if not board.followed:
        return [_figure(t(f"warnings.figure.{name}"), "–", t("warnings.figure.unknown"), "fine")
                for name in ("open", "in_time")]  # fmt: skip
    late, share = board.count(state=OVERDUE), board.in_time()
    overdue = t("warnings.figure.open_detail", count=late) if late else ""
    due = math.isfinite(share.value)
    return [
        _figure(
            t("warnings.figure.open"),
            words.number(board.count(state=OPEN)),
            overdue or t("warnings.figure.open_fine"),
            "late" if late else "fine",
        ),
        _figure(
            t("warnings.figure.in_time"),
            words.percent(share.value) if due else "–",
            t("warnings.figure.in_time_detail", due=share.due, in_time=share.in_time)
            if due
            else t("warnings.figure.not_due"),
            "fine",
        ),
    ]


def _figure(label: str, value: str, detail: str, kind: str) -> Component:
    return html.Div(
        [
            html.Dt(label),
            html.Dd(value, className="board-value"),
            html.Dd(detail, className=f"hint answered-{kind}"),
        ],
        className="board-figure board-answered",
    )


# ---------------------------------------------------------------- filters


def filters(board: Board, chosen: Filter, catalog: Catalog) -> Component:
    """One line of choices a key; those that would leave nothing are not offered."""
    t = catalog.t
    live = board.live
    lines = [
        ("tier", {tier_key(tier): t(f"common.tier.{tier_key(tier)}") for tier in board.tiers
                  if board.count(tier=tier)}),
        ("state", {state: t(f"warnings.state.{state}") for state in (*LIVE_STATES, OVERDUE)
                   if board.count(state=state)}),
        ("measure", {one.measure: said_of.measure_name(board.snapshot, one.measure, catalog)
                     for one in live}),
        ("town", {one.town_code: one.town or one.name for one in live if one.town_code}),
    ]  # fmt: skip
    return html.Div(
        [_line(name, offered, chosen, catalog) for name, offered in lines if len(offered) > 1],
        className="board-filters",
        role="group",
        **attrs(aria_label=t("warnings.filter.label")),
    )


def _line(name: str, offered: Mapping[str, str], chosen: Filter, catalog: Catalog) -> Component:
    every = {"": catalog.t("warnings.filter.all"), **offered}
    current = getattr(chosen, name)
    links = [
        html.Span(
            link(text, chosen, catalog, class_name="chip", **{name: key}),
            className="is-current" if key == current else None,
            **attrs(aria_current="true" if key == current else None),
        )
        for key, text in every.items()
    ]
    title = html.Span(catalog.t(f"warnings.filter.{name}"), className="board-filter-name")
    return html.Div([title, *links], className="chips", **attrs(data_filter=name))


def link(
    children: Any, chosen: Filter, catalog: Catalog, *, class_name: str, **changes: str
) -> Component:
    """A link to the same page with other choices, which opens without loading it anew."""
    query = "&".join(part for part in (chosen.address(**changes), f"lang={catalog.lang}") if part)
    return dcc.Link(children, href=f"/warnings?{query}", className=class_name)


# ---------------------------------------------------------------- list


def board_list(
    board: Board, chosen: Filter, catalog: Catalog, *, current: Live | None
) -> Component:
    """One row a live warning that the filters keep; `current` is the one beside the list."""
    t = catalog.t
    shown = [one for one in board.live if chosen.keeps(one)]
    head = html.Div(
        [
            html.H2(t("warnings.list.title")),
            html.Span(t("warnings.list.count", count=len(shown)), className="hint"),
        ],
        className="section-head",
    )
    if not shown:
        none = empty(t("warnings.note.filtered"), t("warnings.note.filtered_next"))
        again = link(t("warnings.note.show_all"), Filter(), catalog, class_name="button")
        return html.Section([head, html.Div([none, again], className="board-none")])
    rows = [_row(one, board, chosen, catalog, current=current) for one in shown]
    return html.Section([head, html.Ol(rows, className="board-rows")])


def ended_list(
    board: Board, chosen: Filter, catalog: Catalog, *, current: Live | None
) -> Component | None:
    """Warnings that ended within the last days."""
    if not board.ended:
        return None
    rows = [_row(one, board, chosen, catalog, current=current) for one in board.ended]
    title = html.H3(catalog.t("warnings.list.ended"))
    return html.Section(
        [html.Div(title, className="section-head"), html.Ol(rows, className="board-rows is-ended")]
    )


def _row(
    one: Live, board: Board, chosen: Filter, catalog: Catalog, *, current: Live | None
) -> Component:
    on = one is current
    measure = said_of.measure_name(board.snapshot, one.measure, catalog)
    return html.Li(
        link(
            [
                tier_mark(one.tier or one.peak, catalog),
                html.Span(
                    [
                        html.Span(
                            [
                                html.B(said_of.place(one, catalog)),
                                html.Span(measure),
                                *tags(one, catalog),
                            ],
                            className="board-place",
                        ),
                        html.Span(catalog.pick(one.reason), className="board-reason"),
                    ],
                    className="board-main",
                ),
                _standing(one, board, catalog),
            ],
            chosen,
            catalog,
            class_name="board-row",
            warning=one.key,
        ),
        className=f"is-current tier-{tier_key(one.tier)}" if on else None,
        **attrs(data_warning=one.key, data_state=one.state or None,
                aria_current="true" if on else None),
    )  # fmt: skip


def tags(one: Live, catalog: Catalog) -> list[html.Span]:
    """Small words beside the place: how it moves, whether its figures may still change."""
    t = catalog.t
    found = []
    if one.phase:
        found.append(html.Span(t(f"warnings.phase.{one.phase}"),
                               className=f"tag phase-{one.phase}"))  # fmt: skip
    if one.provisional:
        found.append(html.Span(t("warnings.list.provisional"), className="tag tag-provisional",
                               title=t("warnings.list.provisional_hint")))  # fmt: skip
    return found


def _standing(one: Live, board: Board, catalog: Catalog) -> Component:
    """State, office and deadline; where nobody follows warnings, how long it has stood out."""
    if not one.state:
        return html.Span(said_of.lasting(one, catalog), className="board-standing hint")
    return html.Span(
        [
            state_mark(one, catalog),
            office(one, board, catalog),
            deadline_mark(one, board, catalog),
        ],
        className="board-standing",
    )  # fmt: skip


def office(one: Live, board: Board, catalog: Catalog) -> Component:
    """The office that has taken it; in grey the one whose turn it is."""
    name = said_of.office_name(board.snapshot, one.office, catalog)
    if one.taken:
        return html.Span(name, className="board-office", title=name)
    if not name:
        return html.Span(catalog.t("warnings.list.nobody"), className="board-office quiet")
    turn = catalog.t("warnings.list.assigned", office=name)
    return html.Span(name, className="board-office quiet", title=turn)


def state_mark(one: Live, catalog: Catalog) -> Component:
    """Shape and word of a state."""
    return html.Span(
        [
            html.Span(className="state-shape", **attrs(aria_hidden="true")),
            html.Span(catalog.t(f"warnings.state.{one.state}")),
        ],
        className=f"state-mark state-{one.state}",
    )


def deadline_mark(one: Live, board: Board, catalog: Catalog) -> Component | None:
    """Time that is left or has passed."""
    said = said_of.deadline(one, board, catalog)
    if not said:
        return None
    moment = words.moment(catalog, one.due_at, _zone(board)) if one.due_at else ""
    return html.Span(
        said, className="board-deadline is-over" if one.overdue else "board-deadline", title=moment
    )


def _zone(board: Board) -> str:
    return str(board.snapshot.meta["locality"]["timezone"])


# ---------------------------------------------------------------- shares and trust


def shares(board: Board, catalog: Catalog) -> Component | None:
    """What was answered in time by tier, town and week, as bars."""
    if not board.followed:
        return None
    t = catalog.t
    head = html.Div(
        [html.H2(t("warnings.share.title")),
         html.Span(t("warnings.share.hint"), className="hint")],
        className="section-head",
    )  # fmt: skip
    if not any(share.due for share in board.shares.get("tier", ())):
        return html.Section([head, html.P(t("warnings.share.empty"), className="quiet")])
    groups = [_group(by, board.shares.get(by, ()), catalog) for by in ("tier", "town", "week")]
    return html.Section([head, html.Div(groups, className="share-groups")])


def _group(by: str, rows: Iterable[Share], catalog: Catalog) -> Component:
    shown = [_share_row(share, by, catalog) for share in list(rows)[:_N_SHARES]]
    return html.Table(
        [html.Caption(catalog.t(f"warnings.share.{by}")), html.Tbody(shown)],
        className="share-table",
    )


def _share_row(share: Share, by: str, catalog: Catalog) -> Component:
    name = html.Th(said_of.share_name(share, by, catalog), scope="row")
    said = said_of.share_words(share, catalog)
    if not share.due:
        return html.Tr([name, html.Td(said, className="quiet", colSpan=3)])
    of = catalog.t("warnings.share.of", in_time=share.in_time, due=share.due)
    bar = html.Span(html.Span(style={"width": f"{share.value:.1%}"}), className="bar",
                    **attrs(aria_hidden="true"))  # fmt: skip
    return html.Tr(
        [
            name,
            html.Td(bar, className="share-bar"),
            html.Td(said, className="number"),
            html.Td(of, className="number hint"),
        ]
    )


def trust(board: Board, catalog: Catalog) -> Component | None:
    """How many warnings chance alone may have made, and behind a click how each was tested."""
    said, notes = said_of.trust(board, catalog)
    if not said:
        return None
    return html.Section(
        [
            html.P(said),
            html.Details(
                [html.Summary(catalog.t("warnings.trust.title")),
                 html.Ul([html.Li(note) for note in notes])],
                className="definition",
            ),
        ],
        className="board-trust",
    )  # fmt: skip
