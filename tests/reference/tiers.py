"""Warning tiers one week and area at a time, as the rules read."""

from __future__ import annotations

import math
from collections.abc import Sequence

from geo.model import GapClass, Tier, TierPolicy


def base_tier(count: float, score: float, excess: float, policy: TierPolicy, floor: int) -> int:
    if any(map(math.isnan, (count, score, excess))):
        return Tier.NO_DATA
    found = Tier.NONE
    for tier in (Tier.BLUE, Tier.YELLOW, Tier.ORANGE, Tier.RED):
        i = tier - 1
        if (
            score >= policy.scores[i]
            and count >= max(policy.min_counts[i], floor)
            and excess >= policy.min_excess[i]
        ):
            found = tier
    return found


def high_weeks(base: Sequence[int], policy: TierPolicy) -> int:
    """Known weeks in a row with a tier, back from the last."""
    number = unknown = 0
    for tier in reversed(base):
        if tier == Tier.NO_DATA:
            unknown += 1
            if unknown > policy.memory_weeks:
                break
            continue
        unknown = 0
        if tier < Tier.BLUE:
            break
        number += 1
    return number


def own_tier(
    base: Sequence[int], spread: float, upstream: float, gap: float, policy: TierPolicy
) -> tuple[int, int]:
    """Tier of the last week's own, and the flags of what raised it."""
    tier = base[-1]
    if tier < Tier.BLUE:
        return tier, 0
    flags = steps = 0
    if policy.persistence_weeks and high_weeks(base, policy) >= policy.persistence_weeks:
        flags, steps = flags | 1, steps + 1
    if policy.spread_share and spread >= policy.spread_share:
        flags, steps = flags | 2, steps + 1
    if policy.gap_from > GapClass.NONE and gap >= policy.gap_from:
        flags, steps = flags | 8, steps + 1
    wanted = tier + steps
    if policy.upstream_from > Tier.NONE and upstream >= policy.upstream_from:
        wanted = max(wanted, policy.upstream_to)
        if tier < policy.upstream_to:
            flags |= 4
    wanted = min(wanted, tier + policy.max_steps, Tier.RED)
    if tier < Tier.YELLOW:
        wanted = min(wanted, Tier.ORANGE)
    return (wanted, flags) if wanted > tier else (tier, 0)


def held_tier(own: Sequence[int], policy: TierPolicy) -> int:
    """What the weeks up to the last lead to, each aged by the known weeks since."""
    if own[-1] == Tier.NO_DATA or policy.hold_weeks == 0:
        return own[-1]
    highest, age, unknown = Tier.NONE, 0, 0
    for tier in reversed(own):
        if tier == Tier.NO_DATA:
            unknown += 1
            if unknown > policy.memory_weeks:
                break
            continue
        unknown = 0
        highest = max(highest, tier - max(0, age - policy.hold_weeks))
        age += 1
    return highest
