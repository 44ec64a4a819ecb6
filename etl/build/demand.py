"""Step 1b: residents by group, their density and shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from etl.build import text
from etl.build.facilities import Breaks
from etl.build.layers import LayerBook
from etl.build.levels import LevelFrame
from etl.settings import LocalityConfig
from geo.errors import InputError

M2_PER_KM2 = 1e6


def add_population(
    levels: Sequence[LevelFrame], config: LocalityConfig, book: LayerBook, *, breaks: Breaks
) -> None:
    """Add persons, density and the share of each group, on every level that knows them.

    Raises
    ------
    InputError : no source gives the total population, so that no share could be computed.
    """
    finest = levels[0]
    if not np.nansum(finest.persons.get("total", np.zeros(1))) > 0:
        raise InputError(
            f"no source gives the residents ('total') by {finest.level}: "
            "name a population column in xintu.toml"
        )
    _add_density(levels, book, config, breaks=breaks)
    for group in config.groups:
        known = [frame for frame in levels if group.code in frame.persons]
        for frame in known:
            persons = frame.persons[group.code]
            book.add(text.population_spec(group.code, group.name), frame.level, persons)
        if group.code != "total" and known:
            ends = breaks(f"share.{group.code}", _share(known[0], group.code))
            for frame in known:
                spec = text.share_spec(group.code, group.name, ends)
                book.add(spec, frame.level, _share(frame, group.code))


def _share(frame: LevelFrame, group: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    total = frame.persons["total"]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, frame.persons[group] / total, np.nan)


def _add_density(
    levels: Sequence[LevelFrame], book: LayerBook, config: LocalityConfig, *, breaks: Breaks
) -> None:
    densities = []
    for frame in levels:
        area_km2 = frame.geometry.to_crs(config.locality.crs).area.to_numpy() / M2_PER_KM2
        densities.append(frame.persons["total"] / area_km2)
    spec = text.plain_spec(
        "density", "population", "sequential", breaks=breaks("density", densities[0])
    )
    for frame, density in zip(levels, densities, strict=True):
        book.add(spec, frame.level, density)
