"""Accepted rows of the store as frames: what a build starts from."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import pandas as pd
from sqlalchemy import Engine, func, select

from etl.store import tables as t


@dataclass(frozen=True)
class Accepted:
    """All that a build needs, but for the weekly counts.

    Attributes
    ----------
    areas : level, area_code, name, parent_code, geometry (EPSG:4326), sorted by level and code.
    population : level, area_code, group_code, persons.
    sites : rows of `intake_site`, sorted by site id.
    context : theme, rank, name, geometry (EPSG:4326).
    sources, findings : rows of `intake_source` and `intake_finding`.
    """

    areas: gpd.GeoDataFrame
    population: pd.DataFrame
    sites: pd.DataFrame
    context: gpd.GeoDataFrame
    sources: pd.DataFrame
    findings: pd.DataFrame


def load_accepted(engine: Engine) -> Accepted:
    """Read everything accepted, without the weekly counts."""
    with engine.connect() as connection:
        read = {
            name: pd.read_sql_query(select(t.metadata.tables[f"intake_{name}"]), connection)
            for name in ("area", "population", "site", "context", "source", "finding")
        }
    return Accepted(
        areas=_geo(read["area"].sort_values(["level", "area_code"], ignore_index=True)),
        population=read["population"],
        sites=read["site"].sort_values("site_id", ignore_index=True),
        context=_geo(read["context"]),
        sources=read["source"].sort_values("source_id", ignore_index=True),
        findings=read["finding"].sort_values("finding_id", ignore_index=True),
    )


def load_counts(engine: Engine, *, since: str, until: str) -> pd.DataFrame:
    """Weekly counts from `since` to `until`, both ISO weeks, inclusive.

    Returns
    -------
    level, area_code, week, measure as categories; count float64, NaN where known to be missing.
    """
    columns = t.intake_observation.c
    query = select(
        columns.level, columns.area_code, columns.week, columns.measure, columns.count
    ).where(columns.week.between(since, until))
    with engine.connect() as connection:
        frame = pd.read_sql_query(query, connection)
    return frame.astype(
        dict.fromkeys(("level", "area_code", "week", "measure"), "category")
    ).assign(count=frame["count"].astype("float64"))


def newest_week(engine: Engine, *, until: str) -> str | None:
    """Newest week with any reported count, no later than `until`."""
    columns = t.intake_observation.c
    query = select(func.max(columns.week)).where(columns.week <= until, columns.count.is_not(None))
    with engine.connect() as connection:
        newest: str | None = connection.scalar(query)
    return newest


def _geo(frame: pd.DataFrame) -> gpd.GeoDataFrame:
    geometry = gpd.GeoSeries.from_wkb(frame["geometry"], crs="EPSG:4326")
    return gpd.GeoDataFrame(frame.drop(columns="geometry"), geometry=geometry, crs="EPSG:4326")
