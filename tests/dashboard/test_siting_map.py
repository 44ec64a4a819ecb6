"""The map of a choice of sites: bytes of its cells, places on it, what is not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import flask
import numpy as np
import pandas as pd
import pytest

from dashboard import siting_map
from dashboard.components.siting_legend import cell_legend
from dashboard.text import load
from dashboard.tokens import tokens
from etl.store.reader import Reader, Snapshot
from geo.errors import NotPublishedError
from geo.model import Missing
from tests.support import colours
from tests.support.dashboard_pages import words_of

pytest_plugins = ("tests.support.dashboard_fixtures",)

ZH = load("zh-CN")
STATE = np.array([0, 1, 2, 3, 4, 5], dtype=np.uint8)


@dataclass
class Small:
    """An answer of six cells: one site kept, one closed, two new of three candidates."""

    meta: Mapping[str, Any] = field(default_factory=lambda: {"question": {"parts": [{}, {}]}})

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Sites and candidates."""
        sites = pd.DataFrame(
            {
                "site_id": ["a", "b", "venue:2", "venue:1"],
                "state": ["kept", "closed", "new", "new"],
                "order": [np.nan, np.nan, 2, 1],
                "kind": ["counselling_room"] * 4,
                "name": ["甲室", "乙室", "二号", "一号"],
                "lon": [101.1, 101.2, 101.3, 101.4],
                "lat": [25.1, 25.2, 25.3, 25.4],
                "town_name": ["柳溪镇"] * 4,
                "village_name": ["柳岸村"] * 4,
                "gain_persons": [np.nan, np.nan, 300.0, 1200.0],
            }
        )
        candidates = pd.DataFrame(
            {
                "candidate_id": ["venue:1", "venue:2", "school:3"],
                "source": ["venue", "venue", "school"],
                "kind": ["counselling_room"] * 3,
                "name": ["一号", "二号", "三号"],
                "lon": [101.4, 101.3, 101.5],
                "lat": [25.4, 25.3, 25.5],
                "town_name": ["柳溪镇"] * 3,
                "village_name": ["柳岸村", "桥头村", np.nan],
            }
        )
        return {"sites": sites, "candidates": candidates}

    def array(self, name: str, part: int = 0) -> np.ndarray:
        """One cell of each state; those of the second kind in the opposite order."""
        minutes = np.array([np.nan, 5, 9, np.nan, 30, 4], dtype=np.float32)
        every = {"state": STATE, "minutes_before": minutes + 1, "minutes_after": minutes}
        return every[name][:: -1 if part else 1]


class Holder:
    """A planner that has one answer."""

    def result(self, scenario_id: str) -> Small:
        """The answer, or that there is none."""
        if scenario_id != "s1":
            raise NotPublishedError(f"no scenario {scenario_id}")
        return Small()

    def try_sites(self, scenario_id: str, site_ids: Sequence[str]) -> Any:
        """Everything newly covered where site 3 is tried."""
        self.result(scenario_id)
        states = [np.full(6, 2 if code in site_ids else 3, dtype=np.uint8)
                  for code in ("school:3", "venue:2")]  # fmt: skip
        return type("Tried", (), {"states": states})()


@pytest.fixture
def client(published_reader: Reader) -> Any:
    server = flask.Flask("test")
    siting_map.register_routes(server, published_reader, Holder())
    return server.test_client()


def test_every_state_has_a_fill_of_its_own() -> None:
    fills = list(siting_map.cell_fills(STATE))
    assert len(set(fills)) == 6
    # Newly covered cells carry a hatch, those whose residents are withheld dots, empty ones none.
    assert [fill // 16 for fill in fills] == [
        Missing.OK, Missing.OK, Missing.UNRELIABLE, Missing.OK, Missing.OK, Missing.SUPPRESSED,
    ]  # fmt: skip
    assert fills[0] == 15


def test_before_shows_what_was_covered_before() -> None:
    after, before = siting_map.cell_fills(STATE), siting_map.cell_fills(STATE, "before")
    assert before[2] == after[3] == before[3]
    assert before[4] == after[1] == before[1]
    assert (before[0], before[5]) == (after[0], after[5])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_fills_are_told_apart_without_colour(theme: Any) -> None:
    ramp = tokens(theme).ramp("siting")
    assert len(ramp) == 4
    for one, other in combinations(ramp, 2):
        assert colours.difference(one, other, seen_with=colours.GREY) >= 6, (one, other)
    for eye in colours.DEFICIENCIES.values():
        for one, other in combinations(ramp, 2):
            assert colours.difference(one, other, seen_with=eye) >= 7, (one, other)


