"""How the pull of a site falls with the cost of getting there: steps and curves.

A constant factor on all weights changes no floating catchment, so each curve starts at 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from geo.arrays import FloatArray, floats, positive
from geo.errors import ShapeError, UnitError

Curve = Callable[[FloatArray], FloatArray]
Decay = Mapping[float, float] | Curve

# Luo & Qi 2009, the weights that pysal access ships as its example [min: weight].
E2SFCA_STEPS_MIN: Mapping[float, float] = MappingProxyType({10.0: 1.0, 20.0: 0.68, 30.0: 0.22})
# Wan, Zou & Sternberg 2012 [min: weight].
THREE_STEP_STEPS_MIN: Mapping[float, float] = MappingProxyType(
    {10.0: 0.962, 20.0: 0.704, 30.0: 0.377, 60.0: 0.042}
)

# A curve is looked at in so many places, to see that it does not rise.
_PROBES = 257
_ROUNDING = 1e-9


def gaussian(catchment: float) -> Curve:
    """Gaussian that falls from 1 at no cost to 0 at the catchment.

    Parameters
    ----------
    catchment : cost at which the weight is 0, in the unit of the costs, > 0.

    Returns
    -------
    Function of float64 costs to float64 weights 0..1, same shape; 0 beyond the catchment.

    Raises
    ------
    UnitError : the catchment is not positive.

    Notes
    -----
    Dai 2010 (Health & Place 16:1038): (exp(-(d/D)^2/2) - exp(-1/2)) / (1 - exp(-1/2)).

    Examples
    --------
    >>> gaussian(30.0)(np.array([0.0, 15.0, 30.0, 31.0])).round(3).tolist()
    [1.0, 0.701, 0.0, 0.0]
    """
    limit, edge = positive("catchment", catchment, unit="cost"), float(np.exp(-0.5))

    def weight(cost: FloatArray) -> FloatArray:
        fallen = (np.exp(-0.5 * (cost / limit) ** 2) - edge) / (1.0 - edge)
        return np.where(cost <= limit, np.maximum(fallen, 0.0), 0.0)

    return weight


def gaussian_steps(bounds: Sequence[float]) -> Mapping[float, float]:
    """Weights of steps from the Gaussian of the last bound, taken in the middle of each step.

    Parameters
    ----------
    bounds : inclusive upper bounds of the steps in the unit of the costs, rising, > 0.

    Returns
    -------
    Mapping {upper bound: weight}; the first weight is below 1, the last above 0.

    Raises
    ------
    UnitError : no bound, or the bounds do not rise from above 0.

    Notes
    -----
    O(n). The Gaussian is that of `gaussian`; steps as in Luo & Qi 2009.

    Examples
    --------
    >>> {bound: round(weight, 3) for bound, weight in gaussian_steps([10, 20, 30]).items()}
    {10.0: 0.965, 20.0: 0.701, 30.0: 0.254}
    """
    ends = floats("bounds", bounds)
    if not len(ends) or not (np.isfinite(ends).all() and (np.diff(ends, prepend=0.0) > 0).all()):
        raise UnitError(f"bounds: {ends.tolist()}; wanted at least one, rising from above 0")
    middle = (ends + np.append(0.0, ends[:-1])) / 2.0
    weights = gaussian(float(ends[-1]))(middle)
    return dict(zip(ends.tolist(), weights.tolist(), strict=True))


def power(exponent: float, *, least: float) -> Curve:
    """Power of the cost: the decay of the gravity model.

    Parameters
    ----------
    exponent : how fast the weight falls, > 0.
    least : cost up to which the weight is 1, in the unit of the costs, > 0; without it the weight
        at no cost would be infinite.

    Returns
    -------
    Function of float64 costs to float64 weights, (cost / least) ** -exponent beyond `least`.

    Raises
    ------
    UnitError : an option is not positive.

    Notes
    -----
    Joseph & Bantock 1982 (Social Science & Medicine 16:85). The same up to a constant as pysal
    access' `gravity(scale, -exponent, min_dist=least)`.

    Examples
    --------
    >>> power(1.0, least=5.0)(np.array([0.0, 5.0, 10.0])).tolist()
    [1.0, 1.0, 0.5]
    """
    steepness = positive("exponent", exponent, unit="1")
    floor = positive("least", least, unit="cost")

    def weight(cost: FloatArray) -> FloatArray:
        return (np.maximum(cost, floor) / floor) ** -steepness

    return weight


def exponential(scale: float) -> Curve:
    """Exponential fall: the weight is 1/e at the scale.

    Parameters
    ----------
    scale : in the unit of the costs, > 0.

    Returns
    -------
    Function of float64 costs to float64 weights, exp(-cost / scale).

    Raises
    ------
    UnitError : the scale is not positive.

    Notes
    -----
    Wilson 1971 (Environment and Planning 3:1).

    Examples
    --------
    >>> exponential(10.0)(np.array([0.0, 10.0])).round(3).tolist()
    [1.0, 0.368]
    """
    length = positive("scale", scale, unit="cost")

    def weight(cost: FloatArray) -> FloatArray:
        return np.exp(-cost / length)

    return weight


def steps(decay: Mapping[float, float]) -> tuple[FloatArray, FloatArray]:
    """Bounds and weights of steps, in rising order of the bounds.

    Parameters
    ----------
    decay : {inclusive upper bound: weight}.

    Returns
    -------
    Bounds and weights, float64, shape (n,).

    Raises
    ------
    UnitError : no step, a bound or weight that is negative, infinite or NaN, or a weight that
        is higher than that of a nearer step.

    Examples
    --------
    >>> steps({30: 0.2, 10: 1.0})
    (array([10., 30.]), array([1. , 0.2]))
    """
    bounds = np.array(sorted(decay), dtype=np.float64)
    weights = np.array([decay[bound] for bound in sorted(decay)], dtype=np.float64)
    if not len(bounds) or not (np.isfinite(bounds) & (bounds >= 0)).all():
        raise UnitError(f"decay: bounds {bounds.tolist()}; wanted at least one, each >= 0")
    return bounds, _falling(bounds, _checked(weights))


def weigh(decay: Decay | None, cost: FloatArray) -> FloatArray:
    """Weight of each cost.

    Parameters
    ----------
    decay : None for 1 throughout, steps, or a function of an array.
    cost : float64, shape (n,), >= 0.

    Returns
    -------
    float64, shape (n,), >= 0; 0 beyond the last step.

    Raises
    ------
    ShapeError : the function gives another shape.
    UnitError : a weight is negative, infinite or NaN, or rises with the cost.

    Notes
    -----
    O(n log n_steps). A function is looked at in 257 places between the lowest and the highest
    cost to see that it does not rise.

    Examples
    --------
    >>> weigh({10.0: 1.0, 20.0: 0.68}, np.array([10.0, 10.1, 20.1])).tolist()
    [1.0, 0.68, 0.0]
    """
    if decay is None:
        return np.ones(len(cost))
    if not callable(decay):
        bounds, weights = steps(decay)
        return np.append(weights, 0.0)[np.searchsorted(bounds, cost, side="left")]
    found = _curve(decay, cost)
    if len(cost):
        probes = np.linspace(cost.min(), cost.max(), _PROBES)
        _falling(probes, _curve(decay, probes))
    return found


def _curve(decay: Curve, cost: FloatArray) -> FloatArray:
    weights = np.asarray(decay(cost), dtype=np.float64)
    if weights.shape != cost.shape:
        raise ShapeError(
            f"decay: shape {weights.shape} for costs of shape {cost.shape}; "
            "wanted a function of an array that returns one weight a cost"
        )
    return _checked(weights)


def _checked(weights: FloatArray) -> FloatArray:
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise UnitError("decay: a weight negative, infinite or NaN; wanted finite weights >= 0")
    return weights


def _falling(costs: FloatArray, weights: FloatArray) -> FloatArray:
    rises = np.flatnonzero(weights[1:] > weights[:-1] * (1.0 + _ROUNDING))
    if rises.size:
        near, far = int(rises[0]), int(rises[0]) + 1
        raise UnitError(
            f"decay: rises from {weights[near]:g} at {costs[near]:g} to {weights[far]:g} at "
            f"{costs[far]:g}; wanted weights that never rise with the cost"
        )
    return weights
