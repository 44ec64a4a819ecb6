"""What a snapshot depends on, as one hash: same files, configuration, code and week, same snapshot.

Imports little, so that a run with nothing to do ends at once.
"""

from __future__ import annotations

import hashlib
import json
from importlib import metadata, resources
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import OperationalError, ProgrammingError

from etl.settings import Settings
from etl.store.engine import open_engine
from etl.store.tables import published_snapshot
from geo.errors import StoreError


class Published(NamedTuple):
    """A snapshot that is already there."""

    snapshot_id: str
    week: str


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


def fingerprint(settings: Settings, *, until: str) -> str:
    """Hash of everything that goes into the snapshot of the newest week up to `until`."""
    files = {}
    for source in settings.config.sources:
        path = settings.data / source.path
        files[source.id] = _file_sha256(path) if path.is_file() else "missing"
    whole = json.dumps([settings.config_sha256, code_version(), until, files], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
    except (StoreError, OperationalError, ProgrammingError):
        return None  # no store, or none of this version: the run itself will say what is wrong
    for row in rows:
        if row.meta["fingerprint"] == wanted:
            return Published(row.snapshot_id, row.week)
    return None
