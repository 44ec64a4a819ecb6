"""Does a file's declared datum fit, or would another fit better?

A wrong datum moves every point the same way by some 500 m. So each point is asked whether it lies
in the area that its own row names, or else in the locality, once under the declared datum and once
under each other. Points that answer the same tell nothing. Among the others a sign test decides:
were the declared datum right, a point would speak for another at most every second time. Errors of
single points (a code of the neighbouring village, a rough coordinate) go both ways and do not
add up. Nothing is changed by the check: it reports.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from etl.findings import BoolArray, Doubts, IntArray
from etl.sources.geography import FloatArray, Geography, Place
from geo.cells import locate
from geo.datum import from_wgs84, to_wgs84
from geo.model import LEVELS

if TYPE_CHECKING:
    from etl.sources.boundaries import Zones

# CGCS2000 is WGS 84 here: they differ by less than a metre.
_APART = ("WGS84", "GCJ02", "BD09")
# A coin would pass so rarely; it takes 6 points that all speak for the other datum. Right files are
# no coins, their points speak for what is declared: of 5 000 random ones, with 15 % wrong codes and
# 80 m of jitter, none raised an alarm, and of 1 500 whose codes were all wrong, one did.
ALARM = 0.02
# Of the points that tell two datums apart, so many must speak for the other.
MARGIN = 0.8
# Points nearer than this [deg], some 10 m, are one witness: a building with five services is one.
_SAME_DEG = 1e-4
# Boundaries: so many areas of a file are looked at, each by the points of a lattice within it.
_AREAS, _LATTICE = 300, 8
# An area speaks for a datum if this much more of it lies in one area of the level above.
_SHARE = 0.02


@dataclass(frozen=True)
class Preference:
    """Another datum that fits better than the declared one, with the evidence.

    Attributes
    ----------
    other : the datum.
    for_other, for_declared : points, or areas, that fit under one of the two only.
    p : of the sign test, one-sided.
    share, other_share : share that fits under the declared datum, and under the other.
    """

    other: str
    for_other: int
    for_declared: int
    p: float
    share: float
    other_share: float


def sign_test(for_other: int, for_declared: int) -> float:
    """Chance of at least so many votes for the other, were each vote a coin's.

    Examples
    --------
    >>> sign_test(8, 0)
    0.00390625
    """
    n = for_other + for_declared
    return float(sum(comb(n, k) for k in range(for_other, n + 1)) / 2**n)


def preference(
    declared: FloatArray, others: dict[str, FloatArray], *, least: float = 0.0
) -> Preference | None:
    """The datum that fits better than the declared one, if one clearly does.

    Parameters
    ----------
    declared : float64, shape (n,): how well each point, or area, fits under the declared datum.
    others : the same under each other datum.
    least : a difference up to this tells nothing.

    Returns
    -------
    The best of the others that pass the test, or None.
    """
    found = []
    for name, fits in others.items():
        better, worse = int((fits - declared > least).sum()), int((declared - fits > least).sum())
        if better + worse == 0 or better < MARGIN * (better + worse):
            continue
        p = sign_test(better, worse)
        if p <= ALARM:
            shares = float(declared.mean()), float(fits.mean())
            found.append(Preference(name, better, worse, p, *shares))
    return max(found, key=lambda one: (one.other_share, -one.p), default=None)


def check_datum(
    lon: FloatArray,
    lat: FloatArray,
    declared: str,
    geography: Geography,
    doubts: Doubts,
    *,
    named: Sequence[Place | None],
    column: str | None = None,
) -> Preference | None:
    """Report points that fit the locality's areas better under another datum.

    Parameters
    ----------
    lon, lat : float64 [deg] as written, shape (n,); NaN where unknown.
    declared : their datum as the source says.
    named : the area that each point's row names; the locality stands in where it names none.
    column : where a person looks.

    Returns
    -------
    What was reported, or None.
    """
    known = np.flatnonzero(~np.isnan(lon) & ~np.isnan(lat))
    rounded = np.round(np.column_stack([lon, lat])[known] / _SAME_DEG)
    known = known[np.sort(np.unique(rounded, axis=0, return_index=True)[1])]
    if not len(known):
        return None
    x, y = lon[known], lat[known]
    places = [named[i] for i in known.tolist()]
    shapes = np.array([geography.boundary if p is None else p.shape for p in places], dtype=object)

    def metric(datum: str) -> FloatArray:
        return geography.metric(*to_wgs84(x, y, datum=datum))

    own = metric(declared)
    away = _away_m(shapes, own)
    others = {other: _away_m(shapes, metric(other)) for other in _others(declared)}
    found = preference(_within(away), {other: _within(far) for other, far in others.items()})
    if found is None:
        return None
    shift = np.hypot(*(metric(found.other) - own).T)
    by_name = any(place is not None for place in places)
    doubts.add(
        "datum_doubted",
        column=column,
        came=declared,
        count=1,
        where_zh="所填区域内" if by_name else "辖区内",
        where_en="in the area that its row names" if by_name else "in the locality",
        own_m=_metres(away),
        other_m=_metres(others[found.other]),
        shift=f"{np.nanmedian(shift):.0f}",
        n=len(known),
        **_words(found, declared),
    )
    return found


def check_boundaries(zones: Sequence[Zones]) -> None:
    """Report boundary files that fit those of the other levels better under another datum.

    Every area of a file should lie in one area of a coarser file. Where several do so only after
    a shift, the file is named whose shift explains most and contradicts least; where two explain
    the same, both are.
    """
    pairs = [
        (fine, coarse)
        for fine, own in enumerate(zones)
        for coarse, other in enumerate(zones)
        if LEVELS.index(own.source.level) < LEVELS.index(other.source.level)
    ]
    samples = {fine: _sample(zones[fine].areas) for fine, _ in pairs}
    suspects: dict[int, list[tuple[int, Preference]]] = {}
    quiet = np.zeros(len(zones), dtype=np.int64)
    for fine, coarse in pairs:
        found = _compare(samples[fine], zones[fine], zones[coarse])
        for at, other, one in zip((fine, coarse), (coarse, fine), found, strict=True):
            if one is not None:
                suspects.setdefault(at, []).append((other, one))
        if found == (None, None):
            quiet[[fine, coarse]] += 1
    explained: set[frozenset[int]] = set()
    weight = {at: len(pairs_of) - int(quiet[at]) for at, pairs_of in suspects.items()}
    for most in sorted(set(weight.values()), reverse=True):
        now = [at for at in suspects if weight[at] == most]
        fresh = {
            at: [(o, one) for o, one in suspects[at] if frozenset((at, o)) not in explained]
            for at in now
        }
        for at, reasons in fresh.items():
            if reasons:
                _say_boundaries(zones, at, reasons)
        explained |= {frozenset((at, o)) for at, reasons in fresh.items() for o, _ in reasons}


def _others(declared: str) -> list[str]:
    own = "WGS84" if declared == "CGCS2000" else declared
    return [name for name in _APART if name != own]


def _away_m(shapes: npt.NDArray[np.object_], xy: FloatArray) -> FloatArray:
    """Distance of each point to its area [m], 0 within; a point beyond the CRS is far away."""
    away = np.full(len(xy), np.inf)
    known = np.isfinite(xy).all(axis=1)
    away[known] = shapely.distance(shapes[known], shapely.points(xy[known]))
    return away


def _within(away: FloatArray) -> FloatArray:
    within: FloatArray = (away == 0).astype(np.float64)
    return within


def _metres(away: FloatArray) -> str:
    finite = away[np.isfinite(away)]
    return f"{np.median(finite):.0f}" if len(finite) else "—"


def _words(found: Preference, declared: str) -> dict[str, Any]:
    return {
        "declared": declared,
        "other": found.other,
        "own_share": f"{100 * found.share:.0f}",
        "other_share": f"{100 * found.other_share:.0f}",
        "for_other": found.for_other,
        "for_declared": found.for_declared,
        "p": f"{found.p:.1g}",
    }


def _sample(areas: gpd.GeoDataFrame) -> tuple[FloatArray, IntArray]:
    """Points within areas [deg], shape (n, 2), and the number of the area of each."""
    chosen = np.unique(np.linspace(0, len(areas) - 1, min(len(areas), _AREAS)).astype(np.int64))
    shapes = areas.geometry.to_numpy()[chosen]
    shapely.prepare(shapes)
    steps = (np.arange(_LATTICE) + 0.5) / _LATTICE
    across, up = (grid.ravel() for grid in np.meshgrid(steps, steps))
    west, south, east, north = shapely.bounds(shapes).T[:, :, None]
    x, y = west + (east - west) * across, south + (north - south) * up
    inside = shapely.contains_xy(shapes[:, None], x, y)
    area = np.broadcast_to(np.arange(len(shapes))[:, None], inside.shape)
    return np.column_stack([x[inside], y[inside]]), area[inside].astype(np.int64)


def _compare(
    sample: tuple[FloatArray, IntArray], fine: Zones, coarse: Zones
) -> tuple[Preference | None, Preference | None]:
    """Whether the finer file, or the coarser, would fit better in another datum."""
    xy, area = sample
    if not len(xy):
        return None, None
    parents = coarse.areas[["area_code", "geometry"]]

    def shares(points: FloatArray) -> FloatArray:
        """Share of each area that lies in the one area of the coarser level that holds most."""
        found, _ = _positions(points, parents)
        n_areas, n_parents = int(area.max()) + 1, len(parents)
        held = np.zeros((n_areas, n_parents))
        np.add.at(held, (area[found >= 0], found[found >= 0]), 1.0)
        total = np.bincount(area, minlength=n_areas)
        best: FloatArray = (held.max(axis=1) / np.maximum(total, 1))[total > 0]
        return best

    own = shares(xy)
    by_fine, by_coarse = {}, {}
    mine, theirs = fine.source.datum, coarse.source.datum
    for other in _others(mine):
        raw = from_wgs84(xy[:, 0], xy[:, 1], datum=mine)
        by_fine[other] = shares(np.column_stack(to_wgs84(*raw, datum=other)))
    for other in _others(theirs):
        # To move the coarser file one way is to move the points the other way.
        raw = from_wgs84(xy[:, 0], xy[:, 1], datum=other)
        by_coarse[other] = shares(np.column_stack(to_wgs84(*raw, datum=theirs)))
    return preference(own, by_fine, least=_SHARE), preference(own, by_coarse, least=_SHARE)


def _positions(points: FloatArray, parents: gpd.GeoDataFrame) -> tuple[IntArray, BoolArray]:
    """Position of the area around each point, -1 where none, and which have one."""
    unique = parents.drop_duplicates("area_code")
    found = pd.Index(unique["area_code"]).get_indexer(pd.Index(locate(points, unique)))
    return found.astype(np.int64), found >= 0


def _say_boundaries(
    zones: Sequence[Zones], at: int, reasons: Sequence[tuple[int, Preference]]
) -> None:
    other, found = max(reasons, key=lambda reason: reason[1].for_other)
    zone = zones[at]
    zone.doubts.add(
        "boundary_datum_doubted",
        column=zone.source.columns.code,
        came=zone.source.datum,
        **_words(found, zone.source.datum),
        file=zones[other].doubts.file,
        level=str(zones[other].source.level),
    )
