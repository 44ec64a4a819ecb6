"""What a sheet shows a person and a table does not: merged cells, hidden rows, formulas."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from etl.findings import Doubts, UnusableFileError
from etl.sources import limits, values
from etl.sources.headers import Header
from etl.sources.settings import (
    FacilitiesSource,
    ObservationsSource,
    PopulationSource,
    SourceBase,
)
from etl.sources.workbook import Sheet

_FACILITY_KEYS = ("area_code", "kind", "town", "village", "status")


def heights(sheet: Sheet) -> dict[int, int]:
    """Over how many rows the tallest merged cell of a row goes, by position in `sheet.rows`."""
    tallest: dict[int, int] = {}
    for top, _, bottom, _ in sheet.merged:
        if bottom > top:
            first = bisect_left(sheet.numbers, top)
            height = bisect_left(sheet.numbers, bottom + 1) - first
            tallest[first] = max(tallest.get(first, 1), height)
    return tallest


def spread(sheet: Sheet, header: Header, source: SourceBase, doubts: Doubts) -> None:
    """Fill merged keys down over their rows; a merged figure belongs to none of them.

    A town's name merged over its villages stands in each of their rows. A figure merged over
    villages is that of all together: given to one of them it would be wrong, so it is made
    unreadable where it stands.

    Raises
    ------
    UnusableFileError : under a merged cell stands what it does not show.
    """
    keys, figures = _roles(source, header)
    mapped = sorted(keys | figures)
    taken = 0
    for top, left, bottom, right in sheet.merged:
        first = bisect_left(sheet.numbers, top)
        stop = bisect_left(sheet.numbers, bottom + 1)
        taken += stop - first
        if taken > limits.MAX_SHEET_ROWS * len(header.names):
            return  # regions that lie on each other are made by no person
        under = [at for at in mapped if left <= at <= right]
        _require_shown(sheet, range(max(first, header.start), stop), under, at=(top, left))
        if bottom == top or first < header.stop or first >= len(sheet.rows):
            continue
        if sheet.numbers[first] != top or not 0 <= left < len(sheet.rows[first]):
            continue
        value = sheet.rows[first][left]
        if not value.strip() or stop - first < 2:
            continue
        name = header.names[left] if left < len(header.names) else None
        if left in keys and not values.is_total(value):
            for row in sheet.rows[first + 1 : stop]:
                row.extend([""] * (left + 1 - len(row)))
                row[left] = value
            doubts.add_rows(
                "merged_key_spread", [top], column=name, value=[value], below=[stop - first - 1]
            )
        elif left in figures and not values.is_total(sheet.rows[first][0]):
            sheet.rows[first][left] = f"{value} [{bottom - top + 1}]"
            doubts.add_rows("merged_figure", [top], column=name, came=[value])


def _require_shown(
    sheet: Sheet, rows: range, columns: Sequence[int], *, at: tuple[int, int]
) -> None:
    """Refuse what stands under a merged cell and is not what it shows: nobody has seen it."""
    if not rows or not columns:
        return
    top, left = at
    first = bisect_left(sheet.numbers, top)
    there = first < len(sheet.rows) and sheet.numbers[first] == top
    shown = sheet.rows[first][left].strip() if there and 0 <= left < len(sheet.rows[first]) else ""
    for i in rows:
        row = sheet.rows[i]
        for column in columns:
            if column < len(row) and row[column].strip() not in {"", shown}:
                raise UnusableFileError("hidden_under_merge", row=sheet.numbers[i])


def say_hidden(sheet: Sheet, header: Header, doubts: Doubts) -> None:
    """Say that data stand in rows or sheets that nobody sees."""
    if sheet.hidden:
        doubts.add("hidden_sheet", came=sheet.name)
    rows = [number for number in sheet.numbers[header.stop :] if number in sheet.hidden_rows]
    if rows:
        doubts.add("hidden_rows", row=rows[0], count=len(rows))


def say_uncalculated(sheet: Sheet, header: Header, source: SourceBase, doubts: Doubts) -> None:
    """Say which formulas of mapped columns have no value."""
    keys, figures = _roles(source, header)
    first = sheet.numbers[header.stop]
    by_column: dict[int, list[int]] = {}
    for row, column in sheet.uncalculated:
        if row >= first and (column in keys or column in figures):
            by_column.setdefault(column, []).append(row)
    for column, rows in sorted(by_column.items()):
        doubts.add_rows("formula_without_value", rows, column=header.names[column])


def _roles(source: SourceBase, header: Header) -> tuple[set[int], set[int]]:
    """Columns whose merged cell speaks for each of its rows, and those that hold figures."""
    mapped = set(header.found.values())
    named: Iterable[str | None] = ()
    if isinstance(source, ObservationsSource):
        columns = source.columns
        named = (columns.week, columns.area, columns.site, columns.measure)
        if source.shape == "wide":
            mapped = set(range(len(header.names)))
    elif isinstance(source, PopulationSource):
        named = (source.columns.code,)
    elif isinstance(source, FacilitiesSource):
        named = [getattr(source.columns, name) for name in _FACILITY_KEYS]
    keys = {header.found[name] for name in named if name in header.found}
    return keys, mapped - keys
