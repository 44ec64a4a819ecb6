"""One choice of sites: what was chosen, and how good it is known to be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from etl.build.levels import Floats
from etl.siting.posed import MEDIANS, Bools, Posed
from etl.siting.problem import Task, covered_already, is_lean, most_new, siting_problem
from geo.siting import Infeasibility, SitingSolution, relative_gap
from geo.siting.solve import solve

# Told while a search goes on: seconds, best value and bound so far; False ends it.
Watch = Callable[[float, float, float], bool]


@dataclass(frozen=True)
class Choice:
    """What was chosen.

    Attributes
    ----------
    open : by part, bool over its sites; sites in service that stay among them.
    served : by part, share 0..1 of each cell's residents that new sites have room for; None where
        capacity is not asked for.
    given_room : by part, of each site the residents whom it has room for and whom no site in
        service that stays covers [persons]; None as `served`.
    value, bound : of all sites together, in the unit of the objective.
    infeasible : why there is no choice; None where there is one.
    """

    open: tuple[Bools, ...]
    served: tuple[Floats, ...] | None
    given_room: tuple[Floats, ...] | None
    value: float
    bound: float
    gap: float
    proven: bool
    seconds: float
    method: str
    infeasible: Infeasibility | None = None
    because: str = ""

    @classmethod
    def given(
        cls, opened: tuple[Bools, ...], *, value: float = np.nan, proven: bool = False
    ) -> Choice:
        """Sites that nobody searched for; proven where there was nothing to choose."""
        gap = 0.0 if proven else np.inf
        return cls(opened, None, None, value, value, gap, proven, 0.0, "exact" if proven else "")

    def new(self, posed: Posed, part: int) -> Bools:
        """Which sites of a part are new."""
        chosen: Bools = self.open[part] & ~posed.parts[part].existing
        return chosen


def choose(posed: Posed, task: Task, *, time_limit_s: float, watch: Watch | None = None) -> Choice:
    """Choose sites within a limit of time."""
    lean = is_lean(posed, task)
    constant = covered_already(posed, task) if lean else 0.0
    problem = siting_problem(posed, task, lean=lean)
    # Everything in reach is covered already, or nothing may be built.
    if lean and (not len(problem.costs) or most_new(task) == 0):
        none = most_new(task) == 0
        opened = tuple(
            kept if none else kept | (one.named(posed.question.locked) & allowed)
            for one, kept, allowed in zip(posed.parts, task.kept, task.allowed, strict=True)
        )
        return Choice.given(opened, value=constant, proven=True)

    def told(seconds: float, value: float, bound: float) -> bool:
        return watch is None or watch(seconds, value + constant, bound + constant)

    found = solve(
        problem,
        time_limit_s=time_limit_s,
        rng=np.random.default_rng(posed.question.seed),
        on_progress=told,
    )
    return _choice(posed, task, found, lean=lean, constant=constant)


def _choice(
    posed: Posed, task: Task, found: SitingSolution, *, lean: bool, constant: float
) -> Choice:
    chosen = [one.named(found.sites) for one in posed.parts]
    if lean and found.infeasible is None:
        chosen = [kept | new for kept, new in zip(task.kept, chosen, strict=True)]
    value, bound = found.objective + constant, found.bound + constant
    served, room = None, None
    if found.flows is not None:
        served, room = _served(posed, found.flows, task, chosen)
    return Choice(
        open=tuple(chosen),
        served=served,
        given_room=room,
        value=value,
        bound=bound,
        gap=0.0 if found.proven else relative_gap(value, bound),
        proven=found.proven,
        seconds=found.seconds,
        method=found.method,
        infeasible=found.infeasible,
        because=found.infeasible_because,
    )


def _served(
    posed: Posed, flows: pd.DataFrame, task: Task, opened: Sequence[Bools]
) -> tuple[tuple[Floats, ...], tuple[Floats, ...]]:
    """Share of each cell's demand that new sites serve, and whom each of them serves."""
    index = pd.Index(posed.ground.cells["area_code"])
    shares, rooms = [], []
    for one, there in zip(posed.parts, opened, strict=True):
        at = one.position
        site = pd.Index(one.sites["site_id"]).get_indexer(flows["site_id"])
        mine = (site >= 0) & ~one.existing[site]
        site, cell = site[mine], index.get_indexer(flows["area_code"])[mine]
        share = flows["served"].to_numpy(dtype=np.float64)[mine] / task.weights[at][cell]
        served = np.bincount(cell, weights=share, minlength=posed.n_cells)
        reach = one.reach if task.objective in MEDIANS else one.within(task.thresholds[at])
        kept = reach.covered(there & one.existing, n_cells=posed.n_cells)
        persons = np.where(kept[cell], 0.0, share * one.persons[cell])
        shares.append(np.minimum(served.astype(np.float64), 1.0))
        room = np.bincount(site, weights=persons, minlength=len(one.sites))
        rooms.append(room.astype(np.float64))
    return tuple(shares), tuple(rooms)
