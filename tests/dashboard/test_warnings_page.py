"""Warnings: what the page says of each, whom it asks, and what it never says."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from flask.testing import FlaskClient

from dashboard import response_words as said_of
from dashboard.app import create_app
from dashboard.components import response as board_parts
from dashboard.components import warning
from dashboard.desk import Request, submit
from dashboard.pages import PageContext, wall, warnings
from dashboard.places import rows_of
from dashboard.response import (
    OVERDUE,
    Board,
    Filter,
    Live,
    Share,
    read_board,
    response_mark,
    urgency,
)
from dashboard.text import load
from etl.response.desk import Desk
from etl.store.reader import Reader, Snapshot
from geo.errors import NotPublishedError
from geo.model import Tier
from tests.support import published_store
from tests.support.dashboard_pages import NOW, page_context, words_of
from tests.support.published_responses import COUNTY_OFFICE, PIN, TOWN_OFFICE, open_desk

pytest_plugins = ("tests.support.dashboard_fixtures",)

ZH, EN = load("zh-CN"), load("en")
RED = "dispute_events.990101101001.2026-W45"
ORANGE = "hotline_calls.990101102002.2026-W46"
YELLOW = "hotline_calls.990101102003.2026-W46"


class WithTables(Reader):
    """The store with some of its small tables in place of the published ones; None: not there."""

    def __init__(self, reader: Reader, **tables: pd.DataFrame | None) -> None:
        self.__dict__.update(reader.__dict__)
        self._instead = tables

    def table(self, snapshot_id: str, name: str) -> pd.DataFrame:
        """A small table, or what stands in its place."""
        if name not in self._instead:
            return super().table(snapshot_id, name)
        found = self._instead[name]
        if found is None:
            raise NotPublishedError(name)
        return found.copy()


@pytest.fixture
def board(published_reader: Reader, snapshot: Snapshot) -> Board:
    """The board at the fixed time."""
    return read_board(published_reader, snapshot, now_utc=NOW)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store of one's own, to be changed."""
    return published_store.publish(tmp_path)


@pytest.fixture
def desk(url: str) -> Desk:
    """The desk over it."""
    return open_desk(url, published_store.config())


def one_of(board: Board, key: str) -> Live:
    """A warning that is there."""
    found = board.find(key)
    assert found is not None
    return found


def page_words(reader: Reader, **choices: str) -> str:
    """All words of the page."""
    return words_of(warnings.layout(page_context(reader, "/warnings", **choices)))


# ---------------------------------------------------------------- what is warned


def test_the_title_says_how_many_how_serious_and_what_waits(board: Board) -> None:
    said = said_of.title(board, ZH).replace("\u00a0", " ")
    assert said == "第46周有 4 项预警在办，其中红色 1 项，2 项待签收，1 项已逾期"
    assert said_of.title(board, EN).replace("\u00a0", " ") == (
        "Week 46: 4 live warnings, 1 of them red, 2 to be acknowledged, 1 overdue"
    )


def test_a_board_without_anything_waiting_says_that_all_are_taken(board: Board) -> None:
    taken = replace(board, live=(one_of(board, RED),))
    assert said_of.title(taken, ZH).endswith("都已有单位签收")


def test_live_warnings_stand_by_tier_then_by_deadline(board: Board) -> None:
    assert [one.tier for one in board.live] == [4, 3, 2, 1]
    orange = one_of(board, ORANGE)
    later = replace(orange, key="b", overdue=False)
    never = replace(later, key="c", due_at=None)
    assert [one.key for one in sorted((never, later, orange), key=urgency)] == [
        ORANGE, "b", "c",
    ]  # fmt: skip


def test_each_filter_keeps_its_own_and_together_they_keep_what_fits_all(board: Board) -> None:
    def kept(**keys: str) -> list[str]:
        return [one.key for one in board.live if Filter.read(keys).keeps(one)]

    assert kept(tier="red") == [RED]
    assert kept(state=OVERDUE) == [ORANGE]
    assert kept(measure="dispute_events") == [RED]
    assert kept(town="990101102000") == [ORANGE, YELLOW]
    assert kept(town="990101102000", state="acknowledged") == [YELLOW]
    assert kept(tier="red", state=OVERDUE) == []
    assert len(kept(lang="en")) == 4


