"""Compiled loops of the log-linear model. Imported by its users when called; never parallel."""

from __future__ import annotations

import numpy as np
from numba import njit

from geo.arrays import BoolArray, FloatArray, IntArray

# A pivot this small beside its diagonal means columns that depend on each other.
_SINGULAR = 1e-11
_HALVINGS = 12
# exp() of more than this is no count of anything.
_MOST = 60.0


@njit(cache=True, error_model="numpy")
def _factor(normal: FloatArray, p: int) -> bool:
    """Cholesky factor of the leading `p` rows, in place; False where it is singular."""
    for i in range(p):
        diagonal = normal[i, i]
        for j in range(i + 1):
            total = normal[i, j]
            for k in range(j):
                total -= normal[i, k] * normal[j, k]
            if i == j:
                if not total > _SINGULAR * diagonal:
                    return False
                normal[i, i] = np.sqrt(total)
            else:
                normal[i, j] = total / normal[j, j]
    return True


@njit(cache=True, error_model="numpy")
def _solve(factor: FloatArray, right: FloatArray, p: int) -> None:
    """Solve with a Cholesky factor, in place."""
    for i in range(p):
        for k in range(i):
            right[i] -= factor[i, k] * right[k]
        right[i] /= factor[i, i]
    for i in range(p - 1, -1, -1):
        for k in range(i + 1, p):
            right[i] -= factor[k, i] * right[k]
        right[i] /= factor[i, i]


@njit(cache=True, error_model="numpy")
def _means(
    x: FloatArray, offset: FloatArray, beta: FloatArray, n: int, p: int, room: FloatArray
) -> None:
    """Fill in eta and exp(eta)."""
    for t in range(n):
        eta = offset[t]
        for i in range(p):
            eta += x[t, i] * beta[i]
        room[1, t] = min(eta, _MOST)
        room[0, t] = np.exp(room[1, t])


@njit(cache=True, error_model="numpy")
def _deviance(y: FloatArray, w: FloatArray, n: int, room: FloatArray) -> float:
    total = 0.0
    for t in range(n):
        if y[t] >= 0.0 and w[t] > 0.0:
            total += w[t] * (room[0, t] - y[t] + y[t] * (room[2, t] - room[1, t]))
    return 2.0 * total


@njit(cache=True, error_model="numpy")
def _step(
    y: FloatArray,
    x: FloatArray,
    w: FloatArray,
    offset: FloatArray,
    n: int,
    p: int,
    normal: FloatArray,
    right: FloatArray,
    room: FloatArray,
) -> bool:
    """One weighted least squares step: `right` becomes the coefficients."""
    normal[:p, :p] = 0.0
    right[:p] = 0.0
    for t in range(n):
        if y[t] >= 0.0 and w[t] > 0.0:
            weight = w[t] * room[0, t]
            response = room[1, t] - offset[t] + (y[t] - room[0, t]) / room[0, t]
            for i in range(p):
                part = weight * x[t, i]
                right[i] += part * response
                for j in range(i + 1):
                    normal[i, j] += part * x[t, j]
    if not _factor(normal, p):
        return False
    _solve(normal, right, p)
    return True


@njit(cache=True, error_model="numpy")
def _counted(y: FloatArray, w: FloatArray, n: int) -> tuple[int, float]:
    """Rows that take part, and the sum of their counts."""
    used, total = 0, 0.0
    for t in range(n):
        if y[t] >= 0.0 and w[t] > 0.0:
            used += 1
            total += y[t]
    return used, total


@njit(cache=True, error_model="numpy")
def _pearson(y: FloatArray, w: FloatArray, n: int, room: FloatArray) -> float:
    total = 0.0
    for t in range(n):
        if y[t] >= 0.0 and w[t] > 0.0:
            total += w[t] * (y[t] - room[0, t]) ** 2 / room[0, t]
    return total


@njit(cache=True, error_model="numpy")
def _descend(
    y: FloatArray,
    x: FloatArray,
    w: FloatArray,
    offset: FloatArray,
    n: int,
    p: int,
    beta: FloatArray,
    right: FloatArray,
    room: FloatArray,
    deviance: float,
) -> float:
    """Move `beta` to `right`, or half-way again and again while that raises the deviance."""
    found = np.inf
    for _ in range(_HALVINGS):
        _means(x, offset, right, n, p, room)
        found = _deviance(y, w, n, room)
        if found <= deviance * (1.0 + 1e-12) + 1e-12:
            break
        for i in range(p):
            right[i] = (right[i] + beta[i]) / 2.0
    for i in range(p):
        beta[i] = right[i]
    return found


