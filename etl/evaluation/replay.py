"""Past weeks put once more to the detectors and the tier policy, each as it was known then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array

from etl.alerting import Warnings
from etl.build.counts import CountBook, Counts, arrange_counts
from etl.build.delay import Delays
from etl.build.disclose import Disclosed, disclose_counts
from etl.build.figures import Figures, standing_out
from etl.build.history import History
from etl.build.levels import Floats, Ints
from etl.build.watching import Tested, Watch, Watched
from etl.build.work import Work
from etl.store.packed import WeekCounts
from geo.detect.episodes import TierLevel, follow_episodes, touching
from geo.model import Level, Tier

COLUMNS = ("warning_id", "measure", "level", "area_code", "name", "areas", "start", "end", "tier")
SPELL_COLUMNS = ("warning_id", "area_code", "start", "end")

LoadThen = Callable[[int, Sequence[str]], Sequence[WeekCounts] | None]


@dataclass(frozen=True)
class Past:
    """What a replay is made from.

    Attributes
    ----------
    work : settings of the replay: the weeks published are the weeks replayed.
    counts : of the weeks of `figures`, as they stand today.
    gaps : level → gap class of each area, as published last.
    n_weeks : weeks replayed, the last of the figures.
    load_then : for a row of the figures and some weeks up to it, their counts as they were known
        when that week was published; None where nothing has changed since.
    """

    work: Work
    counts: CountBook
    figures: Figures
    history: History
    gaps: Mapping[Level, Floats]
    n_weeks: int
    changed: Mapping[int, Sequence[str]]
    load_then: LoadThen


@dataclass(frozen=True)
class Replayed:
    """Warnings of one policy; weeks are positions among those replayed.

    Attributes
    ----------
    warnings : one row a warning, `COLUMNS`: its place, all areas it ever stood in ("|" between),
        first and last week, highest tier.
    spells : one row a warning and area, `SPELL_COLUMNS`: from when to when it stood there.
    """

    warnings: pd.DataFrame
    spells: pd.DataFrame


def tell_past(work: Work, counts: CountBook, weeks: Sequence[str], first: int) -> Figures:
    """What could be published of weeks that are replayed, and of those before them."""
    keep = {code: standing_out(work, code, by_level, first) for code, by_level in counts.items()}
    return Figures(weeks, disclose_counts(work, counts, weeks, keep))


def replay(past: Past, chosen: Warnings, *, on_step: Callable[[int, int], object]) -> Replayed:
    """Every warning that the policy would have given, followed through the weeks."""
    config = past.work.config.model_copy(update={"warnings": chosen})
    work = replace(past.work, config=config)
    watch = Watch(work, past.figures, past.history, past.gaps, Delays())
    seen: dict[str, list[Watched]] = {}
    codes = [code for code in past.figures.by_measure if config.measure(code).warn]
    tested = {
        (code, shown.frame.level): watch.test(shown)
        for code in codes
        for shown in past.figures.by_measure[code]
    }
    first = len(past.figures.weeks) - past.n_weeks
    rows = sorted(row for row in past.changed if row >= first)
    for done, row in enumerate(rows):
        on_step(done, len(rows))
        for key, one in _tested_then(past, work, row, watch).items():
            tested[key] = _spliced(tested[key], one, row - len(past.figures.weeks))
    for code in codes:
        seen[code] = [
            watch.judge(shown, tested[code, shown.frame.level])
            for shown in past.figures.by_measure[code]
        ]
    borders = {
        frame.level: touching(frame.geometry.to_crs(config.locality.crs)) for frame in work.levels
    }
    return _followed(seen, borders, past, chosen)


def _tested_then(past: Past, work: Work, row: int, watch: Watch) -> dict[tuple[str, Level], Tested]:
    """Tests of the week of a row on what was known when it was published."""
    weeks = past.figures.weeks[: row + 1]
    changed = [week for week in past.changed[row] if week in set(weeks)]
    then = past.load_then(row, changed)
    if then is None or not changed:
        return {}
    at = np.array([weeks.index(week) for week in changed])
    fresh = arrange_counts(then, work.levels, changed, work.config)
    counts = _patched(past.counts, fresh, at, len(weeks))
    first = len(past.figures.weeks) - past.n_weeks
    keep = {
        code: [mask[at] for mask in standing_out(work, code, by_level, first)]
        for code, by_level in counts.items()
    }
    some = {
        code: {level: replace(one, values=one.values[at]) for level, one in by_level.items()}
        for code, by_level in counts.items()
    }
    told = disclose_counts(work, some, changed, keep)
    figures = Figures(
        weeks,
        {
            code: [_with_rows(shown, new, at, len(weeks)) for shown, new in
                   zip(shown_levels, told[code], strict=True)]
            for code, shown_levels in past.figures.by_measure.items()
        },
    )  # fmt: skip
    one_week = work.config.publish.model_copy(update={"weeks": 1})
    small = replace(work, config=work.config.model_copy(update={"publish": one_week}))
    then_watch = replace(watch, work=small, figures=figures)
    return {
        (code, shown.frame.level): then_watch.test(shown)
        for code, levels in figures.by_measure.items()
        if work.config.measure(code).warn
        for shown in levels
    }


def _patched(base: CountBook, fresh: CountBook, at: Ints, n: int) -> CountBook:
    """Counts of the first `n` weeks, some rows as they were then; a level not said then is NaN."""

    def patch(code: str, level: Level, one: Counts) -> Counts:
        values = one.values[:n].copy()
        new = fresh.get(code, {}).get(level)
        values[at] = np.nan if new is None else new.values
        return replace(one, values=values)

    return {
        code: {level: patch(code, level, one) for level, one in by_level.items()}
        for code, by_level in base.items()
    }


def _with_rows(shown: Disclosed, new: Disclosed, at: Ints, n: int) -> Disclosed:
    changes = {}
    for name in ("counts", "states", "guesses"):
        table = getattr(shown, name)[:n].copy()
        table[at] = getattr(new, name)
        changes[name] = table
    return replace(shown, **changes)


def _spliced(whole: Tested, one: Tested, row: int) -> Tested:
    """Tests with the newest row of another in the place of a row, counted from the last."""
    at = row + len(whole.weeks)
    counts, states = whole.counts.copy(), whole.states.copy()
    counts[at], states[at] = one.counts[-1], one.states[-1]
    fields = {}
    for name, table in vars(whole.found).items():
        fields[name] = table.copy()
        fields[name][at] = getattr(one.found, name)[-1]
    return replace(whole, counts=counts, states=states, found=replace(whole.found, **fields))


def _followed(
    seen: Mapping[str, Sequence[Watched]],
    borders: Mapping[Level, csr_array],
    past: Past,
    chosen: Warnings,
) -> Replayed:
    """Warnings of every measure as the offices would have seen them: joined over place and time."""
    weeks = list(past.figures.weeks[-past.n_weeks :])
    rows: list[tuple[object, ...]] = []
    spells: list[tuple[object, ...]] = []
    for code, watched in seen.items():
        levels = [
            TierLevel(
                level=one.frame.level,
                codes=one.frame.codes,
                names=one.frame.names,
                tiers=_shown(one)[-past.n_weeks :],
                held=one.tiers.held[-past.n_weeks :],
                parents=one.frame.parents,
                touching=borders[one.frame.level],
            )
            for one in watched
        ]
        found = follow_episodes(
            levels,
            measure=code,
            weeks=weeks,
            hold_weeks=chosen.hold_weeks,
            memory_weeks=chosen.memory_weeks,
        )
        for number, warning_id in enumerate(found.ids):
            rows.append((warning_id, code, *_told(levels, found.members, number)))
        for one, members in zip(levels, found.members, strict=True):
            for area in np.flatnonzero((members >= 0).any(axis=0)).tolist():
                own = members[:, area]
                for number in np.unique(own[own >= 0]).tolist():
                    stood = np.flatnonzero(own == number)
                    spells.append(
                        (found.ids[number], one.codes[area], int(stood[0]), int(stood[-1]))
                    )
    return Replayed(
        pd.DataFrame(rows, columns=list(COLUMNS)),
        pd.DataFrame(spells, columns=list(SPELL_COLUMNS)),
    )


def _shown(one: Watched) -> npt.NDArray[np.int8]:
    return np.where(np.isnan(one.tier), Tier.NO_DATA, one.tier).astype(np.int8)


def _told(
    levels: Sequence[TierLevel], members: Sequence[Ints], number: int
) -> tuple[str, str, str, str, int, int, int]:
    """Place, name, areas, first and last week, and highest tier of one warning."""
    areas: list[str] = []
    weeks: list[int] = []
    best = (int(Tier.NO_DATA), "", "", "")
    for one, own in zip(levels, members, strict=True):
        week, area = np.nonzero(own == number)
        weeks += week.tolist()
        areas += one.codes[np.unique(area)].tolist()
        if len(week):
            tiers = one.tiers[week, area]
            top = int(np.argmax(tiers))
            # Of equal tiers the finest level tells the place.
            if int(tiers[top]) > best[0]:
                at = area[top]
                best = (int(tiers[top]), str(one.level), str(one.codes[at]), str(one.names[at]))
    tier, level, code, name = best
    return level, code, name, "|".join(areas), min(weeks), max(weeks), tier
