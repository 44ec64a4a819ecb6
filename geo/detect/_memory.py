"""What regressions side by side work on: a few arrays, each of several quantities.

One array a quantity would be plainer, but compiling a loop takes longer with every array that is
handed to it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geo.arrays import FloatArray
from geo.detect._baseline import Design

# Rows of `Memory.data`. Counts, 0 where unknown; population, 1 without and where unknown.
Y, EXPOSURE = 0, 1
# Count x (log(count / exposure) - 1), 0 for 0: its part in the deviance.
OWN = 2
# (Count + 0.1) x log((count + 0.1) / exposure) - 0.1: its part in the first step.
START = 3
# Count ** (2/3) x exposure ** (-1/6).
POWER = 4
# Weight of each week, 0 where unknown; weight x exposure.
OMEGA, LOAD = 5, 6

# Rows of `Memory.groups`. Level at the last step and the one before.
LEVEL, LEVEL_BEFORE = 0, 1
# 1 / summed weights and weighted mean time of each group.
INVERSE, CENTRE = 2, 3
# Sums by group of weights, of weights x time, of counts, of loads.
WEIGHT, MOMENT, SUM_Y, BASE = 4, 5, 6, 7

# Rows of `Memory.places`. Factor of the trend, one step before, and to the power of -1/6.
RISE, RISE_BEFORE, ROOT = 0, 1, 2

# Rows of `Memory.fit`. Slope at the last step and the one before.
SLOPE, SLOPE_BEFORE = 0, 1
# 1 / weighted variation of time within groups, 0 without trend.
INVERSE_SLOPE = 2
# Sums of weights x time² and of counts x time.
SQUARE, SUM_YT = 3, 4
# What no step changes in the deviance, and what steps change.
CONSTANT, DEVIANCE = 5, 6
# Degrees of freedom, dispersions; see `_glm`.
DF, RAW, WIDE = 7, 8, 9
# Known weeks, highest count, 1 where the first fit came to an end.
KNOWN, HIGHEST, CONVERGED = 10, 11, 12


class Memory(NamedTuple):
    """Baselines and regressions side by side, overwritten at every step.

    Attributes
    ----------
    data : float64, shape (7, n_weeks, lanes), in the order of the design.
    groups : float64, shape (8, n_groups, lanes).
    places : float64, shape (3, n_places, lanes).
    fit : float64, shape (13, lanes).
    """

    data: FloatArray
    groups: FloatArray
    places: FloatArray
    fit: FloatArray


def room_for(design: Design, lanes: int) -> Memory:
    """Memory of so many regressions, not filled.

    Parameters
    ----------
    design : weeks of the baseline.
    lanes : regressions side by side.

    Returns
    -------
    Memory.
    """
    return Memory(
        data=np.empty((LOAD + 1, len(design.ago), lanes)),
        groups=np.empty((BASE + 1, len(design.first) - 1, lanes)),
        places=np.empty((ROOT + 1, design.n_places, lanes)),
        fit=np.empty((CONVERGED + 1, lanes)),
    )
