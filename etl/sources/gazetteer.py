"""Names of places → areas of the locality: by town and village, or found in an address.

A name is compared without regard to width, script variants and the word its kind ends in; it is
used only where one single area fits. What merely resembles a name is proposed and never used.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd

from etl.sources.addresses import ENDINGS, ROAD, Trie
from etl.sources.names import OPEN, compatible, fold, name_key, same_name, spoken_names, stands_in
from geo.model import LEVELS, Level

# After a name these make it a longer name: 西镇村.
_LONGER = re.compile(r"街道|镇(?!政府|人民政府)|乡(?!政府|人民政府)|村(?!委会|村?民委员会)|社区")
# A county, city or province by its full name.
_UNIT = re.compile(r"[^\W\d]{2,8}?(?:省|自治区|市|县|州|盟|旗)")
# Below this likeness nothing is proposed.
_LIKENESS = 0.5


@dataclass(frozen=True)
class Named:
    """An area as the gazetteer knows it."""

    level: Level
    code: str
    name: str
    parent: str | None


@dataclass(frozen=True)
class Found:
    """What a row's names lead to.

    Attributes
    ----------
    area : the one area that fits, None where none or several do.
    candidates : areas between which the names do not decide.
    unclear : the name that stayed without an area of its own; "" where none did.
    proposal : the most like name, to be shown and never used; "—" where there is none.
    """

    area: Named | None = None
    candidates: tuple[Named, ...] = ()
    unclear: str = ""
    proposal: str = "—"


class Gazetteer:
    """Names of the areas of a locality.

    Parameters
    ----------
    areas : level, area_code, name, parent_code. An area without a name of its own (its name is its
        code) cannot be found by name.

    Notes
    -----
    A lookup costs O(1) but for names with stand-in characters, O(n_areas of the town); an address
    O(its length × the longest name) through a trie.

    Examples
    --------
    >>> areas = pd.DataFrame({"level": ["village", "village", "town", "county"],
    ...     "area_code": ["v1", "v2", "t", "c"], "name": ["玉峯村", "三元社区", "西镇", "试验县"],
    ...     "parent_code": ["t", "t", "c", None]})
    >>> gazetteer = Gazetteer(areas)
    >>> gazetteer.find(town="试验县西镇", village="玉峰").area.code
    'v1'
    >>> gazetteer.find(address="某省某市试验县西镇3元社区人民路3号").area.code
    'v2'
    """

    def __init__(self, areas: pd.DataFrame) -> None:
        columns = (areas[name].tolist() for name in ("level", "area_code", "name", "parent_code"))
        every = [
            Named(Level(level), str(code), str(name), None if pd.isna(parent) else str(parent))
            for level, code, name, parent in zip(*columns, strict=True)
        ]
        self._areas = {(area.level, area.code): area for area in every}
        self._above = {area: self._parent(area) for area in every if area.level is not Level.COUNTY}
        named = [area for area in every if area.name and area.name != area.code]
        self._keys = {area: name_key(area.name, area.level) for area in named}
        self._by_reading: dict[tuple[Level, str], list[Named]] = {}
        for area, key in self._keys.items():
            for stem, _ in key.readings:
                self._by_reading.setdefault((area.level, stem), []).append(area)
        self._of_level = {
            level: [area for area in named if area.level is level] for level in LEVELS
        }
        self._locality = sorted(
            {
                form
                for area in self._of_level[Level.COUNTY]
                for form in (self._keys[area].text, self._keys[area].stem)
                if len(form) > 1
            },
            key=len,
            reverse=True,
        )
        self._trie: Trie[Named] = Trie()
        for area in (*self._of_level[Level.TOWN], *self._of_level[Level.VILLAGE]):
            for form in spoken_names(self._keys[area], area.level):
                self._trie.add(form, area)
        self.find = lru_cache(maxsize=65536)(self._find)

    def _parent(self, area: Named) -> Named | None:
        """The area above, of the next level that has it."""
        if area.parent is None:
            return None
        above = LEVELS[LEVELS.index(area.level) + 1 :]
        return next(
            (found for level in above if (found := self._areas.get((level, area.parent)))), None
        )

    def inside(self, area: Named, other: Named) -> bool:
        """Whether an area is another or lies in it."""
        at: Named | None = area
        while at is not None:
            if at == other:
                return True
            at = self._above.get(at)
        return False

    def named(self, name: str, level: Level, *, within: Named | None = None) -> tuple[Named, ...]:
        """Areas of a level that a name fits: none, one, or those between which it is open.

        First names with the same stem and kind, then those where one side says no kind, then those
        that agree but for characters that stand in for rare ones.
        """
        key = name_key(name, level)
        if not key.text:
            return ()
        near: dict[Named, None] = {}
        for stem, _ in key.readings:
            for area in self._by_reading.get((level, stem), ()):
                if within is None or self.inside(area, within):
                    near.setdefault(area)
        same = [area for area in near if same_name(key, self._keys[area])]
        if same:
            return tuple(same)
        loose = [area for area in near if compatible(key, self._keys[area])]
        if loose:
            return tuple(loose)
        return tuple(
            area
            for area in self._of_level[level]
            if stands_in(key, self._keys[area]) and (within is None or self.inside(area, within))
        )

    def proposal(self, name: str, level: Level, *, within: Named | None = None) -> str:
        """The most like name of a level; "—" if none is like it."""
        text = name_key(name, level).text
        by_text = {
            self._keys[area].text: area.name
            for area in self._of_level[level]
            if within is None or self.inside(area, within)
        }
        close = difflib.get_close_matches(text, by_text, n=1, cutoff=_LIKENESS)
        return by_text[close[0]] if close else "—"

    def _find(self, town: str = "", village: str = "", address: str = "") -> Found:
        """The area that a row's names lead to, the finest that is certain.

        Parameters
        ----------
        town, village : names of areas; each may begin with those above it.
        address : searched for full names where the village's name does not decide.

        Returns
        -------
        Found; a town where only the town is certain, with the name that stayed unclear.
        """
        own_town, own_village = self._without_locality(town), self._without_locality(village)
        if own_town:
            return self._by_town(own_town, town, own_village, village, address)
        if own_village:
            return self._by_village(own_village, village, address)
        return self._in_address(address)

    def _by_town(
        self, own_town: str, town: str, own_village: str, village: str, address: str
    ) -> Found:
        """Where the row names a town; a village of another town is not looked for."""
        towns = self.named(own_town, Level.TOWN)
        if len(towns) == 1:
            return self._within(towns[0], own_village, village, address)
        spoken = self._in_address(own_town)
        if spoken.area is not None:
            return self._within(spoken.area, own_village, village, address)
        proposal = self.proposal(own_town, Level.TOWN)
        return Found(candidates=towns, unclear=town, proposal=proposal)

    def _by_village(self, own_village: str, village: str, address: str) -> Found:
        """Where the row names a village alone, perhaps with its town before it."""
        villages = self.named(own_village, Level.VILLAGE)
        if len(villages) == 1:
            return Found(villages[0])
        spoken = self._in_address(own_village)
        if spoken.area is not None and spoken.area.level is Level.VILLAGE:
            return spoken
        place = self._in_address(address)
        if place.area is not None:
            return self._within(self._town_of(place.area), own_village, village, "")
        proposal = self.proposal(own_village, Level.VILLAGE)
        return Found(candidates=villages, unclear=village, proposal=proposal)

    def _within(self, town: Named, own_village: str, village: str, address: str) -> Found:
        """The village of a town that names lead to, else the town."""
        if town.level is not Level.TOWN:
            return Found(town)
        if not own_village:
            place = self._in_address(address)
            if place.area is not None and self.inside(place.area, town):
                return place
            return Found(town)
        villages = self.named(own_village, Level.VILLAGE, within=town)
        if len(villages) == 1:
            return Found(villages[0])
        spoken = self._in_address(own_village)
        if spoken.area is not None and spoken.area != town and self.inside(spoken.area, town):
            return spoken
        proposal = self.proposal(own_village, Level.VILLAGE, within=town)
        return Found(town, candidates=villages, unclear=village, proposal=proposal)

    def _town_of(self, area: Named) -> Named:
        above = self._above.get(area)
        return area if area.level is Level.TOWN or above is None else above

    def _without_locality(self, text: str) -> str:
        """A name without the locality's own and what stands before it."""
        folded = fold(text)
        for name in self._locality:
            before, found, rest = folded.partition(name)
            if found and len(before) <= _BEFORE and not self.named(text, Level.TOWN):
                return rest if name[-1:] in ENDINGS else re.sub(r"^[市县区旗](?=.)", "", rest)
        return text.strip()

    def _in_address(self, address: str) -> Found:
        """The area that an address names in full."""
        text = fold(address, keep_breaks=True)
        hits = list(self._hits(text)) if text.strip() else []
        if not hits:
            return Found(unclear=address if text.strip() else "")
        foreign = self._foreign(text[: hits[0][0]])
        towns = _distinct(area for _, area in hits if area.level is Level.TOWN)
        villages = _distinct(area for _, area in hits if area.level is Level.VILLAGE)
        if len(towns) > 1:
            return Found(candidates=tuple(towns), unclear=address)
        if towns:
            villages = [area for area in villages if self.inside(area, towns[0])]
        if len(villages) == 1 and (towns or not foreign):
            return Found(villages[0])
        if towns and not foreign:
            unclear = address if villages else ""
            return Found(towns[0], candidates=tuple(villages), unclear=unclear)
        return Found(candidates=tuple(towns or villages), unclear=address)

    def _hits(self, text: str) -> Iterator[tuple[int, Named]]:
        """Where full names stand in an address, the longest of nested ones; all areas of a name."""
        ready = self._after_locality(text)
        start = 0
        while start < len(text):
            length, areas = self._trie.longest(text, start)
            before = text[start - 1] if start else OPEN
            free = start in ready or not before.isalpha() or before in ENDINGS
            rest = text[start + length :]
            if not length or not free or ROAD.match(rest) or _LONGER.match(rest):
                start += 1
                continue
            for area in areas:
                yield start, area
            start += length
            ready.add(start)

    def _after_locality(self, text: str) -> set[int]:
        """Positions right after the locality's name."""
        return {
            match.end() for name in self._locality for match in re.finditer(re.escape(name), text)
        }

    def _foreign(self, before: str) -> bool:
        """Whether an address names another county or city, and not this locality."""
        if any(name in before for name in self._locality):
            return False
        return _UNIT.search(before) is not None


# What may stand before the locality's name: a province and a prefecture.
_BEFORE = 16


def _distinct(areas: Iterable[Named]) -> list[Named]:
    return list(dict.fromkeys(areas))
