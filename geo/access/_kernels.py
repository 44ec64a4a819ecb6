"""Compiled loops of the rational agents. Imported by the functions that use them.

Pairs stand in the order of the areas; those of area i are first[i] to first[i + 1]. Nothing runs
in parallel: a web server forks, and OpenMP does not survive it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo.arrays import FloatArray, IntArray


@njit(cache=True, error_model="numpy")
def soft_choice(
    first: IntArray,
    site: IntArray,
    travel: FloatArray,
    persons: FloatArray,
    price: FloatArray,
    heat: float,
    assigned: FloatArray,
    load: FloatArray,
) -> float:
    """Share each area's persons out by exp(-cost / heat); return the smoothed sum of their costs.

    Parameters
    ----------
    first : where each area's pairs start, and their number at the end.
    site : position of each pair's site.
    travel : way of each pair, in parts of tau.
    persons : demand of each area.
    price : congestion cost of each site.
    heat : how much dearer a site may be and still be chosen by some.
    assigned : persons of each pair; written.
    load : demand of each site; written.

    Returns
    -------
    Sum of -heat * log(sum of exp(-cost / heat)) over all persons.
    """
    summed = 0.0
    load[:] = 0.0
    for i in range(persons.shape[0]):
        low, high = first[i], first[i + 1]
        if low == high or persons[i] <= 0.0:
            assigned[low:high] = 0.0
            continue
        cheapest = np.inf
        for k in range(low, high):
            assigned[k] = travel[k] + price[site[k]]
            cheapest = min(cheapest, assigned[k])
        total = 0.0
        for k in range(low, high):
            dearer = (assigned[k] - cheapest) / heat
            # exp(-18) of an area's persons is nobody.
            assigned[k] = np.exp(-dearer) if dearer < 18.0 else 0.0
            total += assigned[k]
        share = persons[i] / total
        for k in range(low, high):
            if assigned[k] > 0.0:
                assigned[k] *= share
                load[site[k]] += assigned[k]
        summed += persons[i] * (cheapest - heat * np.log(total))
    return summed


@njit(cache=True, error_model="numpy")
def chosen(
    first: IntArray, site: IntArray, persons: FloatArray, assigned: FloatArray, least: float
) -> tuple[IntArray, IntArray, FloatArray]:
    """Pairs that some of an area's persons take, without those that hardly anybody takes.

    Parameters
    ----------
    first : where each area's pairs start, and their number at the end.
    site : position of each pair's site.
    persons : demand of each area.
    assigned : persons of each pair.
    least : smallest part of an area's persons that counts.

    Returns
    -------
    Where the kept pairs of each area start; their sites; their persons over the root of the
    area's.
    """
    n = persons.shape[0]
    start = np.zeros(n + 1, np.int64)
    for i in range(n):
        start[i + 1] = start[i]
        for k in range(first[i], first[i + 1]):
            start[i + 1] += assigned[k] > least * persons[i]
    where, root = np.empty(start[n], np.int64), np.empty(start[n])
    for i in range(n):
        at = start[i]
        for k in range(first[i], first[i + 1]):
            if assigned[k] > least * persons[i]:
                where[at], root[at] = site[k], assigned[k] / np.sqrt(persons[i])
                at += 1
    return start, where, root


@njit(cache=True, error_model="numpy")
def bend(
    start: IntArray, where: IntArray, root: FloatArray, own: FloatArray, change: FloatArray
) -> FloatArray:
    """Curvature of the smoothed costs times a change of the prices; it is never held.

    Parameters
    ----------
    start : as `chosen` returns it.
    where : as `chosen` returns it.
    root : as `chosen` returns it, over the root of the heat.
    own : curvature of each site for itself.
    change : of the price of each site.

    Returns
    -------
    float64, shape (n_sites,).
    """
    bent = own * change
    for i in range(start.shape[0] - 1):
        shared = 0.0
        for k in range(start[i], start[i + 1]):
            shared += root[k] * change[where[k]]
        for k in range(start[i], start[i + 1]):
            bent[where[k]] -= root[k] * shared
    return bent


@njit(cache=True, error_model="numpy")
def settle(
    first: IntArray,
    site: IntArray,
    travel: FloatArray,
    persons: FloatArray,
    room: FloatArray,
    load: FloatArray,
    assigned: FloatArray,
    direction: int,
) -> None:
    """Let the persons of one area after the other choose best, as the others stand by then.

    Within an area every site that is used costs the same and no other costs less.

    Parameters
    ----------
    first : where each area's pairs start, and their number at the end.
    site : position of each pair's site.
    travel : way of each pair, in parts of tau.
    persons : demand of each area.
    room : demand at which each site's congestion cost is 1.
    load : demand of each site; written.
    assigned : persons of each pair; written.
    direction : 1 from the first area to the last, -1 from the last to the first.
    """
    n = persons.shape[0]
    for step in range(n):
        i = step if direction > 0 else n - 1 - step
        low, high = first[i], first[i + 1]
        if low == high or persons[i] <= 0.0:
            continue
        asked, given = persons[i], 0.0
        for k in range(low, high):
            j = site[k]
            load[j] -= assigned[k]
            # The cost without anybody of this area.
            assigned[k] = travel[k] + max(load[j], 0.0) / room[j]
            asked += assigned[k] * room[j]
            given += room[j]
        level = asked / given
        while True:
            asked, given = persons[i], 0.0
            for k in range(low, high):
                if assigned[k] < level:
                    asked += assigned[k] * room[site[k]]
                    given += room[site[k]]
            lower = asked / given
            if not lower < level:
                break
            level = lower
        for k in range(low, high):
            assigned[k] = max(level - assigned[k], 0.0) * room[site[k]]
            load[site[k]] += assigned[k]


@njit(cache=True, error_model="numpy")
def paid_and_lowest(
    first: IntArray,
    site: IntArray,
    travel: FloatArray,
    congestion: FloatArray,
    assigned: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Sum of what the persons of each area pay, and the lowest cost on offer to it.

    Parameters
    ----------
    first : where each area's pairs start, and their number at the end.
    site : position of each pair's site.
    travel : way of each pair, in parts of tau.
    congestion : cost of each site.
    assigned : persons of each pair.

    Returns
    -------
    Two float64 arrays, shape (n_areas,); the lowest is NaN where no site is within reach.
    """
    n = first.shape[0] - 1
    paid, lowest = np.zeros(n), np.full(n, np.nan)
    for i in range(n):
        for k in range(first[i], first[i + 1]):
            cost = travel[k] + congestion[site[k]]
            paid[i] += assigned[k] * cost
            if not cost >= lowest[i]:
                lowest[i] = cost
    return paid, lowest


