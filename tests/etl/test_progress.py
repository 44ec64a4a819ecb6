"""Progress: what is said of a long job, to whom, and that no person is in it."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from etl.progress import (
    JsonFormatter,
    Lines,
    PlainFormatter,
    Progress,
    Records,
    StopFlag,
    Stopped,
    as_progress,
    configure_logging,
    describe,
    line,
    redact,
)
from geo.errors import StoreError

IDENTITY = "110101199003070038"
MOBILE = "13912345678"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything logged as JSON while the test runs."""
    out = io.StringIO()
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    configure_logging(out, as_json=True)
    yield out
    root.handlers[:] = before
    root.setLevel(level)


def records(out: io.StringIO) -> list[dict[str, object]]:
    """One object a line."""
    return [json.loads(one) for one in out.getvalue().splitlines()]


def test_rows_are_counted_by_step() -> None:
    progress = Progress()
    progress.step("weekly.csv", 0, 2)
    progress.rows(1000)
    progress.rows(500)
    assert progress.read == 1500
    assert progress.rate > 0
    assert re.fullmatch(r"0/2 weekly\.csv: 1,500 rows, [\d,]+ rows/s", line(progress))
    progress.step("sites.xlsx", 1, 2)
    assert progress.read == 0
    assert line(progress) == "1/2 sites.xlsx"


def test_a_plain_function_still_serves() -> None:
    told: list[tuple[str, int, int]] = []
    progress = as_progress(lambda *step: told.append(step))
    progress("build", 1, 3)
    progress.rows(10)
    assert told == [("build", 1, 3)]
    as_progress(None)("build", 1, 3)
    assert as_progress(progress) is progress


def test_a_job_ends_at_the_next_safe_point() -> None:
    stop = StopFlag()
    progress = Progress(stopping=stop)
    progress.step("one", 0, 2)
    stop.set()
    with pytest.raises(Stopped):
        progress.rows(1)
    with pytest.raises(Stopped):
        progress.step("two", 1, 2)
    assert not issubclass(Stopped, Exception), "a job boundary inside would swallow it"


def test_lines_are_few_where_there_is_no_terminal() -> None:
    out = io.StringIO()
    progress = Lines(out, every_s=0.05)
    progress.step("weekly.csv", 0, 1)
    for _ in range(200):
        progress.rows(10)
        time.sleep(0.001)
    said = out.getvalue().splitlines()
    assert 1 <= len(said) <= 20
    assert re.fullmatch(r"0/1 weekly\.csv: [\d,]+ rows, [\d,]+ rows/s", said[-1])


def test_json_records_say_what_is_read_and_how_fast(log: io.StringIO) -> None:
    progress = Records(job="build", every_s=0)
    progress.step("weekly", 2, 5)
    progress.rows(4000)
    first, second = records(log)
    assert first["event"] == "progress"
    assert (first["job"], first["source"], first["done"], first["total"]) == (
        "build",
        "weekly",
        2,
        5,
    )
    assert (second["rows"], second["level"]) == (4000, "info")
    quick = Records(job="build", every_s=60)
    quick.step("weekly", 0, 2)
    quick.rows(7)
    quick.step("sites", 1, 2)
    quick.rows(8)
    quick.close()
    assert [(one["source"], one["rows"]) for one in records(log)[2:]] == [
        ("weekly", 0),
        ("weekly", 7),
        ("sites", 0),
        ("sites", 8),
    ], "each step ends with its rows, however quick"
    assert second["rows_per_s"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(second["time"]))


@pytest.mark.parametrize(
    "value",
    [IDENTITY, "11010119900307003X", MOBILE, f"+86 {MOBILE}", "139-1234-5678", f"电话{MOBILE}。"],
)
def test_no_person_in_a_log(log: io.StringIO, value: str) -> None:
    logging.getLogger("etl").warning("came %s", value)
    logging.getLogger("etl").info("progress", extra={"source": f"{value}.csv"})
    try:
        int(f"no number: {value}")
    except ValueError:
        logging.getLogger("etl").exception("failed")
    for digits in (IDENTITY[:17], MOBILE, "1234-5678"):
        assert digits not in log.getvalue()
    assert len(records(log)) == 3


@pytest.mark.parametrize(
    "value",
    [
        "990101001001",
        "990101001001-012",
        "990101001001012345",
        "2026-W46-ab12cd34",
        "1761234567890",
    ],
)
def test_codes_and_times_stay(value: str) -> None:
    assert redact(f"area {value} read") == f"area {value} read"


@given(st.text())
def test_redacting_twice_changes_nothing_more(said: str) -> None:
    assert redact(redact(said)) == redact(said)


def test_an_error_of_others_is_told_without_its_words() -> None:
    try:
        int("张三")
    except ValueError as exc:
        said = describe(exc)
    assert said.startswith("ValueError in test_progress.py:")
    assert "张三" not in said
    assert describe(StoreError("the disk is full")) == "StoreError: the disk is full"
    assert describe(OSError(28, "No space left on device", "/x")) == (
        "OSError: No space left on device: /x"
    )


def test_an_error_of_the_database_is_told_without_its_rows() -> None:
    with create_engine("sqlite://").connect() as connection, pytest.raises(DBAPIError) as caught:
        connection.execute(text("INSERT INTO nowhere VALUES (:name)"), {"name": "张三"})
    assert "张三" in str(caught.value)
    assert describe(caught.value) == "OperationalError: no such table: nowhere"


def test_a_traceback_shows_the_way_and_no_value() -> None:
    try:
        int("张三")
    except ValueError:
        record = logging.LogRecord("etl", 40, "", 0, "failed", None, sys.exc_info())
    said = PlainFormatter().format(record)
    assert "test_progress.py" in said
    assert "invalid literal" not in said
    assert "\n" not in JsonFormatter().format(record)
