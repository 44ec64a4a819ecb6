"""Recurring jobs in a process of their own: drop folder, build, weekly pack, watchdog, notices.

One process for a locality holds the scheduler's lease; others stand by. One job runs at a time,
runs that fell together are one, a run that was missed is made up for within hours, one that failed
is tried again after growing waits, and each is recorded with its outcome. What the jobs do is
passed in by the command line; nothing here knows it.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import FrameType

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from etl.due import At, Due, Every, last_due
from etl.progress import Progress, StopFlag, Stopped, describe
from etl.sections import Schedule
from etl.store.lease import SCHEDULER, TTL_S, Holder, Lease
from etl.store.runs import FAILED, INTERRUPTED, OK, Entry, Forecast, Runs
from geo.errors import ConfigError, FaultsError, PersonalDataError

# Trying again mends none of these: a person has to.
UNHEALING = (ConfigError, FaultsError, PersonalDataError)
KEPT = timedelta(days=400)
POLL_S = 2.0

Clock = Callable[[], datetime]
Work = Callable[[Progress], str | None]
MakeProgress = Callable[[str, Callable[[], bool]], Progress]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One recurring job.

    Attributes
    ----------
    code : stable key, as in `job_run` and the log.
    run : given a `Progress`, at whose steps it can be stopped; returns a note for the record.
    due : when.
    retries : after a failure; 0 where the next run is near.
    """

    code: str
    run: Work
    due: Due
    retries: int = 0


def usual_jobs(
    schedule: Schedule,
    timezone: str,
    *,
    look: Work,
    build: Work,
    publish_week: Work,
    watch: Work,
    notify: Work,
) -> tuple[Job, ...]:
    """The five jobs of a locality, at its own times.

    Parameters
    ----------
    look : reads what was put into the drop folder.
    build : reads and builds everything, every night.
    publish_week : builds, and makes the weekly pack.
    watch : says which source is late.
    notify : sends what is due of notices.
    """
    build_at = At(schedule.build, timezone)
    publish_at = At(schedule.publish, timezone, schedule.publish_day)
    return (
        Job("drop", look, Every(schedule.drop_minutes)),
        Job("build", build, build_at, schedule.retries),
        Job("publish_week", publish_week, publish_at, schedule.retries),
        Job("watch", watch, Every(60)),
        Job("notify", notify, Every(schedule.notify_minutes)),
    )


def forecasts(jobs: Sequence[Job], runs: Runs | None, *, now: datetime) -> list[Forecast]:
    """Each job with its next run and its last, the next to come first."""
    last = runs.last([job.code for job in jobs]) if runs else {}
    found = [Forecast(job.code, job.due.after(now), last.get(job.code)) for job in jobs]
    return sorted(found, key=lambda one: (one.next_at, one.code))


def owed_attempt(job: Job, runs: Runs, *, now: datetime, grace: timedelta) -> int | None:
    """Number of the attempt that is owed now for a time that has passed; None when none is.

    Owed is what fell due in the last `grace`, after the first start of any scheduler here, and did
    not end well, unless it was tried as often as it may be. A run that was cut off counts as tried:
    else one that always kills its process would kill the next one too.
    """
    if isinstance(job.due, Every):
        return None
    due_at = last_due(job.due, now=now, grace=grace)
    began = runs.first_start(SCHEDULER)
    if due_at is None or began is None or began > due_at:
        return None
    tried = runs.since(job.code, due_at)
    if any(run.outcome == OK for run in tried):
        return None
    attempt = max((run.attempt for run in tried), default=0) + 1
    return attempt if attempt <= job.retries + 1 else None


