"""Weekly counts as areas by weeks: the newest two years of each level and measure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.findings import BoolArray, IntArray

FloatArray = npt.NDArray[np.float64]
# Doubted are the newest weeks, and of them what this delivery says: older figures were doubted
# when they came, and are not brought up again with each new file.
NEWEST_WEEKS = 4
# An area's own past is a year.
PAST_WEEKS = 52
# Looked at in all: the newest weeks, their past, and the same season of the year before.
_WINDOW_WEEKS = 2 * PAST_WEEKS + NEWEST_WEEKS + 4


@dataclass(frozen=True)
class Series:
    """Counts of one level and measure.

    Attributes
    ----------
    areas : codes, one a row.
    mondays : ordinals, one a column, without gaps; the last is the newest week of the delivery.
    counts : float64, shape (n_areas, n_weeks), NaN = no data.
    rows : row of the file that says it, 0 where none does.
    own : whether this delivery says it.
    """

    level: str
    measure: str
    areas: npt.NDArray[np.object_]
    mondays: IntArray
    counts: FloatArray
    rows: IntArray
    own: BoolArray

    def newest(self) -> list[int]:
        """Columns to be doubted, newest first."""
        last = len(self.mondays)
        return [i for i in range(last - 1, max(0, last - NEWEST_WEEKS) - 1, -1) if self._has(i)]

    def _has(self, column: int) -> bool:
        return bool(self.own[:, column].any())


def each_series(frame: pd.DataFrame, before: pd.DataFrame | None = None) -> Iterator[Series]:
    """The newest two years of each level and measure, as areas by weeks.

    Parameters
    ----------
    frame : canonical observations of one delivery.
    before : earlier figures; what the delivery says itself takes their place.
    """
    if not len(frame):
        return
    monday = mondays_of(frame)
    newest = newest_monday(frame, monday)
    first = newest - 7 * (_WINDOW_WEEKS - 1)
    own = _recent(frame, monday, first, newest)
    past = None
    if before is not None and len(before):
        past = _recent(before, mondays_of(before), first, newest)
    for level, measure, mask in grouped(own.frame):
        parts = [own.take(mask)]
        if past is not None:
            for other_level, other, same in grouped(past.frame):
                if (other_level, other) == (level, measure):
                    parts.insert(0, past.take(same))
        yield _series(level, measure, parts, newest)


@dataclass(frozen=True)
class _Recent:
    """Rows of the window, with their Mondays."""

    frame: pd.DataFrame
    monday: IntArray

    def take(self, mask: BoolArray) -> _Recent:
        return _Recent(self.frame[mask], self.monday[mask])


def _recent(frame: pd.DataFrame, monday: IntArray, first: int, newest: int) -> _Recent:
    kept = (monday >= first) & (monday <= newest)
    return _Recent(frame, monday) if kept.all() else _Recent(frame[kept], monday[kept])


def _series(level: str, measure: str, parts: Sequence[_Recent], newest: int) -> Series:
    areas = np.unique(np.concatenate([_present(part.frame["area_code"]) for part in parts]))
    first = min(int(part.monday.min()) for part in parts)
    shape = len(areas), (newest - first) // 7 + 1
    counts, rows = np.full(shape, np.nan), np.zeros(shape, dtype=np.int64)
    own: BoolArray = np.zeros(shape, dtype=np.bool_)
    for part in parts:
        column = part.frame["area_code"].cat
        known = column.categories.to_numpy(dtype=object)
        place = np.searchsorted(areas, known).clip(max=len(areas) - 1)[column.codes.to_numpy()]
        week = (part.monday - first) // 7
        count = part.frame["count"].to_numpy()
        counts[place, week] = count
        if part is parts[-1]:
            own[place, week] = ~np.isnan(count)
            rows[place, week] = part.frame["source_row"].to_numpy()
    mondays = np.arange(first, newest + 1, 7, dtype=np.int64)
    return Series(level, measure, areas, mondays, counts, rows, own)


def _present(column: pd.Series[str]) -> npt.NDArray[np.object_]:
    used = np.unique(column.cat.codes.to_numpy())
    present: npt.NDArray[np.object_] = column.cat.categories.to_numpy(dtype=object)[used]
    return present


def grouped(frame: pd.DataFrame) -> Iterator[tuple[str, str, BoolArray]]:
    """Each level and measure, and its rows."""
    level, measure = frame["level"].cat, frame["measure"].cat
    pair = level.codes.to_numpy().astype(np.int64) * len(measure.categories)
    pair += measure.codes.to_numpy()
    for key in np.unique(pair).tolist():
        one, two = divmod(key, len(measure.categories))
        yield str(level.categories[one]), str(measure.categories[two]), pair == key


def mondays_of(frame: pd.DataFrame) -> IntArray:
    """Ordinal of the Monday of each row's week."""
    column = frame["week"].cat
    known = [
        date.fromisocalendar(int(str(week)[:4]), int(str(week)[6:]), 1).toordinal()
        for week in column.categories
    ]
    mondays: IntArray = np.array(known, dtype=np.int64)[column.codes.to_numpy()]
    return mondays


def newest_monday(frame: pd.DataFrame, monday: IntArray) -> int:
    """The newest week with a figure; the newest of all if there is none."""
    known = frame["count"].notna().to_numpy()
    return int(monday[known].max() if known.any() else monday.max())
