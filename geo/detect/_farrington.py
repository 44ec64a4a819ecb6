"""Parts of the Farrington detectors: what they accept, baselines, fits and bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, gammainc, gammaincc, ndtr, ndtri, stdtrit

from geo.arrays import BoolArray, FloatArray, IntArray, amounts
from geo.detect._baseline import Design, Rules
from geo.errors import ShapeError, UnitError

POWERS = {"2/3": 2.0 / 3.0, "1/2": 0.5, "none": 1.0}
# Beyond this a float no longer tells one count from the next.
_LARGEST = 2.0**50


@dataclass(frozen=True)
class Fits:
    """Regressions of all tested weeks and series, shape (n_at, n_series).

    Attributes
    ----------
    eta, error : logarithm of the expected count and its standard error; NaN where not fitted,
        -inf and 0 where a baseline has only zeros and R's iterations would not end.
    dispersion : float64, >= 1; NaN where not fitted.
    kept : bool, with a trend.
    unknown : bool, the tested week itself is unknown.
    """

    eta: FloatArray
    error: FloatArray
    dispersion: FloatArray
    kept: BoolArray
    unknown: BoolArray


# ------------------------------------------------------------------ what is accepted


def tables(
    counts: npt.ArrayLike, population: npt.ArrayLike | None
) -> tuple[FloatArray, FloatArray | None]:
    """Counts and population as columns of series.

    Parameters
    ----------
    counts : shape (n_weeks,) or (n_weeks, n_series).
    population : the same shape, or None.

    Returns
    -------
    float64 arrays, shape (n_weeks, n_series), C order; None for None.
    """
    table = amounts("counts", counts, ndim=(1, 2))
    persons = None if population is None else amounts("population", population, ndim=(1, 2))
    if persons is not None and persons.shape != table.shape:
        raise ShapeError(f"population: shape {persons.shape}; wanted that of counts, {table.shape}")
    shape = (
        (len(table), -1) if table.size else (len(table), table.shape[1] if table.ndim > 1 else 1)
    )
    return (
        np.ascontiguousarray(table.reshape(shape)),
        None if persons is None else np.ascontiguousarray(persons.reshape(shape)),
    )


def positions(at: npt.ArrayLike, n_weeks: int) -> IntArray:
    """Weeks to test, checked.

    Parameters
    ----------
    at : integers, shape (n_at,).
    n_weeks : number of weeks.

    Returns
    -------
    int64 array, shape (n_at,).
    """
    array = np.asarray(at)
    if array.ndim != 1 or (array.size and not np.issubdtype(array.dtype, np.integer)):
        raise ShapeError(
            f"at: dtype {array.dtype}, shape {array.shape}; wanted a list of integers, "
            "the positions of the weeks to test"
        )
    weeks = array.astype(np.int64)
    bad = (weeks < 0) | (weeks >= n_weeks)
    if bad.any():
        raise UnitError(
            f"at: {int(bad.sum())} week(s) that do not exist, first {int(weeks[bad][0])}; "
            f"wanted 0 to {n_weeks - 1}"
        )
    return weeks


def check_baseline(*, freq: int, b: int, w: int, n_periods: int, past: int) -> None:
    """Check the options that choose the weeks of a baseline.

    Parameters
    ----------
    freq : weeks in a year.
    b : years to look back.
    w : half width of the window.
    n_periods : periods of a year.
    past : weeks right before the tested one that stay out.
    """
    if b < 1:
        raise UnitError(f"b: {b} years; wanted 1 or more")
    if w < 0 or 2 * w + 1 > freq:
        raise UnitError(f"w: {w} weeks; wanted 0 or more, and 2 w + 1 at most freq = {freq}")
    most = freq - 2 * w
    if not 1 <= n_periods <= most:
        raise UnitError(f"n_periods: {n_periods}; wanted 1 to freq - 2 w = {most}")
    if not 0 <= past < freq - w:
        raise UnitError(
            f"past_weeks_not_included: {past}; wanted 0 or more and below freq - w = {freq - w}"
        )


def check_rules(
    *,
    alpha: float,
    weights_threshold: float,
    p_trend: float,
    limit54: tuple[float, int],
    power: str,
) -> None:
    """Check the options of the regression and of the bound.

    Parameters
    ----------
    alpha : error probability.
    weights_threshold : residual above which a week is weighted down.
    p_trend : largest p value at which a trend is kept.
    limit54 : (cases, weeks).
    power : name of the transformation.
    """
    if not 0 < alpha < 0.5:
        raise UnitError(f"alpha: {alpha!r}; wanted a probability above 0 and below 0.5")
    if not weights_threshold > 0:
        raise UnitError(f"weights_threshold: {weights_threshold!r}; wanted a number above 0")
    if not 0 <= p_trend <= 1:
        raise UnitError(f"p_threshold_trend: {p_trend!r}; wanted a probability from 0 to 1")
    cases, weeks = limit54
    if not (cases >= 0 and weeks >= 1):
        raise UnitError(f"limit54: {limit54!r}; wanted (0 or more cases, 1 or more weeks)")
    if power not in POWERS:
        raise UnitError(f"power_transform: {power!r}; wanted one of {', '.join(POWERS)}")


# ------------------------------------------------------------------ fits


def fits(
    counts: FloatArray,
    population: FloatArray | None,
    weeks: IntArray,
    design: Design,
    *,
    rules: Rules,
    p_threshold_trend: float,
) -> Fits:
    """Fit every tested week and series.

    Parameters
    ----------
    counts : shape (n_weeks, n_series).
    population : same shape, or None.
    weeks : positions of the tested weeks.
    design : weeks of the baseline; a tested week without room for it is not fitted.
    rules : how the regression is used.
    p_threshold_trend : largest p value at which a trend is kept.

    Returns
    -------
    Fits : shape (n_at, n_series).
    """
    # Imported here: loading and compiling numba is paid only by those who need it.
    from geo.detect import _glm  # noqa: PLC0415

    shape = (len(weeks), counts.shape[1])
    eta, error, dispersion = (np.full(shape, np.nan) for _ in range(3))
    kept = np.zeros(shape, dtype=bool)
    unknown = np.isnan(counts[weeks])
    if population is not None:
        unknown |= ~(population[weeks] > 0)
    df = np.arange(len(design.ago) + 1, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        critical = np.asarray(stdtrit(df, 1.0 - p_threshold_trend / 2.0), dtype=np.float64)
    room = np.flatnonzero(weeks >= design.ago.max())
    eta[room], error[room], dispersion[room], kept[room] = _glm.predict(
        counts, population, weeks[room], design, rules=rules, critical=critical
    )
    for part in (eta, error, dispersion):
        part[unknown] = np.nan
    kept[unknown] = False
    return Fits(eta, error, dispersion, kept, unknown)


def enough_cases(counts: FloatArray, weeks: IntArray, limit54: tuple[float, int]) -> BoolArray:
    """Whether the last weeks, the tested one included, have enough known cases.

    Parameters
    ----------
    counts : shape (n_weeks, n_series).
    weeks : positions of the tested weeks.
    limit54 : (cases, weeks).

    Returns
    -------
    bool, shape (n_at, n_series).
    """
    cases, length = limit54
    sums = [np.nansum(counts[max(k - length + 1, 0) : k + 1], axis=0) for k in weeks]
    return np.reshape(sums, (len(weeks), counts.shape[1])) >= cases


# ------------------------------------------------------------------ bounds


def normal_bound(
    y: FloatArray, found: Fits, *, z: float, power: float
) -> tuple[FloatArray, FloatArray]:
    """Upper bound and p value where counts to a power are normal (Farrington 1996).

    Parameters
    ----------
    y : counts of the tested weeks.
    found : their regressions.
    z : quantile of the alarm.
    power : 2/3, 1/2 or 1.

    Returns
    -------
    upper, pvalue : float64, shape of `y`.
    """
    mu = np.exp(found.eta)
    tau = found.dispersion + found.error * found.error * mu
    # Delta method: the variance of Y ** power is (power mu ** (power - 1)) ** 2 times that of Y.
    spread = power * mu ** (power - 0.5) * np.sqrt(tau)
    upper = (mu**power + z * spread) ** (1.0 / power)
    gap = y**power - mu**power
    return upper, np.where((gap == 0.0) & (spread == 0.0), 1.0, ndtr(-gap / spread))


def exceedance(y: FloatArray, centre: FloatArray, upper: FloatArray) -> FloatArray:
    """How far a count goes from the centre to its bound, and beyond.

    Parameters
    ----------
    y : counts of the tested weeks.
    centre : where the score is 0.
    upper : where it is 1.

    Returns
    -------
    float64, shape of `y`; infinite where bound and centre are one and the count is above.
    """
    gap = y - centre
    return np.where(gap == 0.0, 0.0, gap / (upper - centre))


def count_bound(
    y: FloatArray, mu: FloatArray, dispersion: FloatArray, level: float
) -> tuple[FloatArray, FloatArray]:
    """Upper bound and p value where counts are negative binomial, or Poisson without dispersion.

    Parameters
    ----------
    y : counts of the tested weeks.
    mu : their mean.
    dispersion : variance over mean, >= 1.
    level : quantile that is the bound.

    Returns
    -------
    upper, pvalue : float64, shape of `y`; NaN where `mu` is unknown or above 2**50.
    """
    upper, pvalue = np.full(mu.shape, np.nan), np.full(mu.shape, np.nan)
    here = np.isfinite(mu) & (mu < _LARGEST)
    mean, phi, seen = mu[here], dispersion[here], y[here]
    upper[here] = _quantile(mean, phi, level)
    pvalue[here] = _at_least(seen, mean, phi)
    return upper, pvalue


def _below(x: FloatArray, mean: FloatArray, phi: FloatArray) -> FloatArray:
    """Probability of a count of at most x."""
    result = np.zeros(mean.shape)
    poisson = phi <= 1.0
    at = (x >= 0) & poisson
    result[at] = gammaincc(x[at] + 1.0, mean[at])
    at = (x >= 0) & ~poisson
    result[at] = betainc(mean[at] / (phi[at] - 1.0), x[at] + 1.0, 1.0 / phi[at])
    return result


def _at_least(y: FloatArray, mean: FloatArray, phi: FloatArray) -> FloatArray:
    """Probability of a count of y or more, exact also where it is tiny."""
    result = np.ones(mean.shape)
    poisson = phi <= 1.0
    at = (y > 0) & poisson
    result[at] = gammainc(y[at], mean[at])
    at = (y > 0) & ~poisson
    result[at] = betainc(y[at], mean[at] / (phi[at] - 1.0), 1.0 - 1.0 / phi[at])
    return result


def _quantile(mean: FloatArray, phi: FloatArray, level: float) -> FloatArray:
    """Smallest count at or below which lies at least `level` of the distribution."""
    # Cornish-Fisher with the skewness; then widened until the count lies between, then halved.
    z = float(ndtri(level))
    sigma = np.sqrt(mean * phi)
    skew = (2.0 * phi - 1.0) / np.maximum(sigma, 1e-300)
    guess = np.floor(np.clip(mean + sigma * (z + skew * (z * z - 1.0) / 6.0), 0.0, 2 * _LARGEST))
    width = np.ones(mean.shape)
    low, high = guess - 1.0, guess
    open_ = np.arange(mean.size)
    while open_.size:
        under = _below(high[open_], mean[open_], phi[open_]) < level
        over = ~under & (_below(low[open_], mean[open_], phi[open_]) >= level)
        up, down = open_[under], open_[over]
        low[up] = high[up]
        high[up] += width[up]
        high[down] = low[down]
        low[down] = np.maximum(low[down] - width[down], -1.0)
        open_ = open_[under | over]
        width[open_] *= 2.0
    open_ = np.flatnonzero(high - low > 1.0)
    while open_.size:
        middle = np.floor((low[open_] + high[open_]) / 2.0)
        under = _below(middle, mean[open_], phi[open_]) < level
        low[open_[under]] = middle[under]
        high[open_[~under]] = middle[~under]
        open_ = open_[high[open_] - low[open_] > 1.0]
    return high
