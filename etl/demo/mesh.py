"""The fine grid: organic cells, small where many people live, that never straddle the river.

Cells are centroidal Voronoi polygons. Along the river and the city's outline their centres stand in
mirrored pairs, so that shared edges lie on these lines; every polygon is built from edges that are
drawn once, so cells, villages and towns share exact borders.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Voronoi, cKDTree

from etl.demo.terrain import Floats, Terrain

Ints = NDArray[np.int64]

RASTER_M = 100.0
OUTSIDE = -1
SHORTEST_EDGE_M = 1.5


@dataclass(frozen=True)
class Mesh:
    """Cells as centres, edges and neighbours.

    Parameters
    ----------
    centres : (n_cells, 2) [m].
    bank : (n_cells,) which side of the river: 0 left, 1 right.
    settlement : (n_cells, len(Land)) persons by kind of settlement, before scaling.
    area_m2 : (n_cells,) between straight edges.
    edge_cells : (n_edges, 2) the two cells of an edge; `OUTSIDE` beyond the outline.
    edge_ends : (n_edges, 2, 2) end points [m].
    on_river : (n_edges,) the edge lies on the river's middle line.
    """

    centres: Floats
    bank: NDArray[np.int8]
    settlement: Floats
    area_m2: Floats
    edge_cells: Ints
    edge_ends: Floats
    on_river: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.centres)


@dataclass(frozen=True)
class _Fixed:
    """Centres in mirrored pairs along the outline and the river."""

    inner: Floats
    outer: Floats
    banks: Floats
    bank_sides: NDArray[np.int8]


def _raster(terrain: Terrain) -> tuple[Floats, Floats]:
    """Points inside the outline, and the settlement there."""
    west, south, east, north = terrain.outline.bounds
    x, y = np.meshgrid(np.arange(west, east, RASTER_M), np.arange(south, north, RASTER_M))
    points = np.column_stack([x.ravel(), y.ravel()])
    points = points[shapely.contains_xy(terrain.outline, points)]
    return points, terrain.settlement(points)


def _fineness(settlement: Floats) -> Floats:
    """Relative number of cells per area: grows slower than the number of people."""
    return np.asarray(np.maximum(settlement.sum(axis=1), 45.0) ** 0.68)


def _along(line: Floats, at: Floats) -> Floats:
    """Points of a polyline at distances from its start."""
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    return np.column_stack([np.interp(at, length, line[:, axis]) for axis in (0, 1)])


def _pairs(line: Floats, terrain: Terrain, scale: float) -> tuple[Floats, Floats, Floats]:
    """Centres left and right of a line, half a cell away from it, and the local cell size."""
    length = float(np.hypot(*np.diff(line, axis=0).T).sum())
    fine = np.arange(0, length, 40.0)
    fine_size = 1.07 / np.sqrt(scale * _fineness(terrain.settlement(_along(line, fine))))
    count = np.cumsum(40.0 / fine_size)
    at = np.interp(np.arange(0.5, count[-1], 1.0), count, fine)
    size = np.interp(at, fine, fine_size)
    tangent = _along(line, at + 0.3 * size) - _along(line, at - 0.3 * size)
    normal = np.column_stack([-tangent[:, 1], tangent[:, 0]])
    normal /= np.hypot(normal[:, 0], normal[:, 1])[:, None]
    here, offset = _along(line, at), 0.5 * size[:, None] * normal
    return here + offset, here - offset, size


def _fixed(terrain: Terrain, scale: float) -> _Fixed:
    outline, river = terrain.outline, terrain.river
    left, right, size = _pairs(shapely.get_coordinates(outline.exterior), terrain, scale)
    left_inside = shapely.contains_xy(outline, left)
    inner = np.where(left_inside[:, None], left, right)
    outer = np.where(left_inside[:, None], right, left)
    # Where river and outline meet, the river's pairs go first.
    clear = terrain.from_river(inner) > 0.9 * size
    clear &= shapely.contains_xy(outline, inner) & ~shapely.contains_xy(outline, outer)
    inner, outer = inner[clear], outer[clear]
    left, right, size = _pairs(shapely.get_coordinates(river), terrain, scale)
    banks = np.vstack([left, right])
    sides = np.repeat(np.array([0, 1], dtype=np.int8), len(left))
    near = shapely.contains_xy(outline.buffer(2 * float(size.max())), banks)
    return _Fixed(inner, outer, banks[near], sides[near])


def _relax(moving: Floats, fixed: Floats, samples: Floats, rounds: int) -> Floats:
    """Lloyd's algorithm on samples; fixed centres keep their place (Lloyd 1982)."""
    for _ in range(rounds):
        tree = cKDTree(np.vstack([moving, fixed]))
        owner = np.asarray(tree.query(samples, workers=-1)[1], dtype=np.int64)
        size = np.bincount(owner, minlength=len(moving) + len(fixed))[: len(moving)]
        held = size > 0
        for axis in (0, 1):
            total = np.bincount(
                owner, weights=samples[:, axis], minlength=len(moving) + len(fixed)
            )[: len(moving)]
            moving[held, axis] = total[held] / size[held]
    return moving


