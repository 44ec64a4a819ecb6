"""Where a site stands: by its coordinate in any datum, else at a point of its area.

Its area is the one of its code, else the one that its town, village or address names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import shapely

from etl.findings import BoolArray, IntArray, listed
from etl.ledger import Ledger
from etl.sources import values
from etl.sources.datums import check_datum
from etl.sources.gazetteer import Found
from etl.sources.geography import FloatArray, Geography, Place
from etl.sources.headers import plain
from etl.sources.landmarks import Landmark, Landmarks
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
    named : the area that each row's own code names, else its town, village or address.
    found : what those names lead to, where no code did.
    beside : the site of known place that a row's address names, where the row has no coordinate.
    swapped : rows whose coordinates were turned round.
    """

    x: FloatArray
    y: FloatArray
    lon: FloatArray
    lat: FloatArray
    xy: FloatArray
    quality: list[str]
    named: list[Place | None]
    found: dict[int, Found] = field(default_factory=dict)
    beside: dict[int, Landmark] = field(default_factory=dict)
    swapped: BoolArray | None = None


def place_sites(
    body: Body,
    source: FacilitiesSource,
    geography: Geography,
    *,
    placeless: BoolArray,
    known: pd.DataFrame | None = None,
) -> Spots:
    """Settle where every site stands; what lies outside, or nowhere, is rejected.

    Parameters
    ----------
    placeless : rows that need no place, as hotlines do not.
    known : canonical sites of other files; an address may name one of them, or of this file.
    """
    ledger, columns = body.ledger, source.columns
    lon_name = None if columns.lon is None else body.found[columns.lon]
    code_name = None if columns.area_code is None else body.found[columns.area_code]
    spots, written = _read_spots(body, source, geography)
    name_column = _name_column(body, source)
    _read_names(spots, body, source, geography)
    _read_landmarks(spots, body, source, geography, known)
    located: BoolArray = ~np.isnan(spots.lon)
    has_area = np.array([place is not None for place in spots.named], dtype=np.bool_)
    has_area[list(spots.beside)] = True
    coded: BoolArray = np.zeros(len(located), dtype=np.bool_)
    if columns.area_code is not None:
        coded = ~values.is_blank(body.column(columns.area_code))

    bad = written & ~located & ~has_area
    for name, faulty in _faulty_coordinates(body, source):
        ledger.note("coordinate_replaced", faulty & written & ~located & has_area, column=name)
        ledger.reject("bad_coordinate", faulty & bad, column=name)
    by_name = np.zeros(len(located), dtype=np.bool_)
    by_name[list(spots.found)] = True
    ledger.note("unknown_site_area", coded & (~has_area | by_name) & located, column=code_name)
    lost = ~located & ~has_area & ~bad & ~placeless
    unnamed = lost & ~_without_place(ledger, spots, lost, column=name_column)
    ledger.reject("unplaced", unnamed, column=code_name or lon_name or name_column)
    lat_name = None if columns.lat is None else body.found[columns.lat]
    _check_inside(
        ledger, spots, geography, located, datum=source.datum, columns=(lon_name, lat_name)
    )
    # What was rejected as outside is evidence too.
    turned = np.zeros_like(located) if spots.swapped is None else spots.swapped
    check_datum(
        np.where(located, np.where(turned, spots.y, spots.x), np.nan),
        np.where(located, np.where(turned, spots.x, spots.y), np.nan),
        source.datum,
        geography,
        ledger.doubts,
        named=spots.named,
        column=lon_name,
    )
    _compare(ledger, spots, geography, located, column=lon_name)
    waiting = ~located & ledger.accepted
    _stand_in(spots, geography, waiting, ledger, column=lon_name, name_column=name_column)
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


def _name_column(body: Body, source: FacilitiesSource) -> str | None:
    """The column in which a person looks for a site's place name."""
    columns = source.columns
    wanted = columns.address or columns.village or columns.town
    return None if wanted is None else body.found[wanted]


def _read_names(spots: Spots, body: Body, source: FacilitiesSource, geography: Geography) -> None:
    """Look up the names of rows whose code names no area."""
    columns = source.columns
    texts = {
        part: [str(text) for text in body.column(wanted)]
        for part in ("town", "village", "address")
        if (wanted := getattr(columns, part)) is not None
    }
    if not texts:
        return
    for i, place in enumerate(spots.named):
        names = {part: own[i] for part, own in texts.items() if own[i].strip()}
        if place is not None or not names:
            continue
        found = geography.gazetteer.find(**names)
        spots.found[i] = found
        if found.area is not None:
            spots.named[i] = geography.place_of(found.area.level, found.area.code)


