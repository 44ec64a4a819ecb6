"""Warnings and what became of them, in sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pandas as pd

from dashboard.places import measure_entry, tier_key
from dashboard.response import LIVE_STATES, OPEN, OVERDUE, Board, Live, Share
from dashboard.text import Catalog, words
from etl.store.reader import Snapshot
from geo.errors import NotPublishedError
from geo.model import Tier

# Up to here, time is read in hours, above in days.
_HOURS_READ = 48


def tier_word(tier: int, catalog: Catalog) -> str:
    """A tier as it stands inside a sentence."""
    return words.inside(catalog, catalog.t(f"common.tier.{tier_key(tier)}"))


def measure_name(snapshot: Snapshot, code: str, catalog: Catalog) -> str:
    """Name of a theme; its code where the snapshot no longer has it."""
    try:
        return catalog.pick(measure_entry(snapshot, code)["name"])
    except NotPublishedError:
        return code


def office_name(snapshot: Snapshot, code: str, catalog: Catalog) -> str:
    """Name of an office; its code where the snapshot no longer has it."""
    offices = snapshot.meta.get("response", {}).get("offices", [])
    names = {office["code"]: catalog.pick(office["name"]) for office in offices}
    return names.get(code, code)


def title(board: Board, catalog: Catalog) -> str:
    """The finding: what is warned, how serious, and whether somebody is on it."""
    return words.unbroken(_title(board, catalog))


def _title(board: Board, catalog: Catalog) -> str:
    t = catalog.t
    week = words.week_short(catalog, board.snapshot.week)
    week = week[:1].upper() + week[1:]
    if not board.live:
        return t("warnings.title.none", week=week)
    said = t("warnings.title.live", week=week, count=len(board.live))
    highest = max(one.tier for one in board.live)
    if highest > Tier.NONE:
        count = board.count(tier=highest)
        said += t("warnings.title.highest", tier=tier_word(highest, catalog), count=count)
    if not board.followed:
        return said
    waiting, late = board.count(state=OPEN), board.count(state=OVERDUE)
    if waiting:
        said += t("warnings.title.open", count=waiting)
    if late:
        said += t("warnings.title.overdue", count=late)
    return said if waiting or late else said + t("warnings.title.taken")


def standard(tier: int, snapshot: Snapshot, catalog: Catalog) -> str:
    """What a tier asks for, as published: who does what, by when; empty where nothing is asked."""
    return _standard(tier, snapshot, catalog, "said", "watch")


def standard_short(tier: int, snapshot: Snapshot, catalog: Catalog) -> str:
    """The same for a narrow column: by when and who, or what where no time is set."""
    return _standard(tier, snapshot, catalog, "short", "short_watch")


def _standard(tier: int, snapshot: Snapshot, catalog: Catalog, timed: str, untimed: str) -> str:
    own = snapshot.meta.get("response", {}).get(tier_key(tier))
    if not own:
        return ""
    said = catalog.t(
        f"warnings.detail.standard_{timed if own['respond'] else untimed}",
        who=catalog.pick(own["answers"]),
        action=catalog.pick(own["action"]),
        within=_span(str(own["respond"]), catalog),
    )
    return said[:1].upper() + said[1:]


def _span(span: str, catalog: Catalog) -> str:
    """`24h` and `7d` in words."""
    unit = "hours" if span.endswith("h") else "days"
    return catalog.t(f"warnings.deadline.span_{unit}", count=span[:-1])


def place(one: Live, catalog: Catalog) -> str:
    """Where a warning is: its place and the town around it."""
    if not one.town:
        return one.name
    return catalog.t("warnings.list.place", town=one.town, name=one.name)


def lasting(one: Live, catalog: Catalog) -> str:
    """For how long it has stood out."""
    if one.weeks <= 1:
        return catalog.t("warnings.list.first")
    return catalog.t("warnings.list.weeks", weeks=one.weeks)


def time_words(span: timedelta, catalog: Catalog) -> str:
    """A span of time as people read it: 45 minutes, 7 hours, 3 days."""
    minutes = max(int(span.total_seconds() // 60), 1)
    if minutes < 60:
        return catalog.t("warnings.deadline.minutes", count=minutes)
    hours = minutes // 60
    if hours < _HOURS_READ:
        return catalog.t("warnings.deadline.hours", count=hours)
    return catalog.t("warnings.deadline.days", count=hours // 24)


def deadline(one: Live, board: Board, catalog: Catalog) -> str:
    """How much time is left, or by how much it has passed; empty where nothing is due."""
    if one.due_at is None:
        return ""
    left = one.due_at - board.now_utc
    key = "over" if one.overdue else "left"
    return catalog.t(f"warnings.deadline.{key}", time=time_words(abs(left), catalog))


def standing(one: Live, board: Board, catalog: Catalog) -> str:
    """State and time in one line."""
    parts = [catalog.t(f"warnings.state.{one.state}"), deadline(one, board, catalog)]
    return " · ".join(part for part in parts if part)


def answered(board: Board, catalog: Catalog) -> str:
    """How many warnings stand where, in one line; empty where nobody follows them."""
    if not board.followed or not board.live:
        return ""
    counts = [
        catalog.t("warnings.list.standing", state=catalog.t(f"warnings.state.{state}"), count=n)
        for state in (*LIVE_STATES, OVERDUE)
        if (n := board.count(state=state))
    ]
    return catalog.t("warnings.list.live", count=len(board.live), said=" · ".join(counts))


def share_words(share: Share, catalog: Catalog) -> str:
    """The share in time; where nothing was due yet, that, and never nought."""
    if math.isnan(share.value):
        return catalog.t("warnings.share.not_due")
    return words.percent(share.value)


def share_name(share: Share, by: str, catalog: Catalog) -> str:
    """Name of the tier, town or week that a share is of."""
    if by == "tier":
        return catalog.t(f"common.tier.{tier_key(int(share.name))}")
    if by == "week":
        return words.week_short(catalog, share.name)
    return share.name or catalog.t("warnings.share.county")


def tier_steps(one: Live, catalog: Catalog) -> list[str]:
    """Where the tier comes from: the week's own figures, what raised it, what holds it."""
    row, t = one.evidence, catalog.t
    if not row or row.get("base_tier") is None:
        return []
    base, now = int(row["base_tier"]), tier_word(one.tier, catalog)
    said = [
        t("warnings.detail.base", tier=tier_word(base, catalog))
        if base > Tier.NONE
        else t("warnings.detail.base_none")
    ]
    causes = [cause for cause in str(row.get("raised_by") or "").split(",") if cause]
    if causes:
        names = t("common.list.separator").join(t(f"warnings.raise.{cause}") for cause in causes)
        said.append(t("warnings.detail.raised", causes=names, tier=now))
    if row.get("held"):
        said.append(t("warnings.detail.held", tier=now))
    if not causes and not row.get("held"):
        said.append(t("warnings.detail.same"))
    if one.peak > one.tier:
        said.append(t("warnings.detail.peak", tier=tier_word(one.peak, catalog)))
    return said


