"""Policy packs: what a plan asks for, each indicator a numerator over a denominator.

An indicator is laid together from three places, by its code: the product's registry of indicators,
the pack that the locality chose, and its own `xintu.toml`. What stands later replaces what stood.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, ValidationError, model_validator

from etl.model import Model, Text
from geo.errors import Fault
from geo.model import LEVELS, Kind, Level

Amount = Literal["staff", "rooms", "beds", "places", "pupils"]
AreaLevel = Literal[Level.VILLAGE, Level.TOWN, Level.COUNTY]


class AreasQuantity(Model):
    """How many areas of a level, or how many of them have an open site."""

    areas: AreaLevel
    kinds: tuple[Kind, ...] = ()
    categories: tuple[str, ...] = ()
    has: tuple[Amount, ...] = Field(default=(), description="more than none of one of these")

    @model_validator(mode="after")
    def _kinds_given(self) -> AreasQuantity:
        if (self.categories or self.has) and not self.kinds:
            raise ValueError("`categories` and `has` speak of sites: give `kinds`")
        return self


class SitesQuantity(Model):
    """How many open sites of some kinds, or how many of them have something."""

    sites: tuple[Kind, ...] = Field(min_length=1)
    categories: tuple[str, ...] = ()
    has: tuple[Amount, ...] = Field(default=(), description="more than none of one of these")


class AmountQuantity(Model):
    """Staff, rooms, beds, places or pupils of the open sites of some kinds."""

    amount: Amount
    kinds: tuple[Kind, ...] = Field(min_length=1)
    categories: tuple[str, ...] = ()


class PersonsQuantity(Model):
    """Persons of a population group."""

    persons: str


class LatestQuantity(Model):
    """Newest published figure of a measure."""

    latest: str
    max_age_weeks: int = Field(default=13, ge=0, description="older is no data")


class SumQuantity(Model):
    """Sum of a measure over the last weeks, every one of them published."""

    sum: str
    weeks: int = Field(ge=1)


_QUANTITIES = ("areas", "sites", "amount", "persons", "latest", "sum")


def _which(value: Any) -> str | None:
    """The one key that says what is counted."""
    given = value if isinstance(value, Mapping) else dict(value) if isinstance(value, Model) else {}
    found = [name for name in _QUANTITIES if name in given]
    return found[0] if len(found) == 1 else None


Quantity = Annotated[
    Annotated[AreasQuantity, Tag("areas")]
    | Annotated[SitesQuantity, Tag("sites")]
    | Annotated[AmountQuantity, Tag("amount")]
    | Annotated[PersonsQuantity, Tag("persons")]
    | Annotated[LatestQuantity, Tag("latest")]
    | Annotated[SumQuantity, Tag("sum")],
    Discriminator(
        _which,
        custom_error_type="quantity",
        custom_error_message=f"exactly one of {', '.join(_QUANTITIES)}",
    ),
]


class TargetStep(Model):
    """What is to be reached, and by when."""

    target: float = Field(ge=0)
    due: date | None = None


class IndicatorSettings(Model):
    """One figure that a plan asks for."""

    code: str = Field(pattern=r"[a-z][a-z0-9_]*")
    name: Text
    level: AreaLevel = Field(description="finest level on which it is told")
    numerator: Quantity
    denominator: Quantity
    direction: Literal["at_least", "at_most"] = "at_least"
    per: float | None = Field(default=None, gt=0, description="a ratio per so many, not a share")
    targets: tuple[TargetStep, ...] = Field(default=(), description="steps, the last one final")
    start: date | None = None
    sample: bool = Field(default=False, description="from a survey: shown with its interval")
    active: bool = True
    source: Text = Text(zh="", en="")
    note: Text = Text(zh="", en="")

    @model_validator(mode="after")
    def _sensible(self) -> IndicatorSettings:
        for step in self.targets:
            if self.per is None and step.target > 1:
                raise ValueError(f"targets: {step.target:g} is outside 0..1; a ratio needs `per`")
            if self.start and step.due and step.due < self.start:
                raise ValueError(f"targets: due {step.due} lies before start {self.start}")
        self._steps_forward()
        self._levels_fit()
        return self

    def _steps_forward(self) -> None:
        first = self.targets[:-1]
        if any(step.due is None for step in first):
            raise ValueError("targets: only the last step may be without `due`")
        dates = [step.due for step in self.targets if step.due]
        if dates != sorted(set(dates)):
            raise ValueError("targets: every `due` must be later than the one before")
        wanted = [step.target for step in self.targets]
        if wanted != sorted(wanted, reverse=self.direction == "at_most"):
            raise ValueError("targets: a later step must not ask for less than an earlier one")

    def _levels_fit(self) -> None:
        levels = [
            q.areas for q in (self.numerator, self.denominator) if isinstance(q, AreasQuantity)
        ]
        if len(set(levels)) > 1:
            raise ValueError("numerator and denominator: `areas` must be of one level")
        if any(LEVELS.index(level) > LEVELS.index(self.level) for level in levels):
            raise ValueError(f"level: {self.level} is finer than the areas that are counted")


@dataclass(frozen=True)
class Known:
    """What an indicator may speak of.

    Attributes
    ----------
    measures : code → whether it is a register, whose weeks are not summed.
    groups : codes of population groups.
    categories : code → kind.
    weeks : weeks that are published.
    """

    measures: Mapping[str, bool]
    groups: frozenset[str]
    categories: Mapping[str, str]
    weeks: int


@dataclass(frozen=True)
class Policy:
    """The indicators of a locality.

    Attributes
    ----------
    name : of the pack; None where the locality has its own indicators only.
    indicators : in the order of the pack, the locality's own last.
    text : of a pack in the locality's folder, so that a change of it is seen.
    """

    name: Text | None = None
    indicators: tuple[IndicatorSettings, ...] = ()
    text: str = ""


def pack_names() -> tuple[str, ...]:
    """Packs that come with the product."""
    folder = resources.files("etl").joinpath("registry", "policies")
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir()))


def registry_toml(*path: str) -> dict[str, Any]:
    """One of the product's own files under `registry`."""
    text = resources.files("etl").joinpath("registry", *path).read_text(encoding="utf-8")
    return tomllib.loads(text)


