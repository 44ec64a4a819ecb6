"""Tables of earlier snapshots: what a build compares its own week with."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Engine, select

from etl.store.tables import published_snapshot, published_table


def past_tables(engine: Engine, name: str, *, since: str, before: str) -> dict[str, pd.DataFrame]:
    """One published table of each week, of its newest snapshot, oldest week first.

    Parameters
    ----------
    name : of the table; snapshots without it are left out.
    since, before : ISO weeks; from `since` on, earlier than `before`.
    """
    snapshot, table = published_snapshot.c, published_table.c
    query = (
        select(snapshot.week, table.records)
        .join(published_table, snapshot.snapshot_id == table.snapshot_id)
        .where(table.name == name, snapshot.week >= since, snapshot.week < before)
        .order_by(snapshot.week, snapshot.published_at_utc)
    )
    with engine.connect() as connection:
        newest = {row.week: row.records for row in connection.execute(query)}
    return {
        week: pd.DataFrame(records["rows"], columns=records["columns"])
        for week, records in newest.items()
    }
