"""Expected counts of the weeks to come, by the method that the past prefers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from geo.arrays import FloatArray
from geo.forecast.accuracy import Accuracy, accuracy
from geo.forecast.backtest import (
    LEAST_HISTORY,
    LEAST_ORIGINS,
    METHODS,
    Backtest,
    default_origins,
    ends_of,
    following,
    judge,
    predict,
)
from geo.forecast.history import check_origins, first_known, same_shape, weekly_table
from geo.forecast.regression import Predicted


class NoForecast(StrEnum):
    """Why a series has no forecast; empty where it has one."""

    NONE = ""
    SHORT = "short"
    SILENT = "silent"


@dataclass(frozen=True)
class Forecast:
    """Forecasts of every series with how right the same method was before.

    Attributes
    ----------
    expected : float64, shape (horizon, n_series); NaN where there is none.
    low, high : float64, shape (2, horizon, n_series), ends of the 80 and 95 % intervals.
    method : str, shape (n_series,), of `METHODS`, empty where there is none.
    reason : `NoForecast` values as str, shape (n_series,).
    mae : float64, shape (n_series,), mean absolute error of the method in the back-test.
    inside : float64, shape (2, n_series), share of counts in the 80 and 95 % intervals there.
    n : int64, shape (n_series,), counts that were judged.
    accuracy : all methods over all series.
    test : the back-test.
    """

    expected: FloatArray
    low: FloatArray
    high: FloatArray
    method: npt.NDArray[Any]
    reason: npt.NDArray[Any]
    mae: FloatArray
    inside: FloatArray
    n: npt.NDArray[np.int64]
    accuracy: Accuracy
    test: Backtest


def forecast_counts(
    counts: npt.ArrayLike, *, history: npt.ArrayLike | None = None, horizon: int = 8
) -> Forecast:
    """Forecast the weeks after the last one.

    The method is chosen for all series together, such as the towns of a county and one measure:
    a short series alone would choose by luck. A series that the chosen one cannot forecast, for
    want of years, gets the next best that can.

    Parameters
    ----------
    counts : float64, shape (n_weeks,) or (n_weeks, n_series), >= 0; NaN where unknown. The weeks
        end where the forecast begins; late weeks are NaN.
    history : same shape, what the methods see instead, see `backtest`.
    horizon : weeks to forecast, >= 1.

    Returns
    -------
    Forecast : no forecast for a series with fewer than 26 known weeks, for one that was silent for
        the last `horizon` weeks, for one with fewer than `horizon` counts to judge it by, and for
        any where there are fewer than four origins, which takes 38 weeks and the horizon.

    Raises
    ------
    ShapeError : shapes do not fit.
    UnitError : a count is negative or infinite, or the horizon is below 1.

    Notes
    -----
    O(n_weeks x n_series) with the constants of `backtest`. Measures may not be mixed in one call:
    the errors of all series make the intervals of each.

    Examples
    --------
    >>> found = forecast_counts(np.full((60, 2), [[12.0, 30.0]]), horizon=1)
    >>> found.expected.ravel().tolist(), found.method.tolist()
    ([12.0, 30.0], ['mean', 'mean'])
    """
    table = weekly_table(counts)
    seen = table if history is None else weekly_table(history)
    same_shape(table, seen)
    check_origins([], n_weeks=len(table), horizon=horizon)
    # Years before the first figure are no history to test a method on.
    start = int(first_known(table).min(initial=len(table)))
    table, seen = table[start:], seen[start:]
    past = default_origins(len(table), horizon=horizon)
    origins = np.append(past, len(table))
    found, predicted = predict(seen, origins, horizon=horizon, methods=METHODS)
    before = predicted and Predicted(predicted.mean[:-1], predicted.variance[:-1])
    test = judge(table, METHODS, past, found[:, :-1], before)
    judged = accuracy(test)
    newest = predicted and Predicted(predicted.mean[-1], predicted.variance[-1])
    return _chosen(table, found[:, -1], newest, test, judged)


def _chosen(
    table: FloatArray,
    newest: FloatArray,
    predicted: Predicted | None,
    test: Backtest,
    judged: Accuracy,
) -> Forecast:
    _, horizon, n_series = newest.shape
    out = {name: np.full((2, horizon, n_series), np.nan) for name in ("low", "high")}
    expected = np.full((horizon, n_series), np.nan)
    method = np.full(n_series, "", dtype=object)
    mae, inside = np.full(n_series, np.nan), np.full((2, n_series), np.nan)
    n = np.zeros(n_series, dtype=np.int64)
    came = following(table, test.origins, horizon)
    open_series = np.ones(n_series, dtype=bool)
    for row in judged.ranking:
        known = ~np.isnan(test.scores[row])
        judged_by = known.sum(axis=(0, 1))
        picked = open_series & ~np.isnan(newest[row]).any(axis=0) & (judged_by >= horizon)
        if not picked.any():
            continue
        name = test.methods[row]
        ends = ends_of(name, newest[row], predicted, test.forecasts[row], came)
        method[picked] = name
        expected[:, picked] = newest[row][:, picked]
        out["low"][..., picked] = ends.low[..., picked]
        out["high"][..., picked] = ends.high[..., picked]
        n[picked] = judged_by[picked]
        errors = np.where(known, np.abs(test.errors[row]), 0.0).sum(axis=(0, 1))
        mae[picked] = errors[picked] / n[picked]
        hits = np.where(known, test.inside[:, row], 0.0).sum(axis=(1, 2))
        inside[:, picked] = hits[:, picked] / n[picked]
        open_series &= ~picked
    return Forecast(
        expected, out["low"], out["high"], method, _reasons(table, method, horizon, test),
        mae, inside, n, judged, test,
    )  # fmt: skip


def _reasons(
    table: FloatArray, method: npt.NDArray[Any], horizon: int, test: Backtest
) -> npt.NDArray[Any]:
    known = ~np.isnan(table)
    short = known.sum(axis=0) < LEAST_HISTORY
    if len(test.origins) < LEAST_ORIGINS:
        short[:] = True
    silent = ~known[len(table) - min(horizon, len(table)) :].any(axis=0)
    # What is left has been known too shortly for its forecasts to be judged.
    reason = np.where(silent & ~short, NoForecast.SILENT.value, NoForecast.SHORT.value)
    return np.where(method == "", reason, NoForecast.NONE.value).astype(object)
