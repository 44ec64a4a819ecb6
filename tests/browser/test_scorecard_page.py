"""The scorecard in a browser: open, go to a place, filter, export, a phone's width."""

from __future__ import annotations

from pathlib import Path

import openpyxl

from tests.support.browser import PageWatch

pytest_plugins = ("tests.support.dashboard_fixtures",)


def test_an_indicator_opens_filters_and_is_exported(
    page_watch: PageWatch, dashboard_address: str, tmp_path: Path
) -> None:
    page = page_watch.page
    page.goto(f"{dashboard_address}/scorecard")
    page.get_by_text("8 项指标，1 项达标，1 项落后").wait_for()
    assert page.get_by_role("link", name="指标").get_attribute("aria-current") == "page"
    card = page.locator("[data-indicator=schools_service]")
    card.locator("summary").first.focus()
    page.keyboard.press("Enter")
    place = card.get_by_text("=1+1小学")
    place.wait_for()
    assert "/?level=village&area=" in str(place.get_attribute("href"))
    with page.expect_download() as waiting:
        page.get_by_role("button", name="导出 Excel").click()
    target = tmp_path / "scorecard.xlsx"
    waiting.value.save_as(target)
    assert len(openpyxl.load_workbook(target).sheetnames) == 4
    page.get_by_role("link", name="柳溪镇").first.click()
    page.get_by_text("这里未达到目标").first.wait_for()
    assert page.locator(".chip[aria-current]").inner_text() == "柳溪镇"
    page_watch.assert_quiet()


def test_nothing_runs_over_the_edge_of_a_phone(
    page_watch: PageWatch, dashboard_address: str
) -> None:
    page = page_watch.page
    page.set_viewport_size({"width": 390, "height": 844})
    for lang in ("zh-CN", "en"):
        page.goto(f"{dashboard_address}/scorecard?lang={lang}&theme=dark")
        page.locator(".score-card > summary").first.click()
        page.locator(".score-body").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page_watch.assert_quiet()
