"""The store on both engines: replaced whole, published whole, read back as written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from shapely.geometry import box

from etl.fingerprint import find_published
from etl.store import migrate
from etl.store.accepted import load_accepted, load_counts, newest_week
from etl.store.engine import open_engine
from etl.store.reader import Reader
from etl.store.tables import metadata
from etl.store.writer import Publication, PublishedLayer, PublishedLevel, Writer
from geo.errors import NotPublishedError, StoreError
from geo.model import Missing

Open = Callable[[str], Reader]
NOW = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty store on each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store' / 'xintu.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def open_reader() -> Iterator[Open]:
    """Opens readers, and closes them when the test is over."""
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(closing(Reader(url)))


def source_row(source_id: str = "s1", **changes: Any) -> dict[str, Any]:
    return {
        "source_id": source_id,
        "role": "observations",
        "title_zh": "周报",
        "title_en": "weekly",
        "department": "卫健委",
        "path": "周报.csv",
        "sha256": "0" * 64,
        "bytes": 10,
        "encoding": "utf-8",
        "sheet": None,
        "received_at_utc": NOW,
        "rows_read": 2,
        "accepted": 2,
        "quarantined": 0,
        "set_aside": 0,
        "newest_week": "2026-W46",
        "max_age_days": None,
        "failed": False,
        **changes,
    }


def observations(counts: list[float]) -> pd.DataFrame:
    weeks = [f"2026-W{40 + i}" for i in range(len(counts))]
    return pd.DataFrame(
        {
            "level": "village",
            "area_code": "990199001001",
            "week": weeks,
            "measure": "hotline_calls",
            "count": counts,
        }
    )


def publication(snapshot_id: str = "2026-W46-aaaa", **changes: Any) -> Publication:
    areas = pd.DataFrame(
        {
            "area_code": ["01", "02"],
            "name": ["甲村", "乙村"],
            "parent_code": ["0", None],
            "lon": [110.0, 110.5],
            "lat": [30.0, 30.5],
            "west": [109.0, 110.0],
            "south": [29.0, 30.0],
            "east": [110.0, 111.0],
            "north": [30.0, 31.0],
        }
    )
    layer = PublishedLayer(
        level="village",
        layer="count.hotline_calls",
        week="2026-W46",
        values=np.array([12.0, np.nan]),
        states=np.array([Missing.OK, Missing.SUPPRESSED], dtype=np.uint8),
        classes=np.array([3, 32], dtype=np.uint8),
    )
    meta = {
        "fingerprint": "f" * 64,
        "weeks": ["2026-W45", "2026-W46"],
        "levels": [{"level": "village", "n": 2, "geometry": {"hash": "g1"}}],
        "layers": [{"code": "count.hotline_calls", "breaks": [1.0]}],
    }
    given: dict[str, Any] = {
        "snapshot_id": snapshot_id,
        "week": "2026-W46",
        "published_at_utc": NOW,
        "code_version": "1",
        "config_sha256": "c",
        "meta": meta,
        "levels": [PublishedLevel("village", "g1", areas, b"picture")],
        "layers": [layer],
        "sites": pd.DataFrame(
            {
                "site_id": ["a"],
                "kind": ["hotline"],
                "name": ["热线"],
                "status": ["open"],
                "lon": [np.nan],
                "lat": [np.nan],
                "quality": ["town"],
                "staff": [3.0],
            }
        ),
        "warnings": pd.DataFrame(),
        "tables": {"headline": pd.DataFrame({"key": ["staff"], "value": [np.nan]})},
        "contexts": {"w1": b"water"},
    }
    return Publication(**{**given, **changes})


def test_the_migrations_make_the_tables_that_the_code_uses(url: str) -> None:
    writer = Writer(url)
    with writer.engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), metadata)
    assert [change for change in found if "spatial_ref_sys" not in str(change)] == []


def test_a_source_handed_in_again_takes_the_place_of_the_first(url: str) -> None:
    writer = Writer(url)
    quarantine = pd.DataFrame({"row": [7], "raw": ['{"数": "3.5"}'], "rules": ["whole_number"]})
    writer.replace_source(
        source_row(), {"intake_observation": observations([1, 2, 3])}, [], quarantine
    )
    writer.replace_source(
        source_row(), {"intake_observation": observations([4, np.nan])}, [], quarantine.iloc[:0]
    )
    counts = load_counts(writer.engine, since="2026-W01", until="2026-W53")
    assert counts["count"].tolist()[0] == 4
    assert np.isnan(counts["count"].tolist()[1])
    assert len(load_accepted(writer.engine).sources) == 1
    assert newest_week(writer.engine, until="2026-W53") == "2026-W40", "no data is not a figure"


def test_a_failed_file_leaves_what_the_department_handed_in_before(url: str) -> None:
    writer = Writer(url)
    empty = pd.DataFrame(columns=["row", "raw", "rules"])
    writer.replace_source(source_row(), {"intake_observation": observations([5])}, [], empty)
    finding = {
        "source_id": "s1",
        "file": "周报.csv",
        "sheet": None,
        "row": None,
        "column": None,
        "rule": "missing_file",
        "severity": "error",
        "came": None,
        "wanted_zh": "文件",
        "wanted_en": "a file",
        "action_zh": "放回",
        "action_en": "put it back",
        "count": 1,
    }
    writer.record_failure(source_row(failed=True), [finding])
    accepted = load_accepted(writer.engine)
    assert accepted.sources["failed"].tolist() == [True]
    assert accepted.findings["rule"].tolist() == ["missing_file"]
    assert len(load_counts(writer.engine, since="2026-W01", until="2026-W53")) == 1


def test_sources_that_the_configuration_dropped_are_forgotten(url: str) -> None:
    writer = Writer(url)
    empty = pd.DataFrame(columns=["row", "raw", "rules"])
    for source_id in ("old", "kept"):
        writer.replace_source(source_row(source_id), {}, [], empty)
    writer.forget_sources(["kept"])
    assert load_accepted(writer.engine).sources["source_id"].tolist() == ["kept"]


def test_areas_come_back_with_their_shapes(url: str) -> None:
    writer = Writer(url)
    areas = gpd.GeoDataFrame(
        {"level": ["town"], "area_code": ["01"], "name": ["甲镇"], "parent_code": ["0"]},
        geometry=[box(109, 29, 110, 30)],
        crs="EPSG:4326",
    )
    writer.replace_areas(areas)
    found = load_accepted(writer.engine).areas
    assert found.geometry.iloc[0].equals(areas.geometry.iloc[0])
    assert found.loc[0, "name"] == "甲镇"


def test_what_is_published_is_read_back(url: str, open_reader: Open) -> None:
    Writer(url).publish(publication())
    reader = open_reader(url)
    snapshot = reader.current()
    assert snapshot.published_at_utc == NOW
    layer = reader.layer(snapshot.snapshot_id, "village", "count.hotline_calls", "2026-W46")
    assert layer.values[0] == 12
    assert layer.states.tolist() == [Missing.OK, Missing.SUPPRESSED]
    cell = reader.profile(snapshot.snapshot_id, "village", "02", "2026-W46")
    assert cell["count.hotline_calls"].state == Missing.SUPPRESSED
    assert np.isnan(cell["count.hotline_calls"].value)
    assert reader.geometry("g1") == b"picture"
    assert reader.geometry("w1") == b"water"
    assert reader.sites(snapshot.snapshot_id).loc[0, "staff"] == 3
    assert reader.search(snapshot.snapshot_id, "甲")["area_code"].tolist() == ["01"]
    assert reader.search(snapshot.snapshot_id, "%").empty, "a wildcard is only a character"
    assert reader.table(snapshot.snapshot_id, "headline")["key"].tolist() == ["staff"]


def test_a_week_without_a_row_is_no_data_and_never_zero(url: str, open_reader: Open) -> None:
    Writer(url).publish(publication())
    reader = open_reader(url)
    layer = reader.layer("2026-W46-aaaa", "village", "count.hotline_calls", "2026-W45")
    assert np.isnan(layer.values).all()
    assert (layer.states == Missing.NO_DATA).all()
    series = reader.series("2026-W46-aaaa", "village", "01", "count.hotline_calls")
    assert series["state"].tolist() == [Missing.NO_DATA, Missing.OK]


def test_a_publication_that_fails_on_the_way_leaves_the_last_one(
    url: str, open_reader: Open
) -> None:
    writer = Writer(url)
    writer.publish(publication())

    def layers() -> Any:
        yield publication().layers[0]  # type: ignore[index]
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        writer.publish(publication("2026-W47-bbbb", week="2026-W47", layers=layers()))
    reader = open_reader(url)
    assert reader.snapshots()["snapshot_id"].tolist() == ["2026-W46-aaaa"]
    assert reader.current().snapshot_id == "2026-W46-aaaa"


def test_snapshots_with_the_same_boundaries_share_them(url: str, open_reader: Open) -> None:
    writer = Writer(url)
    writer.publish(publication())
    writer.publish(publication("2026-W47-bbbb", week="2026-W47"))
    assert writer.known_geometries() == {"g1", "w1"}
    assert open_reader(url).current().week == "2026-W47"


def test_a_snapshot_is_found_by_what_went_into_it(url: str) -> None:
    writer = Writer(url)
    assert find_published(url, "f" * 64) is None
    writer.publish(publication("2026-W46-ffffffff"))
    assert find_published(url, "f" * 64) == ("2026-W46-ffffffff", "2026-W46")
    assert find_published(url, "f" * 63 + "0") is None
    assert writer.breaks_of_year("2026", "c") == {"count.hotline_calls": [1.0]}
    assert writer.breaks_of_year("2025", "c") == {}


def test_what_is_not_published_is_said_so(url: str, open_reader: Open) -> None:
    Writer(url)
    reader = open_reader(url)
    with pytest.raises(NotPublishedError, match="xintu run"):
        reader.current()
    with pytest.raises(NotPublishedError, match="no snapshot"):
        reader.snapshot("2026-W01-none")
    with pytest.raises(NotPublishedError, match="no geometry"):
        reader.geometry("none")


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'xintu.db'}"
    Writer(url)
    engine = open_engine(url, read_only=True)
    with engine.connect() as connection, pytest.raises(Exception, match="readonly"):
        connection.exec_driver_sql("DELETE FROM published_snapshot")


def test_a_store_that_is_not_there_or_of_another_version_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store there yet"):
        Reader(f"sqlite:///{tmp_path / 'none.db'}")
    engine = open_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE other (a INTEGER)")
    with pytest.raises(StoreError, match="schema none"):
        migrate.check(engine)
    with pytest.raises(StoreError, match="SQLite file or PostgreSQL"):
        open_engine("mysql://localhost/x")
    with pytest.raises(StoreError, match="not a SQLAlchemy URL"):
        open_engine("xintu.db")
