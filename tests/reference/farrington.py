"""Farrington flexible once more: one series and week at a time, with a design matrix and QR.

Written from Farrington et al. 1996, Noufaily et al. 2013 and the manual of R's glm; it shares
neither code nor algebra with geo.detect.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import stats


class Model(NamedTuple):
    """A quasi-Poisson regression as glm.fit leaves it."""

    beta: np.ndarray
    mu: np.ndarray
    working: np.ndarray
    r: np.ndarray
    q: np.ndarray
    converged: bool


def glm(x: np.ndarray, y: np.ndarray, offset: np.ndarray, prior: np.ndarray) -> Model:
    """Iteratively weighted least squares from y + 0.1, at most 25 times."""
    mu = y + 0.1
    eta = np.log(mu)
    old = math.inf
    for _ in range(25):
        working = prior * mu
        z = eta - offset + (y - mu) / mu
        root = np.sqrt(working)
        q, r = np.linalg.qr(x * root[:, None])
        beta = np.linalg.solve(r, q.T @ (root * z))
        eta = x @ beta + offset
        mu = np.maximum(np.exp(eta), np.finfo(float).eps)
        log_ratio = np.log(np.where(y > 0, y, 1.0) / np.where(y > 0, mu, 1.0))
        deviance = 2 * float((prior * (y * log_ratio - (y - mu))).sum())
        if abs(deviance - old) / (abs(deviance) + 0.1) < 1e-8:
            return Model(beta, mu, working, r, q, converged=True)
        old = deviance
    return Model(beta, mu, working, r, q, converged=False)


class Answer(NamedTuple):
    """What is said of one week."""

    expected: float
    upper: float
    trend: bool
    phi: float


def baseline(
    now: int, *, freq: int, b: int, w: int, periods: int, past: int
) -> list[tuple[int, int]]:
    """Weeks of the baseline and their periods, walking back week by week."""
    chosen = []
    for week in range(now - freq * b - w, now - past):
        ahead = (now - week) % freq
        if min(ahead, freq - ahead) <= w:
            chosen.append((week, periods))
        elif periods > 1:
            # Weeks since the window ended, dealt to the periods, longer ones first.
            since = freq - ahead - w - 1
            long, rest = divmod(freq - 2 * w - 1, periods - 1)
            edge, period = 0, 0
            while since >= edge:
                period += 1
                edge += long + (1 if period <= rest else 0)
            chosen.append((week, period))
    return chosen


def flexible(
    counts: np.ndarray,
    now: int,
    *,
    b: int,
    w: int,
    reweight: bool,
    weights_threshold: float,
    alpha: float,
    trend: bool,
    p_threshold_trend: float,
    n_periods: int,
    past: int,
    method: str,
    power: float = 2 / 3,
    population: np.ndarray | None = None,
    freq: int = 52,
) -> Answer | None:
    """Expected count and upper bound of one week of one series; None where nothing fits."""
    persons = np.ones(len(counts)) if population is None else population
    chosen = [
        pair
        for pair in baseline(now, freq=freq, b=b, w=w, periods=n_periods, past=past)
        if not np.isnan(counts[pair[0]]) and persons[pair[0]] > 0
    ]
    week = np.array([pair[0] for pair in chosen], dtype=float)
    period = np.array([pair[1] for pair in chosen])
    y, offset = counts[week.astype(int)], np.log(persons[week.astype(int)])
    levels = sorted(set(period))

    def rows(weeks: np.ndarray, periods: np.ndarray, sloped: bool) -> np.ndarray:
        columns = [np.ones(len(weeks))]
        columns += [(periods == level).astype(float) for level in levels[1:]]
        if sloped:
            columns.append(weeks - float(now))
        return np.column_stack(columns)

    def fit(sloped: bool) -> tuple[Model, float, float] | None:
        x = rows(week, period, sloped)
        df = len(y) - x.shape[1]
        model = glm(x, y, offset, np.ones(len(y)))
        if not model.converged:
            return None
        spread = pearson(model, y, model.working) / df
        if not reweight:
            return model, max(spread, 1.0), spread
        hat = (model.q**2).sum(axis=1)
        anscombe = 1.5 * (y ** (2 / 3) * model.mu ** (-1 / 6) - model.mu**0.5)
        s = anscombe / np.sqrt(max(spread, 1.0) * (1 - hat))
        omega = np.where(s > weights_threshold, s, 1.0) ** -2.0
        omega *= len(y) / omega.sum()
        model = glm(x, y, offset, omega)
        return (
            model,
            max(pearson(model, y, model.working) / df, 1.0),
            pearson(model, y, omega) / df,
        )

    def forecast(model: Model, scale: float, sloped: bool) -> tuple[float, float]:
        x = rows(np.array([float(now)]), np.array([n_periods]), sloped)[0]
        half = np.linalg.solve(model.r.T, x)
        return float(x @ model.beta + math.log(persons[now])), math.sqrt(scale * half @ half)

    kept, found = False, fit(sloped=True) if trend else None
    if found is not None:
        model, phi, scale = found
        variance = np.linalg.inv(model.r.T @ model.r)[-1, -1] * scale
        t = model.beta[-1] / math.sqrt(variance)
        p = 2 * stats.t.sf(abs(t), len(y) - len(model.beta))
        eta, error = forecast(model, scale, sloped=True)
        kept = b >= 3 and p < p_threshold_trend and math.exp(eta) <= y.max()
    if not kept:
        found = fit(sloped=False)
        if found is None:
            return None
        model, phi, scale = found
        eta, error = forecast(model, scale, sloped=False)
    upper = bound(eta, error, phi, alpha=alpha, method=method, power=power)
    return Answer(math.exp(eta), upper, kept, phi)


def bound(
    eta: float, error: float, phi: float, *, alpha: float, method: str, power: float
) -> float:
    """Upper bound of what the regression leads to expect."""
    mu, z = math.exp(eta), stats.norm.ppf(1 - alpha)
    if method == "delta":
        tau = phi + (error * mu) ** 2 / mu
        spread = {
            2 / 3: math.sqrt(4 / 9 * mu ** (1 / 3) * tau),
            0.5: math.sqrt(tau / 4),
            1.0: math.sqrt(mu * tau),
        }[power]
        return float((mu**power + z * spread) ** (1 / power))
    high = eta + (z * error if method == "muan" else 0.0)
    if high > 100:
        return math.inf
    mean = math.exp(high)
    if phi > 1:
        return float(stats.nbinom.ppf(1 - alpha, mean / (phi - 1), 1 / phi))
    return float(stats.poisson.ppf(1 - alpha, mean))


def pearson(model: Model, y: np.ndarray, weights: np.ndarray) -> float:
    """Weighted sum of squared residuals on the scale of the predictor."""
    return float((weights * ((y - model.mu) / model.mu) ** 2).sum())
