"""How travel times came about, as every screen says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard.text import words


def over_roads(meta: Mapping[str, Any]) -> bool:
    """Whether the snapshot's times follow roads; otherwise they are straight lines."""
    return bool(meta.get("travel", {}).get("method") == "road")


def travel_key(meta: Mapping[str, Any], straight: str, road: str) -> str:
    """Key of the text that says how times came about, for straight lines or for roads."""
    return road if over_roads(meta) else straight


def travel_numbers(meta: Mapping[str, Any]) -> dict[str, str]:
    """What such a text may name: speeds [km/h], distances [km], the detour, the pieces."""
    travel = meta["travel"]
    found = {
        name: words.setting(float(travel[key]))
        for name, key in (("detour", "detour"), ("foot", "foot_kmh"), ("car", "car_kmh"))
    }
    if over_roads(meta):
        speeds = [float(speed) for speed in travel["road_kmh"].values()]
        found |= {
            "slow": words.setting(min(speeds)),
            "fast": words.setting(max(speeds)),
            "snap": words.setting(float(travel["snap_m"]) / 1000),
            "road_km": words.number(float(travel["road_km"])),
            "pieces": words.number(float(travel["n_pieces"])),
            "largest": words.percent(float(travel["largest_share"])),
        }
    return found
