"""Where a site stands: by its coordinate in any datum, else at a point of its area."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from etl.findings import BoolArray, Ledger, listed
from etl.sources import values
from etl.sources.geography import FloatArray, Geography, Place
from etl.sources.headers import plain
from etl.sources.mapping import Body
from etl.sources.settings import FacilitiesSource
from etl.sources.values import Amount
from geo.datum import to_wgs84
from geo.model import Level, PlaceQuality

# Coordinate and area code may disagree by this much before it is said: what a wrong datum costs.
MISMATCH_M = 500.0


@dataclass
class Spots:
    """Where the sites of a file stand, corrected step by step.

    Attributes
    ----------
    x, y : as the file says [deg, in its datum].
    lon, lat : WGS 84 [deg].
    xy : the same [m], shape (n, 2).
    quality : a `PlaceQuality` each.
    named : the area that each row's own code names.
    """

    x: FloatArray
    y: FloatArray
    lon: FloatArray
    lat: FloatArray
    xy: FloatArray
    quality: list[str]
    named: list[Place | None]


def place_sites(
    body: Body, source: FacilitiesSource, geography: Geography, *, placeless: BoolArray
) -> Spots:
    """Settle where every site stands; what lies outside, or nowhere, is rejected.

    Parameters
    ----------
    placeless : rows that need no place, as hotlines do not.
    """
    ledger, columns = body.ledger, source.columns
    lon_name = None if columns.lon is None else body.found[columns.lon]
    code_name = None if columns.area_code is None else body.found[columns.area_code]
    spots, written = _read_spots(body, source, geography)
    located: BoolArray = ~np.isnan(spots.lon)
    has_area = np.array([place is not None for place in spots.named], dtype=np.bool_)
    coded: BoolArray = np.zeros(len(located), dtype=np.bool_)
    if columns.area_code is not None:
        coded = ~values.is_blank(body.column(columns.area_code))

    bad = written & ~located & ~has_area
    for name, faulty in _faulty_coordinates(body, source):
        ledger.note("coordinate_replaced", faulty & written & ~located & has_area, column=name)
        ledger.reject("bad_coordinate", faulty & bad, column=name)
    ledger.note("unknown_site_area", coded & ~has_area & located, column=code_name)
    lost = ~located & ~has_area & ~bad & ~placeless
    ledger.reject("unplaced", lost, column=code_name or lon_name)
    _check_inside(ledger, spots, geography, located, datum=source.datum, column=lon_name)
    _compare(ledger, spots, geography, located, column=lon_name)
    _stand_in(spots, geography, ~located & ledger.accepted, ledger, column=lon_name)
    return spots


def _read_spots(
    body: Body, source: FacilitiesSource, geography: Geography
) -> tuple[Spots, BoolArray]:
    """Coordinates and area codes as the file has them, and which rows have any coordinate."""
    columns, n_rows = source.columns, len(body.cells)
    x, y = np.full(n_rows, np.nan), np.full(n_rows, np.nan)
    written: BoolArray = np.zeros(n_rows, dtype=np.bool_)
    if columns.lon is not None and columns.lat is not None:
        first, second = (values.signed(body.column(c)) for c in (columns.lon, columns.lat))
        half = np.isnan(first.values) | np.isnan(second.values)
        x, y = np.where(half, np.nan, first.values), np.where(half, np.nan, second.values)
        written = (first.faults != Amount.BLANK) | (second.faults != Amount.BLANK)
    lon, lat = to_wgs84(x, y, datum=source.datum)
    named: list[Place | None] = [None] * n_rows
    if columns.area_code is not None:
        codes = values.codes(body.column(columns.area_code), source.code)
        named = [geography.place(str(code)) if code else None for code in codes]
    quality = _qualities(body, source)
    return Spots(x, y, lon, lat, geography.metric(lon, lat), quality, named), written


def _faulty_coordinates(body: Body, source: FacilitiesSource) -> Iterator[tuple[str, BoolArray]]:
    """Each coordinate column with its rows to complain about; a row is named once."""
    seen: BoolArray = np.zeros(len(body.cells), dtype=np.bool_)
    for wanted in (source.columns.lon, source.columns.lat):
        if wanted is not None:
            faulty = (values.signed(body.column(wanted)).faults != Amount.GOOD) & ~seen
            seen |= faulty
            yield body.found[wanted], faulty


def _qualities(body: Body, source: FacilitiesSource) -> list[str]:
    """How exactly each row's own coordinate places it."""
    wanted = source.columns.quality
    if wanted is None:
        return [str(PlaceQuality.EXACT)] * len(body.cells)
    known = {plain(text): str(quality) for text, quality in source.qualities.items()}
    known |= {str(quality): str(quality) for quality in PlaceQuality}
    said = [known.get(plain(str(text)), "") for text in body.column(wanted)]
    unknown = np.array([not text for text in said], dtype=np.bool_)
    name, registered = body.found[wanted], listed(source.qualities or known)
    body.ledger.note("unknown_quality", unknown, column=name, known=registered)
    return [text or str(PlaceQuality.TOWN) for text in said]


