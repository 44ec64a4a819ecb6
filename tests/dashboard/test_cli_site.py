"""`xintu site` as a planner types it: what it prints, keeps and refuses, and how it ends."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from etl.siting.answer import Answer
from etl.siting.answering import answer_question
from etl.siting.ground import read_ground
from etl.siting.question import read_question
from etl.siting.scenario import CANCELLED
from etl.siting.scenarios import Scenarios
from etl.store.engine import open_engine
from etl.store.lease import SITING, Lease
from tests.support import planner, published_store
from tests.support.command import give

TOML = """
[locality]
code = "990101000000"
name = { zh = "清和县", en = "Qinghe County" }
crs = "EPSG:4547"

[[sources]]
id = "areas"
role = "areas"
level = "village"
path = "areas.geojson"
columns = { code = "code" }
"""
ASKED = ("--p", "2", "--source", "school", "--source", "primary_care", "--threshold", "10")
Xintu = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A locality with a published week."""
    found = tmp_path_factory.mktemp("county")
    (found / "xintu.toml").write_text(TOML, encoding="utf-8")
    published_store.publish(found / ".xintu")
    return found


@pytest.fixture
def url(folder: Path) -> str:
    """Its store."""
    return f"sqlite:///{next((folder / '.xintu').glob('*.db'))}"


