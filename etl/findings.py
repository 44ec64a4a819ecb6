"""Doubts about files, rows and cells: what came, what was wanted, what to do.

A finding names file, sheet, row and column as the person sees them in Excel. Its words come from
one catalogue, `etl/registry/rules.toml`, in both languages; what came is never personal.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.gate import redact
from etl.proposals import BY_RULE, Propose
from etl.settings import registry
from geo.errors import InputError
from geo.model import Label

Severity = Literal["info", "warning", "error"]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

# Each occurrence up to this many for a rule and column; one finding counts the rest.
EACH = 20
CAME_LENGTH = 80
# Cells remembered one by one: of one doubt about one column, and of a whole file. A wrong mapping
# may refuse a million rows; those beyond still wait, under the codes of their rules alone.
MARKED_OF_ONE = 20_000
MARKED_OF_ALL = 100_000
QUARANTINE_COLUMNS = ("row", "raw", "rules", "marks")


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
                wanted=_filled(entry.wanted, words),
                action=_filled(entry.action, words),
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
            own: dict[str, Any] = {key: _at(word, position) for key, word in words.items()}
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


@dataclass(frozen=True)
class _Mark:
    """One doubt about cells of one column: which rows, and each one's words and mending."""

    rule: str
    column: str | None
    positions: IntArray
    words: dict[str, object]
    proposals: Sequence[str | None] | None

    def texts(self, known: frozenset[str]) -> list[str]:
        """JSON of [column, rule, wanted_zh, action_zh, wanted_en, action_en, proposal], by row."""
        entry, column = rules()[self.rule], self.column and shown(self.column, known=known)
        one = not any(isinstance(word, list | np.ndarray) for word in self.words.values())
        made: dict[tuple[int, str | None], str] = {}
        texts = []
        for i in range(len(self.positions)):
            proposal = None if self.proposals is None else self.proposals[i]
            key = (0 if one else i, proposal)
            if key not in made:
                words = {name: _at(word, i) for name, word in self.words.items()} | {"count": 1}
                labels = (_filled(entry.wanted, words), _filled(entry.action, words))
                said = [getattr(label, tongue) for tongue in ("zh", "en") for label in labels]
                record = [column, self.rule, *said, proposal and shown(proposal, known=known)]
                made[key] = json.dumps(record, ensure_ascii=False)
            texts.append(made[key])
        return texts


