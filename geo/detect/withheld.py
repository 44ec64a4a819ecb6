"""Baselines of series whose small counts are withheld."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincc, gammainccinv

from geo.arrays import FloatArray, amounts
from geo.errors import ShapeError, UnitError


def raise_guesses(
    guesses: npt.ArrayLike, hidden: npt.ArrayLike, *, k: int, weeks: int = 52
) -> FloatArray:
    """Guesses at withheld counts that fit how often the others were high enough to be published.

    A small area is published in its high weeks alone. Where what is guessed of the others is too
    low, every week that is published stands out, though nothing has happened. From the share of
    published weeks follows what mean such an area has, and from that how large its withheld
    counts are; where that is more than the guess it takes its place.

    Parameters
    ----------
    guesses : float64, shape (n_weeks, n_areas), >= 0: published counts, guesses where withheld, NaN
        where there is no data; consecutive weeks in rising order.
    hidden : bool, same shape: which are withheld.
    k : least count that is published, but for 0; >= 2.
    weeks : so many weeks up to each are looked at, >= 1.

    Returns
    -------
    float64, shape of `guesses`: the same but where withheld, there never lower. Made of published
        figures alone; of weeks up to each.

    Raises
    ------
    ShapeError : no table, or the shapes differ.
    UnitError : a guess is negative or infinite, or an option is out of range.

    Notes
    -----
    O(n). With f the share of known weeks with k or more, the mean m of a Poisson count solves
    P(X >= k) = f, and what is withheld has the mean m P(X <= k - 2) / P(X <= k - 1).

    Examples
    --------
    >>> guesses, hidden = np.array([[5.0], [12], [5], [11]]), np.array([[True], [False]] * 2)
    >>> raise_guesses(guesses, hidden, k=10).round(1).tolist()
    [[5.0], [12.0], [6.8], [11.0]]
    """
    table = amounts("guesses", guesses, ndim=(2,))
    mask = np.asarray(hidden, dtype=bool)
    if mask.shape != table.shape:
        raise ShapeError(f"hidden: shape {mask.shape}; wanted that of guesses, {table.shape}")
    if k < 2:
        raise UnitError(f"k: {k}; wanted 2 or more")
    if weeks < 1:
        raise UnitError(f"weeks: {weeks}; wanted 1 or more")
    known = _lately(~np.isnan(table), weeks)
    high = _lately(~mask & (np.nan_to_num(table) >= k), weeks)
    low = 1.0 - high / np.maximum(known, 1)
    at = mask & (high > 0)
    # P(X <= k - 1) is the regularised upper incomplete gamma function of k at the mean.
    mean = gammainccinv(float(k), low[at])
    small = mean * gammaincc(k - 1.0, mean) / np.maximum(low[at], 1e-300)
    raised = table.copy()
    raised[at] = np.fmax(table[at], small)
    return raised


def _lately(mask: npt.NDArray[np.bool_], weeks: int) -> FloatArray:
    """How many of the last weeks up to each are marked."""
    sums = np.cumsum(np.concatenate([np.zeros((1, mask.shape[1])), mask]), axis=0)
    first = np.maximum(np.arange(1, len(mask) + 1) - weeks, 0)
    lately: FloatArray = sums[1:] - sums[first]
    return lately
