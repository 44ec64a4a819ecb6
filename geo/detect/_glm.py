"""Compiled quasi-Poisson regression of many series, for the Farrington detectors.

All series have one design: one level a group of weeks and, with one slope, a linear trend.
Weighted least squares needs no matrix then: the trend is what is left within groups. Steps, start
and end are those of R's glm.fit, since a series of zeros has no optimum to agree on.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo.arrays import BoolArray, FloatArray
from geo.detect._baseline import Data, Design, Fit, Rules

# As glm.control of R: relative change of the deviance, and most iterations.
_EPSILON = 1e-8
_MAX_ITERATIONS = 25
_TINY = float(np.finfo(np.float64).eps)
# Counts below this have their logarithms and powers looked up.
_TABLE = 1024


def predict(
    counts: FloatArray,
    population: FloatArray | None,
    design: Design,
    *,
    rules: Rules,
    critical: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """What each series leads to expect of the tested week, on the scale of the logarithm.

    Parameters
    ----------
    counts, population : shape (n_weeks, n_series), NaN where unknown; None for no offset.
    design, rules : weeks of the baseline, and how the regression is used.
    critical : least |t| at which a trend is kept, by degrees of freedom.

    Returns
    -------
    eta, error : float64, log expected count (-inf after zeros), its error; NaN where not fitted.
    dispersion, kept : float64, at least 1; bool, the trend was kept.
    """
    n, n_groups = len(design.week), len(design.first) - 1
    data = Data(*(np.empty(n) for _ in Data._fields))
    sizes = {"slope": 2, "inverse_slope": 1}
    sizes |= dict.fromkeys(("rise", "rise_before", "root"), design.n_places)
    fit = Fit(*(np.empty(sizes.get(name, n_groups)) for name in Fit._fields))
    y = np.arange(_TABLE, dtype=np.float64)
    table = np.stack([np.log(np.maximum(y, 1.0)), np.log(y + 0.1), np.cbrt(y) ** 2])
    persons = np.empty((0, 0)) if population is None else population
    return _predict(counts, persons, (design, rules), (critical, table), (data, fit))


@njit(cache=True, error_model="numpy")
def _predict(
    counts: FloatArray,
    population: FloatArray,
    plan: tuple[Design, Rules],
    tables: tuple[FloatArray, FloatArray],
    memory: tuple[Data, Fit],
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Compiled part of `predict`."""
    (design, rules), (critical, table), (data, fit) = plan, tables, memory
    now = design.first.shape[0] - 2
    eta = np.full(counts.shape[1], np.nan)
    error = np.full(counts.shape[1], np.nan)
    dispersion = np.full(counts.shape[1], np.nan)
    kept = np.zeros(counts.shape[1], np.bool_)
    for j in range(counts.shape[1]):
        n, n_levels, highest = _gather(counts, population, design, (j, table), data)
        offset = np.log(population[design.now, j]) if population.shape[0] > 0 else 0.0
        for n_slopes in (1, 0):
            df = n - n_levels - n_slopes
            if df < 1 or (n_slopes and not rules.trend):
                continue
            converged, raw, wide = _refit(design, rules, memory, df, n_slopes)
            raised = max(raw, 1.0)
            variance = fit.inverse[now]
            if not (converged and variance > 0.0 and np.isfinite(raw) and np.isfinite(wide)):
                continue
            value = fit.level[now] + offset
            if n_slopes:
                gap = design.time_now - fit.centre[now]
                variance += gap * gap * fit.inverse_slope[0]
                value += fit.slope[0] * design.time_now
                least = critical[df] * np.sqrt(
                    (raw if rules.classic else wide) * fit.inverse_slope[0]
                )
                if not abs(fit.slope[0]) > least or np.exp(value) > highest:
                    continue
            kept[j] = n_slopes == 1
            eta[j] = value
            dispersion[j] = raised
            error[j] = np.sqrt((raised if rules.classic else wide) * variance)
            break
        if np.isnan(eta[j]) and n > n_levels and highest == 0.0:
            # Towards no count at all the steps never end.
            eta[j], error[j], dispersion[j] = -np.inf, 0.0, 1.0
    return eta, error, dispersion, kept


