"""What a choice of sites is worked out from: one published snapshot, and the ways of the locality.

Published figures alone, so that nothing withheld can be worked out from an answer.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from sqlalchemy import Engine

from etl.build.levels import Floats, Ints, LevelFrame
from etl.build.outlines import geometry_hash
from etl.build.travel import MODES, Mode, Travel, make_travel, metric_xy
from etl.policies import IndicatorSettings
from etl.sections import Siting
from etl.sections import Travel as TravelSettings
from etl.settings import Settings
from etl.siting.zones import Zones, read_zones
from etl.store.accepted import load_areas, load_context
from etl.store.reader import Reader, Snapshot
from geo.disclosure import Published, stand_in
from geo.errors import NotPublishedError
from geo.model import Level, Missing

_UPPER = (Level.VILLAGE, Level.TOWN, Level.COUNTY)


@dataclass(frozen=True)
class Ground:
    """Everything a question of sites is answered from; made once a snapshot and kept.

    Frames of cells have one row an area of the finest level, in the order of `cells`.

    Attributes
    ----------
    crs : metric CRS of x and y.
    cells : `area_code`, `name`, `x`, `y` [m], `lon`, `lat`, and `village_code`, `town_code`,
        `county_code`, missing where the locality does not have the level.
    areas : all levels: `level`, `area_code`, `name`, `parent_code`, `lon`, `lat`.
    persons : index `area_code`, a column a published group; residents, guesses from published
        figures where they are withheld, NaN where unknown.
    withheld : of the same shape: whether the number is such a guess.
    gap_class, need : index `area_code`; NaN where unknown.
    sites : sites of the snapshot, with `x` and `y` [m], NaN where a site has no place.
    load_travel : makes `travel` when costs are first asked for.
    meta : what the snapshot says of itself.
    targets : the published table of target indicators; empty where there is none.
    indicators : the locality's own, as they are set now.
    standard : what is asked of a place for a new room, as it is set now.
    shapes : outlines of the cells, EPSG:4326; None where only their points are known.
    zones : where sites may be built, and where not.
    """

    snapshot_id: str
    week: str
    code_version: str
    crs: str
    cells: pd.DataFrame
    areas: pd.DataFrame
    persons: pd.DataFrame
    withheld: pd.DataFrame
    gap_class: pd.Series[float]
    need: pd.Series[float]
    sites: pd.DataFrame
    load_travel: Callable[[], Travel]
    meta: Mapping[str, Any] = field(default_factory=dict)
    targets: pd.DataFrame = field(default_factory=pd.DataFrame)
    indicators: Sequence[IndicatorSettings] = ()
    standard: Siting = field(default_factory=Siting)
    shapes: gpd.GeoSeries | None = None
    zones: Zones | None = None

    @cached_property
    def travel(self) -> Travel:
        """Ways from the cells, over the roads in force; straight lines where there are none."""
        return self.load_travel()

    @property
    def same_travel(self) -> bool:
        """Whether the ways are those that the snapshot was published with."""
        return dict(self.travel.meta()) == self.meta.get("travel")

    @cached_property
    def names(self) -> dict[str, str]:
        """Name of every area by its code."""
        return dict(zip(self.areas["area_code"], self.areas["name"], strict=True))

    @cached_property
    def sha256(self) -> str:
        """Hash of all figures that answers are worked out from, and of what the ways are."""
        digest = hashlib.sha256()
        for text in (self.snapshot_id, self.crs, *self.cells["area_code"], *self.persons.columns):
            digest.update(f"{text}\n".encode())
        frames = (self.cells[["x", "y"]], self.persons, self.withheld, self.gap_class, self.need)
        for frame in frames:
            digest.update(np.ascontiguousarray(frame.to_numpy(dtype=np.float64)).tobytes())
        digest.update(self.sites.to_csv(index=False).encode())
        if self.zones is not None:
            for shapes in (self.zones.suitable, self.zones.excluded):
                digest.update(b"" if shapes is None else b"".join(shapes.geometry.to_wkb()))
        digest.update(json.dumps(self.travel.meta(), sort_keys=True).encode())
        return digest.hexdigest()

    def xy(self, lon: npt.ArrayLike, lat: npt.ArrayLike) -> Floats:
        """WGS 84 coordinates in the metric CRS [m], shape (n, 2); NaN stays NaN."""
        return metric_xy(pd.DataFrame({"lon": lon, "lat": lat}, dtype=np.float64), crs=self.crs)

    def positions_at(self, lon: Floats, lat: Floats) -> Ints:
        """Cell around each point, by position in `cells`; -1 where none is.

        Where outlines are not known it is the cell whose point is nearest.
        """
        if self.shapes is None:
            away = np.linalg.norm(
                self.xy(lon, lat)[:, None] - self.cells[["x", "y"]].to_numpy()[None], axis=2
            )
            return np.where(np.isnan(away).any(axis=1), -1, away.argmin(axis=1)).astype(np.int64)
        found = np.full(len(lon), -1, dtype=np.int64)
        placed = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
        points = shapely.points(lon[placed], lat[placed])
        point, cell = self.shapes.sindex.query(points, predicate="intersects")
        # A point on a border is of the first of its cells.
        order = np.lexsort((cell, point))
        point, first = np.unique(point[order], return_index=True)
        found[placed[point]] = cell[order][first]
        return found


def pairs(ground: Ground, points: pd.DataFrame, mode: Mode, *, limit_min: float) -> pd.DataFrame:
    """All cells and points within a limit.

    Parameters
    ----------
    points : `site_id`, unique, and `x`, `y` [m]; a point without a place reaches nobody.

    Returns
    -------
    `area_code`, `site_id`, `cost_min` [min]; by cell and then by point.
    """
    placed = points[np.isfinite(points[["x", "y"]].to_numpy(dtype=np.float64)).all(axis=1)]
    codes = ground.cells["area_code"].to_numpy(dtype=object)
    sites = placed["site_id"].to_numpy(dtype=object)
    if not len(placed):
        columns = {"area_code": "str", "site_id": "str", "cost_min": "float64"}
        return pd.DataFrame(columns=list(columns)).astype(columns)
    xy = placed[["x", "y"]].to_numpy(dtype=np.float64)
    found = ground.travel.pairs(xy, mode, limit_min=limit_min)
    order = np.lexsort((found.site, found.cell))
    return pd.DataFrame(
        {
            "area_code": codes[found.cell[order]],
            "site_id": sites[found.site[order]],
            "cost_min": found.cost_min[order],
        }
    ).astype({"area_code": "str", "site_id": "str"})


def ready(ground: Ground) -> None:
    """Read and compile what a ground reads when it is first asked: outlines' index and roads."""
    first = ground.cells.iloc[:1]
    ground.positions_at(first["lon"].to_numpy(), first["lat"].to_numpy())
    site = first[["x", "y"]].assign(site_id="")
    for mode in MODES:
        pairs(ground, site, mode, limit_min=1.0)


