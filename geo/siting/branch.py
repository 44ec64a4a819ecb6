"""Choices divided again and again by whether a site is open, until none can be better."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geo.arrays import FloatArray, IntArray
from geo.siting._progress import Progress
from geo.siting._search import SiteSearch
from geo.siting._walk import new_walk

# Steps of the bound in each part, and the pace of the first.
_STEPS, _PACE = 60, 0.3
# Bytes of prices kept; beyond them the part made last comes first, which makes few.
_MOST_KEPT = 200_000_000


class _Part(NamedTuple):
    """Choices with some sites open and some shut."""

    bound: float
    locks: IntArray
    price: FloatArray
    site: int


def branch(one: SiteSearch, progress: Progress, *, known: float) -> float:
    """Prove the best choice by branch and bound, or find a better one.

    Parameters
    ----------
    one : a search; keeps a better choice where one is found.
    progress : time left, and whether the search is still wanted.
    known : value of a choice known, as `one.goal` counts it, which need not be one of this search.

    Returns
    -------
    The bound, as `one.goal` counts; no more than the larger of `known` and `one.goal` where it is
    proven.

    Notes
    -----
    The part with the highest bound is divided first, by the site that the steps of its bound opened
    most nearly every other time; parts inherit prices (Christofides & Beasley 1982). Sites without
    which, or with which, a part has nothing better are settled in it.

    Examples
    --------
    >>> import pandas as pd
    >>> from geo.siting import SitingProblem, prepare
    >>> from geo.siting.heuristic import start_search
    >>> from geo.siting.stopwatch import Stopwatch
    >>> costs = pd.DataFrame({"s": [1.0, 2.0, 9.0], "t": [9.0, 3.0, 1.0]}, index=list("abc"))
    >>> demand = pd.Series([5.0, 2.0, 4.0], index=list("abc"))
    >>> one = start_search(prepare(SitingProblem("p_median", costs, demand, p=1)))
    >>> branch(one, Progress(Stopwatch(5), None, maximise=False), known=-50.0), one.value
    (-45.0, 45.0)
    """
    one.floor = known
    while one.moving and not progress.over:
        one.tighten()
    parts = [_Part(np.inf, one.locks, one.walk[2], -1)]
    while parts:
        at = len(parts) - 1
        if len(parts) * one.walk[2].nbytes < _MOST_KEPT:
            at = max(range(len(parts)), key=lambda i: parts[i].bound)
        highest = max(part.bound for part in parts)
        if not progress.tell(one.sign * (one.base + one.known), one.sign * (one.base + highest)):
            return highest
        if progress.over:
            return highest
        part = parts.pop(at)
        if part.bound < one.enough:
            continue
        for lock in (1, -1) if part.site >= 0 else (0,):
            locks = part.locks.copy()
            if lock:
                locks[part.site] = lock
            new = _look(one, locks, part)
            if new is not None and new.bound >= one.enough:
                parts.append(new)
    return one.known


def _look(one: SiteSearch, locks: IntArray, part: _Part) -> _Part | None:
    """Bound of a part, and by what it is divided; None where it holds no choice."""
    if (locks > 0).sum() > one.p or (locks >= 0).sum() < one.p:
        return None
    walk = new_walk(part.price, len(locks), _PACE)
    chosen = one.lower(_STEPS, locks, walk)
    one.keep(chosen)
    free = locks == 0
    sure, shut = (walk[4] < one.enough) & free
    if (sure & shut).any():
        return None
    locks[sure], locks[shut] = 1, -1
    n_sure, n_left = (locks > 0).sum(), (locks >= 0).sum()
    if n_sure > one.p or n_left < one.p:
        return None
    if one.p in {n_sure, n_left}:
        one.keep(np.flatnonzero(locks > 0 if n_sure == one.p else locks >= 0))
        return None
    open_share = np.where(locks == 0, np.abs(walk[5] - 0.5), np.inf)
    return _Part(min(part.bound, float(walk[1][2])), locks, walk[2], int(open_share.argmin()))
