"""A PostgreSQL database that is away for a while."""

from __future__ import annotations

from sqlalchemy import Engine, text

from etl.store.engine import open_engine


class Away:
    """The database refuses everybody while the block runs."""

    def __init__(self, engine: Engine) -> None:
        self._url = engine.url
        self._admin = open_engine(
            engine.url.set(database="postgres").render_as_string(hide_password=False)
        )

    def __enter__(self) -> None:
        self._do(f'ALTER DATABASE "{self._url.database}" ALLOW_CONNECTIONS false')
        self._do(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
                 f"'{self._url.database}'")  # fmt: skip

    def __exit__(self, *exc: object) -> None:
        self._do(f'ALTER DATABASE "{self._url.database}" ALLOW_CONNECTIONS true')

    def _do(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text(statement))
