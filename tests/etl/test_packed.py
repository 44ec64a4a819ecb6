"""Weekly counts packed: back as they came, only the weeks asked for, and carried over from rows."""

from __future__ import annotations

import zlib

import numpy as np
import pandas as pd
import pytest
from alembic import command
from alembic.config import Config
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select, text

from etl.store import migrate
from etl.store import tables as t
from etl.store.accepted import load_counts, newest_week
from etl.store.changes import count_changes
from etl.store.packed import KEYS, NO_DATA, NOT_SAID, insert_counts, pack, unpack
from etl.store.writer import Writer

Row = tuple[str, str, str, str, float | None]
ROWS: list[Row] = [
    ("village", "02", "2026-W40", "calls", 12.0),
    ("village", "01", "2026-W40", "calls", 0.0),
    ("village", "01", "2026-W41", "calls", None),
    ("village", "03", "2026-W41", "visits", 9_999_999_999.0),
    ("town", "0", "2026-W41", "calls", 40.0),
    ("village", "01", "2026-W42", "visits", None),
]


def frame(rows: list[Row]) -> pd.DataFrame:
    """Canonical observations."""
    given = pd.DataFrame(rows, columns=[*KEYS, "count"]).astype({"count": "float64"})
    return given.astype(dict.fromkeys(KEYS, "category"))


def plain(counts: pd.DataFrame) -> list[Row]:
    """Rows of a frame, sorted, no data as None."""
    rows = counts[[*KEYS, "count"]].astype(object)
    return sorted(rows.where(counts.notna(), None).itertuples(index=False, name=None))


def keep(engine: Engine, rows: list[Row], delivery_id: int = 1) -> None:
    with engine.begin() as connection:
        insert_counts(connection, pack(frame(rows)), delivery_id=delivery_id)


figures = st.one_of(st.none(), st.integers(0, 10**10).map(float))
keys = st.tuples(
    st.sampled_from(["village", "town"]),
    st.sampled_from(["01", "02", "10", "甲"]),
    st.sampled_from(["2026-W40", "2026-W41", "2027-W01"]),
    st.sampled_from(["calls", "visits"]),
)


@given(st.dictionaries(keys, figures, max_size=20))
def test_what_is_packed_comes_back(said: dict[tuple[str, str, str, str], float | None]) -> None:
    rows: list[Row] = [(*key, count) for key, count in said.items()]
    packed = list(pack(frame(rows)))
    assert plain(unpack(packed)) == sorted(rows)
    assert len({(row.level, row.measure, row.week) for row in packed}) == len(packed)
    for row in packed:
        assert row.areas.codes.tolist() == sorted(row.areas.codes)


@given(st.dictionaries(keys, figures), st.dictionaries(keys, figures))
def test_what_changed_is_what_differs(
    before: dict[tuple[str, str, str, str], float | None],
    after: dict[tuple[str, str, str, str], float | None],
) -> None:
    """No data and not said are one: neither is a figure."""
    old, new = ([(*key, count) for key, count in side.items()] for side in (before, after))
    found = count_changes(pack(frame(old)), pack(frame(new)))
    told = found[["level", "code", "week", "figure", "before", "after"]].astype(object)
    assert sorted(told.where(found.notna(), None).itertuples(index=False, name=None)) == sorted(
        (*key, before.get(key), after.get(key))
        for key in before.keys() | after.keys()
        if before.get(key) != after.get(key)
    )


def test_counts_come_back_from_the_store(store: Engine) -> None:
    keep(store, ROWS)
    counts = unpack(load_counts(store, since="2026-W01", until="2026-W53"))
    assert plain(counts) == sorted(ROWS, key=str)
    assert all(counts[name].dtype == "category" for name in KEYS)
    only = unpack(load_counts(store, since="2026-W41", until="2026-W41"))
    assert plain(only) == [row for row in sorted(ROWS, key=str) if row[2] == "2026-W41"]
    assert plain(unpack(load_counts(store, since="2020-W01", until="2020-W53"))) == []


def test_the_format_is_what_its_documentation_says(store: Engine) -> None:
    keep(store, ROWS)
    count, area = t.intake_count.c, t.intake_count_area.c
    with store.connect() as connection:
        codes = connection.scalar(select(area.codes).where(area.level == "village"))
        known, packed = connection.execute(
            select(count.known, count.figures).where(
                count.level == "village", count.measure == "calls", count.week == "2026-W41"
            )
        ).one()
    assert zlib.decompress(codes or b"") == b"01\n02\n03"
    assert known == 0
    assert np.frombuffer(zlib.decompress(packed), "<i8").tolist() == [NO_DATA, NOT_SAID, NOT_SAID]


def test_arrays_of_other_weeks_are_not_unpacked(store: Engine) -> None:
    keep(store, ROWS)
    with store.begin() as connection:
        gone = t.intake_count.c.week != "2026-W41"
        connection.execute(t.intake_count.update().where(gone).values(figures=b"no array"))
    assert len(list(load_counts(store, since="2026-W41", until="2026-W41"))) == 3
    with pytest.raises(zlib.error):
        list(load_counts(store, since="2026-W40", until="2026-W41"))


def test_the_newest_week_has_a_figure(store: Engine) -> None:
    assert newest_week(store, until="2026-W53") is None
    keep(store, ROWS)
    assert newest_week(store, until="2026-W53") == "2026-W41", "of W42 there is no data"
    assert newest_week(store, until="2026-W40") == "2026-W40"


def test_deliveries_complete_each_other(store: Engine) -> None:
    keep(store, ROWS)
    other: list[Row] = [("village", "01", "2026-W41", "visits", 7.0)]
    keep(store, other, delivery_id=2)
    both = unpack(load_counts(store, since="2026-W01", until="2026-W53"))
    assert plain(both) == sorted(ROWS + other, key=str)


@pytest.mark.filterwarnings("ignore:Did not recognize type 'geometry':sqlalchemy.exc.SAWarning")
def test_rows_of_an_older_store_are_carried_over_and_back(store_url: str) -> None:
    engine = Writer(store_url).engine
    _move(engine, "0007")
    rows: list[tuple[int, Row]] = [(1, row) for row in ROWS]
    rows += [(2, ("village", "04", "2026-W40", "calls", 3.0))]
    with engine.begin() as connection:
        insert = text("INSERT INTO intake_observation VALUES (:d, :l, :a, :w, :m, :c)")
        for delivery, (level, area, week, measure, count) in rows:
            values = {"d": delivery, "l": level, "a": area, "w": week, "m": measure, "c": count}
            connection.execute(insert, values)
    engine.dispose()
    carried = Writer(store_url).engine
    counts = unpack(load_counts(carried, since="2026-W01", until="2026-W53"))
    assert plain(counts) == sorted((row for _, row in rows), key=str)
    with carried.begin() as connection:
        connection.execute(delete(t.intake_count).where(t.intake_count.c.delivery_id == 2))
        assert connection.scalar(select(t.intake_count.c.known).where(
            t.intake_count.c.week == "2026-W40", t.intake_count.c.level == "village"
        )) == 2  # fmt: skip
    _move(carried, "0007")
    with carried.connect() as connection:
        back = connection.execute(text("SELECT * FROM intake_observation")).all()
    carried.dispose()
    assert sorted(back, key=str) == sorted(((1, *row) for row in ROWS), key=str)


def _move(engine: Engine, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
