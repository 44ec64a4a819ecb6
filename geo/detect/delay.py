"""Reporting delay: how much of a week has come in so far, and what it will come to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from geo.arrays import FloatArray, IntArray, amounts
from geo.errors import ShapeError, UnitError


@dataclass(frozen=True)
class Completeness:
    """How the count of a week grows after its end; arrays have shape (n_ages,).

    Attributes
    ----------
    share : float64, share of the final count that is in at each age [weeks after the end of the
        week], 1 at the last age; above 1 where later corrections lower counts; NaN unknown.
    factor : float64, count one age later over count at this age; 1 at the last age; NaN unknown.
    spread : float64, variance of one such step at a count of 1; 0 at the last age; NaN unknown.
    seen : float64, cases that `factor` is made of.
    n_weeks : int64, weeks that it is made of.
    """

    share: FloatArray
    factor: FloatArray
    spread: FloatArray
    seen: FloatArray
    n_weeks: IntArray


@dataclass(frozen=True)
class Nowcast:
    """What counts that are still growing will come to; arrays have the shape of the counts.

    Attributes
    ----------
    final : float64, expected final count; NaN unknown.
    low, high : float64, interval of the final count; NaN unknown.
    """

    final: FloatArray
    low: FloatArray
    high: FloatArray


def reporting_completeness(growth: npt.ArrayLike, *, max_weeks: int | None = 104) -> Completeness:
    """Tell from past deliveries how complete a week is when it is so and so old.

    Parameters
    ----------
    growth : float64, shape (n_weeks, n_ages), >= 0, weeks in rising order: the count of each week
        as it stood in the delivery so many weeks after its end; NaN where there was none, or not
        yet (the reporting triangle). Sum areas first: a share of few cases says little.
    max_weeks : newest weeks used, >= 1; None uses all.

    Returns
    -------
    Completeness : arrays of shape (n_ages,). An age is unknown where no week is known there and one
        age later, or no case of them was in by then; so are all younger ages.

    Raises
    ------
    ShapeError : `growth` is no table with at least one age.
    UnitError : a count is negative or infinite, or `max_weeks` is below 1.

    Notes
    -----
    O(n_weeks x n_ages). Chain ladder (Mack 1993): factor = sum of counts one age later / sum of
    counts at the age, over weeks where both are known; share = 1 / product of the factors
    from there on. It is the estimate of Lawless 1994 from reverse-time hazards, where counts only
    grow. The last age is taken for final.

    Examples
    --------
    >>> growth = np.array([[8.0, 10, 10], [16, 20, 20], [4, 5, np.nan], [12, np.nan, np.nan]])
    >>> reporting_completeness(growth).share.tolist()
    [0.8, 1.0, 1.0]
    """
    table = amounts("growth", growth, ndim=(2,))
    if not table.shape[1]:
        raise ShapeError(f"growth: shape {table.shape}; wanted at least one age")
    if max_weeks is not None and max_weeks < 1:
        raise UnitError(f"max_weeks: {max_weeks}; wanted 1 or more, or None")
    table = table[-max_weeks:] if max_weeks is not None else table
    before, after = table[:, :-1], table[:, 1:]
    both = ~np.isnan(before) & ~np.isnan(after)
    start, end = np.where(both, before, 0.0), np.where(both, after, 0.0)
    seen, n_weeks = start.sum(axis=0), both.sum(axis=0, dtype=np.int64)
    known = seen > 0
    base = np.where(known, seen, 1.0)
    factor = np.where(known, end.sum(axis=0) / base, np.nan)
    # Variance of a step is taken in proportion to the count it starts from.
    gaps = np.where(start > 0, (end - start * factor) ** 2 / np.where(start > 0, start, 1.0), 0.0)
    pairs = (start > 0).sum(axis=0)
    spread = np.where(known, gaps.sum(axis=0) / np.maximum(pairs - 1, 1), np.nan)
    for age in np.flatnonzero(known & (pairs < 2)):
        spread[age] = _spread_of_one(spread[:age])
    # NaN of an older age makes all younger ones unknown.
    ultimate = np.cumprod(factor[::-1])[::-1]
    share = np.where(ultimate > 0, 1.0 / np.where(ultimate > 0, ultimate, 1.0), np.nan)
    return Completeness(
        share=np.append(share, 1.0),
        factor=np.append(factor, 1.0),
        spread=np.append(spread, 0.0),
        seen=np.append(seen, 0.0),
        n_weeks=np.append(n_weeks, (~np.isnan(table[:, -1])).sum()).astype(np.int64),
    )


def _spread_of_one(younger: FloatArray) -> float:
    """Spread of a step seen in one week alone, by Mack's rule from the two before it."""
    last = younger[~np.isnan(younger)][-2:]
    if not last.size:
        return np.nan
    carried = last[-1] ** 2 / last[0] if last[0] > 0 else 0.0
    return float(min(carried, last.min()))


