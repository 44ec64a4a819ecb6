"""What a proposal stands on: robustness, assumptions, limits, method and proof."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from dashboard.basis import travel_key, travel_numbers
from dashboard.report.proposal.content import Column, Points, Section, Table, Text
from dashboard.report.proposal.opening import gap_words
from dashboard.report.proposal.told import Row, Told, number_of, points, records, text_of
from dashboard.text import words

# What these reckon is time, not persons.
MEDIANS = ("p_median", "p_center")
# A loss below this is not worth a meeting's time [share].
FIRM = 0.02


def robust(told: Told) -> Section:
    """Whether the choice holds under other conditions."""
    t = told.t
    title = t("proposal.section.robust")
    every = told.table("robustness")
    # A check without a result says nothing of the choice.
    frame = every[every["share_best"].notna()]
    if frame.empty:
        return Section(title, [Text(t("proposal.robust.none"))])
    worst = float(frame["regret"].max())
    relative = told.meta["objective"] in MEDIANS
    said = [
        t(
            f"proposal.robust.{'said_time' if relative else 'said'}",
            n=len(frame),
            worst=points(worst),
        ),
        _kept(told, int(frame["kept"].min())),
        _firmness(told, frame),
    ]
    columns = [
        Column(t("proposal.robust.check"), 1.2),
        Column(t("proposal.robust.value"), 2.8),
        Column(t("proposal.robust.kept"), number=True),
        Column(t("proposal.robust.best_share"), 1.2, number=True),
        Column(t(f"proposal.robust.{'more_time' if relative else 'regret'}"), number=True),
        Column(t("proposal.robust.proof")),
    ]
    rows = [
        [
            t(f"proposal.robust.{row['check']}"), condition(told, row),
            *_verdict(told, row),
        ]
        for row in records(every)
    ]  # fmt: skip
    gap = "" if told.catalog.lang.startswith("zh") else " "
    return Section(title, [Text(gap.join(said)), Table(t("proposal.robust.table"), columns, rows)])


def _verdict(told: Told, row: Row) -> tuple[str, str, str, str]:
    """What a check found, where it found anything."""
    if math.isnan(number_of(row["share_best"])):
        return "–", "–", "–", told.t("proposal.robust.no_result")
    kept, best = f"{row['kept']}/{told.n_new}", words.percent(row["share_best"])
    return kept, best, points(row["regret"]), told.proof(row["proven"])


def _kept(told: Told, fewest: int) -> str:
    """How many of the sites every check would choose again."""
    if fewest == 0:
        return told.t("proposal.robust.same_none", n=told.n_new)
    return told.t("proposal.robust.same", kept=fewest, n=told.n_new)


def _firmness(told: Told, frame: pd.DataFrame) -> str:
    # Where the choice does not meet what is asked, what it costs cannot be said.
    shaky = frame["regret"].isna() | (frame["regret"] > FIRM)
    costly = dict.fromkeys(str(check) for check in frame.loc[shaky, "check"])
    if not costly:
        return told.t("proposal.robust.firm")
    checks = told.joined([told.t(f"proposal.robust.{check}") for check in costly])
    return told.t("proposal.robust.shaky", checks=checks)


def condition(told: Told, row: Row) -> str:
    """Under which condition a check was made; see `etl.siting.robustness.variants`."""
    t, value = told.t, text_of(row["value"])
    if row["check"] == "threshold":
        return t("proposal.robust.minutes", value=value)
    name, _, number = value.partition(":")
    if name == "draw":
        return t("proposal.robust.draw", n=number)
    if name.startswith("cells"):
        return t("proposal.robust.cells", cells=name.removeprefix("cells"), n=number)
    if value.endswith(("+10", "-10")):
        key = "more" if value.endswith("+10") else "fewer"
        return t(f"proposal.robust.{key}", group=told.group(value[:-3], inside=False))
    return t(f"proposal.robust.{value}") if value in {"village", "complete"} else value


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
    for one in (told.meta.get("assumed") or {}).get("supply", []):
        if one["basis"] != "none":
            yield t("proposal.assumption.supply", kind=told.kind(one["kind"]),
                    value=words.figure(float(one["value"])))  # fmt: skip


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
    if told.meta.get("same_travel") is False:
        yield told.t("proposal.limit.travel")
    left_out = sum(told.meta.get("left_out") or ())
    if left_out:
        yield told.t("proposal.limit.left_out", n=words.number(left_out))


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
    how = f"how_{meta['method'].replace('+', '_')}"
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
