"""Our own HTML on paper: an installed Chromium prints it, offline and without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from playwright.sync_api import Error as PlaywrightError

from dashboard.report import chromium as chromiums
from dashboard.report.capture import in_thread, open_browser
from geo.errors import RenderError

MARGINS = {"top": "20mm", "bottom": "22mm", "left": "20mm", "right": "20mm"}
LIMIT_MS = 60_000
Made = TypeVar("Made")
_DATES = re.compile(rb"\((D:\d{14}[^)]*)\)")


def print_pdf(
    html: str,
    *,
    header: str,
    footer: str,
    at: datetime,
    chromium: str | Path | None = None,
) -> bytes:
    """The pages of an HTML document, A4 upright, fonts embedded.

    Parameters
    ----------
    html : a document that needs nothing from anywhere else: what it asks for it does not get.
    header, footer : HTML of the margins; Chromium fills in spans of class `pageNumber` and
        `totalPages`.
    at : date that the file bears, so that the same content gives the same bytes.
    chromium : program; `XINTU_CHROMIUM` or the first in PATH by default.

    Raises
    ------
    RenderError : no browser, or it fails.
    """
    program = chromiums.find(chromium)

    def work() -> bytes:
        with open_browser(program) as browser:
            context = browser.new_context(offline=True, java_script_enabled=False)
            page = context.new_page()
            page.set_content(html, wait_until="load", timeout=LIMIT_MS)
            return page.pdf(
                format="A4",
                print_background=True,
                display_header_footer=True,
                header_template=header,
                footer_template=footer,
                margin=MARGINS,  # type: ignore[arg-type]  # a TypedDict of the same keys
                tagged=True,
                outline=True,
            )

    return _dated(_printed(work, program), at)


def draw_png(svgs: Sequence[str], *, width_px: int, scale: float = 3.0,
             chromium: str | Path | None = None) -> list[bytes]:  # fmt: skip
    """Pictures of SVG, for what cannot hold SVG itself.

    Parameters
    ----------
    width_px : width of each [CSS px]; the height follows.
    scale : picture pixels a CSS pixel.

    Raises
    ------
    RenderError : no browser, or it fails.
    """
    program = chromiums.find(chromium)

    def work() -> list[bytes]:
        with open_browser(program) as browser:
            context = browser.new_context(
                offline=True, java_script_enabled=False, device_scale_factor=scale,
                viewport={"width": width_px, "height": 800},
            )  # fmt: skip
            page = context.new_page()
            pictures = []
            for svg in svgs:
                style = "body{margin:0;background:#fff}svg{display:block;width:100%}"
                page.set_content(f"<style>{style}</style>{svg}", timeout=LIMIT_MS)
                pictures.append(page.locator("svg").first.screenshot(timeout=LIMIT_MS))
            return pictures

    return _printed(work, program)


def _printed(work: Callable[[], Made], program: str) -> Made:
    try:
        return in_thread(work)
    except PlaywrightError as exc:
        raise RenderError(
            f"{program} could not print the proposal: {exc.message.splitlines()[0]}; "
            "`xintu doctor` tries the browser"
        ) from exc


def _dated(pdf: bytes, at: datetime) -> bytes:
    """The same file with the given date; as long as before, so that its table of places holds."""
    stamp = at.astimezone(UTC).strftime("D:%Y%m%d%H%M%S+00'00'").encode()

    def date(found: re.Match[bytes]) -> bytes:
        old = found[1]
        return b"(" + (stamp if len(stamp) == len(old) else stamp[:16].ljust(len(old))) + b")"

    return _DATES.sub(date, pdf)
