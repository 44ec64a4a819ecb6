"""Weekly counts, long or wide → level, area_code, week, measure, count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl import proposals
from etl.findings import BoolArray, Doubts, IntArray, listed
from etl.ledger import Ledger
from etl.returned.marker import RETURN_COLUMNS
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
from etl.sources.names import name_key
from etl.sources.settings import ObservationsSource
from etl.sources.sites import SiteIndex
from etl.sources.successors import NO_CHANGES, Successors
from etl.sources.sums import check_row_totals
from etl.sources.tabular import Table
from etl.sources.values import Amount, WeekFault
from geo.model import Level

_CONVENTIONS = {
    "iso": {"zh": "周次，如 2026-W46", "en": "a week, as 2026-W46"},
    "monday": {"zh": "星期一的日期，如 2026-11-09", "en": "a Monday, as 2026-11-09"},
    "sunday": {"zh": "星期日的日期，如 2026-11-08", "en": "a Sunday, as 2026-11-08"},
    "date": {"zh": "日期，如 2026-11-09", "en": "a date, as 2026-11-09"},
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
    successors: Successors = NO_CHANGES,
    sites: SiteIndex | None = None,
) -> Mapped:
    """Canonical weekly counts of a source.

    Parameters
    ----------
    measures : codes of all registered measures.
    today : weeks that begin later are in the future.
    successors : what became of former areas: their codes are known, too, and stay on their figures
        until `following.follow` hands these on.
    sites : where facilities stand, for a source whose facilities report for themselves.

    Returns
    -------
    Mapped, its frame: level, area_code, week, measure as categories, count float64 (NaN = no
    data), source_row, one row for an area, week and measure, sorted by them.

    Notes
    -----
    O(n rows); texts are parsed once each.
    """
    n_today = len(areas.codes)
    areas = successors.with_former(areas)
    if source.shape == "wide":
        read = _wide(table, source, areas, doubts, today=today)
    elif source.columns.site is not None:
        index = sites or SiteIndex.of([])
        read = _by_site(table, source, areas, doubts, measures=measures, today=today, sites=index)
    else:
        read = _long(table, source, areas, doubts, measures=measures, today=today)
    body, cells, used, withheld = read
    reported = cells.monday[~np.isnan(cells.count)]
    newest = values.week_name(int(reported.max())) if len(reported) else None
    # What was refused is no data: it must not be taken for an area and week that nobody reported.
    cells = cells.joined(_without(withheld, cells))
    ends = _ends(areas, n_today, successors)
    _say_late(body.ledger, cells, ends, areas, successors, column=_area_name(body, source))
    if source.absent == "zero":
        cells = cells.joined(_zeros(cells, source, ends, doubts))
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


def _by_site(
    table: Table,
    source: ObservationsSource,
    areas: Areas,
    doubts: Doubts,
    *,
    measures: Sequence[str],
    today: date,
    sites: SiteIndex,
) -> tuple[Body, Cells, list[str], Cells]:
    """Counts of facilities, added up where they stand."""
    columns = source.columns
    site_column = str(columns.site)
    figures = list(columns.counts.values()) or [str(columns.count)]
    body = open_body(table, doubts, key=site_column, figures=figures)
    ledger, name = body.ledger, body.found[site_column]
    site = sites.positions(body, site_column, source.level)
    monday = _map_weeks(body, source, today)
    if columns.measure is not None:
        measure, used = _map_measures(body, source, measures)
    else:
        used = list(columns.counts) or [str(source.measure)]
        measure = np.zeros(len(site), dtype=np.int64)
    keyed = ledger.accepted.copy()
    amounts, some_bad = read_amounts(body, [body.found[figure] for figure in figures], whole=True)
    counts = np.stack([amount.values for amount in amounts], axis=1)
    conflict = reject_duplicates(ledger, [site, monday, measure], counts, column=name)
    counts[ledger.rejected] = np.nan
    sites.say_dates(ledger, site, monday, counts, column=name)
    used_rows = np.flatnonzero(ledger.accepted | (keyed & (some_bad | conflict)))
    place = areas.by_code
    area_of = np.array([place.get(code or "", -1) for code in sites.codes(source.level)] or [-1])
    n_figures = len(figures)
    offsets = np.arange(n_figures) if n_figures > 1 else np.zeros(1, dtype=np.int64)
    of_sites = Cells(
        np.repeat(site[used_rows], n_figures),
        np.repeat(monday[used_rows], n_figures),
        (measure[used_rows, None] + offsets).ravel(),
        counts[used_rows].ravel(),
        np.repeat(ledger.rows[used_rows], n_figures),
    )
    of_sites = of_sites.joined(_silent(of_sites, sites)) if source.absent == "no_data" else of_sites
    none = of_sites.take(np.zeros(len(of_sites.area), dtype=np.bool_))
    if not len(of_sites.area):
        return body, none, used, none
    at = Cells(
        area_of[of_sites.area], of_sites.monday, of_sites.measure, of_sites.count, of_sites.row
    )
    return body, _summed(at), used, none


def _silent(cells: Cells, sites: SiteIndex) -> Cells:
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


def _summed(cells: Cells) -> Cells:
    """One cell an area, week and measure: the sum of its facilities, no data if one has none."""
    _, first, group = np.unique(_keys(cells), return_index=True, return_inverse=True)
    row = np.full(len(first), np.iinfo(np.int64).max)
    np.minimum.at(row, group, np.where(cells.row > 0, cells.row, row.max(initial=0)))
    row[row == np.iinfo(np.int64).max] = 0
    total = np.bincount(group, weights=cells.count, minlength=len(first)).astype(np.float64)
    return Cells(cells.area[first], cells.monday[first], cells.measure[first], total, row)


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
    check_row_totals(table, body, list(places), counts, doubted=some_bad)
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
    level = Level(areas.level)
    by_name: dict[str, list[int]] = {}
    by_key: dict[str, list[int]] = {}
    for position, name in enumerate(areas.names):
        by_name.setdefault(plain(name), []).append(position)
        by_key.setdefault(_spelling(name, level), []).append(position)
    by_code = areas.by_code
    places: dict[str, int] = {}
    for column in table.cells.columns:
        if column in mapped or column in RETURN_COLUMNS:
            continue
        if values.is_blank(table.cells[column]).all():
            continue
        text = column.rpartition("/")[2]
        if source.areas_by == "code":
            code = values.code_text(text, source.code)
            found = [by_code[code]] if code in by_code else []
        else:
            found = by_name.get(plain(column), by_name.get(plain(text), []))
            found = found or by_key.get(_spelling(text, level), [])
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


def _spelling(name: str, level: Level) -> str:
    """A name without regard to script variants and to the several words of one kind."""
    key = name_key(name, level)
    return f"{key.stem}|{key.kind}"


def _map_weeks(body: Body, source: ObservationsSource, today: date) -> IntArray:
    name = body.found[source.columns.week]
    weeks = values.weeks(body.column(source.columns.week), source.week)
    ledger = body.ledger
    said = {f"convention_{lang}": text for lang, text in _CONVENTIONS[source.week].items()}
    ledger.reject("missing_value", weeks.faults == WeekFault.BLANK, column=name)
    malformed = weeks.faults == WeekFault.MALFORMED
    propose = proposals.week(source.week)
    ledger.reject("malformed_week", malformed, column=name, proposal=propose, **said)
    wrong_day = weeks.faults == WeekFault.WRONG_DAY
    ledger.reject("week_start", wrong_day, column=name, proposal=propose, **said)
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
    propose = proposals.name(list(source.measures or measures))
    unknown = (found < 0) & ~blank
    body.ledger.reject("unknown_measure", unknown, column=name, proposal=propose, known=named)
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


def _ends(areas: Areas, n_today: int, successors: Successors) -> IntArray:
    """Ordinal of the first day on which each area is no more; the end of time for today's."""
    ends = np.full(len(areas.codes), date.max.toordinal(), dtype=np.int64)
    former = successors.former(areas.level)
    for position in range(n_today, len(areas.codes)):
        ends[position] = former[str(areas.codes[position])]
    return ends


def _area_name(body: Body, source: ObservationsSource) -> str | None:
    return None if source.columns.area is None else body.found[source.columns.area]


def _say_late(
    ledger: Ledger,
    cells: Cells,
    ends: IntArray,
    areas: Areas,
    successors: Successors,
    *,
    column: str | None,
) -> None:
    """Say which rows use the code of an area that was no more in their week."""
    late = cells.monday >= ends[cells.area]
    if not late.any():
        return
    mask = np.isin(ledger.rows, cells.row[late])
    by_row = dict(zip(cells.row[late].tolist(), np.flatnonzero(late).tolist(), strict=True))
    told, since = [], []
    for row in ledger.rows[mask].tolist():
        at = by_row[row]
        day = int(ends[cells.area[at]])
        code = str(areas.codes[cells.area[at]])
        told.append(listed(successors.shares(areas.level, code, day)))
        since.append(date.fromordinal(day).isoformat())
    ledger.note("former_area_used", mask, column=column, successors=told, since=since)


def _zeros(cells: Cells, source: ObservationsSource, ends: IntArray, doubts: Doubts) -> Cells:
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


def _blank_ranges(cells: Cells, source: ObservationsSource, doubts: Doubts) -> Cells:
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
