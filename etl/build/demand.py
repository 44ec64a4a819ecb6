"""Step 1b: residents by group, their density and shares."""

from __future__ import annotations

import numpy as np

from etl.build import text
from etl.build.levels import Floats, LevelFrame
from etl.build.work import Work
from geo.errors import InputError

M2_PER_KM2 = 1e6


def add_population(
    work: Work,
) -> None:
    """Add persons, density and the share of each group, on every level that knows them.

    Raises
    ------
    InputError : no source gives the total population, so that no share could be computed.
    """
    levels, finest = work.levels, work.levels[0]
    if not np.nansum(finest.persons.get("total", np.zeros(1))) > 0:
        raise InputError(
            f"no source gives the residents ('total') by {finest.level}: "
            "name a population column in xintu.toml"
        )
    _add_density(work)
    for group in work.config.groups:
        known = [frame for frame in levels if group.code in frame.persons]
        for frame in known:
            persons = frame.persons[group.code]
            work.book.add(text.population_spec(group.code, group.name), frame.level, persons)
        if group.code != "total" and known:
            ends = work.breaks(f"share.{group.code}", _share(known[0], group.code))
            for frame in known:
                spec = text.share_spec(group.code, group.name, ends)
                work.book.add(spec, frame.level, _share(frame, group.code))


def _share(frame: LevelFrame, group: str) -> Floats:
    total = frame.persons["total"]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, frame.persons[group] / total, np.nan)


def _add_density(work: Work) -> None:
    densities = []
    for frame in work.levels:
        area_km2 = frame.geometry.to_crs(work.config.locality.crs).area.to_numpy() / M2_PER_KM2
        densities.append(frame.persons["total"] / area_km2)
    spec = text.plain_spec(
        "density", "population", "sequential", breaks=work.breaks("density", densities[0])
    )
    for frame, density in zip(work.levels, densities, strict=True):
        work.book.add(spec, frame.level, density)
