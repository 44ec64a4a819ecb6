"""Warnings in a browser: filter, open one, act with a PIN, load again, see what became of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from dashboard.app import create_app
from etl.store.reader import Reader
from tests.support import published_store
from tests.support.browser import PageWatch
from tests.support.dashboard_pages import NOW
from tests.support.published_responses import PIN, open_desk

pytest_plugins = ("tests.support.dashboard_fixtures",)

RED = "dispute_events.990101101001.2026-W45"
ORANGE = "hotline_calls.990101102002.2026-W46"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """An application of one's own whose offices may act."""
    url = published_store.publish(tmp_path)
    app = create_app(Reader(url), now=lambda: NOW, desk=open_desk(url, published_store.config()))
    server = make_server("127.0.0.1", 0, app.server, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_office_finds_its_warning_and_acknowledges_it(
    page_watch: PageWatch, address: str
) -> None:
    page = page_watch.page
    page.goto(address)
    page.get_by_role("link", name="预警", exact=True).click()
    page.get_by_text("2 项待签收").wait_for()
    rows = page.locator(".board-rows:not(.is-ended) > li")
    assert rows.count() == 4
    page.locator("[data-filter=state]").get_by_role("link", name="已逾期").click()
    page.wait_for_function(
        "() => document.querySelectorAll('.board-rows:not(.is-ended) > li').length === 1"
    )
    assert "state=overdue" in page.url
    page.locator(f"[data-warning='{ORANGE}'] a").click()
    page.wait_for_url(f"**warning={ORANGE}**")
    page.locator(".board-columns.has-choice").wait_for()
    panel = page.locator(".board-panel")
    panel.get_by_role("heading", name="东门社区").wait_for()

    panel.get_by_text("县社会心理服务中心", exact=True).last.click()
    pin = panel.get_by_label("单位 PIN")
    pin.fill("00000000")
    panel.get_by_role("button", name="签收").click()
    panel.get_by_text("PIN 不对").wait_for()
    pin.fill(PIN)
    panel.get_by_label("备注").fill("已通知社区工作站")
    panel.get_by_role("button", name="签收").click()
    panel.get_by_text("已签收", exact=True).first.wait_for()
    assert PIN not in page.content()

    page.reload()
    panel.get_by_text("已通知社区工作站").wait_for()
    assert page.locator(".board-panel .state-acknowledged").count() == 1
    assert (
        page.evaluate("JSON.stringify(localStorage) + JSON.stringify(sessionStorage)").find(PIN) < 0
    )
    page_watch.assert_quiet()


def test_back_leads_to_the_list_before_and_keys_alone_open_a_warning(
    page_watch: PageWatch, address: str
) -> None:
    page = page_watch.page
    page.goto(f"{address}/warnings?tier=orange")
    row = page.locator(f"[data-warning='{ORANGE}'] a")
    row.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**warning=**")
    page.go_back()
    page.wait_for_url(lambda url: "warning=" not in url)
    assert "tier=orange" in page.url
    page_watch.assert_quiet()


def test_a_phone_shows_the_list_or_one_warning_and_nothing_runs_over_its_edge(
    page_watch: PageWatch, address: str
) -> None:
    page = page_watch.page
    page.set_viewport_size({"width": 390, "height": 844})
    for lang in ("zh-CN", "en"):
        page.goto(f"{address}/warnings?lang={lang}&theme=dark")
        page.locator(".board-row").first.wait_for()
        assert page.locator(".board-panel").is_hidden()
        page.locator(".board-row").first.click()
        page.locator(".detail-reason").wait_for()
        assert page.locator(".board-side").is_hidden()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        page.locator(".board-back").click()
        page.locator(".board-row").first.wait_for()
    page_watch.assert_quiet()
