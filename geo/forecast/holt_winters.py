"""Exponential smoothing with a damped trend, with and without a season."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from geo.arrays import BoolArray, FloatArray, IntArray, floats
from geo.errors import ShapeError, UnitError
from geo.forecast.history import YEAR_WEEKS, check_origins, first_known, weekly_table

ALPHAS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
# Smoothing of the trend beside its damping; no trend first.
TRENDS = ((0.0, 1.0), (0.05, 0.8), (0.05, 0.95), (0.2, 0.8), (0.2, 0.95))
GAMMAS = (0.05, 0.2)
# Weeks that the first level is the mean of, and whose errors do not count, without a season.
WARM_WEEKS = 13


@dataclass(frozen=True)
class Smoothing:
    """Parameters of one Holt-Winters smoothing.

    Attributes
    ----------
    alpha : smoothing of the level, 0..1.
    beta : smoothing of the trend, 0..1.
    phi : damping of the trend, 0..1; 1 for none.
    gamma : smoothing of the season, 0..1.
    """

    alpha: float
    beta: float = 0.0
    phi: float = 1.0
    gamma: float = 0.0


@dataclass(frozen=True)
class Smoothed:
    """One series, smoothed.

    Attributes
    ----------
    fitted : float64, shape (n_weeks,), the expectation of each week one week before.
    forecast : float64, shape (horizon,), not cut at 0.
    """

    fitted: FloatArray
    forecast: FloatArray


def smooth_series(
    counts: npt.ArrayLike,
    smoothing: Smoothing,
    *,
    level: float,
    trend: float = 0.0,
    season: npt.ArrayLike = (0.0,),
    horizon: int = 8,
) -> Smoothed:
    """Smooth one series with given parameters from a given start.

    Parameters
    ----------
    counts : float64, shape (n_weeks,), >= 0; NaN where unknown: the level goes on with its trend.
    smoothing : the parameters.
    level : before the first week.
    trend : before the first week, a week.
    season : what each week of the year adds, from the first week on; one 0 for no season.
    horizon : weeks to forecast, >= 1.

    Returns
    -------
    Smoothed : the fit and the forecast.

    Raises
    ------
    ShapeError : `counts` or `season` has other than one dimension, or `season` is empty.
    UnitError : a count is negative or infinite, a parameter outside 0..1, the horizon below 1.

    Notes
    -----
    O(n_weeks). Holt 1957, Winters 1960 with damping (Gardner & McKenzie 1985); equals statsmodels'
    ExponentialSmoothing(trend="add", damped_trend=True, seasonal="add") at the same parameters.

    Examples
    --------
    >>> smooth_series([4, 6], Smoothing(alpha=0.5), level=4.0, horizon=1).forecast.tolist()
    [5.0]
    """
    table = weekly_table(counts)
    turns = floats("season", season).copy()
    if table.shape[1] != 1 or not turns.size:
        raise ShapeError(f"counts, season: shapes {table.shape}, {turns.shape}; wanted one series")
    check_origins([], n_weeks=len(table), horizon=horizon)
    for name in ("alpha", "beta", "phi", "gamma"):
        if not 0 <= getattr(smoothing, name) <= 1:
            raise UnitError(f"{name}: {getattr(smoothing, name)!r}; wanted 0 to 1")
    # Imported here: loading and compiling numba is paid only by those who need it.
    from geo.forecast import _kernels  # noqa: PLC0415

    fitted = np.empty(len(table))
    level, trend = _kernels.smooth(
        np.ascontiguousarray(table[:, 0]), 0, len(table), smoothing.alpha, smoothing.beta,
        smoothing.gamma, smoothing.phi, float(level), float(trend), turns, fitted,
    )  # fmt: skip
    ahead = np.arange(1, horizon + 1)
    damped = np.cumsum(smoothing.phi**ahead)
    places = (len(table) + ahead - 1) % len(turns)
    return Smoothed(fitted, level + damped * trend + turns[places])


def holt(
    counts: npt.ArrayLike, *, origins: Sequence[int] | IntArray, horizon: int = 8
) -> FloatArray:
    """Forecast with a level and a damped trend.

    Parameters
    ----------
    counts : float64, shape (n_weeks,) or (n_weeks, n_series), >= 0; NaN where unknown.
    origins : numbers of known weeks, rising: a forecast from origin o sees the weeks before o.
    horizon : weeks to forecast, >= 1.

    Returns
    -------
    float64, shape (n_origins, horizon, n_series), >= 0; NaN with less than 26 weeks since the
        first known one.

    Raises
    ------
    ShapeError : `counts` has other than one or two dimensions.
    UnitError : a count is negative or infinite, an origin or the horizon out of range.

    Notes
    -----
    O(n_weeks x n_series x 35 parameter sets), all origins in one pass. The first level is the mean
    of the first 13 weeks. For each series and origin the set of `ALPHAS` x `TRENDS` with the least
    squared one-week errors before the origin is taken. Holt 1957; Gardner & McKenzie 1985.

    Examples
    --------
    >>> holt(np.full(40, 7.0), origins=[40], horizon=2).ravel().tolist()
    [7.0, 7.0]
    """
    table = weekly_table(counts)
    at = check_origins(origins, n_weeks=len(table), horizon=horizon)
    first = first_known(table)
    grid = np.array([(a, b, 0.0, phi) for (b, phi), a in product(TRENDS, ALPHAS)])
    levels = _window_mean(_from_first(table, first, WARM_WEEKS))
    # Imported here: loading and compiling numba is paid only by those who need it.
    from geo.forecast import _kernels  # noqa: PLC0415

    found: FloatArray = _kernels.search(
        np.ascontiguousarray(table.T), first, levels, np.zeros((table.shape[1], 1)), grid,
        WARM_WEEKS, at, horizon,
    )  # fmt: skip
    return _long_enough(found, first, at, 2 * WARM_WEEKS)


def holt_winters(
    counts: npt.ArrayLike, *, origins: Sequence[int] | IntArray, horizon: int = 8
) -> FloatArray:
    """Forecast with a level, a damped trend and a season of 52 weeks.

    Parameters
    ----------
    counts : float64, shape (n_weeks,) or (n_weeks, n_series), >= 0; NaN where unknown.
    origins : numbers of known weeks, rising: a forecast from origin o sees the weeks before o.
    horizon : weeks to forecast, >= 1.

    Returns
    -------
    float64, shape (n_origins, horizon, n_series), >= 0; NaN with less than 104 weeks since the
        first known one.

    Raises
    ------
    ShapeError : `counts` has other than one or two dimensions.
    UnitError : a count is negative or infinite, an origin or the horizon out of range.

    Notes
    -----
    O(n_weeks x n_series x 70 parameter sets), all origins in one pass. The first level is the mean
    of the first 52 weeks, the first season what these differ from it, smoothed over five weeks;
    smoothing begins after them. For each series and origin the set of `ALPHAS` x `TRENDS` x
    `GAMMAS` with the least squared one-week errors before the origin is taken. Winters 1960.

    Examples
    --------
    >>> year = 20 + 10 * np.sin(np.arange(156) * 2 * np.pi / 52)
    >>> found = holt_winters(year, origins=[156], horizon=13).ravel()
    >>> bool(abs(found[12] - 30) < 1)
    True
    """
    table = weekly_table(counts)
    at = check_origins(origins, n_weeks=len(table), horizon=horizon)
    first = first_known(table)
    grid = np.array([(a, b, g, phi) for (b, phi), g, a in product(TRENDS, GAMMAS, ALPHAS)])
    year = _from_first(table, first, YEAR_WEEKS)
    levels = _window_mean(year)
    # Imported here: loading and compiling numba is paid only by those who need it.
    from geo.forecast import _kernels  # noqa: PLC0415

    found: FloatArray = _kernels.search(
        np.ascontiguousarray(table.T), first + YEAR_WEEKS, levels,
        _first_season(year - levels, first), grid, 0, at, horizon,
    )  # fmt: skip
    return _long_enough(found, first, at, 2 * YEAR_WEEKS)


def _from_first(table: FloatArray, first: IntArray, weeks: int) -> FloatArray:
    """The first weeks of each series since it is known, shape (weeks, n_series)."""
    rows = first + np.arange(weeks)[:, np.newaxis]
    padded = np.vstack([table, np.full((1, table.shape[1]), np.nan)])
    return np.take_along_axis(padded, np.minimum(rows, len(table)), axis=0)


def _window_mean(window: FloatArray) -> FloatArray:
    known = ~np.isnan(window)
    n = known.sum(axis=0)
    out = np.full(window.shape[1], np.nan)
    total = np.where(known, window, 0.0).sum(axis=0)
    np.divide(total, n, out=out, where=n > 0)
    return out


def _first_season(gaps: FloatArray, first: IntArray) -> FloatArray:
    """What each week of the year adds, by week % 52; means of five weeks, round the year."""
    known = ~np.isnan(gaps)
    filled = np.where(known, gaps, 0.0)
    total, n = np.zeros(gaps.shape), np.zeros(gaps.shape)
    for shift in range(-2, 3):
        total += np.roll(filled, shift, axis=0)
        n += np.roll(known, shift, axis=0)
    season = np.divide(total, n, out=np.zeros(gaps.shape), where=n > 0)
    season -= season.mean(axis=0)
    placed = np.empty((gaps.shape[1], YEAR_WEEKS))
    for j, start in enumerate(first):
        placed[j] = np.roll(season[:, j], int(start) % YEAR_WEEKS)
    return placed


def _long_enough(found: FloatArray, first: IntArray, origins: IntArray, weeks: int) -> FloatArray:
    long: BoolArray = origins[:, np.newaxis] - first >= weeks
    return np.where(long[:, np.newaxis, :], found, np.nan)
