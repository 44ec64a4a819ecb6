"""What a screen says of the intake: what came lately, which areas changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pandas as pd

from etl.build.weeks import monday
from etl.findings import Finding, finding_row

RECENT = 60
# Findings whose words hold counts of single areas, and those that repeat a count that came.
TELL_COUNTS = frozenset(
    {
        "sudden_jump", "sudden_drop", "zero_run", "stock_above_population",
        "count_above_population", "total_mismatch", "row_total_mismatch", "no_data_figures",
    }
)  # fmt: skip
BAD_COUNTS = frozenset({"not_a_number", "negative_count", "fractional_count", "implausible_count"})
_SHOWN = {
    "wanted_zh": "与明细、人口和平时相符的数字",
    "wanted_en": "a figure in keeping with the rows, the residents and the past",
    "action_zh": "数字见退回该部门的工作簿，或运行 xintu findings",
    "action_en": "see the workbook for the department, or run `xintu findings`",
}


def recent_deliveries(log: pd.DataFrame, sources: pd.DataFrame) -> pd.DataFrame:
    """The last files handed in and how many rows and figures they concerned; no figure itself."""
    titles = sources.set_index("source_id")[["title_zh", "title_en", "department"]]
    recent = log.sort_values("delivery_id", ascending=False).head(RECENT)
    table = recent.join(titles, on="source_id")
    stamps = [moment.isoformat() for moment in table["received_at_utc"]]
    columns = [
        "source_id", "title_zh", "title_en", "department", "name",
        "received_at_utc", "state", "rows_read", "accepted", "superseded", "quarantined",
        "set_aside", "added", "changed", "removed",
    ]  # fmt: skip
    return table.assign(received_at_utc=stamps)[columns].reset_index(drop=True)


def area_changes(changes: pd.DataFrame, areas: pd.DataFrame, *, until: str) -> pd.DataFrame:
    """Areas that merged or split up to a week: level, since, old and new codes, names, weight."""
    names = dict(zip(areas["area_code"], areas["name"], strict=True))
    table = changes.sort_values(["since", "old_code", "new_code"], ascending=[False, True, True])
    last_day = (monday(until) + timedelta(days=6)).isoformat()
    table = table[table["since"] <= last_day].reset_index(drop=True)
    return table.assign(new_name=[names.get(code, code) for code in table["new_code"]])[
        ["level", "since", "old_code", "new_code", "new_name", "weight"]
    ]


def public_findings(
    findings: pd.DataFrame, sources: pd.DataFrame, of_build: Sequence[Finding] = ()
) -> pd.DataFrame:
    """Findings as a page may show them: small counts that are withheld do not stand in them.

    The department has its figures in the workbook that goes back to it, and the office in
    `xintu findings`; what is published says where and why.

    Parameters
    ----------
    findings, sources : rows of the store.
    of_build : what the build itself found, after the intake.
    """
    weekly = set(sources.loc[sources["role"] == "observations", "source_id"])
    shown = findings.drop(columns=["finding_id", "delivery_id", "proposal"])
    told = shown["rule"].isin(TELL_COUNTS)
    bad = shown["rule"].isin(BAD_COUNTS) & shown["source_id"].isin(weekly)
    shown["came"] = shown["came"].mask(told | bad)
    for column, words in _SHOWN.items():
        shown[column] = shown[column].mask(told, words)
    own = pd.DataFrame([finding_row(finding) for finding in of_build])
    return shown if own.empty else pd.concat([own[shown.columns], shown], ignore_index=True)
