"""Rational agents: people weigh the way against the crowd, until nobody gains by going elsewhere.

The cost of a site to a person is its congestion, the demand that comes over the supply there in
parts of the mean, and the way in parts of `tau`. In the equilibrium every site that an area uses
costs its people the same, and none costs less.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from geo.access._equilibrium import Game, gap_of, near_equilibrium
from geo.access._pairs import Pairs, read_pairs, sum_at
from geo.arrays import FloatArray, positive
from geo.errors import ConvergenceError, UnitError

# Cycles in which the published procedure keeps the moves within the room of a site.
_SPARING = 20


class RationalAgents(NamedTuple):
    """Who goes where, and what it costs.

    Attributes
    ----------
    cost : Series, float64 [1], index of the demand: what a resident pays, way / tau + congestion;
        NaN where no site with supply is within reach, or the demand is unknown.
    load : Series, float64 [persons], index of the supply: who comes to each site.
    assigned : Series, float64 [persons], index of the costs: who takes each pair.
    gap : what all could save together by going elsewhere, in parts of what they pay; 0 in the
        equilibrium.
    cycles : rounds that were needed.
    """

    cost: pd.Series[float]
    load: pd.Series[float]
    assigned: pd.Series[float]
    gap: float
    cycles: int


def rational_agents(
    costs: pd.DataFrame,
    demand: pd.Series[float],
    supply: pd.Series[float],
    *,
    tau: float = 60.0,
    rho: float | None = None,
    tolerance: float = 1e-4,
    max_cycles: int = 1000,
    cost_column: str = "cost",
) -> RationalAgents:
    """Cost of service to rational agents, in their equilibrium.

    Parameters
    ----------
    costs : as in `floating_catchment`; pairs that are absent are out of reach.
    demand : float64 [persons], >= 0, index `area_code`, unique; NaN where unknown.
    supply : float64 [staff, rooms, places], >= 0, index `site_id`, unique. Nobody goes to a site
        with none.
    tau : way that weighs as much as the mean congestion, in the unit of the cost, > 0.
    rho : demand per supply at which the congestion costs 1, > 0; by default the known demand over
        the supply.
    tolerance : largest `gap` that counts as the equilibrium, > 0.
    max_cycles : rounds over all areas, >= 1.
    cost_column : name of the column that holds the cost.

    Returns
    -------
    RationalAgents; the cost of an area is the lowest on offer, which in the equilibrium is what
        its residents pay. It stands also where nobody lives: what a resident would pay.

    Raises
    ------
    CodeError, ShapeError : as in `floating_catchment`.
    ConvergenceError : the gap is above the tolerance after `max_cycles`.
    UnitError : as in `floating_catchment`; an option is out of range, or no site has any supply.

    Notes
    -----
    Saxon & Snow 2020 (Annals of the American Association of Geographers 110:205). The equilibrium
    minimises sum of assigned x way / tau + sum of load^2 / (2 rho supply) (Beckmann et al. 1956),
    whose loads are unique. Found by Newton's method on the prices of the sites, the choice
    smoothed ever less, then by letting one area after the other choose exactly. O(n_pairs) a
    round, some dozens of rounds however many pairs there are; compiled at the first call.

    Examples
    --------
    >>> pairs = pd.DataFrame({"area_code": ["a", "a"], "site_id": ["s", "t"], "cost": [0.0, 30.0]})
    >>> found = rational_agents(
    ...     pairs, pd.Series({"a": 100.0}), pd.Series({"s": 1.0, "t": 1.0}), tolerance=1e-9)
    >>> found.load.round(6).tolist(), found.cost.round(6).tolist()
    ([62.5, 37.5], [1.25])
    """
    pairs = read_pairs(costs, demand, supply, cost_column=cost_column)
    least = positive("tolerance", tolerance, unit="1")
    game = _game(pairs, tau=tau, rho=rho)
    # Imported here: loading and compiling numba is paid only by those who need it.
    from geo.access import _kernels  # noqa: PLC0415

    assigned = near_equilibrium(game, least)
    load = sum_at(game.site, assigned, len(game.room))
    cycles, gap = 0, gap_of(game, assigned)
    while gap > least and cycles < max_cycles:
        _kernels.settle(*game[:5], load, assigned, 1 - 2 * (cycles % 2))
        # Sums of many small changes: worked out afresh, so that no rounding piles up.
        load = sum_at(game.site, assigned, len(game.room))
        cycles, gap = cycles + 1, gap_of(game, assigned)
    if gap > least:
        raise ConvergenceError(
            f"rational agents: after {cycles} cycles they could still save {gap:.2g} of their "
            f"cost; wanted at most tolerance = {least:g}: allow more cycles, or a larger tolerance"
        )
    found = _result(game, pairs, costs, (demand.index, supply.index), assigned)
    return found._replace(cycles=cycles)


def rational_agents_by_cycles(
    costs: pd.DataFrame,
    demand: pd.Series[float],
    supply: pd.Series[float],
    *,
    tau: float = 60.0,
    rho: float | None = None,
    max_cycles: int = 150,
    initial_step: float = 0.2,
    min_step: float = 0.005,
    half_life: float = 50.0,
    cost_column: str = "cost",
) -> RationalAgents:
    """The procedure that the authors published: whole persons move in cycles of falling steps.

    It ends after `max_cycles`, wherever that is: `gap` says how far from the equilibrium. Use
    `rational_agents` for the equilibrium itself.

    Parameters
    ----------
    costs : as in `rational_agents`.
    demand : as in `rational_agents`, whole persons.
    supply : as in `rational_agents`.
    tau : as in `rational_agents`.
    rho : as in `rational_agents`.
    max_cycles : number of cycles, >= 1.
    initial_step : largest part of an area's persons that moves in the first cycle, 0..1.
    min_step : the same in the last cycles, 0..1.
    half_life : cycles in which the step halves, > 0.
    cost_column : name of the column that holds the cost.

    Returns
    -------
    RationalAgents; the cost of an area is the mean over its residents, NaN where there are none.

    Raises
    ------
    CodeError, ShapeError : as in `floating_catchment`.
    UnitError : as in `rational_agents`, or a demand is no whole number.

    Notes
    -----
    O(max_cycles x n_pairs). Saxon & Snow 2020, as in pysal access' `raam`, with the same persons
    in each pair at the end. Theirs adds the congestion before the last move to the persons after
    it; here both are those after it. Moves are cut to whole persons, so that an area of fewer than
    1 / `min_step` persons stands still in the last cycles, wherever it is by then.

    Examples
    --------
    >>> pairs = pd.DataFrame({"area_code": ["a", "a"], "site_id": ["s", "t"], "cost": [0.0, 30.0]})
    >>> found = rational_agents_by_cycles(
    ...     pairs, pd.Series({"a": 100.0}), pd.Series({"s": 1.0, "t": 1.0}))
    >>> found.load.tolist()
    [63.0, 37.0]
    """
    pairs = read_pairs(costs, demand, supply, cost_column=cost_column)
    whole = np.isnan(pairs.persons) | (pairs.persons == np.rint(pairs.persons))
    if not whole.all():
        at = int(np.argmin(whole))
        raise UnitError(
            f"demand: {demand.index[at]!r} has {pairs.persons[at]:g}; wanted whole persons"
        )
    game = _game(pairs, tau=tau, rho=rho)
    positive("half_life", half_life, unit="cycles")
    from geo.access import _kernels  # noqa: PLC0415

    assigned = _to_the_nearest(game)
    for cycle in range(max_cycles):
        share = max(initial_step * 0.5 ** (cycle / half_life), min_step)
        _kernels.shift(*game[:5], assigned, share, 1.0 if cycle < _SPARING else np.inf)
    congestion = sum_at(game.site, assigned, len(game.room)) / game.room
    paid, _ = _kernels.paid_and_lowest(game.first, game.site, game.travel, congestion, assigned)
    found = _result(game, pairs, costs, (demand.index, supply.index), assigned)
    peopled = (pairs.persons > 0) & (np.diff(game.first) > 0)
    mean = np.divide(paid, pairs.persons, out=np.full(len(paid), np.nan), where=peopled)
    cost = pd.Series(mean, index=demand.index, name="cost")
    return found._replace(cost=cost, cycles=max_cycles)


def effective_supply(cost: pd.Series[float], *, rho: float) -> pd.Series[float]:
    """Supply per head that a resident's cost is worth: what has no congestion but this, at no way.

    Parameters
    ----------
    cost : float64 [1], > 0, the cost of `rational_agents`; NaN where nothing is within reach.
    rho : demand per supply at which the congestion costs 1, > 0.

    Returns
    -------
    Series `access`, float64 [supply per person]: 1 / (rho x cost), 0 where nothing is in reach.

    Raises
    ------
    UnitError : a cost is not positive, or rho is not.

    Examples
    --------
    >>> effective_supply(pd.Series({"a": 1.0, "b": 2.0, "c": np.nan}), rho=1000.0).tolist()
    [0.001, 0.0005, 0.0]
    """
    at_mean = positive("rho", rho, unit="persons per supply")
    if not (cost.isna() | (cost > 0)).all():
        raise UnitError(f"cost: {cost.min()!r}; wanted costs above 0, NaN where nothing in reach")
    return (1.0 / (at_mean * cost)).fillna(0.0).rename("access")


def _game(pairs: Pairs, *, tau: float, rho: float | None) -> Game:
    scale = positive("tau", tau, unit="cost")
    persons = np.nan_to_num(pairs.persons)
    if not (pairs.offered > 0).any():
        raise UnitError("supply: no site has any; wanted at least one with a supply above 0")
    if rho is None:
        rho = float(persons.sum() / pairs.offered.sum())
        rho = rho if rho > 0 else 1.0
    room = pairs.offered * positive("rho", rho, unit="persons per supply")
    at = np.flatnonzero((pairs.offered > 0)[pairs.site])
    area = pairs.area[at]
    key = area * max(len(room), 1) + pairs.site[at]
    if (np.diff(key) < 0).any():
        order = np.argsort(key)
        at, area = at[order], area[order]
    first = np.searchsorted(area, np.arange(len(persons) + 1))
    # A room of 1 where nobody goes keeps the divisions whole.
    room = np.where(room > 0, room, 1.0)
    return Game(first, pairs.site[at], pairs.cost[at] / scale, persons, room, area, at)


def _to_the_nearest(game: Game) -> FloatArray:
    """Everybody at the nearest site."""
    assigned = np.zeros(len(game.site))
    reaching = np.flatnonzero(np.diff(game.first) > 0)
    if len(reaching):
        area = game.area
        lowest = np.minimum.reduceat(game.travel, game.first[reaching])
        level = np.full(len(game.persons), np.inf)
        level[reaching] = lowest
        nearest = np.flatnonzero(game.travel == level[area])
        _, once = np.unique(area[nearest], return_index=True)
        assigned[nearest[once]] = game.persons[area[nearest[once]]]
    return assigned


def _result(
    game: Game,
    pairs: Pairs,
    costs: pd.DataFrame,
    names: tuple[pd.Index, pd.Index],
    assigned: FloatArray,
) -> RationalAgents:
    from geo.access import _kernels  # noqa: PLC0415

    load = sum_at(game.site, assigned, len(game.room))
    _, lowest = _kernels.paid_and_lowest(
        game.first, game.site, game.travel, load / game.room, assigned
    )
    taken = np.zeros(len(costs))
    taken[game.at] = assigned
    return RationalAgents(
        pd.Series(np.where(np.isnan(pairs.persons), np.nan, lowest), index=names[0], name="cost"),
        pd.Series(load, index=names[1], name="load"),
        pd.Series(taken, index=costs.index, name="assigned"),
        gap=gap_of(game, assigned),
        cycles=0,
    )
