"""Planted service gaps: populous neighbouring villages that no counselling room reaches on foot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from etl.demo.mesh import OUTSIDE, Ints, Mesh
from etl.demo.people import People
from etl.demo.plan import TOWNS
from etl.demo.terrain import Floats
from etl.demo.zones import Zones

# 15 minutes at 4.8 km/h are 1 200 m on a straight road, and 923 m off the roads over a detour of
# 1.3; rooms keep farther away than either, so that little of what 2 km of road reach is left.
CLEAR_M = 1_500.0
# A gap begins farther from a town's seat, which has a station, than a walk along roads.
SEAT_M = 1_350.0

# Town, number of villages and why it came to be.
STORIES = (
    ("004", 3, "开发区新建小区入住快,阵地建设未跟上"),
    ("003", 3, "江南新居住区边缘,年轻家庭多,最近的咨询室在步行范围之外"),
    ("102", 3, "集镇外围村,原有咨询室已撤并"),
    ("203", 3, "北部乡村,老人与留守儿童多、居住分散,最近的咨询室在乡驻地"),
)


@dataclass(frozen=True)
class GapPlan:
    """Where no open counselling room may stand."""

    villages: tuple[tuple[int, ...], ...]
    stories: tuple[str, ...]
    tree: cKDTree

    @property
    def all_villages(self) -> frozenset[int]:
        return frozenset(v for cluster in self.villages for v in cluster)

    def clear(self, xy: Floats) -> NDArray[np.bool_]:
        """Whether points are out of walking reach of every gap."""
        return np.asarray(self.tree.query(xy)[0] > CLEAR_M)


def neighbours(mesh: Mesh, zones: Zones) -> dict[int, set[int]]:
    """Villages that share a border, by village."""
    pairs = mesh.edge_cells[(mesh.edge_cells != OUTSIDE).all(axis=1) & ~mesh.on_river]
    villages = np.unique(zones.village_of_cell[pairs], axis=0)
    around: dict[int, set[int]] = {v: set() for v in range(zones.villages)}
    for a, b in villages[villages[:, 0] != villages[:, 1]]:
        around[int(a)].add(int(b))
        around[int(b)].add(int(a))
    return around


def grow_cluster(
    start: int, size: int, allowed: set[int], around: dict[int, set[int]], worth: Floats
) -> tuple[int, ...]:
    """Neighbouring villages from a start, the most worth first."""
    cluster = [start]
    while len(cluster) < size:
        rim = {n for v in cluster for n in around[v]} & allowed - set(cluster)
        if not rim:
            break
        cluster.append(max(rim, key=lambda v: (worth[v], -v)))
    return tuple(sorted(cluster))


def seat_cells(mesh: Mesh, zones: Zones, people: People) -> Ints:
    """The cell of each town's seat: the most people near its centre."""
    seats = []
    for i, town in enumerate(TOWNS):
        members = np.flatnonzero((zones.town_of_cell == i) & (people.total > 0))
        away = np.hypot(*(mesh.centres[members] - 1000 * np.array([town.x_km, town.y_km])).T)
        near = members[away < max(700.0, float(away.min()) + 1.0)]
        seats.append(int(near[np.argmax(people.total[near])]))
    return np.array(seats)


def plan_gaps(mesh: Mesh, zones: Zones, people: People) -> GapPlan:
    """Choose the gaps of `STORIES` on this city."""
    around = neighbours(mesh, zones)
    persons = np.bincount(
        zones.village_of_cell, weights=people.total, minlength=zones.villages
    ).astype(np.float64)
    # Every seat has a station: a gap lies beyond the reach of all of them.
    seats = mesh.centres[seat_cells(mesh, zones, people)]
    nearest = np.full(zones.villages, np.inf)
    np.minimum.at(nearest, zones.village_of_cell, cKDTree(seats).query(mesh.centres)[0])
    clusters, stories = [], []
    for part, size, story in STORIES:
        town = next(i for i, t in enumerate(TOWNS) if t.part == part)
        own = np.flatnonzero(zones.town_of_village == town)
        allowed = {int(v) for v in own if nearest[v] > SEAT_M}
        if not allowed:
            continue
        start = max(allowed, key=lambda v: (persons[v], -v))
        clusters.append(grow_cluster(start, size, allowed, around, persons))
        stories.append(story)
    members = np.isin(zones.village_of_cell, [v for c in clusters for v in c])
    return GapPlan(
        villages=tuple(clusters),
        stories=tuple(stories),
        tree=cKDTree(mesh.centres[members & (people.total > 0)]),
    )
