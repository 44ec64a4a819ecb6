"""What the siting page shows of a scenario, in whatever state it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from dash import html
from dash.development.base_component import Component

from dashboard import siting_form, siting_map
from dashboard import siting_words as said_of
from dashboard.components import siting_form as form_parts
from dashboard.components import (
    siting_job,
    siting_legend,
    siting_result,
    siting_sharing,
    states,
)
from dashboard.planner import Answer, Offer, Planner, Scenario, refusal
from dashboard.text import Catalog, words
from dashboard.tokens import Theme
from etl.store.reader import Reader, Snapshot
from geo.errors import CodeError, FaultsError, NotPublishedError, XintuError

_MOST_FAULTS = 6


@dataclass(frozen=True)
class Shown:
    """One screen of the page.

    Attributes
    ----------
    heading : the finding and what it rests on.
    panel : the pane of results.
    frame : what the browser joins to a view of the map.
    legend : of the map.
    """

    heading: list[Any]
    panel: list[Any]
    frame: dict[str, Any]
    legend: list[Any]


def find(planner: Planner, scenario_id: str) -> Scenario | None:
    """A scenario; None where there is none of that id."""
    if not scenario_id:
        return None
    try:
        return planner.scenario(scenario_id)
    except CodeError:
        return None


def stage(scenario: Scenario | None, scenario_id: str) -> dict[str, Any]:
    """What of a scenario makes the page look different, beside its progress."""
    if scenario is None:
        return {"scenario": scenario_id, "state": "unknown" if scenario_id else "", "name": ""}
    return {"scenario": scenario_id, "state": "live" if scenario.live else scenario.state,
            "name": scenario.name}  # fmt: skip


def question_of(planner: Planner, scenario_id: str) -> dict[str, Any] | None:
    """What a scenario asked; None where there is no such scenario."""
    found = find(planner, scenario_id)
    return None if found is None else found.question


def answer_of(planner: Planner, done: Mapping[str, Any] | None) -> Answer | None:
    """The answer on the screen, where there is one."""
    if not done or done["state"] not in ("done", "cancelled"):
        return None
    try:
        answer = planner.result(done["scenario"])
    except NotPublishedError:
        return None
    # Stopped before any site was found: how things are today is no answer.
    found = answer.meta.get("n_new") or answer.meta.get("n_closed") or done["state"] == "done"
    return answer if found else None


# ---------------------------------------------------------------- the screen


def read(
    reader: Reader, planner: Planner, scenario_id: str, catalog: Catalog, *, theme: Theme
) -> Shown:
    """The page for a scenario, or for none."""
    scenario = find(planner, scenario_id)
    if scenario is None:
        return _nothing_asked(
            reader.current(), planner, catalog, theme=theme, known=not scenario_id
        )
    try:
        snapshot = reader.snapshot(scenario.snapshot_id)
    except NotPublishedError:
        snapshot = reader.current()
    answer = answer_of(planner, stage(scenario, scenario_id))
    if answer is None:
        return _without_answer(scenario, snapshot, planner, catalog, theme=theme)
    return _with_answer(scenario, snapshot, answer, planner.offer(), catalog, theme=theme)


def _nothing_asked(
    snapshot: Snapshot, planner: Planner, catalog: Catalog, *, theme: Theme, known: bool
) -> Shown:
    t, offer = catalog.t, planner.offer()
    if not known:
        panel: list[Any] = [siting_job.unknown(catalog)]
    else:
        panel = [states.empty(t("siting.start.title"), t("siting.start.next"))]
    return Shown(
        [html.H1(t("siting.start.heading")),
         html.P(t("siting.start.sub", week=words.week_label(catalog, snapshot.week)))],
        panel,
        _ground(snapshot, offer, catalog, theme=theme),
        [siting_legend.point_legend(catalog, "existing", "candidate", "locked", "forbidden")],
    )  # fmt: skip


def _ground(
    snapshot: Snapshot, offer: Offer, catalog: Catalog, *, theme: Theme, kinds: Sequence[str] = ()
) -> dict[str, Any]:
    """The map without an answer: today's sites of the kinds asked for."""
    view = siting_map.ground_view(snapshot, catalog, theme=theme)
    wanted = list(kinds) or [kind.code for kind in siting_form.kinds_of(offer)[:1]]
    sites = offer.sites[offer.sites["kind"].isin(wanted)]
    points = [siting_map.offered_point(row, catalog) for row in sites.to_dict("records")]
    sides = {side: {"cells": [view["cells"]], "points": points} for side in ("before", "after")}
    return {"view": view, "sides": sides, "answered": False, "kinds": [],
            "words": _map_words(catalog)}  # fmt: skip


