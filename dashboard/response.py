"""What is warned now and whether somebody is on it: rows, figures and sentences of one moment.

Why a place is warned was published with the snapshot; what became of the warning is kept by the
response, which changes between snapshots. Both meet here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from dashboard import places
from dashboard.scorecard import records
from etl.response.reading import Responses
from etl.store.reader import Reader, Snapshot
from geo.model import Level, Tier

OPEN, ACKNOWLEDGED, RESPONDING = "open", "acknowledged", "responding"
LIVE_STATES = (OPEN, ACKNOWLEDGED, RESPONDING)
# What a filter offers beside the states: a deadline has passed.
OVERDUE = "overdue"
# For how long what has ended is still listed.
_RECENT_DAYS = 7
_FOUR = (Tier.RED, Tier.ORANGE, Tier.YELLOW, Tier.BLUE)
_THREE = (Tier.RED, Tier.YELLOW)


@dataclass(frozen=True)
class Live:
    """One live warning: a place and a theme.

    Attributes
    ----------
    key : what the address names it by: the warning's id, or its episode's where nobody follows it.
    episode_id : of the episode that it is about now.
    town, town_code : the town that it lies in; empty for the county.
    tier, peak : its tier now and the highest so far.
    areas : codes of all areas that it spans.
    phase : new, growing, steady, moving, fading; empty where the week's figures show it no more.
    state : open, acknowledged, responding; empty where nobody follows warnings.
    office : code of the office that acted last, or whose turn it is; `taken` tells them apart.
    due_at : the next deadline; None where nothing is due.
    version : of the response, to be handed back with an action.
    evidence : its row of the published warnings; empty where the week has none.
    """

    key: str
    episode_id: str
    measure: str
    level: str
    area_code: str
    name: str
    town: str
    town_code: str
    tier: Tier
    peak: Tier
    since_week: str
    weeks: int
    phase: str
    areas: frozenset[str]
    reason: Mapping[str, str]
    state: str = ""
    office: str = ""
    taken: bool = False
    due_at: datetime | None = None
    overdue: bool = False
    version: int = 0
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def provisional(self) -> bool:
        """Whether the newest figures of the place may still grow."""
        return bool(self.evidence.get("provisional", False))


@dataclass(frozen=True)
class Share:
    """How many warnings of a tier, town or week were answered in time."""

    name: str
    due: int
    in_time: int

    @property
    def value(self) -> float:
        """The share, 0 to 1; NaN where none was due yet."""
        return self.in_time / self.due if self.due else math.nan


@dataclass(frozen=True)
class Board:
    """Everything that the page of warnings shows.

    Attributes
    ----------
    live : most serious first; among those the overdue, then the earliest deadline.
    ended : what ended within the last days.
    shares : `tier`, `town`, `week` → what was answered in time.
    events : every change of every warning; empty where nobody follows them.
    detection : how each measure and level was tested in the newest week; None before this version.
    followed : whether responses are kept at all.
    known : whether the snapshot says why places are warned; not so before this version.
    """

    snapshot: Snapshot
    now_utc: datetime
    live: tuple[Live, ...]
    ended: tuple[Live, ...]
    shares: Mapping[str, tuple[Share, ...]]
    events: pd.DataFrame
    detection: pd.DataFrame | None
    followed: bool
    known: bool

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """The tiers that the locality gives: four, or two above a quiet green."""
        colours = self.snapshot.meta.get("warnings", {}).get("colours")
        return _THREE if colours == "three" else _FOUR

    def find(self, key: str) -> Live | None:
        """A warning by its key, or by its newest episode's id."""
        return next(
            (one for one in (*self.live, *self.ended) if key in {one.key, one.episode_id}), None
        )

    def at(self, measure: str, area_code: str) -> Live | None:
        """The live warning of a theme that spans an area."""
        return next(
            (one for one in self.live if one.measure == measure and area_code in one.areas), None
        )

    def count(self, *, tier: Tier | None = None, state: str = "") -> int:
        """How many warnings have a tier, a state, or a deadline that has passed."""
        return sum(
            (tier is None or one.tier == tier) and (not state or has_state(one, state))
            for one in self.live
        )

    def new(self, tier: Tier) -> int:
        """How many warnings of a tier began in the newest week."""
        return sum(one.tier == tier and one.since_week == self.snapshot.week for one in self.live)

    def in_time(self) -> Share:
        """All tiers together."""
        own = self.shares.get("tier", ())
        return Share("", sum(share.due for share in own), sum(share.in_time for share in own))


def has_state(one: Live, state: str) -> bool:
    """Whether a warning falls under a state, or under `overdue`."""
    return one.overdue if state == OVERDUE else one.state == state


@dataclass(frozen=True)
class Filter:
    """What the address leaves of the list; an empty text leaves everything."""

    tier: str = ""
    state: str = ""
    town: str = ""
    measure: str = ""
    warning: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Filter:
        """The page's own keys of an address."""
        return cls(**{name: given.get(name, "") for name in cls.__dataclass_fields__})

    def keeps(self, one: Live) -> bool:
        """Whether a warning is on the list."""
        return (
            self.tier in {"", places.tier_key(one.tier)}
            and (not self.state or has_state(one, self.state))
            and self.town in {"", one.town_code}
            and self.measure in {"", one.measure}
        )

    def address(self, **changes: str) -> str:
        """The query with some keys changed."""
        keys = {name: getattr(self, name) for name in self.__dataclass_fields__} | changes
        return "&".join(f"{name}={value}" for name, value in keys.items() if value)


# ---------------------------------------------------------------- reading


