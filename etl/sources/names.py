"""Names of areas as they are compared: one form for all ways of writing them, stem and kind."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from etl.settings import registry
from geo.model import Level

# A character in square brackets, or of a private-use plane, stands for one that the writer's
# encoding lacked: 舊[部]里 for 舊廍里.
_MARKED = re.compile(r"\[(\w)\]")
_NUMBER = re.compile(r"\d{1,4}")
_DIGITS = "零一二三四五六七八九"
# What stands in an address where no letter and no digit did.
OPEN = " "


@dataclass(frozen=True)
class Key:
    """A name as it is compared: its letters, which of them are stand-ins, its stem and kind."""

    text: str
    marks: tuple[bool, ...]
    stem: str
    kind: str

    @property
    def readings(self) -> tuple[tuple[str, str], ...]:
        """As a name without a word of kind, and as stem and kind."""
        whole = (self.text, "")
        return (whole, (self.stem, self.kind)) if self.kind else (whole,)


@cache
def _variants() -> dict[int, str]:
    """Characters that are written in more than one way → the form we compare by."""
    groups: list[str] = registry("variants")["variants"]
    return {ord(other): group[0] for group in groups for other in group[1:]}


@cache
def _suffixes(level: Level) -> tuple[tuple[str, str], ...]:
    """Words that names of a level end in → their kind; longer words first."""
    kinds = registry("variants")["suffixes"].get(str(level), [])
    words = [(fold(word), fold(kind[-1])) for kind in kinds for word in kind]
    return tuple(sorted(words, key=lambda entry: -len(entry[0])))


def fold(text: str, *, keep_breaks: bool = False) -> str:
    """A name or address for comparison.

    Half-width, one form for each character that is written in several, Arabic numerals as Chinese
    ones, without blanks and punctuation.

    Parameters
    ----------
    keep_breaks : a blank stays where something stood that is no letter and no digit.

    Examples
    --------
    >>> fold("臺南 第３社區"), fold("12组")
    ('台南第三社区', '十二组')
    """
    wide = unicodedata.normalize("NFKC", text).casefold().translate(_variants())
    wide = _MARKED.sub(r"\1", wide)
    letters = "".join(c if unicodedata.category(c)[0] in "LNC" else OPEN for c in wide)
    letters = _NUMBER.sub(lambda match: _numeral(int(match.group())), letters)
    return letters if keep_breaks else letters.replace(OPEN, "")


def name_key(name: str, level: Level) -> Key:
    """A name of an area of a level as it is compared."""
    wide = unicodedata.normalize("NFKC", name).strip()
    marks: list[bool] = []
    position = 0
    for match in _MARKED.finditer(wide):
        marks += [unicodedata.category(c) == "Co" for c in wide[position : match.start()]] + [True]
        position = match.end()
    marks += [unicodedata.category(c) == "Co" for c in wide[position:]]
    text = fold(name)
    if len(marks) != len(text):  # blanks or numerals within: such a name has no stand-ins
        marks = [False] * len(text)
    for word, kind in _suffixes(level):
        if text.endswith(word) and len(text) > len(word):
            return Key(text, tuple(marks), text[: -len(word)], kind)
    return Key(text, tuple(marks), text, "")


def same_name(one: Key, other: Key) -> bool:
    return one.text == other.text or (one.stem, one.kind) == (other.stem, other.kind)


def compatible(one: Key, other: Key) -> bool:
    """Whether two names agree but for a word of kind that one of them leaves out."""
    return any(
        stem == other_stem and (not kind or not other_kind)
        for stem, kind in one.readings
        for other_stem, other_kind in other.readings
    )


def stands_in(one: Key, other: Key) -> bool:
    """Whether two names agree but for characters that stand in for rare ones."""
    if len(one.stem) != len(other.stem) or (one.kind and other.kind and one.kind != other.kind):
        return False
    if not (any(one.marks) or any(other.marks)):
        return False
    same = 0
    pairs = zip(one.stem, other.stem, one.marks, other.marks, strict=False)
    for mine, theirs, my_mark, their_mark in pairs:
        if mine == theirs:
            same += 1
        elif not ((my_mark and (their_mark or _rare(theirs))) or (their_mark and _rare(mine))):
            return False
    return same > 0


@cache
def _rare(character: str) -> bool:
    """Whether neither of the old national character sets has a character."""
    for encoding in ("big5", "gb2312"):
        try:
            character.encode(encoding)
        except UnicodeEncodeError:
            continue
        return False
    return True


def spoken_names(key: Key, level: Level) -> Iterator[str]:
    """Full names by which an address may call an area; a bare stem may be a road's."""
    if len(key.stem) < 1 or not any(c.isalpha() for c in key.stem):
        return
    words = _suffixes(level)
    if key.kind:
        yield key.text
        yield from (key.stem + word for word, kind in words if kind == key.kind)
    elif len(key.stem) > 1:
        yield from (key.stem + word for word, _ in words)


def _numeral(number: int) -> str:
    """A number below ten thousand in Chinese numerals."""
    if number < 10:
        return _DIGITS[number]
    written, zero = "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // unit % 10
        if digit:
            written += ("零" if zero else "") + _DIGITS[digit] + name
        zero = bool(written) and not digit
    return written.removeprefix("一") if 10 <= number < 20 else written
