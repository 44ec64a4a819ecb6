"""Several nearest sites of a point: who can come, and who comes if the first cannot."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from geo.arrays import FloatArray, IntArray, points
from geo.errors import UnitError
from geo.travel.straight import minutes_per_metre


def k_nearest_straight_line(
    origins_xy: npt.ArrayLike,
    sites_xy: npt.ArrayLike,
    *,
    k: int,
    detour: float,
    speed_kmh: float,
) -> tuple[FloatArray, IntArray]:
    """Lowest travel costs from each origin to k sites, as flown times a detour.

    Parameters
    ----------
    origins_xy : float64 [m], shape (n, 2), metric CRS; a row with NaN gets NaN.
    sites_xy : float64 [m], shape (n_sites, 2), same CRS; rows with NaN are left out.
    k : so many sites an origin, >= 1.
    detour : way on the ground per straight-line metre, >= 1.
    speed_kmh : speed [km/h], > 0.

    Returns
    -------
    cost_min : float64 [min], shape (n, k), ascending; NaN where there are fewer sites.
    site : int64, shape (n, k), position in `sites_xy`, -1 where `cost_min` is NaN.

    Raises
    ------
    ShapeError : the points are not of shape (n, 2).
    UnitError : an option is out of range.

    Notes
    -----
    O((n k + n_sites) log n_sites) by a k-d tree.

    Examples
    --------
    >>> cost_min, site = k_nearest_straight_line(
    ...     [(0, 0)], [(0, 800), (400, 0)], k=3, detour=1.0, speed_kmh=4.8)
    >>> cost_min.tolist(), site.tolist()
    ([[5.0, 10.0, nan]], [[1, 0, -1]])
    """
    origins, sites = points("origins_xy", origins_xy), points("sites_xy", sites_xy)
    min_per_m = minutes_per_metre(detour, speed_kmh)
    if k < 1:
        raise UnitError(f"k: {k!r}; wanted 1 or more sites an origin")
    cost_min = np.full((len(origins), k), np.nan)
    site = np.full((len(origins), k), -1, dtype=np.int64)
    placed = np.flatnonzero(~np.isnan(sites).any(axis=1))
    known = np.flatnonzero(~np.isnan(origins).any(axis=1))
    if placed.size and known.size:
        ranks = np.arange(1, min(k, placed.size) + 1)
        distance_m, at = cKDTree(sites[placed]).query(origins[known], k=ranks)
        cost_min[known, : len(ranks)] = distance_m * min_per_m
        site[known, : len(ranks)] = placed[at]
    return cost_min, site
