"""Pictures of pages: a headless Chromium opens them, waits until they say they are ready, looks.

A page is ready when Dash has nothing under way and the map, if there is one, has set
`data-map-ready` on the document. A picture of one colour is never a success.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar
from urllib.parse import urlencode, urlsplit

from PIL import Image
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError
from playwright.sync_api import sync_playwright

from dashboard.report import chromium as chromiums
from dashboard.text import DEFAULT_LANGUAGE
from geo.errors import RenderError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

# After this long without a page's word, the picture is taken and marked.
LIMIT_S = 60.0
# A drawn map leaves no colour on more than this share of the picture.
BLANK_SHARE = 0.985

Theme = Literal["light", "dark"]
Answer = TypeVar("Answer")

# Ready: Dash idle, fonts there, and every map on the page drawn.
READY = """() => {
    const root = document.documentElement;
    if (document.querySelector('[data-dash-is-loading="true"], .boot')) return false;
    if (!document.querySelector('.page, .wall') || document.fonts.status !== 'loaded') return false;
    // The map page says more: its words are those of its map.
    const map = document.querySelector('[data-page="map"]');
    if (map && root.dataset.pageReady !== 'true') return false;
    const wanted = document.querySelector('[data-needs-map], .xmap');
    if (wanted && root.dataset.mapReady !== 'true') return false;
    const wall = document.querySelector('.wall');
    return !wall || wall.dataset.aimed === '1';
}"""
_LATE_MARK = """(text) => {
    const mark = document.createElement('div');
    mark.textContent = text;
    mark.style.cssText = 'position:fixed;left:0;top:0;right:0;z-index:99999;padding:.4em 1em;' +
        'background:#8a5a00;color:#fff;font:600 16px sans-serif;text-align:center';
    document.body.append(mark);
}"""
_WEBGL = """() => {
    const gl = document.createElement('canvas').getContext('webgl2');
    if (!gl) return null;
    gl.clearColor(1, 0.4, 0, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const pixel = new Uint8Array(4);
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
    const info = gl.getExtension('WEBGL_debug_renderer_info');
    const name = gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
    return pixel[1] === 102 ? String(name) : null;
}"""


@dataclass(frozen=True)
class Shot:
    """A picture to take.

    Attributes
    ----------
    name : file name without ending.
    path : path of the page.
    choices : parameters of the page's address; language and theme are added.
    size : width and height of the window [CSS px].
    scale : picture pixels a CSS pixel.
    theme : its own colours, whatever the rest of the pack has.
    """

    name: str
    path: str
    choices: Mapping[str, str] = field(default_factory=dict)
    size: tuple[int, int] = (1920, 1080)
    scale: float = 1.0
    theme: Theme = "light"


@dataclass(frozen=True)
class Picture:
    """A picture that was taken.

    Attributes
    ----------
    name : of its `Shot`.
    path : PNG file.
    width, height : [px].
    late : whether the page was not ready in time, which the picture says itself.
    complaints : what the browser's console said.
    """

    name: str
    path: Path
    width: int
    height: int
    late: bool = False
    complaints: tuple[str, ...] = ()


def address(base_url: str, shot: Shot, *, lang: str) -> str:
    """Full address of a shot."""
    query = urlencode({**shot.choices, "lang": lang, "theme": shot.theme})
    return f"{base_url.rstrip('/')}{shot.path}?{query}"


def is_blank(png: bytes) -> bool:
    """Whether one colour covers nearly all of a picture."""
    with Image.open(BytesIO(png)) as image:
        small = image.convert("RGB").resize((160, 160), Image.Resampling.NEAREST)
    # Four bits a channel: dithering and compression do not make a blank picture a drawn one.
    counted = small.point(lambda value: value >> 4).getcolors(160 * 160) or []
    most = max((int(count) for count, _ in counted), default=0)
    return most >= BLANK_SHARE * 160 * 160


def capture(
    base_url: str,
    out_dir: Path,
    *,
    shots: Sequence[Shot],
    chromium: str | Path | None = None,
    lang: str = DEFAULT_LANGUAGE,
    at: datetime | None = None,
    limit_s: float = LIMIT_S,
    late_mark: str = "未能及时绘完 · drawn late",
    progress: Callable[[str], None] = lambda _: None,
) -> list[Picture]:
    """Take pictures of pages.

    Parameters
    ----------
    base_url : address of a running server, on this machine.
    out_dir : existing folder for the PNG files.
    shots : what to take, in this order; names unique.
    chromium : program; `XINTU_CHROMIUM` or the first in PATH by default.
    lang : language of the pages.
    at : the time that the pages believe it is, so that a picture can be taken again; now by
        default.
    limit_s : how long a page may take to be ready [s]; then it is taken as it is, and marked.
    late_mark : what the mark says.
    progress : told the name of each shot before it is taken.

    Raises
    ------
    RenderError : no browser, a page that does not answer or shows an error, a blank picture.
    """
    program = chromiums.find(chromium)

    def work() -> list[Picture]:
        with open_browser(program) as browser:
            # Shots of one kind share a context, and with it what the browser has loaded already.
            context_of = cache(partial(_context, browser))
            pictures = []
            for shot in shots:
                progress(shot.name)
                context = context_of(shot.size, shot.scale, shot.theme)
                camera = _Camera(context, shot, at=at, limit_s=limit_s, late_mark=late_mark)
                pictures.append(camera.take(address(base_url, shot, lang=lang), out_dir))
            return pictures

    return in_thread(work)


def try_webgl(program: str) -> str | None:
    """Name of the renderer with which this browser really draws WebGL 2; None if it does not.

    Raises
    ------
    RenderError : the browser does not start.
    """

    def work() -> str | None:
        with open_browser(program) as browser:
            page = browser.new_page()
            name: str | None = page.evaluate(_WEBGL)
            return name

    return in_thread(work)


def in_thread(work: Callable[[], Answer]) -> Answer:
    """Do work with a browser in a thread of its own."""
    # Playwright's synchronous side refuses a thread that already has an event loop.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


@contextmanager
def open_browser(program: str) -> Iterator[Browser]:
    """A headless browser that asks nobody anything.

    Raises
    ------
    RenderError : it does not start.
    """
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=program, args=list(chromiums.ARGUMENTS)
            )
        except PlaywrightError as exc:
            raise RenderError(
                f"{program} does not start: {exc.message.splitlines()[0]}; "
                "try it by hand with --headless --version"
            ) from exc
        try:
            yield browser
        finally:
            browser.close()


def _context(browser: Browser, size: tuple[int, int], scale: float, theme: Theme) -> BrowserContext:
    width, height = size
    return browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        color_scheme=theme,
        timezone_id="Asia/Shanghai",
        reduced_motion="reduce",
        service_workers="block",
    )


class _Camera:
    """Takes one shot on a page of its own."""

    def __init__(
        self,
        context: BrowserContext,
        shot: Shot,
        *,
        at: datetime | None,
        limit_s: float,
        late_mark: str,
    ) -> None:
        self._context = context
        self._shot = shot
        self._at = at
        self._limit_ms = limit_s * 1000
        self._late_mark = late_mark
        self._complaints: list[str] = []

    def take(self, url: str, out_dir: Path) -> Picture:
        shot = self._shot
        width, height = shot.size
        page = self._context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self._complaints.append(f"uncaught: {error}"))
        try:
            if self._at is not None:
                page.clock.set_fixed_time(self._at)
            self._open(page, url)
            late = not self._wait(page)
            png = page.screenshot(animations="disabled", timeout=self._limit_ms)
        except PlaywrightError as exc:
            raise RenderError(
                f"{shot.name}: {url} could not be drawn: {exc.message.splitlines()[0]}"
            ) from exc
        finally:
            page.close()
        if is_blank(png):
            raise RenderError(
                f"{shot.name}: the picture of {url} is blank; what the console said: "
                f"{'; '.join(self._complaints) or 'nothing'}"
            )
        file = out_dir / f"{shot.name}.png"
        file.write_bytes(png)
        return Picture(
            shot.name,
            file,
            round(width * shot.scale),
            round(height * shot.scale),
            late,
            tuple(self._complaints),
        )

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._complaints.append(f"{message.type}: {message.text}")

    def _open(self, page: Page, url: str) -> None:
        answer = page.goto(url, wait_until="load", timeout=self._limit_ms)
        if answer is None or not answer.ok:
            status = answer.status if answer else "nothing"
            raise RenderError(
                f"{self._shot.name}: {url} answered {status}; wanted 200; "
                f"is the server at {urlsplit(url).netloc} this version's?"
            )

    def _wait(self, page: Page) -> bool:
        """Whether the page said in time that it is ready; if not, it is marked."""
        state = "[data-state]:not([data-state=''])"
        try:
            page.wait_for_function(READY, timeout=self._limit_ms, polling=100)
        except PlaywrightTimeoutError:
            page.evaluate(_LATE_MARK, self._late_mark)
            self._complaints.append(f"not ready within {self._limit_ms / 1000:.0f} s")
            return False
        failed = page.query_selector(f".page-state{state}")
        if failed is not None:
            raise RenderError(
                f"{self._shot.name}: the page shows an error: {failed.inner_text()[:200]!r}"
            )
        return True
