"""Tiers rise with counts, never tell of small ones, and equal the rules read one by one."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.detect.ears import ears
from geo.detect.tiers import Evidence, base_tiers, highest_tier, weekly_tiers
from geo.model import Colours, GapClass, Tier, TierPolicy
from tests.reference import tiers as reference

seeds = st.integers(0, 2**32 - 1)
METHODS = st.sampled_from(["C1", "C2", "C3"])
POLICY = TierPolicy()
N_WEEKS, N_AREAS = 24, 3


@st.composite
def policies(draw: st.DrawFn) -> TierPolicy:
    source = draw(st.sampled_from([Tier.NONE, Tier.YELLOW, Tier.RED]))
    return TierPolicy(
        max_steps=draw(st.integers(0, 3)),
        persistence_weeks=draw(st.sampled_from([0, 2, 3, 5])),
        spread_share=draw(st.sampled_from([0.0, 0.3, 1.0])),
        upstream_from=source,
        upstream_to=Tier(min(source, draw(st.integers(1, 4)))),
        gap_from=draw(st.sampled_from(list(GapClass))),
        hold_weeks=draw(st.integers(0, 4)),
        memory_weeks=draw(st.integers(0, 3)),
    )


def evidence(seed: int) -> Evidence:
    """Weeks with runs of warnings, quiet and unknown weeks, in all circumstances."""
    rng = np.random.default_rng(seed)
    shape = (N_WEEKS, N_AREAS)

    def holey(values: np.ndarray, share: float) -> np.ndarray:
        return np.where(rng.random(shape) < share, np.nan, values)

    wild = rng.random(shape) < rng.choice([0.1, 0.5])
    score = np.where(wild, rng.uniform(2, 6, shape), rng.uniform(0, 2.5, shape))
    return Evidence(
        holey(rng.integers(0, 40, shape).astype(float), rng.choice([0.0, 0.1, 0.4])),
        holey(score, 0.02),
        rng.uniform(0, 20, shape),
        holey(rng.random(shape), 0.1),
        holey(rng.integers(0, 5, shape).astype(float), 0.1),
        np.broadcast_to(holey(rng.integers(0, 4, shape).astype(float), 0.1)[:1], shape),
    )


@given(seeds, policies(), st.sampled_from([5, 10]))
def test_tiers_are_what_the_rules_say_one_by_one(seed: int, policy: TierPolicy, k: int) -> None:
    told = evidence(seed)
    found = weekly_tiers(told, policy=policy, floor=k)
    for area in range(N_AREAS):
        base: list[int] = []
        own: list[int] = []
        for week in range(N_WEEKS):
            here = {f.name: float(getattr(told, f.name)[week, area]) for f in fields(told)}
            base.append(
                reference.base_tier(here["counts"], here["score"], here["excess"], policy, k)
            )
            tier, flags = reference.own_tier(
                base, here["spread"], here["upstream"], here["gap"], policy
            )
            own.append(tier)
            at = week, area
            assert found.base[at] == base[-1]
            assert found.raised[at] == flags
            assert found.tier[at] == reference.held_tier(own, policy)
            assert found.held[at] == (found.tier[at] > tier)
            known = base[-1] != Tier.NO_DATA
            assert found.weeks_high[at] == (reference.high_weeks(base, policy) if known else 0)


@given(seeds, policies(), st.sampled_from(list(Colours)), st.data())
def test_more_of_anything_lowers_no_tier_of_any_week(
    seed: int, policy: TierPolicy, colours: Colours, data: st.DataObject
) -> None:
    told = evidence(seed)
    week = data.draw(st.integers(0, N_WEEKS - 1))
    area = data.draw(st.integers(0, N_AREAS - 1))
    more = {}
    for field in fields(told):
        table = np.array(getattr(told, field.name))
        table[week, area] += data.draw(st.sampled_from([0.0, 0.3, 1.0, 7.0]))
        more[field.name] = table
    chosen = replace(policy, colours=colours)
    before = weekly_tiers(told, policy=chosen, floor=10)
    after = weekly_tiers(Evidence(**more), policy=chosen, floor=10)
    assert (after.tier >= before.tier).all()
    assert ((after.tier == Tier.NO_DATA) == (before.tier == Tier.NO_DATA)).all()
    others = np.arange(N_AREAS) != area
    np.testing.assert_array_equal(after.tier[:, others], before.tier[:, others])
    np.testing.assert_array_equal(after.tier[:week], before.tier[:week])


@given(seeds, policies())
def test_tiers_rise_at_once_and_fall_a_step(seed: int, policy: TierPolicy) -> None:
    told = evidence(seed)
    told = replace(told, counts=np.nan_to_num(told.counts), score=np.nan_to_num(told.score))
    found = weekly_tiers(told, policy=policy, floor=10)
    assert (found.tier >= found.base).all()
    if policy.hold_weeks:
        assert (np.diff(found.tier, axis=0) >= -1).all()
        fell = np.argwhere(np.diff(found.tier, axis=0) < 0)
        for week, area in fell:
            recent = found.base[max(0, week + 1 - policy.hold_weeks) : week + 2, area]
            assert (recent <= found.tier[week + 1, area]).all()
    red = (found.tier == Tier.RED) & ~found.held
    assert (found.base[red] >= Tier.YELLOW).all()
    assert not found.raised[found.base == Tier.NONE].any()


@given(seeds, METHODS, st.integers(0, 60), st.integers(1, 60), st.sampled_from([5, 10]))
@settings(max_examples=40)
def test_raising_a_count_never_lowers_its_tier(
    seed: int, method: str, low: int, more: int, k: int
) -> None:
    history = np.random.default_rng(seed).poisson(4, 20).astype(float)
    tiers = []
    for last in (low, low + more):
        counts = np.append(history, float(last))
        found = ears(counts, method=method, min_sigma=1.0)
        excess = counts - found.expected
        tiers.append(base_tiers(counts, found.score, excess, policy=POLICY, floor=k)[-1])
    assert tiers[0] <= tiers[1]
    assert tiers[0] != Tier.NO_DATA


@given(seeds, METHODS)
@settings(max_examples=40)
def test_no_tier_on_a_count_that_is_withheld(seed: int, method: str) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rng.choice([0.3, 3, 12], (40, 1)), (40, 6)).astype(float)
    counts[rng.random(counts.shape) < 0.05] = np.nan
    found = ears(counts, method=method, min_sigma=0.5, min_observed=5)
    tiers = base_tiers(counts, found.score, counts - found.expected, policy=POLICY, floor=10)
    assert (tiers[counts < 10] <= Tier.NONE).all()
    assert (tiers[np.isnan(counts)] == Tier.NO_DATA).all()
    assert (tiers[np.isnan(found.expected)] == Tier.NO_DATA).all()
    np.testing.assert_array_equal(highest_tier(tiers.T[None]), tiers.T)
