"""Warnings and their events out of the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Row, Select, or_, select

from etl.response.life import LIVE, Event, Kind, Life, State
from etl.response.shares import duties, shares
from etl.store.response_tables import response_event, response_warning
from etl.store.times import as_utc

# Column of the table → attribute of `Life`, where they differ.
_ATTRIBUTE = {
    "opened_at_utc": "opened_at",
    "acknowledge_by_utc": "acknowledge_by",
    "respond_by_utc": "respond_by",
    "due_at_utc": "due_at",
    "acknowledged_at_utc": "acknowledged_at",
    "responded_at_utc": "responded_at",
    "ended_at_utc": "ended_at",
}
EVENT_COLUMNS = ("warning_id", "version", "kind", "tier", "week", "office", "text", "at_utc")


@dataclass(frozen=True)
class Responses:
    """What a page shows of how warnings are answered; without any, frames with their columns.

    Attributes
    ----------
    warnings : one row a warning, live ones first, then highest tier, then earliest deadline:
        `warning_id`, `episode_id`, `measure`, `level`, `area_code`, `name`, `town_code`,
        `town_name` (empty for the county), `areas` (codes joined by "|"), `n_areas`, `tier`,
        `peak_tier`, `state` (open, acknowledged, responding, closed, dismissed), `live`, `office`
        (code of who acted last), `assigned` (whose turn it is by the standard), `opened_at_utc`,
        `opened_week`, `last_week`, `acknowledge_by_utc`, `respond_by_utc`, `due_at_utc` (the next
        deadline, NaT where nothing is due), `overdue`, `acknowledged_at_utc`, `responded_at_utc`,
        `ended_at_utc`, `faded` (the signal is gone, an office has yet to close it), `earlier_id`,
        `merged_into`, `reason_zh`, `reason_en`, `version` (to be handed back with an action).
    events : one row an event, oldest first: `warning_id`, `version`, `kind`
        (`etl.response.life.Kind`), `tier`, `week`, `office`, `text`, `at_utc`.
    by_tier, by_town, by_week : `tier`; `town_code` and `town_name`; `week`; each with
        `opened`, `due` (deadline passed), `in_time`, `dropped` (dismissed or merged before it was
        due), `share` = in_time / due, NaN where nothing was due.
    """

    warnings: pd.DataFrame
    events: pd.DataFrame
    by_tier: pd.DataFrame
    by_town: pd.DataFrame
    by_week: pd.DataFrame


def column_values(life: Life) -> dict[str, Any]:
    """A warning as the columns of `response_warning`."""
    values = {c.name: getattr(life, _ATTRIBUTE.get(c.name, c.name)) for c in response_warning.c}
    return values | {"areas": "|".join(sorted(life.areas)), "state": life.state.value}


def life_of(row: Row[Any]) -> Life:
    """A row of `response_warning` as a warning."""
    stored = row._asdict()
    stored.pop("due_at_utc")
    given = {_ATTRIBUTE.get(name, name): value for name, value in stored.items()}
    for name, value in given.items():
        if isinstance(value, datetime):
            given[name] = as_utc(value)
    given["areas"] = frozenset(given["areas"].split("|"))
    return Life(**{**given, "state": State(given["state"])})


def event_of(row: Row[Any]) -> Event:
    """A row of `response_event` as an event."""
    return Event(
        row.warning_id, row.version, Kind(row.kind), row.tier, row.week, row.office, row.text,
        as_utc(row.at_utc), row.changes,
    )  # fmt: skip


def read_lives(connection: Connection, *, live_only: bool = False) -> list[Life]:
    """Warnings by their id."""
    query = select(response_warning).order_by(response_warning.c.warning_id)
    if live_only:
        query = query.where(response_warning.c.state.in_(LIVE))
    return [life_of(row) for row in connection.execute(query)]


def read_events(connection: Connection, warning_ids: Sequence[str] | None = None) -> list[Event]:
    """Events in the order in which they were written; of these warnings, or of all."""
    query: Select[Any] = select(response_event).order_by(response_event.c.event_id)
    if warning_ids is not None:
        query = query.where(response_event.c.warning_id.in_(warning_ids))
    return [event_of(row) for row in connection.execute(query)]


def read_responses(connection: Connection, *, now: datetime, weeks: int) -> Responses:
    """See `etl.store.reader.Reader.responses`."""
    since = now - timedelta(weeks=weeks)
    columns = response_warning.c
    recent = or_(
        columns.state.in_(LIVE), columns.opened_at_utc >= since, columns.ended_at_utc >= since
    )
    lives = [life_of(row) for row in connection.execute(select(response_warning).where(recent))]
    kept = {life.warning_id for life in lives}
    # Not asked by id: SQLite takes so many in a query and no more.
    events = [event for event in read_events(connection) if event.warning_id in kept]
    begun = [duty for duty in duties(events) if duty.begun_at >= since]
    return Responses(
        warnings=_warnings(lives, now),
        events=_events(events),
        by_tier=shares(begun, ["tier"], now=now),
        by_town=shares(begun, ["town_code", "town_name"], now=now),
        by_week=shares(begun, ["week"], now=now),
    )


def _warnings(lives: Sequence[Life], now: datetime) -> pd.DataFrame:
    names = [column.name for column in response_warning.c]
    ordered = sorted(
        lives, key=lambda one: (not one.live, -one.tier, one.due_at is None, one.due_at or now,
                                one.warning_id),
    )  # fmt: skip
    frame = pd.DataFrame([column_values(life) for life in ordered], columns=names)
    for name in _ATTRIBUTE:
        frame[name] = pd.to_datetime(frame[name], utc=True)
    return frame.assign(
        live=[life.live for life in ordered],
        overdue=[life.overdue(now) for life in ordered],
        n_areas=[len(life.areas) for life in ordered],
    )


def _events(events: Sequence[Event]) -> pd.DataFrame:
    frame = pd.DataFrame(
        [
            (e.warning_id, e.version, e.kind.value, e.tier, e.week, e.office, e.text, e.at)
            for e in events
        ],
        columns=list(EVENT_COLUMNS),
    )
    return frame.assign(at_utc=pd.to_datetime(frame["at_utc"], utc=True))
