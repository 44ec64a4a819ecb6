"""Rates that small areas can bear: trailing sums, empirical-Bayes smoothing, reliability."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse, special

from geo.arrays import BoolArray, FloatArray, amounts, positive, same_length
from geo.errors import ShapeError, UnitError


class Interval(NamedTuple):
    """Two ends between which a share or a rate lies with a stated confidence.

    Attributes
    ----------
    low : float64, shape of what was given; NaN where nothing is known.
    high : the same, never below `low`.
    """

    low: FloatArray
    high: FloatArray


def trailing_sum(counts: npt.ArrayLike, *, weeks: int) -> FloatArray:
    """Sum of each week and the weeks before it.

    Parameters
    ----------
    counts : float64, shape (n_weeks,) or (n_weeks, n_areas), >= 0, consecutive weeks in rising
        order; NaN where there is no data.
    weeks : length of the window, this week included, >= 1.

    Returns
    -------
    float64, shape of `counts`; NaN where the window reaches before the first week or holds a
        week without data: a part of a sum is no sum.

    Raises
    ------
    ShapeError : other than one or two dimensions.
    UnitError : a count is negative or infinite, or `weeks` is below 1.

    Notes
    -----
    O(n x weeks).

    Examples
    --------
    >>> trailing_sum([1, 2, 3], weeks=2).tolist()
    [nan, 3.0, 5.0]
    """
    table = amounts("counts", counts, ndim=(1, 2))
    if weeks < 1:
        raise UnitError(f"weeks: {weeks}; wanted 1 or more")
    total = np.full(table.shape, np.nan)
    n_full = len(table) - weeks + 1
    if n_full > 0:
        total[weeks - 1 :] = sum(table[k : k + n_full] for k in range(weeks))
    return total


def smoothed_rates(
    counts: npt.ArrayLike,
    persons: npt.ArrayLike,
    *,
    per: float = 10_000.0,
    neighbours: sparse.csr_array | None = None,
) -> FloatArray:
    """Empirical-Bayes rates: small populations are drawn towards the mean.

    Parameters
    ----------
    counts : float64, shape (n_areas,) or (n_weeks, n_areas), >= 0; NaN where there is no data.
    persons : float64 [persons at risk], shape (n_areas,) or that of `counts`; NaN where unknown.
    per : rates are per so many persons, > 0.
    neighbours : sparse CSR, shape (n_areas, n_areas), weights >= 0, row i the neighbours of area i;
        itself is added with weight 1. None shrinks towards the mean of all areas, otherwise
        towards that of the neighbours. Each week is smoothed by itself.

    Returns
    -------
    float64 [per `per` persons], shape of `counts`; NaN where the count is NaN or nobody lives.

    Raises
    ------
    ShapeError : shapes do not fit.
    UnitError : a count, population or weight is negative or infinite.

    Notes
    -----
    O(n_weeks x (n_areas + n_links)). Marshall 1991 (Applied Statistics 40:283), global: with mean
    m = sum(c) / sum(n), variance A = max(0, sum(n (r - m)^2) / sum(n) - m / mean(n)), the estimate
    is m + (r - m) A / (A + m / n). Local: the same over the area and its neighbours. Where m is 0
    the rate is 0.

    Examples
    --------
    >>> smoothed_rates([40, 0, 30], [100, 10, 1000], per=100).round(1).tolist()
    [38.2, 2.3, 3.0]
    """
    scale = positive("per", per, unit="persons")
    prior = _prior(counts, persons, neighbours)
    with np.errstate(invalid="ignore", divide="ignore"):
        # Equal to (m^2 / A + c) / (m / A + n), the mean of the gamma distribution below.
        weight = prior.variance / (prior.variance + prior.mean / prior.persons)
        smoothed = prior.mean + (prior.counts / prior.persons - prior.mean) * weight
        smoothed = np.where(prior.mean == 0, 0.0, smoothed)
    return np.where(prior.known, smoothed * scale, np.nan)


def rate_interval(
    counts: npt.ArrayLike,
    persons: npt.ArrayLike,
    *,
    per: float = 10_000.0,
    neighbours: sparse.csr_array | None = None,
    level: float = 0.95,
) -> Interval:
    """Credible interval of a smoothed rate, where counts are a sample of what might have come.

    A register that is complete has no sampling error; the interval then says how far the rate of
    another period could lie from this one by chance alone.

    Parameters
    ----------
    counts, persons, per, neighbours : as for `smoothed_rates`.
    level : probability, between 0 and 1.

    Returns
    -------
    Interval of rates [per `per` persons], shape of `counts`; NaN where there is no rate. Where the
        rates differ no more than chance would let them (A = 0), both ends are the mean: the
        model then takes all areas for equal.

    Raises
    ------
    ShapeError : shapes do not fit.
    UnitError : a count, population or weight is negative or infinite, or `level` is not between
        0 and 1.

    Notes
    -----
    O(n_weeks x (n_areas + n_links)). Poisson counts whose rates are gamma distributed with mean m
    and variance A (Clayton & Kaldor 1987, Biometrics 43:671) have the posterior
    Gamma(m^2 / A + c, m / A + n), whose mean is Marshall's estimate. m and A are estimated and
    taken as known, so that the interval is somewhat too narrow where there are few areas.

    Examples
    --------
    >>> found = rate_interval([40, 0, 30], [100, 10, 1000], per=100)
    >>> found.low.round(1).tolist(), found.high.round(1).tolist()
    ([27.3, 0.0, 2.0], [50.8, 13.4, 4.2])
    """
    scale, tail = positive("per", per, unit="persons"), (1 - _confidence(level)) / 2
    prior = _prior(counts, persons, neighbours)
    with np.errstate(invalid="ignore", divide="ignore"):
        shape = prior.mean**2 / prior.variance + prior.counts
        rate = prior.mean / prior.variance + prior.persons
        ends = [special.gammaincinv(shape, share) / rate for share in (tail, 1 - tail)]
    flat = prior.variance == 0
    low, high = (
        np.where(prior.known, np.where(flat, prior.mean, end) * scale, np.nan) for end in ends
    )
    return Interval(low, high)


class _Prior(NamedTuple):
    """What rates are drawn towards: mean and variance, and the counts that are known."""

    counts: FloatArray
    persons: FloatArray
    known: BoolArray
    mean: FloatArray
    variance: FloatArray


def _prior(
    counts: npt.ArrayLike, persons: npt.ArrayLike, neighbours: sparse.csr_array | None
) -> _Prior:
    number = amounts("counts", counts, ndim=(1, 2))
    at_risk = amounts("persons", persons, ndim=(1, 2))
    if at_risk.shape not in (number.shape, number.shape[-1:]):
        raise ShapeError(
            f"persons: shape {at_risk.shape} for counts of shape {number.shape}; "
            "wanted one population an area"
        )
    at_risk = np.broadcast_to(at_risk, number.shape)
    known = ~np.isnan(number) & (at_risk > 0)
    c, n = np.where(known, number, 0.0), np.where(known, at_risk, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = c / n
        squares = np.where(known, c * rate, 0.0)
        if neighbours is None:
            mean = c.sum(axis=-1, keepdims=True) / n.sum(axis=-1, keepdims=True)
            gaps = np.where(known, n * (rate - mean) ** 2, 0.0)
            variance = gaps.sum(axis=-1, keepdims=True) / n.sum(axis=-1, keepdims=True)
            mean_n = n.sum(axis=-1, keepdims=True) / known.sum(axis=-1, keepdims=True)
        else:
            near = _with_self(neighbours, number.shape[-1])
            total_n = _spread(near, n)
            mean = _spread(near, c) / total_n
            variance = _spread(near, squares) / total_n - mean**2
            mean_n = total_n / _spread(near, known.astype(np.float64))
        prior = np.maximum(variance - mean / mean_n, 0.0)
    return _Prior(c, n, known, np.broadcast_to(mean, c.shape), np.broadcast_to(prior, c.shape))


def unreliable(counts: npt.ArrayLike, *, threshold: float = 20.0) -> BoolArray:
    """Whether a rate rests on too few cases to be read by itself.

    Parameters
    ----------
    counts : float64, any of one or two dimensions, >= 0; NaN where there is no data.
    threshold : least number of cases of a reliable rate; 20 as CDC WONDER marks rates.

    Returns
    -------
    bool, shape of `counts`; False where there is no data.

    Raises
    ------
    UnitError : a count is negative or infinite, or the threshold is not positive.

    Examples
    --------
    >>> unreliable([19, 20, float("nan")]).tolist()
    [True, False, False]
    """
    limit = positive("threshold", threshold, unit="cases")
    few: BoolArray = amounts("counts", counts, ndim=(1, 2)) < limit
    return few


def share_interval(
    successes: npt.ArrayLike, trials: npt.ArrayLike, *, level: float = 0.95
) -> Interval:
    """Confidence interval of a share that comes from a sample, such as a survey.

    Only a sample has one: a share of all rooms or all residents is what it is.

    Parameters
    ----------
    successes : float64 [persons asked who said yes], shape (n,), 0 <= successes <= trials; NaN
        where unknown.
    trials : float64 [persons asked], shape (n,); NaN where unknown.
    level : confidence, between 0 and 1.

    Returns
    -------
    Interval of shares 0..1, shape (n,); NaN where either is unknown or nobody was asked.

    Raises
    ------
    ShapeError : lengths differ.
    UnitError : an amount is negative or infinite, more said yes than were asked, or `level` is not
        between 0 and 1.

    Notes
    -----
    O(n). Wilson 1927 (JASA 22:209), without continuity correction: the shares p whose score test
    (x/n - p)^2 <= z^2 p (1 - p) / n does not reject; unlike x/n +- z s it stays within 0..1 and
    has a width where all or nobody said yes. Its coverage is near the level on average and may
    fall somewhat below it near 0 and 1 (Brown, Cai & DasGupta 2001). A simple random sample is
    supposed: answers that come in clusters make the true interval wider.

    Examples
    --------
    >>> found = share_interval([0, 63], [20, 100])
    >>> found.low.round(3).tolist(), found.high.round(3).tolist()
    ([0.0, 0.532], [0.161, 0.718])
    """
    yes, asked = amounts("successes", successes), amounts("trials", trials)
    same_length(successes=yes, trials=asked)
    more = yes > asked
    if more.any():
        first = int(np.flatnonzero(more)[0])
        raise UnitError(
            f"successes: {int(more.sum())} above trials, first {yes[first]:g} of {asked[first]:g} "
            f"at {first}; wanted at most as many as were asked"
        )
    z2 = special.ndtri(0.5 + _confidence(level) / 2) ** 2
    n = np.where((asked > 0) & ~np.isnan(yes), asked, np.nan)
    middle = (yes + z2 / 2) / (n + z2)
    half = np.sqrt(z2 * (yes * (n - yes) / n + z2 / 4)) / (n + z2)
    # Without the exact ends, rounding would leave 1e-17 where nobody said yes.
    low = np.where(yes == 0, 0.0 * n, np.maximum(middle - half, 0.0))
    high = np.where(yes == n, 1.0, np.minimum(middle + half, 1.0))
    return Interval(low, high)


def _confidence(level: float) -> float:
    if not 0 < level < 1:
        raise UnitError(f"level: {level!r}; wanted a confidence between 0 and 1, such as 0.95")
    return float(level)


def _with_self(neighbours: sparse.csr_array, n: int) -> sparse.csr_array:
    near = sparse.csr_array(neighbours).astype(np.float64)
    if near.shape != (n, n):
        raise ShapeError(f"neighbours: shape {near.shape}; wanted ({n}, {n})")
    if near.nnz and not (np.isfinite(near.data) & (near.data >= 0)).all():
        raise UnitError("neighbours: a weight negative, infinite or NaN; wanted weights >= 0")
    near.setdiag(0.0)
    return sparse.csr_array(near + sparse.eye_array(n, format="csr"))


def _spread(near: sparse.csr_array, values: FloatArray) -> FloatArray:
    return np.asarray(near @ values.T, dtype=np.float64).T
