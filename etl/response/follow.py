"""After a publication: warnings are opened, grow, move, rise, fade; never opened anew each day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import Connection, Engine, func, or_, select

from etl.build.weeks import iso_week, week_number
from etl.response.deadlines import deadlines, earliest
from etl.response.ledger import Act, open_warning, transaction, write
from etl.response.life import ENDED, Kind, Life, State
from etl.response.matching import Match, Signal, is_of, match, signals_of
from etl.response.places import Places, Relation, read_places
from etl.response.reading import life_of, read_lives
from etl.standards import Response
from etl.store.response_tables import response_event, response_warning
from geo.errors import NotPublishedError

if TYPE_CHECKING:
    from etl.settings import LocalityConfig, Settings

Changed = dict[str, tuple[Kind, ...]]


def follow_published(
    engine: Engine, settings: Settings, snapshot_id: str, *, now: datetime
) -> Changed:
    """Follow a published snapshot; nothing where it is not the newest, or has no `episodes`.

    Parameters
    ----------
    engine : the store, open for writing.

    Returns
    -------
    What happened, by warning.
    """
    from etl.store.reader import Reader  # noqa: PLC0415 (which reads what is written here)

    reader = Reader(settings.store_url)
    try:
        snapshot = reader.current()
        if snapshot.snapshot_id != snapshot_id:
            return {}
        try:
            episodes = reader.table(snapshot_id, "episodes")
        except NotPublishedError:
            return {}
        places = read_places(reader, snapshot)
        return follow(
            engine, episodes, now=now, week=snapshot.week, settings=settings.config, places=places
        )
    finally:
        reader.close()


def follow(
    engine: Engine,
    episodes: pd.DataFrame,
    *,
    now: datetime,
    week: str,
    settings: LocalityConfig,
    places: Places,
) -> Changed:
    """Bring the warnings to what a week's episodes say, in one transaction.

    The same episodes again change nothing; corrected ones of the same week change what differs. A
    week older than one that was followed already changes nothing either. A warning whose signal is
    gone stays with its office, marked as faded. One that was closed while its signal lasts stays
    closed, unless the tier rises above that at closing or the signal moves on.

    Parameters
    ----------
    episodes : see `etl.response.matching.signals_of`.
    now : aware; deadlines count from it.
    week : ISO week of the figures.
    places : where the areas lie.

    Returns
    -------
    What happened, by warning.

    Raises
    ------
    ShapeError : `episodes` lacks a column.
    StoreError : the store cannot be written.
    """
    signals, unknown = signals_of(episodes, places)
    with transaction(engine) as connection:
        newest = select(func.max(response_event.c.week)).where(response_event.c.office.is_(None))
        if week < (connection.scalar(newest) or ""):
            return {}
        this = _Follower(
            connection, now, week, settings.response, settings.locality.timezone, places
        )
        return this.follow(signals, unknown)


@dataclass(frozen=True)
class _Follower:
    connection: Connection
    now: datetime
    week: str
    response: Response
    timezone: str
    places: Places

    def follow(self, signals: Sequence[Signal], unknown: Sequence[Signal]) -> Changed:
        matches, gone = match(signals, read_lives(self.connection, live_only=True), self.places)
        ended = self._ended()
        changed: Changed = {}
        for one in matches:
            if one.life is None:
                changed |= self._without_warning(one, ended)
            else:
                changed |= self._go_on(one, one.life)
        for life in gone:
            # No data is not an end: nobody knows whether the signal is still there.
            if not life.faded and not any(is_of(life, signal) for signal in unknown):
                changed |= self._write(life, [self._act(Kind.FADED)])
        return changed

    def _act(self, kind: Kind, *, tier: int | None = None, **changes: Any) -> Act:
        return Act(kind, self.week, self.now, tier=tier, changes=changes)

    def _write(self, life: Life, acts: Sequence[Act]) -> Changed:
        if not acts:
            return {}
        write(self.connection, life, acts)
        return {life.warning_id: tuple(act.kind for act in acts)}

    def _place(self, signal: Signal) -> dict[str, Any]:
        town_code, town_name = self.places.town(signal.area_code)
        return {
            "level": signal.level,
            "area_code": signal.area_code,
            "name": signal.name,
            "areas": signal.areas,
            "town_code": town_code,
            "town_name": town_name,
        }

    def _said(self, signal: Signal) -> dict[str, Any]:
        names = ("episode_id", "reason_zh", "reason_en")
        return {name: getattr(signal, name) for name in names}

    def _assigned(self, signal: Signal, tier: int) -> str | None:
        town_code, _ = self.places.town(signal.area_code)
        return self.response.assigned(tier, town_code=town_code, areas=signal.areas)

    # ------------------------------------------------------------ a live warning

    def _go_on(self, one: Match, life: Life) -> Changed:
        changed: Changed = {}
        for other in one.absorbed:
            changed |= self._write(other, [self._act(Kind.MERGED, merged_into=life.warning_id)])
        acts = [*self._resumed(life), *self._placed(one, life), *self._tiered(one, life)]
        said = {k: v for k, v in self._said(one.signal).items() if v != getattr(life, k)}
        said |= self._brought(one, life)
        if not acts and (said or life.last_week < self.week):
            acts = [self._act(Kind.STEADY)]
        if acts:
            first = acts[0]
            # What the kind itself sets goes before what is only carried along.
            changes = said | dict(first.changes or {})
            acts[0] = self._act(first.kind, tier=first.tier, **changes)
        return changed | self._write(life, acts)

    def _resumed(self, life: Life) -> list[Act]:
        return [self._act(Kind.RESUMED)] if life.faded else []

    def _placed(self, one: Match, life: Life) -> list[Act]:
        place = self._place(one.signal)
        if all(getattr(life, name) == value for name, value in place.items()):
            return []
        kind = Kind.MOVED
        if life.areas < one.signal.areas:
            kind = Kind.GREW
        elif life.areas > one.signal.areas:
            kind = Kind.SHRANK
        return [self._act(kind, **place, assigned=self._assigned(one.signal, one.signal.tier))]

    def _tiered(self, one: Match, life: Life) -> list[Act]:
        tier = one.signal.tier
        if tier == life.tier:
            return []
        if tier < life.tier:
            return [self._act(Kind.LOWERED, tier=tier)]
        acknowledge_by, respond_by = deadlines(
            self.response.standard(tier), self.now, timezone=self.timezone
        )
        if life.state == State.OPEN:
            acknowledge_by = earliest(acknowledge_by, life.acknowledge_by)
        waiting = [other.respond_by for other in (life, *one.absorbed) if _unanswered(other)]
        return [
            self._act(
                Kind.RAISED,
                tier=tier,
                acknowledge_by=acknowledge_by,
                respond_by=earliest(respond_by, *waiting),
                assigned=self._assigned(one.signal, tier),
            )
        ]

    def _brought(self, one: Match, life: Life) -> dict[str, Any]:
        """Deadlines of absorbed warnings: nothing is put off by a merger."""
        waiting = [other for other in one.absorbed if _unanswered(other)]
        if not waiting or one.signal.tier > life.tier or not _unanswered(life):
            return {}
        own = {"acknowledge_by": life.acknowledge_by, "respond_by": life.respond_by}
        found = {
            name: earliest(by, *(getattr(o, name) for o in waiting)) for name, by in own.items()
        }
        return {name: by for name, by in found.items() if by != own[name]}

    # ------------------------------------------------------------ no live warning

    def _without_warning(self, one: Match, ended: Sequence[Life]) -> Changed:
        signal = one.signal
        answered = [life for life in ended if self._lasts(life, signal)]
        quiet = max(answered, key=lambda life: (life.tier, life.ended_at), default=None)
        if quiet is not None and signal.tier <= quiet.tier:
            acts = [self._act(Kind.STEADY)] if quiet.last_week < self.week else []
            return self._write(quiet, acts)
        earlier = one.split_from or self._earlier(signal, ended)
        acknowledge_by, respond_by = deadlines(
            self.response.standard(signal.tier), self.now, timezone=self.timezone
        )
        act = self._act(
            Kind.OPENED,
            tier=signal.tier,
            measure=signal.measure,
            **self._place(signal),
            **self._said(signal),
            acknowledge_by=acknowledge_by,
            respond_by=respond_by,
            assigned=self._assigned(signal, signal.tier),
            earlier_id=None if earlier is None else earlier.warning_id,
        )
        life = open_warning(self.connection, self._free_id(signal.episode_id), act)
        return {life.warning_id: (Kind.OPENED,)}

    def _lasts(self, life: Life, signal: Signal) -> bool:
        """Whether the signal is the one that an ended warning was about, without a break.

        An episode lasts through weeks that are unknown or quiet, as its id tells.
        """
        unbroken = life.episode_id == signal.episode_id or self._weeks_since(life.last_week) <= 1
        return unbroken and is_of(life, signal) and signal.area_code in life.areas

    def _earlier(self, signal: Signal, ended: Sequence[Life]) -> Life | None:
        """The newest warning of the same place and theme that ended not long ago."""
        zone = ZoneInfo(self.timezone)
        near = [
            (life.ended_at, life.warning_id, life)
            for life in ended
            if life.measure == signal.measure
            and life.ended_at is not None
            and self._weeks_since(
                max(life.last_week, iso_week(life.ended_at.astimezone(zone).date()))
            )
            <= self.response.earlier_weeks
            and self.places.relation(life.areas, signal.areas) > Relation.TOUCHING
        ]
        return max(near, default=(None, None, None))[2]

    def _weeks_since(self, week: str) -> int:
        return week_number(self.week) - week_number(week)

    def _ended(self) -> list[Life]:
        """Warnings that ended not long ago, or whose signal lasts; not those that were merged."""
        columns = response_warning.c
        since = self.now - timedelta(weeks=self.response.earlier_weeks + 2)
        start = iso_week(since.date())
        query = select(response_warning).where(
            columns.state.in_(ENDED),
            columns.merged_into.is_(None),
            or_(columns.last_week >= start, columns.ended_at_utc >= since),
        )
        rows = self.connection.execute(query.order_by(columns.warning_id))
        return [life_of(row) for row in rows]

    def _free_id(self, episode_id: str) -> str:
        """The episode's id; with a number where an earlier warning has taken it."""
        columns = response_warning.c
        begins = columns.warning_id.startswith(episode_id, autoescape=True)
        taken = set(self.connection.scalars(select(columns.warning_id).where(begins)))
        numbered = (f"{episode_id}.{n}" for n in range(2, len(taken) + 3))
        return next(name for name in (episode_id, *numbered) if name not in taken)


def _unanswered(life: Life) -> bool:
    """Whether a deadline of the warning still waits to be met."""
    return life.state in {State.OPEN, State.ACKNOWLEDGED}
