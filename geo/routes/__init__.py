"""Ways over a road network: from a point onto the nearest roads, and where the sites stand on it.

A traveller walks from a point to a road (an access leg), goes along roads, and walks from a road
to the site. Any road within the snapping limit may be the one: the quickest way over all decides.
"""

from geo.routes.legs import Legs, access_legs, in_water, short_walks
from geo.routes.prepared import Routes, prepare_routes
from geo.routes.sites import Sited, arcs_from, put_sites

__all__ = [
    "Legs",
    "Routes",
    "Sited",
    "access_legs",
    "arcs_from",
    "in_water",
    "prepare_routes",
    "put_sites",
    "short_walks",
]
