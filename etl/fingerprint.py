"""What a snapshot depends on, as one hash: same files, configuration, code and week, same snapshot.

Imports little, so that a run with nothing to do ends at once.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from etl.deliveries import Logged, scan
from etl.settings import Settings
from etl.store.engine import open_engine
from etl.store.log import read_log
from etl.store.tables import published_snapshot
from geo.errors import StoreError


class Published(NamedTuple):
    """A snapshot that is already there."""

    snapshot_id: str
    week: str


@cache
def code_version() -> str:
    """Package version and a hash of the code that computes: other code, other snapshot."""
    digest = hashlib.sha256()
    for package in ("geo", "etl"):
        root = Path(str(resources.files(package)))
        for path in sorted(root.rglob("*")):
            if path.suffix in {".py", ".toml"}:
                digest.update(path.relative_to(root).as_posix().encode())
                digest.update(path.read_bytes())
    return f"{metadata.version('xintu')}+{digest.hexdigest()[:8]}"


def fingerprint(
    settings: Settings, *, until: str, log: Iterable[Logged], absent: Iterable[str]
) -> str:
    """Hash of everything that goes into the snapshot of the newest week up to `until`.

    Parameters
    ----------
    log : all deliveries; those in force count, and those that failed, since screens show them.
    absent : sources without a file where `xintu.toml` says.
    """
    files = [
        (entry.source_id, entry.name, entry.sha256, entry.state)
        for entry in log
        if entry.state in {"current", "failed"}
    ]
    parts = [settings.config_sha256, code_version(), until, sorted(files), sorted(absent)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def nothing_new(settings: Settings, *, until: str) -> Published | None:
    """The snapshot that a run would only make again; None if there may be anything to do."""
    if any(source.url is not None for source in settings.config.sources):
        return None  # a database is asked once, by the run itself
    try:
        engine = open_engine(settings.store_url, read_only=True)
        log = read_log(engine)
        engine.dispose()
    except (StoreError, DBAPIError):
        return None  # no store, or none of this version: the run itself will say what is wrong
    found = scan(settings, log)
    shutil.rmtree(settings.incoming, ignore_errors=True)
    if found.any_news:
        return None
    wanted = fingerprint(settings, until=until, log=log, absent=found.absent)
    return find_published(settings.store_url, wanted)


def find_published(store_url: str, wanted: str) -> Published | None:
    """The snapshot built from exactly these inputs, if there is one; None without a store."""
    columns = published_snapshot.c
    query = select(columns.snapshot_id, columns.week, columns.meta).where(
        columns.snapshot_id.endswith(f"-{wanted[:8]}")
    )
    try:
        engine = open_engine(store_url, read_only=True)
        with engine.connect() as connection:
            rows = connection.execute(query).all()
        engine.dispose()
    except (StoreError, DBAPIError):
        return None  # no store, or none of this version: the run itself will say what is wrong
    for row in rows:
        if row.meta["fingerprint"] == wanted:
            return Published(row.snapshot_id, row.week)
    return None
