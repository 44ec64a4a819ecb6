"""How what a detector found becomes one of the four warning tiers, week after week."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntFlag

import numpy as np
import numpy.typing as npt

from geo.arrays import BoolArray, FloatArray, Int8Array, IntArray, StateArray, amounts, floats
from geo.errors import FaultsError, ShapeError, UnitError
from geo.model import Colours, GapClass, Tier, TierPolicy
from geo.tier_policy import NAMES, policy_faults

# Red asks for a crisis team within a day; rules beside the score alone do not call for that.
LEAST_BASE_OF_RED = Tier.YELLOW
# What each tier is shown as in three colours. Orange joins yellow, so that red stays rare.
_THREE = {Tier.BLUE: Tier.NONE, Tier.ORANGE: Tier.YELLOW}
_SHOWN = {
    Colours.FOUR: np.arange(-1, 5, dtype=np.int8),
    Colours.THREE: np.array([_THREE.get(tier, tier) for tier in Tier], dtype=np.int8),
}


class Raise(IntFlag):
    """Rules that raised a tier above what its score gives."""

    PERSISTENCE = 1
    SPREAD = 2
    UPSTREAM = 4
    GAP = 8


@dataclass(frozen=True)
class Evidence:
    """What speaks for a warning; float64, shape (n_weeks, n_areas), NaN where unknown.

    Attributes
    ----------
    counts : count of the area in the week, >= 0.
    score : p value of what stood out in standard deviations, see `geo.detect.watch.Detection`.
    excess : cases above expectation in it.
    spread : share of the neighbours whose own score gives a tier, 0 to 1.
    upstream : highest `Tier` of the alerts reported from above for the area and week.
    gap : `GapClass` of the place.
    """

    counts: FloatArray
    score: FloatArray
    excess: FloatArray
    spread: FloatArray
    upstream: FloatArray
    gap: FloatArray


@dataclass(frozen=True)
class Tiers:
    """Tiers of each week and area, and how they came about; shape (n_weeks, n_areas).

    Attributes
    ----------
    tier : int8 `Tier`, NO_DATA where the week is unknown.
    base : int8 `Tier` of the score and size of the week alone.
    raised : uint8 `Raise` flags, the rules by which the week's own tier stands above `base`.
    held : bool, `tier` is still that of earlier weeks; the week's own is lower.
    weeks_running : int64 [weeks], weeks since the warning began, both ends and unknown weeks
        between them included; 0 where none stands.
    weeks_high : int64 [weeks], known weeks in a row with a tier of the score, up to this one.
    """

    tier: Int8Array
    base: Int8Array
    raised: StateArray
    held: BoolArray
    weeks_running: IntArray
    weeks_high: IntArray


def base_tiers(
    counts: npt.ArrayLike,
    score: npt.ArrayLike,
    excess: npt.ArrayLike,
    *,
    policy: TierPolicy,
    floor: int,
) -> Int8Array:
    """Tier of each week and area by score and size alone.

    Parameters
    ----------
    counts : float64, one or two dimensions, >= 0; NaN where there is no data.
    score : float64, same shape [standard deviations]; NaN where there is no baseline.
    excess : float64, same shape, cases above expectation; NaN where there is no baseline.
    policy : lowest score, count and excess of each tier, inclusive.
    floor : the suppression limit k: below it there is no tier, so that a published tier never
        tells of a count that is withheld.

    Returns
    -------
    int8 `Tier` values, shape of `counts`: NO_DATA where a number is NaN; else the highest tier
        whose score, count and excess are all reached, or NONE. More of any of the three never gives
        a lower tier.

    Raises
    ------
    ShapeError : the shapes differ.
    UnitError : a count is negative or infinite.
    FaultsError : the policy is not sound.

    Notes
    -----
    O(n).

    Examples
    --------
    >>> base_tiers([12, 9, 12, 12], [7.0, 7.0, np.nan, 2.5], [9, 6, 9, 3],
    ...     policy=TierPolicy(), floor=10).tolist()
    [4, 0, -1, 1]
    """
    number = amounts("counts", counts, ndim=(1, 2))
    height = floats("score", score, ndim=(1, 2))
    more = floats("excess", excess, ndim=(1, 2))
    if not number.shape == height.shape == more.shape:
        raise ShapeError(
            f"counts {number.shape}, score {height.shape}, excess {more.shape}; wanted one shape"
        )
    if faults := policy_faults(policy):
        raise FaultsError("policy", faults)
    least = np.maximum(policy.min_counts, floor)
    tiers: Int8Array = np.minimum.reduce(
        [
            _reached(policy.scores, height),
            _reached(tuple(least), number),
            _reached(policy.min_excess, more),
        ]
    )
    tiers[np.isnan(number) | np.isnan(height) | np.isnan(more)] = Tier.NO_DATA
    return tiers


def _reached(steps: tuple[float, ...], values: FloatArray) -> Int8Array:
    """How many of the steps, which never fall, each value reaches."""
    return np.searchsorted(np.asarray(steps), values, side="right").astype(np.int8)


def weekly_tiers(evidence: Evidence, *, policy: TierPolicy, floor: int) -> Tiers:
    """Tiers of areas week after week: by score and size, raised by rules, and held.

    The tier of a week's own is that of `base_tiers`, raised one step each for persistence, spread
    and gap and lifted by alerts from above, by at most `policy.max_steps` in all, and to red only
    from yellow. A week without a tier of its score is raised by nothing. The tier shown rises at
    once; it stands for `policy.hold_weeks` known weeks after the last week that gave it and then
    falls a step a week, never below the week's own.

    Parameters
    ----------
    evidence : consecutive weeks in rising order; what was before them is not known, so hand in
        some more than are needed.
    policy : thresholds, rules and hysteresis.
    floor : the suppression limit k, see `base_tiers`.

    Returns
    -------
    Tiers : arrays of shape (n_weeks, n_areas). An unknown week is NO_DATA; it neither ages nor ends
        what stands, until more than `policy.memory_weeks` of them follow each other.

    Raises
    ------
    ShapeError : the arrays are no tables of one shape.
    UnitError : a count is negative or infinite.
    FaultsError : the policy is not sound.

    Notes
    -----
    O(n_weeks x n_areas). The shown tier is the highest of what all weeks up to now lead to, each
    aged by itself; so a higher count, score, excess or share in one week lowers no tier of any.

    Examples
    --------
    >>> counts = np.array([[5.0], [30], [5], [5], [5], [5]])
    >>> score, excess = np.where(counts > 9, 3.5, 0.0), counts - 5
    >>> nothing = np.full((6, 1), np.nan)
    >>> found = weekly_tiers(Evidence(counts, score, excess, nothing, nothing, nothing),
    ...     policy=TierPolicy(), floor=10)
    >>> found.tier[:, 0].tolist(), found.held[:, 0].tolist()
    ([0, 2, 2, 2, 1, 0], [False, False, True, True, True, False])
    """
    shape = np.shape(evidence.counts)
    for field in fields(evidence):
        table = floats(field.name, getattr(evidence, field.name), ndim=(2,))
        if table.shape != shape:
            raise ShapeError(f"{field.name}: shape {table.shape}; wanted that of counts, {shape}")
    base = base_tiers(evidence.counts, evidence.score, evidence.excess, policy=policy, floor=floor)
    high = _weeks_high(base, memory=policy.memory_weeks)
    own, raised = _raise_tiers(base, high, evidence, policy)
    tier = _held_tiers(own, hold=policy.hold_weeks, memory=policy.memory_weeks)
    tier, own, base = (shown_tiers(table, policy.colours) for table in (tier, own, base))
    return Tiers(
        tier=tier,
        base=base,
        raised=np.where(own > base, raised, 0).astype(np.uint8),
        held=tier > own,
        weeks_running=weeks_running(tier, memory_weeks=policy.memory_weeks),
        weeks_high=high,
    )


def _raise_tiers(
    base: Int8Array, high: IntArray, evidence: Evidence, policy: TierPolicy
) -> tuple[Int8Array, StateArray]:
    """Tiers of the weeks' own, and the flags of the rules that hold there."""
    found = base >= Tier.BLUE
    no = np.zeros_like(found)
    # NaN compares as false: what is unknown raises nothing.
    rules = {
        Raise.PERSISTENCE: high >= policy.persistence_weeks if policy.persistence_weeks else no,
        Raise.SPREAD: evidence.spread >= policy.spread_share if policy.spread_share else no,
        Raise.UPSTREAM: evidence.upstream >= policy.upstream_from
        if policy.upstream_from > Tier.NONE
        else no,
        Raise.GAP: evidence.gap >= policy.gap_from if policy.gap_from > GapClass.NONE else no,
    }
    holds = {rule: held & found for rule, held in rules.items()}
    steps = sum(
        (held.astype(np.int8) for rule, held in holds.items() if rule != Raise.UPSTREAM),
        start=np.zeros(base.shape, dtype=np.int8),
    )
    lifted = np.where(holds[Raise.UPSTREAM], policy.upstream_to, Tier.NO_DATA)
    own = np.minimum(np.maximum(base + steps, lifted), base + policy.max_steps)
    own = np.minimum(own, np.where(base >= LEAST_BASE_OF_RED, Tier.RED, Tier.ORANGE))
    own = np.where(found, own, base).astype(np.int8)
    flags = np.zeros(base.shape, dtype=np.uint8)
    for rule, held in holds.items():
        # An alert from above that lifts no further than the tier itself is not what raised it.
        helped = held & (base < policy.upstream_to) if rule == Raise.UPSTREAM else held
        flags |= np.where(helped, np.uint8(rule), np.uint8(0))
    return own, np.where(own > base, flags, 0).astype(np.uint8)


