"""Scenarios on both engines: asked once, taken by one, ended once, and nothing lost in between."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from etl.model import Text
from etl.siting.scenario import (
    CANCELLED,
    DONE,
    ENDED,
    FAILED,
    INFEASIBLE,
    LIVE,
    QUEUED,
    RUNNING,
    Scenario,
)
from etl.siting.scenarios import ATTEMPTS, MOST_WAITING, Scenarios
from etl.siting.words import why_infeasible
from etl.store.engine import open_engine
from etl.store.siting_tables import siting_call, siting_result
from geo.errors import (
    CodeError,
    FullError,
    InputError,
    NotPublishedError,
    PersonalDataError,
    StepError,
    StoreError,
)
from geo.siting import Cause, Infeasibility

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
QUESTION = {"parts": [{"kind": "counselling_room", "threshold_min": 15.0}], "seed": 1}


@pytest.fixture
def scenarios(store: Engine) -> Scenarios:
    """Its scenarios."""
    return Scenarios(store)


def ask(scenarios: Scenarios, name: str = "城东", **changes: Any) -> str:
    given = {"name": name, "snapshot_id": "2026-W46-a", "week": "2026-W46", "now": NOW, **changes}
    return scenarios.add(QUESTION, **given)


def taken(scenarios: Scenarios, worker: str = "one") -> str:
    job = scenarios.take(worker, now=NOW)
    assert job is not None
    return job.scenario_id


def test_a_scenario_goes_from_the_queue_to_its_answer(scenarios: Scenarios) -> None:
    first, second = ask(scenarios, "一"), ask(scenarios, "二")
    assert [s.scenario_id for s in scenarios.every()] == [second, first], "newest first"
    assert [scenarios.get(i).position for i in (first, second)] == [1, 2]
    job = scenarios.take("one", now=NOW)
    assert job is not None
    assert (job.scenario_id, job.question, job.attempt) == (first, QUESTION, 1)
    assert scenarios.get(second).position == 1, "who runs does not wait"
    assert scenarios.beat(first, "one", now=NOW, step="choose", progress=0.4, best=10.0, gap=0.1)
    seen = scenarios.get(first)
    assert (seen.state, seen.step, seen.progress, seen.best) == (RUNNING, "choose", 0.4, 10.0)
    assert seen.bound != seen.bound, "a bound that nobody told is unknown, not 0"
    assert scenarios.end(first, "one", state=DONE, now=NOW, meta={"value": 3}, answer=b"abc")
    seen = scenarios.get(first)
    assert (seen.state, seen.progress, seen.meta, seen.live) == (DONE, 1.0, {"value": 3}, False)
    assert scenarios.answer(first) == b"abc"
    with pytest.raises(NotPublishedError, match=f"{second}: queued"):
        scenarios.answer(second)


def test_what_has_ended_cannot_end_again(scenarios: Scenarios) -> None:
    one = ask(scenarios)
    taken(scenarios)
    assert scenarios.end(one, "one", state=INFEASIBLE, now=NOW, message=Text(zh="不", en="no"))
    before = scenarios.get(one)
    assert before.message("zh-CN") == "不"
    assert before.message("en") == "no"
    assert not scenarios.end(one, "one", state=DONE, now=NOW, meta={}, answer=b"")
    assert not scenarios.beat(one, "one", now=NOW, progress=0.5)
    scenarios.cancel(one, now=NOW + timedelta(hours=1))
    scenarios.put_back(one, "one")
    assert scenarios.get(one) == before


def test_only_who_has_it_may_tell_of_it(scenarios: Scenarios) -> None:
    one = ask(scenarios)
    taken(scenarios, "one")
    assert not scenarios.beat(one, "two", now=NOW, progress=0.9)
    assert not scenarios.wanted(one, "two")
    assert not scenarios.end(one, "two", state=DONE, now=NOW, meta={}, answer=b"")
    scenarios.put_back(one, "two")
    seen = scenarios.get(one)
    assert (seen.state, seen.progress) == (RUNNING, 0.0)


def test_cancelling_ends_what_waits_and_asks_what_runs(scenarios: Scenarios) -> None:
    runs, waits = ask(scenarios), ask(scenarios)
    taken(scenarios)
    for one in (runs, waits):
        scenarios.cancel(one, now=NOW)
    assert scenarios.get(waits).state == CANCELLED
    seen = scenarios.get(runs)
    assert (seen.state, seen.cancelling) == (RUNNING, True)
    assert not scenarios.wanted(runs, "one")
    assert scenarios.take("one", now=NOW) is None, "what was cancelled is not taken"
    assert scenarios.end(runs, "one", state=CANCELLED, now=NOW)
    seen = scenarios.get(runs)
    assert (seen.state, seen.cancelling, seen.answered) == (CANCELLED, False, False)


def test_a_dead_workers_job_is_tried_once_more(scenarios: Scenarios) -> None:
    fell, dropped = ask(scenarios), ask(scenarios)
    later = ask(scenarios)
    taken(scenarios, "one")
    taken(scenarios, "one")
    scenarios.cancel(dropped, now=NOW)
    assert set(scenarios.take_over(now=NOW)) == {fell, dropped}
    assert scenarios.get(dropped).state == CANCELLED, "nobody wants it any more"
    seen = scenarios.get(fell)
    assert (seen.state, seen.position, seen.progress) == (QUEUED, 1, 0.0), "before those after it"
    assert not scenarios.end(fell, "one", state=DONE, now=NOW, meta={}, answer=b""), "too late"
    job = scenarios.take("two", now=NOW)
    assert job is not None
    assert (job.scenario_id, job.attempt) == (fell, ATTEMPTS)
    scenarios.take_over(now=NOW)
    seen = scenarios.get(fell)
    assert seen.state == FAILED
    assert "两次" in seen.message_zh
    assert "twice" in seen.message_en
    assert taken(scenarios, "three") == later


def test_a_job_that_was_given_back_has_not_been_tried(scenarios: Scenarios) -> None:
    one = ask(scenarios)
    for _ in range(ATTEMPTS + 2):
        assert taken(scenarios) == one
        scenarios.put_back(one, "one")
    assert scenarios.get(one).state == QUEUED
    assert scenarios.take_over(now=NOW) == []


def test_the_queue_has_an_end(scenarios: Scenarios) -> None:
    asked = [ask(scenarios, f"{i}") for i in range(MOST_WAITING)]
    with pytest.raises(FullError, match=f"{MOST_WAITING} scenarios wait"):
        ask(scenarios)
    scenarios.cancel(asked[3], now=NOW)
    ask(scenarios)
    assert scenarios.waiting() == MOST_WAITING


@pytest.mark.parametrize(
    ("name", "wrong", "says"),
    [
        ("甲" * 61, InputError, "61 characters; wanted at most 60"),
        ("张某某家附近", PersonalDataError, "points at a person"),
        ("13912345678", PersonalDataError, "points at a person"),
    ],
)
def test_a_name_is_short_and_of_nobody(
    scenarios: Scenarios, name: str, wrong: type[Exception], says: str
) -> None:
    with pytest.raises(wrong, match=says):
        ask(scenarios, name)
    one = ask(scenarios, " 城东\n三处 ")
    with pytest.raises(wrong, match=says):
        scenarios.rename(one, name)
    assert scenarios.get(one).name == "城东 三处"
    assert len(scenarios.every()) == 1, "what is refused leaves nothing"


def test_what_runs_is_not_discarded_and_what_is_leaves_nothing(scenarios: Scenarios) -> None:
    one, other = ask(scenarios), ask(scenarios)
    taken(scenarios)
    with pytest.raises(StepError, match="cancel it first"):
        scenarios.discard(one)
    scenarios.end(one, "one", state=DONE, now=NOW, meta={}, answer=b"abc")
    scenarios.discard(one)
    scenarios.discard(other)
    assert scenarios.every() == []
    with scenarios.engine.connect() as connection:
        for table in (siting_result, siting_call):
            assert connection.execute(select(table)).first() is None
    for act in (scenarios.get, scenarios.discard, scenarios.answer):
        with pytest.raises(CodeError, match="it may have been discarded"):
            act(one)
    with pytest.raises(CodeError, match="it may have been discarded"):
        scenarios.rename(one, "新名字")
    with pytest.raises(CodeError, match="it may have been discarded"):
        scenarios.cancel(one, now=NOW)


def test_two_workers_never_have_the_same_job(scenarios: Scenarios) -> None:
    asked = {ask(scenarios, f"{i}") for i in range(12)}
    had: list[str] = []

    def work(worker: str) -> None:
        own = Scenarios(scenarios.engine)
        while (job := own.take(worker, now=NOW)) is not None:
            had.append(job.scenario_id)
            assert own.end(job.scenario_id, worker, state=DONE, now=NOW, meta={}, answer=b"")

    threads = [threading.Thread(target=work, args=[f"w{i}"]) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(had) == sorted(asked)


def test_tabs_that_act_at_once_lose_nothing(scenarios: Scenarios) -> None:
    one = ask(scenarios)
    taken(scenarios)
    acts = [
        lambda: Scenarios(scenarios.engine).rename(one, "改名"),
        lambda: Scenarios(scenarios.engine).cancel(one, now=NOW),
        lambda: Scenarios(scenarios.engine).beat(one, "one", now=NOW, progress=0.7),
        lambda: ask(Scenarios(scenarios.engine), "另一个"),
    ]
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen = scenarios.get(one)
    assert (seen.name, seen.cancelling, seen.progress) == ("改名", True, 0.7)
    assert [s.name for s in scenarios.every()] == ["另一个", "改名"]


def test_a_store_that_is_away_is_said_in_words(tmp_path: Path) -> None:
    gone = Scenarios(open_engine(f"sqlite:///{tmp_path / 'empty.db'}"))
    with pytest.raises(StoreError, match="the store failed: no such table"):
        ask(gone)


class Model:
    """The same rules, slowly and in memory; each act is done to both, and both say the same."""

    def __init__(self, scenarios: Scenarios, rng: random.Random) -> None:
        self.real, self.rng = scenarios, rng
        self.found: dict[str, Scenario] = {}
        self.hands: dict[str, tuple[str, int]] = {}  # id → who has it, and how often it was tried

    def put(self, one: str, state: str, **changes: Any) -> None:
        self.found[one] = replace(self.found[one], state=state, **changes)

    def has(self, one: str, worker: str) -> bool:
        return self.found[one].state == RUNNING and self.hands[one][0] == worker

    def ask(self, _one: str, _worker: str) -> None:
        if len(self.found) < MOST_WAITING:
            made = ask(self.real, f"{len(self.found)}")
            self.found[made] = self.real.get(made)

    def take(self, _one: str, worker: str) -> None:
        waiting = [i for i, s in self.found.items() if s.state == QUEUED]
        job = self.real.take(worker, now=NOW)
        assert (job and job.scenario_id) == (waiting[0] if waiting else None)
        if waiting:
            self.hands[waiting[0]] = (worker, self.hands.get(waiting[0], ("", 0))[1] + 1)
            self.put(waiting[0], RUNNING, progress=0.0)

    def beat(self, one: str, worker: str) -> None:
        mine = self.has(one, worker)
        assert self.real.beat(one, worker, now=NOW, progress=0.5) == mine
        if mine:
            self.put(one, RUNNING, progress=0.5)

    def end(self, one: str, worker: str) -> None:
        state, mine = self.rng.choice([DONE, INFEASIBLE]), self.has(one, worker)
        assert self.real.end(one, worker, state=state, now=NOW) == mine
        if mine:
            self.put(one, state, progress=1.0, cancelling=False)

    def cancel(self, one: str, _worker: str) -> None:
        self.real.cancel(one, now=NOW)
        if self.found[one].state == QUEUED:
            self.put(one, CANCELLED)
        elif self.found[one].state == RUNNING:
            self.put(one, RUNNING, cancelling=True)

    def put_back(self, one: str, worker: str) -> None:
        self.real.put_back(one, worker)
        if self.has(one, worker):
            self.put(one, QUEUED, progress=0.0)
            self.hands[one] = ("", self.hands[one][1] - 1)

    def take_over(self, _one: str, _worker: str) -> None:
        self.real.take_over(now=NOW)
        for one, scenario in list(self.found.items()):
            if scenario.state != RUNNING:
                continue
            if scenario.cancelling:
                self.put(one, CANCELLED, cancelling=False)
            elif self.hands[one][1] >= ATTEMPTS:
                self.put(one, FAILED)
            else:
                self.put(one, QUEUED, progress=0.0)


@pytest.mark.parametrize("seed", range(6))
def test_any_order_of_acts_is_as_the_rules_say(scenarios: Scenarios, seed: int) -> None:
    rng = random.Random(seed)
    model = Model(scenarios, rng)
    often = [model.ask, model.take, model.take, model.beat, model.end, model.cancel, model.put_back]
    model.ask("", "")
    for _ in range(60):
        act = model.take_over if rng.random() < 0.05 else rng.choice(often)
        act(rng.choice(list(model.found)), rng.choice(["one", "two"]))
        seen = {s.scenario_id: s for s in scenarios.every()}
        assert seen.keys() == model.found.keys()
        for one, wanted in model.found.items():
            found = seen[one]
            assert (found.state, found.progress) == (wanted.state, wanted.progress), act.__name__
            assert found.cancelling == (wanted.cancelling and wanted.state in LIVE)
            assert (found.ended_at_utc is not None) == (found.state in ENDED)


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_is_said_in_both_languages(cause: Cause) -> None:
    told = vars(
        Infeasibility(cause, demand=("a", "b"), sites=("s",), towns=("t",), radius_needed=21.04,
                      p_needed=7, budget_needed=120.0)
    )  # fmt: skip
    said = why_infeasible(told, {"a": "柳岸村", "s": "文化站", "t": "东镇"})
    for text in (said.zh, said.en):
        assert "{" not in text
        assert "21.1" in text, "rounded up: less would not do"
        assert "7" in text
        assert "120" in text
    assert "，" in said.zh or "。" in said.zh


def test_what_cannot_be_reached_is_named_with_what_would_do() -> None:
    told = {"cause": "unreached_demand", "demand": [f"c{i}" for i in range(9)],
            "radius_needed": None, "p_needed": -1, "budget_needed": None}  # fmt: skip
    said = why_infeasible(told, {"c0": "柳岸村"})
    assert said.zh == (
        "有9个有人居住的网格到达不了任何候选场地或现有点位（例如柳岸村、c1、c2、c3、c4），"
        "不可能做到全部覆盖。放宽时间阈值也到达不了：没有道路相通，须另加候选场地。"
    )
    assert said.en.startswith("9 cells with residents cannot reach any candidate")
