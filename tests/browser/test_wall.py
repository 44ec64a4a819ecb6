"""The wall in a browser: every size, the tour, no leak, a server that goes and comes back."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from werkzeug.serving import BaseWSGIServer, make_server

from dashboard.app import create_app
from etl.store.reader import Reader
from tests.support import published_store
from tests.support.browser import PageWatch
from tests.support.dashboard_pages import NOW
from tests.support.published_store import FACTS

if TYPE_CHECKING:
    from playwright.sync_api import Page

SHOWN = "() => document.querySelector('.wall')?.dataset.aimed === '1'"
SECOND_ID = "2026-W46-test0002"
LIMIT_MS = 60_000


class Served:
    """The application on a port of its own, which can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.url = published_store.publish(folder)
        self.database = folder / "xintu.db"
        self.app = create_app(Reader(self.url), now=lambda: NOW).server
        self.port = 0
        self.start()

    def start(self) -> None:
        self.server: BaseWSGIServer = make_server("127.0.0.1", self.port, self.app, threaded=True)
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def address(self, choices: str) -> str:
        return f"http://127.0.0.1:{self.port}/wall?{choices}"

    def publish_again(self) -> None:
        """A second snapshot with the same content, an hour younger."""
        with sqlite3.connect(self.database) as connection:
            for table in ("snapshot", "layer", "site", "warning", "table"):
                names = [
                    row[1] for row in connection.execute(f"PRAGMA table_info(published_{table})")
                ]
                columns = ", ".join(f'"{name}"' for name in names)
                picked = columns.replace('"snapshot_id"', f"'{SECOND_ID}'").replace(
                    '"published_at_utc"', "'2026-11-16 01:05:00.000000'"
                )
                connection.execute(
                    f"INSERT INTO published_{table} ({columns}) "
                    f"SELECT {picked} FROM published_{table} WHERE snapshot_id = ?",
                    (FACTS.snapshot_id,),
                )
        connection.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    server = Served(tmp_path)
    yield server
    server.stop()


def open_wall(page: Page, address: str) -> None:
    page.clock.set_fixed_time(NOW)
    page.goto(address)
    page.wait_for_function(SHOWN, timeout=LIMIT_MS)


def text_of(page: Page, selector: str) -> str:
    return page.locator(selector).first.inner_text()


# What a person would see as broken: text cut off or on top of other text, panels outside.
FAULTS = """(scrolls) => {
    const faults = [];
    // A row of the ranking without room goes into a second column, which the list clips away whole.
    const clipped = (one) => {
        const list = one.closest('.wall-ranking ol');
        return list && one.getBoundingClientRect().left >= list.getBoundingClientRect().right;
    };
    const shown = (one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !clipped(one);
    const rows = [...document.querySelectorAll('.wall-ranking li')].filter(shown).length;
    if (!scrolls && shown(document.querySelector('.wall-ranking')) && rows < 3) faults.push(`${rows} rows of the ranking`);
    for (const one of document.querySelectorAll('.wall h1, .wall p, .wall h2, .wall h3, .wall li, .wall strong')) {
        if (!shown(one)) continue;
        const box = one.getBoundingClientRect();
        const name = `${one.className || one.tagName} "${one.textContent.slice(0, 20)}"`;
        if (one.scrollWidth > one.clientWidth + 2 && getComputedStyle(one).display !== 'inline')
            faults.push(`${name} is cut off`);
        if (box.left < -1 || box.right > innerWidth + 1) faults.push(`${name} leaves the screen sideways`);
        if (!scrolls && (box.top < -1 || box.bottom > innerHeight + 1)) faults.push(`${name} leaves the screen`);
    }
    const boxes = ['.wall-head', '.wall-figures', '.wall-free', '.wall-tiers', '.wall-ranking', '.wall-tour', '.wall-legends', '.wall-foot']
        .map((name) => [name, document.querySelector(name)])
        .filter(([, one]) => one && shown(one))
        .map(([name, one]) => [name, one.getBoundingClientRect()]);
    for (const [a, p] of boxes) for (const [b, q] of boxes) {
        const over = Math.min(p.right, q.right) - Math.max(p.left, q.left) > 2
            && Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top) > 2;
        if (a < b && over && ![a, b].includes('.wall-free')) faults.push(`${a} lies over ${b}`);
    }
    const free = document.querySelector('.wall-free').getBoundingClientRect();
    if (free.width < innerWidth * 0.2 || free.height < innerHeight * 0.2) faults.push('no room for the map');
    return faults;
}"""  # noqa: E501


