"""Step 5: need against accessibility, as gap classes on every level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from etl.build import text
from etl.build.facilities import Reach
from etl.build.layers import LayerSpec
from etl.build.levels import Floats, LevelFrame, ancestors
from etl.build.residents import resident_mean, resident_states
from etl.build.warnings import WarningResult
from etl.build.work import Work
from etl.model import Text
from geo.model import GapClass, Level, Missing
from geo.need import gap_classes, need_parts, need_score, service_level

M2_PER_KM2 = 1e6
PARTS = {
    "density": Text(zh="人口密度", en="population density"),
    "minors_share": Text(zh="未成年人占比", en="share of minors"),
    "elderly_share": Text(zh="老年人占比", en="share of elderly"),
    "strain_rate": Text(zh="预警类指标发生率", en="rate of the measures watched"),
}


@dataclass(frozen=True)
class Gaps:
    """Need and gap on the finest level, and the gap class of every level; NaN where unknown."""

    need: Floats
    classes: Floats
    by_level: dict[Level, Floats]


def classify_gaps(work: Work, reach: Reach, warned: WarningResult) -> Gaps:
    """Add need, gap and gap share to `book`, from what is published only.

    Full service is the locality's mean accessibility over its residents, which is its supply over
    its demand: the gap says who has less of what there is.
    """
    levels, book, cells = work.levels, work.book, work.levels[0]
    persons = cells.persons["total"]
    parts = need_parts(
        persons,
        cells.geometry.to_crs(work.config.locality.crs).area.to_numpy() / M2_PER_KM2,
        minors=cells.persons.get("minors"),
        elderly=cells.persons.get("elderly"),
        strain_rate=_strain(levels, warned),
    )
    need = need_score(parts).score
    mean_access = float(resident_mean(levels, len(levels) - 1, reach.access, persons).mean())
    if mean_access > 0:
        service = service_level(reach.access, reference=mean_access)
    else:
        # Nothing in reach of anyone: no service anywhere, where residents are known at all.
        service = np.where(np.isnan(reach.access), np.nan, 0.0)
    found = gap_classes(need, service, persons=persons)
    shown = found.states == Missing.OK
    classes = np.where(shown, found.classes, np.nan)
    by_level = {cells.level: classes}
    need_spec, gap_spec, share_spec = _specs(parts)
    book.add(need_spec, cells.level, need, states=resident_states(need, persons))
    book.add(gap_spec, cells.level, classes, states=found.states)
    in_gap = np.where(shown, (classes >= GapClass.CLEAR).astype(np.float64), np.nan)
    book.add(share_spec, cells.level, in_gap, states=resident_states(in_gap, persons))
    for position, frame in enumerate(levels[1:], start=1):
        share = resident_mean(levels, position, in_gap, persons)
        by_level[frame.level] = _median_class(work.levels, position, classes, persons)
        book.add(need_spec, frame.level, resident_mean(levels, position, need, persons))
        book.add(gap_spec, frame.level, by_level[frame.level])
        book.add(share_spec, frame.level, share)
    return Gaps(need, classes, by_level)


def _median_class(
    levels: Sequence[LevelFrame], upper: int, classes: Floats, persons: Floats
) -> Floats:
    """Class of the median resident: the highest that half of the residents are in or beyond."""
    total = np.zeros(len(levels[upper]))
    for gap in GapClass:
        if gap > GapClass.NONE:
            beyond = np.where(np.isnan(classes), np.nan, (classes >= gap).astype(np.float64))
            share = resident_mean(levels, upper, beyond, persons)
            total += np.where(np.isnan(share), np.nan, share >= 0.5)
    return total


def _strain(levels: Sequence[LevelFrame], warned: WarningResult) -> Floats | None:
    """Mean published rate of the watched measures in each cell's village, or the next level up."""
    for position, frame in enumerate(levels):
        rates = [rate for (_, level), rate in warned.rates.items() if level == frame.level]
        if frame.level != Level.GRID and rates:
            known = np.stack(rates)
            counted = (~np.isnan(known)).sum(axis=0)
            mean = np.where(counted > 0, np.nansum(known, axis=0) / np.maximum(counted, 1), np.nan)
            index = ancestors(levels, position)
            strain: Floats = np.where(index >= 0, mean[index], np.nan)
            return strain
    return None


def _specs(parts: dict[str, Floats]) -> tuple[LayerSpec, LayerSpec, LayerSpec]:
    used = [PARTS[name] for name in parts]
    need = text.plain_spec(
        "need",
        "need",
        "sequential",
        breaks=(0.2, 0.4, 0.6, 0.8),
        parts=Text(zh="、".join(name.zh for name in used), en=", ".join(name.en for name in used)),
    )
    gap = text.plain_spec("gap", "gap", "gap")
    share = text.plain_spec("gap_share", "gap", "sequential", breaks=(0.2, 0.4, 0.6, 0.8))
    return need, gap, share
