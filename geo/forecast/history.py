"""What a forecast is made from: counts, checked; the weeks it starts from; weeks that stand out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from geo.arrays import BoolArray, FloatArray, IntArray, amounts
from geo.detect.ears import Method, ears
from geo.errors import ShapeError, UnitError

YEAR_WEEKS = 52


def weekly_table(counts: npt.ArrayLike) -> FloatArray:
    """Counts as weeks by series.

    Parameters
    ----------
    counts : shape (n_weeks,) or (n_weeks, n_series), >= 0; NaN where unknown.

    Returns
    -------
    float64, shape (n_weeks, n_series), C order.

    Raises
    ------
    ShapeError : other than one or two dimensions.
    UnitError : a count is negative or infinite.

    Examples
    --------
    >>> weekly_table([1, 2]).shape
    (2, 1)
    """
    table = amounts("counts", counts, ndim=(1, 2))
    return np.ascontiguousarray(table[:, np.newaxis] if table.ndim == 1 else table)


def check_origins(origins: Sequence[int] | IntArray, *, n_weeks: int, horizon: int) -> IntArray:
    """Origins as integers, checked; a forecast from origin o knows the weeks before o only.

    Parameters
    ----------
    origins : numbers of known weeks, 0..n_weeks, rising.
    n_weeks : weeks there are.
    horizon : weeks to forecast, >= 1.

    Returns
    -------
    int64, shape (n_origins,).

    Raises
    ------
    UnitError : the horizon is below 1, or an origin is out of range or order.

    Examples
    --------
    >>> check_origins([8, 12], n_weeks=12, horizon=4)
    array([ 8, 12])
    """
    if horizon < 1:
        raise UnitError(f"horizon: {horizon} weeks; wanted 1 or more")
    found = np.asarray(origins, dtype=np.int64)
    if (
        found.ndim != 1
        or (found < 0).any()
        or (found > n_weeks).any()
        or (np.diff(found) < 1).any()
    ):
        raise UnitError(f"origins: {list(origins)}; wanted rising numbers of weeks in 0..{n_weeks}")
    return found


def known_before(table: FloatArray, origins: IntArray, *, weeks: int | None = None) -> IntArray:
    """Known weeks before each origin.

    Parameters
    ----------
    table : counts, shape (n_weeks, n_series).
    origins : numbers of known weeks.
    weeks : how many weeks to look back; None for all.

    Returns
    -------
    int64, shape (n_origins, n_series).

    Examples
    --------
    >>> known_before(np.array([[1.0], [np.nan], [3.0]]), np.array([2, 3])).tolist()
    [[1], [2]]
    """
    total = np.zeros((len(table) + 1, table.shape[1]), dtype=np.int64)
    np.cumsum(~np.isnan(table), axis=0, out=total[1:])
    if weeks is None:
        return total[origins]
    return np.asarray(total[origins] - total[np.maximum(origins - weeks, 0)])


def first_known(table: FloatArray) -> IntArray:
    """First known week of each series, the number of weeks where there is none.

    Parameters
    ----------
    table : counts, shape (n_weeks, n_series).

    Returns
    -------
    int64, shape (n_series,).

    Examples
    --------
    >>> first_known(np.array([[np.nan, np.nan], [4.0, np.nan]])).tolist()
    [1, 2]
    """
    known = ~np.isnan(table)
    if not len(table):
        return np.zeros(table.shape[1], dtype=np.int64)
    return np.where(known.any(axis=0), known.argmax(axis=0), len(table)).astype(np.int64)


def cap_unusual(
    counts: npt.ArrayLike,
    *,
    method: Method = "C2",
    baseline: int = 7,
    min_sigma: float = 1.0,
    max_episode: int = 8,
) -> FloatArray:
    """Counts with each week that stands out lowered to the most that raises no alarm.

    A forecast made from them is of ordinary weeks: one outbreak does not become the expectation.
    A week is left as it is in the first year, and where the weeks around it one year before were
    as high: what comes back every year is no outbreak.

    Parameters
    ----------
    counts : float64, shape (n_weeks,) or (n_weeks, n_series), >= 0; NaN where unknown.
    method, baseline, min_sigma, max_episode : the detector's, see `geo.detect.ears.ears`.

    Returns
    -------
    float64, shape of `counts`, nowhere above it; NaN stays. A week depends on the weeks up to it
        alone.

    Raises
    ------
    ShapeError : `counts` has other than one or two dimensions.
    UnitError : a count is negative or infinite, or an option is out of range.

    Notes
    -----
    O(n_weeks x n_series x baseline).

    Examples
    --------
    >>> counts = np.full(60, 10.0)
    >>> counts[57] = 90.0
    >>> cap_unusual(counts)[55:].round(1).tolist()
    [10.0, 10.0, 13.1, 10.0, 10.0]
    """
    table = amounts("counts", counts, ndim=(1, 2))
    found = ears(
        table,
        method=method,
        baseline=baseline,
        min_sigma=min_sigma,
        min_observed=max(baseline - 2, 2),
        exclude_alarms=True,
        max_episode=max_episode,
    )
    usual = _last_year(table)
    bound = np.fmax(found.upper_bound, usual)
    stands_out: BoolArray = found.alarm & (table > bound)
    stands_out[:YEAR_WEEKS] = False
    return np.where(stands_out, bound, table)


def _last_year(table: FloatArray, *, around: int = 2) -> FloatArray:
    """Largest count among the weeks around the same one a year before; NaN where unknown."""
    usual = np.full(table.shape, np.nan)
    for shift in range(YEAR_WEEKS - around, YEAR_WEEKS + around + 1):
        if shift < len(table):
            np.fmax(usual[shift:], table[:-shift], out=usual[shift:])
    return usual


def same_shape(counts: FloatArray, history: FloatArray) -> None:
    """Check that what the methods see and what they are judged by are the same weeks and series.

    Parameters
    ----------
    counts, history : shape (n_weeks, n_series).

    Raises
    ------
    ShapeError : shapes differ.

    Examples
    --------
    >>> same_shape(np.zeros((3, 1)), np.zeros((3, 1)))
    """
    if counts.shape != history.shape:
        raise ShapeError(f"history: shape {history.shape}; wanted that of counts, {counts.shape}")
