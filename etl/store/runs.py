"""Every run of a job with its outcome, in `job_run`."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from etl.store.tables import job_run

OK, FAILED, INTERRUPTED = "ok", "failed", "interrupted"

logger = logging.getLogger(__name__)
_columns = job_run.c


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes
    ----------
    due_at : UTC; when it was to start by the clock.
    outcome : ok, failed, interrupted; None while it runs.
    note : why it failed, or what it found.
    """

    job: str
    due_at: datetime | None
    started_at: datetime
    ended_at: datetime | None
    attempt: int
    outcome: str | None
    note: str | None


@dataclass(frozen=True)
class Forecast:
    """A job with its next run and its last one."""

    code: str
    next_at: datetime
    last: Run | None


@dataclass
class Entry:
    """A run under way; `run_id` is None while the store does not answer."""

    values: dict[str, Any]
    run_id: int | None = None


@dataclass
class Runs:
    """The record of runs; a store that is away is written to when it is back."""

    engine: Engine
    _waiting: list[Entry] = field(default_factory=list)

    def start(
        self, job: str, *, started_at: datetime, due_at: datetime | None = None, attempt: int = 1
    ) -> Entry:
        """Note that a run begins."""
        entry = Entry(
            {
                "job": job,
                "due_at_utc": due_at,
                "started_at_utc": started_at,
                "attempt": attempt,
                "host": socket.gethostname(),
                "pid": os.getpid(),
            }
        )
        self._write(entry)
        return entry

    def end(self, entry: Entry, *, ended_at: datetime, outcome: str, note: str | None) -> None:
        """Note how it ended."""
        entry.values |= {"ended_at_utc": ended_at, "outcome": outcome, "error": note}
        self._waiting.append(entry)
        self.flush()

    def flush(self) -> bool:
        """Write what could not be written before; whether nothing waits any more."""
        while self._waiting:
            if not self._write(self._waiting[0]):
                return False
            del self._waiting[0]
        return True

    def end_abandoned(self, *, now: datetime) -> int:
        """Give runs whose process ended in the middle their outcome: interrupted.

        For whoever holds the scheduler's lease, and so knows that nobody else is at work.
        """
        open_runs = update(job_run).where(_columns.outcome.is_(None))
        with self.engine.begin() as connection:
            ended = connection.execute(
                open_runs.values(
                    ended_at_utc=now, outcome=INTERRUPTED, error="the process ended in the middle"
                ).returning(_columns.run_id)
            )
            return len(ended.all())

    def last(self, jobs: Sequence[str]) -> dict[str, Run]:
        """The newest run of each job that ever ran."""
        newest = (
            select(func.max(_columns.run_id)).where(_columns.job.in_(jobs)).group_by(_columns.job)
        )
        with self.engine.connect() as connection:
            rows = connection.execute(select(job_run).where(_columns.run_id.in_(newest))).all()
        return {row.job: _run(row) for row in rows}

    def first_start(self, job: str) -> datetime | None:
        """When a job started for the first time; None when it never did."""
        query = select(func.min(_columns.started_at_utc)).where(_columns.job == job)
        with self.engine.connect() as connection:
            return _utc(connection.scalar(query))

    def tidy(self, *, before: datetime) -> None:
        """Forget runs that started before a moment, but for the first start of each job."""
        first = select(func.min(_columns.run_id)).group_by(_columns.job)
        old = delete(job_run).where(_columns.started_at_utc < before, _columns.run_id.not_in(first))
        with self.engine.begin() as connection:
            connection.execute(old)

    def since(self, job: str, due_at: datetime) -> list[Run]:
        """Runs of a job for the time it was due at `due_at`, or later, oldest first."""
        due = func.coalesce(_columns.due_at_utc, _columns.started_at_utc)
        query = select(job_run).where(_columns.job == job, due >= due_at).order_by(_columns.run_id)
        with self.engine.connect() as connection:
            return [_run(row) for row in connection.execute(query)]

    def _write(self, entry: Entry) -> bool:
        try:
            with self.engine.begin() as connection:
                if entry.run_id is None:
                    put = insert(job_run).values(**entry.values).returning(_columns.run_id)
                    entry.run_id = connection.execute(put).scalar_one()
                else:
                    mine = update(job_run).where(_columns.run_id == entry.run_id)
                    connection.execute(mine.values(**entry.values))
        except DBAPIError as exc:
            logger.warning("%s: not recorded yet: %s", entry.values["job"], exc.orig)
            return False
        return True


def _run(row: Any) -> Run:
    times = (row.due_at_utc, row.started_at_utc, row.ended_at_utc)
    due_at, started_at, ended_at = (_utc(stamp) for stamp in times)
    if started_at is None:
        raise ValueError("a run without its start")
    return Run(row.job, due_at, started_at, ended_at, row.attempt, row.outcome, row.error)


def _utc(stamp: datetime | None) -> datetime | None:
    if stamp is None:
        return None
    return stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC)
