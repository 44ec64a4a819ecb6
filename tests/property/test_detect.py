"""Tiers rise with counts and never tell of small ones; EARS ignores what comes later."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geo.detect.ears import ears
from geo.detect.tiers import assign_tiers, highest_tier, weeks_running
from geo.model import Tier, TierPolicy

seeds = st.integers(0, 2**32 - 1)
METHODS = st.sampled_from(["C1", "C2", "C3"])
POLICY = TierPolicy(min_count=5)


@given(seeds, METHODS, st.integers(0, 60), st.integers(1, 60), st.sampled_from([5, 10]))
def test_raising_a_count_never_lowers_its_tier(
    seed: int, method: str, low: int, more: int, k: int
) -> None:
    history = np.random.default_rng(seed).poisson(4, 20).astype(float)
    tiers = []
    for last in (low, low + more):
        counts = np.append(history, float(last))
        found = ears(counts, method=method, min_sigma=1.0)
        tiers.append(
            assign_tiers(counts, found.score, policy=POLICY, effective_min_count=max(5, k))[-1]
        )
    assert tiers[0] <= tiers[1]
    assert tiers[0] != Tier.NO_DATA


@given(seeds, METHODS)
def test_no_tier_on_a_count_that_is_withheld(seed: int, method: str) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rng.choice([0.3, 3, 12], (40, 1)), (40, 6)).astype(float)
    counts[rng.random(counts.shape) < 0.05] = np.nan
    found = ears(counts, method=method, min_sigma=0.5, min_observed=5)
    tiers = assign_tiers(counts, found.score, policy=POLICY, effective_min_count=10)
    assert (tiers[counts < 10] <= Tier.NONE).all()
    assert (tiers[np.isnan(counts)] == Tier.NO_DATA).all()
    assert (tiers[np.isnan(found.expected)] == Tier.NO_DATA).all()
    running = weeks_running(tiers)
    assert ((running > 0) == (tiers >= Tier.BLUE)).all()
    np.testing.assert_array_equal(highest_tier(tiers.T[None]), tiers.T)


@given(seeds, METHODS, st.booleans())
def test_a_week_is_judged_by_the_past_alone(seed: int, method: str, exclude: bool) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(3.0, (40, 3)).astype(float)
    counts[20:25] += 15
    whole = ears(counts, method=method, min_sigma=0.5, exclude_alarms=exclude)
    part = ears(counts[:30], method=method, min_sigma=0.5, exclude_alarms=exclude)
    np.testing.assert_array_equal(whole.score[:30], part.score)
    one = ears(counts[:, 1], method=method, min_sigma=0.5, exclude_alarms=exclude)
    np.testing.assert_array_equal(whole.score[:, 1], one.score)


@given(seeds, METHODS)
def test_without_alarms_both_baselines_are_the_same(seed: int, method: str) -> None:
    counts = np.random.default_rng(seed).integers(4, 7, (40, 4)).astype(float)
    plain = ears(counts, method=method, min_sigma=1.0, alpha=0.001)
    assert not (counts > plain.expected + 3.0902).any()
    kept = ears(counts, method=method, min_sigma=1.0, alpha=0.001, exclude_alarms=True)
    np.testing.assert_allclose(plain.expected, kept.expected, rtol=1e-12)
    np.testing.assert_allclose(plain.score, kept.score, rtol=1e-9, atol=1e-12)
