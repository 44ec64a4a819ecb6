"""The map page in a browser: layers, weeks, search, places, drill, language, theme, phone."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.browser import PageWatch
from tests.support.published_store import FACTS

pytest_plugins = ("tests.support.dashboard_fixtures",)

# Software rendering on a busy machine.
PATIENCE_MS = 45_000
READY = 'html[data-page-ready="true"]'
WARNED = FACTS.newest_warned

Opener = Callable[[str], None]


@pytest.fixture
def open_map(page_watch: PageWatch, dashboard_address: str) -> Opener:
    """Open an address of the map page and wait until everything on it is drawn."""

    def open_page(query: str = "") -> None:
        page_watch.page.set_default_timeout(PATIENCE_MS)
        page_watch.page.goto(f"{dashboard_address}/{query}")
        wait(page_watch)

    return open_page


def wait(watch: PageWatch) -> None:
    watch.page.wait_for_selector(READY, state="attached")


def address(watch: PageWatch) -> dict[str, str]:
    query = urlsplit(watch.page.url).query
    return {key: values[0] for key, values in parse_qs(query).items()}


def heading(watch: PageWatch) -> str:
    return watch.page.locator("#map-heading-box h1").inner_text()


def test_a_layer_is_changed_and_stands_in_the_address(
    page_watch: PageWatch, open_map: Opener
) -> None:
    open_map("")
    page = page_watch.page
    assert "服务缺口较大" in heading(page_watch)
    assert address(page_watch)["layer"] == "gap"
    page.get_by_role("radio", name="资源覆盖").click()
    page.get_by_text("不在心理咨询室的 15 分钟范围内").first.wait_for()
    wait(page_watch)
    assert address(page_watch)["layer"] == "covered.counselling_room"
    page.get_by_role("radio", name="医院").click()
    page.wait_for_url("**layer=covered.hospital**")
    page.go_back()
    page.wait_for_url("**layer=covered.counselling_room**")
    page.get_by_text("不在心理咨询室的 15 分钟范围内").first.wait_for()
    page_watch.assert_quiet()


def test_a_week_is_changed_only_where_a_layer_has_weeks(
    page_watch: PageWatch, open_map: Opener
) -> None:
    open_map("?layer=gap")
    page = page_watch.page
    assert "不分周" in page.locator("#map-week-label").inner_text()
    page.get_by_role("radio", name="风险预警").click()
    page.get_by_text("第46周有 4 处内部工作提示").wait_for()
    page.get_by_label("上一周").click()
    page.get_by_text("第45周有 1 处内部工作提示").wait_for()
    wait(page_watch)
    assert address(page_watch)["week"] == "2026-W45"
    assert page.locator("#map-week-label").inner_text() == "2026年第45周（11月2日—8日）"
    page_watch.assert_quiet()


def test_a_place_is_found_by_keyboard_and_drilled_into(
    page_watch: PageWatch, open_map: Opener
) -> None:
    open_map("")
    page = page_watch.page
    page.keyboard.press("/")
    page.keyboard.type("云上")
    page.locator(".search-result").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator(".panel-title", has_text="云上村").wait_for()
    wait(page_watch)
    assert address(page_watch)["area"] == WARNED
    crumbs = page.locator("#map-crumbs-box li").all_inner_texts()
    assert [crumb.strip() for crumb in crumbs] == ["清和县", "云岭乡", "云上村"]
    page.get_by_role("button", name="看网格").click()
    page.wait_for_url("**level=grid**")
    wait(page_watch)
    page.locator("#map-crumbs-box").get_by_role("button", name="云岭乡").click()
    page.locator(".panel-title", has_text="云岭乡").wait_for()
    page_watch.assert_quiet()


def test_a_click_on_the_map_chooses_a_place(page_watch: PageWatch, open_map: Opener) -> None:
    open_map("?level=town&sites=none")
    page = page_watch.page
    box = page.locator("#map-canvas-map").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 0.55, box["y"] + box["height"] * 0.7)
    page.locator(".panel-moves").wait_for()
    wait(page_watch)
    assert address(page_watch)["area"].endswith("000")
    page_watch.assert_quiet()


def test_the_address_alone_reproduces_the_screen(page_watch: PageWatch, open_map: Opener) -> None:
    query = f"?lang=en&theme=dark&layer=tier&week=2026-W45&area={WARNED}&sites=school"
    open_map(query)
    page = page_watch.page
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert heading(page_watch).startswith("1 internal notices in week 45")
    assert page.locator(".panel-title").inner_text() == "云上村"
    assert page.locator('[data-site][aria-pressed="true"]').count() == 1
    before = page.screenshot()
    open_map(query)
    assert page.screenshot() == before
    page_watch.assert_quiet()


def test_language_and_theme_are_switched_and_remembered(
    page_watch: PageWatch, open_map: Opener
) -> None:
    open_map("?layer=tier")
    page = page_watch.page
    page.get_by_label("Switch to English").click()
    page.wait_for_url("**lang=en**")
    wait(page_watch)
    assert "internal notices" in heading(page_watch)
    assert address(page_watch)["layer"] == "tier"
    page.get_by_label("Dark or light").click()
    page.locator('html[data-theme="dark"]').wait_for(state="attached")
    page.get_by_role("link", name="Data").click()
    page.get_by_text("What came").wait_for()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page_watch.assert_quiet()


def test_the_series_of_a_place_is_another_measure_at_a_click(
    page_watch: PageWatch, open_map: Opener
) -> None:
    open_map(f"?area={WARNED}")
    page = page_watch.page
    page.locator("figure[aria-label*='矛盾纠纷事件']").wait_for()
    page.get_by_role("button", name="热线来电").click()
    page.locator("figure[aria-label*='热线来电']").wait_for()
    wait(page_watch)
    assert address(page_watch)["measure"] == "hotline_calls"
    page_watch.assert_quiet()


def test_layer_and_week_change_soon(page_watch: PageWatch, open_map: Opener) -> None:
    """The view of the map waits for no server: it is joined in the browser."""
    open_map("?layer=tier")
    page = page_watch.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.route("**/_dash-update-component**", lambda route: route.abort())
    start = perf_counter()
    with page.expect_response("**/published/**/tier/2026-W45.bin"):
        page.get_by_label("上一周").click()
    assert perf_counter() - start < 5
    assert any("2026-W45.bin" in url for url in asked)


@pytest.mark.parametrize("width", [1920, 1366, 390])
def test_nothing_is_wider_than_the_screen(
    page_watch: PageWatch, open_map: Opener, width: int
) -> None:
    page = page_watch.page
    page.set_viewport_size({"width": width, "height": 844})
    open_map(f"?area={WARNED}&layer=tier")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width < 768:
        assert not page.locator(".panel").is_visible()
        page.get_by_role("button", name="说明").click()
        page.locator(".panel-title", has_text="云上村").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="图层").click()
        page.get_by_role("radio", name="可达性").wait_for()
    page_watch.assert_quiet()
