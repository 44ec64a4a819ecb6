"""A locality as configuration: what `xintu.toml` may say, checked once at the entry point.

Read with `load_locality`; passed down, never imported as state. Every model forbids unknown keys,
so that a misspelt key is an error and not a silent default.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from geo.errors import ConfigError, Fault, FaultsError
from geo.model import Kind, Level, PlaceQuality, Polarity, SiteStatus

CONFIG_NAME = "xintu.toml"


class Model(BaseModel):
    """Base of all configuration: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(Model):
    """A visible string in both languages."""

    zh: str
    en: str


class Locality(Model):
    """Who and where the locality is."""

    code: str = Field(description="area code of the county or city")
    name: Text
    crs: str = Field(description="metric CRS for distances, as EPSG:n")
    timezone: str = "Asia/Shanghai"
    demo: bool = Field(default=False, description="every screen says 演示数据")
    notice: Text | None = Field(default=None, description="stated on every picture")
    boundary_source: str = ""
    map_approval: str = Field(default="", description="审图号 that came with the boundaries")


class Codes(Model):
    """Regular expression that a whole area code of each level must match."""

    county: str = r"\d{12}"
    town: str = r"\d{12}"
    village: str = r"\d{12}"
    grid: str = r"\d{12}-?\w+"

    @field_validator("*")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as exc:
            raise ValueError(f"not a regular expression: {exc}") from exc
        return pattern


class GroupSettings(Model):
    """A population group."""

    code: str = Field(pattern=r"[a-z][a-z0-9_]*")
    name: Text


class MeasureSettings(Model):
    """A weekly count; see `geo.model.Measure`."""

    code: str = Field(pattern=r"[a-z][a-z0-9_]*")
    name: Text
    unit: Text = Text(zh="人次", en="visits")
    polarity: Polarity = Polarity.NEUTRAL
    warn: bool = False
    group: str = "total"
    stock: bool = False


class KindSettings(Model):
    """How a facility kind is named and reached."""

    code: Kind
    name: Text
    mode: Literal["foot", "car"] = "foot"
    threshold_min: float = Field(gt=0, description="covered within so many minutes, inclusive")
    on_map: bool = True


class Travel(Model):
    """Straight line × detour, until a locality brings a road network."""

    detour: float = Field(default=1.3, ge=1)
    foot_kmh: float = Field(default=4.8, gt=0)
    car_kmh: float = Field(default=30.0, gt=0)


class Access(Model):
    """Two-step floating catchment: which kinds supply, in which unit, how far."""

    kinds: tuple[Kind, ...] = (
        Kind.COUNSELLING_ROOM,
        Kind.GUIDANCE_CENTRE,
        Kind.SERVICE_ORG,
        Kind.MINORS_CENTRE,
    )
    supply: Literal["staff", "rooms", "places"] = "staff"
    catchments_m: tuple[float, float, float] = (1000.0, 2000.0, 3000.0)
    default_catchment_m: float = 2000.0
    group: str = "total"

    @model_validator(mode="after")
    def _ordered(self) -> Access:
        if list(self.catchments_m) != sorted(set(self.catchments_m)) or self.catchments_m[0] <= 0:
            raise ValueError("catchments_m must be three positive distances in rising order")
        if self.default_catchment_m not in self.catchments_m:
            raise ValueError("default_catchment_m must be one of catchments_m")
        return self


class Disclosure(Model):
    """Small counts are withheld before publication."""

    k: int = Field(default=10, ge=5, description="counts from 1 to k-1 are withheld")
    min_denominator: float = Field(default=100, ge=1)


class Warnings(Model):
    """EARS with a minimum count, and the scores of the four tiers."""

    method: Literal["C1", "C2", "C3"] = "C2"
    baseline: int = Field(default=7, ge=4)
    min_sigma: float = Field(default=1.0, gt=0)
    min_count: int = Field(default=5, ge=2)
    episode_weeks: int = Field(
        default=8, ge=1, description="an alarm that stands longer is taken for a new normal"
    )
    blue: float = 2.0
    yellow: float = 3.0
    orange: float = 4.5
    red: float = 6.5

    @model_validator(mode="after")
    def _ordered(self) -> Warnings:
        if not 0 < self.blue < self.yellow < self.orange < self.red:
            raise ValueError("tier scores must rise: 0 < blue < yellow < orange < red")
        return self


