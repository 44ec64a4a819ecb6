"""Compiled loops of the floating catchment. Imported by the function that uses them.

Nothing runs in parallel: a web server forks, and OpenMP does not survive it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from geo.arrays import FloatArray, IntArray

Positions = npt.NDArray[np.int32]


@njit(cache=True, error_model="numpy")
def catchment_access(
    xy: FloatArray,
    demand: FloatArray,
    site_xy: FloatArray,
    supply: FloatArray,
    grid: tuple[float, float, float, int, int],
    squares: FloatArray,
    weights: FloatArray,
) -> FloatArray:
    """Sum demand to the sites in reach, then supply per demand back to the demand.

    The plane is cut into cells. Where a whole cell lies in one step of a site's decay, its demand
    is summed once; only where the border of a step crosses a cell are its points looked at.

    Parameters
    ----------
    xy : demand points [m], shape (n, 2).
    demand : persons at each, shape (n,).
    site_xy : sites [m], shape (m, 2).
    supply : supply of each, shape (m,).
    grid : west, south, side of a cell [m], columns, rows: every point in reach of a site is in it.
    squares : largest square of a distance within each step [m2], ascending.
    weights : weight of each step.

    Returns
    -------
    float64, shape (n,): supply per person.
    """
    first, order, cell_demand = _points_by_cell(xy, demand, grid)
    # Copied in the order of the cells: one jump through memory for each point, not four.
    n = order.shape[0]
    x, y, persons = np.empty(n), np.empty(n), np.empty(n)
    for p in range(n):
        i = order[p]
        x[p], y[p], persons[p] = xy[i, 0], xy[i, 1], demand[i]
    starts, near = _crossed(site_xy, grid, squares)
    load = _whole_load(site_xy, cell_demand, grid, squares, weights)
    _crossed_load(load, (first, x, y), persons, site_xy, (starts, near), squares, weights)
    ratio = np.zeros(load.shape[0])
    for site in range(load.shape[0]):
        if load[site] > 0.0:
            ratio[site] = supply[site] / load[site]
    cell_access = _whole_access(site_xy, ratio, grid, squares, weights)
    found = _crossed_access(
        cell_access, (first, x, y), ratio, site_xy, (starts, near), squares, weights
    )
    access = np.zeros(xy.shape[0])
    for p in range(n):
        access[order[p]] = found[p]
    return access


@njit(cache=True, error_model="numpy")
def _crossed_load(
    load: FloatArray,
    points: tuple[IntArray, FloatArray, FloatArray],
    persons: FloatArray,
    site_xy: FloatArray,
    crossed: tuple[IntArray, Positions],
    squares: FloatArray,
    weights: FloatArray,
) -> None:
    """Add to each site the demand of single points in cells that a step of its decay crosses."""
    first, x, y = points
    starts, near = crossed
    most = np.diff(starts).max()
    # The sites that cross a cell side by side, so that the loops over them vectorise.
    site_x, site_y, value, weight = np.empty(most), np.empty(most), np.empty(most), np.empty(most)
    for cell in range(starts.shape[0] - 1):
        n = starts[cell + 1] - starts[cell]
        if n == 0 or first[cell] == first[cell + 1]:
            continue
        for k in range(n):
            site = near[starts[cell] + k]
            site_x[k], site_y[k], value[k] = site_xy[site, 0], site_xy[site, 1], 0.0
        for p in range(first[cell], first[cell + 1]):
            _weigh(x[p], y[p], site_x, site_y, n, squares, weights, weight)
            for k in range(n):
                value[k] += persons[p] * weight[k]
        for k in range(n):
            load[near[starts[cell] + k]] += value[k]


@njit(cache=True, error_model="numpy")
def _crossed_access(
    cell_access: FloatArray,
    points: tuple[IntArray, FloatArray, FloatArray],
    ratio: FloatArray,
    site_xy: FloatArray,
    crossed: tuple[IntArray, Positions],
    squares: FloatArray,
    weights: FloatArray,
) -> FloatArray:
    """Access of each point: what its cell has, and what single sites around its cell add."""
    first, x, y = points
    starts, near = crossed
    most = np.diff(starts).max()
    site_x, site_y, value, weight = np.empty(most), np.empty(most), np.empty(most), np.empty(most)
    access = np.zeros(x.shape[0])
    for cell in range(starts.shape[0] - 1):
        n = starts[cell + 1] - starts[cell]
        if first[cell] == first[cell + 1]:
            continue
        for k in range(n):
            site = near[starts[cell] + k]
            site_x[k], site_y[k], value[k] = site_xy[site, 0], site_xy[site, 1], ratio[site]
        for p in range(first[cell], first[cell + 1]):
            access[p] = cell_access[cell]
            if n > 0:
                _weigh(x[p], y[p], site_x, site_y, n, squares, weights, weight)
                access[p] += _dot(value, weight, n)
    return access


@njit(cache=True, error_model="numpy")
def _weigh(
    x: float,
    y: float,
    site_x: FloatArray,
    site_y: FloatArray,
    n: int,
    squares: FloatArray,
    weights: FloatArray,
    weight: FloatArray,
) -> None:
    """Weight of the first n sites for one point, into `weight`, without a branch."""
    last = squares.shape[0] - 1
    for k in range(n):
        dx = site_x[k] - x
        dy = site_y[k] - y
        weight[k] = weights[last] if dx * dx + dy * dy <= squares[last] else 0.0
    for step in range(last - 1, -1, -1):
        for k in range(n):
            dx = site_x[k] - x
            dy = site_y[k] - y
            weight[k] = weights[step] if dx * dx + dy * dy <= squares[step] else weight[k]


@njit(cache=True, fastmath={"reassoc", "nsz"})
def _dot(value: FloatArray, weight: FloatArray, n: int) -> float:
    summed = 0.0
    for k in range(n):
        summed += value[k] * weight[k]
    return summed


@njit(cache=True, error_model="numpy")
def _step(square: float, squares: FloatArray) -> int:
    """Position of the first step that holds the distance, their number where none does."""
    for k in range(squares.shape[0]):
        if square <= squares[k]:
            return k
    return int(squares.shape[0])


@njit(cache=True, error_model="numpy")
def _points_by_cell(
    xy: FloatArray, demand: FloatArray, grid: tuple[float, float, float, int, int]
) -> tuple[IntArray, Positions, FloatArray]:
    """Where each cell starts in the order of points by cell, that order, the cells' demand."""
    west, south, size_m, n_cols, n_rows = grid
    cell_of = np.full(xy.shape[0], -1, np.int32)
    cell_demand = np.zeros(n_cols * n_rows)
    first = np.zeros(n_cols * n_rows + 1, np.int64)
    for i in range(xy.shape[0]):
        col = (xy[i, 0] - west) / size_m
        row = (xy[i, 1] - south) / size_m
        if 0.0 <= col < n_cols and 0.0 <= row < n_rows:
            cell = int(row) * n_cols + int(col)
            cell_of[i] = cell
            cell_demand[cell] += demand[i]
            first[cell + 1] += 1
    for cell in range(n_cols * n_rows):
        first[cell + 1] += first[cell]
    fill = first[:-1].copy()
    order = np.empty(first[-1], np.int32)
    for i in range(xy.shape[0]):
        if cell_of[i] >= 0:
            order[fill[cell_of[i]]] = i
            fill[cell_of[i]] += 1
    return first, order, cell_demand


