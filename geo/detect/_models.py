"""What the past of each area leads to expect of a week, as the looks of the policy add it up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from geo.arrays import FloatArray, IntArray
from geo.detect import _farrington as parts
from geo.detect._baseline import Rules, baseline
from geo.detect.ears import ears

# The past weighs as much as what was seen of it, what is borrowed as much as this many cases.
_BORROWED_CASES = 1.0
# Degrees of freedom that the spread of seven weeks has, and that it borrows from all areas.
_OWN_FREEDOM, _BORROWED_FREEDOM = 6.0, 10.0
_WINDOW, _N_PERIODS, _PAST = 3, 10, 26
_OUTBREAK = 2.58
_EARS_WEEKS = 7


class Method(IntEnum):
    """What a week was held against."""

    NONE = 0
    EARS = 1
    FARRINGTON = 2


@dataclass(frozen=True)
class Models:
    """Expected counts of some weeks, shape (n_weeks, n_areas); NaN where there is no answer.

    Attributes
    ----------
    mean : float64, expected count, above 0.
    dispersion : float64, variance over mean of a count around it, >= 1.
    error : float64, relative variance of the mean itself, > 0.
    method : int8, `Method`.
    """

    mean: FloatArray
    dispersion: FloatArray
    error: FloatArray
    method: npt.NDArray[np.int8]

    def thinned(self, share: FloatArray) -> Models:
        """What is expected to be in so far, where each case is in with the same chance.

        Parameters
        ----------
        share : shape (n_weeks,), above 0, at most 1.

        Returns
        -------
        Models : a binomial share of a negative binomial count is one again.
        """
        part = share[:, None]
        dispersion = 1.0 + (self.dispersion - 1.0) * part
        return Models(self.mean * part, dispersion, self.error, self.method)


def models(
    counts: FloatArray,
    weeks: IntArray,
    nearest: IntArray | None,
    *,
    freq: int,
    years: tuple[int, int],
    min_sigma: npt.ArrayLike,
) -> Models:
    """What each area's past leads to expect, a little drawn to what its neighbours' pasts do.

    Parameters
    ----------
    counts : shape (n_weeks, n_areas), NaN where unknown.
    weeks : positions of the weeks wanted.
    nearest : shape (n_areas, k), -1 where there are no more; None without neighbours.
    freq : weeks in a year.
    years : least and most years of history for Farrington.
    min_sigma : least standard deviation of EARS.

    Returns
    -------
    Models : shape (len(weeks), n_areas).

    Notes
    -----
    Expectation and its error are mean and relative variance of a Gamma variable; what is borrowed
    is a conjugate prior (Clayton & Kaldor 1987), so that an area that never had a case is not
    expected to have none forever.
    """
    mean, spread, weight, method = _short(counts, weeks, min_sigma)
    for b in range(years[1], years[0] - 1, -1):
        # Each week takes the most years that lie before it.
        room = (weeks >= freq * b + _WINDOW) & (
            (b == years[1]) | (weeks < freq * (b + 1) + _WINDOW)
        )
        rows = np.flatnonzero(room)
        if rows.size:
            part = _long(counts, weeks[rows], freq=freq, b=b)
            known = ~np.isnan(part[0])
            place = rows[np.nonzero(known)[0]], np.nonzero(known)[1]
            for whole, found in zip((mean, spread, weight), part, strict=True):
                whole[place] = found[known]
            method[place] = Method.FARRINGTON
    borrowed = _borrowed(counts, weeks, mean, nearest, span=freq * years[1])
    # Cases seen, and the weeks they were seen in: Gamma(shape, rate) of the expectation.
    shape = weight * mean / spread + _BORROWED_CASES
    weeks_borrowed = np.where(borrowed > 0, _BORROWED_CASES / np.maximum(borrowed, 1e-12), 0.0)
    rate = weight / spread + weeks_borrowed
    return Models(shape / rate, spread, 1.0 / shape, method)


def _long(
    counts: FloatArray, weeks: IntArray, *, freq: int, b: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean, dispersion and weeks' worth of Farrington's regression; NaN where it has none."""
    design = baseline(freq=freq, b=b, w=_WINDOW, n_periods=_N_PERIODS, past=_PAST)
    # Classic: standard errors on the scale of the expectation; level and dispersion are the same.
    rules = Rules(trend=b >= 3, reweight=True, weights_threshold=_OUTBREAK, classic=True)
    found = parts.fits(counts, None, weeks, design, rules=rules, p_threshold_trend=1.0)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        mean = np.exp(found.eta)
        # After zeros alone nothing is known but how many weeks there were.
        empty = (2 * _WINDOW + 1) * b
        weight = np.where(mean > 0, found.dispersion / (found.error**2 * mean), empty)
    mean = np.where(np.isfinite(mean) & np.isfinite(weight), mean, np.nan)
    return mean, found.dispersion, np.minimum(weight, empty)


