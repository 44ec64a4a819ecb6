"""Travel costs from areas to sites: over a road network, or straight line times a detour factor.

Coordinates are metric. Without a network a cost in minutes is distance [m] x detour / speed; over
a network it is the walk to a road, the way along roads, and the walk from a road to the site.
"""

from geo.travel.roads import k_nearest_sites, nearest_by_road, road_costs, road_pairs
from geo.travel.straight import nearest_straight_line, reach_m, straight_line_costs

__all__ = [
    "k_nearest_sites",
    "nearest_by_road",
    "nearest_straight_line",
    "reach_m",
    "road_costs",
    "road_pairs",
    "straight_line_costs",
]
