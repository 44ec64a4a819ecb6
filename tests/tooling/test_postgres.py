"""Every test gets a database of its own, with PostGIS."""

from __future__ import annotations

import pytest
import sqlalchemy as sa


def test_postgis_computes_on_the_server(postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url)
    with engine.connect() as connection:
        area = connection.scalar(
            sa.text("SELECT ST_Area(ST_GeomFromText('POLYGON((0 0,3 0,3 2,0 2,0 0))'))")
        )
    engine.dispose()
    assert area == 6.0


@pytest.mark.parametrize("turn", [1, 2])
def test_nothing_is_left_by_another_test(postgres_url: str, turn: int) -> None:
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        # Fails in the second turn if the first one's table were still there.
        connection.execute(sa.text('CREATE TABLE area (code text COLLATE "C", name text)'))
        connection.execute(sa.text("INSERT INTO area VALUES ('370100', '济南')"))
        assert connection.scalar(sa.text("SELECT name FROM area")) == "济南"
    engine.dispose()