def test_cells_are_served_for_ever(client: Any) -> None:
    answer = client.get("/siting/s1/cells/0/after.bin")
    assert answer.data == siting_map.cell_fills(STATE)
    assert "immutable" in answer.headers["Cache-Control"]
    before = client.get("/siting/s1/cells/0/before.bin").data
    assert before == siting_map.cell_fills(STATE, "before")
    minutes = np.frombuffer(client.get("/siting/s1/cells/0/before.f32").data, dtype="<f4")
    np.testing.assert_array_equal(minutes, Small().array("minutes_before"))


def test_each_kind_has_cells_of_its_own(client: Any) -> None:
    other = client.get("/siting/s1/cells/1/after.bin").data
    assert other == siting_map.cell_fills(STATE[::-1])
    minutes = np.frombuffer(client.get("/siting/s1/cells/1/after.f32").data, dtype="<f4")
    np.testing.assert_array_equal(minutes, Small().array("minutes_after", 1))
    assert client.get("/siting/s1/cells/2/after.bin").status_code == 404


def test_tried_sites_are_served_too(client: Any) -> None:
    sites = "?sites=venue:1,school:3"
    tried = client.get(f"/siting/s1/cells/0/after.bin{sites}").data
    assert tried == siting_map.cell_fills(np.full(6, 2, dtype=np.uint8))
    other = client.get(f"/siting/s1/cells/1/after.bin{sites}").data
    assert other == siting_map.cell_fills(np.full(6, 3, dtype=np.uint8))


def test_what_is_not_there_is_not_kept(client: Any) -> None:
    answer = client.get("/siting/nothing/cells/0/after.bin")
    assert answer.status_code == 404
    assert "Cache-Control" not in answer.headers
    assert client.get("/siting/ground/nothing.bin").status_code == 404


def test_the_ground_has_a_byte_a_cell(client: Any, snapshot: Snapshot) -> None:
    body = client.get(f"/siting/ground/{snapshot.snapshot_id}.bin").data
    assert body == bytes([15]) * snapshot.level("grid")["n"]


def test_new_sites_are_numbered_in_their_order(snapshot: Snapshot) -> None:
    view = siting_map.answer_view(snapshot, ZH, Small(), scenario_id="s1", candidates=True)
    roles = {point["id"]: (point["role"], point["order"]) for point in view["points"]}
    assert roles == {
        "a": ("existing", None), "b": ("closed", None), "school:3": ("candidate", None),
        "venue:1": ("new", 1), "venue:2": ("new", 2),
    }  # fmt: skip
    first = next(point for point in view["points"] if point["id"] == "venue:1")
    assert first["lines"] == ["可用场地", "柳溪镇 柳岸村", "新增覆盖 1\u2009200 人"]
    assert view["cells"]["classes"] == "siting/s1/cells/0/after.bin"
    assert view["level"] == "grid"


def test_before_shows_only_what_is_there(snapshot: Snapshot) -> None:
    view = siting_map.answer_view(snapshot, ZH, Small(), scenario_id="s1", side="before")
    assert [(point["id"], point["role"]) for point in view["points"]] == [
        ("a", "existing"), ("b", "existing"),
    ]  # fmt: skip
    assert view["cells"]["values"] == "siting/s1/cells/0/before.f32"


def test_tried_sites_take_the_place_of_the_answers(snapshot: Snapshot) -> None:
    view = siting_map.answer_view(
        snapshot, ZH, Small(), scenario_id="s1", sites=("school:3", "venue:1")
    )
    new = {point["id"]: point["order"] for point in view["points"] if point["role"] == "new"}
    assert new == {"school:3": 1, "venue:1": 2}
    assert view["cells"]["classes"].endswith("after.bin?sites=school%3A3%2Cvenue%3A1")
    assert view["cells"]["values"] is None


def test_the_legend_names_lost_cover_only_where_there_is_some() -> None:
    assert "失去覆盖" not in words_of(cell_legend(ZH))
    assert "失去覆盖" in words_of(cell_legend(ZH, lost=True))
    assert "新增覆盖" not in words_of(cell_legend(ZH, side="before"))


def test_what_a_candidate_lacks_stands_beside_the_mouse() -> None:
    (row,) = Small().tables["candidates"].query("candidate_id == 'school:3'").to_dict("records")
    whole = siting_map.candidate_point({**row, "lacks": ""}, ZH)
    barred = siting_map.candidate_point({**row, "lacks": "excluded|area_unknown"}, ZH)
    assert barred["lines"][:-1] == whole["lines"]
    assert barred["lines"][-1] == "尚缺：在禁建区或水域内、面积不详"
