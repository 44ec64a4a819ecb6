"""Sites moved by hand: the figures with other sites, as sums over what an answer holds.

No site is searched for and no way is measured, so that it can be done while somebody waits; room
that is short is shared out by a small programme of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import linprog
from scipy.sparse import csr_array

from etl.siting.answer import Answer, CellState
from etl.siting.reach import cells_of
from geo.errors import CodeError

_NAMED = 5
_ALL = 1.0 - 1e-6
# Objectives that share short room out so that most residents are served.
_BY_NUMBER = ("max_coverage", "set_cover")

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Moved:
    """The figures with other sites.

    Attributes
    ----------
    persons, covered_before, covered_after : persons, of several parts once for each part.
    share_after : of all persons; NaN where there are none.
    newly, lost : persons newly covered, and no longer covered.
    towns : `town_code`, `name`, `persons`, `covered_after`, `newly`, `lost`, `share_after`.
    groups : `part`, `group`, `persons`, `covered_after`, `newly`, `lost`, `share_after`.
    gains : `site_id`, `order`, `gain_persons`: what each new site adds to those before it, most
        first; missing where it would tell the number of a single area that is withheld.
    states : by part, uint8 `CellState` of each cell.
    exact : False where sites have room for so many only and the answer shares it by anything but
        the number of residents: it is then shared here so that most residents are served, and
        the same sites asked for anew cover no more.
    """

    persons: float
    covered_before: float
    covered_after: float
    share_after: float
    newly: float
    lost: float
    towns: pd.DataFrame
    groups: pd.DataFrame
    gains: pd.DataFrame
    states: tuple[npt.NDArray[np.uint8], ...]
    exact: bool


class Moves:
    """Tries other sites on an answer.

    Parameters
    ----------
    answer : with its cells; further candidates may have been added to it.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._parts: list[dict[str, Any]] = answer.meta["question"]["parts"]
        candidates = answer.tables["candidates"]
        ids = [*candidates["candidate_id"].tolist(), *answer.meta["closable"]]
        self._place = {code: at for at, code in enumerate(ids)}
        part_of = {part["kind"]: at for at, part in enumerate(self._parts)}
        sites = answer.tables["sites"].set_index("site_id")["kind"]
        kinds = [*candidates["kind"].tolist(), *(sites[code] for code in answer.meta["closable"])]
        self._part_of = [part_of[kind] for kind in kinds]
        self._n_candidates = len(candidates)
        # Sites in service that nobody may close are open whatever is tried.
        self._always = set(answer.tables["sites"]["site_id"]) - set(self._place)

    def try_sites(self, site_ids: Sequence[str]) -> Moved:
        """The figures with these sites open.

        Parameters
        ----------
        site_ids : new sites, and of the sites that may be closed those that stay. Sites in service
            that cannot be closed may be named or not.

        Raises
        ------
        CodeError : a site is neither a candidate nor in service.
        """
        wanted = [code for code in dict.fromkeys(site_ids) if code not in self._always]
        if strangers := [code for code in wanted if code not in self._place]:
            raise CodeError(
                f"site(s) {', '.join(strangers[:_NAMED])}: neither candidates of this answer nor "
                "sites in service"
            )
        places = [self._place[code] for code in wanted]
        after, gains = [], []
        for part in range(len(self._parts)):
            own = [at for at in places if self._part_of[at] == part]
            covered, added = self._cover(part, own)
            after.append(covered)
            gains += added
        return self._figures(after, gains)

    # ------------------------------------------------------------ one part

    def _cells(self, place: int) -> npt.NDArray[np.int64]:
        return cells_of(self._answer.cells, place)

    def _cover(self, part: int, places: list[int]) -> tuple[Floats, list[tuple[int, float]]]:
        """Share covered of each cell, and what each new site adds, most first."""
        covered = self._answer.array("base_covered", part).astype(np.float64)
        persons = self._answer.array("persons", part)
        for place in places:
            if place >= self._n_candidates:
                covered[self._cells(place)] = 1.0
        new = [place for place in places if place < self._n_candidates]
        room = self._parts[part]["capacity_new"]
        if room is None:
            return self._all_in_reach(covered, persons, new)
        reach = [self._cells(place) for place in new]
        share, served = share_room(persons * (1.0 - covered), reach, room)
        return covered + (1.0 - covered) * share, list(zip(new, served.tolist(), strict=True))

    def _all_in_reach(
        self, covered: Floats, persons: Floats, waiting: list[int]
    ) -> tuple[Floats, list[tuple[int, float]]]:
        """The cells of all sites, and what each adds to those that add more."""
        added: list[tuple[int, float]] = []
        left = persons * (1.0 - covered)
        reach = {place: self._cells(place) for place in waiting}
        while waiting:
            sums = [float(left[reach[place]].sum()) for place in waiting]
            best = int(np.argmax(sums))
            cells = reach[waiting[best]]
            covered[cells], left[cells] = 1.0, 0.0
            added.append((waiting.pop(best), sums[best]))
        return covered, added

    # ------------------------------------------------------------ figures

    def _figures(self, after: list[Floats], gains: list[tuple[int, float]]) -> Moved:
        answer = self._answer
        towns = answer.tables["towns"]
        sums = np.zeros((5, len(towns) + 1))
        groups = []
        for part, covered in enumerate(after):
            before = answer.array("covered_before", part).astype(np.float64)
            sums += self._by_town(answer.array("persons", part), before, covered)
            for group in self._groups:
                people = answer.cells[f"group.{group}"]
                values = [float(one.sum()) for one in _changes(people, before, covered)]
                groups.append((part, group, *values))
        persons, covered_before, covered_after, newly, lost = (float(one.sum()) for one in sums)
        return Moved(
            persons=persons,
            covered_before=covered_before,
            covered_after=covered_after,
            share_after=covered_after / persons if persons > 0 else float("nan"),
            newly=newly,
            lost=lost,
            towns=_shares(
                towns[["town_code", "name"]].assign(
                    persons=sums[0, :-1], covered_after=sums[2, :-1], newly=sums[3, :-1],
                    lost=sums[4, :-1],
                )
            ),
            groups=_shares(
                pd.DataFrame(
                    groups,
                    columns=["part", "group", "persons", "covered_before", "covered_after",
                             "newly", "lost"],
                ).drop(columns="covered_before")
            ),
            gains=self._gain_table(gains),
            states=tuple(self._state(part, covered) for part, covered in enumerate(after)),
            exact=self._exact,
        )  # fmt: skip

    @cached_property
    def _exact(self) -> bool:
        asked = self._answer.meta["question"]
        by_number = asked["weigh_by"] == "residents" and asked["objective"] in _BY_NUMBER
        return by_number or all(part["capacity_new"] is None for part in self._parts)

    @cached_property
    def _groups(self) -> list[str]:
        return [name.removeprefix("group.") for name in self._answer.cells
                if name.startswith("group.")]  # fmt: skip

    def _by_town(self, persons: Floats, before: Floats, after: Floats) -> Floats:
        """Sums by town; cells without a town stand in the last place."""
        n = len(self._answer.tables["towns"])
        town = self._answer.cells["town"]
        place = np.where(town < 0, n, town)
        return np.stack(
            [np.bincount(place, weights=one, minlength=n + 1)
             for one in _changes(persons, before, after)]
        )  # fmt: skip

    def _gain_table(self, gains: list[tuple[int, float]]) -> pd.DataFrame:
        candidates = self._answer.tables["candidates"]
        ordered = sorted(gains, key=lambda one: -one[1])
        ids = [str(candidates["candidate_id"].iloc[place]) for place, _ in ordered]
        # A candidate of which not even the persons within are told has a single withheld cell.
        told = candidates["persons_within"].notna().to_numpy()
        return pd.DataFrame(
            {
                "site_id": pd.Series(ids, dtype="str"),
                "order": np.arange(1, len(ids) + 1),
                "gain_persons": [gain if told[place] else np.nan for place, gain in ordered],
            }
        ).astype({"gain_persons": "float64"})

    def _state(self, part: int, covered: Floats) -> npt.NDArray[np.uint8]:
        before = self._answer.array("covered_before", part)
        after = covered >= _ALL
        found = np.select(
            [before & after, after, before],
            [CellState.COVERED, CellState.NEWLY, CellState.LOST],
            CellState.UNCOVERED,
        ).astype(np.uint8)
        # Where nobody lives, or nobody knows, no site changes that.
        was = self._answer.array("state", part)
        fixed = (was == CellState.EMPTY) | (was == CellState.UNKNOWN)
        return np.where(fixed, was, found)


