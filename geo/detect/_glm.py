"""Compiled quasi-Poisson regression of many series, for the Farrington detectors.

Regressions stand side by side in the lanes of arrays (…, LANES) and take their steps together:
the innermost loop runs over lanes, of which a processor does several at once.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo.arrays import BoolArray, FloatArray, IntArray
from geo.detect._baseline import Design, Rules
from geo.detect._irls import exponentials, powers, regress
from geo.detect._memory import (
    CENTRE,
    CONVERGED,
    DF,
    EXPOSURE,
    HIGHEST,
    INVERSE,
    INVERSE_SLOPE,
    KNOWN,
    LEVEL,
    LEVEL_BEFORE,
    LOAD,
    OMEGA,
    OWN,
    POWER,
    RAW,
    RISE,
    RISE_BEFORE,
    ROOT,
    SLOPE,
    SLOPE_BEFORE,
    START,
    WIDE,
    Memory,
    Y,
    room_for,
)

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
    y = np.arange(_TABLE, dtype=np.float64)
    more = y + 0.1
    table = np.column_stack(
        [y * (np.log(np.maximum(y, 1.0)) - 1.0), more * np.log(more) - 0.1, np.cbrt(y) ** 2]
    )
    persons = np.empty((0, 0)) if population is None else population
    return _predict(
        (counts, persons), weeks, (design, rules), (critical, table), room_for(design, LANES)
    )


@njit(cache=True, error_model="numpy")
def _predict(
    observed: tuple[FloatArray, FloatArray],
    weeks: IntArray,
    plan: tuple[Design, Rules],
    tables: tuple[FloatArray, FloatArray],
    memory: Memory,
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Compiled part of `predict`: first with a trend, then those that keep none without."""
    groups, fit = memory.groups, memory.fit
    (design, rules), (critical, table) = plan, tables
    counts, population = observed
    n_at, n_series = weeks.shape[0], counts.shape[1]
    now = design.first.shape[0] - 2
    lanes = fit.shape[1]
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
                if fit[KNOWN, k] < _LEAST_SHARE * design.ago.shape[0]:
                    continue
                at, j = row[k], column[k]
                df = int(fit[DF, k])
                variance, raw, wide = groups[INVERSE, now, k], fit[RAW, k], fit[WIDE, k]
                value = groups[LEVEL, now, k]
                if population.shape[0] > 0:
                    value += np.log(population[weeks[at], j])
                sound = df >= 1 and fit[CONVERGED, k] > 0.0 and variance > 0.0
                sound = sound and np.isfinite(raw) and np.isfinite(wide)
                if sound and n_slopes:
                    gap = design.time_now - groups[CENTRE, now, k]
                    variance += gap * gap * fit[INVERSE_SLOPE, k]
                    value += fit[SLOPE, k] * design.time_now
                    least = critical[df] * np.sqrt(
                        (raw if rules.classic else wide) * fit[INVERSE_SLOPE, k]
                    )
                    sound = abs(fit[SLOPE, k]) > least and not np.exp(value) > fit[HIGHEST, k]
                if sound:
                    kept[at, j] = n_slopes == 1
                    eta[at, j] = value
                    dispersion[at, j] = max(raw, 1.0)
                    error[at, j] = np.sqrt((max(raw, 1.0) if rules.classic else wide) * variance)
                elif n_slopes:
                    left[n_left] = todo[start + k]
                    n_left += 1
                elif df >= 1 and fit[HIGHEST, k] == 0.0:
                    # Towards no count at all the steps never end.
                    eta[at, j], error[at, j], dispersion[at, j] = -np.inf, 0.0, 1.0
        left = left[:n_left]
    return eta, error, dispersion, kept


