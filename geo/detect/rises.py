"""Rises as they look afterwards: the yardstick of warnings where nobody has noted what happened."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.arrays import BoolArray, FloatArray, amounts
from geo.errors import UnitError
from geo.glm.loglinear import fit_log_linear

# Weeks further out than this many standard deviations do not make the usual level (Noufaily 2013).
_OUTLYING = 2.58
# A week is part of a rise above this many, and one quiet week does not end it.
_HIGH = 2.0
_GAP_WEEKS = 1

COLUMNS = ("series", "start", "end", "peak", "excess", "score")


def find_rises(
    counts: npt.ArrayLike,
    *,
    freq: int = 52,
    least_weeks: int = 2,
    least_excess: float = 5.0,
    least_score: float = 4.0,
) -> pd.DataFrame:
    """Spells of weeks that stand above the usual level when all weeks are known, later ones too.

    Parameters
    ----------
    counts : float64, shape (n_weeks, n_series), >= 0, consecutive weeks in rising order; NaN where
        there is no data.
    freq : weeks in a year.
    least_weeks : high weeks that a rise has at least, >= 1.
    least_excess : cases above the usual level that it has at least in all, >= 0.
    least_score : that excess in standard deviations of the spell's count, > 0.

    Returns
    -------
    One row a rise, by series and start: `series`, `start`, `end`, `peak` int64 positions, both ends
    included, `peak` the week of the highest count; `excess` float64 [cases]; `score` float64
    [standard deviations]. A series with fewer known weeks than half a year has none.

    Raises
    ------
    ShapeError : `counts` is no table.
    UnitError : a count is negative or infinite, or an option is out of range.

    Notes
    -----
    O(n_weeks x n_series). The usual level is a quasi-Poisson regression on trend and season (none
    under a year of weeks, one wave under two, two from then on), fitted twice: weeks above 2.58
    standard deviations s weigh s^-2 the second time (Farrington et al. 1996). High is above the
    level by 2 standard deviations; a single week that is not does not end a spell.

    Examples
    --------
    >>> counts = np.full((104, 1), 10.0)
    >>> counts[60:64] = 30.0
    >>> find_rises(counts)[["start", "end"]].to_numpy().tolist()
    [[60, 63]]
    """
    table = amounts("counts", counts, ndim=(2,))
    if least_weeks < 1:
        raise UnitError(f"least_weeks: {least_weeks}; wanted 1 or more")
    if not least_excess >= 0:
        raise UnitError(f"least_excess: {least_excess!r}; wanted 0 or more")
    if not least_score > 0:
        raise UnitError(f"least_score: {least_score!r}; wanted a number above 0")
    level, variance = _usual(table, freq)
    with np.errstate(invalid="ignore", divide="ignore"):
        high = (table - level) / np.sqrt(variance) > _HIGH
    rows = []
    for series in np.flatnonzero(high.any(axis=0)):
        for start, end in _spells(high[:, series], np.isnan(table[:, series])):
            part = slice(start, end + 1)
            above = float(np.nansum(table[part, series] - level[part, series]))
            known = ~np.isnan(table[part, series])
            score = above / float(np.sqrt(variance[part, series][known].sum()))
            weeks = int(high[part, series].sum())
            if weeks >= least_weeks and above >= least_excess and score >= least_score:
                peak = start + int(np.nanargmax(table[part, series]))
                rows.append((series, start, end, peak, above, score))
    whole = dict.fromkeys(("series", "start", "end", "peak"), "int64")
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(
        {**whole, "excess": "float64", "score": "float64"}
    )


def _usual(table: FloatArray, freq: int) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of each week and series where nothing is unusual; NaN where unknown."""
    known = (~np.isnan(table)).sum(axis=0)
    told = np.where(known >= freq // 2, table, np.nan)
    design = _design(len(table), freq)
    first = fit_log_linear(told, design)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.sqrt(np.maximum(first.dispersion, 1.0) * first.mean)
        residual = (told - first.mean) / spread
        weights = np.where(residual > _OUTLYING, residual**-2.0, 1.0)
    second = fit_log_linear(told, design, weights=weights)
    variance = np.maximum(second.dispersion, 1.0) * second.mean
    # After nothing but zeros any count is a rise; one case is the least that chance brings.
    return second.mean, np.where(np.isnan(second.mean), np.nan, np.maximum(variance, 1.0))


def _design(n_weeks: int, freq: int) -> FloatArray:
    at = np.arange(n_weeks, dtype=np.float64)
    waves = 0 if n_weeks < freq else 1 if n_weeks < 2 * freq else 2
    columns = [np.ones(n_weeks)]
    if n_weeks > 1:
        columns.append(at / n_weeks - 0.5)
    for wave in range(1, waves + 1):
        turn = 2.0 * np.pi * wave * at / freq
        columns += [np.sin(turn), np.cos(turn)]
    return np.column_stack(columns)


def _spells(high: BoolArray, unknown: BoolArray) -> list[tuple[int, int]]:
    """First and last week of each spell; unknown weeks neither end nor make one."""
    found: list[tuple[int, int]] = []
    for week in np.flatnonzero(high).tolist():
        if found:
            start, end = found[-1]
            between = slice(end + 1, week)
            if int((~unknown[between]).sum()) <= _GAP_WEEKS:
                found[-1] = (start, week)
                continue
        found.append((week, week))
    return found
