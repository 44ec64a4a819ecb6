"""The data page in a browser: filter, export, empty console."""

from __future__ import annotations

from pathlib import Path

from tests.support.browser import PageWatch

pytest_plugins = ("tests.support.dashboard_fixtures",)


def test_findings_are_filtered_and_exported(
    page_watch: PageWatch, dashboard_address: str, tmp_path: Path
) -> None:
    page = page_watch.page
    page.goto(f"{dashboard_address}/data")
    page.get_by_text("收到了什么").wait_for()
    rows = page.locator("#data-findings-grid .ag-center-cols-container .ag-row")
    rows.nth(5).wait_for()
    assert rows.count() == 6
    page.get_by_text("提醒 1").click()
    rows.nth(1).wait_for(state="detached")
    assert rows.count() == 1
    with page.expect_download() as waiting:
        page.get_by_role("button", name="导出 CSV").click()
    target = tmp_path / "findings.csv"
    waiting.value.save_as(target)
    content = target.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.decode("utf-8-sig").count("\r\n") == 2
    assert waiting.value.suggested_filename == "xintu-问题清单-2026-W46.csv"
    page_watch.assert_quiet()


def test_the_page_speaks_english_and_says_demo(
    page_watch: PageWatch, dashboard_address: str
) -> None:
    page = page_watch.page
    page.goto(f"{dashboard_address}/data?lang=en&theme=dark")
    page.get_by_text("What was not used, and why").wait_for()
    assert page.get_by_text("Demo data").is_visible()
    page.locator("#data-findings-grid .ag-row").first.wait_for()
    page_watch.assert_quiet()


def test_an_unknown_page_leads_home(page_watch: PageWatch, dashboard_address: str) -> None:
    page = page_watch.page
    page.goto(f"{dashboard_address}/nowhere")
    page.get_by_text("没有这个页面").wait_for()
    assert page.get_by_role("link", name="回到地图首页").get_attribute("href") == "/"
    page_watch.assert_quiet()
