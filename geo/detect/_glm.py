"""Compiled quasi-Poisson regression of many series, for the Farrington detectors.

Regressions stand side by side in the lanes of arrays (…, LANES) and take their steps together:
the innermost loop runs over lanes, of which a processor does several at once.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo.arrays import BoolArray, FloatArray, IntArray
from geo.detect._baseline import Data, Design, Fit, Rules
from geo.detect._irls import exponentials, powers, regress

_TINY = float(np.finfo(np.float64).eps)
# A baseline with fewer known weeks than this share is no baseline.
_LEAST_SHARE = 0.5
# Counts below this have their logarithms and powers looked up.
_TABLE = 1024
# Fewer lanes cost more a lane; more do not fit the cache.
LANES = 64


def predict(
    counts: FloatArray,
    population: FloatArray | None,
    weeks: IntArray,
    design: Design,
    *,
    rules: Rules,
    critical: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """What each series leads to expect of the tested weeks, on the scale of the logarithm.

    Parameters
    ----------
    counts, population : shape (n_weeks, n_series), NaN where unknown; None for no offset.
    weeks : shape (n_at,), positions of the tested weeks, all with room for the baseline.
    design, rules : weeks of the baseline, and how the regression is used.
    critical : least |t| at which a trend is kept, by degrees of freedom.

    Returns
    -------
    eta, error : float64, shape (n_at, n_series), log expected count (-inf after zeros), its error;
        NaN where not fitted.
    dispersion, kept : float64, at least 1; bool, the trend was kept.
    """
    n, n_groups = len(design.ago), len(design.first) - 1
    data = Data(*(np.empty((n, LANES)) for _ in Data._fields))
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(Fit._fields, (LANES,))
    split = Fit._fields.index("rise"), Fit._fields.index("slope")
    shapes |= dict.fromkeys(Fit._fields[: split[0]], (n_groups, LANES))
    shapes |= dict.fromkeys(Fit._fields[split[0] : split[1]], (design.n_places, LANES))
    fit = Fit(*(np.empty(shape) for shape in shapes.values()))
    y = np.arange(_TABLE, dtype=np.float64)
    more = y + 0.1
    table = np.column_stack(
        [y * (np.log(np.maximum(y, 1.0)) - 1.0), more * np.log(more) - 0.1, np.cbrt(y) ** 2]
    )
    persons = np.empty((0, 0)) if population is None else population
    return _predict((counts, persons), weeks, (design, rules), (critical, table), (data, fit))


@njit(cache=True, error_model="numpy")
def _predict(
    observed: tuple[FloatArray, FloatArray],
    weeks: IntArray,
    plan: tuple[Design, Rules],
    tables: tuple[FloatArray, FloatArray],
    memory: tuple[Data, Fit],
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Compiled part of `predict`: first with a trend, then those that keep none without."""
    (design, rules), (critical, table), (_, fit) = plan, tables, memory
    counts, population = observed
    n_at, n_series = weeks.shape[0], counts.shape[1]
    now = design.first.shape[0] - 2
    lanes = fit.slope.shape[0]
    eta, error = np.full((n_at, n_series), np.nan), np.full((n_at, n_series), np.nan)
    dispersion, kept = np.full((n_at, n_series), np.nan), np.zeros((n_at, n_series), np.bool_)
    left = np.arange(n_at * n_series)
    row, column = np.empty(lanes, np.int64), np.empty(lanes, np.int64)
    for n_slopes in (1, 0):
        if n_slopes and not rules.trend:
            continue
        todo, n_left = left, 0
        left = np.empty_like(todo)
        for start in range(0, todo.shape[0], lanes):
            for k in range(lanes):
                # Lanes beyond the last regression repeat it.
                task = todo[min(start + k, todo.shape[0] - 1)]
                row[k], column[k] = task // n_series, task % n_series
            _gather(observed, (weeks[row], column), design, table, memory)
            _refit(design, rules, memory, n_slopes)
            for k in range(min(lanes, todo.shape[0] - start)):
                if fit.known[k] < _LEAST_SHARE * design.ago.shape[0]:
                    continue
                at, j = row[k], column[k]
                df = int(fit.df[k])
                variance, raw, wide = fit.inverse[now, k], fit.raw[k], fit.wide[k]
                value = fit.level[now, k]
                if population.shape[0] > 0:
                    value += np.log(population[weeks[at], j])
                sound = df >= 1 and fit.converged[k] > 0.0 and variance > 0.0
                sound = sound and np.isfinite(raw) and np.isfinite(wide)
                if sound and n_slopes:
                    gap = design.time_now - fit.centre[now, k]
                    variance += gap * gap * fit.inverse_slope[k]
                    value += fit.slope[k] * design.time_now
                    least = critical[df] * np.sqrt(
                        (raw if rules.classic else wide) * fit.inverse_slope[k]
                    )
                    sound = abs(fit.slope[k]) > least and not np.exp(value) > fit.highest[k]
                if sound:
                    kept[at, j] = n_slopes == 1
                    eta[at, j] = value
                    dispersion[at, j] = max(raw, 1.0)
                    error[at, j] = np.sqrt((max(raw, 1.0) if rules.classic else wide) * variance)
                elif n_slopes:
                    left[n_left] = todo[start + k]
                    n_left += 1
                elif df >= 1 and fit.highest[k] == 0.0:
                    # Towards no count at all the steps never end.
                    eta[at, j], error[at, j], dispersion[at, j] = -np.inf, 0.0, 1.0
        left = left[:n_left]
    return eta, error, dispersion, kept


