"""Access to supply that others want too: the two-step floating catchment area and its steps.

Step 1 divides the supply of each site by the demand within its catchment, step 2 sums these
ratios over the sites within reach of each area. With a decay both sums are weighted by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from geo.arrays import BoolArray, FloatArray, IntArray, amounts, points, positive, same_length
from geo.errors import CodeError, ShapeError, UnitError

Decay = Mapping[float, float] | Callable[[FloatArray], FloatArray]

# Luo & Qi 2009, the weights that pysal access ships as its example [min: weight].
E2SFCA_STEPS_MIN: Mapping[float, float] = MappingProxyType({10.0: 1.0, 20.0: 0.68, 30.0: 0.22})

_CHUNK = 65_536


class _Points(NamedTuple):
    xy: FloatArray
    amount: FloatArray


class _Limit(NamedTuple):
    reach_m: float
    decay: Decay | None


def floating_catchment(
    costs: pd.DataFrame,
    demand: pd.Series[float],
    supply: pd.Series[float],
    *,
    catchment: float,
    decay: Decay | None = None,
    cost_column: str = "cost",
) -> pd.Series[float]:
    """Supply per head of demand within reach of each area, from a table of costs.

    Parameters
    ----------
    costs : one row a pair, pairs unique; `area_code` str, `site_id` str and the cost, float64
        >= 0 in any one unit. Pairs that are absent are out of reach.
    demand : float64 [persons], >= 0, index `area_code`, unique; NaN where unknown.
    supply : float64 [staff, rooms, places], >= 0, index `site_id`, unique.
    catchment : inclusive limit in the unit of the cost, > 0.
    decay : None for weight 1 throughout (2SFCA); a mapping {inclusive upper bound: weight} for
        steps, 0 beyond the last (E2SFCA), e.g. `E2SFCA_STEPS_MIN`; or a function of an array of
        costs. It works inside the catchment.
    cost_column : name of the column that holds the cost.

    Returns
    -------
    Series `access`, float64 [supply per person], index of `demand`: 0 where no site with demand
        is within reach, NaN where the area's own demand is unknown. Such an area loads no site.

    Raises
    ------
    CodeError : a code is doubled, or a pair names an area or site without demand or supply.
    ShapeError : a column is missing, or pairs are doubled.
    UnitError : a cost, demand, supply or weight is negative; a cost or supply is NaN.

    Notes
    -----
    O(n_pairs). Luo & Wang 2003; with steps Luo & Qi 2009. The sum of demand x access equals the
    supply of all sites that have any demand within reach. A site without any gives nothing.

    Examples
    --------
    >>> pairs = pd.DataFrame({"area_code": ["a", "b"], "site_id": ["s", "s"], "cost": [5.0, 9.0]})
    >>> persons = pd.Series({"a": 100.0, "b": 300.0, "c": 50.0})
    >>> floating_catchment(pairs, persons, pd.Series({"s": 2.0}), catchment=15).tolist()
    [0.005, 0.005, 0.0]
    """
    limit = positive("catchment", catchment, unit=cost_column)
    persons = amounts("demand", demand.to_numpy(dtype=np.float64))
    offered = _known("supply", amounts("supply", supply.to_numpy(dtype=np.float64)))
    wanted = ("area_code", "site_id", cost_column)
    if missing := [name for name in wanted if name not in costs.columns]:
        raise ShapeError(f"costs: no column {', '.join(missing)}; wanted {', '.join(wanted)}")
    area = _positions("area_code", costs["area_code"], demand.index, "demand")
    site = _positions("site_id", costs["site_id"], supply.index, "supply")
    cost = _known("costs", amounts("costs", costs[cost_column].to_numpy(dtype=np.float64)))
    if pd.Index(area * max(len(offered), 1) + site).has_duplicates:
        raise ShapeError("costs: a pair of area and site comes twice; wanted each pair once")
    near = cost <= limit
    area, site = area[near], site[near]
    weight = _weights(decay, cost[near])
    load = np.zeros(len(offered))
    load += np.bincount(site, weights=np.nan_to_num(persons)[area] * weight, minlength=len(load))
    ratio = _ratio(offered, load)
    access = np.bincount(area, weights=ratio[site] * weight, minlength=len(persons))
    access = np.where(np.isnan(persons), np.nan, access)
    return pd.Series(access, index=demand.index, name="access")


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
    persons, offered = amounts("demand", demand), _known("supply", amounts("supply", supply))
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
        bounds_m, weights = _steps(limit.decay)
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
            yield part, near["i"], near["j"], _weights(limit.decay, near["v"])

    load = np.zeros(len(supply.xy))
    for part, origin, site, weight in pairs():
        load += np.bincount(site, persons.amount[part][origin] * weight, minlength=len(load))
    ratio = _ratio(supply.amount, load)
    access = np.zeros(len(persons.xy))
    for part, origin, site, weight in pairs():
        n_part = len(access[part])
        access[part] = np.bincount(origin, ratio[site] * weight, minlength=n_part)
    return access


def _ratio(supply: FloatArray, load: FloatArray) -> FloatArray:
    return np.divide(supply, load, out=np.zeros_like(supply), where=load > 0)


def _known(name: str, values: FloatArray) -> FloatArray:
    if np.isnan(values).any():
        raise UnitError(
            f"{name}: {int(np.isnan(values).sum())} value(s) NaN; wanted a number in each: "
            "leave out what is unknown, or say how much it is"
        )
    return values


def _positions(column: str, codes: pd.Series[str], index: pd.Index, table: str) -> IntArray:
    if index.has_duplicates:
        raise CodeError(f"{table}: {index[index.duplicated()][0]!r} comes twice; wanted it once")
    at = index.get_indexer(pd.Index(codes))
    if (at < 0).any():
        code = codes.iloc[int(np.argmax(at < 0))]
        raise CodeError(
            f"costs.{column}: {code!r} has no {table}; wanted only codes in the index of {table}"
        )
    return at.astype(np.int64)


def _steps(decay: Mapping[float, float]) -> tuple[FloatArray, FloatArray]:
    bounds = np.array(sorted(decay), dtype=np.float64)
    weights = np.array([decay[bound] for bound in sorted(decay)], dtype=np.float64)
    if not len(bounds) or not (np.isfinite(bounds) & (bounds >= 0)).all():
        raise UnitError(f"decay: bounds {bounds.tolist()}; wanted at least one, each >= 0")
    return bounds, _checked(weights)


def _weights(decay: Decay | None, cost: FloatArray) -> FloatArray:
    if decay is None:
        return np.ones(len(cost))
    if callable(decay):
        weights = np.asarray(decay(cost), dtype=np.float64)
        if weights.shape != cost.shape:
            raise ShapeError(
                f"decay: shape {weights.shape} for costs of shape {cost.shape}; "
                "wanted a function of an array that returns one weight a cost"
            )
        return _checked(weights)
    bounds, weights = _steps(decay)
    return np.append(weights, 0.0)[np.searchsorted(bounds, cost, side="left")]


def _checked(weights: FloatArray) -> FloatArray:
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise UnitError("decay: a weight negative, infinite or NaN; wanted finite weights >= 0")
    return weights
