"""Does a ranking hold when the borders are drawn anew? The modifiable areal unit problem.

The units are the areas of the finest level; a zoning groups them into zones. Zones are ranked by
a value, and the worst tenth of a zoning is compared with that of another, resident by resident.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.arrays import (
    FloatArray,
    Int8Array,
    IntArray,
    amounts,
    floats,
    parents,
    points,
    positive,
    same_length,
)
from geo.errors import ShapeError, UnitError
from geo.rollup import roll_up

WORST_SHARE = 0.1


class Staying(NamedTuple):
    """How much of one worst tenth is found again in another.

    Attributes
    ----------
    share : 0..1 of the residents of the first worst tenth, of those ranked in both; NaN where
        there are none.
    persons : residents of the first worst tenth that are ranked in both [persons].
    expected : share of all residents ranked in both that are in the second worst tenth: what
        chance alone would give.
    """

    share: float
    persons: float
    expected: float


class AreaStability(NamedTuple):
    """In how many variants an area is among the worst.

    Attributes
    ----------
    share : float64 0..1, shape (n_areas,): variants in which at least half of the area's ranked
        residents are in the worst tenth, of the variants that rank any of them; NaN for none.
    variants : int64, shape (n_areas,): variants that rank any resident of the area.
    """

    share: FloatArray
    variants: IntArray


def worst_areas(
    values: npt.ArrayLike, persons: npt.ArrayLike, *, share: float = WORST_SHARE
) -> Int8Array:
    """Areas in which the worst-off tenth of the residents live.

    Areas are taken whole, in falling order of their value, until they hold `share` of all
    residents of ranked areas. The area that crosses the border belongs to them, and so do all
    areas of the same value: equals are never parted. The worst tenth may so be more than a tenth.

    Parameters
    ----------
    values : float64, shape (n,), larger meaning worse; NaN where unknown.
    persons : float64 [persons], shape (n,), >= 0; NaN where unknown.
    share : of the residents, above 0 and below 1.

    Returns
    -------
    int8, shape (n,): 1 among the worst, 0 not, -1 not ranked (nobody lives there, or the value or
        the residents are unknown).

    Raises
    ------
    ShapeError : lengths differ.
    UnitError : persons are negative or infinite, a value is infinite, or `share` is out of range.

    Notes
    -----
    O(n log n).

    Examples
    --------
    >>> worst_areas([5.0, 9.0, 9.0, 1.0, np.nan], [100, 15, 15, 100, 50]).tolist()
    [0, 1, 1, 0, -1]
    >>> worst_areas([5.0, 9.0, 9.0, 1.0], [100, 15, 15, 100], share=0.2).tolist()
    [1, 1, 1, 0]
    """
    value, people = floats("values", values), amounts("persons", persons)
    same_length(values=value, persons=people)
    if not 0 < share < 1:
        raise UnitError(f"share: {share!r}; wanted a share of the residents between 0 and 1")
    if np.isinf(value).any():
        raise UnitError("values: an infinite value; wanted numbers or NaN")
    ranked = np.flatnonzero(~np.isnan(value) & (people > 0))
    worst = np.full(len(value), -1, dtype=np.int8)
    if ranked.size:
        order = ranked[np.argsort(-value[ranked], kind="stable")]
        held = np.cumsum(people[order])
        # Rounding must not carry the border past an area that holds the tenth exactly.
        crossed = int(np.argmax(held >= share * held[-1] * (1 - 1e-12)))
        worst[ranked] = value[ranked] >= value[order[crossed]]
    return worst


def shifted_squares(
    xy: npt.ArrayLike, *, size_m: float, shift: tuple[float, float] = (0.0, 0.0)
) -> IntArray:
    """Zone of each point in a grid of squares that may be moved.

    Parameters
    ----------
    xy : float64 [m], shape (n, 2), metric CRS; NaN where a point is unknown.
    size_m : side of a square [m], > 0.
    shift : how far the grid is moved from the CRS origin, in sides of a square, (east, north).

    Returns
    -------
    int64, shape (n,): 0..n_zones-1 in the order of row and column; -1 where a coordinate is NaN.

    Raises
    ------
    ShapeError : `xy` is not of shape (n, 2).
    UnitError : `size_m` is not positive, or a shift is not finite.

    Notes
    -----
    O(n log n). Points on a border belong to the square to the north and east.

    Examples
    --------
    >>> shifted_squares([(10, 10), (90, 10), (110, 10)], size_m=100).tolist()
    [0, 0, 1]
    >>> shifted_squares([(10, 10), (90, 10), (110, 10)], size_m=100, shift=(0.5, 0)).tolist()
    [0, 1, 1]
    """
    place = points("xy", xy)
    side = positive("size_m", size_m, unit="m")
    if not np.isfinite(shift).all():
        raise UnitError(f"shift: {shift}; wanted two finite numbers, in sides of a square")
    zone = np.full(len(place), -1, dtype=np.int64)
    known = ~np.isnan(place).any(axis=1)
    square = np.floor(place[known] / side - np.asarray(shift, dtype=np.float64)).astype(np.int64)
    if square.size:
        col, row = (square - square.min(axis=0)).T
        _, zone[known] = np.unique(row * (col.max() + 1) + col, return_inverse=True)
    return zone


def zone_means(
    values: npt.ArrayLike, persons: npt.ArrayLike, zones: npt.ArrayLike, *, n_zones: int
) -> FloatArray:
    """Mean over the residents of each zone.

    Parameters
    ----------
    values : float64, shape (n_units,); NaN where unknown, infinite where there is nothing.
    persons : float64 [persons], shape (n_units,), >= 0; NaN where unknown.
    zones : int, shape (n_units,): position of the zone, -1 where there is none.
    n_zones : number of zones.

    Returns
    -------
    float64, shape (n_zones,): mean of the known values, weighted by residents; NaN where nobody
        with a known value lives.

    Raises
    ------
    CodeError : a zone is out of range.
    ShapeError : lengths differ.
    UnitError : persons are negative or infinite.

    Notes
    -----
    O(n_units).

    Examples
    --------
    >>> zone_means([1.0, 3.0, np.nan], [10, 30, 5], [0, 0, 1], n_zones=2).tolist()
    [2.5, nan]
    """
    value, people = floats("values", values), amounts("persons", persons)
    same_length(values=value, persons=people)
    weights = np.where(np.isnan(value), 0.0, np.nan_to_num(people))
    # 0 residents x infinity would be NaN.
    counted = np.where(weights > 0, value, np.nan)
    return roll_up(counted, zones, n_parents=n_zones, how="mean", weights=weights).values


def zone_medians(
    values: npt.ArrayLike, persons: npt.ArrayLike, zones: npt.ArrayLike, *, n_zones: int
) -> FloatArray:
    """Value of the median resident of each zone.

    Parameters
    ----------
    values : float64, shape (n_units,), such as classes; NaN where unknown.
    persons : float64 [persons], shape (n_units,), >= 0; NaN where unknown.
    zones : int, shape (n_units,): position of the zone, -1 where there is none.
    n_zones : number of zones.

    Returns
    -------
    float64, shape (n_zones,): the largest value that at least half of the residents with a known
        value are at or above; NaN where there are none.

    Raises
    ------
    CodeError : a zone is out of range.
    ShapeError : lengths differ.
    UnitError : persons are negative or infinite.

    Notes
    -----
    O(n_units log n_units).

    Examples
    --------
    >>> zone_medians([0, 3, 1, np.nan], [10, 10, 5, 9], [0, 0, 1, 1], n_zones=3).tolist()
    [3.0, 1.0, nan]
    """
    value, people = floats("values", values), amounts("persons", persons)
    same_length(values=value, persons=people)
    zone = parents("zones", zones, n_children=len(value), n_parents=n_zones)
    counted = np.flatnonzero((zone >= 0) & ~np.isnan(value) & (people > 0))
    order = counted[np.lexsort((-value[counted], zone[counted]))]
    total = np.bincount(zone[order], people[order], minlength=n_zones)
    held = np.cumsum(people[order])
    before = np.concatenate([[0.0], np.cumsum(total)])[zone[order]]
    # Rounding must not part two halves that are equal.
    reached = np.flatnonzero(held - before >= total[zone[order]] * (0.5 - 1e-12))
    medians = np.full(n_zones, np.nan)
    found, first = np.unique(zone[order[reached]], return_index=True)
    medians[found] = value[order[reached[first]]]
    return medians


def staying_share(first: npt.ArrayLike, second: npt.ArrayLike, persons: npt.ArrayLike) -> Staying:
    """Share of one worst tenth, by residents, that is in another.

    Parameters
    ----------
    first : int, shape (n_units,): 1, 0 or -1 of the zone of each unit, see `worst_areas`.
    second : the same under another zoning or catchment.
    persons : float64 [persons], shape (n_units,), >= 0; NaN counts as unknown.

    Returns
    -------
    Staying : share, residents and what chance would give.

    Raises
    ------
    ShapeError : lengths differ, or other values than 1, 0 and -1.
    UnitError : persons are negative or infinite.

    Notes
    -----
    O(n_units). The problem: Openshaw 1984, The modifiable areal unit problem (CATMOG 38). Equal
    zonings give 1, values without any order about `expected`.

    Examples
    --------
    >>> staying_share([1, 1, 0, 0], [1, 0, 0, -1], [30, 10, 60, 50])
    Staying(share=0.75, persons=40.0, expected=0.3)
    """
    one, other = _marks("first", first), _marks("second", second)
    people = np.nan_to_num(amounts("persons", persons))
    same_length(first=one, second=other, persons=people)
    both = np.where((one >= 0) & (other >= 0), people, 0.0)
    worst = float(both[one == 1].sum())
    kept = float(both[(one == 1) & (other == 1)].sum())
    total = float(both.sum())
    return Staying(
        kept / worst if worst > 0 else np.nan,
        worst,
        float(both[other == 1].sum()) / total if total > 0 else np.nan,
    )


def area_stability(
    variants: npt.ArrayLike, persons: npt.ArrayLike, areas: npt.ArrayLike, *, n_areas: int
) -> AreaStability:
    """In how many variants of zoning and catchment each area is among the worst.

    Parameters
    ----------
    variants : int, shape (n_variants, n_units): 1, 0 or -1 of the zone of each unit.
    persons : float64 [persons], shape (n_units,), >= 0; NaN counts as unknown.
    areas : int, shape (n_units,): position of the area, -1 where there is none.
    n_areas : number of areas.

    Returns
    -------
    AreaStability : share and number of the variants.

    Raises
    ------
    CodeError : an area is out of range.
    ShapeError : shapes do not fit, or other values than 1, 0 and -1.
    UnitError : persons are negative or infinite.

    Notes
    -----
    O(n_variants x n_units).

    Examples
    --------
    >>> area_stability([[1, 0, 0], [1, 1, -1]], [10, 10, 5], [0, 0, 1], n_areas=2).share.tolist()
    [1.0, 0.0]
    """
    table = _marks("variants", variants, ndim=2)
    people = np.nan_to_num(amounts("persons", persons))
    if table.shape[1] != len(people):
        raise ShapeError(f"variants: {table.shape[1]} units for {len(people)} persons")
    index = parents("areas", areas, n_children=len(people), n_parents=n_areas)
    has = index >= 0
    among, ranked = np.zeros(n_areas, dtype=np.int64), np.zeros(n_areas, dtype=np.int64)
    for row in table:
        known = np.bincount(index[has], (people * (row >= 0))[has], minlength=n_areas)
        worst = np.bincount(index[has], (people * (row == 1))[has], minlength=n_areas)
        ranked += known > 0
        among += (known > 0) & (worst >= known / 2)
    with np.errstate(invalid="ignore"):
        return AreaStability(np.where(ranked > 0, among / ranked, np.nan), ranked)


def _marks(name: str, values: npt.ArrayLike, *, ndim: int = 1) -> Int8Array:
    array = np.asarray(values)
    if array.ndim != ndim or not np.isin(array, (-1, 0, 1)).all():
        raise ShapeError(f"{name}: shape {array.shape}; wanted {ndim} dimension(s) of 1, 0 and -1")
    return array.astype(np.int8)
