"""Leases: who is doing a job just now, so that nobody does it twice.

A lease is one row of `job_lease`. It is taken by a single conditional statement, renewed by a
thread while the block runs, and given back at its end. A holder that died is recognised

- on its own machine at once: its process is gone, or another process has its number (the start
  time tells them apart). A process that lives holds its lease however long its transaction blocks
  the heartbeat; so a long bulk load into SQLite loses nothing;
- from another machine when its lease has run out.

Time is the database's own on PostgreSQL, so clocks of machines that differ do no harm; an SQLite
file has one machine and one clock. A machine that sleeps past its lease finds it taken when it
wakes: `check` says so, and within a transaction `guard` does.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from etl.store.tables import job_lease
from geo.errors import BusyError, StoreError

SCHEDULER, RUN, SITING = "scheduler", "run", "siting"
TTL_S = 60.0
POLL_S = 1.0

Clock = Callable[[], datetime]
logger = logging.getLogger(__name__)
_columns = job_lease.c


@dataclass(frozen=True)
class Holder:
    """Who holds a lease.

    Attributes
    ----------
    token : unique to one holding; starts with machine, process and the process's start.
    host, pid : for people.
    taken_at, until : UTC.
    """

    token: str
    host: str
    pid: int
    taken_at: datetime
    until: datetime

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.taken_at:%Y-%m-%d %H:%M} UTC"

    def is_dead(self, now: datetime) -> bool:
        """Whether nobody can be doing the job for this holder any more."""
        machine, _, rest = self.token.partition("/")
        if machine and machine == _machine():
            pid, _, rest = rest.partition("/")
            return process_start(int(pid)) != rest.partition("/")[0]
        return now >= self.until


def process_start(pid: int) -> str | None:
    """When a process of this machine started, in the kernel's ticks; None if there is none.

    A process that ended and only waits to be asked for its exit code is none.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in {"Z", "X"} else fields[18]


