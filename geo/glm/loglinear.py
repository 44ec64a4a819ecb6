"""Quasi-Poisson regression with a log link, fitted for many series in one call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo.arrays import BoolArray, FloatArray, amounts, floats
from geo.errors import ShapeError, UnitError


@dataclass(frozen=True)
class LogLinearFit:
    """Fits of many series on one design.

    Attributes
    ----------
    coefficients : float64, shape (n_series, n_columns); NaN where a series could not be fitted.
    covariance : float64, shape (n_series, n_columns, n_columns), (X'WX)^-1; times `dispersion` it
        is that of the coefficients.
    mean : float64, shape (n_rows, n_series), fitted for rows without a count as well; 0 where a
        series holds zeros only, NaN where it could not be fitted.
    dispersion : float64, shape (n_series,), Pearson's statistic over its degrees of freedom; NaN
        where none is left. Below 1 is under-dispersed; who wants no less than Poisson takes 1.
    converged : bool, shape (n_series,).
    """

    coefficients: FloatArray
    covariance: FloatArray
    mean: FloatArray
    dispersion: FloatArray
    converged: BoolArray


def fit_log_linear(
    counts: npt.ArrayLike,
    design: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    offsets: npt.ArrayLike | None = None,
    max_iter: int = 50,
    tolerance: float = 1e-10,
) -> LogLinearFit:
    """Fit log(mean) = offset + design x coefficients, with variance dispersion x mean.

    Parameters
    ----------
    counts : float64, shape (n_rows,) or (n_rows, n_series), >= 0; a row that is NaN is left out.
    design : float64, shape (n_rows, n_columns), finite, the same for all series.
    weights : float64, shape (n_rows,) or that of `counts`, >= 0; a row of weight 0 or NaN is left
        out. None weighs all alike.
    offsets : float64, shape (n_rows,) or that of `counts`, e.g. the logarithm of the persons at
        risk; a row that is NaN is left out. None is 0.
    max_iter : most steps a series, >= 1.
    tolerance : relative change of the deviance at which a series has converged, > 0.

    Returns
    -------
    LogLinearFit : a series without counts, with fewer counts than columns, on a design whose
        columns depend on each other over its rows, or that does not converge, is NaN and
        not `converged`. A series of zeros only has mean 0, coefficients NaN.

    Raises
    ------
    ShapeError : shapes do not fit, or the design is not finite.
    UnitError : a count or weight is negative or infinite, an offset infinite, an option out of
        range.

    Notes
    -----
    O(n_series x n_rows x n_columns^2) a step, mostly 4 to 8 steps. Iteratively re-weighted least
    squares (McCullagh & Nelder 1989, 2.5), a step that raises the deviance is halved. Equals
    statsmodels' GLM with the Poisson family, `var_weights` and scale "X2" to 1e-6.

    Examples
    --------
    >>> fit = fit_log_linear([2, 4, 8, float("nan")], [[1, 0], [1, 1], [1, 2], [1, 3]])
    >>> fit.mean.ravel().round(6).tolist()
    [2.0, 4.0, 8.0, 16.0]
    """
    table = amounts("counts", counts, ndim=(1, 2))
    x = floats("design", design, ndim=(2,))
    rows = table[:, np.newaxis] if table.ndim == 1 else table
    if len(x) != len(rows) or x.shape[1] == 0:
        raise ShapeError(
            f"design: shape {x.shape} for {len(rows)} rows of counts; wanted one row each"
        )
    if not np.isfinite(x).all():
        raise ShapeError("design: a value is not finite; wanted numbers in every row")
    if max_iter < 1:
        raise UnitError(f"max_iter: {max_iter}; wanted 1 step or more")
    if not tolerance > 0:
        raise UnitError(f"tolerance: {tolerance!r}; wanted a number above 0")
    weight = np.nan_to_num(_spread("weights", weights, rows, fill=1.0, negative=False))
    offset = _spread("offsets", offsets, rows, fill=0.0, negative=True)
    weight = np.where(np.isnan(offset), 0.0, weight)
    # Imported here: loading and compiling numba is paid only by those who need it.
    from geo.glm import _kernels  # noqa: PLC0415

    coefficients, covariance, mean, dispersion, converged = _kernels.fit_series(
        np.ascontiguousarray(rows.T), np.ascontiguousarray(x), np.ascontiguousarray(weight.T),
        np.ascontiguousarray(np.nan_to_num(offset).T), max_iter, tolerance,
    )  # fmt: skip
    return LogLinearFit(coefficients, covariance, mean.T, dispersion, converged)


def _spread(
    name: str, given: npt.ArrayLike | None, rows: FloatArray, *, fill: float, negative: bool
) -> FloatArray:
    """One value a count, from one a row or none."""
    if given is None:
        return np.full(rows.shape, fill)
    table = floats(name, given, ndim=(1, 2)) if negative else amounts(name, given, ndim=(1, 2))
    if np.isinf(table).any():
        raise UnitError(f"{name}: a value is infinite; wanted numbers, or NaN to leave a row out")
    if table.ndim == 1 and len(table) == len(rows):
        table = np.broadcast_to(table[:, np.newaxis], rows.shape)
    if table.shape != rows.shape:
        raise ShapeError(
            f"{name}: shape {table.shape} for counts of shape {rows.shape}; "
            "wanted the same, or one value a row"
        )
    return np.array(table, dtype=np.float64)
