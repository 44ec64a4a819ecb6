"""Towns and villages as unions of cells, with their codes and names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from etl.demo.mesh import OUTSIDE, Ints, Mesh
from etl.demo.plan import (
    COUNTY6,
    HILL_STEMS,
    PLAIN_STEMS,
    TOWNS,
    URBAN_STEMS,
    VILLAGES,
    Land,
)
from etl.demo.terrain import Floats, Noise, Terrain

# A border rather follows the river than crosses it.
RIVER_TOLL_M = 6_000.0
# Borders follow the foot of the hills as well.
CLIMB_M = 5_000.0


@dataclass(frozen=True)
class Zones:
    """Which village and town a cell belongs to.

    Parameters
    ----------
    town_of_cell, village_of_cell : positions in `plan.TOWNS` and in the arrays below.
    village_codes, village_names : sorted by code.
    town_of_village : positions in `plan.TOWNS`.
    village_urban : a community 社区 and not a village 村.
    cell_codes : the village's code, a hyphen and a running number.
    """

    town_of_cell: Ints
    village_of_cell: Ints
    village_codes: NDArray[np.str_]
    village_names: NDArray[np.str_]
    town_of_village: Ints
    village_urban: NDArray[np.bool_]
    cell_codes: NDArray[np.str_]

    @property
    def villages(self) -> int:
        return len(self.village_codes)


def _graph(mesh: Mesh, terrain: Terrain, rng: np.random.Generator) -> csr_array:
    """Neighbouring cells and how far apart they feel."""
    pairs = mesh.edge_cells[(mesh.edge_cells != OUTSIDE).all(axis=1)]
    river = mesh.on_river[(mesh.edge_cells != OUTSIDE).all(axis=1)]
    step = np.hypot(*(mesh.centres[pairs[:, 0]] - mesh.centres[pairs[:, 1]]).T)
    uneven = Noise(rng, length_m=5_000, octaves=4, roughness=0.8)(mesh.centres)
    hill = terrain.hilliness(mesh.centres)
    cost = step * np.exp(0.3 * uneven[pairs].mean(axis=1))
    cost += RIVER_TOLL_M * river + CLIMB_M * np.abs(np.diff(hill[pairs], axis=1)[:, 0])
    both = np.vstack([pairs, pairs[:, ::-1]])
    return csr_array((np.tile(cost, 2), (both[:, 0], both[:, 1])), shape=(len(mesh), len(mesh)))


def _grow(graph: csr_array, seeds: Ints) -> Ints:
    """Each cell goes to the seed it reaches at the lowest cost; parts are connected."""
    _, _, source = dijkstra(graph, indices=seeds, min_only=True, return_predecessors=True)
    position = np.full(graph.shape[0], -1, dtype=np.int64)
    position[seeds] = np.arange(len(seeds))
    return np.asarray(position[source])


def _towns(mesh: Mesh, graph: csr_array) -> Ints:
    centres = 1000.0 * np.array([[town.x_km, town.y_km] for town in TOWNS])
    costs = np.empty((len(TOWNS), len(mesh)))
    for i, town in enumerate(TOWNS):
        seed = int(np.argmin(np.hypot(*(mesh.centres - centres[i]).T)))
        costs[i] = dijkstra(graph, indices=[seed])[0] / town.reach
    owner = np.asarray(np.argmin(costs, axis=0), dtype=np.int64)
    # Costs divided by reach may cut off pockets: these join whoever is nearest.
    pairs = np.column_stack(graph.nonzero())
    same = owner[pairs[:, 0]] == owner[pairs[:, 1]]
    inner = csr_array((np.ones(same.sum()), (pairs[same, 0], pairs[same, 1])), shape=graph.shape)
    _, part = connected_components(inner, directed=False)
    size = np.bincount(part)
    main = [
        np.argmax(np.where(np.isin(np.arange(len(size)), part[owner == i]), size, 0))
        for i in range(len(TOWNS))
    ]
    settled = np.flatnonzero(np.isin(part, main))
    return np.asarray(owner[settled][_grow(graph, settled)])


def _split(
    mesh: Mesh,
    graph: csr_array,
    members: Ints,
    *,
    parts: int,
    power: float,
    rng: np.random.Generator,
) -> Ints:
    """Split one town into connected villages of like size, smaller where people live close."""
    inner = graph[members][:, members]
    people = mesh.settlement[members].sum(axis=1)
    weight = people**power * mesh.area_m2[members] ** (1 - power)
    seeds: list[int] = [int(rng.choice(len(members), p=weight / weight.sum()))]
    centres = mesh.centres[members]
    away = np.full(len(members), np.inf)
    while len(seeds) < parts:
        away = np.minimum(away, ((centres - centres[seeds[-1]]) ** 2).sum(axis=1))
        chance = weight * away / mesh.area_m2[members]
        seeds.append(int(rng.choice(len(members), p=chance / chance.sum())))
    owner = _grow(inner, np.array(seeds))
    for _ in range(5):
        moved = []
        for part in range(parts):
            own = np.flatnonzero(owner == part)
            middle = np.average(centres[own], axis=0, weights=weight[own])
            moved.append(int(own[np.argmin(np.hypot(*(centres[own] - middle).T))]))
        owner = _grow(inner, np.array(moved))
    return owner


def _village_counts(town_of_cell: Ints, wanted: int) -> list[int]:
    """Villages by town, in proportion to the plan and never more than a third of the cells."""
    counts = []
    for i, town in enumerate(TOWNS):
        cells = int(np.count_nonzero(town_of_cell == i))
        counts.append(max(2, min(round(town.villages * wanted / VILLAGES), cells // 3)))
    return counts


class _Stems:
    """Names not given yet, by the kind of place they suit."""

    def __init__(self, rng: np.random.Generator) -> None:
        pools = {"urban": URBAN_STEMS, "plain": PLAIN_STEMS, "hill": HILL_STEMS}
        self._left = {kind: [str(s) for s in rng.permutation(pool)] for kind, pool in pools.items()}

    def take(self, kind: str) -> str:
        """A name of the kind; of the fullest pool when there is none left."""
        pool = self._left[kind] or max(self._left.values(), key=len)
        return pool.pop()


def make_zones(mesh: Mesh, terrain: Terrain, rng: np.random.Generator) -> Zones:
    """Join cells to villages and towns, and name them."""
    graph = _graph(mesh, terrain, rng)
    town_of_cell = _towns(mesh, graph)
    counts = _village_counts(town_of_cell, min(VILLAGES, len(mesh) // 7))
    village_of_cell = np.empty(len(mesh), dtype=np.int64)
    codes: list[str] = []
    names: list[str] = []
    towns: list[int] = []
    urban: list[bool] = []
    stems = _Stems(rng)
    for i, town in enumerate(TOWNS):
        members = np.flatnonzero(town_of_cell == i)
        owner = _split(
            mesh, graph, members, parts=counts[i], power=0.8 if town.urban else 0.6, rng=rng
        )
        order = _reading_order(mesh, members, owner, counts[i])
        communities = villages = 0
        for part in order:
            own = members[owner == part]
            land = mesh.settlement[own].sum(axis=0)
            built = float(land[: Land.SEAT + 1].sum() / land.sum())
            is_urban = town.urban or built > 0.72
            if is_urban:
                communities += 1
                tail, stem, suffix = communities, stems.take("urban"), "社区"
            else:
                villages += 1
                hilly = float(terrain.hilliness(mesh.centres[own]).mean()) > 0.5
                stem = stems.take("hill" if hilly else "plain")
                tail, suffix = 200 + villages - 1, "村"
            village_of_cell[own] = len(codes)
            codes.append(f"{COUNTY6}{town.part}{tail:03d}")
            names.append(stem + suffix)
            towns.append(i)
            urban.append(is_urban)
    rank = np.argsort(codes)
    position = np.empty(len(rank), dtype=np.int64)
    position[rank] = np.arange(len(rank))
    village_of_cell = position[village_of_cell]
    village_codes = np.array(codes)[rank]
    return Zones(
        town_of_cell=town_of_cell,
        village_of_cell=village_of_cell,
        village_codes=village_codes,
        village_names=np.array(names)[rank],
        town_of_village=np.array(towns)[rank],
        village_urban=np.array(urban)[rank],
        cell_codes=_cell_codes(mesh, village_of_cell, village_codes),
    )


def _reading_order(mesh: Mesh, members: Ints, owner: Ints, parts: int) -> Ints:
    """Villages from north to south in bands, from west to east within: as registers number them."""
    middles = np.array([mesh.centres[members[owner == part]].mean(axis=0) for part in range(parts)])
    band = np.floor(-middles[:, 1] / 1_800.0)
    return np.lexsort((middles[:, 0], band))


def _cell_codes(
    mesh: Mesh, village_of_cell: Ints, village_codes: NDArray[np.str_]
) -> NDArray[np.str_]:
    band = np.floor(-mesh.centres[:, 1] / 500.0)
    order = np.lexsort((mesh.centres[:, 0], band, village_of_cell))
    size = np.bincount(village_of_cell, minlength=len(village_codes))
    width = max(3, len(str(int(size.max()))))
    number = np.empty(len(mesh), dtype=np.int64)
    number[order] = np.arange(len(mesh)) - np.repeat(np.cumsum(size) - size, size)
    return np.array(
        [
            f"{village_codes[village]}-{running + 1:0{width}d}"
            for village, running in zip(village_of_cell, number, strict=True)
        ]
    )


def village_centres(mesh: Mesh, zones: Zones, weights: Floats) -> Floats:
    """Weighted middle of each village [m]; weights of zero fall back to area."""
    usable = weights + 1e-9 * mesh.area_m2
    total = np.bincount(zones.village_of_cell, weights=usable, minlength=zones.villages)
    return np.column_stack(
        [
            np.bincount(
                zones.village_of_cell,
                weights=usable * mesh.centres[:, axis],
                minlength=zones.villages,
            )
            / total
            for axis in (0, 1)
        ]
    )
