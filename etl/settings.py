"""A locality as configuration: what `xintu.toml` may say, checked once at the entry point.

Read with `load_locality`; passed down, never imported as state. Every model forbids unknown keys,
so that a misspelt key is an error and not a silent default.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from etl.alerting import Warnings, load_warnings
from etl.model import Model, Text
from etl.notices.settings import Mail, Subscription
from etl.policies import IndicatorSettings, Known, Policy, load_policy, registry_toml
from etl.sections import (
    Access,
    Codes,
    Disclosure,
    Forecast,
    GroupSettings,
    Intake,
    KindSettings,
    Locality,
    MeasureSettings,
    Need,
    Publish,
    Referral,
    Schedule,
    Siting,
    Travel,
)
from etl.sources.settings import Source
from etl.standards import Response
from geo.errors import ConfigError, Fault, FaultsError
from geo.model import Kind

CONFIG_NAME = "xintu.toml"
_SECRET = re.compile("password|secret|token|key|url", re.IGNORECASE)


def _none_of(what: str, codes: set[str]) -> None:
    if codes:
        raise ValueError(f"{what}: {', '.join(sorted(codes))}")


class LocalityConfig(Model):
    """A whole `xintu.toml`, with the product's registries filled in."""

    locality: Locality
    codes: Codes = Codes()
    travel: Travel = Travel()
    access: Access = Access()
    need: Need = Need()
    referral: Referral = Referral()
    siting: Siting = Siting()
    disclosure: Disclosure = Disclosure()
    forecast: Forecast = Forecast()
    warnings: Warnings = Warnings()
    response: Response = Response()
    publish: Publish = Publish()
    intake: Intake = Intake()
    schedule: Schedule = Schedule()
    mail: Mail | None = None
    notices: tuple[Subscription, ...] = ()
    policy_pack: str | None = None
    groups: tuple[GroupSettings, ...] = ()
    measures: tuple[MeasureSettings, ...] = ()
    kinds: tuple[KindSettings, ...] = ()
    indicators: tuple[IndicatorSettings, ...] = ()
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
        parts = [code for measure in self.measures for code in measure.sum_of]
        _none_of("measures.sum_of: unknown measure", set(parts) - measures)
        _none_of(
            "measures.sum_of: part of two sums, or itself a sum",
            {code for code in parts if parts.count(code) > 1}
            | {measure.code for measure in self.measures if measure.sum_of} & set(parts),
        )
        ids = [notice.id for notice in self.notices]
        _none_of("notices: id used twice", {i for i in ids if ids.count(i) > 1})
        for notice in self.notices:
            _none_of(f"notices {notice.id}: unknown measure", set(notice.measures) - measures)
        if self.mail is None:
            by_mail = {notice.id for notice in self.notices if notice.via == "mail"}
            _none_of("notices by mail, but no [mail] with host and sender", by_mail)
        for source in self.sources:
            if source.role == "observations":
                used = {source.measure} if source.measure else set(source.measures.values())
                used |= set(source.columns.counts)
                _none_of(f"source {source.id}: unknown measure", used - measures)
            elif source.role == "population":
                _none_of(f"source {source.id}: unknown group", set(source.columns.groups) - groups)
            elif source.role == "areas":
                _none_of(f"source {source.id}: unknown group", set(source.population) - groups)
            elif source.role == "facilities":
                unknown = set(source.categories.values()) - set(categories())
                _none_of(f"source {source.id}: unknown category", unknown)
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
    policy_name: Text | None = None

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
    return registry_toml(f"{name}.toml")


def categories() -> dict[str, str]:
    """Categories of sites: code → kind."""
    return {entry["code"]: entry["kind"] for entry in registry("categories")["categories"]}


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
    merged = _with_registries(raw)
    policy, faults = _policy(raw, merged, folder)
    merged["indicators"] = policy.indicators
    merged["warnings"], warning_text, wrong = load_warnings(raw.get("warnings"), folder=folder)
    faults += wrong
    try:
        config = LocalityConfig.model_validate(merged)
    except ValidationError as exc:
        own = [
            Fault(
                where=".".join(str(part) for part in error["loc"]) or "(whole file)",
                came=_came(error["loc"], error["input"]),
                wanted=error["msg"],
            )
            for error in exc.errors()
        ]
        raise FaultsError(str(path), own + faults) from exc
    if faults:
        raise FaultsError(str(path), faults)
    folder = folder.resolve()
    default_url = f"sqlite:///{folder / '.xintu' / 'xintu.db'}"
    return Settings(
        folder=folder,
        data=(data or overrides.data or folder).resolve(),
        store_url=store_url or overrides.store or default_url,
        config=config,
        config_sha256=_sha256(raw, policy.text, warning_text),
        policy_name=policy.name,
    )


def _sha256(raw: Mapping[str, Any], *texts: str) -> str:
    """Hash of all that a snapshot hangs on; who is told, what is planned, remarks change none."""
    built = {key: value for key, value in raw.items() if key not in {"mail", "notices", "siting"}}
    told = json.dumps([built, *texts], ensure_ascii=False, default=str)
    return hashlib.sha256(told.encode()).hexdigest()


def _came(loc: tuple[int | str, ...], value: object) -> str:
    """What stood there; never what may be a secret, such as the key in a webhook's address."""
    told = loc[0] not in {"mail", "notices"} if loc else True
    if told or not (isinstance(value, dict) or any(_SECRET.search(str(part)) for part in loc)):
        return repr(value)[:80]
    return "(not repeated)"


def _policy(
    raw: dict[str, Any], merged: dict[str, Any], folder: Path
) -> tuple[Policy, list[Fault]]:
    """The indicators of a locality; what else is wrong with its file is told elsewhere."""

    def entries(name: str) -> list[dict[str, Any]]:
        return [entry for entry in merged[name] if isinstance(entry, dict) and "code" in entry]

    publish = raw.get("publish")
    weeks = publish.get("weeks") if isinstance(publish, dict) else None
    known = Known(
        measures={str(entry["code"]): bool(entry.get("stock")) for entry in entries("measures")},
        groups=frozenset(str(entry["code"]) for entry in entries("groups")),
        categories=categories(),
        weeks=weeks if isinstance(weeks, int) else Publish().weeks,
    )
    chosen, own = raw.get("policy_pack"), raw.get("indicators", [])
    return load_policy(
        chosen if isinstance(chosen, str) else None,
        own if isinstance(own, list) else [],
        folder=folder,
        config_file=CONFIG_NAME,
        known=known,
    )
