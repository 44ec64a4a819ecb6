"""The hidden mark of a returned workbook: whose rows it mends."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# Names of the document's own properties; Excel and WPS keep them when they save.
MARKS = ("xintu.source", "xintu.delivery", "xintu.sha256", "xintu.sheet")
# The columns that are added to the department's own; none of them is ever taken for data.
ROW_COLUMN = "原行号"
REASON_COLUMN = "退回原因"
RETURN_COLUMNS = (ROW_COLUMN, REASON_COLUMN)


@dataclass(frozen=True)
class ReturnMarker:
    """Which delivery a returned workbook belongs to.

    Attributes
    ----------
    sha256 : of the file as it was first handed in.
    sheet : the sheet to read; the other one sums up.
    """

    source_id: str
    delivery_id: int
    sha256: str
    sheet: str

    def texts(self) -> tuple[str, str, str, str]:
        """The mark as it is written, in the order of `MARKS`."""
        return self.source_id, str(self.delivery_id), self.sha256, self.sheet

    @classmethod
    def from_texts(cls, texts: Sequence[str]) -> ReturnMarker:
        """The mark as it was read.

        Raises
        ------
        ValueError : no mark of ours.
        """
        source_id, delivery, sha256, sheet = texts
        if not re.fullmatch(r"[0-9]{1,9}", delivery) or not re.fullmatch(r"\w*", sha256):
            raise ValueError(f"no delivery: {delivery[:20]!r}")
        return cls(source_id, int(delivery), sha256, sheet)