def _machine() -> str:
    """This boot of this machine and its process numbers; empty where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}:{Path('/proc/self/ns/pid').readlink().name}"
    except OSError:
        return ""


class Lease:
    """A lease that is held while a `with` block runs.

    Parameters
    ----------
    engine : a store with this version's schema, open for writing.
    name : of the job, such as `RUN`.
    ttl_s : after so long without a sign, another machine may take over [s].
    wait : whether to wait for the present holder; else `BusyError` at once.
    on_wait : called with each holder that is waited for.
    poll_s : how often a waiting process looks [s].
    clock : aware UTC time; the database's own by default.
    """

    def __init__(
        self,
        engine: Engine,
        name: str,
        *,
        ttl_s: float = TTL_S,
        wait: bool = True,
        on_wait: Callable[[Holder], object] | None = None,
        poll_s: float = POLL_S,
        clock: Clock | None = None,
    ) -> None:
        self.name = name
        self.ttl_s = ttl_s
        self._engine = engine
        self._wait, self._on_wait, self._poll_s = wait, on_wait, poll_s
        self._clock = clock
        self._token = ""
        self._sure_until = 0.0  # monotonic: no other machine takes over before
        self._ended = threading.Event()
        self._lost = threading.Event()
        self._beat: threading.Thread | None = None

    def __enter__(self) -> Lease:
        told = ""
        while not self.take():
            holder = self.holder()
            if holder is None:
                continue  # given back in between
            if not self._wait:
                raise BusyError(f"{self.name}: already at work: {holder}")
            if holder.token != told and self._on_wait is not None:
                self._on_wait(holder)
            told = holder.token
            time.sleep(self._poll_s)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.release()

    @property
    def lost(self) -> bool:
        """Whether somebody else has taken over."""
        return self._lost.is_set()

    def holder(self) -> Holder | None:
        """Who holds the lease, dead or alive; None when it is free."""
        with self._engine.connect() as connection:
            return self._read(connection)

    def take(self) -> bool:
        """Take the lease if it is free or its holder is dead; never waits for a holder."""
        now = self._now()
        with self._engine.connect() as connection:
            present = self._read(connection)
        if present is not None and not present.is_dead(now):
            return False
        token = f"{_machine()}/{os.getpid()}/{process_start(os.getpid())}/{secrets.token_hex(4)}"
        asked = time.monotonic()
        row = {
            "holder": token,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "taken_at_utc": now,
            "until_utc": now + timedelta(seconds=self.ttl_s),
        }
        with self._engine.begin() as connection:
            if present is None:
                dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
                put = dialect.insert(job_lease).values(name=self.name, **row)
                done = connection.execute(put.on_conflict_do_nothing().returning(_columns.name))
            else:  # only if it is still the very holding that was found dead
                same = (_columns.holder == present.token) & (_columns.until_utc == present.until)
                swap = update(job_lease).where(_columns.name == self.name, same)
                done = connection.execute(swap.values(**row).returning(_columns.name))
            taken = done.first() is not None
        if not taken:
            return False
        if present is not None:
            logger.warning("%s: taken over from %s, which has ended", self.name, present)
        self._token, self._sure_until = token, asked + self.ttl_s
        self._lost.clear()
        self._ended.clear()
        self._beat = threading.Thread(target=self._keep, name=f"lease {self.name}", daemon=True)
        self._beat.start()
        return True

    def release(self) -> None:
        """Give the lease back; a store that does not answer finds out by itself."""
        self._ended.set()
        if self._beat is not None:
            self._beat.join(timeout=self.ttl_s)
            self._beat = None
        if not self._token:
            return
        mine = delete(job_lease).where(_columns.name == self.name, _columns.holder == self._token)
        self._token = ""
        try:
            with self._engine.begin() as connection:
                connection.execute(mine)
        except DBAPIError as exc:
            logger.warning("%s: not given back, it runs out by itself: %s", self.name, exc.orig)

    def check(self) -> None:
        """Make sure that nobody else can be doing the job.

        Raises
        ------
        StoreError : the lease was taken over, or could not be renewed in time.
        """
        if self.lost:
            raise StoreError(f"{self.name}: another process has taken over; nothing more is done")
        elsewhere = self._engine.dialect.name == "postgresql"  # SQLite: nobody, while this lives
        if elsewhere and time.monotonic() > self._sure_until and not self.renew():
            raise StoreError(f"{self.name}: the store has not answered for {self.ttl_s:.0f} s")

    def guard(self, connection: Connection) -> None:
        """Let a transaction fail unless the lease is still held; last thing before its end.

        Raises
        ------
        StoreError : somebody else holds it.
        """
        query = select(_columns.holder).where(_columns.name == self.name)
        if connection.dialect.name == "postgresql":
            query = query.with_for_update()  # nobody takes over before this transaction ends
        if connection.scalar(query) != self._token:
            self._lost.set()
            self.check()

    def renew(self) -> bool:
        """Put the end of the lease off; False when the store does not answer or it is lost."""
        asked = time.monotonic()
        mine = update(job_lease).where(_columns.name == self.name, _columns.holder == self._token)
        try:
            until = self._now() + timedelta(seconds=self.ttl_s)
            with self._engine.begin() as connection:
                put_off = mine.values(until_utc=until).returning(_columns.name)
                held = connection.execute(put_off).first() is not None
        except DBAPIError as exc:  # away, or a long transaction of our own: try again
            logger.debug("%s: not renewed: %s", self.name, exc.orig)
            return False
        if not held:
            self._lost.set()
            logger.error("%s: another process has taken over", self.name)
            return False
        self._sure_until = asked + self.ttl_s
        return True

    def _keep(self) -> None:
        pause = self.ttl_s / 4
        while not self._ended.wait(pause) and not self.lost:
            self.renew()

    def _now(self) -> datetime:
        if self._clock is not None:
            return self._clock()
        if self._engine.dialect.name != "postgresql":
            return datetime.now(UTC)
        with self._engine.connect() as connection:
            return _utc(connection.execute(select(func.clock_timestamp())).scalar_one())

    def _read(self, connection: Connection) -> Holder | None:
        row = connection.execute(select(job_lease).where(_columns.name == self.name)).first()
        if row is None:
            return None
        taken, until = _utc(row.taken_at_utc), _utc(row.until_utc)
        return Holder(row.holder, row.host, row.pid, taken, until)


def _utc(stamp: datetime) -> datetime:
    return stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC)


@contextmanager
def lease(
    engine: Engine,
    name: str = RUN,
    *,
    wait: bool = True,
    on_wait: Callable[[Holder], object] | None = None,
) -> Iterator[Lease]:
    """Hold a lease while the block runs; see `Lease`.

    Raises
    ------
    BusyError : somebody holds it, and `wait` is off.
    """
    with Lease(engine, name, wait=wait, on_wait=on_wait) as held:
        yield held