SIZES = ((1920, 1080), (1366, 768), (3840, 2160), (6656, 1792), (540, 720), (390, 844))


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_nothing_is_cut_off(page_watch: PageWatch, served: Served, lang: str) -> None:
    page = page_watch.page
    # Layout is the same over both renderers; the canvas draws a wall of 12 million pixels sooner.
    open_wall(page, served.address(f"pause=1&flat=1&lang={lang}"))
    faults: dict[str, list[str]] = {}
    for width, height in SIZES:
        page.evaluate("document.querySelector('.wall').dataset.aimed = '0'")
        page.set_viewport_size({"width": width + 2, "height": height})
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function(SHOWN, timeout=LIMIT_MS)
        faults[f"{width}x{height}"] = page.evaluate(FAULTS, width == 390)
    assert {size: found for size, found in faults.items() if found} == {}
    page_watch.assert_quiet()


def test_it_says_what_the_snapshot_says(page_watch: PageWatch, served: Served) -> None:
    page = page_watch.page
    open_wall(page, served.address("pause=1"))
    title = text_of(page, ".wall-title").replace("\u00a0", " ")
    assert title.startswith("柳溪镇 3 个村（社区）步行 15 分钟内没有心理咨询室")
    assert "演示数据" in text_of(page, ".wall-name")
    assert "内部工作提示" in text_of(page, ".wall-name")
    assert FACTS.snapshot_id in text_of(page, ".wall-foot")
    assert text_of(page, ".wall-time") == "09:00"
    assert "数据截至 2026年11月15日" in text_of(page, ".wall-age")
    assert text_of(page, ".wall-age-days") == "1 天前"
    assert page.locator(".wall-age").get_attribute("data-level") == "fresh"
    counts = [one.inner_text() for one in page.locator(".wall-tier strong").all()]
    assert counts == ["1", "1", "1", "1"]
    page_watch.assert_quiet()


def test_old_data_change_colour(page_watch: PageWatch, served: Served) -> None:
    page = page_watch.page
    open_wall(page, served.address("pause=1&flat=1"))
    for days, level in ((2, "fresh"), (9, "fresh"), (10, "amber"), (16, "amber"), (17, "red")):
        page.clock.set_fixed_time(NOW + timedelta(days=days - 1))
        told = page.locator(".wall-age-days").filter(has_text=re.compile(rf"\b{days}\b"))
        told.wait_for()
        assert page.locator(".wall-age").get_attribute("data-level") == level
    page_watch.assert_quiet()


def test_without_webgl_it_draws_as_well(page_watch: PageWatch, served: Served) -> None:
    page = page_watch.page
    open_wall(page, served.address("pause=1&flat=1"))
    assert page.locator(".xmap").get_attribute("data-renderer") == "flat"
    page_watch.assert_quiet()


def test_the_tour_goes_on_and_waits_for_a_hand(page_watch: PageWatch, served: Served) -> None:
    page = page_watch.page
    page.goto(served.address("tour=4&refresh=600"))
    wall = page.locator(".wall")
    page.wait_for_function(
        "() => document.querySelector('.wall')?.dataset.at === '1'", timeout=LIMIT_MS
    )
    assert "云上村" in text_of(page, ".wall-stop[data-active]")
    assert page.locator(".wall-stop[data-active]").count() == 1
    page.mouse.move(400, 600)
    page.wait_for_function("() => document.querySelector('.wall').dataset.held === '1'")
    at = wall.get_attribute("data-at")
    page.wait_for_timeout(5000)
    assert wall.get_attribute("data-at") == at
    page_watch.assert_quiet()


