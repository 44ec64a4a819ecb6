"""Baselines of the Farrington detectors: which weeks count, and what the regression holds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.arrays import FloatArray, IntArray

# Unsigned, so that compiled loops need not ask whether a position counts from the end.
Places = npt.NDArray[np.uint32]


class Design(NamedTuple):
    """The weeks that tell what to expect of a week, the same for all weeks and series.

    Attributes
    ----------
    ago : int64, weeks before the tested one, group by group, the earliest first within each.
    place : uint32, the same counted from the earliest week of all.
    time : float64, the same on a scale from -1 to 1.
    first : int64, shape (n_groups + 1,), where each group starts in `ago`, and its length; the
        tested week belongs to the last group.
    n_places : weeks from the earliest to the latest, both included.
    step : one week on the scale of `time`.
    time_now : the tested week on the scale of `time`.
    """

    ago: IntArray
    place: Places
    time: FloatArray
    first: IntArray
    n_places: int
    step: float
    time_now: float


class Rules(NamedTuple):
    """How the regression is used.

    Attributes
    ----------
    trend : a trend is tried.
    reweight : past outbreaks are weighted down and the model fitted again.
    weights_threshold : standardised residual above which a week is weighted down.
    classic : the dispersion of standard errors is at least 1 (algo.farrington of R); else it comes
        from residuals on the scale of the predictor (farringtonFlexible).
    """

    trend: bool
    reweight: bool
    weights_threshold: float
    classic: bool


class Data(NamedTuple):
    """Baselines side by side, shape (n, lanes), in the order of the design.

    Attributes
    ----------
    y : counts, 0 where unknown.
    exposure : population, 1 without and where unknown.
    own : count x (log(count / exposure) - 1), 0 for 0: its part in the deviance.
    start : (count + 0.1) x log((count + 0.1) / exposure) - 0.1: its part in the first step.
    power : count ** (2/3) x exposure ** (-1/6).
    omega, load : weight of each week, 0 where unknown; weight x exposure.
    """

    y: FloatArray
    exposure: FloatArray
    own: FloatArray
    start: FloatArray
    power: FloatArray
    omega: FloatArray
    load: FloatArray


class Fit(NamedTuple):
    """Regressions side by side.

    Attributes
    ----------
    level, level_before : shape (n_groups, lanes), at the last step and the one before.
    inverse, centre : 1 / summed weights and weighted mean time of each group.
    weight, moment, sum_y, base : sums by group of weights, of weights x time, of counts, of loads.
    rise, rise_before, root : shape (n_places, lanes), factor of the trend in each place, one step
        before, ** (-1/6).
    slope, slope_before : shape (lanes,), as all that follow.
    inverse_slope : 1 / weighted variation of time within groups, 0 without trend.
    square, sum_yt, constant, deviance : sums of weights x time², of counts x time, of what no step
        changes in the deviance, of what steps change.
    df, raw, wide : degrees of freedom, dispersions; see `_glm`.
    known, highest : known weeks, highest count.
    converged : 1 where the first fit came to an end.
    """

    level: FloatArray
    level_before: FloatArray
    inverse: FloatArray
    centre: FloatArray
    weight: FloatArray
    moment: FloatArray
    sum_y: FloatArray
    base: FloatArray
    rise: FloatArray
    rise_before: FloatArray
    root: FloatArray
    slope: FloatArray
    slope_before: FloatArray
    inverse_slope: FloatArray
    square: FloatArray
    sum_yt: FloatArray
    constant: FloatArray
    deviance: FloatArray
    df: FloatArray
    raw: FloatArray
    wide: FloatArray
    known: FloatArray
    highest: FloatArray
    converged: FloatArray


def baseline(*, freq: int, b: int, w: int, n_periods: int, past: int) -> Design:
    """Weeks that tell what to expect of a week at least freq x b + w weeks from the first.

    Parameters
    ----------
    freq : weeks in a year.
    b : years to look back.
    w : half width of the window.
    n_periods : periods of a year.
    past : weeks right before the tested one that stay out.

    Returns
    -------
    Design.

    Notes
    -----
    Periods as in R: the window is the last one; the weeks between two windows are dealt out to
    the others evenly, the first ones getting what is left over.
    """
    now = freq * b + w
    period = np.full(now + 1, -1, dtype=np.int64)
    period[now - w :] = n_periods - 1
    between = freq - 2 * w - 1
    dealt = np.zeros(0, dtype=np.int64)
    if n_periods > 1:
        lengths = np.full(n_periods - 1, between // (n_periods - 1))
        lengths[: between % (n_periods - 1)] += 1
        dealt = np.repeat(np.arange(n_periods - 1), lengths)
    for year in range(1, b + 1):
        end = now - freq * year + w + 1
        period[end - 2 * w - 1 : end] = n_periods - 1
        period[end : end + dealt.size] = dealt
    period[now - past :] = -1
    chosen = np.flatnonzero(period >= 0)
    week = chosen[np.argsort(period[chosen], kind="stable")]
    start, end = int(chosen[0]), int(chosen[-1])
    half, centre = max((end - start) / 2.0, 1.0), (end + start) / 2.0
    return Design(
        ago=now - week,
        place=(week - start).astype(np.uint32),
        time=((week - centre) / half).astype(np.float64),
        first=np.searchsorted(period[week], np.arange(n_periods + 1)),
        n_places=end - start + 1,
        step=1.0 / half,
        time_now=(now - centre) / half,
    )
