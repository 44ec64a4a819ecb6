"""Two scenarios of siting: what each is, whether they can be set off, what is found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from dashboard.planner import CANCELLED, INFEASIBLE, Answer, Planner, Scenario
from dashboard.siting_question import Names, differing, facets, same_measure
from dashboard.text import Catalog, words
from etl.siting.differences import compare
from etl.store.reader import Reader, Snapshot
from geo.errors import CodeError, NotPublishedError

Key = Literal["a", "b"]
_MEDIANS = frozenset({"p_median", "p_center"})
# A town that is a percentage point lower is worth a word.
_LOWER = 0.01


@dataclass(frozen=True)
class Side:
    """One of the two.

    Attributes
    ----------
    asked_for : the id that the address names; empty for none.
    scenario : None where there is none of that id.
    snapshot : the week it rests on; None where that is kept no more.
    answer : None where there is none (yet), or nothing meets what was asked.
    """

    key: Key
    asked_for: str
    scenario: Scenario | None = None
    snapshot: Snapshot | None = None
    answer: Answer | None = None

    @property
    def stopped(self) -> bool:
        """Whether somebody called it off: the answer is the best that was found by then."""
        return (
            self.answer is not None
            and self.scenario is not None
            and (self.scenario.state == CANCELLED)
        )

    @property
    def meta(self) -> Mapping[str, Any]:
        """Figures of the answer; empty without one."""
        return self.answer.meta if self.answer else {}

    def number(self, name: str) -> float:
        """A figure of the answer; NaN where it is not known."""
        value = self.meta.get(name)
        return math.nan if value is None else float(value)

    def called(self, catalog: Catalog) -> str:
        """What it is called in a sentence."""
        return catalog.t(f"compare.side.{self.key}")


@dataclass(frozen=True)
class Comparison:
    """Both sides and what differs.

    Attributes
    ----------
    tables : of `etl.siting.differences.compare`; empty unless both have an answer.
    """

    a: Side
    b: Side
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def both(self) -> bool:
        """Whether there are two answers to compare."""
        return bool(self.tables)

    @property
    def same_scenario(self) -> bool:
        """Whether somebody chose one twice."""
        return bool(self.a.asked_for) and self.a.asked_for == self.b.asked_for

    @property
    def facets(self) -> list[str]:
        """In what the questions differ."""
        if self.a.scenario is None or self.b.scenario is None:
            return []
        return differing(self.a.scenario.question, self.b.scenario.question)

    @property
    def same_measure(self) -> bool:
        """Whether "covered" means the same in both, so that persons can be set off."""
        if self.a.scenario is None or self.b.scenario is None:
            return True
        return same_measure(self.a.scenario.question, self.b.scenario.question)

    @property
    def same_data(self) -> bool:
        """Whether both rest on the same published figures."""
        if self.a.scenario is None or self.b.scenario is None:
            return True
        return self.a.scenario.snapshot_id == self.b.scenario.snapshot_id

    @property
    def replayed(self) -> tuple[Side, Side] | None:
        """The older side and the one that asks the same again of newer data."""
        for old, new in ((self.a, self.b), (self.b, self.a)):
            if old.scenario and new.scenario and new.scenario.replay_of == old.asked_for:
                return old, new
        return None

    def live(self) -> bool:
        """Whether one of them may still change by itself."""
        return any(side.scenario is not None and side.scenario.live for side in (self.a, self.b))


def read_comparison(planner: Planner, reader: Reader, a: str, b: str) -> Comparison:
    """Read both sides; what does not exist is missing, never an error.

    Parameters
    ----------
    a, b : ids of scenarios; empty for none chosen yet.
    """
    first, second = _side("a", a, planner, reader), _side("b", b, planner, reader)
    if first.answer is None or second.answer is None:
        return Comparison(first, second)
    return Comparison(first, second, compare(first.answer, second.answer))


def _side(key: Key, code: str, planner: Planner, reader: Reader) -> Side:
    if not code:
        return Side(key, "")
    try:
        scenario = planner.scenario(code)
    except CodeError:
        return Side(key, code)
    try:
        snapshot = reader.snapshot(scenario.snapshot_id)
    except NotPublishedError:
        snapshot = None
    answer = None
    # How things are today is no plan: nothing met what was asked.
    found = scenario.state != INFEASIBLE and scenario.meta is not None
    if found and (scenario.meta or {}).get("share_after") is not None:
        try:
            answer = planner.result(code)
        except NotPublishedError:  # it was discarded a moment ago
            answer = None
    return Side(key, code, scenario, snapshot, answer)


# ---------------------------------------------------------------- what keeps them apart


@dataclass(frozen=True)
class Apart:
    """One thing in which the two are not alike: what it is, and both ways."""

    label: str
    a: str
    b: str


def data_apart(both: Comparison, catalog: Catalog) -> list[Apart]:
    """Weeks, ways of travel and versions that differ."""
    first, second = both.a.scenario, both.b.scenario
    if first is None or second is None:
        return []
    t = catalog.t
    found = []
    if first.week != second.week:
        weeks = [words.week_label(catalog, one.week) for one in (first, second)]
        found.append(Apart(t("compare.apart.week"), *weeks))
    elif not both.same_data:
        found.append(Apart(t("compare.apart.snapshot"), first.snapshot_id, second.snapshot_id))
    methods = [
        str((side.meta.get("travel") or {}).get("method") or "") for side in (both.a, both.b)
    ]
    if all(methods) and methods[0] != methods[1]:
        said = [t(f"compare.apart.travel_{'road' if m == 'road' else 'straight'}") for m in methods]
        found.append(Apart(t("compare.apart.travel"), *said))
    versions = [str(side.meta.get("code_version") or "") for side in (both.a, both.b)]
    if all(versions) and versions[0] != versions[1]:
        found.append(Apart(t("compare.apart.version"), *versions))
    return found


def stopped_apart(both: Comparison, catalog: Catalog) -> list[Apart]:
    """How far each was worked out, where one of them was called off."""
    sides = (both.a, both.b)
    if not both.both or not any(side.stopped for side in sides):
        return []
    said = [catalog.t(f"compare.apart.{'stopped' if side.stopped else 'whole'}") for side in sides]
    return [Apart(catalog.t("compare.apart.worked_out"), *said)]


def question_apart(both: Comparison, reader: Reader, catalog: Catalog) -> list[Apart]:
    """Facets of the questions that differ, in words; said where they have the same words."""
    if both.a.scenario is None or both.b.scenario is None:
        return []
    told = [
        facets(side.scenario.question, _names(side, reader, catalog), catalog)
        for side in (both.a, both.b)
        if side.scenario
    ]
    none, other = catalog.t("compare.apart.nothing"), catalog.t("compare.apart.others")
    found = []
    for facet in both.facets:
        first, second = (said[facet] or none for said in told)
        if first == second:
            second += other
        found.append(Apart(catalog.t(f"compare.facet.{facet}"), first, second))
    return found


def _names(side: Side, reader: Reader, catalog: Catalog) -> Names:
    return Names.read(reader, side.snapshot or reader.current(), catalog)


# ---------------------------------------------------------------- the finding


def finding(both: Comparison, catalog: Catalog) -> str:
    """The difference in one sentence."""
    said = _finding(both, catalog)
    return words.unbroken(said[:1].upper() + said[1:])


def basis(both: Comparison, reader: Reader, catalog: Catalog) -> str:
    """What "covered" means and of which week it is, where that is one for both."""
    t, first, second = catalog.t, both.a.scenario, both.b.scenario
    if first is None or second is None:
        return t("compare.note.sub_choose")
    said = []
    if both.same_measure:
        told = facets(first.question, _names(both.a, reader, catalog), catalog)
        kind = words.inside(catalog, told["kind"])
        said.append(t("compare.note.sub", kind=kind, reach=told["reach"], group=told["group"]))
    if first.week == second.week:
        said.append(t("compare.note.sub_data", week=words.week_label(catalog, first.week)))
    if both.replayed and not both.facets:
        said.append(t("compare.note.replay"))
    return words.unbroken(" · ".join(said))


def _finding(both: Comparison, catalog: Catalog) -> str:
    t = catalog.t
    if not both.a.asked_for or not both.b.asked_for:
        return t("compare.title.choose")
    if both.same_scenario:
        return t("compare.title.same")
    if not both.both:
        return t("compare.title.waiting" if both.live() else "compare.title.missing")
    if not both.same_measure:
        return t("compare.title.apart")
    if both.replayed and not both.same_data:
        return _replayed(*both.replayed, both, catalog)
    objectives = {side.meta.get("objective") for side in (both.a, both.b)}
    said = _shorter(both, catalog) if objectives <= _MEDIANS else _more(both, catalog)
    return said if both.same_data else t("compare.title.other_data", said=said)


def _more(both: Comparison, catalog: Catalog) -> str:
    """Who covers more residents, with how many sites more or less, and which town pays."""
    t = catalog.t
    gained = round(both.b.number("covered_after"), 0) - round(both.a.number("covered_after"), 0)
    if not gained:
        return t("compare.finding.equal", share=words.percent(both.a.number("share_after")))
    best, other = (both.b, both.a) if gained > 0 else (both.a, both.b)
    built = best.number("n_new") - other.number("n_new")
    key = "built_more" if built > 0 else "built_fewer" if built < 0 else "more"
    said = t(
        f"compare.finding.{key}",
        best=best.called(catalog),
        persons=words.persons(catalog, abs(gained)),
        count=words.number(abs(built)),
        share=words.percent(best.number("share_after")),
        than=words.percent(other.number("share_after")),
    )
    return said + _towns_lower(both, best, catalog)


def _shorter(both: Comparison, catalog: Catalog) -> str:
    t = catalog.t
    # The difference is that of the figures beside it, as they are shown.
    means = {side.key: round(side.number("mean_min_after"), 1) for side in (both.a, both.b)}
    shorter = means["a"] - means["b"]
    if not math.isfinite(shorter) or not shorter:
        return _more(both, catalog)
    best, other = (both.b, both.a) if shorter > 0 else (both.a, both.b)
    said = t(
        "compare.finding.shorter",
        best=best.called(catalog),
        minutes=words.number(abs(shorter), digits=1),
        mean=words.number(means[best.key], digits=1),
        than=words.number(means[other.key], digits=1),
    )
    return said + _towns_lower(both, best, catalog)


def _towns_lower(both: Comparison, best: Side, catalog: Catalog) -> str:
    """The town in which the better one of the two is worse by most; that there is none."""
    t, towns = catalog.t, both.tables["towns"]
    sign = 1.0 if best.key == "a" else -1.0
    towns = towns.assign(behind=sign * towns["share_difference"]).dropna(subset="behind")
    if towns.empty:
        return ""
    other = "b" if best.key == "a" else "a"
    lower = towns[towns["behind"] >= _LOWER].sort_values("behind", kind="stable")
    if lower.empty:
        return t("compare.finding.no_town", other=t(f"compare.side.{other}"))
    row = lower.to_dict("records")[-1]
    return t(
        "compare.finding.town" if len(lower) == 1 else "compare.finding.towns",
        town=row["name"],
        count=len(lower),
        share=words.percent(float(row[f"share_{best.key}"])),
        than=words.percent(float(row[f"share_{other}"])),
    )


def _replayed(old: Side, new: Side, both: Comparison, catalog: Catalog) -> str:
    """What the same question gives on newer data: how many sites stay, how the share moves."""
    sites = both.tables["sites"]
    kept = sites[(sites["state_a"] == "new") & (sites["state_b"] == "new")]
    return catalog.t(
        "compare.finding.replayed",
        week=words.week_short(catalog, str(new.meta["week"])),
        count=words.number(new.number("n_new")),
        kept=words.number(float(len(kept))),
        before=words.percent(old.number("share_after")),
        after=words.percent(new.number("share_after")),
    )
