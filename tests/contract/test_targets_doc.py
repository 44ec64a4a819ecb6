"""The table of docs/targets.md is what the packs say."""

from __future__ import annotations

import re
from pathlib import Path

from etl.policies import IndicatorSettings, Known, load_policy, pack_names, registry_toml
from etl.settings import categories, registry

DOC = (Path(__file__).parents[2] / "docs" / "targets.md").read_text(encoding="utf-8")
PACKS = (
    "wuzhong", "wuhan", "qingpu_liantang", "helinger", "changchun_etdz", "national_pilot",
)  # fmt: skip


def cell(indicator: IndicatorSettings | None) -> str:
    """Targets as the table writes them: `50 % 2020 → 80 % 2021`, `1 per 4000`, `–`."""
    if indicator is None:
        return "–"
    unit = " %" if indicator.per is None else f" per {indicator.per:g}"
    factor = 100 if indicator.per is None else 1
    return " → ".join(
        f"{factor * step.target:g}{unit}" + (f" {step.due.year}" if step.due else "")
        for step in indicator.targets
    )


def table() -> list[str]:
    """Rows of the table, from the packs."""
    known = Known(
        measures={e["code"]: bool(e.get("stock")) for e in registry("measures")["measures"]},
        groups=frozenset(e["code"] for e in registry("groups")["groups"]),
        categories=categories(),
        weeks=26,
    )
    packs = {}
    for name in PACKS:
        policy, faults = load_policy(name, [], folder=Path(), config_file="xintu.toml", known=known)
        assert faults == []
        packs[name] = {indicator.code: indicator for indicator in policy.indicators}
    rows = []
    for entry in registry_toml("indicators.toml")["indicators"]:
        code = entry["code"]
        cells = [cell(packs[name].get(code)) for name in PACKS]
        if any(said != "–" for said in cells):
            rows.append(f"| `{code}` {entry['name']['en']} | {' | '.join(cells)} |")
    return rows


def test_the_table_is_what_the_packs_say() -> None:
    section = re.search(r"^\| indicator \| `wuzhong`.*?\n\n", DOC, re.MULTILINE | re.DOTALL)
    assert section is not None
    head, _, *rows = section.group(0).strip().splitlines()
    assert tuple(re.findall(r"`(\w+)`", head)) == PACKS
    assert set(PACKS) == set(pack_names())
    assert rows == table()


def test_every_registered_indicator_is_in_the_documentation() -> None:
    for entry in registry_toml("indicators.toml")["indicators"]:
        assert f"`{entry['code']}`" in DOC
