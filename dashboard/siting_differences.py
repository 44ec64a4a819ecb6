"""The one table of two scenarios: figures, sites, towns, groups, gap classes, indicators."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dashboard.siting_compare import Comparison, Side
from dashboard.siting_question import Names
from dashboard.text import Catalog, words

SECTIONS = ("figures", "sites", "towns", "groups", "gaps", "targets")
_GAPS = ("none", "slight", "clear", "severe")


@dataclass(frozen=True)
class Line:
    """One row of the table.

    Attributes
    ----------
    section : one of `SECTIONS`.
    a, b : both values in words.
    more : which has more and by how much; empty where the two cannot be set off.
    leads : `a` or `b`, whichever is better; empty where neither is.
    raw : both values as they are, for a workbook; None where there is no number.
    hint : what the row is about in more words.
    """

    section: str
    label: str
    a: str
    b: str
    more: str
    leads: str = ""
    raw: tuple[float | None, float | None] = (None, None)
    hint: str = ""


@dataclass(frozen=True)
class _Unit:
    """How a figure is said: alone, and as what one has more than the other.

    Attributes
    ----------
    shown : the number that stands there, rounded as it is said.
    better : 1 where more is better, -1 where less is, 0 where neither.
    """

    key: str
    said: Callable[[float], str]
    shown: Callable[[float], float]
    better: int = 1


def _whole(value: float) -> float:
    return round(value, 0)


def _tenths(value: float) -> float:
    return round(value, 1)


def _plain(value: float) -> float:
    return round(value, 9)


class Table:
    """Lines of a comparison in one language.

    Parameters
    ----------
    both : two answers.
    names : of the newer of their snapshots.
    """

    def __init__(self, both: Comparison, names: Names, catalog: Catalog) -> None:
        self.both, self.names, self.catalog, self.t = both, names, catalog, catalog.t
        self.persons = _Unit("persons", lambda v: words.persons(catalog, v), _whole)
        self.share = _Unit("share", words.percent, words.percent_shown)
        self.minutes = _Unit("minutes", lambda v: words.number(v, digits=1), _tenths, -1)
        self.count = _Unit("count", words.number, _whole, 0)
        self.cost = _Unit("cost", words.figure, _plain, -1)
        self._figures = {
            str(row["figure"]): (float(row["a"]), float(row["b"]))
            for row in both.tables["figures"].to_dict("records")
        }

    def lines(self) -> list[Line]:
        """All rows, section by section."""
        return [
            *self.figures(), *self.sites(), *self.towns(), *self.groups(), *self.gaps(),
            *self.targets(),
        ]  # fmt: skip

    def _line(
        self, section: str, label: str, unit: _Unit, values: tuple[float, float], hint: str = "",
        *, counted: bool = True,
    ) -> Line:  # fmt: skip
        """A row of two figures; `counted` ones mean the same only where the measure is one."""
        a, b = values
        alike = self.both.same_measure or not counted
        more, leads = self._more(unit, a, b) if alike else (self.t("compare.more.apart"), "")
        raw = tuple(value if math.isfinite(value) else None for value in values)
        return Line(section, label, unit.said(a), unit.said(b), more, leads, (raw[0], raw[1]), hint)

    def _more(self, unit: _Unit, a: float, b: float) -> tuple[str, str]:
        if not (math.isfinite(a) and math.isfinite(b)):
            return "–", ""
        # Words of a difference agree with the two figures beside them.
        size = abs(unit.shown(a) - unit.shown(b))
        if not size:
            return self.t("compare.more.same"), ""
        side = "a" if a > b else "b"
        # What is less of is said of the one that is better for it.
        told = side if unit.better >= 0 else ("b" if side == "a" else "a")
        value = words.number(size, digits=1) if unit.key == "share" else unit.said(size)
        said = self.t(f"compare.more.{unit.key}", side=self.t(f"compare.short.{told}"), value=value)
        return said, told if unit.better else ""

    # ------------------------------------------------------------ sections

    def figures(self) -> Iterator[Line]:
        """What each gives as a whole, and what it takes."""
        a, b = self.both.a, self.both.b
        yield self._figure("covered_after", self.persons)
        yield self._figure("share_after", self.share)
        yield self._figure("mean_min_after", self.minutes)
        worst = [side.meta.get("worst_town_after") or {} for side in (a, b)]
        named = " / ".join(dict.fromkeys(str(one["name"]) for one in worst if one.get("name")))
        yield self._figure("worst_town_share", self.share, named)
        yield self._figure("n_new", self.count, counted=False)
        if a.meta.get("n_closed") or b.meta.get("n_closed"):
            yield self._figure("n_closed", self.count, counted=False)
        if any(math.isfinite(cost) for cost in self._figures["cost"]):
            yield self._figure("cost", self.cost, counted=False)
        certainty = self.t("compare.figure.certainty")
        yield Line("figures", certainty, self._certainty(a), self._certainty(b), "")
        if not self.both.same_data or not self.both.same_measure:
            yield self._figure("persons", self.persons)
            yield self._figure("share_before", self.share)

    def _figure(self, name: str, unit: _Unit, hint: str = "", *, counted: bool = True) -> Line:
        label = self.t(f"compare.figure.{name}")
        values = self._figures[name]
        return self._line("figures", label, unit, values, hint, counted=counted)

    def _certainty(self, side: Side) -> str:
        gap = side.number("gap")
        if side.meta.get("proven"):
            return self.t("scenarios.result.proven")
        if not math.isfinite(gap):
            return self.t("scenarios.result.unsure")
        return self.t("scenarios.result.gap", gap=words.gap(gap))

    def sites(self) -> Iterator[Line]:
        """Each site that is built or closed in either, in both first."""
        for row in self.both.tables["sites"].to_dict("records"):
            said = [self._site(row[f"state_{key}"], float(row[f"order_{key}"])) for key in "ab"]
            place = (row["town_name"], row["village_name"])
            yield Line(
                "sites", str(row["name"]), said[0], said[1],
                self.t(f"compare.where.{row['where']}"),
                row["where"] if row["where"] in {"a", "b"} else "",
                hint=" ".join(one for one in place if isinstance(one, str)),
            )  # fmt: skip

    def _site(self, state: object, order: float) -> str:
        if not isinstance(state, str):
            return "–"
        if state == "new" and math.isfinite(order):
            return self.t("compare.site.new_at", order=int(order))
        return self.t(f"compare.site.{state}")

    def towns(self) -> Iterator[Line]:
        """Share covered of each town, the largest differences first."""
        towns = self.both.tables["towns"]
        size = towns["share_difference"].abs().fillna(-1.0)
        for row in towns.loc[size.sort_values(ascending=False, kind="stable").index].to_dict(
            "records"
        ):
            yield self._shares("towns", str(row["name"]), row)

    def groups(self) -> Iterator[Line]:
        """Share covered of each group of residents."""
        table = self.both.tables["groups"]
        parts = table["part"].nunique()
        for row in table.to_dict("records"):
            label = self.names.group(str(row["group"]), self.catalog)
            if parts > 1:
                label = self.t("compare.group", group=label, part=int(row["part"]) + 1)
            yield self._shares("groups", label, row)

    def _shares(self, section: str, label: str, row: Mapping[Any, Any]) -> Line:
        values = (float(row["share_a"]), float(row["share_b"]))
        line = self._line(section, label, self.share, values)
        if not line.leads or math.isnan(float(row["difference"])):
            return line
        persons = self.persons.said(abs(float(row["difference"])))
        return replace(
            line, more=self.t("compare.more.persons_too", said=line.more, persons=persons)
        )

    def gaps(self) -> Iterator[Line]:
        """Residents by the gap class of their area after what is built, the severest first."""
        unit = _Unit("persons", self.persons.said, _whole, 0)
        for row in reversed(self.both.tables["gaps"].to_dict("records")):
            label = self.t(f"common.gap.{_GAPS[row['gap_class']]}")
            values = (float(row["persons_a"]), float(row["persons_b"]))
            yield self._line("gaps", label, unit, values, counted=False)

    def targets(self) -> Iterator[Line]:
        """Indicators that new sites change, and whether each is met then."""
        for row in self.both.tables["targets"].to_dict("records"):
            number = _Unit("number", words.figure, _plain, 0)
            unit = self.share if row["unit"] == "share" else number
            required = float(row["required"])
            hint = self.t("compare.target.required", value=unit.said(required))
            line = self._line(
                "targets",
                self.catalog.pick({"zh": row["name_zh"], "en": row["name_en"]}),
                unit,
                (float(row["value_a"]), float(row["value_b"])),
                hint if math.isfinite(required) else "",
                counted=False,
            )
            yield replace(
                line, a=self._met(line.a, row["met_a"]), b=self._met(line.b, row["met_b"])
            )

    def _met(self, value: str, met: object) -> str:
        """A value that is there, and whether it is met; a missing one is no bool."""
        if not isinstance(met, bool):
            return "–"
        return self.t(f"compare.target.{'met' if met else 'not_met'}", value=value)
