"""The schedule: when jobs run, what is recorded of them, and that nothing stops it."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from etl.due import At, Every, last_due
from etl.progress import Progress, StopFlag
from etl.schedule import (
    Job,
    Scheduler,
    forecasts,
    owed_attempt,
    retry_wait,
    usual_jobs,
)
from etl.sections import Schedule
from etl.store.engine import open_engine
from etl.store.lease import SCHEDULER, Lease
from etl.store.runs import FAILED, INTERRUPTED, OK, Runs
from etl.store.tables import job_run
from geo.errors import ConfigError, PersonalDataError, StoreError
from tests.support.outage import Away

SHANGHAI = ZoneInfo("Asia/Shanghai")
GRACE = timedelta(hours=12)
FRIDAY = datetime(2026, 11, 13, 9, 0, tzinfo=SHANGHAI)
LIMIT_S = 20.0
# Real time, since the scheduler sleeps by it; the wait is short, its growth is tested elsewhere.
QUICK = Schedule(retry_minutes=0.002)


def nothing(progress: Progress) -> None:
    return None


MONDAY = Job("weekly", nothing, At("07:00", "Asia/Shanghai", "mon"), retries=3)


def moment(said: str) -> datetime:
    """Local time of the locality as UTC."""
    return datetime.fromisoformat(said).replace(tzinfo=SHANGHAI).astimezone(UTC)


# ---------------------------------------------------------------- when


def test_week_holds_seven_builds_and_one_monday() -> None:
    jobs = usual_jobs(
        Schedule(), "Asia/Shanghai", look=nothing, build=nothing, publish_week=nothing,
        watch=nothing, notify=nothing,
    )  # fmt: skip
    due = {job.code: job.due for job in jobs}
    assert set(due) == {"drop", "build", "publish_week", "watch", "notify"}
    assert due["publish_week"].after(FRIDAY) == datetime(2026, 11, 15, 23, 0, tzinfo=UTC)
    at, builds = FRIDAY.astimezone(UTC), []
    while (at := due["build"].after(at)) <= FRIDAY + timedelta(days=7):
        builds.append(at.astimezone(SHANGHAI))
    assert len(builds) == 7
    assert {(built.hour, built.minute) for built in builds} == {(2, 30)}
    assert due["drop"].after(moment("2026-11-13T09:03")) == moment("2026-11-13T09:10")
    assert due["watch"].after(moment("2026-11-13T09:03")) == moment("2026-11-13T10:00")
    assert due["notify"].after(moment("2026-11-13T09:03")) == moment("2026-11-13T09:05")
    assert [job.retries for job in jobs] == [0, 3, 3, 0, 0]


@pytest.mark.parametrize(
    ("zone", "at", "day", "expected"),
    [
        pytest.param("Europe/Berlin", "02:30", "2026-03-29", "01:30", id="left out: an hour later"),
        pytest.param("Europe/Berlin", "02:30", "2026-10-25", "00:30", id="twice: the first time"),
        pytest.param("Europe/Berlin", "07:00", "2026-03-30", "05:00", id="summer time"),
        pytest.param("Asia/Shanghai", "07:00", "2026-03-29", "23:00", id="no summer time"),
    ],
)
def test_summer_time_leaves_one_run_a_day(zone: str, at: str, day: str, expected: str) -> None:
    due = At(at, zone)
    start = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone))
    first = due.after(start.astimezone(UTC) - timedelta(microseconds=1))
    assert f"{first:%H:%M}" == expected
    assert due.after(first).astimezone(ZoneInfo(zone)).date() == start.date() + timedelta(days=1)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    st.times().map(lambda at: f"{at:%H:%M}"),
    st.sampled_from([None, "mon", "sun"]),
)
def test_due_times_rise_and_never_skip_a_day(
    now: datetime, zone: str, at: str, day: str | None
) -> None:
    due = At(at, zone, day)
    first = due.after(now)
    second = due.after(first)
    assert now < first < second
    days = second.astimezone(ZoneInfo(zone)).date() - first.astimezone(ZoneInfo(zone)).date()
    assert days == timedelta(days=7 if day else 1)
    assert last_due(due, now=first, grace=GRACE) == first
    assert last_due(due, now=first + GRACE + timedelta(seconds=1), grace=GRACE) in (None, second)


def test_every_ten_minutes_falls_on_tens() -> None:
    assert Every(10).after(moment("2026-11-13T09:10")) == moment("2026-11-13T09:20")


# ---------------------------------------------------------------- what was missed


@pytest.mark.parametrize(
    ("past", "now", "expected"),
    [
        pytest.param([], "2026-11-16T09:00", 1, id="down at seven, up at nine"),
        pytest.param([], "2026-11-16T06:59", None, id="not due yet"),
        pytest.param([(1, OK)], "2026-11-16T09:00", None, id="ran well"),
        pytest.param([(1, FAILED)], "2026-11-16T09:00", 2, id="failed, retries left"),
        pytest.param([(1, FAILED), (2, OK)], "2026-11-16T09:00", None, id="the retry ran well"),
        pytest.param([(1, INTERRUPTED)], "2026-11-16T09:00", 2, id="cut off"),
        pytest.param(
            [(n, INTERRUPTED) for n in (1, 2, 3, 4)], "2026-11-16T09:00", None,
            id="cut off each time: it may be what kills the process",
        ),
        pytest.param([], "2026-11-17T09:00", None, id="later than the grace"),
    ],
)  # fmt: skip
def test_a_missed_run_is_owed_within_the_grace(
    file_store: Engine, past: list[tuple[int, str]], now: str, expected: int | None
) -> None:
    runs = Runs(file_store)
    runs.start(SCHEDULER, started_at=moment("2026-11-10T12:00"))
    due = moment("2026-11-16T07:00")
    for attempt, outcome in past:
        entry = runs.start("weekly", started_at=due, due_at=due, attempt=attempt)
        runs.end(entry, ended_at=due + timedelta(minutes=1), outcome=outcome, note=None)
    assert owed_attempt(MONDAY, runs, now=moment(now), grace=GRACE) == expected


def test_the_first_schedule_of_a_locality_owes_nothing(file_store: Engine) -> None:
    runs, now = Runs(file_store), moment("2026-11-16T09:00")
    assert owed_attempt(MONDAY, runs, now=now, grace=GRACE) is None
    runs.start(SCHEDULER, started_at=moment("2026-11-16T08:00"))
    assert owed_attempt(MONDAY, runs, now=now, grace=GRACE) is None


def test_waits_grow_twofold() -> None:
    waits = [retry_wait(Schedule(), attempt).total_seconds() / 60 for attempt in (1, 2, 3)]
    assert waits == [5, 10, 20]


# ---------------------------------------------------------------- the record


def test_runs_are_recorded_and_listed(store: Engine) -> None:
    runs, at = Runs(store), moment("2026-11-16T07:00")
    for attempt, outcome in ((1, FAILED), (2, OK)):
        entry = runs.start("weekly", started_at=at, due_at=at, attempt=attempt)
        runs.end(entry, ended_at=at, outcome=outcome, note="the disk is full")
    (found,) = forecasts([MONDAY], runs, now=at)
    assert found.next_at == moment("2026-11-23T07:00")
    assert found.last is not None
    assert (found.last.attempt, found.last.outcome, found.last.due_at) == (2, OK, at)
    assert [run.outcome for run in runs.since("weekly", at)] == [FAILED, OK]


def test_a_run_whose_process_died_is_interrupted(store: Engine) -> None:
    runs, at = Runs(store), moment("2026-11-16T07:00")
    runs.start("weekly", started_at=at)
    assert Runs(store).end_abandoned(now=at) == 1
    assert runs.last(["weekly"])["weekly"].outcome == INTERRUPTED


def test_old_runs_go_but_the_first_start_stays(file_store: Engine) -> None:
    runs, at = Runs(file_store), moment("2025-01-06T07:00")
    for days in (0, 1, 500):
        runs.start(SCHEDULER, started_at=at + timedelta(days=days))
    runs.tidy(before=at + timedelta(days=400))
    assert runs.first_start(SCHEDULER) == at
    with file_store.connect() as connection:
        assert len(connection.execute(select(job_run)).all()) == 2


# ---------------------------------------------------------------- the real scheduler


class Serving:
    """A scheduler at work in a thread; its jobs fell due an hour ago."""

    def __init__(
        self, engine: Engine, *works: object, retries: int = 0, settings: Schedule = QUICK
    ) -> None:
        now = datetime.now(UTC)
        due = now - timedelta(hours=1)
        self.runs = Runs(engine)
        self.runs.start(SCHEDULER, started_at=now - timedelta(days=1))
        jobs = [
            Job(f"job{i}", work, At(f"{due:%H:%M}", "UTC"), retries)  # type: ignore[arg-type]
            for i, work in enumerate(works)
        ]
        self.stop = StopFlag()
        self.scheduler = Scheduler(
            jobs, engine=engine, settings=settings, stop=self.stop, ttl_s=2, poll_s=0.02
        )
        self.thread = threading.Thread(target=self.scheduler.serve)
        self.engine = engine

    def __enter__(self) -> Serving:
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop.set()
        self.thread.join(LIMIT_S)
        assert not self.thread.is_alive()

    def outcomes(self, job: str) -> list[tuple[int, str | None]]:
        """Attempt and outcome of each run."""
        long_ago = datetime.now(UTC) - timedelta(days=2)
        return [(run.attempt, run.outcome) for run in self.runs.since(job, long_ago)]

    def wait_for(self, job: str, wanted: list[tuple[int, str | None]]) -> None:
        """Until the record says so."""
        end = time.monotonic() + LIMIT_S
        while (found := self.outcomes(job)) != wanted:
            assert time.monotonic() < end, found
            time.sleep(0.02)


def test_a_missed_run_is_made_up_and_a_failure_stops_no_other(store: Engine) -> None:
    def fail(progress: Progress) -> None:
        raise StoreError("the disk is full")

    with Serving(store, fail, nothing) as serving:
        serving.wait_for("job0", [(1, FAILED)])
        serving.wait_for("job1", [(1, OK)])
    assert serving.runs.last(["job0"])["job0"].note == "StoreError: the disk is full"
    assert Lease(store, SCHEDULER).holder() is None


def test_a_failure_is_tried_again_until_it_heals(file_store: Engine) -> None:
    left = [1, 2]

    def fail_twice(progress: Progress) -> str:
        if left:
            raise StoreError(f"away {left.pop()}")
        return "healed"

    with Serving(file_store, fail_twice, retries=3) as serving:
        serving.wait_for("job0", [(1, FAILED), (2, FAILED), (3, OK)])
    assert serving.runs.last(["job0"])["job0"].note == "healed"


def test_tries_end(file_store: Engine, caplog: pytest.LogCaptureFixture) -> None:
    def fail(progress: Progress) -> None:
        raise StoreError("away")

    with caplog.at_level(logging.WARNING), Serving(file_store, fail, retries=1) as serving:
        serving.wait_for("job0", [(1, FAILED), (2, FAILED)])
    assert "not tried again before its next run; the last snapshot stands" in caplog.text


@pytest.mark.parametrize("error", [ConfigError("a key"), PersonalDataError("column 3")])
def test_what_only_a_person_can_mend_is_not_tried_again(
    file_store: Engine, error: Exception
) -> None:
    def fail(progress: Progress) -> None:
        raise error

    with Serving(file_store, fail, nothing, retries=3) as serving:
        serving.wait_for("job1", [(1, OK)])
        time.sleep(0.5)
        assert serving.outcomes("job0") == [(1, FAILED)]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_errors_that_nobody_catches_end_no_scheduler(
    file_store: Engine, error: BaseException
) -> None:
    def fail(progress: Progress) -> None:
        raise error

    with Serving(file_store, fail, nothing) as serving:
        serving.wait_for("job1", [(1, OK)])
        assert serving.outcomes("job0") == [(1, FAILED)]


def test_the_stop_ends_a_job_at_its_next_step(store: Engine) -> None:
    reached = threading.Event()

    def long(progress: Progress) -> None:
        for step in range(1000):
            progress.step(f"step {step}", step, 1000)
            reached.set()
            time.sleep(0.02)

    with Serving(store, long, nothing) as serving:
        assert reached.wait(LIMIT_S)
    assert serving.outcomes("job0") == [(1, INTERRUPTED)]
    assert serving.outcomes("job1") == [], "what had not begun does not begin"


def test_the_store_may_go_away_and_come_back(
    postgres_store_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine = open_engine(postgres_store_url)
    away, back = threading.Event(), threading.Event()

    def work(progress: Progress) -> None:
        if not back.is_set():
            away.set()
            assert back.wait(LIMIT_S)
            with engine.connect():
                pass

    with caplog.at_level(logging.WARNING), Serving(engine, work, retries=3) as serving:
        assert away.wait(LIMIT_S)
        with Away(engine):
            back.set()
            end = time.monotonic() + LIMIT_S
            while "not recorded yet" not in caplog.text:
                assert time.monotonic() < end
                time.sleep(0.02)
        end = time.monotonic() + LIMIT_S
        while (last := serving.outcomes("job0")[-1:]) != [(last[0][0] if last else 0, OK)]:
            assert time.monotonic() < end, last
            time.sleep(0.05)
    assert serving.outcomes("job0")[0][1] == FAILED


def test_a_second_scheduler_stands_by_and_takes_over(store: Engine) -> None:
    told: list[str] = []
    stands_by, ran = threading.Event(), threading.Event()

    def tell(holder: object) -> None:
        told.append(str(holder))
        stands_by.set()

    first = Lease(store, SCHEDULER)
    assert first.take()
    serving = Serving(store, lambda _progress: ran.set())
    serving.scheduler._on_standby = tell
    with serving:
        assert stands_by.wait(LIMIT_S)
        time.sleep(0.3)  # for what must not happen: a job, or the same said again
        assert not ran.is_set()
        assert len(told) == 1
        first.release()
        assert ran.wait(LIMIT_S)


def test_two_jobs_of_one_name_are_refused(file_store: Engine) -> None:
    with pytest.raises(ValueError, match="share a code"):
        Scheduler([MONDAY, MONDAY], engine=file_store, settings=QUICK)
