"""Polygons of cells, villages and towns from edges that are drawn once and shared.

An edge gets a natural course by midpoint displacement, kept small enough to stay within the kite
between its two cells, so that no two edges cross. Coordinates are rounded in degrees before any
polygon is built: what is written to the files is exactly what was checked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from etl.demo.mesh import OUTSIDE, Ints, Mesh
from etl.demo.plan import CENTRE_LAT, CENTRE_LON, CRS
from etl.demo.terrain import Floats, Terrain, largest_polygon
from etl.demo.zones import Zones

# Six decimals of a degree are about 0.1 m.
DECIMALS = 6


class Frame:
    """Between the plan's metres and CGCS2000 degrees."""

    def __init__(self) -> None:
        self._forward = Transformer.from_crs("EPSG:4490", CRS, always_xy=True)
        self.east0, self.north0 = self._forward.transform(CENTRE_LON, CENTRE_LAT)

    def degrees(self, xy: Floats) -> Floats:
        """Longitude and latitude of points (n, 2) [m], rounded."""
        lon, lat = self._forward.transform(
            xy[:, 0] + self.east0, xy[:, 1] + self.north0, direction="INVERSE"
        )
        return np.round(np.column_stack([lon, lat]), DECIMALS)

    def geometry(self, geometry: shapely.Geometry) -> shapely.Geometry:
        """A geometry in degrees."""
        return shapely.transform(geometry, self.degrees)


@dataclass(frozen=True)
class Borders:
    """Polygons in degrees, in the order of the cells, villages and towns."""

    cells: NDArray[np.object_]
    villages: NDArray[np.object_]
    towns: NDArray[np.object_]
    county: shapely.Polygon


def _splits(mesh: Mesh, zones: Zones, cells: int) -> Ints:
    """How often each edge is halved: borders more than the lines between cells."""
    first, second = mesh.edge_cells.T
    outer = (first == OUTSIDE) | (second == OUTSIDE)
    village = zones.village_of_cell[first] != zones.village_of_cell[second]
    length = np.hypot(*(mesh.edge_ends[:, 0] - mesh.edge_ends[:, 1]).T)
    wanted_m = np.where(outer | village | mesh.on_river, 55.0, 170.0 if cells <= 20_000 else 1e9)
    halvings = np.ceil(np.log2(np.maximum(length, 1) / wanted_m))
    return np.asarray(np.clip(halvings, 0, 4), dtype=np.int64)


def _displace(ends: Floats, halvings: int, rng: np.random.Generator, rough: float) -> Floats:
    """Courses of (n, 2, 2) straight edges as (n, 2**halvings + 1, 2)."""
    course = ends
    for _ in range(halvings):
        start, stop = course[:, :-1], course[:, 1:]
        across = np.stack([-(stop - start)[..., 1], (stop - start)[..., 0]], axis=-1)
        shift = np.clip(rng.normal(0, rough, start.shape[:2]), -0.17, 0.17)
        middle = (start + stop) / 2 + across * shift[..., None]
        finer = np.empty((len(course), 2 * course.shape[1] - 1, 2))
        finer[:, ::2] = course
        finer[:, 1::2] = middle
        course = finer
    return course


def _confine(course: Floats, centres: Floats) -> Floats:
    """Pull courses into the triangles between their edge and the cells' centres.

    Triangles of different edges do not overlap, so that courses within them never cross.

    Parameters
    ----------
    course : (n, points, 2), each with the ends of its straight edge.
    centres : (n, 2, 2) of the two cells; NaN beyond the outline.
    """
    start, along = course[:, 0], course[:, -1] - course[:, 0]
    length = np.maximum(np.hypot(*along.T), 1e-9)
    ahead = along / length[:, None]
    side = np.column_stack([-ahead[:, 1], ahead[:, 0]])
    off = course - start[:, None]
    at = np.einsum("npk,nk->np", off, ahead) / length[:, None]
    away = np.einsum("npk,nk->np", off, side)
    room = np.full(at.shape, np.inf)
    for i in (0, 1):
        to_centre = centres[:, i] - start
        height = np.abs((to_centre * side).sum(axis=1))[:, None]
        foot = ((to_centre * ahead).sum(axis=1) / length)[:, None]
        rising = np.where(foot > 0, at / np.where(foot > 0, foot, 1), np.inf)
        falling = np.where(foot < 1, (1 - at) / np.where(foot < 1, 1 - foot, 1), np.inf)
        room = np.fmin(room, height * np.minimum(rising, falling))
    room = 0.7 * np.maximum(room, 0)
    confined = (
        start[:, None]
        + (np.clip(at, 0, 1) * length[:, None])[..., None] * ahead[:, None]
        + np.clip(away, -room, room)[..., None] * side[:, None]
    )
    confined[:, 0], confined[:, -1] = course[:, 0], course[:, -1]
    return np.asarray(confined)


