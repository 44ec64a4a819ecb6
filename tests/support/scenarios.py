"""Scenarios over the published store: asked at a real desk and worked out by the real code, as the
planner's process would; one at least of every state. The first call of a process works them out,
every other one gets a copy of the store."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, select

from etl.model import Text
from etl.policies import IndicatorSettings, registry_toml
from etl.settings import Settings
from etl.siting.answer import jsonable
from etl.siting.desk import SitingDesk
from etl.siting.ground import Ground, read_ground
from etl.siting.scenarios import Scenarios
from etl.siting.tasks import work_out
from etl.store.engine import open_engine
from etl.store.reader import Reader
from etl.store.tables import published_layer, published_site, published_snapshot, published_table
from tests.support import published_store
from tests.support.published_store import PUBLISHED_AT

NOW = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
EARLIER_ID, EARLIER_WEEK = "2026-W45-earlier", "2026-W45"
WORKER = "a worker of tests"
# Of the published indicators those that rooms change.
INDICATORS = ("rooms_village",)
# Sites that the earlier week does not have.
SINCE = ("counselling_room-03-open", "V01", "V02")


def question(p_new: int = 4, **changes: Any) -> dict[str, Any]:
    """More counselling rooms, 15 minutes on foot; `changes` of the part or of the whole."""
    part = {"kind": "counselling_room", "mode": "foot", "threshold_min": 15.0, "group": "total",
            "p_new": p_new, "sources": ["venue", "school"], "cost_new": None,
            "capacity_new": None, "towns": []}  # fmt: skip
    whole = {"objective": "max_coverage", "budget": None, "locked": [], "forbidden": [],
             "closable": [], "max_closures": None, "extra": [], "min_separation_m": None,
             "one_per_town": False, "min_town_share": None, "worst_first": False,
             "weigh_by": "residents", "time_limit_s": 60.0, "seed": 1}  # fmt: skip
    part |= {key: value for key, value in changes.items() if key in part}
    whole |= {key: value for key, value in changes.items() if key in whole}
    return {"parts": [part], **whole}


@dataclass(frozen=True)
class Planned:
    """A store with scenarios, its desk, and the ids of the scenarios by what they are."""

    url: str
    desk: SitingDesk
    ids: dict[str, str]


def plan(folder: Path) -> Planned:
    """A store of one's own in a folder, with scenarios of every state."""
    template, ids = _template()
    url = f"sqlite:///{folder / 'scenarios.db'}"
    paths = [one.removeprefix("sqlite:///") for one in (template, url)]
    with closing(sqlite3.connect(paths[0])) as source, closing(sqlite3.connect(paths[1])) as target:
        source.backup(target)
    return Planned(url, _desk(url, folder), dict(ids))


@cache
def _template() -> tuple[str, dict[str, str]]:
    folder = Path(tempfile.mkdtemp(prefix="scenarios-"))
    url = published_store.publish(folder)
    engine = open_engine(url)
    _add_places(engine)
    office = _Office(_desk(url, folder), read_ground(engine, _settings(url, folder)))
    ids = office.ids
    four, six = question(4, cost_new=3.0), question(6, cost_new=3.0)
    far = question(4, threshold_min=30.0, cost_new=3.0)
    ids["earlier"] = office.scenarios.add(
        four, name="四处心理咨询室", snapshot_id=EARLIER_ID, week=EARLIER_WEEK,
        now=NOW - timedelta(hours=12),
    )  # fmt: skip
    office.answer(read_ground(engine, _settings(url, folder), EARLIER_ID))
    ids["four"] = office.desk.replay(ids["earlier"], now=NOW - timedelta(hours=11))
    office.answer()
    for key, name, asked in (
        ("six", "六处，含学校", six), ("far", "四处，半小时内", far),
        ("infeasible", "各镇都要达到九成", question(1, min_town_share=0.9)),
    ):  # fmt: skip
        office.ask(key, name, asked)
        office.answer()
    office.ask("stopped", "停下的方案", question(5))
    office.answer(stop_at="curve")
    office.ask("failed", "算到一半", question(2))
    office.end(state="failed", message=Text(zh="内存不够。", en="Out of memory."))
    office.ask("running", "正在算的方案", question(8, worst_first=True))
    office.scenarios.take(WORKER, now=NOW)
    office.scenarios.beat(ids["running"], WORKER, now=NOW, step="solve", progress=0.4)
    office.ask("queued", "排队的方案", question(9, objective="set_cover"))
    engine.dispose()
    return url, ids


