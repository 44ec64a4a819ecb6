"""The two that are compared, each as one score for every week and area."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import ndtr, ndtri

from geo.detect import farrington_flexible, watch_areas

# counts (weeks, areas), weeks to test, nearest areas or None → score (tested weeks, areas).
Detector = Callable[[np.ndarray, np.ndarray, np.ndarray | None], np.ndarray]


def farrington_score(counts: np.ndarray, at: np.ndarray, nearest: np.ndarray | None) -> np.ndarray:
    """Farrington flexible alone; its least number of cases is left to the threshold."""
    return -ndtri(farrington_flexible(counts, at=at, limit54=(0, 1)).pvalue)


def policy_score(counts: np.ndarray, at: np.ndarray, nearest: np.ndarray | None) -> np.ndarray:
    """The default policy."""
    return watch_areas(counts, at=at, nearest=nearest).score


DETECTORS: dict[str, Detector] = {"Farrington": farrington_score, "policy": policy_score}
# Score of the published alpha = 0.01.
NOMINAL = float(-ndtri(0.01))


def tail(score: float) -> float:
    """Chance that a score is reached where it is what it says it is."""
    return float(ndtr(-score))


def nearest_areas(xy: np.ndarray, k: int) -> np.ndarray:
    """The k nearest others of every area, nearest first."""
    away = ((xy[:, None] - xy) ** 2).sum(axis=2)
    np.fill_diagonal(away, -1.0)
    return np.argsort(away, axis=1, kind="stable")[:, 1 : k + 1]
