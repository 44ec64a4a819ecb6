"""The two maps of a proposal, before and after, drawn from published shapes.

Four states can be told apart without colour: plain light, dark with thin lines, hatched, empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from dashboard.report.proposal.drawing import WIDTH, Projection, Rect, Sheet, around, text_width
from dashboard.report.proposal.territory import Territory, dissolve
from dashboard.text import Catalog, words
from dashboard.tokens import Tokens, tokens
from etl.siting.answer import CellState

PANEL_HEIGHT = 366.0
SIDE_WIDTH = 158.0
HEAD = 22.0  # of a panel's title
GAP = 18.0
# Portrait counties stand beside each other.
PORTRAIT = 0.85
LABEL, SMALL = 10.5, 9.5
MARK = 6.6  # radius of a numbered mark
SCALES_KM = (0.5, 1, 2, 5, 10, 20, 50)
ROAD_RANK, WATER_RANK = 2, 2
MOST_VILLAGES = 400
MANY = 100  # candidates; more have smaller marks

_BEFORE = {CellState.NEWLY: CellState.UNCOVERED, CellState.LOST: CellState.COVERED}
_ORDER = (
    CellState.COVERED, CellState.NEWLY, CellState.LOST, CellState.UNCOVERED, CellState.EMPTY,
    CellState.UNKNOWN,
)  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """What is drawn: tables of the answer, of one part.

    Attributes
    ----------
    state : `CellState` of each cell.
    """

    state: npt.NDArray[np.uint8]
    sites: pd.DataFrame
    candidates: pd.DataFrame


@dataclass(frozen=True)
class Figures:
    """What stands in large type beside each map: share covered, and persons."""

    share_before: str
    persons_before: str
    share_after: str
    persons_after: str


def draw_maps(
    territory: Territory,
    choice: Choice,
    figures: Figures,
    catalog: Catalog,
    *,
    title: str,
) -> str:
    """SVG of the maps before and after, with one legend, one scale and one north arrow.

    Parameters
    ----------
    title : what a screen reader says of it.
    """
    return _Maps(territory, choice, figures, catalog).draw(title)


class _Maps:
    def __init__(
        self,
        territory: Territory,
        choice: Choice,
        figures: Figures,
        catalog: Catalog,
    ) -> None:
        self.territory, self.sites, self.candidates = territory, choice.sites, choice.candidates
        state = choice.state
        self.figures, self.catalog, self.t = figures, catalog, catalog.t
        self.paper: Tokens = tokens("light")
        before = state.copy()
        for later, earlier in _BEFORE.items():
            before[state == later] = earlier
        shapes = territory.cells.shapes
        self.states: Sequence[Mapping[int, shapely.Geometry]] = (
            dissolve(shapes, before), dissolve(shapes, state),
        )  # fmt: skip
        villages = territory.villages.shapes
        levels = (
            villages if len(villages) <= MOST_VILLAGES else villages[:0],
            territory.towns.shapes,
            territory.county.shapes,
        )
        self.borders = [shapely.line_merge(shapely.union_all(shapely.boundary(s))) for s in levels]
        bounds = shapely.total_bounds(territory.county.shapes)
        self.bounds = (float(bounds[0]), float(bounds[1]), float(bounds[2]), float(bounds[3]))

    def draw(self, title: str) -> str:
        west, south, east, north = self.bounds
        aspect = (east - west) * np.cos(np.radians((south + north) / 2)) / (north - south)
        if aspect < PORTRAIT:
            wide = (WIDTH - GAP) / 2
            high = min(wide / aspect, 1.4 * PANEL_HEIGHT)
            rooms = [Rect(0, HEAD + 34, wide, high), Rect(wide + GAP, HEAD + 34, wide, high)]
            bottom = HEAD + 34 + high
            sheet = Sheet(WIDTH, bottom + 118)
            for after, room in enumerate(rooms):
                self._head(sheet, room.left, 14, after=bool(after))
                self._number(sheet, room.left, 42, after=bool(after), in_line=True)
                at = self._panel(sheet, room, after=bool(after))
            self._legend(sheet, 0, bottom + 20, columns=3)
            self._scale(sheet, WIDTH - 150, bottom + 92, at)
            self._arrow(sheet, WIDTH - 22, bottom + 76)
        else:
            wide = WIDTH - SIDE_WIDTH - GAP
            high = min(PANEL_HEIGHT, wide / aspect)
            step = HEAD + high + GAP
            sheet = Sheet(WIDTH, 2 * step - GAP + 4)
            side = wide + GAP
            for after in (False, True):
                top = step * after
                self._head(sheet, 0, top + 14, after=after)
                at = self._panel(sheet, Rect(0, top + HEAD, wide, high), after=after)
                self._number(sheet, side, top + HEAD + 30, after=after, in_line=False)
            self._legend(sheet, side, HEAD + 92, columns=1)
            self._arrow(sheet, side + 12, step + HEAD + high - 62)
            self._scale(sheet, side, step + HEAD + high - 14, at)
        return sheet.svg(title=title)

    # ------------------------------------------------------------ one map

    def _head(self, sheet: Sheet, x: float, y: float, *, after: bool) -> None:
        said = self.t(f"proposal.map.{'after' if after else 'before'}")
        sheet.text(x, y, said, size=13, bold=True)

    def _number(self, sheet: Sheet, x: float, y: float, *, after: bool, in_line: bool) -> None:
        figures = self.figures
        share = figures.share_after if after else figures.share_before
        persons = figures.persons_after if after else figures.persons_before
        sheet.text(x, y, share, size=26, bold=True)
        side = text_width(share, 26) + 10 if in_line else 0
        sheet.text(x + side, y if in_line else y + 18, persons, colour=self.paper["ink-2"])

    def _panel(self, sheet: Sheet, room: Rect, *, after: bool) -> Projection:
        paper = self.paper
        at = Projection.fit(self.bounds, Rect(room.left + 3, room.top + 3, room.width - 6,
                                              room.height - 6))  # fmt: skip
        prefix = "a" if after else "b"
        for pattern in self._patterns(prefix):
            sheet.add(pattern)
        for state, shape in self.states[after].items():
            data = at.path(shape)
            sheet.path(data, fill=self._ground(CellState(state)), fill_rule="evenodd")
            if CellState(state) not in {CellState.COVERED, CellState.EMPTY}:
                sheet.path(data, fill=f"url(#{prefix}{int(state)})", fill_rule="evenodd")
        for water in self._inside("water", WATER_RANK):
            if "Polygon" in water.geom_type:
                sheet.path(at.path(water), fill=paper["map-water"], stroke=paper["map-water-line"],
                           stroke_width=0.4)  # fmt: skip
            else:
                sheet.path(at.path(water), fill="none", stroke=paper["map-water-line"],
                           stroke_width=0.9)  # fmt: skip
        for road in self._inside("road", ROAD_RANK):
            data = at.path(road)
            sheet.path(data, fill="none", stroke=paper["ink-2"], stroke_width=1.5, opacity=0.5)
            sheet.path(data, fill="none", stroke=paper["panel"], stroke_width=0.8)
        self._borders(sheet, at)
        sheet.taken.clear()
        sheet.kept_free.clear()
        self._sites(sheet, at, room, after=after)
        self._labels(sheet, at, room)
        return at

    def _inside(self, theme: str, most_rank: int) -> list[Any]:
        """Water or roads within the locality."""
        county = shapely.union_all(self.territory.county.shapes)
        cut = shapely.intersection(self.territory.context(theme, most_rank=most_rank), county)
        found: list[Any] = cut[~shapely.is_empty(cut)].tolist()
        return found

    def _borders(self, sheet: Sheet, at: Projection) -> None:
        """Thin lines of villages, stronger ones of towns, the strongest around all."""
        inks = ((self.paper["ink-2"], 0.25), (self.paper["ink"], 0.7), (self.paper["ink"], 1.3))
        for lines, (colour, width) in zip(self.borders, inks, strict=True):
            sheet.path(at.path(lines), fill="none", stroke=colour, stroke_width=width,
                       stroke_linejoin="round")  # fmt: skip

    def _ground(self, state: CellState) -> str:
        names = {
            CellState.COVERED: "access-2", CellState.NEWLY: "access-4", CellState.LOST: "gap-1",
            CellState.UNCOVERED: "gap-0", CellState.EMPTY: "panel",
            CellState.UNKNOWN: "suppressed-ground",
        }  # fmt: skip
        return self.paper[names[state]]

    def _patterns(self, prefix: str) -> list[str]:
        """Fills that print in grey; the angle and the density differ, not only the colour."""
        paper = self.paper

        def lines(state: CellState, gap: float, turn: int, colour: str, width: float) -> str:
            return (
                f'<pattern id="{prefix}{int(state)}" width="{gap:g}" height="{gap:g}" '
                f'patternUnits="userSpaceOnUse" patternTransform="rotate({turn})">'
                f'<path d="M0 {gap / 2:g}H{gap:g}" stroke="{colour}" stroke-width="{width:g}"/>'
                "</pattern>"
            )

        dots = (
            f'<pattern id="{prefix}{int(CellState.UNKNOWN)}" width="5" height="5" '
            f'patternUnits="userSpaceOnUse"><circle cx="2.5" cy="2.5" r="0.9" '
            f'fill="{paper["suppressed-dot"]}"/></pattern>'
        )
        return [
            lines(CellState.NEWLY, 4, 0, paper["panel"], 0.7),
            lines(CellState.UNCOVERED, 4.5, -45, paper["gap-2"], 0.6),
            lines(CellState.LOST, 3, 90, paper["gap-3"], 1.2),
            dots,
        ]

    # ------------------------------------------------------------ marks and names

    def _sites(self, sheet: Sheet, at: Projection, room: Rect, *, after: bool) -> None:
        shown = self.sites.dropna(subset=["lon", "lat"])
        existing = shown[shown["source"] == "existing"]
        new = shown[shown["state"] == "new"].sort_values("order")
        if not after:
            rest = self.candidates.dropna(subset=["lon", "lat"])
            for x, y in at.xy(rest[["lon", "lat"]].to_numpy(dtype=float)):
                self._mark(sheet, "candidate", x, y)
        closed = (existing["state"] == "closed").to_numpy() & after
        xy = at.xy(existing[["lon", "lat"]].to_numpy(dtype=float))
        for (x, y), shut in zip(xy, closed, strict=True):
            self._mark(sheet, "closed" if shut else "existing", x, y)
            sheet.kept_free.append(Rect(x - 2.5, y - 2.5, 5, 5))
        existing_dots, sheet.kept_free = sheet.kept_free, []
        points = at.xy(new[["lon", "lat"]].to_numpy(dtype=float))
        side = 2 * MARK + 1
        for (x, y), order in zip(points, new["order"], strict=True):
            # Kept free before, too: names stand where they stand on both maps.
            spot = sheet.place(around(x, y, step=MARK + 3, rings=6), side, side, room) or (x, y)
            if not after:
                continue
            if spot != (x, y):
                sheet.path(f"M{x:.1f} {y:.1f}L{spot[0]:.1f} {spot[1]:.1f}",
                           stroke=self.paper["accent"], stroke_width=1.2)  # fmt: skip
                sheet.add(
                    f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{self.paper["accent"]}"/>'
                )
            self._mark(sheet, "new", spot[0], spot[1], text=f"{order:.0f}")
        sheet.kept_free = existing_dots

    def _mark(self, sheet: Sheet, kind: str, x: float, y: float, text: str = "") -> None:
        paper = self.paper
        at = f'cx="{x:.1f}" cy="{y:.1f}"'
        if kind == "new":
            sheet.add(f'<circle {at} r="{MARK}" fill="{paper["accent"]}" '
                      f'stroke="{paper["panel"]}" stroke-width="1.4"/>')  # fmt: skip
            size = 9 if len(text) < 3 else 7
            sheet.text(x, y + size * 0.36, text, size=size, anchor="middle", bold=True,
                       colour=paper["panel"])  # fmt: skip
        elif kind == "existing":
            sheet.add(f'<circle {at} r="2.5" fill="{paper["map-site"]}" '
                      f'stroke="{paper["panel"]}" stroke-width="0.8"/>')  # fmt: skip
        elif kind == "closed":
            sheet.add(f'<circle {at} r="4" fill="{paper["panel"]}" stroke="{paper["ink"]}"/>')
            sheet.path(f"M{x - 2.2:.1f} {y - 2.2:.1f}l4.4 4.4m0 -4.4l-4.4 4.4",
                       stroke=paper["ink"], fill="none")  # fmt: skip
        else:
            half = 1.8 if len(self.candidates) <= MANY else 1.2
            box = f'x="{x - half:.1f}" y="{y - half:.1f}" width="{2 * half}" height="{2 * half}"'
            look = f'fill="{paper["panel"]}" stroke="{paper["accent"]}" stroke-width="{half / 2}"'
            sheet.add(f"<rect {box} {look}/>")

    def _labels(self, sheet: Sheet, at: Projection, room: Rect) -> None:
        """Names of towns, the large ones first; a name that has no room is left out."""
        towns = self.territory.towns
        frame = towns.frame.assign(area=shapely.area(towns.shapes)).sort_values(
            "area", ascending=False
        )
        points = at.xy(frame[["lon", "lat"]].to_numpy(dtype=float))
        for (x, y), name in zip(points, frame["name"].astype(str), strict=True):
            wide = text_width(name, LABEL) + 2
            spot = sheet.place(around(x, y, step=6, rings=6), wide, LABEL + 1, room)
            if spot is not None:
                sheet.text(spot[0], spot[1] + LABEL * 0.36, name, size=LABEL, anchor="middle",
                           bold=True, halo=True)  # fmt: skip

    # ------------------------------------------------------------ what the map means

    def _legend(self, sheet: Sheet, x: float, y: float, *, columns: int) -> None:
        present = set(self.states[0]) | set(self.states[1])
        entries: list[tuple[str, CellState | str]] = [
            (self.t(f"proposal.map.state_{state.name.lower()}"), state)
            for state in _ORDER
            if int(state) in present
        ]
        marks = ["existing", "new", "candidate"]
        if (self.sites["state"] == "closed").any():
            marks.insert(1, "closed")
        entries += [(self.t(f"proposal.map.site_{kind}"), kind) for kind in marks]
        rows = -(-len(entries) // columns)
        step = WIDTH / columns
        for number, (said, what) in enumerate(entries):
            left, top = x + step * (number // rows), y + 19 * (number % rows)
            if isinstance(what, CellState):
                box = f'x="{left:.1f}" y="{top - 9:.1f}" width="18" height="12"'
                sheet.add(f'<rect {box} fill="{self._ground(what)}" stroke="{self.paper["ink-2"]}" '
                          'stroke-width="0.5"/>')  # fmt: skip
                if what not in {CellState.COVERED, CellState.EMPTY}:
                    sheet.add(f'<rect {box} fill="url(#a{int(what)})"/>')
            else:
                self._mark(sheet, what, left + 9, top - 3, text="1")
            for line, part in enumerate(_broken(said, SIDE_WIDTH - 26)):
                sheet.text(left + 25, top + 1 + 11 * line, part, size=SMALL)

    def _scale(self, sheet: Sheet, x: float, y: float, at: Projection) -> None:
        fitting = [km for km in SCALES_KM if km * at.km_px() <= 110]
        km = fitting[-1] if fitting else SCALES_KM[0]
        length = km * at.km_px()
        ink = self.paper["ink"]
        sheet.path(f"M{x:.1f} {y - 4:.1f}v4h{length:.1f}v-4m{-length / 2:.1f} 0v4",
                   fill="none", stroke=ink)  # fmt: skip
        sheet.text(x - 1, y - 8, "0", size=SMALL)
        said = self.t("proposal.map.km", km=words.setting(km))
        sheet.text(x + length, y - 8, said, size=SMALL, anchor="middle")

    def _arrow(self, sheet: Sheet, x: float, y: float) -> None:
        ink = self.paper["ink"]
        sheet.add(f'<path d="M{x:.1f} {y - 16:.1f}l6 18l-6 -4z" fill="{ink}"/>')
        sheet.add(f'<path d="M{x:.1f} {y - 16:.1f}l-6 18l6 -4z" fill="{self.paper["panel"]}" '
                  f'stroke="{ink}" stroke-width="0.8"/>')  # fmt: skip
        sheet.text(x, y - 20, self.t("proposal.map.north"), anchor="middle", bold=True)


def _broken(text: str, width: float) -> list[str]:
    """Lines of a legend entry, broken where words end or between Chinese characters."""
    lines, line = [], ""
    pieces = text.split(" ") if text.isascii() else list(text)
    joint = " " if text.isascii() else ""
    for piece in pieces:
        longer = f"{line}{joint}{piece}" if line else piece
        if line and text_width(longer, SMALL) > width:
            lines.append(line)
            line = piece
        else:
            line = longer
    return [*lines, line]
