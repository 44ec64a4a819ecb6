"""ISO weeks, and the seasons that move people: Spring Festival, school terms, examinations."""

from __future__ import annotations

import re
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from etl.demo.terrain import Floats
from geo.errors import ConfigError

# First day of the lunar year.
SPRING_FESTIVALS = {
    2015: (2, 19), 2016: (2, 8), 2017: (1, 28), 2018: (2, 16), 2019: (2, 5), 2020: (1, 25),
    2021: (2, 12), 2022: (2, 1), 2023: (1, 22), 2024: (2, 10), 2025: (1, 29), 2026: (2, 17),
    2027: (2, 6), 2028: (1, 26), 2029: (2, 13), 2030: (2, 3), 2031: (1, 23), 2032: (2, 11),
    2033: (1, 31), 2034: (2, 19), 2035: (2, 8), 2036: (1, 28),
}  # fmt: skip


def monday(week: str) -> date:
    """Monday of an ISO week such as ``2026-W46``.

    Raises
    ------
    ConfigError : the text is not an ISO week.
    """
    message = f"end week: {week!r} came, an ISO week such as 2026-W46 was wanted"
    match = re.fullmatch(r"(\d{4})-W(\d{2})", week)
    if match is None:
        raise ConfigError(message)
    try:
        return date.fromisocalendar(int(match[1]), int(match[2]), 1)
    except ValueError as exc:
        raise ConfigError(message) from exc


def iso_week(day: date) -> str:
    """The ISO week of a day."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def mondays_until(end_week: str, weeks: int) -> list[date]:
    """Mondays of so many weeks, the newest last."""
    last = monday(end_week)
    return [last - timedelta(weeks=weeks - 1 - i) for i in range(weeks)]


def festival(year: int) -> date:
    """First day of the lunar year; the average one beyond the table."""
    return date(year, *SPRING_FESTIVALS.get(year, (2, 5)))


def weeks_from_festival(mondays: list[date]) -> NDArray[np.int64]:
    """Weeks between each week and the Spring Festival of its year; 0 is its week."""
    return np.array([(m - festival_monday(m.year)).days // 7 for m in mondays])


def festival_monday(year: int) -> date:
    """Monday of the week in which the lunar year begins."""
    day = festival(year)
    return day - timedelta(days=day.weekday())


def in_term(mondays: list[date]) -> NDArray[np.bool_]:
    """Whether schools teach in each week."""
    open_weeks = []
    for m in mondays:
        day = m + timedelta(days=3)
        after_break = day >= festival_monday(day.year) + timedelta(weeks=3)
        spring = after_break and day < date(day.year, 7, 3)
        autumn = day >= date(day.year, 9, 1)
        winter_end = day < date(day.year, 1, 14)
        open_weeks.append(spring or autumn or winter_end)
    return np.array(open_weeks)


def day_of_year(mondays: list[date]) -> Floats:
    """Thursday's day of the year."""
    return np.array([(m + timedelta(days=3)).timetuple().tm_yday for m in mondays], dtype=float)


def bump(day: Floats, middle: float, width: float) -> Floats:
    """A yearly rise of height 1 around a day of the year."""
    away = np.abs(day - middle)
    away = np.minimum(away, 365.25 - away)
    return np.asarray(np.exp(-0.5 * (away / width) ** 2))
