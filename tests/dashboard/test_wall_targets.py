"""The wall's lines on the targets say what the published table says."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from dashboard.components.wall_targets import MAX_LINES, targets_panel
from dashboard.text import load
from geo.targets import Progress


def table(*rows: tuple[str, float | None, float, str]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"indicator": code, "name_zh": code, "name_en": code, "value": value, "per": None,
             "target": target, "direction": "at_least", "progress": progress}
            for code, value, target, progress in rows
        ]
    )  # fmt: skip


def texts(component: Any) -> list[str]:
    if component is None or isinstance(component, str):
        return [component] if component else []
    children = getattr(component, "children", component)
    many = children if isinstance(children, (list, tuple)) else [children]
    return [text for child in many for text in texts(child)]


def widths(component: Any, class_name: str) -> list[str]:
    """Styles of all components of a class, from the top."""
    found = []
    if getattr(component, "className", None) == class_name:
        found.append(next(iter(component.style.values())))
    children = getattr(component, "children", None)
    many = children if isinstance(children, (list, tuple)) else [children]
    return found + [w for child in many if child is not None for w in widths(child, class_name)]


def test_the_farthest_behind_come_first_and_the_summary_counts_all() -> None:
    panel = targets_panel(
        table(
            ("met", 0.9, 0.8, Progress.MET),
            ("near", 0.7, 0.8, Progress.BEHIND),
            ("short", 0.1, 0.8, Progress.SHORT),
            ("far", 0.2, 0.8, Progress.BEHIND),
            ("on", 0.5, 0.8, Progress.ON_TRACK),
            ("unknown", None, 0.8, Progress.NO_DATA),
            ("only", 0.3, 0.8, Progress.NO_TARGET),
        ),
        load("zh-CN"),
    )
    said = texts(panel)
    assert said[:2] == ["建设目标", "达标 1 / 5 项，落后 2 项，无数据 1 项"]
    assert [text for text in said if text in ("met", "near", "short", "far", "on")] == [
        "far", "near", "short"
    ]  # fmt: skip
    assert len(widths(panel, "wall-target-fill")) == MAX_LINES
    assert widths(panel, "wall-target-fill")[0] == "20.0%"
    assert set(widths(panel, "wall-target-aim")) == {"80.0%"}
    assert said[2:5] == ["far", "20.0%", "/ 80%"]


def test_nothing_measured_is_never_a_bar() -> None:
    panel = targets_panel(table(("unknown", None, 0.8, Progress.NO_DATA)), load("en"))
    assert widths(panel, "wall-target-fill") == []
    assert "0 of 0 met, 1 without data" in texts(panel)


@pytest.mark.parametrize(
    "targets", [None, pd.DataFrame(), table(("only", 0.3, 0.8, Progress.NO_TARGET))]
)
def test_without_targets_there_is_no_panel(targets: pd.DataFrame | None) -> None:
    assert targets_panel(targets, load("zh-CN")) is None


def test_a_ratio_has_room_above_what_is_wanted() -> None:
    rows = table(("beds", 20.0, 30.0, Progress.BEHIND)).assign(per=1000.0)
    panel = targets_panel(rows, load("zh-CN"))
    assert texts(panel)[2:5] == ["beds", "20", "/ 30"]
    assert widths(panel, "wall-target-fill") == ["60.6%"]
    assert widths(panel, "wall-target-aim") == ["90.9%"]
