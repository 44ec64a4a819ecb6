"""What is wrong with a tier policy; imports little, since every command reads the settings."""

from __future__ import annotations

from geo.errors import Fault
from geo.model import Tier, TierPolicy

NAMES = ("blue", "yellow", "orange", "red")


def policy_faults(policy: TierPolicy) -> list[Fault]:
    """Everything in a policy that is out of range or order, or contradicts itself.

    Parameters
    ----------
    policy : the policy.

    Returns
    -------
    One fault a key, empty for a sound policy.

    Examples
    --------
    >>> policy_faults(TierPolicy())
    []
    >>> print(*policy_faults(TierPolicy(scores=(2, 4, 3, 6))))
    orange: 3; wanted a score above that of yellow = 4
    """
    return [
        *_order_faults(policy),
        *_rule_faults(policy),
        *_range_faults(policy),
    ]


def _order_faults(policy: TierPolicy) -> list[Fault]:
    found = []
    if not policy.scores[0] > 0:
        found.append(Fault("blue", f"{policy.scores[0]:g}", "a score above 0"))
    for i in range(1, len(NAMES)):
        below, here = policy.scores[i - 1], policy.scores[i]
        if not here > below:
            wanted = f"a score above that of {NAMES[i - 1]} = {below:g}"
            found.append(Fault(NAMES[i], f"{here:g}", wanted))
    for key, sizes, least in (
        ("least_count", policy.min_counts, 2),
        ("least_excess", policy.min_excess, 0),
    ):
        if not sizes[0] >= least:
            found.append(Fault(f"{key}.blue", f"{sizes[0]:g}", f"{least} or more"))
        for i in range(1, len(NAMES)):
            if not sizes[i] >= sizes[i - 1]:
                wanted = f"at least that of {NAMES[i - 1]} = {sizes[i - 1]:g}"
                found.append(Fault(f"{key}.{NAMES[i]}", f"{sizes[i]:g}", wanted))
    return found


def _rule_faults(policy: TierPolicy) -> list[Fault]:
    source, goal = policy.upstream_from, policy.upstream_to
    found = []
    if (source > Tier.NONE) != (goal > Tier.NONE):
        came = f"{goal.name.lower()}, with upstream_from = {source.name.lower()}"
        found.append(Fault("upstream_to", came, "both a tier, or both none"))
    elif goal > source:
        wanted = f"at most upstream_from = {source.name.lower()}"
        found.append(Fault("upstream_to", goal.name.lower(), wanted))
    if policy.persistence_weeks == 1:
        wanted = "2 or more, or 0 for off: with 1 every warning is raised in its first week"
        found.append(Fault("persistence_weeks", "1", wanted))
    return found


def _range_faults(policy: TierPolicy) -> list[Fault]:
    ranges = {
        "max_steps": (0, 3),
        "persistence_weeks": (0, 26),
        "spread_share": (0, 1),
        "hold_weeks": (0, 26),
        "memory_weeks": (0, 26),
    }
    return [
        Fault(key, f"{getattr(policy, key):g}", f"{least} to {most}")
        for key, (least, most) in ranges.items()
        if not least <= getattr(policy, key) <= most
    ]
