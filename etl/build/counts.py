"""Step 3: weekly counts of every level, rolled up where a level has none of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.build.levels import Floats, LevelFrame
from etl.findings import Doubts, listed
from etl.settings import LocalityConfig
from etl.sources.following import follow, say_followed
from etl.sources.successors import Successors
from etl.store.packed import AreaList, WeekCounts, pack, unpack
from geo.model import Level
from geo.rollup import roll_up


@dataclass(frozen=True)
class Counts:
    """Weekly counts of one measure on one level.

    Attributes
    ----------
    values : float64, shape (n_weeks, n_areas); NaN where not reported.
    reported : share 0..1 of the level below that reported, same shape; None where the level's own
        file gave the measure.
    """

    values: Floats
    reported: Floats | None = None

    @property
    def own(self) -> bool:
        """Whether the level's own file gave the measure."""
        return self.reported is None


CountBook = Mapping[str, Mapping[Level, Counts]]


def followed_counts(
    rows: Iterable[WeekCounts], successors: Successors, doubts: Doubts
) -> Iterator[WeekCounts]:
    """Counts as stored, under the areas of today; says what was handed on."""
    touched: list[WeekCounts] = []
    change: dict[AreaList, npt.NDArray[np.bool_]] = {}
    for row in rows:
        if row.areas not in change:
            codes = {*successors.changed(row.level), *successors.began(row.level)}
            change[row.areas] = pd.Index(row.areas.codes).isin(codes)
        own = change[row.areas]
        if own.any():
            touched.append(row.only(own))
        yield row.only(~own) if own.any() else row
    followed = follow(unpack(touched).assign(source_row=0), successors, figure="count")
    say_followed(followed, doubts)
    yield from pack(followed.frame)


def arrange_counts(
    rows: Iterable[WeekCounts],
    levels: Sequence[LevelFrame],
    weeks: Sequence[str],
    config: LocalityConfig,
) -> CountBook:
    """Measure → level → counts, for every level at or above the finest one that reports.

    A level's own figures are used where its departments gave any; otherwise the level below is
    summed where at least `publish.min_reported_share` of its areas has reported.

    Parameters
    ----------
    rows : stored counts, each key and area once; those of other levels and weeks are left out.
    """
    own = _own(rows, levels, weeks)
    book: dict[str, dict[Level, Counts]] = {}
    for measure in config.measures:
        by_level: dict[Level, Counts] = {}
        below: tuple[LevelFrame, Counts] | None = None
        for frame in levels:
            values = own.pop((measure.code, frame.level), None)
            found = _summed(below, frame, config) if values is None else Counts(values)
            if found is not None:
                by_level[frame.level] = found
                below = (frame, found)
        if by_level:
            book[measure.code] = by_level
    return book


def say_disagreeing(
    book: CountBook, levels: Sequence[LevelFrame], config: LocalityConfig, doubts: Doubts
) -> None:
    """Tell where two levels that report for themselves do not add up.

    Only weeks in which every area below has reported can disagree. No figure is told: some of them
    may be withheld.
    """
    for measure in config.measures:
        by_level = book.get(measure.code, {})
        own = [frame for frame in levels if frame.level in by_level and by_level[frame.level].own]
        for finer, frame in itertools.pairwise(own):
            if levels.index(frame) != levels.index(finer) + 1:
                continue
            below, said = by_level[finer.level].values, by_level[frame.level].values
            rolled = roll_up(below, finer.parents, n_parents=len(frame))
            off = (rolled.reported == 1) & ~np.isnan(said) & (rolled.values != said)
            if off.any():
                doubts.add(
                    "levels_disagree",
                    came=listed(frame.names[off.any(axis=0)], most=5),
                    count=int(off.sum()),
                    measure=measure.name.zh,
                    measure_en=measure.name.en,
                    level=str(frame.level),
                )


def _own(
    rows: Iterable[WeekCounts], levels: Sequence[LevelFrame], weeks: Sequence[str]
) -> dict[tuple[str, str], Floats]:
    """Measure and level → what was reported, shape (n_weeks, n_areas)."""
    frames = {str(frame.level): frame for frame in levels}
    week_of = {week: position for position, week in enumerate(weeks)}
    places: dict[AreaList, npt.NDArray[np.int64]] = {}
    found: dict[tuple[str, str], Floats] = {}
    for row in rows:
        if row.level not in frames or row.week not in week_of:
            continue
        frame, key = frames[row.level], (row.measure, row.level)
        if row.areas not in places:
            places[row.areas] = frame.positions(row.areas.codes)
        if key not in found:
            found[key] = np.full((len(weeks), len(frame)), np.nan)
        at = places[row.areas]
        said = row.said & (at >= 0)
        found[key][week_of[row.week], at[said]] = row.counts[said]
    return found


def _summed(
    below: tuple[LevelFrame, Counts] | None, frame: LevelFrame, config: LocalityConfig
) -> Counts | None:
    if below is None:
        return None
    finer, counts = below
    rolled = roll_up(counts.values, finer.parents, n_parents=len(frame))
    share = rolled.reported
    if counts.reported is not None:
        share = roll_up(counts.reported, finer.parents, n_parents=len(frame), how="mean").values
    # A sum over too few reports would read as calm where half is silent.
    enough = share >= config.publish.min_reported_share
    return Counts(np.where(enough, rolled.values, np.nan), np.nan_to_num(share))
