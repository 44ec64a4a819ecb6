"""When a job is due, by the clock on a locality's wall; and whether a run was missed.

Exactly one run a day or a week, whatever summer time does: an hour that is left out is made up for
by the hour after it, an hour that comes twice counts the first time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class At:
    """Every day, or one day a week, at a time of the locality.

    Attributes
    ----------
    at : local time as HH:MM.
    timezone : IANA name.
    day : "mon" … "sun"; every day by default.
    """

    at: str
    timezone: str
    day: str | None = None

    def after(self, moment: datetime) -> datetime:
        """The first due time after a moment, UTC."""
        day = moment.astimezone(ZoneInfo(self.timezone)).date() - timedelta(days=1)
        while True:
            if self.day is None or DAYS[day.weekday()] == self.day:
                local = datetime.combine(day, time.fromisoformat(self.at))
                due = local.replace(tzinfo=ZoneInfo(self.timezone)).astimezone(UTC)
                if due > moment:
                    return due
            day += timedelta(days=1)


@dataclass(frozen=True)
class Every:
    """Every so many minutes, counted from midnight UTC of a fixed day.

    A run that was missed is not made up for: the next one is near.
    """

    minutes: int

    def after(self, moment: datetime) -> datetime:
        """The first due time after a moment, UTC."""
        start = datetime(2000, 1, 1, tzinfo=UTC)
        step = timedelta(minutes=self.minutes)
        return start + ((moment - start) // step + 1) * step


Due = At | Every


def last_due(due: Due, *, now: datetime, grace: timedelta) -> datetime | None:
    """The newest due time that is over at `now` by no more than `grace`; None without one."""
    found = None
    at = due.after(now - grace - timedelta(microseconds=1))
    while at <= now:
        found, at = at, due.after(at)
    return found
