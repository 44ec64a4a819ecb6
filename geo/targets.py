"""Built against required: shares, what is missing, the pace, and when a target is met."""

from __future__ import annotations

import math
from enum import StrEnum
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.arrays import BoolArray, FloatArray, StateArray, amounts, floats, same_length
from geo.errors import ShapeError, UnitError
from geo.model import Missing

# A share that misses its target by less was meant to meet it: 57 of 100 is 57 %.
_TOLERANCE = 1e-9
# Most serious first; what is not applicable cannot be unknown, what is unknown is not withheld.
_SERIOUS = (Missing.NOT_APPLICABLE, Missing.NO_DATA, Missing.SUPPRESSED, Missing.UNRELIABLE)
MIN_POINTS, MIN_SPAN_WEEKS = 4, 8.0
# Ten years: what lies beyond is no plan but a figure of speech.
HORIZON_WEEKS = 520.0
# Above this the autocorrelation of residuals leaves next to nothing of the points.
_MOST_CORRELATION = 0.95


class Attainment(NamedTuple):
    """Built against required.

    Attributes
    ----------
    share : float64, numerator over denominator; NaN where `states` withholds it.
    missing : float64, how many more of the numerator are needed, or how many fewer where the
        target is an upper one; 0 where it is met.
    distance : float64 in the unit of `share`, >= 0: how far the share is from the target.
    met : bool; False where the share is not known.
    states : uint8 `Missing` values. UNRELIABLE where a part exceeds its whole.
    """

    share: FloatArray
    missing: FloatArray
    distance: FloatArray
    met: BoolArray
    states: StateArray


class Pace(NamedTuple):
    """Change of a share a week.

    Attributes
    ----------
    per_week : median slope; NaN where there are too few points.
    low, high : its confidence interval.
    points : number of points it rests on.
    """

    per_week: float
    low: float
    high: float
    points: int


class Outlook(StrEnum):
    """What the present pace leads to."""

    MET = "met"
    REACHED = "reached"
    NOT_AT_THIS_PACE = "not_at_this_pace"
    NO_PACE = "no_pace"


class Forecast(NamedTuple):
    """When a target is met at the present pace.

    Attributes
    ----------
    outlook : see `Outlook`.
    weeks : from the newest point; NaN unless `outlook` is REACHED.
    earliest, latest : the same at the ends of the pace's interval; `latest` is infinite where
        the slow end never gets there. NaN unless `outlook` is REACHED.
    pace : see `Pace`.
    """

    outlook: Outlook
    weeks: float
    earliest: float
    latest: float
    pace: Pace


class Progress(StrEnum):
    """How an indicator stands.

    `SHORT` is not met, with nothing to judge the pace by; `NO_TARGET` has none to be held against.
    """

    MET = "met"
    ON_TRACK = "on_track"
    BEHIND = "behind"
    SHORT = "short"
    NO_TARGET = "no_target"
    NO_DATA = "no_data"
    WITHHELD = "withheld"
    NOT_APPLICABLE = "not_applicable"


def attainment(
    numerator: npt.ArrayLike,
    denominator: npt.ArrayLike,
    *,
    target: float,
    at_least: bool = True,
    part: bool = True,
    whole: bool = True,
    numerator_states: npt.ArrayLike | None = None,
    denominator_states: npt.ArrayLike | None = None,
) -> Attainment:
    """Share of what is required that is there, by area, and what is missing.

    Parameters
    ----------
    numerator : float64, shape (n_areas,), >= 0; NaN where unknown.
    denominator : float64, shape (n_areas,), >= 0; NaN where unknown. Where it is 0 nothing is
        required, which is not applicable and neither met nor missed.
    target : share or ratio wanted, >= 0.
    at_least : False where the target is an upper limit.
    part : whether the numerator is part of the denominator, so that a share above 1 is doubtful.
    whole : whether the numerator counts things, so that half a one cannot be missing.
    numerator_states, denominator_states : uint8 `Missing` values, shape (n_areas,); what either
        withholds withholds the share.

    Returns
    -------
    Attainment : arrays of shape (n_areas,).

    Raises
    ------
    ShapeError : lengths differ.
    UnitError : an amount is negative or infinite, or the target is negative or not a number.

    Notes
    -----
    O(n). missing = ceil(target x denominator - numerator) for at least, ceil(numerator - target x
    denominator) for at most, without ceil where not `whole`; both at least 0.

    Examples
    --------
    >>> villages = attainment([106, 0, 0], [180, 4, 0], target=0.8)
    >>> villages.missing.tolist(), villages.states.tolist()
    ([38.0, 4.0, nan], [0, 0, 4])
    """
    built, required = amounts("numerator", numerator), amounts("denominator", denominator)
    same_length(numerator=built, denominator=required)
    if not (math.isfinite(target) and target >= 0):
        raise UnitError(f"target: {target!r}; wanted a share or ratio of 0 or more")
    states = _states(built, required, numerator_states, denominator_states)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = built / required
    states[part & (states == Missing.OK) & (built > required)] = Missing.UNRELIABLE
    shown = np.isin(states, (Missing.OK, Missing.UNRELIABLE))
    share = np.where(shown, share, np.nan)
    wanted = target * required
    lacking = wanted - built if at_least else built - wanted
    slack = _TOLERANCE * np.maximum(1.0, np.nan_to_num(wanted))
    lacking = np.where(lacking <= slack, 0.0, np.ceil(lacking - slack) if whole else lacking)
    away = target - share if at_least else share - target
    met = shown & (lacking == 0)
    return Attainment(
        share,
        np.where(shown, lacking, np.nan),
        np.where(shown, np.where(met, 0.0, away), np.nan),
        met,
        states,
    )


