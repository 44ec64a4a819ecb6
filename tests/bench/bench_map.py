"""The map beside Plotly's own choropleth layer: the same hexagons, classes and colours in one run.

Both are measured in headless Chromium on software rendering, from the start of the navigation to
MapLibre's "idle" with everything drawn (first picture), and from the change to idle (recolour).
`python -m tests.bench.bench_map` prints the rows.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dash import Dash, dcc, html

from dashboard.maproutes import register_routes
from dashboard.tokens import tokens
from tests.support import browser as browsers
from tests.support.map_app import ASSETS, INDEX, PREFIX, create_app, serving, view
from tests.support.synthetic_reader import WEEKS, SyntheticReader

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SIZE = {"width": 1920, "height": 1080}
PATIENCE_MS = 180_000
LAYER = "rate.hotline_calls"
FIRST_TARGET_S = {2_400: 3.0, 100_000: 6.0}
RECOLOUR_TARGET_S = {2_400: 0.3, 100_000: 0.7}

_READY = "document.documentElement.dataset.mapReady === 'true'"
_RECOLOUR = """async ([prefix, view]) => {
    const start = performance.now();
    dash_clientside.set_props(prefix + '-view', {data: view});
    const root = document.documentElement;
    const until = (ready) => new Promise((resolve) => {
        const look = () => root.dataset.mapReady === ready && resolve();
        new MutationObserver(look).observe(root, {attributes: true});
        look();
    });
    await until('false');
    await until('true');
    return performance.now() - start;
}"""
# Plotly's layer is on the screen at the first "idle" after its source was added.
_PEER_WATCH = """() => {
    const wait = setInterval(() => {
        const graph = document.querySelector('.js-plotly-plot');
        const map = graph?._fullLayout?.map?._subplot?.map;
        if (!map) return;
        clearInterval(wait);
        window.peer = {graph, map};
        map.on('idle', () => {
            const sources = Object.keys(map.getStyle().sources);
            const drawn = sources.some((id) => id.startsWith('source-'));
            if (drawn) window.firstMs ??= performance.now();
        });
    }, 5);
}"""
_PEER_RECOLOUR = """async (path) => {
    const start = performance.now();
    const bytes = new Uint8Array(await (await fetch(path)).arrayBuffer());
    const z = Array.from(bytes, (bits) => (bits === 15 ? 0 : bits >> 4 ? null : bits));
    const done = new Promise((resolve) => peer.map.once('idle', resolve));
    await Plotly.restyle(peer.graph, {z: [z]});
    peer.map.triggerRepaint();
    await done;
    return performance.now() - start;
}"""


def rows(quick: bool) -> list[dict[str, Any]]:
    """Measure both sides.

    Parameters
    ----------
    quick : only the 2 400 cells, fewer repetitions.

    Returns
    -------
    One row a piece of work, in seconds; ``ratio`` is how many times faster ours is.
    """
    path = browsers.find_chromium()
    if path is None:
        return [{"work": "map", "note": f"skipped: no {' or '.join(browsers.PROGRAMS)}"}]
    from playwright.sync_api import sync_playwright

    found: list[dict[str, Any]] = []
    with sync_playwright() as playwright:
        for cells in (2_400,) if quick else (2_400, 100_000):
            reader = SyntheticReader(cells)
            repeats = 1 if quick else (3 if cells < 10_000 else 2)

            def launch() -> Browser:
                arguments = list(browsers.ARGUMENTS)
                return playwright.chromium.launch(executable_path=path, args=arguments)

            found += _measure(reader, launch, cells, repeats)
    return found


def _measure(
    reader: SyntheticReader, launch: Callable[[], Browser], cells: int, repeats: int
) -> list[dict[str, Any]]:
    ours: tuple[list[float], ...] = ([], [])
    peer: tuple[list[float], ...] = ([], [])
    app = create_app(reader, layer=LAYER, level="grid", week=WEEKS[0])
    with serving(app) as url, serving(_peer_app(reader)) as peer_url:
        # One after the other, so that both see the same machine.
        for _ in range(repeats):
            _ours(launch, url, reader, ours)
            _peer(launch, peer_url, peer)
    n = len(reader.levels["grid"])
    words = ("first picture", "layer or week change")
    targets = (FIRST_TARGET_S[cells], RECOLOUR_TARGET_S[cells])
    return [
        _row(f"{word}, {f'{n:,}'.replace(',', ' ')} hexagons", mine, theirs, target)
        for word, mine, theirs, target in zip(words, ours, peer, targets, strict=True)
    ]


def _row(work: str, mine: list[float], theirs: list[float], target: float) -> dict[str, Any]:
    ours_s, peer_s = statistics.median(mine) / 1000, statistics.median(theirs) / 1000
    return {
        "work": work,
        "ours": round(ours_s, 2),
        "peer": round(peer_s, 2),
        "ratio": round(peer_s / ours_s, 1),
        "unit": "s",
        "note": f"choroplethmap; target {target} s {'met' if ours_s <= target else 'MISSED'}",
    }


def _ours(
    launch: Callable[[], Browser], url: str, reader: SyntheticReader, into: tuple[list[float], ...]
) -> None:
    def work(page: Page) -> None:
        page.wait_for_function(_READY, timeout=PATIENCE_MS)
        into[0].append(page.evaluate("performance.now()"))
        for week in WEEKS[1:4]:
            changed = view(reader, layer=LAYER, level="grid", week=week)
            into[1].append(page.evaluate(_RECOLOUR, [PREFIX, changed]))

    _open(launch, url, work)


def _peer(launch: Callable[[], Browser], url: str, into: tuple[list[float], ...]) -> None:
    def work(page: Page) -> None:
        page.wait_for_function("window.firstMs > 0", timeout=PATIENCE_MS)
        into[0].append(page.evaluate("window.firstMs"))
        for week in WEEKS[1:3]:
            path = f"/published/synthetic/grid/{LAYER}/{week}.bin"
            into[1].append(page.evaluate(_PEER_RECOLOUR, path))

    _open(launch, url, work, script=f"({_PEER_WATCH})()")


def _open(
    launch: Callable[[], Browser], url: str, work: Callable[[Page], None], *, script: str = ""
) -> None:
    browser = launch()
    try:
        page = browser.new_page(viewport=SIZE)
        page.set_default_timeout(PATIENCE_MS)
        page.add_init_script(script)
        page.goto(url)
        work(page)
    finally:
        browser.close()


def _peer_app(reader: SyntheticReader) -> Dash:
    """The same cells as Plotly's own layer, as a Dash page would show them."""
    west, south, east, north = reader.meta["levels"][0]["bounds"]
    classes = reader.layer("synthetic", "grid", LAYER, WEEKS[0]).classes
    colours = tokens().ramp("sequential")
    steps = [(k + side) / len(colours) for k in range(len(colours)) for side in (0, 1)]
    trace = {
        "type": "choroplethmap",
        "geojson": f"/published/geometry/{reader.meta['levels'][0]['geometry']['hash']}.geojson",
        "featureidkey": "properties.idx",
        "locations": list(range(len(classes))),
        "z": [None if c >> 4 else 0 if c == 15 else int(c) for c in classes.tolist()],
        "zmin": -0.5,
        "zmax": 4.5,
        "colorscale": [[step, colours[k // 2]] for k, step in enumerate(steps)],
        "showscale": False,
        "hoverinfo": "skip",
        "marker": {"line": {"width": 0}},
    }
    layout = {
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "hovermode": False,
        "map": {
            "style": "/assets/style.json",
            "center": {"lon": (west + east) / 2, "lat": (south + north) / 2},
            "zoom": 10.6,
        },
    }
    app = Dash("peer_app", assets_folder=str(ASSETS), assets_ignore=r".*\.(js|css)")
    app.index_string = INDEX
    app.layout = html.Div(
        dcc.Graph(
            figure={"data": [trace], "layout": layout},
            config={"displayModeBar": False},
            style={"height": "100%"},
        ),
        id="page",
    )
    register_routes(app.server, reader)
    return app


def main() -> None:
    """Print the rows."""
    for row in rows("--quick" in sys.argv):
        print(row, flush=True)


if __name__ == "__main__":
    main()
