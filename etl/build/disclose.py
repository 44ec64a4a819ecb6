"""Step 4a: which counts may be published, and what takes the place of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from etl.build.counts import CountBook, Counts
from etl.build.layers import States
from etl.build.levels import Floats, LevelFrame
from etl.build.work import Work
from etl.sections import MeasureSettings
from geo.disclosure import Earlier, Published, release_sums, stand_in, suppress_again
from geo.model import Level, Missing

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Disclosed:
    """Weekly counts of one measure on one level, and what may be published of them.

    Attributes
    ----------
    counts : the true counts, shape (n_weeks, n_areas); for nothing that is published.
    states : `Missing`, same shape.
    guesses : published counts, and where they are withheld what anybody would guess: whatever
        is computed from them tells no more than has been published.
    persons : the measure's population at risk.
    """

    measure: MeasureSettings
    frame: LevelFrame
    counts: Floats
    states: States
    guesses: Floats
    persons: Floats

    @property
    def hidden(self) -> Bools:
        """Which counts are withheld."""
        found: Bools = self.states == Missing.SUPPRESSED
        return found


def disclose_group(
    work: Work, layer: str, chain: Sequence[LevelFrame], values: Sequence[Floats]
) -> tuple[list[Published], list[Floats]]:
    """Withhold small groups of residents; what may be published, and with guesses for the rest."""
    k = work.config.disclosure.k
    parents = [frame.parents for frame in chain[:-1]]
    rows = [np.atleast_2d(value) for value in values]
    told = _earlier(work, layer, chain, [""], rows)
    found = suppress_again(rows, parents, told, k=k)
    persons = [frame.persons["total"] for frame in chain]
    guesses = stand_in(found, parents, persons, otherwise=k / 2)
    return (
        [Published(one.values[0], one.states[0]) for one in found],
        [guess[0] for guess in guesses],
    )


def disclose_counts(
    work: Work,
    counts: CountBook,
    weeks: Sequence[str],
    keep: Mapping[str, Sequence[Bools]],
) -> dict[str, list[Disclosed]]:
    """Withhold along every measure's hierarchy, then among measures that add up.

    Parameters
    ----------
    keep : by measure, one a level: counts under a warning, that should be seen if others can be
        withheld in their place.
    """
    found = {
        code: _measure(work, work.config.measure(code), by_level, weeks, keep[code])
        for code, by_level in counts.items()
    }
    for measure in work.config.measures:
        parts = [found[code] for code in measure.sum_of if code in found]
        if measure.code in found and len(parts) == len(measure.sum_of) > 0:
            found[measure.code] = _sum(work, found[measure.code], parts)
    return found


def at_risk(work: Work, frame: LevelFrame, measure: MeasureSettings) -> Floats:
    """Residents a measure is counted among, as far as they are published."""
    persons = work.residents(frame, measure.group)
    return frame.persons["total"] if persons is None else persons


def _earlier(
    work: Work,
    layer: str,
    chain: Sequence[LevelFrame],
    weeks: Sequence[str],
    values: Sequence[Floats],
) -> list[Earlier]:
    if work.told is None:
        none = [np.zeros(value.shape, dtype=bool) for value in values]
        return [Earlier(one, one) for one in none]
    return [
        work.told.earlier(layer, frame.level.value, frame.codes, weeks, value)
        for frame, value in zip(chain, values, strict=True)
    ]


def _measure(
    work: Work,
    measure: MeasureSettings,
    by_level: Mapping[Level, Counts],
    weeks: Sequence[str],
    keep: Sequence[Bools],
) -> list[Disclosed]:
    rules = work.config.disclosure
    chain = [frame for frame in work.levels if frame.level in by_level]
    values = [by_level[frame.level].values for frame in chain]
    parents = [frame.parents for frame in chain[:-1]]
    persons = [at_risk(work, frame, measure) for frame in chain]
    published = suppress_again(
        values,
        parents,
        _earlier(work, f"count.{measure.code}", chain, weeks, values),
        k=rules.k,
        denominators=persons,
        min_denominator=rules.min_denominator,
        keep=keep,
    )
    return _with_guesses(work, measure, chain, values, published=published, persons=persons)


def _with_guesses(
    work: Work,
    measure: MeasureSettings,
    chain: Sequence[LevelFrame],
    values: Sequence[Floats],
    *,
    published: Sequence[Published],
    persons: Sequence[Floats],
) -> list[Disclosed]:
    parents = [frame.parents for frame in chain[:-1]]
    guesses = stand_in(published, parents, persons, otherwise=work.config.disclosure.k / 2)
    return [
        Disclosed(measure, frame, value, one.states, guess, people)
        for frame, value, one, guess, people in zip(
            chain, values, published, guesses, persons, strict=True
        )
    ]


def _sum(work: Work, whole: list[Disclosed], parts: list[list[Disclosed]]) -> list[Disclosed]:
    """Withhold counts of a sum that would give a part away."""
    rules = work.config.disclosure
    levels = [one.frame.level for one in whole]
    shared = [
        [{one.frame.level: one for one in part}.get(level) for part in parts] for level in levels
    ]
    # Where a part is not reported, nothing adds up: the sum then stands by itself.
    from_level = [i for i, found in enumerate(shared) if all(one is not None for one in found)]
    if not from_level:
        return whole
    chain = [whole[i].frame for i in from_level]
    parents = [frame.parents for frame in chain[:-1]]
    stacks = [np.stack([one.counts for one in shared[i] if one]) for i in from_level]
    states = [np.stack([one.states for one in shared[i] if one]) for i in from_level]
    out = list(whole)
    hidden = [whole[i].hidden.copy() for i in from_level]
    for week in range(len(whole[0].counts)):
        released = release_sums(
            [stack[:, week] for stack in stacks],
            [state[:, week] for state in states],
            parents,
            [(0, len(parts) - 1)],
            k=rules.k,
            denominators=[whole[i].persons for i in from_level],
            min_denominator=rules.min_denominator,
        )
        for mask, level, state, may in zip(hidden, stacks, states, released, strict=True):
            tied = ~np.isnan(level[:, week]).any(axis=0)
            telling = (state[:, week] == Missing.SUPPRESSED).any(axis=0)
            mask[week] |= tied & telling & ~may[0]
    for i, mask in zip(from_level, hidden, strict=True):
        one = whole[i]
        gone = mask & ~np.isnan(one.counts)
        out[i] = replace(
            one, states=np.where(gone, Missing.SUPPRESSED, one.states).astype(np.uint8)
        )
    published = [
        Published(np.where(one.states == Missing.OK, one.counts, np.nan), one.states) for one in out
    ]
    return _with_guesses(
        work,
        whole[0].measure,
        [one.frame for one in out],
        [one.counts for one in out],
        published=published,
        persons=[one.persons for one in out],
    )
