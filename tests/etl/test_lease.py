"""Leases: one holder at a time, on both databases; the dead are found out, by real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text, update

from etl.store import migrate
from etl.store.engine import open_engine
from etl.store.lease import Holder, Lease, lease, process_start
from etl.store.tables import job_lease
from geo.errors import BusyError, StoreError
from tests.support.outage import Away

HOLD = """
import sys, time
from etl.store.engine import open_engine
from etl.store.lease import Lease
with Lease(open_engine(sys.argv[1]), "run", ttl_s=float(sys.argv[2])):
    print("held", flush=True)
    time.sleep(600)
"""
# Loaded, these wait for the word; then they go on at the same moment, however slow the machine.
RACE = """
import sys
from etl.store.engine import open_engine
from etl.store.lease import Lease
mine = Lease(open_engine(sys.argv[1]), "run")
print("ready", flush=True)
sys.stdin.readline()
print(mine.take(), flush=True)
sys.stdin.read()
"""
MAKE = """
import sys
from etl.store import migrate
from etl.store.engine import open_engine
engine = open_engine(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
migrate.upgrade(engine)
"""


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Another Python process."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def start_together(code: str, url: str) -> list[subprocess.Popen[str]]:
    """Three processes that are let go at once."""
    started = [start(code, url) for _ in range(3)]
    assert [say(one) for one in started] == ["ready"] * 3
    for one in started:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    return started


def say(process: subprocess.Popen[str]) -> str:
    """Its next line."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def move(engine: Engine, **values: object) -> None:
    """Change the one row as if another machine had written it."""
    with engine.begin() as connection:
        connection.execute(update(job_lease).values(**values))


def test_one_holder_at_a_time(store: Engine) -> None:
    with Lease(store, "run") as first:
        assert not Lease(store, "run").take()
        with pytest.raises(BusyError, match=rf"already at work: process {os.getpid()} on "):
            Lease(store, "run", wait=False).__enter__()
        with lease(store, "scheduler", wait=False):
            first.check()
        with store.begin() as connection:
            first.guard(connection)
    assert Lease(store, "run").holder() is None


def test_a_lease_is_given_back_after_an_error(store: Engine) -> None:
    with pytest.raises(RuntimeError, match="planned"), lease(store):
        raise RuntimeError("planned")
    with lease(store, wait=False):
        pass


def test_the_second_waits_says_for_whom_and_goes_on(store: Engine) -> None:
    told: list[Holder] = []
    first = Lease(store, "run")
    assert first.take()
    threading.Timer(0.3, first.release).start()
    with Lease(store, "run", on_wait=told.append, poll_s=0.02):
        assert [holder.pid for holder in told] == [os.getpid()], "said once"


def test_of_many_that_try_at_once_one_succeeds(store_url: str, store: Engine) -> None:
    runners = start_together(RACE, store_url)
    try:
        assert sorted(say(runner) for runner in runners) == ["False"] * 2 + ["True"]
    finally:
        for runner in runners:
            runner.communicate("", timeout=30)


def test_a_killed_holder_is_replaced_at_once(store_url: str, store: Engine) -> None:
    """Its lease would run for ten more minutes; its process is gone."""
    with start(HOLD, store_url, "600") as process:
        assert say(process) == "held"
        assert not Lease(store, "run").take()
        process.send_signal(signal.SIGKILL)
        end = time.monotonic() + 10
        heir = Lease(store, "run")
        while not heir.take():  # not even its parent has to ask for its exit code
            assert time.monotonic() < end
        heir.release()


def test_a_holder_that_lives_is_never_replaced(store_url: str, store: Engine) -> None:
    """Stopped or busy, its lease long over: it may go on any moment."""
    with start(HOLD, store_url, "0.2") as process:
        assert say(process) == "held"
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        assert not Lease(store, "run").take()
        process.send_signal(signal.SIGCONT)
        process.kill()


def test_a_process_number_used_again_is_no_holder(store: Engine) -> None:
    with Lease(store, "run") as mine:
        holder = mine.holder()
        assert holder is not None
        machine, pid, started, nonce = holder.token.split("/")
        assert started == process_start(os.getpid())
        move(store, holder=f"{machine}/{pid}/{int(started) - 1}/{nonce}")
        assert Lease(store, "run").take()


@pytest.mark.parametrize(("late_s", "expected"), [(-1, False), (0, True), (1, True)])
def test_a_holder_on_another_machine_is_replaced_when_its_lease_is_over(
    store: Engine, late_s: int, expected: bool
) -> None:
    now = datetime(2026, 11, 16, 7, 0, tzinfo=UTC)
    gone = Lease(store, "run", ttl_s=60, clock=lambda: now)
    assert gone.take()
    gone._ended.set()
    move(store, holder="boot-of-another:pid:[1]/77/1/ab", host="elsewhere", pid=77)
    later = now + timedelta(seconds=60 + late_s)
    assert Lease(store, "run", clock=lambda: later).take() is expected


def test_the_clock_of_postgresql_is_asked_not_this_machines(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    migrate.upgrade(engine)
    with Lease(engine, "run", ttl_s=60) as mine, engine.connect() as connection:
        holder = mine.holder()
        assert holder is not None
        now = connection.scalar(text("SELECT clock_timestamp()"))
        assert timedelta(seconds=55) < holder.until - now <= timedelta(seconds=60)


def test_the_heartbeat_puts_the_end_off(store: Engine) -> None:
    with Lease(store, "run", ttl_s=0.4) as mine:
        before = mine.holder()
        time.sleep(0.6)
        after = mine.holder()
        assert before is not None
        assert after is not None
        assert after.until > before.until
        mine.check()


def test_who_lost_the_lease_learns_it_before_writing(store: Engine) -> None:
    """A machine that slept: another one took over meanwhile."""
    with Lease(store, "run", ttl_s=600) as mine:
        move(store, holder="boot-of-another:pid:[1]/77/1/ab")
        with store.begin() as connection, pytest.raises(StoreError, match="taken over"):
            mine.guard(connection)
        with pytest.raises(StoreError, match="taken over"):
            mine.check()
    with store.connect() as connection:
        kept = connection.scalar(select(job_lease.c.holder))
    assert kept == "boot-of-another:pid:[1]/77/1/ab", "the other's lease is not given back"


def test_a_database_that_was_away_does_not_end_the_lease(store_url: str, store: Engine) -> None:
    if store.dialect.name != "postgresql":
        pytest.skip("an SQLite file does not go away: its folder would have to")
    with Lease(store, "run", ttl_s=0.5) as mine:
        with Away(store):
            assert not mine.renew()
            time.sleep(0.6)
            with pytest.raises(StoreError, match="not answered"):
                mine.check()
        mine.check()
        assert not mine.lost


def test_the_schema_is_made_once_by_processes_that_start_together(bare_url: str) -> None:
    makers = start_together(MAKE, bare_url)
    for maker in makers:
        maker.communicate("", timeout=60)
    assert [maker.returncode for maker in makers] == [0, 0, 0]
    migrate.check(open_engine(bare_url))
