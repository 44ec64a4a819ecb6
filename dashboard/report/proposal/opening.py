"""The beginning of a proposal: what was asked, how things stand, and what the meeting decides."""

from __future__ import annotations

import math
from collections.abc import Iterator

from dashboard.report.proposal.content import Column, Fact, Points, Section, Table, Text
from dashboard.report.proposal.told import Row, Told, amount, number_of
from dashboard.text import words


def finding(told: Told) -> Iterator[str]:
    """The answer in sentences, the most important first."""
    t, meta, parts = told.t, told.meta, told.parts
    values: dict[str, object] = {
        "what": told.what,
        "before": told.people(meta["covered_before"]), "after": told.people(meta["covered_after"]),
        "share_before": words.percent(told.number("share_before")),
        "share_after": words.percent(told.number("share_after")),
    }  # fmt: skip
    if len(parts) > 1:
        yield t("proposal.finding.many", **values)
    else:
        key = "proposal.finding.main" if told.n_new else "proposal.finding.none"
        yield t(key, reach=told.reach(parts[0]), group=told.group(parts[0]["group"]), **values)
    before, after = told.number("mean_min_before"), told.number("mean_min_after")
    if told.n_new and math.isfinite(before) and math.isfinite(after):
        yield t("proposal.finding.minutes", before=f"{before:.1f}", after=f"{after:.1f}")
    if len(told.closed_sites):
        lost = told.people(told.table("towns")["lost"].sum())
        yield t("proposal.finding.closed", n=len(told.closed_sites), lost=lost)
    yield from _knee(told)
    yield proof(told)
    if meta["cancelled"]:
        yield t("proposal.finding.cancelled")


def _knee(told: Told) -> Iterator[str]:
    knee = told.meta["knee"]
    curve = told.table("curve").set_index("n_new")["persons"]
    if knee is None or not {0, knee, told.n_new} <= set(curve.index) or knee >= told.n_new:
        return
    gained = float(curve[told.n_new] - curve[0])
    if gained > 0:
        share = words.percent(float(curve[knee] - curve[0]) / gained)
        yield told.t("proposal.finding.knee", k=knee, share=share)


def proof(told: Told) -> str:
    """How good the choice is known to be; "optimal" only where it is proven."""
    if told.meta["proven"]:
        return told.t("proposal.finding.proven")
    gap = told.number("gap")
    if math.isfinite(gap):
        return told.t("proposal.finding.gap", gap=gap_words(gap))
    return told.t("proposal.finding.no_bound")


def gap_words(gap: float) -> str:
    """A gap as a percentage that is never said smaller than it is."""
    return words.gap(gap, digits=2)


def facts(told: Told) -> list[Fact]:
    """Four figures in large type."""
    t = told.t
    newly = told.table("towns")["newly"].sum()
    persons = told.number("persons")
    share = words.percent(float(newly) / persons) if persons else "–"
    minutes = told.number("mean_min_after")
    return [
        Fact(t("proposal.fact.share"), words.percent(told.number("share_after")),
             t("proposal.fact.before", value=words.percent(told.number("share_before")))),
        Fact(t("proposal.fact.newly"), told.people(newly), t("proposal.fact.persons", share=share)),
        Fact(t("proposal.fact.minutes"), t("proposal.fact.min", value=_one(minutes)),
             t("proposal.fact.before", value=t("proposal.fact.min",
                                               value=_one(told.number("mean_min_before"))))),
        _worst(told),
    ]  # fmt: skip


def _worst(told: Told) -> Fact:
    """The town that stays behind, and how low the lowest was before."""
    t = told.t
    before, after = (told.meta[f"worst_town_{when}"] or {} for when in ("before", "after"))
    was = t("proposal.fact.before", value=words.percent(number_of(before.get("share"))))
    if after.get("name"):
        was = t("proposal.fact.town", town=after["name"], was=was)
    return Fact(t("proposal.fact.worst"), words.percent(number_of(after.get("share"))), was)