def _weeks_high(base: Int8Array, *, memory: int) -> IntArray:
    """Known weeks in a row with a tier; unknown weeks between them neither count nor end it."""
    high = np.zeros(base.shape, dtype=np.int64)
    running = np.zeros(base.shape[1:], dtype=np.int64)
    unknown = running.copy()
    for week, row in enumerate(base):
        known = row != Tier.NO_DATA
        unknown = np.where(known, 0, unknown + 1)
        running = np.where(known & (row >= Tier.BLUE), running + 1, running)
        running[(known & (row < Tier.BLUE)) | (unknown > memory)] = 0
        high[week] = np.where(known, running, 0)
    return high


def _held_tiers(own: Int8Array, *, hold: int, memory: int) -> Int8Array:
    """Tiers shown: each tier with its age in known weeks, the highest that they lead to."""
    if hold == 0:
        return own
    never = np.iinfo(np.int64).max // 2
    steps = np.arange(1, len(NAMES) + 1, dtype=np.int64)[:, None]
    age = np.full((len(NAMES), own.shape[1]), never)
    unknown = np.zeros(own.shape[1], dtype=np.int64)
    shown = np.empty_like(own)
    for week, row in enumerate(own):
        known = row != Tier.NO_DATA
        unknown = np.where(known, 0, unknown + 1)
        age[:, known] += 1
        age[:, unknown > memory] = never
        age[row[None, :] >= steps] = 0
        left = np.maximum(steps - np.maximum(age - hold, 0), 0).max(axis=0)
        shown[week] = np.where(known, left, Tier.NO_DATA)
    return shown


