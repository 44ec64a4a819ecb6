"""The planner's process within: what it writes down of jobs that end well, badly, late or never."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from sqlalchemy import Engine

from etl.model import Text
from etl.progress import StopFlag
from etl.settings import Settings
from etl.siting import worker as module
from etl.siting.answer import Answer, empty_tables
from etl.siting.calls import CANDIDATES, POINT, Calls, RefusedError
from etl.siting.question import read_question
from etl.siting.scenario import CANCELLED, DONE, FAILED, INFEASIBLE, QUEUED, RUNNING, Scenario
from etl.siting.scenarios import Scenarios
from etl.siting.tasks import Outcome, work_out
from etl.siting.worker import StuckError, Worker
from etl.store.lease import SITING, Lease
from geo.errors import AbsentError, NotPublishedError, UnitError
from tests.support.siting import small_ground, small_question

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
LIMIT_S = 60.0
ANSWER = Answer({"state": "found", "value": 7.0}, empty_tables(), {})


@pytest.fixture
def scenarios(file_store: Engine) -> Scenarios:
    """Its scenarios."""
    return Scenarios(file_store)


def ask(scenarios: Scenarios, **question: Any) -> str:
    return scenarios.add(question, name="", snapshot_id="a", week="2026-W46", now=NOW)


def until(seen: Callable[[], object]) -> None:
    end = time.monotonic() + LIMIT_S
    while not seen():
        assert time.monotonic() < end
        time.sleep(0.02)


def ended(scenarios: Scenarios, one: str) -> Scenario:
    until(lambda: not scenarios.get(one).live)
    return scenarios.get(one)


def make(file_store: Engine, stop: StopFlag | None = None, **more: Any) -> Worker:
    return Worker(file_store, cast("Settings", None), stop=stop or StopFlag(), **more)


@contextmanager
def at_work(file_store: Engine, **more: Any) -> Iterator[None]:
    """A worker in a thread."""
    stop = StopFlag()
    thread = threading.Thread(target=make(file_store, stop, **more).serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(LIMIT_S)
        assert not thread.is_alive()


@pytest.fixture(autouse=True)
def no_ground(monkeypatch: pytest.MonkeyPatch) -> None:
    """Grounds are read by another's tests."""
    monkeypatch.setattr(module, "read_ground", lambda *_: "ground")


Work = Callable[..., Outcome]


def work_as(monkeypatch: pytest.MonkeyPatch, work: Work) -> None:
    def work_out(_ground: Any, question: dict[str, Any], **given: Any) -> Outcome:
        return work(question, **given)

    monkeypatch.setattr(module, "work_out", work_out)


def test_jobs_are_answered_in_their_order(
    file_store: Engine, scenarios: Scenarios, monkeypatch: pytest.MonkeyPatch
) -> None:
    had: list[int] = []

    def work(question: dict[str, Any], **_: Any) -> Outcome:
        had.append(question["n"])
        return Outcome(DONE, ANSWER)

    work_as(monkeypatch, work)
    asked = [ask(scenarios, n=n) for n in range(3)]
    with at_work(file_store):
        assert [ended(scenarios, one).state for one in asked] == [DONE] * 3
    assert had == [0, 1, 2]
    assert Answer.from_bytes(scenarios.answer(asked[0])).meta == ANSWER.meta


def test_why_nothing_can_be_is_kept_with_how_things_are(
    file_store: Engine, scenarios: Scenarios, monkeypatch: pytest.MonkeyPatch
) -> None:
    why = Text(zh="预算不足。", en="too little")
    work_as(monkeypatch, lambda *_, **__: Outcome(INFEASIBLE, ANSWER, why))
    one = ask(scenarios)
    with at_work(file_store):
        seen = ended(scenarios, one)
    assert (seen.state, seen.message_zh, seen.answered) == (INFEASIBLE, "预算不足。", True)


def broken_question() -> Outcome:
    read_question({"parts": [{"kind": "counselling_room", "mode": "foot", "threshold_min": -1.0}]})
    raise AssertionError


def raising(error: BaseException) -> Callable[[], Outcome]:
    def fall() -> Outcome:
        raise error

    return fall


