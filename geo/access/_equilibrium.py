"""The search for the equilibrium of the rational agents: prices of the sites by Newton's method."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg

from geo.access._pairs import sum_at
from geo.arrays import BoolArray, FloatArray, IntArray

# Heats of the smoothed choice, in parts of the mean congestion: each half of the one before, so
# that Newton's method starts near its end, until the exact choice comes within the tolerance.
_FIRST_HEAT, _MAX_HEATS = 0.2, 24
_MAX_NEWTON = 10
# A heat is done when so small a part of the persons, or of the heat, is still at the wrong site.
_ENOUGH, _ENOUGH_OF_HEAT = 0.003, 0.3
# Pairs that fewer of an area's persons take are left out of the curvature, which only steers.
_LEAST_SHARE = 0.001
# Steps solved so far keep the search on its way where the heat is low.
_ROUGHLY = 0.03
# The first heats look at every eighth area, or at five a site if those are more.
_SAMPLED_HEATS, _MOST_STRIDE, _AREAS_A_SITE = 3, 8, 5
# Nobody takes a pair that costs so many heats more; copying pays where a tenth is left out.
_REACH_OF_HEAT, _WORTH_LEAVING_OUT = 16.0, 0.9
# So near to the tolerance, in parts of it, the exact choice of one area after the other goes on.
_WORTH_A_TRY = 1.3


class Game(NamedTuple):
    """Pairs in the order of the areas, with sites of some supply only.

    Attributes
    ----------
    first : int64 where each area's pairs start, and their number at the end.
    site, area : int64 positions of the ends of each pair.
    travel : float64 way of each pair, in parts of tau.
    persons : float64 demand of each area.
    room : float64 demand at which each site's congestion costs 1.
    at : int64 place of each pair in the table, or in the game it is a part of.
    """

    first: IntArray
    site: IntArray
    travel: FloatArray
    persons: FloatArray
    room: FloatArray
    area: IntArray
    at: IntArray


def near_equilibrium(game: Game, tolerance: float) -> FloatArray:
    """Persons of each pair near the equilibrium: Newton's method on the prices of the sites.

    Parameters
    ----------
    game : what is played.
    tolerance : `gap_of` at which to stop; it may end further off.

    Returns
    -------
    float64 [persons], shape (n_pairs,).

    Notes
    -----
    O(pairs) a step of Newton's method and a step of the conjugate gradients within it. The first
    heats look at a sample of the areas; after each heat the pairs that nobody takes any more are
    left out, so that the last ones cost a fraction of the first.
    """
    reaching = np.diff(game.first) > 0
    mean = float(game.persons[reaching].sum() / game.room.sum())
    if not mean > 0:
        return np.zeros(len(game.site))
    price = np.full(len(game.room), mean)
    # The first heats set the prices roughly, for which some of the areas do.
    sample = _sample(game)
    part = game._replace(at=np.arange(len(game.site)))
    for fall in range(_MAX_HEATS):
        heat = _FIRST_HEAT * mean / 2.0**fall
        if fall < _SAMPLED_HEATS and sample is not None:
            price, _ = _at_heat(sample, price, heat, mean)
            continue
        price, assigned = _at_heat(part, price, heat, mean)
        if gap_of(part, assigned) <= _WORTH_A_TRY * tolerance:
            break
        if fall < _MAX_HEATS - 1:
            part = _within_reach(part, price, _REACH_OF_HEAT * heat)
    taken = np.zeros(len(game.site))
    taken[part.at] = assigned
    return taken


def _at_heat(
    game: Game, price: FloatArray, heat: float, mean: float
) -> tuple[FloatArray, FloatArray]:
    """Prices of the smoothed equilibrium, and the persons of each pair under them."""
    from geo.access import _kernels  # noqa: PLC0415

    assigned, trial = np.empty(len(game.site)), np.empty(len(game.site))
    load, tried_load = np.empty(len(price)), np.empty(len(price))

    def worth(at: FloatArray, into: FloatArray, onto: FloatArray) -> float:
        return _kernels.soft_choice(*game[:4], at, heat, into, onto) - 0.5 * float(
            game.room @ at**2
        )

    value = worth(price, assigned, load)
    enough = min(_ENOUGH, _ENOUGH_OF_HEAT * heat / mean) * load.sum()
    for _ in range(_MAX_NEWTON):
        slope = load - game.room * price
        if np.abs(slope).sum() < enough:
            break
        step = _newton_step(game, assigned, load, slope, heat)
        length, rise = 1.0, float(slope @ step)
        while True:
            tried = worth(price + length * step, trial, tried_load)
            if tried >= value + 1e-4 * length * rise or length < 1e-3:
                break
            length /= 2.0
        price, value = price + length * step, tried
        assigned, trial, load, tried_load = trial, assigned, tried_load, load
    return price, assigned


def _newton_step(
    game: Game, assigned: FloatArray, load: FloatArray, slope: FloatArray, heat: float
) -> FloatArray:
    """Change of the prices, nearly solved."""
    from geo.access import _kernels  # noqa: PLC0415

    start, where, root = _kernels.chosen(
        game.first, game.site, game.persons, assigned, _LEAST_SHARE
    )
    root /= np.sqrt(heat)
    # With the loads of all pairs, not of those kept only: the steps come out a little short, and
    # fewer of them are needed.
    own = game.room + load / heat
    diagonal = own - sum_at(where, root**2, len(slope))
    shape = (len(slope), len(slope))

    def bend(change: FloatArray) -> FloatArray:
        return _kernels.bend(start, where, root, own, change)

    bent = LinearOperator(shape, matvec=bend, dtype=np.float64)
    scaled = LinearOperator(shape, matvec=lambda v: v / diagonal, dtype=np.float64)
    step: FloatArray = cg(bent, slope, rtol=_ROUGHLY, maxiter=150, M=scaled)[0]
    return step


def _sample(game: Game) -> Game | None:
    """Every so many-th area, for as many persons; None where the areas are few."""
    stride = min(_MOST_STRIDE, len(game.persons) // (_AREAS_A_SITE * len(game.room)))
    if stride < 2:
        return None
    found = _part(game, game.area % stride == 0)
    of_sample = found.persons[np.diff(found.first) > 0].sum()
    whole = game.persons[np.diff(game.first) > 0].sum()
    return found._replace(persons=found.persons * whole / of_sample) if of_sample > 0 else None


def _within_reach(game: Game, price: FloatArray, margin: float) -> Game:
    """Without the pairs that cost more than the area's best by so much that nobody takes them."""
    from geo.access import _kernels  # noqa: PLC0415

    cost = game.travel + price[game.site]
    _, lowest = _kernels.paid_and_lowest(game.first, game.site, game.travel, price, cost)
    keep = cost <= lowest[game.area] + margin
    return _part(game, keep) if keep.mean() < _WORTH_LEAVING_OUT else game


def _part(game: Game, keep: BoolArray) -> Game:
    """Some of the pairs."""
    before = np.concatenate([[0], np.cumsum(keep)])
    return game._replace(
        first=before[game.first],
        site=game.site[keep],
        travel=game.travel[keep],
        area=game.area[keep],
        at=game.at[keep],
    )


def gap_of(game: Game, assigned: FloatArray) -> float:
    """What all could save together by going elsewhere, in parts of what they pay.

    Parameters
    ----------
    game : what is played.
    assigned : float64 [persons], shape (n_pairs,).

    Returns
    -------
    0 in the equilibrium, below 1.
    """
    from geo.access import _kernels  # noqa: PLC0415

    congestion = sum_at(game.site, assigned, len(game.room)) / game.room
    paid, lowest = _kernels.paid_and_lowest(
        game.first, game.site, game.travel, congestion, assigned
    )
    total = float(paid.sum())
    least = float(np.nansum(lowest * game.persons))
    return max(0.0, 1.0 - least / total) if total > 0 else 0.0
