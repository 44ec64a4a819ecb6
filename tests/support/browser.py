"""An installed Chromium, and a watch over what its pages ask for and complain about."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, WebSocket

PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

ARGUMENTS = (
    "--no-sandbox",  # the sandbox cannot start as root, nor in most containers
    # WebGL 2 without a graphics card
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    # The browser itself calls nobody, and no name but this machine's has an address.
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    # The same picture on every machine
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
)


def find_chromium() -> str | None:
    """Path of an installed Chromium or Chrome that answers; None if there is none."""
    for name in PROGRAMS:
        path = shutil.which(name)
        if path is None:
            continue
        # Some distributions ship a stub that only advertises another installer.
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        if answer.stdout.startswith(("Chromium ", "Google Chrome ")):
            return path
    return None


@dataclass
class PageWatch:
    """A page and everything that went wrong on it since it was opened.

    Attributes
    ----------
    page : the page to drive.
    complaints : errors and warnings of the console, and exceptions nobody caught.
    strangers : addresses asked of any host but 127.0.0.1.
    failures : addresses here that answered 400 or above, or not at all.
    """

    page: Page
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        context: BrowserContext = self.page.context
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.complaints.append(f"uncaught: {error.error}"))
        context.on("request", self._on_request)
        context.on("response", self._on_response)
        context.on("requestfailed", self._on_failure)
        self.page.on("websocket", self._on_websocket)

    def assert_quiet(self) -> None:
        """Fail if the page complained, asked another host, or got no good answer from ours."""
        faults = {
            "console": self.complaints,
            "other hosts": self.strangers,
            "failed requests": self.failures,
        }
        lines = [f"{kind}: {line}" for kind, found in faults.items() for line in found]
        assert not lines, "the page was not quiet\n" + "\n".join(lines)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            place = message.location
            self.complaints.append(
                f"{message.type}: {message.text} ({place.get('url')}:{place.get('lineNumber')})"
            )

    def _on_request(self, request: Request) -> None:
        self._judge(request.url)

    def _on_websocket(self, websocket: WebSocket) -> None:
        self._judge(websocket.url)

    def _judge(self, url: str) -> None:
        address = urlsplit(url)
        if address.scheme in {"http", "https", "ws", "wss"} and address.hostname != "127.0.0.1":
            self.strangers.append(url)

    def _on_response(self, response: object) -> None:
        status = getattr(response, "status", 0)
        if status >= 400:
            self.failures.append(f"{status} {getattr(response, 'url', '')}")

    def _on_failure(self, request: Request) -> None:
        # Leaving a page aborts what it still waited for; that is no fault.
        if request.failure != "net::ERR_ABORTED":
            self.failures.append(f"{request.failure} {request.url}")