@njit(cache=True, error_model="numpy")
def _refit(
    design: Design, rules: Rules, memory: tuple[Data, Fit], df: int, n_slopes: int
) -> tuple[bool, float, float]:
    """Fit, weigh down past outbreaks and fit again: whether it converged, both dispersions."""
    data = memory[0]
    data.omega[:] = data.seen
    converged = _regress(design, memory, n_slopes)
    raw, wide = _residuals(design, memory)
    if not converged or not rules.reweight:
        return converged, raw / df, raw / df
    _weigh_down(design, memory, max(raw / df, 1.0), rules.weights_threshold)
    # As in R, the second fit is used wherever it ends.
    _regress(design, memory, n_slopes)
    raw, wide = _residuals(design, memory)
    return True, raw / df, wide / df


@njit(cache=True, error_model="numpy")
def _regress(design: Design, memory: tuple[Data, Fit], n_slopes: int) -> bool:
    """Iterate weighted least squares as R's glm.fit does, from counts + 0.1."""
    fit = memory[1]
    constant, sum_yt = _start(design, memory, n_slopes)
    before, turns, halved = np.inf, 0, 0
    while True:
        deviance, square = _weights(design, memory, n_slopes)
        deviance = 2.0 * (deviance + constant - fit.slope[0] * sum_yt)
        if not np.isfinite(deviance):
            halved += 1
            if turns == 0 or halved == _MAX_ITERATIONS:
                return False
            fit.level[:] = 0.5 * (fit.level + fit.level_before)
            fit.slope[0] = 0.5 * (fit.slope[0] + fit.slope[1])
            continue
        turns += 1
        # The second part is what rounding alone may change.
        limit = _EPSILON * (abs(deviance) + 0.1) + 1e-15 * abs(constant)
        if abs(deviance - before) < limit:
            return True
        if turns == _MAX_ITERATIONS:
            return False
        before = deviance
        _step(fit, square, sum_yt, n_slopes)


@njit(cache=True, error_model="numpy")
def _start(design: Design, memory: tuple[Data, Fit], n_slopes: int) -> tuple[float, float]:
    """First coefficients; two sums of the counts that no iteration changes."""
    data, fit = memory
    constant, sum_yt, square, target_time = 0.0, 0.0, 0.0, 0.0
    for i in range(data.y.shape[0]):
        data.load[i] = data.omega[i] * data.exposure[i]
    for g in range(fit.level.shape[0]):
        sum_y, weight, moment, target = 0.0, 0.0, 0.0, 0.0
        for i in range(design.first[g], design.first[g + 1]):
            y, omega, t = data.y[i], data.omega[i], design.time[i]
            sum_y += omega * y
            sum_yt += omega * y * t
            constant += omega * y * (data.log_y[i] - data.log_exposure[i] - 1.0)
            mu = omega * (y + 0.1)
            z = mu * (data.log_start[i] - data.log_exposure[i] - 0.1 / (y + 0.1))
            weight += mu
            moment += mu * t
            square += mu * t * t
            target += z
            target_time += z * t
        fit.sum_y[g] = sum_y
        fit.weight[g] = weight
        fit.moment[g] = moment
        fit.level[g] = target
    _inform(fit, square, n_slopes)
    slope = target_time
    for g in range(fit.level.shape[0]):
        slope -= fit.centre[g] * fit.level[g]
    slope *= fit.inverse_slope[0]
    for g in range(fit.level.shape[0]):
        fit.level[g] = fit.level[g] * fit.inverse[g] - slope * fit.centre[g]
    fit.slope[:] = slope
    fit.level_before[:] = fit.level
    if n_slopes == 0:
        fit.rise[:] = 1.0
        for g in range(fit.level.shape[0]):
            fit.moment[g] = _sums(design, data.load, fit.rise, g)[0]
    return constant, sum_yt