def weeks_running(tiers: npt.ArrayLike, *, memory_weeks: int = 0) -> IntArray:
    """For how many weeks, up to each, a warning has stood.

    Parameters
    ----------
    tiers : int8 `Tier` values, shape (n_weeks,) or (n_weeks, n_series), weeks in rising order.
    memory_weeks : so many unknown weeks in a row do not end a run, >= 0.

    Returns
    -------
    int64 [weeks], shape of `tiers`: 1 in the first week at BLUE or above, then 2, 3, …, unknown
        weeks counted; 0 in every other week, the unknown ones among them.

    Raises
    ------
    ShapeError : other than one or two dimensions.
    UnitError : `memory_weeks` is negative.

    Notes
    -----
    O(n).

    Examples
    --------
    >>> weeks_running([0, 1, 2, 0, 4]).tolist()
    [0, 1, 2, 0, 1]
    >>> weeks_running([1, -1, 2, -1, -1, 1], memory_weeks=1).tolist()
    [1, 0, 3, 0, 0, 1]
    """
    table = np.asarray(tiers)
    if table.ndim not in (1, 2):
        raise ShapeError(f"tiers: shape {table.shape}; wanted (weeks,) or (weeks, series)")
    if memory_weeks < 0:
        raise UnitError(f"memory_weeks: {memory_weeks}; wanted 0 or more")
    rows = table if table.ndim == 2 else table[:, None]
    running = np.zeros(rows.shape, dtype=np.int64)
    length = np.zeros(rows.shape[1], dtype=np.int64)
    unknown = length.copy()
    for week, row in enumerate(rows):
        known = row != Tier.NO_DATA
        unknown = np.where(known, 0, unknown + 1)
        goes_on = np.where(known, row >= Tier.BLUE, (length > 0) & (unknown <= memory_weeks))
        length = np.where(goes_on, length + 1, 0)
        running[week] = np.where(known, length, 0)
    return running.reshape(table.shape)


def shown_tiers(tiers: npt.ArrayLike, colours: Colours) -> Int8Array:
    """Tiers as they are shown in four colours or in three.

    Parameters
    ----------
    tiers : `Tier` values of any shape.
    colours : THREE shows BLUE as NONE, watched and quiet (green), and ORANGE as YELLOW.

    Returns
    -------
    int8 `Tier` values, shape of `tiers`. NO_DATA stays NO_DATA and is never green.

    Examples
    --------
    >>> shown_tiers([-1, 0, 1, 2, 3, 4], Colours.THREE).tolist()
    [-1, 0, 0, 2, 2, 4]
    """
    return _SHOWN[colours][np.asarray(tiers, dtype=np.int64) + 1]


def legend_tiers(colours: Colours) -> tuple[Tier, ...]:
    """Tiers that a legend names, highest first; quiet and unknown last, and apart.

    Parameters
    ----------
    colours : four or three.

    Returns
    -------
    Tiers that `shown_tiers` can give.

    Examples
    --------
    >>> [tier.name for tier in legend_tiers(Colours.THREE)]
    ['RED', 'YELLOW', 'NONE', 'NO_DATA']
    """
    return tuple(Tier(tier) for tier in sorted(set(_SHOWN[colours].tolist()), reverse=True))


def highest_tier(tiers: npt.ArrayLike) -> Int8Array:
    """Highest tier over several measures.

    Parameters
    ----------
    tiers : int8 `Tier` values, shape (n_measures, ...), at least one measure.

    Returns
    -------
    int8 `Tier` values, shape (...): NO_DATA only where every measure is without data.

    Raises
    ------
    ShapeError : there is no measure.

    Examples
    --------
    >>> highest_tier([[-1, -1, 0], [-1, 2, 1]]).tolist()
    [-1, 2, 1]
    """
    table = np.asarray(tiers, dtype=np.int8)
    if table.ndim < 1 or not len(table):
        raise ShapeError(f"tiers: shape {table.shape}; wanted at least one measure")
    highest: Int8Array = table.max(axis=0)
    return highest
