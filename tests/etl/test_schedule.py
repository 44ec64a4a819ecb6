"""The schedule: when jobs run, that a failure stops nothing, that missed runs are made up."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from apscheduler.events import EVENT_JOB_EXECUTED, JobExecutionEvent

from etl.schedule import Job, Journal, build_scheduler, missed, next_runs, run_logged, usual_jobs
from geo.errors import StoreError

ZONE = ZoneInfo("Asia/Shanghai")
FRIDAY = datetime(2026, 11, 13, 9, 0, tzinfo=ZONE)
MONDAY = Job("weekly", lambda: None, hour=7, day_of_week="mon")


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self, zone: tzinfo) -> datetime:
        return self.now.astimezone(zone)


def nothing() -> None:
    return None


def test_week_holds_seven_builds_and_one_monday() -> None:
    runs = next_runs(usual_jobs(nothing, nothing), timezone="Asia/Shanghai", now=FRIDAY)
    assert [run.code for run in runs].count("build") == 7
    (weekly,) = [run.at for run in runs if run.code == "publish_week"]
    assert weekly == datetime(2026, 11, 16, 7, 0, tzinfo=ZONE)
    assert weekly.astimezone(UTC).hour == 23
    assert runs == sorted(runs, key=lambda run: run.at)


def test_build_ends_before_the_monday_pack() -> None:
    runs = next_runs(usual_jobs(nothing, nothing), timezone="Asia/Shanghai", now=FRIDAY, days=4)
    monday = [run.code for run in runs if run.at.day == 16]
    assert monday == ["build", "publish_week"]


@pytest.mark.parametrize(
    ("last", "now", "expected"),
    [
        pytest.param(None, "2026-11-16T09:00", False, id="never ran: waits for its first date"),
        pytest.param("2026-11-09T07:00", "2026-11-16T09:00", True, id="down at seven, up at nine"),
        pytest.param("2026-11-09T07:00", "2026-11-16T06:59", False, id="not due yet"),
        pytest.param("2026-11-16T07:00", "2026-11-16T07:05", False, id="ran on the minute"),
        pytest.param("2026-11-16T07:00:03", "2026-11-16T09:00", False, id="ran this week"),
        pytest.param("2026-11-09T07:00", "2026-11-17T09:00", False, id="later than the grace"),
    ],
)
def test_missed(last: str | None, now: str, expected: bool) -> None:
    started = datetime.fromisoformat(last).replace(tzinfo=ZONE) if last else None
    at = datetime.fromisoformat(now).replace(tzinfo=ZONE)
    assert missed(MONDAY, zone=ZONE, now=at, last_started=started) is expected


def test_failure_is_logged_noted_and_not_raised(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise StoreError("the disk is full")

    journal = Journal(tmp_path / "schedule.json")
    job = Job("build", fail, hour=2)
    with caplog.at_level(logging.ERROR):
        assert not run_logged(job, zone=ZONE, journal=journal, clock=Clock(FRIDAY))
    assert "build: failed" in caplog.text
    entry = journal.read()["build"]
    assert entry["ok"] is False
    assert entry["error"] == "StoreError: the disk is full"
    assert journal.last_started("build") == FRIDAY


def test_damaged_journal_is_said_and_survived(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "schedule.json"
    path.write_text("{", encoding="utf-8")
    assert Journal(path).last_started("build") is None
    assert "not valid JSON" in caplog.text
    Journal(path).write("build", ok=True)
    assert json.loads(path.read_text(encoding="utf-8")) == {"build": {"ok": True}}


def test_only_one_process_holds_the_schedule(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "schedule.json")
    with (
        journal.hold(),
        pytest.raises(StoreError, match="already runs this schedule"),
        Journal(tmp_path / "schedule.json").hold(),
    ):
        pass
    with journal.hold():
        pass


def test_jobs_keep_the_house_options() -> None:
    scheduler = build_scheduler(usual_jobs(nothing, nothing), clock=Clock(FRIDAY))
    options = scheduler._job_defaults
    assert options["coalesce"]
    assert options["max_instances"] == 1
    assert options["misfire_grace_time"] >= 6 * 3600
    with pytest.raises(ValueError, match="share a code"):
        build_scheduler([MONDAY, MONDAY], clock=Clock(FRIDAY))


def test_a_missed_run_is_made_up_and_a_failure_stops_no_other(tmp_path: Path) -> None:
    """The real scheduler: both jobs were missed, the first one fails, the second one still runs."""
    # Real time, since the scheduler sleeps by it: the jobs fell due an hour ago.
    now = datetime.now(ZONE)
    due = now - timedelta(hours=1)
    journal = Journal(tmp_path / "schedule.json")
    ran: list[str] = []

    def fail() -> None:
        ran.append("first")
        raise RuntimeError("planned")

    def stop_after_second(event: JobExecutionEvent) -> None:
        if event.job_id == "second":
            scheduler.shutdown(wait=False)

    jobs = [
        Job("first", fail, hour=due.hour, minute=due.minute),
        Job("second", lambda: ran.append("second"), hour=due.hour, minute=due.minute),
    ]
    for job in jobs:
        journal.write(job.code, started_at=(due - timedelta(hours=2)).isoformat())
    scheduler = build_scheduler(jobs, journal=journal)
    scheduler.add_listener(stop_after_second, EVENT_JOB_EXECUTED)
    scheduler.start()
    assert ran == ["first", "second"]
    assert [journal.read()[code]["ok"] for code in ("first", "second")] == [False, True]