def _read_landmarks(
    spots: Spots,
    body: Body,
    source: FacilitiesSource,
    geography: Geography,
    known: pd.DataFrame | None,
) -> None:
    """Look for sites of known place in the addresses of rows without a coordinate."""
    wanted = source.columns.address
    if wanted is None:
        return
    exact = str(PlaceQuality.EXACT)
    good = geography.inside(spots.xy) & np.array([own == exact for own in spots.quality])
    own_names = body.column(source.columns.name).astype(str).to_numpy()[good].tolist()
    own = pd.DataFrame({"name": own_names, "lon": spots.lon[good], "lat": spots.lat[good]})
    if known is not None and len(known):
        own = pd.concat([own, known.loc[known["quality"] == exact, list(own.columns)]])
    sites = own.dropna()
    landmarks = Landmarks(*(sites[name].tolist() for name in ("name", "lon", "lat")))
    for i in np.flatnonzero(np.isnan(spots.lon)).tolist():
        found = landmarks.find(str(body.column(wanted).iloc[i]))
        if found is None:
            continue
        place = spots.named[i]
        xy = geography.metric(np.array([found.lon]), np.array([found.lat]))[0]
        # A site of that name in another area is another site.
        if place is None or shapely.intersects_xy(place.shape, *xy):
            spots.beside[i] = found


def _without_place(
    ledger: Ledger, spots: Spots, lost: BoolArray, *, column: str | None
) -> BoolArray:
    """Reject rows whose names fit no area, or several; which rows those are."""
    unknown, open_ = np.zeros_like(lost), np.zeros_like(lost)
    for i, found in spots.found.items():
        if lost[i]:
            (open_ if found.candidates else unknown)[i] = True
    nearest = [spots.found[i].proposal for i in np.flatnonzero(unknown).tolist()]
    ledger.reject("unknown_place", unknown, column=column, nearest=nearest)
    several = [_names(spots.found[i]) for i in np.flatnonzero(open_).tolist()]
    ledger.reject("ambiguous_place", open_, column=column, candidates=several)
    either: BoolArray = unknown | open_
    return either


def _names(found: Found) -> str:
    return listed(f"{area.name} ({area.code})" for area in found.candidates)


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
    columns: tuple[str | None, str | None],
) -> None:
    """Turn swapped coordinates round; reject what lies outside the locality."""
    outside = located & ~geography.inside(spots.xy)
    if not outside.any():
        return
    lon, lat = to_wgs84(spots.y, spots.x, datum=datum)
    xy = geography.metric(lon, lat)
    swapped = outside & geography.inside(xy)
    spots.swapped = swapped
    column, other = columns
    if column is not None and other is not None:
        texts = [ledger.cells.loc[swapped, name].astype(str).tolist() for name in (column, other)]
        ledger.note("swapped_lonlat", swapped, column=column, proposal=texts[1])
        ledger.mark("swapped_lonlat", swapped, column=other, proposal=texts[0])
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
    spots: Spots,
    geography: Geography,
    mask: BoolArray,
    ledger: Ledger,
    *,
    column: str | None,
    name_column: str | None,
) -> None:
    """Place sites without a coordinate where their address or area is, and say so.

    Each row is named where the file has coordinates; where it has none, one finding will do.
    """
    for i in np.flatnonzero(mask).tolist():
        place, beside = spots.named[i], spots.beside.get(i)
        if beside is not None:
            spots.lon[i], spots.lat[i] = beside.lon, beside.lat
            spots.quality[i] = str(PlaceQuality.ADDRESS)
            continue
        quality = str(PlaceQuality.TOWN)
        if place is not None:
            if place.level in (Level.VILLAGE, Level.GRID):
                quality = str(PlaceQuality.VILLAGE)
            spots.lon[i], spots.lat[i] = geography.inner_point(place)
        spots.quality[i] = quality
    spots.xy[mask] = geography.metric(spots.lon[mask], spots.lat[mask])
    placed = np.flatnonzero(mask & ~np.isnan(spots.xy[:, 0]))
    by_site = np.array([i in spots.beside for i in placed.tolist()], dtype=np.bool_)
    sites = [spots.beside[i].name for i in placed[by_site].tolist()]
    ledger.doubts.add_rows(
        "placed_by_site", ledger.rows[placed[by_site]], column=name_column, site=sites
    )
    placed = placed[~by_site]
    by_name = np.array([i in spots.found for i in placed.tolist()], dtype=np.bool_)
    coded, named = placed[~by_name], placed[by_name]
    qualities = [spots.quality[i] for i in coded.tolist()]
    if column is not None:
        rows = ledger.rows[coded]
        ledger.doubts.add_rows("placed_by_area", rows, column=column, quality=qualities)
    else:
        for quality in sorted(set(qualities)):
            ledger.doubts.add("placed_by_area", count=qualities.count(quality), quality=quality)
    _say_named(spots, ledger, named, column=name_column)


def _say_named(spots: Spots, ledger: Ledger, rows: IntArray, *, column: str | None) -> None:
    """Say which rows stand where their names say, and which of the names stayed unclear."""
    for rule, chosen in (
        ("placed_by_name", [i for i in rows.tolist() if not spots.found[i].unclear]),
        ("village_unclear", [i for i in rows.tolist() if spots.found[i].unclear]),
    ):
        found = [spots.found[i] for i in chosen]
        ledger.doubts.add_rows(
            rule,
            ledger.rows[chosen],
            column=column,
            came=[one.unclear or None for one in found],
            area=["" if one.area is None else one.area.name for one in found],
            quality=[spots.quality[i] for i in chosen],
            candidates=[_names(one) or one.proposal for one in found],
        )


def metric_positions(sites: pd.DataFrame, geography: Geography) -> FloatArray:
    """Positions of canonical sites [m], shape (n, 2)."""
    return geography.metric(sites["lon"].to_numpy(np.float64), sites["lat"].to_numpy(np.float64))
