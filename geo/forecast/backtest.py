"""What each method would have said, and how right it would have been."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo.arrays import BoolArray, FloatArray, IntArray
from geo.errors import UnitError
from geo.forecast.history import (
    YEAR_WEEKS,
    check_origins,
    known_before,
    same_shape,
    weekly_table,
)
from geo.forecast.holt_winters import holt, holt_winters
from geo.forecast.intervals import (
    COVERAGES,
    Intervals,
    count_intervals,
    error_intervals,
    error_spread,
    weighted_interval_score,
)
from geo.forecast.naive import last_value, recent_mean, seasonal_naive
from geo.forecast.regression import Predicted, regression

# Simplest first.
METHODS = ("mean", "naive", "seasonal_naive", "holt", "regression", "holt_winters")
_POINTS = {
    "mean": recent_mean,
    "naive": last_value,
    "seasonal_naive": seasonal_naive,
    "holt": holt,
    "holt_winters": holt_winters,
}

# Known weeks below which nothing is forecast.
LEAST_HISTORY = 26
# Origins of the back-test below which nothing is forecast; the older half only teaches.
LEAST_ORIGINS = 4
_ORIGIN_STEP = 4
_MOST_ORIGINS = 26


@dataclass(frozen=True)
class Backtest:
    """Forecasts from past weeks beside what came.

    The newer half of the origins judges; the older half teaches the intervals of the methods
    that have none of their own, so that nothing is judged by what it learned from.

    Attributes
    ----------
    methods : names, simplest first.
    origins : int64, numbers of known weeks, all origins.
    n_judged : int, origins that judge: the last so many.
    errors : float64, shape (n_methods, n_judged, horizon, n_series), forecast - count.
    scores : same shape, weighted interval scores.
    inside : float64, shape (2, n_methods, n_judged, horizon, n_series), 1 where the count lay in
        the 80 and 95 % interval, 0 where not.
    scale : float64, shape (n_series,), mean absolute error of the naive forecast that MASE
        divides by; NaN where it is unknown or 0.
    forecasts : float64, shape (n_methods, n_origins, horizon, n_series), all origins.
    """

    methods: tuple[str, ...]
    origins: IntArray
    n_judged: int
    errors: FloatArray
    scores: FloatArray
    inside: FloatArray
    scale: FloatArray
    forecasts: FloatArray


def default_origins(n_weeks: int, *, horizon: int) -> IntArray:
    """Origins of a back-test: every fourth week of the last two years, or as far as there are.

    Parameters
    ----------
    n_weeks : weeks of history.
    horizon : weeks to forecast.

    Returns
    -------
    int64, rising, at most 26; each has 26 weeks before and `horizon` weeks after it.

    Examples
    --------
    >>> default_origins(46, horizon=8)
    array([26, 30, 34, 38])
    """
    newest = n_weeks - horizon
    found = np.arange(newest, LEAST_HISTORY - 1, -_ORIGIN_STEP)[:_MOST_ORIGINS]
    return found[::-1].astype(np.int64)


def predict(
    history: FloatArray, origins: IntArray, *, horizon: int, methods: Sequence[str]
) -> tuple[FloatArray, Predicted | None]:
    """Forecasts of every method from every origin.

    Parameters
    ----------
    history : float64, shape (n_weeks, n_series); NaN where unknown.
    origins : numbers of known weeks, rising.
    horizon : weeks to forecast.
    methods : of `METHODS`.

    Returns
    -------
    float64, shape (n_methods, n_origins, horizon, n_series), and what the regression expects with
        its variance. NaN with fewer than 26 known weeks, or none among the last `horizon`.

    Raises
    ------
    UnitError : a method is unknown.

    Examples
    --------
    >>> predict(np.ones((30, 1)), np.array([30]), horizon=1, methods=["mean"])[0].ravel().tolist()
    [1.0]
    """
    unknown = [name for name in methods if name not in METHODS]
    if unknown or not methods:
        raise UnitError(f"methods: {', '.join(unknown) or 'none'}; wanted of {', '.join(METHODS)}")
    enough = known_before(history, origins) >= LEAST_HISTORY
    enough &= known_before(history, origins, weeks=horizon) > 0
    found = np.empty((len(methods), len(origins), horizon, history.shape[1]))
    predicted = None
    for row, name in enumerate(methods):
        if name == "regression":
            predicted = regression(history, origins=origins, horizon=horizon)
            found[row] = predicted.mean
        else:
            found[row] = _POINTS[name](history, origins=origins, horizon=horizon)
    found[:, ~np.repeat(enough[:, np.newaxis], horizon, axis=1)] = np.nan
    return found, predicted


def backtest(
    counts: npt.ArrayLike,
    *,
    history: npt.ArrayLike | None = None,
    methods: Sequence[str] = METHODS,
    horizon: int = 8,
    origins: Sequence[int] | None = None,
) -> Backtest:
    """Forecast from past weeks and compare with what came.

    Parameters
    ----------
    counts : float64, shape (n_weeks,) or (n_weeks, n_series), >= 0; NaN where unknown. What the
        forecasts are judged by.
    history : same shape, what the methods see instead, such as `cap_unusual` of the counts; each
        week may depend on the weeks up to it alone. None for the counts.
    methods : of `METHODS`, in order of simplicity.
    horizon : weeks to forecast, >= 1.
    origins : numbers of known weeks, rising, `horizon` weeks before the end or earlier; None for
        `default_origins`.

    Returns
    -------
    Backtest : with fewer than four origins nothing is judged.

    Raises
    ------
    ShapeError : shapes do not fit.
    UnitError : a count is negative or infinite, a method unknown, the horizon below 1, an origin
        out of range.

    Notes
    -----
    O(n_weeks x n_series x parameter sets + n_origins x n_weeks x n_series). Rolling origin
    (Hyndman & Athanasopoulos 2021, 5.10); MASE: Hyndman & Koehler 2006.

    Examples
    --------
    >>> test = backtest(np.tile([10.0, 14.0], 40), methods=["mean", "naive"])
    >>> np.nanmean(np.abs(test.errors), axis=(1, 2, 3)).round(2).tolist()
    [2.0, 2.0]
    """
    table = weekly_table(counts)
    seen = table if history is None else weekly_table(history)
    same_shape(table, seen)
    check_origins([], n_weeks=len(table), horizon=horizon)
    at = default_origins(len(table), horizon=horizon) if origins is None else np.asarray(origins)
    at = check_origins(at, n_weeks=max(len(table) - horizon, 0), horizon=horizon)
    found, predicted = predict(seen, at, horizon=horizon, methods=methods)
    return judge(table, tuple(methods), at, found, predicted)


def judge(
    table: FloatArray,
    methods: tuple[str, ...],
    origins: IntArray,
    forecasts: FloatArray,
    predicted: Predicted | None,
) -> Backtest:
    """Compare forecasts that were made with what came.

    Parameters
    ----------
    table : counts, shape (n_weeks, n_series).
    methods : names.
    origins : numbers of known weeks.
    forecasts : shape (n_methods, n_origins, horizon, n_series).
    predicted : means and variances of the regression, if it is among the methods.

    Returns
    -------
    Backtest : see there.

    Examples
    --------
    >>> table, at = np.ones((40, 1)), np.array([26, 28, 30, 32])
    >>> said, _ = predict(table, at, horizon=2, methods=["mean"])
    >>> judge(table, ("mean",), at, said, None).n_judged
    2
    """
    horizon = forecasts.shape[2]
    actual = following(table, origins, horizon)
    n_judged = len(origins) - len(origins) // 2 if len(origins) >= LEAST_ORIGINS else 0
    old, new = slice(0, len(origins) - n_judged), slice(len(origins) - n_judged, None)
    came = actual[new]
    scores = np.full((len(methods), *came.shape), np.nan)
    inside = np.full((len(COVERAGES), *scores.shape), np.nan)
    for row, name in enumerate(methods):
        said = forecasts[row, new]
        if not n_judged:
            continue
        if name == "regression" and predicted is not None:
            ends = count_intervals(predicted.mean[new], predicted.variance[new])
        else:
            ends = error_intervals(said, error_spread(forecasts[row, old], actual[old]))
        scores[row] = weighted_interval_score(said, ends, came)
        within = (came >= ends.low) & (came <= ends.high)
        inside[:, row] = np.where(np.isnan(scores[row]), np.nan, within)
    return Backtest(
        methods, origins, n_judged, forecasts[:, new] - came, scores, inside,
        naive_scale(table), forecasts,
    )  # fmt: skip


def following(table: FloatArray, origins: IntArray, horizon: int) -> FloatArray:
    """Counts of the weeks after each origin.

    Parameters
    ----------
    table : counts, shape (n_weeks, n_series).
    origins : numbers of known weeks, `horizon` before the end or earlier.
    horizon : weeks after it.

    Returns
    -------
    float64, shape (n_origins, horizon, n_series).

    Examples
    --------
    >>> following(np.arange(4.0)[:, None], np.array([1]), 2).ravel().tolist()
    [1.0, 2.0]
    """
    return np.asarray(table[origins[:, np.newaxis] + np.arange(horizon)])


def naive_scale(table: FloatArray) -> FloatArray:
    """Mean absolute error of the naive forecast over the whole history: what MASE divides by.

    Parameters
    ----------
    table : counts, shape (n_weeks, n_series).

    Returns
    -------
    float64, shape (n_series,): of the seasonal naive forecast where at least 26 weeks are known
        together with their week a year before, else of the last week's value; NaN where that is
        unknown or 0.

    Examples
    --------
    >>> naive_scale(np.array([[1.0], [3.0], [1.0]])).tolist()
    [2.0]
    """
    seasonal, n = _mean_step(table, YEAR_WEEKS)
    plain, _ = _mean_step(table, 1)
    scale = np.where(n >= LEAST_HISTORY, seasonal, plain)
    return np.where(scale > 0, scale, np.nan)


def _mean_step(table: FloatArray, lag: int) -> tuple[FloatArray, IntArray]:
    steps = np.abs(table[lag:] - table[:-lag]) if len(table) > lag else table[:0]
    known: BoolArray = ~np.isnan(steps)
    n = known.sum(axis=0)
    total = np.where(known, steps, 0.0).sum(axis=0)
    return np.divide(total, n, out=np.full(table.shape[1], np.nan), where=n > 0), n


def ends_of(
    name: str, forecast: FloatArray, predicted: Predicted | None, past: FloatArray, came: FloatArray
) -> Intervals:
    """Intervals of one method's forecast from the newest week, by all its past errors.

    Parameters
    ----------
    name : the method.
    forecast : shape (horizon, n_series).
    predicted : means and variances of the regression from the same origin.
    past, came : its past forecasts and what came, shape (n_origins, horizon, n_series).

    Returns
    -------
    Intervals : shape (2, horizon, n_series).

    Examples
    --------
    >>> past = np.full((4, 1, 1), 9.0)
    >>> ends_of("mean", past[0], None, past, past + 3.0).high.ravel().tolist()
    [12.0, 12.0]
    """
    if name == "regression" and predicted is not None:
        return count_intervals(predicted.mean, predicted.variance)
    return error_intervals(forecast, error_spread(past, came))
