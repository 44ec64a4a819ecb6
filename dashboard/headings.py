"""The sentence above the map: what the layer shown says, and below it what is measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dashboard import places
from dashboard.choices import AUTO, Choices, LayerBook
from dashboard.text import Catalog, words
from etl.store.reader import Reader, Snapshot
from geo.model import GapClass, Level


@dataclass(frozen=True)
class Heading:
    """Title and subtitle over the map."""

    title: str
    subtitle: str


@dataclass(frozen=True)
class _Subject:
    """What a title is made from."""

    reader: Reader
    snapshot: Snapshot
    choices: Choices
    layer: dict[str, Any]
    text: Catalog

    @property
    def place(self) -> str:
        return self.text.pick(self.snapshot.meta["locality"]["name"])

    def county(self, code: str) -> float | None:
        cells = places.county_cells(self.reader, self.snapshot, self.choices.week)
        return places.shown(cells.get(code))

    def towns(self) -> pd.DataFrame:
        ranking = self.reader.table(self.snapshot.snapshot_id, "gap_ranking")
        return ranking[ranking["level"] == Level.TOWN]

    def joined(self, first: str, second: str) -> str:
        return self.text.t("map.heading.joined", first=first, second=second)


def read_heading(reader: Reader, snapshot: Snapshot, choices: Choices, catalog: Catalog) -> Heading:
    """Title and subtitle of a screen; where nothing can be said, the title is the layer's name."""
    layer = LayerBook(snapshot).layers[choices.layer]
    subject = _Subject(reader, snapshot, choices, layer, catalog)
    say = _TITLES.get(choices.layer.partition(".")[0])
    title = (say(subject) if say else None) or catalog.t(
        "map.heading.plain", layer=catalog.pick(layer["name"])
    )
    parts = [catalog.pick(layer["name"])]
    # Named classes have no unit that says anything.
    if layer["breaks"]:
        parts.append(catalog.pick(layer["unit"]))
    if choices.level != AUTO:
        parts.append(catalog.t(f"map.level.{choices.level}"))
    if layer["weekly"]:
        parts.append(words.week_label(catalog, choices.week))
    return Heading(title, " · ".join(parts))


def _worst(towns: pd.DataFrame, column: str, *, largest: bool) -> pd.Series | None:
    known = towns.dropna(subset=[column])
    if len(known) < 2:
        return None
    ordered = known.sort_values(column, ascending=not largest)
    return ordered.iloc[0]


def _covered(subject: _Subject) -> str | None:
    kind = places.kind_entry(subject.snapshot, str(subject.layer["kind"]))
    table = subject.reader.table(subject.snapshot.snapshot_id, "coverage")
    rows = table[(table["kind"] == subject.layer["kind"]) & (table["level"] == _top(table))]
    persons = rows["persons"].sum()
    if kind is None or not persons > 0:
        return None
    missing = float(persons - rows["persons_covered"].sum())
    key = "map.heading.covered" if missing >= 1 else "map.heading.covered_all"
    return subject.text.t(
        key,
        place=subject.place,
        persons=words.persons(subject.text, missing),
        share=words.percent(missing / persons),
        kind=words.inside(subject.text, subject.text.pick(kind["name"])),
        minutes=words.setting(kind["threshold_min"]),
    )


def _top(table: pd.DataFrame) -> str:
    """The coarsest level of a table."""
    present = set(table["level"])
    return next(
        (level for level in (Level.COUNTY, Level.TOWN, Level.VILLAGE) if level in present), ""
    )


def _nearest(subject: _Subject) -> str | None:
    minutes = subject.county(subject.choices.layer)
    kind = places.kind_entry(subject.snapshot, str(subject.layer["kind"]))
    if minutes is None or kind is None:
        return None
    return subject.text.t(
        "map.heading.nearest_min",
        place=subject.place,
        kind=words.inside(subject.text, subject.text.pick(kind["name"])),
        minutes=words.minutes(minutes),
    )


def _access(subject: _Subject) -> str | None:
    value = subject.county(subject.choices.layer)
    if value is None:
        return None
    said = subject.text.t(
        "map.heading.access",
        place=subject.place,
        value=words.figure(value),
        supply=subject.text.t(places.supply_key(subject.snapshot)),
    )
    worst = _worst(subject.towns(), "access", largest=False)
    if worst is None or subject.choices.layer != "access":
        return said
    return subject.joined(
        said,
        subject.text.t(
            "map.heading.access_worst", town=worst["name"], worst=words.figure(worst["access"])
        ),
    )


