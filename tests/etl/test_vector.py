"""Map files in every form, and those that were made to do harm."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import psutil
import pyogrio
import pytest
import shapely

from etl.findings import Doubts, UnusableFileError
from etl.sources import limits
from etl.sources.layers import map_format
from etl.sources.settings import AreasSource, FacilitiesSource, SourceBase
from etl.sources.vector import LAT, LON, Features, read_features, read_points

FRAME = gpd.GeoDataFrame(
    {"代码": ["0990101001001", "0990101001002"], "名称": ["柳溪村", "㙍塘村"]},
    geometry=[shapely.box(113.8, 31.3, 113.9, 31.4), shapely.box(113.8, 31.4, 113.9, 31.5)],
    crs=4326,
)
WANTED = ["代码", "名称"]
ROWS = [("0990101001001", "柳溪村"), ("0990101001002", "㙍塘村")]


def areas(**settings: object) -> SourceBase:
    usual: dict[str, object] = {
        "id": "villages",
        "role": "areas",
        "path": "x",
        "level": "village",
        "columns": {"code": "代码", "name": "名称"},
    }
    return AreasSource.model_validate({**usual, **settings})


def read(path: Path, **settings: object) -> tuple[Features, Doubts]:
    doubts = Doubts("villages", path.name)
    return read_features(path, areas(**settings), WANTED, doubts, datum="WGS84"), doubts


def records(features: Features) -> list[tuple[str, str]]:
    cells, found = features.table.cells, features.table.found
    return list(zip(*(cells[found[name]].astype(str) for name in WANTED), strict=True))


def rules(doubts: Doubts) -> list[str]:
    return [finding.rule for finding in doubts.findings]


def refused(path: Path, **settings: object) -> UnusableFileError:
    process = psutil.Process()
    before, started = process.memory_info().rss, time.monotonic()
    with pytest.raises(UnusableFileError) as caught:
        read(path, **settings)
    assert process.memory_info().rss - before < 700 << 20
    assert time.monotonic() - started < 30
    return caught.value


def shapefile(folder: Path, *, encoding: str, cpg: str | None = None) -> Path:
    """A shapefile in an encoding; with a .cpg only where it is given."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "village.shp"
    pyogrio.write_dataframe(FRAME, path, encoding=encoding)
    path.with_suffix(".cpg").unlink(missing_ok=True)
    if cpg is not None:
        path.with_suffix(".cpg").write_text(cpg)
    return path


