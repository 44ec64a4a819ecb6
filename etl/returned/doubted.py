"""Which cells of a delivery are doubted, from its quarantine and its findings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import pandas as pd

from etl.findings import Finding, Severity, rules
from etl.settings import registry
from geo.model import Label

Language = Literal["zh", "en"]
# A file about persons is not kept, so there is nothing to send back.
_NEVER_RETURNED = "personal_data"


@dataclass(frozen=True)
class Handed:
    """A delivery as the workbook tells of it.

    Attributes
    ----------
    sha256 : of the file as it was handed in.
    name : its path, relative to the data folder.
    title : what the source is called; its id if it has no title.
    received_at : in the locality's own time.
    sheet, encoding : as they were decided when it was read.
    """

    source_id: str
    delivery_id: int
    sha256: str
    name: str
    title: str = ""
    department: str = ""
    received_at: datetime | None = None
    rows_read: int = 0
    accepted: int = 0
    sheet: str | None = None
    encoding: str | None = None


@dataclass(frozen=True)
class Doubted:
    """One doubt about one cell; about the whole row where `column` is None."""

    row: int
    column: str | None
    rule: str
    wanted: Label
    action: Label
    proposal: str | None
    waits: bool

    @property
    def title(self) -> Label:
        """Short name of its rule."""
        return rules()[self.rule].title

    @property
    def severity(self) -> Severity:
        """How serious it is."""
        return rules()[self.rule].severity


def words(part: Literal["cover", "sheet"], language: Language) -> dict[str, Any]:
    """The texts of a part of the workbook: a text, or a list of them, by key."""
    found: dict[str, Any] = registry("returns")[part][language]
    return found


def worth_returning(quarantine: pd.DataFrame, findings: Iterable[Finding]) -> bool:
    """Whether a file has rows that wait, or cells whose figures were left out."""
    findings = list(findings)
    if any(finding.rule == _NEVER_RETURNED for finding in findings):
        return False
    return len(quarantine) > 0 or any(
        finding.severity == "error" and finding.row is not None and finding.column is not None
        for finding in findings
    )


def doubted_cells(
    quarantine: pd.DataFrame, findings: Sequence[Finding], noted: pd.DataFrame | None
) -> list[Doubted]:
    """Errors and warnings by row, from what each source of them knows; none twice."""
    found: dict[tuple[int, str | None, str], Doubted] = {}
    for frame, waits in ((quarantine, True), (noted, False)):
        if frame is None:
            continue
        for row, text in zip(frame["row"].tolist(), frame["marks"].tolist(), strict=True):
            for column, rule, *said, proposal in json.loads(text):
                wanted, action = Label(zh=said[0], en=said[2]), Label(zh=said[1], en=said[3])
                doubt = Doubted(int(row), column, rule, wanted, action, proposal, waits)
                found.setdefault((doubt.row, column, rule), doubt)
    waiting = set(quarantine["row"].tolist())
    for f in findings:
        if f.row is not None:
            waits = f.row in waiting
            doubt = Doubted(f.row, f.column, f.rule, f.wanted, f.action, f.proposal, waits)
            found.setdefault((f.row, f.column, f.rule), doubt)
    every = [doubt for doubt in found.values() if doubt.severity != "info"]
    return sorted(every, key=lambda doubt: doubt.row)
