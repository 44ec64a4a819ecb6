"""Headers as people make them: under title rows, merged over two rows, with stray spaces."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from etl.findings import UnusableFileError, listed

# A header further down than this is not looked for.
SEARCHED_ROWS = 30
# Headers merged over more rows than this are not seen.
MOST_ROWS = 3


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
    heights: Mapping[int, int] | None = None,
) -> Header:
    """The header that holds the mapped columns.

    Parameters
    ----------
    rows : the first rows of the table as text.
    wanted : mapped columns; an upper/lower name, or the lower one alone where it is unique.
    header_row : first header row counted from 1, or "auto": the row that names most of `wanted`.
    header_rows : merged headers over so many rows, or "auto": the fewest under which every mapped
        column is found, and the rows below that go on naming columns.
    heights : rows over which the tallest merged cell of a row goes, where the file says so.

    Raises
    ------
    UnusableFileError : a mapped column is missing or stands twice.
    """
    failure: UnusableFileError | None = None
    for n_rows in range(1, MOST_ROWS + 1) if header_rows == "auto" else (header_rows,):
        try:
            header = _find(rows, wanted, header_row=header_row, n_rows=n_rows)
        except UnusableFileError as error:
            # The fewest rows show best what the columns are called.
            failure = failure or error
            continue
        if header_rows == "auto":
            header = _lengthened(rows, wanted, header, heights or {})
        return header
    raise failure if failure is not None else UnusableFileError("empty_file", came="0 rows")


def _find(
    rows: Sequence[Sequence[str]],
    wanted: Sequence[str],
    *,
    header_row: int | Literal["auto"],
    n_rows: int,
) -> Header:
    if header_row == "auto":
        starts = range(max(1, min(len(rows), SEARCHED_ROWS)))
    else:
        starts = range(header_row - 1, header_row)
    keys = {name: plain(name) for name in wanted}
    best, best_score = None, (-1, -1, -1)
    for start in starts:
        names = flatten(rows[start : start + n_rows])
        index = _Names(names)
        places = {name: index.positions(key) for name, key in keys.items()}
        score = sum(bool(place) for place in places.values())
        # A title above a merged header makes every name a lower one: whole names are better.
        whole = sum(index.plain[p[0]] == keys[name] for name, p in places.items() if p)
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
    return _header(names, places, start=start, stop=start + n_rows)


def _header(
    names: Sequence[str], places: Mapping[str, list[int]], *, start: int, stop: int
) -> Header:
    found = {name: place[0] for name, place in places.items()}
    return Header(start=start, stop=stop, names=unique(names), found=found)


def _lengthened(
    rows: Sequence[Sequence[str]],
    wanted: Sequence[str],
    header: Header,
    heights: Mapping[int, int],
) -> Header:
    """The header with the rows below that belong to it: under merged cells, or naming columns."""
    most = min(header.start + MOST_ROWS, len(rows))
    stop = header.stop
    for row in range(header.start, header.stop):
        stop = max(stop, min(row + heights.get(row, 1), most))
    while stop < most and _goes_on(rows[stop], rows[stop - 1], header):
        stop += 1
    if stop == header.stop:
        return header
    index = _Names(names := flatten(rows[header.start : stop]))
    # A column that its own upper row names keeps its place, whatever stands below.
    places = {
        name: [header.found[name]] if not (p := index.positions(plain(name))) else p
        for name in wanted
    }
    if any(len(place) > 1 for place in places.values()):
        places = {name: [header.found[name]] for name in wanted}
    return _header(names, places, start=header.start, stop=stop)


def _goes_on(row: Sequence[str], above: Sequence[str], header: Header) -> bool:
    """Whether a row only names columns: words, and none where a mapped column has its figures."""
    if not header.found:
        return False
    mapped = set(header.found.values())
    words = [_clean(text) for i, text in enumerate(row) if i not in mapped and text.strip()]
    blank_under = all(not row[i].strip() for i in mapped if i < len(row))
    # A name over several columns leaves the cells right of it empty; a remark stands in the first.
    grouped = any(
        text.strip() and i not in mapped and (i >= len(above) or not above[i].strip())
        for i, text in enumerate(row)
    )
    no_figures = not any(re.search(r"\d{3}|^\W*\d|%", plain(word)) for word in words)
    return bool(words) and blank_under and grouped and no_figures and not (row and row[0].strip())


class _Names:
    """Column names made comparable once, however many are looked for."""

    def __init__(self, names: Sequence[str]) -> None:
        self.plain = [plain(name) for name in names]
        self._whole: dict[str, list[int]] = {}
        self._lower: dict[str, list[int]] = {}
        for i, name in enumerate(self.plain):
            self._whole.setdefault(name, []).append(i)
            parts = name.split("/")
            for first in range(1, len(parts)):
                self._lower.setdefault("/".join(parts[first:]), []).append(i)

    def positions(self, key: str) -> list[int]:
        """Columns that a mapped name means: by whole name, else by its lower part."""
        if whole := self._whole.get(key):
            return whole
        lower = self._lower.get(key, [])
        return lower if len(lower) == 1 else []


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


def unique(names: Sequence[str]) -> tuple[str, ...]:
    """Names that are never empty nor doubled."""
    seen: dict[str, int] = {}
    result = []
    for i, name in enumerate(names):
        base = name or f"#{i + 1}"
        seen[base] = seen.get(base, 0) + 1
        result.append(base if seen[base] == 1 else f"{base} ({seen[base]})")
    return tuple(result)
