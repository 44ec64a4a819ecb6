"""Known pairs of WGS 84 and GCJ-02, and the way back."""

from __future__ import annotations

import numpy as np
import pytest

from geo.datum import from_wgs84, to_wgs84

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
