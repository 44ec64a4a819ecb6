"""The detector's model looking ahead: log-linear trend and season, over-dispersed counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.arrays import FloatArray, IntArray
from geo.forecast.history import YEAR_WEEKS, check_origins, first_known, known_before, weekly_table

# A year in weeks, as the calendar has it.
TRUE_YEAR = 365.25 / 7
_HARMONICS = 2


class Predicted(NamedTuple):
    """What a regression expects.

    Attributes
    ----------
    mean : float64, shape (n_origins, horizon, n_series).
    variance : float64, same shape, of the count itself, the uncertainty of its mean included.
    """

    mean: FloatArray
    variance: FloatArray


def regression(
    counts: npt.ArrayLike, *, origins: Sequence[int] | IntArray, horizon: int = 8
) -> Predicted:
    """Forecast with a quasi-Poisson regression on trend and season.

    From one year since the first known week on there is a trend, from two years on a season of
    two harmonics; before there is but a level.

    Parameters
    ----------
    counts : float64, shape (n_weeks,) or (n_weeks, n_series), >= 0; NaN where unknown: such a
        week is left out of the fit.
    origins : numbers of known weeks, rising: a forecast from origin o sees the weeks before o.
    horizon : weeks to forecast, >= 1.

    Returns
    -------
    Predicted : NaN where the series could not be fitted: fewer known weeks than coefficients and
        ten more, or zeros only.

    Raises
    ------
    ShapeError : `counts` has other than one or two dimensions.
    UnitError : a count is negative or infinite, an origin or the horizon out of range.

    Notes
    -----
    O(n_origins x n_weeks x n_series x columns^2), each origin's fit starting from the one before.
    Variance = f m + f m^2 x'(X'WX)^-1 x with the mean m and the dispersion f, at least 1. The
    model is that of Farrington 1996 and Noufaily 2013, with harmonics in place of its windows.

    Examples
    --------
    >>> found = regression(np.full(60, 9.0), origins=[60], horizon=2)
    >>> found.mean.ravel().round(6).tolist()
    [9.0, 9.0]
    """
    table = weekly_table(counts)
    at = check_origins(origins, n_weeks=len(table), horizon=horizon)
    # Imported here: loading and compiling numba is paid only by those who need it.
    from geo.glm import _kernels  # noqa: PLC0415

    design = trend_and_season(len(table), ahead=horizon)
    span = at[:, np.newaxis] - first_known(table)
    columns = np.ones(span.shape, dtype=np.int64)
    columns[span >= YEAR_WEEKS] = 2
    columns[span >= 2 * YEAR_WEEKS] = design.shape[1]
    columns[known_before(table, at) < columns + 10] = 0
    mean, variance = _kernels.fit_origins(
        np.ascontiguousarray(table.T), design, columns, at, horizon, 50, 1e-10
    )
    return Predicted(mean, variance)


def trend_and_season(n_weeks: int, *, ahead: int) -> FloatArray:
    """Design of a level, a linear trend and two harmonics of the year.

    Parameters
    ----------
    n_weeks : weeks of history.
    ahead : weeks beyond them.

    Returns
    -------
    float64, shape (n_weeks + ahead, 6): 1, years since the last week of history, then cosine and
        sine of the year and of the half year.

    Examples
    --------
    >>> trend_and_season(3, ahead=1)[:, 1].round(3).tolist()
    [-0.038, -0.019, 0.0, 0.019]
    """
    years = (np.arange(n_weeks + ahead) - (n_weeks - 1)) / TRUE_YEAR
    waves = [
        turn(2 * np.pi * order * years)
        for order in range(1, _HARMONICS + 1)
        for turn in (np.cos, np.sin)
    ]
    return np.column_stack([np.ones(len(years)), years, *waves])
