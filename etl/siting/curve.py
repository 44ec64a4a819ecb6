"""How many residents so many new sites can cover at most, and where more of them bring little."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from etl.siting.answer import as_table
from etl.siting.choosing import Choice, Watch, choose
from etl.siting.people import town_table
from etl.siting.posed import Posed
from etl.siting.problem import Task, asked_task
from etl.siting.standing import PartStanding, persons_covered
from geo.siting import Objective
from geo.siting.knee import find_knee
from geo.siting.stopwatch import Stopwatch

# A curve of more points is solved at so many of them; the others have no row.
_MOST_SOLVED = 24
# What one search has at least, however many share the time of all [s].
LEAST_S = 1.0
_LEAST_BEYOND, _MOST_BEYOND, _PART_BEYOND = 3, 10, 4
# A share that the answer has reached is met by the answer, whatever the rounding.
_SLACK = 1e-9


@dataclass(frozen=True)
class _Point:
    """Residents covered, and how many it can be at most; both are one where that is proven."""

    persons: float
    bound: float

    @classmethod
    def of(cls, persons: float, choice: Choice) -> _Point:
        """What a choice covers, by its bound."""
        return cls(persons, persons if choice.proven else choice.bound)


def coverage_curve(
    posed: Posed,
    standings: Sequence[PartStanding],
    choice: Choice,
    *,
    limit_s: float,
    on_share: Callable[[float], None],
    watch: Watch,
) -> tuple[pd.DataFrame, list[int]]:
    """Most residents covered by 0, 1, 2, … new sites of all parts together, by the asked rules.

    The rules are locks, distance, room, the budget and what is asked for towns; in place of the
    worst town first stands a floor: no town below the answer's lowest. Sites in service are those
    of the answer. A point is proven where no choice of at most as many sites covers more; one that
    is not is what was found in the time, never less than with fewer sites. Numbers of sites with
    which the rules cannot be met have no row, but 0, which is today.

    Those for which no time was left have none either; they come with the table.
    """
    base = _task(posed, standings)
    n_new = sum(int(s.new.sum()) for s in standings)
    numbers = _numbers(posed, base, n_new)
    own = sum(float(s.one.persons @ s.covered_after) for s in standings)
    reachable = _reachable(posed, base)
    today = persons_covered(posed, Choice.given(base.kept))
    found = {0: _Point(today, today)}
    if n_new:
        found[n_new] = _Point(own, reachable)
    if n_new and _is_point(posed):
        found[n_new] = _Point.of(own, choice)
        numbers.remove(n_new)
    clock = Stopwatch(limit_s)
    left_out: list[int] = []
    for done, n in enumerate(numbers):
        best = max((point.persons for at, point in found.items() if at < n), default=0.0)
        if best >= reachable * (1 - 1e-12):
            # Nobody is left whom any candidate reaches.
            found[n] = _Point(best, best)
            continue
        if clock.over:
            left_out.append(n)
            continue
        limit = max(clock.left_s / (len(numbers) - done), LEAST_S)
        one = choose(posed, replace(base, p_new=n), time_limit_s=limit, watch=watch)
        if one.infeasible is None:
            found[n] = _Point.of(persons_covered(posed, one), one)
        on_share((done + 1) / len(numbers))
    return _table(posed, found, own={n_new: own}, reachable=reachable), left_out


def knee_of(curve: pd.DataFrame) -> int | None:
    """Number of new sites at the knee; None where there is none."""
    marked = curve.loc[curve["knee"], "n_new"]
    return None if marked.empty else int(marked.iloc[0])


def curve_rules(posed: Posed, standings: Sequence[PartStanding]) -> dict[str, Any]:
    """What the points of the curve have in common, as `meta` keeps it.

    `floor`: least share of every town; `paid`: most new sites that the budget pays for; None for
    neither. `same`: whether the answer is itself judged by the residents covered.
    """
    task = _task(posed, standings)
    return {"floor": task.least_share, "paid": _paid(posed), "same": _is_point(posed)}


def _task(posed: Posed, standings: Sequence[PartStanding]) -> Task:
    asked = asked_task(posed)
    floor = asked.least_share
    if asked.worst_first:
        lowest = float(town_table(posed, standings)["share_after"].min())
        floor = max(floor or 0.0, lowest - _SLACK) if np.isfinite(lowest) else floor
    return replace(
        asked,
        objective=Objective.MAX_COVERAGE,
        p_new=0,
        weights=tuple(one.persons for one in posed.parts),
        kept=tuple(s.open & s.one.existing for s in standings),
        closures=False,
        least_share=floor,
        worst_first=False,
    )


def _is_point(posed: Posed) -> bool:
    """Whether the answer is itself the most that so many sites can cover by the rules."""
    question = posed.question
    return (
        question.objective == Objective.MAX_COVERAGE
        and len(posed.parts) == 1
        and question.weigh_by == "residents"
    )


def _paid(posed: Posed) -> int | None:
    """Most new sites that the budget pays for; None where it sets no limit."""
    cheapest = min((one.part.cost_new or 0.0 for one in posed.parts), default=0.0)
    if posed.question.budget is None or cheapest == 0:
        return None
    return int(posed.question.budget / cheapest + _SLACK)


def _numbers(posed: Posed, base: Task, n_new: int) -> list[int]:
    """Numbers of new sites that are tried: all, or some of many, the answer's own among them."""
    asked = sum(one.part.p_new or 0 for one in posed.parts)
    last = max(n_new, asked, 0)
    beyond = min(max(_LEAST_BEYOND, last // _PART_BEYOND), _MOST_BEYOND)
    most = sum(int(allowed.sum()) for allowed in base.allowed)
    paid = _paid(posed)
    last = max(min(last + beyond, most, most if paid is None else paid), n_new)
    # What is locked is built first.
    first = max(1, sum(
        int((one.named(posed.question.locked) & allowed).sum())
        for one, allowed in zip(posed.parts, base.allowed, strict=True)
    ))  # fmt: skip
    if last - first < _MOST_SOLVED:
        return list(range(first, last + 1))
    some = np.linspace(first, last, _MOST_SOLVED).round().astype(int)
    return sorted({int(n) for n in some} | {n_new} - {0})


def _reachable(posed: Posed, base: Task) -> float:
    """Residents whom all candidates together cover."""
    everything = tuple(
        kept | allowed for kept, allowed in zip(base.kept, base.allowed, strict=True)
    )
    return persons_covered(posed, Choice.given(everything))


def _table(
    posed: Posed, found: dict[int, _Point], *, own: dict[int, float], reachable: float
) -> pd.DataFrame:
    numbers = sorted(found)
    persons = np.array([max(found[n].persons, own.get(n, 0.0)) for n in numbers])
    persons = np.maximum.accumulate(persons)
    # More sites never cover less, so a bound of more is one of fewer.
    bound = np.minimum.accumulate([min(found[n].bound, reachable) for n in numbers[::-1]])[::-1]
    bound = np.maximum(bound, persons)
    everybody = sum(float(one.persons.sum()) for one in posed.parts)
    knee = find_knee(np.array(numbers, dtype=np.float64), persons)
    frame = pd.DataFrame(
        {
            "n_new": numbers,
            "persons": persons,
            "share": persons / everybody if everybody > 0 else np.nan,
            "gain": np.diff(persons, prepend=np.nan),
            "bound": bound,
            "proven": persons >= bound * (1 - 1e-9),
            "knee": np.arange(len(numbers)) == knee,
        }
    )
    return as_table("curve", frame)
