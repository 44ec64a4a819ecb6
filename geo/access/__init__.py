"""Access to supply that others want too.

Floating catchments in two and three steps with step or continuous decays, on a table of travel
costs or over coordinates, and the rational agent access model.
"""

from geo.access.catchment import floating_catchment, three_step_catchment
from geo.access.decay import (
    E2SFCA_STEPS_MIN,
    THREE_STEP_STEPS_MIN,
    Decay,
    exponential,
    gaussian,
    gaussian_steps,
    power,
)
from geo.access.points import floating_catchment_points
from geo.access.raam import (
    RationalAgents,
    effective_supply,
    rational_agents,
    rational_agents_by_cycles,
)
from geo.access.sensitivity import Sensitivity, catchment_sensitivity

__all__ = [
    "E2SFCA_STEPS_MIN",
    "THREE_STEP_STEPS_MIN",
    "Decay",
    "RationalAgents",
    "Sensitivity",
    "catchment_sensitivity",
    "effective_supply",
    "exponential",
    "floating_catchment",
    "floating_catchment_points",
    "gaussian",
    "gaussian_steps",
    "power",
    "rational_agents",
    "rational_agents_by_cycles",
    "three_step_catchment",
]
