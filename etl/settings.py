"""A locality as configuration: what `xintu.toml` may say, checked once at the entry point.

Read with `load_locality`; passed down, never imported as state. Every model forbids unknown keys,
so that a misspelt key is an error and not a silent default.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from etl.model import Model, Text
from etl.sources.settings import Source
from geo.errors import ConfigError, Fault, FaultsError
from geo.model import Kind, Polarity

CONFIG_NAME = "xintu.toml"


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


class Intake(Model):
    """Where departments put files beside the configured paths, and what looks doubtful."""

    drop: str = Field(default="收件箱", description="drop folder, under the data folder")
    returns: str = Field(default="退回", description="where workbooks with refused rows go")
    jump_factor: float = Field(
        default=5.0, gt=1, description="times the area's own usual count that is called a jump"
    )
    jump_min: float = Field(default=20, ge=1, description="no jump below this difference")
    zero_weeks: int = Field(
        default=8, ge=2, description="zeros in a row after usual figures that are doubted"
    )
    near_m: float = Field(
        default=200.0, gt=0, description="nearer, two sites of like names may be one"
    )


class Schedule(Model):
    """When the clock works, in the locality's own time."""

    drop_minutes: int = Field(default=10, ge=1, le=720, description="look at the drop folder")
    build: str = Field(default="02:30", pattern=r"([01]\d|2[0-3]):[0-5]\d")
    publish: str = Field(default="07:00", pattern=r"([01]\d|2[0-3]):[0-5]\d")
    publish_day: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"] = "mon"
    grace_hours: float = Field(default=12.0, gt=0, description="how late a run may still start")
    retries: int = Field(default=3, ge=0, description="after a failure, each after twice the wait")
    retry_minutes: float = Field(default=5.0, gt=0, description="wait before the first retry")


class Publish(Model):
    """What a snapshot holds."""

    weeks: int = Field(default=26, ge=1, description="weeks on the slider, newest last")
    min_reported_share: float = Field(
        default=0.8, gt=0, le=1, description="below it a rolled-up count is no data"
    )


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
    intake: Intake = Intake()
    schedule: Schedule = Schedule()
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

    @property
    def raw_folder(self) -> Path:
        """Where files are kept as they were handed in."""
        return self.folder / ".xintu" / "raw"

    @property
    def incoming(self) -> Path:
        """Where answers of databases wait until they are judged."""
        return self.folder / ".xintu" / "incoming"


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