@njit(cache=True, error_model="numpy")
def shift(
    first: IntArray,
    site: IntArray,
    travel: FloatArray,
    persons: FloatArray,
    room: FloatArray,
    assigned: FloatArray,
    share: float,
    most: float,
) -> None:
    """Move whole persons of each area from the dearest site they use to the cheapest, all at once.

    Parameters
    ----------
    first : where each area's pairs start, and their number at the end.
    site : position of each pair's site.
    travel : way of each pair, in parts of tau.
    persons : demand of each area.
    room : demand at which each site's congestion cost is 1.
    assigned : persons of each pair; written.
    share : largest part of an area's persons that moves.
    most : moves are scaled down where a site would gain more than so many times its room.
    """
    n, m = persons.shape[0], room.shape[0]
    load = np.zeros(m)
    for k in range(site.shape[0]):
        load[site[k]] += assigned[k]
    congestion = load / room
    gained = np.zeros(m)
    to, off, moved = np.full(n, -1), np.full(n, -1), np.zeros(n)
    for i in range(n):
        cheapest, dearest = np.inf, -np.inf
        for k in range(first[i], first[i + 1]):
            cost = congestion[site[k]] + travel[k]
            if cost < cheapest:
                cheapest, to[i] = cost, k
            if assigned[k] != 0.0 and cost > dearest:
                dearest, off[i] = cost, k
        if to[i] == off[i] or to[i] < 0 or off[i] < 0:
            continue
        low, high = site[to[i]], site[off[i]]
        # In the order of the published code, so that roundings agree.
        both = assigned[to[i]] + assigned[off[i]]
        others_low, others_high = load[low] - assigned[to[i]], load[high] - assigned[off[i]]
        level = ((room[low] * room[high]) / (room[low] + room[high])) * (
            (travel[off[i]] - travel[to[i]])
            + (both + others_high) / room[high]
            - others_low / room[low]
        )
        wanted = min(level - assigned[to[i]], assigned[off[i]], share * persons[i])
        moved[i] = np.trunc(wanted)
        gained[low] += moved[i]
    for i in range(n):
        if moved[i] == 0.0:
            continue
        low = site[to[i]]
        moved[i] = np.rint(moved[i] / max(gained[low] / room[low] / most, 1.0))
        assigned[to[i]] += moved[i]
        assigned[off[i]] -= moved[i]
