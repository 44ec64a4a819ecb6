"""Step 5: published counts of the years before, for detectors and forecasts alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from etl.build.counts import arrange_counts
from etl.build.disclose import Bools, disclose_counts
from etl.build.figures import Figures
from etl.build.levels import Floats
from etl.build.weeks import week_range
from etl.build.work import Work
from etl.settings import LocalityConfig
from etl.store.packed import WeekCounts
from geo.model import Level

Key = tuple[str, Level]
# The years before are kept for these. Cells keep the weeks that the build has read anyway.
LEVELS = (Level.VILLAGE, Level.TOWN, Level.COUNTY)
WEEKS_OF_YEAR = 52
# Half of the window of a season: the oldest week of the oldest year that is looked at.
HALF_WINDOW = 3


@dataclass(frozen=True)
class Series:
    """Counts of one measure on one level that anybody could know.

    Attributes
    ----------
    guesses : float64, shape (n_weeks, n_areas): published counts, what anybody would guess where
        they are withheld, NaN where there is no data.
    hidden : bool, same shape: which are withheld.
    """

    guesses: Floats
    hidden: Bools

    @property
    def published(self) -> Floats:
        """The published counts, NaN elsewhere."""
        return np.where(self.hidden, np.nan, self.guesses)


@dataclass(frozen=True)
class History:
    """Counts of the weeks before those of `Figures`, as far as they could be published.

    Attributes
    ----------
    weeks : oldest first, without a gap, up to the week before the first of the figures.
    series : by measure and level, for the weeks of `weeks`.
    """

    weeks: Sequence[str] = ()
    series: Mapping[Key, Series] = field(default_factory=dict)

    def before(self, figures: Figures, measure: str, level: Level) -> Series:
        """Counts of the weeks of the history and of the figures after them; of cells, of these."""
        (shown,) = [one for one in figures.by_measure[measure] if one.frame.level == level]
        if level not in LEVELS:
            return Series(shown.guesses, shown.hidden)
        nothing = np.full((len(self.weeks), len(shown.frame)), np.nan)
        past = self.series.get((measure, level), Series(nothing, np.isfinite(nothing)))
        return Series(
            np.concatenate([past.guesses, shown.guesses]),
            np.concatenate([past.hidden, shown.hidden]),
        )


def read_history(
    work: Work, figures: Figures, load: Callable[[str, str, Sequence[str]], Iterable[WeekCounts]]
) -> History:
    """Work out what could be published of the weeks before those of the figures.

    By the same rules as those, so that what is computed from them tells no more than a publication
    of these weeks would. Taken in pieces, newest first, so that years of them need no more memory
    than a snapshot does.

    Parameters
    ----------
    figures : what is published now; only measures that are in it have a history.
    load : counts of some measures from one week to another, as `load_counts` gives them.

    Returns
    -------
    History : begins with a piece in which something was reported. A measure that is neither warned
        of nor forecast has none.
    """
    known, forecast = len(figures.weeks), work.config.forecast.history_weeks
    warned = known + work.config.warnings.history_years * WEEKS_OF_YEAR + HALF_WINDOW
    past = week_range(figures.weeks[-1], max(forecast, warned))[:-known]
    length = work.config.publish.weeks
    pieces: list[tuple[list[str], dict[Key, Series]]] = []
    while past:
        piece, past = past[-length:], past[:-length]
        from_newest = known + sum(len(weeks) for weeks, _ in pieces)
        wanted = {
            code
            for code in figures.by_measure
            if (from_newest < forecast and not work.config.measure(code).stock)
            or (from_newest < warned and work.config.measure(code).warn)
        }
        pieces.append((piece, _piece(work, piece, wanted, load)))
    while pieces and not pieces[-1][1]:
        pieces.pop()
    return _joined(pieces[::-1])


def _piece(
    work: Work,
    weeks: Sequence[str],
    wanted: set[str],
    load: Callable[[str, str, Sequence[str]], Iterable[WeekCounts]],
) -> dict[Key, Series]:
    if not wanted:
        return {}
    measures = sorted(wanted | _added_up(work.config, wanted))
    counts = arrange_counts(load(weeks[0], weeks[-1], measures), work.levels, weeks, work.config)
    keep = {
        code: [np.zeros(one.values.shape, dtype=bool) for one in by_level.values()]
        for code, by_level in counts.items()
    }
    return {
        (code, one.frame.level): Series(one.guesses, one.hidden)
        for code, levels in disclose_counts(work, counts, weeks, keep).items()
        for one in levels
        if code in wanted and one.frame.level in LEVELS
    }


def _added_up(config: LocalityConfig, codes: set[str]) -> set[str]:
    """Measures that add up with some of these: withheld together, or not safely."""
    sums = [{measure.code, *measure.sum_of} for measure in config.measures if measure.sum_of]
    return set().union(*(whole for whole in sums if whole & codes))


def _joined(pieces: Sequence[tuple[list[str], dict[Key, Series]]]) -> History:
    weeks = [week for piece, _ in pieces for week in piece]
    keys = dict.fromkeys(key for _, found in pieces for key in found)
    joined = {}
    for key in keys:
        n_areas = next(found[key].guesses.shape[1] for _, found in pieces if key in found)
        guesses = np.full((len(weeks), n_areas), np.nan)
        hidden = np.zeros(guesses.shape, dtype=bool)
        row = 0
        for piece, found in pieces:
            if key in found:
                guesses[row : row + len(piece)] = found[key].guesses
                hidden[row : row + len(piece)] = found[key].hidden
            row += len(piece)
        joined[key] = Series(guesses, hidden)
    return History(weeks, joined)
