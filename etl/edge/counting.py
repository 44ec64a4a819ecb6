"""Rows about persons → how many by area, week and measure; every row ends counted or left out."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

import numpy as np
import pandas as pd

from etl.edge.areas import Areas
from etl.edge.export import Export, day_of
from etl.gate import personal_columns
from etl.settings import registry
from etl.sources.headers import plain
from etl.sources.values import half_width, monday_of, week_name
from geo.errors import ConfigError, PersonalDataError

T = TypeVar("T")

# No department may publish smaller ones as large.
LEAST_K = 5
USUAL_K = 10
COLUMNS = ("area_code", "week", "measure", "count", "small")
YES, NO = "是", "否"
_SAY_EVERY = 100_000
# Areas, days and measures are few; a column of free text must not fill the memory.
_MOST_REMEMBERED = 200_000
# Why a row is not in the figures.
REASONS = {
    "no_area": "没有区域",
    "unknown_area": "区域不在名单中",
    "ambiguous_area": "同名区域不止一个",
    "no_date": "没有日期或日期无法识别",
    "future_date": "日期晚于今天",
    "outside_range": "不在统计时段内",
    "no_measure": "没有指标",
    "unknown_measure": "指标不在名单中",
    "no_person": "去重列为空",
    "repeated": "同一人本周已计",
}


@dataclass(frozen=True)
class Wish:
    """What is to be counted, by which columns.

    Parameters
    ----------
    area, day : columns of the export.
    measure : code or name of a registered measure, or a column that holds such.
    distinct : column that tells persons apart, who count once a week and area; held in memory
        only.
    k : counts from 1 to k - 1 are small.
    withhold_small : blank small counts instead of only marking them.
    start, end : first and last day counted.
    """

    area: str
    day: str
    measure: str
    distinct: str | None = None
    k: int = USUAL_K
    withhold_small: bool = False
    start: date | None = None
    end: date | None = None

    def __post_init__(self) -> None:
        if self.k < LEAST_K:
            raise ConfigError(f"--k {self.k}：不得小于 {LEAST_K} (must be {LEAST_K} or more)")
        if self.start and self.end and self.end < self.start:
            raise ConfigError(f"--to {self.end}：早于 --from {self.start} (before --from)")


@dataclass
class Outcome:
    """Weekly counts, and where every row went.

    Attributes
    ----------
    frame : area_code, week, measure, count (Int64, NA where withheld), small; sorted.
    rows : of the export, blank ones left out.
    counted : of them, in the figures.
    left_out : reason → numbers of the rows, ascending.
    """

    frame: pd.DataFrame
    rows: int
    counted: int
    left_out: dict[str, array[int]] = field(default_factory=dict)


def count_rows(
    export: Export,
    wish: Wish,
    areas: Areas,
    *,
    today: date,
    measures: Mapping[str, str] | None = None,
    on_rows: Callable[[int], None] | None = None,
) -> Outcome:
    """Count an export's rows by area, ISO week and measure.

    Parameters
    ----------
    today : later dates are left out.
    measures : plain name or code → code; the product's own by default.
    on_rows : told every so often how many rows are done.

    Raises
    ------
    InputError : a column is missing.
    ConfigError : the measure is neither registered nor a column.
    PersonalDataError : a person would be in the result.

    Notes
    -----
    O(n rows); in memory are the counts, the distinct texts of three columns, and with `distinct`
    one number a person and week.
    """
    known = dict(measures) if measures is not None else own_measures()
    fixed = known.get(plain(wish.measure))
    if fixed is None and plain(wish.measure) not in map(plain, export.names):
        names = "、".join(sorted(set(known.values())))
        raise ConfigError(
            f"--measure {wish.measure}：既不是登记的指标也不是列名 (no measure, no column)：{names}"
        )
    area_at, date_at = export.position(wish.area), export.position(wish.day)
    measure_at = None if fixed is not None else export.position(wish.measure)
    person_at = None if wish.distinct is None else export.position(wish.distinct)
    place = _Memo(areas.find)
    week = _Memo(lambda text: _week(text, wish, today))
    kind = _Memo(lambda text: _kind(text, known))
    counts: Counter[tuple[str, int, str]] = Counter()
    persons: dict[str, int] = {}
    keys: dict[tuple[str, int, str], int] = {}
    seen: set[int] = set()
    left: dict[str, array[int]] = {}
    n_rows = 0
    for number, row in export.rows():
        n_rows += 1
        if on_rows is not None and n_rows % _SAY_EVERY == 0:
            on_rows(n_rows)
        width = len(row)
        code, fault = place[row[area_at] if area_at < width else ""]
        monday, later = week[row[date_at] if date_at < width else ""]
        measure, last = (fixed, "")
        if measure_at is not None:
            measure, last = kind[row[measure_at] if measure_at < width else ""]
        fault = fault or later or last
        if code is None or monday is None or measure is None:
            left.setdefault(fault, array("q")).append(number)
            continue
        key = (code, monday, measure)
        if person_at is not None:
            person = half_width(row[person_at] if person_at < width else "").upper()
            if not person:
                left.setdefault("no_person", array("q")).append(number)
                continue
            once = (keys.setdefault(key, len(keys)) << 40) | persons.setdefault(
                person, len(persons)
            )
            if once in seen:
                left.setdefault("repeated", array("q")).append(number)
                continue
            seen.add(once)
        counts[key] += 1
    outcome = Outcome(_frame(counts, wish), n_rows, counts.total(), dict(sorted(left.items())))
    _check(outcome, wish)
    return outcome


def own_measures() -> dict[str, str]:
    """Plain names and codes of the product's measures → code."""
    return named_measures(
        (entry["code"], entry["name"]["zh"], entry["name"]["en"])
        for entry in registry("measures")["measures"]
    )


