"""The outbox of notices: queued once, claimed before they leave, marked after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Engine,
    Index,
    Integer,
    Row,
    Select,
    SmallInteger,
    Table,
    Text,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from etl.store.tables import metadata
from etl.store.times import as_utc

# Notices of warnings, one row a subscription, address and event; `notice_id` is made of these, so
# that an event is queued once. `batch_id` names the message it goes in, and stays while nobody can
# tell whether the other side has it. Rows end sent, or given up.
notice_outbox = Table(
    "notice_outbox",
    metadata,
    Column("notice_id", Text, primary_key=True),
    Column("subscription", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("warning_id", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("tier", SmallInteger, nullable=False),
    Column("content", JSON, nullable=False),
    Column("queued_at_utc", DateTime(timezone=True), nullable=False),
    Column("due_at_utc", DateTime(timezone=True), nullable=False),
    Column("batch_id", Text),
    Column("attempts", Integer, nullable=False),
    Column("tried_at_utc", DateTime(timezone=True)),
    Column("sent_at_utc", DateTime(timezone=True)),
    Column("given_up_at_utc", DateTime(timezone=True)),
    Column("last_error", Text),
    Index("ix_notice_outbox_due", "due_at_utc"),
)

_columns = notice_outbox.c
_WAITING = _columns.sent_at_utc.is_(None) & _columns.given_up_at_utc.is_(None)
_KEYS = 500  # in one statement


@dataclass(frozen=True)
class Entry:
    """One notice of the outbox.

    Attributes
    ----------
    notice_id : the same for the same subscription, target and event, whoever queues it.
    target : one mail address, or the address of a webhook.
    content : what it says, as it was when it was queued.
    due_at : when it is to leave, or to be tried again; UTC.
    batch_id : the message it was put into; None before, and after one that surely did not arrive.
    tried_at : first attempt.
    """

    notice_id: str
    subscription: str
    target: str
    warning_id: str
    event: str
    tier: int
    content: Mapping[str, Any]
    queued_at: datetime
    due_at: datetime
    batch_id: str | None = None
    attempts: int = 0
    tried_at: datetime | None = None
    sent_at: datetime | None = None
    given_up_at: datetime | None = None
    last_error: str | None = None

    @property
    def state(self) -> str:
        """Whether it was `sent` or `given_up`, or is `waiting`."""
        if self.sent_at is not None:
            return "sent"
        return "waiting" if self.given_up_at is None else "given_up"


class Outbox:
    """The outbox of one store.

    Parameters
    ----------
    engine : a store with this version's schema; open for writing, but to list only.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put(self, entries: Sequence[Entry]) -> int:
        """Queue what is not there yet; how many that were. Any number of processes may do it."""
        if not entries:
            return 0
        rows = [_values(entry) for entry in entries]
        with self._engine.begin() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            put = dialect.insert(notice_outbox).on_conflict_do_nothing()
            done = [
                connection.execute(put.values(**row).returning(_columns.notice_id)).first()
                for row in rows
            ]
        return sum(found is not None for found in done)

    def known(self, notice_ids: Sequence[str]) -> set[str]:
        """Which of these were queued before, whatever became of them."""
        found: set[str] = set()
        with self._engine.connect() as connection:
            for start in range(0, len(notice_ids), _KEYS):
                some = notice_ids[start : start + _KEYS]
                query = select(_columns.notice_id).where(_columns.notice_id.in_(some))
                found.update(connection.scalars(query))
        return found

    def due(self, now: datetime) -> list[Entry]:
        """What waits and is due, highest tier first, then in the order it was queued."""
        return self._read(
            select(notice_outbox)
            .where(_WAITING, _columns.due_at_utc <= now)
            .order_by(_columns.tier.desc(), _columns.queued_at_utc, _columns.notice_id)
        )

    def every(self, *, limit: int) -> list[Entry]:
        """What waits, then what is done, newest first."""
        done = or_(_columns.sent_at_utc.is_not(None), _columns.given_up_at_utc.is_not(None))
        return self._read(
            select(notice_outbox)
            .order_by(done, _columns.queued_at_utc.desc(), _columns.tier.desc(), _columns.notice_id)
            .limit(limit)
        )

    def claim(
        self, entries: Sequence[Entry], batch_id: str, *, now: datetime, again_at: datetime
    ) -> None:
        """Note before a message leaves what is in it, and when to try again if nobody marks it.

        So a process that is killed in the middle is followed by one that sends the same message
        under the same id, and not before `again_at`.
        """
        self._mark(
            [entry.notice_id for entry in entries],
            batch_id=batch_id,
            attempts=_columns.attempts + 1,
            tried_at_utc=func.coalesce(_columns.tried_at_utc, now),
            due_at_utc=again_at,
        )

    def sent(self, entries: Sequence[Entry], *, now: datetime) -> None:
        """Mark what the other side has taken."""
        self._mark([entry.notice_id for entry in entries], sent_at_utc=now, last_error=None)

    def failed(self, entries: Sequence[Entry], error: str, *, arrived: bool) -> None:
        """Keep why an attempt failed.

        Parameters
        ----------
        arrived : nobody can tell whether the other side has it: the message stays as it is. Else it
            is taken apart, and its notices go with those that are due by then.
        """
        changes: dict[str, Any] = {"last_error": error} | ({} if arrived else {"batch_id": None})
        self._mark([entry.notice_id for entry in entries], **changes)

    def give_up(self, entries: Sequence[Entry], error: str, *, now: datetime) -> None:
        """Try no more; the record stays."""
        ids = [entry.notice_id for entry in entries]
        self._mark(ids, given_up_at_utc=now, last_error=error)

    def tidy(self, *, before: datetime) -> None:
        """Forget what was done with before a moment."""
        done = or_(_columns.sent_at_utc < before, _columns.given_up_at_utc < before)
        with self._engine.begin() as connection:
            connection.execute(delete(notice_outbox).where(done))

    def _mark(self, notice_ids: Sequence[str], **changes: Any) -> None:
        with self._engine.begin() as connection:
            for start in range(0, len(notice_ids), _KEYS):
                some = notice_ids[start : start + _KEYS]
                mine = update(notice_outbox).where(_columns.notice_id.in_(some), _WAITING)
                connection.execute(mine.values(**changes))

    def _read(self, query: Select[Any]) -> list[Entry]:
        with self._engine.connect() as connection:
            return [_entry(row) for row in connection.execute(query)]


def _values(entry: Entry) -> dict[str, Any]:
    return {
        "notice_id": entry.notice_id,
        "subscription": entry.subscription,
        "target": entry.target,
        "warning_id": entry.warning_id,
        "event": entry.event,
        "tier": entry.tier,
        "content": dict(entry.content),
        "queued_at_utc": entry.queued_at,
        "due_at_utc": entry.due_at,
        "attempts": 0,
    }


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        row.notice_id,
        row.subscription,
        row.target,
        row.warning_id,
        row.event,
        row.tier,
        row.content,
        as_utc(row.queued_at_utc),
        as_utc(row.due_at_utc),
        row.batch_id,
        row.attempts,
        _utc(row.tried_at_utc),
        _utc(row.sent_at_utc),
        _utc(row.given_up_at_utc),
        row.last_error,
    )


def _utc(stamp: datetime | None) -> datetime | None:
    return None if stamp is None else as_utc(stamp)
