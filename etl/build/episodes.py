"""Step 6c: warnings followed through the weeks, and the sentence that says why each stands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from etl.build.disclose import Bools
from etl.build.levels import Ints, LevelFrame
from etl.build.reasons import Facts, Figure, episode_reason, warning_reason
from etl.build.watching import Watched
from etl.build.work import Work
from etl.model import Text
from geo.detect.episodes import COLUMNS, Episodes, TierLevel, follow_episodes, touching
from geo.detect.tiers import Raise
from geo.detect.watch import Look, Method
from geo.model import Colours, Level, Missing, Tier

EPISODE_COLUMNS = (*COLUMNS, "reason_zh", "reason_en")
# Weeks before that a sentence repeats.
EARLIER_WEEKS = 3


class Borders:
    """Which areas of each level touch, among those that a measure warns of."""

    def __init__(self, work: Work, levels: Sequence[Watched]) -> None:
        self._found = {
            seen.frame.level: _touching(seen, crs=work.config.locality.crs) for seen in levels
        }

    def of(self, level: Level) -> csr_array:
        return self._found[level]


def _touching(seen: Watched, *, crs: str) -> csr_array:
    frame = seen.frame
    at = np.flatnonzero((seen.tier >= Tier.BLUE).any(axis=0))
    shape = (len(frame), len(frame))
    if not len(at):
        return csr_array(shape, dtype=bool)
    side = touching(frame.geometry.take(at).to_crs(crs)).tocoo()
    return csr_array((side.data, (at[side.row], at[side.col])), shape=shape)


def follow_measure(work: Work, levels: Sequence[Watched], borders: Borders) -> Episodes:
    """Episodes of one measure, of the weeks tested.

    Parameters
    ----------
    levels : of the measure, finest first.
    """
    return follow_episodes(
        [
            TierLevel(
                level=one.frame.level,
                codes=one.frame.codes,
                names=one.frame.names,
                tiers=np.nan_to_num(one.tier, nan=float(Tier.NO_DATA)).astype(np.int8),
                held=one.tiers.held & (one.tier >= Tier.BLUE),
                parents=one.frame.parents,
                touching=borders.of(one.frame.level),
            )
            for one in levels
        ],
        measure=levels[0].measure.code,
        weeks=levels[0].weeks,
        hold_weeks=work.config.warnings.hold_weeks,
    )


def warning_reasons(work: Work, seen: Watched, at: tuple[Ints, Ints]) -> list[Text]:
    """Sentence of each warning at a week and area."""
    far = _far(work, seen.frame)
    return [
        warning_reason(_facts(work, seen, week, area, far=far))
        for week, area in zip(at[0].tolist(), at[1].tolist(), strict=True)
    ]


def _far(work: Work, frame: LevelFrame) -> Bools:
    """Where the nearest site of the kind that travel is to is beyond its threshold."""
    kind = work.config.kind(work.config.need.kind)
    minutes = work.book.values(f"nearest_min.{kind.code.value}", frame.level)
    if minutes is None:
        return np.zeros(len(frame), dtype=bool)
    far: Bools = minutes > kind.threshold_min
    return far


def _facts(work: Work, seen: Watched, week: int, area: int, *, far: Bools) -> Facts:
    found, tiers, evidence = seen.found, seen.tiers, seen.evidence
    raised = int(tiers.raised[week, area])
    upstream, spread = evidence.upstream[week, area], evidence.spread[week, area]
    high = round(float(spread) * int(seen.n_around[area])) if np.isfinite(spread) else None
    return Facts(
        name=str(seen.frame.names[area]),
        level=seen.frame.level,
        measure=seen.measure,
        tier=Tier(int(tiers.tier[week, area])),
        base=Tier(int(tiers.base[week, area])),
        count=_figure(seen, week, area),
        expected=float(found.expected[week, area]),
        method=Method(found.method[week, area]).name.lower(),
        look=Look(found.look[week, area]).name.lower(),
        reach=int(found.reach[week, area]),
        raised_by=[rule.name.lower() for rule in Raise if rule & raised],  # type: ignore[union-attr, misc]
        held=bool(tiers.held[week, area]),
        provisional=seen.is_provisional(week),
        weeks_high=int(tiers.weeks_high[week, area]),
        neighbours_high=high,
        upstream=Tier(int(upstream)) if np.isfinite(upstream) else Tier.NONE,
        far=bool(far[area]),
        # Only of weeks that are published here: of those before nothing keeps what was told.
        earlier=[
            _figure(seen, row, area) for row in range(max(week - EARLIER_WEEKS, seen.first), week)
        ],
        colours=Colours(work.config.warnings.colours),
    )


def _figure(seen: Watched, week: int, area: int) -> Figure:
    return Figure(float(seen.counts[week, area]), int(seen.counted[week, area]))


def episode_rows(work: Work, levels: Sequence[Watched], found: Episodes) -> pd.DataFrame:
    """Episodes that are live in the newest week or ended in it, and why."""
    by_level = {one.frame.level.value: one for one in levels}
    texts = []
    for row in found.newest.to_dict("records"):
        one = by_level[row["level"]]
        area = int(one.frame.positions([row["area_code"]])[0])
        newest = len(one.weeks) - 1
        stands = one.tier[newest, area] >= Tier.BLUE
        far = _far(work, one.frame)
        texts.append(
            episode_reason(
                warning_reason(_facts(work, one, newest, area, far=far)) if stands else None,
                name=row["name"],
                measure=one.measure,
                tier=Tier(row["tier"]),
                phase=row["phase"],
                weeks=row["weeks"],
                n_areas=row["n_areas"],
                withheld=bool(one.states[newest, area] == Missing.SUPPRESSED),
            )
        )
    return found.newest.assign(
        reason_zh=[text.zh for text in texts], reason_en=[text.en for text in texts]
    )