@pytest.fixture
def xintu(folder: Path, url: str, capsys: pytest.CaptureFixture[str]) -> Xintu:
    """Runs `xintu site`: its code, what it says, and what it says beside."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = give("site", folder, "--store", url, *arguments)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def asked_json(xintu: Xintu, *arguments: str) -> dict[str, Any]:
    code, out, err = xintu(*ASKED, "--json", *arguments)
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def test_the_answer_is_that_of_the_library(xintu: Xintu, url: str, folder: Path) -> None:
    found = asked_json(xintu)
    settings = planner.settings_of(url, folder)
    ground = read_ground(open_engine(url), settings)
    peer = answer_question(ground, read_question(found["question"]))
    new = peer.tables["sites"].query("state == 'new'")["site_id"].tolist()
    assert [s["site_id"] for s in found["sites"] if s["state"] == "new"] == new
    assert found["meta"]["covered_after"] == peer.meta["covered_after"]
    part = found["question"]["parts"][0]
    assert (part["mode"], part["threshold_min"], part["p_new"]) == ("foot", 10.0, 2)


def test_a_person_reads_sites_gains_and_how_sure_it_is(xintu: Xintu) -> None:
    code, out, _ = xintu(*ASKED, "--name", "城东两处")
    assert code == 0
    assert "城东两处（2026-W46）" in out
    for head in ("序", "名称", "来源", "新增覆盖（人）", "尚缺"):
        assert head in out
    assert "新建2处" in out
    assert "已证明最优。" in out
    assert "仍未覆盖约" in out
    code, out, _ = xintu(*ASKED, "--lang", "en")
    assert "Proven optimal." in out
    assert "persons stay uncovered" in out


def test_scenarios_are_listed_shown_replayed_and_discarded(xintu: Xintu) -> None:
    first = asked_json(xintu, "--name", "甲方案")
    one = first["scenario_id"]
    _, out, _ = xintu("--list")
    assert "最优" in out
    row = next(line for line in out.splitlines() if one in line)
    assert "甲方案" in row
    assert "已完成" in row
    _, out, _ = xintu("--show", one, "--json")
    assert json.loads(out) == first
    _, out, _ = xintu("--replay", one, "--json")
    again = json.loads(out)
    assert again["scenario_id"] != one
    assert (again["question"], again["sites"]) == (first["question"], first["sites"])
    _, out, _ = xintu("--list", "--json")
    listed = {row["scenario_id"]: row for row in map(json.loads, out.splitlines())}
    assert listed[again["scenario_id"]]["replay_of"] == one
    assert xintu("--discard", one)[0] == 0
    code, _, err = xintu("--show", one)
    assert code == 2
    assert "it may have been discarded" in err


def test_a_question_from_a_file_is_the_same_question(xintu: Xintu, tmp_path: Path) -> None:
    told = asked_json(xintu)
    path = tmp_path / "question.json"
    path.write_text(json.dumps(told["question"]), encoding="utf-8")
    code, out, _ = xintu("--question", str(path), "--json")
    assert code == 0
    assert json.loads(out)["sites"] == told["sites"]


@pytest.mark.parametrize(
    ("text", "says"),
    [("{", "not JSON"), ("[1]", "wanted a JSON object"), ('{"parts": []}', "至少要有1项")],
)
def test_a_file_that_is_no_question_is_refused(
    xintu: Xintu, tmp_path: Path, text: str, says: str
) -> None:
    path = tmp_path / "question.json"
    path.write_text(text, encoding="utf-8")
    code, _, err = xintu("--question", str(path))
    assert code == 2
    assert says in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--p", "-1"), "要求比现状减少1处，但最多只能关闭0处"),
        ((), "新建数量和预算至少填写一项"),
        (("--p", "1", "--kind", "castle"), "不在可选范围内"),
        (("--p", "1", "--budget", "5"), "没有填写每处新建点位的费用"),
        (("--p", "1", "--locked", "school:a", "--forbidden", "school:a"), "又要求不建"),
        (("--p", "1", "--point", "here"), "--point here: wanted lon,lat"),
        (("--p", "1", "--lang", "fr"), "--lang fr: wanted zh-CN or en"),
        (("--p", "1", "--name", "张某某家"), "points at a person"),
        (("--p", "1", "--question", "/nowhere.json"), "/nowhere.json"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_it_is_kept(
    xintu: Xintu, url: str, arguments: tuple[str, ...], says: str
) -> None:
    before = len(Scenarios(open_engine(url)).every())
    code, _, err = xintu(*arguments)
    assert code == 2
    assert says in err
    assert "Traceback" not in err
    assert len(Scenarios(open_engine(url)).every()) == before


def test_what_the_ground_cannot_answer_fails_in_words(xintu: Xintu) -> None:
    code, out, _ = xintu("--p", "500", "--source", "school")
    assert code == 2
    assert "要求新建500处，可用的候选场地只有" in out
    code, out, _ = xintu("--p", "500", "--source", "school", "--lang", "en")
    assert "at most" in out


def test_what_nothing_meets_is_explained_and_ends_with_1(xintu: Xintu) -> None:
    arguments = ("--objective", "set_cover", "--source", "school", "--threshold", "2")
    code, out, _ = xintu(*arguments)
    assert code == 1
    assert "个有人居住的网格到达不了任何候选场地或现有点位" in out
    assert "不可能做到全部覆盖" in out
    code, out, _ = xintu(*arguments, "--json")
    assert code == 1
    assert json.loads(out)["meta"]["infeasible"]["cause"] == "unreached_demand"


def test_another_worker_is_left_to_its_work(xintu: Xintu, url: str) -> None:
    """While a process is at work, the command waits for its answer, and says where it stands."""
    engine = open_engine(url)
    with Lease(engine, SITING):
        scenarios = Scenarios(engine)

        def answer() -> None:
            while (job := scenarios.take("other", now=planner.NOW)) is None:
                pass
            scenarios.end(job.scenario_id, "other", state=CANCELLED, now=planner.NOW)

        import threading

        thread = threading.Thread(target=answer)
        thread.start()
        code, out, _ = xintu(*ASKED)
        thread.join()
    assert code == 1
    assert "已取消" in out


def test_ctrl_c_cancels_what_was_asked(
    xintu: Xintu, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dashboard import cli_site

    def interrupt(*_: Any) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(cli_site, "_show", interrupt)
    code, _, err = xintu(*ASKED, "--name", "被中断的方案")
    assert code == 130
    assert len(err.strip().splitlines()) == 1
    found = next(s for s in Scenarios(open_engine(url)).every() if s.name == "被中断的方案")
    assert found.state == CANCELLED


def test_a_proposal_is_written_where_it_is_wanted(
    xintu: Xintu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, Any] = {}

    def write(answer: Answer, _reader: Any, folder: Path, **given: Any) -> list[Path]:
        told.update(given, folder=folder, meta=answer.meta)
        return [folder / "a.xlsx"]

    monkeypatch.setattr("dashboard.report.proposal.write_proposal", write)
    code, out, _ = xintu(*ASKED, "--out", str(tmp_path), "--name", "城东/两处", "--lang", "en")
    assert code == 0
    assert told["folder"] == tmp_path
    assert told["lang"] == "en"
    assert told["name"].startswith("城东_两处-")
    assert told["meta"]["state"] == "found"
    assert f"{tmp_path / 'a.xlsx'}: written" in out
