"""Where the rows and cells of a sheet's XML say that they stand.

Rows and cells may leave out their place: then they stand after the one before. A sheet whose
places contradict each other is read in one way by Excel and in another by every library.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from etl.findings import UnusableFileError

# Every writer of spreadsheets names the place first; others are gone through one by one.
_USUAL = re.compile(rb'<(?:row r="(?=[0-9])|c r="(?=[A-Z]))([A-Z]{0,3}[0-9]{1,7})"')
_STARTS = (b"<c", b"<row", b":c", b":row")
_ANY = re.compile(
    rb"""<(?:\w+:)?(row|c)(?=[\s/>])(?:[^<>]*?\sr\s*=\s*["']\s*([^"'<>]*?)\s*["'])?"""
)
_PLACE = re.compile(rb"([A-Za-z]{0,3})([0-9]{1,9})")
# Beside the one value of a cell only remarks and extensions stand.
_SECOND_VALUE = re.compile(
    rb"(?:</(?:\w+:)?(?:v|is)>|<(?:\w+:)?(?:v|is)\s*/>)(?!\s*(?:</(?:\w+:)?c>|<(?:\w+:)?extLst|<!--))"
)
_BARE = (b"<v/", b"<v ", b"<is/", b":v", b":is")
_END = re.compile(rb"</(?:\w+:)?sheetData>")
_LONGEST = 10


def column_number(letters: bytes) -> int:
    """Column from 0: A, B … Z, AA.

    Examples
    --------
    >>> column_number(b"AA")
    26
    """
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number - 1


@dataclass
class Places:
    """Where the last row and cell stood, while a sheet is walked over in pieces."""

    row: int = 0
    column: int = -1
    ended: bool = False

    def follow(self, piece: bytes) -> None:
        """Go on over whole cells.

        Raises
        ------
        UnusableFileError : a row or cell stands where another does, before the one before it, or
            elsewhere than its row; or a cell has two values.
        """
        self._require_one_value(piece)
        usual = _USUAL.findall(piece)
        # Widths of columns stand above the cells, in <cols> and <col>.
        if len(usual) == sum(map(piece.count, _STARTS)) - piece.count(b"<col"):
            self._follow_all(usual)
        else:
            self._follow_each(piece)

    def _require_one_value(self, piece: bytes) -> None:
        quick = all(piece.count(end) == piece.count(end + b"</c>") for end in (b"</v>", b"</is>"))
        if self.ended or (quick and not any(mark in piece for mark in _BARE)):
            return
        if (second := _SECOND_VALUE.search(piece)) is not None:
            end = _END.search(piece)
            if end is None or second.start() < end.start():
                raise _contradictory("<v>", row=None)
            self.ended = True

    def _follow_all(self, references: list[bytes]) -> None:
        if not references:
            return
        text = np.array(references, dtype=f"S{_LONGEST}")
        marks = text.view(np.uint8).reshape(len(text), _LONGEST).astype(np.int64)
        rows = np.zeros(len(text), dtype=np.int64)
        columns = np.zeros(len(text), dtype=np.int64)
        for i in range(_LONGEST):
            mark = marks[:, i]
            is_digit, is_letter = (mark >= ord("0")) & (mark <= ord("9")), mark >= ord("A")
            rows = np.where(is_digit, rows * 10 + mark - ord("0"), rows)
            columns = np.where(is_letter, columns * 26 + mark - ord("A") + 1, columns)
        columns -= 1  # a row stands left of its cells
        is_row = columns < 0
        before = np.concatenate([[self.row], rows[:-1]])
        left = np.concatenate([[self.column], columns[:-1]])
        wrong = np.where(is_row, rows <= before, (rows != before) | (columns <= left))
        if wrong.any():
            at = int(np.argmax(wrong))
            raise _contradictory(references[at].decode(), row=int(before[at]) or None)
        self.row, self.column = int(rows[-1]), int(columns[-1])

    def _follow_each(self, piece: bytes) -> None:
        for kind, reference in _ANY.findall(piece):
            place = _PLACE.fullmatch(reference)
            if reference and (place is None or bool(place[1]) != (kind == b"c")):
                raise _contradictory(reference.decode("ascii", "replace"), row=self.row or None)
            if kind == b"row":
                row = int(place[2]) if place is not None else self.row + 1
                wrong, column = row <= self.row, -1
            else:
                row = int(place[2]) if place is not None else self.row
                column = column_number(place[1]) if place is not None else self.column + 1
                wrong = row != self.row or column <= self.column
            if wrong:
                raise _contradictory(reference.decode(), row=self.row or None)
            self.row, self.column = row, column


def _contradictory(reference: str, *, row: int | None) -> UnusableFileError:
    return UnusableFileError("contradictory_sheet", row=row, came=reference or None)
