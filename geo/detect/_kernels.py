"""Compiled loops of the detectors. Imported by the functions that use them; never parallel."""

from __future__ import annotations

import numpy as np
from numba import njit

from geo.arrays import FloatArray


@njit(cache=True)
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
