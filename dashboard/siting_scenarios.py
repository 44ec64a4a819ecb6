"""All scenarios of siting as a list shows them: what was asked, how far it is, what it gives."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from dashboard.planner import LIVE, Planner
from dashboard.siting_question import Names, sentence
from dashboard.text import Catalog, words
from etl.store.reader import Reader, Snapshot
from geo.errors import NotPublishedError

STATES = ("done", "running", "queued", "infeasible", "cancelled", "failed")


@dataclass(frozen=True)
class Listed:
    """One scenario as a row of the list.

    Attributes
    ----------
    asked : its question in words.
    share_before, share_after, gained : NaN where there is no answer.
    why : why it failed or cannot be; else empty.
    newer : week of a later snapshot on which it can be asked again; empty where there is none.
    replays : id of the scenario whose question it asks again; empty for none.
    """

    scenario_id: str
    name: str
    state: str
    position: int
    progress: float
    snapshot_id: str
    week: str
    asked: str
    n_new: float
    persons: float
    covered_after: float
    share_before: float
    share_after: float
    gained: float
    gap: float
    proven: bool
    created_at_utc: datetime
    why: str
    newer: str
    replays: str

    @property
    def live(self) -> bool:
        """Whether it may still change by itself."""
        return self.state in LIVE

    @property
    def answered(self) -> bool:
        """Whether there are figures to show."""
        return math.isfinite(self.share_after)


_SORTS: Mapping[str, Callable[[Listed], Any]] = {
    "newest": lambda one: -one.created_at_utc.timestamp(),
    "name": lambda one: one.name,
    "week": lambda one: (_falling(one.week), one.name),
    "share": lambda one: _last(-one.share_after),
    "gained": lambda one: _last(-one.gained),
}
SORTS = tuple(_SORTS)


def _last(value: float) -> float:
    """What is unknown stands last."""
    return value if math.isfinite(value) else math.inf


def _falling(week: str) -> list[int]:
    return [-ord(sign) for sign in week]


@dataclass(frozen=True)
class Choice:
    """What the address asks of the list.

    Attributes
    ----------
    state : only these; empty for all.
    find : only those whose name or question holds all these words.
    sort : one of `SORTS`.
    """

    state: str = ""
    find: str = ""
    sort: str = "newest"

    @classmethod
    def read(cls, keys: Mapping[str, str]) -> Choice:
        """Read what is known of the keys of an address."""
        state, sort = keys.get("state", ""), keys.get("sort", "")
        return cls(
            state if state in STATES else "",
            keys.get("find", "").strip()[:80],
            sort if sort in SORTS else "newest",
        )

    def address(self, catalog: Catalog, **changes: str) -> str:
        """Address of the list with other choices."""
        other = replace(self, **changes)
        keys = {"state": other.state, "find": other.find, "sort": other.sort}
        usual = vars(Choice())
        asked = {key: value for key, value in keys.items() if value != usual[key]}
        return f"/siting/scenarios?{urlencode({**asked, 'lang': catalog.lang})}"

    def keeps(self, one: Listed) -> bool:
        """Whether a scenario is shown."""
        if self.state and one.state != self.state:
            return False
        text = f"{one.name} {one.asked}".casefold()
        return all(word in text for word in self.find.casefold().split())


def shown(rows: Sequence[Listed], choice: Choice) -> list[Listed]:
    """The rows that are kept, in the order asked for."""
    return sorted((one for one in rows if choice.keeps(one)), key=_SORTS[choice.sort])


def read_scenarios(planner: Planner, reader: Reader, catalog: Catalog) -> list[Listed]:
    """Every scenario, newest first.

    Raises
    ------
    StoreError : the store does not answer.
    """
    current = reader.current()
    names: dict[str, Names] = {}

    def names_of(snapshot_id: str) -> Names:
        if snapshot_id not in names:
            names[snapshot_id] = Names.read(reader, _snapshot(reader, snapshot_id), catalog)
        return names[snapshot_id]

    return [
        _listed(
            row, sentence(row["question"], names_of(row["snapshot_id"]), catalog), current, catalog
        )
        for row in planner.scenarios().to_dict("records")
    ]


def _snapshot(reader: Reader, snapshot_id: str) -> Snapshot:
    """The snapshot of a scenario; where it is kept no more, the newest lends its names."""
    try:
        return reader.snapshot(snapshot_id)
    except NotPublishedError:
        return reader.current()


def _listed(row: Mapping[Any, Any], asked: str, current: Snapshot, catalog: Catalog) -> Listed:
    before, after = _number(row["covered_before"]), _number(row["covered_after"])
    newer = current.week if row["snapshot_id"] != current.snapshot_id else ""
    return Listed(
        scenario_id=str(row["scenario_id"]),
        name=str(row["name"]) or catalog.t("scenarios.unnamed", id=row["scenario_id"]),
        state=str(row["state"]),
        position=int(_number(row["position"]) or 0),
        progress=_number(row["progress"]),
        snapshot_id=str(row["snapshot_id"]),
        week=str(row["week"]),
        asked=asked,
        n_new=_number(row["n_new"]),
        persons=_number(row["persons"]),
        covered_after=after,
        share_before=_number(row["share_before"]),
        share_after=_number(row["share_after"]),
        gained=after - before,
        gap=_number(row["gap"]),
        proven=row["proven"] is True or row["proven"] == 1,
        created_at_utc=row["created_at_utc"],
        why=catalog.pick({"zh": _text(row["message_zh"]), "en": _text(row["message_en"])}),
        newer=newer,
        replays=_text(row["replay_of"]),
    )


def _number(value: Any) -> float:
    try:
        return math.nan if value is None else float(value)
    except (TypeError, ValueError):
        return math.nan


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


# ---------------------------------------------------------------- words


def title(rows: Sequence[Listed], catalog: Catalog) -> str:
    """How many there are, and how many are being worked out."""
    t = catalog.t
    if not rows:
        return t("scenarios.title.none")
    done, live = sum(one.answered for one in rows), sum(one.live for one in rows)
    said = t("scenarios.title.count", count=len(rows), done=done)
    return words.unbroken(said + (t("scenarios.title.live", count=live) if live else ""))


def state_words(one: Listed, catalog: Catalog) -> str:
    """How far it is."""
    t = catalog.t
    if one.state == "queued" and one.position:
        return t("scenarios.state.queued_at", position=one.position)
    if one.state == "running" and one.progress > 0:
        return t("scenarios.state.running_at", share=f"{100 * one.progress:.0f}%")
    return t(f"scenarios.state.{one.state}")


def result_words(one: Listed, catalog: Catalog) -> str:
    """From what share to what share, and how many residents that is; why there is none."""
    if not one.answered:
        return one.why
    key = "gained" if one.gained >= 0 else "lost"
    return words.unbroken(
        catalog.t(
            f"scenarios.result.{key}",
            before=words.percent(one.share_before),
            after=words.percent(one.share_after),
            persons=words.persons(catalog, abs(one.gained)),
        )
    )


def certainty_words(one: Listed, catalog: Catalog) -> str:
    """How near the best it is known to be; empty where there is no answer."""
    if not one.answered:
        return ""
    if one.proven:
        return catalog.t("scenarios.result.proven")
    if not math.isfinite(one.gap):
        return catalog.t("scenarios.result.unsure")
    return catalog.t("scenarios.result.gap", gap=words.gap(one.gap))
