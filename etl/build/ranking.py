"""Step 6b: villages and towns by gap and shortage, and how that holds under other borders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from etl.build.facilities import Reach
from etl.build.gaps import Gaps
from etl.build.levels import Floats, Ints, LevelFrame, ancestors
from etl.build.residents import resident_mean
from etl.build.shortage import Shortage
from geo.arrays import Int8Array
from geo.maup import (
    area_stability,
    shifted_squares,
    staying_share,
    worst_areas,
    zone_means,
    zone_medians,
)
from geo.model import GapClass, Kind, Level
from geo.rollup import roll_up

ROOM = Kind.COUNSELLING_ROOM
RANKED = (Level.VILLAGE, Level.TOWN)
# The grid of squares is laid anew by half a side: east, north, both.
SHIFTS = ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5))
SORT = ["gap", "shortage", "gap_persons", "uncovered_persons", "area_code"]
COLUMNS = [
    "level", "area_code", "name", "parent_name", "persons", "uncovered_persons", "covered_share",
    "villages", "villages_uncovered", "access", "need", "shortage", "gap", "gap_persons",
    "nearest_min",
]  # fmt: skip


def gap_ranking(
    levels: Sequence[LevelFrame], reach: Reach, gaps: Gaps, shortage: Shortage
) -> pd.DataFrame:
    """Towns and villages by gap class, in a class by shortage score; the worst first."""
    persons = levels[0].persons["total"]
    covered = reach.covered.get(ROOM, np.full(len(levels[0]), np.nan))
    minutes = reach.minutes.get(ROOM, np.full(len(levels[0]), np.nan))
    outside = np.where(np.isnan(covered), np.nan, np.where(covered > 0, 0.0, persons))
    in_gap = np.where(
        np.isnan(gaps.classes), np.nan, np.where(gaps.classes >= GapClass.CLEAR, persons, 0.0)
    )
    names = {c: n for f in levels for c, n in zip(f.codes, f.names, strict=True)}
    rows = []
    uncovered_village: Floats | None = None
    village: LevelFrame | None = None
    for position, frame in enumerate(levels):
        if frame.level not in RANKED:
            continue
        parents = ancestors(levels, position)
        n = len(frame)
        share = resident_mean(levels, position, covered, persons)
        villages = np.full(n, np.nan)
        villages_uncovered = np.full(n, np.nan)
        if frame.level == Level.VILLAGE:
            # A village counts as without a room where most of its residents are out of reach.
            village, uncovered_village = frame, (share < 0.5).astype(np.float64)
        elif village is not None and uncovered_village is not None:
            villages = roll_up(np.ones(len(village)), village.parents, n_parents=n).values
            villages_uncovered = roll_up(uncovered_village, village.parents, n_parents=n).values
        rows.append(
            pd.DataFrame(
                {
                    "level": frame.level.value,
                    "area_code": frame.codes,
                    "name": frame.names,
                    "parent_name": [names.get(code, "") for code in frame.parent_codes],
                    "persons": roll_up(persons, parents, n_parents=n).values,
                    "uncovered_persons": roll_up(outside, parents, n_parents=n).values,
                    "covered_share": share,
                    "villages": villages,
                    "villages_uncovered": villages_uncovered,
                    "access": resident_mean(levels, position, reach.access, persons),
                    "need": resident_mean(levels, position, gaps.need, persons),
                    "shortage": resident_mean(levels, position, shortage.score, persons),
                    "gap": gaps.by_level[frame.level],
                    "gap_persons": roll_up(in_gap, parents, n_parents=n).values,
                    "nearest_min": resident_mean(levels, position, minutes, persons),
                }
            )
        )
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=COLUMNS)
    return table.sort_values(SORT, ascending=[False] * 4 + [True], ignore_index=True)


@dataclass(frozen=True)
class _Zoning:
    name: str
    shift: int
    zones: Ints
    n: int


def try_borders(
    levels: Sequence[LevelFrame], gaps: Gaps, shortage: Shortage, ranking: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Repeat the ranking on other zonings and at the other catchments.

    Parameters
    ----------
    ranking : see `gap_ranking`.

    Returns
    -------
    The ranking with `worst` (1 in the worst tenth of its level, 0 not, missing where not ranked),
    `stays_worst` (share of the other variants in which at least half of its residents are) and
    `variants` (how many), and the table `gap_robustness`: one row a ranked level, zoning, shift
    and catchment.
    """
    persons = np.nan_to_num(levels[0].persons["total"])
    zonings = _zonings(levels)
    marks: dict[tuple[str, int, float], Int8Array] = {}
    for zoning in zonings:
        for catchment_m, score in shortage.by_catchment.items():
            classes = gaps.by_catchment[catchment_m]
            worse = _order(zoning, classes, score / (shortage.most + 1), persons)
            marks[zoning.name, zoning.shift, catchment_m] = _mark(zoning, worse, persons)
    robust, notes = [], []
    for position, frame in enumerate(levels):
        base = (frame.level.value, 0, shortage.default)
        if frame.level not in RANKED or base not in marks:
            continue
        others = {key: mark for key, mark in marks.items() if key != base}
        for (zoning_name, shift, catchment_m), mark in others.items():
            found = staying_share(marks[base], mark, persons)
            robust.append((frame.level.value, zoning_name, shift, catchment_m, *found))
        parents = ancestors(levels, position)
        stable = area_stability(
            np.stack(list(others.values())), persons, parents, n_areas=len(frame)
        )
        worst = np.full(len(frame), np.nan)
        has = (parents >= 0) & (marks[base] >= 0)
        worst[parents[has]] = marks[base][has]
        notes.append(
            pd.DataFrame(
                {
                    "level": frame.level.value,
                    "area_code": frame.codes,
                    "worst": worst,
                    "stays_worst": stable.share,
                    "variants": stable.variants.astype(np.float64),
                }
            )
        )
    keys = ["level", "area_code"]
    noted = pd.DataFrame(columns=[*keys, "worst", "stays_worst", "variants"])
    if notes:
        noted = pd.concat(notes, ignore_index=True)
    columns = ["ranking", "zoning", "shift", "catchment_m", "share_stays", "n", "expected"]
    return ranking.merge(noted, on=keys, how="left"), pd.DataFrame(robust, columns=columns)


