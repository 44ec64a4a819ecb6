"""Means and states over the people who live in an area."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from etl.build.levels import Floats, LevelFrame, ancestors
from geo.model import Missing
from geo.rollup import roll_up


def resident_states(values: Floats, persons: Floats) -> npt.NDArray[np.uint8]:
    """States on the finest level: no residents is not applicable, unknown is no data."""
    states = np.where(np.isnan(values) | np.isnan(persons), int(Missing.NO_DATA), int(Missing.OK))
    return np.where(persons == 0, int(Missing.NOT_APPLICABLE), states).astype(np.uint8)


def resident_mean(
    levels: Sequence[LevelFrame], upper: int, values: Floats, persons: Floats
) -> Floats:
    """Mean over the residents of each area of `levels[upper]`; NaN where nobody is known."""
    weights = np.where(np.isnan(values), 0, np.nan_to_num(persons))
    parents = ancestors(levels, upper)
    n_parents = len(levels[upper])
    mean = roll_up(values, parents, n_parents=n_parents, how="mean", weights=weights).values
    residents = roll_up(weights, parents, n_parents=n_parents).values
    return np.where(residents > 0, mean, np.nan)
