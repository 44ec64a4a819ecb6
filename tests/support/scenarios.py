"""Scenarios over the published store: two with answers of the same question but the number, and
one of every other state. The answers are made by distance as flown, so that all figures agree."""

# Tables are easier to read in one piece than cut to the rules of the product.
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import insert, select

from etl.model import Text
from etl.settings import LocalityConfig, Settings
from etl.siting.answer import Answer, CellState, as_table, empty_tables
from etl.siting.desk import SitingDesk
from etl.siting.scenarios import Scenarios
from etl.store.engine import open_engine
from etl.store.reader import Reader, Snapshot
from etl.store.tables import published_snapshot

NOW = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
EARLIER_ID, EARLIER_WEEK = "2026-W45-earlier", "2026-W45"
REACH_KM = 2.0
_KM_A_DEGREE = 111.0


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
    """The desk, and the ids of its scenarios by what they are."""

    desk: SitingDesk
    ids: dict[str, str]


def plan(url: str, config: LocalityConfig, folder: Path = Path()) -> Planned:
    """Put scenarios of every state into a store; it gets an earlier snapshot, too."""
    engine, reader = open_engine(url), Reader(url)
    settings = Settings(folder=folder, data=folder, store_url=url, config=config, config_sha256="")
    desk, store = SitingDesk(engine, settings, reader), Scenarios(engine)
    snapshot = reader.current()
    _publish_earlier(engine, snapshot)
    ids: dict[str, str] = {}

    def add(key: str, name: str, asked: dict[str, Any], of: Snapshot, **more: Any) -> None:
        ids[key] = store.add(
            asked, name=name, snapshot_id=of.snapshot_id, week=of.week,
            now=NOW - timedelta(hours=12 - len(ids)), **more,
        )  # fmt: skip

    def end(key: str, **how: Any) -> None:
        job = store.take("test", now=NOW)
        assert job is not None
        assert job.scenario_id == ids[key]
        assert store.end(ids[key], "test", now=NOW, **how)

    def answered(key: str, asked: dict[str, Any], of: Snapshot, new: Sequence[int]) -> None:
        answer = made_answer(reader, of, asked, new=new)
        end(key, state="done", meta=answer.meta, answer=answer.to_bytes())

    earlier = reader.snapshot(EARLIER_ID)
    four, six, far = question(4), question(6), question(4, threshold_min=30.0)
    add("earlier", "四处心理咨询室", four, earlier)
    answered("earlier", four, earlier, new=(2, 4, 5, 0))
    add("four", "四处心理咨询室", four, snapshot, replay_of=ids["earlier"])
    answered("four", four, snapshot, new=(0, 1, 2, 3))
    add("six", "六处，含学校", six, snapshot)
    answered("six", six, snapshot, new=(1, 2, 3, 4, 5, 6))
    add("far", "四处，半小时内", far, snapshot)
    answered("far", far, snapshot, new=(0, 1, 2, 4))
    add("infeasible", "各镇都要达到九成", question(1, min_town_share=0.9), snapshot)
    end(
        "infeasible",
        state="infeasible",
        message=Text(
            zh="有 2 个乡镇达不到九成。至少要建 9 处。",
            en="2 towns cannot reach it. 9 sites would do.",
        ),
    )
    add("failed", "算到一半", question(2), snapshot)
    end("failed", state="failed", message=Text(zh="内存不够。", en="Out of memory."))
    add("running", "正在算的方案", question(8, worst_first=True), snapshot)
    store.take("test", now=NOW)
    store.beat(ids["running"], "test", now=NOW, step="solve", progress=0.4)
    add("queued", "排队的方案", question(9, objective="set_cover"), snapshot)
    return Planned(desk, ids)


