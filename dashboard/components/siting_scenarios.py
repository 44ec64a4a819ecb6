"""The list of scenarios: filters, one row each with what can be done about it, two to compare."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard import ids
from dashboard import siting_scenarios as told
from dashboard.components.attributes import attrs
from dashboard.components.states import empty
from dashboard.siting_scenarios import SORTS, STATES, Choice, Listed
from dashboard.text import Catalog, words

COLUMNS = ("tick", "name", "asked", "result", "week", "state", "manage")


def compare_address(first: str, second: str, catalog: Catalog) -> str:
    """Where two scenarios stand side by side."""
    return f"/siting/compare?a={first}&b={second}&lang={catalog.lang}"


# ---------------------------------------------------------------- above the list


def filters(rows: Sequence[Listed], choice: Choice, catalog: Catalog) -> Component:
    """States that there are, and orders."""
    t = catalog.t
    there = [state for state in STATES if any(one.state == state for one in rows)]
    lines = [
        _line("state", {"": t("scenarios.filter.all"),
                        **{state: t(f"scenarios.state.{state}") for state in there}},
              choice, catalog),
        _line("sort", {sort: t(f"scenarios.filter.{sort}") for sort in SORTS}, choice, catalog),
    ]  # fmt: skip
    return html.Div(
        lines,
        className="board-filters",
        role="group",
        **attrs(aria_label=t("scenarios.filter.label")),
    )


def _line(name: str, offered: dict[str, str], choice: Choice, catalog: Catalog) -> Component:
    current = getattr(choice, name)
    links = [
        html.Span(
            dcc.Link(text, href=choice.address(catalog, **{name: key}), className="chip"),
            className="is-current" if key == current else None,
            **attrs(aria_current="true" if key == current else None),
        )
        for key, text in offered.items()
    ]
    title = html.Span(catalog.t(f"scenarios.filter.{name}"), className="board-filter-name")
    return html.Div([title, *links], className="chips", **attrs(data_filter=name))


def compare_bar(ticked: Sequence[str], catalog: Catalog) -> Component:
    """How many are ticked, and the way to compare where they are two."""
    t = catalog.t
    if len(ticked) == 2:
        first, second = ticked
        return html.A(
            t("scenarios.bar.two"),
            href=compare_address(first, second, catalog),
            className="button button-main",
        )
    key = "none" if not ticked else "one" if len(ticked) == 1 else "many"
    return html.Span(t(f"scenarios.bar.{key}", count=len(ticked)), className="hint")


# ---------------------------------------------------------------- the list


def table(
    rows: Sequence[Listed],
    choice: Choice,
    catalog: Catalog,
    *,
    timezone: str,
    ticked: Collection[str] = (),
) -> Component:
    """The rows that the filters keep; what to do where there are none."""
    t = catalog.t
    if not rows:
        return html.Div(
            [
                empty(t("scenarios.note.empty"), t("scenarios.note.empty_next")),
                html.A(t("scenarios.back"), href="/siting", className="button button-main"),
            ],
            className="board-none",
        )
    kept = told.shown(rows, choice)
    if not kept:
        said = empty(t("scenarios.note.filtered"), t("scenarios.note.filtered_next"))
        return html.Div(said, className="board-none")
    head = [html.Th(t(f"scenarios.column.{name}"), scope="col") for name in COLUMNS]
    there = {one.scenario_id for one in rows}
    body = [
        _row(one, catalog, timezone=timezone, ticked=one.scenario_id in ticked, known=there)
        for one in kept
    ]
    return html.Div(
        html.Table([html.Thead(html.Tr(head)), html.Tbody(body)], className="table scenarios"),
        className="table-scroll",
    )


def _row(
    one: Listed, catalog: Catalog, *, timezone: str, ticked: bool, known: Collection[str]
) -> Component:
    return html.Tr(
        [
            html.Td(_tick(one, catalog, ticked=ticked)),
            html.Th(_name(one, catalog, timezone, known), scope="row"),
            html.Td(one.asked, className="scenario-asked"),
            html.Td(_result(one, catalog)),
            html.Td(words.week_short(catalog, one.week), title=one.snapshot_id,
                    className="scenario-week"),
            html.Td(state(one, catalog), id={"type": ids.SCENARIOS_STATE, "index": one.scenario_id},
                    className="scenario-state is-live" if one.live else "scenario-state"),
            html.Td(_manage(one, catalog)),
        ],
        **attrs(data_scenario=one.scenario_id),
    )  # fmt: skip


def _tick(one: Listed, catalog: Catalog, *, ticked: bool) -> Component:
    label = html.Span(catalog.t("scenarios.row.tick", name=one.name), className="visually-hidden")
    return dcc.Checklist(
        id={"type": ids.SCENARIOS_TICK, "index": one.scenario_id},
        options=[{"label": label, "value": one.scenario_id}],
        value=[one.scenario_id] if ticked else [],
        className="scenario-tick",
    )


def _name(one: Listed, catalog: Catalog, timezone: str, known: Collection[str]) -> list[Any]:
    t = catalog.t
    at = t("scenarios.row.created", at=words.moment(catalog, one.created_at_utc, timezone))
    said = t("scenarios.row.replays") + at if one.replays else at
    original = None
    if one.replays in known:
        original = html.A(
            t("scenarios.row.original"),
            href=compare_address(one.replays, one.scenario_id, catalog),
        )
    return [
        html.A(one.name, href=f"/siting?scenario={one.scenario_id}&lang={catalog.lang}"),
        html.P(said, className="hint"),
        html.P(original, className="scenario-original") if original else html.P(),
    ]


def _result(one: Listed, catalog: Catalog) -> list[Component]:
    said = told.result_words(one, catalog)
    sure = told.certainty_words(one, catalog)
    none = catalog.t("scenarios.result.none")
    return [
        html.P(said or none, className=None if said else "quiet"),
        html.P(sure, className="hint") if sure else html.P(),
    ]


def state(one: Listed, catalog: Catalog) -> list[Component]:
    """A mark that fills up with the work done, and the state in words."""
    share = f"{100 * one.progress:.0f}%" if one.state == "running" else "0%"
    return [
        html.Span(className=f"job-mark job-{one.state}", style={"--done": share},
                  **attrs(aria_hidden="true")),
        html.Span(told.state_words(one, catalog)),
    ]  # fmt: skip


def _manage(one: Listed, catalog: Catalog) -> Component:
    """What can be done about a scenario, folded: to discard one takes two steps more."""
    t = catalog.t
    label = t("scenarios.act.name")
    name = html.Label(
        [
            html.Span(label, className="form-name"),
            dcc.Input(id={"type": ids.SCENARIOS_NAME, "index": one.scenario_id}, type="text",
                      value=one.name, maxLength=60, autoComplete="off", className="form-input"),
        ]
    )  # fmt: skip
    acts: list[Any] = [html.Div([name, _button("rename", one, catalog)], className="scenario-form")]
    if one.newer and not one.live:
        week = words.week_short(catalog, one.newer)
        acts.append(
            html.Div(
                [
                    _button("replay", one, catalog, week=week),
                    html.P(t("scenarios.act.replay_hint"), className="hint"),
                ]
            )
        )
    if one.live:
        acts.append(_button("cancel", one, catalog))
    if one.state != "running":
        sure = html.P(t("scenarios.act.sure", name=one.name))
        last = _button("discard", one, catalog, text=t("scenarios.act.discard_now"))
        acts.append(
            html.Details(
                [html.Summary(t("scenarios.act.discard")), sure, last], className="scenario-sure"
            )
        )
    return html.Details(
        [
            html.Summary(
                t("scenarios.act.manage"),
                className="button",
                **attrs(aria_label=f"{t('scenarios.act.manage')} {one.name}"),
            ),
            html.Div(acts, className="scenario-acts"),
        ],
        className="scenario-more",
    )


BUTTONS = {
    "rename": ids.SCENARIOS_RENAME,
    "replay": ids.SCENARIOS_REPLAY,
    "cancel": ids.SCENARIOS_CANCEL,
    "discard": ids.SCENARIOS_DISCARD,
}


def _button(
    action: str, one: Listed, catalog: Catalog, *, text: str = "", **values: str
) -> Component:
    return html.Button(
        text or catalog.t(f"scenarios.act.{action}", **values),
        id={"type": BUTTONS[action], "index": one.scenario_id},
        className="button",
    )