def share_room(
    persons: Floats, reach: Sequence[npt.NDArray[np.int64]], room: float
) -> tuple[Floats, Floats]:
    """The most persons that sites can serve which have room for so many each: a largest flow.

    Parameters
    ----------
    persons : those of each cell who wait.
    reach : cells of each site.
    room : of one site [persons].

    Returns
    -------
    Share 0..1 of each cell that is served, and the persons whom each site serves.

    Notes
    -----
    Cells that the same sites reach are one node. Solved as a linear programme of one variable for
    each pair of a node and a site (Ford & Fulkerson 1956).
    """
    share, served = np.zeros(len(persons)), np.zeros(len(reach))
    cell = np.concatenate([*reach, np.zeros(0, dtype=np.int64)])
    site = np.repeat(np.arange(len(reach)), [len(one) for one in reach])
    use = persons[cell] > 0
    cell, site = cell[use], site[use]
    if not len(cell):
        return share, served
    # Nodes: cells in order of what reaches them, told apart as rows of bits.
    cells, at = np.unique(cell, return_inverse=True)
    bits = np.zeros((len(cells), len(reach)), dtype=np.bool_)
    bits[at, site] = True
    packed = np.packbits(bits, axis=1)
    _, first, node_of = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    waiting = np.bincount(node_of, weights=persons[cells])
    node, to = np.nonzero(bits[first])
    edge = np.arange(len(node))
    rows = np.concatenate([node, len(waiting) + to])
    ends: Any = csr_array((np.ones(2 * len(edge)), (rows, np.tile(edge, 2))),
                     shape=(len(waiting) + len(reach), len(edge)))  # fmt: skip
    limits = np.concatenate([waiting, np.full(len(reach), room)])
    found = linprog(-np.ones(len(edge)), A_ub=ends, b_ub=limits, method="highs")
    if found.x is None:
        raise RuntimeError(f"room could not be shared out: {found.message}")
    flow = np.maximum(found.x, 0.0)
    served = np.bincount(to, weights=flow, minlength=len(reach)).astype(np.float64)
    part = np.bincount(node, weights=flow, minlength=len(waiting)) / waiting
    share[cells] = np.minimum(part, 1.0)[node_of]
    return share, served


def _changes(persons: Floats, before: Floats, after: Floats) -> tuple[Floats, ...]:
    """Persons of each cell: all, covered before and after, newly covered, no longer covered."""
    change = after - before
    return (
        persons,
        persons * before,
        persons * after,
        persons * np.maximum(change, 0.0),
        persons * np.maximum(-change, 0.0),
    )


def _shares(table: pd.DataFrame) -> pd.DataFrame:
    persons = table["persons"]
    return table.assign(share_after=table["covered_after"].where(persons > 0) / persons)
