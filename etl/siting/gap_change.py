"""Gap classes before and after: reckoned as a build does, with the new sites."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from etl.build.access import PER_PERSONS, SupplyReach
from etl.build.gaps import classify
from etl.build.levels import Floats
from etl.build.supply import count_supply
from etl.sections import Access
from etl.siting.answer import as_table
from etl.siting.ground import Ground
from etl.siting.posed import Posed
from etl.siting.sites_after import assumed_supply, sites_after
from etl.siting.standing import PartStanding
from geo.model import Missing


def gap_change(
    posed: Posed, standings: Sequence[PartStanding]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Areas and residents by gap class before and after, and what that rests on.

    Full service is what it was for the snapshot: with a mean that rose with the new sites, people
    would be worse off because others are better off. Both sides are reckoned anew, so that they
    differ by the sites alone.

    Returns
    -------
    Table `gaps`, a missing class where it is unknown; and `supply` (see `assumed_supply`),
    `full_service`, and `differs`: cells whose class before is not the published one.
    """
    ground = posed.ground
    access = Access.model_validate(ground.meta["access"])
    supply = assumed_supply(posed, access)
    sites = (ground.sites, sites_after(posed, standings, supply))
    before, after = (access_of(ground, access, one) for one in sites)
    reference = ground.meta["need"].get("full_service") or _mean(ground, access, after)
    classes = [classes_of(ground, values, reference) for values in (before, after)]
    persons = np.nan_to_num(ground.persons["total"].to_numpy(dtype=np.float64))
    counted = pd.DataFrame(
        {"gap_before": classes[0], "gap_after": classes[1], "areas": 1, "persons": persons}
    )[persons > 0]
    table = counted.groupby(["gap_before", "gap_after"], dropna=False, as_index=False).sum()
    published = ground.gap_class.to_numpy(dtype=np.float64)
    same = (classes[0] == published) | (np.isnan(classes[0]) & np.isnan(published))
    about = {"supply": supply, "full_service": reference, "differs": int((~same).sum())}
    return as_table("gaps", table), about


def access_of(ground: Ground, access: Access, sites: pd.DataFrame) -> Floats:
    """Supply per 10 000 residents of each cell, by the locality's method."""
    supply = count_supply(sites, access)
    xy = supply.sites[["x", "y"]].to_numpy(dtype=np.float64)
    reach = SupplyReach(access, ground.travel, xy, supply.offered)
    demand = ground.persons[access.group].to_numpy(dtype=np.float64)
    return reach.per_person(access.default_catchment_m, demand) * PER_PERSONS


def _mean(ground: Ground, access: Access, values: Floats) -> float:
    """Mean over the residents; where nobody had any service, the new sites set the measure."""
    people = np.nan_to_num(ground.persons[access.group].to_numpy(dtype=np.float64))
    known = ~np.isnan(values) & (people > 0)
    return float(np.average(values[known], weights=people[known])) if known.any() else np.nan


def classes_of(ground: Ground, access: Floats, reference: float) -> Floats:
    """Gap class of each cell; NaN where it is unknown or nobody lives there."""
    persons = ground.persons["total"].to_numpy(dtype=np.float64)
    need = np.asarray(ground.need, dtype=np.float64)
    found = classify(need, access, persons, reference=reference)
    classes = np.asarray(found.classes, dtype=np.float64)
    return np.where(found.states == Missing.OK, classes, np.nan)