@njit(cache=True, error_model="numpy")
def _weights(design: Design, memory: tuple[Data, Fit], n_slopes: int) -> tuple[float, float]:
    """Weights of the next step by group; part of the deviance, weights x time² of all."""
    data, fit = memory
    deviance, square = 0.0, 0.0
    if n_slopes:
        _powers(fit.slope[0], design, fit.rise)
    for g in range(fit.level.shape[0]):
        factor = np.exp(fit.level[g])
        if n_slopes:
            weight, moment, part = _sums(design, data.load, fit.rise, g)
            fit.weight[g] = factor * weight
            fit.moment[g] = factor * moment
            square += factor * part
        else:
            fit.weight[g] = factor * fit.moment[g]
        deviance += fit.weight[g] - fit.sum_y[g] * fit.level[g]
    return deviance, square


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "nsz", "contract"})
def _sums(design: Design, load: FloatArray, rise: FloatArray, g: int) -> tuple[float, float, float]:
    """Sums over the weeks of a group: weight, weight x time, weight x time²."""
    place, time = design.place, design.time
    weight, moment, square = 0.0, 0.0, 0.0
    i, last = design.first[g], design.first[g + 1]
    while i < last:
        if i + 4 <= last:
            # Four at once: one sum would wait for the other.
            a, b = rise[place[i]] * load[i], rise[place[i + 1]] * load[i + 1]
            c, d = rise[place[i + 2]] * load[i + 2], rise[place[i + 3]] * load[i + 3]
            at, bt, ct, dt = a * time[i], b * time[i + 1], c * time[i + 2], d * time[i + 3]
            weight += (a + b) + (c + d)
            moment += (at + bt) + (ct + dt)
            square += (at * time[i] + bt * time[i + 1]) + (ct * time[i + 2] + dt * time[i + 3])
            i += 4
        else:
            a = rise[place[i]] * load[i]
            weight += a
            moment += a * time[i]
            square += a * time[i] * time[i]
            i += 1
    return weight, moment, square


@njit(cache=True, error_model="numpy")
def _powers(slope: float, design: Design, rise: FloatArray) -> None:
    """Factor of the trend in each place: exp(slope x time), eight weeks from eight weeks."""
    start = design.time_now - (design.now - design.week[0] + design.place[0]) * design.step
    for k in range(min(8, rise.shape[0])):
        rise[k] = np.exp(slope * (start + k * design.step))
    ratio = np.exp(slope * 8.0 * design.step)
    for k in range(8, rise.shape[0]):
        rise[k] = rise[k - 8] * ratio


@njit(cache=True, error_model="numpy")
def _inform(fit: Fit, square: float, n_slopes: int) -> None:
    """Take the summed weights as the information of the step that follows."""
    left = square
    for g in range(fit.level.shape[0]):
        fit.inverse[g] = 1.0 / fit.weight[g] if fit.weight[g] > 0.0 else 0.0
        fit.centre[g] = fit.moment[g] * fit.inverse[g] if n_slopes else 0.0
        left -= fit.moment[g] * fit.centre[g]
    # No trend to be seen where every group has one week.
    fit.inverse_slope[0] = 1.0 / left if n_slopes and left > 1e-12 * square else 0.0


