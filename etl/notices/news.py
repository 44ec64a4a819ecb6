"""What happened to warnings: the events that notices are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from etl.notices.settings import Subscription


@dataclass(frozen=True)
class News:
    """One event of one warning, in published figures and words only.

    Attributes
    ----------
    event : new, raised, overdue or faded.
    occasion : which of its kind, so that the same event is known again however often it is read.
    happened_at : aware UTC.
    tier : `geo.model.Tier` from 1 to 4.
    areas : codes of all areas the warning holds now.
    places : names from the largest to the smallest, the last being its place.
    reason_zh, reason_en : the published sentence; empty where none was published.
    answer_by : when the answer is due, aware UTC; None without a deadline.
    service_zh, service_en : which service answers.
    """

    warning_id: str
    event: str
    occasion: str
    happened_at: datetime
    tier: int
    measure: str
    measure_zh: str
    measure_en: str
    level: str
    area_code: str
    areas: tuple[str, ...]
    places: tuple[str, ...]
    week: str
    reason_zh: str
    reason_en: str
    answer_by: datetime | None
    service_zh: str
    service_en: str

    def content(self) -> dict[str, Any]:
        """As the outbox keeps it: JSON, times in ISO 8601."""
        found = asdict(self) | {"areas": list(self.areas), "places": list(self.places)}
        for name in ("happened_at", "answer_by"):
            moment = found[name]
            found[name] = None if moment is None else moment.isoformat(timespec="seconds")
        return found

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> News:
        """What `content` gave."""
        moments = {
            name: None if content[name] is None else datetime.fromisoformat(content[name])
            for name in ("happened_at", "answer_by")
        }
        texts = {name: tuple(content[name]) for name in ("areas", "places")}
        return cls(**{**content, **moments, **texts})


def wants(subscription: Subscription, news: News, *, parents: Mapping[str, str | None]) -> bool:
    """Whether a subscription is told of an event.

    Parameters
    ----------
    parents : area code → code of the area above it.
    """
    return (
        news.event in subscription.events
        and news.tier >= subscription.least
        and (not subscription.measures or news.measure in subscription.measures)
        and (not subscription.areas or _within(news.areas, subscription.areas, parents=parents))
    )


def _within(
    codes: Iterable[str], wanted: tuple[str, ...], *, parents: Mapping[str, str | None]
) -> bool:
    for code in codes:
        above: str | None = code
        while above is not None:
            if above in wanted:
                return True
            above = parents.get(above)
    return False
