"""A coverage problem without what does not matter: who is the same is told once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geo.arrays import FloatArray, IntArray
from geo.siting.instance import Instance
from geo.siting.problem import Objective


@dataclass(frozen=True)
class Cover:
    """Rows with different sets of sites that may be opened, and what covering them is worth.

    Attributes
    ----------
    indptr, site : sites of each row, by position in `free`.
    start, row : rows of each site.
    first, second : float64, shape (n,): worth of a row's first and second cover.
    free : int64: sites that may be opened or not, positions in the instance.
    kept : int64: sites that are open whatever comes, positions in the instance.
    p : sites to open of the free ones; more never harm.
    base : worth of what the kept ones cover.
    """

    indptr: IntArray
    site: IntArray
    start: IntArray
    row: IntArray
    first: FloatArray
    second: FloatArray
    free: IntArray
    kept: IntArray
    p: int
    base: float

    @property
    def pairs(self) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """Pairs by row and by site, as the loops want them.

        Returns
        -------
        indptr, site, start, row.
        """
        return self.indptr, self.site, self.start, self.row


def sites_to_open(instance: Instance) -> int:
    """How many sites may be open in all, where all are of one kind.

    Parameters
    ----------
    instance : the problem.

    Returns
    -------
    The lowest of the limits, and no more than there are sites that are not forbidden.

    Examples
    --------
    >>> import pandas as pd
    >>> from geo.siting import SitingProblem, prepare
    >>> costs = pd.DataFrame({"s": [1.0, 2.0, 9.0], "t": [9.0, 3.0, 1.0]}, index=list("abc"))
    >>> demand = pd.Series([5.0, 2.0, 4.0], index=list("abc"))
    >>> sites_to_open(prepare(SitingProblem("max_coverage", costs, demand, p=1, radius=3)))
    1
    """
    limits = [int(instance.p[0]), instance.p_total, int((~instance.forbidden).sum())]
    return min(limit for limit in limits if limit >= 0)


def compact_cover(instance: Instance) -> Cover:
    """Leave out what the required sites cover and merge rows with one set of sites.

    Parameters
    ----------
    instance : max_coverage or backup_coverage with sites of one kind.

    Returns
    -------
    The same problem with fewer rows.

    Notes
    -----
    O(n_pairs + n log n). A row that a required site covers has only its second cover to give.

    Examples
    --------
    >>> import pandas as pd
    >>> from geo.siting import SitingProblem, prepare
    >>> costs = pd.DataFrame({"s": [1.0, 2.0, 9.0], "t": [9.0, 3.0, 1.0]}, index=list("abc"))
    >>> demand = pd.Series([5.0, 2.0, 4.0], index=list("abc"))
    >>> cover = compact_cover(
    ...     prepare(SitingProblem("max_coverage", costs, demand, p=2, radius=3, required=["s"])))
    >>> cover.base, cover.first.tolist()
    (7.0, [4.0])
    """
    backup = instance.objective == Objective.BACKUP_COVERAGE
    part = instance.backup_weight if backup else 0.0
    first, second = instance.weight * (1.0 - part), instance.weight * part
    count = _kept_covers(instance)
    base = float(first[count > 0].sum() + second[count > 1].sum())
    first = np.where(count > 0, second, first)
    second = np.where(count > 0, 0.0, second)
    alive = (count < 2) & (first + second > 0.0)
    is_free = ~instance.required & ~instance.forbidden
    kept = np.flatnonzero(instance.required)
    return _merged(
        (instance.indptr, instance.site), (first, second), alive, is_free,
        free=np.flatnonzero(is_free), kept=kept, p=sites_to_open(instance) - len(kept), base=base,
    )  # fmt: skip


def _kept_covers(instance: Instance) -> IntArray:
    from geo.siting._kernels import covers  # noqa: PLC0415

    return covers(instance.indptr, instance.site, instance.required)


def _merged(
    pairs: tuple[IntArray, IntArray],
    worth: tuple[FloatArray, FloatArray],
    alive: np.ndarray[tuple[int], np.dtype[np.bool_]],
    is_free: np.ndarray[tuple[int], np.dtype[np.bool_]],
    *,
    free: IntArray,
    kept: IntArray,
    p: int,
    base: float,
) -> Cover:
    """Keep some rows and sites, and add up rows that are left with one set of sites."""
    from geo.siting._kernels import same_sets, transpose  # noqa: PLC0415

    indptr, site = pairs
    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    stays = is_free[site] & alive[rows]
    new_site = np.cumsum(is_free) - 1
    site, length = new_site[site[stays]], np.bincount(rows[stays], minlength=len(indptr) - 1)
    used = length > 0
    length, first, second = length[used], worth[0][used], worth[1][used]
    indptr = np.concatenate([[0], np.cumsum(length)])
    key = _set_keys(indptr, site, int(is_free.sum()))
    group = same_sets(np.argsort(key, kind="stable"), key, indptr, site, int(is_free.sum()))
    _, head = np.unique(group, return_index=True)
    n_groups = len(head)
    first, second = (
        np.bincount(group, weights=one, minlength=n_groups).astype(np.float64)
        for one in (first, second)
    )
    # Rows in the order of their first member, so that neighbours stay neighbours in memory.
    order = np.argsort(head, kind="stable")
    head, first, second = head[order], first[order], second[order]
    length = length[head]
    ends = np.cumsum(length)
    at = np.repeat(indptr[head] - (ends - length), length) + np.arange(int(length.sum()))
    indptr, site = np.concatenate([[0], ends]).astype(np.int64), np.ascontiguousarray(site[at])
    start, pair = transpose(indptr, site, int(is_free.sum()))
    row = np.repeat(np.arange(len(head)), length)[pair]
    return Cover(indptr, site, start, row, first, second, free, kept, p, base)


def _set_keys(indptr: IntArray, site: IntArray, n_sites: int) -> IntArray:
    """Sum of a scrambled number by site: the same for the same set, whatever its order."""
    with np.errstate(over="ignore"):
        number = (np.arange(n_sites, dtype=np.uint64) + np.uint64(1)) * np.uint64(
            0x9E3779B97F4A7C15
        )
        number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        number ^= number >> np.uint64(31)
        if not len(site):
            return np.zeros(len(indptr) - 1, np.int64)
        return np.add.reduceat(number[site], indptr[:-1]).view(np.int64)
