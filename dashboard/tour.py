"""The wall's tour: which places are shown, on which layer, with which sentence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dashboard.choices import LayerBook
from dashboard.response_words import standard
from dashboard.story import Rank, Story, Warned
from dashboard.text import Catalog, words
from etl.store.reader import Reader, Snapshot
from geo.errors import NotPublishedError
from geo.model import Level, Tier

LAYERS = ("tier", "gap", "access")
MAX_WARNED, MAX_GAPS, MAX_ACCESS = 8, 3, 2
Bounds = tuple[float, float, float, float]


@dataclass(frozen=True)
class Stop:
    """One place on the tour, or the whole locality.

    Attributes
    ----------
    layer, level : what the map is coloured by.
    area_level, area_code : the place; both empty for the whole locality.
    bounds : west, south, east, north [deg] that should be seen.
    tier : of a warned place.
    title, sentence, action : what the panel says; the action may be empty.
    answer : what became of the warning, empty for none; `late` where its deadline has passed.
    """

    layer: str
    level: str
    area_level: str
    area_code: str
    bounds: Bounds
    tier: Tier | None
    title: str
    sentence: str
    action: str
    answer: str = ""
    late: bool = False


def plan(
    reader: Reader, story: Story, catalog: Catalog, *, layers: Sequence[str] = LAYERS
) -> list[Stop]:
    """The stops of the tour, in order; layers that were not published are left out.

    A locality without any of the layers still has one stop: itself.
    """
    guide = _Guide(reader, story, catalog)
    known = [layer for layer in layers if layer in guide.book.layers]
    first = guide.book.first_layer()
    if not known and first is not None:
        known = [first]
    return [stop for layer in known for stop in guide.stops(layer)]


class _Guide:
    def __init__(self, reader: Reader, story: Story, catalog: Catalog) -> None:
        self.reader = reader
        self.story = story
        self.snapshot: Snapshot = story.snapshot
        self.book = LayerBook(self.snapshot)
        self.catalog = catalog
        self.t = catalog.t
        coarsest = self.snapshot.meta["levels"][-1]
        west, south, east, north = coarsest["bounds"]
        self.whole: Bounds = (west, south, east, north)

    def stops(self, layer: str) -> Iterator[Stop]:
        yield self.overview(layer)
        if layer == "tier":
            for warned in self.story.warned[:MAX_WARNED]:
                yield from self.warned(warned)
        elif layer == "gap":
            for rank in self.story.ranking[:MAX_GAPS]:
                if rank.persons > 0:
                    yield from self.place(layer, rank, self.gap_words(rank), "gap")
        elif layer == "access":
            reached = [rank for rank in self.story.ranking if math.isfinite(rank.access)]
            median = sorted(rank.access for rank in reached)[len(reached) // 2] if reached else 0.0
            for rank in sorted(reached, key=lambda rank: rank.access)[:MAX_ACCESS]:
                sentence = self.t(
                    "wall.stop.access",
                    access=words.figure(rank.access),
                    median=words.figure(median),
                )
                yield from self.place(layer, rank, sentence, "access")

    def overview(self, layer: str) -> Stop:
        sentences = {
            "tier": self.story.warned_sentence,
            "gap": self.story.gap_sentence,
            "access": self.story.access_sentence,
        }
        name = self.catalog.pick(self.book.layers[layer]["name"])
        key = f"wall.stop.overview_{layer}"
        return Stop(
            layer=layer,
            level=self.book.level_for(layer, Level.VILLAGE),
            area_level="",
            area_code="",
            bounds=self.whole,
            tier=None,
            title=self.t(key) if self.catalog.has(key) else name,
            sentence=sentences.get(layer, name),
            action="",
        )

    def warned(self, warned: Warned) -> Iterator[Stop]:
        bounds = self.bounds(warned.level, warned.area_code)
        if bounds is None:
            return
        asked = standard(warned.tier, self.snapshot, self.catalog)
        yield Stop(
            layer="tier",
            level=self.book.level_for("tier", warned.level),
            area_level=warned.level,
            area_code=warned.area_code,
            bounds=bounds,
            tier=warned.tier,
            title=warned.title(self.catalog),
            sentence=words.unbroken(warned.sentence(self.catalog)),
            action=self.t("wall.action.standard", standard=asked) if asked else "",
            answer=" · ".join(part for part in (warned.answer, warned.office) if part),
            late=warned.late,
        )

    def place(self, layer: str, rank: Rank, sentence: str, action: str) -> Iterator[Stop]:
        level = self.story.ranking_level
        bounds = self.bounds(level, rank.area_code)
        if bounds is None:
            return
        yield Stop(
            layer=layer,
            level=self.book.level_for(layer, Level.GRID),
            area_level=level,
            area_code=rank.area_code,
            bounds=bounds,
            tier=None,
            title=rank.name,
            sentence=words.unbroken(sentence),
            action=self.t(f"wall.action.{action}"),
        )

    def gap_words(self, rank: Rank) -> str:
        service = self.story.service
        said = self.t(
            "wall.stop.gap",
            persons=words.persons(self.catalog, rank.persons),
            mode=service.mode,
            minutes=service.minutes,
            kind=service.name,
        )
        if rank.villages > 0:
            said += self.t("wall.stop.gap_villages", villages=words.number(rank.villages))
        return said

    def bounds(self, level: str, area_code: str) -> Bounds | None:
        try:
            areas = self.reader.areas(self.snapshot.snapshot_id, level)
        except NotPublishedError:
            return None
        found = areas[areas["area_code"] == area_code]
        if found.empty:
            return None
        row = found.iloc[0]
        return (
            float(row["west"]),
            float(row["south"]),
            float(row["east"]),
            float(row["north"]),
        )
