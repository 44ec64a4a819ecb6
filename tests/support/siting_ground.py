"""A ground of siting that can be checked by hand: six cells in a row, two towns, straight lines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
from shapely.geometry import box

from etl.build.levels import LevelFrame
from etl.build.travel import Travel
from etl.sections import Travel as TravelSettings
from etl.siting.ground import Ground
from geo.model import Level

CRS = "EPSG:4547"
STEP = 0.01  # degrees; some 955 m from one cell to the next
WEST, SOUTH = 113.8, 31.3
CODES = [f"99010100{1 + i // 4}00{1 + (i // 2) % 2}-{i}" for i in range(6)]
# Cell 2 is empty, of cell 5 nothing is known.
PERSONS = [1000.0, 400.0, 0.0, 600.0, 300.0, np.nan]
MINORS = [200.0, 80.0, 0.0, 5.0, 60.0, np.nan]


def metric(lon: Any, lat: Any) -> np.ndarray:
    """Coordinates in the metric CRS [m], shape (n, 2)."""
    to_metric = pyproj.Transformer.from_crs("EPSG:4326", CRS, always_xy=True)
    return np.column_stack(to_metric.transform(np.asarray(lon, float), np.asarray(lat, float)))


def site(site_id: str, kind: str, cell: int, name: str = "", **facts: Any) -> dict[str, Any]:
    """A published site in the middle of a cell."""
    code = CODES[cell]
    usual = {
        "site_id": site_id, "kind": kind, "name": name or f"{site_id}党群服务中心",
        "status": "open", "lon": WEST + (cell + 0.5) * STEP, "lat": SOUTH + 0.5 * STEP,
        "quality": "exact", "town_code": f"{code[:9]}000", "village_code": code[:12],
        "staff": np.nan, "rooms": np.nan, "area_m2": np.nan, "beds": np.nan, "places": np.nan,
        "pupils": np.nan, "hours": None, "floor": None, "owner": None,
        "category": None,
    }  # fmt: skip
    return usual | facts


def hand_made(*sites: dict[str, Any], **changes: Any) -> Ground:
    """The ground with some sites; `changes` replace fields of it."""
    lon, lat = WEST + (np.arange(6) + 0.5) * STEP, np.full(6, SOUTH + 0.5 * STEP)
    xy = metric(lon, lat)
    shapes = gpd.GeoSeries(
        [box(WEST + i * STEP, SOUTH, WEST + (i + 1) * STEP, SOUTH + STEP) for i in range(6)],
        crs="EPSG:4326",
    )
    index = pd.Index(CODES, name="area_code", dtype="str")
    cells = pd.DataFrame(
        {
            "area_code": CODES, "name": [f"网格{i}" for i in range(6)],
            "x": xy[:, 0], "y": xy[:, 1], "lon": lon, "lat": lat,
            "village_code": [code[:12] for code in CODES],
            "town_code": [f"{code[:9]}000" for code in CODES],
            "county_code": "990101000000",
        }
    )  # fmt: skip
    areas = [("grid", code, f"网格{i}", code[:12]) for i, code in enumerate(CODES)]
    areas += [("village", code, f"村{code[8:]}", f"{code[:9]}000")
              for code in dict.fromkeys(cells["village_code"])]  # fmt: skip
    areas += [("town", code, f"{code[8]}镇", "990101000000")
              for code in dict.fromkeys(cells["town_code"])]  # fmt: skip
    areas += [("county", "990101000000", "试验县", "")]
    frame = LevelFrame(
        level=Level.GRID,
        codes=np.array(CODES, dtype=object),
        names=cells["name"].to_numpy(dtype=object),
        parent_codes=cells["village_code"].to_numpy(dtype=object),
        parents=np.arange(6) // 2,
        geometry=shapes,
        xy=xy,
        area_m2=np.full(6, 9e5),
        persons={"total": np.array(PERSONS)},
    )
    rows = pd.DataFrame(list(sites) or [site("none", "hotline", 0)])
    rows[["x", "y"]] = metric(rows["lon"], rows["lat"])
    rows[["x", "y"]] = rows[["x", "y"]].where(np.isfinite(rows[["x", "y"]]))
    ground = Ground(
        snapshot_id="2026-W46-aaaa",
        week="2026-W46",
        code_version="test",
        crs=CRS,
        cells=cells,
        areas=pd.DataFrame(areas, columns=["level", "area_code", "name", "parent_code"]),
        persons=pd.DataFrame({"total": PERSONS, "minors": MINORS}, index=index),
        withheld=pd.DataFrame({"total": [False] * 6, "minors": [*[False] * 3, True, False, False]},
                              index=index),
        gap_class=pd.Series([0.0, 1, np.nan, 2, 3, np.nan], index=index),
        need=pd.Series([0.2, 0.4, np.nan, 0.6, 0.8, np.nan], index=index),
        sites=rows,
        load_travel=lambda: Travel(frame, TravelSettings()),
        shapes=shapes,
    )  # fmt: skip
    return replace(ground, **changes)