@njit(cache=True, error_model="numpy")
def _window(
    x: float, y: float, reach_m: float, grid: tuple[float, float, float, int, int]
) -> tuple[int, int, int, int]:
    """Columns and rows, first and last, that a square around a site touches."""
    west, south, size_m, n_cols, n_rows = grid
    return (
        max(int(np.floor((x - reach_m - west) / size_m)) - 1, 0),
        min(int(np.floor((x + reach_m - west) / size_m)) + 1, n_cols - 1),
        max(int(np.floor((y - reach_m - south) / size_m)) - 1, 0),
        min(int(np.floor((y + reach_m - south) / size_m)) + 1, n_rows - 1),
    )


@njit(cache=True, error_model="numpy")
def _whole_step(
    x: float,
    y: float,
    col: int,
    row: int,
    grid: tuple[float, float, float, int, int],
    squares: FloatArray,
) -> int:
    """Step that holds a whole cell, their number where the cell is out of reach, -1 if crossed."""
    west, south, size_m = grid[0], grid[1], grid[2]
    # A point may lie outside its cell by rounding: the cell is taken a hair larger than it is.
    half = size_m * (0.5 + 1e-6)
    dx = abs(west + (col + 0.5) * size_m - x)
    dy = abs(south + (row + 0.5) * size_m - y)
    near_x, near_y = max(dx - half, 0.0), max(dy - half, 0.0)
    far_x, far_y = dx + half, dy + half
    near = _step(near_x * near_x + near_y * near_y, squares)
    return near if near == _step(far_x * far_x + far_y * far_y, squares) else -1


