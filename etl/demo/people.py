"""Residents by cell and group: an old old-town, young estates, hills of the old."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from etl.demo.mesh import Ints, Mesh
from etl.demo.plan import POPULATION
from etl.demo.terrain import Floats, Noise, Terrain
from etl.demo.zones import Zones, village_centres

# Shares by kind of settlement, in the order of `plan.Land`: old town, new estates, development
# zone, town seats, plain, hills. Elderly 60+ average near the 22 % that county reports give.
MINORS = np.array([0.132, 0.236, 0.186, 0.192, 0.178, 0.158])
ELDERLY = np.array([0.292, 0.112, 0.118, 0.205, 0.236, 0.345])
ELDERLY_80_OF_ELDERLY = np.array([0.172, 0.105, 0.11, 0.138, 0.148, 0.17])
ALONE_OF_ELDERLY = np.array([0.19, 0.10, 0.10, 0.13, 0.15, 0.24])
ALONE_OF_OTHERS = np.array([0.062, 0.055, 0.105, 0.035, 0.018, 0.022])
DISABLED = np.array([0.066, 0.036, 0.034, 0.058, 0.067, 0.083])
LEFT_BEHIND_OF_MINORS = np.array([0.006, 0.012, 0.04, 0.058, 0.098, 0.265])
PERINATAL = np.array([0.0062, 0.0172, 0.0136, 0.0094, 0.0078, 0.0058])

GROUPS = (
    "total",
    "minors",
    "elderly",
    "elderly_80",
    "living_alone",
    "disabled",
    "left_behind",
    "perinatal",
)


@dataclass(frozen=True)
class People:
    """Residents of every cell.

    Parameters
    ----------
    by_group : (n_cells,) persons of each of `GROUPS`.
    land : (n_cells, len(Land)) shares of the kinds of settlement.
    """

    by_group: dict[str, Ints]
    land: Floats

    @property
    def total(self) -> Ints:
        return self.by_group["total"]


def largest_remainder(weights: Floats, total: int) -> Ints:
    """Whole numbers in proportion to weights that add up to `total`."""
    exact = weights / weights.sum() * total
    whole = np.floor(exact).astype(np.int64)
    rest = np.argsort(-(exact - whole), kind="stable")[: total - int(whole.sum())]
    whole[rest] += 1
    return np.asarray(whole)


def _gather(
    mesh: Mesh, zones: Zones, weights: Floats, rural: NDArray[np.bool_], uneven: Floats
) -> Floats:
    """In the countryside a village has a middle, where a good part of its people live."""
    middle = village_centres(mesh, zones, weights)[zones.village_of_cell]
    away = np.hypot(*(mesh.centres - middle).T) * uneven
    order = np.lexsort((away, zones.village_of_cell))
    sorted_villages = zones.village_of_cell[order]
    first = np.concatenate([[True], sorted_villages[1:] != sorted_villages[:-1]])
    size = np.bincount(zones.village_of_cell)
    rank = np.arange(len(order)) - np.repeat(np.flatnonzero(first), size)
    share = np.empty(len(order))
    share[order] = rank / np.repeat(size, size)
    lift = np.where(share < 0.08, 3.2, np.where(share < 0.2, 1.7, 0.78))
    lifted = np.where(rural, weights * lift, weights)
    before = np.bincount(zones.village_of_cell, weights=weights)
    after = np.bincount(zones.village_of_cell, weights=lifted)
    return np.asarray(lifted * (before / after)[zones.village_of_cell])


def make_people(mesh: Mesh, zones: Zones, terrain: Terrain, rng: np.random.Generator) -> People:
    """Draw the residents of every cell."""
    weights = mesh.settlement.sum(axis=1)
    rural = ~zones.village_urban[zones.village_of_cell]
    uneven = np.exp(rng.normal(0, 0.35, len(mesh)))
    weights = _gather(mesh, zones, weights, rural, uneven) * np.exp(rng.normal(0, 0.22, len(mesh)))
    hill = terrain.hilliness(mesh.centres)
    # Woods, fields and water without a house.
    empty = rng.random(len(mesh)) < np.where(rural, 0.015 + 0.09 * hill, 0.0)
    empty |= shapely.contains_xy(terrain.reservoir.buffer(60), mesh.centres)
    weights[empty] = 0
    total = largest_remainder(weights, POPULATION)
    land = mesh.settlement / mesh.settlement.sum(axis=1)[:, None]
    drift = Noise(rng, length_m=6_000)(mesh.centres)
    older = np.exp(0.10 * drift + rng.normal(0, 0.07, len(mesh)))

    def draw(base: Ints, shares: Floats, factor: Floats | float = 1.0) -> Ints:
        chance = np.clip((land @ shares) * factor, 0, 0.95)
        return np.asarray(rng.binomial(base, chance), dtype=np.int64)

    elderly = draw(total, ELDERLY, older)
    minors = np.minimum(draw(total, MINORS, 1 / older), total - elderly)
    others = total - elderly
    return People(
        by_group={
            "total": total,
            "minors": minors,
            "elderly": elderly,
            "elderly_80": draw(elderly, ELDERLY_80_OF_ELDERLY),
            "living_alone": draw(elderly, ALONE_OF_ELDERLY)
            + draw(others - minors, ALONE_OF_OTHERS),
            "disabled": draw(total, DISABLED),
            "left_behind": draw(minors, LEFT_BEHIND_OF_MINORS),
            "perinatal": draw(others - minors, PERINATAL, 1.35 / older),
        },
        land=land,
    )
