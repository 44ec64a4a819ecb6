"""A wall that stands for weeks says that a source is late, though nobody loads it again."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from werkzeug.serving import make_server

from dashboard.app import create_app
from etl.store.reader import Reader
from tests.support.browser import PageWatch
from tests.support.limited_reader import Limited

pytest_plugins = ("tests.support.dashboard_fixtures",)

LIMIT_MS = 60_000
IN_TIME = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
LATE = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)


def test_the_wall_marks_a_source_on_the_day_it_becomes_late(
    page_watch: PageWatch, published_reader: Reader
) -> None:
    app = create_app(Limited(published_reader), now=lambda: IN_TIME)
    server = make_server("127.0.0.1", 0, app.server, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    page = page_watch.page
    try:
        page.clock.install(time=IN_TIME)
        page.goto(f"http://127.0.0.1:{server.server_port}/wall?pause=1&lang=zh-CN")
        note = page.locator(".wall-late")
        note.wait_for(state="attached", timeout=LIMIT_MS)
        page.wait_for_selector(".wall-time:not(:empty)", timeout=LIMIT_MS)
        assert not note.is_visible()
        page.clock.set_fixed_time(LATE)
        note.wait_for(state="visible", timeout=LIMIT_MS)
        assert "每周服务统计" in note.inner_text()
        assert "服务机构名录" not in note.inner_text()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
