"""Cells to numbers, codes and weeks: each distinct text is parsed once, then spread on the rows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from functools import lru_cache
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.findings import BoolArray, IntArray
from etl.sources.settings import CodeEdit

T = TypeVar("T", bound=np.generic)
WeekStyle = Literal["monday", "sunday", "date", "iso"]

# What people write where there is nothing.
_NOTHING = frozenset(
    ("", "-", "--", "—", "——", "–", "/", "\\", "…", "n/a", "#n/a", "na", "nan", "null", "none")
) | {"缺", "缺报", "未报", "暂无", "无数据"}
_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d*)?(e[+-]?\d{1,2})?")
# Blanks in a figure part its thousands; two figures in one cell are none.
_SPACED = re.compile(r"[+-]?\d{1,3}( \d{3})+(\.\d*)?")
# More than there are people: a telephone or a code in the wrong column.
_HUGE = 1e10
_ISO_WEEK = re.compile(r"(\d{4})-?w?(\d{1,2})|(\d{4})年?第?(\d{1,2})周")
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[t ].*)?|(\d{4})(\d{2})(\d{2})")
_SERIAL = re.compile(r"\d{5}(\.0*)?")
# Excel counts days from here (its false leap day of 1900 included); 1955 to 2119 stays a date.
_SERIAL_ZERO = date(1899, 12, 30)
_SERIALS = range(20_000, 80_000)
_TOTAL = re.compile(
    r"[全本]?[省市县区旗镇乡街道村社]*(合计|总计|小计|共计|累计|总数|汇总|total|subtotal|sum):?"
)
_GRAND = re.compile(r"小计|subtotal")
_REMARK = re.compile(
    r"(注|备注|说明|制表|填表|填报|审核|复核|单位|数据来源|来源|日期|报送)[人员单位日期时间]*:.*"
)


class Amount(IntEnum):
    """What a cell that should hold a number holds."""

    GOOD = 0
    BLANK = 1
    TEXT = 2
    NEGATIVE = 3
    FRACTION = 4
    HUGE = 5


class WeekFault(IntEnum):
    """What a cell that should hold a week holds."""

    GOOD = 0
    BLANK = 1
    MALFORMED = 2
    WRONG_DAY = 3


@dataclass(frozen=True)
class Amounts:
    """Numbers of a column: NaN where there is none, and why."""

    values: npt.NDArray[np.float64]
    faults: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Weeks:
    """ISO weeks of a column as the ordinal of their Monday (0 where there is none), and why."""

    mondays: IntArray
    faults: npt.NDArray[np.uint8]


def half_width(text: str) -> str:
    """Text with full-width digits and letters made half-width, without blanks at its ends."""
    return unicodedata.normalize("NFKC", text).strip()


def has_note(text: str) -> bool:
    """Whether digits stand in a text as a note on it: raised, in a circle, as a list's number.

    Made plain digits they would become part of the figure: 12 with note 1 would be 121.

    Examples
    --------
    >>> has_note("12①"), has_note("5²"), has_note("１２")
    (True, True, False)
    """
    return not text.isascii() and any(
        not character.isdecimal()
        and any(map(str.isdecimal, unicodedata.normalize("NFKC", character)))
        for character in text
        if not character.isascii()
    )


def amounts(column: pd.Series[str], *, integer: bool) -> Amounts:
    """Numbers of a column; thousands separators and full-width digits are read.

    Parameters
    ----------
    integer : whether a fraction is a fault.
    """

    def parse(text: str) -> tuple[float, int]:
        written = half_width(text).casefold()
        if _SPACED.fullmatch(written):
            written = written.replace(" ", "")
        if written.replace(" ", "") in _NOTHING:
            return np.nan, Amount.BLANK
        if not _NUMBER.fullmatch(written) or has_note(text):
            return np.nan, Amount.TEXT
        value = float(written.replace(",", ""))
        if value < 0:
            return np.nan, Amount.NEGATIVE
        if value >= _HUGE:
            return np.nan, Amount.HUGE
        if integer and not value.is_integer():
            return np.nan, Amount.FRACTION
        return value, Amount.GOOD

    parsed = [parse(text) for text in _texts(column)]
    return Amounts(
        values=_spread(column, [value for value, _ in parsed], np.float64),
        faults=_spread(column, [fault for _, fault in parsed], np.uint8),
    )


def signed(column: pd.Series[str]) -> Amounts:
    """Numbers of either sign, as coordinates are."""

    def parse(text: str) -> tuple[float, int]:
        written = half_width(text).casefold().rstrip("°")
        if written in _NOTHING:
            return np.nan, Amount.BLANK
        good = _NUMBER.fullmatch(written) and not has_note(text)
        return (float(written.replace(",", "")), Amount.GOOD) if good else (np.nan, Amount.TEXT)

    parsed = [parse(text) for text in _texts(column)]
    return Amounts(
        values=_spread(column, [value for value, _ in parsed], np.float64),
        faults=_spread(column, [fault for _, fault in parsed], np.uint8),
    )


def code_text(text: str, edit: CodeEdit) -> str:
    """A department's code as ours: half-width, without blanks, edited as the mapping says.

    Examples
    --------
    >>> code_text(" 67000010-001", CodeEdit(remove="-"))
    '67000010001'
    """
    plain = text if has_note(text) else unicodedata.normalize("NFKC", text)
    code = re.sub(r"\s+", "", plain)
    if re.fullmatch(r"\d+\.0+", code):  # a code that once was a number
        code = code.partition(".")[0]
    if not code:
        return ""
    code = code.translate({ord(character): None for character in edit.remove})
    code = f"{edit.prefix}{code}{edit.suffix}"
    return edit.replace.get(code, code)


def codes(column: pd.Series[str], edit: CodeEdit) -> pd.Series[str]:
    """Area codes of a column as categories, index kept."""
    return recoded(column, [code_text(text, edit) for text in _texts(column)])


def recoded(column: pd.Series[str], texts: list[str]) -> pd.Series[str]:
    """A column with each category's text replaced; categories that become equal are merged."""
    distinct = sorted(set(texts))
    place = {text: i for i, text in enumerate(distinct)}
    taken = _spread(column, [place[text] for text in texts], np.int64)
    categories = pd.Index(distinct, dtype="str")
    return pd.Series(pd.Categorical.from_codes(taken, categories=categories), index=column.index)


