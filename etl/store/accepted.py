"""Accepted rows of the store as frames: what a build starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Engine, func, select

from etl.store import tables as t
from etl.store.engine import fetch_blocks

KEYS = ("level", "area_code", "week", "measure")


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


_READ = ("area", "population", "site", "context", "source", "finding", "area_change")


def load_accepted(engine: Engine) -> Accepted:
    """Read everything accepted, without the weekly counts."""
    with engine.connect() as connection:
        read = {
            name: pd.read_sql_query(select(t.metadata.tables[f"intake_{name}"]), connection)
            for name in (
                "area",
                "population",
                "site",
                "context",
                "source",
                "finding",
                "area_change",
            )
        }
    return Accepted(
        areas=_geo(read["area"].sort_values(["level", "area_code"], ignore_index=True)),
        population=read["population"],
        sites=read["site"].sort_values("site_id", ignore_index=True),
        context=_geo(read["context"]),
        sources=read["source"].sort_values("source_id", ignore_index=True),
        changes=read["area_change"].drop(columns="delivery_id"),
        findings=read["finding"].sort_values("finding_id", ignore_index=True),
    )


def load_counts(
    engine: Engine, *, since: str, until: str, measures: Sequence[str] | None = None
) -> pd.DataFrame:
    """Weekly counts from `since` to `until`, both ISO weeks, inclusive.

    Parameters
    ----------
    measures : which ones; None for all.

    Returns
    -------
    level, area_code, week, measure as categories; count float64, NaN where known to be missing.
    """
    columns = t.intake_observation.c
    query = select(
        columns.level, columns.area_code, columns.week, columns.measure, columns.count
    ).where(columns.week.between(since, until))
    if measures is not None:
        query = query.where(columns.measure.in_(measures))
    codes = {name: _Codes() for name in KEYS}
    parts: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in (*KEYS, "count")}
    with engine.connect() as connection:
        for rows in fetch_blocks(connection, query):
            *keys, counts = zip(*rows, strict=True)
            for (name, seen), texts in zip(codes.items(), keys, strict=True):
                numbers = map(seen.__getitem__, texts)
                parts[name].append(np.fromiter(numbers, np.int32, len(texts)))
            parts["count"].append(np.array(counts, dtype=np.float64))  # None becomes NaN
    columns_out: dict[str, Any] = {
        name: _categories(seen, parts[name]) for name, seen in codes.items()
    }
    columns_out["count"] = np.concatenate([*parts["count"], np.empty(0)])
    return pd.DataFrame(columns_out)


class _Codes(dict[str, int]):
    """Numbers texts in the order in which they come."""

    def __missing__(self, text: str) -> int:
        self[text] = number = len(self)
        return number


def _categories(seen: _Codes, parts: Sequence[npt.NDArray[Any]]) -> pd.Categorical:
    """Codes as a categorical with its categories sorted, as pandas makes one from texts."""
    texts = np.array(list(seen), dtype=object)
    order = np.argsort(texts)
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order))
    codes = rank[np.concatenate([*parts, np.empty(0, np.int32)])]
    return pd.Categorical.from_codes(codes, categories=pd.Index(texts[order], dtype="str"))


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
