"""What to write into a doubted cell instead, where only one thing can be meant.

Nothing here is used by itself: a person sees the proposal and decides. Where two mendings are
equally near, there is none.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from datetime import date, timedelta
from functools import partial
from typing import Literal

Propose = Callable[[str], str | None]
WeekStyle = Literal["monday", "sunday", "date", "iso"]

# Words that stand beside a number and do not change it.
_UNITS = r"(?:人次|人|次|起|件|例|场|户|个|名|位|张|家|所|间|处|条|元|平方米|平米|㎡|m2|m²)"
_NUMBER_WITH_UNIT = re.compile(rf"(?:共计?|合计)?(\d[\d,]*(?:\.\d+)?){_UNITS}[.。]?")
_DATE = re.compile(
    r"(\d{4})\D{1,2}(\d{1,2})\D{1,2}(\d{1,2})(?!\d)|(?<!\d)((?:19|20)\d{2})(\d{2})(\d{2})(?!\d)"
)
_ISO = re.compile(r"(\d{4})\D{0,2}w?(\d{1,2})(?!\d)", re.IGNORECASE)
_DEGREES = re.compile(
    r"""[东北en]?[经纬]?(\d{1,3})[°度](?:(\d{1,2}(?:\.\d+)?)['′分])?(?:(\d{1,2}(?:\.\d+)?)(?:["″秒]|['′]{2}))?[en]?"""
)
# A name is proposed when so much of it agrees (difflib's ratio), and no other is as near.
# So many times as long as the longest known name, a text is like none of them.
_FAR = 3
_LIKE = 0.7


def number(text: str, *, whole: bool = True) -> str | None:
    """The number without its unit.

    Examples
    --------
    >>> number("12 人次"), number("约12"), number("1,204人")
    ('12', None, '1204')
    """
    found = _NUMBER_WITH_UNIT.fullmatch(_tight(text))
    if found is None:
        return None
    value = float(found[1].replace(",", ""))
    if whole and not value.is_integer():
        return None
    return f"{value:.10g}"


def code(known: Collection[str]) -> Propose:
    """What proposes the one known code that is a slip away: a character lost, added or wrong.

    Examples
    --------
    >>> propose = code(["990101001001", "990101001002", "990101002001"])
    >>> propose("99010101002"), propose("990101001003"), propose("2001")
    ('990101001002', None, '990101002001')
    """
    every = frozenset(known)
    letters = sorted(set("".join(every)))
    longest = max(map(len, every), default=0)

    def propose(text: str) -> str | None:
        came = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))
        if not came or len(came) > longest + 1:  # further off than one slip
            return None
        if came in every:
            return came
        ends = {c for c in every if c.endswith(came)} if len(came) >= 3 else set()
        near = ends or _slips(came, letters) & every
        return next(iter(near)) if len(near) == 1 else None

    return propose


def _slips(text: str, letters: Iterable[str]) -> set[str]:
    """Texts that are one slip of the finger away."""
    cuts = [(text[:i], text[i:]) for i in range(len(text) + 1)]
    found = {a + letter + b for a, b in cuts for letter in letters}
    found |= {a + b[1:] for a, b in cuts if b}
    found |= {a + letter + b[1:] for a, b in cuts if b for letter in letters}
    found |= {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
    return found


def name(known: Collection[str]) -> Propose:
    """What proposes the known name that is clearly nearest.

    Examples
    --------
    >>> name(["心理咨询室", "医院", "学校"])("心里咨询室")
    '心理咨询室'
    """
    by_key = {_tight(other): other for other in known}
    longest = max(map(len, by_key), default=0)

    def propose(text: str) -> str | None:
        came = _tight(text)
        if came in by_key:
            return by_key[came]
        if len(came) > _FAR * longest:
            return None
        ratios = sorted(
            (
                (difflib.SequenceMatcher(None, came, key).ratio(), other)
                for key, other in by_key.items()
            ),
            reverse=True,
        )
        if not ratios or ratios[0][0] < _LIKE:
            return None
        if len(ratios) > 1 and ratios[1][0] == ratios[0][0]:
            return None
        return ratios[0][1]

    return propose


def week(style: WeekStyle) -> Propose:
    """What proposes a week in the file's own way of writing it.

    Examples
    --------
    >>> week("monday")("2026-11-11"), week("iso")("2026/11/9-11/15"), week("iso")("11月9日")
    ('2026-11-09', '2026-W46', None)
    """
    return partial(_week, style=style)


def _week(text: str, *, style: WeekStyle) -> str | None:
    day = _a_day(text) or _named_week(text)
    if day is None:
        return None
    if style == "iso":
        year, number_of_week, _ = day.isocalendar()
        return f"{year}-W{number_of_week:02d}"
    if style == "sunday":
        return (day - timedelta(days=(day.weekday() + 1) % 7)).isoformat()
    if style == "monday":
        return (day - timedelta(days=day.weekday())).isoformat()
    return day.isoformat()


def day(text: str) -> str | None:
    """A date as it should be written.

    Examples
    --------
    >>> day("开于2021.9.1"), day("2021.9")
    ('2021-09-01', None)
    """
    found = _a_day(text)
    return None if found is None else found.isoformat()


def _a_day(text: str) -> date | None:
    """The first whole date in a text."""
    found = _DATE.search(unicodedata.normalize("NFKC", text))
    parts = [int(part) for part in found.groups() if part is not None] if found else []
    try:
        return date(*parts) if parts else None
    except ValueError:
        return None


def _named_week(text: str) -> date | None:
    """The Monday of the week that a text names."""
    found = _ISO.fullmatch(_tight(text).replace("年", "-").replace("第", "").removesuffix("周"))
    try:
        return date.fromisocalendar(int(found[1]), int(found[2]), 1) if found else None
    except ValueError:
        return None


def degrees(text: str) -> str | None:
    """Degrees, minutes and seconds as decimal degrees.

    Examples
    --------
    >>> degrees("113°30′36″"), degrees("113.51E"), degrees("?")
    ('113.51', '113.51', None)
    """
    came = _tight(text)
    plain = re.fullmatch(r"[东北]?[经纬]?:?(\d{1,3}\.\d+)[°度]?[en]?", came)
    if plain is not None:
        return plain[1]
    found = _DEGREES.fullmatch(came)
    if found is None:
        return None
    parts = [float(part or 0) for part in found.groups()]
    return f"{parts[0] + parts[1] / 60 + parts[2] / 3600:.7f}".rstrip("0").rstrip(".")


# What needs no more than the text that came.
BY_RULE: dict[str, Propose] = {
    "not_a_number": number,
    "bad_attribute": partial(number, whole=False),
    "bad_date": day,
    "bad_coordinate": degrees,
    "coordinate_replaced": degrees,
}


def _tight(text: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).casefold()
