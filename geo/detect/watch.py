"""The default policy: many areas watched at once, each by the method its history allows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from geo.arrays import FloatArray, IntArray, amounts
from geo.detect.ears import ears
from geo.detect.farrington import farrington_flexible
from geo.errors import ShapeError, UnitError

# A score above it says no more: the p value is then below the least float64.
HIGHEST_SCORE = 38.0


class Method(IntEnum):
    """What a week was held against."""

    NONE = 0
    EARS = 1
    FARRINGTON = 2


class Look(IntEnum):
    """What stood out most: the area's own week, its last weeks, or it with its neighbours."""

    OWN_WEEK = 0
    OWN_WEEKS = 1
    NEIGHBOURS = 2
    NEIGHBOURS_WEEKS = 3


@dataclass(frozen=True)
class Detection:
    """What the policy says of each tested week and area; all arrays have shape (n_at, n_areas).

    Attributes
    ----------
    expected : float64, count of the area in the week that its past leads to expect; NaN unknown.
    upper_bound : float64, largest count of the area in the week that is usual; NaN unknown.
    pvalue : float64, chance of what was seen where nothing is unusual; NaN where unknown.
    score : float64, `pvalue` in standard deviations of a normal variable, 0 at p = .5 and above,
        at most `HIGHEST_SCORE`; NaN where unknown.
    excess : float64, cases above expectation in the look that stood out most; NaN where unknown.
    method : int8, `Method`.
    look : int8, `Look`, what the score is of.
    reach : int64, areas in that look, the area itself included; 0 where unknown.
    """

    expected: FloatArray
    upper_bound: FloatArray
    pvalue: FloatArray
    score: FloatArray
    excess: FloatArray
    method: npt.NDArray[np.int8]
    look: npt.NDArray[np.int8]
    reach: IntArray


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
) -> Detection:
    """Hold weeks of many areas against their past, each by the best method its history allows.

    Farrington flexible where at least `min_years` years are known before the week, EARS where
    fewer are.

    Parameters
    ----------
    counts : float64, shape (n_weeks, n_areas), >= 0, consecutive weeks in rising order; NaN where
        there is no data.
    at : int, shape (n_at,), positions of the weeks to test.
    nearest : int64, shape (n_areas, k), the other areas in rising order of distance; -1 where
        there are no more. None: areas without neighbours.
    freq : weeks in a year.
    alpha : one-sided error probability of `upper_bound`.
    min_years, max_years : years of history that Farrington needs, and those it takes at most.
    min_sigma : least standard deviation of EARS, one for all or shape of `counts`.

    Returns
    -------
    Detection : arrays of shape (n_at, n_areas).

    Raises
    ------
    ShapeError : `counts` is no table, or `nearest` has not one row an area.
    UnitError : a count is negative or infinite, or an option is out of range.

    Notes
    -----
    O(n_at x n_areas x years x freq). Noufaily et al. 2013; Hutwagner et al. 2003.

    Examples
    --------
    >>> counts = np.full((320, 2), 10.0)
    >>> counts[319, 1] = 40.0
    >>> found = watch_areas(counts, at=[319])
    >>> found.method.tolist(), (found.score > 4).tolist()
    ([[2, 2]], [[False, True]])
    """
    table = amounts("counts", counts, ndim=(2,))
    weeks = np.atleast_1d(np.asarray(at, dtype=np.int64))
    if not 1 <= min_years <= max_years:
        raise UnitError(f"min_years: {min_years}; wanted 1 to max_years = {max_years}")
    if nearest is not None and len(np.asarray(nearest)) != table.shape[1]:
        raise ShapeError(
            f"nearest: {len(np.asarray(nearest))} rows; wanted one an area, {table.shape[1]}"
        )
    short = ears(table, method="C2", min_sigma=min_sigma, exclude_alarms=True, min_observed=5)
    height = short.score[weeks]
    expected, upper = short.expected[weeks].copy(), short.upper_bound[weeks].copy()
    score = np.clip(height, 0.0, HIGHEST_SCORE)
    method = np.where(np.isnan(height), Method.NONE, Method.EARS).astype(np.int8)
    for years in range(max_years, min_years - 1, -1):
        # Each week takes the most years that lie before it.
        room = (weeks >= freq * years + 3) & (
            (years == max_years) | (weeks < freq * (years + 1) + 3)
        )
        if not room.any():
            continue
        found = farrington_flexible(
            table, at=weeks[room], freq=freq, b=years, alpha=alpha, limit54=(0, 1)
        )
        rows = np.flatnonzero(room)
        known = ~np.isnan(found.pvalue)
        at_rows, at_areas = np.nonzero(known)
        place = rows[at_rows], at_areas
        expected[place] = found.expected[known]
        upper[place] = found.upper_bound[known]
        score[place] = np.clip(-ndtri(found.pvalue[known]), 0.0, HIGHEST_SCORE)
        method[place] = Method.FARRINGTON
    unknown = method == Method.NONE
    return Detection(
        expected=expected,
        upper_bound=upper,
        pvalue=np.asarray(ndtr(-score)),
        score=score,
        excess=table[weeks] - expected,
        method=method,
        look=np.full(method.shape, Look.OWN_WEEK, dtype=np.int8),
        reach=np.where(unknown, 0, 1).astype(np.int64),
    )
