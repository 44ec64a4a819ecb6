"""Which sources are late on the day a screen is looked at, and which layers rest on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from dashboard.text import Catalog, words
from etl.freshness import Freshness, judge
from etl.store.reader import Reader, Snapshot

# More are counted, not named: the data page has them all.
N_NAMED = 3
# Groups of layers that are made of more than counts.
_OF_SITES = ("gap", "coverage", "access")
_OF_COUNTS = ("gap", "need")


@dataclass(frozen=True)
class Source:
    """A source of a snapshot, judged on one day.

    Attributes
    ----------
    name : in the language of the screen.
    measures : codes of what it counts; empty for sources without counts.
    received_on : day on which its present content came.
    """

    source_id: str
    name: str
    role: str
    measures: frozenset[str]
    newest_week: str | None
    received_on: date
    freshness: Freshness

    @property
    def late(self) -> bool:
        """Whether a screen that uses it has to say so."""
        return self.freshness.state != "fresh"

    def feeds(self, layer: Mapping[str, Any]) -> bool:
        """Whether a layer, as an entry of the snapshot's `meta`, rests on this source."""
        if self.role == "context":
            return False
        measure, group = layer.get("measure"), layer.get("group")
        if self.role == "facilities":
            return group in _OF_SITES
        if self.role == "observations":
            if measure:
                return measure in self.measures or not self.measures
            return layer["code"] == "tier" or group in _OF_COUNTS
        return self.role != "population" or not measure or str(layer["code"]).startswith("rate")

    def said(self, catalog: Catalog) -> str:
        """Its name and what is known of it, in words that stay true however late it gets."""
        if self.freshness.state == "failed":
            return catalog.t("common.late.failed", name=self.name)
        if self.newest_week:
            week = words.week_short(catalog, self.newest_week)
            return catalog.t("common.late.since_week", name=self.name, week=week)
        day = words.day(catalog, self.received_on)
        return catalog.t("common.late.since_day", name=self.name, day=day)


def local_day(now: datetime, snapshot: Snapshot) -> date:
    """The day in the locality at a moment."""
    return now.astimezone(ZoneInfo(snapshot.meta["locality"]["timezone"])).date()


def read_sources(
    reader: Reader, snapshot: Snapshot, catalog: Catalog, *, today: date
) -> list[Source]:
    """All sources of a snapshot, judged on a day."""
    table = reader.table(snapshot.snapshot_id, "sources")
    return [_judged(row, catalog, today) for row in table.to_dict("records")]


def judge_row(row: Mapping[Any, Any], today: date) -> Freshness:
    """Freshness of a row of the table of sources; of one without a limit as it was published."""
    newest, limit = row.get("newest_week"), row.get("max_age_days")
    found = judge(
        newest_week=newest if isinstance(newest, str) else None,
        received_on=_received(row),
        max_age_days=None if limit is None or pd.isna(limit) else int(limit),
        expected=str(row.get("expected") or ""),
        failed=bool(row["failed"]),
        today=today,
    )
    if row["stale"] and found.state in ("fresh", "late"):
        return Freshness("stale", found.days, found.late_on, found.stale_on)
    return found


def _judged(row: Mapping[Any, Any], catalog: Catalog, today: date) -> Source:
    name = row["title_zh"] if catalog.lang.startswith("zh") else row["title_en"]
    newest = row.get("newest_week")
    return Source(
        source_id=str(row["source_id"]),
        name=str(name or row["source_id"]),
        role=str(row["role"]),
        measures=frozenset(filter(None, str(row.get("measures") or "").split(","))),
        newest_week=newest if isinstance(newest, str) else None,
        received_on=_received(row),
        freshness=judge_row(row, today),
    )


def _received(row: Mapping[Any, Any]) -> date:
    return datetime.fromisoformat(str(row["received_at_utc"])).date()


def late_layers(sources: list[Source], snapshot: Snapshot) -> list[str]:
    """Codes of the layers that rest on a late source."""
    late = [source for source in sources if source.late]
    return [
        layer["code"]
        for layer in snapshot.meta["layers"]
        if any(source.feeds(layer) for source in late)
    ]


def late_sentence(sources: list[Source], catalog: Catalog) -> str:
    """The late sources in a sentence, the first few by name; empty when none is."""
    said = [source.said(catalog) for source in sources if source.late]
    if not said:
        return ""
    if len(said) > N_NAMED + 1:
        said = [*said[:N_NAMED], catalog.t("common.late.more", count=len(said) - N_NAMED)]
    listed = catalog.t("common.list.separator").join(said)
    return catalog.t("common.late.sentence", sources=listed)