@pytest.mark.parametrize(
    "case",
    [
        (broken_question, "应大于0", "more than 0"),
        (raising(NotPublishedError("no snapshot")), "已不在库中", "no longer in the store"),
        (raising(MemoryError()), "内存不足", "not enough memory"),
        (raising(UnitError("radius: -3; wanted more")), "radius: -3; wanted more", "radius: -3"),
        (raising(ZeroDivisionError("secret of row 7")), "已记入日志", "in the log"),
        (raising(SystemExit(3)), "已记入日志", "in the log"),
    ],
)
def test_an_error_is_said_in_words_and_the_next_job_goes_on(
    file_store: Engine,
    scenarios: Scenarios,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    case: tuple[Callable[[], Outcome], str, str],
) -> None:
    fall, zh, en = case
    work_as(monkeypatch, lambda asked, **_: fall() if asked else Outcome(DONE, ANSWER))
    one, other = ask(scenarios, n=1), ask(scenarios)
    with at_work(file_store):
        seen = ended(scenarios, one)
        assert ended(scenarios, other).state == DONE
    assert seen.state == FAILED
    assert zh in seen.message_zh
    assert en in seen.message_en
    for said in (seen.message_zh, seen.message_en):
        assert "Traceback" not in said
        assert "secret" not in said
    assert one in caplog.text


