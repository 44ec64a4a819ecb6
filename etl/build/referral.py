"""Step 2c: the referral chain, from a room to a psychiatric hospital, and where it breaks first."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from etl.build import text
from etl.build.levels import Floats, Ints, ancestors
from etl.build.reach import add_minutes
from etl.build.residents import resident_mean, resident_states
from etl.build.travel import Travel, metric_xy
from etl.build.work import Work
from etl.sections import ReferralStep
from geo.model import Level, SiteStatus
from geo.referral import Link, ReferralChain, referral_chain
from geo.rollup import roll_up

COLUMNS = ("level", "area_code", "name", "position", "step", "minutes", "persons",
           "persons_unable", "persons_broken")  # fmt: skip


def add_referral(work: Work, sites: pd.DataFrame, travel: Travel) -> dict[str, pd.DataFrame]:
    """Add minutes to each step and the first broken link; return what is told of them in words.

    A step of whose kinds no department has handed in a site is unknown, not broken.

    Returns
    -------
    `referral_steps`: one row a step, `sites` NaN where unknown; and `referral`: for each village,
    town and the county and each step its minutes (mean of the residents), the residents whose
    chain is known, those who cannot take the step, and those whose chain breaks there first.
    """
    steps, cells = work.config.referral.steps, work.levels[0]
    minutes = np.full((len(cells), len(steps)), np.nan)
    n_sites: list[int | None] = []
    for position, step in enumerate(steps):
        of_step = _sites_of(sites, step)
        n_sites.append(None if of_step is None else len(of_step))
        if of_step is not None and len(of_step):
            xy = metric_xy(of_step, crs=work.config.locality.crs)
            minutes[:, position], _ = travel.nearest(xy, step.mode)
    chain = referral_chain(
        minutes, thresholds_min=[step.threshold_min for step in steps], n_sites=n_sites
    )
    if any(number is not None for number in n_sites):
        _add_layers(work, minutes, chain, n_sites, travel)
    told = pd.DataFrame([step.model_dump(mode="json", exclude={"name"}) for step in steps])
    told["name_zh"] = [step.name.zh for step in steps]
    told["name_en"] = [step.name.en for step in steps]
    told["sites"] = [np.nan if number is None else float(number) for number in n_sites]
    told["kinds"] = [",".join(kinds) for kinds in told["kinds"]]
    return {"referral_steps": told, "referral": _table(work, minutes, chain)}


def _sites_of(sites: pd.DataFrame, step: ReferralStep) -> pd.DataFrame | None:
    """Located sites in service that a step may end at; None where their kinds are not known."""
    of_kind = sites[sites["kind"].isin(step.kinds)]
    if of_kind.empty:
        return None
    named = [re.search(step.names, str(name)) is not None for name in of_kind["name"]]
    fits = np.array(named, dtype=np.bool_) & (of_kind["status"] == SiteStatus.OPEN).to_numpy()
    if step.staffed:
        # Only who is known to have nobody for it is left out.
        fits &= ~(of_kind["staff"] == 0).to_numpy()
    return of_kind[fits & of_kind["lon"].notna().to_numpy()].reset_index(drop=True)


def _add_layers(
    work: Work,
    minutes: Floats,
    chain: ReferralChain,
    n_sites: list[int | None],
    travel: Travel,
) -> None:
    steps, book, cells = work.config.referral.steps, work.book, work.levels[0]
    persons = cells.persons["total"]
    severity = _severity(chain, len(steps))
    broken = text.referral_broken_spec(work.config)
    book.add(broken, cells.level, severity, states=resident_states(severity, persons))
    for position, frame in enumerate(work.levels[1:], start=1):
        book.add(broken, frame.level, _of_median_resident(work, position, severity))
    for i, step in enumerate(steps):
        if n_sites[i]:
            spec = text.referral_spec(step, travel)
            add_minutes(work, spec, minutes[:, i], np.isnan(minutes[:, i]))


def _severity(chain: ReferralChain, n_steps: int) -> Floats:
    """0 where the chain is whole, rising the sooner it breaks; NaN where unknown."""
    first = chain.first_broken
    return np.where(first < 0, np.nan, (n_steps - first).astype(np.float64))


def _of_median_resident(work: Work, upper: int, severity: Floats) -> Floats:
    """The highest severity that half of the residents are in or beyond."""
    persons = work.levels[0].persons["total"]
    found = np.zeros(len(work.levels[upper]))
    for worse in range(1, len(work.config.referral.steps) + 1):
        beyond = np.where(np.isnan(severity), np.nan, (severity >= worse).astype(np.float64))
        share = resident_mean(work.levels, upper, beyond, persons)
        found += np.where(np.isnan(share), np.nan, share >= 0.5)
    return found


def _table(work: Work, minutes: Floats, chain: ReferralChain) -> pd.DataFrame:
    persons = np.nan_to_num(work.levels[0].persons["total"])
    rows = []
    for position, frame in enumerate(work.levels):
        if frame.level == Level.GRID:
            continue
        parents, n = ancestors(work.levels, position), len(frame)
        known = _persons(chain.first_broken >= 0, persons, parents, n)
        for i, step in enumerate(work.config.referral.steps):
            unable = ~np.isin(chain.links[:, i], (Link.HOLDS, Link.UNKNOWN))
            mean = resident_mean(work.levels, position, minutes[:, i], persons)
            columns = (
                frame.level.value, frame.codes, frame.names, i, step.code, mean, known,
                _persons(unable, persons, parents, n),
                _persons(chain.first_broken == i, persons, parents, n),
            )  # fmt: skip
            rows.append(pd.DataFrame(dict(zip(COLUMNS, columns, strict=True))))
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=list(COLUMNS))


def _persons(of_them: np.ndarray, persons: Floats, parents: Ints, n_parents: int) -> Floats:
    return roll_up(np.where(of_them, persons, 0.0), parents, n_parents=n_parents).values
