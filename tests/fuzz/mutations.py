# ruff: noqa: E501 (tables: a line each)
"""What is done to sound files: to the cells of a table, to bytes, to archives, XML and JSON.

Each mutation is a function in a table; a case takes one to three of those that fit its form.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.fuzz.forms import Case, Grid, Rng, identity, mobile, packed

NUMBERS = (
    "1e999", "1e9", "1e-3", "0x10", "١٢", "12①", "5²", "１２", "½", "−3", "-3", "1,2,3", "1,234",
    "1 234", "3 4", "NaN", "inf", "-inf", "Infinity", "9" * 400, "9" * 10_000, "0" * 5_000 + "7", "1_000",
    "3.0", "3.5", "+8", "--5", "5-", "=2+3", "@SUM(A1)", "#REF!", "#N/A", "TRUE", "约30", "30人",
    "三十", "<5", "5+", "12⒈", "³", "1.2.3", "1.234,5", "1'234", "1e5", "0b11", "٣٫٥", "൧", "1\u200b2",
    "1\u00a0234", "\ufeff7", "7\n8", "٪5", "１，２３４", "(12)", "12%", "2026-11-09", "990101001001",
)  # fmt: skip
WEEKS = (
    "2026-W40", "2026-W54", "2027-W01", "2026W41", "2026年第40周", "0001-W01", "9999-W52", "2026-W00", "W40",
    "20261005", "2026/10/5", "5/10/2026", "46300", "46300.0", "46300.5", "99999", "1", "2026-02-30", "2026-13-01",
    "9999-12-31", "0000-00-00", "2026-10-05T12:00:00", "2026.10.5", "二〇二六年", "２０２６－Ｗ４１", "2026-W4①",
    "2026 - 10 - 05", "2026-10-05 合计", "1900-02-29", "60", "Oct 5 2026", "2026-W40-1", "2026-10", "40",
    "2026-W41\n", "١٢٣٤-W10", "2026-W40 2026-W41", "2026-W400", "-2026-W40", "20261", "2026041",
)  # fmt: skip
TEXTS = (
    "", " ", "\t", "\x00", "a\x00b", "合计", "小计", "-", "nan", "None", "NULL", "\u202e", "\ud7ff", "💥",
    "=cmd|' /C calc'!A1", '"', '""', "'", ",", ";", "\n", "\r\n", "\r", "注：", "x" * 40_000, "{0}", "%s", "<b>", "&amp;",
    "\\", "../../etc/passwd", "{", "{zh}", "原行号", "合计:", "单位：", "990101001001", "99010100100１",
    "990101001001.0", "9.90101E+11", "990101001001①", "990101001999", "99 0101 001001", "柳溪村", "石灣村",
)  # fmt: skip
Cells = Callable[[Grid, Rng], None]
Bytes = Callable[[bytes, Rng], bytes]


def _row(grid: Grid, rng: Rng) -> int:
    return int(rng.integers(len(grid)))


def _body_row(grid: Grid, rng: Rng) -> int:
    return int(rng.integers(1, max(2, len(grid)))) % len(grid)


def _column(grid: Grid, rng: Rng) -> int:
    return int(rng.integers(max(1, max(map(len, grid), default=1))))


def _put(values: tuple[str, ...]) -> Cells:
    def put(grid: Grid, rng: Rng) -> None:
        for _ in range(rng.integers(1, 4)):
            row = grid[_body_row(grid, rng)]
            if row:
                row[rng.integers(len(row))] = values[rng.integers(len(values))]

    return put


def _into(position: int, values: tuple[str, ...]) -> Cells:
    """Odd values where they tempt most: a column counted from its side."""

    def put(grid: Grid, rng: Rng) -> None:
        for _ in range(rng.integers(1, 4)):
            row = grid[_body_row(grid, rng)]
            if len(row) > abs(position):
                row[position] = values[rng.integers(len(values))]

    return put


def cut_rows(grid: Grid, rng: Rng) -> None:
    start = _row(grid, rng)
    del grid[start : start + int(rng.integers(1, len(grid) + 1))]


def double_rows(grid: Grid, rng: Rng) -> None:
    start = _row(grid, rng)
    grid[start:start] = [list(row) for row in grid[start : start + int(rng.integers(1, 5))]]


def contradict(grid: Grid, rng: Rng) -> None:
    row = list(grid[_body_row(grid, rng)])
    if row:
        row[-1] = "4999"
    grid.insert(_row(grid, rng), row)


def shuffle_rows(grid: Grid, rng: Rng) -> None:
    grid[1:] = [grid[1 + i] for i in rng.permutation(len(grid) - 1)]


def blank_rows(grid: Grid, rng: Rng) -> None:
    at = _row(grid, rng)
    grid[at:at] = [[] for _ in range(int(rng.choice([1, 2, 3, 40, 400, 6000])))]


def swap_columns(grid: Grid, rng: Rng) -> None:
    a, b = _column(grid, rng), _column(grid, rng)
    for row in grid:
        if max(a, b) < len(row):
            row[a], row[b] = row[b], row[a]


def swap_headers(grid: Grid, rng: Rng) -> None:
    row = grid[0]
    if len(row) > 1:
        a, b = rng.integers(len(row), size=2)
        row[a], row[b] = row[b], row[a]


def drop_column(grid: Grid, rng: Rng) -> None:
    at = _column(grid, rng)
    for row in grid:
        del row[at : at + 1]


def double_column(grid: Grid, rng: Rng) -> None:
    at = _column(grid, rng)
    for row in grid:
        if at < len(row):
            row.insert(at, row[at])


def rename_column(grid: Grid, rng: Rng) -> None:
    if grid[0]:
        names = (
            "周 ",
            "代 码",
            "咨询\n人次",
            "咨询",
            "人次",
            "",
            "﻿周",
            "姓名",
            "合计",
            "柳溪村",
            "x" * 300,
        )
        grid[0][rng.integers(len(grid[0]))] = names[rng.integers(len(names))]


def ragged(grid: Grid, rng: Rng) -> None:
    row = grid[_row(grid, rng)]
    row.extend(["7"] * int(rng.integers(1, 4))) if rng.random() < 0.5 else row.__delitem__(
        slice(int(rng.integers(len(row) + 1)), None)
    )


def shift_row(grid: Grid, rng: Rng) -> None:
    grid[_body_row(grid, rng)].insert(0, "")


def titles(grid: Grid, rng: Rng) -> None:
    grid[:0] = [["2026年心理服务周报"], [], ["填报单位：", "西镇"]][: int(rng.integers(1, 4))]


def repeat_header(grid: Grid, rng: Rng) -> None:
    grid.insert(_row(grid, rng), list(grid[0]))


def totals(grid: Grid, rng: Rng) -> None:
    width = max(map(len, grid))
    grid.append(["合计", *[""] * (width - 2), ("999999", "9" * 400, "-", "1e400")[rng.integers(4)]])


def many_columns(grid: Grid, rng: Rng) -> None:
    n = 20_000 if rng.random() < 0.02 else int(rng.integers(1, 200))
    grid[0].extend(f"c{i}" for i in range(n))


def transpose(grid: Grid, rng: Rng) -> None:
    width = max(map(len, grid))
    grid[:] = [[row[i] if i < len(row) else "" for row in grid] for i in range(width)]


CELLS: dict[str, Cells] = {
    "odd number": _into(-1, NUMBERS), "odd number before": _into(-2, NUMBERS), "odd week": _into(0, WEEKS),
    "odd code": _into(1, TEXTS), "odd text": _put(TEXTS), "odd anything": _put(NUMBERS + WEEKS + TEXTS),
    **{f.__name__: f for f in (
        cut_rows, double_rows, contradict, shuffle_rows, blank_rows, swap_columns, swap_headers, drop_column,
        double_column, rename_column, ragged, shift_row, titles, repeat_header, totals, many_columns, transpose,
    )},
}  # fmt: skip


# ------------------------------------------------------------------ bytes


def flip(raw: bytes, rng: Rng) -> bytes:
    found = np.frombuffer(raw, dtype=np.uint8).copy()
    at = rng.integers(len(found), size=int(rng.choice([1, 1, 1, 3, 20])))
    found[at] ^= (1 << rng.integers(8, size=len(at))).astype(np.uint8)
    return found.tobytes()


def overwrite(raw: bytes, rng: Rng) -> bytes:
    at, n = int(rng.integers(len(raw))), int(rng.choice([1, 4, 64]))
    return raw[:at] + rng.bytes(n) + raw[at + n :]


def cut(raw: bytes, rng: Rng) -> bytes:
    return raw[: int(rng.integers(len(raw)))]


def cut_inside(raw: bytes, rng: Rng) -> bytes:
    at = int(rng.integers(len(raw)))
    return raw[:at] + raw[at + int(rng.choice([1, 7, 200])) :]


def insert(raw: bytes, rng: Rng) -> bytes:
    at = int(rng.integers(len(raw)))
    pieces = (
        rng.bytes(3),
        b"\x00",
        b'"',
        b"\r",
        b"\n",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xa3\xac",
        b"\x1a",
        b",",
        b"\t",
    )
    return raw[:at] + pieces[rng.integers(len(pieces))] * int(rng.choice([1, 1, 5])) + raw[at:]


def double_piece(raw: bytes, rng: Rng) -> bytes:
    a, b = sorted(rng.integers(len(raw), size=2).tolist())
    return raw[:b] + raw[a:b] + raw[b:]


def doubled(raw: bytes, rng: Rng) -> bytes:
    return raw + raw


def zeros(raw: bytes, rng: Rng) -> bytes:
    at = int(rng.integers(len(raw)))
    return raw[:at] + bytes(512) + raw[at + 512 :]


def noise(raw: bytes, rng: Rng) -> bytes:
    return rng.bytes(int(rng.choice([0, 1, 100, 5000])))


BYTES: dict[str, Bytes] = {
    f.__name__: f
    for f in (flip, overwrite, cut, cut_inside, insert, double_piece, doubled, zeros, noise)
}


# ------------------------------------------------------------------ text


def mojibake(raw: bytes, rng: Rng) -> bytes:
    """Read in one encoding, written in another, as wrong programs do."""
    a, b = rng.choice(["utf-8", "gb18030", "latin-1", "cp1252", "big5"], size=2)
    return raw.decode(str(a), "replace").encode(str(b), "replace")


def half_encoded(raw: bytes, rng: Rng) -> bytes:
    """Half of the file in another encoding, as two files pasted together are."""
    lines = raw.splitlines(keepends=True)
    at = int(rng.integers(len(lines) + 1))
    other = b"".join(lines[at:])
    to = ("gb18030", "utf-8", "utf-16-le", "utf-16")[rng.integers(4)]
    return b"".join(lines[:at]) + other.decode("utf-8", "replace").encode(to, "replace")


def mixed_delimiters(raw: bytes, rng: Rng) -> bytes:
    lines = raw.split(b"\n")
    for at in rng.integers(len(lines), size=3).tolist():
        lines[at] = lines[at].replace(b",", (b";", b"\t", b"|", b" ")[rng.integers(4)])
    return b"\n".join(lines)


def mixed_line_ends(raw: bytes, rng: Rng) -> bytes:
    lines = raw.replace(b"\r\n", b"\n").split(b"\n")
    ends = (b"\n", b"\r\n", b"\r", b"\n\n", b"\x85", b"\x0b", b"\xe2\x80\xa8")
    return b"".join(line + ends[rng.integers(len(ends))] for line in lines)


def broken_quotes(raw: bytes, rng: Rng) -> bytes:
    marks = [i for i, byte in enumerate(raw) if byte in b",\n\t;"]
    for at in sorted(rng.choice(marks, size=min(len(marks), int(rng.integers(1, 4)))).tolist())[
        ::-1
    ]:
        raw = raw[: at + 1] + b'"' + raw[at + 1 :]
    return raw


def digit(raw: bytes, rng: Rng) -> bytes:
    """Another digit where one was: another figure, which then is what stands there."""
    at = [i for i, byte in enumerate(raw) if 48 <= byte <= 57]
    if not at:
        return raw
    i = int(rng.choice(at))
    return raw[:i] + str(rng.integers(10)).encode() + raw[i + 1 :]


TEXT: dict[str, Bytes] = {
    f.__name__: f
    for f in (mojibake, half_encoded, mixed_delimiters, mixed_line_ends, broken_quotes, digit)
}


# ------------------------------------------------------------------ archives and XML


def _repacked(raw: bytes, change: Callable[[dict[str, bytes]], list[tuple[str, bytes]]]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return packed(change(parts))


def _one(parts: dict[str, bytes], rng: Rng) -> str:
    return sorted(parts)[rng.integers(len(parts))]


def drop_member(raw: bytes, rng: Rng) -> bytes:
    return _repacked(raw, lambda parts: [p for p in parts.items() if p[0] != _one(parts, rng)])


def rename_member(raw: bytes, rng: Rng) -> bytes:
    def change(parts: dict[str, bytes]) -> list[tuple[str, bytes]]:
        one = _one(parts, rng)
        to = ("../" + one, one.upper(), "/" + one, one.replace("/", "\\"), "x")[rng.integers(5)]
        return [(to if name == one else name, content) for name, content in parts.items()]

    return _repacked(raw, change)


def damage_member(raw: bytes, rng: Rng) -> bytes:
    def change(parts: dict[str, bytes]) -> list[tuple[str, bytes]]:
        one, how = _one(parts, rng), list(BYTES.values())[rng.integers(len(BYTES))]
        return [(n, how(c, rng) if n == one and c else c) for n, c in parts.items()]

    return _repacked(raw, change)


def double_member(raw: bytes, rng: Rng) -> bytes:
    """An entry twice: readers differ in which they take."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        infos = archive.infolist()
        one = infos[rng.integers(len(infos))]
        content = archive.read(one)
    out = io.BytesIO(raw)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive._didModify = True
        archive.NameToInfo.pop(one.filename)
        other = flip(content, rng) if content else b"x"
        archive.writestr(zipfile.ZipInfo(one.filename), other, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def stored(raw: bytes, rng: Rng) -> bytes:
    """Without packing, and a byte changed: only the checksum shows it."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return digit(packed(parts.items(), zipfile.ZIP_STORED), rng)


ZIP: dict[str, Bytes] = {
    f.__name__: f for f in (drop_member, rename_member, damage_member, double_member, stored)
}

SHEET_EDITS: tuple[tuple[str, str], ...] = (
    (r'<dimension ref="[^"]*"', '<dimension ref="A1:XFD1048576"'),
    (r'<dimension ref="[^"]*"', '<dimension ref="B2:C3"'),
    (r'<dimension ref="[^"]*"', '<dimension ref="ZZZZ0:-1"'),
    (r't="s"><v>\d+', 't="s"><v>99999'),
    (r't="s"><v>\d+', 't="s"><v>-1'),
    (r't="s"', 't="str"'),
    (r't="n"', 't="b"'),
    (r't="n"', 't="e"'),
    (r't="n"', 't="d"'),
    (r"<v>(\d+)</v>", r"<f>1+\1</f><v></v>"),
    (r"<v>(\d+)</v>", r"<f>1+\1</f><v>\1</v>"),
    (r"<v>(\d+)</v>", r"<f>[1]Sheet1!A1</f><v>\1</v>"),
    (r"<v>(\d+)</v>", r"<v>1e999</v>"),
    (r"<v>(\d+)</v>", r"<v> \1 </v>"),
    (r"<v>(\d+)</v>", r"<v>\1<!-- 7 --></v>"),
    (r"<v>(\d+)</v>", r"<v><![CDATA[\1]]></v>"),
    (r"<sheetData>.*</sheetData>", "<sheetData/>"),
    (r"</sheetData>", '</sheetData><mergeCells count="1"><mergeCell ref="A2:A9"/></mergeCells>'),
    (r"</sheetData>", '</sheetData><mergeCells count="1"><mergeCell ref="C2:E9"/></mergeCells>'),
    (r"</sheetData>", '</sheetData><mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'),
    (r"</sheetData>", '</sheetData><mergeCells count="1"><mergeCell ref="Z9:A1"/></mergeCells>'),
    (r'<row r="(\d+)"', r'<row r="\1" hidden="1"'),
    (r'<row r="(\d+)"', r'<row r="\1" ht="0"'),
    (r'<row r="(\d+)"', "<row"),
    (r'<c r="([A-Z])(\d+)"', r'<c r="A\2"'),
    (r'<c r="([A-Z])(\d+)"', r'<c r="\g<1>7"'),
    (r'<c r="([A-Z])(\d+)"', "<c"),
    (r'<c r="([A-Z])(\d+)"', r'<c r="\g<1>1048577"'),
    (r'<c r="([A-Z])(\d+)"', r'<c r="XFD\2"'),
    (r'<c r="([A-Z])(\d+)"', r'<c r="\1\g<2>" s="999"'),
    (r"<worksheet", '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><worksheet'),
    (r"<t>", "<t>&b;"),
    (r"<si>", "<si><r><t>x</t></r><rPh sb='0' eb='1'><t>y</t></rPh>"),
    (r"<t>", "<t xml:space='preserve'>_x0041_"),
    (r'name="周报"', 'name="周报&#10;&quot;"'),
    (r"</sheets>", '</sheets><definedNames><definedName name="x">[1]Y!A1</definedName></definedNames>'),
    (r"</sheets>", '<sheet name="周报" sheetId="9" r:id="rId1"/></sheets>'),
    (r"<sheet ", '<sheet state="veryHidden" '),
    (r"date1904=\"\w+\"|<workbookPr", '<workbookPr date1904="1"'),
    (r'Target="[^"]*sheet1.xml"', 'Target="http://127.0.0.1/x.xml" TargetMode="External"'),
    (r'Target="[^"]*sheet1.xml"', 'Target="../../x.xml"'),
    (r'numFmtId="\d+"', 'numFmtId="14"'),
)  # fmt: skip


# The sheet says two things at once: whoever reads it must choose, or refuse it.
CONTRADICTIONS: tuple[tuple[str, str], ...] = (
    (r"<v>(\d+)</v>", r"<v>\1</v><v>4999</v>"),
    (r"<v>(\d+)</v>", r"<v/><v>4999</v>"),
    (r"<v>(\d+)</v>", r"<v>\1</v><is><t>4999</t></is>"),
    (r'<row r="\d+"', '<row r="5"'),
    (r'<row r="(\d+)"', r'<row r="\g<1>0"'),
    (r"(<row .*?</row>)(<row .*?</row>)", r"\2\1"),
    (r"(<row .*?</row>)", r"\1\1"),
    (r"(<c r=.*?</c>)(<c r=.*?</c>)", r"\2\1"),
    (r'(<c r="[A-Z]+\d+"[^>]*><v>\d+</v></c>)', r"\1\1"),
    (r'<c r="([A-Z])(\d+)"', r'<c r="\g<1>1\2"'),
)  # fmt: skip


def edit_xml(raw: bytes, rng: Rng) -> bytes:
    return _edited(raw, rng, SHEET_EDITS)


def contradict_xml(raw: bytes, rng: Rng) -> bytes:
    return _edited(raw, rng, CONTRADICTIONS)


def _edited(raw: bytes, rng: Rng, edits: tuple[tuple[str, str], ...]) -> bytes:
    """One of the edits, at one place or at all."""
    pattern, to = edits[rng.integers(len(edits))]
    everywhere = rng.random() < 0.4

    def change(parts: dict[str, bytes]) -> list[tuple[str, bytes]]:
        made = []
        for name, part in parts.items():
            content = part
            text = content.decode("utf-8", "replace") if name.endswith((".xml", ".rels")) else ""
            places = list(re.finditer(pattern, text, re.DOTALL))
            if places:
                skip = 0 if everywhere else int(rng.integers(len(places)))
                start = places[skip].start()
                text = text[:start] + re.sub(
                    pattern, to, text[start:], count=0 if everywhere else 1, flags=re.DOTALL
                )
                content = text.encode()
            made.append((name, content))
        return made

    return _repacked(raw, change)


XML: dict[str, Bytes] = {"edit_xml": edit_xml}

KML_EDITS = (
    (r"<kml", '<!DOCTYPE k [<!ENTITY a "aaaa">]><kml'), (r"<value>", "<value>&a;"), (r"<value>(\w)", r"<value>&#49;\1"),
    (r"<coordinates>[^<]*", "<coordinates>"), (r"<coordinates>", "<coordinates>nan,inf,0 "),
    (r"<coordinates>", "<coordinates>1e308,1e308 "), (r"113\.", "1130."), (r"<Polygon>", "<Point>"),
    (r"<value>(\d+)</value>", r"<value>\1</value><value>4999</value>"), (r"</Placemark>", ""),
    (r"<Document>", "<Document>" + "<Folder>" * 200), (r'<Data name="code">', '<Data name="code" name="x">'),
    (r"<Document>", '<Document><NetworkLink><Link><href>http://127.0.0.1/x</href></Link></NetworkLink>'),
    (r"UTF-8", "GB18030"), (r"<value>(\d+)</value>", r"<value> \1 </value>"), (r"<Data ", "<Data><Data "),
)  # fmt: skip


def edit_kml(raw: bytes, rng: Rng) -> bytes:
    pattern, to = KML_EDITS[rng.integers(len(KML_EDITS))]
    return re.sub(pattern, to, raw.decode(), count=int(rng.integers(0, 2))).encode()


# ------------------------------------------------------------------ GeoJSON and shapefiles

NAN, INF = float("nan"), float("inf")
GEOMETRIES: tuple[Any, ...] = (
    None, {}, {"type": "Polygon"}, {"type": "Polygon", "coordinates": []}, {"type": "Polygon", "coordinates": [[]]},
    {"type": "Point", "coordinates": [NAN, NAN]}, {"type": "Point", "coordinates": []}, {"type": "Nix", "coordinates": [1]},
    {"type": "Polygon", "coordinates": [[[113.8, 31.3], [113.9, 31.4], [113.9, 31.3], [113.8, 31.4], [113.8, 31.3]]]},
    {"type": "Polygon", "coordinates": [[[1e308, 1e308], [-1e308, 1e308], [0, -1e308], [1e308, 1e308]]]},
    {"type": "Polygon", "coordinates": [[[INF, 0], [0, INF], [INF, INF], [INF, 0]]]},
    {"type": "Polygon", "coordinates": [[[113.8, 31.3]] * 4]}, {"type": "Polygon", "coordinates": "113.8"},
    {"type": "Polygon", "coordinates": [[["a", "b"], [1], [None, 2], {}]]},
    {"type": "GeometryCollection", "geometries": []}, {"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 0], [1, 1], [0, 0]]]]},
    {"type": "LineString", "coordinates": [[113.8, 31.3], [113.9, 31.4]]},
    {"type": "Polygon", "coordinates": [[[31.3, 113.8], [31.4, 113.8], [31.4, 113.9], [31.3, 113.8]]]},
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, [], {}, "", " ", -1, 1.5, 1e20, 1e308, NAN, "12①", "x", "1e999", 990101001001, "990101001001", "9" * 400,
    [1, 2], {"a": 1}, "合计", "\x00", "﻿990101001002", 2**70, "１２", "1,2,3", "5²",
)  # fmt: skip


def edit_geojson(raw: bytes, rng: Rng) -> bytes:
    """Another geometry or attribute, features doubled, dropped, unwrapped, nested."""
    text = json.loads(raw)
    features = text["features"]
    one = features[rng.integers(len(features))]
    what = int(rng.integers(10))
    if what < 3:
        one["geometry"] = GEOMETRIES[rng.integers(len(GEOMETRIES))]
    elif what < 6:
        names = sorted(one["properties"])
        one["properties"][names[rng.integers(len(names))]] = VALUES[rng.integers(len(VALUES))]
    elif what == 6:
        features.append(one)
    elif what == 7:
        del features[int(rng.integers(len(features))) :]
    elif what == 8:
        one["properties"] = (None, [], "x", {"code": {"code": 1}})[rng.integers(4)]
    else:
        text = (one, features, {"type": "Feature"}, {"a": text}, [[]] * 3)[rng.integers(5)]
    return json.dumps(text, ensure_ascii=bool(rng.random() < 0.5)).encode("utf-8", "replace")


def nested(raw: bytes, rng: Rng) -> bytes:
    depth = int(rng.choice([70, 2_000, 200_000]))
    return raw.replace(b'"coordinates": ', b'"coordinates": ' + b"[" * depth, 1)


def edit_shapefile(case: Case, rng: Rng) -> None:
    """One of the parts dropped, damaged, or with a header that lies."""
    suffix = sorted(case.beside)[rng.integers(len(case.beside))]
    what = int(rng.integers(4))
    if what == 0:
        del case.beside[suffix]
    elif what == 1:
        case.beside[suffix] = list(BYTES.values())[rng.integers(len(BYTES))](
            case.beside[suffix], rng
        )
    elif what == 2 and ".dbf" in case.beside:
        raw = bytearray(case.beside[".dbf"])
        struct.pack_into("<I", raw, 4, int(rng.choice([0, 1, 3, 5, 2**31, 2**32 - 1])))
        case.beside[".dbf"] = bytes(raw)
    elif ".dbf" in case.beside:
        raw = bytearray(case.beside[".dbf"])
        struct.pack_into("<H", raw, int(rng.choice([8, 10])), int(rng.integers(0, 65536)))
        case.beside[".dbf"] = bytes(raw)


GEOJSON: dict[str, Bytes] = {"edit_geojson": edit_geojson, "nested": nested}
KML: dict[str, Bytes] = {"edit_kml": edit_kml}


# ------------------------------------------------------------------ persons


def plant_persons(case: Case, rng: Rng) -> None:
    """A column of identity or mobile numbers, headed like anything."""
    assert case.grid is not None
    make = identity if rng.random() < 0.5 else mobile
    numbers = [make(rng) for _ in case.grid]
    at = int(rng.integers(1, max(2, len(case.grid[0]) + 1)))
    for row, text in zip(case.grid, ["备注", *numbers[1:]], strict=True):
        row.insert(min(at, len(row)), text)
    case.canaries = tuple(numbers[1:])