class _Trigger(BaseTrigger):  # type: ignore[misc]
    """A due time as the library asks for it."""

    def __init__(self, due: Due) -> None:
        self._due = due

    def get_next_fire_time(
        self, previous_fire_time: datetime | None, now: datetime
    ) -> datetime | None:
        """The due time after the last one, in UTC."""
        return self._due.after((previous_fire_time or now).astimezone(UTC))


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Scheduler:
    """Works by the clock while it holds the lease, and stands by while another process does.

    Parameters
    ----------
    jobs : codes unique.
    engine : a store with this version's schema, open for writing.
    settings : grace and waits.
    progress : makes the display of a job from its code and the question whether to stop.
    on_standby : told who works while this process waits.
    stop : set by a signal; the present job ends at its next safe point.
    clock : aware UTC time.
    ttl_s : of the lease [s].
    poll_s : how often a process that stands by looks [s].

    Raises
    ------
    ValueError : two jobs share a code.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        *,
        engine: Engine,
        settings: Schedule,
        progress: MakeProgress = lambda _code, stopping: Progress(stopping=stopping),
        on_standby: Callable[[Holder], object] = lambda _holder: None,
        stop: StopFlag | None = None,
        clock: Clock = _utc_now,
        ttl_s: float = TTL_S,
        poll_s: float = POLL_S,
    ) -> None:
        if len({job.code for job in jobs}) != len(jobs):
            raise ValueError("two jobs share a code")
        self._jobs, self._settings = tuple(jobs), settings
        self._progress, self._on_standby = progress, on_standby
        self._stop = stop or StopFlag()
        self._clock, self._poll_s = clock, poll_s
        self._runs = Runs(engine)
        self._lease = Lease(engine, SCHEDULER, ttl_s=ttl_s)
        self._clockwork: BackgroundScheduler | None = None

    def serve(self) -> None:
        """Stand by, work, and stand by again, until the stop is asked for."""
        told = ""
        while not self._stop():
            try:
                if self._lease.take():
                    told = ""
                    self._work()
                    continue
                holder = self._lease.holder()
            except DBAPIError as exc:
                logger.warning("the store does not answer; asked again soon: %s", exc.orig)
            else:
                if holder is not None and holder.token != told:
                    told = holder.token
                    self._on_standby(holder)
            self._stop.wait(self._poll_s)

    def _halting(self) -> bool:
        return self._stop() or self._lease.lost

    def _work(self) -> None:
        """Run jobs by the clock until the stop, or until the lease is lost."""
        try:
            entry = self._begin()
            self._clockwork = self._start_clockwork()
            while not self._halting():
                self._stop.wait(self._poll_s)
            self._clockwork.shutdown(wait=True)
            note = None if self._stop() else "another process has taken over"
            self._runs.end(entry, ended_at=self._clock(), outcome=OK, note=note)
        finally:
            self._lease.release()

    def _begin(self) -> Entry:
        now = self._clock()
        cut = self._runs.end_abandoned(now=now)
        if cut:
            logger.warning("%d run(s) had been cut off; recorded as interrupted", cut)
        return self._runs.start(SCHEDULER, started_at=now)

    def _start_clockwork(self) -> BackgroundScheduler:
        grace = timedelta(hours=self._settings.grace_hours)
        clockwork = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},  # no two jobs write at the same time
            job_defaults={
                "coalesce": True,
                "max_instances": 1,
                "misfire_grace_time": int(grace.total_seconds()),
            },
        )
        now = self._clock()
        for job in self._jobs:
            clockwork.add_job(self._run, _Trigger(job.due), args=[job], id=job.code)
            attempt = owed_attempt(job, self._runs, now=now, grace=grace)
            if attempt is not None:
                logger.warning("%s: a run was missed or cut off; it starts now", job.code)
                clockwork.add_job(self._run, args=[job, attempt], id=_again(job))
        clockwork.start()
        return clockwork

    def _run(self, job: Job, attempt: int = 1) -> None:
        """Run a job at its boundary: whatever it raises is recorded, never passed on."""
        if self._halting():
            return
        if attempt == 1:
            self._forget_retry(job)
        started = self._clock()
        grace = timedelta(hours=self._settings.grace_hours)
        due_at = last_due(job.due, now=started, grace=grace)
        entry = self._runs.start(job.code, started_at=started, due_at=due_at, attempt=attempt)
        heals = True
        try:
            self._lease.check()
            with self._progress(job.code, self._halting) as progress:
                outcome, note = OK, job.run(progress)
        except Stopped:
            outcome, note = INTERRUPTED, "stopped at a safe point"
        except BaseException as exc:  # the job boundary
            outcome = INTERRUPTED if self._halting() else FAILED
            note, heals = describe(exc), not isinstance(exc, UNHEALING)
            logger.exception("%s: %s", job.code, outcome, extra={"job": job.code})
        ended = self._clock()
        self._runs.end(entry, ended_at=ended, outcome=outcome, note=note)
        seconds = (ended - started).total_seconds()
        facts = {"job": job.code, "seconds": round(seconds, 3)}
        said = f": {note}" if note else ""
        logger.info("%s: %s in %.1f s%s", job.code, outcome, seconds, said, extra=facts)
        if outcome == FAILED:
            self._retry(job, attempt, heals=heals)

    def _retry(self, job: Job, attempt: int, *, heals: bool) -> None:
        if not heals or attempt > job.retries or self._clockwork is None:
            logger.warning("%s: not tried again before its next run; the last snapshot stands",
                           job.code)  # fmt: skip
            return
        at = self._clock() + retry_wait(self._settings, attempt)
        logger.warning("%s: attempt %d at %s", job.code, attempt + 1, f"{at:%Y-%m-%d %H:%M:%S} UTC")
        self._clockwork.add_job(
            self._run, "date", run_date=at, args=[job, attempt + 1], id=_again(job),
            replace_existing=True,
        )  # fmt: skip

    def _forget_retry(self, job: Job) -> None:
        try:
            if self._clockwork is not None:
                self._clockwork.remove_job(_again(job))
        except JobLookupError:
            pass


def retry_wait(settings: Schedule, attempt: int) -> timedelta:
    """Wait after a failed attempt, counted from 1: twice as long each time."""
    return timedelta(minutes=settings.retry_minutes * 2 ** (attempt - 1))


def _again(job: Job) -> str:
    return f"{job.code}+"


@contextmanager
def stopping_on_signals(stop: StopFlag) -> Iterator[list[int]]:
    """Let SIGTERM and SIGINT ask for the end; the second one ends at once.

    Yields the signals that came. Ending at once loses nothing: what is half written is never seen.
    """
    came: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        if came:
            os._exit(128 + number)
        came.append(number)
        stop.set()

    watched = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, ask) for number in watched}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
