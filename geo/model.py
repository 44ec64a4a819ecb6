"""The words of the domain: levels, kinds, tiers, states, and what a measure or policy is.

Column names are written here once, with their units, and used in every frame:

- ``area_code`` str, unique in a frame of areas; ``parent_code`` str; ``level`` a `Level` value
- ``site_id`` str; ``kind`` a `Kind` value
- ``week`` str, the ISO week as ``2026-W46``
- ``persons`` float64 [persons]; ``staff`` float64 [full-time equivalents]
- ``cost_min`` float64 [min]; ``cost_m`` float64 [m]
- ``value`` float64 in the unit of its layer; ``state`` uint8, a `Missing` value
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Level(StrEnum):
    """The four levels of the service network, finest first."""

    GRID = "grid"
    VILLAGE = "village"
    TOWN = "town"
    COUNTY = "county"


LEVELS: tuple[Level, ...] = (Level.GRID, Level.VILLAGE, Level.TOWN, Level.COUNTY)


class Kind(StrEnum):
    """Facility kinds of the service network."""

    GUIDANCE_CENTRE = "guidance_centre"
    COUNSELLING_ROOM = "counselling_room"
    SCHOOL = "school"
    HOSPITAL = "hospital"
    PRIMARY_CARE = "primary_care"
    COMMUNITY_REHAB = "community_rehab"
    MINORS_CENTRE = "minors_centre"
    SERVICE_ORG = "service_org"
    SPECIAL_SITE = "special_site"
    HOST_VENUE = "host_venue"
    ELDERCARE = "eldercare"
    HOTLINE = "hotline"


class RoadClass(StrEnum):
    """Classes of roads, largest first; a path is for walkers, a motorway is not."""

    MOTORWAY = "motorway"
    TRUNK = "trunk"
    PRIMARY = "primary"
    SECONDARY = "secondary"
    TERTIARY = "tertiary"
    LOCAL = "local"
    TRACK = "track"
    PATH = "path"


ROAD_CLASSES: tuple[RoadClass, ...] = tuple(RoadClass)

# Usual driving speeds [km/h] by class: the middle of the design speeds of JTG B01-2014 (motorway,
# classes 1 to 4) and CJJ 37-2012 (town streets), lowered for junctions. A path has none.
CAR_KMH: Mapping[RoadClass, float] = {
    RoadClass.MOTORWAY: 90.0,
    RoadClass.TRUNK: 60.0,
    RoadClass.PRIMARY: 50.0,
    RoadClass.SECONDARY: 40.0,
    RoadClass.TERTIARY: 35.0,
    RoadClass.LOCAL: 25.0,
    RoadClass.TRACK: 15.0,
}


class SiteStatus(StrEnum):
    """Whether a site serves now; closed and planned sites are kept with their dates."""

    OPEN = "open"
    PLANNED = "planned"
    CLOSED = "closed"


class PlaceQuality(StrEnum):
    """How exactly a site is placed, best first."""

    EXACT = "exact"
    ADDRESS = "address"
    VILLAGE = "village"
    TOWN = "town"


class Missing(IntEnum):
    """Why a value stands or does not stand: states that never look alike.

    A true zero is `OK` with value 0. `UNREACHABLE` is known: no way leads there.
    """

    OK = 0
    NO_DATA = 1
    SUPPRESSED = 2
    UNRELIABLE = 3
    NOT_APPLICABLE = 4
    UNREACHABLE = 5


class Tier(IntEnum):
    """Warning tiers in rising order; `NONE` is watched and quiet, `NO_DATA` is unknown."""

    NO_DATA = -1
    NONE = 0
    BLUE = 1
    YELLOW = 2
    ORANGE = 3
    RED = 4


class GapClass(IntEnum):
    """Need against access, from well served to the largest gap."""

    NONE = 0
    SLIGHT = 1
    CLEAR = 2
    SEVERE = 3


class Polarity(IntEnum):
    """Whether more of a measure is good, neutral or a sign of strain."""

    GOOD = 1
    NEUTRAL = 0
    STRAIN = -1


@dataclass(frozen=True)
class Label:
    """A visible name in both languages."""

    zh: str
    en: str


@dataclass(frozen=True)
class Measure:
    """A weekly count by area.

    Parameters
    ----------
    code : stable key, lower snake case.
    name : visible name.
    unit : visible unit.
    polarity : whether more of it is good or a sign of strain.
    warn : whether the detector watches it.
    group : population group that is its denominator.
    stock : True for a register counted each week (its weeks are not summed).
    """

    code: str
    name: Label
    unit: Label
    polarity: Polarity = Polarity.NEUTRAL
    warn: bool = False
    group: str = "total"
    stock: bool = False


class Colours(StrEnum):
    """In how many colours tiers are shown: four, or red and yellow over a watched green."""

    FOUR = "four"
    THREE = "three"


ByTier = tuple[float, float, float, float]


@dataclass(frozen=True)
class TierPolicy:
    """How detector output becomes a tier; checked by `geo.detect.tiers.policy_faults`.

    Numbers by tier stand for blue, yellow, orange and red. A rule whose number is 0 or NONE is off.

    Parameters
    ----------
    scores : lowest score of each tier, inclusive [standard deviations], rising. By default one
        quiet week in 100, 1 000, 10 000 and 1 000 000.
    min_counts : lowest count of each tier, never falling, at least 2: one case never warns.
    min_excess : lowest number of cases above expectation of each tier, never falling.
    max_steps : steps that all rules together may raise a tier of the score.
    persistence_weeks : weeks in a row with a tier of the score, this one included, that raise it.
    spread_share : share of the neighbours with a tier of the score that raises it.
    upstream_from, upstream_to : an alert from above of this tier or more lifts to at least that.
    gap_from : gap class of the place, or a larger one, that raises it.
    hold_weeks : known weeks that a tier stands after the last week that gave it; then it falls a
        step a week. 0: each week speaks for itself.
    memory_weeks : unknown weeks in a row after which what went before is forgotten.
    colours : THREE shows blue as quiet and orange as yellow.
    """

    scores: ByTier = (2.33, 3.09, 3.72, 4.75)
    min_counts: ByTier = (5, 5, 8, 10)
    min_excess: ByTier = (2, 3, 5, 8)
    max_steps: int = 1
    persistence_weeks: int = 3
    spread_share: float = 0.5
    upstream_from: Tier = Tier.ORANGE
    upstream_to: Tier = Tier.YELLOW
    gap_from: GapClass = GapClass.SEVERE
    hold_weeks: int = 2
    memory_weeks: int = 4
    colours: Colours = Colours.FOUR
