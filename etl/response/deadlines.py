"""Deadlines of a tier's standard, as spans of time are counted by law.

Civil Code of the PRC, articles 201 and 203: hours count from the moment; of days the first is not
counted, and the last ends at 24:00, in the locality's time zone.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from etl.standards import TierStandard, span_of


def deadline(start: datetime, span: str, *, timezone: str) -> datetime | None:
    """End of a span that begins at `start`, in UTC; None for the empty span.

    Parameters
    ----------
    start : aware.
    span : `24h` or `7d`.

    Examples
    --------
    >>> start = datetime(2026, 11, 16, 7, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
    >>> str(deadline(start, "24h", timezone="Asia/Shanghai"))
    '2026-11-16 23:00:00+00:00'
    >>> str(deadline(start, "7d", timezone="Asia/Shanghai"))
    '2026-11-23 16:00:00+00:00'
    """
    found = span_of(span)
    if found is None:
        return None
    number, unit = found
    if unit == "h":
        return start.astimezone(UTC) + timedelta(hours=number)
    zone = ZoneInfo(timezone)
    day_after = start.astimezone(zone).date() + timedelta(days=number + 1)
    return datetime.combine(day_after, time(), tzinfo=zone).astimezone(UTC)


def deadlines(
    standard: TierStandard, start: datetime, *, timezone: str
) -> tuple[datetime | None, datetime | None]:
    """By when a warning is to be acknowledged and to be responded to; None: nothing is asked."""
    acknowledge_by = deadline(start, standard.acknowledge, timezone=timezone)
    return acknowledge_by, deadline(start, standard.respond, timezone=timezone)


def earliest(*given: datetime | None) -> datetime | None:
    """The earliest of several deadlines; None only where there is none."""
    return min((by for by in given if by is not None), default=None)
