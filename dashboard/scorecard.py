"""Targets as they are told: in the same words on the page, in the workbook, on slides."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from dashboard.text import Catalog, words
from etl.store.reader import Reader, Snapshot
from geo.errors import NotPublishedError
from geo.model import Missing
from geo.targets import Outlook, Progress

Row = Mapping[str, Any]
# What needs somebody comes first.
ORDER = (
    Progress.BEHIND, Progress.SHORT, Progress.ON_TRACK, Progress.MET, Progress.NO_TARGET,
    Progress.WITHHELD, Progress.NO_DATA, Progress.NOT_APPLICABLE,
)  # fmt: skip
STATES = {
    Missing.NO_DATA: Progress.NO_DATA,
    Missing.SUPPRESSED: Progress.WITHHELD,
    Missing.NOT_APPLICABLE: Progress.NOT_APPLICABLE,
}


@dataclass(frozen=True)
class Scorecard:
    """The published tables of a snapshot's indicators.

    Attributes
    ----------
    targets : one row an indicator, those that need somebody first.
    areas, missing, trend : see docs/targets.md.
    """

    targets: pd.DataFrame
    areas: pd.DataFrame
    missing: pd.DataFrame
    trend: pd.DataFrame

    def rows(self) -> list[dict[str, Any]]:
        """The indicators as plain rows."""
        return records(self.targets)

    def count(self, progress: Progress) -> int:
        """How many indicators stand so."""
        return int((self.targets["progress"] == progress).sum())


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a published table; what is absent is None, numbers are NaN."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def read_scorecard(reader: Reader, snapshot: Snapshot) -> Scorecard | None:
    """The indicators of a snapshot; None where it was published before there were any."""
    try:
        targets, areas, missing, trend = (
            reader.table(snapshot.snapshot_id, name)
            for name in ("targets", "target_areas", "target_missing", "target_trend")
        )
    except NotPublishedError:
        return None
    if len(targets):
        ranks = {progress.value: rank for rank, progress in enumerate(ORDER)}
        order = targets["progress"].map(ranks)
        targets = targets.assign(rank=order).sort_values("rank", kind="stable", ignore_index=True)
    return Scorecard(targets, areas, missing, trend)


def lead(card: Scorecard, catalog: Catalog) -> str:
    """How the indicators stand, in a sentence."""
    behind = card.count(Progress.BEHIND)
    return catalog.t(
        "scorecard.lead_behind" if behind else "scorecard.lead",
        total=len(card.targets),
        met=card.count(Progress.MET),
        behind=behind,
    )


def name_of(row: Row, catalog: Catalog) -> str:
    """Name of an indicator."""
    return picked(row, "name", catalog)


def picked(row: Row, field: str, catalog: Catalog) -> str:
    """A text that a row has in both languages."""
    return catalog.pick({"zh": str(row[f"{field}_zh"]), "en": str(row[f"{field}_en"])})


def number_of(value: object) -> float:
    """A number of a published table; NaN where there is none."""
    return float(value) if isinstance(value, int | float) else math.nan


def day_of(value: object) -> date | None:
    """A date of a published table."""
    return date.fromisoformat(value) if isinstance(value, str) and value else None


def is_ratio(row: Row) -> bool:
    """Whether the indicator is a ratio per so many, and not a share."""
    return math.isfinite(number_of(row["per"]))


def value_words(row: Row, value: float) -> str:
    """A value in the indicator's unit: 56.3%, 20.2; a dash where there is none."""
    return words.figure(value) if is_ratio(row) else words.percent(value)


def limit_words(row: Row, value: float) -> str:
    """A target with the digits it was set with: 80%, 57."""
    if not math.isfinite(value):
        return "–"
    return words.setting(value) if is_ratio(row) else f"{round(100 * value, 6):g}%"


def per_words(row: Row, catalog: Catalog) -> str:
    """What a ratio is counted for; empty for a share."""
    if not is_ratio(row):
        return ""
    return catalog.t("scorecard.field.per", per=words.number(number_of(row["per"])))


