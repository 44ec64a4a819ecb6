"""The published ground of a proposal: cells, towns, county, water and roads as shapes in WGS 84."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from shapely.geometry import shape

from etl.store.reader import Reader, Snapshot
from geo.errors import NotPublishedError
from geo.model import Level

Shapes = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Areas:
    """Areas of a level, in the order in which they are published.

    Attributes
    ----------
    frame : `area_code`, `name`, `parent_code`, `lon`, `lat` (label point) and bounds.
    shapes : polygons, aligned with `frame`.
    """

    frame: pd.DataFrame
    shapes: Shapes


class Territory:
    """What maps of a snapshot are drawn from, read when it is asked for.

    Parameters
    ----------
    reader, snapshot : what was published.
    """

    def __init__(self, reader: Reader, snapshot: Snapshot) -> None:
        self._reader = reader
        self._snapshot = snapshot

    @cached_property
    def cells(self) -> Areas:
        """The finest areas: grid cells, or villages where there is no grid."""
        return self._areas(self._levels[0])

    @cached_property
    def villages(self) -> Areas:
        """Villages and communities."""
        return self._areas(Level.VILLAGE)

    @cached_property
    def towns(self) -> Areas:
        """Towns and subdistricts."""
        return self._areas(Level.TOWN)

    @cached_property
    def county(self) -> Areas:
        """The locality, in one or several parts."""
        return self._areas(Level.COUNTY)

    @cached_property
    def town_of_cell(self) -> tuple[pd.Series[str], pd.Series[str]]:
        """Village code and town code of each cell; empty where there is no such level."""
        code = self.cells.frame["area_code"].astype(str)
        codes = {self._levels[0]: code}
        for below, above in pairwise(self._levels):
            frame = self._reader.areas(self._snapshot.snapshot_id, below)
            code = code.map(frame.set_index("area_code")["parent_code"]).fillna("").astype(str)
            codes[above] = code
        none = pd.Series("", index=code.index, dtype="str")
        return codes.get(Level.VILLAGE, none), codes.get(Level.TOWN, none)

    @cached_property
    def names(self) -> dict[str, str]:
        """Name of every village and town by code."""
        frames = (self.villages.frame, self.towns.frame)
        return {
            str(code): str(name)
            for frame in frames
            for code, name in zip(frame["area_code"], frame["name"], strict=True)
        }

    def context(self, theme: str, *, most_rank: int) -> Shapes:
        """Water or roads up to a rank; nothing where the locality has none."""
        found = self._snapshot.meta.get("context", {}).get(theme)
        if not found:
            return np.array([], dtype=object)
        kept = [
            shape(feature["geometry"])
            for feature in self._features(found)
            if int(feature["properties"].get("rank") or 1) <= most_rank
        ]
        return np.array(kept, dtype=object)

    @property
    def _levels(self) -> list[Level]:
        """Levels of the snapshot, the finest first."""
        return [Level(entry["level"]) for entry in self._snapshot.meta["levels"]]

    def _areas(self, level: Level) -> Areas:
        if level not in self._levels:
            columns = ["area_code", "name", "parent_code", "lon", "lat"]
            return Areas(pd.DataFrame(columns=columns), np.array([], dtype=object))
        entry = self._snapshot.level(level)
        frame = self._reader.areas(self._snapshot.snapshot_id, level)
        shapes = np.full(len(frame), None, dtype=object)
        for feature in self._features(entry["geometry"]["hash"]):
            shapes[int(feature["properties"]["idx"])] = shape(feature["geometry"])
        return Areas(frame, shapes)

    def _features(self, geometry_hash: str) -> list[dict[str, Any]]:
        collection = json.loads(gzip.decompress(self._reader.geometry(geometry_hash)))
        features: list[dict[str, Any]] = collection["features"]
        return features

    def check(self, n_cells: int) -> None:
        """Refuse an answer of another ground.

        Raises
        ------
        NotPublishedError : the published cells are not those of the answer.
        """
        there = int(self._snapshot.level(self._levels[0])["n"])
        if n_cells != there:
            raise NotPublishedError(
                f"the answer is of {n_cells} areas, snapshot {self._snapshot.snapshot_id} has "
                f"{there}; ask the question again of this snapshot"
            )


def dissolve(shapes: Shapes, state: npt.NDArray[np.uint8]) -> dict[int, shapely.Geometry]:
    """One shape for each state that occurs: a county has many cells and few states."""
    return {int(one): shapely.coverage_union_all(shapes[state == one]) for one in np.unique(state)}
