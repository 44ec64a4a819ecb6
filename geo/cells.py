"""Areas: grids, points to areas, children to parents, crosswalks and roll-ups between zonings.

Frames of areas have a column `area_code` (str, unique) and a geometry; everything that measures
an area wants a metric CRS.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.arrays import FloatArray, IntArray, amounts, points, positive
from geo.errors import CodeError, GeometryError, ShapeError
from geo.rollup import RollUp, roll_up

__all__ = [
    "RollUp",
    "crosswalk",
    "locate",
    "polygonal",
    "representative_parents",
    "roll_up",
    "square_grid",
]

# A grid of more cells than this is a mistake of units (degrees for metres) rather than a wish.
_MAX_CELLS = 5_000_000


def square_grid(
    extent: gpd.GeoDataFrame | gpd.GeoSeries, *, size_m: float, clip: bool = False
) -> gpd.GeoDataFrame:
    """Square cells that touch an extent, anchored to the origin of its CRS.

    Parameters
    ----------
    extent : areas in a metric CRS; cells cover their union.
    size_m : side of a cell [m], > 0.
    clip : True cuts cells at the border of the extent; False keeps whole squares.

    Returns
    -------
    GeoDataFrame, one row a cell, sorted by `area_code`: `area_code` str (`E<col>N<row>`, counted
        from the CRS origin, so that a cell keeps its code when the extent grows), `geometry`
        Polygon or MultiPolygon with positive area, in the CRS of `extent`.

    Raises
    ------
    GeometryError : the CRS is missing or not metric, the extent is empty, or more than five
        million cells would arise.
    UnitError : `size_m` is not positive.

    Notes
    -----
    O(n_cells log n_areas). The anchoring follows the INSPIRE grids (D2.8.I.2).

    Examples
    --------
    >>> extent = gpd.GeoSeries([shapely.box(0, 0, 900, 400)], crs=32650)
    >>> square_grid(extent, size_m=500)["area_code"].tolist()
    ['E0N0', 'E1N0']
    """
    size_m = positive("size_m", size_m, unit="m")
    shapes = extent.geometry
    _require_metric("extent", shapes)
    given = np.asarray(shapes.array)
    kept = given[~(shapely.is_empty(given) | shapely.is_missing(given))]
    if not len(kept):
        raise GeometryError("extent: no geometry; wanted at least one area")
    west, south, east, north = (float(v) for v in shapely.total_bounds(kept))
    first_col, first_row = int(np.floor(west / size_m)), int(np.floor(south / size_m))
    n_cols = max(int(np.ceil(east / size_m)) - first_col, 1)
    n_rows = max(int(np.ceil(north / size_m)) - first_row, 1)
    if n_cols * n_rows > _MAX_CELLS:
        raise GeometryError(
            f"size_m: {size_m:g} m gives {n_cols} x {n_rows} cells; wanted at most {_MAX_CELLS}"
        )
    col, row = (
        a.ravel() for a in np.meshgrid(np.arange(n_cols) + first_col, np.arange(n_rows) + first_row)
    )
    squares = shapely.box(col * size_m, row * size_m, (col + 1) * size_m, (row + 1) * size_m)
    whole = shapely.union_all(kept)
    shapely.prepare(whole)
    touched = np.flatnonzero(shapely.intersects(whole, squares))
    cut = np.flatnonzero(~shapely.contains_properly(whole, squares[touched]))
    pieces = polygonal(shapely.intersection(whole, squares[touched[cut]]))
    result = squares[touched]
    if clip:
        result[cut] = pieces
    keep = np.ones(len(touched), dtype=bool)
    keep[cut] = shapely.area(pieces) > 0
    codes = [f"E{c}N{r}" for c, r in zip(col[touched], row[touched], strict=True)]
    cells = gpd.GeoDataFrame({"area_code": codes}, geometry=result, crs=shapes.crs)
    return cells[keep].sort_values("area_code", ignore_index=True)


def locate(points_xy: npt.ArrayLike | gpd.GeoSeries, areas: gpd.GeoDataFrame) -> pd.Series[str]:
    """Code of the area in which each point lies.

    A point on a border belongs to the touching area with the lowest code.

    Parameters
    ----------
    points_xy : float64, shape (n, 2), in the CRS of `areas`; or a GeoSeries of points.
    areas : `area_code` str, unique; polygonal geometry. They may overlap: the lowest code wins.

    Returns
    -------
    Series of `area_code`, str, index of the GeoSeries or 0..n-1; missing where the point lies
        in no area or has a NaN or no coordinate.

    Raises
    ------
    CodeError : area codes are missing or not unique.
    GeometryError : both have a CRS and they differ, or a geometry is not a point.
    ShapeError : `points_xy` is not of shape (n, 2), or `areas` lacks a column.

    Notes
    -----
    O(n log n_areas) through an R-tree of the areas' boxes, then an exact test on prepared polygons.

    Examples
    --------
    >>> areas = gpd.GeoDataFrame({"area_code": ["b", "a"]},
    ...     geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)])
    >>> locate([(0.5, 0.5), (1, 0.5), (9, 9)], areas).tolist()
    ['b', 'a', nan]
    """
    codes = _codes("areas", areas)
    index: pd.Index | None = None
    if isinstance(points_xy, gpd.GeoSeries):
        index = points_xy.index
        _same_crs(points_xy, areas)
        kinds = shapely.get_type_id(points_xy.to_numpy())
        if not np.isin(kinds, (-1, 0)).all():
            raise GeometryError("points: other geometries among them; wanted points only")
        xy = _coordinates(points_xy.to_numpy())
    else:
        xy = points("points_xy", points_xy)
    found = _locate_positions(xy, areas.geometry.to_numpy(), np.argsort(np.argsort(codes)))
    return _labels(codes, found, index)


def representative_parents(children: gpd.GeoDataFrame, parents: gpd.GeoDataFrame) -> pd.Series[str]:
    """Parent of each area: the one that holds its representative point.

    Where that point lies in no parent (a sliver, a shifted border), the parent with the largest
    overlap is taken.

    Parameters
    ----------
    children : `area_code` str, unique; polygonal geometry in a metric CRS.
    parents : the same, one level up, same CRS.

    Returns
    -------
    Series of the parent's `area_code`, str, index of `children`; missing where no parent overlaps.

    Raises
    ------
    CodeError : codes are missing or not unique.
    GeometryError : a CRS is missing, not metric, or the two differ.

    Notes
    -----
    O(n log n_parents), and an overlay of the children that the first step leaves.

    Examples
    --------
    >>> town = gpd.GeoDataFrame({"area_code": ["t"]}, geometry=[shapely.box(0, 0, 9, 9)], crs=32650)
    >>> village = gpd.GeoDataFrame(
    ...     {"area_code": ["v"]}, geometry=[shapely.box(1, 1, 2, 2)], crs=32650)
    >>> representative_parents(village, town).tolist()
    ['t']
    """
    _codes("children", children)
    codes = _codes("parents", parents)
    for name, areas in (("children", children), ("parents", parents)):
        _require_metric(name, areas.geometry)
    _same_crs(children.geometry, parents)
    xy = _coordinates(shapely.point_on_surface(children.geometry.to_numpy()))
    ranks = np.argsort(np.argsort(codes))
    found = _locate_positions(xy, parents.geometry.to_numpy(), ranks)
    lost = np.flatnonzero(found < 0)
    if lost.size:
        child, parent, area = _overlaps(
            children.geometry.to_numpy()[lost], parents.geometry.to_numpy()
        )
        order = np.lexsort((ranks[parent], -area, child))
        child, parent = child[order], parent[order]
        first = np.flatnonzero(np.diff(child, prepend=-1))
        found[lost[child[first]]] = parent[first]
    return _labels(codes, found, children.index)


def crosswalk(
    from_areas: gpd.GeoDataFrame,
    to_areas: gpd.GeoDataFrame,
    *,
    weights: gpd.GeoDataFrame | None = None,
) -> pd.DataFrame:
    """Shares by which counts of one zoning are handed to another.

    Parameters
    ----------
    from_areas : `area_code` str, unique; polygonal geometry in a metric CRS.
    to_areas : the same in the other zoning, same CRS.
    weights : points with a column `weight` >= 0 (persons, as a rule), same CRS; without it, or for
        a source with no weighted point in any target, the overlapping area is the weight.

    Returns
    -------
    DataFrame sorted by `from_code`, `to_code`: `from_code` str, `to_code` str, `weight` float64,
        > 0. The weights of every source sum to 1, also where it lies partly outside all
        targets; a source that no target overlaps has one row with a missing `to_code` and weight
        1, so that nothing handed over is lost unseen.

    Raises
    ------
    CodeError : codes are missing or not unique.
    GeometryError : a CRS is missing, not metric, or they differ.
    ShapeError : `weights` has no column `weight`.
    UnitError : a weight is negative or infinite.

    Notes
    -----
    O(n_overlaps) intersections through an R-tree. Areal weighting: Goodchild & Lam 1980; points as
    weights: dasymetric mapping, Eicher & Brewer 2001.

    Examples
    --------
    >>> old = gpd.GeoDataFrame({"area_code": ["o"]}, geometry=[shapely.box(0, 0, 4, 1)], crs=32650)
    >>> new = gpd.GeoDataFrame({"area_code": ["n1", "n2"]}, crs=32650,
    ...     geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 4, 1)])
    >>> crosswalk(old, new)["weight"].tolist()
    [0.25, 0.75]
    """
    sources, targets = _codes("from_areas", from_areas), _codes("to_areas", to_areas)
    for name, areas in (("from_areas", from_areas), ("to_areas", to_areas)):
        _require_metric(name, areas.geometry)
    _same_crs(from_areas.geometry, to_areas)
    source, target, size = _overlaps(from_areas.geometry.to_numpy(), to_areas.geometry.to_numpy())
    if weights is not None:
        by_points = _point_overlaps(weights, from_areas, to_areas)
        without = ~np.isin(source, by_points[0])
        source, target, size = (
            np.concatenate([given, area[without]])
            for given, area in zip(by_points, (source, target, size), strict=True)
        )
    total = np.bincount(source, weights=size, minlength=len(sources))
    lost = np.flatnonzero(total == 0)
    to_positions = np.concatenate([target, np.full(lost.size, -1)])
    shares = pd.DataFrame(
        {
            "from_code": sources[np.concatenate([source, lost])],
            "to_code": _labels(targets, to_positions, None),
            "weight": np.concatenate([size / total[source], np.ones(lost.size)]),
        }
    )
    return shares.sort_values(["from_code", "to_code"], ignore_index=True)


def polygonal(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Only the polygons of each geometry.

    Parameters
    ----------
    shapes : shapely geometries, shape (n,); missing ones stay missing.

    Returns
    -------
    Shapely geometries, shape (n,): Polygon or MultiPolygon, empty where nothing polygonal is left.

    Notes
    -----
    O(n vertices).

    Examples
    --------
    >>> mixed = shapely.from_wkt("GEOMETRYCOLLECTION (POINT (9 9), POLYGON ((0 0, 1 0, 1 1, 0 0)))")
    >>> polygonal(np.array([mixed]))[0].geom_type
    'Polygon'
    """
    result = np.array(shapes, dtype=object)
    kinds = shapely.get_type_id(result)
    for i in np.flatnonzero(~np.isin(kinds, (-1, 3, 6))):
        parts = shapely.get_parts(shapely.get_parts(result[i]))
        kept = parts[shapely.get_type_id(parts) == 3]
        result[i] = kept[0] if len(kept) == 1 else shapely.union_all(kept)
        if not len(kept):
            result[i] = shapely.Polygon()
    return result


