"""Sentences on a choice of sites: what was asked, what it gives, how sure that is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from dashboard.planner import Answer, Moved, Offer, Scenario
from dashboard.siting_question import Names, sentence
from dashboard.text import Catalog, words

# Less than this share of the residents is nothing to speak of.
_NO_REGRET = 0.0005


def headline(answer: Answer, catalog: Catalog) -> str:
    """The finding: how many new sites, what they change, how near the best that is."""
    meta, t = answer.meta, catalog.t
    said = [t("siting.finding.sites", count=words.number(_of(meta, "n_new")))]
    if meta["question"]["objective"] in ("p_median", "p_center"):
        minutes = {name: words.number(_of(meta, f"mean_min_{name}"), digits=1)
                   for name in ("before", "after")}  # fmt: skip
        said.append(t("siting.finding.minutes", **minutes))
    said.append(_covered(meta, catalog))
    return words.unbroken(t("siting.finding.joined", said=t("siting.finding.comma").join(said),
                            sure=certainty(meta, catalog)))  # fmt: skip


def moved_headline(answer: Answer, tried: Moved, catalog: Catalog) -> str:
    """The same of sites moved by hand: what they cover, and how far that is from the answer."""
    return words.unbroken(
        catalog.t(
            "siting.move.heading",
            within=within(answer.meta["question"]["parts"][0], catalog),
            share=words.percent(float(tried.share_after)),
            told=apart(answer, tried, catalog),
        )
    )


def apart(answer: Answer, tried: Moved, catalog: Catalog) -> str:
    """How many more or fewer sites moved by hand cover than those of the answer."""
    change = round(float(tried.covered_after), 0) - round(_of(answer.meta, "covered_after"), 0)
    if not change:
        return catalog.t("siting.move.same")
    key = "siting.move.more" if change > 0 else "siting.move.fewer"
    return catalog.t(key, persons=words.persons(catalog, abs(change)))


def _covered(meta: Mapping[str, Any], catalog: Catalog) -> str:
    first = meta["question"]["parts"][0]
    gained = _of(meta, "covered_after") - _of(meta, "covered_before")
    key = "gained" if gained >= 0 else "lost"
    return catalog.t(
        f"siting.finding.{key}",
        within=within(first, catalog),
        before=words.percent(_of(meta, "share_before")),
        after=words.percent(_of(meta, "share_after")),
        persons=words.persons(catalog, abs(gained)),
    )


def within(part: Mapping[str, Any], catalog: Catalog) -> str:
    """A threshold as it stands in a sentence: within 15 minutes on foot."""
    return catalog.t(
        f"siting.finding.within_{part['mode']}", minutes=words.setting(float(part["threshold_min"]))
    )


def certainty(meta: Mapping[str, Any], catalog: Catalog) -> str:
    """How near the best the answer is known to be."""
    gap = _of(meta, "gap")
    if meta.get("cancelled"):
        return catalog.t("siting.finding.cancelled", gap=words.gap(gap))
    if meta.get("proven"):
        return catalog.t("siting.finding.proven")
    if not math.isfinite(gap):
        return catalog.t("siting.finding.unknown")
    return catalog.t("siting.finding.gap", gap=words.gap(gap))


def asked(question: Mapping[str, Any], offer: Offer | None, catalog: Catalog) -> str:
    """The question in one sentence."""
    names = Names(_names(offer, catalog, "kind"), _names(offer, catalog, "group"), _towns(offer))
    return sentence(question, names, catalog)


def _names(offer: Offer | None, catalog: Catalog, what: str) -> dict[str, str]:
    """Names of the kinds or groups on offer."""
    entries: Sequence[Any] = () if offer is None else getattr(offer, f"{what}s")
    return {one.code: catalog.pick({"zh": one.name_zh, "en": one.name_en}) for one in entries}


def _towns(offer: Offer | None) -> dict[str, str]:
    return {} if offer is None else dict(
        zip(offer.towns["area_code"], offer.towns["name"], strict=True)
    )  # fmt: skip


def name_of(scenario: Scenario, catalog: Catalog) -> str:
    """Its own name; where nobody gave it one, what was asked."""
    return scenario.name or catalog.t("siting.scenario.unnamed", id=scenario.scenario_id)


def usual_name(question: Mapping[str, Any], offer: Offer, catalog: Catalog) -> str:
    """A name for a scenario that nobody has named yet."""
    names = _names(offer, catalog, "kind")
    first = question["parts"][0]
    count = first.get("p_new")
    key = "usual_free" if count is None else "usual_fewer" if count < 0 else "usual"
    return catalog.t(
        f"siting.scenario.{key}",
        kind=names.get(first["kind"], first["kind"]),
        count=abs(count or 0),
        minutes=words.setting(float(first["threshold_min"])),
        mode=catalog.t(f"siting.mode.{first['mode']}"),
    )


def standing(scenario: Scenario, catalog: Catalog) -> str:
    """What the job is at."""
    t = catalog.t
    if scenario.cancelling:
        return t("siting.job.cancelling")
    if scenario.state == "queued":
        return t("siting.job.queued", position=scenario.position)
    key = f"siting.step.{scenario.step}"
    return t(key) if scenario.step and catalog.has(key) else t("siting.job.running")


def so_far(scenario: Scenario, catalog: Catalog) -> str:
    """The best found so far and how far from the best it can be; empty before there is one."""
    if not math.isfinite(scenario.best):
        return ""
    if not math.isfinite(scenario.gap):
        return catalog.t("siting.job.best", best=words.figure(scenario.best))
    return catalog.t(
        "siting.job.best_gap", best=words.figure(scenario.best), gap=words.gap(scenario.gap)
    )


def lacks_of(code: object, catalog: Catalog) -> list[str]:
    """What a venue lacks against the standard, in words."""
    codes = [one for one in str(code).split("|") if one] if isinstance(code, str) else []
    return [catalog.t(f"siting.lacks.{one}") for one in codes]


def curve_sentences(answer: Answer, catalog: Catalog) -> str:
    """Where the curve bends, and what its points have in common."""
    t, rules = catalog.t, answer.meta.get("curve") or {}
    said = [_knee_sentence(answer, catalog), t("siting.curve.basis")]
    counts = answer.tables["curve"]["n_new"]
    if rules.get("floor"):
        said.append(t("siting.curve.floor", share=words.percent(rules["floor"])))
    least = int(counts[counts > 0].min())
    untried = (answer.meta.get("untried") or {}).get("curve") or []
    if 1 < least < min([*untried, math.inf]):
        said.append(t("siting.curve.least", count=least))
    if rules.get("paid") is not None:
        said.append(t("siting.curve.paid", count=rules["paid"]))
    if rules.get("same") is False:
        share = words.percent(_of(answer.meta, "share_after"))
        said.append(t("siting.curve.apart", share=share))
    if untried:
        numbers = t("siting.finding.list").join(str(n) for n in untried)
        said.append(t("siting.curve.untried", numbers=numbers))
    return t("siting.curve.between").join(said)


def _knee_sentence(answer: Answer, catalog: Catalog) -> str:
    """Where the curve bends, or that it does not."""
    knee = answer.meta.get("knee")
    curve = answer.tables["curve"]
    if knee is None or curve.empty:
        return catalog.t("siting.curve.no_knee")
    at, last = curve[curve["n_new"] == knee].iloc[0], curve.iloc[-1]
    further = float(last["n_new"] - knee)
    more = float(last["persons"] - at["persons"]) / further if further else 0.0
    return catalog.t(
        "siting.curve.knee_said",
        count=int(knee),
        share=words.percent(float(at["share"])),
        persons=words.persons(catalog, more),
    )


def robustness_sentences(answer: Answer, offer: Offer | None, catalog: Catalog) -> list[str]:
    """Each check in plain words: how many of the sites stay the best ones, what staying costs.

    Tries that differ by chance alone stand together, by the worst of them; checks for which no time
    was left come last.
    """
    table, n_new = answer.tables["robustness"], int(answer.meta.get("n_new") or 0)
    names = _names(offer, catalog, "group")
    tried = dict(list(table.groupby(_family(table), sort=False)))
    found = [_robustness_sentence(rows, n_new, names, catalog) for rows in tried.values()]
    left_out = (answer.meta.get("untried") or {}).get("robustness") or []
    rest = pd.DataFrame(left_out, columns=["check", "value"], dtype="str")
    never = [
        _check(rows, names, catalog)
        for family, rows in rest.groupby(_family(rest), sort=False)
        if family not in tried
    ]
    if never:
        checks = catalog.t("siting.finding.list").join(never)
        found.append(catalog.t("siting.robust.untried", checks=checks))
    return found


def _family(table: pd.DataFrame) -> pd.Series[str]:
    """What tries have in common that differ by chance alone; of all others their own name."""
    named = table["value"]
    by_chance = table["check"].isin(["demand", "zoning"])
    return table["check"] + " " + named.where(~by_chance, named.str.replace(r":.*", "", regex=True))


def _robustness_sentence(
    rows: pd.DataFrame, n_new: int, names: Mapping[str, str], catalog: Catalog
) -> str:
    # A try without a result says nothing, least of all that nothing is lost.
    tried = rows[rows["share_best"].notna()]
    check = _check(tried if len(tried) else rows, names, catalog)
    if tried.empty:
        return catalog.t("siting.robust.no_result", check=check)
    if tried["regret"].isna().any():
        return catalog.t("siting.robust.not_met", check=check)
    regret = float(tried["regret"].max())
    cost = (
        catalog.t("siting.robust.costs", share=words.percent(regret))
        if regret >= _NO_REGRET
        else catalog.t("siting.robust.costs_nothing")
    )
    kept = int(tried["kept"].min())
    return catalog.t("siting.robust.kept", check=check, kept=kept, count=n_new, cost=cost)


def _check(rows: pd.DataFrame, names: Mapping[str, str], catalog: Catalog) -> str:
    """What is otherwise in these tries."""
    check, value = str(rows["check"].iloc[0]), str(rows["value"].iloc[0])
    kind = value.partition(":")[0]
    for sign, key in (("+10", "more"), ("-10", "fewer")):
        if kind.endswith(sign):
            group = names.get(kind.removesuffix(sign), kind.removesuffix(sign))
            return catalog.t(f"siting.robust.{key}", group=group)
    if check == "threshold":
        return catalog.t("siting.robust.threshold", value=value)
    return catalog.t(f"siting.robust.{kind}", count=len(rows))


def took(seconds: object, catalog: Catalog) -> str:
    """How long it was computed."""
    value = float(seconds) if isinstance(seconds, int | float) else math.nan
    if not math.isfinite(value):
        return ""
    digits = 1 if value < 10 else 0
    return catalog.t("siting.job.took", seconds=words.number(value, digits=digits))


def _of(meta: Mapping[str, Any], name: str) -> float:
    """A figure of an answer; what it does not know is NaN."""
    value = meta.get(name)
    return math.nan if value is None else float(value)
