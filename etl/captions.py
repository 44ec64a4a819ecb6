"""Which rows of a table that nobody has described are its header, and its columns' names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from etl.persons import Texts, signs


def caption_rows(rows: Sequence[Sequence[str]]) -> tuple[int, int]:
    """First header row and the row after the last; the same where there is none.

    A header is a row of different labels about as wide as what follows. Merged cells leave gaps
    in it, which the row below fills.
    """
    for start, row in enumerate(rows):
        filled = [text.strip() for text in row if text.strip()]
        width = max((sum(map(bool, map(str.strip, r))) for r in rows[start : start + 6]), default=0)
        if not filled or 2 * len(filled) < width or len(rows) == start + 1:
            continue
        if len(set(filled)) == len(filled) and all(map(_is_label, filled)):
            below = rows[start + 1]
            merged = len(filled) < len([t for t in below if t.strip()]) or len(filled) < width
            two = merged and all(_is_label(text.strip()) for text in below if text.strip())
            return start, start + 1 + two
        if any(re.search(r"[0-9]{4}", text) for text in filled):
            return start, start  # data have begun
    return 0, 0


def _is_label(text: str) -> bool:
    plain = unicodedata.normalize("NFKC", text)
    if len(plain) > 24 or (len(plain) > 12 and re.search("[、。,;:]", plain)):
        return False  # a sentence
    if re.fullmatch(r"[0-9.,%+\- /:年月日]+", plain) or re.search("[0-9]{8}", plain):
        return False
    return not signs(Texts.of([plain]))


def caption(rows: Sequence[Sequence[str]], i: int) -> str:
    """A column's name: `upper/lower`, its place where it has none."""
    parts = [" ".join(row[i].split()) for row in rows if i < len(row) and row[i].strip()]
    return "/".join(dict.fromkeys(parts)) or f"#{i + 1}"
