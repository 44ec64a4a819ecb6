"""The attacker at a published store: all snapshots in it, read as anybody can, and solved.

What only a test can know is used against the product, never for it: which counts are small, which
ones a correction changed, and the sum that a published rate can be turned back into.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from etl.build.counts import CountBook
from etl.build.levels import LevelFrame
from etl.build.weeks import week_number
from etl.store.reader import Reader
from geo.model import Missing


class Truth(NamedTuple):
    """The true counts behind one snapshot."""

    levels: Sequence[LevelFrame]
    counts: CountBook
    weeks: Sequence[str]


@dataclass(frozen=True)
class Leak:
    """A count of which an outsider can say on which side of k it lies."""

    measure: str
    week: str
    level: str
    area_code: str
    count: float
    bound: float


class Attack:
    """One measure over all snapshots: unknowns, what is known of them, and the sums that bind them.

    Parameters
    ----------
    truths : by snapshot, oldest first.
    """

    def __init__(self, reader: Reader, truths: Mapping[str, Truth], measure: str) -> None:
        self.measure = measure
        self.names: list[tuple[str, str, str]] = []
        self.people: list[float] = []
        self._values: list[float] = []
        self._known: set[int] = set()
        self._entries: list[tuple[int, int, float]] = []
        self._n_rows = 0
        self._layers: dict[str, list[dict[str, np.ndarray]]] = {}
        self._seen: set[tuple[object, ...]] = set()
        for snapshot_id, truth in truths.items():
            if measure in truth.counts:
                self._read(reader, snapshot_id, truth)
        self.x = np.array(self._values)
        self.known = np.zeros(len(self.x), dtype=bool)
        self.known[list(self._known)] = True
        rows, columns, values = zip(*self._entries, strict=True)
        self.matrix = csr_array((values, (rows, columns)), shape=(self._n_rows, len(self.x)))

    def _read(self, reader: Reader, snapshot_id: str, truth: Truth) -> None:
        by_level = truth.counts[self.measure]
        chain = [frame for frame in truth.levels if frame.level in by_level]
        ids = [self._ids(truth, chain, row) for row in range(len(truth.weeks))]
        for frame in chain:
            level = frame.level.value
            for row, week in enumerate(truth.weeks):
                if week not in reader.snapshot(snapshot_id).meta["weeks"]:
                    continue
                shown = reader.layer(snapshot_id, level, f"count.{self.measure}", week)
                told = np.flatnonzero(shown.states == Missing.OK)
                true = by_level[frame.level].values[row, told]
                np.testing.assert_array_equal(shown.values[told], true)
                self._known.update(ids[row][level][told].tolist())
                self._read_rates(reader, snapshot_id, truth, frame, row, ids)

    def _read_rates(  # noqa: PLR0917
        self,
        reader: Reader,
        snapshot_id: str,
        truth: Truth,
        frame: LevelFrame,
        row: int,
        ids: list[dict[str, np.ndarray]],
    ) -> None:
        """A published rate is a published sum over its period."""
        level, week = frame.level.value, truth.weeks[row]
        codes = {entry["code"] for entry in reader.snapshot(snapshot_id).meta["layers"]}
        if f"rate.{self.measure}" not in codes:
            return
        rates = reader.layer(snapshot_id, level, f"rate.{self.measure}", week)
        lengths = reader.layer(snapshot_id, level, f"rate_weeks.{self.measure}", week).values
        shown = np.isin(rates.states, (Missing.OK, Missing.UNRELIABLE))
        for length in np.unique(lengths[shown]).astype(int):
            last = row - (week_number(week) + 1) % length
            span = range(last - length + 1, last + 1)
            for area in np.flatnonzero(shown & (lengths == length)):
                self._row([(int(ids[at][level][area]), 1.0) for at in span])

    def _row(self, terms: list[tuple[int, float]]) -> None:
        key = tuple(terms)
        if key not in self._seen:
            self._seen.add(key)
            self._entries += [(self._n_rows, at, value) for at, value in terms]
            self._n_rows += 1

    def _ids(self, truth: Truth, chain: Sequence[LevelFrame], row: int) -> dict[str, np.ndarray]:
        """Unknowns of one week; counts that no correction has touched are those of before."""
        week = truth.weeks[row]
        by_level = truth.counts[self.measure]
        versions = self._layers.setdefault(week, [])
        out = {}
        for frame in chain:
            level, values = frame.level.value, by_level[frame.level].values[row]
            ids = np.full(len(frame), -1)
            for version in versions:
                before = version[level]
                was = np.array([self._values[i] if i >= 0 else np.nan for i in before])
                ids = np.where((ids < 0) & (was == values), before, ids)
            persons = frame.persons["total"]
            for area in np.flatnonzero((ids < 0) & ~np.isnan(values)):
                ids[area] = len(self._values)
                self._values.append(float(values[area]))
                self.names.append((week, level, str(frame.codes[area])))
                self.people.append(float(persons[area]))
            out[level] = ids
        for lower, upper in itertools.pairwise(chain):
            below, above = out[lower.level.value], out[upper.level.value]
            for parent in np.flatnonzero(above >= 0):
                children = below[(lower.parents == parent) & (below >= 0)]
                if len(children):
                    total = sum(self._values[child] for child in children)
                    assert total == self._values[above[parent]], "the counts do not add up"
                    terms = [(int(child), 1.0) for child in children]
                    self._row([*terms, (int(above[parent]), -1.0)])
        if not any(all((v[key] == out[key]).all() for key in out) for v in versions):
            versions.append(out)
        return out

    def at_risk(self, k: int, min_denominator: float) -> np.ndarray:
        """Unknowns that are small by themselves and have not been published."""
        small = (self.x > 0) & ((self.x < k) | ~(np.array(self.people) >= min_denominator))
        return np.flatnonzero(small & ~self.known)

    def reach(self, target: int, sign: int, free: np.ndarray, *, whole: bool = True) -> float:
        """Largest (or with `sign` -1 least) count of `target` while only `free` unknowns move."""
        rows = np.flatnonzero(np.asarray((self.matrix[:, free] != 0).sum(axis=1)).ravel())
        part = self.matrix[rows][:, free]
        level = part @ self.x[free]
        goal = np.zeros(len(free))
        goal[np.flatnonzero(free == target)] = -float(sign)
        found = milp(
            goal,
            constraints=[LinearConstraint(part, level, level)] if len(rows) else [],
            integrality=np.full(len(free), int(whole)),
            bounds=Bounds(0.0, np.inf),
        )
        return -sign * float(found.fun) if found.status == 0 else sign * np.inf

    def leaks(self, targets: Sequence[int] | np.ndarray, k: int) -> Iterator[Leak]:
        """Targets that are told apart.

        A table in which only the neighbourhood moves is enough to clear a count; whoever is not
        cleared is bounded over all that hangs together with it.
        """
        hidden = np.flatnonzero(~self.known)
        linked = abs(self.matrix)[:, hidden]
        for target in targets:
            sign = 1 if self.x[target] < k else -1
            bound = np.nan
            near = np.zeros(len(hidden))
            near[np.searchsorted(hidden, target)] = 1.0
            while True:
                wider = linked.T @ ((linked @ near) != 0).astype(float)
                free = hidden[(wider != 0) | (near != 0)]
                grew = len(free) > np.count_nonzero(near)
                near = ((wider != 0) | (near != 0)).astype(float)
                if grew and len(free) < 40:
                    continue
                bound = self.reach(int(target), sign, free)
                if (bound >= k if sign > 0 else bound < k) or not grew:
                    break
            if not (bound >= k if sign > 0 else bound < k):
                week, level, code = self.names[target]
                yield Leak(self.measure, week, level, code, float(self.x[target]), bound)
