"""Who is covered: the nearest site, within the threshold or not, and the share of the persons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.arrays import BoolArray, FloatArray, amounts, floats, parents, positive, same_length
from geo.errors import CodeError, ShapeError, UnitError


class CoverageShare(NamedTuple):
    """Persons of each parent area and how many of them are covered.

    Attributes
    ----------
    persons : float64 [persons], shape (n_parents,) or (n_parents, n_groups).
    persons_covered : float64 [persons], same shape.
    share : float64 0..1, same shape; NaN where no person is known.
    """

    persons: FloatArray
    persons_covered: FloatArray
    share: FloatArray


def nearest_cost(costs: pd.DataFrame, *, areas: pd.Index, max_cost_min: float) -> pd.Series[float]:
    """Lowest travel cost from each area to a site.

    An area with no site within `max_cost_min` gets NaN, never 0 and never the limit.

    Parameters
    ----------
    costs : one row a pair; `area_code` str, `cost_min` float64 [min], >= 0.
    areas : all area codes, unique, in the order wanted.
    max_cost_min : inclusive limit [min], > 0.

    Returns
    -------
    Series `cost_min`, float64 [min], index `areas`.

    Raises
    ------
    CodeError : a pair names an area that `areas` lacks, or `areas` are not unique.
    ShapeError : a column is missing.
    UnitError : the limit is not positive, or a cost is negative or NaN.

    Notes
    -----
    O(n_pairs).

    Examples
    --------
    >>> pairs = pd.DataFrame({"area_code": ["a", "a"], "cost_min": [9.0, 7.0]})
    >>> nearest_cost(pairs, areas=pd.Index(["a", "b"]), max_cost_min=15).tolist()
    [7.0, nan]
    """
    limit = positive("max_cost_min", max_cost_min, unit="min")
    if missing := [name for name in ("area_code", "cost_min") if name not in costs.columns]:
        raise ShapeError(f"costs: no column {', '.join(missing)}; wanted area_code and cost_min")
    if areas.has_duplicates:
        raise CodeError("areas: codes come twice; wanted each code once")
    cost = costs["cost_min"].to_numpy(dtype=np.float64)
    if not (cost >= 0).all():
        raise UnitError("costs.cost_min: negative or NaN; wanted costs >= 0 [min]")
    at = areas.get_indexer(pd.Index(costs["area_code"]))
    if (at < 0).any():
        code = costs["area_code"].iloc[int(np.argmax(at < 0))]
        raise CodeError(f"costs.area_code: {code!r} is not among the areas; wanted only theirs")
    lowest = np.full(len(areas), np.inf)
    np.minimum.at(lowest, at, cost)
    return pd.Series(np.where(lowest <= limit, lowest, np.nan), index=areas, name="cost_min")


def covered(cost_min: npt.ArrayLike, *, threshold_min: float) -> BoolArray:
    """Whether a travel cost is within the threshold, which counts as within.

    Parameters
    ----------
    cost_min : float64 [min], shape (n,); NaN where no site is within reach.
    threshold_min : inclusive threshold [min], > 0.

    Returns
    -------
    bool, shape (n,); False where the cost is NaN.

    Raises
    ------
    ShapeError : not one-dimensional.
    UnitError : the threshold is not positive.

    Examples
    --------
    >>> covered([15.0, 15.1, float("nan")], threshold_min=15).tolist()
    [True, False, False]
    """
    within: BoolArray = floats("cost_min", cost_min) <= positive(
        "threshold_min", threshold_min, unit="min"
    )
    return within


def coverage_by_threshold(
    cost_min: npt.ArrayLike,
    persons: npt.ArrayLike,
    parent_index: npt.ArrayLike,
    *,
    thresholds_min: Sequence[float],
    n_parents: int,
) -> CoverageShare:
    """Share of the persons of each parent area within each of several thresholds.

    Parameters
    ----------
    cost_min : float64 [min], shape (n,); NaN where no site is within reach, which is not covered.
    persons : float64 [persons], shape (n,), >= 0; NaN where unknown: such a child counts on
        neither side.
    parent_index : as in `coverage_share`.
    thresholds_min : inclusive thresholds [min], rising, > 0.
    n_parents : as in `coverage_share`.

    Returns
    -------
    CoverageShare of shape (n_parents, n_thresholds); along a row the share never falls.

    Raises
    ------
    CodeError : a parent's position is out of range.
    ShapeError : lengths differ.
    UnitError : persons negative, or the thresholds do not rise from above 0.

    Notes
    -----
    O(n x n_thresholds).

    Examples
    --------
    >>> found = coverage_by_threshold([4.0, 12.0, np.nan], [30.0, 50.0, 20.0], [0, 0, 0],
    ...     thresholds_min=[5, 15], n_parents=1)
    >>> found.share.tolist()
    [[0.3, 0.8]]
    """
    limits = floats("thresholds_min", thresholds_min)
    if not len(limits) or not (
        np.isfinite(limits).all() and (np.diff(limits, prepend=0.0) > 0).all()
    ):
        raise UnitError(
            f"thresholds_min: {limits.tolist()}; wanted at least one, rising from above 0 [min]"
        )
    cost = floats("cost_min", cost_min)
    parts = [
        coverage_share(covered(cost, threshold_min=limit), persons, parent_index,
                       n_parents=n_parents)
        for limit in limits.tolist()
    ]  # fmt: skip
    return CoverageShare(*(np.stack(column, axis=-1) for column in zip(*parts, strict=True)))


def coverage_share(
    covered: npt.ArrayLike,
    persons: npt.ArrayLike,
    parent_index: npt.ArrayLike,
    *,
    n_parents: int,
) -> CoverageShare:
    """Share of the persons of each parent area who are covered, by population group.

    Parameters
    ----------
    covered : bool, shape (n,), or float64 share 0..1 of the child's persons.
    persons : float64 [persons], shape (n,) or (n, n_groups), >= 0; NaN where unknown: such a
        child counts on neither side.
    parent_index : int, shape (n,): position of the parent, -1 where there is none.
    n_parents : number of parents; 1 with an index of zeros gives the whole.

    Returns
    -------
    CoverageShare of shape (n_parents,) or (n_parents, n_groups).

    Raises
    ------
    CodeError : a parent's position is out of range.
    ShapeError : lengths differ.
    UnitError : persons negative, or a share outside 0..1 or NaN.

    Notes
    -----
    O(n x n_groups).

    Examples
    --------
    >>> coverage_share([True, False], [30.0, 70.0], [0, 0], n_parents=1).share.tolist()
    [0.3]
    """
    part = floats("covered", covered)
    if not ((part >= 0) & (part <= 1)).all():
        raise UnitError("covered: a value outside 0..1 or NaN; wanted True, False or a share")
    people = amounts("persons", persons, ndim=(1, 2))
    index = parents(
        "parent_index",
        parent_index,
        n_children=same_length(covered=part, persons=people),
        n_parents=n_parents,
    )
    has = index >= 0
    known = np.nan_to_num(people[has], nan=0.0)
    within = known * (part[has] if people.ndim == 1 else part[has, None])
    total = np.zeros((n_parents, *people.shape[1:]))
    inside = np.zeros_like(total)
    np.add.at(total, index[has], known)
    np.add.at(inside, index[has], within)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = inside / total
    return CoverageShare(total, inside, share)
