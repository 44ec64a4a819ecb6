"""Sites whose place is known, found by their names in the addresses of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from etl.sources.addresses import ENDINGS, ROAD, Trie
from etl.sources.names import fold

# A name of fewer letters is no landmark: 中心, 学校.
_TELLING = 4


class Landmarks:
    """Sites whose place is known, by name: an address that names one is as good as its place.

    Parameters
    ----------
    names, lon, lat : one a site. A name that stands at several places, or is shorter than four
        letters, says nothing.

    Examples
    --------
    >>> found = Landmarks(["柳溪小学"], [113.85], [31.35]).find("西镇柳溪小学东侧")
    >>> found.name, found.lon
    ('柳溪小学', 113.85)
    """

    def __init__(self, names: Sequence[str], lon: Sequence[float], lat: Sequence[float]) -> None:
        places: dict[str, set[Landmark]] = {}
        for name, x, y in zip(names, lon, lat, strict=True):
            places.setdefault(fold(name), set()).add(Landmark(name, float(x), float(y)))
        self._trie: Trie[Landmark] = Trie()
        for key, own in places.items():
            if len(own) == 1 and len(key) >= _TELLING:
                self._trie.add(key, next(iter(own)))

    def find(self, address: str) -> Landmark | None:
        """The one site that an address names in full; None where it names none or several."""
        text = fold(address, keep_breaks=True)
        found: dict[Landmark, None] = {}
        start = 0
        while start < len(text):
            length, sites = self._trie.longest(text, start)
            free = not start or not text[start - 1].isalpha() or text[start - 1] in ENDINGS
            if length and free and not ROAD.match(text[start + length :]):
                found |= dict.fromkeys(sites)
            start += max(1, length if free else 0)
        return next(iter(found)) if len(found) == 1 else None


@dataclass(frozen=True)
class Landmark:
    """A site whose place is known."""

    name: str
    lon: float
    lat: float
