"""Doubts about files, rows and cells: what came, what was wanted, what to do.

A finding names file, sheet, row and column as the person sees them in Excel. Its words come from
one catalogue, `etl/registry/rules.toml`, in both languages; what came is never personal.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from etl.persons import redact
from etl.settings import registry
from geo.errors import InputError
from geo.model import Label

Severity = Literal["info", "warning", "error"]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
# Each occurrence up to this many for a rule and column; one finding counts the rest.
EACH = 20
CAME_LENGTH = 80


@dataclass(frozen=True)
class Rule:
    """What a kind of doubt is called, how serious it is, and its words."""

    code: str
    severity: Severity
    title: Label
    wanted: Label
    action: Label


@cache
def rules() -> dict[str, Rule]:
    """Every rule of the catalogue by its code."""
    found = {}
    for entry in registry("rules")["rules"]:
        if entry["severity"] not in get_args(Severity):
            raise ValueError(f"rules.toml: {entry['code']}: severity {entry['severity']!r}")
        labels = {key: Label(**entry[key]) for key in ("title", "wanted", "action")}
        found[entry["code"]] = Rule(code=entry["code"], severity=entry["severity"], **labels)
    return found


@dataclass(frozen=True)
class Finding:
    """One doubt.

    Parameters
    ----------
    row : as the person sees it: the row of the sheet, the record of the text file, or the
        feature of the map file, counted from 1.
    came : what stood there; never personal.
    count : how often, when one finding speaks for several rows.
    proposal : what to write into the cell instead, where that is known; never a guess among
        several.
    """

    source_id: str
    file: str
    sheet: str | None
    row: int | None
    column: str | None
    rule: str
    severity: Severity
    came: str | None
    wanted: Label
    action: Label
    count: int = 1
    proposal: str | None = None

    @property
    def title(self) -> Label:
        """Short name of the rule."""
        return rules()[self.rule].title

    def message(self, language: Literal["zh", "en"] = "zh") -> str:
        """The whole finding as one line."""
        words = _WORDS[language]
        where = [self.file]
        if self.sheet is not None:
            where.append(words["sheet"].format(self.sheet))
        if self.row is not None:
            where.append(words["row"].format(self.row))
        if self.column is not None:
            where.append(words["column"].format(self.column))
        parts = [getattr(self.title, language)]
        if self.came is not None:
            parts.append(words["came"].format(self.came))
        parts.append(words["wanted"].format(getattr(self.wanted, language)))
        parts.append(getattr(self.action, language))
        if self.proposal is not None:
            parts.append(words["proposal"].format(self.proposal))
        if self.count > 1:
            parts.append(words["count"].format(self.count))
        return words["join"].join(where) + words["colon"] + words["stop"].join(parts)


def finding_row(finding: Finding) -> dict[str, object]:
    """A finding as one flat row, its words in both languages beside each other."""
    row: dict[str, object] = {
        name: getattr(finding, name)
        for name in ("source_id", "file", "sheet", "row", "column", "rule", "severity", "came",
                     "proposal", "count")
    }  # fmt: skip
    for name in ("wanted", "action"):
        label: Label = getattr(finding, name)
        row[f"{name}_zh"], row[f"{name}_en"] = label.zh, label.en
    return row


_WORDS = {
    "zh": {
        "sheet": "工作表“{}”", "row": "第 {} 行", "column": "列“{}”", "came": "来的是 {}",
        "wanted": "应为 {}", "proposal": "建议改为“{}”", "count": "共 {} 处",
        "join": "，", "colon": "：", "stop": "；",
    },
    "en": {
        "sheet": "sheet “{}”", "row": "row {}", "column": "column “{}”", "came": "came {}",
        "wanted": "wanted {}", "proposal": "proposed: “{}”", "count": "{} times",
        "join": ", ", "colon": ": ", "stop": "; ",
    },
}  # fmt: skip
# A clerk knows villages, not what the configuration calls them.
_LEVEL_ZH = {"county": "全域", "town": "乡镇（街道）", "village": "村（社区）", "grid": "网格"}
_DIGITS = re.compile(r"\\d\{(\d+)\}")


class UnusableFileError(InputError):
    """A file cannot be used as a whole.

    Attributes
    ----------
    rule : its rule in the catalogue; `row`, `column`, `came` and `words` as in a finding.
    """

    def __init__(
        self,
        rule: str,
        *,
        row: int | None = None,
        column: str | None = None,
        came: str | None = None,
        **words: object,
    ) -> None:
        self.rule = rule
        self.row = row
        self.column = column
        self.came = came
        self.words: dict[str, Any] = words
        super().__init__(f"{rules()[rule].title.en}: {came}" if came else rules()[rule].title.en)


class IntakeError(InputError):
    """The locality cannot be built: its boundaries are unusable.

    Attributes
    ----------
    findings : everything found before giving up.
    """

    def __init__(self, message: str, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(message)


@dataclass
class Doubts:
    """Collects the findings of one file.

    Parameters
    ----------
    known : what the locality's area codes begin with, so that they are not taken for telephones.
    """

    source_id: str
    file: str
    sheet: str | None = None
    known: frozenset[str] = frozenset()
    findings: list[Finding] = field(default_factory=list)
    _seen: Counter[tuple[str, str | None]] = field(default_factory=Counter)

    def add(
        self,
        rule: str,
        *,
        row: int | None = None,
        column: str | None = None,
        came: str | None = None,
        count: int = 1,
        proposal: str | None = None,
        **words: object,
    ) -> None:
        """Add one finding; `words` and `count` fill the places in the rule's text."""
        entry = rules()[rule]
        words["count"] = count
        self.findings.append(
            Finding(
                source_id=self.source_id,
                file=self.file,
                sheet=self.sheet,
                row=row,
                column=column,
                rule=rule,
                severity=entry.severity,
                came=shown(came, known=self.known) or None if came else None,
                wanted=filled(entry.wanted, words),
                action=filled(entry.action, words),
                count=count,
                proposal=shown(proposal, known=self.known) or None if proposal else None,
            )
        )

    def add_rows(
        self,
        rule: str,
        rows: Sequence[int] | IntArray,
        *,
        column: str | None = None,
        came: Sequence[str | None] | None = None,
        proposal: Sequence[str | None] | None = None,
        **words: object,
    ) -> None:
        """Add a finding a row, and after `EACH` of them one that counts the rest.

        `came`, `proposal` and every word may be one value for all, or a list with one value a
        row. Row 0 is no row of the file.
        """
        room = max(0, EACH - self._seen[rule, column])
        self._seen[rule, column] += len(rows)
        for position in range(min(room + 1, len(rows))):
            own: dict[str, Any] = {key: one_of(word, position) for key, word in words.items()}
            self.add(
                rule,
                row=int(rows[position]) or None,
                column=column,
                came=None if came is None else came[position],
                count=1 if position < room else len(rows) - room,
                proposal=None if proposal is None else proposal[position],
                **own,
            )

    def add_failure(self, failure: UnusableFileError) -> None:
        """Add what made a file unusable."""
        self.add(
            failure.rule,
            row=failure.row,
            column=failure.column,
            came=failure.came,
            **failure.words,
        )


def shown(text: str, *, known: frozenset[str] = frozenset()) -> str:
    """Text as a finding may show it: nothing personal, one line, not endless."""
    line = " ".join(redact(text, known=known).split())
    return line if len(line) <= CAME_LENGTH else line[: CAME_LENGTH - 1] + "…"


def listed(names: Iterable[str], *, most: int = 12) -> str:
    """Names in one line, with how many more there are."""
    every = [shown(name) for name in names]
    rest = len(every) - most
    return "、".join(every[:most]) + (f" … (+{rest})" if rest > 0 else "")


def one_of(word: object, position: int) -> object:
    if isinstance(word, list | np.ndarray):
        return word[position]
    return word


def filled(label: Label, words: dict[str, object]) -> Label:
    chinese = words
    if "level" in words:
        chinese = words | {"level": _LEVEL_ZH.get(str(words["level"]), words["level"])}
    if digits := _DIGITS.fullmatch(str(words.get("pattern", ""))):
        words = words | {"pattern": f"{digits[1]} digits"}
        chinese = chinese | {"pattern": f"{digits[1]} 位数字"}
    return Label(zh=label.zh.format(**chinese), en=label.en.format(**words))
