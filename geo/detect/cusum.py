"""CUSUM: small excesses that add up over weeks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo.arrays import BoolArray, FloatArray, amounts, positive
from geo.errors import ShapeError, UnitError


@dataclass(frozen=True)
class Cusum:
    """What CUSUM says of every week and series; both arrays have the shape of the counts.

    Attributes
    ----------
    score : float64, the running sum; NaN where the week or its expectation is unknown.
    alarm : bool, False where unknown.
    """

    score: FloatArray
    alarm: BoolArray


def cusum(
    counts: npt.ArrayLike,
    *,
    expected: npt.ArrayLike,
    dispersion: npt.ArrayLike = 1.0,
    reference: float = 1.04,
    threshold: float = 2.26,
    reset: bool = False,
) -> Cusum:
    """Add up, week after week, by how much counts exceed what was expected.

    Parameters
    ----------
    counts : float64, shape (n_weeks,) or (n_weeks, n_series), >= 0, consecutive weeks in rising
        order; NaN where there is no data.
    expected : float64, > 0 or NaN, of a shape that fits that of `counts`, as of a forecast.
    dispersion : float64, variance over mean, >= 1, likewise.
    reference : excess that a week may have without adding to the sum [standard deviations], >= 0.
    threshold : sum from which on there is an alarm, > 0.
    reset : True starts the sum anew after each alarm.

    Returns
    -------
    Cusum : arrays of the shape of `counts`. An unknown week leaves the sum as it is.

    Raises
    ------
    ShapeError : `counts` has other than one or two dimensions, or the others do not fit it.
    UnitError : a count is negative or infinite, an expectation is not above 0, a dispersion is
        below 1, or an option is out of range.

    Notes
    -----
    O(n_weeks x n_series). S = max(0, S before + x - reference), alarm where S >= threshold, with
    x = (y - 3 m + 2 sqrt(y m)) / (2 sqrt(m)) for y and m counted in units of the dispersion
    (Rossi, Lampugnani & Marchi 1999). As algo.cusum of R's surveillance, whose defaults these are.

    Examples
    --------
    >>> found = cusum([4, 5, 8, 9, 8.0], expected=4.0)
    >>> np.round(found.score, 2).tolist(), found.alarm.tolist()
    ([0.0, 0.0, 0.79, 2.0, 2.79], [False, False, False, False, True])
    """
    y = amounts("counts", counts, ndim=(1, 2))
    mean = _fitting("expected", expected, y.shape)
    phi = _fitting("dispersion", dispersion, y.shape)
    if (mean == 0).any():
        raise UnitError("expected: value(s) of 0; wanted numbers above 0, or NaN where unknown")
    if (phi < 1).any():
        raise UnitError("dispersion: value(s) below 1; wanted 1 or more")
    if not (np.isfinite(reference) and reference >= 0):
        raise UnitError(f"reference: {reference!r}; wanted 0 or more")
    positive("threshold", threshold, unit="standard deviations")
    count, level = y / phi, mean / phi
    excess = (count - 3.0 * level + 2.0 * np.sqrt(count * level)) / (2.0 * np.sqrt(level))
    score = np.full(y.shape, np.nan)
    alarm = np.zeros(y.shape, dtype=bool)
    total = np.zeros(y.shape[1:])
    for week in range(len(y)):
        known = ~np.isnan(excess[week])
        total = np.where(known, np.maximum(total + excess[week] - reference, 0.0), total)
        score[week] = np.where(known, total, np.nan)
        alarm[week] = known & (total >= threshold)
        if reset:
            total = np.where(alarm[week], 0.0, total)
    return Cusum(score, alarm)


def _fitting(name: str, values: npt.ArrayLike, shape: tuple[int, ...]) -> FloatArray:
    """Values spread to a shape, or why they cannot be."""
    array = amounts(name, values, ndim=(0, 1, 2))
    try:
        return np.broadcast_to(array, shape)
    except ValueError as exc:
        raise ShapeError(f"{name}: shape {array.shape}; wanted one that fits {shape}") from exc
