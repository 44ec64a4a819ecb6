"""What a frame of areas must be before anything is computed on it: every fault, told at once.

The functions that end in `_faults` return what they found; `require` raises it. Nothing here
repairs, but `mend`, which says what it mended.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.arrays import IntArray
from geo.cells import polygonal
from geo.errors import Fault, FaultsError

# So many examples are named in a message; the number of all is always told.
_EXAMPLES = 3


class Mended(NamedTuple):
    """Geometries after repair and what was repaired.

    Attributes
    ----------
    geometry : GeoSeries, same index and CRS as given; empty polygons where nothing was left.
    mended : int64 positions of the geometries that were changed, ascending.
    reasons : str, one for each of `mended`: why it was not valid.
    """

    geometry: gpd.GeoSeries
    mended: IntArray
    reasons: tuple[str, ...]


def require(subject: str, *found: Iterable[Fault]) -> None:
    """Raise all faults together, or do nothing.

    Parameters
    ----------
    subject : what was checked, for the message.
    *found : faults of several checks.

    Raises
    ------
    FaultsError : there is at least one fault.

    Examples
    --------
    >>> require("towns", [], [])
    """
    faults = [fault for faults in found for fault in faults]
    if faults:
        raise FaultsError(subject, faults)


def code_faults(where: str, codes: pd.Series[str], *, pattern: str | None = None) -> list[Fault]:
    """Find codes that are missing, doubled or malformed.

    Parameters
    ----------
    where : name of the column, for messages.
    codes : str; leading zeros matter, so numbers are a fault.
    pattern : regular expression that a whole code must match.

    Returns
    -------
    Faults, at most one a rule, with the first examples.

    Notes
    -----
    O(n).

    Examples
    --------
    >>> print(code_faults("area_code", pd.Series(["a", "a"]))[0])
    area_code: 1 doubled code(s), such as 'a'; wanted each code once
    """
    faults = []
    missing = codes.isna()
    known = codes[~missing]
    if missing.any():
        faults.append(Fault(where, f"{int(missing.sum())} missing code(s)", "a code in every row"))
    other = known[~known.map(lambda code: isinstance(code, str))]
    if len(other):
        faults.append(Fault(where, _some("code(s) that are no text", other), "text, zeros kept"))
    twice = known[known.duplicated()]
    if len(twice):
        faults.append(Fault(where, _some("doubled code(s)", twice), "each code once"))
    if pattern is not None:
        rule = re.compile(pattern)
        wrong = known[known.map(lambda code: rule.fullmatch(str(code)) is None)]
        if len(wrong):
            faults.append(Fault(where, _some("malformed code(s)", wrong), f"the form {pattern}"))
    return faults


def crs_faults(where: str, shapes: gpd.GeoSeries, *, metric: bool = True) -> list[Fault]:
    """Find a coordinate reference system that is missing or not metric.

    Parameters
    ----------
    where : what the geometries are, for messages.
    shapes : any geometries.
    metric : True wants a projected CRS in metres.

    Returns
    -------
    No fault or one.

    Examples
    --------
    >>> crs_faults("towns", gpd.GeoSeries([shapely.Point(0, 0)]))[0].came
    'no CRS'
    """
    crs = shapes.crs
    if crs is None:
        return [Fault(where, "no CRS", "the CRS the file was written in")]
    if metric and not (crs.is_projected and crs.axis_info[0].unit_name in ("metre", "meter")):
        return [Fault(where, f"CRS {crs.to_string()}", "a projected CRS in metres")]
    return []


def geometry_faults(where: str, shapes: gpd.GeoSeries) -> list[Fault]:
    """Find geometries that are missing, empty, invalid or not polygonal.

    Parameters
    ----------
    where : what the geometries are, for messages.
    shapes : areas.

    Returns
    -------
    Faults, at most one a rule, with the first positions.

    Notes
    -----
    O(n vertices).

    Examples
    --------
    >>> print(geometry_faults("towns", gpd.GeoSeries([None]))[0])
    towns: 1 missing or empty geometry(ies), such as 0; wanted a polygon in every row
    """
    array = shapes.to_numpy()
    nothing = shapely.is_missing(array) | shapely.is_empty(array)
    invalid = ~nothing & ~shapely.is_valid(array)
    other = ~nothing & ~np.isin(shapely.get_type_id(array), (3, 6))
    rules = (
        (nothing, "missing or empty geometry(ies)", "a polygon in every row"),
        (invalid, "invalid geometry(ies)", "valid rings; mend() repairs them"),
        (other, "geometry(ies) that are no polygon", "polygons or multipolygons"),
    )
    return [
        Fault(where, _some(came, pd.Series(np.flatnonzero(bad))), wanted)
        for bad, came, wanted in rules
        if bad.any()
    ]


def amount_faults(where: str, amounts: npt.ArrayLike) -> list[Fault]:
    """Find amounts that are negative or infinite; NaN means no data and is no fault.

    Parameters
    ----------
    where : what is measured, for messages.
    amounts : numbers, any shape.

    Returns
    -------
    Faults, at most one a rule, with the first examples.

    Notes
    -----
    O(n).

    Examples
    --------
    >>> print(amount_faults("persons", [3, -1, 2.5])[0])
    persons: 1 negative amount(s), such as -1.0; wanted amounts >= 0
    """
    array = np.asarray(amounts, dtype=np.float64).ravel()
    infinite = np.isinf(array)
    negative = (array < 0) & ~infinite
    rules = (
        (negative, "negative amount(s)", "amounts >= 0"),
        (infinite, "infinite amount(s)", "amounts"),
    )
    return [
        Fault(where, _some(came, pd.Series(array[bad])), wanted)
        for bad, came, wanted in rules
        if bad.any()
    ]


def tree_faults(subject: str, areas: pd.DataFrame, *, levels: Sequence[str]) -> list[Fault]:
    """Find areas that do not hang in one tree: each below the top in one area of the level above.

    Parameters
    ----------
    subject : what the areas are, for messages.
    areas : `level` str, `area_code` str, `parent_code` str or missing; codes unique in a level.
    levels : the levels there are, finest first; areas of the last have no parent that counts.

    Returns
    -------
    Faults, at most one a rule and level, with the first examples: no parent; a parent that is no
        area; a parent on another level than the one above, which is the only way in which parents
        could run in a circle.

    Notes
    -----
    O(n).

    Examples
    --------
    >>> areas = pd.DataFrame({"level": ["village", "village", "town"],
    ...     "area_code": ["v1", "v2", "t1"], "parent_code": ["t1", "v1", None]})
    >>> print(tree_faults("areas", areas, levels=["village", "town"])[0])
    areas.village: 1 area(s) whose parent is not on the level above, such as 'v2'; wanted a town
    """
    faults = []
    known = set(areas["area_code"])
    for level, above in pairwise(levels):
        own = areas[areas["level"] == level]
        upper = set(areas.loc[areas["level"] == above, "area_code"])
        given = own["parent_code"]
        none = (given.isna() | (given == "")).to_numpy()
        there = given.isin(upper).to_numpy()
        elsewhere = ~none & ~there & given.isin(known).to_numpy()
        rules = (
            (none, "area(s) without a parent"),
            (elsewhere, "area(s) whose parent is not on the level above"),
            (~none & ~there & ~elsewhere, "area(s) whose parent does not exist"),
        )
        faults += [
            Fault(f"{subject}.{level}", _some(came, own.loc[bad, "area_code"]), f"a {above}")
            for bad, came in rules
            if bad.any()
        ]
    return faults


def area_faults(
    subject: str, areas: gpd.GeoDataFrame, *, pattern: str | None = None, metric: bool = True
) -> list[Fault]:
    """Find everything wrong with a frame of areas: codes, CRS, geometry.

    Parameters
    ----------
    subject : what the areas are, for messages.
    areas : wanted are `area_code` str and polygonal geometry.
    pattern : regular expression that a whole code must match.
    metric : True wants a projected CRS in metres.

    Returns
    -------
    Faults in the order codes, CRS, geometry; for `require`.

    Examples
    --------
    >>> towns = gpd.GeoDataFrame({"area_code": ["1"]}, geometry=[shapely.box(0, 0, 1, 1)])
    >>> [fault.came for fault in area_faults("towns", towns)]
    ['no CRS']
    """
    if areas.empty:
        return [Fault(subject, "no rows", "at least one area")]
    if "area_code" not in areas.columns:
        faults = [Fault(subject, f"columns {list(areas.columns)}", "area_code among them")]
    else:
        faults = code_faults(f"{subject}.area_code", areas["area_code"], pattern=pattern)
    faults += crs_faults(subject, areas.geometry, metric=metric)
    return faults + geometry_faults(subject, areas.geometry)


def mend(shapes: gpd.GeoSeries) -> Mended:
    """Repair invalid geometries, keeping their polygonal part.

    Parameters
    ----------
    shapes : areas; missing geometries stay missing.

    Returns
    -------
    Mended : the geometries, the positions of those that were changed, and why.

    Notes
    -----
    O(n vertices). shapely.make_valid (GEOS); a bow tie becomes two triangles, a spike goes.

    Examples
    --------
    >>> bow = shapely.from_wkt("POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))")
    >>> result = mend(gpd.GeoSeries([bow]))
    >>> result.mended.tolist(), result.geometry.iloc[0].geom_type
    ([0], 'MultiPolygon')
    """
    array = np.array(shapes.to_numpy(), dtype=object)
    present = ~shapely.is_missing(array)
    bad = np.flatnonzero(present & ~shapely.is_valid(array))
    reasons = tuple(str(reason) for reason in shapely.is_valid_reason(array[bad]))
    array[bad] = polygonal(shapely.make_valid(array[bad]))
    geometry = gpd.GeoSeries(array, index=shapes.index, crs=shapes.crs, name=shapes.name)
    return Mended(geometry, bad, reasons)


def _some(what: str, values: pd.Series[Any]) -> str:
    shown = ", ".join(repr(value) for value in values.head(_EXAMPLES).tolist())
    return f"{len(values)} {what}, such as {shown}"
