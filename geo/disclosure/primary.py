"""Withholding what is small by itself, and what is made of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.arrays import BoolArray, FloatArray, StateArray, amounts, floats
from geo.errors import ShapeError, UnitError
from geo.model import Missing

LEAST_K = 5


class Published(NamedTuple):
    """What may be shown and why the rest may not.

    Attributes
    ----------
    values : float64; NaN where withheld or without data.
    states : uint8 `Missing` values, same shape.
    """

    values: FloatArray
    states: StateArray


def suppress_primary(
    counts: npt.ArrayLike,
    *,
    k: int,
    denominators: npt.ArrayLike | None = None,
    min_denominator: float = 100.0,
) -> Published:
    """Withhold counts from 1 to k - 1, and counts above 0 of small populations.

    Parameters
    ----------
    counts : float64, shape (n_areas,) or (n_weeks, n_areas), >= 0; NaN where there is no data.
    k : least count that is published, >= 5. A true zero is published.
    denominators : float64 [persons], shape (n_areas,) or that of `counts`: where it is below
        `min_denominator`, or NaN, every count above 0 is withheld.
    min_denominator : least population whose counts are published [persons], >= 1.

    Returns
    -------
    Published : shape of `counts`; states OK, NO_DATA (count NaN) or SUPPRESSED.

    Raises
    ------
    ShapeError : shapes do not fit.
    UnitError : `k` is below 5, `min_denominator` below 1, or an amount is negative or infinite.

    Notes
    -----
    O(n). Limits in use run from 5 to 10 (CDC WONDER: 10), denominators under 100.

    Examples
    --------
    >>> suppress_primary([0, 9, 10, float("nan")], k=10).states.tolist()
    [0, 2, 0, 1]
    """
    check_k(k)
    number = amounts("counts", counts, ndim=(1, 2))
    hidden = is_small(number, k=k, denominators=denominators, min_denominator=min_denominator)
    return withheld(number, hidden)


def suppress_derived(values: npt.ArrayLike, *states: npt.ArrayLike, window: int = 1) -> Published:
    """Withhold a rate, tier or score wherever a count it is made of is withheld.

    Parameters
    ----------
    values : float64, shape (n_areas,) or (n_weeks, n_areas).
    *states : uint8 `Missing` values of the counts, each of the shape of `values`; at least one.
    window : number of weeks, this one included, that the value is made of, >= 1: a value over
        a trailing window is withheld when any of its weeks is.

    Returns
    -------
    Published : the most serious state wins, NOT_APPLICABLE over NO_DATA over SUPPRESSED over
        UNRELIABLE; a NaN whose counts are all there is NO_DATA. UNRELIABLE keeps its value.

    Raises
    ------
    ShapeError : there is no state, shapes differ, or a window is asked for without weeks.
    UnitError : `window` is below 1.

    Notes
    -----
    O(n x window x states).

    Examples
    --------
    >>> suppress_derived([1.5, 2.5], [0, 2]).values.tolist()
    [1.5, nan]
    """
    table = floats("values", values, ndim=(1, 2))
    if window < 1:
        raise UnitError(f"window: {window}; wanted 1 week or more")
    if not states or (window > 1 and table.ndim == 1):
        raise ShapeError("states: none, or a window without weeks; wanted states, weeks by areas")
    serious = np.array([0, 3, 2, 1, 4], dtype=np.uint8)
    worst = np.zeros(table.shape, dtype=np.uint8)
    for state in states:
        given = np.asarray(state)
        if given.shape != table.shape or (given.size and given.max() > 4):
            raise ShapeError(f"states: shape {given.shape}; wanted {table.shape}, values 0..4")
        rank = serious[given.astype(np.intp)]
        for back in range(window):
            if back < len(table) or table.ndim == 1:
                np.maximum(worst[back:], rank[: len(rank) - back], out=worst[back:])
    found = serious[worst]
    found[np.isnan(table) & np.isin(found, (Missing.OK, Missing.UNRELIABLE))] = Missing.NO_DATA
    shown = np.isin(found, (Missing.OK, Missing.UNRELIABLE))
    return Published(np.where(shown, table, np.nan), found)


def check_k(k: int) -> None:
    """Check that the limit protects at all.

    Parameters
    ----------
    k : least count that is published.

    Raises
    ------
    UnitError : `k` is below 5.

    Examples
    --------
    >>> check_k(10)
    """
    if k < LEAST_K:
        raise UnitError(f"k: {k}; wanted {LEAST_K} or more, lower limits protect nobody")


def is_small(
    number: FloatArray, *, k: int, denominators: npt.ArrayLike | None, min_denominator: float
) -> BoolArray:
    """Which counts are withheld for their own sake; `suppress_primary` on checked counts.

    Parameters
    ----------
    number : counts, >= 0; NaN where there is no data.
    k : as in `suppress_primary`, checked.
    denominators : as in `suppress_primary`.
    min_denominator : as in `suppress_primary`.

    Returns
    -------
    bool, shape of `number`.

    Raises
    ------
    ShapeError : shapes do not fit.
    UnitError : `min_denominator` is below 1.

    Examples
    --------
    >>> is_small(np.array([3.0, 12.0]), k=10, denominators=None, min_denominator=100).tolist()
    [True, False]
    """
    if denominators is None:
        return (number > 0) & (number < k)
    if not min_denominator >= 1:
        raise UnitError(f"min_denominator: {min_denominator!r}; wanted 1 person or more")
    people = amounts("denominators", denominators, ndim=(1, 2))
    if people.shape not in (number.shape, number.shape[-1:]):
        raise ShapeError(
            f"denominators: shape {people.shape} for counts of shape {number.shape}; "
            "wanted one population an area"
        )
    least = np.where(people >= min_denominator, float(k), np.inf)
    small: BoolArray = (number > 0) & (number < least)
    return small


def withheld(number: FloatArray, hidden: BoolArray) -> Published:
    """Blank what is hidden and say why each value is absent.

    Parameters
    ----------
    number : float64; NaN where there is no data.
    hidden : bool, same shape.

    Returns
    -------
    Published : states OK, NO_DATA or SUPPRESSED.

    Examples
    --------
    >>> withheld(np.array([3.0, 12.0]), np.array([True, False])).states.tolist()
    [2, 0]
    """
    states = np.where(np.isnan(number), Missing.NO_DATA, Missing.OK).astype(np.uint8)
    states[hidden] = Missing.SUPPRESSED
    return Published(np.where(hidden, np.nan, number), states)
