"""SVG as text: shapes, words and marks on a sheet; labels and marks that keep out of each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
import numpy.typing as npt
import shapely

from dashboard.tokens import tokens

WIDTH = 640.0  # of every figure [px]; 170 mm on paper
SIMPLE_PX = 0.2


@dataclass(frozen=True)
class Rect:
    """A place on the sheet [px]."""

    left: float
    top: float
    width: float
    height: float

    def hits(self, other: Rect) -> bool:
        """Whether two places overlap."""
        return (
            self.left < other.left + other.width
            and other.left < self.left + self.width
            and self.top < other.top + other.height
            and other.top < self.top + self.height
        )

    def holds(self, other: Rect) -> bool:
        """Whether the other place lies wholly within this one."""
        return (
            self.left <= other.left
            and self.top <= other.top
            and other.left + other.width <= self.left + self.width
            and other.top + other.height <= self.top + self.height
        )


def text_width(text: str, size: float) -> float:
    """Width of a text [px], close enough to keep words apart."""
    return size * sum(1.0 if ord(character) > 0x2E7F else 0.56 for character in text)


def box_around(x: float, y: float, width: float, height: float) -> Rect:
    """Place of something by its centre."""
    return Rect(x - width / 2, y - height / 2, width, height)


@dataclass(frozen=True)
class Projection:
    """Degrees to the sheet: equal scale both ways at the middle latitude, which a county allows.

    Attributes
    ----------
    west, north : corner of what is drawn [°].
    cosine : of the middle latitude.
    scale : [px] a degree of latitude.
    at : place of the map on the sheet.
    """

    west: float
    north: float
    cosine: float
    scale: float
    at: Rect

    @classmethod
    def fit(cls, bounds: tuple[float, float, float, float], room: Rect) -> Projection:
        """As large as fits into the room, in its middle."""
        west, south, east, north = bounds
        cosine = float(np.cos(np.radians((south + north) / 2)))
        wide, high = max((east - west) * cosine, 1e-9), max(north - south, 1e-9)
        scale = min(room.width / wide, room.height / high)
        left = room.left + (room.width - wide * scale) / 2
        top = room.top + (room.height - high * scale) / 2
        return cls(west, north, cosine, scale, Rect(left, top, wide * scale, high * scale))

    def xy(self, lonlat: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Points (n, 2) in degrees to points (n, 2) on the sheet."""
        x = self.at.left + (lonlat[:, 0] - self.west) * self.cosine * self.scale
        y = self.at.top + (self.north - lonlat[:, 1]) * self.scale
        return np.column_stack([x, y])

    def km_px(self) -> float:
        """Length of a kilometre on the sheet [px]."""
        return self.scale / 110.85

    def path(self, geometry: shapely.Geometry) -> str:
        """Data of an SVG path for polygons or lines, without detail that print cannot show."""
        drawn = shapely.simplify(shapely.transform(geometry, self.xy), SIMPLE_PX)
        parts: list[str] = []
        for part in shapely.get_parts(drawn):
            if part.geom_type == "Polygon":
                rings = [part.exterior, *part.interiors]
                parts += [_line(ring, close=True) for ring in rings if not ring.is_empty]
            elif part.geom_type == "LineString" and not part.is_empty:
                parts.append(_line(part, close=False))
            elif part.geom_type in {"GeometryCollection", "MultiLineString", "MultiPolygon"}:
                continue  # get_parts leaves none that has an extent
        return "".join(parts)


def _line(line: shapely.Geometry, *, close: bool) -> str:
    xy = shapely.get_coordinates(line)
    points = [f"{x:.1f} {y:.1f}" for x, y in (xy[:-1] if close else xy)]
    return "M" + "L".join(points) + ("Z" if close else "")


@dataclass
class Sheet:
    """An SVG picture under way.

    Attributes
    ----------
    width, height : [px].
    taken : places where nothing may stand any more.
    kept_free : places that are better left free, but may be written over where there is no other.
    """

    width: float
    height: float
    taken: list[Rect] = field(default_factory=list)
    kept_free: list[Rect] = field(default_factory=list)
    _parts: list[str] = field(default_factory=list)

    def add(self, markup: str) -> None:
        """Put markup on top of what is there."""
        self._parts.append(markup)

    def path(self, data: str, **style: object) -> None:
        """A path; names of attributes with `_` for `-`."""
        if data:
            self.add(f'<path d="{data}"{_attributes(style)}/>')

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 10.5,
        anchor: str = "start",
        colour: str | None = None,
        bold: bool = False,
        halo: bool = False,
    ) -> None:
        """A line of text by its base line."""
        paper = tokens("light")
        style: dict[str, object] = {
            "font_size": f"{size:g}", "text_anchor": anchor, "fill": colour or paper["ink"],
        }  # fmt: skip
        if bold:
            style["font_weight"] = 700
        if halo:
            style |= {"stroke": paper["panel"], "stroke_width": 3, "stroke_linejoin": "round",
                      "paint_order": "stroke"}  # fmt: skip
        self.add(f'<text x="{x:.1f}" y="{y:.1f}"{_attributes(style)}>{escape(text)}</text>')

    def place(self, spots: Sequence[tuple[float, float]], width: float, height: float,
              within: Rect) -> tuple[float, float] | None:  # fmt: skip
        """The first spot where something fits that nothing else has taken; None if there is none.

        Parameters
        ----------
        spots : centres, best first.
        width, height : how much room it needs.
        within : where it must lie.
        """
        for avoided in ([*self.taken, *self.kept_free], self.taken):
            for x, y in spots:
                box = box_around(x, y, width, height)
                if within.holds(box) and not any(box.hits(other) for other in avoided):
                    self.taken.append(box)
                    return x, y
        return None

    def svg(self, *, title: str) -> str:
        """The finished picture; it needs nothing from anywhere else."""
        fonts = escape(tokens("light")["font"], quote=True)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {self.height:g}" '
            f'role="img" aria-label="{escape(title, quote=True)}" font-family="{fonts}">'
            f"{''.join(self._parts)}</svg>"
        )


def _attributes(style: dict[str, object]) -> str:
    return "".join(
        f' {name.replace("_", "-")}="{escape(str(value), quote=True)}"'
        for name, value in style.items()
    )


def around(x: float, y: float, *, step: float, rings: int) -> list[tuple[float, float]]:
    """A point and places around it, the nearest first."""
    spots = [(x, y)]
    for ring in range(1, rings + 1):
        for turn in range(8):
            angle = turn * np.pi / 4
            reach = ring * step
            spots.append((x + reach * float(np.cos(angle)), y - reach * float(np.sin(angle))))
    return spots
