"""The 42 scenarios of Noufaily et al. 2013: one series, no neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geo.detect import (
    difference,
    evaluate_alarms,
    farrington_flexible,
    noufaily_scenarios,
    score_threshold,
    simulate_series,
)
from geo.detect.evaluate import Estimate, Skill
from geo.detect.simulate import CURRENT
from tests.evaluate.detectors import DETECTORS, NOMINAL

SIZES = tuple(range(1, 11))
AT = np.arange(*CURRENT)
RATE = 0.01


@dataclass(frozen=True)
class Compared:
    """Alarms of one group of scenarios at one false positive rate."""

    truth: np.ndarray
    alarms: dict[str, np.ndarray]

    def skill(self, name: str, *, rng: np.random.Generator) -> Skill:
        return evaluate_alarms(self.alarms[name], self.truth, rng=rng)

    def gain(self, *, first_week: bool = False, level: float = 0.95) -> Estimate:
        """How many more outbreaks the policy finds, paired."""
        one, other = (found(self, name, first_week) for name in ("policy", "Farrington"))
        return difference(one, other, level=level)


def found(compared: Compared, name: str, first_week: bool) -> np.ndarray:
    """Whether each replicate's outbreak was found, in its first week or at all."""
    hit = compared.alarms[name] & compared.truth
    if not first_week:
        return hit.any(axis=1)
    return hit[np.arange(len(hit)), compared.truth.argmax(axis=1)]


def lasting(cases: np.ndarray) -> np.ndarray:
    """Weeks from the first case of an outbreak to its last; shape (series, weeks)."""
    seen = (cases > 0).T
    return (
        np.logical_or.accumulate(seen, axis=1)
        & (np.logical_or.accumulate(seen[:, ::-1], axis=1)[:, ::-1])
    )


def simulate(replicates: int, seed: int) -> dict[int, dict[str, Compared]]:
    """Group → "equal rate", "nominal" and "published" → alarms; replicates of each size."""
    rng = np.random.default_rng(seed)
    parts: dict[int, dict[str, list[Compared]]] = {}
    for scenario in noufaily_scenarios():
        drawn = [simulate_series(scenario, k=k, n_series=replicates, rng=rng) for k in SIZES]
        counts = np.hstack([one.counts for one in drawn])
        truth = np.concatenate([lasting(one.cases[AT]) for one in drawn])
        scores = {name: detect(counts, AT, None).T for name, detect in DETECTORS.items()}
        equal = {
            name: score >= score_threshold(score, truth, false_positive_rate=RATE)
            for name, score in scores.items()
        }
        group = parts.setdefault(scenario.group, {})
        nominal = {name: score >= NOMINAL for name, score in scores.items()}
        group.setdefault("equal rate", []).append(Compared(truth, equal))
        group.setdefault("nominal", []).append(Compared(truth, nominal))
        published = {"Farrington": farrington_flexible(counts, at=AT).alarm.T}
        group.setdefault("published", []).append(Compared(truth, published))
    return {
        group: {kind: together(found) for kind, found in kinds.items()}
        for group, kinds in parts.items()
    }


def together(parts: list[Compared]) -> Compared:
    """Replicates of several comparisons as one."""
    names = parts[0].alarms
    return Compared(
        np.concatenate([part.truth for part in parts]),
        {name: np.concatenate([part.alarms[name] for part in parts]) for name in names},
    )
