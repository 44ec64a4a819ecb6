"""Weekly counts as they were known at a moment: what later files changed, taken back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

import pandas as pd
from sqlalchemy import Engine, func, select

from etl.store import tables as t
from etl.store.packed import KEYS, WeekCounts, pack, unpack
from etl.store.times import as_utc


def first_received(engine: Engine) -> datetime | None:
    """When the first file came: what was known before, nobody knows; None in an empty store."""
    with engine.connect() as connection:
        moment = connection.scalar(select(func.min(t.intake_delivery.c.received_at_utc)))
    return None if moment is None else as_utc(moment)


def load_later_changes(engine: Engine) -> pd.DataFrame:
    """Every change of a weekly count by a later file, oldest first.

    Returns
    -------
    level, area_code, week, measure, changed_at_utc, count: what stood before, NaN where nothing.
    """
    change = t.intake_change.c
    query = (
        select(
            change.level,
            change.code.label("area_code"),
            change.week,
            change.figure.label("measure"),
            change.changed_at_utc,
            change.before.label("count"),
        )
        .where(change.week != "")
        .order_by(change.changed_at_utc, change.change_id)
    )
    with engine.connect() as connection:
        frame = pd.read_sql_query(query, connection)
    frame["changed_at_utc"] = [as_utc(moment) for moment in frame["changed_at_utc"]]
    return frame.astype({"count": "float64"})


def known_at(
    rows: Iterable[WeekCounts],
    changes: pd.DataFrame,
    moment: datetime,
    *,
    weeks: Collection[str],
) -> Iterator[WeekCounts]:
    """Counts as they stood at a moment.

    Parameters
    ----------
    rows : all counts in force of `weeks`, as `load_counts` gives them.
    changes : as `load_later_changes` gives them, of any weeks.
    moment : aware time; what came in the same instant was known.

    Notes
    -----
    The first change after the moment tells what stood before it. Figures of a source's first file
    are not changes: they are taken as known all along.
    """
    wanted = (changes["changed_at_utc"] > moment) & changes["week"].isin(weeks)
    later = changes[wanted].drop_duplicates(list(KEYS), keep="first")
    if later.empty:
        yield from rows
        return
    keys = set(zip(later["level"], later["measure"], later["week"], strict=True))
    touched: list[WeekCounts] = []
    for row in rows:
        if (row.level, row.measure, row.week) in keys:
            touched.append(row)
        else:
            yield row
    now = unpack(touched).astype(dict.fromkeys(KEYS, "str"))
    before = later[[*KEYS, "count"]]
    kept = now.merge(before[list(KEYS)], on=list(KEYS), how="left", indicator=True)
    frame = pd.concat([now[(kept["_merge"] == "left_only").to_numpy()], before.dropna()])
    yield from pack(frame.astype(dict.fromkeys(KEYS, "category")).reset_index(drop=True))