class Publish(Model):
    """What a snapshot holds."""

    weeks: int = Field(default=26, ge=1, description="weeks on the slider, newest last")
    min_reported_share: float = Field(
        default=0.8, gt=0, le=1, description="below it a rolled-up count is no data"
    )


class CodeEdit(Model):
    """How a department's code becomes ours: applied in the order of the fields."""

    remove: str = Field(default="", description="every one of these characters is taken out")
    prefix: str = ""
    suffix: str = ""
    replace: dict[str, str] = Field(default_factory=dict, description="whole codes, old to new")


class SourceBase(Model):
    """What every source says of its file."""

    id: str = Field(pattern=r"[a-z0-9][a-z0-9_-]*")
    path: str = Field(description="relative to the data folder")
    title: Text | None = None
    department: str = ""
    encoding: str = Field(default="auto", description="auto: strict UTF-8, then GB18030")
    sheet: str | None = None
    layer: str | None = None
    header_row: int | Literal["auto"] = Field(
        default="auto", description="first header row, counted from 1"
    )
    header_rows: int = Field(default=1, ge=1, le=3, description="merged headers over so many rows")
    delimiter: str | None = None
    code: CodeEdit = CodeEdit()
    max_age_days: int | None = Field(default=None, description="older is shown as stale")


Datum = Literal["WGS84", "CGCS2000", "GCJ02", "BD09"]


class AreaColumns(Model):
    """Columns of a boundary file."""

    code: str
    name: str | None = None
    parent: str | None = None


class AreasSource(SourceBase):
    """Boundaries of one level; `parents` says how the level above is found."""

    role: Literal["areas"]
    level: Level
    datum: Datum = "WGS84"
    columns: AreaColumns
    parents: Literal["column", "prefix", "spatial"] = "spatial"
    population: dict[str, str] = Field(default_factory=dict, description="group → column")
    empty: Literal["zero", "no_data"] = Field(
        default="no_data", description="what an empty cell of `population` means"
    )


class PopulationColumns(Model):
    """Columns of a population file."""

    code: str
    groups: dict[str, str] = Field(description="group → column")


class PopulationSource(SourceBase):
    """Persons by area and group."""

    role: Literal["population"]
    level: Level
    columns: PopulationColumns
    as_of: date | None = None
    empty: Literal["zero", "no_data"] = "no_data"


class FacilityColumns(Model):
    """Columns of a facility file; what a department does not keep stays out."""

    name: str
    lon: str | None = None
    lat: str | None = None
    site_id: str | None = None
    area_code: str | None = None
    kind: str | None = None
    status: str | None = None
    staff: str | None = None
    rooms: str | None = None
    area_m2: str | None = None
    beds: str | None = None
    places: str | None = None
    pupils: str | None = None
    hours: str | None = None
    opened_on: str | None = None
    closed_on: str | None = None
    quality: str | None = None


class FacilitiesSource(SourceBase):
    """Service sites; `kind` fixed, or by column through `kinds` (whole value, then contained)."""

    role: Literal["facilities"]
    datum: Datum = "WGS84"
    columns: FacilityColumns
    kind: Kind | None = Field(default=None, description="of rows that `kinds` does not name")
    kinds: dict[str, Kind] = Field(default_factory=dict)
    statuses: dict[str, SiteStatus] = Field(default_factory=dict)
    qualities: dict[str, PlaceQuality] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _kind_known(self) -> FacilitiesSource:
        if self.kind is None and not (self.columns.kind and self.kinds):
            raise ValueError("give `kind`, or `columns.kind` with `kinds`")
        if (self.columns.lon is None) != (self.columns.lat is None):
            raise ValueError("give both `columns.lon` and `columns.lat`, or neither")
        if self.columns.lon is None and self.columns.area_code is None:
            raise ValueError("give coordinates or `columns.area_code`")
        return self


