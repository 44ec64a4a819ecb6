"""The desk at which sites are planned: questions go into the store, answers come out of it.

Whoever may open the pages may ask; nothing that is asked or answered is about a person. The work is
done by `etl.siting.worker` in a process of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import pandas as pd
from sqlalchemy import Engine

from etl.settings import Settings
from etl.siting.answer import Answer, as_table
from etl.siting.calls import CANDIDATES, POINT, Calls, key_of
from etl.siting.moves import Moved, Moves
from etl.siting.points import point_id, with_points
from etl.siting.question import Question, read_question
from etl.siting.scenario import (
    INFEASIBLE,
    SCENARIO_COLUMNS,
    GroupOffer,
    KindOffer,
    Offer,
    Scenario,
)
from etl.siting.scenarios import MOST_WAITING, Scenarios, clean_name
from etl.store.lease import SITING, Lease
from etl.store.reader import Reader, Snapshot
from geo.errors import CodeError, FullError, InputError
from geo.model import Kind, Level, SiteStatus

# The first call of a snapshot waits until its ground has been read.
CALL_LIMIT_S = 60.0
MOST_POINTS = 50
MODES = ("foot", "car")
# Sources of candidates that are kinds of published sites.
_KINDS_OF = {"venue": Kind.HOST_VENUE, "school": Kind.SCHOOL, "primary_care": Kind.PRIMARY_CARE}
_UNCOUNTED = ("suitable", "extra")
_FIGURES = (
    "objective", "n_new", "persons", "covered_before", "covered_after", "share_before",
    "share_after", "gap", "proven",
)  # fmt: skip


class SitingDesk:
    """Questions of one locality.

    Parameters
    ----------
    engine : the store, open for writing.
    settings : of the locality.
    reader : its published snapshots.
    """

    def __init__(self, engine: Engine, settings: Settings, reader: Reader) -> None:
        self._settings, self._reader = settings, reader
        self._scenarios = Scenarios(engine)
        self._calls = Calls(engine)
        self._lease = Lease(engine, SITING)
        self._reading = threading.Lock()
        # Answers never change, and free points are only added.
        self._answer = lru_cache(maxsize=8)(self._read_answer)
        self._moves = lru_cache(maxsize=8)(self._make_moves)
        self._reply = lru_cache(maxsize=4 * MOST_POINTS)(self._wait_for_point)
        self._listed = lru_cache(maxsize=8)(self._wait_for_list)

    # ------------------------------------------------------------ what can be asked

    def offer(self, snapshot_id: str | None = None) -> Offer:
        """What can be asked of a snapshot, the newest by default."""
        snapshot = self._snapshot(snapshot_id)
        sites = self._reader.sites(snapshot.snapshot_id)
        placed = sites[sites["lon"].notna() & sites["lat"].notna()]
        active = placed[placed["status"] == SiteStatus.OPEN]
        counts = active["kind"].value_counts()
        towns = pd.DataFrame(columns=["area_code", "name"])
        if any(entry["level"] == Level.TOWN for entry in snapshot.meta["levels"]):
            towns = self._reader.areas(snapshot.snapshot_id, Level.TOWN)[["area_code", "name"]]
        finest = snapshot.meta["levels"][0]["level"]
        told = {entry["code"] for entry in snapshot.meta["layers"] if finest in entry["levels"]}
        return Offer(
            snapshot_id=snapshot.snapshot_id,
            week=snapshot.week,
            kinds=tuple(
                KindOffer(
                    kind.code, kind.name.zh, kind.name.en, kind.mode, kind.threshold_min,
                    int(counts.get(kind.code, 0)),
                )
                for kind in self._settings.config.kinds
                if kind.on_map
            ),
            groups=tuple(
                GroupOffer(entry["code"], entry["name"]["zh"], entry["name"]["en"])
                for entry in snapshot.meta["groups"]
                if entry["code"] == "total" or f"population.{entry['code']}" in told
            ),
            modes=MODES,
            sources={
                **{source: int(counts.get(kind, 0)) for source, kind in _KINDS_OF.items()},
                **dict.fromkeys(_UNCOUNTED, -1),
            },
            towns=towns.reset_index(drop=True),
            sites=active[["site_id", "kind", "name", "lon", "lat", "town_code"]].reset_index(
                drop=True
            ),
            waiting=self._scenarios.waiting(),
            most_waiting=MOST_WAITING,
            working=self.working(),
        )  # fmt: skip

    def working(self) -> bool:
        """Whether a process is there that answers."""
        holder = self._lease.holder()
        return holder is not None and not holder.is_dead(datetime.now(UTC))

    def candidates(self, question: Mapping[str, Any]) -> pd.DataFrame:
        """Candidates of a question on the newest snapshot.

        Raises
        ------
        QuestionError : the question contradicts itself.
        RefusedError : it cannot be asked of the snapshot.
        AbsentError : no process is there to look for them.
        """
        asked, snapshot = read_question(question), self._reader.current()
        key = key_of(snapshot.snapshot_id, _about_candidates(asked))
        found = self._calls.find(CANDIDATES, key)
        if found is None:
            told = {"snapshot_id": snapshot.snapshot_id, "question": asked.model_dump(mode="json")}
            found = self._calls.put(CANDIDATES, key, told, now=datetime.now(UTC))
        return self._listed(found)

    # ------------------------------------------------------------ scenarios

    def ask(self, question: Mapping[str, Any], *, name: str, now: datetime) -> str:
        """Put a question of the newest snapshot into the queue; the id of its scenario.

        Raises
        ------
        QuestionError : the question contradicts itself, or has values that are none.
        FullError : as many wait as may.
        InputError, PersonalDataError : the name is too long, or points at a person.
        """
        asked = read_question(question)
        for point in asked.extra:
            clean_name(point.name)
        return self._add(asked, name=name, now=now)

    def scenario(self, scenario_id: str) -> Scenario:
        """A scenario as it stands."""
        return self._scenarios.get(scenario_id)

    def scenarios(self) -> pd.DataFrame:
        """All scenarios, newest first."""
        rows = []
        for one in self._scenarios.every():
            # How things are is no figure of a plan that cannot be.
            meta = {} if one.state == INFEASIBLE or one.meta is None else one.meta
            figures = {name: meta.get(name) for name in _FIGURES}
            figures["objective"] = one.question["objective"]
            kinds = "|".join(part["kind"] for part in one.question["parts"])
            rows.append({**vars(one), **figures, "gap": meta.get("gap"), "kinds": kinds})
        return pd.DataFrame(rows, columns=list(SCENARIO_COLUMNS))

    def result(self, scenario_id: str) -> Answer:
        """The answer of a scenario.

        Raises
        ------
        NotPublishedError : it has none, or not yet.
        """
        # Whoever asks for the same at the same moment waits for the one that reads it.
        with self._reading:
            return self._answer(scenario_id)

    def cancel(self, scenario_id: str, now: datetime) -> None:
        """Ask for the end of a job; what has ended stays as it is."""
        self._scenarios.cancel(scenario_id, now=now)

    def rename(self, scenario_id: str, name: str) -> None:
        """Call a scenario otherwise."""
        self._scenarios.rename(scenario_id, name)

    def discard(self, scenario_id: str) -> None:
        """Throw a scenario away with its answer.

        Raises
        ------
        StepError : it runs.
        """
        self._scenarios.discard(scenario_id)

    def replay(self, scenario_id: str, *, now: datetime) -> str:
        """Ask the same of the newest snapshot."""
        before = self._scenarios.get(scenario_id)
        asked = read_question(before.question)
        return self._add(asked, name=before.name, now=now, replay_of=scenario_id)

    # ------------------------------------------------------------ moved by hand

    def try_sites(self, scenario_id: str, site_ids: Sequence[str]) -> Moved:
        """Figures of a scenario with these sites instead of those that were chosen.

        Raises
        ------
        CodeError : a site is neither a candidate of the scenario nor a point put on its map.
        """
        points = self._calls.done(POINT, scenario_id)
        return self._moves(scenario_id, points).try_sites(site_ids)

    def add_point(self, scenario_id: str, lon: float, lat: float, *, kind: str) -> str:
        """A free point as a further candidate of a scenario, for a site of a kind; its id.

        Raises
        ------
        NotPublishedError : the scenario has no answer.
        CodeError : it asks for no site of that kind.
        InputError : the point is not in the locality.
        FullError : there are as many as may be.
        AbsentError : no process is there to look for the ways.
        """
        scenario = self._scenarios.get(scenario_id)
        self.result(scenario_id)
        kinds = [part["kind"] for part in scenario.question["parts"]]
        if kind not in kinds:
            raise CodeError(f"scenario {scenario_id} asks for {', '.join(kinds)}, not for {kind!r}")
        if not (-180 <= lon <= 180 and -90 <= lat <= 90):
            raise InputError(f"point {lon}, {lat}: wanted degrees of longitude and latitude")
        if len(self._calls.done(POINT, scenario_id)) >= MOST_POINTS:
            raise FullError(f"scenario {scenario_id}: {MOST_POINTS} points on its map already")
        told = {
            "snapshot_id": scenario.snapshot_id,
            "question": scenario.question,
            "lon": lon,
            "lat": lat,
            "kind": kind,
        }
        number = self._calls.put(POINT, scenario_id, told, now=datetime.now(UTC))
        self._reply(number)
        return point_id(number)

    def points(self, scenario_id: str) -> pd.DataFrame:
        """Points put on the map of a scenario, as rows of its table of candidates.

        They have no name; how a place on a map is called is for whoever shows it to say.
        """
        numbers = self._calls.done(POINT, scenario_id)
        found = [self._reply(number).tables["candidates"] for number in numbers]
        return (
            pd.concat(found, ignore_index=True) if found else as_table("candidates", pd.DataFrame())
        )

    # ------------------------------------------------------------ within

    def _snapshot(self, snapshot_id: str | None) -> Snapshot:
        if snapshot_id is None:
            return self._reader.current()
        return self._reader.snapshot(snapshot_id)

    def _add(
        self, asked: Question, *, name: str, now: datetime, replay_of: str | None = None
    ) -> str:
        snapshot = self._reader.current()
        return self._scenarios.add(
            asked.model_dump(mode="json"),
            name=name,
            snapshot_id=snapshot.snapshot_id,
            week=snapshot.week,
            now=now,
            replay_of=replay_of,
        )

    def _read_answer(self, scenario_id: str) -> Answer:
        return Answer.from_bytes(self._scenarios.answer(scenario_id))

    def _wait_for_point(self, number: int) -> Answer:
        return self._calls.wait(number, limit_s=CALL_LIMIT_S, there=self.working)

    def _wait_for_list(self, number: int) -> pd.DataFrame:
        reply = self._calls.wait(number, limit_s=CALL_LIMIT_S, there=self.working)
        return reply.tables["candidates"]

    def _make_moves(self, scenario_id: str, numbers: tuple[int, ...]) -> Moves:
        points = [self._reply(number) for number in numbers]
        return Moves(with_points(self.result(scenario_id), points))


def _about_candidates(question: Question) -> dict[str, Any]:
    """What of a question its candidates hang on."""
    told = question.model_dump(mode="json")
    parts = [{name: part[name] for name in ("kind", "sources", "towns")} for part in told["parts"]]
    return {"parts": parts, "extra": told["extra"]}
