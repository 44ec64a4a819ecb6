"""Headers as people make them: under title rows, merged over two rows, with stray spaces."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from etl.findings import UnusableFileError, listed

# A header further down than this is not looked for.
SEARCHED_ROWS = 30


@dataclass(frozen=True)
class Header:
    """Where the header stands and what its columns are called.

    Attributes
    ----------
    start, stop : its rows, counted from 0; data begin at `stop`.
    names : one a column, unique; merged headers flattened to `upper/lower`.
    found : mapped column as written in xintu.toml → position.
    """

    start: int
    stop: int
    names: tuple[str, ...]
    found: dict[str, int]


def plain(text: str) -> str:
    """A header for comparison: half-width, without blanks, case folded.

    Examples
    --------
    >>> plain("人口 \\n(人)")
    '人口(人)'
    """
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).casefold()


def find_header(
    rows: Sequence[Sequence[str]],
    wanted: Sequence[str],
    *,
    header_row: int | Literal["auto"],
    header_rows: int | Literal["auto"],
) -> Header:
    """The header that holds the mapped columns.

    Parameters
    ----------
    rows : the first rows of the table as text.
    wanted : mapped columns; an upper/lower name, or the lower one alone where it is unique.
    header_row : first header row counted from 1, or "auto": the row that names most of `wanted`.
    header_rows : merged headers over so many rows.

    Raises
    ------
    UnusableFileError : a mapped column is missing or stands twice.
    """
    if header_row == "auto":
        starts = range(max(1, min(len(rows), SEARCHED_ROWS)))
    else:
        starts = range(header_row - 1, header_row)
    best, best_score = None, (-1, -1, -1)
    if header_rows == "auto":
        header_rows = 1
    for start in starts:
        names = flatten(rows[start : start + header_rows])
        places = {name: positions(names, name) for name in wanted}
        score = sum(bool(place) for place in places.values())
        # A title above a merged header makes every name a lower one: whole names are better.
        whole = sum(plain(names[p[0]]) == plain(name) for name, p in places.items() if p)
        # Without any hit the fullest row is shown as what the file has.
        filled = 0 if score else sum(bool(name) for name in names)
        if (score, whole, filled) > best_score:
            best, best_score = (start, names, places), (score, whole, filled)
        if whole == len(wanted):
            break
    if best is None:
        raise UnusableFileError("empty_file", came="0 rows")
    start, names, places = best
    _require(names, places, row=start + 1)
    return Header(
        start=start,
        stop=start + header_rows,
        names=_unique(names),
        found={name: place[0] for name, place in places.items()},
    )


def flatten(rows: Sequence[Sequence[str]]) -> list[str]:
    """Column names from merged header rows: `upper/lower`, the upper one spread to its right."""
    width = max((len(row) for row in rows), default=0)
    grid = [[_clean(row[i]) if i < len(row) else "" for i in range(width)] for row in rows]
    for above, upper in enumerate(grid[:-1]):
        for i in range(1, width):
            starts_group = any(grid[r][i] for r in range(above))
            has_lower = any(lower[i] for lower in grid[above + 1 :])
            if not upper[i] and has_lower and not starts_group:
                upper[i] = upper[i - 1]
    names = []
    for i in range(width):
        parts: list[str] = []
        for row in grid:
            if row[i] and (not parts or parts[-1] != row[i]):
                parts.append(row[i])
        names.append("/".join(parts))
    return names


def positions(names: Sequence[str], wanted: str) -> list[int]:
    """Columns that a mapped name means: by whole name, else by its lower part."""
    key = plain(wanted)
    whole = [i for i, name in enumerate(names) if plain(name) == key]
    if whole:
        return whole
    lower = [i for i, name in enumerate(names) if "/" in name and plain(name).endswith("/" + key)]
    return lower if len(lower) == 1 else []


def nearest(name: str, names: Sequence[str]) -> str:
    """The most similar of the names; "—" if none is like it."""
    by_plain = {plain(other): other for other in names if other}
    close = difflib.get_close_matches(plain(name), by_plain, n=1, cutoff=0.3)
    return by_plain[close[0]] if close else "—"


def _require(names: Sequence[str], places: dict[str, list[int]], *, row: int) -> None:
    missing = [name for name, place in places.items() if not place]
    if missing:
        present = [name for name in names if name]
        raise UnusableFileError(
            "missing_column",
            row=row,
            column="、".join(missing),
            wanted_column="、".join(missing),
            columns=listed(present, most=40) or "—",
            nearest="、".join(nearest(name, present) for name in missing),
        )
    for name, place in places.items():
        if len(place) > 1:
            raise UnusableFileError(
                "doubled_column", row=row, column=name, came=f"× {len(place)}", wanted_column=name
            )


def _clean(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Names that are never empty nor doubled."""
    seen: dict[str, int] = {}
    result = []
    for i, name in enumerate(names):
        base = name or f"#{i + 1}"
        seen[base] = seen.get(base, 0) + 1
        result.append(base if seen[base] == 1 else f"{base} ({seen[base]})")
    return tuple(result)