@njit(cache=True, error_model="numpy")
def _step(fit: Fit, square: float, sum_yt: float, n_slopes: int) -> None:
    """One step of weighted least squares."""
    _inform(fit, square, n_slopes)
    change = 0.0
    if n_slopes:
        change = sum_yt
        for g in range(fit.level.shape[0]):
            change -= fit.moment[g] + fit.centre[g] * (fit.sum_y[g] - fit.weight[g])
        change *= fit.inverse_slope[0]
    fit.slope[1] = fit.slope[0]
    fit.slope[0] += change
    for g in range(fit.level.shape[0]):
        left = (fit.sum_y[g] - fit.weight[g]) * fit.inverse[g]
        fit.level_before[g] = fit.level[g]
        fit.level[g] += left - fit.centre[g] * change


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "nsz", "contract"})
def _residuals(design: Design, memory: tuple[Data, Fit]) -> tuple[float, float]:
    """Sums of squared residuals: Pearson's, and those on the scale of the predictor.

    R's weights belong to the coefficients before the last step; the second sum is what summary.glm
    gives farringtonFlexible, which has put its own weights in their place.
    """
    data, fit = memory
    _powers(fit.slope[0], design, fit.rise)
    _powers(fit.slope[1], design, fit.rise_before)
    raw, wide = 0.0, 0.0
    for g in range(fit.level.shape[0]):
        factor, factor_before = np.exp(fit.level[g]), np.exp(fit.level_before[g])
        for i in range(design.first[g], design.first[g + 1]):
            mu = max(factor * fit.rise[design.place[i]] * data.exposure[i], _TINY)
            gap = data.y[i] / mu - 1.0
            wide += data.omega[i] * gap * gap
            raw += data.load[i] * gap * gap * factor_before * fit.rise_before[design.place[i]]
    return raw, wide


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _weigh_down(
    design: Design, memory: tuple[Data, Fit], dispersion: float, threshold: float
) -> None:
    """Weights of the second fit from standardised Anscombe residuals of the first."""
    data, fit = memory
    _powers(fit.slope[0] / -6.0, design, fit.root)
    n, total = 0.0, 0.0
    for g in range(fit.level.shape[0]):
        level, level_before = fit.level[g], fit.level_before[g]
        factor, factor_before, root = np.exp(level), np.exp(level_before), np.exp(level / -6.0)
        inverse, centre, inverse_slope = fit.inverse[g], fit.centre[g], fit.inverse_slope[0]
        for i in range(design.first[g], design.first[g + 1]):
            place, gap = design.place[i], design.time[i] - centre
            mu = factor * fit.rise[place] * data.exposure[i]
            weight = factor_before * fit.rise_before[place] * data.exposure[i]
            hat = weight * (inverse + gap * gap * inverse_slope)
            residual = 1.5 * (data.power[i] * root * fit.root[place] - np.sqrt(mu))
            # Compared without dividing: residual / sqrt(variance) > threshold.
            variance = dispersion * max(1.0 - hat, 1e-10)
            far = residual > 0.0 and residual * residual > threshold * threshold * variance
            omega = variance / (residual * residual) if far else 1.0
            data.omega[i] = omega * data.seen[i]
            total += data.omega[i]
            n += data.seen[i]
    for i in range(data.omega.shape[0]):
        data.omega[i] *= n / total


@njit(cache=True, error_model="numpy")
def _gather(
    counts: FloatArray,
    population: FloatArray,
    design: Design,
    series: tuple[int, FloatArray],
    data: Data,
) -> tuple[int, int, float]:
    """Copy the baseline of a series; its known weeks, groups that have one, highest count."""
    j, table = series
    offset = population.shape[0] > 0
    n, n_levels, highest = 0, 0, 0.0
    for g in range(design.first.shape[0] - 1):
        before = n
        for i in range(design.first[g], design.first[g + 1]):
            y = counts[design.week[i], j]
            persons = population[design.week[i], j] if offset else 1.0
            seen = y >= 0.0 and persons > 0.0
            n += 1 if seen else 0
            y = y if seen else 0.0
            highest = max(highest, y)
            data.seen[i] = 1.0 if seen else 0.0
            data.y[i] = y
            data.exposure[i] = persons if seen else 1.0
            k = int(y) if y < _TABLE else -1
            if k >= 0 and k == y:
                data.log_y[i], data.log_start[i], data.power[i] = (
                    table[0, k],
                    table[1, k],
                    table[2, k],
                )
            else:
                data.log_y[i], data.log_start[i] = np.log(y), np.log(y + 0.1)
                data.power[i] = np.cbrt(y) ** 2
            data.log_exposure[i] = 0.0
            if offset:
                data.log_exposure[i] = np.log(data.exposure[i])
                data.power[i] *= np.exp(data.log_exposure[i] / -6.0)
        n_levels += 1 if n > before else 0
    return n, n_levels, highest
