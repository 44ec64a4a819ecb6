"""The areas of all levels put together from what each file says of them."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from etl.settings import LocalityConfig
from etl.sources.boundaries import WGS84, Zones, joined
from etl.sources.datums import check_boundaries
from geo.cells import representative_parents
from geo.model import LEVELS, Level

AREA_COLUMNS = ("level", "area_code", "name", "parent_code", "geometry")


def assemble(zones: Sequence[Zones], config: LocalityConfig) -> gpd.GeoDataFrame:
    """Areas of all levels, finest first, sorted by code, each with its parent.

    Without a file of the county it is dissolved from the coarsest level there is.

    Returns
    -------
    GeoDataFrame: level, area_code, name, parent_code (missing for the county), geometry
    (EPSG:4326, valid polygons).
    """
    check_boundaries(zones)
    by_level = {level: _of_level(zones, level) for level in LEVELS}
    present = {level: areas for level, areas in by_level.items() if len(areas)}
    if Level.COUNTY not in present:
        coarsest = [level for level in LEVELS if level in present][-1]
        present[Level.COUNTY] = _dissolved(present[coarsest], config)
        doubts = next(z.doubts for z in zones if z.source.level == coarsest)
        doubts.add("county_dissolved", level=coarsest.value, n=len(present[coarsest]))
    levels = [level for level in LEVELS if level in present]
    metric = {level: present[level].to_crs(config.locality.crs) for level in levels}
    parts = []
    for level, above in zip(levels, [*levels[1:], None], strict=True):
        areas = present[level].assign(level=str(level))
        parents: list[str | None] = [None] * len(areas)
        if above is not None:
            parents = _parents(metric[level], metric[above], above, zones)
        areas["parent_code"] = pd.Series(parents, dtype="str", index=areas.index)
        parts.append(areas[list(AREA_COLUMNS)])
    together = pd.concat(parts, ignore_index=True)
    return gpd.GeoDataFrame(together, geometry="geometry", crs=WGS84)


def _of_level(zones: Sequence[Zones], level: Level) -> gpd.GeoDataFrame:
    """Areas of one level from all its sources, sorted by code."""
    parts = [z.areas.assign(zone=i) for i, z in enumerate(zones) if z.source.level == level]
    if not parts:
        return gpd.GeoDataFrame({"area_code": []}, geometry=[], crs=WGS84)
    areas = pd.concat(parts, ignore_index=True)
    if areas["area_code"].duplicated().any():
        last = zones[int(areas["zone"].iloc[-1])]
        areas = joined(areas, last.doubts, column=last.source.columns.code)
    return areas.sort_values("area_code", ignore_index=True)


def _dissolved(areas: gpd.GeoDataFrame, config: LocalityConfig) -> gpd.GeoDataFrame:
    whole = shapely.union_all(areas.geometry.to_numpy())
    return gpd.GeoDataFrame(
        {
            "area_code": [config.locality.code],
            "name": [config.locality.name.zh],
            "given_parent": [""],
            "row": [0],
            "zone": [-1],
        },
        geometry=[whole],
        crs=WGS84,
    )


def _parents(
    areas: gpd.GeoDataFrame, above: gpd.GeoDataFrame, level: Level, zones: Sequence[Zones]
) -> list[str | None]:
    """Code of each area's parent, by its source's own way, else by position."""
    known = set(above["area_code"])
    lengths = sorted({len(code) for code in known}, reverse=True)
    parents: list[str | None] = []
    way = [zones[zone].source.parents if zone >= 0 else "spatial" for zone in areas["zone"]]
    for code, given, by in zip(areas["area_code"], areas["given_parent"], way, strict=True):
        parent = None
        if by == "column" and given in known:
            parent = given
        elif by == "prefix":
            parent = next((code[:n] for n in lengths if n < len(code) and code[:n] in known), None)
        parents.append(parent)
    if len(known) == 1:
        only = next(iter(known))
        return [only] * len(areas)
    lost = np.array([parent is None for parent in parents])
    by_other = lost & np.array([by != "spatial" for by in way])
    _say(zones, areas, by_other, "unknown_parent", level=str(level))
    if lost.any():
        found = representative_parents(areas[lost], above)
        for position in np.flatnonzero(found.notna()).tolist():
            parents[np.flatnonzero(lost)[position]] = str(found.iloc[position])
        _to_nearest(areas, above, parents, level, zones)
    return parents


def _to_nearest(
    areas: gpd.GeoDataFrame,
    above: gpd.GeoDataFrame,
    parents: list[str | None],
    level: Level,
    zones: Sequence[Zones],
) -> None:
    """Give areas that touch no parent to the nearest one, and say so."""
    lost = np.array([parent is None for parent in parents])
    if not lost.any():
        return
    tree = shapely.STRtree(above.geometry.to_numpy())
    shapes = areas.geometry.to_numpy()[lost]
    nearest = tree.nearest(shapes)
    away = shapely.distance(shapes, above.geometry.to_numpy()[nearest])
    for position, place in zip(np.flatnonzero(lost).tolist(), nearest.tolist(), strict=True):
        parents[position] = str(above["area_code"].iloc[place])
    metres = [f"{distance:.0f}" for distance in away]
    _say(zones, areas, lost, "parent_by_nearest", level=str(level), metres=metres)


def _say(
    zones: Sequence[Zones],
    areas: gpd.GeoDataFrame,
    mask: npt.NDArray[np.bool_],
    rule: str,
    **words: object,
) -> None:
    """A finding for each masked area, in the file it came from."""
    chosen = areas[mask]
    for zone in sorted(set(chosen["zone"])):
        own = (chosen["zone"] == zone).to_numpy()
        of_zone = {
            key: [w for w, mine in zip(word, own, strict=True) if mine]
            if isinstance(word, list)
            else word
            for key, word in words.items()
        }
        zones[zone].doubts.add_rows(
            rule,
            chosen.loc[own, "row"].to_numpy(dtype=np.int64),
            column=zones[zone].source.columns.code,
            came=chosen.loc[own, "area_code"].tolist(),
            **of_zone,
        )
