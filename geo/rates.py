"""Rates that small areas can bear: trailing sums, empirical-Bayes smoothing, reliability."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

from geo.arrays import BoolArray, FloatArray, amounts, positive
from geo.errors import ShapeError, UnitError


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
    number = amounts("counts", counts, ndim=(1, 2))
    at_risk = amounts("persons", persons, ndim=(1, 2))
    scale = positive("per", per, unit="persons")
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
        weight = prior / (prior + mean / n)
        smoothed = mean + (rate - mean) * weight
        smoothed = np.where(mean == 0, 0.0, smoothed)
    return np.where(known, smoothed * scale, np.nan)


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
