"""Acts of offices on both engines: kept, read back, in order, one after the other."""

from __future__ import annotations

import math
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from etl.response.acts import Acts
from etl.response.desk import Desk
from etl.response.ledger import Act, transaction, write
from etl.response.life import Kind, State, replay
from etl.response.notes import clean_note
from etl.response.pins import check_pin, new_pin, set_pin
from etl.settings import Settings
from etl.store.reader import Reader
from etl.store.response_tables import response_office, response_warning
from geo.errors import (
    AccessError,
    CodeError,
    InputError,
    MovedOnError,
    PersonalDataError,
    StepError,
)
from tests.support.responses import VILLAGES, config, episodes, events, follow_week, lives

NOW = datetime(2026, 11, 15, 23, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
A, B, C, D, E, F, G, H = VILLAGES


@pytest.fixture
def acts(store: Engine) -> Acts:
    """Offices before three warnings: red in the east, yellow there, blue in the west."""
    rows = episodes(("red", 4, A), ("yellow", 2, C), ("blue", 1, f"{E}|{F}"))
    follow_week(store, rows, now=NOW, week="2026-W46")
    return Acts(store, config())


@pytest.fixture
def desk(acts: Acts, store_url: str, tmp_path: Path) -> Desk:
    """The same behind PINs; that of the east is 123456."""
    set_pin(acts.engine, "east", "123456", now=NOW)
    settings = Settings(
        folder=tmp_path, data=tmp_path, store_url=store_url, config=acts.config, config_sha256=""
    )
    return Desk(acts.engine, settings)


def test_what_is_written_is_read_back_and_adds_up(acts: Acts, store_url: str) -> None:
    acts.act(Kind.ACKNOWLEDGED, "red", office="centre", now=NOW + HOUR, text=" 已\n收到 ")
    acts.act(Kind.RESPONDING, "red", office="centre", now=NOW + 2 * HOUR)
    follow_week(
        acts.engine, episodes(("red", 3, f"{A}|{B}")), now=NOW + 168 * HOUR, week="2026-W47"
    )
    acts.act(Kind.DISMISSED, "blue", office="centre", now=NOW + 169 * HOUR, text="数据已更正")
    assert replay(events(acts.engine)) == lives(acts.engine)
    with closing(Reader(store_url)) as reader:
        found = reader.responses(now=NOW + 170 * HOUR)
    rows = found.warnings.set_index("warning_id")
    assert rows.index.tolist() == ["red", "yellow", "blue"], "live first, then by tier"
    assert rows["state"].tolist() == ["responding", "open", "dismissed"]
    assert rows["overdue"].tolist() == [False, True, False]
    assert rows["faded"].tolist() == [False, True, True]
    assert rows.loc["yellow", "due_at_utc"] == datetime(2026, 11, 18, 16, tzinfo=UTC)
    assert rows.loc["red", "areas"] == f"{A}|{B}"
    own = found.events[found.events["warning_id"] == "red"]
    assert own["kind"].tolist() == ["opened", "acknowledged", "responding", "grew", "lowered"]
    assert own["text"].tolist()[1] == "已 收到"
    by_tier = found.by_tier.set_index("tier")
    assert by_tier.loc[4, ["due", "in_time", "share"]].tolist() == [1, 1, 1]
    # A week after: the yellow one has until the end of its seventh day.
    assert by_tier.loc[2, "due"] == 0
    assert math.isnan(by_tier.loc[2, "share"])
    assert by_tier.loc[1, "dropped"] == 1
    assert found.by_town["town_name"].tolist() == ["9910镇", "9920镇"]
    assert found.by_week["opened"].tolist() == [3]


def test_without_warnings_all_is_empty_with_its_columns(store: Engine, store_url: str) -> None:
    with closing(Reader(store_url)) as reader:
        found = reader.responses(now=NOW)
    assert found.warnings.empty
    assert {"overdue", "due_at_utc", "version"} <= set(found.warnings.columns)
    assert found.by_week.columns.tolist()[0] == "week"


def test_what_ended_long_ago_is_left_out(acts: Acts, store_url: str) -> None:
    acts.act(Kind.DISMISSED, "blue", office="west", now=NOW + HOUR, text="数据已更正")
    with closing(Reader(store_url)) as reader:
        later = NOW + timedelta(weeks=13)
        assert reader.responses(now=later).warnings["warning_id"].tolist() == ["red", "yellow"]
        assert "blue" in set(reader.responses(now=later, weeks=14).warnings["warning_id"])
        assert reader.responses(now=later).by_tier.empty, "shares are of what began lately"


def test_two_who_act_at_once_do_not_write_over_each_other(acts: Acts) -> None:
    seen = lives(acts.engine)["red"]
    acts.act(Kind.ACKNOWLEDGED, "red", office="east", now=NOW, version=seen.version)
    with pytest.raises(MovedOnError, match=r"version 1, now 2: acknowledged\); look again"):
        acts.act(Kind.ACKNOWLEDGED, "red", office="centre", now=NOW, version=seen.version)
    with pytest.raises(MovedOnError, match="is acknowledged now by east"):  # noqa: SIM117
        with transaction(acts.engine) as connection:
            write(connection, seen, [Act(Kind.RESPONDING, "2026-W46", NOW, office="centre")])
    assert [event.kind for event in events(acts.engine) if event.warning_id == "red"] == [
        Kind.OPENED, Kind.ACKNOWLEDGED,
    ]  # fmt: skip


def test_many_at_once_come_one_after_the_other(acts: Acts) -> None:
    """All acknowledge at the same moment: one does, the others are told."""
    told: list[str] = []
    start = threading.Barrier(6)

    def office() -> None:
        start.wait()
        try:
            acts.act(Kind.ACKNOWLEDGED, "red", office="centre", now=NOW)
            told.append("done")
        except StepError as refused:
            told.append(str(refused))

    threads = [threading.Thread(target=office) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refusals = [one for one in told if one != "done"]
    assert len(refusals) == 5
    assert all("acknowledged is no step from there" in one for one in refusals)
    assert lives(acts.engine)["red"].version == 2


def test_a_change_that_fails_leaves_nothing(acts: Acts) -> None:
    before, told = lives(acts.engine), len(events(acts.engine))
    done = [Act(Kind.NOTE, "2026-W46", NOW, office="centre", text="一"),
            Act(Kind.CLOSED, "2026-W46", NOW, office="centre")]  # fmt: skip
    with pytest.raises(StepError), transaction(acts.engine) as connection:
        write(connection, before["red"], done)
    assert (lives(acts.engine), len(events(acts.engine))) == (before, told)


def test_an_office_acts_in_its_own_area(acts: Acts) -> None:
    with pytest.raises(AccessError, match=rf"{E}村 is not in the area of east"):
        acts.act(Kind.ACKNOWLEDGED, "blue", office="east", now=NOW)
    assert acts.act(Kind.NOTE, "red", office="room-1", now=NOW, text="已到").version == 2
    with pytest.raises(AccessError):
        acts.act(Kind.NOTE, "yellow", office="room-1", now=NOW, text="已到")
    with pytest.raises(CodeError, match="office 'none': not registered; wanted one of centre"):
        acts.act(Kind.NOTE, "red", office="none", now=NOW, text="已到")
    with pytest.raises(CodeError, match="warning '': there is none"):
        acts.act(Kind.NOTE, "", office="centre", now=NOW, text="已到")
    with pytest.raises(CodeError, match="warning '%': there is none"):
        acts.act(Kind.NOTE, "%", office="centre", now=NOW, text="已到")


def test_the_desk_takes_the_right_pin_and_no_other(desk: Desk) -> None:
    given = {"office": "east", "now": NOW}
    with pytest.raises(AccessError, match=r"east: wrong PIN$"):
        desk.act("acknowledge", "red", pin="123457", **given)
    with pytest.raises(AccessError, match="centre: has no PIN yet"):
        desk.act("acknowledge", "red", office="centre", pin="123456", now=NOW)
    with pytest.raises(CodeError, match="not registered"):
        desk.act("acknowledge", "red", office="x", pin="123456", now=NOW)
    assert desk.act("acknowledge", "red", pin="123456", **given).state == State.ACKNOWLEDGED
    assert desk.act("respond", "red", pin="123456", text="已到", **given).state == State.RESPONDING
    assert desk.act("note", "red", pin="123456", text="团辅一场", **given).version == 4
    with pytest.raises(MovedOnError):
        desk.act("close", "red", pin="123456", version=3, **given)
    assert desk.act("close", "red", pin="123456", version=4, **given).state == State.CLOSED
    assert (
        desk.act("dismiss", "yellow", pin="123456", text="误报", **given).state == State.DISMISSED
    )


@pytest.mark.parametrize("action", ["", "acknowledged", "reopen", "_acts"])
def test_the_desk_refuses_what_is_no_action(desk: Desk, action: str) -> None:
    wanted = "no action; wanted one of acknowledge, respond, close, dismiss, note"
    with pytest.raises(StepError, match=f"'{action}': {wanted}"):
        desk.act(action, "red", office="east", pin="123456", now=NOW)
    assert lives(desk._engine)["red"].version == 1


def test_wrong_pins_make_the_next_try_wait_even_with_the_right_one(desk: Desk) -> None:
    engine, now = desk._engine, NOW
    waits = []
    for tries in range(9):
        told = "wrong PIN"
        with pytest.raises(AccessError, match=told) as refused:
            check_pin(engine, "east", f"wrong{tries}", now=now)
        found = str(refused.value).partition("wait ")[2]
        waits.append(int(found.removesuffix(" s")) if found else 0)
        with_right = now + timedelta(seconds=waits[-1] - 1)
        if waits[-1]:
            with pytest.raises(AccessError, match="too many wrong PINs; wait 1 s"):
                check_pin(engine, "east", "123456", now=with_right)
        now += timedelta(seconds=waits[-1])
    assert waits == [0, 0, 30, 60, 120, 240, 480, 900, 900]
    check_pin(engine, "east", "123456", now=now)
    with pytest.raises(AccessError, match=r"wrong PIN$"):
        check_pin(engine, "east", "1234567", now=now)


def test_pins_are_kept_salted_and_hashed(store: Engine) -> None:
    for office in ("east", "west"):
        set_pin(store, office, "123456", now=NOW)
    with store.connect() as connection:
        rows = connection.execute(select(response_office)).all()
    assert len({bytes(row.digest) for row in rows}) == 2
    assert all(b"123456" not in bytes(row.digest) + bytes(row.salt) for row in rows)
    assert len({new_pin() for _ in range(20)}) == 20
    with pytest.raises(InputError, match="PIN: 5 characters; wanted at least 6"):
        set_pin(store, "east", "12345", now=NOW)


def test_the_record_alone_makes_the_warnings_again(acts: Acts) -> None:
    acts.act(Kind.RESPONDING, "red", office="centre", now=NOW + HOUR)
    before = lives(acts.engine)
    with transaction(acts.engine) as connection:
        connection.execute(update(response_warning).values(state="open", tier=1, faded=True))
    assert lives(acts.engine) != before
    assert replay(events(acts.engine)) == before


@pytest.mark.parametrize(
    "text",
    ["已联系张伟，情况稳定", "患者王小明已送医", "联系人：王小明", "张某情绪稳定", "李女士已转介",
     "王小明，已到", "电话１３８００１３８０００", "11010519491231002X", "6楼2单元301",
     "欧阳女士来电", "编号123456789012345"],
)  # fmt: skip
def test_a_note_that_points_at_a_person_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(PersonalDataError) as refused:
        clean_note(text)
    said = str(refused.value)
    assert "points at a person" in said
    assert not any(said.find(text[i : i + 3]) >= 0 for i in range(len(text) - 2))


@pytest.mark.parametrize(
    "text",
    ["已派队到村，开展团辅2场", "热线来电回落，周会复核后关闭", "高风险，已转介",
     "学生安全教育已开展",
     "与荷塘小区对接", "值班电话 0571-88012345", "心理站 已到位", "老人活动中心", "",
     "team visited, 2 group sessions held"],
)  # fmt: skip
def test_what_an_office_does_may_be_written(text: str) -> None:
    assert clean_note(text) == text
