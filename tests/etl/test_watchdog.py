"""The watchdog: which source is late on a day, said once a source and never for what is in time."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Engine, insert

from etl.store.tables import intake_source
from etl.watchdog import late_sources, watch

CAME = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)


def row(source_id: str, role: str, **more: object) -> dict[str, object]:
    """A row of `intake_source`."""
    usual: dict[str, object] = {
        "source_id": source_id, "role": role, "title_zh": "", "title_en": "", "department": "",
        "path": "", "sha256": "", "bytes": 0, "received_at_utc": CAME, "rows_read": 0,
        "accepted": 0, "quarantined": 0, "set_aside": 0, "superseded": 0, "newest_week": None,
        "max_age_days": None, "failed": False, "inputs_sha256": "",
    }  # fmt: skip
    return {**usual, **more}


@pytest.fixture
def store(file_store: Engine) -> Engine:
    """A store in which sources of every kind have come in."""
    rows = [
        row("weekly", "observations", newest_week="2026-W46", max_age_days=14),
        row("archive", "observations", newest_week="2020-W10"),
        row("sites", "facilities", max_age_days=180),
        row("refused", "observations", newest_week="2026-W46", max_age_days=14, failed=True),
    ]
    with file_store.begin() as connection:
        connection.execute(insert(intake_source), rows)
    return file_store


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 11, 24), {"refused": "failed"}),
        (date(2026, 11, 25), {"refused": "failed", "weekly": "late"}),
        (date(2026, 11, 30), {"refused": "failed", "weekly": "stale"}),
        (date(2027, 6, 1), {"refused": "failed", "sites": "stale", "weekly": "stale"}),
    ],
)
def test_what_is_late_is_found(store: Engine, today: date, expected: dict[str, str]) -> None:
    found = late_sources(store, today=today)
    assert {name: one.state for name, one in found.items()} == expected


def test_it_is_logged_and_noted(store: Engine, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        note = watch(store, today=date(2026, 11, 25))
    assert note == "refused failed (10 days), weekly late (10 days)"
    assert caplog.messages == ["refused: failed, 10 days old", "weekly: late, 10 days old"]


def test_nothing_late_is_no_note(file_store: Engine) -> None:
    assert watch(file_store, today=date(2026, 11, 25)) is None
