"""The hidden mark of a returned workbook: whose rows it mends, and which of them."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import numpy as np

from etl.findings import IntArray

if TYPE_CHECKING:
    from etl.sources.tabular import Table

# Names of the document's own properties; Excel and WPS keep them when they save.
MARKS = ("xintu.source", "xintu.delivery", "xintu.sha256", "xintu.sheet")
# The columns that are added to the department's own; none of them is ever taken for data.
ROW_COLUMN = "原行号"
REASON_COLUMN = "退回原因"
RETURN_COLUMNS = (ROW_COLUMN, REASON_COLUMN)

_CUSTOM = "docProps/custom.xml"
_CUSTOM_BYTES = 100_000
_VALUE = "{http://schemas.openxmlformats.org/officeDocument/2006/custom-properties}property"


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


def read_marker(path: Path) -> ReturnMarker | None:
    """Which delivery a workbook mends; None if it is none of ours.

    Nothing but a few hundred bytes is read, and nothing a file may hold makes this fail.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(_CUSTOM).file_size > _CUSTOM_BYTES:
                return None
            with archive.open(_CUSTOM) as member:
                text = member.read(_CUSTOM_BYTES)
        if b"<!" in text:  # a document type may hold entities that unfold without end
            return None
        found = {
            str(entry.get("name")): "".join(entry.itertext())
            for entry in ET.fromstring(text).iter(_VALUE)  # noqa: S314 (no entities, see above)
        }
        return ReturnMarker.from_texts([found[name] for name in MARKS])
    except (
        ET.ParseError, KeyError, NotImplementedError, OSError, RuntimeError, ValueError,
        zipfile.BadZipFile, zlib.error,
    ):  # fmt: skip
        return None


def released_rows(table: Table, used: IntArray) -> IntArray:
    """Rows of the file as first handed in that the mended workbook's accepted rows stand for.

    Parameters
    ----------
    table : the mended workbook as it was read.
    used : rows of the workbook that are accepted now, as its ledger counts them.

    Returns
    -------
    Sorted, unique; empty if the column `原行号` is gone.
    """
    if ROW_COLUMN not in table.cells.columns:
        return np.zeros(0, dtype=np.int64)
    texts = table.cells.loc[table.cells.index.isin(used), ROW_COLUMN].astype(str).str.strip()
    numbers = texts[texts.str.fullmatch(r"[0-9]{1,9}(\.0+)?")].astype(float).astype(np.int64)
    rows: IntArray = np.unique(numbers.to_numpy())
    return rows[rows > 0]
