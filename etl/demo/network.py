"""Roads: main roads from town to town, lanes to every village, streets, and few bridges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from etl.demo.mesh import Ints
from etl.demo.plan import CITY_ZH, TOWNS
from etl.demo.terrain import Floats, Terrain

STEP_M = 270.0
# Straight and diagonal moves, and the knight's moves that let a road take any heading.
MOVES = ((1, 0), (0, 1), (1, 1), (1, -1), (2, 1), (1, 2), (2, -1), (1, -2))
# As the transport bureau calls them, by rank; streets are a class of their own.
KINDS = {1: "国道", 2: "县道", 3: "村道"}
STREET = "街巷"
# Every so many streets is one-way for cars.
ONE_WAY_EVERY = 7
LINKS = (
    # Main roads through the city and out of it, then town to town.
    ("001", "004", 1), ("004", "105", 1), ("001", "003", 1), ("003", "101", 1), ("001", "104", 1),
    ("004", "102", 1), ("002", "001", 1), ("203", "002", 2), ("104", "202", 2), ("104", "201", 2),
    ("101", "103", 2), ("103", "102", 2), ("201", "101", 2), ("203", "202", 2), ("203", "105", 2),
    ("003", "102", 2), ("002", "003", 2),
)  # fmt: skip


@dataclass(frozen=True)
class Roads:
    """Road lines [m] with rank 1 (main) to 3 (lane), name, class and direction.

    Lanes and streets cross without a vertex in common, as bureaus draw them.
    """

    lines: tuple[shapely.LineString, ...]
    classes: tuple[int, ...]
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    directions: tuple[str, ...]
    bridges: tuple[shapely.Point, ...]


@dataclass
class _Lattice:
    points: Floats
    graph: csr_array

    def nearest(self, xy: Floats) -> int:
        return int(np.argmin(np.hypot(*(self.points - xy).T)))


def _bridges(terrain: Terrain) -> list[shapely.Point]:
    """Where the river may be crossed: in the city, and near towns on it."""
    wanted = [(-1200.0, -300.0), (300.0, 100.0), (2300.0, 200.0), (4700.0, 1200.0)]
    wanted += [(8300.0, -1500.0)]
    wanted += [(t.x_km * 1000, t.y_km * 1000) for t in TOWNS if t.part in {"102", "104", "202"}]
    river = terrain.river
    return [river.interpolate(river.project(shapely.Point(at))) for at in wanted]


def _lattice(terrain: Terrain, bridges: list[shapely.Point], rng: np.random.Generator) -> _Lattice:
    west, south, east, north = terrain.outline.bounds
    x, y = np.meshgrid(np.arange(west, east, STEP_M), np.arange(south, north, STEP_M))
    shape = x.shape
    points = np.column_stack([x.ravel(), y.ravel()])
    points = points + rng.uniform(-0.28, 0.28, points.shape) * STEP_M
    inside = shapely.contains_xy(terrain.outline.buffer(-250), points)
    wet = shapely.contains_xy(terrain.reservoir.buffer(70), points)
    usable = inside & ~wet
    number = np.arange(len(points)).reshape(shape)
    starts, stops = [], []
    for dx, dy in MOVES:
        rows = slice(max(0, -dy), shape[0] - max(0, dy))
        ahead = slice(max(0, dy), shape[0] - max(0, -dy))
        starts.append(number[rows, : shape[1] - dx].ravel())
        stops.append(number[ahead, dx:].ravel())
    start, stop = np.concatenate(starts), np.concatenate(stops)
    keep = usable[start] & usable[stop]
    start, stop = start[keep], stop[keep]
    hops = shapely.linestrings(np.stack([points[start], points[stop]], axis=1))
    shapely.prepare(terrain.river)
    crossing = shapely.intersects(terrain.river, hops)
    middle = (points[start] + points[stop]) / 2
    to_bridge = np.min([np.hypot(*(middle - [b.x, b.y]).T) for b in bridges], axis=0)
    crossing_ok = ~crossing | (to_bridge < 1.1 * STEP_M)
    start, stop, middle = start[crossing_ok], stop[crossing_ok], middle[crossing_ok]
    length = np.hypot(*(points[start] - points[stop]).T)
    # Climbing costs, and so does building beside the water.
    relief = terrain.relief(points)
    climb = np.abs(relief[start] - relief[stop]) * (0.3 + terrain.hilliness(middle))
    shore = np.exp(-terrain.from_river(middle) / 180.0)
    cost = length * (1 + 0.25 * np.exp(rng.normal(0, 0.5, len(length)))) + 2_600 * climb
    cost += 0.8 * length * shore
    both = np.concatenate([start, stop]), np.concatenate([stop, start])
    graph = csr_array((np.tile(cost, 2), both), shape=(len(points), len(points)))
    return _Lattice(points, graph)


def _routes(graph: csr_array, root: int) -> Ints:
    """Each node's next node on its way to a root; negative where there is no way."""
    _, before = dijkstra(graph, indices=[root], return_predecessors=True)
    return np.asarray(before[0], dtype=np.int64)


