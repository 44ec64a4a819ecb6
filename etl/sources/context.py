"""Rivers, roads and zones: what people travel on, cannot cross, and where rooms may be built."""

from __future__ import annotations

from functools import cache
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from etl.findings import BoolArray, Doubts
from etl.ledger import Ledger
from etl.settings import registry
from etl.sources import values
from etl.sources.boundaries import WGS84
from etl.sources.headers import plain
from etl.sources.mapping import Mapped
from etl.sources.settings import ContextSource
from etl.sources.values import Amount
from etl.sources.vector import Features
from geo.arrays import FloatArray
from geo.model import RoadClass

_DRAWN = (1, 2, 3, 5, 6)  # lines, rings, polygons and several of them
_LINES = (1, 2, 5)
_POLYGONS = (3, 6)
# Where rooms may be built, and where not: an area, never a line.
_ZONES = ("suitable", "excluded")
_RANKS = range(1, 4)
# How a class is drawn where no column gives the rank.
_RANK_OF = {RoadClass.MOTORWAY: 1, RoadClass.TRUNK: 1, RoadClass.PRIMARY: 1}
_RANK_OF |= {RoadClass.SECONDARY: 2, RoadClass.TERTIARY: 2}


def map_context(features: Features, source: ContextSource, doubts: Doubts) -> Mapped:
    """Canonical context, see `etl.contracts.context_schema`; geometry in EPSG:4326."""
    table = features.table
    names = list(dict.fromkeys(table.found.values())) or list(table.cells.columns[:1])
    ledger = Ledger(table.cells[names], doubts)
    shapes = features.geometry
    nothing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    ledger.reject("missing_geometry", nothing, column=None)
    kind = shapely.get_type_id(shapes)
    other = ~nothing & ~np.isin(kind, _DRAWN)
    if source.road_class is not None:
        # What is travelled on is a line, and one with a length.
        other |= ~nothing & ~(np.isin(kind, _LINES) & (shapely.length(shapes) > 0))
    wanted = "LineString / Polygon"
    if source.theme in _ZONES:
        other |= ~nothing & ~np.isin(kind, _POLYGONS)
        wanted = "Polygon"
    ledger.reject("wrong_geometry", other, column=None, geometry=wanted)
    classes = _road_classes(features, source, ledger)
    frame = gpd.GeoDataFrame(
        {
            "theme": pd.Series([source.theme] * len(shapes), dtype="str"),
            "rank": _ranks(features, source, ledger, classes),
            "name": pd.Series(_labels(features, source), dtype="str"),
            "road_class": pd.Series(classes, dtype="str"),
            "one_way": _directions(features, source, ledger),
            "speed_kmh": _speeds(features, source, ledger),
            "passes": _passing(features, source),
        },
        geometry=list(shapes),
        crs=WGS84,
    )
    return Mapped(frame[ledger.accepted].reset_index(drop=True), ledger, 0)


def _column(features: Features, name: str) -> pd.Series[str]:
    column: pd.Series[str] = features.table.cells[features.table.found[name]]
    return column


def _ranks(
    features: Features, source: ContextSource, ledger: Ledger, classes: list[str | None]
) -> np.ndarray:
    if source.rank is None:
        by_class = [_RANK_OF.get(RoadClass(c), _RANKS[-1]) if c else _RANKS[0] for c in classes]
        return np.array(by_class, dtype=np.int64)
    column = _column(features, source.rank)
    given = values.amounts(column, integer=True).values
    if source.theme in _ZONES:
        # 适宜, 较适宜: a zone's rank is often a word.
        said = _said(column, {}, _words()["ranks"], contained=False)
        given = np.array([np.nan if word is None else word for word in said], dtype=np.float64)
    bad = ~np.isin(given, list(_RANKS))
    name = features.table.found[source.rank]
    ledger.note("bad_attribute", bad & ~values.is_blank(column), column=name)
    return np.where(bad, _RANKS[-1], np.nan_to_num(given)).astype(np.int64)


def _labels(features: Features, source: ContextSource) -> list[str]:
    if source.name is None:
        return [""] * len(features.geometry)
    return [values.half_width(str(text)) for text in _column(features, source.name)]


def _road_classes(features: Features, source: ContextSource, ledger: Ledger) -> list[str | None]:
    """Class of each road; None where the source has no classes at all."""
    if source.road_class is None:
        return [None] * len(features.geometry)
    column = _column(features, source.road_class)
    said = _said(column, source.classes, _words()["classes"], contained=True)
    unknown: BoolArray = np.array([word is None for word in said], dtype=np.bool_)
    name = features.table.found[source.road_class]
    ledger.note("unknown_road_class", unknown, column=name)
    return [str(RoadClass.LOCAL if word is None else word) for word in said]


def _directions(features: Features, source: ContextSource, ledger: Ledger) -> np.ndarray:
    if source.one_way is None:
        return np.zeros(len(features.geometry), dtype=np.int64)
    column = _column(features, source.one_way)
    said = _said(column, source.directions, _words()["directions"], contained=False)
    unknown: BoolArray = np.array([word is None for word in said], dtype=np.bool_)
    name = features.table.found[source.one_way]
    ledger.note("unknown_direction", unknown & ~values.is_blank(column), column=name)
    return np.array([0 if word is None else word for word in said], dtype=np.int64)


def _speeds(features: Features, source: ContextSource, ledger: Ledger) -> FloatArray:
    if source.speed_kmh is None:
        return np.full(len(features.geometry), np.nan)
    amounts = values.amounts(_column(features, source.speed_kmh), integer=False)
    bad = (amounts.faults > Amount.BLANK) | (amounts.values == 0)
    ledger.note("bad_road_speed", bad, column=features.table.found[source.speed_kmh])
    return np.where(bad, np.nan, amounts.values)


def _passing(features: Features, source: ContextSource) -> BoolArray:
    """Roads that meet no other where they merely cross: bridges, tunnels, or all of a source."""
    if source.crossings == "pass":
        return np.ones(len(features.geometry), dtype=np.bool_)
    if source.passes is None:
        return np.zeros(len(features.geometry), dtype=np.bool_)
    column = _column(features, source.passes)
    no = {plain(word) for word in _words()["passes"]}
    said = [plain(str(text)) not in no for text in column]
    return np.array(said, dtype=np.bool_) & ~values.is_blank(column)


@cache
def _words() -> dict[str, dict[str, Any]]:
    return registry("roads")


def _said(
    column: pd.Series[str], own: dict[str, Any], usual: dict[str, Any], *, contained: bool
) -> list[Any]:
    """What each cell means: the source's own words, then the usual ones; None where none fits."""
    whole = {plain(word): meant for word, meant in {**usual, **own}.items()}
    parts = sorted((word for word in whole if not word.isascii()), key=len, reverse=True)
    meaning: dict[str, Any] = {}
    for text in column.astype("str").unique():
        word = plain(text)
        within = next((p for p in parts if p in word), None) if contained else None
        meaning[text] = whole.get(word, None if within is None else whole[within])
    return [meaning[str(text)] for text in column]
