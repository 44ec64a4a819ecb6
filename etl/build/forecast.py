"""Step 4b: what is expected in the weeks to come, from published counts alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.alerting import Warnings
from etl.build.disclose import Bools
from etl.build.figures import Figures
from etl.build.history import LEVELS, History
from etl.build.levels import Floats, LevelFrame
from etl.build.weeks import weeks_after
from etl.build.work import Work
from geo.forecast.backtest import METHODS
from geo.forecast.forecast import Forecast, forecast_counts
from geo.forecast.history import cap_unusual

# Of so many weeks at most this share may be withheld: what is left out are the small ones.
RECENT_WEEKS = 26
MOST_WITHHELD = 0.2

_WEEK_COLUMNS = (
    "level", "area_code", "measure", "week", "expected", "low80", "high80", "low95", "high95",
    "method",
)  # fmt: skip
_AREA_COLUMNS = (
    "level", "area_code", "measure", "method", "reason", "mae", "inside80", "inside95", "n",
)  # fmt: skip
_ACCURACY_COLUMNS = (
    "level", "measure", "method", "chosen", "mae", "mase", "wis", "inside80", "inside95",
    "n_origins", "n",
)  # fmt: skip


@dataclass(frozen=True)
class _Pool:
    """One measure on one level: its published counts over the whole history.

    Attributes
    ----------
    counts : float64, shape (n_weeks, n_areas); NaN where not published.
    hidden : bool, same shape: which are withheld.
    """

    measure: str
    frame: LevelFrame
    counts: Floats
    hidden: Bools


def forecast(work: Work, figures: Figures, history: History) -> dict[str, pd.DataFrame]:
    """Tables of what is expected in the weeks after the newest, for whom it is not, and accuracy.

    Returns
    -------
    `forecast`, one row an area, measure and week to come; `forecast_areas`, one an area and
    measure, with the reason where nothing is expected and the past accuracy where something is;
    `forecast_accuracy`, one a measure, level and method.
    """
    horizon = work.config.forecast.horizon
    ahead = weeks_after(figures.weeks[-1], horizon)
    pools = list(_pools(work, figures, history))
    reasons = [_not_to_be_told(pool, k=work.config.disclosure.k) for pool in pools]
    counts = [
        np.where(reason == "", pool.counts, np.nan)
        for pool, reason in zip(pools, reasons, strict=True)
    ]
    by_week, by_area, by_method = [], [], []
    for pool, reason, known, usual in zip(
        pools, reasons, counts, _usual(counts, work.config.warnings), strict=True
    ):
        found = forecast_counts(known, history=usual, horizon=horizon)
        by_week.append(_week_rows(pool, found, ahead))
        by_area.append(_area_rows(pool, found, np.where(reason == "", found.reason, reason)))
        if found.accuracy.ranking:
            by_method.append(_accuracy_rows(pool, found))
    return {
        "forecast": _joined(by_week, _WEEK_COLUMNS),
        "forecast_areas": _joined(by_area, _AREA_COLUMNS),
        "forecast_accuracy": _joined(by_method, _ACCURACY_COLUMNS),
    }


def _usual(counts: Sequence[Floats], chosen: Warnings) -> list[Floats]:
    """What the methods see: an outbreak under the detector's own settings counts as its limit."""
    if not counts:
        return []
    capped = cap_unusual(
        np.concatenate(counts, axis=1),
        method=chosen.method,
        baseline=chosen.baseline,
        min_sigma=chosen.min_sigma,
        max_episode=chosen.episode_weeks,
    )
    ends = np.cumsum([table.shape[1] for table in counts])
    return np.split(capped, ends[:-1], axis=1)


def _pools(work: Work, figures: Figures, history: History) -> Iterable[_Pool]:
    """Cells are too small for a week to be expected of them."""
    shown = work.config.publish.weeks
    longest = max(work.config.forecast.history_weeks, shown)
    for code, levels in figures.by_measure.items():
        if work.config.measure(code).stock:
            continue
        for one in levels:
            if one.frame.level in LEVELS and not np.isnan(one.counts[-shown:]).all():
                known = history.before(figures, code, one.frame.level)
                published, hidden = known.published[-longest:], known.hidden[-longest:]
                yield _Pool(code, one.frame, published, hidden)


def _not_to_be_told(pool: _Pool, *, k: int) -> npt.NDArray[Any]:
    """Why an area's counts are not to be forecast; empty where they are.

    Where many weeks are withheld the others are the high ones; an expectation below k would say
    of every week what is withheld of some.
    """
    recent = pool.counts[-RECENT_WEEKS:]
    withheld = pool.hidden[-RECENT_WEEKS:].sum(axis=0)
    known = ~np.isnan(recent)
    high = (np.nan_to_num(recent) >= k).sum(axis=0)
    small = (2 * high < known.sum(axis=0)) & known.any(axis=0)
    reason = np.where(small, "small", "").astype(object)
    reason[withheld > MOST_WITHHELD * len(recent)] = "withheld"
    return reason


def _week_rows(pool: _Pool, found: Forecast, ahead: Sequence[str]) -> pd.DataFrame:
    at = np.flatnonzero(found.method != "")
    n, horizon = len(at), len(ahead)
    low, high = np.floor(found.low[..., at]), np.ceil(found.high[..., at])
    return pd.DataFrame(
        {
            "level": pool.frame.level.value,
            "area_code": np.repeat(pool.frame.codes[at], horizon),
            "measure": pool.measure,
            "week": np.tile(np.array(ahead, dtype=object), n),
            "expected": _sensible(found.expected[:, at].T.ravel()),
            "low80": low[0].T.ravel(),
            "high80": high[0].T.ravel(),
            "low95": low[1].T.ravel(),
            "high95": high[1].T.ravel(),
            "method": np.repeat(found.method[at], horizon),
        }
    )


def _sensible(values: Floats) -> Floats:
    """Whole from a hundred on, one decimal below."""
    return np.where(values >= 100, np.round(values), np.round(values, 1))


def _area_rows(pool: _Pool, found: Forecast, reason: npt.NDArray[Any]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "level": pool.frame.level.value,
            "area_code": pool.frame.codes,
            "measure": pool.measure,
            "method": found.method,
            "reason": reason,
            "mae": np.round(found.mae, 1),
            "inside80": np.round(found.inside[0], 2),
            "inside95": np.round(found.inside[1], 2),
            "n": found.n,
        }
    )


def _accuracy_rows(pool: _Pool, found: Forecast) -> pd.DataFrame:
    told = found.accuracy
    at = sorted(told.ranking)
    return pd.DataFrame(
        {
            "level": pool.frame.level.value,
            "measure": pool.measure,
            "method": [METHODS[row] for row in at],
            "chosen": [row == told.ranking[0] for row in at],
            "mae": np.round(told.mae[at], 2),
            "mase": np.round(told.mase[at], 3),
            "wis": np.round(told.wis[at], 3),
            "inside80": np.round(told.inside[0, at], 3),
            "inside95": np.round(told.inside[1, at], 3),
            "n_origins": found.test.n_judged,
            "n": told.n,
        }
    )


def _joined(parts: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    if not filled:
        return pd.DataFrame(columns=list(columns))
    return pd.concat(filled, ignore_index=True)[list(columns)]
