"""From a question on its ground to an answer: the steps in order, each told as it goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.siting.answer import Answer, empty_tables, jsonable
from etl.siting.candidates import standard_of
from etl.siting.choosing import Choice, choose
from etl.siting.curve import coverage_curve, curve_rules, knee_of
from etl.siting.gap_change import gap_change
from etl.siting.ground import Ground
from etl.siting.people import group_table, headline, town_table, uncovered_table
from etl.siting.places import candidate_table, site_table
from etl.siting.posed import Posed, pose
from etl.siting.problem import asked_task
from etl.siting.question import Question
from etl.siting.reach import as_runs
from etl.siting.robustness import try_variants
from etl.siting.standing import PartStanding, nearest_min, stand
from etl.siting.target_change import target_table

# Steps and the share of the way that is done when they end.
STEPS = {"ways": 0.1, "choose": 0.5, "curve": 0.7, "people": 0.75, "robustness": 1.0}
# Of the question's limit of time, for all points of the curve and for all variants.
_CURVE_PART, _ROBUST_PART = 0.5, 0.5

OnProgress = Callable[[str, float], None]
OnBound = Callable[[float, float], None]


def answer_question(
    ground: Ground,
    question: Question,
    *,
    on_progress: OnProgress | None = None,
    on_bound: OnBound | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Answer:
    """Choose the sites, and say what they change, what else could be had, and whether they hold.

    Parameters
    ----------
    on_progress : told the step, a key of `STEPS`, and the share 0..1 of all the way.
    on_bound : told the best value found so far and its bound while the sites are chosen.
    cancelled : asked again and again; once it says so, what has been found is the answer, without
        the steps that are left.

    Raises
    ------
    QuestionError : this ground cannot answer the question.
    """
    run = _Run(on_progress, on_bound, cancelled)
    try:
        posed = pose(ground, question, go_on=run.go_on)
    except _StoppedError:
        meta = {**_about(ground, question), "state": "cancelled", "cancelled": True}
        return Answer(jsonable(meta), empty_tables(), {})
    run.say("choose", 0.0)
    choice = choose(posed, asked_task(posed), time_limit_s=question.time_limit_s,
                    watch=run.watch("choose", question.time_limit_s))  # fmt: skip
    if not any(one.any() for one in choice.open) and (choice.infeasible or run.stopped):
        return _without_sites(posed, choice, run)
    run.say("choose", 1.0)
    standings = stand(posed, choice)
    tables = {**empty_tables(), "sites": site_table(posed, standings, choice)}
    tables["towns"] = town_table(posed, standings)
    tables["groups"] = group_table(posed, standings)
    tables["uncovered"] = uncovered_table(posed, standings)
    tables["candidates"] = candidate_table(posed, standings)
    untried: dict[str, Any] = {"curve": [], "robustness": []}
    if not run.stopped:
        tables["curve"], untried["curve"] = coverage_curve(
            posed, standings, choice, limit_s=question.time_limit_s * _CURVE_PART,
            on_share=lambda share: run.say("curve", share), watch=run.quiet,
        )  # fmt: skip
    tables["gaps"], gaps = gap_change(posed, standings)
    tables["targets"] = target_table(posed, standings, gaps["supply"])
    run.say("people", 1.0)
    if not run.stopped:
        tables["robustness"], untried["robustness"] = try_variants(
            posed, choice, limit_s=question.time_limit_s * _ROBUST_PART,
            on_share=lambda share: run.say("robustness", share), watch=run.quiet,
        )  # fmt: skip
    meta = {
        **_meta(posed, choice, run),
        **headline(posed, standings),
        "state": "cancelled" if run.stopped else "found",
        "n_new": sum(int(s.new.sum()) for s in standings),
        "n_closed": sum(int(s.closed.sum()) for s in standings),
        "knee": knee_of(tables["curve"]),
        "curve": curve_rules(posed, standings),
        "untried": untried,
        "assumed": gaps,
    }
    return Answer(jsonable(meta), tables, _cells(posed, standings, tables["candidates"]))


class _StoppedError(Exception):
    """Somebody has cancelled before anything was known."""


class _Run:
    """Tells how far it has come, and hears whether to go on."""

    def __init__(
        self,
        on_progress: OnProgress | None,
        on_bound: OnBound | None,
        cancelled: Callable[[], bool] | None,
    ) -> None:
        self._on_progress, self._on_bound, self._cancelled = on_progress, on_bound, cancelled
        self._stopped = False

    @property
    def stopped(self) -> bool:
        """Whether somebody has cancelled."""
        if not self._stopped and self._cancelled is not None:
            self._stopped = self._cancelled()
        return self._stopped

    def say(self, step: str, share: float) -> None:
        """Tell how far a step has come."""
        if self._on_progress is None:
            return
        names = list(STEPS)
        begin = 0.0 if step == names[0] else STEPS[names[names.index(step) - 1]]
        self._on_progress(step, begin + (STEPS[step] - begin) * min(share, 1.0))

    def go_on(self, share: float) -> None:
        """Tell how far the ways have come; raises where somebody has cancelled."""
        self.say("ways", share)
        if self.stopped:
            raise _StoppedError

    def watch(self, step: str, limit_s: float) -> Callable[[float, float, float], bool]:
        """What a search tells: seconds, best value and bound."""

        def told(seconds: float, value: float, bound: float) -> bool:
            self.say(step, seconds / limit_s)
            if self._on_bound is not None:
                self._on_bound(value, bound)
            return not self.stopped

        return told

    def quiet(self, _seconds: float, _value: float, _bound: float) -> bool:
        """The same for a search that nobody follows."""
        return not self.stopped


def _about(ground: Ground, question: Question) -> dict[str, Any]:
    return {
        "snapshot_id": ground.snapshot_id,
        "week": ground.week,
        "code_version": ground.code_version,
        "ground_sha256": ground.sha256,
        "question": question.model_dump(mode="json"),
        "objective": question.objective.value,
        "travel": ground.travel.meta(),
        "same_travel": ground.same_travel,
        "standard": standard_of(ground, question),
    }


def _meta(posed: Posed, choice: Choice, run: _Run) -> dict[str, Any]:
    return {
        **_about(posed.ground, posed.question),
        "value": choice.value,
        "bound": choice.bound,
        "gap": choice.gap,
        "proven": choice.proven,
        "seconds": choice.seconds,
        "method": choice.method,
        "cancelled": run.stopped,
        "infeasible": _infeasible(choice),
        "n_candidates": len(posed.candidates),
        "n_existing": sum(one.n_existing for one in posed.parts),
        "n_closed": 0,
        "n_new": 0,
        "knee": None,
        "closable": _closable(posed),
        "limits_min": [one.limit_min for one in posed.parts],
        "left_out": [_left_out(posed, at) for at in range(len(posed.parts))],
    }


def _infeasible(choice: Choice) -> dict[str, Any] | None:
    if choice.infeasible is None:
        return None
    return {**asdict(choice.infeasible), "cause": choice.infeasible.cause.value,
            "said": choice.because}  # fmt: skip


def _closable(posed: Posed) -> list[str]:
    return [
        str(code)
        for one in posed.parts
        for code in one.sites.loc[one.existing & one.named(posed.question.closable), "site_id"]
    ]


def _left_out(posed: Posed, at: int) -> int:
    """Peopled cells from which no site at all is within the longest way that is looked at."""
    one = posed.parts[at]
    reached = np.bincount(one.reach.cell, minlength=posed.n_cells) > 0
    return int((~reached & (one.persons > 0)).sum())


def _without_sites(posed: Posed, choice: Choice, run: _Run) -> Answer:
    """What is known where there is no choice: how things are, and what could be chosen from."""
    open_today = tuple(one.existing for one in posed.parts)
    today = Choice.given(open_today)
    standings = stand(posed, today)
    tables = {**empty_tables(), "sites": site_table(posed, standings, today)}
    tables["towns"] = town_table(posed, standings)
    tables["groups"] = group_table(posed, standings)
    tables["uncovered"] = uncovered_table(posed, standings)
    tables["candidates"] = candidate_table(posed, standings)
    meta = {
        **_meta(posed, choice, run),
        **headline(posed, standings),
        "state": "cancelled" if run.stopped else "infeasible",
    }
    return Answer(jsonable(meta), tables, _cells(posed, standings, tables["candidates"]))


def _cells(
    posed: Posed, standings: tuple[PartStanding, ...], candidates: pd.DataFrame
) -> dict[str, npt.NDArray[Any]]:
    cells: dict[str, npt.NDArray[Any]] = {"town": posed.town.astype(np.int32)}
    for group in posed.ground.persons.columns:
        people = np.nan_to_num(posed.ground.persons[group].to_numpy(dtype=np.float64))
        cells[f"group.{group}"] = people
    for s in standings:
        one = s.one
        stays = one.existing & ~one.named(posed.question.closable)
        arrays: dict[str, npt.NDArray[Any]] = {
            "minutes_before": one.before_min.astype(np.float32),
            "minutes_after": s.after_min.astype(np.float32),
            "state": s.state.astype(np.uint8),
            "covered_before": s.covered_before > 0,
            "persons": one.persons,
            "base_min": nearest_min(posed, one, stays).astype(np.float32),
            "base_covered": one.near.covered(stays, n_cells=posed.n_cells),
        }
        suffix = f".{one.position}" if one.position else ""
        cells |= {f"{name}{suffix}": values for name, values in arrays.items()}
    return cells | _reach(posed, [*candidates["candidate_id"], *_closable(posed)])


def _reach(posed: Posed, ids: list[str]) -> dict[str, npt.NDArray[Any]]:
    """Cells within the threshold of each site that can be tried."""
    place = {code: (one, at) for one in posed.parts for at, code in enumerate(one.sites["site_id"])}
    found = [place.get(code) for code in ids]
    slices = [
        (0, 0)
        if one is None
        else (int(one[0].near.start[one[1]]), int(one[0].near.start[one[1] + 1]))
        for one in found
    ]
    start = np.concatenate([[0], np.cumsum([end - begin for begin, end in slices])])
    none: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)
    cells = [one[0].near.cell[b:e] for one, (b, e) in zip(found, slices, strict=True) if one]
    return as_runs(start, np.concatenate([none, *cells]).astype(np.int32))
