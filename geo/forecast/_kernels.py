"""Compiled loops of the forecasts. Imported by the functions that use them; never parallel."""

from __future__ import annotations

import numpy as np
from numba import njit

from geo.arrays import FloatArray, IntArray

# Above this mean the negative binomial is summed no more: its quantiles follow from its moments.
_SUMMED = 300.0


@njit(cache=True, error_model="numpy")
def smooth(
    y: FloatArray,
    first: int,
    last: int,
    alpha: float,
    beta: float,
    gamma: float,
    phi: float,
    level: float,
    trend: float,
    season: FloatArray,
    fitted: FloatArray,
) -> tuple[float, float]:
    """Run damped additive Holt-Winters over the weeks first..last-1 of one series.

    Parameters
    ----------
    y : counts, NaN where unknown: such a week changes nothing but the trend's damping.
    first, last : weeks to run over.
    alpha, beta, gamma, phi : smoothing of level, trend, season; damping of the trend.
    level, trend : before the first week.
    season : by position of the week, week % len(season), length 1 and 0.0 for none; overwritten.
    fitted : one-step-ahead expectations, overwritten at first..last-1.

    Returns
    -------
    level, trend : after the last week.
    """
    m = len(season)
    for t in range(first, last):
        place = t % m
        ahead = level + phi * trend
        fitted[t] = ahead + season[place]
        if not np.isnan(y[t]):
            above = alpha * (y[t] - season[place]) + (1.0 - alpha) * ahead
            trend = beta * (above - level) + (1.0 - beta) * phi * trend
            season[place] = gamma * (y[t] - ahead) + (1.0 - gamma) * season[place]
            level = above
        else:
            level = ahead
            trend = phi * trend
    return level, trend


@njit(cache=True, error_model="numpy")
def search(
    counts: FloatArray,
    starts: IntArray,
    levels: FloatArray,
    seasons: FloatArray,
    grid: FloatArray,
    warm: int,
    origins: IntArray,
    horizon: int,
) -> FloatArray:
    """Forecast from every origin with the parameters that fitted best before it.

    Parameters
    ----------
    counts : shape (n_series, n_weeks), a series a row; NaN where unknown.
    starts : first week to run over, shape (n_series,); n_weeks or more for none.
    levels : before that week, shape (n_series,).
    seasons : shape (n_series, period), period 1 and 0.0 for none.
    grid : rows of alpha, beta, gamma, phi, simplest first: of equals the first is taken.
    warm : weeks from the start whose errors are not counted.
    origins : weeks that are known, rising.
    horizon : weeks to forecast.

    Returns
    -------
    float64, shape (n_origins, horizon, n_series); NaN where no error was counted.
    """
    n_series, n_weeks = counts.shape
    n_origins = len(origins)
    period = seasons.shape[1]
    out = np.full((n_origins, horizon, n_series), np.nan)
    best = np.empty(n_origins)
    season, fitted = np.empty(period), np.empty(n_weeks)
    for j in range(n_series):
        best[:] = np.inf
        for g in range(len(grid)):
            alpha, beta, gamma, phi = grid[g]
            level, trend = levels[j], 0.0
            season[:] = seasons[j]
            week, counted, squares = starts[j], 0, 0.0
            for o in range(n_origins):
                if origins[o] <= starts[j]:
                    continue
                level, trend = smooth(
                    counts[j], week, origins[o], alpha, beta, gamma, phi, level, trend, season,
                    fitted,
                )  # fmt: skip
                for t in range(max(week, starts[j] + warm), origins[o]):
                    error = counts[j, t] - fitted[t]
                    if not np.isnan(error):
                        squares += error * error
                        counted += 1
                week = origins[o]
                # Only a clear improvement: of equals the first stays, however sums are rounded.
                if counted > 0 and squares < best[o] * (1.0 - 1e-9):
                    best[o] = squares
                    damped = 0.0
                    for h in range(horizon):
                        damped = phi * (1.0 + damped)
                        place = (week + h) % period
                        out[o, h, j] = max(level + damped * trend + season[place], 0.0)
    return out


@njit(cache=True, error_model="numpy")
def count_quantiles(
    mean: FloatArray, variance: FloatArray, shares: FloatArray, scores: FloatArray
) -> FloatArray:
    """Quantiles of negative binomial counts, Poisson where the variance is the mean or below.

    Parameters
    ----------
    mean, variance : shape (n,); NaN gives NaN.
    shares : probabilities, rising.
    scores : standard normal quantiles of `shares`.

    Returns
    -------
    float64, shape (n_shares, n): the least count at which the probability is reached.
    """
    out = np.full((len(shares), len(mean)), np.nan)
    for i in range(len(mean)):
        mu, spread = mean[i], max(variance[i], mean[i])
        if not (mu >= 0.0 and spread >= 0.0):
            continue
        if mu == 0.0:
            out[:, i] = 0.0
            continue
        ratio = spread / mu
        if mu > _SUMMED:
            skew = (2.0 * ratio - 1.0) / np.sqrt(spread)
            for k in range(len(shares)):
                z = scores[k]
                # Cornish and Fisher 1938, with the half that makes a count of it.
                bent = z + skew * (z * z - 1.0) / 6.0
                out[k, i] = max(np.ceil(mu + np.sqrt(spread) * bent - 0.5), 0.0)
            continue
        poisson = ratio < 1.0 + 1e-9
        size = np.inf if poisson else mu / (ratio - 1.0)
        chance = np.exp(-mu) if poisson else np.exp(-size * np.log(ratio))
        share, count, k = chance, 0, 0
        while k < len(shares):
            while k < len(shares) and share >= shares[k] - 1e-12:
                out[k, i] = count
                k += 1
            if k == len(shares):
                break
            if poisson:
                chance *= mu / (count + 1.0)
            else:
                chance *= (count + size) / (count + 1.0) * (1.0 - 1.0 / ratio)
            share += chance
            count += 1
            if count > 100.0 * (mu + spread + 10.0):
                # Rounding kept the sum below the share.
                while k < len(shares):
                    out[k, i] = count
                    k += 1
    return out
