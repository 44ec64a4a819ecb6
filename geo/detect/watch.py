"""The default policy: many areas watched at once, each by the method its history allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from geo.arrays import FloatArray, IntArray, amounts
from geo.detect import _farrington as parts
from geo.detect._models import Method, models
from geo.detect._pooling import Look, chance_of, pool
from geo.detect.control import own_scores
from geo.detect.hotspot import discoveries
from geo.errors import ShapeError, UnitError

# A score above it says no more: the p value is then below the least float64.
HIGHEST_SCORE = 38.0
# Weeks and neighbours that looks add up, and how much each look counts: windows within rings.
WINDOWS = (1, 2)
RINGS = (0, 4, 12)
# Tried on simulated outbreaks: more weight on the last weeks finds more, but later.
_WEIGHTS = {False: (0.85, 0.15), True: (0.34, 0.1, 0.14, 0.14, 0.14, 0.14)}

__all__ = [
    "HIGHEST_SCORE", "RINGS", "WINDOWS", "Detection", "FalseAlarms", "Look", "Method",
    "false_alarms", "watch_areas",
]  # fmt: skip


@dataclass(frozen=True)
class Detection:
    """What the policy says of each tested week and area; all arrays have shape (n_at, n_areas).

    Attributes
    ----------
    expected : float64, count of the area in the week that its past leads to expect; NaN unknown.
    upper_bound : float64, largest count of the area in the week that is usual; NaN unknown.
    pvalue : float64, chance of what was seen where nothing is unusual; NaN where unknown.
    score : float64, `pvalue` in standard deviations of a normal variable, 0 at p = .5 and above,
        at most `HIGHEST_SCORE`, and no more than the area's own week bears out (`own_scores`); NaN
        where unknown.
    excess : float64, cases above expectation in the look that stood out most; NaN where unknown.
    method : int8, `Method`.
    look : int8, `Look`, what the score is of.
    reach : int64, areas in that look, the area itself included; 0 where unknown.
    variance : float64, of the count of the area in the week where nothing is unusual, that of
        the expectation included; NaN where unknown.
    """

    expected: FloatArray
    upper_bound: FloatArray
    pvalue: FloatArray
    score: FloatArray
    excess: FloatArray
    method: npt.NDArray[np.int8]
    look: npt.NDArray[np.int8]
    reach: IntArray
    variance: FloatArray


@dataclass(frozen=True)
class FalseAlarms:
    """What many tests at once mean for the alarms of each week; all arrays have shape (n_at,).

    Attributes
    ----------
    n_tests : int64, areas with an answer.
    n_alarms : int64, those of them with an alarm.
    expected : float64, alarms that the week would have where nothing is unusual anywhere, at most.
    fdr : float64, 0..1, share of the alarms that is false, at most; NaN without alarms.
    """

    n_tests: IntArray
    n_alarms: IntArray
    expected: FloatArray
    fdr: FloatArray


def watch_areas(
    counts: npt.ArrayLike,
    *,
    at: npt.ArrayLike,
    nearest: npt.ArrayLike | None = None,
    freq: int = 52,
    alpha: float = 0.01,
    min_years: int = 3,
    max_years: int = 5,
    min_sigma: npt.ArrayLike = 1.0,
    reported: npt.ArrayLike | None = None,
) -> Detection:
    """Hold weeks of many areas against their past, each by the best method its history allows.

    Farrington flexible where at least `min_years` years are known before the week, EARS where
    fewer are. Each area is looked at by itself and with its nearest others, in the week and in
    the last ones; all looks together make one p value.

    Parameters
    ----------
    counts : float64, shape (n_weeks, n_areas), >= 0, consecutive weeks in rising order; NaN where
        there is no data.
    at : int, shape (n_at,), positions of the weeks to test.
    nearest : int64, shape (n_areas, k), the other areas in rising order of distance; -1 where
        there are no more; the first `max(RINGS)` are used. None: areas without neighbours.
    freq : weeks in a year.
    alpha : one-sided error probability of `upper_bound`.
    min_years, max_years : years of history that Farrington needs, and those it takes at most.
    min_sigma : least standard deviation of a count in EARS, one for all or shape of `counts`.
    reported : float64, shape (n_weeks,), share of each week's final count that is in, above 0, at
        most 1 (`reporting_completeness`). What is expected is then what would be in by now. None:
        all weeks are complete.

    Returns
    -------
    Detection : arrays of shape (n_at, n_areas). A higher count of the tested week never lowers
        a score; an unknown neighbour or week before is left out of the looks.

    Raises
    ------
    ShapeError : `counts` is no table, `nearest` has not one row of integers an area, or `at` is
        no list of integers.
    UnitError : a count is negative or infinite, a position does not exist, or an option is out
        of range.

    Notes
    -----
    O(n_at x n_areas x (years x freq + max(RINGS))). Noufaily et al. 2013; Hutwagner et al. 2003;
    looks are combined after Liu & Xie 2020.

    Examples
    --------
    >>> counts = np.full((320, 2), 10.0)
    >>> counts[319, 1] = 40.0
    >>> found = watch_areas(counts, at=[319])
    >>> found.method.tolist(), (found.score > 4).tolist()
    ([[2, 2]], [[False, True]])
    """
    table = amounts("counts", counts, ndim=(2,))
    weeks = parts.positions(np.atleast_1d(np.asarray(at)), len(table))
    if not 1 <= min_years <= max_years:
        raise UnitError(f"min_years: {min_years}; wanted 1 to max_years = {max_years}")
    if not 0 < alpha < 0.5:
        raise UnitError(f"alpha: {alpha!r}; wanted a probability above 0 and below 0.5")
    near = _neighbours(nearest, table.shape[1])
    # Looks reach back: their weeks need models as well.
    back = weeks[:, None] - np.arange(max(WINDOWS))
    needed = np.unique(back[back >= 0])
    share = _shares(reported, len(table))
    found = models(
        table / share[:, None],
        needed,
        near,
        freq=freq,
        years=(min_years, max_years),
        min_sigma=min_sigma,
    ).thinned(share[needed])
    rows = np.where(back >= 0, np.searchsorted(needed, back), -1)
    pooled = near is not None and near.shape[1] > 0
    seen = table[needed]
    looks = [
        pool(
            seen,
            found,
            near,
            rows=steps,
            windows=WINDOWS,
            rings=RINGS if pooled else RINGS[:1],
            weights=np.array(_WEIGHTS[pooled]),
        )
        for steps in rows
    ]
    shape = (len(weeks), table.shape[1])

    def stacked(name: str) -> npt.NDArray[np.generic]:
        return np.reshape([getattr(look, name) for look in looks], shape)

    here = rows[:, 0]
    mean, dispersion, error = found.mean[here], found.dispersion[here], found.error[here]
    variance = mean * dispersion + mean * mean * error
    pooled_p = stacked("pvalue").astype(np.float64)
    score = np.clip(-ndtri(pooled_p), 0.0, HIGHEST_SCORE)
    score = own_scores(score, table[weeks], mean, variance)
    return Detection(
        expected=mean,
        upper_bound=parts.count_bound(table[weeks], mean, variance / mean, 1.0 - alpha)[0],
        # Never smaller than the score says: what neighbours lend beyond it is not counted.
        pvalue=np.fmax(pooled_p, ndtr(-score)),
        score=score,
        excess=stacked("excess").astype(np.float64),
        method=found.method[here],
        look=stacked("look").astype(np.int8),
        reach=stacked("reach").astype(np.int64),
        variance=variance,
    )


def false_alarms(
    found: Detection, counts: npt.ArrayLike, *, least_score: float, least_count: float = 1.0
) -> FalseAlarms:
    """How many alarms of a week chance alone would raise, and what share of those raised it is.

    An alarm is a score of at least `least_score` on a count of at least `least_count`.

    Parameters
    ----------
    found : what `watch_areas` said of the weeks.
    counts : float64, shape (n_at, n_areas), the counts of these weeks; NaN where unknown.
    least_score : score of an alarm, 0 to `HIGHEST_SCORE`.
    least_count : count of an alarm, >= 0.

    Returns
    -------
    FalseAlarms : arrays of shape (n_at,).

    Raises
    ------
    ShapeError : `counts` has another shape than `found`.
    UnitError : a bound is out of range, or a count is negative or infinite.

    Notes
    -----
    O(n_at x n_areas log n_areas). Chance raises an alarm in an area no more often than its score
    reaches `least_score`, nor than its count reaches `least_count`: where few cases are expected
    the second is far less. The sum over areas is `expected`. `fdr` is the largest adjusted p
    value (`discoveries`, Benjamini & Hochberg 1995) among the alarms, no more than `expected`
    over `n_alarms`. Both hold however the areas hang together on average; in one week false
    alarms come in clusters, since neighbours look at each other.

    Examples
    --------
    >>> counts = np.full((320, 50), 10.0)
    >>> counts[319, 1] = 40.0
    >>> found = watch_areas(counts, at=[319])
    >>> week = false_alarms(found, counts[[319]], least_score=2.0, least_count=5.0)
    >>> week.n_tests.tolist(), week.n_alarms.tolist(), week.expected.round(1).tolist()
    ([50], [1], [1.1])
    """
    table = amounts("counts", counts, ndim=(2,))
    if table.shape != found.score.shape:
        raise ShapeError(f"counts: shape {table.shape}; wanted that of found, {found.score.shape}")
    if not 0 <= least_score <= HIGHEST_SCORE:
        raise UnitError(f"least_score: {least_score!r}; wanted 0 to {HIGHEST_SCORE}")
    if not (least_count >= 0 and np.isfinite(least_count)):
        raise UnitError(f"least_count: {least_count!r}; wanted 0 or more")
    tested = ~np.isnan(found.score)
    alarm = tested & (found.score >= least_score) & (table >= least_count)
    mean, variance = found.expected[tested], found.variance[tested]
    many = chance_of(np.full(mean.shape, least_count), mean, variance)
    chance = np.zeros(table.shape)
    chance[tested] = np.minimum(many, float(ndtr(-least_score)))
    expected, n_alarms = chance.sum(axis=1), alarm.sum(axis=1, dtype=np.int64)
    fdr = np.full(len(table), np.nan)
    for week in np.flatnonzero(n_alarms):
        # Looks that speak neither for nor against an alarm are told as a half.
        whole = np.where(found.score[week] > 0, found.pvalue[week], 1.0)
        whole[~tested[week]] = np.nan
        adjusted = discoveries(whole)[alarm[week]].max()
        fdr[week] = min(adjusted, expected[week] / n_alarms[week], 1.0)
    return FalseAlarms(tested.sum(axis=1, dtype=np.int64), n_alarms, expected, fdr)


def _shares(reported: npt.ArrayLike | None, n_weeks: int) -> FloatArray:
    if reported is None:
        return np.ones(n_weeks)
    share = amounts("reported", reported)
    if share.shape != (n_weeks,):
        raise ShapeError(f"reported: shape {share.shape}; wanted one share a week, ({n_weeks},)")
    if not ((share > 0) & (share <= 1)).all():
        raise UnitError("reported: share(s) outside 0 to 1, or unknown; wanted above 0, at most 1")
    return share


def _neighbours(nearest: npt.ArrayLike | None, n_areas: int) -> IntArray | None:
    if nearest is None:
        return None
    array = np.asarray(nearest)
    if array.ndim != 2 or len(array) != n_areas:
        raise ShapeError(f"nearest: {len(array)} rows; wanted one an area, {n_areas}")
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise ShapeError(f"nearest: dtype {array.dtype}; wanted integers, -1 where no more")
    if ((array < -1) | (array >= n_areas)).any():
        raise UnitError(f"nearest: position(s) outside -1..{n_areas - 1}; wanted those of areas")
    return array[:, : max(RINGS)].astype(np.int64)
