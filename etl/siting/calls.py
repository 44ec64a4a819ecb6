"""What a page asks of the planner's process while it waits: candidates, and points put on the map.

A call is a row of the store. Replies are kept, so that what was asked once is there for every tab.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, delete, insert, select, update

from etl.model import Text
from etl.siting.answer import Answer
from etl.siting.scenarios import transaction
from etl.store.engine import store_errors
from etl.store.siting_tables import siting_call
from geo.errors import AbsentError, InputError

CANDIDATES, POINT = "candidates", "point"
ASKED, DONE, FAILED = "asked", "done", "failed"
LOOK_EVERY_S = 0.02
KEPT = timedelta(days=7)

_columns = siting_call.c


@dataclass(frozen=True)
class Call:
    """Something asked of the planner's process."""

    call_id: int
    kind: str
    key: str
    asked: dict[str, Any]


class Calls:
    """The calls of one store.

    Parameters
    ----------
    engine : a store with this version's schema, open for writing.
    sleep, clock : how a call waits, and how it tells how long it has [s].
    """

    def __init__(
        self,
        engine: Engine,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._sleep, self._clock = sleep, clock

    # ------------------------------------------------------------ whoever asks

    def put(self, kind: str, key: str, asked: Mapping[str, Any], *, now: datetime) -> int:
        """Ask; the number of the call."""
        with transaction(self._engine) as connection:
            row = insert(siting_call).values(
                kind=kind, key=key, asked=dict(asked), state=ASKED, message_zh="", message_en="",
                asked_at_utc=now,
            )  # fmt: skip
            return int(connection.execute(row.returning(_columns.call_id)).scalar_one())

    def find(self, kind: str, key: str) -> int | None:
        """Number of the newest such call that has not failed."""
        query = (
            select(_columns.call_id)
            .where(_columns.kind == kind, _columns.key == key, _columns.state != FAILED)
            .order_by(_columns.call_id.desc())
        )
        with store_errors(), self._engine.connect() as connection:
            return connection.scalar(query.limit(1))

    def wait(self, call_id: int, *, limit_s: float, there: Callable[[], bool]) -> Answer:
        """The reply to a call.

        Parameters
        ----------
        limit_s : how long to wait [s].
        there : whether anybody is there to reply.

        Raises
        ------
        InputError : it was refused.
        AbsentError : nobody is there, or it takes longer.
        """
        query = select(siting_call).where(_columns.call_id == call_id)
        began = looked = self._clock()
        while True:
            with store_errors(), self._engine.connect() as connection:
                row = connection.execute(query).first()
            if row is None or row.state == FAILED:
                said = Text(zh=row.message_zh, en=row.message_en) if row else None
                raise RefusedError(said.en if said else "the call was thrown away", said)
            if row.state == DONE:
                return Answer.from_bytes(row.reply)
            now = self._clock()
            if now - began > limit_s:
                raise AbsentError(f"no reply within {limit_s:.0f} s; ask again a little later")
            if now - looked > 2.0:
                looked = now
                if not there():
                    raise AbsentError(
                        "no planner's process is at work; `xintu serve` or `xintu plan` starts one"
                    )
            self._sleep(LOOK_EVERY_S)

    def done(self, kind: str, key: str) -> tuple[int, ...]:
        """Numbers of all such calls that have a reply, in the order they were asked."""
        query = (
            select(_columns.call_id)
            .where(_columns.kind == kind, _columns.key == key, _columns.state == DONE)
            .order_by(_columns.call_id)
        )
        with store_errors(), self._engine.connect() as connection:
            return tuple(connection.scalars(query))

    # ------------------------------------------------------------ the planner's process

    def next(self) -> Call | None:
        """The oldest call that waits; points go first, somebody has the mouse in hand."""
        query = (
            select(siting_call)
            .where(_columns.state == ASKED)
            .order_by(_columns.kind.desc(), _columns.call_id)
        )
        with store_errors(), self._engine.connect() as connection:
            row = connection.execute(query.limit(1)).first()
        return None if row is None else Call(row.call_id, row.kind, row.key, row.asked)

    def reply(self, call: Call, answer: Answer) -> None:
        """Answer a call."""
        self._end(call, state=DONE, reply=answer.to_bytes())

    def refuse(self, call: Call, why: Text) -> None:
        """Say why a call is not answered."""
        self._end(call, state=FAILED, message_zh=why.zh, message_en=why.en)

    def tidy(self, *, now: datetime) -> None:
        """Forget old lists of candidates, and what was refused; points stay with their scenario."""
        old = _columns.asked_at_utc < now - KEPT
        gone = old & ((_columns.kind == CANDIDATES) | (_columns.state == FAILED))
        with transaction(self._engine) as connection:
            connection.execute(delete(siting_call).where(gone))

    def _end(self, call: Call, **changes: Any) -> None:
        mine = update(siting_call).where(_columns.call_id == call.call_id, _columns.state == ASKED)
        with transaction(self._engine) as connection:
            connection.execute(mine.values(**changes))


class RefusedError(InputError):
    """A call that was refused; `words` says why in both languages."""

    def __init__(self, message: str, words: Text | None) -> None:
        super().__init__(message)
        self.words = words


def key_of(*parts: Any) -> str:
    """A short text for what was asked; equal for equal questions."""
    told = json.dumps(parts, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:32]
