"""Compiled steps of iterated weighted least squares, many regressions side by side.

All have one design: one level a group of weeks and, with one slope, a linear trend. Weighted
least squares needs no matrix then: the trend is what is left within groups. Steps, start and end
are those of R's glm.fit, since a series of zeros has no optimum to agree on.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo.arrays import BoolArray, FloatArray
from geo.detect._baseline import Design
from geo.detect._memory import (
    BASE,
    CENTRE,
    CONSTANT,
    DEVIANCE,
    EXPOSURE,
    INVERSE,
    INVERSE_SLOPE,
    LEVEL,
    LEVEL_BEFORE,
    LOAD,
    MOMENT,
    OMEGA,
    OWN,
    RISE,
    SLOPE,
    SLOPE_BEFORE,
    SQUARE,
    START,
    SUM_Y,
    SUM_YT,
    WEIGHT,
    Memory,
    Y,
)

# As glm.control of R: relative change of the deviance, and most iterations.
_EPSILON = 1e-8
_MAX_ITERATIONS = 25


@njit(cache=True, error_model="numpy")
def regress(design: Design, memory: Memory, n_slopes: int) -> FloatArray:
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
    groups, fit = memory.groups, memory.fit
    _start(design, memory, n_slopes)
    lanes = fit.shape[1]
    before, converged = np.full(lanes, np.inf), np.zeros(lanes)
    turns, halved = np.zeros(lanes, np.int64), np.zeros(lanes, np.int64)
    moves, ended = np.empty(lanes, np.bool_), np.zeros(lanes, np.bool_)
    while not ended.all():
        _weights(design, memory, n_slopes)
        for k in range(lanes):
            moves[k] = False
            if ended[k]:
                continue
            deviance = fit[DEVIANCE, k] + fit[CONSTANT, k] - fit[SLOPE, k] * fit[SUM_YT, k]
            deviance *= 2.0
            if not np.isfinite(deviance):
                halved[k] += 1
                ended[k] = turns[k] == 0 or halved[k] == _MAX_ITERATIONS
                if not ended[k]:
                    fit[SLOPE, k] = 0.5 * (fit[SLOPE, k] + fit[SLOPE_BEFORE, k])
                    for g in range(groups.shape[1]):
                        groups[LEVEL, g, k] = 0.5 * (
                            groups[LEVEL, g, k] + groups[LEVEL_BEFORE, g, k]
                        )
                continue
            turns[k] += 1
            # The second part is what rounding alone may change.
            limit = _EPSILON * (abs(deviance) + 0.1) + 1e-15 * abs(fit[CONSTANT, k])
            if abs(deviance - before[k]) < limit:
                converged[k] = 1.0
            ended[k] = converged[k] > 0.0 or turns[k] == _MAX_ITERATIONS
            moves[k] = not ended[k]
            before[k] = deviance
        _step(memory, moves, n_slopes)
    return converged


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "nsz", "contract"})
def _add_up(design: Design, memory: Memory) -> None:
    """Sums of the counts that no iteration changes, and those of the first step."""
    data, groups, fit = memory.data, memory.groups, memory.fit
    lanes = fit.shape[1]
    for k in range(lanes):
        fit[CONSTANT, k] = fit[SUM_YT, k] = fit[SQUARE, k] = fit[SLOPE, k] = 0.0
    for g in range(groups.shape[1]):
        for k in range(lanes):
            groups[SUM_Y, g, k] = groups[WEIGHT, g, k] = groups[MOMENT, g, k] = 0.0
            groups[BASE, g, k] = groups[LEVEL, g, k] = 0.0
        for i in range(design.first[g], design.first[g + 1]):
            t = design.time[i]
            for k in range(lanes):
                load = data[OMEGA, i, k] * data[EXPOSURE, i, k]
                data[LOAD, i, k] = load
                groups[BASE, g, k] += load
            for k in range(lanes):
                counted = data[OMEGA, i, k] * data[Y, i, k]
                groups[SUM_Y, g, k] += counted
                fit[SUM_YT, k] += counted * t
                fit[CONSTANT, k] += data[OMEGA, i, k] * data[OWN, i, k]
            for k in range(lanes):
                target = data[OMEGA, i, k] * data[START, i, k]
                groups[LEVEL, g, k] += target
                fit[SLOPE, k] += target * t
            for k in range(lanes):
                mu = data[OMEGA, i, k] * (data[Y, i, k] + 0.1)
                groups[WEIGHT, g, k] += mu
                groups[MOMENT, g, k] += mu * t
                fit[SQUARE, k] += mu * t * t


@njit(cache=True, error_model="numpy")
def _start(design: Design, memory: Memory, n_slopes: int) -> None:
    """First coefficients: one step of least squares from counts + 0.1."""
    groups, fit = memory.groups, memory.fit
    _add_up(design, memory)
    lanes = fit.shape[1]
    _inform(memory, np.ones(lanes, np.bool_), n_slopes)
    for g in range(groups.shape[1]):
        for k in range(lanes):
            fit[SLOPE, k] -= groups[CENTRE, g, k] * groups[LEVEL, g, k]
    for k in range(lanes):
        fit[SLOPE, k] *= fit[INVERSE_SLOPE, k]
        fit[SLOPE_BEFORE, k] = fit[SLOPE, k]
    for g in range(groups.shape[1]):
        for k in range(lanes):
            level = (
                groups[LEVEL, g, k] * groups[INVERSE, g, k] - fit[SLOPE, k] * groups[CENTRE, g, k]
            )
            groups[LEVEL, g, k] = groups[LEVEL_BEFORE, g, k] = level


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "nsz", "contract"})
def _weights(design: Design, memory: Memory, n_slopes: int) -> None:
    """Weights of the next step by group, weights x time² of all, the part of the deviance."""
    data, groups, places, fit = memory.data, memory.groups, memory.places, memory.fit
    lanes = fit.shape[1]
    factor, part = np.empty(lanes), np.empty(lanes)
    for k in range(lanes):
        fit[DEVIANCE, k] = fit[SQUARE, k] = 0.0
    if n_slopes:
        powers(fit[SLOPE], 1.0, design, places[RISE])
    for g in range(groups.shape[1]):
        exponentials(groups[LEVEL, g], 1.0, factor)
        if n_slopes:
            for k in range(lanes):
                groups[WEIGHT, g, k] = groups[MOMENT, g, k] = part[k] = 0.0
            for i in range(design.first[g], design.first[g + 1]):
                place, t = design.place[i], design.time[i]
                for k in range(lanes):
                    weight = places[RISE, place, k] * data[LOAD, i, k]
                    groups[WEIGHT, g, k] += weight
                    groups[MOMENT, g, k] += weight * t
                    part[k] += weight * t * t
            for k in range(lanes):
                groups[WEIGHT, g, k] *= factor[k]
                groups[MOMENT, g, k] *= factor[k]
                fit[SQUARE, k] += factor[k] * part[k]
        else:
            for k in range(lanes):
                groups[WEIGHT, g, k] = factor[k] * groups[BASE, g, k]
        for k in range(lanes):
            fit[DEVIANCE, k] += groups[WEIGHT, g, k] - groups[SUM_Y, g, k] * groups[LEVEL, g, k]


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
def _inform(memory: Memory, moves: BoolArray, n_slopes: int) -> None:
    """Take the summed weights as the information of the step that follows, where one does."""
    groups, fit = memory.groups, memory.fit
    lanes = fit.shape[1]
    left = fit[SQUARE].copy()
    for g in range(groups.shape[1]):
        for k in range(lanes):
            weight = groups[WEIGHT, g, k]
            inverse = 1.0 / weight if weight > 0.0 else 0.0
            centre = groups[MOMENT, g, k] * inverse if n_slopes else 0.0
            left[k] -= groups[MOMENT, g, k] * centre
            groups[INVERSE, g, k] = inverse if moves[k] else groups[INVERSE, g, k]
            groups[CENTRE, g, k] = centre if moves[k] else groups[CENTRE, g, k]
    for k in range(lanes):
        # No trend to be seen where every group has one week.
        seen = n_slopes and left[k] > 1e-12 * fit[SQUARE, k]
        inverse = 1.0 / left[k] if seen else 0.0
        fit[INVERSE_SLOPE, k] = inverse if moves[k] else fit[INVERSE_SLOPE, k]


@njit(cache=True, error_model="numpy")
def _step(memory: Memory, moves: BoolArray, n_slopes: int) -> None:
    """One step of weighted least squares, where one is due."""
    groups, fit = memory.groups, memory.fit
    lanes = fit.shape[1]
    _inform(memory, moves, n_slopes)
    change = np.zeros(lanes)
    if n_slopes:
        for k in range(lanes):
            change[k] = fit[SUM_YT, k]
        for g in range(groups.shape[1]):
            for k in range(lanes):
                left = groups[SUM_Y, g, k] - groups[WEIGHT, g, k]
                change[k] -= groups[MOMENT, g, k] + groups[CENTRE, g, k] * left
        for k in range(lanes):
            change[k] *= fit[INVERSE_SLOPE, k]
    for k in range(lanes):
        fit[SLOPE_BEFORE, k] = fit[SLOPE, k] if moves[k] else fit[SLOPE_BEFORE, k]
        fit[SLOPE, k] += change[k] if moves[k] else 0.0
    for g in range(groups.shape[1]):
        for k in range(lanes):
            level = groups[LEVEL, g, k]
            move = (groups[SUM_Y, g, k] - groups[WEIGHT, g, k]) * groups[INVERSE, g, k]
            move -= groups[CENTRE, g, k] * change[k]
            groups[LEVEL_BEFORE, g, k] = level if moves[k] else groups[LEVEL_BEFORE, g, k]
            groups[LEVEL, g, k] = level + move if moves[k] else level