def test_a_hundred_steps_leave_nothing_behind(page_watch: PageWatch, served: Served) -> None:
    """The form of a soak test that fits in a test run: the heap after 40 steps, and 120 later."""
    page = page_watch.page
    page.goto(served.address("tour=600&refresh=600"))
    page.wait_for_function(SHOWN, timeout=LIMIT_MS)
    devtools = page.context.new_cdp_session(page)

    def walk(steps: int) -> float:
        for _ in range(steps):
            page.keyboard.press("ArrowRight")
            page.wait_for_timeout(80)
        page.wait_for_function("() => document.documentElement.dataset.mapReady === 'true'")
        devtools.send("HeapProfiler.collectGarbage")
        return float(devtools.send("Runtime.getHeapUsage")["usedSize"]) / 1e6

    def counts() -> list[int]:
        found: list[int] = page.evaluate(
            """() => [document.querySelectorAll('*').length, document.querySelectorAll('canvas').length,
                Object.keys(xintuMap.controllers.get('wall-graph').host.map.getStyle().sources).length]"""  # noqa: E501
        )
        return found

    walk(40)
    before, counted = walk(1), counts()
    after = walk(120)
    assert after - before < 6, f"{before:.1f} MB → {after:.1f} MB in 120 steps"
    nodes, canvases, sources = counts()
    assert (canvases, sources) == (counted[1], counted[2])
    assert abs(nodes - counted[0]) <= 20
    page_watch.assert_quiet()


def test_the_last_frame_stays_while_the_server_is_away(
    page_watch: PageWatch, served: Served
) -> None:
    page = page_watch.page
    page.goto(served.address("tour=600&refresh=5"))
    page.wait_for_function(SHOWN, timeout=LIMIT_MS)
    title = text_of(page, ".wall-title")
    served.stop()
    try:
        page.locator(".wall-offline").wait_for(state="visible", timeout=30_000)
        assert "最后更新" in text_of(page, ".wall-offline")
        assert text_of(page, ".wall-title") == title
    finally:
        served.start()
    page.locator(".wall-offline").wait_for(state="hidden", timeout=30_000)
    assert not page_watch.strangers
    # The browser itself logs a refused connection; nothing else may be there.
    assert all("ERR_CONNECTION_REFUSED" in line for line in page_watch.complaints)
    assert all(line.endswith("/wall/state") for line in page_watch.failures)


def test_a_new_snapshot_comes_by_itself(page_watch: PageWatch, served: Served) -> None:
    page = page_watch.page
    page.goto(served.address("tour=600&refresh=5"))
    page.wait_for_function(SHOWN, timeout=LIMIT_MS)
    page.evaluate("window.sameDocument = true")
    served.publish_again()
    page.locator(f".wall-foot[data-snapshot='{SECOND_ID}']").wait_for(timeout=30_000)
    page.wait_for_function(SHOWN, timeout=LIMIT_MS)
    shown = "xintuMap.controllers.get('wall-graph').view.snapshot"
    page.wait_for_function(f"() => {shown} === '{SECOND_ID}'", timeout=LIMIT_MS)
    assert page.evaluate("window.sameDocument")
    page_watch.assert_quiet()


def test_a_new_program_is_loaded_once(page_watch: PageWatch, served: Served) -> None:
    page = page_watch.page
    page.goto(served.address("tour=600&refresh=5&flat=1"))
    page.wait_for_function(SHOWN, timeout=LIMIT_MS)
    older = "window.sameDocument = true; document.querySelector('.wall').dataset.version = 'older'"
    page.evaluate(older)
    page.wait_for_function("() => !window.sameDocument", timeout=30_000)
    page.wait_for_function(SHOWN, timeout=LIMIT_MS)
    # Were it the same again afterwards, there is no second time: no wall that loads for ever.
    page.evaluate(older)
    page.wait_for_timeout(7000)
    assert page.evaluate("window.sameDocument")
    page_watch.assert_quiet()
