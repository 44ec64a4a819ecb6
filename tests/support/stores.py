"""Stores with this version's schema and nothing in them: it is made once and copied."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from etl.store import migrate
from etl.store.engine import open_engine


@cache
def _schema() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "schema.db"
        engine = open_engine(f"sqlite:///{path}")
        migrate.upgrade(engine)
        engine.dispose()
        return path.read_bytes()


def sqlite_store(path: Path) -> str:
    """URL of a new store in a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_schema())
    return f"sqlite:///{path}"
