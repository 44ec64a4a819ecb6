"""The land: outline, river, streams, reservoir, hills, and where people settle on it.

Everything is in metres east and north of the apex of the river's central bend.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from etl.demo.plan import TOWNS, Land

Floats = NDArray[np.float64]

# The river's meanders are sine-generated curves (Langbein & Leopold 1966, USGS Prof. Paper 422-H).
MEANDER_LENGTH_M = 10_500.0
MEANDER_ANGLE = np.radians(64.0)
RIVER_HEADING = np.radians(-19.0)
RIVER_WIDTH_M = (85.0, 175.0)
STREAM_WIDTH_M = (14.0, 42.0)
HILLWARD = np.array([-0.72, 0.70])


class Noise:
    """Smooth random field with mean 0 and standard deviation 1.

    Parameters
    ----------
    rng : generator; the field is fixed by its state.
    length_m : longest wavelength [m].
    octaves : each halves the wavelength; amplitudes fall by `roughness`.
    roughness : amplitude ratio from one octave to the next.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        *,
        length_m: float,
        octaves: int = 3,
        roughness: float = 0.55,
        modes: int = 13,
    ) -> None:
        angle = rng.uniform(0, 2 * np.pi, (octaves, modes))
        stretch = rng.uniform(0.75, 1.3, (octaves, modes))
        wave = 2 * np.pi / length_m * 2.0 ** np.arange(octaves)[:, None] * stretch
        self._waves = np.stack([wave * np.cos(angle), wave * np.sin(angle)], axis=-1).reshape(-1, 2)
        self._phases = rng.uniform(0, 2 * np.pi, octaves * modes)
        power = np.repeat(roughness ** np.arange(octaves), modes)
        self._amplitudes = power / np.sqrt((power**2).sum() / 2)

    def __call__(self, xy: Floats) -> Floats:
        """Field at points of shape (n, 2)."""
        total = np.zeros(len(xy))
        for wave, phase, amplitude in zip(self._waves, self._phases, self._amplitudes, strict=True):
            total += amplitude * np.cos(xy @ wave + phase)
        return total


@dataclass(frozen=True)
class Terrain:
    """The land of the city; see the functions that make its parts."""

    outline: shapely.Polygon
    river: shapely.LineString
    streams: tuple[shapely.LineString, ...]
    river_area: shapely.Polygon
    stream_areas: tuple[shapely.Polygon, ...]
    reservoir: shapely.Polygon
    relief: Noise
    hamlets: Noise
    fabric: Noise
    sway: tuple[Noise, Noise]

    def hilliness(self, xy: Floats) -> Floats:
        """From 0 in the plain to 1 in the hills."""
        along = xy @ HILLWARD / 1000.0 + 2.0 * self.relief(xy)
        return np.asarray(1 / (1 + np.exp(-(along - 7.5) / 1.7)))

    def settlement(self, xy: Floats) -> Floats:
        """Persons per km² by kind of settlement, before scaling; shape (n, len(Land))."""
        density = np.zeros((len(xy), len(Land)))
        hill = self.hilliness(xy)
        ragged = np.exp(0.32 * self.fabric(xy))
        swayed = xy + 420 * np.column_stack([noise(xy) for noise in self.sway])
        for town in TOWNS:
            dx, dy = (swayed - 1000 * np.array([town.x_km, town.y_km])).T
            turn = np.radians(town.grain_deg)
            along = dx * np.cos(turn) + dy * np.sin(turn)
            across = dy * np.cos(turn) - dx * np.sin(turn)
            ratio = np.hypot(along / 1.25, across * 1.25) / (town.spread_km * 1000)
            # A flat top and a soft edge: built-up areas end, bell curves do not.
            density[:, town.land] += town.peak * np.exp(-0.5 * ratio**2.6) * ragged
        # Ribbons: people live near rivers in the hills, and near the city in the plain.
        centre = np.exp(-0.5 * (np.hypot(xy[:, 0] - 1500, xy[:, 1]) / 6500) ** 2)
        rural = np.exp(0.55 * self.hamlets(xy))
        density[:, Land.PLAIN] += (1 - hill) * (270 + 420 * centre) * rural
        density[:, Land.HILL] += hill * 92 * rural
        return density

    def from_river(self, xy: Floats) -> Floats:
        """Distance of points from the river's middle line [m], to a few metres."""
        vertices = shapely.get_coordinates(shapely.segmentize(self.river, 25.0))
        return np.asarray(cKDTree(vertices).query(xy)[0])

    def water(self) -> shapely.MultiPolygon:
        """All water as one geometry."""
        parts = [self.river_area, *self.stream_areas, self.reservoir]
        return shapely.MultiPolygon([p for p in parts if not p.is_empty])


