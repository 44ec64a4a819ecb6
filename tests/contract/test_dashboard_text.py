"""Every visible string is in the catalogs, in both languages, and every catalog entry is used."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from dashboard import text
from geo.siting.solve import By

ROOT = Path(__file__).parents[2] / "dashboard"
MODULES = [
    path for path in sorted(ROOT.rglob("*.py")) if "text" not in path.relative_to(ROOT).parts
]
CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
# Said before a page is there, beside each other in both languages, or only on a terminal.
BILINGUAL = {"cli.py", "console.py", "server.py", "doctor.py", "capture.py"}
BRAND = "心图"
KEY = re.compile(r"[a-z]+(\.[a-z0-9_]+)+")


def literals(path: Path) -> Iterator[tuple[int, str]]:
    """String literals of a module that are not docstrings; fields of f-strings become `*`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    inside: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inside |= {id(part) for part in node.values}
            parts = [part.value if isinstance(part, ast.Constant) else "*" for part in node.values]
            yield node.lineno, "".join(str(part) for part in parts)
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings | inside
        ):
            yield node.lineno, node.value


@cache
def used_patterns() -> set[str]:
    """Keys and key patterns (`map.tier.*`) that the code mentions."""
    found = set()
    files = {key.partition(".")[0] for key in text.load(text.DEFAULT_LANGUAGE).strings}
    for path in sorted(ROOT.rglob("*.py")):
        for _, value in literals(path):
            if value.partition(".")[0] in files and KEY.fullmatch(value.replace("*", "x")):
                found.add(value)
    return found


def one_of(patterns: set[str]) -> re.Pattern[str]:
    """What any of these stands for; compiled once, for there are thousands of keys and patterns."""
    parts = [
        "[a-z0-9_.]+".join(re.escape(part) for part in pattern.split("*"))
        for pattern in sorted(patterns)
    ]
    return re.compile("|".join(parts))


def test_languages_have_the_same_keys() -> None:
    chinese, english = (set(text.load(lang).strings) for lang in text.LANGUAGES)
    assert chinese - english == set()
    assert english - chinese == set()


def test_languages_fill_the_same_fields() -> None:
    chinese, english = (text.load(lang).strings for lang in text.LANGUAGES)

    def fields(value: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(value) if name}

    # A language may leave out what its grammar does not need, but not ask for something else.
    apart = [
        key
        for key in chinese
        if not (fields(chinese[key]) <= fields(english[key]) or
                fields(english[key]) <= fields(chinese[key]))
    ]  # fmt: skip
    assert apart == []


def test_every_key_is_used() -> None:
    used = one_of(used_patterns())
    assert [key for key in text.load("zh-CN").strings if not used.fullmatch(key)] == []


def test_every_key_used_is_there() -> None:
    catalog = text.load("zh-CN")
    plain = {key for key in used_patterns() if "*" not in key}
    # Names of files that look like keys.
    plain = {key for key in plain if not key.endswith((".toml", ".json", ".py", ".css", ".bin"))}
    assert sorted(key for key in plain if not catalog.has(key)) == []


@pytest.mark.parametrize("lang", text.LANGUAGES)
@pytest.mark.parametrize("found_by", get_args(By))
def test_every_way_to_find_sites_has_words(found_by: str, lang: str) -> None:
    key, catalog = found_by.replace("+", "_"), text.load(lang)
    assert catalog.has(f"siting.basis.{key}")
    assert catalog.has(f"proposal.method.how_{key}")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_chinese_outside_the_catalogs(path: Path) -> None:
    if path.name in BILINGUAL or path.name.startswith("cli_"):
        pytest.skip("speaks both languages at once, to a terminal or on a picture that failed")
    assert [
        (line, value) for line, value in literals(path) if CHINESE.search(value.replace(BRAND, ""))
    ] == []
