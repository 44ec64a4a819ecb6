"""The chosen sites of a proposal: table and reasons, maps before and after, how many are enough."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from dashboard.report.proposal.content import Block, Column, Figure, Points, Section, Table, Text
from dashboard.report.proposal.curve import draw_curve
from dashboard.report.proposal.maps import Choice, Figures, draw_maps
from dashboard.report.proposal.told import Row, Told, amount, number_of, records, text_of
from dashboard.text import words


def sites(told: Told) -> Section:
    """What is proposed, site by site."""
    t = told.t
    title = t("proposal.section.sites")
    blocks: list[Block] = []
    rows = records(told.new_sites)
    if rows:
        blocks.append(Text(t("proposal.sites.intro", n=len(rows))))
        blocks.append(_table(told, rows))
        reasons = [_reason(told, row) for row in rows]
        blocks.append(Points(reasons, title=t("proposal.sites.reasons")))
        blocks.append(Text(_costs(told, rows)))
    else:
        blocks.append(Text(t("proposal.sites.none")))
    if len(told.closed_sites):
        blocks.append(_closed(told))
    return Section(title, blocks)


def _table(told: Told, rows: list[Row]) -> Table:
    t = told.t
    costly = any(math.isfinite(number_of(row["cost"])) and row["cost"] > 0 for row in rows)
    several = len(told.parts) > 1
    columns = [Column(t("proposal.sites.order"), 0.5), Column(t("proposal.sites.name"), 2.0)]
    if several:
        columns.append(Column(t("proposal.column.kind"), 1.1))
    columns += [
        Column(t("proposal.sites.place"), 1.7),
        Column(t("proposal.sites.source"), 1.1),
        Column(t("proposal.sites.gain"), 0.9, number=True),
        Column(t("proposal.sites.within"), 0.9, number=True),
        Column(t("proposal.sites.alone"), 0.9, number=True),
    ]
    if costly:
        columns.append(Column(t("proposal.sites.cost"), 0.7, number=True))
    columns.append(Column(t("proposal.sites.lacks"), 1.4))
    cells = []
    for row in rows:
        line = [f"{row['order']:.0f}", text_of(row["name"])]
        if several:
            line.append(told.kind(row["kind"], inside=False))
        line += [told.where(row), t(f"proposal.source.{row['source']}")]
        line += [
            words.number(row[key]) for key in ("gain_persons", "persons_within", "alone_persons")
        ]
        if costly:
            line.append(amount(number_of(row["cost"])))
        cells.append([*line, told.lacks(row["lacks"]) or t("proposal.sites.nothing_lacks")])
    note = sites_note(told)
    if costly:
        note += t("proposal.sites.note_cost")
    return Table(t("proposal.sites.table"), columns, cells, note)


def sites_note(told: Told) -> str:
    """What the columns of the sites mean, and the standard that places were held against."""
    note, standard = told.t("proposal.sites.note"), told.meta.get("standard")
    if standard is None:  # nothing is asked of a place of these kinds
        return note
    asked = {level: words.setting(standard[f"{level}_area_m2"]) for level in ("town", "village")}
    return note + told.t("proposal.sites.note_standard", **asked)


def _reason(told: Told, row: Row) -> str:
    parts = "proposal.sites.clause_join"
    said = told.t(parts).join(_clauses(told, row))
    return told.t("proposal.sites.reason", order=f"{row['order']:.0f}", name=text_of(row["name"]),
                  place=told.where(row), parts=said)  # fmt: skip


def _clauses(told: Told, row: Row) -> Iterator[str]:
    t = told.t
    gain, alone = number_of(row["gain_persons"]), number_of(row["alone_persons"])
    if gain >= 1:
        yield t("proposal.sites.reason_gain", gain=words.number(gain))
    else:
        yield t("proposal.sites.reason_none")
    # Rounded as they are told: two numbers that read the same are said once.
    if gain >= 1 and round(alone) == round(gain):
        yield t("proposal.sites.reason_all")
    elif alone >= 1:
        yield t("proposal.sites.reason_only", alone=words.number(alone))
    if row["n_towns_served"] > 1:
        yield t("proposal.sites.reason_towns", n=row["n_towns_served"])
    if math.isfinite(number_of(row["area_m2"])):
        yield t("proposal.sites.reason_area", area=words.number(row["area_m2"]))
    for key in ("floor", "hours", "owner"):
        if text_of(row[key]):
            yield t(f"proposal.sites.reason_{key}", **{key: text_of(row[key])})
    lacks = told.lacks(row["lacks"])
    if lacks:
        yield t("proposal.sites.reason_lacks", lacks=lacks)


def _costs(told: Told, rows: list[Row]) -> str:
    costs = [number_of(row["cost"]) for row in rows]
    total = sum(cost for cost in costs if math.isfinite(cost))
    if total <= 0:
        return told.t("proposal.sites.no_cost")
    budget = told.question["budget"]
    if budget is None:
        return told.t("proposal.sites.total_cost", cost=amount(total))
    return told.t("proposal.sites.total_cost_budget", cost=amount(total),
                  budget=amount(float(budget)))  # fmt: skip


def _closed(told: Told) -> Table:
    t = told.t
    columns = [Column(t("proposal.sites.name"), 2), Column(t("proposal.sites.place"), 2),
               Column(t("proposal.sites.within"), 1, number=True)]  # fmt: skip
    rows = [
        (text_of(row["name"]), told.where(row), words.number(row["persons_within"]))
        for row in records(told.closed_sites)
    ]
    return Table(t("proposal.sites.closed_table"), columns, rows, t("proposal.sites.closed_note"))


def maps(told: Told) -> Section:
    """One pair of maps for each part of the question."""
    t = told.t
    figures = []
    for number, part in enumerate(told.parts):
        groups = told.table("groups", number)
        own = groups[groups["group"] == part["group"]]
        if own.empty:
            before, after = (told.number(f"share_{when}") for when in ("before", "after"))
            persons = [told.number(f"covered_{when}") for when in ("before", "after")]
        else:
            before, after = (float(own[f"share_{when}"].iloc[0]) for when in ("before", "after"))
            persons = [float(own[f"covered_{when}"].iloc[0]) for when in ("before", "after")]
        shares = words.percent(before), words.percent(after)
        said = [t("proposal.map.persons", persons=told.people(count)) for count in persons]
        title = t("proposal.map.figure", kind=told.kind(part["kind"], inside=False),
                  reach=told.reach(part))  # fmt: skip
        alt = t("proposal.map.alt", before=shares[0], after=shares[1])
        svg = draw_maps(
            told.territory,
            Choice(
                told.answer.array("state", number),
                told.table("sites", number),
                told.table("candidates", number),
            ),
            Figures(shares[0], said[0], shares[1], said[1]),
            told.catalog,
            title=alt,
        )
        figures.append(Figure(title, svg, alt, source_line(told)))
    return Section(t("proposal.section.maps"), figures)


def source_line(told: Told) -> str:
    """Data date, boundary source, approval number of the maps."""
    t, locality = told.t, told.snapshot.meta["locality"]
    parts = [t("map.source.date", day=told.day)]
    if locality.get("boundary_source"):
        parts.append(t("map.source.boundary", source=locality["boundary_source"]))
    if locality.get("map_approval"):
        parts.append(t("map.source.approval", number=locality["map_approval"]))
    else:
        parts.append(t("proposal.map.no_approval"))
    return " · ".join(parts)


def curve(told: Told) -> Section | None:
    """How many are covered with each further site; None where that was not worked out."""
    t = told.t
    rows = told.table("curve").dropna(subset="share").sort_values("n_new")
    if len(rows) < 2:
        return None
    shares = rows["share"].astype(float)
    first, last = int(rows["n_new"].iloc[0]), int(rows["n_new"].iloc[-1])
    alt = t("proposal.curve.alt", first=first, last=last, low=words.percent(shares.min()),
            high=words.percent(shares.max()))  # fmt: skip
    svg = draw_curve(rows, told.n_new, told.catalog, title=alt)
    columns = [
        Column(t("proposal.curve.n")),
        *(Column(t(f"proposal.curve.{key}"), number=True) for key in ("persons", "share", "gain")),
        Column(t("proposal.curve.proof")),
    ]
    cells = [
        (
            f"{row['n_new']:.0f}", words.number(row["persons"]), words.percent(row["share"]),
            words.number(row["gain"]) if row["n_new"] > first else "–", told.proof(row["proven"]),
        )
        for row in records(rows)
    ]  # fmt: skip
    table = Table(t("proposal.curve.table"), columns, cells, t("proposal.curve.note"))
    gap = "" if told.catalog.lang.startswith("zh") else " "
    said = gap.join(_bend(told, rows))
    figure = Figure(t("proposal.curve.figure"), svg, alt)
    return Section(t("proposal.section.curve"), [Text(said), figure, table])


def _bend(told: Told, rows: pd.DataFrame) -> Iterator[str]:
    """Where the curve bends, and what further sites would bring."""
    t = told.t
    persons = rows.set_index("n_new")["persons"].astype(float)
    start, end = int(persons.index[0]), int(persons.index[-1])
    knee = told.meta["knee"]
    if knee is None or knee not in persons.index or knee <= start:
        yield t("proposal.curve.said_no_knee")
    else:
        gain = persons[knee] - persons[start]
        values = {
            "k": knee,
            "gain": words.number(gain),
            "mean": words.number(gain / (knee - start)),
        }
        if knee < end:
            after = words.number((persons[end] - persons[knee]) / (end - knee))
            yield t("proposal.curve.said_knee", after=after, **values)
        else:
            yield t("proposal.curve.said_knee_last", **values)
    if told.n_new in persons.index and told.n_new < end:
        more = words.number(persons[end] - persons[told.n_new])
        yield t("proposal.curve.said_more", more=end - told.n_new, gain=more)
