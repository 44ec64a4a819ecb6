"""Compiled loops for which numpy has no vector form. Imported by the functions that use them.

Nothing runs in parallel: a web server forks, and OpenMP does not survive it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo.arrays import FloatArray, IntArray


@njit(cache=True)
def bucket_sites(
    xy: FloatArray, west: float, south: float, size_m: float, n_cols: int, n_rows: int
) -> tuple[IntArray, IntArray]:
    """Sort points into a grid of square buckets.

    Parameters
    ----------
    xy : points, shape (n, 2), inside the grid.
    west, south : lower-left corner of the grid [m].
    size_m : side of a bucket [m].
    n_cols, n_rows : size of the grid.

    Returns
    -------
    starts : int64, shape (n_cols * n_rows + 1,): where each bucket starts in `members`.
    members : int64, shape (n,): positions of the points, bucket by bucket, ascending within.
    """
    n = xy.shape[0]
    starts = np.zeros(n_cols * n_rows + 1, np.int64)
    home = np.empty(n, np.int64)
    for i in range(n):
        col = min(max(int((xy[i, 0] - west) / size_m), 0), n_cols - 1)
        row = min(max(int((xy[i, 1] - south) / size_m), 0), n_rows - 1)
        home[i] = row * n_cols + col
        starts[home[i] + 1] += 1
    for b in range(n_cols * n_rows):
        starts[b + 1] += starts[b]
    fill = starts[:-1].copy()
    members = np.empty(n, np.int64)
    for i in range(n):
        members[fill[home[i]]] = i
        fill[home[i]] += 1
    return starts, members


@njit(cache=True)
def load_sites(
    xy: FloatArray,
    demand: FloatArray,
    site_x: FloatArray,
    site_y: FloatArray,
    starts: IntArray,
    grid: tuple[float, float, float, int, int],
    reach: tuple[float, float],
) -> FloatArray:
    """Sum, at each site, the demand within reach.

    Parameters
    ----------
    xy : demand points [m], shape (n, 2).
    demand : persons at each, shape (n,).
    site_x, site_y : sites [m], shape (m,), bucket by bucket.
    starts : where each bucket starts.
    grid : west, south, side of a bucket [m], columns, rows.
    reach : distance [m] and the largest square of a distance that is within it [m2].

    Returns
    -------
    float64, shape (m,).
    """
    load = np.zeros(site_x.shape[0])
    n_cols = grid[3]
    for i in range(xy.shape[0]):
        x, y, persons = xy[i, 0], xy[i, 1], demand[i]
        first_col, last_col, first_row, last_row = _window(x, y, grid, reach[0])
        if first_col > last_col or persons == 0.0:
            continue
        for row in range(first_row, last_row + 1):
            # The buckets of a row lie side by side; no branch inside, so that it vectorises.
            for k in range(starts[row * n_cols + first_col], starts[row * n_cols + last_col + 1]):
                dx = site_x[k] - x
                dy = site_y[k] - y
                load[k] += persons if dx * dx + dy * dy <= reach[1] else 0.0
    return load


@njit(cache=True, fastmath={"reassoc", "nsz"})
def gather_ratios(
    xy: FloatArray,
    ratio: FloatArray,
    site_x: FloatArray,
    site_y: FloatArray,
    starts: IntArray,
    grid: tuple[float, float, float, int, int],
    reach: tuple[float, float],
) -> FloatArray:
    """Sum, at each demand point, the ratios of the sites within reach.

    Parameters
    ----------
    xy : demand points [m], shape (n, 2).
    ratio : supply per head at each site, shape (m,), bucket by bucket.
    site_x, site_y : sites [m], shape (m,), bucket by bucket.
    starts : where each bucket starts.
    grid : west, south, side of a bucket [m], columns, rows.
    reach : distance [m] and the largest square of a distance that is within it [m2].

    Returns
    -------
    float64, shape (n,).
    """
    access = np.zeros(xy.shape[0])
    n_cols = grid[3]
    for i in range(xy.shape[0]):
        x, y = xy[i, 0], xy[i, 1]
        first_col, last_col, first_row, last_row = _window(x, y, grid, reach[0])
        if first_col > last_col:
            continue
        summed = 0.0
        for row in range(first_row, last_row + 1):
            for k in range(starts[row * n_cols + first_col], starts[row * n_cols + last_col + 1]):
                dx = site_x[k] - x
                dy = site_y[k] - y
                summed += ratio[k] if dx * dx + dy * dy <= reach[1] else 0.0
        access[i] = summed
    return access


@njit(cache=True)
def _window(
    x: float, y: float, grid: tuple[float, float, float, int, int], reach_m: float
) -> tuple[int, int, int, int]:
    west, south, size_m, n_cols, n_rows = grid
    return (
        max(int(np.floor((x - reach_m - west) / size_m)), 0),
        min(int(np.floor((x + reach_m - west) / size_m)), n_cols - 1),
        max(int(np.floor((y - reach_m - south) / size_m)), 0),
        min(int(np.floor((y + reach_m - south) / size_m)), n_rows - 1),
    )


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
