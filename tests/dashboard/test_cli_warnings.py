"""`xintu warnings` as an office types it: what it lists, what it does, what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from etl.response.desk import Desk
from etl.settings import load_locality
from etl.store.writer import Writer
from geo.errors import AccessError
from tests.support.command import give
from tests.support.responses import TOWNS, VILLAGES, episodes, follow_week, lives

TOML = """
[locality]
code = "9900"
name = { zh = "清和县", en = "Qinghe County" }
crs = "EPSG:4547"

[[response.offices]]
code = "centre"
name = { zh = "县中心", en = "Centre" }
level = "county"
area_code = "9900"

[[response.offices]]
code = "east"
name = { zh = "东镇站", en = "East" }
level = "town"
area_code = "9910"

[[sources]]
id = "areas"
role = "areas"
level = "village"
path = "areas.geojson"
title = { zh = "边界", en = "Areas" }
columns = { code = "code" }
"""
NOW = datetime.now(UTC)
Xintu = Callable[..., str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A locality with three warnings: one long overdue, one fresh, one faded."""
    (tmp_path / "xintu.toml").write_text(TOML, encoding="utf-8")
    engine = Writer(load_locality(tmp_path).store_url).engine
    old = episodes(("calls.1", 2, VILLAGES[1]), ("calls.2", 1, VILLAGES[5]))
    follow_week(engine, old, now=NOW - timedelta(weeks=3), week="2026-W43")
    new = episodes(("calls.1", 2, VILLAGES[1]), ("calls.3", 4, VILLAGES[3]))
    follow_week(engine, new, now=NOW - timedelta(hours=1), week="2026-W46")
    engine.dispose()
    return tmp_path


@pytest.fixture
def xintu(capsys: pytest.CaptureFixture[str]) -> Xintu:
    """Runs `xintu warnings`; it must end with `code`."""

    def run(*words: object, code: int = 0) -> str:
        ended = give("warnings", *words)
        said = capsys.readouterr()
        assert ended == code, said
        return said.out + said.err

    return run


def listed(said: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said.splitlines()]


def test_the_folder_alone_lists_what_is_live(folder: Path, xintu: Xintu) -> None:
    said = xintu(folder)
    assert said == xintu("list", folder)
    assert re.search(r"calls\.3 .*红 red .*9914村 .*热线来电.*待签收 open.*县中心", said)
    assert re.search(r"calls\.1 .*黄 yellow.*东镇站.*已逾期 overdue", said)
    assert re.search(r"calls\.2 .*信号已消退 faded", said)
    assert said.index("calls.3") < said.index("calls.1") < said.index("calls.2")


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--tier", "red"], ["calls.3"]),
        (["--overdue"], ["calls.1", "calls.2"]),
        (["--area", TOWNS[1]], ["calls.2"]),
        (["--area", VILLAGES[3]], ["calls.3"]),
        (["--state", "closed"], []),
        (["--state", "open", "--tier", "yellow"], ["calls.1"]),
    ],
)
def test_filters(folder: Path, xintu: Xintu, options: list[str], ids: list[str]) -> None:
    assert [row["warning_id"] for row in listed(xintu(folder, *options, "--json"))] == ids


def test_json_is_for_machines(folder: Path, xintu: Xintu) -> None:
    row = listed(xintu(folder, "--json", "--tier", "blue"))[0]
    assert (row["tier"], row["state"], row["faded"], row["respond_by_utc"]) == (
        1, "open", True, None,
    )  # fmt: skip
    assert datetime.fromisoformat(row["due_at_utc"]).utcoffset() == timedelta(0)
    told = json.loads(xintu("show", folder, "calls.2", "--json"))
    assert [event["kind"] for event in told["events"]] == ["opened", "faded"]
    assert told["overdue"] is True
    assert told["nearest"] == []


