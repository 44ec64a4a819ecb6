"""What a tier asks for is said in the words of the published snapshot, everywhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pptx import Presentation

from dashboard.components import warning
from dashboard.places import rows_of
from dashboard.report.slides import slides
from dashboard.response_words import standard, standard_short
from dashboard.teller import tell
from dashboard.text import load
from dashboard.tour import plan
from etl.store.reader import Reader, Snapshot
from geo.model import Tier
from tests.support.dashboard_pages import words_of
from tests.support.published_store import publish

pytest_plugins = ("tests.support.dashboard_fixtures",)

ZH, EN = load("zh-CN"), load("en")
OWN = {
    "action": {"zh": "开通应急咨询专线", "en": "open an emergency line"},
    "answers": {"zh": "市级协调组", "en": "city desk"},
    "respond": "6h",
}


def with_own(snapshot: Snapshot, tier: str = "red", **changes: Any) -> Snapshot:
    given = snapshot.meta["response"]
    response = {**given, tier: {**given[tier], **OWN, **changes}}
    return replace(snapshot, meta={**snapshot.meta, "response": response})


def without(snapshot: Snapshot) -> Snapshot:
    """As an earlier version published it."""
    meta = {key: value for key, value in snapshot.meta.items() if key != "response"}
    return replace(snapshot, meta=meta)


def test_who_does_what_by_when(snapshot: Snapshot) -> None:
    own = with_own(snapshot)
    assert standard(Tier.RED, own, ZH) == "6 小时内开通应急咨询专线（市级协调组）"
    assert standard_short(Tier.RED, own, ZH) == "6 小时内：市级协调组"
    english = standard(Tier.RED, own, EN)
    assert english == "Within 6 hours: open an emergency line (city desk)"
    assert standard_short(Tier.RED, own, EN) == "6 hours: city desk"


def test_where_no_time_is_set_only_the_deed_is_said(snapshot: Snapshot) -> None:
    own = with_own(snapshot, respond="")
    assert standard(Tier.RED, own, ZH) == "开通应急咨询专线（市级协调组）"
    assert standard_short(Tier.RED, own, EN) == "Open an emergency line"


def test_nothing_is_said_where_nothing_was_published(snapshot: Snapshot) -> None:
    for tier in (Tier.RED, Tier.BLUE):
        assert standard(tier, without(snapshot), ZH) == ""
    assert standard(Tier.NONE, snapshot, ZH) == ""
    assert standard_short(Tier.NO_DATA, snapshot, ZH) == ""


def test_the_wall_says_the_published_words(published_reader: Reader, snapshot: Snapshot) -> None:
    def actions(of: Snapshot) -> dict[Tier | None, str]:
        story = tell(published_reader, of, ZH)
        return {stop.tier: stop.action for stop in plan(published_reader, story, ZH)}

    said = actions(with_own(snapshot))
    assert said[Tier.RED] == "处置标准：6 小时内开通应急咨询专线（市级协调组）"
    assert said[Tier.ORANGE] == "处置标准：3 天内派出心理服务队（县级社会心理服务中心）"
    assert {actions(without(snapshot))[tier] for tier in Tier if tier >= Tier.BLUE} == {""}


def test_the_map_says_the_published_words(published_reader: Reader, snapshot: Snapshot) -> None:
    (red,) = [
        row
        for row in rows_of(published_reader.warnings(snapshot.snapshot_id))
        if row.tier == Tier.RED
    ]
    said = words_of(warning.notice(red, with_own(snapshot), ZH))
    assert "建议服务：6 小时内开通应急咨询专线（市级协调组）" in said
    assert "建议服务" not in words_of(warning.notice(red, without(snapshot), ZH))


def test_a_slide_says_the_published_words_where_nobody_follows_warnings(tmp_path: Path) -> None:
    reader = Reader(publish(tmp_path, answered=False))
    own = with_own(reader.current())
    deck = Presentation(str(slides(reader, own, [], tmp_path / "a.pptx")))
    (table,) = [shape.table for shape in deck.slides[6].shapes if shape.has_table]
    said = {row.cells[0].text: row.cells[5].text for row in table.rows}
    assert said["红色"] == "6 小时内：市级协调组"
    assert said["蓝色"] == "关注，下次周会复核"
