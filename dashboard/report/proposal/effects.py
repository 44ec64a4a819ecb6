"""What a proposal brings: towns and groups, gap classes and indicators, and who stays uncovered."""

from __future__ import annotations

import math

import pandas as pd

from dashboard.report.proposal.content import Block, Column, Section, Table, Text
from dashboard.report.proposal.told import Row, Told, number_of, records, text_of
from dashboard.text import words
from geo.model import GapClass

MOST_AREAS = 20
MOST_NAMED = 6
ESTIMATED = " *"


def gains(told: Told) -> Section:
    """Who is newly covered, by town and by group."""
    blocks: list[Block] = [Text(_who(told)), _towns(told)]
    groups = _groups(told)
    if groups.rows:
        blocks.append(groups)
    return Section(told.t("proposal.section.gains"), blocks)


def _who(told: Told) -> str:
    t = told.t
    towns = told.table("towns").sort_values(["newly", "town_code"], ascending=[False, True])
    gaining = towns[towns["newly"] >= 1]
    said = t("proposal.gains.said_none")
    if len(gaining):
        first = gaining.iloc[0]
        said = t("proposal.gains.said", n=len(gaining), first=first["name"],
                 gain=words.number(first["newly"]))  # fmt: skip
    low = towns[towns["share_after"] < 0.5].sort_values(["share_after", "town_code"])
    if len(low):
        named = [
            t("proposal.gains.named", town=row["name"], share=words.percent(row["share_after"]))
            for row in records(low.head(MOST_NAMED))
        ]
        names = told.joined(named)
        if len(low) > MOST_NAMED:
            names = t("proposal.gains.and_more", names=names, n=len(low))
        said += t("proposal.gains.said_still", towns=names)
    return said


def _columns(told: Told, first: str, *, lost: bool) -> list[Column]:
    t = told.t
    keys = ["persons", "newly", *(["lost"] if lost else []), "before", "after"]
    return [
        Column(t(f"proposal.gains.{first}"), 1.8),
        *(Column(t(f"proposal.gains.{key}"), number=True) for key in keys),
    ]


def _change(row: Row, *, lost: bool) -> list[str]:
    counts = [words.number(row[key]) for key in ("persons", "newly", *(["lost"] if lost else []))]
    if row["estimated"]:
        counts[0] += ESTIMATED
    return [*counts, words.percent(row["share_before"]), words.percent(row["share_after"])]


def _towns(told: Told) -> Table:
    t = told.t
    towns = told.table("towns")
    lost = bool((towns["lost"] > 0).any())
    columns = [*_columns(told, "town", lost=lost), Column(t("proposal.gains.sites"), number=True)]
    rows = [
        [text_of(row["name"]), *_change(row, lost=lost),
         t("proposal.gains.from_to", before=row["sites_before"], after=row["sites_after"])]
        for row in records(
            towns.sort_values(["newly", "town_code"], ascending=[False, True])
        )
    ]  # fmt: skip
    total: Row = {
        **{key: towns[key].sum() for key in ("persons", "newly", "lost")}, "estimated": False,
        "share_before": told.number("share_before"), "share_after": told.number("share_after"),
    }  # fmt: skip
    sites = t("proposal.gains.from_to", before=towns["sites_before"].sum(),
              after=towns["sites_after"].sum())  # fmt: skip
    rows.append([t("proposal.gains.total"), *_change(total, lost=lost), sites])
    note = t("proposal.gains.estimated") if towns["estimated"].any() else ""
    return Table(t("proposal.gains.towns"), columns, rows, note, total=True)


def _groups(told: Told) -> Table:
    t = told.t
    groups = told.table("groups")
    lost = bool((groups["lost"] > 0).any())
    several = len(told.parts) > 1
    columns = _columns(told, "group", lost=lost)
    rows = []
    for row in records(groups):
        name = told.group(row["group"], inside=False)
        if several:
            kind = told.kind(told.parts[row["part"]]["kind"], inside=False)
            name = t("proposal.gains.of_kind", kind=kind, group=name)
        rows.append([name, *_change(row, lost=lost)])
    note = t("proposal.gains.estimated") if groups["estimated"].any() else ""
    return Table(t("proposal.gains.groups"), columns, rows, note)


def change(told: Told) -> Section:
    """How gap classes and indicators move."""
    t = told.t
    blocks: list[Block] = []
    gaps = told.table("gaps")
    if gaps.empty:
        blocks.append(Text(t("proposal.change.gaps_none")))
    else:
        better = gaps[gaps["gap_after"] < gaps["gap_before"]]
        worse = gaps[gaps["gap_after"] > gaps["gap_before"]]
        said = t("proposal.change.gaps_said", areas=words.number(better["areas"].sum()),
                 persons=told.people(better["persons"].sum()))  # fmt: skip
        if len(worse):
            said += t("proposal.change.gaps_worse", areas=words.number(worse["areas"].sum()))
        blocks += [Text(said), _gaps(told, gaps)]
    targets = _targets(told)
    blocks.append(targets if targets.rows else Text(t("proposal.change.targets_none")))
    return Section(t("proposal.section.change"), blocks)


