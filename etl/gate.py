"""The gate: files about persons are refused whole, before a row of them is mapped or kept.

The product holds figures by area. A file with person-level columns is recognised by its headers
and by its values: numbers with their check digits, telephones, names, addresses. The refusal names
columns and counts and never repeats a value: a header that may itself be one is named by its
place. In facility files an institution's telephone, address and contact person are fine; a
column of contact persons passes by its header alone and is never mapped.

`etl.inspection` brings every part of a file here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.headings import (
    CONTACT,
    LABEL_CELL,
    NO_NAMES,
    is_name,
    is_personal_header,
    name_cell,
    shown_header,
)
from etl.persons import Sign, Texts, signs

Reason = Literal["header", "name_list", "birth_date", "text", "too_large"] | Sign
# "In many cells": a single 11-digit number may be a slip, a column of them is a list of people.
_SEVERAL = 3
_SHARE = 0.05
_ALWAYS = 20
# Nearly all of a column's numbers have such a form, not one in ten by chance.
_NEARLY_ALL = 0.8
# Of the distinct texts of a column of names. Words and places begin with a surname, too: one in
# six of a dictionary, half of the villages; names of a column that says what it holds must do so
# almost all. Two characters alone are more often a place (白沙, 高桥).
_NAMES = 0.6
_NAMES_ALMOST_ALL = 0.9
_NAMES_OF_THREE = 0.3
_NAMES_MANY = 50
_NAMES_APART = 0.3
# Dates of birth lie decades apart.
_BIRTH_YEARS = 30
# Numbers of a form that others may have by chance: nearly all of a column has it.
_BY_FORM: tuple[Sign, ...] = ("old_identity_number", "permit_number", "masked_number")
_OF_SITES: tuple[Sign, ...] = ("chat_id",)
_OF_OTHERS: tuple[Sign, ...] = (
    "mobile_number",
    "taiwan_mobile_number",
    "e_mail",
    "chat_id",
    "home_address",
)
_SUPPORTING: tuple[Sign, ...] = ("bank_card", "passport")
# Texts joined at a time.
_JOINED = 4_000_000
# No sign is shorter, but for names, which are not ASCII.
_SHORTEST = 7
_DATE = re.compile(
    r"(?<=\x1e)((?:19|20)[0-9]{2})[-/.年]?[0-9]{1,2}[-/.月]?[0-9]{1,2}日?(?:[ T][^\x1e]*)?(?=\x1e)"
)


@dataclass(frozen=True)
class PersonalColumn:
    """A column that carries persons: its name, how that shows, and in how many cells.

    Attributes
    ----------
    column : its header where that is one, else its place: `#3` is the third.
    part : sheet, layer or other part of the file; None where there is only one.
    """

    column: str
    reason: Reason
    cells: int
    part: str | None = None

    def __str__(self) -> str:
        where = f"{self.part} › " if self.part else ""
        return f"{where}{self.column} ({self.cells})"


def personal_columns(
    cells: pd.DataFrame,
    *,
    facilities: bool,
    code_columns: Collection[str] = (),
    known: frozenset[str] = frozenset(),
    places: frozenset[str] = frozenset(),
) -> tuple[PersonalColumn, ...]:
    """Columns of a table that carry persons, by header or by value.

    Parameters
    ----------
    cells : every column of the file as categories of text.
    facilities : whether the rows are institutions, whose names and telephones are no one's own.
    code_columns : mapped area codes: digits there are codes when they begin like one.
    known : what the locality's own area codes begin with (`code_beginnings`).
    places : names of the locality's own areas, which are nobody's.

    Returns
    -------
    Columns in the order of the file; empty if the file may pass.

    Notes
    -----
    O(n distinct texts): each is looked at once, however many rows hold it.
    """
    tallies = [Tally.of(str(name), cells.iloc[:, i]) for i, name in enumerate(cells.columns)]
    return personal_tallies(
        tallies,
        n_rows=len(cells),
        facilities=facilities,
        code_columns=code_columns,
        known=known,
        places=places,
    )


def personal_tallies(
    tallies: Sequence[Tally],
    *,
    n_rows: int,
    facilities: bool,
    code_columns: Collection[str] = (),
    known: frozenset[str] = frozenset(),
    places: frozenset[str] = frozenset(),
) -> tuple[PersonalColumn, ...]:
    """As `personal_columns`, of columns whose texts are already told apart and counted."""
    headers = [tally.header for tally in tallies]
    found: dict[int, PersonalColumn] = {}
    judged = []
    for i, header in enumerate(headers):
        if is_personal_header(header, facilities=facilities):
            found[i] = PersonalColumn(shown_header(header, i), "header", n_rows)
        else:
            judged.append(i)
    if (named := personal_names(headers, places=places)) is not None:
        column = "、".join(f"#{i + 1}" for i in named[:5]) + ("…" if len(named) > 5 else "")
        found.setdefault(named[0], PersonalColumn(column, "name_list", len(named)))
    supporting: dict[int, tuple[Reason, int]] = {}
    for i, judged_column in _columns([(i, tallies[i]) for i in judged]):
        header = headers[i]
        exempt = known if header in code_columns else frozenset()
        hits = judged_column.hits(header, known=exempt, places=places, facilities=facilities)
        if hits.decisive is not None:
            found[i] = PersonalColumn(shown_header(header, i), *hits.decisive)
        elif hits.supporting is not None:
            supporting[i] = hits.supporting
    if found:  # beside persons, what would not have been enough alone
        for i, hit in supporting.items():
            found.setdefault(i, PersonalColumn(shown_header(headers[i], i), *hit))
    return tuple(found[i] for i in sorted(found))


def personal_names(
    texts: Sequence[str], *, places: frozenset[str] = frozenset()
) -> list[int] | None:
    """Which headers or sheets are called like persons, if they are a list of them; else None."""
    plain = [unicodedata.normalize("NFKC", text).strip() for text in texts]
    named = [i for i, text in enumerate(plain) if text not in places and is_name(text)]
    distinct = len({plain[i] for i in named})
    several = distinct >= max(_SEVERAL, _NAMES * len({*plain}))
    of_three = sum(len(plain[i]) > 2 for i in named)
    return named if several and of_three >= _NAMES_OF_THREE * len(named) else None


def code_beginnings(codes: Iterable[str]) -> frozenset[str]:
    """What area codes begin with: their first six characters, the county's part."""
    return frozenset(code[:6] for code in codes)


