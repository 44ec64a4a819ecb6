"""Sound files of every role and form, small, every figure of its own: what fuzzing starts from."""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pyogrio

from tests.support.locality import NAMES, VILLAGES, feature, village_features
from tests.support.persons import with_check

Rng = np.random.Generator
Grid = list[list[Any]]
DATA = Path(__file__).parents[1] / "data" / "files"
MEASURES = {"咨询": "consult_visits", "热线": "hotline_calls"}
GROUPS = {"total": "总人口", "elderly": "六十岁以上"}
SITES = (
    ("柳溪卫生院", "医院", 113.851, 31.351),
    ("松岭心理咨询室", "咨询", 113.852, 31.452),
    ("桥头小学心理辅导室", "学校", 113.953, 31.353),
    ("石湾社工站", "社工站", 113.954, 31.454),
)
KINDS = {
    "医院": "hospital", "咨询": "counselling_room", "学校": "school", "社工站": "service_org",
}  # fmt: skip


@dataclass
class Case:
    """A file to be handed in, how its source is mapped, and what was done to it.

    Attributes
    ----------
    grid : the table as it was written, before its bytes were touched; None of map files.
    beside : suffix → content of the other parts of a shapefile.
    canaries : numbers of persons, none of which may be repeated anywhere.
    """

    number: int
    form: str
    name: str
    source: dict[str, Any]
    content: bytes = b""
    grid: Grid | None = None
    beside: dict[str, bytes] = field(default_factory=dict)
    canaries: tuple[str, ...] = ()
    done: list[str] = field(default_factory=list)

    @property
    def role(self) -> str:
        return str(self.source["role"])


@cache
def primes() -> tuple[int, ...]:
    """Figures that are neither each other's sums nor anybody's row number."""
    sieve = np.ones(20_000, dtype=bool)
    for i in range(2, 142):
        sieve[i * i :: i] = False
    return tuple(int(i) for i in np.flatnonzero(sieve) if i > 100)


def figures() -> Callable[[], int]:
    """Each call another prime."""
    return iter(primes()).__next__


def mondays(n: int = 6) -> list[date]:
    """The first days of so many weeks before the fuzzing's present."""
    return [date(2026, 9, 28) + timedelta(weeks=i) for i in range(n)]


