# ruff: noqa: E501 (tables: a line each)
"""Files that are cheap to make and dear to read."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator

import numpy as np

from tests.fuzz import forms
from tests.fuzz.forms import Case

_MIB = 1 << 20
_RNG = np.random.default_rng(0)
# A workbook of one sheet, its texts in one table.
_ONE_SHEET = 4
_HEAD = "周,代码,名称,咨询,热线\n"


def _workbook(sheet: str | Iterator[str], *, strings: str | None = None) -> bytes:
    """A workbook whose first sheet, and its shared texts, are as given."""
    rows = [["周", "代码", "名称", "咨询", "热线"], ["2026-W40", forms.VILLAGES[0], "x", "1", "2"]]
    sound = forms.as_workbook(rows, np.random.default_rng(_ONE_SHEET))
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(sound)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            if name.endswith("sheet1.xml"):
                with new.open(name, "w", force_zip64=True) as part:
                    for piece in [sheet] if isinstance(sheet, str) else sheet:
                        part.write(piece.encode())
            elif name.endswith("sharedStrings.xml") and strings is not None:
                new.writestr(name, strings)
            else:
                new.writestr(name, old.read(name))
    return out.getvalue()


_OPEN = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
_CLOSE = "</sheetData></worksheet>"


def _sheet(*rows: str) -> str:
    return f"{_OPEN}{''.join(rows)}{_CLOSE}"


def _endless(piece: str, n_mib: int) -> Iterator[str]:
    yield _OPEN
    block = piece * (_MIB // len(piece))
    for _ in range(n_mib):
        yield block
    yield _CLOSE


def _zip_in_zip(depth: int) -> bytes:
    content = bytes(10 * _MIB)
    for i in range(depth):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{i}.zip", content)
        content = out.getvalue()
    return content


def _many_entries() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for i in range(20_000):
            archive.writestr(f"xl/{i}.xml", b"")
    return out.getvalue()


def _zeros() -> bytes:
    """1 : 1000, two gigabytes of them."""
    return _workbook("\0" * _MIB for _ in range(2048))


def _laughs() -> str:
    entities = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    return f'<!DOCTYPE x [<!ENTITY l0 "lol">{entities}]>'


def _csv(text: str) -> bytes:
    return text.encode()


def _cell(ref: str, value: str = "1") -> str:
    row = "".join(filter(str.isdigit, ref))
    return f'<row r="{row}"><c r="{ref}"><v>{value}</v></c></row>'


def _geojson(geometry: object, n: int = 1) -> bytes:
    one = {
        "type": "Feature",
        "properties": {"code": "990101001001", "name": "x"},
        "geometry": geometry,
    }
    return json.dumps({"type": "FeatureCollection", "features": [one] * n}).encode()


# Name (its suffix is the file's) → what makes it.
BOMBS: dict[str, Callable[[], bytes]] = {
    "million_columns.csv": lambda: _csv(",".join(f"c{i}" for i in range(1_000_000)) + "\n1\n"),
    "million_commas.csv": lambda: _csv(_HEAD + "," * 1_000_000 + "\n"),
    "wide_rows.csv": lambda: _csv(_HEAD + ("," * 15_000 + "\n") * 2_000),
    "one_line_300_mb.csv": lambda: b"7" * (300 * _MIB),
    "one_cell_300_mb.csv": lambda: _csv(_HEAD) + b'"' + b"x\n" * (150 * _MIB),
    "quotes.csv": lambda: _csv(_HEAD) + b'"' * (8 * _MIB),
    "quotes_and_lines.csv": lambda: _csv(_HEAD) + b'"\n' * (2 * _MIB),
    "blank_lines.csv": lambda: _csv(_HEAD) + b"\n" * (64 * _MIB),
    "commas_lines.csv": lambda: _csv(_HEAD) + b",,,,\n" * (4 * _MIB),
    "nothing_300_mb.csv": lambda: bytes(300 * _MIB),
    "blanks_300_mb.csv": lambda: b" " * (300 * _MIB),
    "carriage_returns.csv": lambda: _csv(_HEAD) + b"\r" * (16 * _MIB),
    "distinct_texts.csv": lambda: _csv(_HEAD + "".join(f"w{i},c{i},n{i},{i},{i}\n" for i in range(1_000_000))),
    "long_digits.csv": lambda: _csv(_HEAD + f"2026-W40,{forms.VILLAGES[0]},x,{'9' * 3_000_000},1\n"),
    "nested_quotes.csv": lambda: _csv(_HEAD) + b'""""""""""""""""""",' * 200_000,
    "huge_header.csv": lambda: _csv("周,代码,名称,咨询,热线," + "x" * (3 * _MIB) + "\n2026-W40,1,1,1,1\n"),
    "many_titles.csv": lambda: _csv("标题\n" * 500_000 + _HEAD),
    "zeros.xlsx": _zeros,
    "sparse.xlsx": lambda: _workbook(_sheet(_cell("A1"), _cell("XFD1048576"))),
    "sparse_rows.xlsx": lambda: _workbook(_sheet(_cell("A1"), _cell("A1048576"))),
    "sparse_diagonal.xlsx": lambda: _workbook(_sheet(*(_cell(f"{c}{i * 100_000 + 1}") for i, c in enumerate(("A", "ZZ", "AAA", "XFD"))))),
    "sparse_below.xlsx": lambda: _workbook(_sheet(_cell("A1"), _cell("Z9999999"))),
    "beyond.xlsx": lambda: _workbook(_sheet(_cell("A1"), _cell("ZZZZ99999999"))),
    "two_gigabytes.xlsx": lambda: _workbook(_endless('<row><c><v>1</v></c></row>', 2200)),
    "cells_without_reference.xlsx": lambda: _workbook(_endless("<row>" + "<c><v>1</v></c>" * 1000 + "</row>", 600)),
    "empty_rows.xlsx": lambda: _workbook(_endless("<row/>", 400)),
    "one_long_cell.xlsx": lambda: _workbook(iter([_OPEN, '<row r="1"><c r="A1" t="str"><v>', *["x" * _MIB] * 300, "</v></c></row>", _CLOSE])),
    "long_attribute.xlsx": lambda: _workbook(iter([_OPEN, '<row r="', *["1" * _MIB] * 200, '"/>', _CLOSE])),
    "laughs.xlsx": lambda: _workbook(_laughs() + _sheet('<row r="1"><c r="A1" t="str"><v>&l9;</v></c></row>')),
    "laughs_in_strings.xlsx": lambda: _workbook(_sheet(_cell("A1")), strings=_laughs() + "<sst><si><t>&l9;</t></si></sst>"),
    "strings_count_lie.xlsx": lambda: _workbook(_sheet(_cell("A1")), strings='<sst count="4294967295" uniqueCount="4294967295"></sst>'),
    "deep_xml.xlsx": lambda: _workbook(_OPEN + "<a>" * 1_000_000),
    "merges.xlsx": lambda: _workbook(_sheet(_cell("A1")).replace("</worksheet>", "<mergeCells>" + '<mergeCell ref="A1:XFD1048576"/>' * 50_000 + "</mergeCells></worksheet>")),
    "merged_column.xlsx": lambda: _workbook(_sheet(*(_cell(f"A{i}") for i in range(1, 3000))).replace("</worksheet>", "<mergeCells>" + "".join(f'<mergeCell ref="A{i}:A1048576"/>' for i in range(1, 3000)) + "</mergeCells></worksheet>")),
    "zip_in_zip.xlsx": lambda: _zip_in_zip(6),
    "zip_in_zip.zip": lambda: _zip_in_zip(6),
    "many_entries.xlsx": _many_entries,
    "many_entries.zip": _many_entries,
    "deep.geojson": lambda: b'{"type":"FeatureCollection","features":' + b"[" * 5_000_000,
    "deep_properties.geojson": lambda: _geojson(None).replace(b'"x"', b'{"a":' * 200_000 + b"1" + b"}" * 200_000),
    "many_properties.geojson": lambda: json.dumps({"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": None, "properties": {f"p{i}": 1 for i in range(200_000)}}]}).encode(),
    "many_features.geojson": lambda: _geojson({"type": "Point", "coordinates": [113.9, 31.4]}, 400_000),
    "comb.geojson": lambda: _geojson({"type": "Polygon", "coordinates": [[[113.8 + i / 2e6, 31.3 + i % 2 / 9] for i in range(200_000)] + [[113.8, 31.3]]]}),
    "star.geojson": lambda: _geojson({"type": "Polygon", "coordinates": [[[float(113.9 + np.cos(i * 2.4) / 20), float(31.4 + np.sin(i * 2.4) / 20)] for i in range(3_000)] + [[113.95, 31.4]]]}),
    "many_holes.geojson": lambda: _geojson({"type": "Polygon", "coordinates": [[[113.8, 31.3], [113.9, 31.3], [113.9, 31.4], [113.8, 31.3]]] * 50_000}),
    "laughs.kml": lambda: _csv(_laughs() + "<kml><Document><name>&l9;</name></Document></kml>"),
    "deep.kml": lambda: b"<kml>" + b"<Folder>" * 1_000_000,
    "long_coordinates.kml": lambda: b"<kml><Placemark><Point><coordinates>" + b"1,1 " * (20 * _MIB),
    "many_placemarks.kml": lambda: b"<kml>" + b"<Placemark/>" * 2_500_000 + b"</kml>",
}  # fmt: skip
# Quick enough for every run of the tests.
SMALL = (
    "million_columns.csv", "million_commas.csv", "sparse.xlsx", "sparse_rows.xlsx", "sparse_below.xlsx", "laughs.xlsx", "beyond.xlsx",
    "laughs_in_strings.xlsx", "strings_count_lie.xlsx", "merges.xlsx", "deep.geojson", "deep.kml", "laughs.kml",
    "zip_in_zip.zip",
)  # fmt: skip


def bomb(name: str) -> Case:
    """A bomb by its name."""
    suffix = name.rpartition(".")[2]
    source, _ = forms.long_counts(_RNG)
    if suffix in {"geojson", "kml", "zip"}:
        source = forms.map_source("areas")
    file = f"fuzzed.{suffix}"
    source |= {"id": "fuzzed", "path": file}
    return Case(1, name, file, source, BOMBS[name](), done=[name])
