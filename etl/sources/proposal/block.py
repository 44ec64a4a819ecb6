"""A proposal as a block of `xintu.toml`, and how it is added there."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from etl.settings import CONFIG_NAME, load_locality
from etl.sources.proposal.draft import Proposal
from etl.sources.proposal.signs import LIKELY


def as_toml(proposal: Proposal) -> str:
    """The proposal as a `[[sources]]` block, with a remark where it is not sure."""
    doubts = {c.ours: c for c in proposal.choices if c.confidence < LIKELY}

    def line(key: str, ours: str, value: object) -> str:
        remark = f"  # {doubts[ours].confidence:.0%}: {doubts[ours].why}" if ours in doubts else ""
        return f"{key} = {_quoted(str(value))}{remark}"

    lines = ["[[sources]]", f"id = {_quoted(proposal.source_id)}"]
    lines.append(line("role", "role", proposal.role))
    lines.append(f"path = {_quoted(proposal.path)}")
    lines += [line(key, key, value) for key, value in proposal.settings.items()]
    if proposal.columns or any(name.startswith("columns.") for name in proposal.tables):
        lines.append("[sources.columns]")
        lines += [line(k, f"columns.{k}", v) for k, v in proposal.columns.items()]
    for name, table in proposal.tables.items():
        lines.append(f"[sources.{name}]")
        lines += [line(_quoted(k), f"{name}.{k}", v) for k, v in table.items()]
    return "\n".join(lines) + "\n"


def append_source(folder: Path, toml: str) -> None:
    """Add a source at the end of `xintu.toml`; what stands there stays byte for byte.

    Raises
    ------
    ConfigError, FaultsError : the file would not be valid with it; then nothing is written.
    """
    path = folder / CONFIG_NAME
    load_locality(folder)  # says what is wrong with it as it is
    old = path.read_bytes()
    newline = "\r\n" if b"\r\n" in old else "\n"
    gap = b"" if old.endswith(b"\n") else newline.encode()
    added = (newline + toml.replace("\n", newline)).encode("utf-8")
    with tempfile.TemporaryDirectory(dir=folder, prefix=".xintu-map-") as name:
        trial = Path(name) / CONFIG_NAME
        with trial.open("wb") as file:
            file.write(old + gap + added)
            file.flush()
            os.fsync(file.fileno())
        trial.chmod(path.stat().st_mode & 0o777)
        load_locality(trial.parent)
        trial.replace(path)


def _quoted(text: str) -> str:
    """A TOML string: every character that would end it or is not printed is escaped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    escaped = re.sub(r"[\x00-\x1f\x7f]", lambda m: f"\\u{ord(m.group()):04x}", escaped)
    return f'"{escaped}"'
