"""What is taken of an OpenStreetMap extract (`.osm.pbf`): roads, or water, and their tags."""

from __future__ import annotations

import re
from typing import NamedTuple

import geopandas as gpd

from etl.findings import UnusableFileError
from etl.sources.settings import ContextSource, SourceBase

# Tags that GDAL leaves in one text, as "oneway"=>"yes".
TAGS = ("oneway", "bridge", "tunnel", "layer", "maxspeed", "junction")
_TAG = re.compile(r'"((?:[^"\\]|\\.)*)"=>"((?:[^"\\]|\\.)*)"')
# Ways that are planned, gone, or none of the ground.
_NO_ROADS = ("construction", "proposed", "abandoned", "razed", "platform", "corridor", "elevator")


class Taken(NamedTuple):
    """Layer of GDAL's driver, and which of its features."""

    layer: str
    where: str


def taken(source: SourceBase) -> Taken:
    """What a source takes of an extract.

    Raises
    ------
    UnusableFileError : the source is neither roads nor water.
    """
    if not isinstance(source, ContextSource) or source.theme not in {"road", "water"}:
        raise UnusableFileError("unreadable_vector", came=".osm.pbf: only roads and water")
    if source.theme == "road":
        left_out = ", ".join(f"'{word}'" for word in _NO_ROADS)
        return Taken("lines", f"highway IS NOT NULL AND highway NOT IN ({left_out})")
    return Taken("multipolygons", "natural = 'water' OR landuse IN ('reservoir', 'basin')")


def with_tags(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Features with a column for each of `TAGS`; a roundabout is one-way unless it says not."""
    said = [dict(_TAG.findall(str(text))) for text in frame["other_tags"].fillna("")]
    columns = {tag: [tags.get(tag, "") for tags in said] for tag in TAGS}
    columns["oneway"] = [
        own or ("yes" if junction == "roundabout" else "")
        for own, junction in zip(columns["oneway"], columns["junction"], strict=True)
    ]
    return frame.drop(columns="other_tags").assign(**columns)
