"""What this machine has and lacks: each check says what was found and what to do about it."""

from __future__ import annotations

import platform
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Literal

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, NoSuchModuleError

from dashboard.report import chromium
from dashboard.report.capture import try_webgl
from dashboard.text import DEFAULT_LANGUAGE, Catalog, load
from etl.settings import Settings
from etl.store import qgis
from geo.errors import RenderError

Status = Literal["ok", "warn", "fail"]

MIN_PYTHON = (3, 11)
# A demo city with its snapshots is about 100 MB, a real city with a year of them a few GB.
WANTED_FREE_GB = 2
CHINESE_FONTS = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Microsoft YaHei")


@dataclass(frozen=True)
class Check:
    """One thing looked at.

    Attributes
    ----------
    code : stable key of the check.
    name : what was looked at.
    status : "warn" where the product works with less, "fail" where a command will not work.
    found : what was found.
    remedy : what to do; empty when all is well.
    """

    code: str
    name: str
    status: Status
    found: str
    remedy: str = ""


@dataclass(frozen=True)
class _Doctor:
    words: Catalog

    def say(
        self, code: str, status: Status, found: str, remedy: str | None = None, **values: object
    ) -> Check:
        words = self.words
        cure = "" if status == "ok" else words.t(f"doctor.remedy.{remedy or code}", **values)
        return Check(code, words.t(f"doctor.name.{code}"), status, found, cure)

    def python(self) -> Check:
        good = sys.version_info[:2] >= MIN_PYTHON
        return self.say("python", "ok" if good else "fail", platform.python_version())

    def store(self, url: URL | None) -> Check:
        if url is None:
            return self.say("store", "ok", self.words.t("doctor.found.no_locality"))
        if url.get_backend_name() != "sqlite":
            return self.database(url)
        where = _existing(Path(url.database or ".").parent)
        try:
            with TemporaryFile(dir=where):
                return self.say("store", "ok", self.words.t("doctor.found.writable", where=where))
        except OSError:
            found = self.words.t("doctor.found.not_writable", where=where)
            return self.say("store", "fail", found)

    def database(self, url: URL) -> Check:
        driver = url.drivername
        try:
            engine = create_engine(url, connect_args={"connect_timeout": 5})
        except (ImportError, NoSuchModuleError):
            found = self.words.t("doctor.found.no_driver", driver=driver)
            return self.say("database", "fail", found, "driver")
        try:
            with engine.connect() as connection:
                version = connection.execute(text("SHOW server_version")).scalar_one()
                has_postgis = qgis.available(connection)
        except DBAPIError as exc:
            reason = str(exc.orig).splitlines()[0] if exc.orig else type(exc).__name__
            found = self.words.t("doctor.found.not_connected", driver=driver, error=reason)
            return self.say("database", "fail", found)
        finally:
            engine.dispose()
        found = self.words.t("doctor.found.connected", driver=driver, version=version)
        if not has_postgis:
            lacking = self.words.t("doctor.found.no_postgis", found=found)
            return self.say("database", "warn", lacking, "postgis")
        return self.say("database", "ok", found)

    def browser(self) -> list[Check]:
        try:
            path = chromium.find()
        except RenderError:
            missing = self.say("browser", "warn", self.words.t("doctor.found.no_browser"))
            unknown = self.say("webgl", "warn", self.words.t("doctor.found.unknown"), "browser")
            return [missing, unknown]
        found = self.say("browser", "ok", f"{chromium.version(path)} ({path})")
        try:
            renderer = try_webgl(path)
        except RenderError as exc:
            error = str(exc).splitlines()[0]
            said = self.words.t("doctor.found.webgl_failed", error=error)
            return [found, self.say("webgl", "warn", said)]
        if renderer is None:
            return [found, self.say("webgl", "warn", self.words.t("doctor.found.no_webgl"))]
        said = self.words.t("doctor.found.webgl", renderer=renderer)
        return [found, self.say("webgl", "ok", said)]

    def fonts(self) -> Check:
        program = shutil.which("fc-list")
        if program is None:
            found = self.words.t("doctor.found.no_fontconfig")
            return self.say("fonts", "warn", found, "fontconfig")
        listed = subprocess.run(  # noqa: S603, a fixed command
            [program, ":lang=zh-cn", "family"], capture_output=True, text=True, check=False
        )
        names = {name.strip() for line in listed.stdout.splitlines() for name in line.split(",")}
        good = [name for name in CHINESE_FONTS if name in names] or sorted(names)[:3]
        if not good:
            return self.say("fonts", "warn", self.words.t("doctor.found.no_fonts"))
        return self.say("fonts", "ok", self.words.t("doctor.found.fonts", names=", ".join(good)))

    def disk(self, folder: Path) -> Check:
        where = _existing(folder)
        free_gb = shutil.disk_usage(where).free / 1e9
        found = self.words.t("doctor.found.free", free=f"{free_gb:.1f}", where=where)
        status: Status = "ok" if free_gb >= WANTED_FREE_GB else "warn"
        return self.say("disk", status, found, wanted=WANTED_FREE_GB)

    def port(self, port: int) -> Check:
        with socket.socket() as probe:
            probe.settimeout(2)
            used = probe.connect_ex(("127.0.0.1", port)) == 0
        found = self.words.t(f"doctor.found.port_{'used' if used else 'free'}", port=port)
        return self.say("port", "warn" if used else "ok", found)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there already."""
    folder = folder.resolve()
    while not folder.exists():
        folder = folder.parent
    return folder


def examine(
    settings: Settings | None = None, *, lang: str = DEFAULT_LANGUAGE, port: int = 8050
) -> list[Check]:
    """Look at everything the product needs of this machine.

    Parameters
    ----------
    settings : a locality's, to look at its store; None looks at the machine alone.
    lang : language of names, findings and remedies.
    port : port that `xintu serve` would use.

    Returns
    -------
    Checks in the order in which they matter.
    """
    doctor = _Doctor(load(lang))
    url = make_url(settings.store_url) if settings else None
    return [
        doctor.python(),
        doctor.store(url),
        *doctor.browser(),
        doctor.fonts(),
        doctor.disk(settings.folder if settings else Path.cwd()),
        doctor.port(port),
    ]
