"""Farrington 1996 and its improvements: a week against the same season of the years before."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from geo.arrays import BoolArray, FloatArray, StateArray
from geo.detect import _farrington as parts
from geo.detect._baseline import Rules, baseline
from geo.errors import UnitError
from geo.model import Missing

Threshold = Literal["delta", "nbPlugin", "muan"]
Power = Literal["2/3", "1/2", "none"]

_THRESHOLDS = ("delta", "nbPlugin", "muan")


@dataclass(frozen=True)
class Farrington:
    """What a Farrington detector says of each tested week and series.

    All arrays have shape (n_at, n_series), or (n_at,) for one series.

    Attributes
    ----------
    expected : float64, count that the past leads to expect; NaN where there is no answer.
    upper_bound : float64, largest count that raises no alarm; NaN where there is no answer.
    score : float64, exceedance: above 1 is an alarm. NaN where the week or its baseline is unknown.
    pvalue : float64, probability of a count this high or higher; NaN like `score`.
    alarm : bool, False where there is no answer.
    trend : bool, a linear trend is part of the expectation.
    dispersion : float64, variance over mean, >= 1; NaN where nothing could be fitted.
    state : uint8, codes of `geo.model.Missing`: OK; NO_DATA where the tested week is unknown;
        UNRELIABLE where the baseline is too short or too thin, or no model fits;
        NOT_APPLICABLE where there are fewer counts than `limit54` asks for.
    """

    expected: FloatArray
    upper_bound: FloatArray
    score: FloatArray
    pvalue: FloatArray
    alarm: BoolArray
    trend: BoolArray
    dispersion: FloatArray
    state: StateArray


def farrington_flexible(
    counts: npt.ArrayLike,
    *,
    at: npt.ArrayLike,
    freq: int = 52,
    b: int = 5,
    w: int = 3,
    reweight: bool = True,
    weights_threshold: float = 2.58,
    alpha: float = 0.01,
    trend: bool = True,
    p_threshold_trend: float = 1.0,
    limit54: tuple[float, int] = (5, 4),
    power_transform: Power = "2/3",
    n_periods: int = 10,
    past_weeks_not_included: int | None = 26,
    threshold_method: Threshold = "nbPlugin",
    population: npt.ArrayLike | None = None,
) -> Farrington:
    """Compare weeks with a quasi-Poisson regression on the years before, many series at once.

    Parameters
    ----------
    counts : float64, shape (n_weeks,) or (n_weeks, n_series), >= 0, consecutive weeks in rising
        order; NaN where there is no data. An unknown week is left out of baselines.
    at : int, shape (n_at,), positions of the weeks to test, 0..n_weeks - 1.
    freq : weeks in a year.
    b : years to look back, >= 1. A trend needs 3.
    w : half width of the window around the same week of each year [weeks], >= 0.
    reweight : True weighs past outbreaks down and fits again.
    weights_threshold : standardised Anscombe residual above which a week is an outbreak, > 0.
    alpha : one-sided error probability of the alarm.
    trend : True tries a linear trend.
    p_threshold_trend : largest p value at which the trend is kept; 1 keeps every trend whose
        expectation does not exceed the highest count of the baseline.
    limit54 : (cases, weeks): no alarm with fewer cases in the last weeks, tested one included.
    power_transform : "2/3", "1/2" or "none": scale on which "delta" takes counts for normal.
    n_periods : periods of a year with a level of their own, the window being one; 1 uses the
        windows alone.
    past_weeks_not_included : weeks right before the tested one that stay out of the baseline, so
        that an outbreak does not hide itself; None takes `w`.
    threshold_method : "delta" (Farrington), "nbPlugin" (negative binomial quantile at the
        expected count, Noufaily) or "muan" (at the upper bound of the expected count).
    population : float64, shape of `counts`, persons; its logarithm is an offset. Weeks where it is
        NaN or 0 are unknown. None counts without.

    Returns
    -------
    Farrington : arrays of shape (n_at, n_series). A week whose oldest window would begin before
        the first week, or half of whose baseline is unknown, has no answer (UNRELIABLE).

    Raises
    ------
    ShapeError : `counts` has other than one or two dimensions, `population` another shape, or `at`
        is no list of integers.
    UnitError : a count is negative or infinite, a week of `at` does not exist, or an option is
        unknown or out of range.

    Notes
    -----
    O(n_at x n_series x b x freq x iterations). Farrington et al. 1996; Noufaily et al. 2013;
    bounds, alarms and scores equal farringtonFlexible of R's surveillance 1.20.3, oddities too:
    the standard error of the expectation comes from residuals on the scale of the logarithm where
    `reweight`, and with "nbPlugin" and "muan" the score is (count - log expected) /
    (bound - log expected). The defaults are those of Noufaily et al. with alpha 0.01.
    After nothing but zeros 0 is expected, up to rounding, and any case is above its bound (with
    "1/2" the second); `limit54` keeps one case from being an alarm. One giant count raises the
    dispersion, and so the bound, of all weeks it is in the baseline of; `reweight` softens that.

    Examples
    --------
    >>> weeks = np.arange(320)
    >>> counts = np.round(10 + 5 * np.sin(weeks * 2 * np.pi / 52))
    >>> counts[319] = 40
    >>> found = farrington_flexible(counts, at=[318, 319])
    >>> found.alarm.tolist(), found.upper_bound.tolist()
    ([False, True], [22.0, 23.0])
    """
    table, persons = parts.tables(counts, population)
    weeks = parts.positions(at, len(table))
    past = w if past_weeks_not_included is None else past_weeks_not_included
    parts.check_baseline(freq=freq, b=b, w=w, n_periods=n_periods, past=past)
    parts.check_rules(
        alpha=alpha,
        weights_threshold=weights_threshold,
        p_trend=p_threshold_trend,
        limit54=limit54,
        power=power_transform,
    )
    if threshold_method not in _THRESHOLDS:
        raise UnitError(
            f"threshold_method: {threshold_method!r}; wanted one of {', '.join(_THRESHOLDS)}"
        )
    design = baseline(freq=freq, b=b, w=w, n_periods=n_periods, past=past)
    rules = Rules(trend and b >= 3, reweight, float(weights_threshold), classic=False)
    fits = parts.fits(
        table, persons, weeks, design, rules=rules, p_threshold_trend=p_threshold_trend
    )
    y, enough = table[weeks], parts.enough_cases(table, weeks, limit54)
    z = float(ndtri(1.0 - alpha))
    with np.errstate(all="ignore"):
        if threshold_method == "delta":
            centre = np.exp(fits.eta)
            upper, pvalue = parts.normal_bound(y, fits, z=z, power=parts.POWERS[power_transform])
        else:
            centre = np.where(np.isneginf(fits.eta), 0.0, fits.eta)
            mu = np.exp(fits.eta + (z * fits.error if threshold_method == "muan" else 0.0))
            upper, pvalue = parts.count_bound(y, mu, fits.dispersion, 1.0 - alpha)
        score = parts.exceedance(y, centre, upper)
    answer = enough & ~np.isnan(upper)
    result = Farrington(
        expected=np.where(answer, np.exp(fits.eta), np.nan),
        upper_bound=np.where(answer, upper, np.nan),
        score=score,
        pvalue=pvalue,
        alarm=answer & (score > 1.0) & (y > 0.0),
        trend=fits.kept,
        dispersion=fits.dispersion,
        state=_states(fits, upper, enough),
    )
    return _shaped(result, np.ndim(counts))


def farrington(
    counts: npt.ArrayLike,
    *,
    at: npt.ArrayLike,
    freq: int = 52,
    b: int = 5,
    w: int = 3,
    reweight: bool = True,
    alpha: float = 0.05,
    trend: bool = True,
    limit54: tuple[float, int] = (5, 4),
    power_transform: Power = "2/3",
) -> Farrington:
    """Compare weeks with the same weeks of the years before, as Farrington et al. did in 1996.

    Parameters
    ----------
    counts : float64, shape (n_weeks,) or (n_weeks, n_series), >= 0, consecutive weeks in rising
        order; NaN where there is no data.
    at : int, shape (n_at,), positions of the weeks to test, 0..n_weeks - 1.
    freq : weeks in a year.
    b : years to look back, >= 1. A trend needs 3.
    w : half width of the window around the same week of each year [weeks], >= 0.
    reweight : True weighs past outbreaks (residual above 1) down and fits again.
    alpha : two-sided error probability; the bound is exceeded with half of it.
    trend : True tries a linear trend, kept where its p value is below 0.05.
    limit54 : (cases, weeks): no alarm with fewer cases in the last weeks, tested one included.
    power_transform : "2/3", "1/2" or "none": scale on which counts are taken for normal.

    Returns
    -------
    Farrington : arrays of shape (n_at, n_series). Where there are fewer counts than `limit54` asks
        for, bound and score are 0, as in R, and the state is NOT_APPLICABLE.

    Raises
    ------
    ShapeError : `counts` has other than one or two dimensions, or `at` is no list of integers.
    UnitError : a count is negative or infinite, a week of `at` does not exist, or an option is
        unknown or out of range.

    Notes
    -----
    O(n_at x n_series x b x w x iterations). Farrington, Andrews, Beale & Catchpole 1996; bounds and
    alarms equal algo.farrington of R's surveillance 1.20.3.

    Examples
    --------
    >>> weeks = np.arange(320)
    >>> counts = np.round(10 + 5 * np.sin(weeks * 2 * np.pi / 52))
    >>> counts[319] = 40
    >>> farrington(counts, at=[318, 319]).alarm.tolist()
    [False, True]
    """
    table, _ = parts.tables(counts, None)
    weeks = parts.positions(at, len(table))
    parts.check_baseline(freq=freq, b=b, w=w, n_periods=1, past=w)
    parts.check_rules(
        alpha=alpha, weights_threshold=1.0, p_trend=0.05, limit54=limit54, power=power_transform
    )
    design = baseline(freq=freq, b=b, w=w, n_periods=1, past=w)
    rules = Rules(trend and b >= 3, reweight, weights_threshold=1.0, classic=True)
    fits = parts.fits(table, None, weeks, design, rules=rules, p_threshold_trend=0.05)
    y, enough = table[weeks], parts.enough_cases(table, weeks, limit54)
    z = float(ndtri(1.0 - alpha / 2.0))
    with np.errstate(all="ignore"):
        mu = np.exp(fits.eta)
        upper, pvalue = parts.normal_bound(y, fits, z=z, power=parts.POWERS[power_transform])
        score = parts.exceedance(y, mu, upper)
    known = ~np.isnan(upper)
    score = np.where(enough | ~known, score, 0.0)
    result = Farrington(
        expected=mu,
        upper_bound=np.where(enough | ~known, upper, 0.0),
        score=score,
        pvalue=pvalue,
        alarm=known & (score > 1.0),
        trend=fits.kept,
        dispersion=fits.dispersion,
        state=_states(fits, upper, enough),
    )
    return _shaped(result, np.ndim(counts))


def _states(fits: parts.Fits, upper: FloatArray, enough: BoolArray) -> StateArray:
    states = np.where(enough, np.uint8(Missing.OK), np.uint8(Missing.NOT_APPLICABLE))
    states[np.isnan(upper)] = Missing.UNRELIABLE
    states[fits.unknown] = Missing.NO_DATA
    return states


def _shaped(found: Farrington, ndim: int) -> Farrington:
    """Without the axis of series, where one series came without it."""
    if ndim != 1:
        return found
    return Farrington(**{field.name: getattr(found, field.name)[:, 0] for field in fields(found)})
