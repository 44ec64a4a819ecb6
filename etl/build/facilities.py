"""Step 2: how near the nearest site is, and who is covered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from etl.build import text
from etl.build.access import measure_access
from etl.build.levels import Floats, LevelFrame
from etl.build.reach import add_minutes
from etl.build.residents import resident_mean, resident_states
from etl.build.travel import Travel, metric_xy
from etl.build.work import Work
from etl.sections import KindSettings
from geo.arrays import BoolArray
from geo.coverage import covered
from geo.model import Kind, SiteStatus


@dataclass(frozen=True)
class Reach:
    """Results on the finest level that later steps need.

    Attributes
    ----------
    minutes : kind → minutes to the nearest open site, NaN where there is none or no way leads.
    unreachable : kind → whether no way leads to any open site, though there is one.
    covered : kind → 1 or 0, NaN for cells without residents.
    access : staff (or rooms, places) per 10 000 residents at the default catchment.
    tables : what is published of access beside its layers.
    """

    minutes: dict[Kind, Floats]
    unreachable: dict[Kind, BoolArray]
    covered: dict[Kind, Floats]
    access: Floats
    tables: dict[str, pd.DataFrame]


def measure_reach(work: Work, sites: pd.DataFrame, travel: Travel) -> Reach:
    """Add the coverage and accessibility layers of every level to `book`.

    A kind that no department has handed in gets no layer: its coverage is unknown, not zero.
    """
    config, cells = work.config, work.levels[0]
    located = sites[sites["lon"].notna()].reset_index(drop=True)
    xy = metric_xy(located, crs=config.locality.crs)
    open_now = (located["status"] == SiteStatus.OPEN).to_numpy()
    minutes: dict[Kind, Floats] = {}
    unreachable: dict[Kind, BoolArray] = {}
    reached: dict[Kind, Floats] = {}
    for kind in config.kinds:
        of_kind = (located["kind"] == kind.code).to_numpy()
        if kind.on_map and of_kind.any():
            serving = xy[of_kind & open_now]
            found, _ = travel.nearest(serving, kind.mode)
            minutes[kind.code] = found
            unreachable[kind.code] = np.isnan(found) & (len(serving) > 0)
            reached[kind.code] = _covered(cells, found, kind)
            add_minutes(work, text.nearest_spec(kind, travel), found, unreachable[kind.code])
            _add_covered(work, kind, reached[kind.code], travel)
    access = measure_access(work, sites, travel)
    return Reach(minutes, unreachable, reached, access.values, access.tables)


def _covered(cells: LevelFrame, minutes: Floats, kind: KindSettings) -> Floats:
    inside = covered(minutes, threshold_min=kind.threshold_min).astype(np.float64)
    return np.where(cells.persons["total"] > 0, inside, np.nan)


def _add_covered(work: Work, kind: KindSettings, reached: Floats, travel: Travel) -> None:
    levels, book = work.levels, work.book
    persons = levels[0].persons["total"]
    spec = text.covered_spec(kind, travel)
    book.add(spec, levels[0].level, reached, states=resident_states(reached, persons))
    for position, frame in enumerate(levels[1:], start=1):
        book.add(spec, frame.level, resident_mean(levels, position, reached, persons))
