"""Writes docs/rules.md, every rule of the intake in both languages: write_rules.py [FILE]."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from etl.findings import Rule, rules

ROOT = Path(__file__).parents[1]
# Headings of etl/registry/rules.toml, as a department reads them.
GROUPS = {
    "whole files": "整份文件",
    "rows": "行与格",
    "figures that are hard to believe": "难以置信的数字",
    "roads": "道路",
    "facilities": "机构与位置",
    "former areas": "合并与拆分的区域",
    "counts of facilities": "按机构上报的数",
    "boundaries": "边界",
}
SEVERITIES = {"error": "错误 error", "warning": "存疑 warning", "info": "说明 info"}
HEAD = """# 检查规则 · Rules of the intake

由 etl/registry/rules.toml 生成：`make rules`。共 {count} 条。花括号中的词在报告时换成实际的内容。

Made from etl/registry/rules.toml by `make rules`. Words in braces are filled in where the doubt
arises.

| 级别 | 意思 |
|---|---|
| 错误 error | 文件、行或数字没有计入 · files, rows or figures are left out |
| 存疑 warning | 请核对；计入与否见“怎么办” · please check; the action says whether it counts |
| 说明 info | 告知而已，不必处理 · said, so that nothing happens unseen |
"""


def grouped() -> dict[str, list[Rule]]:
    """Rules by the heading under which the catalogue has them."""
    text = (ROOT / "etl" / "registry" / "rules.toml").read_text(encoding="utf-8")
    known = rules()
    found: dict[str, list[Rule]] = {}
    for heading, code in re.findall(r'^# -+ (.+)$|^code = "(\w+)"$', text, re.MULTILINE):
        if heading:
            found[heading] = own = []
        else:
            own.append(known[code])
    return found


def _cell(text: str) -> str:
    return text.replace("{{", "{").replace("}}", "}").replace("|", "\\|").replace("\n", " ")


def written() -> str:
    """The document."""
    parts = [HEAD.format(count=len(rules()))]
    for heading, own in grouped().items():
        parts.append(f"## {GROUPS[heading]} · {heading[0].upper()}{heading[1:]}\n")
        parts.append("| 规则 | 级别 | 应为 | 怎么办 |\n|---|---|---|---|")
        for rule in own:
            cells = (
                f"`{rule.code}`<br>{rule.title.zh}<br>{rule.title.en}",
                SEVERITIES[rule.severity],
                f"{rule.wanted.zh}<br>{rule.wanted.en}",
                f"{rule.action.zh}<br>{rule.action.en}",
            )
            parts.append(f"| {' | '.join(map(_cell, cells))} |")
        parts.append("")
    return "\n".join(parts).rstrip("\n") + "\n"


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "rules.md"
    target.write_text(written(), encoding="utf-8")
