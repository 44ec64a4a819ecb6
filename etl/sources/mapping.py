"""A department's table → canonical rows, with every row accounted for.

A row whose key is bad, or none of whose figures is usable, waits in quarantine; in a row with
several figures a single bad one is blanked and said. Title, total and remark rows are set aside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl import proposals
from etl.findings import EACH, BoolArray, Doubts, IntArray
from etl.ledger import Ledger
from etl.sources import values
from etl.sources.settings import PopulationSource, SourceBase
from etl.sources.tabular import Table
from etl.sources.values import Amount, Amounts

_AMOUNT_RULES = {
    Amount.TEXT: "not_a_number",
    Amount.NEGATIVE: "negative_count",
    Amount.FRACTION: "fractional_count",
    Amount.HUGE: "implausible_count",
}
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Areas:
    """The areas of one level as mapping needs them."""

    level: str
    pattern: str
    codes: npt.NDArray[np.object_]
    names: tuple[str, ...]

    @property
    def by_code(self) -> dict[str, int]:
        """Area code → position."""
        return {code: i for i, code in enumerate(self.codes.tolist())}


@dataclass(frozen=True)
class Mapped:
    """A source's canonical rows and where its rows went."""

    frame: pd.DataFrame
    ledger: Ledger
    set_aside: int
    newest_week: str | None = None

    @property
    def accepted(self) -> int:
        """Rows of the file that are used."""
        return int(self.ledger.accepted.sum())

    @property
    def quarantined(self) -> int:
        """Rows of the file that wait."""
        return int(self.ledger.rejected.sum())


@dataclass(frozen=True)
class Body:
    """The rows of a table that are data, and how many were not."""

    cells: pd.DataFrame
    found: dict[str, str]
    ledger: Ledger
    set_aside: int

    def column(self, wanted: str) -> pd.Series[str]:
        """The column that a mapped name means."""
        column: pd.Series[str] = self.cells[self.found[wanted]]
        return column


def open_body(
    table: Table, doubts: Doubts, *, key: str, figures: Sequence[str], also: Sequence[str] = ()
) -> Body:
    """Set aside what is not data, check totals against their rows, start the ledger.

    Only mapped columns go on from here.

    Parameters
    ----------
    key : mapped column that no data row leaves empty (area code, name, week).
    figures : mapped columns that a total row adds up.
    also : names in the table, beside the mapped columns, that hold figures too.
    """
    cells = table.cells
    totals, subtotals, others = _aside(table, key)
    aside = totals | others
    for name in dict.fromkeys([*(table.found[figure] for figure in figures), *also]):
        _check_totals(cells, name, doubts, totals=totals, subtotals=subtotals, aside=aside)
    data = cells.loc[~aside, list(dict.fromkeys([*table.found.values(), *also]))]
    ledger = Ledger(data, doubts)
    overfull = table.overfull[~aside]
    ledger.reject("extra_cells", overfull, column=None)
    return Body(data, table.found, ledger, table.titles + int(aside.sum()))


