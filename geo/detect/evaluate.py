"""How well alarms find outbreaks that are known: detected, how early, and how often for nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from geo.arrays import BoolArray, FloatArray, floats
from geo.errors import ShapeError, UnitError

_DRAWS = 500


class Estimate(NamedTuple):
    """A figure with its interval; NaN where there is nothing to tell it from.

    Attributes
    ----------
    value, low, high : float.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Skill:
    """Skill of a detector over replicates with at most one outbreak each.

    Attributes
    ----------
    fpr : false positive rate: alarms outside outbreaks / weeks (of areas) outside outbreaks.
    pod : probability of detection: outbreaks with an alarm from their first week to their last.
    pod_first_week : outbreaks with an alarm in their first week.
    sensitivity : weeks (of areas) of outbreaks with an alarm / weeks (of areas) of outbreaks.
    ppv : positive predictive value: alarms within outbreaks / alarms.
    timeliness : mean weeks from the first week of an outbreak to its first alarm, among detected.
    n_outbreaks : replicates with an outbreak.
    """

    fpr: Estimate
    pod: Estimate
    pod_first_week: Estimate
    sensitivity: Estimate
    ppv: Estimate
    timeliness: Estimate
    n_outbreaks: int


def evaluate_alarms(
    alarms: npt.ArrayLike,
    outbreak: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    known: npt.ArrayLike | None = None,
    level: float = 0.95,
) -> Skill:
    """Hold alarms against the outbreaks that there were.

    In space an outbreak counts as found where there is an alarm in one of its areas while it
    lasts there; an alarm next to it is a false one.

    Parameters
    ----------
    alarms : bool, shape (n_replicates, n_weeks) or (n_replicates, n_weeks, n_areas).
    outbreak : bool, same shape, weeks (and areas) of the outbreak, from its first to its last case;
        at most one outbreak a replicate, none is allowed.
    rng : for the bootstrap.
    known : bool, same shape, False where the detector had no answer: left out of rates by week,
        but an outbreak it did not answer for is one it did not find. None: all.
    level : probability of the intervals.

    Returns
    -------
    Skill : Wilson intervals of `pod` and `pod_first_week`, bootstrap over replicates of the others.

    Raises
    ------
    ShapeError : shapes differ, or have other than two or three dimensions.
    UnitError : `level` is no probability between 0 and 1.

    Notes
    -----
    O(size + draws x n_replicates). Definitions of Bédubourg & Le Strat 2017; Wilson 1927;
    Efron 1979.

    Examples
    --------
    >>> outbreak = np.array([[0, 1, 1, 0], [0, 0, 1, 1]], dtype=bool)
    >>> alarms = np.array([[1, 0, 1, 0], [0, 0, 0, 0]], dtype=bool)
    >>> found = evaluate_alarms(alarms, outbreak, rng=np.random.default_rng(1))
    >>> found.pod.value, found.fpr.value, found.timeliness.value
    (0.5, 0.25, 1.0)
    """
    raised, truth, answered = _cubes(alarms, outbreak, known)
    if not 0 < level < 1:
        raise UnitError(f"level: {level!r}; wanted a probability above 0 and below 1")
    hit = raised & truth
    by_week: BoolArray = np.asarray(truth.any(axis=2))
    hit_week: BoolArray = np.asarray(hit.any(axis=2))
    has: BoolArray = np.asarray(by_week.any(axis=1))
    found: BoolArray = np.asarray(hit_week.any(axis=1))
    first = by_week.argmax(axis=1)
    wait = (hit_week.argmax(axis=1) - first).astype(np.float64)

    def total(mask: BoolArray) -> FloatArray:
        return np.asarray(mask.sum(axis=(1, 2)), dtype=np.float64)

    shares = {
        "fpr": (total(raised & ~truth & answered), total(~truth & answered)),
        "sensitivity": (total(hit & answered), total(truth & answered)),
        "ppv": (total(hit), total(raised)),
        "timeliness": (np.where(found, wait, 0.0), found.astype(np.float64)),
    }
    drawn = rng.integers(len(truth), size=(_DRAWS, len(truth))) if len(truth) else None
    estimates = {name: _bootstrap(*part, drawn, level) for name, part in shares.items()}
    in_first = hit_week[np.arange(len(first)), first] if truth.shape[1] else found
    return Skill(
        **estimates,
        pod=wilson_interval(int(found.sum()), int(has.sum()), level=level),
        pod_first_week=wilson_interval(int((in_first & has).sum()), int(has.sum()), level=level),
        n_outbreaks=int(has.sum()),
    )