def _publish_earlier(engine: Any, snapshot: Snapshot) -> None:
    """The same week under an earlier one's name: what a scenario of last week rests on."""
    with engine.begin() as connection:
        row = dict(connection.execute(select(published_snapshot)).mappings().one())
        row |= {"snapshot_id": EARLIER_ID, "week": EARLIER_WEEK,
                "published_at_utc": snapshot.published_at_utc - timedelta(days=7)}  # fmt: skip
        connection.execute(insert(published_snapshot).values(**row))


def made_answer(
    reader: Reader, snapshot: Snapshot, asked: dict[str, Any], *, new: Sequence[int]
) -> Answer:
    """An answer whose new sites stand in the middle of some villages, in this order.

    Parameters
    ----------
    new : positions of villages; an existing site stands in the last one.
    """
    cells = reader.areas(snapshot.snapshot_id, "grid")
    villages = reader.areas(snapshot.snapshot_id, "village")
    towns = reader.areas(snapshot.snapshot_id, "town").set_index("area_code")
    rng = np.random.default_rng(3)
    persons = rng.integers(0, 400, len(cells)).astype(np.float64) * (rng.random(len(cells)) > 0.1)
    at = _middles(cells)
    places = _middles(villages)
    reach = REACH_KM * asked["parts"][0]["threshold_min"] / 15.0

    def minutes(positions: Sequence[int]) -> np.ndarray:
        nearest = np.full(len(cells), np.inf)
        for position in positions:
            away = (at - places[position]) * _KM_A_DEGREE * [np.cos(np.radians(at[0, 1])), 1.0]
            nearest = np.minimum(
                nearest, np.hypot(*away.T) / reach * asked["parts"][0]["threshold_min"]
            )
        return nearest

    limit = asked["parts"][0]["threshold_min"]
    existing = len(villages) - 1
    before, after = minutes([existing]), minutes([existing, *new])
    was, now = before <= limit, after <= limit
    state = np.select(
        [persons == 0, was, now], [CellState.EMPTY, CellState.COVERED, CellState.NEWLY],
        CellState.UNCOVERED,
    ).astype(np.uint8)  # fmt: skip
    town_of = _town_of(cells, villages)
    table = pd.DataFrame({"town_code": town_of, "persons": persons,
                          "covered_before": persons * was, "covered_after": persons * now})  # fmt: skip
    by_town = _changes(table.groupby("town_code").sum().reset_index())
    by_town = by_town.assign(
        name=by_town["town_code"].map(towns["name"]), sites_before=0, sites_after=0, estimated=False
    )
    whole = _changes(table.drop(columns="town_code").sum().to_frame().T)
    groups = pd.concat([whole.assign(group="total"), whole.mul(0.2).assign(
        group="elderly", share_before=whole["share_before"], share_after=whole["share_after"])])  # fmt: skip
    sites = _sites(villages, towns, [existing, *new], minutes, persons=persons, limit=limit)
    row = whole.iloc[0]
    known = after[np.isfinite(after) & (persons > 0)]
    meta = {
        "snapshot_id": snapshot.snapshot_id, "week": snapshot.week, "question": asked,
        "state": "found", "objective": asked["objective"], "value": row["covered_after"],
        "bound": row["covered_after"], "gap": 0.0, "proven": True, "seconds": 1.2,
        "method": "exact", "cancelled": False, "infeasible": None,
        "n_candidates": len(villages) - 1, "n_existing": 1, "n_new": len(new),
        **{key: row[key] for key in ("persons", "covered_before", "covered_after",
                                     "share_before", "share_after")},
        "mean_min_before": float(np.average(before, weights=persons)),
        "mean_min_after": float(np.average(after, weights=persons)) if len(known) else None,
        "n_closed": 0, "worst_town_before": _worst(by_town, "share_before"),
        "worst_town_after": _worst(by_town, "share_after"),
        "knee": None, "travel": {"method": "straight"}, "code_version": "0.1.0+test",
        "ground_sha256": snapshot.snapshot_id,
    }  # fmt: skip
    gaps = pd.DataFrame({"gap_before": [3.0, 2.0], "gap_after": [1.0, 2.0],
                         "areas": [len(new), 4], "persons": [100.0 * len(new), 900.0]})  # fmt: skip
    targets = pd.DataFrame({
        "code": ["rooms_villages"], "name_zh": ["村级心理咨询室覆盖率"], "name_en": ["Villages with a room"],
        "value_before": [0.1], "value_after": [0.1 + 0.1 * len(new)], "required": [0.6], "unit": ["%"],
        "met_before": [False], "met_after": [len(new) >= 5],
    })  # fmt: skip
    tables = empty_tables() | {
        "sites": as_table("sites", sites), "candidates": _candidates(sites), "towns": as_table("towns", by_town),
        "groups": as_table("groups", groups.assign(part=0, estimated=False)),
        "gaps": as_table("gaps", gaps), "targets": as_table("targets", targets),
    }  # fmt: skip
    far = np.where(np.isfinite(after), after, np.nan)
    arrays = {"state": state, "minutes_before": before.astype(np.float32),
              "minutes_after": far.astype(np.float32), "base_min": before.astype(np.float32),
              "pair_start": np.zeros(1, dtype=np.int64), "pair_cell": np.zeros(0, dtype=np.int32),
              "pair_min": np.zeros(0, dtype=np.float32)}  # fmt: skip
    return Answer(meta, tables, arrays)


