"""A query on a department's own database, its result written as a CSV like any other delivery.

Nothing is changed there: one SELECT, in a transaction that may only read and is rolled back. What
the query may take is bounded; no password and no value of a row appears in a message.
"""

from __future__ import annotations

import csv
import os
import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from etl.findings import Doubts, UnusableFileError
from etl.sources import limits
from etl.sources.settings import SourceBase

_ROWS_AT_A_TIME = 5_000
# Rows are sorted where the query does not: the same content is the same file. More than these
# are written as they come, since they would have to be held in memory.
_MOST_SORTED = 1_000_000
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_QUOTED = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\]"
    r"|\$(\w*)\$.*?\$\1\$|--[^\n]*|/\*.*?\*/",
    re.DOTALL,
)
# Classes of SQLSTATE whose message speaks of the query and never of a row: 42 is its wording.
_ABOUT_THE_QUERY = "42"
_PROGRESS_STEPS = 10_000


def fetch(source: SourceBase, folder: Path, doubts: Doubts) -> Path:
    """Run `source.query` on `source.url` and write its result into a folder.

    Parameters
    ----------
    source : `${NAME}` in its `url` is taken from the environment.
    folder : where `<id>.csv` is written, readable by its owner alone. Whoever calls looks at it
        through the gate, and deletes it if it may not be kept.
    doubts : told how many rows came.

    Returns
    -------
    The file: UTF-8, a header, NULL as empty, dates as ISO; the same rows give the same bytes.

    Raises
    ------
    UnusableFileError : no connection, no SELECT, a query that fails or takes too long, no rows,
        or more than the limits.
    """
    query = _only_select(source.query or "")
    url = _url(source.url or "")
    path = folder / f"{source.id}.csv"
    handle, name = tempfile.mkstemp(dir=folder, prefix=f".{source.id}-", suffix=".csv")
    partial = Path(name)  # made with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            count = _write(file, url, query)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    doubts.add("query_read", came=f"{count:,}", count=count)
    return path


def _write(file: Any, url: URL, query: str) -> int:
    writer = csv.writer(file, lineterminator="\n")
    deadline = time.monotonic() + limits.QUERY_SECONDS
    with (
        _connected(url) as connection,
        _said(deadline),
        closing(_result(connection, query)) as result,
    ):
        names = list(result.keys())
        if len(names) > limits.MAX_QUERY_COLUMNS:
            raise UnusableFileError(
                "too_many_columns", came=f"{len(names):,}", most=f"{limits.MAX_QUERY_COLUMNS:,}"
            )
        writer.writerow(names)
        if re.search(r"\border\s+by\b", _QUOTED.sub(" ", query), re.IGNORECASE):
            count = _stream(writer, result, deadline)
        else:
            count = _sorted(writer, result, deadline)
    if not count:
        raise UnusableFileError("query_empty", came="0 rows")
    return count


def _result(connection: sa.Connection, query: str) -> sa.CursorResult[Any]:
    return connection.execution_options(stream_results=True).execute(sa.text(query))


def _stream(writer: Any, result: sa.CursorResult[Any], deadline: float) -> int:
    count = 0
    for rows in _batches(result, deadline):
        count += len(rows)
        writer.writerows(rows)
    return count


def _sorted(writer: Any, result: sa.CursorResult[Any], deadline: float) -> int:
    """Rows in the order of their text, as long as they are not too many to hold."""
    held: list[list[str]] = []
    count = 0
    for rows in _batches(result, deadline):
        count += len(rows)
        if count <= _MOST_SORTED:
            held.extend(rows)
            continue
        writer.writerows(held)
        writer.writerows(rows)
        held = []
    writer.writerows(sorted(held))
    return count


def _batches(result: sa.CursorResult[Any], deadline: float) -> Iterator[list[list[str]]]:
    count = 0
    for rows in result.partitions(_ROWS_AT_A_TIME):
        count += len(rows)
        if count > limits.MAX_QUERY_ROWS:
            raise UnusableFileError(
                "query_too_large", came=f"> {limits.MAX_QUERY_ROWS:,}",
                most=f"{limits.MAX_QUERY_ROWS:,}",
            )  # fmt: skip
        if time.monotonic() > deadline:
            raise UnusableFileError("query_failed", came=f"> {limits.QUERY_SECONDS} s")
        yield [_cells(row) for row in rows]


def _cells(row: Sequence[object]) -> list[str]:
    return [_text(value) for value in row]


