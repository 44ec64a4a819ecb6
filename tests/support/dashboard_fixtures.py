"""Fixtures of the dashboard's tests: `pytest_plugins = ("tests.support.dashboard_fixtures",)`.

Not to be imported: pytest loads it, once. What tests call stands in `dashboard_pages`."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from dash import Dash
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from dashboard.app import create_app
from etl.store.reader import Reader, Snapshot
from tests.support import published_store
from tests.support.dashboard_pages import NOW


@pytest.fixture(scope="session")
def published_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """URL of a store with one published week of a small county."""
    return published_store.publish(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="session")
def published_reader(published_url: str) -> Reader:
    """Reader of that store."""
    return Reader(published_url)


@pytest.fixture(scope="session")
def snapshot(published_reader: Reader) -> Snapshot:
    """Its one snapshot."""
    return published_reader.current()


@pytest.fixture(scope="session")
def dashboard_app(published_reader: Reader) -> Dash:
    """The application over it, at a fixed time."""
    return create_app(published_reader, now=lambda: NOW)


@pytest.fixture
def client(dashboard_app: Dash) -> FlaskClient:
    """A client of the application without a browser."""
    return dashboard_app.server.test_client()


@pytest.fixture(scope="session")
def dashboard_address(dashboard_app: Dash) -> Iterator[str]:
    """Address at which the application is served."""
    server = make_server("127.0.0.1", 0, dashboard_app.server, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
