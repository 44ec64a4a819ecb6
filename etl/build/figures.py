"""Step 4: which counts and rates of the published weeks are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from etl.build import text
from etl.build.counts import CountBook, Counts
from etl.build.disclose import Bools, Disclosed, disclose_counts
from etl.build.rates import SHORTEST, add_rates
from etl.build.work import Work
from etl.settings import LocalityConfig
from geo.detect.ears import ears
from geo.model import Level


@dataclass(frozen=True)
class Figures:
    """Counts of the newest weeks and what may be told of them.

    Attributes
    ----------
    weeks : the published ones, and before them those that rates and warnings look back on.
    by_measure : measure → one a level that has it, finest first.
    """

    weeks: Sequence[str]
    by_measure: Mapping[str, Sequence[Disclosed]]


def lead_weeks(config: LocalityConfig) -> int:
    """Weeks before the first published one that detectors and blocks look back on."""
    return config.warnings.baseline + config.warnings.episode_weeks + 2 * SHORTEST


def tell_figures(work: Work, counts: CountBook, weeks: Sequence[str]) -> Figures:
    """Add counts and rates of the last `publish.weeks` of `weeks` to the book."""
    first = len(weeks) - work.config.publish.weeks
    keep = {code: standing_out(work, code, by_level, first) for code, by_level in counts.items()}
    found = disclose_counts(work, counts, weeks, keep)
    for code, levels in found.items():
        for shown in levels:
            _add_counts(work, shown, weeks, first)
        if not work.config.measure(code).stock:
            add_rates(work, levels, weeks)
    return Figures(weeks, found)


def standing_out(
    work: Work, code: str, by_level: Mapping[Level, Counts], first: int
) -> list[Bools]:
    """Counts of the published weeks, a level each, that should be seen rather than others.

    High ones of measures that are warned of. The weeks before are not published here: what is
    withheld of them hangs on nothing that the next build may see otherwise.
    """
    chosen = work.config.warnings
    chain = [by_level[frame.level].values for frame in work.levels if frame.level in by_level]
    if not work.config.measure(code).warn:
        return [np.zeros(values.shape, dtype=bool) for values in chain]
    masks = []
    for values in chain:
        score = ears(
            values,
            method=chosen.method,
            baseline=chosen.baseline,
            min_sigma=chosen.min_sigma,
            min_observed=chosen.baseline - 2,
            exclude_alarms=True,
            max_episode=chosen.episode_weeks,
        ).score
        mask = (score >= chosen.blue) & (values >= chosen.min_count)
        mask[:first] = False
        masks.append(mask)
    return masks


def _add_counts(work: Work, shown: Disclosed, weeks: Sequence[str], first: int) -> None:
    spec = text.measure_spec(
        "count",
        "need",
        "sequential",
        shown.measure,
        on_map=False,
        k_less=work.config.disclosure.k - 1,
        reported=f"{work.config.publish.min_reported_share:.0%}".removesuffix("%"),
    )
    for position in range(first, len(weeks)):
        values, states = shown.counts[position], shown.states[position]
        if not np.isnan(values).all():
            work.book.add(spec, shown.frame.level, values, states=states, week=weeks[position])
