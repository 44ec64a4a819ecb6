"""Why no choice of sites meets what is asked, and what would."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geo.arrays import BoolArray
from geo.siting._capacity import add_service
from geo.siting._cover import add_cover_rows, add_covered, add_floors
from geo.siting._highs import Ending, Model, run
from geo.siting._named import Prepared
from geo.siting._progress import Progress
from geo.siting._rules import add_sites
from geo.siting._sets import cover_sets, shut_sites
from geo.siting.instance import Instance
from geo.siting.problem import Cause, Infeasibility, Objective

_SENTENCES = {
    Cause.UNREACHED_DEMAND: "No candidate reaches {n} point(s) with demand: {demand}.",
    Cause.TOO_FEW_SITES: "The number of sites allowed is too small for what is asked{enough}.",
    Cause.REQUIRED_EXCEED_P: "More sites are required than may be open: {sites}{enough}.",
    Cause.REQUIRED_EXCEED_BUDGET: "The required sites cost more than the budget: {sites}{budget}.",
    Cause.BUDGET_TOO_SMALL: "The budget is too small for what is asked{budget}.",
    Cause.CONFLICTING_LOCKS: "Sites are locked in ways that contradict each other: {sites}.",
    Cause.TOO_CLOSE: "The least distance between sites leaves nothing that meets what is asked; "
    "too close to each other: {sites}.",
    Cause.TOWN_WITHOUT_SITE: "Town(s) without a candidate that may be open: {towns}.",
    Cause.TOWN_SHARE: "The share asked for cannot be covered in town(s): {towns}.",
    Cause.CAPACITY: "The capacity of the candidates is too small{whom}.",
    Cause.TOGETHER: "No choice of sites meets all that is asked together.",
    Cause.TIME: "No choice was found in the time given; whether there is one is not known.",
}
# So many codes stand in a sentence; the data hold all.
_NAMED = 5


def sure_contradiction(named: Prepared) -> Infeasibility | None:
    """Find a contradiction that needs no search.

    Parameters
    ----------
    named : the problem.

    Returns
    -------
    The first found: locks, number, budget, reach, towns, capacity; None where there is none of
    these, though there may be one that only a search finds.

    Notes
    -----
    O(n_pairs).

    Examples
    --------
    >>> import pandas as pd
    >>> from geo.siting import SitingProblem
    >>> from geo.siting._named import prepare_named
    >>> costs = pd.DataFrame({"s": [1.0, 9.0], "t": [9.0, 1.0]}, index=["a", "b"])
    >>> demand = pd.Series([1.0, 1.0], index=["a", "b"])
    >>> named = prepare_named(SitingProblem("set_cover", costs, demand, radius=0.5))
    >>> sure_contradiction(named).demand
    ('a', 'b')
    """
    instance = named.instance
    shut = shut_sites(instance)
    for found in (
        _locks(named),
        _number(named, ~shut),
        _reach(named, shut),
        _towns(named, shut),
        _capacity(named, shut),
    ):
        if found is not None:
            return found
    return None


def _codes(named: Prepared, mask: BoolArray) -> tuple[str, ...]:
    return tuple(str(named.sites[j]) for j in named.rank if mask[j])


def _locks(named: Prepared) -> Infeasibility | None:
    one = named.instance
    both = one.required & (one.forbidden | one.closable)
    if both.any():
        return Infeasibility(Cause.CONFLICTING_LOCKS, sites=_codes(named, both))
    gone = one.closable & one.forbidden
    if one.max_closures >= 0 and gone.sum() > one.max_closures:
        return Infeasibility(Cause.CONFLICTING_LOCKS, sites=_codes(named, gone))
    return None


def _number(named: Prepared, may: BoolArray) -> Infeasibility | None:
    one = named.instance
    stay = int(one.required.sum())
    if one.max_closures >= 0:
        stay += max(0, int(one.closable.sum()) - one.max_closures)
    if 0 <= one.p_total < stay:
        return Infeasibility(
            Cause.REQUIRED_EXCEED_P, sites=_codes(named, one.required), p_needed=stay
        )
    for kind, limit in enumerate(one.p):
        own = one.required & (one.kind == kind)
        if 0 <= limit < own.sum():
            return Infeasibility(
                Cause.REQUIRED_EXCEED_P, sites=_codes(named, own), p_needed=int(own.sum())
            )
        wanted = one.p_exact and limit > (may & (one.kind == kind)).sum()
        if wanted and len(one.p) > 1:
            return Infeasibility(Cause.TOO_FEW_SITES)
    if not may.any() or (one.p_exact and one.p_total > may.sum()):
        return Infeasibility(Cause.TOO_FEW_SITES)
    spent = float(one.opening_cost[one.required].sum())
    if spent > one.budget * (1 + 1e-9):
        return Infeasibility(
            Cause.REQUIRED_EXCEED_BUDGET, sites=_codes(named, one.required), budget_needed=spent
        )
    return None


def _must_serve_all(instance: Instance) -> bool:
    """Whether a choice is only allowed where each point with demand has a site.

    Parameters
    ----------
    instance : the problem.

    Returns
    -------
    True for all but maximal coverage, and backup coverage without `cover_all`.
    """
    return instance.cover_all or instance.objective in (
        Objective.SET_COVER,
        Objective.P_MEDIAN,
        Objective.P_CENTER,
    )


def _reach(named: Prepared, shut: BoolArray) -> Infeasibility | None:
    one = named.instance
    usable = ~shut[one.site]
    reached = np.bincount(one.row_of_pair[usable], minlength=len(one.weight)) > 0
    if reached.all() or (reached.any() and not _must_serve_all(one)):
        return None
    missed = np.flatnonzero(~reached)
    missed = missed[np.argsort(-one.demand[missed], kind="stable")]
    labels = named.labels[named.place[named.rows[missed]]]
    if labels.nlevels > 1:
        labels = labels.get_level_values(0)
    nearest = named.costs_in_all
    needed = nearest.max() if _must_serve_all(one) else nearest.min()
    return Infeasibility(
        Cause.UNREACHED_DEMAND,
        demand=tuple(dict.fromkeys(str(label) for label in labels)),
        radius_needed=float(needed) if np.isfinite(needed) else float("nan"),
    )


def _towns(named: Prepared, shut: BoolArray) -> Infeasibility | None:
    one = named.instance
    if one.one_per_town:
        have = np.zeros(one.n_towns + 1, dtype=bool)
        have[one.site_town[~shut]] = True
        lacking = np.flatnonzero(~have[:-1])
        if len(lacking):
            return Infeasibility(
                Cause.TOWN_WITHOUT_SITE, towns=tuple(named.towns[k] for k in lacking)
            )
    if one.min_town_share.any():
        usable = ~shut[one.site]
        reached = np.bincount(one.row_of_pair[usable], minlength=len(one.weight)) > 0
        inside = reached & (one.row_town >= 0)
        most = np.bincount(one.row_town[inside], weights=one.demand[inside], minlength=one.n_towns)
        short = np.flatnonzero(most < one.min_town_share * one.town_demand * (1 - 1e-9))
        if len(short):
            return Infeasibility(Cause.TOWN_SHARE, towns=tuple(named.towns[k] for k in short))
    return None


def _capacity(named: Prepared, shut: BoolArray) -> Infeasibility | None:
    one = named.instance
    if one.capacity is None or not _must_serve_all(one):
        return None
    too_little = one.capacity[~shut].sum() < one.demand.sum() * (1 - 1e-9)
    if too_little:
        return Infeasibility(Cause.CAPACITY)
    if not one.split:
        usable = ~shut[one.site] & (
            one.capacity[one.site] * (1 + 1e-9) >= one.demand[one.row_of_pair]
        )
        fits = np.bincount(one.row_of_pair[usable], minlength=len(one.weight)) > 0
        if not fits.all():
            large = named.labels[named.place[named.rows[np.flatnonzero(~fits)]]]
            if large.nlevels > 1:
                large = large.get_level_values(0)
            return Infeasibility(Cause.CAPACITY, demand=tuple(dict.fromkeys(map(str, large))))
    return None


def explain(named: Prepared, progress: Progress) -> Infeasibility:
    """Find which rule has to give way, of a problem that is proven to have no choice.

    Parameters
    ----------
    named : the problem.
    progress : time left; where it ends the search, the cause is TOGETHER.

    Returns
    -------
    The first rule without which there is a choice, with the least that would do: number of sites,
    budget, separation, share by town, capacity.

    Examples
    --------
    >>> import pandas as pd
    >>> from geo.siting import SitingProblem
    >>> from geo.siting._named import prepare_named
    >>> from geo.siting.stopwatch import Stopwatch
    >>> costs = pd.DataFrame({"s": [1.0, 9.0], "t": [9.0, 1.0]}, index=["a", "b"])
    >>> demand = pd.Series([1.0, 1.0], index=["a", "b"])
    >>> named = prepare_named(SitingProblem("set_cover", costs, demand, radius=2, p=1))
    >>> explain(named, Progress(Stopwatch(5), None, maximise=True)).p_needed
    2
    """
    one = named.instance
    loose = replace(one, p=np.full_like(one.p, -1), p_total=-1, p_exact=False)
    if one.p_total >= 0 or (one.p >= 0).any():
        fewest = _least(loose, np.ones(one.n_sites), progress)
        if fewest is not None:
            return Infeasibility(Cause.TOO_FEW_SITES, p_needed=round(fewest))
    if one.budget < np.inf:
        cheapest = _least(replace(one, budget=np.inf), one.opening_cost, progress)
        if cheapest is not None:
            return Infeasibility(Cause.BUDGET_TOO_SMALL, budget_needed=cheapest)
    none = np.zeros(one.n_sites)
    if len(one.conflicts):
        apart = replace(one, conflicts=one.conflicts[:0])
        if _least(apart, none, progress) is not None:
            at = np.zeros(one.n_sites, dtype=bool)
            at[one.conflicts] = True
            return Infeasibility(Cause.TOO_CLOSE, sites=_codes(named, at))
    if one.min_town_share.any():
        level = replace(one, min_town_share=np.zeros_like(one.min_town_share))
        if _least(level, none, progress) is not None:
            asked = np.flatnonzero(one.min_town_share)
            return Infeasibility(Cause.TOWN_SHARE, towns=tuple(named.towns[k] for k in asked))
    if one.capacity is not None and _least(replace(one, capacity=None), none, progress) is not None:
        return Infeasibility(Cause.CAPACITY)
    return Infeasibility(Cause.TOGETHER)


def _least(instance: Instance, worth: np.ndarray, progress: Progress) -> float | None:
    """Lowest sum of a worth over the open sites that any allowed choice has."""
    model = Model(maximise=False)
    sites = add_sites(model, instance)
    model.add_worth(sites, worth)
    if instance.capacity is not None:
        add_service(model, instance)
    else:
        sets = cover_sets(instance, towns=bool(instance.min_town_share.any()))
        if _must_serve_all(instance):
            if ((sets.kept == 0) & (sets.size == 0)).any():
                return None
            add_cover_rows(model, sets)
        covered = add_covered(model, sets, np.zeros(len(sets.weight)))
        add_floors(model, instance, sets, covered)
    outcome = run(model, progress, tell=lambda *_: progress.tell(float("nan"), float("nan")))
    if outcome.ending != Ending.PROVEN:
        return None
    return float(worth[outcome.values[: instance.n_sites] > 0.5].sum())


def say(found: Infeasibility) -> str:
    """Say a contradiction in English.

    Parameters
    ----------
    found : the contradiction.

    Returns
    -------
    A sentence or two: what contradicts, and what would do where that is known.

    Examples
    --------
    >>> say(Infeasibility(Cause.TOO_FEW_SITES, p_needed=8))
    'The number of sites allowed is too small for what is asked; at least 8 sites are needed.'
    """
    radius, money = found.radius_needed, found.budget_needed
    text = _SENTENCES[found.cause].format(
        n=len(found.demand),
        demand=_list(found.demand),
        sites=_list(found.sites),
        towns=_list(found.towns),
        whom=f" for {_list(found.demand)}" if found.demand else "",
        enough=f"; at least {found.p_needed} sites are needed" if found.p_needed >= 0 else "",
        budget="" if np.isnan(money) else f"; at least {_up(money)} is needed",
    )
    if found.cause == Cause.UNREACHED_DEMAND:
        known = not np.isnan(radius)
        text += f" A radius of {_up(radius)} would do." if known else " No radius would do."
    return text


def _list(codes: tuple[str, ...]) -> str:
    more = len(codes) - _NAMED
    return ", ".join(codes[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _up(value: float) -> str:
    """Six digits, rounded up: a limit rounded down would not do."""
    text = f"{value:.6g}"
    if float(text) < value:
        step = 10.0 ** (np.floor(np.log10(value)) - 5)
        text = f"{np.ceil(value / step) * step:.6g}"
    return text
