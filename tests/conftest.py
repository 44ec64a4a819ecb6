"""Fixtures for every room, and the rules every test keeps."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.support import browser as browsers
from tests.support import network, postgres

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from sqlalchemy import Engine

ROOT = Path(__file__).parents[1]

# A test that uses the fixture gets the marker, so that `-m "not browser"` misses none.
MARKER_OF_FIXTURE = {
    "chromium_path": "browser",
    "postgres_cluster": "postgres",
    "tainan_dir": "tainan",
}

hypothesis.settings.register_profile(
    "xintu", derandomize=True, deadline=None, database=None, print_blob=False
)


def pytest_configure() -> None:
    """Close the network before any test module is imported; fix hypothesis's choices."""
    network.close_network()
    hypothesis.settings.load_profile("xintu")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the markers of the fixtures it uses, directly or not."""
    for item in items:
        for fixture, marker in MARKER_OF_FIXTURE.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)
    if "PYTEST_XDIST_WORKER" in os.environ:
        # Workers take whole files; none may be left with a long one at the end.
        long = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[postgres.Cluster]:
    """A PostgreSQL server of our own, for the whole session (one for each xdist worker)."""
    try:
        cluster = postgres.Cluster()
    except postgres.ServerMissingError as error:
        pytest.skip(str(error))
    with cluster:
        yield cluster


@pytest.fixture
def postgres_url(postgres_cluster: postgres.Cluster) -> Iterator[str]:
    """SQLAlchemy URL of an empty database with PostGIS, of this test alone."""
    name = postgres_cluster.create_database()
    yield postgres_cluster.url(name)
    postgres_cluster.drop_database(name)


@pytest.fixture(scope="session")
def postgres_schema(postgres_cluster: postgres.Cluster) -> str:
    """Name of a database with this version's schema, to be copied."""
    from etl.store import migrate
    from etl.store.engine import open_engine

    name = postgres_cluster.create_database()
    engine = open_engine(postgres_cluster.url(name))
    migrate.upgrade(engine)
    engine.dispose()
    return name


@pytest.fixture
def postgres_store_url(postgres_cluster: postgres.Cluster, postgres_schema: str) -> Iterator[str]:
    """URL of a PostgreSQL store with this version's schema and nothing in it."""
    name = postgres_cluster.create_database(postgres_schema)
    yield postgres_cluster.url(name)
    postgres_cluster.drop_database(name)


@pytest.fixture
def file_store_url(tmp_path: Path) -> str:
    """URL of an SQLite store with this version's schema and nothing in it."""
    from tests.support.stores import sqlite_store

    return sqlite_store(tmp_path / ".xintu" / "xintu.db")


@pytest.fixture
def file_store(file_store_url: str) -> Iterator[Engine]:
    """That store, open."""
    yield from _opened(file_store_url)


BOTH_ENGINES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgres))


@pytest.fixture(params=BOTH_ENGINES)
def store_url(request: pytest.FixtureRequest) -> str:
    """URL of a store with this version's schema and nothing in it, on each engine."""
    name = "file_store_url" if request.param == "sqlite" else "postgres_store_url"
    found: str = request.getfixturevalue(name)
    return found


@pytest.fixture
def store(store_url: str) -> Iterator[Engine]:
    """That store, open."""
    yield from _opened(store_url)


@pytest.fixture(params=BOTH_ENGINES)
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a store that is not made yet, on each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bare' / 'xintu.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


def _opened(url: str) -> Iterator[Engine]:
    from etl.store.engine import open_engine

    engine = open_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Path of an installed Chromium or Chrome."""
    path = browsers.find_chromium()
    if path is None:
        pytest.skip(f"no {' or '.join(browsers.PROGRAMS)}; scripts/install_system.sh installs one")
    return path


@pytest.fixture(scope="session")
def browser(chromium_path: str) -> Iterator[Browser]:
    """Headless Chromium with software WebGL 2, an empty profile, and no way off this machine."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=chromium_path, args=list(browsers.ARGUMENTS)
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page_watch(browser: Browser) -> Iterator[browsers.PageWatch]:
    """An empty page, watched; the test ends with `page_watch.assert_quiet()`."""
    context = browser.new_context(
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        viewport={"width": 1920, "height": 1080},
        reduced_motion="reduce",
    )
    yield browsers.PageWatch(context.new_page())
    context.close()


@pytest.fixture(scope="session")
def tainan_dir() -> Path:
    """Folder with the real data of Tainan, which is not part of the repository."""
    folder = Path(os.environ.get("XINTU_TAINAN", ROOT.parent / "shared" / "data" / "tainan"))
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}; XINTU_TAINAN names the one with the Tainan data")
    return folder