def _without_answer(
    scenario: Scenario, snapshot: Snapshot, planner: Planner, catalog: Catalog, *, theme: Theme
) -> Shown:
    t, offer = catalog.t, planner.offer()
    asked = said_of.asked(scenario.question, offer, catalog)
    heading = t("siting.job.heading" if scenario.live else f"siting.end.{scenario.state}")
    panel: list[Any] = [siting_job.older(scenario, offer.snapshot_id, catalog)]
    if not scenario.live:
        panel.append(siting_job.ended(scenario, catalog))
    panel.append(html.P(asked))
    kinds = [part["kind"] for part in scenario.question["parts"]]
    return Shown(
        [html.H1(heading), html.P(_sub(scenario, snapshot, catalog))],
        panel,
        _ground(snapshot, offer, catalog, theme=theme, kinds=kinds),
        [siting_legend.point_legend(catalog, "existing", "candidate", "locked", "forbidden")],
    )


def _with_answer(
    scenario: Scenario,
    snapshot: Snapshot,
    answer: Answer,
    offer: Offer,
    catalog: Catalog,
    *,
    theme: Theme,
) -> Shown:
    code = scenario.scenario_id
    kinds = [part["kind"] for part in answer.meta["question"]["parts"]]
    sides = {
        side: {
            "cells": [siting_map.cell_source(code, side, catalog, part=part)
                      for part in range(len(kinds))],
            "points": siting_map.answer_points(answer, catalog, side=side),
        }
        for side in ("before", "after")
    }  # fmt: skip
    frame = {
        "view": siting_map.ground_view(snapshot, catalog, theme=theme),
        "sides": sides,
        "answered": True,
        "kinds": kinds,
        "words": _map_words(catalog),
    }
    head = [
        siting_job.older(scenario, offer.snapshot_id, catalog),
        html.Div([form_parts.name_input(scenario.name, catalog),
                  siting_sharing.sharing(code, catalog)], className="siting-head"),
    ]  # fmt: skip
    return Shown(
        [html.H1(said_of.headline(answer, catalog)), html.P(_sub(scenario, snapshot, catalog))],
        [*head, *siting_result.result(answer, offer, catalog, theme=theme)],
        frame,
        _legend(answer, catalog),
    )


def _legend(answer: Answer, catalog: Catalog) -> list[Component]:
    parts = range(len(answer.meta["question"]["parts"]))
    lost = any((answer.array("state", part) == siting_map.LOST).any() for part in parts)
    shut = (answer.tables["sites"]["state"] == "closed").any()
    roles = ["new", "existing", *(["closed"] if shut else []), "candidate"]
    return [
        siting_legend.cell_legend(catalog, lost=lost),
        siting_legend.point_legend(catalog, *roles),
    ]


def _sub(scenario: Scenario, snapshot: Snapshot, catalog: Catalog) -> str:
    return catalog.t(
        "siting.finding.sub",
        name=said_of.name_of(scenario, catalog),
        week=words.week_label(catalog, snapshot.week),
    )


def _map_words(catalog: Catalog) -> dict[str, str]:
    """What the browser itself says while a hand is on the map."""
    return {
        name: catalog.t(f"siting.hint.{name}")
        for name in ("start", "answer", "picked", "tried", "adding", "point", "locked", "forbidden",
                     "new", "before")
    }  # fmt: skip


# ---------------------------------------------------------------- acts


def refused(error: XintuError, catalog: Catalog) -> Component:
    """Why something could not be done, every fault of a question on a line of its own."""
    key = refusal(error)
    if isinstance(error, FaultsError):
        said = [_fault(fault, catalog) for fault in error.faults[:_MOST_FAULTS]]
        return html.Ul([html.Li(line) for line in said], className="form-said siting-faults")
    return html.P(catalog.t(f"siting.refused.{key}"), className="form-said")


def _fault(fault: Any, catalog: Catalog) -> str:
    told = getattr(fault, "words", None)
    if told is None:
        return str(fault)
    where = fault.where.rpartition(".")[2]
    key = f"siting.field.{where}"
    said = catalog.pick({"zh": told.zh, "en": told.en})
    name = catalog.t(key) if catalog.has(key) else ""
    return catalog.t("siting.refused.fault", field=name, said=said) if name else said


def search_for(search: str | None, scenario_id: str) -> str:
    """The query of an address, with this scenario in it."""
    given = dict(parse_qsl((search or "").lstrip("?")))
    given.pop("scenario", None)
    kept = {**({"scenario": scenario_id} if scenario_id else {}), **given}
    return "?" + urlencode(kept)
