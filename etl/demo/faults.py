"""Faults as they come in: each is made in one cell or row, and written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from etl.demo.tables import full_width
from etl.demo.truth import PlantedFault


@dataclass
class FaultyTable:
    """A table about to be written, and the faults made in it.

    Parameters
    ----------
    source_id, file, sheet : where it goes.
    table : text cells; changed in place.
    first_row : row number of its first row in the file; rows are counted from 0 in the table.
    code, week : columns that name area and week, '' if there is none.
    """

    source_id: str
    file: str
    table: pd.DataFrame
    first_row: int
    sheet: str = ""
    code: str = ""
    week: str = ""
    faults: list[PlantedFault] = field(default_factory=list)

    def spoil(
        self,
        position: int,
        column: str,
        change: Callable[[str], str],
        fault: str,
        *,
        usable: bool = False,
    ) -> None:
        """Change one cell of the row at a position."""
        was = str(self.table.loc[position, column])
        came = change(was)
        self._note(position, column, fault, came, was, usable=usable)
        self.table.loc[position, column] = came

    def repeat(self, position: int, fault: str, **changes: str) -> None:
        """Add a copy of a row at the end, with changes; call after all others."""
        copy = self.table.iloc[[position]].assign(**changes)
        self.table = pd.concat([self.table, copy], ignore_index=True)
        column = next(iter(changes), self.code)
        came = str(copy.iloc[0][column])
        self._note(len(self.table) - 1, column, fault, came, "", usable=False)

    def _note(
        self, position: int, column: str, fault: str, came: str, was: str, *, usable: bool
    ) -> None:
        row = self.table.iloc[position]
        self.faults.append(
            PlantedFault(
                self.source_id, self.file, self.sheet, self.first_row + position, column, fault,
                came, was, usable,
                str(row[self.code]) if self.code else "", str(row[self.week]) if self.week else "",
            )
        )  # fmt: skip


def quiet_rows(
    table: pd.DataFrame,
    rng: np.random.Generator,
    count: int,
    *,
    usable: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> list[int]:
    """Rows to spoil: spread over the table, where nothing planted is spoilt with them."""
    choice = np.flatnonzero(usable)
    if len(choice) < count:
        choice = np.arange(len(table))
    return sorted(int(i) for i in rng.choice(choice, min(count, len(choice)), replace=False))


def minus_one(_: str) -> str:
    """A count below zero."""
    return "-1"


def three_and_a_half(_: str) -> str:
    """A count that is no whole number."""
    return "3.5"


def one_digit_less(code: str) -> str:
    """A code that lost a digit."""
    return code[:5] + code[6:]


def nothing(_: str) -> str:
    """An empty cell."""
    return ""


def wide_digits(text: str) -> str:
    """Full-width digits: readable, once one knows."""
    return full_width(text)


def in_words(_: str) -> str:
    """A remark where a number belongs."""
    return "数据核实中"
