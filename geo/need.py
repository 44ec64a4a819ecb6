"""Need: rates, a score that shows its parts, and the gap between need and service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.arrays import (
    BoolArray,
    FloatArray,
    Int8Array,
    StateArray,
    amounts,
    floats,
    positive,
    same_length,
)
from geo.errors import ShapeError, UnitError
from geo.model import GapClass, Missing
from geo.rates import smoothed_rates, trailing_sum, unreliable
from geo.shortage import PointTable, ShortageScore, shortage_score

__all__ = [
    "GAP_MATRIX",
    "NEED_BOUNDS",
    "SERVICE_BOUNDS",
    "Gaps",
    "NeedScore",
    "PointTable",
    "ShortageScore",
    "gap_classes",
    "need_parts",
    "need_score",
    "service_level",
    "shortage_score",
    "smoothed_rates",
    "trailing_sum",
    "unreliable",
]

# Bounds of need and of service between low, middle and high (inclusive below), and the class of
# each pair. Rows: need low, middle, high; columns: service poor, partial, good.
NEED_BOUNDS = (1.0 / 3.0, 2.0 / 3.0)
SERVICE_BOUNDS = (0.25, 0.75)
GAP_MATRIX = (
    (GapClass.SLIGHT, GapClass.SLIGHT, GapClass.NONE),
    (GapClass.CLEAR, GapClass.SLIGHT, GapClass.NONE),
    (GapClass.SEVERE, GapClass.CLEAR, GapClass.NONE),
)
# A score rests on at least half of its parts.
_LEAST_KNOWN = 0.5


class Gaps(NamedTuple):
    """Gap classes and why a class is absent.

    Attributes
    ----------
    classes : int8, shape (n,), `GapClass` values; -1 where the state is not OK.
    states : uint8, shape (n,), `Missing` values: OK, NO_DATA or NOT_APPLICABLE.
    """

    classes: Int8Array
    states: StateArray


@dataclass(frozen=True)
class NeedScore:
    """A score of need and what it is made of.

    Attributes
    ----------
    score : float64 0..1, shape (n,); NaN where too little is known.
    parts : DataFrame, n rows, one column a part, float64 0..1; NaN where unknown.
    """

    score: FloatArray
    parts: pd.DataFrame


def need_parts(
    persons: npt.ArrayLike,
    area_km2: npt.ArrayLike,
    *,
    minors: npt.ArrayLike | None = None,
    elderly: npt.ArrayLike | None = None,
    strain_rate: npt.ArrayLike | None = None,
) -> dict[str, FloatArray]:
    """Raw parts of the default score of need, from what a locality knows of its areas.

    Parameters
    ----------
    persons : float64 [persons], shape (n,).
    area_km2 : float64 [km2], shape (n,), > 0.
    minors : float64 [persons aged 0-17], shape (n,).
    elderly : float64 [persons aged 60 and over], shape (n,).
    strain_rate : float64, shape (n,): rate of the measures that are a sign of strain.

    Returns
    -------
    Name of the part to float64, shape (n,): `density` [persons per km2], `minors_share`,
        `elderly_share` [0..1], `strain_rate`; a part is left out when it is not given. NaN where
        nobody lives.

    Raises
    ------
    ShapeError : lengths differ.
    UnitError : an amount is negative or infinite.

    Notes
    -----
    O(n). The parts follow the HPSA mental-health score (HRSA): young and old share, numbers, need.

    Examples
    --------
    >>> need_parts([100.0], [0.5], elderly=[22.0])
    {'density': array([200.]), 'elderly_share': array([0.22])}
    """
    people = amounts("persons", persons)
    size = amounts("area_km2", area_km2)
    same_length(persons=people, area_km2=size)
    given = {"minors_share": minors, "elderly_share": elderly, "strain_rate": strain_rate}
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = {"density": np.where((people > 0) & (size > 0), people / size, np.nan)}
        for name, values in given.items():
            if values is None:
                continue
            part = amounts(name, values)
            same_length(persons=people, **{name: part})
            parts[name] = np.where(
                people > 0, part if name == "strain_rate" else part / people, np.nan
            )
    return parts


def need_score(parts: Mapping[str, npt.ArrayLike]) -> NeedScore:
    """Score of need between 0 and 1 as the mean of its parts.

    Parameters
    ----------
    parts : name to float64, shape (n,), larger meaning more need; NaN where unknown. See
        `need_parts`. One name at least.

    Returns
    -------
    NeedScore. An area's unknown parts leave its mean; with less than half of them known the
        score is NaN. A part known nowhere leaves the score of all.

    Raises
    ------
    ShapeError : there is no part, or lengths differ.
    UnitError : a part is infinite.

    Notes
    -----
    O(n_parts x n log n). Each part is scaled by mid-rank, (rank - 1) / (n - 1), so that one extreme
    area moves nobody else; a part that is equal everywhere is 0.5.

    Examples
    --------
    >>> found = need_score({"density": [10.0, 20.0, 30.0], "elderly_share": [0.1, 0.3, 0.2]})
    >>> found.score.tolist()
    [0.0, 0.75, 0.75]
    """
    if not parts:
        raise ShapeError("parts: none; wanted at least one")
    raw = {name: floats(name, values) for name, values in parts.items()}
    same_length(**raw)
    scaled = pd.DataFrame({name: _ranked(name, values) for name, values in raw.items()})
    table = scaled.to_numpy(dtype=np.float64)
    known = ~np.isnan(table)
    present = known.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        score = np.where(known, table, 0.0).sum(axis=1) / present
    enough = (present > 0) & (present >= _LEAST_KNOWN * known.any(axis=0).sum())
    return NeedScore(np.where(enough, score, np.nan), scaled)


def service_level(access: npt.ArrayLike, *, reference: float) -> FloatArray:
    """Access as a share of a reference, capped at 1.

    Parameters
    ----------
    access : float64 [supply per person, or any unit], shape (n,), >= 0; NaN where unknown.
    reference : access that counts as full service, same unit, > 0: a standard of the locality, or
        the mean over all persons, which is supply / demand.

    Returns
    -------
    float64 0..1, shape (n,); NaN where unknown.

    Raises
    ------
    UnitError : an access is negative or infinite, or the reference is not positive.

    Examples
    --------
    >>> service_level([0.0, 1.0, 9.0], reference=4.0).tolist()
    [0.0, 0.25, 1.0]
    """
    full = positive("reference", reference, unit="supply per person")
    level: FloatArray = np.minimum(amounts("access", access) / full, 1.0)
    return level


def gap_classes(
    need: npt.ArrayLike, service: npt.ArrayLike, *, persons: npt.ArrayLike | None = None
) -> Gaps:
    """Class of the gap between need and service.

    ======  ===============  ====================  =============
    need    service < 0.25   0.25 <= .. < 0.75     0.75 and over
    ======  ===============  ====================  =============
    < 1/3   SLIGHT           SLIGHT                NONE
    < 2/3   CLEAR            SLIGHT                NONE
    over    SEVERE           CLEAR                 NONE
    ======  ===============  ====================  =============

    Parameters
    ----------
    need : float64 0..1, shape (n,): see `need_score`; NaN where unknown.
    service : float64 0..1 or bool, shape (n,): `service_level`, or covered or not, or the share
        of the persons covered; NaN where unknown.
    persons : float64 [persons], shape (n,); where it is 0 the class does not apply.

    Returns
    -------
    Gaps : classes and states.

    Raises
    ------
    ShapeError : lengths differ.
    UnitError : a need or service is outside 0..1, or persons are negative.

    Notes
    -----
    O(n). More need or less service never lowers the class.

    Examples
    --------
    >>> gap_classes([0.9, 0.9, 0.1], [0.0, 1.0, np.nan], persons=[50, 50, 0]).classes.tolist()
    [3, 0, -1]
    """
    wanted, given = floats("need", need), floats("service", service)
    same_length(need=wanted, service=given)
    for name, values in (("need", wanted), ("service", given)):
        if ((values < 0) | (values > 1)).any():
            raise UnitError(f"{name}: a value outside 0..1; wanted a share or NaN")
    unknown = np.isnan(wanted) | np.isnan(given)
    row = np.searchsorted(NEED_BOUNDS, np.where(unknown, 0.0, wanted), side="right")
    column = np.searchsorted(SERVICE_BOUNDS, np.where(unknown, 0.0, given), side="right")
    classes = np.array(GAP_MATRIX, dtype=np.int8)[row, column]
    states = np.where(unknown, Missing.NO_DATA, Missing.OK).astype(np.uint8)
    if persons is not None:
        people = amounts("persons", persons)
        same_length(need=wanted, persons=people)
        states[people == 0] = Missing.NOT_APPLICABLE
    classes[states != Missing.OK] = -1
    return Gaps(classes, states)


def _finite(name: str, values: FloatArray) -> BoolArray:
    if np.isinf(values).any():
        raise UnitError(f"{name}: an infinite value; wanted numbers or NaN")
    known: BoolArray = ~np.isnan(values)
    return known


def _ranked(name: str, values: FloatArray) -> FloatArray:
    known = _finite(name, values)
    result = np.full(values.shape, np.nan)
    n = int(known.sum())
    if n:
        ranks = pd.Series(values[known]).rank().to_numpy()
        result[known] = (ranks - 1.0) / (n - 1.0) if n > 1 else 0.5
    return result
