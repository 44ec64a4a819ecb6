"""The referral chain in words: the line of a place, the legend, the title."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from dashboard import headings
from dashboard.choices import Choices, LayerBook
from dashboard.components import legend, referral
from dashboard.mapview import _layer_words
from dashboard.places import Profile
from dashboard.text import load
from etl.store.reader import Cell, Snapshot
from geo.model import Missing
from tests.support.dashboard_pages import words_of

STEPS = [
    {"code": "room", "name": {"zh": "咨询室", "en": "room"}, "threshold_min": 15.0, "sites": 90},
    {"code": "station", "name": {"zh": "乡镇站", "en": "stop"}, "threshold_min": 30.0, "sites": 9},
    {"code": "clinic", "name": {"zh": "市医院", "en": "clinic"}, "threshold_min": 60.0, "sites": 5},
    {"code": "end", "name": {"zh": "精神专科", "en": "end"}, "threshold_min": 60.0, "sites": 1},
]  # fmt: skip
LABELS = [{"zh": "每一步都走得到", "en": "whole"}, *(
    {"zh": f"断在{step['name']['zh']}", "en": f"breaks at the {step['name']['en']}"}
    for step in reversed(STEPS)
)]  # fmt: skip
LAYER = {
    "code": "referral.broken", "group": "access", "palette": "sequential", "breaks": [],
    "labels": LABELS, "name": {"zh": "转介断在哪一步", "en": "Where referral breaks"},
    "unit": {"zh": "步", "en": "step"}, "definition": {"zh": "定义", "en": "Definition"},
    "weekly": False, "measure": None, "kind": None, "on_map": True, "levels": ["grid", "county"],
}  # fmt: skip


def snapshot(steps: list[dict[str, Any]]) -> Snapshot:
    meta = {
        "referral": steps, "layers": [LAYER], "k": 10, "kinds": [], "measures": [], "groups": [],
        "levels": [{"level": "county", "n": 1}, {"level": "grid", "n": 9}],
        "weeks": ["2026-W46"], "locality": {"name": {"zh": "某市", "en": "Some city"}},
    }  # fmt: skip
    return Snapshot("s", "2026-W46", datetime(2026, 11, 16, tzinfo=UTC), "v", meta)


def line(minutes: list[float], worse: float | None, steps: list[dict[str, Any]] = STEPS) -> str:
    cells = {
        f"referral.{step['code']}": Cell(one, Missing.NO_DATA if one != one else Missing.OK, 0)  # noqa: PLR0124
        for step, one in zip(steps, minutes, strict=True)
    }
    if worse is not None:
        cells["referral.broken"] = Cell(worse, Missing.OK, 0)
    profile = Profile(None, cells, {}, pd.DataFrame(), pd.DataFrame())
    drawn = referral.chain(profile, snapshot(steps), load("zh-CN"))
    return "" if drawn is None else words_of(drawn)


def test_says_the_minutes_and_where_it_breaks() -> None:
    nan = float("nan")
    whole = line([8, 21, 46, 51], 0)
    assert [part in whole for part in ("咨询室 8 分", "乡镇站 21 分", "市医院 46 分")] == [True] * 3
    assert "断" not in whole
    far = line([8, 21, 46, 72], 1)
    assert "精神专科 断（72 分，超过 60 分）" in far
    assert far.count("断") == 1
    assert "乡镇站 断（走不到）" in line([8, nan, 46, 51], 3)
    none = [*STEPS[:3], STEPS[3] | {"sites": 0}]
    assert "精神专科 断（没有机构）" in line([8, 21, 46, nan], 1, none)
    unknown = [*STEPS[:2], STEPS[2] | {"sites": None}, STEPS[3] | {"sites": None}]
    said = line([8, 21, nan, nan], None, unknown)
    assert "市医院 无资料" in said
    assert "断" not in said, "unknown is not broken"
    assert line([nan] * 4, None) == ""


def test_the_legend_and_the_map_name_every_class() -> None:
    shot, catalog = snapshot(STEPS), load("zh-CN")
    said = words_of(legend.legend(LayerBook(shot), choices(), catalog))
    for label in LABELS:
        assert label["zh"] in said
    words = _layer_words(LAYER, catalog)
    assert words["value_words"] == [label["zh"] for label in LABELS]
    assert words["classes"] == 5


def choices() -> Choices:
    blank = dict.fromkeys(Choices.__dataclass_fields__, "")
    return replace(
        Choices(**blank), layer="referral.broken", level="county", week="2026-W46", sites=()
    )


@pytest.mark.parametrize(
    ("broken", "title"),
    [
        ([0.0, 900.0, 100.0, 0.0], "某市有 900 人（9.0%）的转介断在乡镇站"),
        ([0.0] * 4, "某市居民的转介每一步都走得到"),
    ],
)
def test_the_title_tells_the_step_at_which_most_are_stopped(
    broken: list[float], title: str
) -> None:
    table = pd.DataFrame(
        {"level": "county", "step": [step["code"] for step in STEPS], "persons": 10_000.0,
         "persons_broken": broken}
    )  # fmt: skip
    reader: Any = SimpleNamespace(table=lambda *_: table)
    heading = headings.read_heading(reader, snapshot(STEPS), choices(), load("zh-CN"))
    assert heading.title == title
