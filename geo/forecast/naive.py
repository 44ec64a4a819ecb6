"""The simplest forecasts, which every other has to beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from geo.arrays import FloatArray, IntArray
from geo.forecast.history import YEAR_WEEKS, check_origins, weekly_table

MEAN_WEEKS = 13


def last_value(
    counts: npt.ArrayLike, *, origins: Sequence[int] | IntArray, horizon: int = 8
) -> FloatArray:
    """Every week to come as the last known one.

    Parameters
    ----------
    counts : float64, shape (n_weeks,) or (n_weeks, n_series), >= 0; NaN where unknown.
    origins : numbers of known weeks, rising: a forecast from origin o sees the weeks before o.
    horizon : weeks to forecast, >= 1.

    Returns
    -------
    float64, shape (n_origins, horizon, n_series); NaN where nothing is known.

    Raises
    ------
    ShapeError : `counts` has other than one or two dimensions.
    UnitError : a count is negative or infinite, an origin or the horizon out of range.

    Notes
    -----
    O(n_weeks x n_series). Hyndman & Athanasopoulos 2021, 5.2.

    Examples
    --------
    >>> last_value([4, 6, float("nan")], origins=[3], horizon=2).ravel().tolist()
    [6.0, 6.0]
    """
    table = weekly_table(counts)
    at = check_origins(origins, n_weeks=len(table), horizon=horizon)
    week = np.arange(1, len(table) + 1)[:, np.newaxis]
    newest = np.zeros((len(table) + 1, table.shape[1]), dtype=np.int64)
    np.maximum.accumulate(np.where(np.isnan(table), 0, week), axis=0, out=newest[1:])
    padded = np.vstack([np.full((1, table.shape[1]), np.nan), table])
    found = np.take_along_axis(padded, newest[at], axis=0)
    return _each_week(found, horizon)


def recent_mean(
    counts: npt.ArrayLike,
    *,
    origins: Sequence[int] | IntArray,
    horizon: int = 8,
    weeks: int = MEAN_WEEKS,
) -> FloatArray:
    """Every week to come as the mean of the known ones among the last weeks.

    Parameters
    ----------
    counts : float64, shape (n_weeks,) or (n_weeks, n_series), >= 0; NaN where unknown.
    origins : numbers of known weeks, rising: a forecast from origin o sees the weeks before o.
    horizon : weeks to forecast, >= 1.
    weeks : how many of the last weeks; a quarter of a year by default.

    Returns
    -------
    float64, shape (n_origins, horizon, n_series); NaN where none of these weeks is known.

    Raises
    ------
    ShapeError : `counts` has other than one or two dimensions.
    UnitError : a count is negative or infinite, an origin or the horizon out of range.

    Notes
    -----
    O(n_origins x weeks x n_series). Hyndman & Athanasopoulos 2021, 5.2.

    Examples
    --------
    >>> recent_mean([4, 6, float("nan")], origins=[2, 3], horizon=1).ravel().tolist()
    [5.0, 5.0]
    """
    table = weekly_table(counts)
    at = check_origins(origins, n_weeks=len(table), horizon=horizon)
    found = np.full((len(at), table.shape[1]), np.nan)
    for row, origin in enumerate(at):
        last = table[max(origin - weeks, 0) : origin]
        known = ~np.isnan(last)
        n = known.sum(axis=0)
        np.divide(np.where(known, last, 0.0).sum(axis=0), n, out=found[row], where=n > 0)
    return _each_week(found, horizon)


def seasonal_naive(
    counts: npt.ArrayLike, *, origins: Sequence[int] | IntArray, horizon: int = 8
) -> FloatArray:
    """Every week to come as the same week of the last year in which it is known.

    Parameters
    ----------
    counts : float64, shape (n_weeks,) or (n_weeks, n_series), >= 0; NaN where unknown.
    origins : numbers of known weeks, rising: a forecast from origin o sees the weeks before o.
    horizon : weeks to forecast, >= 1.

    Returns
    -------
    float64, shape (n_origins, horizon, n_series); NaN where no year knows the week.

    Raises
    ------
    ShapeError : `counts` has other than one or two dimensions.
    UnitError : a count is negative or infinite, an origin or the horizon out of range.

    Notes
    -----
    O(n_origins x horizon x n_series x years). A year is 52 weeks. Hyndman & Athanasopoulos 2021,
    5.2; a week unknown last year is taken from the year before.

    Examples
    --------
    >>> seasonal_naive(range(60), origins=[56, 60], horizon=3).tolist()
    [[[4.0], [5.0], [6.0]], [[8.0], [9.0], [10.0]]]
    """
    table = weekly_table(counts)
    at = check_origins(origins, n_weeks=len(table), horizon=horizon)
    weeks = at[:, np.newaxis] + np.arange(horizon)
    found = np.full((*weeks.shape, table.shape[1]), np.nan)
    for back in range(YEAR_WEEKS, len(table) + horizon, YEAR_WEEKS):
        source = weeks - back
        usable = ((source >= 0) & (source < at[:, np.newaxis]))[..., np.newaxis]
        if not usable.any():
            continue
        values = table[np.clip(source, 0, max(len(table) - 1, 0))]
        found = np.where(np.isnan(found) & usable, values, found)
    return found


def _each_week(found: FloatArray, horizon: int) -> FloatArray:
    return np.repeat(found[:, np.newaxis, :], horizon, axis=1)
