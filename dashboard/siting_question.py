"""A question of where sites should be, in words, and in what two questions differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.text import Catalog, words
from etl.store.reader import Reader, Snapshot
from geo.errors import NotPublishedError

TOTAL = "total"
# What is asked of every part of a question, and what is asked of the whole; in the order said.
PART_FACETS = ("kind", "number", "reach", "group", "sources", "cost", "capacity", "towns")
WHOLE_FACETS = (
    "objective", "budget", "locked", "forbidden", "closable", "extra", "separation",
    "one_per_town", "town_share", "worst_first", "weigh_by",
)  # fmt: skip
FACETS = (*PART_FACETS, *WHOLE_FACETS)
# Whoever differs in these counts something else: figures of the two cannot be set off.
MEASURE = ("kind", "reach", "group")
_FEW = 4


@dataclass(frozen=True)
class Names:
    """What codes of a snapshot are called."""

    kinds: Mapping[str, str]
    groups: Mapping[str, str]
    towns: Mapping[str, str]

    @classmethod
    def read(cls, reader: Reader, snapshot: Snapshot, catalog: Catalog) -> Names:
        """Names as the snapshot has them."""

        def named(key: str) -> dict[str, str]:
            return {one["code"]: catalog.pick(one["name"]) for one in snapshot.meta.get(key, [])}

        try:
            areas = reader.areas(snapshot.snapshot_id, "town")
        except NotPublishedError:
            towns = {}
        else:
            towns = dict(zip(areas["area_code"], areas["name"], strict=True))
        return cls(named("kinds"), named("groups"), towns)

    def group(self, code: str, catalog: Catalog) -> str:
        """A group of residents; all of them have no name in a snapshot."""
        return catalog.t("asked.everybody") if code == TOTAL else self.groups.get(code, code)


def facets(question: Mapping[str, Any], names: Names, catalog: Catalog) -> dict[str, str]:
    """What a question asks, facet by facet in the order of `FACETS`; empty where it asks nothing.

    Parameters
    ----------
    question : as `etl.siting.question.Question` writes itself.
    names : of the snapshot it is asked of.
    catalog : the language.
    """
    parts = question["parts"]
    said = {
        facet: _joined((_of_part(facet, part, names, catalog) for part in parts), catalog)
        for facet in PART_FACETS
    }
    return said | {facet: _of_whole(facet, question, catalog) for facet in WHOLE_FACETS}


def sentence(question: Mapping[str, Any], names: Names, catalog: Catalog) -> str:
    """A question in one sentence: what, how many, for whom, within how long, to what end."""
    said = facets(question, names, catalog)
    parts = catalog.t("asked.and").join(
        _part_words(part, names, catalog) for part in question["parts"]
    )
    rest = [said[facet] for facet in ("objective", "budget", *WHOLE_FACETS[2:-1]) if said[facet]]
    if question.get("weigh_by") == "need":
        rest.append(said["weigh_by"])
    if said["towns"]:
        rest.append(said["towns"])
    return words.unbroken(catalog.t("asked.comma").join([parts, *rest]))


def differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """Facets in which two questions differ, in the order of `FACETS`; empty for the same one."""
    return [facet for facet in FACETS if _asked(facet, first) != _asked(facet, second)]


def same_measure(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether "covered" means the same in both: of which kind, how and how soon, for whom."""
    return not set(differing(first, second)) & set(MEASURE)


# ---------------------------------------------------------------- what is asked


_PART_KEYS: Mapping[str, tuple[str, ...]] = {
    "kind": ("kind",),
    "number": ("p_new",),
    "reach": ("mode", "threshold_min"),
    "group": ("group",),
    "sources": ("sources",),
    "cost": ("cost_new",),
    "capacity": ("capacity_new",),
    "towns": ("towns",),
}
_WHOLE_KEYS: Mapping[str, tuple[str, ...]] = {
    "budget": ("budget",),
    "closable": ("closable", "max_closures"),
    "separation": ("min_separation_m",),
    "town_share": ("min_town_share",),
}
# What a question that does not say otherwise asks.
_USUAL = {"objective": "max_coverage", "weigh_by": "residents", "group": TOTAL}


