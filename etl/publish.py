"""From a finished build to one published snapshot."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from etl.build.layers import LayerBook
from etl.build.levels import LevelFrame
from etl.build.outlines import geojson_bytes, geometry_hash
from etl.build.weeks import monday
from etl.fingerprint import code_version
from etl.settings import Settings
from etl.store.writer import Publication, PublishedLevel, Writer


@dataclass(frozen=True)
class Build:
    """Everything a build has worked out.

    Attributes
    ----------
    full_service : accessibility that the gap classes take for full; NaN where it is unknown.
    """

    week: str
    weeks: Sequence[str]
    levels: Sequence[LevelFrame]
    book: LayerBook
    context: gpd.GeoDataFrame
    travel: dict[str, Any]
    sites: pd.DataFrame
    warnings: pd.DataFrame
    tables: dict[str, pd.DataFrame]
    full_service: float


def publish(
    writer: Writer, settings: Settings, build: Build, *, fingerprint: str, now: datetime
) -> str:
    """Publish a build in one transaction and return the snapshot's id.

    Parameters
    ----------
    fingerprint : hash of everything that went into the build; part of the id.
    """
    version = code_version()
    snapshot_id = f"{build.week}-{fingerprint[:8]}"
    hashes = {frame.level: geometry_hash(frame) for frame in build.levels}
    contexts = {
        theme: geojson_bytes(_context_frame(build.context, theme))
        for theme in sorted(build.context["theme"].unique())
    }
    context_hashes = {
        theme: hashlib.sha256(data).hexdigest()[:16] for theme, data in contexts.items()
    }
    meta = _meta(settings, build, fingerprint, version)
    meta["levels"] = [_level_meta(frame, hashes[frame.level]) for frame in build.levels]
    meta["context"] = context_hashes
    known = writer.known_geometries()
    writer.publish(
        Publication(
            snapshot_id=snapshot_id,
            week=build.week,
            published_at_utc=now,
            code_version=version,
            config_sha256=settings.config_sha256,
            meta=meta,
            levels=[
                _picture(frame, hashes[frame.level])
                for frame in build.levels
                if hashes[frame.level] not in known
            ],
            layers=build.book,
            sites=build.sites,
            warnings=build.warnings,
            tables=build.tables,
            contexts={context_hashes[theme]: data for theme, data in contexts.items()},
        )
    )
    return snapshot_id


def _meta(settings: Settings, build: Build, fingerprint: str, version: str) -> dict[str, Any]:
    config = settings.config
    locality = config.locality
    return {
        "fingerprint": fingerprint,
        "code_version": version,
        "locality": locality.model_dump(mode="json"),
        "week": build.week,
        "weeks": list(build.weeks),
        "data_date": (monday(build.week) + timedelta(days=6)).isoformat(),
        "k": config.disclosure.k,
        "min_denominator": config.disclosure.min_denominator,
        "travel": build.travel,
        "access": config.access.model_dump(mode="json"),
        "need": {
            **config.need.model_dump(mode="json"),
            "full_service": build.full_service if np.isfinite(build.full_service) else None,
        },
        "referral": _referral_meta(build),
        "warnings": config.warnings.model_dump(mode="json"),
        "response": config.response.model_dump(mode="json"),
        "kinds": [kind.model_dump(mode="json") for kind in config.kinds],
        "measures": [measure.model_dump(mode="json") for measure in config.measures],
        "groups": [group.model_dump(mode="json") for group in config.groups],
        "layers": build.book.meta(),
    }


def _referral_meta(build: Build) -> list[dict[str, Any]]:
    """Steps of the referral chain with the number of sites of each, None where it is unknown."""
    steps = build.tables.get("referral_steps")
    if steps is None:
        return []
    columns = zip(
        steps["code"], steps["name_zh"], steps["name_en"], steps["threshold_min"], steps["sites"],
        strict=True,
    )  # fmt: skip
    return [
        {
            "code": str(code),
            "name": {"zh": str(zh), "en": str(en)},
            "threshold_min": float(limit),
            "sites": None if pd.isna(sites) else int(sites),
        }
        for code, zh, en, limit, sites in columns
    ]


def _level_meta(frame: LevelFrame, geometry_hash: str) -> dict[str, Any]:
    return {
        "level": frame.level.value,
        "n": len(frame),
        "geometry": {"hash": geometry_hash, "format": "geojson"},
        "bounds": [round(float(edge), 6) for edge in frame.geometry.total_bounds],
    }


def _picture(frame: LevelFrame, geometry_hash: str) -> PublishedLevel:
    geometry = frame.geometry.to_numpy()
    bounds = shapely.bounds(geometry)
    label = shapely.get_coordinates(shapely.point_on_surface(geometry))
    areas = pd.DataFrame(
        {
            "area_code": frame.codes,
            "name": frame.names,
            "parent_code": frame.parent_codes,
            "lon": label[:, 0],
            "lat": label[:, 1],
            "west": bounds[:, 0],
            "south": bounds[:, 1],
            "east": bounds[:, 2],
            "north": bounds[:, 3],
        }
    )
    drawn = gpd.GeoDataFrame(
        {"idx": np.arange(len(frame)), "code": frame.codes, "name": frame.names},
        geometry=geometry,
        crs="EPSG:4326",
    )
    return PublishedLevel(
        level=frame.level.value,
        geometry_hash=geometry_hash,
        areas=areas,
        geojson=geojson_bytes(drawn),
    )


def _context_frame(context: gpd.GeoDataFrame, theme: str) -> gpd.GeoDataFrame:
    rows = context[context["theme"] == theme].reset_index(drop=True)
    rows["idx"] = np.arange(len(rows))
    return rows[["idx", "rank", "name", "geometry"]]
