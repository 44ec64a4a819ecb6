"""Workbooks that go back to a department: its own sheet, what is wrong in it, how to mend it.

The sheet comes back as it was handed in, each doubted cell coloured and with a note; a first
sheet sums up. A hidden mark names source and delivery, so that the mended workbook finds its way
by itself, and the column `原行号` says which waiting rows it releases.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from openpyxl.packaging.core import DocumentProperties
from openpyxl.packaging.custom import CustomPropertyList, StringProperty

from etl.findings import Finding
from etl.returned.cover import write_cover
from etl.returned.doubted import Handed, Language, doubted_cells, worth_returning
from etl.returned.marker import MARKS, ReturnMarker
from etl.returned.sheet import bring_back

if TYPE_CHECKING:
    from etl.sources.settings import SourceBase

__all__ = ["Handed", "return_name", "worth_returning", "write_return"]


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