def _follow(course: Floats, line: shapely.LineString, limit: float) -> Floats:
    """Move inner points of courses onto a line, where it is near."""
    inner = course[:, 1:-1].reshape(-1, 2)
    points = shapely.points(inner)
    on_line = shapely.get_coordinates(
        shapely.line_interpolate_point(line, shapely.line_locate_point(line, points))
    )
    reach = limit * np.repeat(np.hypot(*(course[:, 0] - course[:, -1]).T), course.shape[1] - 2)
    near = np.hypot(*(on_line - inner).T) < reach
    inner[near] = on_line[near]
    moved = course.copy()
    moved[:, 1:-1] = inner.reshape(len(course), -1, 2)
    return moved


def _courses(
    mesh: Mesh, terrain: Terrain, splits: Ints, rng: np.random.Generator
) -> tuple[Floats, Ints]:
    """Points of every edge one after another, and where each edge starts."""
    counts = 2**splits + 1
    starts = np.concatenate([[0], np.cumsum(counts)])
    points = np.empty((starts[-1], 2))
    outer = (mesh.edge_cells == OUTSIDE).any(axis=1)
    centres = mesh.centres[mesh.edge_cells]
    centres[mesh.edge_cells == OUTSIDE] = np.nan
    for halvings in range(int(splits.max()) + 1):
        for river in (False, True):
            chosen = np.flatnonzero((splits == halvings) & (mesh.on_river == river))
            if not len(chosen):
                continue
            rough = np.where(outer[chosen], 0.10, 0.075).mean() if not river else 0.0
            course = _displace(mesh.edge_ends[chosen], halvings, rng, float(rough))
            if river and halvings:
                course = _follow(course, terrain.river, 0.2)
            if halvings:
                course = _confine(course, centres[chosen])
            slots = starts[chosen][:, None] + np.arange(2**halvings + 1)
            points[slots] = course
    return points, starts


def _rings(mesh: Mesh, starts: Ints, degrees: Floats) -> NDArray[np.object_]:
    """Polygons of the cells: each ring is its edges in counter-clockwise order."""
    half_cell = mesh.edge_cells.ravel(order="F")
    half_edge = np.tile(np.arange(len(mesh.edge_cells)), 2)
    real = half_cell != OUTSIDE
    half_cell, half_edge = half_cell[real], half_edge[real]
    ends = mesh.edge_ends[half_edge]
    away = ends - mesh.centres[half_cell][:, None]
    turn = away[:, 0, 0] * away[:, 1, 1] - away[:, 0, 1] * away[:, 1, 0]
    backwards = turn < 0
    middle = away.mean(axis=1)
    order = np.lexsort((np.arctan2(middle[:, 1], middle[:, 0]), half_cell))
    half_cell, half_edge, backwards = half_cell[order], half_edge[order], backwards[order]
    # The last point of each edge is the first of the next.
    length = np.diff(starts)[half_edge] - 1
    total = int(length.sum())
    offset = np.arange(total) - np.repeat(np.cumsum(length) - length, length)
    first = starts[half_edge]
    last = starts[half_edge + 1] - 1
    index = np.where(
        np.repeat(backwards, length),
        np.repeat(last, length) - offset,
        np.repeat(first, length) + offset,
    )
    ring_of = np.repeat(half_cell, length)
    coordinates = degrees[index]
    repeated = np.zeros(total, dtype=bool)
    repeated[1:] = (ring_of[1:] == ring_of[:-1]) & (coordinates[1:] == coordinates[:-1]).all(axis=1)
    coordinates, ring_of = coordinates[~repeated], ring_of[~repeated]
    return np.asarray(shapely.polygons(shapely.linearrings(coordinates, indices=ring_of)))


def _join(parts: NDArray[np.object_], owner: Ints, count: int) -> NDArray[np.object_]:
    joined = np.empty(count, dtype=object)
    for i in range(count):
        joined[i] = shapely.coverage_union_all(parts[owner == i])
    return joined


def make_borders(
    mesh: Mesh, zones: Zones, terrain: Terrain, frame: Frame, rng: np.random.Generator
) -> Borders:
    """Draw all borders; cells whose course would cross itself get straight edges."""
    splits = _splits(mesh, zones, len(mesh))
    points, starts = _courses(mesh, terrain, splits, rng)
    for _ in range(4):
        cells = _rings(mesh, starts, frame.degrees(points))
        faulty = np.flatnonzero(~shapely.is_valid(cells))
        if not len(faulty):
            break
        for edge in np.flatnonzero(np.isin(mesh.edge_cells, faulty).any(axis=1)):
            share = np.linspace(0, 1, 2 ** splits[edge] + 1)[:, None]
            begin, end = mesh.edge_ends[edge]
            points[starts[edge] : starts[edge + 1]] = begin + share * (end - begin)
    villages = _join(cells, zones.village_of_cell, zones.villages)
    towns = _join(villages, zones.town_of_village, int(zones.town_of_village.max()) + 1)
    county = largest_polygon(shapely.coverage_union_all(towns))
    return Borders(cells, villages, towns, county)
