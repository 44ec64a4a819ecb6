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
from geo.detect.farrington import Farrington, farrington, farrington_flexible
from geo.detect.hotspot import Hotspots, LocalMoran, discoveries, getis_ord, local_moran
from geo.detect.scan import Cluster, space_time_scan, spatial_scan
from geo.detect.watch import Detection, FalseAlarms, false_alarms, watch_areas

__all__ = [
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
    "cusum",
    "discoveries",
    "ears",
    "false_alarms",
    "farrington",
    "farrington_flexible",
    "getis_ord",
    "local_moran",
    "nowcast",
    "provisional_weeks",
    "reporting_completeness",
    "space_time_scan",
    "spatial_scan",
    "watch_areas",
]
