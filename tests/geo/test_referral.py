"""The referral chain against a plain loop; thresholds, sites and order."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import ShapeError, UnitError
from geo.referral import Link, referral_chain


def slow(costs: list[float], limits: list[float], sites: list[int | None]) -> tuple[int, list[int]]:
    """One area's chain, a step after the other."""
    links = []
    for cost, limit, number in zip(costs, limits, sites, strict=True):
        if number is None:
            links.append(4)
        elif number == 0:
            links.append(1)
        elif math.isnan(cost):
            links.append(3)
        else:
            links.append(0 if cost <= limit else 2)
    for step, link in enumerate(links):
        if link == 4:
            return -1, links
        if link:
            return step, links
    return len(links), links


def case(seed: int) -> tuple[np.ndarray, list[float], list[int | None]]:
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(0, 20)), int(rng.integers(1, 6))
    sites: list[int | None] = [
        None if draw < 0.15 else 0 if draw < 0.3 else int(1 + 9 * draw) for draw in rng.random(k)
    ]
    costs = rng.integers(0, 60, (n, k)).astype(float)
    costs[rng.random((n, k)) < 0.15] = np.nan
    costs[:, [not number for number in sites]] = np.nan
    return costs, rng.integers(1, 60, k).astype(float).tolist(), sites


@given(st.integers(0, 2**32 - 1))
def test_equals_the_loop(seed: int) -> None:
    costs, limits, sites = case(seed)
    found = referral_chain(costs, thresholds_min=limits, n_sites=sites)
    for i, row in enumerate(costs.tolist()):
        first, links = slow(row, limits, sites)
        assert found.first_broken[i] == first
        assert found.links[i].tolist() == links


@given(st.integers(0, 2**32 - 1), st.floats(1.0, 40.0))
def test_a_longer_threshold_or_a_nearer_site_never_breaks_a_chain_sooner(
    seed: int, more: float
) -> None:
    costs, limits, sites = case(seed)
    before = referral_chain(costs, thresholds_min=limits, n_sites=sites).first_broken
    after = referral_chain(
        costs, thresholds_min=[limit + more for limit in limits], n_sites=sites
    ).first_broken
    nearer = referral_chain(costs / 2, thresholds_min=limits, n_sites=sites).first_broken
    known = before >= 0
    for later in (after, nearer):
        # Where a broken link is mended, one that is unknown may come to light.
        assert ((later[known] >= before[known]) | (later[known] == -1)).all()


def test_each_reason_is_told_apart() -> None:
    found = referral_chain(
        [[15.0, 31.0, np.nan, np.nan, np.nan]],
        thresholds_min=[15, 30, 30, 60, 60],
        n_sites=[4, 2, 1, 0, None],
    )
    assert found.links[0].tolist() == [
        Link.HOLDS, Link.TOO_FAR, Link.UNREACHABLE, Link.NO_SITE, Link.UNKNOWN]  # fmt: skip
    assert found.first_broken.tolist() == [1]
    unknown_first = referral_chain([[np.nan, 99.0]], thresholds_min=[9, 9], n_sites=[None, 3])
    assert unknown_first.first_broken.tolist() == [-1], "nobody knows whether the first step holds"


def test_refuses() -> None:
    with pytest.raises(ShapeError, match="2 columns of costs, 1 thresholds"):
        referral_chain([[1.0, 2.0]], thresholds_min=[9], n_sites=[1, 1])
    with pytest.raises(ShapeError, match="one or more steps"):
        referral_chain(np.empty((3, 0)), thresholds_min=[], n_sites=[])
    with pytest.raises(UnitError, match=r"thresholds_min: 0.0 for step 1"):
        referral_chain([[1.0, 2.0]], thresholds_min=[9, 0], n_sites=[1, 1])
    with pytest.raises(UnitError, match=r"cost_min: .*negative"):
        referral_chain([[-1.0]], thresholds_min=[9], n_sites=[1])
    with pytest.raises(UnitError, match="n_sites: -1 for step 0"):
        referral_chain([[np.nan]], thresholds_min=[9], n_sites=[-1])
    with pytest.raises(UnitError, match="no cost where there is none"):
        referral_chain([[4.0]], thresholds_min=[9], n_sites=[0])
