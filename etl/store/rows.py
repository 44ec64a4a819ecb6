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
    lists = []
    for name in frame.columns:
        column = frame[name]
        values = column.astype(object).to_numpy() if column.dtype == "category" else column
        plain = values.tolist()
        missing = np.flatnonzero(pd.isna(values))
        for position in missing.tolist():
            plain[position] = None
        lists.append(plain)
    return zip(*lists, strict=True)
