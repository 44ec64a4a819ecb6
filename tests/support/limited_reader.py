"""The published store with limits on the age of its sources: for tests of what is late."""

from __future__ import annotations

import pandas as pd

from etl.store.reader import Reader


class Limited(Reader):
    """The store, with the limits that this version publishes beside its sources."""

    def __init__(self, reader: Reader) -> None:
        self.__dict__.update(reader.__dict__)

    def table(self, snapshot_id: str, name: str) -> pd.DataFrame:
        """A small table; that of sources with limits, without those that were late before."""
        table = super().table(snapshot_id, name)
        if name != "sources":
            return table
        table = table[~table["failed"]].assign(stale=False)
        weekly = table["role"] == "observations"
        measures = {"weekly": "consult_visits,dispute_events", "hotline": "hotline_calls"}
        return table.assign(
            max_age_days=[14 if one else 180 for one in weekly],
            expected=["weekly" if one else "" for one in weekly],
            measures=[measures.get(name, "") for name in table["source_id"]],
        )
