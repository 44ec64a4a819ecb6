"""How fast geo is beside its peers: both sides in one run, equal answers checked first.

Memory is what a process holds at the most while it works, beyond what it held before.
"""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from access.fca import two_stage_fca
from access.weights import step_fn
from scipy.spatial import cKDTree

from geo.access import floating_catchment_points
from geo.cells import locate

STEPS_M = {1_500.0: 1.0, 3_000.0: 0.68, 5_000.0: 0.22}


TAINAN = Path(__file__).parents[3] / "shared" / "data" / "tainan" / "boundaries"


class Run(NamedTuple):
    """What a function returned, how long it took and how much memory it had at once."""

    result: Any
    seconds: float
    peak_mb: float


def measure(function: Callable[[], object], *, repeat: int) -> Run:
    """Best of several runs for the time; one more, in a process of its own, for the memory."""
    seconds = []
    result: object = None
    for _ in range(repeat):
        gc.collect()
        start = time.perf_counter()
        result = function()
        seconds.append(time.perf_counter() - start)
    return Run(result, min(seconds), peak_mb(function))


def peak_mb(function: Callable[[], object]) -> float:
    """Memory that a call takes beyond what the process holds, compiled code's arrays included."""
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)

    def work() -> None:
        # What earlier runs have freed but kept would be used again, and not be seen.
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # peak = what is held now
        before = _held_mb("VmRSS")
        function()
        send.send(_held_mb("VmHWM") - before)

    process = context.Process(target=work)
    process.start()
    send.close()
    peak: float = receive.recv()
    process.join()
    return peak


def _held_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(name)) / 1e3


def row(work: str, peer: str, theirs: Run, ours: Run) -> dict[str, object]:
    """One line of the table."""
    return {
        "work": work,
        "ours": f"{ours.seconds:.3g} s, {ours.peak_mb:,.0f} MB",
        "peer": f"{peer} {theirs.seconds:.3g} s, {theirs.peak_mb:,.0f} MB",
        "ratio": f"{theirs.seconds / ours.seconds:.3g}×",
    }


def access_row(
    *, n: int, m: int, side_m: float, decay: dict[float, float] | None
) -> dict[str, object]:
    """Floating catchment of 5 km from coordinates; the peer needs its pairs found first."""
    catchment_m = 5_000.0
    rng = np.random.default_rng(1)
    xy, sites = rng.uniform(0, side_m, (n, 2)), rng.uniform(0, side_m, (m, 2))
    demand, supply = rng.integers(1, 90, n).astype(float), rng.integers(1, 9, m).astype(float)

    def theirs() -> object:
        near = cKDTree(xy).sparse_distance_matrix(
            cKDTree(sites), catchment_m, output_type="ndarray"
        )
        costs = pd.DataFrame({"origin": near["i"], "dest": near["j"], "cost": near["v"]})
        found = two_stage_fca(
            pd.DataFrame({"geoid": np.arange(n), "demand": demand}),
            pd.DataFrame({"supply": supply}),
            costs,
            max_cost=catchment_m,
            weight_fn=None if decay is None else step_fn(decay),
        )
        return found.reindex(np.arange(n), fill_value=0.0).to_numpy()

    def ours() -> object:
        return floating_catchment_points(
            xy, demand, sites, supply, catchment_m=catchment_m, decay=decay
        )

    ours()
    fast, slow = measure(ours, repeat=3), measure(theirs, repeat=1)
    np.testing.assert_allclose(fast.result, slow.result, rtol=0, atol=1e-9)
    name = "2SFCA" if decay is None else "E2SFCA"
    return row(f"{name} {n:,} x {m:,}, 5 km", "pysal access", slow, fast)


def many_sites_row(*, n: int, m: int, side_m: float) -> dict[str, object]:
    """E2SFCA of so many sites that the pairs do not fit; the peer finds them in chunks, twice."""
    catchment_m = max(STEPS_M)
    rng = np.random.default_rng(1)
    xy, sites = rng.uniform(0, side_m, (n, 2)), rng.uniform(0, side_m, (m, 2))
    demand, supply = rng.integers(1, 90, n).astype(float), rng.integers(1, 9, m).astype(float)
    ends, weights = np.array(list(STEPS_M)), np.array(list(STEPS_M.values()))
    chunks = [slice(start, start + 50_000) for start in range(0, n, 50_000)]

    def near(tree: cKDTree, part: slice) -> Any:
        found = cKDTree(xy[part]).sparse_distance_matrix(tree, catchment_m, output_type="ndarray")
        return found["i"], found["j"], weights[np.searchsorted(ends, found["v"])]

    def theirs() -> object:
        tree, load, access = cKDTree(sites), np.zeros(m), np.zeros(n)
        for part in chunks:
            point, site, weight = near(tree, part)
            load += np.bincount(site, demand[part][point] * weight, minlength=m)
        ratio = np.divide(supply, load, out=np.zeros(m), where=load > 0)
        for part in chunks:
            point, site, weight = near(tree, part)
            size = len(access[part])
            access[part] = np.bincount(point, ratio[site] * weight, minlength=size)
        return access

    def ours() -> object:
        return floating_catchment_points(
            xy, demand, sites, supply, catchment_m=catchment_m, decay=STEPS_M
        )

    ours()
    fast, slow = measure(ours, repeat=3), measure(theirs, repeat=1)
    np.testing.assert_allclose(fast.result, slow.result, rtol=0, atol=1e-9)
    met = fast.seconds <= 1.0 and fast.peak_mb <= 500.0
    note = f"target 1 s, 500 MB {'met' if met else 'MISSED'}"
    return {**row(f"E2SFCA {n:,} x {m:,}, 5 km", "cKDTree in chunks", slow, fast), "note": note}