@njit(cache=True, error_model="numpy")
def _refit(design: Design, rules: Rules, memory: Memory, n_slopes: int) -> None:
    """Fit, weigh down past outbreaks and fit again: whether it converged, both dispersions."""
    fit = memory.fit
    converged = regress(design, memory, n_slopes)
    for k in range(converged.shape[0]):
        fit[CONVERGED, k] = converged[k]
        fit[DF, k] -= n_slopes
    _residuals(design, memory)
    if not rules.reweight:
        for k in range(converged.shape[0]):
            fit[WIDE, k] = fit[RAW, k]
        return
    _weigh_down(design, memory, rules.weights_threshold)
    # As in R, the second fit is used wherever it ends.
    regress(design, memory, n_slopes)
    _residuals(design, memory)


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "nsz", "contract"})
def _residuals(design: Design, memory: Memory) -> None:
    """Dispersions: from Pearson's residuals, and from those on the scale of the predictor.

    R's weights belong to the coefficients before the last step; the second is what summary.glm
    gives farringtonFlexible, which has put its own weights in their place.
    """
    data, groups, places, fit = memory.data, memory.groups, memory.places, memory.fit
    lanes = fit.shape[1]
    powers(fit[SLOPE], 1.0, design, places[RISE])
    powers(fit[SLOPE_BEFORE], 1.0, design, places[RISE_BEFORE])
    factor, factor_before = np.empty(lanes), np.empty(lanes)
    for k in range(lanes):
        fit[RAW, k] = fit[WIDE, k] = 0.0
    for g in range(groups.shape[1]):
        exponentials(groups[LEVEL, g], 1.0, factor)
        exponentials(groups[LEVEL_BEFORE, g], 1.0, factor_before)
        for i in range(design.first[g], design.first[g + 1]):
            place = design.place[i]
            for k in range(lanes):
                mu = max(factor[k] * places[RISE, place, k] * data[EXPOSURE, i, k], _TINY)
                gap = data[Y, i, k] / mu - 1.0
                square = gap * gap
                fit[WIDE, k] += data[OMEGA, i, k] * square
                weight = factor_before[k] * places[RISE_BEFORE, place, k]
                fit[RAW, k] += data[LOAD, i, k] * square * weight
    for k in range(lanes):
        fit[RAW, k] /= fit[DF, k]
        fit[WIDE, k] /= fit[DF, k]


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _weigh_down(design: Design, memory: Memory, threshold: float) -> None:
    """Weights of the second fit from standardised Anscombe residuals of the first."""
    data, groups, places, fit = memory.data, memory.groups, memory.places, memory.fit
    lanes = fit.shape[1]
    powers(fit[SLOPE], -1.0 / 6.0, design, places[ROOT])
    factor, factor_before, root = np.empty(lanes), np.empty(lanes), np.empty(lanes)
    n, total = np.zeros(lanes), np.zeros(lanes)
    least = threshold * threshold
    for g in range(groups.shape[1]):
        exponentials(groups[LEVEL, g], 1.0, factor)
        exponentials(groups[LEVEL_BEFORE, g], 1.0, factor_before)
        exponentials(groups[LEVEL, g], -1.0 / 6.0, root)
        for i in range(design.first[g], design.first[g + 1]):
            place, t = design.place[i], design.time[i]
            for k in range(lanes):
                mu = factor[k] * places[RISE, place, k] * data[EXPOSURE, i, k]
                weight = factor_before[k] * places[RISE_BEFORE, place, k] * data[EXPOSURE, i, k]
                gap = t - groups[CENTRE, g, k]
                hat = weight * (groups[INVERSE, g, k] + gap * gap * fit[INVERSE_SLOPE, k])
                residual = data[POWER, i, k] * root[k] * places[ROOT, place, k] - np.sqrt(mu)
                residual = max(1.5 * residual, 0.0)
                square = residual * residual
                # Compared without dividing: residual / sqrt(variance) > threshold.
                variance = max(fit[RAW, k], 1.0) * max(1.0 - hat, 1e-10)
                omega = variance / square if square > least * variance else 1.0
                n[k] += data[OMEGA, i, k]
                # Every known week had the weight 1, every unknown one 0.
                data[OMEGA, i, k] *= omega
                total[k] += data[OMEGA, i, k]
    for i in range(data.shape[1]):
        for k in range(lanes):
            data[OMEGA, i, k] *= n[k] / total[k]


@njit(cache=True, error_model="numpy")
def _gather(
    observed: tuple[FloatArray, FloatArray],
    tested: tuple[IntArray, IntArray],
    design: Design,
    table: FloatArray,
    memory: Memory,
) -> None:
    """Copy baselines into lanes; their known weeks, groups that have one, highest counts."""
    data, fit = memory.data, memory.fit
    (counts, population), (week, column) = observed, tested
    lanes = fit.shape[1]
    offset = population.shape[0] > 0
    before = np.empty(lanes)
    for k in range(lanes):
        fit[KNOWN, k] = fit[HIGHEST, k] = fit[DF, k] = 0.0
    for g in range(design.first.shape[0] - 1):
        for k in range(lanes):
            before[k] = fit[DF, k]
        for i in range(design.first[g], design.first[g + 1]):
            for k in range(lanes):
                y = counts[week[k] - design.ago[i], column[k]]
                persons = population[week[k] - design.ago[i], column[k]] if offset else 1.0
                fit[KNOWN, k] += 1.0 if y >= 0.0 else 0.0
                seen = y >= 0.0 and persons > 0.0
                y = y if seen else 0.0
                persons = persons if seen else 1.0
                fit[HIGHEST, k] = max(fit[HIGHEST, k], y)
                fit[DF, k] += 1.0 if seen else 0.0
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
                data[Y, i, k], data[EXPOSURE, i, k] = y, persons
                data[OWN, i, k], data[START, i, k], data[POWER, i, k] = own, start, power
                data[OMEGA, i, k] = 1.0 if seen else 0.0
        for k in range(lanes):
            fit[DF, k] -= 1.0 if fit[DF, k] > before[k] else 0.0
