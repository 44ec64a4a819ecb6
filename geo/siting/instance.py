"""A siting problem as arrays: what the solvers work on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geo.arrays import BoolArray, FloatArray, IntArray
from geo.siting.problem import Objective


@dataclass(frozen=True)
class Instance:
    """A checked problem, points and sites by position.

    Rows are points with demand, or point and group where kinds serve groups, in the order of their
    codes; sites are in the order of theirs. Identical rows are not merged yet.

    Attributes
    ----------
    objective : what is asked.
    weight : float64, shape (n,), > 0: demand × weight of the group. Rows without demand are left
        out.
    demand : float64, shape (n,), > 0: demand as it is, which capacity and shares are about.
    indptr : int64, shape (n + 1,): pairs of row i stand at indptr[i]:indptr[i + 1].
    site : int64, shape (n_pairs,): position of the site, ascending cost within a row, then
        position; pairs with forbidden sites and beyond the radius are left out.
    cost : float64, shape (n_pairs,).
    n_sites : number of sites.
    required, forbidden : bool, shape (n_sites,).
    opening_cost : float64, shape (n_sites,); for set_cover 1 each where no cost was given.
    budget : limit of the sum of the opening costs; inf for none.
    kind : int64, shape (n_sites,): position of the kind in `p`, 0 where there is one kind.
    p : int64, shape (n_kinds,): sites of each kind, -1 for no limit; of one kind `p_total`.
    p_total : sites in all, -1 for no limit.
    p_exact : whether exactly that many are asked for.
    capacity : float64, shape (n_sites,), inf for no limit; None where capacity is not asked for.
    split : whether a row may be shared among sites.
    conflicts : int64, shape (k, 2): pairs of sites too close to be open together, neither
        forbidden, the first before the second.
    closable : bool, shape (n_sites,).
    max_closures : at most so many closable sites are left out; -1 for any number.
    row_town : int64, shape (n,): town of the row, -1 for none.
    site_town : int64, shape (n_sites,), -1 for none.
    n_towns : number of towns.
    one_per_town : whether each town needs an open site.
    min_town_share : float64, shape (n_towns,), 0 where nothing is asked.
    town_demand : float64, shape (n_towns,): demand of all points of the town.
    worst_first : lexicographic: lowest share of a town first.
    backup_weight : worth of a second cover.
    cover_all : whether every row must be covered.
    """

    objective: Objective
    weight: FloatArray
    demand: FloatArray
    indptr: IntArray
    site: IntArray
    cost: FloatArray
    n_sites: int
    required: BoolArray
    forbidden: BoolArray
    opening_cost: FloatArray
    budget: float
    kind: IntArray
    p: IntArray
    p_total: int
    p_exact: bool
    capacity: FloatArray | None
    split: bool
    conflicts: IntArray
    closable: BoolArray
    max_closures: int
    row_town: IntArray
    site_town: IntArray
    n_towns: int
    one_per_town: bool
    min_town_share: FloatArray
    town_demand: FloatArray
    worst_first: bool
    backup_weight: float
    cover_all: bool

    @property
    def row_of_pair(self) -> IntArray:
        """Row of each pair.

        Returns
        -------
        int64, shape (n_pairs,), ascending.
        """
        return np.repeat(np.arange(len(self.weight)), np.diff(self.indptr))

    @property
    def is_plain(self) -> bool:
        """Whether nothing is asked but weights, pairs, locks and a number of sites of one kind.

        Returns
        -------
        True where the heuristics know every constraint.
        """
        return (
            self.capacity is None
            and len(self.p) == 1
            and not len(self.conflicts)
            and self.max_closures < 0
            and not self.one_per_town
            and not self.min_town_share.any()
            and not self.worst_first
            and self.budget == float("inf")
        )