def _step_back(moving: Floats, terrain: Terrain, scale: float) -> Floats:
    """Move centres that crowd the river or the outline behind the pairs that line it."""
    size = 1.0 / np.sqrt(scale * _fineness(terrain.settlement(moving)))
    for line, wanted in ((terrain.outline.exterior, 0.92), (terrain.river, 0.98)):
        vertices = shapely.get_coordinates(shapely.segmentize(line, 30.0))
        found = cKDTree(vertices).query(moving)
        away, nearest = np.asarray(found[0]), np.asarray(found[1])
        close = away < wanted * size
        off = moving[close] - vertices[nearest[close]]
        off /= np.maximum(away[close], 1e-6)[:, None]
        moving[close] = vertices[nearest[close]] + off * (wanted * size[close])[:, None]
    return moving


def _sides(terrain: Terrain, points: Floats) -> NDArray[np.int8]:
    """0 left of the river, 1 right of it, looking downstream."""
    line = shapely.get_coordinates(terrain.river)
    tree = cKDTree((line[:-1] + line[1:]) / 2)
    nearest = np.asarray(tree.query(points)[1])
    ahead = line[nearest + 1] - line[nearest]
    off = points - line[nearest]
    return (ahead[:, 0] * off[:, 1] - ahead[:, 1] * off[:, 0] < 0).astype(np.int8)


def make_mesh(terrain: Terrain, cells: int, rng: np.random.Generator) -> Mesh:
    """Cut the land into exactly `cells` cells."""
    points, settlement = _raster(terrain)
    fineness = _fineness(settlement)
    scale = cells / (fineness.sum() * RASTER_M**2)
    fixed = _fixed(terrain, scale)
    banks_inside = shapely.contains_xy(terrain.outline, fixed.banks)
    anchored = np.vstack([fixed.inner, fixed.banks[banks_inside]])
    free = cells - len(anchored)
    small = cells <= 20_000
    per_cell, rounds = (40, 14) if small else (10, 3)
    # Systematic sampling: evenly spread, in proportion to the wanted number of cells.
    share = np.cumsum(fineness) / fineness.sum()
    picks = np.searchsorted(share, (np.arange(cells * per_cell) + rng.random()) / cells / per_cell)
    samples = points[picks] + rng.uniform(-RASTER_M / 2, RASTER_M / 2, (len(picks), 2))
    far = cKDTree(anchored).query(samples)[0] > 0.6 / np.sqrt(scale * fineness[picks])
    start = samples[far][rng.permutation(np.count_nonzero(far))[:free]]
    others = np.vstack([anchored, fixed.outer, fixed.banks[~banks_inside]])
    moving = _relax(start, others, samples, rounds)
    moving = _step_back(moving, terrain, scale)
    centres = _closed(np.vstack([moving, others]), cells, terrain)
    edge_cells, edge_ends = _edges(centres, cells)
    for _ in range(5):
        alone = _detached(edge_cells, cells)
        if not len(alone):
            break
        # A cell on a spike of the outline that touches no other: it is of more use inside.
        inland = np.flatnonzero(far)
        centres[alone] = samples[inland[rng.integers(0, len(inland), len(alone))]]
        centres = _closed(centres, cells, terrain)
        edge_cells, edge_ends = _edges(centres, cells)
    bank = _sides(terrain, centres[:cells])
    area = _areas(centres[:cells], edge_cells, edge_ends)
    density = terrain.settlement(centres[:cells])
    if small:
        density = _mean_density(
            centres, samples, settlement[picks] / fineness[picks, None], fineness[picks], density
        )
    both = (edge_cells != OUTSIDE).all(axis=1)
    on_river = both.copy()
    on_river[both] = bank[edge_cells[both, 0]] != bank[edge_cells[both, 1]]
    settled = density * (area / 1e6)[:, None]
    return Mesh(centres[:cells], bank, settled, area, edge_cells, edge_ends, on_river)