def _candidates(sites: pd.DataFrame) -> pd.DataFrame:
    new = sites[sites["state"] == "new"].rename(columns={"site_id": "candidate_id"})
    return as_table("candidates", new.assign(
        village_code="", x=0.0, y=0.0, chosen=True, forbidden=False, gain_now=0.0,
        nearest_open_min=0.0))  # fmt: skip


def _worst(towns: pd.DataFrame, share: str) -> dict[str, Any]:
    row = towns.loc[towns[share].idxmin()]
    return {"town_code": row["town_code"], "name": row["name"], "share": float(row[share])}


def _middles(areas: pd.DataFrame) -> np.ndarray:
    lon, lat = areas[["west", "east"]].mean(axis=1), areas[["south", "north"]].mean(axis=1)
    return np.column_stack([lon, lat])


def _town_of(cells: pd.DataFrame, villages: pd.DataFrame) -> pd.Series:
    parent = dict(zip(villages["area_code"], villages["parent_code"], strict=True))
    return cells["parent_code"].map(parent)


def _changes(sums: pd.DataFrame) -> pd.DataFrame:
    newly = sums["covered_after"] - sums["covered_before"]
    return sums.assign(
        newly=newly, lost=0.0, share_before=sums["covered_before"] / sums["persons"],
        share_after=sums["covered_after"] / sums["persons"],
    )  # fmt: skip


def _sites(
    villages: pd.DataFrame,
    towns: pd.DataFrame,
    standing: Sequence[int],
    minutes: Any,
    *,
    persons: np.ndarray,
    limit: float,
) -> pd.DataFrame:
    rows, covered = [], minutes(standing[:1]) <= limit
    for order, position in enumerate(standing):
        village = villages.iloc[position]
        lon, lat = _middles(villages)[position]
        within = minutes([position]) <= limit
        rows.append({
            "site_id": f"venue:{position}" if order else "S001",
            "source": "venue" if order else "existing", "state": "new" if order else "kept",
            "order": float(order) if order else np.nan, "kind": "counselling_room",
            "name": f"{village['name']}党群服务中心", "lon": lon, "lat": lat,
            "town_code": village["parent_code"], "town_name": towns.loc[village["parent_code"], "name"],
            "village_name": village["name"], "area_m2": 60.0, "floor": "1", "owner": "村委会",
            "hours": "周一至周五", "lacks": "", "gain_persons": persons[within & ~covered].sum(),
            "persons_within": persons[within].sum(), "alone_persons": 0.0, "n_towns_served": 1,
            "cost": 3.0 if order else np.nan,
        })  # fmt: skip
        covered |= within
    return pd.DataFrame(rows)
