"""The proposal as it grows, choice by choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from etl.persons import redact
from etl.settings import LocalityConfig
from etl.sources.proposal.columns import File
from etl.sources.proposal.meanings import code_edit, level_of
from etl.sources.proposal.signs import LIKELY, word_in

_EXAMPLES = 3


@dataclass(frozen=True)
class Choice:
    """One setting of the mapping: what is ours, what stands in the file, and why.

    Attributes
    ----------
    ours : name of the setting, as `columns.week`.
    theirs : column or value.
    confidence : 0 to 1.
    examples : values of the column, nothing personal in them.
    """

    ours: str
    theirs: str
    confidence: float
    why: str
    examples: tuple[str, ...] = ()


@dataclass
class Proposal:
    """A source as it would stand in `xintu.toml`."""

    source_id: str
    path: str
    role: str = ""
    settings: dict[str, object] = field(default_factory=dict)
    columns: dict[str, object] = field(default_factory=dict)
    tables: dict[str, dict[str, str]] = field(default_factory=dict)
    choices: list[Choice] = field(default_factory=list)

    @property
    def confidence(self) -> float:
        """That of its weakest choice."""
        return min((choice.confidence for choice in self.choices), default=0.0)


def take_column(
    proposal: Proposal, file: File, ours: str, named: Mapping[str, tuple[str, float]], key: str
) -> str | None:
    """Take a column into the mapping and say why."""
    if key not in named:
        return None
    name, sure = named[key]
    why = "header" if sure >= LIKELY else "header and values" if sure > 0.6 else "values"
    shown = dict.fromkeys(redact(t) for t in file.by_name(name).texts if t.strip())
    examples = tuple(list(shown)[:_EXAMPLES])
    proposal.choices.append(Choice(f"columns.{ours}", name, round(sure, 2), why, examples))
    return name


def choose(proposal: Proposal, ours: str, value: object, sure: float, why: str) -> None:
    """Set what is no column, and say why."""
    proposal.settings[ours] = value
    proposal.choices.append(Choice(ours, str(value), round(sure, 2), why))


def choose_codes(
    proposal: Proposal,
    file: File,
    named: Mapping[str, tuple[str, float]],
    config: LocalityConfig,
    *,
    ours: str,
) -> None:
    """The column of area codes, its level, and how its codes are edited."""
    name = take_column(proposal, file, ours, named, "code")
    column = file.by_name(name) if name else None
    if name:
        proposal.columns[ours] = name
    level, sure, why = level_of(file, column, config)
    choose(proposal, "level", level, sure, why)
    if column is not None:
        edit, share = code_edit(column, config)
        if edit.remove:
            proposal.tables["code"] = {"remove": edit.remove}
            proposal.choices.append(Choice("code.remove", edit.remove, round(share, 2), "values"))


def known_values(file: File, column: str, words: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Value of a column → what it means, for those that hold a known word."""
    found = {}
    for text in dict.fromkeys(t.strip() for t in file.by_name(column).texts):
        if text and (code := word_in(words, text)):
            found[redact(text)] = code
    return found
