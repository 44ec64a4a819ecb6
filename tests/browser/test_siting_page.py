"""The planner's page in a browser, with the planner's own process: ask, reload, move, stop."""

from __future__ import annotations

import threading
from collections.abc import Iterator

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
    rows = page.locator(".siting-grid .ag-center-cols-container .ag-row")
    rows.first.wait_for()
    free = rows.filter(has_not_text="新建").first
    free.click()
    page.get_by_role("button", name="换到这里").click()
    page.locator(".siting-moved").wait_for()
    assert "换址后覆盖" in page.locator(".siting-moved").inner_text()
    page.get_by_role("button", name="存为新方案").click()
    page.wait_for_url(lambda url: "scenario=" in url and url != before)
    page.get_by_text("（手调）").first.wait_for(timeout=90_000)
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
