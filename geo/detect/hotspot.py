"""Hot and cold spots of a map: Getis and Ord's Gi*, local Moran's I, few false discoveries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.special import ndtr

from geo.arrays import FloatArray, Int8Array, IntArray, floats
from geo.errors import ShapeError, UnitError


@dataclass(frozen=True)
class Hotspots:
    """Gi* of each area, shape (n_areas,); NaN where the area is unknown.

    Attributes
    ----------
    z : float64, standard deviations of the sum over an area and its neighbours from what chance
        would give; above 0 is hot.
    p : float64, two-sided, normal approximation.
    p_permuted : float64, two-sided, conditional permutation; NaN without permutations and where
        an area has no known neighbour.
    q : float64, `p_permuted` where there are permutations, else `p`, adjusted so that among the
        areas with q <= a at most a share of a is expected to be there by chance.
    """

    z: FloatArray
    p: FloatArray
    p_permuted: FloatArray
    q: FloatArray


@dataclass(frozen=True)
class LocalMoran:
    """Local Moran's I of each area, shape (n_areas,); NaN where it or all neighbours are unknown.

    Attributes
    ----------
    statistic : float64, above 0 where an area is like its neighbours.
    quadrant : int8, 1 high among high, 2 low among high, 3 low among low, 4 high among low, 0
        where there is no answer.
    p_permuted : float64, two-sided, conditional permutation; NaN without permutations.
    q : float64, `p_permuted` adjusted for false discoveries.
    """

    statistic: FloatArray
    quadrant: Int8Array
    p_permuted: FloatArray
    q: FloatArray


def getis_ord(
    values: npt.ArrayLike,
    neighbours: sparse.csr_array,
    *,
    permutations: int = 0,
    rng: np.random.Generator | None = None,
) -> Hotspots:
    """Gi*: where high or low values lie together, the area itself included.

    Parameters
    ----------
    values : float64, shape (n_areas,); NaN where unknown.
    neighbours : sparse, shape (n_areas, n_areas), 1 where the column is a neighbour of the row;
        the diagonal does not matter.
    permutations : random draws of other areas' values in the place of the neighbours, >= 0.
    rng : generator of the draws; needed with permutations.

    Returns
    -------
    Hotspots : unknown areas are no neighbours either. NaN everywhere where all values are equal.

    Raises
    ------
    ShapeError : lengths differ.
    UnitError : a value is infinite, a weight is neither 0 nor 1, or draws lack a generator.

    Notes
    -----
    O(neighbours + permutations x (most neighbours of an area + log)). Ord & Getis 1995 with binary
    weights; z equals esda's G_Local(star=True, transform="B"). The draws are the same for all
    areas, as in esda, so that areas with equally many neighbours share sorted sums; a draw of the
    area itself is replaced. Neighbouring tests are dependent; q follows Benjamini & Hochberg 1995.

    Examples
    --------
    >>> chain = sparse.diags_array([np.ones(9), np.ones(9)], offsets=[-1, 1]).tocsr()
    >>> found = getis_ord([9, 8, 9, 2, 1, 2, 1, 2, 1, 2], chain)
    >>> np.round(found.z[:4], 2).tolist()
    [2.19, 2.97, 1.57, 0.18]
    """
    values = floats("values", values)
    y, near, known = _known(values, neighbours)
    n = len(y)
    size = np.diff(near.indptr) + 1.0
    lag = near @ y
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = y.std() * np.sqrt(size * (n - size) / (n - 1.0)) if n > 1 else np.nan
        z = (lag + y - size * y.mean()) / spread if n else y
    z = np.where(np.isfinite(z), z, np.nan)
    p = 2.0 * ndtr(-np.abs(z))
    permuted = _permuted(y, near, permutations, rng)
    q = discoveries(permuted if permutations else p)
    return Hotspots(*(_placed(part, known, len(values)) for part in (z, p, permuted, q)))


def local_moran(
    values: npt.ArrayLike,
    neighbours: sparse.csr_array,
    *,
    permutations: int = 999,
    rng: np.random.Generator | None = None,
) -> LocalMoran:
    """Local Moran's I: where an area is like its neighbours, and where it stands out.

    Parameters
    ----------
    values : float64, shape (n_areas,); NaN where unknown.
    neighbours : sparse, shape (n_areas, n_areas), 1 where the column is a neighbour of the row;
        the diagonal does not matter.
    permutations : random draws of other areas' values in the place of the neighbours, >= 0.
    rng : generator of the draws; needed with permutations.

    Returns
    -------
    LocalMoran : NaN for an area without known neighbours; everywhere where all values are equal.

    Raises
    ------
    ShapeError : lengths differ.
    UnitError : a value is infinite, a weight is neither 0 nor 1, or draws lack a generator.

    Notes
    -----
    O(neighbours + permutations x (most neighbours of an area + log)). Anselin 1995, each row of
    weights summing to 1: I = (n - 1) d mean(d of neighbours) / sum of d squared, d from the mean;
    equals esda's Moran_Local.

    Examples
    --------
    >>> chain = sparse.diags_array([np.ones(9), np.ones(9)], offsets=[-1, 1]).tocsr()
    >>> found = local_moran([9, 8, 9, 2, 1, 2, 1, 2, 1, 2], chain, permutations=0)
    >>> np.round(found.statistic[:4], 2).tolist(), found.quadrant[:4].tolist()
    ([1.9, 1.9, 0.57, -0.18], [1, 1, 1, 2])
    """
    values = floats("values", values)
    y, near, known = _known(values, neighbours)
    n = len(y)
    gap = y - y.mean() if n else y
    size = np.diff(near.indptr)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (near @ gap) / size
        statistic = (n - 1.0) * gap * mean / (gap @ gap)
    answer = np.isfinite(statistic)
    statistic = np.where(answer, statistic, np.nan)
    corner = np.where(gap > 0, np.where(mean > 0, 1, 4), np.where(mean > 0, 2, 3))
    # For one area I rises or falls with the sum of its neighbours: the tails are those of the sum.
    permuted = _permuted(y, near, permutations, rng)
    quadrant = np.zeros(len(values), dtype=np.int8)
    quadrant[known] = np.where(answer, corner, 0)
    parts = (statistic, permuted, discoveries(permuted))
    statistic, permuted, q = (_placed(part, known, len(values)) for part in parts)
    return LocalMoran(statistic, quadrant, permuted, q)


def discoveries(p: npt.ArrayLike) -> FloatArray:
    """Adjust p values of many tests so that false discoveries are held down.

    Parameters
    ----------
    p : float64, shape (n,), 0..1; NaN is no test.

    Returns
    -------
    float64, shape (n,): least share of false discoveries at which a test is still one; NaN stays.

    Raises
    ------
    UnitError : a value is outside 0..1.

    Notes
    -----
    O(n log n). Benjamini & Hochberg 1995: running minimum of n p / rank from the largest on.

    Examples
    --------
    >>> discoveries([0.01, 0.02, float("nan"), 0.9]).tolist()
    [0.03, 0.03, nan, 0.9]
    """
    array = floats("p", p)
    if ((array < 0) | (array > 1)).any():
        raise UnitError("p: value(s) outside 0 to 1; wanted probabilities")
    result = np.full(array.shape, np.nan)
    tests = np.flatnonzero(~np.isnan(array))
    order = tests[np.argsort(array[tests], kind="stable")]
    raised = array[order] * len(order) / np.arange(1.0, len(order) + 1.0)
    result[order] = np.minimum.accumulate(raised[::-1])[::-1]
    return result


def _known(
    y: FloatArray, neighbours: sparse.csr_array
) -> tuple[FloatArray, sparse.csr_array, IntArray]:
    """Known values, who of them are neighbours, and where they stand."""
    near = sparse.csr_array(neighbours).astype(np.float64)
    if near.shape != (len(y), len(y)):
        raise ShapeError(f"neighbours: shape {near.shape}; wanted ({len(y)}, {len(y)})")
    if np.isinf(y).any():
        raise UnitError("values: infinite value(s); wanted numbers, or NaN where unknown")
    if not np.isin(near.data, (0.0, 1.0)).all():
        raise UnitError("neighbours: weight(s) other than 0 and 1; wanted 1 for a neighbour")
    known = np.flatnonzero(~np.isnan(y))
    if len(known) < len(y):
        near = near[known][:, known]
    if near.diagonal().any():
        near = near - sparse.diags_array(near.diagonal(), format="csr")
    near.eliminate_zeros()
    return y[known], sparse.csr_array(near), known


def _placed(part: FloatArray, known: IntArray, n: int) -> FloatArray:
    """Values of the known areas among all."""
    result = np.full(n, np.nan)
    result[known] = part
    return result


def _permuted(
    y: FloatArray, near: sparse.csr_array, permutations: int, rng: np.random.Generator | None
) -> FloatArray:
    """Two-sided p of the neighbours' sum among sums of as many other areas drawn at random."""
    if permutations < 0:
        raise UnitError(f"permutations: {permutations}; wanted 0 or more")
    result = np.full(len(y), np.nan)
    size = np.diff(near.indptr)
    if not permutations or not size.any() or y.min() == y.max():
        return result
    if rng is None:
        raise UnitError("rng: none; wanted a generator for the permutations")
    most = int(size.max())
    # One more than needed: it takes the place of the area itself where that is drawn.
    drawn = _draws(len(y), most + 1, permutations, rng)
    sums = np.cumsum(y[drawn[:, :most]], axis=1)
    lag = near @ y
    high, low = np.zeros(len(y)), np.zeros(len(y))
    for k in np.unique(size[size > 0]):
        areas, ranked = np.flatnonzero(size == k), np.sort(sums[:, k - 1])
        high[areas] = permutations - np.searchsorted(ranked, lag[areas], side="left")
        low[areas] = np.searchsorted(ranked, lag[areas], side="right")
    draw, column = np.nonzero(size[drawn[:, :most]] > np.arange(most))
    area = drawn[draw, column]
    wrong = sums[draw, size[area] - 1]
    right = wrong - y[area] + y[drawn[draw, most]]
    for tail, more in ((high, np.greater_equal), (low, np.less_equal)):
        change = more(right, lag[area]).astype(np.float64) - more(wrong, lag[area])
        np.add.at(tail, area, change)
    some = size > 0
    result[some] = np.minimum(2.0 * (np.minimum(high, low)[some] + 1.0) / (permutations + 1.0), 1.0)
    return result


def _draws(n: int, size: int, rows: int, rng: np.random.Generator) -> IntArray:
    """Rows of different areas, every choice and order equally likely."""
    if n < 4 * size * size:
        everyone = np.broadcast_to(np.arange(n), (rows, n))
        return rng.permuted(everyone, axis=1)[:, :size]
    drawn = rng.integers(n, size=(rows, size))
    while True:
        ranked = np.sort(drawn, axis=1)
        twice = np.flatnonzero((ranked[:, 1:] == ranked[:, :-1]).any(axis=1))
        if not twice.size:
            return drawn
        drawn[twice] = rng.integers(n, size=(len(twice), size))