def read_ground(engine: Engine, settings: Settings, snapshot_id: str | None = None) -> Ground:
    """The ground of a snapshot, the newest by default.

    Ways are those of the snapshot's own settings over the roads now in force.

    Parameters
    ----------
    engine : the store of `settings`, for boundaries and roads in force.

    Raises
    ------
    NotPublishedError : there is no such snapshot, or none at all.
    StoreError : there is no store.
    """
    with closing(Reader(settings.store_url)) as reader:
        found = reader.current() if snapshot_id is None else reader.snapshot(snapshot_id)
        return _read(reader, engine, settings, found)


def _read(reader: Reader, engine: Engine, settings: Settings, snapshot: Snapshot) -> Ground:
    crs = str(snapshot.meta["locality"]["crs"])
    present = [Level(entry["level"]) for entry in snapshot.meta["levels"]]
    by_level = {level: reader.areas(snapshot.snapshot_id, level.value) for level in present}
    persons, withheld = _residents(reader, snapshot, by_level)
    frame = _finest(reader, engine, snapshot, by_level, crs=crs)
    frame.persons["total"] = persons["total"].to_numpy(dtype=np.float64)
    sites = reader.sites(snapshot.snapshot_id)
    sites[["x", "y"]] = metric_xy(sites, crs=crs)
    index = pd.Index(frame.codes, name="area_code", dtype="str")
    finest = present[0].value

    def layer(code: str) -> pd.Series[float]:
        values = reader.layer(snapshot.snapshot_id, finest, code).values
        return pd.Series(values, index=index, name=code)

    targets = pd.DataFrame()
    with suppress(NotPublishedError):
        targets = reader.table(snapshot.snapshot_id, "targets")
    return Ground(
        snapshot_id=snapshot.snapshot_id,
        week=snapshot.week,
        code_version=snapshot.code_version,
        crs=crs,
        cells=_cells(by_level, frame),
        areas=pd.concat(
            [
                areas[["area_code", "name", "parent_code", "lon", "lat"]].assign(level=level.value)
                for level, areas in by_level.items()
            ],
            ignore_index=True,
        ),
        persons=persons,
        withheld=withheld,
        gap_class=layer("gap"),
        need=layer("need"),
        sites=sites,
        load_travel=lambda: _travel(engine, snapshot, frame, crs=crs),
        meta=snapshot.meta,
        targets=targets,
        indicators=settings.config.indicators,
        standard=settings.config.siting,
        shapes=frame.geometry,
        zones=read_zones(reader, snapshot, crs=crs),
    )


