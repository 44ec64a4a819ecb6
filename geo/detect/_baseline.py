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
