"""The command as a person types it: every word of it, and what it says when something is wrong."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.command import give
from tests.support.network import free_port

XINTU = str(Path(sys.executable).with_name("xintu"))
START_LIMIT_S = 60

pytestmark = pytest.mark.slow
Here = Callable[..., str]


def xintu(*words: str | Path, code: int = 0) -> str:
    """What a command prints; it must end with `code` and never with a traceback."""
    done = subprocess.run(
        [XINTU, *map(str, words)], capture_output=True, text=True, check=False, timeout=300
    )
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert "Traceback" not in said
    return said


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Here:
    """The same in this process, for what needs no process of its own."""

    def run(*words: object, code: int = 0) -> str:
        ended = give(*words)
        told = capsys.readouterr()
        said = told.out + told.err
        assert ended == code, said
        assert "Traceback" not in said
        return said

    return run


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small fictional city, published."""
    folder = tmp_path_factory.mktemp("cli") / "city"
    xintu("demo", folder, "--cells", "200", "--weeks", "60")
    assert re.search(r"published in [\d.]+ s：读入 [\d,]+ 行", xintu("run", folder))
    return folder


def test_help_names_every_command() -> None:
    said = xintu("--help")
    for word in (
        "init",
        "demo",
        "run",
        "serve",
        "report",
        "schedule",
        "findings",
        "targets",
        "doctor",
    ):
        assert word in said


def test_init_writes_a_template_and_never_over_another(here: Here, tmp_path: Path) -> None:
    here("init", tmp_path / "mine")
    assert (tmp_path / "mine" / "xintu.toml").exists()
    assert "there already" in here("init", tmp_path / "mine", code=2)


def test_a_folder_without_configuration_is_named_with_what_to_do(
    here: Here, tmp_path: Path
) -> None:
    said = here("run", tmp_path, code=2)
    assert "no such file" in said
    assert "xintu init" in said


def test_a_misspelt_key_is_named_with_its_place(here: Here, tmp_path: Path) -> None:
    (tmp_path / "xintu.toml").write_text('[locality]\nnaem = "x"\n', encoding="utf-8")
    said = here("run", tmp_path, code=2)
    assert "locality.naem" in said
    assert "sources" in said, "all faults at once"


def test_a_city_is_left_as_it_is(here: Here, city: Path) -> None:
    before = (city / "xintu.toml").read_bytes()
    assert "already holds a locality" in here("demo", city, code=2)
    assert here("demo", city, "--if-absent") == ""
    assert (city / "xintu.toml").read_bytes() == before


def test_a_second_run_has_nothing_to_do(city: Path) -> None:
    assert "nothing has changed" in xintu("run", city)


def test_findings_name_file_row_and_column(here: Here, city: Path) -> None:
    said = re.sub(r"\s", "", here("findings", city))
    assert "机构/" in said
    assert "-1" in said


def test_the_schedule_lists_its_next_runs(here: Here, city: Path) -> None:
    said = here("schedule", city, "--list")
    assert re.search(r"\d{4}-\d\d-\d\d 07:00 +每周发布", said)


def test_serving_without_a_store_says_what_to_do(city: Path, tmp_path: Path) -> None:
    shutil.copy(city / "xintu.toml", tmp_path)
    assert "xintu run" in xintu("serve", tmp_path, code=2)


@dataclass(frozen=True)
class Served:
    """`xintu serve` under way."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path


@pytest.fixture(scope="module")
def served(city: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The city's pages from two processes; Ctrl-C ends them."""
    port, log = free_port(), tmp_path_factory.mktemp("served") / "log"
    command = [XINTU, "serve", str(city), "--port", str(port), "--workers", "2"]
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            yield Served(process, port, log)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)


def test_the_page_answers_where_the_last_line_says(city: Path, served: Served) -> None:
    health = _wait_for(f"http://127.0.0.1:{served.port}/health")
    assert health["status"] == "ok"
    assert f"http://127.0.0.1:{served.port}" in served.log.read_text(encoding="utf-8")
    assert "in use" in xintu("serve", city, "--port", str(served.port), code=2)


@pytest.mark.skipif(
    not Path("/proc/self/maps").exists(), reason="what a process has loaded is read from /proc"
)
def test_workers_of_the_server_load_no_compiler(served: Served) -> None:
    """A page shows what was published: nothing is computed, so nothing is compiled after a fork."""
    _wait_for(f"http://127.0.0.1:{served.port}/health")
    for path in ("/", "/wall", "/data", "/_dash-layout", "/_dash-dependencies"):
        for _ in range(4):
            with urllib.request.urlopen(f"http://127.0.0.1:{served.port}{path}", timeout=30) as it:
                assert it.status == 200
    pid = served.process.pid
    end = time.monotonic() + START_LIMIT_S
    # The first worker may answer before the second one is there.
    while len(workers := _workers(pid)) < 2:
        assert time.monotonic() < end, workers
        time.sleep(0.1)
    loaded = {pid: Path(f"/proc/{pid}/maps").read_text() for pid in workers}
    assert len(workers) == 2
    assert all("numpy" in maps for maps in loaded.values())
    assert [pid for pid, maps in loaded.items() if "llvmlite" in maps or "/numba/" in maps] == []


def _workers(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _wait_for(url: str) -> dict[str, object]:
    end = time.monotonic() + START_LIMIT_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                found: dict[str, object] = json.load(answer)
                return found
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
