"""Which areas are near which: the neighbours that detectors look at together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from geo.arrays import IntArray, floats
from geo.errors import ShapeError, UnitError


def nearest_areas(xy: npt.ArrayLike, *, k: int) -> IntArray:
    """The areas nearest to each, nearest first.

    Parameters
    ----------
    xy : float64, shape (n_areas, 2), a point of each area in a metric CRS [m]; NaN where unknown.
    k : how many, >= 1.

    Returns
    -------
    int64, shape (n_areas, k): positions of other areas in rising order of distance, of equally far
        ones the first; -1 where there are no more. An area without a point has no neighbours
        and is nobody's.

    Raises
    ------
    ShapeError : `xy` has other than two columns.
    UnitError : `k` is below 1.

    Notes
    -----
    O(n log n) for fixed `k`.

    Examples
    --------
    >>> nearest_areas([[0, 0], [10, 0], [25, 0]], k=3).tolist()
    [[1, 2, -1], [0, 2, -1], [1, 0, -1]]
    """
    points = floats("xy", xy, ndim=(2,))
    if points.shape[1] != 2:
        raise ShapeError(f"xy: shape {points.shape}; wanted (n_areas, 2)")
    if k < 1:
        raise UnitError(f"k: {k}; wanted 1 or more")
    near = np.full((len(points), k), -1, dtype=np.int64)
    placed = np.flatnonzero(np.isfinite(points).all(axis=1))
    n = min(k, len(placed) - 1)
    if n < 1:
        return near
    # One more than wanted, since each finds itself, and among equals perhaps not first.
    far, found = cKDTree(points[placed]).query(points[placed], k=n + 1)
    itself = found == np.arange(len(placed))[:, None]
    far = np.where(itself, -1.0, far)
    lost = ~itself.any(axis=1)
    far[lost, -1] = -1.0
    order = np.lexsort((found, far), axis=1)
    near[placed, :n] = placed[np.take_along_axis(found, order, axis=1)[:, 1:]]
    return near
