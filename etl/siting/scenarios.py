"""Scenarios in the store: asked once, taken by one worker, ended once; nothing is lost in between.

Every change is one transaction that says in which state, and in whose hands, it expects the
scenario; where that is no longer so, nothing is changed. So tabs, web workers and the planner's
process may act at any moment.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)

from etl.model import Text
from etl.response.notes import clean_note
from etl.siting.scenario import CANCELLED, FAILED, QUEUED, RUNNING, Scenario
from etl.siting.words import sentence
from etl.store.engine import exclusive, store_errors
from etl.store.siting_tables import siting_call, siting_result, siting_scenario
from geo.errors import CodeError, FullError, InputError, NotPublishedError, StepError

ADVISORY_LOCK = 0x58494E53  # "XINS": one change of the queue at a time on PostgreSQL
MOST_WAITING = 20
ATTEMPTS = 2
LONGEST_NAME = 60
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # no l, 1, o, 0 and i, which are taken for each other

_columns = siting_scenario.c


@dataclass(frozen=True)
class Job:
    """A scenario in the hands of a worker."""

    scenario_id: str
    snapshot_id: str
    question: dict[str, Any]
    attempt: int


def transaction(engine: Engine) -> AbstractContextManager[Connection]:
    """A transaction that waits for any other change of scenarios."""
    return exclusive(engine, ADVISORY_LOCK)


class Scenarios:
    """The scenarios of one store.

    Parameters
    ----------
    engine : a store with this version's schema, open for writing.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    # ------------------------------------------------------------ read

    def get(self, scenario_id: str) -> Scenario:
        """A scenario as it stands.

        Raises
        ------
        CodeError : there is none of that id.
        """
        found = self.every(_columns.scenario_id == scenario_id)
        if not found:
            raise CodeError(f"scenario {scenario_id!r}: there is none; it may have been discarded")
        return found[0]

    def every(self, *which: ColumnElement[bool]) -> list[Scenario]:
        """Scenarios, the newest first."""
        joined = siting_scenario.outerjoin(
            siting_result, siting_result.c.scenario_id == _columns.scenario_id
        )
        before = siting_scenario.alias()
        position = (
            select(func.count())
            .select_from(before)
            .where(before.c.state == QUEUED, before.c.number <= _columns.number)
            .scalar_subquery()
        )
        query = (
            select(siting_scenario, siting_result.c.meta, position.label("position"))
            .select_from(joined)
            .where(*which)
            .order_by(_columns.number.desc())
        )
        with store_errors(), self.engine.connect() as connection:
            return [Scenario.of(row) for row in connection.execute(query)]

    def waiting(self) -> int:
        """How many are in the queue."""
        with store_errors(), self.engine.connect() as connection:
            return _waiting(connection)

    def answer(self, scenario_id: str) -> bytes:
        """The answer as it was written.

        Raises
        ------
        CodeError : no such scenario.
        NotPublishedError : it has no answer.
        """
        query = select(siting_result.c.answer).where(siting_result.c.scenario_id == scenario_id)
        with store_errors(), self.engine.connect() as connection:
            found = connection.scalar(query)
        if found is None:
            state = self.get(scenario_id).state
            raise NotPublishedError(f"scenario {scenario_id}: {state}; it has no answer")
        return bytes(found)

    # ------------------------------------------------------------ planners

    def add(
        self,
        question: Mapping[str, Any],
        *,
        name: str,
        snapshot_id: str,
        week: str,
        now: datetime,
        replay_of: str | None = None,
    ) -> str:
        """Put a checked question into the queue; the id of its scenario.

        Raises
        ------
        FullError : as many wait as may.
        InputError, PersonalDataError : the name is too long, or points at a person.
        """
        called = clean_name(name)
        scenario_id = "".join(secrets.choice(_ALPHABET) for _ in range(8))
        with transaction(self.engine) as connection:
            if _waiting(connection) >= MOST_WAITING:
                raise FullError(
                    f"{MOST_WAITING} scenarios wait already; wait for one to end, or cancel one"
                )
            connection.execute(
                insert(siting_scenario).values(
                    scenario_id=scenario_id,
                    name=called,
                    snapshot_id=snapshot_id,
                    week=week,
                    question=dict(question),
                    state=QUEUED,
                    step="",
                    progress=0.0,
                    message_zh="",
                    message_en="",
                    cancelling=False,
                    attempts=0,
                    replay_of=replay_of,
                    created_at_utc=now,
                )
            )
        return scenario_id

    def rename(self, scenario_id: str, name: str) -> None:
        """Call it otherwise, whatever its state."""
        called = clean_name(name)
        with transaction(self.engine) as connection:
            self._change(connection, scenario_id, name=called)

    def cancel(self, scenario_id: str, *, now: datetime) -> None:
        """End what waits, ask what runs to end; what has ended stays as it is."""
        with transaction(self.engine) as connection:
            state = _state(connection, scenario_id)
            if state == QUEUED:
                self._change(connection, scenario_id, state=CANCELLED, ended_at_utc=now)
            elif state == RUNNING:
                self._change(connection, scenario_id, cancelling=True)

    def discard(self, scenario_id: str) -> None:
        """Throw away a scenario that does not run, with its answer and its free points.

        Raises
        ------
        StepError : it runs.
        """
        with transaction(self.engine) as connection:
            if _state(connection, scenario_id) == RUNNING:
                raise StepError(f"scenario {scenario_id}: it runs; cancel it first")
            for table in (siting_scenario, siting_result):
                connection.execute(delete(table).where(table.c.scenario_id == scenario_id))
            points = siting_call.c.kind == "point", siting_call.c.key == scenario_id
            connection.execute(delete(siting_call).where(*points))

    # ------------------------------------------------------------ workers

    def take(self, worker: str, *, now: datetime) -> Job | None:
        """Take the next of the queue; None when nothing waits."""
        first = select(siting_scenario).where(_columns.state == QUEUED).order_by(_columns.number)
        with store_errors(), self.engine.connect() as connection:
            if connection.execute(first.limit(1)).first() is None:
                return None  # most looks end here, and hold up nobody who writes
        with transaction(self.engine) as connection:
            row = connection.execute(first.limit(1)).first()
            if row is None:
                return None
            self._change(
                connection,
                row.scenario_id,
                state=RUNNING,
                worker=worker,
                attempts=row.attempts + 1,
                started_at_utc=now,
                heartbeat_at_utc=now,
                **_FRESH,
            )
        return Job(row.scenario_id, row.snapshot_id, row.question, row.attempts + 1)

    def beat(self, scenario_id: str, worker: str, *, now: datetime, **told: Any) -> bool:
        """Say that the job is at work, and how far.

        Parameters
        ----------
        told : any of step, progress, best, bound, gap.

        Returns
        -------
        Whether it is still this worker's.
        """
        mine = _in_hands(scenario_id, worker)
        with transaction(self.engine) as connection:
            change = update(siting_scenario).where(mine).values(heartbeat_at_utc=now, **told)
            return connection.execute(change).rowcount == 1

    def wanted(self, scenario_id: str, worker: str) -> bool:
        """Whether the job is this worker's, and nobody has asked for its end."""
        query = select(_columns.cancelling).where(_in_hands(scenario_id, worker))
        with store_errors(), self.engine.connect() as connection:
            return connection.scalar(query) is False

    def end(
        self,
        scenario_id: str,
        worker: str,
        *,
        state: str,
        now: datetime,
        message: Text | None = None,
        meta: Mapping[str, Any] | None = None,
        answer: bytes | None = None,
    ) -> bool:
        """End a job: its state and its answer at once, or nothing where it is not this worker's.

        A job that was to be cancelled and came to its end first has come to its end.
        """
        told = message or Text(zh="", en="")
        with transaction(self.engine) as connection:
            change = update(siting_scenario).where(_in_hands(scenario_id, worker))
            done = connection.execute(
                change.values(
                    state=state,
                    step="",
                    cancelling=False,
                    worker=None,
                    message_zh=told.zh,
                    message_en=told.en,
                    heartbeat_at_utc=now,
                    ended_at_utc=now,
                    **({} if state in {CANCELLED, FAILED} else {"progress": 1.0}),
                )
            )
            if done.rowcount != 1:
                return False
            if meta is not None:
                row = {"scenario_id": scenario_id, "meta": dict(meta), "answer": answer}
                connection.execute(insert(siting_result).values(**row))
        return True

    def put_back(self, scenario_id: str, worker: str) -> None:
        """Give a job back unharmed, for whoever works next; it does not count as an attempt."""
        with transaction(self.engine) as connection:
            change = update(siting_scenario).where(_in_hands(scenario_id, worker))
            left = _columns.attempts - 1
            connection.execute(change.values(state=QUEUED, worker=None, attempts=left, **_FRESH))

    def take_over(self, *, now: datetime) -> list[str]:
        """Put back what dead workers left; said by the one worker that may be, before it works.

        What was to be cancelled is; what fell with its worker for the second time has failed.

        Returns
        -------
        Ids of what was left.
        """
        with transaction(self.engine) as connection:
            left = connection.execute(
                select(siting_scenario).where(_columns.state == RUNNING).order_by(_columns.number)
            ).all()
            for row in left:
                changes: dict[str, Any] = {"state": QUEUED, **_FRESH}
                if row.cancelling:
                    changes = {"state": CANCELLED, "step": "", "ended_at_utc": now}
                elif row.attempts >= ATTEMPTS:
                    told = sentence("failures", "worker_died")
                    changes = {"state": FAILED, "step": "", "ended_at_utc": now}
                    changes |= {"message_zh": told.zh, "message_en": told.en}
                changes |= {"worker": None, "cancelling": False}
                self._change(connection, row.scenario_id, **changes)
        return [row.scenario_id for row in left]

    @staticmethod
    def _change(connection: Connection, scenario_id: str, **changes: Any) -> None:
        mine = update(siting_scenario).where(_columns.scenario_id == scenario_id)
        if connection.execute(mine.values(**changes)).rowcount != 1:
            raise CodeError(f"scenario {scenario_id!r}: there is none; it may have been discarded")


# What a job that is taken up anew starts from.
_FRESH: Mapping[str, Any] = {
    "step": "", "progress": 0.0, "best": None, "bound": None, "gap": None,
}  # fmt: skip


def clean_name(name: str) -> str:
    """A name as it is kept, empty for none: one line that points at nobody.

    Raises
    ------
    InputError : too long.
    PersonalDataError : it points at a person.
    """
    plain = clean_note(name, what="name")
    if len(plain) > LONGEST_NAME:
        raise InputError(f"name: {len(plain)} characters; wanted at most {LONGEST_NAME}")
    return plain


def _in_hands(scenario_id: str, worker: str) -> ColumnElement[bool]:
    return and_(
        _columns.scenario_id == scenario_id,
        _columns.state == RUNNING,
        _columns.worker == worker,
    )


def _state(connection: Connection, scenario_id: str) -> str:
    query = select(_columns.state).where(_columns.scenario_id == scenario_id)
    found: str | None = connection.scalar(query)
    if found is None:
        raise CodeError(f"scenario {scenario_id!r}: there is none; it may have been discarded")
    return found


def _waiting(connection: Connection) -> int:
    query = select(func.count()).select_from(siting_scenario).where(_columns.state == QUEUED)
    return int(connection.scalar(query) or 0)
