"""Step 4b: smoothed rates of the shortest period that can be published."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from etl.build import text
from etl.build.disclose import Disclosed
from etl.build.layers import States
from etl.build.levels import Floats
from etl.build.weeks import week_number
from etl.build.work import Work
from geo.disclosure import Published, release_sums, stand_in
from geo.model import Level, Missing
from geo.rates import Interval, rate_interval, smoothed_rates, unreliable

# Weeks of the periods, each a multiple of the one before, so that no two of them overlap in part.
PERIOD_WEEKS = (4, 12, 24)
SHORTEST = PERIOD_WEEKS[0]
PER_PERSONS = 10_000


def periods(weeks: Sequence[str], length: int) -> list[tuple[int, int]]:
    """Complete periods of the calendar within `weeks`, as (first, last) positions.

    Periods of one length do not overlap and never move.
    """
    ends = [at for at, week in enumerate(weeks) if week_number(week) % length == length - 1]
    return [(end - length + 1, end) for end in ends if end >= length - 1]


def add_rates(work: Work, levels: Sequence[Disclosed], weeks: Sequence[str]) -> None:
    """Add the smoothed rate of the last complete period before or at each published week.

    Where the four weeks cannot be published for an area, twelve can perhaps, or twenty-four; how
    many weeks a rate rests on is published beside it.
    """
    spans = [span for length in PERIOD_WEEKS for span in periods(weeks, length)]
    released = release_sums(
        [one.counts for one in levels],
        [one.states for one in levels],
        [one.frame.parents for one in levels[:-1]],
        spans,
        k=work.config.disclosure.k,
        denominators=[one.persons for one in levels],
        min_denominator=work.config.disclosure.min_denominator,
        barred=_barred(work, levels, spans),
    )
    sums = [_sums(one, spans, may) for one, may in zip(levels, released, strict=True)]
    guesses = stand_in(
        sums,
        [one.frame.parents for one in levels[:-1]],
        [one.persons for one in levels],
        otherwise=work.config.disclosure.k,
    )
    for one, found, guess in zip(levels, sums, guesses, strict=True):
        lengths = np.array([last - first + 1 for first, last in spans], dtype=np.float64)
        # All periods in one measure: per 10 000 in four weeks.
        scale = SHORTEST / lengths[:, None]
        smooth = smoothed_rates(guess, one.persons, per=PER_PERSONS) * scale
        ends = None
        if one.frame.level != Level.GRID:  # cells are read on the map, not one by one
            chance = rate_interval(guess, one.persons, per=PER_PERSONS)
            ends = Interval(chance.low * scale, chance.high * scale)
        states = np.where(unreliable(found.values), int(Missing.UNRELIABLE), int(Missing.OK))
        states = np.where(found.states == Missing.OK, states, found.states)
        states = np.where(np.isnan(smooth), int(Missing.NO_DATA), states).astype(np.uint8)
        _add_level(work, one, weeks, spans, smooth=smooth, ends=ends, states=states)


def _barred(
    work: Work, levels: Sequence[Disclosed], spans: Sequence[tuple[int, int]]
) -> list[np.ndarray] | None:
    """Measures that add up: their sums over weeks stand only where every week is published."""
    measures = work.config.measures
    linked = {code for measure in measures if measure.sum_of for code in measure.sum_of}
    linked |= {measure.code for measure in measures if measure.sum_of}
    if levels[0].measure.code not in linked:
        return None
    return [
        np.stack([one.hidden[first : last + 1].any(axis=0) for first, last in spans])
        for one in levels
    ]


def _sums(one: Disclosed, spans: Sequence[tuple[int, int]], released: np.ndarray) -> Published:
    total = np.stack([one.counts[first : last + 1].sum(axis=0) for first, last in spans])
    states = np.where(released, int(Missing.OK), int(Missing.SUPPRESSED))
    states = np.where(np.isnan(total), int(Missing.NO_DATA), states).astype(np.uint8)
    return Published(np.where(states == Missing.OK, total, np.nan), states)


def _add_level(
    work: Work,
    one: Disclosed,
    weeks: Sequence[str],
    spans: Sequence[tuple[int, int]],
    *,
    smooth: Floats,
    ends: Interval | None,
    states: States,
) -> None:
    shown = np.isin(states, (Missing.OK, Missing.UNRELIABLE))
    four = [at for at, (first, last) in enumerate(spans) if last - first + 1 == SHORTEST]
    spec = text.measure_spec(
        "rate",
        "need",
        "sequential",
        one.measure,
        breaks=work.breaks(f"rate.{one.measure.code}", np.where(shown[four], smooth[four], np.nan)),
        k=work.config.disclosure.k,
    )
    length_spec = text.measure_spec("rate_weeks", "need", "sequential", one.measure, on_map=False)
    level, n = one.frame.level, len(one.frame)
    low = high = np.full(n, np.nan)
    states_here = np.full(n, int(Missing.NO_DATA), dtype=np.uint8)
    for position in range(len(weeks) - work.config.publish.weeks, len(weeks)):
        values, row, length = np.full(n, np.nan), np.full(n, int(Missing.NO_DATA)), np.zeros(n)
        low, high = values.copy(), values.copy()
        for weeks_long in PERIOD_WEEKS:
            done = [
                at
                for at, (first, last) in enumerate(spans)
                if last <= position and last - first + 1 == weeks_long
            ]
            if not done:
                continue
            at = done[-1]
            take = (length == 0) & shown[at]
            values[take], row[take], length[take] = smooth[at][take], states[at][take], weeks_long
            if ends is not None:
                low[take], high[take] = ends.low[at][take], ends.high[at][take]
            # Withheld, rather than without data, where the shortest period is.
            row[(length == 0) & (row == Missing.NO_DATA)] = states[at][
                (length == 0) & (row == Missing.NO_DATA)
            ]
        states_here = row.astype(np.uint8)
        if (states_here != Missing.NO_DATA).any():
            week = weeks[position]
            work.book.add(spec, level, values, states=states_here, week=week)
            work.book.add(length_spec, level, length, states=states_here, week=week)
    if ends is not None and (states_here != Missing.NO_DATA).any():
        _add_ends(work, one, weeks[-1], Interval(low, high), states=states_here)


def _add_ends(work: Work, one: Disclosed, week: str, ends: Interval, *, states: States) -> None:
    """Add both ends of the newest rate."""
    for key, values in (("rate_low", ends.low), ("rate_high", ends.high)):
        spec = text.measure_spec(key, "need", "sequential", one.measure, on_map=False)
        work.book.add(spec, one.frame.level, values, states=states, week=week)
