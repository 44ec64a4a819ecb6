"""Rows of a problem with the same sites in reach, told once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geo.arrays import BoolArray, FloatArray, IntArray
from geo.siting.instance import Instance


class CoverSets(NamedTuple):
    """Different sets of free sites in reach, with what they stand for.

    Attributes
    ----------
    indptr, site : sites of each set, ascending.
    weight, demand : sums over the rows of each set.
    town : town of each set, -1 for none or where towns do not matter.
    kept : 0, 1 or 2 (for more): required sites in reach of the rows.
    group : int64, shape (n,): set of each row.
    """

    indptr: IntArray
    site: IntArray
    weight: FloatArray
    demand: FloatArray
    town: IntArray
    kept: IntArray
    group: IntArray

    @property
    def size(self) -> IntArray:
        """Number of sites of each set.

        Returns
        -------
        int64, shape (n_sets,).
        """
        return np.diff(self.indptr)

    @property
    def set_of_pair(self) -> IntArray:
        """Set of each entry of `site`.

        Returns
        -------
        int64, shape (n_entries,).
        """
        return np.repeat(np.arange(len(self.weight)), self.size)


def shut_sites(instance: Instance) -> BoolArray:
    """Mark sites that cannot be open: forbidden, or too close to a required one.

    Parameters
    ----------
    instance : the problem.

    Returns
    -------
    bool, shape (n_sites,).
    """
    shut = instance.forbidden.copy()
    for one, other in ((0, 1), (1, 0)):
        shut[instance.conflicts[instance.required[instance.conflicts[:, one]], other]] = True
    return shut & ~(instance.required & ~instance.forbidden)


def site_keys(n_sites: int) -> tuple[IntArray, IntArray]:
    """Two numbers for each site, whose sums tell sets of sites apart.

    Parameters
    ----------
    n_sites : how many.

    Returns
    -------
    Two int64 arrays, shape (n_sites,).

    Notes
    -----
    SplitMix64 (Steele, Lea & Flood 2014). Sums wrap around; that two different ones of a million
    sets have both sums in common has a chance below 1e-26.
    """
    keys = []
    for seed in (1, 2):
        z = np.arange(1, n_sites + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z += np.uint64(seed) << np.uint64(40)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        keys.append((z ^ (z >> np.uint64(31))).view(np.int64))
    return keys[0], keys[1]


def sums_by(group: IntArray, amount: FloatArray, n: int) -> FloatArray:
    """Sum amounts by group.

    Parameters
    ----------
    group : int64: group of each amount; -1 belongs to none.
    amount : float64, same shape.
    n : number of groups.

    Returns
    -------
    float64, shape (n,).
    """
    inside = group >= 0
    return np.bincount(group[inside], weights=amount[inside], minlength=n).astype(np.float64)


def group_rows(*keys: IntArray) -> tuple[IntArray, IntArray]:
    """Group rows that are equal in all keys.

    Parameters
    ----------
    *keys : one value a row each.

    Returns
    -------
    int64, shape (n,): group of each row; and int64, shape (n_groups,): a row of each group. Groups
        are in the order of their keys, the first key first.

    Notes
    -----
    O(n log n).
    """
    order = np.lexsort(keys[::-1])
    changes = np.zeros(len(order), dtype=bool)
    changes[:1] = True
    for key in keys:
        changes[1:] |= np.diff(key[order]) != 0
    group = np.empty(len(order), dtype=np.int64)
    group[order] = np.cumsum(changes) - 1
    return group, order[changes]


def cover_sets(instance: Instance, *, towns: bool, ratios: bool = False) -> CoverSets:
    """Merge rows with the same free sites in reach.

    Parameters
    ----------
    instance : the problem.
    towns : whether rows of different towns are kept apart.
    ratios : whether rows whose demand counts differently are kept apart.

    Returns
    -------
    CoverSets.

    Notes
    -----
    O(n_pairs + n log n).
    """
    n = len(instance.weight)
    shut = shut_sites(instance)
    row = instance.row_of_pair
    free = ~(shut | instance.required)[instance.site]
    kept = np.bincount(row[instance.required[instance.site]], minlength=n)
    row, site = row[free], instance.site[free]
    size = np.bincount(row, minlength=n)
    indptr = np.concatenate([[0], np.cumsum(size)])
    sums = []
    for key in site_keys(instance.n_sites):
        total = np.concatenate([[0], np.cumsum(key[site])])
        sums.append(total[indptr[1:]] - total[indptr[:-1]])
    town = instance.row_town if towns else np.full(n, -1, dtype=np.int64)
    kept = np.minimum(kept, 2)
    keys = [size, *sums, town, kept]
    if ratios:
        keys.append((instance.weight / instance.demand).view(np.int64))
    group, first = group_rows(*keys)
    order = np.lexsort((site, row))
    row, site = row[order], site[order]
    place = np.full(n, -1, dtype=np.int64)
    place[first] = np.arange(len(first))
    mine = place[row] >= 0
    own = np.lexsort((site[mine], place[row[mine]]))
    return CoverSets(
        indptr=np.concatenate([[0], np.cumsum(size[first])]),
        site=site[mine][own],
        weight=sums_by(group, instance.weight, len(first)),
        demand=sums_by(group, instance.demand, len(first)),
        town=town[first],
        kept=kept[first],
        group=group,
    )
