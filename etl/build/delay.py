"""Step 6b: how complete the newest weeks are, told from what was published of weeks before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from etl.build.levels import Floats
from etl.build.weeks import week_range
from etl.build.work import Work
from geo.detect.delay import provisional_weeks, reporting_completeness
from geo.model import Level

# Later than so many weeks after its end a week is taken for complete.
AGES = 9
# Of so many cases at least: what grew of fewer may be chance.
LEAST_CASES = 200
# A week of which less is in says nothing that could be made good by a factor.
LEAST_SHARE = 0.2
# Snapshots of so many weeks are looked at.
LOOK_BACK = 52


@dataclass(frozen=True)
class Delay:
    """How complete the newest weeks of a measure are.

    Attributes
    ----------
    share : share of the final count that is in, by age, the newest week first; up to 1.
    provisional : how many of the newest weeks are not complete.
    """

    share: tuple[float, ...] = ()
    provisional: int = 0

    def shares(self, n_weeks: int) -> Floats | None:
        """Share that is in of each of so many weeks up to the newest; None where all is."""
        if not self.share:
            return None
        shares = np.ones(n_weeks)
        newest = np.array(self.share[:n_weeks])
        shares[len(shares) - len(newest) :] = newest[::-1]
        return shares


@dataclass(frozen=True)
class Delays:
    """Delay by measure; a measure of which nothing is known is complete."""

    by_measure: Mapping[str, Delay] = field(default_factory=dict)

    def of(self, measure: str) -> Delay:
        return self.by_measure.get(measure, Delay())


def tell_delays(work: Work, *, week: str) -> Delays:
    """How complete weeks were when they were published first, of the measures that are warned of.

    From earlier snapshots alone, so that it tells nothing that they do not.

    Parameters
    ----------
    week : newest week of this build.
    """
    asked = work.config.warnings.provisional_weeks
    # Towns, where there are any: the county's total is missing while many have not reported.
    level = Level.TOWN if any(f.level == Level.TOWN for f in work.levels) else Level.COUNTY
    snapshots = week_range(week, LOOK_BACK)
    found = {}
    for measure in work.config.measures:
        if measure.warn:
            growth = np.empty((0, AGES))
            if work.told is not None:
                growth = work.told.growth(
                    f"count.{measure.code}", level.value, snapshots=snapshots, ages=AGES
                )
            found[measure.code] = tell_delay(growth, asked)
    return Delays(found)


def tell_delay(growth: Floats, asked: int | Literal["auto"]) -> Delay:
    """Delay of one measure.

    Parameters
    ----------
    growth : shape (n, AGES), counts as they were published at each age; NaN where they were not.
    asked : newest weeks that the locality calls provisional; "auto": those that are.
    """
    complete = reporting_completeness(growth, max_weeks=None)
    known = np.isfinite(complete.share).all() and complete.seen[:-1].min() >= LEAST_CASES
    newest = provisional_weeks(complete) if known else 0
    share = np.clip(complete.share[:newest], LEAST_SHARE, 1.0)
    return Delay(tuple(share.tolist()), newest if asked == "auto" else asked)
