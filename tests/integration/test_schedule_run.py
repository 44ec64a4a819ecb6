"""The command as it is left running: it works by the clock, stands by, takes over, ends whole."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from etl.build.weeks import iso_week
from etl.store.engine import open_engine
from etl.store.lease import RUN, SCHEDULER, Lease
from etl.store.reader import Reader
from etl.store.runs import INTERRUPTED, OK, Runs
from etl.store.writer import Writer
from geo.errors import XintuError
from tests.support.locality import COUNTY, VILLAGES, Folder

XINTU = Path(sys.executable).with_name("xintu")
LIMIT_S = 60.0
SHANGHAI = ZoneInfo("Asia/Shanghai")


def toml(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)


@pytest.fixture
def county(tmp_path: Path) -> Path:
    """A tiny locality on disk, with figures of the last weeks; its build fell due an hour ago."""
    folder = Folder.with_areas(tmp_path / "county")
    residents = "\n".join(f"{code},{900 + i}" for i, code in enumerate(VILLAGES))
    folder.write("residents.csv", f"代码,人口\n{residents}\n")
    folder.source("residents", "population", "residents.csv", level="village",
                  columns={"code": "代码", "groups": {"total": "人口"}})  # fmt: skip
    now = datetime.now(SHANGHAI)
    weeks = [iso_week((now - timedelta(weeks=back)).date()) for back in range(12, 0, -1)]
    lines = [f"{week},{code},{12 + i}" for week in weeks for i, code in enumerate(VILLAGES)]
    folder.write("weekly.csv", "周,代码,人次\n" + "\n".join(lines) + "\n")
    folder.weekly()
    due, later = now - timedelta(hours=1), now + timedelta(days=3)
    parts = {
        "locality": {"code": COUNTY, "name": {"zh": "试验县", "en": "Test"}, "crs": "EPSG:4547"},
        "schedule": {"build": f"{due:%H:%M}", "publish_day": f"{later:%a}".lower()},
    }
    said = [f"{name} = {toml(part)}" for name, part in parts.items()]
    for source in folder.sources:
        said += ["[[sources]]", *(f"{key} = {toml(one)}" for key, one in source.items())]
    folder.write("xintu.toml", "\n".join(said) + "\n")
    return folder.path


class Command:
    """A running `xintu`, in a process group of its own, as a terminal gives it one."""

    def __init__(self, log: Path, *arguments: object) -> None:
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [XINTU, *map(str, arguments)],
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )

    def said(self) -> str:
        """Everything so far."""
        return self.log.read_text(encoding="utf-8")

    def wait_for(self, seen: Callable[[], object]) -> None:
        """Until something is so."""
        end = time.monotonic() + LIMIT_S
        while not seen():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, self.said()
            time.sleep(0.05)

    def send(self, number: int) -> int:
        """Signal the whole group, and the exit code."""
        os.killpg(self.process.pid, number)
        return self.process.wait(LIMIT_S)


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Callable[..., Command]]:
    """Starts commands, and ends those that a test leaves."""
    started: list[Command] = []

    def start(*arguments: object) -> Command:
        started.append(Command(tmp_path / f"log{len(started)}", *arguments))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            os.killpg(one.process.pid, signal.SIGKILL)
        one.process.wait()


def published(url: str) -> str | None:
    """Id of the current snapshot, if there is one."""
    try:
        return Reader(url).current().snapshot_id
    except XintuError:
        return None


def contents(url: str) -> list[object]:
    """What the current snapshot shows."""
    reader = Reader(url)
    snapshot = reader.current()
    found: list[object] = [snapshot.week, snapshot.meta["levels"]]
    names = ("headline", "gap_ranking", "coverage")
    found += [reader.table(snapshot.snapshot_id, name).to_csv() for name in names]
    for layer in snapshot.meta["layers"]:
        for level in layer["levels"]:
            week = snapshot.week if layer["weekly"] else ""
            data = reader.layer(snapshot.snapshot_id, level, layer["code"], week)
            found.append((data.values.tobytes(), data.states.tobytes()))
    return found


@pytest.mark.slow
def test_a_due_job_publishes_and_a_second_scheduler_takes_over(
    county: Path, command: Callable[..., Command]
) -> None:
    url = f"sqlite:///{county / '.xintu' / 'xintu.db'}"
    engine = Writer(url).engine
    runs = Runs(engine)
    runs.start(SCHEDULER, started_at=datetime.now(UTC) - timedelta(days=2))
    first = command("schedule", county)
    first.wait_for(lambda: published(url))
    first.wait_for(lambda: (found := runs.last(["build"])) and found["build"].outcome == OK)
    assert runs.last(["build"])["build"].note == published(url)

    second = command("schedule", county)
    second.wait_for(lambda: f"at work is process {first.process.pid} on" in second.said())
    assert first.send(signal.SIGKILL) == -signal.SIGKILL
    lease = Lease(engine, SCHEDULER)
    second.wait_for(lambda: (h := lease.holder()) and h.pid == second.process.pid)
    today = datetime.now(UTC) - timedelta(days=1)
    second.wait_for(lambda: runs.since(SCHEDULER, today)[0].outcome == INTERRUPTED)
    second.wait_for(lambda: len(runs.since(SCHEDULER, today)) == 2)

    listed = subprocess.run(
        [XINTU, "schedule", county, "--list"], capture_output=True, text=True, check=True
    ).stdout
    assert re.search(r"\d{4}-\d\d-\d\d 07:00 +每周发布 +– +–", listed)
    assert re.search(r"夜间更新 +\d{4}-\d\d-\d\d \d\d:\d\d +完成", listed)

    assert second.send(signal.SIGTERM) == 0
    assert lease.holder() is None
    assert runs.last([SCHEDULER])[SCHEDULER].outcome == OK
    assert "Traceback" not in first.said() + second.said()


@pytest.mark.slow
def test_the_second_run_waits_or_says_so(county: Path, command: Callable[..., Command]) -> None:
    url = f"sqlite:///{county / '.xintu' / 'xintu.db'}"
    with Lease(Writer(url).engine, RUN):
        refused = command("run", county, "--no-wait")
        assert refused.process.wait(LIMIT_S) == 4
        assert f"run: already at work: process {os.getpid()} on " in refused.said()
        waiting = command("run", county)
        waiting.wait_for(lambda: f"waiting for: process {os.getpid()} on" in waiting.said())
    assert waiting.process.wait(LIMIT_S) == 0
    assert published(url)


@pytest.mark.slow
def test_ctrl_c_leaves_all_whole(county: Path, command: Callable[..., Command]) -> None:
    """At several moments, from the first step on: one line, code 130, and the next run is whole."""
    url = f"sqlite:///{county / '.xintu' / 'xintu.db'}"
    for wait_s in (0.0, 0.3, 1.0):
        running = command("--json", "run", county)
        running.wait_for(lambda running=running: '"event": "progress"' in running.said())
        time.sleep(wait_s)
        code = running.send(signal.SIGINT)
        assert "Traceback" not in running.said()
        if code == 0:
            break  # it was quicker
        assert code == 130, running.said()
        *records, last = running.said().splitlines()
        assert last.startswith("已中断：没有留下半成品")
        assert all(json.loads(record)["time"].endswith("Z") for record in records)
    done = command("run", county)
    assert done.process.wait(LIMIT_S) == 0, done.said()
    assert Lease(open_engine(url), RUN).holder() is None
    fresh = command("run", county, "--store", f"sqlite:///{county / 'other.db'}")
    assert fresh.process.wait(LIMIT_S) == 0, fresh.said()
    other = f"sqlite:///{county / 'other.db'}"
    assert contents(url) == contents(other), "as if it had never been interrupted"