def _trace(before: Ints, start: int) -> list[tuple[int, int]]:
    """Steps from a node back to the root of a shortest-path tree."""
    steps = []
    node = start
    while before[node] >= 0:
        steps.append((min(node, int(before[node])), max(node, int(before[node]))))
        node = int(before[node])
    return steps


def _chains(segments: dict[tuple[int, int], int]) -> list[tuple[list[int], int]]:
    """Segments joined into lines between junctions, ends and changes of class."""
    around: dict[int, list[int]] = {}
    for a, b in sorted(segments):
        around.setdefault(a, []).append(b)
        around.setdefault(b, []).append(a)

    def grade(a: int, b: int) -> int:
        return segments[min(a, b), max(a, b)]

    def through(node: int) -> bool:
        near = around[node]
        return len(near) == 2 and grade(node, near[0]) == grade(node, near[1])

    used: set[tuple[int, int]] = set()
    chains = []
    starts = [node for node in sorted(around) if not through(node)]
    for node in starts:
        for neighbour in around[node]:
            if (min(node, neighbour), max(node, neighbour)) in used:
                continue
            chain = [node, neighbour]
            used.add((min(node, neighbour), max(node, neighbour)))
            while through(chain[-1]):
                ahead = next(n for n in around[chain[-1]] if n != chain[-2])
                chain.append(ahead)
                used.add((min(chain[-2:]), max(chain[-2:])))
            chains.append((chain, grade(node, neighbour)))
    return chains


def _smooth(points: Floats) -> Floats:
    """Chaikin's corner cutting; both ends stay."""
    for _ in range(3):
        if len(points) < 3:
            return points
        start, stop = points[:-1], points[1:]
        cut = np.empty((2 * len(start), 2))
        cut[::2], cut[1::2] = 0.75 * start + 0.25 * stop, 0.25 * start + 0.75 * stop
        points = np.vstack([points[:1], cut[1:-1], points[-1:]])
    return points


def _streets(terrain: Terrain, rng: np.random.Generator) -> list[shapely.LineString]:
    """A net of streets where people live close together, on its own heading in each town."""
    centres = 1000 * np.array([[town.x_km, town.y_km] for town in TOWNS])
    lines, starts = [], []
    for i, town in enumerate(TOWNS):
        block = 430.0 if town.urban else 360.0
        reach = 3.0 * town.spread_km * 1000
        along = np.arange(-reach, reach, 40.0)
        for turn in (town.grain_deg, town.grain_deg + 90):
            ahead = np.array([np.cos(np.radians(turn)), np.sin(np.radians(turn))])
            side = np.array([-ahead[1], ahead[0]])
            for offset in np.arange(-reach, reach, block):
                bow = offset + rng.uniform(-70, 70) + 60 * np.sin(along / 1_300 + offset / 500)
                lines.append(centres[i] + along[:, None] * ahead + bow[:, None] * side)
                starts.append(np.full(len(along), i))
    points, town_of_point = np.vstack(lines), np.concatenate(starts)
    least = np.array([max(2_300.0, 0.4 * town.peak) for town in TOWNS])
    built = terrain.settlement(points).sum(axis=1) > least[town_of_point]
    built &= cKDTree(centres).query(points)[1] == town_of_point
    built &= terrain.from_river(points) > 150
    built &= shapely.contains_xy(terrain.outline, points)
    # A street ends where its line does.
    line_of_point = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    run = np.cumsum(np.diff(built * (line_of_point + 1), prepend=0) != 0)
    streets = []
    for first, stop in zip(*_bounds(run), strict=True):
        if built[first] and stop - first > 8:
            streets.append(_line(points[first:stop], 4.0))
    return streets


