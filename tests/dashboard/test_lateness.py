"""Late sources: judged when a screen is looked at, said on every screen that uses them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pptx import Presentation

from dashboard.components import intake
from dashboard.lateness import late_layers, late_sentence, read_sources
from dashboard.pages import PageContext
from dashboard.pages import data as data_page
from dashboard.pages import map as map_page
from dashboard.pages import wall as wall_page
from dashboard.report.slides import slides
from dashboard.text import LANGUAGES, load
from etl.freshness import judge, rhythm
from etl.store.reader import Reader, Snapshot
from tests.support.dashboard_pages import NOW, page_context, words_of
from tests.support.limited_reader import Limited

pytest_plugins = ("tests.support.dashboard_fixtures",)

# The store's weekly sources end with week 46, 2026: Sunday 15 November.
IN_TIME = date(2026, 11, 24)
LATE = date(2026, 11, 25)
STALE = date(2026, 11, 30)


@pytest.fixture
def reader(published_reader: Reader) -> Reader:
    """Reader of a store whose sources have limits."""
    return Limited(published_reader)


def at(reader: Reader, path: str, day: date, *, lang: str = "zh-CN", **choices: str) -> PageContext:
    """A page asked for on a day."""
    context = page_context(reader, path, lang=lang, **choices)
    now = datetime(day.year, day.month, day.day, 1, 0, tzinfo=UTC)
    return PageContext(reader, context.address, context.text, "light", now)


def found(component: Any, class_name: str) -> list[Any]:
    """Components of a class."""
    here = [component] if getattr(component, "className", None) == class_name else []
    children = getattr(component, "children", component if isinstance(component, list) else None)
    for child in children if isinstance(children, list | tuple) else [children]:
        if child is not None and not isinstance(child, str):
            here += found(child, class_name)
    return here


@pytest.mark.parametrize(
    ("today", "state"),
    [(IN_TIME, "fresh"), (LATE, "late"), (date(2026, 11, 29), "late"), (STALE, "stale")],
)
def test_weekly_figures_are_late_before_they_are_stale(today: date, state: str) -> None:
    judged = judge(
        newest_week="2026-W46", received_on=date(2026, 11, 16), max_age_days=14,
        expected="weekly", failed=False, today=today,
    )  # fmt: skip
    assert judged.state == state
    assert (judged.late_on, judged.stale_on) == (LATE, STALE)


def test_what_has_no_weeks_grows_old_from_the_day_it_came() -> None:
    def state(today: date) -> str:
        return judge(
            newest_week=None, received_on=date(2026, 5, 1), max_age_days=180, expected="",
            failed=False, today=today,
        ).state  # fmt: skip

    assert state(date(2026, 10, 28)) == "fresh"
    assert state(date(2026, 10, 29)) == "stale"


def test_an_archive_never_grows_old() -> None:
    assert rhythm("observations", None) == ""
    assert rhythm("observations", 400) == ""
    assert rhythm("facilities", 14) == ""
    assert rhythm("observations", 14) == "weekly"
    long_after = judge(
        newest_week="2020-W01", received_on=date(2020, 2, 1), max_age_days=None, expected="",
        failed=False, today=LATE,
    )  # fmt: skip
    assert (long_after.state, long_after.late_on, long_after.stale_on) == ("fresh", None, None)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_source_is_judged_when_the_page_is_looked_at(reader: Reader, lang: str) -> None:
    """The snapshot is the same; only the day is another."""
    words = {"zh-CN": ("每周服务统计（最近到第46周）", "迟交"), "en": ("Weekly services", "late")}[
        lang
    ]
    for page, path in ((map_page, "/"), (wall_page, "/wall")):
        fresh = page.layout(at(reader, path, IN_TIME, lang=lang))
        late = page.layout(at(reader, path, LATE, lang=lang))
        name = "late-line" if path == "/" else "wall-late"
        assert all(getattr(note, "hidden", False) for note in found(fresh, name))
        (note,) = found(late, name)
        assert words[0] in words_of(note)
        assert not getattr(note, "hidden", False)
    assert words[1] in words_of(data_page.layout(at(reader, "/data", LATE, lang=lang)))


def test_the_data_page_says_late_then_stale_with_a_shape(
    reader: Reader, snapshot: Snapshot
) -> None:
    row = reader.table(snapshot.snapshot_id, "sources").head(1)
    for today, look, said in ((IN_TIME, "age-ok", "及时"), (LATE, "age-amber", "迟交"),
                              (STALE, "age-red", "已过时")):  # fmt: skip
        now = datetime(today.year, today.month, today.day, tzinfo=UTC)
        drawn = intake.source_table(row, now, load("zh-CN"), snapshot)
        assert look in str(drawn)
        assert said in words_of(drawn)


def test_a_layer_is_marked_when_a_source_of_it_is_late(reader: Reader, snapshot: Snapshot) -> None:
    def layers(today: date) -> set[str]:
        return set(
            late_layers(read_sources(reader, snapshot, load("zh-CN"), today=today), snapshot)
        )

    assert layers(IN_TIME) == set()
    late = layers(LATE)
    assert "tier" in late, "warnings rest on weekly counts"
    assert "covered.counselling_room" not in late, "coverage rests on sites and residents"
    of_sites = layers(date(2027, 6, 1))
    assert {"covered.counselling_room", "access", "gap", "tier"} <= of_sites


def test_the_heading_of_such_a_layer_says_so(dashboard_app: Any, snapshot: Snapshot) -> None:
    from dashboard.choices import LayerBook, read_choices
    from dashboard.components import controls

    book, choices = LayerBook(snapshot), read_choices(snapshot, {"layer": "tier"})
    marked = controls.heading("t", "s", book, choices, load("zh-CN"), late=True)
    assert "所据资料迟交" in words_of(marked)
    assert "所据资料迟交" not in words_of(controls.heading("t", "s", book, choices, load("zh-CN")))


def test_the_wall_knows_the_day_on_which_each_source_will_be_late(reader: Reader) -> None:
    """It stands for weeks without being loaded again: the browser shows them from that day on."""
    (note,) = found(wall_page.layout(at(reader, "/wall", IN_TIME)), "wall-late")
    days = {
        one.to_plotly_json()["props"]["data-late-on"]: one.hidden
        for one in note.children
        if "data-late-on" in one.to_plotly_json()["props"]
    }
    assert days[LATE.isoformat()] is True
    assert note.hidden


def test_every_slide_says_so(reader: Reader, snapshot: Snapshot, tmp_path: Path) -> None:
    def texts(today: date) -> list[str]:
        path = slides(reader, snapshot, [], tmp_path / "a.pptx", today=today)
        return [
            "\n".join(shape.text_frame.text for shape in slide.shapes if shape.has_text_frame)
            for slide in Presentation(str(path)).slides
        ]

    assert not any("资料迟交" in said for said in texts(IN_TIME))
    assert all("◆ 资料迟交：每周服务统计（最近到第46周）" in said for said in texts(LATE))


def test_what_was_published_as_stale_stays_so(published_reader: Reader, snapshot: Snapshot) -> None:
    """Snapshots of an earlier version have no limits, only the judgement of their day."""
    sources = read_sources(published_reader, snapshot, load("zh-CN"), today=NOW.date())
    states: Mapping[str, str] = {one.source_id: one.freshness.state for one in sources}
    assert states == {"weekly": "fresh", "hotline": "fresh", "sites": "stale", "persons": "failed"}
    assert late_sentence(sources, load("zh-CN")) == (
        "资料迟交：服务机构名录（2026年10月1日收到后没有更新）、重点人群台账（最近交来的文件不能用）"
    )
    assert sources[0].freshness.days == (NOW.date() - date(2026, 11, 15)) // timedelta(days=1)
