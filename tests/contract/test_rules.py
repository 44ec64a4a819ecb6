"""docs/rules.md holds every rule of the intake as the catalogue has it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from etl.findings import rules

ROOT = Path(__file__).parents[2]
DOC = ROOT / "docs" / "rules.md"


def test_the_document_is_up_to_date(tmp_path: Path) -> None:
    """`make rules` writes it anew."""
    fresh = tmp_path / "rules.md"
    script = ROOT / "scripts" / "write_rules.py"
    subprocess.run([sys.executable, script, fresh], cwd=ROOT, check=True)
    assert DOC.read_text(encoding="utf-8") == fresh.read_text(encoding="utf-8")


def test_every_rule_is_named_once() -> None:
    named = re.findall(r"^\| `(\w+)`<br>", DOC.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(named) == sorted(rules())


def test_the_guides_of_both_languages_lead_to_it() -> None:
    for name in ("intake.md", "intake.zh-CN.md"):
        assert "(rules.md)" in (ROOT / "docs" / name).read_text(encoding="utf-8"), name
