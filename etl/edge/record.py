"""What was counted, for the department's files: by whom it may be checked, with no person in it."""

from __future__ import annotations

import hashlib
import json
import os
from array import array
from dataclasses import asdict
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from etl.edge.counting import COLUMNS, REASONS, YES, Outcome, Wish
from etl.edge.export import Export
from etl.headings import shown_header
from etl.persons import redact
from etl.sources.headers import plain
from etl.spreadsheet import csv_bytes, workbook_bytes
from geo.errors import ConfigError

# Ranges of row numbers written out for a reason; the rest is counted.
_MOST_RANGES = 2_000
_MOST_SHOWN = 40
_CHUNK = 1 << 20


def write(export: Export, wish: Wish, outcome: Outcome, out: Path, *, now: datetime) -> list[Path]:
    """Write the counts and their record, each whole or not at all.

    Parameters
    ----------
    out : CSV or XLSX by its suffix; the record stands beside it, for machines and for people.

    Raises
    ------
    ConfigError : another suffix, or `out` is the export itself.
    """
    suffix = out.suffix.lower()
    if suffix not in {".csv", ".xlsx"}:
        raise ConfigError(f"--out {out.name}：应为 .csv 或 .xlsx (wanted .csv or .xlsx)")
    if out.exists() and out.samefile(export.path):
        raise ConfigError("--out：不能覆盖原始文件 (would replace the export)")
    facts = facts_of(export, wish, outcome, now=now)
    if suffix == ".csv":
        table = csv_bytes(outcome.frame)
    else:
        rows = outcome.frame.astype(object).where(outcome.frame.notna(), None)
        table = workbook_bytes("周统计", COLUMNS, rows.to_numpy().tolist())
    written = {
        out: table,
        out.with_name(f"{out.stem}_记录.json"): _json(facts),
        out.with_name(f"{out.stem}_记录.txt"): ("\ufeff" + text_of(facts)).encode(),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    for path, content in written.items():
        part = path.with_name(f"{path.name}.part")
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    return list(written)


def facts_of(export: Export, wish: Wish, outcome: Outcome, *, now: datetime) -> dict[str, Any]:
    """The record: file, columns, rows and where they went; row numbers and no cell."""
    columns = {plain(name): i for i, name in enumerate(export.names)}
    settings = {name: value for name, value in asdict(wish).items() if value is not None}
    for name in _COLUMNS & settings.keys():
        place = columns.get(plain(settings[name]))
        if place is not None:
            settings[name] = shown_header(settings[name], place)
    small = outcome.frame["small"] == YES
    return {
        "product": f"xintu {metadata.version('xintu')}",
        "made_at": now.isoformat(timespec="seconds"),
        "file": redact(export.path.name),
        "sha256": _sha256(export.path),
        "bytes": export.path.stat().st_size,
        "sheet": None if export.sheet is None else redact(export.sheet),
        "encoding": export.encoding,
        "settings": {
            name: str(value) if name in {"start", "end"} else value
            for name, value in settings.items()
        },
        "rows": outcome.rows,
        "counted": outcome.counted,
        "left_out": {
            reason: {"rows": len(rows), "at": _ranges(rows)}
            for reason, rows in outcome.left_out.items()
        },
        "figures": len(outcome.frame),
        "small": int(small.sum()),
    }


def text_of(facts: dict[str, Any]) -> str:
    """The record as a person reads it."""
    settings, left = facts["settings"], facts["rows"] - facts["counted"]
    lines = [
        "汇总记录（不含任何个人信息）",
        "",
        f"原始文件：{facts['file']}",
        f"文件校验值（SHA-256）：{facts['sha256']}",
        f"制作时间：{facts['made_at']}，程序：{facts['product']}",
        f"使用的列：区域“{settings['area']}”，日期“{settings['day']}”，指标“{settings['measure']}”"
        + (f"，去重“{settings['distinct']}”（只在内存中使用）" if "distinct" in settings else ""),
        f"统计时段：{settings.get('start', '不限')} 至 {settings.get('end', '不限')}",
        f"读入 {facts['rows']:,} 行：计入 {facts['counted']:,} 行，未计入 {left:,} 行",
        f"得到 {facts['figures']:,} 个数，其中小于 {settings['k']} 的 {facts['small']:,} 个，"
        + ("已留空。" if settings["withhold_small"] else "已标注。"),
    ]
    if facts["left_out"]:
        lines += ["", "未计入的行（行号与 Excel 中一致）："]
    for reason, entry in facts["left_out"].items():
        at = "、".join(entry["at"][:_MOST_SHOWN])
        more = " … 其余见同名 JSON" if len(entry["at"]) > _MOST_SHOWN else ""
        lines.append(f"  {REASONS[reason]}：{entry['rows']:,} 行，第 {at} 行{more}")
    return "\r\n".join(lines) + "\r\n"


_COLUMNS = frozenset({"area", "day", "distinct", "measure"})


def _ranges(rows: array[int]) -> list[str]:
    """Row numbers as ranges: 3-5, 9."""
    found: list[str] = []
    start = last = None
    for number in [*rows, None]:
        if last is not None and number == last + 1:
            last = number
            continue
        if start is not None:
            if len(found) == _MOST_RANGES:
                return [*found, f"… (> {start - 1})"]
            found.append(str(start) if start == last else f"{start}-{last}")
        start = last = number
    return found


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _json(facts: dict[str, Any]) -> bytes:
    return (json.dumps(facts, ensure_ascii=False, indent=2) + "\n").encode()
