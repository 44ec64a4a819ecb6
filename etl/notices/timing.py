"""When a notice is due: batches, daily digests, quiet hours on the locality's clock."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from etl.due import At, Every
from etl.notices.settings import Subscription
from geo.model import Tier

GIVE_UP = timedelta(days=1)
FIRST_WAIT = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=4)


def is_quiet(moment: datetime, quiet: str | None, *, timezone: str) -> bool:
    """Whether a moment lies in quiet hours, such as 21:00-07:00; their end does not belong."""
    if quiet is None:
        return False
    start, end = (time.fromisoformat(at) for at in quiet.split("-"))
    clock = moment.astimezone(ZoneInfo(timezone)).time()
    return start <= clock < end if start < end else clock >= start or clock < end


def after_quiet(moment: datetime, quiet: str | None, *, timezone: str) -> datetime:
    """The moment itself, or the end of the quiet hours that it lies in."""
    while quiet is not None and is_quiet(moment, quiet, timezone=timezone):
        moment = At(quiet.split("-")[1], timezone).after(moment)
    return moment


def may_go(subscription: Subscription, tier: int, moment: datetime, *, timezone: str) -> bool:
    """Whether a notice of a tier may leave at a moment."""
    if tier >= Tier.RED and subscription.red_breaks_quiet:
        return True
    return not is_quiet(moment, subscription.quiet, timezone=timezone)


def first_due(
    subscription: Subscription, tier: int, queued_at: datetime, *, timezone: str
) -> datetime:
    """When a notice that is queued now is to leave, UTC."""
    due = queued_at
    if subscription.daily_at is not None:
        due = At(subscription.daily_at, timezone).after(queued_at)
    elif subscription.batch_minutes is not None:
        due = Every(subscription.batch_minutes).after(queued_at)
    if may_go(subscription, tier, due, timezone=timezone):
        return due
    return after_quiet(due, subscription.quiet, timezone=timezone)


def retry_wait(attempts: int) -> timedelta:
    """Wait after so many attempts, the first being 1: twice as long each time, up to four hours."""
    return min(FIRST_WAIT * (1 << min(attempts - 1, 10)), LONGEST_WAIT)