def _asked(facet: str, question: Mapping[str, Any]) -> list[Any]:
    """What a question says of a facet, so that the same is equal however it was written."""
    if facet in _PART_KEYS:
        return [
            _plain(key, part.get(key)) for part in question["parts"] for key in _PART_KEYS[facet]
        ]
    return [_plain(key, question.get(key)) for key in _WHOLE_KEYS.get(facet, (facet,))]


def _plain(key: str, value: Any) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return sorted(str(one) for one in value)
    if value is None or value is False or value == "":
        return _USUAL.get(key, [] if key in _LISTS else None)
    return value


_LISTS = frozenset({"sources", "towns", "locked", "forbidden", "closable", "extra"})


# ---------------------------------------------------------------- words


def _part_words(part: Mapping[str, Any], names: Names, catalog: Catalog) -> str:
    kind = names.kinds.get(part["kind"], part["kind"])
    count = part.get("p_new")
    said = catalog.t(
        _counted("asked.part", count),
        kind=words.inside(catalog, kind),
        count=abs(count or 0),
        reach=_of_part("reach", part, names, catalog),
    )
    if part.get("group", TOTAL) != TOTAL:
        said += catalog.t("asked.for_group", group=names.group(part["group"], catalog))
    return said


def _counted(key: str, count: int | None) -> str:
    """The text for so many more sites, for none, for fewer than today, for any number."""
    if count is None:
        return f"{key}_any"
    return f"{key}_none" if count == 0 else f"{key}_fewer" if count < 0 else key


def _of_part(facet: str, part: Mapping[str, Any], names: Names, catalog: Catalog) -> str:
    t, said = catalog.t, ""
    if facet == "kind":
        said = names.kinds.get(part["kind"], part["kind"])
    elif facet == "number":
        count = part.get("p_new")
        key = "asked.number_fewer" if count is not None and count < 0 else "asked.number"
        said = t("asked.any_number") if count is None else t(key, count=abs(count))
    elif facet == "reach":
        minutes = words.setting(float(part["threshold_min"]))
        said = t(f"asked.reach_{part['mode']}", minutes=minutes)
    elif facet == "group":
        said = names.group(part.get("group") or TOTAL, catalog)
    elif facet == "sources":
        sources = [t(f"siting.source.{source}") for source in part.get("sources") or ()]
        said = _few(sources, catalog)
    elif facet == "towns":
        towns = [names.towns.get(code, code) for code in part.get("towns") or ()]
        said = t("asked.towns", towns=_few(towns, catalog)) if towns else ""
    else:
        said = _figure(facet, part.get(_PART_KEYS[facet][0]), catalog)
    return said


def _of_whole(facet: str, question: Mapping[str, Any], catalog: Catalog) -> str:
    t = catalog.t
    if facet in ("objective", "weigh_by"):
        said = t(f"asked.{facet}_{question.get(facet) or _USUAL[facet]}")
    elif facet in ("locked", "forbidden", "extra", "closable"):
        count, most = len(question.get(facet) or ()), question.get("max_closures")
        key = "closable_most" if facet == "closable" and most is not None else facet
        said = t(f"asked.{key}", count=count, most=most) if count else ""
    elif facet in ("one_per_town", "worst_first"):
        said = t(f"asked.{facet}") if question.get(facet) else ""
    else:
        said = _figure(facet, question.get(_WHOLE_KEYS[facet][0]), catalog)
    return said


def _figure(facet: str, value: Any, catalog: Catalog) -> str:
    """A limit that somebody set; empty where none is."""
    if value is None:
        return ""
    share = facet == "town_share"
    said = words.limit(float(value), share=True) if share else words.figure(float(value))
    return catalog.t(f"asked.{facet}", value=said)


def _few(names: Sequence[str], catalog: Catalog) -> str:
    """A list that stays a line: the first few, and how many in all."""
    said = catalog.t("common.list.separator").join(names[:_FEW])
    return said if len(names) <= _FEW else catalog.t("asked.more", names=said, count=len(names))


def _joined(parts: Iterable[str], catalog: Catalog) -> str:
    """What the parts of a question say, once where all say the same."""
    return catalog.t("asked.and").join(dict.fromkeys(part for part in parts if part))
