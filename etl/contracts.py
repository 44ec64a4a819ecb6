"""Schemas of the canonical tables: what every later room may rely on.

The mapping makes these tables; a breach is a fault of ours and not of a department, so it is
raised and never quarantined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import shapely

from etl.findings import rules
from geo.model import Kind, Level, PlaceQuality, RoadClass, SiteStatus

if TYPE_CHECKING:
    import geopandas as gpd

    from etl.outcome import DeliveryResult

_LEVELS = [str(level) for level in Level]
_SHARE_TOLERANCE = 1e-6


@cache
def population_schema() -> pa.DataFrameSchema:
    """level, area_code, group, persons; one row for a level, area and group."""
    return pa.DataFrameSchema(
        {
            "level": pa.Column(checks=pa.Check.isin(_LEVELS)),
            "area_code": pa.Column(checks=pa.Check.str_length(min_value=1)),
            "group": pa.Column(checks=pa.Check.str_length(min_value=1)),
            "persons": pa.Column("float64", pa.Check.ge(0), nullable=True),
            "source_row": pa.Column("int64", pa.Check.ge(0)),
        },
        unique=["level", "area_code", "group"],
        strict=True,
        name="population",
    )


@cache
def facilities_schema() -> pa.DataFrameSchema:
    """One row a site; coordinates in WGS 84, missing only for hotlines."""
    amount = pa.Column("float64", pa.Check.ge(0), nullable=True)
    text = pa.Column(nullable=True)
    return pa.DataFrameSchema(
        {
            "site_id": pa.Column(unique=True, checks=pa.Check.str_length(min_value=1)),
            "kind": pa.Column(checks=pa.Check.isin([str(kind) for kind in Kind])),
            "category": text,
            "name": pa.Column(checks=pa.Check.str_length(min_value=1)),
            "lon": pa.Column("float64", pa.Check.in_range(-180, 180), nullable=True),
            "lat": pa.Column("float64", pa.Check.in_range(-90, 90), nullable=True),
            "x_original": pa.Column("float64", nullable=True),
            "y_original": pa.Column("float64", nullable=True),
            "datum": pa.Column(),
            "area_code": text,
            "town_code": text,
            "village_code": text,
            "grid_code": text,
            "status": pa.Column(checks=pa.Check.isin([str(status) for status in SiteStatus])),
            **dict.fromkeys(("staff", "rooms", "area_m2", "beds", "places", "pupils"), amount),
            "hours": text,
            "floor": text,
            "owner": text,
            "opened_on": text,
            "closed_on": text,
            "quality": pa.Column(checks=pa.Check.isin([str(q) for q in PlaceQuality])),
            "source_row": pa.Column("int64", pa.Check.ge(1)),
        },
        checks=pa.Check(
            lambda sites: sites["lon"].notna() | (sites["kind"] == Kind.HOTLINE),
            error="a site without coordinates that is no hotline",
        ),
        strict=True,
        name="facilities",
    )


@cache
def observations_schema() -> pa.DataFrameSchema:
    """level, area_code, week, measure as categories; count whole and >= 0, NaN = no data."""
    return pa.DataFrameSchema(
        {
            "level": pa.Column(checks=_categories(lambda text: text in _LEVELS)),
            "area_code": pa.Column(checks=_categories(bool)),
            "week": pa.Column(
                checks=_categories(lambda text: len(text) == 8 and text[4:6] == "-W")
            ),
            "measure": pa.Column(checks=_categories(bool)),
            "count": pa.Column(
                "float64",
                [pa.Check.ge(0), pa.Check(lambda count: count.isna() | (count == np.floor(count)))],
                nullable=True,
            ),
            "source_row": pa.Column("int64", pa.Check.ge(0)),
        },
        checks=pa.Check(_unique_cells, error="an area, week and measure stands twice"),
        strict=True,
        name="observations",
    )


@cache
def context_schema() -> pa.DataFrameSchema:
    """theme, rank 1 to 3, name, class, direction, speed and bridge of a road, geometry."""
    return pa.DataFrameSchema(
        {
            "theme": pa.Column(checks=pa.Check.isin(["water", "road", "suitable", "excluded"])),
            "rank": pa.Column("int64", pa.Check.in_range(1, 3)),
            "name": pa.Column(),
            "road_class": pa.Column(checks=pa.Check.isin(list(RoadClass)), nullable=True),
            "one_way": pa.Column("int64", pa.Check.isin([-1, 0, 1])),
            "speed_kmh": pa.Column("float64", pa.Check.gt(0), nullable=True),
            "passes": pa.Column("bool"),
            "geometry": pa.Column(),
        },
        strict=True,
        name="context",
    )


@cache
def areas_schema() -> pa.DataFrameSchema:
    """level, area_code, name, parent_code, geometry; codes unique in a level, polygons valid."""
    return pa.DataFrameSchema(
        {
            "level": pa.Column(checks=pa.Check.isin(_LEVELS)),
            "area_code": pa.Column(checks=pa.Check.str_length(min_value=1)),
            "name": pa.Column(checks=pa.Check.str_length(min_value=1)),
            "parent_code": pa.Column(nullable=True),
            "geometry": pa.Column(
                checks=pa.Check(_valid_polygons, error="a geometry that is no valid polygon")
            ),
        },
        checks=pa.Check(
            lambda areas: areas["parent_code"].notna() | (areas["level"] == Level.COUNTY),
            error="an area below the county without a parent",
        ),
        unique=["level", "area_code"],
        strict=True,
        name="areas",
    )


@cache
def changes_schema() -> pa.DataFrameSchema:
    """level, old_code, new_code, since (ISO date), weight; the weights of one old area sum to 1."""
    code = pa.Column(checks=pa.Check.str_length(min_value=1))
    return pa.DataFrameSchema(
        {
            "level": pa.Column(checks=pa.Check.isin(_LEVELS)),
            "old_code": code,
            "new_code": code,
            "since": pa.Column(checks=pa.Check.str_matches(r"^\d{4}-\d{2}-\d{2}$")),
            "weight": pa.Column("float64", pa.Check.in_range(0, 1, include_min=False)),
            "source_row": pa.Column("int64", pa.Check.ge(1)),
        },
        checks=pa.Check(_whole_shares, error="the weights of an old area do not sum to 1"),
        unique=["level", "old_code", "new_code", "since"],
        strict=True,
        name="changes",
    )


@cache
def quarantine_schema() -> pa.DataFrameSchema:
    """file, then row, raw, rules, marks as `Ledger.quarantine` makes them; a row once a file."""
    text = pa.Column(checks=pa.Check.str_length(min_value=2))
    return pa.DataFrameSchema(
        {
            "file": pa.Column("int64"),
            "row": pa.Column("int64", pa.Check.ge(1)),
            "raw": text,
            "rules": pa.Column(checks=pa.Check(_known_rules, error="a rule of no catalogue")),
            "marks": text,
        },
        unique=["file", "row"],
        strict=True,
        name="quarantine",
    )


def check_intake(areas: gpd.GeoDataFrame, results: Iterable[DeliveryResult]) -> None:
    """Raise if a canonical table breaks its schema.

    Raises
    ------
    pandera.errors.SchemaErrors : with every breach.
    """
    areas_schema().validate(pd.DataFrame(areas), lazy=True)
    schemas = {
        "population": population_schema,
        "facilities": facilities_schema,
        "observations": observations_schema,
        "context": context_schema,
        "changes": changes_schema,
    }
    results = list(results)
    # Together, since a check of many columns costs more than that of the few rows they have.
    waiting = [result.quarantine.assign(file=at) for at, result in enumerate(results)]
    if waiting:
        quarantine_schema().validate(pd.concat(waiting, ignore_index=True), lazy=True)
    for result in results:
        if result.role in schemas and result.fate == "current":
            schemas[result.role]().validate(pd.DataFrame(result.frame), lazy=True)
        if result.population is not None:
            population_schema().validate(result.population, lazy=True)


def _whole_shares(changes: pd.DataFrame) -> bool:
    if changes.empty:
        return True
    sums = changes.groupby(["level", "old_code", "since"])["weight"].sum()
    return bool(np.allclose(sums.to_numpy(), 1.0, rtol=0, atol=_SHARE_TOLERANCE))


def _known_rules(column: pd.Series[str]) -> bool:
    return all(rule in rules() for text in column.unique() for rule in str(text).split(","))


def _categories(test: Callable[[str], bool]) -> pa.Check:
    """A check of each category instead of each row."""

    def passes(column: pd.Series[Any]) -> bool:
        return column.dtype == "category" and all(test(str(c)) for c in column.cat.categories)

    return pa.Check(passes)


def _unique_cells(frame: pd.DataFrame) -> bool:
    """Whether no area, week and measure stands twice; by codes, so that millions are quick."""
    key = np.zeros(len(frame), dtype=np.int64)
    for name in ("level", "area_code", "week", "measure"):
        column = frame[name].cat
        key = key * max(1, len(column.categories)) + column.codes.to_numpy()
    key.sort()
    return not (key[1:] == key[:-1]).any()


def _valid_polygons(column: pd.Series[Any]) -> bool:
    shapes = np.array(column.tolist(), dtype=object)
    kinds = shapely.get_type_id(shapes)
    return bool(np.isin(kinds, (3, 6)).all() and shapely.is_valid(shapes).all())
