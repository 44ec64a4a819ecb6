"""Numbers, weeks and times as people read them, in a catalog's language."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from dashboard.text import Catalog

THIN_SPACE = "\u2009"
# Above these, figures are read in 万 or in millions.
_MYRIAD = 10_000
_MILLION = 1_000_000


def number(value: float, *, digits: int = 0) -> str:
    """A number with thin spaces between thousands: 4 210; a dash for NaN."""
    if not math.isfinite(value):
        return "–"
    return f"{value:,.{digits}f}".replace(",", THIN_SPACE)


def figure(value: float) -> str:
    """A number with as many digits as it deserves: 12.3 below 100, 1.23 below 10."""
    if not math.isfinite(value):
        return "–"
    size = abs(value)
    digits = 0 if size >= 100 or value == round(value) else 1 if size >= 10 else 2
    return number(value, digits=digits)


def setting(value: float) -> str:
    """A number as somebody set it, without digits it does not have: 1.3, 15."""
    return f"{value:g}"


def minutes(value: float) -> str:
    """Whole minutes: travel times are not known better."""
    return number(max(value, 1.0) if value > 0 else value)


def people(catalog: Catalog, value: float) -> str:
    """Persons as they are read aloud: 4 210, 1.23 万, 187.6 万; 1.88 million in English."""
    if not math.isfinite(value):
        return "–"
    if catalog.lang.startswith("zh") and abs(value) >= _MYRIAD:
        return catalog.t("common.number.myriad", value=_three_digits(value / _MYRIAD))
    if not catalog.lang.startswith("zh") and abs(value) >= _MILLION:
        return catalog.t("common.number.million", value=_three_digits(value / _MILLION))
    return number(value)


def persons(catalog: Catalog, value: float) -> str:
    """Persons with their unit: 4 210 人, 1.23 万人; 4 210 people."""
    if catalog.lang.startswith("zh") and math.isfinite(value) and abs(value) >= _MYRIAD:
        return catalog.t("common.number.persons_myriad", value=_three_digits(value / _MYRIAD))
    return catalog.t("common.number.persons", value=people(catalog, value))


def _three_digits(value: float) -> str:
    digits = 2 if abs(value) < 10 else 1 if abs(value) < 1000 else 0
    text = number(value, digits=digits)
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: float) -> str:
    """A share as a percentage: 78.4 %, and never 100 % or 0 % for what only rounds to it."""
    if not math.isfinite(share):
        return "–"
    value = percent_shown(share)
    return f"{value:.0f}%" if value in (0, 100) else f"{value:.1f}%"


def percent_shown(share: float) -> float:
    """The number of `percent`: with one decimal, and 100 or 0 for nothing else."""
    value = 100 * share
    return value if value in (0, 100) else round(min(max(value, 0.1), 99.9), 1)


def gap(share: float, *, digits: int = 1) -> str:
    """How far from the best at most, as a percentage rounded up: never nearer than is known."""
    if not math.isfinite(share):
        return "–"
    size = 10**digits
    return f"{math.ceil(100 * size * share - 1e-9) / size:.{digits}f}%"


def inside(catalog: Catalog, name: str) -> str:
    """A name as it stands inside a sentence: without its capital where the language has one."""
    if catalog.lang.startswith("zh") or name[1:2].isupper():
        return name
    return name[:1].lower() + name[1:]


def limit(end: float, *, share: bool) -> str:
    """End of a class, with the digits it was set with: 20%, 7.5."""
    return f"{100 * end:g}%" if share else number(end) if end >= 1000 else f"{end:g}"


def monday(week: str) -> date:
    """First day of an ISO week written as `2026-W46`."""
    year, _, number_of_week = week.partition("-W")
    return date.fromisocalendar(int(year), int(number_of_week), 1)


def week_label(catalog: Catalog, week: str) -> str:
    """An ISO week with its days: 2026年第46周(11月9日—15日)."""
    first = monday(week)
    last = first + timedelta(days=6)
    same_month = "days_in_month" if first.month == last.month else "days_over_months"
    days = catalog.t(
        f"common.week.{same_month}",
        first=first.day,
        last=last.day,
        first_month=catalog.t(f"common.month.m{first.month}"),
        last_month=catalog.t(f"common.month.m{last.month}"),
    )
    year, _, number_of_week = week.partition("-W")
    return catalog.t("common.week.label", year=year, week=int(number_of_week), days=days)


def week_short(catalog: Catalog, week: str) -> str:
    """An ISO week where the year is known: 第46周."""
    return catalog.t("common.week.short", week=int(week.partition("-W")[2]))


def day(catalog: Catalog, value: date) -> str:
    """A date: 2026年11月16日."""
    return catalog.t(
        "common.date.day",
        year=value.year,
        month=catalog.t(f"common.month.m{value.month}"),
        day=value.day,
    )


def month(catalog: Catalog, value: date) -> str:
    """A month: 2027年3月."""
    return catalog.t(
        "common.date.month", year=value.year, month=catalog.t(f"common.month.m{value.month}")
    )


def moment(catalog: Catalog, at_utc: datetime, timezone: str) -> str:
    """A time of the store on the locality's clock: 2026年11月16日 08:05."""
    if at_utc.tzinfo is None:  # SQLite forgets the zone; the store knows but UTC
        at_utc = at_utc.replace(tzinfo=UTC)
    local = at_utc.astimezone(ZoneInfo(timezone))
    return catalog.t(
        "common.date.moment", day=day(catalog, local.date()), time=local.strftime("%H:%M")
    )


def unbroken(sentence: str) -> str:
    """A sentence whose numbers stay on one line with what they count."""
    kept = sentence.replace(THIN_SPACE, "\u202f")
    return re.sub(r"(?<=\d) (?=\S)", "\u00a0", kept)