def positions(column: pd.Series[str], known: dict[str, int]) -> IntArray:
    """Position of each text in `known`; -1 where it is not."""
    return _spread(column, [known.get(text, -1) for text in _texts(column)], np.int64)


def matches(column: pd.Series[str], test: Callable[[str], bool]) -> BoolArray:
    """Rows whose text passes a test."""
    return _spread(column, [test(text) for text in _texts(column)], np.bool_)


def whole(pattern: str) -> Callable[[str], bool]:
    """Whether a whole text matches a regular expression."""
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


def is_blank(column: pd.Series[str]) -> BoolArray:
    """Rows without any text."""
    return matches(column, lambda text: not text.strip())


def is_total(text: str) -> bool:
    """Whether a first cell says that its row is a total.

    Examples
    --------
    >>> is_total("合 计"), is_total("合计镇")
    (True, False)
    """
    return _TOTAL.fullmatch(_tight(text)) is not None


def is_subtotal(text: str) -> bool:
    """Whether a total covers only the rows since the total before it."""
    return is_total(text) and _GRAND.search(_tight(text)) is not None


def is_no_key(text: str) -> bool:
    """Whether a key cell names nothing: empty, a dash, or the word of a total."""
    return half_width(text).casefold() in _NOTHING or is_total(text)


def is_remark(text: str) -> bool:
    """Whether a first cell is a remark under the table: 制表人:…, 注:…."""
    return _REMARK.fullmatch(_tight(text)) is not None


def weeks(column: pd.Series[str], style: WeekStyle) -> Weeks:
    """ISO weeks of a column.

    A Sunday that starts a week means the ISO week of the Monday after it, which shares six of
    its seven days.
    """
    parsed = [_week(text, style) for text in _texts(column)]
    return Weeks(
        mondays=_spread(column, [monday for monday, _ in parsed], np.int64),
        faults=_spread(column, [fault for _, fault in parsed], np.uint8),
    )


def a_date(text: str) -> date | None:
    """A date as people write it, or as Excel counts it; None if it is none."""
    if has_note(text):
        return None
    written = half_width(text).casefold()
    if _SERIAL.fullmatch(written) and int(float(written)) in _SERIALS:
        return _SERIAL_ZERO + timedelta(days=int(float(written)))
    match = _DATE.fullmatch(re.sub(r"(?<=\D)\s+|\s+(?=\D)", "", written) or written)
    if match is None:
        return None
    year, month, day = (int(part) for part in match.groups() if part is not None)
    try:
        return date(year, month, day)
    except ValueError:
        return None


def monday_of(day: date) -> int:
    """Ordinal of the Monday of a day's ISO week."""
    return day.toordinal() - day.weekday()


@lru_cache(maxsize=8192)
def week_name(monday: int) -> str:
    """ISO week of a Monday's ordinal.

    Examples
    --------
    >>> week_name(date(2026, 11, 9).toordinal())
    '2026-W46'
    """
    year, week, _ = date.fromordinal(monday).isocalendar()
    return f"{year:04d}-W{week:02d}"


def week_names(mondays: Iterable[int]) -> list[str]:
    """ISO weeks of Mondays' ordinals."""
    return [week_name(int(monday)) for monday in mondays]


def _week(text: str, style: WeekStyle) -> tuple[int, int]:
    written = half_width(text)
    if written.casefold() in _NOTHING:
        return 0, WeekFault.BLANK
    if has_note(text):
        return 0, WeekFault.MALFORMED
    day = _iso_monday(written) if style == "iso" else a_date(written)
    if day is None:
        return 0, WeekFault.MALFORMED
    first = {"monday": 0, "sunday": 6}.get(style)
    if first is not None and day.weekday() != first:
        return 0, WeekFault.WRONG_DAY
    return monday_of(day + timedelta(days=style == "sunday")), WeekFault.GOOD


def _iso_monday(text: str) -> date | None:
    match = _ISO_WEEK.fullmatch(re.sub(r"\s+", "", text.casefold()))
    if match is None:
        return None
    year, week = (int(part) for part in match.groups() if part is not None)
    try:
        return date.fromisocalendar(year, week, 1)
    except ValueError:
        return None


def _tight(text: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).casefold()


def _texts(column: pd.Series[str]) -> list[str]:
    return [str(text) for text in column.cat.categories.to_numpy(dtype=object).tolist()]


def _spread(column: pd.Series[str], values: Sequence[object], dtype: type[T]) -> npt.NDArray[T]:
    table = np.array(values, dtype=dtype)
    if not len(table):
        return np.zeros(len(column), dtype=dtype)
    return table[column.cat.codes.to_numpy()]
