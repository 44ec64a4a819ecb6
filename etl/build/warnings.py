"""Step 6: tiers on the map, the list of warnings, and how much of it may be chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from etl.build import text
from etl.build.delay import tell_delays
from etl.build.disclose import Bools
from etl.build.episodes import (
    EPISODE_COLUMNS,
    Borders,
    episode_rows,
    follow_measure,
    warning_reasons,
)
from etl.build.figures import Figures
from etl.build.history import History
from etl.build.layers import LayerSpec
from etl.build.levels import Floats, Ints, LevelFrame
from etl.build.watching import Watch, Watched
from etl.build.work import Work
from etl.sections import MeasureSettings
from etl.settings import LocalityConfig
from geo.detect.tiers import Raise
from geo.detect.watch import Look, Method
from geo.model import Level, Missing, Tier

_WARNING_COLUMNS = (
    "level", "area_code", "name", "parent_code", "measure", "week", "tier", "base_tier",
    "raised_by", "held", "count", "expected", "upper", "score", "method", "look", "reach",
    "provisional", "weeks_running", "since_week", "episode_id", "reason_zh", "reason_en",
)  # fmt: skip
_DETECTION_COLUMNS = (
    "measure", "level", "week", "n_areas", "n_ears", "n_farrington", "n_warned", "expected_false",
    "fdr", "provisional",
)  # fmt: skip


@dataclass(frozen=True)
class Warned:
    """What a build says of warnings.

    Attributes
    ----------
    rows : one row a warning of the published weeks.
    detection : one row a measure, level and published week: how many areas were held against
        what, how many are warned, and how many alarms chance alone would raise at most.
    episodes : one row a warning that is followed through the weeks, live in the newest or ended
        in it, with its sentence.
    """

    rows: pd.DataFrame
    detection: pd.DataFrame
    episodes: pd.DataFrame


def watch(work: Work, figures: Figures, history: History, gaps: Mapping[Level, Floats]) -> Warned:
    """Add the tiers of the published weeks to the book.

    Parameters
    ----------
    history : counts of the years before.
    gaps : level → gap class of each area.
    """
    watch = Watch(work, figures, history, gaps, tell_delays(work, week=figures.weeks[-1]))
    highest: dict[Level, _Highest] = {}
    warnings, detection, episodes = [], [], []
    for code, shown in figures.by_measure.items():
        if not work.config.measure(code).warn:
            continue
        # One measure at a time: what was found of all cells is large.
        levels = [watch.look(one) for one in shown]
        followed = follow_measure(work, levels, Borders(work, levels))
        episodes.append(episode_rows(work, levels, followed))
        for seen, members in zip(levels, followed.members, strict=True):
            _add_tiers(work, seen)
            highest.setdefault(seen.frame.level, _Highest.none(seen)).add(seen)
            warnings.append(_warning_rows(work, seen, followed.ids, members))
            detection.append(_detection_rows(work.config, seen))
    for frame in work.levels:
        if frame.level in highest:
            _add_highest(work, frame, highest[frame.level])
    rows = _joined(warnings, _WARNING_COLUMNS)
    names = {
        code: name
        for frame in work.levels
        for code, name in zip(frame.codes, frame.names, strict=True)
    }
    return Warned(
        rows.assign(parent_name=[names.get(code, "") for code in rows["parent_code"]]),
        _joined(detection, _DETECTION_COLUMNS),
        _joined(episodes, EPISODE_COLUMNS),
    )


def _tier_spec(measure: MeasureSettings, config: LocalityConfig) -> LayerSpec:
    chosen = config.warnings
    return text.measure_spec(
        "tier_measure",
        "warning",
        "tier",
        measure,
        years=chosen.history_years,
        blue=f"{chosen.blue:g}",
        yellow=f"{chosen.yellow:g}",
        orange=f"{chosen.orange:g}",
        red=f"{chosen.red:g}",
        floor=max(chosen.min_count, config.disclosure.k),
    )


def _add_tiers(work: Work, seen: Watched) -> None:
    """Add the tiers of the published weeks."""
    spec, every = _tier_spec(seen.measure, work.config), seen.states
    for row in range(seen.first, len(seen.weeks)):
        states, tier = every[row], seen.tiers.tier[row].astype(np.float64)
        if (states != Missing.NO_DATA).any():
            work.book.add(spec, seen.frame.level, tier, states=states, week=seen.weeks[row])


@dataclass
class _Highest:
    """Highest tier of the measures seen so far in each published week of a level.

    Attributes
    ----------
    top : NaN where no measure has a tier that is published.
    hidden : where the count of a measure is withheld.
    """

    weeks: Sequence[str]
    top: Floats
    hidden: Bools

    @classmethod
    def none(cls, seen: Watched) -> _Highest:
        """Before any measure."""
        shape = (len(seen.weeks) - seen.first, len(seen.frame))
        return cls(seen.weeks[seen.first :], np.full(shape, np.nan), np.zeros(shape, dtype=bool))

    def add(self, seen: Watched) -> None:
        """Take a measure in."""
        self.top = np.fmax(self.top, seen.tier[seen.first :])
        self.hidden |= seen.states[seen.first :] == Missing.SUPPRESSED


def _add_highest(work: Work, frame: LevelFrame, highest: _Highest) -> None:
    """Add the highest of the published tiers; withheld where some are and none is published."""
    spec = text.plain_spec("tier", "warning", "tier", weekly=True)
    states = np.where(highest.hidden, int(Missing.SUPPRESSED), int(Missing.NO_DATA))
    states = np.where(np.isnan(highest.top), states, int(Missing.OK)).astype(np.uint8)
    for row, week in enumerate(highest.weeks):
        if (states[row] != Missing.NO_DATA).any():
            work.book.add(spec, frame.level, highest.top[row], states=states[row], week=week)


def _warning_rows(work: Work, seen: Watched, ids: Sequence[str], members: Ints) -> pd.DataFrame:
    """One row a published warning; `members` are positions in `ids`, of each week and area."""
    frame, found, tiers = seen.frame, seen.found, seen.tiers
    weeks = np.array(seen.weeks, dtype=object)
    standing = seen.tier >= Tier.BLUE
    standing[: seen.first] = False
    week_at, area_at = np.nonzero(standing)
    at = week_at, area_at
    spans, reasons = tiers.weeks_running[at], warning_reasons(work, seen, at)
    return pd.DataFrame(
        {
            "level": frame.level.value,
            "area_code": frame.codes[area_at],
            "name": frame.names[area_at],
            "parent_code": frame.parent_codes[area_at],
            "measure": seen.measure.code,
            "week": weeks[week_at],
            "tier": tiers.tier[at].astype(int),
            "base_tier": tiers.base[at].astype(int),
            "raised_by": _raised_by(tiers.raised[at]),
            "held": tiers.held[at],
            "count": seen.counts[at],
            "expected": np.round(found.expected[at]),
            "upper": np.ceil(found.upper_bound[at]),
            "score": np.round(found.score[at], 1),
            "method": _names(Method)[found.method[at]],
            "look": _names(Look)[found.look[at]],
            "reach": found.reach[at],
            "provisional": week_at >= len(weeks) - seen.provisional,
            "weeks_running": spans,
            "since_week": weeks[np.maximum(week_at - spans + 1, 0)],
            "episode_id": np.array([*ids, ""], dtype=object)[members[at]],
            "reason_zh": [reason.zh for reason in reasons],
            "reason_en": [reason.en for reason in reasons],
        }
    )


def _names(kinds: type[Method] | type[Look]) -> np.ndarray:
    return np.array([kind.name.lower() for kind in kinds], dtype=object)


def _raised_by(flags: np.ndarray) -> list[str]:
    """The rules of each tier, as "persistence,gap"."""
    words = {
        flag: ",".join(str(rule.name).lower() for rule in Raise if rule & flag)
        for flag in np.unique(flags).tolist()
    }
    return [words[flag] for flag in flags.tolist()]


def _detection_rows(config: LocalityConfig, seen: Watched) -> pd.DataFrame:
    """How the published weeks were tested."""
    rows = slice(seen.first, len(seen.weeks))
    tested, alarms = ~np.isnan(seen.found.score[rows]), seen.alarms
    method, expected = seen.found.method[rows], alarms.expected[rows]
    if len(seen.frame) >= config.warnings.fdr_from_areas:
        # What is left after control holds no more chance than it lets pass.
        expected = np.minimum(expected, config.warnings.fdr * alarms.n_alarms[rows])
    return pd.DataFrame(
        {
            "measure": seen.measure.code,
            "level": seen.frame.level.value,
            "week": list(seen.weeks[rows]),
            "n_areas": tested.sum(axis=1),
            "n_ears": (tested & (method == Method.EARS)).sum(axis=1),
            "n_farrington": (tested & (method == Method.FARRINGTON)).sum(axis=1),
            "n_warned": (seen.tier[rows] >= Tier.BLUE).sum(axis=1),
            "expected_false": np.round(expected, 2),
            "fdr": np.round(alarms.fdr[rows], 3),
            "provisional": np.arange(seen.first, len(seen.weeks))
            >= len(seen.weeks) - seen.provisional,
        }
    )


def _joined(found: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    filled = [rows for rows in found if len(rows)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=list(columns))
