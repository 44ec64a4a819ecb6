"""One live warning a place and theme: areas with a tier, joined over levels, borders and weeks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import csr_array

from geo.arrays import IntArray, positive
from geo.detect._sets import Ground, Sets, TierLevel, connected_sets, lay_out
from geo.errors import GeometryError, UnitError
from geo.model import Tier

__all__ = ["COLUMNS", "PHASES", "Episodes", "TierLevel", "follow_episodes", "touching"]

COLUMNS = (
    "episode_id", "measure", "level", "area_code", "name", "tier", "peak_tier", "since_week",
    "weeks", "areas", "n_areas", "phase",
)  # fmt: skip
PHASES = ("new", "growing", "steady", "moving", "fading", "ended")


@dataclass(frozen=True)
class Episodes:
    """Warnings of one measure, followed through the weeks.

    Attributes
    ----------
    newest : one row an episode that is live in the last week or ended in it, highest tier first,
        then by `episode_id`. Columns: `episode_id` str; `measure`; `level`, `area_code`, `name` of
        its place now, the smallest area with its highest tier; `tier` int64 now, NONE where its
        areas are quiet, NO_DATA where one is unknown, above NONE with phase "ended" where it went
        into an older one; `peak_tier` int64; `since_week`; `weeks` int64 from then to the
        last week with a tier; `areas` codes joined by "|", finest level first; `n_areas` int64;
        `phase`, one of `PHASES`.
    ids : `episode_id` of every episode, in the order in which they began.
    members : int64 a level, shape (n_weeks, n_areas): position in `ids`, -1 where there is no tier.
    """

    newest: pd.DataFrame
    ids: tuple[str, ...]
    members: tuple[IntArray, ...]


@dataclass
class _Episode:
    """One warning as far as it has been followed."""

    id: str
    founded: int
    last: int
    areas: IntArray
    place: int
    tier: int = int(Tier.NONE)
    peak: int = int(Tier.NONE)
    before: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    tier_before: int = int(Tier.NONE)
    quiet: int = 0
    unknown: int = 0
    ended: int | None = None


def follow_episodes(
    levels: Sequence[TierLevel],
    *,
    measure: str,
    weeks: Sequence[str],
    hold_weeks: int = 2,
    memory_weeks: int = 4,
) -> Episodes:
    """Join areas with a tier into warnings that begin, grow, move, fade and end.

    In one week a warning is a connected set of areas with a tier: an area is connected with those
    that touch it on its level and with the nearest area above that has a tier. One area that holds
    all others is connected with a warning only if there is no other. From week to week a
    set goes on as the episode with which it shares areas, or else as one that it touches, lies in
    or holds. Where several meet, the oldest goes on and the others end; where one falls apart, the
    part that shares the most areas with it goes on, and the others are new.

    Parameters
    ----------
    levels : finest first, each the children of the next.
    measure : code of the measure, the first part of every id.
    weeks : names of the weeks in rising order, the rows of every `tiers`.
    hold_weeks : an episode without a tier rests for so many quiet weeks before it ends.
    memory_weeks : and for so many weeks in a row in which an area of it is unknown; these are not
        counted among the quiet ones.

    Returns
    -------
    Episodes : the id is `{measure}.{area_code}.{week}` of the week in which it began and its place
        in it. It hangs on earlier weeks alone, so that weeks that are added change none. Without
        weeks, areas or tiers there is no episode.

    Raises
    ------
    ShapeError : arrays do not fit each other, there is no level, or a code occurs twice.
    CodeError : a parent is outside the next level.
    UnitError : `hold_weeks` or `memory_weeks` is negative.

    Notes
    -----
    O(n log n) a week for n areas with a tier and the borders between them.

    Examples
    --------
    >>> from geo.model import Level
    >>> village = TierLevel(Level.VILLAGE, np.array(["a", "b"]), np.array(["A", "B"]),
    ...     np.array([[1, 0], [2, 1]], dtype=np.int8), np.zeros((2, 2), dtype=bool),
    ...     np.array([-1, -1]), csr_array(np.array([[0, 1], [1, 0]], dtype=bool)))
    >>> found = follow_episodes([village], measure="calls", weeks=["2026-W01", "2026-W02"])
    >>> found.newest[["episode_id", "tier", "areas", "phase"]].values.tolist()
    [['calls.a.2026-W01', 2, 'a|b', 'growing']]
    """
    for key, number in (("hold_weeks", hold_weeks), ("memory_weeks", memory_weeks)):
        if number < 0:
            raise UnitError(f"{key}: {number}; wanted 0 or more")
    ground = lay_out(levels, len(weeks))
    members = np.full(ground.tiers.shape, -1, dtype=np.int64)
    found: list[_Episode] = []
    live: list[int] = []
    for week, name in enumerate(weeks):
        sets = connected_sets(ground, week)
        chosen, met = _choose(ground, sets, _owners(ground, found, live))
        for number in np.flatnonzero(chosen < 0).tolist():
            chosen[number] = len(found)
            live.append(len(found))
            found.append(_begin(ground, sets.areas[number], week, (measure, name)))
        goes_on = {episode: number for number, episode in enumerate(chosen.tolist())}
        for number in live:
            one = found[number]
            if number in goes_on:
                _go_on(ground, one, sets.areas[goes_on[number]], week)
            else:
                _rest(ground, one, week)
                if number in met or one.quiet > hold_weeks or one.unknown > memory_weeks:
                    one.ended = week
        live = [number for number in live if found[number].ended is None]
        members[week, sets.nodes] = chosen[sets.number]
    here = [one for one in found if one.ended in {None, len(weeks) - 1}]
    return Episodes(
        newest=_rows(ground, here, measure=measure, weeks=weeks),
        ids=tuple(one.id for one in found),
        members=tuple(members[:, nodes] for nodes in ground.back),
    )


def touching(geometry: gpd.GeoSeries, *, within_m: float = 1.0) -> csr_array:
    """Which areas lie side by side.

    Parameters
    ----------
    geometry : n areas in a metric CRS.
    within_m : farther apart than this, borders do not touch [m], > 0; drawn borders leave slivers.

    Returns
    -------
    Boolean sparse array, shape (n, n), symmetric, an area not with itself. Areas that share only a
    corner touch; an area without geometry touches none.

    Raises
    ------
    GeometryError : the CRS is unknown or not metric.
    UnitError : `within_m` is not positive.

    Notes
    -----
    O(n log n) by an STR tree (Leutenegger et al. 1997).

    Examples
    --------
    >>> squares = gpd.GeoSeries([shapely.box(x, 0, x + 1, 1) for x in (0, 1, 9)], crs="EPSG:4547")
    >>> touching(squares, within_m=0.1).toarray().astype(int).tolist()
    [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    """
    reach = positive("within_m", within_m, unit="m")
    if geometry.crs is None or not geometry.crs.is_projected:
        raise GeometryError(f"geometry: CRS {geometry.crs}; wanted a projected one in metres")
    shapes = np.asarray(geometry.array, dtype=object)
    one, other = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=reach)
    apart = one != other
    one, other = one[apart], other[apart]
    touches = np.ones(len(one), dtype=bool)
    return csr_array((touches, (one, other)), shape=(len(shapes), len(shapes)))


def _owners(ground: Ground, found: Sequence[_Episode], live: Sequence[int]) -> IntArray:
    """Live episode that holds each node, -1 for none; the last entry is that of "none above"."""
    owner = np.full(len(ground.codes) + 1, -1, dtype=np.int64)
    for number in live:
        owner[found[number].areas] = number
    return owner


def _choose(ground: Ground, sets: Sets, owner: IntArray) -> tuple[IntArray, set[int]]:
    """Episode as which each set goes on, -1 for a new one; and episodes that went into another."""
    sizes = np.array([len(areas) for areas in sets.areas], dtype=np.int64)
    shares = owner[sets.nodes] >= 0
    chosen, seen = _resolve(owner[sets.nodes][shares], sets.number[shares], sizes)
    free = np.append(chosen < 0, False)
    episodes, numbers = _near(ground, sets, np.where(np.isin(owner, list(seen)), -1, owner))
    still = free[numbers]
    late, more = _resolve(episodes[still], numbers[still], sizes)
    chosen = np.where(chosen < 0, late, chosen)
    return chosen, (seen | more) - set(chosen.tolist())


def _near(ground: Ground, sets: Sets, owner: IntArray) -> tuple[IntArray, IntArray]:
    """Pairs of an episode and a set that touch, or of which one lies in the other."""
    number = np.full(len(owner), -1, dtype=np.int64)
    number[sets.nodes] = sets.number
    first, second = ground.edges
    episodes, numbers = [owner[first]], [number[second]]
    nodes = over = np.arange(len(owner))
    for _ in ground.levels[1:]:
        over = ground.above[over]
        episodes += [owner[nodes], owner[over]]
        numbers += [number[over], number[nodes]]
    episode, of_set = np.concatenate(episodes), np.concatenate(numbers)
    both = (episode >= 0) & (of_set >= 0)
    return episode[both], of_set[both]


def _resolve(episodes: IntArray, numbers: IntArray, sizes: IntArray) -> tuple[IntArray, set[int]]:
    """Each episode goes to the set with which it has most in common, each set to its oldest."""
    chosen = np.full(len(sizes), -1, dtype=np.int64)
    if not len(episodes):
        return chosen, set()
    pairs, common = np.unique(np.stack([episodes, numbers]), axis=1, return_counts=True)
    episode, number = pairs
    best = np.lexsort((number, -sizes[number], -common, episode))
    episode, number = episode[best], number[best]
    episode, at = np.unique(episode, return_index=True)
    # Episodes are numbered as they began; the oldest is written last and stays.
    chosen[number[at][::-1]] = episode[::-1]
    return chosen, set(episode.tolist())


def _place(ground: Ground, areas: IntArray, week: int, before: int = -1) -> int:
    """Smallest area with the highest tier, the one of before if it is one of several."""
    tiers = ground.tiers[week, areas]
    highest = areas[tiers == tiers.max()]
    finest = highest[ground.level[highest] == ground.level[highest].min()]
    return before if before in finest else int(finest[0])


def _begin(ground: Ground, areas: IntArray, week: int, said: tuple[str, str]) -> _Episode:
    place = _place(ground, areas, week)
    name = f"{said[0]}.{ground.codes[place]}.{said[1]}"
    return _Episode(name, founded=week, last=week, areas=areas, place=place)


def _go_on(ground: Ground, one: _Episode, areas: IntArray, week: int) -> None:
    one.before, one.tier_before = one.areas, one.tier
    one.areas, one.last = areas, week
    one.quiet = one.unknown = 0
    one.place = _place(ground, areas, week, one.place)
    one.tier = int(ground.tiers[week, one.place])
    one.peak = max(one.peak, one.tier)


def _rest(ground: Ground, one: _Episode, week: int) -> None:
    """A week without an own tier: quiet only where all of it is known."""
    one.before, one.tier_before = one.areas, one.tier
    tiers = ground.tiers[week, one.areas]
    if tiers.max() < Tier.BLUE and tiers.min() == Tier.NO_DATA:
        one.tier, one.unknown = int(Tier.NO_DATA), one.unknown + 1
    else:
        one.tier, one.quiet, one.unknown = int(tiers.max()), one.quiet + 1, 0


def _phase(ground: Ground, one: _Episode, week: int) -> str:
    gained = len(np.setdiff1d(one.areas, one.before))
    lost = len(np.setdiff1d(one.before, one.areas))
    waning = one.last < week or bool(ground.held[week, one.areas].all())
    # The first that holds.
    told = {
        "ended": one.ended is not None,
        "new": one.founded == week,
        "fading": waning,
        "growing": one.tier > one.tier_before
        or (gained > 0 and not lost and one.tier == one.tier_before),
        "moving": gained > 0 and lost > 0,
    }
    for phase, holds in told.items():
        if holds:
            return phase
    return "fading" if one.tier < one.tier_before or lost else "steady"


def _rows(
    ground: Ground, episodes: Sequence[_Episode], *, measure: str, weeks: Sequence[str]
) -> pd.DataFrame:
    newest = len(weeks) - 1
    rows = [
        (
            one.id, measure, ground.levels[ground.level[one.place]].value,
            ground.codes[one.place], ground.names[one.place], one.tier, one.peak,
            weeks[one.founded], one.last - one.founded + 1, "|".join(ground.codes[one.areas]),
            len(one.areas), _phase(ground, one, newest),
        )
        for one in episodes
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    for column in ("tier", "peak_tier", "weeks", "n_areas"):
        frame[column] = frame[column].astype(np.int64)
    return frame.sort_values(["tier", "episode_id"], ascending=[False, True], ignore_index=True)
