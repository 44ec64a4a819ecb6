"""Accepted rows of the store as frames: what a build starts from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd
from sqlalchemy import Engine, Table, func, select

from etl.store import tables as t
from etl.store.packed import WeekCounts, read_counts


@dataclass(frozen=True)
class Accepted:
    """All that a build needs, but for the weekly counts.

    Attributes
    ----------
    areas : level, area_code, name, parent_code, geometry (EPSG:4326), sorted by level and code.
    population : level, area_code, group_code, persons.
    sites : rows of `intake_site`, sorted by site id.
    context : theme, rank, name, road_class, one_way, speed_kmh, passes, geometry (EPSG:4326).
    sources, findings : rows of `intake_source` and `intake_finding`.
    changes : rows of `intake_area_change`.
    """

    areas: gpd.GeoDataFrame
    population: pd.DataFrame
    sites: pd.DataFrame
    context: gpd.GeoDataFrame
    sources: pd.DataFrame
    findings: pd.DataFrame
    changes: pd.DataFrame


def load_accepted(engine: Engine) -> Accepted:
    """Read everything accepted, without the weekly counts."""
    return Accepted(
        areas=load_areas(engine),
        population=_read(engine, t.intake_population),
        sites=_read(engine, t.intake_site).sort_values("site_id", ignore_index=True),
        context=load_context(engine),
        sources=_read(engine, t.intake_source).sort_values("source_id", ignore_index=True),
        changes=_read(engine, t.intake_area_change).drop(columns="delivery_id"),
        findings=_read(engine, t.intake_finding).sort_values("finding_id", ignore_index=True),
    )


def load_areas(engine: Engine) -> gpd.GeoDataFrame:
    """Areas in force, as in `Accepted`."""
    areas = _read(engine, t.intake_area)
    return _geo(areas.sort_values(["level", "area_code"], ignore_index=True))


def load_context(engine: Engine) -> gpd.GeoDataFrame:
    """Water, roads and zones in force, as in `Accepted`."""
    return _geo(_read(engine, t.intake_context))


def _read(engine: Engine, table: Table) -> pd.DataFrame:
    with engine.connect() as connection:
        return pd.read_sql_query(select(table), connection)


def load_counts(
    engine: Engine, *, since: str, until: str, measures: Sequence[str] | None = None
) -> Iterator[WeekCounts]:
    """Weekly counts from `since` to `until`, both ISO weeks, inclusive; in no order.

    Arrays are unpacked as they are asked for, and none of other weeks and measures is touched.

    Parameters
    ----------
    measures : which ones; None for all.
    """
    columns = t.intake_count.c
    where = [columns.week.between(since, until)]
    if measures is not None:
        where.append(columns.measure.in_(measures))
    with engine.connect() as connection:
        yield from read_counts(connection, *where)


def newest_week(engine: Engine, *, until: str) -> str | None:
    """Newest week with any reported count, no later than `until`."""
    columns = t.intake_count.c
    query = select(func.max(columns.week)).where(columns.week <= until, columns.known > 0)
    with engine.connect() as connection:
        newest: str | None = connection.scalar(query)
    return newest


def _geo(frame: pd.DataFrame) -> gpd.GeoDataFrame:
    geometry = gpd.GeoSeries.from_wkb(frame["geometry"], crs="EPSG:4326")
    return gpd.GeoDataFrame(frame.drop(columns="geometry"), geometry=geometry, crs="EPSG:4326")