def read_board(reader: Reader, snapshot: Snapshot, *, now_utc: datetime) -> Board:
    """The warnings of a snapshot with what became of each by `now_utc`."""
    responses = reader.responses(now=now_utc)
    episodes = places.table_or_none(reader, snapshot, "episodes")
    published = _Published(reader, snapshot)
    told = [published.told(row) for row in records(episodes)] if episodes is not None else []
    answered = records(responses.warnings)
    if any(str(row["last_week"]) > snapshot.week for row in answered):
        answered = []  # they tell of a later week than this
    by_episode = {one.key: one for one in told}
    by_place = {(one.measure, one.level, one.area_code): one for one in told}
    live, ended, seen = [], [], set()
    for row in answered:
        episode = by_episode.get(str(row["episode_id"])) or by_place.get(
            (str(row["measure"]), str(row["level"]), str(row["area_code"]))
        )
        if episode is not None:
            seen.add(episode.key)
        if row["live"]:
            live.append(published.answered(row, episode))
        elif row["ended_at_utc"] >= now_utc - timedelta(days=_RECENT_DAYS):
            ended.append(published.answered(row, episode))
    for one in told:
        if one.key not in seen:
            (ended if one.phase == "ended" else live).append(one)
    return Board(
        snapshot=snapshot,
        now_utc=now_utc,
        live=tuple(sorted(live, key=urgency)),
        ended=tuple(ended),
        shares=_shares(responses),
        events=responses.events,
        detection=places.table_or_none(reader, snapshot, "detection"),
        followed=bool(answered) or not live,
        known=episodes is not None,
    )


def response_mark(reader: Reader, now_utc: datetime) -> str:
    """A mark that changes with every step of a warning, and when a deadline passes."""
    found = reader.responses(now=now_utc).warnings
    return f"{found['version'].sum()}.{found['overdue'].sum()}"


def urgency(one: Live) -> tuple[Any, ...]:
    """The order of the list: most serious first, then the overdue, then the earliest deadline."""
    late = datetime.max.replace(tzinfo=UTC)
    return (-one.tier, not one.overdue, one.due_at or late, one.area_code, one.measure)


def _towns(reader: Reader, snapshot: Snapshot) -> dict[str, tuple[str, str]]:
    """Area code → code and name of its town, for towns and what lies in them."""
    levels = [entry["level"] for entry in snapshot.meta["levels"]]
    if Level.TOWN not in levels:
        return {}
    own = reader.areas(snapshot.snapshot_id, Level.TOWN)
    found = {
        str(code): (str(code), str(name))
        for code, name in zip(own["area_code"], own["name"], strict=True)
    }
    for level in reversed(levels[: levels.index(Level.TOWN)]):
        areas = reader.areas(snapshot.snapshot_id, level)
        for code, parent in zip(areas["area_code"], areas["parent_code"], strict=True):
            if parent in found:
                found[str(code)] = found[parent]
    return found


def _shares(responses: Responses) -> dict[str, tuple[Share, ...]]:
    """Tiers from the highest, towns with the lowest share first, the newest week first."""

    def rows(table: pd.DataFrame, name: str) -> list[Share]:
        return [
            Share(str(row[name]), int(row["due"]), int(row["in_time"])) for row in records(table)
        ]

    towns = rows(responses.by_town, "town_name")
    return {
        "tier": tuple(sorted(rows(responses.by_tier, "tier"), key=lambda s: -int(s.name))),
        "town": tuple(sorted(towns, key=lambda s: (not s.due, s.value if s.due else 0, s.name))),
        "week": tuple(reversed(rows(responses.by_week, "week"))),
    }


def _text(value: object) -> str:
    """A text of a frame; what is absent there is NaN or None."""
    return value if isinstance(value, str) else ""


class _Published:
    """What the snapshot says of a warning, looked up by its place."""

    def __init__(self, reader: Reader, snapshot: Snapshot) -> None:
        self.towns = _towns(reader, snapshot)
        self.evidence = {
            (row["measure"], row["level"], row["area_code"]): row
            for row in records(reader.warnings(snapshot.snapshot_id))
        }

    def _here(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Parts that an episode and an answered warning are told by alike."""
        code = str(row["area_code"])
        town_code, town = self.towns.get(code, ("", ""))
        return {
            "episode_id": str(row["episode_id"]),
            "measure": str(row["measure"]), "level": str(row["level"]), "area_code": code,
            "name": str(row["name"]), "town": town if town_code != code else "",
            "town_code": town_code, "tier": Tier(int(row["tier"])),
            "peak": Tier(int(row["peak_tier"])), "areas": frozenset(str(row["areas"]).split("|")),
            "reason": {"zh": str(row["reason_zh"]), "en": str(row["reason_en"])},
            "evidence": self.evidence.get((row["measure"], row["level"], code), {}),
        }  # fmt: skip

    def told(self, row: Mapping[str, Any]) -> Live:
        """An episode as it was published."""
        return Live(
            key=str(row["episode_id"]),
            since_week=str(row["since_week"]),
            weeks=int(row["weeks"]),
            phase=str(row["phase"]),
            **self._here(row),
        )

    def answered(self, row: Mapping[str, Any], episode: Live | None) -> Live:
        """A warning that is followed, with what the newest episode says of it."""
        here = self._here(row)
        if episode is not None:
            here |= {"evidence": episode.evidence, "reason": episode.reason}
        due = row["due_at_utc"]
        return Live(
            key=str(row["warning_id"]),
            since_week=episode.since_week if episode else str(row["opened_week"]),
            weeks=episode.weeks if episode else 1,
            phase="fading" if row["faded"] else episode.phase if episode else "",
            state=str(row["state"]),
            office=_text(row["office"]) or _text(row["assigned"]),
            taken=bool(_text(row["office"])),
            due_at=None if pd.isna(due) else due.to_pydatetime(),
            overdue=bool(row["overdue"]),
            version=int(row["version"]),
            **here,
        )
