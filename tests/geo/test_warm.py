"""Compiled loops: ready before they are needed, wherever the code lies, and after a fork."""

from __future__ import annotations

import ctypes
import multiprocessing
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from geo.access import floating_catchment_points
from geo.warm import warm_kernels
from tests.support.loops import compiled_loops

ROOT = Path(__file__).parents[2]
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1  # linux/prctl.h, linux/capability.h
# Stands for `xintu run` where the code and the home of the account cannot be written.
SCRIPT = """
import sys
from pathlib import Path
import numpy as np
from dashboard.compiled import keep_compiled
if sys.argv[1]:
    keep_compiled(Path(sys.argv[1]))
from geo.detect.ears import ears
print(ears(np.arange(12.0)[:, None]).expected[-1, 0])
"""


def test_nothing_is_left_to_compile() -> None:
    warm_kernels(rng=np.random.default_rng(1))
    loops = compiled_loops()
    # What another loop calls is a part of that.
    parts = {name for loop in loops.values() for name in loop.py_func.__code__.co_names}
    cold = [key for key, loop in loops.items() if not loop.signatures and key[1] not in parts]
    assert loops
    assert cold == [], "call what uses these in geo/warm.py"


def test_loops_run_in_a_child_forked_after_they_ran() -> None:
    rng = np.random.default_rng(4)
    xy, sites = rng.uniform(0, 9_000, (500, 2)), rng.uniform(0, 9_000, (20, 2))

    def access() -> list[float]:
        found = floating_catchment_points(
            xy,
            np.ones(500),
            sites,
            np.ones(20),
            catchment_m=2_000.0,
            decay={900.0: 1, 2_000.0: 0.4},
        )
        return found.tolist()

    before = access()
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    children = [context.Process(target=lambda: send.send(access())) for _ in range(2)]
    for child in children:
        child.start()
    answers = []
    for _ in children:
        assert receive.poll(60), "a child hangs"
        answers.append(receive.recv())
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0, 0]
    assert answers == [before, before]


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Path]:
    """The code in a folder that may not be written, and a locality that may."""
    code = tmp_path / "code"
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "geo", code / "geo", ignore=skip)
    (code / "dashboard").mkdir()
    for name in ("__init__.py", "compiled.py"):
        shutil.copy(ROOT / "dashboard" / name, code / "dashboard" / name)
    for path in [code, *code.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    locality = tmp_path / "locality"
    locality.mkdir()
    yield tmp_path
    for path in [code, *code.rglob("*")]:
        path.chmod(0o755)


def _obey_modes() -> None:
    """Let root be bound by the modes of files, as everybody else is."""
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE)


def _run(installed: Path, locality: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, locality],
        cwd="/",
        env={"PYTHONPATH": str(installed / "code"), "HOME": str(installed / "code")},
        preexec_fn=_obey_modes,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_place_numba_refuses(installed: Path) -> None:
    done = _run(installed, "")
    assert done.returncode != 0
    assert "cannot cache function" in done.stderr


def test_code_that_cannot_be_written_keeps_what_is_compiled_in_the_locality(
    installed: Path,
) -> None:
    locality = installed / "locality"
    done = _run(installed, str(locality))
    assert (done.returncode, done.stdout) == (0, "5.0\n"), done.stderr
    assert list((locality / ".xintu" / "compiled").rglob("*.nbi"))
    assert not list((installed / "code").rglob("*.nbi"))


def test_a_locality_that_cannot_be_written_ends_no_run(installed: Path) -> None:
    locality = installed / "locality"
    locality.chmod(0o555)
    done = _run(installed, str(locality))
    assert (done.returncode, done.stdout) == (0, "5.0\n"), done.stderr
    assert not list(locality.iterdir())
