"""A PostgreSQL server with PostGIS that belongs to the tests alone."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

import psycopg
from psycopg import sql

from tests.support.network import free_port

SERVERS = Path("/usr/lib/postgresql")
HOW_TO_GET = "scripts/install_system.sh installs it"
TEMPLATE = "xintu_template"
USER = "xintu"


class ServerMissingError(Exception):
    """The programs of PostgreSQL, or PostGIS, are not on this machine."""


def find_programs() -> Path:
    """Directory with initdb and pg_ctl of the newest server that is installed."""
    found = [p.parent for p in SERVERS.glob("*/bin/initdb") if (p.parent / "pg_ctl").exists()]
    if not found:
        raise ServerMissingError(f"no PostgreSQL server under {SERVERS}; {HOW_TO_GET}")
    newest = max(found, key=lambda path: float(path.parent.name))
    postgis = Path(f"/usr/share/postgresql/{newest.parent.name}/extension/postgis.control")
    if not postgis.exists():
        raise ServerMissingError(f"no PostGIS for the server in {newest}; {HOW_TO_GET}")
    return newest


class Cluster:
    """A server on a free port of loopback, in a temporary folder, gone when the block ends."""

    def __init__(self) -> None:
        self.programs = find_programs()
        self.folder = Path(tempfile.mkdtemp(prefix="xintu-pg-"))
        self.port = free_port()
        self._numbers = itertools.count(1)
        # PostgreSQL refuses to run as root; its package makes a user for it.
        self._identity: dict[str, Any] = {}
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            self._identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            os.chown(self.folder, account.pw_uid, account.pw_gid)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _start(self) -> None:
        data = self._data
        self._call(
            "initdb", "--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8",
            f"--username={USER}", "--pgdata", data,
        )  # fmt: skip
        self.resume()
        self._execute("postgres", sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
        self._execute(TEMPLATE, sql.SQL("CREATE EXTENSION postgis"))

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def resume(self) -> None:
        """Start the server on what it holds, as after a crash."""
        # A crash of the machine may lose everything here, so nothing waits for the disk.
        options = (
            f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 "
            "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        )
        log = str(self.folder / "log")
        self._call("pg_ctl", "--pgdata", self._data, "--log", log, "-w", "-o", options, "start")

    def crash(self) -> None:
        """Have the server gone at once, in the middle of whatever it does."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self._call("pg_ctl", "--pgdata", self._data, "-m", "immediate", "-w", "stop")

    def stop(self) -> None:
        """Stop the server, if it runs, and remove its folder."""
        self.crash()
        shutil.rmtree(self.folder, ignore_errors=True)

    def create_database(self, template: str = TEMPLATE) -> str:
        """Make a database like another one, which is empty but for PostGIS; its name."""
        name = f"test_{next(self._numbers)}"
        self._execute(
            "postgres",
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            ),
        )
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is still connected to it."""
        self._execute(
            "postgres", sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
        )

    def url(self, database: str) -> str:
        """SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{database}"

    def _execute(self, database: str, statement: sql.Composable) -> None:
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user=USER, dbname=database, autocommit=True
        ) as connection:
            connection.execute(statement)

    def _call(self, program: str, *arguments: str) -> None:
        # A file, not a pipe: the server inherits it and would keep a pipe open for ever.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                [self.programs / program, *arguments],
                cwd=self.folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                **self._identity,
            )
            if done.returncode:
                output.seek(0)
                log = self.folder / "log"
                details = output.read() + (log.read_text() if log.exists() else "")
                raise RuntimeError(f"{program} ended with {done.returncode}:\n{details}")
