"""A choice of sites to begin from, whatever the rules: greedy, and checked."""

from __future__ import annotations

import numpy as np

from geo.arrays import BoolArray, FloatArray
from geo.siting._evaluate import allowed, counts, enough_in_towns, objective_of
from geo.siting._progress import Progress
from geo.siting._sets import shut_sites, sums_by
from geo.siting.instance import Instance
from geo.siting.problem import Objective


def greedy_start(instance: Instance, progress: Progress) -> BoolArray | None:
    """Open one site after the other, the most useful first, as far as the rules allow.

    Parameters
    ----------
    instance : a problem without capacities.
    progress : time left, and whether the search is still wanted.

    Returns
    -------
    bool, shape (n_sites,): a choice that keeps every rule; None where this way leads to none.

    Notes
    -----
    O(n_pairs) a site.
    """
    opened = instance.required.copy()
    free = ~shut_sites(instance) & ~opened
    if instance.max_closures >= 0:
        stay = int(instance.closable.sum()) - instance.max_closures
        for _ in range(stay):
            _open_best(instance, opened, _addable(instance, opened, free) & instance.closable)
    if instance.one_per_town:
        for town in range(instance.n_towns):
            inside = instance.site_town == town
            if not (opened & inside).any():
                _open_best(instance, opened, _addable(instance, opened, free) & inside)
    while not progress.over and _open_best(
        instance, opened, _addable(instance, opened, free), useful=not instance.p_exact
    ):
        pass
    reached = (counts(instance, opened) > 0).astype(np.float64)
    if not allowed(instance, opened) or not enough_in_towns(instance, reached):
        return None
    return opened if np.isfinite(objective_of(instance, opened)) else None


def _addable(instance: Instance, opened: BoolArray, free: BoolArray) -> BoolArray:
    """Mark sites that may be opened beside those that are."""
    may = free & ~opened
    of_kind = np.bincount(instance.kind[opened], minlength=len(instance.p))
    may &= ((instance.p < 0) | (of_kind < instance.p))[instance.kind]
    if 0 <= instance.p_total <= opened.sum():
        may[:] = False
    may &= instance.opening_cost[opened].sum() + instance.opening_cost <= instance.budget
    for one, other in ((0, 1), (1, 0)):
        may[instance.conflicts[opened[instance.conflicts[:, one]], other]] = False
    return may


def _open_best(
    instance: Instance, opened: BoolArray, may: BoolArray, *, useful: bool = False
) -> bool:
    """Open the site that adds most; with `useful` only one that adds anything."""
    if not may.any():
        return False
    gain = np.where(may, _gains(instance, opened), -1.0)
    best = int(gain.argmax())
    if useful and not gain[best] > 0.0:
        return False
    opened[best] = True
    return True


def _gains(instance: Instance, opened: BoolArray) -> FloatArray:
    """What each site would add, for its cost where there is a budget or a sum to be low."""
    row = instance.row_of_pair
    if instance.objective in (Objective.P_MEDIAN, Objective.P_CENTER):
        # Somebody without a site counts as farther away than anybody with one.
        now = np.full(len(instance.weight), 1.0 + 2.0 * instance.cost.max(initial=0.0))
        have = opened[instance.site]
        np.minimum.at(now, row[have], instance.cost[have])
        worth = instance.weight[row] * np.maximum(0.0, now[row] - instance.cost)
    else:
        count = counts(instance, opened)
        again = instance.backup_weight * instance.weight * (count == 1)
        if instance.objective != Objective.BACKUP_COVERAGE:
            again = np.zeros(len(count))
        worth = (np.where(count == 0, instance.weight, 0.0) + again)[row]
    gain = sums_by(instance.site, worth, instance.n_sites)
    if instance.budget < np.inf or instance.objective == Objective.SET_COVER:
        gain /= np.maximum(instance.opening_cost, 1e-9)
    return gain
