"""Ways over roads once more: every place where anybody may step on or off is a node of its own.

Slow and short: shapely says where the nearest places are and what a barrier is in the way of,
a heap does the rest. Only the network itself is taken from the product.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Sequence

import shapely

from geo.network import RoadNetwork

Arcs = dict[object, list[tuple[object, float]]]


def dijkstra(arcs: Arcs, start: object) -> dict[object, float]:
    """Costs from one node to all that can be got to."""
    found: dict[object, float] = {}
    heap: list[tuple[float, int, object]] = [(0.0, 0, start)]
    n = 0
    while heap:
        cost, _, node = heapq.heappop(heap)
        if node in found:
            continue
        found[node] = cost
        for other, more in arcs.get(node, []):
            if other not in found:
                n += 1
                heapq.heappush(heap, (cost + more, n, other))
    return found


def free(start: shapely.Point, stop: shapely.Point, barriers: Sequence[shapely.Geometry]) -> bool:
    """Whether a straight way between two points on dry land meets no barrier."""
    way = shapely.LineString([start, stop])
    return not any(way.intersects(barrier) for barrier in barriers)


def road_costs(
    network: RoadNetwork,
    minutes: tuple[Sequence[float], Sequence[float]],
    origins: Sequence[tuple[float, float]],
    sites: Sequence[tuple[float, float]],
    *,
    min_per_m: float,
    snap_m: float,
    free_m: float,
    barriers: Sequence[shapely.Geometry] = (),
) -> list[list[float]]:
    """Minutes from each origin to each site; infinite where there is no way."""
    forward, backward = minutes
    arcs, on_edge, to_road = _walks(
        network,
        minutes,
        origins,
        sites,
        min_per_m=min_per_m,
        snap_m=snap_m,
        free_m=free_m,
        barriers=barriers,
    )
    for e, shares in on_edge.items():
        ordered = sorted(shares)
        for a, b in itertools.pairwise(ordered):
            if not math.isinf(forward[e]):
                arcs.setdefault((e, a), []).append(((e, b), forward[e] * (b - a)))
            if not math.isinf(backward[e]):
                arcs.setdefault((e, b), []).append(((e, a), backward[e] * (b - a)))
        for share, node in zip((0.0, 1.0), network.ends[e], strict=True):
            arcs.setdefault((e, share), []).append((("node", int(node)), 0.0))
            arcs.setdefault(("node", int(node)), []).append(((e, share), 0.0))
    costs = []
    for i, origin in enumerate(origins):
        found = dijkstra(arcs, ("from", i))
        row = []
        for j, site in enumerate(sites):
            best = found.get(("to", j), math.inf)
            start, stop = shapely.Point(origin), shapely.Point(site)
            far = max(free_m, to_road["from", i], to_road["to", j])
            if start.distance(stop) <= min(snap_m, far) and free(start, stop, barriers):
                best = min(best, start.distance(stop) * min_per_m)
            row.append(best)
        costs.append(row)
    return costs


def _walks(
    network: RoadNetwork,
    minutes: tuple[Sequence[float], Sequence[float]],
    origins: Sequence[tuple[float, float]],
    sites: Sequence[tuple[float, float]],
    *,
    min_per_m: float,
    snap_m: float,
    free_m: float,
    barriers: Sequence[shapely.Geometry],
) -> tuple[Arcs, dict[int, set[float]], dict[tuple[str, int], float]]:
    """Walks between points and roads, where on the edges they end, metres to the main one."""
    forward, backward = minutes
    arcs: Arcs = {}
    on_edge: dict[int, set[float]] = {e: {0.0, 1.0} for e in range(len(network.edge_m))}
    points = [("from", i, shapely.Point(xy)) for i, xy in enumerate(origins)]
    points += [("to", j, shapely.Point(xy)) for j, xy in enumerate(sites)]
    to_road: dict[tuple[str, int], float] = {}
    for role, number, point in points:
        ways = []
        for s, (x0, y0, x1, y1) in enumerate(network.segments):
            e = int(network.segment_edge[s])
            if math.isinf(forward[e]) and math.isinf(backward[e]):
                continue
            piece = shapely.LineString([(x0, y0), (x1, y1)])
            along = piece.project(point)
            place = piece.interpolate(along)
            if place.distance(point) <= snap_m and free(point, place, barriers):
                share = min((network.segment_from_m[s] + along) / network.edge_m[e], 1.0)
                ways.append((place.distance(point), e, share))
        main = [way[0] for way in ways if network.piece[network.ends[way[1]][0]] == 0]
        nearest = min(main, default=math.inf)
        to_road[role, number] = nearest
        for metres, e, share in ways:
            if metres > max(free_m, nearest + 1e-6):
                continue
            on_edge[e].add(share)
            walk = metres * min_per_m
            if role == "from":
                arcs.setdefault(("from", number), []).append(((e, share), walk))
            else:
                arcs.setdefault((e, share), []).append((("to", number), walk))
    return arcs, on_edge, to_road


def k_nearest(costs: Sequence[Sequence[float]], k: int, limit: float) -> list[list[float]]:
    """The k smallest costs of each column's node, from one row a site."""
    nodes = range(len(costs[0])) if costs else range(0)
    return [sorted(row[v] for row in costs if row[v] <= limit)[:k] for v in nodes]
