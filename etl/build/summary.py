"""Step 6: the small tables that pages, walls and slides show as they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from etl.build.counts import CountBook
from etl.build.facilities import Reach
from etl.build.levels import Floats, LevelFrame, ancestors
from etl.build.residents import resident_mean
from etl.build.weeks import monday
from etl.build.work import Work
from etl.freshness import judge, rhythm
from etl.settings import LocalityConfig
from etl.sources.settings import Source
from geo.model import GapClass, Kind, Level, SiteStatus, Tier
from geo.rollup import roll_up

ROOM = Kind.COUNSELLING_ROOM
Row = tuple[str, float | None, float | None, str]
TIER_KEYS = {
    Tier.RED: "tier_red",
    Tier.ORANGE: "tier_orange",
    Tier.YELLOW: "tier_yellow",
    Tier.BLUE: "tier_blue",
}


def coverage_table(levels: Sequence[LevelFrame], reach: Reach, sites: pd.DataFrame) -> pd.DataFrame:
    """Residents within the threshold of each kind, for the county, its towns and villages."""
    persons = levels[0].persons["total"]
    open_sites = sites[sites["status"] == SiteStatus.OPEN]
    rows = []
    for position, frame in enumerate(levels):
        if frame.level == Level.GRID:
            continue
        parents = ancestors(levels, position)
        total = roll_up(persons, parents, n_parents=len(frame)).values
        for kind, inside in reach.covered.items():
            covered_persons = roll_up(
                np.where(inside > 0, persons, 0.0), parents, n_parents=len(frame)
            ).values
            cut_off = np.where(reach.unreachable[kind], np.nan_to_num(persons), 0.0)
            rows.append(
                pd.DataFrame(
                    {
                        "level": frame.level.value,
                        "area_code": frame.codes,
                        "name": frame.names,
                        "kind": kind.value,
                        "persons": total,
                        "persons_covered": covered_persons,
                        "persons_unreachable": roll_up(
                            cut_off, parents, n_parents=len(frame)
                        ).values,
                        "share": resident_mean(levels, position, inside, persons),
                        "sites_open": _sites_in(frame, open_sites[open_sites["kind"] == kind]),
                    }
                )
            )
    columns = ["level", "area_code", "name", "kind", "persons", "persons_covered",
               "persons_unreachable", "share",
               "sites_open"]  # fmt: skip
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns)


def _sites_in(frame: LevelFrame, sites: pd.DataFrame) -> Floats:
    """Number of sites in each area; the county holds them all."""
    if frame.level == Level.COUNTY:
        return np.full(len(frame), float(len(sites)))
    positions = frame.positions(sites[f"{frame.level}_code"].fillna("").to_numpy(dtype=object))
    return np.bincount(positions[positions >= 0], minlength=len(frame)).astype(np.float64)


def headline(
    work: Work,
    sites: pd.DataFrame,
    ranking: pd.DataFrame,
    coverage: pd.DataFrame,
    tier_rows: Sequence[Row],
) -> pd.DataFrame:
    """Few large numbers of the county: key, value, last week's value where there is one, unit."""
    total = float(np.nansum(work.levels[0].persons["total"]))
    n = {frame.level: len(frame) for frame in work.levels}
    open_sites = sites[sites["status"] == SiteStatus.OPEN]
    rooms = coverage[(coverage["level"] == Level.COUNTY) & (coverage["kind"] == ROOM)]
    covered_persons = float(rooms["persons_covered"].sum()) if len(rooms) else np.nan
    finest = ranking[ranking["level"] == (Level.VILLAGE if Level.VILLAGE in n else Level.TOWN)]
    rows: list[Row] = [
        ("population", total, None, "persons"),
        ("towns", n.get(Level.TOWN), None, "areas"),
        ("villages", n.get(Level.VILLAGE), None, "areas"),
        ("cells", n.get(Level.GRID), None, "areas"),
        ("sites_open", len(open_sites), None, "sites"),
        ("rooms_open", int((open_sites["kind"] == ROOM).sum()), None, "sites"),
        ("staff", float(open_sites["staff"].sum(min_count=1)), None, "persons"),
        ("covered_share", covered_persons / total, None, "share"),
        ("uncovered_persons", total - covered_persons, None, "persons"),
        ("unreachable_persons", rooms["persons_unreachable"].sum(min_count=1), None, "persons"),
        ("gap_villages", int((finest["gap"] == GapClass.SEVERE).sum()), None, "areas"),
        ("gap_persons", float(finest["gap_persons"].sum(min_count=1)), None, "persons"),
        *tier_rows,
    ]
    return pd.DataFrame(rows, columns=["key", "value", "previous", "unit"])


