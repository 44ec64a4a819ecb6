"""An installed Chromium or Chrome: where it is, and how it is started. Never downloaded."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from geo.errors import RenderError

PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
VARIABLE = "XINTU_CHROMIUM"

ARGUMENTS = (
    # It opens our own pages on this machine and nothing else; as root, and in most containers,
    # the sandbox cannot start.
    "--no-sandbox",
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
    "--hide-scrollbars",
)


def version(program: str) -> str | None:
    """What the program says of itself, as "Chromium 156.0.8078.73"; None if it is no browser.

    Some distributions ship a stub that only advertises another installer.
    """
    try:
        answer = subprocess.run(  # noqa: S603, the program was found in PATH or named by the user
            [program, "--version"], capture_output=True, text=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = answer.stdout.strip()
    return said if said.startswith(("Chromium ", "Google Chrome ")) else None


def find(named: str | Path | None = None) -> str:
    """Path of a browser that answers: the one named, `XINTU_CHROMIUM`, or the first in PATH.

    Raises
    ------
    RenderError : there is none.
    """
    chosen = str(named) if named else os.environ.get(VARIABLE)
    candidates = [chosen] if chosen else [shutil.which(name) for name in PROGRAMS]
    for path in candidates:
        if path is not None and version(path) is not None:
            return path
    came = f"{chosen!r} does not answer" if chosen else f"none of {', '.join(PROGRAMS)} in PATH"
    raise RenderError(
        f"no Chromium or Chrome to draw pictures with: {came}; install one "
        f"(Debian: apt install chromium) or name it in {VARIABLE}"
    )
