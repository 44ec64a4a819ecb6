"""Tables that leave the screen: CSV that opens right in Excel and runs nothing there."""

from __future__ import annotations

import pandas as pd

# A cell that starts so is a formula to a spreadsheet; a leading apostrophe makes it text.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def neutral(value: object) -> object:
    """A value that no spreadsheet takes for a formula; numbers stay numbers."""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def csv_bytes(table: pd.DataFrame) -> bytes:
    """CSV in UTF-8 with a byte-order mark, formula-neutral, header row first."""
    clean = table.map(neutral)
    return ("\ufeff" + clean.to_csv(index=False, lineterminator="\r\n")).encode()
