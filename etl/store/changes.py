"""What a later file changed of a source's figures: every one that came, went or is another now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection, select

from etl.store import tables as t
from etl.store.packed import Floats, WeekCounts, read_counts
from etl.store.rows import insert_frame

# Of a site, what is a figure; that it is there at all is one, too.
_SITE_FIGURES = ("staff", "rooms", "area_m2", "beds", "places", "pupils")
_KEY = ["level", "code", "week", "figure"]


class SourceFigures(NamedTuple):
    """Every figure of a source that is in force.

    Attributes
    ----------
    counts : of weeks.
    others : residents and sites: level, code, week (""), figure, value.
    """

    counts: Sequence[WeekCounts]
    others: pd.DataFrame

    @classmethod
    def read(cls, connection: Connection, deliveries: Sequence[int]) -> SourceFigures:
        """What the store has of some deliveries."""
        counts = list(read_counts(connection, t.intake_count.c.delivery_id.in_(deliveries)))
        return cls(counts, _others(connection, deliveries))

    @property
    def empty(self) -> bool:
        return not self.counts and self.others.empty


def insert_changes(
    connection: Connection,
    before: SourceFigures,
    after: SourceFigures,
    *,
    source_id: str,
    by: int | None,
    now: datetime,
) -> None:
    """Enter the differences; none where the source had no figure before.

    Parameters
    ----------
    by : the delivery that brought them; None where one was taken back.
    """
    if before.empty:
        return
    both = before.others.merge(
        after.others, on=_KEY, how="outer", suffixes=("_before", "_after")
    ).rename(columns={"value_before": "before", "value_after": "after"})
    changed = _differ(both["before"].to_numpy(), both["after"].to_numpy())
    rows = pd.concat([both[changed], count_changes(before.counts, after.counts)])
    rows = rows.sort_values(_KEY, ignore_index=True)
    key_of_all = {"source_id": source_id, "delivery_id": by, "changed_at_utc": now}
    insert_frame(connection, t.intake_change, rows, **key_of_all)


def count_changes(before: Iterable[WeekCounts], after: Iterable[WeekCounts]) -> pd.DataFrame:
    """Weekly counts that differ: level, code, week, figure, before, after (NaN = none)."""
    old, new = _by_key(before), _by_key(after)
    every = {row.areas: row.level for side in (old, new) for rows in side.values() for row in rows}
    codes = {
        level: np.unique(np.concatenate([a.codes for a, own in every.items() if own == level]))
        for level in set(every.values())
    }
    place = {areas: np.searchsorted(codes[own], areas.codes) for areas, own in every.items()}

    def together(rows: Iterable[WeekCounts], size: int) -> Floats:
        counts = np.full(size, np.nan)
        for row in rows:
            counts[place[row.areas][row.said]] = row.counts[row.said]
        return counts

    parts = [pd.DataFrame(columns=[*_KEY, "before", "after"])]
    for level, measure, week in old.keys() | new.keys():
        key, own = (level, measure, week), codes[level]
        was, now = (together(side.get(key, ()), len(own)) for side in (old, new))
        at = np.flatnonzero(_differ(was, now))
        if len(at):
            named = {"level": level, "code": own[at], "week": week, "figure": measure}
            parts.append(pd.DataFrame({**named, "before": was[at], "after": now[at]}))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _by_key(rows: Iterable[WeekCounts]) -> Mapping[tuple[str, str, str], list[WeekCounts]]:
    found: dict[tuple[str, str, str], list[WeekCounts]] = {}
    for row in rows:
        found.setdefault((row.level, row.measure, row.week), []).append(row)
    return found


def _differ(old: Floats, new: Floats) -> npt.NDArray[np.bool_]:
    same: npt.NDArray[np.bool_] = (old == new) | (np.isnan(old) & np.isnan(new))
    return ~same


def _others(connection: Connection, deliveries: Sequence[int]) -> pd.DataFrame:
    people, site = t.intake_population.c, t.intake_site.c
    persons = select(people.level, people.area_code, people.group_code, people.persons).where(
        people.delivery_id.in_(deliveries)
    )
    sites = select(site.site_id, site.status, *(site[name] for name in _SITE_FIGURES)).where(
        site.delivery_id.in_(deliveries)
    )
    names = [*_KEY, "value"]
    residents = pd.read_sql_query(persons, connection)
    residents.insert(2, "week", "")
    frame = pd.read_sql_query(sites, connection)
    frame["open"] = (frame.pop("status") == "open").astype("float64")
    melted = frame.melt("site_id", var_name="figure", value_name="value").assign(
        level="site", week=""
    )
    parts = [residents.set_axis(names, axis=1), melted.rename(columns={"site_id": "code"})[names]]
    return pd.concat([part.astype({"value": "float64"}) for part in parts], ignore_index=True)
