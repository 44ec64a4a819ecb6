"""Outbreaks that neighbouring areas share, on a generated and on a real zoning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np

from geo.detect import CityScenario, difference, score_threshold, simulate_city
from geo.detect.evaluate import Estimate, wilson_interval
from geo.detect.watch import RINGS
from tests.evaluate.detectors import DETECTORS, NOMINAL, nearest_areas

RATES = (0.01, 0.001)
# Cases an area and week; areas of the outbreak; weeks it lasts.
LEVELS = (0.3, 3.0, 15.0)
AROUND = (1, 4, 8, 16)
WEEKS = 3
SIZE = 8.0


@dataclass(frozen=True)
class Zoning:
    """Areas with residents and centres [m]."""

    name: str
    population: np.ndarray
    xy: np.ndarray


@dataclass(frozen=True)
class Row:
    """What both found of one kind of outbreak, by false positive rate."""

    zoning: str
    level: float
    n_around: int
    n: int
    found: dict[float, dict[str, np.ndarray]]
    # Share of quiet weeks of areas at or above the nominal score, by detector.
    nominal: dict[str, float]

    def pod(self, rate: float, name: str) -> Estimate:
        hits = self.found[rate][name]
        return wilson_interval(int(hits.sum()), len(hits))

    def gain(self, rate: float) -> Estimate:
        return difference(self.found[rate]["policy"], self.found[rate]["Farrington"])


def generated(side: int = 8) -> Zoning:
    """A square city of uneven areas."""
    rng = np.random.default_rng(0)
    grid = np.argwhere(np.ones((side, side))) * 1_000.0
    return Zoning(
        f"generated, {side * side} areas",
        rng.lognormal(7.0, 0.6, side * side),
        grid + rng.normal(0.0, 200.0, grid.shape),
    )


def real(folder: Path) -> Zoning:
    """Villages of the six districts of the old city of Tainan, residents by small area."""
    villages = gpd.read_file(folder / "boundaries" / "tainan_villages_2017.geojson")
    villages = villages[~villages.geometry.is_empty].to_crs(3826)
    cells = gpd.read_file(folder / "boundaries" / "tainan_basecode_12774.geojson").to_crs(3826)
    cells["geometry"] = cells.geometry.representative_point()
    joined = gpd.sjoin(cells[["P_CNT", "geometry"]], villages[["VILLCODE", "geometry"]])
    persons = joined.groupby("VILLCODE")["P_CNT"].sum().astype(float)
    # The last codes are those of the old city.
    central = villages[villages["TOWNCODE"].isin(sorted(villages["TOWNCODE"].unique())[-6:])]
    central = central[central["VILLCODE"].isin(persons.index)]
    centre = central.geometry.representative_point()
    return Zoning(
        f"villages of the old city of Tainan, {len(central)} areas",
        persons.loc[central["VILLCODE"]].to_numpy(),
        np.column_stack([centre.x, centre.y]),
    )


def compare(zoning: Zoning, *, replicates: int, seed: int) -> Iterator[Row]:
    """One row a level of counts and a number of areas."""
    near = nearest_areas(zoning.xy, max(RINGS))
    for level in LEVELS:
        for n_around in AROUND:
            rng = np.random.default_rng([seed, n_around, int(level * 10)])
            scenario = CityScenario(level * len(zoning.xy), n_around=n_around, k=SIZE, weeks=WEEKS)
            at = np.arange(scenario.n_weeks - scenario.n_current, scenario.n_weeks)
            drawn = [
                simulate_city(zoning.population, zoning.xy, scenario, rng=rng)
                for _ in range(replicates)
            ]
            truth = np.array([one.cases[at] > 0 for one in drawn])
            scores = {
                name: np.array([detect(one.counts, at, near) for one in drawn])
                for name, detect in DETECTORS.items()
            }
            found = {
                rate: {
                    name: (
                        (score >= score_threshold(score, truth, false_positive_rate=rate)) & truth
                    ).any(axis=(1, 2))
                    for name, score in scores.items()
                }
                for rate in RATES
            }
            nominal = {name: float((s >= NOMINAL)[~truth].mean()) for name, s in scores.items()}
            yield Row(zoning.name, level, n_around, replicates, found, nominal)


def overall(rows: list[Row], rate: float, *, shared: bool = True) -> dict[str, Estimate]:
    """All outbreaks that more than one area shares (or only those of one) together."""
    chosen = [row for row in rows if (row.n_around > 1) == shared]
    hits = {name: np.concatenate([row.found[rate][name] for row in chosen]) for name in DETECTORS}
    estimates = {
        name: wilson_interval(int(found.sum()), len(found)) for name, found in hits.items()
    }
    return estimates | {"gain": difference(hits["policy"], hits["Farrington"])}
