"""Compiled loops of the floating catchment. Imported by the function that uses them.

Nothing runs in parallel: a web server forks, and OpenMP does not survive it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from geo.arrays import FloatArray, IntArray

Positions = npt.NDArray[np.int32]
Grid = tuple[float, float, float, int, int]


@njit(cache=True, error_model="numpy")
def catchment_access(
    xy: FloatArray,
    demand: FloatArray,
    site_xy: FloatArray,
    supply: FloatArray,
    grid: Grid,
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
    # Copied in the order of the cells, so that the points of a cell lie side by side.
    n = order.shape[0]
    x, y, persons = np.empty(n), np.empty(n), np.empty(n)
    for p in range(n):
        i = order[p]
        x[p], y[p], persons[p] = xy[i, 0], xy[i, 1], demand[i]
    # Step k holds squares above bounds[k], up to bounds[k + 1]; beyond the last nothing counts.
    bounds = np.concatenate((np.array([-1.0]), squares, np.array([np.inf])))
    weights = np.append(weights, 0.0)
    cell_access, found = np.zeros(cell_demand.shape[0]), np.zeros(n)
    # Sites that lie near each other meet the same points, while they are still at hand.
    for site in _sites_by_cell(site_xy, grid):
        at = (site_xy[site, 0], site_xy[site, 1])
        load = _load(at, (first, x, y), persons, cell_demand, grid, bounds, weights)
        if load > 0.0:
            ratio = supply[site] / load
            _spread(at, (first, x, y), ratio, cell_access, found, grid, bounds, weights)
    access = np.zeros(xy.shape[0])
    for cell in range(cell_access.shape[0]):
        for p in range(first[cell], first[cell + 1]):
            access[order[p]] = cell_access[cell] + found[p]
    return access


@njit(cache=True, error_model="numpy")
def _load(
    at: tuple[float, float],
    points: tuple[IntArray, FloatArray, FloatArray],
    persons: FloatArray,
    cell_demand: FloatArray,
    grid: Grid,
    bounds: FloatArray,
    weights: FloatArray,
) -> float:
    """Weighted demand in reach of a site."""
    first, x, y = points
    load = 0.0
    first_col, last_col, first_row, last_row = _window(at, np.sqrt(bounds[-2]), grid)
    for row in range(first_row, last_row + 1):
        for col in range(first_col, last_col + 1):
            cell = row * grid[3] + col
            near, far = _steps(at, col, row, grid, bounds)
            if near == far:
                load += weights[near] * cell_demand[cell]
            else:
                p, q = first[cell], first[cell + 1]
                for step in range(near, far + 1):
                    if weights[step] > 0.0:
                        ring = (bounds[step], bounds[step + 1])
                        load += weights[step] * _sum(at, x[p:q], y[p:q], persons[p:q], ring)
    return load


@njit(cache=True, error_model="numpy")
def _spread(
    at: tuple[float, float],
    points: tuple[IntArray, FloatArray, FloatArray],
    ratio: float,
    cell_access: FloatArray,
    found: FloatArray,
    grid: Grid,
    bounds: FloatArray,
    weights: FloatArray,
) -> None:
    """Add what a site offers to the cells that lie in one step of it, and to points elsewhere."""
    first, x, y = points
    first_col, last_col, first_row, last_row = _window(at, np.sqrt(bounds[-2]), grid)
    for row in range(first_row, last_row + 1):
        for col in range(first_col, last_col + 1):
            cell = row * grid[3] + col
            near, far = _steps(at, col, row, grid, bounds)
            if near == far:
                cell_access[cell] += weights[near] * ratio
            else:
                p, q = first[cell], first[cell + 1]
                for step in range(near, far + 1):
                    if weights[step] > 0.0:
                        ring = (bounds[step], bounds[step + 1])
                        _add(at, x[p:q], y[p:q], weights[step] * ratio, found[p:q], ring)


# The sum may be taken in any order: only so does it run on several numbers at once.
@njit(cache=True, fastmath={"reassoc", "nsz"})
def _sum(
    at: tuple[float, float],
    x: FloatArray,
    y: FloatArray,
    persons: FloatArray,
    ring: tuple[float, float],
) -> float:
    """Persons at the points in a ring around a site."""
    lower, upper = ring
    total = 0.0
    for p in range(x.shape[0]):
        dx, dy = x[p] - at[0], y[p] - at[1]
        square = dx * dx + dy * dy
        total += persons[p] if (square > lower) & (square <= upper) else 0.0
    return total


@njit(cache=True)
def _add(
    at: tuple[float, float],
    x: FloatArray,
    y: FloatArray,
    amount: float,
    found: FloatArray,
    ring: tuple[float, float],
) -> None:
    """Add an amount to the points in a ring around a site."""
    lower, upper = ring
    for p in range(x.shape[0]):
        dx, dy = x[p] - at[0], y[p] - at[1]
        square = dx * dx + dy * dy
        found[p] += amount if (square > lower) & (square <= upper) else 0.0


@njit(cache=True)
def _step(square: float, bounds: FloatArray) -> int:
    """Position of the step that holds a square of a distance."""
    step = 0
    while square > bounds[step + 1]:
        step += 1
    return step


@njit(cache=True, error_model="numpy")
def _steps(
    at: tuple[float, float], col: int, row: int, grid: Grid, bounds: FloatArray
) -> tuple[int, int]:
    """Steps that hold the nearest and the farthest spot of a cell, seen from a site."""
    west, south, size_m = grid[0], grid[1], grid[2]
    # A point may lie outside its cell by rounding: the cell is taken a hair larger than it is.
    half = size_m * (0.5 + 1e-6)
    dx = abs(west + (col + 0.5) * size_m - at[0])
    dy = abs(south + (row + 0.5) * size_m - at[1])
    near_x, near_y = max(dx - half, 0.0), max(dy - half, 0.0)
    far_x, far_y = dx + half, dy + half
    near = _step(near_x * near_x + near_y * near_y, bounds)
    return near, _step(far_x * far_x + far_y * far_y, bounds)


@njit(cache=True, error_model="numpy")
def _points_by_cell(
    xy: FloatArray, demand: FloatArray, grid: Grid
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
def _sites_by_cell(site_xy: FloatArray, grid: Grid) -> IntArray:
    """Order of the sites row by row of the cells."""
    key = np.empty(site_xy.shape[0])
    for site in range(site_xy.shape[0]):
        x, y = (site_xy[site, 0] - grid[0]) / grid[2], (site_xy[site, 1] - grid[1]) / grid[2]
        key[site] = np.floor(y) * grid[3] + x
    return np.argsort(key)


@njit(cache=True, error_model="numpy")
def _window(at: tuple[float, float], reach_m: float, grid: Grid) -> tuple[int, int, int, int]:
    """Columns and rows, first and last, that a square around a site touches."""
    west, south, size_m, n_cols, n_rows = grid
    return (
        max(int(np.floor((at[0] - reach_m - west) / size_m)) - 1, 0),
        min(int(np.floor((at[0] + reach_m - west) / size_m)) + 1, n_cols - 1),
        max(int(np.floor((at[1] - reach_m - south) / size_m)) - 1, 0),
        min(int(np.floor((at[1] + reach_m - south) / size_m)) + 1, n_rows - 1),
    )
