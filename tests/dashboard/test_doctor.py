"""The doctor: each check says what was found, and what to do where something is missing."""

from __future__ import annotations

import shutil
import socket
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from dashboard import doctor
from dashboard.doctor import examine
from dashboard.report import chromium
from geo.errors import RenderError


@pytest.fixture(autouse=True)
def no_browser_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chromium, "find", lambda _named=None: "/usr/bin/chromium")
    monkeypatch.setattr(chromium, "version", lambda _program: "Chromium 1.2")
    monkeypatch.setattr(doctor, "try_webgl", lambda _program: "SwiftShader")


def settings(folder: Path, url: str | None = None) -> Any:
    url = url or f"sqlite:///{folder / '.xintu' / 'xintu.db'}"
    return types.SimpleNamespace(folder=folder, store_url=url)


def by_code(found: list[doctor.Check]) -> dict[str, doctor.Check]:
    return {check.code: check for check in found}


@pytest.fixture
def used_port() -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_every_check_has_words_and_a_remedy_only_when_needed(lang: str, tmp_path: Path) -> None:
    found = examine(settings(tmp_path), lang=lang)
    assert [check.code for check in found] == [
        "python", "store", "browser", "webgl", "fonts", "disk", "port",
    ]  # fmt: skip
    for check in found:
        assert check.name
        assert check.found
        assert bool(check.remedy) == (check.status != "ok")


def test_without_a_browser_pages_still_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_named: object = None) -> str:
        raise RenderError("none")

    monkeypatch.setattr(chromium, "find", none)
    found = by_code(examine(lang="en"))
    assert found["browser"].status == found["webgl"].status == "warn"
    assert "XINTU_CHROMIUM" in found["browser"].remedy


def test_a_browser_without_webgl_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "try_webgl", lambda _program: None)
    assert by_code(examine(lang="en"))["webgl"].found == "this browser has no WebGL 2"


def test_a_port_in_use_is_named(used_port: int) -> None:
    check = by_code(examine(port=used_port, lang="en"))["port"]
    assert check.status == "warn"
    assert str(used_port) in check.found


def test_a_full_disk_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usage = types.SimpleNamespace(free=5e8)
    monkeypatch.setattr(shutil, "disk_usage", lambda _where: usage)
    check = by_code(examine(settings(tmp_path), lang="en"))["disk"]
    assert check.status == "warn"
    assert check.found.startswith("0.5 GB")


def test_a_database_that_does_not_answer_fails(tmp_path: Path) -> None:
    url = "postgresql+psycopg://nobody@127.0.0.1:9/none"
    check = by_code(examine(settings(tmp_path, url), lang="en"))["database"]
    assert check.status == "fail"
    assert "XINTU_STORE" in check.remedy
    assert "nobody" not in check.found


def test_a_driver_that_is_missing_fails(tmp_path: Path) -> None:
    check = by_code(examine(settings(tmp_path, "oracle+cx_oracle://x/y"), lang="en"))["database"]
    assert check.status == "fail"
    assert "cx_oracle" in check.found


def test_a_database_without_postgis_is_said(postgres_url: str, tmp_path: Path) -> None:
    assert by_code(examine(settings(tmp_path, postgres_url)))["database"].status == "ok"
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP EXTENSION postgis CASCADE"))
    engine.dispose()
    without = by_code(examine(settings(tmp_path, postgres_url)))["database"]
    assert without.status == "warn"
    assert "CREATE EXTENSION postgis" in without.remedy
