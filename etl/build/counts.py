"""Step 3: weekly counts of every level, rolled up where a level has none of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from etl.build.levels import Floats, LevelFrame
from etl.settings import LocalityConfig
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


def arrange_counts(
    counts: pd.DataFrame,
    levels: Sequence[LevelFrame],
    weeks: Sequence[str],
    config: LocalityConfig,
) -> CountBook:
    """Measure → level → counts, for every level at or above the finest one that reports.

    A level's own figures are used where its departments gave any; otherwise the level below is
    summed where at least `publish.min_reported_share` of its areas has reported.
    """
    book: dict[str, dict[Level, Counts]] = {}
    for measure in config.measures:
        rows = counts[counts["measure"] == measure.code]
        by_level: dict[Level, Counts] = {}
        below: tuple[LevelFrame, Counts] | None = None
        for frame in levels:
            own = rows[rows["level"] == frame.level]
            found = _own(own, frame, weeks) if len(own) else _summed(below, frame, config)
            if found is not None:
                by_level[frame.level] = found
                below = (frame, found)
        if by_level:
            book[measure.code] = by_level
    return book


def _own(rows: pd.DataFrame, frame: LevelFrame, weeks: Sequence[str]) -> Counts:
    values = np.full((len(weeks), len(frame)), np.nan)
    week_of = pd.Index(weeks).get_indexer(rows["week"].cat.categories)
    area_of = pd.Index(frame.codes).get_indexer(rows["area_code"].cat.categories)
    week_positions = week_of[rows["week"].cat.codes]
    area_positions = area_of[rows["area_code"].cat.codes]
    known = (week_positions >= 0) & (area_positions >= 0)
    values[week_positions[known], area_positions[known]] = rows["count"].to_numpy()[known]
    return Counts(values)


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
