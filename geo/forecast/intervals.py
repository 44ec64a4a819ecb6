"""Prediction intervals, and the score of an interval that was given before its count was known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from geo.arrays import FloatArray, floats, same_length
from geo.errors import ShapeError

# Probability inside, narrower first.
COVERAGES = (0.80, 0.95)
# So many errors' worth of all series stand beside a series' own when its spread is judged.
_SHARED_ERRORS = 20
# Errors of so many weeks ahead, more or less, are taken together.
_NEAR_WEEKS = 2


class Intervals(NamedTuple):
    """Lower and upper ends, both included.

    Attributes
    ----------
    low : float64, shape (2, ...): 80 and 95 % intervals; never below 0.
    high : float64, same shape.
    """

    low: FloatArray
    high: FloatArray


def count_intervals(mean: npt.ArrayLike, variance: npt.ArrayLike) -> Intervals:
    """Intervals of negative binomial counts of a mean and variance.

    Parameters
    ----------
    mean : float64, any shape, >= 0; NaN where unknown.
    variance : float64, same shape; Poisson where it is not above the mean.

    Returns
    -------
    Intervals : whole numbers, shape (2, ...); NaN where the mean or variance is.

    Raises
    ------
    ShapeError : shapes differ.

    Notes
    -----
    O(sum of the means), exact up to a mean of 300; above by the moments (Cornish & Fisher 1938),
    then within one count or 1 %.

    Examples
    --------
    >>> found = count_intervals([4.0], [4.0])
    >>> found.low.tolist(), found.high.tolist()
    ([[2.0], [1.0]], [[7.0], [8.0]])
    """
    expected, spread = np.asarray(mean, np.float64), np.asarray(variance, np.float64)
    if expected.shape != spread.shape:
        raise ShapeError(f"variance: shape {spread.shape}; wanted that of mean, {expected.shape}")
    # Imported here: loading and compiling numba is paid only by those who need it.
    from geo.forecast import _kernels  # noqa: PLC0415

    shares = np.array(sorted(share for inside in COVERAGES for share in _tails(inside)))
    found = _kernels.count_quantiles(expected.ravel(), spread.ravel(), shares, ndtri(shares))
    ends = found.reshape(len(shares), *expected.shape)
    return Intervals(np.stack([ends[1], ends[0]]), np.stack([ends[2], ends[3]]))


def _tails(inside: float) -> tuple[float, float]:
    # Rounded, so that the two tails of 95 % are .025 and .975 exactly.
    return round((1 - inside) / 2, 6), round((1 + inside) / 2, 6)


class ErrorSpread(NamedTuple):
    """How far off a method has been, to be laid around what it says next.

    Attributes
    ----------
    by_series : float64, shape (n_series,), spread of each series in units of `_unit`.
    low, high : float64, shape (2, horizon): what to add to the forecast, times spread and unit.
    """

    by_series: FloatArray
    low: FloatArray
    high: FloatArray


def error_spread(forecast: npt.ArrayLike, actual: npt.ArrayLike) -> ErrorSpread:
    """Learn from past forecasts and what came.

    Parameters
    ----------
    forecast : float64, shape (n_origins, horizon, n_series), >= 0; NaN where there was none.
    actual : float64, same shape; NaN where unknown.

    Returns
    -------
    ErrorSpread : NaN offsets where no error is known.

    Raises
    ------
    ShapeError : shapes differ.

    Notes
    -----
    O(n log n). An error counts in units of the root of its forecast (at least 1) and of its
    series' own spread, which is drawn to that of all series with the weight of 20 errors. The
    offsets are quantiles of these over all series and the weeks ahead within two, with the share
    raised to ceil((n + 1) p) / n as for conformal intervals (Vovk et al. 2005), and do not narrow
    as the weeks go on.

    Examples
    --------
    >>> past = np.full((50, 1, 1), 16.0)
    >>> spread = error_spread(past, past + np.tile([4.0, -4.0], 25)[:, None, None])
    >>> error_intervals(np.full((1, 1), 16.0), spread).high.ravel().tolist()
    [20.0, 20.0]
    """
    said, came = floats("forecast", forecast, ndim=(3,)), floats("actual", actual, ndim=(3,))
    if said.shape != came.shape:
        raise ShapeError(f"actual: shape {came.shape}; wanted that of forecast, {said.shape}")
    horizon = said.shape[1]
    errors = (came - said) / _unit(said)
    known = ~np.isnan(errors)
    squares = np.where(known, errors, 0.0) ** 2
    n = known.sum(axis=(0, 1))
    everyone = squares.sum() / known.sum() if known.any() else np.nan
    by_series = np.sqrt(
        (squares.sum(axis=(0, 1)) + _SHARED_ERRORS * everyone) / (n + _SHARED_ERRORS)
    )
    scaled = np.divide(errors, by_series, out=np.zeros(errors.shape), where=by_series > 0)
    scaled[~known] = np.nan
    low = np.full((len(COVERAGES), horizon), np.nan)
    high = np.full((len(COVERAGES), horizon), np.nan)
    for h in range(horizon):
        near = scaled[:, max(h - _NEAR_WEEKS, 0) : h + _NEAR_WEEKS + 1]
        ordered = np.sort(near[~np.isnan(near)])
        for row, inside in enumerate(COVERAGES):
            if ordered.size:
                upper = int(np.ceil((ordered.size + 1) * _tails(inside)[1])) - 1
                upper = min(upper, ordered.size - 1)
                low[row, h] = min(ordered[ordered.size - 1 - upper], 0.0)
                high[row, h] = max(ordered[upper], 0.0)
    np.fmin.accumulate(low, axis=1, out=low)
    np.fmax.accumulate(high, axis=1, out=high)
    return ErrorSpread(by_series, low, high)


def error_intervals(forecast: npt.ArrayLike, spread: ErrorSpread) -> Intervals:
    """Intervals around forecasts, as wide as the same method's past errors.

    Parameters
    ----------
    forecast : float64, shape (..., horizon, n_series), >= 0; NaN where there is none.
    spread : what `error_spread` learned.

    Returns
    -------
    Intervals : shape (2, ..., horizon, n_series), never below 0; NaN where the forecast is, or
        nothing was learned.

    Raises
    ------
    ShapeError : the last two dimensions are not those of `spread`.

    Notes
    -----
    O(n).

    Examples
    --------
    >>> spread = ErrorSpread(np.ones(1), np.array([[-2.0], [-3.0]]), np.array([[1.0], [2.0]]))
    >>> error_intervals([[4.0]], spread).low.ravel().tolist()
    [0.0, 0.0]
    """
    said = np.asarray(forecast, np.float64)
    wanted = (spread.low.shape[1], same_length(series=spread.by_series))
    if said.shape[-2:] != wanted:
        raise ShapeError(f"forecast: shape {said.shape}; wanted (..., {wanted[0]}, {wanted[1]})")
    unit = _unit(said) * spread.by_series
    ends = [
        np.stack([np.maximum(said + unit * offset[:, np.newaxis], 0.0) for offset in offsets])
        for offsets in (spread.low, spread.high)
    ]
    return Intervals(ends[0], ends[1])


def _unit(forecast: FloatArray) -> FloatArray:
    """Counts spread with the root of their mean; below one they do not spread less."""
    return np.asarray(np.sqrt(np.maximum(forecast, 1.0)))


def weighted_interval_score(
    forecast: npt.ArrayLike, intervals: Intervals, actual: npt.ArrayLike
) -> FloatArray:
    """Score of a forecast with its two intervals: lower is better, 0 is perfect.

    Parameters
    ----------
    forecast : float64, any shape, taken for the median; NaN where there is none.
    intervals : its intervals, shape (2, ...).
    actual : float64, same shape; NaN where unknown.

    Returns
    -------
    float64, same shape, in counts; NaN where anything is unknown.

    Raises
    ------
    ShapeError : shapes do not fit.

    Notes
    -----
    O(n). Bracher et al. 2021 (PLoS Computational Biology 17:e1008618), equation 1, K = 2:
    WIS = (|y - m| / 2 + sum_k a_k / 2 IS_k) / (K + 1/2), a_k = 1 - coverage,
    IS_k = (u - l) + 2 / a_k ((l - y)+ + (y - u)+).

    Examples
    --------
    >>> inside = Intervals(np.array([[8.0], [6.0]]), np.array([[12.0], [14.0]]))
    >>> weighted_interval_score([10.0], inside, [10.0]).round(3).tolist()
    [0.24]
    """
    said, came = np.asarray(forecast, np.float64), np.asarray(actual, np.float64)
    if said.shape != came.shape or intervals.low.shape != (len(COVERAGES), *said.shape):
        raise ShapeError(
            f"intervals, actual: shapes {intervals.low.shape}, {came.shape} for forecasts of shape "
            f"{said.shape}; wanted the same, two intervals each"
        )
    total = np.abs(came - said) / 2
    for inside, low, high in zip(COVERAGES, intervals.low, intervals.high, strict=True):
        alpha = 1 - inside
        outside = np.maximum(low - came, 0.0) + np.maximum(came - high, 0.0)
        total += alpha / 2 * (high - low) + outside
    return total / (len(COVERAGES) + 0.5)
