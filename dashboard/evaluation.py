"""What a replay found, in words: for the terminal and for a workbook."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dashboard.text import Catalog, words
from etl.evaluation.report import Outcome, Report
from etl.evaluation.verdict import EARLY_WEEKS, OPEN_WEEKS
from etl.spreadsheet import Sheet, sheets_bytes
from geo.model import Tier

FIGURES = (
    "events", "found", "found_share", "found_range", "first_week", "median_delay", "warnings",
    "right", "nothing", "nothing_yellow", "open", "nothing_share", "nothing_a_year",
)  # fmt: skip
_SHARES = ("found_share", "nothing_share")


def figure_rows(report: Report, catalog: Catalog) -> list[tuple[str, ...]]:
    """Name of each figure and what it is under each policy."""
    summaries = [outcome.summary for outcome in report.outcomes]
    return [
        (catalog.t(f"evaluation.figure.{key}"), *(_said(key, one) for one in summaries))
        for key in FIGURES
    ]


def _said(key: str, summary: Mapping[str, float]) -> str:
    if key == "found_range":
        low, high = summary["found_low"], summary["found_high"]
        return f"{low:.0%}–{high:.0%}" if math.isfinite(low) else "–"
    value = summary[key]
    if key in _SHARES and math.isfinite(value):
        return f"{value:.0%}"
    return words.figure(value)


def reading(report: Report, catalog: Catalog) -> list[str]:
    """What the figures rest on, line by line."""
    first, last = report.weeks[0], report.weeks[-1]
    lines = [
        catalog.t("evaluation.reading.period", first=first, last=last, weeks=len(report.weeks))
    ]
    if report.known_from is None or report.known_from > last:
        lines.append(catalog.t("evaluation.reading.unknown"))
    elif report.known_from > first:
        lines.append(catalog.t("evaluation.reading.known", first=report.known_from))
    if report.events_file:
        lines.append(catalog.t("evaluation.reading.noted", file=report.events_file))
    else:
        lines.append(catalog.t("evaluation.reading.found"))
    lines.append(catalog.t("evaluation.reading.early", early=EARLY_WEEKS, open=OPEN_WEEKS))
    lines += [catalog.t(f"evaluation.reading.{key}") for key in ("public", "places")]
    return lines


def policy_heads(report: Report, catalog: Catalog) -> list[str]:
    """Headers of the columns of a comparison."""
    names = [catalog.t("evaluation.column.policy", name=one.policy) for one in report.outcomes]
    return [catalog.t("evaluation.column.figure"), *names]


def evaluation_workbook(report: Report, catalog: Catalog) -> bytes:
    """Comparison, rises and warnings of each policy, differences, and how to read them."""

    def title(key: str, policy: str = "") -> str:
        name = catalog.t(f"evaluation.sheet.{key}")
        # Excel takes 31 characters and none of these.
        return "".join(c for c in f"{name} {policy}".strip() if c not in r"[]:*?/\'")[:31]

    several = len(report.outcomes) > 1
    sheets = [Sheet(title("summary"), policy_heads(report, catalog), figure_rows(report, catalog))]
    for outcome in report.outcomes:
        policy = outcome.policy if several else ""
        sheets.append(_events(outcome, report, catalog, title("events", policy)))
        sheets.append(_warnings(outcome, report, catalog, title("warnings", policy)))
    if several:
        sheets.append(_differences(report, catalog, title("difference")))
    lines = [(line,) for line in reading(report, catalog)]
    return sheets_bytes([*sheets, Sheet(title("reading"), [title("reading")], lines)])


def _columns(catalog: Catalog, *keys: str) -> list[str]:
    return [catalog.t(f"evaluation.column.{key}") for key in keys]


def _events(outcome: Outcome, report: Report, catalog: Catalog, name: str) -> Sheet:
    columns = _columns(catalog, "event", "measure", "area", "code", "start", "end", "warned",
                       "delay", "found_by")  # fmt: skip

    def cells(row: Mapping[Any, Any]) -> tuple[object, ...]:
        missed = not row["warning_id"]
        when = catalog.t("evaluation.missed.yes") if missed else report.week(row["warned_week"])
        return (
            row["event_id"], report.measure_name(row["measure"], catalog.pick),
            report.area_name(row["area_code"]), row["area_code"], report.week(row["start"]),
            report.week(row["end"]), when, None if missed else int(row["delay_weeks"]),
            row["warning_id"],
        )  # fmt: skip

    return Sheet(name, columns, [cells(row) for row in outcome.verdict.events.to_dict("records")])


def _warning_cells(row: Mapping[Any, Any], report: Report, catalog: Catalog) -> tuple[object, ...]:
    tier = Tier(int(row["tier"])).name.lower()
    return (
        row["warning_id"], report.measure_name(row["measure"], catalog.pick), row["name"],
        row["area_code"], report.week(row["start"]), report.week(row["end"]),
        catalog.t(f"evaluation.tier.{tier}"), len(str(row["areas"]).split("|")),
        catalog.t(f"evaluation.verdict.{row['verdict']}"), row["event_id"],
    )  # fmt: skip


_WARNING_COLUMNS = ("warning", "measure", "area", "code", "start", "end", "tier", "areas",
                    "verdict", "event_of")  # fmt: skip


def _warnings(outcome: Outcome, report: Report, catalog: Catalog, name: str) -> Sheet:
    rows = outcome.verdict.warnings.to_dict("records")
    columns = _columns(catalog, *_WARNING_COLUMNS)
    return Sheet(name, columns, [_warning_cells(row, report, catalog) for row in rows])


def _differences(report: Report, catalog: Catalog, name: str) -> Sheet:
    rows = [
        (policy, *_warning_cells(row, report, catalog))
        for policy, alone in report.differences()
        for row in alone.to_dict("records")
    ]
    return Sheet(name, _columns(catalog, "only_in", *_WARNING_COLUMNS), rows)