def _codes(name: str, areas: gpd.GeoDataFrame) -> npt.NDArray[np.object_]:
    if "area_code" not in areas.columns:
        raise ShapeError(f"{name}: columns {list(areas.columns)}; wanted area_code among them")
    codes = areas["area_code"]
    if codes.isna().any() or codes.duplicated().any():
        raise CodeError(
            f"{name}.area_code: {int(codes.isna().sum())} missing, "
            f"{int(codes.duplicated().sum())} doubled; wanted one code an area"
        )
    return np.array(codes.tolist(), dtype=object)


def _labels(
    codes: npt.NDArray[np.object_], found: IntArray, index: pd.Index | None
) -> pd.Series[str]:
    names = [*codes.tolist(), None]
    labels = [names[i] for i in found.tolist()]
    return pd.Series(labels, index=index, dtype="str", name="area_code")


def _require_metric(name: str, shapes: gpd.GeoSeries) -> None:
    crs = shapes.crs
    if crs is None or not crs.is_projected or crs.axis_info[0].unit_name not in ("metre", "meter"):
        came = "none" if crs is None else crs.to_string()
        raise GeometryError(f"{name}: CRS {came}; wanted a projected CRS in metres, use to_crs")


def _same_crs(shapes: gpd.GeoSeries, areas: gpd.GeoDataFrame) -> None:
    if shapes.crs is not None and areas.crs is not None and shapes.crs != areas.crs:
        raise GeometryError(f"CRS {shapes.crs} and {areas.crs}; wanted one CRS, use to_crs")


