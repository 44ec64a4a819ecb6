"""What the map page shows: read from an address, checked against a snapshot, kept in the browser.

The same few keys are the parameters of the address, the state in the browser's store, and the
argument of every callback: snapshot, level, area, layer, week, measure, sites.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from etl.store.reader import Snapshot
from geo.errors import NotPublishedError

# What a map opens with, the first that was published.
_FIRST_LAYERS = ("gap", "covered.counselling_room", "access", "tier")
_FIRST_SITES = ("guidance_centre", "counselling_room")
AUTO = "auto"


class LayerBook:
    """The layers of a snapshot that a map can show, by code and by group."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.levels: list[str] = [entry["level"] for entry in snapshot.meta["levels"]]

    @cached_property
    def layers(self) -> dict[str, dict[str, Any]]:
        """Entries of `meta` by code, without those that only stand in words."""
        return {
            entry["code"]: entry
            for entry in self.snapshot.meta["layers"]
            if entry.get("on_map", True)
        }

    def level_for(self, code: str, wanted: str) -> str:
        """The wanted level if the layer has it, else the nearest that it has, finer first."""
        offered = self.layers[code]["levels"]
        if wanted == AUTO or wanted in offered:
            return wanted
        order = self.levels
        at = order.index(wanted)
        known = [level for level in order if level in offered]
        return min(known, key=lambda level: (abs(order.index(level) - at), order.index(level)))

    def first_layer(self) -> str | None:
        """The layer a map opens with; None if there is none at all."""
        for code in _FIRST_LAYERS:
            if code in self.layers:
                return code
        return next(iter(self.layers), None)


@dataclass(frozen=True)
class Choices:
    """One screen of the map page.

    Attributes
    ----------
    snapshot : id of the snapshot everything is read from.
    level : level of the areas that are coloured; `auto` takes the finest that can be read.
    area : code of the chosen place; empty for the whole locality.
    area_level : level of that place; follows from the code, so no address holds it.
    layer : code of the layer shown.
    week : ISO week of weekly layers.
    measure : measure of the panel's chart; empty lets the panel choose.
    sites : facility kinds whose sites are drawn.
    """

    snapshot: str
    level: str
    area: str
    area_level: str
    layer: str
    week: str
    measure: str
    sites: tuple[str, ...]

    @classmethod
    def from_store(cls, state: Mapping[str, Any]) -> Choices:
        """Choices as the browser's store holds them."""
        keys = ("snapshot", "level", "area", "area_level", "layer", "week", "measure")
        return cls(**{key: str(state[key]) for key in keys}, sites=tuple(state["sites"]))

    def to_store(self) -> dict[str, Any]:
        """Keys and filters only, for the browser's store."""
        return {**asdict(self), "sites": list(self.sites)}


def read_choices(snapshot: Snapshot, given: Mapping[str, str]) -> Choices:
    """Choices of an address; what the snapshot does not have falls back to what it opens with.

    Raises
    ------
    NotPublishedError : the snapshot has no layer that a map can show.
    """
    book = LayerBook(snapshot)
    layer = given.get("layer") if given.get("layer") in book.layers else book.first_layer()
    if layer is None:
        raise NotPublishedError(f"snapshot {snapshot.snapshot_id} has no layer to show on a map")
    level = given.get("level", AUTO)
    weeks = snapshot.meta["weeks"]
    week = given.get("week", "")
    return Choices(
        snapshot=snapshot.snapshot_id,
        level=book.level_for(layer, level if level in book.levels else AUTO),
        area=given.get("area", ""),
        area_level="",
        layer=layer,
        week=week if week in weeks else snapshot.week,
        measure=given.get("measure", ""),
        sites=_read_sites(snapshot, given.get("sites")),
    )


def _read_sites(snapshot: Snapshot, given: str | None) -> tuple[str, ...]:
    known = [kind["code"] for kind in snapshot.meta["kinds"] if kind.get("on_map", True)]
    if given is None:
        return tuple(code for code in known if code in _FIRST_SITES) or tuple(known[:1])
    wanted = given.split(",")
    return tuple(code for code in known if code in wanted)
