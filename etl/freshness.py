"""How old the figures of a source are, and from which day on it is late.

Judged whenever it is looked at, since a snapshot goes on being shown while its sources grow old.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

# Figures of a week come in on the Monday after it: nine days after its Sunday the next week's are
# there, or late.
USUAL_DAYS = 9
# A source of weekly figures that may grow older than this is a register or an archive.
WEEKLY_MAX_AGE_DAYS = 31

State = Literal["fresh", "late", "stale", "failed"]


@dataclass(frozen=True)
class Freshness:
    """The age of a source on one day.

    Attributes
    ----------
    state : `late` when weekly figures are behind, `stale` when older than the locality allows,
        `failed` when the last file could not be used.
    days : age [days] of the newest figures, or of the file where figures have no week; None when
        neither is known.
    late_on, stale_on : the first day of that state; None when it never comes.
    """

    state: State
    days: int | None
    late_on: date | None
    stale_on: date | None


def rhythm(role: str, max_age_days: int | None) -> str:
    """`weekly` for a source that is expected to bring figures every week, else empty."""
    running = max_age_days is not None and max_age_days <= WEEKLY_MAX_AGE_DAYS
    return "weekly" if role == "observations" and running else ""


def _sunday(week: str) -> date:
    return date.fromisocalendar(int(week[:4]), int(week[6:]), 7)


def judge(
    *,
    newest_week: str | None,
    received_on: date,
    max_age_days: int | None,
    expected: str,
    failed: bool,
    today: date,
) -> Freshness:
    """Judge a source on a day.

    Parameters
    ----------
    newest_week : ISO week of its newest figures; None for what has no weeks.
    received_on : day on which its present content came.
    max_age_days : older is stale; None for what does not grow old.
    expected : its rhythm, `weekly` or empty.
    failed : whether the last file could not be used.
    today : in the locality.

    Examples
    --------
    >>> judge(newest_week="2026-W46", received_on=date(2026, 11, 16), max_age_days=14,
    ...       expected="weekly", failed=False, today=date(2026, 11, 25)).state
    'late'
    """
    newest = _sunday(newest_week) if newest_week else None
    counted_from = newest or received_on
    stale_on = late_on = None
    if max_age_days is not None:
        stale_on = counted_from + timedelta(days=max_age_days + 1)
    if expected == "weekly" and newest is not None:
        late_on = newest + timedelta(days=USUAL_DAYS + 1)
    state: State = "fresh"
    if late_on is not None and today >= late_on:
        state = "late"
    if stale_on is not None and today >= stale_on:
        state = "stale"
    if failed:
        state = "failed"
    return Freshness(state, max((today - counted_from).days, 0), late_on, stale_on)
