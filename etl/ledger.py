"""Where every row of a table ends, and what is said of its cells; the quarantine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.findings import EACH, BoolArray, Doubts, IntArray, filled, one_of, rules, shown
from etl.persons import redact
from etl.proposals import BY_RULE, Propose

# Cells remembered one by one: of one doubt about one column, and of a whole file. A wrong mapping
# may refuse a million rows; those beyond still wait, under the codes of their rules alone.
MARKED_OF_ONE = 20_000
MARKED_OF_ALL = 100_000
QUARANTINE_COLUMNS = ("row", "raw", "rules", "marks")


@dataclass(frozen=True)
class _Mark:
    """One doubt about cells of one column: which rows, and each one's words and mending."""

    rule: str
    column: str | None
    positions: IntArray
    words: dict[str, object]
    proposals: Sequence[str | None] | None

    def texts(self, known: frozenset[str]) -> list[str]:
        """JSON of [column, rule, wanted_zh, action_zh, wanted_en, action_en, proposal], by row."""
        entry, column = rules()[self.rule], self.column and shown(self.column, known=known)
        one = not any(isinstance(word, list | np.ndarray) for word in self.words.values())
        made: dict[tuple[int, str | None], str] = {}
        texts = []
        for i in range(len(self.positions)):
            proposal = None if self.proposals is None else self.proposals[i]
            key = (0 if one else i, proposal)
            if key not in made:
                words = {name: one_of(word, i) for name, word in self.words.items()} | {"count": 1}
                labels = (filled(entry.wanted, words), filled(entry.action, words))
                said = [getattr(label, tongue) for tongue in ("zh", "en") for label in labels]
                record = [column, self.rule, *said, proposal and shown(proposal, known=known)]
                made[key] = json.dumps(record, ensure_ascii=False)
            texts.append(made[key])
        return texts


