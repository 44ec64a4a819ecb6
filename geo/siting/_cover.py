"""Coverage, exactly: maximal, backup and set cover, with floors by town."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from geo.arrays import BoolArray, FloatArray, IntArray
from geo.siting._evaluate import counts, objective_of, shares
from geo.siting._found import NOTHING, Result, close, trivial_bound, value_step
from geo.siting._highs import Ending, Model, Outcome, run
from geo.siting._progress import Progress
from geo.siting._rules import add_sites
from geo.siting._sets import CoverSets, cover_sets
from geo.siting.instance import Instance
from geo.siting.problem import Objective, relative_gap

# Comparing all sets with all others is given up beyond so many common sites.
_MOST_COMMON = 30_000_000


def solve_cover(
    instance: Instance, progress: Progress, *, start: BoolArray | None = None
) -> Result:
    """Solve a coverage problem without capacities.

    Parameters
    ----------
    instance : max_coverage, backup_coverage or set_cover.
    progress : time left, and whether the search is still wanted.
    start : a choice of sites that keeps every rule, to begin from.

    Returns
    -------
    Result.

    Notes
    -----
    Rows with the same sites are merged; a set of one site is that site's column. Church & ReVelle
    1974, Toregas et al. 1971, Hogan & ReVelle 1986.
    """
    if not instance.worst_first:
        return _solve(instance, progress, start)
    towns = instance.town_demand > 0
    first = _worst_share(instance, progress, start)
    if first.opened is None:
        return first
    floors = np.where(towns, np.maximum(instance.min_town_share, first.objective), 0.0)
    second = _solve(replace(instance, min_town_share=floors), progress, first.opened)
    if second.opened is None:
        opened = first.opened
        value = objective_of(instance, opened)
        second = Result(opened, value, max(value, trivial_bound(instance)))
    open_step = 0.0 if first.proven else relative_gap(first.objective, first.bound)
    return replace(second, proven=second.proven and first.proven, open_step=open_step)


def _solve(instance: Instance, progress: Progress, start: BoolArray | None) -> Result:
    sets = cover_sets(instance, towns=bool(instance.min_town_share.any()))
    maximise = instance.objective != Objective.SET_COVER
    model = Model(maximise=maximise)
    column = add_sites(model, instance)
    if instance.objective == Objective.SET_COVER:
        model.add_worth(column, instance.opening_cost)
        add_cover_rows(model, sets)
    elif instance.objective == Objective.MAX_COVERAGE:
        covered = add_covered(model, sets, sets.weight)
        add_floors(model, instance, sets, covered)
    else:
        covered = _add_backup(model, instance, sets)
        add_floors(model, instance, sets, covered)
    step = value_step(instance)
    outcome = run(
        model, progress, start=None if start is None else start.astype(np.float64),
        enough=0.999 * step,
    )  # fmt: skip
    return _result(instance, outcome, start, maximise=maximise, step=step)


def _result(
    instance: Instance, outcome: Outcome, start: BoolArray | None, *, maximise: bool, step: float
) -> Result:
    if outcome.ending == Ending.INFEASIBLE:
        return Result(None, NOTHING, NOTHING, infeasible=True)
    best, value = None, NOTHING
    for opened in (
        start,
        outcome.values[: instance.n_sites] > 0.5 if len(outcome.values) else None,
    ):
        if opened is None:
            continue
        worth = objective_of(instance, opened)
        if best is None or (worth > value if maximise else worth < value):
            best, value = opened, worth
    limit = trivial_bound(instance)
    bound = min(outcome.bound, limit) if maximise else max(outcome.bound, limit)
    if best is None:
        return Result(None, NOTHING, bound)
    bound, proven = close(value, bound, maximise=maximise, step=step)
    return Result(best, value, bound, proven=proven)


def add_cover_rows(model: Model, sets: CoverSets, *, kept: int = 1) -> None:
    """Add that each set has an open site.

    Parameters
    ----------
    model : with the sites as its first columns.
    sets : different sets; those with `kept` required sites need no more.
    kept : see `sets`.
    """
    need = np.flatnonzero((sets.kept < kept) & ~_implied(sets))
    place = np.full(len(sets.weight), -1, dtype=np.int64)
    place[need] = np.arange(len(need))
    mine = place[sets.set_of_pair] >= 0
    row = place[sets.set_of_pair[mine]]
    model.add_rows(len(need), row, sets.site[mine], 1.0, lower=1.0)


def _implied(sets: CoverSets) -> BoolArray:
    """Mark sets that hold a smaller set whole: a site for that one is a site for them."""
    of_set = sets.set_of_pair
    needy = sets.kept == 0
    mine = needy[of_set]
    n_sites = int(sets.site.max(initial=-1)) + 1
    degree = np.bincount(sets.site[mine], minlength=n_sites)
    implied = np.zeros(len(sets.weight), dtype=bool)
    if float((degree.astype(np.float64) ** 2).sum()) > _MOST_COMMON:
        return implied
    matrix = sparse.csr_array(
        (np.ones(int(mine.sum()), dtype=np.int32), (of_set[mine], sets.site[mine])),
        shape=(len(sets.weight), n_sites),
    )
    common = sparse.coo_array(matrix @ matrix.T)
    one, other = common.coords
    inside = (common.data == sets.size[one]) & (sets.size[one] < sets.size[other]) & needy[one]
    implied[other[inside]] = True
    return implied


def add_covered(model: Model, sets: CoverSets, worth: FloatArray) -> IntArray:
    """Add what says whether a set is covered.

    Parameters
    ----------
    model : with the sites as its first columns.
    sets : different sets.
    worth : float64, shape (n_sets,): worth of covering each.

    Returns
    -------
    int64, shape (n_sets,): column of each set; -1 where it is covered by a required site, -2 where
        nothing can cover it.
    """
    column = np.full(len(sets.weight), -2, dtype=np.int64)
    column[sets.kept > 0] = -1
    model.offset += float(worth[sets.kept > 0].sum())
    single = (sets.kept == 0) & (sets.size == 1)
    column[single] = sets.site[sets.indptr[:-1][single]]
    model.add_worth(column[single], worth[single])
    several = np.flatnonzero((sets.kept == 0) & (sets.size > 1))
    column[several] = model.add_columns(len(several), worth=worth[several])
    _add_links(model, sets, several, column[several], need=1.0)
    return column


def _add_links(
    model: Model, sets: CoverSets, which: IntArray, *columns: IntArray, need: float
) -> None:
    """Add that columns × need are no more than the open sites of the set."""
    if not len(which):
        return
    place = np.full(len(sets.weight), -1, dtype=np.int64)
    place[which] = np.arange(len(which))
    mine = place[sets.set_of_pair] >= 0
    rows = [place[sets.set_of_pair[mine]], *(np.arange(len(which)) for _ in columns)]
    values = [np.ones(int(mine.sum())), *(np.full(len(which), -need) for _ in columns)]
    model.add_rows(
        len(which), np.concatenate(rows), np.concatenate([sets.site[mine], *columns]),
        np.concatenate(values), lower=0.0,
    )  # fmt: skip


def _add_backup(model: Model, instance: Instance, sets: CoverSets) -> IntArray:
    """Add first and second covers; returns the columns of the first ones."""
    again, once = instance.backup_weight, 1.0 - instance.backup_weight
    if instance.cover_all:
        add_cover_rows(model, sets)
    covered = add_covered(model, sets, once * sets.weight)
    model.offset += again * float(sets.weight[sets.kept > 1].sum())
    half = (sets.kept == 1) & (sets.size > 0)
    one = np.flatnonzero(half)
    second = model.add_columns(len(one), worth=again * sets.weight[one])
    _add_links(model, sets, one, second, need=1.0)
    two = np.flatnonzero((sets.kept == 0) & (sets.size > 1))
    if not len(two):
        return covered
    # A second cover worth more than the first would be taken before it: it is then whole.
    whole = again > once
    second = model.add_columns(len(two), worth=again * sets.weight[two], whole=whole)
    if whole:
        _add_links(model, sets, two, second, need=2.0)
    else:
        _add_links(model, sets, two, covered[two], second, need=1.0)
    return covered


def add_floors(
    model: Model, instance: Instance, sets: CoverSets, covered: IntArray, share: int | None = None
) -> None:
    """Add that each town has its share covered, or no less than the column `share` says.

    Parameters
    ----------
    model : with the columns of `covered`.
    instance : the problem.
    sets : different sets, apart by town.
    covered : see `add_covered`.
    share : column that no town may fall below; None for the shares asked for.
    """
    if share is None and not instance.min_town_share.any():
        return
    total = instance.town_demand
    inside = sets.town >= 0
    have = inside & (covered == -1)
    kept = np.bincount(sets.town[have], weights=sets.demand[have], minlength=instance.n_towns)
    towns = np.flatnonzero(total > 0)
    place = np.full(instance.n_towns, -1, dtype=np.int64)
    place[towns] = np.arange(len(towns))
    at = np.flatnonzero(inside & (covered >= 0))
    at = at[place[sets.town[at]] >= 0]
    row, column = place[sets.town[at]], covered[at]
    # In shares, so that a small town is held to as many digits as a large one.
    value = sets.demand[at] / total[sets.town[at]]
    lower = instance.min_town_share[towns] - kept[towns] / total[towns] - 1e-12
    if share is not None:
        row = np.concatenate([row, np.arange(len(towns))])
        column = np.concatenate([column, np.full(len(towns), share)])
        value = np.concatenate([value, np.full(len(towns), -1.0)])
        lower = -kept[towns] / total[towns]
    model.add_rows(len(towns), row, column, value, lower=lower)


def _worst_share(instance: Instance, progress: Progress, start: BoolArray | None) -> Result:
    """Make the lowest share of any town as high as it can be."""
    sets = cover_sets(instance, towns=True)
    model = Model(maximise=True)
    add_sites(model, instance)
    covered = add_covered(model, sets, np.zeros(len(sets.weight)))
    if instance.cover_all:
        add_cover_rows(model, sets)
    share = int(model.add_columns(1, worth=1.0)[0])
    add_floors(model, instance, sets, covered, share)
    if instance.min_town_share.any():
        add_floors(model, instance, sets, covered)
    outcome = run(
        model, progress, start=None if start is None else start.astype(np.float64),
        tell=lambda *_: progress.tell(NOTHING, NOTHING),
    )  # fmt: skip
    if outcome.ending == Ending.INFEASIBLE:
        return Result(None, NOTHING, NOTHING, infeasible=True)
    best, value = None, NOTHING
    for opened in (
        start,
        outcome.values[: instance.n_sites] > 0.5 if len(outcome.values) else None,
    ):
        if opened is not None:
            lowest = float(
                np.nanmin(shares(instance, (counts(instance, opened) > 0).astype(np.float64)))
            )
            if best is None or lowest > value:
                best, value = opened, lowest
    if best is None:
        return Result(None, NOTHING, trivial_bound(instance))
    bound, proven = close(value, min(1.0, outcome.bound), maximise=True)
    return Result(best, value, bound, proven=proven)
