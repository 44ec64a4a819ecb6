"""What a proposal stands on: robustness, assumptions, limits, method and proof."""

from __future__ import annotations

import math
from collections.abc import Iterator

from dashboard.basis import travel_key, travel_numbers
from dashboard.report.proposal.content import Column, Points, Section, Table, Text
from dashboard.report.proposal.opening import gap_words
from dashboard.report.proposal.told import Row, Told, number_of, points, records, text_of
from dashboard.text import words

# A loss below this is not worth a meeting's time [share].
FIRM = 0.02


def robust(told: Told) -> Section:
    """Whether the choice holds under other conditions."""
    t = told.t
    title = t("proposal.section.robust")
    frame = told.table("robustness")
    if frame.empty:
        return Section(title, [Text(t("proposal.robust.none"))])
    worst = float(frame["regret"].max())
    said = [t("proposal.robust.said", n=len(frame), worst=points(worst))]
    said.append(t("proposal.robust.same", kept=int(frame["kept"].min()), n=told.n_new))
    said.append(t("proposal.robust.firm" if worst <= FIRM else "proposal.robust.shaky"))
    columns = [
        Column(t("proposal.robust.check"), 1.4),
        Column(t("proposal.robust.value"), 1.3),
        *(Column(t(f"proposal.robust.{key}"), number=True)
          for key in ("same_share", "best_share", "regret", "kept")),
        Column(t("proposal.robust.proof")),
    ]  # fmt: skip
    rows = [
        [
            t(f"proposal.robust.{row['check']}"), condition(told, row),
            words.percent(row["share_same_sites"]), words.percent(row["share_best"]),
            points(row["regret"]), f"{row['kept']}/{row['n_new']}", told.proof(row["proven"]),
        ]
        for row in records(frame)
    ]  # fmt: skip
    gap = "" if told.catalog.lang.startswith("zh") else " "
    return Section(title, [Text(gap.join(said)), Table(t("proposal.robust.table"), columns, rows)])


def condition(told: Told, row: Row) -> str:
    """Under which condition a check was made."""
    value = text_of(row["value"])
    if row["check"] == "threshold" and value.replace(".", "").isdigit():
        return told.t("proposal.robust.minutes", value=value)
    key = f"map.level.{value}"
    return told.t(key) if told.catalog.has(key) else value


def assumptions(told: Told) -> Section:
    """What was taken for granted."""
    return Section(told.t("proposal.section.assumptions"), [Points(list(assumed(told)))])


def assumed(told: Told) -> Iterator[str]:
    """Assumptions, one a sentence."""
    t, meta = told.t, told.snapshot.meta
    key = travel_key(meta, "proposal.assumption.travel_line", "proposal.assumption.travel_road")
    yield t(key, **travel_numbers(meta))
    for name in ("centre", "nearest", "inclusive", "residents", "withheld", "open"):
        yield t(f"proposal.assumption.{name}")
    if all(part["capacity_new"] is None for part in told.parts):
        yield t("proposal.assumption.capacity")


def limits(told: Told) -> Section:
    """What it cannot say."""
    return Section(told.t("proposal.section.limits"), [Points(list(limited(told)))])


def limited(told: Told) -> Iterator[str]:
    """Limits, one a sentence."""
    names = ["cover", "venue", "supply", "boundary", "modelled", "data"]
    if told.meta["proven"]:
        names.insert(4, "proof")
    for name in names:
        yield told.t(f"proposal.limit.{name}")


def method(told: Told) -> Section:
    """How it was worked out, what is proven, and from what."""
    return Section(told.t("proposal.section.method"), [Points(list(methods(told)))])


def methods(told: Told) -> Iterator[str]:
    """Method, proof and sources, one a sentence."""
    t, meta = told.t, told.meta
    yield t(f"proposal.method.model_{meta['objective']}")
    gap = told.number("gap")
    if meta["proven"]:
        yield t("proposal.method.proven")
    elif math.isfinite(gap):
        yield t("proposal.method.gap", gap=gap_words(gap), value=words.figure(told.number("value")),
                bound=words.figure(told.number("bound")))  # fmt: skip
    else:
        yield t("proposal.method.no_bound")
    how = "how_exact" if meta["method"] == "exact" else "how_heuristic"
    seconds = words.figure(number_of(meta["seconds"]))
    yield t(f"proposal.method.{how}", seconds=seconds, n=words.number(meta["n_candidates"]))
    yield t("proposal.method.privacy")
    locality = told.snapshot.meta["locality"]
    if locality.get("notice"):
        yield t("proposal.method.notice", notice=told.catalog.pick(locality["notice"]))
    if locality.get("boundary_source"):
        yield t("proposal.method.boundary", source=locality["boundary_source"])
    if locality.get("map_approval"):
        yield t("proposal.method.approval", number=locality["map_approval"])
    else:
        yield t("proposal.method.no_approval")
    yield t("proposal.method.repeat", snapshot=told.snapshot.snapshot_id,
            version=meta["code_version"])  # fmt: skip
