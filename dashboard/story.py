"""What a snapshot says in sentences and few numbers: wall and slides tell the same story."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dashboard.response import Share
from dashboard.text import Catalog
from etl.store.reader import Snapshot
from geo.model import GapClass, Kind, Tier

ROOM = Kind.COUNSELLING_ROOM
GAP_WORDS = {
    GapClass.NONE: "none",
    GapClass.SLIGHT: "slight",
    GapClass.CLEAR: "clear",
    GapClass.SEVERE: "severe",
}


@dataclass(frozen=True)
class Service:
    """The service by which coverage is told: which kind, how reached, within how long."""

    name: str
    mode: str
    minutes: str
    speed_kmh: float


@dataclass(frozen=True)
class Figure:
    """One large number.

    Attributes
    ----------
    key : stable.
    label : what is counted.
    value, unit : as shown; the unit may be empty.
    detail : one line below it.
    """

    key: str
    label: str
    value: str
    unit: str
    detail: str


@dataclass(frozen=True)
class TierCount:
    """How many areas have a tier, this week and last; None when last week has no figure."""

    tier: Tier
    count: int
    previous: int | None


@dataclass(frozen=True)
class Rank:
    """One place that needs more service."""

    area_code: str
    name: str
    persons: float
    share: float
    gap: GapClass | None
    villages: float
    access: float


@dataclass(frozen=True)
class Warned:
    """One warned area with its highest tier; `others` more of its measures are warned.

    Attributes
    ----------
    reason : why, as it was published; empty in snapshots of earlier versions.
    answer : what became of it and by when; empty where nobody follows warnings.
    office : name of the office that is on it.
    late : whether its deadline has passed.
    """

    level: str
    area_code: str
    name: str
    parent: str
    tier: Tier
    measure: str
    unit: str
    count: float
    expected: float
    others: int
    reason: str
    answer: str = ""
    office: str = ""
    late: bool = False

    def title(self, catalog: Catalog) -> str:
        """Its name under its parent's."""
        if not self.parent:
            return self.name
        return catalog.t("wall.panel.place", parent=self.parent, name=self.name)

    def sentence(self, catalog: Catalog) -> str:
        """Why it is warned."""
        said = self.reason or catalog.t("wall.stop.warned_bare", measure=self.measure)
        if self.others:
            said += catalog.t("wall.stop.others", count=self.others)
        return said


@dataclass(frozen=True)
class Story:
    """Everything that the wall and the slides say about a snapshot.

    Attributes
    ----------
    answer_sentence, in_time : how many warnings stand where, and the share answered in time; empty
        and None where nobody follows warnings.
    """

    snapshot: Snapshot
    locality: str
    title: str
    subtitle: str
    week: str
    data_date: str
    data_day: date | None
    demo: bool
    notice: str
    source_line: str
    service: Service
    figures: tuple[Figure, ...]
    tiers: tuple[TierCount, ...]
    ranking: tuple[Rank, ...]
    ranking_level: str
    warned: tuple[Warned, ...]
    warned_level: str
    warned_sentence: str
    answer_sentence: str
    in_time: Share | None
    gap_sentence: str
    access_sentence: str
