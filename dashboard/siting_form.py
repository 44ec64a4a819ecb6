"""What the form of the siting page holds, as the question it asks, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboard.planner import KindOffer, Offer
from dashboard.text import Catalog

Form = dict[str, Any]
OBJECTIVES = ("max_coverage", "set_cover", "backup_coverage", "p_median", "p_center")
SOURCES = ("venue", "school", "primary_care", "suitable")
PARTS = (0, 1)
FIRST_KIND = "counselling_room"
SECOND_SOURCES = ("school",)
USUAL_NUMBER = 5
USUAL_MINUTES = 15
# Kinds that are not chosen as sites: a hotline has no place, a venue is where something could be.
_NOT_BUILT = ("hotline", "host_venue")


@dataclass(frozen=True)
class Marks:
    """What was set on the map or in the table.

    Attributes
    ----------
    locked : candidates that are built whatever comes.
    forbidden : candidates that are not built.
    closable : sites in service that may be closed.
    extra : places put on the map by hand: id, name, lon, lat.
    """

    locked: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    closable: tuple[str, ...] = ()
    extra: tuple[Mapping[str, Any], ...] = field(default=())

    @classmethod
    def read(cls, stored: Mapping[str, Any] | None) -> Marks:
        """Marks as a store of the browser, or a question, holds them."""
        held = stored or {}
        names = ("locked", "forbidden", "closable", "extra")
        return cls(**{name: tuple(held.get(name) or ()) for name in names})

    def to_store(self) -> dict[str, Any]:
        """For the browser."""
        return {
            "locked": list(self.locked),
            "forbidden": list(self.forbidden),
            "closable": list(self.closable),
            "extra": [dict(point) for point in self.extra],
        }


def kinds_of(offer: Offer) -> list[KindOffer]:
    """Kinds a site can be of, the usual one first."""
    built = [kind for kind in offer.kinds if kind.code not in _NOT_BUILT]
    return sorted(built, key=lambda kind: kind.code != FIRST_KIND)


def kind_names(offer: Offer, catalog: Catalog) -> dict[str, str]:
    """What the kinds on offer are called."""
    return {k.code: catalog.pick({"zh": k.name_zh, "en": k.name_en}) for k in kinds_of(offer)}


def usual_form(offer: Offer) -> Form:
    """What one click asks: five more of the usual kind, within its usual time, for all."""
    first = kinds_of(offer)[0]
    form: Form = {
        "objective": OBJECTIVES[0], "budget": None, "separation": None,
        "one_per_town": [], "worst_first": [], "town_share": None, "weigh_by": "residents",
        "towns": [], "closures": None,
    }  # fmt: skip
    for part in PARTS:
        form |= {
            f"kind-{part}": first.code if part == 0 else None,
            f"mode-{part}": first.mode if part == 0 else "foot",
            f"threshold-{part}": first.threshold_min if part == 0 else USUAL_MINUTES,
            f"group-{part}": "total",
            f"number-{part}": USUAL_NUMBER,
            f"cost-{part}": None,
            f"capacity-{part}": None,
            f"sources-{part}": usual_sources(first.code) if part == 0 else list(SECOND_SOURCES),
        }
    return form


def usual_sources(kind: str) -> list[str]:
    """Where new sites of a kind usually may be; a source of the same kind brings none."""
    return [source for source in SOURCES if source != kind]


def form_of(question: Mapping[str, Any], offer: Offer) -> Form:
    """The form that asks a question."""
    form = usual_form(offer)
    share = question.get("min_town_share")
    form |= {
        "objective": question.get("objective", OBJECTIVES[0]),
        "budget": question.get("budget"),
        "separation": question.get("min_separation_m"),
        "one_per_town": ["on"] if question.get("one_per_town") else [],
        "worst_first": ["on"] if question.get("worst_first") else [],
        "town_share": None if share is None else round(100 * share, 1),
        "weigh_by": question.get("weigh_by", "residents"),
        "closures": question.get("max_closures"),
    }
    for number, part in enumerate(question["parts"][: len(PARTS)]):
        form |= {
            f"kind-{number}": part["kind"],
            f"mode-{number}": part["mode"],
            f"threshold-{number}": part["threshold_min"],
            f"group-{number}": part.get("group", "total"),
            f"number-{number}": part.get("p_new"),
            f"cost-{number}": part.get("cost_new"),
            f"capacity-{number}": part.get("capacity_new"),
            f"sources-{number}": [s for s in part.get("sources", ()) if s in SOURCES],
        }
    form["towns"] = list(question["parts"][0].get("towns", ()))
    return form


def question_of(form: Mapping[str, Any], marks: Marks) -> dict[str, Any]:
    """The question a form asks; whether it can be asked is the planner's to say.

    Parameters
    ----------
    form : values by name of field; None where nothing was typed.
    marks : what was set on the map or in the table.

    Returns
    -------
    As `etl.siting.question.Question` reads it.
    """
    # How many are needed is what that objective is asked for.
    fewest = form["objective"] == "set_cover"
    numbers = [number for number in PARTS if form.get(f"kind-{number}")]
    kinds = [form[f"kind-{number}"] for number in numbers]
    points = _points_of_kinds(marks.extra, kinds)
    taken = {point["kind"] or kinds[0] for point in points}
    parts = [
        _part(form, number, fewest=fewest, extra=kind in taken)
        for number, kind in zip(numbers, kinds, strict=True)
    ]
    share = _number(form.get("town_share"))
    asked: dict[str, Any] = {
        "parts": parts,
        "objective": form["objective"],
        "budget": _number(form.get("budget")),
        **marks.to_store(),
        "extra": points,
        "min_separation_m": _number(form.get("separation")),
        "one_per_town": bool(form.get("one_per_town")),
        "min_town_share": None if share is None else share / 100,
        "worst_first": bool(form.get("worst_first")),
        "weigh_by": form.get("weigh_by") or "residents",
        "max_closures": _whole(form.get("closures")) if marks.closable else None,
    }
    return {key: value for key, value in asked.items() if value is not None}


def _points_of_kinds(
    points: Iterable[Mapping[str, Any]], kinds: Sequence[str]
) -> list[dict[str, Any]]:
    """Points put on the map; as soon as one is for another kind than the first, all say theirs."""
    found = [dict(point) for point in points]
    first = kinds[0] if any(point.get("kind") in kinds[1:] for point in found) else None
    return [{**p, "kind": kind if (kind := p.get("kind")) in kinds else first} for p in found]


def _part(form: Mapping[str, Any], number: int, *, fewest: bool, extra: bool) -> dict[str, Any]:
    sources = list(form.get(f"sources-{number}") or ())
    if extra:
        sources.append("extra")
    part = {
        "kind": form[f"kind-{number}"],
        "mode": form[f"mode-{number}"],
        "threshold_min": _number(form.get(f"threshold-{number}")),
        "group": form.get(f"group-{number}") or "total",
        "p_new": None if fewest else _whole(form.get(f"number-{number}")),
        "sources": sources,
        "cost_new": _number(form.get(f"cost-{number}")),
        "capacity_new": _number(form.get(f"capacity-{number}")),
        "towns": list(form.get("towns") or ()),
    }
    return {key: value for key, value in part.items() if value is not None}


def kept_question(
    question: Mapping[str, Any], site_ids: Sequence[str], points: Iterable[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """The same question with sites chosen by hand: they are locked.

    Parameters
    ----------
    question : of the scenario the sites were tried in.
    site_ids : all new sites as they were tried.
    points : places put on the map while trying; asked for as candidates from now on.
    """
    chosen = set(site_ids)
    kinds = [part["kind"] for part in question["parts"]]
    takers = [part["kind"] for part in question["parts"] if "extra" in part["sources"]] or kinds
    known = _points_of_kinds(question.get("extra", ()), takers)
    there = {point["id"] for point in known}
    new = _points_of_kinds((p for p in points if p["id"] not in there), kinds)
    extra = [*known, *new]
    taken = {point["kind"] or takers[0] for point in extra}
    parts = [
        {**part, "sources": [*part["sources"], "extra"]}
        if part["kind"] in taken and "extra" not in part["sources"]
        else dict(part)
        for part in question["parts"]
    ]
    return {
        **question,
        "parts": parts,
        "extra": extra,
        "locked": sorted(chosen),
        "forbidden": [code for code in question.get("forbidden", ()) if code not in chosen],
    }


def form(fields: Iterable[Mapping[str, str]], values: Iterable[Any]) -> Form:
    """Values of the form by the names of its fields."""
    return {field["index"]: value for field, value in zip(fields, values, strict=True)}


def _number(value: Any) -> float | None:
    return None if value is None or value == "" else float(value)


def _whole(value: Any) -> int | float | None:
    """A whole number as one; half a site stays what it is, for the planner to refuse."""
    number = _number(value)
    return int(number) if number is not None and number == int(number) else number
