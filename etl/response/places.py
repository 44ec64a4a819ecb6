"""Where areas lie to each other: the same, one within the other, side by side, or apart."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

import shapely
from shapely.geometry import shape

from geo.model import Level

if TYPE_CHECKING:
    from etl.store.reader import Reader, Snapshot

Codes = frozenset[str]


class Relation(IntEnum):
    """How near two sets of areas are, nearest last."""

    APART = 0
    TOUCHING = 1
    NESTED = 2
    SHARED = 3


@dataclass(frozen=True)
class Place:
    """One area.

    Attributes
    ----------
    bounds : west, south, east, north; WGS 84.
    """

    level: str
    name: str
    parent: str
    bounds: tuple[float, float, float, float]


def _no_shapes(_level: str) -> dict[str, Any]:
    return {}


@dataclass
class Places:
    """The areas of a locality.

    Attributes
    ----------
    shapes : geometries of a level by code, asked for only where the bounds leave it open; without
        them no areas touch.
    """

    areas: Mapping[str, Place]
    shapes: Callable[[str], Mapping[str, Any]] = _no_shapes
    _drawn: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @cached_property
    def whole(self) -> str:
        """The one area that holds all others: warnings of it stand by themselves; '' without."""
        tops = [code for code, place in self.areas.items() if place.parent not in self.areas]
        return tops[0] if len(tops) == 1 < len(self.areas) else ""

    def above(self, codes: Codes) -> Codes:
        """All areas that these lie in, but the whole, which tells nothing of where."""
        found: set[str] = set()
        for code in codes:
            parent = self.areas[code].parent if code in self.areas else ""
            while parent and parent != self.whole and parent not in found:
                found.add(parent)
                parent = self.areas[parent].parent if parent in self.areas else ""
        return frozenset(found)

    def town(self, code: str) -> tuple[str, str]:
        """Code and name of the town that an area is or lies in; empty for the county."""
        for one in (code, *self.above(frozenset({code}))):
            place = self.areas.get(one)
            if place is not None and place.level == Level.TOWN:
                return one, place.name
        return "", ""

    def nested(self, one: Codes, other: Codes) -> bool:
        """Whether an area of one lies in an area of the other."""
        return bool(one & self.above(other) or other & self.above(one))

    def relation(self, one: Codes, other: Codes) -> Relation:
        """How near two sets of areas are."""
        if one & other:
            return Relation.SHARED
        if self.nested(one, other):
            return Relation.NESTED
        return Relation.TOUCHING if self._touch(one, other) else Relation.APART

    def _touch(self, one: Codes, other: Codes) -> bool:
        return any(self._touching(a, b) for a in sorted(one) for b in sorted(other))

    def _touching(self, a: str, b: str) -> bool:
        first, second = self.areas.get(a), self.areas.get(b)
        if first is None or second is None or self.whole in {a, b}:
            return False
        west, south, east, north = first.bounds
        w, s, e, n = second.bounds
        if w > east or e < west or s > north or n < south:
            return False
        drawn = self._shape(first.level, a), self._shape(second.level, b)
        return all(one is not None for one in drawn) and bool(shapely.intersects(*drawn))

    def _shape(self, level: str, code: str) -> Any:
        if level not in self._drawn:
            self._drawn[level] = self.shapes(level)
        geometry = self._drawn[level].get(code)
        return None if geometry is None else shape(geometry)


def read_places(reader: Reader, snapshot: Snapshot) -> Places:
    """The areas of a published snapshot."""
    found: dict[str, Place] = {}
    hashes = {str(entry["level"]): entry["geometry"]["hash"] for entry in snapshot.meta["levels"]}
    for level in hashes:
        areas = reader.areas(snapshot.snapshot_id, level)
        bounds = zip(areas["west"], areas["south"], areas["east"], areas["north"], strict=True)
        rows = zip(areas["area_code"], areas["name"], areas["parent_code"], bounds, strict=True)
        for code, name, parent, box in rows:
            found[str(code)] = Place(level, str(name), parent or "", box)

    def shapes(level: str) -> dict[str, Any]:
        collection = json.loads(gzip.decompress(reader.geometry(hashes[level])))
        return {one["properties"]["code"]: one["geometry"] for one in collection["features"]}

    return Places(found, shapes)