def _outline(rng: np.random.Generator) -> shapely.Polygon:
    """An organic ring around all towns."""
    theta = np.linspace(0, 2 * np.pi, 2160, endpoint=False)
    # A rounded oblong, pushed about by a rough field: bays and spurs of every size.
    power = (np.abs(np.cos(theta)) ** 2.3 + np.abs(np.sin(theta)) ** 2.3) ** (-1 / 2.3)
    ring = np.column_stack(
        [19_200 * power * np.cos(theta + 0.16) - 600, 15_900 * power * np.sin(theta + 0.16) - 300]
    )
    pushes = [Noise(rng, length_m=15_000, octaves=5, roughness=0.62, modes=11) for _ in range(2)]
    ring += 1_500 * np.column_stack([push(ring) for push in pushes])
    centres = shapely.MultiPoint([(t.x_km * 1000, t.y_km * 1000) for t in TOWNS])
    area = shapely.union(shapely.make_valid(shapely.Polygon(ring)), centres.buffer(2_700))
    # Rounded by what a cell can follow: necks are filled and spikes cut.
    area = area.buffer(700).buffer(-1_200).buffer(500)
    return shapely.Polygon(largest_polygon(area).exterior)


def largest_polygon(area: shapely.Geometry) -> shapely.Polygon:
    """The largest polygon of a geometry."""
    parts = [part for part in shapely.get_parts(area) if isinstance(part, shapely.Polygon)]
    return max(parts, key=lambda part: part.area)


def _meander(
    rng: np.random.Generator,
    *,
    length_m: float,
    wave_m: float,
    angle: float,
    heading: float,
    calm_m: float,
    step_m: float = 60.0,
) -> Floats:
    """A sine-generated curve through the origin; irregular beyond `calm_m` from it."""
    s = np.arange(-length_m, length_m + step_m, step_m)
    far = np.clip((np.abs(s) - calm_m) / 9_000, 0, 1)
    drift = rng.uniform(0, 2 * np.pi, 4)
    wander = 0.22 * np.sin(s / 8_300 + drift[0]) + 0.16 * np.sin(s / 4_900 + drift[1])
    phase = 2 * np.pi * s / wave_m + far * (
        1.2 * np.sin(s / 6_100 + drift[2]) + 0.8 * np.sin(s / 3_700 + drift[3])
    )
    bend = angle * (1 - 0.28 * far) * np.sin(phase)
    direction = heading + bend + far * wander
    steps = step_m * np.column_stack([np.cos(direction), np.sin(direction)])
    path = np.vstack([[0.0, 0.0], np.cumsum(steps, axis=0)[:-1]])
    return np.asarray(path - path[np.argmin(np.abs(s))])


def _ribbon(line: Floats, width_m: Floats) -> shapely.Polygon:
    """A polygon of varying width along a line."""
    tangent = np.gradient(line, axis=0)
    normal = np.column_stack([-tangent[:, 1], tangent[:, 0]])
    normal /= np.hypot(normal[:, 0], normal[:, 1])[:, None]
    half = width_m[:, None] / 2
    ring = np.vstack([line + normal * half, (line - normal * half)[::-1]])
    area = shapely.Polygon(ring)
    return area if area.is_valid else shapely.make_valid(area).buffer(0)


