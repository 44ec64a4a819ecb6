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
    windows : weeks that each look adds up.
    rings : neighbours that each look adds up, 0 first.
    weights : of the looks, windows within rings.

    Returns
    -------
    Pooled : shape (n_areas,).
    """
    n = counts.shape[1]
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
    risen = np.zeros(n, dtype=bool)
    pvalues, excess, kind, reach = [], [], [], []
    for ring in rings:
        for window in windows:
            seen, expected, variance = sums[:, window]
            # Weeks of one area share its model, and so its error.
            variance = variance + expected * expected * shape[1]
            around = np.ones(n, dtype=np.int64)
            together = np.stack([seen, expected, variance])
            if ring:
                together, around = _around(together, nearest, ring, own)
            p = tail(together[0], np.maximum(together[1], 1e-12), np.maximum(together[2], 1e-12))
            if not ring and window == 1:
                risen = p <= _RISEN
            else:
                # Who is usual this week is not warned for the sake of its neighbours, nor of what
                # is over.
                p = np.where(risen & ((ring == 0) | (around > 1)), p, 1.0)
            pvalues.append(p)
            excess.append(together[0] - together[1])
            reach.append(around)
            kind.append(2 * (ring > 0) + (window > 1))
    table = np.stack(pvalues)
    top = np.argmin(table / weights[:, None], axis=0)
    areas = np.arange(n)
    return Pooled(
        pvalue=np.where(own, combine(table, weights), np.nan),
        excess=np.where(own, np.stack(excess)[top, areas], np.nan),
        look=np.where(own, np.asarray(kind)[top], 0).astype(np.int8),
        reach=np.where(own, np.stack(reach)[top, areas], 0).astype(np.int64),
    )


def _around(
    table: FloatArray, nearest: IntArray | None, ring: int, own: BoolArray
) -> tuple[FloatArray, IntArray]:
    """Sums over an area and its nearest others that are known; how many these are."""
    if nearest is None:
        return table, np.ones(table.shape[1], dtype=np.int64)
    near = nearest[:, :ring]
    member = (near >= 0) & own[near]
    added = np.where(member, table[:, near], 0.0).sum(axis=2)
    return table + added, 1 + member.sum(axis=1, dtype=np.int64)