@dataclass(frozen=True)
class Tally:
    """A column as its distinct texts and in how many rows each stands."""

    header: str
    texts: list[str]
    counts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, header: str, column: pd.Series) -> Tally:
        """A column of categories."""
        texts = [str(text) for text in column.cat.categories.to_numpy(dtype=object).tolist()]
        codes = column.cat.codes.to_numpy()
        counts = np.bincount(codes[codes >= 0], minlength=len(texts)).astype(np.int64)
        return cls(header, texts, counts)


@dataclass(frozen=True)
class _Hits:
    """What speaks against a column: enough alone, or only beside others."""

    decisive: tuple[Reason, int] | None = None
    supporting: tuple[Reason, int] | None = None


@dataclass(frozen=True)
class _Column:
    """One column's distinct texts, how often each stands there, and its signs."""

    texts: list[str]
    counts: npt.NDArray[np.int64]
    signs: dict[Sign, npt.NDArray[np.int64]]
    named: npt.NDArray[np.int64]
    labels: int

    def hits(
        self, header: str, *, known: frozenset[str], places: frozenset[str], facilities: bool
    ) -> _Hits:
        """Judge the column."""
        signs = self._unless_codes(known)
        cells = {sign: int(self.counts[at].sum()) for sign, at in signs.items()}
        if n := cells.get("identity_number"):
            return _Hits(("identity_number", n))
        if self.labels:
            return _Hits(("header", self.labels))
        looked = _OF_SITES if facilities else _OF_OTHERS
        for sign, n in cells.items():
            enough = n >= _SEVERAL
            if sign in _BY_FORM:
                enough &= n >= _NEARLY_ALL * self._numbers(sign)
            elif sign in looked:
                enough = (enough and n >= _SHARE * self._filled()) or n >= _ALWAYS
            else:
                continue
            if enough:
                return _Hits((sign, n))
        if n := self._names(header, places=places, facilities=facilities):
            return _Hits(("name_list", n))
        weak: dict[Reason, int] = {sign: cells.get(sign, 0) for sign in _SUPPORTING}
        weak["birth_date"] = self._births()
        return _Hits(supporting=next(((w, n) for w, n in weak.items() if n >= _SEVERAL), None))

    def _filled(self) -> int:
        pairs = zip(self.texts, self.counts.tolist(), strict=True)
        return sum(count for text, count in pairs if text.strip())

    def _unless_codes(self, known: frozenset[str]) -> dict[Sign, npt.NDArray[np.int64]]:
        if not known or not self.signs:
            return self.signs
        kept = {
            sign: at[[self.texts[i].strip()[:6] not in known for i in at.tolist()]]
            for sign, at in self.signs.items()
        }
        return {sign: at for sign, at in kept.items() if len(at)}

    def _numbers(self, sign: Sign) -> int:
        """Cells that hold a number as long as that sign's, with or without its check digit."""
        least = 15 if sign == "old_identity_number" else 6 if sign == "permit_number" else 4
        pairs = zip(self.texts, self.counts.tolist(), strict=True)
        return sum(c for text, c in pairs if sum(map(str.isdigit, text)) >= least)

    def _names(self, header: str, *, places: frozenset[str], facilities: bool) -> int:
        """Cells with names if the column is a list of them, else 0."""
        plain = unicodedata.normalize("NFKC", header).casefold()
        if facilities and CONTACT.search(plain):
            return 0
        if not len(self.named):
            return 0
        filled = sum(1 for text in self.texts if text.strip() and text.strip() not in places)
        pairs = [(self.texts[i].strip(), int(self.counts[i])) for i in self.named.tolist()]
        named = [(text, n) for text, n in pairs if text not in places]
        if len(named) < _SEVERAL:
            return 0
        n_named = sum(n for _, n in named)
        apart = len(named) >= _NAMES_MANY or len(named) >= _NAMES_APART * n_named
        n_long = sum(len(text.replace(" ", "")) > 2 for text, _ in named)
        of_three = n_long >= _NAMES_OF_THREE * len(named)
        others = NO_NAMES.search(plain) is not None
        if others and not of_three:
            return 0
        share = _NAMES if of_three and not others else _NAMES_ALMOST_ALL
        return n_named if apart and len(named) >= share * filled else 0

    def _births(self) -> int:
        """Cells with dates if they spread over decades, else 0."""
        if not any(_DATE.search(f"\x1e{text}\x1e") for text in self.texts[:20]):
            return 0
        joined = "\x1e".join(["", *self.texts, ""])
        years = [int(match.group(1)) for match in _DATE.finditer(joined)]
        if len(years) < max(_SEVERAL, len(self.texts) / 2):
            return 0
        return int(self.counts.sum()) if max(years) - min(years) >= _BIRTH_YEARS else 0