def _aside(table: Table, key: str) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Rows that are totals; those of them that are subtotals; remarks and repeated headers.

    A row with a key of its own is data, whatever word stands before it.
    """
    cells = table.cells
    own_key = ~values.matches(cells[table.found[key]], values.is_no_key)
    leading = list(dict.fromkeys([*cells.columns[:2], table.found[key]]))
    totals = subtotals = others = np.zeros(len(cells), dtype=bool)
    for name in leading:
        totals = totals | (values.matches(cells[name], values.is_total) & ~own_key)
        subtotals = subtotals | (values.matches(cells[name], values.is_subtotal) & ~own_key)
    first = cells.iloc[:, 0]
    lone = values.is_blank(cells[table.found[key]]) | (table.found[key] == cells.columns[0])
    others = others | (values.matches(first, values.is_remark) & lone)
    repeated = np.ones(len(cells), dtype=bool)
    for wanted, name in table.found.items():
        titles = {name, wanted, name.rpartition("/")[2]}
        repeated &= values.positions(cells[name], dict.fromkeys(titles, 0)) == 0
    return totals, subtotals, (others | repeated) & ~totals


def _check_totals(
    cells: pd.DataFrame,
    name: str,
    doubts: Doubts,
    *,
    totals: BoolArray,
    subtotals: BoolArray,
    aside: BoolArray,
) -> None:
    if not totals.any():
        return
    # A sum may hold what the single cell may not: it is checked as it was added up in Excel.
    figures = values.signed(cells[name]).values
    running = np.cumsum(np.where(aside | np.isnan(figures), 0.0, figures))
    since = 0.0
    for position in np.flatnonzero(totals).tolist():
        came = figures[position]
        wanted = running[position] - (since if subtotals[position] else 0.0)
        since = running[position]
        if not np.isnan(came) and abs(came - wanted) > _TOLERANCE * max(1.0, abs(wanted)):
            doubts.add(
                "total_mismatch",
                row=int(cells.index[position]),
                column=name,
                came=f"{came:.15g}",
                sum=f"{wanted:.10g}",
            )


def map_area_codes(
    body: Body, wanted: str, source: SourceBase, areas: Areas
) -> npt.NDArray[np.int64]:
    """Position of each row's area, -1 where it has none; says and rejects the rows without."""
    column = body.column(wanted)
    name = body.found[wanted]
    codes = values.codes(column, source.code)
    blank = values.matches(codes, lambda text: not text)
    malformed = ~blank & ~values.matches(codes, values.whole(areas.pattern))
    place = values.positions(codes, areas.by_code)
    # A code of the boundary files is right, whatever the pattern says.
    malformed &= place < 0
    ledger = body.ledger
    ledger.reject("missing_value", blank, column=name)
    propose = proposals.code(areas.by_code)
    ledger.reject("malformed_code", malformed, column=name, proposal=propose, pattern=areas.pattern)
    unknown = ~blank & ~malformed & (place < 0)
    told = codes[unknown].astype(str).tolist()
    # As many as will be shown; a wrong mapping may reject a million rows.
    close = [nearest_code(code, areas) for code in told[: EACH + 1]] + [""] * len(told[EACH + 1 :])
    ledger.reject(
        "unknown_area", unknown, column=name, proposal=propose, level=areas.level, nearest=close
    )
    return place


def nearest_code(code: str, areas: Areas) -> str:
    """The code that shares most with an unknown one, with its name; "—" if none is like it."""
    best, most = -1, 0.5
    for i, known in enumerate(areas.codes.tolist()):
        same = sum(mine == own for mine, own in zip(code, known, strict=False))
        share = same / max(len(code), len(known))
        if share > most:
            best, most = i, share
    if best < 0:
        return "—"
    known, name = str(areas.codes[best]), areas.names[best] if areas.names else ""
    return known if name in {known, ""} else f"{known} {name}"


def read_amounts(
    body: Body, names: Sequence[str], *, whole: bool, reject: bool = True
) -> tuple[list[Amounts], BoolArray]:
    """Figures of columns; bad ones are said and blanked, rows with none left are rejected.

    Parameters
    ----------
    reject : False keeps such rows, where they hold more than figures.

    Returns
    -------
    One `Amounts` a column, and which rows held a bad figure.
    """
    columns = [values.amounts(body.cells[name], integer=whole) for name in names]
    ledger = body.ledger
    faults = np.stack([column.faults for column in columns])
    some_bad: BoolArray = np.any(faults > Amount.BLANK, axis=0)
    lost = some_bad & ~np.any(faults == Amount.GOOD, axis=0) & reject
    for fault, rule in _AMOUNT_RULES.items():
        for name, row_faults in zip(names, faults, strict=True):
            mask = row_faults == fault
            if mask.any():
                ledger.reject(rule, mask & lost, column=name)
                ledger.note(rule, mask & ~lost, column=name)
    return columns, some_bad


