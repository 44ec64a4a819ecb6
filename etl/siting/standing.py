"""How the residents stand with a set of open sites: covered or not, how far, gained by which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from etl.build.levels import Floats, Ints
from etl.siting.answer import CellState
from etl.siting.choosing import Choice
from etl.siting.posed import Bools, Posed, PosedPart

# Rounding of a solver must not leave a cell a little uncovered.
_ALL = 1.0 - 1e-6


@dataclass(frozen=True)
class PartStanding:
    """One part of a question before and after.

    Attributes
    ----------
    open : bool over the part's sites, after.
    new, closed : bool over the part's sites.
    covered_before, covered_after : share 0..1 of each cell's residents.
    after_min : minutes to the nearest open site; NaN for none.
    """

    one: PosedPart
    open: Bools
    new: Bools
    closed: Bools
    covered_before: Floats
    covered_after: Floats
    after_min: Floats

    @property
    def state(self) -> Ints:
        """`CellState` of each cell."""
        before, after = self.covered_before > 0, self.covered_after >= _ALL
        return np.select(
            [~self.one.known, self.one.persons == 0, before & after, after, before],
            [
                CellState.UNKNOWN,
                CellState.EMPTY,
                CellState.COVERED,
                CellState.NEWLY,
                CellState.LOST,
            ],
            CellState.UNCOVERED,
        )

    def newly(self, persons: Floats) -> Floats:
        """Of some residents of each cell, those who are covered and were not."""
        return persons * np.maximum(self.covered_after - self.covered_before, 0.0)

    def lost(self, persons: Floats) -> Floats:
        """Of some residents of each cell, those who were covered and are not."""
        return persons * np.maximum(self.covered_before - self.covered_after, 0.0)


def stand(posed: Posed, choice: Choice) -> tuple[PartStanding, ...]:
    """Before and after, part by part."""
    return tuple(_stand(posed, one, choice) for one in posed.parts)


def persons_covered(posed: Posed, choice: Choice) -> float:
    """Residents covered, of all parts; without the ways that `stand` looks for."""
    return sum(float(one.persons @ covered_after(posed, one, choice)) for one in posed.parts)


def covered_after(posed: Posed, one: PosedPart, choice: Choice) -> Floats:
    """Share of each cell's residents that is covered."""
    opened, n = choice.open[one.position], posed.n_cells
    if choice.served is None:
        return one.near.covered(opened, n_cells=n).astype(np.float64)
    # Sites in service have room for all in their reach.
    kept = one.near.covered(one.existing & opened, n_cells=n)
    return np.where(kept, 1.0, choice.served[one.position])


def _stand(posed: Posed, one: PosedPart, choice: Choice) -> PartStanding:
    opened = choice.open[one.position]
    new, closed = opened & ~one.existing, one.existing & ~opened
    before = one.near.covered(one.existing, n_cells=posed.n_cells).astype(np.float64)
    after = covered_after(posed, one, choice)
    kept_min = nearest_min(posed, one, one.existing & opened) if closed.any() else one.before_min
    after_min = np.fmin(kept_min, nearest_min(posed, one, new))
    return PartStanding(one, opened, new, closed, before, after, after_min)


def nearest_min(posed: Posed, one: PosedPart, chosen: Bools) -> Floats:
    """Minutes from each cell to the nearest of some sites; NaN for none."""
    if not chosen.any():
        return np.full(posed.n_cells, np.nan)
    xy = one.sites.loc[chosen, ["x", "y"]].to_numpy(dtype=np.float64)
    return posed.ground.travel.nearest(xy, one.part.mode)[0]


def gains(standing: PartStanding, *, room: Floats | None) -> tuple[Ints, Floats]:
    """New sites in the order in which each adds most, and what it adds [persons].

    Greedy among the chosen: the first is the one that covers most residents whom no site in
    service covers, the next adds most to that, and so on; equals in the order of the sites. What
    they add sums to all that are newly covered, by the telescoping of the sums. Where sites have
    room for so many only, it is those whom each has room for, most first.

    Parameters
    ----------
    room : see `Choice.given_room`.

    Returns
    -------
    Positions of the sites, and persons, both of the length of the number of new sites.
    """
    one, new = standing.one, np.flatnonzero(standing.new)
    if room is not None:
        fullest = new[np.argsort(-room[new], kind="stable")]
        return fullest, room[fullest]
    kept = one.near.covered(one.existing & standing.open, n_cells=len(one.persons))
    left = np.where(kept, 0.0, one.persons)
    waiting = [int(site) for site in new]
    order, added = [], []
    while waiting:
        sums = [float(left[one.near.cells(site)].sum()) for site in waiting]
        best = int(np.argmax(sums))
        site = waiting.pop(best)
        order.append(site)
        added.append(sums[best])
        left[one.near.cells(site)] = 0.0
    return np.array(order, dtype=np.int64), np.array(added, dtype=np.float64)


def persons_alone(standing: PartStanding) -> Floats:
    """Of each open site, the residents whom no other open site covers [persons]."""
    one = standing.one
    use = one.near.of_sites(standing.open)
    times = np.bincount(use.cell, minlength=len(one.persons))
    return use.sums(np.where(times == 1, one.persons, 0.0))


def tells_one_cell(one: PosedPart, persons: Floats) -> Bools:
    """Whether a site's sum over its cells is that of a single cell whose number is withheld."""
    some = persons > 0
    cells = one.near.sums(some.astype(np.float64))
    hidden = one.near.sums((some & one.withheld).astype(np.float64))
    found: Bools = (cells == 1) & (hidden == 1)
    return found
