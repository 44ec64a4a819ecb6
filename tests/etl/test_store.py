"""The store on both engines: replaced whole, published whole, read back as written."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from etl.fingerprint import find_published
from etl.store import migrate
from etl.store.engine import open_engine
from etl.store.outbox import notice_outbox
from etl.store.qgis import is_shared
from etl.store.reader import Reader
from etl.store.siting_tables import siting_scenario
from etl.store.tables import metadata
from etl.store.writer import Publication, PublishedLayer, PublishedLevel, Writer
from geo.errors import NotPublishedError, StoreError
from geo.model import Missing

Open = Callable[[str], Reader]
PICTURE = gzip.compress(b'{"type":"FeatureCollection","features":[]}', mtime=0)
NOW = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def open_reader() -> Iterator[Open]:
    """Opens readers, and closes them when the test is over."""
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(closing(Reader(url)))


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
        "levels": [PublishedLevel("village", "g1", areas, PICTURE)],
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


@pytest.mark.filterwarnings("ignore:Did not recognize type 'geometry':sqlalchemy.exc.SAWarning")
def test_the_migrations_make_the_tables_that_the_code_uses(bare_url: str) -> None:
    writer = Writer(bare_url)
    with writer.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": is_shared})
        assert notice_outbox.metadata is siting_scenario.metadata is metadata
        assert compare_metadata(context, metadata) == []


def test_what_is_published_is_read_back(store_url: str, open_reader: Open) -> None:
    Writer(store_url).publish(publication())
    reader = open_reader(store_url)
    snapshot = reader.current()
    assert snapshot.published_at_utc == NOW
    layer = reader.layer(snapshot.snapshot_id, "village", "count.hotline_calls", "2026-W46")
    assert layer.values[0] == 12
    assert layer.states.tolist() == [Missing.OK, Missing.SUPPRESSED]
    cell = reader.profile(snapshot.snapshot_id, "village", "02", "2026-W46")
    assert cell["count.hotline_calls"].state == Missing.SUPPRESSED
    assert np.isnan(cell["count.hotline_calls"].value)
    assert reader.geometry("g1") == PICTURE
    assert reader.geometry("w1") == b"water"
    assert reader.sites(snapshot.snapshot_id).loc[0, "staff"] == 3
    assert reader.search(snapshot.snapshot_id, "甲")["area_code"].tolist() == ["01"]
    assert reader.search(snapshot.snapshot_id, "%").empty, "a wildcard is only a character"
    assert reader.table(snapshot.snapshot_id, "headline")["key"].tolist() == ["staff"]


def test_a_week_without_a_row_is_no_data_and_never_zero(store_url: str, open_reader: Open) -> None:
    Writer(store_url).publish(publication())
    reader = open_reader(store_url)
    layer = reader.layer("2026-W46-aaaa", "village", "count.hotline_calls", "2026-W45")
    assert np.isnan(layer.values).all()
    assert (layer.states == Missing.NO_DATA).all()
    series = reader.series("2026-W46-aaaa", "village", "01", "count.hotline_calls")
    assert series["state"].tolist() == [Missing.NO_DATA, Missing.OK]


def test_a_publication_that_fails_on_the_way_leaves_the_last_one(
    store_url: str, open_reader: Open
) -> None:
    writer = Writer(store_url)
    writer.publish(publication())

    def layers() -> Any:
        yield publication().layers[0]  # type: ignore[index]
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        writer.publish(publication("2026-W47-bbbb", week="2026-W47", layers=layers()))
    reader = open_reader(store_url)
    assert reader.snapshots()["snapshot_id"].tolist() == ["2026-W46-aaaa"]
    assert reader.current().snapshot_id == "2026-W46-aaaa"


def test_snapshots_with_the_same_boundaries_share_them(store_url: str, open_reader: Open) -> None:
    writer = Writer(store_url)
    writer.publish(publication())
    writer.publish(publication("2026-W47-bbbb", week="2026-W47"))
    assert writer.known_geometries() == {"g1", "w1"}
    assert open_reader(store_url).current().week == "2026-W47"


def test_a_snapshot_is_found_by_what_went_into_it(store_url: str) -> None:
    writer = Writer(store_url)
    assert find_published(store_url, "f" * 64) is None
    writer.publish(publication("2026-W46-ffffffff"))
    assert find_published(store_url, "f" * 64) == ("2026-W46-ffffffff", "2026-W46")
    assert find_published(store_url, "f" * 63 + "0") is None
    assert writer.breaks_of_year("2026", "c") == {"count.hotline_calls": [1.0]}
    assert writer.breaks_of_year("2025", "c") == {}


def test_what_is_not_published_is_said_so(store_url: str, open_reader: Open) -> None:
    Writer(store_url)
    reader = open_reader(store_url)
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