def named_measures(entries: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """Plain names and codes → code, of (code, name in Chinese, name in English)."""
    return {plain(name): entry[0] for entry in entries for name in entry}


class _Memo(dict[str, tuple[T | None, str]]):
    """What a text means or why it means nothing; each distinct text is worked out once."""

    def __init__(self, find: Callable[[str], tuple[T | None, str]]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, text: str) -> tuple[T | None, str]:
        found = self._find(text)
        if len(self) < _MOST_REMEMBERED:
            self[text] = found
        return found


def _week(text: str, wish: Wish, today: date) -> tuple[int | None, str]:
    """Ordinal of the Monday of a day's week."""
    ordinal = day_of(text)
    if ordinal is None:
        return None, "no_date"
    day = date.fromordinal(ordinal)
    if day > today:
        return None, "future_date"
    if day < (wish.start or day) or day > (wish.end or day):
        return None, "outside_range"
    return monday_of(day), ""


def _kind(text: str, known: Mapping[str, str]) -> tuple[str | None, str]:
    code = known.get(plain(text))
    if code is not None:
        return code, ""
    return None, "unknown_measure" if text.strip() else "no_measure"


def _frame(counts: Mapping[tuple[str, int, str], int], wish: Wish) -> pd.DataFrame:
    rows = sorted(counts.items())
    figures = np.array([n for _, n in rows], dtype=np.int64)
    small = figures < wish.k
    count = pd.Series(figures, dtype="Int64")
    if wish.withhold_small:
        count[small] = pd.NA
    return pd.DataFrame(
        {
            "area_code": pd.Series([area for (area, _, _), _ in rows], dtype="str"),
            "week": pd.Series([week_name(monday) for (_, monday, _), _ in rows], dtype="str"),
            "measure": pd.Series([measure for (_, _, measure), _ in rows], dtype="str"),
            "count": count,
            "small": pd.Series([YES if is_small else NO for is_small in small], dtype="str"),
        }
    )


def _check(outcome: Outcome, wish: Wish) -> None:
    """Every row is somewhere, and the result would pass the gate itself."""
    out = sum(map(len, outcome.left_out.values()))
    total = outcome.frame["count"].sum()
    whole = wish.withhold_small or total == outcome.counted
    if outcome.rows != outcome.counted + out or not whole:
        raise AssertionError(f"{outcome.rows} rows, {outcome.counted} counted, {out} left out")
    cells = pd.DataFrame(
        {name: pd.Categorical(outcome.frame[name].astype(str)) for name in COLUMNS}
    )
    codes = frozenset(code[:6] for code in outcome.frame["area_code"])
    if found := personal_columns(cells, facilities=False, code_columns=["area_code"], known=codes):
        raise PersonalDataError(f"结果中有个人信息，没有写出：{'、'.join(map(str, found))}")