def test_a_filter_that_keeps_nothing_offers_to_show_all(published_reader: Reader) -> None:
    said = page_words(published_reader, tier="red", state="overdue")
    assert "没有符合筛选条件的预警" in said
    assert "查看全部" in said


def test_links_keep_the_other_choices(board: Board) -> None:
    link = board_parts.link("x", Filter(tier="red", town="99"), ZH, class_name="", tier="")
    assert link.href == "/warnings?town=99&lang=zh-CN"


def test_the_detail_tells_reason_causes_method_services_and_course(
    published_reader: Reader,
) -> None:
    said = page_words(published_reader, warning=RED)
    for part in (
        "云上村本周矛盾纠纷事件86起，往常约13起，已连续2周偏高。",
        "按本周数字为橙色",
        "因持续多周、当地服务缺口大上调，现为红色",
        "比对了本地最近几周的数字，与往年同期相比",
        "24 小时内提供危机干预，并报联席会议（危机干预队）",
        "府前社区服务点",
        "乘车约 17 分钟",
        "已派咨询小组到村，与综治中心联合调解",
        "县心理援助热线",
        "各地均可 · 24小时",
        "往常约 13 起",
    ):
        assert part in said
    course = said[said.index("经过") :]
    steps = ("范围扩大", "开始响应", "签收", "发出预警（红色）")
    assert sorted(steps, key=course.index) == list(steps)
    assert "nan" not in said.lower()


def test_a_tier_that_is_only_held_is_not_said_to_come_from_the_week(
    published_reader: Reader, board: Board
) -> None:
    blue = next(one for one in board.live if one.tier == Tier.BLUE)
    said = said_of.tier_steps(blue, ZH)
    assert said[0] == "本周数字已回到往常水平"
    assert said[1].startswith("等级不随一周的回落立即下调")
    assert "等级怎么来的" in page_words(published_reader, warning=blue.key)


def test_no_service_in_reach_and_an_older_snapshot_are_told_apart(
    published_reader: Reader,
) -> None:
    assert "找不到能承担这一级处置的服务点" in page_words(published_reader, warning=YELLOW)
    without = WithTables(published_reader, responders=None)
    assert "没有发布就近服务" in page_words(without, warning=YELLOW)


def test_a_withheld_count_is_never_a_number(published_reader: Reader) -> None:
    said = page_words(published_reader, warning=RED)
    assert "少于 10" in said


# ---------------------------------------------------------------- chance, and no data


def test_the_chance_line_adds_up_what_was_tested(board: Board) -> None:
    said, notes = said_of.trust(board, ZH)
    # 3 measures × 25 areas; .41 + .08 + .02 expected a measure.
    assert said == "本周比对 75 个地区×主题，标出 4 个；按误差估计，其中约 2 个只是偶然波动"
    assert notes[0].startswith("12 个与往年同期相比")
    assert notes[1].startswith("63 个历史不足")
    assert notes[-1] == "没有数据的地方无法判断，不等于平稳"


def test_fewer_than_one_false_alarm_is_not_none(board: Board) -> None:
    assert board.detection is not None
    rare = replace(board, detection=board.detection.assign(expected_false=0.01, n_areas=30))
    said, notes = said_of.trust(rare, ZH)
    assert "预计不到 1 个" in said
    assert any(note.startswith("195 个没有足够的数据") for note in notes)


def test_without_a_live_warning_no_data_is_not_calm(published_reader: Reader) -> None:
    snapshot = published_reader.current()
    none = published_reader.table(snapshot.snapshot_id, "episodes").iloc[:0]

    class Quiet(WithTables):
        def responses(self, **asked: object) -> object:
            found = super().responses(**asked)  # type: ignore[arg-type]
            return replace(found, warnings=found.warnings.iloc[:0], events=found.events.iloc[:0])

    said = page_words(Quiet(published_reader, episodes=none))
    assert "第46周没有在办的预警" in said
    assert "没有报数的地方不在其内，不能当作平稳" in said


def test_an_older_snapshot_says_what_it_lacks(published_reader: Reader) -> None:
    said = page_words(WithTables(published_reader, episodes=None, detection=None))
    assert "只有预警等级，没有原因、进展和响应" in said
    assert "待签收" not in said


