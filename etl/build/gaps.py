"""Step 5: need against accessibility, as gap classes on every level.

Everything here is computed from what is published, so that nothing withheld can be worked out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from etl.build import text
from etl.build.layers import LayerSpec
from etl.build.levels import Floats, LevelFrame, ancestors
from etl.build.residents import resident_mean, resident_states
from etl.build.work import Work
from etl.model import Text
from geo.maup import zone_medians
from geo.model import GapClass, Level, Missing, Polarity
from geo.need import Gaps as GapClasses
from geo.need import gap_classes, need_parts, need_score, service_level
from geo.rollup import roll_up

M2_PER_KM2 = 1e6
PARTS = {
    "density": Text(zh="人口密度", en="population density"),
    "minors_share": Text(zh="未成年人占比", en="share of minors"),
    "elderly_share": Text(zh="老年人占比", en="share of elderly"),
    "strain_rate": Text(zh="压力类指标发生率", en="rate of the measures of strain"),
}


@dataclass(frozen=True)
class Gaps:
    """Need and gap on the finest level, and the gap class of every level; NaN where unknown.

    Attributes
    ----------
    need : 0..1.
    classes : `GapClass` values.
    by_level : class of the median resident of each area.
    by_catchment : catchment [m] → classes on the finest level.
    strain : rate of the measures of strain as a multiple of the locality's own mean.
    reference : accessibility that is full service; NaN where the mean is unknown.
    """

    need: Floats
    classes: Floats
    by_level: dict[Level, Floats]
    by_catchment: dict[float, Floats]
    strain: Floats | None
    reference: float


def classify_gaps(work: Work) -> Gaps:
    """Add need, gap and gap share to the book, from the layers that are in it.

    Full service is the locality's standard where it has set one, otherwise its mean accessibility
    over the residents, which is its supply over its demand: the gap then says who has less of
    what there is.
    """
    levels, book, cells = work.levels, work.book, work.levels[0]
    persons = cells.persons["total"]
    strain = strain_ratio(work)
    parts = need_parts(
        persons,
        cells.area_m2 / M2_PER_KM2,
        minors=work.residents(cells, "minors"),
        elderly=work.residents(cells, "elderly"),
        strain_rate=strain,
    )
    need = need_score(parts).score
    reference = full_service(work, _access(work, ""))
    found = classify(need, _access(work, ""), persons, reference=reference)
    shown = found.states == Missing.OK
    classes = np.where(shown, found.classes, np.nan)
    by_catchment = {}
    for catchment_m in work.config.access.catchments_m:
        access = _access(work, f".{catchment_m:g}")
        other = classify(need, access, persons, reference=full_service(work, access))
        by_catchment[catchment_m] = np.where(other.states == Missing.OK, other.classes, np.nan)
    by_level = {cells.level: classes}
    need_spec, gap_spec, share_spec = _specs(work, parts)
    book.add(need_spec, cells.level, need, states=resident_states(need, persons))
    book.add(gap_spec, cells.level, classes, states=found.states)
    in_gap = np.where(shown, (classes >= GapClass.CLEAR).astype(np.float64), np.nan)
    book.add(share_spec, cells.level, in_gap, states=resident_states(in_gap, persons))
    for position, frame in enumerate(levels[1:], start=1):
        by_level[frame.level] = zone_medians(
            classes, persons, ancestors(levels, position), n_zones=len(frame)
        )
        for spec, values in (
            (need_spec, resident_mean(levels, position, need, persons)),
            (gap_spec, by_level[frame.level]),
            (share_spec, resident_mean(levels, position, in_gap, persons)),
        ):
            book.add(spec, frame.level, values, states=area_states(frame, values))
    return Gaps(need, classes, by_level, by_catchment, strain, reference)


def _access(work: Work, catchment: str) -> Floats:
    access = work.book.values(f"access{catchment}", work.levels[0].level)
    return np.full(len(work.levels[0]), np.nan) if access is None else access


def classify(need: Floats, access: Floats, persons: Floats, *, reference: float) -> GapClasses:
    """Gap classes of the finest level, where so much accessibility is full service."""
    if reference > 0:
        service = service_level(access, reference=reference)
    else:
        # Nothing in reach of anyone: no service anywhere, where residents are known at all.
        service = np.where(np.isnan(access), np.nan, 0.0)
    return gap_classes(need, service, persons=persons)


def gap_groups(work: Work, gaps: Gaps) -> pd.DataFrame:
    """How many of each population group live in clear or severe gaps, by town and overall.

    Of the groups' published numbers on the finest level; cells where the number or the class is
    unknown are left out of both columns.

    Returns
    -------
    level, area_code, group, persons (in cells with a class), gap_persons, share; the share is
    missing where `publish.min_reported_share` of the area's published number is not reached. A
    group that the finest level does not have is not there.
    """
    levels, finest = work.levels, work.levels[0].level
    rows = []
    for group in work.config.groups:
        code = "population" if group.code == "total" else f"population.{group.code}"
        persons = work.book.values(code, finest)
        if persons is None:
            continue
        known = np.where(np.isnan(gaps.classes), np.nan, persons)
        short = np.where(gaps.classes >= GapClass.CLEAR, known, known * 0)
        for position, frame in enumerate(levels):
            if frame.level not in (Level.TOWN, Level.COUNTY):
                continue
            parents, n = ancestors(levels, position), len(frame)
            everybody = roll_up(known, parents, n_parents=n).values
            in_gap = roll_up(short, parents, n_parents=n).values
            whole = work.book.values(code, frame.level)
            whole = np.full(n, np.nan) if whole is None else whole
            least = work.config.publish.min_reported_share
            with np.errstate(invalid="ignore", divide="ignore"):
                share = np.where(everybody > 0, in_gap / everybody, np.nan)
                # Where small numbers are withheld, the rest speaks for large cells alone.
                share = np.where(everybody >= least * whole, share, np.nan)
            rows.append(
                pd.DataFrame(
                    {
                        "level": frame.level.value,
                        "area_code": frame.codes,
                        "group": group.code,
                        "persons": everybody,
                        "gap_persons": in_gap,
                        "share": share,
                    }
                )
            )
    columns = ["level", "area_code", "group", "persons", "gap_persons", "share"]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns)


def area_states(frame: LevelFrame, values: Floats) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """States above the finest level: not applicable where nobody lives."""
    return resident_states(values, frame.persons["total"])


def full_service(work: Work, access: Floats) -> float:
    """Accessibility that counts as full: the standard, or the mean over those it is reckoned for.

    Returns NaN where neither is known.
    """
    if work.config.need.standard is not None:
        return work.config.need.standard
    people = work.residents(work.levels[0], work.config.access.group)
    demand = np.zeros(len(access)) if people is None else np.nan_to_num(people)
    known = ~np.isnan(access) & (demand > 0)
    if not known.any():
        return float("nan")
    return float(np.average(access[known], weights=demand[known]))


def strain_ratio(work: Work) -> Floats | None:
    """Rates of the measures of strain as multiples of their mean, on the finest level.

    A cell has the published rate of its village, or where that is withheld or unknown of the next
    area above that has one; of several measures the mean. None where no measure has a rate.
    """
    levels = work.levels
    ratios = []
    for measure in work.config.measures:
        if measure.polarity != Polarity.STRAIN or measure.stock:
            continue
        ratio = np.full(len(levels[0]), np.nan)
        for position, frame in enumerate(levels):
            rate = work.book.values(f"rate.{measure.code}", frame.level)
            if frame.level == Level.GRID or rate is None:
                continue
            people = np.where(np.isnan(rate), 0.0, np.nan_to_num(frame.persons["total"]))
            mean = float(np.nan_to_num(rate) @ people / people.sum()) if people.sum() > 0 else 0.0
            if mean > 0:
                index = ancestors(levels, position)
                own = np.where(index >= 0, rate[index] / mean, np.nan)
                ratio = np.where(np.isnan(ratio), own, ratio)
        if not np.isnan(ratio).all():
            ratios.append(ratio)
    if not ratios:
        return None
    known = np.stack(ratios)
    counted = (~np.isnan(known)).sum(axis=0)
    return np.where(counted > 0, np.nansum(known, axis=0) / np.maximum(counted, 1), np.nan)


def _specs(work: Work, parts: dict[str, Floats]) -> tuple[LayerSpec, LayerSpec, LayerSpec]:
    used = [PARTS[name] for name in parts]
    need = text.plain_spec(
        "need",
        "need",
        "sequential",
        breaks=(0.2, 0.4, 0.6, 0.8),
        parts=Text(zh="、".join(name.zh for name in used), en=", ".join(name.en for name in used)),
    )
    gap = text.plain_spec("gap", "gap", "gap", reference=_reference_words(work))
    share = text.plain_spec("gap_share", "gap", "sequential", breaks=(0.2, 0.4, 0.6, 0.8))
    return need, gap, share


def _reference_words(work: Work) -> Text:
    standard, supply = work.config.need.standard, text.SUPPLY[work.config.access.supply]
    if standard is None:
        return Text(zh="本地居民的平均水平", en="the locality's own mean over its residents")
    return Text(
        zh=f"本地标准（每万人{supply.zh} {standard:g}）",
        en=f"the locality's standard ({standard:g} {supply.en} per 10 000)",
    )