def _short(
    counts: FloatArray, weeks: IntArray, min_sigma: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray, npt.NDArray[np.int8]]:
    """The same of EARS: seven weeks that raised no alarm; their spread is drawn to that of all."""
    # Only the weeks asked for are kept: all of them for all cells are a gigabyte.
    mean = ears(
        counts, method="C2", min_sigma=min_sigma, exclude_alarms=True, min_observed=5
    ).expected[weeks]
    mean[np.isnan(counts[weeks])] = np.nan
    floor = np.broadcast_to(np.asarray(min_sigma, dtype=np.float64), counts.shape)[weeks]
    bound = ears(counts, method="C2", exclude_alarms=True, min_observed=5)
    # The bound of C2 lies 3.09 deviations above its mean.
    sigma = (bound.upper_bound[weeks] - bound.expected[weeks]) / 3.090232306167813
    del bound
    with np.errstate(invalid="ignore", divide="ignore"):
        own = np.where(mean > 0, sigma**2 / mean, np.nan)
        busy = np.where(mean >= 1, own, np.nan)
    usual = np.array([max(_middle(row), 1.0) for row in busy])[:, None]
    freedom = _OWN_FREEDOM + _BORROWED_FREEDOM
    spread = (_OWN_FREEDOM * np.nan_to_num(own) + _BORROWED_FREEDOM * usual) / freedom
    spread = np.maximum(np.maximum(spread, floor**2 / np.maximum(mean, 1.0)), 1.0)
    method = np.where(np.isnan(mean), Method.NONE, Method.EARS).astype(np.int8)
    return mean, spread, np.full(mean.shape, float(_EARS_WEEKS)), method


def _middle(row: FloatArray) -> float:
    known = row[~np.isnan(row)]
    return float(np.median(known)) if known.size else 1.0


def _borrowed(
    counts: FloatArray,
    weeks: IntArray,
    mean: FloatArray,
    nearest: IntArray | None,
    *,
    span: int,
) -> FloatArray:
    """What is expected where the past of the area itself says little: 0 where nobody knows."""
    if nearest is not None and nearest.shape[1]:
        near = np.where(nearest >= 0, nearest, 0)
        result = np.zeros(mean.shape)
        for row in np.flatnonzero(~np.isnan(mean).all(axis=1)):
            own = mean[row]
            around = np.where(nearest >= 0, own[near], np.nan)
            both = np.concatenate([own[:, None], around], axis=1)
            known = ~np.isnan(both)
            result[row] = np.where(known, both, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        return result
    known = ~np.isnan(counts)
    sums = np.cumsum(np.where(known, counts, 0.0), axis=0)
    seen = np.cumsum(known, axis=0)
    last = np.maximum(weeks - _PAST, 0)
    first = np.maximum(last - span, 0)
    total, n = sums[last] - sums[first], seen[last] - seen[first]
    long_run: FloatArray = total / np.maximum(n, 1)
    return long_run
