"""What the server gives the map: routes that may be kept for ever, and the message of a view."""

from __future__ import annotations

import gzip
import json

import flask
import numpy as np
import pytest
from flask.testing import FlaskClient

from dashboard.maproutes import register_routes
from dashboard.mapview import host_figure, map_component, map_view
from dashboard.text import load
from geo.errors import NotPublishedError
from geo.model import Missing
from tests.support.synthetic_reader import LAYERS, WEEKS, SyntheticReader

LAYER = "/published/synthetic/village/rate.hotline_calls"


@pytest.fixture(scope="module")
def reader() -> SyntheticReader:
    return SyntheticReader(400, n_villages=60, n_towns=6)


@pytest.fixture(scope="module")
def client(reader: SyntheticReader) -> FlaskClient:
    server = flask.Flask("routes")
    register_routes(server, reader)
    return server.test_client()


def test_class_bytes_come_in_idx_order(client: FlaskClient, reader: SyntheticReader) -> None:
    answer = client.get(f"{LAYER}/{WEEKS[-1]}.bin")
    wanted = reader.layer("synthetic", "village", "rate.hotline_calls", WEEKS[-1])
    assert answer.status_code == 200
    assert answer.data == wanted.classes.tobytes()


def test_withheld_values_never_leave_the_server(
    client: FlaskClient, reader: SyntheticReader
) -> None:
    values = np.frombuffer(client.get(f"{LAYER}/{WEEKS[-1]}.f32").data, dtype="<f4")
    wanted = reader.layer("synthetic", "village", "rate.hotline_calls", WEEKS[-1])
    withheld = np.isin(wanted.states, (Missing.NO_DATA, Missing.SUPPRESSED))
    assert withheld.any()
    assert np.isnan(values[withheld]).all()
    np.testing.assert_allclose(values[~withheld], wanted.values[~withheld], rtol=1e-6)


@pytest.mark.parametrize(
    "path",
    [
        f"{LAYER}/{WEEKS[0]}.bin",
        "/published/synthetic/village/access/static.bin",
        "/published/synthetic/sites.json",
        f"/published/synthetic/warnings/{WEEKS[0]}.json",
        "/published/geometry/village400s7.geojson",
    ],
)
def test_answers_may_be_kept_for_ever(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/published/nobody/village/access/static.bin",
        "/published/synthetic/province/access/static.bin",
        "/published/synthetic/village/nothing/static.bin",
        f"{LAYER}/2026-W01.bin",
        f"{LAYER}/static.bin",
        f"/published/synthetic/village/access/{WEEKS[0]}.bin",
        "/published/synthetic/warnings/1999-W01.json",
        "/published/nobody/sites.json",
        "/published/geometry/unknown.geojson",
    ],
)
def test_what_is_not_published_is_not_found(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "immutable" not in answer.headers.get("Cache-Control", "")


def test_geometry_is_sent_as_stored(client: FlaskClient, reader: SyntheticReader) -> None:
    path = "/published/geometry/village400s7.geojson"
    packed = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.data == reader.geometry("village400s7")
    plain = client.get(path)
    assert "Content-Encoding" not in plain.headers
    assert json.loads(plain.data) == json.loads(gzip.decompress(packed.data))


def test_warnings_keep_the_highest_tier_of_an_area(client: FlaskClient) -> None:
    rows = client.get(f"/published/synthetic/warnings/{WEEKS[-1]}.json").get_json()
    assert len({(row["level"], row["code"]) for row in rows}) == len(rows)
    assert {row["tier"] for row in rows} == {1, 2, 3, 4}
    assert all("count" not in row for row in rows)


def test_sites_say_how_they_are_placed(client: FlaskClient) -> None:
    rows = client.get("/published/synthetic/sites.json").get_json()
    assert set(rows[0]) == {"id", "kind", "name", "lon", "lat", "status", "staff", "quality"}


def test_a_view_names_all_that_is_drawn(reader: SyntheticReader) -> None:
    snapshot = reader.current()
    view = map_view(snapshot, load("zh-CN"), layer="gap", sites=("school",), warnings=True)
    assert view["week"] == ""
    assert view["warning_week"] == WEEKS[-1]
    assert view["meta"]["value_words"][3] == "严重缺口"
    assert view["meta"]["classes"] == 4
    assert [entry["level"] for entry in view["levels"]] == ["grid", "village", "town", "county"]
    assert view["show"] == {"sites": ["school"], "warnings": True, "context": True, "labels": True}
    json.dumps(view, allow_nan=False)


def test_a_share_is_shown_in_percent(reader: SyntheticReader) -> None:
    layer = "covered.counselling_room"
    meta = map_view(reader.current(), load("zh-CN"), layer=layer)["meta"]
    assert (meta["unit"], meta["scale"], meta["digits"]) == ("%", 100, 0)


def test_equal_choices_give_equal_views(reader: SyntheticReader) -> None:
    for layer in LAYERS:
        one, other = (map_view(reader.current(), load("en"), layer=layer) for _ in range(2))
        assert one == other


def test_an_unknown_layer_is_refused(reader: SyntheticReader) -> None:
    with pytest.raises(NotPublishedError):
        map_view(reader.current(), load("en"), layer="nothing")


def test_the_host_names_no_foreign_address() -> None:
    text = json.dumps(host_figure()) + json.dumps(map_component("x").to_plotly_json(), default=str)
    assert "http" not in text
    assert host_figure(base="/xintu/")["layout"]["map"]["style"] == "/xintu/assets/style.json"


def test_ids_follow_the_prefix() -> None:
    ids = {child.id for child in map_component("page").children}
    names = ("graph", "over", "host", "view", "picked", "state")
    assert ids == {f"page-{name}" for name in names}
