"""Names within an address: what they begin with, and what may stand before and after them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
# After a name these make it a road's: 柳溪村路.
ROAD = re.compile(r"路|街(?!道)|大道|大街|公路|巷|弄|胡同|桥")
# What may stand before a name in an address, besides its beginning and anything that is no letter.
ENDINGS = frozenset("省市县区州盟旗镇乡道村里与及")


class Trie(Generic[T]):
    """Names by their letters."""

    def __init__(self) -> None:
        self._root = _Node[T]()

    def add(self, name: str, thing: T) -> None:
        """Add one more thing of a name."""
        node = self._root
        for letter in name:
            node = node.after.setdefault(letter, _Node())
        if thing not in node.things:
            node.things.append(thing)

    def longest(self, text: str, start: int) -> tuple[int, Sequence[T]]:
        """Length of the longest name that begins at a position, and its things."""
        node: _Node[T] | None = self._root
        best: tuple[int, Sequence[T]] = (0, ())
        for position in range(start, len(text)):
            node = node.after.get(text[position]) if node is not None else None
            if node is None:
                break
            if node.things:
                best = (position - start + 1, node.things)
        return best


class _Node(Generic[T]):
    """A letter of names."""

    def __init__(self) -> None:
        self.after: dict[str, _Node[T]] = {}
        self.things: list[T] = []
