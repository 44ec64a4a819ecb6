"""What became of warnings lately, out of the record of how they are answered."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from etl.notices.news import News
from etl.response.life import Kind, Life
from etl.response.places import Places
from etl.response.reading import event_of, read_lives
from etl.settings import LocalityConfig
from etl.store.response_tables import response_event
from geo.model import Level

EVENTS = {Kind.OPENED: "new", Kind.RAISED: "raised", Kind.FADED: "faded"}


def read_news(
    connection: Connection,
    config: LocalityConfig,
    places: Places,
    *,
    since: datetime,
    now: datetime,
) -> list[News]:
    """Events of warnings that an office still has on its desk, and deadlines that have passed.

    Notes of offices are not read: a notice holds what was published and nothing else.

    Parameters
    ----------
    since : events after it, aware UTC.
    now : deadlines before it.
    """
    lives = {life.warning_id: life for life in read_lives(connection, live_only=True)}
    columns = response_event.c
    query = (
        select(response_event)
        .where(columns.at_utc > since, columns.kind.in_([kind.value for kind in EVENTS]))
        .order_by(columns.event_id)
    )
    found = []
    for event in (event_of(row) for row in connection.execute(query)):
        life = lives.get(event.warning_id)
        if life is None:
            continue
        # A week that is published again may raise a tier again: that is the same event.
        occasion = {Kind.OPENED: "", Kind.RAISED: f"{event.week}.{event.tier}"}.get(
            event.kind, event.week
        )
        found.append(
            _news(life, EVENTS[event.kind], config, places, occasion=occasion, at=event.at,
                  tier=event.tier, week=event.week)
        )  # fmt: skip
    for life in lives.values():
        if life.due_at is not None and since < life.due_at and life.overdue(now):
            occasion = f"{life.state.value}.{life.due_at:%Y-%m-%dT%H:%M}"
            found.append(
                _news(life, "overdue", config, places, occasion=occasion, at=life.due_at,
                      tier=life.tier, week=life.last_week)
            )  # fmt: skip
    return found


def _news(
    life: Life,
    event: str,
    config: LocalityConfig,
    places: Places,
    *,
    occasion: str,
    at: datetime,
    tier: int,
    week: str,
) -> News:
    standard = config.response.standard(tier)
    measure = next((one.name for one in config.measures if one.code == life.measure), None)
    return News(
        warning_id=life.warning_id,
        event=event,
        occasion=occasion,
        happened_at=at,
        tier=tier,
        measure=life.measure,
        measure_zh=life.measure if measure is None else measure.zh,
        measure_en=life.measure if measure is None else measure.en,
        level=life.level,
        area_code=life.area_code,
        areas=tuple(sorted(life.areas)),
        places=_names(life, places),
        week=week,
        reason_zh=life.reason_zh,
        reason_en=life.reason_en,
        answer_by=life.due_at,
        service_zh=f"{standard.answers.zh}，{standard.action.zh}",
        service_en=f"{standard.answers.en}: {standard.action.en}",
    )


def _names(life: Life, places: Places) -> tuple[str, ...]:
    """The place under its town and village; the county alone where it is the place."""
    names = [life.name]
    place = places.areas.get(life.area_code)
    while place is not None and place.parent:
        place = places.areas.get(place.parent)
        if place is not None and place.level != Level.COUNTY:
            names.append(place.name)
    return tuple(reversed(names))