def test_three_colours_show_two_tiers_over_green(board: Board) -> None:
    meta = {**board.snapshot.meta, "warnings": {"colours": "three"}}
    three = replace(board, snapshot=replace(board.snapshot, meta=meta))
    said = words_of(board_parts.figures(three, ZH))
    assert "其余为绿色" in said
    assert "橙色" not in said
    assert "蓝色" not in said


# ---------------------------------------------------------------- the response


def test_shares_of_which_none_was_due_are_never_a_percentage(board: Board) -> None:
    assert math.isnan(Share("1", 0, 0).value)
    assert said_of.share_words(Share("1", 0, 0), ZH) == "尚无到期"
    by_tier = {share.name: said_of.share_words(share, ZH) for share in board.shares["tier"]}
    assert by_tier == {"4": "100%", "3": "33.3%", "2": "66.7%", "1": "尚无到期"}
    nothing = replace(board, shares={})
    assert "%" not in words_of(board_parts.figures(nothing, ZH))
    assert "还没有到期的预警" in words_of(board_parts.shares(nothing, ZH))


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(seconds=20), "1 分钟"), (timedelta(minutes=59), "59 分钟"),
        (timedelta(hours=1), "1 小时"), (timedelta(hours=47), "47 小时"),
        (timedelta(hours=48), "2 天"), (timedelta(days=3, hours=23), "3 天"),
    ],
)  # fmt: skip
def test_time_is_read_in_one_unit(span: timedelta, said: str) -> None:
    assert said_of.time_words(span, ZH) == said


def test_deadlines_say_what_is_left_or_has_passed(board: Board) -> None:
    assert said_of.deadline(one_of(board, ORANGE), board, ZH).startswith("逾期")
    assert said_of.deadline(one_of(board, YELLOW), board, ZH).startswith("剩余")
    assert said_of.deadline(one_of(board, RED), board, ZH) == ""


def test_without_followed_responses_the_page_says_so(tmp_path: Path) -> None:
    reader = Reader(published_store.publish(tmp_path, answered=False))
    said = page_words(reader, warning=RED)
    assert "尚未登记响应" in said
    assert "办理单位" not in said
    assert said.count("未登记") >= 2


def test_without_a_desk_the_page_says_how_one_is_set_up(published_reader: Reader) -> None:
    said = page_words(published_reader, warning=RED)
    assert "本页只读" in said
    assert "xintu warnings pin" in said
    assert "单位 PIN" not in said


def test_only_offices_of_the_place_are_offered(url: str, desk: Desk) -> None:
    context = page_context(Reader(url), "/warnings", warning=RED)
    seen = PageContext(context.reader, context.address, ZH, "light", NOW, desk)
    said = str(warnings.layout(seen).to_plotly_json())
    assert COUNTY_OFFICE in said
    assert TOWN_OFFICE in said
    assert "'value': 'town-nanhe'" not in said


def asked(reader: Reader, key: str, action: str, **changes: str) -> Request:
    """A form filled in for a warning as it stands."""
    one = one_of(read_board(reader, reader.current(), now_utc=NOW), key)
    given = {"office": COUNTY_OFFICE, "pin": PIN, "text": ""} | changes
    return Request(action, key, one.version, **given)


def test_an_office_acts_and_the_board_says_so(url: str, desk: Desk) -> None:
    reader = Reader(url)
    assert submit(desk, asked(reader, ORANGE, "acknowledge"), now=NOW) == ""
    assert submit(desk, asked(reader, ORANGE, "respond", text="已派队到社区"), now=NOW) == ""
    one = one_of(read_board(reader, reader.current(), now_utc=NOW), ORANGE)
    assert (one.state, one.office, one.taken, one.overdue) == (
        "responding", COUNTY_OFFICE, True, False,
    )  # fmt: skip
    assert submit(desk, asked(reader, ORANGE, "close"), now=NOW) == ""
    after = read_board(reader, reader.current(), now_utc=NOW)
    assert ORANGE not in [one.key for one in after.live]
    assert ORANGE in [one.key for one in after.ended]
    assert "已派队到社区" in page_words(reader, warning=ORANGE)


