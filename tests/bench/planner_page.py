"""The planner's page in headless Chromium, on a store of its own: what a planner waits for.

A fictional city is made, published and served as anybody would serve it; a question is asked by
command, opened in the page, and its sites are moved by clicks on the map. Times are those of the
browser: from the event of the click to the frame that shows the new figures, through HTTP and
everything.
"""

from __future__ import annotations

import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support import browser as browsers

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

XINTU = str(Path(sys.executable).with_name("xintu"))
SIZE = {"width": 1440, "height": 900}
PATIENCE_MS = 120_000
SITES, WEEKS = 10, 20
MOVES, POINTS = 10, 5
TARGET_S = 0.5
PREFIX = "siting-canvas"

_READY = "() => document.documentElement.dataset.mapReady === 'true'"
_ANSWERED = "() => document.querySelector('.siting-sites > li') !== null"
# When a click came, when the figures after it were on the screen, when the map was.
_WATCH = """() => {
    const seen = window.planner = {};
    addEventListener('click', (event) => { seen.clicked = event.timeStamp; }, true);
    const painted = (name) => requestAnimationFrame(() => setTimeout(() => {
        seen[name] ??= performance.now();
    }));
    const box = document.getElementById('siting-moved-box');
    new MutationObserver(() => painted('figures')).observe(
        box, {childList: true, characterData: true, subtree: true});
    const root = document.documentElement;
    new MutationObserver(() => {
        if (root.dataset.mapReady === 'false') seen.began = true;
        else if (seen.began) painted('map');
    }).observe(root, {attributes: true, attributeFilter: ['data-map-ready']});
    window.planner.forget = () => {
        for (const name of ['clicked', 'figures', 'map', 'began']) delete seen[name];
    };
}"""
# Places on the screen that a click would hit: candidates by id, or ground without any.
_PLACES = """([prefix, wanted]) => {
    const {controllers, data} = window.xintuMap;
    const map = controllers.get(prefix + '-graph');
    const view = map.host.view();
    const box = document.getElementById(prefix + '-map').getBoundingClientRect();
    const at = (x, y) => [box.left + x, box.top + y];
    if (wanted === 'candidate') {
        const found = [];
        for (const p of map.view.points.filter((one) => one.role === 'candidate')) {
            const x = (data.mercatorX(p.lon) - view.x) * view.scale + view.width / 2;
            const y = (data.mercatorY(p.lat) - view.y) * view.scale + view.height / 2;
            const inside = x > 60 && y > 60 && x < view.width - 60 && y < view.height - 60;
            if (inside && map.overlay.hit(view, x, y)?.point?.id === p.id) found.push(at(x, y));
        }
        return found;
    }
    const areas = map.areas.get(map.level);
    const found = [];
    for (let x = 60; x < view.width - 60; x += 47) {
        for (let y = 60; y < view.height - 60; y += 41) {
            const mx = view.x + (x - view.width / 2) / view.scale;
            const my = view.y + (y - view.height / 2) / view.scale;
            if (!map.overlay.hit(view, x, y) && areas.pick(mx, my) >= 0) found.push(at(x, y));
        }
    }
    return found;
}"""
_TIMES = "() => [planner.figures - planner.clicked, planner.map - planner.clicked]"
_CHANGED = "() => planner.clicked && planner.figures && planner.map"


def rows(cells: int) -> list[dict[str, Any]]:
    """Measure the page of a city; one row a thing that somebody waits for."""
    path = browsers.find_chromium()
    if path is None:
        return [{"work": "the page", "note": f"skipped: no {' or '.join(browsers.PROGRAMS)}"}]
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        city = f"{folder}/city"
        _xintu("demo", city, "--cells", str(cells), "--weeks", str(WEEKS))
        _xintu("run", city)
        asked = [
            "site",
            city,
            "--p",
            str(SITES),
            "--source",
            "venue",
            "--source",
            "school",
            "--json",
        ]
        began = time.perf_counter()
        scenario = str(json.loads(_xintu(*asked))["scenario_id"])
        answered = _row(
            f"{SITES} sites among venues and schools: answer", [time.perf_counter() - began]
        )
        browser = playwright.chromium.launch(executable_path=path, args=list(browsers.ARGUMENTS))
        try:
            with _served(city) as address:
                page = browser.new_context(viewport=SIZE)
                return [answered, *measure(page, f"{address}/siting?scenario={scenario}")]
        finally:
            browser.close()


def measure(context: BrowserContext, address: str) -> list[dict[str, Any]]:
    """Look at an answer, move its sites, open it a second time."""
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    found: list[dict[str, Any]] = []
    began = time.perf_counter()
    page.goto(address)
    page.wait_for_function(_ANSWERED)
    page.wait_for_function(_READY)
    found.append(_row("open the page: answer and map", [time.perf_counter() - began]))
    page.evaluate(_WATCH)
    page.locator("[data-siting-pick]").first.click()
    _settled(page)
    for what, wanted, times in (
        ("candidate", "candidate", MOVES),
        ("free point", "ground", POINTS),
    ):
        clicks = [_click(page, wanted, at) for at in range(times + 1)]
        first, others = clicks[0], clicks[1:]
        name = f"site moved to a {what}: click to new figures"
        found.append(_row(f"{name}, the first time", [first[0]]))
        found.append(_row(name, [one[0] for one in others], within_s=TARGET_S))
        found.append(_row(f"site moved to a {what}: click to new map", [one[1] for one in others]))
    other = context.new_page()
    other.set_default_timeout(PATIENCE_MS)
    began = time.perf_counter()
    other.goto(page.url)
    other.wait_for_function(_ANSWERED)
    found.append(_row("a second tab: the answer", [time.perf_counter() - began]))
    other.wait_for_function(_READY)
    found.append(_row("a second tab: answer and map", [time.perf_counter() - began]))
    return found


def _click(page: Page, wanted: str, turn: int) -> tuple[float, float]:
    """Click another place of a kind; seconds to the new figures and to the new map."""
    places = page.evaluate(_PLACES, [PREFIX, wanted])
    x, y = places[(turn * 7919) % len(places)]
    page.evaluate("planner.forget()")
    page.mouse.click(x, y)
    page.wait_for_function(_CHANGED)
    figures_ms, map_ms = page.evaluate(_TIMES)
    _settled(page)
    return figures_ms / 1000, map_ms / 1000


def _settled(page: Page) -> None:
    page.wait_for_timeout(300)
    page.wait_for_function(_READY)
    page.wait_for_load_state("networkidle")


def _row(work: str, seconds: list[float], *, within_s: float = 0.0) -> dict[str, Any]:
    median, worst = statistics.median(seconds), max(seconds)
    told = f"{median:.2f} s" + (f", worst of {len(seconds)} {worst:.2f} s" * (len(seconds) > 1))
    met = "met" if median <= within_s else "MISSED"
    note = f"target {within_s:g} s: {met}" if within_s else ""
    return {"work": work, "ours": told, "peer": "–", "ratio": "", "note": note}


def _xintu(*arguments: str) -> str:
    done = subprocess.run([XINTU, *arguments], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


@contextmanager
def _served(city: str) -> Iterator[str]:
    """The city's pages and its planner's process, as `xintu serve` starts them."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [XINTU, "serve", city, "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        server.stdout.readline()  # says that it answers
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)
