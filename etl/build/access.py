"""Step 2b: how much service is in reach of the people, at three catchments."""

from __future__ import annotations

import numpy as np
import pandas as pd

from etl.build import text
from etl.build.levels import Floats
from etl.build.residents import resident_mean, resident_states
from etl.build.travel import Travel, metric_xy
from etl.build.work import Work
from geo.access import floating_catchment_points
from geo.errors import InputError
from geo.model import SiteStatus

PER_PERSONS = 10_000


def measure_access(work: Work, sites: pd.DataFrame, travel: Travel) -> Floats:
    """Add the accessibility layers; return the default one on the finest level.

    Only sites in service that report a supply count; it is per 10 000 residents.
    """
    config, levels, cells = work.config, work.levels, work.levels[0]
    located = sites[sites["lon"].notna()]
    offered = located[config.access.supply].to_numpy(dtype=np.float64)
    serves = located["kind"].isin(config.access.kinds) & (located["status"] == SiteStatus.OPEN)
    counts = serves.to_numpy() & (offered > 0)
    site_xy, supply = metric_xy(located, crs=config.locality.crs)[counts], offered[counts]
    demand = work.residents(cells, config.access.group)
    if demand is None:
        raise InputError(
            f"no source gives the residents of access.group {config.access.group!r}: "
            "name a population column in xintu.toml, or another group"
        )
    default = np.full(len(cells), np.nan)
    for catchment_m in config.access.catchments_m:
        per_person = floating_catchment_points(
            cells.xy,
            np.nan_to_num(demand),
            site_xy,
            supply,
            # A site is reached when the way, straight line × detour, is within the catchment.
            catchment_m=catchment_m / travel.settings.detour,
        )
        values = np.where(np.isnan(demand), np.nan, per_person * PER_PERSONS)
        codes = [f"access.{catchment_m:g}"]
        if catchment_m == config.access.default_catchment_m:
            default = values
            codes.insert(0, "access")
        for code in codes:
            ends = work.breaks(code, values[demand > 0])
            spec = text.access_spec(code, catchment_m, config, ends)
            work.book.add(spec, cells.level, values, states=resident_states(values, demand))
            for position, frame in enumerate(levels[1:], start=1):
                mean = resident_mean(levels, position, values, demand)
                work.book.add(spec, frame.level, mean)
    return default