class NoData(Model):
    """Weeks whose figures the department never had, whatever the file holds."""

    start: date = Field(alias="from")
    end: date = Field(alias="to")
    reason: Text
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @model_validator(mode="after")
    def _forward(self) -> NoData:
        if self.end < self.start:
            raise ValueError("`to` must not lie before `from`")
        return self


class ObservationColumns(Model):
    """Columns of a weekly file; a wide file has one column an area."""

    week: str
    area: str | None = None
    measure: str | None = None
    count: str | None = None
    counts: dict[str, str] = Field(default_factory=dict, description="measure → column")


class ObservationsSource(SourceBase):
    """Weekly counts by area, long or wide."""

    role: Literal["observations"]
    level: Level
    shape: Literal["long", "wide"] = "long"
    columns: ObservationColumns
    measure: str | None = None
    measures: dict[str, str] = Field(default_factory=dict, description="value in the file → code")
    areas_by: Literal["code", "name"] = "code"
    week: Literal["monday", "sunday", "date", "iso"] = Field(
        default="iso",
        description="monday/sunday: the date a week starts on; date: any day of an ISO week",
    )
    absent: Literal["zero", "no_data"] = Field(
        default="no_data", description="what an area and week without a row means"
    )
    covers_from: date | None = Field(
        default=None, description="first week that `absent` speaks for; the file's first otherwise"
    )
    covers_to: date | None = Field(
        default=None, description="last week that `absent` speaks for; the file's last otherwise"
    )
    no_data: tuple[NoData, ...] = ()

    @model_validator(mode="after")
    def _measure_known(self) -> ObservationsSource:
        given = [self.measure is not None, self.columns.measure is not None]
        given.append(bool(self.columns.counts))
        if sum(given) != 1:
            raise ValueError("give exactly one of `measure`, `columns.measure`, `columns.counts`")
        if self.shape == "long":
            if self.columns.area is None:
                raise ValueError("a long file needs `columns.area`")
            if not self.columns.counts and self.columns.count is None:
                raise ValueError("a long file needs `columns.count` or `columns.counts`")
        elif self.measure is None:
            raise ValueError("a wide file needs `measure`")
        return self

    @model_validator(mode="after")
    def _covers_forward(self) -> ObservationsSource:
        if self.covers_from and self.covers_to and self.covers_to < self.covers_from:
            raise ValueError("`covers_to` must not lie before `covers_from`")
        return self


class ContextSource(SourceBase):
    """Lines or polygons drawn muted under the data."""

    role: Literal["context"]
    theme: Literal["water", "road"]
    datum: Datum = "WGS84"
    rank: str | None = Field(default=None, description="column with 1 (main) to 3")
    name: str | None = Field(default=None, description="column with the name")


Source = Annotated[
    AreasSource | PopulationSource | FacilitiesSource | ObservationsSource | ContextSource,
    Field(discriminator="role"),
]


def _none_of(what: str, codes: set[str]) -> None:
    if codes:
        raise ValueError(f"{what}: {', '.join(sorted(codes))}")


