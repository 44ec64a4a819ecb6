"""Opening hours as written → hours a week. What cannot be read for certain is not read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

_SAME = str.maketrans(
    {"週": "周", "點": "点", "時": "时", "間": "间", "禮": "礼", "診": "诊", "務": "务",
     "無": "无", "節": "节", "營": "营", "業": "业", "預": "预", "約": "约", "開": "开",
     "~": "-", "—": "-", "–": "-", "－": "-", "～": "-", "至": "-", "到": "-"}
)  # fmt: skip
_DAY = {day: i for i, day in enumerate("一二三四五六日")} | {"天": 6}
_DAY |= {str(i + 1): i for i in range(7)}
_D = "[一二三四五六日天1-7]"
_WEEK = "(?:周|星期|礼拜)"
_PART = "上午|早上|早晨|清晨|中午|下午|傍晚|晚上|晚间|夜间|早|晚"
_CLOCK = rf"(?:{_PART})?\s*\d{{1,2}}\s*(?::\s*\d{{2}}|[点时]\s*(?:半|\d{{1,2}}\s*分?)?)"
_TOKEN = re.compile(
    rf"(?P<monthly>每月|单周|双周|隔周|第[一二三四五\d]个)"
    rf"|(?P<round>(?:全天)?24\s*(?:小时|h)|全天候)"
    rf"|(?P<range>{_CLOCK}\s*-+\s*{_CLOCK})"
    rf"|(?P<workdays>(?:法定)?工作日)|(?P<weekend>周末|双休日)|(?P<daily>每天|每日|天天)"
    rf"|(?P<days>{_WEEK}\s*{_D}(?:\s*(?:-+|[、,和及])?\s*{_WEEK}?\s*{_D}(?![\d:点时]))*)"
    r"|(?P<appointment>(?:需|须|请|可)?(?:提前|电话)*预约(?:开放|服务|接待)?)"
    r"|(?P<quiet>(?:法定)?节假日(?:除外|休息|不开放)|全年无休|无休|全年"
    r"|开放|营业|门诊|服务|接待|时间|办公|值班|每|[\s、,;:/()。和及与])"
)
_END = re.compile(rf"(?P<part>{_PART})?\s*(?P<hour>\d{{1,2}})\s*(?::\s*(?P<min>\d{{2}})|[点时]"
                  r"\s*(?:(?P<half>半)|(?P<min2>\d{1,2})\s*分?)?)")  # fmt: skip
_AFTERNOON = ("下午", "傍晚", "晚上", "晚间", "夜间", "晚")
_DAY_MIN = 24 * 60


class _Span(NamedTuple):
    start_min: int
    end_min: int


@lru_cache(maxsize=4096)
def hours_a_week(text: str) -> float | None:
    """Hours a week that a text says for certain.

    Parameters
    ----------
    text : such as 周一至周五 8:30-11:30 14:00-17:00, 每週三下午2點到5點, 24小时.

    Returns
    -------
    Hours [h] in 0..168; NaN for a blank or for opening by appointment alone; None where the text
    cannot be read: without days or without a clock, every other week, in other words.
    """
    plain = unicodedata.normalize("NFKC", text).translate(_SAME).strip()
    if not plain:
        return float("nan")
    groups: list[tuple[set[int], list[_Span]]] = []
    appointment = False
    for kind, said in _tokens(plain):
        if kind in ("", "monthly"):
            return None
        if kind == "appointment":
            appointment = True
        elif kind in ("range", "round"):
            span = _Span(0, _DAY_MIN) if kind == "round" else _span(said)
            if span is None:
                return None
            if not groups:
                groups.append((set(range(7)) if kind == "round" else set(), []))
            groups[-1][1].append(span)
        elif kind != "quiet":
            if not groups or groups[-1][1]:
                groups.append((set(), []))
            groups[-1][0].update(_days(kind, said))
    if not groups:
        return float("nan") if appointment else None
    if not all(days and spans for days, spans in groups):
        return None
    return sum(_open_min(groups, day) for day in range(7)) / 60.0


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Kind and text of each token; an empty kind where the text is in other words."""
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.end() == at:
            yield "", text[at:]
            return
        yield str(match.lastgroup), match.group()
        at = match.end()


def _days(kind: str, text: str) -> set[int]:
    if kind == "workdays":
        return set(range(5))
    if kind == "weekend":
        return {5, 6}
    if kind == "daily":
        return set(range(7))
    days: set[int] = set()
    marks = re.findall(rf"{_D}|-+", re.sub(_WEEK, "", text))
    previous, through = -1, False
    for mark in marks:
        if mark.startswith("-"):
            through = True
            continue
        day = _DAY[mark]
        if through and previous >= 0:
            days.update((previous + k) % 7 for k in range((day - previous) % 7 + 1))
        days.add(day)
        previous, through = day, False
    return days


def _span(text: str) -> _Span | None:
    ends = list(_END.finditer(text))
    if len(ends) != 2:
        return None
    first = ends[0]["part"]
    start = _minute(ends[0], first)
    # 下午2点到5点: the second hour is in the afternoon too.
    end = _minute(ends[1], ends[1]["part"] or (first if first in _AFTERNOON else None))
    if start is None or end is None or end == start:
        return None
    if end < start:
        # Over midnight only where the clock has 24 hours: 20:00-8:00.
        if first or ends[1]["part"] or start < _DAY_MIN // 2:
            return None
        end += _DAY_MIN
    return _Span(start, end)


def _minute(end: re.Match[str], part: str | None) -> int | None:
    hour, minute = int(end["hour"]), int(end["min"] or end["min2"] or 0)
    if end["half"]:
        minute = 30
    if part in _AFTERNOON and hour < 12:
        hour += 12
    found = hour * 60 + minute
    return found if minute < 60 and found <= _DAY_MIN else None


def _open_min(groups: list[tuple[set[int], list[_Span]]], day: int) -> int:
    """Minutes of a day, each counted once; what runs over midnight counts where it began."""
    spans = sorted(span for days, own in groups if day in days for span in own)
    total, until = 0, 0
    for span in spans:
        total += max(0, span.end_min - max(span.start_min, until))
        until = max(until, span.end_min)
    return total
