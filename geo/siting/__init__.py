"""Where new sites should be: coverage, medians and centres, with proof."""

from geo.siting.instance import Instance
from geo.siting.prepare import prepare
from geo.siting.problem import (
    Cause,
    Infeasibility,
    Objective,
    SitingProblem,
    SitingSolution,
    relative_gap,
)
from geo.siting.solve import solve

__all__ = [
    "Cause",
    "Infeasibility",
    "Instance",
    "Objective",
    "SitingProblem",
    "SitingSolution",
    "prepare",
    "relative_gap",
    "solve",
]