def zipped(path: Path, parts: Mapping[str, Path | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            raw = content if isinstance(content, bytes) else content.read_bytes()
            archive.writestr(name, raw)
    return path


def parts_of(shp: Path, prefix: str = "") -> dict[str, Path | bytes]:
    return {f"{prefix}{part.name}": part for part in sorted(shp.parent.glob("village.*"))}


KML = """<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>云汐</name>
<Folder><name>西镇</name><Placemark><name>柳溪村</name><ExtendedData>
<Data name="代码"><value>0990101001001</value></Data><Data name="名称"><value>柳溪村</value></Data>
</ExtendedData><Polygon><outerBoundaryIs><LinearRing><coordinates>
113.8,31.3,0 113.9,31.3,0 113.9,31.4,0 113.8,31.4,0 113.8,31.3,0
</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></Folder>
<Folder><name>东镇</name><Placemark><name>㙍塘村</name><ExtendedData><SchemaData schemaUrl="#a">
<SimpleData name="代码">0990101001002</SimpleData><SimpleData name="名称">㙍塘村</SimpleData>
</SchemaData></ExtendedData><MultiGeometry>
<Polygon><outerBoundaryIs><LinearRing><coordinates>
113.8,31.4 113.9,31.4 113.9,31.5 113.8,31.5 113.8,31.4
</coordinates></LinearRing></outerBoundaryIs></Polygon></MultiGeometry></Placemark></Folder>
</Document></kml>
"""


# ------------------------------------------------------------------ forms


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_geojson(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.geojson"
    path.write_bytes(FRAME.to_json(ensure_ascii=False).encode(encoding))
    features, _ = read(path)
    assert records(features) == ROWS
    assert shapely.equals(features.geometry, FRAME.geometry.to_numpy()).all()


def test_geopackage_and_the_layer_that_fits(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    pyogrio.write_dataframe(FRAME[["geometry"]].assign(x=1), path, layer="other")
    pyogrio.write_dataframe(FRAME, path, layer="村", append=True)
    features, doubts = read(path)
    assert records(features) == ROWS
    assert [(f.rule, f.came) for f in doubts.findings] == [("layer_chosen", "村")]
    features, doubts = read(path, layer="村")
    assert (records(features), rules(doubts)) == (ROWS, [])
    error = refused(path, layer="镇")
    assert (error.rule, error.words["layers"]) == ("missing_layer", "other、村")


@pytest.mark.parametrize(
    ("encoding", "cpg", "said"),
    [
        ("UTF-8", None, "utf-8"),
        ("UTF-8", "UTF-8", "utf-8"),
        ("GB18030", None, "gb18030"),
        ("GB18030", "GBK", "gb18030"),
        ("GB18030", "CP936", "gb18030"),
        ("GB18030", "UTF-8", "gb18030"),  # the label is wrong: strict decoding decides
        ("GB18030", "nonsense", "gb18030"),
    ],
)
def test_shapefile_as_it_lies_and_zipped(
    tmp_path: Path, encoding: str, cpg: str | None, said: str
) -> None:
    shp = shapefile(tmp_path / "shp", encoding=encoding, cpg=cpg)
    # Windows packs names in GBK, which no archive says of itself.
    archive = zipped(tmp_path / "a.zip", parts_of(shp, "边界/"))
    renamed = shutil.copy(archive, tmp_path / "a.shz")
    for path in (shp, archive, renamed):
        features, doubts = read(path)
        assert records(features) == ROWS
        assert features.table.encoding == said
        assert rules(doubts) == (["encoding_decided"] if said == "gb18030" else [])


def test_declared_encoding_of_a_shapefile_must_fit(tmp_path: Path) -> None:
    shp = shapefile(tmp_path, encoding="GB18030")
    assert refused(shp, encoding="utf-8").rule == "encoding_unknown"
    features, doubts = read(shp, encoding="gb18030")
    assert (records(features), rules(doubts)) == (ROWS, [])


def test_kml_and_kmz_keep_chinese_names_of_attributes(tmp_path: Path) -> None:
    path = tmp_path / "a.kml"
    path.write_text(KML, encoding="utf-8")
    kmz = zipped(tmp_path / "a.kmz", {"doc.kml": KML.encode(), "files/icon.png": b"\x89PNG"})
    for file in (path, kmz):
        features, doubts = read(file)
        assert records(features) == ROWS
        assert rules(doubts) == []
        assert shapely.equals(features.geometry, FRAME.geometry.to_numpy()).all()
        assert features.table.cells["folder"].astype(str).tolist() == ["西镇", "东镇"]
        assert records(read(file, layer="东镇")[0]) == ROWS[1:]
    assert refused(path, layer="南镇").words["layers"] == "西镇、东镇"


def test_projected_map_becomes_longitude_and_latitude(tmp_path: Path) -> None:
    pyogrio.write_dataframe(FRAME.to_crs(4547), tmp_path / "a.gpkg")
    features, _ = read(tmp_path / "a.gpkg")
    assert shapely.equals_exact(features.geometry, FRAME.geometry.to_numpy(), tolerance=1e-8).all()


def test_facilities_from_points_get_columns_of_their_place(tmp_path: Path) -> None:
    places = [shapely.Point(113.85, 31.35), None, shapely.Point(113.86, 31.36)]
    frame = gpd.GeoDataFrame({"名称": ["甲", "乙", "丙"]}, geometry=places, crs=4326)
    files = [tmp_path / name for name in ("a.geojson", "a.gpkg")]
    for file in files:
        pyogrio.write_dataframe(frame, file)
    placemarks = "".join(
        f"<Placemark><name>{name}</name>"
        + (f"<Point><coordinates>{p.x},{p.y}</coordinates></Point>" if p else "")
        + "</Placemark>"
        for name, p in zip("甲乙丙", places, strict=True)
    )
    files.append(tmp_path / "a.kml")
    files[-1].write_text(f"<kml>{placemarks}</kml>", encoding="utf-8")
    for file in files:
        column = "name" if file.suffix == ".kml" else "名称"
        columns = {"name": column, "town": column}
        source = FacilitiesSource.model_validate(
            {"id": "x", "role": "facilities", "path": "x", "kind": "school", "columns": columns}
        )
        table = read_points(file, source, [column], Doubts("x", file.name))
        cells = table.cells[[column, table.found[LON], table.found[LAT]]].astype(str)
        assert cells.values.tolist() == [
            ["甲", "113.85000000", "31.35000000"],
            ["乙", "", ""],
            ["丙", "113.86000000", "31.36000000"],
        ]


# ------------------------------------------------------------------ harm


def test_a_file_is_what_its_bytes_say(tmp_path: Path) -> None:
    shp = shapefile(tmp_path / "other", encoding="UTF-8")
    # GDAL would open the file that this one names.
    path = tmp_path / "a.geojson"
    path.write_text(
        f'<OGRVRTDataSource><OGRVRTLayer name="village"><SrcDataSource>{shp}</SrcDataSource>'
        "</OGRVRTLayer></OGRVRTDataSource>"
    )
    assert map_format(path) is None
    assert refused(path).rule == "unreadable_vector"
    for content, rule in ((b"", "empty_file"), (b"hello", "unreadable_vector")):
        path.write_bytes(content)
        assert refused(path).rule == rule


def test_entities_and_document_types_are_refused(tmp_path: Path) -> None:
    lines = ['<!DOCTYPE kml [<!ENTITY a0 "ha">']
    lines += [f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12)]
    head, _, rest = KML.partition("?>")
    path = tmp_path / "a.kml"
    path.write_text(f"{head}?>{''.join(lines)}]>{rest.replace('柳溪村', '&a11;')}")
    assert refused(path).came == "DTD"
    path.write_text(f'{head}?><!DOCTYPE kml SYSTEM "file:///etc/passwd">{rest}', encoding="utf-16")
    assert refused(path).rule == "unreadable_vector"


def test_deep_nesting_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.kml"
    path.write_text(f"<kml>{'<Folder>' * 500_000}{'</Folder>' * 500_000}</kml>")
    assert refused(path).rule == "nested_too_deep"
    path = tmp_path / "a.geojson"
    start = '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":'
    for opened, closed in (("[", "]"), ('{"type":"GeometryCollection","geometries":[', "]}")):
        path.write_text(start + opened * 200_000 + closed * 200_000 + "}]}")
        assert refused(path).rule == "unreadable_vector"


def test_attributes_without_number_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    features = [
        {"type": "Feature", "properties": {f"k{i}": 1}, "geometry": None} for i in range(30_000)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    assert refused(path).rule == "too_many_columns"
    escaped = [{"type": "Feature", "properties": {f'"{"x" * 400}{i}': 1}} for i in range(3_000)]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": escaped}))
    assert refused(path).rule == "too_many_columns"


def test_geopackage_that_computes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    pyogrio.write_dataframe(FRAME, path, layer="village")
    db = sqlite3.connect(path)
    db.executescript(
        """
        ALTER TABLE village RENAME TO real;
        CREATE VIEW village AS
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
        SELECT i AS fid, NULL AS geom, 'x' AS 代码, 'y' AS 名称 FROM n;
        """
    )
    db.close()
    error = refused(path)
    assert (error.rule, error.came) == ("unreadable_vector", "village: no plain table")
    path.write_bytes(b"SQLite format 3\x00" + b"\x00" * 4000)
    assert refused(path).rule == "unreadable_vector"


def test_shapefile_with_absurd_counts_is_refused(tmp_path: Path) -> None:
    shp = shapefile(tmp_path, encoding="UTF-8")
    dbf, shx = shp.with_suffix(".dbf"), shp.with_suffix(".shx")
    whole = dbf.read_bytes()
    dbf.write_bytes(whole[:4] + (2**32 - 1).to_bytes(4, "little") + whole[8:])
    assert refused(shp).rule == "unreadable_vector"
    dbf.write_bytes(whole)
    index = shx.read_bytes()
    shx.write_bytes(index[:24] + (2**31 - 1).to_bytes(4, "big") + index[28:])
    assert refused(shp).rule == "unreadable_vector"
    shx.unlink()
    assert refused(shp).rule == "unreadable_vector"


def test_archive_never_leaves_itself(tmp_path: Path) -> None:
    shp = shapefile(tmp_path / "shp", encoding="UTF-8")
    around = sorted(tmp_path.rglob("*"))
    inside = tmp_path / "a.zip"
    zipped(inside, parts_of(shp, "../../etc/"))
    features, _ = read(inside)  # names are labels: nothing is written where they say
    assert records(features) == ROWS
    link = zipfile.ZipInfo("village.shp")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(inside, "w") as archive:
        archive.writestr(link, str(shp))
        for suffix in (".shx", ".dbf"):
            archive.writestr(f"village{suffix}", shp.with_suffix(suffix).read_bytes())
    # The link is read as the few bytes it is, which are no shapes, and never followed.
    assert refused(inside).rule in {"unreadable_vector", "empty_file"}
    inside.unlink()
    assert sorted(tmp_path.rglob("*")) == around


def test_archive_bomb_is_refused(tmp_path: Path) -> None:
    shp = shapefile(tmp_path / "shp", encoding="UTF-8")
    path = zipped(tmp_path / "a.zip", {**parts_of(shp), "more.shp": b"\x00" * (200 << 20)})
    assert refused(path).rule == "archive_too_large"
    nested = zipped(tmp_path / "b.zip", {"a.zip": path.read_bytes()})
    assert refused(nested).rule == "unreadable_vector"


def test_large_map_is_refused_unopened(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    with path.open("wb") as file:
        file.write(b"{")
        file.truncate(limits.MAX_VECTOR_BYTES + 1)
    with pytest.raises(UnusableFileError) as caught:
        read(path)
    assert caught.value.rule == "file_too_large"


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[]]},
        {"type": "GeometryCollection", "geometries": []},
        None,
    ],
)
def test_a_site_without_a_point_has_no_place(tmp_path: Path, geometry: object) -> None:
    shapes = [geometry, {"type": "Point", "coordinates": [113.9, 31.4]}]
    text = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": {"name": str(i), "address": "x"}, "geometry": shape}
            for i, shape in enumerate(shapes)
        ],
    }
    path = tmp_path / "sites.geojson"
    path.write_text(json.dumps(text))
    columns = {"name": "name", "address": "address"}
    source = FacilitiesSource.model_validate(
        {"id": "s", "role": "facilities", "path": path.name, "kind": "school", "columns": columns}
    )
    table = read_points(path, source, ["name", "address"], Doubts("s", path.name))
    assert [(x, y) for x, y in zip(table.cells[LON], table.cells[LAT], strict=True)] == [
        ("", ""), ("113.90000000", "31.40000000"),
    ]  # fmt: skip


