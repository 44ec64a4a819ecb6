"""Boundary files → areas of one level each: mended, and joined where features share a code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from etl.findings import BoolArray, Doubts, IntArray
from etl.ledger import Ledger
from etl.settings import LocalityConfig
from etl.sources import values
from etl.sources.mapping import Areas, Body, Mapped, population_frame, read_amounts
from etl.sources.settings import AreasSource
from etl.sources.values import Amount
from etl.sources.vector import Features
from geo.checks import mend

WGS84 = "EPSG:4326"
_POLYGONS = (3, 6)


@dataclass(frozen=True)
class Zones:
    """Areas of one source, before levels are brought together.

    Attributes
    ----------
    areas : area_code, name, given_parent, row, geometry (EPSG:4326).
    mapped : the same as canonical rows, with their ledger.
    population : persons by area and group from the boundary file's own columns, or None.
    former : areas that are no more: area_code, since (ISO date of the first day without it),
        geometry (EPSG:4326); what `changes.overlay_changes` takes.
    """

    source: AreasSource
    areas: gpd.GeoDataFrame
    mapped: Mapped
    population: pd.DataFrame | None
    doubts: Doubts
    former: gpd.GeoDataFrame


def map_areas(
    features: Features,
    source: AreasSource,
    config: LocalityConfig,
    doubts: Doubts,
    *,
    today: date | None = None,
) -> Zones:
    """Areas of one boundary file; bad features wait in quarantine.

    Parameters
    ----------
    today : areas that are not valid on this day are set aside; without it all are taken.
    """
    span = _valid_on(features, source, doubts, today)
    table, geometry = span.features.table, span.features.geometry
    mapped = list(dict.fromkeys(table.found.values()))
    ledger = Ledger(table.cells[mapped], doubts)
    for name, faulty in span.faults:
        ledger.reject("bad_validity", faulty, column=name)
    body = Body(table.cells[mapped], table.found, ledger, span.set_aside)
    pattern = getattr(config.codes, source.level)
    code_name = table.found[source.columns.code]
    codes = values.codes(body.column(source.columns.code), source.code)
    blank = values.matches(codes, lambda text: not text)
    wrong = ~blank & ~values.matches(codes, values.whole(pattern))
    ledger.reject("missing_value", blank, column=code_name)
    ledger.reject("malformed_code", wrong, column=code_name, pattern=pattern)
    shapes = _mended(geometry, codes, ledger, config.locality.crs, column=code_name)
    persons = _persons(body, source)
    kept = np.flatnonzero(ledger.accepted)
    name_column, parent_column = source.columns.name, source.columns.parent
    own_names = codes if name_column is None else body.column(name_column)
    names = [values.half_width(str(text)) for text in own_names.iloc[kept]]
    own_codes = [str(code) for code in codes.iloc[kept]]
    areas = gpd.GeoDataFrame(
        {
            "area_code": pd.Series(own_codes, dtype="str"),
            "name": pd.Series(
                [name or code for name, code in zip(names, own_codes, strict=True)], dtype="str"
            ),
            "given_parent": ""
            if parent_column is None
            else values.codes(body.column(parent_column), source.code).iloc[kept].tolist(),
            "row": ledger.rows[kept],
        },
        geometry=list(shapes[kept]),
        crs=WGS84,
    )
    areas = joined(areas, doubts, column=code_name)
    frame = areas[["area_code", "name", "geometry"]].assign(level=str(source.level))
    population = None
    if persons is not None:
        population = _area_population(source, own_codes, persons[kept])
    return Zones(
        source, areas, Mapped(frame, ledger, span.set_aside), population, doubts, span.former
    )


@dataclass(frozen=True)
class _Span:
    """Features that are valid on a day.

    Attributes
    ----------
    faults : columns of validity with those of the features whose date is faulty.
    set_aside : how many are not valid.
    former : as in `Zones`.
    """

    features: Features
    faults: list[tuple[str, BoolArray]]
    set_aside: int
    former: gpd.GeoDataFrame


def _valid_on(features: Features, source: AreasSource, doubts: Doubts, today: date | None) -> _Span:
    """Set aside what is not valid on a day, and say so."""
    table, columns = features.table, source.columns
    n_rows = len(table.cells)
    bounds: dict[str, IntArray] = {}
    faults: list[tuple[str, BoolArray]] = []
    for wanted, unbounded in ((columns.valid_from, 0), (columns.valid_to, date.max.toordinal())):
        if wanted is None:
            continue
        column = table.cells[table.found[wanted]]
        days = [values.a_date(str(text)) for text in column]
        blank = values.matches(column, values.is_no_key)
        bad = np.array([day is None for day in days], dtype=np.bool_) & ~blank
        faults.append((table.found[wanted], bad))
        bounds[wanted] = np.array(
            [unbounded if day is None else day.toordinal() for day in days], dtype=np.int64
        )
    first = bounds.get(columns.valid_from or "", np.zeros(n_rows, dtype=np.int64))
    last = bounds.get(columns.valid_to or "", np.full(n_rows, date.max.toordinal()))
    if columns.valid_to is not None and columns.valid_from is not None:
        faults[-1] = (faults[-1][0], faults[-1][1] | (last < first))
    aside: BoolArray = np.zeros(n_rows, dtype=np.bool_)
    past = aside
    if today is not None:
        day, good = today.toordinal(), ~np.any([bad for _, bad in faults], axis=0)
        past, future = (last < day) & good, (first > day) & good
        rows = table.cells.index.to_numpy(dtype=np.int64)
        codes = table.cells[table.found[columns.code]].astype(str).to_numpy()
        for rule, mask, word, ends, wanted in (
            ("area_of_the_past", past, "until", last, columns.valid_to),
            ("area_of_the_future", future & ~past, "since", first, columns.valid_from),
        ):
            told = [date.fromordinal(int(end)).isoformat() for end in ends[mask]]
            doubts.add_rows(
                rule,
                rows[mask],
                column=None if wanted is None else table.found[wanted],
                came=codes[mask].tolist(),
                day=today.isoformat(),
                **{word: told},
            )
        aside = past | future
    kept = np.flatnonzero(~aside)
    cells = table.cells.iloc[kept]
    rest = replace(table, cells=cells, overfull=table.overfull[kept])
    chosen = [(name, bad[kept]) for name, bad in faults]
    former = _former(features, source, past, last)
    return _Span(Features(rest, features.geometry[kept]), chosen, int(aside.sum()), former)


def _former(
    features: Features, source: AreasSource, past: BoolArray, last: IntArray
) -> gpd.GeoDataFrame:
    """Areas that are no more and have a shape, joined by code and day."""
    table, shapes = features.table, features.geometry
    polygons = past & np.isin(shapely.get_type_id(shapes), _POLYGONS) & ~shapely.is_empty(shapes)
    at = np.flatnonzero(polygons)
    codes = values.codes(table.cells[table.found[source.columns.code]], source.code)
    parts: dict[tuple[str, int], list[int]] = {}
    for position, code in zip(at.tolist(), codes.iloc[at].astype(str), strict=True):
        parts.setdefault((code, int(last[position])), []).append(position)
    whole = [shapely.union_all(shapely.make_valid(shapes[own])) for own in parts.values()]
    return gpd.GeoDataFrame(
        {
            "area_code": pd.Series([code for code, _ in parts], dtype="str"),
            "since": pd.Series(
                [date.fromordinal(day + 1).isoformat() for _, day in parts], dtype="str"
            ),
        },
        geometry=whole,
        crs=WGS84,
    )


def _mended(
    given: npt.NDArray[np.object_],
    codes: pd.Series[str],
    ledger: Ledger,
    crs: str,
    *,
    column: str,
) -> npt.NDArray[np.object_]:
    """Valid polygons; says what was mended and rejects what is none."""
    nothing = shapely.is_missing(given) | shapely.is_empty(given)
    ledger.reject("missing_geometry", nothing, column=column)
    kinds = shapely.get_type_id(given)
    other = ~nothing & ~np.isin(kinds, _POLYGONS)
    ledger.reject("wrong_geometry", other, column=column, geometry="Polygon / MultiPolygon")
    bounds = shapely.bounds(given)
    off = (np.abs(bounds) > np.array([180, 90, 180, 90])).any(axis=1)
    ledger.reject("coordinates_off_earth", ~nothing & off, column=column)
    good = np.flatnonzero(ledger.accepted)
    before = gpd.GeoSeries(list(given[good]), crs=WGS84)
    result = mend(before)
    shapes = np.full(len(given), None, dtype=object)
    shapes[good] = result.geometry.to_numpy()
    if len(result.mended):
        first, after = (
            gpd.GeoSeries(shapes_of.to_numpy()[result.mended], crs=WGS84)
            .to_crs(crs)
            .area.to_numpy()
            for shapes_of in (before, result.geometry)
        )
        at = good[result.mended]
        ledger.doubts.add_rows(
            "ring_mended",
            ledger.rows[at],
            column=column,
            came=codes.iloc[at].astype(str).tolist(),
            area=codes.iloc[at].astype(str).tolist(),
            fault=list(result.reasons),
            change_m2=[f"{change:+.0f}" for change in after - first],
        )
        gone = np.zeros(len(given), dtype=bool)
        gone[at] = shapely.is_empty(shapes[at])
        ledger.reject("missing_geometry", gone, column=column)
    return shapes


def joined(areas: gpd.GeoDataFrame, doubts: Doubts, *, column: str) -> gpd.GeoDataFrame:
    """One area a code; features that share a code become its parts."""
    twice = areas["area_code"].duplicated(keep="first").to_numpy()
    if not twice.any():
        return areas
    repeated = areas[twice]
    doubts.add_rows(
        "duplicate_area",
        repeated["row"].to_numpy(dtype=np.int64),
        column=column,
        came=repeated["area_code"].tolist(),
    )
    parts: dict[str, list[int]] = {}
    for position, code in enumerate(areas["area_code"]):
        parts.setdefault(code, []).append(position)
    shapes = areas.geometry.to_numpy()
    joined = [shapely.union_all(shapes[positions]) for positions in parts.values()]
    return areas[~twice].reset_index(drop=True).set_geometry(joined, crs=WGS84)


def _persons(body: Body, source: AreasSource) -> npt.NDArray[np.float64] | None:
    if not source.population:
        return None
    names = [body.found[column] for column in source.population.values()]
    # A boundary stands without its population: a bad figure is said and blanked, not rejected.
    columns = read_amounts(body, names, whole=False, reject=False)[0]
    persons = np.stack([column.values for column in columns], axis=1)
    if source.empty == "zero":
        blank = np.stack([column.faults == Amount.BLANK for column in columns], axis=1)
        persons[blank] = 0.0
    return persons


def _area_population(
    source: AreasSource, codes: Sequence[str], persons: npt.NDArray[np.float64]
) -> pd.DataFrame:
    """Persons by area; parts of one area add up."""
    groups = list(source.population)
    parts = pd.DataFrame(persons, columns=groups, index=pd.Index(codes, name="area_code"))
    table = parts.groupby(level="area_code").sum(min_count=1)
    areas = Areas(str(source.level), "", np.array(table.index, dtype=object), ())
    persons_by_area = table.to_numpy(np.float64)
    rows = np.zeros(len(table), dtype=np.int64)  # an area may be of several features
    return population_frame(areas, np.arange(len(table)), groups, persons_by_area, rows)
