"""Rivers and roads, drawn muted under the data."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from etl.findings import Doubts
from etl.ledger import Ledger
from etl.sources import values
from etl.sources.boundaries import WGS84
from etl.sources.mapping import Mapped
from etl.sources.settings import ContextSource
from etl.sources.vector import Features

_DRAWN = (1, 2, 3, 5, 6)  # lines, rings, polygons and several of them
_RANKS = range(1, 4)


def map_context(features: Features, source: ContextSource, doubts: Doubts) -> Mapped:
    """Canonical context: theme, rank 1 to 3, name, geometry (EPSG:4326)."""
    table = features.table
    names = list(dict.fromkeys(table.found.values())) or list(table.cells.columns[:1])
    ledger = Ledger(table.cells[names], doubts)
    shapes = features.geometry
    nothing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    ledger.reject("missing_geometry", nothing, column=None)
    other = ~nothing & ~np.isin(shapely.get_type_id(shapes), _DRAWN)
    ledger.reject("wrong_geometry", other, column=None, geometry="LineString / Polygon")
    rank = np.full(len(shapes), float(_RANKS[0]))
    if source.rank is not None:
        column = table.cells[table.found[source.rank]]
        given = values.amounts(column, integer=True).values
        bad = ~np.isin(given, list(_RANKS))
        ledger.note(
            "bad_attribute", bad & ~values.is_blank(column), column=table.found[source.rank]
        )
        rank = np.where(bad, float(_RANKS[-1]), given)
    labels = [""] * len(shapes)
    if source.name is not None:
        labels = [values.half_width(str(text)) for text in table.cells[table.found[source.name]]]
    kept = np.flatnonzero(ledger.accepted)
    frame = gpd.GeoDataFrame(
        {
            "theme": pd.Series([source.theme] * len(kept), dtype="str"),
            "rank": rank[kept].astype(np.int64),
            "name": pd.Series([labels[i] for i in kept.tolist()], dtype="str"),
        },
        geometry=list(shapes[kept]),
        crs=WGS84,
    )
    return Mapped(frame, ledger, 0)
