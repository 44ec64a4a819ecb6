"""Bring a store to the schema of this version, or say that it is not there."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from geo.errors import StoreError

MIGRATIONS = Path(__file__).parent / "migrations"
ADVISORY_LOCK = 0x58494E55  # "XINU": one process at a time changes the schema on PostgreSQL


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def head() -> str:
    """Revision that this version of the code writes and reads."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise StoreError("the package has no migrations; install it again")
    return revision


def upgrade(engine: Engine) -> None:
    """Create or upgrade the schema; does nothing when it is current.

    Processes that start together do it once.
    """
    config = _config()
    with engine.begin() as connection:
        if MigrationContext.configure(connection).get_current_revision() == head():
            return
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        if MigrationContext.configure(connection).get_current_revision() == head():
            return
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def check(engine: Engine) -> None:
    """Raise `StoreError` unless the store has the schema of this version."""
    with engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
    if revision != head():
        raise StoreError(
            f"the store has schema {revision or 'none'}, this version needs {head()}; "
            "run `xintu run` to upgrade it"
        )