def locate_row(areas: gpd.GeoDataFrame, n_points: int, what: str) -> dict[str, object]:
    """Points to polygons with many vertices; one point in ten lies on a border."""
    rng = np.random.default_rng(3)
    west, south, east, north = areas.total_bounds
    xy = rng.uniform((west, south), (east, north), (n_points, 2))
    corners = shapely.get_coordinates(areas.geometry.to_numpy())
    xy[::10] = corners[rng.integers(0, len(corners), len(xy[::10]))]

    def theirs() -> object:
        points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*xy.T), crs=areas.crs)
        # A point on a border intersects several areas and is within none.
        found = points.sjoin(areas, how="left", predicate="intersects")["area_code"]
        return found.groupby(level=0).min().to_numpy(dtype=object)

    def ours() -> object:
        return locate(xy, areas).to_numpy(dtype=object)

    fast, slow = measure(ours, repeat=2), measure(theirs, repeat=1)
    pd.testing.assert_series_equal(pd.Series(fast.result), pd.Series(slow.result))
    work = f"locate {n_points:,} points in {len(areas):,} {what}"
    return {**row(work, "geopandas sjoin", slow, fast), "note": "no point in another area"}


def _wavy_areas(n_side: int) -> gpd.GeoDataFrame:
    shapes = _wavy_cells(n_side)
    codes = [f"{i:06}" for i in range(len(shapes))]
    return gpd.GeoDataFrame({"area_code": codes}, geometry=shapes, crs=32650)


def _real_areas() -> gpd.GeoDataFrame:
    """The small areas of the city that the tests read, where its files are at hand."""
    read = gpd.read_file(TAINAN / "tainan_basecode_12774.geojson").to_crs(3826)
    shapes = shapely.make_valid(read.geometry.to_numpy())
    codes = [f"{i:06}" for i in range(len(read))]
    return gpd.GeoDataFrame({"area_code": codes}, geometry=shapes, crs=3826)


def _wavy_cells(n_side: int) -> list[shapely.Polygon]:
    """Cells of a grid whose shared borders are waves of 40 vertices."""
    step = np.linspace(0.0, 100.0, 41)[:-1]
    wave = 6.0 * np.sin(step / 100.0 * 4 * np.pi)
    cells = []
    for x in np.arange(n_side) * 100.0:
        for y in np.arange(n_side) * 100.0:
            ring = np.concatenate(
                [
                    np.column_stack([x + step, y + wave]),
                    np.column_stack([x + 100.0 + wave, y + step]),
                    np.column_stack([x + 100.0 - step, y + 100.0 - wave]),
                    np.column_stack([x - wave, y + 100.0 - step]),
                ]
            )
            cells.append(shapely.Polygon(ring))
    return cells


def table(lines: list[dict[str, object]]) -> str:
    """The rows as text."""
    return pd.DataFrame(lines).to_string(index=False, float_format=lambda x: f"{x:,.4g}")


def rows(quick: bool) -> list[dict[str, object]]:
    """All rows of the table; small cases when `quick`."""
    n, m, side_m = (20_000, 200, 50_000.0) if quick else (1_000_000, 1_000, 100_000.0)
    points, side = (20_000, 10) if quick else (1_000_000, 100)
    found = [
        access_row(n=n, m=m, side_m=side_m, decay=None),
        access_row(n=n, m=m, side_m=side_m, decay=STEPS_M),
        many_sites_row(n=n, m=10 * m, side_m=side_m),
        locate_row(_wavy_areas(side), points, "areas of 160 vertices"),
    ]
    if TAINAN.is_dir():
        found.append(locate_row(_real_areas(), points, "areas of a real city"))
    return found


if __name__ == "__main__":
    print(table(rows("--quick" in sys.argv)))