def warning_level(counts: CountBook) -> Level:
    """Level on which warned areas are counted: villages, or the next above that reports."""
    reporting = {level for by_level in counts.values() for level in by_level}
    for level in (Level.VILLAGE, Level.TOWN, Level.COUNTY):
        if level in reporting:
            return level
    return Level.GRID


def warning_rows(
    warnings: pd.DataFrame, weeks: Sequence[str], counts: CountBook, config: LocalityConfig
) -> list[Row]:
    """Headline rows: areas by their highest tier, this week and last; what has been reported."""

    def areas_by_tier(week: str) -> pd.Series:
        rows = warnings[(warnings["week"] == week) & (warnings["level"] == warning_level(counts))]
        return rows.groupby("area_code")["tier"].max().value_counts()

    now, before = areas_by_tier(weeks[-1]), areas_by_tier(weeks[-2])
    return [
        (key, float(now.get(int(tier), 0)), float(before.get(int(tier), 0)), "areas")
        for tier, key in TIER_KEYS.items()
    ] + [("reported_share", _reported(counts, config), None, "share")]


def _reported(counts: CountBook, config: LocalityConfig) -> float | None:
    """Share of the newest week's watched figures that has come in, over the reporting areas."""
    shares = [
        float((~np.isnan(own.values[-1])).mean())
        for code, by_level in counts.items()
        if config.measure(code).warn
        for own in by_level.values()
        if own.own
    ]
    return float(np.mean(shares)) if shares else None


def source_table(sources: pd.DataFrame, config: LocalityConfig, *, now: datetime) -> pd.DataFrame:
    """What came, how much of it counts, how old it is, and from when on it will be late.

    `stale` is as of `now`; whoever shows the table later judges by `max_age_days` and `expected`.
    """
    table = sources.copy()
    table["received_at_utc"] = [stamp.isoformat() for stamp in table["received_at_utc"]]
    weeks = [week if isinstance(week, str) else None for week in table["newest_week"]]
    table["newest_date"] = [monday(week).isoformat() if week else None for week in weeks]
    limits = [None if pd.isna(limit) else int(limit) for limit in table["max_age_days"]]
    table["max_age_days"] = pd.Series(limits, index=table.index, dtype=object)
    table["expected"] = [
        rhythm(role, limit) for role, limit in zip(table["role"], limits, strict=True)
    ]
    known = {source.id: ",".join(sorted(_measures(source))) for source in config.sources}
    table["measures"] = [known.get(source_id, "") for source_id in table["source_id"]]
    received = [datetime.fromisoformat(stamp).date() for stamp in table["received_at_utc"]]
    judged = [
        judge(
            newest_week=week,
            received_on=came,
            max_age_days=limit,
            expected=expected,
            failed=False,
            today=now.date(),
        )
        for week, came, limit, expected in zip(
            weeks, received, limits, table["expected"], strict=True
        )
    ]
    table["stale"] = [one.state == "stale" for one in judged]
    return table.drop(columns="bytes")


def _measures(source: Source) -> set[str]:
    """Measures that a source has counts of."""
    if source.role != "observations":
        return set()
    single = {source.measure} if source.measure else set(source.measures.values())
    return single | set(source.columns.counts)