def week_text(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


# ------------------------------------------------------------------ tables as rows of cells


def long_counts(rng: Rng) -> tuple[dict[str, Any], Grid]:
    nxt = figures()
    rows = [
        [week_text(day), code, NAMES[code], str(nxt()), str(nxt())]
        for day in mondays() for code in VILLAGES
    ]  # fmt: skip
    source = {
        "role": "observations", "level": "village",
        "columns": {"week": "周", "area": "代码", "counts": {v: k for k, v in MEASURES.items()}},
    }  # fmt: skip
    return source, [["周", "代码", "名称", "咨询", "热线"], *rows]


def dated_counts(rng: Rng) -> tuple[dict[str, Any], Grid]:
    """One measure; weeks as dates of their Mondays, in one of the dresses of dates."""
    dress = (
        date.isoformat,
        lambda d: f"{d.year}/{d.month}/{d.day}",
        lambda d: f"{d.year}年{d.month}月{d.day}日",
        lambda d: d.strftime("%Y%m%d"),
        lambda d: str((d - date(1899, 12, 30)).days),
        lambda d: d,
    )[rng.integers(6)]
    nxt = figures()
    rows = [[dress(day), code, str(nxt())] for day in mondays() for code in VILLAGES]
    source = {
        "role": "observations", "level": "village", "measure": "consult_visits",
        "week": "monday", "columns": {"week": "周", "area": "代码", "count": "人次"},
    }  # fmt: skip
    return source, [["周", "代码", "人次"], *rows]


def by_measure(rng: Rng) -> tuple[dict[str, Any], Grid]:
    nxt = figures()
    rows = [
        [week_text(day), code, measure, str(nxt())]
        for day in mondays(4) for code in VILLAGES for measure in MEASURES
    ]  # fmt: skip
    source = {
        "role": "observations", "level": "village", "measures": MEASURES,
        "columns": {"week": "周", "area": "代码", "measure": "指标", "count": "人次"},
    }  # fmt: skip
    return source, [["周", "代码", "指标", "人次"], *rows]


def wide_counts(rng: Rng) -> tuple[dict[str, Any], Grid]:
    nxt, by = figures(), ("code", "name")[rng.integers(2)]
    rows = []
    for day in mondays(10):
        counts = [nxt() for _ in VILLAGES]
        rows.append([week_text(day), *map(str, counts), str(sum(counts))])
    source = {
        "role": "observations", "level": "village", "measure": "consult_visits",
        "shape": "wide", "areas_by": by, "columns": {"week": "周"},
    }  # fmt: skip
    areas = [code if by == "code" else NAMES[code] for code in VILLAGES]
    return source, [["周", *areas, "合计"], *rows]


def titled_counts(rng: Rng) -> tuple[dict[str, Any], Grid]:
    """Title rows, a header of two rows, a total and a remark, as Excel sheets of offices are."""
    source, (_, *rows) = long_counts(rng)
    sums = [str(sum(int(row[i]) for row in rows)) for i in (3, 4)]
    return source, [
        ["试验县心理服务周报"], ["单位：人次"],
        ["周", "代码", "名称", "服务量"], ["", "", "", "咨询", "热线"],
        *rows, ["合计", "", "", *sums], ["制表人：办公室"],
    ]  # fmt: skip


def sites(rng: Rng) -> tuple[dict[str, Any], Grid]:
    rows = [
        [name, kind, f"{lon:.4f}", f"{lat:.4f}", f"{NAMES[code]}1号", str(primes()[lat > 31.4]),
         "027-81234567"]
        for (name, kind, lon, lat), code in zip(SITES, VILLAGES, strict=True)
    ]  # fmt: skip
    source = {
        "role": "facilities", "kinds": KINDS,
        "columns": {"name": "名称", "kind": "类别", "lon": "经度", "lat": "纬度",
                    "address": "地址", "staff": "职工数"},
    }  # fmt: skip
    return source, [["名称", "类别", "经度", "纬度", "地址", "职工数", "咨询电话"], *rows]


def residents(rng: Rng) -> tuple[dict[str, Any], Grid]:
    nxt = figures()
    rows = [[code, NAMES[code], str(nxt()), str(nxt())] for code in VILLAGES]
    sums = [str(sum(int(row[i]) for row in rows)) for i in (2, 3)]
    source = {
        "role": "population",
        "level": "village",
        "columns": {"code": "代码", "groups": GROUPS},
    }
    return source, [["代码", "名称", *GROUPS.values()], *rows, ["合计", "", *sums]]


def persons(rng: Rng) -> tuple[dict[str, Any], Grid]:
    """What a department has of its own: a row a person, for `xintu aggregate` alone."""
    rows = [
        [
            str(mondays()[i % 6] + timedelta(days=i % 7)), VILLAGES[i * 7 % 4],
            f"张{'一二三四五'[i % 5]}", identity(rng), mobile(rng),
        ]
        for i in range(40)
    ]  # fmt: skip
    return {"role": "export"}, [["咨询日期", "社区代码", "姓名", "身份证号", "手机"], *rows]


TABLES = {
    form.__name__: form
    for form in (
        long_counts, dated_counts, by_measure, wide_counts, titled_counts, sites, residents, persons
    )
}  # fmt: skip


def identity(rng: Rng) -> str:
    """An identity number of nobody."""
    year, month, day = rng.integers(1950, 2010), rng.integers(10, 13), rng.integers(10, 29)
    return with_check(f"990101{year}{month}{day}{rng.integers(100, 999)}")


def mobile(rng: Rng) -> str:
    """A mobile number of nobody."""
    return f"13{rng.integers(10**8, 10**9)}"


# ------------------------------------------------------------------ dresses of a table


def as_text(grid: Grid, encoding: str, delimiter: str, newline: str = "\r\n") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=newline).writerows(grid)
    return text.getvalue().encode(encoding, "replace")