def provisional_weeks(found: Completeness, *, least_share: float = 0.95) -> int:
    """How many of the newest weeks are not complete enough to be told without reserve.

    Parameters
    ----------
    found : of the measure.
    least_share : share from which a week counts as complete, above 0, at most 1.

    Returns
    -------
    Number of newest weeks, the one of age 0 first: up to the oldest age whose share is below
    `least_share`, or above 1 / `least_share` (corrections that lower counts). Unknown ages count as
    incomplete where any age but the last is known; where none is, nothing is known and it is 0.

    Raises
    ------
    UnitError : `least_share` is out of range.

    Examples
    --------
    >>> growth = np.array([[8.0, 10, 10], [16, 20, 20], [4, 5, np.nan], [12, np.nan, np.nan]])
    >>> provisional_weeks(reporting_completeness(growth))
    1
    """
    if not 0 < least_share <= 1:
        raise UnitError(f"least_share: {least_share!r}; wanted above 0, at most 1")
    young = found.share[:-1]
    if np.isnan(young).all():
        return 0
    # A share that falls short by rounding alone is complete.
    slack = 1e-9
    complete = (young >= least_share - slack) & (young <= 1.0 / least_share + slack)
    open_ages = np.flatnonzero(~complete)
    return int(open_ages[-1]) + 1 if open_ages.size else 0


def nowcast(
    counts: npt.ArrayLike, ages: npt.ArrayLike, found: Completeness, *, level: float = 0.95
) -> Nowcast:
    """Tell what counts that are still growing will come to.

    Parameters
    ----------
    counts : float64, shape (n,) or (n, n_series), >= 0, as they stand; NaN where unknown.
    ages : int, shape (n,), weeks since the end of each count's week, >= 0. Weeks older than the
        last age are final.
    found : how counts grow.
    level : probability of the interval, 0 to 1, ends excluded.

    Returns
    -------
    Nowcast : arrays of the shape of `counts`. A count of 0 stays 0: times any factor it is nothing,
        and nothing is said of cases that may still come.

    Raises
    ------
    ShapeError : `ages` is no list of integers as long as `counts`.
    UnitError : a count or age is negative, a count infinite, or `level` out of range.

    Notes
    -----
    O(n x n_ages). Final count = count / share; its standard error after Mack 1993, theorem 3, for
    the steps to come and for the factors themselves; the interval is log-normal around it.

    Examples
    --------
    >>> growth = np.array([[8.0, 10, 10], [16, 20, 20], [4, 5, np.nan], [12, np.nan, np.nan]])
    >>> nowcast([12.0, 5.0], [0, 1], reporting_completeness(growth)).final.tolist()
    [15.0, 5.0]
    """
    table = amounts("counts", counts, ndim=(1, 2))
    old = np.asarray(ages)
    if old.shape != (len(table),) or (old.size and not np.issubdtype(old.dtype, np.integer)):
        raise ShapeError(
            f"ages: dtype {old.dtype}, shape {old.shape}; wanted integers, ({len(table)},)"
        )
    if (old < 0).any():
        raise UnitError(f"ages: {int(old.min())}; wanted 0 or more weeks")
    if not 0 < level < 1:
        raise UnitError(f"level: {level!r}; wanted a probability above 0 and below 1")
    age = np.minimum(old, len(found.share) - 1).astype(np.int64)
    each = age.reshape(-1, *[1] * (table.ndim - 1))
    final = table / found.share[each]
    variance = np.zeros(table.shape)
    for step in range(len(found.share) - 1):
        ahead = np.broadcast_to(each <= step, table.shape) & (table > 0)
        # What the count has come to when this step begins.
        reached = np.where(ahead, final * found.share[step], 1.0)
        cases = max(float(found.seen[step]), 1.0)
        added = found.spread[step] / found.factor[step] ** 2 * (1.0 / reached + 1.0 / cases)
        variance += np.where(ahead, added, 0.0)
    sigma = np.sqrt(np.log1p(variance))
    z = float(ndtri(0.5 + level / 2.0))
    return Nowcast(final, final * np.exp(-z * sigma), final * np.exp(z * sigma))