@njit(cache=True, error_model="numpy")
def _crossed(
    site_xy: FloatArray, grid: tuple[float, float, float, int, int], squares: FloatArray
) -> tuple[IntArray, Positions]:
    """Sites a step of which crosses a cell, cell by cell: where each cell starts, and the sites."""
    reach_m = np.sqrt(squares[-1])
    n_cols = grid[3]
    starts = np.zeros(n_cols * grid[4] + 1, np.int64)
    for site in range(site_xy.shape[0]):
        x, y = site_xy[site, 0], site_xy[site, 1]
        first_col, last_col, first_row, last_row = _window(x, y, reach_m, grid)
        for row in range(first_row, last_row + 1):
            for col in range(first_col, last_col + 1):
                if _whole_step(x, y, col, row, grid, squares) < 0:
                    starts[row * n_cols + col + 1] += 1
    for cell in range(starts.shape[0] - 1):
        starts[cell + 1] += starts[cell]
    fill = starts[:-1].copy()
    near = np.empty(starts[-1], np.int32)
    for site in range(site_xy.shape[0]):
        x, y = site_xy[site, 0], site_xy[site, 1]
        first_col, last_col, first_row, last_row = _window(x, y, reach_m, grid)
        for row in range(first_row, last_row + 1):
            for col in range(first_col, last_col + 1):
                if _whole_step(x, y, col, row, grid, squares) < 0:
                    cell = row * n_cols + col
                    near[fill[cell]] = site
                    fill[cell] += 1
    return starts, near


@njit(cache=True, error_model="numpy")
def _whole_load(
    site_xy: FloatArray,
    cell_demand: FloatArray,
    grid: tuple[float, float, float, int, int],
    squares: FloatArray,
    weights: FloatArray,
) -> FloatArray:
    """Demand of the cells that lie in one step of a site, weighted."""
    reach_m = np.sqrt(squares[-1])
    load = np.zeros(site_xy.shape[0])
    for site in range(site_xy.shape[0]):
        x, y = site_xy[site, 0], site_xy[site, 1]
        first_col, last_col, first_row, last_row = _window(x, y, reach_m, grid)
        for row in range(first_row, last_row + 1):
            for col in range(first_col, last_col + 1):
                step = _whole_step(x, y, col, row, grid, squares)
                if 0 <= step < squares.shape[0]:
                    load[site] += weights[step] * cell_demand[row * grid[3] + col]
    return load


@njit(cache=True, error_model="numpy")
def _whole_access(
    site_xy: FloatArray,
    ratio: FloatArray,
    grid: tuple[float, float, float, int, int],
    squares: FloatArray,
    weights: FloatArray,
) -> FloatArray:
    """Supply per demand that every point of a cell gets from sites in one step of which it lies."""
    reach_m = np.sqrt(squares[-1])
    access = np.zeros(grid[3] * grid[4])
    for site in range(site_xy.shape[0]):
        x, y = site_xy[site, 0], site_xy[site, 1]
        first_col, last_col, first_row, last_row = _window(x, y, reach_m, grid)
        for row in range(first_row, last_row + 1):
            for col in range(first_col, last_col + 1):
                step = _whole_step(x, y, col, row, grid, squares)
                if 0 <= step < squares.shape[0]:
                    access[row * grid[3] + col] += weights[step] * ratio[site]
    return access