class Ledger:
    """Where every row of a table ends: accepted or in quarantine, and by which rules.

    Parameters
    ----------
    cells : the mapped columns as text; the index holds the rows as the person counts them.
    doubts : where findings go.
    """

    def __init__(self, cells: pd.DataFrame, doubts: Doubts) -> None:
        self.cells = cells
        self.doubts = doubts
        self.rows: IntArray = cells.index.to_numpy(dtype=np.int64)
        self.rejected: BoolArray = np.zeros(len(cells), dtype=bool)
        self._broken: list[tuple[str, IntArray]] = []
        self._marks: list[_Mark] = []
        self._marked = 0

    @property
    def accepted(self) -> BoolArray:
        """Rows that nothing speaks against."""
        return ~self.rejected

    def note(
        self,
        rule: str,
        mask: BoolArray,
        *,
        column: str | None,
        proposal: Propose | Sequence[str | None] | None = None,
        **words: object,
    ) -> None:
        """Say something of rows without leaving them out.

        Parameters
        ----------
        mask : the rows.
        column : where it stands, as in `cells`; None for the whole row.
        proposal : what to write instead, one a row of `mask`; or what makes it from the text that
            came, which is asked for cells that are shown or remembered only.
        words : for the places in the rule's text; a list holds one a row of `mask`.
        """
        positions = np.flatnonzero(mask)
        if not len(positions):
            return
        room = max(0, min(MARKED_OF_ONE, MARKED_OF_ALL - self._marked))
        kept = positions[: max(room, EACH + 1)]
        came = None
        if column is not None and column in self.cells.columns:
            came = self.cells[column].iloc[kept].astype(str).tolist()
        proposals = _proposals(proposal or BY_RULE.get(rule), came, len(kept))
        rest = len(positions) - len(kept)
        self.doubts.add_rows(
            rule,
            self.rows[positions],
            column=column,
            # Only what will be shown is looked up: a wrong mapping may reject a million rows.
            came=None if came is None else [*came, *[None] * rest],
            proposal=None if proposals is None else [*proposals, *[None] * rest],
            **words,
        )
        if room:
            self._marks.append(_Mark(rule, column, kept[:room], words, proposals))
            self._marked += len(kept[:room])

    def mark(
        self,
        rule: str,
        mask: BoolArray,
        *,
        column: str,
        proposal: Sequence[str | None],
        **words: object,
    ) -> None:
        """Remember a second cell of rows that were spoken of already; parameters as of `note`."""
        room = max(0, min(MARKED_OF_ONE, MARKED_OF_ALL - self._marked))
        kept = np.flatnonzero(mask)[:room]
        if len(kept):
            self._marks.append(_Mark(rule, column, kept, words, list(proposal[: len(kept)])))
            self._marked += len(kept)

    def reject(
        self,
        rule: str,
        mask: BoolArray,
        *,
        column: str | None,
        proposal: Propose | Sequence[str | None] | None = None,
        **words: object,
    ) -> None:
        """Put rows into quarantine and say why; parameters as of `note`."""
        positions = np.flatnonzero(mask)
        if not len(positions):
            return
        self.note(rule, mask, column=column, proposal=proposal, **words)
        self.rejected |= mask
        self._broken.append((rule, positions))

    def quarantine(self) -> pd.DataFrame:
        """Rejected rows, in the order of the file.

        Returns
        -------
        row; raw (JSON of the mapped columns as they came); rules (codes, joined by commas); marks
        (JSON list of [column, rule, wanted_zh, action_zh, wanted_en, action_en, proposal], one a
        doubt about the row; shorter than `rules` beyond `MARKED_OF_ONE` rows).
        """
        positions = np.flatnonzero(self.rejected)
        cells = self.cells.iloc[positions]
        columns = [self._as_json(str(name), cells[name]) for name in cells.columns]
        return pd.DataFrame(
            {
                "row": self.rows[positions],
                "raw": [f"{{{', '.join(record)}}}" for record in zip(*columns, strict=True)],
                "rules": self._broken_rules()[positions].tolist(),
                "marks": self._marks_of(positions),
            }
        ).astype({"raw": "str", "rules": "str", "marks": "str"})

    def noted(self) -> pd.DataFrame:
        """Accepted rows that something was said of: `row`, and `marks` as in `quarantine`."""
        noted = np.zeros(len(self.rows), dtype=bool)
        for mark in self._marks:
            noted[mark.positions] = True
        positions = np.flatnonzero(noted & self.accepted)
        return pd.DataFrame(
            {"row": self.rows[positions], "marks": self._marks_of(positions)}
        ).astype({"marks": "str"})

    def _marks_of(self, positions: IntArray) -> list[str]:
        """JSON list of the marks of each of some rows."""
        place = np.full(len(self.rows), -1, dtype=np.int64)
        place[positions] = np.arange(len(positions))
        said: dict[int, dict[str, None]] = {}
        for mark in self._marks:
            for row, text in zip(
                place[mark.positions].tolist(), mark.texts(self.doubts.known), strict=True
            ):
                if row >= 0:
                    said.setdefault(row, {})[text] = None
        return [f"[{', '.join(said.get(row, ()))}]" for row in range(len(positions))]

    def _as_json(self, name: str, column: pd.Series[str]) -> list[str]:
        """Each cell as `"name": "text"`; a text that stands in many rows is written once."""
        texts = [redact(str(text), known=self.doubts.known) for text in column.cat.categories]
        name = redact(name, known=self.doubts.known)
        pairs = [json.dumps({name: text}, ensure_ascii=False)[1:-1] for text in texts]
        return [pairs[code] for code in column.cat.codes.tolist()]

    def _broken_rules(self) -> npt.NDArray[np.object_]:
        """Codes of the rules that each row broke, joined by commas."""
        codes = list(dict.fromkeys(rule for rule, _ in self._broken))
        bits = np.zeros(len(self.rows), dtype=np.int64)
        for rule, positions in self._broken:
            bits[positions] |= 1 << codes.index(rule)
        sets, place = np.unique(bits, return_inverse=True)
        names = [",".join(c for i, c in enumerate(codes) if b >> i & 1) for b in sets.tolist()]
        return np.array(names, dtype=object)[place]


def empty_quarantine() -> pd.DataFrame:
    """A quarantine without rows."""
    texts = dict.fromkeys(QUARANTINE_COLUMNS[1:], np.zeros(0, str))
    return pd.DataFrame({"row": np.zeros(0, dtype=np.int64), **texts})


def shown(text: str, *, known: frozenset[str] = frozenset()) -> str:
    """Text as a finding may show it: nothing personal, one line, not endless."""
    line = " ".join(redact(text, known=known).split())
    return line if len(line) <= CAME_LENGTH else line[: CAME_LENGTH - 1] + "…"


def listed(names: Iterable[str], *, most: int = 12) -> str:
    """Names in one line, with how many more there are."""
    every = [shown(name) for name in names]
    rest = len(every) - most
    return "、".join(every[:most]) + (f" … (+{rest})" if rest > 0 else "")


def _proposals(
    proposal: Propose | Sequence[str | None] | None, came: Sequence[str] | None, n_rows: int
) -> list[str | None] | None:
    """One proposal a row; each distinct text that came is asked about once."""
    if proposal is None:
        return None
    if not callable(proposal):
        return list(proposal[:n_rows])
    if came is None:
        return None
    made = {text: proposal(text) for text in dict.fromkeys(came)}
    return [made[text] for text in came]


def _at(word: object, position: int) -> object:
    if isinstance(word, list | np.ndarray):
        return word[position]
    return word


def _filled(label: Label, words: dict[str, object]) -> Label:
    chinese = words
    if "level" in words:
        chinese = words | {"level": _LEVEL_ZH.get(str(words["level"]), words["level"])}
    if digits := _DIGITS.fullmatch(str(words.get("pattern", ""))):
        words = words | {"pattern": f"{digits[1]} digits"}
        chinese = chinese | {"pattern": f"{digits[1]} 位数字"}
    return Label(zh=label.zh.format(**chinese), en=label.en.format(**words))
