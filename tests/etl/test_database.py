"""Queries on departments' databases: read only, bounded, and silent on passwords and rows."""

from __future__ import annotations

import hashlib
import sqlite3
import stat
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from etl.findings import Doubts, UnusableFileError
from etl.sources import limits
from etl.sources.database import fetch
from etl.sources.settings import ObservationsSource, SourceBase
from etl.sources.tabular import read_table

SETUP = (
    "CREATE TABLE calls (week date, area varchar(12), n integer, share numeric(6, 3), note text)",
    "INSERT INTO calls VALUES ('2026-09-28', '099010100100', 3, 0.500, '逗号, \"引号\"')",
    "INSERT INTO calls VALUES ('2026-09-28', '099010100200', NULL, 12.000, NULL)",
)
QUERY = "SELECT week AS 周, area AS 代码, n AS 人次, share, note FROM calls"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with two rows."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'department.db'}"
    else:
        url = request.getfixturevalue("postgres_url")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in SETUP:
            connection.exec_driver_sql(statement)
    engine.dispose()
    return url


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where results are written."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def source(url: str, query: str = QUERY) -> SourceBase:
    return ObservationsSource.model_validate(
        {
            "id": "calls",
            "role": "observations",
            "url": url,
            "query": query,
            "level": "village",
            "measure": "hotline_calls",
            "week": "monday",
            "columns": {"week": "周", "area": "代码", "count": "人次"},
        }
    )


def refused(url: str, out: Path, query: str = QUERY) -> UnusableFileError:
    with pytest.raises(UnusableFileError) as caught:
        fetch(source(url, query), out, Doubts("calls", "calls.csv"))
    assert list(out.iterdir()) == []
    return caught.value


def test_result_is_a_delivery_like_any_other(url: str, out: Path) -> None:
    doubts = Doubts("calls", "calls.csv")
    path = fetch(source(url), out, doubts)
    share = "0.5", "12"
    assert path == out / "calls.csv"
    assert path.read_text(encoding="utf-8") == (
        "周,代码,人次,share,note\n"
        f'2026-09-28,099010100100,3,{share[0]},"逗号, ""引号"""\n'
        f"2026-09-28,099010100200,,{share[1]},\n"
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [(f.rule, f.count) for f in doubts.findings] == [("query_read", 2)]
    table = read_table(path, source(url), ["周", "代码", "人次"], doubts)
    assert table.cells["代码"].astype(str).tolist() == ["099010100100", "099010100200"]


def test_same_rows_give_the_same_bytes(url: str, out: Path) -> None:
    digests = set()
    for order in ("", " ORDER BY area", " LIMIT 10"):
        path = fetch(source(url, QUERY + order), out, Doubts("calls", "calls.csv"))
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1
    backwards = fetch(source(url, QUERY + " ORDER BY area DESC"), out, Doubts("calls", "x"))
    assert (
        backwards.read_text(encoding="utf-8").splitlines()[1].startswith("2026-09-28,099010100200")
    )


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM calls",
        "SELECT 1; DELETE FROM calls",
        "/* SELECT */ DROP TABLE calls",
        "-- SELECT\nUPDATE calls SET n = 0",
        "ATTACH 'x.db' AS x",
        "COPY calls TO '/tmp/x'",
        "",
    ],
)
def test_only_one_select_is_run(url: str, out: Path, query: str) -> None:
    if not query:
        query = "   ;"
    assert refused(url, out, query).rule == "query_refused"
    assert_whole(url)


@pytest.mark.parametrize(
    "query",
    [
        "WITH gone AS (DELETE FROM calls RETURNING *) SELECT * FROM gone",
        "SELECT n FROM calls FOR UPDATE",
        "SELECT no_such FROM calls",
        "SELECT 'a;b' FROM",
    ],
)
def test_what_would_write_or_is_wrong_fails_and_says_why(url: str, out: Path, query: str) -> None:
    error = refused(url, out, query)
    assert error.rule == "query_failed"
    assert error.came
    assert_whole(url)


def assert_whole(url: str) -> None:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*), sum(n) FROM calls").one() == (2, 3)
    engine.dispose()


def test_semicolons_and_colons_in_texts_are_texts(url: str, out: Path) -> None:
    path = fetch(source(url, "SELECT 'a;b :c' AS x, n FROM calls;\n"), out, Doubts("calls", "x"))
    assert path.read_text(encoding="utf-8").splitlines()[1] == "a;b :c,"


def test_values_of_rows_stay_out_of_messages(url: str, out: Path) -> None:
    query = "SELECT CAST(note AS integer) / 0, abs(-9223372036854775807 - 1) FROM calls"
    error = refused(url, out, query)
    assert error.rule == "query_failed"
    assert "逗号" not in f"{error} {error.came} {error.words}"
    assert error.__cause__ is None


def test_password_comes_from_the_environment_and_is_in_no_message(
    postgres_url: str, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = make_url(postgres_url)
    secret = "geheim:/@%41"
    monkeypatch.setenv("DEPARTMENT_PASSWORD", secret)
    url = postgres_url.replace("xintu@", "xintu:${DEPARTMENT_PASSWORD}@")
    path = fetch(source(url, "SELECT 1 AS x"), out, Doubts("calls", "x"))
    assert path.read_text(encoding="utf-8") == "x\n1\n"
    path.unlink()
    for wrong in (
        url.replace(f":{good.port}/", ":1/"),
        url.replace(f"/{good.database}", "/${DEPARTMENT_PASSWORD}"),
    ):
        error = refused(wrong, out, "SELECT 1")
        assert error.rule == "database_unreachable"
        assert "geheim" not in f"{error} {error.came} {error.words}"
        assert error.__cause__ is None
    monkeypatch.delenv("DEPARTMENT_PASSWORD")
    error = refused(url, out)
    assert (error.rule, error.came) == ("database_url", "${DEPARTMENT_PASSWORD}")


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path, out: Path) -> None:
    missing = tmp_path / "missing.db"
    assert refused(f"sqlite:///{missing}", out).rule == "database_unreachable"
    assert not missing.exists()
    assert refused("nonsense", out).rule == "database_url"
    assert refused("klingon://a/b", out).rule == "database_driver"
    assert refused("mysql+pymysql://a/b", out).rule == "database_driver"
    missing.write_bytes(b"no database at all, but long enough" * 100)
    assert refused(f"sqlite:///{missing}", out).rule in {"query_failed", "database_unreachable"}


def test_no_rows_and_too_many(url: str, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused(url, out, QUERY + " WHERE n > 100").rule == "query_empty"
    monkeypatch.setattr(limits, "MAX_QUERY_ROWS", 1)
    assert refused(url, out).rule == "query_too_large"
    monkeypatch.setattr(limits, "MAX_QUERY_COLUMNS", 2)
    assert refused(url, out).rule == "too_many_columns"


def test_query_without_end_is_ended(url: str, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "QUERY_SECONDS", 1)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    started = time.monotonic()
    error = refused(url, out, endless)
    assert error.rule == "query_failed"
    assert time.monotonic() - started < 20


def test_many_rows_keep_their_order_beyond_what_is_sorted(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "many.db"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE t (i integer)")
        connection.executemany("INSERT INTO t VALUES (?)", [(9 - i % 10,) for i in range(20_000)])
    connection.close()
    monkeypatch.setattr("etl.sources.database._MOST_SORTED", 10_000)
    path = fetch(source(f"sqlite:///{database}", "SELECT i FROM t"), out, Doubts("calls", "x"))
    assert path.read_text().splitlines() == ["i", *(str(9 - i % 10) for i in range(20_000))]