def test_a_life_from_its_opening_to_its_end(folder: Path, xintu: Xintu) -> None:
    assert "现为 now: 已签收 acknowledged" in xintu(
        "acknowledge", folder, "calls.1", "--office", "east"
    )
    said = xintu("respond", folder, "calls.1", "--office", "east", "--note", "已派队到村")
    assert "开始响应 responding，东镇站；现为 now: 响应中 responding" in said
    assert "已办结 closed" in xintu("close", folder, "calls.1", "--office", "centre")
    shown = xintu("show", folder, "calls.1")
    assert re.search(
        r"发出预警 opened.*仍然偏高 steady.*签收 ack.*已派队到村.*办结 closed", shown, re.DOTALL
    )
    assert "calls.1高于往常。" in shown
    assert "calls.1" not in xintu(folder)
    assert "calls.1" in xintu(folder, "--state", "closed")
    assert "已办结 closed" in xintu(
        "note", folder, "calls.1", "--office", "east", "--note", "复核无误"
    )


def test_the_beginning_of_an_id_is_enough_if_no_other_has_it(folder: Path, xintu: Xintu) -> None:
    assert "calls.3" in xintu("show", folder, "calls.3"[:7])
    said = xintu("show", folder, "calls", code=2)
    assert "several begin so: calls.1, calls.2, calls.3" in said
    assert "there is none" in xintu("show", folder, "screened", code=2)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["close", "calls.1", "--office", "east"], "open; closed is no step from there"),
        (["acknowledge", "calls.1", "--office", "north"], "wanted one of centre, east"),
        (["acknowledge", "calls.2", "--office", "east"], "is not in the area of east"),
        (["dismiss", "calls.1", "--office", "east", "--reason", " "], "reason: empty"),
        (["note", "calls.1", "--office", "east", "--note", "字" * 301], "301 characters"),
    ],
)
def test_what_is_not_allowed_is_said_and_changes_nothing(
    folder: Path, xintu: Xintu, words: list[str], told: str
) -> None:
    engine = Writer(load_locality(folder).store_url).engine
    before = lives(engine)
    assert told in xintu(words[0], folder, *words[1:], code=2)
    assert lives(engine) == before


def test_notes_that_point_at_a_person_are_refused_and_not_repeated(
    folder: Path, xintu: Xintu
) -> None:
    for text in ("已联系13800138000", "患者王小明已送医", "11010519491231002X"):
        said = xintu("note", folder, "calls.1", "--office", "east", "--note", text, code=2)
        assert "points at a person" in said
        assert not any(part in said for part in ("13800138000", "王小明", "11010519491231002X"))
    said = xintu("dismiss", folder, "calls.1", "--office", "east", "--reason", "王女士来电", code=2)
    assert "王女士" not in said


def test_unknown_filters_and_a_missing_store_are_named(folder: Path, xintu: Xintu) -> None:
    assert "--tier 'green': wanted one of blue, yellow" in xintu(folder, "--tier", "green", code=2)
    assert "--state 'done': wanted one of open" in xintu(folder, "--state", "done", code=2)
    store = f"sqlite:///{folder / 'none.db'}"
    assert "no store there yet" in xintu(folder, "--store", store, code=2)
    words = ["acknowledge", folder, "calls.1", "--office", "east", "--store", store]
    assert "no store there yet" in xintu(*words, code=2)
    assert not (folder / "none.db").exists()


def test_a_pin_is_shown_once_and_opens_the_desk(folder: Path, xintu: Xintu) -> None:
    said = xintu("pin", folder, "east")
    (pin,) = re.findall(r"PIN (\d{8})$", said, re.MULTILINE)
    settings = load_locality(folder)
    desk = Desk(Writer(settings.store_url).engine, settings)
    life = desk.act("acknowledge", "calls.1", office="east", pin=pin, now=NOW)
    assert life.state == "acknowledged"
    xintu("pin", folder, "east")
    with pytest.raises(AccessError, match="wrong PIN"):
        desk.act("respond", "calls.1", office="east", pin=pin, now=NOW)
    assert "wanted one of centre, east" in xintu("pin", folder, "north", code=2)
