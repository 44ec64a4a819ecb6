"""The planner's process: takes questions from the store one by one, and answers them.

One process for a locality holds the lease; others stand by. The job is worked out in a thread of
its own, so that signals, cancelling and the store are looked after while a solver is busy; calls of
pages are answered in a third.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from etl.progress import StopFlag
from etl.settings import Settings
from etl.siting.answer import jsonable
from etl.siting.calls import Call, Calls
from etl.siting.ground import read_ground, ready
from etl.siting.scenario import CANCELLED
from etl.siting.scenarios import Job, Scenarios
from etl.siting.tasks import Grounds, Outcome, failure, plain_words, reply_to, work_out
from etl.store.lease import SITING, Holder, Lease
from etl.store.reader import Reader
from geo.errors import StoreError, XintuError
from geo.siting.problem import relative_gap

LOOK_EVERY_S = 0.2
CALLS_EVERY_S = 0.03
TELL_EVERY_S = 0.3
BEAT_EVERY_S = 5.0
LEASE_TTL_S = 20.0
# A job that does not end of itself when it is asked to is given up in the store after this long, so
# that who asked sees it; and the process after the second.
CANCEL_WITHIN_S = 1.5
STUCK_AFTER_S = 30.0
STOP_WITHIN_S = 5.0
AWAY_WAIT_S = 2.0

logger = logging.getLogger(__name__)


class StuckError(XintuError):
    """A job that was asked to end and does not; only the end of its process ends it."""


@dataclass
class _Hand:
    """A job in hand: its thread, what it has told, and how it ended."""

    job: Job
    asked_to_end: threading.Event = field(default_factory=threading.Event)
    told: dict[str, Any] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    outcome: Outcome | None = None
    thread: threading.Thread | None = None
    shown: dict[str, Any] = field(default_factory=dict)
    shown_at: float = 0.0
    asked_at: float = 0.0
    given_up: bool = False

    def tell(self, step: str, done: float) -> None:
        """Note how far the job is; what is shown never goes back."""
        with self.lock:
            before = self.told.get("progress", 0.0)
            self.told |= {"step": step, "progress": max(before, min(max(done, 0.0), 1.0))}

    def tell_bound(self, best: float, bound: float) -> None:
        """Note how good the best found so far is."""
        with self.lock:
            self.told |= {"best": _finite(best), "bound": _finite(bound)}
            self.told["gap"] = _finite(relative_gap(best, bound))

    def take_told(self) -> dict[str, Any]:
        """What has been noted; a copy."""
        with self.lock:
            return dict(self.told)

    def ask_to_end(self) -> None:
        """Ask the job to end where it is."""
        if not self.asked_to_end.is_set():
            self.asked_at = time.monotonic()
            self.asked_to_end.set()

    @property
    def ended(self) -> bool:
        """Whether its thread has ended."""
        return self.thread is not None and not self.thread.is_alive()


class Worker:
    """Answers the questions of one locality until it is stopped.

    Parameters
    ----------
    engine : the store, open for writing, with this version's schema.
    settings : of the locality.
    stop : set by a signal; the job in hand goes back into the queue.
    parent : process that has started this one; when it is gone, the work ends. None: nobody's.
    on_standby : called with whoever is at work already.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        *,
        stop: StopFlag,
        parent: int | None = None,
        on_standby: Callable[[Holder], object] | None = None,
    ) -> None:
        self._engine, self._settings = engine, settings
        self._stop, self._parent = stop, parent
        self._on_standby = on_standby
        self._scenarios, self._calls = Scenarios(engine), Calls(engine)
        self._lease = Lease(engine, SITING, ttl_s=LEASE_TTL_S)
        self._name = ""
        self._grounds = Grounds(lambda wanted: read_ground(engine, settings, wanted))
        self._closing = threading.Event()

    def serve(self) -> None:
        """Work until stopped, or until the parent is gone; the lease is given back.

        Raises
        ------
        StuckError : a job does not end although it was asked to.
        """
        if not self._wait_for_lease():
            return
        caller = threading.Thread(target=self._answer_calls, name="siting calls", daemon=True)
        hand: _Hand | None = None
        try:
            self._begin()
            caller.start()
            while not self._leaving():
                try:
                    hand = self._step(hand)
                except (StoreError, DBAPIError) as exc:
                    # The job goes on; what it has to say waits until the store is back.
                    logger.warning("the store does not answer: %s", exc)
                    self._stop.wait(AWAY_WAIT_S)
                self._stop.wait(LOOK_EVERY_S)
        finally:
            self._closing.set()
            if hand is not None:
                self._lay_down(hand)
            self._lease.release()

    # ------------------------------------------------------------ coming and going

    def _wait_for_lease(self) -> bool:
        told = ""
        while not self._leaving():
            try:
                if self._lease.take():
                    return True
                holder = self._lease.holder()
            except DBAPIError as exc:
                logger.warning("the store does not answer: %s", exc.orig)
                holder = None
            if holder is not None and holder.token != told:
                told = holder.token
                if self._on_standby is not None:
                    self._on_standby(holder)
            self._stop.wait(1.0)
        return False

    def _begin(self) -> None:
        self._name = f"{os.getpid()}-{time.time_ns():x}"
        left = self._scenarios.take_over(now=_now())
        if left:
            logger.warning("taken over from a process that died: %s", ", ".join(left))
        self._calls.tidy(now=_now())

    def _leaving(self) -> bool:
        orphan = self._parent is not None and os.getppid() != self._parent
        return self._stop() or self._lease.lost or orphan

    def _lay_down(self, hand: _Hand) -> None:
        """Give the job in hand back, or write down that it has ended."""
        hand.ask_to_end()
        if hand.thread is not None:
            hand.thread.join(STOP_WITHIN_S)
        try:
            wanted = self._scenarios.wanted(hand.job.scenario_id, self._name)
            cut_short = hand.outcome is None or hand.outcome.state == CANCELLED
            if hand.ended and not (wanted and cut_short):
                self._write(hand)
            elif wanted:
                self._scenarios.put_back(hand.job.scenario_id, self._name)
            else:
                self._end(hand, CANCELLED)
        except (StoreError, DBAPIError) as exc:
            logger.warning("%s: left as it is: %s", hand.job.scenario_id, exc)

    # ------------------------------------------------------------ jobs

    def _step(self, hand: _Hand | None) -> _Hand | None:
        """Look after the job in hand, or take one."""
        if hand is None:
            job = self._scenarios.take(self._name, now=_now())
            return None if job is None else self._take_up(job)
        if hand.ended:
            self._write(hand)
            return None
        self._tend(hand)
        return hand

    def _take_up(self, job: Job) -> _Hand:
        logger.info("%s: taken up, attempt %d", job.scenario_id, job.attempt)
        hand = _Hand(job)
        name = f"siting {job.scenario_id}"
        hand.thread = threading.Thread(target=self._work, args=[hand], name=name, daemon=True)
        hand.thread.start()
        return hand

    def _work(self, hand: _Hand) -> None:
        """Work a job out at its boundary: whatever it raises is written down."""
        try:
            hand.tell("ground", 0.0)
            ground = self._grounds.get(hand.job.snapshot_id)
            hand.outcome = work_out(
                ground,
                hand.job.question,
                on_progress=hand.tell,
                on_bound=hand.tell_bound,
                cancelled=hand.asked_to_end.is_set,
            )
        except XintuError as exc:
            logger.warning("%s: %s", hand.job.scenario_id, exc)
            hand.outcome = failure(exc)
        except BaseException as exc:  # the job boundary
            logger.exception("%s: failed", hand.job.scenario_id)
            hand.outcome = failure(exc)

    def _tend(self, hand: _Hand) -> None:
        """Tell how far the job is, and see whether it is still wanted."""
        now = time.monotonic()
        scenario_id = hand.job.scenario_id
        if not hand.given_up and not self._scenarios.wanted(scenario_id, self._name):
            hand.ask_to_end()
        asked = hand.asked_to_end.is_set()
        if asked and not hand.given_up and now - hand.asked_at > CANCEL_WITHIN_S:
            hand.given_up = True
            self._end(hand, CANCELLED)
        if asked and now - hand.asked_at > STUCK_AFTER_S:
            raise StuckError(f"{scenario_id}: does not end; its process has to")
        if asked:
            return
        told = hand.take_told()
        pause = TELL_EVERY_S if told != hand.shown else BEAT_EVERY_S
        if now - hand.shown_at > pause:
            hand.shown, hand.shown_at = told, now
            self._scenarios.beat(scenario_id, self._name, now=_now(), **told)

    def _write(self, hand: _Hand) -> None:
        """Write down how a job ended; nothing where it is somebody else's by now."""
        # A thread that ended without a word was ended by the interpreter.
        outcome = hand.outcome or failure(MemoryError())
        answer = outcome.answer
        written = self._scenarios.end(
            hand.job.scenario_id,
            self._name,
            state=outcome.state,
            now=_now(),
            message=outcome.message,
            meta=None if answer is None else jsonable(answer.meta),
            answer=None if answer is None else answer.to_bytes(),
        )
        said = outcome.state if written else "given up before"
        logger.info("%s: %s", hand.job.scenario_id, said)

    def _end(self, hand: _Hand, state: str) -> None:
        self._scenarios.end(hand.job.scenario_id, self._name, state=state, now=_now())

    # ------------------------------------------------------------ calls of pages

    def _answer_calls(self) -> None:
        self._read_ahead()
        while not self._closing.wait(CALLS_EVERY_S):
            try:
                call = self._calls.next()
                if call is None:
                    continue
                self._answer(call)
            except (StoreError, DBAPIError) as exc:
                logger.warning("the store does not answer: %s", exc)
                self._closing.wait(AWAY_WAIT_S)

    def _read_ahead(self) -> None:
        """Ground and roads of the newest snapshot, before anybody waits for them."""
        try:
            with closing(Reader(self._settings.store_url)) as reader:
                ready(self._grounds.get(reader.current().snapshot_id))
        except Exception:  # whoever asks is told why
            logger.info("nothing to read ahead", exc_info=True)

    def _answer(self, call: Call) -> None:
        try:
            reply = reply_to(call, self._grounds)
        except XintuError as exc:
            self._calls.refuse(call, plain_words(exc))
        except Exception as exc:  # the boundary of a call
            logger.exception("a call of a page failed")
            self._calls.refuse(call, plain_words(exc))
        else:
            self._calls.reply(call, reply)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _now() -> datetime:
    return datetime.now(UTC)