def reject_duplicates(
    ledger: Ledger,
    keys: Sequence[npt.NDArray[np.int64]],
    figures: npt.NDArray[np.float64],
    *,
    column: str,
) -> BoolArray:
    """Keep one of rows that say the same twice; reject all that contradict each other.

    Parameters
    ----------
    keys : arrays of one entry a row that together must be unique.
    figures : float64, shape (n_rows, n_figures); NaN equals NaN.
    column : where a person looks for the repeated key.

    Returns
    -------
    Rows of contradicting groups.
    """
    good = np.flatnonzero(ledger.accepted)
    conflict = np.zeros(len(ledger.rows), dtype=bool)
    if not len(good):
        return conflict
    group = _group(keys, good)
    counts = np.bincount(group)
    if counts.max() == 1:
        return conflict
    several = counts[group] > 1
    first = np.full(len(counts), len(good), dtype=np.int64)
    np.minimum.at(first, group, np.arange(len(good)))
    own, other = figures[good], figures[good[first[group]]]
    differs = ~((own == other) | (np.isnan(own) & np.isnan(other))).all(axis=1)
    contradicting = np.bincount(group, weights=differs) > 0
    conflict[good[several & contradicting[group]]] = True
    identical = np.zeros(len(ledger.rows), dtype=bool)
    later = np.arange(len(good)) != first[group]
    identical[good[later & ~contradicting[group]]] = True
    ledger.reject("duplicate_identical", identical, column=column)
    ledger.reject("duplicate_conflict", conflict, column=column)
    return conflict


def _group(
    keys: Sequence[npt.NDArray[np.int64]], rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Number of the group of equal keys that each row belongs to, from 0, without gaps."""
    combined = np.zeros(len(rows), dtype=np.int64)
    for key in keys:
        distinct, place = np.unique(key[rows], return_inverse=True)
        combined = combined * len(distinct) + place
    group: npt.NDArray[np.int64] = np.unique(combined, return_inverse=True)[1]
    return group


def map_population(table: Table, source: PopulationSource, areas: Areas, doubts: Doubts) -> Mapped:
    """Persons by area and group: level, area_code, group, persons (NaN = no data), source_row.

    `areas` may hold former ones (`Successors.with_former`): persons of a former area stay under its
    code until `following.follow` hands them on.
    """
    groups = source.columns.groups
    body = open_body(table, doubts, key=source.columns.code, figures=list(groups.values()))
    place = map_area_codes(body, source.columns.code, source, areas)
    names = [body.found[column] for column in groups.values()]
    columns, _ = read_amounts(body, names, whole=False)
    persons = np.stack([column.values for column in columns], axis=1)
    if source.empty == "zero":
        blank = np.stack([column.faults == Amount.BLANK for column in columns], axis=1)
        persons[blank] = 0.0
    reject_duplicates(body.ledger, [place], persons, column=body.found[source.columns.code])
    kept = np.flatnonzero(body.ledger.accepted)
    rows = body.ledger.rows[kept]
    frame = population_frame(areas, place[kept], list(groups), persons[kept], rows)
    return Mapped(frame, body.ledger, body.set_aside)


def population_frame(
    areas: Areas,
    place: npt.NDArray[np.int64],
    groups: Sequence[str],
    persons: npt.NDArray[np.float64],
    rows: IntArray,
) -> pd.DataFrame:
    """Canonical population rows from one column a group, sorted by group and area."""
    n_areas = len(place)
    frame = pd.DataFrame(
        {
            "level": np.repeat(areas.level, n_areas * len(groups)),
            "area_code": np.tile(areas.codes[place].astype(str), len(groups)),
            "group": np.repeat(np.array(groups, dtype=object), n_areas).astype(str),
            "persons": persons.T.ravel(),
            "source_row": np.tile(rows, len(groups)),
        }
    )
    return frame.sort_values(["group", "area_code"], ignore_index=True)
