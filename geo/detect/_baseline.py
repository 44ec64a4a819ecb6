"""Baselines of the Farrington detectors: which weeks count, and what the regression holds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.arrays import FloatArray, IntArray

# Unsigned, so that compiled loops need not ask whether a position counts from the end.
Places = npt.NDArray[np.uint32]


class Design(NamedTuple):
    """The weeks that tell what to expect of one week, the same for all series.

    Attributes
    ----------
    week : int64, positions in the counts, group by group, ascending within each.
    place : uint32, the same counted from the earliest week.
    time : float64, the same on a scale from -1 to 1.
    first : int64, shape (n_groups + 1,), where each group starts in `week`, and its length.
    n_places : weeks from the earliest to the latest, both included.
    step : one week on the scale of `time`.
    now : position of the tested week in the counts; its group is the last one.
    time_now : the same on the scale of `time`.
    """

    week: IntArray
    place: Places
    time: FloatArray
    first: IntArray
    n_places: int
    step: float
    now: int
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
    """Baseline of one series, shape (n,), in the order of the design.

    Attributes
    ----------
    y, seen : counts, 0 where unknown; 1 where count and exposure are known, else 0.
    exposure, log_exposure : population, 1 and 0 without.
    log_y, log_start : logarithms of the count (0 for 0) and of the count + 0.1.
    power : count ** (2/3) x exposure ** (-1/6).
    omega, load : weight of each week, weight x exposure.
    """

    y: FloatArray
    seen: FloatArray
    exposure: FloatArray
    log_exposure: FloatArray
    log_y: FloatArray
    log_start: FloatArray
    power: FloatArray
    omega: FloatArray
    load: FloatArray


class Fit(NamedTuple):
    """One regression of one series.

    Attributes
    ----------
    level, level_before, slope : at the last step and the one before; slope has shape (2,).
    inverse, centre : 1 / summed weights and weighted mean time of each group.
    inverse_slope : 1 / weighted variation of time within groups, 0 without trend.
    rise, rise_before, root : factor of the trend in each place, one step before, ** (-1/6).
    weight, moment, sum_y : sums by group of weights, of weights x time, of counts.
    """

    level: FloatArray
    level_before: FloatArray
    slope: FloatArray
    inverse: FloatArray
    centre: FloatArray
    inverse_slope: FloatArray
    rise: FloatArray
    rise_before: FloatArray
    root: FloatArray
    weight: FloatArray
    moment: FloatArray
    sum_y: FloatArray


def baseline(now: int, *, freq: int, b: int, w: int, n_periods: int, past: int) -> Design | None:
    """Weeks that tell what to expect of one week.

    Parameters
    ----------
    now : position of the tested week.
    freq : weeks in a year.
    b : years to look back.
    w : half width of the window.
    n_periods : periods of a year.
    past : weeks right before the tested one that stay out.

    Returns
    -------
    Design, or None where the oldest window would begin before the first week.

    Notes
    -----
    Periods as in R: the window is the last one; the weeks between two windows are dealt out to
    the others evenly, the first ones getting what is left over.
    """
    if now - freq * b - w < 0:
        return None
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
        week=week,
        place=(week - start).astype(np.uint32),
        time=((week - centre) / half).astype(np.float64),
        first=np.searchsorted(period[week], np.arange(n_periods + 1)),
        n_places=end - start + 1,
        step=1.0 / half,
        now=now,
        time_now=(now - centre) / half,
    )
