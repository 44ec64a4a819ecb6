"""Frames into tables by the engine's fast path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Column, Connection, Table

from etl.store.engine import bulk_insert


def insert_frame(connection: Connection, table: Table, frame: pd.DataFrame, **key: object) -> None:
    """Insert a frame's columns that the table has; a NaN becomes NULL.

    Parameters
    ----------
    key : columns with one value for all rows.
    """
    columns = [c.name for c in table.c if c.name in frame.columns and c.name not in key]
    if frame.empty:
        return
    constant = tuple(_bound(connection, table.c[name], value) for name, value in key.items())
    rows = (constant + row for row in plain(frame[columns]))
    bulk_insert(connection, table, [*key, *columns], rows)


def _bound(connection: Connection, column: Column[Any], value: object) -> object:
    """A value as the driver wants it, which is asked past SQLAlchemy."""
    processor = column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    return value if processor is None else processor(value)


def plain(frame: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    """Rows as plain Python values, NaN and NaT as None."""
    return zip(*(_values(frame[name]) for name in frame.columns), strict=True)


def _values(column: pd.Series[Any]) -> list[Any]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        # Each category is made plain once; the code of a missing value, -1, is the last of them.
        categories = np.array([*_values(column.cat.categories.to_series()), None], dtype=object)
        found: list[Any] = categories[column.cat.codes.to_numpy()].tolist()
        return found
    values = column.tolist()
    for position in np.flatnonzero(column.isna().to_numpy()).tolist():
        values[position] = None
    return values
