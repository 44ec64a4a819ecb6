"""Step 1b: residents by group, their density and shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from etl.build import text
from etl.build.disclose import disclose_group
from etl.build.levels import Floats, LevelFrame
from etl.build.work import Work
from etl.sections import GroupSettings
from geo.errors import InputError
from geo.model import Missing

M2_PER_KM2 = 1e6


def add_population(
    work: Work,
) -> None:
    """Add persons, density and the share of each group, on every level that knows them.

    Residents in all are shown as they are; a small group among them is people like any other
    small count, and is withheld with its share.

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
        chain = [frame for frame in levels if group.code in frame.persons]
        if not chain:
            continue
        if group.code == "total":
            for frame in chain:
                _show(work, frame, "total", frame.persons["total"])
                spec = text.population_spec("total", group.name)
                work.book.add(spec, frame.level, frame.persons["total"])
            continue
        _add_group(work, group, chain)


def _add_group(work: Work, group: GroupSettings, chain: Sequence[LevelFrame]) -> None:
    spec = text.population_spec(group.code, group.name)
    values = [frame.persons[group.code] for frame in chain]
    published, guesses = disclose_group(work, spec.code, chain, values)
    shares = [_share(frame, one.values) for frame, one in zip(chain, published, strict=True)]
    ends = work.breaks(f"share.{group.code}", shares[0])
    for frame, one, guess, share in zip(chain, published, guesses, shares, strict=True):
        _show(work, frame, group.code, guess)
        work.book.add(spec, frame.level, one.values, states=one.states)
        states = np.where(
            np.isnan(share) & (one.states == Missing.OK), int(Missing.NO_DATA), one.states
        ).astype(np.uint8)
        share_spec = text.share_spec(group.code, group.name, ends)
        work.book.add(share_spec, frame.level, share, states=states)


def _show(work: Work, frame: LevelFrame, group: str, persons: Floats) -> None:
    work.people.setdefault(frame.level, {})[group] = persons


def _share(frame: LevelFrame, persons: Floats) -> Floats:
    total = frame.persons["total"]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, persons / total, np.nan)


def _add_density(work: Work) -> None:
    densities = []
    for frame in work.levels:
        area_km2 = frame.area_m2 / M2_PER_KM2
        densities.append(frame.persons["total"] / area_km2)
    spec = text.plain_spec(
        "density", "population", "sequential", breaks=work.breaks("density", densities[0])
    )
    for frame, density in zip(work.levels, densities, strict=True):
        work.book.add(spec, frame.level, density)
