"""Floating catchments over coordinates, without ever holding the pairs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from geo.access._pairs import known_supply, share_out
from geo.access.decay import Decay, steps, weigh
from geo.arrays import BoolArray, FloatArray, IntArray, amounts, points, positive, same_length

_CHUNK = 65_536


class _Points(NamedTuple):
    xy: FloatArray
    amount: FloatArray


class _Limit(NamedTuple):
    reach_m: float
    decay: Decay | None


def floating_catchment_points(
    demand_xy: npt.ArrayLike,
    demand: npt.ArrayLike,
    site_xy: npt.ArrayLike,
    supply: npt.ArrayLike,
    *,
    catchment_m: float,
    decay: Decay | None = None,
) -> FloatArray:
    """Supply per head of demand within reach of each point, by straight-line distance.

    The same as `floating_catchment` on a table of distances, without ever holding that table.

    Parameters
    ----------
    demand_xy : float64 [m], shape (n, 2), metric CRS.
    demand : float64 [persons], shape (n,), >= 0; NaN where unknown.
    site_xy : float64 [m], shape (m, 2), same CRS.
    supply : float64 [staff, rooms, places], shape (m,), >= 0.
    catchment_m : inclusive straight-line limit [m], > 0.
    decay : as in `floating_catchment`, bounds and argument in m.

    Returns
    -------
    float64 [supply per person], shape (n,): 0 where no site with demand is within reach, NaN
        where the demand or a coordinate is unknown. Such a point loads no site; a site without
        coordinates serves nobody.

    Raises
    ------
    ShapeError : lengths differ, or points are not of shape (n, 2).
    UnitError : a demand, supply or weight is negative, or a supply is NaN.

    Notes
    -----
    O(n + m) cells and the pairs that lie near the border of a step, in two passes over a uniform
    grid: a cell that lies whole within one step of a site counts as one. Memory O(n + m);
    compiled at the first call. With a function as decay, all pairs are found by a k-d tree in
    chunks of points. Luo & Wang 2003, Luo & Qi 2009.

    Examples
    --------
    >>> floating_catchment_points([(0, 0), (3000, 4000)], [100.0, 300.0], [(0, 0)], [2.0],
    ...     catchment_m=5000).tolist()
    [0.005, 0.005]
    """
    reach_m = positive("catchment_m", catchment_m, unit="m")
    origins, sites = points("demand_xy", demand_xy), points("site_xy", site_xy)
    persons, offered = amounts("demand", demand), known_supply("supply", supply)
    same_length(demand_xy=origins, demand=persons)
    same_length(site_xy=sites, supply=offered)
    limit = _Limit(reach_m, decay)
    placed = ~np.isnan(sites).any(axis=1)
    offers = _Points(sites[placed], offered[placed])
    unknown: BoolArray = np.isnan(persons) | np.isnan(origins[:, 0]) | np.isnan(origins[:, 1])
    if not unknown.any():
        return _catchment_points(_Points(origins, persons), offers, limit)
    access = np.full(len(origins), np.nan)
    access[~unknown] = _catchment_points(
        _Points(origins[~unknown], persons[~unknown]), offers, limit
    )
    return access


def _catchment_points(persons: _Points, supply: _Points, limit: _Limit) -> FloatArray:
    if not len(persons.xy) or not len(supply.xy):
        return np.zeros(len(persons.xy))
    if callable(limit.decay):
        return _catchment_chunks(persons, supply, limit)
    # Imported here: loading and compiling numba is paid only by those who need it.
    from geo import _kernels  # noqa: PLC0415

    bounds_m, weights = np.array([limit.reach_m]), np.ones(1)
    if limit.decay is not None:
        bounds_m, weights = steps(limit.decay)
        # Cut at the catchment: the step it falls into ends there.
        last = min(int(np.searchsorted(bounds_m, limit.reach_m)), len(bounds_m) - 1)
        bounds_m = np.append(bounds_m[:last], min(bounds_m[last], limit.reach_m))
    squares = np.array([_largest_square(float(bound)) for bound in bounds_m])
    grid = _cells_around(supply.xy, float(bounds_m[-1]), n_points=len(persons.xy))
    access: FloatArray = _kernels.catchment_access(
        persons.xy, persons.amount, supply.xy, supply.amount, grid, squares, weights
    )
    return access


def _cells_around(
    sites: FloatArray, reach_m: float, *, n_points: int
) -> tuple[float, float, float, int, int]:
    """West, south, side [m], columns and rows of a grid that holds all that sites reach."""
    margin_m = max(reach_m * (1.0 + 1e-6), 1e-6)
    west, south = sites.min(axis=0) - margin_m
    width, height = np.ptp(sites, axis=0) + 2.0 * margin_m
    # An eighth of the reach a cell was fastest; more cells than points would be work for nothing.
    most = float(np.clip(n_points / 4.0, 1024.0, 4_000_000.0))
    size_m = max(margin_m / 8.0, float(np.sqrt(width * height / most)))
    # A long strip has far more cells on one side.
    size_m = max(size_m, float(max(width, height)) / most)
    return float(west), float(south), size_m, int(width / size_m) + 1, int(height / size_m) + 1


def _largest_square(reach: float) -> float:
    """Largest float whose root is within the reach: squares then compare exactly as roots do."""
    square = reach * reach
    while np.sqrt(square) > reach:
        square = float(np.nextafter(square, 0.0))
    while np.sqrt(np.nextafter(square, np.inf)) <= reach:
        square = float(np.nextafter(square, np.inf))
    return square


def _catchment_chunks(persons: _Points, supply: _Points, limit: _Limit) -> FloatArray:
    tree = cKDTree(supply.xy)

    def pairs() -> Iterator[tuple[slice, IntArray, IntArray, FloatArray]]:
        for start in range(0, len(persons.xy), _CHUNK):
            part = slice(start, start + _CHUNK)
            near = cKDTree(persons.xy[part]).sparse_distance_matrix(
                tree, limit.reach_m * (1.0 + 1e-9), output_type="ndarray"
            )
            near = near[near["v"] <= limit.reach_m]
            yield part, near["i"], near["j"], weigh(limit.decay, near["v"])

    load = np.zeros(len(supply.xy))
    for part, origin, site, weight in pairs():
        load += np.bincount(site, persons.amount[part][origin] * weight, minlength=len(load))
    ratio = share_out(supply.amount, load)
    access = np.zeros(len(persons.xy))
    for part, origin, site, weight in pairs():
        n_part = len(access[part])
        access[part] = np.bincount(origin, ratio[site] * weight, minlength=n_part)
    return access
