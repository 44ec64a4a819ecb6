"""An outsider with a solver: every linear statement that is published, and what follows from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

Key = Hashable


class Outsider:
    """Counts by key, all of them whole numbers from 0; what is told of them, and its consequences.

    Solved by integer programming (HiGHS) on the counts that hang together with the one asked for.
    """

    def __init__(self) -> None:
        self.known: dict[Key, float] = {}
        self.low: dict[Key, float] = {}
        self._rows: list[tuple[dict[Key, float], float, float]] = []
        self._ready: dict[Key, int] | None = None

    def tell(self, key: Key, value: float) -> None:
        """A count is published."""
        before = self.known.setdefault(key, value)
        if abs(before - value) > 1e-6:
            raise ValueError(f"{key}: {before} and {value}")
        self._ready = None

    def tell_sum(self, terms: Mapping[Key, float], low: float, high: float | None = None) -> None:
        """A weighted sum of counts lies in `low`..`high`, or is `low`."""
        self._rows.append((dict(terms), low, low if high is None else high))
        self._ready = None

    def _prepare(self) -> None:
        """Put what is known into the sums until nothing more follows; find what hangs together."""
        changed = True
        while changed:
            changed = False
            left = []
            for terms, lowest, highest in self._rows:
                open_ = {key: c for key, c in terms.items() if key not in self.known}
                told = sum(c * self.known[key] for key, c in terms.items() if key in self.known)
                if not open_:
                    continue
                low, high = lowest - told, highest - told
                if len(open_) == 1 and abs(high - low) < 1e-9:
                    ((key, c),) = open_.items()
                    self.known[key] = low / c
                    changed = True
                else:
                    left.append((open_, low, high))
            self._rows = left
        root: dict[Key, Key] = {}

        def find(key: Key) -> Key:
            while root.setdefault(key, key) != key:
                root[key] = root[root[key]]
                key = root[key]
            return key

        for terms, _, _ in self._rows:
            first, *rest = terms
            for key in rest:
                root[find(key)] = find(first)
        self._of: dict[Key, list[int]] = defaultdict(list)
        for number, (terms, _, _) in enumerate(self._rows):
            self._of[find(next(iter(terms)))].append(number)
        self._find = find
        self._ready = {}

    def component(self, key: Key) -> Key:
        """Name of the part of the system that a count belongs to."""
        if self._ready is None:
            self._prepare()
        return self._find(key)

    def bounds(self, key: Key, *, whole: bool = True) -> tuple[float, float]:
        """Least and largest value that agrees with everything told; `whole` for integers only."""
        return self.reach(key, -1, whole=whole), self.reach(key, 1, whole=whole)

    def reach(self, key: Key, sign: int, *, whole: bool = True) -> float:
        """Least (`sign` -1) or largest (1) value that agrees with everything told."""
        if self._ready is None:
            self._prepare()
        if key in self.known:
            return self.known[key]
        numbers = self._of.get(self._find(key), [])
        if not numbers:
            return np.inf if sign > 0 else self.low.get(key, 0.0)
        names = list(dict.fromkeys(name for n in numbers for name in self._rows[n][0]))
        if key not in names:
            return np.inf if sign > 0 else self.low.get(key, 0.0)
        at = {name: i for i, name in enumerate(names)}
        entries = [
            (i, at[name], c) for i, n in enumerate(numbers) for name, c in self._rows[n][0].items()
        ]
        rows, columns, values = zip(*entries, strict=True)
        matrix = csr_array((values, (rows, columns)), shape=(len(numbers), len(names)))
        low = np.array([self._rows[n][1] for n in numbers])
        high = np.array([self._rows[n][2] for n in numbers])
        goal = np.zeros(len(names))
        goal[at[key]] = -float(sign)
        floor = np.array([self.low.get(name, 0.0) for name in names])
        found = milp(
            goal,
            constraints=[LinearConstraint(matrix, low, high)],
            integrality=np.full(len(names), int(whole)),
            bounds=Bounds(floor, np.inf),
        )
        if found.status == 2:
            raise ValueError(f"what is told of {key} contradicts itself")
        # Status 3 is unbounded; 4 is how some cases of it are told.
        return round(-sign * float(found.fun), 6) if found.status == 0 else sign * np.inf


def told_apart(
    outsider: Outsider, small: Iterable[Key], k: int, *, whole: bool = True
) -> list[tuple[Key, float, float]]:
    """Counts of which an outsider can say on which side of `k` they lie, with their bounds."""
    found = []
    for key in small:
        high = outsider.reach(key, 1, whole=whole)
        low = 0.0 if high >= k else outsider.reach(key, -1, whole=whole)
        if high < k:
            found.append((key, low, high))
            continue
        low = outsider.reach(key, -1, whole=whole)
        if low >= k:
            found.append((key, low, high))
    return found