def look_words(row: Mapping[str, Any], catalog: Catalog) -> str:
    """What was held against what; empty where the snapshot does not say."""
    look, method = str(row.get("look") or ""), str(row.get("method") or "none")
    if not look:
        return ""
    seen = catalog.t(f"warnings.look.{look}", reach=int(row.get("reach") or 1))
    against = catalog.t(f"warnings.method.{method}")
    return catalog.t("warnings.look.against", look=seen, method=against)


def trust(board: Board, catalog: Catalog) -> tuple[str, list[str]]:
    """How many warnings chance alone may have made, and how everything was tested."""
    found, t = board.detection, catalog.t
    if found is None or found.empty:
        return "", []
    total = {name: _sum(found, name) for name in found.columns if name not in _NAMES}
    tested = total["n_ears"] + total["n_farrington"]
    said = t("warnings.trust.compared", count=words.number(tested),
             warned=words.number(total["n_warned"]))  # fmt: skip
    false = total["expected_false"]
    if math.isfinite(false) and total["n_warned"]:
        key = "false_few" if round(false) < 1 else "false_some"
        said += t(f"warnings.trust.{key}", count=words.number(false))
    notes = [
        t(f"warnings.trust.{name}", count=words.number(count))
        for name, count in (
            ("farrington", total["n_farrington"]),
            ("ears", total["n_ears"]),
            ("untested", total["n_areas"] - tested),
        )
        if count > 0
    ]
    if any(one.provisional for one in board.live):
        notes.append(t("warnings.trust.provisional"))
    return said, [*notes, t("warnings.trust.nodata")]


_NAMES = ("measure", "level", "week")


def _sum(table: pd.DataFrame, name: str) -> float:
    return float(pd.to_numeric(table[name], errors="coerce").sum())