@njit(cache=True, error_model="numpy")
def irls(
    y: FloatArray,
    x: FloatArray,
    w: FloatArray,
    offset: FloatArray,
    n: int,
    p: int,
    beta: FloatArray,
    max_iter: int,
    tolerance: float,
    normal: FloatArray,
    right: FloatArray,
    room: FloatArray,
) -> tuple[bool, float]:
    """Fit one series by iteratively re-weighted least squares with step halving.

    Parameters
    ----------
    y : counts, shape (n_rows,) at least `n`; NaN where unknown.
    x : design, shape (n_rows, n_columns).
    w, offset : weights and offsets, shape of `y`.
    n, p : rows and columns in use.
    beta : coefficients, shape (n_columns,); overwritten. The start, where the first is not NaN.
    max_iter : most steps.
    tolerance : relative change of the deviance at which it has converged.
    normal, right : become the Cholesky factor of X'WX and the coefficients.
    room : shape (3, n_rows); rows become the means, their logarithms, those of the counts.

    Returns
    -------
    converged, dispersion : Pearson's statistic over the degrees of freedom, NaN where none is left.
    """
    used, total = _counted(y, w, n)
    if used < p or total <= 0.0:
        return False, np.nan
    deviance = np.inf
    for t in range(n):
        room[2, t] = np.log(y[t]) if y[t] > 0.0 else 0.0
    if np.isnan(beta[0]):
        for t in range(n):
            room[0, t] = (y[t] + total / used) / 2.0
            room[1, t] = np.log(room[0, t])
    else:
        _means(x, offset, beta, n, p, room)
        deviance = _deviance(y, w, n, room)
    converged = False
    for _ in range(max_iter):
        if not _step(y, x, w, offset, n, p, normal, right, room):
            return False, np.nan
        found = _descend(y, x, w, offset, n, p, beta, right, room, deviance)
        converged = abs(deviance - found) <= tolerance * (abs(found) + 0.1)
        deviance = found
        if converged:
            break
    # The factor at the solution, for the covariance.
    if not _step(y, x, w, offset, n, p, normal, right, room):
        return False, np.nan
    phi = _pearson(y, w, n, room) / (used - p) if used > p else np.nan
    return converged, phi


@njit(cache=True, error_model="numpy")
def fit_series(
    counts: FloatArray,
    x: FloatArray,
    weights: FloatArray,
    offsets: FloatArray,
    max_iter: int,
    tolerance: float,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, BoolArray]:
    """Fit every series on one design.

    Parameters
    ----------
    counts : shape (n_series, n_rows), a series a row.
    x : design, shape (n_rows, n_columns).
    weights, offsets : shape of `counts`.
    max_iter, tolerance : as in `irls`.

    Returns
    -------
    coefficients, covariance (not yet times the dispersion), means, dispersion, converged.
    """
    n_series, n = counts.shape
    p = x.shape[1]
    beta = np.full((n_series, p), np.nan)
    covariance = np.full((n_series, p, p), np.nan)
    mean = np.full((n_series, n), np.nan)
    dispersion = np.full(n_series, np.nan)
    converged = np.zeros(n_series, np.bool_)
    normal, right, room = np.zeros((p, p)), np.zeros(p), np.zeros((3, n))
    for j in range(n_series):
        known, total = 0, 0.0
        for t in range(n):
            if counts[j, t] >= 0.0 and weights[j, t] > 0.0:
                known += 1
                total += counts[j, t]
        if known > 0 and total == 0.0:
            mean[j, :] = 0.0
            continue
        done, phi = irls(
            counts[j], x, weights[j], offsets[j], n, p, beta[j], max_iter, tolerance,
            normal, right, room,
        )  # fmt: skip
        converged[j], dispersion[j] = done, phi
        if not done:
            beta[j, :] = np.nan
            continue
        mean[j, :] = room[0]
        for i in range(p):
            right[:] = 0.0
            right[i] = 1.0
            _solve(normal, right, p)
            covariance[j, i, :] = right
    return beta, covariance, mean, dispersion, converged


@njit(cache=True, error_model="numpy")
def fit_origins(
    counts: FloatArray,
    x: FloatArray,
    columns: IntArray,
    origins: IntArray,
    horizon: int,
    max_iter: int,
    tolerance: float,
) -> tuple[FloatArray, FloatArray]:
    """Fit every series on its first weeks, origin after origin, and predict the weeks after.

    Each fit starts from the one before.

    Parameters
    ----------
    counts : shape (n_series, n_weeks), a series a row; NaN where unknown.
    x : design of all weeks and `horizon` more, shape (n_weeks + horizon, n_columns).
    columns : leading columns to use, shape (n_origins, n_series); 0 for no fit.
    origins : weeks that are known at each origin, rising.
    horizon : weeks to predict.
    max_iter, tolerance : as in `irls`.

    Returns
    -------
    mean, variance : of the prediction, shape (n_origins, horizon, n_series); the variance is that
        of a count, over-dispersed, with that of its mean added.
    """
    n_series, n = counts.shape
    n_columns = x.shape[1]
    n_origins = len(origins)
    mean = np.full((n_origins, horizon, n_series), np.nan)
    variance = np.full((n_origins, horizon, n_series), np.nan)
    ones, zeros = np.ones(n), np.zeros(n)
    normal, right = np.zeros((n_columns, n_columns)), np.zeros(n_columns)
    room = np.zeros((3, n))
    beta, row = np.zeros(n_columns), np.zeros(n_columns)
    for j in range(n_series):
        beta[:] = np.nan
        before = 0
        for o in range(n_origins):
            p = columns[o, j]
            if p == 0:
                continue
            for i in range(before, p):
                beta[i] = 0.0 if before > 0 else np.nan
            done, phi = irls(
                counts[j], x, ones, zeros, origins[o], p, beta, max_iter, tolerance,
                normal, right, room,
            )  # fmt: skip
            before = p if done else 0
            if not done:
                beta[:] = np.nan
                continue
            phi = 1.0 if np.isnan(phi) else max(phi, 1.0)
            for h in range(horizon):
                eta = 0.0
                for i in range(p):
                    row[i] = x[origins[o] + h, i]
                    eta += row[i] * beta[i]
                expected = np.exp(min(eta, _MOST))
                right[:p] = row[:p]
                _solve(normal, right, p)
                spread = 0.0
                for i in range(p):
                    spread += row[i] * right[i]
                mean[o, h, j] = expected
                variance[o, h, j] = phi * expected + expected * expected * phi * spread
    return mean, variance