@njit(cache=True, error_model="numpy")
def _refit(design: Design, rules: Rules, memory: tuple[Data, Fit], n_slopes: int) -> None:
    """Fit, weigh down past outbreaks and fit again: whether it converged, both dispersions."""
    fit = memory[1]
    converged = regress(design, memory, n_slopes)
    for k in range(converged.shape[0]):
        fit.converged[k] = converged[k]
        fit.df[k] -= n_slopes
    _residuals(design, memory)
    if not rules.reweight:
        for k in range(converged.shape[0]):
            fit.wide[k] = fit.raw[k]
        return
    _weigh_down(design, memory, rules.weights_threshold)
    # As in R, the second fit is used wherever it ends.
    regress(design, memory, n_slopes)
    _residuals(design, memory)


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "nsz", "contract"})
def _residuals(design: Design, memory: tuple[Data, Fit]) -> None:
    """Dispersions: from Pearson's residuals, and from those on the scale of the predictor.

    R's weights belong to the coefficients before the last step; the second is what summary.glm
    gives farringtonFlexible, which has put its own weights in their place.
    """
    data, fit = memory
    lanes = fit.slope.shape[0]
    powers(fit.slope, 1.0, design, fit.rise)
    powers(fit.slope_before, 1.0, design, fit.rise_before)
    factor, factor_before = np.empty(lanes), np.empty(lanes)
    for k in range(lanes):
        fit.raw[k] = fit.wide[k] = 0.0
    for g in range(fit.level.shape[0]):
        exponentials(fit.level[g], 1.0, factor)
        exponentials(fit.level_before[g], 1.0, factor_before)
        for i in range(design.first[g], design.first[g + 1]):
            place = design.place[i]
            for k in range(lanes):
                mu = max(factor[k] * fit.rise[place, k] * data.exposure[i, k], _TINY)
                gap = data.y[i, k] / mu - 1.0
                square = gap * gap
                fit.wide[k] += data.omega[i, k] * square
                weight = factor_before[k] * fit.rise_before[place, k]
                fit.raw[k] += data.load[i, k] * square * weight
    for k in range(lanes):
        fit.raw[k] /= fit.df[k]
        fit.wide[k] /= fit.df[k]


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _weigh_down(design: Design, memory: tuple[Data, Fit], threshold: float) -> None:
    """Weights of the second fit from standardised Anscombe residuals of the first."""
    data, fit = memory
    lanes = fit.slope.shape[0]
    powers(fit.slope, -1.0 / 6.0, design, fit.root)
    factor, factor_before, root = np.empty(lanes), np.empty(lanes), np.empty(lanes)
    n, total = np.zeros(lanes), np.zeros(lanes)
    least = threshold * threshold
    for g in range(fit.level.shape[0]):
        exponentials(fit.level[g], 1.0, factor)
        exponentials(fit.level_before[g], 1.0, factor_before)
        exponentials(fit.level[g], -1.0 / 6.0, root)
        for i in range(design.first[g], design.first[g + 1]):
            place, t = design.place[i], design.time[i]
            for k in range(lanes):
                mu = factor[k] * fit.rise[place, k] * data.exposure[i, k]
                weight = factor_before[k] * fit.rise_before[place, k] * data.exposure[i, k]
                gap = t - fit.centre[g, k]
                hat = weight * (fit.inverse[g, k] + gap * gap * fit.inverse_slope[k])
                residual = data.power[i, k] * root[k] * fit.root[place, k] - np.sqrt(mu)
                residual = max(1.5 * residual, 0.0)
                square = residual * residual
                # Compared without dividing: residual / sqrt(variance) > threshold.
                variance = max(fit.raw[k], 1.0) * max(1.0 - hat, 1e-10)
                omega = variance / square if square > least * variance else 1.0
                n[k] += data.omega[i, k]
                # Every known week had the weight 1, every unknown one 0.
                data.omega[i, k] *= omega
                total[k] += data.omega[i, k]
    for i in range(data.omega.shape[0]):
        for k in range(lanes):
            data.omega[i, k] *= n[k] / total[k]


