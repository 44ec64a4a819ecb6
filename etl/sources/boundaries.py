"""Boundary files → areas of every level: mended, joined, each with its parent."""

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
from etl.sources.datums import check_boundaries
from etl.sources.mapping import Areas, Body, Mapped, population_frame, read_amounts
from etl.sources.settings import AreasSource
from etl.sources.values import Amount
from etl.sources.vector import Features
from geo.cells import representative_parents
from geo.checks import mend
from geo.model import LEVELS, Level

AREA_COLUMNS = ("level", "area_code", "name", "parent_code", "geometry")
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
    areas = _joined(areas, doubts, column=code_name)
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


def _joined(areas: gpd.GeoDataFrame, doubts: Doubts, *, column: str) -> gpd.GeoDataFrame:
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


def assemble(zones: Sequence[Zones], config: LocalityConfig) -> gpd.GeoDataFrame:
    """Areas of all levels, finest first, sorted by code, each with its parent.

    Without a file of the county it is dissolved from the coarsest level there is.

    Returns
    -------
    GeoDataFrame: level, area_code, name, parent_code (missing for the county), geometry
    (EPSG:4326, valid polygons).
    """
    check_boundaries(zones)
    by_level = {level: _of_level(zones, level) for level in LEVELS}
    present = {level: areas for level, areas in by_level.items() if len(areas)}
    if Level.COUNTY not in present:
        coarsest = [level for level in LEVELS if level in present][-1]
        present[Level.COUNTY] = _dissolved(present[coarsest], config)
        doubts = next(z.doubts for z in zones if z.source.level == coarsest)
        doubts.add("county_dissolved", level=coarsest.value, n=len(present[coarsest]))
    levels = [level for level in LEVELS if level in present]
    metric = {level: present[level].to_crs(config.locality.crs) for level in levels}
    parts = []
    for level, above in zip(levels, [*levels[1:], None], strict=True):
        areas = present[level].assign(level=str(level))
        parents: list[str | None] = [None] * len(areas)
        if above is not None:
            parents = _parents(metric[level], metric[above], above, zones)
        areas["parent_code"] = pd.Series(parents, dtype="str", index=areas.index)
        parts.append(areas[list(AREA_COLUMNS)])
    together = pd.concat(parts, ignore_index=True)
    return gpd.GeoDataFrame(together, geometry="geometry", crs=WGS84)


def _of_level(zones: Sequence[Zones], level: Level) -> gpd.GeoDataFrame:
    """Areas of one level from all its sources, sorted by code."""
    parts = [z.areas.assign(zone=i) for i, z in enumerate(zones) if z.source.level == level]
    if not parts:
        return gpd.GeoDataFrame({"area_code": []}, geometry=[], crs=WGS84)
    areas = pd.concat(parts, ignore_index=True)
    if areas["area_code"].duplicated().any():
        last = zones[int(areas["zone"].iloc[-1])]
        areas = _joined(areas, last.doubts, column=last.source.columns.code)
    return areas.sort_values("area_code", ignore_index=True)


def _dissolved(areas: gpd.GeoDataFrame, config: LocalityConfig) -> gpd.GeoDataFrame:
    whole = shapely.union_all(areas.geometry.to_numpy())
    return gpd.GeoDataFrame(
        {
            "area_code": [config.locality.code],
            "name": [config.locality.name.zh],
            "given_parent": [""],
            "row": [0],
            "zone": [-1],
        },
        geometry=[whole],
        crs=WGS84,
    )


def _parents(
    areas: gpd.GeoDataFrame, above: gpd.GeoDataFrame, level: Level, zones: Sequence[Zones]
) -> list[str | None]:
    """Code of each area's parent, by its source's own way, else by position."""
    known = set(above["area_code"])
    lengths = sorted({len(code) for code in known}, reverse=True)
    parents: list[str | None] = []
    way = [zones[zone].source.parents if zone >= 0 else "spatial" for zone in areas["zone"]]
    for code, given, by in zip(areas["area_code"], areas["given_parent"], way, strict=True):
        parent = None
        if by == "column" and given in known:
            parent = given
        elif by == "prefix":
            parent = next((code[:n] for n in lengths if n < len(code) and code[:n] in known), None)
        parents.append(parent)
    if len(known) == 1:
        only = next(iter(known))
        return [only] * len(areas)
    lost = np.array([parent is None for parent in parents])
    by_other = lost & np.array([by != "spatial" for by in way])
    _say(zones, areas, by_other, "unknown_parent", level=str(level))
    if lost.any():
        found = representative_parents(areas[lost], above)
        for position in np.flatnonzero(found.notna()).tolist():
            parents[np.flatnonzero(lost)[position]] = str(found.iloc[position])
        _to_nearest(areas, above, parents, level, zones)
    return parents


def _to_nearest(
    areas: gpd.GeoDataFrame,
    above: gpd.GeoDataFrame,
    parents: list[str | None],
    level: Level,
    zones: Sequence[Zones],
) -> None:
    """Give areas that touch no parent to the nearest one, and say so."""
    lost = np.array([parent is None for parent in parents])
    if not lost.any():
        return
    tree = shapely.STRtree(above.geometry.to_numpy())
    shapes = areas.geometry.to_numpy()[lost]
    nearest = tree.nearest(shapes)
    away = shapely.distance(shapes, above.geometry.to_numpy()[nearest])
    for position, place in zip(np.flatnonzero(lost).tolist(), nearest.tolist(), strict=True):
        parents[position] = str(above["area_code"].iloc[place])
    metres = [f"{distance:.0f}" for distance in away]
    _say(zones, areas, lost, "parent_by_nearest", level=str(level), metres=metres)


def _say(
    zones: Sequence[Zones],
    areas: gpd.GeoDataFrame,
    mask: npt.NDArray[np.bool_],
    rule: str,
    **words: object,
) -> None:
    """A finding for each masked area, in the file it came from."""
    chosen = areas[mask]
    for zone in sorted(set(chosen["zone"])):
        own = (chosen["zone"] == zone).to_numpy()
        of_zone = {
            key: [w for w, mine in zip(word, own, strict=True) if mine]
            if isinstance(word, list)
            else word
            for key, word in words.items()
        }
        zones[zone].doubts.add_rows(
            rule,
            chosen.loc[own, "row"].to_numpy(dtype=np.int64),
            column=zones[zone].source.columns.code,
            came=chosen.loc[own, "area_code"].tolist(),
            **of_zone,
        )