def _coordinates(shapes: npt.NDArray[np.object_]) -> FloatArray:
    """Coordinates of points, shape (n, 2); NaN where a point is missing or empty."""
    xy = np.full((len(shapes), 2), np.nan)
    there = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    xy[there] = shapely.get_coordinates(shapes[there])
    return xy


def _locate_positions(xy: FloatArray, shapes: npt.NDArray[np.object_], ranks: IntArray) -> IntArray:
    """Position of the lowest-ranked area around each point, -1 where none."""
    found = np.full(len(xy), -1, dtype=np.int64)
    known = np.flatnonzero(~np.isnan(xy).any(axis=1))
    if not len(shapes) or not known.size:
        return found
    shapely.prepare(shapes)
    tree = shapely.STRtree(shapes)
    point, area = tree.query(shapely.points(xy[known]))
    point = known[point]
    inside = shapely.intersects_xy(shapes[area], xy[point, 0], xy[point, 1])
    point, area = point[inside], area[inside]
    best = np.full(len(xy), len(shapes), dtype=np.int64)
    np.minimum.at(best, point, ranks[area])
    by_rank = np.empty(len(shapes) + 1, dtype=np.int64)
    by_rank[ranks] = np.arange(len(shapes))
    by_rank[-1] = -1
    found[:] = by_rank[best]
    return found


