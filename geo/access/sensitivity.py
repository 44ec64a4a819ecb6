"""How far a picture of access depends on the catchment that was chosen."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.arrays import BoolArray, FloatArray, amounts, floats
from geo.errors import ShapeError, UnitError


class Sensitivity(NamedTuple):
    """What stays the same at all catchments.

    Attributes
    ----------
    persons : persons of the areas whose access is known at all catchments.
    same_class : share of them whose class is the same at all catchments; NaN where there are none.
    worst_stays : share of those who are worst served at the reference who are so at all.
    rank_correlation : lowest of Spearman's correlations of two catchments over the areas with
        persons; NaN where one of them is the same everywhere.
    """

    persons: float
    same_class: float
    worst_stays: float
    rank_correlation: float


def catchment_sensitivity(
    access: npt.ArrayLike,
    classes: npt.ArrayLike,
    persons: npt.ArrayLike,
    *,
    reference: int,
    worst_share: float = 0.1,
) -> Sensitivity:
    """Compare the access of the same areas at several catchments.

    Parameters
    ----------
    access : float64, shape (n, n_catchments), higher is better; NaN where unknown.
    classes : int, same shape: the class each value is shown in.
    persons : float64 [persons], shape (n,), >= 0; NaN where unknown.
    reference : column of the catchment that is shown first.
    worst_share : share of the persons that counts as worst served, 0..1. With ties at its end all
        of them are in: where a third has nothing in reach, a third is worst.

    Returns
    -------
    Sensitivity.

    Raises
    ------
    ShapeError : shapes differ, or there are fewer than two catchments.
    UnitError : persons negative, or `worst_share` outside 0..1.

    Notes
    -----
    O(n log n x n_catchments).

    Examples
    --------
    >>> found = catchment_sensitivity([[0, 0], [2, 4], [3, 3]], [[0, 0], [1, 2], [2, 2]],
    ...     [10.0, 60.0, 30.0], reference=0)
    >>> found.same_class, found.worst_stays, round(found.rank_correlation, 2)
    (0.4, 1.0, 0.5)
    """
    values, people = floats("access", access, ndim=(2,)), amounts("persons", persons)
    shown = np.asarray(classes)
    if values.shape[1] < 2 or shown.shape != values.shape or len(people) != len(values):
        raise ShapeError(
            f"access {values.shape}, classes {shown.shape}, persons {people.shape}; wanted two or "
            "more catchments, one row an area"
        )
    if not 0 < worst_share < 1:
        raise UnitError(f"worst_share: {worst_share!r}; wanted a share above 0 and below 1")
    known = (people > 0) & ~np.isnan(values).any(axis=1)
    values, shown, people = values[known], shown[known], people[known]
    total = float(people.sum())
    if not total > 0:
        return Sensitivity(0.0, np.nan, np.nan, np.nan)
    same = (shown == shown[:, :1]).all(axis=1)
    worst = np.stack([_worst(column, people, worst_share) for column in values.T], axis=1)
    chosen = worst[:, reference]
    stays = people[worst.all(axis=1)].sum() / people[chosen].sum()
    return Sensitivity(total, float(people[same].sum() / total), float(stays), _ranks(values))


def _worst(access: FloatArray, persons: FloatArray, share: float) -> BoolArray:
    """Areas of the share of persons with the lowest access, and those that equal them."""
    order = np.argsort(access, kind="stable")
    reached = np.cumsum(persons[order])
    last = min(int(np.searchsorted(reached, share * reached[-1])), len(order) - 1)
    lowest: BoolArray = access <= access[order[last]]
    return lowest


def _ranks(values: FloatArray) -> float:
    if (values == values[:1]).all(axis=0).any():
        return float("nan")
    pairs = combinations(range(values.shape[1]), 2)
    ranks = pd.DataFrame(values).rank().to_numpy()
    # Spearman's coefficient is Pearson's of the ranks, ties at their mean.
    return min(float(np.corrcoef(ranks[:, [a, b]], rowvar=False)[1, 0]) for a, b in pairs)
