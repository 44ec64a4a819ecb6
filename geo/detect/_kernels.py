"""Compiled loops of the detectors. Imported by the functions that use them; never parallel."""

from __future__ import annotations

import numpy as np
from numba import njit

from geo.arrays import BoolArray, FloatArray


@njit(cache=True, error_model="numpy")
def baseline_moments(
    rows: FloatArray, baseline: int, lag: int, least: int
) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of the weeks before each week, series by series.

    Parameters
    ----------
    rows : counts, shape (n_weeks, n_series); NaN where there is no data.
    baseline : weeks in the baseline.
    lag : weeks between a week and its baseline.
    least : least number of observed weeks.

    Returns
    -------
    mean, sigma : float64, shape of `rows`; NaN where the baseline is too short or too thin.
    """
    n_weeks, n_series = rows.shape
    mean = np.full((n_weeks, n_series), np.nan)
    sigma = np.full((n_weeks, n_series), np.nan)
    n = np.empty(n_series)
    total = np.empty(n_series)
    spread = np.empty(n_series)
    for t in range(baseline + lag, n_weeks):
        n[:] = 0.0
        total[:] = 0.0
        spread[:] = 0.0
        first = t - lag - baseline
        for k in range(first, first + baseline):
            for j in range(n_series):
                value = rows[k, j]
                seen = value == value  # noqa: PLR0124 -- NaN, without a branch
                n[j] += 1.0 if seen else 0.0
                total[j] += value if seen else 0.0
        for j in range(n_series):
            total[j] /= max(n[j], 1.0)
        for k in range(first, first + baseline):
            for j in range(n_series):
                gap = rows[k, j] - total[j]
                square = gap * gap
                spread[j] += square if square == square else 0.0  # noqa: PLR0124
        for j in range(n_series):
            if n[j] >= least:
                mean[t, j] = total[j]
                sigma[t, j] = np.sqrt(spread[j] / (n[j] - 1.0))
    return mean, sigma


@njit(cache=True, error_model="numpy")
def quiet_moments(
    rows: FloatArray, window: tuple[int, int, int], floor: FloatArray, z: float, max_episode: int
) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation over the latest weeks that raised no alarm.

    Whether a week is left out is judged by its own baseline (C1 or C2), week after week.

    Parameters
    ----------
    rows : counts, shape (n_weeks, n_series); NaN where there is no data.
    window : weeks in the baseline, weeks between a week and its baseline, least observed weeks.
    floor : least standard deviation, shape of `rows`.
    z : quantile of the alarm.
    max_episode : alarms in a row after which further ones are admitted.

    Returns
    -------
    mean, sigma : float64, shape of `rows`; NaN where the baseline is too short or too thin.
    """
    baseline, lag, least = window
    n_weeks, n_series = rows.shape
    mean = np.full(rows.shape, np.nan)
    sigma = np.full(rows.shape, np.nan)
    # The latest admitted weeks of each series, a ring; what is not admitted takes no place.
    ring = np.full((baseline, n_series), np.nan)
    admitted = np.zeros(n_series, np.int64)
    running = np.zeros(n_series, np.int64)
    left_out = np.zeros(rows.shape, np.bool_)
    for t in range(n_weeks):
        enters = t - 1 - lag
        for j in range(n_series):
            if enters >= 0 and not left_out[enters, j]:
                ring[admitted[j] % baseline, j] = rows[enters, j]
                admitted[j] += 1
            if admitted[j] >= baseline:
                n, total, spread = 0, 0.0, 0.0
                for k in range(baseline):
                    if not np.isnan(ring[k, j]):
                        n += 1
                        total += ring[k, j]
                if n >= least:
                    mean[t, j] = total / n
                    for k in range(baseline):
                        if not np.isnan(ring[k, j]):
                            spread += (ring[k, j] - mean[t, j]) ** 2
                    sigma[t, j] = max(np.sqrt(spread / (n - 1)), floor[t, j])
            alarm = rows[t, j] > mean[t, j] + z * sigma[t, j]
            running[j] = running[j] + 1 if alarm else 0
            left_out[t, j] = alarm and running[j] <= max_episode
    return mean, sigma


@njit(cache=True, error_model="numpy")
def judge(
    rows: FloatArray, expected: FloatArray, sigma: FloatArray, z: float
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Upper bound, score and alarm of each week, given its baseline.

    Parameters
    ----------
    rows : counts, shape (n_weeks, n_series); NaN where there is no data.
    expected, sigma : mean and standard deviation of the baseline, same shape.
    z : quantile of the alarm.

    Returns
    -------
    upper, score : float64, same shape.
    alarm : bool, same shape.
    """
    upper, score = np.empty(rows.shape), np.empty(rows.shape)
    alarm = np.empty(rows.shape, np.bool_)
    for t in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            gap = rows[t, j] - expected[t, j]
            # No spread: any count above is infinitely far, an equal one is not away at all.
            score[t, j] = 0.0 if gap == 0.0 else gap / sigma[t, j]
            upper[t, j] = expected[t, j] + z * sigma[t, j]
            alarm[t, j] = rows[t, j] > upper[t, j]
    return upper, score, alarm


@njit(cache=True)
def carry_over(
    rows: FloatArray,
    sigma: FloatArray,
    z: float,
    upper: FloatArray,
    score: FloatArray,
    alarm: BoolArray,
) -> None:
    """Turn what C2 says of each week into what C3 says of it, in place.

    Parameters
    ----------
    rows : counts, shape (n_weeks, n_series); NaN where there is no data.
    sigma : standard deviation of the baseline, same shape.
    z : quantile of the alarm.
    upper, score, alarm : result of `judge`, overwritten.
    """
    for t in range(rows.shape[0] - 1, -1, -1):
        for j in range(rows.shape[1]):
            added = np.nan
            if t >= 2:
                # np.maximum, unlike max, leaves an unknown week unknown.
                added = np.maximum(score[t - 1, j] - 1.0, 0.0)
                added += np.maximum(score[t - 2, j] - 1.0, 0.0)
            upper[t, j] = np.maximum(rows[t, j] + sigma[t, j] * (z - added), 0.0)
            alarm[t, j] = rows[t, j] > upper[t, j]
            score[t, j] += added
