"""Step 4: counts and rates fit to publish, tiers by detector, the list of warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.build import text
from etl.build.counts import CountBook, Counts
from etl.build.layers import LayerSpec, States
from etl.build.levels import Floats, LevelFrame
from etl.build.weeks import week_number
from etl.build.work import Work
from etl.sections import MeasureSettings
from etl.settings import LocalityConfig
from geo.detect.ears import Ears, ears
from geo.detect.tiers import assign_tiers, weeks_running
from geo.disclosure import suppress_hierarchy
from geo.model import Level, Missing, Tier, TierPolicy
from geo.rates import smoothed_rates, unreliable

BLOCK_WEEKS = 4
PER_PERSONS = 10_000


@dataclass(frozen=True)
class WarningResult:
    """What later steps need of the warnings.

    Attributes
    ----------
    rows : one row a warning of the published weeks.
    rates : (measure, level) → smoothed rate of the newest period, NaN where withheld.
    """

    rows: pd.DataFrame
    rates: dict[tuple[str, Level], Floats]


def lead_weeks(config: LocalityConfig) -> int:
    """Weeks before the first published one that detectors and blocks look back on."""
    return config.warnings.baseline + config.warnings.episode_weeks + 2 * BLOCK_WEEKS


def tier_policy(config: LocalityConfig) -> TierPolicy:
    """The locality's tier thresholds as `geo` wants them."""
    chosen = config.warnings
    return TierPolicy(
        min_count=chosen.min_count,
        blue_score=chosen.blue,
        yellow_score=chosen.yellow,
        orange_score=chosen.orange,
        red_score=chosen.red,
    )


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
    """Weekly counts of one measure on one level, what the detector says, what may be published."""

    measure: MeasureSettings
    frame: LevelFrame
    counts: Floats
    detected: Ears
    tiers: npt.NDArray[np.int8]
    states: States


def watch(work: Work, counts: CountBook, weeks: Sequence[str]) -> WarningResult:
    """Add counts, rates and tiers of the last `publish.weeks` of `weeks` to the book.

    Tiers come from the true counts, and stand only where the count itself is published: no
    colour tells of a number that is withheld.
    """
    this = _Watch(work, weeks)
    rates: dict[tuple[str, Level], Floats] = {}
    found: list[pd.DataFrame] = []
    highest: dict[Level, list[Floats]] = {}
    for code, by_level in counts.items():
        measure = work.config.measure(code)
        for series in _assess(this, measure, by_level):
            level = series.frame.level
            _add_counts(this, series)
            if not measure.stock:
                rates[code, level] = _add_rates(this, series)
            if measure.warn:
                shown = _add_tiers(this, series)
                highest.setdefault(level, []).append(shown)
                found.append(_warning_rows(this, series))
    spec = text.plain_spec("tier", "warning", "tier", weekly=True)
    for frame in work.levels:
        if frame.level in highest:
            top = np.fmax.reduce(highest[frame.level])
            for position, week in this.published():
                if not np.isnan(top[position]).all():
                    work.book.add(spec, frame.level, top[position], week=week)
    return WarningResult(_join_names(found, work.levels), rates)


def _assess(
    this: _Watch, measure: MeasureSettings, by_level: Mapping[Level, Counts]
) -> list[_Series]:
    """Detect on every level that has the measure, then withhold along their hierarchy.

    Where another count can be withheld in its place, one under a warning stays to be seen.
    """
    config = this.config
    chosen = config.warnings
    chain = [frame for frame in this.work.levels if frame.level in by_level]
    values = [by_level[frame.level].values for frame in chain]
    detected = [
        ears(
            counts,
            method=chosen.method,
            baseline=chosen.baseline,
            min_sigma=chosen.min_sigma,
            min_observed=chosen.baseline - 2,
            # A long episode must not write its own baseline and so silence itself.
            exclude_alarms=True,
            max_episode=chosen.episode_weeks,
        )
        for counts in values
    ]
    tiers = [
        assign_tiers(
            counts,
            found.score,
            policy=tier_policy(config),
            effective_min_count=max(chosen.min_count, config.disclosure.k),
        )
        for counts, found in zip(values, detected, strict=True)
    ]
    published = suppress_hierarchy(
        values,
        [frame.parents for frame in chain[:-1]],
        k=config.disclosure.k,
        keep=[(tier >= Tier.BLUE) & measure.warn for tier in tiers],
    )
    return [
        _Series(measure, frame, counts, found, tier, states)
        for frame, counts, found, tier, (_, states) in zip(
            chain, values, detected, tiers, published, strict=True
        )
    ]


def publishable(
    work: Work, counts: CountBook, weeks: Sequence[str]
) -> dict[tuple[str, Level], Floats]:
    """Counts of weeks that are not published here, as far as they could be; NaN elsewhere.

    By the same rules as those of `watch`, so that what is computed from them tells no more than
    a publication of these weeks would.
    """
    this = _Watch(work, weeks)
    return {
        (code, series.frame.level): np.where(series.states == Missing.OK, series.counts, np.nan)
        for code, by_level in counts.items()
        for series in _assess(this, work.config.measure(code), by_level)
    }