class Ledger:
    """Where every row of a table ends: accepted or in quarantine, and by which rules.

    Parameters
    ----------
    cells : the mapped columns as text; the index holds the rows as the person counts them.
    doubts : where findings go.
    """

    def __init__(self, cells: pd.DataFrame, doubts: Doubts) -> None:
        self.cells = cells
        self.doubts = doubts
        self.rows: IntArray = cells.index.to_numpy(dtype=np.int64)
        self.rejected: BoolArray = np.zeros(len(cells), dtype=bool)
        self._broken: list[tuple[str, IntArray]] = []
        self._marks: list[_Mark] = []
        self._marked = 0

    @property
    def accepted(self) -> BoolArray:
        """Rows that nothing speaks against."""
        return ~self.rejected

    def note(
        self,
        rule: str,
        mask: BoolArray,
        *,
        column: str | None,
        proposal: Propose | Sequence[str | None] | None = None,
        **words: object,
    ) -> None:
        """Say something of rows without leaving them out.

        Parameters
        ----------
        mask : the rows.
        column : where it stands, as in `cells`; None for the whole row.
        proposal : what to write instead, one a row of `mask`; or what makes it from the text that
            came, which is asked for cells that are shown or remembered only.
        words : for the places in the rule's text; a list holds one a row of `mask`.
        """
        positions = np.flatnonzero(mask)
        if not len(positions):
            return
        room = max(0, min(MARKED_OF_ONE, MARKED_OF_ALL - self._marked))
        kept = positions[: max(room, EACH + 1)]
        came = None
        if column is not None and column in self.cells.columns:
            came = self.cells[column].iloc[kept].astype(str).tolist()
        proposals = _proposals(proposal or BY_RULE.get(rule), came, len(kept))
        rest = len(positions) - len(kept)
        self.doubts.add_rows(
            rule,
            self.rows[positions],
            column=column,
            # Only what will be shown is looked up: a wrong mapping may reject a million rows.
            came=None if came is None else [*came, *[None] * rest],
            proposal=None if proposals is None else [*proposals, *[None] * rest],
            **words,
        )
        if room:
            self._marks.append(_Mark(rule, column, kept[:room], words, proposals))
            self._marked += len(kept[:room])

    def mark(
        self,
        rule: str,
        mask: BoolArray,
        *,
        column: str,
        proposal: Sequence[str | None],
        **words: object,
    ) -> None:
        """Remember a second cell of rows that were spoken of already; parameters as of `note`."""
        room = max(0, min(MARKED_OF_ONE, MARKED_OF_ALL - self._marked))
        kept = np.flatnonzero(mask)[:room]
        if len(kept):
            self._marks.append(_Mark(rule, column, kept, words, list(proposal[: len(kept)])))
            self._marked += len(kept)

    def reject(
        self,
        rule: str,
        mask: BoolArray,
        *,
        column: str | None,
        proposal: Propose | Sequence[str | None] | None = None,
        **words: object,
    ) -> None:
        """Put rows into quarantine and say why; parameters as of `note`."""
        positions = np.flatnonzero(mask)
        if not len(positions):
            return
        self.note(rule, mask, column=column, proposal=proposal, **words)
        self.rejected |= mask
        self._broken.append((rule, positions))

    def quarantine(self) -> pd.DataFrame:
        """Rejected rows, in the order of the file.

        Returns
        -------
        row; raw (JSON of the mapped columns as they came); rules (codes, joined by commas); marks
        (JSON list of [column, rule, wanted_zh, action_zh, wanted_en, action_en, proposal], one a
        doubt about the row; shorter than `rules` beyond `MARKED_OF_ONE` rows).
        """
        positions = np.flatnonzero(self.rejected)
        cells = self.cells.iloc[positions]
        columns = [self._as_json(str(name), cells[name]) for name in cells.columns]
        return pd.DataFrame(
            {
                "row": self.rows[positions],
                "raw": [f"{{{', '.join(record)}}}" for record in zip(*columns, strict=True)],
                "rules": self._broken_rules()[positions].tolist(),
                "marks": self._marks_of(positions),
            }
        ).astype({"raw": "str", "rules": "str", "marks": "str"})

    def noted(self) -> pd.DataFrame:
        """Accepted rows that something was said of: `row`, and `marks` as in `quarantine`."""
        noted = np.zeros(len(self.rows), dtype=bool)
        for mark in self._marks:
            noted[mark.positions] = True
        positions = np.flatnonzero(noted & self.accepted)
        return pd.DataFrame(
            {"row": self.rows[positions], "marks": self._marks_of(positions)}
        ).astype({"marks": "str"})

    def _marks_of(self, positions: IntArray) -> list[str]:
        """JSON list of the marks of each of some rows."""
        place = np.full(len(self.rows), -1, dtype=np.int64)
        place[positions] = np.arange(len(positions))
        said: dict[int, dict[str, None]] = {}
        for mark in self._marks:
            for row, text in zip(
                place[mark.positions].tolist(), mark.texts(self.doubts.known), strict=True
            ):
                if row >= 0:
                    said.setdefault(row, {})[text] = None
        return [f"[{', '.join(said.get(row, ()))}]" for row in range(len(positions))]

    def _as_json(self, name: str, column: pd.Series[str]) -> list[str]:
        """Each cell as `"name": "text"`; a text that stands in many rows is written once."""
        known, categories = self.doubts.known, column.cat.categories
        used, place = np.unique(column.cat.codes.to_numpy(), return_inverse=True)
        texts = [redact(str(text), known=known) for text in categories.take(used).tolist()]
        name = redact(name, known=known)
        pairs = [json.dumps({name: text}, ensure_ascii=False)[1:-1] for text in texts]
        return [pairs[at] for at in place.tolist()]

    def _broken_rules(self) -> npt.NDArray[np.object_]:
        """Codes of the rules that each row broke, joined by commas."""
        codes = list(dict.fromkeys(rule for rule, _ in self._broken))
        bits = np.zeros(len(self.rows), dtype=np.int64)
        for rule, positions in self._broken:
            bits[positions] |= 1 << codes.index(rule)
        sets, place = np.unique(bits, return_inverse=True)
        names = [",".join(c for i, c in enumerate(codes) if b >> i & 1) for b in sets.tolist()]
        return np.array(names, dtype=object)[place]


def empty_quarantine() -> pd.DataFrame:
    """A quarantine without rows."""
    texts = dict.fromkeys(QUARANTINE_COLUMNS[1:], np.zeros(0, str))
    return pd.DataFrame({"row": np.zeros(0, dtype=np.int64), **texts})


def _proposals(
    proposal: Propose | Sequence[str | None] | None, came: Sequence[str] | None, n_rows: int
) -> list[str | None] | None:
    """One proposal a row; each distinct text that came is asked about once."""
    if proposal is None:
        return None
    if not callable(proposal):
        return list(proposal[:n_rows])
    if came is None:
        return None
    made = {text: proposal(text) for text in dict.fromkeys(came)}
    return [made[text] for text in came]
