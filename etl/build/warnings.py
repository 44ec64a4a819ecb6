"""Step 6: tiers by detector, and the list of warnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.build import text
from etl.build.disclose import Disclosed
from etl.build.figures import Figures
from etl.build.layers import LayerSpec, States
from etl.build.levels import Floats, LevelFrame
from etl.build.work import Work
from etl.sections import MeasureSettings
from etl.settings import LocalityConfig
from geo.detect.ears import Ears, ears
from geo.detect.tiers import base_tiers, weeks_running
from geo.model import Level, Missing, Tier, TierPolicy

# Weeks between a week and the baseline it is held against.
LAG_WEEKS = {"C1": 0, "C2": 2, "C3": 2}


def tier_policy(config: LocalityConfig) -> TierPolicy:
    """The locality's tier policy as `geo` wants it."""
    return config.warnings.tier_policy()


@dataclass(frozen=True)
class _Watch:
    """A build under way with its weeks."""

    work: Work
    weeks: Sequence[str]

    @property
    def config(self) -> LocalityConfig:
        return self.work.config

    @property
    def first(self) -> int:
        """Position of the first published week."""
        return len(self.weeks) - self.config.publish.weeks

    def published(self) -> list[tuple[int, str]]:
        """Position and name of every published week."""
        return list(enumerate(self.weeks))[self.first :]


@dataclass(frozen=True)
class _Series:
    """Counts of one measure on one level that may be published, and what the detector says."""

    shown: Disclosed
    detected: Ears
    tiers: npt.NDArray[np.int8]

    @property
    def measure(self) -> MeasureSettings:
        return self.shown.measure

    @property
    def frame(self) -> LevelFrame:
        return self.shown.frame

    @property
    def states(self) -> States:
        """States of the tiers: a colour tells no more than the count it stands for."""
        silent = (self.tiers == Tier.NO_DATA) & (self.shown.states == Missing.OK)
        return np.where(silent, int(Missing.NO_DATA), self.shown.states).astype(np.uint8)


def watch(work: Work, figures: Figures) -> pd.DataFrame:
    """Add the tiers of the published weeks to the book.

    The detector sees what is published: where a count is withheld it is handed what anybody would
    guess. So no tier, bound or score tells of a number that is withheld.

    Returns
    -------
    One row a warning of the published weeks.
    """
    this = _Watch(work, figures.weeks)
    found: list[pd.DataFrame] = []
    highest: dict[Level, list[tuple[Floats, States]]] = {}
    for code, levels in figures.by_measure.items():
        if not work.config.measure(code).warn:
            continue
        for shown in levels:
            series = _detect(this, shown)
            found.append(_warning_rows(this, series))
            tiers = _add_tiers(this, series)
            highest.setdefault(shown.frame.level, []).append((tiers, series.states))
    for frame in work.levels:
        if frame.level in highest:
            _add_highest(this, frame, highest[frame.level])
    return _join_names(found, work.levels)


def _detect(this: _Watch, shown: Disclosed) -> _Series:
    chosen = this.config.warnings
    # A guess does not scatter as counts do: where the baseline has guesses, its spread is at least
    # that of chance (Poisson).
    guessed = np.where(shown.hidden, np.nan_to_num(shown.guesses), 0.0)
    lag = LAG_WEEKS[chosen.method]
    sums = np.cumsum(np.concatenate([np.zeros((1, guessed.shape[1])), guessed]), axis=0)
    ends = np.maximum(np.arange(len(guessed)) - lag, 0)
    starts = np.maximum(ends - chosen.baseline, 0)
    chance = np.sqrt(np.maximum(sums[ends] - sums[starts], 0.0) / chosen.baseline)
    detected = _ears(this, shown.guesses, np.maximum(chance, chosen.min_sigma))
    return _Series(shown, detected, _tiers(this, shown.guesses, detected))


def _ears(this: _Watch, counts: Floats, min_sigma: npt.ArrayLike) -> Ears:
    chosen = this.config.warnings
    return ears(
        counts,
        method=chosen.method,
        baseline=chosen.baseline,
        min_sigma=min_sigma,
        min_observed=chosen.baseline - 2,
        # A long episode must not write its own baseline and so silence itself.
        exclude_alarms=True,
        max_episode=chosen.episode_weeks,
    )


