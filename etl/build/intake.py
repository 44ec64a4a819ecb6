"""What a screen says of the intake: what came lately, which areas changed."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from etl.build.weeks import monday

RECENT = 60


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