def _one(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else "–"


def asked(told: Told, *, sites_table: int) -> Points:
    """What the meeting is asked to decide; `sites_table` is the number of that table."""
    t, new, closed = told.t, told.new_sites, told.closed_sites
    items = [
        t("proposal.ask.agree", n=sites_table, count=len(new))
        if len(new)
        else t("proposal.ask.agree_none")
    ]
    if new["lacks"].map(told.lacks).ne("").any():
        items.append(t("proposal.ask.check"))
    if len(closed):
        items.append(t("proposal.ask.close", count=len(closed)))
    rest = told.number("persons") - told.number("covered_after")
    if rest >= 1:
        items.append(t("proposal.ask.rest", persons=told.people(rest)))
    return Points(items, numbered=True, title=t("proposal.ask.title"))


def question(told: Told) -> Section:
    """Everything that was asked, in a table."""
    t = told.t
    columns = [Column(t("proposal.question.item"), 1), Column(t("proposal.question.said"), 3.6)]
    rows = [(t(f"proposal.question.{key}"), said) for key, said in question_rows(told)]
    table = Table(t("proposal.question.table"), columns, rows)
    return Section(t("proposal.section.question"), [table])


def question_rows(told: Told) -> Iterator[tuple[str, str]]:
    """Key of the item, and what was asked."""
    t, asked_of = told.t, told.question
    for number, part in enumerate(told.parts):
        yield from _part_rows(told, number, part)
    yield "objective", t(f"proposal.objective.{asked_of['objective']}")
    yield "existing", _existing(told)
    if asked_of["budget"] is not None:
        yield "budget", amount(float(asked_of["budget"]))
    for key in ("locked", "forbidden"):
        if asked_of[key]:
            yield key, told.named(list(asked_of[key]))
    if asked_of["min_separation_m"] is not None:
        metres = amount(float(asked_of["min_separation_m"]))
        yield "separation", t("proposal.question.separation_said", m=metres)
    if asked_of["one_per_town"]:
        yield "one_per_town", t("proposal.question.one_per_town_said")
    if asked_of["min_town_share"] is not None:
        share = words.percent(float(asked_of["min_town_share"]))
        yield "min_share", t("proposal.question.min_share_said", share=share)
    if asked_of["worst_first"]:
        yield "worst_first", t("proposal.question.worst_first_said")
    if asked_of["weigh_by"] == "need":
        yield "need", t("proposal.question.need_said")
    week = words.week_short(told.catalog, told.snapshot.week)
    yield "data", t("proposal.question.data_said", week=week, day=told.day)


def _part_rows(told: Told, number: int, part: Row) -> Iterator[tuple[str, str]]:
    t = told.t
    kind = told.kind(part["kind"], inside=False)
    yield "kind", t("proposal.question.kind_said", kind=kind, reach=told.reach(part))
    yield "group", told.group(part["group"], inside=False)
    more = part["p_new"]
    key = "p_new_open" if more is None else "p_new_fewer" if more < 0 else "p_new_said"
    yield "p_new", t(f"proposal.question.{key}", n=abs(more or 0))
    sources = told.joined([t(f"proposal.source.{source}") for source in part["sources"]])
    count = words.number(len(told.table("candidates", number)))
    yield "sources", t("proposal.question.sources_said", sources=sources, n=count)
    if part["towns"]:
        names = told.territory.names
        yield "towns", told.joined([names.get(code, code) for code in part["towns"]])
    if part["cost_new"] is not None:
        yield "cost", amount(float(part["cost_new"]))
    if part["capacity_new"] is not None:
        yield (
            "capacity",
            t("proposal.question.capacity_said", n=amount(float(part["capacity_new"]))),
        )


def _existing(told: Told) -> str:
    n, closable = told.meta["n_existing"], len(told.question["closable"])
    if not closable:
        return told.t("proposal.question.existing_kept", n=n)
    most = told.question["max_closures"]
    key = "existing_closable" if most is None else "existing_most"
    return told.t(f"proposal.question.{key}", n=n, closable=closable, most=most)


def now(told: Told) -> Section:
    """How things stand today."""
    t, meta = told.t, told.meta
    blocks = []
    part = told.parts[0]
    rest = told.number("persons") - told.number("covered_before")
    key = "proposal.now.said" if len(told.parts) == 1 else "proposal.now.many"
    said = [
        t(key, kind=told.joined([told.kind(one["kind"]) for one in told.parts]),
          n=meta["n_existing"], reach=told.reach(part), group=told.group(part["group"]),
          covered=told.people(meta["covered_before"]),
          share=words.percent(told.number("share_before")), rest=told.people(rest))
    ]  # fmt: skip
    towns = (
        told.table("towns").dropna(subset="share_before").sort_values(["share_before", "town_code"])
    )
    if len(towns) > 1:
        worst, best = towns.iloc[0], towns.iloc[-1]
        said.append(
            t("proposal.now.worst", town=worst["name"], share=words.percent(worst["share_before"]),
              best=best["name"], best_share=words.percent(best["share_before"]))
        )  # fmt: skip
    minutes = told.number("mean_min_before")
    if math.isfinite(minutes):
        said.append(t("proposal.now.minutes", minutes=f"{minutes:.1f}"))
    gap = "" if told.catalog.lang.startswith("zh") else " "
    blocks.append(Text(gap.join(said)))
    return Section(t("proposal.section.now"), blocks)