def load_policy(
    chosen: str | None, own: Sequence[Any], *, folder: Path, config_file: str, known: Known
) -> tuple[Policy, list[Fault]]:
    """The indicators that a locality follows, and everything that is wrong with them.

    Parameters
    ----------
    chosen : a pack of the product, or the path of a file in the locality's folder.
    own : `[[indicators]]` of the locality.
    folder, config_file : where paths start, and what to call the locality's own file.
    known : what an indicator may speak of.
    """
    registered = _by_code(registry_toml("indicators.toml")["indicators"])
    faults: list[Fault] = []
    entries: dict[str, tuple[str, dict[str, Any]]] = {}
    name: Text | None = None
    text = ""
    if chosen is not None:
        file, pack, text = _read_pack(chosen, folder, faults)
        name = _text(pack, "name", file, faults)
        shared = {"source": pack["source"]} if "source" in pack else {}
        given = [{**shared, **e} if isinstance(e, dict) else e for e in pack.get("indicators", [])]
        faults += _lay(entries, given, file=file, registered=registered)
    faults += _lay(entries, own, file=config_file, registered=registered)
    indicators = []
    for file, entry in entries.values():
        indicator = _validated(entry, file, known, faults)
        if indicator is not None and indicator.active:
            indicators.append(indicator)
    return Policy(name, tuple(indicators), text), faults