@njit(cache=True, error_model="numpy")
def _gather(
    observed: tuple[FloatArray, FloatArray],
    places: tuple[IntArray, IntArray],
    design: Design,
    table: FloatArray,
    memory: tuple[Data, Fit],
) -> None:
    """Copy baselines into lanes; their known weeks, groups that have one, highest counts."""
    (counts, population), (week, column), (data, fit) = observed, places, memory
    lanes = fit.slope.shape[0]
    offset = population.shape[0] > 0
    before = np.empty(lanes)
    for k in range(lanes):
        fit.known[k] = fit.highest[k] = fit.df[k] = 0.0
    for g in range(design.first.shape[0] - 1):
        for k in range(lanes):
            before[k] = fit.df[k]
        for i in range(design.first[g], design.first[g + 1]):
            for k in range(lanes):
                y = counts[week[k] - design.ago[i], column[k]]
                persons = population[week[k] - design.ago[i], column[k]] if offset else 1.0
                fit.known[k] += 1.0 if y >= 0.0 else 0.0
                seen = y >= 0.0 and persons > 0.0
                y = y if seen else 0.0
                persons = persons if seen else 1.0
                fit.highest[k] = max(fit.highest[k], y)
                fit.df[k] += 1.0 if seen else 0.0
                place = int(y) if y < _TABLE else 0
                if place == y:
                    own, start, power = table[place, 0], table[place, 1], table[place, 2]
                else:
                    more = y + 0.1
                    own, start = y * (np.log(y) - 1.0), more * np.log(more) - 0.1
                    power = np.cbrt(y) ** 2
                if offset:
                    size = np.log(persons)
                    own, start = own - y * size, start - (y + 0.1) * size
                    power *= np.exp(size / -6.0)
                data.y[i, k], data.exposure[i, k] = y, persons
                data.own[i, k], data.start[i, k], data.power[i, k] = own, start, power
                data.omega[i, k] = 1.0 if seen else 0.0
        for k in range(lanes):
            fit.df[k] -= 1.0 if fit.df[k] > before[k] else 0.0