def _columns(tallies: Iterable[tuple[int, Tally]]) -> Iterator[tuple[int, _Column]]:
    """Columns with their signs; many small ones are searched together."""
    batch: list[tuple[int, Tally]] = []
    size = 0
    for i, tally in tallies:
        lengths = list(map(len, tally.texts))
        if max(lengths, default=0) < _SHORTEST and all(map(str.isascii, tally.texts)):
            continue  # counts, levels, dates of weeks
        batch.append((i, tally))
        size += sum(lengths)
        if size > _JOINED:
            yield from _searched(batch)
            batch, size = [], 0
    yield from _searched(batch)


def _searched(batch: list[tuple[int, Tally]]) -> Iterator[tuple[int, _Column]]:
    texts = Texts.of([text for _, tally in batch for text in tally.texts])
    every = signs(texts)
    # A column whose texts are not ASCII may hold names.
    named = labels = np.zeros(0, dtype=np.int64)
    if not texts.joined.isascii():
        named, labels = texts.matching(name_cell()), texts.matching(LABEL_CELL)
    start = 0
    for i, tally in batch:
        counts = tally.counts
        stop = start + len(tally.texts)
        cut = {sign: at[(at >= start) & (at < stop)] - start for sign, at in every.items()}
        # A category that no row holds any more says nothing of the file.
        kept = {sign: at[counts[at] > 0] for sign, at in cut.items()}
        called = named[(named >= start) & (named < stop)] - start
        yield (
            i,
            _Column(
                [t if n else "" for t, n in zip(texts.parts[start:stop], counts, strict=True)]
                if not counts.all()
                else texts.parts[start:stop],
                counts,
                {sign: at for sign, at in kept.items() if len(at)},
                called[counts[called] > 0],
                int(counts[labels[(labels >= start) & (labels < stop)] - start].sum()),
            ),
        )
        start = stop


def at_part(columns: Iterable[PersonalColumn], part: str | None) -> tuple[PersonalColumn, ...]:
    """The same columns, said to stand in a part of the file."""
    return tuple(replace(column, part=part) for column in columns)
