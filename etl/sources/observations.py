"""Weekly counts, long or wide → level, area_code, week, measure, count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.findings import BoolArray, Doubts, IntArray, listed
from etl.sources import values
from etl.sources.headers import nearest, plain
from etl.sources.mapping import (
    Areas,
    Body,
    Mapped,
    map_area_codes,
    open_body,
    read_amounts,
    reject_duplicates,
)
from etl.sources.settings import ObservationsSource
from etl.sources.tabular import Table
from etl.sources.values import Amount, WeekFault

_CONVENTIONS = {
    "iso": "2026-W46",
    "monday": "Monday 星期一",
    "sunday": "Sunday 星期日",
    "date": "2026-11-09",
}
FRAME_COLUMNS = ("level", "area_code", "week", "measure", "count", "source_row")


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

    def joined(self, other: Cells) -> Cells:
        """These cells and others."""
        return Cells(
            *(
                np.concatenate([getattr(self, field.name), getattr(other, field.name)])
                for field in fields(self)
            )
        )


def map_observations(
    table: Table,
    source: ObservationsSource,
    areas: Areas,
    doubts: Doubts,
    *,
    measures: Sequence[str],
    today: date,
) -> Mapped:
    """Canonical weekly counts of a source.

    Parameters
    ----------
    measures : codes of all registered measures.
    today : weeks that begin later are in the future.

    Returns
    -------
    Mapped, its frame: level, area_code, week, measure as categories, count float64 (NaN = no
    data), source_row, one row for an area, week and measure, sorted by them.

    Notes
    -----
    O(n rows); texts are parsed once each.
    """
    if source.shape == "long":
        read = _long(table, source, areas, doubts, measures=measures, today=today)
    else:
        read = _wide(table, source, areas, doubts, today=today)
    body, cells, used, withheld = read
    reported = cells.monday[~np.isnan(cells.count)]
    newest = values.week_name(int(reported.max())) if len(reported) else None
    # What was refused is no data: it must not be taken for an area and week that nobody reported.
    cells = cells.joined(_without(withheld, cells))
    if source.absent == "zero":
        cells = cells.joined(_zeros(cells, source, len(areas.codes), doubts))
    cells = _blank_ranges(cells, source, doubts)
    return Mapped(_frame(cells, areas, used), body.ledger, body.set_aside, newest)


def _long(
    table: Table,
    source: ObservationsSource,
    areas: Areas,
    doubts: Doubts,
    *,
    measures: Sequence[str],
    today: date,
) -> tuple[Body, Cells, list[str], Cells]:
    columns = source.columns
    # The model demands an area and a count of a long file.
    area_column, figures = str(columns.area), list(columns.counts.values()) or [str(columns.count)]
    body = open_body(table, doubts, key=area_column, figures=figures)
    area = map_area_codes(body, area_column, source, areas)
    monday = _map_weeks(body, source, today)
    if columns.measure is not None:
        measure, used = _map_measures(body, source, measures)
    else:
        used = list(columns.counts) or [str(source.measure)]
        measure = np.zeros(len(area), dtype=np.int64)
    keyed = body.ledger.accepted.copy()
    amounts, some_bad = read_amounts(body, [body.found[name] for name in figures], whole=True)
    counts = np.stack([amount.values for amount in amounts], axis=1)
    conflict = reject_duplicates(
        body.ledger, [area, monday, measure], counts, column=body.found[area_column]
    )

    def cells(rows: BoolArray) -> Cells:
        kept = np.flatnonzero(rows)
        n_figures = len(figures)
        offsets = np.arange(n_figures) if n_figures > 1 else np.zeros(1, dtype=np.int64)
        return Cells(
            np.repeat(area[kept], n_figures),
            np.repeat(monday[kept], n_figures),
            (measure[kept, None] + offsets).ravel(),
            counts[kept].ravel(),
            np.repeat(body.ledger.rows[kept], n_figures),
        )

    refused = keyed & body.ledger.rejected & (some_bad | conflict)
    withheld = cells(refused)
    withheld.count[:] = np.nan
    return body, cells(body.ledger.accepted), used, withheld


def _wide(
    table: Table, source: ObservationsSource, areas: Areas, doubts: Doubts, *, today: date
) -> tuple[Body, Cells, list[str], Cells]:
    week = source.columns.week
    places = _area_columns(table, source, areas, doubts)
    body = open_body(table, doubts, key=week, figures=[], also=list(places))
    monday = _map_weeks(body, source, today)
    keyed = body.ledger.accepted.copy()
    used = [str(source.measure)]
    empty = np.zeros(0, dtype=np.int64)
    if not places:
        nothing = Cells(empty, empty, empty, np.zeros(0), empty)
        return body, nothing, used, nothing
    amounts, some_bad = read_amounts(body, list(places), whole=True)
    counts = np.stack([amount.values for amount in amounts], axis=1)
    blank = np.stack([amount.faults == Amount.BLANK for amount in amounts], axis=1)
    conflict = reject_duplicates(body.ledger, [monday], counts, column=body.found[week])
    area = np.array(list(places.values()), dtype=np.int64)

    def cells(rows: BoolArray, *, present: npt.NDArray[np.bool_]) -> Cells:
        row, column = np.nonzero(present & rows[:, None])
        return Cells(
            area=area[column],
            monday=monday[row],
            measure=np.zeros(len(row), dtype=np.int64),
            count=counts[row, column],
            row=body.ledger.rows[row],
        )

    # A blank cell of a wide table is what an absent row is in a long one.
    accepted = cells(body.ledger.accepted, present=~blank)
    refused = keyed & body.ledger.rejected & (some_bad | conflict)
    withheld = cells(refused, present=np.ones_like(blank))
    withheld.count[:] = np.nan
    return body, accepted, used, withheld


def _area_columns(
    table: Table, source: ObservationsSource, areas: Areas, doubts: Doubts
) -> dict[str, int]:
    """Columns of a wide table that are areas → position of the area."""
    mapped = set(table.found.values())
    by_name: dict[str, list[int]] = {}
    for position, name in enumerate(areas.names):
        by_name.setdefault(plain(name), []).append(position)
    by_code = areas.by_code
    places: dict[str, int] = {}
    for column in table.cells.columns:
        if column in mapped or values.is_blank(table.cells[column]).all():
            continue
        text = column.rpartition("/")[2]
        if source.areas_by == "code":
            code = values.code_text(text, source.code)
            found = [by_code[code]] if code in by_code else []
        else:
            found = by_name.get(plain(column), by_name.get(plain(text), []))
        if len(found) == 1 and found[0] not in places.values():
            places[column] = found[0]
        elif found:
            doubts.add("ambiguous_name", column=column, came=text)
        elif not values.is_total(text):
            known = areas.codes.tolist() if source.areas_by == "code" else areas.names
            doubts.add(
                "unknown_column",
                column=column,
                came=text,
                level=areas.level,
                nearest=nearest(text, known),
            )
    if places and len(places) < len(areas.names):
        missing = [n for i, n in enumerate(areas.names) if i not in set(places.values())]
        doubts.add("area_without_column", came=listed(missing), count=len(missing))
    return places


def _map_weeks(body: Body, source: ObservationsSource, today: date) -> IntArray:
    name = body.found[source.columns.week]
    weeks = values.weeks(body.column(source.columns.week), source.week)
    ledger, convention = body.ledger, _CONVENTIONS[source.week]
    ledger.reject("missing_value", weeks.faults == WeekFault.BLANK, column=name)
    malformed = weeks.faults == WeekFault.MALFORMED
    ledger.reject("malformed_week", malformed, column=name, convention=convention)
    wrong_day = weeks.faults == WeekFault.WRONG_DAY
    ledger.reject("week_start", wrong_day, column=name, convention=convention)
    newest = values.monday_of(today)
    future = weeks.mondays > newest
    ledger.reject("future_week", future, column=name, newest=values.week_name(newest))
    return weeks.mondays


def _map_measures(
    body: Body, source: ObservationsSource, measures: Sequence[str]
) -> tuple[IntArray, list[str]]:
    wanted = str(source.columns.measure)
    column = body.column(wanted)
    known: Mapping[str, str] = {code: code for code in measures}
    known = {**known, **{plain(text): code for text, code in source.measures.items()}}
    used = sorted(set(known.values()))
    place = {code: i for i, code in enumerate(used)}
    keys = values.recoded(column, [plain(str(text)) for text in column.cat.categories])
    found = values.positions(keys, {text: place[code] for text, code in known.items()})
    blank = values.is_blank(column)
    name = body.found[wanted]
    body.ledger.reject("missing_value", blank, column=name)
    named = listed(source.measures or measures)
    body.ledger.reject("unknown_measure", (found < 0) & ~blank, column=name, known=named)
    return found, used


def _keys(cells: Cells) -> IntArray:
    """One number for area, week and measure; ordinals of Mondays stay below 2^22."""
    keys: IntArray = (cells.area << 32) + ((cells.monday // 7) << 10) + cells.measure
    return keys


def _without(cells: Cells, others: Cells) -> Cells:
    """Those cells that the others do not have, each once."""
    if not len(cells.area):
        return cells
    _, first = np.unique(_keys(cells), return_index=True)
    cells = cells.take(first)
    return cells.take(~np.isin(_keys(cells), _keys(others)))


def _zeros(cells: Cells, source: ObservationsSource, n_areas: int, doubts: Doubts) -> Cells:
    """Zeros for every area and week that the file covers without a row."""
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


def _blank_ranges(cells: Cells, source: ObservationsSource, doubts: Doubts) -> Cells:
    """Blank the weeks for which the department never had figures."""
    for span in source.no_data:
        start, end = values.monday_of(span.start), values.monday_of(span.end)
        hit = (cells.monday >= start) & (cells.monday <= end)
        if not hit.any():
            continue
        doubts.add(
            "no_data_range",
            count=int(hit.sum()),
            start=values.week_name(start),
            end=values.week_name(end),
            reason_zh=span.reason.zh,
            reason_en=span.reason.en,
            sum=f"{np.nansum(cells.count[hit]):g}",
        )
        cells.count[hit] = np.nan
    return cells


def _frame(cells: Cells, areas: Areas, measures: Sequence[str]) -> pd.DataFrame:
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
