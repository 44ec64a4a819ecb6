"""Send what is due: one process at a time, a message claimed before it leaves and marked after.

At least once. A message keeps its id (Message-ID, Idempotency-Key) while nobody can tell whether it
arrived: when the process was killed, or the other side cut off, between sending and marking. What
surely did not arrive is taken apart again and goes with what is due by then.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path

from sqlalchemy import Engine

from etl.notices import mail, webhook
from etl.notices.errors import NotSentError
from etl.notices.message import Place, letter, payload
from etl.notices.news import News
from etl.notices.settings import Mail, Subscription
from etl.notices.timing import GIVE_UP, after_quiet, may_go, retry_wait
from etl.store.lease import Lease
from etl.store.outbox import Entry, Outbox
from geo.errors import ConfigError

LEASE = "notices"
IN_ONE_MESSAGE = 200
# So long may one round take, and then some seconds for the message under way.
BUDGET_S = 60.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Office:
    """What sending needs to know of a locality.

    Attributes
    ----------
    folder : of the locality; `ca_file` is meant from there.
    environ : where passwords and keys are.
    """

    place: Place
    folder: Path
    environ: Mapping[str, str]
    mail: Mail | None
    subscriptions: tuple[Subscription, ...]

    def subscription(self, code: str) -> Subscription | None:
        """One subscription; None where there is none of that id any more."""
        return next((one for one in self.subscriptions if one.id == code), None)


@dataclass
class Delivered:
    """What a round did: notices sent, failed for now, given up."""

    sent: int = 0
    failed: int = 0
    given_up: int = 0

    def __str__(self) -> str:
        return f"sent {self.sent}, failed {self.failed}, given up {self.given_up}"


@dataclass
class _Round:
    office: Office
    outbox: Outbox
    clock: Callable[[], datetime]
    done: Delivered = field(default_factory=Delivered)
    away: set[str] = field(default_factory=set)


def deliver(
    engine: Engine, office: Office, *, clock: Callable[[], datetime], budget_s: float = BUDGET_S
) -> Delivered | None:
    """Send what is due and may go now.

    Never raises for a message: what fails is kept with its reason, tried again after growing waits,
    and given up a day after its first attempt.

    Parameters
    ----------
    clock : aware UTC time.
    budget_s : after so many seconds the rest waits for the next round.

    Returns
    -------
    What was done; None while another process is at it.
    """
    held = Lease(engine, LEASE)
    if not held.take():
        return None
    began = time.monotonic()
    try:
        work = _Round(office, Outbox(engine), clock)
        for subscription, batch in _batches(work):
            if time.monotonic() - began > budget_s:
                logger.warning("notices: out of time; the rest waits for the next round")
                break
            held.check()
            _send(work, subscription, batch)
        return work.done
    finally:
        held.release()


def send_test(office: Office, code: str, *, now: datetime) -> list[tuple[str, str]]:
    """Send a test to every address of a subscription; nothing of it is kept.

    Returns
    -------
    Address and what its server answered.

    Raises
    ------
    ConfigError : no such subscription.
    NotSentError : an address could not be served; those before it were.
    """
    subscription = office.subscription(code)
    if subscription is None:
        known = ", ".join(one.id for one in office.subscriptions) or "none"
        raise ConfigError(f"no subscription {code!r} in [[notices]]; there: {known}")
    return [
        (
            target,
            _post(
                office, subscription, target, (), batch_id=_batch_id([target, str(now)]), now=now
            ),
        )
        for target in subscription.targets
    ]


def _batches(work: _Round) -> list[tuple[Subscription, list[Entry]]]:
    """Messages to send: those begun earlier as they were, then what is new, by address."""
    now, zone = work.clock(), work.office.place.timezone
    found: list[tuple[Subscription, list[Entry]]] = []

    def key(entry: Entry) -> tuple[str, str, str]:
        return entry.subscription, entry.target, entry.batch_id or ""

    for (code, target, batch_id), group in groupby(sorted(work.outbox.due(now), key=key), key):
        entries = list(group)
        subscription = work.office.subscription(code)
        if subscription is None or target not in subscription.targets:
            work.outbox.give_up(entries, "no longer in [[notices]]", now=now)
            work.done.given_up += len(entries)
            continue
        if batch_id:
            if may_go(subscription, entries[0].tier, now, timezone=zone):
                found.append((subscription, entries))
            continue
        ready = [one for one in entries if may_go(subscription, one.tier, now, timezone=zone)]
        starts = range(0, len(ready), IN_ONE_MESSAGE)
        found.extend((subscription, ready[at : at + IN_ONE_MESSAGE]) for at in starts)
    return sorted(found, key=lambda one: -one[1][0].tier)


def _send(work: _Round, subscription: Subscription, batch: list[Entry]) -> None:
    now, zone = work.clock(), work.office.place.timezone
    server = "mail" if subscription.via == "mail" else batch[0].target
    if server in work.away:
        return
    batch_id = batch[0].batch_id or _batch_id([entry.notice_id for entry in batch])
    again_at = now + retry_wait(min(entry.attempts for entry in batch) + 1)
    if not may_go(subscription, batch[0].tier, again_at, timezone=zone):
        again_at = after_quiet(again_at, subscription.quiet, timezone=zone)
    work.outbox.claim(batch, batch_id, now=now, again_at=again_at)
    news = [News.of(entry.content) for entry in batch]
    try:
        _post(work.office, subscription, batch[0].target, news, batch_id=batch_id, now=now)
    except NotSentError as exc:
        if exc.away:
            work.away.add(server)
        _fail(work, batch, exc)
    else:
        work.outbox.sent(batch, now=work.clock())
        work.done.sent += len(batch)


def _fail(work: _Round, batch: list[Entry], exc: NotSentError) -> None:
    now = work.clock()
    logger.warning("notices: %s: not sent: %s", batch[0].subscription, exc)
    work.outbox.failed(batch, str(exc), arrived=exc.arrived)
    old = [one for one in batch if one.tried_at is not None and now - one.tried_at >= GIVE_UP]
    work.outbox.give_up(old, str(exc), now=now)
    work.done.given_up += len(old)
    work.done.failed += len(batch) - len(old)


def _post(
    office: Office,
    subscription: Subscription,
    target: str,
    news: Sequence[News],
    *,
    batch_id: str,
    now: datetime,
) -> str:
    """Send one message; what the server answered."""
    if subscription.via == "webhook":
        content = payload(subscription, news, place=office.place, batch_id=batch_id)
        return webhook.send(
            subscription, content, now=now, folder=office.folder, environ=office.environ
        )
    if office.mail is None:
        raise NotSentError("no [mail] section in xintu.toml", away=True)
    message = mail.compose(
        letter(subscription, news, place=office.place),
        sender=office.mail.sender,
        to=target,
        batch_id=batch_id,
        now=now,
    )
    return mail.send(office.mail, message, to=target, folder=office.folder, environ=office.environ)


def _batch_id(parts: Sequence[str]) -> str:
    return hashlib.sha256("\x1f".join(sorted(parts)).encode()).hexdigest()[:32]
