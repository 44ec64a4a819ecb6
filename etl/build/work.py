"""What every step of a build is handed: the levels, the settings, and the book it writes in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from etl.build.layers import LayerBook, quantile_breaks
from etl.build.levels import Floats, LevelFrame
from etl.settings import LocalityConfig
from etl.store.earlier import Told
from geo.model import Level


@dataclass(frozen=True)
class Work:
    """One build under way.

    Attributes
    ----------
    levels : finest first.
    breaks_of_year : class ends already published this year, by layer.
    told : what earlier snapshots said; None where there are none to be asked.
    people : level → group → residents as far as they are published, guesses for the rest: for
        whatever is published of groups other than the total.
    """

    levels: Sequence[LevelFrame]
    config: LocalityConfig
    breaks_of_year: dict[str, list[float]] = field(default_factory=dict)
    book: LayerBook = field(default_factory=LayerBook)
    told: Told | None = None
    people: dict[Level, dict[str, Floats]] = field(default_factory=dict)

    def residents(self, frame: LevelFrame, group: str) -> Floats | None:
        """Residents of a group as far as they are published, guesses for the rest."""
        return self.people.get(frame.level, frame.persons).get(group)

    def breaks(self, code: str, values: Floats) -> tuple[float, ...]:
        """Class ends of a layer: fixed for the year, from the quantiles when it is first drawn."""
        if code not in self.breaks_of_year:
            found = quantile_breaks(np.asarray(values, dtype=np.float64))
            self.breaks_of_year[code] = list(found)
        return tuple(self.breaks_of_year[code])
