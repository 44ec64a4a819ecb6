"""The curve of a proposal: how many are covered with each further site, and where it bends."""

from __future__ import annotations

import math
from itertools import pairwise

import pandas as pd

from dashboard.report.proposal.drawing import WIDTH, Rect, Sheet, around, text_width
from dashboard.text import Catalog, words
from dashboard.tokens import tokens

HEIGHT = 250.0
PLOT = Rect(46, 26, WIDTH - 46 - 16, HEIGHT - 26 - 40)
STEPS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
MOST_TICKS = 6


def draw_curve(curve: pd.DataFrame, n_new: int, catalog: Catalog, *, title: str) -> str:
    """SVG of the share covered by number of new sites, the chosen number and the knee marked.

    Parameters
    ----------
    curve : table of the answer: `n_new`, `share`, `proven`, `knee`; at least one row.
    n_new : number of the proposal.
    title : what a screen reader says of it.
    """
    paper, t = tokens("light"), catalog.t
    sheet = Sheet(WIDTH, HEIGHT)
    rows = curve.dropna(subset="share").sort_values("n_new")
    counts, shares = rows["n_new"].astype(int).tolist(), rows["share"].astype(float).tolist()
    low, high, step = _span(min(shares), max(shares))
    span = max(counts[-1] - counts[0], 1)

    def spot(count: float, share: float) -> tuple[float, float]:
        x = PLOT.left + PLOT.width * (count - counts[0]) / span
        return x, PLOT.top + PLOT.height * (1 - (share - low) / (high - low))

    for number in range(round((high - low) / step) + 1):
        value = low + number * step
        _, y = spot(counts[0], value)
        sheet.path(f"M{PLOT.left} {y:.1f}h{PLOT.width}", stroke=paper["line"], stroke_width=0.7)
        sheet.text(PLOT.left - 7, y + 3.5, f"{100 * value:g}%", size=9.5, anchor="end",
                   colour=paper["ink-2"])  # fmt: skip
    every = max(1, math.ceil(len(counts) / 16))
    for count in counts[::every]:
        x, _ = spot(count, low)
        sheet.text(x, PLOT.top + PLOT.height + 16, str(count), size=9.5, anchor="middle",
                   colour=paper["ink-2"])  # fmt: skip
    sheet.text(PLOT.left + PLOT.width / 2, HEIGHT - 5, t("proposal.curve.x"), anchor="middle",
               colour=paper["ink-2"])  # fmt: skip
    sheet.text(0, 12, t("proposal.curve.y"), colour=paper["ink-2"])
    points = [spot(count, share) for count, share in zip(counts, shares, strict=True)]
    line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    sheet.path(line, fill="none", stroke=paper["access-3"], stroke_width=2)
    for (x, y), proven in zip(points, rows["proven"], strict=True):
        fill = paper["access-3"] if proven else paper["panel"]
        sheet.add(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.4" fill="{fill}" '
                  f'stroke="{paper["access-3"]}" stroke-width="1.6"/>')  # fmt: skip
        sheet.taken.append(Rect(x - 5, y - 5, 10, 10))
    for first, second in pairwise(points):
        middle = ((first[0] + second[0]) / 2, (first[1] + second[1]) / 2)
        sheet.taken.append(Rect(middle[0] - 4, middle[1] - 4, 8, 8))
    marked = [(count, "chosen") for count in counts if count == n_new]
    marked += [(count, "knee") for count, knee in zip(counts, rows["knee"], strict=True) if knee]
    for count, what in marked:
        x, y = points[counts.index(count)]
        colour = paper["accent"] if what == "chosen" else paper["ink"]
        radius = 6.5 if what == "chosen" else 9.5
        sheet.add(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="none" '
                  f'stroke="{colour}" stroke-width="1.6"/>')  # fmt: skip
        share = words.percent(shares[counts.index(count)])
        said = t(f"proposal.curve.{what}", n=count, share=share)
        wide = text_width(said, 11)
        near = [(x, y - 20), (x - wide / 2 - 14, y - 8), (x + wide / 2 + 14, y + 14), (x, y + 22)]
        room = Rect(PLOT.left, 14, PLOT.width + 14, PLOT.height + 10)
        found = sheet.place([*near, *around(x, y, step=22, rings=4)], wide, 14, room) or near[0]
        sheet.text(found[0], found[1] + 4, said, size=11, anchor="middle", bold=True,
                   colour=colour, halo=True)  # fmt: skip
    return sheet.svg(title=title)


def _span(low: float, high: float) -> tuple[float, float, float]:
    """Ends and step of the axis: round numbers around the values, never beyond 0 and 1."""
    for step in STEPS:
        first, last = math.floor(low / step) * step, math.ceil(high / step) * step
        if (last - first) / step <= MOST_TICKS:
            return first, max(last, first + step), step
    return 0.0, 1.0, STEPS[-1]
