"""A scenario as it stands, and what can be asked: plain data, for every room."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Row

from etl.store.times import as_utc

QUEUED, RUNNING = "queued", "running"
DONE, INFEASIBLE, CANCELLED, FAILED = "done", "infeasible", "cancelled", "failed"
LIVE = frozenset({QUEUED, RUNNING})
ENDED = frozenset({DONE, INFEASIBLE, CANCELLED, FAILED})


@dataclass(frozen=True)
class Scenario:
    """One question of where sites should be, and how far it has come.

    Attributes
    ----------
    scenario_id : short, fit for an address.
    name : as its planner called it.
    snapshot_id, week : of the published figures it is asked of; they never change.
    question : as `etl.siting.question.Question` writes itself.
    state : queued, running, done, infeasible, cancelled or failed.
    step : code of what the job is at, of the texts `siting_words`' steps; empty before and after.
    progress : share done, 0..1; never falls while the job runs.
    best, bound, gap : of the search as it stands; NaN where not known.
    position : in the queue, 1 the next to be taken; 0 where it does not wait.
    cancelling : somebody has asked for its end, and the job has not ended yet.
    message_zh, message_en : why it failed, or why nothing meets what is asked; else empty.
    created_at_utc, started_at_utc, ended_at_utc : aware.
    replay_of : the scenario whose question it asks again.
    meta : of the answer, where there is one; a cancelled one may have the best found so far.
    """

    scenario_id: str
    name: str
    snapshot_id: str
    week: str
    question: dict[str, Any]
    state: str
    created_at_utc: datetime
    step: str = ""
    progress: float = 0.0
    best: float = math.nan
    bound: float = math.nan
    gap: float = math.nan
    position: int = 0
    cancelling: bool = False
    message_zh: str = ""
    message_en: str = ""
    started_at_utc: datetime | None = None
    ended_at_utc: datetime | None = None
    replay_of: str | None = None
    meta: dict[str, Any] | None = None

    @classmethod
    def of(cls, row: Row[Any]) -> Scenario:
        """A scenario as the store has it: its row, `position` and the `meta` of its answer."""
        told = {field.name: getattr(row, field.name) for field in fields(cls)}
        for name in ("best", "bound", "gap"):
            told[name] = math.nan if told[name] is None else told[name]
        for name in ("created_at_utc", "started_at_utc", "ended_at_utc"):
            told[name] = None if told[name] is None else as_utc(told[name])
        told["position"] = row.position if row.state == QUEUED else 0
        told["cancelling"] = row.cancelling and row.state in LIVE
        return cls(**told)

    @property
    def live(self) -> bool:
        """Whether it may still change by itself."""
        return self.state in LIVE

    @property
    def answered(self) -> bool:
        """Whether `Planner.result` has an answer."""
        return self.meta is not None

    def message(self, lang: str) -> str:
        """Why it failed or cannot be, in a language of the screen."""
        return self.message_en if lang == "en" else self.message_zh


@dataclass(frozen=True)
class KindOffer:
    """A kind of site that can be asked for, and how the locality says it is reached."""

    code: str
    name_zh: str
    name_en: str
    mode: str
    threshold_min: float
    n_sites: int


@dataclass(frozen=True)
class GroupOffer:
    """A group of residents whose numbers are published."""

    code: str
    name_zh: str
    name_en: str


@dataclass(frozen=True)
class Offer:
    """What can be asked of a snapshot.

    Attributes
    ----------
    kinds : with a place on the map, in the order of the registry.
    groups : `total` first.
    modes : `foot`, `car`.
    sources : candidates with coordinates by source; `suitable` and `extra` are not counted (-1).
    towns : `area_code`, `name`.
    sites : sites in service with coordinates: `site_id`, `kind`, `name`, `lon`, `lat`, `town_code`.
    waiting, most_waiting : scenarios in the queue, and how many may be.
    working : whether a process is there that answers.
    """

    snapshot_id: str
    week: str
    kinds: tuple[KindOffer, ...]
    groups: tuple[GroupOffer, ...]
    modes: tuple[str, ...]
    sources: Mapping[str, int]
    towns: pd.DataFrame
    sites: pd.DataFrame
    waiting: int = 0
    most_waiting: int = 0
    working: bool = False


# Of the table of all scenarios; figures are missing where there is no answer.
SCENARIO_COLUMNS = (
    "scenario_id", "name", "state", "position", "progress", "snapshot_id", "week", "question",
    "objective", "kinds", "n_new", "persons", "covered_before", "covered_after", "share_before",
    "share_after", "gap", "proven", "created_at_utc", "ended_at_utc", "replay_of", "message_zh",
    "message_en",
)  # fmt: skip
