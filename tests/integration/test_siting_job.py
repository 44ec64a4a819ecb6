"""The planner's process on a real small city: answers, cancels, dies, is started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from etl.demo import write_demo
from etl.pipeline import run
from etl.settings import Settings, load_locality
from etl.siting.answering import answer_question
from etl.siting.desk import SitingDesk
from etl.siting.ground import read_ground
from etl.siting.keeper import Keeper
from etl.siting.question import read_question
from etl.siting.scenario import CANCELLED, DONE, FAILED, QUEUED, RUNNING, Scenario
from etl.store.engine import open_engine
from etl.store.lease import SITING, Lease
from etl.store.reader import Reader
from geo.errors import AbsentError, CodeError

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)
LIMIT_S = 120.0
PLAN = (sys.executable, "-m", "dashboard.cli", "plan")
PART = {"kind": "counselling_room", "mode": "foot", "threshold_min": 15.0, "p_new": 3,
        "sources": ["venue", "school"]}  # fmt: skip
QUESTION: dict[str, Any] = {"parts": [PART]}

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class City:
    """A small fictional city with one published week."""

    folder: Path
    settings: Settings

    def desk(self) -> SitingDesk:
        """A desk of its own, as a web worker has one."""
        url = self.settings.store_url
        return SitingDesk(open_engine(url), self.settings, Reader(url))


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    folder = tmp_path_factory.mktemp("city")
    write_demo(folder, seed=2026, cells=200, weeks=20, end_week="2026-W46")
    settings = load_locality(folder)
    run(settings, now=NOW)
    return City(folder, settings)


@pytest.fixture
def desk(city: City) -> SitingDesk:
    """A planner's desk."""
    return city.desk()


Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(city: City, tmp_path: Path) -> Iterator[Start]:
    """Starts the planner's process, and ends what a test leaves."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*more: str) -> subprocess.Popen[bytes]:
        with (tmp_path / f"log{len(started)}").open("wb") as log:
            command = [*PLAN, str(city.folder), *more]
            process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait(LIMIT_S)


def until(seen: Callable[[], object]) -> None:
    end = time.monotonic() + LIMIT_S
    while not seen():
        assert time.monotonic() < end
        time.sleep(0.01)


def ended(desk: SitingDesk, one: str) -> Scenario:
    until(lambda: not desk.scenario(one).live)
    return desk.scenario(one)


def stopped_in_the_middle(desk: SitingDesk, process: subprocess.Popen[bytes]) -> str:
    """A scenario whose process stands still in the middle of it."""
    for _ in range(8):
        one = desk.ask(QUESTION, name="", now=NOW)
        until(lambda one=one: desk.scenario(one).state != QUEUED)
        process.send_signal(signal.SIGSTOP)
        if desk.scenario(one).state == RUNNING:
            return one
        process.send_signal(signal.SIGCONT)
    raise AssertionError("jobs end before they can be stopped")


def new_sites(desk: SitingDesk, one: str) -> list[str]:
    sites = desk.result(one).tables["sites"]
    return sites.loc[sites["state"] == "new", "site_id"].tolist()


def test_a_question_is_answered_as_the_library_does_and_every_tab_sees_it(
    city: City, desk: SitingDesk, start: Start
) -> None:
    start()
    other = city.desk()
    one = desk.ask(QUESTION, name="三处", now=NOW)
    shares, steps = [], []
    while (seen := other.scenario(one)).live:
        shares.append(seen.progress)
        steps.append(seen.step)
        time.sleep(0.02)
    assert seen.state == DONE, seen.message_zh
    assert shares == sorted(shares)
    assert any(steps), "what it is at is told"
    assert desk.scenario(one) == seen
    answer = desk.result(one)
    assert answer.to_bytes() == other.result(one).to_bytes()
    with closing(Reader(city.settings.store_url)) as reader:
        assert answer.meta["snapshot_id"] == reader.current().snapshot_id
    ground = read_ground(open_engine(city.settings.store_url), city.settings)
    peer = answer_question(ground, read_question(QUESTION))
    assert new_sites(desk, one) == [
        s.site_id for s in peer.tables["sites"].itertuples() if s.state == "new"
    ]
    assert answer.meta["covered_after"] == peer.meta["covered_after"]
    assert np.array_equal(answer.cells["state"], peer.cells["state"])


def test_a_point_on_the_map_counts_as_if_it_had_been_asked_for(
    desk: SitingDesk, start: Start
) -> None:
    start()
    one = desk.ask(QUESTION, name="", now=NOW)
    assert ended(desk, one).state == DONE
    chosen = new_sites(desk, one)
    before = desk.scenario(one).meta
    assert before is not None
    assert desk.try_sites(one, chosen).covered_after == pytest.approx(before["covered_after"])
    worst = desk.result(one).tables["candidates"].sort_values("gain_now").iloc[-1]
    lon, lat = float(worst["lon"]) + 0.001, float(worst["lat"])
    point = desk.add_point(one, lon, lat, kind=PART["kind"])
    (row,) = desk.points(one).to_dict("records")
    assert (row["candidate_id"], row["kind"]) == (point, PART["kind"])
    assert row["name"] != row["name"]  # how it is called is for the page to say
    moved = desk.try_sites(one, [*chosen, point])
    asked = {
        "parts": [{**PART, "p_new": 4, "sources": ["venue", "school", "extra"]}],
        "extra": [{"id": "a", "name": "一处", "lon": lon, "lat": lat}],
        "locked": [*chosen, "extra:a"],
    }
    peer = desk.ask(asked, name="", now=NOW)
    assert ended(desk, peer).state == DONE
    meta = desk.scenario(peer).meta
    assert meta is not None
    assert moved.covered_after == pytest.approx(meta["covered_after"])
    assert np.array_equal(moved.states[0], desk.result(peer).cells["state"])
    with pytest.raises(Exception, match="in no cell of the locality"):
        desk.add_point(one, 0.0, 0.0, kind=PART["kind"])
    with pytest.raises(CodeError, match="asks for counselling_room, not for 'school'"):
        desk.add_point(one, lon, lat, kind="school")
    candidates = desk.candidates(asked)
    assert set(candidates["candidate_id"]) >= {*chosen, "extra:a"}


def test_what_is_cancelled_ends(desk: SitingDesk, start: Start) -> None:
    process = start()
    runs = stopped_in_the_middle(desk, process)
    waits = desk.ask(QUESTION, name="", now=NOW)
    for one in (waits, runs):
        desk.cancel(one, NOW)
    assert desk.scenario(waits).state == CANCELLED
    assert desk.scenario(runs).cancelling
    process.send_signal(signal.SIGCONT)
    # It may have come to its end before it heard.
    assert ended(desk, runs).state in {CANCELLED, DONE}
    again = desk.ask(QUESTION, name="", now=NOW)
    assert ended(desk, again).state == DONE


def test_a_killed_process_loses_no_job(desk: SitingDesk, start: Start) -> None:
    process = start()
    one = stopped_in_the_middle(desk, process)
    process.kill()
    process.wait(LIMIT_S)
    seen = desk.scenario(one)
    assert seen.state == RUNNING
    assert not desk.working()
    start()
    assert ended(desk, one).state == DONE
    assert new_sites(desk, one)


def test_a_job_that_kills_its_process_twice_is_not_tried_again(
    desk: SitingDesk, start: Start
) -> None:
    process = start()
    one = stopped_in_the_middle(desk, process)
    process.kill()
    process.wait(LIMIT_S)
    first = desk.scenario(one).started_at_utc
    process = start()
    until(lambda: desk.scenario(one).started_at_utc != first)
    process.send_signal(signal.SIGSTOP)
    assert desk.scenario(one).state == RUNNING, "too quick for this test: ask for more"
    process.kill()
    process.wait(LIMIT_S)
    start()
    seen = ended(desk, one)
    assert seen.state == FAILED
    assert "计算进程两次中途停止" in seen.message_zh
    again = desk.replay(one, now=NOW)
    assert ended(desk, again).state == DONE


def test_sigterm_gives_the_job_back_and_ends_well(desk: SitingDesk, start: Start) -> None:
    process = start()
    one = stopped_in_the_middle(desk, process)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGCONT)
    assert process.wait(LIMIT_S) == 0
    assert desk.scenario(one).state in {QUEUED, DONE}
    assert not desk.working()
    start()
    assert ended(desk, one).state == DONE


def test_it_ends_when_its_parent_is_killed(city: City, desk: SitingDesk) -> None:
    code = (
        "import os, subprocess, sys, time; "
        "subprocess.Popen([*sys.argv[1:], '--parent', str(os.getpid())]); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, *PLAN, str(city.folder)], cwd=ROOT)
    until(desk.working)
    (child,) = psutil.Process(parent.pid).children()
    parent.kill()
    parent.wait(LIMIT_S)
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    until(lambda: Lease(open_engine(city.settings.store_url), SITING).holder() is None)


def test_the_keeper_starts_it_again_and_ends_it(city: City, desk: SitingDesk) -> None:
    keeper = Keeper([*PLAN, str(city.folder)], waits_s=(0.1,))
    keeper.start()
    until(desk.working)
    first = keeper.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    until(lambda: keeper.pid not in {None, first})
    until(desk.working)
    last = keeper.pid
    keeper.stop()
    assert keeper.pid is None
    assert last is not None
    assert not psutil.pid_exists(last)
    assert not desk.working()


def test_where_nobody_is_at_work_a_call_says_so(desk: SitingDesk) -> None:
    assert not desk.working()
    assert not desk.offer().working
    asked = {"parts": [{**PART, "sources": ["school"]}]}
    with pytest.raises(AbsentError, match="no planner's process is at work"):
        desk.candidates(asked)
