"""Years of weekly counts: season, trend, over-dispersion, outbreaks; villages, cells, towns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from etl.demo.mesh import Ints, Mesh
from etl.demo.outbreaks import Outbreak, plant, quieten
from etl.demo.people import People
from etl.demo.plan import TOWNS
from etl.demo.seasons import bump, day_of_year, in_term, iso_week, weeks_from_festival
from etl.demo.terrain import Floats
from etl.demo.zones import Zones


@dataclass(frozen=True)
class Profile:
    """How one measure behaves.

    Parameters
    ----------
    per_10k : mean weekly count per 10 000 persons of the group.
    group : population group that carries it.
    land : relative risk by kind of settlement, in the order of `plan.Land`.
    trend : relative change a year.
    size : negative-binomial size; smaller is more over-dispersed.
    festival : factors from three weeks before to two weeks after the Spring Festival.
    exam : relative rise in the examination season.
    terms : follows the school terms.
    winter : amplitude of the yearly wave, highest in January.
    """

    per_10k: float
    group: str = "total"
    land: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    trend: float = 0.0
    size: float = 14.0
    festival: tuple[float, ...] = (1.0, 1.0, 0.9, 0.55, 0.75, 1.0)
    exam: float = 0.0
    terms: bool = False
    winter: float = 0.06


# Ordered as drawn: a new measure goes last, so that the others keep their values.
PROFILES: dict[str, Profile] = {
    "dispute_events": Profile(
        7.6, land=(1.0, 0.85, 1.45, 1.15, 1.0, 0.8), trend=-0.03,
        festival=(1.25, 1.35, 1.3, 0.5, 0.8, 1.0),
    ),
    "hotline_calls": Profile(
        6.2, land=(1.05, 1.25, 1.3, 0.95, 0.75, 0.6), trend=0.07, exam=0.30,
        festival=(1.0, 1.0, 1.0, 0.9, 1.0, 1.05),
    ),
    "consult_visits": Profile(
        9.4, land=(1.1, 1.2, 1.0, 1.05, 0.75, 0.55), trend=0.09, exam=0.22,
        festival=(1.0, 0.9, 0.6, 0.15, 0.5, 0.9),
    ),
    "screened": Profile(
        38.0, land=(1.0, 1.2, 0.8, 1.1, 0.9, 0.75), trend=0.05, size=5.0,
        festival=(0.9, 0.7, 0.4, 0.1, 0.4, 0.8),
    ),
    "crisis_events": Profile(0.62, land=(1.1, 1.1, 1.1, 0.9, 0.9, 1.05), size=6.0, exam=0.25),
    "dv_reports": Profile(
        1.7, land=(0.9, 0.85, 1.1, 1.05, 1.1, 1.15), winter=0.1,
        festival=(1.0, 1.0, 1.1, 1.3, 1.2, 1.0),
    ),
    "bullying_reports": Profile(
        7.9, group="minors", land=(0.9, 1.1, 1.15, 1.1, 0.95, 0.9), terms=True,
        festival=(1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
    ),
    "referrals": Profile(1.5, land=(1.1, 1.1, 1.0, 1.0, 0.8, 0.6), trend=0.06, exam=0.1),
    "followup_overdue": Profile(
        2.2, land=(0.7, 0.8, 1.2, 0.95, 1.2, 1.9), trend=-0.08, size=8.0,
        festival=(1.0, 1.1, 1.3, 1.7, 1.4, 1.1),
    ),
    "group_sessions": Profile(
        1.9, land=(1.2, 1.2, 0.8, 1.0, 0.8, 0.6), trend=0.08, size=9.0,
        festival=(1.0, 0.8, 0.4, 0.05, 0.3, 0.9),
    ),
    "family_counselled": Profile(3.0, land=(1.0, 0.8, 0.8, 1.0, 1.0, 1.1), trend=0.06),
    "alerts_blue": Profile(0.85, size=6.0),
    "alerts_yellow": Profile(0.26, size=5.0),
    "alerts_orange": Profile(0.08, size=5.0),
    "alerts_red": Profile(0.02, size=5.0),
}  # fmt: skip
POSITIVE_SHARE = 0.088
GRID_MEASURES = ("consult_visits", "hotline_calls", "dispute_events", "screen_positive")
STOCKS = ("smi_registered", "smi_managed", "smi_treated", "rehab_participants")


@dataclass(frozen=True)
class Series:
    """Weekly counts.

    Parameters
    ----------
    mondays, weeks : the weeks, oldest first.
    villages : measure → (n_villages, n_weeks).
    cells : measure of `GRID_MEASURES` → (n_cells, n_grid_weeks), the newest weeks.
    towns : measure of `STOCKS` → (n_towns, n_weeks).
    outbreaks : what was planted.
    """

    mondays: list[date]
    weeks: list[str]
    villages: dict[str, Ints]
    cells: dict[str, Ints]
    towns: dict[str, Ints]
    outbreaks: tuple[Outbreak, ...]


def _season(profile: Profile, mondays: list[date]) -> Floats:
    """Relative level of each week, trend included."""
    day = day_of_year(mondays)
    factor = 1 + profile.winter * np.cos(2 * np.pi * (day - 15) / 365.25)
    near = weeks_from_festival(mondays)
    for away, value in zip(range(-3, 3), profile.festival, strict=True):
        factor = factor * np.where(near == away, value, 1.0)
    factor = factor * (1 + profile.exam * bump(day, 155, 16))
    if profile.terms:
        # Reports gather in the middle of a term, and go on through other doors in the holidays.
        factor = factor * (0.9 + 0.2 * bump(day, 300, 40) + 0.2 * bump(day, 105, 32))
        factor = np.where(in_term(mondays), factor, 0.72)
    years = (np.arange(len(mondays)) - len(mondays) / 2) / 52.18
    return np.asarray(factor * (1 + profile.trend) ** years)


def _overdispersed(mean: Floats, size: float, rng: np.random.Generator) -> Ints:
    """Negative-binomial counts as a gamma mixture of Poissons."""
    return np.asarray(rng.poisson(mean * rng.gamma(size, 1 / size, mean.shape)), dtype=np.int64)


def _village_counts(
    people: People, zones: Zones, mondays: list[date], rng: np.random.Generator
) -> dict[str, Ints]:
    """Counts without outbreaks."""
    towns = len(TOWNS)
    counts: dict[str, Ints] = {}
    for measure, profile in PROFILES.items():
        carriers = people.by_group[profile.group] * (people.land @ np.array(profile.land))
        base = np.bincount(zones.village_of_cell, weights=carriers, minlength=zones.villages)
        base = base * np.exp(rng.normal(0, 0.22, zones.villages))
        base *= profile.per_10k / 1e4 * people.by_group[profile.group].sum() / base.sum()
        shared = np.exp(rng.normal(0, 0.05, (towns, len(mondays))))[zones.town_of_village]
        shared = shared * np.exp(rng.normal(0, 0.05, len(mondays)))
        counts[measure] = _overdispersed(
            base[:, None] * _season(profile, mondays) * shared, profile.size, rng
        )
    campaign = day_of_year(mondays)
    boost = 1 + 1.3 * bump(campaign, 110, 12) + 1.1 * bump(campaign, 292, 12)
    counts["screened"] = np.round(counts["screened"] * boost).astype(np.int64)
    place = np.exp(rng.normal(0, 0.18, (zones.villages, 1)))
    exam = 1 + 0.2 * bump(campaign, 155, 18)
    share = np.clip(
        POSITIVE_SHARE * place * exam * rng.gamma(40, 1 / 40, counts["screened"].shape), 0, 0.6
    )
    counts["screen_positive"] = np.asarray(rng.binomial(counts["screened"], share), dtype=np.int64)
    return counts


def _spread(counts: Ints, weights: Floats, village_of_cell: Ints, rng: np.random.Generator) -> Ints:
    """Counts of villages (n_villages, weeks) dealt to their cells by weight, exactly."""
    order = np.argsort(village_of_cell, kind="stable")
    bounds = np.searchsorted(village_of_cell[order], np.arange(len(counts) + 1))
    dealt = np.zeros((len(village_of_cell), counts.shape[1]), dtype=np.int64)
    for village in range(len(counts)):
        own = order[bounds[village] : bounds[village + 1]]
        share = weights[own] + 1e-12
        dealt[own] = rng.multinomial(counts[village], share / share.sum()).T
    return dealt


def _stocks(people: People, zones: Zones, weeks: int, rng: np.random.Generator) -> dict[str, Ints]:
    """Registers by town: slow walks within plausible shares."""
    persons = np.bincount(zones.town_of_cell, weights=people.total, minlength=len(TOWNS))
    remote = np.array([town.part >= "200" for town in TOWNS])
    rate = 0.0046 * np.exp(rng.normal(0, 0.1, len(TOWNS)))
    years = np.arange(weeks) / 52.18
    walk = np.cumsum(rng.normal(0, 0.0012, (len(TOWNS), weeks)), axis=1)
    registered = np.round(persons[:, None] * rate[:, None] * (1 + 0.012 * years + walk))
    managed = np.where(remote, 0.80, 0.90)[:, None] + 0.008 * years
    managed = managed + np.cumsum(rng.normal(0, 0.0012, walk.shape), axis=1)
    treated = managed - 0.09 + np.cumsum(rng.normal(0, 0.001, walk.shape), axis=1)
    rehab = np.where(remote, 0.30, 0.52)[:, None] + 0.02 * years
    rehab = rehab + np.cumsum(rng.normal(0, 0.0015, walk.shape), axis=1)
    whole = registered.astype(np.int64)

    def part(share: Floats) -> Ints:
        return np.asarray(np.floor(whole * np.clip(share, 0, 0.985)), dtype=np.int64)

    return {
        "smi_registered": whole,
        "smi_managed": part(managed),
        "smi_treated": part(treated),
        "rehab_participants": part(rehab),
    }


def make_series(
    mesh: Mesh,
    zones: Zones,
    people: People,
    *,
    mondays: list[date],
    grid_weeks: int,
    favoured: tuple[int, ...],
    avoided: frozenset[int],
    rng: np.random.Generator,
) -> Series:
    """Draw all weekly counts.

    Parameters
    ----------
    mesh, zones, people : the city.
    mondays : the weeks, oldest first.
    grid_weeks : how many of the newest weeks are also counted by cell.
    favoured : villages where one running outbreak is planted.
    avoided : towns without outbreaks, because they report late.
    rng : generator.
    """
    counts = _village_counts(people, zones, mondays, rng)
    quieten(counts, zones, rng)
    extra, outbreaks = plant(
        mesh, zones, counts, mondays, favoured=favoured, avoided=avoided, rng=rng
    )
    cells: dict[str, Ints] = {}
    persons = people.total.astype(np.float64)
    newest = slice(len(mondays) - grid_weeks, None)
    for measure in GRID_MEASURES:
        weights = persons * np.exp(rng.normal(0, 0.35, len(mesh)))
        cells[measure] = _spread(counts[measure][:, newest], weights, zones.village_of_cell, rng)
        # An outbreak is uneven from cell to cell, more so than the usual.
        hot = persons * np.exp(rng.normal(0, 0.8, len(mesh)))
        cells[measure] += _spread(extra[measure][:, newest], hot, zones.village_of_cell, rng)
    villages = {measure: counts[measure] + extra[measure] for measure in counts}
    # Whoever screens positive was screened.
    villages["screened"] += np.round(extra["screen_positive"] / 0.4).astype(np.int64)
    return Series(
        mondays=mondays,
        weeks=[iso_week(m) for m in mondays],
        villages=villages,
        cells=cells,
        towns=_stocks(people, zones, len(mondays), rng),
        outbreaks=outbreaks,
    )
