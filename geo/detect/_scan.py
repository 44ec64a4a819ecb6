"""Compiled windows of the scan statistic: one centre after the other, many replicates at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from geo.arrays import BoolArray, FloatArray, IntArray

Counts = npt.NDArray[np.int16] | npt.NDArray[np.int32]
Keys = npt.NDArray[np.uint64]


class Windows(NamedTuple):
    """Circles around some centres, growing by one area a step.

    Attributes
    ----------
    order : uint32, shape (n_centres, n_areas), areas by distance.
    length : int64, shape (n_centres,), areas of the largest window.
    closes : bool, shape of `order`, False where the next area is as far: no circle ends here.
    share : float64, shape of `order`, share of the population within.
    """

    order: npt.NDArray[np.uint32]
    length: IntArray
    closes: BoolArray
    share: FloatArray


@njit(cache=True, error_model="numpy")
def _ratio(count: float, expected: float, total: float) -> float:
    """Logarithm of Kulldorff's likelihood ratio of a window with more cases than expected."""
    value: float = count * np.log(count / expected)
    if count < total:
        value += (total - count) * np.log((total - count) / (total - expected))
    return value


@njit(cache=True, error_model="numpy")
def distance_keys(xy: FloatArray, centres: IntArray) -> Keys:
    """Keys that sort areas by distance from each centre, then by position.

    Parameters
    ----------
    xy : shape (n_areas, 2), n_areas up to 2 ** 20.
    centres : positions of the centres.

    Returns
    -------
    uint64, shape (n_centres, n_areas): squared distance in 2 ** 43 steps up to the largest there
        can be, which makes one of what rounding alone tells apart; then the area.
    """
    width, height = np.ptp(xy[:, 0]), np.ptp(xy[:, 1])
    scale = 2.0**43 / max(width * width + height * height, 1e-300)
    keys = np.empty((centres.shape[0], xy.shape[0]), np.uint64)
    for i in range(centres.shape[0]):
        x, y = xy[centres[i], 0], xy[centres[i], 1]
        for area in range(xy.shape[0]):
            dx, dy = xy[area, 0] - x, xy[area, 1] - y
            step = np.uint64((dx * dx + dy * dy) * scale + 0.5)
            keys[i, area] = (step << np.uint64(20)) | np.uint64(area)
    return keys


@njit(cache=True, error_model="numpy")
def circles(keys: Keys, share: FloatArray, max_share: float) -> Windows:
    """Windows from sorted keys.

    Parameters
    ----------
    keys : uint64, shape (n_centres, n_areas), each row sorted.
    share : shape (n_areas,), share of the population.
    max_share : largest share in a window.

    Returns
    -------
    Windows : what lies beyond the largest window is not filled in.
    """
    shape = keys.shape
    order, length = np.empty(shape, np.uint32), np.zeros(shape[0], np.int64)
    closes, within = np.empty(shape, np.bool_), np.empty(shape)
    for i in range(shape[0]):
        held = 0.0
        for k in range(shape[1]):
            area = keys[i, k] & np.uint64(2**20 - 1)
            held += share[area]
            if held > max_share * (1.0 + 1e-12):
                break
            order[i, k] = area
            within[i, k] = held
            last = k + 1 == shape[1]
            closes[i, k] = last or keys[i, k] >> np.uint64(20) != keys[i, k + 1] >> np.uint64(20)
            length[i] = k + 1
    return Windows(order, length, closes, within)


@njit(cache=True, error_model="numpy")
def _enter(inside: Counts, added: Counts) -> None:
    """Add an area to a window of all replicates."""
    for r in range(inside.shape[0]):
        inside[r] += added[r]


@njit(cache=True, error_model="numpy")
def highest(
    windows: Windows, counts: Counts, total: float, time_share: float, best: FloatArray
) -> None:
    """Raise the highest likelihood ratio of each replicate, in place.

    Parameters
    ----------
    windows : circles around some centres.
    counts : shape (n_areas, n_replicates).
    total : cases of each replicate, in all weeks.
    time_share : share of the weeks the counts are of.
    best : shape (n_replicates,), >= 0, overwritten.
    """
    inside = np.zeros(counts.shape[1], counts.dtype)
    peak = np.zeros(counts.shape[0], np.int64)
    for area in range(counts.shape[0]):
        peak[area] = counts[area].max()
    root = np.sqrt(best)
    least = root.min()
    for i in range(windows.length.shape[0]):
        inside[:] = 0
        # No replicate has more cases inside than this.
        most = 0
        for k in range(windows.length[i]):
            area = windows.order[i, k]
            _enter(inside, counts[area])
            most += peak[area]
            # Up to half of the cases expected, and with those inside and expected together no
            # more than all, the ratio is at most gap ** 2 / (2 expected (1 - expected / total)).
            expected = total * time_share * windows.share[i, k]
            width = np.sqrt(2.0 * expected * (1.0 - expected / total))
            if most <= min(expected + least * width, total - expected) or not windows.closes[i, k]:
                continue
            most = 0
            for r in range(inside.shape[0]):
                most = max(most, inside[r])
            if most <= min(expected + least * width, total - expected) or expected <= 0.0:
                continue
            for r in range(inside.shape[0]):
                count = float(inside[r])
                near = count <= expected + root[r] * width and count + expected <= total
                if near or count <= expected:
                    continue
                value = _ratio(count, expected, total)
                if value > best[r]:
                    best[r] = value
                    root[r] = np.sqrt(value)
            least = root.min()


@njit(cache=True, error_model="numpy")
def best_windows(
    windows: Windows, counts: FloatArray, total: float, time_share: float, taken: BoolArray
) -> tuple[FloatArray, IntArray]:
    """Most likely window of each centre that holds no taken area.

    Parameters
    ----------
    windows : circles around some centres.
    counts : shape (n_areas,).
    total : all cases, in all weeks.
    time_share : share of the weeks the counts are of.
    taken : bool, shape (n_areas,).

    Returns
    -------
    ratio : float64, shape (n_centres,), 0 where no window has more cases than expected.
    size : int64, areas of that window.
    """
    n = windows.length.shape[0]
    ratio, size = np.zeros(n), np.zeros(n, np.int64)
    for i in range(n):
        inside = 0.0
        for k in range(windows.length[i]):
            area = windows.order[i, k]
            if taken[area]:
                break
            inside += counts[area]
            expected = total * time_share * windows.share[i, k]
            if windows.closes[i, k] and inside > expected > 0.0:
                value = _ratio(inside, expected, total)
                if value > ratio[i]:
                    ratio[i] = value
                    size[i] = k + 1
    return ratio, size
