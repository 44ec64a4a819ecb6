"""Takes a picture of every page of a locality: screenshots.py LOCALITY FOLDER."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from itertools import product
from pathlib import Path

from playwright.sync_api import sync_playwright

import dashboard.pages
from tests.support.browser import ARGUMENTS, find_chromium
from tests.support.postgres import free_port

SIZES = {"wall": (1920, 1080), "desk": (1366, 768), "phone": (390, 844)}
SCHEMES = ("light", "dark")
START_LIMIT_S = 120
PAGE_LIMIT_MS = 60_000

# Dash titles the document so while callbacks run, and marks what it waits for.
SETTLED = """() => document.title !== 'Updating...'
    && !document.querySelector('[data-dash-is-loading="true"]')"""


def find_paths() -> dict[str, str]:
    """Address of every page, by the name of its module."""
    names = [module.name for module in pkgutil.iter_modules(dashboard.pages.__path__)]
    modules = {name: importlib.import_module(f"dashboard.pages.{name}") for name in names}
    return {name: module.PATH for name, module in modules.items() if hasattr(module, "PATH")}


def wait_for_server(server: subprocess.Popen[bytes], address: str) -> None:
    """Return once the server answers; raise if it ends or takes too long."""
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise SystemExit(f"xintu serve ended with {server.returncode}")
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except urllib.error.URLError:
            time.sleep(0.5)
        else:
            return
    raise SystemExit(f"xintu serve did not answer at {address} within {START_LIMIT_S} s")


def take_pictures(address: str, folder: Path) -> None:
    """Write FOLDER/PAGE-SIZE-SCHEME.png for every page, size and colour scheme."""
    program = find_chromium()
    if program is None:
        raise SystemExit("No Chromium or Chrome; scripts/install_system.sh installs one")
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        for (size, (width, height)), scheme in product(SIZES.items(), SCHEMES):
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,
                locale="zh-CN",
                timezone_id="Asia/Shanghai",
                reduced_motion="reduce",
            )
            page = context.new_page()
            for name, path in find_paths().items():
                page.goto(address + path, wait_until="networkidle", timeout=PAGE_LIMIT_MS)
                page.wait_for_function(SETTLED, timeout=PAGE_LIMIT_MS)
                picture = folder / f"{name}-{size}-{scheme}.png"
                page.screenshot(path=picture)
                print(picture)
            context.close()
        browser.close()


def main(locality: str, folder: str) -> None:
    """Serve the locality on a free port, take the pictures, stop the server."""
    port = free_port()
    xintu = Path(sys.executable).with_name("xintu")
    server = subprocess.Popen([xintu, "serve", locality, "--port", str(port)])
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for_server(server, address)
        take_pictures(address, Path(folder))
    finally:
        server.terminate()
        server.wait(timeout=30)


if __name__ == "__main__":
    main(*sys.argv[1:])