def _order(zoning: _Zoning, classes: Floats, score: Floats, persons: Floats) -> Floats:
    """What zones are ranked by: class of the median resident, in a class the mean score below 1.

    Without a score a zone stands at the end of its class; without a class it is not ranked.
    """
    median = zone_medians(classes, persons, zoning.zones, n_zones=zoning.n)
    mean = zone_means(score, persons, zoning.zones, n_zones=zoning.n)
    # Equals must be equal: means of the same points differ in the last digits.
    order: Floats = np.round(median + np.nan_to_num(mean), 9)
    return order


def _mark(zoning: _Zoning, worse: Floats, persons: Floats) -> Int8Array:
    """1, 0 or -1 of the zone of each unit of the finest level."""
    has = zoning.zones >= 0
    people = np.bincount(zoning.zones[has], persons[has], minlength=zoning.n)
    worst = worst_areas(worse, people)
    return np.where(has, worst[zoning.zones], -1).astype(np.int8)


def _zonings(levels: Sequence[LevelFrame]) -> list[_Zoning]:
    """Villages, towns, and squares of about the size of a village, laid four times."""
    found = [
        _Zoning(frame.level.value, 0, ancestors(levels, position), len(frame))
        for position, frame in enumerate(levels)
        if frame.level in RANKED
    ]
    if not found:
        return []
    units = levels[0]
    area_m2 = float(units.area_m2.sum())
    # At least four units a square: with fewer it would be the units over again.
    side_m = max(np.sqrt(area_m2 / found[0].n), 2 * np.sqrt(area_m2 / len(units)))
    for shift, moved in enumerate(SHIFTS):
        zones = shifted_squares(units.xy, size_m=side_m, shift=moved)
        found.append(_Zoning("squares", shift, zones, int(zones.max(initial=-1)) + 1))
    return found
