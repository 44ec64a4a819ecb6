"""Totals beside the rows: a column 合计 of a wide table against the areas it adds up."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from etl.findings import BoolArray
from etl.returned.marker import RETURN_COLUMNS
from etl.sources import values
from etl.sources.mapping import Body
from etl.sources.tabular import Table
from etl.sources.values import Amount

_TOLERANCE = 1e-6


def check_row_totals(
    table: Table,
    body: Body,
    areas: list[str],
    counts: npt.NDArray[np.float64],
    *,
    doubted: BoolArray,
) -> None:
    """Say where a total column of a wide table is not the sum of its areas.

    A table with figures under headers that are no known area is left alone: its total holds them.

    Parameters
    ----------
    table, body : as read, and its rows that are data.
    areas : columns that are areas.
    counts : float64, shape (n_rows, n_areas), NaN = no data.
    doubted : rows with a figure that could not be read, which are told of that already.
    """
    known = {*areas, *table.found.values(), *RETURN_COLUMNS}
    others = [
        str(name)
        for name in table.cells.columns
        if name not in known and not values.is_blank(table.cells[name]).all()
    ]
    totals = [name for name in others if values.is_total(name.rpartition("/")[2])]
    subtotals = {name for name in totals if values.is_subtotal(name.rpartition("/")[2])}
    if any(_is_figures(table, name) for name in others if name not in totals):
        return
    wanted = np.nansum(counts, axis=1)
    plain = body.ledger.accepted & ~doubted & ~np.isnan(counts).all(axis=1)
    for name in totals:
        if name in subtotals:
            continue
        came = values.signed(table.cells.loc[body.cells.index, name]).values
        wrong = plain & (np.abs(came - wanted) > _TOLERANCE * np.maximum(1.0, wanted))
        if wrong.any():
            sums = [f"{total:.10g}" for total in wanted[wrong]]
            body.ledger.doubts.add_rows(
                "row_total_mismatch",
                body.ledger.rows[wrong],
                column=name,
                came=[f"{total:.15g}" for total in came[wrong]],
                proposal=sums,
                sum=sums,
            )
            body.ledger.mark("row_total_mismatch", wrong, column=name, proposal=sums, sum=sums)


def _is_figures(table: Table, name: str) -> bool:
    """Whether a column holds numbers, which may be those of an area that is not known."""
    return bool((values.amounts(table.cells[name], integer=False).faults == Amount.GOOD).any())
