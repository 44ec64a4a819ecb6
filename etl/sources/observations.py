"""Weekly counts, long or wide → level, area_code, week, measure, count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import numpy.typing as npt

from etl import proposals
from etl.findings import BoolArray, Doubts, IntArray, listed
from etl.ledger import Ledger
from etl.returned.marker import RETURN_COLUMNS
from etl.sources import values
from etl.sources.cells import Cells, blank_ranges, framed, silent, summed, without, zeros
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
    cells = cells.joined(without(withheld, cells))
    ends = _ends(areas, n_today, successors)
    _say_late(body.ledger, cells, ends, areas, successors, column=_area_name(body, source))
    if source.absent == "zero":
        cells = cells.joined(zeros(cells, source, ends, doubts))
    cells = blank_ranges(cells, source, doubts)
    return Mapped(framed(cells, areas, used), body.ledger, body.set_aside, newest)


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
    measure, used = _map_measures(body, source, measures)
    keyed = body.ledger.accepted.copy()
    amounts, some_bad = read_amounts(body, [body.found[name] for name in figures], whole=True)
    counts = np.stack([amount.values for amount in amounts], axis=1)
    conflict = reject_duplicates(
        body.ledger, [area, monday, measure], counts, column=body.found[area_column]
    )

    every = Cells(area, monday, measure, counts[:, 0], body.ledger.rows)
    refused = keyed & body.ledger.rejected & (some_bad | conflict)
    withheld = every.spread(counts, np.flatnonzero(refused))
    withheld.count[:] = np.nan
    accepted = every.spread(counts, np.flatnonzero(body.ledger.accepted))
    return body, accepted, used, withheld


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
    measure, used = _map_measures(body, source, measures)
    keyed = ledger.accepted.copy()
    amounts, some_bad = read_amounts(body, [body.found[figure] for figure in figures], whole=True)
    counts = np.stack([amount.values for amount in amounts], axis=1)
    conflict = reject_duplicates(ledger, [site, monday, measure], counts, column=name)
    counts[ledger.rejected] = np.nan
    sites.say_dates(ledger, site, monday, counts, column=name)
    used_rows = np.flatnonzero(ledger.accepted | (keyed & (some_bad | conflict)))
    place = areas.by_code
    area_of = np.array([place.get(code or "", -1) for code in sites.codes(source.level)] or [-1])
    of_sites = Cells(site, monday, measure, counts[:, 0], ledger.rows).spread(counts, used_rows)
    of_sites = of_sites.joined(silent(of_sites, sites)) if source.absent == "no_data" else of_sites
    none = of_sites.take(np.zeros(len(of_sites.area), dtype=np.bool_))
    if not len(of_sites.area):
        return body, none, used, none
    at = Cells(
        area_of[of_sites.area], of_sites.monday, of_sites.measure, of_sites.count, of_sites.row
    )
    return body, summed(at), used, none


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
    """Position of each row's measure among those used; the first, where columns hold them."""
    wanted = source.columns.measure
    if wanted is None:
        used = list(source.columns.counts) or [str(source.measure)]
        return np.zeros(len(body.cells), dtype=np.int64), used
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