def as_workbook(grid: Grid, rng: Rng) -> bytes:
    """XLSX; figures as numbers, text or formulas' results; two-row headers merged."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "周报"
    as_numbers = rng.random() < 0.6
    for row in grid:
        sheet.append([_typed(cell) if as_numbers else _plain(cell) for cell in row[:16_384]])
    if len(grid) > 3 and "服务量" in grid[2]:
        for cells in ("A1:E1", "A3:A4", "B3:B4", "C3:C4", "D3:E3"):
            sheet.merge_cells(cells)
    if rng.random() < 0.3:
        book.create_sheet("说明", 0).append(["填表说明"])
    file = io.BytesIO()
    book.save(file)
    raw = file.getvalue() if rng.random() < 0.4 else _shared(file.getvalue())
    return undated(raw)


_TIME = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def undated(raw: bytes) -> bytes:
    """The same workbook whenever it is made."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        parts = [(name, archive.read(name)) for name in archive.namelist()]
    about = {name: _TIME.sub(b"2026-11-18T00:00:00Z", part) for name, part in parts
             if name == "docProps/core.xml"}  # fmt: skip
    return packed((name, about.get(name, part)) for name, part in parts)


def packed(parts: Iterable[tuple[str, bytes]], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of these parts that does not say when it was made."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in parts:
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=packing)
    return out.getvalue()


_STRINGS = (
    b'<Override PartName="/xl/sharedStrings.xml" ContentType="application/'
    b'vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/>'
)


_LINK = (
    b'<Relationship Id="rIdStrings" Target="sharedStrings.xml" '
    b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"/>'
)


def _shared(raw: bytes) -> bytes:
    """The same workbook with its texts in one table, as Excel writes them."""
    texts: dict[str, int] = {}

    def share(match: re.Match[str]) -> str:
        return f't="s"><v>{texts.setdefault(match[1], len(texts))}</v></c>'

    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(raw)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        parts = {name: old.read(name) for name in old.namelist()}
        strings = parts.pop("xl/sharedStrings.xml", b"")
        for name, part in parts.items():
            content = part
            if re.fullmatch(r"xl/worksheets/sheet\d+.xml", name) and b't="s"' not in content:
                content = re.sub(
                    r't="inlineStr"><is>(<t.*?</t>|<t ?/>)</is></c>', share, content.decode()
                ).encode()
            if name == "xl/_rels/workbook.xml.rels" and b"sharedStrings" not in content:
                content = content.replace(b"</Relationships>", _LINK + b"</Relationships>")
            if name == "[Content_Types].xml" and b"sharedStrings" not in content:
                content = content.replace(b"</Types>", _STRINGS + b"</Types>")
            new.writestr(name, content)
        if texts:
            items = "".join(f"<si>{text}</si>" for text in texts)
            space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
            new.writestr("xl/sharedStrings.xml", f'<sst xmlns="{space}">{items}</sst>')
        elif strings:
            new.writestr("xl/sharedStrings.xml", strings)
    return out.getvalue()


def _plain(cell: Any) -> Any:
    return cell if isinstance(cell, date) else _legal(str(cell))


def _typed(cell: Any) -> Any:
    text = str(cell)
    if isinstance(cell, date) or not text.isascii() or not text.isdigit() or len(text) > 11:
        return _plain(cell)
    return int(text)


def _legal(text: str) -> str:
    """What XML can hold, and a cell."""
    return openpyxl.cell.cell.ILLEGAL_CHARACTERS_RE.sub("", text)[:32_000]


DRESSES: dict[str, tuple[str, str, str]] = {
    "utf8": ("utf-8", ",", "\r\n"),
    "bom": ("utf-8-sig", ",", "\n"),
    "gb18030": ("gb18030", ",", "\r\n"),
    "utf16": ("utf-16", "\t", "\r\n"),
    "tabs": ("gb18030", "\t", "\n"),
    "semicolons": ("utf-8", ";", "\n"),
    "old_mac": ("utf-8", ",", "\r"),
}


