"""Known pairs of WGS 84 and GCJ-02, the published formula word by word, and the way back."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.datum import DATUMS, from_wgs84, to_wgs84
from geo.errors import GeometryError, ShapeError

# (lon, lat) in WGS 84, (lon, lat) in GCJ-02: tests of public converters.
PAIRS = [
    ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),
    ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),
    ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),
]
METRE_DEG = 1.0 / 111_000.0


@pytest.mark.parametrize(("wgs", "gcj"), PAIRS)
def test_forward_equals_the_published_pair(
    wgs: tuple[float, float], gcj: tuple[float, float]
) -> None:
    lon, lat = from_wgs84([wgs[0]], [wgs[1]], datum="GCJ02")
    assert lon[0] == pytest.approx(gcj[0], abs=1e-12)
    assert lat[0] == pytest.approx(gcj[1], abs=1e-12)


@pytest.mark.parametrize(("wgs", "gcj"), PAIRS)
def test_inverse_comes_back_within_a_tenth_of_a_metre(
    wgs: tuple[float, float], gcj: tuple[float, float]
) -> None:
    lon, lat = to_wgs84([gcj[0]], [gcj[1]], datum="GCJ02")
    assert np.abs(lon[0] - wgs[0]) < 0.1 * METRE_DEG
    assert np.abs(lat[0] - wgs[1]) < 0.1 * METRE_DEG


@pytest.mark.parametrize(
    ("lon", "lat"), [(-73.9857, 40.7484), (2.3522, 48.8566), (151.2, -33.87), (0.0, 0.0)]
)
@pytest.mark.parametrize("datum", ["GCJ02", "BD09"])
def test_outside_china_stays_as_it_is(lon: float, lat: float, datum: str) -> None:
    for function in (to_wgs84, from_wgs84):
        x, y = function([lon], [lat], datum=datum)
        assert (x[0], y[0]) == (lon, lat)


# ------------------------------------------------------------------ the published formula


def published(lat: float, lon: float) -> tuple[float, float]:
    """WGS 84 to GCJ-02 as coordtransform (2015) has it, one position at a time, in plain Python."""
    x, y = lon - 105.0, lat - 35.0
    pi, root = math.pi, math.sqrt(abs(x))
    d_lat = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    d_lat += (20.0 * math.sin(6.0 * x * pi) + 20.0 * math.sin(2.0 * x * pi)) * 2.0 / 3.0
    d_lat += (20.0 * math.sin(y * pi) + 40.0 * math.sin(y / 3.0 * pi)) * 2.0 / 3.0
    d_lat += (160.0 * math.sin(y / 12.0 * pi) + 320 * math.sin(y * pi / 30.0)) * 2.0 / 3.0
    d_lon = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    d_lon += (20.0 * math.sin(6.0 * x * pi) + 20.0 * math.sin(2.0 * x * pi)) * 2.0 / 3.0
    d_lon += (20.0 * math.sin(x * pi) + 40.0 * math.sin(x / 3.0 * pi)) * 2.0 / 3.0
    d_lon += (150.0 * math.sin(x / 12.0 * pi) + 300.0 * math.sin(x / 30.0 * pi)) * 2.0 / 3.0
    a, ee = 6378245.0, 0.00669342162296594323
    rad_lat = lat / 180.0 * pi
    magic = 1 - ee * math.sin(rad_lat) * math.sin(rad_lat)
    d_lat = (d_lat * 180.0) / ((a * (1 - ee)) / (magic * math.sqrt(magic)) * pi)
    d_lon = (d_lon * 180.0) / (a / math.sqrt(magic) * math.cos(rad_lat) * pi)
    return lon + d_lon, lat + d_lat


def published_bd09(lat: float, lon: float) -> tuple[float, float]:
    """WGS 84 to BD-09 by way of GCJ-02, likewise."""
    x, y = published(lat, lon)
    x_pi = math.pi * 3000.0 / 180.0
    z = math.sqrt(x * x + y * y) + 0.00002 * math.sin(y * x_pi)
    theta = math.atan2(y, x) + 0.000003 * math.cos(x * x_pi)
    return z * math.cos(theta) + 0.0065, z * math.sin(theta) + 0.006


# The box: west, east, south, north.
BOX = (72.004, 137.8347, 0.8293, 55.8271)
LONS = st.floats(BOX[0], BOX[1])
LATS = st.floats(BOX[2], BOX[3])
SHIFTED = ("GCJ02", "BD09")


@given(LONS, LATS)
def test_forward_equals_the_published_formula(lon: float, lat: float) -> None:
    for datum, formula in (("GCJ02", published), ("BD09", published_bd09)):
        x, y = from_wgs84([lon], [lat], datum=datum)
        assert (x[0], y[0]) == pytest.approx(formula(lat, lon), abs=1e-12)


def metres(lon: np.ndarray, lat: np.ndarray, lon_2: np.ndarray, lat_2: np.ndarray) -> np.ndarray:
    """Distance of near positions on a sphere."""
    return 111_320.0 * np.hypot((lon_2 - lon) * np.cos(np.radians(lat)), lat_2 - lat)


@pytest.mark.parametrize("datum", SHIFTED)
def test_the_inverse_holds_over_the_whole_box_and_at_its_rim(datum: str) -> None:
    lon, lat = (
        grid.ravel() for grid in np.meshgrid(np.linspace(*BOX[:2], 700), np.linspace(*BOX[2:], 600))
    )
    # At 105 E the published formula has a kink.
    kink = np.full(2000, 105.0) + np.linspace(-1e-6, 1e-6, 2000)
    lon, lat = np.append(lon, kink), np.append(lat, np.linspace(*BOX[2:], 2000))
    shifted = from_wgs84(lon, lat, datum=datum)
    away = metres(lon, lat, *shifted)
    assert away.max() < 2500
    assert away.min() > 0
    assert metres(lon, lat, *to_wgs84(*shifted, datum=datum)).max() < 0.001


@given(LONS, LATS, st.sampled_from(SHIFTED))
def test_there_and_back(lon: float, lat: float, datum: str) -> None:
    back = to_wgs84(*from_wgs84([lon], [lat], datum=datum), datum=datum)
    assert metres(np.array([lon]), np.array([lat]), *back)[0] < 0.001


@given(st.floats(-180, 180), st.floats(-90, 90), st.sampled_from(DATUMS))
def test_outside_the_box_nothing_moves(lon: float, lat: float, datum: str) -> None:
    west, east, south, north = BOX
    if west <= lon <= east and south <= lat <= north:
        return
    x, y = from_wgs84([lon], [lat], datum=datum)
    assert (x[0], y[0]) == (lon, lat)
    # What the shift carries over the rim comes back; beyond that nothing moves this way either.
    rim = 0.05
    if not (west - rim <= lon <= east + rim and south - rim <= lat <= north + rim):
        x, y = to_wgs84([lon], [lat], datum=datum)
        assert (x[0], y[0]) == (lon, lat)


@pytest.mark.parametrize(
    ("lon", "lat"),
    [
        (114.17, 22.30),
        (113.54, 22.19),
        (121.52, 25.04),
        (120.20, 22.99),
        (109.5, 18.2),
        (75.9, 39.5),
    ],
)
@pytest.mark.parametrize("datum", SHIFTED)
def test_the_box_holds_all_of_china(lon: float, lat: float, datum: str) -> None:
    """Hong Kong, Macau and Taiwan lie in the box, and are shifted as public converters do."""
    x, y = from_wgs84([lon], [lat], datum=datum)
    assert metres(np.array([lon]), np.array([lat]), x, y)[0] > 100


@pytest.mark.parametrize("datum", ["WGS84", "CGCS2000"])
def test_wgs84_and_cgcs2000_are_one(datum: str) -> None:
    lon, lat = np.array([113.9, np.nan]), np.array([31.4, 31.4])
    for function in (to_wgs84, from_wgs84):
        x, y = function(lon, lat, datum=datum)
        np.testing.assert_array_equal(x, [113.9, np.nan])
        np.testing.assert_array_equal(y, [31.4, np.nan])


@pytest.mark.parametrize("datum", DATUMS)
def test_shapes_and_unknowns_are_kept(datum: str) -> None:
    for function in (to_wgs84, from_wgs84):
        lon, lat = function(121.5272106, 31.1774276, datum=datum)
        assert (lon.shape, lat.shape, lon.dtype) == ((), (), np.float64)
        one = function([121.5272106], [31.1774276], datum=datum)
        assert (float(lon), float(lat)) == (one[0][0], one[1][0])
        grid = np.full((2, 3), 113.9), np.full((2, 3), 31.4)
        grid[0][1, 2] = np.nan
        grid[1][0, 0] = np.nan
        x, y = function(*grid, datum=datum)
        assert (x.shape, y.shape) == ((2, 3), (2, 3))
        np.testing.assert_array_equal(np.isnan(x), np.isnan(y))
        assert np.isnan(x).sum() == 2
        assert np.isnan(grid[0]).sum() == 1  # what came in is not touched
        empty = function([], [], datum=datum)
        assert empty[0].shape == (0,)
        infinite = function([np.inf, 113.9], [31.4, -np.inf], datum=datum)
        np.testing.assert_array_equal(infinite, [[np.inf, 113.9], [31.4, -np.inf]])


def test_what_is_refused() -> None:
    for function in (to_wgs84, from_wgs84):
        with pytest.raises(GeometryError, match="wanted one of WGS84, CGCS2000, GCJ02, BD09"):
            function([1.0], [1.0], datum="gcj02")
        with pytest.raises(ShapeError, match="one shape"):
            function([1.0], [1.0, 2.0], datum="GCJ02")
        with pytest.raises(ShapeError, match="numbers"):
            function(["east"], [1.0], datum="GCJ02")
