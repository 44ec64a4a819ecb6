"""`[warnings]`: how detector output becomes a tier, from a policy and the locality's own keys.

A policy is a TOML file of the same keys: one of the product's (`registry/warning_policies`) or the
locality's own. What stands in `xintu.toml` beside its name is laid over it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator

from etl.model import Model, Text
from geo.errors import Fault
from geo.model import Colours, GapClass, Tier, TierPolicy
from geo.tier_policy import policy_faults

DEFAULT_POLICY = "default"
# What a policy file may say beside the keys of `[warnings]`.
_ABOUT = {"name", "about"}
TierName = Literal["none", "blue", "yellow", "orange", "red"]
GapName = Literal["none", "slight", "clear", "severe"]


class PolicyError(ValueError):
    """A policy whose keys do not go together; `faults` names each of them."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(str(fault) for fault in faults))


class SizeByTier(Model):
    """A number for each tier, never falling from blue to red."""

    blue: float = Field(ge=0)
    yellow: float = Field(ge=0)
    orange: float = Field(ge=0)
    red: float = Field(ge=0)

    def numbers(self) -> tuple[float, float, float, float]:
        """From blue to red."""
        return self.blue, self.yellow, self.orange, self.red


class Warnings(Model):
    """The detector, scores and sizes of the tiers, what raises them, how long they hold."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    policy: str = Field(default=DEFAULT_POLICY, description="of the product, or a .toml file")
    colours: Literal["four", "three"] = "four"
    method: Literal["C1", "C2", "C3"] = "C2"
    baseline: int = Field(default=7, ge=4)
    min_sigma: float = Field(default=1.0, gt=0)
    episode_weeks: int = Field(
        default=8, ge=1, description="an alarm that stands longer is taken for a new normal"
    )
    history_years: int = Field(
        default=5, ge=3, le=10, description="years before a week that it is held against"
    )
    fdr: float = Field(
        default=0.2, gt=0, le=1, description="share of a week's warnings that may be chance; 1: off"
    )
    fdr_from_areas: int = Field(default=500, ge=1, description="on levels of so many areas or more")
    provisional_weeks: Annotated[int, Field(ge=0, le=26)] | Literal["auto"] = "auto"
    blue: float = 2.33
    yellow: float = 3.09
    orange: float = 3.72
    red: float = 4.75
    min_count: int = Field(default=5, ge=2)
    least_count: SizeByTier = SizeByTier(blue=5, yellow=5, orange=8, red=10)
    least_excess: SizeByTier = SizeByTier(blue=2, yellow=3, orange=5, red=8)
    max_steps: int = Field(default=1, description="that all rules together may raise a tier")
    persistence_weeks: int = Field(default=3, description="0: off")
    spread_share: float = Field(default=0.5, description="0: off")
    upstream_from: TierName = Field(default="orange", description="none: off")
    upstream_to: TierName = "yellow"
    gap_from: GapName = Field(default="severe", description="none: off")
    hold_weeks: int = Field(default=2, description="0: no hysteresis")
    memory_weeks: int = Field(default=4, description="unknown weeks that end nothing")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if faults := policy_faults(self.tier_policy()):
            raise PolicyError(faults)
        return self

    def tier_policy(self) -> TierPolicy:
        """The same as `geo` wants it."""
        counts = [max(self.min_count, number) for number in self.least_count.numbers()]
        return TierPolicy(
            scores=(self.blue, self.yellow, self.orange, self.red),
            min_counts=(counts[0], counts[1], counts[2], counts[3]),
            min_excess=self.least_excess.numbers(),
            max_steps=self.max_steps,
            persistence_weeks=self.persistence_weeks,
            spread_share=self.spread_share,
            upstream_from=Tier[self.upstream_from.upper()],
            upstream_to=Tier[self.upstream_to.upper()],
            gap_from=GapClass[self.gap_from.upper()],
            hold_weeks=self.hold_weeks,
            memory_weeks=self.memory_weeks,
            colours=Colours(self.colours),
        )


def warning_policies() -> tuple[str, ...]:
    """Warning policies that come with the product."""
    folder = resources.files("etl").joinpath("registry", "warning_policies")
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir()))


def load_warnings(raw: object, *, folder: Path) -> tuple[dict[str, Any], str, list[Fault]]:
    """`[warnings]` with its policy filled in.

    Parameters
    ----------
    raw : what `xintu.toml` says under `warnings`; None where it says nothing.
    folder : where paths of policy files start.

    Returns
    -------
    The keys of a sound `Warnings`, none where something is wrong; the text of a policy in the
    locality's folder, so that a change of it is seen; everything that is wrong.
    """
    own = {} if raw is None else raw
    if not isinstance(own, dict):
        return {}, "", [Fault("warnings", repr(own)[:80], "a table")]
    chosen = own.get("policy", DEFAULT_POLICY)
    if not isinstance(chosen, str):
        return {}, "", [Fault("warnings.policy", repr(chosen)[:80], _wanted())]
    file, text, faults = _read_policy(chosen, folder)
    if faults:
        return {}, "", faults
    kept = text if chosen.endswith(".toml") else ""
    try:
        policy = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        return {}, kept, [Fault(file, str(exc), "valid TOML")]
    keys, faults = _policy_keys(policy, file)
    if faults:
        return {}, kept, faults
    laid = _lay(keys, own)
    faults = _faults(laid, "warnings.")
    return ({} if faults else laid), kept, faults


def _read_policy(chosen: str, folder: Path) -> tuple[str, str, list[Fault]]:
    """What to call the file, its text, and why it cannot be read."""
    if not chosen.endswith(".toml"):
        if chosen not in warning_policies():
            return chosen, "", [Fault("warnings.policy", repr(chosen), _wanted())]
        return f"warning_policies/{chosen}.toml", _product_policy(chosen), []
    try:
        return chosen, (folder / chosen).read_text(encoding="utf-8"), []
    except OSError as exc:
        came = f"{chosen!r}: {exc.strerror}"
        return chosen, "", [Fault("warnings.policy", came, f"a file in {folder}")]
    except UnicodeDecodeError as exc:
        return chosen, "", [Fault(chosen, f"not UTF-8 at byte {exc.start}", "UTF-8")]


def _wanted() -> str:
    return f"one of {', '.join(warning_policies())}, or the path of a .toml file"


def _product_policy(name: str) -> str:
    file = resources.files("etl").joinpath("registry", "warning_policies", f"{name}.toml")
    return file.read_text(encoding="utf-8")


def _policy_keys(policy: Mapping[str, Any], file: str) -> tuple[dict[str, Any], list[Fault]]:
    """Keys of a policy laid over the default one, and what is wrong with it by itself."""
    faults = []
    for key in sorted(_ABOUT & set(policy)):
        try:
            Text.model_validate(policy[key])
        except ValidationError:
            faults.append(Fault(f"{file}: {key}", repr(policy[key])[:80], "{ zh = …, en = … }"))
    if "policy" in policy:
        wanted = "the keys themselves: a policy names no other"
        faults.append(Fault(f"{file}: policy", repr(policy["policy"])[:80], wanted))
    below = tomllib.loads(_product_policy(DEFAULT_POLICY))
    keys = _lay(below, {key: value for key, value in policy.items() if key != "policy"})
    keys = {key: value for key, value in keys.items() if key not in _ABOUT}
    return keys, faults + _faults(keys, f"{file}: ")


def _lay(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Keys of one table over those of another; tables within are laid key by key."""
    laid = dict(below)
    for key, value in above.items():
        under = laid.get(key)
        if isinstance(value, Mapping) and isinstance(under, Mapping):
            laid[key] = {**under, **value}
        else:
            laid[key] = value
    return laid


def _faults(keys: Mapping[str, Any], before: str) -> list[Fault]:
    """Everything that keeps keys from being a `Warnings`; `before` stands before each key."""
    try:
        Warnings.model_validate(keys)
    except ValidationError as exc:
        found: list[Fault] = []
        for error in exc.errors():
            cause = error.get("ctx", {}).get("error")
            if isinstance(cause, PolicyError):
                found += [Fault(before + f.where, f.came, f.wanted) for f in cause.faults]
            else:
                key = ".".join(str(part) for part in error["loc"])
                found.append(Fault(before + key, repr(error["input"])[:80], error["msg"]))
        return found
    return []
