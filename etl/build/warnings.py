"""Step 4: counts and rates fit to publish, tiers by detector, the list of warnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from etl.build import text
from etl.build.counts import CountBook, Counts
from etl.build.facilities import Breaks
from etl.build.layers import LayerBook, States
from etl.build.levels import Floats, LevelFrame
from etl.build.weeks import week_number
from etl.settings import LocalityConfig, MeasureSettings
from geo.detect.ears import ears
from geo.detect.tiers import assign_tiers, weeks_running
from geo.disclosure import suppress_hierarchy
from geo.model import Level, Missing, Tier, TierPolicy
from geo.need import smoothed_rates, unreliable

BLOCK_WEEKS = 4
PER_PERSONS = 10_000


@dataclass(frozen=True)
class WarningResult:
    """What later steps need of the warnings.

    Attributes
    ----------
    rows : one row a warning of the published weeks.
    rates : measure → smoothed rate of the newest block on its finest level.
    """

    rows: pd.DataFrame
    rates: dict[tuple[str, Level], Floats]


def lead_weeks(config: LocalityConfig) -> int:
    """Weeks before the first published one that detectors and blocks look back on."""
    return config.warnings.baseline + 4 + 2 * BLOCK_WEEKS


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


def watch(
    levels: Sequence[LevelFrame],
    counts: CountBook,
    weeks: Sequence[str],
    config: LocalityConfig,
    book: LayerBook,
    *,
    breaks: Breaks,
) -> WarningResult:
    """Add counts, rates and tiers of the last `publish.weeks` of `weeks` to `book`.

    Tiers come from the true counts, and only from counts that are published: no colour stands
    where a number is withheld.
    """
    published = list(weeks[-config.publish.weeks :])
    rates: dict[tuple[str, Level], Floats] = {}
    found: list[pd.DataFrame] = []
    highest: dict[Level, list[Floats]] = {}
    for code, by_level in counts.items():
        measure = config.measure(code)
        states = _withhold(levels, by_level, config)
        for frame in levels:
            if frame.level not in by_level:
                continue
            own = by_level[frame.level]
            _add_counts(frame, own, states[frame.level], measure, weeks, config, book)
            if not measure.stock:
                rates[code, frame.level] = _add_rates(
                    frame, own, states[frame.level], measure, weeks, config, book, breaks=breaks
                )
            if measure.warn:
                tiers, rows = _tiers(frame, own, states[frame.level], measure, weeks, config)
                _add_tiers(frame, tiers, _tier_spec(measure, config), published, book)
                highest.setdefault(frame.level, []).append(tiers[-len(published) :])
                found.append(rows)
    spec = text.plain_spec("tier", "warning", "tier", weekly=True)
    for frame in levels:
        if frame.level in highest:
            top = np.fmax.reduce(np.stack(highest[frame.level]))
            _add_tiers(frame, top, spec, published, book)
    return WarningResult(_join_names(found, levels), rates)


def _withhold(
    levels: Sequence[LevelFrame], by_level: dict[Level, Counts], config: LocalityConfig
) -> dict[Level, States]:
    """States of every count, withheld along the hierarchy of the levels that have the measure."""
    chain = [frame for frame in levels if frame.level in by_level]
    values = [by_level[frame.level].values for frame in chain]
    parents = [frame.parents for frame in chain[:-1]]
    states = suppress_hierarchy(values, parents, k=config.disclosure.k)
    return {frame.level: state for frame, state in zip(chain, states, strict=True)}


def _add_counts(
    frame: LevelFrame,
    own: Counts,
    states: States,
    measure: MeasureSettings,
    weeks: Sequence[str],
    config: LocalityConfig,
    book: LayerBook,
) -> None:
    spec = text.measure_spec(
        "count",
        "need",
        "sequential",
        measure,
        on_map=False,
        k_less=config.disclosure.k - 1,
        reported=f"{config.publish.min_reported_share:.0%}".removesuffix("%"),
    )
    for position in range(len(weeks) - config.publish.weeks, len(weeks)):
        if not np.isnan(own.values[position]).all():
            book.add(
                spec,
                frame.level,
                own.values[position],
                states=states[position],
                week=weeks[position],
            )


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


def _add_rates(
    frame: LevelFrame,
    own: Counts,
    states: States,
    measure: MeasureSettings,
    weeks: Sequence[str],
    config: LocalityConfig,
    book: LayerBook,
    *,
    breaks: Breaks,
) -> Floats:
    """Smoothed rate of the last complete period before or at each published week."""
    persons = frame.persons.get(measure.group, frame.persons["total"])
    periods = blocks(weeks)
    sums = np.stack([own.values[first : last + 1].sum(axis=0) for first, last in periods])
    smooth = smoothed_rates(sums, persons, per=PER_PERSONS)
    k = config.disclosure.k
    withheld = np.stack(
        [(states[first : last + 1] == Missing.SUPPRESSED).sum(axis=0) for first, last in periods]
    )
    # One withheld week beside three published ones could be had by subtraction.
    hidden = ((sums > 0) & (sums < k)) | (withheld == 1)
    hidden |= persons < config.disclosure.min_denominator
    rate_states = np.where(unreliable(sums), int(Missing.UNRELIABLE), int(Missing.OK))
    rate_states = np.where(hidden, int(Missing.SUPPRESSED), rate_states)
    rate_states = np.where(np.isnan(smooth), int(Missing.NO_DATA), rate_states).astype(np.uint8)
    # Classes of a measure are the same on every level: a rate is a rate.
    spec = text.measure_spec(
        "rate",
        "need",
        "sequential",
        measure,
        breaks=breaks(f"rate.{measure.code}", smooth[np.isin(rate_states, (0, 3))]),
        k=k,
        window=weeks[periods[-1][0]],
    )
    for position in range(len(weeks) - config.publish.weeks, len(weeks)):
        done = [i for i, (_, last) in enumerate(periods) if last <= position]
        if done and (rate_states[done[-1]] != Missing.NO_DATA).any():
            newest = done[-1]
            book.add(
                spec,
                frame.level,
                smooth[newest],
                states=rate_states[newest],
                week=weeks[position],
            )
    shown = np.where(np.isin(rate_states, (0, 3)), smooth, np.nan)
    newest_rates: Floats = shown[-1]
    return newest_rates


def _tier_spec(measure: MeasureSettings, config: LocalityConfig) -> text.LayerSpec:
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


def _tiers(
    frame: LevelFrame,
    own: Counts,
    states: States,
    measure: MeasureSettings,
    weeks: Sequence[str],
    config: LocalityConfig,
) -> tuple[Floats, pd.DataFrame]:
    """Tier of every week and area as float (NaN is no data), and a row a warning."""
    chosen = config.warnings
    result = ears(
        own.values,
        method=chosen.method,
        baseline=chosen.baseline,
        min_sigma=chosen.min_sigma,
        alpha=0.025,
    )
    tiers = assign_tiers(
        own.values,
        result.score,
        policy=tier_policy(config),
        effective_min_count=config.disclosure.k,
    )
    withheld = states == Missing.SUPPRESSED
    tiers = np.where(withheld & (tiers > Tier.NONE), int(Tier.NONE), tiers)
    running = weeks_running(tiers)
    first = len(weeks) - config.publish.weeks
    week_at, area_at = np.nonzero(tiers >= Tier.BLUE)
    newer = week_at >= first
    week_at, area_at = week_at[newer], area_at[newer]
    spans = running[week_at, area_at].astype(int)
    rows = pd.DataFrame(
        {
            "level": frame.level.value,
            "area_code": frame.codes[area_at],
            "name": frame.names[area_at],
            "parent_code": frame.parent_codes[area_at],
            "measure": measure.code,
            "week": [weeks[position] for position in week_at],
            "tier": tiers[week_at, area_at].astype(int),
            "count": own.values[week_at, area_at],
            # Whole numbers: finer ones would let withheld baseline weeks be worked out.
            "expected": np.round(result.expected[week_at, area_at]),
            "upper": np.ceil(result.upper_bound[week_at, area_at]),
            "score": np.round(result.score[week_at, area_at], 1),
            "weeks_running": spans,
            "since_week": [
                weeks[position - span + 1] for position, span in zip(week_at, spans, strict=True)
            ],
        }
    )
    known = np.where(tiers == Tier.NO_DATA, np.nan, tiers.astype(np.float64))
    return known, rows


def _add_tiers(
    frame: LevelFrame,
    tiers: Floats,
    spec: text.LayerSpec,
    published: Sequence[str],
    book: LayerBook,
) -> None:
    for row, week in zip(tiers[-len(published) :], published, strict=True):
        if not np.isnan(row).all():
            book.add(spec, frame.level, row, week=week)


def _join_names(found: Sequence[pd.DataFrame], levels: Sequence[LevelFrame]) -> pd.DataFrame:
    names = {
        code: name
        for frame in levels
        for code, name in zip(frame.codes, frame.names, strict=True)
    }
    rows = pd.concat(found, ignore_index=True) if found else pd.DataFrame({"parent_code": []})
    return rows.assign(parent_name=[names.get(code, "") for code in rows["parent_code"]])
