"""Compiled loops over the groups of children. Imported by the functions that use them."""

from __future__ import annotations

import numpy as np
from numba import njit

from geo.arrays import BoolArray, FloatArray, IntArray


@njit(cache=True)
def settle(  # noqa: C901, PLR0912 -- one compiled loop, told in its docstring
    order: IntArray,
    starts: IntArray,
    layers: tuple[BoolArray, BoolArray, FloatArray, FloatArray],
    down: FloatArray,
    movable: BoolArray,
    part: IntArray,
    chosen: BoolArray,
    need: FloatArray,
    partner: BoolArray,
    size: FloatArray,
    new: int,
) -> None:
    """Give up sums until every count that needs it can be raised far enough; changes in place.

    Parameters
    ----------
    order : areas sorted by group.
    starts : where each group starts in `order`, with the end appended.
    layers : shape (n_layers, n_groups) each: whether the group's sum is bound, whether its parent
        is withheld, by how much the parent may have to fall, and be raised.
    down : by how much each count can fall, shape (n_layers, n_areas).
    movable : whether it is withheld at all, same shape.
    part : 0 where free, else the published sum the count is part of, same shape.
    chosen : areas whose new sum is to be published, shape (n_areas,).
    need : by how much a count must be able to rise, shape of `down`; 0 where it need not.
    partner : counts that must be able to fall against a free neighbour, same shape.
    size : the new sums, shape (n_areas,): the smallest goes first.
    new : part number of the new sums.
    """
    bound, above, above_down, supply = layers
    n_layers = down.shape[0]
    n_parts = max(new, part.max())
    for g in range(len(starts) - 1):
        members = order[starts[g] : starts[g + 1]]
        if not chosen[members].any():
            continue
        room = _room(n_layers, len(members), n_parts)
        for t in range(n_layers):
            while above[t, g] and not _bears(members, down, movable, part, t, above_down[t, g]):
                if not _give_up(members, movable, part, chosen, size, new, t, -1):
                    break
            for i in members:
                while partner[t, i] and _free_sum(members, movable, movable, part, t, i) == 0:
                    if not _give_up(members, movable, part, chosen, size, new, t, -1):
                        break
        for t in range(n_layers):
            for i in members:
                if need[t, i] <= 0:
                    continue
                while (
                    _raise(
                        members,
                        down,
                        movable,
                        part,
                        t,
                        i,
                        need[t, i],
                        bound[:, g],
                        room,
                        supply[t, g],
                    )
                    < need[t, i]
                ):
                    own = 0.0
                    if chosen[i]:
                        for u in range(n_layers):
                            if u != t and part[u, i] == part[t, i]:
                                own += down[u, i]
                    only = i if chosen[i] and part[t, i] == new and own < need[t, i] else -1
                    if not _give_up(members, movable, part, chosen, size, new, t, only):
                        break


@njit(cache=True)
def deficits(
    order: IntArray,
    starts: IntArray,
    bound: BoolArray,
    down: FloatArray,
    movable: BoolArray,
    part: IntArray,
    need: FloatArray,
) -> FloatArray:
    """By how much each group's parent must be able to rise for its children's sake.

    Parameters
    ----------
    order : areas sorted by group.
    starts : where each group starts in `order`, with the end appended.
    bound : whether the group's sum is bound, shape (n_layers, n_groups).
    down : by how much each count can fall, shape (n_layers, n_areas).
    movable : whether it is withheld at all, same shape.
    part : 0 where free, else the published sum the count is part of, same shape.
    need : by how much a count must be able to rise, same shape.

    Returns
    -------
    float64, shape (n_layers, n_groups).
    """
    n_layers = down.shape[0]
    n_parts = max(1, part.max())
    out = np.zeros((n_layers, len(starts) - 1))
    for g in range(len(starts) - 1):
        members = order[starts[g] : starts[g + 1]]
        room = _room(n_layers, len(members), n_parts)
        for t in range(n_layers):
            for i in members:
                if need[t, i] > out[t, g]:
                    found = _raise(
                        members, down, movable, part, t, i, need[t, i], bound[:, g], room, 0.0
                    )
                    out[t, g] = max(out[t, g], need[t, i] - found)
    return out


