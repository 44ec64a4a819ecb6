"""The referral chain: can each step of care be reached, and where does the chain break first.

The steps go from the front of the service to its end: counselling room, town station, county
hospital, psychiatric hospital. Each is reached from home; a step is a link of the chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.arrays import FloatArray, IntArray, StateArray, amounts, floats
from geo.errors import ShapeError, UnitError


class Link(IntEnum):
    """Whether a step can be taken, and why not."""

    HOLDS = 0
    NO_SITE = 1
    TOO_FAR = 2
    UNREACHABLE = 3
    UNKNOWN = 4


class ReferralChain(NamedTuple):
    """Links of each area's chain.

    Attributes
    ----------
    links : uint8 `Link` values, shape (n_areas, n_steps).
    first_broken : int64, shape (n_areas,): position of the first step that cannot be taken,
        n_steps where all can, -1 where a step before it is unknown.
    """

    links: StateArray
    first_broken: IntArray


def referral_chain(
    cost_min: npt.ArrayLike,
    *,
    thresholds_min: Sequence[float],
    n_sites: Sequence[int | None],
) -> ReferralChain:
    """Find the first step of the referral chain that each area cannot take.

    Parameters
    ----------
    cost_min : float64 [min], shape (n_areas, n_steps), >= 0: the way to the nearest site of each
        step; NaN where none can be reached.
    thresholds_min : inclusive threshold of each step [min], > 0; they need not rise, since steps
        are taken in different ways.
    n_sites : sites in service of each step; None where nobody has said which there are, so that
        the link is unknown and not broken.

    Returns
    -------
    ReferralChain.

    Raises
    ------
    ShapeError : there is no step, or the lengths differ.
    UnitError : a cost is negative or infinite, a threshold is not positive, a number of sites is
        negative, or a step without sites has a cost.

    Notes
    -----
    O(n_areas x n_steps).

    Examples
    --------
    >>> chain = referral_chain([[8.0, 21.0, 46.0, np.nan], [20.0, 21.0, 46.0, np.nan]],
    ...     thresholds_min=[15, 30, 60, 60], n_sites=[90, 12, 5, 0])
    >>> chain.first_broken.tolist(), chain.links[1].tolist()
    ([3, 0], [2, 0, 0, 1])
    """
    cost = amounts("cost_min", cost_min, ndim=(2,))
    limits = floats("thresholds_min", thresholds_min)
    n_steps = cost.shape[1]
    if not n_steps or len(limits) != n_steps or len(n_sites) != n_steps:
        raise ShapeError(
            f"{n_steps} columns of costs, {len(limits)} thresholds, {len(n_sites)} numbers of "
            "sites; wanted one or more steps, and the same of each"
        )
    links = np.full(cost.shape, int(Link.UNKNOWN), dtype=np.uint8)
    for step, (limit, sites) in enumerate(zip(limits.tolist(), n_sites, strict=True)):
        links[:, step] = _links(step, cost[:, step], limit, sites)
    broken = links != Link.HOLDS
    first = np.where(broken.any(axis=1), broken.argmax(axis=1), n_steps)
    at = np.minimum(first, n_steps - 1)
    unknown = (first < n_steps) & (links[np.arange(len(links)), at] == Link.UNKNOWN)
    return ReferralChain(links, np.where(unknown, -1, first).astype(np.int64))


def _links(step: int, cost: FloatArray, limit: float, sites: int | None) -> StateArray:
    if not (np.isfinite(limit) and limit > 0):
        raise UnitError(f"thresholds_min: {limit!r} for step {step}; wanted a number above 0 [min]")
    if sites is None:
        return np.full(len(cost), int(Link.UNKNOWN), dtype=np.uint8)
    if sites < 0 or (sites == 0 and not np.isnan(cost).all()):
        raise UnitError(
            f"n_sites: {sites} for step {step}, which {int((~np.isnan(cost)).sum())} areas reach; "
            "wanted how many there are, and no cost where there is none"
        )
    missing = Link.UNREACHABLE if sites else Link.NO_SITE
    links = np.where(cost <= limit, int(Link.HOLDS), int(Link.TOO_FAR))
    return np.where(np.isnan(cost), int(missing), links).astype(np.uint8)