def _states(
    built: FloatArray,
    required: FloatArray,
    built_states: npt.ArrayLike | None,
    required_states: npt.ArrayLike | None,
) -> StateArray:
    """The most serious of both inputs' states; an absent value without one is no data."""
    given = []
    for name, values, states in (
        ("numerator_states", built, built_states),
        ("denominator_states", required, required_states),
    ):
        own = np.where(np.isnan(values), int(Missing.NO_DATA), int(Missing.OK)).astype(np.uint8)
        if states is not None:
            said = np.asarray(states)
            if said.shape != values.shape or (said.size and said.max() > max(Missing)):
                raise ShapeError(f"{name}: shape {said.shape}; wanted {values.shape}, values 0..4")
            own = np.where(said == Missing.OK, own, said).astype(np.uint8)
        given.append(own)
    found = np.zeros(len(built), dtype=np.uint8)
    for state in reversed(_SERIOUS):
        found[(given[0] == state) | (given[1] == state)] = state
    nothing = (required == 0) & (given[1] == Missing.OK)
    found[nothing] = Missing.NOT_APPLICABLE
    return found


def pace(weeks: npt.ArrayLike, shares: npt.ArrayLike, *, level: float = 0.95) -> Pace:
    """Change a week as the median of all pairs of points, with an interval.

    Parameters
    ----------
    weeks : float64 [weeks], shape (n,), each once, in any order.
    shares : float64, shape (n,); points with NaN are left out.
    level : confidence of the interval, between 0 and 1.

    Returns
    -------
    Pace : NaN with fewer than 4 points, or when they span less than 8 weeks.

    Raises
    ------
    ShapeError : lengths differ, or a week stands twice.
    UnitError : `level` is not between 0 and 1, or a week is not a number.

    Notes
    -----
    O(n^2). Theil 1950, Sen 1968: one corrected figure moves the median little. The interval is
    Sen's, from the normal approximation of Kendall's statistic with ties, its variance
    multiplied by (1 + r) / (1 - r) where r is the lag-one autocorrelation of the residuals, at
    least 0: weekly figures that hardly change are not as many proofs as they are points (Yue &
    Wang 2004).

    Examples
    --------
    >>> round(pace([0, 4, 8, 12], [0.50, 0.54, 0.58, 0.62]).per_week, 6)
    0.01
    """
    at, value = floats("weeks", weeks), floats("shares", shares)
    same_length(weeks=at, shares=value)
    if not 0 < level < 1:
        raise UnitError(f"level: {level!r}; wanted between 0 and 1")
    if not np.isfinite(at).all():
        raise UnitError("weeks: one is not a number; wanted the week of every point")
    if len(np.unique(at)) != len(at):
        raise ShapeError("weeks: one stands twice; wanted one point a week")
    known = np.isfinite(value)
    order = np.argsort(at[known])
    at, value = at[known][order], value[known][order]
    n = len(at)
    if n < MIN_POINTS or at[-1] - at[0] < MIN_SPAN_WEEKS:
        return Pace(math.nan, math.nan, math.nan, n)
    first, second = np.triu_indices(n, 1)
    slopes = np.sort((value[second] - value[first]) / (at[second] - at[first]))
    median = float(np.median(slopes))
    half = NormalDist().inv_cdf(0.5 + level / 2) * math.sqrt(_spread(at, value, median))
    low = max(math.floor((len(slopes) - half) / 2) - 1, 0)
    high = min(math.ceil((len(slopes) + half) / 2), len(slopes) - 1)
    return Pace(median, float(slopes[low]), float(slopes[high]), n)


