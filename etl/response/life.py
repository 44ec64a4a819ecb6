"""The life of a warning: its states, what may happen to it, and what events add up to.

Pure: no store, no clock. A `Life` is only ever made by `apply`, one event after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from geo.errors import StepError


class State(StrEnum):
    """Where a warning stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESPONDING = "responding"
    CLOSED = "closed"
    DISMISSED = "dismissed"


class Kind(StrEnum):
    """What happens to a warning: first by the figures of a week, then by an office."""

    OPENED = "opened"
    GREW = "grew"
    SHRANK = "shrank"
    MOVED = "moved"
    RAISED = "raised"
    LOWERED = "lowered"
    STEADY = "steady"
    FADED = "faded"
    RESUMED = "resumed"
    MERGED = "merged"
    ACKNOWLEDGED = "acknowledged"
    RESPONDING = "responding"
    NOTE = "note"
    CLOSED = "closed"
    DISMISSED = "dismissed"


LIVE = (State.OPEN, State.ACKNOWLEDGED, State.RESPONDING)
ENDED = (State.CLOSED, State.DISMISSED)

_STAYING = (
    Kind.GREW, Kind.SHRANK, Kind.MOVED, Kind.LOWERED, Kind.STEADY, Kind.FADED, Kind.RESUMED,
    Kind.NOTE,
)  # fmt: skip
# What leads where; whatever is not here is not allowed. A raised tier asks for another service, so
# that it has to be acknowledged anew. An ended warning is still followed while its signal lasts.
STEPS: Mapping[tuple[State, Kind], State] = {
    **{(state, kind): state for state in LIVE for kind in _STAYING},
    **{(state, Kind.RAISED): State.OPEN for state in LIVE},
    **{(state, Kind.MERGED): State.CLOSED for state in LIVE},
    **{(state, Kind.DISMISSED): State.DISMISSED for state in LIVE},
    (State.OPEN, Kind.ACKNOWLEDGED): State.ACKNOWLEDGED,
    (State.OPEN, Kind.RESPONDING): State.RESPONDING,
    (State.ACKNOWLEDGED, Kind.RESPONDING): State.RESPONDING,
    (State.ACKNOWLEDGED, Kind.CLOSED): State.CLOSED,
    (State.RESPONDING, Kind.CLOSED): State.CLOSED,
    **{(state, kind): state for state in ENDED for kind in (Kind.STEADY, Kind.NOTE)},
}


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    Attributes
    ----------
    version : its number among the warning's own events, from 1.
    tier : of the warning after it.
    week : ISO week of the figures that it follows from, or that were newest when an office acted.
    at : UTC.
    changes : fields of `Life` that it sets; times as ISO text.
    """

    warning_id: str
    version: int
    kind: Kind
    tier: int
    week: str
    office: str | None
    text: str
    at: datetime
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class Life:
    """A warning as it stands; the columns of `response_warning`.

    Attributes
    ----------
    area_code : its place now; `areas` are all the areas it spans.
    town_code : of the town that its place lies in, empty for the county.
    office : who acted last; `assigned` is whose turn it is by the standard of the tier.
    last_week : the newest week whose figures showed the signal or its end.
    acknowledge_by, respond_by : deadlines; the latter is None where watching is the answer.
    earlier_id : the warning that it follows upon.
    """

    warning_id: str
    episode_id: str
    measure: str
    level: str
    area_code: str
    name: str
    areas: frozenset[str]
    tier: int
    peak_tier: int
    opened_at: datetime
    opened_week: str
    last_week: str
    town_code: str = ""
    town_name: str = ""
    state: State = State.OPEN
    office: str | None = None
    assigned: str | None = None
    acknowledge_by: datetime | None = None
    respond_by: datetime | None = None
    acknowledged_at: datetime | None = None
    responded_at: datetime | None = None
    ended_at: datetime | None = None
    faded: bool = False
    earlier_id: str | None = None
    merged_into: str | None = None
    reason_zh: str = ""
    reason_en: str = ""
    version: int = 1

    @property
    def live(self) -> bool:
        """Whether an office still has it on its desk."""
        return self.state in LIVE

    @property
    def due_at(self) -> datetime | None:
        """The next deadline; None where nothing is due any more."""
        if self.state == State.OPEN:
            given = [by for by in (self.acknowledge_by, self.respond_by) if by is not None]
            return min(given, default=None)
        return self.respond_by if self.state == State.ACKNOWLEDGED else None

    def overdue(self, now: datetime) -> bool:
        """Whether the next deadline has passed."""
        return self.due_at is not None and now > self.due_at


_TIMES = frozenset({"acknowledge_by", "respond_by"})
_NAMES = frozenset(field.name for field in fields(Life))


def require_step(life: Life, kind: Kind) -> State:
    """State that a step leads to.

    Raises
    ------
    StepError : the state does not allow it.
    """
    found = STEPS.get((life.state, kind))
    if found is None:
        raise StepError(_refusal(life, kind))
    watching = life.respond_by is None or life.faded
    if kind == Kind.CLOSED and life.state == State.ACKNOWLEDGED and not watching:
        raise StepError(
            f"{life.warning_id}: acknowledged, and nobody has responded; wanted a response before "
            "it is closed, or a dismissal with its reason"
        )
    return found


def _refusal(life: Life, kind: Kind) -> str:
    if not life.live:
        since = f" since {life.ended_at:%Y-%m-%d %H:%M} UTC" if life.ended_at else ""
        return f"{life.warning_id}: {life.state}{since}; what has ended is not {kind} any more"
    wanted = ", ".join(
        found
        for found in (Kind.ACKNOWLEDGED, Kind.RESPONDING, Kind.CLOSED, Kind.DISMISSED)
        if (life.state, found) in STEPS
    )
    return f"{life.warning_id}: {life.state}; {kind} is no step from there, wanted one of {wanted}"


def apply(life: Life | None, event: Event) -> Life:
    """The warning after an event.

    Parameters
    ----------
    life : the warning before; None for the event that opens it.

    Raises
    ------
    StepError : the event does not follow on what was before.
    """
    said = _decoded(event.changes)
    if life is None:
        if event.kind != Kind.OPENED or event.version != 1:
            raise StepError(f"{event.warning_id}: {event.kind} before it was opened")
        return Life(
            warning_id=event.warning_id,
            tier=event.tier,
            peak_tier=event.tier,
            opened_at=event.at,
            opened_week=event.week,
            last_week=event.week,
            **said,
        )
    if event.version != life.version + 1:
        raise StepError(
            f"{life.warning_id}: event {event.version} after {life.version}; wanted the next one"
        )
    state = require_step(life, event.kind)
    by_figures = event.office is None
    return replace(
        life,
        **{
            "state": state,
            "version": event.version,
            "tier": event.tier,
            "peak_tier": max(life.peak_tier, event.tier),
            "last_week": max(life.last_week, event.week) if by_figures else life.last_week,
            "office": life.office if by_figures else event.office,
            **_marks(life, event, state),
            **said,
        },
    )


def _marks(life: Life, event: Event, state: State) -> dict[str, Any]:
    """What a kind of event sets by itself."""
    if event.kind == Kind.RAISED:
        return {"acknowledged_at": None, "responded_at": None, "faded": False}
    if event.kind == Kind.ACKNOWLEDGED:
        return {"acknowledged_at": event.at}
    if event.kind == Kind.RESPONDING:
        return {"acknowledged_at": life.acknowledged_at or event.at, "responded_at": event.at}
    if event.kind in {Kind.FADED, Kind.RESUMED}:
        return {"faded": event.kind == Kind.FADED}
    if state in ENDED and life.live:
        return {"ended_at": event.at}
    return {}


def replay(events: Iterable[Event]) -> dict[str, Life]:
    """Every warning as its events add up, by its id."""
    lives: dict[str, Life] = {}
    for event in events:
        lives[event.warning_id] = apply(lives.get(event.warning_id), event)
    return lives


def encode(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes as JSON holds them."""
    unknown = set(changes) - _NAMES
    if unknown:
        raise KeyError(f"no fields of a warning: {', '.join(sorted(unknown))}")
    return {name: _plain(value) for name, value in changes.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return "|".join(sorted(value)) if isinstance(value, frozenset) else value


def _decoded(changes: Mapping[str, Any]) -> dict[str, Any]:
    said = dict(changes)
    for name in _TIMES & said.keys():
        said[name] = None if said[name] is None else datetime.fromisoformat(said[name])
    if "areas" in said:
        said["areas"] = frozenset(said["areas"].split("|"))
    return said
