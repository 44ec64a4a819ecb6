"""Files as people save them: delimited text in several encodings, workbooks with merged headers.

Two runs write the same bytes: no clock, no zip timestamp.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

_EPOCH = (2020, 1, 1, 0, 0, 0)
_HALF, _FULL = "0123456789", "０１２３４５６７８９"
_FULL_WIDTH, HALF_WIDTH = str.maketrans(_HALF, _FULL), str.maketrans(_FULL, _HALF)


def full_width(text: object) -> str:
    """Digits as an input method set to Chinese writes them."""
    return str(text).translate(_FULL_WIDTH)


def write_text(
    path: Path, table: pd.DataFrame, *, encoding: str = "utf-8", delimiter: str = ","
) -> None:
    """Delimited text with Windows line ends, as Excel saves it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written through one string: the encoder is as strict for every row.
    text = table.to_csv(index=False, sep=delimiter, lineterminator="\r\n")
    path.write_bytes(text.encode(encoding))


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook.

    Parameters
    ----------
    name : its tab.
    header : one or two rows; equal neighbours in the upper row are merged, and a column whose two
        cells are equal is merged downwards.
    rows : the body, row by row.
    title : a merged first row; none if empty.
    notes : rows under the body, each one merged cell.
    """

    name: str
    header: tuple[tuple[str, ...], ...]
    rows: Sequence[Sequence[object]]
    title: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def first_row(self) -> int:
        """Row number of the first body row, counted from 1."""
        return bool(self.title) + len(self.header) + 1


def write_workbook(path: Path, sheets: Sequence[Sheet]) -> None:
    """A workbook of these sheets."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for sheet in sheets:
        _fill(book.create_sheet(sheet.name), sheet)
    raw = io.BytesIO()
    book.save(raw)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_timeless(raw.getvalue()))


def _fill(ws: Worksheet, sheet: Sheet) -> None:
    width = len(sheet.header[-1])
    bold, centred = Font(bold=True), Alignment(horizontal="center", vertical="center")
    if sheet.title:
        ws.append([sheet.title])
        ws.merge_cells(start_row=1, end_row=1, start_column=1, end_column=width)
        ws["A1"].font, ws["A1"].alignment = Font(bold=True, size=14), centred
    top = bool(sheet.title) + 1
    for titles in sheet.header:
        ws.append(list(titles))
    for cells in ws.iter_rows(min_row=top, max_row=top + len(sheet.header) - 1):
        for cell in cells:
            cell.font, cell.alignment = bold, centred
    if len(sheet.header) == 2:
        _merge_header(ws, sheet.header[0], sheet.header[1], top)
    for row in sheet.rows:
        ws.append(list(row))
    for note in sheet.notes:
        ws.append([note])
        ws.merge_cells(start_row=ws.max_row, end_row=ws.max_row, start_column=1, end_column=width)
    for column in range(1, width + 1):
        ws.column_dimensions[get_column_letter(column)].width = 15
    ws.freeze_panes = f"A{sheet.first_row}"


def _merge_header(ws: Worksheet, upper: tuple[str, ...], lower: tuple[str, ...], top: int) -> None:
    start = 0
    for stop in range(1, len(upper) + 1):
        if stop < len(upper) and upper[stop] == upper[start] and upper[stop] != lower[stop]:
            continue
        if stop - start > 1:
            ws.merge_cells(start_row=top, end_row=top, start_column=start + 1, end_column=stop)
        elif upper[start] == lower[start]:
            ws.merge_cells(start_row=top, end_row=top + 1, start_column=stop, end_column=stop)
        start = stop


def _timeless(raw: bytes) -> bytes:
    """The same workbook without the time it was made."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(result, "w") as new:
        for name in sorted(old.namelist()):
            content = old.read(name)
            if name == "docProps/core.xml":
                content = re.sub(
                    rb"(<dcterms:(created|modified)[^>]*>)[^<]*",
                    rb"\g<1>2020-01-01T00:00:00Z",
                    content,
                )
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, content)
    return result.getvalue()


def write_geojson(
    path: Path, geometries: NDArray[np.object_] | Iterable[object], properties: pd.DataFrame
) -> None:
    """A feature a line, so that a person can read and compare the file."""
    texts = shapely.to_geojson(np.asarray(list(geometries), dtype=object))
    names = [json.dumps(str(name), ensure_ascii=False) for name in properties.columns]
    columns = [
        [json.dumps(value, ensure_ascii=False) for value in properties[name].tolist()]
        for name in properties.columns
    ]
    lines = []
    for text, *values in zip(texts, *columns, strict=True):
        facts = ", ".join(f"{n}: {v}" for n, v in zip(names, values, strict=True))
        lines.append(f'{{"type": "Feature", "properties": {{{facts}}}, "geometry": {text}}}')
    path.parent.mkdir(parents=True, exist_ok=True)
    body = ",\n".join(lines)
    path.write_text(
        f'{{"type": "FeatureCollection", "features": [\n{body}\n]}}\n', encoding="utf-8"
    )