def _spread(at: FloatArray, value: FloatArray, slope: float) -> float:
    """Variance of Kendall's statistic, with ties and autocorrelation."""
    n = len(value)
    ties = np.unique(value, return_counts=True)[1]
    variance = (n * (n - 1) * (2 * n + 5) - float((ties * (ties - 1) * (2 * ties + 5)).sum())) / 18
    residuals = value - slope * at
    residuals = residuals - residuals.mean()
    total = float((residuals**2).sum())
    if total <= _TOLERANCE**2 * n:
        return variance
    r = float((residuals[1:] * residuals[:-1]).sum()) / total
    r = min(max(r, 0.0), _MOST_CORRELATION)
    return variance * (1 + r) / (1 - r)


def forecast(
    weeks: npt.ArrayLike,
    shares: npt.ArrayLike,
    *,
    target: float,
    at_least: bool = True,
    level: float = 0.95,
) -> Forecast:
    """When the target is met if the share goes on changing as it did.

    Parameters
    ----------
    weeks : float64 [weeks], shape (n,), each once.
    shares : float64, shape (n,); NaN where unknown.
    target : share or ratio wanted.
    at_least : False where the target is an upper limit.
    level : confidence of the interval.

    Returns
    -------
    Forecast : from the newest known point. Within ten years, or it is not at this pace.

    Raises
    ------
    ShapeError : lengths differ, or a week stands twice.
    UnitError : `level` is not between 0 and 1, or a week is not a number.

    Notes
    -----
    O(n^2), see `pace`. weeks = (target - newest share) / pace. A line through the past: it knows
    of no budget and no season, and is shown with its interval or not at all.

    Examples
    --------
    >>> found = forecast([0, 4, 8, 12], [0.50, 0.54, 0.58, 0.62], target=0.8)
    >>> found.outlook.value, round(found.weeks)
    ('reached', 18)
    """
    found = pace(weeks, shares, level=level)
    at, value = floats("weeks", weeks), floats("shares", shares)
    known = np.isfinite(value)
    nothing = math.nan, math.nan, math.nan
    if not known.any():
        return Forecast(Outlook.NO_PACE, *nothing, found)
    newest = float(value[known][np.argmax(at[known])])
    # Looking upwards, whichever way the target lies.
    sign = 1.0 if at_least else -1.0
    away = sign * (target - newest)
    if away <= _TOLERANCE:
        return Forecast(Outlook.MET, *nothing, found)
    if math.isnan(found.per_week):
        return Forecast(Outlook.NO_PACE, *nothing, found)
    speed = sign * found.per_week
    slow, fast = sorted((sign * found.low, sign * found.high))
    needed = _duration(away, speed)
    if needed > HORIZON_WEEKS:
        return Forecast(Outlook.NOT_AT_THIS_PACE, *nothing, found)
    return Forecast(Outlook.REACHED, needed, _duration(away, fast), _duration(away, slow), found)


def _duration(away: float, speed: float) -> float:
    """Weeks for a distance; infinite when nothing moves towards it."""
    return away / speed if speed > 0 else math.inf


def judge(state: Missing, *, met: bool, ahead: Forecast, due_weeks: float) -> Progress:
    """One word for how an indicator stands.

    Parameters
    ----------
    state : of the share.
    met : whether the share meets the target.
    ahead : see `forecast`.
    due_weeks : from the newest point to the due date [weeks]; NaN where there is none.

    Returns
    -------
    Progress : BEHIND when the date has passed or will pass before the target is met at this
        pace; SHORT when the target is not met and no date or no pace is known.

    Notes
    -----
    O(1). What is not known is never called met or behind.

    Examples
    --------
    >>> ahead = forecast([0, 4, 8, 12], [0.50, 0.54, 0.58, 0.62], target=0.8)
    >>> judge(Missing.OK, met=False, ahead=ahead, due_weeks=20.0).value
    'on_track'
    """
    absent = {
        Missing.NO_DATA: Progress.NO_DATA,
        Missing.SUPPRESSED: Progress.WITHHELD,
        Missing.NOT_APPLICABLE: Progress.NOT_APPLICABLE,
    }
    if state in absent:
        return absent[state]
    if met:
        return Progress.MET
    if math.isnan(due_weeks):
        return Progress.SHORT
    if due_weeks < 0:
        return Progress.BEHIND
    if ahead.outlook == Outlook.NO_PACE:
        return Progress.SHORT
    in_time = ahead.outlook == Outlook.REACHED and ahead.weeks <= due_weeks
    return Progress.ON_TRACK if in_time else Progress.BEHIND