def _line(points: Floats, tolerance_m: float) -> shapely.LineString:
    """A line without the points it does not need."""
    kept = shapely.get_coordinates(shapely.LineString(points).simplify(tolerance_m))
    return shapely.LineString(kept)


def _bounds(run: Ints) -> tuple[Ints, Ints]:
    """Starts and stops of runs of equal numbers."""
    starts = np.flatnonzero(np.diff(run, prepend=-1))
    return starts, np.append(starts[1:], len(run))


def _name(link: tuple[str, str, int]) -> str:
    towns = {town.part: town for town in TOWNS}
    if link[0] < "100" and link[1] < "100":
        return {"004": "云汐大道", "003": "跨江大道"}.get(link[1], "沿江路")
    return f"{CITY_ZH[0] if link[0] < '100' else towns[link[0]].name[0]}{towns[link[1]].name[0]}线"


def make_roads(
    terrain: Terrain, villages: Floats, town_of_village: Ints, rng: np.random.Generator
) -> Roads:
    """Lay roads between towns, and lanes from villages to their town's seat.

    Parameters
    ----------
    terrain : the land.
    villages : (n, 2) middles of the villages [m].
    town_of_village : (n,) positions in `plan.TOWNS`.
    rng : generator.
    """
    bridges = _bridges(terrain)
    lattice = _lattice(terrain, bridges, rng)
    seats = {town.part: lattice.nearest(1000 * np.array([town.x_km, town.y_km])) for town in TOWNS}
    grades: dict[tuple[int, int], int] = {}
    names: dict[tuple[int, int], str] = {}
    for link in LINKS:
        before = _routes(lattice.graph, seats[link[1]])
        steps = _trace(before, seats[link[0]])
        for step in steps:
            grades[step] = min(link[2], grades.get(step, 9))
            names.setdefault(step, _name(link))
        _cheapen(lattice.graph, steps)
    for i, town in enumerate(TOWNS):
        before = _routes(lattice.graph, seats[town.part])
        for middle in villages[town_of_village == i]:
            for step in _trace(before, lattice.nearest(middle)):
                grades.setdefault(step, 3)
    lines, classes, labels, kinds, directions = [], [], [], [], []
    for chain, grade in _chains(grades):
        lines.append(_line(_smooth(lattice.points[chain]), 6.0))
        classes.append(grade)
        first = (min(chain[:2]), max(chain[:2]))
        labels.append(names.get(first, "") if grade < 3 else "")
        kinds.append(KINDS[grade])
        directions.append("双向")
    for number, street in enumerate(_streets(terrain, rng), start=1):
        lines.append(street)
        classes.append(3)
        labels.append("")
        kinds.append(STREET)
        directions.append("双向" if number % ONE_WAY_EVERY else "单向")
    return Roads(
        tuple(lines), tuple(classes), tuple(labels), tuple(kinds), tuple(directions), tuple(bridges)
    )


def _cheapen(graph: csr_array, steps: list[tuple[int, int]]) -> None:
    """What is built is used: later roads join earlier ones."""
    for a, b in steps:
        for start, stop in ((a, b), (b, a)):
            row = slice(graph.indptr[start], graph.indptr[start + 1])
            at = graph.indptr[start] + int(np.flatnonzero(graph.indices[row] == stop)[0])
            graph.data[at] = min(graph.data[at], STEP_M * 0.45)