def _closed(centres: Floats, cells: int, terrain: Terrain) -> Floats:
    """Add centres beyond the outline where a cell would run out through a gap in the pairs."""
    outline = terrain.outline
    allowed = outline.buffer(2 * np.sqrt(outline.area / cells))
    shapely.prepare([allowed, outline])
    for _ in range(3):
        edge_cells, edge_ends = _edges(centres, cells)
        held = shapely.contains_xy(allowed, edge_ends.reshape(-1, 2)).reshape(-1, 2).all(axis=1)
        leaking = np.unique(edge_cells[~held])
        leaking = leaking[leaking != OUTSIDE]
        if not len(leaking):
            break
        border, here = outline.exterior, centres[leaking]
        at = shapely.line_locate_point(border, shapely.points(here))
        crossing = shapely.get_coordinates(shapely.line_interpolate_point(border, at))
        beyond = 2 * crossing - here
        # Across a narrow inlet the mirror image lies inside again: then just beyond the line.
        near = shapely.contains_xy(outline, beyond)
        beyond[near] = crossing[near] + 0.05 * (crossing[near] - here[near])
        centres = np.vstack([centres, beyond])
    return centres


def _detached(edge_cells: Ints, cells: int) -> Ints:
    """Cells that cannot be reached from the bulk of the city."""
    pairs = edge_cells[(edge_cells != OUTSIDE).all(axis=1)]
    graph = csr_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(cells, cells))
    _, part = connected_components(graph, directed=False)
    return np.flatnonzero(part != np.argmax(np.bincount(part)))


def _mean_density(
    centres: Floats, samples: Floats, mass: Floats, fineness: Floats, otherwise: Floats
) -> Floats:
    """Density over the samples in each cell, weighted back to equal areas."""
    owner = np.asarray(cKDTree(centres).query(samples, workers=-1)[1], dtype=np.int64)
    own = owner < len(otherwise)
    size = np.bincount(owner[own], weights=1 / fineness[own], minlength=len(otherwise))
    mean = (
        np.column_stack(
            [
                np.bincount(owner[own], weights=column[own], minlength=len(otherwise))
                for column in mass.T
            ]
        )
        / np.maximum(size, 1e-12)[:, None]
    )
    return np.where(size[:, None] > 0, mean, otherwise)


def _areas(centres: Floats, edge_cells: Ints, edge_ends: Floats) -> Floats:
    """Areas of the cells: the triangles between their centres and edges."""
    area = np.zeros(len(centres))
    for side in (0, 1):
        cell = edge_cells[:, side]
        real = cell != OUTSIDE
        away = edge_ends[real] - centres[cell[real]][:, None]
        double = np.abs(away[:, 0, 0] * away[:, 1, 1] - away[:, 0, 1] * away[:, 1, 0])
        area += np.bincount(cell[real], weights=double / 2, minlength=len(centres))
    return area


def _edges(centres: Floats, cells: int) -> tuple[Ints, Floats]:
    """Voronoi edges that bound at least one cell of the city."""
    middle, reach = centres.mean(axis=0), 3 * np.ptp(centres, axis=0).max()
    around = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    frame = middle + reach * np.column_stack([np.cos(around), np.sin(around)])
    diagram = Voronoi(np.vstack([centres, frame]))
    pairs = np.asarray(diagram.ridge_points, dtype=np.int64)
    ends = np.asarray(diagram.ridge_vertices, dtype=np.int64)
    keep = (pairs < cells).any(axis=1) & (ends >= 0).all(axis=1)
    pairs, ends = pairs[keep], ends[keep]
    pairs[pairs >= cells] = OUTSIDE
    # A fixed order of edges, whatever order the library gives.
    order = np.lexsort((ends.min(axis=1), pairs.max(axis=1), pairs.min(axis=1)))
    pairs, ends = pairs[order], ends[order]
    vertices, merged = _merged(np.asarray(diagram.vertices), ends)
    real = merged[:, 0] != merged[:, 1]
    return pairs[real], vertices[merged[real]]


def _merged(vertices: Floats, ends: Ints) -> tuple[Floats, Ints]:
    """Corners so near to each other that rounding could swap them become one."""
    short = np.hypot(*(vertices[ends[:, 0]] - vertices[ends[:, 1]]).T) < SHORTEST_EDGE_M
    graph = csr_array(
        (np.ones(short.sum()), (ends[short, 0], ends[short, 1])),
        shape=(len(vertices), len(vertices)),
    )
    count, corner = connected_components(graph, directed=False)
    size = np.bincount(corner, minlength=count)
    middle = np.column_stack(
        [np.bincount(corner, weights=vertices[:, axis], minlength=count) / size for axis in (0, 1)]
    )
    return middle, corner[ends].astype(np.int64)
