"""Values of children as values of their parents: village to town, town to county."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from geo.arrays import FloatArray, IntArray, amounts, floats, parents
from geo.errors import ShapeError


class RollUp(NamedTuple):
    """Values of parents and how much of each parent reported.

    Attributes
    ----------
    values : float64, shape (..., n_parents); NaN where no child reported.
    reported : float64, same shape, share 0..1 of the children (weighted) that reported;
        NaN where the parent has no child.
    """

    values: FloatArray
    reported: FloatArray


def roll_up(
    values: npt.ArrayLike,
    parent_index: npt.ArrayLike,
    *,
    n_parents: int,
    how: Literal["sum", "mean", "max"] = "sum",
    weights: npt.ArrayLike | None = None,
) -> RollUp:
    """Values of children as values of their parents, with the share that reported.

    A child that is NaN did not report: it is left out, never counted as zero.

    Parameters
    ----------
    values : float64, shape (n_children,) or (n_weeks, n_children).
    parent_index : int, shape (n_children,): position of the parent, -1 where there is none.
    n_parents : number of parents.
    how : "sum"; "mean", weighted by `weights`; or "max".
    weights : float64, shape (n_children,), >= 0, e.g. persons; default 1 each. They weigh the
        mean and the reported share, never the sum.

    Returns
    -------
    RollUp of arrays of shape (n_parents,) or (n_weeks, n_parents). Where all weights of a
        parent's children are 0, they count 1 each.

    Raises
    ------
    CodeError : a parent's position is out of range.
    ShapeError : lengths differ, or `how` is unknown.
    UnitError : a weight is negative, infinite or NaN.

    Notes
    -----
    O(values.size).

    Examples
    --------
    >>> totals = roll_up([3.0, np.nan, 4.0], [0, 0, 1], n_parents=2)
    >>> totals.values.tolist(), totals.reported.tolist()
    ([3.0, 4.0], [0.5, 1.0])
    """
    if how not in ("sum", "mean", "max"):
        raise ShapeError(f"how: {how!r}; wanted 'sum', 'mean' or 'max'")
    table = floats("values", values, ndim=(1, 2))
    n_children = table.shape[-1]
    index = parents("parent_index", parent_index, n_children=n_children, n_parents=n_parents)
    weight = _child_weights(weights, index, n_children, n_parents)
    seen = ~np.isnan(table)
    own = np.flatnonzero(index >= 0)
    order = own[np.argsort(index[own], kind="stable")]
    filled, starts = np.unique(index[order], return_index=True)

    def total(rows: FloatArray, *, by: np.ufunc = np.add, empty: float = 0.0) -> FloatArray:
        out = np.full((*rows.shape[:-1], n_parents), empty)
        if len(starts):
            out[..., filled] = by.reduceat(rows.take(order, axis=-1), starts, axis=-1)
        return out

    whole = total(weight)
    n_seen = total(seen.astype(np.float64))
    seen_weight = n_seen if weights is None else total(seen * weight)
    with np.errstate(invalid="ignore", divide="ignore"):
        reported = np.clip(seen_weight / whole, 0.0, 1.0)
        if how == "sum":
            rolled = total(np.where(seen, table, 0.0))
        elif how == "mean":
            rolled = total(np.where(seen, table * weight, 0.0)) / seen_weight
        else:
            rolled = total(np.where(seen, table, -np.inf), by=np.maximum, empty=-np.inf)
    return RollUp(np.where(n_seen > 0, rolled, np.nan), reported)


def _child_weights(
    weights: npt.ArrayLike | None, index: IntArray, n_children: int, n_parents: int
) -> FloatArray:
    if weights is None:
        return np.ones(n_children)
    weight = amounts("weights", weights)
    if weight.shape != (n_children,) or np.isnan(weight).any():
        raise ShapeError(
            f"weights: shape {weight.shape}, {int(np.isnan(weight).sum())} NaN; "
            f"wanted ({n_children},) without NaN, one a child"
        )
    has = index >= 0
    empty = np.bincount(index[has], weights=weight[has], minlength=n_parents) == 0
    return np.where(has & empty[index], 1.0, weight) if n_parents else weight
