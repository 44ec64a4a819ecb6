"""The planner's page in a browser, with the planner's own process: ask, reload, move, stop."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from werkzeug.serving import make_server

from dashboard.app import create_app
from etl.progress import StopFlag
from etl.siting.desk import SitingDesk
from etl.siting.worker import Worker
from etl.store.engine import open_engine
from tests.support import planner as planners
from tests.support.browser import PageWatch
from tests.support.dashboard_pages import NOW


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> SitingDesk:
    """A desk on a store of its own."""
    return planners.planner(tmp_path_factory.mktemp("siting"))


@pytest.fixture(scope="module")
def worker(desk: SitingDesk) -> Iterator[None]:
    """The planner's process, in a thread."""
    stop = StopFlag()
    settings = desk._settings
    thread = threading.Thread(
        target=Worker(open_engine(settings.store_url), settings, stop=stop).serve, daemon=True
    )
    thread.start()
    yield
    stop.set()
    thread.join(20)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def address(desk: SitingDesk, worker: None) -> Iterator[str]:
    """The application with that desk."""
    app = create_app(desk._reader, now=lambda: NOW, planner=desk)
    server = make_server("127.0.0.1", 0, app.server, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def ask(page_watch: PageWatch, address: str) -> str:
    """Press the button once, wait for the answer; its address."""
    page = page_watch.page
    page.goto(f"{address}/siting")
    page.locator("html[data-map-ready=true]").wait_for(state="attached")
    page.get_by_role("button", name="计算选址方案").click()
    page.wait_for_url("**scenario=*")
    page.get_by_text("个新建点位").first.wait_for(timeout=90_000)
    return page.url


def test_one_click_answers_and_a_reload_and_a_second_tab_show_the_same(
    page_watch: PageWatch, address: str
) -> None:
    page = page_watch.page
    found = ask(page_watch, address)
    headline = page.locator("#siting-heading-box h1").inner_text()
    page.reload()
    page.get_by_text("个新建点位").first.wait_for()
    assert page.locator("#siting-heading-box h1").inner_text() == headline
    other = page.context.new_page()
    other.goto(found)
    other.get_by_text("个新建点位").first.wait_for()
    assert other.locator("#siting-heading-box h1").inner_text() == headline
    other.close()
    new = page.locator(".siting-sites > li")
    assert new.count() > 0
    page_watch.assert_quiet()


def test_a_site_is_moved_with_the_keyboard_and_kept(page_watch: PageWatch, address: str) -> None:
    page = page_watch.page
    before = ask(page_watch, address)
    page.locator("[data-siting-pick]").first.focus()
    page.keyboard.press("Enter")
    page.get_by_text("再点一处候选场地").wait_for()
    page.locator("#siting-tab-choice").get_by_text("候选场地").click()
    rows = page.locator(".siting-grid .ag-pinned-left-cols-container .ag-row")
    rows.first.wait_for()
    free = rows.filter(has_not_text="新建").first
    free.click()
    page.get_by_role("button", name="换到这里").click()
    page.locator(".siting-moved").wait_for()
    assert "换址后覆盖" in page.locator(".siting-moved").inner_text()
    shown = page.locator(".siting-headings h1:visible")
    assert "手工换址" in shown.inner_text()
    assert "最优" not in shown.inner_text()
    page.get_by_role("button", name="存为新方案").click()
    page.wait_for_url(lambda url: "scenario=" in url and url != before)
    page.get_by_text("（手调）").first.wait_for(timeout=90_000)
    assert "手工换址" not in shown.inner_text()
    page_watch.assert_quiet()


PLACES = """(wanted) => {
    const map = xintuMap.controllers.get('siting-canvas-graph');
    const {mercatorX, mercatorY} = xintuMap.data;
    const view = map.host.view();
    const box = document.getElementById('siting-canvas-map').getBoundingClientRect();
    const found = map.view.points.filter((p) => p.role === wanted).map((p) => {
        const x = (mercatorX(p.lon) - view.x) * view.scale + view.width / 2;
        const y = (mercatorY(p.lat) - view.y) * view.scale + view.height / 2;
        return {id: p.id, x, y, hit: map.overlay.hit(view, x, y)?.point?.id === p.id};
    });
    return found.filter(({x, y, hit}) => hit && x > 0 && y > 0 && x < view.width && y < view.height)
        .map(({id, x, y}) => ({id, x: box.left + x, y: box.top + y}));
}"""


def test_names_are_drawn_over_candidates(page_watch: PageWatch, address: str) -> None:
    page = page_watch.page
    page.goto(f"{address}/siting?flat=1")
    page.locator("html[data-map-ready=true]").wait_for(state="attached")
    page.wait_for_function(f"() => ({PLACES})('candidate').length > 1")
    drawn = page.evaluate("""() => {
        const {overlay, host} = xintuMap.controllers.get('siting-canvas-graph');
        const {ink, placed} = overlay;
        const stamps = new Map(placed.marks.map((m) => [m.stamp, m.owner?.point?.role || 'mark']));
        const drawn = [];
        ink.drawImage = (stamp) => drawn.push(stamps.get(stamp));
        ink.fillText = () => drawn.push('name');
        overlay.drawn = null;
        overlay.draw(host.view());
        delete ink.drawImage;
        delete ink.fillText;
        return drawn;
    }""")
    assert {"candidate", "name"} <= set(drawn)
    last = len(drawn) - 1 - drawn[::-1].index("candidate")
    assert last < drawn.index("name")
    assert "existing" not in drawn[: drawn.index("name")]
    page_watch.assert_quiet()


def test_figures_and_map_follow_a_site_that_is_moved_on_the_map(
    page_watch: PageWatch, address: str
) -> None:
    page = page_watch.page
    page.set_viewport_size({"width": 1440, "height": 900})
    ask(page_watch, address)
    ready = page.locator("html[data-map-ready=true]")
    page.locator("[data-siting-pick]").first.click()
    ready.wait_for(state="attached")
    page.wait_for_function(f"() => ({PLACES})('candidate').length > 1")
    shown_new = (
        "() => xintuMap.controllers.get('siting-canvas-graph').view.points"
        ".filter((p) => p.role === 'new').length"
    )
    count = page.evaluate(shown_new)
    told = []
    for turn in (0, -1):
        place = page.evaluate(PLACES, "candidate")[turn]
        with page.expect_response(lambda answer: "after.bin?sites=" in answer.url) as cells:
            page.mouse.click(place["x"], place["y"])
        assert place["id"] in unquote(cells.value.url)
        page.wait_for_function(
            f"() => ({PLACES})('new').some((one) => one.id === {json.dumps(place['id'])})"
        )
        page.wait_for_function(
            "(before) => ![before, ''].includes("
            "document.getElementById('siting-moved-box').innerText)",
            arg=told[-1] if told else "",
        )
        told.append(page.locator("#siting-moved-box").inner_text())
        assert page.evaluate(shown_new) == count  # the others stay
    assert len(set(told)) == 2
    page_watch.assert_quiet()


def test_a_candidate_is_found_by_its_name(page_watch: PageWatch, address: str) -> None:
    page = page_watch.page
    page.goto(f"{address}/siting")
    page.locator("html[data-map-ready=true]").wait_for(state="attached")
    page.locator("#siting-tab-choice").get_by_text("候选场地").click()
    rows = page.locator(".siting-grid .ag-pinned-left-cols-container .ag-row")
    rows.first.wait_for()
    name = rows.first.locator("[col-id=name]").inner_text()
    page.locator("#siting-search-input").fill(name)
    page.get_by_text("处尚有欠缺。").wait_for()
    page.get_by_text("查到").first.wait_for()
    assert name in set(rows.locator("[col-id=name]").all_inner_texts())
    page.locator("#siting-search-input").fill("没有这样的名称")
    page.get_by_text("查到 0 处").wait_for()
    page.wait_for_function(
        "() => !document.querySelector('.siting-grid .ag-center-cols-container .ag-row')"
    )
    page_watch.assert_quiet()


def test_a_job_is_stopped(page_watch: PageWatch, desk: SitingDesk, address: str) -> None:
    page = page_watch.page
    page.goto(f"{address}/siting")
    page.locator("html[data-map-ready=true]").wait_for(state="attached")
    page.get_by_role("button", name="计算选址方案").click()
    page.wait_for_url("**scenario=*")
    code = page.url.partition("scenario=")[2].partition("&")[0]
    stop = page.get_by_role("button", name="停止计算")
    stop.or_(page.locator(".siting-figures")).first.wait_for()
    if stop.is_visible():
        stop.click()
    page.wait_for_function("() => !document.querySelector('.siting-job')", timeout=30_000)
    assert desk.scenario(code).state in {"cancelled", "done"}
    page_watch.assert_quiet()


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_nothing_runs_over_the_edge_of_a_phone(
    page_watch: PageWatch, address: str, lang: str
) -> None:
    page = page_watch.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}/siting?lang={lang}&theme=dark")
    page.locator("html[data-map-ready=true]").wait_for(state="attached")
    page.locator(".sheet-buttons [data-sheet=rail]").click()
    page.locator("#siting-ask-button").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page_watch.assert_quiet()
