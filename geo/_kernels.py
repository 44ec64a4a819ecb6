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
