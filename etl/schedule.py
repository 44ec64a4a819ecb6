"""Recurring jobs in a process of their own: the nightly build, the Monday pack.

One process, one run of a job at a time, missed runs folded into one and made up for within
hours. What the jobs do is passed in by the command line; nothing here knows it.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.cron import CronTrigger

from geo.errors import StoreError

# A machine that was off over the weekend still publishes on Monday morning, but a pack that is
# half a day late would carry the wrong morning's date.
MISFIRE_GRACE = timedelta(hours=12)

Clock = Callable[[tzinfo], datetime]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One recurring job.

    Attributes
    ----------
    code : stable key, as in the journal and the log.
    run : called without arguments; an exception it raises is logged, and the next run still comes.
    hour, minute : local time of the locality.
    day_of_week : "mon" … "sun"; every day by default.
    """

    code: str
    run: Callable[[], object]
    hour: int
    minute: int = 0
    day_of_week: str = "*"

    def trigger(self, zone: tzinfo) -> CronTrigger:
        """When the job is due."""
        return CronTrigger(
            day_of_week=self.day_of_week, hour=self.hour, minute=self.minute, timezone=zone
        )


@dataclass(frozen=True)
class NextRun:
    """One coming run of a job, in local time."""

    code: str
    at: datetime


def usual_jobs(build: Callable[[], object], publish_week: Callable[[], object]) -> tuple[Job, Job]:
    """Build every night at 02:30; publish and report on Mondays at 07:00, before offices open."""
    return (
        Job("build", build, hour=2, minute=30),
        Job("publish_week", publish_week, hour=7, day_of_week="mon"),
    )


def _now(zone: tzinfo) -> datetime:
    return datetime.now(zone)


class Journal:
    """What ran when, in one small file beside the store; also the lock on being the scheduler.

    Parameters
    ----------
    path : JSON file; made at the first entry.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, dict[str, Any]]:
        """Entries by job code; empty when nothing ran yet or the file is damaged."""
        try:
            entries = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError:
            logger.warning("%s: not valid JSON; past runs are not known", self._path)
            return {}
        return entries if isinstance(entries, dict) else {}

    def write(self, code: str, **entry: Any) -> None:
        """Replace the entry of one job."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.read() | {code: entry}, ensure_ascii=False, indent=2)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(text + "\n", encoding="utf-8")
        fresh.replace(self._path)

    def last_started(self, code: str) -> datetime | None:
        """When the job last started; None when it never did."""
        started = self.read().get(code, {}).get("started_at")
        return datetime.fromisoformat(started) if isinstance(started, str) else None

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Be the one scheduler of this locality while the block runs.

        Raises
        ------
        StoreError : another process is.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = self._path.with_suffix(".lock")
        with lock.open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                file.seek(0)
                raise StoreError(
                    f"{lock}: process {file.read().strip() or '?'} already runs this schedule; "
                    "stop it first"
                ) from exc
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield


def next_runs(jobs: Sequence[Job], *, timezone: str, now: datetime, days: int = 7) -> list[NextRun]:
    """All runs in the next `days` days, earliest first."""
    zone = ZoneInfo(timezone)
    until = now + timedelta(days=days)
    runs: list[NextRun] = []
    for job in jobs:
        trigger = job.trigger(zone)
        at = trigger.get_next_fire_time(None, now)
        while at is not None and at <= until:
            runs.append(NextRun(job.code, at))
            at = trigger.get_next_fire_time(at, at)
    return sorted(runs, key=lambda run: (run.at, run.code))


def missed(
    job: Job,
    *,
    zone: tzinfo,
    now: datetime,
    last_started: datetime | None,
    grace: timedelta = MISFIRE_GRACE,
) -> bool:
    """Whether a run fell due in the last `grace` while nobody was there to start it.

    A job that never ran has missed nothing: the first schedule waits for its first date.
    """
    if last_started is None:
        return False
    due = job.trigger(zone).get_next_fire_time(None, max(last_started, now - grace))
    if due is not None and due <= last_started:  # the very minute in which it ran
        due = job.trigger(zone).get_next_fire_time(due, last_started + timedelta(minutes=1))
    return due is not None and due <= now


def run_logged(job: Job, *, zone: tzinfo, journal: Journal | None, clock: Clock = _now) -> bool:
    """Run a job at its boundary: whatever it raises is logged and noted, never passed on.

    Returns
    -------
    Whether the job ended well.
    """
    started = clock(zone)
    note = {"started_at": started.isoformat()}
    if journal is not None:
        journal.write(job.code, **note, ok=None)
    logger.info("%s: started", job.code)
    try:
        job.run()
    except Exception as exc:
        logger.exception("%s: failed; the last snapshot stays, the next run comes", job.code)
        error: str | None = f"{type(exc).__name__}: {exc}"
    else:
        error = None
        logger.info("%s: done in %.0f s", job.code, (clock(zone) - started).total_seconds())
    if journal is not None:
        ended = {"ended_at": clock(zone).isoformat(), "ok": error is None, "error": error}
        journal.write(job.code, **note, **ended)
    return error is None


def build_scheduler(
    jobs: Sequence[Job],
    *,
    timezone: str = "Asia/Shanghai",
    journal: Journal | None = None,
    grace: timedelta = MISFIRE_GRACE,
    clock: Clock = _now,
) -> BlockingScheduler:
    """A scheduler that is ready to `start()`, which blocks until it is shut down.

    Parameters
    ----------
    jobs : codes unique. They share one thread, so that no two write at the same time.
    timezone : IANA name, in which the jobs' hours are meant.
    journal : where runs are noted; with it, a run missed while the process was down is made up.
    grace : how late a run may start; later, it is left out and said in the log.
    clock : gives the present time in a zone.

    Raises
    ------
    ValueError : two jobs share a code.
    """
    zone = ZoneInfo(timezone)
    scheduler = BlockingScheduler(
        timezone=zone,
        executors={"default": ThreadPoolExecutor(1)},
        job_defaults={
            "coalesce": True,
            "max_instances": 1,
            "misfire_grace_time": int(grace.total_seconds()),
        },
    )
    if len({job.code for job in jobs}) != len(jobs):
        raise ValueError("two jobs share a code")
    now = clock(zone)
    for job in jobs:
        last = journal.last_started(job.code) if journal else None
        options: dict[str, Any] = {}
        if missed(job, zone=zone, now=now, last_started=last, grace=grace):
            logger.warning("%s: a run was missed since %s; it starts now", job.code, last)
            options["next_run_time"] = now
        scheduler.add_job(
            run_logged,
            job.trigger(zone),
            args=[job],
            kwargs={"zone": zone, "journal": journal, "clock": clock},
            id=job.code,
            **options,
        )
    return scheduler
