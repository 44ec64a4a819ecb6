"""Writing down what happens to warnings: one transaction a change, nothing lost in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update

from etl.response.life import Event, Kind, Life, apply, encode
from etl.response.reading import column_values, life_of
from etl.store.engine import exclusive
from etl.store.response_tables import response_event, response_warning
from geo.errors import CodeError, MovedOnError

ADVISORY_LOCK = 0x58494E52  # "XINR": one change of warnings at a time on PostgreSQL


def transaction(engine: Engine) -> AbstractContextManager[Connection]:
    """A transaction that waits for any other change of warnings."""
    return exclusive(engine, ADVISORY_LOCK)


@dataclass(frozen=True)
class Act:
    """What is to be written down of a warning.

    Attributes
    ----------
    tier : after it; as before if None.
    """

    kind: Kind
    week: str
    at: datetime
    tier: int | None = None
    office: str | None = None
    text: str = ""
    changes: Mapping[str, Any] | None = None


def open_warning(connection: Connection, warning_id: str, act: Act) -> Life:
    """Write the first event of a warning."""
    event = _event(warning_id, 1, act, tier=act.tier or 0)
    life = apply(None, event)
    connection.execute(insert(response_warning).values(**column_values(life)))
    _append(connection, event)
    return life


def write(connection: Connection, life: Life, acts: Sequence[Act]) -> Life:
    """Write what happened to a warning, and what it comes to.

    Parameters
    ----------
    life : as it was read in this transaction, or before.

    Raises
    ------
    StepError : a step is not allowed.
    MovedOnError : the warning has been changed since it was read.
    """
    after = life
    for act in acts:
        tier = after.tier if act.tier is None else act.tier
        event = _event(life.warning_id, after.version + 1, act, tier=tier)
        after = apply(after, event)
        _append(connection, event, stale=life)
    columns = response_warning.c
    same = (columns.warning_id == life.warning_id) & (columns.version == life.version)
    done = connection.execute(update(response_warning).where(same).values(**column_values(after)))
    if done.rowcount != 1:
        raise _moved_on(connection, life)
    return after


def read_life(connection: Connection, warning_id: str) -> Life:
    """One warning, by its id or by the beginning of it that no other has.

    Raises
    ------
    CodeError : there is none, or several begin so.
    """
    columns = response_warning.c
    rows = connection.execute(
        select(response_warning).where(columns.warning_id == warning_id)
    ).all()
    if not rows:
        begins = columns.warning_id.startswith(warning_id, autoescape=True)
        query = select(response_warning).where(begins).order_by(columns.warning_id)
        rows = connection.execute(query.limit(6)).all() if warning_id else []
    if len(rows) == 1:
        return life_of(rows[0])
    if rows:
        found = ", ".join(row.warning_id for row in rows[:5]) + (", …" if len(rows) > 5 else "")
        raise CodeError(f"warning {warning_id!r}: several begin so: {found}; give more of it")
    raise CodeError(f"warning {warning_id!r}: there is none; `xintu warnings list` lists them")


def _event(warning_id: str, version: int, act: Act, *, tier: int) -> Event:
    changes = encode(act.changes or {})
    return Event(
        warning_id, version, act.kind, tier, act.week, act.office, act.text, act.at, changes
    )


def _append(connection: Connection, event: Event, *, stale: Life | None = None) -> None:
    if stale is not None:
        # Asked first: a doubled version would end the transaction with an error of the driver's.
        columns = response_event.c
        taken = select(columns.event_id).where(
            columns.warning_id == event.warning_id, columns.version == event.version
        )
        if connection.execute(taken).first() is not None:
            raise _moved_on(connection, stale)
    row = {
        "warning_id": event.warning_id,
        "version": event.version,
        "kind": event.kind.value,
        "tier": event.tier,
        "week": event.week,
        "office": event.office,
        "text": event.text,
        "at_utc": event.at,
        "changes": dict(event.changes),
    }
    connection.execute(insert(response_event).values(**row))


def _moved_on(connection: Connection, life: Life) -> MovedOnError:
    now = read_life(connection, life.warning_id)
    by = f" by {now.office}" if now.office else ""
    return MovedOnError(
        f"{life.warning_id}: was {life.state} when it was looked at (version {life.version}), is "
        f"{now.state} now{by} (version {now.version}); look again before acting"
    )
