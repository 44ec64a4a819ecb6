"""Engines: how a store URL becomes a connection, and how rows get in fast."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, LargeBinary, Table, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from geo.errors import StoreError

BUSY_TIMEOUT_S = 30
SQLITE_VARIABLES = 900  # of a statement; every build of SQLite allows 999


def open_engine(url: str, *, read_only: bool = False) -> Engine:
    """Open a store by its SQLAlchemy URL.

    SQLite runs in WAL mode, so that pages read the last snapshot while the next one is written.

    Raises
    ------
    StoreError : the URL is not one, or names an engine other than SQLite and PostgreSQL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as exc:
        raise StoreError(
            f"store URL {url!r}: not a SQLAlchemy URL, such as sqlite:///x.db"
        ) from exc
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
        if read_only:
            return create_engine(parsed, pool_pre_ping=True)
        return create_engine(parsed, poolclass=NullPool)  # jobs are few and long
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise StoreError(
            f"store URL {parsed.render_as_string()}: wanted an SQLite file or PostgreSQL"
        )
    return _sqlite(parsed, read_only=read_only)


def _sqlite(url: URL, *, read_only: bool) -> Engine:
    path = Path(str(url.database))
    if read_only:
        if not path.exists():
            raise StoreError(f"{path}: no store there yet; run `xintu run` first")
        url = URL.create("sqlite", database=f"file:{path}", query={"mode": "ro", "uri": "true"})
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
    # A connection a use: nothing is shared between threads, workers or forks.
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        if not read_only:
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=NORMAL")
            cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA cache_size=-65536")
        cursor.close()

    return engine


@contextmanager
def exclusive(engine: Engine, key: int) -> Iterator[Connection]:
    """A transaction that waits for any other one of this key; on SQLite for any that writes.

    Parameters
    ----------
    key : of the advisory lock that PostgreSQL holds until the transaction ends.

    Raises
    ------
    StoreError : the store does not answer or may not be written.
    """
    with store_errors(), engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


@contextmanager
def store_errors() -> Iterator[None]:
    """Let what a database or a disk raises come out as an error made for people.

    Raises
    ------
    StoreError : the store is gone, full, locked or may not be written.
    """
    try:
        yield
    except (DBAPIError, sqlite3.Error, psycopg.Error) as exc:
        cause = str(getattr(exc, "orig", None) or exc).strip().splitlines()
        raise StoreError(
            f"the store failed: {cause[0] if cause else type(exc).__name__}; what was published "
            "stands. See that it runs and has room (`xintu doctor`), then run again"
        ) from exc
    except OSError as exc:
        if exc.errno not in {errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EROFS}:
            raise
        raise StoreError(
            f"{exc.filename or 'the disk'}: {exc.strerror}; what was published stands. Make room, "
            "then run again"
        ) from exc


def bulk_insert(
    connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Insert many rows by the engine's own fast path: COPY, or statements of many rows on SQLite.

    Parameters
    ----------
    connection : inside a transaction; nothing is committed here.
    table : target.
    columns : names in the order of each row's values.
    rows : plain Python values; NULL as None, never NaN.
    """
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(name) for name in columns)
    driver: Any = connection.connection.cursor()
    try:
        if connection.dialect.name == "postgresql":
            with driver.copy(f"COPY {quote(table.name)} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            # Rows with pictures or arrays in them go one by one, so that few are held at once.
            heavy = any(isinstance(table.c[name].type, LargeBinary) for name in columns)
            _insert_blocks(
                driver,
                f"INSERT INTO {quote(table.name)} ({names}) VALUES",  # our own names, never input
                rows,
                width=len(columns),
                block=1 if heavy else max(1, SQLITE_VARIABLES // len(columns)),
            )
    finally:
        driver.close()


def _insert_blocks(
    driver: Any, into: str, rows: Iterable[Sequence[Any]], *, width: int, block: int
) -> None:
    """Insert `block` rows a statement: that halves the time of a statement for each."""
    marks = f"({', '.join('?' * width)})"
    waiting, rest = iter(rows), list[Sequence[Any]]()

    def blocks() -> Iterator[list[Any]]:
        while found := list(islice(waiting, block)):
            if len(found) < block:
                rest.extend(found)
            else:
                yield list(chain.from_iterable(found))

    driver.executemany(f"{into} {', '.join([marks] * block)}", blocks())
    driver.executemany(f"{into} {marks}", rest)
