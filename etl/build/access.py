"""Step 2b: how much service is in reach of the people, at three catchments."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from etl.build import text
from etl.build.layers import ZERO_CLASS
from etl.build.levels import Floats, Ints
from etl.build.residents import resident_mean, resident_states
from etl.build.supply import count_supply
from etl.build.travel import Travel, metric_xy
from etl.build.work import Work
from etl.sections import Access
from geo.access import (
    Decay,
    catchment_sensitivity,
    effective_supply,
    floating_catchment,
    floating_catchment_points,
    gaussian,
    power,
    rational_agents,
    three_step_catchment,
)
from geo.errors import InputError

PER_PERSONS = 10_000
# Published steps as parts of the catchment: Luo & Qi 2009 (10, 20, 30 min), Wan et al. 2012
# (10, 20, 30, 60 min).
E2SFCA_STEPS = ((1 / 3, 1.0), (2 / 3, 0.68), (1.0, 0.22))
THREE_STEP_STEPS = ((1 / 6, 0.962), (1 / 3, 0.704), (1 / 2, 0.377), (1.0, 0.042))


class AccessResult(NamedTuple):
    """What later steps and pages need.

    Attributes
    ----------
    values : supply per 10 000 residents at the default catchment, on the finest level.
    tables : `access_supply` and `access_sensitivity`.
    """

    values: Floats
    tables: dict[str, pd.DataFrame]


def measure_access(work: Work, sites: pd.DataFrame, travel: Travel) -> AccessResult:
    """Add the accessibility layers of three catchments, and say how far they agree."""
    settings, levels, cells = work.config.access, work.levels, work.levels[0]
    supply = count_supply(sites, settings)
    demand = work.residents(cells, settings.group)
    if demand is None:
        raise InputError(
            f"no source gives the residents of access.group {settings.group!r}: "
            "name a population column in xintu.toml, or another group"
        )
    site_xy = metric_xy(supply.sites, crs=work.config.locality.crs)
    reach = SupplyReach(settings, travel, site_xy, supply.offered)
    by_level = [
        [reach.per_person(metres, demand) * PER_PERSONS for metres in settings.catchments_m]
    ]
    by_level += [
        [resident_mean(levels, position, values, demand) for values in by_level[0]]
        for position in range(1, len(levels))
    ]
    peopled = demand > 0
    ends = [
        work.breaks(f"access.{metres:g}", values[peopled])
        for metres, values in zip(settings.catchments_m, by_level[0], strict=True)
    ]
    default = settings.catchments_m.index(settings.default_catchment_m)
    sensitivity = _sensitivity(work, by_level, ends, reference=default)
    said = text.access_words(work.config, travel.basis, supply.counts, sensitivity)
    order = [("access", default), *((f"access.{m:g}", i)
             for i, m in enumerate(settings.catchments_m))]  # fmt: skip
    for code, i in order:
        spec = text.access_spec(code, settings.catchments_m[i], said, ends[i])
        for frame, values in zip(levels, by_level, strict=True):
            states = resident_states(values[i], demand) if frame is cells else None
            work.book.add(spec, frame.level, values[i], states=states)
    tables = {"access_supply": supply.counts, "access_sensitivity": sensitivity}
    return AccessResult(by_level[0][default], tables)


class SupplyReach:
    """Access of the cells at a catchment by the locality's method."""

    def __init__(self, settings: Access, travel: Travel, site_xy: Floats, supply: Floats) -> None:
        self.settings, self.travel = settings, travel
        self.site_xy, self.supply = site_xy, supply
        self.metres_per_min = travel.speed_kmh("foot") * 1000.0 / 60.0
        self.pairs: tuple[Ints, Ints, Floats] | None = None

    def per_person(self, catchment_m: float, demand: Floats) -> Floats:
        """Supply per person of each cell; 0 where none is in reach, NaN where nobody is known."""
        method, settings = self.settings.method, self.settings
        if not len(self.supply):
            return np.where(np.isnan(demand), np.nan, 0.0)
        if method in ("2sfca", "e2sfca") and self.travel.basis == "straight_line":
            # A site is reached when the way, straight line × detour, is within the catchment.
            detour = self.travel.settings.detour
            return floating_catchment_points(
                self.travel.cells.xy,
                demand,
                self.site_xy,
                self.supply,
                catchment_m=catchment_m / detour,
                decay=None if method == "2sfca" else _steps(settings, catchment_m / detour),
            )
        costs = self._costs(catchment_m)
        people, offered = pd.Series(demand), pd.Series(self.supply)
        if method == "raam":
            tau_m = settings.raam_tau_min * self.metres_per_min
            rho = float(np.nansum(demand)) / float(self.supply.sum())
            found = rational_agents(costs, people, offered, tau=tau_m, rho=rho)
            worth = np.asarray(effective_supply(found.cost, rho=rho), dtype=np.float64)
            return np.where(np.isnan(demand), np.nan, worth)
        decay = decay_of(settings, catchment_m)
        if method == "3sfca" and decay is not None:
            access = three_step_catchment(
                costs, people, offered, catchment=catchment_m, decay=decay
            )
        else:
            access = floating_catchment(costs, people, offered, catchment=catchment_m, decay=decay)
        values: Floats = np.asarray(access, dtype=np.float64)
        return values

    def _costs(self, catchment_m: float) -> pd.DataFrame:
        """Pairs within a catchment, the cost in metres of way."""
        if self.pairs is None:
            limit_min = self.settings.catchments_m[-1] / self.metres_per_min
            found = self.travel.pairs(self.site_xy, "foot", limit_min=limit_min)
            self.pairs = found.cell, found.site, found.cost_min * self.metres_per_min
        cell, site, cost = self.pairs
        near = cost <= catchment_m
        return pd.DataFrame({"area_code": cell[near], "site_id": site[near], "cost": cost[near]})


def decay_of(settings: Access, catchment_m: float) -> Decay | None:
    """How the pull of a site falls with the metres of way, by the locality's method."""
    if settings.method == "gaussian":
        return gaussian(catchment_m)
    if settings.method == "gravity":
        return power(settings.gravity_exponent, least=settings.gravity_least_m)
    return None if settings.method == "2sfca" else _steps(settings, catchment_m)


def _steps(settings: Access, catchment_m: float) -> dict[float, float]:
    published = THREE_STEP_STEPS if settings.method == "3sfca" else E2SFCA_STEPS
    return {part * catchment_m: weight for part, weight in settings.steps or published}


def _sensitivity(
    work: Work,
    by_level: list[list[Floats]],
    ends: list[tuple[float, ...]],
    *,
    reference: int,
) -> pd.DataFrame:
    """How far the three catchments agree, on every level of more than one area."""
    group = work.config.access.group
    rows = []
    for frame, values in zip(work.levels, by_level, strict=True):
        if len(frame) < 2:
            # One area has no rank.
            continue
        classes = [
            np.where(one == 0, ZERO_CLASS, np.searchsorted(own, one))
            for one, own in zip(values, ends, strict=True)
        ]
        persons = work.residents(frame, group)
        found = catchment_sensitivity(
            np.stack(values, axis=1),
            np.stack(classes, axis=1),
            np.full(len(frame), np.nan) if persons is None else persons,
            reference=reference,
        )
        rows.append({"level": frame.level.value, "areas": len(frame), **found._asdict()})
    columns = ["level", "areas", "persons", "same_class", "worst_stays", "rank_correlation"]
    return pd.DataFrame(rows, columns=columns)
