"""Workbooks that go back to a department: its own sheet, what is wrong in it, how to mend it.

The sheet comes back as it was handed in, each doubted cell coloured and with a note; a first
sheet sums up. A hidden mark names source and delivery, so that the mended workbook finds its way
by itself, and the column `原行号` says which waiting rows it releases.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
from openpyxl.packaging.core import DocumentProperties
from openpyxl.packaging.custom import CustomPropertyList, StringProperty

from etl.findings import Finding, IntArray
from etl.returned.cover import write_cover
from etl.returned.doubted import Handed, Language, doubted_cells, worth_returning
from etl.returned.marker import MARKS, ROW_COLUMN, ReturnMarker
from etl.returned.sheet import bring_back

if TYPE_CHECKING:
    from etl.sources.settings import SourceBase
    from etl.sources.tabular import Table

__all__ = [
    "Handed",
    "ReturnMarker",
    "read_marker",
    "released_rows",
    "return_name",
    "worth_returning",
    "write_return",
]

_CUSTOM = "docProps/custom.xml"
_CUSTOM_BYTES = 100_000
_VALUE = "{http://schemas.openxmlformats.org/officeDocument/2006/custom-properties}property"


def return_name(handed: Handed) -> str:
    """What the workbook is called.

    Examples
    --------
    >>> return_name(Handed("weekly", 3, "ab12", "周报/政法委_周报.csv"))
    '退回_政法委_周报.xlsx'
    """
    stem = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", Path(handed.name).stem).removeprefix("退回_")
    return f"退回_{stem}.xlsx"


def write_return(
    out: Path,
    raw: Path,
    source: SourceBase,
    handed: Handed,
    quarantine: pd.DataFrame,
    *,
    findings: Iterable[Finding],
    noted: pd.DataFrame | None = None,
    language: Language = "zh",
    drop: str = "收件箱",
    known: frozenset[str] = frozenset(),
) -> Path | None:
    """Write the workbook with which a department mends what was refused.

    Parameters
    ----------
    out : the workbook to write; its folder exists.
    raw : the file as it was handed in.
    source, handed : what it was handed in for, and what became of it.
    quarantine : rows that still wait: row, raw, rules, marks.
    findings : of this file.
    noted : row and marks of rows that are used all the same (`Ledger.noted`); without it those are
        shown that the findings name one by one.
    drop : the folder it is handed in again through.
    known : what the locality's area codes begin with.

    Returns
    -------
    `out`; None if there is nothing to mend, or if the file was refused for holding persons.

    Notes
    -----
    O(rows of the sheet), of a large file O(rows concerned) in memory.
    """
    findings = list(findings)
    if not worth_returning(quarantine, findings):
        return None
    cells = doubted_cells(quarantine, findings, noted)
    brought = bring_back(raw, source, handed, quarantine, cells, language=language, known=known)
    write_cover(brought, handed, quarantine, cells, findings, language=language, drop=drop)
    book = brought.book
    book.properties = DocumentProperties(creator="心图 Xintu", title=return_name(handed))
    marks = ReturnMarker(handed.source_id, handed.delivery_id, handed.sha256, brought.sheet.title)
    properties: Any = CustomPropertyList()
    for name, value in zip(MARKS, marks.texts(), strict=True):
        properties.append(StringProperty(name=name, value=value))
    vars(book)["custom_doc_props"] = properties
    part = out.with_name(f"{out.name}.part")
    book.save(part)
    part.replace(out)
    return out


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
