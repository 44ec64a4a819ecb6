"""What is asked of a choice of sites, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import pandas as pd


class Objective(StrEnum):
    """What a choice of sites is judged by."""

    MAX_COVERAGE = "max_coverage"
    SET_COVER = "set_cover"
    BACKUP_COVERAGE = "backup_coverage"
    P_MEDIAN = "p_median"
    P_CENTER = "p_center"


class Cause(StrEnum):
    """Why no choice of sites meets what is asked."""

    UNREACHED_DEMAND = "unreached_demand"
    TOO_FEW_SITES = "too_few_sites"
    REQUIRED_EXCEED_P = "required_exceed_p"
    REQUIRED_EXCEED_BUDGET = "required_exceed_budget"
    BUDGET_TOO_SMALL = "budget_too_small"
    CONFLICTING_LOCKS = "conflicting_locks"
    TOO_CLOSE = "too_close"
    TOWN_WITHOUT_SITE = "town_without_site"
    TOWN_SHARE = "town_share"
    CAPACITY = "capacity"
    TOGETHER = "together"
    TIME = "time"


@dataclass(frozen=True)
class SitingProblem:
    """One question of where sites should be.

    Parameters
    ----------
    objective : an `Objective` or its text. `max_coverage`: most demand within `radius` (Church &
        ReVelle 1974). `set_cover`: fewest sites, or lowest `cost`, with all demand within `radius`
        (Toregas et al. 1971). `backup_coverage`: demand within `radius` of one site, and of a
        second one (Hogan & ReVelle 1986, BACOP2; with `cover_all` BACOP1). `p_median`: lowest sum
        of demand × cost to the nearest site (Hakimi 1964). `p_center`: lowest largest cost of any
        point with demand (Hakimi 1964). All but max_coverage, and backup_coverage without
        `cover_all`, allow only choices in which each point with demand has an open site in reach.
    costs : travel costs in one unit, >= 0. Either a pair table of `area_code` str, `site_id` str
        and one column of `cost`, `cost_min` or `cost_m`: a pair that is not there cannot be
        travelled; or a dense frame, index the demand points, columns the sites, where inf cannot be
        travelled and NaN is a gap and refused.
    demand : weights >= 0, index the demand points, unique. A Series; or a DataFrame with one column
        a population group.
    candidates : sites that may be open, `required` ones among them or not; all of `costs` if None.
    p : so many sites in all, `required` ones included; by kind where a mapping. Exactly as many for
        p_median and p_center, at most as many for coverage. None: no limit.
    radius : inclusive limit of cost; by kind where a mapping. Needed for coverage; for p_median and
        p_center ways beyond it cannot be travelled, None sets no limit.
    budget : limit of the sum of `cost` over all open sites. None: no limit.
    cost : cost to open a site, >= 0: one number or by site; sites left out cost 0.
    capacity : most demand a site can serve, >= 0: one number or by site, sites left out without
        limit; None: no limit. Only for max_coverage, set_cover and p_median.
    split : whether the demand of a point may be shared among sites where capacity binds.
    required : sites that are open whatever comes: those of today, and those already decided; not
        among `closable`.
    forbidden : sites that must not be open.
    closable : sites of today that may be left out; count to `p` where they stay. One that is also
        forbidden is closed for certain.
    max_closures : at most so many of `closable` are left out; None: any number.
    xy : metric coordinates [m] of the sites, index the site, columns x and y.
    min_separation_m : lowest straight-line distance [m] between two open sites, inclusive, of which
        at least one is new (neither required nor closable); needs `xy`.
    town_of_site, town_of_demand : town code by site, by demand point; those left out have none.
    one_per_town : whether each town of `town_of_demand` has at least one open site.
    min_town_share : share 0..1 of the demand of each town that must be covered; one number or by
        town, towns left out 0. Only for max_coverage and backup_coverage (the first cover counts).
    worst_first : max_coverage and backup_coverage: first the lowest covered share of any town is
        made as high as it can be, then the demand covered in all (two steps, the first kept as a
        floor in the second).
    group_weight : by column of `demand`, >= 0; groups left out weigh 1. The objective is about
        demand × weight, capacity and shares about demand as it is; a group of weight 0 is left out
        of everything.
    kind_of_site : kind by site, for each; sites of several kinds are chosen together.
    serves : by kind, the groups it serves; a kind left out serves all. Each point and group is then
        served, or not, on its own.
    backup_weight : backup_coverage: worth of a second cover, 0..1; the first is worth 1 less that.
    cover_all : backup_coverage: whether every point with demand must be covered once.

    Notes
    -----
    Values are checked when the problem is solved, all faults at once; what is an error and what is
    answered as infeasible is said at `prepare` and `solve`. Coverage objectives in which no
    candidate reaches anybody are infeasible, not 0.
    """

    objective: Objective | str
    costs: pd.DataFrame
    demand: pd.Series[float] | pd.DataFrame
    candidates: Sequence[str] | pd.Index[str] | None = None
    p: int | Mapping[str, int] | None = None
    radius: float | Mapping[str, float] | None = None
    budget: float | None = None
    cost: float | Mapping[str, float] | pd.Series[float] | None = None
    capacity: float | Mapping[str, float] | pd.Series[float] | None = None
    split: bool = True
    required: Sequence[str] = ()
    forbidden: Sequence[str] = ()
    closable: Sequence[str] = ()
    max_closures: int | None = None
    xy: pd.DataFrame | None = None
    min_separation_m: float | None = None
    town_of_site: Mapping[str, str] | pd.Series[str] | None = None
    town_of_demand: Mapping[str, str] | pd.Series[str] | None = None
    one_per_town: bool = False
    min_town_share: float | Mapping[str, float] | None = None
    worst_first: bool = False
    group_weight: Mapping[str, float] | None = None
    kind_of_site: Mapping[str, str] | pd.Series[str] | None = None
    serves: Mapping[str, Sequence[str]] | None = None
    backup_weight: float = 0.5
    cover_all: bool = False


@dataclass(frozen=True)
class Infeasibility:
    """Why nothing meets what is asked, and what would.

    Attributes
    ----------
    cause : the kind of contradiction.
    demand : points that no candidate reaches, the heaviest first.
    sites : sites that contradict each other.
    towns : towns that cannot have what is asked.
    radius_needed : smallest radius with which every point is reached, unit of the costs; NaN where
        radius is not the matter or no radius helps.
    p_needed : fewest sites that would do; -1 where not known or not the matter.
    budget_needed : lowest budget that would do; NaN where not known or not the matter.
    """

    cause: Cause
    demand: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    towns: tuple[str, ...] = ()
    radius_needed: float = float("nan")
    p_needed: int = -1
    budget_needed: float = float("nan")


@dataclass(frozen=True)
class SitingSolution:
    """A choice of sites, and how good it is known to be.

    Attributes
    ----------
    sites : open sites, required ones among them, in the order of the candidates; empty where
        nothing was found.
    assignment : site that serves each demand point, missing where none does; index as the demand
        (points and groups where groups are served by different kinds). Nearest open site in reach,
        of equals the first by its code; where capacity binds the site that serves most of it.
    flows : demand served by pair where capacity was asked for: `area_code`, `site_id`, `served`
        (and `group`); None elsewhere.
    objective : value reached, in the unit of the objective; NaN where nothing was found.
    bound : no choice is better than this: an upper bound of coverage, a lower one of the others;
        NaN where nothing is known.
    gap : |bound - objective| / |objective|, 0 where proven; inf where nothing is known. With
        `worst_first` the larger one of both steps.
    proven : whether the choice is proven to be optimal, within 1e-9 of the objective.
    seconds : time taken [s].
    method : what found it: `exact`, `heuristic`, or `exact+heuristic`.
    worst_share : lowest covered share of any town, where towns were given; NaN elsewhere.
    infeasible_because : why nothing meets what is asked, a sentence in English; "" where something
        does.
    infeasible : the same as data, for a sentence in another language; None where something does.
        The cause TIME says that nothing was found in time, not that nothing does.
    notes : what else is to be known, such as that the search was called off.
    """

    sites: tuple[str, ...]
    assignment: pd.Series[str]
    objective: float
    bound: float
    gap: float
    proven: bool
    seconds: float
    method: str = "exact"
    flows: pd.DataFrame | None = None
    worst_share: float = float("nan")
    infeasible_because: str = ""
    infeasible: Infeasibility | None = None
    notes: tuple[str, ...] = field(default=())


def relative_gap(objective: float, bound: float) -> float:
    """Distance of a value from its bound as a share of the value.

    Parameters
    ----------
    objective, bound : in one unit; NaN where not known.

    Returns
    -------
    Share >= 0; 0 where they are equal, inf where either is unknown or the objective is 0.

    Examples
    --------
    >>> relative_gap(98.0, 98.0), relative_gap(200.0, 201.0), relative_gap(0.0, 3.0)
    (0.0, 0.005, inf)
    """
    if np.isnan(objective) or np.isnan(bound):
        return float("inf")
    if objective == bound:
        return 0.0
    return float(abs(bound - objective) / abs(objective)) if objective else float("inf")
