"""The life of a warning: which step leads where, what events add up to, what was done in time."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from etl.response.life import ENDED, LIVE, STEPS, Event, Kind, Life, State, apply, encode, replay
from etl.response.shares import duties, shares
from geo.errors import StepError

NOW = datetime(2026, 11, 16, 0, 5, tzinfo=UTC)
DAY = timedelta(days=1)


def opened(warning_id: str = "a", *, tier: int = 3, at: datetime = NOW, **changes: Any) -> Event:
    given = {
        "episode_id": warning_id,
        "measure": "hotline_calls",
        "level": "village",
        "area_code": "01",
        "name": "甲村",
        "town_code": "1",
        "town_name": "柳溪镇",
        "areas": frozenset({"01", "02"}),
        "acknowledge_by": at + DAY,
        "respond_by": at + 3 * DAY,
        **changes,
    }
    return Event(warning_id, 1, Kind.OPENED, tier, "2026-W46", None, "", at, encode(given))


def then(life: Life, kind: Kind, *, after: timedelta = DAY, **given: Any) -> Event:
    by = {Kind.ACKNOWLEDGED, Kind.RESPONDING, Kind.CLOSED, Kind.DISMISSED, Kind.NOTE}
    office = given.pop("office", "centre" if kind in by else None)
    tier, week = given.pop("tier", life.tier), given.pop("week", life.last_week)
    return Event(
        life.warning_id, life.version + 1, kind, tier, week, office, "", NOW + after, encode(given)
    )  # fmt: skip


def lived(*kinds: Kind) -> Life:
    life = apply(None, opened())
    for kind in kinds:
        life = apply(life, then(life, kind))
    return life


def test_a_warning_goes_from_open_to_closed() -> None:
    life = apply(None, opened())
    assert (life.state, life.due_at, life.areas) == (State.OPEN, NOW + DAY, {"01", "02"})
    life = apply(life, then(life, Kind.ACKNOWLEDGED, after=DAY / 2))
    assert (life.state, life.due_at, life.office) == ("acknowledged", NOW + 3 * DAY, "centre")
    assert not life.overdue(NOW + 3 * DAY)
    assert life.overdue(NOW + 3 * DAY + timedelta(seconds=1))
    life = apply(life, then(life, Kind.RESPONDING, after=2 * DAY))
    assert (life.due_at, life.responded_at) == (None, NOW + 2 * DAY)
    assert not life.overdue(NOW + 30 * DAY), "somebody is there"
    life = apply(life, then(life, Kind.CLOSED, after=5 * DAY))
    assert (life.state, life.ended_at, life.version) == (State.CLOSED, NOW + 5 * DAY, 4)


def test_a_response_without_an_acknowledgement_is_both() -> None:
    life = lived(Kind.RESPONDING)
    assert life.acknowledged_at == life.responded_at == NOW + DAY


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("kind", Kind)
def test_every_step_leads_where_the_table_says_or_is_refused(state: State, kind: Kind) -> None:
    way = {
        State.OPEN: [], State.ACKNOWLEDGED: [Kind.ACKNOWLEDGED],
        State.RESPONDING: [Kind.RESPONDING], State.CLOSED: [Kind.RESPONDING, Kind.CLOSED],
        State.DISMISSED: [Kind.DISMISSED],
    }  # fmt: skip
    life = lived(*way[state])
    assert life.state == state
    unanswered = (state, kind) == (State.ACKNOWLEDGED, Kind.CLOSED)
    if (state, kind) in STEPS and not unanswered:
        assert apply(life, then(life, kind)).state == STEPS[state, kind]
    else:
        with pytest.raises(StepError, match=f"^a: {state}"):
            apply(life, then(life, kind))


def test_what_has_ended_stays_ended() -> None:
    assert {STEPS[state, kind] for state, kind in STEPS if state in ENDED} == set(ENDED)
    assert all(STEPS[s, k] == s for s, k in STEPS if s in ENDED)
    with pytest.raises(StepError, match="closed since 2026-11-17 00:05 UTC; what has ended is not"):
        apply(closed := lived(Kind.RESPONDING, Kind.CLOSED), then(closed, Kind.ACKNOWLEDGED))
    with pytest.raises(StepError, match="open; closed is no step from there, wanted one of ack"):
        apply(life := lived(), then(life, Kind.CLOSED))


def test_acknowledged_is_closed_only_where_watching_was_the_answer_or_the_signal_is_gone() -> None:
    life = lived(Kind.ACKNOWLEDGED)
    with pytest.raises(StepError, match="nobody has responded"):
        apply(life, then(life, Kind.CLOSED))
    faded = apply(life, then(life, Kind.FADED))
    assert apply(faded, then(faded, Kind.CLOSED)).state == State.CLOSED
    watched = apply(None, opened(tier=1, respond_by=None))
    watched = apply(watched, then(watched, Kind.ACKNOWLEDGED))
    assert watched.due_at is None
    assert apply(watched, then(watched, Kind.CLOSED)).state == State.CLOSED


@pytest.mark.parametrize("before", LIVE)
def test_a_raised_tier_is_to_be_acknowledged_anew(before: State) -> None:
    way = {State.OPEN: [], State.ACKNOWLEDGED: [Kind.ACKNOWLEDGED],
           State.RESPONDING: [Kind.RESPONDING]}  # fmt: skip
    life = lived(*way[before], Kind.FADED)
    raised = apply(life, then(life, Kind.RAISED, tier=4, respond_by=NOW + 2 * DAY))
    assert (raised.state, raised.tier, raised.peak_tier, raised.faded) == ("open", 4, 4, False)
    assert (raised.acknowledged_at, raised.responded_at) == (None, None)
    lowered = apply(raised, then(raised, Kind.LOWERED, tier=2))
    assert (lowered.tier, lowered.peak_tier, lowered.respond_by) == (2, 4, NOW + 2 * DAY)


def test_events_that_do_not_follow_on_each_other_are_refused() -> None:
    life = lived()
    with pytest.raises(StepError, match="event 3 after 1"):
        apply(life, Event("a", 3, Kind.NOTE, 3, "2026-W46", "centre", "", NOW, {}))
    with pytest.raises(StepError, match="faded before it was opened"):
        apply(None, then(life, Kind.FADED))
    with pytest.raises(KeyError, match="colour"):
        encode({"colour": "red"})


def test_replay_tells_warnings_apart() -> None:
    first, second = apply(None, opened("a")), apply(None, opened("b"))
    events = [opened("a"), opened("b"), then(second, Kind.RESPONDING), then(first, Kind.FADED)]
    lives = replay(events)
    assert (lives["a"].faded, lives["a"].state) == (True, State.OPEN)
    assert (lives["b"].faded, lives["b"].state) == (False, State.RESPONDING)


def history(*steps: tuple[Kind, float, dict[str, Any]], **given: Any) -> list[Event]:
    """Events of one warning: kind, days after the opening, what it says."""
    events = [opened(**given)]
    life = apply(None, events[0])
    for kind, days, said in steps:
        events.append(then(life, kind, after=days * DAY, **said))
        life = apply(life, events[-1])
    return events


def test_shares_count_what_was_due_and_what_was_done_by_then() -> None:
    events = [
        *history((Kind.RESPONDING, 2, {}), warning_id="in time"),
        *history((Kind.ACKNOWLEDGED, 0.5, {}), (Kind.RESPONDING, 4, {}), warning_id="late"),
        *history(warning_id="never"),
        *history((Kind.DISMISSED, 1, {}), warning_id="dismissed"),
        *history((Kind.DISMISSED, 9, {}), warning_id="dismissed late"),
        *history(warning_id="not due", respond_by=NOW + 20 * DAY),
        *history((Kind.ACKNOWLEDGED, 1, {}), warning_id="watched", tier=1, respond_by=None),
    ]
    table = shares(duties(events), ["tier"], now=NOW + 10 * DAY).set_index("tier")
    assert table.loc[3, ["opened", "due", "in_time", "dropped"]].tolist() == [6, 4, 1, 1]
    assert table.loc[3, "share"] == 0.25
    assert table.loc[1, ["opened", "due", "in_time", "share"]].tolist() == [1, 1, 1, 1.0]


def test_a_share_of_nothing_is_unknown() -> None:
    table = shares(duties(history()), ["town_code", "town_name"], now=NOW)
    assert table[["town_name", "opened", "due"]].to_numpy().tolist() == [["柳溪镇", 1, 0]]
    assert math.isnan(table.loc[0, "share"])
    assert shares([], ["week"], now=NOW).columns.tolist() == [
        "week", "opened", "due", "in_time", "dropped", "share",
    ]  # fmt: skip


def test_a_raised_tier_is_a_duty_of_its_own() -> None:
    raised = {"tier": 4, "week": "2026-W47", "respond_by": NOW + 8 * DAY}
    answered = history((Kind.RESPONDING, 2, {}), (Kind.RAISED, 7, raised))
    found = duties(answered)
    assert [(duty.tier, duty.week, duty.due_at) for duty in found] == [
        (3, "2026-W46", NOW + 3 * DAY), (4, "2026-W47", NOW + 8 * DAY),
    ]  # fmt: skip
    table = shares(found, ["tier"], now=NOW + 9 * DAY).set_index("tier")
    assert table["share"].tolist() == [1.0, 0.0]
    # Asked anew before the first answer was due, there is one thing to do, not two.
    sooner = duties(history((Kind.RAISED, 1, raised | {"respond_by": NOW + 2 * DAY})))
    assert [duty.dropped for duty in sooner] == [True, False]
    # What was late already stays late.
    later = duties(history((Kind.RAISED, 7, raised)))
    assert [duty.dropped for duty in later] == [False, False]