def gap_name(told: Told, value: object) -> str:
    """Word for a gap class; a number that is missing is no data."""
    number = number_of(value)
    if math.isnan(number):
        return told.t("proposal.change.unknown")
    return told.t(f"common.gap.{GapClass(int(number)).name.lower()}")


def _gaps(told: Told, gaps: pd.DataFrame) -> Table:
    t = told.t
    classes: list[float] = [float(one) for one in GapClass]
    if gaps[["gap_before", "gap_after"]].isna().any(axis=None):
        classes.append(float("nan"))

    def cell(before: float, after: float) -> str:
        same = _is(gaps["gap_before"], before) & _is(gaps["gap_after"], after)
        areas = int(gaps.loc[same, "areas"].sum())
        if not areas:
            return "–"
        persons = words.number(gaps.loc[same, "persons"].sum())
        return t("proposal.change.cell", persons=persons, areas=words.number(areas))

    columns = [
        Column(t("proposal.change.gaps_from"), 1.4),
        *(Column(gap_name(told, one), number=True) for one in classes),
    ]
    rows = [[gap_name(told, row), *(cell(row, column) for column in classes)] for row in classes]
    return Table(t("proposal.change.gaps"), columns, rows, t("proposal.change.gaps_note"))


def _is(values: pd.Series[float], wanted: float) -> pd.Series[bool]:
    return values.isna() if math.isnan(wanted) else values == wanted


def _targets(told: Told) -> Table:
    t = told.t
    keys = ("before", "after", "required")
    columns = [
        Column(t("proposal.change.indicator"), 2.6),
        *(Column(t(f"proposal.change.{key}"), number=True) for key in keys),
        Column(t("proposal.change.met"), 1.1),
    ]
    chinese = told.catalog.lang.startswith("zh")
    rows = [
        [
            text_of(row["name_zh" if chinese else "name_en"]),
            *(measured(told, row[key], row["unit"])
              for key in ("value_before", "value_after", "required")),
            t(f"proposal.change.{met_key(row)}"),
        ]
        for row in records(told.table("targets"))
    ]  # fmt: skip
    return Table(t("proposal.change.targets"), columns, rows)


def met_key(row: Row) -> str:
    """Which word says whether an indicator is met, before and after."""
    if math.isnan(number_of(row["required"])):
        return "no_target"
    if row["met_after"]:
        return "met_now" if row["met_before"] else "met_newly"
    return "met_lost" if row["met_before"] else "met_not"


def measured(told: Told, value: object, unit: object) -> str:
    """A value of an indicator: a share, or so many for each so many persons."""
    number = number_of(value)
    if unit == "share":
        return words.percent(number)
    per = str(unit).removeprefix("per_")
    if math.isnan(number) or not per.replace(".", "").isdigit():
        return words.figure(number)
    return told.t(
        "proposal.change.per",
        value=words.figure(number),
        per=words.people(told.catalog, float(per)),
    )


def rest(told: Told) -> Section:
    """Who stays uncovered, and why."""
    t = told.t
    title = t("proposal.section.rest")
    left = told.number("persons") - told.number("covered_after")
    if left < 1:
        return Section(title, [Text(t("proposal.rest.none"))])
    share = words.percent(left / told.number("persons"))
    blocks: list[Block] = [Text(t("proposal.rest.said", persons=told.people(left), share=share))]
    areas = told.table("uncovered")
    if len(areas):
        blocks += [_causes(told, areas), _areas(told, areas)]
    return Section(title, blocks)


def _causes(told: Told, areas: pd.DataFrame) -> Table:
    t = told.t
    keys = ("areas", "persons", "withheld_areas")
    columns = [
        Column(t("proposal.rest.why"), 2),
        *(Column(t(f"proposal.rest.{key}"), number=True) for key in keys),
    ]
    grouped = areas.groupby("why").agg(
        areas=("area_code", "size"), persons=("persons", "sum"), withheld=("withheld", "sum")
    )
    rows = [
        [t(f"proposal.why.{why}"), *(words.number(float(value)) for value in row)]
        for why, row in zip(grouped.index, grouped.to_numpy(), strict=True)
    ]
    rows.sort(key=lambda row: -float(row[1].replace(words.THIN_SPACE, "")))
    return Table(t("proposal.rest.causes"), columns, rows)


def _areas(told: Told, areas: pd.DataFrame) -> Table:
    t = told.t
    columns = [
        Column(t("proposal.rest.town"), 1.2),
        Column(t("proposal.rest.village"), 1.3),
        Column(t("proposal.rest.area"), 1.7),
        Column(t("proposal.rest.count"), 0.8, number=True),
        Column(t("proposal.rest.nearest"), 0.9, number=True),
        Column(t("proposal.rest.why"), 2.3),
    ]
    ordered = areas.sort_values("persons", ascending=False, na_position="last", kind="stable")
    rows = [
        [
            text_of(row["town_name"]), text_of(row["village_name"]), text_of(row["name"]),
            t("proposal.rest.withheld") if row["withheld"] else words.number(row["persons"]),
            words.minutes(row["nearest_min"]), t(f"proposal.why.{row['why']}"),
        ]
        for row in records(ordered.head(MOST_AREAS))
    ]  # fmt: skip
    note = t("proposal.rest.list_note", shown=len(rows), count=words.number(len(areas)))
    return Table(t("proposal.rest.list"), columns, rows, note)