@njit(cache=True)
def _room(
    n_layers: int, n: int, n_parts: int
) -> tuple[FloatArray, IntArray, IntArray, BoolArray, IntArray]:
    nodes = n_layers + 1 + n * n_parts
    return (
        np.zeros((n_layers, n)),
        np.zeros(nodes, dtype=np.int64),
        np.zeros(nodes, dtype=np.int64),
        np.zeros(nodes, dtype=np.bool_),
        np.array([n_parts], dtype=np.int64),
    )


@njit(cache=True)
def _free_sum(members, down, movable, part, t, i):  # type: ignore[no-untyped-def]
    """What the free neighbours of `i` have of `down` in layer `t`."""
    total = 0.0
    for j in members:
        if j != i and movable[t, j] and part[t, j] == 0:
            total += down[t, j]
    return total


@njit(cache=True)
def _bears(members, down, movable, part, t, wanted):  # type: ignore[no-untyped-def]
    """Whether the free children alone can follow their withheld parent up and down."""
    some = False
    total = 0.0
    for j in members:
        if movable[t, j] and part[t, j] == 0:
            some = True
            total += down[t, j]
    return some and total >= wanted


@njit(cache=True)
def _give_up(members, movable, part, chosen, size, new, t, only):  # type: ignore[no-untyped-def]
    """Give up `only`, or the smallest new sum of those that can move in `t`, or of all."""
    best = only
    for anywhere in (False, True):
        if best < 0:
            for j in members:
                if chosen[j] and (anywhere or movable[t, j]) and (best < 0 or size[j] < size[best]):
                    best = j
    if best < 0:
        return False
    chosen[best] = False
    for u in range(part.shape[0]):
        if part[u, best] == new:
            part[u, best] = 0
    return True


@njit(cache=True)
def _raise(  # type: ignore[no-untyped-def]  # noqa: C901, PLR0912, PLR0915 -- a maximum flow
    members, down, movable, part, w, i, need, bound, room, supply
):
    """How far, up to `need`, the count of `i` in layer `w` can rise while all sums stay.

    A flow from the area back to its layer: areas and layers are nodes, a count that rises carries
    from its layer to its area, one that falls from its area to its layer. All that is free is one
    node.
    """
    if part[w, i] == 0:
        if not bound[w]:
            return need
        if supply + _free_sum(members, down, movable, part, w, i) >= need:
            return need
    moved, came_from, via, seen, parts = room
    n_layers, n = moved.shape
    n_parts = parts[0]
    moved[:] = 0.0
    source = n_layers
    if part[w, i] > 0:
        for b in range(n):
            if members[b] == i:
                source = n_layers + 1 + b * n_parts + part[w, i] - 1
    queue = np.empty(len(seen), dtype=np.int64)
    total = 0.0
    while total < need:
        seen[:] = False
        seen[source] = True
        queue[0] = source
        head, tail, found = 0, 1, -1
        while head < tail and found < 0:
            v = queue[head]
            head += 1
            if v < n_layers:
                for b in range(n):
                    j = members[b]
                    if not movable[v, j] or (v == w and j == i):
                        continue
                    u = n_layers
                    if part[v, j] > 0:
                        u = n_layers + 1 + b * n_parts + part[v, j] - 1
                    if not seen[u]:
                        seen[u] = True
                        came_from[u] = v
                        via[u] = b
                        queue[tail] = u
                        tail += 1
                continue
            first, last, p = 0, n, 0
            if v > n_layers:
                first = (v - n_layers - 1) // n_parts
                last = first + 1
                p = (v - n_layers - 1) % n_parts + 1
            for t in range(n_layers):
                if seen[t]:
                    continue
                for b in range(first, last):
                    j = members[b]
                    if part[t, j] != p or not movable[t, j] or (t == w and j == i):
                        continue
                    if down[t, j] + moved[t, b] > 0:
                        seen[t] = True
                        came_from[t] = v
                        via[t] = b
                        queue[tail] = t
                        tail += 1
                        if t == w or (not bound[w] and not bound[t]):
                            found = t
                        break
                if found >= 0:
                    break
        if found < 0:
            break
        push = need - total
        v = found
        while v != source:
            if v < n_layers:
                push = min(push, down[v, members[via[v]]] + moved[v, via[v]])
            v = came_from[v]
        v = found
        while v != source:
            if v < n_layers:
                moved[v, via[v]] -= push
            else:
                moved[came_from[v], via[v]] += push
            v = came_from[v]
        total += push
    if part[w, i] == 0:
        total = max(total, supply + _free_sum(members, down, movable, part, w, i))
    return min(total, need)
