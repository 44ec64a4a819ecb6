"""Counts by area, week and measure: added up, filled with zeros or no data, framed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.findings import BoolArray, Doubts, IntArray
from etl.sources import values
from etl.sources.mapping import Areas
from etl.sources.settings import ObservationsSource
from etl.sources.sites import SiteIndex


@dataclass(frozen=True)
class Cells:
    """Counts by area, week (ordinal of its Monday) and measure, as parallel arrays.

    `row` is the row of the file that says it, 0 where none does.
    """

    area: IntArray
    monday: IntArray
    measure: IntArray
    count: npt.NDArray[np.float64]
    row: IntArray

    def take(self, kept: BoolArray | IntArray) -> Cells:
        """Some of the cells."""
        return Cells(*(getattr(self, field.name)[kept] for field in fields(self)))

    def spread(self, counts: npt.NDArray[np.float64], kept: IntArray) -> Cells:
        """A cell a figure of some rows; a row's figures are of its measure and those after it."""
        n_figures = counts.shape[1]
        area, monday, row = (
            np.repeat(part[kept], n_figures) for part in (self.area, self.monday, self.row)
        )
        measure = (self.measure[kept, None] + np.arange(n_figures)).ravel()
        return Cells(area, monday, measure, counts[kept].ravel(), row)

    def joined(self, other: Cells) -> Cells:
        """These cells and others."""
        return Cells(
            *(
                np.concatenate([getattr(self, field.name), getattr(other, field.name)])
                for field in fields(self)
            )
        )


def silent(cells: Cells, sites: SiteIndex) -> Cells:
    """No data for each week in which a facility that reports in this file did not.

    From its first report, or its opening, to the file's last week or its closing.
    """
    gone: list[tuple[int, int, int]] = []
    last = int(cells.monday.max()) if len(cells.area) else 0
    pairs = np.unique(np.column_stack([cells.area, cells.measure]), axis=0)
    for site, measure in pairs.tolist():
        own = set(cells.monday[(cells.area == site) & (cells.measure == measure)].tolist())
        until = min(last, sites.last_week(site))
        gone += [
            (site, monday, measure) for monday in range(min(own), until + 1, 7) if monday not in own
        ]
    found = np.array(gone, dtype=np.int64).reshape(-1, 3)
    nothing = np.full(len(gone), np.nan)
    no_row = np.zeros(len(gone), dtype=np.int64)
    return Cells(found[:, 0], found[:, 1], found[:, 2], nothing, no_row)


def summed(cells: Cells) -> Cells:
    """One cell an area, week and measure: the sum of its facilities, no data if one has none."""
    _, first, group = np.unique(_keys(cells), return_index=True, return_inverse=True)
    row = np.full(len(first), np.iinfo(np.int64).max)
    np.minimum.at(row, group, np.where(cells.row > 0, cells.row, row.max(initial=0)))
    row[row == np.iinfo(np.int64).max] = 0
    total = np.bincount(group, weights=cells.count, minlength=len(first)).astype(np.float64)
    return Cells(cells.area[first], cells.monday[first], cells.measure[first], total, row)


def _keys(cells: Cells) -> IntArray:
    """One number for area, week and measure; ordinals of Mondays stay below 2^22."""
    keys: IntArray = (cells.area << 32) + ((cells.monday // 7) << 10) + cells.measure
    return keys


def without(cells: Cells, others: Cells) -> Cells:
    """Those cells that the others do not have, each once."""
    if not len(cells.area):
        return cells
    _, first = np.unique(_keys(cells), return_index=True)
    cells = cells.take(first)
    return cells.take(~np.isin(_keys(cells), _keys(others)))


def zeros(cells: Cells, source: ObservationsSource, ends: IntArray, doubts: Doubts) -> Cells:
    """Zeros for every area and week that the file covers without a row.

    A former area gets them for its own time only.
    """
    n_areas = len(ends)
    none = cells.take(np.zeros(len(cells.area), dtype=bool))
    if not len(cells.area) and (source.covers_from is None or source.covers_to is None):
        return none
    covers_from, covers_to = source.covers_from, source.covers_to
    first = int(cells.monday.min()) if covers_from is None else values.monday_of(covers_from)
    last = int(cells.monday.max()) if covers_to is None else values.monday_of(covers_to)
    n_weeks = (last - first) // 7 + 1
    kinds = np.unique(cells.measure) if len(cells.measure) else np.zeros(1, dtype=np.int64)
    if n_weeks <= 0:
        return none
    have = np.zeros((len(kinds), n_areas, n_weeks), dtype=bool)
    inside = (cells.monday >= first) & (cells.monday <= last)
    week = (cells.monday[inside] - first) // 7
    have[np.searchsorted(kinds, cells.measure[inside]), cells.area[inside], week] = True
    have |= (first + 7 * np.arange(n_weeks))[None, None, :] >= ends[None, :, None]
    kind, area, week = np.nonzero(~have)
    if len(area):
        doubts.add(
            "zero_filled",
            count=len(area),
            start=values.week_name(first),
            end=values.week_name(last),
        )
    none_of_file = np.zeros(len(area), dtype=np.int64)
    return Cells(area, first + week * 7, kinds[kind], np.zeros(len(area)), none_of_file)


def blank_ranges(cells: Cells, source: ObservationsSource, doubts: Doubts) -> Cells:
    """Blank the weeks for which the department never had figures."""
    for span in source.no_data:
        start, end = values.monday_of(span.start), values.monday_of(span.end)
        hit = (cells.monday >= start) & (cells.monday <= end)
        if not hit.any():
            continue
        words: dict[str, Any] = {
            "start": values.week_name(start),
            "end": values.week_name(end),
            "reason_zh": span.reason.zh,
            "reason_en": span.reason.en,
            "sum": f"{np.nansum(cells.count[hit]):g}",
        }
        doubts.add("no_data_range", count=int(hit.sum()), **words)
        n_figures = int((cells.count[hit] > 0).sum())
        if n_figures:
            doubts.add("no_data_figures", count=n_figures, **words)
        cells.count[hit] = np.nan
    return cells


def framed(cells: Cells, areas: Areas, measures: Sequence[str]) -> pd.DataFrame:
    """The canonical frame of some cells, sorted by area, week and measure."""
    cells = cells.take(np.argsort(_keys(cells), kind="stable"))
    mondays, week = np.unique(cells.monday, return_inverse=True)
    n_rows = len(cells.area)
    return pd.DataFrame(
        {
            "level": _category(np.zeros(n_rows, dtype=np.int64), [areas.level]),
            "area_code": _category(cells.area, areas.codes.tolist()),
            "week": _category(week.astype(np.int64), values.week_names(mondays.tolist())),
            "measure": _category(cells.measure, measures),
            "count": cells.count,
            "source_row": cells.row,
        }
    )


def _category(codes: IntArray, categories: Sequence[str]) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, categories=pd.Index(list(categories), dtype="str"))
