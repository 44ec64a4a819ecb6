"""Weekly counts as the store keeps them: an array a level, measure and week of a delivery.

Format. `intake_count_area.codes`: the delivery's area codes of a level, sorted, UTF-8, a newline
between two, zlib. `intake_count.figures`: one whole number an area, in that order, little-endian
int64 (`<i8`), zlib; `NO_DATA` where the area is known to have none, `NOT_SAID` where the file does
not speak of it. `intake_count.known`: how many are counts.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import ColumnElement, Connection, select

from etl.store.engine import bulk_insert
from etl.store.tables import intake_count, intake_count_area

KEYS = ("level", "area_code", "week", "measure")
NO_DATA = -1
NOT_SAID = -2
_COMPRESSION = 1  # measured: level 6 saves a third of the room and takes five times as long

Floats = npt.NDArray[np.float64]
Figures = npt.NDArray[np.int64]


class AreaList:
    """Codes of the areas of one level that a delivery speaks of, sorted; compared by identity."""

    def __init__(self, packed: bytes) -> None:
        self.packed = packed

    @classmethod
    def of(cls, codes: Iterable[str]) -> AreaList:
        """The list of some codes, that must be sorted."""
        return cls(zlib.compress("\n".join(codes).encode(), _COMPRESSION))

    @cached_property
    def codes(self) -> npt.NDArray[np.object_]:
        return np.array(zlib.decompress(self.packed).decode().split("\n"), dtype=object)


class WeekCounts(NamedTuple):
    """What a delivery says of one level, measure and week.

    Attributes
    ----------
    figures : int64, shape (n_areas,), in the order of `areas`; `NO_DATA`, `NOT_SAID`.
    """

    level: str
    measure: str
    week: str
    areas: AreaList
    figures: Figures

    @property
    def said(self) -> npt.NDArray[np.bool_]:
        """Areas that the delivery speaks of."""
        found: npt.NDArray[np.bool_] = self.figures != NOT_SAID
        return found

    @property
    def counts(self) -> Floats:
        """Counts; NaN where there is none."""
        return np.where(self.figures >= 0, self.figures, np.nan)

    def only(self, areas: npt.NDArray[np.bool_]) -> WeekCounts:
        """The same without what is said of other areas."""
        return self._replace(figures=np.where(areas, self.figures, NOT_SAID))


def pack(frame: pd.DataFrame) -> Iterator[WeekCounts]:
    """Arrays of a frame: level, area_code, week, measure (categories), count (NaN = no data).

    Unique in its four keys; each key of a level comes out once.
    """
    level, area, week, measure = (pd.Categorical(frame[name]) for name in KEYS)
    weeks, measures = week.categories.tolist(), measure.categories.tolist()
    count = frame["count"].to_numpy(dtype=np.float64)
    figures = np.where(np.isnan(count), NO_DATA, np.nan_to_num(count)).astype(np.int64)
    for at, name in enumerate(level.categories):
        own = np.flatnonzero(level.codes == at)
        used, place = np.unique(area.codes[own], return_inverse=True)
        codes = area.categories.to_numpy(dtype=object)[used]
        order = np.argsort(codes)
        place = np.argsort(order)[place]
        areas = AreaList.of(codes[order])
        key = measure.codes[own].astype(np.int64) * len(weeks) + week.codes[own]
        rows = np.argsort(key, kind="stable")
        starts = np.flatnonzero(np.diff(key[rows], prepend=-1))
        for some in np.split(rows, starts[1:]) if len(rows) else ():
            row = own[some[0]]
            packed = np.full(len(codes), NOT_SAID, dtype=np.int64)
            packed[place[some]] = figures[own[some]]
            yield WeekCounts(
                str(name),
                str(measures[measure.codes[row]]),
                str(weeks[week.codes[row]]),
                areas,
                packed,
            )


def unpack(rows: Iterable[WeekCounts]) -> pd.DataFrame:
    """A row a figure: level, area_code, week, measure as categories; count, NaN = no data."""
    given = list(rows)
    said = [np.flatnonzero(row.said) for row in given]
    sizes = [len(at) for at in said]
    lists = list({id(row.areas): row.areas for row in given}.values())
    codes = pd.Categorical([code for one in lists for code in one.codes])
    ends = np.cumsum([0, *(len(one.codes) for one in lists)])
    start = {id(one): end for one, end in zip(lists, ends[:-1], strict=True)}
    places = [start[id(row.areas)] + at for row, at in zip(given, said, strict=True)]
    columns: dict[str, Any] = {
        name: pd.Categorical([getattr(row, name) for row in given]).take(
            np.repeat(np.arange(len(given)), sizes)
        )
        for name in ("level", "week", "measure")
    }
    columns["area_code"] = codes.take(np.concatenate([*places, np.empty(0, np.intp)]))
    counts = [row.counts[at] for row, at in zip(given, said, strict=True)]
    columns["count"] = np.concatenate([*counts, np.empty(0)])
    return pd.DataFrame(columns)[[*KEYS, "count"]]


def insert_counts(connection: Connection, rows: Iterable[WeekCounts], *, delivery_id: int) -> None:
    """Store what a delivery says; every key of a level once, with one list of areas a level."""
    lists: dict[str, AreaList] = {}

    def values() -> Iterator[tuple[Any, ...]]:
        for row in rows:
            lists[row.level] = row.areas
            figures = zlib.compress(row.figures.astype("<i8", copy=False).tobytes(), _COMPRESSION)
            known = int((row.figures >= 0).sum())
            yield (delivery_id, row.level, row.measure, row.week, known, figures)

    columns = ("delivery_id", "level", "measure", "week", "known", "figures")
    bulk_insert(connection, intake_count, columns, values())
    named = [(delivery_id, level, areas.packed) for level, areas in lists.items()]
    bulk_insert(connection, intake_count_area, ("delivery_id", "level", "codes"), named)


def read_counts(connection: Connection, *where: ColumnElement[bool]) -> Iterator[WeekCounts]:
    """Stored counts under conditions on `intake_count`, one array after the other."""
    count, area = intake_count.c, intake_count_area.c
    deliveries = select(count.delivery_id).where(*where)
    lists: dict[tuple[str, bytes], AreaList] = {}
    areas: dict[tuple[int, str], AreaList] = {}
    named = select(area.delivery_id, area.level, area.codes).where(area.delivery_id.in_(deliveries))
    for delivery_id, level, codes in connection.execute(named):
        # Most deliveries of a source speak of the same areas.
        areas[delivery_id, level] = lists.setdefault((level, codes), AreaList(codes))
    query = select(count.delivery_id, count.level, count.measure, count.week, count.figures)
    for delivery_id, level, measure, week, figures in connection.execute(query.where(*where)):
        numbers = np.frombuffer(zlib.decompress(figures), dtype="<i8").astype(np.int64, copy=False)
        yield WeekCounts(level, measure, week, areas[delivery_id, level], numbers)