@pytest.mark.parametrize("at", [40, 100, 161, 162, 250, 358, -2])
def test_a_table_whose_fields_are_out_of_step_is_refused(tmp_path: Path, at: int) -> None:
    shp = shapefile(tmp_path / "shp", encoding="UTF-8")
    dbf = shp.with_suffix(".dbf")
    whole = dbf.read_bytes()
    for damaged in (whole[:at] + b"7" + whole[at:], whole[:at] + whole[at:][1:]):
        dbf.write_bytes(damaged)
        assert refused(shp).rule in {"unreadable_vector", "missing_column", "encoding_unknown"}
    dbf.write_bytes(whole + b"\x1a\x00\x00")
    read(shp)


def test_an_archive_whose_entry_lies_before_it_is_damaged(tmp_path: Path) -> None:
    shp = shapefile(tmp_path / "shp", encoding="UTF-8")
    whole = zipped(tmp_path / "a.zip", parts_of(shp)).read_bytes()
    path = tmp_path / "b.zip"
    path.write_bytes(whole[40:])
    assert refused(path).rule == "unreadable_vector"


def test_a_code_page_with_a_nul_is_none(tmp_path: Path) -> None:
    shp = shapefile(tmp_path / "shp", encoding="UTF-8")
    shp.with_suffix(".cpg").write_bytes(b"UT\x00F-8")
    read(shp)


def test_a_geopackage_with_damaged_names_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    frame = gpd.GeoDataFrame({"code": ["1"]}, geometry=[shapely.Point(113.9, 31.4)], crs=4326)
    frame.to_file(path, driver="GPKG", layer="villages")
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'CREATE TABLE "villages"', b'CREATE TABLE "vill\x83ges"'))
    assert refused(path).rule == "unreadable_vector"
