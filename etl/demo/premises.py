"""Floors and owners of the venues, and what their register leaves out, for planners to ask."""

from __future__ import annotations

import numpy as np
import pandas as pd

from etl.demo.plan import CITY_ZH, TOWNS
from etl.demo.zones import Zones

FLOORS = ("1层", "1-2层", "2层", "3层", "一楼", "负一层")
_CHANCES = (0.55, 0.15, 0.12, 0.06, 0.10, 0.02)
# Part of the venues whose register leaves a fact empty, and of those with one small room to lend.
MISSING = {"area_m2": 0.08, "hours": 0.10, "floor": 0.12, "owner": 0.10}
SMALL = 0.07
_OF_CITY = {"妇女儿童之家": f"{CITY_ZH}妇女联合会", "老年活动中心": f"{CITY_ZH}民政局"}


def furnish_venues(sites: pd.DataFrame, zones: Zones, rng: np.random.Generator) -> pd.DataFrame:
    """The sites, their venues with floor and owner; some facts are missing, some rooms too small.

    Parameters
    ----------
    sites : see `facilities.Register.table`.
    rng : generator of its own, so that the sites stay where they are.
    """
    sites = sites.copy()
    for name in ("area_m2", "hours", "floor", "owner"):
        sites[name] = sites[name].astype(object)
    venues = sites.index[sites["kind"] == "host_venue"]
    sites.loc[venues, "floor"] = rng.choice(FLOORS, len(venues), p=_CHANCES)
    sites.loc[venues, "owner"] = [_owner(sites.loc[i], zones, rng) for i in venues]
    small = venues[rng.random(len(venues)) < SMALL]
    sites.loc[small, "area_m2"] = rng.integers(11, 20, len(small)).tolist()
    for name, share in MISSING.items():
        sites.loc[venues[rng.random(len(venues)) < share], name] = None
    return sites


def _owner(site: pd.Series, zones: Zones, rng: np.random.Generator) -> str:
    town = TOWNS[int(site["town"])]
    if site["type"] in _OF_CITY and rng.random() < 0.5:
        return _OF_CITY[site["type"]]
    if site["type"] == "便民服务中心" or rng.random() < 0.2:
        return f"{town.name}办事处" if town.urban else f"{town.name}人民政府"
    village = int(site["village"])
    committee = "居民委员会" if zones.village_urban[village] else "村民委员会"
    return f"{str(zones.village_names[village]).removesuffix('村')}{committee}"
