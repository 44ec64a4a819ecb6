"""What must hold for the repository as a whole."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]
MAX_BYTES = 1_500_000

# Built from parts, so that this file is not a finding of its own.
INDEX_PATTERNS = (
    r"pypi\.org" + r"/simple",
    r"files\.python" + r"hosted\.org",
    r"registry\." + r"npmjs\.org",
    r"index-url[\s='\"]+" + r"(?:https?|file):",
    r"INDEX_URL[\s='\":]+" + r"(?:https?|file):",
)


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """Files that git tracks or would track: what is new and not ignored counts, too."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    files = [ROOT / name for name in listed.split("\0") if name]
    assert ROOT / "pyproject.toml" in files
    # A file that was removed, but not yet from the index, is still listed.
    return [file for file in files if file.is_file()]


def configured_hosts() -> set[str]:
    """Hosts that pip and uv on this machine are told to download from."""
    settings = run(sys.executable, "-m", "pip", "config", "list")
    values = re.findall(r"\w+://[^\s'\"]+", settings)
    values += [v for k, v in os.environ.items() if re.fullmatch(r"(PIP|UV)_\w*(INDEX|URL)\w*", k)]
    hosts = {urlsplit(word).hostname for value in values for word in value.split()}
    return {host for host in hosts if host}


def find_in_files(files: list[Path], pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)}: {match.group()}"
        for file in files
        if (match := pattern.search(file.read_text(encoding="utf-8", errors="ignore")))
    ]


def test_no_file_names_a_package_index(tracked: list[Path]) -> None:
    patterns = [*INDEX_PATTERNS, *map(re.escape, sorted(configured_hosts()))]
    assert find_in_files(tracked, re.compile("|".join(patterns), re.IGNORECASE)) == []


def test_locks_carry_hashes_and_no_address(tracked: list[Path]) -> None:
    locks = [file for file in tracked if file.name.endswith((".lock", "-lock.json"))]
    assert {file.name for file in locks} >= {"requirements.lock", "requirements-dev.lock"}
    assert find_in_files(locks, re.compile(r"https?://\S+")) == []
    for lock in (ROOT / "requirements.lock", ROOT / "requirements-dev.lock"):
        for block in re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8").strip()):
            assert "==" in block, block
            assert "--hash=sha256:" in block, block


def test_development_lock_contains_the_runtime_lock() -> None:
    def pins(name: str) -> set[str]:
        text = (ROOT / name).read_text(encoding="utf-8")
        return set(re.findall(r"^(\S+==[^\\\n]+?) *\\?$", text, re.MULTILINE))

    assert pins("requirements.lock") <= pins("requirements-dev.lock")


def test_locks_hold_every_dependency() -> None:
    """A dependency that was added without `make lock` is missing on the next machine."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = {
        "requirements.lock": [*project["dependencies"], *extras["build"]],
        "requirements-dev.lock": extras["dev"],
    }
    for lock, requirements in wanted.items():
        text = (ROOT / lock).read_text(encoding="utf-8")
        names = [re.match(r"[\w.-]+", requirement).group() for requirement in requirements]
        assert [name for name in names if f"\n{name}==" not in f"\n{text}"] == []


def test_dependencies_are_explained() -> None:
    """docs/dependencies.md gives the reason for each dependency, and for no other."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        requirements += extra
    names = {re.match(r"[\w.-]+", requirement).group() for requirement in requirements}
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([\w.-]+)` \|", text, re.MULTILINE)) == names


def test_files_are_small(tracked: list[Path]) -> None:
    large = {str(f.relative_to(ROOT)): f.stat().st_size for f in tracked}
    assert {name: size for name, size in large.items() if size >= MAX_BYTES} == {}


def test_changelog_has_room_for_the_next_release() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## \[Unreleased\]$", text, re.MULTILINE)


def test_rooms_import_in_one_direction() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_make_alone_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE).group(1).split())
    listed = run("make", "--no-print-directory")
    assert {line.split()[0] for line in listed.splitlines()} == targets