def test_progress_is_seen_and_never_goes_back(
    file_store: Engine, scenarios: Scenarios, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def work(_question: dict[str, Any], *, on_progress: Any, on_bound: Any, **_: Any) -> Outcome:
        on_progress("choose", 0.6)
        on_bound(90.0, float("inf"))
        on_progress("choose", 0.4)
        go_on.wait(LIMIT_S)
        on_bound(100.0, 101.0)
        return Outcome(DONE, ANSWER)

    work_as(monkeypatch, work)
    one = ask(scenarios)
    with at_work(file_store):
        until(lambda: scenarios.get(one).step == "choose")
        seen = scenarios.get(one)
        assert (seen.progress, seen.best) == (0.6, 90.0)
        assert seen.gap != seen.gap, "an unknown bound makes no gap"
        go_on.set()
        assert ended(scenarios, one).progress == 1.0


def test_a_job_hears_that_it_is_cancelled_and_its_best_is_kept(
    file_store: Engine, scenarios: Scenarios, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(_question: dict[str, Any], *, cancelled: Callable[[], bool], **_: Any) -> Outcome:
        until(cancelled)
        return Outcome(CANCELLED, ANSWER)

    work_as(monkeypatch, work)
    one = ask(scenarios)
    with at_work(file_store):
        until(lambda: scenarios.get(one).state == RUNNING)
        scenarios.cancel(one, now=NOW)
        seen = ended(scenarios, one)
    assert (seen.state, seen.answered, seen.cancelling) == (CANCELLED, True, False)


def test_a_job_that_does_not_hear_is_given_up_in_the_store(
    file_store: Engine, scenarios: Scenarios, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = threading.Event()

    def work(asked: dict[str, Any], **_: Any) -> Outcome:
        if asked:
            deaf.wait(LIMIT_S)
        return Outcome(DONE, ANSWER)

    work_as(monkeypatch, work)
    one, other = ask(scenarios, n=1), ask(scenarios)
    with at_work(file_store):
        until(lambda: scenarios.get(one).state == RUNNING)
        scenarios.cancel(one, now=NOW)
        assert ended(scenarios, one).state == CANCELLED
        assert scenarios.get(other).state == QUEUED, "one at a time: the solver is still busy"
        deaf.set()
        assert ended(scenarios, other).state == DONE
    seen = scenarios.get(one)
    assert (seen.state, seen.answered) == (CANCELLED, False), "what came too late is not taken"


def test_a_job_that_never_ends_ends_its_process(
    file_store: Engine, scenarios: Scenarios, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = threading.Event()
    monkeypatch.setattr(module, "STUCK_AFTER_S", 0.5)
    monkeypatch.setattr(module, "STOP_WITHIN_S", 0.1)

    def work(_question: dict[str, Any], **_: Any) -> Outcome:
        deaf.wait(LIMIT_S)
        return Outcome(DONE)

    work_as(monkeypatch, work)
    one = ask(scenarios)
    found: list[BaseException] = []

    def serve() -> None:
        try:
            make(file_store).serve()
        except StuckError as exc:
            found.append(exc)

    thread = threading.Thread(target=serve)
    thread.start()
    until(lambda: scenarios.get(one).state == RUNNING)
    scenarios.cancel(one, now=NOW)
    thread.join(LIMIT_S)
    deaf.set()
    assert found
    assert scenarios.get(one).state == CANCELLED
    assert Lease(file_store, SITING).holder() is None, "another may work at once"


def test_who_is_stopped_gives_its_job_back(
    file_store: Engine, scenarios: Scenarios, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(_question: dict[str, Any], *, cancelled: Callable[[], bool], **_: Any) -> Outcome:
        until(cancelled)
        return Outcome(CANCELLED, ANSWER)

    work_as(monkeypatch, work)
    one = ask(scenarios)
    for _ in range(3):  # however often: it was not the job's fault
        with at_work(file_store):
            until(lambda: scenarios.get(one).state == RUNNING)
        seen = scenarios.get(one)
        assert (seen.state, seen.answered) == (QUEUED, False)
    work_as(monkeypatch, lambda *_, **__: Outcome(DONE, ANSWER))
    with at_work(file_store):
        assert ended(scenarios, one).state == DONE


def test_who_is_stopped_while_the_user_cancels_cancels(
    file_store: Engine, scenarios: Scenarios, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_WITHIN_S", 0.1)
    deaf = threading.Event()

    def work(_question: dict[str, Any], **_: Any) -> Outcome:
        deaf.wait(LIMIT_S)
        return Outcome(DONE)

    work_as(monkeypatch, work)
    one = ask(scenarios)
    with at_work(file_store):
        until(lambda: scenarios.get(one).state == RUNNING)
        scenarios.cancel(one, now=NOW)
    deaf.set()
    assert scenarios.get(one).state == CANCELLED


def test_one_works_and_others_stand_by(
    file_store: Engine, scenarios: Scenarios, monkeypatch: pytest.MonkeyPatch
) -> None:
    work_as(monkeypatch, lambda *_, **__: Outcome(DONE, ANSWER))
    told: list[int] = []
    with at_work(file_store):
        until(lambda: Lease(file_store, SITING).holder())
        with at_work(file_store, on_standby=lambda holder: told.append(holder.pid)):
            until(lambda: told)
    assert told == [os.getpid()]


def test_it_ends_when_its_parent_is_gone(file_store: Engine) -> None:
    make(file_store, parent=os.getppid() + 1).serve()
    assert Lease(file_store, SITING).holder() is None


def test_calls_are_replied_to_while_a_job_runs(
    file_store: Engine, scenarios: Scenarios, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, calls = threading.Event(), Calls(file_store)

    def work(_question: dict[str, Any], **_: Any) -> Outcome:
        go_on.wait(LIMIT_S)
        return Outcome(DONE, ANSWER)

    def reply(call: Any, _grounds: Any) -> Answer:
        if call.kind == POINT:
            raise ZeroDivisionError("secret")
        return ANSWER

    work_as(monkeypatch, work)
    monkeypatch.setattr(module, "reply_to", reply)
    ask(scenarios)
    with at_work(file_store):
        number = calls.put(CANDIDATES, "k", {}, now=NOW)
        assert calls.wait(number, limit_s=LIMIT_S, there=lambda: True).meta == ANSWER.meta
        assert calls.find(CANDIDATES, "k") == number, "the next tab asks nobody"
        wrong = calls.put(POINT, "k", {}, now=NOW)
        with pytest.raises(RefusedError, match="the cause is in the log") as caught:
            calls.wait(wrong, limit_s=LIMIT_S, there=lambda: True)
        go_on.set()
    assert caught.value.words is not None
    assert "secret" not in caught.value.words.zh
    assert calls.find(POINT, "k") is None, "what was refused is asked anew"


def test_a_call_that_nobody_hears_ends(file_store: Engine) -> None:
    clock = iter(range(100))
    calls = Calls(file_store, sleep=lambda _: None, clock=lambda: float(next(clock)))
    number = calls.put(POINT, "k", {}, now=NOW)
    with pytest.raises(AbsentError, match="no planner's process is at work"):
        calls.wait(number, limit_s=50.0, there=lambda: False)
    with pytest.raises(AbsentError, match="no reply within 20 s"):
        calls.wait(number, limit_s=20.0, there=lambda: True)


def test_a_job_may_be_called_off_at_any_moment() -> None:
    ground, asked = small_ground(), small_question().model_dump(mode="json")

    def ends_after(n: int) -> tuple[Outcome, int]:
        looks = iter(range(10**6))
        outcome = work_out(
            ground,
            asked,
            on_progress=lambda *_: None,
            on_bound=lambda *_: None,
            cancelled=lambda: next(looks) >= n,
        )
        return outcome, next(looks)

    whole, looks = ends_after(10**6)
    assert whole.state == DONE
    ends = [ends_after(n)[0] for n in range(0, looks, max(1, looks // 12))]
    assert {end.state for end in ends} <= {CANCELLED, DONE}
    # Nothing was known yet: there is nothing to show.
    assert (ends[0].state, ends[0].answer) == (CANCELLED, None)
