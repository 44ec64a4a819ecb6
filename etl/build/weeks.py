"""ISO weeks as text and back; one place that counts them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo


def monday(week: str) -> date:
    """Monday of an ISO week such as `2026-W46`."""
    return date.fromisocalendar(int(week[:4]), int(week[6:]), 1)


def iso_week(day: date) -> str:
    """ISO week of a day."""
    year, number, _ = day.isocalendar()
    return f"{year}-W{number:02d}"


def week_range(last: str, n: int) -> list[str]:
    """The `n` weeks that end with `last`, oldest first."""
    start = monday(last) - timedelta(weeks=n - 1)
    return [iso_week(start + timedelta(weeks=i)) for i in range(n)]


def weeks_after(last: str, n: int) -> list[str]:
    """The `n` weeks that follow `last`, oldest first."""
    start = monday(last)
    return [iso_week(start + timedelta(weeks=i + 1)) for i in range(n)]


def last_complete_week(now: datetime, *, timezone: str) -> str:
    """Newest week that is over at `now` in the locality's time zone."""
    today = now.astimezone(ZoneInfo(timezone)).date()
    return iso_week(today - timedelta(weeks=1))


def week_number(week: str) -> int:
    """Weeks since Monday 1 January 1900's week: a plain count for blocks and distances."""
    return (monday(week) - date(1900, 1, 1)).days // 7
