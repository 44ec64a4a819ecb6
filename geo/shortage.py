"""A shortage score of named parts: points by published cut-points, always shown part by part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.arrays import FloatArray, floats, same_length
from geo.errors import ShapeError, UnitError

# A score rests on at least half of the points that all parts together could give.
LEAST_KNOWN = 0.5


@dataclass(frozen=True)
class PointTable:
    """Points by value: the more, the greater the shortage.

    Parameters
    ----------
    bounds : ends of the classes, rising; a value on a bound has reached it.
    points : points of each class, one more than bounds, >= 0, never falling; the last is the most
        that the part gives and so its weight.

    Raises
    ------
    UnitError : bounds do not rise, or points fall, are negative or are not one more than bounds.
    """

    bounds: tuple[float, ...]
    points: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse a table that is no rising step function."""
        if not all(low < high for low, high in pairwise(self.bounds)) or not self.bounds:
            raise UnitError(
                f"bounds: {self.bounds}; wanted at least one, each above the one before"
            )
        if len(self.points) != len(self.bounds) + 1:
            raise UnitError(
                f"points: {len(self.points)} for {len(self.bounds)} bounds; wanted one more"
            )
        rising = all(low <= high for low, high in pairwise(self.points))
        if not (rising and self.points[0] >= 0 and 0 < self.points[-1] < np.inf):
            raise UnitError(f"points: {self.points}; wanted >= 0, never falling, the last > 0")


class ShortageScore(NamedTuple):
    """A score and what it is made of.

    Attributes
    ----------
    score : float64, shape (n,), 0 to the sum of the most points of all parts; NaN where too
        little is known.
    parts : DataFrame, n rows, one column a part, float64 points; NaN where unknown.
    known : float64 0..1, shape (n,): the part of all possible points on which the score rests.
    """

    score: FloatArray
    parts: pd.DataFrame
    known: FloatArray


def shortage_score(
    parts: Mapping[str, npt.ArrayLike], *, tables: Mapping[str, PointTable]
) -> ShortageScore:
    """Points for the shortage of services, part by part and together.

    Parameters
    ----------
    parts : name to float64, shape (n,), >= 0, larger meaning a greater shortage; infinite where
        there is nothing at all (residents per member of staff without staff, minutes to a site
        that cannot be reached); NaN where unknown. A part of `tables` that is not given is
        unknown everywhere.
    tables : name to the points of the part.

    Returns
    -------
    ShortageScore. An unknown part gives no points and takes none away: the score is
        (points of the known parts) / (most points of the known parts) x (most points of all
        parts). Where less than half of all points could be known the score is NaN, never 0.

    Raises
    ------
    ShapeError : there is no part, a part has no table, or lengths differ.
    UnitError : a value is negative.

    Notes
    -----
    O(n_parts x n log n_bounds). The form is that of HRSA's score for shortage areas of mental
    health, 0-25: provider ratio 7, poverty 5, travel 5, elderly and youth 3 each, alcohol and
    substance use 1 each (68 FR 32531; HRSA, Scoring Shortage Designations).

    Examples
    --------
    >>> tables = {"provider_ratio": PointTable((6000.0, 9000.0), (0, 4, 7)),
    ...           "elderly_share": PointTable((0.1, 0.2), (0, 1, 3))}
    >>> found = shortage_score({"provider_ratio": [6000.0, np.inf],
    ...                         "elderly_share": [0.25, np.nan]}, tables=tables)
    >>> found.score.tolist(), found.known.tolist()
    ([7.0, 10.0], [1.0, 0.7])
    """
    if not parts:
        raise ShapeError("parts: none; wanted at least one")
    without = sorted(set(parts) - set(tables))
    if without:
        raise ShapeError(f"tables: none for {', '.join(without)}; wanted points for each part")
    raw = {name: floats(name, values) for name, values in parts.items()}
    n = same_length(**raw)
    points = pd.DataFrame(index=range(n))
    for name, table in tables.items():
        points[name] = _points(name, raw[name], table) if name in raw else np.nan
    most = np.array([table.points[-1] for table in tables.values()], dtype=np.float64)
    given = points.to_numpy(dtype=np.float64)
    seen = ~np.isnan(given)
    possible = seen @ most
    known = possible / most.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        score = np.where(seen, given, 0.0).sum(axis=1) / possible * most.sum()
    return ShortageScore(np.where(known >= LEAST_KNOWN, score, np.nan), points, known)


def _points(name: str, values: FloatArray, table: PointTable) -> FloatArray:
    if (values < 0).any():
        first = int(np.flatnonzero(values < 0)[0])
        raise UnitError(f"{name}: {values[first]:g} at {first}; wanted values >= 0, or NaN")
    steps = np.searchsorted(table.bounds, values, side="right")
    # NaN is sorted behind every bound; it is unknown, not the worst.
    reached = np.asarray(table.points, dtype=np.float64)[steps]
    return np.where(np.isnan(values), np.nan, reached)
