"""The p-median without capacities, exactly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geo.arrays import BoolArray, FloatArray, IntArray
from geo.siting._evaluate import nearest_pair, objective_of
from geo.siting._found import NOTHING, PROVEN_WITHIN, Result, close, trivial_bound
from geo.siting._highs import Ending, Model, run
from geo.siting._progress import Progress
from geo.siting._rules import add_sites
from geo.siting._sets import group_rows, shut_sites, site_keys
from geo.siting.instance import Instance

# So many levels beyond the one that a known choice needs are modelled at once.
_MORE_LEVELS = 4


class _Levels(NamedTuple):
    """Free pairs by row, each row cut where some site is open for certain.

    Attributes
    ----------
    row, site, cost : pairs, by row and cost.
    level : int64, shape (n_pairs,): number of the pair's cost among those of its row, from 0.
    n_levels : int64, shape (n,).
    """

    row: IntArray
    site: IntArray
    cost: FloatArray
    level: IntArray
    n_levels: IntArray


def solve_median(
    instance: Instance, progress: Progress, *, start: BoolArray | None = None
) -> Result:
    """Solve a p-median problem without capacities.

    Parameters
    ----------
    instance : the problem.
    progress : time left, and whether the search is still wanted.
    start : a choice of sites that keeps every rule, to begin from.

    Returns
    -------
    Result.

    Notes
    -----
    A column says that no site is open within one of a row's costs (Cornuéjols, Nemhauser & Wolsey
    1980; Elloumi 2010); rows whose nearest sites are the same share columns (Church 2003). Only the
    nearest levels of a row are modelled; beyond them the next cost is taken, which is never too
    high, and levels are added until no choice would use them (García, Labbé & Marín 2011).
    """
    levels = _levels(instance)
    n = len(instance.weight)
    depth = np.minimum(levels.n_levels, _first_depth(instance, levels, start))
    best, bound = start, trivial_bound(instance)
    value = NOTHING if start is None else objective_of(instance, start)
    while True:
        model = Model(maximise=False)
        column = add_sites(model, instance)
        _add_levels(model, instance, levels, depth)
        outcome = run(
            model, progress, start=None if best is None else best.astype(np.float64),
            tell=lambda _, low: progress.tell(value, max(low, bound)),  # noqa: B023 called at once
        )  # fmt: skip
        if outcome.ending == Ending.INFEASIBLE:
            return Result(None, NOTHING, NOTHING, infeasible=True)
        bound = max(bound, outcome.bound)
        if len(outcome.values):
            opened = outcome.values[: len(column)] > 0.5
            worth = objective_of(instance, opened)
            if np.isfinite(worth) and not value <= worth:
                best, value = opened, worth
            deeper = _needed(levels, opened, n)
        else:
            deeper = depth
        done = best is not None and value - bound <= PROVEN_WITHIN * abs(value)
        if outcome.ending == Ending.STOPPED or done or (deeper <= depth).all():
            break
        more = np.where(deeper > depth, deeper + _MORE_LEVELS, depth)
        depth = np.minimum(more, levels.n_levels)
    if best is None:
        return Result(None, NOTHING, bound)
    bound, proven = close(value, bound, maximise=False)
    return Result(best, value, bound, proven=proven)


def _levels(instance: Instance) -> _Levels:
    n = len(instance.weight)
    shut = shut_sites(instance)
    row = instance.row_of_pair
    # Nobody goes farther than to the nearest site that is open whatever comes.
    sure = nearest_pair(row, instance.site, instance.required, n)
    limit = (
        np.where(sure >= 0, instance.cost[sure], np.inf)
        if len(instance.cost)
        else np.full(n, np.inf)
    )
    near = ~shut[instance.site] & (instance.cost <= limit[row])
    row, site, cost = row[near], instance.site[near], instance.cost[near]
    size = np.bincount(row, minlength=n)
    start = np.concatenate([[0], np.cumsum(size)])[:-1]
    if instance.p_exact and instance.p_total >= 0:
        # Fewer than p sites are left beyond so many: one of these is open.
        most = int((~shut).sum()) - instance.p_total + 1
        rank = np.arange(len(row)) - start[row]
        inside = rank < most
        row, site, cost = row[inside], site[inside], cost[inside]
    new = np.ones(len(row), dtype=bool)
    new[1:] = (np.diff(row) != 0) | (np.diff(cost) != 0)
    number = np.cumsum(new) - 1
    n_levels = np.bincount(row[new], minlength=n)
    before = np.concatenate([[0], np.cumsum(n_levels)])[:-1]
    return _Levels(row, site, cost, number - before[row], n_levels)


def _needed(levels: _Levels, opened: BoolArray, n: int) -> IntArray:
    """Levels of each row down to that of its nearest open site."""
    first = nearest_pair(levels.row, levels.site, opened, n)
    return (
        np.where(first >= 0, levels.level[first] + 1, levels.n_levels)
        if len(levels.row)
        else levels.n_levels
    )


def _first_depth(instance: Instance, levels: _Levels, start: BoolArray | None) -> IntArray:
    if start is not None:
        return _needed(levels, start, len(instance.weight)) + _MORE_LEVELS
    p = instance.p_total if instance.p_total > 0 else 1
    depth = 2 * instance.n_sites // p + _MORE_LEVELS
    return np.full(len(instance.weight), depth, dtype=np.int64)


def _add_levels(model: Model, instance: Instance, levels: _Levels, depth: IntArray) -> None:
    """Add columns for sets of nearest sites of which none is open, and what they cost."""
    inside = levels.level < depth[levels.row]
    row, site, cost, level = (
        part[inside] for part in (levels.row, levels.site, levels.cost, levels.level)
    )
    n = len(instance.weight)
    # One entry a row and level; its sites are those of this level and all before.
    new = np.ones(len(row), dtype=bool)
    new[1:] = (np.diff(row) != 0) | (np.diff(level) != 0)
    at = np.flatnonzero(new)
    last = np.append(at[1:], len(row)) - 1
    entry = np.cumsum(new) - 1
    e_row, e_level = row[at], level[at]
    row_start = np.searchsorted(row, np.arange(n))
    size = last + 1 - row_start[e_row]
    keys = [size]
    for key in site_keys(instance.n_sites):
        total = np.concatenate([[0], np.cumsum(key[site])])
        keys.append(total[last + 1] - total[row_start[e_row]])
    group, first = group_rows(*keys)
    # The cost of the next level, modelled or not; after the very last there is none.
    beyond = np.searchsorted(
        levels.row * (levels.n_levels.max(initial=0) + 2) + levels.level,
        e_row * (levels.n_levels.max(initial=0) + 2) + e_level + 1,
    )
    final = e_level + 1 == levels.n_levels[e_row]
    step = np.where(final, 0.0, levels.cost[np.minimum(beyond, len(levels.cost) - 1)] - cost[at])
    worth = np.bincount(group, weights=instance.weight[e_row] * step, minlength=len(first))
    model.offset += float(instance.weight @ levels.cost[np.searchsorted(levels.row, np.arange(n))])
    # Within its very last level each row has an open site: it must, or other rules see to it.
    served = np.zeros(len(first), dtype=bool)
    served[group[final]] = True
    column = model.add_columns(len(first), worth=worth, upper=np.where(served, 0.0, 1.0))
    # column(set) + open sites of the level >= column(set before), or 1 at the first level.
    mine = np.isin(entry, first)
    place = np.full(len(at), -1, dtype=np.int64)
    place[first] = np.arange(len(first))
    chained = np.flatnonzero(e_level[first] > 0)
    previous = column[group[first[chained] - 1]]
    model.add_rows(
        len(first),
        np.concatenate([place[entry[mine]], np.arange(len(first)), chained]),
        np.concatenate([site[mine], column, previous]),
        np.concatenate([np.ones(int(mine.sum()) + len(first)), np.full(len(chained), -1.0)]),
        lower=np.where(e_level[first] > 0, 0.0, 1.0),
    )
