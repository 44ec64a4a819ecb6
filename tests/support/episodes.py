"""Small zonings for episodes: a row of villages in towns in a county."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from geo.detect.episodes import TierLevel
from geo.model import Level


def row(n: int) -> csr_array:
    """Areas in a row, each touching the next."""
    table = np.eye(n, k=1, dtype=bool)
    return csr_array(table | table.T)


def zoning(
    villages: npt.ArrayLike,
    towns: npt.ArrayLike | None = None,
    county: npt.ArrayLike | None = None,
    *,
    per_town: int = 3,
) -> list[TierLevel]:
    """Tiers of villages `v0`, `v1` …, of towns of `per_town` villages each, and of the county."""
    tiers = np.asarray(villages, dtype=np.int8)
    n_weeks, n_villages = tiers.shape
    n_towns = -(-n_villages // per_town)
    tables = [
        tiers,
        np.zeros((n_weeks, n_towns)) if towns is None else np.asarray(towns),
        np.zeros((n_weeks, 1)) if county is None else np.asarray(county).reshape(n_weeks, 1),
    ]
    above = [np.arange(n_villages) // per_town, np.zeros(n_towns, dtype=np.int64), np.array([-1])]
    return [
        TierLevel(
            level,
            np.array([f"{letter}{i}" for i in range(table.shape[1])], dtype=object),
            np.array([f"{letter.upper()}{i}" for i in range(table.shape[1])], dtype=object),
            table.astype(np.int8),
            np.zeros(table.shape, dtype=bool),
            up,
            row(table.shape[1]),
        )
        for level, letter, table, up in zip(
            (Level.VILLAGE, Level.TOWN, Level.COUNTY), "vtc", tables, above, strict=True
        )
    ]


def held(levels: list[TierLevel], *at: tuple[int, int]) -> list[TierLevel]:
    """The same with the tiers of some weeks and villages held from earlier."""
    table = levels[0].held.copy()
    for week, village in at:
        table[week, village] = True
    return [replace(levels[0], held=table), *levels[1:]]


def names(n_weeks: int) -> list[str]:
    """So many weeks of 2026."""
    return [f"2026-W{week:02d}" for week in range(1, n_weeks + 1)]
