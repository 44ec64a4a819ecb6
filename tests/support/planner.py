"""A planner's desk on a store of its own, for tests of pages.

`planner(folder)` is a real desk over `published_store`; `put_answer` puts a finished answer into
it, as a job would have.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from etl.model import Text
from etl.settings import Settings
from etl.siting.answer import Answer, jsonable
from etl.siting.desk import SitingDesk
from etl.siting.scenario import CANCELLED, DONE, INFEASIBLE
from etl.siting.scenarios import Scenarios
from etl.siting.words import why_infeasible
from etl.store.engine import open_engine
from etl.store.reader import Reader
from tests.support import published_store

NOW = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
WORKER = "a worker of tests"
QUESTION: dict[str, Any] = {
    "parts": [
        {"kind": "counselling_room", "mode": "foot", "threshold_min": 15.0, "p_new": 3,
         "sources": ["venue", "school"]},
    ],
}  # fmt: skip
_STATES = {"found": DONE, "infeasible": INFEASIBLE, "cancelled": CANCELLED}


def settings_of(url: str, folder: Path) -> Settings:
    """Settings of a locality whose store is at `url`: usual ones, nothing of its own."""
    config = published_store.config()
    return Settings(
        folder=folder, data=folder, store_url=url, config=config, config_sha256="0" * 64
    )


def desk_on(url: str, folder: Path) -> SitingDesk:
    """A desk on a store that is there already."""
    return SitingDesk(open_engine(url), settings_of(url, folder), Reader(url))


def planner(folder: Path) -> SitingDesk:
    """A desk on a fresh store with one published week of a small county."""
    return desk_on(published_store.publish(folder), folder)


def scenarios_of(desk: SitingDesk) -> Scenarios:
    """Its scenarios, as a worker handles them."""
    return desk._scenarios


def put_answer(
    desk: SitingDesk,
    answer: Answer,
    *,
    name: str = "试算方案",
    question: Mapping[str, Any] | None = None,
    now: datetime = NOW,
) -> str:
    """Ask, and let the answer be this one; the id of the scenario.

    The question is the answer's own, or `QUESTION`, where none is given.
    """
    asked = question or answer.meta.get("question") or QUESTION
    scenario_id = desk.ask(asked, name=name, now=now)
    scenarios = scenarios_of(desk)
    job = scenarios.take(WORKER, now=now)
    assert job is not None
    assert job.scenario_id == scenario_id, "others wait in the queue; put answers in first"
    meta = jsonable(answer.meta)
    state = _STATES[meta["state"]]
    why: Text | None = why_infeasible(meta["infeasible"]) if state == INFEASIBLE else None
    scenarios.end(
        scenario_id, WORKER, state=state, now=now, message=why, meta=meta,
        answer=answer.to_bytes(),
    )  # fmt: skip
    return scenario_id


def put_state(desk: SitingDesk, state: str, *, now: datetime = NOW, **told: Any) -> str:
    """A scenario that stands `queued`, `running` (with step, progress, …) or `failed`."""
    scenario_id = desk.ask(QUESTION, name="进行中的方案", now=now)
    scenarios = scenarios_of(desk)
    if state == "queued":
        return scenario_id
    job = scenarios.take(WORKER, now=now)
    assert job is not None
    assert job.scenario_id == scenario_id
    if state == "running":
        scenarios.beat(scenario_id, WORKER, now=now, **told)
        return scenario_id
    message = Text(zh="计算出错。", en="The calculation failed.")
    scenarios.end(scenario_id, WORKER, state=state, now=now, message=message)
    return scenario_id