def _referral(subject: _Subject) -> str | None:
    code = subject.choices.layer.partition(".")[2]
    steps = {step["code"]: step for step in subject.snapshot.meta.get("referral", [])}
    if code in steps:
        minutes = subject.county(subject.choices.layer)
        return None if minutes is None else subject.text.t(
            "map.heading.nearest_min",
            place=subject.place,
            kind=words.inside(subject.text, subject.text.pick(steps[code]["name"])),
            minutes=words.minutes(minutes),
        )  # fmt: skip
    table = subject.reader.table(subject.snapshot.snapshot_id, "referral")
    by_step = table[table["level"] == _top(table)].groupby("step")
    known, broken = by_step["persons"].sum(), by_step["persons_broken"].sum()
    if known.empty or not known.max() > 0:
        return None
    if not broken.max() > 0:
        return subject.text.t("map.heading.referral_whole", place=subject.place)
    worst = str(broken.idxmax())
    return subject.text.t(
        "map.heading.referral",
        place=subject.place,
        persons=words.persons(subject.text, float(broken[worst])),
        share=words.percent(float(broken[worst] / known[worst])),
        name=words.inside(subject.text, subject.text.pick(steps[worst]["name"])),
    )


def _gap(subject: _Subject) -> str | None:
    ranking = subject.reader.table(subject.snapshot.snapshot_id, "gap_ranking")
    villages = ranking[ranking["level"] == Level.VILLAGE]
    if villages.empty:
        return None
    short = villages[villages["gap"] >= GapClass.CLEAR]
    if short.empty:
        return subject.text.t("map.heading.gap_none")
    return subject.text.t(
        "map.heading.gap",
        count=len(short),
        persons=words.persons(subject.text, float(short["persons"].sum())),
    )


def _tier(subject: _Subject) -> str:
    warned = subject.reader.warnings(subject.snapshot.snapshot_id, subject.choices.week)
    if subject.layer["measure"]:
        warned = warned[warned["measure"] == subject.layer["measure"]]
    warned = places.warned_places(warned)
    week = words.week_short(subject.text, subject.choices.week)
    if warned.empty:
        return _capital(subject.text.t("map.heading.tier_none", week=week))
    highest = places.tier_key(warned["tier"].max())
    return subject.text.t(
        "map.heading.tier",
        week=week,
        count=len(warned),
        tier=subject.text.t(f"common.tier.{highest}").lower(),
    )


def _rate(subject: _Subject) -> str:
    value = subject.county(subject.choices.layer)
    measure = places.measure_entry(subject.snapshot, str(subject.layer["measure"]))
    said = _capital(
        subject.text.t(
            "map.heading.rate" if value is not None else "map.heading.rate_none",
            week=words.week_short(subject.text, subject.choices.week),
            measure=subject.text.pick(measure["name"]),
            value=words.figure(value if value is not None else float("nan")),
        )
    )
    if not measure["warn"]:
        return said
    warned = subject.reader.warnings(subject.snapshot.snapshot_id, subject.choices.week)
    count = len(places.warned_places(warned[warned["measure"] == measure["code"]]))
    key = "map.heading.rate_warned" if count else "map.heading.rate_quiet"
    return subject.joined(said, subject.text.t(key, count=count))


def _share(subject: _Subject) -> str | None:
    group = subject.choices.layer.partition(".")[2]
    persons, share = subject.county(f"population.{group}"), subject.county(subject.choices.layer)
    if persons is None or share is None:
        return None
    names = {entry["code"]: entry["name"] for entry in subject.snapshot.meta["groups"]}
    return subject.text.t(
        "map.heading.share",
        group=subject.text.pick(names.get(group)),
        place=subject.place,
        share=words.percent(share),
        persons=words.persons(subject.text, persons),
    )


def _density(subject: _Subject) -> str | None:
    persons = subject.county("population")
    if persons is None:
        return None
    return subject.text.t(
        "map.heading.density", place=subject.place, persons=words.persons(subject.text, persons)
    )


def _need(subject: _Subject) -> str | None:
    worst = _worst(subject.towns(), "need", largest=True)
    if worst is None:
        return None
    return subject.text.t("map.heading.need", town=worst["name"], worst=words.figure(worst["need"]))


def _shortage(subject: _Subject) -> str | None:
    worst = _worst(subject.towns(), "shortage", largest=True)
    if worst is None:
        return None
    return subject.text.t(
        "map.heading.shortage", town=worst["name"], worst=words.figure(worst["shortage"])
    )


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


_TITLES: dict[str, Callable[[_Subject], str | None]] = {
    "covered": _covered,
    "nearest_min": _nearest,
    "access": _access,
    "referral": _referral,
    "gap": _gap,
    "gap_share": _gap,
    "tier": _tier,
    "rate": _rate,
    "share": _share,
    "density": _density,
    "need": _need,
    "shortage": _shortage,
}