def target_words(row: Row, catalog: Catalog) -> str:
    """The target that counts now."""
    value = number_of(row["target"])
    if not math.isfinite(value):
        return ""
    key = "target_up" if row["direction"] == "at_least" else "target_down"
    return catalog.t(f"scorecard.field.{key}", value=limit_words(row, value))


def due_words(row: Row, catalog: Catalog) -> str:
    """Until when, or that nobody has said."""
    if not math.isfinite(number_of(row["target"])):
        return ""
    due = day_of(row["due"])
    if due is None:
        return catalog.t("scorecard.field.due_none")
    return catalog.t("scorecard.field.due_by", day=words.day(catalog, due))


def missing_words(row: Row, missing: float, catalog: Catalog) -> str:
    """How many are still needed; empty where that is not known."""
    if not math.isfinite(missing):
        return ""
    if missing == 0:
        return catalog.t("scorecard.field.missing_none")
    key = "missing" if row["direction"] == "at_least" else "fewer"
    count = words.figure(missing) if missing < 10 else words.number(missing)
    return catalog.t(f"scorecard.field.{key}", count=count, unit=picked(row, "unit", catalog))


def progress_words(progress: str, catalog: Catalog) -> str:
    """One word for how it stands."""
    return catalog.t(f"scorecard.progress.{progress}")


def detail_words(row: Row, catalog: Catalog, *, today: date, interval: bool = True) -> str:
    """Why it stands so: when it will be met, or what is in the way.

    Parameters
    ----------
    today : the last day that the data covers.
    interval : whether a date is told with its interval; a narrow column has no room for it.
    """
    progress = Progress(row["progress"])
    key = progress.value
    if progress == Progress.BEHIND:
        due = day_of(row["due"])
        if due is not None and due < today:
            return catalog.t("scorecard.detail.overdue", day=words.day(catalog, due))
        key = "late" if row["outlook"] == Outlook.REACHED else "never"
    elif progress == Progress.SHORT:
        outlooks = {Outlook.REACHED: "no_due", Outlook.NOT_AT_THIS_PACE: "never"}
        key = outlooks.get(Outlook(row["outlook"]), "unjudged")
    reached = day_of(row["forecast"])
    month = words.month(catalog, reached) if reached else ""
    said = catalog.t(f"scorecard.detail.{key}", month=month)
    dated = interval and key in {"on_track", "late", "no_due"}
    return said + (_range_words(row, catalog) if dated else "")


def _range_words(row: Row, catalog: Catalog) -> str:
    early, late = day_of(row["forecast_early"]), day_of(row["forecast_late"])
    if early is None:
        return ""
    first = words.month(catalog, early)
    if late is None:
        return catalog.t("scorecard.detail.interval_open", early=first)
    return catalog.t("scorecard.detail.interval", early=first, late=words.month(catalog, late))


def how_words(row: Row, catalog: Catalog) -> str:
    """How it is worked out."""
    return catalog.t(
        "scorecard.field.parts",
        numerator=picked(row, "numerator_words", catalog),
        denominator=picked(row, "denominator_words", catalog),
    ) + per_words(row, catalog)


def brief_rows(card: Scorecard, catalog: Catalog, *, today: date) -> list[tuple[str, ...]]:
    """Name, standing, value, target, due date and outlook of every indicator, for a table."""
    return [
        (
            name_of(row, catalog) + per_words(row, catalog),
            progress_words(row["progress"], catalog),
            value_words(row, number_of(row["value"])),
            limit_words(row, number_of(row["target"])),
            due_words(row, catalog),
            detail_words(row, catalog, today=today, interval=False),
        )
        for row in card.rows()
    ]


def local_progress(area: Row) -> Progress:
    """How one area stands: met or short, or why nothing can be said."""
    state = Missing(int(area["state"]))
    if state in STATES:
        return STATES[state]
    if area["met"] is None:
        return Progress.NO_TARGET
    return Progress.MET if area["met"] else Progress.SHORT
