"""Detection of unusual weeks and places, and how it becomes a warning tier."""

from geo.detect.cusum import Cusum, cusum
from geo.detect.delay import (
    Completeness,
    Nowcast,
    nowcast,
    provisional_weeks,
    reporting_completeness,
)
from geo.detect.ears import Ears, ears
from geo.detect.evaluate import (
    Skill,
    difference,
    evaluate_alarms,
    score_threshold,
    wilson_interval,
)
from geo.detect.farrington import Farrington, farrington, farrington_flexible
from geo.detect.hotspot import Hotspots, LocalMoran, discoveries, getis_ord, local_moran
from geo.detect.scan import Cluster, space_time_scan, spatial_scan
from geo.detect.simulate import (
    CityScenario,
    Scenario,
    noufaily_scenarios,
    simulate_city,
    simulate_series,
)
from geo.detect.watch import Detection, FalseAlarms, false_alarms, watch_areas

__all__ = [
    "CityScenario",
    "Cluster",
    "Completeness",
    "Cusum",
    "Detection",
    "Ears",
    "FalseAlarms",
    "Farrington",
    "Hotspots",
    "LocalMoran",
    "Nowcast",
    "Scenario",
    "Skill",
    "cusum",
    "difference",
    "discoveries",
    "ears",
    "evaluate_alarms",
    "false_alarms",
    "farrington",
    "farrington_flexible",
    "getis_ord",
    "local_moran",
    "noufaily_scenarios",
    "nowcast",
    "provisional_weeks",
    "reporting_completeness",
    "score_threshold",
    "simulate_city",
    "simulate_series",
    "space_time_scan",
    "spatial_scan",
    "watch_areas",
    "wilson_interval",
]