@pytest.mark.parametrize(
    ("action", "changes", "key"),
    [
        ("acknowledge", {"office": ""}, "who"),
        ("acknowledge", {"pin": ""}, "who"),
        ("acknowledge", {"pin": "00000000"}, "access"),
        ("acknowledge", {"office": "nobody"}, "unknown"),
        ("dismiss", {}, "empty_dismiss"),
        ("dismiss", {"text": "  "}, "empty_dismiss"),
        ("note", {}, "empty_note"),
        ("note", {"text": "已联系当事人13800138000"}, "personal"),
        ("note", {"text": "长" * 301}, "text"),
        ("close", {}, "step"),
        ("offices", {}, "step"),
    ],
)
def test_what_is_refused_is_said_and_nothing_is_kept(
    url: str, desk: Desk, action: str, changes: dict[str, str], key: str
) -> None:
    reader = Reader(url)
    form = asked(reader, ORANGE, action, **changes)
    assert submit(desk, form, now=NOW) == key
    assert ZH.has(f"warnings.form.error_{key}")
    after = one_of(read_board(reader, reader.current(), now_utc=NOW), ORANGE)
    assert (after.state, after.version) == ("open", form.version)


def test_who_acts_on_what_has_moved_on_is_told(url: str, desk: Desk) -> None:
    reader = Reader(url)
    form = asked(reader, ORANGE, "acknowledge")
    assert submit(desk, form, now=NOW) == ""
    assert submit(desk, form, now=NOW) == "moved"


def test_a_form_of_another_site_is_not_read(url: str, desk: Desk) -> None:
    client: FlaskClient = create_app(
        Reader(url), now=lambda: NOW, desk=desk
    ).server.test_client()  # what another site can send without asking is no JSON
    answer = client.post("/_dash-update-component", data="{}", content_type="text/plain")
    assert answer.status_code == 415


# ---------------------------------------------------------------- elsewhere


def test_the_wall_says_why_and_who_is_on_it(published_reader: Reader, snapshot: Snapshot) -> None:
    panels, _ = wall.draw(
        published_reader, snapshot, ZH, layers=("tier",), theme="dark", now_utc=NOW
    )
    said = words_of(panels)
    assert "在办 4 项：待签收 2 · 已签收 1 · 响应中 1 · 已逾期 1" in said
    assert "东门社区本周热线来电20次，往常约13次，本周首次偏高。" in said
    assert "待签收 · 逾期 2 天" in said
    assert "响应中 · 县社会心理服务中心" in said


def test_the_wall_is_drawn_anew_when_an_office_acts(url: str, desk: Desk) -> None:
    reader = Reader(url)
    before = response_mark(reader, NOW)
    assert response_mark(reader, NOW) == before
    assert submit(desk, asked(reader, ORANGE, "acknowledge"), now=NOW) == ""
    after = response_mark(reader, NOW)
    assert after != before
    # A deadline that passes changes it too: of the blue one, a week after it was issued.
    assert response_mark(reader, NOW + timedelta(days=8)) != after


def test_an_earlier_week_is_told_without_what_became_of_later_ones(
    published_reader: Reader, snapshot: Snapshot
) -> None:
    earlier = replace(snapshot, week="2026-W40")
    found = read_board(published_reader, earlier, now_utc=NOW)
    assert not found.followed
    assert {one.state for one in found.live} == {""}


def test_a_place_says_its_reason_as_published_and_goes_to_its_response(
    published_reader: Reader, snapshot: Snapshot
) -> None:
    row = next(rows_of(published_reader.warnings(snapshot.snapshot_id)))
    notice = warning.notice(row, snapshot, ZH)
    assert "云上村本周矛盾纠纷事件86起，往常约13起，已连续2周偏高。" in words_of(notice)
    assert f"warning={RED}" in str(notice.to_plotly_json())


def test_a_reason_of_an_earlier_version_names_no_figure(
    published_reader: Reader, snapshot: Snapshot
) -> None:
    rows = published_reader.warnings(snapshot.snapshot_id).assign(reason_zh="", reason_en="")
    assert warning.reason(next(rows_of(rows)), snapshot, ZH) == "矛盾纠纷事件高于往常"
