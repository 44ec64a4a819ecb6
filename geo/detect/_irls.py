"""Compiled steps of iterated weighted least squares, many regressions side by side.

All have one design: one level a group of weeks and, with one slope, a linear trend. Weighted
least squares needs no matrix then: the trend is what is left within groups. Steps, start and end
are those of R's glm.fit, since a series of zeros has no optimum to agree on.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo.arrays import BoolArray, FloatArray
from geo.detect._baseline import Data, Design, Fit

# As glm.control of R: relative change of the deviance, and most iterations.
_EPSILON = 1e-8
_MAX_ITERATIONS = 25


@njit(cache=True, error_model="numpy")
def regress(design: Design, memory: tuple[Data, Fit], n_slopes: int) -> FloatArray:
    """Iterate as R's glm.fit does, from counts + 0.1.

    Parameters
    ----------
    design : groups and times.
    memory : baselines with their weights; regressions, overwritten.
    n_slopes : 1 with a trend, 0 without.

    Returns
    -------
    float64, shape (lanes,): 1 where it came to an end within the iterations, else 0.
    """
    fit = memory[1]
    _start(design, memory, n_slopes)
    lanes = fit.slope.shape[0]
    before, converged = np.full(lanes, np.inf), np.zeros(lanes)
    turns, halved = np.zeros(lanes, np.int64), np.zeros(lanes, np.int64)
    moves, ended = np.empty(lanes, np.bool_), np.zeros(lanes, np.bool_)
    while not ended.all():
        _weights(design, memory, n_slopes)
        for k in range(lanes):
            moves[k] = False
            if ended[k]:
                continue
            deviance = fit.deviance[k] + fit.constant[k] - fit.slope[k] * fit.sum_yt[k]
            deviance *= 2.0
            if not np.isfinite(deviance):
                halved[k] += 1
                ended[k] = turns[k] == 0 or halved[k] == _MAX_ITERATIONS
                if not ended[k]:
                    fit.slope[k] = 0.5 * (fit.slope[k] + fit.slope_before[k])
                    for g in range(fit.level.shape[0]):
                        fit.level[g, k] = 0.5 * (fit.level[g, k] + fit.level_before[g, k])
                continue
            turns[k] += 1
            # The second part is what rounding alone may change.
            limit = _EPSILON * (abs(deviance) + 0.1) + 1e-15 * abs(fit.constant[k])
            if abs(deviance - before[k]) < limit:
                converged[k] = 1.0
            ended[k] = converged[k] > 0.0 or turns[k] == _MAX_ITERATIONS
            moves[k] = not ended[k]
            before[k] = deviance
        _step(fit, moves, n_slopes)
    return converged


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "nsz", "contract"})
def _add_up(design: Design, memory: tuple[Data, Fit]) -> None:
    """Sums of the counts that no iteration changes, and those of the first step."""
    data, fit = memory
    lanes = fit.slope.shape[0]
    for k in range(lanes):
        fit.constant[k] = fit.sum_yt[k] = fit.square[k] = fit.slope[k] = 0.0
    for g in range(fit.level.shape[0]):
        for k in range(lanes):
            fit.sum_y[g, k] = fit.weight[g, k] = fit.moment[g, k] = 0.0
            fit.base[g, k] = fit.level[g, k] = 0.0
        for i in range(design.first[g], design.first[g + 1]):
            t = design.time[i]
            for k in range(lanes):
                load = data.omega[i, k] * data.exposure[i, k]
                data.load[i, k] = load
                fit.base[g, k] += load
            for k in range(lanes):
                counted = data.omega[i, k] * data.y[i, k]
                fit.sum_y[g, k] += counted
                fit.sum_yt[k] += counted * t
                fit.constant[k] += data.omega[i, k] * data.own[i, k]
            for k in range(lanes):
                target = data.omega[i, k] * data.start[i, k]
                fit.level[g, k] += target
                fit.slope[k] += target * t
            for k in range(lanes):
                mu = data.omega[i, k] * (data.y[i, k] + 0.1)
                fit.weight[g, k] += mu
                fit.moment[g, k] += mu * t
                fit.square[k] += mu * t * t


@njit(cache=True, error_model="numpy")
def _start(design: Design, memory: tuple[Data, Fit], n_slopes: int) -> None:
    """First coefficients: one step of least squares from counts + 0.1."""
    _add_up(design, memory)
    fit = memory[1]
    lanes = fit.slope.shape[0]
    _inform(fit, np.ones(lanes, np.bool_), n_slopes)
    for g in range(fit.level.shape[0]):
        for k in range(lanes):
            fit.slope[k] -= fit.centre[g, k] * fit.level[g, k]
    for k in range(lanes):
        fit.slope[k] *= fit.inverse_slope[k]
        fit.slope_before[k] = fit.slope[k]
    for g in range(fit.level.shape[0]):
        for k in range(lanes):
            level = fit.level[g, k] * fit.inverse[g, k] - fit.slope[k] * fit.centre[g, k]
            fit.level[g, k] = fit.level_before[g, k] = level


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "nsz", "contract"})
def _weights(design: Design, memory: tuple[Data, Fit], n_slopes: int) -> None:
    """Weights of the next step by group, weights x time² of all, the part of the deviance."""
    data, fit = memory
    lanes = fit.slope.shape[0]
    factor, part = np.empty(lanes), np.empty(lanes)
    for k in range(lanes):
        fit.deviance[k] = fit.square[k] = 0.0
    if n_slopes:
        powers(fit.slope, 1.0, design, fit.rise)
    for g in range(fit.level.shape[0]):
        exponentials(fit.level[g], 1.0, factor)
        if n_slopes:
            for k in range(lanes):
                fit.weight[g, k] = fit.moment[g, k] = part[k] = 0.0
            for i in range(design.first[g], design.first[g + 1]):
                place, t = design.place[i], design.time[i]
                for k in range(lanes):
                    weight = fit.rise[place, k] * data.load[i, k]
                    fit.weight[g, k] += weight
                    fit.moment[g, k] += weight * t
                    part[k] += weight * t * t
            for k in range(lanes):
                fit.weight[g, k] *= factor[k]
                fit.moment[g, k] *= factor[k]
                fit.square[k] += factor[k] * part[k]
        else:
            for k in range(lanes):
                fit.weight[g, k] = factor[k] * fit.base[g, k]
        for k in range(lanes):
            fit.deviance[k] += fit.weight[g, k] - fit.sum_y[g, k] * fit.level[g, k]


@njit(cache=True, error_model="numpy")
def powers(slope: FloatArray, power: float, design: Design, rise: FloatArray) -> None:
    """Factor of the trend in each place, each week from the last: exp(power x slope x time).

    Parameters
    ----------
    slope : shape (lanes,).
    power : times so much.
    design : places and their times.
    rise : shape (n_places, lanes), overwritten.
    """
    start = design.time_now - (design.ago[0] + design.place[0]) * design.step
    ratio = np.empty_like(slope)
    exponentials(slope, power * design.step, ratio)
    exponentials(slope, power * start, rise[0])
    for place in range(1, rise.shape[0]):
        for k in range(rise.shape[1]):
            rise[place, k] = rise[place - 1, k] * ratio[k]


@njit(cache=True, error_model="numpy")
def exponentials(values: FloatArray, times: float, result: FloatArray) -> None:
    """Exponential function of some times each value.

    Parameters
    ----------
    values : shape (lanes,).
    times : factor of all.
    result : shape (lanes,), overwritten.
    """
    for k in range(values.shape[0]):
        result[k] = np.exp(times * values[k])


@njit(cache=True, error_model="numpy")
def _inform(fit: Fit, moves: BoolArray, n_slopes: int) -> None:
    """Take the summed weights as the information of the step that follows, where one does."""
    lanes = fit.slope.shape[0]
    left = fit.square.copy()
    for g in range(fit.level.shape[0]):
        for k in range(lanes):
            weight = fit.weight[g, k]
            inverse = 1.0 / weight if weight > 0.0 else 0.0
            centre = fit.moment[g, k] * inverse if n_slopes else 0.0
            left[k] -= fit.moment[g, k] * centre
            fit.inverse[g, k] = inverse if moves[k] else fit.inverse[g, k]
            fit.centre[g, k] = centre if moves[k] else fit.centre[g, k]
    for k in range(lanes):
        # No trend to be seen where every group has one week.
        seen = n_slopes and left[k] > 1e-12 * fit.square[k]
        inverse = 1.0 / left[k] if seen else 0.0
        fit.inverse_slope[k] = inverse if moves[k] else fit.inverse_slope[k]


@njit(cache=True, error_model="numpy")
def _step(fit: Fit, moves: BoolArray, n_slopes: int) -> None:
    """One step of weighted least squares, where one is due."""
    lanes = fit.slope.shape[0]
    _inform(fit, moves, n_slopes)
    change = np.zeros(lanes)
    if n_slopes:
        for k in range(lanes):
            change[k] = fit.sum_yt[k]
        for g in range(fit.level.shape[0]):
            for k in range(lanes):
                left = fit.sum_y[g, k] - fit.weight[g, k]
                change[k] -= fit.moment[g, k] + fit.centre[g, k] * left
        for k in range(lanes):
            change[k] *= fit.inverse_slope[k]
    for k in range(lanes):
        fit.slope_before[k] = fit.slope[k] if moves[k] else fit.slope_before[k]
        fit.slope[k] += change[k] if moves[k] else 0.0
    for g in range(fit.level.shape[0]):
        for k in range(lanes):
            level = fit.level[g, k]
            move = (fit.sum_y[g, k] - fit.weight[g, k]) * fit.inverse[g, k]
            move -= fit.centre[g, k] * change[k]
            fit.level_before[g, k] = level if moves[k] else fit.level_before[g, k]
            fit.level[g, k] = level + move if moves[k] else level
