"""Detection of unusual weeks and places, and how it becomes a warning tier."""

from geo.detect.control import controlled_scores, own_scores
from geo.detect.cusum import Cusum, cusum
from geo.detect.delay import (
    Completeness,
    Nowcast,
    nowcast,
    provisional_weeks,
    reporting_completeness,
)
from geo.detect.ears import Ears, ears
from geo.detect.episodes import Episodes, TierLevel, follow_episodes, touching
from geo.detect.evaluate import (
    Skill,
    difference,
    evaluate_alarms,
    score_threshold,
    wilson_interval,
)
from geo.detect.farrington import Farrington, farrington, farrington_flexible
from geo.detect.hotspot import Hotspots, LocalMoran, discoveries, getis_ord, local_moran
from geo.detect.neighbours import nearest_areas
from geo.detect.scan import Cluster, space_time_scan, spatial_scan
from geo.detect.simulate import (
    CityScenario,
    Scenario,
    noufaily_scenarios,
    simulate_city,
    simulate_series,
)
from geo.detect.tiers import Evidence, Raise, Tiers, base_tiers, highest_tier, weekly_tiers
from geo.detect.watch import Detection, FalseAlarms, false_alarms, watch_areas
from geo.detect.withheld import raise_guesses

__all__ = [
    "CityScenario",
    "Cluster",
    "Completeness",
    "Cusum",
    "Detection",
    "Ears",
    "Episodes",
    "Evidence",
    "FalseAlarms",
    "Farrington",
    "Hotspots",
    "LocalMoran",
    "Nowcast",
    "Raise",
    "Scenario",
    "Skill",
    "TierLevel",
    "Tiers",
    "base_tiers",
    "controlled_scores",
    "cusum",
    "difference",
    "discoveries",
    "ears",
    "evaluate_alarms",
    "false_alarms",
    "farrington",
    "farrington_flexible",
    "follow_episodes",
    "getis_ord",
    "highest_tier",
    "local_moran",
    "nearest_areas",
    "noufaily_scenarios",
    "nowcast",
    "own_scores",
    "provisional_weeks",
    "raise_guesses",
    "reporting_completeness",
    "score_threshold",
    "simulate_city",
    "simulate_series",
    "space_time_scan",
    "spatial_scan",
    "touching",
    "watch_areas",
    "weekly_tiers",
    "wilson_interval",
]
