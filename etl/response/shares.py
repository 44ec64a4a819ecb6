"""Answered in time: what was due of each warning, and whether it was done by then.

A warning asks for something each time it is opened or its tier rises: that is a duty, with the
deadline of the tier's standard. A duty is done by the response, where watching is the standard by
the acknowledgement. Only duties whose deadline has passed are counted: before it nobody knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pandas as pd

from etl.response.life import Event, Kind, Life, apply


@dataclass(frozen=True)
class Duty:
    """Something that a warning asked for.

    Attributes
    ----------
    week : of the figures that asked.
    done_at : when it was done; None while it is not.
    dropped : dismissed, merged or asked anew by a higher tier before it was due.
    """

    warning_id: str
    tier: int
    week: str
    town_code: str
    town_name: str
    begun_at: datetime
    due_at: datetime | None
    done_at: datetime | None = None
    dropped: bool = False


def duties(events: Sequence[Event]) -> list[Duty]:
    """Duties of the warnings, in the order in which they began.

    Parameters
    ----------
    events : of each warning all, in the order of their versions.
    """
    lives: dict[str, Life] = {}
    found: list[Duty] = []
    newest: dict[str, int] = {}
    for event in events:
        key = event.warning_id
        life = lives[key] = apply(lives.get(key), event)
        at = newest.get(key)
        if at is not None and found[at].done_at is None and not found[at].dropped:
            found[at] = _after(found[at], event, life)
        if event.kind in {Kind.OPENED, Kind.RAISED}:
            newest[key] = len(found)
            due_at = _due_at(life)
            found.append(
                Duty(key, event.tier, event.week, life.town_code, life.town_name, event.at, due_at)
            )
    return found


def _due_at(life: Life) -> datetime | None:
    return life.respond_by or life.acknowledge_by


def _after(duty: Duty, event: Event, life: Life) -> Duty:
    """A duty that was not done yet, after an event."""
    if event.kind in {Kind.DISMISSED, Kind.MERGED, Kind.RAISED}:
        in_time = duty.due_at is None or event.at <= duty.due_at
        return replace(duty, dropped=True) if in_time else duty
    watching = life.respond_by is None
    done = {Kind.RESPONDING, Kind.CLOSED} | ({Kind.ACKNOWLEDGED} if watching else set())
    if event.kind in done:
        return replace(duty, done_at=event.at)
    return replace(duty, due_at=_due_at(life))  # a merged warning may have brought an earlier one


def shares(found: Sequence[Duty], keys: Sequence[str], *, now: datetime) -> pd.DataFrame:
    """Share of the duties done in time, by tier, town or week.

    Parameters
    ----------
    keys : attributes of `Duty` to group by.
    now : aware; duties that are not due by then count as opened only.

    Returns
    -------
    The keys, then `opened`, `due` (deadline passed, not dropped), `in_time`, `dropped`, and `share`
    = in_time / due, NaN where nothing was due; sorted by the keys.
    """
    counts = ["opened", "due", "in_time", "dropped"]
    rows = [(*(getattr(duty, key) for key in keys), *_counts(duty, now)) for duty in found]
    frame = pd.DataFrame(rows, columns=[*keys, *counts])
    sums = frame.groupby(list(keys), sort=True)[counts].sum().reset_index()
    due = sums["due"].to_numpy(dtype=np.float64)
    share = np.divide(sums["in_time"], due, out=np.full(len(due), np.nan), where=due > 0)
    return sums.assign(share=share)


def _counts(duty: Duty, now: datetime) -> tuple[int, int, int, int]:
    """Opened, due, in time, dropped. Where no deadline is set, nothing is ever due."""
    if duty.dropped or duty.due_at is None or duty.due_at > now:
        return 1, 0, 0, int(duty.dropped)
    return 1, 1, int(duty.done_at is not None and duty.done_at <= duty.due_at), 0
