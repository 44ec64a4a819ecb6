"""Queue notices: every event once for each subscription and address, however often it is read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine

from etl.notices.news import News, wants
from etl.notices.settings import Subscription
from etl.notices.timing import first_due
from etl.store.outbox import Entry, Outbox

# Older events are no news: a new subscription begins with what these days brought.
LOOK_BACK = timedelta(days=14)


def notice_id(subscription: str, target: str, news: News) -> str:
    """Key of a notice, made of what it is about."""
    parts = (subscription, target, news.warning_id, news.event, news.occasion)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def queue_news(
    engine: Engine,
    subscriptions: Sequence[Subscription],
    events: Iterable[News],
    *,
    parents: Mapping[str, str | None],
    timezone: str,
    now: datetime,
) -> int:
    """Put into the outbox what is not there yet.

    Parameters
    ----------
    events : of any time; those more than `LOOK_BACK` before `now` are passed over.
    parents : area code → code of the area above it.
    now : aware UTC.

    Returns
    -------
    How many notices are new.
    """
    fresh = [news for news in events if news.happened_at > now - LOOK_BACK]
    entries = [
        Entry(
            notice_id(subscription.id, target, news),
            subscription.id,
            target,
            news.warning_id,
            news.event,
            news.tier,
            news.content(),
            now,
            first_due(subscription, news.tier, now, timezone=timezone),
        )
        for subscription in subscriptions
        for news in fresh
        if wants(subscription, news, parents=parents)
        for target in subscription.targets
    ]
    outbox = Outbox(engine)
    known = outbox.known([entry.notice_id for entry in entries])
    return outbox.put([entry for entry in entries if entry.notice_id not in known])