def score_threshold(
    scores: npt.ArrayLike, outbreak: npt.ArrayLike, *, false_positive_rate: float
) -> float:
    """Least score to alarm from, so that no more than a share of quiet weeks has an alarm.

    Parameters
    ----------
    scores : float64, any shape, higher is more alarming; NaN is no answer and no alarm.
    outbreak : bool, same shape.
    false_positive_rate : wanted at most, 0 to 1.

    Returns
    -------
    Least threshold for `scores >= threshold`; -inf where every quiet week may have an alarm.

    Raises
    ------
    ShapeError : the shapes differ, or no quiet week has a score.
    UnitError : the rate is no probability.

    Notes
    -----
    O(n log n). Scores are compared at equal rates, each by its own threshold, since no detector
    keeps its nominal rate.

    Examples
    --------
    >>> bool(score_threshold([1.0, 2, 3, 4], np.zeros(4, bool), false_positive_rate=0.25) > 3)
    True
    """
    height = np.asarray(scores, dtype=np.float64)
    truth = np.asarray(outbreak, dtype=bool)
    if height.shape != truth.shape:
        raise ShapeError(f"scores {height.shape}, outbreak {truth.shape}; wanted one shape")
    if not 0 <= false_positive_rate <= 1:
        raise UnitError(f"false_positive_rate: {false_positive_rate!r}; wanted 0 to 1")
    quiet = np.sort(height[~truth & ~np.isnan(height)])[::-1]
    if not quiet.size:
        raise ShapeError("scores: no quiet week has one; wanted weeks outside outbreaks")
    allowed = int(np.floor(false_positive_rate * quiet.size + 1e-9))
    return -np.inf if allowed >= quiet.size else float(np.nextafter(quiet[allowed], np.inf))


def wilson_interval(successes: int, trials: int, *, level: float = 0.95) -> Estimate:
    """Interval of a share.

    Parameters
    ----------
    successes, trials : counts, 0 <= successes <= trials.
    level : probability of the interval.

    Returns
    -------
    Estimate : NaN without trials.

    Raises
    ------
    UnitError : more successes than trials, or fewer than 0.

    Notes
    -----
    Wilson 1927, without correction for continuity.

    Examples
    --------
    >>> tuple(round(value, 3) for value in wilson_interval(9, 10))
    (0.9, 0.596, 0.982)
    """
    if not 0 <= successes <= trials:
        raise UnitError(f"successes: {successes} of {trials}; wanted 0 to {trials}")
    if not trials:
        return Estimate(np.nan, np.nan, np.nan)
    z = float(ndtri(0.5 + level / 2.0))
    share = successes / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = (
        z
        * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
        / (1 + z * z / trials)
    )
    return Estimate(share, max(float(middle - half), 0.0), min(float(middle + half), 1.0))


def difference(first: npt.ArrayLike, second: npt.ArrayLike, *, level: float = 0.95) -> Estimate:
    """How much larger one share is than another of the same replicates.

    Parameters
    ----------
    first, second : bool, shape (n,), the same replicates in the same order.
    level : probability of the interval.

    Returns
    -------
    Estimate : share of `first` minus that of `second`; NaN without replicates.

    Raises
    ------
    ShapeError : the lengths differ.

    Notes
    -----
    Normal interval of paired differences, each -1, 0 or 1.

    Examples
    --------
    >>> difference([True, True], [True, False]).value
    0.5
    """
    one, other = floats("first", np.asarray(first)), floats("second", np.asarray(second))
    if one.shape != other.shape:
        raise ShapeError(f"first {one.shape}, second {other.shape}; wanted one shape")
    if not one.size:
        return Estimate(np.nan, np.nan, np.nan)
    gap = one - other
    half = float(ndtri(0.5 + level / 2.0)) * float(gap.std()) / np.sqrt(gap.size)
    return Estimate(float(gap.mean()), float(gap.mean() - half), float(gap.mean() + half))


def _cubes(
    alarms: npt.ArrayLike, outbreak: npt.ArrayLike, known: npt.ArrayLike | None
) -> tuple[BoolArray, BoolArray, BoolArray]:
    raised, truth = np.asarray(alarms, dtype=bool), np.asarray(outbreak, dtype=bool)
    answered = np.ones(truth.shape, dtype=bool) if known is None else np.asarray(known, dtype=bool)
    if not raised.shape == truth.shape == answered.shape or truth.ndim not in (2, 3):
        raise ShapeError(
            f"alarms {raised.shape}, outbreak {truth.shape}, known {answered.shape}; wanted one "
            "shape, (replicates, weeks) or (replicates, weeks, areas)"
        )
    shape = (*truth.shape, 1)[:3]
    raised, truth, answered = (each.reshape(shape) for each in (raised, truth, answered))
    return raised & answered, truth, answered


def _bootstrap(
    top: FloatArray, bottom: FloatArray, drawn: npt.NDArray[np.int64] | None, level: float
) -> Estimate:
    """Ratio of sums over replicates, and its spread where replicates are drawn again."""
    if drawn is None or not bottom.sum() > 0:
        return Estimate(np.nan, np.nan, np.nan)
    tops, bottoms = top[drawn].sum(axis=1), bottom[drawn].sum(axis=1)
    ratios = tops[bottoms > 0] / bottoms[bottoms > 0]
    low, high = np.quantile(ratios, [0.5 - level / 2.0, 0.5 + level / 2.0])
    return Estimate(float(top.sum() / bottom.sum()), float(low), float(high))
