"""What a desktop GIS sees on PostgreSQL with PostGIS: published figures on their polygons."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import psycopg
import pytest
import shapely
from sqlalchemy import Engine, make_url, text

from etl.build.outlines import geojson_bytes
from etl.store import qgis
from etl.store.engine import open_engine
from etl.store.reader import Reader
from etl.store.rows import insert_frame
from etl.store.tables import intake_area, intake_site, published_geometry
from etl.store.writer import Publication, PublishedLayer, PublishedLevel, Writer
from geo.model import Missing

NOW = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
N = 400
STATES = np.resize([int(missing) for missing in Missing], N).astype(np.uint8)
SHOWN = np.isin(STATES, [Missing.OK, Missing.UNRELIABLE])


def squares() -> gpd.GeoDataFrame:
    """A block of 20 × 20 areas; the second has two parts."""
    side = 0.0123457
    west, south = 110 + side * (np.arange(N) % 20), 30 + side * (np.arange(N) // 20)
    shapes = shapely.box(west, south, west + side, south + side)
    shapes[1] = shapely.union(shapes[1], shapely.box(120, 30, 120.5, 30.5))
    frame = {"idx": np.arange(N), "code": [f"42{i:04d}" for i in range(N)]}
    return gpd.GeoDataFrame(frame | {"name": "甲村"}, geometry=shapes, crs="EPSG:4326")


def publication(week: str = "2026-W46", *, first: float = 12.0) -> Publication:
    drawn = squares()
    bounds = drawn.bounds.rename(
        columns={"minx": "west", "miny": "south", "maxx": "east", "maxy": "north"}
    )
    areas = pd.DataFrame({"area_code": drawn["code"], "name": drawn["name"]}).assign(
        parent_code="42", lon=bounds["west"], lat=bounds["south"], **bounds
    )
    values = np.where(SHOWN, np.arange(N) + first, np.nan)
    layers = [
        PublishedLayer(
            "village", code, of, values=values, states=STATES, classes=np.zeros(N, dtype=np.uint8)
        )
        for code, of in (
            ("count.calls", week),
            ("count.calls", "2026-W01"),
            ("population", ""),
        )
    ]
    names = {"name": {"zh": "来电", "en": "Calls"}, "unit": {"zh": "次", "en": "calls"}}
    warning: dict[str, Any] = {
        "level": "village",
        "area_code": "420000",
        "measure": "calls",
        "name": "甲村",
    }
    warning |= {"parent_name": "乙镇", "tier": 2, "count": first, "expected": 3.0, "upper": 8.0}
    warning |= {"score": 1.5, "weeks_running": 1, "since_week": week, "week": week}
    return Publication(
        snapshot_id=f"{week}-aaaaaaaa",
        week=week,
        published_at_utc=NOW,
        code_version="1",
        config_sha256="c",
        meta={
            "weeks": ["2026-W01", week],
            "levels": [{"level": "village", "n": N, "geometry": {"hash": "g1"}}],
            "layers": [{"code": "count.calls", "breaks": [], **names}],
        },
        levels=[PublishedLevel("village", "g1", areas, geojson_bytes(drawn))],
        layers=layers,
        sites=pd.DataFrame(
            {
                "site_id": ["a", "b"],
                "kind": ["hospital", "hotline"],
                "name": ["医院", "热线"],
                "status": ["open", "open"],
                "lon": [110.1, np.nan],
                "lat": [30.2, np.nan],
                "quality": ["exact", "town"],
                "staff": [3.0, np.nan],
            }
        ),
        warnings=pd.DataFrame([warning, {**warning, "area_code": "420003", "week": "2026-W01"}]),
        tables={},
    )


@pytest.fixture
def engine(postgres_store_url: str) -> Engine:
    """A store with one snapshot."""
    writer = Writer(postgres_store_url)
    writer.publish(publication())
    return writer.engine


@pytest.fixture
def reader(engine: Engine, postgres_store_url: str) -> Iterator[Reader]:
    with closing(Reader(postgres_store_url)) as opened:
        yield opened


def opened(engine: Engine, view: str) -> gpd.GeoDataFrame:
    """A view as a GIS reads it."""
    with engine.connect() as connection:
        frame = pd.read_sql_query(text(f"SELECT *, ST_AsEWKB(geom) AS wkb FROM {view}"), connection)
    shapes = frame.pop("wkb").map(lambda wkb: None if wkb is None else shapely.from_wkb(wkb))
    return gpd.GeoDataFrame(frame.drop(columns="geom"), geometry=shapes.to_list())


def test_every_layer_is_registered_with_one_type_its_crs_and_a_key(engine: Engine) -> None:
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT f_table_name, f_geometry_column, type, srid FROM geometry_columns")
        )
        layers = {row.f_table_name: (row.type, row.srid) for row in found}
        comments = [
            connection.scalar(text("SELECT obj_description(to_regclass(:view))"), {"view": view})
            for view in qgis.VIEWS
        ]
    assert {view: layers[view] for view in qgis.VIEWS} == {
        "qgis_areas": ("MULTIPOLYGON", 4326),
        "qgis_sites": ("POINT", 4326),
        "qgis_values": ("MULTIPOLYGON", 4326),
        "qgis_warnings": ("MULTIPOLYGON", 4326),
    }
    assert {layers[f"intake_{name}"][1] for name in ("area", "context", "site")} == {4326}
    assert all(comments)
    for view in qgis.VIEWS:
        rows = opened(engine, view)
        assert len(rows) > 0
        assert rows["key"].is_unique
        assert (rows["key"] >= 0).all()
        assert rows.columns[0] == "key", "QGIS takes the first whole number for its feature id"


def test_areas_are_the_published_polygons_and_valid(engine: Engine, reader: Reader) -> None:
    rows = opened(engine, "qgis_areas").set_index("area_code").sort_index()
    told = json.loads(gzip.decompress(reader.geometry("g1")))
    drawn = {f["properties"]["code"]: json.dumps(f["geometry"]) for f in told["features"]}
    wanted = shapely.from_geojson([drawn[code] for code in rows.index])
    assert shapely.equals(rows.geometry.to_numpy(), wanted).all()
    assert shapely.is_valid(rows.geometry.to_numpy()).all()
    assert set(shapely.get_srid(rows.geometry.to_numpy())) == {4326}
    assert set(rows.geom_type) == {"MultiPolygon"}


def test_values_are_what_the_pages_read_and_nothing_withheld_is_there(
    engine: Engine, reader: Reader
) -> None:
    rows = opened(engine, "qgis_values")
    assert set(rows["layer"]) == {"count.calls", "population"}
    assert len(rows) == 2 * N, "the newest week alone"
    codes = reader.areas("2026-W46-aaaaaaaa", "village")["area_code"]
    for layer, week in (("count.calls", "2026-W46"), ("population", "")):
        wanted = reader.layer("2026-W46-aaaaaaaa", "village", layer, week)
        found = rows[rows["layer"] == layer].set_index("area_code").loc[codes]
        np.testing.assert_array_equal(found["value"].astype("float64"), wanted.values)
        names = {
            0: "value",
            1: "no data",
            2: "suppressed",
            3: "unreliable",
            4: "not applicable",
            5: "no way there",
        }
        assert found["state"].tolist() == [names[state] for state in wanted.states.tolist()]
    withheld = rows[~rows["state"].isin(["value", "unreliable"])]
    assert len(withheld)
    assert withheld["value"].isna().all()
    assert rows.loc[rows["layer"] == "count.calls", "layer_zh"].eq("来电").all()


def test_a_value_left_under_a_withheld_state_is_still_not_shown(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE qgis_layer SET values = array_fill(7::float8, ARRAY[400])"))
    rows = opened(engine, "qgis_values")
    assert rows.loc[rows["state"] == "suppressed", "value"].isna().all()


def test_sites_and_warnings_equal_the_readers(engine: Engine, reader: Reader) -> None:
    sites = opened(engine, "qgis_sites").set_index("site_id").sort_index()
    assert sites.geometry["a"].equals(shapely.Point(110.1, 30.2))
    assert sites.geometry["b"] is None
    assert sites["staff"].tolist()[0] == reader.sites("2026-W46-aaaaaaaa")["staff"].tolist()[0]
    warnings = opened(engine, "qgis_warnings")
    wanted = reader.warnings("2026-W46-aaaaaaaa")
    assert warnings["area_code"].tolist() == wanted["area_code"].tolist() == ["420000"]
    assert warnings["count"].tolist() == wanted["count"].tolist()
    areas = opened(engine, "qgis_areas").set_index("area_code")
    assert warnings.geometry[0].equals(areas.geometry["420000"])


def test_the_newest_snapshot_takes_the_place_of_the_last_and_keys_stay(
    engine: Engine, postgres_store_url: str
) -> None:
    before = {view: opened(engine, view) for view in qgis.VIEWS}
    Writer(postgres_store_url).publish(publication("2026-W47", first=100.0))
    for view in qgis.VIEWS:
        after = opened(engine, view)
        assert set(after["snapshot_id"]) == {"2026-W47-aaaaaaaa"}
        assert set(after["key"]) == set(before[view]["key"])
    values = opened(engine, "qgis_values")
    assert values["value"].min() == 100
    Writer(postgres_store_url).publish(publication("2026-W40"))
    assert set(opened(engine, "qgis_values")["week"]) == {"2026-W47"}


def test_a_window_on_the_map_goes_through_the_index(engine: Engine) -> None:
    window = "geom && ST_MakeEnvelope(110, 30, 110.01, 30.01, 4326)"
    with engine.connect() as connection:
        connection.execute(text("SET enable_seqscan = off"))
        plan = connection.scalars(text(f"EXPLAIN SELECT * FROM qgis_areas WHERE {window}")).all()
        assert "ix_qgis_shape_geom" in "\n".join(plan)
        rows = connection.scalars(text(f"SELECT area_code FROM qgis_areas WHERE {window}")).all()
        values = text(f"SELECT area_code FROM qgis_values WHERE layer = 'population' AND {window}")
        assert connection.scalars(values).all() == rows
    assert rows == ["420000"]


def test_what_was_handed_in_has_its_geometry_too(engine: Engine) -> None:
    drawn = squares()
    areas = pd.DataFrame({"level": "village", "area_code": drawn["code"], "name": drawn["name"]})
    site = {"site_id": "s", "kind": "school", "name": "学校", "status": "open", "quality": "exact"}
    with engine.begin() as connection:
        insert_frame(connection, intake_area, areas.assign(geometry=drawn.geometry.to_wkb()))
        sites = pd.DataFrame([{**site, "lon": 110.0, "lat": 30.0}])
        insert_frame(connection, intake_site, sites, delivery_id=1)
    held = opened(engine, "intake_area").set_index("area_code").sort_index()
    assert shapely.equals(held.geometry.to_numpy(), drawn.geometry.to_numpy()).all()
    assert opened(engine, "intake_site").geometry[0].equals(shapely.Point(110, 30))


def test_a_role_for_qgis_reads_the_views_and_nothing_else(
    engine: Engine, postgres_store_url: str
) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE ROLE onlooker LOGIN"))
        connection.execute(text(f"GRANT SELECT ON {', '.join(qgis.VIEWS)} TO onlooker"))
    url = make_url(postgres_store_url).set(drivername="postgresql", username="onlooker")
    try:
        with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
            for view in qgis.VIEWS:
                assert connection.execute(f"SELECT count(*) FROM {view}").fetchone() != (0,)
            connection.commit()
            for table in ("intake_count", "intake_site", "published_layer", "qgis_layer"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(f"SELECT * FROM {table}")
                connection.rollback()
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP OWNED BY onlooker"))
            connection.execute(text("DROP ROLE onlooker"))


def test_without_postgis_all_works_and_it_is_made_up_for_later(postgres_url: str) -> None:
    plain = open_engine(postgres_url)
    with plain.begin() as connection:
        connection.execute(text("DROP EXTENSION postgis"))
    writer = Writer(postgres_url)
    writer.publish(publication())
    with closing(Reader(postgres_url)) as reader:
        assert reader.current().week == "2026-W46"
    with plain.begin() as connection:
        assert not qgis.available(connection)
        assert connection.scalar(text("SELECT to_regclass('qgis_values')")) is None
        connection.execute(text("CREATE EXTENSION postgis"))
    writer.publish(publication("2026-W47"))
    assert len(opened(plain, "qgis_areas")) == N


def test_a_self_crossing_picture_is_mended_and_an_empty_one_left_out(engine: Engine) -> None:
    bowtie = [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]
    feature: dict[str, Any] = {"type": "Feature", "properties": {"idx": 0}}
    shape = {"type": "Polygon", "coordinates": bowtie}
    features = [
        {**feature, "geometry": shape},
        {**feature, "properties": {"idx": 1}, "geometry": None},
    ]
    picture = gzip.compress(json.dumps({"features": features}).encode())
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM qgis_shape"))
        connection.execute(published_geometry.update().values(geojson=picture))
        qgis.refresh(connection)
    rows = opened(engine, "qgis_areas").set_index("area_code").sort_index()
    assert rows.geometry["420000"].is_valid
    assert rows.geometry["420000"].area == pytest.approx(0.5)
    assert rows.geometry["420001"] is None


def test_all_of_it_can_be_taken_out_and_made_again(engine: Engine) -> None:
    with engine.begin() as connection:
        qgis.remove(connection)
    with pytest.raises(pd.errors.DatabaseError, match="does not exist"):
        opened(engine, "qgis_areas")
    with engine.begin() as connection:
        qgis.refresh(connection)
    assert len(opened(engine, "qgis_values")) == 2 * N


def test_sqlite_has_none_of_it(tmp_path: Any) -> None:
    writer = Writer(f"sqlite:///{tmp_path / 'xintu.db'}")
    writer.publish(publication())
    with writer.engine.begin() as connection:
        assert not qgis.prepare(connection)
        qgis.remove(connection)
