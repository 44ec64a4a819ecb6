"""Where new sites should be: coverage, medians and centres, with proof."""

from geo.siting.problem import (
    Cause,
    Infeasibility,
    Objective,
    SitingProblem,
    SitingSolution,
    relative_gap,
)

__all__ = [
    "Cause",
    "Infeasibility",
    "Objective",
    "SitingProblem",
    "SitingSolution",
    "relative_gap",
]
