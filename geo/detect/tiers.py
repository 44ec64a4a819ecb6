"""How a detector's score becomes one of the four warning tiers, and how long a warning runs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from geo.arrays import Int8Array, IntArray, amounts, floats
from geo.errors import ShapeError, UnitError
from geo.model import Tier, TierPolicy


def assign_tiers(
    counts: npt.ArrayLike,
    score: npt.ArrayLike,
    *,
    policy: TierPolicy,
    effective_min_count: int,
) -> Int8Array:
    """Warning tier of each week and series.

    Parameters
    ----------
    counts : float64, shape (n_weeks, n_series) or (n_weeks,), >= 0; NaN where there is no data.
    score : float64, same shape: standard deviations above the baseline; NaN where there is no
        baseline, infinite where the baseline has no spread.
    policy : lowest score of each tier, inclusive, and the least count that may warn.
    effective_min_count : the larger of `policy.min_count` and the suppression limit k, so that a
        published tier never tells of a count that is withheld.

    Returns
    -------
    int8 `Tier` values, shape of `counts`: NO_DATA where the count or the score is NaN; NONE below
        `effective_min_count` or below the blue score; else the highest tier whose score is
        reached. Raising a count at a fixed baseline never lowers its tier.

    Raises
    ------
    ShapeError : the shapes differ.
    UnitError : a count is negative, `effective_min_count` is below `policy.min_count`, or the
        scores of the policy do not rise.

    Notes
    -----
    O(n).

    Examples
    --------
    >>> policy = TierPolicy(min_count=5)
    >>> assign_tiers([12, 9, 12, 12], [7.0, 7.0, np.nan, 2.0], policy=policy,
    ...     effective_min_count=10).tolist()
    [4, 0, -1, 1]
    """
    number = amounts("counts", counts, ndim=(1, 2))
    height = floats("score", score, ndim=(1, 2))
    if number.shape != height.shape:
        raise ShapeError(f"counts {number.shape}, score {height.shape}; wanted one shape")
    if effective_min_count < policy.min_count:
        raise UnitError(
            f"effective_min_count: {effective_min_count}; wanted max(policy.min_count, k), "
            f"so at least {policy.min_count}"
        )
    steps = np.array(
        [policy.blue_score, policy.yellow_score, policy.orange_score, policy.red_score]
    )
    if not (steps[0] > 0 and (np.diff(steps) > 0).all()):
        raise UnitError(f"policy: scores {steps.tolist()}; wanted 0 < blue < ... < red, rising")
    unknown = np.isnan(number) | np.isnan(height)
    tiers = np.searchsorted(steps, np.where(unknown, -np.inf, height), side="right")
    tiers[number < effective_min_count] = Tier.NONE
    tiers[unknown] = Tier.NO_DATA
    return tiers.astype(np.int8)


def weeks_running(tiers: npt.ArrayLike) -> IntArray:
    """For how many consecutive weeks, up to each, a warning has stood.

    Parameters
    ----------
    tiers : int8 `Tier` values, shape (n_weeks,) or (n_weeks, n_series), weeks in rising order.

    Returns
    -------
    int64 [weeks], shape of `tiers`: 1 in the first week at BLUE or above, then 2, 3, …; 0 in every
        other week. A week without data ends the run: nobody knows whether it stood.

    Raises
    ------
    ShapeError : other than one or two dimensions.

    Notes
    -----
    O(n).

    Examples
    --------
    >>> weeks_running([0, 1, 2, 0, 4]).tolist()
    [0, 1, 2, 0, 1]
    """
    table = np.asarray(tiers)
    if table.ndim not in (1, 2):
        raise ShapeError(f"tiers: shape {table.shape}; wanted (weeks,) or (weeks, series)")
    standing = table >= Tier.BLUE
    week = np.arange(1, len(table) + 1, dtype=np.int64).reshape(-1, *[1] * (table.ndim - 1))
    last_quiet = np.maximum.accumulate(np.where(standing, 0, week), axis=0)
    running: IntArray = np.where(standing, week - last_quiet, 0)
    return running


def highest_tier(tiers: npt.ArrayLike) -> Int8Array:
    """Highest tier over several measures.

    Parameters
    ----------
    tiers : int8 `Tier` values, shape (n_measures, ...), at least one measure.

    Returns
    -------
    int8 `Tier` values, shape (...): NO_DATA only where every measure is without data.

    Raises
    ------
    ShapeError : there is no measure.

    Examples
    --------
    >>> highest_tier([[-1, -1, 0], [-1, 2, 1]]).tolist()
    [-1, 2, 1]
    """
    table = np.asarray(tiers, dtype=np.int8)
    if table.ndim < 1 or not len(table):
        raise ShapeError(f"tiers: shape {table.shape}; wanted at least one measure")
    highest: Int8Array = table.max(axis=0)
    return highest
