"""The page of measurements: a section a part, each with its own date, kept until measured again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

COLUMNS = ("work", "ours", "peer", "ratio", "note")
HEAD = """# Benchmarks

`make bench` writes this page; `python -m tests.bench geo product` measures these parts again and
leaves the others as they are. Both sides of a row ran in one run: compare by ratio."""


def section(
    title: str, rows: Sequence[Mapping[str, Any]], *, measured: str, notes: str = ""
) -> str:
    """One part as Markdown.

    Parameters
    ----------
    rows : one mapping a line of the table; names outside `COLUMNS` are left out.
    measured : when and where.
    notes : what stands below the table.
    """
    table = [COLUMNS, ("---",) * len(COLUMNS)]
    table += [tuple(str(row.get(name, "")) for name in COLUMNS) for row in rows]
    lines = [f"| {' | '.join(cells)} |" for cells in table]
    return "\n\n".join(
        part for part in (f"## {title}", measured, "\n".join(lines), notes.strip()) if part
    )


def renew(page: str, titles: Sequence[str], new: Mapping[str, str]) -> str:
    """The page with new sections in place of the old ones.

    Parameters
    ----------
    page : the page as it is; may be empty.
    titles : of all parts, in their order; a section of another title is dropped.
    new : title → section.
    """
    kept = {
        part.partition("\n")[0]: f"## {part.rstrip()}"
        for part in re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    }
    sections = {**kept, **new}
    return "\n\n".join([HEAD, *(sections[title] for title in titles if title in sections)]) + "\n"
