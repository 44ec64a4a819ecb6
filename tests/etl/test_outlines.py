"""Areas as the browser draws them: small, exact and the same every time."""

from __future__ import annotations

import gzip
import json

import geopandas as gpd
import numpy as np
import pytest
import shapely

from etl.build.outlines import geojson_bytes
from geo.errors import GeometryError


def areas(**columns: object) -> gpd.GeoDataFrame:
    shapes = [shapely.box(120, 30, 120.1234567, 30.1), shapely.box(120.1234567, 30, 120.3, 30.1)]
    data = {"idx": np.arange(2), "code": ["a", "b"], "name": ["白石村", "云岭"], **columns}
    return gpd.GeoDataFrame(data, geometry=shapes, crs="EPSG:4326")


def read(packed: bytes) -> dict[str, object]:
    return json.loads(gzip.decompress(packed))


def test_features_keep_order_id_and_names() -> None:
    features = read(geojson_bytes(areas()))["features"]
    assert [feature["id"] for feature in features] == [0, 1]
    assert features[0]["properties"] == {"idx": 0, "code": "a", "name": "白石村"}


def test_coordinates_are_rounded_and_neighbours_keep_their_seam() -> None:
    first, second = read(geojson_bytes(areas()))["features"]
    seam = 120.123457
    for feature in (first, second):
        places = {x for x, _ in feature["geometry"]["coordinates"][0]}
        assert seam in places


def test_equal_areas_give_equal_bytes() -> None:
    assert geojson_bytes(areas()) == geojson_bytes(areas())


@pytest.mark.parametrize("shape", [None, shapely.Polygon()])
def test_a_place_nobody_drew_has_no_geometry(shape: shapely.Polygon | None) -> None:
    rows = areas()
    rows.loc[1, "geometry"] = shape
    assert read(geojson_bytes(rows))["features"][1]["geometry"] is None


def test_other_coordinates_are_refused() -> None:
    with pytest.raises(GeometryError, match="EPSG:3857"):
        geojson_bytes(areas().to_crs("EPSG:3857"))


def test_areas_without_position_are_refused() -> None:
    with pytest.raises(GeometryError, match="idx"):
        geojson_bytes(areas().drop(columns="idx"))
