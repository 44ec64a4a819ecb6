"""How many residents so many new sites can cover at most, and where more of them bring little."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from etl.siting.answer import as_table
from etl.siting.choosing import Choice, Watch, choose
from etl.siting.posed import Bools, Posed
from etl.siting.problem import Task, asked_task, is_lean
from etl.siting.standing import PartStanding, persons_covered
from geo.siting import Objective
from geo.siting.knee import find_knee
from geo.siting.stopwatch import Stopwatch

# A curve of more points is solved at so many of them; greedy steps lead from one to the next.
_MOST_SOLVED = 24
# What one search has where the time of all is over [s].
LEAST_S = 1.0
_LEAST_BEYOND, _MOST_BEYOND, _PART_BEYOND = 3, 10, 4


def coverage_curve(
    posed: Posed,
    standings: Sequence[PartStanding],
    choice: Choice,
    *,
    limit_s: float,
    on_share: Callable[[float], None],
    watch: Watch,
) -> pd.DataFrame:
    """Most residents covered by 0, 1, 2, … new sites of all parts together.

    What is asked for towns, and what sites cost, is left out: the curve says what is possible.
    Sites in service are those of the answer. A point is proven where no choice of as many sites
    covers more; one that is not is what was found in the time, never less than with fewer sites.
    """
    base = _task(posed, standings, 0)
    n_new = sum(int(s.new.sum()) for s in standings)
    most = sum(int(allowed.sum()) for allowed in base.allowed)
    asked = sum(one.part.p_new or 0 for one in posed.parts)
    last = max(n_new, asked)
    beyond = min(max(_LEAST_BEYOND, last // _PART_BEYOND), _MOST_BEYOND)
    last = max(min(last + beyond, most), n_new)
    nothing = Choice.given(base.kept)
    found = {0: (persons_covered(posed, nothing), persons_covered(posed, nothing), True, base.kept)}
    reachable = _reachable(posed, base)
    points = _points(last, n_new)
    n_locked = sum(
        int((one.named(posed.question.locked) & allowed).sum())
        for one, allowed in zip(posed.parts, base.allowed, strict=True)
    )
    clock = Stopwatch(limit_s)
    if _is_point(posed):
        found[n_new] = (persons_covered(posed, choice), choice.bound, choice.proven, choice.open)
    for done, n in enumerate(points):
        if n in found:
            continue
        if n < n_locked:
            # What is locked is built first, one by one.
            continue
        best = max((at for at in found if at < n), key=lambda at: found[at][0])
        if found[best][0] >= reachable * (1 - 1e-12):
            # Nobody is left whom any candidate reaches.
            found[n] = (found[best][0], reachable, True, found[best][3])
            continue
        limit = max(clock.left_s / (len(points) - done), LEAST_S)
        one = choose(posed, replace(base, p_new=n), time_limit_s=limit, watch=watch)
        if one.infeasible is None:
            found[n] = (persons_covered(posed, one), one.bound, one.proven, one.open)
        on_share((done + 1) / len(points))
    own = sum(float(s.one.persons @ s.covered_after) for s in standings)
    return _table(posed, base, found, last=last, n_new=n_new, own=own, reachable=reachable)


def knee_of(curve: pd.DataFrame) -> int | None:
    """Number of new sites at the knee; None where there is none."""
    marked = curve.loc[curve["knee"], "n_new"]
    return None if marked.empty else int(marked.iloc[0])


def _task(posed: Posed, standings: Sequence[PartStanding], n_new: int) -> Task:
    asked = asked_task(posed)
    return replace(
        asked,
        objective=Objective.MAX_COVERAGE,
        p_new=n_new,
        weights=tuple(one.persons for one in posed.parts),
        kept=tuple(s.open & s.one.existing for s in standings),
        closures=False,
        equity=False,
        budget=False,
    )


def _is_point(posed: Posed) -> bool:
    """Whether the answer is itself the most that so many sites can cover."""
    question = posed.question
    return (
        is_lean(posed, asked_task(posed))
        and len(posed.parts) == 1
        and question.parts[0].p_new is not None
        and question.budget is None
        and question.weigh_by == "residents"
    )


def _points(last: int, n_new: int) -> list[int]:
    """Numbers of sites that are solved: all, or some of many, the answer's own among them."""
    if last <= _MOST_SOLVED:
        return list(range(1, last + 1))
    some = np.unique(np.linspace(1, last, _MOST_SOLVED).round().astype(int))
    return sorted({int(n) for n in some} | {n_new} - {0})


def _reachable(posed: Posed, base: Task) -> float:
    """Residents whom all candidates together cover."""
    everything = tuple(
        kept | allowed for kept, allowed in zip(base.kept, base.allowed, strict=True)
    )
    return persons_covered(posed, Choice.given(everything))


def _table(
    posed: Posed,
    base: Task,
    found: dict[int, tuple[float, float, bool, tuple[Bools, ...]]],
    *,
    last: int,
    n_new: int,
    own: float,
    reachable: float,
) -> pd.DataFrame:
    persons = np.zeros(last + 1)
    bound, proven = np.full(last + 1, reachable), np.zeros(last + 1, dtype=np.bool_)
    for n in range(last + 1):
        if n in found:
            persons[n], bound[n], proven[n] = found[n][:3]
            opened = found[n][3]
        else:
            opened, persons[n] = _one_more(posed, base, opened)
        if n == n_new:
            persons[n] = max(persons[n], own)
    persons = np.maximum.accumulate(persons)
    # More sites never cover less, so a bound of more is one of fewer.
    bound = np.maximum(np.minimum.accumulate(bound[::-1])[::-1], persons)
    proven |= persons >= bound * (1 - 1e-9)
    everybody = sum(float(one.persons.sum()) for one in posed.parts)
    knee = find_knee(np.arange(last + 1.0), persons)
    frame = pd.DataFrame(
        {
            "n_new": np.arange(last + 1),
            "persons": persons,
            "share": persons / everybody if everybody > 0 else np.nan,
            "gain": np.diff(persons, prepend=np.nan),
            "bound": bound,
            "proven": proven,
            "knee": np.arange(last + 1) == knee,
        }
    )
    return as_table("curve", frame)


def _one_more(
    posed: Posed, base: Task, opened: tuple[Bools, ...]
) -> tuple[tuple[Bools, ...], float]:
    """The site that adds most to some others, and what all then cover."""
    if any(one.part.capacity_new is not None for one in posed.parts):
        # Whom a site has room for cannot be told by its reach alone.
        return opened, 0.0
    best, at = -1.0, (0, 0)
    for one, there, allowed in zip(posed.parts, opened, base.allowed, strict=True):
        covered = one.near.covered(there, n_cells=posed.n_cells)
        locked = one.named(posed.question.locked) & allowed & ~there
        may = locked if locked.any() else allowed & ~there
        adds = np.where(may, one.near.sums(np.where(covered, 0.0, one.persons)), -1.0)
        if adds.size and adds.max() > best:
            best, at = float(adds.max()), (one.position, int(adds.argmax()))
    more = [there.copy() for there in opened]
    if best >= 0:
        more[at[0]][at[1]] = True
    return tuple(more), persons_covered(posed, Choice.given(tuple(more)))
