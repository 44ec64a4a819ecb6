"""The shell: headers, health, states of the page, what the first answer already knows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import flask
import pytest
from dash import Dash
from flask.testing import FlaskClient

from dashboard import errors
from dashboard.app import PAGES, create_app, render
from dashboard.pages import data as data_page
from etl.store.reader import Reader
from geo.errors import NotPublishedError, StoreError
from tests.support.dashboard_pages import NOW, page_context
from tests.support.published_store import FACTS, PUBLISHED_AT

pytest_plugins = ("tests.support.dashboard_fixtures",)


@pytest.fixture
def empty_reader(file_store_url: str) -> Reader:
    """A store in which nothing has been published."""
    return Reader(file_store_url)


def states_in(component: Any) -> list[str]:
    return [part for part in str(component).split("'") if part.startswith("data-state")]


def test_health_names_the_snapshot_and_its_age(client: FlaskClient) -> None:
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json["snapshot"] == FACTS.snapshot_id
    assert answer.json["week"] == FACTS.week
    assert timedelta(hours=answer.json["age_hours"]) == pytest.approx(
        NOW - PUBLISHED_AT, abs=timedelta(minutes=6)
    )


def test_health_of_an_empty_store_is_unavailable(empty_reader: Reader) -> None:
    answer = create_app(empty_reader).server.test_client().get("/health")
    assert (answer.status_code, answer.json["status"]) == (503, "not_published")


@pytest.mark.parametrize("path", ["/", "/data", "/health", "/nowhere"])
def test_every_answer_is_confined_to_this_host(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(
        rule.strip().split(" ", 1) for rule in headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'self'"
    assert "'unsafe-eval'" not in policy["script-src"]
    assert "'unsafe-inline'" not in policy["script-src"]
    assert "http" not in headers["Content-Security-Policy"]
    assert "*" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_document_names_no_other_host(client: FlaskClient) -> None:
    document = client.get("/").get_data(as_text=True)
    sources = [part.split('"')[0] for part in document.split('src="')[1:]]
    assert sources
    assert [source for source in sources if not source.startswith("/")] == []


@pytest.mark.parametrize(
    ("query", "cookie", "lang", "theme"),
    [
        ("", {}, "zh-CN", "auto"),
        ("?lang=en&theme=dark", {}, "en", "dark"),
        ("", {"xintu-lang": "en", "xintu-theme": "light"}, "en", "light"),
        ("?lang=zh-CN", {"xintu-lang": "en"}, "zh-CN", "auto"),
        ("?lang=klingon&theme=pink", {}, "zh-CN", "auto"),
    ],
)
def test_the_first_answer_has_language_and_theme(
    dashboard_app: Dash, query: str, cookie: dict[str, str], lang: str, theme: str
) -> None:
    client = dashboard_app.server.test_client()
    for name, value in cookie.items():
        client.set_cookie(name, value)
    document = client.get(f"/{query}").get_data(as_text=True)
    assert f'<html lang="{lang}" data-theme="{theme}">' in document
    assert 'class="boot-map skeleton"' in document


def test_development_tools_are_off(dashboard_app: Dash) -> None:
    with dashboard_app.server.test_request_context("/"):
        config = dashboard_app._config()
    assert not config.get("ui")
    assert not config.get("props_check")
    assert dashboard_app.config.serve_locally


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.PATH)
def test_a_page_of_an_empty_store_says_what_to_do(page: Any, empty_reader: Reader) -> None:
    drawn = str(render(page, page_context(empty_reader, page.PATH)))
    assert "还没有发布任何一周" in drawn
    assert "xintu run" in drawn


def test_an_unknown_page_says_so(published_reader: Reader) -> None:
    assert "没有这个页面" in str(render(None, page_context(published_reader, "/nowhere")))


def test_a_store_that_fails_becomes_a_state(
    published_reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object) -> None:
        raise StoreError("the store does not answer")

    monkeypatch.setattr(published_reader, "table", fail)
    drawn = str(render(data_page, page_context(published_reader, "/data")))
    assert "数据库暂时读不到" in drawn
    # A whole page has nothing beneath it that was read before.
    assert "仍是最近一次" not in drawn
    assert "本页此刻没有可以显示的内容" in drawn


def test_the_table_of_errors_goes_from_narrow_to_wide() -> None:
    assert errors.page_state(NotPublishedError("x")).key == "no_such"
    assert errors.page_state(StoreError("x")).key == "store"
    assert errors.page_state(ValueError("x")).key == "other"


def test_a_callback_that_fails_leaves_a_note(
    dashboard_app: Dash, published_reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_more: object) -> None:
        raise StoreError("the store does not answer")

    monkeypatch.setattr(published_reader, "search", fail)
    answer = call(
        dashboard_app,
        "map-search-results.children",
        {"map-search-input.value": "村"},
        {"map-state-store.data": {"lang": "zh-CN", "snapshot": FACTS.snapshot_id}},
    )
    assert answer.status_code == 200
    side = answer.json["sideUpdate"]["shell-note-box"]["children"]
    assert "数据库暂时读不到" in str(side)


def call(
    app: Dash, output: str, inputs: dict[str, Any], state: dict[str, Any]
) -> flask.wrappers.Response:
    """Ask a callback as the browser does."""

    def ends(values: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"id": key.rpartition(".")[0], "property": key.rpartition(".")[2], "value": value}
            for key, value in values.items()
        ]

    component, _, prop = output.rpartition(".")
    body = {
        "output": output,
        "outputs": {"id": component, "property": prop},
        "inputs": ends(inputs),
        "state": ends(state),
        "changedPropIds": list(inputs),
    }
    return app.server.test_client().post("/_dash-update-component", json=body)
