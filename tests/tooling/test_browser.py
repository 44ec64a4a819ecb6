"""The browser draws WebGL 2 and Chinese, and the watch over its pages misses nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.browser import PageWatch

HTML = '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><link rel="icon" href="data:,">{}'

# Clears the canvas to a colour and reads a pixel back: not only promised, it draws.
DRAW = """() => {
    const gl = document.createElement('canvas').getContext('webgl2');
    if (!gl) return null;
    gl.clearColor(1, 0.4, 0, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const pixel = new Uint8Array(4);
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
    return Array.from(pixel);
}"""

# Two different characters drawn without a font for them are the same empty box.
INK = """(character) => {
    const canvas = document.createElement('canvas');
    const context = canvas.getContext('2d');
    context.font = '48px sans-serif';
    context.fillText(character, 8, 56);
    return canvas.toDataURL();
}"""

BODIES = {
    "/quiet": "<h1>心图</h1>",
    "/console": "<script>console.error('坏了')</script>",
    "/uncaught": "<script>setTimeout(() => { throw new Error('没人接住') })</script>",
    "/stranger": '<img src="http://tiles.example.org/1.png">',
    "/missing": '<img src="/nowhere.png">',
    "/worker": (
        "<script>const code = \"fetch('http://worker.example.org/').catch(() => 0)"
        '.then(() => postMessage(1))";'
        "const worker = new Worker(URL.createObjectURL(new Blob([code])));"
        "worker.onmessage = () => document.body.append('done')</script>"
    ),
}


class Pages(BaseHTTPRequestHandler):
    """Answers each path with the page of the same name."""

    def do_GET(self) -> None:
        body = BODIES.get(self.path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(HTML.format(body or "").encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, the base class's name
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_webgl2_draws(page_watch: PageWatch, site: str) -> None:
    page_watch.page.goto(f"{site}/quiet")
    assert page_watch.page.evaluate(DRAW) == [255, 102, 0, 255]
    page_watch.assert_quiet()


def test_chinese_has_glyphs(page_watch: PageWatch, site: str) -> None:
    page_watch.page.goto(f"{site}/quiet")
    assert page_watch.page.evaluate(INK, "心") != page_watch.page.evaluate(INK, "图")
    page_watch.assert_quiet()


@pytest.mark.parametrize(
    ("path", "kind", "evidence"),
    [
        ("/console", "complaints", "坏了"),
        ("/uncaught", "complaints", "没人接住"),
        ("/stranger", "strangers", "http://tiles.example.org/1.png"),
        ("/missing", "failures", "404"),
        ("/worker", "strangers", "http://worker.example.org/"),
    ],
)
def test_watch_reports(
    page_watch: PageWatch, site: str, path: str, kind: str, evidence: str
) -> None:
    page_watch.page.goto(f"{site}{path}")
    if path == "/worker":
        page_watch.page.get_by_text("done").wait_for()
    page_watch.page.wait_for_load_state("networkidle")
    assert evidence in "\n".join(getattr(page_watch, kind))
    with pytest.raises(AssertionError, match="not quiet"):
        page_watch.assert_quiet()
