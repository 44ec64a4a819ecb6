"""The wall's few lines on the targets: how many are met, and which lie farthest behind."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
from dash import html
from dash.development.base_component import Component

from dashboard.text import Catalog, words
from geo.targets import Progress

# From metres away nobody reads a list; the scorecard has them all.
MAX_LINES = 3
_OPEN = (Progress.BEHIND, Progress.SHORT, Progress.ON_TRACK)


@dataclass(frozen=True)
class _Line:
    name: str
    value: float
    target: float
    per: float
    progress: Progress

    @property
    def reached(self) -> float:
        """How much of the way to the target is done; an upper target has none."""
        return self.value / self.target if self.target > 0 else math.nan

    @property
    def scale(self) -> float:
        """Where the bar ends: at 100 %, or above what a ratio is and wants to be."""
        return max(self.value, self.target) * 1.1 if math.isfinite(self.per) else 1.0

    @property
    def figure(self) -> str:
        """What is reached: a share as a percentage, a ratio as a number."""
        ratio = math.isfinite(self.per)
        return words.figure(self.value) if ratio else words.percent(self.value)

    @property
    def aim(self) -> str:
        """What is wanted, with the digits it was set with."""
        return words.limit(self.target, share=not math.isfinite(self.per))


def targets_panel(targets: pd.DataFrame | None, catalog: Catalog) -> Component | None:
    """The panel; None where nothing is held against a target.

    Parameters
    ----------
    targets : published table `targets`; None where a snapshot has none.
    """
    if targets is None or "progress" not in targets.columns:
        return None
    judged = targets[targets["progress"] != Progress.NO_TARGET]
    if judged.empty:
        return None
    lines = sorted(_lines(judged, catalog), key=lambda line: (_OPEN.index(line.progress),
                                                              line.reached))  # fmt: skip
    return html.Section(
        [
            html.Div(
                [
                    html.H2(catalog.t("wall.targets.title")),
                    html.P(_summary(judged, catalog), className="wall-panel-note"),
                ],
                className="wall-targets-head",
            ),
            html.Ol([_row(line, catalog) for line in lines[:MAX_LINES]]),
        ],
        className="wall-panel wall-targets",
    )


def _lines(judged: pd.DataFrame, catalog: Catalog) -> Iterator[_Line]:
    lang = catalog.lang.partition("-")[0]
    for row in judged.to_dict("records"):
        progress = Progress(row["progress"])
        if progress in _OPEN and row["direction"] == "at_least" and row["value"] is not None:
            yield _Line(
                name=str(row[f"name_{lang}"]),
                value=_float(row["value"]),
                target=_float(row["target"]),
                per=_float(row["per"]),
                progress=progress,
            )


def _summary(judged: pd.DataFrame, catalog: Catalog) -> str:
    """How many are met, of how many, and how many nobody can judge."""
    count = judged["progress"].value_counts()
    unknown = int(count.get(Progress.NO_DATA, 0)) + int(count.get(Progress.WITHHELD, 0))
    said = catalog.t(
        "wall.targets.met", met=int(count.get(Progress.MET, 0)), total=len(judged) - unknown
    )
    behind = int(count.get(Progress.BEHIND, 0))
    said += catalog.t("wall.targets.behind", count=behind) if behind else ""
    return said + (catalog.t("wall.targets.unknown", count=unknown) if unknown else "")


def _row(line: _Line, catalog: Catalog) -> Component:
    t = catalog.t
    return html.Li(
        [
            html.Span(line.name, className="wall-target-name"),
            html.Span(
                [
                    html.Strong(line.figure),
                    html.Span(t("wall.targets.wanted", target=line.aim)),
                ],
                className="wall-target-value",
            ),
            html.Span(
                [_mark("fill", line.value / line.scale), _mark("aim", line.target / line.scale)],
                className="wall-target-bar",
            ),
        ],
        className=f"wall-target wall-target-{line.progress.value}",
    )


def _mark(name: str, share: float) -> Component:
    """The bar up to what is reached, or the stroke at what is wanted."""
    side = "width" if name == "fill" else "left"
    return html.Span(className=f"wall-target-{name}", style={side: f"{100 * min(share, 1.0):.1f}%"})


def _float(value: Any) -> float:
    return math.nan if value is None else float(value)
