"""What a job does for notices: queue what happened, send what is due."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import Engine

from etl.notices.deliver import Office, deliver
from etl.notices.message import Place
from etl.notices.queue import LOOK_BACK, queue_news
from etl.notices.warned import read_news
from etl.response.places import read_places
from etl.settings import Settings
from etl.store.reader import Reader
from geo.errors import NotPublishedError

logger = logging.getLogger(__name__)


def office_of(settings: Settings, environ: Mapping[str, str]) -> Office:
    """A locality as sending needs it."""
    config = settings.config
    where = config.locality
    return Office(
        place=Place(where.code, where.name, where.timezone),
        folder=settings.folder,
        environ=environ,
        mail=config.mail,
        subscriptions=config.notices,
    )


def queue(engine: Engine, settings: Settings, *, now: datetime) -> int:
    """Put what happened to warnings into the outbox; how many notices are new.

    Parameters
    ----------
    engine : a store with this version's schema, open for writing.
    now : aware UTC.
    """
    config = settings.config
    if not config.notices:
        return 0
    reader = Reader(settings.store_url)
    try:
        places = read_places(reader, reader.current())
    except NotPublishedError:
        return 0
    finally:
        reader.close()
    for one in config.notices:
        if unknown := [code for code in one.areas if code not in places.areas]:
            logger.warning("notices %s: no such area: %s", one.id, ", ".join(unknown))
    with engine.connect() as connection:
        news = read_news(connection, config, places, since=now - LOOK_BACK, now=now)
    parents = {code: place.parent or None for code, place in places.areas.items()}
    zone = config.locality.timezone
    return queue_news(engine, config.notices, news, parents=parents, timezone=zone, now=now)


def tell(
    engine: Engine, settings: Settings, *, clock: Callable[[], datetime], environ: Mapping[str, str]
) -> str | None:
    """Queue what happened, and send what is due.

    Returns
    -------
    What was done, in a line; None where there was nothing to do.
    """
    if not settings.config.notices:
        return None
    queue(engine, settings, now=clock())
    done = deliver(engine, office_of(settings, environ), clock=clock)
    return str(done) if done is not None and done.sent + done.failed + done.given_up else None
