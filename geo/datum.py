"""Coordinates as departments hand them in, to WGS 84 longitude and latitude and back.

GCJ-02 shifts a WGS 84 position by up to some 700 m; BD-09 shifts the result once more. Neither
has an official formula: these are the ones published by users and confirmed on known pairs. They
apply within a box of longitude and latitude, not within a border: it holds all of China, Hong Kong,
Macau and Taiwan included, and parts of its neighbours. Positions there that a map service hands
out without the shift are WGS84, and to be declared so.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from geo.arrays import BoolArray, FloatArray
from geo.errors import GeometryError, ShapeError

DATUMS = ("WGS84", "CGCS2000", "GCJ02", "BD09")

_Pair = tuple[FloatArray, FloatArray]

# Krasovsky 1940, the ellipsoid of the shift.
_AXIS_M = 6378245.0
_ECCENTRICITY_2 = 0.00669342162296594323
# The box within which map services apply the shift: lon from, lon to, lat from, lat to [deg].
_SHIFTED = (72.004, 137.8347, 0.8293, 55.8271)
# BD-09's own wave [rad per deg] and offsets [deg].
_BD_WAVE = np.pi * 3000.0 / 180.0
_BD_LON, _BD_LAT = 0.0065, 0.006
# The shift carries positions at the rim out of the box, by less than this [deg].
_RIM_DEG = 0.05
# 1e-10 deg is 0.01 mm; five rounds reach it, the cap only guards against a loop without end.
_TOLERANCE_DEG = 1e-10
_ROUNDS = 30


def to_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike, *, datum: str) -> _Pair:
    """Longitude and latitude of a datum, as WGS 84.

    Parameters
    ----------
    lon, lat : float64 [deg], one shape; NaN where unknown.
    datum : "WGS84", "CGCS2000", "GCJ02" or "BD09".

    Returns
    -------
    lon, lat : float64 [deg] in WGS 84, shape of the input, within 1e-9 deg (0.1 mm) of the exact
        inverse; NaN where either coordinate is NaN. Outside the box in which map services shift
        (lon 72.004 to 137.8347, lat 0.8293 to 55.8271) a position comes back as it was, but for
        those which the shift carried out of it.

    Raises
    ------
    GeometryError : the datum is unknown.
    ShapeError : `lon` and `lat` differ in shape, or are no numbers.

    Notes
    -----
    O(n). CGCS2000 is taken as WGS 84: the ellipsoids differ by 0.1 mm and the frames by less than
    a metre of plate motion since 2000, far below what a map of services shows. GCJ-02 and BD-09
    have no closed inverse; the forward shift is iterated (fixed point) to 1e-10 deg.

    Examples
    --------
    >>> lon, lat = to_wgs84([121.531541859215], [31.17530398364597], datum="GCJ02")
    >>> print(f"{lon[0]:.7f} {lat[0]:.7f}")
    121.5272106 31.1774276
    """
    forward = _forward(datum)
    lon, lat = _pair(lon, lat)
    if forward is None:
        return lon, lat
    near = _inside(lon, lat, rim_deg=_RIM_DEG)
    x, y = _invert(forward, lon[near], lat[near])
    # What lies outside was shifted only if it came from within; iteration ends near, not at, a rim.
    shifted = _inside(lon[near], lat[near]) | _inside(x, y, rim_deg=10 * _TOLERANCE_DEG)
    lon[near], lat[near] = np.where(shifted, x, lon[near]), np.where(shifted, y, lat[near])
    return lon, lat


def from_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike, *, datum: str) -> _Pair:
    """Longitude and latitude in WGS 84, as another datum.

    Parameters
    ----------
    lon, lat : float64 [deg] in WGS 84, one shape; NaN where unknown.
    datum : "WGS84", "CGCS2000", "GCJ02" or "BD09".

    Returns
    -------
    lon, lat : float64 [deg] in `datum`, shape of the input; NaN where either coordinate is NaN.
        Positions outside the box of `to_wgs84` come back as they were.

    Raises
    ------
    GeometryError : the datum is unknown.
    ShapeError : `lon` and `lat` differ in shape, or are no numbers.

    Notes
    -----
    O(n). The shift as published with eviltransform (2013) and coordtransform (2015).

    Examples
    --------
    >>> lon, lat = from_wgs84([121.5272106], [31.1774276], datum="GCJ02")
    >>> print(f"{lon[0]:.6f} {lat[0]:.6f}")
    121.531542 31.175304
    """
    forward = _forward(datum)
    lon, lat = _pair(lon, lat)
    if forward is None:
        return lon, lat
    inside = _inside(lon, lat)
    lon[inside], lat[inside] = forward(lon[inside], lat[inside])
    return lon, lat


def _forward(datum: str) -> Callable[[FloatArray, FloatArray], _Pair] | None:
    if datum not in DATUMS:
        raise GeometryError(f"datum: {datum!r}; wanted one of {', '.join(DATUMS)}")
    return {"GCJ02": _to_gcj02, "BD09": _to_bd09}.get(datum)


def _pair(lon: npt.ArrayLike, lat: npt.ArrayLike) -> _Pair:
    try:
        x, y = np.array(lon, dtype=np.float64), np.array(lat, dtype=np.float64)
    except (TypeError, ValueError) as exc:
        raise ShapeError(f"lon, lat: not arrays of numbers ({exc}); convert them first") from exc
    if x.shape != y.shape:
        raise ShapeError(f"lon and lat: shapes {x.shape} and {y.shape}; wanted one shape")
    unknown = np.isnan(x) | np.isnan(y)
    x[unknown] = np.nan
    y[unknown] = np.nan
    return x, y


def _inside(lon: FloatArray, lat: FloatArray, *, rim_deg: float = 0.0) -> BoolArray:
    west, east, south, north = _SHIFTED
    inside: BoolArray = (lon >= west - rim_deg) & (lon <= east + rim_deg)
    inside &= (lat >= south - rim_deg) & (lat <= north + rim_deg)
    return inside


def _to_gcj02(lon: FloatArray, lat: FloatArray) -> _Pair:
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    wave = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + wave
    north += (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    north += (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + wave
    east += (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    east += (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    # From metres to degrees on the ellipsoid.
    phi = np.radians(lat)
    magic = 1.0 - _ECCENTRICITY_2 * np.sin(phi) ** 2
    meridian_m = _AXIS_M * (1.0 - _ECCENTRICITY_2) / (magic * np.sqrt(magic)) * np.pi / 180.0
    parallel_m = _AXIS_M / np.sqrt(magic) * np.cos(phi) * np.pi / 180.0
    return lon + east / parallel_m, lat + north / meridian_m


def _to_bd09(lon: FloatArray, lat: FloatArray) -> _Pair:
    x, y = _to_gcj02(lon, lat)
    radius = np.hypot(x, y) + 0.00002 * np.sin(y * _BD_WAVE)
    angle = np.arctan2(y, x) + 0.000003 * np.cos(x * _BD_WAVE)
    return radius * np.cos(angle) + _BD_LON, radius * np.sin(angle) + _BD_LAT


def _invert(
    forward: Callable[[FloatArray, FloatArray], _Pair], lon: FloatArray, lat: FloatArray
) -> _Pair:
    x, y = lon.copy(), lat.copy()
    for _ in range(_ROUNDS):
        shifted_x, shifted_y = forward(x, y)
        step_x, step_y = shifted_x - lon, shifted_y - lat
        x -= step_x
        y -= step_y
        if not x.size or max(np.abs(step_x).max(), np.abs(step_y).max()) < _TOLERANCE_DEG:
            break
    return x, y
