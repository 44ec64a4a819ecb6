"""Warnings through the weeks: opened once, grown, moved, raised, faded, never opened each day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from sqlalchemy import Engine

from etl.build.weeks import week_range
from etl.response.acts import Acts
from etl.response.deadlines import deadline
from etl.response.life import Kind, State, replay
from geo.errors import ShapeError
from tests.support.responses import (
    COUNTY,
    TOWNS,
    VILLAGES,
    config,
    episodes,
    events,
    follow_week,
    lives,
)

MONDAY = datetime(2026, 11, 15, 23, 5, tzinfo=UTC)  # 07:05 in Shanghai
WEEKS = week_range("2027-W09", 17)  # the first is the week before that Monday
Week = Callable[..., dict[str, tuple[Kind, ...]]]
A, B, C, D, E, F, G, H = VILLAGES


@pytest.fixture
def publish(file_store: Engine) -> Week:
    """Follows the episodes of a week, counted from 0; published on its Monday."""

    def follow(number: int, *rows: tuple[str, int, str], hours: float = 0, **response: object):
        now = MONDAY + timedelta(weeks=number, hours=hours)
        return follow_week(file_store, episodes(*rows), now=now, week=WEEKS[number], **response)

    return follow


def act(file_store: Engine, kind: Kind, warning_id: str, *, week: int, hours: float = 5.0) -> None:
    now = MONDAY + timedelta(weeks=week, hours=hours)
    text = "数据已更正" if kind == Kind.DISMISSED else ""
    Acts(file_store, config()).act(kind, warning_id, office="centre", now=now, text=text)


def test_a_warning_is_opened_once_and_stands(file_store: Engine, publish: Week) -> None:
    assert publish(0, ("a", 2, A)) == {"a": (Kind.OPENED,)}
    life = lives(file_store)["a"]
    assert (life.state, life.tier, life.town_code) == (State.OPEN, 2, TOWNS[0])
    assert (life.assigned, life.reason_zh) == ("east", "a高于往常。")
    assert publish(0, ("a", 2, A), hours=1) == {}, "the same snapshot again"
    assert publish(1, ("a", 2, A)) == {"a": (Kind.STEADY,)}
    assert lives(file_store)["a"].last_week == WEEKS[1]
    assert publish(0, ("a", 4, A)) == {}, "an older week says nothing new"


def test_a_corrected_publication_of_the_same_week_changes_the_tier(
    file_store: Engine, publish: Week
) -> None:
    publish(0, ("a", 2, A))
    assert publish(0, ("a", 3, A), hours=1) == {"a": (Kind.RAISED,)}
    assert publish(0, ("a", 1, A), hours=2) == {"a": (Kind.LOWERED,)}
    assert publish(0, hours=3) == {"a": (Kind.FADED,)}
    assert publish(0, ("a", 1, A), hours=4) == {"a": (Kind.RESUMED,)}
    assert len(lives(file_store)) == 1
    assert lives(file_store)["a"].peak_tier == 3


def test_it_grows_shrinks_and_moves(file_store: Engine, publish: Week) -> None:
    publish(0, ("a", 2, A))
    assert publish(1, ("a", 2, f"{A}|{B}")) == {"a": (Kind.GREW,)}
    assert publish(2, ("a", 2, B)) == {"a": (Kind.SHRANK,)}
    assert publish(3, ("other", 2, C)) == {"a": (Kind.MOVED,)}, "beside it"
    assert publish(4, ("a", 3, f"{D}|{C}")) == {"a": (Kind.GREW, Kind.RAISED)}
    assert publish(5, ("far", 3, E)) == {"a": (Kind.FADED,), "far": (Kind.OPENED,)}
    life = lives(file_store)["a"]
    assert (life.area_code, life.areas, life.faded) == (D, {C, D}, True)


def test_a_warning_is_not_drawn_into_its_neighbour_when_its_signal_goes(
    file_store: Engine, publish: Week
) -> None:
    publish(0, ("a", 4, A), ("b", 2, C))
    assert publish(1, ("a", 4, f"{A}|{B}")) == {"a": (Kind.GREW,), "b": (Kind.FADED,)}
    publish(2)
    # Two beside one new signal: the one farther on its way has moved there.
    assert publish(3, ("d", 2, D)) == {"b": (Kind.RESUMED, Kind.MOVED)}


def test_nested_areas_are_one_warning(file_store: Engine, publish: Week) -> None:
    publish(0, ("a", 2, A))
    assert publish(1, ("town", 2, TOWNS[0])) == {"a": (Kind.MOVED,)}
    assert publish(2, ("a", 3, B)) == {"a": (Kind.MOVED, Kind.RAISED)}
    assert lives(file_store)["a"].areas == {B}


def test_the_whole_county_is_a_warning_of_its_own(file_store: Engine, publish: Week) -> None:
    publish(0, ("a", 2, A))
    assert publish(1, ("a", 2, A), ("b", 3, COUNTY)) == {
        "a": (Kind.STEADY,), "b": (Kind.OPENED,),
    }  # fmt: skip
    assert lives(file_store)["b"].town_code == ""
    publish(2, ("b", 3, COUNTY))
    assert lives(file_store)["a"].faded


def test_two_warnings_that_meet_become_one_with_the_earlier_deadlines(
    file_store: Engine, publish: Week
) -> None:
    publish(0, ("a", 3, A))
    act(file_store, Kind.ACKNOWLEDGED, "a", week=0)
    publish(1, ("a", 3, A), ("c", 3, C))
    before = lives(file_store)
    changed = publish(2, ("c", 3, f"{C}|{B}|{A}"))
    assert changed == {"c": (Kind.MERGED,), "a": (Kind.GREW,)}
    after = lives(file_store)
    assert (after["c"].state, after["c"].merged_into) == (State.CLOSED, "a")
    assert after["a"].respond_by == min(before["a"].respond_by, before["c"].respond_by)
    publish(3, ("a", 3, A))
    act(file_store, Kind.RESPONDING, "a", week=3)
    publish(4, ("a", 3, A), ("h", 4, C))
    publish(5, ("a", 4, f"{A}|{C}"))
    joined = lives(file_store)
    assert joined["h"].merged_into == "a", "the one farthest on its way carries on"
    assert joined["a"].respond_by == lives(file_store)["h"].respond_by
    assert joined["a"].state == State.OPEN, "a higher tier is answered anew"


def test_a_warning_that_splits_opens_one_more_that_names_it(
    file_store: Engine, publish: Week
) -> None:
    publish(0, ("a", 2, f"{A}|{B}|{C}"))
    changed = publish(1, ("a", 2, A), ("c", 3, C))
    assert changed == {"c": (Kind.OPENED,), "a": (Kind.SHRANK,)}
    assert lives(file_store)["c"].earlier_id == "a"


def test_a_faded_warning_stays_until_an_office_closes_it(file_store: Engine, publish: Week) -> None:
    publish(0, ("a", 2, A))
    assert publish(1) == {"a": (Kind.FADED,)}
    assert publish(2) == {}
    life = lives(file_store)["a"]
    assert (life.live, life.faded, life.last_week) == (True, True, WEEKS[1])
    assert publish(3, ("new", 2, A)) == {"a": (Kind.RESUMED,)}, "not a second one"
    publish(4)
    act(file_store, Kind.ACKNOWLEDGED, "a", week=4)
    act(file_store, Kind.CLOSED, "a", week=4, hours=6)
    assert not lives(file_store)["a"].live


def test_a_week_that_nobody_reported_is_no_end(file_store: Engine, publish: Week) -> None:
    publish(0, ("a", 2, A), ("c", 2, C))
    act(file_store, Kind.DISMISSED, "c", week=0)
    before = lives(file_store)
    assert publish(1, ("a", -1, A), ("c", -1, C)) == {}
    assert publish(2, ("a", -1, A), ("c", -1, C)) == {}
    assert lives(file_store) == before
    assert publish(3, ("a", 2, A), ("c", 2, C)) == {"a": (Kind.STEADY,), "c": (Kind.STEADY,)}


@pytest.mark.parametrize("way", [(Kind.RESPONDING, Kind.CLOSED), (Kind.DISMISSED,)])
def test_what_was_closed_is_not_opened_anew_while_its_signal_lasts(
    file_store: Engine, publish: Week, way: tuple[Kind, ...]
) -> None:
    publish(0, ("a", 2, f"{A}|{B}"))
    for kind in way:
        act(file_store, kind, "a", week=0)
    assert publish(0, ("a", 2, f"{A}|{B}"), hours=9) == {}
    assert publish(1, ("a", 2, A)) == {"a": (Kind.STEADY,)}
    assert publish(2, ("a", 1, f"{B}|{C}")) == {"a": (Kind.STEADY,)}
    assert publish(3, ("a", 3, A)) == {"a.2": (Kind.OPENED,)}, "higher than at closing"
    assert lives(file_store)["a.2"].earlier_id == "a"


def test_a_signal_that_leaves_the_place_it_was_closed_for_is_a_new_warning(
    file_store: Engine, publish: Week
) -> None:
    publish(0, ("a", 2, A))
    act(file_store, Kind.DISMISSED, "a", week=0)
    assert publish(1, ("a", 2, f"{B}|{A}")) == {"a.2": (Kind.OPENED,)}
    assert lives(file_store)["a.2"].earlier_id == "a"


@pytest.mark.parametrize(("weeks", "earlier"), [(8, "a"), (9, None)])
def test_a_warning_that_comes_back_names_the_earlier_one(
    file_store: Engine, publish: Week, weeks: int, earlier: str | None
) -> None:
    publish(0, ("a", 2, A))
    act(file_store, Kind.DISMISSED, "a", week=0)
    # Closed on the Monday after its week of figures: that week counts.
    number = weeks + 1
    assert publish(number, ("back", 2, A)) == {"back": (Kind.OPENED,)}
    assert lives(file_store)["back"].earlier_id == earlier


def test_measures_do_not_mix(file_store: Engine) -> None:
    two = pd.concat([episodes(("a", 2, A)), episodes(("b", 2, A), measure="screened")])
    follow_week(file_store, two, now=MONDAY, week=WEEKS[0])
    assert {life.measure for life in lives(file_store).values()} == {"hotline_calls", "screened"}


def test_ended_episodes_and_quiet_ones_open_nothing(file_store: Engine) -> None:
    frame = episodes(("a", 2, A), ("b", 0, C)).assign(phase=["ended", "fading"])
    assert follow_week(file_store, frame, now=MONDAY, week=WEEKS[0]) == {}
    with pytest.raises(ShapeError, match="episodes: no column tier"):
        follow_week(file_store, frame.drop(columns="tier"), now=MONDAY, week=WEEKS[0])


def test_deadlines_follow_the_standard_in_the_locality_s_time(
    file_store: Engine, publish: Week
) -> None:
    publish(0, ("red", 4, A), ("orange", 3, C), ("yellow", 2, E), ("blue", 1, G))
    shanghai = ZoneInfo("Asia/Shanghai")
    told = {
        name: [
            f"{by.astimezone(shanghai):%m-%d %H:%M}" if by else None
            for by in (life.acknowledge_by, life.respond_by)
        ]
        for name, life in lives(file_store).items()
    }
    assert told == {
        "red": ["11-16 11:05", "11-17 07:05"],
        "orange": ["11-18 00:00", "11-20 00:00"],
        "yellow": ["11-19 00:00", "11-24 00:00"],
        "blue": ["11-24 00:00", None],
    }
    assert {name: life.assigned for name, life in lives(file_store).items()} == {
        "red": "centre", "orange": "centre", "yellow": "west", "blue": "west",
    }  # fmt: skip


def test_a_raised_tier_brings_deadlines_forward_and_never_puts_them_off(
    file_store: Engine, publish: Week
) -> None:
    publish(0, ("a", 2, A))
    publish(0, ("a", 4, A), hours=24 * 6)
    raised = lives(file_store)["a"]
    assert raised.respond_by == MONDAY + timedelta(days=7)
    # Six days of the yellow tier are gone, and its day to acknowledge too.
    assert raised.acknowledge_by == datetime(2026, 11, 18, 16, tzinfo=UTC)
    publish(1, ("a", 3, A))
    lowered = lives(file_store)["a"]
    assert (lowered.respond_by, lowered.tier) == (raised.respond_by, 3)
    publish(2, ("a", 4, A))
    assert lives(file_store)["a"].respond_by == raised.respond_by, "still not answered"
    assert lives(file_store)["a"].overdue(MONDAY + timedelta(weeks=2))


def test_a_locality_s_own_standard_is_laid_over_the_default(
    file_store: Engine, publish: Week
) -> None:
    publish(0, ("a", 2, A), yellow={"respond": "36h"})
    life = lives(file_store)["a"]
    assert life.respond_by == MONDAY + timedelta(hours=36)
    assert life.acknowledge_by == datetime(2026, 11, 18, 16, tzinfo=UTC)


@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-24"])
def test_clocks_that_are_put_forward_or_back_change_no_span(day: str) -> None:
    start = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=ZoneInfo("Europe/Berlin"))
    by = deadline(start, "24h", timezone="Europe/Berlin")
    assert by is not None
    assert by - start.astimezone(UTC) == timedelta(hours=24)
    ends = deadline(start, "2d", timezone="Europe/Berlin")
    assert ends is not None
    assert f"{ends.astimezone(ZoneInfo('Europe/Berlin')):%H:%M}" == "00:00"
    assert (ends.astimezone(ZoneInfo("Europe/Berlin")).date() - start.date()).days == 3


def test_events_add_up_to_what_is_stored(file_store: Engine, publish: Week) -> None:
    publish(0, ("a", 2, A), ("e", 4, E))
    act(file_store, Kind.ACKNOWLEDGED, "a", week=0)
    publish(1, ("a", 3, f"{A}|{B}"))
    act(file_store, Kind.DISMISSED, "e", week=1)
    publish(2, ("a", 1, B), ("e", 4, E))
    assert replay(events(file_store)) == lives(file_store)