def _by_code(entries: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {entry["code"]: dict(entry) for entry in entries}


def _read_pack(chosen: str, folder: Path, faults: list[Fault]) -> tuple[str, dict[str, Any], str]:
    """File name, content and, of a locality's own file, its text."""
    if not chosen.endswith(".toml"):
        if chosen in pack_names():
            return f"policies/{chosen}.toml", registry_toml("policies", f"{chosen}.toml"), ""
        wanted = f"one of {', '.join(pack_names())}, or the path of a .toml file"
        faults.append(Fault("policy_pack", repr(chosen), wanted))
        return chosen, {}, ""
    try:
        text = (folder / chosen).read_text(encoding="utf-8")
        pack = tomllib.loads(text)
    except FileNotFoundError:
        faults.append(Fault("policy_pack", repr(chosen), f"a file in {folder}"))
        return chosen, {}, ""
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        faults.append(Fault(chosen, str(exc), "a TOML file in UTF-8"))
        return chosen, {}, ""
    faults += [
        Fault(f"{chosen}: {key}", "unknown key", "name, source or indicators")
        for key in sorted(set(pack) - {"name", "source", "indicators"})
    ]
    return chosen, pack, text


def _text(pack: Mapping[str, Any], key: str, file: str, faults: list[Fault]) -> Text | None:
    if not pack:
        return None
    try:
        return Text.model_validate(pack.get(key))
    except ValidationError:
        came = repr(pack.get(key))[:80]
        faults.append(Fault(f"{file}: {key}", came, "{ zh = …, en = … }"))
        return None


def _lay(
    entries: dict[str, tuple[str, dict[str, Any]]],
    given: Sequence[Any],
    *,
    file: str,
    registered: Mapping[str, Mapping[str, Any]],
) -> Iterable[Fault]:
    """Lay a file's indicators over what stands so far; the faults of those without a code."""
    faults = []
    seen: set[str] = set()
    for number, entry in enumerate(given, start=1):
        code = entry.get("code") if isinstance(entry, Mapping) else None
        where = f"{file}: indicators.{number}"
        if not isinstance(code, str):
            faults.append(Fault(f"{where}.code", repr(entry)[:80], "the code of an indicator"))
            continue
        if code in seen:
            faults.append(Fault(f"{where}.code", f"{code} again", "each code once in a file"))
        seen.add(code)
        below = entries[code][1] if code in entries else registered.get(code, {})
        entries[code] = file, {**below, **entry}
    return faults


def _validated(
    entry: Mapping[str, Any], file: str, known: Known, faults: list[Fault]
) -> IndicatorSettings | None:
    where = f"{file}: indicators.{entry['code']}"
    try:
        indicator = IndicatorSettings.model_validate(entry)
    except ValidationError as exc:
        for error in exc.errors():
            # The tag of a quantity stands in the path; whoever wrote the file did not write it.
            parts = [str(part) for part in error["loc"]]
            key = ".".join(p for i, p in enumerate(parts) if not (i == 1 and p in _QUANTITIES))
            came = repr(error["input"])[:80]
            faults.append(Fault(f"{where}.{key}".rstrip("."), came, error["msg"]))
        return None
    before = len(faults)
    for side in ("numerator", "denominator"):
        for came, wanted in _strangers(getattr(indicator, side), known):
            faults.append(Fault(f"{where}.{side}", came, wanted))
    return indicator if len(faults) == before else None


def _strangers(quantity: Any, known: Known) -> Iterable[tuple[str, str]]:
    """What a quantity names that nobody knows."""
    if isinstance(quantity, PersonsQuantity) and quantity.persons not in known.groups:
        yield f"unknown group {quantity.persons!r}", f"one of {', '.join(sorted(known.groups))}"
    if isinstance(quantity, LatestQuantity | SumQuantity):
        code = quantity.latest if isinstance(quantity, LatestQuantity) else quantity.sum
        if code not in known.measures:
            yield f"unknown measure {code!r}", "a code of the registry or of [[measures]]"
        elif isinstance(quantity, SumQuantity) and known.measures[code]:
            yield f"sum of {code!r}", "`latest`: a register is counted anew each week"
    if isinstance(quantity, SumQuantity) and quantity.weeks > known.weeks:
        yield f"weeks = {quantity.weeks}", f"at most publish.weeks = {known.weeks}"
    if isinstance(quantity, AreasQuantity | SitesQuantity | AmountQuantity):
        kinds = quantity.sites if isinstance(quantity, SitesQuantity) else quantity.kinds
        for code in quantity.categories:
            if known.categories.get(code) not in kinds:
                fitting = sorted(c for c, kind in known.categories.items() if kind in kinds)
                yield f"unknown category {code!r}", f"one of {', '.join(fitting) or 'none'}"