def dressed(grid: Grid, dress: str, rng: Rng) -> tuple[str, bytes]:
    """Suffix and bytes of a table in one of its dresses."""
    if dress == "xlsx":
        return "xlsx", as_workbook(grid, rng)
    encoding, delimiter, newline = DRESSES[dress]
    return "csv", as_text(grid, encoding, delimiter, newline)


# ------------------------------------------------------------------ maps


def map_features(role: str) -> list[dict[str, Any]]:
    if role == "facilities":
        return [
            feature(
                {"name": n, "kind": k, "addr": NAMES[VILLAGES[0]]},
                {"type": "Point", "coordinates": [x, y]},
            )
            for n, k, x, y in SITES
        ]
    found = village_features()
    for i, one in enumerate(found):
        one["properties"] |= {"pop": primes()[i], "old": primes()[i + 9]}
    return found


def map_source(role: str) -> dict[str, Any]:
    if role == "facilities":
        columns = {"name": "name", "kind": "kind", "address": "addr"}
        return {"role": role, "kinds": KINDS, "columns": columns}
    return {
        "role": "areas", "level": "village", "columns": {"code": "code", "name": "name"},
        "population": {"total": "pop", "elderly": "old"},
    }  # fmt: skip


def geojson(role: str) -> bytes:
    collection = {"type": "FeatureCollection", "features": map_features(role)}
    return json.dumps(collection, ensure_ascii=False).encode()


@cache
def _files(role: str, driver: str, encoding: str) -> dict[str, bytes]:
    """Suffix → content of what GDAL writes."""
    frame = gpd.GeoDataFrame.from_features(map_features(role), crs=4326)
    shape = {"encoding": encoding, "DBF_DATE_LAST_UPDATE": "2026-11-18"}
    options = shape if driver == "ESRI Shapefile" else {"layer": "layer"}
    with tempfile.TemporaryDirectory() as folder:
        suffix = ".shp" if driver == "ESRI Shapefile" else ".gpkg"
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2026-11-18T00:00:00Z"})
        frame.to_file(Path(folder) / f"layer{suffix}", driver=driver, **options)
        return {path.suffix: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def shapefile(role: str, encoding: str = "UTF-8") -> dict[str, bytes]:
    return dict(_files(role, "ESRI Shapefile", encoding))


def zipped(role: str) -> bytes:
    """A zipped shapefile with GBK attributes and nothing that says so."""
    return packed(
        (f"边界/村{suffix}", content)
        for suffix, content in shapefile(role, "GBK").items()
        if suffix != ".cpg"
    )


def geopackage(role: str) -> bytes:
    return _files(role, "GPKG", "")[".gpkg"]


def kml(role: str) -> bytes:
    marks = []
    for one in map_features(role):
        data = "".join(
            f'<Data name="{k}"><value>{v}</value></Data>' for k, v in one["properties"].items()
        )
        shape = one["geometry"]
        if shape["type"] == "Point":
            x, y = shape["coordinates"]
            drawn = f"<Point><coordinates>{x},{y},0</coordinates></Point>"
        else:
            ring = " ".join(f"{x:.4f},{y:.4f},0" for x, y in shape["coordinates"][0])
            drawn = (
                "<Polygon><outerBoundaryIs><LinearRing><coordinates>"
                f"{ring}</coordinates></LinearRing></outerBoundaryIs></Polygon>"
            )
        marks.append(f"<Placemark><ExtendedData>{data}</ExtendedData>{drawn}</Placemark>")
    return (
        '<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2">'
        f"<Document>{''.join(marks)}</Document></kml>"
    ).encode()


MAPS: dict[str, Callable[[str], bytes]] = {
    "geojson": geojson, "gpkg": geopackage, "zip": zipped, "kml": kml,
    "shp": lambda role: shapefile(role)[".shp"],
}  # fmt: skip


def xls() -> bytes:
    return (DATA / "weekly.xls").read_bytes()
