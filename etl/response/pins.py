"""PINs of offices: salted and hashed; wrong ones make the next try wait."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, insert, select, update

from etl.response.ledger import transaction
from etl.store.response_tables import response_office
from etl.store.times import as_utc
from geo.errors import AccessError, InputError

SHORTEST, DIGITS = 6, 8
# After so many wrong ones in a row each next try waits, twice as long as the one before.
FREE_TRIES, FIRST_WAIT, LONGEST_WAIT = 3, timedelta(seconds=30), timedelta(minutes=15)
_columns = response_office.c


def new_pin() -> str:
    """Eight digits by chance."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"


def set_pin(engine: Engine, office: str, pin: str, *, now: datetime) -> None:
    """Give an office its PIN in place of the one it had.

    Raises
    ------
    InputError : shorter than six characters.
    """
    if len(pin) < SHORTEST:
        raise InputError(f"PIN: {len(pin)} characters; wanted at least {SHORTEST}")
    salt = secrets.token_bytes(16)
    with transaction(engine) as connection:
        connection.execute(delete(response_office).where(_columns.office == office))
        connection.execute(
            insert(response_office).values(
                office=office, salt=salt, digest=_digest(pin, salt), failures=0, set_at_utc=now
            )
        )


def check_pin(engine: Engine, office: str, pin: str, *, now: datetime) -> None:
    """Let an office in, or not.

    Tries are counted in the store, one after the other, so that many at once gain nothing.

    Raises
    ------
    AccessError : the PIN is wrong, there is none, or too many wrong ones were given just now.
    """
    with transaction(engine) as connection:
        row = connection.execute(
            select(response_office).where(_columns.office == office)
        ).one_or_none()
        if row is None:
            _digest(pin, b"0" * 16)  # as long as with one
            raise AccessError(f"{office}: has no PIN yet; `xintu warnings pin` gives one")
        waits = None if row.wait_until_utc is None else as_utc(row.wait_until_utc)
        if waits is not None and now < waits:
            raise AccessError(f"{office}: {_too_many(waits - now)}")
        right = hmac.compare_digest(_digest(pin, row.salt), row.digest)
        failures = 0 if right else row.failures + 1
        wait = _wait(failures)
        until = now + wait if wait else None
        mine = update(response_office).where(_columns.office == office)
        connection.execute(mine.values(failures=failures, wait_until_utc=until))
    if not right:  # the transaction has ended: the try counts
        raise AccessError(f"{office}: wrong PIN" + (f"; {_too_many(wait)}" if wait else ""))


def _digest(pin: str, salt: bytes) -> bytes:
    # 16 MiB and some 50 ms a try (RFC 7914, interactive use).
    return hashlib.scrypt(pin.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32)


def _wait(failures: int) -> timedelta:
    if failures < FREE_TRIES:
        return timedelta(0)
    doublings: int = min(failures - FREE_TRIES, 10)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def _too_many(wait: timedelta) -> str:
    return f"too many wrong PINs; wait {max(1, round(wait.total_seconds()))} s"
