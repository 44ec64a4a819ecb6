"""Scenarios in a browser: ticked in their list, side by side, two maps that move together."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Locator, Page, expect
from werkzeug.serving import make_server

from dashboard import siting_map
from dashboard.app import create_app
from etl.store.reader import Reader
from tests.support.browser import PageWatch
from tests.support.scenarios import NOW, WORKER, Planned, plan

pytest_plugins = ("tests.support.dashboard_fixtures",)

READY = "html[data-map-ready=true]"
CAMERAS = """() => ['compare-a', 'compare-b'].map((name) => {
  const { x, y, zoom } = window.xintuMap.controllers.get(name + '-graph').host.view();
  return [x.toFixed(7), y.toFixed(7), zoom.toFixed(4)].join(' ');
})"""
CLASSES = """(side) => [...window.xintuMap.controllers.get(`compare-${side}-graph`).classes]"""


@dataclass(frozen=True)
class Served:
    """Where the application is served, and its scenarios."""

    address: str
    planned: Planned

    def compare(self, a: str, b: str, **more: str) -> str:
        """Address of two scenarios by what they are."""
        ids = self.planned.ids
        keys = {"a": ids[a], "b": ids[b], **more}
        query = "&".join(f"{key}={value}" for key, value in keys.items())
        return f"{self.address}/siting/compare?{query}"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A store of its own: the list changes it."""
    planned = plan(tmp_path)
    app = create_app(Reader(planned.url), now=lambda: NOW, planner=planned.desk)
    server = make_server("127.0.0.1", 0, app.server, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Served(f"http://127.0.0.1:{server.server_port}", planned)
    server.shutdown()
    thread.join()
    server.server_close()


def row_of(page: Page, scenario_id: str) -> Locator:
    """The row of a scenario in the list."""
    return page.locator(f'[data-scenario="{scenario_id}"]')


def drag(page: Page, box: str, x: float, y: float) -> None:
    """Drag a map by so many pixels."""
    found = page.locator(box).bounding_box()
    assert found is not None
    middle = (found["x"] + found["width"] / 2, found["y"] + found["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + x / 2, middle[1] + y / 2, steps=4)
    page.mouse.move(middle[0] + x, middle[1] + y, steps=4)
    page.mouse.up()


def wait_together(page: Page, *, other_than: str) -> str:
    """The camera that both maps have come to, which is not that of before."""
    page.wait_for_function(
        f"(before) => {{ const [a, b] = ({CAMERAS})(); return a === b && a !== before; }}",
        arg=other_than,
    )
    page.wait_for_timeout(700)  # a hand's throw goes on for a moment
    first, second = page.evaluate(CAMERAS)
    assert first == second
    return str(first)


@pytest.mark.parametrize("flat", ["0", "1"])
def test_two_maps_move_together_whichever_is_moved(
    page_watch: PageWatch, served: Served, flat: str
) -> None:
    page = page_watch.page
    page.set_viewport_size({"width": 1366, "height": 900})
    page.goto(served.compare("four", "six", flat=flat))
    page.locator(READY).wait_for(state="attached", timeout=60_000)
    renderer = page.locator("#compare-a-map").get_attribute("data-renderer")
    assert renderer == ("flat" if flat == "1" else "webgl")
    for side, key in (("a", "four"), ("b", "six")):
        state = served.planned.desk.result(served.planned.ids[key]).cells["state"]
        assert page.evaluate(CLASSES, side) == list(siting_map.cell_fills(state))
    first, second = page.evaluate(CAMERAS)
    assert first == second
    drag(page, "#compare-a-map", 120, 60)
    moved = wait_together(page, other_than=first)
    drag(page, "#compare-b-map", -60, -80)
    again = wait_together(page, other_than=moved)
    page.locator("#compare-b-map").hover()
    page.mouse.wheel(0, -600)
    zoomed = wait_together(page, other_than=again)
    assert float(zoomed.split()[2]) > float(again.split()[2])
    page_watch.assert_quiet()


def test_both_stand_in_the_address_whatever_is_chosen(
    page_watch: PageWatch, served: Served, tmp_path: Path
) -> None:
    page, ids = page_watch.page, served.planned.ids
    page.goto(served.compare("four", "six", flat="1"))
    expect(page.locator("h1")).to_contain_text("方案乙多建")
    page.get_by_role("link", name="甲乙互换").click()
    expect(page.locator("h1")).to_contain_text("方案甲多建")
    assert f"a={ids['six']}&b={ids['four']}" in page.url
    page.locator("#compare-b-choice").click()
    page.get_by_role("option", name="四处，半小时内").click()
    expect(page.locator("h1")).to_contain_text("口径不同")
    assert f"b={ids['far']}" in page.url
    with page.expect_download() as waiting:
        page.get_by_role("link", name="导出 Excel").click()
    target = tmp_path / "compare.xlsx"
    waiting.value.save_as(target)
    assert openpyxl.load_workbook(target).sheetnames == ["说明", "相差"]
    page.reload()
    expect(page.locator("h1")).to_contain_text("口径不同")
    page_watch.assert_quiet()


def test_what_is_still_worked_out_shows_how_far_it_is(
    page_watch: PageWatch, served: Served
) -> None:
    page, planned = page_watch.page, served.planned
    page.goto(served.compare("four", "running", flat="1"))
    state = page.locator(".compare-state.is-live")
    expect(state).to_contain_text("正在计算 40%")
    store = planned.desk._scenarios
    store.beat(planned.ids["running"], WORKER, now=NOW, progress=0.7)
    expect(state).to_contain_text("正在计算 70%", timeout=15_000)
    answer = planned.desk.result(planned.ids["six"])
    done = {"state": "done", "meta": answer.meta, "answer": answer.to_bytes()}
    assert store.end(planned.ids["running"], WORKER, now=NOW, **done)
    expect(page.locator("h1")).to_contain_text("方案乙多建", timeout=15_000)
    page_watch.assert_quiet()


def test_scenarios_are_found_named_replayed_and_discarded(
    page_watch: PageWatch, served: Served
) -> None:
    page, ids = page_watch.page, served.planned.ids
    page.goto(f"{served.address}/siting/scenarios")
    row = row_of(page, ids["six"])
    row.get_by_text("管理").click()
    row.locator("input[type=text]").fill("六处（定稿）")
    row.get_by_role("button", name="改名").click()
    expect(row.get_by_role("link").first).to_have_text("六处（定稿）")
    old = row_of(page, ids["earlier"])
    old.get_by_text("管理").click()
    old.get_by_role("button", name="按第46周数据重算").click()
    expect(page.locator("tbody tr")).to_have_count(10)
    expect(page.locator("tbody tr").first).to_contain_text("与原方案比较")
    gone = row_of(page, ids["failed"])
    gone.get_by_text("管理").click()
    gone.get_by_text("删除", exact=True).click()
    gone.get_by_role("button", name="确定删除").click()
    expect(page.locator("tbody tr")).to_have_count(9)
    page.locator("#scenarios-find-input").fill("六处")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("tbody input[type=checkbox]").check()
    page.locator("#scenarios-find-input").fill("半小时")
    expect(page.locator("tbody tr")).to_contain_text("半小时")
    page.locator("tbody input[type=checkbox]").check()
    page.get_by_role("link", name="比较所选两个").click()
    page.wait_for_url(f"**/siting/compare?a={ids['six']}&b={ids['far']}*")
    expect(page.locator("h1")).to_contain_text("口径不同")
    page_watch.assert_quiet()


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_nothing_runs_over_the_edge_of_a_phone(
    page_watch: PageWatch, served: Served, lang: str
) -> None:
    page = page_watch.page
    page.set_viewport_size({"width": 390, "height": 844})
    for address in (
        served.compare("four", "far", lang=lang, theme="dark", flat="1"),
        f"{served.address}/siting/scenarios?lang={lang}",
    ):
        page.goto(address)
        page.locator("h1").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page_watch.assert_quiet()