def _overlaps(
    first: npt.NDArray[np.object_], second: npt.NDArray[np.object_]
) -> tuple[IntArray, IntArray, FloatArray]:
    """Pairs of positions whose geometries share an area, and that area [m2]."""
    i, j = shapely.STRtree(second).query(first, predicate="intersects")
    size = shapely.area(shapely.intersection(first[i], second[j]))
    kept = size > 0
    return i[kept], j[kept], size[kept]


def _point_overlaps(
    weights: gpd.GeoDataFrame, from_areas: gpd.GeoDataFrame, to_areas: gpd.GeoDataFrame
) -> tuple[IntArray, IntArray, FloatArray]:
    if "weight" not in weights.columns:
        raise ShapeError(f"weights: columns {list(weights.columns)}; wanted weight among them")
    weight = amounts("weights.weight", weights["weight"].to_numpy())
    xy = _coordinates(weights.geometry.to_numpy())
    pair = []
    for areas in (from_areas, to_areas):
        _same_crs(weights.geometry, areas)
        ranks = np.argsort(np.argsort(_codes("areas", areas)))
        pair.append(_locate_positions(xy, areas.geometry.to_numpy(), ranks))
    both = (pair[0] >= 0) & (pair[1] >= 0) & (weight > 0)
    keys, at = np.unique(pair[0][both] * len(to_areas) + pair[1][both], return_inverse=True)
    size: FloatArray = np.bincount(at, weights=weight[both], minlength=len(keys)).astype(float)
    return keys // max(len(to_areas), 1), keys % max(len(to_areas), 1), size
