"""What is wrong with a question of sites, said in both languages, all of it at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from etl.model import Text
from etl.policies import registry_toml
from geo.errors import Fault, FaultsError

# pydantic's words for what is wrong with one value, in ours.
_OURS = {
    "extra_forbidden": "unknown_key",
    "missing": "missing",
    "greater_than": "above",
    "greater_than_equal": "at_least",
    "less_than_equal": "at_most",
    "too_short": "too_few",
    "string_too_short": "text",
    "string_too_long": "text",
    "string_pattern_mismatch": "text",
    "string_type": "text",
    "enum": "choice",
    "literal_error": "choice",
    "bool_type": "yes_no",
    "int_type": "whole_number",
    "int_from_float": "whole_number",
    "float_type": "number",
    "finite_number": "number",
}


@dataclass(frozen=True)
class QuestionFault(Fault):
    """One thing wrong with a question.

    Attributes
    ----------
    code : what kind of fault, a key of the registry.
    words : the fault as a sentence; `wanted` is its English.
    """

    code: str
    words: Text


class QuestionError(FaultsError):
    """A question of sites that contradicts itself, or asks of what is not there.

    Attributes
    ----------
    faults : every `QuestionFault`, in the order found.
    """

    faults: tuple[QuestionFault, ...]

    def __init__(self, faults: Iterable[QuestionFault]) -> None:
        super().__init__("question", tuple(faults))


class ContradictionError(ValueError):
    """All that contradicts itself in a question whose values are right one by one."""

    def __init__(self, faults: list[QuestionFault]) -> None:
        self.faults = faults
        super().__init__("; ".join(str(fault) for fault in faults))


def question_fault(code: str, where: str, came: object, **filled: object) -> QuestionFault:
    """A fault with its sentence; `filled` goes into the sentence's braces."""
    words = _sentences()[code]
    said = {"came": came, **filled}
    named = {key: _names().get(str(value), value) for key, value in said.items()}
    text = Text(zh=words["zh"].format(**named), en=words["en"].format(**said))
    return QuestionFault(where, repr(came)[:80], text.en, code, text)


def faults_of(error: ValidationError) -> list[QuestionFault]:
    """What a validation found, in our words."""
    found: list[QuestionFault] = []
    details = error.errors()
    wrong = {detail["loc"][:-depth] for detail in details for depth in range(1, len(detail["loc"]))}
    for detail in details:
        if detail["type"] == "too_short" and detail["loc"] in wrong:
            continue  # too few that are right: what is wrong with the others is told
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, ContradictionError):
            found += cause.faults
        else:
            found.append(_of_value(detail))
    return found


def _of_value(detail: ErrorDetails) -> QuestionFault:
    where = ".".join(str(part) for part in detail["loc"])
    about: dict[str, Any] = detail.get("ctx", {})
    limit = next((about[name] for name in ("gt", "ge", "le", "min_length") if name in about), 0)
    return question_fault(
        _OURS.get(detail["type"], "bad_value"),
        where,
        detail["input"],
        key=detail["loc"][-1] if detail["loc"] else "",
        limit=f"{limit:g}",
        choices=str(about.get("expected", "")).replace(" or ", ", "),
        said=detail["msg"],
    )


@cache
def _names() -> dict[str, str]:
    """Chinese for the codes that a sentence may repeat."""
    kinds = {entry["code"]: entry["name"]["zh"] for entry in registry_toml("kinds.toml")["kinds"]}
    return {**kinds, **registry_toml("siting.toml")["names"]}


@cache
def _sentences() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = registry_toml("siting.toml")["faults"]
    return found