class LocalityConfig(Model):
    """A whole `xintu.toml`, with the product's registries filled in."""

    locality: Locality
    codes: Codes = Codes()
    travel: Travel = Travel()
    access: Access = Access()
    disclosure: Disclosure = Disclosure()
    warnings: Warnings = Warnings()
    publish: Publish = Publish()
    policy_pack: str | None = None
    groups: tuple[GroupSettings, ...] = ()
    measures: tuple[MeasureSettings, ...] = ()
    kinds: tuple[KindSettings, ...] = ()
    sources: tuple[Source, ...]

    @model_validator(mode="after")
    def _consistent(self) -> LocalityConfig:
        ids = [source.id for source in self.sources]
        _none_of("source id used twice", {i for i in ids if ids.count(i) > 1})
        if not any(source.role == "areas" for source in self.sources):
            raise ValueError("at least one source with role = 'areas' is needed")
        groups = {group.code for group in self.groups}
        _none_of("access.group: unknown group", {self.access.group} - groups)
        for measure in self.measures:
            _none_of(f"measure {measure.code}: unknown group", {measure.group} - groups)
        measures = {measure.code for measure in self.measures}
        for source in self.sources:
            if source.role == "observations":
                used = {source.measure} if source.measure else set(source.measures.values())
                used |= set(source.columns.counts)
                _none_of(f"source {source.id}: unknown measure", used - measures)
            elif source.role == "population":
                _none_of(f"source {source.id}: unknown group", set(source.columns.groups) - groups)
            elif source.role == "areas":
                _none_of(f"source {source.id}: unknown group", set(source.population) - groups)
        return self

    def kind(self, code: Kind) -> KindSettings:
        """Settings of one facility kind."""
        return next(kind for kind in self.kinds if kind.code == code)

    def measure(self, code: str) -> MeasureSettings:
        """Settings of one measure."""
        return next(measure for measure in self.measures if measure.code == code)


class Overrides(BaseSettings):
    """What the environment may say: `XINTU_STORE`, `XINTU_DATA`, `XINTU_HOST`, `XINTU_PORT`."""

    model_config = SettingsConfigDict(env_prefix="XINTU_", extra="ignore")

    store: str | None = None
    data: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8050


class Settings(Model):
    """Everything a command needs, resolved: paths, store, configuration and its hash."""

    folder: Path
    data: Path
    store_url: str
    config: LocalityConfig
    config_sha256: str


def registry(name: str) -> dict[str, Any]:
    """One of the product's own registries: measures, groups, kinds or layers."""
    text = resources.files("etl").joinpath("registry", f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _with_registries(raw: dict[str, Any]) -> dict[str, Any]:
    """The product's registries with the locality's own entries laid over them by code."""
    merged = dict(raw)
    for name in ("groups", "measures", "kinds"):
        entries = {entry["code"]: entry for entry in registry(name)[name]}
        for entry in raw.get(name, []):
            if isinstance(entry, dict) and "code" in entry:
                entries[entry["code"]] = {**entries.get(entry["code"], {}), **entry}
        merged[name] = list(entries.values())
    return merged


def load_locality(
    folder: Path, *, data: Path | None = None, store_url: str | None = None
) -> Settings:
    """Read and check a locality folder.

    Parameters
    ----------
    folder : the folder that holds `xintu.toml`.
    data : where the departments' files are; the locality folder itself by default.
    store_url : SQLAlchemy URL; an SQLite file in the locality folder by default.

    Raises
    ------
    ConfigError : no `xintu.toml`, or not valid TOML.
    FaultsError : keys that are unknown, missing or contradictory, all at once.
    """
    path = folder / CONFIG_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as exc:
        raise ConfigError(
            f"{path}: no such file; `xintu init {folder}` writes a commented template"
        ) from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path}: not UTF-8 at byte {exc.start}; save it as UTF-8") from exc
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError(f"{path}: not valid TOML: {exc}") from exc
    overrides = Overrides()
    try:
        config = LocalityConfig.model_validate(_with_registries(raw))
    except ValidationError as exc:
        faults = [
            Fault(
                where=".".join(str(part) for part in error["loc"]) or "(whole file)",
                came=repr(error["input"])[:80],
                wanted=error["msg"],
            )
            for error in exc.errors()
        ]
        raise FaultsError(str(path), faults) from exc
    folder = folder.resolve()
    default_url = f"sqlite:///{folder / '.xintu' / 'xintu.db'}"
    return Settings(
        folder=folder,
        data=(data or overrides.data or folder).resolve(),
        store_url=store_url or overrides.store or default_url,
        config=config,
        config_sha256=hashlib.sha256(text.encode()).hexdigest(),
    )
