"""What came when, and what it changed."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Engine, case, func, select

from etl.store.tables import intake_change, intake_delivery
from etl.store.times import as_utc


def load_log(engine: Engine) -> pd.DataFrame:
    """Every delivery, oldest first, with how many figures it added, changed and took away.

    Returns
    -------
    Columns of `intake_delivery`, received_at_utc in UTC, and added, changed, removed.
    """
    change, delivery = intake_change.c, intake_delivery.c
    kinds = {
        "added": change.before.is_(None) & change.after.is_not(None),
        "changed": change.before.is_not(None) & change.after.is_not(None),
        "removed": change.before.is_not(None) & change.after.is_(None),
    }
    sums = [
        func.coalesce(func.sum(case((is_kind, 1), else_=0)), 0).label(name)
        for name, is_kind in kinds.items()
    ]
    joined = intake_delivery.outerjoin(intake_change, change.delivery_id == delivery.delivery_id)
    query = (
        select(*delivery, *sums)
        .select_from(joined)
        .group_by(*delivery)
        .order_by(delivery.delivery_id)
    )
    with engine.connect() as connection:
        frame = pd.DataFrame(connection.execute(query).mappings().all())
    if frame.empty:
        return pd.DataFrame(columns=[*(column.name for column in delivery), *kinds])
    frame["received_at_utc"] = [as_utc(moment) for moment in frame["received_at_utc"]]
    return frame.astype(dict.fromkeys(kinds, "int64"))


def load_changes(engine: Engine, delivery_id: int) -> pd.DataFrame:
    """What one delivery changed: level, code, week, figure, before, after (NaN = none)."""
    change = intake_change.c
    query = (
        select(change.level, change.code, change.week, change.figure, change.before, change.after)
        .where(change.delivery_id == delivery_id)
        .order_by(change.figure, change.week, change.code)
    )
    with engine.connect() as connection:
        frame = pd.read_sql_query(query, connection)
    return frame.astype({"before": "float64", "after": "float64"})
