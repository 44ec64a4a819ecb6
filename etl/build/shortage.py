"""Step 5b: the shortage score with its parts, on every level and at every catchment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from etl.build import text
from etl.build.gaps import area_states
from etl.build.layers import LayerSpec
from etl.build.levels import Floats
from etl.build.residents import resident_mean, resident_states
from etl.build.work import Work
from etl.model import Text
from geo.need import PointTable, shortage_score

PER_PERSONS = 10_000


@dataclass(frozen=True)
class Shortage:
    """Scores on the finest level: catchment [m] → points; NaN where too little is known.

    Attributes
    ----------
    default : the catchment that is shown first [m].
    most : points of all parts together.
    """

    by_catchment: dict[float, Floats]
    default: float
    most: float

    @property
    def score(self) -> Floats:
        """Score at the catchment that is shown first."""
        return self.by_catchment[self.default]


def score_shortage(work: Work, strain: Floats | None) -> Shortage:
    """Add the shortage score, its parts and how much of it is known, from published layers only.

    A village, a town and the county have the mean of their residents, part by part.

    Parameters
    ----------
    strain : see `etl.build.gaps.strain_ratio`.
    """
    config, cells, book = work.config, work.levels[0], work.book
    tables = config.need.tables()
    persons = cells.persons["total"]
    fixed: dict[str, Floats] = {}
    minutes = book.values(f"nearest_min.{config.need.kind}", cells.level)
    if minutes is not None:
        # The kind was handed in: no time means that no site in service can be reached.
        fixed["travel_min"] = np.where(np.isnan(minutes), np.inf, minutes)
    for name, code in (("minors_share", "share.minors"), ("elderly_share", "share.elderly")):
        share = book.values(code, cells.level)
        if share is not None:
            fixed[name] = share
    if strain is not None:
        fixed["strain"] = strain
    by_catchment = {}
    for catchment_m in config.access.catchments_m:
        access = book.values(f"access.{catchment_m:g}", cells.level)
        parts = fixed if access is None else {"provider_ratio": _ratio(access), **fixed}
        if not parts:
            by_catchment[catchment_m] = np.full(len(cells), np.nan)
            continue
        found = shortage_score(parts, tables=tables)
        by_catchment[catchment_m] = np.where(persons > 0, found.score, np.nan)
        if catchment_m == config.access.default_catchment_m:
            shown = {"shortage": found.score, "shortage_known": found.known}
            shown |= {f"shortage.{name}": found.parts[name].to_numpy() for name in found.parts}
            specs = _specs(work, tables)
            for code, values in shown.items():
                if not np.isnan(values).all():
                    _add(work, specs[code], values)
    most = sum(table.points[-1] for table in tables.values())
    return Shortage(by_catchment, config.access.default_catchment_m, most)


def _ratio(access: Floats) -> Floats:
    """Residents per member of staff within reach; infinite where there is none."""
    with np.errstate(divide="ignore"):
        ratio: Floats = PER_PERSONS / access
    return ratio


def _add(work: Work, spec: LayerSpec, values: Floats) -> None:
    levels, persons = work.levels, work.levels[0].persons["total"]
    work.book.add(spec, levels[0].level, values, states=resident_states(values, persons))
    for position, frame in enumerate(levels[1:], start=1):
        mean = resident_mean(levels, position, values, persons)
        work.book.add(spec, frame.level, mean, states=area_states(frame, mean))


def part_names(work: Work) -> dict[str, Text]:
    """Names of the parts of the score."""
    config = work.config
    supply, kind = text.SUPPLY[config.access.supply], config.kind(config.need.kind).name
    km = f"{config.access.default_catchment_m / 1000:g}"
    return {
        "provider_ratio": Text(
            zh=f"{km}公里内{supply.zh}与居民之比", en=f"residents per {supply.en} within {km} km"
        ),
        "travel_min": Text(zh=f"到最近{kind.zh}的时间", en=f"time to the nearest {kind.en}"),
        "minors_share": Text(zh="未成年人占比", en="share of minors"),
        "elderly_share": Text(zh="老年人占比", en="share of elderly"),
        "strain": Text(
            zh="压力类指标发生率与本地平均之比", en="rates of strain over the locality's mean"
        ),
    }


def _specs(work: Work, tables: Mapping[str, PointTable]) -> dict[str, LayerSpec]:
    names = part_names(work)
    most = {name: table.points[-1] for name, table in tables.items()}
    total = sum(most.values())
    listed = Text(
        zh="、".join(f"{names[name].zh} {most[name]:g} 分" for name in tables),
        en=", ".join(f"{names[name].en} ({most[name]:g})" for name in tables),
    )
    ends = tuple(round(total * share, 2) for share in (0.2, 0.4, 0.6, 0.8))
    specs = {
        "shortage": text.shortage_spec("shortage", ends, parts=listed, most=f"{total:g}"),
        "shortage_known": text.shortage_spec("shortage_known", ()),
    }
    for name, table in tables.items():
        cuts = "、".join(f"{bound:g}" for bound in table.bounds)
        words = Text(zh=cuts, en=cuts.replace("、", ", "))
        specs[f"shortage.{name}"] = text.shortage_spec(
            f"shortage.{name}", (), name=names[name], most=f"{most[name]:g}", cuts=words
        )
    return specs
