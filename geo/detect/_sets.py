"""Areas of all levels as one graph, and the connected sets of those with a tier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from geo.arrays import BoolArray, Int8Array, IntArray, parents
from geo.errors import ShapeError
from geo.model import Level, Tier


@dataclass(frozen=True)
class TierLevel:
    """Tiers of the areas of one level, week after week.

    Attributes
    ----------
    level : of the areas.
    codes, names : str, shape (n_areas,); codes unique over all levels.
    tiers : int8 `Tier`, shape (n_weeks, n_areas).
    held : bool, same shape, where the tier is that of earlier weeks (`geo.detect.tiers.Tiers`).
    parents : int64, shape (n_areas,), position in the next level; -1 where there is none.
    touching : boolean sparse, shape (n_areas, n_areas): areas that lie side by side; that one
        touches the other is enough.
    """

    level: Level
    codes: npt.NDArray[Any]
    names: npt.NDArray[Any]
    tiers: Int8Array
    held: BoolArray
    parents: IntArray
    touching: csr_array


@dataclass(frozen=True)
class Ground:
    """Areas of all levels as one list of nodes, finest level first, by code within a level.

    Node n, one past the last, stands for "none above".
    """

    codes: npt.NDArray[Any]
    names: npt.NDArray[Any]
    level: IntArray
    levels: tuple[Level, ...]
    tiers: Int8Array
    held: BoolArray
    above: IntArray
    edges: tuple[IntArray, IntArray]
    back: tuple[IntArray, ...]


def lay_out(levels: Sequence[TierLevel], n_weeks: int) -> Ground:
    if not levels:
        raise ShapeError("levels: none; wanted at least one")
    sizes = [len(one.codes) for one in levels]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    order = [np.argsort(np.asarray(one.codes, dtype=object)) for one in levels]
    # Where each area of each level went, in its own order.
    back = [start + np.argsort(rows) for start, rows in zip(starts, order, strict=False)]
    above, edges = [], []
    for i, one in enumerate(levels):
        _check(one, n_weeks)
        n_above = sizes[i + 1] if i + 1 < len(levels) else 0
        up = parents(f"{one.level} parents", one.parents, n_children=sizes[i], n_parents=n_above)
        none = starts[-1]
        over = np.append(back[i + 1], none)[up] if n_above else np.full(sizes[i], none)
        above.append(over[order[i]])
        # Both ways, each once, whatever was handed in.
        pairs = (one.touching + one.touching.T).astype(bool).tocoo()
        edges.append(back[i][np.stack(pairs.coords)])
    codes = np.concatenate([np.asarray(one.codes)[o] for one, o in zip(levels, order, strict=True)])
    if len(set(codes.tolist())) < len(codes):
        raise ShapeError("codes: one occurs twice; wanted each area once over all levels")
    first, second = np.concatenate(edges, axis=1)
    return Ground(
        codes=codes,
        names=np.concatenate(
            [np.asarray(one.names)[o] for one, o in zip(levels, order, strict=True)]
        ),
        level=np.repeat(np.arange(len(levels)), sizes),
        levels=tuple(one.level for one in levels),
        tiers=np.concatenate(
            [one.tiers[:, o] for one, o in zip(levels, order, strict=True)], axis=1
        ),
        held=np.concatenate([one.held[:, o] for one, o in zip(levels, order, strict=True)], axis=1),
        above=np.append(np.concatenate(above), starts[-1]),
        edges=(first, second),
        back=tuple(back),
    )


def _check(one: TierLevel, n_weeks: int) -> None:
    n_areas = len(one.codes)
    wanted = {
        "tiers": (n_weeks, n_areas),
        "held": (n_weeks, n_areas),
        "names": (n_areas,),
        "touching": (n_areas, n_areas),
    }
    for key, shape in wanted.items():
        if getattr(one, key).shape != shape:
            came = getattr(one, key).shape
            raise ShapeError(f"{one.level} {key}: shape {came}; wanted {shape}")


@dataclass(frozen=True)
class Sets:
    """Connected sets of one week: their nodes, and for each the number of its set."""

    nodes: IntArray
    number: IntArray
    areas: list[IntArray]


def connected_sets(ground: Ground, week: int) -> Sets:
    stands = np.append(ground.tiers[week] >= Tier.BLUE, False)
    nodes = np.flatnonzero(stands)
    place = np.full(len(stands), -1, dtype=np.int64)
    place[nodes] = np.arange(len(nodes))
    over = ground.above[nodes]
    for _ in ground.levels[1:]:
        over = np.where(stands[over], over, ground.above[over])
    # The one area that holds all others ties nothing together, however high it stands.
    one_holds_all = len(ground.levels) > 1 and len(ground.back[-1]) == 1
    whole = len(stands) - 2 if one_holds_all else -1
    nested = stands[over] & (over != whole)
    first, second = ground.edges
    both = stands[first] & stands[second]
    one = np.concatenate([place[first[both]], np.flatnonzero(nested)])
    other = np.concatenate([place[second[both]], place[over[nested]]])
    links = csr_array((np.ones(len(one), dtype=bool), (one, other)), shape=(len(nodes), len(nodes)))
    n_sets, labels = connected_components(links, directed=False)
    number = labels.astype(np.int64)
    if n_sets == 2 and nodes[-1] == whole:
        # It and a single warning under it are one.
        n_sets, number = 1, np.zeros_like(number)
    order = np.argsort(number, kind="stable")
    ends = np.cumsum(np.bincount(number, minlength=n_sets))
    return Sets(nodes, number, np.split(nodes[order], ends[:-1]) if n_sets else [])
