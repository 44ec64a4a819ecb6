"""A published snapshot is followed, and told where its areas lie to each other."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from itertools import combinations
from pathlib import Path

import pytest
import shapely
from shapely.geometry import shape

from etl.response.follow import follow_published
from etl.response.life import Kind
from etl.response.places import Relation, read_places
from etl.settings import Settings
from etl.store.reader import Reader
from etl.store.writer import Writer
from tests.support import published_store
from tests.support.published_store import COUNTY, FACTS, PUBLISHED_AT
from tests.support.responses import lives

TOWN, VILLAGE = "990101100000", "990101100001"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return published_store.publish(tmp_path_factory.mktemp("published"), answered=False)


@pytest.fixture
def reader(url: str) -> Iterator[Reader]:
    with closing(Reader(url)) as opened:
        yield opened


def test_live_episodes_become_warnings_once(url: str, reader: Reader) -> None:
    settings = Settings(
        folder=Path(), data=Path(), store_url=url, config=published_store.config(),
        config_sha256="",
    )  # fmt: skip
    engine = Writer(url).engine
    assert follow_published(engine, settings, "2026-W46-older", now=PUBLISHED_AT) == {}
    changed = follow_published(engine, settings, FACTS.snapshot_id, now=PUBLISHED_AT)
    table = reader.table(FACTS.snapshot_id, "episodes")
    live = table[(table["phase"] != "ended") & (table["tier"] > 0)]
    assert set(changed.values()) == {(Kind.OPENED,)}
    found = lives(engine)
    covered = {(life.measure, area) for life in found.values() for area in life.areas}
    assert covered == {
        (measure, area)
        for measure, areas in zip(live["measure"], live["areas"], strict=True)
        for area in areas.split("|")
    }
    assert all(life.town_code == f"{life.area_code[:9]}000" for life in found.values())
    hour_later = PUBLISHED_AT + timedelta(hours=1)
    assert follow_published(engine, settings, FACTS.snapshot_id, now=hour_later) == {}


def test_areas_touch_where_their_outlines_meet(reader: Reader) -> None:
    snapshot = reader.snapshot(FACTS.snapshot_id)
    places = read_places(reader, snapshot)
    picture = reader.geometry(snapshot.level("village")["geometry"]["hash"])
    drawn = {
        one["properties"]["code"]: shape(one["geometry"])
        for one in json.loads(gzip.decompress(picture))["features"]
    }
    met = {
        pair: places.relation(frozenset({pair[0]}), frozenset({pair[1]}))
        for pair in combinations(drawn, 2)
    }
    assert set(met.values()) == {Relation.APART, Relation.TOUCHING}
    for (one, other), relation in met.items():
        touches = shapely.intersects(drawn[one], drawn[other])
        assert (relation == Relation.TOUCHING) == touches, (one, other)


def test_one_area_lies_in_another(reader: Reader) -> None:
    places = read_places(reader, reader.snapshot(FACTS.snapshot_id))
    county, town, village = (frozenset({code}) for code in (COUNTY, TOWN, VILLAGE))
    cell = frozenset({f"{VILLAGE}-001"})
    assert places.above(cell) == {TOWN, VILLAGE}, "the county, over all, tells nothing of where"
    assert places.relation(cell, county) == Relation.APART
    assert places.relation(town, village) == Relation.NESTED
    assert places.relation(town | cell, cell) == Relation.SHARED
    assert places.town(f"{VILLAGE}-001") == (TOWN, "柳溪镇")
    assert places.town(TOWN) == (TOWN, "柳溪镇")
    assert places.town(COUNTY) == ("", "")
    unknown = frozenset({"gone"})
    assert places.relation(unknown, town) == Relation.APART
    assert places.town("gone") == ("", "")