def _travel(engine: Engine, snapshot: Snapshot, frame: LevelFrame, *, crs: str) -> Travel:
    said = snapshot.meta["travel"]
    chosen = TravelSettings.model_validate(
        {name: said[name] for name in TravelSettings.model_fields if name in said}
    )
    return make_travel(frame, load_context(engine), chosen, crs=crs)


def _finest(
    reader: Reader,
    engine: Engine,
    snapshot: Snapshot,
    by_level: Mapping[Level, pd.DataFrame],
    *,
    crs: str,
) -> LevelFrame:
    """The finest level with its geometry: as accepted while that is what was published.

    Boundaries that have changed since are taken from the published picture, rounded to 0.1 m.
    """
    level = next(iter(by_level))
    wanted = str(snapshot.level(level.value)["geometry"]["hash"])
    accepted = load_areas(engine)
    own = accepted[accepted["level"] == level.value]
    if own["area_code"].tolist() == by_level[level]["area_code"].tolist():
        shapes = gpd.GeoSeries(own.geometry.to_numpy(), crs="EPSG:4326")
        frame = _frame(by_level, shapes, crs=crs)
        if geometry_hash(frame) == wanted:
            return frame
    drawn = json.loads(gzip.decompress(reader.geometry(wanted)))["features"]
    pictured = [shapely.geometry.shape(feature["geometry"]) for feature in drawn]
    return _frame(by_level, gpd.GeoSeries(pictured, crs="EPSG:4326").make_valid(), crs=crs)


def _frame(
    by_level: Mapping[Level, pd.DataFrame], geometry: gpd.GeoSeries, *, crs: str
) -> LevelFrame:
    level, areas = next(iter(by_level.items()))
    metric = geometry.to_crs(crs).to_numpy()
    return LevelFrame(
        level=level,
        codes=areas["area_code"].to_numpy(dtype=object),
        names=areas["name"].to_numpy(dtype=object),
        parent_codes=areas["parent_code"].fillna("").to_numpy(dtype=object),
        parents=_parents(by_level, 0),
        geometry=geometry,
        xy=shapely.get_coordinates(shapely.point_on_surface(metric)),
        area_m2=shapely.area(metric),
        persons={},
    )


def _parents(by_level: Mapping[Level, pd.DataFrame], position: int) -> Ints:
    """Position of each area's parent in the next level up; -1 where there is none."""
    frames = list(by_level.values())
    if position + 1 >= len(frames):
        return np.full(len(frames[position]), -1, dtype=np.int64)
    index = pd.Index(frames[position + 1]["area_code"])
    found: Ints = index.get_indexer(pd.Index(frames[position]["parent_code"])).astype(np.int64)
    return found


def _residents(
    reader: Reader, snapshot: Snapshot, by_level: Mapping[Level, pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Residents of each published group on the finest level, and which of them are guesses."""
    levels = list(by_level)
    index = pd.Index(by_level[levels[0]]["area_code"], name="area_code")
    told = {entry["code"]: set(entry["levels"]) for entry in snapshot.meta["layers"]}
    totals = [
        reader.layer(snapshot.snapshot_id, level.value, "population").values for level in levels
    ]
    persons: dict[str, Floats] = {}
    withheld: dict[str, npt.NDArray[np.bool_]] = {}
    for group in [entry["code"] for entry in snapshot.meta["groups"]]:
        code = "population" if group == "total" else f"population.{group}"
        chain = [i for i, level in enumerate(levels) if level.value in told.get(code, ())]
        # Groups are handed on upwards: one that the finest level does not have is of no use here.
        if not chain or chain[0] != 0:
            continue
        found = [reader.layer(snapshot.snapshot_id, levels[i].value, code) for i in chain]
        persons[group] = stand_in(
            [Published(one.values, one.states) for one in found],
            [_parents(by_level, i) for i in chain[:-1]],
            [totals[i] for i in chain],
            otherwise=snapshot.meta["k"] / 2,
        )[0]
        withheld[group] = found[0].states == Missing.SUPPRESSED
    return pd.DataFrame(persons, index=index), pd.DataFrame(withheld, index=index)


def _cells(by_level: Mapping[Level, pd.DataFrame], frame: LevelFrame) -> pd.DataFrame:
    areas = by_level[frame.level]
    cells = areas[["area_code", "name", "lon", "lat"]].assign(x=frame.xy[:, 0], y=frame.xy[:, 1])
    levels = list(by_level)
    codes: dict[Level, Any] = {frame.level: areas["area_code"].to_numpy(dtype=object)}
    above = np.arange(len(cells))
    for i, level in enumerate(levels[1:]):
        step = _parents(by_level, i)
        above = np.where(above >= 0, step[above], -1)
        codes[level] = by_level[level]["area_code"].reindex(above).to_numpy(dtype=object)
    for level in _UPPER:
        cells[f"{level.value}_code"] = pd.Series(codes.get(level), index=cells.index, dtype="str")
    return cells
