"""Which areas of today follow those that merged or split."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from etl.sources.changes import CHANGE_COLUMNS, TOLERANCE
from etl.sources.mapping import Areas


@dataclass(frozen=True)
class _Event:
    """What became of an area on a day."""

    since: int
    shares: tuple[tuple[str, float], ...]
    stays: bool


class Successors:
    """Which areas of today follow a former one, week by week, chains composed.

    Parameters
    ----------
    changes : frames of `map_changes`, one after another; where two speak of one area and day, the
        later one counts.

    Examples
    --------
    >>> changes = pd.DataFrame([["village", "a", "b", "2020-01-06", 1.0, 2],
    ...     ["village", "b", "c", "2022-01-03", 0.25, 3],
    ...     ["village", "b", "d", "2022-01-03", 0.75, 4]], columns=list(CHANGE_COLUMNS))
    >>> Successors(changes).shares("village", "a", date(2019, 1, 7).toordinal())
    {'c': 0.25, 'd': 0.75}
    """

    def __init__(self, changes: pd.DataFrame) -> None:
        grouped: dict[tuple[str, str], dict[int, dict[str, float]]] = {}
        columns = ("level", "old_code", "new_code", "since", "weight")
        for level, old, new, since, weight in zip(*(changes[c] for c in columns), strict=True):
            day = date.fromisoformat(str(since)).toordinal()
            weights = grouped.setdefault((str(level), str(old)), {}).setdefault(day, {})
            if sum(weights.values()) + weight > 1 + TOLERANCE:
                weights.clear()  # of several files the last one counts, whole
            if weight > 0:
                weights[str(new)] = float(weight)
        self._events = {
            key: tuple(
                _Event(day, tuple(sorted(shares.items())), stays=key[1] in shares)
                for day, shares in sorted(events.items())
            )
            for key, events in grouped.items()
        }
        self._began: dict[tuple[str, str], int] = {}
        for (level, old), events in self._events.items():
            for one in events:
                for new, _ in one.shares:
                    if new != old:
                        first = self._began.get((level, new), one.since)
                        self._began[level, new] = min(first, one.since)

    def __bool__(self) -> bool:
        return bool(self._events)

    def former(self, level: str) -> dict[str, int]:
        """Areas of a level that are no more → ordinal of the first day without them."""
        return {
            code: events[-1].since
            for (of, code), events in self._events.items()
            if of == level and not events[-1].stays
        }

    def changed(self, level: str) -> dict[str, tuple[int, ...]]:
        """Areas of a level that gave something away → the days on which they did."""
        return {
            code: tuple(event.since for event in events)
            for (of, code), events in self._events.items()
            if of == level
        }

    def began(self, level: str) -> dict[str, int]:
        """Areas of a level that took something over → ordinal of the first such day."""
        return {code: day for (of, code), day in self._began.items() if of == level}

    def shares(self, level: str, code: str, day: int) -> dict[str, float]:
        """Areas of today that follow an area of a day, with their shares, which sum to 1.

        Parameters
        ----------
        day : ordinal of the Monday of a week. A week belongs to the areas of its Monday.
        """
        events = self._events.get((level, code), ())
        at = bisect_right([event.since for event in events], day)
        if at == len(events):
            if not events or events[-1].stays:
                return {code: 1.0}
            at -= 1  # a code that is used after its end follows all the same
        event = events[at]
        found: dict[str, float] = {}
        for new, weight in event.shares:
            # The successor's own later changes count; earlier ones were before it took this over.
            for last, share in self.shares(level, new, max(event.since, day)).items():
                found[last] = found.get(last, 0.0) + weight * share
        return found

    def with_former(self, areas: Areas) -> Areas:
        """The areas of a level with those that are no more after them, known by code."""
        known = areas.by_code
        gone = [code for code in sorted(self.former(areas.level)) if code not in known]
        if not gone:
            return areas
        codes = np.array([*areas.codes.tolist(), *gone], dtype=object)
        return replace(areas, codes=codes, names=(*areas.names, *gone))


NO_CHANGES = Successors(pd.DataFrame(columns=list(CHANGE_COLUMNS)))