def _settings(url: str, folder: Path) -> Settings:
    known = {entry["code"]: entry for entry in registry_toml("indicators.toml")["indicators"]}
    own = tuple(IndicatorSettings.model_validate(known[code]) for code in INDICATORS)
    config = published_store.config().model_copy(update={"indicators": own})
    return Settings(folder=folder, data=folder, store_url=url, config=config, config_sha256="")


def _desk(url: str, folder: Path) -> SitingDesk:
    return SitingDesk(open_engine(url), _settings(url, folder), Reader(url))


class _Office:
    """The desk, and somebody who answers what is asked at it."""

    def __init__(self, desk: SitingDesk, ground: Ground) -> None:
        self.desk, self.ground = desk, ground
        self.scenarios: Scenarios = desk._scenarios
        self.ids: dict[str, str] = {}

    def ask(self, key: str, name: str, asked: dict[str, Any]) -> None:
        now = NOW - timedelta(hours=12 - len(self.ids))
        self.ids[key] = self.desk.ask(asked, name=name, now=now)

    def answer(self, ground: Ground | None = None, *, stop_at: str = "") -> None:
        """Work out the next question of the queue; stopped when a step begins."""
        job = self.scenarios.take(WORKER, now=NOW)
        assert job is not None
        steps: list[str] = []
        stopped: Callable[[], bool] = lambda: stop_at in steps  # noqa: E731
        found = work_out(
            ground or self.ground, job.question, on_bound=lambda _best, _bound: None,
            on_progress=lambda step, _share: steps.append(step), cancelled=stopped,
        )  # fmt: skip
        assert found.answer is not None
        assert self.scenarios.end(
            job.scenario_id, WORKER, state=found.state, now=NOW, message=found.message,
            meta=jsonable(found.answer.meta), answer=found.answer.to_bytes(),
        )  # fmt: skip

    def end(self, **how: Any) -> None:
        job = self.scenarios.take(WORKER, now=NOW)
        assert job is not None
        assert self.scenarios.end(job.scenario_id, WORKER, now=NOW, **how)


def _add_places(engine: Engine) -> None:
    """A host venue a village, and the week before: without what has opened since."""
    with closing(Reader(str(engine.url))) as reader:
        villages = reader.areas(reader.current().snapshot_id, "village")
    with engine.begin() as connection:
        snapshot = dict(connection.execute(select(published_snapshot)).mappings().one())
        venues = [
            {
                "snapshot_id": snapshot["snapshot_id"], "site_id": f"V{at:02d}",
                "kind": "host_venue", "name": f"{row['name']}党群服务中心", "status": "open",
                "lon": (row["west"] + row["east"]) / 2, "lat": (row["south"] + row["north"]) / 2,
                "quality": "exact", "town_code": row["parent_code"],
                "village_code": row["area_code"], "area_m2": 30.0 + 10 * (at % 5),
                "hours": "周一至周五", "floor": "1", "owner": "村委会",
            }
            for at, row in enumerate(villages.to_dict("records"))
        ]  # fmt: skip
        connection.execute(insert(published_site), venues)
        earlier = {"snapshot_id": EARLIER_ID, "week": EARLIER_WEEK,
                   "published_at_utc": PUBLISHED_AT - timedelta(days=7)}  # fmt: skip
        connection.execute(insert(published_snapshot).values(**snapshot | earlier))
        for table, kept in (
            (published_layer, published_layer.c.week == ""),
            (published_table, published_table.c.name == "targets"),
            (published_site, published_site.c.site_id.not_in(SINCE)),
        ):
            rows = connection.execute(select(table).where(kept)).mappings().all()
            connection.execute(insert(table), [{**row, "snapshot_id": EARLIER_ID} for row in rows])