def _check_inside(
    ledger: Ledger,
    spots: Spots,
    geography: Geography,
    located: BoolArray,
    *,
    datum: str,
    column: str | None,
) -> None:
    """Turn swapped coordinates round; reject what lies outside the locality."""
    outside = located & ~geography.inside(spots.xy)
    if not outside.any():
        return
    lon, lat = to_wgs84(spots.y, spots.x, datum=datum)
    xy = geography.metric(lon, lat)
    swapped = outside & geography.inside(xy)
    ledger.note("swapped_lonlat", swapped, column=column)
    for kept, right in ((spots.lon, lon), (spots.lat, lat), (spots.xy, xy)):
        kept[swapped] = right[swapped]
    outside &= ~swapped
    kilometres = geography.distance_m(spots.xy[outside]) / 1000
    away = ["—" if np.isnan(km) else f"{km:.1f}" for km in kilometres]
    ledger.reject("outside_locality", outside, column=column, km=away, datum=datum)


def _compare(
    ledger: Ledger,
    spots: Spots,
    geography: Geography,
    located: BoolArray,
    *,
    column: str | None,
) -> None:
    """Say where coordinate and area code disagree."""
    apart: BoolArray = np.zeros(len(located), dtype=np.bool_)
    km, found = [], []
    for i in np.flatnonzero(located & ledger.accepted).tolist():
        place = spots.named[i]
        if place is None:
            continue
        away_m = float(shapely.distance(place.shape, shapely.Point(spots.xy[i])))
        if away_m > MISMATCH_M:
            apart[i] = True
            km.append(f"{away_m / 1000:.1f}")
            code = geography.codes_at(spots.xy[i : i + 1], place.level)[0]
            other = None if code is None else geography.place(code)
            found.append("—" if other is None else other.name)
    ledger.note("place_mismatch", apart, column=column, km=km, found=found)


def _stand_in(
    spots: Spots, geography: Geography, mask: BoolArray, ledger: Ledger, *, column: str | None
) -> None:
    """Place sites without a coordinate at a point of their area, and say so.

    Each row is named where the file has coordinates; where it has none, one finding will do.
    """
    for i in np.flatnonzero(mask).tolist():
        place = spots.named[i]
        quality = str(PlaceQuality.TOWN)
        if place is not None:
            if place.level in (Level.VILLAGE, Level.GRID):
                quality = str(PlaceQuality.VILLAGE)
            spots.lon[i], spots.lat[i] = geography.inner_point(place)
        spots.quality[i] = quality
    spots.xy[mask] = geography.metric(spots.lon[mask], spots.lat[mask])
    placed = np.flatnonzero(mask & ~np.isnan(spots.xy[:, 0]))
    qualities = [spots.quality[i] for i in placed.tolist()]
    if column is not None:
        rows = ledger.rows[placed]
        ledger.doubts.add_rows("placed_by_area", rows, column=column, quality=qualities)
    else:
        for quality in sorted(set(qualities)):
            ledger.doubts.add("placed_by_area", count=qualities.count(quality), quality=quality)


def metric_positions(sites: pd.DataFrame, geography: Geography) -> FloatArray:
    """Positions of canonical sites [m], shape (n, 2)."""
    return geography.metric(sites["lon"].to_numpy(np.float64), sites["lat"].to_numpy(np.float64))
