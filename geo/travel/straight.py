"""Travel costs straight: distance [m] x detour / speed, where there is no network of roads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from geo.arrays import FloatArray, IntArray, points, positive
from geo.errors import UnitError
from geo.travel._table import cost_table, unique_codes

# The tree compares squared distances; a hair more is asked for, and the cost itself decides.
_MARGIN = 1.0 + 1e-9
_CHUNK = 65_536


def straight_line_costs(
    origins_xy: npt.ArrayLike,
    sites_xy: npt.ArrayLike,
    *,
    area_codes: Sequence[str] | pd.Index | npt.NDArray[np.object_],
    site_ids: Sequence[str] | pd.Index | npt.NDArray[np.object_],
    detour: float,
    speed_kmh: float,
    max_cost_min: float,
) -> pd.DataFrame:
    """Travel costs of all pairs of area and site within a limit.

    Parameters
    ----------
    origins_xy : float64 [m], shape (n_areas, 2), metric CRS; a row with NaN reaches no site.
    sites_xy : float64 [m], shape (n_sites, 2), same CRS; a row with NaN is reached by nobody.
    area_codes : str, length n_areas, unique.
    site_ids : str, length n_sites, unique.
    detour : way on the ground per straight-line metre, >= 1.
    speed_kmh : speed [km/h], > 0.
    max_cost_min : inclusive limit [min], > 0.

    Returns
    -------
    DataFrame, one row a pair, in the order of the areas, then of the sites: `area_code` str,
        `site_id` str, `cost_min` float64 [min]. No rows where nothing is within reach.

    Raises
    ------
    CodeError : a code is doubled.
    ShapeError : the points are not of shape (n, 2), or codes and points differ in length.
    UnitError : an option is out of range.

    Notes
    -----
    O((n_areas + n_sites) log n_sites + n_pairs) by a k-d tree; memory follows the pairs.

    Examples
    --------
    >>> straight_line_costs([(0, 0)], [(400, 0), (9000, 0)], area_codes=["a"],
    ...     site_ids=["s", "t"], detour=1.0, speed_kmh=4.8, max_cost_min=15)["cost_min"].tolist()
    [5.0]
    """
    origins, sites = points("origins_xy", origins_xy), points("sites_xy", sites_xy)
    areas = unique_codes("area_codes", area_codes, len(origins))
    ids = unique_codes("site_ids", site_ids, len(sites))
    min_per_m = minutes_per_metre(detour, speed_kmh)
    limit_min = positive("max_cost_min", max_cost_min, unit="min")
    area, site, cost = _pairs_within(origins, sites, min_per_m=min_per_m, limit_min=limit_min)
    return cost_table(areas[area], ids[site], cost)


def nearest_straight_line(
    origins_xy: npt.ArrayLike, sites_xy: npt.ArrayLike, *, detour: float, speed_kmh: float
) -> tuple[FloatArray, IntArray]:
    """Lowest travel cost from each origin to any site, and which site that is.

    Parameters
    ----------
    origins_xy : float64 [m], shape (n, 2), metric CRS; a row with NaN gets NaN.
    sites_xy : float64 [m], shape (n_sites, 2), same CRS; rows with NaN are left out.
    detour : way on the ground per straight-line metre, >= 1.
    speed_kmh : speed [km/h], > 0.

    Returns
    -------
    cost_min : float64 [min], shape (n,); NaN where there is no site or no coordinate.
    site : int64, shape (n,), position in `sites_xy`, -1 where `cost_min` is NaN; of several
        sites equally near, one.

    Raises
    ------
    ShapeError : the points are not of shape (n, 2).
    UnitError : an option is out of range.

    Notes
    -----
    O((n + n_sites) log n_sites) by a k-d tree.

    Examples
    --------
    >>> cost_min, site = nearest_straight_line(
    ...     [(0, 0)], [(0, 800), (400, 0)], detour=1.0, speed_kmh=4.8)
    >>> cost_min.tolist(), site.tolist()
    ([5.0], [1])
    """
    origins, sites = points("origins_xy", origins_xy), points("sites_xy", sites_xy)
    min_per_m = minutes_per_metre(detour, speed_kmh)
    cost_min = np.full(len(origins), np.nan)
    nearest = np.full(len(origins), -1, dtype=np.int64)
    placed = np.flatnonzero(~np.isnan(sites).any(axis=1))
    known = np.flatnonzero(~np.isnan(origins).any(axis=1))
    if placed.size and known.size:
        distance_m, at = cKDTree(sites[placed]).query(origins[known])
        cost_min[known] = distance_m * min_per_m
        nearest[known] = placed[at]
    return cost_min, nearest


def reach_m(cost_min: float, *, detour: float, speed_kmh: float) -> float:
    """Straight-line distance that a travel cost allows.

    Parameters
    ----------
    cost_min : travel cost [min], > 0.
    detour : way on the ground per straight-line metre, >= 1.
    speed_kmh : speed [km/h], > 0.

    Returns
    -------
    Distance [m].

    Raises
    ------
    UnitError : an argument is out of range.

    Examples
    --------
    >>> round(reach_m(15, detour=1.3, speed_kmh=4.8))
    923
    """
    return positive("cost_min", cost_min, unit="min") / minutes_per_metre(detour, speed_kmh)


def minutes_per_metre(detour: float, speed_kmh: float) -> float:
    """Travel time of a straight-line metre.

    Parameters
    ----------
    detour : way on the ground per straight-line metre, >= 1.
    speed_kmh : speed [km/h], > 0.

    Returns
    -------
    Minutes a metre.

    Raises
    ------
    UnitError : an option is out of range.

    Examples
    --------
    >>> minutes_per_metre(1.0, 6.0)
    0.01
    """
    positive("speed_kmh", speed_kmh, unit="km/h")
    if not (np.isfinite(detour) and detour >= 1):
        raise UnitError(f"detour: {detour!r}; wanted a factor of 1 or more")
    return detour * 60.0 / (speed_kmh * 1000.0)


def _pairs_within(
    origins: FloatArray, sites: FloatArray, *, min_per_m: float, limit_min: float
) -> tuple[IntArray, IntArray, FloatArray]:
    placed = np.flatnonzero(~np.isnan(sites).any(axis=1))
    known = np.flatnonzero(~np.isnan(origins).any(axis=1))
    parts: list[tuple[IntArray, IntArray, FloatArray]] = []
    tree = cKDTree(sites[placed])
    for start in range(0, known.size, _CHUNK):
        chunk = known[start : start + _CHUNK]
        near = cKDTree(origins[chunk]).sparse_distance_matrix(
            tree, limit_min / min_per_m * _MARGIN, output_type="ndarray"
        )
        area, site, cost = chunk[near["i"]], placed[near["j"]], near["v"] * min_per_m
        kept = np.flatnonzero(cost <= limit_min)
        order = kept[np.lexsort((site[kept], area[kept]))]
        parts.append((area[order], site[order], cost[order]))
    if not parts:
        none = np.empty(0, np.int64)
        return none, none, np.empty(0)
    area, site, cost = (np.concatenate(column) for column in zip(*parts, strict=True))
    return area, site, cost
