"""A published county in memory, as large as wanted: for tests and benches of the map.

Hexagon cells, villages, towns, one county, water and roads, facilities of every kind, warnings of
every tier, and layers with all four states that are not a class. Nothing touches a disk.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from etl.build.outlines import geojson_bytes
from etl.sections import KindSettings, MeasureSettings
from etl.settings import registry
from etl.store.reader import LayerData, Snapshot
from geo.errors import NotPublishedError
from geo.model import Kind, Missing

LON, LAT = 114.3, 30.6
SPAN_KM = 46.0
KM_PER_DEGREE_LAT = 110.85
KM_PER_DEGREE_LON = 111.32 * np.cos(np.radians(LAT))
QUALITY_SHARES = [0.5, 0.3, 0.15, 0.05]
WEEKS = [f"2026-W{week:02d}" for week in range(35, 47)]
TOWNS = tuple("清柳云南石白青松古东望平")
VILLAGES = tuple("桥湾石竹鼓峰宫关洲塘泉林园渡岭坪")
STATES = (Missing.NO_DATA, Missing.SUPPRESSED, Missing.UNRELIABLE)

PER_MYRIAD, PERCENT, CLASS = ("人/万人", "per 10 000"), ("%", "%"), ("级", "class")
FIFTHS = [0.2, 0.4, 0.6, 0.8]


@dataclass(frozen=True)
class FakeLayer:
    """How a made-up layer is classed; `top` is its largest value."""

    palette: str
    top: float
    breaks: list[float]
    unit: tuple[str, str]
    weekly: bool = False


LAYERS = {
    "access": FakeLayer("access", 9, [1, 2, 4, 7], PER_MYRIAD),
    "covered.counselling_room": FakeLayer("access", 1, FIFTHS, PERCENT),
    "gap": FakeLayer("gap", 4, [], CLASS),
    "need": FakeLayer("sequential", 1, FIFTHS, ("0–1", "0–1")),
    "rate.hotline_calls": FakeLayer("sequential", 10, [2, 4, 6, 8], PER_MYRIAD, weekly=True),
    "tier": FakeLayer("tier", 5, [], CLASS, weekly=True),
}


@dataclass
class SyntheticReader:
    """What `dashboard.maproutes` reads, made up.

    Attributes
    ----------
    n_cells : about how many cells; 2 400 and 100 000 are what benches use.
    n_villages, n_towns : how many of each.
    seed : equal seeds give equal counties.
    """

    n_cells: int = 2400
    n_villages: int = 180
    n_towns: int = 12
    seed: int = 7
    calls: list[str] = field(default_factory=list)
    _files: dict[str, bytes] = field(default_factory=dict)

    # ------------------------------------------------------------ ground

    @cached_property
    def outline(self) -> shapely.Polygon:
        """The county: a blob with bays and a smooth border."""
        rng = np.random.default_rng(self.seed)
        turn = np.linspace(0, 2 * np.pi, 240, endpoint=False)
        radius = np.full(len(turn), SPAN_KM / 2 * 0.86)
        for k in range(2, 9):
            radius *= 1 + rng.normal(0, 0.22 / k) * np.cos(k * turn + rng.uniform(0, 7))
        return _degrees(np.column_stack([1.18 * radius * np.cos(turn), radius * np.sin(turn)]))

    @cached_property
    def levels(self) -> dict[str, gpd.GeoDataFrame]:
        """Areas of each level in idx order, finest first."""
        villages = self._villages()
        towns = villages[["town", "geometry"]].dissolve("town", as_index=False)
        towns = towns.rename(columns={"town": "code"})
        towns["name"] = [f"{TOWNS[i % len(TOWNS)]}河镇" for i in range(len(towns))]
        county = gpd.GeoDataFrame(
            {"code": ["990101"], "name": ["清和县"]}, geometry=[self.outline], crs="EPSG:4326"
        )
        levels = {"grid": self._cells(), "village": villages, "town": towns, "county": county}
        return {
            name: _numbered(rows[["code", "name", "geometry"]]) for name, rows in levels.items()
        }

    def _villages(self) -> gpd.GeoDataFrame:
        rng = np.random.default_rng(self.seed + 1)
        places: list[Any] = []
        west, south, east, north = self.outline.bounds
        while len(places) < self.n_villages:
            point = shapely.Point(rng.uniform(west, east), rng.uniform(south, north))
            # Denser in the middle, where the town is.
            away = point.distance(self.outline.centroid) / (east - west)
            if self.outline.contains(point) and rng.random() < np.exp(-3.2 * away):
                places.append(point)
        parts = shapely.get_parts(
            shapely.voronoi_polygons(
                shapely.MultiPoint(places), extend_to=self.outline, ordered=True
            )
        )
        shapes = shapely.intersection(parts, self.outline)
        xy = shapely.get_coordinates(shapely.centroid(shapes))
        seats = xy[rng.choice(len(xy), self.n_towns, replace=False)]
        town = np.argmin(((xy[:, None] - seats) ** 2).sum(axis=2), axis=1)
        names = [
            f"{VILLAGES[i % 16]}{VILLAGES[(i * 7 + i // 16) % 16]}村" for i in range(len(shapes))
        ]
        data = {
            "code": [f"990101{100 + t}{i:03d}" for i, t in enumerate(town)],
            "name": names,
            "town": [f"990101{100 + t}" for t in town],
        }
        return gpd.GeoDataFrame(data, geometry=shapes, crs="EPSG:4326")

    def _cells(self) -> gpd.GeoDataFrame:
        area_km2 = self.outline.area * KM_PER_DEGREE_LAT * KM_PER_DEGREE_LON
        side = np.sqrt(area_km2 / self.n_cells / (3 * np.sqrt(3) / 2))
        reach = SPAN_KM
        columns = np.arange(-reach, reach, 1.5 * side)
        rows = np.arange(-reach, reach, np.sqrt(3) * side)
        x, y = np.meshgrid(columns, rows)
        y = y + np.where(np.arange(len(columns)) % 2, np.sqrt(3) * side / 2, 0)
        centres = np.column_stack([x.ravel(), y.ravel()])
        inside = shapely.contains_xy(self.outline, *_degree_xy(centres).T)
        turn = np.arange(7) % 6 * np.pi / 3
        corners = centres[inside][:, None] + side * np.column_stack([np.cos(turn), np.sin(turn)])
        shapes = shapely.polygons(np.round(_degree_xy(corners), 6))
        codes = [f"g{i:06d}" for i in range(len(shapes))]
        return gpd.GeoDataFrame(
            {"code": codes, "name": [""] * len(shapes)}, geometry=shapes, crs="EPSG:4326"
        )

    @cached_property
    def context(self) -> dict[str, gpd.GeoDataFrame]:
        """A river with a lake, and roads between town seats."""
        t = np.linspace(-1, 1, 160)
        river = np.column_stack(
            [SPAN_KM * 0.62 * t, 5 * np.sin(3.1 * t) + 3 * np.sin(7 * t + 1) - 2]
        )
        width = 0.35 + 0.25 * np.sin(5 * t) ** 2
        banks = np.vstack(
            [
                river + np.column_stack([0 * t, width]),
                (river - np.column_stack([0 * t, width]))[::-1],
            ]
        )
        lake = shapely.Point(7, 6).buffer(2.2, quad_segs=24)
        lake = shapely.transform(lake, lambda xy: xy * [1.3, 0.7] + [-2, 2.6])
        water = [_degrees(banks), _degrees(shapely.get_coordinates(lake))]
        seats = shapely.get_coordinates(shapely.point_on_surface(self.levels["town"].geometry))
        roads = [
            shapely.LineString(_bent(seats[i], seats[j]))
            for i in range(len(seats))
            for j in np.argsort(((seats - seats[i]) ** 2).sum(axis=1))[1:4]
            if i < j or i not in np.argsort(((seats - seats[j]) ** 2).sum(axis=1))[1:4]
        ]
        inside = [shape.intersection(self.outline.buffer(0.01)) for shape in water]
        return {
            name: _numbered(
                gpd.GeoDataFrame({"rank": [1] * len(shapes)}, geometry=shapes, crs="EPSG:4326")
            )
            for name, shapes in (("water", inside), ("road", roads))
        }

    def __post_init__(self) -> None:
        for name, rows in {**self.levels, **self.context}.items():
            self._files[self._hash(name)] = geojson_bytes(rows)

    # ------------------------------------------------------------ as the reader

    @cached_property
    def meta(self) -> dict[str, Any]:
        """What a snapshot says of itself."""
        kinds = [KindSettings.model_validate(known) for known in registry("kinds")["kinds"]]
        measures = [MeasureSettings.model_validate(one) for one in registry("measures")["measures"]]
        return {
            "locality": {"code": "990101", "name": {"zh": "清和县", "en": "Qinghe"}, "demo": True},
            "week": WEEKS[-1],
            "weeks": WEEKS,
            "k": 10,
            "levels": [
                {
                    "level": level,
                    "n": len(rows),
                    "geometry": {"hash": self._hash(level), "format": "geojson"},
                    "bounds": [round(float(edge), 6) for edge in rows.total_bounds],
                }
                for level, rows in self.levels.items()
            ],
            "layers": [
                {
                    "code": code,
                    "palette": layer.palette,
                    "breaks": layer.breaks,
                    "name": {"zh": "测试图层", "en": "Test layer"},
                    "weekly": layer.weekly,
                    "levels": list(self.levels),
                    "unit": dict(zip(("zh", "en"), layer.unit, strict=True)),
                }
                for code, layer in LAYERS.items()
            ],
            "kinds": [kind.model_dump(mode="json") for kind in kinds],
            "measures": [measure.model_dump(mode="json") for measure in measures],
            "context": {name: self._hash(name) for name in ("water", "road")},
        }

    def _hash(self, name: str) -> str:
        return f"{name}{self.n_cells}s{self.seed}"

    def current(self) -> Snapshot:
        """The only snapshot."""
        return self.snapshot("synthetic")

    def snapshot(self, snapshot_id: str) -> Snapshot:
        """The only snapshot, if it is meant."""
        if snapshot_id != "synthetic":
            raise NotPublishedError(f"no snapshot {snapshot_id!r}")
        return Snapshot(
            "synthetic", WEEKS[-1], datetime(2026, 11, 16, tzinfo=UTC), "test", self.meta
        )

    def layer(self, snapshot_id: str, level: str, layer: str, week: str = "") -> LayerData:
        """A smooth field with a true zero and the three states in places of their own."""
        self.calls.append(f"{level}/{layer}/{week}")
        self.snapshot(snapshot_id).layer(layer)
        entry = LAYERS[layer]
        x, y = self._middles(level).T
        step = WEEKS.index(week) if week else list(LAYERS).index(layer)
        smooth = 0.5 + 0.5 * np.sin(3.1 * x + 0.45 * step) * np.cos(2.3 * y - 0.3 * step)
        share = np.clip(smooth + 0.12 * np.sin(17 * x * y), 0.001, 0.999)
        values = share * entry.top if entry.breaks else np.floor(share**1.8 * entry.top)
        values = np.where(np.hypot(x + 0.7, y - 0.6) < 0.28, 0.0, values)
        states = np.zeros(len(values), dtype=np.uint8)
        away = np.hypot(x - 0.9, y + 0.5)
        for ring, state in enumerate(STATES):
            states[(away > 0.16 * ring) & (away <= 0.16 * (ring + 1))] = state
        values[np.isin(states, (Missing.NO_DATA, Missing.SUPPRESSED))] = np.nan
        classes = np.searchsorted(entry.breaks, values) if entry.breaks else np.nan_to_num(values)
        if entry.breaks:
            classes = np.where(values == 0, 15, classes)
        classes = np.where(np.isnan(values), 0, classes).astype(int)
        return LayerData(values, states, (states * 16 + classes).astype(np.uint8))

    def _middles(self, level: str) -> np.ndarray:
        """Middles of a level's areas, in -1..1 across the county."""
        xy = shapely.get_coordinates(shapely.centroid(self.levels[level].geometry.to_numpy()))
        west, south, east, north = self.outline.bounds
        return (xy - [west, south]) / [east - west, north - south] * 2 - 1

    def sites(self, snapshot_id: str) -> pd.DataFrame:
        """Facilities of every kind, more of them in the middle."""
        self.snapshot(snapshot_id)
        rng = np.random.default_rng(self.seed + 2)
        homes = shapely.get_coordinates(shapely.point_on_surface(self.levels["village"].geometry))
        n = 260
        at = homes[rng.integers(0, len(homes), n)] + rng.normal(0, 0.006, (n, 2))
        kinds = [kind.value for kind in Kind if kind is not Kind.HOTLINE]
        return pd.DataFrame(
            {
                "site_id": [f"s{i:04d}" for i in range(n)],
                "kind": [kinds[int(i)] for i in len(kinds) * rng.random(n) ** 1.6],
                "name": [f"服务点{i}" for i in range(n)],
                "lon": at[:, 0],
                "lat": at[:, 1],
                "status": rng.choice(["open", "planned", "closed"], n, p=[0.86, 0.09, 0.05]),
                "staff": rng.gamma(1.2, 3, n).round(1),
                "quality": rng.choice(["exact", "address", "village", "town"], n, p=QUALITY_SHARES),
            }
        )

    def warnings(self, snapshot_id: str, week: str | None = None) -> pd.DataFrame:
        """Warned villages of every tier, some of them neighbours, and two warned towns."""
        self.snapshot(snapshot_id)
        villages, towns = self.levels["village"], self.levels["town"]
        order = np.argsort(self._middles("village") @ [1, 0.3])
        tiers = [4, 3, 2, 1, 1, 2, 3, 2, 1, 1, 2, 1, 3, 4, 2]
        rows = [
            (level, source["code"][i], source["name"][i], tier, "hotline_calls")
            for level, source, chosen in (
                ("village", villages, order[30:150:8]),
                ("town", towns, [2, 5]),
            )
            for tier, i in zip(tiers, chosen, strict=False)
        ]
        return pd.DataFrame(rows, columns=["level", "area_code", "name", "tier", "measure"])

    def geometry(self, geometry_hash: str) -> bytes:
        """Gzip GeoJSON of a level or a context theme."""
        self.calls.append(f"geometry/{geometry_hash}")
        if geometry_hash not in self._files:
            raise NotPublishedError(f"no geometry {geometry_hash!r}")
        return self._files[geometry_hash]


def _degree_xy(km: np.ndarray) -> np.ndarray:
    return km / [KM_PER_DEGREE_LON, KM_PER_DEGREE_LAT] + [LON, LAT]


def _degrees(km: np.ndarray) -> shapely.Polygon:
    return shapely.Polygon(_degree_xy(km))


def _bent(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    t = np.linspace(0, 1, 24)[:, None]
    across = (end - start)[::-1] * [1, -1]
    return (
        start
        + t * (end - start)
        + across * 0.12 * np.sin(np.pi * t)
        + across * 0.03 * np.sin(5 * t)
    )


def _numbered(rows: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    rows = rows.reset_index(drop=True)
    rows.insert(0, "idx", np.arange(len(rows)))
    return rows