def _text(value: object) -> str:
    """A value as a department would have written it into a CSV."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return _number(value) if isinstance(value, Decimal | float) else str(value)


def _number(value: Decimal | float) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    plain = format(value, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _only_select(query: str) -> str:
    """The query without its last semicolon.

    Raises
    ------
    UnusableFileError : more than one statement, or none that only reads.
    """
    query = query.strip().rstrip(";").rstrip()
    bare = _QUOTED.sub(" ", query).strip()
    if ";" in bare or not re.match(r"\(*\s*(select|with|values)\b", bare, re.IGNORECASE):
        words = bare.split()
        raise UnusableFileError("query_refused", came=words[0].upper()[:20] if words else None)
    # A colon before a name would be taken for a parameter; casts `::` are left alone by SQLAlchemy.
    return re.sub(r"(?<![:\\]):(?=\w)", r"\\:", query)


def _url(text: str) -> URL:
    def variable(match: re.Match[str]) -> str:
        value = os.environ.get(match[1])
        if value is None:
            raise UnusableFileError("database_url", came=f"${{{match[1]}}}")
        return quote(value, safe="")

    try:
        return make_url(_VARIABLE.sub(variable, text))
    except (ArgumentError, ValueError):
        # The cause would show the address as it was written, with its password.
        raise UnusableFileError("database_url", came="URL") from None


@contextmanager
def _connected(url: URL) -> Iterator[sa.Connection]:
    try:
        engine = _engine(url)
        connection = engine.connect()
    except NoSuchModuleError:
        raise UnusableFileError("database_driver", came=url.drivername) from None
    except ModuleNotFoundError as exc:
        raise UnusableFileError("database_driver", came=exc.name) from None
    except (SQLAlchemyError, sqlite3.Error, OSError, ValueError) as exc:
        raise UnusableFileError("database_unreachable", came=_without_secrets(exc, url)) from None
    try:
        yield connection
    finally:
        connection.rollback()
        connection.close()
        engine.dispose()


def _engine(url: URL) -> sa.Engine:
    """An engine whose connections only read, in so far as the database can promise it."""
    backend = url.get_backend_name()
    plain: dict[str, Any] = {"poolclass": sa.pool.NullPool, "hide_parameters": True}
    if backend == "sqlite":
        return sa.create_engine("sqlite://", creator=_sqlite(url), **plain)
    milliseconds = limits.QUERY_SECONDS * 1000
    if backend == "postgresql":
        options = f"-c default_transaction_read_only=on -c statement_timeout={milliseconds}"
        return sa.create_engine(
            url,
            connect_args={"connect_timeout": limits.CONNECT_SECONDS, "options": options},
            execution_options={"postgresql_readonly": True},
            **plain,
        )
    engine = sa.create_engine(url, **plain)
    if backend in {"mysql", "mariadb"}:

        @sa.event.listens_for(engine, "connect")
        def only_read(connection: Any, _record: object) -> None:
            with connection.cursor() as cursor:
                cursor.execute("SET SESSION TRANSACTION READ ONLY")

    return engine


def _sqlite(url: URL) -> Callable[[], sqlite3.Connection]:
    """A connection that may only read, makes no file, and ends a query that does not."""
    path = Path(url.database or "")

    def connect() -> sqlite3.Connection:
        if not path.is_file():
            raise FileNotFoundError(2, "No such file", path.name)
        uri = f"{path.resolve().as_uri()}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, timeout=limits.CONNECT_SECONDS)
        deadline = time.monotonic() + limits.QUERY_SECONDS
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _PROGRESS_STEPS)
        connection.execute("PRAGMA query_only = ON")
        return connection

    return connect


@contextmanager
def _said(deadline: float) -> Iterator[None]:
    """What the database raises on a query, made one error without values."""
    try:
        yield
    except DBAPIError as exc:
        late = time.monotonic() > deadline
        came = f"> {limits.QUERY_SECONDS} s" if late else _about(exc.orig)
        raise UnusableFileError("query_failed", came=came) from None
    except SQLAlchemyError as exc:
        raise UnusableFileError("query_failed", came=type(exc).__name__) from None


def _about(error: BaseException | None) -> str:
    """What went wrong, where that speaks of the query; else only its kind."""
    state = str(getattr(error, "sqlstate", "") or "")
    if state.startswith(_ABOUT_THE_QUERY) or isinstance(error, sqlite3.OperationalError):
        return str(error).splitlines()[0]
    return " ".join(filter(None, (type(error).__name__, state)))


def _without_secrets(error: BaseException, url: URL) -> str:
    origin = getattr(error, "orig", None) or error
    message = next(iter(str(origin).splitlines()), "") or type(origin).__name__
    hidden: Iterable[str] = filter(None, (url.password, quote(str(url.password or ""), safe="")))
    for secret in hidden:
        message = message.replace(str(secret), "***")
    return message
