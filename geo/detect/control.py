"""Scores that are honest of the single area: few false ones, and none that is a neighbour's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from geo.arrays import FloatArray, amounts, floats
from geo.detect.hotspot import discoveries
from geo.errors import ShapeError, UnitError

# What neighbours and weeks before may add to what the area's own week says [deviations].
MOST_LENT = 1.5


def controlled_scores(score: npt.ArrayLike, pvalue: npt.ArrayLike, *, fdr: float) -> FloatArray:
    """Scores that are kept only where the week's alarms hold few false ones.

    Parameters
    ----------
    score : float64, shape (n_weeks, n_areas), see `geo.detect.watch.Detection`; NaN unknown.
    pvalue : float64, same shape, 0..1; NaN unknown.
    fdr : share of the areas kept that may be there by chance, above 0, at most 1; 1 keeps all.

    Returns
    -------
    float64, shape of `score`: the score where the p value, adjusted over the areas of its week, is
        `fdr` or less, else 0; NaN stays. A smaller p value of an area never costs it its score.

    Raises
    ------
    ShapeError : no tables, or the shapes differ.
    UnitError : a p value or `fdr` is out of range.

    Notes
    -----
    O(n log n) a week. Benjamini & Hochberg 1995.

    Examples
    --------
    >>> controlled_scores([[4.0, 2.1, 0.5]], [[3e-5, 0.018, 0.3]], fdr=0.02).tolist()
    [[4.0, 0.0, 0.0]]
    """
    height, chance = floats("score", score, ndim=(2,)), floats("pvalue", pvalue, ndim=(2,))
    if height.shape != chance.shape:
        raise ShapeError(f"score {height.shape}, pvalue {chance.shape}; wanted one shape")
    if not 0 < fdr <= 1:
        raise UnitError(f"fdr: {fdr!r}; wanted above 0, at most 1")
    if fdr == 1:
        return height
    # A score of 0 speaks neither for nor against: its p value is told as a half.
    whole = np.where(height > 0, chance, np.where(np.isnan(chance), np.nan, 1.0))
    adjusted = np.stack([discoveries(week) for week in whole]) if len(whole) else whole
    return np.where((adjusted <= fdr) | np.isnan(height), height, 0.0)


def own_scores(
    score: npt.ArrayLike,
    counts: npt.ArrayLike,
    expected: npt.ArrayLike,
    variance: npt.ArrayLike,
    *,
    most_lent: float = MOST_LENT,
) -> FloatArray:
    """Scores that the area's own week bears out.

    What is pooled over neighbours says that something happens around here, not that it happens in
    this area: beside an outbreak a usual week would have the outbreak's score.

    Parameters
    ----------
    score : float64, any shape, see `geo.detect.watch.Detection`; NaN unknown.
    counts : float64, same shape, >= 0; NaN unknown.
    expected, variance : float64, same shape, of the count in this week; NaN unknown.
    most_lent : by how much a score may lie above that of the area's own week [standard
        deviations], >= 0.

    Returns
    -------
    float64, shape of `score`: at most (count - expected) / sqrt(variance) + `most_lent`, at least
        0; NaN where anything is unknown. It never falls as the count rises at the same score.

    Raises
    ------
    ShapeError : the shapes differ.
    UnitError : a count or variance is negative or infinite, or `most_lent` is negative.

    Notes
    -----
    O(n).

    Examples
    --------
    >>> own_scores([6.0, 6.0], [15.0, 30.0], [14.0, 14.0], [16.0, 16.0]).tolist()
    [1.75, 5.5]
    """
    height, mean = floats("score", score, ndim=(1, 2)), floats("expected", expected, ndim=(1, 2))
    number, spread = (
        amounts(name, values, ndim=(1, 2))
        for name, values in (("counts", counts), ("variance", variance))
    )
    shapes = {array.shape for array in (height, mean, number, spread)}
    if len(shapes) != 1:
        raise ShapeError(f"shapes {sorted(shapes)}; wanted one shape")
    if not most_lent >= 0:
        raise UnitError(f"most_lent: {most_lent!r}; wanted 0 or more")
    own = (number - mean) / np.sqrt(np.maximum(spread, 1e-12))
    return np.where(np.isnan(own), np.nan, np.clip(height, 0.0, np.maximum(own + most_lent, 0.0)))
