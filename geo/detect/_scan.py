"""Compiled windows of the scan statistic: one centre after the other, many replicates at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from geo.arrays import BoolArray, FloatArray, IntArray

Counts = npt.NDArray[np.int16] | npt.NDArray[np.int32]
Keys = npt.NDArray[np.uint64]
# Areas that enter a window at once where none of them can matter.
_RUN = 8


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
def _scale(xy: FloatArray) -> float:
    """Steps of squared distance a square unit: 2 ** 43 up to the largest there can be."""
    width, height = np.ptp(xy[:, 0]), np.ptp(xy[:, 1])
    steps: float = 2.0**43 / max(width * width + height * height, 1e-300)
    return steps


@njit(cache=True, error_model="numpy")
def _distance(xy: FloatArray, one: int, other: int, scale: float) -> np.uint64:
    """Squared distance between two areas in steps."""
    dx, dy = xy[other, 0] - xy[one, 0], xy[other, 1] - xy[one, 1]
    return np.uint64((dx * dx + dy * dy) * scale + 0.5)


@njit(cache=True, error_model="numpy", nogil=True)
def distance_keys(xy: FloatArray, centres: IntArray) -> Keys:
    """Keys that sort areas by distance from each centre, then by position.

    Parameters
    ----------
    xy : shape (n_areas, 2), n_areas up to 2 ** 20.
    centres : positions of the centres.

    Returns
    -------
    uint64, shape (n_centres, n_areas): squared distance in steps, which make one of what rounding
        alone tells apart; then the area.
    """
    scale = _scale(xy)
    keys = np.empty((centres.shape[0], xy.shape[0]), np.uint64)
    for i in range(centres.shape[0]):
        for area in range(xy.shape[0]):
            step = _distance(xy, centres[i], area, scale)
            keys[i, area] = (step << np.uint64(20)) | np.uint64(area)
    return keys


@njit(cache=True, error_model="numpy")
def reaching(xy: FloatArray, edge: IntArray, members: IntArray) -> BoolArray:
    """Which windows hold one of some areas.

    Parameters
    ----------
    xy : shape (n_areas, 2).
    edge : shape (n_durations, n_areas), farthest area of a window around each area.
    members : positions of the areas looked for.

    Returns
    -------
    bool, shape (n_areas,): the window of some duration does.
    """
    scale = _scale(xy)
    found = np.zeros(xy.shape[0], np.bool_)
    for i in range(xy.shape[0]):
        radius = np.uint64(0)
        for d in range(edge.shape[0]):
            radius = max(radius, _distance(xy, i, edge[d, i], scale))
        for member in members:
            if _distance(xy, i, member, scale) <= radius:
                found[i] = True
                break
    return found


@njit(cache=True, error_model="numpy", nogil=True)
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
def _enter_run(inside: Counts, counts: Counts, areas: npt.NDArray[np.uint32]) -> None:
    """Add `_RUN` areas at once, written out: what is inside is read and written once for all."""
    a, b, c, d = counts[areas[0]], counts[areas[1]], counts[areas[2]], counts[areas[3]]
    e, f, g, h = counts[areas[4]], counts[areas[5]], counts[areas[6]], counts[areas[7]]
    for r in range(inside.shape[0]):
        inside[r] += (a[r] + b[r] + c[r] + d[r]) + (e[r] + f[r] + g[r] + h[r])


@njit(cache=True, error_model="numpy")
def _most(inside: Counts) -> int:
    """Highest count of a replicate."""
    most = inside[0]
    for r in range(inside.shape[0]):
        most = max(most, inside[r])
    return int(most)


@njit(cache=True, error_model="numpy")
def _limit(low: float, high: float, total: float, least: float) -> float:
    """Cases up to which no window is above the lowest of the highest ratios.

    Up to half of the cases expected, and with those inside and expected together no more than all,
    the ratio is at most gap ** 2 / (2 expected (1 - expected / total)): the limit rises with what
    is expected, from `low` to `high` in the windows asked about.
    """
    width = np.sqrt(2.0 * low * (1.0 - low / total))
    limit: float = min(low + least * width, total - high)
    return limit


@njit(cache=True, error_model="numpy")
def _raise_to(
    inside: Counts, expected: float, total: float, best: FloatArray, root: FloatArray
) -> None:
    """Take a window's ratio as the highest of the replicates where it is; `root` is that of it."""
    width = np.sqrt(2.0 * expected * (1.0 - expected / total))
    for r in range(inside.shape[0]):
        count = float(inside[r])
        near = count <= expected + root[r] * width and count + expected <= total
        if near or count <= expected:
            continue
        value = _ratio(count, expected, total)
        if value > best[r]:
            best[r] = value
            root[r] = np.sqrt(value)


@njit(cache=True, error_model="numpy", nogil=True)
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
    cases = total * time_share
    for i in range(windows.length.shape[0]):
        order, share, closes = windows.order[i], windows.share[i], windows.closes[i]
        inside[:] = 0
        # No replicate has more cases inside than `most`; up to `single` it is area after area.
        k = most = single = 0
        while k < windows.length[i]:
            if k >= single:
                single = k + _RUN
                if single <= windows.length[i]:
                    more = 0
                    for area in order[k:single]:
                        more += peak[area]
                    limit = _limit(cases * share[k], cases * share[single - 1], total, least)
                    if most + more > limit:
                        most = _most(inside)
                    if most + more <= limit:
                        # None of these windows can be the highest of a replicate.
                        _enter_run(inside, counts, order[k:single])
                        most += more
                        k = single
                        continue
            area = order[k]
            _enter(inside, counts[area])
            most += peak[area]
            expected = cases * share[k]
            limit = _limit(expected, expected, total, least)
            k += 1
            if most <= limit or not closes[k - 1]:
                continue
            most = _most(inside)
            if most <= limit or expected <= 0.0:
                continue
            _raise_to(inside, expected, total, best, root)
            least = root.min()


@njit(cache=True, error_model="numpy", nogil=True)
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
