"""Small pictures of an indicator: a bar against its target, and a line of its past."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.components.attributes import attrs

# A ratio's bar ends a quarter beyond the larger of value and target.
_BEYOND = 1.25
_LINE_PX = 1


def bullet(
    value: float,
    targets: Sequence[float],
    *,
    target: float,
    ratio: bool,
    progress: str,
    interval: tuple[float, float] = (math.nan, math.nan),
    label: str,
) -> Component:
    """A bar for the value and a mark for the target; hatched where there is no value.

    Parameters
    ----------
    targets : every step of the target; earlier ones are thin marks.
    target : the step that counts now, NaN where there is none.
    interval : of a survey, NaN otherwise.
    label : what a screen reader says.
    """
    known = [x for x in (value, target, *targets) if math.isfinite(x)]
    full = _BEYOND * max([*known, 1e-12]) if ratio else 1.0

    def at(x: float) -> str:
        return f"{100 * min(max(x / full, 0), 1):.2f}%"

    parts: list[Component] = []
    if math.isfinite(value):
        parts.append(html.Span(className="bullet-value", style={"width": at(value)}))
    low, high = interval
    if math.isfinite(low) and math.isfinite(high):
        style = {"left": at(low), "width": f"calc({at(high)} - {at(low)})"}
        parts.append(html.Span(className="bullet-interval", style=style))
    parts += [
        html.Span(className="bullet-step", style={"left": at(step)})
        for step in targets
        if step != target
    ]
    if math.isfinite(target):
        parts.append(html.Span(className="bullet-target", style={"left": at(target)}))
    known_class = "" if math.isfinite(value) else " is-unknown"
    return html.Span(
        parts,
        className=f"bullet progress-{progress}{known_class}",
        role="img",
        **attrs(aria_label=label),
    )


def sparkline(
    positions: Sequence[float], values: Sequence[float], *, target: float, label: str
) -> Component:
    """A line through the points and a dashed one at the target.

    Parameters
    ----------
    positions : 0..1, rising, at least two.
    values : as many.
    target : NaN where there is none.
    label : what a screen reader says.
    """
    shown = [*values, target] if math.isfinite(target) else list(values)
    low, high = min(shown), max(shown)
    room = (high - low) * 0.12 or max(abs(high), 1e-9) * 0.1
    low, high = low - room, high + room

    def height(x: float) -> float:
        return 100 * (high - x) / (high - low)

    points = [(100 * x, height(y)) for x, y in zip(positions, values, strict=True)]
    above = [f"{x:.2f}% calc({y:.2f}% - {_LINE_PX}px)" for x, y in points]
    below = [f"{x:.2f}% calc({y:.2f}% + {_LINE_PX}px)" for x, y in reversed(points)]
    line = {"clipPath": f"polygon({', '.join(above + below)})"}
    parts = [html.Span(className="spark-line", style=line)]
    if math.isfinite(target):
        parts.append(html.Span(className="spark-target", style={"top": f"{height(target):.2f}%"}))
    x, y = points[-1]
    parts.append(html.Span(className="spark-end", style={"left": f"{x:.2f}%", "top": f"{y:.2f}%"}))
    return html.Div(parts, className="spark", role="img", **attrs(aria_label=label))