def _stream(
    rng: np.random.Generator, source: tuple[float, float], mouth: Floats, sway: float
) -> Floats:
    """A smaller watercourse from its source down to the river."""
    start = np.asarray(source, dtype=np.float64)
    t = np.linspace(0, 1, 260)
    line = start + t[:, None] * (mouth - start)
    across = np.array([-(mouth - start)[1], (mouth - start)[0]])
    across /= np.hypot(*across)
    order = np.arange(1, 12)
    phases = rng.uniform(0, 2 * np.pi, len(order))
    swing = (order[:, None] ** -0.9 * np.sin(np.pi * order[:, None] * t + phases[:, None])).sum(0)
    # Both ends are tied down.
    swing = (swing - swing[0] * (1 - t) - swing[-1] * t) * sway
    return np.asarray(line + swing[:, None] * across)


def _reservoir(stream: Floats, rng: np.random.Generator) -> shapely.Polygon:
    """Drowned valleys behind a dam: wide at the dam, with arms upstream."""
    stem = stream[104:156]
    arms = [_ribbon(stem, np.linspace(180, 560, len(stem)))]
    for at, turn, reach in (
        (4, 1.0, 1500.0),
        (12, -1.0, 1250.0),
        (20, 1.2, 1700.0),
        (30, -1.2, 1500.0),
        (38, 1.1, 1100.0),
    ):
        heading = np.arctan2(*(stem[at] - stem[at + 4])[::-1]) + turn * rng.uniform(0.6, 1.0)
        bow = rng.uniform(-0.9, 0.9)
        steps = np.linspace(0, 1, 12)
        angle = heading + bow * steps
        arm = stem[at] + reach * np.cumsum(
            np.column_stack([np.cos(angle), np.sin(angle)]) / 12, axis=0
        )
        arms.append(_ribbon(arm, np.linspace(430, 70, 12)).buffer(25))
    arms.append(shapely.Point(stem[-9]).buffer(480))
    lake = shapely.union_all(arms).buffer(90).buffer(-150).buffer(60)
    return largest_polygon(lake)


def make_terrain(rng: np.random.Generator) -> Terrain:
    """Draw the land of one seed."""
    outline = _outline(rng)
    line = _meander(
        rng,
        length_m=44_000,
        wave_m=MEANDER_LENGTH_M,
        angle=MEANDER_ANGLE,
        heading=RIVER_HEADING,
        calm_m=5_500,
    )
    inside = np.hypot(line[:, 0], line[:, 1]) < 27_000
    first, last = np.flatnonzero(inside)[[0, -1]]
    line = line[first : last + 1]
    width = np.linspace(*RIVER_WIDTH_M, len(line)) * (
        1 + 0.22 * np.sin(np.arange(len(line)) / 9.0 + rng.uniform(0, 6))
    )
    mouths = [line[int(len(line) * share)] for share in (0.40, 0.33, 0.64)]
    sources = ((-8_200.0, 18_500.0), (-17_500.0, -11_500.0), (8_500.0, 18_500.0))
    streams = [
        _stream(rng, source, mouth, 900.0) for source, mouth in zip(sources, mouths, strict=True)
    ]
    widths = np.linspace(*STREAM_WIDTH_M, 260)
    return Terrain(
        outline=outline,
        river=shapely.LineString(line),
        streams=tuple(shapely.LineString(stream) for stream in streams),
        river_area=_ribbon(line, width),
        stream_areas=tuple(_ribbon(stream, widths) for stream in streams),
        reservoir=_reservoir(streams[0], rng),
        relief=Noise(rng, length_m=21_000, octaves=3),
        hamlets=Noise(rng, length_m=4_200, octaves=3, roughness=0.8),
        fabric=Noise(rng, length_m=2_600, octaves=3, roughness=0.7),
        sway=(Noise(rng, length_m=5_200), Noise(rng, length_m=5_200)),
    )