def _tiers(this: _Watch, counts: Floats, detected: Ears) -> npt.NDArray[np.int8]:
    return base_tiers(
        counts,
        detected.score,
        counts - detected.expected,
        policy=tier_policy(this.config),
        floor=this.config.disclosure.k,
    )


def _tier_spec(measure: MeasureSettings, config: LocalityConfig) -> LayerSpec:
    chosen = config.warnings
    return text.measure_spec(
        "tier_measure",
        "warning",
        "tier",
        measure,
        method=chosen.method,
        baseline=chosen.baseline,
        blue=f"{chosen.blue:g}",
        yellow=f"{chosen.yellow:g}",
        orange=f"{chosen.orange:g}",
        red=f"{chosen.red:g}",
        floor=max(chosen.min_count, config.disclosure.k),
    )


def _add_tiers(this: _Watch, series: _Series) -> Floats:
    """Add the tiers of the published weeks; returns them as float, NaN where there is none."""
    tiers, states = series.tiers.astype(np.float64), series.states
    spec = _tier_spec(series.measure, this.config)
    for position, week in this.published():
        if (states[position] != Missing.NO_DATA).any():
            row = states[position]
            this.work.book.add(spec, series.frame.level, tiers[position], states=row, week=week)
    return np.where(states == Missing.OK, tiers, np.nan)


def _add_highest(
    this: _Watch, frame: LevelFrame, measures: Sequence[tuple[Floats, States]]
) -> None:
    """Add the highest of the published tiers; withheld where some are and none is published."""
    spec = text.plain_spec("tier", "warning", "tier", weekly=True)
    top = np.fmax.reduce([tiers for tiers, _ in measures])
    hidden = np.any([states == Missing.SUPPRESSED for _, states in measures], axis=0)
    states = np.where(hidden, int(Missing.SUPPRESSED), int(Missing.NO_DATA))
    states = np.where(np.isnan(top), states, int(Missing.OK)).astype(np.uint8)
    for position, week in this.published():
        if (states[position] != Missing.NO_DATA).any():
            this.work.book.add(spec, frame.level, top[position], states=states[position], week=week)


_COLUMNS = (
    "level", "area_code", "name", "parent_code", "measure", "week", "tier", "count", "expected",
    "upper", "score", "weeks_running", "since_week",
)  # fmt: skip


def _warning_rows(this: _Watch, series: _Series) -> pd.DataFrame:
    """One row a published warning."""
    frame, found = series.frame, series.detected
    weeks = np.array(this.weeks, dtype=object)
    # A run ends at a week whose count is withheld, as at one without data.
    tiers = np.where(series.states == Missing.OK, series.tiers, Tier.NO_DATA).astype(np.int8)
    standing = tiers >= Tier.BLUE
    standing[: this.first] = False
    week_at, area_at = np.nonzero(standing)
    spans = weeks_running(tiers)[week_at, area_at]
    return pd.DataFrame(
        {
            "level": frame.level.value,
            "area_code": frame.codes[area_at],
            "name": frame.names[area_at],
            "parent_code": frame.parent_codes[area_at],
            "measure": series.measure.code,
            "week": weeks[week_at],
            "tier": tiers[week_at, area_at].astype(int),
            "count": series.shown.counts[week_at, area_at],
            "expected": np.round(found.expected[week_at, area_at]),
            "upper": np.ceil(found.upper_bound[week_at, area_at]),
            "score": np.round(found.score[week_at, area_at], 1),
            "weeks_running": spans,
            "since_week": weeks[week_at - spans + 1],
        }
    )


def _join_names(found: Sequence[pd.DataFrame], levels: Sequence[LevelFrame]) -> pd.DataFrame:
    names = {
        code: name for frame in levels for code, name in zip(frame.codes, frame.names, strict=True)
    }
    rows = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=_COLUMNS)
    return rows.assign(parent_name=[names.get(code, "") for code in rows["parent_code"]])
