"""Looks that add weeks and neighbours up, and the one p value that comes of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, gammainc

from geo.arrays import BoolArray, FloatArray, IntArray
from geo.detect._models import Models

# A p value below it says no more than this one.
_LEAST = 1e-300
# An area's own week has to be this unusual for other looks to speak: else each outbreak has a rim
# of false alarms, and chance more tries.
_RISEN = 0.15


class Look(IntEnum):
    """What stood out most: the area's own week, its last weeks, or it with its neighbours."""

    OWN_WEEK = 0
    OWN_WEEKS = 1
    NEIGHBOURS = 2
    NEIGHBOURS_WEEKS = 3


@dataclass(frozen=True)
class Pooled:
    """What all looks say of one week, shape (n_areas,).

    Attributes
    ----------
    pvalue : float64, of all looks together; NaN where the area's own week is unknown.
    excess : float64, cases above expectation in the look that stood out most.
    look : int8, `Look`.
    reach : int64, areas in it.
    """

    pvalue: FloatArray
    excess: FloatArray
    look: npt.NDArray[np.int8]
    reach: IntArray


def chance_of(count: FloatArray, mean: FloatArray, variance: FloatArray) -> FloatArray:
    """Chance of a count or more.

    Parameters
    ----------
    count : counts, >= 0.
    mean, variance : of a negative binomial variable; Poisson where the variance is no larger.

    Returns
    -------
    float64, shape of `count`; falls as the count rises.
    """
    phi = variance / mean
    wide = phi > 1.0 + 1e-9
    excess = np.where(wide, phi - 1.0, 1.0)
    safe = np.maximum(count, 1e-9)
    result = np.where(wide, betainc(safe, mean / excess, excess / (1.0 + excess)), 0.0)
    result[~wide] = gammainc(safe[~wide], mean[~wide])
    return np.where(count > 0, result, 1.0)


def tail(count: FloatArray, mean: FloatArray, variance: FloatArray) -> FloatArray:
    """Chance of more than a count, and half of that of the count itself (mid-p, Lancaster 1961).

    Parameters
    ----------
    count : counts, >= 0.
    mean, variance : of a negative binomial variable; Poisson where the variance is no larger.

    Returns
    -------
    float64, shape of `count`; falls as the count rises.
    """
    return 0.5 * (chance_of(count, mean, variance) + chance_of(count + 1.0, mean, variance))


def combine(pvalues: FloatArray, weights: FloatArray) -> FloatArray:
    """One p value of many that hang together.

    Parameters
    ----------
    pvalues : shape (n_looks, n_areas); 1 where a look has nothing to say.
    weights : shape (n_looks,), positive, sum 1.

    Returns
    -------
    float64, shape (n_areas,).

    Notes
    -----
    Cauchy combination (Liu & Xie 2020), valid for small p however the looks hang together.
    p values above a half count as a half: they speak neither for nor against.
    """
    bounded = np.clip(pvalues, _LEAST, 0.5)
    # tan((0.5 - p) pi) = 1 / tan(p pi), exact also where p is tiny.
    total = weights @ (1.0 / np.tan(bounded * np.pi))
    return np.asarray(np.arctan2(1.0, total) / np.pi)


def pool(
    counts: FloatArray,
    models: Models,
    nearest: IntArray | None,
    *,
    rows: IntArray,
    windows: tuple[int, ...],
    rings: tuple[int, ...],
    weights: FloatArray,
) -> Pooled:
    """Look at one week of every area alone, with its last weeks, and with its neighbours.

    Parameters
    ----------
    counts : shape (n_weeks, n_areas), of the weeks of `models`.
    models : what was expected.
    nearest : shape (n_areas, k), -1 where there are no more; None without neighbours.
    rows : rows of the week and of those before it, latest first; -1 where there are none.
    windows : weeks that each look adds up, 1 first.
    rings : neighbours that each look adds up, 0 first.
    weights : of the looks, windows within rings; the first weighs most.

    Returns
    -------
    Pooled : shape (n_areas,).
    """
    n = counts.shape[1]
    if np.isnan(counts[rows[0]]).all():
        nothing = np.full(n, np.nan)
        return Pooled(nothing, nothing, np.zeros(n, np.int8), np.zeros(n, np.int64))
    # Sums over the last weeks, one more a step; an unknown week is left out.
    sums = np.zeros((3, max(windows) + 1, n))
    shape = np.zeros((2, n))
    for back, row in enumerate(rows):
        known = (
            ~np.isnan(counts[row]) & ~np.isnan(models.mean[row]) if row >= 0 else np.zeros(n, bool)
        )
        mean = np.where(known, models.mean[row], 0.0)
        sums[0, back + 1] = sums[0, back] + np.where(known, counts[row], 0.0)
        sums[1, back + 1] = sums[1, back] + mean
        sums[2, back + 1] = sums[2, back] + np.where(known, mean * models.dispersion[row], 0.0)
        if back == 0:
            shape[0], shape[1] = known, np.where(known, models.error[row], 0.0)
    own = shape[0] > 0
    looks = [(ring, window) for ring in rings for window in windows]
    # A look that has nothing to say: none of them outweighs the own week.
    pvalues, excess = np.ones((len(looks), n)), np.zeros((len(looks), n))
    reach = np.ones((len(looks), n), dtype=np.int64)
    areas = np.flatnonzero(own)
    for at, (ring, window) in enumerate(looks):
        seen, expected, variance = sums[:, window]
        # Weeks of one area share its model, and so its error.
        variance = variance + expected * expected * shape[1]
        together = np.stack([seen, expected, variance])
        pooled, around = _around(together, nearest, ring, own, areas=areas)
        p = tail(pooled[0], np.maximum(pooled[1], 1e-12), np.maximum(pooled[2], 1e-12))
        pvalues[at, areas] = np.where((ring == 0) | (around > 1), p, 1.0)
        excess[at, areas], reach[at, areas] = pooled[0] - pooled[1], around
        if at == 0:
            # Who is usual this week is not warned for the sake of its neighbours, nor of what is
            # over.
            areas = areas[p <= _RISEN]
    known = np.flatnonzero(own)
    top = np.argmin(pvalues[:, known] / weights[:, None], axis=0)
    kind = np.array([2 * (ring > 0) + (window > 1) for ring, window in looks], dtype=np.int8)
    found = Pooled(
        pvalue=np.full(n, np.nan),
        excess=np.full(n, np.nan),
        look=np.zeros(n, dtype=np.int8),
        reach=np.zeros(n, dtype=np.int64),
    )
    found.pvalue[known] = combine(pvalues[:, known], weights)
    found.excess[known], found.reach[known] = excess[top, known], reach[top, known]
    found.look[known] = kind[top]
    return found


def _around(
    table: FloatArray, nearest: IntArray | None, ring: int, own: BoolArray, *, areas: IntArray
) -> tuple[FloatArray, IntArray]:
    """Sums over some areas and their nearest others that are known; how many these are."""
    if nearest is None or ring == 0:
        return table[:, areas], np.ones(len(areas), dtype=np.int64)
    near = nearest[areas, :ring]
    member = (near >= 0) & own[near]
    added = np.where(member, table[:, near], 0.0).sum(axis=2)
    return table[:, areas] + added, 1 + member.sum(axis=1, dtype=np.int64)