def _add_counts(this: _Watch, series: _Series) -> None:
    config = this.config
    spec = text.measure_spec(
        "count",
        "need",
        "sequential",
        series.measure,
        on_map=False,
        k_less=config.disclosure.k - 1,
        reported=f"{config.publish.min_reported_share:.0%}".removesuffix("%"),
    )
    for position, week in this.published():
        values = series.counts[position]
        if not np.isnan(values).all():
            states = series.states[position]
            this.work.book.add(spec, series.frame.level, values, states=states, week=week)


def blocks(weeks: Sequence[str]) -> list[tuple[int, int]]:
    """Complete four-week periods of the calendar within `weeks`, as (first, last) positions.

    Periods do not overlap and never move, so that no week can be had by subtracting two of them.
    """
    ends = [
        position
        for position, week in enumerate(weeks)
        if week_number(week) % BLOCK_WEEKS == BLOCK_WEEKS - 1
    ]
    return [(end - BLOCK_WEEKS + 1, end) for end in ends if end >= BLOCK_WEEKS - 1]


def _add_rates(this: _Watch, series: _Series) -> Floats:
    """Smoothed rate of the last complete period before or at each published week.

    Returns the newest rates, NaN where they are withheld.
    """
    frame, disclosure = series.frame, this.config.disclosure
    persons = frame.persons.get(series.measure.group, frame.persons["total"])
    periods = blocks(this.weeks)
    sums = np.stack([series.counts[first : last + 1].sum(axis=0) for first, last in periods])
    smooth = smoothed_rates(sums, persons, per=PER_PERSONS)
    hidden = np.stack(
        [
            (series.states[first : last + 1] == Missing.SUPPRESSED).sum(axis=0)
            for first, last in periods
        ]
    )
    # One withheld week beside three published ones could be had by subtraction.
    withheld = ((sums > 0) & (sums < disclosure.k)) | (hidden == 1)
    withheld |= persons < disclosure.min_denominator
    states = np.where(unreliable(sums), int(Missing.UNRELIABLE), int(Missing.OK))
    states = np.where(withheld, int(Missing.SUPPRESSED), states)
    states = np.where(np.isnan(smooth), int(Missing.NO_DATA), states).astype(np.uint8)
    shown = np.where(np.isin(states, (Missing.OK, Missing.UNRELIABLE)), smooth, np.nan)
    spec = text.measure_spec(
        "rate",
        "need",
        "sequential",
        series.measure,
        breaks=this.work.breaks(f"rate.{series.measure.code}", shown),
        k=disclosure.k,
        period=BLOCK_WEEKS,
    )
    for position, week in this.published():
        done = sum(last <= position for _, last in periods) - 1
        if done >= 0 and (states[done] != Missing.NO_DATA).any():
            row = states[done]
            this.work.book.add(spec, frame.level, smooth[done], states=row, week=week)
    newest: Floats = shown[-1]
    return newest


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
    tiers = series.tiers.astype(np.float64)
    # The few warnings whose count had to go with its neighbours' show as withheld, not as quiet.
    hidden = (series.tiers >= Tier.BLUE) & (series.states == Missing.SUPPRESSED)
    states = np.where(series.tiers == Tier.NO_DATA, int(Missing.NO_DATA), int(Missing.OK))
    states = np.where(hidden, int(Missing.SUPPRESSED), states).astype(np.uint8)
    spec = _tier_spec(series.measure, this.config)
    for position, week in this.published():
        if (states[position] != Missing.NO_DATA).any():
            row = states[position]
            this.work.book.add(spec, series.frame.level, tiers[position], states=row, week=week)
    return np.where(states == Missing.OK, tiers, np.nan)


_COLUMNS = (
    "level", "area_code", "name", "parent_code", "measure", "week", "tier", "count", "expected",
    "upper", "score", "weeks_running", "since_week",
)  # fmt: skip


def _warning_rows(this: _Watch, series: _Series) -> pd.DataFrame:
    """One row a published warning."""
    frame, found = series.frame, series.detected
    weeks = np.array(this.weeks, dtype=object)
    standing = (series.tiers >= Tier.BLUE) & (series.states == Missing.OK)
    standing[: this.first] = False
    week_at, area_at = np.nonzero(standing)
    spans = weeks_running(series.tiers)[week_at, area_at]
    return pd.DataFrame(
        {
            "level": frame.level.value,
            "area_code": frame.codes[area_at],
            "name": frame.names[area_at],
            "parent_code": frame.parent_codes[area_at],
            "measure": series.measure.code,
            "week": weeks[week_at],
            "tier": series.tiers[week_at, area_at].astype(int),
            "count": series.counts[week_at, area_at],
            # Whole numbers: finer ones would let withheld baseline weeks be worked out.
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
